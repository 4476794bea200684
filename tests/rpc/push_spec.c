/* SPDX-License-Identifier: Apache-2.0 */
/* Push from the outside: entries become money once, whatever happens to them on the way. */
#include "tests/support/writer.h"

#include <pthread.h>

#include "tagih/ledger.h"
#include "server/domain/outcome.h"
#include "server/domain/visit.h"
#include "server/run/clock.h"
#include "tagih/presence.h"
#include "tests/support/case.h"

static struct rig rig;
static agency_id agency;
static user_id collector;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    agency = rig_agency(&rig, "Acme");
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

#define MINOR(rupiah) (INT64_C(100) * (rupiah))

/* Debt of J1: fees 40 000, penalty 60 000, interest 400 000, principal 3 500 000. */
static account_id debt(user_id user) {
    return rig_account(&rig, agency, &(struct rig_account){.collector = user, .fees_minor = MINOR(40000),
                                                          .penalty_minor = MINOR(60000), .interest_minor = MINOR(400000),
                                                          .principal_minor = MINOR(3500000)});
}

/* A phone of a collector who holds nothing yet. */
static struct writer new_writer(void) {
    struct writer writer;
    collector = writer_begin_new(&writer, &rig, agency);
    return writer;
}

static int64_t number(const char *sql, uuid id) {
    return rig_number(&rig, sql, id);
}

static int64_t line(uuid posting, enum ledger_account account) {
    return rig_line(&rig, posting, account);
}

static int64_t open_of(account_id account) {
    return number("select fees_minor + penalty_minor + interest_minor + principal_minor from account_state where account_id = '%s'",
                  account.u);
}

static int64_t cash_held(void) {
    return number("select coalesce(sum(cash_held_minor), 0)::int8 from collector_state where collector_id = '%s'", collector.u);
}

//= RULES.md R-PAY-1
//  Receipt, payment, allocation, account balance, ledger lines, promise effect, bonus line and outgoing event commit
//  together or not at all.
static void a_receipt_becomes_a_payment_with_everything_that_follows(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt(collector);
    int64_t held = cash_held();
    struct journal_entry receipt = writer_receipt(&w, account, MINOR(5000000));
    size_t at = writer_sign(&w, &receipt);
    struct rig_answer answer = writer_push_range(&w, at, at);
    assert_answer(answer, OK);
    struct acknowledgement ack = writer_ack(&w, &answer, 0, at);
    assert_int_equal(ack.fate, FATE_POSTED);
    uuid id = w.entries[at].id.u;
    // J2: cash held 5 000 000; receivable four parts 4 000 000; customer credit 1 000 000
    assert_int_equal(line(id, LEDGER_CASH_HELD), MINOR(5000000));
    assert_int_equal(line(id, LEDGER_RECEIVABLE_FEES), -MINOR(40000));
    assert_int_equal(line(id, LEDGER_RECEIVABLE_PENALTY), -MINOR(60000));
    assert_int_equal(line(id, LEDGER_RECEIVABLE_INTEREST), -MINOR(400000));
    assert_int_equal(line(id, LEDGER_RECEIVABLE_PRINCIPAL), -MINOR(3500000));
    assert_int_equal(line(id, LEDGER_CUSTOMER_CREDIT), -MINOR(1000000));
    assert_int_equal(line(id, LEDGER_BONUS_EXPENSE), -line(id, LEDGER_BONUS_PAYABLE));
    assert_true(line(id, LEDGER_BONUS_EXPENSE) > 0);
    assert_int_equal(open_of(account), 0);
    assert_int_equal(cash_held() - held, MINOR(5000000));
    assert_int_equal(number("select count(*) from receipt where entry_id = '%s'", id), 1);
    assert_int_equal(number("select count(*) from payment where payment_id = '%s'", id), 1);
    assert_int_equal(number("select count(*) from bonus_line where payment_id = '%s'", id), 1);
    assert_int_equal(number("select count(*) from change where object_id = '%s' and kind = 30", id), 1);
    assert_int_equal(number("select sum(amount_minor)::int8 from ledger_line where posting_id = '%s'", id), 0);
    assert_int_equal(writer_certificate(&w, &answer).contiguous_seq, 1);
    writer_end(&w);
}

