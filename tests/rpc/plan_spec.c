/* SPDX-License-Identifier: Apache-2.0 */
/* Repayment plans on the real thing: proposed, decided by a second person, kept and broken by money and time (R-PTP-3). */
#include "domain/change.h"
#include "domain/repayment.h"
#include "rpc/promise_due.h"
#include "run/grow.h"
#include "store_statements.h"
#include "tests/support/desk.h"

#define STATE(name) TAGIH__V1__PLAN_STATE__PLAN_STATE_##name
#define INSTALMENT(name) TAGIH__V1__INSTALMENT_STATE__INSTALMENT_STATE_##name
#define MISPOST TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST

static user_id other;
static civil_date today;

static int open_rig(void **state) {
    open_desk(state);
    collector = rig_user(&rig, teller.agency, "budi", ROLE_COLLECTOR);
    other = rig_user(&rig, teller.agency, "siti", ROLE_COLLECTOR);
    today = teller_today();
    return 0;
}

static account_id debtor(void) {
    return teller_account(&teller, collector, &debt_j1, 1);
}

static instant hour_of(int in_days, int hour) {
    return (instant){((int64_t)(today.days + in_days) * 24 - 7 + hour) * 3600 * US_PER_S};
}

static void look_at(instant now) {
    struct db db;
    struct arena arena;
    struct db_options options = {.conninfo = rig.app_conninfo, .worker = "spec", .statements = &store_statements};
    size_t n;
    assert_ok(db_open(&db, &options));
    assert_true(grow_arena_open(&arena));
    assert_ok(promises_due(&db, &arena, teller.agency, now, clock_monotonic_us() + 20 * US_PER_S, &n));
    db_release(&db);
    grow_arena_close(&arena);
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

/* Instalments of 500 000, one a week; members left 0 take what stands beside. */
struct terms {
    int n;                /* 2 */
    int first_in;         /* 0 */
    int64_t amount_minor; /* MINOR(500000) */
    const char *token;    /* the supervisor's */
    const char *currency; /* IDR */
    int starts_in;        /* none */
    int64_t made_us;
};

static struct {
    char due[PLAN_INSTALMENTS_MAX + 1][DATE_TEXT_SIZE], starts[DATE_TEXT_SIZE];
    Tagih__V1__PlanInstalmentTerms terms[PLAN_INSTALMENTS_MAX + 1], *list[PLAN_INSTALMENTS_MAX + 1];
} made;

static Tagih__V1__ProposePlanRequest plan_of(account_id account, const struct terms *terms) {
    Tagih__V1__ProposePlanRequest request = TAGIH__V1__PROPOSE_PLAN_REQUEST__INIT;
    request.n_instalments = terms->n ? (size_t)terms->n : 2;
    for (size_t i = 0; i < request.n_instalments; i++) {
        made.terms[i] = (Tagih__V1__PlanInstalmentTerms)TAGIH__V1__PLAN_INSTALMENT_TERMS__INIT;
        date_format((civil_date){today.days + terms->first_in + 7 * (int)i}, made.due[i]);
        made.terms[i].due_on = made.due[i];
        made.terms[i].amount_minor = terms->amount_minor ? terms->amount_minor : MINOR(500000);
        made.list[i] = &made.terms[i];
    }
    request.instalments = made.list;
    request.account_id = TEXT(rig_text(account.u));
    request.currency = TEXT(terms->currency ? terms->currency : "IDR");
    date_format((civil_date){today.days + terms->starts_in}, made.starts);
    if (terms->starts_in) request.starts_on = made.starts;
    request.made_us = terms->made_us;
    request.reason = TEXT("lost his work, has a new one");
    request.request_id = TEXT(rig_text(rig_id()));
    return request;
}

static struct rig_answer propose(account_id account, const struct terms *terms) {
    Tagih__V1__ProposePlanRequest request = plan_of(account, terms);
    return rig_call(&rig, terms->token ? terms->token : token(teller.supervisor), "PlanService/ProposePlan", &request);
}

static const Tagih__V1__ProposePlanResponse *proposed(account_id account, const struct terms *terms) {
    struct rig_answer answer = propose(account, terms);
    assert_answer(answer, OK);
    return answer.response;
}

static const char *planned(account_id account, const struct terms *terms) {
    const Tagih__V1__ProposePlanResponse *plan = proposed(account, terms);
    assert_answer(teller_decide(&teller, teller.second, plan->proposal_id, true), OK);
    return plan->plan->plan_id;
}

static struct rig_answer get(const char *by, const char *id) {
    Tagih__V1__GetPlanRequest request = TAGIH__V1__GET_PLAN_REQUEST__INIT;
    request.plan_id = TEXT(id);
    return rig_call(&rig, by, "PlanService/GetPlan", &request);
}

static const Tagih__V1__GetPlanResponse *got(const char *id) {
    struct rig_answer answer = get(token(teller.supervisor), id);
    assert_answer(answer, OK);
    return answer.response;
}

static void assert_stands(const char *id, enum plan_state state) {
    const Tagih__V1__GetPlanResponse *now = got(id);
    assert_string_equal(plan_state_name((enum plan_state)now->plan->state), plan_state_name(state));
    assert_int_equal(now->events[now->n_events - 1]->after, state);
}

static struct rig_answer create(account_id account, const struct terms *terms, const char *reference, int64_t amount_minor) {
    Tagih__V1__CreatePlanWithPaymentRequest request = TAGIH__V1__CREATE_PLAN_WITH_PAYMENT_REQUEST__INIT;
    Tagih__V1__ProposePlanRequest plan = plan_of(account, terms);
    request.plan = &plan;
    request.source = TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_BRANCH;
    request.source_reference = TEXT(reference);
    request.amount_minor = amount_minor;
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, terms->token ? terms->token : token(teller.cashier), "PlanService/CreatePlanWithPayment", &request);
}

