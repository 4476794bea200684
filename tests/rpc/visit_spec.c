/* SPDX-License-Identifier: Apache-2.0 */
/* VisitService from the outside: leases, a collector's day, outcomes, and acts of the office. */
#include <unistd.h>

#include "contract.h"
#include "domain/account.h"
#include "domain/change.h"
#include "domain/outcome.h"
#include "rpc/visit_expire.h"
#include "run/clock.h"
#include "run/grow.h"
#include "store/migrate.h"
#include "store_statements.h"
#include "tests/support/case.h"
#include "tests/support/rig.h"

static struct rig rig;
static agency_id agency, other_agency;
static user_id collector, colleague, supervisor, stranger;
static struct rig_phone phone;
static const char *boss, *budi, *citra;
static char today[16];

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    agency = rig_agency(&rig, "Acme");
    other_agency = rig_agency(&rig, "Bumi");
    collector = rig_user(&rig, agency, "budi", ROLE_COLLECTOR);
    colleague = rig_user(&rig, agency, "citra", ROLE_COLLECTOR);
    supervisor = rig_user(&rig, agency, "sari", ROLE_SUPERVISOR);
    stranger = rig_user(&rig, other_agency, "joko", ROLE_COLLECTOR);
    phone = rig_phone(&rig, agency, collector);
    static char tokens[3][RIG_TOKEN_SIZE];
    snprintf(tokens[0], RIG_TOKEN_SIZE, "%s", rig_staff_token(&rig, agency, supervisor, 0));
    snprintf(tokens[1], RIG_TOKEN_SIZE, "%s", rig_staff_token(&rig, agency, collector, 0));
    snprintf(tokens[2], RIG_TOKEN_SIZE, "%s", rig_staff_token(&rig, agency, colleague, 0));
    boss = tokens[0], budi = tokens[1], citra = tokens[2];
    snprintf(today, sizeof today, "%s", pg_value(&rig.pg, "select (now() at time zone 'Asia/Jakarta')::date"));
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* An account that the agency holds for thirty days from today. */
static account_id held_account(user_id works) {
    account_id account = rig_account(&rig, agency, &(struct rig_account){.collector = works});
    char sql[600];
    snprintf(sql, sizeof sql, "update account_state set status = %d, hold_from_on = date '%s', hold_until_on = date '%s' + 30 "
             "where account_id = '%s'", ACCOUNT_HELD, today, today, rig_text(account.u));
    pg_exec(&rig.pg, sql);
    return account;
}

static long long number_of(const char *what, const char *table, uuid visit) {
    char sql[200];
    snprintf(sql, sizeof sql, "select %s from %s where visit_id = '%s'", what, table, rig_text(visit));
    return pg_number(&rig.pg, sql);
}

/* ---- planning ------------------------------------------------------------------------------------------------- */

struct plan {
    Tagih__V1__PlannedVisit visit;
    char id[UUID_TEXT_SIZE], account[UUID_TEXT_SIZE], collector[UUID_TEXT_SIZE];
};

static void plan_of(struct plan *plan, account_id account, user_id who) {
    tagih__v1__planned_visit__init(&plan->visit);
    uuid_format(rig_id(), plan->id);
    uuid_format(account.u, plan->account);
    uuid_format(who.u, plan->collector);
    plan->visit.visit_id = plan->id;
    plan->visit.account_id = plan->account;
    plan->visit.collector_id = plan->collector;
    plan->visit.planned_on = today;
    plan->visit.purpose = TAGIH__V1__VISIT_PURPOSE__VISIT_PURPOSE_COLLECTION;
    plan->visit.consent = true; /* today may be a Sunday */
}

static const Tagih__V1__PlanVisitsResponse *send_plans(struct plan *plans, size_t n) {
    Tagih__V1__PlannedVisit *list[8];
    Tagih__V1__PlanVisitsRequest request = TAGIH__V1__PLAN_VISITS_REQUEST__INIT;
    for (size_t i = 0; i < n; i++) list[i] = &plans[i].visit;
    request.visits = list;
    request.n_visits = n;
    struct rig_answer a = rig_call(&rig, boss, "VisitService/PlanVisits", &request);
    assert_answer(a, OK);
    return a.response;
}

