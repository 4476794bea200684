/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cash from the outside: from a phone's DAY_CLOSE over the cashier's count to the bank, what is missing on the way, and
 * how much may be held. J12 to J15 with their very figures; at the end all books are computed again.
 */
#include <pthread.h>
#include <unistd.h>

#include "server/domain/change.h"
#include "server/domain/settlement.h"
#include "server/rpc/cash_limit.h"
#include "server/book/posting.h"
#include "server/run/clock.h"
#include "server/run/grow.h"
#include "server/store/migrate.h"
#include "store_statements.h"
#include "tests/support/case.h"
#include "tests/support/teller.h"
#include "tests/support/verifier.h"
#include "tests/support/writer.h"

#define TEXT(literal) ((char *)(uintptr_t)(literal))
#define PROTO_STATE(name) TAGIH__V1__SETTLEMENT_STATE__SETTLEMENT_STATE_##name

static struct rig rig;
static struct teller teller;
static user_id second;         /* another cashier */
static user_id other_supervisor;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    second = rig_user(&rig, teller.agency, NULL, ROLE_CASHIER);
    other_supervisor = rig_user(&rig, teller.agency, NULL, ROLE_SUPERVISOR);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static const char *token(user_id user) {
    return rig_staff_token(&rig, teller.agency, user, 0);
}

/* ---- a collector's day ---------------------------------------------------------------------------------------------- */

/* A collector of his own, so that nobody else's cash is in his bag. */
struct workday {
    user_id collector;
    struct writer w;
    account_id account;
};

static struct workday new_day(void) {
    struct workday day = {.collector = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR)};
    struct rig_phone phone = rig_phone(&rig, teller.agency, day.collector);
    writer_begin(&day.w, &rig, &phone);
    day.w.at.us = clock_now().us - 20 * US_PER_S;
    const struct debt debt = {.due_minor = {[COMPONENT_PRINCIPAL] = MINOR(100000000)}};
    day.account = teller_account(&teller, day.collector, &debt, 1);
    return day;
}

static size_t take(struct workday *day, int64_t amount_minor) {
    struct journal_entry receipt = writer_receipt(&day->w, day->account, amount_minor);
    return writer_sign(&day->w, &receipt);
}

static size_t close_day(struct workday *day, int64_t last_seq, int64_t hand_over_minor) {
    struct journal_entry close = writer_entry(&day->w, JOURNAL_DAY_CLOSE);
    close.body.day_close = (struct journal_day_close){
        .first_seq = 1, .last_seq = last_seq, .currency_count = 1, .tender_count = 1,
        .currencies = {{.currency = {"IDR"}, .cum_count = 1, .receipt_count = 1, .cash_to_hand_over_minor = hand_over_minor}},
        .tenders = {{.currency = {"IDR"}, .tender = JOURNAL_TENDER_CASH, .count = 1, .total_minor = hand_over_minor}}};
    return writer_sign(&day->w, &close);
}

static void push_all(struct workday *day) {
    assert_answer(writer_push_range(&day->w, 0, day->w.n - 1), OK);
}

/* He took 10 000 000 in two receipts, closed his day and synced. @return the settlement's id */
static uuid declared(struct workday *day) {
    take(day, MINOR(5000000));
    take(day, MINOR(4999000));
    take(day, MINOR(1000));
    size_t close = close_day(day, day->w.seq, MINOR(10000000));
    push_all(day);
    return day->w.entries[close].id.u;
}

static int64_t balance(user_id collector, const char *column) {
    char sql[200];
    snprintf(sql, sizeof sql, "select coalesce(sum(%s), 0) from collector_state where collector_id = '%%s'", column);
    return teller_number(&teller, sql, collector.u);
}

/* ---- calls ---------------------------------------------------------------------------------------------------------- */

static const Tagih__V1__Settlement *get(uuid id) {
    Tagih__V1__GetSettlementRequest request = TAGIH__V1__GET_SETTLEMENT_REQUEST__INIT;
    request.settlement_id = TEXT(rig_text(id));
    struct rig_answer answer = rig_call(&rig, token(teller.supervisor), "CashService/GetSettlement", &request);
    assert_answer(answer, OK);
    return ((const Tagih__V1__GetSettlementResponse *)answer.response)->settlement;
}

/* A count of one kind of note and one of coin. */
struct count {
    int64_t hundreds, thousands; /* pieces of 100 000 and of 1 000 */
    int64_t counted_minor;       /* 0: what they sum to */
    const char *etag;            /* NULL: the newest */
    const char *request_id;
};

static struct rig_answer count_as(const char *by, uuid id, const struct count *c) {
    Tagih__V1__CashPieces pieces[2] = {TAGIH__V1__CASH_PIECES__INIT, TAGIH__V1__CASH_PIECES__INIT}, *list[2];
    Tagih__V1__Money counted = TAGIH__V1__MONEY__INIT;
    Tagih__V1__CountSettlementRequest request = TAGIH__V1__COUNT_SETTLEMENT_REQUEST__INIT;
    size_t n = 0;
    if (c->hundreds) {
        pieces[n].value_minor = MINOR(100000);
        pieces[n].pieces = c->hundreds;
        list[n] = &pieces[n];
        n++;
    }
    if (c->thousands) {
        pieces[n].value_minor = MINOR(1000);
        pieces[n].pieces = c->thousands;
        list[n] = &pieces[n];
        n++;
    }
    counted.minor = c->counted_minor ? c->counted_minor : MINOR(100000) * c->hundreds + MINOR(1000) * c->thousands;
    counted.currency = TEXT("IDR");
    request.settlement_id = TEXT(rig_text(id));
    request.pieces = list;
    request.n_pieces = n;
    request.counted = &counted;
    request.request_id = TEXT(c->request_id ? c->request_id : rig_text(rig_id()));
    request.etag = TEXT(c->etag ? c->etag : get(id)->etag);
    return rig_call(&rig, by, "CashService/CountSettlement", &request);
}

static void counted(uuid id, int64_t hundreds, int64_t thousands) {
    assert_answer(count_as(token(teller.cashier), id, &(struct count){.hundreds = hundreds, .thousands = thousands}), OK);
}

static struct rig_answer accept_with(user_id by, uuid id, const char *etag) {
    Tagih__V1__AcceptSettlementRequest request = TAGIH__V1__ACCEPT_SETTLEMENT_REQUEST__INIT;
    request.settlement_id = TEXT(rig_text(id));
    request.request_id = TEXT(rig_text(rig_id()));
    request.etag = TEXT(etag ? etag : get(id)->etag);
    request.reason = TEXT("please look");
    return rig_call(&rig, token(by), "CashService/AcceptSettlement", &request);
}

static const Tagih__V1__Settlement *accepted(uuid id) {
    struct rig_answer answer = accept_with(teller.cashier, id, NULL);
    assert_answer(answer, OK);
    const Tagih__V1__AcceptSettlementResponse *response = answer.response;
    assert_string_equal(response->proposal_id, "");
    return response->settlement;
}

/* What the acceptance moved on an account of the ledger, and how many lines it has. */
static int64_t line(uuid subject, enum posting_kind kind, enum ledger_account account) {
    return teller_line(&teller, (payment_id){subject}, (int)kind, account);
}

