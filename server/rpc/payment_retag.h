/* SPDX-License-Identifier: Apache-2.0 */
/* PaymentService.RetagPayment and its kind of proposal; the row stands in payment.c. */
#ifndef TAGIH_RPC_PAYMENT_RETAG_H
#define TAGIH_RPC_PAYMENT_RETAG_H

#include "rpc/approval.h"

TAGIH_MUST_USE tagih_err payment_retag_request(struct rpc_item *item);
TAGIH_MUST_USE tagih_err payment_retag(struct rpc_batch *batch);

extern const struct approval_kind payment_retag_kind;

#endif