//= RULES.md R-JRN-4
//  The same entry again, alone, in part, reordered or from two connections at once: the first acknowledgement again,
//  byte for byte
static void the_same_entry_again_gets_the_same_acknowledgement(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt(collector);
    for (int i = 0; i < 3; i++) {
        struct journal_entry receipt = writer_receipt(&w, account, MINOR(1000 * (i + 1)));
        writer_sign(&w, &receipt);
    }
    struct rig_answer first = writer_push_range(&w, 0, 2);
    assert_answer(first, OK);
    const Tagih__V1__PushResponse *a = first.response;
    struct rig_answer second = writer_push(&w, (size_t[]){2, 0, 1, 2, 0}, 5);
    assert_answer(second, OK);
    const Tagih__V1__PushResponse *b = second.response;
    const size_t same[] = {2, 0, 1, 2, 0};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(b->acks[i].len, a->acks[same[i]].len);
        assert_memory_equal(b->acks[i].data, a->acks[same[i]].data, a->acks[same[i]].len);
    }
    assert_int_equal(number("select count(*) from payment where account_id = '%s'", account.u), 3);
    writer_end(&w);
}

struct pusher {
    struct writer *writer;
    struct rig_answer answer;
};

static void *push_all(void *context) {
    struct pusher *pusher = context;
    pusher->answer = writer_push_range(pusher->writer, 0, pusher->writer->n - 1);
    return NULL;
}

//= RULES.md R-JRN-4
//  … or from two connections at once: the first acknowledgement again, byte for byte
static void sixteen_connections_give_identical_acknowledgements_and_one_posting(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id accounts[4];
    for (int i = 0; i < 4; i++) accounts[i] = debt(collector);
    for (int i = 0; i < 40; i++) {
        struct journal_entry receipt = writer_receipt(&w, accounts[i % 4], MINOR(1000 + i));
        writer_sign(&w, &receipt);
    }
    struct pusher pushers[16];
    pthread_t threads[16];
    for (int i = 0; i < 16; i++) {
        pushers[i].writer = &w;
        pthread_create(&threads[i], NULL, push_all, &pushers[i]);
    }
    for (int i = 0; i < 16; i++) pthread_join(threads[i], NULL);
    const Tagih__V1__PushResponse *first = pushers[0].answer.response;
    for (int i = 0; i < 16; i++) {
        assert_answer(pushers[i].answer, OK);
        const Tagih__V1__PushResponse *each = pushers[i].answer.response;
        for (size_t k = 0; k < w.n; k++) assert_memory_equal(each->acks[k].data, first->acks[k].data, first->acks[k].len);
    }
    for (int i = 0; i < 4; i++) assert_int_equal(number("select count(*) from payment where account_id = '%s'", accounts[i].u), 10);
    writer_end(&w);
}

//= RULES.md R-REC-2
//  A void negates the whole receipt, once, by the device or user that issued it; its value date is the receipt's.
static void a_void_in_time_takes_everything_back(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt(collector);
    int64_t before = open_of(account), held = cash_held();
    struct journal_entry receipt = writer_receipt(&w, account, MINOR(5000000));
    size_t at = writer_sign(&w, &receipt);
    struct journal_entry voided = writer_void(&w, at, MINOR(5000000));
    size_t void_at = writer_sign(&w, &voided);
    assert_answer(writer_push_range(&w, at, at), OK);
    struct rig_answer answer = writer_push_range(&w, void_at, void_at);
    assert_answer(answer, OK);
    assert_int_equal(writer_ack(&w, &answer, 0, void_at).fate, FATE_POSTED);
    // J4: receivable, four parts 4 000 000; customer credit 1 000 000; bonus payable · cash held; bonus expense
    uuid id = w.entries[void_at].id.u;
    assert_int_equal(line(id, LEDGER_CASH_HELD), -MINOR(5000000));
    assert_int_equal(line(id, LEDGER_RECEIVABLE_PRINCIPAL), MINOR(3500000));
    assert_int_equal(line(id, LEDGER_CUSTOMER_CREDIT), MINOR(1000000));
    assert_int_equal(line(id, LEDGER_BONUS_EXPENSE), -line(w.entries[at].id.u, LEDGER_BONUS_EXPENSE));
    assert_int_equal(open_of(account), before);
    assert_int_equal(cash_held(), held);
    // a second one has no effect
    struct journal_entry again = writer_void(&w, at, MINOR(5000000));
    size_t again_at = writer_sign(&w, &again);
    answer = writer_push_range(&w, again_at, again_at);
    struct acknowledgement ack = writer_ack(&w, &answer, 0, again_at);
    assert_int_equal(ack.fate, FATE_POSTED_FLAGGED);
    assert_true(ack_says(&ack, REASON_NO_EFFECT));
    writer_end(&w);
}

