/* SPDX-License-Identifier: Apache-2.0 */
/* DEPOSIT, DAY_CLOSE and INCIDENT entries; handovers are in entries_handover.c. */
#include "rpc/entries_cash.h"

#include <stdlib.h>
#include <string.h>

#include "rpc/entries_handover.h"
#include "store/change.h"

bool cash__is(const struct sealed *s) {
    uint16_t kind = s->entry->kind;
    return kind == JOURNAL_DEPOSIT || kind == JOURNAL_DAY_CLOSE || kind == JOURNAL_HANDOVER || kind == JOURNAL_INCIDENT;
}

/* ---- plan ----------------------------------------------------------------------------------------------------------- */

static enum posting_kind posting_of(const struct sealed *s) {
    switch (s->entry->kind) {
    case JOURNAL_DEPOSIT: return POSTING_OF_DEPOSIT;
    case JOURNAL_HANDOVER: return POSTING_OF_HANDOVER;
    case JOURNAL_INCIDENT: return POSTING_OF_INCIDENT;
    default: return POSTING_OF_SETTLEMENT;
    }
}

static bool currency_is_known(currency in) {
    currency known;
    return err_is_ok(currency_parse(bytes_text(in.code), &known));
}

/* The currency of a post, and whose cash moves with it. A day close moves none. */
static void plan_money(struct sealed *s, currency in) {
    s->post->currency = in;
    if (currency_is_known(in)) s->post->collector = s->by->certificate.user;
}

tagih_err cash__begin(struct entries *entries) {
    size_t n = 0;
    for (size_t i = 0; i < entries->n; i++) n += cash__is(entries->all[i]);
    entries->cash = (struct cash_entries){.all = ARENA_ARRAY(entries->arena, n + 1, struct cash_entry),
                                          .handovers = ARENA_ARRAY(entries->arena, n + 1, struct handover_live)};
    return entries->cash.all && entries->cash.handovers ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
}

static void plan_post(struct entries *entries, struct sealed *s, struct cash_entry *cash, struct post *post) {
    *cash = (struct cash_entry){.sealed = s};
    s->cash = cash;
    s->post = post;
    *s->post = (struct post){.what = POST_MOVE, .kind = posting_of(s), .id = s->entry->id.u, .payment = {s->entry->id.u},
                             .currency = {"IDR"}, .value = s->value.value, .received = entries->now, .has_entry = true,
                             .entry_hash = s->envelope.hash};
    if (s->entry->kind == JOURNAL_DEPOSIT) plan_money(s, s->entry->body.deposit.currency);
    if (s->entry->kind == JOURNAL_INCIDENT) plan_money(s, s->entry->body.incident.currency);
}

void cash__plan(struct entries *entries, struct sealed *s) {
    plan_post(entries, s, &entries->cash.all[entries->cash.n++], &entries->posts[entries->n_posts++]);
    if (s->entry->kind == JOURNAL_HANDOVER) handover__plan(entries, s);
}

/* ---- what all have -------------------------------------------------------------------------------------------------- */

struct params *cash__fact(struct entries *entries, struct sealed *s) {
    struct cash_entry *cash = s->cash;
    if (!cash->facts) cash->facts = ARENA_ARRAY(entries->arena, POST_FACTS_MAX, struct params);
    if (!cash->facts) return NULL; /* noticed at the end: the arena is exhausted */
    s->post->facts = cash->facts;
    return &cash->facts[s->post->n_facts++];
}

void cash__flag_amount(struct sealed *s, int64_t amount_minor, currency in) {
    if (amount_minor <= 0 || amount_minor > MONEY_AMOUNT_MAX_MINOR) entry__flag(s, REASON_AMOUNT_RANGE);
    if (!currency_is_known(in)) entry__flag(s, REASON_WRONG_CURRENCY);
    else if (!money_is_cash_unit((struct money){amount_minor, in})) entry__flag(s, REASON_CASH_UNIT);
}

