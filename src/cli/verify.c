// SPDX-License-Identifier: Apache-2.0
/*
 * lksm verify: are sealed logs as they were when they were sealed? The judging is done by
 * core/verify.c; here files are found, read and unpacked, and the verdict put into words.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/packed.h"
#include "cli/setup.h"
#include "cli/verb.h"
#include "core/folder_logs.h"
#include "core/verify.h"

#define KEYS_MAX     16
#define KEY_TEXT_MAX ((size_t)64 << 10)

struct verify {
	struct verifier *verifier;
	struct seal_key keys[KEYS_MAX];
	size_t n_keys;
	bool is_open_end, may_be_lost;
	bool has_next; /* the key file was read: */
	struct seal_key next;
	bool is_live; /* a daemon writes to it */
	char copy
		[FOLDER_LOG_SIZE +
		 sizeof(FOLDER_LOG_PACKED)]; /* compressed, of a day that has a plain log, too */
	bool has_other_copy;		     /* and it says something else */
	size_t n_files;
	uint64_t n_bytes;
};

/* The keys in a text: one a line, among empty lines and # comments. */
static int take_keys(struct verify *v, struct span text, const char *path)
{
	size_t before = v->n_keys;

	while (text.len) {
		const char *end = memchr(text.data, '\n', text.len);
		struct span line = { text.data,
				     end ? (size_t)(end - text.data) : text.len };

		text = span_skip(text, line.len + (end ? 1 : 0));
		while (line.len && strchr(" \t\r", line.data[line.len - 1]))
			line.len--;
		if (!line.len || *line.data == '#')
			continue;
		if (v->n_keys == KEYS_MAX)
			return log_refusal("--key: more than %d keys", KEYS_MAX);
		if (seal_key_parse(line, &v->keys[v->n_keys]) < 0)
			return log_refusal(
				"%s: a line is no verification key as `lksm keys` "
				"prints it (lksm1-…), or a digit of it is wrong",
				path);
		v->n_keys++;
	}
	if (v->n_keys == before)
		return log_refusal("%s: there is no verification key in it", path);
	return 0;
}

static int read_keys(struct verify *v, const char *path)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	const char *name = strcmp(path, "-") != 0 ? path : "/dev/stdin";
	int r = read_file(name, KEY_TEXT_MAX, &text);

	if (r < 0)
		return log_error_errno(r, "cannot read the key file %s", path);
	r = take_keys(v, buffer_span(&text), path);
	if (text.data)
		sodium_memzero(text.data, text.len);
	return r;
}

static int feed_verifier(void *userdata, struct span piece)
{
	struct verify *v = userdata;

	v->n_bytes += piece.len;
	return verifier_feed(v->verifier, piece);
}

/* Return: 0 at the end, 1 when the verifier knows enough, -errno. */
static int read_log(struct verify *v, int fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	int r;

	verifier_begin(v->verifier, slash ? slash + 1 : path);
	v->n_files++;
	r = packed_feed(fd, folder_logs_is_packed(path), feed_verifier, v);
	if (r == -EBADMSG) { /* no more is to be had of it */
		verifier_broken(v->verifier);
		return 1;
	}
	return r < 0 ? log_error_errno(r, "cannot read %s", path) : r;
}

/* One of the folder's; it may have been compressed since the folder was listed. */
static int verify_listed(struct verify *v, int folder, const char *name)
{
	char found[FOLDER_LOG_SIZE];
	_cleanup_close_ int fd = folder_logs_open(folder, name, found);

	return fd < 0 ? log_error_errno(fd, "cannot read %s", name)
		      : read_log(v, fd, found);
}

static int verify_file(struct verify *v, const char *path)
{
	/* not waiting for whoever opens the other end of a FIFO */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return log_error_errno(errno, "cannot read %s", path);
	return read_log(v, fd, path);
}