static int64_t lines(uuid subject, enum posting_kind kind) {
    char sql[300];
    snprintf(sql, sizeof sql, "select count(*) from ledger_line l join posting p using (agency_id, posting_id)"
                              " where p.trigger_id = '%%s' and p.kind = %d", (int)kind);
    return teller_number(&teller, sql, subject);
}

static int64_t vault(user_id cashier) {
    return teller_number(&teller, "select coalesce(sum(vault_minor), 0) from vault_state where cashier_id = '%s'", cashier.u);
}

/* ---- count and accept ----------------------------------------------------------------------------------------------- */

//= RULES.md R-CSH-2
//  Ledger lines only at ACCEPTED: cash moves to the vault, a shortage to **collector receivable**
static void a_short_settlement_becomes_the_collectors_debt(void **state) {
    (void)state;
    struct workday day = new_day();
    uuid id = declared(&day);
    assert_int_equal(get(id)->state, PROTO_STATE(DECLARED));
    assert_int_equal(get(id)->expected->minor, MINOR(10000000));
    assert_int_equal(get(id)->declared->minor, MINOR(10000000));
    counted(id, 97, 100);
    assert_int_equal(get(id)->state, PROTO_STATE(COUNTED));
    assert_int_equal(lines(id, POSTING_OF_SETTLEMENT), 0);
    int64_t before_minor = vault(teller.cashier);
    const Tagih__V1__Settlement *settlement = accepted(id);
    assert_int_equal(settlement->state, PROTO_STATE(SHORT));
    // J12: vault 9 800 000; collector receivable 200 000 · cash held (C) 10 000 000
    assert_int_equal(line(id, POSTING_OF_SETTLEMENT, LEDGER_VAULT), MINOR(9800000));
    assert_int_equal(line(id, POSTING_OF_SETTLEMENT, LEDGER_COLLECTOR_RECEIVABLE), MINOR(200000));
    assert_int_equal(line(id, POSTING_OF_SETTLEMENT, LEDGER_CASH_HELD), -MINOR(10000000));
    assert_int_equal(lines(id, POSTING_OF_SETTLEMENT), 3);
    assert_int_equal(balance(day.collector, "cash_held_minor"), 0);
    assert_int_equal(balance(day.collector, "collector_receivable_minor"), MINOR(200000));
    assert_int_equal(vault(teller.cashier) - before_minor, MINOR(9800000));
    assert_int_equal(settlement->expected->minor, MINOR(10000000));
    assert_string_equal(settlement->cashier_id, rig_text(teller.cashier.u));
    writer_end(&day.w);
}

//= RULES.md R-CSH-2
//  an excess to cash over
static void what_is_too_much_is_cash_over(void **state) {
    (void)state;
    struct workday day = new_day();
    uuid id = declared(&day);
    counted(id, 101, 0);
    assert_int_equal(accepted(id)->state, PROTO_STATE(OVER));
    // J14: vault 10 100 000 · cash held (C) 10 000 000; cash over 100 000
    assert_int_equal(line(id, POSTING_OF_SETTLEMENT, LEDGER_VAULT), MINOR(10100000));
    assert_int_equal(line(id, POSTING_OF_SETTLEMENT, LEDGER_CASH_HELD), -MINOR(10000000));
    assert_int_equal(line(id, POSTING_OF_SETTLEMENT, LEDGER_CASH_OVER), -MINOR(100000));
    assert_int_equal(lines(id, POSTING_OF_SETTLEMENT), 3);
    writer_end(&day.w);
}

//= RULES.md R-CSH-2
//  COUNTED by a cashier who is not the collector (repeatable)
static void a_count_may_be_repeated_and_the_newest_stands(void **state) {
    (void)state;
    struct workday day = new_day();
    uuid id = declared(&day);
    counted(id, 90, 0);
    assert_answer(count_as(token(second), id, &(struct count){.hundreds = 99, .thousands = 100}), OK);
    const Tagih__V1__Settlement *settlement = get(id);
    assert_int_equal(settlement->counted->minor, MINOR(10000000));
    assert_string_equal(settlement->cashier_id, rig_text(second.u));
    assert_int_equal(settlement->n_pieces, 2);
    assert_int_equal(settlement->pieces[0]->value_minor, MINOR(100000));
    assert_int_equal(settlement->pieces[0]->pieces, 99);
    assert_int_equal(accepted(id)->state, PROTO_STATE(MATCHED));
    assert_int_equal(line(id, POSTING_OF_SETTLEMENT, LEDGER_VAULT), MINOR(10000000));
    assert_int_equal(lines(id, POSTING_OF_SETTLEMENT), 2);
    assert_int_equal(vault(second), MINOR(10000000)); /* whose count it was */
    assert_int_equal(teller_number(&teller, "select count(*) from settlement_event where settlement_id = '%s'", id), 4);
    assert_answer(count_as(token(second), id, &(struct count){.hundreds = 1}), SETTLEMENT_ILLEGAL_TRANSITION);
    writer_end(&day.w);
}

static void what_is_not_counted_is_not_accepted_and_nothing_is_accepted_twice(void **state) {
    (void)state;
    struct workday day = new_day();
    uuid id = declared(&day);
    assert_answer(accept_with(teller.cashier, id, NULL), SETTLEMENT_ILLEGAL_TRANSITION);
    counted(id, 100, 0);
    const char *etag = get(id)->etag;
    accepted(id);
    assert_answer(accept_with(teller.cashier, id, etag), SETTLEMENT_ILLEGAL_TRANSITION);
    assert_answer(accept_with(teller.cashier, rig_id(), "s1.0"), NOT_PERMITTED);
    writer_end(&day.w);
}

//= RULES.md R-CSH-2b
//  Pieces × values must sum to the sum that stands beside them: else a call is refused, a DAY_CLOSE flagged.
static void a_count_of_no_notes_or_another_sum_is_refused(void **state) {
    (void)state;
    struct workday day = new_day();
    uuid id = declared(&day);
    const char *by = token(teller.cashier);
    struct rig_answer a = count_as(by, id, &(struct count){.hundreds = -1, .counted_minor = MINOR(100000)});
    assert_answer(a, CASH_PIECES);
    assert_string_equal(a.field, "pieces[0]");
    assert_answer(count_as(by, id, &(struct count){.hundreds = INT64_MAX, .counted_minor = MINOR(100000)}), CASH_PIECES);
    assert_answer(count_as(by, id, &(struct count){.hundreds = 1, .counted_minor = MINOR(99000)}), CASH_SUM);
    assert_answer(count_as(by, id, &(struct count){.hundreds = 1, .counted_minor = -MINOR(100000)}), CASH_AMOUNT);
    assert_answer(count_as(by, id, &(struct count){.hundreds = 1, .counted_minor = INT64_MAX}), CASH_AMOUNT);
    assert_answer(count_as(by, id, &(struct count){.hundreds = 1, .counted_minor = MINOR(100000) + 1}), MONEY_CASH_UNIT);
    Tagih__V1__CashPieces odd = TAGIH__V1__CASH_PIECES__INIT, *list = &odd;
    Tagih__V1__Money sum = TAGIH__V1__MONEY__INIT;
    Tagih__V1__CountSettlementRequest request = TAGIH__V1__COUNT_SETTLEMENT_REQUEST__INIT;
    odd.value_minor = sum.minor = MINOR(30000);
    odd.pieces = 1;
    sum.currency = TEXT("IDR");
    request.settlement_id = TEXT(rig_text(id));
    request.pieces = &list;
    request.n_pieces = 1;
    request.counted = &sum;
    request.request_id = TEXT(rig_text(rig_id()));
    request.etag = get(id)->etag;
    assert_answer(rig_call(&rig, by, "CashService/CountSettlement", &request), CASH_DENOMINATION);
    assert_int_equal(get(id)->state, PROTO_STATE(DECLARED));
    writer_end(&day.w);
}

