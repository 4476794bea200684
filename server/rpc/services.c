/* SPDX-License-Identifier: Apache-2.0 */
/* The table of contents of the API. */
#include "rpc/services.h"

const struct rpc_service *const rpc_services[] = {
    &account_service,
    &adjustment_service,
    &approval_service,
    &bank_service,
    &bonus_service,
    &cash_service,
    &check_in_service,
    &cheque_service,
    &device_service,
    &entry_service,
    &export_service,
    &feed_service,
    &health_service,
    &month_service,
    &offer_service,
    &payment_service,
    &payout_service,
    &reconciliation_service,
    &plan_service,
    &promise_service,
    &reflection_v1_service,
    &reflection_v1alpha_service,
    &rule_set_service,
    &session_service,
    &suspense_service,
    &visit_service,
    &sync_service,
    NULL,
};
