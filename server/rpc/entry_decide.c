/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two people decided about a waiting entry is done here (R-JRN-6, R-REC-2, R-REC-8, R-CHK-4): a receipt posts out of
 * quarantine or leaves it, a void reverses its receipt or is refused, an outcome ends its visit without proof of presence,
 * cash leaves the bag (entry_decide_cash.c), a promise is made. The entry gets its next fate; its acknowledgement stays the
 * first. Locks: phones → accounts → visits → collectors.
 */
#include <string.h>

#include "domain/change.h"
#include "domain/fate_bits.h"
#include "rpc/entry_decide.h"
#include "run/random.h"
#include "store/bank.h"
#include "store/change.h"
#include "store/payment.h"
#include "store/promise.h"

/* ---- opening -------------------------------------------------------------------------------------------------- */

/* The signed bytes never change: they may be read before anything is locked. */
static tagih_err open_entry(struct rpc_batch *batch, struct approval *proposal, struct settling *s) {
    const Tagih__V1__DecideEntryRequest *request = proposal->request;
    hash256 hash;
    *s = (struct settling){.batch = batch, .proposal = proposal, .action = (int16_t)request->action};
    memcpy(hash.b, request->entry_hash.data, sizeof hash.b);
    TRY(entry_send_get(batch->tx, batch->arena, &hash));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    if (result_count(&r) != 1) return FAIL(NOT_PERMITTED);
    entry_read_row(&r, 0, &s->read);
    TRY(entry_decode(batch->server, batch->arena, arena_copy(batch->arena, s->read.body), &s->entry));
    s->row = (struct entry_decision_row){.hash = hash, .proposal = proposal->id, .action = s->action, .at_us = batch->now.us};
    return TAGIH_OK;
}

uuid settling__subject(const struct settling *s) {
    return s->read.owns_id ? s->read.id : entry_subject(&s->row.hash);
}

/* The post with both facts; what it is, is the caller's. */
tagih_err settling__begin(struct settling *s, struct post post) {
    s->post = post;
    s->post.id = s->row.posting = random_id();
    s->post.received = s->batch->now;
    s->post.has_actor = true;
    s->post.actor = s->proposal->decided_by;
    TRY(approval_join(s->batch, s->proposal, &s->post));
    s->facts = ARENA_ARRAY(s->batch->arena, POST_FACTS_MAX, struct params);
    if (!s->facts) return FAIL(OUT_OF_MEMORY);
    s->facts[0] = s->post.facts[0];
    s->post.facts = s->facts;
    s->post.n_facts = 2;
    if (s->post.what == POST_MOVE) book_move_begin(&s->post);
    return book_begin(&s->book, s->batch->tx, s->batch->arena, s->batch->agency, s->batch->writer, s->batch->now, &s->post, 1, 0);
}

static uuid receipt_of(const struct settling *s) {
    return s->entry->kind == JOURNAL_VOID ? s->entry->body.voided.receipt.u : (uuid){{0}};
}

/* What else speaks of it: the receipt of a void, other halves of a handover. */
static uuid referent_of(const struct settling *s) {
    return s->entry->kind == JOURNAL_HANDOVER ? s->entry->body.handover.handover : receipt_of(s);
}

static tagih_err send_lock(struct settling *s) {
    TRY(entry_send_device_lock(s->batch->tx, s->batch->arena, &s->row.hash, referent_of(s)));
    if (s->entry->kind == JOURNAL_HANDOVER) TRY(settling__send_handover(s));
    return book_send_lock(&s->book);
}

static tagih_err send_load(struct settling *s) {
    TRY(book_send_load(&s->book));
    return entry_send_get(s->batch->tx, s->batch->arena, &s->row.hash);
}

static void take_lock(struct settling *s) {
    DEFER(result) struct result locked = {0};
    tx_take(s->batch->tx, &locked);
    if (s->entry->kind == JOURNAL_HANDOVER) settling__take_handover(s);
    book_take_lock(&s->book);
}

