/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is muted, on its way from who may read files to who takes lines apart: the feeder puts
 * the file's text on a page that both have, and the sender parses it, behind its locks.
 */
#ifndef OUTPUT_ALERTS_ALERT_MUTES_H
#define OUTPUT_ALERTS_ALERT_MUTES_H

#include <stdatomic.h>

#include "core/mutes_file.h"

struct alert_mutes_page {
	_Atomic uint64_t number; /* of the text, from 1; odd: it is being written */
	_Atomic size_t len;
	char text[MUTES_FILE_MAX];
};

/** alert_mutes_page_create() - shared over fork(); NULL if there is no room */
struct alert_mutes_page *alert_mutes_page_create(void);
void alert_mutes_page_unmap(struct alert_mutes_page *page);

/** alert_mutes_feed() - the feeder's: if the file is another one, put it on the page. What cannot
 * be read is said, and changes nothing */
void alert_mutes_feed(struct mutes_file *file, struct alert_mutes_page *page);

/** What the sender knows; begin with { .page }. */
struct alert_mutes {
	const struct alert_mutes_page *page; /* NULL: nothing is muted */
	uint64_t number;		     /* of the text that it was made of */
	struct mutes mutes;
};

/** alert_mutes_look() - the sender's: take what is on the page, if it is another text. What is wrong
 * with it is said, and changes nothing */
void alert_mutes_look(struct alert_mutes *m);

#endif
