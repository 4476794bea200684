/* SPDX-License-Identifier: Apache-2.0 */
/* VisitService: planning (rpc/visit_plan.c), a collector's day, how visits end (rpc/outcome.c), and acts of the office. */
#include "domain/visit.h"

#include <string.h>

#include "contract.h"
#include "domain/account.h"
#include "engine/page.h"
#include "rpc/outcome.h"
#include "rpc/services.h"
#include "rpc/visit_plan.h"
#include "rpc/visit_view.h"
#include "store/change.h"
#include "store_statements.h"
#include "tagih/check_in.h"

#define PLANS_MAX 500
#define RADIUS_MM_MIN 10000
#define RADIUS_MM_MAX 5000000
#define PLANNERS (ROLE_SUPERVISOR | ROLE_ADMIN)

enum { STAFF_ACTIVE = 1 };

/* ---- PlanVisits ----------------------------------------------------------------------------------------------- */

struct plan_call {
    struct visit_plan *plans;
    size_t n;
};

static const int16_t policies[] = {
    [TAGIH__V1__PRESENCE_POLICY__PRESENCE_POLICY_UNSPECIFIED] = PRESENCE_POLICY_SOFT,
    [TAGIH__V1__PRESENCE_POLICY__PRESENCE_POLICY_NONE] = PRESENCE_POLICY_NONE,
    [TAGIH__V1__PRESENCE_POLICY__PRESENCE_POLICY_SOFT] = PRESENCE_POLICY_SOFT,
    [TAGIH__V1__PRESENCE_POLICY__PRESENCE_POLICY_HARD] = PRESENCE_POLICY_HARD,
};

/* One visit's own problems are its own result; the call goes on. */
static tagih_err read_plan(const Tagih__V1__PlannedVisit *in, struct visit_plan *out) {
    *out = (struct visit_plan){.policy = policies[in->policy], .consent = in->consent,
                               .radius_mm = in->radius_mm ? (int32_t)(in->radius_mm & INT32_MAX) : VISIT_RADIUS_MM_DEFAULT};
    TRY(uuid_parse(in->visit_id, &out->key.id.u));
    TRY(uuid_parse(in->account_id, &out->key.account.u));
    TRY(uuid_parse(in->collector_id, &out->key.collector.u));
    TRY(date_parse(in->planned_on, &out->key.planned_on));
    if (uuid_is_nil(out->key.id.u)) return FAIL(ID_SYNTAX);
    if (in->purpose == TAGIH__V1__VISIT_PURPOSE__VISIT_PURPOSE_UNSPECIFIED) return FAIL(REQUEST_FIELD_MISSING);
    out->key.purpose = (int16_t)in->purpose;
    bool radius = in->radius_mm == 0 || (in->radius_mm >= RADIUS_MM_MIN && in->radius_mm <= RADIUS_MM_MAX);
    return radius ? TAGIH_OK : FAIL(REQUEST_FIELD_RANGE);
}

static tagih_err plan_request(struct rpc_item *item) {
    const Tagih__V1__PlanVisitsRequest *request = item->request;
    struct plan_call *call = rpc_alloc(item, sizeof *call);
    if (!call) return item->err;
    if (request->n_visits < 1 || request->n_visits > PLANS_MAX) rpc_problem(item, FAIL(REQUEST_TOO_MANY), "visits");
    call->plans = rpc_ok(item) ? rpc_alloc(item, request->n_visits * sizeof *call->plans) : NULL;
    for (size_t i = 0; call->plans && i < request->n_visits; i++) {
        tagih_err err = read_plan(request->visits[i], &call->plans[i]);
        call->plans[i].err = err;
    }
    call->n = request->n_visits;
    item->checked = call;
    return item->err;
}

static void answer_plans(struct rpc_item *item, const struct visit_plan *plans, size_t n) {
    const Tagih__V1__PlanVisitsRequest *request = item->request;
    Tagih__V1__PlanVisitsResponse *out = item->response;
    Tagih__V1__PlanVisitResult *results = rpc_alloc(item, n * sizeof *results);
    out->results = rpc_alloc(item, n * sizeof *out->results);
    for (size_t i = 0; results && out->results && i < n; i++) {
        bool fine = err_is_ok(plans[i].err);
        tagih__v1__plan_visit_result__init(&results[i]);
        results[i].visit_id = request->visits[i]->visit_id;
        results[i].result = (char *)(uintptr_t)(!fine ? err_token(plans[i].err) : plans[i].same ? "same" : "planned");
        results[i].text = (char *)(uintptr_t)(fine ? protobuf_c_empty_string : err_text(plans[i].err));
        out->results[out->n_results++] = &results[i];
    }
}

