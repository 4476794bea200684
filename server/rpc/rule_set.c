/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RuleSetService (R-ALL-2): versions of an agency's own rule sets, which one person proposes and another approves, and the
 * change of an account's rule set, a fact with a value date that replays the account (posting.h, POST_FACT). By the
 * creditor's system a change is done at once. What is looked up is judged both times, when it is proposed and when it is
 * decided.
 */
#include "rpc/rule_set.h"

#include <string.h>

#include "engine/page.h"
#include "rpc/services.h"
#include "run/random.h"
#include "store/rule_set.h"

#define REASON_MAX 500
#define AHEAD_DAYS_MAX 366

/* ---- messages ------------------------------------------------------------------------------------------------- */

/* Enums of the contract are those of libtagih, one higher: 0 is "not said". */
static tagih_err read_step(const Tagih__V1__RuleStep *in, int32_t phase_before, struct rule_step *out) {
    int32_t due = (int32_t)in->due - 1, component = (int32_t)in->component - 1;
    bool ascends = in->phase == phase_before || in->phase == phase_before + 1;
    if (due < 0 || due >= DUE_CLASS_COUNT || component < 0 || component >= COMPONENT_COUNT || !ascends) return FAIL(ALLOCATION_RULES);
    *out = (struct rule_step){.due = (uint8_t)due, .component = (uint8_t)component, .phase = (uint8_t)in->phase};
    return TAGIH_OK;
}

static tagih_err read_rules(const Tagih__V1__RuleSet *in, struct rule_set *out) {
    *out = (struct rule_set){.name = in->name, .version = in->version, .n_steps = in->n_steps,
                             .direction = (enum allocation_direction)((int)in->direction - 1),
                             .advance = (enum advance_rule)((int)in->advance - 1)};
    if (in->n_steps > RULE_STEPS_MAX) return FAIL(ALLOCATION_RULES);
    for (size_t i = 0; i < in->n_steps; i++) TRY(read_step(in->steps[i], i ? in->steps[i - 1]->phase : 0, &out->steps[i]));
    if (in->n_steps && in->steps[0]->phase != 0) return FAIL(ALLOCATION_RULES);
    return rule_set_check(out);
}

static void steps_view(struct rpc_item *item, const struct rule_set *rules, Tagih__V1__RuleSet *out) {
    out->steps = rpc_alloc(item, (rules->n_steps + 1) * sizeof *out->steps);
    for (size_t i = 0; out->steps && i < rules->n_steps; i++) {
        Tagih__V1__RuleStep *step = rpc_alloc(item, sizeof *step);
        if (!step) return;
        tagih__v1__rule_step__init(step);
        step->due = (Tagih__V1__DueClass)(rules->steps[i].due + 1);
        step->component = (Tagih__V1__DebtComponent)(rules->steps[i].component + 1);
        step->phase = rules->steps[i].phase;
        out->steps[out->n_steps++] = step;
    }
}

/* `made`: of an agency's own; NULL: a preset. */
static Tagih__V1__RuleSet *rules_view(struct rpc_item *item, const struct rule_set *rules, const struct rule_set_row *made) {
    Tagih__V1__RuleSet *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__rule_set__init(out);
    out->name = rpc_text(item, bytes_text(rules->name));
    out->version = rules->version;
    out->direction = (Tagih__V1__AllocationDirection)(rules->direction + 1);
    out->advance = (Tagih__V1__AdvanceRule)(rules->advance + 1);
    steps_view(item, rules, out);
    out->preset = !made;
    if (!made) return out;
    out->made_by = rpc_uuid(item, made->made_by.u);
    out->approved_by = rpc_uuid(item, made->approved_by.u);
    out->approved_us = made->approved.us;
    out->reason = rpc_text(item, made->reason);
    return out;
}

/* ---- look-up -------------------------------------------------------------------------------------------------- */

/* What rule_set_send_get asked for: a preset, or the agency's own. */
static tagih_err take_rules(struct rpc_batch *batch, const char *name, int32_t version, struct rule_set_row *own,
                            const struct rule_set **out) {
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    const struct rule_set *preset = rule_set_find(name);
    *out = preset && (version == 0 || version == preset->version) ? preset : NULL;
    if (preset || result_count(&r) == 0) return TAGIH_OK;
    TRY(rule_set_read(&r, 0, batch->arena, own));
    *out = &own->rules;
    return TAGIH_OK;
}