/* ---- the life of a plan --------------------------------------------------------------------------------------- */

//= RULES.md R-PTP-3
//  A plan is a list of promises with instalments UNPAID/PARTIAL/PAID; PROPOSED → APPROVED → ACTIVE → COMPLETED or BROKEN;
//  the original schedule stays.
//= RULES.md R-PTP-3c
//  An instalment is promised when its plan is proposed, so what is paid between proposal and approval counts.
static void a_plan_is_proposed_approved_by_another_person_and_kept(void **state) {
    (void)state;
    account_id account = debtor();
    int64_t schedule = teller_number(&teller, "select sum(principal_minor + instalment_no) from instalment where account_id = '%s'", account.u);
    const Tagih__V1__ProposePlanResponse *plan = proposed(account, &(struct terms){0});
    const char *id = plan->plan->plan_id;
    assert_int_equal(plan->plan->state, STATE(PROPOSED));
    assert_int_equal(plan->plan->total->minor, MINOR(1000000));
    assert_int_equal(plan->plan->n_instalments, 2);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(300000), .value = clock_now()});
    assert_int_equal(got(id)->plan->instalments[0]->state, INSTALMENT(UNPAID)); /* nobody has agreed */
    assert_answer(teller_decide(&teller, teller.supervisor, plan->proposal_id, true), PROPOSAL_OWN);
    assert_answer(teller_decide(&teller, teller.second, plan->proposal_id, true), OK);
    const Tagih__V1__GetPlanResponse *now = got(id);
    assert_int_equal(now->plan->state, STATE(ACTIVE));
    assert_int_equal(now->n_events, 3);
    assert_string_equal(now->events[1]->step, "approve");
    assert_string_equal(now->events[1]->actor_id, rig_text(teller.second.u));
    assert_string_equal(now->events[2]->step, "start");
    assert_int_equal(now->plan->instalments[0]->state, INSTALMENT(PARTIAL));
    assert_int_equal(now->plan->instalments[0]->received_minor, MINOR(300000));
    assert_int_equal(now->plan->instalments[1]->state, INSTALMENT(UNPAID));
    payment_id rest = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(700000), .value = clock_now()});
    assert_stands(id, PLAN_COMPLETED);
    assert_int_equal(got(id)->plan->instalments[1]->state, INSTALMENT(PAID));
    assert_answer(teller_reverse(&teller, rest, MISPOST), OK);
    assert_stands(id, PLAN_ACTIVE);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(700000), .value = clock_now()});
    assert_stands(id, PLAN_COMPLETED);
    assert_int_equal(number("select count(*) from change where object_id = '%s' and kind between 140 and 145", rig_uuid(id)),
                     6);
    assert_int_equal(teller_number(&teller, "select sum(principal_minor + instalment_no) from instalment where account_id = '%s'", account.u), schedule);
}