static struct bytes clean(struct bytes text) {
    return bytes_is_text(text, JOURNAL_TEXT_MAX) ? text : bytes_text("");
}

static user_id user_of(const struct sealed *s) {
    return s->by->certificate.user;
}

static struct ledger_side cash_held(const struct sealed *s) {
    return (struct ledger_side){LEDGER_CASH_HELD, user_of(s).u};
}

/* An entry that is quarantined, broken or another's namesake moves nothing. */
static bool is_barred(struct sealed *s) {
    s->post->skip = s->broken || !s->owns_id || entry__is_quarantined(s);
    return s->post->skip;
}

/* ---- DEPOSIT -------------------------------------------------------------------------------------------------------- */

struct deposit_row cash__deposit_row(const struct sealed *s, instant received) {
    const struct journal_deposit *d = &s->entry->body.deposit;
    return (struct deposit_row){
        .id = s->entry->id.u, .posting = s->post ? s->post->id : s->entry->id.u, .has_collector = true, .collector = user_of(s),
        .amount_minor = d->amount_minor, .currency = bytes_text(d->currency.code), .bank_reference = clean(d->bank_reference),
        .value_us = s->value.value.us, .received_us = received.us, .value_on = s->value_on};
}

static void decide_deposit(struct entries *entries, struct sealed *s) {
    const struct journal_deposit *d = &s->entry->body.deposit;
    cash__flag_amount(s, d->amount_minor, d->currency);
    if (is_barred(s)) return;
    book_move_begin(s->post);
    ledger_move(&s->post->ledger, (struct ledger_side){LEDGER_DEPOSIT_IN_TRANSIT, user_of(s).u}, cash_held(s),
                d->amount_minor); /* J15, by the collector */
    s->post->change = CHANGE_DEPOSIT_MADE;
    struct params *fact = cash__fact(entries, s), *event = cash__fact(entries, s);
    if (!fact || !event) return;
    struct cash_entry *cash = s->cash;
    cash->deposit = cash__deposit_row(s, entries->now);
    struct deposit_event_row made = {.deposit = s->entry->id.u, .posting = s->post->id, .version = 1, .event = DEPOSIT_MADE,
                                     .at_us = entries->now.us, .has_actor = true, .actor = user_of(s), .reason = bytes_text("")};
    deposit_fact(fact, entries->tx, entries->arena, &cash->deposit, 1);
    deposit_event_fact(event, entries->tx, entries->arena, &made, 1);
}

/* ---- INCIDENT ------------------------------------------------------------------------------------------------------- */

static int16_t shortage_kind_of(const struct sealed *s) {
    switch (s->entry->body.incident.what) {
    case JOURNAL_INCIDENT_ROBBERY: return SHORTAGE_ROBBERY;
    case JOURNAL_INCIDENT_COUNTERFEIT: return SHORTAGE_COUNTERFEIT;
    case JOURNAL_INCIDENT_LOSS: return SHORTAGE_LOSS;
    default: return SHORTAGE_OTHER;
    }
}

struct shortage_row cash__shortage_row(const struct sealed *s, instant received) {
    const struct journal_incident *i = &s->entry->body.incident;
    return (struct shortage_row){
        .id = s->entry->id.u, .posting = s->post ? s->post->id : s->entry->id.u, .collector = user_of(s), .kind = shortage_kind_of(s),
        .amount_minor = i->amount_minor, .currency = bytes_text(i->currency.code), .value_us = s->value.value.us,
        .received_us = received.us, .value_on = s->value_on, .report = clean(i->report),
        .police_reference = i->has_police_reference ? clean(i->police_reference) : bytes_text("")};
}