//= RULES.md R-CSH-2
//  COUNTED by a cashier who is not the collector
static void a_collector_who_is_a_cashier_too_does_not_count_his_own(void **state) {
    (void)state;
    struct workday day = new_day();
    uuid id = declared(&day);
    char sql[200];
    snprintf(sql, sizeof sql, "update staff_state set roles = %d where user_id = '%s'", ROLE_COLLECTOR | ROLE_CASHIER,
             rig_text(day.collector.u));
    pg_exec(&rig.pg, sql);
    assert_answer(count_as(token(day.collector), id, &(struct count){.hundreds = 100}), SETTLEMENT_OWN);
    counted(id, 100, 0);
    assert_answer(accept_with(day.collector, id, NULL), SETTLEMENT_OWN);
    assert_int_equal(lines(id, POSTING_OF_SETTLEMENT), 0);
    assert_answer(count_as(token(teller.supervisor), id, &(struct count){.hundreds = 100}), NOT_PERMITTED); /* no cashier */
    writer_end(&day.w);
}

struct cashier {
    char token[RIG_TOKEN_SIZE], etag[64], request_id[UUID_TEXT_SIZE];
    uuid settlement;
    int64_t hundreds;
    struct rig_answer answer;
};

static void *count_once(void *context) {
    struct cashier *c = context;
    c->answer = count_as(c->token, c->settlement,
                         &(struct count){.hundreds = c->hundreds, .etag = c->etag, .request_id = c->request_id});
    return NULL;
}

static void of_two_cashiers_at_once_one_wins_and_the_other_is_told(void **state) {
    (void)state;
    struct workday day = new_day();
    uuid id = declared(&day);
    struct cashier both[2] = {{.settlement = id, .hundreds = 100}, {.settlement = id, .hundreds = 99}};
    user_id who[2] = {teller.cashier, second};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) {
        snprintf(both[i].token, sizeof both[i].token, "%s", token(who[i]));
        snprintf(both[i].etag, sizeof both[i].etag, "%s", get(id)->etag);
        uuid_format(rig_id(), both[i].request_id);
    }
    for (size_t i = 0; i < 2; i++) pthread_create(&threads[i], NULL, count_once, &both[i]);
    for (size_t i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    size_t won = strcmp(both[0].answer.reason, "OK") == 0 ? 0 : 1;
    assert_answer(both[won].answer, OK);
    assert_answer(both[1 - won].answer, SETTLEMENT_CHANGED);
    assert_int_equal(get(id)->counted->minor, MINOR(100000) * both[won].hundreds);
    struct rig_answer again = count_as(both[won].token, id, &(struct count){.hundreds = both[won].hundreds,
                                       .etag = both[won].etag, .request_id = both[won].request_id});
    assert_answer(again, OK); /* the same request is the same answer */
    assert_int_equal(teller_number(&teller, "select count(*) from settlement_event where settlement_id = '%s'", id), 2);
    writer_end(&day.w);
}

/* ---- what is expected ----------------------------------------------------------------------------------------------- */

//= RULES.md R-CSH-2a
//  what is expected of a settlement is the collector's ledger cash held less what came in behind its cut
static void later_receipts_belong_to_the_next_settlement(void **state) {
    (void)state;
    struct workday day = new_day();
    uuid id = declared(&day);
    take(&day, MINOR(700000));
    push_all(&day);
    assert_int_equal(balance(day.collector, "cash_held_minor"), MINOR(10700000));
    assert_int_equal(get(id)->expected->minor, MINOR(10000000));
    counted(id, 100, 0);
    assert_int_equal(accepted(id)->state, PROTO_STATE(MATCHED));
    assert_int_equal(balance(day.collector, "cash_held_minor"), MINOR(700000));
    size_t close = close_day(&day, day.w.seq, MINOR(700000));
    push_all(&day);
    uuid next = day.w.entries[close].id.u;
    assert_int_equal(get(next)->expected->minor, MINOR(700000));
    counted(next, 7, 0);
    assert_int_equal(accepted(next)->state, PROTO_STATE(MATCHED));
    writer_end(&day.w);
}

//= RULES.md R-CSH-2a
//  Settlements of one collector and currency are accepted in the order of their cuts.
static void an_earlier_settlement_comes_first(void **state) {
    (void)state;
    struct workday day = new_day();
    uuid first = declared(&day);
    take(&day, MINOR(300000));
    size_t close = close_day(&day, day.w.seq, MINOR(300000));
    push_all(&day);
    uuid later = day.w.entries[close].id.u;
    counted(first, 100, 0);
    counted(later, 3, 0);
    assert_answer(accept_with(teller.cashier, later, NULL), SETTLEMENT_ORDER);
    accepted(first);
    assert_int_equal(accepted(later)->state, PROTO_STATE(MATCHED));
    writer_end(&day.w);
}

static void what_changes_between_looking_and_accepting_is_told(void **state) {
    (void)state;
    struct workday day = new_day();
    size_t receipt = take(&day, MINOR(10000000));
    struct journal_entry voided = writer_void(&day.w, receipt, MINOR(10000000));
    size_t void_at = writer_sign(&day.w, &voided);
    size_t close = close_day(&day, 1, MINOR(10000000)); /* the void is behind the cut */
    const size_t first[] = {receipt}, rest[] = {void_at, close};
    assert_answer(writer_push(&day.w, first, 1), OK);
    assert_answer(writer_push(&day.w, &rest[1], 1), OK);
    uuid id = day.w.entries[close].id.u;
    counted(id, 100, 0);
    char etag[64];
    snprintf(etag, sizeof etag, "%s", get(id)->etag);
    assert_int_equal(get(id)->expected->minor, MINOR(10000000));
    take(&day, MINOR(50000)); /* behind the cut: changes nothing */
    push_all(&day);
    assert_string_equal(get(id)->etag, etag);
    char sql[300]; /* as when money left his bag by another way */
    snprintf(sql, sizeof sql, "update collector_state set cash_held_minor = cash_held_minor - 100 where collector_id = '%s'",
             rig_text(day.collector.u));
    pg_exec(&rig.pg, sql);
    assert_answer(accept_with(teller.cashier, id, etag), SETTLEMENT_CHANGED);
    snprintf(sql, sizeof sql, "update collector_state set cash_held_minor = cash_held_minor + 100 where collector_id = '%s'",
             rig_text(day.collector.u));
    pg_exec(&rig.pg, sql);
    accepted(id);
    writer_end(&day.w);
}

