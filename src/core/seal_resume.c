// SPDX-License-Identifier: Apache-2.0
/*
 * Going on with sealing; see seal.h. The key file says which seal comes next and what the
 * last one's line was; the log says which seals are there. Killed between a seal and the
 * replacing of its key, the log is one ahead. The key can be ahead of the log only if the
 * log's end is gone.
 *
 * The log is read from its end. A seal in it counts if the key file or the key itself
 * bears it out; anything else that looks like one is a line like any other.
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "core/reverse_lines.h"
#include "core/seal_internal.h"

#define CHUNK_BYTES ((size_t)256 << 10)
#define AHEAD_MAX \
	4096 /* seals by which a key can have missed being written, in a crash */

/* Whole lines at the end of the newest log. */
struct tail {
	uint64_t at; /* where they begin */
	uint64_t from, to, count;
};

struct search {
	struct sealer *sealer;
	bool has_key;
	bool is_found;	  /* a seal that is borne out */
	bool has_files;	  /* plain logs … */
	bool has_lines;	  /* … with something in them */
	struct tail tail; /* behind it */
	bool has_claim;	  /* something that only looks like a seal; the last one: */
	uint64_t claim;	  /* its number */
	unsigned char claim_hash[SEAL_HASH_SIZE];
	char claim_boot_id[37];
	struct tail claim_tail;
};

static void copy_boot_id(struct span line, char ret[static 37])
{
	static const struct span name = SPAN("\"boot_id\": \"");
	const char *at = memmem(line.data, line.len, name.data, name.len);

	if (at && (size_t)(line.data + line.len - at) > name.len + 36)
		memcpy(ret, at + name.len, 36);
}

/* Does the key file or the key say that this is ours? Then the key follows it. */
static bool bears_out(struct search *s, const struct seal *seal, struct span line)
{
	struct seal_key *key = &s->sealer->key;
	struct seal_key later = *key;
	unsigned char hash[SEAL_HASH_SIZE];
	bool is_ours = false;

	seal_hash_line(line, hash);
	if (s->has_key && seal->number + 1 == key->number)
		is_ours = memcmp(hash, key->previous, sizeof(hash)) == 0;
	else if (s->has_key && seal->number < key->number + AHEAD_MAX &&
		 seal_key_advance(&later, seal->number) == 0 &&
		 seal_is_authentic(seal, line, &later) &&
		 seal_key_advance(&later, seal->number + 1) == 0) {
		memcpy(later.previous, hash, sizeof(hash));
		later.is_synced = false;
		*key = later;
		is_ours = true;
	}
	seal_key_wipe(&later);
	return is_ours;
}

static void look_at(struct search *s, struct span line)
{
	struct seal seal;

	/* a number without room to count on from it is nobody's */
	if (!line.data || !seal_parse(line, &seal) || seal.number > SEAL_NUMBER_MAX / 2)
		return;
	s->is_found = bears_out(s, &seal, line);
	if (s->is_found || s->has_claim)
		return;
	s->has_claim = true;
	s->claim = seal.number;
	s->claim_tail = s->tail;
	seal_hash_line(line, s->claim_hash);
	copy_boot_id(line, s->claim_boot_id);
}

static void count_line(struct tail *tail, struct span line, uint64_t at)
{
	uint64_t seq = 0; /* stays for what is no line of ours */

	if (line.data)
		(void)lines_seq(line, &seq);
	if (!tail->count++)
		tail->to = seq;
	tail->from = seq;
	tail->at = at;
}

/* Without a key nothing can be borne out: the last claim must do. */
static bool is_over(const struct search *s)
{
	return s->is_found || (s->has_claim && !s->has_key);
}

static int search_file(struct search *s, int fd, bool is_newest)
{
	struct reverse_lines lines = { .fd = fd };
	struct span line;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	s->has_files = true;
	s->has_lines = s->has_lines || st.st_size > 0;
	r = reverse_lines_end(fd, (uint64_t)st.st_size, &lines.offset);
	while (r >= 0 && (r = reverse_lines_previous(&lines, &line)) > 0) {
		look_at(s, line);
		if (is_over(s))
			break;
		if (is_newest)
			count_line(&s->tail, line, reverse_lines_at(&lines));
	}
	reverse_lines_deinit(&lines);
	return r < 0 ? r : 0;
}

/* The bytes from @at on are those that the next seal vouches for. */
static int hash_tail(struct sealer *s, int fd, uint64_t at)
{
	_cleanup_free_ char *chunk = malloc(CHUNK_BYTES);

	if (!chunk)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read_at(fd, chunk, CHUNK_BYTES, at);

		if (n <= 0)
			return (int)n;
		(void)crypto_generichash_update(&s->hash, (unsigned char *)chunk,
						(size_t)n);
		s->bytes += (uint64_t)n;
		at += (uint64_t)n;
	}
}