/* ---- a new version -------------------------------------------------------------------------------------------- */

static tagih_err propose_request(struct rpc_item *item) {
    const Tagih__V1__ProposeRuleSetRequest *request = item->request;
    struct rule_set rules;
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    if (!request->rule_set) {
        rpc_problem(item, FAIL(REQUEST_FIELD_MISSING), "rule_set");
        return item->err;
    }
    tagih_err err = rule_set_name_check(bytes_text(request->rule_set->name));
    if (!err_is_ok(err)) rpc_problem(item, err, "rule_set.name");
    bool numbered = request->rule_set->version >= 1 && request->rule_set->version <= RULE_SET_VERSION_MAX;
    if (!numbered) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "rule_set.version");
    err = read_rules(request->rule_set, &rules);
    if (!err_is_ok(err)) rpc_problem(item, err, "rule_set.steps");
    return item->err;
}

/* Two open proposals about one name cannot be. */
static uuid name_subject(const char *name) {
    return approval_subject(&(const struct bytes){.data = (const uint8_t *)name, .len = strlen(name)}, 1);
}

/* Is it the next one of its name? */
static tagih_err judge_version(struct rpc_batch *batch, const Tagih__V1__RuleSet *asked) {
    struct rule_set_row newest = {.made.us = 0};
    const struct rule_set *rules;
    TRY(take_rules(batch, asked->name, 0, &newest, &rules));
    return asked->version == (rules ? rules->version : 0) + 1 ? TAGIH_OK : FAIL(RULE_SET_VERSION);
}

static tagih_err propose_rule_set(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__ProposeRuleSetRequest *request = item->request;
    TRY(rule_set_send_get(batch->tx, batch->arena, bytes_text(request->rule_set->name), 0));
    TRY(rpc_load(batch));
    tagih_err err = judge_version(batch, request->rule_set);
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(err);
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_RULE_SET_VERSION,
                                     .subject = name_subject(request->rule_set->name), .reason = request->reason};
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__ProposeRuleSetResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

/* An event without money, whose fact it is. */
static tagih_err post_version(struct rpc_batch *batch, struct approval *proposal, struct rule_set_row *row) {
    struct params fact;
    struct post post = {.what = POST_MOVE, .kind = POSTING_OF_RULE_SET, .id = row->posting, .value = batch->now,
                        .received = batch->now, .has_actor = true, .actor = proposal->decided_by, .facts = &fact, .n_facts = 1};
    struct book book;
    rule_set_fact(&fact, batch->tx, batch->arena, row);
    TRY(approval_join(batch, proposal, &post));
    TRY(book_begin(&book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &post, 1, 0));
    TRY(book_open(&book));
    book_move_begin(&post);
    TRY(book_decide(&book));
    return book_save(&book);
}

static tagih_err execute_version(struct rpc_batch *batch, struct approval *proposal) {
    const Tagih__V1__ProposeRuleSetRequest *request = proposal->request;
    struct rule_set_row row = {.posting = random_id(), .reason = proposal->made_reason, .made_by = proposal->made_by,
                               .made = proposal->made, .approved_by = proposal->decided_by, .approved = batch->now};
    TRY(read_rules(request->rule_set, &row.rules));
    TRY(rule_set_send_get(batch->tx, batch->arena, bytes_text(request->rule_set->name), 0));
    TRY(tx_sync(batch->tx));
    TRY(judge_version(batch, request->rule_set));
    return post_version(batch, proposal, &row);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static tagih_err get_request(struct rpc_item *item) {
    const Tagih__V1__GetRuleSetRequest *request = item->request;
    rpc_check_text(item, "name", request->name, 1, RULE_SET_NAME_MAX);
    if (request->version < 0 || request->version > RULE_SET_VERSION_MAX) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "version");
    return item->err;
}

static tagih_err get_rule_set(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__GetRuleSetRequest *request = item->request;
    struct rule_set_row own;
    const struct rule_set *rules;
    TRY(rule_set_send_get(batch->tx, batch->arena, bytes_text(request->name), request->version));
    TRY(rpc_load(batch));
    TRY(take_rules(batch, request->name, request->version, &own, &rules));
    if (!rpc_ok(item)) return TAGIH_OK;
    if (!rules) return FAIL(RULE_SET_UNKNOWN);
    ((Tagih__V1__GetRuleSetResponse *)item->response)->rule_set = rules_view(item, rules, rules == &own.rules ? &own : NULL);
    return TAGIH_OK;
}