//= RULES.md R-JRN-5
//  An entry whose referent (a void's receipt) has not arrived is WAITING until it does.
static void a_void_waits_for_its_receipt_and_then_takes_effect(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt(collector);
    int64_t before = open_of(account);
    struct journal_entry receipt = writer_receipt(&w, account, MINOR(100000));
    size_t at = writer_sign(&w, &receipt);
    struct journal_entry voided = writer_void(&w, at, MINOR(100000));
    size_t void_at = writer_sign(&w, &voided);
    struct rig_answer answer = writer_push_range(&w, void_at, void_at);
    assert_answer(answer, OK);
    struct acknowledgement ack = writer_ack(&w, &answer, 0, void_at);
    assert_int_equal(ack.fate, FATE_WAITING);
    assert_true(ack.has_missing && uuid_equal(ack.missing.u, w.entries[at].id.u));
    assert_int_equal(writer_certificate(&w, &answer).contiguous_seq, 0);
    answer = writer_push_range(&w, at, at);
    assert_answer(answer, OK);
    assert_int_equal(writer_ack(&w, &answer, 0, at).fate, FATE_POSTED);
    assert_int_equal(writer_certificate(&w, &answer).contiguous_seq, 2);
    assert_int_equal(open_of(account), before);
    assert_int_equal(number("select count(*) from payment_reversal where payment_id = '%s'", w.entries[at].id.u), 1);
    assert_int_equal(number("select e.fate from entry_event e join journal_key k using (agency_id, entry_hash)"
                            " where k.entry_id = '%s' order by e.n desc limit 1", w.entries[void_at].id.u), FATE_POSTED);
    writer_end(&w);
}

//= RULES.md R-REC-8
//  Later than 15 min (default), after the visit was left, or without both → VOID_APPROVAL.
static void a_void_without_slip_or_too_late_waits_for_a_person(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt(collector);
    struct journal_entry receipt = writer_receipt(&w, account, MINOR(100000));
    size_t at = writer_sign(&w, &receipt);
    struct journal_entry bare = writer_void(&w, at, MINOR(100000));
    bare.body.voided.has_slip_photo = false;
    size_t bare_at = writer_sign(&w, &bare);
    w.at.us += 16 * US_PER_MINUTE;
    struct journal_entry late = writer_void(&w, at, MINOR(100000));
    size_t late_at = writer_sign(&w, &late);
    struct journal_entry other = writer_void(&w, at, MINOR(99999));
    size_t other_at = writer_sign(&w, &other);
    struct rig_answer answer = writer_push_range(&w, at, other_at);
    assert_answer(answer, OK);
    for (size_t i = bare_at; i <= late_at; i++) {
        struct acknowledgement ack = writer_ack(&w, &answer, i, i);
        assert_int_equal(ack.fate, FATE_QUARANTINED);
        assert_true(ack_says(&ack, REASON_VOID_APPROVAL));
    }
    struct acknowledgement ack = writer_ack(&w, &answer, other_at, other_at);
    assert_true(ack_says(&ack, REASON_VOID_AMOUNT));
    assert_int_equal(number("select count(*) from payment_reversal where payment_id = '%s'", w.entries[at].id.u), 0);
    writer_end(&w);
}

//= RULES.md R-JRN-4
//  Same `(device, epoch, seq)` with another body is a fork: the first stays, the second is quarantined, the device is
//  suspended, both are kept as proof.
static void a_fork_is_quarantined_and_suspends_the_phone(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt(collector);
    struct journal_entry receipt = writer_receipt(&w, account, MINOR(100000));
    struct journal_entry twin = writer_receipt(&w, account, MINOR(200000));
    twin.body.receipt.money.cum_count = 1;
    twin.body.receipt.money.cum_total_minor = MINOR(200000);
    size_t at = writer_sign(&w, &receipt);
    size_t fork_at = writer_sign_as(&w, &twin);
    assert_answer(writer_push_range(&w, at, at), OK);
    struct rig_answer answer = writer_push_range(&w, fork_at, fork_at);
    assert_answer(answer, OK);
    struct acknowledgement ack = writer_ack(&w, &answer, 0, fork_at);
    assert_int_equal(ack.fate, FATE_QUARANTINED);
    assert_true(ack_says(&ack, REASON_FORK));
    assert_int_equal(number("select state from device_state where device_id = '%s'", w.phone.device.u), 3);
    assert_int_equal(number("select count(*) from journal_key where device_id = '%s'", w.phone.device.u), 2);
    // J22: quarantined receipt: cash held · quarantine
    assert_int_equal(number("select count(*) from payment where account_id = '%s'", account.u), 1);
    uuid posting;
    memcpy(posting.b, w.entries[fork_at].hash.b, sizeof posting.b);
    assert_int_equal(line(posting, LEDGER_QUARANTINE), -MINOR(200000));
    assert_int_equal(line(posting, LEDGER_CASH_HELD), MINOR(200000));
    writer_end(&w);
}

