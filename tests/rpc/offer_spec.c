/* SPDX-License-Identifier: Apache-2.0 */
/* Settlement with discount from the outside: made by one, approved by another, then it follows the money by itself. */
#include "server/domain/account.h"
#include "server/rpc/lifecycle.h"
#include "server/run/grow.h"
#include "store_statements.h"
#include "tests/support/desk.h"
#include "tests/support/verifier.h"

#define OFFER(name) TAGIH__V1__OFFER_STATE__OFFER_STATE_##name
#define REASON(name) TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_##name

static const user_id nobody;

static int open_rig(void **state) {
    open_desk(state);
    collector = rig_user(&rig, teller.agency, "budi", ROLE_COLLECTOR);
    return 0;
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

/* Of debt_j1: 3 500 000 for 4 000 000, all but the principal is waived. */
struct making {
    user_id maker;   /* the supervisor */
    int64_t sum_minor;
    int by_in;       /* 0: 5 days */
    bool today;
    int64_t fees_minor;
    const char *in;
};

static struct rig_answer offer(account_id account, const struct making *that) {
    Tagih__V1__OfferSettlementRequest request = TAGIH__V1__OFFER_SETTLEMENT_REQUEST__INIT;
    Tagih__V1__Money sum = TAGIH__V1__MONEY__INIT;
    Tagih__V1__Components waived = TAGIH__V1__COMPONENTS__INIT;
    sum.minor = that->sum_minor ? that->sum_minor : MINOR(3500000);
    sum.currency = TEXT(that->in ? that->in : "IDR");
    waived.fees_minor = that->fees_minor ? that->fees_minor : MINOR(40000);
    waived.penalty_minor = MINOR(60000);
    waived.interest_minor = MINOR(400000);
    request.account_id = TEXT(rig_text(account.u));
    request.sum = &sum;
    request.waived = &waived;
    request.by_on = TEXT(teller_day(that->today ? 0 : that->by_in ? that->by_in : 5));
    request.reason = TEXT("he sells his motorcycle");
    request.request_id = TEXT(rig_text(rig_id()));
    user_id maker = uuid_is_nil(that->maker.u) ? teller.supervisor : that->maker;
    return rig_call(&rig, token(maker), "OfferService/OfferSettlement", &request);
}

static const char *offered(account_id account, const struct making *that) {
    struct rig_answer answer = offer(account, that);
    assert_answer(answer, OK);
    return ((const Tagih__V1__OfferSettlementResponse *)answer.response)->proposal_id;
}

static const char *in_force(account_id account, const struct making *that) {
    const char *id = offered(account, that);
    assert_answer(teller_decide(&teller, teller.second, id, true), OK);
    return id;
}

static const Tagih__V1__Offer *get(const char *id) {
    Tagih__V1__GetOfferRequest request = TAGIH__V1__GET_OFFER_REQUEST__INIT;
    request.offer_id = TEXT(id);
    struct rig_answer answer = rig_call(&rig, token(teller.admin), "OfferService/GetOffer", &request);
    assert_answer(answer, OK);
    return ((const Tagih__V1__GetOfferResponse *)answer.response)->offer;
}

static int64_t moved(account_id account, enum ledger_account ledger) {
    char sql[300];
    snprintf(sql, sizeof sql,
             "select coalesce(sum(l.amount_minor), 0) from ledger_line l join posting p using (agency_id, posting_id)"
             " where p.account_id = '%%s' and l.ledger_account = %d", (int)ledger);
    return teller_number(&teller, sql, account.u);
}

static int64_t facts(account_id account) {
    return teller_number(&teller, "select count(*) from account_fact where account_id = '%s'", account.u);
}

static const struct making usual;

/* ---- fulfilled ------------------------------------------------------------------------------------------------ */

//= RULES.md R-WAI-1
//  Settlement with discount: offer {sum, by date, components waived}, maker ≠ checker; paid in full in time → waiver facts
//  at that date
static void what_is_paid_in_full_in_time_waives_the_rest(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    const char *id = in_force(account, &usual);
    assert_int_equal(get(id)->state, OFFER(APPROVED));
    assert_int_equal(get(id)->sum->minor, MINOR(3500000));
    assert_int_equal(get(id)->waived->interest_minor, MINOR(400000));
    assert_int_equal(facts(account), 0);
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(3500000), .value = {clock_now().us}});
    assert_int_equal(get(id)->state, OFFER(FULFILLED));
    assert_int_equal(get(id)->paid_minor, MINOR(3500000));
    assert_int_equal(teller_open_minor(&teller, account), 0);
    assert_int_equal(teller_credit_minor(&teller, account), 0);
    assert_int_equal(teller_allocated(&teller, payment, 1), MINOR(3500000));
    assert_int_equal(teller_number(&teller, "select principal_minor from allocation where payment_id = '%s' order by version desc limit 1", payment.u),
                     MINOR(3500000));
    assert_int_equal(facts(account), 3);
    // J29: waiver 40 000 + 60 000 + 400 000 · receivable fees 40 000, penalty 60 000, interest 400 000
    assert_int_equal(moved(account, LEDGER_WAIVER), MINOR(500000));
    assert_int_equal(teller_number(&teller, "select count(*) from account_fact f join settlement_offer_waiver w using (agency_id, fact_id)"
                                            " join payment p on p.account_id = f.account_id and p.value_on = f.value_on where f.account_id = '%s'", account.u), 3);
    assert_int_equal(teller_number(&teller, "select count(*) from change where account_id = '%s' and kind = 82", account.u), 2);
}

