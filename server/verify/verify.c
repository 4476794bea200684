/* SPDX-License-Identifier: Apache-2.0 */
/* What all parts of verify share: comparing a column, and running the statements that answer differences themselves. */
#include "verify/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_statements.h"

#define SHOWN_BYTES_MAX 64

static const char *const nothing = "(nothing)";

static const char *shown(struct verify *v, const char *text) {
    (void)v;
    return text ? text : nothing;
}

void verify__differs(const struct verify_row *row, const char *column, const char *stored, const char *expected) {
    struct verify *v = row->v;
    struct verify_difference difference = {.table = row->table, .key = shown(v, row->key), .column = column,
                                           .stored = shown(v, stored), .expected = shown(v, expected)};
    v->n_differences++;
    v->difference(v->context, &difference);
}

bool verify__int(const struct verify_row *row, const char *column, int64_t stored, int64_t expected) {
    if (stored == expected) return true;
    struct arena *arena = row->v->arena;
    verify__differs(row, column, arena_printf(arena, "%lld", (long long)stored), arena_printf(arena, "%lld", (long long)expected));
    return false;
}

bool verify__bool(const struct verify_row *row, const char *column, bool stored, bool expected) {
    if (stored == expected) return true;
    verify__differs(row, column, stored ? "true" : "false", expected ? "true" : "false");
    return false;
}

const char *verify__key(struct verify *v, struct bytes id) {
    if (id.len == sizeof(uuid)) {
        char text[UUID_TEXT_SIZE];
        uuid value;
        memcpy(value.b, id.data, sizeof value.b);
        uuid_format(value, text);
        return arena_printf(v->arena, "%s", text);
    }
    char hex[2 * SHOWN_BYTES_MAX + 1];
    bool cut = id.len > SHOWN_BYTES_MAX;
    bytes_hex(bytes_make(id.data, cut ? SHOWN_BYTES_MAX : id.len), hex);
    return arena_printf(v->arena, "%s%s", hex, cut ? "..." : "");
}

bool verify__bytes(const struct verify_row *row, const char *column, struct bytes stored, struct bytes expected) {
    if (bytes_equal(stored, expected)) return true;
    verify__differs(row, column, verify__key(row->v, stored), verify__key(row->v, expected));
    return false;
}

bool verify__uuid(const struct verify_row *row, const char *column, uuid stored, uuid expected) {
    return verify__bytes(row, column, bytes_make(stored.b, sizeof stored.b), bytes_make(expected.b, sizeof expected.b));
}

bool verify__text(const struct verify_row *row, const char *column, struct bytes stored, struct bytes expected) {
    if (bytes_equal(stored, expected)) return true;
    struct arena *arena = row->v->arena;
    verify__differs(row, column, arena_printf(arena, "%.*s", (int)stored.len, (const char *)stored.data),
                    arena_printf(arena, "%.*s", (int)expected.len, (const char *)expected.data));
    return false;
}

bool verify__date(const struct verify_row *row, const char *column, civil_date stored, civil_date expected) {
    if (stored.days == expected.days) return true;
    char a[DATE_TEXT_SIZE], b[DATE_TEXT_SIZE];
    date_format(stored, a);
    date_format(expected, b);
    verify__differs(row, column, a, b);
    return false;
}

tagih_err verify__send_ids(struct verify *v, const struct statement *statement, const uuid *ids, size_t n) {
    struct params p;
    tx_params(&p, v->tx, v->arena, statement, n);
    params_uuid(&p, ids, sizeof *ids);
    return tx_send(v->tx, &p);
}

void verify__progress(struct verify *v, const char *part, int64_t done) {
    if (v->progress) v->progress(v->context, part, done);
}

int verify__column(const struct statement *statement, const char *name) {
    for (size_t c = 0; c < statement->n_out; c++) {
        if (strcmp(statement->out[c].name, name) == 0) return (int)c;
    }
    fprintf(stderr, "statement %s has no column %s\n", statement->name, name);
    abort();
}

size_t verify__first(const struct result *r, int column, uuid id) {
    size_t low = 0, high = result_count(r);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (uuid_compare(result_uuid(r, middle, column), id) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* ---- differences that the database finds ------------------------------------------------------------------------- */

#define DIFFERENCE_PREFIX "verify_diff_"

static bool answers_differences(const struct statement *statement) {
    return strncmp(statement->name, DIFFERENCE_PREFIX, strlen(DIFFERENCE_PREFIX)) == 0;
}

static const char *text_of(const struct result *r, size_t row, int column) {
    return result_is_null(r, row, column) ? NULL : (const char *)result_text(r, row, column).data;
}

/* Columns stand as in verify_diff_orphans, in every one of these statements. */
void verify__report(struct verify *v, const struct result *r) {
    for (size_t i = 0; i < result_count(r); i++) {
        struct verify_row row = {v, text_of(r, i, COL_verify_diff_orphans_table_name),
                                 text_of(r, i, COL_verify_diff_orphans_key)};
        verify__differs(&row, text_of(r, i, COL_verify_diff_orphans_column_name),
                        text_of(r, i, COL_verify_diff_orphans_stored), text_of(r, i, COL_verify_diff_orphans_expected));
    }
}

tagih_err verify_sums(struct verify *v) {
    int64_t done = 0;
    for (size_t i = 0; i < store_statements.count; i++) {
        const struct statement *statement = &store_statements.rows[i];
        if (!answers_differences(statement)) continue;
        arena_reset(v->arena);
        struct params p;
        DEFER(result) struct result r = {0};
        tx_params(&p, v->tx, v->arena, statement, 0);
        TRY(tx_send(v->tx, &p));
        TRY(tx_sync(v->tx));
        tx_take(v->tx, &r);
        verify__report(v, &r);
        verify__progress(v, statement->name + strlen(DIFFERENCE_PREFIX), ++done);
    }
    return TAGIH_OK;
}