/* Before the logs: a daemon that goes on sealing is then only further, never behind. */
static int read_next(struct verify *v, int folder, const char *path)
{
	_cleanup_close_ int fd = open_regular_at(folder, SEAL_FILE_NAME);
	int r = fd < 0 ? fd : seal_file_load(fd, &v->next);

	if (v->is_open_end)
		return 0;
	v->has_next = r == 0;
	if (r == 0)
		return 0;
	if (r == -ENOENT)
		return log_refusal(
			"%s has no %s, so that nobody can tell whether the log's "
			"end was cut off; if the log was copied without it, "
			"--open-end verifies the rest",
			path, SEAL_FILE_NAME);
	if (r == -EBADMSG)
		return log_refusal(
			"%s/%s is damaged; --open-end verifies the log without it", path,
			SEAL_FILE_NAME);
	return log_error_errno(
		r,
		"cannot read %s/%s: be root, or do without knowing whether "
		"the end was cut off, by --open-end",
		path, SEAL_FILE_NAME);
}

/* A compression meanwhile removes the plain one. */
static void compare_copy(struct verify *v, int folder, const char *plain,
			 const char *packed)
{
	_cleanup_close_ int copy = open_regular_at(folder, packed);
	_cleanup_close_ int original = open_regular_at(folder, plain);

	if (copy == -ENOENT || original == -ENOENT || v->has_other_copy)
		return;
	v->has_other_copy = copy < 0 || original < 0 ||
			    packed_is_same(copy, original) <= 0;
	(void)snprintf(v->copy, sizeof(v->copy), "%s", packed);
}

/* Both names of one day: the plain one was read. */
static void find_copies(struct verify *v, int folder, const struct folder_logs *logs)
{
	for (size_t i = 0; i < logs->n; i++) {
		char packed[FOLDER_LOG_SIZE + sizeof(FOLDER_LOG_PACKED)];

		(void)snprintf(packed, sizeof(packed), "%s" FOLDER_LOG_PACKED,
			       logs->names[i]);
		if (!folder_logs_is_packed(logs->names[i]))
			compare_copy(v, folder, logs->names[i], packed);
	}
}

static bool has_writer(int folder)
{
	_cleanup_close_ int fd = open_regular_at(folder, ".lock");

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static int verify_folder(struct verify *v, int folder, const char *path)
{
	struct folder_logs logs = { 0 };
	int r = read_next(v, folder, path);

	if (r < 0)
		return r;
	v->is_live = has_writer(folder);
	r = folder_logs_list(folder, &logs);
	if (r < 0)
		return log_error_errno(r, "cannot list %s", path);
	for (size_t i = 0; r == 0 && i < logs.n; i++)
		r = verify_listed(v, folder, logs.names[i]);
	find_copies(v, folder, &logs);
	folder_logs_deinit(&logs);
	return r;
}

static int verify_path(struct verify *v, const char *path)
{
	_cleanup_close_ int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder >= 0)
		return verify_folder(v, folder, path);
	if (errno != ENOTDIR)
		return log_error_errno(errno, "cannot read %s", path);
	v->is_open_end = true; /* one file does not know what comes after it */
	return verify_file(v, path);
}

static const char *const fault_words[VERIFY_FAULT_COUNT] = {
	[VERIFY_CHANGED] = "changed",
	[VERIFY_REMOVED] = "something was removed",
	[VERIFY_ADDED] = "something was added",
	[VERIFY_REORDERED] = "put into another order",
	[VERIFY_FORGED] = "the seal is not by the daemon's key",
	[VERIFY_FOREIGN] = "sealed by a key that was not given with --key",
	[VERIFY_CUT] = "the end was cut off",
	[VERIFY_REPLACED] = "the key file does not belong to this log",
};

static void print_seals(uint64_t first, uint64_t last)
{
	if (first == last)
		printf("seal %" PRIu64, first);
	else
		printf("seals %" PRIu64 "-%" PRIu64, first, last);
}

