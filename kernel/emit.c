// SPDX-License-Identifier: GPL-2.0-only
/*
 * Staging and printing. A handler runs where it may not sleep, allocate, lock or print,
 * so it only copies one record into the kernel's own per-CPU, NMI-safe ring buffer and
 * raises an irq_work; that queues the worker, which prints in the order of the records.
 *
 *	handler: emit_stage() -> ring buffer of this CPU -> irq_work -> worker: print()
 *
 * The ring buffer does not overwrite: when it is full the newest record is refused and
 * counted, so the first signs of an attack stay and the loss is known exactly.
 */
#include "emit.h"

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/cred.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/ring_buffer.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "lksm/wire.h"

static unsigned int staging_kib = 128;
module_param(staging_kib, uint, 0444);
MODULE_PARM_DESC(staging_kib,
		 "room for records not yet printed, KiB per CPU (about 3 a KiB)");

static struct {
	struct trace_buffer *buffer;
	struct workqueue_struct *queue;
	struct work_struct drain;
	struct irq_work wake;
	atomic64_t next_sequence;
	atomic_long_t n_refused;
	struct emit_record record; /* the worker's; too big for a stack */
} emit;

static const struct {
	const char *name;
	const char *level;
} severities[EMIT_SEVERITY_COUNT] = {
	[EMIT_INFO] = { "info", KERN_INFO },
	[EMIT_MEDIUM] = { "medium", KERN_NOTICE },
	[EMIT_HIGH] = { "high", KERN_WARNING },
	[EMIT_CRITICAL] = { "critical", KERN_CRIT },
};

void photon_printk(enum emit_severity severity, const char *format, ...)
{
	struct va_format message = { .fmt = format };
	va_list args;

	va_start(args, format);
	message.va = &args;
	printk("%s" LKSM_TAG "%pV\n", severities[severity].level, &message);
	va_end(args);
}

void photon_logfmt(enum emit_severity severity, const char *type, const char *format, ...)
{
	struct va_format pairs = { .fmt = format };
	va_list args;

	va_start(args, format);
	pairs.va = &args;
	photon_printk(severity, LKSM_LOGFMT_HEAD "%pV", type, severities[severity].name,
		      &pairs);
	va_end(args);
}

void photon_records_lost(unsigned long count, const char *reason)
{
	photon_logfmt(EMIT_HIGH, "records_lost", " stream=sensor count=%lu reason=%s",
		      count, reason);
}

static bool is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '\\' && byte != '"';
}

static const char *escape(char *to, size_t size, const char *from, bool keeps_spaces)
{
	/* Room for one escape and, after it, the mark of a cut and the NUL. */
	const size_t last = size - 8;
	size_t n = 0;

	for (; *from && n < last; from++) {
		if (is_plain(*from) && (keeps_spaces || *from != ' '))
			to[n++] = *from;
		else
			n += scnprintf(to + n, 5, "\\x%02x", (unsigned char)*from);
	}
	strscpy(to + n, *from ? "..." : "", size - n);
	return to;
}

const char *emit_escape(char *to, size_t size, const char *from)
{
	return escape(to, size, from, false);
}

static bool needs_quotes(const char *text)
{
	const char *byte = text;

	for (; *byte; byte++) {
		if (!is_plain(*byte) || *byte == ' ' || *byte == '=')
			return true;
	}
	return byte == text;
}

const char *emit_quote(char *to, size_t size, const char *from)
{
	size_t n;

	if (!needs_quotes(from))
		return emit_escape(to, size, from);
	to[0] = '"';
	escape(to + 1, size - 2, from, true);
	n = strlen(to);
	to[n] = '"';
	to[n + 1] = '\0';
	return to;
}

void emit_copy_text(char to[EMIT_TEXT_SIZE], const char *from)
{
	size_t n;

	/* Byte by byte: a longer read could cross into a page that is not there. */
	for (n = 0; n < EMIT_TEXT_SIZE - 1; n++) {
		if (copy_from_kernel_nofault(&to[n], from + n, 1) || !to[n])
			break;
	}
	to[n] = '\0';
	if (n == EMIT_TEXT_SIZE - 1)
		to[n - 1] = to[n - 2] = to[n - 3] = '.';
}
NOKPROBE_SYMBOL(emit_copy_text);

void emit_stage(struct emit_record *record)
{
	record->pid = current->tgid;
	/* A kuid_t counts as the initial user namespace does. */
	record->uid = __kuid_val(current_uid());
	memcpy(record->comm, current->comm, sizeof(record->comm));
	record->comm[sizeof(record->comm) - 1] = '\0';
	record->sequence = atomic64_inc_return(&emit.next_sequence);
	if (ring_buffer_write(emit.buffer, sizeof(*record), record))
		atomic_long_inc(&emit.n_refused);
	irq_work_queue(&emit.wake);
}
NOKPROBE_SYMBOL(emit_stage);

static void on_wake(struct irq_work *work)
{
	queue_work(emit.queue, &emit.drain);
}

/* The CPU whose oldest record is the oldest of all, or -1. */
static int oldest_cpu(void)
{
	u64 sequence, oldest = U64_MAX;
	struct ring_buffer_event *event;
	int cpu, found = -1;

	for_each_possible_cpu (cpu) {
		event = ring_buffer_peek(emit.buffer, cpu, NULL, NULL);
		if (!event)
			continue;
		memcpy(&sequence,
		       ring_buffer_event_data(event) +
			       offsetof(struct emit_record, sequence),
		       sizeof(sequence));
		if (sequence < oldest) {
			oldest = sequence;
			found = cpu;
		}
	}
	return found;
}

static void drain(struct work_struct *work)
{
	struct ring_buffer_event *event;
	unsigned long n_refused;
	int cpu;

	while ((cpu = oldest_cpu()) >= 0) {
		event = ring_buffer_consume(emit.buffer, cpu, NULL, NULL);
		if (!event)
			break;
		/* The buffer aligns to 4 bytes only, and may be reused from now on. */
		memcpy(&emit.record, ring_buffer_event_data(event), sizeof(emit.record));
		emit.record.print(&emit.record);
		cond_resched();
	}
	n_refused = atomic_long_xchg(&emit.n_refused, 0);
	if (n_refused)
		photon_records_lost(n_refused, "overrun");
}

int emit_init(void)
{
	unsigned long size = clamp_t(unsigned long, staging_kib, 8, 16384) << 10;

	emit.buffer = ring_buffer_alloc(size, 0);
	if (!emit.buffer)
		return -ENOMEM;
	emit.queue = alloc_ordered_workqueue("photon_ring", 0);
	if (!emit.queue)
		goto err_free_buffer;
	INIT_WORK(&emit.drain, drain);
	init_irq_work(&emit.wake, on_wake);
	return 0;

err_free_buffer:
	ring_buffer_free(emit.buffer);
	return -ENOMEM;
}

void emit_deinit(void)
{
	irq_work_sync(&emit.wake);
	queue_work(emit.queue, &emit.drain);
	destroy_workqueue(emit.queue);
	ring_buffer_free(emit.buffer);
}