//= RULES.md R-CSH-2
//  with a gap before it, ACCEPTED needs a supervisor
static void behind_a_gap_a_supervisor_decides(void **state) {
    (void)state;
    struct workday day = new_day();
    take(&day, MINOR(2000000));
    size_t lost = take(&day, MINOR(500000));
    size_t close = close_day(&day, 2, MINOR(2500000));
    const size_t here[] = {0, close};
    assert_answer(writer_push(&day.w, here, 2), OK);
    uuid id = day.w.entries[close].id.u;
    assert_true(get(id)->has_gap);
    counted(id, 20, 0);
    struct rig_answer answer = accept_with(teller.cashier, id, NULL);
    assert_answer(answer, OK);
    const Tagih__V1__AcceptSettlementResponse *response = answer.response;
    assert_int_equal(response->settlement->state, PROTO_STATE(COUNTED));
    assert_true(strlen(response->proposal_id) == 36);
    assert_int_equal(lines(id, POSTING_OF_SETTLEMENT), 0);
    assert_answer(teller_decide(&teller, second, response->proposal_id, true), NOT_PERMITTED);
    assert_answer(teller_decide(&teller, teller.supervisor, response->proposal_id, true), OK);
    assert_int_equal(get(id)->state, PROTO_STATE(MATCHED));
    assert_int_equal(line(id, POSTING_OF_SETTLEMENT, LEDGER_VAULT), MINOR(2000000));
    assert_int_equal(teller_number(&teller, "select count(*) from settlement_event where settlement_id = '%s' and proposal_id is not null", id), 1);
    assert_answer(writer_push(&day.w, &lost, 1), OK); /* it comes after all: expected of the next one */
    assert_int_equal(balance(day.collector, "cash_held_minor"), MINOR(500000));
    size_t next = close_day(&day, day.w.seq, MINOR(500000));
    assert_answer(writer_push(&day.w, &next, 1), OK);
    assert_int_equal(get(day.w.entries[next].id.u)->expected->minor, MINOR(500000));
    assert_false(get(day.w.entries[next].id.u)->has_gap);
    writer_end(&day.w);
}

//= RULES.md R-CSH-2
//  No DAY_CLOSE (dead phone): a supervisor declares for him.
static void for_a_dead_phone_a_supervisor_declares(void **state) {
    (void)state;
    struct workday day = new_day();
    size_t receipt = take(&day, MINOR(1200000));
    push_all(&day);
    user_id both = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR | ROLE_SUPERVISOR);
    Tagih__V1__Money sum = TAGIH__V1__MONEY__INIT;
    Tagih__V1__DeclareSettlementRequest request = TAGIH__V1__DECLARE_SETTLEMENT_REQUEST__INIT;
    sum.minor = MINOR(1200000);
    sum.currency = TEXT("IDR");
    request.collector_id = TEXT(rig_text(day.collector.u));
    request.declared = &sum;
    request.reason = TEXT("the phone fell into a river");
    request.request_id = TEXT(rig_text(rig_id()));
    assert_answer(rig_call(&rig, token(teller.cashier), "CashService/DeclareSettlement", &request), NOT_PERMITTED);
    request.collector_id = TEXT(rig_text(both.u));
    assert_answer(rig_call(&rig, token(both), "CashService/DeclareSettlement", &request), SETTLEMENT_OWN);
    request.collector_id = TEXT(rig_text(day.collector.u));
    struct rig_answer answer = rig_call(&rig, token(teller.supervisor), "CashService/DeclareSettlement", &request);
    assert_answer(answer, OK);
    const Tagih__V1__Settlement *settlement = ((const Tagih__V1__DeclareSettlementResponse *)answer.response)->settlement;
    assert_int_equal(settlement->state, PROTO_STATE(DECLARED));
    assert_string_equal(settlement->device_id, "");
    assert_string_equal(settlement->declared_by, rig_text(teller.supervisor.u));
    assert_int_equal(settlement->expected->minor, MINOR(1200000));
    uuid id;
    assert_ok(uuid_parse(settlement->settlement_id, &id));
    struct journal_entry voided = writer_void(&day.w, receipt, MINOR(1200000)); /* R-REC-2: it is in a DECLARED settlement */
    size_t void_at = writer_sign(&day.w, &voided);
    struct rig_answer pushed = writer_push(&day.w, &void_at, 1);
    struct acknowledgement ack = writer_ack(&day.w, &pushed, 0, void_at);
    assert_true(ack_says(&ack, REASON_VOID_APPROVAL));
    counted(id, 12, 0);
    assert_int_equal(accepted(id)->state, PROTO_STATE(MATCHED));
    request.request_id = TEXT(rig_text(rig_id()));
    request.collector_id = TEXT(rig_text(teller.cashier.u)); /* takes no cash in the field */
    assert_answer(rig_call(&rig, token(teller.supervisor), "CashService/DeclareSettlement", &request), NOT_PERMITTED);
    writer_end(&day.w);
}

static void settlements_come_in_pages_and_collectors_see_their_own(void **state) {
    (void)state;
    struct workday day = new_day();
    uuid mine = declared(&day);
    Tagih__V1__ListSettlementsRequest request = TAGIH__V1__LIST_SETTLEMENTS_REQUEST__INIT;
    request.page_size = 2;
    size_t seen = 0, found = 0;
    char page[200] = "";
    int64_t before_us = INT64_MIN;
    do {
        request.page_token = page;
        struct rig_answer answer = rig_call(&rig, token(teller.cashier), "CashService/ListSettlements", &request);
        assert_answer(answer, OK);
        const Tagih__V1__ListSettlementsResponse *response = answer.response;
        for (size_t i = 0; i < response->n_settlements; i++) {
            assert_true(response->settlements[i]->value_us >= before_us);
            before_us = response->settlements[i]->value_us;
            found += strcmp(response->settlements[i]->settlement_id, rig_text(mine)) == 0;
        }
        seen += response->n_settlements;
        snprintf(page, sizeof page, "%s", response->next_page_token);
    } while (*page);
    assert_int_equal(found, 1);
    assert_int_equal(seen, pg_number(&rig.pg, "select count(*) from settlement"));
    request = (Tagih__V1__ListSettlementsRequest)TAGIH__V1__LIST_SETTLEMENTS_REQUEST__INIT;
    request.open_only = true;
    struct rig_answer answer = rig_call(&rig, token(day.collector), "CashService/ListSettlements", &request);
    assert_answer(answer, OK);
    assert_int_equal(((const Tagih__V1__ListSettlementsResponse *)answer.response)->n_settlements, 1);
    request.collector_id = TEXT(rig_text(second.u));
    assert_answer(rig_call(&rig, token(day.collector), "CashService/ListSettlements", &request), NOT_PERMITTED);
    user_id stranger = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    Tagih__V1__GetSettlementRequest one = TAGIH__V1__GET_SETTLEMENT_REQUEST__INIT;
    one.settlement_id = TEXT(rig_text(mine));
    assert_answer(rig_call(&rig, token(day.collector), "CashService/GetSettlement", &one), OK);
    assert_answer(rig_call(&rig, token(stranger), "CashService/GetSettlement", &one), NOT_PERMITTED);
    writer_end(&day.w);
}

/* ---- shortages ------------------------------------------------------------------------------------------------------ */

