/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PaymentService.NotifyGatewayPayment: a gateway tells of a payment and signs the very bytes that it sends (R-PAY-5g). Its
 * row stands in payment.c. There is no token: the signature says who it is, and until it fits nothing else is said.
 */
#ifndef TAGIH_RPC_GATEWAY_H
#define TAGIH_RPC_GATEWAY_H

#include "engine/rpc.h"

#define GATEWAY_NAME_MAX 32
#define GATEWAY_BODY_MAX 65536

TAGIH_MUST_USE tagih_err gateway_notify_request(struct rpc_item *item);
TAGIH_MUST_USE tagih_err gateway_notify(struct rpc_batch *batch);

#endif
