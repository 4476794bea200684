/* SPDX-License-Identifier: Apache-2.0 */
/* Queries: SELECT with all its parts, VALUES, set operations, INSERT, UPDATE, DELETE. */
#include <string.h>

#include "tests/sim/model/parse.h"

/* Words that end an item, so that they are no alias of it. */
static bool is_reserved(const char *word) {
    static const char *const all[] = {
        "from", "where", "on", "left", "right", "join", "cross", "inner", "full", "order", "group", "having", "limit", "offset", "union",
        "except", "intersect", "for", "returning", "set", "as", "window", "using", "when", "then", "else", "end", "and", "or", "not",
        "is", "in", "between", "with", "lateral", "asc", "desc", "nulls", "filter", "over", "select", "values", "do", "natural"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i], word) == 0) return true;
    }
    return false;
}

static const char *take_alias(struct mq_parser *p) {
    if (mq_take_word(p, "as")) return mq_want_name(p);
    const struct mq_token *t = &p->tokens[p->at];
    if (t->kind == MQ_QUOTED || (t->kind == MQ_WORD && !is_reserved(t->text))) return mq_want_name(p);
    return NULL;
}

const char **mq_parse_names(struct mq_parser *p, size_t *n) {
    const char **names = NULL;
    *n = 0;
    if (!mq_take_sign(p, "(")) return NULL;
    do {
        names = mq_grow(p->arena, names, *n, sizeof *names);
        names[(*n)++] = mq_want_name(p);
    } while (mq_take_sign(p, ","));
    mq_want_sign(p, ")");
    return names;
}

struct mq_order *mq_parse_order(struct mq_parser *p, size_t *n) {
    struct mq_order *all = NULL;
    *n = 0;
    mq_want_word(p, "order");
    mq_want_word(p, "by");
    do {
        all = mq_grow(p->arena, all, *n, sizeof *all);
        struct mq_order *o = &all[(*n)++];
        *o = (struct mq_order){.expr = mq_parse_expr(p)};
        o->descending = mq_take_word(p, "desc");
        if (!o->descending) mq_take_word(p, "asc");
        o->nulls_first = o->descending;
        if (mq_take_word(p, "nulls")) {
            o->nulls_first = mq_take_word(p, "first");
            if (!o->nulls_first) mq_want_word(p, "last");
        }
    } while (mq_take_sign(p, ","));
    return all;
}

/* What PostgreSQL calls a column that nobody named. */
static const char *name_of(const struct mq_expr *e) {
    switch (e->kind) {
    case MQ_COLUMN:
    case MQ_CALLED:
    case MQ_AGGREGATE:
    case MQ_WINDOW: return e->name;
    case MQ_CAST: return name_of(e->args[0]);
    case MQ_CASE: return "case";
    case MQ_EXISTS: return "exists";
    case MQ_SCALAR: return e->query->n_targets ? e->query->targets[0].name : "?column?";
    case MQ_ARRAY_OF_QUERY:
    case MQ_ARRAY_LIST: return "array";
    default: return "?column?";
    }
}

static void parse_targets(struct mq_parser *p, struct mq_query *q) {
    do {
        q->targets = mq_grow(p->arena, q->targets, q->n_targets, sizeof *q->targets);
        struct mq_target *t = &q->targets[q->n_targets++];
        t->expr = mq_parse_expr(p);
        t->name = take_alias(p);
        if (!t->name) t->name = name_of(t->expr);
    } while (mq_take_sign(p, ","));
}

/* ---- FROM ------------------------------------------------------------------------------------------------------ */

static void name_source(struct mq_parser *p, struct mq_source *s) {
    const char *alias = take_alias(p);
    s->alias = alias ? alias : s->name;
    if (!alias) return;
    s->columns = mq_parse_names(p, &s->n_columns);
    s->renamed = s->columns != NULL;
}

static struct mq_join *parse_join(struct mq_parser *p, struct mq_query *q);