static const Tagih__V1__Shortage *shortage_of(user_id collector) {
    Tagih__V1__ListShortagesRequest request = TAGIH__V1__LIST_SHORTAGES_REQUEST__INIT;
    request.collector_id = TEXT(rig_text(collector.u));
    request.with_settled = true;
    struct rig_answer answer = rig_call(&rig, token(teller.supervisor), "CashService/ListShortages", &request);
    assert_answer(answer, OK);
    const Tagih__V1__ListShortagesResponse *response = answer.response;
    assert_int_equal(response->n_shortages, 1);
    return response->shortages[0];
}

static struct rig_answer repay(user_id by, user_id collector, int64_t amount_minor, const char *etag) {
    const Tagih__V1__Shortage *shortage = shortage_of(collector);
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    Tagih__V1__RepayShortageRequest request = TAGIH__V1__REPAY_SHORTAGE_REQUEST__INIT;
    amount.minor = amount_minor;
    amount.currency = TEXT("IDR");
    request.shortage_id = shortage->shortage_id;
    request.amount = &amount;
    request.request_id = TEXT(rig_text(rig_id()));
    request.etag = TEXT(etag ? etag : shortage->etag);
    return rig_call(&rig, token(by), "CashService/RepayShortage", &request);
}

static struct rig_answer write_off(user_id by, user_id collector) {
    const Tagih__V1__Shortage *shortage = shortage_of(collector);
    Tagih__V1__WriteOffShortageRequest request = TAGIH__V1__WRITE_OFF_SHORTAGE_REQUEST__INIT;
    request.shortage_id = shortage->shortage_id;
    request.reason = TEXT("he cannot pay");
    request.request_id = TEXT(rig_text(rig_id()));
    request.etag = shortage->etag;
    return rig_call(&rig, token(by), "CashService/WriteOffShortage", &request);
}

static uuid short_of_200000(struct workday *day) {
    uuid id = declared(day);
    counted(id, 98, 0);
    assert_int_equal(accepted(id)->state, PROTO_STATE(SHORT));
    return id;
}

//= RULES.md R-CSH-2
//  a shortage to **collector receivable**
static void a_shortage_is_repaid_in_parts_and_never_more_than_all(void **state) {
    (void)state;
    struct workday day = new_day();
    uuid id = short_of_200000(&day);
    char stale[64];
    snprintf(stale, sizeof stale, "%s", shortage_of(day.collector)->etag);
    assert_answer(repay(teller.cashier, day.collector, MINOR(200001), NULL), SHORTAGE_AMOUNT);
    assert_answer(repay(teller.cashier, day.collector, 0, NULL), CASH_AMOUNT);
    assert_answer(repay(teller.cashier, day.collector, MINOR(50000), NULL), OK);
    assert_answer(repay(teller.cashier, day.collector, MINOR(150000), stale), SHORTAGE_CHANGED);
    int64_t before_minor = vault(teller.cashier);
    assert_answer(repay(teller.cashier, day.collector, MINOR(150000), NULL), OK);
    assert_int_equal(vault(teller.cashier) - before_minor, MINOR(150000));
    // J13, in two parts: vault 200 000 · collector receivable 200 000
    assert_int_equal(line(id, POSTING_OF_SHORTAGE, LEDGER_VAULT), MINOR(200000));
    assert_int_equal(line(id, POSTING_OF_SHORTAGE, LEDGER_COLLECTOR_RECEIVABLE), -MINOR(200000));
    assert_int_equal(lines(id, POSTING_OF_SHORTAGE), 4);
    assert_int_equal(shortage_of(day.collector)->open_minor, 0);
    assert_int_equal(balance(day.collector, "collector_receivable_minor"), 0);
    assert_answer(repay(teller.cashier, day.collector, MINOR(1000), NULL), SHORTAGE_AMOUNT);
    assert_answer(write_off(teller.supervisor, day.collector), SHORTAGE_AMOUNT);
    writer_end(&day.w);
}

//= RULES.md R-CSH-2
//  a shortage becomes expense only by a second person's write-off
static void only_a_second_person_writes_a_shortage_off(void **state) {
    (void)state;
    struct workday day = new_day();
    uuid id = short_of_200000(&day);
    struct rig_answer answer = write_off(teller.supervisor, day.collector);
    assert_answer(answer, OK);
    const char *proposal = ((const Tagih__V1__WriteOffShortageResponse *)answer.response)->proposal_id;
    assert_answer(write_off(other_supervisor, day.collector), PROPOSAL_EXISTS);
    assert_int_equal(lines(id, POSTING_OF_SHORTAGE), 0);
    assert_answer(teller_decide(&teller, teller.supervisor, proposal, true), PROPOSAL_OWN);
    assert_answer(teller_decide(&teller, other_supervisor, proposal, true), OK);
    // J13: cash short 200 000 · collector receivable 200 000
    assert_int_equal(line(id, POSTING_OF_SHORTAGE, LEDGER_CASH_SHORT), MINOR(200000));
    assert_int_equal(line(id, POSTING_OF_SHORTAGE, LEDGER_COLLECTOR_RECEIVABLE), -MINOR(200000));
    assert_int_equal(lines(id, POSTING_OF_SHORTAGE), 2);
    assert_int_equal(shortage_of(day.collector)->open_minor, 0);
    writer_end(&day.w);
}

static void what_was_repaid_since_the_proposal_is_not_written_off(void **state) {
    (void)state;
    struct workday day = new_day();
    short_of_200000(&day);
    struct rig_answer answer = write_off(teller.supervisor, day.collector);
    assert_answer(answer, OK);
    assert_answer(repay(teller.cashier, day.collector, MINOR(100000), NULL), OK);
    const char *proposal = ((const Tagih__V1__WriteOffShortageResponse *)answer.response)->proposal_id;
    assert_answer(teller_decide(&teller, other_supervisor, proposal, true), SHORTAGE_CHANGED);
    assert_int_equal(shortage_of(day.collector)->open_minor, MINOR(100000));
    writer_end(&day.w);
}

/* ---- deposits ------------------------------------------------------------------------------------------------------- */

static const char *setor = "SETOR-77";

static struct rig_answer bank(user_id by, int64_t amount_minor, const uuid *settlements, size_t n) {
    char texts[4][UUID_TEXT_SIZE], *list[4];
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    Tagih__V1__DepositCashRequest request = TAGIH__V1__DEPOSIT_CASH_REQUEST__INIT;
    for (size_t i = 0; i < n; i++) {
        uuid_format(settlements[i], texts[i]);
        list[i] = texts[i];
    }
    amount.minor = amount_minor;
    amount.currency = TEXT("IDR");
    request.amount = &amount;
    request.bank_reference = TEXT(setor);
    request.settlement_ids = list;
    request.n_settlement_ids = n;
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(by), "CashService/DepositCash", &request);
}

static const Tagih__V1__Deposit *banked(user_id by, int64_t amount_minor, const uuid *settlements, size_t n) {
    struct rig_answer answer = bank(by, amount_minor, settlements, n);
    assert_answer(answer, OK);
    return ((const Tagih__V1__DepositCashResponse *)answer.response)->deposit;
}

