/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Envelopes that are nearly right. A forgery takes the content of a good envelope, spoils one thing, and signs the result
 * properly, so that nothing but the form can be the reason to refuse it. Each is refused for the reason that it names.
 */
#ifndef TAGIH_TESTS_FORGE_H
#define TAGIH_TESTS_FORGE_H

#include "domain/envelope_internal.h"

/** Where the spoilt thing is. */
enum forge_part {
    FORGE_ENVELOPE, /* the four parts around */
    FORGE_HEADER,   /* the protected header */
    FORGE_PAYLOAD,  /* the payload's map as a whole */
    FORGE_VALUE     /* one value of that map: a forgery for each of its pairs */
};

/** What a forgery is made of. */
struct forge_good {
    enum envelope_type type;
    installation_id installation;
    secret_key key, other_key;
    struct bytes payload;
};

struct forgery {
    const char *name, *reason; /* of err.def; where one or the other is met first, both */
    enum forge_part part;
    size_t how; /* forge.c's own */
};

extern const struct forgery forgeries[];
extern const size_t forgery_count;

/** Pairs of a payload's map. */
size_t forge_pairs(struct bytes payload);

/**
 * Make one.
 * @param pair  of FORGE_VALUE the pair that is spoilt, below forge_pairs(); else 0
 * @param out   [out] ENVELOPE_MAX * 2 bytes
 * @return its length; 0 when this forgery cannot be made of this content (a value of another kind)
 */
size_t forge(const struct forgery *forgery, const struct forge_good *good, size_t pair, uint8_t *out);

#endif
