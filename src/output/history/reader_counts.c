// SPDX-License-Identifier: Apache-2.0
/*
 * Counting events: from the table of minutes, which is exact for whole minutes, or, if words
 * are looked for, one by one. Times are therefore widened to whole buckets or minutes, and the
 * answer says to which.
 */
#include "output/history/reader_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <time.h>

#include "core/event.h"
#include "core/format.h"
#include "output/history/grams.h"
#include "output/history/history.h"

#define MINUTE_S       60
#define BUCKETS_WANTED 100
#define BUCKETS_MAX    10000
#define FACET_VALUES   50
#define USEC	       1000000
#define UNCOUNT_MAX    50000 /* that takes less than a quarter of the time of a question */
#define FEW_MAX	       4096  /* events that are looked up, each of them */
#define FEW_TRIED      256   /* so many tell whether there will be more */
#define OFF	       UINT64_MAX /* one less, modulo 2^64 */

struct counts {
	struct reader *reader;
	int64_t ends[2];	  /* the first minute with an event, the last one */
	int64_t since_s, until_s; /* widened */
	int64_t bucket_s;
	size_t n_buckets;
	uint64_t (*buckets)[EVENT_SEVERITY_COUNT]; /* NULL: only by dims */
	bool is_off;				   /* they are counted off */
	uint64_t n_left; /* so many more, one by one; then it is given up */
};

/* What facets count. */
static const char *const facet_names[] = { [QUERY_TYPE] = "type",
					   [QUERY_SOURCE] = "source",
					   [QUERY_HOST] = "host",
					   [QUERY_RULE] = "rule" };

static void append_time(struct buffer *out, int64_t seconds)
{
	time_t at = (time_t)seconds;
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&at, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_append_string(out, span_from(text));
}

int reader_numbers(struct reader *r, const char *sql, int64_t *ret, int n)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	int e = reader_prepare(r, sql, &s), step;

	if (e < 0)
		return e;
	step = sqlite.step(s);
	if (step != SQLITE_ROW)
		return step == SQLITE_DONE ? -EUCLEAN : history_error(step);
	for (int i = 0; i < n; i++)
		ret[i] = sqlite.column_int64(s, i);
	return 0;
}

static int64_t round_down(int64_t value, int64_t step)
{
	return value - value % step;
}

/* The smallest round one that makes few enough of them. */
static int64_t fitting_bucket(int64_t seconds)
{
	static const int64_t steps[] = { 60,	300,   600,   1800,  3600,
					 10800, 21600, 43200, 86400, 604800 };

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (seconds / steps[i] <= BUCKETS_WANTED)
			return steps[i];
	return round_down(seconds / BUCKETS_WANTED, 604800) + 604800;
}

/* What the query says, or where the events begin and end. */
static int set_times(struct counts *c, const struct query *q)
{
	int e = reader_numbers(c->reader,
			       "SELECT (SELECT min(minute) FROM minutes), "
			       "(SELECT max(minute) FROM minutes)",
			       c->ends, 2);

	if (e < 0)
		return e;
	c->since_s = q->has_since ? (int64_t)(q->since_us / USEC) : c->ends[0] * MINUTE_S;
	c->until_s = q->until_us != UINT64_MAX
			     ? (int64_t)((q->until_us + USEC - 1) / USEC)
			     : (c->ends[1] + 1) * MINUTE_S;
	if (c->until_s < c->since_s)
		c->until_s = c->since_s;
	c->bucket_s = q->operation == QUERY_HISTOGRAM ? (int64_t)q->bucket_s : MINUTE_S;
	if (!c->bucket_s)
		c->bucket_s = fitting_bucket(c->until_s - c->since_s);
	c->since_s = round_down(c->since_s, c->bucket_s);
	c->until_s = round_down(c->until_s + c->bucket_s - 1, c->bucket_s);
	return 0;
}

static void count(struct counts *c, int64_t at_s, const struct dim *dim, uint64_t n)
{
	struct dim *ours = &c->reader->dims[dim - c->reader->dims];
	int64_t bucket = (at_s - c->since_s) / c->bucket_s;

	ours->n_taken += n;
	if (c->buckets && at_s >= c->since_s && (size_t)bucket < c->n_buckets)
		c->buckets[bucket][dim->severity] += n;
}

