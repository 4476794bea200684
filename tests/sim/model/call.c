/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL's functions that the product's SQL calls, the schema's own ones in plpgsql, and those in SQL, which run as they are. */
#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "tagih/time.h"
#include "tests/sim/model/model_in.h"
#include "tests/sim/model/parse.h"

#define WALL_US_FIRST (INT64_C(1767225600) * US_PER_S) /* 2026-01-01 */

struct mq_call {
    const char *name;
    struct mq_value (*run)(struct model *model, const struct mq_value *a, size_t n);
    bool takes_null; /* else a NULL among its arguments makes it NULL */
};

int64_t mq_wall_us(struct model *model) {
    if (model->options.wall_us) return model->options.wall_us(model->options.context);
    return WALL_US_FIRST + model->wall_us++;
}

int64_t mq_xid(struct model *model) {
    if (!model->xid) model->xid = ++model->xid_next;
    return model->xid;
}

static struct mq_value bytes_value(struct model *model, enum mq_kind kind, const void *data, size_t len) {
    return mq_bytes(kind, bytes_make(mq_copy(&model->scratch, data, len), len));
}

/* ---- the schema's own ------------------------------------------------------------------------------------------ */

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

static struct mq_value agency_date(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)n;
    int64_t s = a[0].i / US_PER_S; /* truncated, as the product's SQL divides */
    return mq_of(MQ_IS_DATE, floor_div(s + mq_zone_offset(a[1].b, s), 86400));
}

static struct mq_value agency_midnight(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)n;
    return mq_int(mq_zone_instant(a[1].b, a[0].i * US_PER_DAY));
}

static struct mq_value expect_rows(struct model *model, const struct mq_value *a, size_t n) {
    (void)n;
    if (mq_is_null(a[0]) || mq_is_null(a[1])) return mq_bool(true);
    if (a[0].i != a[1].i) mq_throw(model, "P0001", "", "", "rows are missing");
    return mq_bool(true);
}

static struct mq_value bank_reference(struct model *model, const struct mq_value *a, size_t n) {
    (void)n;
    uint8_t *out = mq_alloc(&model->scratch, a[0].b.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < a[0].b.len; i++) {
        uint8_t c = a[0].b.data[i];
        if (c < 128 && isalnum(c)) out[len++] = (uint8_t)toupper(c);
    }
    return mq_bytes(MQ_IS_TEXT, bytes_make(out, len));
}

/* ---- the session ----------------------------------------------------------------------------------------------- */

static struct mq_value set_config(struct model *model, const struct mq_value *a, size_t n) {
    (void)n;
    if (bytes_equal(a[0].b, bytes_text("app.agency_id"))) {
        bool failed = false;
        struct mq_value agency = mq_cast(&model->scratch, a[1], MQ_UUID, &failed);
        model->has_agency = a[1].b.len > 0 && !failed;
        if (model->has_agency) memcpy(model->agency, agency.b.data, sizeof model->agency);
    }
    return a[1];
}

static struct mq_value no_wait(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)a, (void)n;
    return mq_bytes(MQ_IS_TEXT, bytes_make("", 0)); /* void is no NULL */
}

static struct mq_value current_xact_id(struct model *model, const struct mq_value *a, size_t n) {
    (void)a, (void)n;
    return mq_int(mq_xid(model));
}

/* All that committed is seen, nothing else runs: the oldest that runs is this one, or the next. */
static struct mq_value snapshot(struct model *model, const struct mq_value *a, size_t n) {
    (void)a, (void)n;
    return mq_int(model->xid ? model->xid : model->xid_next + 1);
}

/* Which database this is: a model has no other life. */
static struct mq_value control_system(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)a, (void)n;
    return mq_int(1);
}

static struct mq_value in_recovery(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)a, (void)n;
    return mq_bool(false);
}

/* The first file of the first timeline. */
static struct mq_value walfile_name(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)a, (void)n;
    return mq_bytes(MQ_IS_TEXT, bytes_text("000000010000000000000001"));
}

static struct mq_value hash_number(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)n;
    return mq_int((int64_t)(mq_hash(a[0]) ^ mq_hash(a[1]) * 31));
}

