/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands where libpq and server/store/db.c stand in the product: connections, transactions and answers, with the faults
 * that the hook asks for. The linker takes these functions before those of the store's archive and of libpq.
 *
 * Statements run as they are sent. After an error the pipeline is aborted until its sync, the transaction until its
 * ROLLBACK, as with the real thing.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core_statements.h"
#include "store/db.h"
#include "tests/sim/model/model_in.h"
#include "tests/sim/model/parse.h"

/* ---- answers --------------------------------------------------------------------------------------------------- */

struct cell {
    const uint8_t *data;
    int len; /* -1: NULL */
};

struct pg_result {
    ExecStatusType status;
    int n_rows, n_columns;
    struct cell *cells;
    struct mq_arena arena;
    char command[16], tuples[24];
    struct mq_error error;
};

static PGresult *new_result(ExecStatusType status) {
    PGresult *r = calloc(1, sizeof *r);
    if (!r) mq_die("no memory");
    r->status = status;
    r->arena.block_bytes = 1024;
    return r;
}

void PQclear(PGresult *r) {
    if (!r) return;
    mq_arena_free(&r->arena);
    free(r);
}

ExecStatusType PQresultStatus(const PGresult *r) {
    return r ? r->status : PGRES_FATAL_ERROR;
}

int PQntuples(const PGresult *r) {
    return r ? r->n_rows : 0;
}

static const struct cell *cell_at(const PGresult *r, int row, int column) {
    if (row < 0 || row >= r->n_rows || column < 0 || column >= r->n_columns) mq_die("an answer has no row %d, column %d", row, column);
    return &r->cells[row * r->n_columns + column];
}

int PQgetisnull(const PGresult *r, int row, int column) {
    return cell_at(r, row, column)->len < 0;
}

int PQgetlength(const PGresult *r, int row, int column) {
    int len = cell_at(r, row, column)->len;
    return len < 0 ? 0 : len;
}

char *PQgetvalue(const PGresult *r, int row, int column) {
    return (char *)(uintptr_t)cell_at(r, row, column)->data;
}

char *PQcmdStatus(PGresult *r) {
    return r->command;
}

char *PQcmdTuples(PGresult *r) {
    return r->tuples;
}

char *PQresultErrorField(const PGresult *r, int code) {
    if (!r || r->status != PGRES_FATAL_ERROR) return NULL;
    const char *text = code == PG_DIAG_SQLSTATE          ? r->error.sqlstate
                       : code == PG_DIAG_TABLE_NAME      ? r->error.table
                       : code == PG_DIAG_CONSTRAINT_NAME ? r->error.constraint
                       : code == PG_DIAG_MESSAGE_PRIMARY ? r->error.message
                                                         : NULL;
    return (char *)(uintptr_t)text;
}

char *PQresultErrorMessage(const PGresult *r) {
    return (char *)(uintptr_t)(r ? r->error.message : "");
}

static enum mq_type out_type(enum sql_type type) {
    static const enum mq_type types[SQL_TYPE_COUNT] = {
        [SQL_BOOL] = MQ_BOOL, [SQL_INT2] = MQ_INT2, [SQL_INT4] = MQ_INT4, [SQL_INT8] = MQ_INT8, [SQL_FLOAT8] = MQ_FLOAT8,
        [SQL_TEXT] = MQ_TEXT, [SQL_BYTEA] = MQ_BYTEA, [SQL_UUID] = MQ_UUID, [SQL_DATE] = MQ_DATE};
    return types[type];
}