/* What is counted off is added by minutes afterwards: modulo 2^64, that is right. */
static bool count_match(void *context, int64_t seq, int64_t at, const struct dim *dim)
{
	struct counts *c = context;

	(void)seq;
	if (c->is_off && !c->n_left)
		return false;
	c->n_left--;
	count(c, at / USEC, dim, c->is_off ? UINT64_MAX : 1);
	return true;
}

static void count_kind(void *context, int64_t minute, const struct dim *dim, uint64_t n)
{
	struct counts *c = context;

	count(c, minute * MINUTE_S, dim, n);
}

static int count_minutes(struct counts *c)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	int e = reader_prepare(
		    c->reader,
		    "SELECT minute, dims, n FROM minutes WHERE minute >= ?1 AND "
		    "minute < ?2",
		    &s),
	    step;

	if (e < 0)
		return e;
	(void)sqlite.bind_int64(s, 1, c->since_s / MINUTE_S);
	(void)sqlite.bind_int64(s, 2, c->until_s / MINUTE_S);
	while ((step = sqlite.step(s)) == SQLITE_ROW) {
		const struct dim *dim = reader_dim(c->reader, sqlite.column_int64(s, 1));

		if (dim && dim->is_taken)
			count(c, sqlite.column_int64(s, 0) * MINUTE_S, dim,
			      (uint64_t)sqlite.column_int64(s, 2));
	}
	return history_error(step);
}

static void count_dims(struct counts *c)
{
	for (size_t i = 0; i < c->reader->n_dims; i++)
		if (c->reader->dims[i].is_taken)
			c->reader->dims[i].n_taken += c->reader->dims[i].n;
}

static struct range range_of(const struct counts *c)
{
	return (struct range){ 0, INT64_MAX, c->since_s * USEC, c->until_s * USEC };
}

/* Those that are looked for, or counted off. */
static int count_matches(struct counts *c, const struct query *q)
{
	struct range range = range_of(c);
	int e = 0;

	if (q->has_since || q->until_us != UINT64_MAX)
		e = reader_bound_by_time(c->reader, &range);
	return e < 0 || range.first > range.last
		       ? e
		       : reader_each_match(c->reader, q, &range, count_match, c);
}

static int count_without_words(struct counts *c, const struct query *q)
{
	if (c->buckets || q->has_since || q->until_us != UINT64_MAX)
		return count_minutes(c);
	count_dims(c);
	return 0;
}

/*
 * Is it less work to count those that do not match, off from all? Of one word that may not be
 * there, that is tried; how many have a pair may be known.
 */
static int is_rest_less(struct counts *c, const struct query *q)
{
	uint64_t with, without;
	int e;

	c->n_left = UNCOUNT_MAX;
	if (q->n_terms + q->n_pairs != 1)
		return 0;
	if (q->n_terms)
		return q->terms[0].is_not;
	e = reader_count_pair(c->reader, &q->pairs[0], &with, &without);
	if (e <= 0)
		return e < 0 ? e : q->pairs[0].is_not;
	c->n_left = UINT64_MAX;
	return q->pairs[0].is_not ? with < without : without < with;
}

/* Where there are no events beyond the time, whole spans are of it, too. */
static struct range range_of_spans(const struct counts *c)
{
	const int64_t span_us = GRAMS_SPAN_MINUTES * MINUTE_S * (int64_t)USEC;
	struct range range = range_of(c);

	if (c->since_s <= c->ends[0] * MINUTE_S)
		range.since = round_down(c->ends[0] * MINUTE_S * USEC, span_us);
	if (c->until_s > c->ends[1] * MINUTE_S)
		range.until = round_down(c->ends[1] * MINUTE_S * USEC, span_us) + span_us;
	return range;
}

/* Found, each of them, and not counted yet. */
struct few {
	size_t n;
	bool is_too_many;
	int64_t first, last; /* seqs of the events among which they are */
	struct {
		int64_t at;
		const struct dim *dim;
	} items[FEW_MAX];
};

static bool take_few(void *context, int64_t seq, int64_t at, const struct dim *dim)
{
	struct few *few = context;
	int64_t wanted = (few->last - few->first) / FEW_MAX * (int64_t)few->n / 2;

	if (few->n == FEW_MAX || (few->n >= FEW_TRIED && seq - few->first < wanted)) {
		few->is_too_many = true;
		return false;
	}
	few->items[few->n].at = at;
	few->items[few->n++].dim = dim;
	return true;
}

