/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of accounts: decided, and saved as state, event and change. */
#include "rpc/lifecycle.h"

#include <string.h>

#include "rpc/visit_expire.h"
#include "run/random.h"
#include "store/account.h"
#include "store/change.h"
#include "store/visit.h"

bool lifecycle_ends_hold(enum account_act act) {
    switch (act) {
        case ACCOUNT_ACT_RELEASE:
        case ACCOUNT_ACT_TAKE_OVER:
        case ACCOUNT_ACT_PAY_OFF:
        case ACCOUNT_ACT_SETTLE:
        case ACCOUNT_ACT_RECALL:
        case ACCOUNT_ACT_BURY: return true;
        default: return false;
    }
}

tagih_err lifecycle_step(const struct lifecycle_account *account, enum account_act act, const struct account_facts *facts,
                         const char *reason, instant now, struct lifecycle_step *out) {
    int to;
    TRY(account_apply(account->status, act, facts, &to));
    *out = (struct lifecycle_step){.before = *account, .after = *account, .act = act, .kind = account_act_kind(act),
                                   .reason = reason, .at = now};
    if (out->at.us < account->newest.us) out->at = account->newest;
    out->after.status = (int16_t)to;
    if (lifecycle_ends_hold(act)) out->after.has_collector = false;
    if (act == ACCOUNT_ACT_REOPEN) {
        out->after.has_collector = account->has_former_collector;
        out->after.collector = account->former_collector;
    }
    return TAGIH_OK;
}

/* ---- leases --------------------------------------------------------------------------------------------------- */

static bool is_ended(const struct lifecycle_step *steps, size_t n, account_id account) {
    for (size_t i = 0; i < n; i++) {
        if (uuid_equal(steps[i].before.id.u, account.u)) return lifecycle_ends_hold(steps[i].act);
    }
    return false;
}

tagih_err lifecycle_end_leases(struct tx *tx, struct arena *arena, const struct lifecycle_step *steps, size_t n,
                               const visit_id *visits, size_t n_visits, const user_id *actor, instant now) {
    if (n_visits == 0) return TAGIH_OK;
    struct visit_read *reads = ARENA_ARRAY(arena, n_visits, struct visit_read);
    bool *found = ARENA_ARRAY(arena, n_visits, bool);
    size_t count = 0;
    if (!reads || !found) return FAIL(OUT_OF_MEMORY);
    TRY(visit_send_load(tx, arena, visits, n_visits));
    TRY(tx_sync(tx));
    visit_take(tx, visits, reads, found, n_visits);
    for (size_t i = 0; i < n_visits; i++) {
        if (found[i] && is_ended(steps, n, reads[i].account)) reads[count++] = reads[i];
    }
    return visits_end_leases(tx, arena, reads, count, "the hold ended", actor, now);
}

/* ---- save ----------------------------------------------------------------------------------------------------- */

static bool changes_state(const struct lifecycle_step *step) {
    return strcmp(step->kind, "LATE_FACT") != 0;
}

static struct account_event_row event_of(const struct lifecycle_step *step, uuid posting) {
    const struct lifecycle_account *before = &step->before, *after = &step->after;
    return (struct account_event_row){
        .event = random_id(), .account = before->id, .kind = bytes_text(step->kind), .reason = bytes_text(step->reason),
        .has_before = before->has_collector, .collector_before = before->collector, .has_after = after->has_collector,
        .collector_after = after->collector, .has_status_before = true, .status_before = before->status,
        .status_after = after->status, .has_at = true, .at_us = step->at.us, .has_hold = after->has_hold,
        .hold_from_on = after->hold_from_on, .has_until_before = before->has_hold, .until_before_on = before->hold_until_on,
        .has_until_after = after->has_hold, .until_after_on = after->hold_until_on, .promise_days = after->promise_days,
        .has_object = step->has_object, .object = step->object, .has_posting = true, .posting = posting};
}

static int16_t change_kind_of(const struct lifecycle_step *step) {
    static const int16_t kinds[ACCOUNT_ACT_COUNT] = {
        [ACCOUNT_ACT_PLACE] = CHANGE_ACCOUNT_UPDATED,      [ACCOUNT_ACT_HOLD] = CHANGE_ACCOUNT_HELD,
        [ACCOUNT_ACT_REASSIGN] = CHANGE_ACCOUNT_ASSIGNED,  [ACCOUNT_ACT_EXTEND] = CHANGE_ACCOUNT_EXTENDED,
        [ACCOUNT_ACT_RELEASE] = CHANGE_ACCOUNT_RELEASED,   [ACCOUNT_ACT_TAKE_OVER] = CHANGE_ACCOUNT_TAKEN_OVER,
        [ACCOUNT_ACT_GIVE_BACK] = CHANGE_ACCOUNT_RELEASED, [ACCOUNT_ACT_GO_LEGAL] = CHANGE_ACCOUNT_UPDATED,
        [ACCOUNT_ACT_WRITE_OFF] = CHANGE_ACCOUNT_UPDATED,  [ACCOUNT_ACT_PAY_OFF] = CHANGE_ACCOUNT_CLOSED,
        [ACCOUNT_ACT_SETTLE] = CHANGE_ACCOUNT_CLOSED,      [ACCOUNT_ACT_RECALL] = CHANGE_ACCOUNT_RECALLED,
        [ACCOUNT_ACT_BURY] = CHANGE_ACCOUNT_CLOSED,        [ACCOUNT_ACT_REACTIVATE] = CHANGE_ACCOUNT_UPDATED,
        [ACCOUNT_ACT_REOPEN] = CHANGE_ACCOUNT_REOPENED};
    if (strcmp(step->kind, "TAKEOVER_WARNING") == 0) return CHANGE_ACCOUNT_WARNING;
    return changes_state(step) ? kinds[step->act] : CHANGE_ACCOUNT_LATE_FACT;
}