//= RULES.md R-WAI-1a
//  of the offered parts first, then of what is still open.
static void it_may_be_paid_in_parts(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    const char *id = in_force(account, &usual);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(2000000), .value = {clock_now().us}});
    assert_int_equal(get(id)->state, OFFER(APPROVED));
    assert_int_equal(get(id)->paid_minor, MINOR(2000000));
    assert_int_equal(facts(account), 0);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(2000000));
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1500000), .value = {clock_now().us}});
    assert_int_equal(get(id)->state, OFFER(FULFILLED));
    assert_int_equal(teller_open_minor(&teller, account), 0);
    assert_int_equal(moved(account, LEDGER_WAIVER), MINOR(500000));
}

//= RULES.md R-WAI-1a
//  Payments of any source valued from the approval to the last day count
static void a_receipt_of_the_field_fulfils_it_too(void **state) {
    (void)state;
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    const char *id = in_force(account, &usual);
    struct writer writer;
    struct rig_phone phone = rig_phone(&rig, teller.agency, collector);
    writer_begin(&writer, &rig, &phone);
    writer.at = clock_now();
    struct journal_entry receipt = writer_receipt(&writer, account, MINOR(3500000));
    size_t at = writer_sign(&writer, &receipt);
    assert_answer(writer_push_range(&writer, at, at), OK);
    assert_answer(writer_push_range(&writer, at, at), OK); /* and once only */
    assert_int_equal(get(id)->state, OFFER(FULFILLED));
    assert_int_equal(teller_open_minor(&teller, account), 0);
    assert_int_equal(facts(account), 3);
    writer_end(&writer);
}

/* ---- lapsed --------------------------------------------------------------------------------------------------- */

//= RULES.md R-WAI-1
//  a bounce lapses it again.
static void money_that_does_not_stay_takes_the_waivers_back(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    const char *id = in_force(account, &usual);
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(3500000), .value = {clock_now().us}});
    assert_int_equal(get(id)->state, OFFER(FULFILLED));
    assert_answer(teller_reverse(&teller, payment, REASON(NEVER_RECEIVED)), OK);
    assert_int_equal(get(id)->state, OFFER(LAPSED));
    assert_int_equal(teller_open_minor(&teller, account), MINOR(4000000));
    assert_int_equal(moved(account, LEDGER_WAIVER), 0);
    assert_int_equal(teller_number(&teller, "select count(*) from account_fact_withdrawal w join account_fact f using (agency_id, fact_id)"
                                            " where f.account_id = '%s'", account.u), 3);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(3500000), .value = {clock_now().us}});
    assert_int_equal(get(id)->state, OFFER(LAPSED)); /* for good */
    assert_int_equal(teller_open_minor(&teller, account), MINOR(500000));
}

/* Let days have gone by since the approval: `by_in` is the last day, `from_in` the day of the approval. */
static void age(const char *id, int from_in, int by_in) {
    char sql[700];
    snprintf(sql, sizeof sql,
             "alter table settlement_offer disable trigger fact;"
             "update settlement_offer set by_on = '%s' where offer_id = '%s';"
             "alter table settlement_offer enable trigger fact;"
             "update settlement_offer_state set from_us = %lld where offer_id = '%s'",
             teller_day(by_in), id, (long long)teller_noon(from_in).us, id);
    pg_exec(&rig.pg, sql);
}

//= RULES.md R-WAI-1
//  else it lapses and nothing was waived
static void what_is_paid_late_waives_nothing(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    const char *id = in_force(account, &usual);
    age(id, -6, -2);
    assert_int_equal(get(id)->state, OFFER(LAPSED)); /* nobody wrote it */
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(3500000), .value = {clock_now().us}});
    assert_int_equal(get(id)->state, OFFER(LAPSED));
    assert_int_equal(teller_number(&teller, "select state from settlement_offer_state where account_id = '%s'", account.u), 4);
    assert_int_equal(facts(account), 0);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(500000));
}

