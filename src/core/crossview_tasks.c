// SPDX-License-Identifier: Apache-2.0
/* See crossview_tasks.h. */
#include "core/crossview_tasks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "core/crossview_place.h"
#include "core/folder.h"

#define CANDIDATES_MAX 4096
#define HELD_MAX       256 /* descriptors */
#define PID_LIMIT      ((uint64_t)1 << 22)
#define PIDS_ALL_ASKED ((pid_t)1 << 17) /* up to there each number is asked in all ways */
#define PIDS_AHEAD     4096		/* that may be born while we look */
#define STAT_BYTES_MAX ((size_t)4 << 20)
#define BITS	       64

enum difference {
	UNLISTED,  /* some call knows it, the list does not */
	UNKNOWN,   /* it is listed, and some call does not know it */
	COVERED,   /* it is listed, and its folder is that of something else */
	FORGOTTEN, /* it is listed, and nothing else knows it */
};

struct candidate {
	pid_t pid;
	enum difference difference;
	bool is_dropped;
	int handle; /* -errno: none */
	uint64_t start;
};

struct tasks {
	int proc;
	const struct task_calls *calls;
	unsigned int probes; /* bits of those that work here */
	unsigned int round;
	pid_t next, end; /* of this round */
	pid_t highest;	 /* that was ever listed */
	uint64_t listed[PID_LIMIT / BITS];
	size_t n;
	struct candidate candidates[CANDIDATES_MAX];
	size_t n_hidden;
	pid_t hidden[FINDINGS_MAX]; /* looked at again in each round */
};

static const char *const probe_names[] = {
	[TASK_KILL] = "kill",
	[TASK_GETPGID] = "getpgid",
	[TASK_GETSID] = "getsid",
	[TASK_PRIORITY] = "getpriority",
	[TASK_SCHEDULER] = "sched_getscheduler",
	[TASK_AFFINITY] = "sched_getaffinity",
	[TASK_IOPRIO] = "ioprio_get",
};

static bool works(const struct tasks *t, int probe)
{
	return t->probes & 1u << probe;
}

static int ask_about(const struct tasks *t, int probe, pid_t pid)
{
	return t->calls->probe(t->calls->context, (enum task_probe)probe, pid);
}

/* ---- files of /proc ---- */

/* 42 (a) b) S 1 …: the name may hold anything, so it ends at the last parenthesis. */
int task_parse_stat(struct span text, struct task_facts *ret)
{
	const char *end = text.len ? memrchr(text.data, ')', text.len) : NULL;
	struct span rest, word = { NULL, 0 };

	if (!end)
		return -EBADMSG;
	rest = span_skip(text, (size_t)(end + 1 - text.data));
	for (int field = 3; field <= 22; field++) /* proc(5): (22) starttime */
		if (!crossview_word(&rest, &word))
			return -EBADMSG;
	return crossview_decimal(word, UINT64_MAX, &ret->start) ? 0 : -EBADMSG;
}

static bool take_key(struct span line, const char *key, struct span *ret)
{
	if (!span_starts_with(line, span_from(key)))
		return false;
	*ret = span_skip(line, strlen(key));
	return true;
}

static void take_comm(struct span value, struct task_facts *ret)
{
	ret->comm_len = value.len < sizeof(ret->comm) ? value.len : sizeof(ret->comm);
	if (ret->comm_len)
		memcpy(ret->comm, value.data, ret->comm_len);
}

int task_parse_status(struct span text, struct task_facts *ret)
{
	bool has_tgid = false, has_uid = false;
	struct span line, value, word;
	uint64_t number;

	ret->comm_len = 0;
	while (crossview_line(&text, &line)) {
		if (take_key(line, "Name:\t", &value)) {
			take_comm(value, ret);
		} else if (take_key(line, "Tgid:", &value)) {
			if (!crossview_word(&value, &word) ||
			    !crossview_decimal(word, PID_LIMIT, &number))
				return -EBADMSG;
			ret->tgid = (pid_t)number;
			has_tgid = true;
		} else if (take_key(line, "Uid:", &value)) {
			if (!crossview_word(&value, &word) ||
			    !crossview_decimal(word, UINT32_MAX, &ret->uid))
				return -EBADMSG;
			has_uid = true;
		}
	}
	return has_tgid && has_uid ? 0 : -EBADMSG;
}

