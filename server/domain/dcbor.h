/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deterministic CBOR (RFC 8949 §4.2.1), the small part that Tagih signs: integers, byte strings, text
 * strings, arrays, maps, booleans. Both ways go through libcbor's streaming functions, which allocate
 * nothing. The reader refuses what the writer would never write: longer heads than needed, indefinite
 * lengths, tags, floats, null, undefined. Order and uniqueness of map keys are the schema's matter
 * (schema.c), and so is depth: what no table describes is not entered.
 */
#ifndef TAGIH_DOMAIN_DCBOR_H
#define TAGIH_DOMAIN_DCBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tagih/bytes.h"

/** Where items are written. Too little room sets `full`; everything after that is ignored. */
struct dcbor_out {
    uint8_t *data;
    size_t size, len;
    bool full;
};

static inline struct dcbor_out dcbor_out_make(uint8_t *data, size_t size) {
    return (struct dcbor_out){.data = data, .size = size};
}

void dcbor_put_uint(struct dcbor_out *out, uint64_t value);
void dcbor_put_int(struct dcbor_out *out, int64_t value);
void dcbor_put_bool(struct dcbor_out *out, bool value);
void dcbor_put_bytes(struct dcbor_out *out, struct bytes value);
void dcbor_put_text(struct dcbor_out *out, struct bytes value);
void dcbor_put_array(struct dcbor_out *out, size_t count);
void dcbor_put_map(struct dcbor_out *out, size_t pairs);

enum dcbor_kind {
    DCBOR_NONE, /* nothing more, or an item that is not allowed */
    DCBOR_UINT,
    DCBOR_NEGINT, /* value v stands for -1 - v */
    DCBOR_BYTES,
    DCBOR_TEXT, /* not checked for UTF-8: every text here is compared with a fixed set of characters */
    DCBOR_ARRAY,
    DCBOR_MAP,
    DCBOR_BOOL,
};

struct dcbor_item {
    enum dcbor_kind kind;
    uint64_t value;     /* integer, element count, pair count, or 0 and 1 */
    struct bytes bytes; /* of a string; points into the input */
};

/** Take the next item, a container's head only, off the front of `in`. DCBOR_NONE leaves `in` as it is. */
struct dcbor_item dcbor_take(struct bytes *in);

/** Take an item that must be of `kind`; false when it is not. */
bool dcbor_take_kind(struct bytes *in, enum dcbor_kind kind, struct dcbor_item *out);

/** The value of an integer item that fits int64; false for another kind or a larger value. */
bool dcbor_item_int(const struct dcbor_item *item, int64_t *out);

#endif
