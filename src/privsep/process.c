// SPDX-License-Identifier: Apache-2.0
/* See process.h. */
#include "privsep/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/log.h"

#define FAILED_FILENO (STDERR_FILENO + 1) /* in a program about to be run */

static int compare(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static int add(struct descriptors *d, int fd)
{
	int *items = reallocarray(d->items, d->n + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	d->items = items;
	d->items[d->n++] = fd;
	return 0;
}

void descriptors_deinit(struct descriptors *d)
{
	free(d->items);
	*d = (struct descriptors){ 0 };
}

int descriptors_list(struct descriptors *ret)
{
	_cleanup_closedir_ DIR *stream = opendir("/proc/self/fd");
	struct descriptors d = { 0 };
	struct dirent *entry;

	if (!stream)
		return -errno;
	while ((entry = readdir(stream))) {
		int fd = entry->d_name[0] == '.' ? -1 : atoi(entry->d_name);

		if (fd < 0 || fd == dirfd(stream))
			continue;
		if (add(&d, fd) < 0) {
			descriptors_deinit(&d);
			return -ENOMEM;
		}
	}
	if (d.n)
		qsort(d.items, d.n, sizeof(*d.items), compare);
	*ret = d;
	return 0;
}

bool descriptors_has(const struct descriptors *d, int fd)
{
	return d->n && bsearch(&fd, d->items, d->n, sizeof(fd), compare);
}

int descriptors_update(struct descriptors *d, const struct descriptors *before,
		       const struct descriptors *after)
{
	struct descriptors updated = { 0 };

	for (size_t i = 0; i < after->n; i++) {
		int fd = after->items[i];

		if (!descriptors_has(d, fd) && descriptors_has(before, fd))
			continue;
		if (add(&updated, fd) < 0) {
			descriptors_deinit(&updated);
			return -ENOMEM;
		}
	}
	descriptors_deinit(d);
	*d = updated;
	return 0;
}

static void set_signals(sighandler_t terminal)
{
	sigset_t none;

	sigemptyset(&none);
	(void)signal(SIGTERM, SIG_DFL); /* none of these can fail */
	(void)signal(SIGCHLD, SIG_DFL);
	(void)signal(SIGINT, terminal);
	(void)signal(SIGHUP, terminal);
	(void)signal(SIGPIPE, terminal);
	/* a terminal does not stop us; who does means it */
	(void)signal(SIGTSTP, SIG_IGN);
	(void)signal(SIGTTIN, SIG_IGN);
	(void)signal(SIGTTOU, SIG_IGN);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail */
}

/* The first thing in a child: @parent may be gone before the kernel was asked to tell. */
static void die_with(pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail with this signal */
	if (getppid() != parent)
		_exit(0);
}

int process_count_waits(pid_t pid, uint64_t *ret_n)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[32], line[256], state = '\0';
	int n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (n != 1 && fgets(line, sizeof(line), file)) {
		(void)sscanf(line, "State: %c", &state);
		n = sscanf(line, "voluntary_ctxt_switches: %" SCNu64, ret_n);
	}
	return n != 1 ? -EBADMSG : state == 'R';
}

FILE *process_open_children(void)
{
	return fopen("/proc/thread-self/children", "re");
}

bool process_adopt(void)
{
	_cleanup_fclose_ FILE *children = process_open_children();
	pid_t pid;

	return getpid() != 1 && children && fscanf(children, "%d", &pid) != 1 &&
	       prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

void process_unspare(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/oom_score_adj", "r+e");
	int score;

	if (!file || fscanf(file, "%d", &score) != 1 || score >= 0)
		return;
	rewind(file);
	if (fputs("0\n", file) < 0 || fflush(file) < 0)
		log_debug("a child is spared when memory is short");
}

pid_t process_fork(const char *name)
{
	pid_t parent = getpid(), pid;

	fflush(NULL); /* or both would write what is buffered */
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0)
		return pid;
	die_with(parent);
	set_signals(SIG_IGN);
	log_set_process(name);
	(void)prctl(PR_SET_NAME, name); /* for ps; nothing depends on it */
	return 0;
}

void process_keep_only(const struct descriptors *keep, int other1, int other2)
{
	struct descriptors open = { 0 };

	if (descriptors_list(&open) < 0) {
		log_warning("cannot close the supervisor's descriptors");
		return;
	}
	for (size_t i = 0; i < open.n; i++) {
		int fd = open.items[i];

		if (fd > STDERR_FILENO && fd != other1 && fd != other2 &&
		    !descriptors_has(keep, fd))
			(void)close(fd); /* the supervisor still has it */
	}
	descriptors_deinit(&open);
}

struct program {
	const char *const *argv;
	int output;
	void (*prepare)(void *context);
	void *context;
};

/* In the child; an errno down @failed says that it came to nothing. */
static void run(const struct program *program, int failed, pid_t parent)
{
	const char *const *argv = program->argv;
	int output = program->output;
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int error = 0;

	die_with(parent);
	process_unspare();
	set_signals(SIG_DFL);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* cannot fail; stays over execv() */
	/* Out of the way of what is about to be overwritten. */
	failed = fcntl(failed, F_DUPFD_CLOEXEC, FAILED_FILENO + 1);
	if (setpgid(0, 0) < 0 || nothing < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(nothing, STDIN_FILENO) < 0 || dup3(failed, FAILED_FILENO, O_CLOEXEC) < 0)
		error = errno;
	if (!error && close_range(FAILED_FILENO + 1, UINT32_MAX, 0) < 0)
		error = errno;
	if (!error) {
		if (program->prepare)
			program->prepare(program->context);
		execv(argv[0], (char *const *)argv);
		error = errno;
	}
	if (write(FAILED_FILENO, &error, sizeof(error)) < 0) {
		/* the exit status tells as well */
	}
	_exit(127);
}

pid_t process_spawn(const char *const *argv, int output, void (*prepare)(void *context),
		    void *context)
{
	const struct program program = { argv, output, prepare, context };
	pid_t parent = getpid(), pid;
	int failed[2], error;
	ssize_t n;

	if (pipe2(failed, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		run(&program, failed[1], parent);
	error = errno;
	(void)close(failed[1]);
	do
		n = pid < 0 ? 0 : read(failed[0], &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	(void)close(failed[0]);
	if (pid > 0 && n == (ssize_t)sizeof(error))
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	return pid < 0 || n == (ssize_t)sizeof(error) ? -error : pid;
}

void process_reason(const siginfo_t *info, char *ret, size_t size)
{
	const char *signal = sigabbrev_np(info->si_status);

	if (info->si_code == CLD_EXITED)
		(void)snprintf(ret, size, "exited with status %d", info->si_status);
	else if (signal)
		(void)snprintf(ret, size, "killed by SIG%s", signal);
	else
		(void)snprintf(ret, size, "killed by signal %d", info->si_status);
}
