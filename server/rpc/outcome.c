/* SPDX-License-Identifier: Apache-2.0 */
/* Decide about a set of outcomes, visit by visit in the order of their value instants. */
#include "rpc/outcome.h"

#include <stdlib.h>
#include <string.h>

#include "domain/visit.h"
#include "store/change.h"
#include "tagih/check_in.h"

static visit_id *visits_of(struct arena *arena, const struct outcome_entry *entries, size_t n) {
    visit_id *ids = ARENA_ARRAY(arena, n, visit_id);
    for (size_t i = 0; ids && i < n; i++) ids[i] = entries[i].key.visit;
    return ids;
}

tagih_err outcomes_send_lock(struct tx *tx, struct arena *arena, const struct outcome_entry *entries, size_t n) {
    visit_id *ids = visits_of(arena, entries, n);
    return ids ? visit_send_lock(tx, arena, ids, n) : FAIL(OUT_OF_MEMORY);
}

void outcomes_take_lock(struct tx *tx) {
    visit_take_lock(tx);
}

tagih_err outcomes_send_load(struct tx *tx, struct arena *arena, const struct outcome_entry *entries, size_t n) {
    struct outcome_key *keys = ARENA_ARRAY(arena, n, struct outcome_key);
    visit_id *ids = visits_of(arena, entries, n);
    if (!keys || !ids) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) keys[i] = entries[i].key;
    TRY(visit_send_load(tx, arena, ids, n));
    return outcome_send_load(tx, arena, keys, n);
}

static tagih_err take(struct tx *tx, struct arena *arena, struct outcome_entry *entries, size_t n) {
    visit_id *ids = visits_of(arena, entries, n);
    struct visit_read *visits = ARENA_ARRAY(arena, n, struct visit_read);
    bool *found = ARENA_ARRAY(arena, n, bool);
    struct bytes *notes = ARENA_ARRAY(arena, n, struct bytes);
    struct outcome_loaded *loaded = ARENA_ARRAY(arena, n, struct outcome_loaded);
    if (!ids || !visits || !found || !notes || !loaded) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) notes[i] = entries[i].note;
    visit_take(tx, ids, visits, found, n);
    outcome_take(tx, notes, loaded, n);
    for (size_t i = 0; i < n; i++) {
        entries[i].loaded = loaded[i];
        entries[i].visit = visits[i];
        entries[i].has_visit = found[i];
        entries[i].ended = false;
        entries[i].err = TAGIH_OK;
        entries[i].fields = 0;
    }
    return TAGIH_OK;
}

/* ---- one outcome ---------------------------------------------------------------------------------------------- */

static enum report_fate known_fate(const struct outcome_entry *e) {
    const struct outcome_loaded *at = &e->loaded;
    bool his = uuid_equal(at->known_collector.u, e->key.collector.u), same = his && uuid_equal(at->known_visit.u, e->key.visit.u);
    if (!his && !e->journal) return REPORT_FOREIGN;
    if (!same) return REPORT_REUSED;
    if (e->journal) return REPORT_REPEAT;
    bool next = at->known_has_next == e->report.has_next_action &&
                (!at->known_has_next || (uint32_t)at->known_next == e->report.next_action);
    same = (uint32_t)at->known_code == e->report.code && (uint32_t)at->known_list == e->report.list_version;
    return same && next && at->known_same_note ? REPORT_REPEAT : REPORT_REUSED;
}

static void refuse(struct outcome_entry *e, tagih_err err) {
    e->fate = REPORT_REFUSED;
    e->err = err;
}

/* R-VIS-2: a call is refused, a journal flagged. */
static void check_report(struct outcome_entry *e) {
    tagih_err err = outcome_check(&e->report, &e->fields);
    bool no_receipt = (e->report.given & OUTCOME_FIELD_RECEIPT) && !e->loaded.receipt_known;
    bool no_promise = (e->report.given & OUTCOME_FIELD_PROMISE) && !e->loaded.promise_known;
    if (err_is_ok(err) && !e->journal && (no_receipt || no_promise)) {
        err = FAIL(OUTCOME_FIELD_MISSING);
        e->fields = (uint32_t)((no_receipt ? OUTCOME_FIELD_RECEIPT : 0) | (no_promise ? OUTCOME_FIELD_PROMISE : 0));
    }
    if (err_is_ok(err)) return;
    if (e->journal) e->flags |= fate_bit(REASON_BAD_OUTCOME);
    else refuse(e, err);
}