static void print_span(const struct verify_lines *l)
{
	if (l->count && l->from == l->to)
		printf("line seq %" PRIu64 ", ", l->from);
	else if (l->count)
		printf("lines seq %" PRIu64 "-%" PRIu64 ", ", l->from, l->to);
}

static void print_fault(const struct verify_report *r)
{
	printf("NOT AS SEALED: %s%s", r->span.file, *r->span.file ? ": " : "");
	print_span(&r->span);
	print_seals(r->seal, r->last_seal);
	printf(": %s\n", fault_words[r->fault]);
	if (*r->after || *r->before)
		printf("      between %s and %s\n",
		       *r->after ? r->after : "the beginning",
		       *r->before ? r->before : "the end");
	if (r->n_seals) {
		printf("      before that, ");
		print_seals(r->first, r->last);
		printf(": as sealed\n");
	}
}

#define PLURAL(n) ((n) == 1 ? "" : "s")

/* "3.5 kB", "412.7 MB": of one log that is hours old, and of years of them. */
static void print_size(uint64_t n_bytes)
{
	if (n_bytes < 1000000)
		printf("%.1f kB", (double)n_bytes / 1e3);
	else
		printf("%.1f MB", (double)n_bytes / 1e6);
}

static void print_good(const struct verify *v, const struct verify_report *r)
{
	print_seals(r->first, r->last);
	printf(", in %zu file%s of ", v->n_files, PLURAL(v->n_files));
	print_size(v->n_bytes);
	printf("%s: as sealed\n", v->n_files == 1 ? "" : " together");
	if (r->first)
		printf("note  begins with seal %" PRIu64
		       ": what was older is not here (retention removes it)\n",
		       r->first);
	if (r->before_first.count)
		printf("note  %s: %" PRIu64 " line%s before the first seal, not sealed\n",
		       r->before_first.file, r->before_first.count,
		       PLURAL(r->before_first.count));
	if (r->n_authentic && r->n_authentic < r->n_seals)
		printf("note  %" PRIu64 " seal%s from before the key was made: unchanged "
		       "since then\n",
		       r->n_seals - r->n_authentic, PLURAL(r->n_seals - r->n_authentic));
	if (v->is_open_end)
		printf("note  whether anything comes after seal %" PRIu64
		       " was not looked at\n",
		       r->last);
}

/* What is no change, but has to be known. Return: whether it is all right. */
static bool print_open(const struct verify *v, const struct verify_report *r)
{
	bool is_good = true;

	if (r->n_lost) {
		is_good = v->may_be_lost;
		printf("%s  %" PRIu64 " seal%s missing, from %" PRIu64 "-%" PRIu64
		       " on: lost in a crash of the machine, says the daemon. Did it "
		       "crash then? (output.fsync: interval loses none)\n",
		       is_good ? "note" : "LOST", r->n_lost, PLURAL(r->n_lost),
		       r->lost_first, r->lost_last);
	}
	if (r->unsealed.count) {
		bool may_be = v->is_live || v->is_open_end;

		is_good = is_good && may_be;
		printf("%s  %" PRIu64 " line%s from seq %" PRIu64 " on: not sealed%s\n",
		       may_be ? "note" : "OPEN", r->unsealed.count,
		       PLURAL(r->unsealed.count), r->unsealed.from,
		       may_be ? " yet"
			      : ", and no daemon is running: its next start seals "
				"them, whoever wrote them");
	}
	if (*v->copy) {
		is_good = is_good && !v->has_other_copy;
		printf("%s  %s is there beside the plain log of that day, and says %s\n",
		       v->has_other_copy ? "COPY" : "note", v->copy,
		       v->has_other_copy ? "something else" : "the same");
	}
	if (v->n_keys)
		return is_good;
	printf("note  without --key this finds accidents, not an attacker, who can make "
	       "seals anew; see `lksm help keys`\n");
	return is_good;
}

