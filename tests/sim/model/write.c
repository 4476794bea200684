/* SPDX-License-Identifier: Apache-2.0 */
/* INSERT, UPDATE, DELETE: columns, checks, keys, references, facts, seals and policies; and the log that undoes them. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/model/model_in.h"

/* ---- the log --------------------------------------------------------------------------------------------------- */

static void log_add(struct model *model, enum mq_log_what what, struct mq_table *table, struct mq_row *row) {
    if (model->n_log == model->log_room) {
        model->log_room = model->log_room ? 2 * model->log_room : 1024;
        model->log = realloc(model->log, model->log_room * sizeof *model->log);
        if (!model->log) mq_die("no memory");
    }
    model->log[model->n_log++] = (struct mq_log){what, table, row};
}

void mq_undo(struct model *model) {
    while (model->n_log > 0) {
        const struct mq_log *l = &model->log[--model->n_log];
        if (l->what == MQ_ADDED) mq_table_remove(l->table, l->row);
        else l->row->gone = 0;
    }
}

/* Committed: what is gone goes. A row that came and went in this transaction has both entries, and goes once. */
void mq_keep_all(struct model *model) {
    for (size_t i = 0; i < model->n_log; i++) {
        if (model->log[i].what == MQ_GONE) mq_table_remove(model->log[i].table, model->log[i].row);
    }
    model->n_log = 0;
}

/* ---- one row --------------------------------------------------------------------------------------------------- */

struct writing {
    struct model *model;
    const struct mq_query *query;
    struct mq_frame *frame;
    struct mq_table *table;
    struct mq_rows returned;
    size_t written;
    struct mq_row **added; /* for the seal */
    size_t n_added;
};

/* A row of its own table, for checks, defaults and generated columns. */
static struct mq_value eval_on(struct model *model, const struct mq_expr *e, const struct mq_value *values) {
    const struct mq_value *rows[1] = {values};
    struct mq_frame frame = {.rows = rows};
    return mq_eval(model, e, &frame);
}

static void store(struct writing *w, struct mq_value *values, size_t column, struct mq_value value) {
    values[column] = mq_cast_or_throw(w->model, value, w->table->columns[column].type);
}

static void generate(struct writing *w, struct mq_value *values) {
    for (size_t i = 0; i < w->table->n_columns; i++) {
        if (w->table->columns[i].generated) store(w, values, i, eval_on(w->model, w->table->columns[i].fallback, values));
    }
}

static void check_row(struct writing *w, const struct mq_value *values) {
    const struct mq_table *t = w->table;
    if (!w->model->is_owner && t->agency_column >= 0) {
        struct mq_value agency = values[t->agency_column];
        bool own = w->model->has_agency && !mq_is_null(agency) && memcmp(agency.b.data, w->model->agency, 16) == 0;
        if (!own) mq_throw(w->model, "42501", t->name, "", "new row violates row-level security policy");
    }
    for (size_t i = 0; i < t->n_columns; i++) {
        if (t->columns[i].not_null && mq_is_null(values[i])) mq_throw(w->model, "23502", t->name, t->columns[i].name, "null value");
    }
    for (size_t i = 0; i < t->n_checks; i++) {
        struct mq_value holds = eval_on(w->model, t->checks[i].expr, values);
        if (!mq_is_null(holds) && !holds.i) mq_throw(w->model, "23514", t->name, t->checks[i].name, "check constraint");
    }
}

/* ---- keys ------------------------------------------------------------------------------------------------------ */

static bool in_index(struct model *model, const struct mq_index *index, const struct mq_value *values) {
    return !index->where || mq_is_true(eval_on(model, index->where, values));
}

static bool same_key(struct model *model, const struct mq_index *index, const struct mq_value *a, const struct mq_value *b) {
    for (size_t i = 0; i < index->n; i++) {
        struct mq_value left = eval_on(model, index->exprs[i], a), right = eval_on(model, index->exprs[i], b);
        if (mq_is_null(left) || mq_is_null(right) || !mq_same(&model->scratch, left, right)) return false;
    }
    return true;
}

