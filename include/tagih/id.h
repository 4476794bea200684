/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids are 16 bytes, made once by whoever creates the thing (UUIDv7, RFC 9562), so that a repeated call names the
 * same thing. Each noun has its own type: passing an account's id where a visit's is expected does not compile.
 */
#ifndef TAGIH_ID_H
#define TAGIH_ID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tagih/err.h"
#include "tagih/time.h"

typedef struct {
    uint8_t b[16];
} uuid;

/** Text form: 36 characters and a NUL. */
#define UUID_TEXT_SIZE 37

#define ID_TYPE(name)   \
    typedef struct {    \
        uuid u;         \
    } name

ID_TYPE(agency_id);
ID_TYPE(team_id);
ID_TYPE(user_id); /* staff of any role; a collector is a user */
ID_TYPE(device_id);
ID_TYPE(customer_id);
ID_TYPE(account_id);
ID_TYPE(visit_id);
ID_TYPE(entry_id);
ID_TYPE(payment_id);
ID_TYPE(posting_id);

static inline bool uuid_equal(uuid a, uuid b) {
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

static inline int uuid_compare(uuid a, uuid b) {
    return memcmp(a.b, b.b, sizeof a.b);
}

static inline bool uuid_is_nil(uuid a) {
    static const uuid nil = {{0}};
    return uuid_equal(a, nil);
}

/**
 * Make a UUIDv7 (RFC 9562 §5.7) from a time and 10 random bytes.
 *
 * @param now     its millisecond becomes the first 48 bits; before 1970 counts as 1970
 * @param random  10 bytes from a cryptographic source; version and variant bits are set over them
 *
 * Pure: ids come from what the caller hands in.
 */
uuid uuid_make_v7(instant now, const uint8_t random[10]);

/** Write the lower-case text form with hyphens. */
void uuid_format(uuid id, char out[UUID_TEXT_SIZE]);

/**
 * Read the text form, either case, with the four hyphens.
 *
 * @param text  36 characters
 * @param out   [out] the id; untouched on error
 * @return OK · ID_SYNTAX
 */
TAGIH_MUST_USE tagih_err uuid_parse(const char *text, uuid *out);

#endif
