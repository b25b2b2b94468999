// SPDX-License-Identifier: Apache-2.0
/*
 * privsep/storage: the lock, torn lines, logs that are something else, retention,
 * compression and its interruptions; over a real channel, in a temporary folder.
 */
#include "privsep/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <zstd.h>

#include "base/clock.h"
#include "base/systemd.h"
#include "expect.h"
#include "folder.h"
#include "privsep/channel.h"
#include "privsep/compress.h"
#include "privsep/logfiles.h"

#define TODAY	  20261122
#define TODAY_LOG "lksm_events_2026-11-22.jsonl"

struct fixture {
	char folder[64];
	int dir;
	struct storage *storage;
	int ends[2]; /* 0: the supervisor's */
};

static struct storage *open_storage(struct storage_options options)
{
	_cleanup_buffer_ struct buffer error = { 0 };
	struct storage *s = NULL;

	if (storage_create(&options, &s, &error) < 0)
		fail_msg("%s", buffer_cstring(&error));
	return s;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)strcpy(f->folder, "/tmp/lksm-test-storage-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->dir = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->dir >= 0);
	f->storage = open_storage((struct storage_options){ .folder = f->folder });
	assert_int_equal(channel_create(f->ends), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	storage_destroy(f->storage);
	(void)close(f->ends[0]);
	(void)close(f->ends[1]);
	(void)close(f->dir);
	remove_folder(f->folder);
	free(f);
	return 0;
}

static void put(struct fixture *f, const char *name, const char *data, size_t len)
{
	_cleanup_close_ int fd = openat(f->dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
}

static void put_text(struct fixture *f, const char *name, const char *text)
{
	put(f, name, text, strlen(text));
}

static bool has(struct fixture *f, const char *name)
{
	return faccessat(f->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void expect_content(struct fixture *f, const char *name, const char *want)
{
	_cleanup_close_ int fd = openat(f->dir, name, O_RDONLY | O_CLOEXEC);
	char got[256];
	ssize_t n = fd < 0 ? -1 : read(fd, got, sizeof(got));

	if (n < 0)
		fail_msg("%s cannot be read", name);
	expect_span(name, "content", (struct span){ got, (size_t)n }, span_from(want));
}

/* Ask as core does; a channel keeps what is sent, so that one process can play both ends.
 */
static int serve(struct fixture *f, struct channel_message question,
		 struct channel_message *ret)
{
	assert_int_equal(channel_send(f->ends[1], &question), 0);
	assert_int_equal(storage_serve(f->storage, f->ends[0], TODAY), 0);
	assert_int_equal(channel_receive(f->ends[1], ret), 1);
	assert_int_equal(ret->kind, CHANNEL_REPLY);
	return ret->number ? -(int)ret->number : ret->fd;
}

static int open_log(struct fixture *f, const char *name, uint64_t *ret_cut)
{
	struct channel_message question = { .kind = CHANNEL_OPEN_LOG, .fd = -1 }, answer;
	int fd;

	(void)snprintf(question.name, sizeof(question.name), "%s", name);
	fd = serve(f, question, &answer);
	*ret_cut = answer.detail;
	return fd;
}

static int open_tail(struct fixture *f, uint64_t i,
		     char ret_name[static CHANNEL_NAME_SIZE])
{
	struct channel_message answer;
	int fd = serve(f,
		       (struct channel_message){
			       .kind = CHANNEL_OPEN_TAIL, .number = i, .fd = -1 },
		       &answer);

	memcpy(ret_name, answer.name, CHANNEL_NAME_SIZE);
	return fd;
}

static void test_new_log(void **state)
{
	struct fixture *f = *state;
	mode_t mask = umask(077);
	uint64_t cut = 9;
	_cleanup_close_ int fd = open_log(f, TODAY_LOG, &cut);
	struct stat st;

	(void)umask(mask);
	assert_true(fd >= 0);
	assert_int_equal(cut, 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK),
			 O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "{}\n", 3), 3);
	expect_content(f, TODAY_LOG, "{}\n");
}

static void test_bad_requests(void **state)
{
	static const struct {
		const char *name;
		enum channel_kind kind;
		const char *log;
		int want;
	} cases[] = {
		{ "path", CHANNEL_OPEN_LOG, "../../etc/passwd", -EINVAL },
		{ "our own file", CHANNEL_OPEN_LOG, ".state", -EINVAL },
		{ "compressed", CHANNEL_OPEN_LOG, TODAY_LOG ".zst", -EINVAL },
		{ "of a day to come", CHANNEL_OPEN_LOG, "lksm_events_9999-12-31.jsonl",
		  -EINVAL },
		{ "of a day that is over", CHANNEL_OPEN_LOG,
		  "lksm_events_2026-11-21.jsonl", -EINVAL },
		{ "not a request", CHANNEL_PONG, "", -EOPNOTSUPP },
	};
	struct fixture *f = *state;
	uint64_t cut;

	put_text(f, "lksm_events_2026-11-21.jsonl", "{}\n");
	(void)close(open_log(f, TODAY_LOG, &cut));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct channel_message question = { .kind = cases[i].kind, .fd = -1 },
				       answer;

		(void)snprintf(question.name, sizeof(question.name), "%s", cases[i].log);
		expect_number(cases[i].name, "answer", serve(f, question, &answer),
			      cases[i].want);
	}
}

/* What stands at the log's place is not what it seems: neither used nor followed. */
static void test_imposters(void **state)
{
	struct fixture *f = *state;
	uint64_t cut;

	put_text(f, "victim", "{}\nno newline");
	for (int i = 1; i <= 4; i++) {
		char aside[64];
		int fd;

		if (i == 1)
			assert_int_equal(symlinkat("victim", f->dir, TODAY_LOG), 0);
		else if (i == 2)
			assert_int_equal(linkat(f->dir, "victim", f->dir, TODAY_LOG, 0),
					 0);
		else if (i == 3)
			assert_int_equal(mkfifoat(f->dir, TODAY_LOG, 0600), 0);
		else
			assert_int_equal(mkdirat(f->dir, TODAY_LOG, 0700), 0);
		fd = open_log(f, TODAY_LOG, &cut);
		assert_true(fd >= 0);
		(void)close(fd);
		(void)snprintf(aside, sizeof(aside), "foreign-%d-" TODAY_LOG, i);
		assert_true(has(f, aside));
		expect_content(f, TODAY_LOG, "");
		expect_content(f, "victim", "{}\nno newline");
		assert_int_equal(unlinkat(f->dir, TODAY_LOG, 0), 0);
		storage_writer_gone(f->storage);
	}
}

static void test_torn_line(void **state)
{
	struct fixture *f = *state;
	char name[CHANNEL_NAME_SIZE];
	uint64_t cut;

	put_text(f, TODAY_LOG, "{}\n{\"se");
	(void)close(open_log(f, TODAY_LOG, &cut));
	assert_int_equal(cut, 4);
	expect_content(f, TODAY_LOG, "{}\n");

	/* the core writes now: what looks torn may be a write in progress */
	put_text(f, TODAY_LOG, "{}\n{\"seq\"");
	(void)close(open_tail(f, 0, name));
	expect_content(f, TODAY_LOG, "{}\n{\"seq\"");

	/* it asks for the log again: it is not writing, and its torn line is written anew */
	(void)close(open_log(f, TODAY_LOG, &cut));
	assert_int_equal(cut, 6);
	expect_content(f, TODAY_LOG, "{}\n");

	/* the core died: the next one looks at the tail first, and is told when it opens
	 */
	put_text(f, TODAY_LOG, "{}\n{\"seq\"");
	storage_writer_gone(f->storage);
	(void)close(open_tail(f, 0, name));
	assert_string_equal(name, TODAY_LOG);
	expect_content(f, TODAY_LOG, "{}\n");
	(void)close(open_log(f, TODAY_LOG, &cut));
	assert_int_equal(cut, 6);
	(void)close(open_log(f, TODAY_LOG, &cut));
	assert_int_equal(cut, 0);
}

static void test_tails(void **state)
{
	struct fixture *f = *state;
	char name[CHANNEL_NAME_SIZE], newest[LOGFILE_NAME_SIZE];
	int fd;

	assert_int_equal(storage_newest(f->storage, newest, sizeof(newest)), 0);
	assert_string_equal(newest, "");
	assert_int_equal(open_tail(f, 0, name), -ENOENT);
	put_text(f, "lksm_events_2026-11-20.jsonl", "{}\n");
	put_text(f, "lksm_events_2026-11-22.jsonl", "{}\n");
	put_text(f, "lksm_events_2026-11-21.jsonl.zst", "?");
	put_text(f, "lksm_events_2026-11-23.jsonl.bak", "?");
	assert_int_equal(symlinkat("x", f->dir, "lksm_events_2026-11-24.jsonl"), 0);
	fd = open_tail(f, 0, name);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	(void)close(fd);
	assert_string_equal(name, "lksm_events_2026-11-22.jsonl");
	(void)close(open_tail(f, 1, name));
	assert_string_equal(name, "lksm_events_2026-11-20.jsonl");
	assert_int_equal(open_tail(f, 2, name), -ENOENT);
	put_text(f, "lksm_events_2026-11-25.jsonl.zst", "?");
	assert_int_equal(storage_newest(f->storage, newest, sizeof(newest)), 0);
	assert_string_equal(newest, "lksm_events_2026-11-25.jsonl");
}

/* The calls that core makes, with the supervisor in another process. */
static void test_core_half(void **state)
{
	struct fixture *f = *state;
	char name[CHANNEL_NAME_SIZE];
	uint64_t cut = 0;
	pid_t pid;
	int fd;

	put_text(f, TODAY_LOG, "{}\n{");
	pid = fork();
	if (pid == 0) {
		(void)close(f->ends[1]);
		while (storage_serve(f->storage, f->ends[0], TODAY) == 0)
			;
		_exit(0);
	}
	(void)close(f->ends[0]);
	fd = storage_request_log(f->ends[1], TODAY_LOG, &cut);
	assert_true(fd >= 0);
	assert_int_equal(cut, 1);
	assert_int_equal(write(fd, "[]\n", 3), 3);
	(void)close(fd);
	assert_int_equal(storage_request_log(f->ends[1], "nonsense", &cut), -EINVAL);
	fd = storage_request_tail(f->ends[1], 0, name, sizeof(name));
	assert_true(fd >= 0);
	(void)close(fd);
	assert_string_equal(name, TODAY_LOG);
	assert_int_equal(storage_request_tail(f->ends[1], 1, name, sizeof(name)),
			 -ENOENT);
	(void)close(f->ends[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	expect_content(f, TODAY_LOG, "{}\n[]\n");
}

/* It can never say that its write is over: the next one's log is watched all the same. */
static void test_a_core_killed_while_it_writes(void **state)
{
	struct fixture *f = *state;
	struct log_progress *progress = storage_progress(f->storage);
	sd_event *event = NULL;
	struct reports reports;
	char told[256] = "";
	uint64_t cut;

	assert_int_equal(sd_load(NULL), 0);
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(reports_open(&reports, event), 0);
	storage_watch(f->storage, &reports);
	(void)close(open_log(f, TODAY_LOG, &cut));
	atomic_fetch_add(&progress->n_begun, 1);
	put_text(f, TODAY_LOG, "{}\n");
	storage_writer_gone(f->storage);
	storage_look(f->storage);
	(void)close(open_log(f, TODAY_LOG, &cut));
	assert_int_equal(read(reports.read_fd, told, sizeof(told) - 1), -1);
	put_text(f, TODAY_LOG, "");
	storage_look(f->storage);
	assert_true(read(reports.read_fd, told, sizeof(told) - 1) > 0);
	assert_non_null(strstr(told, "\"how\": \"truncated\""));
	reports_close(&reports);
	(void)sd_event_unref(event);
}

static void test_own_files(void **state)
{
	struct fixture *f = *state;
	_cleanup_close_ int fd = storage_open_file(f->storage, ".state",
						   O_RDWR | O_CREAT);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(storage_open_file(f->storage, "../x", O_RDWR | O_CREAT),
			 -EINVAL);
	assert_int_equal(storage_open_file(f->storage, ".x/../y", O_RDWR | O_CREAT),
			 -EINVAL);
	assert_int_equal(storage_open_file(f->storage, TODAY_LOG, O_RDWR | O_CREAT),
			 -EINVAL);
	assert_int_equal(storage_open_file(f->storage, ".none", O_RDONLY), -ENOENT);
	assert_int_equal(mkfifoat(f->dir, ".fifo", 0600), 0);
	(void)alarm(20); /* it must not wait for the FIFO's other end */
	assert_int_equal(storage_open_file(f->storage, ".fifo", O_RDONLY), -EINVAL);
	assert_int_equal(storage_open_file(f->storage, ".fifo", O_WRONLY), -EINVAL);
	(void)alarm(0);
}

static void test_folder_is_made(void **state)
{
	struct fixture *f = *state;
	struct storage *s;
	char path[128];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/a/b//c/", f->folder);
	s = open_storage((struct storage_options){ .folder = path });
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	storage_destroy(s);
}

static void expect_refused(const char *folder, int want, const char *mention)
{
	_cleanup_buffer_ struct buffer error = { 0 };
	struct storage_options options = { .folder = folder };
	struct storage *s = NULL;

	assert_int_equal(storage_create(&options, &s, &error), want);
	assert_null(s);
	if (!span_contains(buffer_span(&error), span_from(mention)))
		fail_msg("\"%s\" does not mention %s", buffer_cstring(&error), mention);
}

static void test_lock_names_the_other(void **state)
{
	struct fixture *f = *state;
	uint64_t begin = clock_now().mono_us;
	char pid[32], path[128];

	(void)snprintf(pid, sizeof(pid), "(pid %d)", (int)getpid());
	expect_refused(f->folder, -EWOULDBLOCK, pid);
	assert_true(clock_now().mono_us - begin <
		    3 * USEC_PER_SEC); /* it lives: no waiting */
	expect_refused(f->folder, -EWOULDBLOCK, "--log-dir");
	expect_refused("/proc/nothing/here", -ENOENT, "/proc/nothing/here");
	put_text(f, "file", "");
	(void)snprintf(path, sizeof(path), "%s/file", f->folder);
	expect_refused(path, -ENOTDIR, "file");
}

/* A daemon whose core lives on until it sees that somebody opens the lock. */
static void be_daemon(struct fixture *f, int ready)
{
	char path[128], event[512];
	int watch;

	f->storage = open_storage((struct storage_options){ .folder = f->folder });
	if (fork() == 0) {
		(void)snprintf(path, sizeof(path), "%s/.lock", f->folder);
		watch = inotify_init1(IN_CLOEXEC);
		if (inotify_add_watch(watch, path, IN_OPEN) < 0 ||
		    write(ready, "x", 1) != 1)
			_exit(1);
		_exit(read(watch, event, sizeof(event)) <= 0);
	}
	for (;;)
		(void)pause();
}

/* A daemon that was killed does not stand in the way, but its last writer is waited for.
 */
static void test_lock_waits_for_the_dying(void **state)
{
	struct fixture *f = *state;
	int ready[2];
	char byte;
	pid_t daemon;

	storage_destroy(f->storage);
	f->storage = NULL;
	assert_int_equal(pipe(ready), 0);
	daemon = fork();
	if (daemon == 0)
		be_daemon(f, ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(kill(daemon, SIGKILL), 0);
	assert_int_equal(waitpid(daemon, NULL, 0), daemon);
	f->storage = open_storage((struct storage_options){ .folder = f->folder });
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void reopen(struct fixture *f, struct storage_options options)
{
	storage_destroy(f->storage);
	options.folder = f->folder;
	f->storage = open_storage(options);
}

static void test_retention(void **state)
{
	static const struct {
		const char *name;
		uint64_t keep_days, keep_bytes;
		uint32_t today;
		const char
			*want; /* which of the days 1 to 4 stay; each log has 100 bytes */
	} cases[] = {
		{ "keep all", 0, 0, 20261104, "1234" },
		{ "days", 2, 0, 20261104, "234" },
		{ "one day", 1, 0, 20261104, "34" },
		{ "bytes", 0, 250, 20261104, "34" },
		{ "exactly", 0, 300, 20261104, "234" },
		{ "never the newest", 0, 1, 20261104, "4" },
		{ "both", 2, 150, 20261104, "4" },
		{ "a clock set ahead", 3, 0, 20361104, "1234" },
		{ "a clock set ahead, and a day went by", 2, 0, 20361104, "234" },
		{ "a clock set back", 1, 0, 20061104, "1234" },
	};
	struct fixture *f = *state;
	char content[100];
	uint64_t cut;

	memset(content, '\n', sizeof(content));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char got[5] = "";

		for (char day = '1'; day <= '4'; day++) {
			char name[] = "lksm_events_2026-11-0?.jsonl";

			name[strlen(name) - 7] = day;
			put(f, name, content, sizeof(content));
		}
		reopen(f, (struct storage_options){ .keep_days = cases[i].keep_days,
						    .keep_bytes = cases[i].keep_bytes });
		assert_int_equal(storage_housekeep(f->storage, cases[i].today), 0);
		for (char day = '1'; day <= '4'; day++) {
			char name[] = "lksm_events_2026-11-0?.jsonl";

			name[strlen(name) - 7] = day;
			if (has(f, name))
				got[strlen(got)] = day;
		}
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: %s stay, not %s", cases[i].name, got,
				 cases[i].want);
	}
	/* however old: the newest, and what the core still writes to */
	assert_int_equal(storage_housekeep(f->storage, 20300101), 0);
	assert_true(has(f, "lksm_events_2026-11-04.jsonl"));
	reopen(f, (struct storage_options){ .keep_bytes = 1 });
	(void)close(open_log(f, "lksm_events_2026-11-04.jsonl", &cut));
	put(f, "lksm_events_2026-11-05.jsonl", content, sizeof(content)); /* planted */
	assert_int_equal(storage_housekeep(f->storage, 20300101), 0);
	assert_true(has(f, "lksm_events_2026-11-04.jsonl"));
}

static void wait_for_compressor(struct fixture *f, int pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	storage_compressed(f->storage, WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_compression(void **state)
{
	struct fixture *f = *state;

	put_text(f, "lksm_events_2026-11-19.jsonl", "{\"a\": 1}\n");
	put_text(f, "lksm_events_2026-11-20.jsonl", "{\"b\": 2}\n");
	put_text(f, "lksm_events_2026-11-21.jsonl", "{\"c\": 3}\n");
	put_text(f, TODAY_LOG, "{}\n");
	reopen(f, (struct storage_options){ .compress_after_days = 2 });
	wait_for_compressor(f, storage_housekeep(f->storage, TODAY));
	assert_true(has(f, "lksm_events_2026-11-19.jsonl.zst"));
	assert_false(has(f, "lksm_events_2026-11-19.jsonl"));
	wait_for_compressor(f, storage_housekeep(f->storage, TODAY));
	assert_true(has(f, "lksm_events_2026-11-20.jsonl.zst"));
	assert_int_equal(storage_housekeep(f->storage, TODAY), 0); /* 21: too young */
	assert_true(has(f, "lksm_events_2026-11-21.jsonl"));
	assert_true(has(f, TODAY_LOG));
}

/* One that cannot be compressed is told once and does not stop the others. */
static void test_compression_goes_on(void **state)
{
	struct fixture *f = *state;

	put_text(f, "lksm_events_2026-11-19.jsonl", "{\"a\": 1}\n");
	put_text(f, "lksm_events_2026-11-19.jsonl.zst", "something else");
	put_text(f, "lksm_events_2026-11-20.jsonl", "{\"b\": 2}\n");
	put_text(f, "lksm_events_2026-11-21.jsonl", "{\"c\": 3}\n");
	put_text(f, TODAY_LOG, "{}\n");
	reopen(f, (struct storage_options){ .compress_after_days = 1 });
	wait_for_compressor(f, storage_housekeep(f->storage, TODAY));
	expect_content(f, "lksm_events_2026-11-19.jsonl", "{\"a\": 1}\n");
	expect_content(f, "lksm_events_2026-11-19.jsonl.zst", "something else");
	wait_for_compressor(f, storage_housekeep(f->storage, TODAY));
	assert_true(has(f, "lksm_events_2026-11-20.jsonl.zst"));
	/* old enough, too, but after a crash it may be all that core can read */
	assert_int_equal(storage_housekeep(f->storage, TODAY), 0);
	assert_true(has(f, "lksm_events_2026-11-21.jsonl"));
}

static void decompress(struct fixture *f, const char *name, struct buffer *ret)
{
	_cleanup_close_ int fd = openat(f->dir, name, O_RDONLY | O_CLOEXEC);
	_cleanup_buffer_ struct buffer in = { 0 };
	ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer from;
	struct stat st;
	size_t left = 1;

	assert_true(fd >= 0 && context && fstat(fd, &st) == 0);
	assert_non_null(buffer_reserve(&in, (size_t)st.st_size));
	assert_int_equal(read(fd, in.data, (size_t)st.st_size), st.st_size);
	from = (ZSTD_inBuffer){ in.data, (size_t)st.st_size, 0 };
	while (left) {
		ZSTD_outBuffer out = { buffer_reserve(ret, 1 << 20), 1 << 20, 0 };

		assert_non_null(out.dst);
		left = ZSTD_decompressStream(context, &out, &from);
		assert_false(ZSTD_isError(left));
		ret->len += out.pos;
	}
	ZSTD_freeDCtx(context);
}

/* Sizes around the chunk's, of content that does and does not shrink. */
static void test_compressed_content(void **state)
{
	static const size_t sizes[] = { 0, 1, 131071, 131072, 131073, 262144, 3000000 };
	struct fixture *f = *state;
	unsigned int seed = 1;

	for (size_t i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		_cleanup_buffer_ struct buffer plain = { 0 }, got = { 0 };
		size_t size = sizes[i / 2];
		char *at = buffer_reserve(&plain, size + 1);

		assert_non_null(at);
		for (size_t j = 0; j < size; j++)
			at[j] = i % 2 ? (char)rand_r(&seed) : "{\"seq\": 1}\n"[j % 11];
		put(f, "lksm_events_2026-11-01.jsonl", at, size);
		assert_int_equal(compress_log(f->dir, "lksm_events_2026-11-01.jsonl"), 0);
		assert_false(has(f, "lksm_events_2026-11-01.jsonl"));
		decompress(f, "lksm_events_2026-11-01.jsonl.zst", &got);
		expect_number("content", "size", (int64_t)got.len, (int64_t)size);
		assert_true(size == 0 || memcmp(got.data, at, size) == 0);
		assert_int_equal(unlinkat(f->dir, "lksm_events_2026-11-01.jsonl.zst", 0),
				 0);
	}
}

/* Killed between the rename and the removal, or before: one whole copy stays. */
static void test_compression_interrupted(void **state)
{
	static const char name[] = "lksm_events_2026-11-01.jsonl";
	struct fixture *f = *state;

	put_text(f, name, "{\"a\": 1}\n");
	assert_int_equal(compress_log(f->dir, name), 0);
	put_text(f, name, "{\"a\": 1}\n");
	assert_int_equal(compress_log(f->dir, name), 0);
	assert_false(has(f, name));
	put_text(f, name, "{\"a\": 1}\n{\"more\": 1}\n");
	assert_int_equal(compress_log(f->dir, name), -EEXIST);
	assert_true(has(f, name));
	put_text(f, name, "{\"a\":");
	assert_int_equal(compress_log(f->dir, name), -EEXIST);
	assert_true(has(f, name));

	put_text(f, LOGFILE_TEMPORARY "lksm_events_2026-11-02.jsonl.zst", "half");
	reopen(f, (struct storage_options){ 0 });
	assert_false(has(f, LOGFILE_TEMPORARY "lksm_events_2026-11-02.jsonl.zst"));
	assert_true(has(f, name));
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_new_log),
		test(test_bad_requests),
		test(test_imposters),
		test(test_torn_line),
		test(test_tails),
		test(test_core_half),
		test(test_a_core_killed_while_it_writes),
		test(test_own_files),
		test(test_folder_is_made),
		test(test_lock_names_the_other),
		test(test_lock_waits_for_the_dying),
		test(test_retention),
		test(test_compression),
		test(test_compression_goes_on),
		test(test_compressed_content),
		test(test_compression_interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
