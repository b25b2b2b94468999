// SPDX-License-Identifier: Apache-2.0
/*
 * lksm alert: have a receiver told something now, see how far each is, or be the process that
 * tells them (which the daemon or lksm-alerts.service starts).
 */
#include "cli/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/suggest.h"
#include "cli/setup.h"
#include "output/alerts/alert_presence.h"
#include "output/alerts/alerts.h"

enum option {
	OPTION_CONFIG,
	OPTION_LOG_DIR,
};

static const struct verb_option options[] = {
	[OPTION_CONFIG] = { "config", 'c', "FILE", "Read this configuration" },
	[OPTION_LOG_DIR] = { "log-dir", 0, "FOLDER", "The log folder" },
	{ 0 },
};

struct alert {
	struct setup setup;
	struct alert_config config;
	const char *log_dir;
};

static const char *state_dir(const struct alert *a)
{
	return *a->setup.config.alerts_dir ? a->setup.config.alerts_dir : a->log_dir;
}

/* Return: an exit code for what went wrong, or -1. */
static int load(struct alert *a, const char *config_path, const char *log_dir)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	int r = setup_load_config(&a->setup, config_path);

	if (r < 0)
		return EXIT_TROUBLE;
	a->log_dir = log_dir ? log_dir : a->setup.config.output_dir;
	r = alert_config_parse(&a->setup.config, &a->config, &errors);
	if (errors.len)
		fwrite(errors.data, 1, errors.len, stderr);
	if (r < 0)
		return EXIT_TROUBLE;
	if (a->config.n_receivers)
		return -1;
	fprintf(stderr, "lksm: the configuration has no alerts.receivers\n");
	return EXIT_NOTHING;
}

/* Who has a bad file is named, and gets nothing; the others do. */
static void read_secrets(struct alert *a, const char *name)
{
	_cleanup_buffer_ struct buffer errors = { 0 };

	(void)alert_config_read_secrets(&a->config, name, &errors);
	if (errors.len)
		fwrite(errors.data, 1, errors.len, stderr);
}

static bool test_one(const struct alert *a, size_t i)
{
	const struct alert_receiver *r = &a->config.receivers[i];
	struct alert_outcome outcome;

	alerts_send_test(&a->config, i, &outcome);
	printf("%s (%s): %s: %s\n", r->name, alert_kind_name(r->kind),
	       outcome.result == ALERT_SENT ? "delivered" : "not delivered",
	       outcome.says);
	return outcome.result == ALERT_SENT;
}

static int refuse_receiver(const struct alert *a, const char *name)
{
	const char *names[ALERT_RECEIVERS_MAX + 1] = { 0 };
	char near[SUGGEST_SIZE];

	for (size_t i = 0; i < a->config.n_receivers; i++)
		names[i] = a->config.receivers[i].name;
	fprintf(stderr, "lksm: there is no receiver '%s'%s\n", name,
		suggest_text(name, names, near));
	return EXIT_TROUBLE;
}

static int test(struct alert *a, const char *name)
{
	size_t n_tried = 0, n_sent = 0;
	int r;

	read_secrets(a, name);
	r = alerts_become_user(); /* what it may not do, it could not do later */
	if (r < 0) {
		(void)log_error_errno(r, "alerts: nothing is sent as root");
		return EXIT_TROUBLE;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < a->config.n_receivers; i++) {
		if (name && strcmp(a->config.receivers[i].name, name) != 0)
			continue;
		n_tried++;
		n_sent += test_one(a, i);
	}
	if (!n_tried)
		return refuse_receiver(a, name);
	return n_sent == n_tried ? EXIT_DONE : EXIT_NOTHING;
}

static int open_in(const char *folder, const char *name, int flags)
{
	_cleanup_close_ int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = dir < 0 ? -1 : openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? -errno : fd;
}

/* The page is a file: its numbers may be any. */
static const char *state_name(uint32_t state)
{
	return state == ALERT_WELL	 ? "well"
	       : state == ALERT_RETRYING ? "retrying"
					 : "failing";
}

