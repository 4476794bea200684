/* SPDX-License-Identifier: Apache-2.0 */
/* Entries: chains, fates and acknowledgements, whatever the kind; the kinds are in entries_kinds.c. */
#include "rpc/entries.h"

#include <stdlib.h>
#include <string.h>

#include "engine/server.h"
#include "rpc/entries_cash.h"
#include "store/change.h"
#include "store_statements.h"

void entry__flag(struct sealed *sealed, enum fate_reason reason) {
    sealed->flags |= fate_bit(reason);
}

bool entry__is_quarantined(const struct sealed *sealed) {
    return sealed->fate == FATE_QUARANTINED || (sealed->flags & ~FATE_BITS_FLAGS & ~fate_bit(REASON_MISSING_REFERENT)) != 0;
}

static struct chain_state *chain_of(struct entries *entries, const struct sealed *sealed) {
    return &entries->loaded.chains[sealed->chain];
}

/* ---- plan ----------------------------------------------------------------------------------------------------- */

static bool same_chain(const struct chain_key *key, const struct journal_entry *entry) {
    return uuid_equal(key->device.u, entry->device.u) && key->epoch == (int32_t)entry->epoch;
}

static tagih_err plan(struct entries *entries) {
    entries->chains = ARENA_ARRAY(entries->arena, entries->n, struct chain_key);
    entries->posts = ARENA_ARRAY(entries->arena, entries->n, struct post);
    entries->arrivals = ARENA_ARRAY(entries->arena, entries->n, struct arrival);
    entries->outcomes = ARENA_ARRAY(entries->arena, entries->n, struct outcome_entry);
    entries->rotations = ARENA_ARRAY(entries->arena, entries->n, struct rotation);
    entries->new_keys = ARENA_ARRAY(entries->arena, entries->n, public_key);
    entries->referents = ARENA_ARRAY(entries->arena, entries->n, entry_id);
    entries->over_on = ARENA_ARRAY(entries->arena, entries->n, civil_date);
    entries->midnights = ARENA_ARRAY(entries->arena, entries->n, instant);
    entries->dates = ARENA_ARRAY(entries->arena, entries->n, civil_date);
    if (!entries->chains || !entries->posts || !entries->arrivals || !entries->outcomes || !entries->referents || !entries->over_on || !entries->midnights ||
        !entries->dates || !entries->rotations || !entries->new_keys) {
        return FAIL(OUT_OF_MEMORY);
    }
    entries->n_chains = entries->n_posts = entries->n_arrivals = entries->n_outcomes = 0;
    entries->n_referents = entries->n_promises = 0;
    entries->n_woken = entries->n_rotations = 0;
    TRY(cash__begin(entries));
    for (size_t i = 0; i < entries->n; i++) {
        struct sealed *s = entries->all[i];
        if (entries->n_chains == 0 || !same_chain(&entries->chains[entries->n_chains - 1], s->entry)) {
            entries->chains[entries->n_chains++] = (struct chain_key){s->entry->device, (int32_t)s->entry->epoch,
                                                                      s->entry->seq - 1};
        }
        s->chain = entries->n_chains - 1;
        TRY(entry__plan(entries, s));
    }
    return TAGIH_OK;
}

/* R-TIM-3: a contact that the phone claims counts unless it lies after what we see now. */
struct entry_instant entry__value(const struct journal_entry *e, instant certificate_issued, instant received) {
    bool contact = e->has_server_time && e->server_time.us <= received.us && e->server_time.us >= certificate_issued.us;
    struct entry_time times = {.device_time = e->device_time, .mono_us = e->mono_us, .boot = e->boot_id,
                               .has_contact = contact, .contact_time = e->server_time,
                               .contact_mono_us = e->server_mono_us, .certificate_issued = certificate_issued,
                               .received = received};
    if (contact && e->has_server_mono_us && e->has_server_boot) times.contact_boot = e->server_boot;
    return entry_time_value(&times);
}

/* ---- load ----------------------------------------------------------------------------------------------------- */

static tagih_err send_dates(struct entries *entries) {
    int64_t *times = ARENA_ARRAY(entries->arena, entries->n, int64_t);
    if (!times) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < entries->n; i++) times[i] = entries->all[i]->value.value.us;
    struct params p;
    params_init(&p, entries->arena, STMT_agency_dates, entries->n);
    params_one_uuid(&p, &entries->agency);
    params_int8(&p, times, sizeof *times);
    return tx_send(entries->tx, &p);
}