/* Its fate as it is under the lock: of two decisions the second one comes too late. */
static tagih_err take_load(struct settling *s) {
    TRY(book_take_load(&s->book));
    DEFER(result) struct result r = {0};
    tx_take(s->batch->tx, &r);
    if (result_count(&r) != 1) return FAIL(INTERNAL);
    struct entry_read now;
    entry_read_row(&r, 0, &now);
    if (now.fate != FATE_QUARANTINED && now.fate != FATE_WAITING) return FAIL(ENTRY_DECIDED);
    s->read.fate = now.fate;
    s->read.flags = now.flags;
    return TAGIH_OK;
}

tagih_err settling__lock_and_load(struct settling *s) {
    TRY(send_lock(s));
    TRY(send_load(s));
    TRY(tx_sync(s->batch->tx));
    take_lock(s);
    return take_load(s);
}

/* ---- closing -------------------------------------------------------------------------------------------------- */

/* After book_decide: the fate, its fact, its event, and the news for the phone. */
tagih_err settling__close(struct settling *s, enum fate fate, fate_bits flags) {
    struct rpc_batch *batch = s->batch;
    s->row.fate = (int16_t)fate;
    s->row.flags = (int64_t)flags;
    entry_decision_fact(&s->facts[1], batch->tx, batch->arena, &s->row);
    TRY(book_save(&s->book));
    TRY(entry_send_decided(batch->tx, batch->arena, &s->row, s->proposal->decided_by, s->proposal->reason));
    struct change_row change = {.kind = CHANGE_ENTRY_FATE, .object = s->read.id, .for_phone = true, .collector = s->read.collector};
    return change_send(batch->tx, batch->arena, &change, 1, batch->now);
}

/* It took effect: what flagged it stays, what held it back does not. */
tagih_err settling__released(struct settling *s, fate_bits more) {
    fate_bits flags = ((fate_bits)s->read.flags & FATE_BITS_FLAGS) | more;
    return settling__close(s, flags ? FATE_POSTED_FLAGGED : FATE_POSTED, flags);
}

/* ---- dropped -------------------------------------------------------------------------------------------------- */

/* What a collector holds of the money that was never taken must still be in his bag. */
static tagih_err check_held(struct settling *s, int64_t amount_minor) {
    enum ledger_account account = s->read.money.account;
    if (account != LEDGER_CASH_HELD && account != LEDGER_CHEQUES_IN_HAND) return TAGIH_OK;
    const struct posting_collector *c = book_collector(&s->book, s->post.collector, s->post.currency);
    int64_t held_minor = !c ? 0 : account == LEDGER_CASH_HELD ? c->cash_held_minor : c->cheques_in_hand_minor;
    return held_minor < amount_minor ? FAIL(ENTRY_CASH_GONE) : TAGIH_OK;
}

/* What the bank was to show of it: nothing any more. What it has shown did happen (R-PAY-5). */
static tagih_err expect_no_more(struct settling *s) {
    enum ledger_account account = s->read.money.account;
    if (account != LEDGER_TRANSFER_CLEARING && account != LEDGER_CHEQUES_IN_HAND) return TAGIH_OK;
    uuid id = settling__subject(s);
    bool settled = false;
    TRY(bank_send_expected_lock(s->batch->tx, s->batch->arena, &id, 1));
    TRY(tx_sync(s->batch->tx));
    bank_take_expected_lock(s->batch->tx, &id, 1, EXPECTED_SETTLED, &settled);
    return settled ? FAIL(PAYMENT_AT_BANK) : bank_send_withdraw(s->batch->tx, s->batch->arena, &id, 1);
}

