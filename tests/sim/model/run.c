/* SPDX-License-Identifier: Apache-2.0 */
/* Queries: bind what FROM names, one source after another, and give on what WHERE lets through. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/model/model_in.h"

/* ---- frames ---------------------------------------------------------------------------------------------------- */

void mq_frame_begin(struct model *model, struct mq_frame *frame, const struct mq_query *q, struct mq_frame *up,
                    const struct mq_value *params, size_t n_params) {
    *frame = (struct mq_frame){.up = up, .query = q, .params = params, .n_params = n_params};
    if (!params && up) frame->params = up->params, frame->n_params = up->n_params;
    frame->rows = MQ_NEW(&model->scratch, q->n_sources, const struct mq_value *);
    frame->at = MQ_NEW(&model->scratch, q->n_sources, struct mq_row *);
    frame->kept = MQ_NEW(&model->scratch, q->n_sources, struct mq_rows *);
    frame->ctes = MQ_NEW(&model->scratch, q->n_ctes, struct mq_rows);
    for (size_t i = 0; i < q->n_ctes; i++) frame->ctes[i] = mq_run(model, q->ctes[i].query, frame, NULL, 0, SIZE_MAX);
}

void mq_rows_add(struct model *model, struct mq_rows *rows, struct mq_value *row) {
    rows->rows = mq_grow(&model->scratch, rows->rows, rows->n, sizeof *rows->rows);
    rows->rows[rows->n++] = row;
}

/* ---- sources --------------------------------------------------------------------------------------------------- */

struct scan {
    struct model *model;
    const struct mq_query *query;
    struct mq_frame *frame;
};

/* What comes next once a source is bound. */
struct step {
    bool (*run)(struct scan *scan, struct step *step);
};

static bool passes(struct scan *scan, struct mq_expr *const *all, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!mq_is_true(mq_eval(scan->model, all[i], scan->frame))) return false;
    }
    return true;
}

static bool bind(struct scan *scan, size_t at, const struct mq_value *row, struct step *step) {
    const struct mq_source *s = &scan->query->sources[at];
    scan->frame->rows[at] = row;
    if (s->n_early && !passes(scan, s->early, s->n_early)) return true;
    return step->run(scan, step);
}

/* Row-level security: the agency of the transaction, for who is not the owner. */
static bool may_see(const struct model *model, const struct mq_table *table, const struct mq_row *row) {
    if (model->is_owner || table->agency_column < 0) return true;
    return model->has_agency && memcmp(row->values[table->agency_column].b.data, model->agency, 16) == 0;
}

static bool scan_path(struct scan *scan, size_t at, const struct mq_value *keys, struct step *step) {
    const struct mq_source *s = &scan->query->sources[at];
    struct mq_row *row = mq_path_find(s->table, s->path, keys);
    for (; row; row = mq_path_next(s->path, row)) {
        if (!mq_is_visible(row, scan->model->statement) || !may_see(scan->model, s->table, row)) continue;
        scan->frame->at[at] = row;
        if (!bind(scan, at, row->values, step)) return false;
    }
    return true;
}

static bool was_before(struct model *model, struct mq_value array, size_t i) {
    for (size_t k = 0; k < i; k++) {
        if (mq_same(&model->scratch, array.a.items[k], array.a.items[i])) return true;
    }
    return false;
}

/* Key by key: an array stands for each of its values once. */
static bool scan_keys(struct scan *scan, size_t at, struct mq_value *keys, size_t n, struct step *step) {
    const struct mq_source *s = &scan->query->sources[at];
    if (n == s->n_keys) return scan_path(scan, at, keys, step);
    enum mq_type type = s->table->columns[s->path->columns[n]].type;
    struct mq_value value = mq_eval(scan->model, s->keys[n], scan->frame);
    if (mq_is_null(value)) return true;
    if (!s->key_is_array[n]) {
        keys[n] = mq_cast_or_throw(scan->model, value, type);
        return scan_keys(scan, at, keys, n + 1, step);
    }
    for (size_t i = 0; i < value.a.n; i++) {
        if (mq_is_null(value.a.items[i]) || was_before(scan->model, value, i)) continue;
        keys[n] = mq_cast_or_throw(scan->model, value.a.items[i], type);
        if (!scan_keys(scan, at, keys, n + 1, step)) return false;
    }
    return true;
}