/*
 * What few events have is looked up for each of them: kind after kind, the index would go for
 * each kind to all of them. @n: 1, or off. Return: 1; 0: they are too many; -errno.
 */
static int count_few(struct counts *c, const struct query *q, uint64_t n)
{
	_cleanup_free_ struct few *few = calloc(1, sizeof(*few));
	struct range range = range_of(c);
	struct query forwards = *q; /* the texts stay @q's */
	int64_t ends[2] = { 0 };
	int e;

	if (!few)
		return -ENOMEM;
	forwards.is_ascending = true;
	e = reader_numbers(c->reader,
			   "SELECT (SELECT min(seq) FROM events), "
			   "(SELECT max(seq) FROM events)",
			   ends, 2);
	if (e >= 0)
		e = reader_bound_by_time(c->reader, &range);
	few->first = range.first > ends[0] ? range.first : ends[0];
	few->last = range.last < ends[1] ? range.last : ends[1];
	if (e >= 0 && range.first <= range.last)
		e = reader_each_match(c->reader, &forwards, &range, take_few, few);
	for (size_t i = 0; e >= 0 && !few->is_too_many && i < few->n; i++)
		count(c, few->items[i].at / USEC, few->items[i].dim, n);
	return e < 0 ? e : !few->is_too_many;
}

static bool *is_not_of(struct query *q, size_t i)
{
	return i < q->n_terms ? &q->terms[i].is_not : &q->pairs[i - q->n_terms].is_not;
}

/* Return: 1: something rare has to be there; 0; -errno. */
static int wants_rare(struct counts *c, struct query *q)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < q->n_terms + q->n_pairs; i++)
		if (!*is_not_of(q, i))
			e = reader_is_rare(c->reader, q, i);
	return e;
}

static void forget_counts(struct counts *c)
{
	for (size_t i = 0; i < c->reader->n_dims; i++)
		c->reader->dims[i].n_taken = 0;
	if (c->buckets)
		memset(c->buckets, 0, c->n_buckets * sizeof(*c->buckets));
}

/* Return: 1; 0: they are too many; -errno. */
static int count_by_rest(struct counts *c, const struct query *q)
{
	struct query rest = *q; /* the texts stay @q's */
	int e;

	rest.terms[0].is_not = !rest.terms[0].is_not;
	rest.pairs[0].is_not = !rest.pairs[0].is_not;
	c->is_off = true;
	e = count_matches(c, &rest);
	c->is_off = false;
	if (e >= 0 && c->n_left)
		e = count_without_words(c, q);
	else
		forget_counts(c);
	return e < 0 ? e : c->n_left > 0;
}

static int count_by_kinds(struct counts *c, const struct query *q)
{
	bool is_coarse = !c->buckets ||
			 c->bucket_s % (GRAMS_SPAN_MINUTES * MINUTE_S) == 0;
	struct range range = range_of_spans(c);
	int e;

	e = reader_count_kinds(c->reader, q, &range, is_coarse, count_kind, c);
	if (e)
		return e < 0 ? e : 0;
	/* there are many kinds: one by one */
	e = is_rest_less(c, q);
	if (e > 0)
		e = count_by_rest(c, q);
	return e ? (e < 0 ? e : 0) : count_matches(c, q);
}

/* @q without term @i; behind the terms come the pairs. */
static void leave_out(struct query *q, size_t i)
{
	if (i < q->n_terms) {
		q->n_terms--;
		memmove(&q->terms[i], &q->terms[i + 1],
			(q->n_terms - i) * sizeof(*q->terms));
		return;
	}
	i -= q->n_terms;
	q->n_pairs--;
	memmove(&q->pairs[i], &q->pairs[i + 1], (q->n_pairs - i) * sizeof(*q->pairs));
}

/*
 * All there is but what few have: the few are counted off.
 * Return: 1: @q is what is left to count; 0: they are many, or not one thing; -errno.
 */
static int count_few_off(struct counts *c, struct query *q)
{
	size_t n = 0, at = 0;
	int e;

	for (size_t i = 0; i < q->n_terms + q->n_pairs; i++) {
		if (!*is_not_of(q, i))
			continue;
		at = i;
		n++;
	}
	e = n == 1 ? reader_is_rare(c->reader, q, at) : 0;
	if (e <= 0)
		return e;
	*is_not_of(q, at) = false;
	e = count_few(c, q, OFF);
	*is_not_of(q, at) = true;
	if (e <= 0)
		return e;
	leave_out(q, at);
	e = reader_load_phrases(c->reader, q); /* they stand in the same order */
	return e < 0 ? e : 1;
}