//= RULES.md R-PTP-3c
//  What is paid on the spot is posted in the same transaction: `CreatePlanWithPayment`, whose plan is made a microsecond
//  before its money.
static void a_plan_and_its_first_instalment_are_one_transaction(void **state) {
    (void)state;
    account_id account = debtor();
    struct rig_answer answer = create(account, &(struct terms){0}, "COUNTER-1", MINOR(500000));
    assert_answer(answer, OK);
    const Tagih__V1__CreatePlanWithPaymentResponse *both = answer.response;
    assert_string_equal(both->plan->payment_id, both->payment_id);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3500000)); /* posted, whatever becomes of the plan */
    payment_id paid;
    assert_ok(uuid_parse(both->payment_id, &paid.u));
    // J31: transfer clearing · receivable
    assert_int_equal(teller_line(&teller, paid, 1, LEDGER_TRANSFER_CLEARING), MINOR(500000));
    assert_int_equal(
        number("select count(distinct xmin::text) from (select xmin from payment where payment_id = (select payment_id from"
               " plan where plan_id = '%s') union all select p.xmin from plan p join payment y using (payment_id)) x",
               rig_uuid(both->plan->plan_id)),
        1);
    assert_answer(teller_decide(&teller, teller.second, both->proposal_id, true), OK);
    const Tagih__V1__GetPlanResponse *now = got(both->plan->plan_id);
    assert_int_equal(now->plan->instalments[0]->state, INSTALMENT(PAID));
    assert_int_equal(now->plan->state, STATE(ACTIVE));
    account_id next = debtor(); /* the same reference again: neither plan nor money */
    assert_answer(create(next, &(struct terms){0}, "COUNTER-1", MINOR(500000)), PAYMENT_IDENTITY_REUSED);
    assert_answer(create(next, &(struct terms){0}, "COUNTER-2", 0), PAYMENT_AMOUNT);
    assert_answer(create(next, &(struct terms){.first_in = -1}, "COUNTER-3", MINOR(500000)), PROMISE_PAST);
    assert_answer(create(next, &(struct terms){.token = token(collector)}, "COUNTER-4", MINOR(500000)), NOT_PERMITTED);
    assert_int_equal(teller_number(&teller, "select count(*) from plan where account_id = '%s'", next.u), 0);
    assert_int_equal(teller_number(&teller, "select count(*) from payment where account_id = '%s'", next.u), 0);
    assert_answer(create(account, &(struct terms){0}, "COUNTER-5", MINOR(500000)), PLAN_EXISTS);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3500000));
}

//= RULES.md R-PTP-3a
//  A plan is broken at the end of the grace of the first instalment that is not paid in full; the others lapse then …
//  When late facts show that the instalment was paid in time, the plan stands again.
static void a_missed_instalment_breaks_the_plan_and_late_money_of_that_time_mends_it(void **state) {
    (void)state;
    account_id account = debtor();
    const char *id = planned(account, &(struct terms){.n = 3});
    look_at(hour_of(2, 23));
    assert_stands(id, PLAN_ACTIVE);
    look_at(hour_of(3, 0));
    assert_stands(id, PLAN_BROKEN);
    const Tagih__V1__GetPlanResponse *now = got(id);
    assert_int_equal(now->plan->instalments[0]->promise_state, TAGIH__V1__PROMISE_STATE__PROMISE_STATE_BROKEN);
    assert_int_equal(now->plan->instalments[1]->promise_state, TAGIH__V1__PROMISE_STATE__PROMISE_STATE_LAPSED);
    assert_int_equal(now->plan->instalments[2]->promise_state, TAGIH__V1__PROMISE_STATE__PROMISE_STATE_LAPSED);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(500000), .value = clock_now()});
    assert_stands(id, PLAN_ACTIVE);
    assert_string_equal(got(id)->events[4]->step, "reopen");
}