static struct mq_join *parse_source(struct mq_parser *p, struct mq_query *q) {
    struct mq_source s = {.lateral = mq_take_word(p, "lateral")};
    if (mq_take_sign(p, "(")) {
        if (!mq_at_word(p, "select") && !mq_at_word(p, "values") && !mq_at_word(p, "with")) {
            struct mq_join *inner = parse_join(p, q);
            mq_want_sign(p, ")");
            return inner;
        }
        s.kind = MQ_FROM_QUERY;
        s.query = mq_parse_query(p);
        mq_want_sign(p, ")");
    } else {
        s.name = mq_want_name(p);
        if (mq_at_sign(p, "(")) {
            p->at--;
            s.kind = MQ_FROM_CALL;
            s.call = mq_parse_expr(p);
            s.lateral = true;
            if (mq_take_word(p, "with")) {
                mq_want_word(p, "ordinality");
                s.ordinality = true;
            }
        }
    }
    name_source(p, &s);
    q->sources = mq_grow(p->arena, q->sources, q->n_sources, sizeof *q->sources);
    struct mq_join *leaf = MQ_NEW(p->arena, 1, struct mq_join);
    leaf->source = q->n_sources;
    q->sources[q->n_sources++] = s;
    return leaf;
}

static struct mq_join *joined(struct mq_parser *p, enum mq_join_kind kind, struct mq_join *left, struct mq_join *right) {
    struct mq_join *join = MQ_NEW(p->arena, 1, struct mq_join);
    *join = (struct mq_join){.kind = kind, .left = left, .right = right};
    return join;
}

static struct mq_join *parse_join(struct mq_parser *p, struct mq_query *q) {
    struct mq_join *left = parse_source(p, q);
    for (;;) {
        enum mq_join_kind kind = MQ_INNER;
        bool cross = mq_take_word(p, "cross");
        if (mq_take_word(p, "left")) kind = MQ_LEFT;
        else if (mq_take_word(p, "full")) kind = MQ_FULL;
        else mq_take_word(p, "inner");
        mq_take_word(p, "outer");
        if (!mq_take_word(p, "join")) return left;
        left = joined(p, kind, left, parse_source(p, q));
        if (cross) continue;
        if (mq_take_word(p, "using")) left->using_columns = mq_parse_names(p, &left->n_using);
        else {
            mq_want_word(p, "on");
            left->on = mq_parse_expr(p);
        }
    }
}

static void parse_from(struct mq_parser *p, struct mq_query *q) {
    do {
        struct mq_join *item = parse_join(p, q);
        q->from = q->from ? joined(p, MQ_INNER, q->from, item) : item;
    } while (mq_take_sign(p, ","));
}

/* ---- SELECT ---------------------------------------------------------------------------------------------------- */

static struct mq_expr **parse_exprs(struct mq_parser *p, size_t *n) {
    struct mq_expr **all = NULL;
    do {
        all = mq_grow(p->arena, all, *n, sizeof *all);
        all[(*n)++] = mq_parse_expr(p);
    } while (mq_take_sign(p, ","));
    return all;
}

static struct mq_query *parse_select(struct mq_parser *p) {
    struct mq_query *q = MQ_NEW(p->arena, 1, struct mq_query);
    mq_want_word(p, "select");
    if (mq_take_word(p, "distinct")) {
        q->distinct = !mq_take_word(p, "on");
        if (!q->distinct) {
            mq_want_sign(p, "(");
            q->distinct_on = parse_exprs(p, &q->n_distinct_on);
            mq_want_sign(p, ")");
        }
    }
    if (!mq_at_word(p, "from")) parse_targets(p, q);
    if (mq_take_word(p, "from")) parse_from(p, q);
    if (mq_take_word(p, "where")) q->where = mq_parse_expr(p);
    if (mq_take_word(p, "group")) {
        mq_want_word(p, "by");
        q->group = parse_exprs(p, &q->n_group);
    }
    if (mq_take_word(p, "having")) q->having = mq_parse_expr(p);
    return q;
}

