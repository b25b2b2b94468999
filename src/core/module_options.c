// SPDX-License-Identifier: Apache-2.0
/* See module_options.h. The module's table says where each value goes, and as what. */
#include "core/module_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/batch.h"
#include "core/registry.h"

#define OPTION_NAME_MAX 63

int module_option_bool(const char *text, bool *ret)
{
	static const char *const yes[] = { "true", "yes", "on", "1" };
	static const char *const no[] = { "false", "no", "off", "0" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (strcmp(text, yes[i]) && strcmp(text, no[i]))
			continue;
		*ret = !strcmp(text, yes[i]);
		return 0;
	}
	return -EINVAL;
}

static int parse_int(const char *text, int64_t *ret)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || end == text || *end || strchr(" \t\n\v\f\r", *text))
		return -EINVAL;
	*ret = value;
	return 0;
}

static size_t type_size(enum lksm_option_type type)
{
	switch (type) {
	case LKSM_OPTION_BOOL:
		return sizeof(bool);
	case LKSM_OPTION_INT:
		return sizeof(int64_t);
	case LKSM_OPTION_TEXT:
		return sizeof(const char *);
	case LKSM_OPTION_SOURCE:
	case LKSM_OPTION_LATE_SOURCE:
		return sizeof(int);
	}
	return 0; /* a row made for another program */
}

static int bad_value(struct buffer *reason, const char *option, const char *text,
		     const char *want)
{
	buffer_appendf(reason, "option %s: '%.128s' is not %s", option, text, want);
	return -EINVAL;
}

static int fill_text(struct module_options *options, const char *text, void *to)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	options->texts[options->n_texts++] = copy;
	memcpy(to, &copy, sizeof(copy));
	return 0;
}

/* By memcpy(): nothing promises that the member is aligned where the table says it is. */
static int fill_one(struct module_options *options, const struct lksm_option *row,
		    const char *text, void *to, struct buffer *reason)
{
	bool is_true;
	int64_t number;

	switch (row->type) {
	case LKSM_OPTION_BOOL:
		if (module_option_bool(text, &is_true) < 0)
			return bad_value(reason, row->name, text, "true or false");
		memcpy(to, &is_true, sizeof(is_true));
		return 0;
	case LKSM_OPTION_INT:
		if (parse_int(text, &number) < 0)
			return bad_value(reason, row->name, text, "a whole number");
		memcpy(to, &number, sizeof(number));
		return 0;
	case LKSM_OPTION_TEXT:
		return fill_text(options, text, to);
	case LKSM_OPTION_SOURCE:
	case LKSM_OPTION_LATE_SOURCE:
		break;
	}
	return 0;
}

static int check_row(const struct lksm_module *module, const struct lksm_option *row,
		     size_t i, struct buffer *reason)
{
	size_t size = type_size(row->type);

	if (i == MODULE_OPTIONS_MAX)
		buffer_appendf(reason, "it has more than %d options", MODULE_OPTIONS_MAX);
	else if (!is_snake_case(span_from(row->name), OPTION_NAME_MAX))
		buffer_appendf(reason, "the name of its option %zu is not snake_case",
			       i + 1);
	else if (!size)
		buffer_appendf(reason, "option %s: its type is unknown", row->name);
	else if (row->offset > module->state_size ||
		 size > module->state_size - row->offset)
		buffer_appendf(reason, "option %s: its offset lies outside the state",
			       row->name);
	else
		return 0;
	return -EINVAL;
}

int module_options_fill(struct module_options *options, const struct lksm_module *module,
			void *state, const struct registry_callbacks *callbacks,
			struct buffer *reason)
{
	size_t i = 0;

	for (const struct lksm_option *row = module->options; row && row->name; row++) {
		void *to = (char *)state + row->offset;
		const char *text = NULL;
		int error = check_row(module, row, i++, reason);

		if (error < 0)
			return error;
		if (row->type == LKSM_OPTION_SOURCE ||
		    row->type == LKSM_OPTION_LATE_SOURCE) {
			int fd = callbacks->source
					 ? callbacks->source(callbacks->context,
							     module->name, row->name)
					 : -ENOENT;

			memcpy(to, &fd, sizeof(fd));
			continue;
		}
		if (callbacks->option)
			text = callbacks->option(callbacks->context, module->name,
						 row->name);
		if (!text)
			text = row->fallback;
		error = text ? fill_one(options, row, text, to, reason) : 0;
		if (error < 0)
			return error;
	}
	return 0;
}

void module_options_deinit(struct module_options *options)
{
	while (options->n_texts)
		free(options->texts[--options->n_texts]);
}
