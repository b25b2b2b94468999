// SPDX-License-Identifier: Apache-2.0
/* See module_dir.h. */
#include "privsep/module_dir.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/text.h"
#include "core/module_options.h"
#include "core/registry.h"

#define NAME_SIZE 32
/* Of every module that is none of ours; not handed to it. */
#define OPTION_SANDBOX	    "sandbox"
#define OPTION_CAPABILITIES "capabilities"

#define ARGUMENTS_MAX (2 * CONFIG_MODULE_OPTIONS_MAX + 8)

/* Return: false if the file's name gives none. */
static bool module_name(const char *file, char ret[static NAME_SIZE])
{
	size_t n = strcspn(file, ".");

	if (n >= NAME_SIZE)
		return false;
	for (size_t i = 0; i < n; i++)
		ret[i] = (char)(file[i] == '-' ? '_' : file[i]);
	ret[n] = '\0';
	return is_snake_case(span_from(ret), NAME_SIZE - 1);
}

static bool is_candidate(int folder, const char *file)
{
	size_t n = strlen(file);
	struct stat st;

	if (file[0] == '.' || fstatat(folder, file, &st, 0) < 0 || !S_ISREG(st.st_mode))
		return false;
	return (n > 3 && !strcmp(file + n - 3, ".so")) || (st.st_mode & S_IXUSR);
}

static bool is_taken(const struct module_dir *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++)
		if (!strcmp(d->items[i].name, name))
			return true;
	for (size_t i = 0; lksm_builtin_modules[i]; i++) {
		const struct lksm_module *module = *lksm_builtin_modules[i];

		if (module->is_apart && !strcmp(module->name, name))
			return true;
	}
	return false;
}

struct arguments {
	size_t n;
	char *items[ARGUMENTS_MAX + 1]; /* NULL-terminated, owned */
	bool is_failed;
};