static int print(const struct verify *v, const struct verify_report *r)
{
	if (r->fault) {
		print_fault(r);
		return EXIT_NOTHING;
	}
	if (!r->n_seals) {
		printf("NOT SEALED: there is no seal in %zu file%s\n", v->n_files,
		       v->n_files == 1 ? "" : "s");
		return EXIT_NOTHING;
	}
	if (v->n_keys && !r->n_authentic) {
		printf("NOT SEALED BY THE KEY: it is of another log, or younger than "
		       "these seals (");
		print_seals(r->first, r->last);
		printf(")\n");
		return EXIT_NOTHING;
	}
	print_good(v, r);
	return print_open(v, r) ? EXIT_DONE : EXIT_NOTHING;
}

enum {
	OPTION_ACCEPT_LOST,
	OPTION_CONFIG,
	OPTION_KEY,
	OPTION_OPEN_END,
};

static const struct verb_option options[] = {
	[OPTION_ACCEPT_LOST] = { "accept-lost", 0, NULL,
				 "Seals that a crash explains are no failure" },
	[OPTION_CONFIG] = { "config", 'c', "FILE",
			    "Without FILE or FOLDER: the logs of this configuration" },
	[OPTION_KEY] = { "key", 'k', "FILE|-",
			 "Verification key, from `lksm keys`; may be repeated" },
	[OPTION_OPEN_END] = { "open-end", 0, NULL,
			      "The log goes on elsewhere: do not look for its end" },
	{ 0 },
};

/* Files may be of before what a folder has; two folders are two logs, each with its own seals. */
static int refuse_folders(int n, char **paths)
{
	struct stat st;
	int folders = 0;

	for (int i = 0; i < n; i++)
		folders += stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode);
	return folders < 2 ? 0
			   : log_refusal("verify: each folder is a log of its own: "
					 "verify one after the other");
}

static int verify_all(struct verify *v, int argc, char **argv, const char *config_path)
{
	struct setup setup = { 0 };
	int r = refuse_folders(argc - optind, argv + optind);

	if (r >= 0)
		r = verifier_create(v->keys, v->n_keys, clock_now().real_us,
				    &v->verifier);
	if (r >= 0 && optind == argc) {
		r = setup_load_config(&setup, config_path);
		if (r >= 0)
			r = verify_path(v, setup.config.output_dir);
	}
	setup_deinit(&setup);
	for (int i = optind; r == 0 && i < argc; i++)
		r = verify_path(v, argv[i]);
	return r;
}

static int run(int argc, char **argv)
{
	const char *config_path = NULL, *value;
	struct verify v = { 0 };
	int option, r = 0;

	while (r >= 0 &&
	       (option = verb_next_option(&verb_verify, argc, argv, &value)) >= 0) {
		if (option == OPTION_KEY)
			r = read_keys(&v, value);
		else if (option == OPTION_CONFIG)
			config_path = value;
		else if (option == OPTION_OPEN_END)
			v.is_open_end = true;
		else
			v.may_be_lost = true;
	}
	if (r >= 0)
		r = verify_all(&v, argc, argv, config_path);
	if (r >= 0)
		r = print(&v, verifier_finish(v.verifier, v.has_next ? &v.next : NULL));
	else
		r = EXIT_TROUBLE;
	verifier_destroy(v.verifier);
	sodium_memzero(&v, sizeof(v));
	return r;
}

const struct verb verb_verify = {
	.name = "verify",
	.arguments = "[FILE…|FOLDER]",
	.summary = "Say whether sealed logs are as they were when they were sealed",
	.detail =
		"Names the first lines that were changed, removed, added, put into "
		"another order or cut off.\nWithout a key it finds accidents only. Files "
		"are taken in the order they are given in; .zst is unpacked.\nExit code "
		"1: not as sealed, or not sealed.",
	.options = options,
	.run = run,
};
