/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PlanService (R-PTP-3): a plan is proposed with its instalments, alone or together with the money that is paid on the
 * spot, and decided by a second person. Its instalments are promises; they count from the approval on, as though they had
 * been promised when the plan was made (R-PTP-3c).
 */
#include "rpc/repayment.h"

#include <string.h>

#include "domain/repayment.h"
#include "rpc/payment_view.h"
#include "rpc/paying.h"
#include "rpc/promise_view.h"
#include "rpc/services.h"
#include "run/random.h"
#include "tagih/journal.h"

#define REASON_MAX_BYTES 500
#define MADE_AGO_MAX_US US_PER_DAY

/* ---- fields --------------------------------------------------------------------------------------------------- */

struct planning {
    account_id account;
    currency currency;
    struct plan_instalment *schedule;
    size_t n;
    bool has_start;
    civil_date starts_on;
    instant made; /* 0: now */
    /* with a payment */
    struct paying paying;
};

static void check_schedule(struct rpc_item *item, const Tagih__V1__ProposePlanRequest *request, struct planning *out) {
    size_t n = request->n_instalments;
    if (n < 2 || n > PLAN_INSTALMENTS_MAX) {
        rpc_problem(item, FAIL(PLAN_SCHEDULE), "instalments");
        return;
    }
    out->schedule = rpc_alloc(item, n * sizeof *out->schedule);
    for (; out->schedule && out->n < n; out->n++) {
        const Tagih__V1__PlanInstalmentTerms *terms = request->instalments[out->n];
        struct plan_instalment *to = &out->schedule[out->n];
        tagih_err err = date_parse(terms->due_on, &to->due_on);
        if (!err_is_ok(err)) rpc_problem(item, err, "instalments[%zu].due_on", out->n);
        bool valid = terms->amount_minor > 0 && terms->amount_minor <= MONEY_AMOUNT_MAX_MINOR;
        if (!valid) rpc_problem(item, FAIL(PROMISE_AMOUNT), "instalments[%zu].amount_minor", out->n);
        to->amount_minor = terms->amount_minor;
    }
}

static void check_plan(struct rpc_item *item, const Tagih__V1__ProposePlanRequest *request, struct planning *out) {
    rpc_check_uuid(item, "account_id", request->account_id, &out->account.u);
    tagih_err err = currency_parse(bytes_text(request->currency), &out->currency);
    if (!err_is_ok(err)) rpc_problem(item, err, "currency");
    check_schedule(item, request, out);
    out->has_start = *request->starts_on;
    if (out->has_start) rpc_check_date(item, "starts_on", request->starts_on, &out->starts_on);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX_BYTES);
}

static struct planning *begin(struct rpc_item *item) {
    struct planning *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (out) *out = (struct planning){.n = 0};
    return out;
}

static tagih_err propose_request(struct rpc_item *item) {
    const Tagih__V1__ProposePlanRequest *request = item->request;
    struct planning *out = begin(item);
    if (!out) return item->err;
    check_plan(item, request, out);
    out->made.us = request->made_us;
    bool ago = request->made_us > item->now.us - MADE_AGO_MAX_US && request->made_us <= item->now.us;
    if (request->made_us && !ago) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "made_us");
    return item->err;
}

static tagih_err create_request(struct rpc_item *item) {
    const Tagih__V1__CreatePlanWithPaymentRequest *request = item->request;
    struct planning *out = begin(item);
    if (!out) return item->err;
    if (!request->plan) rpc_problem(item, FAIL(REQUEST_FIELD_MISSING), "plan");
    else check_plan(item, request->plan, out);
    bool source = request->source == TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_BRANCH ||
                  request->source == TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_GATEWAY;
    if (!source) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "source");
    rpc_check_text(item, "source_reference", request->source_reference, 1, 100);
    tagih_err err = paying_amount_check(request->amount_minor);
    if (!err_is_ok(err)) rpc_problem(item, err, "amount_minor");
    if (!rpc_ok(item)) return item->err;
    out->paying = (struct paying){
        .identity = {.source = (int16_t)request->source, .reference = bytes_text(request->source_reference)},
        .tag = payment_tag_of_source((enum payment_source)request->source, TENDER_NONE), .account = out->account,
        .amount_minor = request->amount_minor, .currency = out->currency, .has_actor = true};
    return item->err;
}

/* ---- proposing ------------------------------------------------------------------------------------------------ */

