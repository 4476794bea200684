/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameters of one statement, in PostgreSQL's binary form, built column by column from an array of structs:
 *
 *     struct params p;
 *     params_init(&p, arena, STMT_visit_check_in, n);
 *     params_uuid(&p, &rows[0].visit, sizeof rows[0]);
 *     params_int8_opt(&p, &rows[0].at.us, &rows[0].has_at, sizeof rows[0]);
 *     params_one_text(&p, bytes_text("field"));
 *     TRY(tx_send(tx, &p));
 *
 * Calls follow the order of the statement's "in:" line. A wrong type, too many or too few abort the program and name
 * the statement: that is our bug, never the world's. A full arena is noticed by tx_send, which answers OUT_OF_MEMORY.
 * Array builders read n_rows elements from `base`, `stride` bytes apart; with 0 rows they read nothing. The encoded
 * bytes live in the arena; the sources may go away at once. Times are int8 microseconds.
 */
#ifndef TAGIH_STORE_PARAMS_H
#define TAGIH_STORE_PARAMS_H

#include "store/statement.h"
#include "tagih/arena.h"
#include "tagih/bytes.h"
#include "tagih/id.h"
#include "tagih/time.h"

/** The most parameters of a statement; statements.awk refuses more. */
#define PARAMS_MAX 64

struct params {
    const struct statement *statement;
    struct arena *arena;
    size_t n_rows;
    int n_given;
    bool exhausted; /* the arena was full */
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX];
};

/** Begin the parameters of `statement`; every array of them will have `n_rows` elements. */
void params_init(struct params *p, struct arena *arena, const struct statement *statement, size_t n_rows);

/** uuid[] from any 16-byte id type; another size does not compile. */
#define params_uuid(p, base, stride) params__uuid((p), PARAMS_ID(base), NULL, (stride))
#define params_uuid_opt(p, base, present, stride) params__uuid((p), PARAMS_ID(base), (present), (stride))

void params_int8(struct params *p, const int64_t *base, size_t stride);
void params_int4(struct params *p, const int32_t *base, size_t stride);
void params_int2(struct params *p, const int16_t *base, size_t stride);
void params_bool(struct params *p, const bool *base, size_t stride);
void params_float8(struct params *p, const double *base, size_t stride);
void params_date(struct params *p, const civil_date *base, size_t stride);
void params_text(struct params *p, const struct bytes *base, size_t stride);
void params_bytea(struct params *p, const struct bytes *base, size_t stride);

/** bytea[] of elements that all have `len` bytes and lie in the rows themselves: keys, signatures. */
void params_bytea_fixed(struct params *p, const uint8_t *base, size_t len, size_t stride);
/** bytea[] of digests. */
void params_hash(struct params *p, const hash256 *base, size_t stride);

/* The same with NULL where *present is false; `present` has the same stride. */
void params_int8_opt(struct params *p, const int64_t *base, const bool *present, size_t stride);
void params_int4_opt(struct params *p, const int32_t *base, const bool *present, size_t stride);
void params_int2_opt(struct params *p, const int16_t *base, const bool *present, size_t stride);
void params_bool_opt(struct params *p, const bool *base, const bool *present, size_t stride);
void params_float8_opt(struct params *p, const double *base, const bool *present, size_t stride);
void params_date_opt(struct params *p, const civil_date *base, const bool *present, size_t stride);
void params_text_opt(struct params *p, const struct bytes *base, const bool *present, size_t stride);
void params_bytea_opt(struct params *p, const struct bytes *base, const bool *present, size_t stride);
void params_bytea_fixed_opt(struct params *p, const uint8_t *base, size_t len, const bool *present, size_t stride);
void params_hash_opt(struct params *p, const hash256 *base, const bool *present, size_t stride);

/* Parameters that are no arrays. */
/** uuid from a pointer to any 16-byte id. */
#define params_one_uuid(p, id) params__one_uuid((p), PARAMS_ID(id))
void params_one_int8(struct params *p, int64_t value);
void params_one_int4(struct params *p, int32_t value);
void params_one_int2(struct params *p, int16_t value);
void params_one_bool(struct params *p, bool value);
void params_one_float8(struct params *p, double value);
void params_one_date(struct params *p, civil_date value);
void params_one_text(struct params *p, struct bytes value);
void params_one_bytea(struct params *p, struct bytes value);
/** NULL for the next parameter, whatever its type, array or not. */
void params_one_null(struct params *p);

/* Behind the macros above: the pointer itself, if what it points to is as large as an id. */
#define PARAMS_ID(base) ((const char *)(base) + 0 * sizeof(char[sizeof *(base) == sizeof(uuid) ? 1 : -1]))
void params__uuid(struct params *p, const void *base, const bool *present, size_t stride);
void params__one_uuid(struct params *p, const void *id);

#endif
