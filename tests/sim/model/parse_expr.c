/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions, by PostgreSQL's precedence: each function reads one level of it. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/model/parse.h"

struct mq_expr *mq_new_expr(struct mq_parser *p, enum mq_expr_kind kind) {
    struct mq_expr *e = MQ_NEW(p->arena, 1, struct mq_expr);
    e->kind = kind;
    return e;
}

void mq_add_arg(struct mq_parser *p, struct mq_expr *e, struct mq_expr *arg) {
    e->args = mq_grow(p->arena, e->args, e->n, sizeof *e->args);
    e->args[e->n++] = arg;
}

static struct mq_expr *constant(struct mq_parser *p, struct mq_value value) {
    struct mq_expr *e = mq_new_expr(p, MQ_CONST);
    e->value = value;
    return e;
}

static struct mq_expr *binary(struct mq_parser *p, enum mq_expr_kind kind, enum mq_op op, struct mq_expr *a, struct mq_expr *b) {
    struct mq_expr *e = mq_new_expr(p, kind);
    e->op = op;
    mq_add_arg(p, e, a);
    if (b) mq_add_arg(p, e, b);
    return e;
}

static struct mq_expr *parse_called(struct mq_parser *p, const char *name) {
    struct mq_expr *e = mq_new_expr(p, MQ_CALLED);
    e->name = name;
    return e;
}

enum mq_type mq_parse_type(struct mq_parser *p, bool *array) {
    enum mq_type type;
    const char *name = mq_want_name(p);
    if (!mq_type_named(name, &type)) mq_parse_fail(p, "an unknown type");
    if (mq_take_sign(p, "(")) {
        while (!mq_take_sign(p, ")")) p->at++;
    }
    *array = mq_take_sign(p, "[");
    if (*array) mq_want_sign(p, "]");
    return type;
}

/* ---- calls ----------------------------------------------------------------------------------------------------- */

bool mq_is_aggregate(const char *name) {
    static const char *const all[] = {"count", "sum", "min", "max", "bool_or", "bool_and", "array_agg", "string_agg"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i], name) == 0) return true;
    }
    return false;
}

static bool at_query(const struct mq_parser *p) {
    return mq_at_word(p, "select") || mq_at_word(p, "with") || mq_at_word(p, "values");
}

static struct mq_expr *of_query(struct mq_parser *p, enum mq_expr_kind kind) {
    struct mq_expr *e = mq_new_expr(p, kind);
    e->query = mq_parse_query(p);
    mq_want_sign(p, ")");
    return e;
}

static void parse_list(struct mq_parser *p, struct mq_expr *e, const char *end) {
    if (mq_take_sign(p, end)) return;
    do mq_add_arg(p, e, mq_parse_expr(p));
    while (mq_take_sign(p, ","));
    mq_want_sign(p, end);
}

static void parse_over(struct mq_parser *p, struct mq_expr *e) {
    e->kind = MQ_WINDOW;
    mq_want_sign(p, "(");
    if (mq_take_word(p, "partition")) {
        mq_want_word(p, "by");
        do {
            e->partition = mq_grow(p->arena, e->partition, e->n_partition, sizeof *e->partition);
            e->partition[e->n_partition++] = mq_parse_expr(p);
        } while (mq_take_sign(p, ","));
    }
    if (mq_at_word(p, "order")) e->order = mq_parse_order(p, &e->n_order);
    mq_want_sign(p, ")");
}

/* Behind "name(": its arguments and whatever stands behind them. */
static struct mq_expr *parse_call(struct mq_parser *p, const char *name) {
    struct mq_expr *e = parse_called(p, name);
    if (mq_is_aggregate(name)) e->kind = MQ_AGGREGATE;
    e->distinct = mq_take_word(p, "distinct");
    if (mq_take_sign(p, "*")) mq_want_sign(p, ")");
    else if (!mq_take_sign(p, ")")) {
        do mq_add_arg(p, e, mq_parse_expr(p));
        while (mq_take_sign(p, ","));
        if (mq_at_word(p, "order")) e->order = mq_parse_order(p, &e->n_order);
        mq_want_sign(p, ")");
    }
    if (mq_take_word(p, "filter")) {
        mq_want_sign(p, "(");
        mq_want_word(p, "where");
        e->filter = mq_parse_expr(p);
        mq_want_sign(p, ")");
    }
    if (mq_take_word(p, "over")) parse_over(p, e);
    return e;
}

static struct mq_expr *text_constant(struct mq_parser *p, const char *text, size_t len) {
    return constant(p, mq_bytes(MQ_IS_TEXT, bytes_make(text, len)));
}

