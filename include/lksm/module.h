/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The contract of a module: a source of events. This header is all that an out-of-tree
 * module needs; docs/adding-a-module.md shows the way.
 *
 * A module is one const struct with three callbacks. The registry starts it, calls poll()
 * whenever a descriptor it watches is readable (or each poll_interval, if it watches none),
 * and stops it. Events are handed over by calls on the host; a module never sees the
 * struct that they become.
 */
#ifndef LKSM_MODULE_H
#define LKSM_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LKSM_MODULE_ABI 1

/** LKSM_BATCH_EVENTS - one poll() hands over at most so many */
#define LKSM_BATCH_EVENTS 256

/** LKSM_VALUE_MAX - longest text of a value or record, in bytes */
#define LKSM_VALUE_MAX 8192

enum lksm_severity {
	LKSM_INFO,
	LKSM_MEDIUM,
	LKSM_HIGH,
	LKSM_CRITICAL,
};

enum lksm_option_type {
	LKSM_OPTION_BOOL, /* bool */
	LKSM_OPTION_INT,  /* int64_t */
	LKSM_OPTION_TEXT, /* const char *, the host's */
	LKSM_OPTION_SOURCE, /* int: a path, opened for reading before start() and the host's to
			     * close; -errno if that failed */
	LKSM_OPTION_LATE_SOURCE, /* int: the same, but it may come and go: -errno until it is
				  * there; see look() */
};

struct lksm_option {
	const char *name; /* modules.<module>.<name> in lksm.yaml; NULL ends the table */
	enum lksm_option_type type;
	const char *fallback; /* the default, spelled as in the file */
	size_t offset;	      /* of the member in the module's state */
	const char *help;     /* one sentence */
};

struct lksm_batch; /* what one poll() hands over; opaque */

/** What the module knows of a record's origin. */
enum lksm_verdict {
	LKSM_UNJUDGED,	 /* nothing: the line's facility decides */
	LKSM_SENSOR,	 /* it came over the sensor's own channel: text is its logfmt */
	LKSM_UNVERIFIED, /* as unjudged, but the event is tagged unverified */
	LKSM_NO_RECORD, /* it carries the sensor's tag, and the sensor has no such record */
	LKSM_ECHO,	/* what it says was told already: no event */
	LKSM_UNDECIDED, /* no event yet: it will be handed over again, and must be taken
			  * anew from its stream if we die before that; see held() */
};

/**
 * struct lksm_record - one line of a kernel-log stream, to be named by the rules
 * @stream: e.g. "kmsg"; with @stream_seq the record's identity in this boot
 * @ts_us: microseconds since boot, the record's own stamp
 * @time_us: microseconds since 1970 if the record says so itself, else 0
 * @level, @facility: as in syslog(2); -1 unknown
 * @text: as the stream escapes it (\xNN), not NUL-terminated, 0..LKSM_VALUE_MAX bytes
 */
struct lksm_record {
	const char *stream;
	uint64_t stream_seq;
	uint64_t ts_us;
	uint64_t time_us;
	int level;
	int facility;
	const char *text;
	size_t text_len;
	enum lksm_verdict verdict;
};

/**
 * struct lksm_host - what the program does for a module
 *
 * All calls copy what they are given. They may be made from the module's own callbacks
 * only, by the thread that runs them.
 */
struct lksm_host {
	uint32_t abi;

	/** watch() - poll the module when @fd is readable; Return: 0 or -errno */
	int (*watch)(const struct lksm_host *host, int fd);

	/** unwatch() - before closing a watched descriptor */
	void (*unwatch)(const struct lksm_host *host, int fd);

	/** has_room() - ask before taking something from a source: may one more be handed over? */
	bool (*has_room)(const struct lksm_batch *out);

	/**
	 * emit() - begin an event; the add calls that follow fill its data
	 * @ts_us: microseconds since boot; 0 means now
	 * @type: snake_case, 1..63 bytes
	 *
	 * Return: 0, -ENOSPC without room, -EINVAL for a bad type
	 */
	int (*emit)(struct lksm_batch *out, uint64_t ts_us, const char *type,
		    enum lksm_severity severity);

	/** add_str(), add_int() - one key of the last event; Return: 0, -ENOSPC, -EINVAL */
	int (*add_str)(struct lksm_batch *out, const char *key, const char *value,
		       size_t len);
	int (*add_int)(struct lksm_batch *out, const char *key, int64_t value);

	/**
	 * emit_record() - a kernel-log line
	 *
	 * Return: as emit(); -EOPNOTSUPP to a .so, which is not believed in such things.
	 */
	int (*emit_record)(struct lksm_batch *out, const struct lksm_record *record);

	/**
	 * position() - the last record of @stream that is safely in the log (or was filtered)
	 * Return: 1 and its number in @ret; 0 if none is known in this boot
	 */
	int (*position)(const struct lksm_host *host, const char *stream, uint64_t *ret);

	/** log() - a line to the program's own log; @level as in syslog(3), 3..7 */
	void (*log)(const struct lksm_host *host, int level, const char *format, ...)
		__attribute__((format(printf, 3, 4)));

	/** want_ticks() - poll it each poll_interval, too, although it watches something */
	void (*want_ticks)(const struct lksm_host *host, bool is_wanted);

	/**
	 * look() - the LATE_SOURCE @option is not there or no longer of use: open it anew
	 *
	 * The former descriptor must be unwatched; it is closed. The option is -EINPROGRESS
	 * until the answer is known, then a descriptor or -errno, and the module is
	 * polled; the source goes on being looked for, and the module is polled with it as
	 * soon as it appears. To ask once more is to have it looked for at once.
	 *
	 * Return: 0; -EOPNOTSUPP if nobody can look; -EINVAL for another kind of option.
	 */
	int (*look)(const struct lksm_host *host, const char *option);

	/**
	 * held() - a record of @stream that was UNDECIDED when the program ended
	 * Return: 1 and the smallest such number from @from on; 0 if there is none
	 */
	int (*held)(const struct lksm_host *host, const char *stream, uint64_t from,
		    uint64_t *ret);
};

/**
 * struct lksm_module - a module
 * @abi: LKSM_MODULE_ABI
 * @name: unique, snake_case, 1..31 bytes: the source of its events
 * @options: ends with a row whose name is NULL; NULL for none
 * @state_size: bytes of zeroed memory given to the callbacks, options filled in
 * @start: 0, or -errno: the module is then reported and left out
 * @poll: hand over what is there; 1 = more to come, 0 = dry, -errno = failed. Never sleeps
 * @stop: release everything; called once for each start() that returned 0
 * @is_apart: only looked at in a built-in: it runs in a child process of its own, as a .so
 *	always does, and so may take its time
 */
struct lksm_module {
	uint32_t abi;
	const char *name;
	const struct lksm_option *options;
	size_t state_size;
	int (*start)(void *state, const struct lksm_host *host);
	int (*poll)(void *state, struct lksm_batch *out);
	void (*stop)(void *state);
	bool is_apart;
};

/*
 * LKSM_MODULE(my_module): the last line of a module, behind its struct lksm_module.
 * In a .so it defines create_module(), which the loader looks for; built in, the name
 * that the generated table of built-ins refers to.
 */
#ifdef LKSM_BUILTIN
#define LKSM_MODULE(module) \
	const struct lksm_module *const lksm_builtin_##module = &(module);
#else
#define LKSM_MODULE(module)                                                             \
	const struct lksm_module *create_module(void);                                  \
	__attribute__((visibility("default"))) const struct lksm_module *create_module( \
		void)                                                                   \
	{                                                                               \
		return &(module);                                                       \
	}
#endif

#endif