static void decide_incident(struct entries *entries, struct sealed *s) {
    const struct journal_incident *i = &s->entry->body.incident;
    cash__flag_amount(s, i->amount_minor, i->currency);
    if (shortage_kind_of(s) == SHORTAGE_OTHER) entry__flag(s, REASON_UNKNOWN_CODE);
    if (is_barred(s)) return;
    book_move_begin(s->post);
    ledger_move(&s->post->ledger, (struct ledger_side){LEDGER_COLLECTOR_RECEIVABLE, user_of(s).u}, cash_held(s),
                i->amount_minor); /* J35 */
    s->post->change = CHANGE_SHORTAGE_FOUND;
    struct params *fact = cash__fact(entries, s), *event = cash__fact(entries, s);
    if (!fact || !event) return;
    struct cash_entry *cash = s->cash;
    cash->shortage = cash__shortage_row(s, entries->now);
    struct shortage_event_row found = {.shortage = s->entry->id.u, .posting = s->post->id, .version = 1,
                                       .event = SHORTAGE_FOUND, .amount_minor = i->amount_minor, .at_us = entries->now.us,
                                       .actor = user_of(s), .reason = bytes_text("")};
    shortage_fact(fact, entries->tx, entries->arena, &cash->shortage, 1);
    shortage_event_fact(event, entries->tx, entries->arena, &found, 1);
}

/* ---- DAY_CLOSE ------------------------------------------------------------------------------------------------------ */

/* R-JRN-5: a sum that does not fit is left out and flagged, never wrapped. */
static void add_up(struct sealed *s, int64_t minor, int64_t *sum) {
    if (!err_is_ok(minor_add(*sum, minor, sum))) entry__flag(s, REASON_TOTAL_MISMATCH);
}

static bool stands_before(const struct journal_day_close *d, size_t i) {
    for (size_t k = 0; k < i; k++) {
        if (currency_equal(d->currencies[k].currency, d->currencies[i].currency)) return true;
    }
    return false;
}

bool cash__settles(const struct sealed *s, size_t i) {
    const struct journal_day_close *d = &s->entry->body.day_close;
    return currency_is_known(d->currencies[i].currency) && !stands_before(d, i);
}

int64_t cash__declared(const struct sealed *s) {
    const struct journal_day_close *d = &s->entry->body.day_close;
    return d->last_seq < s->entry->seq ? d->last_seq : s->entry->seq - 1;
}

struct settlement_row cash__settlement_row(struct sealed *s, size_t i, bool first, instant received) {
    const struct journal_day_close *d = &s->entry->body.day_close;
    const struct journal_day_currency *c = &d->currencies[i];
    struct settlement_row row = {
        .id = settlement_id_of(s->entry->id.u, first ? NULL : &c->currency), .posting = s->post ? s->post->id : s->entry->id.u,
        .collector = user_of(s), .has_journal = true, .entry_hash = s->envelope.hash, .device = s->entry->device,
        .epoch = (int32_t)s->entry->epoch, .first_seq = d->first_seq, .last_seq = cash__declared(s),
        .currency = bytes_text(c->currency.code), .receipts = (int64_t)c->receipt_count, .voids = (int64_t)c->void_count,
        .declared_minor = c->cash_to_hand_over_minor, .value_us = s->value.value.us, .received_us = received.us,
        .value_on = s->value_on, .actor = user_of(s), .reason = bytes_text("")};
    for (size_t k = 0; k < d->tender_count; k++) {
        if (!currency_equal(d->tenders[k].currency, c->currency)) continue;
        add_up(s, d->tenders[k].total_minor, d->tenders[k].tender == JOURNAL_TENDER_CASH ? &row.cash_minor : &row.other_minor);
    }
    return row;
}

