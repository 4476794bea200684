/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A person's acts: hold, release, reassign, recall, close. Each is a step of the machine (domain/lifecycle.h) under the
 * account's lock, against the etag that the person has read, and one posting with its event. What would leave money out
 * of sight (debt of the dead, credit of anybody, a write-off) is proposed here and done by a second person's decision,
 * judged again then.
 */
#include "rpc/account_act.h"

#include <stdio.h>
#include <string.h>

#include "domain/role.h"
#include "engine/page.h"
#include "rpc/account_view.h"
#include "rpc/lifecycle.h"
#include "store/account.h"
#include "store/visit.h"
#include "store_statements.h"

#define REASON_MAX 500
enum { STAFF_ACTIVE = 1 };

/* What a request asks for. */
enum answers { ANSWERS_HOLD, ANSWERS_RELEASE, ANSWERS_REASSIGN, ANSWERS_RECALL, ANSWERS_CLOSE };

struct acting {
    account_id account;
    enum account_act act;
    enum answers answers; /* with which response */
    bool has_collector;
    user_id collector;
    const char *reason, *etag;
};

/* ---- fields --------------------------------------------------------------------------------------------------- */

static struct acting *begin(struct rpc_item *item, enum account_act act, enum answers answers, const char *account, const char *etag,
                            const char *reason) {
    struct acting *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return NULL;
    *out = (struct acting){.act = act, .answers = answers, .reason = reason, .etag = etag};
    rpc_check_uuid(item, "account_id", account, &out->account.u);
    rpc_check_text(item, "etag", etag, 1, 64);
    rpc_check_text(item, "reason", reason, 1, REASON_MAX);
    return out;
}

static void check_collector(struct rpc_item *item, const char *collector, struct acting *out) {
    out->has_collector = *collector != 0;
    if (out->has_collector) rpc_check_uuid(item, "collector_id", collector, &out->collector.u);
}

tagih_err account_hold_check(struct rpc_item *item) {
    const Tagih__V1__HoldAccountRequest *request = item->request;
    struct acting *out = begin(item, ACCOUNT_ACT_HOLD, ANSWERS_HOLD, request->account_id, request->etag, request->reason);
    if (out) check_collector(item, request->collector_id, out);
    return item->err;
}

tagih_err account_release_check(struct rpc_item *item) {
    const Tagih__V1__ReleaseAccountRequest *request = item->request;
    (void)begin(item, ACCOUNT_ACT_RELEASE, ANSWERS_RELEASE, request->account_id, request->etag, request->reason);
    return item->err;
}

tagih_err account_reassign_check(struct rpc_item *item) {
    const Tagih__V1__ReassignAccountRequest *request = item->request;
    struct acting *out = begin(item, ACCOUNT_ACT_REASSIGN, ANSWERS_REASSIGN, request->account_id, request->etag, request->reason);
    if (out) check_collector(item, request->collector_id, out);
    return item->err;
}

tagih_err account_recall_check(struct rpc_item *item) {
    const Tagih__V1__RecallAccountRequest *request = item->request;
    (void)begin(item, ACCOUNT_ACT_RECALL, ANSWERS_RECALL, request->account_id, request->etag, request->reason);
    return item->err;
}

/* ACCOUNT_ACT_COUNT: not said, or unknown. */
static enum account_act closing_act(Tagih__V1__AccountClosing closing) {
    switch (closing) {
        case TAGIH__V1__ACCOUNT_CLOSING__ACCOUNT_CLOSING_DECEASED: return ACCOUNT_ACT_BURY;
        case TAGIH__V1__ACCOUNT_CLOSING__ACCOUNT_CLOSING_LEGAL: return ACCOUNT_ACT_GO_LEGAL;
        case TAGIH__V1__ACCOUNT_CLOSING__ACCOUNT_CLOSING_WRITTEN_OFF: return ACCOUNT_ACT_WRITE_OFF;
        case TAGIH__V1__ACCOUNT_CLOSING__ACCOUNT_CLOSING_RETURNED: return ACCOUNT_ACT_RECALL;
        default: return ACCOUNT_ACT_COUNT;
    }
}

