/* SPDX-License-Identifier: Apache-2.0 */
/* A line matched by hand: the maker's call looks whether it could be done, the second person's does it (bank_pair.h). */
#include "rpc/bank_match.h"

#include "rpc/bank_pair.h"

#define REASON_MAX 500

struct matching {
    uuid line, thing;
};

tagih_err match_line_check(struct rpc_item *item) {
    const Tagih__V1__MatchLineRequest *request = item->request;
    struct matching *m = rpc_alloc(item, sizeof *m);
    item->checked = m;
    if (!m) return item->err;
    rpc_check_uuid(item, "line_id", request->line_id, &m->line);
    rpc_check_uuid(item, "expected_id", request->expected_id, &m->thing);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    return item->err;
}

static tagih_err judge(const struct bank_match_judged *judged) {
    if (!judged->has_line || !judged->has_thing) return FAIL(NOT_PERMITTED);
    if (!judged->same_money) return FAIL(BANK_MATCH_MONEY);
    return judged->line_waits && judged->thing_waits ? TAGIH_OK : FAIL(BANK_MATCH_WAITS);
}

tagih_err match_line(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__MatchLineRequest *request = item->request;
    const struct matching *m = item->checked;
    struct bank_match_judged judged;
    uuid id;
    TRY(bank_send_judge(batch->tx, batch->arena, m->line, m->thing));
    TRY(rpc_load(batch));
    bank_take_judge(batch->tx, &judged);
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(judge(&judged));
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_BANK_MATCH, .subject = m->line,
                                     .account = judged.account, .has_amount = true, .amount_minor = judged.amount_minor,
                                     .currency = judged.currency, .reason = request->reason};
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__MatchLineResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

static tagih_err execute(struct rpc_batch *batch, struct approval *proposal) {
    const Tagih__V1__MatchLineRequest *request = proposal->request;
    struct bank_pair pair = {.line = proposal->subject};
    struct bank_word word = {.has_actor = true, .actor = proposal->decided_by, .reason = proposal->made_reason, .batch = batch,
                             .proposal = proposal};
    size_t done = 0;
    TRY(uuid_parse(request->expected_id, &pair.expected));
    TRY(bank_pairs_settle(batch->tx, batch->arena, batch->writer, batch->now, &pair, 1, &word, &done));
    return done == 1 ? TAGIH_OK : FAIL(BANK_MATCH_WAITS);
}

const struct approval_kind bank_match_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_BANK_MATCH, .name = "bank match",
                                              .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
                                              .request = &tagih__v1__match_line_request__descriptor, .execute = execute};