/* A column must be what the statement's header says, as PostgreSQL would have said when it was prepared. */
static struct cell encode(PGresult *r, const struct statement *s, size_t column, struct mq_value v) {
    static const enum mq_kind kinds[SQL_TYPE_COUNT] = {
        [SQL_BOOL] = MQ_IS_BOOL, [SQL_INT2] = MQ_IS_INT, [SQL_INT4] = MQ_IS_INT, [SQL_INT8] = MQ_IS_INT, [SQL_FLOAT8] = MQ_IS_FLOAT,
        [SQL_TEXT] = MQ_IS_TEXT, [SQL_BYTEA] = MQ_IS_BYTES, [SQL_UUID] = MQ_IS_UUID, [SQL_DATE] = MQ_IS_DATE};
    enum sql_type type = s->out[column].type;
    if (mq_is_null(v)) return (struct cell){NULL, -1};
    if (v.kind != kinds[type]) mq_die("statement %s: column %s came as kind %d", s->name, s->out[column].name, (int)v.kind);
    struct bytes b = mq_to_binary(&r->arena, v, out_type(type));
    return (struct cell){mq_copy(&r->arena, b.data, b.len), (int)b.len};
}

static PGresult *answer(const struct statement *s, const struct mq_rows *rows, size_t written) {
    PGresult *r = new_result(s->n_out ? PGRES_TUPLES_OK : PGRES_COMMAND_OK);
    snprintf(r->tuples, sizeof r->tuples, "%zu", s->n_out ? rows->n : written);
    if (s->n_out == 0) return r;
    if (rows->width != s->n_out) mq_die("statement %s gives %zu columns", s->name, rows->width);
    r->n_rows = (int)rows->n, r->n_columns = (int)s->n_out;
    r->cells = MQ_NEW(&r->arena, rows->n * s->n_out, struct cell);
    for (size_t i = 0; i < rows->n; i++) {
        for (size_t k = 0; k < s->n_out; k++) r->cells[i * s->n_out + k] = encode(r, s, k, rows->rows[i][k]);
    }
    return r;
}

/* ---- parameters ------------------------------------------------------------------------------------------------ */

static int64_t get_be(const uint8_t *at, size_t len) {
    uint64_t n = len && at[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < len; i++) n = n << 8 | at[i];
    return (int64_t)n;
}

static struct mq_value decode_one(enum sql_type type, const uint8_t *data, size_t len) {
    double f;
    uint64_t bits;
    switch (type) {
    case SQL_BOOL: return mq_bool(data[0]);
    case SQL_INT2:
    case SQL_INT4:
    case SQL_INT8: return mq_int(get_be(data, len));
    case SQL_DATE: return mq_of(MQ_IS_DATE, get_be(data, len) + 10957);
    case SQL_TEXT: return mq_bytes(MQ_IS_TEXT, bytes_make(data, len));
    case SQL_BYTEA: return mq_bytes(MQ_IS_BYTES, bytes_make(data, len));
    case SQL_UUID: return mq_bytes(MQ_IS_UUID, bytes_make(data, len));
    case SQL_FLOAT8:
        bits = (uint64_t)get_be(data, len);
        memcpy(&f, &bits, sizeof f);
        return (struct mq_value){.kind = MQ_IS_FLOAT, .f = f};
    default: mq_die("a parameter of type %d", (int)type);
    }
}

static struct mq_value decode_array(struct model *model, enum sql_type type, const uint8_t *data) {
    size_t n = get_be(data, 4) == 0 ? 0 : (size_t)get_be(data + 12, 4);
    struct mq_value *items = MQ_NEW(&model->scratch, n, struct mq_value);
    data += 20;
    for (size_t i = 0; i < n; i++) {
        int64_t len = get_be(data, 4);
        data += 4;
        items[i] = len < 0 ? mq_null() : decode_one(type, data, (size_t)len);
        data += len < 0 ? 0 : len;
    }
    return (struct mq_value){.kind = MQ_IS_ARRAY, .a = {items, n}};
}

/* Text that PostgreSQL would refuse to take: not UTF-8, or with a NUL. */
static void check_text(struct model *model, struct mq_value v) {
    if (v.kind == MQ_IS_ARRAY) {
        for (size_t i = 0; i < v.a.n; i++) check_text(model, v.a.items[i]);
        return;
    }
    if (v.kind != MQ_IS_TEXT) return;
    if (v.b.len && memchr(v.b.data, 0, v.b.len)) mq_throw(model, "22021", "", "", "invalid byte sequence for encoding");
}