//= RULES.md R-PTP-3b
//  A plan is ACTIVE from its first day on … A proposal that nobody decides within 14 days is REJECTED. One plan an account is
//  proposed or in force at a time.
static void a_plan_waits_for_its_first_day_and_not_for_ever_for_a_decision(void **state) {
    (void)state;
    account_id account = debtor(), forgotten = debtor(), refused = debtor();
    const char *later = planned(account, &(struct terms){.first_in = 5, .starts_in = 3});
    assert_stands(later, PLAN_APPROVED);
    look_at(hour_of(2, 23));
    assert_stands(later, PLAN_APPROVED);
    look_at(hour_of(3, 0));
    assert_stands(later, PLAN_ACTIVE);
    const Tagih__V1__ProposePlanResponse *plan = proposed(forgotten, &(struct terms){.first_in = 40});
    assert_answer(propose(forgotten, &(struct terms){.first_in = 40}), PLAN_EXISTS);
    look_at(hour_of(13, 0));
    assert_stands(plan->plan->plan_id, PLAN_PROPOSED);
    look_at(hour_of(15, 0));
    assert_stands(plan->plan->plan_id, PLAN_REJECTED);
    plan = proposed(refused, &(struct terms){0});
    assert_answer(teller_decide(&teller, teller.second, plan->proposal_id, false), OK);
    assert_stands(plan->plan->plan_id, PLAN_REJECTED);
    plan = proposed(refused, &(struct terms){0}); /* and its maker may take one back */
    assert_answer(teller_decide(&teller, teller.supervisor, plan->proposal_id, false), OK);
    assert_stands(plan->plan->plan_id, PLAN_REJECTED);
    assert_int_equal(number("select count(*) from promise_state where plan_id = '%s'", rig_uuid(plan->plan->plan_id)), 0);
}

//= RULES.md R-PTP-2a
//  An approved plan supersedes every promise that is open when it is made
static void a_plan_takes_the_place_of_open_promises(void **state) {
    (void)state;
    account_id account = debtor();
    char single[UUID_TEXT_SIZE];
    uuid_format(rig_promise(&rig, teller.agency, account, &(struct rig_promise){.due_on = {today.days + 2}}).u, single);
    const Tagih__V1__ProposePlanResponse *plan = proposed(account, &(struct terms){0});
    assert_int_equal(number("select state from promise_state where promise_id = '%s'", rig_uuid(single)), PROMISE_OPEN);
    assert_answer(teller_decide(&teller, teller.second, plan->proposal_id, true), OK);
    assert_int_equal(number("select state from promise_state where promise_id = '%s'", rig_uuid(single)),
                     PROMISE_SUPERSEDED);
    Tagih__V1__WithdrawPromiseRequest request = TAGIH__V1__WITHDRAW_PROMISE_REQUEST__INIT;
    request.promise_id = got(plan->plan->plan_id)->plan->instalments[0]->promise_id;
    request.reason = TEXT("no");
    request.etag = TEXT("s1");
    request.request_id = TEXT(rig_text(rig_id()));
    assert_answer(rig_call(&rig, token(teller.supervisor), "PromiseService/WithdrawPromise", &request), PROMISE_OF_PLAN);
}

static void a_plan_whose_first_instalment_was_missed_is_approved_no_more(void **state) {
    (void)state;
    account_id account = debtor();
    const Tagih__V1__ProposePlanResponse *plan = proposed(account, &(struct terms){0});
    char sql[300];
    snprintf(sql, sizeof sql, "set session_replication_role = replica; update promise set closes_us = 1 where plan_id = '%s'"
             " and instalment_no = 1; set session_replication_role = origin", plan->plan->plan_id);
    pg_exec(&rig.pg, sql);
    assert_answer(teller_decide(&teller, teller.second, plan->proposal_id, true), PLAN_STALE);
    assert_stands(plan->plan->plan_id, PLAN_PROPOSED);
}

/* ---- bad input and reading ------------------------------------------------------------------------------------ */

