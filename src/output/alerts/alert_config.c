// SPDX-License-Identifier: Apache-2.0
/* See alert_config.h. */
#include "output/alerts/alert_config.h"

#include <ctype.h>
#include <errno.h>
#include <sodium.h>

#include "base/clock.h"
#include "base/suggest.h"
#include "base/text.h"
#include "base/time_text.h"

#define ALL_HTTP  (1u << ALERT_WEBHOOK | 1u << ALERT_SLACK | 1u << ALERT_ALERTMANAGER)
#define ALL_KINDS ((1u << ALERT_KIND_COUNT) - 1)
#define RECEIVERS "receivers."
#define ROUTES	  "routes."
#define SENDMAIL  "/usr/sbin/sendmail"
#define NOTIFY	  "/usr/bin/notify-send"

#define ALERTMANAGER_PATH "/api/v2/alerts"

static const char *const kind_names[ALERT_KIND_COUNT + 1] = {
	[ALERT_WEBHOOK] = "webhook",
	[ALERT_SLACK] = "slack",
	[ALERT_ALERTMANAGER] = "alertmanager",
	[ALERT_EMAIL] = "email",
	[ALERT_EXEC] = "exec",
	[ALERT_SYSLOG] = "syslog",
	[ALERT_DESKTOP] = "desktop",
};

static const char *const protocol_names[ALERT_PROTOCOL_COUNT + 1] = {
	[ALERT_UDP] = "udp",
	[ALERT_TCP] = "tcp",
	[ALERT_TLS] = "tls",
};

enum option_type {
	TEXT,
	WORDS,
	SECONDS,
	COUNT,
	KIND,
	PROTOCOL,
	SEVERITY,
	NAMES, /* of receivers */
};

struct option {
	const char *name;
	unsigned int kinds; /* of receivers that have it */
	enum option_type type;
	size_t offset;
};

#define RECEIVER(name, kinds, type)                                       \
	{                                                                 \
#name, kinds, type, offsetof(struct alert_receiver, name) \
	}
#define RECEIVER_US(name, type)                                                    \
	{                                                                          \
#name, ALL_KINDS, type, offsetof(struct alert_receiver, name##_us) \
	}
#define ROUTE(name, type)                                          \
	{                                                          \
#name, 0, type, offsetof(struct alert_route, name) \
	}

static const struct option receiver_options[] = {
	{ "type", ALL_KINDS, KIND, offsetof(struct alert_receiver, kind) },
	RECEIVER(url, ALL_HTTP, TEXT),
	RECEIVER(url_file, ALL_HTTP, TEXT),
	RECEIVER(token_file, ALL_HTTP, TEXT),
	RECEIVER(ca_file, ALL_HTTP | 1u << ALERT_SYSLOG, TEXT),
	RECEIVER(to, 1u << ALERT_EMAIL, TEXT),
	RECEIVER(from, 1u << ALERT_EMAIL, TEXT),
	RECEIVER(command, 1u << ALERT_EXEC | 1u << ALERT_EMAIL | 1u << ALERT_DESKTOP,
		 WORDS),
	RECEIVER(address, 1u << ALERT_SYSLOG, TEXT),
	RECEIVER(protocol, 1u << ALERT_SYSLOG, PROTOCOL),
	RECEIVER_US(timeout, SECONDS),
	RECEIVER_US(group_wait, SECONDS),
	RECEIVER_US(group_interval, SECONDS),
	RECEIVER(rate_limit, ALL_KINDS, COUNT),
	RECEIVER_US(retry_for, SECONDS),
	{ NULL, 0, TEXT, 0 },
};

static const struct option route_options[] = {
	ROUTE(severity, SEVERITY), ROUTE(types, WORDS),	 ROUTE(rules, WORDS),
	ROUTE(receivers, NAMES),   { NULL, 0, TEXT, 0 },
};

const char *alert_kind_name(enum alert_kind kind)
{
	return kind_names[kind];
}

bool alert_kind_runs_program(enum alert_kind kind)
{
	return kind == ALERT_EMAIL || kind == ALERT_EXEC || kind == ALERT_DESKTOP;
}

const char *alert_receiver_program(const struct alert_receiver *r)
{
	if (r->command.n)
		return r->command.items[0];
	return r->kind == ALERT_EMAIL	  ? SENDMAIL
	       : r->kind == ALERT_DESKTOP ? NOTIFY
					  : NULL;
}

static int parse_count(const char *value, uint64_t *ret)
{
	struct span rest = span_from(value);

	return take_number(&rest, UINT32_MAX, ret) && !rest.len ? 0 : -EINVAL;
}