static const char *planned(struct plan *plan) {
    const Tagih__V1__PlanVisitsResponse *response = send_plans(plan, 1);
    assert_int_equal(response->n_results, 1);
    return response->results[0]->result;
}

static visit_id visit_for(user_id who) {
    struct plan plan;
    visit_id id;
    plan_of(&plan, held_account(who), who);
    assert_string_equal(planned(&plan), "planned");
    assert_ok(uuid_parse(plan.id, &id.u));
    return id;
}

//= RULES.md R-VIS-3
//  One live lease per (account, purpose). Every reassignment raises the visit's version.
static void a_visit_has_one_live_lease(void **state) {
    (void)state;
    struct plan plans[3];
    account_id account = held_account(collector);
    plan_of(&plans[0], account, collector);
    plan_of(&plans[1], account, colleague);
    plan_of(&plans[2], account, colleague);
    plans[2].visit.purpose = TAGIH__V1__VISIT_PURPOSE__VISIT_PURPOSE_SURVEY;
    const Tagih__V1__PlanVisitsResponse *response = send_plans(plans, 3);
    assert_string_equal(response->results[0]->result, "planned");
    assert_string_equal(response->results[1]->result, "visit.leased");
    assert_string_equal(response->results[2]->result, "planned");
    assert_string_equal(planned(&plans[0]), "same");
    assert_string_equal(planned(&plans[1]), "visit.leased");
    plans[0].visit.purpose = TAGIH__V1__VISIT_PURPOSE__VISIT_PURPOSE_SURVEY;
    assert_string_equal(planned(&plans[0]), "request.id_reused");
}

//= RULES.md R-LIF-2
//  Leases of its visits end with it.
static void a_lease_lasts_until_four_in_the_morning_and_ends_with_the_hold(void **state) {
    (void)state;
    char sql[600];
    visit_id visit = visit_for(collector);
    snprintf(sql, sizeof sql, "select (lease_until_us - extract(epoch from (date '%s' + 1)::timestamp at time zone "
             "'Asia/Jakarta') * 1000000)::bigint from visit_state where visit_id = '%s'", today, rig_text(visit.u));
    assert_int_equal(pg_number(&rig.pg, sql), 4 * 3600 * US_PER_S);
    account_id account = held_account(collector);
    snprintf(sql, sizeof sql, "update account_state set hold_until_on = date '%s' + 1 where account_id = '%s'", today, rig_text(account.u));
    pg_exec(&rig.pg, sql);
    struct plan plan;
    plan_of(&plan, account, collector);
    assert_string_equal(planned(&plan), "planned");
    snprintf(sql, sizeof sql, "select (lease_until_us - extract(epoch from (date '%s' + 1)::timestamp at time zone "
             "'Asia/Jakarta') * 1000000)::bigint from visit_state where visit_id = '%s'", today, plan.id);
    assert_int_equal(pg_number(&rig.pg, sql), 0);
}

static void what_cannot_be_planned_says_why_and_the_rest_is_planned(void **state) {
    (void)state;
    struct plan plans[6];
    for (size_t i = 0; i < 6; i++) plan_of(&plans[i], held_account(collector), collector);
    plan_of(&plans[0], (account_id){rig_id()}, collector);
    plan_of(&plans[1], held_account(collector), supervisor);
    plans[2].visit.planned_on = (char *)(uintptr_t) "2020-01-01";
    plan_of(&plans[3], rig_account(&rig, agency, &(struct rig_account){0}), collector);
    char sql[200];
    snprintf(sql, sizeof sql, "update account_state set hold_until_on = date '%s' where account_id = '%s'", today, plans[3].account);
    pg_exec(&rig.pg, sql);
    plans[4].visit.radius_mm = 1;
    const Tagih__V1__PlanVisitsResponse *r = send_plans(plans, 6);
    static const char *const expected[] = {"call.not_permitted", "visit.collector", "visit.day_past", "account.not_held",
                                           "request.field_range", "planned"};
    for (size_t i = 0; i < 6; i++) assert_string_equal(r->results[i]->result, expected[i]);
    plan_of(&plans[0], held_account(collector), stranger);
    assert_string_equal(planned(&plans[0]), "visit.collector");
}

