/* SPDX-License-Identifier: Apache-2.0 */
/* What two people make of entries that wait: receipts in quarantine, voids, outcomes, gaps. */
#include "server/domain/outcome.h"
#include "server/domain/visit.h"
#include "tagih/presence.h"
#include "tests/support/desk.h"
#include "tests/support/verifier.h"

#define FATE_OF(name) TAGIH__V1__ENTRY_FATE__ENTRY_FATE_##name
#define RELEASE TAGIH__V1__ENTRY_ACTION__ENTRY_ACTION_RELEASE
#define DROP TAGIH__V1__ENTRY_ACTION__ENTRY_ACTION_DROP

static const account_id as_it_says;

static account_id debt(void) {
    return teller_account(&teller, collector, &debt_j1, 1);
}

static size_t receipt(struct writer *w, account_id account, int64_t amount_minor) {
    struct journal_entry entry = writer_receipt(w, account, amount_minor);
    return writer_sign(w, &entry);
}

static void push(struct writer *w, size_t first, size_t last) {
    assert_answer(writer_push_range(w, first, last), OK);
}

/* ---- deciding ------------------------------------------------------------------------------------------------- */

static struct rig_answer propose(const struct written *entry, Tagih__V1__EntryAction action, account_id account) {
    Tagih__V1__DecideEntryRequest request = TAGIH__V1__DECIDE_ENTRY_REQUEST__INIT;
    request.entry_hash = (ProtobufCBinaryData){sizeof entry->hash.b, (uint8_t *)(uintptr_t)entry->hash.b};
    request.action = action;
    if (!uuid_is_nil(account.u)) request.account_id = TEXT(rig_text(account.u));
    request.reason = TEXT("the debtor showed his slip");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(teller.supervisor), "EntryService/DecideEntry", &request);
}

static struct rig_answer decide(const struct written *entry, Tagih__V1__EntryAction action, account_id account) {
    struct rig_answer answer = propose(entry, action, account);
    return teller_decide(&teller, teller.second, proposal_of(answer), true);
}

static int64_t fate_of(const struct written *entry) {
    return number("select coalesce((select e.fate from entry_event e where e.entry_hash = k.entry_hash order by n desc limit 1), k.fate)"
                  " from journal_key k where k.entry_id = '%s'", entry->id.u);
}

static const Tagih__V1__ListEntriesResponse *list(Tagih__V1__EntryFate fate, int32_t page_size, const char *page_token) {
    Tagih__V1__ListEntriesRequest request = TAGIH__V1__LIST_ENTRIES_REQUEST__INIT;
    request.fate = fate;
    request.page_size = page_size;
    request.page_token = TEXT(page_token);
    struct rig_answer answer = rig_call(&rig, token(teller.admin), "EntryService/ListEntries", &request);
    assert_answer(answer, OK);
    return answer.response;
}

static const Tagih__V1__Entry *listed(Tagih__V1__EntryFate fate, const struct written *entry) {
    const char *page_token = "";
    do {
        const Tagih__V1__ListEntriesResponse *page = list(fate, 3, page_token);
        for (size_t i = 0; i < page->n_entries; i++) {
            if (memcmp(page->entries[i]->entry_hash.data, entry->hash.b, sizeof entry->hash.b) == 0) return page->entries[i];
        }
        page_token = page->next_page_token;
    } while (*page_token);
    return NULL;
}

/* ---- receipts ------------------------------------------------------------------------------------------------- */

//= RULES.md R-JRN-6
//  QUARANTINED(reason; a receipt's money sits in the ledger account quarantine […] one supervisor decision moves it
static void a_quarantined_receipt_posts_to_the_account_where_it_belongs(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt(), typo = {rig_id()};
    size_t at = receipt(&w, typo, MINOR(1000000));
    push(&w, at, at);
    const Tagih__V1__Entry *entry = listed(FATE_OF(QUARANTINED), &w.entries[at]);
    assert_non_null(entry);
    assert_int_equal(entry->n_reasons, 1);
    assert_string_equal(entry->reasons[0], "UNKNOWN_ACCOUNT");
    assert_int_equal(entry->amount->minor, MINOR(1000000));
    assert_string_equal(entry->account_id, rig_text(typo.u));
    assert_string_equal(entry->collector_id, rig_text(collector.u));
    assert_int_equal(entry->kind, JOURNAL_RECEIPT);
    assert_true(entry->has_money);
    assert_answer(propose(&w.entries[at], RELEASE, as_it_says), ENTRY_ACCOUNT);
    struct rig_answer answer = propose(&w.entries[at], RELEASE, account);
    assert_answer(teller_decide(&teller, teller.supervisor, proposal_of(answer), true), PROPOSAL_OWN);
    answer = teller_decide(&teller, teller.second, proposal_of(answer), true);
    uuid posting = posting_of(answer);
    // J23: quarantine 1 000 000 · receivable 1 000 000 (and bonus)
    assert_int_equal(line(posting, LEDGER_QUARANTINE), MINOR(1000000));
    assert_int_equal(line(posting, LEDGER_RECEIVABLE_FEES) + line(posting, LEDGER_RECEIVABLE_PENALTY) + line(posting, LEDGER_RECEIVABLE_INTEREST) +
                     line(posting, LEDGER_RECEIVABLE_PRINCIPAL), -MINOR(1000000));
    assert_int_equal(line(posting, LEDGER_CASH_HELD), 0);
    assert_int_equal(line(posting, LEDGER_BONUS_EXPENSE), -line(posting, LEDGER_BONUS_PAYABLE));
    assert_int_equal(number("select count(*) from ledger_line where posting_id = '%s'", posting), 7);
    assert_int_equal(cash_held(), MINOR(1000000));
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3000000));
    assert_int_equal(number("select count(*) from payment where payment_id = '%s' and source = 1", w.entries[at].id.u), 1);
    assert_int_equal(number("select count(*) from bonus_line where payment_id = '%s'", w.entries[at].id.u), 1);
    assert_int_equal(fate_of(&w.entries[at]), FATE_POSTED);
    assert_null(listed(FATE_OF(QUARANTINED), &w.entries[at]));
    assert_answer(propose(&w.entries[at], DROP, as_it_says), ENTRY_DECIDED);
    writer_end(&w);
}