/* R-CHK-4. */
static void check_presence(struct outcome_entry *e) {
    switch (presence_consequence((enum presence_policy)e->visit.policy, (enum presence_verdict)e->visit.presence,
                                 e->waived, e->journal)) {
        case PRESENCE_PASS: return;
        case PRESENCE_FLAG: e->flags |= fate_bit(REASON_PRESENCE_UNSURE); return;
        case PRESENCE_REFUSE: refuse(e, FAIL(CHECK_IN_PRESENCE)); return;
        case PRESENCE_QUARANTINE:
            e->fate = REPORT_QUARANTINED;
            e->flags |= fate_bit(REASON_PRESENCE);
            return;
    }
}

static tagih_err step(const struct outcome_entry *e, instant now, struct visit_step *out) {
    bool holds = uuid_equal(e->visit.collector.u, e->key.collector.u);
    bool over = e->visit.state == VISIT_CANCELLED || e->visit.state == VISIT_EXPIRED;
    struct visit_facts facts = {.lease_live = holds && e->visit.live && now.us < e->visit.lease_until_us,
                                .made_under_lease = holds && e->loaded.under_lease, .has_outcome = true};
    if (!holds) return FAIL(VISIT_LEASE_OVER);
    if (over && !e->journal) return FAIL(VISIT_ILLEGAL_TRANSITION);
    enum visit_state from = (enum visit_state)e->visit.state;
    bool on_the_way = from == VISIT_PLANNED || from == VISIT_EN_ROUTE;
    if (e->journal && on_the_way) { /* its check-in is still to come: who reports from there has arrived */
        TRY(visit_apply(from, VISIT_ARRIVE, &facts, out));
        from = out->to;
    }
    return visit_apply(from, over ? VISIT_FINISH_LATE : VISIT_FINISH, &facts, out);
}

/* The visit ends, or the work is kept beside it (R-VIS-3). */
static void end_visit(struct outcome_entry *e, instant now) {
    struct visit_step done = {0};
    tagih_err err = step(e, now, &done);
    bool over = e->visit.state == VISIT_CANCELLED || e->visit.state == VISIT_EXPIRED;
    if (!err_is_ok(err) && !e->journal) {
        refuse(e, err);
        return;
    }
    if (over) e->flags |= fate_bit(REASON_LATE_VISIT);
    bool lease = err_is_ok(err) ? done.flagged && !over : err_is(err, ERR_VISIT_LEASE_OVER);
    if (lease) e->flags |= fate_bit(REASON_LEASE);
    if (!err_is_ok(err) && !lease) e->flags |= fate_bit(REASON_BAD_OUTCOME);
    if (!err_is_ok(err)) return;
    e->ended = true;
    e->visit.state = (int16_t)done.to;
    e->visit.live = false;
    e->visit.outcome = (int16_t)e->report.code;
    e->visit.outcome_list = (int16_t)e->report.list_version;
}

static bool fits_stored(const struct outcome_entry *e) {
    return e->report.code <= INT16_MAX && e->report.list_version <= INT16_MAX && e->report.next_action <= INT16_MAX;
}

