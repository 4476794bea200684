/* SPDX-License-Identifier: Apache-2.0 */
/* What expressions come to, with SQL's three values of truth. */
#include <string.h>

#include "tagih/time.h"
#include "tests/sim/model/model_in.h"

void mq_throw(struct model *model, const char *sqlstate, const char *table, const char *constraint, const char *message) {
    struct mq_error *error = &model->error;
    memset(error, 0, sizeof *error);
    strncpy(error->sqlstate, sqlstate, sizeof error->sqlstate - 1);
    strncpy(error->table, table, sizeof error->table - 1);
    strncpy(error->constraint, constraint, sizeof error->constraint - 1);
    strncpy(error->message, message, sizeof error->message - 1);
    if (!model->catch) mq_die("%s %s %s %s", sqlstate, table, constraint, message);
    longjmp(*model->catch, 1);
}

struct mq_value mq_cast_or_throw(struct model *model, struct mq_value value, enum mq_type to) {
    bool failed = false;
    struct mq_value out = mq_cast(&model->scratch, value, to, &failed);
    if (failed) {
        bool text = value.kind == MQ_IS_TEXT;
        mq_throw(model, text ? "22P02" : "22003", "", "", text ? "invalid input syntax" : "value out of range");
    }
    return out;
}

/* ---- operators ------------------------------------------------------------------------------------------------- */

static struct mq_value overflow(struct model *model) {
    mq_throw(model, "22003", "", "", "bigint out of range");
}

static struct mq_value whole(struct model *model, enum mq_op op, int64_t a, int64_t b) {
    int64_t out = 0;
    switch (op) {
    case MQ_ADD: return __builtin_add_overflow(a, b, &out) ? overflow(model) : mq_int(out);
    case MQ_SUB: return __builtin_sub_overflow(a, b, &out) ? overflow(model) : mq_int(out);
    case MQ_MUL: return __builtin_mul_overflow(a, b, &out) ? overflow(model) : mq_int(out);
    case MQ_DIV:
    case MQ_MOD:
        if (b == 0) mq_throw(model, "22012", "", "", "division by zero");
        return mq_int(op == MQ_DIV ? a / b : a % b);
    case MQ_BIT_AND: return mq_int(a & b);
    case MQ_BIT_OR: return mq_int(a | b);
    case MQ_SHIFT_LEFT: return mq_int((int64_t)((uint64_t)a << (b & 63)));
    case MQ_SHIFT_RIGHT: return mq_int(a >> (b & 63));
    default: mq_die("operator %d over whole numbers", (int)op);
    }
}

static double as_float(struct mq_value v) {
    return v.kind == MQ_IS_FLOAT ? v.f : (double)v.i;
}

static struct mq_value broken(enum mq_op op, double a, double b) {
    double out = op == MQ_ADD ? a + b : op == MQ_SUB ? a - b : op == MQ_MUL ? a * b : op == MQ_DIV ? a / b : 0;
    if (op > MQ_DIV || op < MQ_ADD) mq_die("operator %d over fractions", (int)op);
    return (struct mq_value){.kind = MQ_IS_FLOAT, .f = out};
}

/* A day so many months later, the month's last when it has no such day. */
static int64_t add_months(int64_t days, int32_t months) {
    int year, month, day;
    date_split((civil_date){(int32_t)days}, &year, &month, &day);
    int at = year * 12 + month - 1 + months;
    civil_date first = date_make(at / 12, at % 12 + 1, 1), next = date_make((at + 1) / 12, (at + 1) % 12 + 1, 1);
    int last = next.days - first.days;
    return first.days + (day < last ? day : last) - 1;
}

static struct mq_value with_interval(enum mq_op op, struct mq_value at, struct mq_value interval) {
    int sign = op == MQ_SUB ? -1 : 1;
    int64_t us = at.kind == MQ_IS_DATE ? at.i * US_PER_DAY : at.i;
    int64_t days = us / US_PER_DAY - (us % US_PER_DAY < 0), rest = us - days * US_PER_DAY;
    days = add_months(days, sign * interval.interval.months) + sign * interval.interval.days;
    return mq_of(MQ_IS_TIME, days * US_PER_DAY + rest + sign * interval.interval.us);
}

