/* SPDX-License-Identifier: Apache-2.0 */
/* Payments of other sources than the field: what they are tagged, what they earn, and who may bring them. */
#include "server/domain/account.h"
#include "server/domain/gate.h"
#include "tagih/payment.h"
#include "tests/support/desk.h"

#define SOURCE(name) TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_##name
#define TAG(name) TAGIH__V1__PAYMENT_TAG__PAYMENT_TAG_##name

enum { OF_PAYMENT = 1 }; /* posting.kind */

static const user_id nobody;

static int open_rig(void **state) {
    open_desk(state);
    collector = rig_user(&rig, teller.agency, "budi", ROLE_COLLECTOR);
    return 0;
}

static const Tagih__V1__Payment *posted(account_id account, const struct paid *paid) {
    struct rig_answer answer = teller_post(&teller, account, paid);
    assert_answer(answer, OK);
    return ((const Tagih__V1__PostPaymentResponse *)answer.response)->payment;
}

/* ---- sources and tags ----------------------------------------------------------------------------------------- */

static const struct {
    Tagih__V1__PaymentSource source;
    const char *tag;
} sources[] = {{SOURCE(GATEWAY), "GATEWAY"}, {SOURCE(BRANCH), "BRANCH"}, {SOURCE(LAWYER), "LAWYER"},
               {SOURCE(ENFORCEMENT), "ENFORCEMENT"}, {SOURCE(COLLATERAL), "COLLATERAL"},
               {SOURCE(GUARANTEE_FUND), "GUARANTEE_FUND"}, {SOURCE(INSURANCE), "INSURANCE"}};

//= RULES.md R-TAG-1a
//  The sources of PostPayment are GATEWAY, BRANCH, LAWYER, ENFORCEMENT, COLLATERAL, GUARANTEE_FUND and INSURANCE; each
//  has references of its own.
static void every_source_posts_through_transfer_clearing_under_its_own_tag(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        account_id account = teller_account(&teller, nobody, &debt_j1, 1);
        const Tagih__V1__Payment *payment = posted(account, &(struct paid){.source = sources[i].source, .amount_minor = MINOR(1000000),
                                                                           .reference = "THE-SAME"});
        payment_id id = (payment_id){rig_uuid(payment->payment_id)};
        assert_int_equal(payment->source, sources[i].source);
        assert_string_equal(payment->tag, sources[i].tag);
        // J31: transfer clearing 1 000 000 · receivable 1 000 000
        assert_int_equal(teller_line(&teller, id, OF_PAYMENT, LEDGER_TRANSFER_CLEARING), MINOR(1000000));
        assert_int_equal(teller_line(&teller, id, OF_PAYMENT, LEDGER_RECEIVABLE_FEES), -MINOR(40000));
        assert_int_equal(teller_line(&teller, id, OF_PAYMENT, LEDGER_RECEIVABLE_PENALTY), -MINOR(60000));
        assert_int_equal(teller_line(&teller, id, OF_PAYMENT, LEDGER_RECEIVABLE_INTEREST), -MINOR(400000));
        assert_int_equal(teller_line(&teller, id, OF_PAYMENT, LEDGER_RECEIVABLE_PRINCIPAL), -MINOR(500000));
        assert_int_equal(teller_number(&teller, "select count(*) from ledger_line where posting_id = '%s'", id.u), 5);
    }
}

//= RULES.md R-TAG-1a
//  A payment that is no receipt is tagged by its source (BANK as BRANCH) unless its sender says why the money came
static void a_sender_may_say_why_the_money_came_and_nothing_that_does_not_fit(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    struct paid paid = {.amount_minor = 100, .source = SOURCE(BRANCH), .tag = TAG(WRITTEN_OFF_RECOVERY)};
    assert_string_equal(posted(account, &paid)->tag, "WRITTEN_OFF_RECOVERY");
    const Tagih__V1__PaymentTag wrong[] = {TAG(FIELD_CASH), TAG(FIELD_TRANSFER), TAG(GATEWAY), TAG(AUCTION)};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        paid.tag = wrong[i];
        struct rig_answer answer = teller_post(&teller, account, &paid);
        assert_answer(answer, PAYMENT_TAG);
        assert_string_equal(answer.field, "tag");
    }
    const Tagih__V1__PaymentSource elsewhere[] = {SOURCE(UNSPECIFIED) + 99, SOURCE(FIELD), SOURCE(BANK), SOURCE(AUCTION)};
    for (size_t i = 1; i < COUNT_OF(elsewhere); i++) {
        struct rig_answer answer = teller_post(&teller, account, &(struct paid){.amount_minor = 100, .source = elsewhere[i]});
        assert_answer(answer, REQUEST_FIELD_RANGE);
        assert_string_equal(answer.field, "source");
    }
    assert_answer(teller_post(&teller, account, &(struct paid){.amount_minor = 100, .source = elsewhere[0]}), REQUEST_ENUM);
}