static struct mq_value hash_text(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)n;
    return mq_int((int64_t)mq_hash(a[0]));
}

static struct mq_value session_user(struct model *model, const struct mq_value *a, size_t n) {
    (void)a, (void)n;
    return mq_bytes(MQ_IS_TEXT, bytes_text(model->is_owner ? "postgres" : "tagih_app"));
}

/* Never the same twice, and the same again after a reset. */
static struct mq_value new_uuid(struct model *model, const struct mq_value *a, size_t n) {
    uint8_t id[16] = {0};
    int64_t at = mq_xid(model) * 1000 + (int64_t)model->n_log;
    (void)a, (void)n;
    for (int i = 0; i < 8; i++) id[15 - i] = (uint8_t)(at >> 8 * i);
    id[6] = 0x40, id[8] |= 0x80;
    return bytes_value(model, MQ_IS_UUID, id, sizeof id);
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

static struct mq_value now(struct model *model, const struct mq_value *a, size_t n) {
    (void)a, (void)n;
    return mq_of(MQ_IS_TIME, mq_wall_us(model));
}

static struct mq_value current_date(struct model *model, const struct mq_value *a, size_t n) {
    (void)a, (void)n;
    return mq_of(MQ_IS_DATE, floor_div(mq_wall_us(model), US_PER_DAY));
}

static struct mq_value to_timestamp(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)n;
    return mq_of(MQ_IS_TIME, a[0].kind == MQ_IS_FLOAT ? (int64_t)(a[0].f * 1e6) : a[0].i * US_PER_S);
}

static int64_t days_of(struct mq_value v) {
    return v.kind == MQ_IS_DATE ? v.i : floor_div(v.i, US_PER_DAY);
}

static struct mq_value date_trunc(struct model *model, const struct mq_value *a, size_t n) {
    (void)n;
    int64_t days = days_of(a[1]);
    if (bytes_equal(a[0].b, bytes_text("month"))) days = date_month((civil_date){(int32_t)days}).days;
    else if (!bytes_equal(a[0].b, bytes_text("day"))) mq_die("date_trunc of another unit than month and day is not modelled");
    (void)model;
    return mq_of(MQ_IS_TIME, days * US_PER_DAY);
}

static struct mq_value extract(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)n;
    int year, month, day;
    int64_t days = days_of(a[1]);
    date_split((civil_date){(int32_t)days}, &year, &month, &day);
    if (bytes_equal(a[0].b, bytes_text("epoch"))) {
        int64_t us = a[1].kind == MQ_IS_DATE ? days * US_PER_DAY : a[1].i;
        return us % US_PER_S == 0 ? mq_int(us / US_PER_S) : (struct mq_value){.kind = MQ_IS_FLOAT, .f = (double)us / 1e6};
    }
    if (bytes_equal(a[0].b, bytes_text("isodow"))) return mq_int(((days + 3) % 7 + 7) % 7 + 1);
    if (bytes_equal(a[0].b, bytes_text("year"))) return mq_int(year);
    if (bytes_equal(a[0].b, bytes_text("month"))) return mq_int(month);
    if (bytes_equal(a[0].b, bytes_text("day"))) return mq_int(day);
    mq_die("extract of %.*s is not modelled", (int)a[0].b.len, (const char *)a[0].b.data);
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

static struct mq_value most(struct model *model, const struct mq_value *a, size_t n, int sign) {
    struct mq_value out = mq_null();
    for (size_t i = 0; i < n; i++) {
        if (mq_is_null(a[i])) continue;
        if (mq_is_null(out) || sign * mq_compare(&model->scratch, a[i], out) > 0) out = a[i];
    }
    return out;
}

static struct mq_value greatest(struct model *model, const struct mq_value *a, size_t n) {
    return most(model, a, n, 1);
}

static struct mq_value least(struct model *model, const struct mq_value *a, size_t n) {
    return most(model, a, n, -1);
}

