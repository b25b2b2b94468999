// SPDX-License-Identifier: GPL-2.0-only
/*
 * Staging and printing. A handler runs where it may not sleep, allocate, lock or print,
 * so it only copies one record into the kernel's own per-CPU, NMI-safe ring buffer and
 * raises an irq_work; that queues the worker, which prints in the order of the records: into
 * the store behind /proc/lksm, and then into the kernel log.
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
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/ring_buffer.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "lksm/wire.h"
#include "procfs.h"
#include "record.h"

static unsigned int staging_kib = 128;
module_param(staging_kib, uint, 0444);
MODULE_PARM_DESC(staging_kib,
		 "room for records not yet printed, KiB per CPU (about 2 a KiB)");

static struct {
	struct trace_buffer *buffer;
	struct workqueue_struct *queue;
	struct work_struct drain;
	struct irq_work wake;
	atomic64_t next_sequence;
	atomic_long_t n_refused;
	unsigned long told; /* jiffies, of n_refused; the worker's, as are the next */
	u64 n_done;	    /* printed, or told to be refused */
	struct emit_record record; /* too big for a stack */
	struct mutex print_lock;   /* of those below, and of the order of records */
	char exe[4 * EMIT_EXE_SIZE + 16];
	char pairs[2048];
	char line[LKSM_LINE_MAX - RECORD_PREFIX_SIZE];
} emit = {
	.print_lock = __MUTEX_INITIALIZER(emit.print_lock),
};

static const struct {
	const char *name;
	const char *level;
} severities[EMIT_SEVERITY_COUNT] = {
	[EMIT_INFO] = { "info", KERN_INFO },
	[EMIT_MEDIUM] = { "medium", KERN_NOTICE },
	[EMIT_HIGH] = { "high", KERN_WARNING },
	[EMIT_CRITICAL] = { "critical", KERN_CRIT },
};

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

/* Cuts @line to @size_max bytes, between two pairs, and says so. */
static void cut_pairs(char *line, size_t size_max)
{
	static const char mark[] = " truncated=yes";
	size_t i, end = 0;
	bool is_quoted = false;

	if (strlen(line) <= size_max)
		return;
	for (i = 0; i <= size_max - strlen(mark); i++) {
		if (line[i] == '"')
			is_quoted = !is_quoted;
		if (line[i] == ' ' && !is_quoted)
			end = i;
	}
	strscpy(line + end, mark, sizeof(mark));
}

/* With the lock: the pairs of a record, type and severity first, who last. */
static void format_pairs(const struct emit_record *record, enum emit_severity severity,
			 const char *type, struct va_format *format)
{
	const size_t size = sizeof(emit.pairs);
	char comm[4 * TASK_COMM_LEN + 16], module[4 * MODULE_NAME_LEN + 16];
	size_t n;

	n = scnprintf(emit.pairs, size, LKSM_LOGFMT_HEAD "%pV", type,
		      severities[severity].name, format);
	if (!record)
		return;
	if (record->module[0])
		n += scnprintf(emit.pairs + n, size - n, " module=%s",
			       emit_quote(module, sizeof(module), record->module));
	if (record->pid < 0)
		return;
	n += scnprintf(emit.pairs + n, size - n, " pid=%d comm=%s uid=%u", record->pid,
		       emit_quote(comm, sizeof(comm), record->comm), record->uid);
	if (record->exe[0])
		scnprintf(emit.pairs + n, size - n, " exe=%s",
			  emit_quote(emit.exe, sizeof(emit.exe), record->exe));
}

/* With the lock: store first, so that a reader is awake before a slow console is done. */
static void publish(const struct emit_record *record, enum emit_severity severity,
		    const char *sentence)
{
	static const char head[] = "mirror=";
	const char *line = emit.pairs;

	if (sentence) {
		strscpy(emit.line, head, sizeof(emit.line));
		emit_quote(emit.line + strlen(head),
			   sizeof(emit.line) - sizeof(head) - 1 - strlen(emit.pairs),
			   sentence);
		strlcat(emit.line, " ", sizeof(emit.line));
		strlcat(emit.line, emit.pairs, sizeof(emit.line));
		line = emit.line;
	}
	record_append(record ? record->time_ns : local_clock(), line, strlen(line));
	procfs_wake();
	printk("%s" LKSM_TAG "%s\n", severities[severity].level,
	       sentence ? sentence : emit.pairs);
}

static void say(const struct emit_record *record, enum emit_severity severity,
		const char *type, const char *sentence, struct va_format *pairs)
{
	mutex_lock(&emit.print_lock);
	format_pairs(record, severity, type, pairs);
	/* Without a sentence they are the mirror. A full buffer was cut by printf. */
	cut_pairs(emit.pairs, sentence ? sizeof(emit.pairs) - 2 : LKSM_MIRROR_MAX);
	publish(record, severity, sentence);
	mutex_unlock(&emit.print_lock);
}

void photon_printk(const struct emit_record *record, enum emit_severity severity,
		   const char *type, const char *sentence, const char *format, ...)
{
	struct va_format pairs = { .fmt = format };
	va_list args;

	va_start(args, format);
	pairs.va = &args;
	say(record, severity, type, sentence, &pairs);
	va_end(args);
}

void photon_logfmt(const struct emit_record *record, enum emit_severity severity,
		   const char *type, const char *format, ...)
{
	struct va_format pairs = { .fmt = format };
	va_list args;

	va_start(args, format);
	pairs.va = &args;
	say(record, severity, type, NULL, &pairs);
	va_end(args);
}