static const struct mq_value *decode_params(struct model *model, const struct statement *s, const char *const *values, const int *lengths) {
    struct mq_value *params = MQ_NEW(&model->scratch, s->n_in + 1, struct mq_value);
    for (size_t i = 0; i < s->n_in; i++) {
        const uint8_t *data = (const uint8_t *)values[i];
        if (!data) params[i] = mq_null();
        else if (s->in[i].array) params[i] = decode_array(model, s->in[i].type, data);
        else params[i] = decode_one(s->in[i].type, data, (size_t)lengths[i]);
        check_text(model, params[i]);
    }
    return params;
}

/* ---- connections ----------------------------------------------------------------------------------------------- */

#define ANSWERS_MAX 160

struct pg_conn {
    struct model *model;
    bool dead;
    bool aborted; /* the pipeline, until its sync */
    const struct statement_table *tables[2];
    PGresult *answers[ANSWERS_MAX];
    size_t n_answers, n_taken;
    bool between; /* the NULL behind an answer comes next */
};

#define MODELS_MAX 16
static struct model *models[MODELS_MAX];

static struct model *model_of(const char *conninfo) {
    unsigned number;
    if (sscanf(conninfo, "model %u", &number) != 1 || number >= MODELS_MAX || !models[number]) {
        mq_die("\"%s\" names no model", conninfo);
    }
    return models[number];
}

const char *model_conninfo(const struct model *model) {
    return model->conninfo;
}

static void push_answer(PGconn *conn, PGresult *r) {
    if (conn->n_answers == ANSWERS_MAX) mq_die("too many statements between two syncs");
    conn->answers[conn->n_answers++] = r;
}

static enum model_fault ask(struct model *model, enum model_point point, const char *statement) {
    enum model_fault fault = model->hook ? model->hook(model->hook_context, point, statement) : MODEL_GO;
    if (point == MODEL_AFTER_COMMIT && fault != MODEL_LOST) fault = MODEL_GO;
    if (point == MODEL_CONNECT && fault != MODEL_GO) fault = MODEL_LOST;
    model->faults[fault]++;
    return fault;
}

/* ---- transactions ---------------------------------------------------------------------------------------------- */

void mq_begin(struct model *model) {
    if (model->open) mq_die("two transactions at once");
    model->open = true, model->aborted = model->is_implicit = false;
    model->xid = 0;
}

void mq_end(struct model *model, bool keep) {
    if (keep) mq_keep_all(model);
    else mq_undo(model);
    model->open = model->aborted = model->has_agency = false;
    model->owner = NULL;
    model->xid = 0;
}

static void lose(PGconn *conn) {
    struct model *model = conn->model;
    conn->dead = true;
    if (model->open && model->owner == conn) mq_end(model, false);
}

static const char *sqlstate_of(enum model_fault fault) {
    static const char *const states[MODEL_FAULTS] = {
        [MODEL_SERIALIZATION] = "40001", [MODEL_DEADLOCK] = "40P01", [MODEL_DATA] = "23505", [MODEL_DISK_FULL] = "53100"};
    return states[fault];
}

static PGresult *refused(const struct mq_error *error) {
    PGresult *r = new_result(PGRES_FATAL_ERROR);
    r->error = *error;
    return r;
}

/* An error of the database: the transaction and the pipeline are over. */
static void fail(PGconn *conn, const struct mq_error *error) {
    conn->aborted = true;
    conn->model->aborted = true;
    push_answer(conn, refused(error));
}

static void fail_by(PGconn *conn, enum model_fault fault) {
    struct mq_error error = {.message = "as the hook wished"};
    if (fault == MODEL_LOST) {
        lose(conn);
        return;
    }
    snprintf(error.sqlstate, sizeof error.sqlstate, "%s", sqlstate_of(fault));
    fail(conn, &error);
}

static void done(PGconn *conn, const char *command) {
    PGresult *r = new_result(PGRES_COMMAND_OK);
    snprintf(r->command, sizeof r->command, "%s", command);
    push_answer(conn, r);
}

