// SPDX-License-Identifier: Apache-2.0
/* See crossview.h. */
#include "core/crossview.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#define FNV_START 14695981039346656037u
#define FNV_PRIME 1099511628211u

/* ---- findings ---- */

struct finding *findings_add(struct findings *f, const char *type)
{
	struct finding *finding;

	if (f->n == FINDINGS_MAX) {
		f->n_lost++;
		return NULL;
	}
	finding = &f->items[f->n++];
	finding->type = type;
	finding->id = FNV_START;
	finding->n = 0;
	finding_identify(finding, type, strlen(type));
	return finding;
}

static struct finding_datum *add_datum(struct finding *f, const char *key)
{
	struct finding_datum *d;

	if (f->n == FINDING_DATA_MAX)
		return NULL;
	d = &f->data[f->n++];
	d->key = key;
	d->is_number = false;
	d->len = 0;
	return d;
}

void finding_add_text(struct finding *f, const char *key, struct span text)
{
	struct finding_datum *d = add_datum(f, key);

	if (!d)
		return;
	d->len = text.len < sizeof(d->text) ? text.len : sizeof(d->text);
	if (d->len)
		memcpy(d->text, text.data, d->len);
}

void finding_add_number(struct finding *f, const char *key, int64_t number)
{
	struct finding_datum *d = add_datum(f, key);

	if (!d)
		return;
	d->is_number = true;
	d->number = number;
}

/* FNV-1a: ids are only compared among what is hidden right now. */
void finding_identify(struct finding *f, const void *bytes, size_t n)
{
	const unsigned char *b = bytes;

	for (size_t i = 0; i < n; i++)
		f->id = (f->id ^ b[i]) * FNV_PRIME;
}

void crossview_pause(void)
{
	const struct timespec pause = { 0, CROSSVIEW_PAUSE_MS * 1000000L };

	(void)nanosleep(&pause, NULL); /* shorter does no harm */
}

/* ---- text ---- */

ssize_t crossview_read(int folder, const char *path, char *to, size_t size)
{
	_cleanup_close_ int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, to, size);

	return n < 0 ? -errno : n;
}

bool crossview_line(struct span *rest, struct span *ret)
{
	const char *end;

	if (!rest->len)
		return false;
	end = memchr(rest->data, '\n', rest->len);
	ret->data = rest->data;
	ret->len = end ? (size_t)(end - rest->data) : rest->len;
	*rest = span_skip(*rest, ret->len + (end != NULL));
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool crossview_word(struct span *rest, struct span *ret)
{
	while (rest->len && is_blank(rest->data[0]))
		*rest = span_skip(*rest, 1);
	if (!rest->len)
		return false;
	*ret = (struct span){ rest->data, 0 };
	while (ret->len < rest->len && !is_blank(rest->data[ret->len]))
		ret->len++;
	*rest = span_skip(*rest, ret->len);
	return true;
}

bool crossview_decimal(struct span s, uint64_t max, uint64_t *ret)
{
	uint64_t value;

	if (!take_number(&s, max, &value) || s.len)
		return false;
	*ret = value;
	return true;
}