/* The key of a row: its name, filled up with zeros, and its version. */
struct page_key {
    char name[RULE_SET_NAME_MAX];
    int32_t version;
};

struct listing {
    int32_t page_size;
    bool has_after;
    struct page_key after;
};

static tagih_err list_request(struct rpc_item *item) {
    const Tagih__V1__ListRuleSetsRequest *request = item->request;
    struct listing *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    *list = (struct listing){.page_size = 0};
    rpc_check_page(item, request->page_size, &list->page_size);
    rpc_check_page_token(item, request->page_token, bytes_text(""), &list->after, sizeof list->after, &list->has_after);
    return item->err;
}

static void presets_view(struct rpc_item *item, Tagih__V1__ListRuleSetsResponse *out) {
    size_t n;
    const struct rule_set *all = rule_set_presets(&n);
    out->presets = rpc_alloc(item, (n + 1) * sizeof *out->presets);
    for (size_t i = 0; out->presets && i < n; i++) {
        out->presets[i] = rules_view(item, &all[i], NULL);
        if (!out->presets[i]) return;
        out->n_presets++;
    }
}

static tagih_err answer_list(struct rpc_batch *batch, const struct listing *list, const struct result *r) {
    struct rpc_item *item = batch->items[0];
    Tagih__V1__ListRuleSetsResponse *out = item->response;
    size_t n = rpc_page_rows(r, list->page_size);
    struct page_key last = {.version = 0};
    out->rule_sets = rpc_alloc(item, (n + 1) * sizeof *out->rule_sets);
    for (size_t i = 0; out->rule_sets && i < n; i++) {
        struct rule_set_row row;
        TRY(rule_set_read(r, i, batch->arena, &row));
        out->rule_sets[i] = rules_view(item, &row.rules, &row);
        if (!out->rule_sets[i]) return TAGIH_OK;
        out->n_rule_sets++;
        last = (struct page_key){.version = row.rules.version};
        memcpy(last.name, row.rules.name, strlen(row.rules.name));
    }
    out->next_page_token = rpc_page_next(item, r, list->page_size, bytes_text(""), BYTES_OF(&last));
    if (!list->has_after) presets_view(item, out);
    return TAGIH_OK;
}

static tagih_err list_rule_sets(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct listing *list = item->checked;
    size_t len = strnlen(list->after.name, sizeof list->after.name);
    TRY(rule_set_send_list(batch->tx, batch->arena, bytes_make(list->after.name, len), list->after.version, list->page_size + 1));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    return rpc_ok(item) ? answer_list(batch, list, &r) : TAGIH_OK;
}

/* ---- an account's --------------------------------------------------------------------------------------------- */

/* What a change asks for. */
struct changing {
    account_id account;
    const Tagih__V1__ChangeAccountRuleSetRequest *request;
    civil_date value_on;
    struct rule_set_row own;
    const struct rule_set *rules;
};

static tagih_err change_request(struct rpc_item *item) {
    const Tagih__V1__ChangeAccountRuleSetRequest *request = item->request;
    struct changing *c = rpc_alloc(item, sizeof *c);
    item->checked = c;
    if (!c) return item->err;
    *c = (struct changing){.request = request};
    rpc_check_uuid(item, "account_id", request->account_id, &c->account.u);
    rpc_check_text(item, "name", request->name, 1, RULE_SET_NAME_MAX);
    bool numbered = request->version >= 1 && request->version <= RULE_SET_VERSION_MAX;
    if (!numbered) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "version");
    rpc_check_date(item, "value_on", request->value_on, &c->value_on);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    return item->err;
}

static tagih_err send_choice(struct rpc_batch *batch, const struct changing *c) {
    TRY(rule_set_send_get(batch->tx, batch->arena, bytes_text(c->request->name), c->request->version));
    return rule_set_send_account(batch->tx, batch->arena, c->account, batch->now);
}

static tagih_err take_choice(struct rpc_batch *batch, struct changing *c) {
    bool known;
    civil_date today;
    TRY(take_rules(batch, c->request->name, c->request->version, &c->own, &c->rules));
    rule_set_take_account(batch->tx, &known, &today);
    if (!known) return FAIL(NOT_PERMITTED);
    if (!c->rules) return FAIL(RULE_SET_UNKNOWN);
    bool in_reach = c->value_on.days >= RULE_SET_SINCE_DAYS && c->value_on.days <= today.days + AHEAD_DAYS_MAX;
    return in_reach ? TAGIH_OK : FAIL(RULE_SET_DATE);
}

