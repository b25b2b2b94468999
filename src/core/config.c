// SPDX-License-Identifier: Apache-2.0
/*
 * See config.h. The one table of keys; a value always arrives as text, whether from YAML,
 * the environment or a flag, and is checked in one place.
 */
#include "core/config.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>

#include "base/clock.h"
#include "base/paths.h"
#include "base/suggest.h"
#include "base/time_text.h"

#define KEYS_MAX 64
#define MODULES	 "modules."
#define ALERTS	 "alerts."

enum key_type {
	BOOL,
	COUNT,
	SECONDS,
	WAIT, /* 0, too */
	BYTES,
	TEXT,
	LIST,
	AUTH,
	FSYNC
};

struct key {
	struct config_key shown; /* first: config_keys() gives these */
	enum key_type type;
	size_t offset;
};

#define KEY(name, type, member, fallback, help)                                 \
	{                                                                       \
		{ name, fallback, help }, type, offsetof(struct config, member) \
	}

static const struct key keys[] = {
	KEY("poll_interval", SECONDS, poll_interval_us, "0.1",
	    "Seconds between two looks at sources that cannot be waited for"),
	KEY("host", TEXT, host, "",
	    "Name of this machine in the events (empty: its host name)"),
	KEY("output.dir", TEXT, output_dir, "",
	    "Folder of the logs (data/logs, /var/log/lksm)"),
	KEY("output.retention.days", COUNT, keep_days, "0",
	    "Remove logs older than that, but those of the last so many days that have "
	    "one; 0 "
	    "never"),
	KEY("output.retention.size", BYTES, keep_bytes, "0",
	    "Keep the logs below that together, e.g. 10G; 0 no limit"),
	KEY("output.compress_after_days", COUNT, compress_after_days, "2",
	    "Compress logs with zstd when they are so old, but the newest two; 0 never"),
	KEY("output.seal", BOOL, seal, "true",
	    "Seal the logs, so that `lksm verify` can tell whether they were changed"),
	KEY("output.fsync", FSYNC, fsync, "never",
	    "What outlives a crash of the machine: never (what the kernel had written), "
	    "interval (all that is sealed) or batch (all that was shown)"),
	KEY("output.heartbeat", COUNT, heartbeat_s, "60",
	    "Seconds between two heartbeat events; 0 none"),
	KEY("dashboard.enabled", BOOL, dashboard_enabled, "true", "Serve the dashboard"),
	KEY("dashboard.listen", TEXT, dashboard_listen, "127.0.0.1:8787",
	    "Address and port"),
	KEY("dashboard.auth", AUTH, dashboard_auth, "token",
	    "token, or none (on loopback only)"),
	KEY("dashboard.hosts", LIST, dashboard_hosts, "",
	    "Further names the dashboard may be called by (a proxy's)"),
	KEY("dashboard.tls.certificate", TEXT, dashboard_certificate, "",
	    "PEM file of the certificate, and of those that vouch for it: the dashboard "
	    "is then https"),
	KEY("dashboard.tls.key", TEXT, dashboard_key, "", "PEM file of its key"),
	KEY("dashboard.plain_http", BOOL, dashboard_plain_http, "false",
	    "Serve beyond loopback without TLS: a proxy adds it"),
	KEY("dashboard.connection_limit", COUNT, dashboard_connection_limit, "250",
	    "Open connections of one client, of 1500 in all; 0 no limit"),
	KEY("dashboard.rate_limit", COUNT, dashboard_rate_limit, "100",
	    "Requests a second that one client may make, and new connections by TLS; ten "
	    "times that at once; 0 no limit"),
	KEY("dashboard.failure_limit", COUNT, dashboard_failure_limit, "60",
	    "Wrong tokens a minute of one client that get an answer; 0 no limit"),
	KEY("history.enabled", BOOL, history_enabled, "true",
	    "Keep a database of the events, to search in"),
	KEY("history.dir", TEXT, history_dir, "",
	    "Folder of the database (history, in the log folder)"),
	KEY("history.days", COUNT, history_days, "90",
	    "Forget events that are older, critical ones after four times as long; 0 "
	    "never. The logs keep them"),
	KEY("history.size", BYTES, history_bytes, "2G",
	    "Keep the database below that; 0 no limit"),
	KEY("kernel_log.all", BOOL, kernel_log_all, "false",
	    "Log every kernel message, not only those that rules name"),
	KEY("rules.dirs", LIST, rules_dirs, "",
	    "Folders of rules (rules, /etc/lksm/rules.d)"),
	KEY("rules.enable", LIST, rules_enable, "",
	    "Rule packs to switch on, e.g. kernel, lkrg"),
	KEY("rules.watch", BOOL, rules_watch, "true",
	    "Take a rule file that was saved at once; false: at SIGHUP only"),
	KEY("mutes", TEXT, mutes, "",
	    "File of `lksm mute` (empty: mutes.yaml beside the configuration; in a "
	    "checkout data/mutes.yaml)"),
	KEY("modules.dirs", LIST, module_dirs, "",
	    "Folders of modules: .so files and programs"),
	KEY("modules.rate_limit", COUNT, module_rate_limit, "1000",
	    "Events a second that one such module may send; 0 no limit"),
	KEY("alerts.enabled", BOOL, alerts_enabled, "true",
	    "The daemon starts who sends alerts, if there are receivers; false: "
	    "lksm-alerts.service does"),
	KEY("alerts.dir", TEXT, alerts_dir, "",
	    "Folder of what was delivered and of the dead letters (empty: output.dir)"),
	KEY("alerts.group_wait", WAIT, alerts_group_wait_us, "10",
	    "Seconds that a first event waits for others of its type"),
	KEY("alerts.group_interval", WAIT, alerts_group_interval_us, "300",
	    "Seconds between two messages of one type to one receiver"),
	KEY("alerts.rate_limit", COUNT, alerts_rate_limit, "30",
	    "Messages a minute to one receiver; 0 no limit"),
	KEY("alerts.retry_for", SECONDS, alerts_retry_for_us, "3600",
	    "Seconds of tries before a message goes to the dead letters"),
	{ { NULL, NULL, NULL }, BOOL, 0 },
};

