/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that were decoded from entries, beside what their entries say: promises, deposits, incidents, handovers, day
 * closes, check-ins, outcomes. Expected rows are made by the functions that made them first (rpc/entries.h), so each
 * column that an entry says is compared; what the server decided stands under digests and seals.
 */
#include <string.h>

#include "rpc/entries_cash.h"
#include "verify/entries.h"
#include "store_statements.h"

#define SKIPPED_MAX 5

/* A kind whose rows are facts of the entry's own posting. */
struct decoded {
    uint16_t kind;
    const char *table;
    const struct statement *verify;  /* reads its rows back */
    const char *server[SKIPPED_MAX]; /* columns that the server adds */
    void (*expect)(struct verify *v, struct opened *o, struct params *out);
};

/* ---- what entries say -------------------------------------------------------------------------------------------------- */

static void expect_promise(struct verify *v, struct opened *o, struct params *out) {
    struct promise_row row = entry__promise_row(&o->sealed);
    row.received_us = o->received.us;
    promise_insert(out, v->tx, v->arena, &row, 1);
}

static void expect_deposit(struct verify *v, struct opened *o, struct params *out) {
    struct deposit_row row = cash__deposit_row(&o->sealed, o->received);
    deposit_fact(out, v->tx, v->arena, &row, 1);
}

static void expect_shortage(struct verify *v, struct opened *o, struct params *out) {
    struct shortage_row row = cash__shortage_row(&o->sealed, o->received);
    shortage_fact(out, v->tx, v->arena, &row, 1);
}

static void expect_handover(struct verify *v, struct opened *o, struct params *out) {
    struct handover_row row = handover__row(&o->sealed);
    handover_fact(out, v->tx, v->arena, &row);
}

/* One a currency, in the order of their ids, as settlement_verify answers them. */
static void expect_settlements(struct verify *v, struct opened *o, struct params *out) {
    struct settlement_row rows[JOURNAL_DAY_CURRENCIES_MAX];
    struct sealed copy = o->sealed; /* sums that do not fit flag it */
    size_t n = 0;
    for (size_t i = 0; i < o->entry.body.day_close.currency_count; i++) {
        if (!cash__settles(&o->sealed, i)) continue;
        struct settlement_row row = cash__settlement_row(&copy, i, n == 0, o->received);
        size_t at = n++;
        for (; at > 0 && uuid_compare(rows[at - 1].id, row.id) > 0; at--) rows[at] = rows[at - 1];
        rows[at] = row;
    }
    settlement_fact(out, v->tx, v->arena, rows, n);
}

static void expect_notes(struct verify *v, struct opened *o, struct params *out) {
    struct settlement_note_row notes[JOURNAL_DAY_NOTES_MAX];
    struct sealed copy = o->sealed;
    size_t n = 0, n_settlements = 0;
    for (size_t i = 0; i < o->entry.body.day_close.currency_count; i++) {
        if (!cash__settles(&o->sealed, i)) continue;
        struct settlement_row row = cash__settlement_row(&copy, i, n_settlements++ == 0, o->received);
        cash__add_notes(&copy, i, &row, notes, &n);
    }
    cash__sort_notes(notes, n);
    settlement_note_fact(out, v->tx, v->arena, notes, n);
}

static const struct decoded decoded[] = {
    {JOURNAL_PROMISE, "promise", STMT_promise_verify, {"closes_us", "flags", "refused"}, expect_promise},
    {JOURNAL_DEPOSIT, "deposit", STMT_deposit_verify, {NULL}, expect_deposit},
    {JOURNAL_INCIDENT, "shortage", STMT_shortage_verify, {NULL}, expect_shortage},
    {JOURNAL_HANDOVER, "handover", STMT_handover_verify, {NULL}, expect_handover},
    {JOURNAL_DAY_CLOSE, "settlement", STMT_settlement_verify, {NULL}, expect_settlements},
    {JOURNAL_DAY_CLOSE, "settlement_note", STMT_settlement_note_verify, {NULL}, expect_notes},
};
#define DECODED (sizeof decoded / sizeof decoded[0])

/* ---- comparing ----------------------------------------------------------------------------------------------------------- */

static bool owns_rows(const struct opened *o, uint16_t kind) {
    bool stored = o->sealed.owns_id && !(o->sealed.flags & fate_bit(REASON_NOT_STORED));
    return o->is && o->entry.kind == kind && (stored || o->released);
}