tagih_err account_close_check(struct rpc_item *item) {
    const Tagih__V1__CloseAccountRequest *request = item->request;
    struct acting *out = begin(item, closing_act(request->closing), ANSWERS_CLOSE, request->account_id, request->etag, request->reason);
    if (out && out->act == ACCOUNT_ACT_COUNT) rpc_problem(item, FAIL(REQUEST_FIELD_MISSING), "closing");
    return item->err;
}

/* ---- judging -------------------------------------------------------------------------------------------------- */

/* Out of a takeover the pool is reached by another edge of the machine. */
static enum account_act act_on(const struct acting *acting, const struct lifecycle_account *account) {
    bool back = acting->act == ACCOUNT_ACT_RELEASE && account->status == ACCOUNT_TAKEOVER;
    return back ? ACCOUNT_ACT_GIVE_BACK : acting->act;
}

/* R-LIF-1b: where money would be lost to sight, a second person. */
static bool needs_second(enum account_act act, const struct lifecycle_account *account) {
    if (act == ACCOUNT_ACT_WRITE_OFF) return true;
    bool closes = act == ACCOUNT_ACT_BURY || act == ACCOUNT_ACT_RECALL;
    return (act == ACCOUNT_ACT_BURY && account->open_minor > 0) || (closes && account->credit_minor > 0);
}

static tagih_err judge_etag(const struct acting *acting, const struct lifecycle_account *account) {
    char etag[24];
    snprintf(etag, sizeof etag, "a%d", account->version);
    return strcmp(etag, acting->etag) == 0 ? TAGIH_OK : FAIL(ACCOUNT_CHANGED);
}

/* A hold that is over is not given up or handed on any more: the next run marks it. */
static tagih_err judge_hold(enum account_act act, const struct lifecycle_account *account, civil_date today) {
    bool of_hold = act == ACCOUNT_ACT_RELEASE || act == ACCOUNT_ACT_REASSIGN;
    bool over = account->status == ACCOUNT_HELD && account->has_hold && today.days >= account->hold_until_on.days;
    return of_hold && over ? FAIL(ACCOUNT_NOT_HELD) : TAGIH_OK;
}

static tagih_err decide(const struct acting *acting, const struct lifecycle_account *account, civil_date today, instant now,
                        struct lifecycle_step *out) {
    const struct account_facts facts = {.by_person = true};
    enum account_act act = act_on(acting, account);
    TRY(judge_hold(act, account, today));
    TRY(lifecycle_step(account, act, &facts, acting->reason, now, out));
    if (act != ACCOUNT_ACT_HOLD && act != ACCOUNT_ACT_REASSIGN) return TAGIH_OK;
    out->after.has_collector = acting->has_collector;
    out->after.collector = acting->collector;
    if (act == ACCOUNT_ACT_REASSIGN) return TAGIH_OK; /* R-LIF-2: the hold runs on */
    out->after.has_hold = true;
    out->after.hold_from_on = today;
    out->after.hold_until_on = hold_until(today);
    out->after.promise_days = out->after.warnings = 0;
    return TAGIH_OK;
}

/* ---- doing ---------------------------------------------------------------------------------------------------- */

/* An account on its way through a transaction. */
struct deed {
    struct lifecycle_posting posting;
    struct lifecycle_account account;
    visit_id *visits;
    size_t n_visits;
};

static tagih_err take(struct deed *deed) {
    return lifecycle_take(&deed->posting, &deed->account, 1, &deed->visits, &deed->n_visits);
}

static tagih_err save(struct deed *deed, const struct lifecycle_step *step, const user_id *actor) {
    struct book *book = &deed->posting.book;
    TRY(lifecycle_end_leases(book->tx, book->arena, step, 1, deed->visits, deed->n_visits, actor, book->now));
    return lifecycle_save(&deed->posting, step, 1, actor);
}