//= RULES.md R-JRN-6
//  QUARANTINED(reason; a receipt's money sits in the ledger account quarantine (amount ≤ 0, beyond 10^13 or in a wrong
//  currency: no lines, listed)
static void money_that_cannot_post_is_visible_in_quarantine(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt(collector);
    struct journal_entry unknown = writer_receipt(&w, (account_id){rig_id()}, MINOR(1000000));
    size_t unknown_at = writer_sign(&w, &unknown);
    struct journal_entry zero = writer_receipt(&w, account, 0);
    size_t zero_at = writer_sign(&w, &zero);
    struct journal_entry negative = writer_receipt(&w, account, -MINOR(5));
    size_t negative_at = writer_sign(&w, &negative);
    struct journal_entry huge = writer_receipt(&w, account, MONEY_AMOUNT_MAX_MINOR + 100);
    size_t huge_at = writer_sign(&w, &huge);
    struct journal_entry dollars = writer_receipt(&w, account, 12300);
    dollars.body.receipt.money.currency = (currency){"USD"};
    dollars.body.receipt.money.cum_count = 1;
    dollars.body.receipt.money.cum_total_minor = 12300;
    size_t dollars_at = writer_sign_as(&w, &dollars);
    struct rig_answer answer = writer_push_range(&w, unknown_at, dollars_at);
    assert_answer(answer, OK);
    const enum fate_reason reasons[] = {REASON_UNKNOWN_ACCOUNT, REASON_AMOUNT_RANGE, REASON_AMOUNT_RANGE,
                                        REASON_AMOUNT_RANGE, REASON_WRONG_CURRENCY};
    for (size_t i = 0; i < 5; i++) {
        struct acknowledgement ack = writer_ack(&w, &answer, i, unknown_at + i);
        assert_int_equal(ack.fate, FATE_QUARANTINED);
        assert_true(ack_says(&ack, reasons[i]));
    }
    // J22: cash held (C) 1 000 000 · quarantine 1 000 000
    assert_int_equal(line(w.entries[unknown_at].id.u, LEDGER_CASH_HELD), MINOR(1000000));
    assert_int_equal(line(w.entries[unknown_at].id.u, LEDGER_QUARANTINE), -MINOR(1000000));
    assert_int_equal(number("select count(*) from ledger_line where posting_id = '%s'", w.entries[unknown_at].id.u), 2);
    const size_t without_lines[] = {zero_at, negative_at, huge_at, dollars_at};
    for (size_t i = 0; i < 4; i++) {
        uuid id = w.entries[without_lines[i]].id.u;
        assert_int_equal(number("select count(*) from ledger_line where posting_id = '%s'", id), 0);
        assert_int_equal(number("select count(*) from receipt where entry_id = '%s'", id), 1);
    }
    assert_int_equal(number("select count(*) from payment where account_id = '%s'", account.u), 0);
    writer_end(&w);
}

//= RULES.md R-JRN-5
//  A late arrival fills the gap and clears the flag.
static void a_gap_is_flagged_and_cleared_by_a_late_arrival(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt(collector);
    for (int i = 0; i < 3; i++) {
        struct journal_entry receipt = writer_receipt(&w, account, MINOR(1000 + i));
        writer_sign(&w, &receipt);
    }
    struct rig_answer answer = writer_push(&w, (size_t[]){0, 2}, 2);
    assert_answer(answer, OK);
    struct acknowledgement ack = writer_ack(&w, &answer, 1, 2);
    assert_int_equal(ack.fate, FATE_POSTED_FLAGGED);
    assert_true(ack_says(&ack, REASON_GAP));
    assert_int_equal(writer_certificate(&w, &answer).contiguous_seq, 1);
    answer = writer_push_range(&w, 1, 1);
    assert_answer(answer, OK);
    assert_int_equal(writer_ack(&w, &answer, 0, 1).fate, FATE_POSTED);
    assert_int_equal(writer_certificate(&w, &answer).contiguous_seq, 3);
    assert_int_equal(number("select e.fate from entry_event e join journal_key k using (agency_id, entry_hash)"
                            " where k.entry_id = '%s' order by e.n desc limit 1", w.entries[2].id.u), FATE_POSTED);
    assert_int_equal(number("select count(*) from payment where account_id = '%s'", account.u), 3);
    writer_end(&w);
}

