// SPDX-License-Identifier: GPL-2.0-only
/*
 * photon_ring: sees tampering with the kernel as it happens, and says so in the kernel
 * log and in /proc/lksm. This file is the order of things only; lksm/wire.h has the words.
 */
#include <linux/init.h>
#include <linux/module.h>

#include "code_owners.h"
#include "emit.h"
#include "guards.h"
#include "kprobe_table.h"
#include "owner.h"
#include "patch_sites.h"
#include "procfs.h"
#include "record.h"
#include "sensors.h"
#include "symbols.h"

/* Half of what a line in the kernel log may have */
#define LISTS_SIZE 448

static void __init tell_coverage(void)
{
	static char lists[2][LISTS_SIZE] __initdata;
	int is_missing;

	for (is_missing = 0; is_missing < 2; is_missing++) {
		guards_coverage(!is_missing, lists[is_missing], LISTS_SIZE);
		sensors_coverage(!is_missing, lists[is_missing], LISTS_SIZE);
	}
	photon_logfmt(NULL, EMIT_INFO, "coverage", " have=%s missing=%s", lists[0],
		      lists[1][0] ? lists[1] : "none");
}

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
	owner_want();
	kprobe_table_want();
	code_owners_want();
	patch_sites_want();
	guards_want();
	sensors_want();
	symbols_resolve();
	r = sensors_start(true);
	if (r)
		goto err_sensors;
	r = owner_init();
	if (r)
		goto err_sensors;
	guards_start();
	r = sensors_start(false);
	if (r)
		goto err_guards;
	tell_coverage();
	return 0;

err_guards:
	guards_stop();
err_sensors:
	sensors_stop();
	emit_deinit();
	owner_deinit(); /* what emit_deinit() prints still asks for owners */
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
	/* At once, because to disarm takes a while. */
	photon_logfmt_by_task(EMIT_HIGH, "sensor_stopping", " version=%s",
			      PHOTON_RING_VERSION);
	/* First, because without its sensor nobody tells the roster which modules go. */
	guards_stop();
	sensors_stop();
	emit_deinit();
	owner_deinit(); /* what emit_deinit() prints still asks for owners */
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