/* It never happened (J23); the bytes are kept. */
static tagih_err drop(struct settling *s) {
    const struct journal_money *money = journal_money_of(s->entry);
    struct post post = {.what = POST_MOVE, .kind = POSTING_OF_ENTRY_DECISION, .value = s->batch->now};
    bool moves = s->entry->kind == JOURNAL_RECEIPT && s->read.has_money;
    if (moves) post.currency = money->currency;
    if (moves && ledger_account_info(s->read.money.account).owner == OWNER_COLLECTOR) post.collector.u = s->read.money.owner;
    TRY(settling__begin(s, post));
    TRY(settling__lock_and_load(s));
    if (moves) {
        TRY(check_held(s, money->amount_minor));
        TRY(expect_no_more(s));
        ledger_quarantine_drop(&s->post.ledger, s->read.money, money->amount_minor);
    }
    TRY(book_decide(&s->book));
    TRY(settling__close(s, FATE_EVIDENCE, (fate_bits)s->read.flags));
    return s->entry->kind == JOURNAL_HANDOVER ? settling__handover_dropped(s) : TAGIH_OK;
}

/* ---- a receipt released --------------------------------------------------------------------------------------- */

tagih_err entry_why_not(fate_bits hindrance) {
    if (hindrance & fate_bit(REASON_UNKNOWN_ACCOUNT)) return FAIL(ENTRY_ACCOUNT);
    if (hindrance & fate_bit(REASON_WRONG_CURRENCY)) return FAIL(ACCOUNT_CURRENCY);
    if (hindrance & fate_bit(REASON_ACCOUNT_CLOSED)) return FAIL(ENTRY_CLOSED);
    return hindrance ? FAIL(PAYMENT_AMOUNT) : TAGIH_OK;
}

struct post entry_released_payment(const struct journal_receipt *r, uuid id, account_id account, instant value, user_id collector) {
    enum tender tender = r->tender >= TENDER_CASH && r->tender < TENDER_END ? (enum tender)r->tender : TENDER_CASH;
    return (struct post){.what = POST_PAYMENT, .payment.u = id, .account = account, .source = SOURCE_FIELD, .tender = (int16_t)tender,
                         .tag = (int16_t)payment_tag_of_tender(tender), .amount_minor = r->money.amount_minor,
                         .currency = r->money.currency, .value = value, .collector = collector, .at_visit = r->has_visit};
}

static tagih_err release_receipt(struct settling *s) {
    bool held = s->read.has_money && ledger_account_info(s->read.money.account).owner == OWNER_COLLECTOR;
    user_id collector = {held ? s->read.money.owner : s->read.collector.u};
    struct post post = entry_released_payment(&s->entry->body.receipt, settling__subject(s),
                                              s->proposal->account, (instant){s->read.value_us}, collector);
    post.has_money = s->read.has_money;
    post.money = LEDGER_SIDE(QUARANTINE);
    s->row.has_account = true;
    s->row.account = s->proposal->account;
    TRY(settling__begin(s, post));
    TRY(settling__lock_and_load(s));
    TRY(entry_why_not(book_hindrance(&s->book, &s->post)));
    TRY(book_decide(&s->book));
    if (s->post.outcome != POST_DONE) return FAIL(INTERNAL);
    return settling__released(s, s->post.flags);
}

/* ---- a void approved ------------------------------------------------------------------------------------------ */

/* R-PAY-4: cash held is never below zero. */
static bool cash_is_gone(struct settling *s, const struct payment_read *payment) {
    if (s->post.settled || payment->tender != TENDER_CASH) return false;
    const struct posting_collector *c = book_collector(&s->book, payment->collector, s->post.currency);
    return !c || c->cash_held_minor < payment->amount_minor;
}

static tagih_err load_void(struct settling *s, struct result *found, int16_t *receipt_fate) {
    struct rpc_batch *batch = s->batch;
    payment_id payment = {receipt_of(s)};
    TRY(send_lock(s));
    TRY(send_load(s));
    TRY(payment_send_get(batch->tx, batch->arena, &payment, 1));
    TRY(payment_send_settled(batch->tx, batch->arena, payment));
    TRY(entry_send_fate_of(batch->tx, batch->arena, payment.u));
    TRY(tx_sync(batch->tx));
    take_lock(s);
    TRY(take_load(s));
    tx_take(batch->tx, found);
    s->post.settled = payment_take_settled(batch->tx);
    *receipt_fate = entry_take_fate_of(batch->tx);
    return TAGIH_OK;
}