void photon_logfmt_by_task(enum emit_severity severity, const char *type,
			   const char *format, ...)
{
	struct emit_record *record = kzalloc(sizeof(*record), GFP_KERNEL);
	struct va_format pairs = { .fmt = format };
	va_list args;

	if (record)
		emit_set_task(record);
	va_start(args, format);
	pairs.va = &args;
	say(record, severity, type, NULL, &pairs);
	va_end(args);
	kfree(record);
}

void photon_records_lost(unsigned long count, const char *reason)
{
	photon_logfmt(NULL, EMIT_HIGH, "records_lost",
		      " stream=sensor count=%lu reason=%s", count, reason);
}

size_t emit_copy(char *to, size_t size, const char *from)
{
	size_t n;

	/* Byte by byte: a longer read could cross into a page that is not there. */
	for (n = 0; n < size - 1; n++) {
		if (copy_from_kernel_nofault(&to[n], from + n, 1) || !to[n])
			break;
	}
	to[n] = '\0';
	if (n == size - 1)
		to[n - 1] = to[n - 2] = to[n - 3] = '.';
	return n;
}
NOKPROBE_SYMBOL(emit_copy);

void emit_copy_text(char to[EMIT_TEXT_SIZE], const char *from)
{
	(void)emit_copy(to, EMIT_TEXT_SIZE, from); /* nothing follows it */
}
NOKPROBE_SYMBOL(emit_copy_text);

/* The process may put another one in its place meanwhile, and a file may be reused. */
static struct file *get_exe(struct mm_struct *mm)
{
#ifdef PHOTON_HAS_GET_FILE_ACTIVE
	return get_file_active((struct file **)&mm->exe_file);
#else
	struct file *file;

	rcu_read_lock();
	file = rcu_dereference(mm->exe_file);
	if (file && !get_file_rcu(file))
		file = NULL;
	rcu_read_unlock();
	return file;
#endif
}
NOKPROBE_SYMBOL(get_exe);

/*
 * Neither d_path() nor fput() sleeps. d_path() may spin on rename_lock, so nothing that
 * holds it may be probed.
 */
static void set_exe(struct emit_record *record)
{
	struct mm_struct *mm = current->mm;
	struct file *file;
	char *path;

	record->exe[0] = '\0';
	if (!mm || in_interrupt() || (current->flags & (PF_KTHREAD | PF_EXITING)))
		return;
	file = get_exe(mm);
	if (!file)
		return;
	path = d_path(&file->f_path, record->exe, sizeof(record->exe));
	if (IS_ERR(path))
		strscpy(record->exe, "...", sizeof(record->exe)); /* too long */
	else
		memmove(record->exe, path, strlen(path) + 1);
	fput(file);
}
NOKPROBE_SYMBOL(set_exe);

void emit_set_task(struct emit_record *record)
{
	record->pid = current->tgid;
	/* A kuid_t counts as the initial user namespace does. */
	record->uid = __kuid_val(current_uid());
	memcpy(record->comm, current->comm, sizeof(record->comm));
	record->comm[sizeof(record->comm) - 1] = '\0';
	record->time_ns = local_clock();
	set_exe(record);
}
NOKPROBE_SYMBOL(emit_set_task);

void emit_set_nobody(struct emit_record *record)
{
	memset(record, 0, sizeof(*record));
	record->pid = -1;
	record->time_ns = local_clock();
}

void emit_stage(struct emit_record *record)
{
	emit_set_task(record);
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

/* The CPU whose oldest record is the oldest of all, and not newer than @last, or -1. */
static int oldest_cpu(u64 last)
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
		if (sequence <= last && sequence < oldest) {
			oldest = sequence;
			found = cpu;
		}
	}
	return found;
}

/* At once when a burst is over; as long as it lasts, once a second. */
static void tell_refused(void)
{
	unsigned long n;

	if (oldest_cpu(U64_MAX) >= 0 && time_before(jiffies, emit.told + HZ))
		return;
	n = atomic_long_xchg(&emit.n_refused, 0);
	if (!n)
		return;
	emit.told = jiffies;
	emit.n_done += n;
	photon_records_lost(n, "overrun");
}

/*
 * What was staged when it begins, and no more: whoever waits in emit_flush() must get away
 * while others go on staging. The rest has raised the irq_work again.
 */
static void drain(struct work_struct *work)
{
	u64 last = atomic64_read(&emit.next_sequence);
	struct ring_buffer_event *event;
	int cpu;

	while ((cpu = oldest_cpu(last)) >= 0) {
		event = ring_buffer_consume(emit.buffer, cpu, NULL, NULL);
		if (!event)
			break;
		/* The buffer aligns to 4 bytes only, and may be reused from now on. */
		memcpy(&emit.record, ring_buffer_event_data(event), sizeof(emit.record));
		emit.record.print(&emit.record);
		emit.n_done++;
		cond_resched();
	}
	tell_refused();
}

void emit_flush(void)
{
	irq_work_sync(&emit.wake);
	flush_work(&emit.drain);
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

/* The books: what was staged has been printed, or refused, or the buffer has lost it. */
static void tell_unaccounted(void)
{
	u64 n = atomic64_read(&emit.next_sequence) - emit.n_done;

	if (n)
		photon_records_lost(n, "unaccounted");
}

void emit_deinit(void)
{
	irq_work_sync(&emit.wake);
	queue_work(emit.queue, &emit.drain);
	destroy_workqueue(emit.queue);
	tell_unaccounted();
	ring_buffer_free(emit.buffer);
}