/* One plan on its way into the book. */
struct proposing {
    struct rpc_batch *batch;
    struct rpc_item *item;
    struct planning *planning;
    const char *reason;
    plan_id id;
    int64_t total_minor;
    instant *midnights; /* of the first day, then of the first day too late of each instalment */
    struct promise_deed deed;
    struct params inserts[2];
    struct post post;
};

static void post_open(struct proposing *p, instant made) {
    p->id.u = random_id();
    p->deed = (struct promise_deed){.kind = DEED_PROPOSE, .fact = {.plan = p->id, .made = made},
                                    .expires = {p->batch->now.us + APPROVAL_DAYS * US_PER_DAY}, .reason = bytes_text(p->reason)};
    p->post = (struct post){.what = POST_MOVE, .kind = POSTING_OF_PLAN, .id = p->id.u, .account = p->planning->account,
                            .currency = p->planning->currency, .value = made, .received = p->batch->now, .has_actor = true,
                            .actor = p->item->caller.user, .facts = p->inserts, .n_facts = 2, .deed = &p->deed};
    book_move_begin(&p->post);
}

/* Where days begin is asked with the load; the first day of a plan that names none is only known after it. */
static tagih_err send_days(struct proposing *p) {
    const struct planning *planning = p->planning;
    civil_date *days = ARENA_ARRAY(p->batch->arena, planning->n + 1, civil_date);
    p->midnights = ARENA_ARRAY(p->batch->arena, planning->n + 1, instant);
    if (!days || !p->midnights) return FAIL(OUT_OF_MEMORY);
    days[0] = planning->has_start ? planning->starts_on : planning->schedule[0].due_on;
    for (size_t i = 0; i < planning->n; i++) days[i + 1] = promise_over_on(planning->schedule[i].due_on);
    return promise_send_midnights(p->batch->tx, p->batch->arena, days, planning->n + 1);
}

/* Under the lock: is it a plan that may be proposed? */
static tagih_err judge(struct proposing *p, struct book *book, civil_date made_on) {
    struct planning *planning = p->planning;
    TRY(promise_account_check(p->item, book_account(book, planning->account), planning->currency));
    TRY(plan_schedule_check(planning->schedule, planning->n, made_on, &p->total_minor));
    if (!planning->has_start) planning->starts_on = made_on;
    bool starts = planning->starts_on.days >= made_on.days && planning->starts_on.days <= planning->schedule[0].due_on.days;
    if (!starts) return FAIL(PLAN_SCHEDULE);
    p->deed.starts = planning->has_start ? p->midnights[0] : p->deed.fact.made;
    return TAGIH_OK;
}

static tagih_err fill(struct proposing *p, payment_id payment) {
    const struct planning *planning = p->planning;
    struct arena *arena = p->batch->arena;
    struct promise_row *rows = ARENA_ARRAY(arena, planning->n, struct promise_row);
    if (!rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < planning->n; i++) {
        rows[i] = (struct promise_row){
            .id.u = random_id(), .posting = p->post.id, .account = planning->account, .has_plan = true, .plan = p->id,
            .instalment_no = (int32_t)i + 1, .has_actor = true, .actor = p->item->caller.user,
            .amount_minor = planning->schedule[i].amount_minor, .currency = bytes_text(planning->currency.code),
            .due_on = planning->schedule[i].due_on, .closes_us = p->midnights[i + 1].us,
            .promiser = JOURNAL_PAYER_DEBTOR, .promiser_name = bytes_text(""), .channel = 1, .note = bytes_text(""),
            .made_us = p->deed.fact.made.us, .received_us = p->batch->now.us};
    }
    struct plan_row row = {
        .id = p->id, .posting = p->post.id, .account = planning->account, .currency = bytes_text(planning->currency.code),
        .total_minor = p->total_minor, .instalments = (int32_t)planning->n, .starts_on = planning->starts_on,
        .starts_us = p->deed.starts.us, .has_payment = !uuid_is_nil(payment.u), .payment = payment,
        .made_us = p->deed.fact.made.us, .actor = p->item->caller.user, .note = bytes_text(p->reason)};
    plan_insert(&p->inserts[0], p->batch->tx, arena, &row);
    promise_insert(&p->inserts[1], p->batch->tx, arena, rows, planning->n);
    return TAGIH_OK;
}