static int parse_name(const char *value, const char *const *names, int *ret)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(names[i], value)) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}

static void clear_words(struct alert_words *words)
{
	for (size_t i = 0; i < words->n; i++)
		free(words->items[i]);
	*words = (struct alert_words){ 0 };
}

/* Separated by commas, as the configuration joins a sequence. */
static int parse_words(const char *value, struct alert_words *ret)
{
	clear_words(ret);
	while (*value) {
		size_t n = strcspn(value, ",");

		if (ret->n == ALERT_WORDS_MAX)
			return -EINVAL;
		if (n && !(ret->items[ret->n] = strndup(value, n)))
			return -ENOMEM;
		ret->n += n > 0;
		value += n + (value[n] == ',');
	}
	return 0;
}

static int parse_receivers(const struct alert_config *c, const char *value, uint32_t *ret)
{
	struct alert_words words = { 0 };
	uint32_t found = 0;
	int r = parse_words(value, &words);

	for (size_t i = 0; r == 0 && i < words.n; i++) {
		size_t at = 0;

		while (at < c->n_receivers &&
		       strcmp(c->receivers[at].name, words.items[i]) != 0)
			at++;
		if (at == c->n_receivers)
			r = -EINVAL;
		else
			found |= UINT32_C(1) << at;
	}
	clear_words(&words);
	*ret = found;
	return r;
}

static int parse_text(const char *value, char **ret)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*ret);
	*ret = copy;
	return 0;
}

static int set(const struct alert_config *c, const struct option *o, void *object,
	       const char *value)
{
	void *member = (char *)object + o->offset;
	int place, r;

	switch (o->type) {
	case TEXT:
		return parse_text(value, member);
	case WORDS:
		return parse_words(value, member);
	case SECONDS:
		return time_parse_span(value, member);
	case COUNT:
		return parse_count(value, member);
	case KIND:
		r = parse_name(value, kind_names, &place);
		if (r == 0)
			*(enum alert_kind *)member = (enum alert_kind)place;
		return r;
	case PROTOCOL:
		r = parse_name(value, protocol_names, &place);
		if (r == 0)
			*(enum alert_protocol *)member = (enum alert_protocol)place;
		return r;
	case SEVERITY:
		return severity_parse(span_from(value), member);
	case NAMES:
		return parse_receivers(c, value, member);
	}
	return -EINVAL;
}

static const char *expected(enum option_type type)
{
	static const char *const texts[] = {
		[TEXT] = "a text",
		[WORDS] = "a list of at most 16",
		[SECONDS] = "seconds, e.g. 30, or a time such as 5m",
		[COUNT] = "a number",
		[KIND] = "webhook, slack, alertmanager, email, exec, syslog or desktop",
		[PROTOCOL] = "udp, tcp or tls",
		[SEVERITY] = "info, medium, high or critical",
		[NAMES] = "a list of receivers that there are",
	};

	return texts[type];
}

static const struct option *find_option(const struct option *options, const char *name,
					const char *place, struct buffer *errors)
{
	const char *names[32], *near;
	size_t n = 0;

	for (const struct option *o = options; o->name; o++) {
		if (!strcmp(o->name, name))
			return o;
		names[n++] = o->name;
	}
	names[n] = NULL;
	near = suggest(name, names);
	buffer_appendf(errors, "%s: there is no option '%s'", place, name);
	if (near)
		buffer_appendf(errors, " (did you mean '%s'?)", near);
	buffer_append_char(errors, '\n');
	return NULL;
}

static int set_option(const struct alert_config *c, const struct option *options,
		      void *object, const char *name,
		      const struct config_alert_option *from, struct buffer *errors)
{
	const struct option *o = find_option(options, name, from->place, errors);
	int r = o ? set(c, o, object, from->value) : -EINVAL;

	if (o && r == -EINVAL)
		buffer_appendf(errors, "%s: %s: '%s' is not %s\n", from->place, name,
			       from->value, expected(o->type));
	return r;
}

static void init_receiver(const struct config *config, struct alert_receiver *r)
{
	r->kind = ALERT_KIND_COUNT;
	r->timeout_us = 10 * USEC_PER_SEC;
	r->group_wait_us = config->alerts_group_wait_us;
	r->group_interval_us = config->alerts_group_interval_us;
	r->rate_limit = config->alerts_rate_limit;
	r->retry_for_us = config->alerts_retry_for_us;
}

