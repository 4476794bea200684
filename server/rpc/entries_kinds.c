/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of entry asks of the database, decides, and leaves there. */
#include <string.h>

#include "domain/account.h"
#include "engine/server.h"
#include "rpc/entries_cash.h"
#include "store/change.h"

#define VOID_WINDOW_US (15 * US_PER_MINUTE) /* R-REC-8, default */

enum void_effect { VOID_TOOK_EFFECT = 1, VOID_NO_EFFECT = 2, VOID_AWAITS_APPROVAL = 3 };

/* ---- plan ----------------------------------------------------------------------------------------------------- */

static bool tender_is_known(uint16_t tender) {
    return tender >= TENDER_CASH && tender < TENDER_END;
}

static void plan_receipt(struct entries *entries, struct sealed *s) {
    const struct journal_receipt *r = &s->entry->body.receipt;
    enum tender tender = tender_is_known(r->tender) ? (enum tender)r->tender : TENDER_CASH;
    currency known;
    bool currency_ok = err_is_ok(currency_parse(bytes_text(r->money.currency.code), &known));
    s->post = &entries->posts[entries->n_posts++];
    *s->post = (struct post){
        .id = s->entry->id.u, .payment = {s->entry->id.u}, .account = r->account, .source = SOURCE_FIELD,
        .tender = (int16_t)tender, .tag = (int16_t)payment_tag_of_tender(tender), .amount_minor = r->money.amount_minor,
        .currency = r->money.currency, .value = s->value.value, .received = entries->now,
        .collector = currency_ok ? s->by->certificate.user : (user_id){{{0}}}, .at_visit = r->has_visit, .has_entry = true,
        .entry_hash = s->envelope.hash};
}

static void void_post(struct entries *entries, struct sealed *s, struct post *post) {
    *post = (struct post){.what = POST_REVERSAL, .id = s->entry->id.u, .payment = {s->entry->body.voided.receipt.u},
                          .reason = REVERSAL_VOID, .currency = s->entry->body.voided.money.currency,
                          .value = s->value.value, .received = entries->now, .has_entry = true,
                          .entry_hash = s->envelope.hash};
    s->post = post;
}

static struct fix fix_of(const struct journal_fix *in) {
    return (struct fix){.position = {in->lat_e7, in->lon_e7}, .accuracy_mm = in->accuracy_mm, .at = in->at,
                        .provider = in->has_provider ? (enum fix_provider)in->provider : FIX_PROVIDER_NONE,
                        .mock = in->mock, .has_speed = in->has_speed_mm_s, .speed_mm_s = in->speed_mm_s,
                        .has_altitude = in->has_altitude_mm, .altitude_mm = in->altitude_mm};
}

tagih_err entry__arrival(struct arena *arena, const struct sealed *s, instant received, struct arrival *out) {
    const struct journal_check_in *c = &s->entry->body.check_in;
    struct fix *fixes = ARENA_ARRAY(arena, c->fix_count, struct fix);
    if (!fixes) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < c->fix_count; i++) fixes[i] = fix_of(&c->fixes[i]);
    *out = (struct arrival){
        .key = {.id = s->entry->id, .visit = c->visit, .collector = s->by->certificate.user, .device = s->entry->device,
                .value = s->value.value},
        .device_time = c->tapped, .mono_us = c->tapped_mono_us, .boot_id = s->entry->boot_id, .fixes = fixes,
        .n_fixes = c->fix_count, .received = received, .journal = true};
    return TAGIH_OK;
}

static tagih_err plan_check_in(struct entries *entries, struct sealed *s) {
    s->arrival = &entries->arrivals[entries->n_arrivals++];
    return entry__arrival(entries->arena, s, entries->now, s->arrival);
}

