// SPDX-License-Identifier: Apache-2.0
/*
 * See verify.h. What a seal vouches for begins behind the seal before it, or at the
 * beginning of the file. Between two seals only a hash and a count are kept, and enough
 * about the lines' numbers to say what kind of change it was.
 */
#include "core/verify.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "base/clock.h"
#include "core/event.h"

#define FIRST_SEAL_US \
	(UINT64_C(1767225600) * USEC_PER_SEC) /* 2026-01-01: none is older */

/** What was read since the last seal, in this file. */
struct open_span {
	crypto_generichash_state hash;
	struct verify_lines lines;
	uint64_t offset; /* of its beginning in the file */
	bool is_disordered;
	bool is_lost; /* the daemon said that seals were lost in a crash: */
	uint64_t lost_first, lost_last;
};

struct verifier {
	struct open_span span; /* first, as it wants to be aligned */
	struct verify_report report;
	char file[VERIFY_NAME_SIZE];
	uint64_t offset;	  /* of what is read next */
	struct buffer partial;	  /* a line whose end is not there yet */
	bool is_overlong;	  /* its beginning is in the hash already */
	struct verify_lines left; /* unsealed at the end of a file that is not the last */
	unsigned char line[SEAL_HASH_SIZE]; /* hash of the last seal's line */
	uint64_t seals_max;		    /* that can have been made by now */
	size_t n_keys;
	struct seal_key *keys;	  /* owned; as they were given, by their start */
	struct seal_key *current; /* owned; as far as they have come */
};

static void clear_span(struct verifier *v)
{
	struct open_span *s = &v->span;

	(void)crypto_generichash_init(&s->hash, NULL, 0, SEAL_HASH_SIZE);
	s->lines = (struct verify_lines){ 0 };
	(void)snprintf(s->lines.file, sizeof(s->lines.file), "%s", v->file);
	s->offset = v->offset;
	s->is_disordered = s->is_lost = false;
}