static bool scan_rows(struct scan *scan, size_t at, const struct mq_rows *rows, struct step *step) {
    for (size_t i = 0; i < rows->n; i++) {
        if (!bind(scan, at, rows->rows[i], step)) return false;
    }
    return true;
}

/* A subquery or a call; what depends on nothing here is run once. */
static const struct mq_rows *rows_of(struct scan *scan, size_t at) {
    const struct mq_source *s = &scan->query->sources[at];
    if (s->kind == MQ_FROM_CTE) {
        const struct mq_frame *frame = scan->frame;
        for (int i = 0; i < s->cte_levels; i++) frame = frame->up;
        return &frame->ctes[s->cte];
    }
    if (!s->lateral && scan->frame->kept[at]) return scan->frame->kept[at];
    struct mq_rows *rows = MQ_NEW(&scan->model->scratch, 1, struct mq_rows);
    if (s->kind == MQ_FROM_QUERY) *rows = mq_run(scan->model, s->query, scan->frame, NULL, 0, SIZE_MAX);
    else *rows = mq_call_rows(scan->model, s, scan->frame);
    scan->frame->kept[at] = rows;
    return rows;
}

static bool scan_source(struct scan *scan, size_t at, struct step *step) {
    struct mq_value keys[MQ_KEYS_MAX];
    if (scan->query->sources[at].kind == MQ_FROM_TABLE) return scan_keys(scan, at, keys, 0, step);
    return scan_rows(scan, at, rows_of(scan, at), step);
}

/* ---- joins ----------------------------------------------------------------------------------------------------- */

static bool scan_join(struct scan *scan, const struct mq_join *join, struct step *step);

struct right_step {
    struct step step;
    const struct mq_join *join;
    struct step *next;
    bool matched;
    bool *used; /* FULL: which rows of the right found a partner */
    const struct mq_rows *rows;
};

static void mark_used(struct scan *scan, struct right_step *r) {
    const struct mq_value *row = scan->frame->rows[r->join->right->source];
    for (size_t i = 0; r->used && i < r->rows->n; i++) r->used[i] |= r->rows->rows[i] == row;
}

static bool with_right(struct scan *scan, struct step *step) {
    struct right_step *r = (struct right_step *)step;
    if (r->join->on && !mq_is_true(mq_eval(scan->model, r->join->on, scan->frame))) return true;
    r->matched = true;
    mark_used(scan, r);
    return r->next->run(scan, r->next);
}

static void bind_nothing(struct scan *scan, const struct mq_join *join) {
    if (join->kind == MQ_LEAF) {
        scan->frame->rows[join->source] = NULL;
        return;
    }
    bind_nothing(scan, join->left);
    bind_nothing(scan, join->right);
}

static bool with_left(struct scan *scan, struct step *step) {
    struct right_step *mine = (struct right_step *)step;
    struct right_step right = {{with_right}, mine->join, mine->next, false, mine->used, mine->rows};
    if (!scan_join(scan, mine->join->right, &right.step)) return false;
    if (mine->join->kind == MQ_INNER || right.matched) return true;
    bind_nothing(scan, mine->join->right);
    return mine->next->run(scan, mine->next);
}

