// SPDX-License-Identifier: Apache-2.0
/*
 * Aho-Corasick over byte classes: bytes that occur in no word share one class, so that a
 * row of the table has only as many entries as the words have different bytes.
 *
 * A state is the longest suffix of the text read so far that begins some word; it is known
 * by where its row of next[] begins. That holds the state that follows for each class, with
 * IS_OUTPUT set where words end.
 */
#include "core/literals.h"

#include <errno.h>

#include "base/cleanup.h"

#define IS_OUTPUT	  ((uint32_t)1 << 31)
#define NONE		  UINT32_MAX
#define TABLE_ENTRIES_MAX ((size_t)64 << 20)

struct literals {
	unsigned char class_of[256];
	uint32_t n_classes;
	uint32_t n_states;
	uint32_t *next;	      /* [state * n_classes + class]: the begin of a row */
	uint32_t *first_word; /* [state]: a word that ends here, or NONE */
	uint32_t *shorter;    /* [state]: the longest shorter suffix with a word, or 0 */
	uint32_t *same_word;  /* [word]: another word of the same bytes, or NONE */
};

void literals_destroy(struct literals *l)
{
	if (!l)
		return;
	free(l->next);
	free(l->first_word);
	free(l->shorter);
	free(l->same_word);
	free(l);
}

DEFINE_CLEANUP(struct literals *, literals_destroy)

/* Class 0 is for bytes of no word. Return: how many states there can be at most. */
static size_t make_classes(struct literals *l, const struct span *words, size_t n)
{
	size_t states = 1;

	l->n_classes = 1;
	for (size_t i = 0; i < n; i++) {
		states += words[i].len;
		for (size_t k = 0; k < words[i].len; k++) {
			unsigned char *class =
				&l->class_of[(unsigned char)words[i].data[k]];

			if (*class == 0 && l->n_classes < 256)
				*class = (unsigned char)l->n_classes++;
		}
	}
	return states;
}

static int allocate(struct literals *l, size_t states, size_t n)
{
	if (states > TABLE_ENTRIES_MAX / l->n_classes)
		return -E2BIG;
	l->next = calloc(states * l->n_classes, sizeof(*l->next));
	l->first_word = malloc(states * sizeof(*l->first_word));
	l->shorter = calloc(states, sizeof(*l->shorter));
	l->same_word = malloc((n + 1) * sizeof(*l->same_word));
	if (!l->next || !l->first_word || !l->shorter || !l->same_word)
		return -ENOMEM;
	memset(l->first_word, 0xff, states * sizeof(*l->first_word));
	return 0;
}

static uint32_t *next_of(const struct literals *l, uint32_t state, unsigned char class)
{
	return &l->next[(size_t)state * l->n_classes + class];
}

static void insert(struct literals *l, struct span word, uint32_t i)
{
	uint32_t state = 0;

	for (size_t k = 0; k < word.len; k++) {
		uint32_t *next = next_of(l, state,
					 l->class_of[(unsigned char)word.data[k]]);

		if (*next == 0)
			*next = l->n_states++;
		state = *next;
	}
	l->same_word[i] = l->first_word[state];
	l->first_word[state] = i;
}

/*
 * Breadth first, each state's failure state is complete before the state itself is looked
 * at: edges that the words do not have are taken from there.
 */
static int link_states(struct literals *l)
{
	_cleanup_free_ uint32_t *queue = malloc(l->n_states * sizeof(*queue));
	_cleanup_free_ uint32_t *failure = calloc(l->n_states, sizeof(*failure));
	uint32_t head = 0, tail = 0;

	if (!queue || !failure)
		return -ENOMEM;
	queue[tail++] = 0;
	while (head < tail) {
		uint32_t state = queue[head++];
		uint32_t back = failure[state];

		l->shorter[state] = l->first_word[back] != NONE ? back : l->shorter[back];
		for (uint32_t class = 0; class < l->n_classes; class ++) {
			uint32_t *next = next_of(l, state, (unsigned char)class);
			uint32_t other = state ? *next_of(l, back, (unsigned char)class)
					       : 0;

			if (*next == 0) {
				*next = other;
				continue;
			}
			failure[*next] = other;
			queue[tail++] = *next;
		}
	}
	return 0;
}

/* From numbers of states to their rows, so that reading a byte is an addition. */
static void finish_table(struct literals *l)
{
	for (size_t i = 0; i < (size_t)l->n_states * l->n_classes; i++) {
		uint32_t state = l->next[i];

		l->next[i] = state * l->n_classes;
		if (l->first_word[state] != NONE || l->shorter[state])
			l->next[i] |= IS_OUTPUT;
	}
}

int literals_create(const struct span *words, size_t n, struct literals **ret)
{
	_cleanup_(literals_destroyp) struct literals *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	r = allocate(l, make_classes(l, words, n), n);
	if (r < 0)
		return r;
	l->n_states = 1;
	for (size_t i = 0; i < n; i++) {
		if (words[i].len)
			insert(l, words[i], (uint32_t)i);
	}
	r = link_states(l);
	if (r < 0)
		return r;
	finish_table(l);
	*ret = take_ptr(l);
	return 0;
}

/* Words that end in one state are found together: one bit that is set says all are. */
static void report(const struct literals *l, uint32_t state, uint64_t *found)
{
	for (; state; state = l->shorter[state]) {
		uint32_t i = l->first_word[state];

		if (i != NONE && found[i / 64] >> i % 64 & 1)
			return;
		for (; i != NONE; i = l->same_word[i])
			found[i / 64] |= (uint64_t)1 << i % 64;
	}
}

void literals_scan(const struct literals *l, struct span text, uint64_t *found)
{
	uint32_t row = 0;

	for (size_t i = 0; i < text.len; i++) {
		row = l->next[row + l->class_of[(unsigned char)text.data[i]]];
		if (row & IS_OUTPUT) {
			row &= ~IS_OUTPUT;
			report(l, row / l->n_classes, found);
		}
	}
}