/* False: it did not begin. */
static bool begin(PGconn *conn, bool implicit) {
    struct model *model = conn->model;
    enum model_fault fault = ask(model, MODEL_BEGIN, "");
    if (fault == MODEL_LOST) {
        lose(conn);
        return false;
    }
    mq_begin(model);
    model->owner = conn, model->is_implicit = implicit;
    if (fault != MODEL_GO) fail_by(conn, fault);
    return fault == MODEL_GO;
}

static void commit(PGconn *conn) {
    struct model *model = conn->model;
    if (model->aborted) {
        mq_end(model, false);
        if (!conn->aborted) done(conn, "ROLLBACK");
        return;
    }
    enum model_fault fault = ask(model, MODEL_BEFORE_COMMIT, "");
    if (fault != MODEL_GO && model->is_implicit) fault = MODEL_LOST; /* nobody reads an answer to it */
    if (fault != MODEL_GO) {
        fail_by(conn, fault);
        if (fault != MODEL_LOST) mq_end(model, false);
        return;
    }
    bool implicit = model->is_implicit;
    mq_end(model, true);
    if (ask(model, MODEL_AFTER_COMMIT, "") == MODEL_LOST) conn->dead = true;
    else if (!implicit) done(conn, "COMMIT");
}

/* ---- statements ------------------------------------------------------------------------------------------------ */

static struct mq_query *parse_text(struct model *model, const char *name, const char *text) {
    struct mq_parser p;
    mq_parser_begin(&p, &model->lasting, name, text);
    struct mq_query *query = mq_parse_query(&p);
    mq_take_sign(&p, ";");
    if (p.at < p.n) mq_parse_fail(&p, "something behind the statement");
    mq_resolve(model, query, NULL);
    return query;
}

static struct mq_prepared *prepare(struct model *model, const struct statement *s) {
    size_t at = (size_t)(mq_hash(mq_bytes(MQ_IS_TEXT, bytes_text(s->name))) % MQ_PREPARED_BUCKETS);
    for (struct mq_prepared *p = model->prepared[at]; p; p = p->next) {
        if (p->statement == s) return p;
    }
    struct mq_prepared *p = MQ_NEW(&model->lasting, 1, struct mq_prepared);
    *p = (struct mq_prepared){s, parse_text(model, s->name, s->text), model->prepared[at]};
    model->prepared[at] = p;
    return p;
}

static const struct statement *find_statement(const PGconn *conn, const char *name) {
    for (int t = 0; t < 2; t++) {
        const struct statement_table *table = conn->tables[t];
        for (size_t i = 0; table && i < table->count; i++) {
            if (table->rows[i].name == name || strcmp(table->rows[i].name, name) == 0) return &table->rows[i];
        }
    }
    mq_die("the connection knows no statement %s", name);
}

static PGresult *run_query(struct model *model, const struct statement *s, const struct mq_query *query, const char *const *values,
                           const int *lengths) {
    size_t written = 0;
    struct mq_frame frame;
    struct mq_rows rows;
    const struct mq_value *params = decode_params(model, s, values, lengths);
    if (query->kind >= MQ_INSERT) {
        mq_frame_begin(model, &frame, query, NULL, params, s->n_in);
        rows = mq_write(model, query, &frame, &written);
    } else {
        rows = mq_run(model, query, NULL, params, s->n_in, SIZE_MAX);
    }
    return answer(s, &rows, written);
}

/* NULL: it was refused; model->error says why. */
static __attribute__((noinline)) PGresult *try_query(struct model *model, const struct statement *s, const struct mq_query *query,
                                                     const char *const *values, const int *lengths) {
    jmp_buf catch;
    PGresult *volatile r = NULL;
    model->catch = &catch;
    if (setjmp(catch) == 0) r = run_query(model, s, query, values, lengths);
    model->catch = NULL;
    return r;
}

static void run_statement(PGconn *conn, const struct statement *s, const char *const *values, const int *lengths) {
    struct model *model = conn->model;
    mq_arena_reset(&model->scratch);
    const struct mq_query *query = prepare(model, s)->query;
    model->statement++;
    bool was_owner = model->is_owner;
    PGresult *r = try_query(model, s, query, values, lengths);
    model->is_owner = was_owner;
    if (r) push_answer(conn, r);
    else fail(conn, &model->error);
}

