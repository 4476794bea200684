/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoding of parameters. An array is: dimensions, has-null flag, element type, length, lower bound, then each element
 * as its length (-1 for NULL) and its bytes, all big-endian (array_recv in PostgreSQL's arrayfuncs.c reads this).
 *
 * A batch encodes thousands of rows × twenty columns, so each element type gets its own loop: the function that stores
 * one element is inlined into `fixed`, and there is one allocation a column.
 */
#include "store/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_HEAD_BYTES ((size_t)20)
#define ELEMENT_HEAD_BYTES ((size_t)4)
/** PostgreSQL counts days from 2000-01-01. */
#define DAYS_1970_TO_2000 10957
/* A parameter's length is an int, and PostgreSQL takes no message beyond 1 GB. */
#define VALUE_BYTES_MAX ((size_t)1 << 30)

static const struct {
    const char *name, *array_name;
    uint32_t oid, array_oid; /* from pg_type.dat: fixed since they exist */
} types[SQL_TYPE_COUNT] = {
    [SQL_BOOL] = {"bool", "bool[]", 16, 1000},      [SQL_INT2] = {"int2", "int2[]", 21, 1005},
    [SQL_INT4] = {"int4", "int4[]", 23, 1007},      [SQL_INT8] = {"int8", "int8[]", 20, 1016},
    [SQL_FLOAT8] = {"float8", "float8[]", 701, 1022}, [SQL_TEXT] = {"text", "text[]", 25, 1009},
    [SQL_BYTEA] = {"bytea", "bytea[]", 17, 1001},   [SQL_UUID] = {"uuid", "uuid[]", 2950, 2951},
    [SQL_DATE] = {"date", "date[]", 1082, 1182},
};

uint32_t sql_oid(enum sql_type type, bool array) {
    return array ? types[type].array_oid : types[type].oid;
}

const char *sql_type_name(enum sql_type type, bool array) {
    return array ? types[type].array_name : types[type].name;
}

const char *sql_oid_name(uint32_t oid) {
    for (size_t i = 0; i < SQL_TYPE_COUNT; i++) {
        if (types[i].oid == oid) return types[i].name;
        if (types[i].array_oid == oid) return types[i].array_name;
    }
    return "?";
}

/* One column of an array of structs. */
struct column {
    const char *base;
    const char *present; /* bools; NULL: all are there */
    size_t stride;
};

typedef void (*put_fn)(uint8_t *to, const void *from);

static inline void put32(uint8_t *to, uint32_t value) {
    value = __builtin_bswap32(value);
    memcpy(to, &value, sizeof value);
}

static inline void put_int8(uint8_t *to, const void *from) {
    uint64_t value;
    memcpy(&value, from, sizeof value);
    value = __builtin_bswap64(value);
    memcpy(to, &value, sizeof value);
}

static inline void put_int4(uint8_t *to, const void *from) {
    uint32_t value;
    memcpy(&value, from, sizeof value);
    put32(to, value);
}

static inline void put_int2(uint8_t *to, const void *from) {
    uint16_t value;
    memcpy(&value, from, sizeof value);
    value = __builtin_bswap16(value);
    memcpy(to, &value, sizeof value);
}

static inline void put_bool(uint8_t *to, const void *from) {
    *to = *(const bool *)from ? 1 : 0;
}

static inline void put_uuid(uint8_t *to, const void *from) {
    memcpy(to, from, sizeof(uuid));
}

static inline void put_date(uint8_t *to, const void *from) {
    put32(to, (uint32_t)((const civil_date *)from)->days - (uint32_t)DAYS_1970_TO_2000);
}

void params_init(struct params *p, struct arena *arena, const struct statement *statement, size_t n_rows) {
    p->statement = statement;
    p->arena = arena;
    p->n_rows = n_rows;
    p->n_given = 0;
    p->exhausted = n_rows > VALUE_BYTES_MAX / 32;
}

/* The next parameter must be of this type: anything else is a bug that no test may let pass. */
static void params_expect(const struct params *p, enum sql_type type, bool array) {
    size_t at = (size_t)p->n_given;
    if (at < p->statement->n_in) {
        const struct sql_column *in = &p->statement->in[at];
        if (in->type == type && in->array == array) return;
        fprintf(stderr, "statement %s: parameter %zu \"%s\" is %s, given %s\n", p->statement->name, at + 1, in->name,
                sql_type_name(in->type, in->array), sql_type_name(type, array));
    } else {
        fprintf(stderr, "statement %s has %zu parameters, given one more\n", p->statement->name, p->statement->n_in);
    }
    abort();
}

static void params_add(struct params *p, const uint8_t *value, size_t len) {
    p->values[p->n_given] = (const char *)value;
    p->lengths[p->n_given] = (int)len;
    p->n_given++;
}

/* Room for a value, NULL when there is none; params_add must be called either way. */
static uint8_t *params_room(struct params *p, size_t len) {
    if (p->exhausted || len > VALUE_BYTES_MAX) {
        p->exhausted = true;
        return NULL;
    }
    uint8_t *room = arena_alloc(p->arena, len);
    p->exhausted = !room;
    return room;
}

static inline bool is_present(struct column c, size_t row) {
    return !c.present || *(const bool *)(c.present + row * c.stride);
}

static void put_head(uint8_t *to, enum sql_type type, size_t n_rows, bool has_null) {
    put32(to, 1);
    put32(to + 4, has_null);
    put32(to + 8, types[type].oid);
    put32(to + 12, (uint32_t)n_rows);
    put32(to + 16, 1);
}

static inline __attribute__((always_inline)) void fixed(struct params *p, enum sql_type type, size_t size,
                                                        struct column c, put_fn put) {
    params_expect(p, type, true);
    uint8_t *value = params_room(p, ARRAY_HEAD_BYTES + p->n_rows * (ELEMENT_HEAD_BYTES + size));
    uint8_t *to = value ? value + ARRAY_HEAD_BYTES : NULL;
    bool has_null = false;
    for (size_t i = 0; value && i < p->n_rows; i++) {
        bool there = is_present(c, i);
        put32(to, there ? (uint32_t)size : UINT32_MAX);
        if (there) put(to + ELEMENT_HEAD_BYTES, c.base + i * c.stride);
        has_null |= !there;
        to += ELEMENT_HEAD_BYTES + (there ? size : 0);
    }
    if (value) put_head(value, type, p->n_rows, has_null);
    params_add(p, value, value ? (size_t)(to - value) : 0);
}

static struct bytes element(struct column c, size_t row, size_t len_fixed) {
    const char *at = c.base + row * c.stride;
    if (len_fixed) return bytes_make(at, len_fixed);
    return *(const struct bytes *)(const void *)at;
}

/* Elements of any length; `len_fixed` 0: struct bytes, else that many bytes in the row itself. */
static void variable(struct params *p, enum sql_type type, struct column c, size_t len_fixed) {
    params_expect(p, type, true);
    size_t len = ARRAY_HEAD_BYTES + p->n_rows * ELEMENT_HEAD_BYTES;
    for (size_t i = 0; i < p->n_rows && len <= VALUE_BYTES_MAX; i++) {
        if (is_present(c, i)) len += element(c, i, len_fixed).len;
    }
    uint8_t *value = params_room(p, len);
    uint8_t *to = value ? value + ARRAY_HEAD_BYTES : NULL;
    bool has_null = false;
    for (size_t i = 0; value && i < p->n_rows; i++) {
        bool there = is_present(c, i);
        struct bytes bytes = there ? element(c, i, len_fixed) : (struct bytes){NULL, 0};
        put32(to, there ? (uint32_t)bytes.len : UINT32_MAX);
        if (bytes.len) memcpy(to + ELEMENT_HEAD_BYTES, bytes.data, bytes.len);
        has_null |= !there;
        to += ELEMENT_HEAD_BYTES + bytes.len;
    }
    if (value) put_head(value, type, p->n_rows, has_null);
    params_add(p, value, value ? len : 0);
}

void params__uuid(struct params *p, const void *base, const bool *present, size_t stride) {
    fixed(p, SQL_UUID, sizeof(uuid), (struct column){base, (const char *)present, stride}, put_uuid);
}

/* Both forms of an array builder: without and with NULLs. */
#define FIXED(name, sql, ctype, size, put)                                                                        \
    void params_##name(struct params *p, const ctype *base, size_t stride) {                                      \
        fixed(p, sql, size, (struct column){(const char *)base, NULL, stride}, put);                              \
    }                                                                                                             \
    void params_##name##_opt(struct params *p, const ctype *base, const bool *present, size_t stride) {           \
        fixed(p, sql, size, (struct column){(const char *)base, (const char *)present, stride}, put);             \
    }

