// SPDX-License-Identifier: GPL-2.0-only
/*
 * photon_ring: sees tampering with the kernel as it happens, and says so in the kernel
 * log and in /proc/lksm. This file is the order of things only; lksm/wire.h has the words.
 */
#include <linux/init.h>
#include <linux/module.h>

#include "emit.h"
#include "procfs.h"
#include "record.h"
#include "sensors.h"

static int __init photon_ring_init(void)
{
	int r;

	r = record_init();
	if (r)
		return r;
	r = procfs_init();
	if (r)
		goto err_record;
	r = emit_init();
	if (r)
		goto err_procfs;
	photon_logfmt(NULL, EMIT_INFO, "sensor_started", " version=%s",
		      PHOTON_RING_VERSION);
	r = sensors_start();
	if (r)
		goto err_emit;
	return 0;

err_emit:
	emit_deinit();
	photon_logfmt(NULL, EMIT_HIGH, "sensor_stopped", " version=%s",
		      PHOTON_RING_VERSION);
err_procfs:
	procfs_deinit();
err_record:
	record_deinit();
	return r;
}

static void __exit photon_ring_exit(void)
{
	sensors_stop();
	emit_deinit();
	photon_logfmt(NULL, EMIT_HIGH, "sensor_stopped", " version=%s",
		      PHOTON_RING_VERSION);
	procfs_deinit();
	record_deinit();
}

module_init(photon_ring_init);
module_exit(photon_ring_exit);

MODULE_DESCRIPTION("LKSM's sensor: watches for tampering with the kernel");
MODULE_AUTHOR("The LKSM authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(PHOTON_RING_VERSION);