struct outcome_entry entry__outcome(const struct journal_entry *entry, user_id collector, instant value) {
    const struct journal_visit_outcome *o = &entry->body.outcome;
    return (struct outcome_entry){
        .key = {.id = entry->id.u, .visit = o->visit, .collector = collector, .value_us = value.us,
                .receipt = o->has_receipt ? o->receipt.u : (uuid){{0}}, .promise = o->has_promise ? o->promise.u : (uuid){{0}}},
        .report = {.list_version = o->list_version, .code = o->outcome,
                   .given = (o->has_receipt ? OUTCOME_FIELD_RECEIPT : 0u) | (o->has_promise ? OUTCOME_FIELD_PROMISE : 0u) |
                            (o->has_note ? OUTCOME_FIELD_NOTE : 0u) | (o->has_contact ? OUTCOME_FIELD_CONTACT : 0u) |
                            (o->photo_count ? OUTCOME_FIELD_PHOTOS : 0u),
                   .has_next_action = o->has_next_action, .next_action = o->next_action},
        .note = o->has_note && bytes_is_text(o->note, JOURNAL_TEXT_MAX) ? o->note : bytes_text(""), .journal = true};
}

static void plan_outcome(struct entries *entries, struct sealed *s) {
    s->outcome = &entries->outcomes[entries->n_outcomes++];
    *s->outcome = entry__outcome(s->entry, s->by->certificate.user, s->value.value);
}

/* Civil days that the database and people can name; another due date is nobody's promise. */
static bool day_is_sane(civil_date on) {
    return on.days >= INSTANT_MIN_US / US_PER_DAY && on.days < INSTANT_MAX_US / US_PER_DAY;
}

civil_date entry__promise_over_on(const struct journal_promise *promise) {
    return (civil_date){day_is_sane(promise->due_on) ? promise->due_on.days + promise_settings_default.grace_days + 1 : 0};
}

/* R-PTP-1: who said it is whose account it should be, so his name stands in the post. */
static tagih_err plan_promise(struct entries *entries, struct sealed *s) {
    const struct journal_promise *p = &s->entry->body.promise;
    currency known;
    bool currency_ok = err_is_ok(currency_parse(bytes_text(p->currency.code), &known));
    s->deed = ARENA_NEW(entries->arena, struct promise_deed);
    s->insert = ARENA_NEW(entries->arena, struct params);
    if (!s->deed || !s->insert) return FAIL(OUT_OF_MEMORY);
    *s->deed = (struct promise_deed){.kind = DEED_MAKE, .fact = {.id = {s->entry->id.u}, .amount_minor = p->amount_minor,
                                                                 .due_on = p->due_on, .made = s->value.value}};
    s->midnight = entries->n_promises;
    entries->over_on[entries->n_promises++] = entry__promise_over_on(p);
    s->post = &entries->posts[entries->n_posts++];
    *s->post = (struct post){.what = POST_MOVE, .kind = POSTING_OF_PROMISE, .id = s->entry->id.u, .account = p->account,
                             .collector = currency_ok ? s->by->certificate.user : (user_id){{{0}}}, .currency = p->currency,
                             .value = s->value.value, .received = entries->now, .has_entry = true,
                             .entry_hash = s->envelope.hash, .change = CHANGE_PROMISE_MADE, .facts = s->insert, .n_facts = 1,
                             .deed = s->deed};
    book_move_begin(s->post);
    return TAGIH_OK;
}

tagih_err entry__plan(struct entries *entries, struct sealed *s) {
    s->post = NULL;
    s->arrival = NULL;
    s->outcome = NULL;
    s->rotation = NULL;
    s->deed = NULL;
    s->cash = NULL;
    s->referent = SIZE_MAX;
    switch (s->entry->kind) {
    case JOURNAL_RECEIPT:
        plan_receipt(entries, s);
        break;
    case JOURNAL_VOID:
        void_post(entries, s, &entries->posts[entries->n_posts++]);
        s->referent = entries->n_referents;
        entries->referents[entries->n_referents++] = s->entry->body.voided.receipt;
        break;
    case JOURNAL_CHECK_IN:
        return plan_check_in(entries, s);
    case JOURNAL_VISIT_OUTCOME:
        plan_outcome(entries, s);
        break;
    case JOURNAL_PROMISE:
        return plan_promise(entries, s);
    case JOURNAL_KEY_ROTATION:
        rotation__plan(entries, s);
        break;
    default:
        if (cash__is(s)) cash__plan(entries, s);
        break;
    }
    return TAGIH_OK;
}

/* ---- decide --------------------------------------------------------------------------------------------------- */