static bool scan_full(struct scan *scan, const struct mq_join *join, struct right_step *left) {
    if (join->right->kind != MQ_LEAF || scan->query->sources[join->right->source].kind == MQ_FROM_TABLE) {
        mq_die("a FULL JOIN with anything but a subquery to its right is not modelled");
    }
    left->rows = rows_of(scan, join->right->source);
    left->used = MQ_NEW(&scan->model->scratch, left->rows->n, bool);
    if (!scan_join(scan, join->left, &left->step)) return false;
    bind_nothing(scan, join->left);
    for (size_t i = 0; i < left->rows->n; i++) {
        if (left->used[i]) continue;
        scan->frame->rows[join->right->source] = left->rows->rows[i];
        if (!left->next->run(scan, left->next)) return false;
    }
    return true;
}

static bool scan_join(struct scan *scan, const struct mq_join *join, struct step *step) {
    if (join->kind == MQ_LEAF) return scan_source(scan, join->source, step);
    struct right_step left = {.step = {with_left}, .join = join, .next = step};
    return join->kind == MQ_FULL ? scan_full(scan, join, &left) : scan_join(scan, join->left, &left.step);
}

struct last_step {
    struct step step;
    mq_bound_fn bound;
    void *context;
};

static bool at_the_end(struct scan *scan, struct step *step) {
    struct last_step *last = (struct last_step *)step;
    if (!passes(scan, scan->query->where_late, scan->query->n_where_late)) return true;
    return last->bound(last->context, scan->frame);
}

bool mq_scan(struct model *model, const struct mq_query *q, struct mq_frame *frame, mq_bound_fn bound, void *context) {
    struct scan scan = {model, q, frame};
    struct last_step last = {{at_the_end}, bound, context};
    return q->from ? scan_join(&scan, q->from, &last.step) : at_the_end(&scan, &last.step);
}

/* ---- SELECT ---------------------------------------------------------------------------------------------------- */

struct select {
    struct model *model;
    const struct mq_query *query;
    struct mq_rows rows; /* targets, then what they are sorted by */
    size_t stop_at;
    struct mq_groups *groups;
    struct mq_frame *kept_frames; /* windows: the rows as they were bound */
    size_t n_kept;
};

static bool emit(void *context, struct mq_frame *frame) {
    struct select *s = context;
    const struct mq_query *q = s->query;
    struct mq_value *row = MQ_NEW(&s->model->scratch, q->n_targets + q->n_order + q->n_distinct_on, struct mq_value);
    size_t n = 0;
    for (size_t i = 0; i < q->n_targets; i++) row[n++] = mq_eval(s->model, q->targets[i].expr, frame);
    for (size_t i = 0; i < q->n_order; i++) row[n++] = mq_eval(s->model, q->order[i].expr, frame);
    for (size_t i = 0; i < q->n_distinct_on; i++) row[n++] = mq_eval(s->model, q->distinct_on[i], frame);
    mq_rows_add(s->model, &s->rows, row);
    return s->rows.n < s->stop_at;
}

static bool emit_group(void *context, struct mq_frame *frame) {
    struct select *s = context;
    if (s->query->having && !mq_is_true(mq_eval(s->model, s->query->having, frame))) return true;
    return emit(s, frame);
}

static bool collect(void *context, struct mq_frame *frame) {
    struct select *s = context;
    mq_groups_add(s->model, s->groups, frame);
    return true;
}

/* ---- order, distinct, limit ------------------------------------------------------------------------------------ */

struct sorting {
    struct model *model;
    const struct mq_query *query;
    size_t first; /* where the keys stand in a row; SIZE_MAX: they are columns of it */
};

static int by_order(struct sorting *sorting, const struct mq_value *a, const struct mq_value *b) {
    for (size_t i = 0; i < sorting->query->n_order; i++) {
        const struct mq_order *o = &sorting->query->order[i];
        size_t at = sorting->first == SIZE_MAX ? (size_t)o->expr->column : sorting->first + i;
        bool a_null = mq_is_null(a[at]), b_null = mq_is_null(b[at]);
        int order;
        if (a_null || b_null) order = (a_null - b_null) * (o->nulls_first ? -1 : 1);
        else order = mq_compare(&sorting->model->scratch, a[at], b[at]) * (o->descending ? -1 : 1);
        if (order) return order;
    }
    return 0;
}

