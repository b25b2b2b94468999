// SPDX-License-Identifier: Apache-2.0
/*
 * Templates. Parsing turns the pattern into parts; matching walks the parts, and tries
 * the places where a span could end from the nearest on.
 */
#include "core/template.h"

#include <errno.h>

#define INTEGER_LENGTH_MAX 20 /* "-9223372036854775808" */

struct parser {
	char *pattern;
	size_t len;
	size_t at;  /* next byte to read */
	size_t put; /* next byte of literal to write, never beyond at */
	struct template_part *parts;
	struct template *ret;
	struct template_error *error;
};

static int refuse(struct parser *p, size_t offset, const char *reason)
{
	*p->error = (struct template_error){ offset, reason };
	return -EINVAL;
}

static int parse_kind(struct span word, enum template_kind *ret)
{
	static const struct {
		const char *name;
		enum template_kind kind;
	} kinds[] = {
		{ "word", TEMPLATE_WORD },
		{ "int", TEMPLATE_INT },
		{ "text", TEMPLATE_TEXT },
		{ "rest", TEMPLATE_REST },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_equal(word, span_from(kinds[i].name))) {
			*ret = kinds[i].kind;
			return 0;
		}
	return -EINVAL;
}

static bool is_name(struct span s)
{
	if (s.len == 0 || s.len > TEMPLATE_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];
		bool is_letter = (c >= 'a' && c <= 'z') || c == '_';

		if (!is_letter && !(i > 0 && c >= '0' && c <= '9'))
			return false;
	}
	return true;
}

static bool is_taken(const struct parser *p, struct span name)
{
	for (size_t i = 0; i < p->ret->n; i++)
		if (p->parts[i].kind != TEMPLATE_LITERAL && p->parts[i].text.data &&
		    span_equal(p->parts[i].text, name))
			return true;
	return false;
}

static int add_part(struct parser *p, size_t offset, struct template_part part)
{
	if (p->ret->n == TEMPLATE_PARTS_MAX)
		return refuse(p, offset, "too many placeholders");
	p->parts[p->ret->n++] = part;
	return 0;
}

/* {name} or {name:kind}, p->at being behind the brace. */
static int parse_span(struct parser *p)
{
	size_t begin = p->at;
	const char *from = p->pattern + begin;
	const char *close = memchr(from, '}', p->len - begin);
	struct template_part part = { .kind = TEMPLATE_WORD, .capture = -1 };
	const char *colon;
	struct span name;

	if (!close)
		return refuse(p, begin - 1,
			      "'{' without '}' (a brace itself is written '{{')");
	colon = memchr(from, ':', (size_t)(close - from));
	name = (struct span){ from, (size_t)((colon ? colon : close) - from) };
	if (!is_name(name))
		return refuse(p, begin,
			      "a placeholder's name is snake_case, 1 to 63 bytes");
	if (colon && parse_kind((struct span){ colon + 1, (size_t)(close - colon) - 1 },
				&part.kind) < 0)
		return refuse(p, (size_t)(colon - p->pattern) + 1,
			      "a placeholder is word, int, text or rest");
	if (span_equal(name, SPAN("text")))
		return refuse(p, begin, "this name stands for the whole line");
	if (is_taken(p, name))
		return refuse(p, begin, "this name is used twice");
	if (p->ret->n && p->parts[p->ret->n - 1].kind != TEMPLATE_LITERAL)
		return refuse(p, begin - 1,
			      "two placeholders need some text between them");
	p->at = (size_t)(close - p->pattern) + 1;
	if (part.kind == TEMPLATE_REST && p->at != p->len)
		return refuse(p, begin,
			      "a placeholder of kind rest must stand at the end");
	if (!span_equal(name, SPAN("_"))) {
		part.text = name;
		part.capture = (int)p->ret->n_captures++;
	}
	return add_part(p, begin, part);
}

static int parse_literal(struct parser *p)
{
	size_t begin = p->at;
	size_t put = begin;

	while (p->at < p->len) {
		char c = p->pattern[p->at];
		bool is_double = p->at + 1 < p->len && p->pattern[p->at + 1] == c;

		if (c == '{' && !is_double)
			break;
		if (c == '}' && !is_double)
			return refuse(p, p->at,
				      "'}' without '{' (a brace itself is written '}}')");
		p->pattern[put++] = c;
		p->at += c == '{' || c == '}' ? 2 : 1;
	}
	return add_part(p, begin,
			(struct template_part){
				.kind = TEMPLATE_LITERAL,
				.text = { p->pattern + begin, put - begin },
				.capture = -1,
			});
}

int template_parse(char *pattern, size_t len, struct template_part *parts,
		   struct template *ret, struct template_error *error)
{
	struct template t = { .parts = parts };
	struct parser p = { pattern, len, 0, 0, parts, &t, error };
	int r = 0;

	if (len == 0)
		return refuse(&p, 0, "an empty pattern");
	while (r == 0 && p.at < len) {
		bool is_span = pattern[p.at] == '{' &&
			       !(p.at + 1 < len && pattern[p.at + 1] == '{');

		if (is_span) {
			p.at++;
			r = parse_span(&p);
		} else {
			r = parse_literal(&p);
		}
	}
	if (r == 0)
		*ret = t;
	return r;
}

struct span template_literal(const struct template *t)
{
	struct span best = { NULL, 0 };

	for (size_t i = 0; i < t->n; i++)
		if (t->parts[i].kind == TEMPLATE_LITERAL &&
		    t->parts[i].text.len > best.len)
			best = t->parts[i].text;
	return best;
}