_Static_assert(sizeof(keys) / sizeof(keys[0]) <= KEYS_MAX, "KEYS_MAX");

const struct config_key *config_keys(void)
{
	static struct config_key shown[KEYS_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		shown[i] = keys[i].shown;
	return shown;
}

static const struct key *find_key(const char *name)
{
	for (const struct key *k = keys; k->shown.key; k++)
		if (!strcmp(k->shown.key, name))
			return k;
	return NULL;
}

static const char *nearest_key(const char *name)
{
	const char *names[KEYS_MAX + 1];
	size_t n = 0;

	for (const struct key *k = keys; k->shown.key; k++)
		names[n++] = k->shown.key;
	names[n] = NULL;
	return suggest(name, names);
}

/* "500", and with @may_scale "10G", "512MiB" */
static int parse_count(const char *value, bool may_scale, uint64_t *ret)
{
	static const char units[] = "KMGT";
	unsigned long long n;
	const char *unit;
	char *end;

	if (!isdigit((unsigned char)*value))
		return -EINVAL;
	errno = 0;
	n = strtoull(value, &end, 10);
	if (errno)
		return -EINVAL;
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (may_scale && unit) {
		int shift = 10 * (int)(unit - units + 1);

		if (n > UINT64_MAX >> shift)
			return -EINVAL;
		n <<= shift;
		end++;
		if (!strcmp(end, "iB") || !strcmp(end, "B"))
			end += strlen(end);
	}
	if (*end)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int parse_bool(const char *value, bool *ret)
{
	*ret = !strcmp(value, "true") || !strcmp(value, "yes") || !strcmp(value, "on") ||
	       !strcmp(value, "1");
	return *ret || !strcmp(value, "false") || !strcmp(value, "no") ||
			       !strcmp(value, "off") || !strcmp(value, "0")
		       ? 0
		       : -EINVAL;
}

static int set_text(char **to, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

static void clear_list(struct config_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	*list = (struct config_list){ 0 };
}

/* Separated by commas, as in an environment variable; YAML sequences are joined so. */
static int set_list(struct config_list *list, const char *value)
{
	clear_list(list);
	while (*value) {
		size_t n = strcspn(value, ",");

		if (list->n == CONFIG_LIST_MAX)
			return -E2BIG;
		if (n) {
			list->items[list->n] = strndup(value, n);
			if (!list->items[list->n])
				return -ENOMEM;
			list->n++;
		}
		value += n + (value[n] == ',');
	}
	return 0;
}

static const char *const fsync_names[] = { [CONFIG_FSYNC_NEVER] = "never",
					   [CONFIG_FSYNC_INTERVAL] = "interval",
					   [CONFIG_FSYNC_BATCH] = "batch" };

static int parse_fsync(const char *value, enum config_fsync *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(fsync_names); i++)
		if (!strcmp(fsync_names[i], value)) {
			*ret = (enum config_fsync)i;
			return 0;
		}
	return -EINVAL;
}

static int set_member(struct config *c, const struct key *k, const char *value)
{
	void *member = (char *)c + k->offset;
	uint64_t us;

	switch (k->type) {
	case BOOL:
		return parse_bool(value, member);
	case COUNT:
		return parse_count(value, false, member);
	case SECONDS:
		if (time_parse_span(value, &us) < 0 || !us)
			return -EINVAL;
		*(uint64_t *)member = us;
		return 0;
	case WAIT:
		return time_parse_span(value, member);
	case BYTES:
		return parse_count(value, true, member);
	case TEXT:
		return set_text(member, value);
	case LIST:
		return set_list(member, value);
	case AUTH:
		*(bool *)member = !strcmp(value, "token");
		return *(bool *)member || !strcmp(value, "none") ? 0 : -EINVAL;
	case FSYNC:
		return parse_fsync(value, member);
	}
	return -EINVAL;
}

static const char *expected(enum key_type type)
{
	static const char *const texts[] = {
		[BOOL] = "true or false",
		[COUNT] = "a number",
		[SECONDS] = "seconds, e.g. 0.1, or a time such as 5m",
		[WAIT] = "seconds, e.g. 0.1, or a time such as 5m",
		[BYTES] = "a size, e.g. 512M or 10G",
		[TEXT] = "a text",
		[LIST] = "a list of at most 16",
		[AUTH] = "token or none",
		[FSYNC] = "never, interval or batch",
	};

	return texts[type];
}

static int set_module_option(struct config *c, const char *key, const char *value,
			     const char *place, struct buffer *errors)
{
	const char *module = key + strlen(MODULES), *dot = strchr(module, '.');
	struct config_module_option *o = NULL;

	if (!dot || dot == module || !dot[1]) {
		buffer_appendf(errors, "%s: '%s' should be modules.MODULE.OPTION\n",
			       place, key);
		return -EINVAL;
	}
	for (size_t i = 0; i < c->n_module_options && !o; i++) {
		struct config_module_option *old = &c->module_options[i];

		if (!strncmp(old->module, module, (size_t)(dot - module)) &&
		    !old->module[dot - module] && !strcmp(old->option, dot + 1))
			o = old;
	}
	if (!o && c->n_module_options == CONFIG_MODULE_OPTIONS_MAX) {
		buffer_appendf(errors, "%s: too many options of modules\n", place);
		return -EINVAL;
	}
	if (!o) {
		o = &c->module_options[c->n_module_options++];
		*o = (struct config_module_option){ strndup(module,
							    (size_t)(dot - module)),
						    strdup(dot + 1), NULL, NULL };
	}
	if (!o->module || !o->option || set_text(&o->value, value) < 0)
		return -ENOMEM;
	return set_text(&o->place, place);
}

/* What it means is for those who send. */
static int set_alert_option(struct config *c, const char *key, const char *value,
			    const char *place, struct buffer *errors)
{
	struct config_alert_option *o = NULL;

	for (size_t i = 0; i < c->n_alert_options && !o; i++)
		if (!strcmp(c->alert_options[i].key, key))
			o = &c->alert_options[i];
	if (!o && c->n_alert_options == CONFIG_ALERT_OPTIONS_MAX) {
		buffer_appendf(errors, "%s: too many receivers and routes\n", place);
		return -EINVAL;
	}
	if (!o) {
		o = &c->alert_options[c->n_alert_options++];
		*o = (struct config_alert_option){ .key = strdup(key) };
	}
	if (!o->key || set_text(&o->value, value) < 0)
		return -ENOMEM;
	return set_text(&o->place, place);
}

static bool is_alert_option(const char *key)
{
	return !strncmp(key, ALERTS "receivers.", strlen(ALERTS "receivers.")) ||
	       !strncmp(key, ALERTS "routes.", strlen(ALERTS "routes."));
}

int config_set(struct config *c, const char *key, const char *value, const char *place,
	       struct buffer *errors)
{
	const struct key *k = find_key(key);
	const char *near;
	int r;

	if (!k && !strncmp(key, MODULES, strlen(MODULES)))
		return set_module_option(c, key, value, place, errors);
	if (!k && is_alert_option(key))
		return set_alert_option(c, key + strlen(ALERTS), value, place, errors);
	if (!k) {
		near = nearest_key(key);
		buffer_appendf(errors, "%s: unknown key '%s'", place, key);
		if (near)
			buffer_appendf(errors, " (did you mean '%s'?)", near);
		buffer_append_char(errors, '\n');
		return -EINVAL;
	}
	r = set_member(c, k, value);
	if (r < 0 && r != -ENOMEM)
		buffer_appendf(errors, "%s: %s: '%s' is not %s\n", place, key, value,
			       expected(k->type));
	return r < 0 && r != -ENOMEM ? -EINVAL : r;
}

/* Folders of our own: those of the checkout, or those of the system that are there. */
static int init_folders(struct config *c)
{
	static const char *const system_rules[] = { "/usr/share/lksm/rules.d",
						    "/etc/lksm/rules.d" };
	_cleanup_buffer_ struct buffer text = { 0 };
	const char *root = paths_checkout();
	int r;

	buffer_appendf(&text, "%s%s", root, *root ? "/data/logs" : "/var/log/lksm");
	r = buffer_cstring(&text) ? set_text(&c->output_dir, text.data) : -ENOMEM;
	if (r < 0)
		return r;
	buffer_clear(&text);
	if (*root)
		buffer_appendf(&text, "%s/rules", root);
	for (size_t i = 0; !*root && i < ARRAY_SIZE(system_rules); i++)
		if (access(system_rules[i], F_OK) == 0)
			buffer_appendf(&text, "%s%s", text.len ? "," : "",
				       system_rules[i]);
	return buffer_cstring(&text) ? set_list(&c->rules_dirs, text.data) : -ENOMEM;
}

int config_init(struct config *c)
{
	int r = 0;

	*c = (struct config){ 0 };
	for (const struct key *k = keys; r >= 0 && k->shown.key; k++)
		r = set_member(c, k, k->shown.fallback);
	if (r >= 0)
		r = init_folders(c);
	if (r >= 0 && !c->host[0]) {
		char name[HOST_NAME_MAX + 1] = "";

		(void)gethostname(name, sizeof(name) - 1);
		r = set_text(&c->host, name);
	}
	return r;
}

void config_deinit(struct config *c)
{
	for (const struct key *k = keys; k->shown.key; k++) {
		void *member = (char *)c + k->offset;

		if (k->type == TEXT)
			free(*(char **)member);
		else if (k->type == LIST)
			clear_list(member);
	}
	for (size_t i = 0; i < c->n_alert_options; i++) {
		free(c->alert_options[i].key);
		free(c->alert_options[i].value);
		free(c->alert_options[i].place);
	}
	for (size_t i = 0; i < c->n_module_options; i++) {
		free(c->module_options[i].module);
		free(c->module_options[i].option);
		free(c->module_options[i].value);
		free(c->module_options[i].place);
	}
	*c = (struct config){ 0 };
}

static bool is_same_list(const struct config_list *a, const struct config_list *b)
{
	bool is_same = a->n == b->n;

	for (size_t i = 0; is_same && i < a->n; i++)
		is_same = !strcmp(a->items[i], b->items[i]);
	return is_same;
}

static bool is_same_member(const struct config *a, const struct config *b,
			   const struct key *k)
{
	const void *x = (const char *)a + k->offset, *y = (const char *)b + k->offset;

	switch (k->type) {
	case BOOL:
	case AUTH:
		return *(const bool *)x == *(const bool *)y;
	case COUNT:
	case SECONDS:
	case WAIT:
	case BYTES:
		return *(const uint64_t *)x == *(const uint64_t *)y;
	case FSYNC:
		return *(const enum config_fsync *)x == *(const enum config_fsync *)y;
	case TEXT:
		return !strcmp(*(char *const *)x, *(char *const *)y);
	case LIST:
		return is_same_list(x, y);
	}
	return false;
}

static void append_list(const struct config_list *list, struct buffer *out)
{
	for (size_t i = 0; i < list->n; i++)
		buffer_appendf(out, "%s%s", i ? "," : "", list->items[i]);
}

bool config_has_tls(const struct config *c)
{
	return *c->dashboard_certificate || *c->dashboard_key;
}

void config_append_value(const struct config *c, const char *key, struct buffer *out)
{
	const struct key *k = find_key(key);
	const void *member = (const char *)c + k->offset;

	switch (k->type) {
	case BOOL:
		buffer_appendf(out, "%s", *(const bool *)member ? "true" : "false");
		return;
	case AUTH:
		buffer_appendf(out, "%s", *(const bool *)member ? "token" : "none");
		return;
	case COUNT:
	case BYTES:
		buffer_append_u64(out, *(const uint64_t *)member);
		return;
	case SECONDS:
	case WAIT:
		buffer_appendf(out, "%llu.%06llu",
			       *(const unsigned long long *)member / USEC_PER_SEC,
			       *(const unsigned long long *)member % USEC_PER_SEC);
		return;
	case FSYNC:
		buffer_appendf(out, "%s",
			       fsync_names[*(const enum config_fsync *)member]);
		return;
	case TEXT:
		buffer_appendf(out, "%s", *(char *const *)member);
		return;
	case LIST:
		append_list(member, out);
		return;
	}
}

static void refuse_change(const char *key, struct buffer *errors)
{
	buffer_appendf(errors, "%s%s cannot change while the daemon runs: restart it",
		       errors->len ? "; " : "", key);
}

/* The options of @a that @b has not, or has with another value. */
static void check_options(const struct config *a, const struct config *b,
			  bool is_missing_only, struct buffer *errors)
{
	for (size_t i = 0; i < a->n_module_options; i++) {
		const struct config_module_option *o = &a->module_options[i];
		const char *other = config_module_option(b, o->module, o->option);
		char key[128];

		if (other && (is_missing_only || !strcmp(other, o->value)))
			continue;
		(void)snprintf(key, sizeof(key), MODULES "%s.%s", o->module, o->option);
		refuse_change(key, errors);
	}
}

static const char *alert_option(const struct config *c, const char *key)
{
	for (size_t i = 0; i < c->n_alert_options; i++)
		if (!strcmp(c->alert_options[i].key, key))
			return c->alert_options[i].value;
	return NULL;
}

/* Who sends has read them, and what they lead to, at its start. */
static void check_alert_options(const struct config *a, const struct config *b,
				struct buffer *errors)
{
	bool is_same = a->n_alert_options == b->n_alert_options;

	for (size_t i = 0; is_same && i < a->n_alert_options; i++) {
		const char *other = alert_option(b, a->alert_options[i].key);

		is_same = other && !strcmp(other, a->alert_options[i].value);
	}
	if (!is_same)
		refuse_change("alerts", errors);
}

int config_check_reload(const struct config *running, const struct config *fresh,
			struct buffer *errors)
{
	/* what is opened, locked or spawned once, before privilege is split */
	static const char *const fixed[] = { "output.dir",
					     "output.seal",
					     "dashboard.enabled",
					     "dashboard.listen",
					     "dashboard.auth",
					     "dashboard.plain_http",
					     "modules.dirs",
					     "modules.rate_limit",
					     "history.enabled",
					     "history.dir",
					     "alerts.enabled",
					     "alerts.dir",
					     "alerts.group_wait",
					     "alerts.group_interval",
					     "alerts.rate_limit",
					     "alerts.retry_for",
					     "mutes" };
	size_t before = errors->len;

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (!is_same_member(running, fresh, find_key(fixed[i])))
			refuse_change(fixed[i], errors);
	/* other files, and others in their place, are fine */
	if (config_has_tls(running) != config_has_tls(fresh))
		refuse_change("dashboard.tls", errors);
	check_alert_options(running, fresh, errors);
	check_options(running, fresh, false, errors);
	check_options(fresh, running, true, errors);
	return errors->len > before || errors->error ? -EINVAL : 0;
}

bool config_has_same_rules(const struct config *a, const struct config *b)
{
	return is_same_member(a, b, find_key("rules.dirs")) &&
	       is_same_member(a, b, find_key("rules.enable"));
}

const char *config_module_option(const struct config *c, const char *module,
				 const char *option)
{
	for (size_t i = 0; i < c->n_module_options; i++)
		if (!strcmp(c->module_options[i].module, module) &&
		    !strcmp(c->module_options[i].option, option))
			return c->module_options[i].value;
	return NULL;
}
