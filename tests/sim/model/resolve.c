/* SPDX-License-Identifier: Apache-2.0 */
/* What each name means: columns become (levels up, source, column), calls their functions, FROM its tables. Then plan.c. */
#include <string.h>

#include "tests/sim/model/model_in.h"
#include "tests/sim/model/parse.h"
#include "tests/sim/model/plan.h"

/** What a name may mean at a place of a query. */
struct scope {
    struct scope *up;
    struct mq_query *query;
    size_t n_visible; /* sources that stand before it */
    size_t n_ctes;
    const struct mq_function *function;
};

struct resolver {
    struct model *model;
    struct mq_arena *arena;
};

static void resolve_query(struct resolver *r, struct mq_query *q, struct scope *up, const struct mq_function *function);
static void resolve_expr(struct resolver *r, struct mq_expr *e, struct scope *scope);

/* ---- columns --------------------------------------------------------------------------------------------------- */

static int column_of(const struct mq_source *s, const char *name) {
    for (size_t i = 0; i < s->n_columns; i++) {
        if (strcmp(s->columns[i], name) == 0) return (int)i;
    }
    return -1;
}

static bool find_in(const struct scope *scope, struct mq_expr *e) {
    for (size_t i = 0; i < scope->n_visible; i++) {
        const struct mq_source *s = &scope->query->sources[i];
        if (e->qualifier && strcmp(s->alias, e->qualifier) != 0) continue;
        int column = column_of(s, e->name);
        if (column < 0) continue;
        e->source = (int)i, e->column = column;
        return true;
    }
    return false;
}

static bool find_argument(const struct mq_function *f, struct mq_expr *e) {
    for (size_t i = 0; f && i < f->n_args; i++) {
        if (e->qualifier || strcmp(f->args[i], e->name) != 0) continue;
        e->kind = MQ_PARAM, e->column = (int)i;
        return true;
    }
    return false;
}

static void resolve_column(struct mq_expr *e, struct scope *scope) {
    const struct mq_function *function = NULL;
    int levels = 0;
    if (e->is_bound) return;
    for (struct scope *s = scope; s; s = s->up, levels++) {
        e->levels = levels;
        if (find_in(s, e)) return;
        if (s->function) function = s->function;
    }
    if (!find_argument(function, e)) mq_die("there is no column %s%s%s", e->qualifier ? e->qualifier : "", e->qualifier ? "." : "", e->name);
}

/* ---- expressions ----------------------------------------------------------------------------------------------- */

static void remember(struct resolver *r, struct mq_expr ***all, size_t *n, struct mq_expr *e) {
    for (size_t i = 0; i < *n; i++) {
        if ((*all)[i] == e) return;
    }
    *all = mq_grow(r->arena, *all, *n, sizeof **all);
    e->slot = *n;
    (*all)[(*n)++] = e;
}

static void resolve_call(struct resolver *r, struct mq_expr *e) {
    e->call = mq_find_call(e->name);
    e->function = e->call ? NULL : mq_find_function(r->model, e->name);
    if (!e->call && !e->function) mq_die("the function %s is not modelled", e->name);
}

static void resolve_order(struct resolver *r, struct mq_order *order, size_t n, struct scope *scope) {
    for (size_t i = 0; i < n; i++) resolve_expr(r, order[i].expr, scope);
}

static void resolve_expr(struct resolver *r, struct mq_expr *e, struct scope *scope) {
    if (!e) return;
    if (e->kind == MQ_COLUMN) {
        resolve_column(e, scope);
        return;
    }
    for (size_t i = 0; i < e->n; i++) resolve_expr(r, e->args[i], scope);
    if (e->query) resolve_query(r, e->query, scope, NULL);
    if (e->kind == MQ_CALLED) resolve_call(r, e);
    if (e->kind == MQ_AGGREGATE) remember(r, &scope->query->aggregates, &scope->query->n_aggregates, e);
    if (e->kind == MQ_WINDOW) remember(r, &scope->query->windows, &scope->query->n_windows, e);
    resolve_expr(r, e->filter, scope);
    resolve_order(r, e->order, e->n_order, scope);
    for (size_t i = 0; i < e->n_partition; i++) resolve_expr(r, e->partition[i], scope);
}

/* ---- FROM ------------------------------------------------------------------------------------------------------ */

