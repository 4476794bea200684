/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed samples with fixed keys: the content of tests/vectors/journal/cases.json, written a second time in
 * C, and a reader of the vector files. Whoever needs a valid entry starts from sample_receipt() and changes
 * what matters.
 */
#ifndef TAGIH_TEST_JOURNAL_SAMPLES_H
#define TAGIH_TEST_JOURNAL_SAMPLES_H

#include "tagih/document.h"
#include "tagih/journal.h"
#include "tagih/token.h"

struct sample_keys {
    installation_id installation; /* a0 a1 … af */
    public_key device, server;
    secret_key device_secret, server_secret; /* seeds 01 × 32 and 02 × 32 */
};

/** The keys of all samples. */
struct sample_keys sample_keys_make(void);

/** 16 bytes of one value, as an id. */
uuid sample_id(uint8_t byte);
hash256 sample_hash(uint8_t byte);

/** The receipt with every optional field, and the one with none. */
struct journal_entry sample_receipt(void);
struct journal_entry sample_receipt_least(void);
struct token sample_token(void);

/** One case: its name in cases.json and how C signs it. */
struct sample {
    const char *name;
    tagih_err (*sign)(const struct sample_keys *keys, uint8_t *out, size_t size, size_t *len);
};

extern const struct sample samples[];
extern const size_t sample_count;

/** One line of a vector file, cut at its tabs; `bytes` is its last field decoded. */
struct vector {
    char fields[4][128];
    uint8_t bytes[8192];
    size_t len;
};

/** Call `use` for every line of tests/vectors/journal/<file>; returns how many there were, 0 when it is missing. */
size_t vectors_each(const char *file, void (*use)(const struct vector *vector, void *context), void *context);

#endif