//= RULES.md R-JRN-6
//  later changes of fate are items of the change feed, never a second acknowledgement.
static void its_acknowledgement_stays_the_first(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt();
    size_t at = receipt(&w, (account_id){rig_id()}, MINOR(10000));
    struct rig_answer before = writer_push_range(&w, at, at);
    assert_answer(before, OK);
    assert_answer(decide(&w.entries[at], RELEASE, account), OK);
    struct rig_answer after = writer_push_range(&w, at, at);
    assert_answer(after, OK);
    const Tagih__V1__PushResponse *first = before.response, *again = after.response;
    assert_int_equal(first->acks[0].len, again->acks[0].len);
    assert_memory_equal(first->acks[0].data, again->acks[0].data, again->acks[0].len);
    assert_int_equal(number("select count(*) from change where object_id = '%s' and kind = 60", w.entries[at].id.u), 1);
    assert_int_equal(number("select count(*) from payment where payment_id = '%s'", w.entries[at].id.u), 1);
    writer_end(&w);
}

//= RULES.md R-JRN-6a
//  Dropped, a receipt's money leaves quarantine for the side that it came from
static void a_receipt_that_never_happened_is_dropped(void **state) {
    (void)state;
    struct writer w = new_writer();
    size_t at = receipt(&w, (account_id){rig_id()}, MINOR(1000000));
    push(&w, at, at);
    assert_int_equal(cash_held(), MINOR(1000000));
    struct rig_answer answer = decide(&w.entries[at], DROP, as_it_says);
    uuid posting = posting_of(answer);
    // J23: quarantine 1 000 000 · cash held (C) 1 000 000
    assert_int_equal(line(posting, LEDGER_QUARANTINE), MINOR(1000000));
    assert_int_equal(line(posting, LEDGER_CASH_HELD), -MINOR(1000000));
    assert_int_equal(number("select count(*) from ledger_line where posting_id = '%s'", posting), 2);
    assert_int_equal(cash_held(), 0);
    assert_int_equal(fate_of(&w.entries[at]), FATE_EVIDENCE);
    assert_int_equal(number("select count(*) from payment where payment_id = '%s'", w.entries[at].id.u), 0);
    assert_int_equal(number("select count(*) from entry_decision where posting_id = '%s' and action = 2", posting), 1);
    writer_end(&w);
}

static size_t transfer(struct writer *w, const char *reference) {
    struct journal_entry entry = writer_receipt(w, (account_id){rig_id()}, MINOR(700000));
    entry.body.receipt.tender = JOURNAL_TENDER_TRANSFER;
    entry.body.receipt.has_tender_reference = true;
    entry.body.receipt.tender_reference = bytes_text(reference);
    return writer_sign(w, &entry);
}

//= RULES.md R-JRN-6a
//  Dropped, a receipt's money leaves quarantine for the side that it came from
static void a_transfer_that_was_dropped_is_expected_of_the_bank_no_more(void **state) {
    (void)state;
    struct writer w = new_writer();
    size_t never = transfer(&w, "TRX never"), came = transfer(&w, "TRX came");
    push(&w, never, came);
    struct rig_answer answer = decide(&w.entries[never], DROP, as_it_says);
    // J23: quarantine 700 000 · transfer clearing 700 000
    assert_int_equal(line(posting_of(answer), LEDGER_TRANSFER_CLEARING), -MINOR(700000));
    assert_string_equal(teller_bank_line(&teller, NULL, "700000", "TRX never")->result, "SUSPENSE"); /* nothing waits for it */
    assert_string_equal(teller_bank_line(&teller, NULL, "700000", "TRX came")->result, "SETTLED");
    assert_answer(decide(&w.entries[came], DROP, as_it_says), PAYMENT_AT_BANK); /* so it did happen */
    assert_int_equal(fate_of(&w.entries[came]), FATE_QUARANTINED);
    writer_end(&w);
}

//= RULES.md R-PAY-4
//  Cash held is never below zero.
static void cash_that_was_handed_in_is_not_dropped(void **state) {
    (void)state;
    struct writer w = new_writer();
    size_t at = receipt(&w, (account_id){rig_id()}, MINOR(1000000));
    push(&w, at, at);
    char sql[200];
    snprintf(sql, sizeof sql, "update collector_state set cash_held_minor = 99999999 where collector_id = '%s'", rig_text(collector.u));
    pg_exec(&rig.pg, sql);
    assert_answer(decide(&w.entries[at], DROP, as_it_says), ENTRY_CASH_GONE);
    assert_int_equal(fate_of(&w.entries[at]), FATE_QUARANTINED);
    snprintf(sql, sizeof sql, "update collector_state set cash_held_minor = 100000000 where collector_id = '%s'", rig_text(collector.u));
    pg_exec(&rig.pg, sql);
    writer_end(&w);
}