static struct mq_cte *find_cte(struct scope *scope, const char *name, int *levels, size_t *at) {
    *levels = 0;
    for (struct scope *s = scope; s; s = s->up, ++*levels) {
        for (size_t i = s->n_ctes; i-- > 0;) {
            if (strcmp(s->query->ctes[i].name, name) != 0) continue;
            *at = i;
            return &s->query->ctes[i];
        }
    }
    return NULL;
}

static void give_columns(struct resolver *r, struct mq_source *s, const char **names, size_t n) {
    const char **all = MQ_NEW(r->arena, n + 1, const char *);
    for (size_t i = 0; i < n; i++) all[i] = s->renamed && i < s->n_columns ? s->columns[i] : names[i];
    s->columns = all, s->n_columns = n;
}

static const char **target_names(struct resolver *r, const struct mq_query *q, size_t *n) {
    while (q->kind == MQ_UNION || q->kind == MQ_EXCEPT || q->kind == MQ_INTERSECT) q = q->left;
    *n = mq_width(q);
    const char **names = MQ_NEW(r->arena, *n + 1, const char *);
    for (size_t i = 0; i < *n; i++) names[i] = q->kind == MQ_VALUES ? "column" : q->targets[i].name;
    return names;
}

static void resolve_table_source(struct resolver *r, struct mq_source *s, struct scope *scope) {
    const char *names[MQ_COLUMNS_MAX];
    size_t n;
    struct mq_cte *cte = find_cte(scope, s->name, &s->cte_levels, &s->cte);
    if (cte) {
        s->kind = MQ_FROM_CTE;
        const char **given = target_names(r, cte->query, &n);
        for (size_t i = 0; i < n && i < cte->n_columns; i++) given[i] = cte->columns[i];
        give_columns(r, s, given, n);
        return;
    }
    s->table = mq_find_table(r->model, s->name);
    if (!s->table) mq_die("there is no table %s", s->name);
    for (size_t i = 0; i < s->table->n_columns; i++) names[i] = s->table->columns[i].name;
    give_columns(r, s, names, s->table->n_columns);
}

static void resolve_call_source(struct resolver *r, struct mq_source *s, struct scope *scope) {
    const char *names[MQ_COLUMNS_MAX];
    size_t n = 0;
    resolve_expr(r, s->call, scope);
    const struct mq_function *f = s->call->function;
    if (f && f->n_columns) {
        for (size_t i = 0; i < f->n_columns; i++) names[n++] = f->columns[i];
    } else {
        size_t width = strcmp(s->name, "unnest") == 0 ? s->call->n : 1;
        const char *name = s->alias;
        if (strcmp(s->name, "pg_control_system") == 0) name = "system_identifier"; /* of their columns those that are asked for */
        if (strcmp(s->name, "pg_control_checkpoint") == 0) name = "timeline_id";
        for (size_t i = 0; i < width; i++) names[n++] = name;
    }
    if (s->ordinality) names[n++] = "ordinality";
    give_columns(r, s, names, n);
}

static void resolve_source(struct resolver *r, struct mq_source *s, struct scope *scope) {
    if (!s->alias) s->alias = "";
    if (s->kind == MQ_FROM_QUERY) {
        size_t n;
        resolve_query(r, s->query, scope, NULL);
        const char **names = target_names(r, s->query, &n);
        give_columns(r, s, names, n);
    } else if (s->kind == MQ_FROM_CALL) {
        resolve_call_source(r, s, scope);
    } else {
        resolve_table_source(r, s, scope);
    }
}

/* USING (a, b): the columns of both sides are the same. */
static void resolve_using(struct resolver *r, struct mq_join *join, struct scope *scope) {
    for (size_t i = 0; i < join->n_using; i++) {
        struct mq_expr *e = MQ_NEW(r->arena, 1, struct mq_expr), **sides = MQ_NEW(r->arena, 2, struct mq_expr *);
        struct scope left = *scope;
        left.n_visible = join->right->source;
        for (int side = 0; side < 2; side++) {
            sides[side] = MQ_NEW(r->arena, 1, struct mq_expr);
            *sides[side] = (struct mq_expr){.kind = MQ_COLUMN, .name = join->using_columns[i]};
        }
        sides[1]->qualifier = scope->query->sources[join->right->source].alias;
        resolve_column(sides[0], &left);
        *e = (struct mq_expr){.kind = MQ_OP, .op = MQ_EQ, .args = sides, .n = 2};
        struct mq_expr *before = join->on;
        if (!before) {
            join->on = e;
            continue;
        }
        struct mq_expr **both = MQ_NEW(r->arena, 2, struct mq_expr *);
        both[0] = before, both[1] = e;
        join->on = MQ_NEW(r->arena, 1, struct mq_expr);
        *join->on = (struct mq_expr){.kind = MQ_AND, .args = both, .n = 2};
    }
}