/* R-REC-8: two people posted it from its slip. It joins as its replay, whatever became of its phone and key since. */
static void join_slip(struct sealed *s) {
    s->flags &= FATE_BITS_FLAGS;
    s->fate = FATE_POSTED;
    s->post->skip = true;
}

static void decide_receipt(struct sealed *s) {
    const struct journal_receipt *r = &s->entry->body.receipt;
    if (s->replays_slip && s->owns_id && !s->broken) {
        join_slip(s);
        return;
    }
    if (!tender_is_known(r->tender)) entry__flag(s, REASON_UNKNOWN_CODE);
    struct money amount = {r->money.amount_minor, r->money.currency};
    if (r->tender == JOURNAL_TENDER_CASH && !money_is_cash_unit(amount)) entry__flag(s, REASON_CASH_UNIT);
    s->post->skip = s->broken;
    s->post->quarantine = entry__is_quarantined(s);
    if (!s->owns_id) memcpy(s->post->id.b, s->envelope.hash.b, sizeof s->post->id.b); /* its own id is another entry's */
    s->post->payment.u = s->post->id;
}

/* A receipt that comes in with this very batch. */
static const struct sealed *receipt_here(const struct entries *entries, entry_id id) {
    for (size_t i = 0; i < entries->n; i++) {
        const struct sealed *s = entries->all[i];
        if (!s->known && s->owns_id && s->entry->kind == JOURNAL_RECEIPT && uuid_equal(s->entry->id.u, id.u)) return s;
    }
    return NULL;
}

static struct void_referent referent_here(const struct sealed *receipt) {
    const struct journal_entry *e = receipt->entry;
    return (struct void_referent){.entry = true, .kind = JOURNAL_RECEIPT, .fate = (uint16_t)(entry__is_quarantined(receipt) ? FATE_QUARANTINED : FATE_POSTED),
                                  .receipt = true, .device = e->device, .epoch = (int32_t)e->epoch, .seq = e->seq,
                                  .collector = receipt->by->certificate.user,
                                  .amount_minor = e->body.receipt.money.amount_minor,
                                  .currency = e->body.receipt.money.currency, .value = receipt->value.value};
}

static bool is_declared(const struct entries *entries, const struct void_referent *r) {
    for (size_t i = 0; i < entries->n_chains; i++) {
        const struct chain_state *chain = &entries->loaded.chains[i];
        if (uuid_equal(chain->key.device.u, r->device.u) && chain->key.epoch == r->epoch) return chain->declared_seq >= r->seq;
    }
    return r->declared;
}

/* R-REC-2, R-REC-8: by the issuer, the whole amount, before the settlement is declared, within 15 minutes, at the
 * visit, and with the debtor's slip or signature; otherwise a second person decides. */
static void judge_void(const struct entries *entries, struct sealed *s, const struct void_referent *r) {
    const struct journal_void *v = &s->entry->body.voided;
    bool issuer = uuid_equal(r->device.u, s->entry->device.u) || uuid_equal(r->collector.u, s->by->certificate.user.u);
    if (!r->receipt) {
        entry__flag(s, REASON_VOID_OF_VOID);
        return;
    }
    if (!issuer) entry__flag(s, REASON_WRONG_DEVICE);
    if (v->money.amount_minor != -r->amount_minor || !currency_equal(v->money.currency, r->currency)) {
        entry__flag(s, REASON_VOID_AMOUNT);
    }
    int64_t after_us = s->value.value.us - r->value.us;
    bool left = v->has_left_visit && v->left_visit.us <= s->entry->device_time.us;
    bool proof = v->has_slip_photo || v->has_signature;
    if (after_us > VOID_WINDOW_US || left || !proof || is_declared(entries, r) || r->fate == FATE_QUARANTINED) {
        entry__flag(s, REASON_VOID_APPROVAL);
    }
}

static void decide_void(struct entries *entries, struct sealed *s) {
    struct void_referent referent = entries->loaded.referents[s->referent];
    const struct sealed *here = referent.entry ? NULL : receipt_here(entries, s->entry->body.voided.receipt);
    if (here) referent = referent_here(here);
    if (!referent.entry) entry__flag(s, REASON_MISSING_REFERENT);
    else judge_void(entries, s, &referent);
    s->post->skip = s->broken || !referent.entry || entry__is_quarantined(s);
}

