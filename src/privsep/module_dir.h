/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The modules in a folder, as programs for the supervisor to run: every *.so and every
 * executable file, each inside `lksm module-host`, which looks at it closely first. With
 * them go the built-ins that run apart.
 */
#ifndef PRIVSEP_MODULE_DIR_H
#define PRIVSEP_MODULE_DIR_H

#include "core/config.h"
#include "privsep/supervisor.h"

/** MODULE_DIR_MAX - more modules are not run, which is logged */
#define MODULE_DIR_MAX 32

/** Zeroed before the first use. */
struct module_dir {
	size_t n;
	struct supervisor_external items[MODULE_DIR_MAX]; /* their strings are owned */
};

/**
 * module_dir_list() - add what is in @folder, in the order of the names
 *
 * The module disk_heat is in disk_heat.so, disk-heat.sh or disk_heat: what stands before
 * the first dot, '-' being '_'. Hidden files, folders and files that are neither *.so nor
 * executable are passed over. A file whose name gives no module name, or the name of a
 * module found before, is logged and left out. A folder that is not there holds nothing.
 *
 * Return: 0, -ENOMEM, or -errno if the folder cannot be read.
 */
int module_dir_list(struct module_dir *d, const char *folder,
		    const struct config *config);

/**
 * module_dir_add_builtins() - before any folder: the built-ins that run apart
 *
 * @inherited: the pipe of a module of this name that somebody else runs, or -ENOENT
 *
 * One whose option `enabled` is false is not run, but its name remains its own.
 *
 * Return: 0, -ENOMEM.
 */
int module_dir_add_builtins(struct module_dir *d, const struct config *config,
			    int (*inherited)(const char *name));
/**
 * module_dir_add_alerts() - who tells receivers of events, if any are configured
 * @config_path: NULL: the default one
 *
 * It begins with our privilege, and gives it up itself: `lksm alert run`.
 * Return: 0, -ENOMEM.
 */
int module_dir_add_alerts(struct module_dir *d, const struct config *config,
			  const char *config_path);
void module_dir_deinit(struct module_dir *d);

#endif