//= RULES.md R-JRN-6
//  account closed otherwise than paid
static void money_for_a_closed_account_goes_elsewhere(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id closed = debt(), other = debt();
    char sql[600];
    snprintf(sql, sizeof sql,
             "update account_state set status = 12 where account_id = '%s';"
             "insert into account_event (agency_id, event_id, account_id, at_us, kind, status_before, status_after)"
             " values ('%s', gen_random_uuid(), '%s', %lld, 'CLOSED', 3, 12)",
             rig_text(closed.u), rig_text(teller.agency.u), rig_text(closed.u), (long long)clock_now().us - 3 * US_PER_DAY);
    pg_exec(&rig.pg, sql);
    size_t at = receipt(&w, closed, MINOR(20000));
    push(&w, at, at);
    assert_answer(decide(&w.entries[at], RELEASE, as_it_says), ENTRY_CLOSED);
    assert_answer(propose(&w.entries[at], RELEASE, other), PROPOSAL_EXISTS); /* the first one is open still */
    assert_int_equal(fate_of(&w.entries[at]), FATE_QUARANTINED);
    writer_end(&w);
}

//= RULES.md R-JRN-6
//  amount ≤ 0, beyond 10^13 or in a wrong currency: no lines, listed
static void what_has_no_lines_can_be_dropped_or_finds_its_account(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt();
    size_t zero_at = receipt(&w, account, 0);
    struct journal_entry dollars = writer_receipt(&w, account, 12300);
    dollars.body.receipt.money.currency = (currency){"USD"};
    dollars.body.receipt.money.cum_count = 1;
    dollars.body.receipt.money.cum_total_minor = 12300;
    size_t dollars_at = writer_sign_as(&w, &dollars);
    push(&w, zero_at, dollars_at);
    assert_false(listed(FATE_OF(QUARANTINED), &w.entries[zero_at])->has_money);
    assert_answer(decide(&w.entries[zero_at], RELEASE, account), PAYMENT_AMOUNT);
    assert_answer(propose(&w.entries[dollars_at], RELEASE, account), ACCOUNT_CURRENCY);
    struct rig_answer answer = propose(&w.entries[zero_at], DROP, as_it_says);
    assert_answer(answer, PROPOSAL_EXISTS);
    answer = decide(&w.entries[dollars_at], DROP, as_it_says);
    assert_int_equal(number("select count(*) from ledger_line where posting_id = '%s'", posting_of(answer)), 0);
    assert_int_equal(fate_of(&w.entries[dollars_at]), FATE_EVIDENCE);
    writer_end(&w);
}

//= RULES.md R-JRN-4
//  Same `(device, epoch, seq)` with another body is a fork: the first stays, the second is quarantined
static void the_second_of_a_fork_may_be_real_money_too(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt();
    size_t first = receipt(&w, account, MINOR(100000));
    w.seq--; /* the copy writes at the same place */
    struct journal_entry clone = writer_receipt(&w, account, MINOR(70000));
    clone.prev_hash = w.phone.certificate_hash;
    clone.seq = 1;
    size_t clone_at = writer_sign_as(&w, &clone);
    push(&w, first, first);
    push(&w, clone_at, clone_at);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3900000));
    assert_true(listed(FATE_OF(QUARANTINED), &w.entries[clone_at])->has_money);
    assert_answer(decide(&w.entries[clone_at], RELEASE, as_it_says), OK);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3830000));
    assert_int_equal(cash_held(), MINOR(170000));
    assert_int_equal(number("select count(*) from payment where account_id = '%s'", account.u), 2);
    writer_end(&w);
}

/* ---- voids ---------------------------------------------------------------------------------------------------- */

/* A receipt, and a void of it without a slip. */
static size_t bare_void(struct writer *w, size_t of, int64_t amount_minor) {
    struct journal_entry entry = writer_void(w, of, amount_minor);
    entry.body.voided.has_slip_photo = false;
    return writer_sign(w, &entry);
}

//= RULES.md R-REC-2
//  else QUARANTINED(VOID_APPROVAL) and the receipt stands until a second person decides
static void a_void_takes_effect_when_two_people_say_so(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt();
    size_t at = receipt(&w, account, MINOR(5000000)), void_at = bare_void(&w, at, MINOR(5000000));
    push(&w, at, void_at);
    assert_int_equal(teller_open_minor(&teller, account), 0);
    const Tagih__V1__Entry *entry = listed(FATE_OF(QUARANTINED), &w.entries[void_at]);
    assert_string_equal(entry->receipt_id, rig_text(w.entries[at].id.u));
    struct rig_answer answer = decide(&w.entries[void_at], RELEASE, as_it_says);
    uuid posting = posting_of(answer);
    assert_int_equal(((const Tagih__V1__DecideProposalResponse *)answer.response)->proposal->kind,
                     TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_VOID_APPROVAL);
    // J4: receivable, four parts 4 000 000; customer credit 1 000 000 · cash held (C) 5 000 000 (and bonus)
    assert_int_equal(line(posting, LEDGER_RECEIVABLE_FEES), MINOR(40000));
    assert_int_equal(line(posting, LEDGER_RECEIVABLE_PENALTY), MINOR(60000));
    assert_int_equal(line(posting, LEDGER_RECEIVABLE_INTEREST), MINOR(400000));
    assert_int_equal(line(posting, LEDGER_RECEIVABLE_PRINCIPAL), MINOR(3500000));
    assert_int_equal(line(posting, LEDGER_CUSTOMER_CREDIT), MINOR(1000000));
    assert_int_equal(line(posting, LEDGER_CASH_HELD), -MINOR(5000000));
    assert_int_equal(cash_held(), 0);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(4000000));
    assert_int_equal(fate_of(&w.entries[void_at]), FATE_POSTED);
    writer_end(&w);
}