static int count_all(struct counts *c, const struct query *asked)
{
	struct query q = *asked; /* the texts stay @asked's */
	int e = wants_rare(c, &q);

	if (e > 0) {
		e = count_few(c, &q, 1);
		if (e)
			return e < 0 ? e : 0;
	} else if (e == 0) {
		e = count_few_off(c, &q);
	}
	if (e < 0)
		return e;
	return query_needs_words(&q) ? count_by_kinds(c, &q) : count_without_words(c, &q);
}

static void append_times(const struct counts *c, struct buffer *out)
{
	buffer_append_literal(out, "\"since\": ");
	append_time(out, c->since_s);
	buffer_append_literal(out, ", \"until\": ");
	append_time(out, c->until_s);
}

static void append_severities(struct buffer *out,
			      const uint64_t counts[static EVENT_SEVERITY_COUNT])
{
	for (unsigned int i = 0; i < EVENT_SEVERITY_COUNT; i++)
		buffer_appendf(out, "%s\"%s\": %" PRIu64, i ? ", " : "",
			       severity_name((enum lksm_severity)i), counts[i]);
}

static void append_buckets(const struct counts *c, struct buffer *out)
{
	const char *join = "";

	for (size_t i = 0; i < c->n_buckets; i++) {
		const uint64_t *n = c->buckets[i];

		if (!(n[0] | n[1] | n[2] | n[3]))
			continue;
		buffer_appendf(out, "%s\n{\"time\": ", join);
		append_time(out, c->since_s + (int64_t)i * c->bucket_s);
		buffer_append_literal(out, ", ");
		append_severities(out, n);
		buffer_append_char(out, '}');
		join = ",";
	}
}