/* After the book is queued to be saved: the same writer's chain goes on with the proposal. */
static tagih_err ask_second_person(struct proposing *p, const Tagih__V1__ProposePlanRequest *request, uuid *proposal) {
    struct approval_making making = {
        .kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_PLAN, .subject = p->id.u, .account = p->planning->account,
        .has_amount = true, .amount_minor = p->total_minor, .currency = p->planning->currency, .request = &request->base,
        .reason = p->reason};
    TRY(tx_sync(p->batch->tx));
    return approval_propose(p->batch, p->item, &making, proposal);
}

/* ---- answers -------------------------------------------------------------------------------------------------- */

static Tagih__V1__PlanInstalment *instalment_view(struct rpc_item *item, const struct plan_instalment_read *read) {
    Tagih__V1__PlanInstalment *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__plan_instalment__init(out);
    out->number = read->no;
    out->promise_id = rpc_uuid(item, read->promise.u);
    out->due_on = promise_date(item, read->due_on);
    out->amount_minor = read->amount_minor;
    out->received_minor = read->received_minor;
    out->state = (Tagih__V1__InstalmentState)(plan_instalment_state(read->amount_minor, read->received_minor) + 1);
    out->promise_state = (Tagih__V1__PromiseState)read->state;
    return out;
}

static void instalments_view(struct rpc_item *item, const struct result *instalments, size_t plan, Tagih__V1__Plan *out) {
    struct plan_instalment_read read;
    out->instalments = rpc_alloc(item, (result_count(instalments) + 1) * sizeof *out->instalments);
    for (size_t i = 0; out->instalments && i < result_count(instalments); i++) {
        plan_read_instalment(instalments, i, &read);
        if (read.plan != plan) continue;
        out->instalments[out->n_instalments] = instalment_view(item, &read);
        if (!out->instalments[out->n_instalments]) return;
        out->n_instalments++;
    }
}

static Tagih__V1__Plan *plan_view(struct rpc_item *item, const struct plan_read *read, const struct result *instalments,
                                  size_t i) {
    Tagih__V1__Plan *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__plan__init(out);
    out->plan_id = rpc_uuid(item, read->id.u);
    out->account_id = rpc_uuid(item, read->account.u);
    out->total = money_view(item, read->total_minor, read->currency);
    out->starts_on = promise_date(item, read->starts_on);
    if (read->has_payment) out->payment_id = rpc_uuid(item, read->payment.u);
    out->made_us = read->made_us;
    out->made_by = rpc_uuid(item, read->actor.u);
    out->note = rpc_text(item, read->note);
    out->state = (Tagih__V1__PlanState)read->state; /* the numbers are the same: plan_spec */
    instalments_view(item, instalments, i, out);
    return out;
}

static tagih_err answer(struct proposing *p, Tagih__V1__Plan **out) {
    struct tx *tx = p->batch->tx;
    TRY(tx_sync(tx));
    TRY(plan_send_get(tx, p->batch->arena, p->id));
    TRY(plan_send_instalments(tx, p->batch->arena, &p->id, 1));
    TRY(tx_sync(tx));
    DEFER(result) struct result r = {0}, instalments = {0};
    struct plan_read read;
    tx_take(tx, &r);
    tx_take(tx, &instalments);
    if (result_count(&r) != 1) return FAIL(INTERNAL);
    plan_read_row(&r, 0, &read);
    *out = plan_view(p->item, &read, &instalments, 0);
    return TAGIH_OK;
}

/* ---- ProposePlan ---------------------------------------------------------------------------------------------- */

static tagih_err propose_plan(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__ProposePlanRequest *request = item->request;
    Tagih__V1__ProposePlanResponse *out = item->response;
    struct proposing p = {.batch = batch, .item = item, .planning = item->checked, .reason = request->reason};
    struct book book;
    uuid proposal;
    post_open(&p, p.planning->made.us ? p.planning->made : batch->now);
    TRY(book_begin(&book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &p.post, 1, 0));
    TRY(book_send_lock(&book));
    TRY(book_send_load(&book));
    TRY(send_days(&p));
    TRY(rpc_load(batch));
    book_take_lock(&book);
    TRY(book_take_load(&book));
    promise_take_midnights(batch->tx, p.midnights, p.planning->n + 1);
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(judge(&p, &book, p.post.value_on));
    TRY(book_decide(&book));
    TRY(p.deed.err);
    TRY(fill(&p, (payment_id){{{0}}}));
    TRY(book_save(&book));
    TRY(ask_second_person(&p, request, &proposal));
    out->proposal_id = rpc_uuid(item, proposal);
    return answer(&p, &out->plan);
}

