// SPDX-License-Identifier: Apache-2.0
/*
 * lksm history: what the database holds, and making it anew from the logs. While a daemon
 * runs, its history process is asked to do that.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/setup.h"
#include "cli/verb.h"
#include "core/sandbox_page.h"
#include "output/history/history.h"
#include "output/history/indexer.h"
#include "output/history/reader.h"

enum {
	OPTION_CONFIG,
	OPTION_LOG_DIR,
};

static const struct verb_option options[] = {
	[OPTION_CONFIG] = { "config", 'c', "FILE", "The configuration" },
	[OPTION_LOG_DIR] = { "log-dir", 0, "FOLDER", "The log folder" },
	{ 0 },
};

static int open_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? log_error_errno(errno, "cannot read the folder %s", path) : fd;
}

/* The daemon's history process; 0: there is none. */
static pid_t find_process(int logs)
{
	_cleanup_close_ int fd = openat(logs, SANDBOX_PAGE_NAME,
					O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct sandbox_row rows[SANDBOX_PAGE_ROWS];
	struct process_locks locks;
	int n = fd < 0 ? 0 : sandbox_page_read(fd, rows);

	for (int i = 0; i < n; i++)
		if (!strcmp(rows[i].process, "history") &&
		    process_locks_read(rows[i].pid, &locks) == 0 &&
		    locks.parent == rows[i].locks.parent)
			return rows[i].pid;
	return 0;
}

/* The history's own user goes on with what we made. */
static void give_away(int folder)
{
	static const char *const names[] = { HISTORY_FILE, HISTORY_FILE "-wal",
					     HISTORY_FILE "-shm" };
	struct stat st;

	if (geteuid() != 0 || fstat(folder, &st) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (fchownat(folder, names[i], st.st_uid, st.st_gid,
			     AT_SYMLINK_NOFOLLOW) < 0 &&
		    errno != ENOENT)
			(void)log_warning_errno(errno, "cannot give %s away", names[i]);
}

static int make_anew(int logs, int folder)
{
	const struct indexer_options o = { .log_folder = logs };
	struct indexer *x = NULL;
	uint64_t n = 0;
	int r = history_remove(); /* not opened: it need not be ours */

	if (r >= 0)
		r = indexer_create(&o, &x);
	while (r >= 0 && (r = indexer_turn(x)) > 0)
		n += (uint64_t)r;
	indexer_destroy(x);
	give_away(folder);
	if (r < 0)
		return log_error_errno(r, "cannot make the history");
	printf("%llu lines of the logs were read\n", (unsigned long long)n);
	return 0;
}

static int rebuild(int logs, int folder)
{
	pid_t pid = find_process(logs);

	if (!pid)
		return make_anew(logs, folder);
	if (kill(pid, SIGUSR1) < 0)
		return log_error_errno(errno, "cannot ask the daemon to do it");
	printf("the daemon makes it anew; `lksm history status` tells how far it is\n");
	return 0;
}

/* For people: the detail of a problem. */
static void say_problem(struct span body)
{
	json_t *problem = json_loadb(body.data, body.len, JSON_ALLOW_NUL, NULL);
	const char *detail = json_string_value(json_object_get(problem, "detail"));

	log_error("the history cannot tell: %s", detail ? detail : "the answer is none");
	json_decref(problem);
}

static int status(void)
{
	const struct query q = { .operation = QUERY_STATS, .severities = 15 };
	struct answer_text answer = { 0 };
	struct reader *reader = NULL;
	int r = reader_create(READER_LIMIT_MS, &reader);

	if (r >= 0)
		r = reader_answer(reader, &q, &answer);
	if (r >= 0 && answer.status == 200) {
		r = write_all(STDOUT_FILENO, answer.body.data, answer.body.len);
	} else if (r >= 0) {
		say_problem(buffer_span(&answer.body));
		r = 1;
	}
	buffer_deinit(&answer.body);
	reader_destroy(reader);
	return r;
}

/* Return: 0; 1: there is none, said in the log. */
static int look_for(const char *path)
{
	_cleanup_buffer_ struct buffer file = { 0 };

	buffer_appendf(&file, "%s/" HISTORY_FILE, path);
	if (!buffer_cstring(&file))
		return -ENOMEM;
	if (access(file.data, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))
		return 0; /* who opens it says what is wrong */
	log_error("there is no history in %s: start the daemon, or `lksm history "
		  "rebuild`",
		  path);
	return 1;
}

static int run_in(const struct config *config, const char *log_dir, const char *what)
{
	_cleanup_buffer_ struct buffer path = { 0 };
	_cleanup_close_ int logs = -1, folder = -1;
	int r;

	if (!log_dir)
		log_dir = config->output_dir;
	buffer_appendf(&path, "%s%s",
		       *config->history_dir ? config->history_dir : log_dir,
		       *config->history_dir ? "" : "/history");
	if (!buffer_cstring(&path))
		return -ENOMEM;
	logs = open_folder(log_dir);
	if (logs < 0)
		return logs;
	if (!strcmp(what, "rebuild") && mkdir(path.data, 0750) < 0 && errno != EEXIST)
		return log_error_errno(errno, "cannot make the folder %s", path.data);
	r = !strcmp(what, "status") ? look_for(path.data) : 0;
	if (r)
		return r;
	folder = open_folder(path.data);
	r = folder < 0 ? folder : history_enter(folder);
	if (r < 0)
		return r;
	return !strcmp(what, "rebuild") ? rebuild(logs, folder) : status();
}

static int run(int argc, char **argv)
{
	static const char *const words[] = { "rebuild", "status", NULL };
	const char *config_path = NULL, *log_dir = NULL, *value;
	struct setup setup = { 0 };
	int option, r;

	while ((option = verb_next_option(&verb_history, argc, argv, &value)) >= 0) {
		if (option == OPTION_CONFIG)
			config_path = value;
		else
			log_dir = value;
	}
	if (optind + 1 != argc ||
	    (strcmp(argv[optind], "rebuild") != 0 && strcmp(argv[optind], "status") != 0))
		return verb_refuse(&verb_history, argc - optind, argv + optind, words);
	r = setup_load_config(&setup, config_path);
	if (r >= 0)
		r = run_in(&setup.config, log_dir, argv[optind]);
	setup_deinit(&setup);
	return r < 0 ? EXIT_TROUBLE : r ? EXIT_NOTHING : EXIT_DONE;
}

const struct verb verb_history = {
	.name = "history",
	.arguments = "rebuild|status",
	.summary = "Make the database of the events anew from the logs, or say what it "
		   "holds",
	.detail = "The logs are the truth, and the database an index of them, so that "
		  "nothing "
		  "is lost by making it anew.",
	.options = options,
	.run = run,
};
