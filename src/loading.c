// SPDX-License-Identifier: Apache-2.0
/*
 * See loading.h. Each reading is a child's, behind SANDBOX_LOADER; of its answer only that
 * counts which it was to read.
 */
#include "loading.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "core/mutes_file.h"

/*
 * In the child that reads configuration and rules: what others share is not for it. At a
 * start there is nothing yet.
 */
static void leave_shared(struct daemon *d)
{
	live_unmap(d->ring);
	state_page_unmap(d->page);
	sandbox_page_unmap(d->sandboxes);
	inbox_set_unmap(d->inboxes);
	counters_unmap(d->counters);
	mutes_page_unmap(d->mutes);
	mutes_page_unmap(d->mutes_view);
	if (d->storage)
		storage_leave(d->storage, false);
	explicit_bzero(d->token, sizeof(d->token));
}

static int load_config(void *context, int secrets, struct buffer *packed)
{
	struct daemon *d = context;

	(void)secrets;
	leave_shared(d);
	return d->options->load_config(d->options->context, packed);
}

/* What is read as a configuration says; for a child. */
struct reading {
	struct daemon *d;
	const struct config *config;
};

static int load_tls(void *context, int secrets, struct buffer *nothing)
{
	const struct reading *reading = context;

	(void)nothing;
	leave_shared(reading->d);
	return reading->d->options->load_tls(reading->config, secrets);
}

static int load_rules(void *context, int secrets, struct buffer *packed)
{
	const struct reading *reading = context;

	(void)secrets;
	leave_shared(reading->d);
	return reading->d->options->load_rules(reading->config, packed);
}

int loading_mutes(void *context, int secrets, struct buffer *lines)
{
	struct daemon *d = context;

	(void)secrets;
	leave_shared(d);
	return mutes_load_lines(d->settings.config.mutes, lines);
}

/*
 * @ret_fd: the certificate and its key, which go from the loader to web in memory that
 * neither we nor core ever look into; -1: there are none.
 */
static int read_tls(struct daemon *d, const struct config *config, int *ret_fd,
		    struct buffer *errors)
{
	struct reading reading = { d, config };
	_cleanup_buffer_ struct buffer nothing = { 0 };
	_cleanup_close_ int secrets = -1;
	int r;

	*ret_fd = -1;
	if (!config->dashboard_enabled || !config_has_tls(config))
		return 0;
	secrets = memfd_create("lksm-tls", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (secrets < 0) {
		buffer_appendf(errors, "cannot make a memory file: %s", strerror(errno));
		return -errno;
	}
	r = loader_run(load_tls, &reading, secrets, &nothing);
	if (r < 0) {
		loader_complain(r, buffer_span(&nothing), errors);
		return r;
	}
	/* cannot fail: nobody has it mapped */
	(void)fcntl(secrets, F_ADD_SEALS,
		    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	*ret_fd = take_fd(&secrets);
	return 0;
}

/*
 * Into @s, which has the configuration. Who parses rules, which may come from anywhere, says
 * nothing else: not what is opened, run, or listened on.
 */
static int read_rules(struct daemon *d, struct settings *s, struct buffer *errors)
{
	struct reading reading = { d, &s->config };
	struct rules_files old = s->rules;
	struct settings answer = { 0 };
	int r = loader_settings(load_rules, &reading, -1, &answer, errors);

	if (r < 0)
		return r;
	s->rules = answer.rules;
	s->n_rules = answer.n_rules;
	answer.rules = old;
	settings_deinit(&answer);
	return 0;
}

int loading_settings(struct daemon *d, struct settings *ret, int *ret_tls_fd,
		     struct buffer *errors)
{
	_cleanup_close_ int tls_fd = -1;
	struct settings s = { 0 };
	int r = loader_settings(load_config, d, -1, &s, errors);

	if (r < 0)
		return r;
	r = read_tls(d, &s.config, &tls_fd, errors);
	if (r >= 0)
		r = read_rules(d, &s, errors);
	if (r < 0) {
		settings_deinit(&s);
		return r;
	}
	*ret = s;
	*ret_tls_fd = take_fd(&tls_fd);
	return 0;
}

int loading_saved_rules(struct daemon *d, struct settings *ret, struct buffer *says)
{
	int r = loader_settings(load_config, d, -1, ret, says);

	if (r < 0)
		return r;
	if (config_has_same_rules(&d->settings.config, &ret->config)) {
		r = read_rules(d, ret, says);
	} else {
		buffer_append_literal(says, "rules.dirs or rules.enable was changed, "
					    "too; SIGHUP takes all that was saved");
		r = -EINVAL;
	}
	if (r < 0)
		settings_deinit(ret);
	return r;
}