static void resolve_joins(struct resolver *r, struct mq_join *join, struct scope *scope) {
    if (!join || join->kind == MQ_LEAF) return;
    resolve_joins(r, join->left, scope);
    resolve_joins(r, join->right, scope);
    if (join->n_using) resolve_using(r, join, scope);
    resolve_expr(r, join->on, scope);
}

/* ---- targets and order ----------------------------------------------------------------------------------------- */

static void expand_stars(struct resolver *r, struct mq_query *q, const struct scope *scope) {
    struct mq_target *all = NULL;
    size_t n = 0;
    for (size_t i = 0; i < q->n_targets; i++) {
        const struct mq_expr *star = q->targets[i].expr;
        if (star->kind != MQ_STAR) {
            all = mq_grow(r->arena, all, n, sizeof *all);
            all[n++] = q->targets[i];
            continue;
        }
        for (size_t s = 0; s < scope->n_visible; s++) {
            const struct mq_source *source = &q->sources[s];
            if (star->qualifier && strcmp(star->qualifier, source->alias) != 0) continue;
            for (size_t c = 0; c < source->n_columns; c++) {
                struct mq_expr *e = MQ_NEW(r->arena, 1, struct mq_expr);
                *e = (struct mq_expr){.kind = MQ_COLUMN, .name = source->columns[c], .is_bound = true, .source = (int)s, .column = (int)c};
                all = mq_grow(r->arena, all, n, sizeof *all);
                all[n++] = (struct mq_target){e, source->columns[c]};
            }
        }
    }
    q->targets = all, q->n_targets = n;
}

/* A number or a target's name stands for the target. */
static struct mq_expr *as_target(const struct mq_query *q, struct mq_expr *e, size_t *at) {
    for (size_t i = 0; i < q->n_targets; i++) {
        bool by_number = e->kind == MQ_CONST && e->value.kind == MQ_IS_INT && e->value.i == (int64_t)i + 1;
        bool by_name = e->kind == MQ_COLUMN && !e->qualifier && strcmp(q->targets[i].name, e->name) == 0;
        if (!by_number && !by_name) continue;
        *at = i;
        return q->targets[i].expr;
    }
    return NULL;
}

static void resolve_select_order(struct resolver *r, struct mq_query *q, struct scope *scope) {
    size_t at;
    for (size_t i = 0; i < q->n_order; i++) {
        struct mq_expr *target = as_target(q, q->order[i].expr, &at);
        if (target) q->order[i].expr = target;
        else resolve_expr(r, q->order[i].expr, scope);
    }
    for (size_t i = 0; i < q->n_distinct_on; i++) resolve_expr(r, q->distinct_on[i], scope);
}

/* GROUP BY: a source's column before a target of that name. */
static void resolve_group(struct resolver *r, struct mq_query *q, struct scope *scope) {
    size_t at;
    for (size_t i = 0; i < q->n_group; i++) {
        struct mq_expr *e = q->group[i];
        struct mq_expr probe = *e;
        if (e->kind == MQ_COLUMN && find_in(scope, &probe)) resolve_expr(r, e, scope);
        else if (as_target(q, e, &at)) q->group[i] = q->targets[at].expr;
        else resolve_expr(r, e, scope);
    }
}

/* The order of a union is that of its own columns. */
static void resolve_set_order(struct resolver *r, struct mq_query *q) {
    size_t n;
    const char **names = target_names(r, q, &n);
    for (size_t i = 0; i < q->n_order; i++) {
        struct mq_expr *e = q->order[i].expr;
        int column = e->kind == MQ_CONST ? (int)e->value.i - 1 : -1;
        for (size_t k = 0; e->kind == MQ_COLUMN && k < n && column < 0; k++) {
            if (strcmp(names[k], e->name) == 0) column = (int)k;
        }
        if (column < 0) mq_die("an order of a union by %s is not modelled", e->name ? e->name : "an expression");
        e->column = column;
    }
}

/* ---- DML ------------------------------------------------------------------------------------------------------- */