static struct rig_answer match(user_id by, const char *deposit_id, const char *etag) {
    Tagih__V1__MatchDepositRequest request = TAGIH__V1__MATCH_DEPOSIT_REQUEST__INIT;
    request.deposit_id = TEXT(deposit_id);
    request.reason = TEXT("line 12 of the statement of today");
    request.request_id = TEXT(rig_text(rig_id()));
    request.etag = TEXT(etag);
    return rig_call(&rig, token(by), "CashService/MatchDeposit", &request);
}

/* A cashier of his own, with one accepted settlement of 9 800 000 in his vault. */
static uuid vaulted(user_id cashier) {
    struct workday day = new_day();
    uuid id = declared(&day);
    assert_answer(count_as(token(cashier), id, &(struct count){.hundreds = 98}), OK);
    accepted(id);
    writer_end(&day.w);
    return id;
}

//= RULES.md R-CSH-2
//  DEPOSITED (bank reference) → BANK_MATCHED
static void a_line_of_the_banks_statement_matches_a_deposit(void **state) {
    (void)state;
    user_id cashier = rig_user(&rig, teller.agency, NULL, ROLE_CASHIER);
    uuid id = vaulted(cashier);
    setor = "SETOR-78"; /* a reference of its own */
    const Tagih__V1__Deposit *made = banked(cashier, MINOR(9800000), &id, 1);
    const Tagih__V1__BankRowResult *row = teller_bank_line(&teller, "DEP-1", "9800000", "SETOR-78");
    assert_string_equal(row->result, "SETTLED");
    assert_string_equal(row->expected_id, made->deposit_id);
    assert_int_equal(get(id)->state, PROTO_STATE(BANK_MATCHED));
    // J15: bank 9 800 000 · deposit in transit 9 800 000
    char sql[400];
    snprintf(sql, sizeof sql, "select sum(l.amount_minor)::int8 from ledger_line l join bank_line b using (agency_id, posting_id)"
             " where b.line_id = '%s' and l.ledger_account = %d", row->line_id, LEDGER_BANK);
    assert_int_equal(pg_number(&rig.pg, sql), MINOR(9800000));
    snprintf(sql, sizeof sql, "select sum(l.amount_minor)::int8 from ledger_line l join bank_line b using (agency_id, posting_id)"
             " where b.line_id = '%s' and l.ledger_account = %d", row->line_id, LEDGER_DEPOSIT_IN_TRANSIT);
    assert_int_equal(pg_number(&rig.pg, sql), -MINOR(9800000));
    assert_string_equal(teller_bank_line(&teller, "DEP-1", "9800000", "SETOR-78")->result, "SAME");
    assert_string_equal(teller_bank_line(&teller, "DEP-2", "9800000", "SETOR-78")->result, "SUSPENSE"); /* it was brought once */
    setor = "SETOR-77";
}

//= RULES.md R-CSH-2e
//  A deposit that is matched by hand joins the line that is here already under its reference
static void settlements_follow_a_deposit_whose_line_came_before_it(void **state) {
    (void)state;
    user_id cashier = rig_user(&rig, teller.agency, NULL, ROLE_CASHIER);
    uuid id = vaulted(cashier);
    assert_string_equal(teller_bank_line(&teller, "DEP-3", "9800000", "SETOR-79")->result, "SUSPENSE");
    setor = "SETOR-79";
    const Tagih__V1__Deposit *made = banked(cashier, MINOR(9800000), &id, 1);
    setor = "SETOR-77";
    assert_answer(match(second, made->deposit_id, made->etag), OK);
    assert_int_equal(get(id)->state, PROTO_STATE(BANK_MATCHED));
    // J15, second half, whose bank was booked by J20: suspense 9 800 000 · deposit in transit 9 800 000
    uuid deposit;
    assert_ok(uuid_parse(made->deposit_id, &deposit));
    assert_int_equal(line(deposit, POSTING_OF_DEPOSIT, LEDGER_SUSPENSE), MINOR(9800000));
    assert_int_equal(line(deposit, POSTING_OF_DEPOSIT, LEDGER_DEPOSIT_IN_TRANSIT), -MINOR(9800000));
    assert_int_equal(lines(deposit, POSTING_OF_DEPOSIT), 2);
}

//= RULES.md R-CSH-2
//  DEPOSITED (bank reference) → BANK_MATCHED
static void a_deposit_leaves_the_vault_and_reaches_the_bank(void **state) {
    (void)state;
    user_id cashier = rig_user(&rig, teller.agency, NULL, ROLE_CASHIER);
    uuid id = vaulted(cashier), deposit;
    const Tagih__V1__Deposit *made = banked(cashier, MINOR(9800000), &id, 1);
    assert_ok(uuid_parse(made->deposit_id, &deposit));
    char sql[200];
    // J15: deposit in transit 9 800 000 · vault 9 800 000
    snprintf(sql, sizeof sql, "select amount_minor from ledger_line where posting_id = '%%s' and ledger_account = %d", LEDGER_DEPOSIT_IN_TRANSIT);
    assert_int_equal(teller_number(&teller, sql, deposit), MINOR(9800000));
    snprintf(sql, sizeof sql, "select amount_minor from ledger_line where posting_id = '%%s' and ledger_account = %d", LEDGER_VAULT);
    assert_int_equal(teller_number(&teller, sql, deposit), -MINOR(9800000));
    assert_int_equal(vault(cashier), 0);
    assert_int_equal(get(id)->state, PROTO_STATE(DEPOSITED));
    assert_string_equal(get(id)->deposit_id, made->deposit_id);
    assert_answer(match(cashier, made->deposit_id, made->etag), SETTLEMENT_OWN);
    assert_answer(match(second, made->deposit_id, "d7"), DEPOSIT_CHANGED);
    assert_answer(match(second, made->deposit_id, made->etag), OK);
    // J15, second half: bank 9 800 000 · deposit in transit 9 800 000
    assert_int_equal(line(deposit, POSTING_OF_DEPOSIT, LEDGER_BANK), MINOR(9800000));
    assert_int_equal(line(deposit, POSTING_OF_DEPOSIT, LEDGER_DEPOSIT_IN_TRANSIT), -MINOR(9800000));
    assert_int_equal(lines(deposit, POSTING_OF_DEPOSIT), 2);
    assert_int_equal(get(id)->state, PROTO_STATE(BANK_MATCHED));
    assert_answer(match(second, made->deposit_id, "d2"), DEPOSIT_SETTLED);
    assert_answer(match(second, rig_text(rig_id()), "d1"), NOT_PERMITTED);
}