/* ---- CreatePlanWithPayment ------------------------------------------------------------------------------------ */

static tagih_err load_both(struct proposing *p, struct paying_book *all) {
    TRY(paying_send_load(all));
    TRY(send_days(p));
    TRY(rpc_load(p->batch));
    TRY(paying_take_load(all));
    promise_take_midnights(p->batch->tx, p->midnights, p->planning->n + 1);
    return TAGIH_OK;
}

/* A cashier takes money at the counter alone. */
static bool may_take(const struct rpc_item *item, const struct paying *paying) {
    return paying->identity.source == SOURCE_BRANCH || (item->caller.roles & ROLE_ADMIN);
}

static tagih_err create_plan_with_payment(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__CreatePlanWithPaymentRequest *request = item->request;
    Tagih__V1__CreatePlanWithPaymentResponse *out = item->response;
    struct proposing p = {.batch = batch, .item = item, .planning = item->checked, .reason = request->plan->reason};
    struct paying *paying = &p.planning->paying;
    struct paying_book all;
    uuid proposal;
    paying->value = batch->now;
    paying->actor = item->caller.user;
    paying->err = TAGIH_OK;
    post_open(&p, (instant){batch->now.us - 1});
    TRY(paying_begin(&all, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, paying, 1, &p.post));
    TRY(load_both(&p, &all));
    if (!rpc_ok(item)) return TAGIH_OK;
    if (!may_take(item, paying)) return FAIL(NOT_PERMITTED);
    TRY(judge(&p, &all.book, all.event->value_on));
    TRY(paying_decide(&all));
    if (paying->repeat) return FAIL(PAYMENT_IDENTITY_REUSED);
    TRY(paying->err);
    TRY(book_decide(&all.book));
    TRY(p.deed.err);
    TRY(fill(&p, paying->payment));
    TRY(book_save(&all.book));
    TRY(ask_second_person(&p, request->plan, &proposal));
    out->proposal_id = rpc_uuid(item, proposal);
    out->payment_id = rpc_uuid(item, paying->payment.u);
    return answer(&p, &out->plan);
}

/* ---- decision ------------------------------------------------------------------------------------------------- */

static tagih_err decide(struct rpc_batch *batch, struct approval *proposal, bool approve) {
    struct promise_deed deed = {.kind = DEED_DECIDE, .fact = {.plan = {proposal->subject}}, .approve = approve,
                                .reason = proposal->reason};
    struct post post = {.what = POST_MOVE, .kind = POSTING_OF_PLAN, .id = random_id(), .account = proposal->account,
                        .currency = proposal->currency, .value = batch->now, .received = batch->now, .has_actor = true,
                        .actor = proposal->decided_by, .deed = &deed};
    struct book book;
    book_move_begin(&post);
    TRY(approval_join(batch, proposal, &post));
    TRY(book_begin(&book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &post, 1, 0));
    TRY(book_open(&book));
    if (approve) TRY(promise_account_check(batch->items[0], book_account(&book, proposal->account), proposal->currency));
    TRY(book_decide(&book));
    TRY(deed.err);
    return book_save(&book);
}

static tagih_err execute(struct rpc_batch *batch, struct approval *proposal) {
    return decide(batch, proposal, true);
}

static tagih_err refuse(struct rpc_batch *batch, struct approval *proposal) {
    return decide(batch, proposal, false);
}

const struct approval_kind plan_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_PLAN, .name = "plan",
                                        .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
                                        .request = &tagih__v1__propose_plan_request__descriptor,
                                        .execute = execute, .refuse = refuse};

/* ---- GetPlan, ListPlans --------------------------------------------------------------------------------------- */

static tagih_err get_request(struct rpc_item *item) {
    const Tagih__V1__GetPlanRequest *request = item->request;
    plan_id *id = rpc_alloc(item, sizeof *id);
    item->checked = id;
    if (id) rpc_check_uuid(item, "plan_id", request->plan_id, &id->u);
    return item->err;
}

static Tagih__V1__PlanEvent *event_view(struct rpc_item *item, const struct plan_event_row *row) {
    Tagih__V1__PlanEvent *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__plan_event__init(out);
    out->at_us = row->at_us;
    if (row->step) out->step = rpc_text(item, bytes_text(plan_step_name((enum plan_step)row->step)));
    out->before = (Tagih__V1__PlanState)row->before;
    out->after = (Tagih__V1__PlanState)row->after;
    if (row->has_actor) out->actor_id = rpc_uuid(item, row->actor.u);
    out->reason = rpc_text(item, row->reason);
    return out;
}

