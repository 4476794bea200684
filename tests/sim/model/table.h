/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables in memory. Rows have versions: an update writes a new one and marks the old one, so that a statement sees what was
 * there when it began and the next one what it left. What a transaction wrote is undone by its log, or tidied when it commits.
 *
 * Rows are found by paths: some columns, hashed, made when a query first wants them. Within a path, and in the table, rows
 * stand in the order in which they were written.
 */
#ifndef TAGIH_TESTS_SIM_MODEL_TABLE_H
#define TAGIH_TESTS_SIM_MODEL_TABLE_H

#include "tests/sim/model/ast.h"

#define MQ_PATHS_MAX 12

struct mq_group;

/** A row's place in a path. */
struct mq_place {
    struct mq_row *before, *after;
    struct mq_group *group;
};

struct mq_row {
    uint64_t made, gone; /* numbers of the statements; gone 0: it is there */
    struct mq_place places[MQ_PATHS_MAX];
    struct mq_value values[];
};

struct mq_group {
    uint64_t hash;
    struct mq_row *first, *last;
    struct mq_group *next;
};

struct mq_path {
    int columns[MQ_KEYS_MAX];
    size_t n, number;
    struct mq_group **buckets;
    size_t n_buckets, n_groups;
};

struct mq_table {
    const char *name;
    struct mq_column columns[MQ_COLUMNS_MAX];
    size_t n_columns;
    struct mq_check *checks;
    size_t n_checks;
    struct mq_index *indexes;
    size_t n_indexes;
    struct mq_reference *references;
    size_t n_references;
    int primary; /* its index; -1: none */
    int agency_column; /* -1: none */
    bool is_fact, is_sealed;
    int64_t sequence; /* of its identity column */
    struct mq_path *paths[MQ_PATHS_MAX]; /* the first: all rows */
    size_t n_paths;
    size_t n_rows;
};

int mq_table_column(const struct mq_table *table, const char *name);
/** The path over these columns, made if it is not there. */
struct mq_path *mq_table_path(struct mq_table *table, const int *columns, size_t n);
/** The first row whose columns have these values, or NULL; mq_path_next gives the others. NULL values find nothing. */
struct mq_row *mq_path_find(const struct mq_table *table, const struct mq_path *path, const struct mq_value *keys);
static inline struct mq_row *mq_path_next(const struct mq_path *path, const struct mq_row *row) {
    return row->places[path->number].after;
}
/** Write a row: values are copied. */
struct mq_row *mq_table_add(struct mq_table *table, const struct mq_value *values, uint64_t made);
/** Take a version away for good. */
void mq_table_remove(struct mq_table *table, struct mq_row *row);
/** All rows away. */
void mq_table_clear(struct mq_table *table);
void mq_table_free(struct mq_table *table);

static inline bool mq_is_visible(const struct mq_row *row, uint64_t statement) {
    return row->made < statement && (row->gone == 0 || row->gone >= statement);
}

#endif