//= RULES.md R-PAY-5
//  the same reference with other content is refused.
static void the_tag_is_part_of_the_content_of_a_reference(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    struct paid paid = {.amount_minor = 100, .source = SOURCE(BRANCH), .reference = "TAGGED", .value = teller_noon(-1)};
    payment_id first = teller_paid(&teller, account, &paid);
    paid.tag = TAG(BRANCH);
    assert_true(uuid_equal(teller_paid(&teller, account, &paid).u, first.u));
    paid.tag = TAG(LAWYER);
    assert_answer(teller_post(&teller, account, &paid), PAYMENT_IDENTITY_REUSED);
}

static int64_t bonus_minor(payment_id payment) {
    return teller_number(&teller, "select sum(amount_minor)::int8 from bonus_line where payment_id = '%s'", payment.u);
}

//= RULES.md R-BON-2
//  tag LAWYER and ENFORCEMENT 0.5, COLLATERAL and AUCTION 0.3, BRANCH, GATEWAY, GUARANTEE_FUND and INSURANCE 0, others
//  1.0.
static void what_a_payment_earns_follows_its_tag(void **state) {
    (void)state;
    const struct {
        Tagih__V1__PaymentSource source;
        Tagih__V1__PaymentTag tag;
        int64_t rupiah;
    } cases[] = {{SOURCE(LAWYER), 0, 15000}, {SOURCE(ENFORCEMENT), 0, 15000}, {SOURCE(COLLATERAL), 0, 9000},
                 {SOURCE(GUARANTEE_FUND), 0, 0}, {SOURCE(INSURANCE), 0, 0}, {SOURCE(GATEWAY), 0, 0},
                 {SOURCE(GATEWAY), TAG(LAWYER), 15000}, {SOURCE(BRANCH), TAG(WRITTEN_OFF_RECOVERY), 30000}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        account_id account = teller_account(&teller, collector, &debt_j1, 1);
        payment_id payment = teller_paid(&teller, account, &(struct paid){.source = cases[i].source, .tag = cases[i].tag,
                                                                          .amount_minor = MINOR(1000000)});
        assert_int_equal(bonus_minor(payment), MINOR(cases[i].rupiah)); /* base × 3 %, B1, tier 1.0, no target */
        assert_int_equal(teller_line(&teller, payment, OF_PAYMENT, LEDGER_BONUS_EXPENSE), MINOR(cases[i].rupiah));
    }
}

/* ---- silence -------------------------------------------------------------------------------------------------- */

static civil_date today_on(void) {
    return (civil_date){(int32_t)((clock_now().us + 7 * 3600 * US_PER_S) / US_PER_DAY)};
}

/* An account that the agency holds for two weeks from today. */
static account_id held_account(void) {
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    char sql[300], today[DATE_TEXT_SIZE];
    date_format(today_on(), today);
    snprintf(sql, sizeof sql, "update account_state set status = %d, hold_from_on = '%s', hold_until_on = date '%s' + 14 where account_id = '%s'",
             ACCOUNT_HELD, today, today, rig_text(account.u));
    pg_exec(&rig.pg, sql);
    return account;
}