//= RULES.md R-WAI-1a
//  Payments of any source valued from the approval to the last day count, known in time or not
static void what_was_paid_in_time_and_came_late_counts(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    const char *id = in_force(account, &usual);
    age(id, -6, -2);
    teller_paid(&teller, account, &(struct paid){.amount_minor = 100, .value = {clock_now().us}});
    assert_int_equal(teller_number(&teller, "select state from settlement_offer_state where account_id = '%s'", account.u), 4);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(3500000), .value = teller_noon(-3)});
    assert_int_equal(get(id)->state, OFFER(FULFILLED));
    assert_int_equal(teller_open_minor(&teller, account), 0);
    assert_int_equal(teller_credit_minor(&teller, account), 100);
    assert_int_equal(moved(account, LEDGER_WAIVER), MINOR(500000));
}

/* ---- two people ----------------------------------------------------------------------------------------------- */

//= RULES.md R-WAI-1
//  maker ≠ checker
static void nobody_approves_his_own_offer(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    const char *id = offered(account, &usual);
    assert_answer(teller_decide(&teller, teller.supervisor, id, true), PROPOSAL_OWN);
    assert_int_equal(get(id)->state, OFFER(OFFERED));
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(3500000)});
    assert_int_equal(facts(account), 0); /* nobody has approved it */
    assert_answer(teller_decide(&teller, teller.second, id, true), OFFER_SUM);
    assert_answer(teller_decide(&teller, teller.second, id, false), OK);
    assert_int_equal(get(id)->state, OFFER(LAPSED));
    assert_string_equal(get(id)->made_by, rig_text(teller.supervisor.u));
}

//= RULES.md R-WAI-1a
//  an account has one in force at most
static void one_offer_of_an_account_is_in_force(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    const char *first = in_force(account, &usual);
    const char *other = offered(account, &usual);
    assert_answer(offer(account, &usual), PROPOSAL_EXISTS);
    assert_answer(teller_decide(&teller, teller.second, other, true), OFFER_EXISTS);
    age(first, -6, -1);
    assert_answer(teller_decide(&teller, teller.second, other, true), OK);
    assert_int_equal(teller_number(&teller, "select count(*) from settlement_offer_state where account_id = '%s' and state = 4", account.u), 1);
    assert_int_equal(get(other)->state, OFFER(APPROVED));
    Tagih__V1__ListOffersRequest request = TAGIH__V1__LIST_OFFERS_REQUEST__INIT;
    request.account_id = TEXT(rig_text(account.u));
    request.page_size = 1;
    struct rig_answer answer = rig_call(&rig, token(teller.admin), "OfferService/ListOffers", &request);
    assert_answer(answer, OK);
    const Tagih__V1__ListOffersResponse *page = answer.response;
    assert_string_equal(page->offers[0]->offer_id, other);
    request.page_token = page->next_page_token;
    answer = rig_call(&rig, token(teller.admin), "OfferService/ListOffers", &request);
    assert_answer(answer, OK);
    page = answer.response;
    assert_string_equal(page->offers[0]->offer_id, first);
    assert_string_equal(page->next_page_token, "");
}

static void what_no_offer_can_be_is_refused(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    assert_answer(offer(account, &(struct making){.sum_minor = MINOR(3500000) + 1}), OFFER_SUM);
    assert_answer(offer(account, &(struct making){.sum_minor = -1}), ADJUSTMENT_AMOUNT);
    assert_answer(offer(account, &(struct making){.fees_minor = MONEY_AMOUNT_MAX_MINOR + 1}), ADJUSTMENT_AMOUNT);
    assert_answer(offer(account, &(struct making){.by_in = -1}), OFFER_DATE);
    assert_answer(offer(account, &(struct making){.by_in = 367}), OFFER_DATE);
    assert_answer(offer(account, &(struct making){.in = "USD"}), ACCOUNT_CURRENCY);
    assert_answer(offer(account, &(struct making){.maker = teller.cashier}), NOT_PERMITTED);
    assert_answer(offer((account_id){rig_id()}, &usual), NOT_PERMITTED);
    char sql[200];
    snprintf(sql, sizeof sql, "update account_state set status = 12 where account_id = '%s'", rig_text(account.u));
    pg_exec(&rig.pg, sql);
    assert_answer(offer(account, &usual), OFFER_CLOSED);
    snprintf(sql, sizeof sql, "update account_state set status = 3 where account_id = '%s'", rig_text(account.u));
    pg_exec(&rig.pg, sql);
    assert_answer(offer(account, &(struct making){.today = true}), OK);
}