//= RULES.md R-ALL-1
//  Any arrival order of the same facts gives identical balances, allocations and closed months
static void receipts_that_arrive_out_of_order_end_in_the_same_allocation(void **state) {
    (void)state;
    struct writer ordered = new_writer(), mixed = new_writer();
    account_id a = debt(collector), b = debt(collector);
    for (int i = 0; i < 4; i++) {
        struct journal_entry one = writer_receipt(&ordered, a, MINOR(300000 * (i + 1)));
        writer_sign(&ordered, &one);
        struct journal_entry two = writer_receipt(&mixed, b, MINOR(300000 * (i + 1)));
        writer_sign(&mixed, &two);
    }
    assert_answer(writer_push_range(&ordered, 0, 3), OK);
    const size_t order[] = {3, 1, 0, 2};
    for (size_t i = 0; i < 4; i++) assert_answer(writer_push_range(&mixed, order[i], order[i]), OK);
    assert_int_equal(open_of(a), open_of(b));
    for (size_t i = 0; i < 4; i++) {
        static const char sql[] = "select fees_minor + 3 * penalty_minor + 7 * interest_minor + 11 * principal_minor"
                                  " from allocation where payment_id = '%s' order by version desc limit 1";
        assert_int_equal(number(sql, ordered.entries[i].id.u), number(sql, mixed.entries[i].id.u));
    }
    assert_true(number("select max(version) from allocation x join payment p using (agency_id, payment_id)"
                       " where p.account_id = '%s'", b.u) > 1);
    assert_int_equal(number("select count(*) from (select l.posting_id from ledger_line l join posting p using (agency_id,"
                            " posting_id) where p.account_id = '%s' group by 1 having sum(l.amount_minor) <> 0) x", b.u), 0);
    writer_end(&ordered);
    writer_end(&mixed);
}

//= RULES.md R-JRN-7
//  Nothing that a known device signed is ever dropped. One bad entry never sinks the batch around it.
static void a_flipped_bit_is_kept_as_evidence_and_sinks_nobody(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt(collector);
    for (int i = 0; i < 3; i++) {
        struct journal_entry receipt = writer_receipt(&w, account, MINOR(1000 + i));
        writer_sign(&w, &receipt);
    }
    w.entries[1].bytes[w.entries[1].len / 2] ^= 1;
    struct rig_answer answer = writer_push_range(&w, 0, 2);
    assert_answer(answer, OK);
    const Tagih__V1__PushResponse *response = answer.response;
    assert_int_equal(response->acks[1].len, 0);
    assert_int_equal(writer_ack(&w, &answer, 0, 0).fate, FATE_POSTED);
    assert_int_equal(writer_ack(&w, &answer, 2, 2).fate, FATE_POSTED_FLAGGED);
    assert_int_equal(number("select count(*) from payment where account_id = '%s'", account.u), 2);
    assert_true(pg_number(&rig.pg, "select count(*) from evidence") >= 1);
    writer_end(&w);
}

//= RULES.md R-REC-4
//  Same account, currency, amount and value date, neither voided: both post and both are flagged POSSIBLE_DUPLICATE.
static void two_equal_receipts_post_and_are_both_flagged(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt(collector);
    for (int i = 0; i < 2; i++) {
        struct journal_entry receipt = writer_receipt(&w, account, MINOR(50000));
        writer_sign(&w, &receipt);
    }
    assert_answer(writer_push_range(&w, 0, 0), OK);
    struct rig_answer answer = writer_push_range(&w, 1, 1);
    assert_answer(answer, OK);
    struct acknowledgement ack = writer_ack(&w, &answer, 0, 1);
    assert_true(ack_says(&ack, REASON_POSSIBLE_DUPLICATE));
    assert_int_equal(number("select e.fate from entry_event e join journal_key k using (agency_id, entry_hash)"
                            " where k.entry_id = '%s'", w.entries[0].id.u), FATE_POSTED_FLAGGED);
    assert_int_equal(number("select count(*) from payment where account_id = '%s'", account.u), 2);
    writer_end(&w);
}

//= RULES.md R-REC-3
//  a chain without gaps whose total does not add up is flagged
static void running_totals_that_do_not_add_up_are_flagged(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt(collector);
    struct journal_entry receipt = writer_receipt(&w, account, MINOR(1000));
    writer_sign(&w, &receipt);
    w.cum_total_minor += 1;
    struct journal_entry wrong = writer_receipt(&w, account, MINOR(2000));
    writer_sign(&w, &wrong);
    struct rig_answer answer = writer_push_range(&w, 0, 1);
    assert_answer(answer, OK);
    assert_int_equal(writer_ack(&w, &answer, 0, 0).fate, FATE_POSTED);
    struct acknowledgement ack = writer_ack(&w, &answer, 1, 1);
    assert_true(ack_says(&ack, REASON_TOTAL_MISMATCH));
    writer_end(&w);
}