//= RULES.md R-VIS-4
//  A visit may be planned only inside permitted contact hours and places
//= RULES.md R-GAT-1
//  Every planned visit and every attempt stores the verdict.
static void the_gate_stops_a_sunday_and_its_verdict_is_stored(void **state) {
    (void)state;
    struct plan plan;
    char sunday[16], sql[300];
    snprintf(sql, sizeof sql, "select date '%s' + 7 - extract(isodow from date '%s')::int", today, today);
    snprintf(sunday, sizeof sunday, "%s", pg_value(&rig.pg, sql));
    plan_of(&plan, held_account(collector), collector);
    plan.visit.planned_on = sunday;
    plan.visit.consent = false;
    assert_string_equal(planned(&plan), "gate.denied");
    plan.visit.consent = true;
    assert_string_equal(planned(&plan), "planned");
    snprintf(sql, sizeof sql, "select gate_verdict from visit where visit_id = '%s'", plan.id);
    assert_string_equal(pg_value(&rig.pg, sql), "ALLOW consent");
}

//= RULES.md R-LIF-5
//  REASSIGNED … are events with before and after owner, reason and actor.
static void an_account_that_nobody_works_becomes_the_visitors(void **state) {
    (void)state;
    struct plan plan;
    plan_of(&plan, held_account((user_id){{{0}}}), colleague);
    assert_string_equal(planned(&plan), "planned");
    char sql[600];
    snprintf(sql, sizeof sql, "select s.collector_id = '%s' and e.collector_after = s.collector_id and e.actor_id = '%s' from "
             "account_state s join account_event e using (agency_id, account_id) where account_id = '%s' and e.kind = "
             "'REASSIGNED'", plan.collector, rig_text(supervisor.u), plan.account);
    assert_string_equal(pg_value(&rig.pg, sql), "t");
}

static void only_the_office_plans(void **state) {
    (void)state;
    struct plan plan;
    plan_of(&plan, held_account(collector), collector);
    Tagih__V1__PlannedVisit *list = &plan.visit;
    Tagih__V1__PlanVisitsRequest request = TAGIH__V1__PLAN_VISITS_REQUEST__INIT;
    request.visits = &list;
    request.n_visits = 1;
    assert_answer(rig_call(&rig, budi, "VisitService/PlanVisits", &request), NOT_PERMITTED);
    request.n_visits = 0;
    assert_answer(rig_call(&rig, boss, "VisitService/PlanVisits", &request), REQUEST_TOO_MANY);
}

/* ---- a collector's day ---------------------------------------------------------------------------------------- */

static struct rig_answer day_of(const char *token, user_id *who, int32_t size, const char *page) {
    Tagih__V1__ListDayRequest request = TAGIH__V1__LIST_DAY_REQUEST__INIT;
    char id[UUID_TEXT_SIZE] = "";
    if (who) uuid_format(who->u, id);
    request.collector_id = id;
    request.page_size = size;
    request.page_token = (char *)(uintptr_t)page;
    return rig_call(&rig, token, "VisitService/ListDay", &request);
}

static void a_day_comes_in_pages_without_loss(void **state) {
    (void)state;
    user_id dewi = rig_user(&rig, agency, NULL, ROLE_COLLECTOR);
    char token[RIG_TOKEN_SIZE];
    snprintf(token, sizeof token, "%s", rig_staff_token(&rig, agency, dewi, 0));
    for (int i = 0; i < 5; i++) visit_for(dewi);
    size_t seen = 0;
    const char *page = "";
    char last[UUID_TEXT_SIZE] = "";
    do {
        struct rig_answer a = day_of(token, NULL, 2, page);
        assert_answer(a, OK);
        const Tagih__V1__ListDayResponse *day = a.response;
        for (size_t i = 0; i < day->n_visits; i++) {
            assert_true(strcmp(last, day->visits[i]->visit_id) < 0);
            snprintf(last, sizeof last, "%s", day->visits[i]->visit_id);
            assert_int_equal(day->visits[i]->state, TAGIH__V1__VISIT_STATE__VISIT_STATE_PLANNED);
        }
        seen += day->n_visits;
        page = day->next_page_token;
    } while (*page);
    assert_int_equal(seen, 5);
    const Tagih__V1__ListDayResponse *first = day_of(token, NULL, 2, "").response;
    assert_answer(day_of(boss, &dewi, 2, first->next_page_token), PAGE_TOKEN);
    assert_answer(day_of(token, NULL, 2, "AAAA"), PAGE_TOKEN);
    assert_answer(day_of(boss, &dewi, 0, ""), OK);
    assert_answer(day_of(citra, &dewi, 0, ""), NOT_PERMITTED);
    assert_answer(day_of(token, NULL, 201, ""), REQUEST_FIELD_RANGE);
}