static void run_one(PGconn *conn, const struct statement *s, const char *const *values, const int *lengths) {
    struct model *model = conn->model;
    bool is_begin = s == STMT_core_begin || s == STMT_core_begin_read_only || s == STMT_core_begin_snapshot;
    if (conn->aborted) {
        push_answer(conn, new_result(PGRES_PIPELINE_ABORTED));
    } else if (is_begin) {
        if (begin(conn, false)) done(conn, "BEGIN");
    } else if (s == STMT_core_rollback) {
        if (model->open) mq_end(model, false);
        done(conn, "ROLLBACK");
    } else if (s == STMT_core_commit) {
        commit(conn);
    } else if (model->aborted) {
        fail(conn, &(struct mq_error){.sqlstate = "25P02", .message = "current transaction is aborted"});
    } else if (s == STMT_core_replan) {
        done(conn, "DISCARD PLANS");
    } else if (model->open || begin(conn, true)) {
        enum model_fault fault = ask(model, MODEL_STATEMENT, s->name);
        if (fault == MODEL_GO) run_statement(conn, s, values, lengths);
        else fail_by(conn, fault);
    }
}

int PQsendQueryPrepared(PGconn *conn, const char *name, int n, const char *const *values, const int *lengths, const int *formats,
                        int format) {
    (void)n, (void)formats, (void)format;
    if (conn->dead) return 0;
    run_one(conn, find_statement(conn, name), values, lengths);
    return 1; /* as with a socket: who reads will notice */
}

int PQpipelineSync(PGconn *conn) {
    struct model *model = conn->model;
    if (conn->dead) return 0;
    if (model->open && model->is_implicit && model->owner == conn) commit(conn);
    if (conn->dead) return 1;
    conn->aborted = false;
    push_answer(conn, new_result(PGRES_PIPELINE_SYNC));
    return 1;
}

/* ---- db.h ------------------------------------------------------------------------------------------------------ */

const int db__binary[PARAMS_MAX] = {1};

