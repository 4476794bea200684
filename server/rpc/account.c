/* SPDX-License-Identifier: Apache-2.0 */
/* AccountService: its table, and reading; importing is account_import.c. */
#include "store/account.h"

#include <stdio.h>

#include "contract.h"
#include "domain/change.h"
#include "domain/outcome.h"
#include "engine/page.h"
#include "rpc/account_act.h"
#include "rpc/account_import.h"
#include "rpc/account_view.h"
#include "rpc/services.h"
#include "store_statements.h"
#include "tagih/bucket.h"
#include "tagih/presence.h"

/* ---- reading -------------------------------------------------------------------------------------------------- */

static void answer_components(struct rpc_item *item, const int64_t minor[COMPONENT_COUNT], Tagih__V1__Components **out) {
    Tagih__V1__Components *message = rpc_alloc(item, sizeof *message);
    if (!message) return;
    tagih__v1__components__init(message);
    message->fees_minor = minor[COMPONENT_FEES];
    message->penalty_minor = minor[COMPONENT_PENALTY];
    message->interest_minor = minor[COMPONENT_INTEREST];
    message->principal_minor = minor[COMPONENT_PRINCIPAL];
    *out = message;
}

static char *date_text(struct rpc_item *item, civil_date date) {
    char text[DATE_TEXT_SIZE];
    date_format(date, text);
    return rpc_text(item, bytes_text(text));
}

static Tagih__V1__Account *answer_account(struct rpc_item *item, const struct account_read *from,
                                          const struct instalment_open *lines, size_t n) {
    Tagih__V1__Account *out = rpc_alloc(item, sizeof *out);
    if (out) account_view(item, from, bucket_days_past_due(lines, n, 0, from->today), out);
    return out;
}

static void answer_instalments(struct rpc_item *item, const struct instalment_open *lines, size_t n, Tagih__V1__Account *out) {
    out->instalments = rpc_alloc(item, (n + 1) * sizeof *out->instalments);
    for (size_t i = 0; out->instalments && i < n; i++) {
        Tagih__V1__Instalment *line = rpc_alloc(item, sizeof *line);
        if (!line) return;
        tagih__v1__instalment__init(line);
        line->number = lines[i].no;
        line->due_on = date_text(item, lines[i].due_on);
        answer_components(item, lines[i].open_minor, &line->dues);
        out->instalments[out->n_instalments++] = line;
    }
}

/* Open instalments of the accounts, as they come from the database. */
static tagih_err load_dues(struct rpc_batch *batch, const account_id *ids, size_t n, struct instalment_open **lines,
                           account_id **owners, size_t *n_lines) {
    TRY(account_send_dues(batch->tx, batch->arena, ids, n));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    *n_lines = result_count(&r);
    *lines = ARENA_ARRAY(batch->arena, *n_lines + 1, struct instalment_open);
    *owners = ARENA_ARRAY(batch->arena, *n_lines + 1, account_id);
    if (!*lines || !*owners) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n_lines; i++) account_read_due(&r, i, &(*owners)[i], &(*lines)[i]);
    return TAGIH_OK;
}

/* ---- GetAccount ----------------------------------------------------------------------------------------------- */

struct account_key {
    bool by_id;
    account_id id;
    struct bytes number;
};

static tagih_err get_request(struct rpc_item *item) {
    const Tagih__V1__GetAccountRequest *request = item->request;
    struct account_key *key = rpc_alloc(item, sizeof *key);
    item->checked = key;
    if (!key) return item->err;
    key->by_id = *request->account_id != 0;
    key->number = bytes_text(request->account_no);
    if (key->by_id) rpc_check_uuid(item, "account_id", request->account_id, &key->id.u);
    else rpc_check_text(item, "account_no", request->account_no, 1, 64);
    return item->err;
}