static struct mq_value over_dates(enum mq_op op, struct mq_value a, struct mq_value b) {
    if (a.kind == MQ_IS_DATE && b.kind == MQ_IS_DATE && op == MQ_SUB) return mq_int(a.i - b.i);
    if (a.kind == MQ_IS_DATE && b.kind == MQ_IS_INT) return mq_of(MQ_IS_DATE, op == MQ_SUB ? a.i - b.i : a.i + b.i);
    if (a.kind == MQ_IS_INT && b.kind == MQ_IS_DATE && op == MQ_ADD) return mq_of(MQ_IS_DATE, a.i + b.i);
    if (b.kind == MQ_IS_INTERVAL) return with_interval(op, a, b);
    if (a.kind == MQ_IS_DATE && b.kind == MQ_IS_TIME && op == MQ_ADD) return mq_of(MQ_IS_TIME, a.i * US_PER_DAY + b.i);
    mq_die("operator %d over kinds %d and %d", (int)op, (int)a.kind, (int)b.kind);
}

struct mq_value mq_arithmetic(struct model *model, enum mq_op op, struct mq_value a, struct mq_value b) {
    if (a.kind == MQ_IS_INT && b.kind == MQ_IS_INT) return whole(model, op, a.i, b.i);
    bool numbers = (a.kind == MQ_IS_INT || a.kind == MQ_IS_FLOAT) && (b.kind == MQ_IS_INT || b.kind == MQ_IS_FLOAT);
    return numbers ? broken(op, as_float(a), as_float(b)) : over_dates(op, a, b);
}

static struct mq_value concat(struct model *model, struct mq_value a, struct mq_value b) {
    if (a.kind == MQ_IS_ARRAY || b.kind == MQ_IS_ARRAY) {
        struct mq_value one_a = a, one_b = b;
        const struct mq_value *left = a.kind == MQ_IS_ARRAY ? a.a.items : &one_a, *right = b.kind == MQ_IS_ARRAY ? b.a.items : &one_b;
        size_t n_left = a.kind == MQ_IS_ARRAY ? a.a.n : 1, n_right = b.kind == MQ_IS_ARRAY ? b.a.n : 1;
        struct mq_value *items = MQ_NEW(&model->scratch, n_left + n_right, struct mq_value);
        if (n_left) memcpy(items, left, n_left * sizeof *items);
        if (n_right) memcpy(items + n_left, right, n_right * sizeof *items);
        return (struct mq_value){.kind = MQ_IS_ARRAY, .a = {items, n_left + n_right}};
    }
    enum mq_kind kind = a.kind == MQ_IS_BYTES && b.kind == MQ_IS_BYTES ? MQ_IS_BYTES : MQ_IS_TEXT;
    struct bytes left = kind == MQ_IS_BYTES ? a.b : mq_to_text(&model->scratch, a);
    struct bytes right = kind == MQ_IS_BYTES ? b.b : mq_to_text(&model->scratch, b);
    uint8_t *out = mq_alloc(&model->scratch, left.len + right.len + 1);
    if (left.len) memcpy(out, left.data, left.len);
    if (right.len) memcpy(out + left.len, right.data, right.len);
    return mq_bytes(kind, bytes_make(out, left.len + right.len));
}

static bool holds(enum mq_op op, int order) {
    switch (op) {
    case MQ_EQ: return order == 0;
    case MQ_NE: return order != 0;
    case MQ_LT: return order < 0;
    case MQ_LE: return order <= 0;
    case MQ_GT: return order > 0;
    default: return order >= 0;
    }
}

/* Row by row, as SQL compares them: a NULL where it matters makes it unknown. */
static struct mq_value compare_rows(struct model *model, enum mq_op op, struct mq_value a, struct mq_value b) {
    for (size_t i = 0; i < a.a.n && i < b.a.n; i++) {
        if (mq_is_null(a.a.items[i]) || mq_is_null(b.a.items[i])) return mq_null();
        int order = mq_compare(&model->scratch, a.a.items[i], b.a.items[i]);
        if (order) return mq_bool(holds(op, order));
    }
    return mq_bool(holds(op, 0));
}

static struct mq_value compare(struct model *model, enum mq_op op, struct mq_value a, struct mq_value b) {
    if (mq_is_null(a) || mq_is_null(b)) return mq_null();
    if (a.kind == MQ_IS_ROW) return compare_rows(model, op, a, b);
    return mq_bool(holds(op, mq_compare(&model->scratch, a, b)));
}

static struct mq_value at_zone(struct mq_value at, struct mq_value zone, bool is_local) {
    if (is_local) return mq_of(MQ_IS_TIME, mq_zone_instant(zone.b, at.i));
    int64_t s = at.i / US_PER_S - (at.i % US_PER_S < 0);
    return mq_of(MQ_IS_TIME, at.i + mq_zone_offset(zone.b, s) * US_PER_S);
}

/* to_timestamp and what comes from it is an instant; a date, a cast to timestamp or a sum of dates is local. */
static bool gives_instant(const struct mq_expr *e) {
    if (e->kind == MQ_CALLED) return strcmp(e->name, "to_timestamp") == 0 || strcmp(e->name, "now") == 0 || strcmp(e->name, "clock_timestamp") == 0;
    return e->kind == MQ_CAST && e->type == MQ_STAMPTZ;
}

