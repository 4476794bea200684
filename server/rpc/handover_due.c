/* SPDX-License-Identifier: Apache-2.0 */
/* The minute's look at handovers: found without a lock, locked in the one order (phones → handovers → collectors), read
 * again. */
#include "rpc/handover_due.h"

#include "domain/change.h"
#include "engine/chores.h"
#include "rpc/entries_handover.h"
#include "store/change.h"

struct round {
    struct arena *arena;
    instant now;
    struct handover_uncovered *all;
    struct post *posts;
    struct params *facts;
    size_t found, n;
    struct book book;
};

static tagih_err find(struct tx *tx, struct round *round) {
    arena_reset(round->arena);
    round->all = ARENA_ARRAY(round->arena, HANDOVER_DUE_MAX, struct handover_uncovered);
    if (!round->all) return FAIL(OUT_OF_MEMORY);
    TRY(handover_send_uncovered(tx, round->arena, NULL, 0, HANDOVER_DUE_MAX));
    TRY(tx_sync(tx));
    round->found = round->n = handover_take_uncovered(tx, round->all);
    return TAGIH_OK;
}

static tagih_err lock(struct tx *tx, struct round *round) {
    struct handover_key *keys = ARENA_ARRAY(round->arena, round->n, struct handover_key);
    uuid *ids = ARENA_ARRAY(round->arena, round->n, uuid);
    if (!keys || !ids) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < round->n; i++) keys[i].handover = ids[i] = round->all[i].id;
    TRY(handover_send_devices_lock(tx, round->arena, ids, round->n));
    TRY(handover_send_lock(tx, round->arena, keys, round->n));
    TRY(handover_send_uncovered(tx, round->arena, ids, round->n, HANDOVER_DUE_MAX));
    TRY(tx_sync(tx));
    DEFER(result) struct result phones = {0}, handovers = {0};
    tx_take(tx, &phones);
    tx_take(tx, &handovers);
    round->n = handover_take_uncovered(tx, round->all);
    return TAGIH_OK;
}

/* J35, in the posting of the half that came second. */
static tagih_err open_book(struct tx *tx, struct round *round) {
    round->posts = ARENA_ARRAY(round->arena, round->n, struct post);
    round->facts = ARENA_ARRAY(round->arena, round->n, struct params);
    if (!round->posts || !round->facts) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < round->n; i++) {
        const struct handover_uncovered *h = &round->all[i];
        bool first_gives = h->half.side == JOURNAL_HANDOVER_GIVES;
        user_id giver = first_gives ? h->half.user : h->half.counterpart,
                taker = first_gives ? h->half.counterpart : h->half.user;
        round->posts[i] = (struct post){.what = POST_MOVE,
                                        .kind = POSTING_OF_HANDOVER,
                                        .id = h->entry.u,
                                        .payment = {h->id},
                                        .currency = h->half.currency,
                                        .value = {h->value_us},
                                        .received = round->now,
                                        .has_entry = true,
                                        .entry_hash = h->hash,
                                        .collector = giver,
                                        .other = taker,
                                        .change = CHANGE_HANDOVER_DONE,
                                        .facts = &round->facts[i],
                                        .n_facts = 1};
        book_move_begin(&round->posts[i]);
        ledger_move(&round->posts[i].ledger, (struct ledger_side){LEDGER_CASH_HELD, taker.u},
                    (struct ledger_side){LEDGER_CASH_HELD, giver.u}, h->half.amount_minor);
    }
    TRY(book_begin(&round->book, tx, round->arena, tx->options->agency, CLOCK_WRITER, round->now, round->posts, round->n,
                   0));
    return book_open(&round->book);
}

