/* SPDX-License-Identifier: Apache-2.0 */
/* Sources are bound as they are written; a table is reached by the longest key whose values are known by then. */
#include "tests/sim/model/plan.h"

#include <string.h>

/* ---- what an expression needs ---------------------------------------------------------------------------------- */

struct needs {
    const struct mq_query *query;
    int place;      /* the latest source that it names; -1: none */
    bool aggregate; /* or window */
};

static void walk_query(const struct mq_query *q, int depth, struct needs *needs);

static void walk(const struct mq_expr *e, int depth, struct needs *needs) {
    if (!e) return;
    if (e->kind == MQ_COLUMN && e->levels == depth) {
        int place = needs->query->sources[e->source].place;
        if (place > needs->place) needs->place = place;
    }
    if ((e->kind == MQ_AGGREGATE || e->kind == MQ_WINDOW) && depth == 0) needs->aggregate = true;
    for (size_t i = 0; i < e->n; i++) walk(e->args[i], depth, needs);
    walk(e->filter, depth, needs);
    for (size_t i = 0; i < e->n_order; i++) walk(e->order[i].expr, depth, needs);
    for (size_t i = 0; i < e->n_partition; i++) walk(e->partition[i], depth, needs);
    if (e->query) walk_query(e->query, depth + 1, needs);
}

static void walk_join(const struct mq_join *join, int depth, struct needs *needs) {
    if (!join || join->kind == MQ_LEAF) return;
    walk_join(join->left, depth, needs);
    walk_join(join->right, depth, needs);
    walk(join->on, depth, needs);
}

static void walk_query(const struct mq_query *q, int depth, struct needs *needs) {
    for (size_t i = 0; i < q->n_ctes; i++) walk_query(q->ctes[i].query, depth + 1, needs);
    for (size_t i = 0; i < q->n_sources; i++) {
        walk(q->sources[i].call, depth, needs);
        if (q->sources[i].query) walk_query(q->sources[i].query, depth + 1, needs);
    }
    walk_join(q->from, depth, needs);
    walk(q->where, depth, needs);
    for (size_t i = 0; i < q->n_targets; i++) walk(q->targets[i].expr, depth, needs);
    for (size_t i = 0; i < q->n_group; i++) walk(q->group[i], depth, needs);
    walk(q->having, depth, needs);
    if (!q->left) {
        for (size_t i = 0; i < q->n_order; i++) walk(q->order[i].expr, depth, needs);
    }
    walk(q->limit, depth, needs);
    for (size_t i = 0; i < q->n_sets; i++) walk(q->sets[i].expr, depth, needs);
    for (size_t i = 0; i < q->n_rows; i++) {
        for (size_t k = 0; k < q->row_width; k++) walk(q->rows[i][k], depth, needs);
    }
    if (q->left) walk_query(q->left, depth + 1, needs), walk_query(q->right, depth + 1, needs);
    if (q->input) walk_query(q->input, depth + 1, needs);
}

static struct needs needs_of(const struct mq_query *q, const struct mq_expr *e) {
    struct needs needs = {.query = q, .place = -1};
    walk(e, 0, &needs);
    return needs;
}

static bool is_free(const struct mq_query *q, const struct mq_query *inner) {
    struct needs needs = {.query = q, .place = -1};
    walk_query(inner, 1, &needs);
    return needs.place < 0;
}

/* ---- conjuncts ------------------------------------------------------------------------------------------------- */

#define CONJUNCTS_MAX 64

struct conjuncts {
    struct mq_expr *all[CONJUNCTS_MAX];
    bool used[CONJUNCTS_MAX]; /* a key sees to it */
    bool is_where[CONJUNCTS_MAX];
    size_t n;
};

static void split(struct conjuncts *c, struct mq_expr *e, bool is_where) {
    if (!e) return;
    if (e->kind == MQ_AND) {
        split(c, e->args[0], is_where);
        split(c, e->args[1], is_where);
        return;
    }
    if (c->n == CONJUNCTS_MAX) mq_die("too many conditions");
    c->is_where[c->n] = is_where;
    c->all[c->n++] = e;
}

/* ---- places ---------------------------------------------------------------------------------------------------- */

static void number_sources(struct mq_query *q, struct mq_join *join, bool nullable, int *next) {
    if (!join) return;
    if (join->kind == MQ_LEAF) {
        q->sources[join->source].place = (*next)++;
        q->sources[join->source].nullable = nullable;
        return;
    }
    number_sources(q, join->left, nullable || join->kind == MQ_FULL, next);
    number_sources(q, join->right, nullable || join->kind != MQ_INNER, next);
}

/* ---- keys ------------------------------------------------------------------------------------------------------ */

static bool is_column_of(const struct mq_expr *e, size_t source, int column) {
    return e->kind == MQ_COLUMN && e->levels == 0 && (size_t)e->source == source && e->column == column;
}