static tagih_err send_journal(struct entries *entries) {
    hash256 *hashes = ARENA_ARRAY(entries->arena, entries->n, hash256);
    entry_id *ids = ARENA_ARRAY(entries->arena, entries->n, entry_id);
    if (!hashes || !ids) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < entries->n; i++) {
        hashes[i] = entries->all[i]->envelope.hash;
        ids[i] = entries->all[i]->entry->id;
    }
    return journal_send_load(entries->tx, entries->arena, entries->chains, entries->n_chains, hashes, ids, entries->n,
                             entries->referents, entries->n_referents, !book_is_empty(&entries->book));
}

/* Visits of check-ins and of outcomes are locked together, in one order. */
static tagih_err send_visit_lock(struct entries *entries) {
    size_t n = 0;
    visit_id *ids = ARENA_ARRAY(entries->arena, entries->n_arrivals + entries->n_outcomes, visit_id);
    if (!ids) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < entries->n_arrivals; i++) ids[n++] = entries->arrivals[i].key.visit;
    for (size_t i = 0; i < entries->n_outcomes; i++) ids[n++] = entries->outcomes[i].key.visit;
    return visit_send_lock(entries->tx, entries->arena, ids, n);
}

/* LOCK and LOAD in one round trip: devices → accounts → visits → collectors. */
static tagih_err lock_and_load(struct entries *entries) {
    struct tx *tx = entries->tx;
    TRY(journal_send_lock(tx, entries->arena, entries->chains, entries->n_chains));
    TRY(book_send_lock(&entries->book));
    if (entries->n_outcomes) TRY(send_visit_lock(entries));
    if (entries->n_arrivals) TRY(arrivals_send(tx, entries->arena, entries->arrivals, entries->n_arrivals));
    TRY(book_send_load(&entries->book));
    TRY(send_journal(entries));
    TRY(rotations__send(entries));
    TRY(send_dates(entries));
    if (entries->n_promises) TRY(promise_send_midnights(tx, entries->arena, entries->over_on, entries->n_promises));
    TRY(tx_sync(tx));
    journal_take_lock(tx);
    book_take_lock(&entries->book);
    if (entries->n_outcomes) outcomes_take_lock(tx);
    if (entries->n_arrivals) TRY(arrivals_take(tx, entries->arena, entries->arrivals, entries->n_arrivals));
    TRY(book_take_load(&entries->book));
    TRY(journal_take_load(tx, entries->arena, entries->chains, entries->n_chains, entries->n, entries->n_referents,
                          entries->n, &entries->loaded));
    TRY(rotations__take(entries));
    DEFER(result) struct result dates = {0};
    tx_take(tx, &dates);
    for (size_t i = 0; i < entries->n; i++) entries->all[i]->value_on = result_date(&dates, i, COL_agency_dates_at_on);
    if (entries->n_promises) promise_take_midnights(tx, entries->midnights, entries->n_promises);
    return TAGIH_OK;
}

/* ---- chains --------------------------------------------------------------------------------------------------- */

/* An epoch's first entry: its chain begins with the certificate. */
static void begin_chains(struct entries *entries) {
    for (size_t i = 0; i < entries->n; i++) {
        struct chain_state *chain = chain_of(entries, entries->all[i]);
        if (!chain->known && chain->chain.contiguous_seq == 0) chain->chain.head_hash = entries->all[i]->by->hash;
    }
}

static bool id_taken_here(const struct entries *entries, size_t i) {
    for (size_t k = 0; k < i; k++) {
        const struct sealed *s = entries->all[k];
        if (!s->known && s->owns_id && uuid_equal(s->entry->id.u, entries->all[i]->entry->id.u)) return true;
    }
    return false;
}

/* R-REC-8: the entry that a slip was printed from, and not another one with its id. */
static bool is_of_slip(const struct journal_known *slip, const struct journal_entry *e) {
    const struct journal_receipt *r = &e->body.receipt;
    return e->kind == JOURNAL_RECEIPT && uuid_equal(slip->slip_device.u, e->device.u) && uuid_equal(slip->slip_account.u, r->account.u) &&
           slip->slip_amount_minor == r->money.amount_minor && currency_equal(slip->slip_currency, r->money.currency) &&
           slip->slip_tender == (int16_t)r->tender;
}

static struct chain_total *total_of(struct chain_state *chain, currency in) {
    for (size_t i = 0; i < chain->n_totals; i++) {
        if (currency_equal(chain->totals[i].currency, in)) return &chain->totals[i];
    }
    if (chain->n_totals == CHAIN_CURRENCIES_MAX) return NULL;
    struct chain_total *total = &chain->totals[chain->n_totals++];
    *total = (struct chain_total){.currency = in, .fresh = chain->chain.contiguous_seq == 0};
    return total;
}