//= RULES.md R-PAY-4
//  MISPOST or VOID settled → suspense
static void a_void_after_the_settlement_leaves_its_money_in_suspense(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt();
    size_t at = receipt(&w, account, MINOR(5000000));
    struct journal_entry close = writer_entry(&w, JOURNAL_DAY_CLOSE);
    close.body.day_close = (struct journal_day_close){
        .first_seq = 1, .last_seq = 1, .currency_count = 1, .tender_count = 1,
        .currencies = {{.currency = {"IDR"}, .cum_count = 1, .cum_total_minor = MINOR(5000000), .receipt_count = 1,
                        .cash_to_hand_over_minor = MINOR(5000000)}},
        .tenders = {{.currency = {"IDR"}, .tender = JOURNAL_TENDER_CASH, .count = 1, .total_minor = MINOR(5000000)}}};
    writer_sign(&w, &close);
    size_t void_at = bare_void(&w, at, MINOR(5000000));
    push(&w, at, void_at);
    struct rig_answer answer = decide(&w.entries[void_at], RELEASE, as_it_says);
    uuid posting = posting_of(answer);
    // J5: receivable 4 000 000; customer credit 1 000 000 · suspense 5 000 000 (and bonus)
    assert_int_equal(line(posting, LEDGER_SUSPENSE), -MINOR(5000000));
    assert_int_equal(line(posting, LEDGER_CUSTOMER_CREDIT), MINOR(1000000));
    assert_int_equal(line(posting, LEDGER_CASH_HELD), 0);
    assert_int_equal(line(posting, LEDGER_BONUS_PAYABLE), -line(posting, LEDGER_BONUS_EXPENSE));
    assert_true(line(posting, LEDGER_BONUS_PAYABLE) > 0);
    assert_int_equal(cash_held(), MINOR(5000000));
    writer_end(&w);
}

//= RULES.md R-REC-2
//  already voided or reversed → POSTED_FLAGGED(NO_EFFECT), no lines.
static void a_void_that_comes_too_late_has_no_effect_and_a_refused_one_neither(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt();
    size_t at = receipt(&w, account, MINOR(100000));
    size_t first = bare_void(&w, at, MINOR(100000)), other = bare_void(&w, at, MINOR(100000)), third = bare_void(&w, at, MINOR(100000));
    push(&w, at, third);
    assert_answer(decide(&w.entries[third], DROP, as_it_says), OK);
    assert_int_equal(fate_of(&w.entries[third]), FATE_EVIDENCE);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3900000)); /* the receipt stands */
    assert_answer(decide(&w.entries[first], RELEASE, as_it_says), OK);
    struct rig_answer answer = decide(&w.entries[other], RELEASE, as_it_says);
    assert_int_equal(number("select count(*) from ledger_line where posting_id = '%s'", posting_of(answer)), 0);
    assert_int_equal(fate_of(&w.entries[other]), FATE_POSTED_FLAGGED);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(4000000));
    assert_int_equal(number("select count(*) from payment_reversal where payment_id = '%s'", w.entries[at].id.u), 1);
    writer_end(&w);
}

//= RULES.md R-PAY-4
//  Cash held is never below zero.
static void a_void_does_not_take_cash_that_is_gone(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt();
    size_t at = receipt(&w, account, MINOR(100000)), void_at = bare_void(&w, at, MINOR(100000));
    push(&w, at, void_at);
    char sql[200];
    snprintf(sql, sizeof sql, "update collector_state set cash_held_minor = 0 where collector_id = '%s'", rig_text(collector.u));
    pg_exec(&rig.pg, sql);
    assert_answer(decide(&w.entries[void_at], RELEASE, as_it_says), PAYMENT_CASH_GONE);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3900000));
    writer_end(&w);
}