/* Stable, so that rows which are equal stay as they were found. */
static void merge_sort(struct sorting *sorting, struct mq_value **rows, struct mq_value **room, size_t n) {
    if (n < 2) return;
    size_t half = n / 2, left = 0, right = half, out = 0;
    merge_sort(sorting, rows, room, half);
    merge_sort(sorting, rows + half, room, n - half);
    while (left < half && right < n) {
        bool take_right = by_order(sorting, rows[right], rows[left]) < 0;
        room[out++] = take_right ? rows[right++] : rows[left++];
    }
    while (left < half) room[out++] = rows[left++];
    memcpy(rows, room, out * sizeof *rows);
}

static void sort_rows(struct model *model, const struct mq_query *q, struct mq_rows *rows, size_t first) {
    if (q->n_order == 0 || rows->n < 2) return;
    struct sorting sorting = {model, q, first};
    merge_sort(&sorting, rows->rows, MQ_NEW(&model->scratch, rows->n, struct mq_value *), rows->n);
}

static bool same_values(struct model *model, const struct mq_value *a, const struct mq_value *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!mq_same(&model->scratch, a[i], b[i])) return false;
    }
    return true;
}

static uint64_t hash_row(const struct mq_value *row, size_t n) {
    uint64_t hash = 7;
    for (size_t i = 0; i < n; i++) hash = hash * 31 + mq_hash(row[i]);
    return hash;
}

/* Keep the first of rows whose values from `first` on are the same. */
static void drop_repeats(struct model *model, struct mq_rows *rows, size_t first, size_t n) {
    size_t room = 16, kept = 0;
    while (room < rows->n * 2) room *= 2;
    size_t *slots = MQ_NEW(&model->scratch, room, size_t);
    for (size_t i = 0; i < rows->n; i++) {
        size_t at = hash_row(rows->rows[i] + first, n) & (room - 1);
        while (slots[at] && !same_values(model, rows->rows[slots[at] - 1] + first, rows->rows[i] + first, n)) at = (at + 1) & (room - 1);
        if (slots[at]) continue;
        rows->rows[kept++] = rows->rows[i];
        slots[at] = kept;
    }
    rows->n = kept;
}

static void cut(struct model *model, const struct mq_query *q, struct mq_frame *frame, struct mq_rows *rows) {
    if (q->offset) {
        struct mq_value offset = mq_eval(model, q->offset, frame);
        size_t skip = mq_is_null(offset) ? 0 : (size_t)offset.i < rows->n ? (size_t)offset.i : rows->n;
        rows->rows += skip, rows->n -= skip;
    }
    if (!q->limit) return;
    struct mq_value limit = mq_eval(model, q->limit, frame);
    if (!mq_is_null(limit) && (size_t)limit.i < rows->n) rows->n = (size_t)limit.i;
}

/* ---- windows --------------------------------------------------------------------------------------------------- */

struct window_row {
    size_t at; /* in the order in which it was bound */
    struct mq_value *keys; /* partition, order, argument */
    bool counts;
};

static bool keep_frame(void *context, struct mq_frame *frame) {
    struct select *s = context;
    s->kept_frames = mq_grow(&s->model->scratch, s->kept_frames, s->n_kept, sizeof *s->kept_frames);
    struct mq_frame *kept = &s->kept_frames[s->n_kept++];
    *kept = *frame;
    kept->rows = mq_copy(&s->model->scratch, frame->rows, s->query->n_sources * sizeof *frame->rows);
    kept->windows = MQ_NEW(&s->model->scratch, s->query->n_windows, struct mq_value);
    return true;
}