/* R-CSH-2b: notes and coins that do not add up to the cash to hand over flag the day close. */
void cash__add_notes(struct sealed *s, size_t i, const struct settlement_row *row, struct settlement_note_row *notes, size_t *n) {
    const struct journal_day_close *d = &s->entry->body.day_close;
    struct cash_pieces pieces[JOURNAL_DAY_NOTES_MAX];
    size_t count = 0, bad;
    int64_t sum_minor = 0;
    for (size_t k = 0; k < d->note_count; k++) {
        if (!currency_equal(d->notes[k].currency, d->currencies[i].currency)) continue;
        pieces[count++] = (struct cash_pieces){d->notes[k].value_minor, d->notes[k].pieces};
    }
    if (count == 0) return;
    tagih_err err = cash_add_up(d->currencies[i].currency, pieces, count, &sum_minor, &bad);
    if (!err_is_ok(err) || sum_minor != row->declared_minor) entry__flag(s, REASON_CASH_COUNT);
    for (size_t k = 0; err_is_ok(err) && k < count; k++) {
        notes[(*n)++] = (struct settlement_note_row){.settlement = row->id, .posting = row->posting, .version = 1,
                                                     .value_minor = pieces[k].value_minor, .pieces = pieces[k].pieces};
    }
}

static int by_id(const void *a, const void *b) {
    return uuid_compare(((const struct settlement_row *)a)->id, ((const struct settlement_row *)b)->id);
}

static int by_note(const void *left, const void *right) {
    const struct settlement_note_row *a = left, *b = right;
    int order = uuid_compare(a->settlement, b->settlement);
    return order ? order : a->value_minor < b->value_minor ? -1 : a->value_minor > b->value_minor;
}

void cash__sort_notes(struct settlement_note_row *notes, size_t n) {
    qsort(notes, n, sizeof *notes, by_note);
}

static void day_close_facts(struct entries *entries, struct sealed *s, struct settlement_note_row *notes, size_t n_notes) {
    struct cash_entry *cash = s->cash;
    struct settlement_event_row *events = ARENA_ARRAY(entries->arena, cash->n_settlements, struct settlement_event_row);
    struct params *fact = cash__fact(entries, s), *event = cash__fact(entries, s), *note = n_notes ? cash__fact(entries, s) : NULL;
    if (!events || !fact || !event || (n_notes && !note)) return;
    qsort(cash->settlements, cash->n_settlements, sizeof *cash->settlements, by_id);
    cash__sort_notes(notes, n_notes);
    for (size_t i = 0; i < cash->n_settlements; i++) {
        events[i] = (struct settlement_event_row){.settlement = cash->settlements[i].id, .posting = s->post->id, .version = 1,
                                                  .event = SETTLEMENT_DECLARE, .state = SETTLEMENT_DECLARED,
                                                  .at_us = entries->now.us, .actor = user_of(s), .reason = bytes_text("")};
    }
    settlement_fact(fact, entries->tx, entries->arena, cash->settlements, cash->n_settlements);
    settlement_event_fact(event, entries->tx, entries->arena, events, cash->n_settlements);
    if (note) settlement_note_fact(note, entries->tx, entries->arena, notes, n_notes);
}

static void decide_day_close(struct entries *entries, struct sealed *s) {
    const struct journal_day_close *d = &s->entry->body.day_close;
    struct chain_state *chain =
        entries->n_chains ? &entries->loaded.chains[s->chain] : NULL; /* NULL: two people release it */
    int64_t last = cash__declared(s);
    if (chain && !entry__is_quarantined(s) && last > chain->declared_seq) chain->declared_seq = last;
    if (is_barred(s)) return;
    struct cash_entry *cash = s->cash;
    struct settlement_note_row *notes = ARENA_ARRAY(entries->arena, JOURNAL_DAY_NOTES_MAX, struct settlement_note_row);
    cash->settlements = ARENA_ARRAY(entries->arena, d->currency_count, struct settlement_row);
    size_t n_notes = 0;
    if (!notes || !cash->settlements) return;
    for (size_t i = 0; i < d->currency_count; i++) {
        if (!cash__settles(s, i)) {
            entry__flag(s, REASON_UNKNOWN_CODE);
            continue;
        }
        cash->settlements[cash->n_settlements] = cash__settlement_row(s, i, cash->n_settlements == 0, entries->now);
        cash__add_notes(s, i, &cash->settlements[cash->n_settlements], notes, &n_notes);
        cash->n_settlements++;
    }
    s->post->skip = cash->n_settlements == 0; /* a day without money declares nothing */
    if (s->post->skip) return;
    book_move_begin(s->post);
    s->post->change = CHANGE_SETTLEMENT_DECLARED;
    day_close_facts(entries, s, notes, n_notes);
}