static tagih_err plan_visits(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct plan_call *call = item->checked;
    struct visit_plan *plans = ARENA_ARRAY(batch->arena, call->n, struct visit_plan);
    if (!plans) return FAIL(OUT_OF_MEMORY);
    memcpy(plans, call->plans, call->n * sizeof *plans);
    TRY(plans_send_load(batch->tx, batch->arena, plans, call->n, batch->now));
    TRY(rpc_load(batch));
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(plans_decide(batch->tx, batch->arena, plans, call->n, &item->caller.user, batch->now));
    answer_plans(item, plans, call->n);
    return TAGIH_OK;
}

/* ---- ListDay -------------------------------------------------------------------------------------------------- */

struct day_list {
    struct day_filter {
        user_id collector; /* nil: the caller */
        civil_date day;
        int32_t today; /* 1: the day is today's, whichever that is */
    } filter;
    int32_t page_size;
    bool has_after;
    visit_id after;
};

static tagih_err day_request(struct rpc_item *item) {
    const Tagih__V1__ListDayRequest *request = item->request;
    struct day_list *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    list->filter.today = *request->day_on == 0;
    if (!list->filter.today) rpc_check_date(item, "day_on", request->day_on, &list->filter.day);
    if (*request->collector_id) rpc_check_uuid(item, "collector_id", request->collector_id, &list->filter.collector.u);
    rpc_check_page(item, request->page_size, &list->page_size);
    rpc_check_page_token(item, request->page_token, BYTES_OF(&list->filter), &list->after, sizeof list->after, &list->has_after);
    return item->err;
}

static void answer_day(struct rpc_item *item, const struct day_list *list, const struct result *r) {
    Tagih__V1__ListDayResponse *out = item->response;
    size_t n = rpc_page_rows(r, list->page_size);
    Tagih__V1__Visit *visits = rpc_alloc(item, (n + 1) * sizeof *visits);
    struct visit_read read = {0};
    out->visits = rpc_alloc(item, (n + 1) * sizeof *out->visits);
    for (size_t i = 0; visits && out->visits && i < n; i++) {
        visit_read_day(r, i, &read);
        visit_view(item, &read, &visits[i]);
        out->visits[out->n_visits++] = &visits[i];
    }
    out->next_page_token = rpc_page_next(item, r, list->page_size, BYTES_OF(&list->filter), BYTES_OF(&read.id));
}

static tagih_err send_today(struct rpc_batch *batch) {
    struct params p;
    params_init(&p, batch->arena, STMT_import_today, 0);
    params_one_uuid(&p, &batch->agency);
    params_one_int8(&p, batch->now.us);
    return tx_send(batch->tx, &p);
}

static tagih_err list_day(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct day_list *list = item->checked;
    TRY(send_today(batch));
    TRY(rpc_load(batch));
    DEFER(result) struct result today = {0}, rows = {0};
    tx_take(batch->tx, &today);
    if (!rpc_ok(item)) return TAGIH_OK;
    user_id who = uuid_is_nil(list->filter.collector.u) ? item->caller.user : list->filter.collector;
    if (!(item->caller.roles & ROLES_OFFICE) && !uuid_equal(who.u, item->caller.user.u)) {
        rpc_fail(item, FAIL(NOT_PERMITTED));
        return TAGIH_OK;
    }
    civil_date day = list->filter.today ? result_date(&today, 0, COL_import_today_today_on) : list->filter.day;
    TRY(visit_send_day(batch->tx, batch->arena, who, day, list->after, list->page_size + 1));
    TRY(tx_sync(batch->tx));
    tx_take(batch->tx, &rows);
    answer_day(item, list, &rows);
    return TAGIH_OK;
}

/* ---- ReportOutcome -------------------------------------------------------------------------------------------- */