/* What two people released came in once more, then, under their posting and with the account that they named. */
static void come_again(struct opened *o, struct post *post) {
    *post = (struct post){.id = o->release.posting};
    o->entry.id.u = verify__subject(o);
    if (o->entry.kind == JOURNAL_PROMISE) o->entry.body.promise.account = o->release.account;
    o->sealed.post = post;
    o->sealed.fate = o->release.fate;
    o->sealed.flags = o->release.flags;
    o->received = o->release.at;
    o->woken = false;
}

/* Of one that waits or is held back there may be a row; of one that took effect there must be. */
static bool took_effect(const struct opened *o) {
    return o->sealed.fate == FATE_POSTED || o->sealed.fate == FATE_POSTED_FLAGGED;
}

/* What waited was taken in later than it was received. */
static bool is_servers(const struct decoded *kind, const struct opened *o, const char *column) {
    if (o->woken && strcmp(column, "received_us") == 0) return true;
    for (size_t i = 0; i < SKIPPED_MAX && kind->server[i]; i++) {
        if (strcmp(kind->server[i], column) == 0) return true;
    }
    return false;
}

static void compare_row(struct verify *v, const struct decoded *kind, const struct opened *o, const struct params *expected,
                        size_t i, const struct result *r, size_t at) {
    struct fact_column columns[PARAMS_MAX];
    const struct verify_row row = {v, kind->table, verify__key(v, BYTES_OF(&o->entry.id))};
    size_t n = fact_compare_row(expected, i, r, at, v->arena, columns);
    for (size_t c = 0; c < n; c++) {
        if (!is_servers(kind, o, columns[c].name)) verify__differs(&row, columns[c].name, columns[c].stored, columns[c].expected);
    }
}

static size_t rows_of(const struct result *r, int column, uuid posting, size_t *first) {
    size_t n = 0;
    *first = verify__first(r, column, posting);
    while (*first + n < result_count(r) && uuid_equal(result_uuid(r, *first + n, column), posting)) n++;
    return n;
}

/* A half of a handover that waited may have brought its row before two people released it. */
static void compare_entry(struct verify *v, const struct decoded *kind, struct opened *o, const struct result *r, int column) {
    struct params expected;
    struct post post;
    size_t first = 0, n = o->sealed.owns_id ? rows_of(r, column, o->entry.id.u, &first) : 0;
    if (n == 0 && o->released) {
        n = rows_of(r, column, o->release.posting, &first);
        come_again(o, &post);
    }
    const struct verify_row row = {v, kind->table, verify__key(v, BYTES_OF(&o->entry.id))};
    if (n == 0 && !took_effect(o)) return;
    kind->expect(v, o, &expected);
    if (expected.exhausted) return; /* told at the end of the chunk: OUT_OF_MEMORY */
    verify__int(&row, "rows", (int64_t)n, (int64_t)expected.n_rows);
    for (size_t i = 0; i < n && i < expected.n_rows; i++) compare_row(v, kind, o, &expected, i, r, first + i);
}

static tagih_err compare_kind(struct verify *v, const struct decoded *kind, struct opened *all, size_t n) {
    uuid *ids = ARENA_ARRAY(v->arena, 2 * n, uuid);
    size_t count = 0;
    if (!ids) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        if (!owns_rows(&all[i], kind->kind)) continue;
        ids[count++] = all[i].entry.id.u;
        if (all[i].released) ids[count++] = all[i].release.posting;
    }
    if (count == 0) return TAGIH_OK;
    DEFER(result) struct result r = {0};
    TRY(verify__send_ids(v, kind->verify, ids, count));
    TRY(tx_sync(v->tx));
    tx_take(v->tx, &r);
    int column = verify__column(r.statement, "posting_id");
    for (size_t i = 0; i < n; i++) {
        if (!owns_rows(&all[i], kind->kind)) continue;
        compare_entry(v, kind, &all[i], &r, column);
        all[i].sealed.post = NULL; /* it was come_again's */
    }
    return v->arena->exhausted ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}

/* ---- check-ins and outcomes ---------------------------------------------------------------------------------------------- */

/* A call may have brought it before, with content of its own; what came with the entry has the entry's instant. */

#define COL(name) COL_verify_check_ins_##name

