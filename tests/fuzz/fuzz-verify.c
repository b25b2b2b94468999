// SPDX-License-Identifier: Apache-2.0
/*
 * core/verify on any bytes as a log: whatever the pieces are that it comes in, the verdict is
 * the same; what is counted as authentic was counted as a seal; with the key nothing is
 * sound that is not sound without it. The key is that of the corpus, and no secret.
 */
#include "core/verify.h"

#include "fuzz.h"

#define KEY                                                                        \
	"lksm1-0-0101010101010101010101010101010101010101010101010101010101010101" \
	"-1db27e7b211a512e"
#define NOW_US UINT64_C(1767312000000000) /* a day of seals: more would take too long */

static struct verify_report verify(const struct seal_key *key, struct span log,
				   size_t piece)
{
	struct verifier *v = NULL;
	struct verify_report report;

	MUST(verifier_create(key, key ? 1 : 0, NOW_US, &v) == 0);
	verifier_begin(v, "log");
	while (log.len) {
		size_t n = log.len < piece ? log.len : piece;

		MUST(verifier_feed(v, (struct span){ log.data, n }) >= 0);
		log = span_skip(log, n);
	}
	report = *verifier_finish(v, NULL);
	verifier_destroy(v);
	return report;
}

static bool is_same(const struct verify_report *a, const struct verify_report *b)
{
	return a->fault == b->fault && a->seal == b->seal &&
	       a->last_seal == b->last_seal && a->span.from == b->span.from &&
	       a->span.to == b->span.to && a->n_seals == b->n_seals &&
	       a->n_authentic == b->n_authentic &&
	       a->unsealed.count == b->unsealed.count && a->n_lost == b->n_lost;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct seal_key key;
	struct span log = { (const char *)data, size };
	struct verify_report whole, pieces, keyless;

	if (!key.id[0])
		MUST(seal_key_parse(span_from(KEY), &key) == 0);
	whole = verify(&key, log, SIZE_MAX);
	pieces = verify(&key, log, 1 + size / 7);
	keyless = verify(NULL, log, SIZE_MAX);
	MUST(is_same(&whole, &pieces));
	MUST(whole.n_authentic <= whole.n_seals);
	MUST(whole.fault || !keyless.fault);
	return 0;
}
