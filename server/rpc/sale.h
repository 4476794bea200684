/* SPDX-License-Identifier: Apache-2.0 */
/* Sales of collateral: what their makers' calls (sale.c) and what approvals do (sale_decide.c) share. */
#ifndef TAGIH_RPC_SALE_H
#define TAGIH_RPC_SALE_H

#include "rpc/approval.h"
#include "store/sale.h"

/** A step that somebody asks for, whichever request names it. Texts live in the request. */
struct sale_step {
    enum sale_event event;
    uuid sale;
    bool has_amount; /* all but taking back */
    int64_t amount_minor;
    currency currency;
    struct bytes reference; /* of money that moves; else empty */
    int64_t value_us;       /* likewise; else 0 */
    const char *etag, *reason;
};

/** Is this what the sale's etag is? */
bool sale_etag_is(const char *etag, int32_t n);
/** May the step be taken? @return OK · SALE_CHANGED · MONEY_CURRENCY_MIXED · SALE_COSTS · as sale_apply. Pure. */
TAGIH_MUST_USE tagih_err sale_judge(const struct sale_step *step, const struct sale_read *read, enum sale_state *to);

/** The steps as the four requests name them. Fields are as they are: a request's check() has looked at them. */
struct sale_step sale_step_of(enum sale_event event, const void *request);

extern const struct approval_kind sale_kind, sale_settlement_kind, sale_take_back_kind, sale_proceeds_kind, surplus_kind;

#endif