//= RULES.md R-JRN-6a
//  A void of a receipt that itself waits is decided after it.
static void the_receipt_is_decided_before_its_void(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt();
    size_t at = receipt(&w, (account_id){rig_id()}, MINOR(100000)), void_at = bare_void(&w, at, MINOR(100000));
    size_t missing = receipt(&w, account, MINOR(50000)), lonely = bare_void(&w, missing, MINOR(50000));
    push(&w, at, void_at);
    push(&w, lonely, lonely);
    assert_non_null(listed(FATE_OF(WAITING), &w.entries[lonely]));
    struct rig_answer answer = propose(&w.entries[void_at], RELEASE, as_it_says);
    assert_answer(teller_decide(&teller, teller.second, proposal_of(answer), true), ENTRY_RECEIPT);
    assert_answer(decide(&w.entries[at], DROP, as_it_says), OK);
    assert_answer(teller_decide(&teller, teller.second, proposal_of(answer), true), OK);
    assert_int_equal(fate_of(&w.entries[void_at]), FATE_POSTED_FLAGGED);
    answer = propose(&w.entries[lonely], RELEASE, as_it_says);
    assert_answer(teller_decide(&teller, teller.second, proposal_of(answer), true), ENTRY_RECEIPT);
    assert_answer(teller_decide(&teller, teller.supervisor, proposal_of(answer), false), OK);
    assert_answer(decide(&w.entries[lonely], DROP, as_it_says), OK);
    assert_int_equal(fate_of(&w.entries[lonely]), FATE_EVIDENCE);
    push(&w, missing, missing); /* its receipt comes after all, and stands */
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3950000));
    assert_int_equal(fate_of(&w.entries[lonely]), FATE_EVIDENCE);
    writer_end(&w);
}

/* ---- outcomes ------------------------------------------------------------------------------------------------- */

//= RULES.md R-CHK-4
//  HARD (outcome needs INSIDE or UNSURE, or a supervisor's waiver). Offline work is never lost to HARD: the outcome is
//  QUARANTINED(PRESENCE)
static void an_outcome_without_presence_ends_its_visit_when_two_people_say_so(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt();
    visit_id visit = rig_visit(&rig, teller.agency, account, collector);
    char sql[600];
    snprintf(sql, sizeof sql, "alter table visit disable trigger fact; update visit set policy = 2 where visit_id = '%s'; "
             "alter table visit enable trigger fact; update visit_state set state = 2, presence = %d where visit_id = '%s'",
             rig_text(visit.u), PRESENCE_OUTSIDE, rig_text(visit.u));
    pg_exec(&rig.pg, sql);
    w.at.us = clock_now().us - US_PER_MINUTE;
    struct journal_entry outcome = writer_entry(&w, JOURNAL_VISIT_OUTCOME);
    outcome.body.outcome = (struct journal_visit_outcome){.visit = visit, .visit_version = 1, .outcome = OUTCOME_NOT_HOME, .list_version = 1};
    size_t at = writer_sign(&w, &outcome);
    push(&w, at, at);
    const Tagih__V1__Entry *entry = listed(FATE_OF(QUARANTINED), &w.entries[at]);
    assert_non_null(entry);
    assert_string_equal(entry->reasons[0], "PRESENCE");
    assert_int_equal(number("select state from visit_state where visit_id = '%s'", visit.u), VISIT_ARRIVED);
    assert_answer(decide(&w.entries[at], RELEASE, as_it_says), OK);
    assert_int_equal(number("select state from visit_state where visit_id = '%s'", visit.u), VISIT_DONE);
    assert_int_equal(number("select count(*) from visit_outcome where visit_id = '%s'", visit.u), 1);
    assert_in_range(fate_of(&w.entries[at]), FATE_POSTED, FATE_POSTED_FLAGGED);
    writer_end(&w);
}

/* ---- cash and promises ---------------------------------------------------------------------------------------- */

static size_t deposit(struct writer *w, int64_t amount_minor) {
    struct journal_entry entry = writer_entry(w, JOURNAL_DEPOSIT);
    entry.body.deposit = (struct journal_deposit){.amount_minor = amount_minor, .currency = {"IDR"}, .bank_reference = bytes_text("SETOR 9")};
    return writer_sign(w, &entry);
}

//= RULES.md R-JRN-6a
//  a deposit or an incident moves the cash that its collector holds now
static void a_deposit_in_quarantine_is_released_when_its_cash_is_there(void **state) {
    (void)state;
    struct writer w = new_writer();
    size_t at = deposit(&w, MINOR(500000));
    push(&w, at, at);
    assert_int_equal(fate_of(&w.entries[at]), FATE_QUARANTINED); /* CASH_GONE: no gap before it, no cash */
    struct rig_answer answer = propose(&w.entries[at], RELEASE, as_it_says);
    char proposal[UUID_TEXT_SIZE];
    snprintf(proposal, sizeof proposal, "%s", proposal_of(answer));
    assert_answer(teller_decide(&teller, teller.second, proposal, true), ENTRY_CASH_SHORT);
    assert_int_equal(fate_of(&w.entries[at]), FATE_QUARANTINED);
    size_t cash = receipt(&w, debt(), MINOR(600000));
    push(&w, cash, cash);
    assert_answer(teller_decide(&teller, teller.supervisor, proposal, true), PROPOSAL_OWN);
    struct rig_answer released = teller_decide(&teller, teller.second, proposal, true);
    uuid posting = posting_of(released), id = w.entries[at].id.u;
    // J15, by the collector: deposit in transit 500 000 · cash held 500 000
    assert_int_equal(line(posting, LEDGER_DEPOSIT_IN_TRANSIT), MINOR(500000));
    assert_int_equal(line(posting, LEDGER_CASH_HELD), -MINOR(500000));
    assert_int_equal(number("select count(*) from ledger_line where posting_id = '%s'", posting), 2);
    assert_int_equal(cash_held(), MINOR(100000));
    assert_int_equal(fate_of(&w.entries[at]), FATE_POSTED);
    assert_int_equal(number("select count(*) from deposit_state where deposit_id = '%s' and state = 1 and amount_minor = 50000000", id), 1);
    assert_int_equal(number("select count(*) from bank_expected where expected_id = '%s' and kind = 4 and reference = 'SETOR9' and state = 1", id), 1);
    assert_answer(teller_decide(&teller, teller.second, proposal, true), PROPOSAL_DECIDED);
    assert_answer(propose(&w.entries[at], DROP, as_it_says), ENTRY_DECIDED);
    push(&w, at, at); /* again: its first acknowledgement, and nothing more */
    assert_int_equal(cash_held(), MINOR(100000));
    writer_end(&w);
}