//= RULES.md R-TIM-2
//  A fact keeps its *device time*, its *received time* and its *value instant*.
static void a_receipt_keeps_its_three_times(void **state) {
    (void)state;
    struct writer w = new_writer();
    struct journal_entry receipt = writer_receipt(&w, debt(collector), MINOR(1000));
    receipt.device_time.us = clock_now().us + 3600 * US_PER_S; // a clock that is an hour ahead
    size_t at = writer_sign(&w, &receipt);
    struct rig_answer answer = writer_push_range(&w, at, at);
    struct acknowledgement ack = writer_ack(&w, &answer, 0, at);
    assert_true(ack_says(&ack, REASON_CLOCK));
    uuid id = w.entries[at].id.u;
    assert_int_equal(number("select device_us from receipt where entry_id = '%s'", id), receipt.device_time.us);
    assert_int_equal(number("select received_us from payment where payment_id = '%s'", id), ack.received.us);
    assert_int_equal(number("select value_us from payment where payment_id = '%s'", id), ack.received.us);
    writer_end(&w);
}

//= RULES.md R-REC-5
//  receipts beyond it still post, flagged OVER_ALLOWANCE
static void a_receipt_beyond_the_allowance_posts_and_is_flagged(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt(collector);
    const int64_t amounts[] = {MINOR(5000000), MINOR(5000001), MINOR(1000)}; // the limit; one more; 10 000 000 are held
    for (int i = 0; i < 3; i++) {
        struct journal_entry receipt = writer_receipt(&w, account, amounts[i]);
        writer_sign(&w, &receipt);
    }
    struct rig_answer answer = writer_push_range(&w, 0, 2);
    assert_answer(answer, OK);
    assert_int_equal(writer_ack(&w, &answer, 0, 0).fate, FATE_POSTED);
    for (size_t i = 1; i < 3; i++) {
        struct acknowledgement ack = writer_ack(&w, &answer, i, i);
        assert_int_equal(ack.fate, FATE_POSTED_FLAGGED);
        assert_true(ack_says(&ack, REASON_OVER_ALLOWANCE));
    }
    assert_int_equal(number("select count(*) from payment where account_id = '%s'", account.u), 3);
    writer_end(&w);
}

//= RULES.md R-REC-3
//  a chain without gaps whose total does not add up is flagged
static void an_honest_chain_that_arrives_in_pieces_is_never_accused(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt(collector);
    for (int i = 0; i < 7; i++) { // 1 and 4 are reprints, the others money
        struct journal_entry entry = writer_receipt(&w, account, MINOR(1000 + i));
        if (i == 0 || i == 4) {
            entry = writer_entry(&w, JOURNAL_REPRINT);
            entry.body.reprint.copy_no = 1;
        }
        writer_sign(&w, &entry);
    }
    // 5 comes behind a gap; 2 and 3 go on before it; 4, no money, closes it; 6 follows
    const size_t order[] = {0, 1, 5, 2, 3, 4, 6};
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        struct rig_answer answer = writer_push_range(&w, order[i], order[i]);
        assert_answer(answer, OK);
        struct acknowledgement ack = writer_ack(&w, &answer, 0, order[i]);
        assert_false(ack_says(&ack, REASON_TOTAL_MISMATCH));
    }
    writer_end(&w);
}

static size_t sign_check_in(struct writer *w, visit_id visit) {
    struct journal_entry arrival = writer_entry(w, JOURNAL_CHECK_IN);
    arrival.body.check_in = (struct journal_check_in){
        .visit = visit, .purpose = 1, .tapped = w->at, .tapped_mono_us = arrival.mono_us, .fix_count = 1,
        .fixes = {{.lat_e7 = -61754000, .lon_e7 = 1068272000, .accuracy_mm = 8000, .at = w->at}}};
    return writer_sign(w, &arrival);
}

