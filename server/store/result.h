/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows that a statement answered. Columns are asked for by number, best by the generated name COL_statement_column;
 * reading one as another type than its "out:" line says, a row that is not there, or NULL without asking is our bug
 * and aborts with the statement's name. Bytes and text point into the result and die with it.
 */
#ifndef TAGIH_STORE_RESULT_H
#define TAGIH_STORE_RESULT_H

#include <libpq-fe.h>

#include "base/defer.h"
#include "store/statement.h"
#include "tagih/bytes.h"
#include "tagih/id.h"
#include "tagih/money.h"
#include "tagih/time.h"

struct result {
    PGresult *pg;
    const struct statement *statement;
};

/** Free the rows; a zeroed or released result is fine. Use as `DEFER(result) struct result r = {0};`. */
void result_release(struct result *r);

/** Number of rows. */
size_t result_count(const struct result *r);

bool result_is_null(const struct result *r, size_t row, int col);

uuid result_uuid(const struct result *r, size_t row, int col);
int64_t result_int8(const struct result *r, size_t row, int col);
int32_t result_int4(const struct result *r, size_t row, int col);
int16_t result_int2(const struct result *r, size_t row, int col);
bool result_bool(const struct result *r, size_t row, int col);
double result_float8(const struct result *r, size_t row, int col);
civil_date result_date(const struct result *r, size_t row, int col);
/** Of a bytea column. */
struct bytes result_bytes(const struct result *r, size_t row, int col);
/** Of a text column; also NUL-terminated behind its length. */
struct bytes result_text(const struct result *r, size_t row, int col);
/** Of a bytea column that always holds 32 bytes (asserted). */
hash256 result_hash(const struct result *r, size_t row, int col);
/** Of its three letters; what is null or shorter is no currency: all zero. */
currency result_currency(const struct result *r, size_t row, int col);

/* `otherwise` where the value is NULL. */
int64_t result_int8_or(const struct result *r, size_t row, int col, int64_t otherwise);
int32_t result_int4_or(const struct result *r, size_t row, int col, int32_t otherwise);
bool result_bool_or(const struct result *r, size_t row, int col, bool otherwise);
/** The nil id where the value is NULL. */
uuid result_uuid_or_nil(const struct result *r, size_t row, int col);

#endif