/* extract(field from x) */
static struct mq_expr *parse_extract(struct mq_parser *p) {
    struct mq_expr *e = parse_called(p, "extract");
    const char *field = mq_want_name(p);
    mq_add_arg(p, e, text_constant(p, field, strlen(field)));
    mq_want_word(p, "from");
    mq_add_arg(p, e, mq_parse_expr(p));
    mq_want_sign(p, ")");
    return e;
}

/* substring(x from a for b), or with commas */
static struct mq_expr *parse_substring(struct mq_parser *p) {
    struct mq_expr *e = parse_called(p, "substring");
    mq_add_arg(p, e, mq_parse_expr(p));
    while (mq_take_word(p, "from") || mq_take_word(p, "for") || mq_take_sign(p, ",")) mq_add_arg(p, e, mq_parse_expr(p));
    mq_want_sign(p, ")");
    return e;
}

static struct mq_expr *cast_to(struct mq_parser *p, struct mq_expr *what) {
    struct mq_expr *e = binary(p, MQ_CAST, MQ_EQ, what, NULL);
    e->type = mq_parse_type(p, &e->to_array);
    return e;
}

/* ---- what stands alone ----------------------------------------------------------------------------------------- */

static struct mq_expr *parse_case(struct mq_parser *p) {
    struct mq_expr *e = mq_new_expr(p, MQ_CASE), *subject = mq_at_word(p, "when") ? NULL : mq_parse_expr(p);
    while (mq_take_word(p, "when")) {
        struct mq_expr *when = mq_parse_expr(p);
        mq_add_arg(p, e, subject ? binary(p, MQ_OP, MQ_EQ, subject, when) : when);
        mq_want_word(p, "then");
        mq_add_arg(p, e, mq_parse_expr(p));
    }
    if (mq_take_word(p, "else")) mq_add_arg(p, e, mq_parse_expr(p));
    mq_want_word(p, "end");
    return e;
}

static struct mq_expr *parse_array(struct mq_parser *p) {
    if (mq_take_sign(p, "(")) return of_query(p, MQ_ARRAY_OF_QUERY);
    struct mq_expr *e = mq_new_expr(p, MQ_ARRAY_LIST);
    mq_want_sign(p, "[");
    parse_list(p, e, "]");
    return e;
}

static struct mq_expr *parse_bracket(struct mq_parser *p) {
    if (at_query(p)) return of_query(p, MQ_SCALAR);
    struct mq_expr *first = mq_parse_expr(p);
    if (mq_take_sign(p, ")")) return first;
    struct mq_expr *e = mq_new_expr(p, MQ_ROW_LIST);
    mq_add_arg(p, e, first);
    mq_want_sign(p, ",");
    parse_list(p, e, ")");
    return e;
}

/* A name: a column, a call, or a literal of a type: date '2026-01-01'. */
static struct mq_expr *parse_named(struct mq_parser *p) {
    const char *name = mq_want_name(p);
    enum mq_type type;
    if (p->tokens[p->at].kind == MQ_STRING && mq_type_named(name, &type)) {
        struct mq_token *t = &p->tokens[p->at++];
        struct mq_expr *e = binary(p, MQ_CAST, MQ_EQ, text_constant(p, t->text, t->len), NULL);
        e->type = type;
        return e;
    }
    if (mq_take_sign(p, "(")) {
        if (strcmp(name, "extract") == 0) return parse_extract(p);
        if (strcmp(name, "substring") == 0) return parse_substring(p);
        return parse_call(p, name);
    }
    if (strcmp(name, "current_date") == 0 || strcmp(name, "session_user") == 0) return parse_called(p, name);
    struct mq_expr *e = mq_new_expr(p, MQ_COLUMN);
    e->name = name;
    if (!mq_take_sign(p, ".")) return e;
    e->qualifier = name;
    if (mq_take_sign(p, "*")) e->kind = MQ_STAR;
    else e->name = mq_want_name(p);
    if (e->kind == MQ_COLUMN && mq_take_sign(p, "(")) return parse_call(p, e->name); /* a schema's function */
    return e;
}

