/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of DeviceService for a phone without a token; its rows are in device.c. */
#ifndef TAGIH_RPC_ENROL_H
#define TAGIH_RPC_ENROL_H

#include "contract.h"
#include "engine/rpc.h"

TAGIH_MUST_USE tagih_err enrol_request(struct rpc_item *item);
TAGIH_MUST_USE tagih_err enrol(struct rpc_batch *batch);
TAGIH_MUST_USE tagih_err get_nonce_request(struct rpc_item *item);
TAGIH_MUST_USE tagih_err get_nonce(struct rpc_batch *batch);
TAGIH_MUST_USE tagih_err authenticate_request(struct rpc_item *item);
TAGIH_MUST_USE tagih_err authenticate(struct rpc_batch *batch);

#endif