/* ---- the day's run -------------------------------------------------------------------------------------------- */

static void run_day(void) {
    struct db db;
    struct arena arena;
    struct db_options options = {.conninfo = rig.app_conninfo, .worker = "day", .statements = &store_statements};
    assert_ok(db_open(&db, &options));
    assert_true(grow_arena_open(&arena));
    struct lifecycle_run run = {.db = &db, .arena = &arena, .agency = teller.agency};
    assert_ok(date_parse(teller_day(0), &run.today));
    assert_ok(lifecycle_run_day(&run));
    assert_int_equal(run.failed, 0);
    db_release(&db);
    grow_arena_close(&arena);
}

static int64_t status_of(account_id account) {
    return teller_number(&teller, "select status from account_state where account_id = '%s'", account.u);
}

//= RULES.md R-WAI-1
//  paid in full in time → waiver facts at that date and CLOSED(settled)
//= RULES.md R-PAY-6
//  if a reversal leaves credit short, the rest is *refund recoverable* and the account stays live.
static void the_days_run_closes_what_is_settled_and_nothing_that_is_to_be_recovered(void **state) {
    (void)state;
    account_id settled = teller_account(&teller, nobody, &debt_j1, 1), paid = teller_account(&teller, nobody, &debt_j1, 1);
    account_id bounced = teller_account(&teller, nobody, &debt_j1, 1), refunded = teller_account(&teller, nobody, &debt_j1, 1);
    in_force(settled, &usual);
    in_force(bounced, &usual);
    teller_paid(&teller, settled, &(struct paid){.amount_minor = MINOR(3500000), .value = {clock_now().us}});
    teller_paid(&teller, paid, &(struct paid){.amount_minor = MINOR(4000000)});
    payment_id gone = teller_paid(&teller, bounced, &(struct paid){.amount_minor = MINOR(3500000), .value = {clock_now().us}});
    assert_answer(teller_reverse(&teller, gone, REASON(NEVER_RECEIVED)), OK);
    teller_paid(&teller, refunded, &(struct paid){.amount_minor = MINOR(4000000)});
    char sql[200];
    snprintf(sql, sizeof sql, "update account_state set recoverable_minor = 1 where account_id = '%s'", rig_text(refunded.u));
    pg_exec(&rig.pg, sql);
    int64_t live = status_of(refunded);
    run_day();
    assert_int_equal(status_of(settled), ACCOUNT_CLOSED_SETTLED);
    assert_int_equal(status_of(paid), ACCOUNT_CLOSED_PAID);
    assert_int_equal(status_of(bounced), live);
    assert_int_equal(status_of(refunded), live);
}

static void balances_are_the_sums_of_their_lines(void **state) {
    (void)state;
    assert_int_equal(pg_number(&rig.pg,
        "select count(*) from account_state s where s.fees_minor + s.penalty_minor + s.interest_minor + s.principal_minor - s.credit_minor"
        " <> (select coalesce(sum(l.amount_minor), 0) from ledger_line l where l.owner_id = s.account_id and l.ledger_account in (1, 2, 3, 4, 17))"), 0);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from settlement_offer_state s where s.state <> (select e.state from settlement_offer_event e"
                                        " where e.offer_id = s.offer_id order by e.n desc limit 1)"), 0);
}

//= RULES.md R-LED-2
//  Σ debt-allocated = decrease of receivable by payments.
static void what_payments_paid_is_what_receivables_lost(void **state) {
    (void)state;
    verifier_assert_identities(&rig, teller.agency);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_paid_in_full_in_time_waives_the_rest),
        cmocka_unit_test(it_may_be_paid_in_parts),
        cmocka_unit_test(a_receipt_of_the_field_fulfils_it_too),
        cmocka_unit_test(money_that_does_not_stay_takes_the_waivers_back),
        cmocka_unit_test(what_is_paid_late_waives_nothing),
        cmocka_unit_test(what_was_paid_in_time_and_came_late_counts),
        cmocka_unit_test(nobody_approves_his_own_offer),
        cmocka_unit_test(one_offer_of_an_account_is_in_force),
        cmocka_unit_test(what_no_offer_can_be_is_refused),
        cmocka_unit_test(the_days_run_closes_what_is_settled_and_nothing_that_is_to_be_recovered),
        cmocka_unit_test(balances_are_the_sums_of_their_lines),
        cmocka_unit_test(what_payments_paid_is_what_receivables_lost),
    };
    return cmocka_run_group_tests(tests, open_rig, close_desk);
}