static int window_order(struct model *model, const struct mq_expr *w, const struct mq_value *a, const struct mq_value *b, size_t from) {
    for (size_t i = from; i < w->n_partition + w->n_order; i++) {
        bool a_null = mq_is_null(a[i]), b_null = mq_is_null(b[i]);
        int order = a_null || b_null ? a_null - b_null : mq_compare(&model->scratch, a[i], b[i]);
        if (order) return i >= w->n_partition && w->order[i - w->n_partition].descending ? -order : order;
    }
    return 0;
}

static void sort_window(struct model *model, const struct mq_expr *w, struct window_row *rows, size_t n) {
    for (size_t i = 1; i < n; i++) {
        struct window_row row = rows[i];
        size_t at = i;
        for (; at > 0 && window_order(model, w, row.keys, rows[at - 1].keys, 0) < 0; at--) rows[at] = rows[at - 1];
        rows[at] = row;
    }
}

/* count and sum over a partition: of all of it, or, with an order, of what comes up to a row and its equals. */
static struct mq_value window_sum(struct model *model, const struct mq_expr *w, const struct window_row *rows, size_t end, size_t first) {
    struct mq_value out = strcmp(w->name, "count") == 0 ? mq_int(0) : mq_null();
    for (size_t i = first; i < end; i++) {
        struct mq_value v = w->n ? rows[i].keys[w->n_partition + w->n_order] : mq_int(1);
        if (!rows[i].counts || mq_is_null(v)) continue;
        if (strcmp(w->name, "count") == 0) out.i++;
        else out = mq_is_null(out) ? v : mq_arithmetic(model, MQ_ADD, out, v);
    }
    return out;
}

static struct mq_value window_value(struct model *model, const struct mq_expr *w, const struct window_row *rows, size_t i, size_t first,
                                    size_t end) {
    if (strcmp(w->name, "row_number") == 0) return mq_int((int64_t)(i - first + 1));
    if (strcmp(w->name, "lag") == 0) return i > first ? rows[i - 1].keys[w->n_partition + w->n_order] : mq_null();
    if (strcmp(w->name, "count") != 0 && strcmp(w->name, "sum") != 0) mq_die("%s over (…) is not modelled", w->name);
    size_t last = i + 1;
    while (w->n_order && last < end && window_order(model, w, rows[i].keys, rows[last].keys, 0) == 0) last++;
    return window_sum(model, w, rows, w->n_order ? last : end, first);
}

static void run_window(struct select *s, const struct mq_expr *w, size_t slot) {
    struct window_row *rows = MQ_NEW(&s->model->scratch, s->n_kept, struct window_row);
    size_t n_keys = w->n_partition + w->n_order;
    for (size_t i = 0; i < s->n_kept; i++) {
        struct mq_frame *frame = &s->kept_frames[i];
        rows[i] = (struct window_row){i, MQ_NEW(&s->model->scratch, n_keys + 1, struct mq_value), true};
        for (size_t k = 0; k < w->n_partition; k++) rows[i].keys[k] = mq_eval(s->model, w->partition[k], frame);
        for (size_t k = 0; k < w->n_order; k++) rows[i].keys[w->n_partition + k] = mq_eval(s->model, w->order[k].expr, frame);
        if (w->n) rows[i].keys[n_keys] = mq_eval(s->model, w->args[0], frame);
        if (w->filter) rows[i].counts = mq_is_true(mq_eval(s->model, w->filter, frame));
    }
    sort_window(s->model, w, rows, s->n_kept);
    for (size_t first = 0, end; first < s->n_kept; first = end) {
        for (end = first + 1; end < s->n_kept && same_values(s->model, rows[first].keys, rows[end].keys, w->n_partition);) end++;
        for (size_t i = first; i < end; i++) {
            struct mq_value *windows = (struct mq_value *)(uintptr_t)s->kept_frames[rows[i].at].windows;
            windows[slot] = window_value(s->model, w, rows, i, first, end);
        }
    }
}