/* ---- outcomes ------------------------------------------------------------------------------------------------- */

struct report {
    Tagih__V1__ReportOutcomeRequest request;
    char id[UUID_TEXT_SIZE], visit[UUID_TEXT_SIZE];
};

static Tagih__V1__ReportOutcomeRequest *report_of(struct report *r, visit_id visit, const char *code) {
    tagih__v1__report_outcome_request__init(&r->request);
    uuid_format(rig_id(), r->id);
    uuid_format(visit.u, r->visit);
    r->request.outcome_id = r->id;
    r->request.visit_id = r->visit;
    r->request.code = (char *)(uintptr_t)code;
    r->request.list_version = OUTCOME_LIST_VERSION;
    return &r->request;
}

static struct rig_answer report(const char *token, const void *request) {
    return rig_call(&rig, token, "VisitService/ReportOutcome", request);
}

static visit_id arrived_visit(int presence) {
    char sql[200];
    visit_id visit = visit_for(collector);
    snprintf(sql, sizeof sql, "update visit_state set state = 2, presence = %d where visit_id = '%s'", presence, rig_text(visit.u));
    pg_exec(&rig.pg, sql);
    return visit;
}

//= RULES.md R-VIS-1
//  DONE always has an outcome.
static void an_outcome_ends_the_visit_and_a_repeat_changes_nothing(void **state) {
    (void)state;
    struct report r;
    visit_id visit = arrived_visit(PRESENCE_INSIDE);
    report_of(&r, visit, "NOT_HOME");
    for (int i = 0; i < 2; i++) {
        struct rig_answer a = report(phone.token, &r.request);
        assert_answer(a, OK);
        const Tagih__V1__ReportOutcomeResponse *out = a.response;
        assert_int_equal(out->visit->state, TAGIH__V1__VISIT_STATE__VISIT_STATE_DONE);
        assert_string_equal(out->visit->outcome, "NOT_HOME");
    }
    assert_int_equal(number_of("count(*)", "visit_outcome", visit.u), 1);
    assert_int_equal(number_of("live::int", "visit_state", visit.u), 0);
    r.request.code = (char *)(uintptr_t) "THIRD_PARTY";
    r.request.contact = (char *)(uintptr_t) "his neighbour";
    assert_answer(report(phone.token, &r.request), REQUEST_ID_REUSED);
    assert_answer(report(phone.token, report_of(&r, visit, "NOT_HOME")), VISIT_ILLEGAL_TRANSITION);
}

//= RULES.md R-VIS-2
//  An illegal combination is refused in the office with the list's version named
static void a_combination_that_the_list_does_not_know_is_refused(void **state) {
    (void)state;
    struct report r;
    visit_id visit = arrived_visit(PRESENCE_INSIDE);
    assert_answer(report(budi, report_of(&r, visit, "ABDUCTED")), OUTCOME_UNKNOWN);
    assert_answer(report(budi, report_of(&r, visit, "REFUSED")), OUTCOME_FIELD_MISSING);
    assert_string_equal(report(budi, report_of(&r, visit, "REFUSED")).field, "note");
    report_of(&r, visit, "PAID")->receipt_id = (char *)(uintptr_t) "01900000-0000-7000-8000-00000000abcd";
    assert_answer(report(budi, &r.request), OUTCOME_FIELD_MISSING); /* nobody has seen that receipt */
    report_of(&r, visit, "NOT_HOME")->next_action = (char *)(uintptr_t) "LEGAL";
    assert_answer(report(budi, &r.request), OUTCOME_NEXT_ACTION);
    report_of(&r, visit, "NOT_HOME")->list_version = 77;
    assert_answer(report(budi, &r.request), OUTCOME_LIST_UNKNOWN);
    report_of(&r, visit, "NOT_HOME")->note = (char *)(uintptr_t) "a\x01";
    assert_answer(report(budi, &r.request), TEXT_INVALID);
    assert_int_equal(number_of("state", "visit_state", visit.u), 2);
}

