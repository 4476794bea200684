/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions in pipeline mode, and the one place that knows what a SQLSTATE means. Invariants: between transactions
 * the connection is idle with an empty pipeline, or lost; every queued slot gets exactly one answer, even if that is
 * "skipped", so queue and answers never drift apart. The first failure decides the verdict; later ones only follow.
 */
#include "store/tx.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core_statements.h"

#define TRIES_MAX 8
#define SHORT_WRITES_MAX 3
#define BACKOFF_US_FIRST (2 * US_PER_MS)
#define BACKOFF_US_MAX (250 * US_PER_MS)
/** The server ends a statement at the deadline; this much later it counts as dead. */
#define GRACE_US (2 * US_PER_S)

static const struct {
    const char *prefix;
    enum tx_verdict verdict;
} sqlstates[] = {
    {"40001", TX_AGAIN},       /* serialization_failure */
    {"40P01", TX_AGAIN},       /* deadlock_detected */
    {"55P03", TX_AGAIN},       /* lock_not_available: lock_timeout */
    {"40003", TX_RECONNECT},   /* statement_completion_unknown */
    {"57014", TX_UNAVAILABLE}, /* query_canceled: statement_timeout */
    {"57P", TX_RECONNECT},     /* shutdown, crash, not ready yet */
    {"08", TX_RECONNECT},      /* connection exceptions */
    {"25P03", TX_RECONNECT},   /* idle_in_transaction_session_timeout: the server hung up */
    {"25006", TX_RECONNECT},   /* read_only_sql_transaction: after a failover this is a standby now */
    {"0A000", TX_RECONNECT},   /* BEGIN READ WRITE on a standby; a plan kept from before a migration */
    {"53", TX_UNAVAILABLE},    /* disk full, no memory, too many connections */
    {"58", TX_UNAVAILABLE},    /* the system below it: a disk that does not read or write (58030) */
    {"22", TX_DATA},           /* data exceptions */
    {"23", TX_DATA},           /* constraints */
    {"P0001", TX_DATA},        /* raised by a trigger: a constraint too */
};

static enum tx_verdict verdict_of(const char *sqlstate) {
    for (size_t i = 0; i < sizeof sqlstates / sizeof sqlstates[0]; i++) {
        if (strncmp(sqlstate, sqlstates[i].prefix, strlen(sqlstates[i].prefix)) == 0) return sqlstates[i].verdict;
    }
    return TX_BUG;
}

static tagih_err error_of(enum tx_verdict verdict) {
    static const tagih_err errors[] = {
        [TX_FINE] = {ERR_OK},
        [TX_AGAIN] = {ERR_STORE_CONTENDED},
        [TX_RECONNECT] = {ERR_STORE_UNAVAILABLE},
        [TX_UNAVAILABLE] = {ERR_STORE_UNAVAILABLE},
        [TX_DATA] = {ERR_BATCH_BROKEN},
        [TX_SHORT] = {ERR_BATCH_BROKEN},
        [TX_BUG] = {ERR_INTERNAL},
    };
    return errors[verdict];
}

static tagih_err fail(struct tx *tx, enum tx_verdict verdict) {
    if (tx->verdict == TX_FINE) tx->verdict = verdict;
    return error_of(tx->verdict);
}

static const char *tx_name(const struct tx *tx) {
    return tx->options->name ? tx->options->name : "?";
}

static void drop_results(struct tx *tx) {
    for (size_t i = 0; i < tx->n_slots; i++) PQclear(tx->slots[i].result);
    tx->n_slots = tx->n_answered = tx->n_taken = 0;
}