/*
 * "receivers.NAME.OPTION" or "routes.NAME.OPTION", with its NAME in @ret_name.
 * Return: the option's name, NULL if it is of another kind, or has no good name.
 */
static const char *split_key(const char *key, const char *prefix,
			     char ret_name[static ALERT_NAME_SIZE])
{
	const char *name = key + strlen(prefix), *dot;

	if (strncmp(key, prefix, strlen(prefix)) != 0 || !(dot = strchr(name, '.')) ||
	    (size_t)(dot - name) >= ALERT_NAME_SIZE)
		return NULL;
	memcpy(ret_name, name, (size_t)(dot - name));
	ret_name[dot - name] = '\0';
	return dot + 1;
}

/* Names go into messages and file formats. */
static bool is_name(const char *name)
{
	return is_snake_case(span_from(name), ALERT_NAME_SIZE - 1);
}

static struct alert_receiver *get_receiver(const struct config *config,
					   struct alert_config *c, const char *name)
{
	struct alert_receiver *receiver;

	for (size_t i = 0; i < c->n_receivers; i++)
		if (!strcmp(c->receivers[i].name, name))
			return &c->receivers[i];
	if (c->n_receivers == ALERT_RECEIVERS_MAX || !is_name(name))
		return NULL;
	receiver = &c->receivers[c->n_receivers++];
	init_receiver(config, receiver);
	memcpy(receiver->name, name, strlen(name) + 1);
	return receiver;
}

static struct alert_route *get_route(struct alert_config *c, const char *name)
{
	struct alert_route *route;

	for (size_t i = 0; i < c->n_routes; i++)
		if (!strcmp(c->routes[i].name, name))
			return &c->routes[i];
	if (c->n_routes == ALERT_ROUTES_MAX || !is_name(name))
		return NULL;
	route = &c->routes[c->n_routes++];
	route->severity = LKSM_HIGH;
	memcpy(route->name, name, strlen(name) + 1);
	return route;
}

static int refuse(const struct config_alert_option *o, struct buffer *errors)
{
	buffer_appendf(
		errors,
		"%s: 'alerts.%s' should be alerts.receivers.NAME.OPTION (at most %d) "
		"or alerts.routes.NAME.OPTION (at most %d), NAME of small letters, "
		"digits and _\n",
		o->place, o->key, ALERT_RECEIVERS_MAX, ALERT_ROUTES_MAX);
	return -EINVAL;
}

/* @is_route: this time routes, which name receivers, and are read after them. */
static int parse_option(const struct config *config, struct alert_config *c,
			const struct config_alert_option *o, bool is_route,
			struct buffer *errors)
{
	char name[ALERT_NAME_SIZE];
	const char *option = split_key(o->key, is_route ? ROUTES : RECEIVERS, name);
	void *object;

	if (!option && !split_key(o->key, is_route ? RECEIVERS : ROUTES, name))
		return is_route ? 0 : refuse(o, errors);
	if (!option)
		return 0;
	object = is_route ? (void *)get_route(c, name)
			  : (void *)get_receiver(config, c, name);
	if (!object)
		return refuse(o, errors);
	return set_option(c, is_route ? route_options : receiver_options, object, option,
			  o, errors);
}

static void check_given(const struct config *config, const struct alert_receiver *r,
			struct buffer *errors)
{
	for (size_t i = 0; i < config->n_alert_options; i++) {
		const struct config_alert_option *o = &config->alert_options[i];
		char name[ALERT_NAME_SIZE];
		const char *given = split_key(o->key, RECEIVERS, name);

		if (!given || strcmp(name, r->name) != 0)
			continue;
		for (const struct option *row = receiver_options; row->name; row++)
			if (!strcmp(row->name, given) && !(row->kinds & 1u << r->kind))
				buffer_appendf(errors,
					       "%s: a receiver of type %s has no %s\n",
					       o->place, kind_names[r->kind], given);
	}
}

static const char *missing(const struct alert_receiver *r)
{
	switch (r->kind) {
	case ALERT_WEBHOOK:
	case ALERT_SLACK:
	case ALERT_ALERTMANAGER:
		return r->url || r->url_file ? NULL : "url or url_file";
	case ALERT_EMAIL:
		return r->to ? NULL : "to";
	case ALERT_EXEC:
		return r->command.n ? NULL : "command";
	case ALERT_SYSLOG:
		return r->address ? NULL : "address";
	case ALERT_DESKTOP:
		return NULL;
	case ALERT_KIND_COUNT:
		return "type";
	}
	return NULL;
}