static void run_windows(struct select *s, struct mq_frame *frame) {
    mq_scan(s->model, s->query, frame, keep_frame, s);
    for (size_t i = 0; i < s->query->n_windows; i++) run_window(s, s->query->windows[i], i);
    for (size_t i = 0; i < s->n_kept; i++) emit(s, &s->kept_frames[i]);
}

static struct mq_rows run_select(struct model *model, const struct mq_query *q, struct mq_frame *frame, size_t at_most) {
    struct select s = {.model = model, .query = q, .rows = {.width = q->n_targets}, .stop_at = SIZE_MAX};
    bool in_order = q->n_order == 0 && !q->distinct && !q->n_distinct_on && !q->offset;
    if (in_order) s.stop_at = at_most;
    if (in_order && q->limit && q->limit->kind == MQ_CONST && (size_t)q->limit->value.i < s.stop_at) s.stop_at = (size_t)q->limit->value.i;
    if (q->n_aggregates || q->n_group) {
        s.groups = mq_groups_begin(model, q);
        mq_scan(model, q, frame, collect, &s);
        mq_groups_end(model, s.groups, frame, emit_group, &s);
    } else if (q->n_windows) {
        run_windows(&s, frame);
    } else if (s.stop_at > 0) {
        mq_scan(model, q, frame, emit, &s);
    }
    if (q->distinct) drop_repeats(model, &s.rows, 0, q->n_targets);
    sort_rows(model, q, &s.rows, q->n_targets);
    if (q->n_distinct_on) drop_repeats(model, &s.rows, q->n_targets + q->n_order, q->n_distinct_on);
    cut(model, q, frame, &s.rows);
    return s.rows;
}

/* ---- other queries --------------------------------------------------------------------------------------------- */

static struct mq_rows run_values(struct model *model, const struct mq_query *q, struct mq_frame *frame) {
    struct mq_rows rows = {.width = q->row_width};
    for (size_t i = 0; i < q->n_rows; i++) {
        struct mq_value *row = MQ_NEW(&model->scratch, q->row_width, struct mq_value);
        for (size_t k = 0; k < q->row_width; k++) row[k] = mq_eval(model, q->rows[i][k], frame);
        mq_rows_add(model, &rows, row);
    }
    return rows;
}

static bool is_among(struct model *model, const struct mq_rows *rows, const struct mq_value *row) {
    for (size_t i = 0; i < rows->n; i++) {
        if (same_values(model, rows->rows[i], row, rows->width)) return true;
    }
    return false;
}

static struct mq_rows run_set(struct model *model, const struct mq_query *q, struct mq_frame *frame) {
    struct mq_rows left = mq_run(model, q->left, frame, NULL, 0, SIZE_MAX), right = mq_run(model, q->right, frame, NULL, 0, SIZE_MAX);
    struct mq_rows out = {.width = left.width};
    for (size_t i = 0; i < left.n; i++) {
        if (q->kind == MQ_UNION || is_among(model, &right, left.rows[i]) == (q->kind == MQ_INTERSECT)) mq_rows_add(model, &out, left.rows[i]);
    }
    for (size_t i = 0; q->kind == MQ_UNION && i < right.n; i++) mq_rows_add(model, &out, right.rows[i]);
    if (!q->all) drop_repeats(model, &out, 0, out.width);
    sort_rows(model, q, &out, SIZE_MAX);
    cut(model, q, frame, &out);
    return out;
}

struct mq_rows mq_run(struct model *model, const struct mq_query *q, struct mq_frame *up, const struct mq_value *params, size_t n_params,
                      size_t at_most) {
    struct mq_frame frame;
    size_t written;
    mq_frame_begin(model, &frame, q, up, params, n_params);
    switch (q->kind) {
    case MQ_SELECT: return run_select(model, q, &frame, at_most);
    case MQ_VALUES: return run_values(model, q, &frame);
    case MQ_UNION:
    case MQ_EXCEPT:
    case MQ_INTERSECT: return run_set(model, q, &frame);
    default: return mq_write(model, q, &frame, &written);
    }
}
