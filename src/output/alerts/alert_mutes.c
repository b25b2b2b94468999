// SPDX-License-Identifier: Apache-2.0
/* See alert_mutes.h. */
#include "output/alerts/alert_mutes.h"

#include <errno.h>

#include "base/log.h"

/* @errors: lines */
static void say(const struct buffer *errors, const char *what)
{
	log_warning("alerts: what is muted %s%s%.*s", what, errors->len ? ": " : "",
		    errors->len ? (int)errors->len - 1 : 0,
		    errors->len ? errors->data : "");
}

void alert_mutes_feed(struct mutes_file *file, struct mutes_page *page)
{
	_cleanup_buffer_ struct buffer text = { 0 }, errors = { 0 };
	int r;

	if (!page || !mutes_file_is_news(file))
		return;
	r = mutes_read(file->path, &text, &errors);
	if (r == 0 && text.len > MUTES_FILE_MAX)
		r = -EFBIG;
	if (r == 0)
		r = mutes_page_write(page, buffer_span(&text));
	if (r < 0 && mutes_file_failed(file))
		say(&errors, "cannot be read");
}

void alert_mutes_look(struct alert_mutes *m)
{
	_cleanup_buffer_ struct buffer text = { 0 }, errors = { 0 };
	struct mutes fresh = { 0 };
	uint64_t number;

	if (!m->page || mutes_page_number(m->page) == m->number)
		return;
	number = mutes_page_read(m->page, &text);
	if (!number)
		return;
	m->number = number;
	if (mutes_parse("mutes", buffer_span(&text), &fresh, &errors) < 0) {
		say(&errors, "stays as it was");
		return;
	}
	mutes_deinit(&m->mutes);
	m->mutes = fresh;
}