//= RULES.md R-CHK-4
//  HARD (outcome needs INSIDE or UNSURE, or a supervisor's waiver)
static void hard_presence_is_needed_and_soft_presence_flags(void **state) {
    (void)state;
    struct report r;
    char sql[600];
    visit_id hard = arrived_visit(PRESENCE_OUTSIDE), soft = arrived_visit(PRESENCE_OUTSIDE);
    snprintf(sql, sizeof sql, "alter table visit disable trigger fact; update visit set policy = 2 where visit_id = '%s'; "
             "alter table visit enable trigger fact", rig_text(hard.u));
    pg_exec(&rig.pg, sql);
    assert_answer(report(budi, report_of(&r, hard, "NOT_HOME")), CHECK_IN_PRESENCE);
    snprintf(sql, sizeof sql, "update visit_state set presence = %d where visit_id = '%s'", PRESENCE_UNSURE, rig_text(hard.u));
    pg_exec(&rig.pg, sql);
    assert_answer(report(budi, &r.request), OK);
    assert_answer(report(budi, report_of(&r, soft, "NOT_HOME")), OK);
    assert_int_equal(number_of("flags", "visit_outcome", soft.u), 1LL << 21);
}

static void another_collectors_visit_looks_like_none(void **state) {
    (void)state;
    struct report r;
    assert_answer(report(citra, report_of(&r, arrived_visit(PRESENCE_INSIDE), "NOT_HOME")), NOT_PERMITTED);
    assert_answer(report(citra, report_of(&r, (visit_id){rig_id()}, "NOT_HOME")), NOT_PERMITTED);
}

/* ---- acts of the office --------------------------------------------------------------------------------------- */

static struct rig_answer reassign(visit_id visit, user_id who, uint32_t version, const char *request_id) {
    Tagih__V1__ReassignVisitRequest request = TAGIH__V1__REASSIGN_VISIT_REQUEST__INIT;
    char ids[3][UUID_TEXT_SIZE];
    uuid_format(visit.u, ids[0]);
    uuid_format(who.u, ids[1]);
    if (request_id) snprintf(ids[2], sizeof ids[2], "%s", request_id);
    else uuid_format(rig_id(), ids[2]);
    request.visit_id = ids[0];
    request.collector_id = ids[1];
    request.version = version;
    request.reason = (char *)(uintptr_t) "he is ill";
    request.request_id = ids[2];
    return rig_call(&rig, boss, "VisitService/ReassignVisit", &request);
}

static struct rig_answer cancel(visit_id visit, uint32_t version) {
    Tagih__V1__CancelVisitRequest request = TAGIH__V1__CANCEL_VISIT_REQUEST__INIT;
    char ids[2][UUID_TEXT_SIZE];
    uuid_format(visit.u, ids[0]);
    uuid_format(rig_id(), ids[1]);
    request.visit_id = ids[0];
    request.version = version;
    request.reason = (char *)(uintptr_t) "the debtor called";
    request.request_id = ids[1];
    return rig_call(&rig, boss, "VisitService/CancelVisit", &request);
}

//= RULES.md R-VIS-3
//  Every reassignment raises the visit's version.
static void reassigning_raises_the_version_and_the_old_phone_is_told(void **state) {
    (void)state;
    visit_id visit = visit_for(collector);
    char once[UUID_TEXT_SIZE];
    uuid_format(rig_id(), once);
    for (int i = 0; i < 2; i++) { /* a repeated request id gets the first answer */
        struct rig_answer a = reassign(visit, colleague, 1, once);
        assert_answer(a, OK);
        const Tagih__V1__ReassignVisitResponse *out = a.response;
        assert_int_equal(out->visit->version, 2);
    }
    assert_answer(reassign(visit, collector, 1, NULL), VISIT_CHANGED);
    assert_answer(reassign(visit, supervisor, 2, NULL), VISIT_COLLECTOR);
    assert_answer(reassign(visit, colleague, 2, NULL), VISIT_ILLEGAL_TRANSITION);
    char sql[600];
    snprintf(sql, sizeof sql, "select count(*) from change where object_id = '%s' and ((kind = 15 and collector_id = '%s') or "
             "(kind = 11 and collector_id = '%s'))", rig_text(visit.u), rig_text(collector.u), rig_text(colleague.u));
    assert_int_equal(pg_number(&rig.pg, sql), 2);
}