static int read_of(const struct tasks *t, pid_t pid, const char *name, char *to,
		   size_t size, struct span *ret)
{
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%d/%s", (int)pid, name);
	n = crossview_read(t->proc, path, to, size);
	*ret = (struct span){ to, n > 0 ? (size_t)n : 0 };
	return n < 0 ? (int)n : 0;
}

/* Return: 0; an error if it cannot be reached by its name, @ret then being zero. */
static int read_facts(const struct tasks *t, pid_t pid, struct task_facts *ret)
{
	struct task_facts facts = { 0 };
	char bytes[4096];
	struct span text;
	int r;

	*ret = facts;
	r = read_of(t, pid, "stat", bytes, sizeof(bytes), &text);
	if (r >= 0)
		r = task_parse_stat(text, &facts);
	if (r >= 0)
		r = read_of(t, pid, "status", bytes, sizeof(bytes), &text);
	if (r >= 0)
		r = task_parse_status(text, &facts);
	if (r >= 0)
		*ret = facts;
	return r;
}

static bool is_listed(const struct tasks *t, pid_t pid)
{
	return t->listed[pid / BITS] >> (pid % BITS) & 1;
}

static int take_record(void *context, const struct folder_record *record)
{
	struct tasks *t = context;
	uint64_t pid;

	if (!crossview_decimal(record->name, PID_LIMIT - 1, &pid))
		return 0;
	t->listed[pid / BITS] |= (uint64_t)1 << (pid % BITS);
	if ((pid_t)pid > t->highest)
		t->highest = (pid_t)pid;
	return 0;
}

static int list(struct tasks *t)
{
	struct folder_end end;

	memset(t->listed, 0, sizeof(t->listed));
	return folder_walk(t->proc, &folder_calls_kernel, take_record, t, &end);
}

/* ---- from a difference to a finding ---- */

static bool is_known_to_any(const struct tasks *t, pid_t pid)
{
	for (int i = 0; i < TASK_PROBES; i++)
		if (works(t, i) && ask_about(t, i, pid) == 0)
			return true;
	return false;
}

static bool is_unknown_to_any(const struct tasks *t, pid_t pid)
{
	for (int i = 0; i < TASK_PROBES; i++)
		if (works(t, i) && ask_about(t, i, pid) == -ESRCH)
			return true;
	return false;
}

/* /proc lists processes only. A thread is there by its name, and says whose it is. */
static bool is_thread(const struct tasks *t, pid_t pid)
{
	char bytes[4096];
	struct task_facts facts;
	struct span text;

	return read_of(t, pid, "status", bytes, sizeof(bytes), &text) == 0 &&
	       task_parse_status(text, &facts) == 0 && facts.tgid != pid;
}

static bool has_name(const struct tasks *t, pid_t pid)
{
	char path[16];

	(void)snprintf(path, sizeof(path), "%d", (int)pid);
	return faccessat(t->proc, path, F_OK, 0) == 0 || errno != ENOENT;
}

/* Not if something is mounted over its folder: nothing, or the folder of another. */
static bool is_itself(const struct tasks *t, pid_t pid)
{
	char bytes[4096];
	struct span text, word;
	uint64_t number;
	int r = read_of(t, pid, "stat", bytes, sizeof(bytes), &text);

	if (r < 0)
		return r != -ENOENT && r != -ESRCH;
	return crossview_word(&text, &word) &&
	       crossview_decimal(word, PID_LIMIT, &number) && (pid_t)number == pid;
}

/* What is listed can be looked at, and is the same as before. */
static bool is_same(const struct tasks *t, const struct candidate *c)
{
	struct task_facts facts;

	return read_facts(t, c->pid, &facts) == 0 && facts.start == c->start;
}

static bool is_alive(const struct tasks *t, const struct candidate *c)
{
	if (c->difference == UNKNOWN)
		return is_same(t, c);
	if (c->difference == FORGOTTEN)
		return is_listed(t, c->pid); /* no handle leads to it */
	if (c->handle >= 0)
		return t->calls->is_held(t->calls->context, c->handle);
	return is_known_to_any(t, c->pid);
}