static struct mq_query *parse_values(struct mq_parser *p) {
    struct mq_query *q = MQ_NEW(p->arena, 1, struct mq_query);
    q->kind = MQ_VALUES;
    mq_want_word(p, "values");
    do {
        size_t width = 0;
        mq_want_sign(p, "(");
        q->rows = mq_grow(p->arena, q->rows, q->n_rows, sizeof *q->rows);
        q->rows[q->n_rows++] = parse_exprs(p, &width);
        q->row_width = width;
        mq_want_sign(p, ")");
    } while (mq_take_sign(p, ","));
    return q;
}

static struct mq_query *parse_term(struct mq_parser *p) {
    if (mq_take_sign(p, "(")) {
        struct mq_query *q = mq_parse_query(p);
        mq_want_sign(p, ")");
        return q;
    }
    return mq_at_word(p, "values") ? parse_values(p) : parse_select(p);
}

/* Locks need no work: one transaction runs at a time. */
static void skip_locking(struct mq_parser *p) {
    while (mq_take_word(p, "for")) {
        while (mq_take_word(p, "no") || mq_take_word(p, "key") || mq_take_word(p, "update") || mq_take_word(p, "share")) continue;
        if (mq_take_word(p, "of")) {
            do mq_want_name(p);
            while (mq_take_sign(p, ","));
        }
        while (mq_take_word(p, "skip") || mq_take_word(p, "locked") || mq_take_word(p, "nowait")) continue;
    }
}

static struct mq_query *set_operation(struct mq_parser *p, enum mq_query_kind kind, struct mq_query *left) {
    struct mq_query *q = MQ_NEW(p->arena, 1, struct mq_query);
    q->kind = kind;
    q->all = mq_take_word(p, "all");
    q->left = left;
    q->right = parse_term(p);
    q->targets = left->targets, q->n_targets = left->n_targets; /* its names */
    return q;
}

static struct mq_query *parse_sets(struct mq_parser *p) {
    struct mq_query *q = parse_term(p);
    for (;;) {
        if (mq_take_word(p, "union")) q = set_operation(p, MQ_UNION, q);
        else if (mq_take_word(p, "except")) q = set_operation(p, MQ_EXCEPT, q);
        else if (mq_take_word(p, "intersect")) q = set_operation(p, MQ_INTERSECT, q);
        else return q;
    }
}

/* ---- INSERT, UPDATE, DELETE ------------------------------------------------------------------------------------ */

static void parse_sets_of(struct mq_parser *p, struct mq_query *q) {
    do {
        if (mq_at_sign(p, "(")) mq_parse_fail(p, "SET (…) = is not modelled");
        q->sets = mq_grow(p->arena, q->sets, q->n_sets, sizeof *q->sets);
        struct mq_set *set = &q->sets[q->n_sets++];
        set->name = mq_want_name(p);
        mq_want_sign(p, "=");
        set->expr = mq_parse_expr(p);
    } while (mq_take_sign(p, ","));
}

static void parse_conflict(struct mq_parser *p, struct mq_query *q) {
    mq_want_word(p, "conflict");
    if (mq_at_sign(p, "(")) q->conflict_columns = mq_parse_names(p, &q->n_conflict);
    if (mq_take_word(p, "where")) q->conflict_where = mq_parse_expr(p);
    mq_want_word(p, "do");
    q->conflict = mq_take_word(p, "nothing") ? MQ_CONFLICT_NOTHING : MQ_CONFLICT_UPDATE;
    if (q->conflict == MQ_CONFLICT_NOTHING) return;
    mq_want_word(p, "update");
    mq_want_word(p, "set");
    parse_sets_of(p, q);
    if (mq_take_word(p, "where")) q->where = mq_parse_expr(p);
}

static void target_table(struct mq_parser *p, struct mq_query *q) {
    struct mq_source s = {.kind = MQ_FROM_TABLE, .name = mq_want_name(p)};
    s.alias = mq_take_word(p, "as") || !(mq_at_sign(p, "(") || mq_at_word(p, "set") || mq_at_word(p, "where") ||
                                         mq_at_word(p, "using") || mq_at_word(p, "select") || mq_at_word(p, "default") ||
                                         mq_at_word(p, "values"))
                  ? mq_want_name(p)
                  : s.name;
    q->sources = mq_grow(p->arena, q->sources, q->n_sources, sizeof *q->sources);
    q->sources[q->n_sources++] = s;
}