/* The half that came second, as its entry says it: it agrees with the first one. */
static void fill_fact(struct tx *tx, struct round *round, size_t i) {
    const struct handover_uncovered *h = &round->all[i];
    const struct post *post = &round->posts[i];
    int16_t side = h->half.side == JOURNAL_HANDOVER_GIVES ? JOURNAL_HANDOVER_TAKES : JOURNAL_HANDOVER_GIVES;
    struct handover_row row = {.entry = h->entry,
                               .posting = post->id,
                               .handover = h->id,
                               .side = side,
                               .user = h->half.counterpart,
                               .counterpart = h->half.user,
                               .amount_minor = h->half.amount_minor,
                               .currency = bytes_text(h->half.currency.code),
                               .hash = h->hash,
                               .device = h->device,
                               .epoch = h->epoch,
                               .seq = h->seq,
                               .value_us = h->value_us,
                               .value_on = post->value_on};
    handover_fact(&round->facts[i], tx, round->arena, &row);
}

/* What is left open: the cash is not there after all, and something is missing still. */
static bool is_settled(const struct round *round, size_t i) {
    return round->posts[i].outcome == POST_DONE || round->all[i].is_complete;
}

struct outcome_rows {
    struct fate_row *fates;
    struct change_row *changes;
    struct handover_now *states;
    hash256 *hashes;
    size_t n, n_states;
};

static void add_half(struct outcome_rows *rows, const struct round *round, size_t i, bool first) {
    const struct handover_uncovered *h = &round->all[i];
    enum fate_reason why = round->posts[i].outcome == POST_DONE ? 0 : REASON_CASH_GONE;
    rows->hashes[rows->n] = first ? h->first_hash : h->hash;
    rows->fates[rows->n] = handover_fate(&rows->hashes[rows->n], first ? h->first_flags : h->flags, why);
    rows->changes[rows->n++] = (struct change_row){.kind = CHANGE_ENTRY_FATE,
                                                   .object = first ? h->first.u : h->entry.u,
                                                   .for_phone = true,
                                                   .collector = first ? h->half.user : h->half.counterpart};
}

static tagih_err save(struct tx *tx, struct round *round) {
    struct arena *arena = round->arena;
    struct outcome_rows rows = {.fates = ARENA_ARRAY(arena, 2 * round->n, struct fate_row),
                                .changes = ARENA_ARRAY(arena, 2 * round->n, struct change_row),
                                .states = ARENA_ARRAY(arena, round->n, struct handover_now),
                                .hashes = ARENA_ARRAY(arena, 2 * round->n, hash256)};
    if (!rows.fates || !rows.changes || !rows.states || !rows.hashes) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < round->n; i++) {
        struct post *post = &round->posts[i];
        if (!is_settled(round, i)) continue;
        bool done = post->outcome == POST_DONE;
        rows.states[rows.n_states++] =
            (struct handover_now){round->all[i].id, done ? HANDOVER_DONE : HANDOVER_DISPUTED, round->all[i].first};
        add_half(&rows, round, i, true);
        add_half(&rows, round, i, false);
        post->fate = (uint16_t)rows.fates[rows.n - 1].fate;
        post->flags = (fate_bits)rows.fates[rows.n - 1].flags;
    }
    TRY(handover_send_states(tx, arena, rows.states, rows.n_states));
    TRY(journal_send_fates(tx, arena, rows.fates, rows.n, round->now));
    TRY(journal_send_waited(tx, arena, rows.hashes, rows.n));
    TRY(change_send(tx, arena, rows.changes, rows.n, round->now));
    return book_save(&round->book);
}

static tagih_err due(struct tx *tx, void *context) {
    struct round *round = context;
    TRY(find(tx, round));
    if (round->n == 0) return TAGIH_OK;
    TRY(lock(tx, round));
    if (round->n == 0) return TAGIH_OK;
    TRY(open_book(tx, round));
    for (size_t i = 0; i < round->n; i++) fill_fact(tx, round, i);
    TRY(book_decide(&round->book));
    return save(tx, round);
}

tagih_err handovers_due(struct db *db, struct arena *arena, agency_id agency, instant now, int64_t deadline_us, size_t *n) {
    struct round round = {.arena = arena, .now = now};
    struct tx_options options = {.agency = agency, .deadline_us = deadline_us, .name = "handovers"};
    TRY(tx_run(db, &options, due, &round));
    *n = round.found;
    return TAGIH_OK;
}