/* The value that a condition wants of a column, if it is known before the source is bound. */
static struct mq_expr *value_for(const struct mq_query *q, size_t source, int column, struct mq_expr *e, bool *is_array) {
    *is_array = e->kind == MQ_ANY;
    if ((e->kind != MQ_OP && e->kind != MQ_ANY) || e->op != MQ_EQ) return NULL;
    for (int side = 0; side < (*is_array ? 1 : 2); side++) {
        if (!is_column_of(e->args[side], source, column)) continue;
        struct needs needs = needs_of(q, e->args[1 - side]);
        if (needs.place < q->sources[source].place && !needs.aggregate) return e->args[1 - side];
    }
    return NULL;
}

struct key {
    struct mq_expr *exprs[MQ_KEYS_MAX];
    bool is_array[MQ_KEYS_MAX];
    size_t conjuncts[MQ_KEYS_MAX], n;
};

static struct key key_of(const struct mq_query *q, size_t source, const struct mq_index *index, const struct conjuncts *c) {
    struct key key = {.n = 0};
    for (; key.n < index->n; key.n++) {
        bool found = false;
        for (size_t i = 0; i < c->n && !found; i++) {
            key.exprs[key.n] = value_for(q, source, index->columns[key.n], c->all[i], &key.is_array[key.n]);
            key.conjuncts[key.n] = i;
            found = key.exprs[key.n] != NULL;
        }
        if (!found) break;
    }
    return key;
}

static bool tells_nothing(const struct mq_table *table, const struct mq_index *index, const struct key *key) {
    return key->n == 0 || (key->n == 1 && index->columns[0] == table->agency_column && table->n_columns > 0 &&
                           !(index->n == 1));
}

static void choose_path(struct mq_query *q, size_t at, struct conjuncts *c) {
    struct mq_source *s = &q->sources[at];
    struct key best = {.n = 0};
    const struct mq_index *best_index = NULL;
    for (size_t i = 0; i < s->table->n_indexes; i++) {
        const struct mq_index *index = &s->table->indexes[i];
        if (!index->is_plain) continue;
        struct key key = key_of(q, at, index, c);
        if (tells_nothing(s->table, index, &key) || key.n <= best.n) continue;
        best = key, best_index = index;
    }
    s->path = best_index ? mq_table_path(s->table, best_index->columns, best.n) : s->table->paths[0];
    s->n_keys = best.n;
    for (size_t i = 0; i < best.n; i++) {
        s->keys[i] = best.exprs[i], s->key_is_array[i] = best.is_array[i];
        c->used[best.conjuncts[i]] = true;
    }
}

/* The conditions that say which rows of a source are wanted: WHERE, and ON where it stands to the right of it. */
static void plan_join(struct model *model, struct mq_query *q, struct mq_join *join, struct conjuncts *where,
                      struct conjuncts *on) {
    if (join->kind != MQ_LEAF) {
        struct conjuncts none = {.n = 0}, right = {.n = 0};
        if (join->kind == MQ_INNER) right = *on;
        if (join->kind != MQ_FULL) split(&right, join->on, false);
        plan_join(model, q, join->left, where, join->kind == MQ_INNER ? on : &none);
        plan_join(model, q, join->right, where, join->kind == MQ_FULL ? &none : &right);
        return;
    }
    struct mq_source *s = &q->sources[join->source];
    if (s->kind != MQ_FROM_TABLE) return;
    struct conjuncts all = *on;
    size_t n_on = all.n;
    for (size_t i = 0; i < where->n && !s->nullable; i++) {
        all.is_where[all.n] = true;
        all.used[all.n] = false;
        if (all.n == CONJUNCTS_MAX) mq_die("too many conditions");
        all.all[all.n++] = where->all[i];
    }
    choose_path(q, join->source, &all);
    for (size_t i = n_on; i < all.n; i++) where->used[i - n_on] |= all.used[i];
}

static void place_where(struct model *model, struct mq_query *q, struct conjuncts *where) {
    for (size_t i = 0; i < where->n; i++) {
        if (where->used[i]) continue;
        struct needs needs = needs_of(q, where->all[i]);
        struct mq_source *at = NULL;
        for (size_t k = 0; k < q->n_sources; k++) {
            if (q->sources[k].place == (needs.place < 0 ? 0 : needs.place)) at = &q->sources[k];
        }
        struct mq_expr ***list = at && !at->nullable ? &at->early : &q->where_late;
        size_t *n = at && !at->nullable ? &at->n_early : &q->n_where_late;
        *list = mq_grow(&model->lasting, *list, *n, sizeof **list);
        (*list)[(*n)++] = where->all[i];
    }
}

void mq_plan(struct model *model, struct mq_query *q) {
    if (q->kind == MQ_INSERT) return;
    int next = 0;
    number_sources(q, q->from, false, &next);
    struct conjuncts where = {.n = 0}, none = {.n = 0};
    split(&where, q->where, true);
    if (q->from) plan_join(model, q, q->from, &where, &none);
    place_where(model, q, &where);
    for (size_t i = 0; i < q->n_sources; i++) {
        struct mq_source *s = &q->sources[i];
        if (s->kind == MQ_FROM_QUERY) s->lateral = !is_free(q, s->query);
        if (s->kind == MQ_FROM_CALL) s->lateral = needs_of(q, s->call).place >= 0;
    }
}