static int histogram(struct counts *c, const struct query *q, struct answer_text *ret)
{
	_cleanup_free_ uint64_t(*buckets)[EVENT_SEVERITY_COUNT] = NULL;
	int64_t n = (c->until_s - c->since_s) / c->bucket_s;
	int e;

	if (n > BUCKETS_MAX) {
		reader_problem(ret, 400, "Too many buckets",
			       SPAN("there are at most 10000 of them: ask for less time "
				    "or for larger ones"));
		return 0;
	}
	buckets = calloc((size_t)n + 1, sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	c->buckets = buckets;
	c->n_buckets = (size_t)n;
	e = count_all(c, q);
	if (e < 0)
		return e;
	buffer_append_char(&ret->body, '{');
	append_times(c, &ret->body);
	buffer_appendf(&ret->body, ", \"bucket\": %" PRId64 ", \"buckets\": [",
		       c->bucket_s);
	append_buckets(c, &ret->body);
	buffer_append_literal(&ret->body, "]}\n");
	return 0;
}

/* Taken out one by one, the largest first: there are few wanted. */
static void append_values(struct buffer *out, json_t *counts)
{
	for (size_t i = 0; i < FACET_VALUES && json_object_size(counts); i++) {
		const char *key, *best = NULL;
		size_t len, best_len = 0;
		json_int_t most = -1;
		json_t *n;

		json_object_keylen_foreach(counts, key, len,
					   n) if (json_integer_value(n) > most)
		{
			most = json_integer_value(n);
			best = key;
			best_len = len;
		}
		buffer_append_span(out,
				   i ? SPAN(",\n{\"value\": ") : SPAN("\n{\"value\": "));
		json_append_string(out, (struct span){ best, best_len });
		buffer_appendf(out, ", \"count\": %" PRId64 "}", (int64_t)most);
		(void)json_object_deln(counts, best, best_len); /* it is there */
	}
}

static int append_facet(const struct reader *r, size_t field, struct buffer *out)
{
	json_t *counts = json_object();
	int e = counts ? 0 : -ENOMEM;

	for (size_t i = 0; e == 0 && i < r->n_dims; i++) {
		const struct dim *d = &r->dims[i];
		struct span value = d->fields[field];
		const json_t *before = json_object_getn(counts, value.data, value.len);

		if (!d->n_taken || !value.len)
			continue;
		if (json_object_setn_new_nocheck(counts, value.data, value.len,
						 json_integer(json_integer_value(before) +
							      (json_int_t)d->n_taken)) <
		    0)
			e = -ENOMEM;
	}
	if (e == 0)
		append_values(out, counts);
	json_decref(counts);
	return e;
}

static int facets(struct counts *c, const struct query *q, struct answer_text *ret)
{
	uint64_t severities[EVENT_SEVERITY_COUNT] = { 0 };
	int e = count_all(c, q);

	for (size_t i = 0; e >= 0 && i < c->reader->n_dims; i++)
		severities[c->reader->dims[i].severity] += c->reader->dims[i].n_taken;
	buffer_append_char(&ret->body, '{');
	append_times(c, &ret->body);
	buffer_append_literal(&ret->body, ", \"severity\": {");
	append_severities(&ret->body, severities);
	buffer_append_char(&ret->body, '}');
	for (size_t i = 0; e >= 0 && i < ARRAY_SIZE(facet_names); i++) {
		buffer_appendf(&ret->body, ", \"%s\": [", facet_names[i]);
		e = append_facet(c->reader, i, &ret->body);
		buffer_append_char(&ret->body, ']');
	}
	buffer_append_literal(&ret->body, "}\n");
	return e;
}

static int stats(struct reader *r, struct answer_text *ret)
{
	int64_t n[5] = { 0 };
	uint64_t severities[EVENT_SEVERITY_COUNT] = { 0 }, all = 0;
	int e = reader_numbers(
		r,
		"SELECT (SELECT min(seq) FROM events), (SELECT max(seq) FROM "
		"events), (SELECT min(minute) FROM minutes), (SELECT "
		"value FROM meta WHERE key = 'next_seq'), (SELECT page_count * "
		"page_size FROM pragma_page_count, pragma_page_size)",
		n, 5);

	if (e < 0)
		return e;
	for (size_t i = 0; i < r->n_dims; i++) {
		severities[r->dims[i].severity] += r->dims[i].n;
		all += r->dims[i].n;
	}
	buffer_appendf(&ret->body, "{\"events\": %" PRIu64 ", \"severity\": {", all);
	append_severities(&ret->body, severities);
	buffer_append_char(&ret->body, '}');
	if (all) {
		buffer_appendf(&ret->body,
			       ", \"first_seq\": %" PRId64 ", \"last_seq\": %" PRId64
			       ", \"since\": ",
			       n[0], n[1]);
		append_time(&ret->body, n[2] * MINUTE_S);
	}
	buffer_appendf(&ret->body,
		       ", \"next_seq\": %" PRId64 ", \"bytes\": %" PRId64
		       ", \"complete\": %s}\n",
		       n[3], n[4], r->is_complete ? "true" : "false");
	return 0;
}

int reader_count(struct reader *r, const struct query *q, struct answer_text *ret)
{
	struct counts c = { .reader = r };
	int e;

	if (q->operation == QUERY_STATS)
		return stats(r, ret);
	e = set_times(&c, q);
	if (e < 0)
		return e;
	return q->operation == QUERY_HISTOGRAM ? histogram(&c, q, ret)
					       : facets(&c, q, ret);
}

static void append_value(struct buffer *out, const json_t *value)
{
	char number[32];
	struct span text;
	char *json = NULL;

	if (!value)
		text = SPAN("");
	else if (json_is_real(value)) /* seconds: microseconds are exact */
		text = (struct span){ number,
				      (size_t)snprintf(number, sizeof(number), "%.6f",
						       json_real_value(value)) };
	else if (!history_scalar(value, number, &text)) {
		json = json_dumps(value, JSON_ENCODE_ANY);
		text = span_from(json);
	}
	format_append_cell(out, text);
	free(json);
}

static const char *const columns[] = {
#define X(name, title, kind, presence, view, description) #name,
	LKSM_EVENT_FIELDS(X)
#undef X
};

void reader_append_heading(struct buffer *out)
{
	format_append_header(out, FORMAT_CSV);
}

void reader_append_csv(struct buffer *out, struct span line, uint64_t n)
{
	json_t *event = json_loadb(line.data, line.len, JSON_ALLOW_NUL, NULL);

	(void)n;
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		if (i)
			buffer_append_char(out, ',');
		append_value(out, json_object_get(event, columns[i]));
	}
	buffer_append_literal(out, "\r\n");
	json_decref(event);
}
