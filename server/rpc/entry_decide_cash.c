/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of cash that two people release or drop (R-JRN-6a): what was brought to a bank, lost, handed on, declared. A half
 * of a handover that is released is the whole of it: the other one, if it waits, joins it or waits for a person.
 */
#include <string.h>

#include "domain/change.h"
#include "rpc/entry_decide.h"
#include "store/change.h"

/* ---- deposits and incidents ----------------------------------------------------------------------------------- */

/* J15 by the collector, J35: cash held goes where the entry says, if it is there. */
tagih_err settling__release_cash(struct settling *s, enum posting_kind kind, currency in) {
    currency known;
    struct again *a = settling__again(s);
    if (!a) return FAIL(OUT_OF_MEMORY);
    if (!err_is_ok(currency_parse(bytes_text(in.code), &known))) return FAIL(ENTRY_ONLY_DROP);
    TRY(settling__begin(s, (struct post){.what = POST_MOVE,
                                         .kind = kind,
                                         .payment.u = a->entry.id.u,
                                         .collector = s->read.collector,
                                         .currency = known,
                                         .value = {s->read.value_us}}));
    TRY(settling__lock_and_load(s));
    a->sealed.value_on = s->post.value_on;
    a->cash.facts = s->facts;
    cash__decide(&a->entries, &a->sealed);
    if (s->post.skip) return FAIL(ENTRY_ONLY_DROP);
    TRY(book_decide(&s->book));
    if (s->post.outcome == POST_CASH_GONE) return FAIL(ENTRY_CASH_SHORT);
    TRY(settling__released(s, a->sealed.flags));
    if (s->entry->kind == JOURNAL_DEPOSIT) return deposit_send_new(s->batch->tx, s->batch->arena, &a->cash.deposit, 1);
    return shortage_send_new(s->batch->tx, s->batch->arena, &a->cash.shortage, 1);
}

/* ---- day closes ----------------------------------------------------------------------------------------------- */

/* What it declares is up to its last seq, as if it had been taken in when it came. */
tagih_err settling__release_day_close(struct settling *s) {
    struct tx *tx = s->batch->tx;
    struct arena *arena = s->batch->arena;
    struct again *a = settling__again(s);
    if (!a) return FAIL(OUT_OF_MEMORY);
    TRY(settling__begin(s, (struct post){.what = POST_MOVE,
                                         .kind = POSTING_OF_SETTLEMENT,
                                         .payment.u = a->entry.id.u,
                                         .currency = {"IDR"},
                                         .value = {s->read.value_us}}));
    TRY(settling__lock_and_load(s));
    a->sealed.value_on = s->post.value_on;
    a->cash.facts = s->facts;
    cash__decide(&a->entries, &a->sealed);
    if (s->post.skip) return FAIL(ENTRY_ONLY_DROP); /* it declares nothing */
    TRY(book_decide(&s->book));
    TRY(settling__released(s, a->sealed.flags));
    TRY(settlement_send_day_declared(tx, arena, a->entry.device, (int32_t)a->entry.epoch, cash__declared(&a->sealed)));
    return settlement_send_new(tx, arena, a->cash.settlements, a->cash.n_settlements);
}

/* ---- handovers ------------------------------------------------------------------------------------------------ */

static struct cash_half half_of(const struct settling *s) {
    const struct journal_handover *h = &s->entry->body.handover;
    return (struct cash_half){s->read.collector, h->counterpart, h->side, h->amount_minor, h->currency};
}

tagih_err settling__send_handover(struct settling *s) {
    struct tx *tx = s->batch->tx;
    struct arena *arena = s->batch->arena;
    const struct journal_handover *h = &s->entry->body.handover;
    struct handover_key key = {h->handover, h->counterpart, s->entry->device, (int32_t)s->entry->epoch};
    TRY(handover_send_lock(tx, arena, &key, 1));
    TRY(handover_send_load(tx, arena, &key, 1));
    TRY(handover_send_uncovered(tx, arena, &key.handover, 1, 1));
    return handover_send_has_row(tx, arena, settling__subject(s));
}

void settling__take_handover(struct settling *s) {
    struct tx *tx = s->batch->tx;
    handover_take(tx, &s->handover, 1);
    handover_take_uncovered(tx, &s->uncovered);
    s->has_row = handover_take_has_row(tx);
}

static bool is_this(const struct settling *s, const hash256 *hash) {
    return memcmp(hash->b, s->row.hash.b, sizeof hash->b) == 0;
}

/* Another half that waits. */
struct other {
    bool is, agrees;
    entry_id id;
    hash256 hash;
    user_id user;
    int64_t flags;
};

