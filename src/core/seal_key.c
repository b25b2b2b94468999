// SPDX-License-Identifier: Apache-2.0
/*
 * See seal_key.h. Keys are derived by libsodium's crypto_kdf, which is a keyed BLAKE2b: from
 * one key a first subkey is the next key, a second one makes the mac; the third of a
 * line's first key is the line's id. The file, all numbers little-endian:
 *
 *	slot at 0, slot at 512, what `lksm keys` left at 1024; each
 *	"LKSMkey" flags generation start number id secret previous checksum
 */
#include "core/seal_key.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/file.h"
#include "core/seal_internal.h"

#define MAGIC	    "LKSMkey"
#define N_SLOTS	    2
#define SLOT_ASKED  2
#define SLOT_BYTES  512 /* a disk's sector: one is never torn together with the other */
#define STEPS_MAX   (UINT64_C(1) << 32) /* a seal a second for 136 years */
#define CONTEXT	    "lksmseal"
#define TEXT_START  "lksm1-"
#define FLAG_SHOWN  1
#define FLAG_SYNCED 2
#define LOOKS	    3
#define CHECK_SIZE  16

enum subkey {
	SUBKEY_NEXT = 1,
	SUBKEY_MAC,
	SUBKEY_ID,
};

struct stored {
	char magic[8];
	uint64_t flags;
	uint64_t generation;
	uint64_t start;
	uint64_t number;
	unsigned char id[SEAL_KEY_ID_SIZE];
	unsigned char secret[SEAL_KEY_SIZE];
	unsigned char previous[SEAL_HASH_SIZE];
	unsigned char checksum[CHECK_SIZE]; /* of all bytes before it */
};
_Static_assert(sizeof(struct stored) == 128, "the file's layout has no padding");
_Static_assert(SEAL_KEY_SIZE == crypto_kdf_KEYBYTES, "a key is derived from");

static void derive(const struct seal_key *key, enum subkey which, unsigned char *ret,
		   size_t size)
{
	/* fails for sizes that are out of range only */
	(void)crypto_kdf_derive_from_key(ret, size, which, CONTEXT, key->secret);
}

static void set_id(struct seal_key *key)
{
	unsigned char id[crypto_kdf_BYTES_MIN];

	derive(key, SUBKEY_ID, id, sizeof(id));
	memcpy(key->id, id, sizeof(key->id));
}

int seal_key_make(struct seal_key *ret)
{
	*ret = (struct seal_key){ 0 };
	/* up to 256 bytes are whole or not there: getrandom(2) */
	if (getrandom(ret->secret, sizeof(ret->secret), 0) < 0)
		return -errno;
	set_id(ret);
	return 0;
}

int seal_key_advance(struct seal_key *key, uint64_t number)
{
	if (number < key->number || number - key->number > STEPS_MAX ||
	    number > SEAL_NUMBER_MAX)
		return -ERANGE;
	for (; key->number < number; key->number++) {
		unsigned char next[SEAL_KEY_SIZE];

		derive(key, SUBKEY_NEXT, next, sizeof(next));
		memcpy(key->secret, next, sizeof(next));
		sodium_memzero(next, sizeof(next));
	}
	return 0;
}

void seal_key_mac(const struct seal_key *key, struct span text,
		  unsigned char ret[static SEAL_KEY_SIZE])
{
	unsigned char subkey[SEAL_KEY_SIZE];

	derive(key, SUBKEY_MAC, subkey, sizeof(subkey));
	/* fails for sizes that are out of range only */
	(void)crypto_generichash(ret, SEAL_KEY_SIZE, (const unsigned char *)text.data,
				 text.len, subkey, sizeof(subkey));
	sodium_memzero(subkey, sizeof(subkey));
}

void seal_key_wipe(struct seal_key *key)
{
	sodium_memzero(key, sizeof(*key));
}

void seal_key_format(const struct seal_key *key, char ret[static SEAL_KEY_TEXT_SIZE])
{
	char secret[2 * SEAL_KEY_SIZE + 1], id[2 * SEAL_KEY_ID_SIZE + 1];

	sodium_bin2hex(secret, sizeof(secret), key->secret, sizeof(key->secret));
	sodium_bin2hex(id, sizeof(id), key->id, sizeof(key->id));
	(void)snprintf(ret, SEAL_KEY_TEXT_SIZE, TEXT_START "%" PRIu64 "-%s-%s",
		       key->start, secret, id);
	sodium_memzero(secret, sizeof(secret));
}

/* Exactly @size bytes in hexadecimal, and then @end. */
static bool take_hex(struct span *text, unsigned char *ret, size_t size, char end)
{
	if (!seal_take_hex(text, ret, size))
		return false;
	if (!end)
		return text->len == 0;
	if (!text->len || *text->data != end)
		return false;
	*text = span_skip(*text, 1);
	return true;
}

int seal_key_parse(struct span text, struct seal_key *ret)
{
	struct seal_key key = { 0 };
	unsigned char id[SEAL_KEY_ID_SIZE];

	if (!span_starts_with(text, SPAN(TEXT_START)))
		return -EINVAL;
	text = span_skip(text, strlen(TEXT_START));
	for (; text.len && *text.data >= '0' && *text.data <= '9';
	     text = span_skip(text, 1)) {
		key.start = key.start * 10 + (uint64_t)(*text.data - '0');
		if (key.start > SEAL_NUMBER_MAX)
			return -EINVAL;
	}
	if (!text.len || *text.data != '-')
		return -EINVAL;
	text = span_skip(text, 1);
	if (!take_hex(&text, key.secret, sizeof(key.secret), '-') ||
	    !take_hex(&text, id, sizeof(id), '\0'))
		return -EINVAL;
	set_id(&key);
	if (memcmp(id, key.id, sizeof(id)) != 0)
		return -EINVAL;
	key.number = key.start;
	*ret = key;
	seal_key_wipe(&key);
	return 0;
}

