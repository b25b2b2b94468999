/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the cross-views share. The kernel answers the same question in several ways; who
 * hides something filters some of the answers, hardly ever all. A difference is a finding
 * only if it is there each time we look again: things come and go between two answers.
 */
#ifndef CORE_CROSSVIEW_H
#define CORE_CROSSVIEW_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/span.h"

/* A difference must be there in so many looks, with a pause between two of them. */
#define CROSSVIEW_LOOKS	   3
#define CROSSVIEW_PAUSE_MS 30

#define FINDINGS_MAX	 64 /* of one turn; more are counted */
#define FINDING_DATA_MAX 14
#define FINDING_TEXT_MAX 256

struct finding_datum {
	const char *key; /* a literal */
	bool is_number;
	int64_t number;
	size_t len;
	char text[FINDING_TEXT_MAX]; /* any bytes */
};

/**
 * struct finding - something that one view shows and another does not
 * @type: of the event; a literal
 * @id: the same as long as it is the same object: it is told once
 */
struct finding {
	const char *type;
	uint64_t id;
	size_t n;
	struct finding_datum data[FINDING_DATA_MAX];
};

struct findings {
	size_t n, n_lost;
	struct finding items[FINDINGS_MAX];
};

/** findings_add() - one more, without data; NULL if there are too many, which is counted */
struct finding *findings_add(struct findings *f, const char *type);
void finding_add_text(struct finding *f, const char *key, struct span text);
void finding_add_number(struct finding *f, const char *key, int64_t number);

/** finding_identify() - make @bytes a part of the id */
void finding_identify(struct finding *f, const void *bytes, size_t n);

/** crossview_pause() - CROSSVIEW_PAUSE_MS */
void crossview_pause(void);

/** crossview_read() - what a small file below @folder holds, at most @size bytes; or -errno */
ssize_t crossview_read(int folder, const char *path, char *to, size_t size);

/** crossview_line() - the next line of @rest, without its end; false if there is none */
bool crossview_line(struct span *rest, struct span *ret);

/** crossview_word() - the next word of @rest, words being separated by spaces and tabs */
bool crossview_word(struct span *rest, struct span *ret);

/** crossview_decimal() - the whole of @s is a number up to @max */
bool crossview_decimal(struct span s, uint64_t max, uint64_t *ret);

#endif