/* Is it still in the one view and not in the other? Between two signs of its life. */
static bool is_different(const struct tasks *t, const struct candidate *c)
{
	switch (c->difference) {
	case UNKNOWN:
		return is_listed(t, c->pid) && is_unknown_to_any(t, c->pid);
	case COVERED:
		return is_listed(t, c->pid) && !is_itself(t, c->pid);
	case FORGOTTEN:
		return !is_itself(t, c->pid) && !is_known_to_any(t, c->pid);
	case UNLISTED:
		break;
	}
	return !is_listed(t, c->pid) && (c->handle >= 0 || !has_name(t, c->pid));
}

static void drop(struct candidate *c)
{
	c->is_dropped = true;
	if (c->handle >= 0)
		(void)close(c->handle);
	c->handle = -ENOENT;
}

static void remove_dropped(struct tasks *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (!t->candidates[i].is_dropped)
			t->candidates[n++] = t->candidates[i];
	t->n = n;
}

static bool is_explained(const struct tasks *t, const struct candidate *c)
{
	switch (c->difference) {
	case UNKNOWN:
		return !is_unknown_to_any(t, c->pid) || !has_name(t, c->pid);
	case COVERED:
		return is_itself(t, c->pid) || !is_known_to_any(t, c->pid);
	case FORGOTTEN:
		return is_itself(t, c->pid) || is_known_to_any(t, c->pid);
	case UNLISTED:
		break;
	}
	return is_thread(t, c->pid) || !is_known_to_any(t, c->pid);
}

/* Nearly all have just come or gone. Return: -errno if there is no list. */
static int sift(struct tasks *t)
{
	int r = list(t);

	if (r < 0)
		return r;
	for (size_t i = 0; i < t->n; i++) {
		struct candidate *c = &t->candidates[i];

		if (is_listed(t, c->pid) == (c->difference == UNLISTED) ||
		    is_explained(t, c))
			drop(c);
	}
	remove_dropped(t);
	return 0;
}