/* The receipt itself was dropped, or is taken back already: the void has nothing to do (R-REC-2). */
static tagih_err approve_without_effect(struct settling *s) {
    s->post.what = POST_MOVE;
    s->post.kind = POSTING_OF_ENTRY_DECISION;
    s->post.value = s->batch->now;
    book_move_begin(&s->post);
    TRY(book_decide(&s->book));
    return settling__released(s, fate_bit(REASON_NO_EFFECT));
}

static tagih_err release_void(struct settling *s) {
    struct post post = {.what = POST_REVERSAL, .payment.u = receipt_of(s), .reason = REVERSAL_VOID,
                        .currency = s->entry->body.voided.money.currency, .value = s->batch->now};
    int16_t receipt_fate = 0;
    struct payment_read payment = {0};
    DEFER(result) struct result found = {0};
    TRY(settling__begin(s, post));
    TRY(load_void(s, &found, &receipt_fate));
    if (result_count(&found) == 1) payment_read_row(&found, 0, &payment);
    bool waits = receipt_fate == 0 || receipt_fate == FATE_QUARANTINED || receipt_fate == FATE_WAITING;
    if (result_count(&found) == 0) return waits ? FAIL(ENTRY_RECEIPT) : approve_without_effect(s);
    if (payment.reversed) return approve_without_effect(s);
    memcpy(s->post.currency.code, payment.currency.data, 3);
    if (cash_is_gone(s, &payment)) return FAIL(PAYMENT_CASH_GONE);
    TRY(book_decide(&s->book));
    if (s->post.outcome != POST_DONE) return FAIL(INTERNAL);
    return settling__released(s, 0);
}

/* ---- an outcome released -------------------------------------------------------------------------------------- */

static tagih_err release_outcome(struct settling *s) {
    struct rpc_batch *batch = s->batch;
    struct outcome_entry outcome = entry__outcome(s->entry, s->read.collector, (instant){s->read.value_us});
    outcome.waived = true;
    TRY(settling__begin(s, (struct post){.what = POST_MOVE, .kind = POSTING_OF_ENTRY_DECISION, .value = batch->now}));
    TRY(send_lock(s));
    TRY(outcomes_send_lock(batch->tx, batch->arena, &outcome, 1));
    TRY(send_load(s));
    TRY(outcomes_send_load(batch->tx, batch->arena, &outcome, 1));
    TRY(tx_sync(batch->tx));
    take_lock(s);
    outcomes_take_lock(batch->tx);
    TRY(take_load(s));
    TRY(book_decide(&s->book));
    TRY(outcomes_decide(batch->tx, batch->arena, &outcome, 1, batch->now));
    if (outcome.fate != REPORT_TAKEN) return FAIL(ENTRY_ONLY_DROP);
    return settling__released(s, outcome.flags);
}

/* ---- what the journal's own code decides --------------------------------------------------------------------- */

struct again *settling__again(struct settling *s) {
    struct rpc_batch *batch = s->batch;
    struct again *a = ARENA_NEW(batch->arena, struct again);
    if (!a) return NULL;
    a->entry = *s->entry;
    a->entry.id.u = settling__subject(s);
    a->by.certificate.user = s->read.collector;
    a->entries = (struct entries){.tx = batch->tx, .arena = batch->arena, .server = batch->server, .agency = batch->agency,
                                  .writer = batch->writer, .now = batch->now, .midnights = &a->midnight};
    a->sealed = (struct sealed){.entry = &a->entry, .by = &a->by, .owns_seq = true, .owns_id = true, .value.value = {s->read.value_us},
                                .flags = (fate_bits)s->read.flags & FATE_BITS_FLAGS & ~fate_bit(REASON_MISSING_REFERENT),
                                .post = &s->post, .cash = &a->cash, .deed = &a->deed};
    a->sealed.envelope.hash = s->row.hash;
    a->cash.sealed = &a->sealed;
    return a;
}

/* ---- a promise released --------------------------------------------------------------------------------------- */