static struct mq_value run_op(struct model *model, const struct mq_expr *e, struct mq_frame *frame) {
    struct mq_value a = mq_eval(model, e->args[0], frame);
    if (mq_is_null(a)) return a;
    if (e->op == MQ_NEG) return a.kind == MQ_IS_FLOAT ? (struct mq_value){.kind = MQ_IS_FLOAT, .f = -a.f} : mq_int(-a.i);
    if (e->op == MQ_BIT_NOT) return mq_int(~a.i);
    struct mq_value b = mq_eval(model, e->args[1], frame);
    if (mq_is_null(b)) return b;
    if (e->op <= MQ_GE) return compare(model, e->op, a, b);
    if (e->op == MQ_CONCAT) return concat(model, a, b);
    if (e->op == MQ_AT_ZONE) return at_zone(a, b, !gives_instant(e->args[0]));
    if (e->op == MQ_MATCHES) mq_die("regular expressions are not modelled");
    return mq_arithmetic(model, e->op, a, b);
}

/* ---- truth ----------------------------------------------------------------------------------------------------- */

static struct mq_value both(struct model *model, const struct mq_expr *e, struct mq_frame *frame, bool decides) {
    struct mq_value a = mq_eval(model, e->args[0], frame);
    if (!mq_is_null(a) && (a.i != 0) == decides) return mq_bool(decides);
    struct mq_value b = mq_eval(model, e->args[1], frame);
    if (!mq_is_null(b) && (b.i != 0) == decides) return mq_bool(decides);
    return mq_is_null(a) || mq_is_null(b) ? mq_null() : mq_bool(!decides);
}

static struct mq_value negate(struct mq_value v, bool negated) {
    return negated && !mq_is_null(v) ? mq_bool(!v.i) : v;
}

/* One value against many: any that holds, or all. */
static struct mq_value against(struct model *model, enum mq_op op, struct mq_value what, const struct mq_value *items, size_t n,
                               bool any) {
    bool unknown = false;
    for (size_t i = 0; i < n; i++) {
        struct mq_value one = compare(model, op, what, items[i]);
        if (mq_is_null(one)) unknown = true;
        else if ((one.i != 0) == any) return mq_bool(any);
    }
    return unknown ? mq_null() : mq_bool(!any);
}

static struct mq_value run_in(struct model *model, const struct mq_expr *e, struct mq_frame *frame) {
    struct mq_value what = mq_eval(model, e->args[0], frame);
    struct mq_value *items;
    size_t n = e->n - 1;
    if (e->query) {
        struct mq_rows rows = mq_run(model, e->query, frame, NULL, 0, SIZE_MAX);
        n = rows.n;
        items = MQ_NEW(&model->scratch, n, struct mq_value);
        for (size_t i = 0; i < n; i++) {
            items[i] = rows.width == 1 ? rows.rows[i][0] : (struct mq_value){.kind = MQ_IS_ROW, .a = {rows.rows[i], rows.width}};
        }
    } else {
        items = MQ_NEW(&model->scratch, n, struct mq_value);
        for (size_t i = 0; i < n; i++) items[i] = mq_eval(model, e->args[i + 1], frame);
    }
    return negate(against(model, MQ_EQ, what, items, n, true), e->negated);
}

static struct mq_value run_quantified(struct model *model, const struct mq_expr *e, struct mq_frame *frame) {
    struct mq_value what = mq_eval(model, e->args[0], frame), array = mq_eval(model, e->args[1], frame);
    if (mq_is_null(array)) return array;
    return against(model, e->op, what, array.a.items, array.a.n, e->kind == MQ_ANY);
}

/* ---- the rest -------------------------------------------------------------------------------------------------- */

static struct mq_value run_case(struct model *model, const struct mq_expr *e, struct mq_frame *frame) {
    for (size_t i = 0; i + 1 < e->n; i += 2) {
        if (mq_is_true(mq_eval(model, e->args[i], frame))) return mq_eval(model, e->args[i + 1], frame);
    }
    return e->n % 2 ? mq_eval(model, e->args[e->n - 1], frame) : mq_null();
}

static struct mq_value run_scalar(struct model *model, const struct mq_expr *e, struct mq_frame *frame) {
    struct mq_rows rows = mq_run(model, e->query, frame, NULL, 0, 2);
    if (rows.n > 1) mq_throw(model, "21000", "", "", "more than one row returned by a subquery used as an expression");
    return rows.n ? rows.rows[0][0] : mq_null();
}

