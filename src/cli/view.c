// SPDX-License-Identifier: Apache-2.0
/* See view.h. */
#include "cli/view.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/near.h"
#include "cli/setup.h"

#define LINES_MAX 1000000

void view_init(struct view *v)
{
	const char *no_colour = getenv("NO_COLOR");

	*v = (struct view){ .folder = -1, .now_us = clock_now().real_us };
	v->filter.hides_routine = true;
	v->format.is_coloured = isatty(STDOUT_FILENO) && !(no_colour && *no_colour);
}

void view_deinit(struct view *v)
{
	filter_deinit(&v->filter);
	buffer_deinit(&v->out);
	cleanup_close(&v->folder);
	free(v->folder_path);
	mutes_deinit(&v->mutes);
	free((char *)v->mutes_file.path);
}

static int refuse_words(int r, const char *option, const char *value)
{
	if (r == -E2BIG)
		return log_refusal("%s: more than %d", option, FILTER_WORDS_MAX);
	if (r == -EINVAL)
		return log_refusal("%s '%s': an empty word", option, value);
	return r < 0 ? log_error_errno(r, "%s", option) : 0;
}

static int refuse_severity(int r, const char *option, const char *value)
{
	if (r == 0)
		return 0;
	return log_refusal("%s %s: none of info, medium, high, critical", option, value);
}

static int take_time(const struct view *v, const char *option, const char *value,
		     char ret[static TIME_TEXT_SIZE])
{
	uint64_t us;

	if (time_parse(value, v->now_us, &us) < 0)
		return log_refusal("%s '%s': no time such as 2h, \"90 min ago\" "
				   "(units: s, m, h, d, w), today, 2026-02-10, "
				   "\"2026-02-10 12:00\" or 2026-02-10T12:00:00Z",
				   option, value);
	time_format(us, ret);
	return 0;
}

int view_take_option(struct view *v, int option, const char *value)
{
	struct filter *f = &v->filter;

	switch ((enum view_option)option) {
	case VIEW_ALL:
		f->hides_routine = false;
		return 0;
	case VIEW_CONFIG:
		v->config_path = value;
		return 0;
	case VIEW_LOG_DIR:
		v->log_dir = value;
		return 0;
	case VIEW_HOST:
		return refuse_words(filter_choose(f, FILTER_HOST, value), "--host",
				    value);
	case VIEW_RULE:
		return refuse_words(filter_choose(f, FILTER_RULE, value), "--rule",
				    value);
	case VIEW_SOURCE:
		return refuse_words(filter_choose(f, FILTER_SOURCE, value), "--source",
				    value);
	case VIEW_TYPE:
		return refuse_words(filter_choose(f, FILTER_TYPE, value), "--type",
				    value);
	case VIEW_TEXT:
		return refuse_words(filter_add_text(f, value), "--text", value);
	case VIEW_SEVERITY:
		return refuse_severity(filter_add_severities(f, value), "--severity",
				       value);
	case VIEW_MIN_SEVERITY:
		return refuse_severity(filter_add_min_severity(f, value),
				       "--min-severity", value);
	case VIEW_SINCE:
		return take_time(v, "--since", value, f->since);
	case VIEW_UNTIL:
		return take_time(v, "--until", value, f->until);
	case VIEW_OPTION_COUNT:
		break;
	}
	return 0;
}

int view_take_operands(struct view *v, int n, char **operands)
{
	for (int i = 0; i < n; i++) {
		int r = filter_choose_data(&v->filter, operands[i]);

		if (r == -EINVAL)
			return log_refusal(
				"'%s' is not KEY=VALUE; for a text anywhere, say "
				"-q '%s'",
				operands[i], operands[i]);
		if (r < 0)
			return refuse_words(r, "KEY=VALUE", operands[i]);
	}
	return 0;
}

int view_take_color(struct view *v, const char *value)
{
	if (!strcmp(value, "always"))
		v->format.is_coloured = true;
	else if (!strcmp(value, "never"))
		v->format.is_coloured = false;
	else if (strcmp(value, "auto") != 0)
		return log_refusal("--color %s: none of auto, always, never", value);
	return 0;
}

int view_take_fields(struct view *v, const char *value)
{
	v->format.is_seed = !strcmp(value, "seed");
	if (!v->format.is_seed && strcmp(value, "full") != 0)
		return log_refusal("--fields %s: neither seed nor full", value);
	return 0;
}

int view_take_output(struct view *v, const char *value)
{
	if (format_parse(value, &v->format.format) < 0)
		return log_refusal("--output %s: none of " FORMAT_WORDS, value);
	return 0;
}

int view_take_table_output(const char *value, bool *ret_is_json)
{
	*ret_is_json = !strcmp(value, "json");
	if (!*ret_is_json && strcmp(value, "text") != 0)
		return log_refusal("--output %s: neither text nor json", value);
	return 0;
}

size_t view_columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return SIZE_MAX;
	return size.ws_col;
}

int view_take_lines(const char *value, uint64_t *ret)
{
	char *end;
	unsigned long long n = strtoull(value, &end, 10);

	if (*value < '0' || *value > '9' || *end != '\0' || n > LINES_MAX)
		return log_refusal("--lines %s: not a number from 0 to %d", value,
				   LINES_MAX);
	*ret = n;
	return 0;
}

static int open_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		log_error(
			"there is no log folder %s: start the daemon (lksm run), or name "
			"another one with --log-dir",
			path);
	else if (errno == EACCES)
		log_error("not allowed to read the log folder %s: try as root", path);
	else
		(void)log_error_errno(errno, "cannot read the log folder %s", path);
	return -errno;
}