/* The kernel's own /proc has folders only; somebody's picture of it has links that end. */
static bool is_link(const struct tasks *t, pid_t pid)
{
	struct stat info;
	char path[16];

	(void)snprintf(path, sizeof(path), "%d", (int)pid);
	return fstatat(t->proc, path, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISLNK(info.st_mode);
}

static enum difference find_difference(const struct tasks *t, pid_t pid)
{
	if (!is_listed(t, pid))
		return UNLISTED;
	if (is_itself(t, pid))
		return UNKNOWN;
	return is_known_to_any(t, pid) || is_link(t, pid) ? COVERED : FORGOTTEN;
}

/* Threads alone can be too many at once: those that are explained make room. */
static void suspect(struct tasks *t, pid_t pid)
{
	enum difference difference = find_difference(t, pid);

	if (t->n == CANDIDATES_MAX && (sift(t) < 0 || t->n == CANDIDATES_MAX))
		return; /* not in this round */
	t->candidates[t->n++] = (struct candidate){
		.pid = pid,
		.difference = difference,
		.handle = -ENOENT,
	};
}

static void hold_all(struct tasks *t)
{
	if (t->n > HELD_MAX)
		t->n = HELD_MAX;
	for (size_t i = 0; i < t->n; i++) {
		struct candidate *c = &t->candidates[i];
		struct task_facts facts;

		(void)read_facts(t, c->pid, &facts); /* zero if it has no name */
		c->start = facts.start;
		if (c->difference == UNLISTED || c->difference == COVERED)
			c->handle = t->calls->hold(t->calls->context, c->pid);
		if (c->handle == -ESRCH || (c->difference == UNKNOWN && !c->start))
			drop(c);
	}
	remove_dropped(t);
}

static void look_again(struct tasks *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (!is_alive(t, &t->candidates[i]))
			drop(&t->candidates[i]);
	if (list(t) < 0) {
		for (size_t i = 0; i < t->n; i++)
			drop(&t->candidates[i]);
	}
	for (size_t i = 0; i < t->n; i++) {
		struct candidate *c = &t->candidates[i];

		if (!c->is_dropped &&
		    (!is_different(t, c) || !is_alive(t, c) ||
		     (c->difference == UNLISTED && is_thread(t, c->pid))))
			drop(c);
	}
	remove_dropped(t);
}

static void add_views(const struct tasks *t, const struct candidate *c, bool is_named,
		      struct finding *f)
{
	char seen[FINDING_TEXT_MAX] = "", missing[FINDING_TEXT_MAX] = "";
	size_t n[2] = { 0, 0 };

	for (int i = -2; i < TASK_PROBES; i++) {
		bool is_seen = i == -2	 ? c->difference != UNLISTED
			       : i == -1 ? is_named
					 : works(t, i) && ask_about(t, i, c->pid) == 0;
		const char *name = i == -2   ? "proc_list"
				   : i == -1 ? "proc_name"
					     : probe_names[i];
		char *to = is_seen ? seen : missing;
		size_t *at = &n[is_seen];

		if (i >= 0 && !works(t, i))
			continue;
		*at += (size_t)snprintf(to + *at, FINDING_TEXT_MAX - *at, "%s%s",
					*at ? "," : "", name);
	}
	finding_add_text(f, "missing", span_from(missing));
	finding_add_text(f, "seen", span_from(seen));
}

static void add_exe(const struct tasks *t, pid_t pid, struct finding *f)
{
	char path[64], exe[FINDING_TEXT_MAX];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%d/exe", (int)pid);
	n = readlinkat(t->proc, path, exe, sizeof(exe));
	if (n > 0) /* kernel threads have none */
		finding_add_text(f, "exe", (struct span){ exe, (size_t)n });
}

static bool was_told(const struct tasks *t, pid_t pid)
{
	for (size_t i = 0; i < t->n_hidden; i++)
		if (t->hidden[i] == pid)
			return true;
	return false;
}

static void tell(struct tasks *t, const struct candidate *c, struct findings *out)
{
	struct finding *f = was_told(t, c->pid) ? NULL
						: findings_add(out, "process_hidden");
	long ticks = sysconf(_SC_CLK_TCK);
	struct task_facts facts;
	bool is_named;

	if (!f)
		return;
	if (t->n_hidden < FINDINGS_MAX)
		t->hidden[t->n_hidden++] = c->pid;
	is_named = c->difference != COVERED && read_facts(t, c->pid, &facts) == 0;
	finding_identify(f, &c->pid, sizeof(c->pid));
	finding_identify(f, &c->start, sizeof(c->start));
	finding_add_number(f, "pid", c->pid);
	if (is_named) {
		finding_add_text(f, "comm", (struct span){ facts.comm, facts.comm_len });
		finding_add_number(f, "uid", (int64_t)facts.uid);
		add_exe(t, c->pid, f);
		finding_add_number(f, "start_ms",
				   (int64_t)(facts.start * 1000 / (uint64_t)ticks));
	}
	add_views(t, c, is_named, f);
}

/* What was hidden before is asked about in all ways, whoever's turn it is. */
static void suspect_again(struct tasks *t)
{
	for (size_t i = 0; i < t->n_hidden; i++)
		suspect(t, t->hidden[i]);
	t->n_hidden = 0;
}

static void judge(struct tasks *t, struct findings *out)
{
	if (!t->n || sift(t) < 0) {
		t->n = 0;
		return;
	}
	hold_all(t);
	for (int look = 0; look < CROSSVIEW_LOOKS && t->n; look++) {
		if (look)
			t->calls->pause(t->calls->context);
		look_again(t);
	}
	for (size_t i = 0; i < t->n; i++) {
		tell(t, &t->candidates[i], out);
		drop(&t->candidates[i]);
	}
	t->n = 0;
}

/* ---- rounds ---- */

static uint64_t read_number(const struct tasks *t, const char *path, uint64_t fallback)
{
	char bytes[32];
	ssize_t n = crossview_read(t->proc, path, bytes, sizeof(bytes));
	struct span rest = { bytes, n > 0 ? (size_t)n : 0 }, line;
	uint64_t number;

	if (!crossview_line(&rest, &line) ||
	    !crossview_decimal(line, UINT32_MAX, &number))
		return fallback;
	return number;
}

/* "processes 4711" in /proc/stat: numbers are given in turn, so none is higher yet. */
static uint64_t count_forks(const struct tasks *t)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	_cleanup_close_ int fd = openat(t->proc, "stat", O_RDONLY | O_CLOEXEC);
	struct span rest, line, value, word;
	uint64_t number = UINT64_MAX;

	if (fd >= 0)
		(void)read_rest(fd, STAT_BYTES_MAX, &text); /* what came of it counts */
	rest = buffer_span(&text);
	while (crossview_line(&rest, &line))
		if (take_key(line, "processes", &value) &&
		    crossview_word(&value, &word) &&
		    crossview_decimal(word, UINT64_MAX, &number))
			break;
	return number;
}

