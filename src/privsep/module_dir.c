// SPDX-License-Identifier: Apache-2.0
/* See module_dir.h. */
#include "privsep/module_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/text.h"

#define NAME_SIZE     32
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

/* lksm module-host --poll-interval 0.1 --set threshold=60 /etc/lksm/modules/disk_heat.so */
static const char *const *make_arguments(const char *folder, const char *file,
					 const char *name, const struct config *c)
{
	struct arguments a = { 0 };
	char **argv;

	add_argument(&a, "/proc/self/exe");
	add_argument(&a, "module-host");
	add_argument(&a, "--poll-interval");
	add_argument(&a, "%.3f", (double)c->poll_interval_us / 1e6);
	for (size_t i = 0; i < c->n_module_options; i++) {
		const struct config_module_option *o = &c->module_options[i];

		if (strcmp(o->module, name) != 0)
			continue;
		add_argument(&a, "--set");
		add_argument(&a, "%s=%s", o->option, o->value);
	}
	add_argument(&a, "--");
	add_argument(&a, "%s/%s", folder, file);
	argv = a.is_failed ? NULL : calloc(a.n + 1, sizeof(*argv));
	if (argv)
		memcpy(argv, a.items, (a.n + 1) * sizeof(*argv));
	else
		free_arguments(a.items);
	return (const char *const *)argv;
}

static int add(struct module_dir *d, const char *folder, const char *file,
	       const struct config *c)
{
	struct supervisor_external *item = &d->items[d->n];
	char name[NAME_SIZE];

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
	*item = (struct supervisor_external){ .name = strdup(name),
					      .argv = make_arguments(folder, file, name,
								     c),
					      .rate_limit = c->module_rate_limit };
	d->n++; /* half-built or not, deinit frees it */
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
	for (size_t i = 0; i < d->n; i++) {
		free_arguments((char *const *)d->items[i].argv);
		free((void *)(uintptr_t)d->items[i].argv);
		free((void *)(uintptr_t)d->items[i].name);
	}
	d->n = 0;
}
