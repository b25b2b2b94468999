// SPDX-License-Identifier: GPL-2.0-only
/* A hook in the way of incoming packets, as back doors use to hear their magic packet. */
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <net/net_namespace.h>

#include "attack.h"

static unsigned int on_packet(void *unused, struct sk_buff *packet,
			      const struct nf_hook_state *state)
{
	return NF_ACCEPT;
}

static const struct nf_hook_ops ops = {
	.hook = on_packet,
	.pf = NFPROTO_IPV4,
	.hooknum = NF_INET_PRE_ROUTING,
	.priority = NF_IP_PRI_FIRST,
};

static int change(void)
{
	return nf_register_net_hook(&init_net, &ops);
}

static void restore(void)
{
	nf_unregister_net_hook(&init_net, &ops);
}

ATTACK(change, restore, "a netfilter hook");