/* A collector sees what is assigned to him; not there and not his look the same. */
static bool may_see(const struct rpc_item *item, bool has_collector, user_id collector) {
    if (item->caller.roles & ROLES_OFFICE) return true;
    return has_collector && uuid_equal(collector.u, item->caller.user.u);
}

static tagih_err get_account(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct account_key *key = item->checked;
    TRY(account_send_get(batch->tx, batch->arena, key->by_id ? &key->id : NULL, key->number, batch->now));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    if (!rpc_ok(item)) return TAGIH_OK;
    struct account_read read = {0};
    if (result_count(&r) == 1) account_read_row(&r, 0, &read);
    if (result_count(&r) != 1 || !may_see(item, read.has_collector, read.collector)) {
        rpc_fail(item, FAIL(NOT_PERMITTED));
        return TAGIH_OK;
    }
    struct instalment_open *lines;
    account_id *owners;
    size_t n;
    TRY(load_dues(batch, &read.id, 1, &lines, &owners, &n));
    Tagih__V1__GetAccountResponse *out = item->response;
    out->account = answer_account(item, &read, lines, n);
    if (out->account) answer_instalments(item, lines, n, out->account);
    return TAGIH_OK;
}

tagih_err account_answer(struct rpc_batch *batch, struct rpc_item *item, account_id id, Tagih__V1__Account **out) {
    TRY(tx_sync(batch->tx)); /* the answers of what was saved are nobody's: the next sending drops them */
    TRY(account_send_get(batch->tx, batch->arena, &id, bytes_text(""), batch->now));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    struct account_read read;
    if (result_count(&r) != 1) return FAIL(INTERNAL);
    account_read_row(&r, 0, &read);
    struct instalment_open *lines;
    account_id *owners;
    size_t n;
    TRY(load_dues(batch, &id, 1, &lines, &owners, &n));
    *out = answer_account(item, &read, lines, n);
    if (*out) answer_instalments(item, lines, n, *out);
    return TAGIH_OK;
}

/* ---- ListAccounts --------------------------------------------------------------------------------------------- */

struct account_list {
    int32_t page_size;
    bool has_collector, has_after;
    user_id collector;
    account_id after;
};

static tagih_err list_request(struct rpc_item *item) {
    const Tagih__V1__ListAccountsRequest *request = item->request;
    struct account_list *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    rpc_check_page(item, request->page_size, &list->page_size);
    list->has_collector = *request->collector_id != 0;
    if (list->has_collector) rpc_check_uuid(item, "collector_id", request->collector_id, &list->collector.u);
    rpc_check_page_token(item, request->page_token, BYTES_OF(&list->collector), &list->after, sizeof list->after,
                         &list->has_after);
    return item->err;
}

static tagih_err answer_list(struct rpc_batch *batch, const struct account_list *list, const struct result *r) {
    struct rpc_item *item = batch->items[0];
    Tagih__V1__ListAccountsResponse *out = item->response;
    size_t n = rpc_page_rows(r, list->page_size);
    account_id *ids = ARENA_ARRAY(batch->arena, n + 1, account_id), *owners;
    struct account_read *reads = ARENA_ARRAY(batch->arena, n + 1, struct account_read);
    struct instalment_open *lines;
    size_t n_lines, at = 0;
    if (!ids || !reads) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        account_read_row(r, i, &reads[i]);
        ids[i] = reads[i].id;
    }
    TRY(load_dues(batch, ids, n, &lines, &owners, &n_lines));
    out->accounts = rpc_alloc(item, (n + 1) * sizeof *out->accounts);
    for (size_t i = 0; out->accounts && i < n; i++) {
        size_t first = at;
        while (at < n_lines && uuid_equal(owners[at].u, ids[i].u)) at++;
        out->accounts[i] = answer_account(item, &reads[i], &lines[first], at - first);
        if (!out->accounts[i]) return TAGIH_OK;
        out->n_accounts++;
    }
    account_id last = n ? ids[n - 1] : (account_id){0};
    out->next_page_token = rpc_page_next(item, r, list->page_size, BYTES_OF(&list->collector), BYTES_OF(&last));
    return TAGIH_OK;
}