int integer_parse(struct span s, int64_t *ret)
{
	bool is_negative = s.len && s.data[0] == '-';
	uint64_t limit = is_negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
	uint64_t value = 0;

	if (is_negative)
		s = span_skip(s, 1);
	if (s.len == 0 || (s.data[0] == '0' && (s.len > 1 || is_negative)))
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned char)s.data[i] - '0';

		if (digit > 9 || value > (limit - digit) / 10)
			return -EINVAL;
		value = value * 10 + digit;
	}
	*ret = is_negative ? (int64_t)(0 - value) : (int64_t)value;
	return 0;
}

/* One match. Positions are offsets into line; the end of the line is one of them. */
struct match {
	const struct template *t;
	struct span line;
	struct template_memo *memo; /* its bits are valid once has_memo is set */
	bool has_memo;
	struct captured *values;
};

static bool is_word_byte(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f;
}

static size_t word_length(struct span s)
{
	size_t n = 0;

	while (n < s.len && is_word_byte(s.data[n]))
		n++;
	return n;
}

static size_t integer_length(struct span s)
{
	size_t n = s.len && s.data[0] == '-';

	while (n < s.len && n <= INTEGER_LENGTH_MAX && s.data[n] >= '0' &&
	       s.data[n] <= '9')
		n++;
	return n;
}

static size_t memo_bit(const struct match *m, size_t part, size_t at)
{
	return part / 2 * m->memo->stride + at;
}

static bool has_failed(const struct match *m, size_t part, size_t at)
{
	size_t bit = memo_bit(m, part, at);

	return m->has_memo && m->memo->failed[bit / 64] >> bit % 64 & 1;
}

/* The first failure of a match clears as much of the memo as this match can use. */
static void clear_memo(struct match *m)
{
	m->memo->stride = m->line.len + 1;
	memset(m->memo->failed, 0,
	       ((m->t->n + 1) / 2 * m->memo->stride + 63) / 64 * sizeof(uint64_t));
	m->has_memo = true;
}

/*
 * A text that cannot begin here cannot begin further on either, for its possible ends
 * there are among those here; the same holds for a word up to the word's end.
 */
static void note_failed(struct match *m, size_t part, size_t at)
{
	enum template_kind kind = m->t->parts[part].kind;
	size_t end = at;

	if (!m->has_memo)
		clear_memo(m);
	if (kind == TEMPLATE_TEXT)
		end = m->line.len;
	if (kind == TEMPLATE_WORD)
		end = at + word_length(span_skip(m->line, at));
	for (; at <= end && !has_failed(m, part, at); at++) {
		size_t bit = memo_bit(m, part, at);

		m->memo->failed[bit / 64] |= (uint64_t)1 << bit % 64;
	}
}

static bool take(struct match *m, const struct template_part *part, size_t at, size_t end)
{
	struct captured value = { .text = { m->line.data + at, end - at } };

	if (part->kind == TEMPLATE_INT) {
		if (integer_parse(value.text, &value.integer) < 0)
			return false;
		value.is_int = true;
	}
	if (part->capture >= 0)
		m->values[part->capture] = value;
	return true;
}

static bool match_from(struct match *m, size_t i, size_t at);

/* A span with nothing behind it in the template. */
static bool match_last(struct match *m, const struct template_part *part, size_t at)
{
	struct span rest = span_skip(m->line, at);
	size_t n = rest.len;

	if (part->kind == TEMPLATE_WORD)
		n = word_length(rest);
	if (part->kind == TEMPLATE_INT)
		n = integer_length(rest);
	if (n == 0 && part->kind != TEMPLATE_REST)
		return false;
	return (n == rest.len || m->t->is_prefix) && take(m, part, at, at + n);
}

/* A span and the literal behind it: try each place of the literal that the kind allows.
 */
static bool match_span(struct match *m, size_t i, size_t at)
{
	const struct template_part *part = &m->t->parts[i];
	struct span literal = part[1].text;
	struct span rest = span_skip(m->line, at);
	size_t first = 1;
	size_t last = rest.len;

	if (part->kind == TEMPLATE_WORD)
		last = word_length(rest);
	if (part->kind == TEMPLATE_INT)
		first = last = integer_length(rest);
	while (first > 0 && first <= last && first + literal.len <= rest.len) {
		size_t room = last + literal.len < rest.len ? last + literal.len
							    : rest.len;
		const char *found = memmem(rest.data + first, room - first, literal.data,
					   literal.len);
		size_t end;

		if (!found)
			return false;
		first = (size_t)(found - rest.data) + 1;
		end = at + first - 1;
		if (match_from(m, i + 2, end + literal.len))
			return take(m, part, at, end);
	}
	return false;
}

/* Do the parts from i on match the line from @at on? */
static bool match_from(struct match *m, size_t i, size_t at)
{
	const struct template_part *part;

	if (i >= m->t->n)
		return at == m->line.len || m->t->is_prefix;
	part = &m->t->parts[i];
	if (part->kind == TEMPLATE_LITERAL) /* the template's first part */
		return span_starts_with(span_skip(m->line, at), part->text) &&
		       match_from(m, i + 1, at + part->text.len);
	if (has_failed(m, i, at))
		return false;
	if (i + 1 == m->t->n ? match_last(m, part, at) : match_span(m, i, at))
		return true;
	note_failed(m, i, at);
	return false;
}

static bool is_white(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool template_match(const struct template *t, struct span line,
		    struct template_memo *memo, struct captured *values)
{
	struct match m = { .t = t, .line = line, .memo = memo, .values = values };

	while (m.line.len && is_white(m.line.data[m.line.len - 1]))
		m.line.len--;
	return m.line.len <= LKSM_VALUE_MAX && match_from(&m, 0, 0);
}