static int64_t mono_us(const struct model *model) {
    struct timespec now;
    if (model && model->options.mono_us) return model->options.mono_us(model->options.context);
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

/* The models of a program share one time. */
static const struct model *any_model(void) {
    for (size_t i = 0; i < MODELS_MAX; i++) {
        if (models[i]) return models[i];
    }
    return NULL;
}

int64_t db__now_us(void) {
    return mono_us(any_model());
}

/* tx.c waits by this: in the simulator's time. */
int nanosleep(const struct timespec *wanted, struct timespec *left) {
    const struct model *model = any_model();
    (void)left;
    if (model && model->options.sleep_us) {
        model->options.sleep_us(model->options.context, (int64_t)wanted->tv_sec * US_PER_S + wanted->tv_nsec / 1000);
    }
    return 0;
}

void db__log(const struct db *db, const char *format, ...) {
    char line[1024];
    va_list args;
    if (!db->options.log) return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    db->options.log(db->options.log_context, line);
}

bool db__is_lost(const struct db *db) {
    return !db->conn || db->lost || db->conn->dead;
}

void db_release(struct db *db) {
    PGconn *conn = db->conn;
    if (conn) {
        if (conn->model->open && conn->model->owner == conn) mq_end(conn->model, false);
        for (size_t i = conn->n_taken; i < conn->n_answers; i++) PQclear(conn->answers[i]);
        free(conn);
    }
    db->conn = NULL;
    db->lost = false;
}

PGresult *db__next(struct db *db, int64_t until_us) {
    PGconn *conn = db->conn;
    (void)until_us;
    if (db__is_lost(db)) return NULL;
    if (conn->between) {
        conn->between = false;
        return NULL;
    }
    if (conn->n_taken == conn->n_answers) mq_die("an answer is waited for that nobody will give");
    PGresult *r = conn->answers[conn->n_taken++];
    if (conn->n_taken == conn->n_answers) conn->n_taken = conn->n_answers = 0;
    conn->between = r->status != PGRES_PIPELINE_SYNC;
    return r;
}

tagih_err db__reconnect(struct db *db) {
    struct model *model = model_of(db->options.conninfo);
    db_release(db);
    if (ask(model, MODEL_CONNECT, "") != MODEL_GO) return FAIL(STORE_UNAVAILABLE);
    db->conn = calloc(1, sizeof *db->conn);
    if (!db->conn) mq_die("no memory");
    db->conn->model = model;
    db->conn->tables[0] = &core_statements, db->conn->tables[1] = db->options.statements;
    return TAGIH_OK;
}

bool db__replan_is_due(struct db *db) {
    (void)db;
    return false;
}

tagih_err db_open(struct db *db, const struct db_options *options) {
    *db = (struct db){.options = *options, .jitter = 0x9E3779B97F4A7C15u};
    return db__reconnect(db);
}

tagih_err db_open_raw(struct db *db, const struct db_options *options) {
    return db_open(db, options);
}

tagih_err db__exec_text(struct db *db, const struct statement *statement, const struct params *params, struct result *out, char sqlstate[6]) {
    (void)db, (void)params, (void)out, (void)sqlstate;
    mq_die("statement %s runs by its text: that is for migrations", statement->name);
}

/* ---- the model ------------------------------------------------------------------------------------------------- */

struct model *model_open(const struct model_options *options) {
    struct model *model = calloc(1, sizeof *model);
    if (!model) mq_die("no memory");
    if (options) model->options = *options;
    size_t number = 0;
    while (number < MODELS_MAX && models[number]) number++;
    if (number == MODELS_MAX) mq_die("more than %d models at once", MODELS_MAX);
    models[number] = model;
    snprintf(model->conninfo, sizeof model->conninfo, "model %zu", number);
    mq_schema_read(model);
    model_reset(model);
    return model;
}

void model_reset(struct model *model) {
    if (model->open) mq_end(model, false);
    for (size_t i = 0; i < model->n_tables; i++) mq_table_clear(model->tables[i]);
    model->hook = NULL, model->hook_context = NULL;
    memset(model->faults, 0, sizeof model->faults);
    model->statement = 1, model->xid = model->xid_next = model->wall_us = 0;
    mq_run_text(model, "insert into installation default values", false);
}

void model_close(struct model *model) {
    if (!model) return;
    for (size_t i = 0; i < MODELS_MAX; i++) {
        if (models[i] == model) models[i] = NULL;
    }
    for (size_t i = 0; i < model->n_tables; i++) mq_table_free(model->tables[i]);
    mq_arena_free(&model->lasting);
    mq_arena_free(&model->scratch);
    mq_arena_free(&model->texts);
    free(model->log);
    free(model);
}

void model_hook(struct model *model, model_hook_fn hook, void *context) {
    model->hook = hook;
    model->hook_context = context;
}

uint64_t model_faults(const struct model *model, enum model_fault fault) {
    return model->faults[fault];
}

/* Several statements, one transaction. What they are parsed into is thrown away by the next call. */
struct mq_rows mq_run_text(struct model *model, const char *text, bool unchecked) {
    struct mq_arena lasting = model->lasting;
    struct mq_parser p;
    struct mq_rows rows = {.n = 0};
    mq_arena_reset(&model->scratch);
    mq_arena_reset(&model->texts);
    mq_parser_begin(&p, &model->texts, text, text);
    mq_begin(model);
    model->is_owner = true, model->unchecked = unchecked;
    while (p.at < p.n) {
        struct mq_query *query = mq_parse_query(&p);
        if (!mq_take_sign(&p, ";") && p.at < p.n) mq_parse_fail(&p, "something behind the statement");
        model->lasting = model->texts;
        mq_resolve(model, query, NULL);
        model->texts = model->lasting, model->lasting = lasting;
        p.arena = &model->texts;
        model->statement++;
        rows = mq_run(model, query, NULL, NULL, 0, SIZE_MAX);
        lasting = model->lasting; /* a function may have been read on the way */
    }
    model->is_owner = model->unchecked = false;
    mq_end(model, true);
    return rows;
}