/* R-REC-3, for a chain without gaps: what the phone says must be what it said before and this entry. Behind a gap
 * nothing can be said; the next statement after it is taken as it is. */
static void check_total(struct chain_state *chain, struct sealed *s, bool in_order) {
    const struct journal_money *money = journal_money_of(s->entry);
    if (!money) return;
    struct chain_total *total = total_of(chain, money->currency);
    if (!total) return;
    struct running_point point = {.seq = s->entry->seq, .is_money = true, .amount_minor = money->amount_minor,
                                  .cum_count = money->cum_count, .cum_total_minor = money->cum_total_minor};
    if (in_order && total->fresh) {
        const struct running_point *before = total->point.seq ? &total->point : NULL;
        if (running_compare(before, &point, 0).verdict != RUNNING_ADDS_UP) entry__flag(s, REASON_TOTAL_MISMATCH);
    }
    total->dirty = true;
    total->fresh = in_order;
    if (in_order) total->point = point;
}

/* A filled gap makes entries contiguous that were taken behind it: the last total spoke of what came before them. */
static void forget_totals(struct chain_state *chain) {
    for (size_t i = 0; i < chain->n_totals; i++) {
        chain->totals[i].fresh = false;
        chain->totals[i].dirty = true;
    }
}

static void judge_chain(struct entries *entries, struct sealed *s) {
    struct chain_state *chain = chain_of(entries, s);
    struct chain_link link = {.seq = s->entry->seq, .hash = s->envelope.hash, .prev_hash = s->entry->prev_hash};
    enum chain_verdict verdict = s->entry->seq < 1 ? CHAIN_FORK : chain_judge(&chain->chain, &link).verdict;
    s->owns_seq = verdict != CHAIN_FORK && verdict != CHAIN_DUPLICATE;
    if (!s->owns_seq) {
        entry__flag(s, REASON_FORK);
        return;
    }
    if (verdict == CHAIN_GAP) entry__flag(s, REASON_GAP);
    if (verdict == CHAIN_PREV_MISMATCH) entry__flag(s, REASON_PREV_MISMATCH);
    tagih_err added = chain_add(&chain->chain, &link);
    (void)added; /* room for every entry of the batch was made */
    int64_t before = chain->chain.contiguous_seq;
    chain_advance(&chain->chain, chain->gaps, chain->n_gaps);
    s->filled = chain->seq_max > s->entry->seq;
    if (s->entry->seq > chain->seq_max) chain->seq_max = s->entry->seq;
    chain->dirty = true;
    if (chain->chain.contiguous_seq > s->entry->seq) forget_totals(chain);
    check_total(chain, s, before + 1 == s->entry->seq && chain->chain.contiguous_seq == s->entry->seq);
}

/* R-REC-7: an entry of a revoked key counts when a contact with the server lies between it and the revocation: one that
 * a later entry knows of and this one does not yet. */
static void judge_key(struct entries *entries, size_t i) {
    struct sealed *s = entries->all[i];
    const struct chain_state *chain = chain_of(entries, s);
    if (!chain->revoked || chain->revoked_at.us == 0) return;
    entry__flag(s, REASON_REVOKED_KEY);
    for (size_t k = i + 1; k < entries->n && entries->all[k]->chain == s->chain; k++) {
        const struct journal_entry *later = entries->all[k]->entry;
        bool newer = !s->entry->has_server_time || later->server_time.us > s->entry->server_time.us;
        if (later->has_server_time && newer && later->server_time.us <= chain->revoked_at.us) return;
    }
    s->fate = FATE_QUARANTINED;
}

static void judge_all(struct entries *entries) {
    begin_chains(entries);
    for (size_t i = 0; i < entries->n; i++) {
        struct sealed *s = entries->all[i];
        const struct journal_known *known = &entries->loaded.known[i];
        s->flags = 0;
        s->fate = FATE_POSTED;
        s->known = known->known;
        s->ack = known->ack;
        if (s->known) {
            if (s->post) s->post->skip = true;
            if (s->arrival) s->arrival->barred = true;
            if (s->outcome) s->outcome->barred = true;
            continue;
        }
        judge_chain(entries, s);
        s->replays_slip = known->has_slip && is_of_slip(known, s->entry);
        bool free_id = !known->id_taken && !id_taken_here(entries, i) && (!known->has_slip || s->replays_slip);
        s->owns_id = s->owns_seq && free_id;
        int64_t closed_seq = chain_of(entries, s)->closed_seq;
        if (closed_seq && s->entry->seq > closed_seq) entry__flag(s, REASON_EPOCH_CLOSED);
        if (s->owns_seq && !s->owns_id) entry__flag(s, REASON_ENTRY_ID_REUSED);
        judge_key(entries, i);
        if (s->value.clock_is_off) entry__flag(s, REASON_CLOCK);
        if (s->entry->bad_text) entry__flag(s, REASON_BAD_TEXT);
        if (s->by->certificate.rescue) entry__flag(s, REASON_RESCUE_EPOCH);
        if (s->broken) entry__flag(s, REASON_NOT_STORED);
        entry__decide(entries, s);
    }
}

