/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the tables from outside: row by row, as a digest, as text. */
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/model/model_in.h"

static const struct mq_table *table_of(const struct model_rows *rows) {
    return rows->table;
}

static const struct mq_row *row_of(const struct model_rows *rows) {
    if (!rows->row) mq_die("a row of %s is read before there is one", table_of(rows)->name);
    return rows->row;
}

struct model_rows model_rows(const struct model *model, const char *name) {
    const struct mq_table *table = mq_find_table(model, name);
    if (!table) mq_die("there is no table %s", name);
    return (struct model_rows){table, NULL};
}

bool model_next(struct model_rows *rows) {
    const struct mq_table *table = rows->table;
    const struct mq_path *all = table->paths[0];
    const struct mq_row *row = rows->row;
    row = row ? mq_path_next(all, row) : mq_path_find(table, all, NULL);
    while (row && row->gone) row = mq_path_next(all, row);
    rows->row = row;
    return row != NULL;
}

int model_column(const struct model_rows *rows, const char *name) {
    int column = mq_table_column(rows->table, name);
    if (column < 0) mq_die("table %s has no column %s", table_of(rows)->name, name);
    return column;
}

bool model_is_null(const struct model_rows *rows, int column) {
    return mq_is_null(row_of(rows)->values[column]);
}

int64_t model_int(const struct model_rows *rows, int column) {
    struct mq_value v = row_of(rows)->values[column];
    if (v.kind != MQ_IS_INT && v.kind != MQ_IS_BOOL && v.kind != MQ_IS_DATE) {
        mq_die("%s.%s is no number", table_of(rows)->name, table_of(rows)->columns[column].name);
    }
    return v.i;
}

struct bytes model_bytes(const struct model_rows *rows, int column) {
    struct mq_value v = row_of(rows)->values[column];
    if (v.kind != MQ_IS_TEXT && v.kind != MQ_IS_BYTES && v.kind != MQ_IS_UUID) {
        mq_die("%s.%s has no bytes", table_of(rows)->name, table_of(rows)->columns[column].name);
    }
    return v.b;
}

uuid model_uuid(const struct model_rows *rows, int column) {
    uuid id = {{0}};
    struct bytes b = model_bytes(rows, column);
    if (b.len == sizeof id.b) memcpy(id.b, b.data, sizeof id.b);
    return id;
}

const char *model_table_name(const struct model *model, size_t i) {
    return i < model->n_tables ? model->tables[i]->name : NULL;
}

const char *model_column_name(const struct model_rows *rows, int column) {
    const struct mq_table *table = rows->table;
    return column >= 0 && (size_t)column < table->n_columns ? table->columns[column].name : NULL;
}

/* ---- the digest ------------------------------------------------------------------------------------------------ */

static void digest_value(crypto_hash_sha256_state *state, struct mq_value v) {
    uint64_t head[2] = {v.kind, 0};
    bool bytes = v.kind == MQ_IS_TEXT || v.kind == MQ_IS_BYTES || v.kind == MQ_IS_UUID;
    if (bytes) head[1] = v.b.len;
    else if (v.kind != MQ_NULL) head[1] = (uint64_t)v.i;
    crypto_hash_sha256_update(state, (const uint8_t *)head, sizeof head);
    if (bytes && v.b.len) crypto_hash_sha256_update(state, v.b.data, v.b.len);
}

void model_digest(const struct model *model, hash256 *out) {
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < model->n_tables; i++) {
        struct model_rows rows = model_rows(model, model->tables[i]->name);
        crypto_hash_sha256_update(&state, (const uint8_t *)model->tables[i]->name, strlen(model->tables[i]->name));
        while (model_next(&rows)) {
            for (size_t c = 0; c < model->tables[i]->n_columns; c++) digest_value(&state, row_of(&rows)->values[c]);
        }
    }
    crypto_hash_sha256_final(&state, out->b);
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

static bool is_skipped(const char *const *skip, const char *name) {
    for (; skip && *skip; skip++) {
        if (strcmp(*skip, name) == 0) return true;
    }
    return false;
}

struct text {
    struct mq_arena *arena;
    char *at;
    size_t len, room;
};

static void add(struct text *t, struct bytes b) {
    if (t->len + b.len > t->room) {
        size_t room = 2 * (t->len + b.len) + 4096;
        char *more = mq_alloc(t->arena, room);
        if (t->len) memcpy(more, t->at, t->len);
        t->at = more, t->room = room;
    }
    if (b.len) memcpy(t->at + t->len, b.data, b.len);
    t->len += b.len;
}

struct bytes model_dump(struct model *model, const char *name, const char *const *skip) {
    struct model_rows rows = model_rows(model, name);
    const struct mq_table *table = rows.table;
    struct text text = {.arena = &model->texts};
    mq_arena_reset(&model->texts);
    while (model_next(&rows)) {
        for (size_t c = 0; c < table->n_columns; c++) {
            struct mq_value v = row_of(&rows)->values[c];
            if (is_skipped(skip, table->columns[c].name)) continue;
            add(&text, bytes_text(table->columns[c].name));
            add(&text, bytes_text("="));
            add(&text, mq_is_null(v) ? bytes_text("-") : mq_to_text(&model->texts, v));
            add(&text, bytes_text(" "));
        }
        add(&text, bytes_text("\n"));
    }
    return bytes_make(text.at, text.len);
}

/* ---- SQL ------------------------------------------------------------------------------------------------------- */

static struct mq_rows run(struct model *model, bool unchecked, const char *format, va_list args) __attribute__((format(printf, 3, 0)));
static struct mq_rows run(struct model *model, bool unchecked, const char *format, va_list args) {
    char sql[8192];
    int len = vsnprintf(sql, sizeof sql, format, args);
    if (len < 0 || (size_t)len >= sizeof sql) mq_die("a statement of %d bytes is too long", len);
    return mq_run_text(model, sql, unchecked);
}

void model_run(struct model *model, const char *format, ...) {
    va_list args;
    va_start(args, format);
    run(model, false, format, args);
    va_end(args);
}

void model_tamper(struct model *model, const char *format, ...) {
    va_list args;
    va_start(args, format);
    run(model, true, format, args);
    va_end(args);
}

int64_t model_number(struct model *model, const char *format, ...) {
    va_list args;
    va_start(args, format);
    struct mq_rows rows = run(model, false, format, args);
    va_end(args);
    if (rows.n == 0 || rows.width == 0 || mq_is_null(rows.rows[0][0])) return 0;
    if (rows.rows[0][0].kind != MQ_IS_INT && rows.rows[0][0].kind != MQ_IS_BOOL) mq_die("%s gives no number", format);
    return rows.rows[0][0].i;
}