bool alert_address_split(const char *address, struct alert_address *ret)
{
	const char *colon = strrchr(address, ':');
	const char *begin = *address == '[' ? address + 1 : address;
	const char *end = colon && colon > begin && colon[-1] == ']' ? colon - 1 : colon;
	uint64_t port;

	if (!colon || end <= begin || (size_t)(end - begin) >= sizeof(ret->host) ||
	    parse_count(colon + 1, &port) < 0 || port < 1 || port > UINT16_MAX)
		return false;
	memcpy(ret->host, begin, (size_t)(end - begin));
	ret->host[end - begin] = '\0';
	ret->port = colon + 1;
	return true;
}

const char *alert_url_fault(const struct alert_receiver *r)
{
	const char *host = strstr(r->url, "://");
	size_t len = strlen(r->url), path = strlen(ALERTMANAGER_PATH);

	if ((strncasecmp(r->url, "http://", 7) != 0 &&
	     strncasecmp(r->url, "https://", 8) != 0) ||
	    !host[3] || strchr("/:?#", host[3]))
		return "is not http:// or https:// and a host";
	if (r->kind == ALERT_ALERTMANAGER &&
	    (len < path || strcmp(r->url + len - path, ALERTMANAGER_PATH) != 0))
		return "does not end in " ALERTMANAGER_PATH;
	return NULL;
}

/* What a receiver has, but cannot work. The URL may be a secret, and is not shown. */
static void check_values(const struct alert_receiver *r, struct buffer *errors)
{
	const char *fault = r->url && !r->url_file ? alert_url_fault(r) : NULL;
	struct alert_address address;

	if (fault)
		buffer_appendf(errors, "alerts.receivers.%s: url %s\n", r->name, fault);
	if (r->address && !alert_address_split(r->address, &address))
		buffer_appendf(errors,
			       "alerts.receivers.%s: address '%s' is not HOST:PORT, "
			       "with a number from 1 to 65535\n",
			       r->name, r->address);
	if (r->command.n && r->command.items[0][0] != '/')
		buffer_appendf(errors,
			       "alerts.receivers.%s: command begins with a whole path, "
			       "not with '%s'\n",
			       r->name, r->command.items[0]);
}

static void check_receiver(const struct config *config, const struct alert_receiver *r,
			   struct buffer *errors)
{
	const char *what = missing(r);

	if (what)
		buffer_appendf(errors, "alerts.receivers.%s needs %s\n", r->name, what);
	else
		check_given(config, r, errors);
	check_values(r, errors);
}

/* Without routes, what matters goes to everybody. */
static void add_default_route(struct alert_config *c)
{
	if (c->n_routes || !c->n_receivers)
		return;
	c->routes[0] = (struct alert_route){ .name = "default", .severity = LKSM_HIGH };
	c->routes[0].receivers = (uint32_t)((UINT64_C(1) << c->n_receivers) - 1);
	c->n_routes = 1;
}

int alert_config_parse(const struct config *config, struct alert_config *ret,
		       struct buffer *errors)
{
	size_t before = errors->len;

	*ret = (struct alert_config){ 0 };
	for (int is_route = 0; is_route < 2; is_route++)
		for (size_t i = 0; i < config->n_alert_options; i++)
			if (parse_option(config, ret, &config->alert_options[i], is_route,
					 errors) == -ENOMEM)
				return -ENOMEM;
	for (size_t i = 0; i < ret->n_receivers; i++)
		check_receiver(config, &ret->receivers[i], errors);
	for (size_t i = 0; i < ret->n_routes; i++)
		if (!ret->routes[i].receivers)
			buffer_appendf(errors, "alerts.routes.%s needs receivers\n",
				       ret->routes[i].name);
	add_default_route(ret);
	return buffer_error(errors) ? -ENOMEM : errors->len > before ? -EINVAL : 0;
}

static void wipe(char *secret)
{
	if (secret)
		sodium_memzero(secret, strlen(secret));
	free(secret);
}

static void deinit_receiver(struct alert_receiver *r)
{
	wipe(r->url);
	wipe(r->token);
	free(r->url_file);
	free(r->token_file);
	free(r->ca_file);
	free(r->ca_path);
	free(r->to);
	free(r->from);
	free(r->address);
	clear_words(&r->command);
}

void alert_config_deinit(struct alert_config *c)
{
	for (size_t i = 0; i < c->n_receivers; i++)
		deinit_receiver(&c->receivers[i]);
	for (size_t i = 0; i < c->n_routes; i++) {
		clear_words(&c->routes[i].types);
		clear_words(&c->routes[i].rules);
	}
	*c = (struct alert_config){ 0 };
}
