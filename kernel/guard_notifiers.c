// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is called when a key is pressed, the system goes down, a module or a network device
 * comes: the notifier chains of the kernel image. A key is the chain and which block, a
 * value the function.
 */
#include "guard.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>
#include <net/net_namespace.h>

#define BLOCKS_MAX 1024
#define NETS_MAX   4096

/* X(name, kind of its head) */
#define NOTIFIER_CHAINS(X)                        \
	X(keyboard_notifier_list, atomic)         \
	X(vt_notifier_list, atomic)               \
	X(reboot_notifier_list, blocking)         \
	X(restart_prep_handler_list, blocking)    \
	X(restart_handler_list, atomic)           \
	X(panic_notifier_list, atomic)            \
	X(die_chain, atomic)                      \
	X(module_notify_list, blocking)           \
	X(tracepoint_notify_list, blocking)       \
	X(netdev_chain, raw)                      \
	X(netevent_notif_chain, atomic)           \
	X(netlink_chain, blocking)                \
	X(inetaddr_chain, blocking)               \
	X(inetaddr_validator_chain, blocking)     \
	X(inet6addr_chain, atomic)                \
	X(inet6addr_validator_chain, blocking)    \
	X(dcbevent_notif_chain, atomic)           \
	X(usb_notifier_list, blocking)            \
	X(fb_notifier_list, blocking)             \
	X(pm_chain_head, blocking)                \
	X(oom_notify_list, blocking)              \
	X(vmap_notify_list, blocking)             \
	X(memory_chain, blocking)                 \
	X(munmap_notifier, blocking)              \
	X(task_exit_notifier, blocking)           \
	X(task_free_notifier, atomic)             \
	X(lease_notifier_chain, srcu)             \
	X(blocking_lsm_notifier_chain, blocking)  \
	X(crypto_chain, blocking)                 \
	X(fips_fail_notif_chain, atomic)          \
	X(acpi_chain_head, blocking)              \
	X(acpi_hed_notify_list, blocking)         \
	X(x86_mce_decoder_chain, blocking)        \
	X(cpufreq_policy_notifier_list, blocking) \
	X(cpufreq_transition_notifier_list, srcu) \
	X(xenstore_chain, blocking)               \
	X(vmfork_chain, blocking)                 \
	X(pvclock_gtod_chain, raw)                \
	X(rcu_cpu_stall_notifiers, atomic)

#define AS_WANTED(chain, kind) { .name = #chain },
#define AS_OFFSET(chain, kind) offsetof(struct kind##_notifier_head, head),

enum {
	NETDEV_CHAINS_OF_NETS,
	CHAINS_FIRST
};

static struct symbol_wanted wanted[] = {
	[NETDEV_CHAINS_OF_NETS] = { .name = "net_namespace_list" },
	NOTIFIER_CHAINS(AS_WANTED)
};

/* where in its head a chain begins */
static const size_t offsets[] = { [NETDEV_CHAINS_OF_NETS] = 0,
				  NOTIFIER_CHAINS(AS_OFFSET) };

static void visit_chain(struct guard_visit *visit, size_t chain, const void *head)
{
	const struct notifier_block *block = (void *)guard_read(head);
	unsigned long call;
	size_t i;

	for (i = 0; block && i < BLOCKS_MAX; i++) {
		call = guard_read(&block->notifier_call);
		guard_word(visit, guard_member_key(chain, block, call), call);
		block = (void *)guard_read(&block->next);
	}
}

/* Under RCU a namespace is not freed. */
static void visit_nets(struct guard_visit *visit)
{
	const struct list_head *head = (void *)wanted[NETDEV_CHAINS_OF_NETS].address;
	const struct list_head *at = head;
	const struct net *net;
	size_t i;

	for (i = 0; head && i < NETS_MAX; i++) {
		at = (void *)guard_read(&at->next);
		if (!at || at == head)
			break;
		net = container_of(at, struct net, list);
		visit_chain(visit, NETDEV_CHAINS_OF_NETS, &net->netdev_chain.head);
	}
}

static void notifiers_visit(struct guard_visit *visit)
{
	size_t i;

	rcu_read_lock();
	for (i = CHAINS_FIRST; i < ARRAY_SIZE(wanted); i++) {
		if (wanted[i].address)
			visit_chain(visit, i, (void *)wanted[i].address + offsets[i]);
	}
	visit_nets(visit);
	rcu_read_unlock();
}

static void notifiers_report(const struct guard_change *change)
{
	u8 chain = guard_member_list(change->key);

	if (guard_is_lawful(change))
		return;
	guard_print_target(change, EMIT_HIGH, "notifier_added", " what=%s",
			   chain == NETDEV_CHAINS_OF_NETS ? "netdev_chain"
							  : wanted[chain].name);
}

static int notifiers_start(void)
{
	size_t i;

	BUILD_BUG_ON(ARRAY_SIZE(wanted) > U8_MAX);
	for (i = CHAINS_FIRST; i < ARRAY_SIZE(wanted); i++) {
		if (wanted[i].address)
			return 0;
	}
	return -ENOENT;
}

const struct guard guard_notifiers = {
	.name = "notifiers",
	.wanted = wanted,
	.n_wanted = ARRAY_SIZE(wanted),
	.start = notifiers_start,
	.visit = notifiers_visit,
	.report = notifiers_report,
};