void cash__decide(struct entries *entries, struct sealed *s) {
    switch (s->entry->kind) {
    case JOURNAL_DEPOSIT: decide_deposit(entries, s); break;
    case JOURNAL_INCIDENT: decide_incident(entries, s); break;
    case JOURNAL_DAY_CLOSE: decide_day_close(entries, s); break;
    default: handover__decide(entries, s); break;
    }
}

/* ---- cash that is not there yet ------------------------------------------------------------------------------------- */

static bool may_wait(const struct sealed *s) {
    return s->entry->kind == JOURNAL_DEPOSIT || s->entry->kind == JOURNAL_INCIDENT;
}

uuid cash__missing(const struct sealed *s) {
    return s->entry->kind == JOURNAL_HANDOVER ? s->entry->body.handover.handover : s->entry->device.u;
}

bool cash__has_gap(const struct entries *entries, const struct sealed *s) {
    for (size_t i = 0; i < entries->n_chains; i++) {
        const struct chain_state *chain = &entries->loaded.chains[i];
        bool his = uuid_equal(chain->key.device.u, s->entry->device.u) && chain->key.epoch == (int32_t)s->entry->epoch;
        if (his) return chain->chain.contiguous_seq < s->entry->seq;
    }
    return true; /* of another epoch: nothing is known here */
}

static const struct sealed *same_phone(const struct entries *entries, device_id device) {
    for (size_t i = 0; i < entries->n; i++) {
        if (uuid_equal(entries->all[i]->entry->device.u, device.u)) return entries->all[i];
    }
    return NULL;
}

/* It is tried when its collector's cash moves here; else it goes on waiting. */
tagih_err cash__wake(struct entries *entries, const struct waiting_entry *waiting, struct sealed *s, struct post *post) {
    const struct sealed *other = same_phone(entries, s->entry->device);
    if (!may_wait(s) || !other) return TAGIH_OK;
    struct cash_entry *cash = ARENA_NEW(entries->arena, struct cash_entry);
    if (!entries->cash.woken) {
        entries->cash.woken = ARENA_ARRAY(entries->arena, entries->loaded.n_waiting, struct cash_entry *);
    }
    if (!cash || !entries->cash.woken) return FAIL(OUT_OF_MEMORY);
    s->by = other->by;
    s->value.value = waiting->value;
    s->value_on = waiting->value_on;
    s->flags = (fate_bits)waiting->flags & ~fate_bit(REASON_MISSING_REFERENT);
    if (!cash__has_gap(entries, s)) s->flags &= ~fate_bit(REASON_GAP);
    plan_post(entries, s, cash, post);
    cash->waited = waiting->hash;
    post->value_on = waiting->value_on;
    if (!book_collector(&entries->book, post->collector, post->currency)) return TAGIH_OK;
    cash__decide(entries, s);
    if (post->skip) return TAGIH_OK;
    book_add(&entries->book, post);
    entries->cash.woken[entries->cash.n_woken++] = cash;
    return TAGIH_OK;
}

/* R-CSH-2d: what is missing before it may be the cash that it moves. */
static void settle_missing(struct entries *entries) {
    const fate_bits gone = fate_bit(REASON_CASH_GONE), missing = fate_bit(REASON_MISSING_REFERENT);
    for (size_t i = 0; i < entries->cash.n; i++) {
        struct sealed *s = entries->cash.all[i].sealed;
        bool refused = !s->known && !s->post->skip && s->post->outcome == POST_CASH_GONE;
        if (refused && may_wait(s) && cash__has_gap(entries, s)) s->post->flags = (s->post->flags & ~gone) | missing;
    }
    for (size_t i = 0; i < entries->cash.n_woken; i++) {
        struct sealed *s = entries->cash.woken[i]->sealed;
        s->flags |= s->post->flags;
        s->fate = entry__is_quarantined(s) ? FATE_QUARANTINED : s->flags ? FATE_POSTED_FLAGGED : FATE_POSTED;
        s->post->fate = (uint16_t)s->fate;
        s->post->flags = s->flags;
    }
}