static void check(const struct stored *s, unsigned char ret[static CHECK_SIZE])
{
	(void)crypto_generichash(ret, CHECK_SIZE, (const unsigned char *)s,
				 offsetof(struct stored, checksum), NULL, 0);
}

static int read_slot(int fd, size_t slot, struct stored *ret)
{
	unsigned char checksum[CHECK_SIZE];
	ssize_t n = read_at(fd, ret, sizeof(*ret), slot * SLOT_BYTES);

	if (n < 0)
		return (int)n;
	if (n == 0 || sodium_is_zero((unsigned char *)ret, (size_t)n))
		return -ENOENT;
	check(ret, checksum);
	if (n != sizeof(*ret) || memcmp(ret->magic, MAGIC, sizeof(ret->magic)) != 0 ||
	    memcmp(checksum, ret->checksum, sizeof(checksum)) != 0 ||
	    le64toh(ret->number) > SEAL_NUMBER_MAX ||
	    le64toh(ret->start) > le64toh(ret->number))
		return -EBADMSG;
	return 0;
}

static int write_slot(int fd, size_t slot, const struct stored *s)
{
	ssize_t n;

	do
		n = pwrite(fd, s, sizeof(*s), (off_t)(slot * SLOT_BYTES));
	while (n < 0 && errno == EINTR);
	return n == sizeof(*s) ? 0 : n < 0 ? -errno : -EIO;
}

static struct stored stored_from(const struct seal_key *key, uint64_t generation)
{
	struct stored s = { .magic = MAGIC,
			    .generation = htole64(generation),
			    .start = htole64(key->start),
			    .number = htole64(key->number) };

	s.flags = htole64((key->is_shown ? FLAG_SHOWN : 0) |
			  (key->is_synced ? FLAG_SYNCED : 0));
	memcpy(s.id, key->id, sizeof(s.id));
	memcpy(s.secret, key->secret, sizeof(s.secret));
	memcpy(s.previous, key->previous, sizeof(s.previous));
	check(&s, s.checksum);
	return s;
}

static void key_from(const struct stored *s, struct seal_key *ret)
{
	*ret = (struct seal_key){
		.start = le64toh(s->start),
		.number = le64toh(s->number),
		.is_shown = le64toh(s->flags) & FLAG_SHOWN,
		.is_synced = le64toh(s->flags) & FLAG_SYNCED,
	};
	memcpy(ret->id, s->id, sizeof(ret->id));
	memcpy(ret->secret, s->secret, sizeof(ret->secret));
	memcpy(ret->previous, s->previous, sizeof(ret->previous));
}

/* Return: the slot with the newest whole key; -ENOENT, -EBADMSG, -errno as the header says. */
static int find_newest(int fd, struct stored *ret)
{
	int found = -ENOENT;

	for (size_t i = 0; i < N_SLOTS; i++) {
		struct stored s;
		int r = read_slot(fd, i, &s);

		if (r < 0 && r != -ENOENT && r != -EBADMSG)
			return r;
		if (r < 0 && found < 0)
			found = r == -EBADMSG ? r : found;
		if (r == 0 &&
		    (found < 0 || le64toh(s.generation) > le64toh(ret->generation))) {
			*ret = s;
			found = (int)i;
		}
		sodium_memzero(&s, sizeof(s));
	}
	return found;
}

int seal_file_load(int fd, struct seal_key *ret)
{
	struct stored s;
	int r = -ENOENT;

	/* between our looks at two slots, a daemon may have changed one for the other */
	for (int i = 0; i < LOOKS && (r == -ENOENT || r == -EBADMSG); i++)
		r = find_newest(fd, &s);
	if (r < 0)
		return r;
	key_from(&s, ret);
	sodium_memzero(&s, sizeof(s));
	return 0;
}

int seal_file_store(int fd, const struct seal_key *key, bool must_sync)
{
	static const struct stored nothing;
	struct stored s;
	int slot = find_newest(fd, &s), r;
	size_t old = slot < 0 ? 1 : (size_t)slot;

	if (slot < 0 && slot != -ENOENT && slot != -EBADMSG)
		return slot;
	s = stored_from(key, slot < 0 ? 1 : le64toh(s.generation) + 1);
	r = write_slot(fd, 1 - old, &s);
	sodium_memzero(&s, sizeof(s));
	if (r >= 0 && must_sync && fdatasync(fd) < 0)
		r = -errno;
	if (r >= 0)
		r = write_slot(fd, old, &nothing);
	if (r >= 0 && must_sync && fdatasync(fd) < 0)
		r = -errno;
	return r;
}

int seal_file_ask(int fd, const struct seal_key *key)
{
	struct stored s = stored_from(key, 1);
	int r = write_slot(fd, SLOT_ASKED, &s);

	sodium_memzero(&s, sizeof(s));
	return r;
}

int seal_file_asked(int fd, struct seal_key *ret)
{
	struct stored s;
	int r = read_slot(fd, SLOT_ASKED, &s);

	if (r == 0)
		key_from(&s, ret);
	sodium_memzero(&s, sizeof(s));
	return r;
}

int seal_file_answer(int fd)
{
	static const struct stored nothing;

	return write_slot(fd, SLOT_ASKED, &nothing);
}
