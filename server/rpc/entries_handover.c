/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HANDOVER entries (R-CSH-4): two phones sign a half each, in any order and at any time. The half that comes first is
 * WAITING, the one that comes second posts the lines of both; halves that disagree wait for a person, both of them. While
 * of the giver's journal something is missing, and with it perhaps the cash, both wait: handover_due.c posts the second one
 * when it has come. The row of handover_state is locked behind the devices and before everything else, so that one half
 * always is the second.
 */
#include "rpc/entries_handover.h"

#include "store/change.h"

static struct cash_half half_of(const struct sealed *s) {
    const struct journal_handover *h = &s->entry->body.handover;
    return (struct cash_half){s->by->certificate.user, h->counterpart, h->side, h->amount_minor, h->currency};
}

static struct handover_live *live_of(struct entries *entries, uuid id) {
    for (size_t i = 0; i < entries->cash.n_handovers; i++) {
        if (uuid_equal(entries->cash.handovers[i].key.handover, id)) return &entries->cash.handovers[i];
    }
    return NULL;
}

void handover__plan(struct entries *entries, struct sealed *s) {
    const struct journal_handover *h = &s->entry->body.handover;
    struct handover_live *live = live_of(entries, h->handover);
    s->post->payment.u = h->handover;
    s->post->currency = h->currency;
    if (!live) {
        live = &entries->cash.handovers[entries->cash.n_handovers++];
        *live = (struct handover_live){.key = {h->handover, h->counterpart}};
    }
    s->cash->handover = live;
}

/* ---- load ----------------------------------------------------------------------------------------------------------- */

/* Both collectors are locked with the half that may come second; of a first one nobody's cash moves. */
static void name_collectors(struct entries *entries) {
    for (size_t i = 0; i < entries->cash.n; i++) {
        struct sealed *s = entries->cash.all[i].sealed;
        const struct handover_live *live = entries->cash.all[i].handover;
        currency known;
        if (!live || !err_is_ok(currency_parse(bytes_text(s->post->currency.code), &known))) continue;
        struct cash_half half = half_of(s);
        bool gives = half.side == JOURNAL_HANDOVER_GIVES;
        if (!cash_half_is_sound(&half) || !entries->cash.all[i].counterpart_is_field) continue;
        s->post->collector = gives ? half.user : half.counterpart;
        s->post->other = gives ? half.counterpart : half.user;
    }
}

/* One question an entry: two halves of one handover name different people. */
tagih_err handovers__load(struct entries *entries) {
    struct cash_entries *cash = &entries->cash;
    if (cash->n_handovers == 0) return TAGIH_OK;
    struct handover_key *keys = ARENA_ARRAY(entries->arena, cash->n, struct handover_key);
    struct handover_known *known = ARENA_ARRAY(entries->arena, cash->n, struct handover_known);
    size_t n = 0;
    if (!keys || !known) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < cash->n; i++) {
        if (!cash->all[i].handover) continue;
        const struct journal_handover *h = &cash->all[i].sealed->entry->body.handover;
        const struct journal_entry *e = cash->all[i].sealed->entry;
        keys[n++] = (struct handover_key){h->handover, h->counterpart, e->device, (int32_t)e->epoch};
    }
    TRY(journal_send_lock(entries->tx, entries->arena, entries->chains, entries->n_chains));
    TRY(handover_send_lock(entries->tx, entries->arena, keys, n));
    TRY(handover_send_load(entries->tx, entries->arena, keys, n));
    TRY(tx_sync(entries->tx));
    journal_take_lock(entries->tx);
    handover_take(entries->tx, known, n);
    n = 0;
    for (size_t i = 0; i < cash->n; i++) {
        struct handover_live *live = cash->all[i].handover;
        if (!live) continue;
        cash->all[i].counterpart_is_field = known[n].counterpart_is_field;
        cash->all[i].is_behind = known[n].is_behind;
        live->known = known[n++];
        live->state = live->known.state;
        live->half = live->known.half;
    }
    name_collectors(entries);
    return TAGIH_OK;
}

/* ---- decide --------------------------------------------------------------------------------------------------------- */

struct handover_row handover__row(const struct sealed *s) {
    const struct journal_handover *h = &s->entry->body.handover;
    return (struct handover_row){.entry = s->entry->id, .posting = s->post ? s->post->id : s->entry->id.u, .handover = h->handover,
                                 .side = (int16_t)h->side, .user = s->by->certificate.user, .counterpart = h->counterpart,
                                 .amount_minor = h->amount_minor, .currency = bytes_text(h->currency.code),
                                 .hash = s->envelope.hash, .device = s->entry->device, .epoch = (int32_t)s->entry->epoch,
                                 .seq = s->entry->seq, .value_us = s->value.value.us, .value_on = s->value_on};
}

static void add_fact(struct entries *entries, struct sealed *s) {
    struct params *fact = cash__fact(entries, s);
    if (!fact) return;
    struct handover_row row = handover__row(s);
    handover_fact(fact, entries->tx, entries->arena, &row);
}

/* It is the first half. */
static void begin(struct handover_live *live, struct sealed *s, const struct cash_half *half) {
    entry__flag(s, REASON_MISSING_REFERENT);
    live->state = HANDOVER_WAITING;
    live->first = s;
    live->half = *half;
    live->changed = true;
}

/* R-CSH-4: J35, cash held of the taker, of the giver. */
static void meet(struct handover_live *live, struct sealed *s) {
    ledger_move(&s->post->ledger, (struct ledger_side){LEDGER_CASH_HELD, s->post->other.u},
                (struct ledger_side){LEDGER_CASH_HELD, s->post->collector.u}, s->entry->body.handover.amount_minor);
    s->post->change = CHANGE_HANDOVER_DONE;
    live->state = HANDOVER_DONE;
    live->second = s;
    live->changed = true;
}