static tagih_err why_no_promise(fate_bits flags) {
    const fate_bits account = fate_bit(REASON_UNKNOWN_ACCOUNT) | fate_bit(REASON_WRONG_CURRENCY);
    return flags & account ? entry_why_not(flags & account) : FAIL(ENTRY_ONLY_DROP);
}

static tagih_err load_midnight(struct settling *s, struct again *a) {
    civil_date over_on = entry__promise_over_on(&a->entry.body.promise);
    TRY(promise_send_midnights(s->batch->tx, s->batch->arena, &over_on, 1));
    TRY(tx_sync(s->batch->tx));
    promise_take_midnights(s->batch->tx, &a->midnight, 1);
    return TAGIH_OK;
}

/* Made when it was made, to the account that is named or the one that it names; terms that it does not keep flag it. */
static tagih_err release_promise(struct settling *s) {
    struct again *a = settling__again(s);
    if (!a) return FAIL(OUT_OF_MEMORY);
    struct journal_promise *p = &a->entry.body.promise;
    p->account = s->proposal->account;
    a->deed = (struct promise_deed){.kind = DEED_MAKE, .fact = {.id = {a->entry.id.u}, .amount_minor = p->amount_minor,
                                                               .due_on = p->due_on, .made = {s->read.value_us}}};
    s->row.has_account = true;
    s->row.account = p->account;
    TRY(load_midnight(s, a));
    TRY(settling__begin(s, (struct post){.what = POST_MOVE,
                                         .kind = POSTING_OF_PROMISE,
                                         .account = p->account,
                                         .collector = s->read.collector,
                                         .currency = p->currency,
                                         .value = {s->read.value_us},
                                         .change = CHANGE_PROMISE_MADE,
                                         .deed = &a->deed}));
    TRY(settling__lock_and_load(s));
    a->entries.book = s->book; /* to be looked at */
    entry__decide(&a->entries, &a->sealed);
    if (s->post.skip) return why_no_promise(a->sealed.flags);
    a->sealed.insert = &s->facts[s->post.n_facts++];
    TRY(book_decide(&s->book));
    TRY(a->deed.err);
    entry__settle(&a->sealed);
    entry__fill_promise(&a->entries, &a->sealed);
    return settling__released(s, a->sealed.flags);
}

/* ---- by kind -------------------------------------------------------------------------------------------------- */

static tagih_err execute(struct rpc_batch *batch, struct approval *proposal) {
    struct settling *s = ARENA_NEW(batch->arena, struct settling);
    if (!s) return FAIL(OUT_OF_MEMORY);
    TRY(open_entry(batch, proposal, s));
    if (s->action == ENTRY_DROP) return drop(s);
    switch (s->entry->kind) {
    case JOURNAL_RECEIPT: return release_receipt(s);
    case JOURNAL_VOID: return release_void(s);
    case JOURNAL_VISIT_OUTCOME: return release_outcome(s);
    case JOURNAL_DEPOSIT:
        return settling__release_cash(s, POSTING_OF_DEPOSIT, s->entry->body.deposit.currency);
    case JOURNAL_INCIDENT:
        return settling__release_cash(s, POSTING_OF_INCIDENT, s->entry->body.incident.currency);
    case JOURNAL_HANDOVER:
        return settling__release_handover(s);
    case JOURNAL_DAY_CLOSE:
        return settling__release_day_close(s);
    case JOURNAL_PROMISE: return release_promise(s);
    default: return FAIL(ENTRY_ONLY_DROP);
    }
}

#define DECIDERS (ROLE_SUPERVISOR | ROLE_ADMIN)

const struct approval_kind entry_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_ENTRY_DECISION,
                                         .name = "entry decision", .roles_decide = DECIDERS,
                                         .request = &tagih__v1__decide_entry_request__descriptor, .execute = execute};
const struct approval_kind void_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_VOID_APPROVAL,
                                        .name = "void approval", .roles_decide = DECIDERS,
                                        .request = &tagih__v1__decide_entry_request__descriptor, .execute = execute};