//= RULES.md R-VIS-1
//  PLANNED or EN_ROUTE → CANCELLED (supervisor)
static void cancelling_frees_the_account_and_cannot_undo_an_arrival(void **state) {
    (void)state;
    struct plan plan;
    account_id account = held_account(collector);
    plan_of(&plan, account, collector);
    assert_string_equal(planned(&plan), "planned");
    visit_id visit;
    assert_ok(uuid_parse(plan.id, &visit.u));
    assert_answer(cancel(visit, 9), VISIT_CHANGED);
    assert_answer(cancel(visit, 1), OK);
    assert_answer(cancel(visit, 2), VISIT_ILLEGAL_TRANSITION);
    plan_of(&plan, account, colleague);
    assert_string_equal(planned(&plan), "planned");
    assert_answer(cancel(arrived_visit(PRESENCE_INSIDE), 1), VISIT_ILLEGAL_TRANSITION);
    assert_answer(cancel((visit_id){rig_id()}, 1), NOT_PERMITTED);
}

//= RULES.md R-VIS-2
//  Outcomes **(default list, versioned, retired but never deleted)**
static void the_list_of_outcomes_is_versioned(void **state) {
    (void)state;
    Tagih__V1__ListOutcomesRequest request = TAGIH__V1__LIST_OUTCOMES_REQUEST__INIT;
    struct rig_answer a = rig_call(&rig, budi, "VisitService/ListOutcomes", &request);
    assert_answer(a, OK);
    const Tagih__V1__ListOutcomesResponse *list = a.response;
    assert_int_equal(list->version, OUTCOME_LIST_VERSION);
    assert_int_equal(list->n_outcomes, 12);
    request.version = 99;
    assert_answer(rig_call(&rig, budi, "VisitService/ListOutcomes", &request), OUTCOME_LIST_UNKNOWN);
}

//= RULES.md R-VIS-1
//  or EXPIRED (lease over, nothing reported)
static void leases_that_are_over_expire_and_an_arrival_still_owes_its_outcome(void **state) {
    (void)state;
    visit_id open = visit_for(collector), arrived = arrived_visit(PRESENCE_INSIDE);
    char sql[600];
    snprintf(sql, sizeof sql, "update visit_state set lease_until_us = 1 where visit_id in ('%s', '%s')", rig_text(open.u), rig_text(arrived.u));
    pg_exec(&rig.pg, sql);
    DEFER(db) struct db db = {0};
    struct db_options options = {.conninfo = rig.app_conninfo, .worker = "spec", .statements = &store_statements};
    assert_ok(db_open(&db, &options));
    struct arena arena;
    assert_true(grow_arena_open(&arena));
    size_t n = 0;
    assert_ok(visits_expire(&db, &arena, agency, clock_now(), clock_monotonic_us() + 10 * US_PER_S, &n));
    assert_int_equal(n, 2);
    grow_arena_close(&arena);
    assert_int_equal(number_of("state", "visit_state", open.u), 5);
    assert_int_equal(number_of("state", "visit_state", arrived.u), 2);
    assert_int_equal(number_of("live::int", "visit_state", arrived.u), 0);
    struct report r;
    assert_answer(report(budi, report_of(&r, arrived, "NOT_HOME")), OK);
    assert_answer(report(budi, report_of(&r, open, "NOT_HOME")), VISIT_ILLEGAL_TRANSITION);
}

static bool within_10_s(const char *column, const char *value, visit_id visit) {
    char sql[200];
    snprintf(sql, sizeof sql, "select (%s = %s)::text from visit_state where visit_id = '%s'", column, value, rig_text(visit.u));
    for (int i = 0; i < 200; i++) {
        if (strcmp(pg_value(&rig.pg, sql), "true") == 0) return true;
        usleep(50000);
    }
    return false;
}