static struct mq_expr *parse_word(struct mq_parser *p) {
    if (mq_take_word(p, "null")) return constant(p, mq_null());
    if (mq_take_word(p, "true")) return constant(p, mq_bool(true));
    if (mq_take_word(p, "false")) return constant(p, mq_bool(false));
    if (mq_take_word(p, "case")) return parse_case(p);
    if (mq_take_word(p, "array")) return parse_array(p);
    if (mq_take_word(p, "exists")) {
        mq_want_sign(p, "(");
        return of_query(p, MQ_EXISTS);
    }
    if (mq_take_word(p, "cast")) {
        mq_want_sign(p, "(");
        struct mq_expr *what = mq_parse_expr(p);
        mq_want_word(p, "as");
        struct mq_expr *e = cast_to(p, what);
        mq_want_sign(p, ")");
        return e;
    }
    if (mq_at_word(p, "row") && p->tokens[p->at + 1].kind == MQ_SIGN) {
        p->at++;
        mq_want_sign(p, "(");
        struct mq_expr *e = mq_new_expr(p, MQ_ROW_LIST);
        parse_list(p, e, ")");
        return e;
    }
    return parse_named(p);
}

static struct mq_expr *parse_primary(struct mq_parser *p) {
    struct mq_token *t = &p->tokens[p->at];
    switch (t->kind) {
    case MQ_NUMBER:
        p->at++;
        if (strchr(t->text, '.')) return constant(p, (struct mq_value){.kind = MQ_IS_FLOAT, .f = strtod(t->text, NULL)});
        return constant(p, mq_int(t->number));
    case MQ_STRING: p->at++; return text_constant(p, t->text, t->len);
    case MQ_DOLLAR: {
        p->at++;
        struct mq_expr *e = mq_new_expr(p, MQ_PARAM);
        e->column = (int)t->number - 1;
        return e;
    }
    case MQ_WORD:
    case MQ_QUOTED: return parse_word(p);
    default: break;
    }
    if (mq_take_sign(p, "(")) return parse_bracket(p);
    if (mq_take_sign(p, "*")) return mq_new_expr(p, MQ_STAR);
    mq_parse_fail(p, "an expression is expected");
}

static struct mq_expr *parse_postfix(struct mq_parser *p) {
    struct mq_expr *e = parse_primary(p);
    for (;;) {
        if (mq_take_sign(p, "::")) {
            e = cast_to(p, e);
        } else if (mq_take_sign(p, "[")) {
            e = binary(p, MQ_SUBSCRIPT, MQ_EQ, e, mq_parse_expr(p));
            mq_want_sign(p, "]");
        } else {
            return e;
        }
    }
}

/* ---- operators, from the tightest down ------------------------------------------------------------------------- */

static struct mq_expr *parse_unary(struct mq_parser *p) {
    if (mq_take_sign(p, "-")) return binary(p, MQ_OP, MQ_NEG, parse_unary(p), NULL);
    struct mq_expr *e = parse_postfix(p);
    while (mq_at_words(p, "at", "time")) {
        p->at += 2;
        mq_want_word(p, "zone");
        e = binary(p, MQ_OP, MQ_AT_ZONE, e, parse_postfix(p));
    }
    return e;
}

struct operator { const char *sign; enum mq_op op; };
typedef struct mq_expr *(*parse_fn)(struct mq_parser *p);

static struct mq_expr *parse_level(struct mq_parser *p, parse_fn next, const struct operator *ops) {
    struct mq_expr *e = next(p);
    for (const struct operator *o = ops; o->sign;) {
        if (mq_take_sign(p, o->sign)) {
            e = binary(p, MQ_OP, o->op, e, next(p));
            o = ops;
        } else {
            o++;
        }
    }
    return e;
}

static struct mq_expr *parse_mul(struct mq_parser *p) {
    static const struct operator ops[] = {{"*", MQ_MUL}, {"/", MQ_DIV}, {"%", MQ_MOD}, {NULL, 0}};
    return parse_level(p, parse_unary, ops);
}

static struct mq_expr *parse_add(struct mq_parser *p) {
    static const struct operator ops[] = {{"+", MQ_ADD}, {"-", MQ_SUB}, {NULL, 0}};
    return parse_level(p, parse_mul, ops);
}

static struct mq_expr *parse_not_bits(struct mq_parser *p) {
    if (mq_take_sign(p, "~")) return binary(p, MQ_OP, MQ_BIT_NOT, parse_not_bits(p), NULL);
    return parse_add(p);
}

static struct mq_expr *parse_other(struct mq_parser *p) {
    static const struct operator ops[] = {{"||", MQ_CONCAT}, {"&", MQ_BIT_AND}, {"|", MQ_BIT_OR}, {"<<", MQ_SHIFT_LEFT},
                                          {">>", MQ_SHIFT_RIGHT}, {"~", MQ_MATCHES}, {NULL, 0}};
    return parse_level(p, parse_not_bits, ops);
}

