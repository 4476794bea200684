/* SPDX-License-Identifier: Apache-2.0 */
/* SQL as it is understood: parse.c and ddl.c write it, resolve.c finds out what each name means, eval.c and run.c carry it out. */
#ifndef TAGIH_TESTS_SIM_MODEL_AST_H
#define TAGIH_TESTS_SIM_MODEL_AST_H

#include "tests/sim/model/value.h"

#define MQ_COLUMNS_MAX 64
#define MQ_KEYS_MAX 8

struct mq_query;
struct mq_table;
struct mq_function;
struct mq_path;
struct mq_call; /* a built-in function: call.c */

enum mq_expr_kind {
    MQ_CONST, MQ_PARAM, MQ_COLUMN, MQ_STAR, MQ_AND, MQ_OR, MQ_NOT, MQ_OP, MQ_IS_NULL_TEST, MQ_IS_DISTINCT, MQ_CASE, MQ_CAST, MQ_IN,
    MQ_ANY, MQ_ALL, MQ_EXISTS, MQ_SCALAR, MQ_ARRAY_OF_QUERY, MQ_ARRAY_LIST, MQ_ROW_LIST, MQ_CALLED, MQ_AGGREGATE, MQ_WINDOW, MQ_SUBSCRIPT
};

enum mq_op {
    MQ_EQ, MQ_NE, MQ_LT, MQ_LE, MQ_GT, MQ_GE, MQ_ADD, MQ_SUB, MQ_MUL, MQ_DIV, MQ_MOD, MQ_NEG, MQ_CONCAT, MQ_BIT_AND, MQ_BIT_OR,
    MQ_BIT_NOT, MQ_SHIFT_LEFT, MQ_SHIFT_RIGHT, MQ_MATCHES, MQ_AT_ZONE
};

struct mq_order {
    struct mq_expr *expr;
    bool descending, nulls_first;
};

struct mq_expr {
    enum mq_expr_kind kind;
    enum mq_op op;
    const char *qualifier, *name; /* a column's, a function's */
    struct mq_value value;        /* a constant */
    enum mq_type type;            /* of a cast */
    bool to_array;
    struct mq_expr **args;
    size_t n;
    bool negated; /* IS NOT …, NOT IN */
    struct mq_query *query;
    /* an aggregate, a window */
    bool distinct;
    struct mq_expr *filter;
    struct mq_order *order;
    size_t n_order;
    struct mq_expr **partition;
    size_t n_partition;
    size_t slot;
    /* resolved */
    bool is_bound;              /* a column that was found without its name: of a star */
    int levels, source, column; /* a parameter's number is its column */
    const struct mq_call *call;
    struct mq_function *function;
};

enum mq_source_kind { MQ_FROM_TABLE, MQ_FROM_QUERY, MQ_FROM_CALL, MQ_FROM_CTE };

/** One thing that FROM names. */
struct mq_source {
    enum mq_source_kind kind;
    const char *name, *alias;
    const char **columns;
    size_t n_columns;
    bool renamed; /* its columns were given names */
    struct mq_table *table;
    struct mq_query *query;
    struct mq_expr *call;
    bool ordinality, lateral;
    int cte_levels;
    size_t cte;
    /* plan: how its rows are reached, and what can be judged as soon as they are */
    struct mq_path *path;
    struct mq_expr *keys[MQ_KEYS_MAX];
    bool key_is_array[MQ_KEYS_MAX];
    size_t n_keys;
    struct mq_expr **early;
    size_t n_early;
    int place; /* in which order sources are bound */
    bool nullable;
};

enum mq_join_kind { MQ_LEAF, MQ_INNER, MQ_LEFT, MQ_FULL };

struct mq_join {
    enum mq_join_kind kind;
    size_t source;
    struct mq_join *left, *right;
    struct mq_expr *on;
    const char **using_columns;
    size_t n_using;
};

struct mq_target {
    struct mq_expr *expr;
    const char *name;
};

struct mq_set {
    const char *name;
    size_t column;
    struct mq_expr *expr;
};

enum mq_query_kind { MQ_SELECT, MQ_VALUES, MQ_UNION, MQ_EXCEPT, MQ_INTERSECT, MQ_INSERT, MQ_UPDATE, MQ_DELETE };
enum mq_conflict { MQ_CONFLICT_FAILS, MQ_CONFLICT_NOTHING, MQ_CONFLICT_UPDATE };

struct mq_cte {
    const char *name;
    const char **columns;
    size_t n_columns;
    struct mq_query *query;
};

struct mq_query {
    enum mq_query_kind kind;
    struct mq_cte *ctes;
    size_t n_ctes;
    struct mq_source *sources;
    size_t n_sources;
    struct mq_join *from;
    struct mq_target *targets; /* of DML: RETURNING */
    size_t n_targets;
    struct mq_expr *where, *having;
    struct mq_expr **where_late; /* conjuncts that wait for the whole row */
    size_t n_where_late;
    struct mq_expr **group;
    size_t n_group;
    bool distinct;
    struct mq_expr **distinct_on;
    size_t n_distinct_on;
    struct mq_order *order;
    size_t n_order;
    struct mq_expr *limit, *offset;
    struct mq_expr **aggregates;
    size_t n_aggregates;
    struct mq_expr **windows;
    size_t n_windows;
    /* union, except, intersect */
    struct mq_query *left, *right;
    bool all;
    /* values */
    struct mq_expr ***rows;
    size_t n_rows, row_width;
    /* insert, update, delete */
    const char **into;
    size_t n_into;
    size_t into_at[MQ_COLUMNS_MAX];
    struct mq_query *input;
    enum mq_conflict conflict;
    const char **conflict_columns;
    size_t n_conflict;
    struct mq_expr *conflict_where;
    struct mq_set *sets;
    size_t n_sets;
    bool resolved;
};

/* ---- the schema ------------------------------------------------------------------------------------------------ */

struct mq_column {
    const char *name;
    enum mq_type type;
    bool not_null, identity, generated;
    struct mq_expr *fallback; /* default, or what it is generated from */
};

struct mq_check {
    const char *name;
    struct mq_expr *expr;
};

/** A unique key or an index: columns, or expressions where column is -1. */
struct mq_index {
    const char *name;
    bool unique;
    struct mq_expr *exprs[MQ_KEYS_MAX];
    int columns[MQ_KEYS_MAX];
    size_t n;
    struct mq_expr *where;
    bool is_plain; /* columns alone */
};

struct mq_reference {
    int columns[MQ_KEYS_MAX];
    size_t n;
    const char *table;
};

struct mq_function {
    const char *name, *body;
    const char **args;
    enum mq_type *types;
    size_t n_args;
    const char **columns; /* of a row that it returns; NULL: one value */
    enum mq_type *column_types;
    size_t n_columns;
    enum mq_type returns;
    bool is_set, is_definer;
    struct mq_query *query; /* when it was first called */
};

#endif