//= RULES.md R-CSH-2c
//  A deposit covers whole settlements
static void a_deposit_covers_many_settlements_and_each_once(void **state) {
    (void)state;
    user_id cashier = rig_user(&rig, teller.agency, NULL, ROLE_CASHIER);
    uuid both[2] = {vaulted(cashier), vaulted(cashier)}, foreign = vaulted(second);
    struct workday open = new_day();
    uuid uncounted = declared(&open);
    uuid with_open[2] = {both[0], uncounted}, with_foreign[2] = {both[0], foreign}, twice[2] = {both[0], both[0]};
    assert_answer(bank(cashier, MINOR(19600000), with_open, 2), SETTLEMENT_ILLEGAL_TRANSITION);
    assert_answer(bank(cashier, MINOR(19600000), with_foreign, 2), DEPOSIT_COVERS);
    assert_answer(bank(cashier, MINOR(19600000), twice, 2), DEPOSIT_COVERS);
    assert_answer(bank(cashier, MINOR(19599000), both, 2), DEPOSIT_COVERS); /* not all of their cash */
    assert_answer(bank(cashier, MINOR(19601000), both, 2), VAULT_SHORT);
    assert_answer(bank(cashier, 0, both, 2), CASH_AMOUNT);
    assert_int_equal(vault(cashier), MINOR(19600000));
    banked(cashier, MINOR(19600000), both, 2);
    assert_int_equal(vault(cashier), 0);
    assert_answer(bank(cashier, MINOR(9800000), both, 1), SETTLEMENT_ILLEGAL_TRANSITION);
    assert_answer(bank(cashier, MINOR(1000), NULL, 0), VAULT_SHORT);
    Tagih__V1__ListDepositsRequest request = TAGIH__V1__LIST_DEPOSITS_REQUEST__INIT;
    request.in_transit_only = true;
    struct rig_answer answer = rig_call(&rig, token(teller.supervisor), "CashService/ListDeposits", &request);
    assert_answer(answer, OK);
    assert_true(((const Tagih__V1__ListDepositsResponse *)answer.response)->n_deposits >= 1);
    writer_end(&open.w);
}

/* ---- exposure ------------------------------------------------------------------------------------------------------- */

//= RULES.md R-CSH-2
//  his exposure = cash held + his transit
static void exposure_is_told_by_collector_and_by_age(void **state) {
    (void)state;
    struct workday day = new_day();
    take(&day, MINOR(3000000));
    take(&day, MINOR(1000000));
    struct journal_entry deposit = writer_entry(&day.w, JOURNAL_DEPOSIT);
    deposit.body.deposit = (struct journal_deposit){.amount_minor = MINOR(1500000), .currency = {"IDR"},
                                                    .bank_reference = bytes_text("DEP-9")};
    writer_sign(&day.w, &deposit);
    push_all(&day);
    Tagih__V1__GetExposureRequest request = TAGIH__V1__GET_EXPOSURE_REQUEST__INIT;
    request.collector_id = TEXT(rig_text(day.collector.u));
    struct rig_answer answer = rig_call(&rig, token(teller.supervisor), "CashService/GetExposure", &request);
    assert_answer(answer, OK);
    const Tagih__V1__GetExposureResponse *response = answer.response;
    assert_int_equal(response->n_collectors, 1);
    assert_int_equal(response->n_agency, 0);
    const Tagih__V1__Exposure *e = response->collectors[0];
    assert_int_equal(e->cash_held->total_minor, MINOR(2500000));
    assert_int_equal(e->in_transit->total_minor, MINOR(1500000));
    assert_int_equal(e->exposure_minor, MINOR(4000000));
    assert_int_equal(e->cash_held->today_minor + e->cash_held->yesterday_minor, MINOR(2500000));
    assert_answer(rig_call(&rig, token(day.collector), "CashService/GetExposure", &request), OK);
    assert_answer(rig_call(&rig, token(rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR)), "CashService/GetExposure", &request), NOT_PERMITTED);
    request.collector_id = TEXT("");
    request.page_size = 200;
    answer = rig_call(&rig, token(teller.supervisor), "CashService/GetExposure", &request);
    assert_answer(answer, OK);
    response = answer.response;
    assert_int_equal(response->n_agency, 1);
    const Tagih__V1__Exposure *all = response->agency[0];
    assert_int_equal(all->cash_held->total_minor, pg_number(&rig.pg, "select sum(cash_held_minor) from collector_state"));
    assert_int_equal(all->receivable->total_minor, pg_number(&rig.pg, "select sum(collector_receivable_minor) from collector_state"));
    assert_int_equal(all->in_transit->total_minor, pg_number(&rig.pg, "select sum(amount_minor) from ledger_line where ledger_account = 10"));
    assert_int_equal(all->vault_minor, pg_number(&rig.pg, "select sum(amount_minor) from ledger_line where ledger_account = 9"));
    writer_end(&day.w);
}

/* ---- limits --------------------------------------------------------------------------------------------------------- */

static const Tagih__V1__CashLimits *limits_of(user_id collector) {
    Tagih__V1__GetCashLimitsRequest request = TAGIH__V1__GET_CASH_LIMITS_REQUEST__INIT;
    if (!uuid_is_nil(collector.u)) request.collector_id = TEXT(rig_text(collector.u));
    struct rig_answer answer = rig_call(&rig, token(teller.supervisor), "CashService/GetCashLimits", &request);
    assert_answer(answer, OK);
    return ((const Tagih__V1__GetCashLimitsResponse *)answer.response)->limits;
}

static struct rig_answer set_limits(user_id collector, int64_t soft_minor, int64_t hard_minor, const char *etag) {
    Tagih__V1__CashLimits limits = TAGIH__V1__CASH_LIMITS__INIT;
    Tagih__V1__SetCashLimitsRequest request = TAGIH__V1__SET_CASH_LIMITS_REQUEST__INIT;
    if (!uuid_is_nil(collector.u)) limits.collector_id = TEXT(rig_text(collector.u));
    limits.soft_minor = soft_minor;
    limits.hard_minor = hard_minor;
    limits.receipt_minor = MINOR(5000000);
    limits.etag = TEXT(etag);
    request.limits = &limits;
    request.reason = TEXT("a new route");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(teller.supervisor), "CashService/SetCashLimits", &request);
}

/* One round of the minute over all agencies, as the server does it. */
static void watch(void) {
    struct db db = {0};
    struct arena arena;
    struct db_options options = {.conninfo = rig.app_conninfo, .worker = "spec", .statements = &store_statements};
    size_t n = CASH_WATCH_MAX;
    assert_ok(db_open(&db, &options));
    assert_true(grow_arena_open(&arena));
    while (n == CASH_WATCH_MAX) {
        assert_ok(cash_watch(&db, &arena, teller.agency, clock_now(), clock_monotonic_us() + 10 * US_PER_S, &n));
    }
    grow_arena_close(&arena);
    db_release(&db);
}

static int64_t told(user_id collector, enum change_kind kind) {
    char sql[200];
    snprintf(sql, sizeof sql, "select count(*) from change where object_id = '%%s' and kind = %d", (int)kind);
    return teller_number(&teller, sql, collector.u);
}