FIXED(int8, SQL_INT8, int64_t, 8, put_int8)
FIXED(int4, SQL_INT4, int32_t, 4, put_int4)
FIXED(int2, SQL_INT2, int16_t, 2, put_int2)
FIXED(bool, SQL_BOOL, bool, 1, put_bool)
FIXED(float8, SQL_FLOAT8, double, 8, put_int8)
FIXED(date, SQL_DATE, civil_date, 4, put_date)

#define VARIABLE(name, sql)                                                                                       \
    void params_##name(struct params *p, const struct bytes *base, size_t stride) {                               \
        variable(p, sql, (struct column){(const char *)base, NULL, stride}, 0);                                   \
    }                                                                                                             \
    void params_##name##_opt(struct params *p, const struct bytes *base, const bool *present, size_t stride) {    \
        variable(p, sql, (struct column){(const char *)base, (const char *)present, stride}, 0);                  \
    }

VARIABLE(text, SQL_TEXT)
VARIABLE(bytea, SQL_BYTEA)

void params_bytea_fixed(struct params *p, const uint8_t *base, size_t len, size_t stride) {
    params_bytea_fixed_opt(p, base, len, NULL, stride);
}

void params_bytea_fixed_opt(struct params *p, const uint8_t *base, size_t len, const bool *present, size_t stride) {
    variable(p, SQL_BYTEA, (struct column){(const char *)base, (const char *)present, stride}, len);
}