static void an_incident_in_quarantine_parks_its_sum_when_two_people_say_so(void **state) {
    (void)state;
    struct writer w = new_writer();
    struct journal_entry robbery = writer_entry(&w, JOURNAL_INCIDENT);
    robbery.body.incident = (struct journal_incident){.what = JOURNAL_INCIDENT_ROBBERY, .amount_minor = MINOR(500000), .currency = {"IDR"},
                                                      .report = bytes_text("two men on a motorcycle")};
    size_t at = writer_sign(&w, &robbery), cash = receipt(&w, debt(), MINOR(500000));
    push(&w, at, at);
    assert_int_equal(fate_of(&w.entries[at]), FATE_QUARANTINED);
    push(&w, cash, cash);
    struct rig_answer released = decide(&w.entries[at], RELEASE, as_it_says);
    uuid posting = posting_of(released);
    // J35: incident: collector receivable 500 000 · cash held 500 000
    assert_int_equal(line(posting, LEDGER_COLLECTOR_RECEIVABLE), MINOR(500000));
    assert_int_equal(line(posting, LEDGER_CASH_HELD), -MINOR(500000));
    assert_int_equal(number("select count(*) from ledger_line where posting_id = '%s'", posting), 2);
    assert_int_equal(number("select count(*) from shortage_state where shortage_id = '%s'", w.entries[at].id.u), 1);
    writer_end(&w);
}

static struct journal_entry promise_of(struct writer *w, account_id account, int64_t amount_minor) {
    struct journal_entry promise = writer_entry(w, JOURNAL_PROMISE);
    promise.body.promise = (struct journal_promise){.account = account, .amount_minor = amount_minor, .currency = {"IDR"},
                                                    .due_on = {(int32_t)(clock_now().us / US_PER_DAY) + 3}, .promiser = 1, .channel = 1};
    return promise;
}

//= RULES.md R-JRN-6a
//  a promise is made when it was made, to its account or the one that is named
static void a_promise_in_quarantine_finds_its_account(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt();
    struct journal_entry promise = promise_of(&w, (account_id){rig_id()}, MINOR(2000000));
    size_t at = writer_sign(&w, &promise);
    push(&w, at, at);
    uuid id = w.entries[at].id.u;
    assert_int_equal(fate_of(&w.entries[at]), FATE_QUARANTINED); /* UNKNOWN_ACCOUNT */
    assert_answer(propose(&w.entries[at], RELEASE, as_it_says), ENTRY_ACCOUNT);
    struct rig_answer released = decide(&w.entries[at], RELEASE, account);
    uuid posting = posting_of(released);
    assert_int_equal(number("select count(*) from ledger_line where posting_id = '%s'", posting), 0);
    assert_int_equal(number("select count(*) from promise where posting_id = '%s' and amount_minor = 200000000", posting), 1);
    assert_int_equal(number("select count(*) from promise_state where promise_id = '%s' and state = 1", id), 1);
    assert_int_equal(number("select count(*) from promise p join journal_body b using (agency_id) join journal_key k using (agency_id, entry_hash)"
                            " where p.promise_id = '%s' and k.entry_id = p.promise_id and p.value_us = b.value_us", id), 1);
    assert_int_equal(fate_of(&w.entries[at]), FATE_POSTED);
    assert_answer(propose(&w.entries[at], RELEASE, account), ENTRY_DECIDED);
    writer_end(&w);
}

static void what_names_no_sum_is_only_dropped(void **state) {
    (void)state;
    struct writer w = new_writer();
    struct journal_entry promise = promise_of(&w, debt(), 0);
    size_t at = writer_sign(&w, &promise), nothing = deposit(&w, -5);
    push(&w, at, nothing);
    for (size_t i = at; i <= nothing; i++) {
        struct rig_answer answer = propose(&w.entries[i], RELEASE, as_it_says);
        const char *proposal = proposal_of(answer);
        assert_answer(teller_decide(&teller, teller.second, proposal, true), ENTRY_ONLY_DROP);
        assert_answer(teller_decide(&teller, teller.second, proposal, false), OK);
        assert_answer(decide(&w.entries[i], DROP, as_it_says), OK);
        assert_int_equal(fate_of(&w.entries[i]), FATE_EVIDENCE);
    }
    writer_end(&w);
}

//= RULES.md R-JRN-6a
//  of other kinds an entry can only be dropped.
static void other_kinds_are_dropped_alone(void **state) {
    (void)state;
    struct writer w = new_writer();
    struct journal_entry mine = writer_entry(&w, JOURNAL_HANDOVER);
    mine.body.handover = (struct journal_handover){.handover = rig_id(), .side = JOURNAL_HANDOVER_GIVES, .counterpart = collector,
                                                   .amount_minor = MINOR(100000), .currency = {"IDR"}}; /* to himself */
    size_t at = writer_sign(&w, &mine);
    push(&w, at, at);
    struct rig_answer answer = propose(&w.entries[at], RELEASE, as_it_says);
    assert_answer(teller_decide(&teller, teller.second, proposal_of(answer), true), ENTRY_ONLY_DROP);
    assert_answer(teller_decide(&teller, teller.second, proposal_of(answer), false), OK);
    assert_int_equal(fate_of(&w.entries[at]), FATE_QUARANTINED);
    assert_answer(decide(&w.entries[at], DROP, as_it_says), OK);
    assert_int_equal(fate_of(&w.entries[at]), FATE_EVIDENCE);
    writer_end(&w);
}

