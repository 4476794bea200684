/* SPDX-License-Identifier: Apache-2.0 */
/* The import's part of PaymentService; its row stands in payment.c. */
#ifndef TAGIH_RPC_PAYMENT_IMPORT_H
#define TAGIH_RPC_PAYMENT_IMPORT_H

#include "engine/rpc.h"

TAGIH_MUST_USE tagih_err payment_import_check(struct rpc_item *item);
/** Each call is a batch of rows already: it has transactions of its own, halved down to the row. */
TAGIH_MUST_USE tagih_err payment_import(struct rpc_batch *batch);

#endif
