// SPDX-License-Identifier: GPL-2.0-only
/*
 * photon_ring: sees tampering with the kernel as it happens, and says so in the kernel
 * log. This file is the order of things only; lksm/wire.h has the words.
 */
#include <linux/init.h>
#include <linux/module.h>

#include "emit.h"
#include "sensors.h"

static int __init photon_ring_init(void)
{
	int r;

	r = emit_init();
	if (r)
		return r;
	photon_logfmt(EMIT_INFO, "sensor_started", " version=%s", PHOTON_RING_VERSION);
	r = sensors_start();
	if (r)
		goto err_emit;
	return 0;

err_emit:
	emit_deinit();
	photon_logfmt(EMIT_HIGH, "sensor_stopped", " version=%s", PHOTON_RING_VERSION);
	return r;
}

static void __exit photon_ring_exit(void)
{
	sensors_stop();
	emit_deinit();
	photon_logfmt(EMIT_HIGH, "sensor_stopped", " version=%s", PHOTON_RING_VERSION);
}

module_init(photon_ring_init);
module_exit(photon_ring_exit);

MODULE_DESCRIPTION("LKSM's sensor: watches for tampering with the kernel");
MODULE_AUTHOR("The LKSM authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(PHOTON_RING_VERSION);
