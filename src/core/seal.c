// SPDX-License-Identifier: Apache-2.0
/*
 * See seal.h. The mac is over the line with zeros for its own digits, so that no byte of a
 * seal is left out; "hash" in it stands for the bytes before.
 */
#include "core/seal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/text.h"
#include "core/event.h"
#include "core/seal_internal.h"

#define MAC_DIGITS  (2 * (size_t)SEAL_KEY_SIZE)
#define NUMBER_MAX  (UINT64_C(1) << 53)
#define HASH_DIGITS (2 * SEAL_HASH_SIZE + 1)

/* What a line begins with is taken from it, or it is no seal. */
static bool take(struct span *line, const char *text)
{
	struct span want = span_from(text);

	if (!span_starts_with(*line, want))
		return false;
	*line = span_skip(*line, want.len);
	return true;
}

static bool take_count(struct span *line, uint64_t *ret)
{
	return take_number(line, NUMBER_MAX, ret);
}

bool seal_take_hex(struct span *text, unsigned char *ret, size_t size)
{
	size_t got = 0;

	if (text->len < 2 * size ||
	    sodium_hex2bin(ret, size, text->data, 2 * size, NULL, &got, NULL) < 0 ||
	    got != size)
		return false;
	*text = span_skip(*text, 2 * size);
	return true;
}

/* As we write it: the mac does not cover its own digits, so that there must be one way only. */
static bool take_hex(struct span *line, unsigned char *ret, size_t size)
{
	for (size_t i = 0; i < line->len && i < 2 * size; i++)
		if (line->data[i] >= 'A' && line->data[i] <= 'F')
			return false;
	return seal_take_hex(line, ret, size);
}

/* What each line begins with. */
static bool take_start(struct span *line, uint64_t *ret_seq)
{
	uint64_t ts;

	return take(line, "{\"seq\": ") && take_count(line, ret_seq) &&
	       take(line, ", \"ts\": ") && take_count(line, &ts) && take(line, ".") &&
	       take_count(line, &ts);
}

bool seal_parse_lost(struct span line, uint64_t *ret_first, uint64_t *ret_last)
{
	uint64_t seq, first, last;

	if (!take_start(&line, &seq) ||
	    !take(&line, ", \"type\": \"log_tail_lost\", \"data\": {\"first\": ") ||
	    !take_count(&line, &first) || !take(&line, ", \"last\": ") ||
	    !take_count(&line, &last) ||
	    !take(&line, "}, \"severity\": \"high\", \"source\": \"lksm\""))
		return false;
	*ret_first = first;
	*ret_last = last;
	return true;
}

bool seal_parse(struct span line, struct seal *ret)
{
	struct span at = line;

	if (!take_start(&at, &ret->seq) || !take(&at, ", \"type\": \"log_sealed\", ") ||
	    !take(&at, "\"data\": {\"seal\": ") || !take_count(&at, &ret->number) ||
	    !take(&at, ", \"from\": ") || !take_count(&at, &ret->from) ||
	    !take(&at, ", \"to\": ") || !take_count(&at, &ret->to) ||
	    !take(&at, ", \"count\": ") || !take_count(&at, &ret->count) ||
	    !take(&at, ", \"offset\": ") || !take_count(&at, &ret->offset) ||
	    !take(&at, ", \"key\": \"") || !take_hex(&at, ret->key, sizeof(ret->key)) ||
	    !take(&at, "\", \"hash\": \"") ||
	    !take_hex(&at, ret->hash, sizeof(ret->hash)) ||
	    !take(&at, "\", \"previous\": \"") ||
	    !take_hex(&at, ret->previous, sizeof(ret->previous)) ||
	    !take(&at, "\", \"mac\": \""))
		return false;
	ret->mac_at = line.len - at.len;
	return take_hex(&at, ret->mac, sizeof(ret->mac)) &&
	       take(&at, "\"}, \"severity\": \"info\", \"source\": \"lksm\"") && at.len &&
	       at.data[at.len - 1] == '\n' && ret->number <= SEAL_NUMBER_MAX &&
	       line.len <= EVENT_LINE_MAX;
}

void seal_hash_line(struct span line, unsigned char ret[static SEAL_HASH_SIZE])
{
	/* fails for sizes that are out of range only; here and below */
	(void)crypto_generichash(ret, SEAL_HASH_SIZE, (const unsigned char *)line.data,
				 line.len, NULL, 0);
}

bool seal_is_authentic(const struct seal *seal, struct span line,
		       const struct seal_key *key)
{
	unsigned char mac[SEAL_KEY_SIZE];
	char *copy = malloc(line.len);
	bool is_authentic;

	if (!copy)
		return false; /* who cannot look does not vouch */
	memcpy(copy, line.data, line.len);
	memset(copy + seal->mac_at, '0', MAC_DIGITS);
	seal_key_mac(key, (struct span){ copy, line.len }, mac);
	is_authentic = sodium_memcmp(mac, seal->mac, sizeof(mac)) == 0;
	free(copy);
	return is_authentic;
}