static struct other other_of(const struct settling *s) {
    const struct handover_known *known = &s->handover;
    const struct handover_uncovered *both = &s->uncovered;
    struct cash_half half = half_of(s);
    if (known->state == HANDOVER_WAITING && !is_this(s, &known->hash)) {
        return (struct other){
            true, cash_halves_agree(&known->half, &half), known->entry, known->hash, known->half.user, known->flags};
    }
    if (known->state != HANDOVER_UNCOVERED) return (struct other){.is = false};
    if (is_this(s, &both->first_hash))
        return (struct other){true, true, both->entry, both->hash, both->half.counterpart, both->flags};
    return (struct other){true, true, both->first, both->first_hash, both->half.user, both->first_flags};
}

static tagih_err settle_other(struct settling *s, const struct other *other, enum fate_reason why) {
    struct rpc_batch *batch = s->batch;
    if (!other->is) return TAGIH_OK;
    struct fate_row fate = handover_fate(&other->hash, other->flags, why);
    struct change_row change = {
        .kind = CHANGE_ENTRY_FATE, .object = other->id.u, .for_phone = true, .collector = other->user};
    TRY(journal_send_fates(batch->tx, batch->arena, &fate, 1, batch->now));
    TRY(journal_send_waited(batch->tx, batch->arena, &other->hash, 1));
    return change_send(batch->tx, batch->arena, &change, 1, batch->now);
}

static tagih_err set_state(struct settling *s, enum handover_state state) {
    struct handover_now now = {s->entry->body.handover.handover, (int16_t)state, {settling__subject(s)}};
    if (s->handover.has_half) now.entry = s->handover.entry;
    return handover_send_states(s->batch->tx, s->batch->arena, &now, 1);
}

/* Which handover it is can still be said: it is not settled, and this is no third half while two wait. */
static bool may_be_released(const struct settling *s, const struct cash_half *half) {
    bool third =
        s->handover.state == HANDOVER_UNCOVERED && !is_this(s, &s->uncovered.first_hash) && !is_this(s, &s->uncovered.hash);
    return cash_half_is_sound(half) && s->handover.counterpart_is_field && s->handover.state != HANDOVER_DONE && !third;
}

static void build_handover(struct settling *s, struct again *a, const struct cash_half *half) {
    ledger_move(&s->post.ledger, (struct ledger_side){LEDGER_CASH_HELD, s->post.other.u},
                (struct ledger_side){LEDGER_CASH_HELD, s->post.collector.u}, half->amount_minor); /* J35 */
    a->sealed.value_on = s->post.value_on;
    if (s->has_row) return;
    struct handover_row row = handover__row(&a->sealed);
    handover_fact(&s->facts[s->post.n_facts++], s->batch->tx, s->batch->arena, &row);
}

tagih_err settling__release_handover(struct settling *s) {
    struct cash_half half = half_of(s);
    bool gives = half.side == JOURNAL_HANDOVER_GIVES;
    struct again *a = settling__again(s);
    currency known;
    if (!a) return FAIL(OUT_OF_MEMORY);
    if (!err_is_ok(currency_parse(bytes_text(half.currency.code), &known))) return FAIL(ENTRY_ONLY_DROP);
    TRY(settling__begin(s, (struct post){.what = POST_MOVE,
                                         .kind = POSTING_OF_HANDOVER,
                                         .payment.u = s->entry->body.handover.handover,
                                         .collector = gives ? half.user : half.counterpart,
                                         .other = gives ? half.counterpart : half.user,
                                         .currency = known,
                                         .value = {s->read.value_us},
                                         .change = CHANGE_HANDOVER_DONE}));
    TRY(settling__lock_and_load(s));
    if (!may_be_released(s, &half)) return FAIL(ENTRY_ONLY_DROP);
    build_handover(s, a, &half);
    TRY(book_decide(&s->book));
    if (s->post.outcome == POST_CASH_GONE) return FAIL(ENTRY_CASH_SHORT);
    struct other other = other_of(s);
    TRY(settling__released(s, a->sealed.flags));
    TRY(settle_other(s, &other, other.agrees ? 0 : REASON_HANDOVER_MISMATCH));
    return set_state(s, HANDOVER_DONE);
}

/* R-CSH-4c: one that waited is over; what comes for it now is for a person. */
tagih_err settling__handover_dropped(struct settling *s) {
    if (s->read.fate != FATE_WAITING) return TAGIH_OK;
    struct other other = other_of(s);
    TRY(settle_other(s, &other, REASON_HANDOVER_MISMATCH));
    return set_state(s, HANDOVER_DISPUTED);
}