/* Replay the account under the book's locks. */
static tagih_err post_change(struct rpc_batch *batch, struct post *post) {
    struct book book;
    TRY(book_begin(&book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, post, 1, 0));
    TRY(book_open(&book));
    TRY(book_decide(&book));
    if (post->outcome != POST_DONE) return FAIL(NOT_PERMITTED);
    return book_save(&book);
}

static struct post change_post(const struct rpc_batch *batch, const struct changing *c, const struct rule_change *change,
                               user_id actor, struct bytes reason) {
    return (struct post){.what = POST_FACT, .rules = change, .id = change->id, .account = c->account, .value = batch->now,
                         .received = batch->now, .has_actor = true, .actor = actor, .note = reason};
}

static tagih_err execute_change(struct rpc_batch *batch, struct approval *proposal) {
    struct changing c = {.account = proposal->account, .request = proposal->request};
    if (!rpc_check_date(batch->items[0], "value_on", c.request->value_on, &c.value_on)) return FAIL(DATE_SYNTAX);
    TRY(send_choice(batch, &c));
    TRY(tx_sync(batch->tx));
    TRY(take_choice(batch, &c));
    struct rule_change change = {.id = random_id(), .value_on = c.value_on, .made = proposal->made, .rules = c.rules};
    struct post post = change_post(batch, &c, &change, proposal->decided_by, proposal->made_reason);
    TRY(approval_join(batch, proposal, &post));
    return post_change(batch, &post);
}

/* The creditor says so: nobody decides it. */
static tagih_err change_at_once(struct rpc_batch *batch, const struct changing *c) {
    struct rpc_item *item = batch->items[0];
    struct rule_change change = {.id = random_id(), .value_on = c->value_on, .made = batch->now, .rules = c->rules};
    struct post post = change_post(batch, c, &change, item->caller.user, bytes_text(c->request->reason));
    TRY(post_change(batch, &post));
    ((Tagih__V1__ChangeAccountRuleSetResponse *)item->response)->posting_id = rpc_uuid(item, post.id);
    return TAGIH_OK;
}

#define PROPOSERS (ROLE_SUPERVISOR | ROLE_ADMIN)

static tagih_err change_account_rule_set(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    struct changing *c = item->checked;
    TRY(send_choice(batch, c));
    TRY(rpc_load(batch));
    tagih_err err = take_choice(batch, c);
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(err);
    if (!(item->caller.roles & PROPOSERS)) return change_at_once(batch, c);
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_RULE_SET, .subject = c->account.u,
                                     .account = c->account, .reason = c->request->reason};
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__ChangeAccountRuleSetResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

/* ---- tables --------------------------------------------------------------------------------------------------- */

const struct approval_kind rule_set_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_RULE_SET, .name = "rule_set",
                                            .roles_decide = PROPOSERS,
                                            .request = &tagih__v1__change_account_rule_set_request__descriptor,
                                            .execute = execute_change};
const struct approval_kind rule_set_version_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_RULE_SET_VERSION,
                                                    .name = "rule_set_version", .roles_decide = PROPOSERS,
                                                    .request = &tagih__v1__propose_rule_set_request__descriptor,
                                                    .execute = execute_version};

const struct rpc_service rule_set_service = {
    .proto = &tagih__v1__rule_set_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("ProposeRuleSet", propose_rule_set, ProposeRuleSetRequest, ProposeRuleSetResponse),
         .check = propose_request, .roles = PROPOSERS, .writes = true, .request_id = true},
        {RPC_METHOD("GetRuleSet", get_rule_set, GetRuleSetRequest, GetRuleSetResponse), .check = get_request,
         .roles = ROLES_ALL},
        {RPC_METHOD("ListRuleSets", list_rule_sets, ListRuleSetsRequest, ListRuleSetsResponse), .check = list_request,
         .roles = ROLES_ALL},
        {RPC_METHOD("ChangeAccountRuleSet", change_account_rule_set, ChangeAccountRuleSetRequest, ChangeAccountRuleSetResponse),
         .check = change_request, .roles = PROPOSERS | ROLE_INTEGRATION, .writes = true, .request_id = true},
        {0}}};
