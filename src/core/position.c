// SPDX-License-Identifier: Apache-2.0
/*
 * See position.h. The state file is one page, two copies of this at 0 and 2048, all numbers
 * little-endian:
 *
 *	"LKSMpos" 2 n_streams generation next_seq boot_id (name last_seq) × 8
 *	held_stream n_held held × 64 checksum
 *
 * The checksum tells a copy that was torn by a kill from a whole one; it is no protection
 * against whoever may write the file.
 */
#include "core/position.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define PAGE_BYTES 4096
#define N_COPIES   2
#define MAGIC	   "LKSMpos"
#define VERSION	   2
#define SENSOR	   "proc:"		 /* begins the name of a sensor's stream */
#define HASH_SEED  0x6c6b736d70616765ULL /* "lksmpage" */
#define HASH_PRIME 0x9e3779b97f4a7c15ULL /* 2^64 / golden ratio, odd */

struct stored_stream {
	char name[POSITION_STREAM_SIZE];
	uint64_t last_seq;
};

struct stored {
	char magic[8];
	uint32_t version;
	uint32_t n_streams;
	uint64_t generation;
	uint64_t next_seq;
	char boot_id[40];
	struct stored_stream streams[POSITION_STREAMS_MAX];
	char held_stream[POSITION_STREAM_SIZE];
	uint64_t n_held;
	uint64_t held[POSITION_HELD_MAX];
	uint64_t checksum; /* of all bytes before it */
};
_Static_assert(sizeof(struct stored) == 1168, "the file's layout has no padding");

struct state_page {
	union {
		struct stored stored;
		char room[PAGE_BYTES / N_COPIES];
	} copies[N_COPIES];
};
_Static_assert(sizeof(struct state_page) == PAGE_BYTES, "the file is one page");

static uint64_t hash(const void *data, size_t len)
{
	const char *bytes = data;
	uint64_t h = HASH_SEED, word;

	for (size_t i = 0; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, bytes + i, sizeof(word));
		h = (h ^ le64toh(word)) * HASH_PRIME;
		h ^= h >> 29;
	}
	return h;
}

static bool is_terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool is_whole(const struct stored *s)
{
	if (memcmp(s->magic, MAGIC, sizeof(s->magic)) || le32toh(s->version) != VERSION ||
	    le32toh(s->n_streams) > POSITION_STREAMS_MAX ||
	    le64toh(s->n_held) > POSITION_HELD_MAX ||
	    le64toh(s->checksum) != hash(s, offsetof(struct stored, checksum)))
		return false;
	for (size_t i = 0; i < le32toh(s->n_streams); i++)
		if (!is_terminated(s->streams[i].name, sizeof(s->streams[i].name)))
			return false;
	return is_terminated(s->boot_id, sizeof(s->boot_id)) &&
	       is_terminated(s->held_stream, sizeof(s->held_stream));
}

/* The newest whole copy, NULL if none is. */
static const struct stored *find_newest(const struct state_page *page)
{
	const struct stored *a = &page->copies[0].stored, *b = &page->copies[1].stored;

	if (le64toh(b->generation) > le64toh(a->generation)) {
		const struct stored *older = a;

		a = b;
		b = older;
	}
	/* this one, nearly always: a checksum less */
	if (is_whole(a))
		return a;
	return is_whole(b) ? b : NULL;
}

/* Make the file one page that is really there. */
static int make_room(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size != PAGE_BYTES && ftruncate(fd, PAGE_BYTES) < 0)
		return -errno;
	return allocate_file(fd, PAGE_BYTES);
}

int state_page_map(int fd, struct state_page **ret)
{
	int r = make_room(fd);
	void *map;

	if (r < 0)
		return r;
	map = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	*ret = map;
	return 0;
}