static tagih_err load(struct rpc_batch *batch, const struct acting *acting, struct deed *deed, bool *collector_fits) {
    TRY(lifecycle_begin(&deed->posting, batch->tx, batch->arena, batch->writer, batch->now));
    TRY(lifecycle_send(&deed->posting, &acting->account, 1));
    TRY(visit_send_staff(batch->tx, batch->arena, acting->collector));
    TRY(rpc_load(batch));
    TRY(take(deed));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    bool there = result_count(&r) == 1 && result_int2(&r, 0, COL_visit_staff_state) == STAFF_ACTIVE;
    *collector_fits = !acting->has_collector || (there && ((uint32_t)result_int4(&r, 0, COL_visit_staff_roles) & ROLES_FIELD));
    return TAGIH_OK;
}

static tagih_err propose(struct rpc_batch *batch, const struct acting *acting, char **out) {
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_ACCOUNT_CLOSING,
                                     .subject = acting->account.u, .account = acting->account, .reason = acting->reason};
    Tagih__V1__CloseAccountRequest closing = TAGIH__V1__CLOSE_ACCOUNT_REQUEST__INIT;
    if (acting->act == ACCOUNT_ACT_RECALL) { /* one kind of proposal for all: a recall is a closing, too */
        closing.account_id = rpc_uuid(batch->items[0], acting->account.u);
        closing.closing = TAGIH__V1__ACCOUNT_CLOSING__ACCOUNT_CLOSING_RETURNED;
        closing.reason = (char *)(uintptr_t)acting->reason;
        making.request = &closing.base;
    }
    uuid id;
    TRY(approval_propose(batch, batch->items[0], &making, &id));
    *out = rpc_uuid(batch->items[0], id);
    return TAGIH_OK;
}

/* Each response has its account; those that may need a second person say whose proposal it became. */
static tagih_err answer(struct rpc_batch *batch, const struct acting *acting, char *proposal) {
    struct rpc_item *item = batch->items[0];
    Tagih__V1__Account *account = NULL;
    TRY(account_answer(batch, item, acting->account, &account));
    if (!proposal) proposal = (char *)(uintptr_t)protobuf_c_empty_string;
    switch (acting->answers) {
        case ANSWERS_HOLD: ((Tagih__V1__HoldAccountResponse *)item->response)->account = account; break;
        case ANSWERS_RELEASE: ((Tagih__V1__ReleaseAccountResponse *)item->response)->account = account; break;
        case ANSWERS_REASSIGN: ((Tagih__V1__ReassignAccountResponse *)item->response)->account = account; break;
        case ANSWERS_RECALL:
            ((Tagih__V1__RecallAccountResponse *)item->response)->account = account;
            ((Tagih__V1__RecallAccountResponse *)item->response)->proposal_id = proposal;
            break;
        case ANSWERS_CLOSE:
            ((Tagih__V1__CloseAccountResponse *)item->response)->account = account;
            ((Tagih__V1__CloseAccountResponse *)item->response)->proposal_id = proposal;
            break;
    }
    return TAGIH_OK;
}

static tagih_err judge(const struct acting *acting, const struct deed *deed, bool collector_fits, instant now,
                       struct lifecycle_step *step) {
    if (!deed->account.found) return FAIL(NOT_PERMITTED);
    TRY(judge_etag(acting, &deed->account));
    if (!collector_fits) return FAIL(VISIT_COLLECTOR);
    return decide(acting, &deed->account, deed->posting.book.loaded.today, now, step);
}

tagih_err account_act(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct acting *acting = item->checked;
    struct deed *deed = ARENA_ARRAY(batch->arena, 1, struct deed);
    struct lifecycle_step step;
    bool collector_fits;
    char *proposal = NULL;
    if (!deed) return FAIL(OUT_OF_MEMORY);
    TRY(load(batch, acting, deed, &collector_fits));
    if (!rpc_ok(item)) return TAGIH_OK;
    tagih_err err = judge(acting, deed, collector_fits, batch->now, &step);
    if (!err_is_ok(err)) {
        rpc_fail(item, err);
        return TAGIH_OK;
    }
    if (needs_second(step.act, &deed->account)) TRY(propose(batch, acting, &proposal));
    else TRY(save(deed, &step, &item->caller.user));
    return answer(batch, acting, proposal);
}