/* ---- gaps ----------------------------------------------------------------------------------------------------- */

static struct rig_answer accept_gap(user_id user, const struct writer *w, int64_t first, int64_t last) {
    Tagih__V1__AcceptGapRequest request = TAGIH__V1__ACCEPT_GAP_REQUEST__INIT;
    request.device_id = TEXT(rig_text(w->phone.device.u));
    request.epoch = (int32_t)w->phone.epoch;
    request.first_seq = first;
    request.last_seq = last;
    request.reason = TEXT("the phone's memory broke");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(user), "EntryService/AcceptGap", &request);
}

//= RULES.md R-JRN-6
//  a supervisor's GAP_ACCEPTED closes a gap, is signed into the certificate and leaves the flag.
static void an_accepted_gap_lets_the_chain_go_on(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt();
    for (int i = 0; i < 8; i++) receipt(&w, account, MINOR(1000 + i));
    struct rig_answer answer = writer_push(&w, (size_t[]){0, 3, 4}, 3);
    assert_answer(answer, OK);
    assert_int_equal(writer_certificate(&w, &answer).contiguous_seq, 1);
    assert_answer(accept_gap(teller.supervisor, &w, 2, 2), ENTRY_GAP); /* 3 is missing too */
    assert_answer(accept_gap(teller.supervisor, &w, 2, 4), ENTRY_GAP); /* 4 is here */
    assert_answer(accept_gap(teller.supervisor, &w, 6, 9), ENTRY_GAP); /* nothing is known behind it */
    assert_answer(accept_gap(teller.supervisor, &w, 3, 2), REQUEST_FIELD_RANGE);
    assert_answer(accept_gap(collector, &w, 2, 3), NOT_PERMITTED);
    struct rig_answer accepted = accept_gap(teller.supervisor, &w, 2, 3);
    assert_answer(accepted, OK);
    assert_int_equal(((const Tagih__V1__AcceptGapResponse *)accepted.response)->contiguous_seq, 5);
    assert_answer(accept_gap(teller.supervisor, &w, 2, 3), ENTRY_GAP);
    answer = writer_push_range(&w, 5, 5);
    assert_answer(answer, OK);
    struct chain_certificate certificate = writer_certificate(&w, &answer);
    assert_int_equal(certificate.contiguous_seq, 6);
    assert_int_equal(certificate.gap_count, 1);
    assert_int_equal(certificate.gaps[0].first, 2);
    assert_int_equal(certificate.gaps[0].last, 3);
    assert_int_equal(writer_ack(&w, &answer, 0, 5).fate, FATE_POSTED); /* nobody says anything of totals behind a gap */
    assert_int_equal(fate_of(&w.entries[3]), FATE_POSTED_FLAGGED);
    answer = writer_push_range(&w, 1, 1); /* one of them was found after all */
    assert_answer(answer, OK);
    assert_int_equal(number("select count(*) from payment where account_id = '%s'", account.u), 5);
    assert_int_equal(writer_certificate(&w, &answer).contiguous_seq, 6);
    writer_end(&w);
}

static void bad_requests_are_named(void **state) {
    (void)state;
    Tagih__V1__DecideEntryRequest request = TAGIH__V1__DECIDE_ENTRY_REQUEST__INIT;
    uint8_t hash[32] = {7};
    request.entry_hash = (ProtobufCBinaryData){31, hash};
    request.action = DROP;
    request.reason = TEXT("no such thing");
    request.request_id = TEXT(rig_text(rig_id()));
    struct rig_answer answer = rig_call(&rig, token(teller.supervisor), "EntryService/DecideEntry", &request);
    assert_answer(answer, REQUEST_FIELD_RANGE);
    assert_string_equal(answer.field, "entry_hash");
    request.entry_hash.len = 32;
    assert_answer(rig_call(&rig, token(teller.supervisor), "EntryService/DecideEntry", &request), NOT_PERMITTED);
    request.action = 0;
    assert_answer(rig_call(&rig, token(teller.supervisor), "EntryService/DecideEntry", &request), REQUEST_FIELD_MISSING);
    assert_answer(rig_call(&rig, token(rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR)), "EntryService/DecideEntry", &request), REQUEST_FIELD_MISSING);
}

//= RULES.md R-LED-2
//  Σ payments of source FIELD not reversed by a void + quarantine balance from FIELD entries
static void what_is_in_quarantine_waits(void **state) {
    (void)state;
    assert_int_equal(pg_number(&rig.pg,
        "select count(*) from (select collector_id, cash_held_minor from collector_state) s where s.cash_held_minor < 0"), 0);
    /* Σ in quarantine = Σ of receipts that still wait with lines */
    assert_int_equal(pg_number(&rig.pg,
        "select coalesce(-sum(l.amount_minor), 0) - coalesce((select sum(r.amount_minor) from receipt r join journal_key k using (agency_id, entry_hash)"
        " where coalesce((select e.fate from entry_event e where e.entry_hash = k.entry_hash order by n desc limit 1), k.fate) = 4"
        " and exists (select from ledger_line x where x.posting_id = r.entry_id)), 0) from ledger_line l where l.ledger_account = 19"), 0);
}