static tagih_err list_accounts(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct account_list *list = item->checked;
    TRY(rpc_load(batch));
    if (!rpc_ok(item)) return TAGIH_OK;
    bool office = item->caller.roles & ROLES_OFFICE;
    const user_id *collector = list->has_collector ? &list->collector : office ? NULL : &item->caller.user;
    if (!office && !uuid_equal(collector->u, item->caller.user.u)) {
        rpc_fail(item, FAIL(NOT_PERMITTED));
        return TAGIH_OK;
    }
    TRY(account_send_list(batch->tx, batch->arena, collector, list->after, list->page_size + 1, batch->now));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    return answer_list(batch, list, &r);
}

/* ---- ListTimeline --------------------------------------------------------------------------------------------- */

struct timeline {
    account_id account;
    int32_t page_size;
    bool has_after;
    int64_t after_n;
};

static tagih_err timeline_request(struct rpc_item *item) {
    const Tagih__V1__ListTimelineRequest *request = item->request;
    struct timeline *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    rpc_check_uuid(item, "account_id", request->account_id, &list->account.u);
    rpc_check_page(item, request->page_size, &list->page_size);
    rpc_check_page_token(item, request->page_token, BYTES_OF(&list->account), &list->after_n, sizeof list->after_n,
                         &list->has_after);
    return item->err;
}

#define COL(name) COL_account_timeline_##name

static const char *code_name(int kind, int code) {
    static const char *const verdicts[] = {"unknown", "inside", "outside", "unsure"};
    if (kind == CHANGE_CHECK_IN) return code >= 0 && code < 4 ? verdicts[code] : "?";
    const struct outcome *outcome = outcome_find(OUTCOME_LIST_VERSION, (uint32_t)code);
    return outcome ? outcome->name : "?";
}

/* One line for people: what the thing says of itself, no names, no texts that a phone wrote. */
static char *timeline_text(struct rpc_item *item, const struct result *r, size_t i) {
    int kind = result_int2(r, i, COL(kind));
    char money[MONEY_TEXT_SIZE] = "";
    if (!result_is_null(r, i, COL(amount_minor))) {
        struct money amount = {.minor = result_int8(r, i, COL(amount_minor))};
        amount.currency = result_currency(r, i, COL(currency));
        money_format(amount, money);
    }
    const char *reason = result_is_null(r, i, COL(reason)) ? "" : (const char *)result_text(r, i, COL(reason)).data;
    const char *what = (const char *)result_text(r, i, COL(what)).data;
    const char *code = result_is_null(r, i, COL(code)) ? "" : code_name(kind, result_int2(r, i, COL(code)));
    const char *currency_code = *money ? (const char *)result_text(r, i, COL(currency)).data : "";
    char *text = arena_printf(&item->call->arena, "%s%s%s%s%s%s%s%s%s%s", change_kind_name(kind), *what ? " " : "", what,
                              *code ? " " : "", code, *money ? " " : "", money, *money ? " " : "", currency_code,
                              *reason ? ": " : "");
    return text ? arena_printf(&item->call->arena, "%s%s", text, reason) : NULL;
}