static void check_check_in(struct verify *v, const struct opened *o, const struct result *r, size_t i) {
    const struct verify_row row = {v, "check_in", verify__key(v, BYTES_OF(&o->entry.id))};
    struct arrival made;
    hash256 digest;
    if (result_int8(r, i, COL(received_us)) != o->received.us) return;
    if (!err_is_ok(entry__arrival(v->arena, &o->sealed, o->received, &made))) return;
    struct bytes fixes = arrival__fixes(v->arena, made.fixes, made.n_fixes);
    arrival__digest(&made, fixes, &digest);
    verify__uuid(&row, "visit_id", result_uuid(r, i, COL(visit_id)), made.key.visit.u);
    verify__uuid(&row, "collector_id", result_uuid(r, i, COL(collector_id)), made.key.collector.u);
    verify__uuid(&row, "device_id", result_uuid_or_nil(r, i, COL(device_id)), made.key.device.u);
    verify__int(&row, "device_us", result_int8(r, i, COL(device_us)), made.device_time.us);
    verify__int(&row, "value_us", result_int8(r, i, COL(value_us)), made.key.value.us);
    verify__int(&row, "mono_us", result_int8(r, i, COL(mono_us)), made.mono_us);
    verify__bytes(&row, "boot_id", result_bytes(r, i, COL(boot_id)), BYTES_OF(&made.boot_id));
    verify__bytes(&row, "digest", result_bytes(r, i, COL(digest)), BYTES_OF(&digest));
}

#undef COL
#define COL(name) COL_verify_outcomes_##name

static void check_outcome(struct verify *v, const struct opened *o, const struct result *r, size_t i) {
    const struct verify_row row = {v, "visit_outcome", verify__key(v, BYTES_OF(&o->entry.id))};
    struct outcome_entry made = entry__outcome(&o->entry, o->by.certificate.user, o->sealed.value.value);
    if (result_int8(r, i, COL(received_us)) != o->received.us) return;
    bool fits = made.report.code <= INT16_MAX && made.report.list_version <= INT16_MAX && made.report.next_action <= INT16_MAX;
    verify__uuid(&row, "visit_id", result_uuid(r, i, COL(visit_id)), made.key.visit.u);
    verify__uuid(&row, "collector_id", result_uuid(r, i, COL(collector_id)), made.key.collector.u);
    verify__int(&row, "code", result_int2(r, i, COL(code)), fits ? (int64_t)made.report.code : 0);
    verify__int(&row, "list_version", result_int2(r, i, COL(list_version)), fits ? (int64_t)made.report.list_version : 0);
    verify__int(&row, "next_action", result_is_null(r, i, COL(next_action)) ? -1 : result_int2(r, i, COL(next_action)),
                fits && made.report.has_next_action ? (int64_t)made.report.next_action : -1);
    verify__bytes(&row, "note", result_bytes(r, i, COL(note)), made.note);
    verify__int(&row, "value_us", result_int8(r, i, COL(value_us)), made.key.value_us);
}

#undef COL

typedef void (*visited_fn)(struct verify *v, const struct opened *o, const struct result *r, size_t i);

/* Work under a lease that was another's is kept in the journal alone (R-VIS-3). */
static tagih_err compare_visited(struct verify *v, uint16_t kind, const char *table, const struct statement *statement,
                                 struct opened *all, size_t n, visited_fn check) {
    uuid *ids = ARENA_ARRAY(v->arena, n, uuid);
    size_t *places = ARENA_ARRAY(v->arena, n, size_t), count = 0, at = 0;
    if (!ids || !places) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        if (!owns_rows(&all[i], kind)) continue;
        places[count] = i;
        ids[count++] = all[i].entry.id.u;
    }
    if (count == 0) return TAGIH_OK;
    DEFER(result) struct result r = {0};
    TRY(verify__send_ids(v, statement, ids, count));
    TRY(tx_sync(v->tx));
    tx_take(v->tx, &r);
    for (size_t k = 0; k < count; k++) {
        struct opened *o = &all[places[k]];
        struct post post;
        if (o->released) come_again(o, &post);
        const struct verify_row row = {v, table, verify__key(v, BYTES_OF(&o->entry.id))};
        bool there = at < result_count(&r) && (size_t)result_int4(&r, at, 0) == k;
        bool must = took_effect(o) && !(o->sealed.flags & fate_bit(REASON_LEASE));
        if (there) check(v, o, &r, at++);
        else if (must) verify__differs(&row, "", "no row", "the row that its entry brought");
        o->sealed.post = NULL;
    }
    return v->arena->exhausted ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}

tagih_err verify__decoded(struct verify *v, struct opened *all, size_t n) {
    for (size_t k = 0; k < DECODED; k++) TRY(compare_kind(v, &decoded[k], all, n));
    TRY(compare_visited(v, JOURNAL_CHECK_IN, "check_in", STMT_verify_check_ins, all, n, check_check_in));
    return compare_visited(v, JOURNAL_VISIT_OUTCOME, "visit_outcome", STMT_verify_outcomes, all, n, check_outcome);
}
