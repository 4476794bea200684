/* SPDX-License-Identifier: Apache-2.0 */
/* What can be proposed: one line a kind, which is declared in its feature's header. */
#include "rpc/account_act.h"
#include "rpc/adjustment.h"
#include "rpc/approval.h"
#include "rpc/bank_match.h"
#include "rpc/cost.h"
#include "rpc/bonus_credit.h"
#include "rpc/entry.h"
#include "rpc/entry_slip.h"
#include "rpc/payment_retag.h"
#include "rpc/repayment.h"
#include "rpc/suspense_decide.h"
#include "rpc/month.h"
#include "rpc/offer.h"
#include "rpc/settlement.h"
#include "rpc/shortage.h"
#include "rpc/payout.h"
#include "rpc/rule_set.h"
#include "rpc/remittance.h"
#include "rpc/sale.h"

const struct approval_kind *const approval_kinds[] = {
    &bank_match_kind,
    &entry_kind,
    &slip_kind,
    &offer_kind,
    &account_closing_kind,
    &payment_retag_kind,
    &plan_kind,
    &refund_kind,
    &suspense_release_kind,
    &suspense_return_kind,
    &void_kind,
    &waiver_kind,
    &write_off_kind,
    &month_close_kind,
    &settlement_gap_kind,
    &shortage_write_off_kind,
    &incident_decision_kind,
    &payout_approve_kind,
    &payout_pay_kind,
    &leaving_kind,
    &rule_set_kind,
    &rule_set_version_kind,
    &taking_cost_kind,
    &taking_cost_reversal_kind,
    &sale_kind,
    &sale_settlement_kind,
    &sale_take_back_kind,
    &sale_proceeds_kind,
    &surplus_kind,
    &remittance_kind,
    &bonus_hold_kind,
    &bonus_split_kind,
    NULL,
};

const struct approval_kind *approval_kind_find(int number) {
    for (size_t i = 0; approval_kinds[i]; i++) {
        if ((int)approval_kinds[i]->number == number) return approval_kinds[i];
    }
    return NULL;
}
