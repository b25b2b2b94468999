// SPDX-License-Identifier: Apache-2.0
/* The configuration's two outer sources: YAML files with their drop-ins, the environment.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>

#include "core/config.h"
#include "core/yaml.h"

extern char **environ;

#define KEY_MAX	    128
#define DEPTH_MAX   8
#define ENVIRONMENT "LKSM_"

struct loader {
	struct config *config;
	struct yaml yaml;
};

/* A sequence as one text, its items separated by commas. */
static char *join_sequence(struct loader *l, struct fy_node *node)
{
	struct buffer joined = { 0 };
	struct fy_node *item;
	void *at = NULL;

	while ((item = fy_node_sequence_iterate(node, &at))) {
		_cleanup_free_ char *text = yaml_text(&l->yaml, item, "an item");

		if (!text)
			break;
		if (strchr(text, ','))
			yaml_error(&l->yaml, item, "a comma cannot stand in '%s'", text);
		buffer_appendf(&joined, "%s%s", joined.len ? "," : "", text);
	}
	if (!buffer_cstring(&joined))
		buffer_deinit(&joined);
	return joined.data;
}

static void set_value(struct loader *l, const char *key, struct fy_node *name,
		      struct fy_node *value)
{
	_cleanup_free_ char *text = fy_node_is_sequence(value)
					    ? join_sequence(l, value)
					    : yaml_text(&l->yaml, value, key);
	char place[PATH_MAX + 32];

	if (!text)
		return;
	yaml_place(&l->yaml, name, place, sizeof(place));
	if (config_set(l->config, key, text, place, l->yaml.errors) < 0)
		l->yaml.n_errors++;
}

static void walk(struct loader *l, struct fy_node *map, const char *prefix, int depth)
{
	struct fy_node_pair *pair;
	void *at = NULL;

	while ((pair = fy_node_mapping_iterate(map, &at))) {
		struct fy_node *name = fy_node_pair_key(pair),
			       *value = fy_node_pair_value(pair);
		_cleanup_free_ char *text = yaml_text(&l->yaml, name, "a key");
		char key[KEY_MAX];

		if (!text)
			continue;
		if ((size_t)snprintf(key, sizeof(key), "%s%s%s", prefix,
				     *prefix ? "." : "", text) >= sizeof(key))
			yaml_error(&l->yaml, name,
				   "the key '%.32s…' is too long: with what it is "
				   "under, it has to have fewer than %d bytes",
				   key, KEY_MAX);
		else if (depth > DEPTH_MAX)
			yaml_error(&l->yaml, name, "unknown key '%.32s…'", text);
		else if (value && fy_node_is_mapping(value))
			walk(l, value, key, depth + 1);
		else if (value && !fy_node_is_null(value))
			set_value(l, key, name, value);
		else
			yaml_error(&l->yaml, name, "'%s' has no value", key);
	}
}

/* @r: what yaml_parse() said */
static int take_document(struct loader *l, int r)
{
	struct fy_node *root = r >= 0 && l->yaml.document
				       ? fy_document_root(l->yaml.document)
				       : NULL;

	if (root && fy_node_is_mapping(root))
		walk(l, root, "", 0);
	else if (root && !fy_node_is_null(root))
		yaml_error(&l->yaml, root, "a configuration is a map of keys");
	if (r >= 0 && l->yaml.n_errors)
		r = -EINVAL;
	yaml_deinit(&l->yaml);
	return r;
}

int config_load_text(struct config *c, const char *name, struct span text,
		     struct buffer *errors)
{
	struct loader l = { .config = c };

	return take_document(&l, yaml_parse(name, text, errors, &l.yaml));
}

static int load_one(struct config *c, const char *path, struct buffer *errors)
{
	struct loader l = { .config = c };

	return take_document(&l, yaml_load(path, errors, &l.yaml));
}

static int is_yaml(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 5 && entry->d_name[0] != '.' &&
	       !strcmp(entry->d_name + n - 5, ".yaml");
}

static int load_drop_ins(struct config *c, const char *path, struct buffer *errors)
{
	_cleanup_free_ char *folder = NULL;
	struct dirent **entries = NULL;
	int n, r = 0;

	if (asprintf(&folder, "%s.d", path) < 0)
		return -ENOMEM;
	n = scandir(folder, &entries, is_yaml, alphasort);
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *file = NULL;
		int one = asprintf(&file, "%s/%s", folder, entries[i]->d_name) < 0
				  ? -ENOMEM
				  : load_one(c, file, errors);

		if (one < 0)
			r = one;
		free(entries[i]);
	}
	free(entries);
	return r;
}

int config_load_file(struct config *c, const char *path, struct buffer *errors)
{
	int r = access(path, R_OK) < 0 ? -errno : load_one(c, path, errors);
	int drop_ins = load_drop_ins(c, path, errors);
	return drop_ins < 0 && errors->len ? drop_ins : r < 0 ? r : drop_ins;
}

/* OUTPUT_RETENTION_DAYS is output.retention.days, POLL_INTERVAL is poll_interval. */
static bool is_name_of(const char *name, size_t n, const char *key)
{
	if (strlen(key) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((key[i] == '.' ? '_' : toupper((unsigned char)key[i])) != name[i])
			return false;
	return true;
}

int config_load_environment(struct config *c, struct buffer *errors)
{
	int r = 0;

	for (char **e = environ; *e; e++) {
		const char *equals = strchr(*e, '='), *name = *e + strlen(ENVIRONMENT);

		if (strncmp(*e, ENVIRONMENT, strlen(ENVIRONMENT)) || !equals)
			continue;
		for (const struct config_key *k = config_keys(); k->key; k++) {
			char place[KEY_MAX];

			if (!is_name_of(name, (size_t)(equals - name), k->key))
				continue;
			(void)snprintf(place, sizeof(place), "%.*s", (int)(equals - *e),
				       *e);
			if (config_set(c, k->key, equals + 1, place, errors) < 0)
				r = -EINVAL;
		}
	}
	return r;
}