/* R-PTP-1: what makes it no promise at all; whether it keeps to the terms is told by the book. */
static void decide_promise(struct entries *entries, struct sealed *s) {
    const struct journal_promise *p = &s->entry->body.promise;
    const struct posting_account *account = book_account(&entries->book, p->account);
    currency known;
    bool currency_ok = err_is_ok(currency_parse(bytes_text(p->currency.code), &known));
    if (!account) entry__flag(s, REASON_UNKNOWN_ACCOUNT);
    if (p->amount_minor <= 0 || p->amount_minor > MONEY_AMOUNT_MAX_MINOR) entry__flag(s, REASON_AMOUNT_RANGE);
    if (!currency_ok || (account && !currency_equal(account->currency, p->currency))) entry__flag(s, REASON_WRONG_CURRENCY);
    if (!day_is_sane(p->due_on)) entry__flag(s, REASON_DATE_RANGE);
    if (p->promiser < JOURNAL_PAYER_DEBTOR || p->promiser > JOURNAL_PAYER_OTHER || p->channel < 1 || p->channel > 3) entry__flag(s, REASON_UNKNOWN_CODE);
    if (account && account_status_is_closed(account->status)) entry__flag(s, REASON_CLOSED_ACCOUNT);
    size_t key = s->post->index;
    bool holder = entries->book.loaded.was_assigned[key] || entries->book.loaded.had_lease[key];
    if (account && !holder) entry__flag(s, REASON_NOT_HOLDER);
    s->deed->fact.closes = entries->midnights[s->midnight];
    s->post->skip = s->broken || !s->owns_id || entry__is_quarantined(s);
}

void entry__decide(struct entries *entries, struct sealed *s) {
    switch (s->entry->kind) {
    case JOURNAL_RECEIPT:
        decide_receipt(s);
        break;
    case JOURNAL_VOID:
        decide_void(entries, s);
        break;
    case JOURNAL_CHECK_IN:
        s->arrival->barred = s->broken || entry__is_quarantined(s);
        break;
    case JOURNAL_VISIT_OUTCOME:
        s->outcome->barred = s->broken || entry__is_quarantined(s);
        break;
    case JOURNAL_PROMISE:
        decide_promise(entries, s);
        break;
    case JOURNAL_KEY_ROTATION:
        rotation__decide(entries, s);
        break;
    default:
        if (cash__is(s)) cash__decide(entries, s);
        break;
    }
}

void entry__settle(struct sealed *s) {
    if (s->arrival && !s->arrival->barred) {
        s->flags |= s->arrival->flags;
        if (s->arrival->fate == ARRIVAL_FOREIGN) entry__flag(s, REASON_LEASE);
    }
    if (s->outcome && !s->outcome->barred) {
        s->flags |= s->outcome->flags;
        if (s->outcome->fate == REPORT_FOREIGN) entry__flag(s, REASON_LEASE);
        if (s->outcome->fate == REPORT_QUARANTINED) entry__flag(s, REASON_PRESENCE);
    }
    if (!s->post || s->post->skip) return;
    s->flags |= s->post->flags;
    if (s->deed && s->deed->refused) entry__flag(s, REASON_PROMISE_TERMS);
    if (s->deed && s->deed->state == PROMISE_SUPERSEDED) entry__flag(s, REASON_SUPERSEDED);
    if (s->post->what != POST_REVERSAL) return;
    if (s->post->outcome == POST_CASH_GONE) entry__flag(s, REASON_VOID_APPROVAL);
    if (s->post->outcome == POST_ALREADY_REVERSED) entry__flag(s, REASON_NO_EFFECT);
    if (s->post->outcome == POST_NOT_FOUND) entry__flag(s, REASON_VOID_APPROVAL);
}

/* ---- voids that waited ---------------------------------------------------------------------------------------- */