/* Plan a visit some days from today, with the debtor's consent to the day; what became of it. */
static const char *planned(account_id account, int32_t in_days) {
    char day[DATE_TEXT_SIZE], ids[3][UUID_TEXT_SIZE];
    date_format((civil_date){today_on().days + in_days}, day);
    uuid_format(rig_id(), ids[0]);
    uuid_format(account.u, ids[1]);
    uuid_format(collector.u, ids[2]);
    Tagih__V1__PlannedVisit visit = TAGIH__V1__PLANNED_VISIT__INIT, *visits[] = {&visit};
    visit.visit_id = ids[0];
    visit.account_id = ids[1];
    visit.collector_id = ids[2];
    visit.planned_on = day;
    visit.purpose = TAGIH__V1__VISIT_PURPOSE__VISIT_PURPOSE_COLLECTION;
    visit.consent = true;
    Tagih__V1__PlanVisitsRequest request = TAGIH__V1__PLAN_VISITS_REQUEST__INIT;
    request.visits = visits;
    request.n_visits = 1;
    struct rig_answer answer = rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.supervisor, 0), "VisitService/PlanVisits", &request);
    assert_answer(answer, OK);
    return ((const Tagih__V1__PlanVisitsResponse *)answer.response)->results[0]->result;
}

static const char *silent_until(account_id account) {
    Tagih__V1__GetAccountRequest request = TAGIH__V1__GET_ACCOUNT_REQUEST__INIT;
    request.account_id = (char *)(uintptr_t)rig_text(account.u);
    struct rig_answer answer = rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.supervisor, 0), "AccountService/GetAccount", &request);
    assert_answer(answer, OK);
    return ((const Tagih__V1__GetAccountResponse *)answer.response)->account->silent_until_on;
}

//= RULES.md R-PAY-2
//  A receipt of money silences contacts for the debt for 3 working days **(default)**, posted or not.
static void who_has_just_paid_is_left_alone_for_three_working_days(void **state) {
    (void)state;
    account_id account = held_account();
    assert_string_equal(silent_until(account), "");
    teller_paid(&teller, account, &(struct paid){.amount_minor = 100, .value = teller_noon(-9)});
    civil_date until = gate_silence_until(gate_pack_find("id-pojk22"), today_on());
    char text[DATE_TEXT_SIZE];
    date_format(until, text);
    assert_string_equal(silent_until(account), text);
    int32_t left = until.days - today_on().days;
    assert_string_equal(planned(account, 0), "gate.silence");
    assert_string_equal(planned(account, left), "gate.silence");
    assert_string_equal(planned(account, left + 1), "planned");
    assert_string_equal(planned(held_account(), 0), "planned"); /* another debt is another matter */
}

//= RULES.md R-PAY-2a
//  Money in quarantine or suspense for a known account counts; what is taken back later does not end it.
static void money_that_could_not_be_posted_silences_too(void **state) {
    (void)state;
    struct rig_phone phone = rig_phone(&rig, teller.agency, collector);
    struct writer w;
    writer_begin(&w, &rig, &phone);
    w.at.us = clock_now().us - 20 * US_PER_S;
    account_id account = held_account();
    char sql[500];
    snprintf(sql, sizeof sql,
             "update account_state set status = %d where account_id = '%s';"
             "insert into account_event (agency_id, event_id, account_id, at_us, kind, status_before, status_after)"
             " values ('%s', gen_random_uuid(), '%s', %lld, 'CLOSED', 3, %d)",
             ACCOUNT_CLOSED_RETURNED, rig_text(account.u), rig_text(teller.agency.u), rig_text(account.u),
             (long long)(clock_now().us - US_PER_DAY), ACCOUNT_CLOSED_RETURNED);
    pg_exec(&rig.pg, sql);
    struct journal_entry receipt = writer_receipt(&w, account, MINOR(5000));
    size_t at = writer_sign(&w, &receipt);
    struct rig_answer answer = writer_push_range(&w, at, at);
    assert_answer(answer, OK);
    assert_int_equal(writer_ack(&w, &answer, 0, at).fate, FATE_QUARANTINED);
    assert_int_equal(teller_number(&teller, "select count(*) from payment where account_id = '%s'", account.u), 0);
    assert_string_not_equal(silent_until(account), "");
    writer_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_source_posts_through_transfer_clearing_under_its_own_tag),
        cmocka_unit_test(a_sender_may_say_why_the_money_came_and_nothing_that_does_not_fit),
        cmocka_unit_test(the_tag_is_part_of_the_content_of_a_reference),
        cmocka_unit_test(what_a_payment_earns_follows_its_tag),
        cmocka_unit_test(who_has_just_paid_is_left_alone_for_three_working_days),
        cmocka_unit_test(money_that_could_not_be_posted_silences_too),
    };
    return cmocka_run_group_tests_name("source", tests, open_rig, close_desk);
}