static void decide_one(struct outcome_entry *e, instant now) {
    e->fate = REPORT_TAKEN;
    if (e->loaded.known) e->fate = known_fate(e);
    else if (e->barred || !e->has_visit || !e->loaded.held) e->fate = REPORT_FOREIGN;
    if (e->barred) e->fate = REPORT_FOREIGN;
    if (e->fate != REPORT_TAKEN) return;
    check_report(e);
    if (e->fate == REPORT_TAKEN) check_presence(e);
    if (e->fate == REPORT_TAKEN) end_visit(e, now);
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

static int by_visit(const void *left, const void *right) {
    const struct outcome_entry *a = *(struct outcome_entry *const *)left, *b = *(struct outcome_entry *const *)right;
    int order = uuid_compare(a->key.visit.u, b->key.visit.u);
    if (order) return order;
    if (a->key.value_us != b->key.value_us) return a->key.value_us < b->key.value_us ? -1 : 1;
    return uuid_compare(a->key.id, b->key.id);
}

/* The same id twice in one set: the second is a repeat of the first, or a reuse. */
static bool find_twin(struct outcome_entry *const *sorted, size_t i) {
    for (size_t k = 0; k < i; k++) {
        const struct outcome_entry *a = sorted[k], *b = sorted[i];
        if (!uuid_equal(a->key.id, b->key.id)) continue;
        bool same = uuid_equal(a->key.visit.u, b->key.visit.u) && uuid_equal(a->key.collector.u, b->key.collector.u) &&
                    a->report.code == b->report.code && bytes_equal(a->note, b->note);
        sorted[i]->fate = !same ? REPORT_REUSED : a->fate == REPORT_TAKEN ? REPORT_REPEAT : a->fate;
        sorted[i]->err = a->err;
        sorted[i]->visit = a->visit;
        return true;
    }
    return false;
}

static void decide_all(struct outcome_entry **sorted, size_t n, instant now) {
    for (size_t i = 0; i < n; i++) {
        bool same_visit = i && uuid_equal(sorted[i]->key.visit.u, sorted[i - 1]->key.visit.u);
        if (same_visit) sorted[i]->visit = sorted[i - 1]->visit;
        if (!find_twin(sorted, i)) decide_one(sorted[i], now);
    }
}

static struct outcome_row row_of(const struct outcome_entry *e) {
    bool fits = fits_stored(e);
    return (struct outcome_row){.key = e->key, .account = e->visit.account, .code = fits ? (int16_t)e->report.code : 0,
                                .list = fits ? (int16_t)e->report.list_version : 0,
                                .has_next = fits && e->report.has_next_action,
                                .next = fits ? (int16_t)e->report.next_action : 0, .note = e->note,
                                .flags = (int64_t)e->flags};
}

static struct change_row change_of(const struct outcome_entry *e) {
    return (struct change_row){.kind = CHANGE_VISIT_DONE, .object = e->key.visit.u, .has_account = true,
                               .account = e->visit.account, .for_phone = true, .collector = e->key.collector};
}

static tagih_err save(struct tx *tx, struct arena *arena, struct outcome_entry **sorted, size_t n, instant now) {
    struct outcome_row *rows = ARENA_ARRAY(arena, n, struct outcome_row);
    struct visit_finished *finished = ARENA_ARRAY(arena, n, struct visit_finished);
    struct change_row *changes = ARENA_ARRAY(arena, n, struct change_row);
    size_t n_rows = 0, n_finished = 0;
    if (!rows || !finished || !changes) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        const struct outcome_entry *e = sorted[i];
        if (e->fate != REPORT_TAKEN) continue;
        rows[n_rows++] = row_of(e);
        if (!e->ended) continue;
        changes[n_finished] = change_of(e);
        finished[n_finished++] = (struct visit_finished){e->key.visit, e->visit.outcome, e->visit.outcome_list, e->key.value_us};
    }
    TRY(visit_send_finished(tx, arena, finished, n_finished));
    TRY(outcome_send_rows(tx, arena, rows, n_rows, now));
    return change_send(tx, arena, changes, n_finished, now);
}

tagih_err outcomes_decide(struct tx *tx, struct arena *arena, struct outcome_entry *entries, size_t n, instant now) {
    TRY(take(tx, arena, entries, n));
    struct outcome_entry **sorted = ARENA_ARRAY(arena, n, struct outcome_entry *);
    if (!sorted) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) sorted[i] = &entries[i];
    qsort(sorted, n, sizeof *sorted, by_visit);
    decide_all(sorted, n, now);
    return save(tx, arena, sorted, n, now);
}