//= RULES.md R-VIS-1
//  States and edges: PLANNED → EN_ROUTE → ARRIVED → DONE; PLANNED → ARRIVED (no en-route report)
static void an_outcome_before_its_check_in_ends_the_visit_all_the_same(void **state) {
    (void)state;
    struct writer w = new_writer();
    visit_id visit = rig_visit(&rig, agency, debt(collector), collector);
    size_t arrival_at = sign_check_in(&w, visit);
    struct journal_entry outcome = writer_entry(&w, JOURNAL_VISIT_OUTCOME);
    outcome.body.outcome = (struct journal_visit_outcome){.visit = visit, .visit_version = 1, .outcome = OUTCOME_NOT_HOME,
                                                          .list_version = 1};
    size_t outcome_at = writer_sign(&w, &outcome);
    struct rig_answer answer = writer_push_range(&w, outcome_at, outcome_at);
    assert_answer(answer, OK);
    struct acknowledgement ack = writer_ack(&w, &answer, 0, outcome_at);
    assert_false(ack_says(&ack, REASON_BAD_OUTCOME));
    assert_answer(writer_push_range(&w, arrival_at, arrival_at), OK);
    assert_int_equal(number("select state from visit_state where visit_id = '%s'", visit.u), VISIT_DONE);
    assert_int_equal(number("select presence from visit_state where visit_id = '%s'", visit.u), PRESENCE_INSIDE);
    assert_int_equal(number("select count(*) from check_in where visit_id = '%s'", visit.u), 1);
    writer_end(&w);
}

//= RULES.md R-REC-6
//  DAY_CLOSE is an entry with first and last seq, count and totals by tender, voids, and cash to hand over
static void a_day_close_declares_the_settlement_and_ends_voids(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt(collector);
    struct journal_entry receipt = writer_receipt(&w, account, MINOR(70000));
    size_t at = writer_sign(&w, &receipt);
    struct journal_entry close = writer_entry(&w, JOURNAL_DAY_CLOSE);
    close.body.day_close = (struct journal_day_close){
        .first_seq = 1, .last_seq = 1, .currency_count = 1, .tender_count = 1,
        .currencies = {{.currency = {"IDR"}, .cum_count = 1, .cum_total_minor = MINOR(70000), .receipt_count = 1,
                        .cash_to_hand_over_minor = MINOR(70000)}},
        .tenders = {{.currency = {"IDR"}, .tender = JOURNAL_TENDER_CASH, .count = 1, .total_minor = MINOR(70000)}}};
    size_t close_at = writer_sign(&w, &close);
    struct journal_entry voided = writer_void(&w, at, MINOR(70000));
    size_t void_at = writer_sign(&w, &voided);
    struct rig_answer answer = writer_push_range(&w, at, void_at);
    assert_answer(answer, OK);
    assert_int_equal(writer_ack(&w, &answer, close_at, close_at).fate, FATE_POSTED);
    struct acknowledgement ack = writer_ack(&w, &answer, void_at, void_at);
    assert_true(ack_says(&ack, REASON_VOID_APPROVAL));
    assert_int_equal(number("select state from settlement_state where settlement_id = '%s'", w.entries[close_at].id.u), 2);
    assert_int_equal(number("select cash_minor from settlement where settlement_id = '%s'", w.entries[close_at].id.u), MINOR(70000));
    writer_end(&w);
}

//= RULES.md R-JRN-6
//  EVIDENCE(reason; undecodable, wrong signature, unknown device: raw bytes kept within a quota, no money, alarm)
static void a_stranger_is_told_so_and_his_bytes_are_kept(void **state) {
    (void)state;
    struct writer w = new_writer();
    struct journal_entry receipt = writer_receipt(&w, debt(collector), MINOR(1000));
    writer_sign(&w, &receipt);
    w.phone.certificate[w.phone.certificate_len - 1] ^= 1;
    int64_t before = pg_number(&rig.pg, "select count(*) from evidence");
    assert_answer(writer_push_range(&w, 0, 0), PUSH_STRANGER);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from evidence"), before + 1);
    writer_end(&w);
}

//= RULES.md R-JRN-3
//  Each body carries `device_id, epoch, seq`
static void a_phone_that_signs_for_another_one_posts_nothing(void **state) {
    (void)state;
    struct writer other = new_writer(), w = new_writer();
    account_id account = debt(collector);
    struct journal_entry receipt = writer_receipt(&w, account, MINOR(1000)), next = writer_receipt(&w, account, MINOR(2000));
    receipt.device = other.phone.device;
    size_t forged = writer_sign_as(&w, &receipt);
    next.epoch++;
    size_t early = writer_sign_as(&w, &next);
    int64_t before = pg_number(&rig.pg, "select count(*) from evidence where reason = 'SIGNATURE'");
    struct rig_answer answer = writer_push_range(&w, forged, early);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from evidence where reason = 'SIGNATURE'"), before + 2);
    assert_int_equal(number("select count(*) from payment where account_id = '%s'", account.u), 0);
    (void)answer;
    writer_end(&w);
    writer_end(&other);
}

