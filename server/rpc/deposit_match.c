/* SPDX-License-Identifier: Apache-2.0 */
/* Deposits that banks have, matched once (deposit.h). */
#include "rpc/deposit.h"

#include "domain/change.h"
#include "run/random.h"
#include "store_statements.h"

/* ---- lock ----------------------------------------------------------------------------------------------------------- */

/* The ids, in the order of the matches. */
static tagih_err ids_of(struct arena *arena, struct deposit_match *matches, size_t n, uuid **ids, size_t *n_ids) {
    *ids = ARENA_ARRAY(arena, n + 1, uuid);
    *n_ids = 0;
    if (!*ids) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        matches[i].found = matches[i].matched = false;
        if (!uuid_is_nil(matches[i].id)) (*ids)[(*n_ids)++] = matches[i].id;
    }
    return TAGIH_OK;
}

/* Which settlements belong to which deposit. */
static tagih_err deal_settlements(struct arena *arena, struct deposit_match *matches, size_t n,
                                  const struct settlement_now *all, size_t n_all) {
    for (size_t i = 0; i < n; i++) {
        struct deposit_match *match = &matches[i];
        match->settlements = ARENA_ARRAY(arena, n_all + 1, struct settlement_now);
        match->n_settlements = 0;
        if (!match->settlements) return FAIL(OUT_OF_MEMORY);
        for (size_t k = 0; match->found && k < n_all; k++) {
            if (uuid_equal(all[k].deposit, match->deposit.id)) match->settlements[match->n_settlements++] = all[k];
        }
    }
    return TAGIH_OK;
}

tagih_err deposits_lock(struct tx *tx, struct arena *arena, struct deposit_match *matches, size_t n) {
    uuid *ids;
    size_t n_ids, n_all, at = 0;
    struct settlement_now *all;
    TRY(ids_of(arena, matches, n, &ids, &n_ids));
    if (n_ids == 0) return TAGIH_OK;
    TRY(deposit_send_lock(tx, arena, ids, n_ids));
    TRY(deposit_send_settlements(tx, arena, ids, n_ids));
    TRY(deposit_send_get(tx, arena, ids, n_ids));
    TRY(tx_sync(tx));
    DEFER(result) struct result locked = {0}, r = {0};
    tx_take(tx, &locked);
    TRY(deposit_take_settlements(tx, arena, &all, &n_all));
    tx_take(tx, &r);
    for (size_t i = 0; i < n; i++) {
        bool here = at < result_count(&r) && uuid_equal(result_uuid(&r, at, COL_deposit_get_deposit_id), matches[i].id);
        matches[i].found = here;
        if (!here) continue;
        deposit_read_row(&r, at++, &matches[i].deposit);
        matches[i].deposit.bank_reference = arena_copy(arena, matches[i].deposit.bank_reference);
    }
    return deal_settlements(arena, matches, n, all, n_all);
}

/* ---- match ---------------------------------------------------------------------------------------------------------- */

void deposit_match_post(const struct deposit_match *match, instant now, struct post *out) {
    *out = (struct post){.what = POST_MOVE, .kind = POSTING_OF_DEPOSIT, .id = random_id(), .payment = {match->deposit.id},
                         .collector = match->deposit.collector, .currency = match->deposit.currency, .value = now,
                         .received = now, .has_actor = match->has_actor, .actor = match->actor, .change = CHANGE_DEPOSIT_MATCHED};
}

static tagih_err add_settlements(struct tx *tx, struct arena *arena, struct deposit_match *match, struct post *post,
                                 instant now) {
    struct settlement_event_row *rows = ARENA_ARRAY(arena, match->n_settlements, struct settlement_event_row);
    if (!rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < match->n_settlements; i++) {
        struct settlement_now *s = &match->settlements[i];
        enum settlement_state to;
        TRY(settlement_apply((enum settlement_state)s->state, SETTLEMENT_MATCH, &(struct settlement_facts){.own = false}, &to));
        s->state = (int16_t)to;
        s->version++;
        rows[i] = (struct settlement_event_row){.settlement = s->id, .posting = post->id, .version = s->version,
                                                .event = SETTLEMENT_MATCH, .state = s->state, .at_us = now.us,
                                                .actor = match->actor, .has_deposit = true, .deposit = match->deposit.id,
                                                .reason = match->reason};
    }
    settlement_event_fact(&match->facts[post->n_facts++], tx, arena, rows, match->n_settlements);
    return TAGIH_OK;
}

tagih_err deposit_match_build(struct tx *tx, struct arena *arena, struct deposit_match *match, struct post *post, instant now) {
    struct ledger_side transit = {LEDGER_DEPOSIT_IN_TRANSIT, match->deposit.collector.u}; /* nil: of the house */
    match->facts = ARENA_ARRAY(arena, POST_FACTS_MAX, struct params);
    if (!match->facts) return FAIL(OUT_OF_MEMORY);
    book_move_begin(post);
    ledger_move(&post->ledger, match->in_suspense ? LEDGER_SIDE(SUSPENSE) : LEDGER_SIDE(BANK), transit, match->deposit.amount_minor);
    post->facts = match->facts;
    match->matched = true;
    match->deposit.state = DEPOSIT_BANK_MATCHED;
    match->deposit.version++;
    struct deposit_event_row event = {.deposit = match->deposit.id, .posting = post->id, .version = match->deposit.version,
                                      .event = DEPOSIT_MATCHED, .at_us = now.us, .has_actor = match->has_actor,
                                      .actor = match->actor, .has_line = match->has_line, .line = match->line,
                                      .reason = match->reason};
    deposit_event_fact(&match->facts[post->n_facts++], tx, arena, &event, 1);
    return match->n_settlements ? add_settlements(tx, arena, match, post, now) : TAGIH_OK;
}

tagih_err deposits_matched(struct tx *tx, struct arena *arena, const struct deposit_match *matches, size_t n) {
    struct deposit_now *now = ARENA_ARRAY(arena, n + 1, struct deposit_now);
    size_t n_now = 0;
    if (!now) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        if (!matches[i].matched) continue;
        now[n_now++] = (struct deposit_now){matches[i].deposit.id, matches[i].deposit.version};
        TRY(settlement_send_states(tx, arena, matches[i].settlements, matches[i].n_settlements));
    }
    return deposit_send_matched(tx, arena, now, n_now);
}
