/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of fields describes one signed map: it drives the encoder, the decoder and the CDDL, so the three
 * cannot disagree. A table lists its fields in the order of their keys as bytes (unsigned keys rising, then
 * negative ones falling), which is the order on the wire. The depth of what is read is the depth of the
 * tables, at most 4.
 */
#ifndef TAGIH_DOMAIN_SCHEMA_H
#define TAGIH_DOMAIN_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/dcbor.h"
#include "tagih/err.h"

enum field_type {
    FIELD_UINT,     /* an unsigned member of 1, 2, 4 or 8 bytes; the value fits int64 */
    FIELD_INT,      /* a signed member of 4 or 8 bytes */
    FIELD_BOOL,     /* a bool */
    FIELD_FIXED,    /* bytes of the member's own size: ids, hashes, keys */
    FIELD_TEXT,     /* struct bytes: text for people, as a byte string (R-JRN-8) */
    FIELD_CURRENCY, /* currency, three printable ASCII characters */
    FIELD_MAP,      /* a nested struct */
    FIELD_MAPS,     /* an array of nested structs and its size_t count */
    FIELD_FIXEDS,   /* an array of fixed bytes and its count */
    FIELD_UINTS,    /* an array of unsigned numbers and its count */
};

struct field {
    int32_t key;
    enum field_type type;
    const char *name;
    size_t offset, size;      /* of the member; of one element in arrays */
    bool optional;            /* `presence` is the offset of its has_ flag; an optional array has .min = 1 */
    size_t presence;          /* of an array: the offset of its count */
    int64_t min, max;         /* of the value; of the count in arrays of maps and of fixed bytes */
    size_t count_max;         /* of arrays: elements the member holds */
    const struct schema *sub; /* of FIELD_MAP and FIELD_MAPS; NULL: the schema's `choose` tells */
};

struct schema {
    const char *name; /* in the CDDL */
    const struct field *fields;
    size_t count;
    size_t record_size;
    const struct schema *(*choose)(const void *record); /* the map that an earlier field names, or NULL */
};

/** Encode a record; a body that `choose` does not know is JOURNAL_KIND, a value out of range PAYLOAD_FIELD.
 */
TAGIH_MUST_USE tagih_err schema_encode(const struct schema *schema, const void *record, uint8_t *out,
                                       size_t size, size_t *len);

/**
 * Decode `in`, all of it, into a zeroed record.
 *
 * @param bad_text  [out] whether a text breaks R-JRN-8
 * @return OK · PAYLOAD_SYNTAX · PAYLOAD_FIELD · JOURNAL_KIND `choose` answered NULL; fields before it are
 * filled
 */
TAGIH_MUST_USE tagih_err schema_decode(const struct schema *schema, struct bytes in, void *record,
                                       bool *bad_text);

/** Write the CDDL (RFC 8610) of one map, without those it refers to. Returns the characters needed, as
 * snprintf. */
size_t schema_write_cddl(const struct schema *schema, char *out, size_t size);

/* The words tables are made of; RECORD is #defined to the struct before each. */
#define MEMBER(m) .offset = offsetof(RECORD, m), .size = sizeof(((RECORD *)0)->m)
#define ELEMENT(m, n)                                                   \
    .offset = offsetof(RECORD, m), .size = sizeof(((RECORD *)0)->m[0]), \
    .count_max = sizeof(((RECORD *)0)->m) / sizeof(((RECORD *)0)->m[0]), .presence = offsetof(RECORD, n)
#define IF(m) .optional = true, .presence = offsetof(RECORD, has_##m)
#define RANGE(lo, hi) .min = (lo), .max = (hi)
#define ANY_INT RANGE(INT64_MIN, INT64_MAX)
#define ANY_COUNT RANGE(0, INT64_MAX)
#define ANY_CODE RANGE(0, UINT16_MAX)
#define ANY_E7 RANGE(INT32_MIN, INT32_MAX)
/* About 36 000 years either way: no clock is too absurd to be read, and no difference of two overflows. */
#define ANY_TIME RANGE(-(INT64_C(1) << 60), INT64_C(1) << 60)
#define SCHEMA(variable, text, table)                                          \
    const struct schema variable = {.name = (text),                            \
                                    .fields = (table),                         \
                                    .count = sizeof(table) / sizeof(table)[0], \
                                    .record_size = sizeof(RECORD)}

#endif
