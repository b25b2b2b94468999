// SPDX-License-Identifier: Apache-2.0
/* See packs.h. */
#include "cli/packs.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/event_line.h"
#include "core/rules.h"

/* Return: 0 to go on; else each_off() ends with it. */
typedef int pack_taker(void *userdata, const char *path, const struct rules *rules);

static bool is_on(const struct config *c, const char *path)
{
	for (size_t i = 0; i < c->rules_enable.n; i++)
		if (rules_pack_is(path, c->rules_enable.items[i]))
			return true;
	return false;
}

static int take_pack(const char *path, pack_taker *take, void *userdata)
{
	_cleanup_(rules_destroyp) struct rules *rules = NULL;
	_cleanup_buffer_ struct buffer errors = { 0 };
	int r = rules_load(&path, 1, &rules, &errors);

	if (r < 0) /* who switches it on is told what is wrong */
		return r == -ENOMEM ? r : 0;
	return take(userdata, path, rules);
}

static int each_off(const struct config *c, pack_taker *take, void *userdata)
{
	struct rules_files packs = { 0 };
	int r = rules_list_packs((const char *const *)c->rules_dirs.items,
				 c->rules_dirs.n, &packs);

	for (size_t i = 0; r == 0 && i < packs.n; i++)
		if (!is_on(c, packs.items[i].path))
			r = take_pack(packs.items[i].path, take, userdata);
	rules_files_deinit(&packs);
	return r;
}

static int append_pack(void *userdata, const char *path, const struct rules *rules)
{
	struct buffer *out = userdata;

	buffer_append_literal(out, "pack ");
	event_line_append_safe(out, rules_pack_name(path));
	buffer_appendf(out, " is not on (rules.enable): %zu rules in ",
		       rules_count(rules));
	event_line_append_safe(out, span_from(path));
	buffer_append_char(out, '\n');
	return buffer_error(out);
}

int packs_append(const struct config *c, struct buffer *out)
{
	return each_off(c, append_pack, out);
}

struct wanted {
	const char *id;
	char *name;
};

static int find_rule(void *userdata, const char *path, const struct rules *rules)
{
	struct span name = rules_pack_name(path);
	struct wanted *w = userdata;
	struct rule_info info;

	if (!rules_describe(rules, span_from(w->id), &info))
		return 0;
	w->name = strndup(name.data, name.len);
	return w->name ? 1 : -ENOMEM;
}

int packs_find_rule(const struct config *c, const char *id, char **ret)
{
	struct wanted w = { .id = id };
	int r = each_off(c, find_rule, &w);

	if (r > 0)
		*ret = w.name;
	return r;
}