/* ---- the second person ---------------------------------------------------------------------------------------- */

static tagih_err execute(struct rpc_batch *batch, struct approval *proposal) {
    const Tagih__V1__CloseAccountRequest *request = proposal->request;
    struct acting acting = {.account = proposal->account, .reason = request->reason, .act = closing_act(request->closing)};
    struct deed *deed = ARENA_ARRAY(batch->arena, 1, struct deed);
    struct lifecycle_step step;
    if (!deed) return FAIL(OUT_OF_MEMORY);
    TRY(lifecycle_begin(&deed->posting, batch->tx, batch->arena, batch->writer, batch->now));
    TRY(approval_join(batch, proposal, &deed->posting.post));
    TRY(lifecycle_send(&deed->posting, &acting.account, 1));
    TRY(tx_sync(batch->tx));
    TRY(take(deed));
    if (!deed->account.found) return FAIL(NOT_PERMITTED);
    TRY(decide(&acting, &deed->account, deed->posting.book.loaded.today, batch->now, &step));
    return save(deed, &step, &proposal->made_by);
}

const struct approval_kind account_closing_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_ACCOUNT_CLOSING,
                                                   .name = "account closing",
                                                   .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
                                                   .request = &tagih__v1__close_account_request__descriptor,
                                                   .execute = execute};

/* ---- ListRecallCandidates ------------------------------------------------------------------------------------- */

struct candidates {
    int32_t page_size;
    bool has_after;
    account_id after;
};

tagih_err account_candidates_check(struct rpc_item *item) {
    const Tagih__V1__ListRecallCandidatesRequest *request = item->request;
    struct candidates *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    *list = (struct candidates){0};
    rpc_check_page(item, request->page_size, &list->page_size);
    rpc_check_page_token(item, request->page_token, (struct bytes){NULL, 0}, &list->after, sizeof list->after, &list->has_after);
    return item->err;
}

#define COL(name) COL_lifecycle_candidates_##name

static void answer_candidates(struct rpc_item *item, const struct candidates *list, const struct result *r) {
    Tagih__V1__ListRecallCandidatesResponse *out = item->response;
    size_t n = rpc_page_rows(r, list->page_size);
    account_id last = {0};
    out->candidates = rpc_alloc(item, (n + 1) * sizeof *out->candidates);
    for (size_t i = 0; out->candidates && i < n; i++) {
        Tagih__V1__RecallCandidate *line = rpc_alloc(item, sizeof *line);
        char date[DATE_TEXT_SIZE];
        if (!line) return;
        tagih__v1__recall_candidate__init(line);
        last.u = result_uuid(r, i, COL(account_id));
        date_format(result_date(r, i, COL(as_of_on)), date);
        line->account_id = rpc_uuid(item, last.u);
        line->account_no = rpc_text(item, result_text(r, i, COL(account_no)));
        line->missing_since = rpc_text(item, bytes_text(date));
        line->file_name = rpc_text(item, result_text(r, i, COL(file_name)));
        out->candidates[out->n_candidates++] = line;
    }
    out->next_page_token = rpc_page_next(item, r, list->page_size, (struct bytes){NULL, 0}, BYTES_OF(&last));
}

tagih_err account_candidates(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct candidates *list = item->checked;
    struct params p;
    tx_params(&p, batch->tx, batch->arena, STMT_lifecycle_candidates, 0);
    params_one_uuid(&p, &list->after);
    params_one_int4(&p, list->page_size + 1);
    TRY(tx_send(batch->tx, &p));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    if (rpc_ok(item)) answer_candidates(item, list, &r);
    return TAGIH_OK;
}