static void answer_timeline(struct rpc_item *item, const struct timeline *list, const struct result *r) {
    Tagih__V1__ListTimelineResponse *out = item->response;
    size_t n = rpc_page_rows(r, list->page_size);
    int64_t last = 0;
    out->items = rpc_alloc(item, (n + 1) * sizeof *out->items);
    for (size_t i = 0; out->items && i < n; i++) {
        Tagih__V1__TimelineItem *line = rpc_alloc(item, sizeof *line);
        char *text = timeline_text(item, r, i);
        if (!line || !text) {
            rpc_fail(item, FAIL(OUT_OF_MEMORY));
            return;
        }
        tagih__v1__timeline_item__init(line);
        line->kind = (char *)(uintptr_t)change_kind_name(result_int2(r, i, COL(kind)));
        line->object_id = rpc_uuid(item, result_uuid(r, i, COL(object_id)));
        line->at_us = result_int8(r, i, COL(at_us));
        line->collector_id = rpc_uuid(item, result_uuid_or_nil(r, i, COL(collector_id)));
        line->text = text;
        last = result_int8(r, i, COL(n));
        out->items[out->n_items++] = line;
    }
    out->next_page_token = rpc_page_next(item, r, list->page_size, BYTES_OF(&list->account), BYTES_OF(&last));
}

static tagih_err send_timeline(struct rpc_batch *batch, const struct timeline *list) {
    struct params p;
    TRY(account_send_owner(batch->tx, batch->arena, list->account));
    params_init(&p, batch->arena, STMT_account_timeline, 0);
    params_one_uuid(&p, &batch->agency);
    params_one_uuid(&p, &list->account);
    params_one_int8(&p, list->has_after ? list->after_n : 0);
    params_one_int4(&p, list->page_size + 1);
    return tx_send(batch->tx, &p);
}

static tagih_err list_timeline(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct timeline *list = item->checked;
    TRY(send_timeline(batch, list));
    TRY(rpc_load(batch));
    struct account_owner owner;
    DEFER(result) struct result rows = {0};
    account_take_owner(batch->tx, &owner);
    tx_take(batch->tx, &rows);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (owner.found && may_see(item, owner.has_collector, owner.collector)) answer_timeline(item, list, &rows);
    else rpc_fail(item, FAIL(NOT_PERMITTED));
    return TAGIH_OK;
}

#define READERS (ROLES_FIELD | ROLES_OFFICE)
#define ACTORS (ROLE_SUPERVISOR | ROLE_ADMIN)

const struct rpc_service account_service = {
    .proto = &tagih__v1__account_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("ImportAccounts", account_import, ImportAccountsRequest, ImportAccountsResponse),
         .check = account_import_check, .kind = RPC_OWN, .roles = ROLE_ADMIN | ROLE_INTEGRATION, .writes = true,
         .deadline_ms_max = 30000},
        {RPC_METHOD("GetAccount", get_account, GetAccountRequest, GetAccountResponse), .check = get_request,
         .roles = READERS},
        {RPC_METHOD("ListAccounts", list_accounts, ListAccountsRequest, ListAccountsResponse), .check = list_request,
         .roles = READERS},
        {RPC_METHOD("ListTimeline", list_timeline, ListTimelineRequest, ListTimelineResponse), .check = timeline_request,
         .roles = READERS},
        {RPC_METHOD("HoldAccount", account_act, HoldAccountRequest, HoldAccountResponse), .check = account_hold_check,
         .roles = ACTORS, .writes = true, .request_id = true},
        {RPC_METHOD("ReleaseAccount", account_act, ReleaseAccountRequest, ReleaseAccountResponse),
         .check = account_release_check, .roles = ACTORS, .writes = true, .request_id = true},
        {RPC_METHOD("ReassignAccount", account_act, ReassignAccountRequest, ReassignAccountResponse),
         .check = account_reassign_check, .roles = ACTORS, .writes = true, .request_id = true},
        {RPC_METHOD("RecallAccount", account_act, RecallAccountRequest, RecallAccountResponse),
         .check = account_recall_check, .roles = ACTORS, .writes = true, .request_id = true},
        {RPC_METHOD("CloseAccount", account_act, CloseAccountRequest, CloseAccountResponse), .check = account_close_check,
         .roles = ACTORS, .writes = true, .request_id = true},
        {RPC_METHOD("ListRecallCandidates", account_candidates, ListRecallCandidatesRequest, ListRecallCandidatesResponse),
         .check = account_candidates_check, .roles = ACTORS},
        {0}}};
