/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is muted, on its way from who may read files to who takes lines apart: the feeder puts
 * the file's text on a page that both have, and the sender parses it, behind its locks.
 */
#ifndef OUTPUT_ALERTS_ALERT_MUTES_H
#define OUTPUT_ALERTS_ALERT_MUTES_H

#include "core/mutes_file.h"
#include "core/mutes_page.h"

/** alert_mutes_feed() - the feeder's: if the file is another one, put it on the page. What cannot
 * be read is said, and changes nothing */
void alert_mutes_feed(struct mutes_file *file, struct mutes_page *page);

/** What the sender knows; begin with { .page }. */
struct alert_mutes {
	const struct mutes_page *page; /* NULL: nothing is muted */
	uint64_t number;	       /* of the text that it was made of */
	struct mutes mutes;
};

/** alert_mutes_look() - the sender's: take what is on the page, if it is another text. What is wrong
 * with it is said, and changes nothing */
void alert_mutes_look(struct alert_mutes *m);

#endif
