/* SPDX-License-Identifier: Apache-2.0 */
/* Every service there is. A new one: its file, a line here, a line in services.c. */
#ifndef TAGIH_RPC_SERVICES_H
#define TAGIH_RPC_SERVICES_H

#include "engine/chores.h"
#include "engine/rpc.h"

extern const struct rpc_service account_service;
extern const struct rpc_service adjustment_service;
extern const struct rpc_service approval_service;
extern const struct rpc_service bank_service;
extern const struct rpc_service bonus_service;
extern const struct rpc_service cash_service;
extern const struct rpc_service check_in_service;
extern const struct rpc_service cheque_service;
extern const struct rpc_service cost_service;
extern const struct rpc_service device_service;
extern const struct rpc_service entry_service;
extern const struct rpc_service export_service;
extern const struct rpc_service feed_service;
extern const struct rpc_service health_service;
extern const struct rpc_service month_service;
extern const struct rpc_service offer_service;
extern const struct rpc_service payment_service;
extern const struct rpc_service payout_service;
extern const struct rpc_service reconciliation_service;
extern const struct rpc_service plan_service;
extern const struct rpc_service promise_service;
extern const struct rpc_service reflection_v1_service;
extern const struct rpc_service reflection_v1alpha_service;
extern const struct rpc_service rule_set_service;
extern const struct rpc_service remittance_service;
extern const struct rpc_service sale_service;
extern const struct rpc_service session_service;
extern const struct rpc_service suspense_service;
extern const struct rpc_service visit_service;
extern const struct rpc_service sync_service;

/** All of them; ends with NULL. */
extern const struct rpc_service *const rpc_services[];

/** All chores of the minute, in chores.c; ends with one without a name. */
extern const struct chore rpc_chores[];

#endif