static void add_argument(struct arguments *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_argument(struct arguments *a, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (a->n == ARGUMENTS_MAX || vasprintf(&text, format, args) < 0)
		a->is_failed = true;
	else
		a->items[a->n++] = text;
	va_end(args);
}

static void free_arguments(char *const *items)
{
	for (size_t i = 0; items && items[i]; i++)
		free(items[i]);
}

/* NULL: out of memory */
static const char *const *finish_arguments(struct arguments *a)
{
	char **argv = a->is_failed ? NULL : calloc(a->n + 1, sizeof(*argv));

	if (argv)
		memcpy(argv, a->items, (a->n + 1) * sizeof(*argv));
	else
		free_arguments(a->items);
	return (const char *const *)argv;
}

/* lksm module-host --poll-interval 0.1 --set threshold=60 /etc/lksm/modules/disk_heat.so */
static const char *const *make_arguments(const char *path, const char *name,
					 const struct config *c)
{
	struct arguments a = { 0 };

	add_argument(&a, "/proc/self/exe");
	add_argument(&a, "module-host");
	add_argument(&a, "--poll-interval");
	add_argument(&a, "%.3f", (double)c->poll_interval_us / 1e6);
	for (size_t i = 0; i < c->n_module_options; i++) {
		const struct config_module_option *o = &c->module_options[i];

		if (strcmp(o->module, name) != 0 || !strcmp(o->option, OPTION_SANDBOX) ||
		    !strcmp(o->option, OPTION_CAPABILITIES))
			continue;
		add_argument(&a, "--set");
		add_argument(&a, "%s=%s", o->option, o->value);
	}
	add_argument(&a, "--");
	add_argument(&a, "%s", path);
	return finish_arguments(&a);
}

static void free_item(struct supervisor_external *item)
{
	free_arguments((char *const *)item->argv);
	free((void *)(uintptr_t)item->argv);
	free((void *)(uintptr_t)item->name);
}

static int add_item(struct module_dir *d, const char *path, const char *name,
		    enum sandbox_kind kind, const struct config *c)
{
	struct supervisor_external *item = &d->items[d->n];

	*item = (struct supervisor_external){ .name = strdup(name),
					      .argv = make_arguments(path, name, c),
					      .rate_limit = c->module_rate_limit,
					      .is_sandboxed = true };
	item->sandbox = (struct sandbox_options){ .kind = kind, .name = item->name };
	d->n++; /* half-built or not, deinit frees it */
	return item->name && item->argv ? 0 : -ENOMEM;
}

/* "sys_ptrace,dac_read_search" */
static int add_capabilities(struct sandbox_options *sandbox, const char *list)
{
	_cleanup_free_ char *copy = strdup(list);
	char *rest = copy, *name;

	while (copy && (name = strsep(&rest, ","))) {
		int number = capng_name_to_capability(name);

		if (number < 0 || sandbox->n_capabilities == SANDBOX_CAPABILITIES_MAX)
			return -EINVAL;
		sandbox->capabilities[sandbox->n_capabilities++] = number;
	}
	return copy ? 0 : -ENOMEM;
}

/*
 * What the configuration says of its sandbox. Return: 0; -EINVAL: it says nonsense, and the
 * module is not run with more power than somebody meant.
 */
static int configure_sandbox(struct supervisor_external *item, const struct config *c)
{
	const char *is_on = config_module_option(c, item->name, OPTION_SANDBOX);
	const char *list = config_module_option(c, item->name, OPTION_CAPABILITIES);

	if (is_on && module_option_bool(is_on, &item->is_sandboxed) < 0) {
		log_error("module %s is not run: sandbox is true or false, not '%s'",
			  item->name, is_on);
		return -EINVAL;
	}
	if (!list || !*list || add_capabilities(&item->sandbox, list) == 0)
		return 0;
	log_error("module %s is not run: capabilities is a list like "
		  "'sys_ptrace,dac_read_search', not '%s'",
		  item->name, list);
	return -EINVAL;
}

static int add(struct module_dir *d, const char *folder, const char *file,
	       const struct config *c)
{
	_cleanup_free_ char *path = NULL;
	char name[NAME_SIZE];
	int r;

	if (!module_name(file, name)) {
		log_warning("%s/%s is not run: its name gives no snake_case module name "
			    "of 1 to "
			    "31 bytes",
			    folder, file);
		return 0;
	}
	if (is_taken(d, name) || d->n == MODULE_DIR_MAX) {
		log_warning("%s/%s is not run: %s", folder, file,
			    d->n == MODULE_DIR_MAX ? "there are too many modules"
						   : "another module has this name");
		return 0;
	}
	if (asprintf(&path, "%s/%s", folder, file) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = add_item(d, path, name, SANDBOX_MODULE, c);
	if (r == 0 && configure_sandbox(&d->items[d->n - 1], c) < 0)
		free_item(&d->items[--d->n]);
	return r;
}

static bool is_enabled(const struct lksm_module *module, const struct config *c)
{
	const char *value = config_module_option(c, module->name, "enabled");
	bool is_true = true;

	/* what is neither is refused by the module itself, with a sentence */
	return !value || module_option_bool(value, &is_true) < 0 || is_true;
}

int module_dir_add_builtins(struct module_dir *d, const struct config *config,
			    int (*inherited)(const char *name))
{
	int r = 0;

	for (size_t i = 0; r >= 0 && lksm_builtin_modules[i]; i++) {
		const struct lksm_module *module = *lksm_builtin_modules[i];

		if (!module->is_apart || !is_enabled(module, config))
			continue;
		r = add_item(d, module->name, module->name, SANDBOX_APART, config);
		if (r == 0)
			d->items[d->n - 1].pipe = inherited(module->name);
	}
	return r;
}

int module_dir_add_alerts(struct module_dir *d, const struct config *config,
			  const char *config_path)
{
	struct supervisor_external *item = &d->items[d->n];
	struct arguments a = { 0 };

	if (!config->alerts_enabled || !config->n_alert_options)
		return 0;
	add_argument(&a, "/proc/self/exe");
	add_argument(&a, "alert");
	add_argument(&a, "run");
	add_argument(&a, "--log-dir=%s", config->output_dir);
	if (config_path)
		add_argument(&a, "--config=%s", config_path);
	*item = (struct supervisor_external){ .name = strdup("alerts"),
					      .argv = finish_arguments(&a),
					      .rate_limit = config->module_rate_limit };
	d->n++;
	return item->name && item->argv ? 0 : -ENOMEM;
}

int module_dir_list(struct module_dir *d, const char *folder, const struct config *config)
{
	_cleanup_free_ char *real = realpath(folder, NULL);
	_cleanup_close_ int fd = -1;
	struct dirent **entries;
	int n, r = 0;

	if (!real)
		return errno == ENOENT ? 0 : -errno;
	fd = open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
	n = fd < 0 ? -1 : scandir(real, &entries, NULL, alphasort);
	if (n < 0)
		return log_error_errno(errno, "cannot read the modules in %s", real);
	for (int i = 0; i < n; i++) {
		if (r >= 0 && is_candidate(fd, entries[i]->d_name))
			r = add(d, real, entries[i]->d_name, config);
		free(entries[i]);
	}
	free(entries);
	return r;
}

void module_dir_deinit(struct module_dir *d)
{
	for (size_t i = 0; i < d->n; i++)
		free_item(&d->items[i]);
	d->n = 0;
}