static tagih_err wake_one(struct entries *entries, const struct waiting_entry *waiting, struct sealed *s) {
    *s = (struct sealed){.raw = waiting->body, .owns_seq = true, .owns_id = true};
    s->entry = ARENA_NEW(entries->arena, struct journal_entry);
    struct post *post = ARENA_NEW(entries->arena, struct post);
    if (!s->entry || !post) return FAIL(OUT_OF_MEMORY);
    TRY(envelope_open(waiting->body, ENVELOPE_JOURNAL_ENTRY, entries->server->installation, &s->envelope));
    TRY(journal_decode(s->envelope.payload, s->entry));
    if (s->entry->kind != JOURNAL_VOID) return cash__wake(entries, waiting, s, post);
    const struct sealed *receipt = receipt_here(entries, s->entry->body.voided.receipt);
    if (!receipt) return TAGIH_OK;
    s->by = receipt->by;
    s->value.value = s->entry->device_time;
    void_post(entries, s, post);
    struct void_referent referent = referent_here(receipt);
    if (!uuid_equal(s->entry->device.u, referent.device.u)) entry__flag(s, REASON_WRONG_DEVICE);
    judge_void(entries, s, &referent);
    post->skip = entry__is_quarantined(s);
    book_add(&entries->book, post);
    entries->woken[entries->n_woken++] = s;
    return TAGIH_OK;
}

tagih_err entries__wake(struct entries *entries) {
    size_t n = entries->loaded.n_waiting < 4 * entries->n ? entries->loaded.n_waiting : 4 * entries->n;
    entries->woken = ARENA_ARRAY(entries->arena, n, struct sealed *);
    struct sealed *sealed = ARENA_ARRAY(entries->arena, n, struct sealed);
    if (!entries->woken || !sealed) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) TRY(wake_one(entries, &entries->loaded.waiting[i], &sealed[i]));
    return TAGIH_OK;
}

/* ---- save ----------------------------------------------------------------------------------------------------- */

struct kind_rows {
    struct receipt_row *receipts;
    struct void_row *voids;
    struct waiting_row *waiting;
    struct change_row *changes;
    size_t n_receipts, n_voids, n_waiting, n_changes;
};

struct receipt_row entry__receipt_row(const struct sealed *s) {
    const struct journal_receipt *r = &s->entry->body.receipt;
    enum tender tender = tender_is_known(r->tender) ? (enum tender)r->tender : TENDER_CASH;
    return (struct receipt_row){
        .id = s->entry->id, .hash = s->envelope.hash, .device = s->entry->device, .epoch = (int32_t)s->entry->epoch,
        .seq = s->entry->seq, .has_account = !(s->flags & fate_bit(REASON_UNKNOWN_ACCOUNT)), .account = r->account,
        .collector = s->by->certificate.user, .has_visit = r->has_visit, .visit = r->visit,
        .amount_minor = r->money.amount_minor, .currency = bytes_text(r->money.currency.code),
        .tender = (int16_t)r->tender, .tag = (int16_t)payment_tag_of_tender(tender),
        .reference = r->has_tender_reference && bytes_is_text(r->tender_reference, JOURNAL_TEXT_MAX) ? r->tender_reference
                                                                                                    : bytes_text(""),
        .receipt_no = r->receipt_no, .device_us = s->entry->device_time.us, .value_us = s->value.value.us,
        .value_on = s->value_on};
}

struct void_row entry__void_row(const struct sealed *s) {
    const struct journal_void *v = &s->entry->body.voided;
    enum void_effect effect = entry__is_quarantined(s)                       ? VOID_AWAITS_APPROVAL
                              : s->flags & fate_bit(REASON_NO_EFFECT)        ? VOID_NO_EFFECT
                                                                             : VOID_TOOK_EFFECT;
    return (struct void_row){
        .id = s->entry->id, .receipt = v->receipt, .amount_minor = v->money.amount_minor,
        .currency = bytes_text(v->money.currency.code), .effect = (int16_t)effect, .reason = (int16_t)v->reason_code,
        .value_us = s->value.value.us};
}

static struct bytes clean(bool has, struct bytes text) {
    return has && bytes_is_text(text, JOURNAL_TEXT_MAX) ? text : bytes_text("");
}

