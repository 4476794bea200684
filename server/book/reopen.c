/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Posting never closes an account, and money never stays owed on one that money closed (R-LIF-1): what a reversal, a
 * charge or a waiver taken back leaves open reopens it, in the posting's own transaction and under its digest, into the
 * state and the hands that it was closed from. A hold that ended meanwhile is taken over by the next run.
 */
#include "domain/lifecycle.h"
#include "book/posting.h"
#include "run/random.h"
#include "store/account.h"

static bool owes(const struct posting_account *account) {
    if (account->recoverable_minor > 0) return true;
    for (size_t i = 0; i < account->n_lines; i++) {
        for (int c = 0; c < COMPONENT_COUNT; c++) {
            if (account->lines[i].open_minor[c] > 0) return true;
        }
    }
    return false;
}

/* The posting that did it: the last one of the account. */
static struct posted *cause_of(struct book *book, account_id account) {
    for (size_t i = book->n_posted; i > 0; i--) {
        struct posted *posted = &book->posted[i - 1];
        if (posted->has_account && uuid_equal(posted->account.u, account.u)) return posted;
    }
    return NULL;
}

static struct account_event_row event_of(const struct book *book, const struct posting_account *account, int to,
                                         const struct posted *cause) {
    bool later = account->has_closed && account->closed.us > book->now.us; /* never before its closing */
    return (struct account_event_row){
        .event = random_id(), .account = account->id, .kind = bytes_text(account_act_kind(ACCOUNT_ACT_REOPEN)),
        .reason = bytes_text("something is open again"), .has_after = account->has_former_collector,
        .collector_after = account->former_collector, .has_status_before = true, .status_before = account->status,
        .status_after = (int16_t)to, .has_at = true, .at_us = later ? account->closed.us : book->now.us,
        .has_hold = account->hold_from.is, .hold_from_on = account->hold_from.on, .has_until_before = account->hold_until.is,
        .until_before_on = account->hold_until.on, .has_until_after = account->hold_until.is,
        .until_after_on = account->hold_until.on, .promise_days = account->hold_promise_days, .has_object = true,
        .object = cause->post->id, .has_posting = true, .posting = cause->post->id};
}

static tagih_err reopen(struct book *book, struct posting_account *account) {
    struct account_facts facts = {.former = account->former_status};
    int to;
    struct posted *cause = cause_of(book, account->id);
    if (!cause || !err_is_ok(account_apply(account->status, ACCOUNT_ACT_REOPEN, &facts, &to))) return TAGIH_OK;
    struct account_event_row event = event_of(book, account, to, cause);
    account_event_params(&cause->reopening, book->tx, book->arena, &event, 1,
                         cause->post->has_actor ? &cause->post->actor : NULL, book->now);
    if (cause->reopening.exhausted) return FAIL(OUT_OF_MEMORY);
    cause->facts[cause->n_facts++] = &cause->reopening;
    account->status = (int16_t)to;
    account->has_collector = account->has_former_collector;
    account->collector = account->former_collector;
    account->reopened = true;
    return TAGIH_OK;
}

tagih_err book__reopen(struct book *book) {
    for (size_t i = 0; i < book->loaded.n_accounts; i++) {
        struct posting_account *account = &book->loaded.accounts[i];
        bool money = account->status == ACCOUNT_CLOSED_PAID || account->status == ACCOUNT_CLOSED_SETTLED;
        if (account->dirty && money && owes(account)) TRY(reopen(book, account));
    }
    return TAGIH_OK;
}

size_t book__reopen_changes(const struct book *book, struct change_row *out) {
    size_t n = 0;
    for (size_t i = 0; i < book->loaded.n_accounts; i++) {
        const struct posting_account *account = &book->loaded.accounts[i];
        if (!account->reopened) continue;
        out[n++] = (struct change_row){.kind = CHANGE_ACCOUNT_REOPENED, .object = account->id.u, .has_account = true,
                                       .account = account->id, .for_phone = account->has_collector,
                                       .collector = account->collector};
    }
    return n;
}
