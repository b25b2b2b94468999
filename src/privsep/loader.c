// SPDX-License-Identifier: Apache-2.0
/* See loader.h. */
#include "privsep/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "privsep/process.h"

#define BLOCK_SIZE     ((size_t)65536)
#define COMPLAINTS_MAX ((size_t)1500)

struct loading {
	loader_load *load;
	void *context;
	int secrets;
};

static int run(const struct loading *loading, int output)
{
	const struct sandbox_options options = { .kind = SANDBOX_LOADER,
						 .name = "loader" };
	const struct descriptors none = { 0 };
	_cleanup_buffer_ struct buffer answer = { .limit = LOADER_ANSWER_MAX };
	struct sandbox_report report;
	int r;

	process_unspare();
	process_keep_only(&none, output, loading->secrets);
	sandbox_enter(&options, &report);
	r = loading->load(loading->context, loading->secrets, &answer);
	if (buffer_error(&answer))
		return 1;
	return write_all(output, answer.data, answer.len) < 0 || r < 0;
}

/* Return: 1 when all is there, 0 when there may be more, -errno. */
static int read_some(int fd, int wait_ms, struct buffer *ret)
{
	struct pollfd input = { .fd = fd, .events = POLLIN };
	int r = poll(&input, 1, wait_ms);
	char *to;
	ssize_t n;

	if (r <= 0)
		return r == 0 ? -ETIMEDOUT : errno == EINTR ? 0 : -errno;
	to = buffer_reserve(ret, BLOCK_SIZE);
	if (!to)
		return buffer_error(ret);
	n = read(fd, to, BLOCK_SIZE);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	ret->len += (size_t)n;
	return n == 0;
}

static int read_answer(int fd, struct buffer *ret)
{
	uint64_t end_ms = clock_now().mono_us / 1000 + LOADER_DEADLINE_MS, now_ms;
	int r = 0;

	while (r == 0) {
		now_ms = clock_now().mono_us / 1000;
		r = now_ms < end_ms ? read_some(fd, (int)(end_ms - now_ms), ret)
				    : -ETIMEDOUT;
		if (ret->len > LOADER_ANSWER_MAX)
			r = -EFBIG;
	}
	return r < 0 ? r : 0;
}

/* The SIGCHLD of this wait is nobody's: the loop has no source for this pid. */
static int wait_for(pid_t pid)
{
	siginfo_t info = { 0 };
	char reason[64];

	while (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0)
		if (errno != EINTR)
			return -errno;
	if (info.si_code == CLD_EXITED)
		return info.si_status == 0 ? 0 : -EINVAL;
	process_reason(&info, reason, sizeof(reason));
	log_error("the process that reads configuration and rules was %s", reason);
	return -ECHILD;
}

int loader_run(loader_load *load, void *context, int secrets, struct buffer *ret)
{
	const struct loading loading = { load, context, secrets };
	int fds[2], r, ended;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = process_fork("loader");
	if (pid == 0)
		_exit(run(&loading, fds[1]));
	(void)close(fds[1]);
	r = pid < 0 ? (int)pid : read_answer(fds[0], ret);
	(void)close(fds[0]);
	if (pid < 0)
		return r;
	/* Its output ends with it, as what it exited with is settled by then; one that closed
	 * it before would have us wait for ever. */
	(void)kill(pid, SIGKILL);
	ended = wait_for(pid);
	return r < 0 ? r : ended;
}

/* "a.yaml:1:2: one\nb.yaml:3:4: two\n" in one line, as far as an event has room for it. */
static void append_complaints(struct span text, struct buffer *errors)
{
	while (text.len && text.data[text.len - 1] == '\n')
		text.len--;
	if (text.len > COMPLAINTS_MAX)
		text.len = COMPLAINTS_MAX;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\n')
			buffer_append_literal(errors, "; ");
		else
			buffer_append_char(errors, text.data[i] ? text.data[i] : ' ');
	}
}

void loader_complain(int r, struct span answer, struct buffer *errors)
{
	if (r == -EINVAL && answer.len)
		append_complaints(answer, errors);
	else if (r == -EINVAL)
		buffer_append_literal(errors,
				      "the new configuration or rules are not valid");
	else if (r == -ECHILD)
		buffer_append_literal(errors, "the process that reads the configuration "
					      "and rules crashed over them");
	else
		buffer_appendf(errors, "cannot read the configuration or rules: %s",
			       strerror(-r));
}

int loader_settings(loader_load *load, void *context, int secrets, struct settings *ret,
		    struct buffer *errors)
{
	_cleanup_buffer_ struct buffer packed = { 0 };
	int r = loader_run(load, context, secrets, &packed);

	if (r < 0)
		loader_complain(r, buffer_span(&packed), errors);
	return r < 0 ? r : settings_unpack(buffer_span(&packed), ret, errors);
}
