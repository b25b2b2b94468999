// SPDX-License-Identifier: Apache-2.0
/*
 * The regex of a rule: compiling it, and finding text that each of its matches must
 * contain, so that most lines need not be tried.
 */
#include <errno.h>
#include <stdio.h>

#include "core/rules_internal.h"

int rules_compile_regex(struct span pattern, bool may_make_code, pcre2_code **ret,
			size_t *ret_offset, char reason[static 128])
{
	pcre2_code *code;
	int error;

	/* . matches a character, not a byte; text that is not UTF-8 is no obstacle */
	code = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.len,
			     PCRE2_UTF | PCRE2_MATCH_INVALID_UTF |
				     PCRE2_NEVER_BACKSLASH_C,
			     &error, ret_offset, NULL);
	if (!code) {
		if (pcre2_get_error_message(error, (PCRE2_UCHAR *)reason, 128) < 0)
			(void)snprintf(reason, 128, "error %d", error);
		return error == PCRE2_ERROR_NOMEMORY ? -ENOMEM : -EINVAL;
	}
	/* the interpreter does as well */
	if (may_make_code)
		(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	*ret = code;
	return 0;
}

/* Walks the pattern and collects runs of bytes that stand for themselves. */
struct walk {
	const char *at;
	const char *end;
	char run[RULE_LITERAL_MAX];
	size_t n_run;
	char best[RULE_LITERAL_MAX];
	size_t n_best;
};

static void end_run(struct walk *w)
{
	if (w->n_run > w->n_best) {
		memcpy(w->best, w->run, w->n_run);
		w->n_best = w->n_run;
	}
	w->n_run = 0;
}

static void add_byte(struct walk *w, char c)
{
	if (w->n_run == RULE_LITERAL_MAX)
		end_run(w);
	w->run[w->n_run++] = c;
}

/* The item just read may be absent or repeated: what it was decides nothing any more. */
static void read_quantifier(struct walk *w)
{
	char c = w->at < w->end ? *w->at : '\0';

	if (c != '*' && c != '?' && c != '+' && c != '{')
		return;
	if (c != '+' && w->n_run)
		w->n_run--;
	end_run(w);
	if (c == '{') /* or a brace that stands for itself: skipping it is safe */
		while (w->at < w->end && *w->at != '}')
			w->at++;
	if (w->at < w->end)
		w->at++;
	if (w->at < w->end && (*w->at == '?' || *w->at == '+'))
		w->at++;
}

/* At [:alpha:]? Only then does the ']' in it not end the class. */
static size_t posix_length(const struct walk *w)
{
	const char *at = w->at + 2;

	if (w->end - w->at < 4 || w->at[0] != '[' || w->at[1] != ':')
		return 0;
	at += *at == '^';
	while (at < w->end && *at >= 'a' && *at <= 'z')
		at++;
	return w->end - at >= 2 && at[0] == ':' && at[1] == ']' ? (size_t)(at + 2 - w->at)
								: 0;
}

/* [...]: the first ']' in it is a member, and escapes are stepped over. */
static bool skip_class(struct walk *w)
{
	w->at += w->at < w->end && *w->at == '^';
	w->at += w->at < w->end && *w->at == ']';
	while (w->at < w->end && *w->at != ']') {
		size_t n = posix_length(w);

		if (*w->at == '\\' && w->end - w->at > 1)
			n = 2;
		if (n == 2 && w->at[1] == 'Q')
			return false;
		w->at += n ? n : 1;
	}
	w->at += w->at < w->end;
	return true;
}

/* A group's content is not looked into. (?i), (?x), (?#…) and (*…) change what follows.
 */
static bool skip_group(struct walk *w)
{
	size_t depth = 1;

	if (w->at < w->end && *w->at == '?' &&
	    (w->at + 1 >= w->end || !strchr(":<P=!>|'", w->at[1])))
		return false;
	while (w->at < w->end && depth) {
		char c = *w->at++;

		if (c == '\\' && w->at < w->end && *w->at++ == 'Q')
			return false;
		if (c == '[' && !skip_class(w))
			return false;
		else if (c == '(')
			depth++;
		else if (c == ')')
			depth--;
	}
	return true;
}

/* One item of the pattern; false: give up, nothing can be told. */
static bool read_item(struct walk *w)
{
	char c = *w->at++;

	switch (c) {
	case '|':
		return false;
	case '(':
		end_run(w);
		return skip_group(w);
	case '[':
		end_run(w);
		return skip_class(w);
	case '.':
	case '^':
	case '$':
		end_run(w);
		return true;
	case '\\':
		if (w->at == w->end || *w->at == 'Q')
			return false;
		c = *w->at++;
		if (c > ' ' && c < 0x7f &&
		    strchr("[](){}.*+?^$|\\/-:;,'\"<>=!#@%&~ _`", c)) {
			add_byte(w, c);
			return true;
		}
		end_run(w);
		/* \x41, \d, \1, \k<name>: only those of two bytes are known to end here
		 */
		return strchr("dDsSwWbBAzZhHvVtnrfeK", c) != NULL;
	default:
		if ((unsigned char)c < 0x80)
			add_byte(w, c);
		else
			end_run(w);
		return true;
	}
}

size_t rules_regex_literal(struct span pattern, char *ret)
{
	struct walk w = { .at = pattern.data, .end = pattern.data + pattern.len };

	/* (*ACCEPT) ends a match early; options in the middle reach to the group's end */
	if (span_contains(pattern, SPAN("(*")) || span_contains(pattern, SPAN("(?#")))
		return 0;
	while (w.at < w.end) {
		if (!read_item(&w))
			return 0;
		read_quantifier(&w);
	}
	end_run(&w);
	memcpy(ret, w.best, w.n_best);
	return w.n_best;
}