static void resolve_sets(struct resolver *r, struct mq_query *q, struct scope *scope) {
    for (size_t i = 0; i < q->n_sets; i++) {
        int column = mq_table_column(q->sources[0].table, q->sets[i].name);
        if (column < 0) mq_die("there is no column %s", q->sets[i].name);
        q->sets[i].column = (size_t)column;
        resolve_expr(r, q->sets[i].expr, scope);
    }
}

static void resolve_insert(struct resolver *r, struct mq_query *q, struct scope *scope) {
    struct mq_table *table = q->sources[0].table;
    if (q->input) resolve_query(r, q->input, scope, NULL);
    if (!q->into) q->n_into = q->input ? table->n_columns : 0;
    for (size_t i = 0; i < q->n_into; i++) {
        int column = q->into ? mq_table_column(table, q->into[i]) : (int)i;
        if (column < 0) mq_die("table %s has no column %s", table->name, q->into[i]);
        q->into_at[i] = (size_t)column;
    }
    if (q->conflict == MQ_CONFLICT_UPDATE) { /* EXCLUDED is a source of its own */
        q->sources = mq_grow(r->arena, q->sources, 1, sizeof *q->sources);
        struct mq_source *both = MQ_NEW(r->arena, 2, struct mq_source);
        both[0] = both[1] = q->sources[0];
        both[1].alias = "excluded";
        q->sources = both, q->n_sources = 2;
    }
    scope->n_visible = q->n_sources;
    resolve_expr(r, q->conflict_where, scope);
    resolve_expr(r, q->where, scope);
    resolve_sets(r, q, scope);
    scope->n_visible = 1;
}

/* ---- queries --------------------------------------------------------------------------------------------------- */

size_t mq_width(const struct mq_query *q) {
    while (q->kind == MQ_UNION || q->kind == MQ_EXCEPT || q->kind == MQ_INTERSECT) q = q->left;
    return q->kind == MQ_VALUES ? q->row_width : q->n_targets;
}

static void resolve_body(struct resolver *r, struct mq_query *q, struct scope *scope) {
    for (size_t i = 0; i < q->n_sources; i++) {
        resolve_source(r, &q->sources[i], scope);
        scope->n_visible = i + 1;
    }
    resolve_joins(r, q->from, scope);
    if (q->kind == MQ_INSERT) resolve_insert(r, q, scope);
    else {
        resolve_expr(r, q->where, scope);
        resolve_sets(r, q, scope);
    }
    expand_stars(r, q, scope);
    for (size_t i = 0; i < q->n_targets; i++) resolve_expr(r, q->targets[i].expr, scope);
    resolve_group(r, q, scope);
    resolve_expr(r, q->having, scope);
    resolve_select_order(r, q, scope);
    resolve_expr(r, q->limit, scope);
    resolve_expr(r, q->offset, scope);
    mq_plan(r->model, q);
}

static void resolve_query(struct resolver *r, struct mq_query *q, struct scope *up, const struct mq_function *function) {
    if (q->resolved) return;
    q->resolved = true;
    struct scope scope = {.up = up, .query = q, .function = function};
    for (size_t i = 0; i < q->n_ctes; i++) {
        resolve_query(r, q->ctes[i].query, &scope, NULL);
        scope.n_ctes = i + 1;
    }
    if (q->left) {
        resolve_query(r, q->left, &scope, NULL);
        resolve_query(r, q->right, &scope, NULL);
        resolve_set_order(r, q);
        resolve_expr(r, q->limit, &scope);
    } else if (q->kind == MQ_VALUES) {
        for (size_t i = 0; i < q->n_rows; i++) {
            for (size_t k = 0; k < q->row_width; k++) resolve_expr(r, q->rows[i][k], &scope);
        }
    } else {
        resolve_body(r, q, &scope);
    }
}

void mq_resolve(struct model *model, struct mq_query *query, const struct mq_function *function) {
    struct resolver r = {model, &model->lasting};
    resolve_query(&r, query, NULL, function);
}

void mq_resolve_on(struct model *model, struct mq_expr *expr, struct mq_table *table) {
    if (!expr) return;
    struct resolver r = {model, &model->lasting};
    struct mq_query q = {.kind = MQ_SELECT, .n_sources = 1};
    struct mq_source s = {.kind = MQ_FROM_TABLE, .name = table->name, .alias = table->name};
    q.sources = &s;
    struct scope scope = {.query = &q, .n_visible = 1};
    resolve_table_source(&r, &s, &scope);
    resolve_expr(&r, expr, &scope);
}