//= RULES.md R-VIS-1
//  or EXPIRED (lease over, nothing reported)
static void the_server_ends_leases_by_itself_and_tells_the_phones(void **state) {
    (void)state;
    agency_id other = rig_agency(&rig, "Bina");
    user_id siti = rig_user(&rig, other, NULL, ROLE_COLLECTOR);
    visit_id here = visit_for(collector), in_force = visit_for(collector);
    account_id theirs = rig_account(&rig, other, &(struct rig_account){.collector = siti});
    visit_id there = rig_visit(&rig, other, theirs, siti);
    char sql[600];
    snprintf(sql, sizeof sql, "update visit_state set lease_until_us = 1 where visit_id in ('%s', '%s')", rig_text(here.u), rig_text(there.u));
    pg_exec(&rig.pg, sql);
    rig_restart(&rig); /* the minute begins with the server */
    assert_true(within_10_s("state", "5", here));
    assert_true(within_10_s("state", "5", there));
    assert_int_equal(number_of("state", "visit_state", in_force.u), 0);
    snprintf(sql, sizeof sql, "select count(*) from change where object_id = '%s' and kind = %d and collector_id = '%s'",
             rig_text(here.u), CHANGE_VISIT_EXPIRED, rig_text(collector.u));
    assert_int_equal(pg_number(&rig.pg, sql), 1);
    snprintf(sql, sizeof sql, "select count(*) from visit_event where visit_id = '%s' and kind = 'EXPIRED'", rig_text(there.u));
    assert_int_equal(pg_number(&rig.pg, sql), 1);
}

static bool logged_within_10_s(const char *word) {
    char line[2000];
    for (int i = 0; i < 200; i++) {
        FILE *log = fopen(rig.log_path, "r");
        assert_non_null(log);
        bool found = false;
        while (!found && fgets(line, sizeof line, log)) found = strstr(line, word) != NULL;
        fclose(log);
        if (found) return true;
        usleep(50000);
    }
    return false;
}

static void a_round_that_fails_is_told_and_the_server_lives_on(void **state) {
    (void)state;
    visit_id visit = visit_for(collector);
    char sql[300];
    snprintf(sql, sizeof sql, "update visit_state set lease_until_us = 1 where visit_id = '%s'", rig_text(visit.u));
    pg_exec(&rig.pg, sql);
    pg_exec(&rig.pg, "revoke update on visit_state from tagih_app");
    rig_restart(&rig);
    assert_true(logged_within_10_s("minute.failing"));
    assert_answer(day_of(budi, NULL, 10, ""), OK);
    assert_int_equal(number_of("state", "visit_state", visit.u), 0);
    pg_exec(&rig.pg, "grant update on visit_state to tagih_app");
    rig_restart(&rig);
    assert_true(within_10_s("state", "5", visit));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_visit_has_one_live_lease),
        cmocka_unit_test(a_lease_lasts_until_four_in_the_morning_and_ends_with_the_hold),
        cmocka_unit_test(what_cannot_be_planned_says_why_and_the_rest_is_planned),
        cmocka_unit_test(the_gate_stops_a_sunday_and_its_verdict_is_stored),
        cmocka_unit_test(an_account_that_nobody_works_becomes_the_visitors),
        cmocka_unit_test(only_the_office_plans),
        cmocka_unit_test(a_day_comes_in_pages_without_loss),
        cmocka_unit_test(an_outcome_ends_the_visit_and_a_repeat_changes_nothing),
        cmocka_unit_test(a_combination_that_the_list_does_not_know_is_refused),
        cmocka_unit_test(hard_presence_is_needed_and_soft_presence_flags),
        cmocka_unit_test(another_collectors_visit_looks_like_none),
        cmocka_unit_test(reassigning_raises_the_version_and_the_old_phone_is_told),
        cmocka_unit_test(cancelling_frees_the_account_and_cannot_undo_an_arrival),
        cmocka_unit_test(the_list_of_outcomes_is_versioned),
        cmocka_unit_test(leases_that_are_over_expire_and_an_arrival_still_owes_its_outcome),
        cmocka_unit_test(the_server_ends_leases_by_itself_and_tells_the_phones),
        cmocka_unit_test(a_round_that_fails_is_told_and_the_server_lives_on),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
