/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What statements.awk makes of the .sql files: one row a statement, with the types its header promises. Every
 * connection prepares all rows with these types and compares what PostgreSQL then describes (db.h), params.h and result.h assert
 * every value against them. For each statement x the generated header has `STMT_x`, a pointer to its row, and for
 * each of its output columns c the number `COL_x_c`.
 */
#ifndef TAGIH_STORE_STATEMENT_H
#define TAGIH_STORE_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sql_type {
    SQL_BOOL,
    SQL_INT2,
    SQL_INT4,
    SQL_INT8,
    SQL_FLOAT8,
    SQL_TEXT,
    SQL_BYTEA,
    SQL_UUID,
    SQL_DATE,
    SQL_TYPE_COUNT
};

/** A parameter or an output column. */
struct sql_column {
    const char *name;
    enum sql_type type;
    bool array;
};

struct statement {
    const char *name; /* also its name on the connection */
    const char *text;
    const struct sql_column *in;
    size_t n_in;
    const struct sql_column *out;
    size_t n_out; /* 0: "out: none" */
};

struct statement_table {
    const struct statement *rows;
    size_t count;
};

/** PostgreSQL's number of a type; of its array type when `array`. Pure. */
uint32_t sql_oid(enum sql_type type, bool array);

/** "uuid" or "uuid[]"; never NULL. Pure. */
const char *sql_type_name(enum sql_type type, bool array);

/** The name of a type's number, "?" for one that no header can name. Pure. */
const char *sql_oid_name(uint32_t oid);

#endif