void view_look_at_mutes(struct view *v)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	struct mutes fresh = { 0 };

	if (!v->mutes_file.path || !mutes_file_is_news(&v->mutes_file))
		return;
	if (mutes_load(v->mutes_file.path, &fresh, &errors) < 0) {
		if (!mutes_file_failed(&v->mutes_file))
			return;
		log_warning("what is muted cannot be told: %.*s",
			    errors.len ? (int)errors.len - 1 : 0,
			    errors.len ? errors.data : "");
		return;
	}
	mutes_deinit(&v->mutes);
	v->mutes = fresh;
}

int view_match(struct view *v, struct span line)
{
	int r = filter_match(&v->filter, line);

	if (r > 0 && v->mutes.n && mutes_match(&v->mutes, line, clock_now().real_us))
		return 0;
	return r;
}

static int find_mutes(struct view *v, const struct config *c)
{
	if (!v->hides_muted || !c->mutes)
		return 0;
	v->mutes_file.path = strdup(c->mutes);
	if (!v->mutes_file.path)
		return -ENOMEM;
	view_look_at_mutes(v);
	return 0;
}

int view_open(struct view *v)
{
	struct setup setup = { 0 };
	int r = 0;

	if (!v->log_dir || (v->hides_muted && v->config_path))
		r = setup_load_config(&setup, v->config_path);
	if (r >= 0)
		r = find_mutes(v, &setup.config);
	if (r >= 0) {
		v->folder_path = strdup(v->log_dir ? v->log_dir
						   : setup.config.output_dir);
		r = v->folder_path ? 0 : -ENOMEM;
	}
	setup_deinit(&setup);
	if (r == 0)
		r = v->folder = open_folder(v->folder_path);
	return r < 0 ? r : 0;
}

static int choose(void *userdata, struct span line)
{
	struct view *v = userdata;
	int r = view_match(v, line);

	if (r == -EBADMSG) {
		log_warning("%s: a line is no event and is passed over", v->name);
		return 0;
	}
	return r > 0 ? v->take(v->userdata, line) : r;
}

static int read_lines(struct view *v, int fd, bool is_packed, bool is_back)
{
	if (is_back)
		return log_lines_each_back(fd, is_packed, choose, v);
	if (is_packed)
		return log_lines_each(fd, true, choose, v);
	return log_lines_from(fd, &v->offset, choose, v);
}

/* From v->offset on. */
static int read_log(struct view *v, bool is_back, const char *name)
{
	char found[FOLDER_LOG_SIZE];
	_cleanup_close_ int fd = folder_logs_open(v->folder, name, found);
	int r;

	if (fd == -ENOENT) /* retention took it */
		return 0;
	if (fd < 0)
		return log_error_errno(fd, "cannot read %s", name);
	v->name = name;
	r = read_lines(v, fd, folder_logs_is_packed(found), is_back);
	if (r < 0 && r != -EPIPE && !v->has_told)
		return log_error_errno(r, "cannot read %s", found);
	return r;
}

/* Of the log in which the last reading ended, only what was added; of those before, nothing. */
static int read_next(struct view *v, const char *name)
{
	int order = strncmp(name, v->last, sizeof("lksm_events_YYYY-MM-DD") - 1);

	if (order < 0 || filter_skips_day(&v->filter, folder_logs_date(name)))
		return 0;
	if (order > 0)
		v->offset = 0;
	(void)snprintf(v->last, sizeof(v->last), "%s", name);
	return read_log(v, false, name);
}

static int read_each(struct view *v, bool is_back, bool is_news)
{
	struct folder_logs logs = { 0 };
	int r = folder_logs_list(v->folder, &logs);

	if (r < 0)
		return log_error_errno(r, "cannot list %s", v->folder_path);
	for (size_t i = 0; r == 0 && i < logs.n; i++) {
		const char *name = logs.names[is_back ? logs.n - 1 - i : i];

		if (is_news)
			r = read_next(v, name);
		else if (!filter_skips_day(&v->filter, folder_logs_date(name))) {
			v->offset = 0;
			r = read_log(v, is_back, name);
		}
	}
	folder_logs_deinit(&logs);
	return r;
}

int view_read(struct view *v, bool is_back, log_line_taker *take, void *userdata)
{
	v->take = take;
	v->userdata = userdata;
	return read_each(v, is_back, false);
}

void view_explain_nothing(const struct view *v)
{
	struct folder_logs logs = { 0 };

	if (folder_logs_list(v->folder, &logs) == 0 && !logs.n)
		log_notice("there are no logs in %s yet", v->folder_path);
	else
		near_explain(&v->filter);
	folder_logs_deinit(&logs);
}

int view_read_news(struct view *v, log_line_taker *take, void *userdata)
{
	v->take = take;
	v->userdata = userdata;
	return read_each(v, false, true);
}

int view_show(struct view *v, struct span line)
{
	if (!v->has_header)
		format_append_header(&v->out, v->format.format);
	v->has_header = true;
	v->format.now_us = clock_now().real_us;
	return event_line_format(&v->out, line, &v->format);
}

int view_open_stops(void)
{
	sigset_t stops;

	(void)sigemptyset(&stops);
	(void)sigaddset(&stops, SIGINT);
	(void)sigaddset(&stops, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &stops, NULL) < 0)
		return -errno;
	return signalfd(-1, &stops, SFD_CLOEXEC);
}

int view_flush(struct view *v)
{
	int r = write_all(STDOUT_FILENO, v->out.data, v->out.len);

	buffer_clear(&v->out);
	if (r < 0 && r != -EPIPE) {
		v->has_told = true;
		return log_error_errno(r, "cannot write the output");
	}
	return r;
}
