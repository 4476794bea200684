/* SPDX-License-Identifier: Apache-2.0 */
/* GROUP BY and aggregates. A group keeps the row that opened it, so that what it was grouped by can still be read. */
#include <string.h>

#include "tests/sim/model/model_in.h"

struct total {
    struct mq_value value;
    int64_t count;
    struct mq_value **items; /* array_agg, string_agg, DISTINCT: value, then what it is ordered by */
    size_t n_items;
};

struct group {
    struct mq_value *keys;
    const struct mq_value **rows;
    struct total *totals;
};

struct mq_groups {
    const struct mq_query *query;
    struct group *all;
    size_t n;
    size_t *slots, room; /* hash of keys → index + 1 */
};

struct mq_groups *mq_groups_begin(struct model *model, const struct mq_query *q) {
    struct mq_groups *groups = MQ_NEW(&model->scratch, 1, struct mq_groups);
    groups->query = q;
    return groups;
}

static struct group *add_group(struct model *model, struct mq_groups *g, struct mq_value *keys, struct mq_frame *frame) {
    g->all = mq_grow(&model->scratch, g->all, g->n, sizeof *g->all);
    struct group *group = &g->all[g->n++];
    group->keys = keys;
    group->rows = mq_copy(&model->scratch, frame->rows, g->query->n_sources * sizeof *frame->rows);
    group->totals = MQ_NEW(&model->scratch, g->query->n_aggregates, struct total);
    return group;
}

static bool same_keys(struct model *model, const struct mq_groups *g, const struct mq_value *a, const struct mq_value *b) {
    for (size_t i = 0; i < g->query->n_group; i++) {
        if (!mq_same(&model->scratch, a[i], b[i])) return false;
    }
    return true;
}

static uint64_t hash_keys(const struct mq_groups *g, const struct mq_value *keys) {
    uint64_t hash = 3;
    for (size_t i = 0; i < g->query->n_group; i++) hash = hash * 31 + mq_hash(keys[i]);
    return hash;
}

static void rehash(struct model *model, struct mq_groups *g) {
    g->room = g->room ? g->room * 2 : 32;
    g->slots = MQ_NEW(&model->scratch, g->room, size_t);
    for (size_t i = 0; i < g->n; i++) {
        size_t at = hash_keys(g, g->all[i].keys) & (g->room - 1);
        while (g->slots[at]) at = (at + 1) & (g->room - 1);
        g->slots[at] = i + 1;
    }
}

static struct group *group_of(struct model *model, struct mq_groups *g, struct mq_frame *frame) {
    size_t n_keys = g->query->n_group;
    struct mq_value *keys = MQ_NEW(&model->scratch, n_keys, struct mq_value);
    for (size_t i = 0; i < n_keys; i++) keys[i] = mq_eval(model, g->query->group[i], frame);
    if (g->n * 2 >= g->room) rehash(model, g);
    size_t at = hash_keys(g, keys) & (g->room - 1);
    for (; g->slots[at]; at = (at + 1) & (g->room - 1)) {
        if (same_keys(model, g, g->all[g->slots[at] - 1].keys, keys)) return &g->all[g->slots[at] - 1];
    }
    g->slots[at] = g->n + 1;
    return add_group(model, g, keys, frame);
}

static bool is(const struct mq_expr *e, const char *name) {
    return strcmp(e->name, name) == 0;
}

static void collect(struct model *model, const struct mq_expr *e, struct total *t, struct mq_value v, struct mq_frame *frame) {
    struct mq_value *item = MQ_NEW(&model->scratch, 2 + e->n_order, struct mq_value);
    item[0] = v;
    for (size_t i = 0; i < e->n_order; i++) item[1 + i] = mq_eval(model, e->order[i].expr, frame);
    item[1 + e->n_order] = e->n > 1 ? mq_eval(model, e->args[1], frame) : mq_null();
    for (size_t i = 0; e->distinct && i < t->n_items; i++) {
        if (mq_same(&model->scratch, t->items[i][0], v)) return;
    }
    t->items = mq_grow(&model->scratch, t->items, t->n_items, sizeof *t->items);
    t->items[t->n_items++] = item;
}

static void add_value(struct model *model, const struct mq_expr *e, struct total *t, struct mq_value v) {
    t->count++;
    if (t->count == 1) t->value = v;
    else if (is(e, "sum")) t->value = mq_arithmetic(model, MQ_ADD, t->value, v);
    else if (is(e, "min") && mq_compare(&model->scratch, v, t->value) < 0) t->value = v;
    else if (is(e, "max") && mq_compare(&model->scratch, v, t->value) > 0) t->value = v;
    else if (is(e, "bool_or")) t->value.i |= v.i;
    else if (is(e, "bool_and")) t->value.i &= v.i;
}