/* ---- acknowledgements ----------------------------------------------------------------------------------------- */

static void set_fate(struct sealed *s) {
    if (entry__is_quarantined(s)) s->fate = FATE_QUARANTINED;
    else if (s->flags & fate_bit(REASON_MISSING_REFERENT)) s->fate = FATE_WAITING;
    else s->fate = s->flags ? FATE_POSTED_FLAGGED : FATE_POSTED;
}

struct acknowledgement entry__acknowledgement(const struct sealed *s, instant received) {
    struct acknowledgement ack = {.entry_hash = s->envelope.hash, .fate = (uint16_t)s->fate, .received = received};
    for (unsigned bit = 0; bit < 64 && ack.reason_count < ACKNOWLEDGEMENT_REASONS_MAX; bit++) {
        if (s->flags >> bit & 1) ack.reasons[ack.reason_count++] = fate_bit_reason(bit);
    }
    ack.has_missing = s->fate == FATE_WAITING;
    if (ack.has_missing) {
        ack.missing = cash__is(s) ? (entry_id){cash__missing(s)} : s->entry->body.voided.receipt;
    }
    return ack;
}

static tagih_err acknowledge(struct entries *entries, struct sealed *s) {
    struct acknowledgement ack = entry__acknowledgement(s, entries->now);
    const struct key *key = keyring_signing(entries->server->keys, KEY_ACK);
    uint8_t *out = arena_alloc(entries->arena, ENVELOPE_MAX);
    size_t len;
    if (!key || !out) return key ? FAIL(OUT_OF_MEMORY) : FAIL(INTERNAL);
    TRY(acknowledgement_sign(&ack, entries->server->installation, &key->secret, out, ENVELOPE_MAX, &len));
    s->ack = bytes_make(out, len);
    return TAGIH_OK;
}

static tagih_err acknowledge_all(struct entries *entries) {
    for (size_t i = 0; i < entries->n; i++) {
        struct sealed *s = entries->all[i];
        if (s->known) continue;
        entry__settle(s);
        set_fate(s);
        TRY(acknowledge(entries, s));
        if (!s->post) continue;
        s->post->ack = s->ack;
        s->post->fate = (uint16_t)s->fate;
        s->post->flags = s->flags;
    }
    return TAGIH_OK;
}

/* ---- save ----------------------------------------------------------------------------------------------------- */

static tagih_err save_rows(struct entries *entries) {
    struct journal_row *rows = ARENA_ARRAY(entries->arena, entries->n, struct journal_row);
    if (!rows) return FAIL(OUT_OF_MEMORY);
    size_t n = 0;
    for (size_t i = 0; i < entries->n; i++) {
        const struct sealed *s = entries->all[i];
        if (s->known) continue;
        const struct journal_entry *e = s->entry;
        rows[n++] = (struct journal_row){
            .hash = s->envelope.hash, .prev_hash = e->prev_hash, .device = e->device, .epoch = (int32_t)e->epoch,
            .seq = e->seq, .id = e->id, .kind = (int16_t)e->kind, .fate = (int16_t)s->fate, .owns_seq = s->owns_seq,
            .owns_id = s->owns_id, .flags = (int64_t)s->flags, .received_us = entries->now.us,
            .value_us = s->value.value.us, .ack = s->ack, .body = s->raw};
    }
    return journal_send_rows(entries->tx, entries->arena, rows, n);
}

