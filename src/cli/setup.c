// SPDX-License-Identifier: Apache-2.0
/* See setup.h. */
#include "cli/setup.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/suggest.h"
#include "cli/verb.h"
#include "core/mutes_file.h"
#include "core/registry.h"
#include "output/alerts/alert_config.h"
#include "output/dashboard/dashboard.h"

#define SYSTEM_CONFIG "/etc/lksm/lksm.yaml"
#define OPTIONS_MAX   32

static int complain(const struct buffer *errors)
{
	fwrite(errors->data, 1, errors->len, stderr);
	return -EINVAL;
}

static int complain_in(struct setup *s, const struct buffer *errors)
{
	buffer_append(&s->said, errors->data, errors->len);
	return complain(errors);
}

/* A misspelled option of a built-in module would otherwise be ignored. */
static void check_option(const struct config_module_option *o,
			 const struct lksm_module *module, struct buffer *errors)
{
	const char *names[OPTIONS_MAX + 1];
	const char *near;
	size_t n = 0;

	for (const struct lksm_option *row = module->options; row && row->name; row++) {
		if (!strcmp(row->name, o->option))
			return;
		if (n < OPTIONS_MAX)
			names[n++] = row->name;
	}
	names[n] = NULL;
	near = suggest(o->option, names);
	buffer_appendf(errors, "%s: module %s has no option '%s'", o->place, module->name,
		       o->option);
	if (near)
		buffer_appendf(errors, " (did you mean '%s'?)", near);
	buffer_append_char(errors, '\n');
}

static void check_module_options(const struct config *c, struct buffer *errors)
{
	for (size_t i = 0; i < c->n_module_options; i++)
		for (size_t m = 0; lksm_builtin_modules[m]; m++)
			if (!strcmp((*lksm_builtin_modules[m])->name,
				    c->module_options[i].module))
				check_option(&c->module_options[i],
					     *lksm_builtin_modules[m], errors);
}

static void check_alerts(const struct config *c, struct buffer *errors)
{
	_cleanup_alert_config_ struct alert_config alerts;

	/* what is wrong is in errors */
	(void)alert_config_parse(c, &alerts, errors);
}

int setup_exit_code(int r, const char *const *paths, size_t n)
{
	for (size_t i = 0; r == -EINVAL && i < n; i++)
		if (paths[i] && access(paths[i], R_OK) < 0)
			return EXIT_TROUBLE;
	if (r == -EINVAL)
		return EXIT_NOTHING;
	return r < 0 ? EXIT_TROUBLE : EXIT_DONE;
}

/* Beside the configuration that was named, or else where this program's own files are. */
static int place_mutes(struct config *c, const char *config_path)
{
	const char *root = paths_checkout(), *path = config_path;
	char place[PATH_MAX + 32];
	const char *slash;

	if (*c->mutes)
		return 0;
	if (!path && *root) {
		(void)snprintf(place, sizeof(place), "%s/data/mutes.yaml", root);
	} else {
		path = path ? path : SYSTEM_CONFIG;
		slash = strrchr(path, '/');
		(void)snprintf(place, sizeof(place), "%.*smutes.yaml",
			       slash ? (int)(slash + 1 - path) : 0, path);
	}
	free(c->mutes);
	c->mutes = strdup(place);
	return c->mutes ? 0 : -ENOMEM;
}

int setup_load_config(struct setup *s, const char *config_path)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	const char *path = config_path ? config_path : SYSTEM_CONFIG;
	int r = config_init(&s->config), environment;

	if (r < 0)
		return r;
	r = config_load_file(&s->config, path, &errors);
	if (r == -ENOENT && !config_path)
		r = 0;
	else if (r < 0 && !errors.len)
		buffer_appendf(&errors, "lksm: cannot read %s: %s\n", path, strerror(-r));
	/* what is wrong is in errors */
	environment = config_load_environment(&s->config, &errors);
	if (environment == -ENOMEM)
		r = environment;
	check_module_options(&s->config, &errors);
	check_alerts(&s->config, &errors);
	if (place_mutes(&s->config, config_path) < 0)
		r = -ENOMEM;
	if (errors.len)
		return complain_in(s, &errors);
	return r;
}

/* The configured folders, then the packs that are switched on, found in these folders. */
static int list_rules(const struct config *c, char **packs, const char **paths,
		      struct buffer *errors)
{
	const struct config_list *dirs = &c->rules_dirs;
	int r = 0;