size_t tasks_begin(struct tasks *t, bool is_full)
{
	uint64_t end = read_number(t, "sys/kernel/pid_max", PID_LIMIT);
	uint64_t forks = is_full ? UINT64_MAX : count_forks(t);

	if (forks < end - PIDS_AHEAD && end > PIDS_AHEAD)
		end = forks + PIDS_AHEAD;
	if (end <= (uint64_t)t->highest) /* pid_max was made smaller since */
		end = (uint64_t)t->highest + 1;
	t->end = (pid_t)(end < PID_LIMIT ? end : PID_LIMIT);
	t->next = 1;
	t->round++;
	return (size_t)((t->end - t->next + TASKS_SLICE - 1) / TASKS_SLICE);
}

/* Which ways to ask in this round: all, or kill(2) and another one each round. */
static unsigned int choose_probes(const struct tasks *t)
{
	unsigned int turn = 1 + t->round % (TASK_PROBES - 1);

	if (t->end <= PIDS_ALL_ASKED)
		return t->probes;
	return t->probes & (1u << TASK_KILL | 1u << turn);
}

/* Do the list, its folder and these calls say the same of it? */
static bool is_agreed(const struct tasks *t, pid_t pid, unsigned int probes)
{
	int want = is_listed(t, pid) ? 0 : -ESRCH;

	for (unsigned int i = 0; i < TASK_PROBES; i++) {
		int got = probes & 1u << i ? ask_about(t, (int)i, pid) : want;

		if (got != want && (got == 0 || got == -ESRCH))
			return false;
	}
	return want || is_itself(t, pid);
}

bool tasks_step(struct tasks *t, struct findings *out)
{
	unsigned int probes = choose_probes(t);
	pid_t end = t->end - t->next > TASKS_SLICE ? t->next + TASKS_SLICE : t->end;

	if (t->next >= t->end)
		return false;
	if (list(t) < 0) {
		t->next = t->end;
		return true;
	}
	if (t->next == 1)
		suspect_again(t);
	for (pid_t pid = t->next; pid < end; pid++)
		if (!is_agreed(t, pid, probes))
			suspect(t, pid);
	t->next = end;
	judge(t, out);
	return true;
}

/* A way to ask that fails for ourselves (seccomp, an old kernel) says nothing of others. */
static void find_probes(struct tasks *t)
{
	for (int i = 0; i < TASK_PROBES; i++)
		if (ask_about(t, i, getpid()) == 0)
			t->probes |= 1u << i;
}

static int set_up(struct tasks *t, const char *proc, struct buffer *reason)
{
	int handle;

	t->proc = open(proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->proc < 0) {
		buffer_appendf(reason, "%s: %s", proc, strerror(errno));
		return -EOPNOTSUPP;
	}
	if (!place_shows_our_processes(t->proc, reason))
		return -EOPNOTSUPP;
	find_probes(t);
	handle = t->calls->hold(t->calls->context, getpid());
	if (handle < 0 || !works(t, TASK_KILL)) {
		buffer_append_literal(reason, "the kernel has no pidfd_open(), or we may "
					      "not use it");
		return -EOPNOTSUPP;
	}
	(void)close(handle);
	return 0;
}

int tasks_create(const char *proc, const struct task_calls *calls, struct tasks **ret,
		 struct buffer *reason)
{
	struct tasks *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->calls = calls;
	r = set_up(t, proc, reason);
	if (r < 0)
		tasks_destroy(t);
	else
		*ret = t;
	return r;
}

void tasks_destroy(struct tasks *t)
{
	if (!t)
		return;
	if (t->proc >= 0)
		(void)close(t->proc); /* only read from */
	free(t);
}