static void add_to(struct model *model, const struct mq_expr *e, struct total *t, struct mq_frame *frame) {
    if (e->filter && !mq_is_true(mq_eval(model, e->filter, frame))) return;
    struct mq_value v = e->n ? mq_eval(model, e->args[0], frame) : mq_bool(true);
    bool listed = is(e, "array_agg") || is(e, "string_agg");
    if (mq_is_null(v) && !is(e, "array_agg")) return;
    if (listed || e->distinct) collect(model, e, t, v, frame);
    else add_value(model, e, t, v);
}

void mq_groups_add(struct model *model, struct mq_groups *g, struct mq_frame *frame) {
    struct group *group = group_of(model, g, frame);
    for (size_t i = 0; i < g->query->n_aggregates; i++) add_to(model, g->query->aggregates[i], &group->totals[i], frame);
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

static int item_order(struct model *model, const struct mq_expr *e, struct mq_value *const a, struct mq_value *const b) {
    for (size_t i = 0; i < e->n_order; i++) {
        bool a_null = mq_is_null(a[1 + i]), b_null = mq_is_null(b[1 + i]);
        int order = a_null || b_null ? a_null - b_null : mq_compare(&model->scratch, a[1 + i], b[1 + i]);
        if (order) return e->order[i].descending ? -order : order;
    }
    return 0;
}

static void sort_items(struct model *model, const struct mq_expr *e, struct total *t) {
    for (size_t i = 1; i < t->n_items && e->n_order; i++) {
        struct mq_value *item = t->items[i];
        size_t at = i;
        for (; at > 0 && item_order(model, e, item, t->items[at - 1]) < 0; at--) t->items[at] = t->items[at - 1];
        t->items[at] = item;
    }
}

static struct mq_value array_of(struct model *model, const struct total *t) {
    if (t->n_items == 0) return mq_null();
    struct mq_value *items = MQ_NEW(&model->scratch, t->n_items, struct mq_value);
    for (size_t i = 0; i < t->n_items; i++) items[i] = t->items[i][0];
    return (struct mq_value){.kind = MQ_IS_ARRAY, .a = {items, t->n_items}};
}

static struct mq_value string_of(struct model *model, const struct mq_expr *e, const struct total *t) {
    size_t len = 0, at = 0;
    if (t->n_items == 0) return mq_null();
    for (size_t i = 0; i < t->n_items; i++) len += t->items[i][0].b.len + t->items[i][1 + e->n_order].b.len;
    uint8_t *out = mq_alloc(&model->scratch, len + 1);
    for (size_t i = 0; i < t->n_items; i++) {
        struct bytes glue = t->items[i][1 + e->n_order].b, part = t->items[i][0].b;
        if (i && glue.len) memcpy(out + at, glue.data, glue.len), at += glue.len;
        if (part.len) memcpy(out + at, part.data, part.len), at += part.len;
    }
    return mq_bytes(t->items[0][0].kind, bytes_make(out, at));
}

static struct mq_value result_of(struct model *model, const struct mq_expr *e, struct total *t) {
    sort_items(model, e, t);
    if (is(e, "array_agg")) return array_of(model, t);
    if (is(e, "string_agg")) return string_of(model, e, t);
    if (e->distinct) {
        for (size_t i = 0; i < t->n_items; i++) add_value(model, e, t, t->items[i][0]);
    }
    if (is(e, "count")) return mq_int(t->count);
    return t->count ? t->value : mq_null();
}

void mq_groups_end(struct model *model, struct mq_groups *g, struct mq_frame *frame, mq_bound_fn bound, void *context) {
    const struct mq_query *q = g->query;
    if (g->n == 0 && q->n_group == 0) {
        for (size_t i = 0; i < q->n_sources; i++) frame->rows[i] = NULL;
        add_group(model, g, NULL, frame);
    }
    struct mq_value *values = MQ_NEW(&model->scratch, q->n_aggregates, struct mq_value);
    for (size_t i = 0; i < g->n; i++) {
        for (size_t k = 0; k < q->n_aggregates; k++) values[k] = result_of(model, q->aggregates[k], &g->all[i].totals[k]);
        frame->rows = g->all[i].rows;
        frame->aggregates = values;
        if (!bound(context, frame)) return;
    }
}