/* The second fates of those that waited, unless they wait on. */
static tagih_err save_woken(struct entries *entries) {
    size_t room = entries->cash.n_woken, n = 0;
    struct fate_row *fates = ARENA_ARRAY(entries->arena, room + 1, struct fate_row);
    struct change_row *changes = ARENA_ARRAY(entries->arena, room + 1, struct change_row);
    hash256 *hashes = ARENA_ARRAY(entries->arena, room + 1, hash256);
    if (!fates || !changes || !hashes) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < room; i++) {
        const struct cash_entry *cash = entries->cash.woken[i];
        const struct sealed *s = cash->sealed;
        if (s->post->outcome == POST_CASH_GONE && cash__has_gap(entries, s)) continue;
        hashes[n] = cash->waited;
        fates[n] = (struct fate_row){.hash = cash->waited, .fate = (int16_t)s->fate, .flags = (int64_t)s->flags};
        changes[n++] = (struct change_row){.kind = CHANGE_ENTRY_FATE, .object = s->entry->id.u, .for_phone = true,
                                           .collector = user_of(s)};
    }
    TRY(journal_send_fates(entries->tx, entries->arena, fates, n, entries->now));
    TRY(journal_send_waited(entries->tx, entries->arena, hashes, n));
    return change_send(entries->tx, entries->arena, changes, n, entries->now);
}

static tagih_err save_waiting(struct entries *entries) {
    struct waiting_row *rows = ARENA_ARRAY(entries->arena, entries->cash.n + 1, struct waiting_row);
    size_t n = 0;
    if (!rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < entries->cash.n; i++) {
        const struct sealed *s = entries->cash.all[i].sealed;
        bool waits = !s->known && may_wait(s) && s->fate == FATE_WAITING;
        if (waits) rows[n++] = (struct waiting_row){s->envelope.hash, {cash__missing(s)}};
    }
    return journal_send_waiting(entries->tx, entries->arena, rows, n);
}

/* ---- save ----------------------------------------------------------------------------------------------------------- */

tagih_err cash__load(struct entries *entries) {
    return handovers__load(entries);
}

void cash__settle(struct entries *entries) {
    handovers__settle(entries);
    settle_missing(entries);
}

tagih_err cash__save(struct entries *entries) {
    struct cash_entries *all = &entries->cash;
    struct deposit_row *deposits = ARENA_ARRAY(entries->arena, all->n + all->n_woken + 1, struct deposit_row);
    struct shortage_row *shortages = ARENA_ARRAY(entries->arena, all->n + all->n_woken + 1, struct shortage_row);
    size_t n_deposits = 0, n_shortages = 0;
    if (!deposits || !shortages) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < all->n + all->n_woken; i++) {
        const struct cash_entry *cash = i < all->n ? &all->all[i] : all->woken[i - all->n];
        const struct sealed *s = cash->sealed;
        if (s->known || s->post->skip || s->post->outcome != POST_DONE) continue;
        if (s->entry->kind == JOURNAL_DEPOSIT) deposits[n_deposits++] = cash->deposit;
        if (s->entry->kind == JOURNAL_INCIDENT) shortages[n_shortages++] = cash->shortage;
        TRY(settlement_send_new(entries->tx, entries->arena, cash->settlements, cash->n_settlements));
    }
    TRY(deposit_send_new(entries->tx, entries->arena, deposits, n_deposits));
    TRY(shortage_send_new(entries->tx, entries->arena, shortages, n_shortages));
    TRY(save_waiting(entries));
    TRY(save_woken(entries));
    return handovers__save(entries);
}