/* What the next seal has to vouch for already. */
static int take_tail(struct search *s, int newest)
{
	const struct tail *tail = !s->is_found && s->has_claim ? &s->claim_tail
							       : &s->tail;

	if (!tail->count)
		return 0;
	s->sealer->from = tail->from;
	s->sealer->to = tail->to;
	s->sealer->count = tail->count;
	return hash_tail(s->sealer, newest, tail->at);
}

static int search_logs(struct search *s, resume_open_fn open_log, void *context)
{
	_cleanup_close_ int newest = -1;
	int r = 0;

	for (uint64_t i = 0; r >= 0 && !is_over(s); i++) {
		char name[RESUME_NAME_SIZE] = "";
		int fd = open_log(context, i, name, sizeof(name));

		if (fd == -ENOENT)
			break;
		if (fd < 0)
			return fd;
		r = search_file(s, fd, i == 0);
		if (i == 0)
			newest = fd;
		else
			(void)close(fd); /* only read */
	}
	return r < 0 ? r : take_tail(s, newest);
}

/* A line of keys that begins now, behind all seals there are. */
static int begin_line(struct sealer *s, const struct search *found,
		      const struct seal_key *asked)
{
	struct seal_key old = s->key, key;
	int r = asked ? 0 : seal_key_make(&key);

	if (r < 0)
		return r;
	if (asked)
		key = *asked;
	if (found->has_key) {
		key.start = old.number;
		memcpy(key.previous, old.previous, sizeof(key.previous));
	} else if (found->has_claim) {
		key.start = found->claim + 1;
		memcpy(key.previous, found->claim_hash, sizeof(key.previous));
	}
	key.number = key.start;
	s->key = key;
	seal_key_wipe(&old);
	seal_key_wipe(&key);
	return seal_file_store(s->key_fd, &s->key, true);
}

/* The key knows of seals that are not in the log. */
static void tell_missing(const struct search *s, const char *boot_id, bool is_other_boot,
			 struct seal_resumed *ret)
{
	const struct seal_key *key = &s->sealer->key;
	uint64_t first = s->has_claim ? s->claim + 1 : 0;

	/* are all plain logs empty, then the last seal is in a compressed one */
	if (!s->has_key || s->is_found || first >= key->number ||
	    (s->has_files && !s->has_lines))
		return;
	if (s->has_claim)
		is_other_boot = strcmp(s->claim_boot_id, boot_id) != 0;
	ret->tail_first = first;
	ret->tail_last = key->number - 1;
	/* a kill loses nothing of what was written, only a crash of the machine does */
	ret->tail = is_other_boot && !key->is_synced ? SEAL_TAIL_LOST : SEAL_TAIL_MISSING;
}

static enum seal_key_news key_news(const struct search *s, int loaded, bool is_asked)
{
	/* without any log, a crash came while the first key was written */
	if (loaded == -EBADMSG && s->has_files)
		return SEAL_KEY_DAMAGED;
	if (loaded == -ENOENT && s->has_claim)
		return SEAL_KEY_MISSING;
	return is_asked	    ? SEAL_KEY_REQUESTED
	       : loaded < 0 ? SEAL_KEY_FIRST
			    : SEAL_KEY_SAME;
}

static int take_key(struct search *s, int loaded, struct seal_resumed *ret)
{
	struct sealer *sealer = s->sealer;
	struct seal_key asked = { 0 };
	int found = seal_file_asked(sealer->key_fd, &asked), r;
	/* killed before it could be wiped there, it is in use already */
	bool is_asked = found == 0 && (loaded < 0 || memcmp(asked.id, sealer->key.id,
							    sizeof(asked.id)) != 0);

	if (found < 0 && found != -ENOENT && found != -EBADMSG)
		return found;
	ret->key_news = key_news(s, loaded, is_asked);
	if (is_asked || loaded < 0)
		r = begin_line(sealer, s, is_asked ? &asked : NULL);
	else /* which also wipes an older key that a kill left */
		r = seal_file_store(sealer->key_fd, &sealer->key, true);
	/* one that is left there just now is for the next start */
	if (r >= 0 && found != -ENOENT)
		r = seal_file_answer(sealer->key_fd);
	seal_key_wipe(&asked);
	return r;
}

int sealer_resume(struct sealer *s, resume_open_fn open_log, void *context,
		  const char *boot_id, bool is_other_boot, struct seal_resumed *ret)
{
	int loaded = seal_file_load(s->key_fd, &s->key), r;
	struct search search = { .sealer = s, .has_key = loaded == 0 };

	*ret = (struct seal_resumed){ 0 };
	if (loaded < 0 && loaded != -ENOENT && loaded != -EBADMSG)
		return loaded;
	sealer_clear(s);
	r = search_logs(&search, open_log, context);
	if (r < 0)
		return r;
	tell_missing(&search, boot_id, is_other_boot, ret);
	r = take_key(&search, loaded, ret);
	ret->key_first = s->key.start;
	ret->is_shown = s->key.is_shown;
	sodium_bin2hex(ret->key, sizeof(ret->key), s->key.id, sizeof(s->key.id));
	return r;
}
