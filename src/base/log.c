// SPDX-License-Identifier: Apache-2.0
/* See log.h. A line is built whole and written at once, so that processes do not mix. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

static struct {
	enum log_level level;
	const char *process;
	int is_journal;
} log_state = { .level = LOG_LEVEL_INFO };

void log_init(void)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = {
		{ "error", LOG_LEVEL_ERROR },	{ "warning", LOG_LEVEL_WARNING },
		{ "notice", LOG_LEVEL_NOTICE }, { "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG },
	};
	const char *wanted = getenv("LKSM_LOG_LEVEL");

	log_state.is_journal = getenv("JOURNAL_STREAM") && !isatty(STDERR_FILENO);
	for (size_t i = 0; wanted && i < sizeof(levels) / sizeof(levels[0]); i++)
		if (!strcmp(wanted, levels[i].name))
			log_state.level = levels[i].level;
}

void log_set_process(const char *name)
{
	log_state.process = name;
}

/* What a message quotes may be hostile: no control byte reaches the terminal. */
static size_t escape(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; *from && n + 5 < size; from++) {
		unsigned char c = (unsigned char)*from;

		if (c < 0x20 || c == 0x7f)
			n += (size_t)snprintf(to + n, size - n, "\\x%02x", c);
		else
			to[n++] = *from;
	}
	return n;
}

void log_message(enum log_level level, int error, const char *format, ...)
{
	char text[LINE_MAX_BYTES], line[LINE_MAX_BYTES * 2];
	int saved = errno; /* log_error_errno(errno, …) looks at it again behind us */
	size_t n;
	va_list args;

	if (level > log_state.level)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (log_state.is_journal)
		n = (size_t)snprintf(line, sizeof(line), "<%d>", (int)level);
	else
		n = (size_t)snprintf(line, sizeof(line), "lksm: ");
	if (log_state.process)
		n += (size_t)snprintf(line + n, sizeof(line) - n,
				      "%s: ", log_state.process);
	n += escape(line + n, sizeof(line) - n - 128, text);
	if (error)
		n += (size_t)snprintf(line + n, 126, ": %s", strerror(abs(error)));
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0) {
		/* nobody left to tell */
	}
	errno = saved;
}