/* Queue a prepared statement; its answer will be in the last slot. */
static tagih_err queue(struct tx *tx, const struct statement *statement, const struct params *params, bool quiet) {
    if (tx->verdict != TX_FINE) return error_of(tx->verdict);
    assert(tx->n_slots < TX_SLOTS);
    bool sent = !db__is_lost(tx->db) &&
                PQsendQueryPrepared(tx->db->conn, statement->name, params ? params->n_given : 0,
                                    params ? params->values : NULL, params ? params->lengths : NULL, db__binary, 1);
    if (!sent) return fail(tx, TX_RECONNECT);
    tx->slots[tx->n_slots++] = (struct tx_slot){.statement = statement, .rows_asked = -1, .quiet = quiet};
    return TAGIH_OK;
}

/* BEGIN and its settings, before the first statement. The statement timeout is what is left of the deadline. */
static tagih_err queue_begin(struct tx *tx) {
    const struct tx_options *o = tx->options;
    char agency[UUID_TEXT_SIZE] = "", timeout_ms[24];
    int64_t left_ms = (o->deadline_us - db__now_us()) / US_PER_MS;
    if (!uuid_is_nil(o->agency.u)) uuid_format(o->agency.u, agency);
    snprintf(timeout_ms, sizeof timeout_ms, "%d", left_ms < 1 ? 1 : left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
    struct params scope = {.statement = STMT_core_scope, .n_given = 2};
    scope.values[0] = agency, scope.lengths[0] = (int)strlen(agency);
    scope.values[1] = timeout_ms, scope.lengths[1] = (int)strlen(timeout_ms);
    tx->begun = true;
    const struct statement *begin = o->snapshot    ? STMT_core_begin_snapshot
                                    : o->read_only ? STMT_core_begin_read_only
                                                   : STMT_core_begin;
    TRY(queue(tx, begin, NULL, true));
    if (db__replan_is_due(tx->db)) TRY(queue(tx, STMT_core_replan, NULL, true));
    return queue(tx, STMT_core_scope, &scope, true);
}

void tx_begin(struct tx *tx, struct db *db, const struct tx_options *options) {
    tx->db = db;
    tx->options = options;
    tx->n_slots = tx->n_answered = tx->n_taken = 0;
    tx->begun = tx->committed = tx->autocommit = false;
    tx->verdict = TX_FINE;
    if (db__is_lost(db) && !err_is_ok(db__reconnect(db))) tx->verdict = TX_RECONNECT;
}

void tx_params(struct params *p, const struct tx *tx, struct arena *arena, const struct statement *statement, size_t n_rows) {
    params_init(p, arena, statement, n_rows);
    params_one_uuid(p, &tx->options->agency);
}

tagih_err tx_send(struct tx *tx, const struct params *params) {
    const struct statement *s = params->statement;
    if (params->exhausted) return FAIL(OUT_OF_MEMORY);
    if ((size_t)params->n_given != s->n_in) {
        fprintf(stderr, "statement %s has %zu parameters, given %d\n", s->name, s->n_in, params->n_given);
        abort();
    }
    assert(!tx->committed && tx->n_slots - tx->n_answered < TX_QUEUE_MAX + 3);
    if (tx->n_answered == tx->n_slots) drop_results(tx);
    if (!tx->begun && !tx->autocommit) TRY(queue_begin(tx));
    return queue(tx, s, params, false);
}

tagih_err tx_send_ids(struct tx *tx, struct arena *arena, const struct statement *statement, const uuid *ids, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, statement, n);
    params_uuid(&p, ids, sizeof *ids);
    return tx_send(tx, &p);
}

tagih_err tx_send_id(struct tx *tx, struct arena *arena, const struct statement *statement, uuid id) {
    struct params p;
    tx_params(&p, tx, arena, statement, 0);
    params_one_uuid(&p, &id);
    return tx_send(tx, &p);
}

void tx_expect(struct tx *tx, size_t rows) {
    if (tx->verdict != TX_FINE) return;
    assert(tx->n_slots > tx->n_answered && !tx->slots[tx->n_slots - 1].quiet);
    tx->slots[tx->n_slots - 1].rows_asked = (int64_t)rows;
}

