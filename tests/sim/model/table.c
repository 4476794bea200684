/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and the paths to them. Invariant: every version of a row is in every path of its table. */
#include "tests/sim/model/table.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 64

static void *must(void *memory) {
    if (!memory) mq_die("no memory");
    return memory;
}

int mq_table_column(const struct mq_table *table, const char *name) {
    for (size_t i = 0; i < table->n_columns; i++) {
        if (strcmp(table->columns[i].name, name) == 0) return (int)i;
    }
    return -1;
}

/* ---- paths ----------------------------------------------------------------------------------------------------- */

static uint64_t hash_of(const struct mq_path *path, const struct mq_value *values) {
    uint64_t hash = 1;
    for (size_t i = 0; i < path->n; i++) hash = hash * 0x9E3779B97F4A7C15u ^ mq_hash(values[path->columns[i]]);
    return hash ^ hash >> 31;
}

/* Keys of a path are of its columns' own kinds: no arena is wanted to compare them. */
static bool same_key(const struct mq_path *path, const struct mq_value *a, const struct mq_value *b) {
    for (size_t i = 0; i < path->n; i++) {
        if (!mq_same(NULL, a[path->columns[i]], b[path->columns[i]])) return false;
    }
    return true;
}

static struct mq_group *find_group(const struct mq_path *path, const struct mq_value *values, uint64_t hash) {
    struct mq_group *group = path->buckets[hash & (path->n_buckets - 1)];
    while (group && !(group->hash == hash && same_key(path, group->first->values, values))) group = group->next;
    return group;
}

static void grow(struct mq_path *path) {
    size_t n = path->n_buckets * 2;
    struct mq_group **buckets = must(calloc(n, sizeof(struct mq_group *)));
    for (size_t i = 0; i < path->n_buckets; i++) {
        for (struct mq_group *group = path->buckets[i], *next; group; group = next) {
            next = group->next;
            group->next = buckets[group->hash & (n - 1)];
            buckets[group->hash & (n - 1)] = group;
        }
    }
    free(path->buckets);
    path->buckets = buckets, path->n_buckets = n;
}

static void path_add(struct mq_path *path, struct mq_row *row) {
    uint64_t hash = hash_of(path, row->values);
    struct mq_group *group = find_group(path, row->values, hash);
    struct mq_place *place = &row->places[path->number];
    if (!group) {
        if (path->n_groups >= path->n_buckets) grow(path);
        group = must(calloc(1, sizeof *group));
        struct mq_group **bucket = &path->buckets[hash & (path->n_buckets - 1)];
        group->hash = hash, group->next = *bucket;
        *bucket = group;
        path->n_groups++;
    }
    *place = (struct mq_place){.before = group->last, .group = group};
    if (group->last) group->last->places[path->number].after = row;
    else group->first = row;
    group->last = row;
}

static void path_remove(struct mq_path *path, struct mq_row *row) {
    struct mq_place *place = &row->places[path->number];
    struct mq_group *group = place->group;
    if (place->before) place->before->places[path->number].after = place->after;
    else group->first = place->after;
    if (place->after) place->after->places[path->number].before = place->before;
    else group->last = place->before;
    if (group->first) return;
    struct mq_group **at = &path->buckets[group->hash & (path->n_buckets - 1)];
    while (*at != group) at = &(*at)->next;
    *at = group->next;
    path->n_groups--;
    free(group);
}

struct mq_path *mq_table_path(struct mq_table *table, const int *columns, size_t n) {
    for (size_t i = 0; i < table->n_paths; i++) {
        struct mq_path *path = table->paths[i];
        if (path->n == n && (n == 0 || memcmp(path->columns, columns, n * sizeof *columns) == 0)) return path;
    }
    if (table->n_paths == MQ_PATHS_MAX) mq_die("table %s has too many paths", table->name);
    struct mq_path *path = must(calloc(1, sizeof *path));
    path->n = n, path->number = table->n_paths, path->n_buckets = BUCKETS_FIRST;
    if (n) memcpy(path->columns, columns, n * sizeof *columns);
    path->buckets = must(calloc(path->n_buckets, sizeof(struct mq_group *)));
    if (table->n_paths) {
        for (struct mq_row *row = mq_path_find(table, table->paths[0], NULL); row; row = mq_path_next(table->paths[0], row)) {
            path_add(path, row);
        }
    }
    table->paths[table->n_paths++] = path;
    return path;
}

struct mq_row *mq_path_find(const struct mq_table *table, const struct mq_path *path, const struct mq_value *keys) {
    struct mq_value values[MQ_COLUMNS_MAX];
    (void)table;
    for (size_t i = 0; i < path->n; i++) {
        if (mq_is_null(keys[i])) return NULL;
        values[path->columns[i]] = keys[i];
    }
    struct mq_group *group = find_group(path, values, hash_of(path, values));
    return group ? group->first : NULL;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

static bool has_bytes(struct mq_value v) {
    return v.kind == MQ_IS_TEXT || v.kind == MQ_IS_BYTES || v.kind == MQ_IS_UUID;
}

/* The bytes of its values stand behind the row itself. */
struct mq_row *mq_table_add(struct mq_table *table, const struct mq_value *values, uint64_t made) {
    size_t size = sizeof(struct mq_row) + table->n_columns * sizeof *values, at = size;
    for (size_t i = 0; i < table->n_columns; i++) size += has_bytes(values[i]) ? values[i].b.len : 0;
    struct mq_row *row = must(malloc(size));
    row->made = made, row->gone = 0;
    memset(row->places, 0, sizeof row->places);
    for (size_t i = 0; i < table->n_columns; i++) {
        row->values[i] = values[i];
        if (!has_bytes(values[i])) continue;
        uint8_t *to = (uint8_t *)row + at;
        if (values[i].b.len) memcpy(to, values[i].b.data, values[i].b.len);
        row->values[i].b.data = to;
        at += values[i].b.len;
    }
    for (size_t i = 0; i < table->n_paths; i++) path_add(table->paths[i], row);
    table->n_rows++;
    return row;
}

void mq_table_remove(struct mq_table *table, struct mq_row *row) {
    for (size_t i = 0; i < table->n_paths; i++) path_remove(table->paths[i], row);
    table->n_rows--;
    free(row);
}

void mq_table_clear(struct mq_table *table) {
    struct mq_row *row = mq_path_find(table, table->paths[0], NULL);
    while (row) {
        struct mq_row *next = mq_path_next(table->paths[0], row);
        mq_table_remove(table, row);
        row = next;
    }
    table->sequence = 0;
}

void mq_table_free(struct mq_table *table) {
    mq_table_clear(table);
    for (size_t i = 0; i < table->n_paths; i++) {
        free(table->paths[i]->buckets);
        free(table->paths[i]);
    }
    table->n_paths = 0;
}
