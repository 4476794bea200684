/* SPDX-License-Identifier: Apache-2.0 */
/* The minute's look at promises: accounts found without a lock, looked at again by the book under it. */
#include "rpc/promise_due.h"

#include "book/posting.h"
#include "domain/gate.h"
#include "engine/chores.h"
#include "run/random.h"

#define REMINDER_PACK "id-pojk22"

struct round {
    struct arena *arena;
    instant now;
    size_t n;
};

/* A reminder reaches the debtor wherever he is: hours and days of contact are asked, not the place. */
bool promise_reminder_hour(civil_date today, int32_t minute_of_day) {
    struct gate_facts facts = {.on = today, .minute_of_day = minute_of_day, .place = GATE_PLACE_BILLING,
                               .person = GATE_PERSON_DEBTOR};
    return minute_of_day >= PROMISE_REMINDER_FROM_MINUTE && gate_judge(gate_pack_find(REMINDER_PACK), &facts).allow;
}

static tagih_err look(struct tx *tx, const struct round *round, const account_id *accounts, bool remind) {
    struct promise_deed *deeds = ARENA_ARRAY(round->arena, round->n, struct promise_deed);
    struct post *posts = ARENA_ARRAY(round->arena, round->n, struct post);
    struct book book;
    currency none = {"XXX"}; /* no money moves */
    if (!deeds || !posts) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < round->n; i++) {
        deeds[i] = (struct promise_deed){.kind = DEED_LOOK, .remind = remind};
        posts[i] = (struct post){.what = POST_MOVE, .kind = POSTING_OF_PROMISE, .id = random_id(), .account = accounts[i],
                                 .currency = none, .value = round->now, .received = round->now, .deed = &deeds[i]};
        book_move_begin(&posts[i]);
    }
    TRY(book_begin(&book, tx, round->arena, tx->options->agency, CLOCK_WRITER, round->now, posts, round->n, 0));
    TRY(book_open(&book));
    TRY(book_decide(&book));
    return book_save(&book);
}

static tagih_err due(struct tx *tx, void *context) {
    struct round *round = context;
    civil_date today;
    int32_t minute;
    arena_reset(round->arena);
    account_id *accounts = ARENA_ARRAY(round->arena, PROMISE_DUE_MAX, account_id);
    if (!accounts) return FAIL(OUT_OF_MEMORY);
    TRY(promise_local_time(tx, round->arena, round->now, &today, &minute));
    bool remind = promise_reminder_hour(today, minute);
    TRY(promise_due(tx, round->arena, round->now, today, remind, accounts, PROMISE_DUE_MAX, &round->n));
    return round->n ? look(tx, round, accounts, remind) : TAGIH_OK;
}

tagih_err promises_due(struct db *db, struct arena *arena, agency_id agency, instant now, int64_t deadline_us, size_t *n) {
    struct round round = {.arena = arena, .now = now};
    struct tx_options options = {.agency = agency, .deadline_us = deadline_us, .name = "promises"};
    TRY(tx_run(db, &options, due, &round));
    *n = round.n;
    return TAGIH_OK;
}