static void count_failure(struct db_stats *stats, const char *sqlstate) {
    stats->deadlocks += strcmp(sqlstate, "40P01") == 0;
    stats->serialization_failures += strcmp(sqlstate, "40001") == 0;
    stats->lock_timeouts += strcmp(sqlstate, "55P03") == 0;
}

static const char *field(const PGresult *result, int code) {
    const char *text = PQresultErrorField(result, code);
    return text ? text : "";
}

/* Messages about data quote the data: of those only the names of what was violated are logged. */
static void judge_error(struct tx *tx, const struct tx_slot *slot, const PGresult *result) {
    const char *sqlstate = field(result, PG_DIAG_SQLSTATE);
    enum tx_verdict verdict = *sqlstate ? verdict_of(sqlstate) : db__is_lost(tx->db) ? TX_RECONNECT : TX_BUG;
    if (verdict == TX_RECONNECT && tx->options->read_only && strcmp(sqlstate, "25006") == 0) verdict = TX_BUG;
    if (verdict == TX_RECONNECT) tx->db->lost = true;
    if (db__is_short(sqlstate) && !tx->options->read_only) tx->db->refused_us = db__now_us();
    count_failure(&tx->db->stats, sqlstate);
    if (verdict != TX_AGAIN || strcmp(sqlstate, "40P01") == 0) {
        db__log(tx->db, "%s: statement %s: %s %s %s %s", tx_name(tx), slot->statement->name, sqlstate,
                field(result, PG_DIAG_TABLE_NAME), field(result, PG_DIAG_CONSTRAINT_NAME),
                verdict == TX_DATA ? "" : field(result, PG_DIAG_MESSAGE_PRIMARY));
    }
    (void)fail(tx, verdict);
}

static void judge_rows(struct tx *tx, const struct tx_slot *slot, PGresult *result) {
    if (slot->rows_asked < 0) return;
    int64_t written = strtoll(PQcmdTuples(result), NULL, 10);
    if (written == slot->rows_asked) return;
    tx->db->stats.short_writes++;
    db__log(tx->db, "%s: statement %s wrote %lld rows of %lld", tx_name(tx), slot->statement->name, (long long)written,
            (long long)slot->rows_asked);
    (void)fail(tx, TX_SHORT);
}

static int64_t give_up_us(const struct tx *tx) {
    int64_t deadline_us = tx->options->deadline_us;
    return deadline_us > INT64_MAX - GRACE_US ? deadline_us : deadline_us + GRACE_US;
}

/* The answer of one slot and the NULL behind it. */
static void receive(struct tx *tx, struct tx_slot *slot) {
    PGresult *result = db__next(tx->db, give_up_us(tx));
    ExecStatusType status = PQresultStatus(result);
    if (!result) {
        tx->db->lost = true;
        (void)fail(tx, TX_RECONNECT);
        return;
    }
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        slot->result = result;
        judge_rows(tx, slot, result);
    } else {
        if (status != PGRES_PIPELINE_ABORTED) judge_error(tx, slot, result);
        PQclear(result);
    }
    PQclear(db__next(tx->db, give_up_us(tx)));
}

/* One round trip: the answers of all slots that wait for one. The verdict says how it went. */
static void round_trip(struct tx *tx) {
    if (db__is_lost(tx->db) || !PQpipelineSync(tx->db->conn)) {
        tx->db->lost = true;
        (void)fail(tx, TX_RECONNECT);
        return;
    }
    tx->db->stats.round_trips++;
    while (tx->n_answered < tx->n_slots && !db__is_lost(tx->db)) receive(tx, &tx->slots[tx->n_answered++]);
    PGresult *sync = db__next(tx->db, give_up_us(tx));
    if (PQresultStatus(sync) != PGRES_PIPELINE_SYNC) tx->db->lost = true;
    PQclear(sync);
    if (db__is_lost(tx->db)) (void)fail(tx, TX_RECONNECT);
}