/* A row that is there and has the same key. */
static struct mq_row *find_same(struct model *model, struct mq_table *table, const struct mq_index *index, const struct mq_value *values) {
    struct mq_value keys[MQ_KEYS_MAX];
    if (!in_index(model, index, values)) return NULL;
    struct mq_path *path = table->paths[0];
    if (index->is_plain) {
        path = mq_table_path(table, index->columns, index->n);
        for (size_t i = 0; i < index->n; i++) keys[i] = values[index->columns[i]];
    }
    for (struct mq_row *row = mq_path_find(table, path, keys); row; row = mq_path_next(path, row)) {
        if (row->gone || !in_index(model, index, row->values)) continue;
        if (index->is_plain || same_key(model, index, row->values, values)) return row;
    }
    return NULL;
}

static bool is_conflict_index(const struct mq_query *q, const struct mq_table *table, const struct mq_index *index) {
    if (q->n_conflict == 0) return true;
    if (q->n_conflict != index->n || !index->is_plain || (index->where != NULL) != (q->conflict_where != NULL)) return false;
    for (size_t i = 0; i < q->n_conflict; i++) {
        bool found = false;
        for (size_t k = 0; k < index->n; k++) found |= strcmp(table->columns[index->columns[k]].name, q->conflict_columns[i]) == 0;
        if (!found) return false;
    }
    return true;
}

/* The row that ON CONFLICT speaks of. */
static struct mq_row *find_conflict(struct writing *w, const struct mq_value *values) {
    bool any = false;
    for (size_t i = 0; i < w->table->n_indexes; i++) {
        const struct mq_index *index = &w->table->indexes[i];
        if (!index->unique || !is_conflict_index(w->query, w->table, index)) continue;
        any = true;
        struct mq_row *row = find_same(w->model, w->table, index, values);
        if (row) return row;
    }
    if (!any) mq_throw(w->model, "42P10", w->table->name, "", "there is no unique key for ON CONFLICT");
    return NULL;
}

static void check_keys(struct writing *w, const struct mq_value *values) {
    for (size_t i = 0; i < w->table->n_indexes; i++) {
        const struct mq_index *index = &w->table->indexes[i];
        if (!index->unique || !find_same(w->model, w->table, index, values)) continue;
        mq_throw(w->model, "23505", w->table->name, index->name, "duplicate key value violates unique constraint");
    }
}

