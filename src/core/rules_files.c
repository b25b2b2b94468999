// SPDX-License-Identifier: Apache-2.0
/* The files that rules are in: which, in which order, and their text. */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "core/rules.h"
#include "core/rules_internal.h"

#define FILES_MAX 1024

void rules_files_deinit(struct rules_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->items[i].path);
		buffer_deinit(&files->items[i].text);
	}
	free(files->items);
	*files = (struct rules_files){ 0 };
}

bool rules_files_equal(const struct rules_files *a, const struct rules_files *b)
{
	bool is_equal = a->n == b->n;

	for (size_t i = 0; is_equal && i < a->n; i++)
		is_equal = !strcmp(a->items[i].path, b->items[i].path) &&
			   span_equal(buffer_span(&a->items[i].text),
				      buffer_span(&b->items[i].text));
	return is_equal;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What the order goes by. */
static const char *name_of(const struct rules_file *file)
{
	return last_part(file->path);
}

static void complain(struct buffer *errors, const char *path, const char *text)
{
	struct yaml here = { .name = path, .errors = errors };

	yaml_error_at(&here, (struct yaml_at){ 0, 0 }, "%s", text);
}

int rules_files_add(struct rules_files *files, char *path, size_t folder)
{
	struct rules_file file = { .path = path, .folder = folder };
	struct rules_file *items;

	for (size_t i = 0; i < files->n; i++)
		if (strcmp(name_of(&files->items[i]), name_of(&file)) == 0) {
			free(files->items[i].path);
			buffer_deinit(&files->items[i].text);
			files->items[i] = file;
			return 0;
		}
	items = files->n < FILES_MAX
			? reallocarray(files->items, files->n + 1, sizeof(*items))
			: NULL;
	if (!items) {
		free(path);
		return files->n < FILES_MAX ? -ENOMEM : -E2BIG;
	}
	files->items = items;
	items[files->n++] = file;
	return 0;
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), n_end = strlen(end);

	return n > n_end && strcmp(name + n - n_end, end) == 0;
}

static int add_entry(struct rules_files *list, const char *folder_path, const char *name,
		     size_t folder, struct buffer *errors)
{
	char *path;

	if (name[0] == '.' || !(ends_with(name, ".yaml") || ends_with(name, ".yml")))
		return 0;
	if (asprintf(&path, "%s%s%s", folder_path, ends_with(folder_path, "/") ? "" : "/",
		     name) < 0)
		return -ENOMEM;
	if (ends_with(name, ".yaml"))
		return rules_files_add(list, path, folder);
	complain(errors, path, "warning: ignored, a file of rules is called *.yaml");
	free(path);
	return 0;
}

static int add_folder(struct rules_files *list, const char *path, size_t folder,
		      struct buffer *errors)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	while (r == 0) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		r = add_entry(list, path, entry->d_name, folder, errors);
	}
	return r;
}

static int add_path(struct rules_files *list, const char *path, size_t folder,
		    struct buffer *errors)
{
	struct stat st;
	char *copy;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return add_folder(list, path, folder, errors);
	copy = strdup(path);
	return copy ? rules_files_add(list, copy, folder) : -ENOMEM;
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(name_of(a), name_of(b));
}

static int find_files(const char *const *paths, size_t n_paths, struct rules_files *list,
		      struct buffer *errors)
{
	int r, result = 0;

	for (size_t i = 0; i < n_paths; i++) {
		r = add_path(list, paths[i], i, errors);
		if (r == -ENOMEM)
			return r;
		if (r < 0) {
			complain(errors, paths[i],
				 r == -E2BIG ? "too many files" : strerror(-r));
			result = -EINVAL;
		}
	}
	if (list->n)
		qsort(list->items, list->n, sizeof(list->items[0]), compare_files);
	return result;
}

int rules_read(const char *const *paths, size_t n_paths, struct rules_files *ret,
	       struct buffer *errors)
{
	int result = find_files(paths, n_paths, ret, errors);

	for (size_t i = 0; result != -ENOMEM && i < ret->n; i++) {
		int r = yaml_read(ret->items[i].path, &ret->items[i].text, errors);

		if (r < 0)
			result = r;
	}
	return result;
}

/* The pack's file is called name.yaml or, as all rules are ordered by name, 20-name.yaml.
 */
static bool is_pack(const char *file, const char *name)
{
	size_t digits = strspn(file, "0123456789");
	size_t n = strlen(name);

	if (strncmp(file, name, n) != 0 && digits && file[digits] == '-')
		file += digits + 1;
	return strncmp(file, name, n) == 0 && strcmp(file + n, ".yaml") == 0;
}

static int find_pack_in(const char *folder, const char *name, char **ret)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;

	if (asprintf(&path, "%s/available", folder) < 0) {
		path = NULL; /* undefined after a failure */
		return -ENOMEM;
	}
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (is_pack(entry->d_name, name)) {
			int n = asprintf(ret, "%s/%s", path, entry->d_name);

			return n < 0 ? -ENOMEM : 0;
		}
	return -ENOENT;
}

int rules_find_pack(const char *const *folders, size_t n_folders, const char *name,
		    char **ret)
{
	int r = -ENOENT;

	for (size_t i = n_folders; r == -ENOENT && i > 0;
	     i--) /* later folders come first */
		r = find_pack_in(folders[i - 1], name, ret);
	return r;
}

static int list_packs_in(const char *folder, size_t i, struct rules_files *ret)
{
	_cleanup_buffer_ struct buffer ignored = { 0 };
	char *path;
	int r;

	if (asprintf(&path, "%s/available", folder) < 0)
		return -ENOMEM;
	r = add_folder(ret, path, i, &ignored);
	free(path);
	return r == -ENOMEM ? r : 0;
}

int rules_list_packs(const char *const *folders, size_t n_folders,
		     struct rules_files *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_folders; i++)
		r = list_packs_in(folders[i], i, ret);
	if (ret->n)
		qsort(ret->items, ret->n, sizeof(ret->items[0]), compare_files);
	return r;
}

bool rules_pack_is(const char *path, const char *name)
{
	return is_pack(last_part(path), name);
}

struct span rules_pack_name(const char *path)
{
	struct span name = span_from(last_part(path));
	size_t digits = strspn(name.data, "0123456789");

	if (digits && name.data[digits] == '-')
		name = span_skip(name, digits + 1);
	name.len -= sizeof(".yaml") - 1;
	return name;
}
