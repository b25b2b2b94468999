// SPDX-License-Identifier: Apache-2.0
/*
 * lksm keys: make the key that verifies seals, and show it, once. The daemon keeps only
 * what follows from it. A running daemon is left the key in the key file and told to start
 * its core anew (SIGHUP), which takes it; without a daemon there must be no log yet, so
 * that it is plain from which seal on the key is good: from 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/setup.h"
#include "cli/verb.h"
#include "core/folder_logs.h"
#include "core/seal_key.h"

#define PATIENCE_US (20 * USEC_PER_SEC)
#define LOOK_MS	    20
#define OWN_MODE    0600

struct keys {
	const char *path; /* of the log folder */
	int folder, lock, file;
	bool may_replace; /* --new */
	pid_t daemon;	  /* 0: none runs */
};

static int open_own(struct keys *k, const char *name, int flags)
{
	int fd = openat(k->folder, name, flags | O_RDWR | O_NOFOLLOW | O_CLOEXEC,
			OWN_MODE);

	/* a key that is shown has to be there after a crash, under its name */
	if (fd >= 0 && flags & O_CREAT)
		(void)fsync(k->folder); /* at worst, another one has to be made */
	return fd < 0 ? log_error_errno(errno, "cannot open %s/%s", k->path, name) : fd;
}