/* ---- verifying ------------------------------------------------------------------------------------------------ */

/* The rows of a table that came of a release. */
static const char *of_releases(const char *table) {
    if (strcmp(table, "payment") == 0) return "payment_id in (select o.trigger_id from posting o join entry_decision using (posting_id))";
    if (strcmp(table, "payment_reversal") == 0) return "reversal_id in (select posting_id from entry_decision)";
    if (strcmp(table, "visit_outcome") == 0) return "outcome_id in (select k.entry_id from journal_key k join entry_decision using (entry_hash))";
    return "posting_id in (select posting_id from entry_decision)";
}

/* Also where digests and seals would be made anew: what two people released is still what a phone signed. */
//= RULES.md R-LED-1a
//  Every row of money or evidence is under its posting's digest, was signed, or is sealed
static void what_was_released_and_says_another_thing_than_its_entry_is_told(void **state) {
    (void)state;
    static const char *const columns[][2] = {
        {"payment", "account_id"}, {"payment", "source"}, {"payment", "tender"}, {"payment", "tag"}, {"payment", "amount_minor"},
        {"payment", "value_us"}, {"payment", "value_on"}, {"payment", "received_us"}, {"payment", "collector_id"},
        {"payment_reversal", "reason"}, {"payment_reversal", "at_us"}, {"deposit", "amount_minor"}, {"deposit", "value_us"},
        {"deposit", "received_us"}, {"deposit", "collector_id"}, {"shortage", "amount_minor"}, {"shortage", "kind"},
        {"promise", "account_id"}, {"promise", "amount_minor"}, {"promise", "due_on"}, {"promise", "received_us"},
        {"visit_outcome", "code"}, {"visit_outcome", "value_us"}};
    struct verifier verifier;
    verifier_open(&verifier, &rig, teller.agency);
    struct found before = verifier_look(&verifier, NULL); /* this spec moved some cash and a visit by hand */
    assert_false(found_names(&before, "receipt_void"));
    verifier_take_off_the_gloves(&verifier);
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        const char *table = columns[i][0], *column = columns[i][1], *key = of_releases(table);
        bool id = strstr(column, "_id") != NULL;
        char sql[600];
        if (found_names(&before, table)) fail_msg("%s differs before anything was changed", table);
        snprintf(sql, sizeof sql, "drop table if exists pg_temp.kept; create temp table kept as select * from %s where %s;"
                                  " update %s set %s = %s%s where %s", table, key, table, column, id ? "gen_random_uuid()" : column, id ? "" : " + 1", key);
        pg_exec(&rig.pg, sql);
        struct found found = verifier_look(&verifier, NULL);
        snprintf(sql, sizeof sql, "delete from %s where %s; insert into %s select * from kept", table, key, table);
        pg_exec(&rig.pg, sql);
        if (pg_number(&rig.pg, "select count(*) from kept") == 0) fail_msg("nothing of %s was released", table);
        if (!found_tells(&found, table, column)) fail_msg("%s.%s: its entry says otherwise, and nobody told", table, column);
    }
    verifier_close(&verifier);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quarantined_receipt_posts_to_the_account_where_it_belongs),
        cmocka_unit_test(its_acknowledgement_stays_the_first),
        cmocka_unit_test(a_receipt_that_never_happened_is_dropped),
        cmocka_unit_test(a_transfer_that_was_dropped_is_expected_of_the_bank_no_more),
        cmocka_unit_test(cash_that_was_handed_in_is_not_dropped),
        cmocka_unit_test(money_for_a_closed_account_goes_elsewhere),
        cmocka_unit_test(what_has_no_lines_can_be_dropped_or_finds_its_account),
        cmocka_unit_test(the_second_of_a_fork_may_be_real_money_too),
        cmocka_unit_test(a_void_takes_effect_when_two_people_say_so),
        cmocka_unit_test(a_void_after_the_settlement_leaves_its_money_in_suspense),
        cmocka_unit_test(a_void_that_comes_too_late_has_no_effect_and_a_refused_one_neither),
        cmocka_unit_test(a_void_does_not_take_cash_that_is_gone),
        cmocka_unit_test(the_receipt_is_decided_before_its_void),
        cmocka_unit_test(an_outcome_without_presence_ends_its_visit_when_two_people_say_so),
        cmocka_unit_test(a_deposit_in_quarantine_is_released_when_its_cash_is_there),
        cmocka_unit_test(an_incident_in_quarantine_parks_its_sum_when_two_people_say_so),
        cmocka_unit_test(a_promise_in_quarantine_finds_its_account),
        cmocka_unit_test(what_names_no_sum_is_only_dropped),
        cmocka_unit_test(other_kinds_are_dropped_alone),
        cmocka_unit_test(an_accepted_gap_lets_the_chain_go_on),
        cmocka_unit_test(bad_requests_are_named),
        cmocka_unit_test(what_is_in_quarantine_waits),
        cmocka_unit_test(what_was_released_and_says_another_thing_than_its_entry_is_told),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