/* The entries right behind filled gaps lose their GAP flag; those of forks suspend their device. */
static tagih_err save_chains(struct entries *entries) {
    struct chain_key *filled = ARENA_ARRAY(entries->arena, entries->n, struct chain_key);
    device_id *suspended = ARENA_ARRAY(entries->arena, entries->n, device_id);
    if (!filled || !suspended) return FAIL(OUT_OF_MEMORY);
    size_t n_filled = 0, n_suspended = 0;
    for (size_t i = 0; i < entries->n; i++) {
        const struct sealed *s = entries->all[i];
        if (s->known) continue;
        if (s->owns_seq && s->filled) {
            filled[n_filled++] = (struct chain_key){s->entry->device, (int32_t)s->entry->epoch, s->entry->seq + 1};
        }
        if (s->flags & fate_bit(REASON_FORK)) suspended[n_suspended++] = s->entry->device;
    }
    TRY(journal_send_chains(entries->tx, entries->arena, entries->loaded.chains, entries->n_chains));
    TRY(journal_send_suspend(entries->tx, entries->arena, suspended, n_suspended, entries->now));
    return journal_send_filled(entries->tx, entries->arena, filled, n_filled, (int64_t)fate_bit(REASON_GAP), entries->now);
}

/* R-REC-4: the earlier one of a pair gets its flag as a later fate. */
static tagih_err save_duplicates(struct entries *entries) {
    uuid *ids = ARENA_ARRAY(entries->arena, entries->n_posts, uuid);
    int64_t *flags = ARENA_ARRAY(entries->arena, entries->n_posts, int64_t);
    if (!ids || !flags) return FAIL(OUT_OF_MEMORY);
    size_t n = 0;
    for (size_t i = 0; i < entries->n_posts; i++) {
        if (entries->posts[i].skip || uuid_is_nil(entries->posts[i].duplicate_of)) continue;
        ids[n] = entries->posts[i].duplicate_of;
        flags[n++] = (int64_t)fate_bit(REASON_POSSIBLE_DUPLICATE);
    }
    return journal_send_flags(entries->tx, entries->arena, ids, flags, n, entries->now);
}

static void keep_ends(struct entries *entries) {
    for (size_t i = 0; i < entries->n_chains; i++) {
        const struct chain_state *chain = &entries->loaded.chains[i];
        struct chain_end *end = &entries->ends[i];
        *end = (struct chain_end){.device = chain->key.device, .epoch = chain->key.epoch,
                                  .contiguous_seq = chain->chain.contiguous_seq, .head_hash = chain->chain.head_hash,
                                  .n_gaps = chain->n_gaps};
        memcpy(end->gaps, chain->gaps, sizeof end->gaps);
    }
    entries->n_ends = entries->n_chains;
}

static void keep_acks(struct entries *entries) {
    for (size_t i = 0; i < entries->n; i++) {
        struct sealed *s = entries->all[i];
        s->ack_len = s->ack.len <= sizeof s->ack_bytes ? s->ack.len : 0;
        if (s->ack_len) memcpy(s->ack_bytes, s->ack.data, s->ack_len);
    }
}

/* Outcomes are judged by the presence that the check-ins of this very batch left behind, so those are written first. */
static tagih_err decide_outcomes(struct entries *entries) {
    if (entries->n_outcomes == 0) return TAGIH_OK;
    if (entries->n_arrivals) TRY(tx_sync(entries->tx));
    TRY(outcomes_send_load(entries->tx, entries->arena, entries->outcomes, entries->n_outcomes));
    TRY(tx_sync(entries->tx));
    return outcomes_decide(entries->tx, entries->arena, entries->outcomes, entries->n_outcomes, entries->now);
}

tagih_err entries_store(struct entries *entries) {
    for (size_t i = 0; i < entries->n; i++) {
        struct sealed *s = entries->all[i];
        s->value = entry__value(s->entry, s->by->certificate.valid_from, entries->now);
    }
    TRY(plan(entries));
    TRY(cash__load(entries));
    TRY(book_begin(&entries->book, entries->tx, entries->arena, entries->agency, entries->writer, entries->now,
                   entries->posts, entries->n_posts, 4 * entries->n));
    TRY(lock_and_load(entries));
    judge_all(entries);
    TRY(entries__wake(entries));
    TRY(book_decide(&entries->book)); /* may make a round trip of its own: before anything is queued to be saved */
    if (entries->n_arrivals) {
        TRY(arrivals_settle(entries->tx, entries->arena, entries->arrivals, entries->n_arrivals, entries->now));
    }
    TRY(decide_outcomes(entries));
    cash__settle(entries);
    TRY(acknowledge_all(entries));
    TRY(save_rows(entries));
    TRY(save_chains(entries));
    TRY(entries__save_kinds(entries));
    TRY(cash__save(entries));
    TRY(rotations__save(entries));
    TRY(book_save(&entries->book));
    TRY(save_duplicates(entries));
    keep_ends(entries);
    keep_acks(entries);
    return entries->arena->exhausted ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}