/* Whoever holds the lock writes the log; if nobody does, nobody may begin to meanwhile. */
static int find_daemon(struct keys *k)
{
	char text[16] = "";

	k->lock = open_own(k, ".lock", O_CREAT);
	if (k->lock < 0)
		return k->lock;
	if (flock(k->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK || pread(k->lock, text, sizeof(text) - 1, 0) <= 0)
		return log_error_errno(errno, "cannot lock %s", k->path);
	k->daemon = (pid_t)strtol(text, NULL, 10);
	return k->daemon > 1 ? 0 : log_refusal("%s/.lock names no process", k->path);
}

static int has_logs(const struct keys *k, bool *ret)
{
	struct folder_logs logs = { 0 };
	int r = folder_logs_list(k->folder, &logs);

	*ret = false;
	for (size_t i = 0; r >= 0 && i < logs.n; i++) {
		struct stat st;

		if (fstatat(k->folder, logs.names[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			*ret = *ret || st.st_size > 0;
	}
	folder_logs_deinit(&logs);
	return r < 0 ? log_error_errno(r, "cannot list %s", k->path) : 0;
}

/* Without a daemon: the key of a log that has not begun. */
static int put_first(struct keys *k, struct seal_key *key)
{
	bool has_any;
	int r = has_logs(k, &has_any);

	if (r < 0)
		return r;
	if (has_any)
		return log_refusal(
			"there are logs in %s, but no daemon is running there: start "
			"it first (lksm run), then the key can be handed to it",
			k->path);
	r = seal_file_store(k->file, key, true);
	return r < 0 ? log_error_errno(r, "cannot write %s/%s", k->path, SEAL_FILE_NAME)
		     : 0;
}

/* Is it in use? Then it is known from which seal on. */
static bool is_taken(struct keys *k, struct seal_key *key)
{
	struct seal_key used;
	bool is_ours = seal_file_load(k->file, &used) == 0 &&
		       memcmp(used.id, key->id, sizeof(used.id)) == 0;

	if (is_ours)
		key->start = key->number = used.start;
	seal_key_wipe(&used);
	return is_ours;
}

static int hand_over(struct keys *k, struct seal_key *key)
{
	uint64_t until_us = clock_now().mono_us + PATIENCE_US;
	int r = seal_file_ask(k->file, key);

	if (r < 0)
		return log_error_errno(r, "cannot write %s/%s", k->path, SEAL_FILE_NAME);
	if (kill(k->daemon, SIGHUP) < 0)
		r = log_error_errno(errno, "cannot signal the daemon (pid %d)",
				    (int)k->daemon);
	while (r >= 0 && !is_taken(k, key)) {
		if (clock_now().mono_us > until_us)
			r = -ETIMEDOUT;
		(void)poll(NULL, 0, LOOK_MS); /* nothing tells when it has been taken */
	}
	if (r >= 0)
		return 0;
	if (seal_file_answer(k->file) >= 0 && is_taken(k, key))
		return 0; /* at the last moment */
	return r != -ETIMEDOUT
		       ? r
		       : log_refusal(
				 "the daemon (pid %d) does not take the key: either its "
				 "configuration has output.seal: false, or it refused to "
				 "read it again, and says why in its own log",
				 (int)k->daemon);
}

static int check_old(struct keys *k, struct seal_key *key)
{
	struct seal_key old;
	int r = seal_file_load(k->file, &old);

	if (r == -ENOENT || r == -EBADMSG)
		return 0;
	if (r < 0)
		return log_error_errno(r, "cannot read %s/%s", k->path, SEAL_FILE_NAME);
	key->start = key->number = old.number;
	memcpy(key->previous, old.previous, sizeof(key->previous));
	if (old.is_shown && !k->may_replace)
		r = log_refusal(
			"there is a verification key already, good from seal %llu on; "
			"it was shown when it was made, and nobody here can show it "
			"again. --new makes another, for what is sealed from now on",
			(unsigned long long)old.start);
	seal_key_wipe(&old);
	return r;
}

static int show(const struct keys *k, const struct seal_key *key)
{
	char text[SEAL_KEY_TEXT_SIZE];
	int r;

	seal_key_format(key, text);
	printf("# Verification key of %s, good from seal %llu on. It is a secret: who "
	       "has it "
	       "can\n# forge seals. Keep it, but not on this machine. It is not shown "
	       "again.\n%s\n",
	       k->path, (unsigned long long)key->start, text);
	sodium_memzero(text, sizeof(text));
	r = fflush(stdout) == 0 ? 0 : -errno;
	if (r < 0)
		return log_error_errno(r,
				       "the key is in use but could not be printed; make "
				       "another with --new");
	fprintf(stderr, "Write it down somewhere else; `lksm verify --key FILE` asks for "
			"it.\n");
	return 0;
}

static int make(struct keys *k)
{
	struct seal_key key;
	int r = seal_key_make(&key);

	if (r < 0)
		return log_error_errno(r, "cannot make a random key");
	key.is_shown = true;
	r = check_old(k, &key);
	if (r >= 0)
		r = k->daemon ? hand_over(k, &key) : put_first(k, &key);
	if (r >= 0)
		r = show(k, &key);
	seal_key_wipe(&key);
	return r;
}

static int open_all(struct keys *k)
{
	k->folder = open(k->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (k->folder < 0 && errno == ENOENT)
		return log_refusal(
			"there is no log folder %s yet: `lksm run` makes it, or name "
			"another one with --log-dir",
			k->path);
	if (k->folder < 0)
		return log_error_errno(errno, "cannot open the log folder %s", k->path);
	k->file = find_daemon(k);
	if (k->file >= 0) /* a daemon has made it, or does not seal */
		k->file = open_own(k, SEAL_FILE_NAME, k->daemon ? 0 : O_CREAT);
	return k->file < 0 ? k->file : 0;
}

enum {
	OPTION_CONFIG,
	OPTION_LOG_DIR,
	OPTION_NEW,
};

static const struct verb_option options[] = {
	[OPTION_CONFIG] = { "config", 'c', "FILE",
			    "Take output.dir from this configuration" },
	[OPTION_LOG_DIR] = { "log-dir", 0, "FOLDER", "The log folder" },
	[OPTION_NEW] = { "new", 0, NULL,
			 "Make another key, for what is sealed from now on" },
	{ 0 },
};

static int run(int argc, char **argv)
{
	struct keys k = { .folder = -1, .lock = -1, .file = -1 };
	const char *config_path = NULL, *value;
	struct setup setup = { 0 };
	int option, r = 0;

	while ((option = verb_next_option(&verb_keys, argc, argv, &value)) >= 0) {
		if (option == OPTION_CONFIG)
			config_path = value;
		else if (option == OPTION_LOG_DIR)
			k.path = value;
		else
			k.may_replace = true;
	}
	if (!k.path) {
		r = setup_load_config(&setup, config_path);
		k.path = setup.config.output_dir;
	}
	if (r >= 0)
		r = open_all(&k);
	if (r >= 0)
		r = make(&k);
	cleanup_close(&k.file);
	cleanup_close(&k.lock);
	cleanup_close(&k.folder);
	setup_deinit(&setup);
	return r < 0 ? EXIT_TROUBLE : EXIT_DONE;
}

const struct verb verb_keys = {
	.name = "keys",
	.arguments = "",
	.summary = "Make the key that verifies the log's seals, and show it once",
	.detail = "The key is a secret: who has it can forge seals. Keep it anywhere but "
		  "on "
		  "this machine.\nA running daemon takes it at once, and it is good for "
		  "what is sealed from then on; of what is older, it shows that it is as "
		  "it was then. Before the first start it is good for all.",
	.options = options,
	.run = run,
};