tagih_err tx_sync(struct tx *tx) {
    if (tx->verdict == TX_FINE && tx->n_answered < tx->n_slots) round_trip(tx);
    return error_of(tx->verdict);
}

void tx_take(struct tx *tx, struct result *out) {
    struct tx_slot *slot;
    do {
        assert(tx->n_taken < tx->n_answered);
        slot = &tx->slots[tx->n_taken++];
    } while (slot->quiet || slot->statement->n_out == 0);
    result_release(out);
    *out = (struct result){slot->result, slot->statement};
    slot->result = NULL;
}

static bool is_counting(const struct tx *tx) {
    for (size_t i = tx->n_answered; i < tx->n_slots; i++) {
        if (tx->slots[i].rows_asked >= 0) return true;
    }
    return false;
}

tagih_err tx_commit(struct tx *tx) {
    if (!tx->begun || is_counting(tx)) TRY(tx_sync(tx));
    if (tx->begun) {
        TRY(queue(tx, STMT_core_commit, NULL, true));
        TRY(tx_sync(tx));
        /* COMMIT of a transaction that failed unnoticed answers "ROLLBACK" without an error. */
        if (strcmp(PQcmdStatus(tx->slots[tx->n_slots - 1].result), "COMMIT") != 0) return fail(tx, TX_BUG);
    }
    if (tx->verdict != TX_FINE) return error_of(tx->verdict);
    tx->committed = true;
    if (!tx->options->read_only) tx->db->written_us = db__now_us();
    return TAGIH_OK;
}

void tx_release(struct tx *tx) {
    struct db *db = tx->db;
    if (!tx->committed && !db__is_lost(db)) {
        if (tx->n_answered < tx->n_slots) round_trip(tx);
        drop_results(tx);
        enum tx_verdict verdict = tx->verdict;
        tx->verdict = TX_FINE; /* so that ROLLBACK can be queued */
        if (tx->begun && err_is_ok(queue(tx, STMT_core_rollback, NULL, true))) round_trip(tx);
        if (verdict != TX_FINE) tx->verdict = verdict;
    }
    drop_results(tx);
    if (db__is_lost(db)) db_release(db);
}

/* Full jitter: anything between nothing and a bound that doubles, so that those who collided part. */
static void back_off(struct db *db, int tries, int64_t deadline_us) {
    int64_t bound_us = BACKOFF_US_FIRST << tries;
    if (bound_us > BACKOFF_US_MAX) bound_us = BACKOFF_US_MAX;
    db->jitter ^= db->jitter << 13, db->jitter ^= db->jitter >> 7, db->jitter ^= db->jitter << 17;
    int64_t sleep_us = (int64_t)(db->jitter >> 1) % bound_us, left_us = deadline_us - db__now_us();
    if (sleep_us > left_us) sleep_us = left_us > 0 ? left_us : 0;
    nanosleep(&(struct timespec){.tv_sec = sleep_us / US_PER_S, .tv_nsec = sleep_us % US_PER_S * 1000}, NULL);
}

/* One try. `verdict` TX_FINE: the answer is final. */
static tagih_err run_once(struct db *db, const struct tx_options *options, bool autocommit, tx_body_fn body, void *context,
                          enum tx_verdict *verdict) {
    *verdict = TX_RECONNECT;
    if (db__is_lost(db)) {
        tagih_err err = db__reconnect(db);
        if (err_is(err, ERR_STORE_UNAVAILABLE)) return err;
        db->stats.reconnects += err_is_ok(err);
        db->stats.refused_schemas += err_is(err, ERR_STORE_SCHEMA);
        *verdict = TX_FINE;
        TRY(err);
    }
    struct tx tx;
    tx_begin(&tx, db, options);
    tx.autocommit = autocommit;
    tagih_err err = body(&tx, context);
    if (err_is_ok(err) && !tx.committed) err = tx_commit(&tx);
    *verdict = tx.committed ? TX_FINE : tx.verdict;
    db->stats.transactions += tx.committed;
    tx_release(&tx);
    return err;
}