static void check_given(struct rpc_item *item, const Tagih__V1__ReportOutcomeRequest *request, struct outcome_entry *entry) {
    uint32_t *given = &entry->report.given;
    if (*request->receipt_id && rpc_check_uuid(item, "receipt_id", request->receipt_id, &entry->key.receipt)) {
        *given |= OUTCOME_FIELD_RECEIPT;
    }
    if (*request->promise_id && rpc_check_uuid(item, "promise_id", request->promise_id, &entry->key.promise)) {
        *given |= OUTCOME_FIELD_PROMISE;
    }
    rpc_check_text(item, "note", request->note, 0, 500);
    rpc_check_text(item, "contact", request->contact, 0, 500);
    if (*request->note) *given |= OUTCOME_FIELD_NOTE;
    if (*request->contact) *given |= OUTCOME_FIELD_CONTACT;
    entry->note = bytes_text(request->note);
}

static tagih_err outcome_request(struct rpc_item *item) {
    const Tagih__V1__ReportOutcomeRequest *request = item->request;
    struct outcome_entry *entry = rpc_alloc(item, sizeof *entry);
    if (!entry) return item->err;
    rpc_check_uuid(item, "outcome_id", request->outcome_id, &entry->key.id);
    rpc_check_uuid(item, "visit_id", request->visit_id, &entry->key.visit.u);
    entry->report.list_version = request->list_version;
    const struct outcome *outcome = outcome_find_name(request->list_version, bytes_text(request->code));
    if (!outcome_at(request->list_version, 0)) rpc_problem(item, FAIL(OUTCOME_LIST_UNKNOWN), "list_version");
    else if (!outcome) rpc_problem(item, FAIL(OUTCOME_UNKNOWN), "code");
    else entry->report.code = outcome->code;
    entry->report.has_next_action = *request->next_action != 0;
    if (entry->report.has_next_action) {
        tagih_err err = outcome_action_parse(bytes_text(request->next_action), &entry->report.next_action);
        if (!err_is_ok(err)) rpc_problem(item, err, "next_action");
    }
    check_given(item, request, entry);
    entry->key.collector = item->caller.user;
    item->checked = entry;
    return item->err;
}

static Tagih__V1__Visit *view(struct rpc_item *item, const struct visit_read *visit) {
    Tagih__V1__Visit *out = rpc_alloc(item, sizeof *out);
    if (out) visit_view(item, visit, out);
    return out;
}

static void refuse_outcome(struct rpc_item *item, const struct outcome_entry *entry) {
    rpc_fail(item, entry->err);
    for (size_t i = 0; i < OUTCOME_FIELD_COUNT; i++) {
        if (entry->fields >> i & 1) rpc_problem(item, entry->err, "%s", outcome_field_name(i));
    }
}

static void answer_outcome(struct rpc_item *item, const struct outcome_entry *entry) {
    Tagih__V1__ReportOutcomeResponse *out = item->response;
    switch (entry->fate) {
        case REPORT_TAKEN:
        case REPORT_REPEAT: out->visit = view(item, &entry->visit); break;
        case REPORT_REUSED: rpc_fail(item, FAIL(REQUEST_ID_REUSED)); break;
        case REPORT_FOREIGN: rpc_fail(item, FAIL(NOT_PERMITTED)); break;
        case REPORT_REFUSED: refuse_outcome(item, entry); break;
        case REPORT_QUARANTINED: rpc_fail(item, FAIL(CHECK_IN_PRESENCE)); break;
    }
}

static tagih_err report_outcome(struct rpc_batch *batch) {
    struct outcome_entry *entries = ARENA_ARRAY(batch->arena, batch->n, struct outcome_entry);
    if (!entries) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < batch->n; i++) {
        entries[i] = *(const struct outcome_entry *)batch->items[i]->checked;
        entries[i].key.value_us = batch->now.us;
    }
    TRY(outcomes_send_lock(batch->tx, batch->arena, entries, batch->n));
    TRY(outcomes_send_load(batch->tx, batch->arena, entries, batch->n));
    TRY(rpc_load(batch));
    outcomes_take_lock(batch->tx);
    for (size_t i = 0; i < batch->n; i++) entries[i].barred = !rpc_ok(batch->items[i]);
    TRY(outcomes_decide(batch->tx, batch->arena, entries, batch->n, batch->now));
    for (size_t i = 0; i < batch->n; i++) {
        if (rpc_ok(batch->items[i])) answer_outcome(batch->items[i], &entries[i]);
    }
    return TAGIH_OK;
}