//= RULES.md R-CSH-3
//  Limits **(default 10 000 000 IDR held, noon of the next working day)**: soft warns the supervisor, hard shows in the
//  allowance; every breach is an event.
static void each_breach_is_told_once(void **state) {
    (void)state;
    struct workday day = new_day();
    const Tagih__V1__CashLimits *limits = limits_of(day.collector);
    assert_int_equal(limits->soft_minor, MINOR(10000000));
    assert_int_equal(limits->hard_minor, MINOR(10000000));
    assert_string_equal(limits->etag, "l0");
    assert_answer(set_limits(day.collector, MINOR(8000000), MINOR(7000000), "l0"), CASH_LIMITS);
    assert_answer(set_limits(day.collector, -1, MINOR(7000000), "l0"), CASH_LIMITS);
    assert_answer(set_limits(day.collector, MINOR(4000000), MINOR(6000000), "l0"), OK);
    assert_answer(set_limits(day.collector, MINOR(4000000), MINOR(6000000), "l0"), CASH_LIMITS_CHANGED);
    assert_answer(set_limits(teller.cashier, 0, 0, "l0"), NOT_PERMITTED);
    assert_string_equal(limits_of(day.collector)->etag, "l1");
    take(&day, MINOR(5000000));
    push_all(&day);
    watch();
    watch();
    assert_int_equal(told(day.collector, CHANGE_CASH_SOFT_LIMIT), 1);
    assert_int_equal(told(day.collector, CHANGE_CASH_HARD_LIMIT), 0);
    size_t at = take(&day, MINOR(2000000));
    struct rig_answer pushed = writer_push(&day.w, &at, 1);
    struct acknowledgement ack = writer_ack(&day.w, &pushed, 0, at);
    assert_true(ack_says(&ack, REASON_OVER_ALLOWANCE)); /* R-REC-5, by his own limit */
    watch();
    assert_int_equal(told(day.collector, CHANGE_CASH_SOFT_LIMIT), 1);
    assert_int_equal(told(day.collector, CHANGE_CASH_HARD_LIMIT), 1);
    size_t close = close_day(&day, day.w.seq, MINOR(7000000));
    assert_answer(writer_push(&day.w, &close, 1), OK);
    counted(day.w.entries[close].id.u, 70, 0);
    accepted(day.w.entries[close].id.u);
    watch();
    take(&day, MINOR(4500000));
    push_all(&day);
    watch();
    assert_int_equal(told(day.collector, CHANGE_CASH_SOFT_LIMIT), 2); /* a new breach */
    assert_int_equal(teller_number(&teller, "select count(*) from cash_breach where collector_id = '%s'", day.collector.u), 4);
    writer_end(&day.w);
}

static struct allowance allowance_of(const struct rig_phone *phone) {
    Tagih__V1__PullRequest request = TAGIH__V1__PULL_REQUEST__INIT;
    struct rig_answer answer = rig_call(&rig, phone->token, "SyncService/Pull", &request);
    assert_answer(answer, OK);
    const Tagih__V1__PullResponse *response = answer.response;
    struct allowance allowance = {.count = 0};
    struct envelope envelope;
    for (size_t i = 0; i < response->n_changes; i++) {
        if (response->changes[i]->item_case != TAGIH__V1__PULL_CHANGE__ITEM_ALLOWANCE) continue;
        struct bytes document = bytes_make(response->changes[i]->allowance.data, response->changes[i]->allowance.len);
        assert_ok(allowance_open(document, rig.installation, &allowance, &envelope));
    }
    return allowance;
}

//= RULES.md R-CSH-3a
//  The allowance shows the hard limit, and nothing while he holds cash past its time
static void cash_past_its_time_is_told_and_stops_the_allowance_until_the_deposit(void **state) {
    (void)state;
    struct workday day = new_day();
    assert_int_equal(allowance_of(&day.w.phone).cash_held_minor, MINOR(10000000));
    size_t at = take(&day, MINOR(900000));
    push_all(&day);
    char sql[400]; /* as though he had taken it five days ago: the facts are the database owner's */
    snprintf(sql, sizeof sql,
             "alter table receipt disable trigger fact; update receipt set value_us = value_us - 432000000000, value_on = value_on - 5"
             " where entry_id = '%s'; alter table receipt enable trigger fact", rig_text(day.w.entries[at].id.u));
    pg_exec(&rig.pg, sql);
    watch();
    assert_int_equal(told(day.collector, CHANGE_CASH_AGED), 1);
    assert_int_equal(told(day.collector, CHANGE_CASH_ALLOWANCE), 1);
    assert_int_equal(allowance_of(&day.w.phone).cash_held_minor, 0);
    struct journal_entry deposit = writer_entry(&day.w, JOURNAL_DEPOSIT);
    deposit.body.deposit = (struct journal_deposit){.amount_minor = MINOR(900000), .currency = {"IDR"},
                                                    .bank_reference = bytes_text("DEP-10")};
    size_t deposit_at = writer_sign(&day.w, &deposit);
    struct rig_answer pushed = writer_push(&day.w, &deposit_at, 1);
    assert_int_equal(writer_ack(&day.w, &pushed, 0, deposit_at).fate, FATE_POSTED);
    assert_int_equal(allowance_of(&day.w.phone).cash_held_minor, MINOR(10000000)); /* refilled */
    writer_end(&day.w);
}

/* ---- the books ------------------------------------------------------------------------------------------------------ */

static void an_independent_program_computes_all_books_again(void **state) {
    (void)state;
    assert_books_hold(rig.pg.conninfo);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from vault_state v where vault_minor <> coalesce((select sum(amount_minor)"
                                        " from ledger_line l where l.ledger_account = 9 and l.owner_id = v.cashier_id), 0)"), 0);
}

//= RULES.md R-LED-1a
//  `verify` finds a value that was changed, a row that was taken out or put in
static void what_the_bank_should_show_of_it_is_worked_out_again(void **state) {
    (void)state;
    assert_bank_is_worked_out(&rig, teller.agency, EXPECTED_DEPOSIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_settlement_becomes_the_collectors_debt),
        cmocka_unit_test(what_is_too_much_is_cash_over),
        cmocka_unit_test(a_count_may_be_repeated_and_the_newest_stands),
        cmocka_unit_test(what_is_not_counted_is_not_accepted_and_nothing_is_accepted_twice),
        cmocka_unit_test(a_count_of_no_notes_or_another_sum_is_refused),
        cmocka_unit_test(a_collector_who_is_a_cashier_too_does_not_count_his_own),
        cmocka_unit_test(of_two_cashiers_at_once_one_wins_and_the_other_is_told),
        cmocka_unit_test(later_receipts_belong_to_the_next_settlement),
        cmocka_unit_test(an_earlier_settlement_comes_first),
        cmocka_unit_test(what_changes_between_looking_and_accepting_is_told),
        cmocka_unit_test(behind_a_gap_a_supervisor_decides),
        cmocka_unit_test(for_a_dead_phone_a_supervisor_declares),
        cmocka_unit_test(settlements_come_in_pages_and_collectors_see_their_own),
        cmocka_unit_test(a_shortage_is_repaid_in_parts_and_never_more_than_all),
        cmocka_unit_test(only_a_second_person_writes_a_shortage_off),
        cmocka_unit_test(what_was_repaid_since_the_proposal_is_not_written_off),
        cmocka_unit_test(a_deposit_leaves_the_vault_and_reaches_the_bank),
        cmocka_unit_test(a_line_of_the_banks_statement_matches_a_deposit),
        cmocka_unit_test(settlements_follow_a_deposit_whose_line_came_before_it),
        cmocka_unit_test(a_deposit_covers_many_settlements_and_each_once),
        cmocka_unit_test(exposure_is_told_by_collector_and_by_age),
        cmocka_unit_test(an_independent_program_computes_all_books_again),
        cmocka_unit_test(each_breach_is_told_once),
        cmocka_unit_test(cash_past_its_time_is_told_and_stops_the_allowance_until_the_deposit),
        cmocka_unit_test(what_the_bank_should_show_of_it_is_worked_out_again),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