void sealer_clear(struct sealer *s)
{
	(void)crypto_generichash_init(&s->hash, NULL, 0, SEAL_HASH_SIZE);
	s->from = s->to = s->count = s->bytes = 0;
}

int sealer_create(int key_fd, struct sealer **ret)
{
	struct sealer *s = aligned_alloc(_Alignof(struct sealer), sizeof(*s));

	if (!s)
		return -ENOMEM;
	*s = (struct sealer){ .key_fd = key_fd };
	sealer_clear(s);
	*ret = s;
	return 0;
}

void sealer_destroy(struct sealer *s)
{
	if (!s)
		return;
	seal_key_wipe(&s->key);
	free(s);
}

void sealer_add(struct sealer *s, struct span bytes, const struct line *lines, size_t n)
{
	if (!n)
		return;
	(void)crypto_generichash_update(&s->hash, (const unsigned char *)bytes.data,
					bytes.len);
	if (!s->count)
		s->from = lines[0].seq;
	s->to = lines[n - 1].seq;
	s->count += n;
	s->bytes += bytes.len;
}

bool sealer_is_needed(const struct sealer *s)
{
	return s->count > 0;
}

static struct span hex(char *ret, size_t size, const unsigned char *bytes, size_t n)
{
	return span_from(sodium_bin2hex(ret, size, bytes, n));
}

static void fill(struct sealer *s, struct lksm_event *e, uint64_t end, struct now now)
{
	event_init(e);
	e->ts = now.mono_us;
	e->time = now.real_us;
	e->type = SPAN("log_sealed");
	e->source = SPAN("lksm");
	/* far fewer than EVENT_DATA_MAX: these cannot fail */
	(void)event_add_int(e, SPAN("seal"), (int64_t)s->key.number);
	(void)event_add_int(e, SPAN("from"), (int64_t)s->from);
	(void)event_add_int(e, SPAN("to"), (int64_t)s->to);
	(void)event_add_int(e, SPAN("count"), (int64_t)s->count);
	/* a file that somebody made shorter: the hash will tell */
	(void)event_add_int(e, SPAN("offset"),
			    end > s->bytes ? (int64_t)(end - s->bytes) : 0);
}

/* The digits of the mac are zeros until the whole line is there. */
static int sign(struct sealer *s, char *line, size_t len)
{
	char digits[MAC_DIGITS + 1];
	struct seal seal;

	if (!seal_parse((struct span){ line, len }, &seal))
		return -EBADMSG;
	seal_key_mac(&s->key, (struct span){ line, len }, seal.mac);
	sodium_bin2hex(digits, sizeof(digits), seal.mac, sizeof(seal.mac));
	memcpy(line + seal.mac_at, digits, MAC_DIGITS);
	seal_hash_line((struct span){ line, len }, s->line);
	return 0;
}

int sealer_add_line(struct sealer *s, struct lines *lines, uint64_t end, struct now now)
{
	crypto_generichash_state hash = s->hash;
	unsigned char digest[SEAL_HASH_SIZE];
	char key[HASH_DIGITS], of_bytes[HASH_DIGITS], previous[HASH_DIGITS];
	static const char zeros[MAC_DIGITS] = { [0 ... MAC_DIGITS - 1] = '0' };
	struct lksm_event event;
	size_t before = lines->bytes.len;
	int r;

	(void)crypto_generichash_final(&hash, digest, sizeof(digest));
	fill(s, &event, end, now);
	(void)event_add_text(&event, SPAN("key"),
			     hex(key, sizeof(key), s->key.id, sizeof(s->key.id)));
	(void)event_add_text(&event, SPAN("hash"),
			     hex(of_bytes, sizeof(of_bytes), digest, sizeof(digest)));
	(void)event_add_text(&event, SPAN("previous"),
			     hex(previous, sizeof(previous), s->key.previous,
				 sizeof(s->key.previous)));
	(void)event_add_text(&event, SPAN("mac"), (struct span){ zeros, sizeof(zeros) });
	r = lines_add_event(lines, &event);
	return r < 0 ? r : sign(s, lines->bytes.data + before, lines->bytes.len - before);
}

int sealer_done(struct sealer *s, bool is_synced)
{
	int r = seal_key_advance(&s->key, s->key.number + 1);

	memcpy(s->key.previous, s->line, sizeof(s->line));
	s->key.is_synced = is_synced;
	sealer_clear(s);
	return r < 0 ? r : seal_file_store(s->key_fd, &s->key, is_synced);
}