static struct mq_expr *parse_in(struct mq_parser *p, struct mq_expr *what, bool negated) {
    struct mq_expr *e = binary(p, MQ_IN, MQ_EQ, what, NULL);
    e->negated = negated;
    mq_want_sign(p, "(");
    if (at_query(p)) {
        e->query = mq_parse_query(p);
        mq_want_sign(p, ")");
        return e;
    }
    parse_list(p, e, ")");
    return e;
}

static struct mq_expr *parse_between(struct mq_parser *p, struct mq_expr *what, bool negated) {
    struct mq_expr *low = parse_other(p);
    mq_want_word(p, "and");
    struct mq_expr *high = parse_other(p);
    struct mq_expr *both = binary(p, MQ_AND, MQ_EQ, binary(p, MQ_OP, MQ_GE, what, low), binary(p, MQ_OP, MQ_LE, what, high));
    return negated ? binary(p, MQ_NOT, MQ_EQ, both, NULL) : both;
}

static struct mq_expr *parse_range(struct mq_parser *p) {
    struct mq_expr *e = parse_other(p);
    for (;;) {
        bool negated = mq_at_words(p, "not", "in") || mq_at_words(p, "not", "between");
        if (negated) p->at++;
        if (mq_take_word(p, "in")) e = parse_in(p, e, negated);
        else if (mq_take_word(p, "between")) e = parse_between(p, e, negated);
        else return e;
    }
}

/* Behind "= any(" or "<> all(": an array, or a query of values. */
static struct mq_expr *parse_quantified(struct mq_parser *p, enum mq_expr_kind kind, enum mq_op op, struct mq_expr *what) {
    struct mq_expr *e = binary(p, kind, op, what, NULL);
    mq_want_sign(p, "(");
    if (at_query(p)) {
        mq_add_arg(p, e, of_query(p, MQ_ARRAY_OF_QUERY));
        return e;
    }
    mq_add_arg(p, e, mq_parse_expr(p));
    mq_want_sign(p, ")");
    return e;
}

static bool take_comparison(struct mq_parser *p, enum mq_op *op) {
    static const struct operator ops[] = {{"=", MQ_EQ}, {"<>", MQ_NE}, {"!=", MQ_NE}, {"<=", MQ_LE}, {">=", MQ_GE}, {"<", MQ_LT}, {">", MQ_GT}};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (!mq_take_sign(p, ops[i].sign)) continue;
        *op = ops[i].op;
        return true;
    }
    return false;
}

static struct mq_expr *parse_compare(struct mq_parser *p) {
    struct mq_expr *e = parse_range(p);
    enum mq_op op;
    while (take_comparison(p, &op)) {
        if (mq_take_word(p, "any")) e = parse_quantified(p, MQ_ANY, op, e);
        else if (mq_take_word(p, "all")) e = parse_quantified(p, MQ_ALL, op, e);
        else e = binary(p, MQ_OP, op, e, parse_range(p));
    }
    return e;
}

static struct mq_expr *parse_is(struct mq_parser *p) {
    struct mq_expr *e = parse_compare(p);
    while (mq_take_word(p, "is")) {
        bool negated = mq_take_word(p, "not");
        if (mq_take_word(p, "null")) {
            e = binary(p, MQ_IS_NULL_TEST, MQ_EQ, e, NULL);
        } else if (mq_at_word(p, "true") || mq_at_word(p, "false")) {
            struct mq_expr *to = constant(p, mq_bool(mq_take_word(p, "true") || !mq_take_word(p, "false")));
            e = binary(p, MQ_IS_DISTINCT, MQ_EQ, e, to);
            negated = !negated;
        } else {
            mq_want_word(p, "distinct");
            mq_want_word(p, "from");
            e = binary(p, MQ_IS_DISTINCT, MQ_EQ, e, parse_compare(p));
        }
        e->negated = negated;
    }
    return e;
}

static struct mq_expr *parse_not(struct mq_parser *p) {
    if (mq_take_word(p, "not")) return binary(p, MQ_NOT, MQ_EQ, parse_not(p), NULL);
    return parse_is(p);
}

static struct mq_expr *parse_and(struct mq_parser *p) {
    struct mq_expr *e = parse_not(p);
    while (mq_take_word(p, "and")) e = binary(p, MQ_AND, MQ_EQ, e, parse_not(p));
    return e;
}

struct mq_expr *mq_parse_expr(struct mq_parser *p) {
    struct mq_expr *e = parse_and(p);
    while (mq_take_word(p, "or")) e = binary(p, MQ_OR, MQ_EQ, e, parse_and(p));
    return e;
}