void params_hash(struct params *p, const hash256 *base, size_t stride) {
    params_hash_opt(p, base, NULL, stride);
}

void params_hash_opt(struct params *p, const hash256 *base, const bool *present, size_t stride) {
    variable(p, SQL_BYTEA, (struct column){(const char *)base, (const char *)present, stride}, sizeof(hash256));
}

/* A parameter of `size` bytes that is no array. */
static inline __attribute__((always_inline)) void one(struct params *p, enum sql_type type, size_t size,
                                                      const void *from, put_fn put) {
    params_expect(p, type, false);
    uint8_t *value = params_room(p, size);
    if (value) put(value, from);
    params_add(p, value, size);
}

void params__one_uuid(struct params *p, const void *id) {
    one(p, SQL_UUID, sizeof(uuid), id, put_uuid);
}

void params_one_int8(struct params *p, int64_t value) {
    one(p, SQL_INT8, 8, &value, put_int8);
}

void params_one_int4(struct params *p, int32_t value) {
    one(p, SQL_INT4, 4, &value, put_int4);
}

void params_one_int2(struct params *p, int16_t value) {
    one(p, SQL_INT2, 2, &value, put_int2);
}

void params_one_bool(struct params *p, bool value) {
    one(p, SQL_BOOL, 1, &value, put_bool);
}

void params_one_float8(struct params *p, double value) {
    one(p, SQL_FLOAT8, 8, &value, put_int8);
}

void params_one_date(struct params *p, civil_date value) {
    one(p, SQL_DATE, 4, &value, put_date);
}

static void one_bytes(struct params *p, enum sql_type type, struct bytes value) {
    params_expect(p, type, false);
    uint8_t *copy = params_room(p, value.len);
    if (copy && value.len) memcpy(copy, value.data, value.len);
    params_add(p, copy, value.len);
}

void params_one_text(struct params *p, struct bytes value) {
    one_bytes(p, SQL_TEXT, value);
}

void params_one_bytea(struct params *p, struct bytes value) {
    one_bytes(p, SQL_BYTEA, value);
}

void params_one_null(struct params *p) {
    const struct statement *s = p->statement;
    size_t at = (size_t)p->n_given;
    params_expect(p, at < s->n_in ? s->in[at].type : SQL_TEXT, at < s->n_in && s->in[at].array);
    params_add(p, NULL, 0);
}