static void print_row(const struct alert_row *row, const struct alert_receiver *r,
		      uint64_t log_end)
{
	uint64_t next = atomic_load(&row->next_seq);
	time_t sent = (time_t)(atomic_load(&row->sent_real_us) / USEC_PER_SEC);
	char when[32] = "never";
	struct tm tm;

	if (sent && gmtime_r(&sent, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	printf("%s (%s): %s; sent %" PRIu64 ", failed tries %" PRIu64
	       ", dead letters %" PRIu64 "; last sent %s; told up to event %" PRIu64,
	       r->name, alert_kind_name(r->kind), state_name(atomic_load(&row->state)),
	       atomic_load(&row->n_sent), atomic_load(&row->n_failed),
	       atomic_load(&row->n_dead), when, next);
	if (log_end > next)
		printf(", behind by %" PRIu64, log_end - next);
	if (*row->says)
		printf("; it said: %s", row->says);
	putchar('\n');
}

static int status(const struct alert *a)
{
	_cleanup_close_ int fd = open_in(state_dir(a), ALERT_PAGE_NAME, O_RDONLY);
	_cleanup_close_ int folder = open(a->log_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct alert_page *page;
	uint64_t log_end = 0;
	int r = fd < 0 ? fd : alert_page_map(fd, false, &page);

	if (r == -ENOENT) {
		printf("nothing was sent yet: no daemon ran with these receivers\n");
		return EXIT_NOTHING;
	}
	if (r < 0) {
		(void)log_error_errno(r, "cannot read %s/" ALERT_PAGE_NAME, state_dir(a));
		return EXIT_TROUBLE;
	}
	(void)alerts_log_end(folder, &log_end); /* then nobody is said to be behind */
	r = alert_page_is_in_use(page) ? EXIT_DONE : EXIT_NOTHING;
	printf("%s; read up to event %" PRIu64 " of %" PRIu64 "\n",
	       r == EXIT_DONE ? "running" : "not running", atomic_load(&page->read_seq),
	       log_end);
	for (size_t i = 0; i < a->config.n_receivers; i++)
		for (size_t k = 0; k < ALERT_RECEIVERS_MAX; k++)
			if (!strncmp(page->rows[k].name, a->config.receivers[i].name,
				     ALERT_NAME_SIZE))
				print_row(&page->rows[k], &a->config.receivers[i],
					  log_end);
	alert_page_unmap(page);
	return r;
}

static int run_all(struct alert *a)
{
	_cleanup_close_ int folder = open(a->log_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int page = open_in(state_dir(a), ALERT_PAGE_NAME,
					   O_RDWR | O_CREAT);
	_cleanup_close_ int letters = open_in(state_dir(a), ALERT_LETTER_NAME,
					      O_WRONLY | O_CREAT | O_APPEND);
	const struct alerts_options o = { &a->config, folder, page, letters,
					  a->setup.config.mutes };
	int r;

	if (folder < 0 || page < 0 || letters < 0) {
		log_error("alerts: cannot open the logs in %s, or %s/" ALERT_PAGE_NAME,
			  a->log_dir, state_dir(a));
		return EXIT_TROUBLE;
	}
	read_secrets(a, NULL);
	r = alerts_run(&o);
	if (r < 0 && r != -ECHILD) /* else it was said */
		(void)log_error_errno(r, "alerts: cannot go on");
	return r < 0 ? EXIT_TROUBLE : EXIT_DONE;
}

static int dispatch(struct alert *a, int argc, char **argv)
{
	static const char *const words[] = { "test", "status", "run", NULL };

	if (argc >= 1 && argc <= 2 && !strcmp(argv[0], "test"))
		return test(a, argv[1]);
	if (argc == 1 && !strcmp(argv[0], "status"))
		return status(a);
	if (argc == 1 && !strcmp(argv[0], "run"))
		return run_all(a);
	return verb_refuse(&verb_alert, argc, argv, words);
}

static int run(int argc, char **argv)
{
	const char *config_path = NULL, *log_dir = NULL, *value;
	struct alert a = { 0 };
	int option, r;

	while ((option = verb_next_option(&verb_alert, argc, argv, &value)) >= 0) {
		if (option == OPTION_CONFIG)
			config_path = value;
		else
			log_dir = value;
	}
	r = load(&a, config_path, log_dir);
	if (r < 0)
		r = dispatch(&a, argc - optind, argv + optind);
	alert_config_deinit(&a.config);
	setup_deinit(&a.setup);
	return r;
}

const struct verb verb_alert = {
	.name = "alert",
	.arguments = "test [RECEIVER] | status | run",
	.summary = "Try the receivers of alerts, or see how they are",
	.detail = "test sends each receiver, or that one, a message now, and prints what "
		  "came of it.\nstatus tells how far each is told, and what was not "
		  "delivered.\nrun follows the log and tells them; the daemon starts it.",
	.options = options,
	.run = run,
};