static struct mq_value null_if(struct model *model, const struct mq_value *a, size_t n) {
    (void)n;
    bool same = !mq_is_null(a[0]) && !mq_is_null(a[1]) && mq_compare(&model->scratch, a[0], a[1]) == 0;
    return same ? mq_null() : a[0];
}

static struct mq_value absolute(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)n;
    return mq_int(a[0].i < 0 ? -a[0].i : a[0].i);
}

static struct mq_value cardinality(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)n;
    return mq_int((int64_t)a[0].a.n);
}

static struct mq_value length(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)n;
    int64_t len = 0;
    for (size_t i = 0; i < a[0].b.len; i++) len += a[0].kind != MQ_IS_TEXT || (a[0].b.data[i] & 0xC0) != 0x80;
    return mq_int(len);
}

static struct mq_value octets(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)n;
    return mq_int((int64_t)a[0].b.len);
}

static struct mq_value changed_case(struct model *model, struct mq_value v, int (*to)(int)) {
    uint8_t *out = mq_alloc(&model->scratch, v.b.len + 1);
    for (size_t i = 0; i < v.b.len; i++) out[i] = (uint8_t)(v.b.data[i] < 128 ? to(v.b.data[i]) : v.b.data[i]);
    return mq_bytes(MQ_IS_TEXT, bytes_make(out, v.b.len));
}

static struct mq_value lower(struct model *model, const struct mq_value *a, size_t n) {
    (void)n;
    return changed_case(model, a[0], tolower);
}

static struct mq_value upper(struct model *model, const struct mq_value *a, size_t n) {
    (void)n;
    return changed_case(model, a[0], toupper);
}

static struct mq_value substring(struct model *model, const struct mq_value *a, size_t n) {
    (void)model;
    int64_t from = a[1].i - 1, len = n > 2 ? a[2].i : (int64_t)a[0].b.len, end = from + len;
    if (from < 0) from = 0;
    if (end > (int64_t)a[0].b.len) end = (int64_t)a[0].b.len;
    if (end < from) end = from > (int64_t)a[0].b.len ? (from = (int64_t)a[0].b.len) : from;
    return mq_bytes(a[0].kind, bytes_make(a[0].b.data + from, (size_t)(end - from)));
}

static struct mq_value left(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)n;
    size_t len = a[1].i < 0 ? 0 : (size_t)a[1].i < a[0].b.len ? (size_t)a[1].i : a[0].b.len;
    return mq_bytes(MQ_IS_TEXT, bytes_make(a[0].b.data, len));
}

static struct mq_value sha256(struct model *model, const struct mq_value *a, size_t n) {
    (void)n;
    uint8_t out[32];
    crypto_hash_sha256(out, a[0].b.data, a[0].b.len);
    return bytes_value(model, MQ_IS_BYTES, out, sizeof out);
}

static struct mq_value as_bytes(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)n;
    return mq_bytes(MQ_IS_BYTES, a[0].b);
}

static struct mq_value int8_send(struct model *model, const struct mq_value *a, size_t n) {
    (void)n;
    return mq_bytes(MQ_IS_BYTES, mq_to_binary(&model->scratch, a[0], MQ_INT8));
}

static struct mq_value int4_send(struct model *model, const struct mq_value *a, size_t n) {
    (void)n;
    return mq_bytes(MQ_IS_BYTES, mq_to_binary(&model->scratch, a[0], MQ_INT4));
}

static struct mq_value encode(struct model *model, const struct mq_value *a, size_t n) {
    (void)n;
    if (!bytes_equal(a[1].b, bytes_text("hex"))) mq_die("encode to anything but hex is not modelled");
    char *out = mq_alloc(&model->scratch, 2 * a[0].b.len + 1);
    bytes_hex(a[0].b, out);
    return mq_bytes(MQ_IS_TEXT, bytes_make(out, 2 * a[0].b.len));
}