	memcpy(paths, dirs->items, dirs->n * sizeof(*paths));
	for (size_t i = 0; i < c->rules_enable.n && r != -ENOMEM; i++) {
		const char *name = c->rules_enable.items[i];

		r = rules_find_pack((const char *const *)dirs->items, dirs->n, name,
				    &packs[i]);
		paths[dirs->n + i] = packs[i];
		if (r == -ENOENT)
			buffer_appendf(errors,
				       "rules.enable: no rule pack '%s' in the folder "
				       "available/ "
				       "of any of rules.dirs\n",
				       name);
	}
	return r == -ENOMEM ? r : errors->len ? -EINVAL : 0;
}

int setup_load_rules(struct setup *s)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	const char *paths[2 * CONFIG_LIST_MAX];
	char *packs[CONFIG_LIST_MAX] = { 0 };
	struct rules_files files = { 0 };
	struct rules *rules = NULL;
	int r = list_rules(&s->config, packs, paths, &errors);

	if (r == 0)
		r = rules_load_all(paths,
				   s->config.rules_dirs.n + s->config.rules_enable.n,
				   &rules, &files, &errors);
	for (size_t i = 0; i < s->config.rules_enable.n; i++)
		free(packs[i]);
	if (errors.len)
		(void)complain_in(s, &errors); /* warnings, if the rules are good */
	if (r < 0)
		return r;
	if (rules_count(rules) == 0)
		log_warning("no rules were found: what the sensor says gets no names");
	rules_destroy(s->rules);
	rules_files_deinit(&s->files);
	s->rules = rules;
	s->files = files;
	return 0;
}

int setup_load(struct setup *s, const char *config_path, const char *rules_path)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	int r = setup_load_config(s, config_path);

	if (r >= 0 && rules_path)
		r = config_set(&s->config, "rules.dirs", rules_path, "--rules", &errors);
	return r < 0 ? r : setup_load_rules(s);
}

/* It goes on: the daemon has more to do than to be looked at. */
static void warn_expired(const struct config *c, int64_t expires_s)
{
	if (expires_s <= (int64_t)(clock_now().real_us / USEC_PER_SEC))
		log_warning("dashboard.tls: the certificate in %s has expired: browsers "
			    "refuse it; renew it, then send SIGHUP",
			    c->dashboard_certificate);
}

int setup_load_tls(const struct config *c, struct tls_pair *ret)
{
	_cleanup_buffer_ struct buffer error = { 0 };
	int64_t expires_s = 0;
	int r;

	if (!c->dashboard_enabled || !config_has_tls(c))
		return 0;
	r = tls_pair_read(c->dashboard_certificate, c->dashboard_key, ret, &expires_s,
			  &error);
	if (r == -ENOMEM)
		return log_error_errno(r, "dashboard.tls");
	if (r < 0) {
		log_error("dashboard.tls: %.*s", (int)error.len, error.data);
		return -EINVAL;
	}
	warn_expired(c, expires_s);
	return 0;
}

int setup_check_alerts(const struct config *c)
{
	_cleanup_alert_config_ struct alert_config alerts;
	_cleanup_buffer_ struct buffer errors = { 0 };
	int r = alert_config_parse(c, &alerts, &errors);

	if (r == 0)
		r = alert_config_read_secrets(&alerts, NULL, &errors);
	if (r == 0 || r == -EINVAL)
		(void)alert_config_check_programs(&alerts, &errors); /* in errors */
	return errors.len ? complain(&errors) : r;
}

int setup_check_dashboard(const struct config *c)
{
	_cleanup_buffer_ struct buffer error = { 0 };
	int r = c->dashboard_enabled ? dashboard_check(c, c->dashboard_listen, &error)
				     : 0;

	if (error.len)
		log_message(r < 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, 0, "%.*s",
			    (int)error.len, error.data);
	return r < 0 ? -EINVAL : 0;
}

int setup_check_mutes(const struct config *c)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	_cleanup_mutes_ struct mutes mutes = { 0 };
	int r = mutes_load(c->mutes, &mutes, &errors);

	return errors.len ? complain(&errors) : r;
}

void setup_deinit(struct setup *s)
{
	buffer_deinit(&s->said);
	rules_files_deinit(&s->files);
	rules_destroy(s->rules);
	config_deinit(&s->config);
}
