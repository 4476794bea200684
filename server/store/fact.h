/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fact rows under a posting's digest (domain/posting.h, POSTING_FACT). A table of facts has an insert statement
 * `<table>_insert` that names every column, the agency first, and a statement `<table>_verify` that answers the same
 * columns in the same order; so what was written and what is read back give the same bytes:
 *
 *   FACT   text table · each column but the agency: bool, int, uuid, bytes, text, date or null (int2, int4, int8 are int)
 */
#ifndef TAGIH_STORE_FACT_H
#define TAGIH_STORE_FACT_H

#include "domain/posting.h"
#include "store/params.h"
#include "store/result.h"

/** The most rows that one insert of a posting's facts may hold (asserted). */
#define FACT_ROWS_MAX 4096

/** Digest every row of an insert statement's parameters. Pure. A statement of another form aborts: our bug. */
void fact_digest(struct posting_digest *digest, const struct params *insert);

/** Digest one row that `<table>_verify` answered. */
void fact_digest_result(struct posting_digest *digest, const struct result *verified, size_t row);

/** A column's value for people; NULL: it has none. */
struct fact_column {
    const char *name, *stored, *expected;
};
/**
 * Compare one row that `<table>_verify` answered with the i-th row of an insert's parameters, column by column.
 * @param out  [out] room for all columns of the statement; texts live in the arena
 * @return how many differ
 */
size_t fact_compare_row(const struct params *insert, size_t i, const struct result *verified, size_t row, struct arena *arena,
                        struct fact_column *out);

/** Order of rows within a posting: by table. Of statements of either form. < 0, 0, > 0. Pure. */
int fact_statement_compare(const struct statement *a, const struct statement *b);
/** The same for parameters. */
int fact_compare(const struct params *a, const struct params *b);

#endif