static struct mq_value array_of_query(struct model *model, const struct mq_expr *e, struct mq_frame *frame) {
    struct mq_rows rows = mq_run(model, e->query, frame, NULL, 0, SIZE_MAX);
    struct mq_value *items = MQ_NEW(&model->scratch, rows.n, struct mq_value);
    for (size_t i = 0; i < rows.n; i++) items[i] = rows.rows[i][0];
    return (struct mq_value){.kind = MQ_IS_ARRAY, .a = {items, rows.n}};
}

static struct mq_value list_of(struct model *model, const struct mq_expr *e, struct mq_frame *frame, enum mq_kind kind) {
    struct mq_value *items = MQ_NEW(&model->scratch, e->n, struct mq_value);
    for (size_t i = 0; i < e->n; i++) items[i] = mq_eval(model, e->args[i], frame);
    return (struct mq_value){.kind = kind, .a = {items, e->n}};
}

static struct mq_value run_coalesce(struct model *model, const struct mq_expr *e, struct mq_frame *frame) {
    struct mq_value out = mq_null();
    for (size_t i = 0; i < e->n && mq_is_null(out); i++) out = mq_eval(model, e->args[i], frame);
    return out;
}

static struct mq_value run_called(struct model *model, const struct mq_expr *e, struct mq_frame *frame) {
    struct mq_value args[16];
    if (strcmp(e->name, "coalesce") == 0) return run_coalesce(model, e, frame);
    if (e->n > sizeof args / sizeof args[0]) mq_die("too many arguments of %s", e->name);
    for (size_t i = 0; i < e->n; i++) args[i] = mq_eval(model, e->args[i], frame);
    return e->call ? mq_run_call(model, e->call, args, e->n) : mq_call_function(model, e->function, args);
}

static struct mq_value run_subscript(struct model *model, const struct mq_expr *e, struct mq_frame *frame) {
    struct mq_value array = mq_eval(model, e->args[0], frame), at = mq_eval(model, e->args[1], frame);
    bool inside = !mq_is_null(array) && !mq_is_null(at) && at.i >= 1 && (size_t)at.i <= array.a.n;
    return inside ? array.a.items[at.i - 1] : mq_null();
}

static struct mq_value run_column(const struct mq_expr *e, const struct mq_frame *frame) {
    for (int i = 0; i < e->levels; i++) frame = frame->up;
    const struct mq_value *row = frame->rows[e->source];
    return row ? row[e->column] : mq_null();
}

static struct mq_value run_distinct(struct model *model, const struct mq_expr *e, struct mq_frame *frame) {
    bool same = mq_same(&model->scratch, mq_eval(model, e->args[0], frame), mq_eval(model, e->args[1], frame));
    return mq_bool(same == e->negated);
}

struct mq_value mq_eval(struct model *model, const struct mq_expr *e, struct mq_frame *frame) {
    switch (e->kind) {
    case MQ_CONST: return e->value;
    case MQ_PARAM: return (size_t)e->column < frame->n_params ? frame->params[e->column] : mq_null();
    case MQ_COLUMN: return run_column(e, frame);
    case MQ_AND: return both(model, e, frame, false);
    case MQ_OR: return both(model, e, frame, true);
    case MQ_NOT: return negate(mq_eval(model, e->args[0], frame), true);
    case MQ_OP: return run_op(model, e, frame);
    case MQ_IS_NULL_TEST: return mq_bool(mq_is_null(mq_eval(model, e->args[0], frame)) != e->negated);
    case MQ_IS_DISTINCT: return run_distinct(model, e, frame);
    case MQ_CASE: return run_case(model, e, frame);
    case MQ_CAST: return mq_cast_or_throw(model, mq_eval(model, e->args[0], frame), e->type);
    case MQ_IN: return run_in(model, e, frame);
    case MQ_ANY:
    case MQ_ALL: return run_quantified(model, e, frame);
    case MQ_EXISTS: return mq_bool(mq_run(model, e->query, frame, NULL, 0, 1).n > 0);
    case MQ_SCALAR: return run_scalar(model, e, frame);
    case MQ_ARRAY_OF_QUERY: return array_of_query(model, e, frame);
    case MQ_ARRAY_LIST: return list_of(model, e, frame, MQ_IS_ARRAY);
    case MQ_ROW_LIST: return list_of(model, e, frame, MQ_IS_ROW);
    case MQ_CALLED: return run_called(model, e, frame);
    case MQ_AGGREGATE: return frame->aggregates[e->slot];
    case MQ_WINDOW: return frame->windows[e->slot];
    case MQ_SUBSCRIPT: return run_subscript(model, e, frame);
    default: mq_die("an expression of kind %d stands where none can", (int)e->kind);
    }
}