/* ---- ReassignVisit, CancelVisit ------------------------------------------------------------------------------- */

struct visit_act {
    visit_id visit;
    user_id collector;
    uint32_t version;
    struct bytes reason;
};

static void check_act(struct rpc_item *item, struct visit_act *act, const char *visit, uint32_t version, const char *reason) {
    rpc_check_uuid(item, "visit_id", visit, &act->visit.u);
    rpc_check_text(item, "reason", reason, 1, 500);
    if (version == 0) rpc_problem(item, FAIL(REQUEST_FIELD_MISSING), "version");
    act->version = version;
    act->reason = bytes_text(reason);
    item->checked = act;
}

static tagih_err reassign_request(struct rpc_item *item) {
    const Tagih__V1__ReassignVisitRequest *request = item->request;
    struct visit_act *act = rpc_alloc(item, sizeof *act);
    if (!act) return item->err;
    check_act(item, act, request->visit_id, request->version, request->reason);
    rpc_check_uuid(item, "collector_id", request->collector_id, &act->collector.u);
    return item->err;
}

static tagih_err cancel_request(struct rpc_item *item) {
    const Tagih__V1__CancelVisitRequest *request = item->request;
    struct visit_act *act = rpc_alloc(item, sizeof *act);
    if (!act) return item->err;
    check_act(item, act, request->visit_id, request->version, request->reason);
    return item->err;
}

/* Lock and load; afterwards the item is settled, or the visit is as the caller saw it. */
static tagih_err load_act(struct rpc_batch *batch, struct visit_read *visit, const struct visit_act *act) {
    struct rpc_item *item = batch->items[0];
    bool found;
    TRY(visit_send_lock(batch->tx, batch->arena, &act->visit, 1));
    TRY(visit_send_load(batch->tx, batch->arena, &act->visit, 1));
    TRY(rpc_load(batch));
    visit_take_lock(batch->tx);
    visit_take(batch->tx, &act->visit, visit, &found, 1);
    if (!found) rpc_fail(item, FAIL(NOT_PERMITTED));
    else if ((uint32_t)visit->version != act->version) rpc_fail(item, FAIL(VISIT_CHANGED));
    return TAGIH_OK;
}

static struct visit_event_row event_of(const struct visit_read *visit, const char *kind, struct bytes reason) {
    return (struct visit_event_row){.visit = visit->id, .version = visit->version, .kind = bytes_text(kind), .reason = reason,
                                    .collector = visit->collector, .lease_from_us = visit->lease_from_us,
                                    .lease_until_us = visit->lease_until_us};
}

static struct change_row change_of(enum change_kind kind, const struct visit_read *visit, user_id collector) {
    return (struct change_row){.kind = (int16_t)kind, .object = visit->id.u, .has_account = true, .account = visit->account,
                               .for_phone = true, .collector = collector};
}

/* A live lease that nobody has worked on yet may change hands. */
static tagih_err check_reassign(const struct rpc_batch *batch, const struct visit_read *visit, const struct visit_act *act,
                                const struct result *staff) {
    bool field = result_count(staff) == 1 && result_int2(staff, 0, COL_visit_staff_state) == STAFF_ACTIVE &&
                 ((uint32_t)result_int4(staff, 0, COL_visit_staff_roles) & ROLES_FIELD);
    if (!field) return FAIL(VISIT_COLLECTOR);
    if (visit->state != VISIT_PLANNED && visit->state != VISIT_EN_ROUTE) return FAIL(VISIT_ILLEGAL_TRANSITION);
    if (!visit->live || batch->now.us >= visit->lease_until_us) return FAIL(VISIT_LEASE_OVER);
    return uuid_equal(visit->collector.u, act->collector.u) ? FAIL(VISIT_ILLEGAL_TRANSITION) : TAGIH_OK;
}