int state_page_renew(struct state_page *page, int fd)
{
	int r = make_room(fd);

	if (r >= 0 && pwrite(fd, page, PAGE_BYTES, 0) != PAGE_BYTES)
		r = -EIO;
	if (r >= 0 && mmap(page, PAGE_BYTES, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		r = -errno;
	return r;
}

void state_page_unmap(struct state_page *page)
{
	if (page)
		(void)munmap(page, PAGE_BYTES); /* fails for a wrong address only */
}

bool state_page_load(const struct state_page *page, struct position *ret)
{
	const struct stored *s = find_newest(page);

	*ret = (struct position){ 0 };
	if (!s)
		return false;
	memcpy(ret->boot_id, s->boot_id, sizeof(ret->boot_id));
	ret->next_seq = le64toh(s->next_seq);
	ret->n_streams = le32toh(s->n_streams);
	for (size_t i = 0; i < ret->n_streams; i++) {
		memcpy(ret->streams[i].name, s->streams[i].name, POSITION_STREAM_SIZE);
		ret->streams[i].last_seq = le64toh(s->streams[i].last_seq);
	}
	memcpy(ret->held_stream, s->held_stream, sizeof(ret->held_stream));
	ret->n_held = (uint32_t)le64toh(s->n_held);
	for (size_t i = 0; i < ret->n_held; i++)
		ret->held[i] = le64toh(s->held[i]);
	return true;
}

void state_page_store(struct state_page *page, const struct position *position)
{
	const struct stored *newest = find_newest(page);
	struct stored s = { .magic = MAGIC, .version = htole32(VERSION) };
	size_t older = newest == &page->copies[0].stored ? 1 : 0;

	s.n_streams = htole32(position->n_streams);
	s.generation = htole64(newest ? le64toh(newest->generation) + 1 : 1);
	s.next_seq = htole64(position->next_seq);
	memcpy(s.boot_id, position->boot_id, sizeof(s.boot_id));
	for (size_t i = 0; i < position->n_streams; i++) {
		memcpy(s.streams[i].name, position->streams[i].name,
		       POSITION_STREAM_SIZE);
		s.streams[i].last_seq = htole64(position->streams[i].last_seq);
	}
	memcpy(s.held_stream, position->held_stream, sizeof(s.held_stream));
	s.n_held = htole64(position->n_held);
	for (size_t i = 0; i < position->n_held; i++)
		s.held[i] = htole64(position->held[i]);
	s.checksum = htole64(hash(&s, offsetof(struct stored, checksum)));
	memcpy(&page->copies[older].stored, &s, sizeof(s));
}

static struct position_stream *find_stream(struct position *position, const char *stream)
{
	for (size_t i = 0; i < position->n_streams; i++)
		if (!strcmp(position->streams[i].name, stream))
			return &position->streams[i];
	return NULL;
}

bool position_find(const struct position *position, const char *stream, uint64_t *ret)
{
	const struct position_stream *s = find_stream((struct position *)position,
						      stream);

	if (!s)
		return false;
	*ret = s->last_seq;
	return true;
}

static void forget_one(struct position *position)
{
	size_t at = 0;

	for (size_t i = position->n_streams; i-- > 0;)
		if (!strncmp(position->streams[i].name, SENSOR, strlen(SENSOR)))
			at = i;
	memmove(&position->streams[at], &position->streams[at + 1],
		(--position->n_streams - at) * sizeof(position->streams[0]));
}

void position_advance(struct position *position, const char *stream, uint64_t seq)
{
	struct position_stream *s = find_stream(position, stream);
	size_t len = strlen(stream);

	if (s) {
		if (seq > s->last_seq)
			s->last_seq = seq;
		return;
	}
	if (len >= POSITION_STREAM_SIZE)
		return;
	if (position->n_streams == POSITION_STREAMS_MAX)
		forget_one(position);
	s = &position->streams[position->n_streams++];
	*s = (struct position_stream){ .last_seq = seq };
	memcpy(s->name, stream, len);
}

static bool holds(const struct position *position, const char *stream)
{
	return position->n_held && !strcmp(position->held_stream, stream);
}

static bool is_held(const struct position *position, const char *stream, uint64_t seq)
{
	uint64_t found;

	return position_next_held(position, stream, seq, &found) && found == seq;
}

void position_hold(struct position *position, const char *stream, uint64_t seq)
{
	size_t len = strlen(stream);

	if (len >= POSITION_STREAM_SIZE || is_held(position, stream, seq))
		return;
	if (!holds(position, stream)) {
		position->n_held = 0;
		memset(position->held_stream, 0, sizeof(position->held_stream));
		memcpy(position->held_stream, stream, len);
	}
	if (position->n_held == POSITION_HELD_MAX)
		memmove(&position->held[0], &position->held[1],
			--position->n_held * sizeof(position->held[0]));
	position->held[position->n_held++] = seq;
}

void position_release(struct position *position, const char *stream, uint64_t first,
		      uint64_t last)
{
	size_t kept = 0;

	if (!holds(position, stream))
		return;
	for (size_t i = 0; i < position->n_held; i++)
		if (position->held[i] < first || position->held[i] > last)
			position->held[kept++] = position->held[i];
	position->n_held = (uint32_t)kept;
}

bool position_next_held(const struct position *position, const char *stream,
			uint64_t from, uint64_t *ret)
{
	bool is_found = false;

	for (size_t i = 0; holds(position, stream) && i < position->n_held; i++) {
		if (position->held[i] < from || (is_found && position->held[i] > *ret))
			continue;
		*ret = position->held[i];
		is_found = true;
	}
	return is_found;
}

bool position_hold_all(struct position *position, const struct position *from)
{
	bool is_any_new = false;

	for (size_t i = 0; i < from->n_held; i++) {
		if (is_held(position, from->held_stream, from->held[i]))
			continue;
		position_hold(position, from->held_stream, from->held[i]);
		is_any_new = true;
	}
	return is_any_new;
}

void position_set_boot(struct position *position, const char *boot_id)
{
	size_t len = strnlen(boot_id, sizeof(position->boot_id) - 1);

	/* A boot that does not tell its id may be any: what is known does not hold for
	 * it. */
	if (len && !strcmp(position->boot_id, boot_id))
		return;
	position->n_streams = 0;
	position->n_held = 0;
	memset(position->boot_id, 0, sizeof(position->boot_id));
	memcpy(position->boot_id, boot_id, len);
}
