/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's own messages, on stderr: "lksm: text" on a terminal or in a file, and
 * "<N>text" (sd-daemon(3)) when journald reads them. Control bytes are shown escaped.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdlib.h>

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/** log_init() - look at stderr and LKSM_LOG_LEVEL (error … debug; default info) once */
void log_init(void);

/** log_set_process() - name this process in its messages ("core"); a string literal */
void log_set_process(const char *name);

/** log_message() - one line; @error is 0 or an errno (of either sign), shown as text behind it */
void log_message(enum log_level level, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_info(...)	 log_message(LOG_LEVEL_INFO, 0, __VA_ARGS__)
#define log_notice(...)	 log_message(LOG_LEVEL_NOTICE, 0, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, 0, __VA_ARGS__)
#define log_error(...)	 log_message(LOG_LEVEL_ERROR, 0, __VA_ARGS__)
#define log_debug(...)	 log_message(LOG_LEVEL_DEBUG, 0, __VA_ARGS__)

/* Both give back the negative errno:  return log_error_errno(r, "cannot open %s", path); */
#define log_error_errno(error, ...) \
	(log_message(LOG_LEVEL_ERROR, error, __VA_ARGS__), -abs(error))
#define log_warning_errno(error, ...) \
	(log_message(LOG_LEVEL_WARNING, error, __VA_ARGS__), -abs(error))
/* -EINVAL, when what was said is all there is to say */
#define log_refusal(...) (log_error(__VA_ARGS__), -EINVAL)

#endif