struct promise_row entry__promise_row(const struct sealed *s) {
    const struct journal_promise *p = &s->entry->body.promise;
    return (struct promise_row){
        .id = {s->entry->id.u}, .posting = s->post ? s->post->id : s->entry->id.u, .account = p->account, .has_collector = true,
        .collector = s->by->certificate.user, .has_visit = p->has_visit, .visit = p->visit, .amount_minor = p->amount_minor,
        .currency = bytes_text(p->currency.code), .due_on = p->due_on,
        .promiser = (int16_t)(p->promiser & INT16_MAX), .promiser_name = clean(p->has_promiser_name, p->promiser_name),
        .channel = (int16_t)(p->channel & INT16_MAX), .has_position = p->has_position, .lat_e7 = p->position.lat_e7,
        .lon_e7 = p->position.lon_e7, .note = clean(p->has_note, p->note), .made_us = s->value.value.us};
}

/* Its row goes with its posting, under its digest. */
void entry__fill_promise(struct entries *entries, const struct sealed *s) {
    struct promise_row row = entry__promise_row(s);
    row.closes_us = s->deed->fact.closes.us;
    row.received_us = entries->now.us;
    row.flags = (int64_t)s->flags;
    row.refused = (int16_t)s->deed->refused;
    promise_insert(s->insert, entries->tx, entries->arena, &row, 1);
}

static void add_kind(struct kind_rows *rows, const struct sealed *s) {
    bool fact = s->owns_id && !s->broken;
    if (!fact) return;
    if (s->entry->kind == JOURNAL_RECEIPT) rows->receipts[rows->n_receipts++] = entry__receipt_row(s);
    if (s->entry->kind == JOURNAL_VOID && s->fate != FATE_WAITING) rows->voids[rows->n_voids++] = entry__void_row(s);
    if (s->entry->kind == JOURNAL_VOID && s->fate == FATE_WAITING) {
        rows->waiting[rows->n_waiting++] = (struct waiting_row){s->envelope.hash, s->entry->body.voided.receipt};
    }
}

/* The second fate of voids that waited. */
static tagih_err save_woken(struct entries *entries, struct kind_rows *rows) {
    struct fate_row *fates = ARENA_ARRAY(entries->arena, entries->n_woken, struct fate_row);
    hash256 *hashes = ARENA_ARRAY(entries->arena, entries->n_woken, hash256);
    if (!fates || !hashes) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < entries->n_woken; i++) {
        struct sealed *s = entries->woken[i];
        entry__settle(s);
        s->fate = entry__is_quarantined(s) ? FATE_QUARANTINED : s->flags ? FATE_POSTED_FLAGGED : FATE_POSTED;
        s->post->fate = (uint16_t)s->fate;
        s->post->flags = s->flags;
        rows->voids[rows->n_voids++] = entry__void_row(s);
        hashes[i] = s->envelope.hash;
        fates[i] = (struct fate_row){.hash = s->envelope.hash, .fate = (int16_t)s->fate, .flags = (int64_t)s->flags};
        rows->changes[rows->n_changes++] = (struct change_row){.kind = CHANGE_ENTRY_FATE, .object = s->entry->id.u,
                                                               .for_phone = true, .collector = s->by->certificate.user};
    }
    TRY(journal_send_fates(entries->tx, entries->arena, fates, entries->n_woken, entries->now));
    return journal_send_waited(entries->tx, entries->arena, hashes, entries->n_woken);
}

tagih_err entries__save_kinds(struct entries *entries) {
    struct tx *tx = entries->tx;
    struct arena *arena = entries->arena;
    size_t n = entries->n, more = n + entries->n_woken;
    struct kind_rows rows = {.receipts = ARENA_ARRAY(arena, n, struct receipt_row),
                             .voids = ARENA_ARRAY(arena, more, struct void_row),
                             .waiting = ARENA_ARRAY(arena, n, struct waiting_row),
                             .changes = ARENA_ARRAY(arena, more, struct change_row)};
    if (arena->exhausted) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        const struct sealed *s = entries->all[i];
        if (!s->known) add_kind(&rows, s);
        if (s->deed && !s->post->skip) entry__fill_promise(entries, s);
    }
    TRY(save_woken(entries, &rows));
    TRY(journal_send_receipts(tx, arena, rows.receipts, rows.n_receipts));
    TRY(journal_send_voids(tx, arena, rows.voids, rows.n_voids));
    TRY(journal_send_waiting(tx, arena, rows.waiting, rows.n_waiting));
    return change_send(tx, arena, rows.changes, rows.n_changes, entries->now);
}