static void history_view(struct rpc_item *item, const struct result *events, Tagih__V1__GetPlanResponse *out) {
    struct plan_event_row row;
    out->events = rpc_alloc(item, (result_count(events) + 1) * sizeof *out->events);
    for (size_t i = 0; out->events && i < result_count(events); i++) {
        plan_read_event(events, i, &row);
        out->events[i] = event_view(item, &row);
        if (!out->events[i]) return;
        out->n_events++;
    }
}

static tagih_err get_plan(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const plan_id *id = item->checked;
    Tagih__V1__GetPlanResponse *out = item->response;
    TRY(plan_send_get(batch->tx, batch->arena, *id));
    TRY(plan_send_instalments(batch->tx, batch->arena, id, 1));
    TRY(plan_send_events(batch->tx, batch->arena, *id));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0}, instalments = {0}, events = {0};
    struct plan_read read = {.state = 0};
    tx_take(batch->tx, &r);
    tx_take(batch->tx, &instalments);
    tx_take(batch->tx, &events);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (result_count(&r) == 1) plan_read_row(&r, 0, &read);
    if (result_count(&r) != 1 || !promise_may_see(item, read.has_assigned, read.assigned)) return FAIL(NOT_PERMITTED);
    out->plan = plan_view(item, &read, &instalments, 0);
    history_view(item, &events, out);
    return TAGIH_OK;
}

static tagih_err list_request(struct rpc_item *item) {
    const Tagih__V1__ListPlansRequest *request = item->request;
    account_id *id = rpc_alloc(item, sizeof *id);
    item->checked = id;
    if (id) rpc_check_uuid(item, "account_id", request->account_id, &id->u);
    return item->err;
}

static tagih_err answer_list(struct rpc_batch *batch, const struct result *r, Tagih__V1__ListPlansResponse *out) {
    struct rpc_item *item = batch->items[0];
    size_t n = result_count(r);
    plan_id *ids = ARENA_ARRAY(batch->arena, n, plan_id);
    struct plan_read *reads = ARENA_ARRAY(batch->arena, n, struct plan_read);
    out->plans = rpc_alloc(item, (n + 1) * sizeof *out->plans);
    if (!ids || !reads || !out->plans) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        plan_read_row(r, i, &reads[i]);
        ids[i] = reads[i].id;
    }
    TRY(plan_send_instalments(batch->tx, batch->arena, ids, n));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result instalments = {0};
    tx_take(batch->tx, &instalments);
    for (size_t i = 0; i < n; i++) {
        out->plans[i] = plan_view(item, &reads[i], &instalments, i);
        if (!out->plans[i]) return TAGIH_OK;
        out->n_plans++;
    }
    return TAGIH_OK;
}

static tagih_err list_plans(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const account_id *id = item->checked;
    struct promise_account account;
    TRY(promise_send_account(batch->tx, batch->arena, *id));
    TRY(plan_send_list(batch->tx, batch->arena, *id));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    promise_take_account(batch->tx, &account);
    tx_take(batch->tx, &r);
    if (!rpc_ok(item)) return TAGIH_OK;
    bool may = account.found && promise_may_see(item, account.has_collector, account.collector);
    return may ? answer_list(batch, &r, item->response) : FAIL(NOT_PERMITTED);
}

/* ---- table ---------------------------------------------------------------------------------------------------- */

#define READERS (ROLES_FIELD | ROLES_OFFICE)
#define MAKERS (ROLES_FIELD | ROLE_SUPERVISOR | ROLE_CASHIER | ROLE_ADMIN)

const struct rpc_service plan_service = {
    .proto = &tagih__v1__plan_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("ProposePlan", propose_plan, ProposePlanRequest, ProposePlanResponse), .check = propose_request,
         .roles = MAKERS, .writes = true, .request_id = true},
        {RPC_METHOD("CreatePlanWithPayment", create_plan_with_payment, CreatePlanWithPaymentRequest,
                    CreatePlanWithPaymentResponse), .check = create_request, .roles = ROLE_CASHIER | ROLE_ADMIN,
         .writes = true, .request_id = true},
        {RPC_METHOD("GetPlan", get_plan, GetPlanRequest, GetPlanResponse), .check = get_request, .roles = READERS},
        {RPC_METHOD("ListPlans", list_plans, ListPlansRequest, ListPlansResponse), .check = list_request, .roles = READERS},
        {0}}};
