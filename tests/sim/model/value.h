/* SPDX-License-Identifier: Apache-2.0 */
/* Values, types and memory of the SQL that the model runs. A value is small and copied; what it points to lives in an arena or a row. */
#ifndef TAGIH_TESTS_SIM_MODEL_VALUE_H
#define TAGIH_TESTS_SIM_MODEL_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tagih/bytes.h"

/* ---- memory ---------------------------------------------------------------------------------------------------- */

struct mq_block;
/** Grows as it needs to, ends the program when there is nothing left, is emptied as a whole. */
struct mq_arena {
    struct mq_block *first, *at;
    size_t block_bytes; /* 0: 256 KiB */
};
void *mq_alloc(struct mq_arena *arena, size_t size);
#define MQ_NEW(arena, n, type) ((type *)mq_alloc((arena), (n) * sizeof(type)))
void *mq_copy(struct mq_arena *arena, const void *from, size_t size);
char *mq_text(struct mq_arena *arena, const char *from, size_t len);
void mq_arena_reset(struct mq_arena *arena);
void mq_arena_free(struct mq_arena *arena);
/** An array that grows: room for one more element behind `n`. */
void *mq_grow(struct mq_arena *arena, void *items, size_t n, size_t size);
/** Say what is not modelled, and stop: never go on with something else. */
void mq_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* ---- types ----------------------------------------------------------------------------------------------------- */

enum mq_type {
    MQ_UNKNOWN, MQ_BOOL, MQ_INT2, MQ_INT4, MQ_INT8, MQ_NUMERIC, MQ_FLOAT8, MQ_TEXT, MQ_BPCHAR, MQ_BYTEA, MQ_UUID, MQ_DATE,
    MQ_TIME, MQ_STAMP, MQ_STAMPTZ, MQ_INTERVAL, MQ_XID8, MQ_VOID, MQ_BIT /* written x… */
};
/** The type of a name in SQL; false: no such type. */
bool mq_type_named(const char *name, enum mq_type *out);
/** PostgreSQL's number of it. */
uint32_t mq_type_oid(enum mq_type type);

/* ---- values ---------------------------------------------------------------------------------------------------- */

enum mq_kind {
    MQ_NULL, MQ_IS_BOOL, MQ_IS_INT, /* every whole number */ MQ_IS_FLOAT, MQ_IS_TEXT, MQ_IS_BYTES, MQ_IS_UUID, MQ_IS_DATE, /* days since 1970 */
    MQ_IS_TIME, /* both kinds of timestamp, and a time of day: µs */ MQ_IS_INTERVAL, MQ_IS_ARRAY, MQ_IS_ROW
};

struct mq_value {
    enum mq_kind kind;
    union {
        int64_t i;
        double f;
        struct bytes b; /* text, bytes; a uuid's 16 */
        struct { const struct mq_value *items; size_t n; } a;
        struct { int32_t months, days; int64_t us; } interval;
    };
};

static inline struct mq_value mq_null(void) { return (struct mq_value){.kind = MQ_NULL}; }
static inline struct mq_value mq_bool(bool b) { return (struct mq_value){.kind = MQ_IS_BOOL, .i = b}; }
static inline struct mq_value mq_int(int64_t i) { return (struct mq_value){.kind = MQ_IS_INT, .i = i}; }
static inline struct mq_value mq_of(enum mq_kind kind, int64_t i) { return (struct mq_value){.kind = kind, .i = i}; }
static inline struct mq_value mq_bytes(enum mq_kind kind, struct bytes b) { return (struct mq_value){.kind = kind, .b = b}; }
static inline bool mq_is_null(struct mq_value v) { return v.kind == MQ_NULL; }
static inline bool mq_is_true(struct mq_value v) { return v.kind == MQ_IS_BOOL && v.i; }

/** Order of two values that are no NULL; texts beside another kind are read as that kind. */
int mq_compare(struct mq_arena *arena, struct mq_value a, struct mq_value b);
/** As DISTINCT sees it: NULL equals NULL. */
bool mq_same(struct mq_arena *arena, struct mq_value a, struct mq_value b);
uint64_t mq_hash(struct mq_value v);
/** `value` as another type; a text that does not say one: `*failed` and NULL. */
struct mq_value mq_cast(struct mq_arena *arena, struct mq_value value, enum mq_type to, bool *failed);
/** What ::text gives. */
struct bytes mq_to_text(struct mq_arena *arena, struct mq_value value);
/** The binary form of a column's value. */
struct bytes mq_to_binary(struct mq_arena *arena, struct mq_value value, enum mq_type type);
/** A copy whose bytes are in the arena. */
struct mq_value mq_keep(struct mq_arena *arena, struct mq_value value);

/* ---- time zones ------------------------------------------------------------------------------------------------ */

/** Seconds east of UTC in a zone at an instant (of UTC); a zone that nobody knows ends the program. */
int64_t mq_zone_offset(struct bytes zone, int64_t at_s);
/** The instant (µs of UTC) of a local time (µs). */
int64_t mq_zone_instant(struct bytes zone, int64_t local_us);

#endif