static struct mq_value decode(struct model *model, const struct mq_value *a, size_t n) {
    (void)n;
    if (!bytes_equal(a[1].b, bytes_text("hex"))) mq_die("decode from anything but hex is not modelled");
    uint8_t *out = mq_alloc(&model->scratch, a[0].b.len + 1);
    char *hex = mq_text(&model->scratch, (const char *)a[0].b.data, a[0].b.len);
    if (!err_is_ok(bytes_unhex(hex, out, a[0].b.len / 2))) mq_throw(model, "22023", "", "", "invalid hexadecimal digit");
    return mq_bytes(MQ_IS_BYTES, bytes_make(out, a[0].b.len / 2));
}

static struct mq_value concat_ws(struct model *model, const struct mq_value *a, size_t n) {
    size_t room = 1, len = 0;
    struct bytes parts[16];
    for (size_t i = 1; i < n; i++) {
        parts[i] = mq_is_null(a[i]) ? bytes_make(NULL, 0) : mq_to_text(&model->scratch, a[i]);
        room += parts[i].len + a[0].b.len;
    }
    uint8_t *out = mq_alloc(&model->scratch, room);
    bool first = true;
    for (size_t i = 1; i < n; i++) {
        if (mq_is_null(a[i])) continue;
        if (!first) memcpy(out + len, a[0].b.data, a[0].b.len), len += a[0].b.len;
        if (parts[i].len) memcpy(out + len, parts[i].data, parts[i].len);
        len += parts[i].len, first = false;
    }
    return mq_bytes(MQ_IS_TEXT, bytes_make(out, len));
}

static struct mq_value coalesce(struct model *model, const struct mq_value *a, size_t n) {
    (void)model, (void)a, (void)n;
    mq_die("coalesce is eval.c's own");
}

static const struct mq_call calls[] = {
    {"coalesce", coalesce, true},
    {"agency_date", agency_date, false},
    {"agency_midnight", agency_midnight, false},
    {"expect_rows", expect_rows, true},
    {"bank_reference", bank_reference, false},
    {"set_config", set_config, false},
    {"pg_advisory_xact_lock", no_wait, false},
    {"pg_advisory_xact_lock_shared", no_wait, false},
    {"pg_notify", no_wait, false},
    {"pg_current_xact_id", current_xact_id, true},
    {"pg_current_snapshot", snapshot, true},
    {"pg_snapshot_xmin", snapshot, true},
    {"pg_snapshot_xmax", snapshot, true},
    {"pg_control_system", control_system, true},
    {"pg_control_checkpoint", control_system, true},
    {"pg_is_in_recovery", in_recovery, true},
    {"pg_walfile_name", walfile_name, true},
    {"pg_current_wal_lsn", no_wait, true},
    {"hashint8extended", hash_number, false},
    {"left", left, false},
    {"hashtextextended", hash_text, false},
    {"hashtext", hash_text, false},
    {"gen_random_uuid", new_uuid, true},
    {"now", now, true},
    {"clock_timestamp", now, true},
    {"current_date", current_date, true},
    {"session_user", session_user, true},
    {"to_timestamp", to_timestamp, false},
    {"date_trunc", date_trunc, false},
    {"extract", extract, false},
    {"greatest", greatest, true},
    {"least", least, true},
    {"nullif", null_if, true},
    {"abs", absolute, false},
    {"cardinality", cardinality, false},
    {"length", length, false},
    {"octet_length", octets, false},
    {"lower", lower, false},
    {"upper", upper, false},
    {"substring", substring, false},
    {"sha256", sha256, false},
    {"convert_to", as_bytes, false},
    {"uuid_send", as_bytes, false},
    {"int8send", int8_send, false},
    {"xid8send", int8_send, false},
    {"int4send", int4_send, false},
    {"encode", encode, false},
    {"decode", decode, false},
    {"concat_ws", concat_ws, true},
    {"unnest", coalesce, true},          /* mq_call_rows */
    {"generate_series", coalesce, true}, /* mq_call_rows */
    {"row_number", coalesce, true},      /* a window */
    {"lag", coalesce, true},             /* a window */
};

const struct mq_call *mq_find_call(const char *name) {
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (strcmp(calls[i].name, name) == 0) return &calls[i];
    }
    return NULL;
}