static struct change_row change_of(const struct lifecycle_step *step, bool phone, user_id collector) {
    return (struct change_row){.kind = change_kind_of(step), .object = step->has_object ? step->object : step->before.id.u,
                               .has_account = true, .account = step->before.id, .for_phone = phone, .collector = collector};
}

/* The phone of whoever had it sees that it is gone, that of whoever gets it that it is there. */
static size_t changes_of(const struct lifecycle_step *step, struct change_row out[2]) {
    const struct lifecycle_account *before = &step->before, *after = &step->after;
    bool same = before->has_collector && after->has_collector && uuid_equal(before->collector.u, after->collector.u);
    size_t n = 0;
    if (after->has_collector && !same) out[n++] = change_of(step, true, after->collector);
    if (before->has_collector || n == 0) out[n++] = change_of(step, before->has_collector, before->collector);
    return n;
}

tagih_err lifecycle_begin(struct lifecycle_posting *posting, struct tx *tx, struct arena *arena, int64_t writer, instant now) {
    *posting = (struct lifecycle_posting){.post = {.what = POST_MOVE, .kind = POSTING_OF_LIFECYCLE, .id = random_id(),
                                                   .value = now, .received = now, .currency = {"IDR"}}};
    return book_begin(&posting->book, tx, arena, tx->options->agency, writer, now, &posting->post, 1, 0);
}

tagih_err lifecycle_send(struct lifecycle_posting *posting, const account_id *ids, size_t n) {
    struct book *book = &posting->book;
    TRY(book_send_lock(book));
    TRY(lifecycle_send_lock(book->tx, book->arena, ids, n));
    TRY(book_send_load(book));
    return lifecycle_send_load(book->tx, book->arena, ids, NULL, n);
}

tagih_err lifecycle_take(struct lifecycle_posting *posting, struct lifecycle_account *accounts, size_t n, visit_id **visits,
                         size_t *n_visits) {
    struct book *book = &posting->book;
    book_take_lock(book);
    TRY(lifecycle_take_lock(book->tx, book->arena, visits, n_visits));
    TRY(book_take_load(book));
    return lifecycle_take_load(book->tx, book->arena, accounts, n);
}

/* Behind the facts that the post has already: a second person's decision may be one. */
static tagih_err add_events(struct lifecycle_posting *posting, const struct account_event_row *events, size_t n, const user_id *actor) {
    struct book *book = &posting->book;
    struct post *post = &posting->post;
    struct params *facts = ARENA_ARRAY(book->arena, post->n_facts + 1, struct params);
    if (!facts) return FAIL(OUT_OF_MEMORY);
    if (post->n_facts) memcpy(facts, post->facts, post->n_facts * sizeof *facts);
    account_event_params(&facts[post->n_facts], book->tx, book->arena, events, n, actor, book->now);
    if (facts[post->n_facts].exhausted) return FAIL(OUT_OF_MEMORY);
    post->facts = facts;
    post->n_facts++;
    return TAGIH_OK;
}

tagih_err lifecycle_save(struct lifecycle_posting *posting, const struct lifecycle_step *steps, size_t n, const user_id *actor) {
    if (n == 0) return TAGIH_OK;
    struct book *book = &posting->book;
    struct arena *arena = book->arena;
    struct lifecycle_account *states = ARENA_ARRAY(arena, n, struct lifecycle_account);
    struct account_event_row *events = ARENA_ARRAY(arena, n, struct account_event_row);
    struct change_row *changes = ARENA_ARRAY(arena, 2 * n, struct change_row);
    size_t n_states = 0, n_changes = 0;
    if (!states || !events || !changes) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        events[i] = event_of(&steps[i], posting->post.id);
        n_changes += changes_of(&steps[i], &changes[n_changes]);
        if (changes_state(&steps[i])) states[n_states++] = steps[i].after;
    }
    TRY(add_events(posting, events, n, actor));
    book_move_begin(&posting->post);
    TRY(book_decide(book));
    TRY(book_save(book));
    TRY(lifecycle_send_save(book->tx, arena, states, n_states));
    return change_send(book->tx, arena, changes, n_changes, book->now);
}