static int compare_keys(const void *a, const void *b)
{
	const struct seal_key *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/*
 * One a second, and some where a file or a daemon ends. A clock of before limits nothing; one that
 * is merely behind, by more than half of the time since then, would take good seals for forged.
 */
static uint64_t count_seals(uint64_t now_us)
{
	return now_us < FIRST_SEAL_US ? UINT64_MAX
				      : (now_us - FIRST_SEAL_US) / USEC_PER_SEC * 2;
}

int verifier_create(const struct seal_key *keys, size_t n_keys, uint64_t now_us,
		    struct verifier **ret)
{
	struct verifier *v = aligned_alloc(_Alignof(struct verifier), sizeof(*v));

	if (!v)
		return -ENOMEM;
	memset(v, 0, sizeof(*v));
	v->seals_max = count_seals(now_us);
	v->keys = calloc(n_keys + 1, sizeof(*keys));
	v->current = calloc(n_keys + 1, sizeof(*keys));
	if (!v->keys || !v->current) {
		verifier_destroy(v);
		return -ENOMEM;
	}
	if (n_keys) {
		memcpy(v->keys, keys, n_keys * sizeof(*keys));
		qsort(v->keys, n_keys, sizeof(*keys), compare_keys);
		memcpy(v->current, v->keys, n_keys * sizeof(*keys));
	}
	v->n_keys = n_keys;
	clear_span(v);
	*ret = v;
	return 0;
}

void verifier_destroy(struct verifier *v)
{
	if (!v)
		return;
	if (v->keys)
		sodium_memzero(v->keys, v->n_keys * sizeof(*v->keys));
	if (v->current)
		sodium_memzero(v->current, v->n_keys * sizeof(*v->current));
	free(v->keys);
	free(v->current);
	buffer_deinit(&v->partial);
	free(v);
}

static uint64_t next_number(const struct verifier *v)
{
	return v->report.n_seals ? v->report.last + 1 : 0;
}

static void set_fault(struct verifier *v, enum verify_fault fault, uint64_t seal,
		      const struct verify_lines *lines)
{
	struct verify_report *r = &v->report;

	if (r->fault)
		return;
	r->fault = fault;
	r->seal = r->last_seal = seal;
	r->span = *lines;
}

static void copy_time(struct span line, char ret[static VERIFY_TIME_SIZE])
{
	static const struct span name = SPAN("\"time\": \"");
	const char *at = memmem(line.data, line.len, name.data, name.len);
	size_t n = 0;

	if (at) {
		at += name.len;
		while (n < VERIFY_TIME_SIZE - 1 && at + n < line.data + line.len &&
		       (strchr("-:.TZ", at[n]) || (at[n] >= '0' && at[n] <= '9')))
			n++;
		memcpy(ret, at, n);
	}
	ret[n] = '\0';
}

/* The key that makes seal @number: the last one that begins at it or before. */
static struct seal_key *find_key(const struct verifier *v, struct seal_key *keys,
				 uint64_t number, const unsigned char *id)
{
	struct seal_key *found = NULL;

	for (size_t i = 0; i < v->n_keys && keys[i].start <= number; i++) {
		bool is_same_start = found && found->start == keys[i].start;

		/* a key that was replaced before it made any seal */
		if (!is_same_start || !memcmp(keys[i].id, id, sizeof(keys[i].id)))
			found = &keys[i];
	}
	return found;
}

static enum verify_fault check_mac(struct verifier *v, const struct seal *seal,
				   struct span line)
{
	struct seal_key *key = find_key(v, v->current, seal->number, seal->key);

	if (!key)
		return VERIFY_SOUND; /* older than the oldest key: its hash has to do */
	if (memcmp(key->id, seal->key, sizeof(key->id)) != 0)
		return VERIFY_FOREIGN;
	if (seal->number - key->start > v->seals_max ||
	    seal_key_advance(key, seal->number) < 0 ||
	    !seal_is_authentic(seal, line, key))
		return VERIFY_FORGED;
	return VERIFY_SOUND;
}

/* The bytes are not those that were sealed: what was done to them? */
static enum verify_fault name_change(const struct open_span *s, const struct seal *seal)
{
	if (s->lines.count != seal->count)
		return s->lines.count > seal->count ? VERIFY_ADDED : VERIFY_REMOVED;
	return s->is_disordered ? VERIFY_REORDERED : VERIFY_CHANGED;
}

static enum verify_fault check_bytes(struct verifier *v, const struct seal *seal)
{
	unsigned char hash[SEAL_HASH_SIZE];

	(void)crypto_generichash_final(&v->span.hash, hash, sizeof(hash));
	if (memcmp(hash, seal->hash, sizeof(hash)) != 0 ||
	    v->span.lines.count != seal->count)
		return name_change(&v->span, seal);
	if (v->span.offset != seal->offset)
		return v->span.offset < seal->offset ? VERIFY_REMOVED : VERIFY_ADDED;
	return VERIFY_SOUND;
}

static void note_lost(struct verify_report *r, uint64_t first, uint64_t last)
{
	if (!r->n_lost) {
		r->lost_first = first;
		r->lost_last = last;
	}
	r->n_lost += last - first + 1;
}

/* Does @seal come next? */
static enum verify_fault check_number(struct verifier *v, const struct seal *seal)
{
	const struct open_span *s = &v->span;
	uint64_t next = next_number(v);

	if (!v->report.n_seals)
		return v->left.count && seal->number ? VERIFY_ADDED : VERIFY_SOUND;
	if (seal->number < next)
		return VERIFY_ADDED;
	if (seal->number == next)
		return v->left.count ? VERIFY_ADDED : VERIFY_SOUND;
	if (!s->is_lost || s->lost_first != next || s->lost_last + 1 != seal->number ||
	    v->left.count)
		return VERIFY_REMOVED;
	note_lost(&v->report, next, seal->number - 1);
	return VERIFY_SOUND;
}

/* The lines that the daemon sealed, or, if there is no trusting the seal, those there are. */
static struct verify_lines lines_of(const struct verifier *v, const struct seal *seal,
				    enum verify_fault fault)
{
	struct verify_lines lines = v->span.lines;

	if (fault == VERIFY_FORGED || fault == VERIFY_FOREIGN) {
		if (!lines.count)
			lines.from = lines.to = seal->seq;
	} else {
		/* before the first seal nobody knows which one is to come */
		if (v->report.n_seals || !lines.count || lines.from > seal->from)
			lines.from = seal->from;
		lines.to = seal->to;
	}
	lines.count = seal->count;
	return lines;
}

static void fail_at(struct verifier *v, const struct seal *seal, enum verify_fault fault)
{
	struct verify_lines lines = lines_of(v, seal, fault);

	set_fault(v, fault, seal->number, &lines);
}

static void fail_number(struct verifier *v, const struct seal *seal,
			enum verify_fault fault)
{
	uint64_t next = next_number(v);

	if (fault == VERIFY_ADDED && v->left.count) {
		set_fault(v, fault, next, &v->left);
		return;
	}
	if (fault == VERIFY_ADDED) { /* a seal that is there already */
		struct verify_lines own = v->span.lines;

		own.from = own.to = seal->seq;
		own.count = 1;
		set_fault(v, fault, next, &own);
		return;
	}
	fail_at(v, seal, fault);
	v->report.seal = next;
	v->report.last_seal = seal->number - 1;
	/* what is left may begin before what this one vouches for */
	if (v->left.count)
		v->report.span.from = v->left.from;
	else if (v->span.lines.count)
		v->report.span.from = v->span.lines.from;
}

static void check_seal(struct verifier *v, const struct seal *seal, struct span line)
{
	struct verify_report *r = &v->report;
	bool is_in_order = r->n_seals && seal->number == next_number(v);
	enum verify_fault fault = check_number(v, seal);

	copy_time(line, r->before);
	if (fault) {
		fail_number(v, seal, fault);
		return;
	}
	fault = check_mac(v, seal, line);
	if (fault) {
		fail_at(v, seal, fault);
		return;
	}
	if (is_in_order && memcmp(v->line, seal->previous, sizeof(v->line)) != 0) {
		struct verify_lines none = { 0 };

		/* without its key, a seal is borne out by the next one only */
		(void)snprintf(none.file, sizeof(none.file), "%s", v->file);
		set_fault(v, VERIFY_CHANGED, seal->number - 1, &none);
		return;
	}
	fault = check_bytes(v, seal);
	if (fault)
		fail_at(v, seal, fault);
}

static void take_seal(struct verifier *v, const struct seal *seal, struct span line)
{
	struct verify_report *r = &v->report;

	check_seal(v, seal, line);
	if (r->fault)
		return;
	if (!r->n_seals++) {
		r->first = seal->number;
		r->before_first = v->left;
	}
	if (find_key(v, v->current, seal->number, seal->key))
		r->n_authentic++;
	v->left = (struct verify_lines){ 0 };
	r->last = seal->number;
	memcpy(r->after, r->before, sizeof(r->after));
	r->before[0] = '\0';
	seal_hash_line(line, v->line);
	v->offset += line.len;
	clear_span(v);
}

/* One line that is no seal; its bytes go into the hash elsewhere. */
static void take_line(struct verifier *v, struct span line)
{
	struct open_span *s = &v->span;
	uint64_t seq = 0; /* stays for what is no line of ours */

	(void)lines_seq(line, &seq);
	if (!s->lines.count++)
		s->lines.from = seq;
	else if (seq <= s->lines.to)
		s->is_disordered = true;
	s->lines.to = seq;
	if (seal_parse_lost(line, &s->lost_first, &s->lost_last))
		s->is_lost = true;
}

static void take_bytes(struct verifier *v, struct span bytes)
{
	(void)crypto_generichash_update(&v->span.hash, (const unsigned char *)bytes.data,
					bytes.len);
	v->offset += bytes.len;
}

/* The line that began in an earlier piece ends with @end. */
static int take_partial(struct verifier *v, struct span end)
{
	struct seal seal;
	struct span line;

	if (v->is_overlong) {
		take_bytes(v, end);
		v->is_overlong = false;
		return 0;
	}
	buffer_append_span(&v->partial, end);
	if (buffer_error(&v->partial))
		return buffer_error(&v->partial);
	line = buffer_span(&v->partial);
	if (seal_parse(line, &seal)) {
		take_seal(v, &seal, line);
	} else {
		take_line(v, line);
		take_bytes(v, line);
	}
	buffer_clear(&v->partial);
	return 0;
}

static int keep_partial(struct verifier *v, struct span bytes)
{
	if (v->is_overlong) {
		take_bytes(v, bytes);
		return 0;
	}
	buffer_append_span(&v->partial, bytes);
	if (buffer_error(&v->partial))
		return buffer_error(&v->partial);
	if (v->partial.len <= EVENT_LINE_MAX)
		return 0;
	take_line(v, buffer_span(&v->partial));
	take_bytes(v, buffer_span(&v->partial));
	buffer_clear(&v->partial);
	v->is_overlong = true;
	return 0;
}

/* Whole lines; those between two seals are hashed in one go. Return: what is left. */
static struct span take_lines(struct verifier *v, struct span bytes)
{
	struct span run = { bytes.data, 0 };
	const char *end;

	while (bytes.len && (end = memchr(bytes.data, '\n', bytes.len))) {
		struct span line = { bytes.data, (size_t)(end + 1 - bytes.data) };
		struct seal seal;

		bytes = span_skip(bytes, line.len);
		if (!seal_parse(line, &seal)) {
			take_line(v, line);
			run.len += line.len;
			continue;
		}
		take_bytes(v, run);
		take_seal(v, &seal, line);
		run = (struct span){ bytes.data, 0 };
		if (v->report.fault)
			break;
	}
	take_bytes(v, run);
	return bytes;
}

int verifier_feed(struct verifier *v, struct span bytes)
{
	const char *end;
	int r;

	if ((v->partial.len || v->is_overlong) && !v->report.fault) {
		struct span first = bytes;

		end = bytes.len ? memchr(bytes.data, '\n', bytes.len) : NULL;
		if (!end)
			return keep_partial(v, bytes);
		first.len = (size_t)(end + 1 - bytes.data);
		bytes = span_skip(bytes, first.len);
		r = take_partial(v, first);
		if (r < 0)
			return r;
	}
	if (v->report.fault)
		return 1;
	bytes = take_lines(v, bytes);
	if (v->report.fault)
		return 1;
	return bytes.len ? keep_partial(v, bytes) : 0;
}

/* The end of a file: a line without its newline is one, too. */
static void end_file(struct verifier *v)
{
	if (v->partial.len) {
		take_line(v, buffer_span(&v->partial));
		take_bytes(v, buffer_span(&v->partial));
		buffer_clear(&v->partial);
	}
	v->is_overlong = false;
}

void verifier_begin(struct verifier *v, const char *name)
{
	end_file(v);
	if (v->span.lines.count && !v->left.count)
		v->left = v->span.lines;
	else if (v->span.lines.count) {
		v->left.count += v->span.lines.count;
		v->left.to = v->span.lines.to;
	}
	(void)snprintf(v->file, sizeof(v->file), "%s", name);
	v->offset = 0;
	clear_span(v);
}

void verifier_broken(struct verifier *v)
{
	set_fault(v, VERIFY_CHANGED, next_number(v), &v->span.lines);
}

/* The key file says which seal comes next, and holds its key. */
static void check_end(struct verifier *v, const struct seal_key *next)
{
	struct verify_report *r = &v->report;
	struct seal_key *key = find_key(v, v->current, next->number, next->id), own;
	uint64_t number = next->number;

	/* a key that was given out is as good a witness */
	if (v->n_keys && v->keys[v->n_keys - 1].start > number)
		number = v->keys[v->n_keys - 1].start;
	if (number > next_number(v)) {
		set_fault(v, VERIFY_CUT, next_number(v), &v->span.lines);
		r->last_seal = number - 1;
	}
	if (!key || r->fault)
		return;
	if (memcmp(key->id, next->id, sizeof(key->id)) != 0) {
		set_fault(v, VERIFY_FOREIGN, next->number, &v->span.lines);
		return;
	}
	own = key->number <= next->number ? *key
					  : *find_key(v, v->keys, next->number, next->id);
	if (seal_key_advance(&own, next->number) < 0 ||
	    sodium_memcmp(own.secret, next->secret, sizeof(own.secret)) != 0)
		set_fault(v, VERIFY_REPLACED, next->number, &v->span.lines);
	seal_key_wipe(&own);
}

const struct verify_report *verifier_finish(struct verifier *v,
					    const struct seal_key *next)
{
	struct verify_report *r = &v->report;

	end_file(v);
	if (r->fault)
		return r;
	r->unsealed = v->span.lines;
	if (v->left.count && r->n_seals)
		set_fault(v, VERIFY_ADDED, next_number(v), &v->left);
	if (next)
		check_end(v, next);
	return r;
}