struct mq_value mq_run_call(struct model *model, const struct mq_call *call, const struct mq_value *args, size_t n) {
    for (size_t i = 0; i < n && !call->takes_null; i++) {
        if (mq_is_null(args[i])) return mq_null();
    }
    return call->run(model, args, n);
}

/* ---- functions in SQL ------------------------------------------------------------------------------------------ */

static struct mq_rows run_function(struct model *model, struct mq_function *f, const struct mq_value *args, size_t at_most) {
    if (!f->query) {
        struct mq_parser p;
        mq_parser_begin(&p, &model->lasting, f->name, f->body);
        f->query = mq_parse_query(&p);
        mq_take_sign(&p, ";");
        if (p.at < p.n) mq_parse_fail(&p, "more than one statement in a function");
        mq_resolve(model, f->query, f);
    }
    struct mq_value *given = MQ_NEW(&model->scratch, f->n_args + 1, struct mq_value);
    for (size_t i = 0; i < f->n_args; i++) given[i] = mq_cast_or_throw(model, args[i], f->types[i]);
    bool was_owner = model->is_owner;
    model->is_owner |= f->is_definer;
    struct mq_rows rows = mq_run(model, f->query, NULL, given, f->n_args, at_most);
    model->is_owner = was_owner;
    return rows;
}

struct mq_value mq_call_function(struct model *model, struct mq_function *f, const struct mq_value *args) {
    struct mq_rows rows = run_function(model, f, args, 1);
    return rows.n && rows.width ? mq_cast_or_throw(model, rows.rows[0][0], f->returns) : mq_null();
}

static struct mq_rows unnest(struct model *model, const struct mq_value *args, size_t n) {
    struct mq_rows rows = {.width = n};
    size_t longest = 0;
    for (size_t i = 0; i < n; i++) {
        if (!mq_is_null(args[i]) && args[i].a.n > longest) longest = args[i].a.n;
    }
    for (size_t r = 0; r < longest; r++) {
        struct mq_value *row = MQ_NEW(&model->scratch, n + 1, struct mq_value);
        for (size_t i = 0; i < n; i++) row[i] = !mq_is_null(args[i]) && r < args[i].a.n ? args[i].a.items[r] : mq_null();
        mq_rows_add(model, &rows, row);
    }
    return rows;
}

static struct mq_rows series(struct model *model, const struct mq_value *args) {
    struct mq_rows rows = {.width = 1};
    for (int64_t i = args[0].i; !mq_is_null(args[0]) && !mq_is_null(args[1]) && i <= args[1].i; i++) {
        struct mq_value *row = MQ_NEW(&model->scratch, 2, struct mq_value);
        row[0] = mq_int(i);
        mq_rows_add(model, &rows, row);
    }
    return rows;
}

static struct mq_rows with_numbers(struct model *model, struct mq_rows rows) {
    for (size_t i = 0; i < rows.n; i++) {
        struct mq_value *row = MQ_NEW(&model->scratch, rows.width + 1, struct mq_value);
        memcpy(row, rows.rows[i], rows.width * sizeof *row);
        row[rows.width] = mq_int((int64_t)i + 1);
        rows.rows[i] = row;
    }
    rows.width++;
    return rows;
}

struct mq_rows mq_call_rows(struct model *model, const struct mq_source *s, struct mq_frame *frame) {
    const struct mq_expr *e = s->call;
    struct mq_value *args = MQ_NEW(&model->scratch, e->n + 1, struct mq_value);
    for (size_t i = 0; i < e->n; i++) args[i] = mq_eval(model, e->args[i], frame);
    struct mq_rows rows;
    if (e->function) rows = run_function(model, e->function, args, SIZE_MAX);
    else if (strcmp(e->name, "unnest") == 0) rows = unnest(model, args, e->n);
    else if (strcmp(e->name, "generate_series") == 0) rows = series(model, args);
    else {
        rows = (struct mq_rows){.width = 1};
        struct mq_value *row = MQ_NEW(&model->scratch, 2, struct mq_value);
        row[0] = mq_run_call(model, e->call, args, e->n);
        mq_rows_add(model, &rows, row);
    }
    return s->ordinality ? with_numbers(model, rows) : rows;
}
