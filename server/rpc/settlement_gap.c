/* SPDX-License-Identifier: Apache-2.0 */
/* A settlement with entries missing before its cut: accepted by a supervisor's decision alone (R-CSH-2). */
#include "rpc/settlement.h"

tagih_err settlement_gap_propose(struct rpc_batch *batch, const struct settlement_read *read,
                                 Tagih__V1__AcceptSettlementResponse *out) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__AcceptSettlementRequest *request = item->request;
    struct approval_making making = {.kind = settlement_gap_kind.number, .subject = read->now.id, .has_amount = true,
                                     .amount_minor = read->now.counted_minor, .currency = read->currency,
                                     .reason = request->reason};
    uuid id;
    out->settlement = settlement_view(item, read); /* its texts live in what was read before */
    TRY(approval_propose(batch, item, &making, &id));
    out->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

/* What was counted again since, the supervisor has not seen. */
static tagih_err execute(struct rpc_batch *batch, struct approval *proposal) {
    const Tagih__V1__AcceptSettlementRequest *request = proposal->request;
    TRY(settlement_send_lock(batch->tx, batch->arena, &proposal->subject, 1));
    TRY(settlement_send_get(batch->tx, batch->arena, &proposal->subject, 1));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result locked = {0}, r = {0};
    struct settlement_read read;
    tx_take(batch->tx, &locked);
    tx_take(batch->tx, &r);
    if (result_count(&r) != 1) return FAIL(INTERNAL);
    settlement_read_row(&r, 0, &read);
    if (!settlement_etag_version(request->etag, read.now.version)) return FAIL(SETTLEMENT_CHANGED);
    struct acceptance a = {.actor = proposal->decided_by, .reason = proposal->reason, .proposal = &proposal->id,
                           .decision = proposal};
    return settlement_accept(batch, &read, &a);
}

const struct approval_kind settlement_gap_kind = {
    .number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SETTLEMENT_GAP,
    .name = "settlement with a gap",
    .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
    .request = &tagih__v1__accept_settlement_request__descriptor,
    .execute = execute,
};
