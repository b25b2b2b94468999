// SPDX-License-Identifier: Apache-2.0
/* See settings.h. */
#include "core/settings.h"

#include <errno.h>

enum tag {
	TAG_COUNT = 'N', /* of rules; the first */
	TAG_KEY = 'K',	 /* of the configuration; its value follows */
	TAG_VALUE = 'V', /* and, of a module's option, its place */
	TAG_PLACE = 'L',
	TAG_PATH = 'P',	  /* of a file of rules; its folder and text follow */
	TAG_FOLDER = 'F', /* a number */
	TAG_TEXT = 'T',
};

void settings_deinit(struct settings *s)
{
	config_deinit(&s->config);
	rules_files_deinit(&s->rules);
}

static void pack(struct buffer *out, enum tag tag, struct span text)
{
	uint32_t length = (uint32_t)text.len;

	buffer_append_char(out, (char)tag);
	buffer_append_span(out, (struct span){ (const char *)&length, sizeof(length) });
	buffer_append_span(out, text);
}

static struct span number_span(const size_t *number)
{
	return (struct span){ (const char *)number, sizeof(*number) };
}

static void pack_text(struct buffer *out, enum tag tag, const char *text)
{
	pack(out, tag, span_from(text));
}

static void pack_value(struct buffer *out, const char *key, struct span value,
		       const char *place)
{
	pack_text(out, TAG_KEY, key);
	pack(out, TAG_VALUE, value);
	pack_text(out, TAG_PLACE, place);
}

/* "alerts.receivers.mail.type" or "modules.mine.note", as config_set() takes it */
static void pack_option(struct buffer *out, const char *section, const char *module,
			const char *option, const char *value, const char *place)
{
	_cleanup_buffer_ struct buffer key = { 0 };

	buffer_appendf(&key, "%s.%s%s%s", section, module, *module ? "." : "", option);
	if (buffer_cstring(&key))
		pack_value(out, key.data, span_from(value), place);
	else
		out->error = -ENOMEM;
}

static void pack_config(const struct config *c, struct buffer *out)
{
	for (const struct config_key *k = config_keys(); k->key; k++) {
		_cleanup_buffer_ struct buffer value = { 0 };

		config_append_value(c, k->key, &value);
		pack_value(out, k->key, buffer_span(&value), "");
	}
	for (size_t i = 0; i < c->n_alert_options; i++) {
		const struct config_alert_option *o = &c->alert_options[i];

		pack_option(out, "alerts", "", o->key, o->value, o->place);
	}
	for (size_t i = 0; i < c->n_module_options; i++) {
		const struct config_module_option *o = &c->module_options[i];

		pack_option(out, "modules", o->module, o->option, o->value, o->place);
	}
}

int settings_pack(const struct config *config, const struct rules_files *rules,
		  size_t n_rules, struct buffer *ret)
{
	pack(ret, TAG_COUNT, number_span(&n_rules));
	pack_config(config, ret);
	for (size_t i = 0; i < rules->n; i++) {
		const struct rules_file *file = &rules->items[i];

		pack_text(ret, TAG_PATH, file->path);
		pack(ret, TAG_FOLDER, number_span(&file->folder));
		pack(ret, TAG_TEXT, buffer_span(&file->text));
	}
	return buffer_error(ret);
}

static bool take(struct span *rest, enum tag tag, struct span *ret)
{
	uint32_t length;

	if (rest->len < 1 + sizeof(length) || rest->data[0] != (char)tag)
		return false;
	memcpy(&length, rest->data + 1, sizeof(length));
	*rest = span_skip(*rest, 1 + sizeof(length));
	if (rest->len < length)
		return false;
	*ret = (struct span){ rest->data, length };
	*rest = span_skip(*rest, length);
	return true;
}

static bool take_number(struct span *rest, enum tag tag, size_t *ret)
{
	struct span text;

	if (!take(rest, tag, &text) || text.len != sizeof(*ret))
		return false;
	memcpy(ret, text.data, sizeof(*ret));
	return true;
}

/* NULL: no text, or no memory */
static char *take_text(struct span *rest, enum tag tag)
{
	struct span text;

	if (!take(rest, tag, &text) || (text.len && memchr(text.data, '\0', text.len)))
		return NULL;
	return strndup(text.len ? text.data : "", text.len);
}

static int unpack_value(struct span *rest, struct settings *s, struct buffer *errors)
{
	_cleanup_free_ char *key = take_text(rest, TAG_KEY);
	_cleanup_free_ char *value = key ? take_text(rest, TAG_VALUE) : NULL;
	_cleanup_free_ char *place = value ? take_text(rest, TAG_PLACE) : NULL;

	return place ? config_set(&s->config, key, value, place, errors) : -EBADMSG;
}

static int unpack_file(struct span *rest, struct settings *s)
{
	struct span text;
	char *path = take_text(rest, TAG_PATH);
	size_t number = 0, n = s->rules.n;
	int r;

	if (!path || !take_number(rest, TAG_FOLDER, &number) ||
	    !take(rest, TAG_TEXT, &text)) {
		free(path);
		return -EBADMSG;
	}
	r = rules_files_add(&s->rules, path, number);
	if (r < 0)
		return r;
	if (s->rules.n == n) /* two of one name: it would be in the other's place */
		return -EBADMSG;
	buffer_append_span(&s->rules.items[n].text, text);
	return buffer_error(&s->rules.items[n].text);
}

int settings_unpack(struct span packed, struct settings *ret, struct buffer *errors)
{
	struct settings s = { 0 };
	int r = config_init(&s.config);

	if (r >= 0 && !take_number(&packed, TAG_COUNT, &s.n_rules))
		r = -EBADMSG;
	while (r >= 0 && packed.len)
		r = packed.data[0] == TAG_KEY ? unpack_value(&packed, &s, errors)
					      : unpack_file(&packed, &s);
	if (r == -EBADMSG)
		buffer_append_literal(errors, "the loader's answer makes no sense\n");
	if (r < 0) {
		settings_deinit(&s);
		return r;
	}
	*ret = s;
	return 0;
}