static void check_references(struct writing *w, const struct mq_value *values) {
    for (size_t i = 0; i < w->table->n_references; i++) {
        const struct mq_reference *r = &w->table->references[i];
        struct mq_table *to = mq_find_table(w->model, r->table);
        const struct mq_index *index = &to->indexes[to->primary];
        struct mq_path *path = mq_table_path(to, index->columns, index->n);
        struct mq_value keys[MQ_KEYS_MAX];
        bool has_null = false, found = false;
        for (size_t k = 0; k < r->n; k++) keys[k] = values[r->columns[k]], has_null |= mq_is_null(keys[k]);
        for (struct mq_row *row = mq_path_find(to, path, keys); row && !found; row = mq_path_next(path, row)) found = !row->gone;
        if (!has_null && !found) mq_throw(w->model, "23503", w->table->name, r->table, "violates foreign key constraint");
    }
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

static void refuse_changes(struct writing *w) {
    if (!w->table->is_fact || w->model->unchecked) return;
    mq_throw(w->model, "23001", w->table->name, "", "rows are facts: they are never changed or removed");
}

static struct mq_row *add_row(struct writing *w, struct mq_value *values) {
    mq_xid(w->model);
    if (!w->model->unchecked) {
        check_row(w, values);
        check_keys(w, values);
        check_references(w, values);
    }
    struct mq_row *row = mq_table_add(w->table, values, w->model->statement);
    log_add(w->model, MQ_ADDED, w->table, row);
    return row;
}

static void take_away(struct writing *w, struct mq_row *row) {
    row->gone = w->model->statement;
    log_add(w->model, MQ_GONE, w->table, row);
}

static void give_back(struct writing *w, struct mq_row *row) {
    const struct mq_query *q = w->query;
    w->written++;
    if (q->n_targets == 0) return;
    w->frame->rows[0] = row->values;
    struct mq_value *out = MQ_NEW(&w->model->scratch, q->n_targets, struct mq_value);
    for (size_t i = 0; i < q->n_targets; i++) out[i] = mq_eval(w->model, q->targets[i].expr, w->frame);
    mq_rows_add(w->model, &w->returned, out);
}

/* The new version of a row, by SET. */
static struct mq_row *set_row(struct writing *w, struct mq_row *row) {
    struct mq_value values[MQ_COLUMNS_MAX];
    memcpy(values, row->values, w->table->n_columns * sizeof *values);
    for (size_t i = 0; i < w->query->n_sets; i++) {
        store(w, values, w->query->sets[i].column, mq_eval(w->model, w->query->sets[i].expr, w->frame));
    }
    generate(w, values);
    take_away(w, row);
    return add_row(w, values);
}

/* ---- INSERT ---------------------------------------------------------------------------------------------------- */

static void fill(struct writing *w, const struct mq_value *given, struct mq_value *values) {
    bool is_given[MQ_COLUMNS_MAX] = {false};
    for (size_t i = 0; i < w->query->n_into; i++) is_given[w->query->into_at[i]] = true;
    for (size_t i = 0; i < w->table->n_columns; i++) {
        const struct mq_column *column = &w->table->columns[i];
        values[i] = mq_null();
        if (column->identity) values[i] = mq_int(++w->table->sequence);
        else if (!is_given[i] && column->fallback && !column->generated) store(w, values, i, eval_on(w->model, column->fallback, values));
    }
    for (size_t i = 0; i < w->query->n_into; i++) store(w, values, w->query->into_at[i], given[i]);
    generate(w, values);
}

/* ON CONFLICT DO UPDATE: NULL when its WHERE says no. */
static struct mq_row *update_conflict(struct writing *w, struct mq_row *row, const struct mq_value *excluded) {
    if (row->made == w->model->statement) mq_throw(w->model, "21000", w->table->name, "", "ON CONFLICT DO UPDATE cannot affect a row a second time");
    w->frame->rows[0] = row->values, w->frame->rows[1] = excluded;
    if (w->query->where && !mq_is_true(mq_eval(w->model, w->query->where, w->frame))) return NULL;
    return set_row(w, row);
}

static void insert_row(struct writing *w, const struct mq_value *given) {
    struct mq_value values[MQ_COLUMNS_MAX];
    fill(w, given, values);
    struct mq_row *conflict = w->query->conflict == MQ_CONFLICT_FAILS ? NULL : find_conflict(w, values);
    if (conflict && w->query->conflict == MQ_CONFLICT_NOTHING) return;
    struct mq_row *row = conflict ? update_conflict(w, conflict, values) : add_row(w, values);
    if (!row) return;
    give_back(w, row);
    if (conflict || !w->table->is_sealed) return;
    w->added = mq_grow(&w->model->scratch, w->added, w->n_added, sizeof(struct mq_row *));
    w->added[w->n_added++] = row;
}

static void put32(uint8_t *to, uint32_t n) {
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(n >> (24 - 8 * i));
}

/* SHA-256 of record_send(row): the number of columns, then each one's type, length and binary form. */
static void digest_row(struct model *model, const struct mq_table *table, const struct mq_row *row, uint8_t out[32]) {
    crypto_hash_sha256_state state;
    uint8_t head[8];
    crypto_hash_sha256_init(&state);
    put32(head, (uint32_t)table->n_columns);
    crypto_hash_sha256_update(&state, head, 4);
    for (size_t i = 0; i < table->n_columns; i++) {
        bool null = mq_is_null(row->values[i]);
        struct bytes b = null ? bytes_make(NULL, 0) : mq_to_binary(&model->scratch, row->values[i], table->columns[i].type);
        put32(head, mq_type_oid(table->columns[i].type));
        put32(head + 4, null ? UINT32_MAX : (uint32_t)b.len);
        crypto_hash_sha256_update(&state, head, 8);
        if (b.len) crypto_hash_sha256_update(&state, b.data, b.len);
    }
    crypto_hash_sha256_final(&state, out);
}

/* One seal for each agency of the statement's rows. */
static void seal(struct writing *w) {
    struct mq_table *table = mq_find_table(w->model, "seal");
    struct writing inner = {.model = w->model, .table = table};
    for (size_t first = 0; table && first < w->n_added; first++) {
        struct mq_value agency = w->added[first]->values[w->table->agency_column], values[MQ_COLUMNS_MAX];
        uint8_t *digests = mq_alloc(&w->model->scratch, 32 * w->n_added);
        size_t n = 0;
        for (size_t i = 0; i < w->n_added; i++) {
            bool same = mq_same(NULL, w->added[i]->values[w->table->agency_column], agency);
            if (same && i < first) break; /* an earlier one has done this agency */
            if (same) digest_row(w->model, w->table, w->added[i], digests + 32 * n++);
        }
        if (n == 0) continue;
        for (size_t i = 0; i < table->n_columns; i++) {
            const char *name = table->columns[i].name;
            if (strcmp(name, "agency_id") == 0) values[i] = agency;
            else if (strcmp(name, "xid") == 0) values[i] = mq_int(mq_xid(w->model));
            else if (strcmp(name, "n") == 0) values[i] = mq_int(++table->sequence);
            else if (strcmp(name, "table_name") == 0) values[i] = mq_bytes(MQ_IS_TEXT, bytes_text(w->table->name));
            else if (strcmp(name, "digests") == 0) values[i] = mq_bytes(MQ_IS_BYTES, bytes_make(digests, 32 * n));
            else mq_die("the table seal has a column %s that is not modelled", name);
        }
        add_row(&inner, values);
    }
}

static void run_insert(struct writing *w) {
    struct mq_rows rows = {.n = 1};
    if (w->query->input) rows = mq_run(w->model, w->query->input, w->frame, NULL, 0, SIZE_MAX);
    for (size_t i = 0; i < rows.n; i++) insert_row(w, rows.rows ? rows.rows[i] : NULL);
    if (!w->model->unchecked) seal(w);
}

/* ---- UPDATE, DELETE -------------------------------------------------------------------------------------------- */

/* A row that FROM brings twice is changed once. */
static bool change(void *context, struct mq_frame *frame) {
    struct writing *w = context;
    struct mq_row *row = frame->at[0];
    if (row->gone) return true;
    const struct mq_value *before = frame->rows[0];
    if (w->query->kind == MQ_UPDATE) {
        give_back(w, set_row(w, row));
    } else {
        take_away(w, row);
        give_back(w, row);
    }
    frame->rows[0] = before;
    return true;
}

struct mq_rows mq_write(struct model *model, const struct mq_query *q, struct mq_frame *frame, size_t *written) {
    struct writing w = {.model = model, .query = q, .frame = frame, .table = q->sources[0].table, .returned = {.width = q->n_targets}};
    if (q->kind == MQ_INSERT) {
        if (q->conflict == MQ_CONFLICT_UPDATE) refuse_changes(&w);
        run_insert(&w);
    } else {
        refuse_changes(&w);
        mq_scan(model, q, frame, change, &w);
    }
    *written = w.written;
    return w.returned;
}