static void dispute(struct handover_live *live, enum fate_reason why, struct sealed *s) {
    entry__flag(s, why);
    live->state = HANDOVER_DISPUTED;
    live->why = why;
    live->changed = true;
}

void handover__decide(struct entries *entries, struct sealed *s) {
    struct handover_live *live = s->cash->handover;
    struct cash_half half = half_of(s);
    cash__flag_amount(s, half.amount_minor, half.currency);
    if (!cash_half_is_sound(&half) || !s->cash->counterpart_is_field) entry__flag(s, REASON_HANDOVER_MISMATCH);
    s->post->skip = s->broken || !s->owns_id;
    if (s->post->skip) return;
    book_move_begin(s->post);
    if (!entry__is_quarantined(s)) {
        if (live->state == HANDOVER_UNKNOWN) begin(live, s, &half);
        else if (live->state != HANDOVER_WAITING) entry__flag(s, REASON_HANDOVER_MISMATCH);
        else if (cash_halves_agree(&live->half, &half)) meet(live, s);
        else dispute(live, REASON_HANDOVER_MISMATCH, s);
    }
    add_fact(entries, s);
}

/* May what is missing of the giver's journal be the cash? */
static bool giver_is_behind(const struct entries *entries, const struct handover_live *live) {
    bool second_gives = live->second->entry->body.handover.side == JOURNAL_HANDOVER_GIVES;
    const struct sealed *giver = second_gives ? live->second : live->first;
    return giver ? giver->cash->is_behind || cash__has_gap(entries, giver) : live->known.first_is_behind;
}

static void wait_for_cash(struct handover_live *live) {
    struct post *post = live->second->post;
    post->flags = (post->flags & ~fate_bit(REASON_CASH_GONE)) | fate_bit(REASON_MISSING_REFERENT);
    live->state = HANDOVER_UNCOVERED;
}

static bool waits(const struct handover_live *live) {
    return live->state == HANDOVER_WAITING || live->state == HANDOVER_UNCOVERED;
}

/* What the second half brought becomes the fate of a first one of this batch; of another batch in handovers__save. */
void handovers__settle(struct entries *entries) {
    for (size_t i = 0; i < entries->cash.n_handovers; i++) {
        struct handover_live *live = &entries->cash.handovers[i];
        bool gone = live->second && live->second->post->outcome == POST_CASH_GONE;
        if (gone && giver_is_behind(entries, live)) wait_for_cash(live);
        else if (gone) dispute(live, REASON_CASH_GONE, live->second);
        if (!live->first || waits(live)) continue;
        live->first->flags &= ~fate_bit(REASON_MISSING_REFERENT);
        if (live->state == HANDOVER_DISPUTED) entry__flag(live->first, live->why);
    }
}

/* ---- save ----------------------------------------------------------------------------------------------------------- */

struct fate_row handover_fate(const hash256 *hash, int64_t waited_flags, enum fate_reason why) {
    fate_bits flags = (fate_bits)waited_flags & ~fate_bit(REASON_MISSING_REFERENT);
    if (why) flags |= fate_bit(why);
    enum fate fate = why ? FATE_QUARANTINED : flags ? FATE_POSTED_FLAGGED : FATE_POSTED;
    return (struct fate_row){.hash = *hash, .fate = (int16_t)fate, .flags = (int64_t)flags};
}

/* The second fate of a half that waited, and that it waits no more. */
static tagih_err save_fate(struct entries *entries, const struct handover_live *live, struct fate_row *fate,
                           struct change_row *change) {
    *fate = handover_fate(&live->known.hash, live->known.flags, live->state == HANDOVER_DISPUTED ? live->why : 0);
    *change = (struct change_row){.kind = CHANGE_ENTRY_FATE, .object = live->known.entry.u, .for_phone = true,
                                  .collector = live->known.half.user};
    return journal_send_waited(entries->tx, entries->arena, &live->known.hash, 1);
}

tagih_err handovers__save(struct entries *entries) {
    size_t room = entries->cash.n_handovers, n = 0, n_fates = 0, n_waiting = 0;
    struct handover_now *states = ARENA_ARRAY(entries->arena, room + 1, struct handover_now);
    struct fate_row *fates = ARENA_ARRAY(entries->arena, room + 1, struct fate_row);
    struct waiting_row *waiting = ARENA_ARRAY(entries->arena, 2 * room + 1, struct waiting_row);
    struct change_row *changes = ARENA_ARRAY(entries->arena, room + 1, struct change_row);
    if (!states || !fates || !waiting || !changes) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < room; i++) {
        const struct handover_live *live = &entries->cash.handovers[i];
        if (!live->changed) continue;
        states[n++] = (struct handover_now){.id = live->key.handover, .state = live->state,
                                            .entry = live->first ? live->first->entry->id : live->known.entry};
        const struct sealed *late = live->state == HANDOVER_UNCOVERED ? live->second : NULL;
        if (live->first && waits(live))
            waiting[n_waiting++] = (struct waiting_row){live->first->envelope.hash, {live->key.handover}};
        if (late) waiting[n_waiting++] = (struct waiting_row){late->envelope.hash, {live->key.handover}};
        if (live->first || !live->known.has_half || waits(live)) continue;
        TRY(save_fate(entries, live, &fates[n_fates], &changes[n_fates]));
        n_fates++;
    }
    TRY(handover_send_states(entries->tx, entries->arena, states, n));
    TRY(journal_send_waiting(entries->tx, entries->arena, waiting, n_waiting));
    TRY(journal_send_fates(entries->tx, entries->arena, fates, n_fates, entries->now));
    return change_send(entries->tx, entries->arena, changes, n_fates, entries->now);
}