static bool may_help(enum tx_verdict verdict, int tries, int *short_writes) {
    if (verdict == TX_SHORT) return ++*short_writes < SHORT_WRITES_MAX;
    return (verdict == TX_AGAIN || verdict == TX_RECONNECT) && tries < TRIES_MAX;
}

static tagih_err run(struct db *db, const struct tx_options *options, bool autocommit, tx_body_fn body, void *context) {
    int short_writes = 0;
    if (db__now_us() >= options->deadline_us) return FAIL(STORE_DEADLINE);
    for (int tries = 1;; tries++) {
        enum tx_verdict verdict;
        tagih_err err = run_once(db, options, autocommit, body, context, &verdict);
        if (verdict == TX_FINE) return err;
        bool again = may_help(verdict, tries, &short_writes);
        if (again) back_off(db, tries, options->deadline_us);
        if (!again || db__now_us() >= options->deadline_us) {
            db->stats.broken_batches += err_is(error_of(verdict), ERR_BATCH_BROKEN);
            return error_of(verdict);
        }
        db->stats.retries++;
    }
}

tagih_err tx_run(struct db *db, const struct tx_options *options, tx_body_fn body, void *context) {
    return run(db, options, false, body, context);
}

struct single {
    const struct params *params;
    struct result *out;
};

static tagih_err run_single(struct tx *tx, void *context) {
    struct single *single = context;
    TRY(tx_send(tx, single->params));
    TRY(tx_sync(tx));
    if (single->params->statement->n_out > 0) tx_take(tx, single->out);
    return TAGIH_OK;
}

tagih_err db_exec_one(struct db *db, const struct params *params, int64_t deadline_us, struct result *out) {
    struct tx_options options = {.deadline_us = deadline_us, .name = params->statement->name};
    return run(db, &options, true, run_single, &(struct single){params, out});
}

struct halving {
    struct db *db;
    const struct tx_options *options;
    tx_range_fn body;
    tx_failed_fn failed;
    void *context;
    size_t first, count; /* the range of the transaction that runs */
    size_t committed;
    tagih_err first_err; /* other than BATCH_BROKEN */
    tagih_err stop;      /* not OK: nothing more is tried */
};

static tagih_err run_range(struct tx *tx, void *context) {
    struct halving *h = context;
    return h->body(tx, h->context, h->first, h->count);
}

static void report_range(struct halving *h, size_t first, size_t count, tagih_err err) {
    if (err_is_ok(h->first_err) && !err_is(err, ERR_BATCH_BROKEN)) h->first_err = err;
    if (err_is(err, ERR_STORE_UNAVAILABLE) || err_is(err, ERR_STORE_DEADLINE)) h->stop = err;
    for (size_t i = 0; i < count; i++) h->failed(h->context, first + i, err);
}

/* Recursion is as deep as the logarithm of the batch. */
static void halve(struct halving *h, size_t first, size_t count) {
    h->first = first;
    h->count = count;
    tagih_err err = err_is_ok(h->stop) ? tx_run(h->db, h->options, run_range, h) : h->stop;
    if (err_is_ok(err)) {
        h->committed++;
    } else if ((err_is(err, ERR_BATCH_BROKEN) || err_is(err, ERR_OUT_OF_MEMORY)) && count > 1) { /* too much at once, too */
        halve(h, first, count / 2);
        halve(h, first + count / 2, count - count / 2);
    } else {
        report_range(h, first, count, err);
    }
}

tagih_err tx_run_halving(struct db *db, const struct tx_options *options, size_t n_items, tx_range_fn body,
                         tx_failed_fn failed, void *context, size_t *committed) {
    struct halving h = {.db = db, .options = options, .body = body, .failed = failed, .context = context};
    if (n_items > 0) halve(&h, 0, n_items);
    if (committed) *committed = h.committed;
    return h.first_err;
}
