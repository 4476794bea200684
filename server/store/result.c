/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what a statement answered, in binary, each value against the statement's "out:" line. */
#include "store/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAYS_1970_TO_2000 10957

void result_release(struct result *r) {
    PQclear(r->pg);
    r->pg = NULL;
}

size_t result_count(const struct result *r) {
    return r->pg ? (size_t)PQntuples(r->pg) : 0;
}

/* A wrong read is our bug: name it and stop. */
static void refuse(const struct result *r, size_t row, int col, const char *why) {
    fprintf(stderr, "statement %s: row %zu, column %d: %s\n", r->statement->name, row, col, why);
    abort();
}

static void check_place(const struct result *r, size_t row, int col) {
    if (row >= result_count(r)) refuse(r, row, col, "there is no such row");
    if (col < 0 || (size_t)col >= r->statement->n_out) refuse(r, row, col, "there is no such column");
}

/* The value's bytes; `len` 0: of any length. */
static const uint8_t *value_at(const struct result *r, size_t row, int col, enum sql_type type, int len) {
    check_place(r, row, col);
    if (r->statement->out[col].type != type) refuse(r, row, col, "read as another type");
    if (PQgetisnull(r->pg, (int)row, col)) refuse(r, row, col, "is NULL");
    if (len && PQgetlength(r->pg, (int)row, col) != len) refuse(r, row, col, "has another length");
    return (const uint8_t *)PQgetvalue(r->pg, (int)row, col);
}

bool result_is_null(const struct result *r, size_t row, int col) {
    check_place(r, row, col);
    return PQgetisnull(r->pg, (int)row, col) != 0;
}

uuid result_uuid(const struct result *r, size_t row, int col) {
    uuid id;
    memcpy(id.b, value_at(r, row, col, SQL_UUID, sizeof id.b), sizeof id.b);
    return id;
}

static uint64_t get64(const uint8_t *from) {
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return __builtin_bswap64(value);
}

static uint32_t get32(const uint8_t *from) {
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return __builtin_bswap32(value);
}

int64_t result_int8(const struct result *r, size_t row, int col) {
    return (int64_t)get64(value_at(r, row, col, SQL_INT8, 8));
}

int32_t result_int4(const struct result *r, size_t row, int col) {
    return (int32_t)get32(value_at(r, row, col, SQL_INT4, 4));
}

int16_t result_int2(const struct result *r, size_t row, int col) {
    const uint8_t *from = value_at(r, row, col, SQL_INT2, 2);
    return (int16_t)(uint16_t)(from[0] << 8 | from[1]);
}

bool result_bool(const struct result *r, size_t row, int col) {
    return *value_at(r, row, col, SQL_BOOL, 1) != 0;
}

double result_float8(const struct result *r, size_t row, int col) {
    uint64_t bits = get64(value_at(r, row, col, SQL_FLOAT8, 8));
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

civil_date result_date(const struct result *r, size_t row, int col) {
    return (civil_date){(int32_t)(get32(value_at(r, row, col, SQL_DATE, 4)) + (uint32_t)DAYS_1970_TO_2000)};
}

struct bytes result_bytes(const struct result *r, size_t row, int col) {
    const uint8_t *from = value_at(r, row, col, SQL_BYTEA, 0);
    return bytes_make(from, (size_t)PQgetlength(r->pg, (int)row, col));
}

struct bytes result_text(const struct result *r, size_t row, int col) {
    const uint8_t *from = value_at(r, row, col, SQL_TEXT, 0);
    return bytes_make(from, (size_t)PQgetlength(r->pg, (int)row, col));
}

currency result_currency(const struct result *r, size_t row, int col) {
    currency out = {{0}};
    struct bytes text = result_text(r, row, col);
    if (text.len >= 3) memcpy(out.code, text.data, 3);
    return out;
}

hash256 result_hash(const struct result *r, size_t row, int col) {
    hash256 hash;
    memcpy(hash.b, value_at(r, row, col, SQL_BYTEA, sizeof hash.b), sizeof hash.b);
    return hash;
}

int64_t result_int8_or(const struct result *r, size_t row, int col, int64_t otherwise) {
    return result_is_null(r, row, col) ? otherwise : result_int8(r, row, col);
}

int32_t result_int4_or(const struct result *r, size_t row, int col, int32_t otherwise) {
    return result_is_null(r, row, col) ? otherwise : result_int4(r, row, col);
}

bool result_bool_or(const struct result *r, size_t row, int col, bool otherwise) {
    return result_is_null(r, row, col) ? otherwise : result_bool(r, row, col);
}

uuid result_uuid_or_nil(const struct result *r, size_t row, int col) {
    return result_is_null(r, row, col) ? (uuid){{0}} : result_uuid(r, row, col);
}