static void a_call_speaks_for_one_agency(void **state) {
    (void)state;
    struct writer w = new_writer();
    struct journal_entry receipt = writer_receipt(&w, debt(collector), MINOR(1000));
    size_t at = writer_sign(&w, &receipt);
    agency_id other = rig_agency(&rig, "Bumi");
    user_id stranger = rig_user(&rig, other, NULL, ROLE_COLLECTOR);
    struct rig_phone theirs = rig_phone(&rig, other, stranger);
    Tagih__V1__PushRequest request = TAGIH__V1__PUSH_REQUEST__INIT;
    ProtobufCBinaryData entry = {w.entries[at].len, w.entries[at].bytes};
    ProtobufCBinaryData certificates[] = {{theirs.certificate_len, theirs.certificate},
                                          {w.phone.certificate_len, w.phone.certificate}};
    request.entries = &entry;
    request.n_entries = 1;
    request.certificates = certificates;
    request.n_certificates = 2;
    rig_call(&rig, NULL, "SyncService/Push", &request);
    assert_int_equal(number("select count(*) from journal_key where entry_id = '%s'", w.entries[at].id.u), 0);
    assert_answer(writer_push_range(&w, at, at), OK); /* under its own certificate alone it is taken */
    assert_int_equal(number("select count(*) from payment where payment_id = '%s'", w.entries[at].id.u), 1);
    writer_end(&w);
}

//= RULES.md R-VIS-3
//  Work reported under a revoked or expired lease is **kept, posted and flagged** for the supervisor
static void a_check_in_under_an_ended_lease_is_kept_and_flagged(void **state) {
    (void)state;
    struct writer w = new_writer();
    visit_id in_time = rig_visit(&rig, agency, debt(collector), collector), late = rig_visit(&rig, agency, debt(collector), collector);
    char sql[200];
    snprintf(sql, sizeof sql, "update visit_state set lease_until_us = %lld where visit_id = '%s'", (long long)w.at.us - 1,
             rig_text(late.u));
    pg_exec(&rig.pg, sql);
    size_t first = sign_check_in(&w, in_time), second = sign_check_in(&w, late);
    struct rig_answer answer = writer_push_range(&w, first, second);
    assert_answer(answer, OK);
    struct acknowledgement good = writer_ack(&w, &answer, 0, first), flagged = writer_ack(&w, &answer, 1, second);
    assert_false(ack_says(&good, REASON_LEASE));
    assert_true(ack_says(&flagged, REASON_LEASE));
    assert_int_equal(flagged.fate, FATE_POSTED_FLAGGED);
    assert_int_equal(number("select count(*) from check_in where visit_id = '%s'", late.u), 1);
    writer_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_becomes_a_payment_with_everything_that_follows),
        cmocka_unit_test(the_same_entry_again_gets_the_same_acknowledgement),
        cmocka_unit_test(sixteen_connections_give_identical_acknowledgements_and_one_posting),
        cmocka_unit_test(a_void_in_time_takes_everything_back),
        cmocka_unit_test(a_void_waits_for_its_receipt_and_then_takes_effect),
        cmocka_unit_test(a_void_without_slip_or_too_late_waits_for_a_person),
        cmocka_unit_test(a_fork_is_quarantined_and_suspends_the_phone),
        cmocka_unit_test(money_that_cannot_post_is_visible_in_quarantine),
        cmocka_unit_test(a_gap_is_flagged_and_cleared_by_a_late_arrival),
        cmocka_unit_test(receipts_that_arrive_out_of_order_end_in_the_same_allocation),
        cmocka_unit_test(a_flipped_bit_is_kept_as_evidence_and_sinks_nobody),
        cmocka_unit_test(two_equal_receipts_post_and_are_both_flagged),
        cmocka_unit_test(running_totals_that_do_not_add_up_are_flagged),
        cmocka_unit_test(a_receipt_keeps_its_three_times),
        cmocka_unit_test(an_honest_chain_that_arrives_in_pieces_is_never_accused),
        cmocka_unit_test(an_outcome_before_its_check_in_ends_the_visit_all_the_same),
        cmocka_unit_test(a_receipt_beyond_the_allowance_posts_and_is_flagged),
        cmocka_unit_test(a_day_close_declares_the_settlement_and_ends_voids),
        cmocka_unit_test(a_stranger_is_told_so_and_his_bytes_are_kept),
        cmocka_unit_test(a_phone_that_signs_for_another_one_posts_nothing),
        cmocka_unit_test(a_call_speaks_for_one_agency),
        cmocka_unit_test(a_check_in_under_an_ended_lease_is_kept_and_flagged),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