/* The new lease begins now: what was done before it was the old one's. */
static tagih_err save_reassign(struct rpc_batch *batch, struct visit_read *visit, const struct visit_act *act) {
    user_id before = visit->collector;
    visit->collector = act->collector;
    visit->version++;
    if (visit->lease_from_us < batch->now.us) visit->lease_from_us = batch->now.us;
    struct visit_event_row event = event_of(visit, "REASSIGNED", act->reason);
    struct change_row changes[] = {change_of(CHANGE_VISIT_GONE, visit, before),
                                   change_of(CHANGE_VISIT_REASSIGNED, visit, act->collector)};
    TRY(visit_send_hand_over(batch->tx, batch->arena, visit->id, act->collector, batch->now));
    TRY(visit_send_events(batch->tx, batch->arena, &event, 1, &batch->items[0]->caller.user, batch->now));
    return change_send(batch->tx, batch->arena, changes, 2, batch->now);
}

static tagih_err reassign_visit(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct visit_act *act = item->checked;
    struct visit_read visit;
    TRY(load_act(batch, &visit, act));
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(visit_send_staff(batch->tx, batch->arena, act->collector));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result staff = {0};
    tx_take(batch->tx, &staff);
    rpc_fail(item, check_reassign(batch, &visit, act, &staff));
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(save_reassign(batch, &visit, act));
    Tagih__V1__ReassignVisitResponse *out = item->response;
    out->visit = view(item, &visit);
    return TAGIH_OK;
}

static tagih_err cancel_visit(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct visit_act *act = item->checked;
    struct visit_read visit;
    struct visit_step step;
    TRY(load_act(batch, &visit, act));
    if (!rpc_ok(item)) return TAGIH_OK;
    rpc_fail(item, visit_apply((enum visit_state)visit.state, VISIT_CANCEL, &(struct visit_facts){.by_supervisor = true}, &step));
    if (!rpc_ok(item)) return TAGIH_OK;
    visit.state = (int16_t)step.to;
    visit.version++;
    visit.live = false;
    struct visit_ended ended = {visit.id, visit.state};
    struct visit_event_row event = event_of(&visit, "CANCELLED", act->reason);
    struct change_row change = change_of(CHANGE_VISIT_CANCELLED, &visit, visit.collector);
    TRY(visit_send_ended(batch->tx, batch->arena, &ended, 1));
    TRY(visit_send_events(batch->tx, batch->arena, &event, 1, &item->caller.user, batch->now));
    TRY(change_send(batch->tx, batch->arena, &change, 1, batch->now));
    Tagih__V1__CancelVisitResponse *out = item->response;
    out->visit = view(item, &visit);
    return TAGIH_OK;
}

/* ---- ListOutcomes --------------------------------------------------------------------------------------------- */

static tagih_err list_outcomes(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__ListOutcomesRequest *request = item->request;
    TRY(rpc_load(batch));
    if (rpc_ok(item)) rpc_fail(item, outcomes_view(item, request->version, item->response));
    return TAGIH_OK;
}

const struct rpc_service visit_service = {
    .proto = &tagih__v1__visit_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("PlanVisits", plan_visits, PlanVisitsRequest, PlanVisitsResponse), .check = plan_request,
         .roles = PLANNERS, .writes = true},
        {RPC_METHOD("ListDay", list_day, ListDayRequest, ListDayResponse), .check = day_request,
         .roles = ROLES_FIELD | ROLES_OFFICE},
        {RPC_METHOD("ReportOutcome", report_outcome, ReportOutcomeRequest, ReportOutcomeResponse),
         .check = outcome_request, .kind = RPC_BATCH, .roles = ROLES_FIELD, .writes = true, .deadline_ms_max = 3000},
        {RPC_METHOD("ReassignVisit", reassign_visit, ReassignVisitRequest, ReassignVisitResponse),
         .check = reassign_request, .roles = PLANNERS, .writes = true, .request_id = true},
        {RPC_METHOD("CancelVisit", cancel_visit, CancelVisitRequest, CancelVisitResponse), .check = cancel_request,
         .roles = PLANNERS, .writes = true, .request_id = true},
        {RPC_METHOD("ListOutcomes", list_outcomes, ListOutcomesRequest, ListOutcomesResponse),
         .roles = ROLES_FIELD | ROLES_OFFICE},
        {0}}};