static void parse_returning(struct mq_parser *p, struct mq_query *q) {
    if (mq_take_word(p, "returning")) parse_targets(p, q);
}

static struct mq_query *parse_insert(struct mq_parser *p) {
    struct mq_query *q = MQ_NEW(p->arena, 1, struct mq_query);
    q->kind = MQ_INSERT;
    mq_want_word(p, "into");
    target_table(p, q);
    q->into = mq_parse_names(p, &q->n_into);
    if (mq_take_word(p, "default")) mq_want_word(p, "values");
    else q->input = mq_parse_query(p);
    if (mq_take_word(p, "on")) parse_conflict(p, q);
    parse_returning(p, q);
    return q;
}

/* The table itself is bound last, by what FROM brought. */
static void target_last(struct mq_parser *p, struct mq_query *q) {
    struct mq_join *leaf = MQ_NEW(p->arena, 1, struct mq_join);
    q->from = q->from ? joined(p, MQ_INNER, q->from, leaf) : leaf;
}

static struct mq_query *parse_update(struct mq_parser *p) {
    struct mq_query *q = MQ_NEW(p->arena, 1, struct mq_query);
    q->kind = MQ_UPDATE;
    target_table(p, q);
    mq_want_word(p, "set");
    parse_sets_of(p, q);
    if (mq_take_word(p, "from")) parse_from(p, q);
    if (mq_take_word(p, "where")) q->where = mq_parse_expr(p);
    target_last(p, q);
    parse_returning(p, q);
    return q;
}

static struct mq_query *parse_delete(struct mq_parser *p) {
    struct mq_query *q = MQ_NEW(p->arena, 1, struct mq_query);
    q->kind = MQ_DELETE;
    mq_want_word(p, "from");
    target_table(p, q);
    if (mq_take_word(p, "using")) parse_from(p, q);
    if (mq_take_word(p, "where")) q->where = mq_parse_expr(p);
    target_last(p, q);
    parse_returning(p, q);
    return q;
}

static struct mq_query *parse_tail(struct mq_parser *p, struct mq_query *q) {
    if (mq_at_word(p, "order")) {
        if (q->n_order || q->limit) mq_parse_fail(p, "an order of an order is not modelled");
        q->order = mq_parse_order(p, &q->n_order);
    }
    for (;;) {
        if (mq_take_word(p, "limit")) q->limit = mq_parse_expr(p);
        else if (mq_take_word(p, "offset")) q->offset = mq_parse_expr(p);
        else break;
    }
    skip_locking(p);
    return q;
}

static void parse_ctes(struct mq_parser *p, struct mq_cte **out, size_t *n) {
    if (mq_at_word(p, "recursive")) mq_parse_fail(p, "WITH RECURSIVE is not modelled");
    do {
        *out = mq_grow(p->arena, *out, *n, sizeof **out);
        struct mq_cte *cte = &(*out)[(*n)++];
        *cte = (struct mq_cte){.name = mq_want_name(p)};
        cte->columns = mq_parse_names(p, &cte->n_columns);
        mq_want_word(p, "as");
        mq_take_word(p, "not");
        mq_take_word(p, "materialized");
        mq_want_sign(p, "(");
        cte->query = mq_parse_query(p);
        mq_want_sign(p, ")");
    } while (mq_take_sign(p, ","));
}

struct mq_query *mq_parse_query(struct mq_parser *p) {
    struct mq_cte *ctes = NULL;
    size_t n_ctes = 0;
    if (mq_take_word(p, "with")) parse_ctes(p, &ctes, &n_ctes);
    struct mq_query *q;
    if (mq_take_word(p, "insert")) q = parse_insert(p);
    else if (mq_take_word(p, "update")) q = parse_update(p);
    else if (mq_take_word(p, "delete")) q = parse_delete(p);
    else q = parse_tail(p, parse_sets(p));
    if (n_ctes && q->n_ctes) mq_parse_fail(p, "WITH around WITH is not modelled");
    if (n_ctes) q->ctes = ctes, q->n_ctes = n_ctes;
    return q;
}
