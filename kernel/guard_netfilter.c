// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who sees packets pass: netfilter's hooks in every network namespace and on every device,
 * and the handlers of packet types. A key is which list and what tells a member from the
 * others in it, a value the function.
 */
#include "guard.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/rcupdate.h>
#include <net/net_namespace.h>

#define NETS_MAX	 4096
#define DEVICES_MAX	 16384
#define HOOKS_MAX	 1024 /* as nf_hook_entries_grow() allows */
#define PACKET_TYPES_MAX 1024
#define PTYPE_LISTS	 16 /* PTYPE_HASH_SIZE */

enum {
	NET_NAMESPACE_LIST,
	PTYPE_ALL,
	PTYPE_BASE,
	WANTED_COUNT
};

static struct symbol_wanted wanted[WANTED_COUNT] = {
	[NET_NAMESPACE_LIST] = { .name = "net_namespace_list" },
	[PTYPE_ALL] = { .name = "ptype_all" },
	[PTYPE_BASE] = { .name = "ptype_base" },
};

enum {
	IPV4,
	IPV6 = IPV4 + NF_INET_NUMHOOKS,
	ARP = IPV6 + NF_INET_NUMHOOKS,
	BRIDGE = ARP + NF_ARP_NUMHOOKS,
	NETDEV_INGRESS = BRIDGE + NF_INET_NUMHOOKS,
	NETDEV_EGRESS,
	NETDEV_RX_HANDLER,
	PACKET_ALL,
	PACKET_TYPE,
	LIST_COUNT
};

#define INET_HOOKS(family)                                            \
	family "/pre_routing", family "/local_in", family "/forward", \
		family "/local_out", family "/post_routing"

static const char *const list_names[LIST_COUNT] = {
	INET_HOOKS("ipv4"),  INET_HOOKS("ipv6"),   "arp/in",	     "arp/out",
	"arp/forward",	     INET_HOOKS("bridge"), "netdev/ingress", "netdev/egress",
	"netdev/rx_handler", "packet/all",	   "packet/type",
};

static void visit_function(struct guard_visit *visit, u8 list, const void *where,
			   const void *slot)
{
	unsigned long function = guard_read(slot);

	if (function)
		guard_word(visit, guard_member_key(list, where, function), function);
}

/* @slot: of the pointer to the array; the array is another one after each change */
static void visit_hooks(struct guard_visit *visit, u8 list, const void *slot)
{
	const struct nf_hook_entries *entries = (void *)guard_read(slot);
	u16 i, n = 0;

	if (!entries || get_kernel_nofault(n, &entries->num_hook_entries))
		return;
	for (i = 0; i < n && i < HOOKS_MAX; i++)
		visit_function(visit, list, slot, &entries->hooks[i].hook);
}

static void visit_families(struct guard_visit *visit, const struct net *net)
{
#ifdef CONFIG_NETFILTER
	size_t i;

	for (i = 0; i < ARRAY_SIZE(net->nf.hooks_ipv4); i++)
		visit_hooks(visit, IPV4 + i, &net->nf.hooks_ipv4[i]);
	for (i = 0; i < ARRAY_SIZE(net->nf.hooks_ipv6); i++)
		visit_hooks(visit, IPV6 + i, &net->nf.hooks_ipv6[i]);
#ifdef CONFIG_NETFILTER_FAMILY_ARP
	for (i = 0; i < ARRAY_SIZE(net->nf.hooks_arp); i++)
		visit_hooks(visit, ARP + i, &net->nf.hooks_arp[i]);
#endif
#ifdef CONFIG_NETFILTER_FAMILY_BRIDGE
	for (i = 0; i < ARRAY_SIZE(net->nf.hooks_bridge); i++)
		visit_hooks(visit, BRIDGE + i, &net->nf.hooks_bridge[i]);
#endif
#endif
}

static void visit_packet_types(struct guard_visit *visit, u8 list,
			       const struct list_head *head)
{
	const struct list_head *at = head;
	const struct packet_type *type;
	size_t i;

	for (i = 0; head && i < PACKET_TYPES_MAX; i++) {
		at = (void *)guard_read(&at->next);
		if (!at || at == head)
			break;
		type = container_of(at, struct packet_type, list);
		visit_function(visit, list, type, &type->func);
	}
}

static void visit_device(struct guard_visit *visit, const struct net_device *device)
{
#ifdef CONFIG_NETFILTER_INGRESS
	visit_hooks(visit, NETDEV_INGRESS, &device->nf_hooks_ingress);
#endif
#ifdef CONFIG_NETFILTER_EGRESS
	visit_hooks(visit, NETDEV_EGRESS, &device->nf_hooks_egress);
#endif
	visit_function(visit, NETDEV_RX_HANDLER, device, &device->rx_handler);
	visit_packet_types(visit, PACKET_ALL, &device->ptype_all);
	visit_packet_types(visit, PACKET_TYPE, &device->ptype_specific);
}

static void visit_devices(struct guard_visit *visit, const struct net *net)
{
	const struct list_head *at = &net->dev_base_head;
	size_t i;

	for (i = 0; i < DEVICES_MAX; i++) {
		at = (void *)guard_read(&at->next);
		if (!at || at == &net->dev_base_head)
			break;
		visit_device(visit, container_of(at, struct net_device, dev_list));
	}
	if (i == DEVICES_MAX)
		guard_cut(visit);
}

static void visit_nets(struct guard_visit *visit)
{
	const struct list_head *head = (void *)wanted[NET_NAMESPACE_LIST].address;
	const struct list_head *at = head;
	const struct net *net;
	size_t i;

	for (i = 0; i < NETS_MAX; i++) {
		at = (void *)guard_read(&at->next);
		if (!at || at == head)
			break;
		net = container_of(at, struct net, list);
		visit_families(visit, net);
		visit_devices(visit, net);
	}
	if (i == NETS_MAX)
		guard_cut(visit);
}

/*
 * Namespaces, devices, arrays and handlers are all freed after a grace period of RCU. Users
 * may have as many namespaces and hooks in them as they like, and so come last.
 */
static void netfilter_visit(struct guard_visit *visit)
{
	const struct list_head *base = (void *)wanted[PTYPE_BASE].address;
	size_t i;

	rcu_read_lock();
	visit_packet_types(visit, PACKET_ALL, (void *)wanted[PTYPE_ALL].address);
	for (i = 0; base && i < PTYPE_LISTS; i++)
		visit_packet_types(visit, PACKET_TYPE, base + i);
	visit_nets(visit);
	rcu_read_unlock();
}

static void netfilter_report(const struct guard_change *change)
{
	if (guard_is_lawful(change))
		return;
	guard_print_target(change, EMIT_HIGH, "netfilter_hook", " what=%s",
			   list_names[guard_member_list(change->key)]);
}

static int netfilter_start(void)
{
	return wanted[NET_NAMESPACE_LIST].address ? 0 : -ENOENT;
}

const struct guard guard_netfilter = {
	.name = "netfilter",
	.wanted = wanted,
	.n_wanted = ARRAY_SIZE(wanted),
	.start = netfilter_start,
	.visit = netfilter_visit,
	.report = netfilter_report,
};