static void bad_plans_are_refused_and_leave_nothing(void **state) {
    (void)state;
    account_id account = debtor(), closed = debtor();
    teller_number(&teller, "with x as (update account_state set status = 12 where account_id = '%s' returning 1) select count(*) from x", closed.u);
    agency_id stranger = rig_agency(&rig, "Other");
    account_id theirs = rig_account(&rig, stranger, &(struct rig_account){0});
    assert_answer(propose(account, &(struct terms){.n = 1}), PLAN_SCHEDULE);
    assert_answer(propose(account, &(struct terms){.n = PLAN_INSTALMENTS_MAX + 1}), PLAN_SCHEDULE);
    assert_answer(propose(account, &(struct terms){.first_in = -1}), PROMISE_PAST);
    assert_answer(propose(account, &(struct terms){.amount_minor = -1}), PROMISE_AMOUNT);
    assert_answer(propose(account, &(struct terms){.amount_minor = INT64_MAX}), PROMISE_AMOUNT);
    assert_answer(propose(account, &(struct terms){.amount_minor = MONEY_AMOUNT_MAX_MINOR}), PROMISE_AMOUNT); /* in all */
    assert_answer(propose(account, &(struct terms){.starts_in = 3}), PLAN_SCHEDULE); /* after its first instalment */
    assert_answer(propose(account, &(struct terms){.currency = "USD"}), ACCOUNT_CURRENCY);
    assert_answer(propose(account, &(struct terms){.made_us = 1}), REQUEST_FIELD_RANGE);
    assert_answer(propose(closed, &(struct terms){0}), PROMISE_ACCOUNT_CLOSED);
    assert_answer(propose(theirs, &(struct terms){0}), NOT_PERMITTED);
    assert_answer(propose((account_id){rig_id()}, &(struct terms){0}), NOT_PERMITTED);
    assert_answer(propose(account, &(struct terms){.token = token(other)}), NOT_PERMITTED);
    assert_int_equal(teller_number(&teller, "select count(*) from plan where account_id = '%s'", account.u), 0);
    assert_int_equal(teller_number(&teller, "select count(*) from proposal where account_id = '%s'", account.u), 0);
    const Tagih__V1__ProposePlanResponse *plan = proposed(account, &(struct terms){.token = token(collector), .n = PLAN_INSTALMENTS_MAX});
    assert_int_equal(plan->plan->n_instalments, PLAN_INSTALMENTS_MAX);
    assert_answer(get(token(other), plan->plan->plan_id), NOT_PERMITTED);
    assert_answer(get(token(collector), plan->plan->plan_id), OK);
    assert_answer(get(token(collector), rig_text(rig_id())), NOT_PERMITTED);
}

static void an_accounts_plans_are_listed_the_newest_first(void **state) {
    (void)state;
    account_id account = debtor();
    const Tagih__V1__ProposePlanResponse *first = proposed(account, &(struct terms){0});
    assert_answer(teller_decide(&teller, teller.second, first->proposal_id, false), OK);
    const Tagih__V1__ProposePlanResponse *next = proposed(account, &(struct terms){.n = 4});
    Tagih__V1__ListPlansRequest request = TAGIH__V1__LIST_PLANS_REQUEST__INIT;
    request.account_id = TEXT(rig_text(account.u));
    struct rig_answer answer = rig_call(&rig, token(collector), "PlanService/ListPlans", &request);
    assert_answer(answer, OK);
    const Tagih__V1__ListPlansResponse *list = answer.response;
    assert_int_equal(list->n_plans, 2);
    assert_string_equal(list->plans[0]->plan_id, next->plan->plan_id);
    assert_int_equal(list->plans[0]->n_instalments, 4);
    assert_int_equal(list->plans[1]->n_instalments, 2);
    assert_answer(rig_call(&rig, token(other), "PlanService/ListPlans", &request), NOT_PERMITTED);
}

static void the_contracts_numbers_are_the_stored_ones(void **state) {
    (void)state;
    for (int s = PLAN_PROPOSED; s < PLAN_STATE_END; s++) {
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(&tagih__v1__plan_state__descriptor, s);
        assert_non_null(value);
        assert_string_equal(value->name + strlen("PLAN_STATE_"), plan_state_name((enum plan_state)s));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_is_proposed_approved_by_another_person_and_kept),
        cmocka_unit_test(a_plan_and_its_first_instalment_are_one_transaction),
        cmocka_unit_test(a_missed_instalment_breaks_the_plan_and_late_money_of_that_time_mends_it),
        cmocka_unit_test(a_plan_waits_for_its_first_day_and_not_for_ever_for_a_decision),
        cmocka_unit_test(a_plan_takes_the_place_of_open_promises),
        cmocka_unit_test(a_plan_whose_first_instalment_was_missed_is_approved_no_more),
        cmocka_unit_test(bad_plans_are_refused_and_leave_nothing),
        cmocka_unit_test(an_accounts_plans_are_listed_the_newest_first),
        cmocka_unit_test(the_contracts_numbers_are_the_stored_ones),
    };
    return cmocka_run_group_tests_name("repayment plans", tests, open_rig, close_desk);
}
