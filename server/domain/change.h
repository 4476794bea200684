/* SPDX-License-Identifier: Apache-2.0 */
/* What the feed of changes tells about. Numbers are stored: add, never renumber. */
#ifndef TAGIH_DOMAIN_CHANGE_H
#define TAGIH_DOMAIN_CHANGE_H

#define CHANGE_KINDS(X)                                   \
    X(ACCOUNT_IMPORTED, 1, "account.imported")            \
    X(ACCOUNT_UPDATED, 2, "account.updated")              \
    X(ACCOUNT_ASSIGNED, 3, "account.assigned")            \
    X(ACCOUNT_HELD, 4, "account.held")                    \
    X(ACCOUNT_EXTENDED, 5, "account.hold_extended")       \
    X(ACCOUNT_WARNING, 6, "account.takeover_warning")     \
    X(ACCOUNT_TAKEN_OVER, 7, "account.taken_over")        \
    X(ACCOUNT_RELEASED, 8, "account.released")            \
    X(ACCOUNT_CLOSED, 9, "account.closed")                \
    X(VISIT_PLANNED, 10, "visit.planned")                 \
    X(VISIT_REASSIGNED, 11, "visit.reassigned")           \
    X(VISIT_CANCELLED, 12, "visit.cancelled")             \
    X(VISIT_EXPIRED, 13, "visit.expired")                 \
    X(VISIT_DONE, 14, "visit.done")                       \
    X(VISIT_GONE, 15, "visit.gone")                       \
    X(CHECK_IN, 20, "check_in")                           \
    X(CHECK_IN_ASSESSED, 21, "check_in.assessed")         \
    X(PAYMENT_POSTED, 30, "payment.posted")               \
    X(PAYMENT_REVERSED, 31, "payment.reversed")           \
    X(RECEIPT_QUARANTINED, 32, "receipt.quarantined")     \
    X(PAYMENT_ON_CLOSED, 33, "payment.on_closed_account") \
    X(PROMISE_MADE, 40, "promise.made")                   \
    X(PROMISE_KEPT, 41, "promise.kept")                   \
    X(PROMISE_PARTIAL, 42, "promise.partial")             \
    X(PROMISE_BROKEN, 43, "promise.broken")               \
    X(PROMISE_SUPERSEDED, 44, "promise.superseded")       \
    X(PROMISE_WITHDRAWN, 45, "promise.withdrawn")         \
    X(PROMISE_LAPSED, 46, "promise.lapsed")               \
    X(PROMISE_REOPENED, 47, "promise.reopened")           \
    X(PROMISE_REMINDER, 48, "promise.reminder")           \
    X(PLAN_PROPOSED, 140, "plan.proposed")                \
    X(PLAN_APPROVED, 141, "plan.approved")                \
    X(PLAN_ACTIVE, 142, "plan.active")                    \
    X(PLAN_COMPLETED, 143, "plan.completed")              \
    X(PLAN_BROKEN, 144, "plan.broken")                    \
    X(PLAN_REJECTED, 145, "plan.rejected")                \
    X(DEPOSIT_MADE, 50, "deposit.made")                   \
    X(SETTLEMENT_DECLARED, 51, "settlement.declared")     \
    X(SUSPENSE_RECEIVED, 34, "suspense.received")         \
    X(SUSPENSE_RETURNED, 35, "suspense.returned")         \
    X(BANK_SETTLED, 36, "bank.settled")                   \
    X(BANK_UNMATCHED, 37, "bank.unmatched")               \
    X(PAYMENT_RETAGGED, 38, "payment.retagged")           \
    X(SETTLEMENT_COUNTED, 52, "settlement.counted")       \
    X(SETTLEMENT_ACCEPTED, 53, "settlement.accepted")     \
    X(DEPOSIT_MATCHED, 54, "deposit.matched")             \
    X(SHORTAGE_FOUND, 55, "shortage.found")               \
    X(SHORTAGE_SETTLED, 56, "shortage.settled")           \
    X(HANDOVER_DONE, 57, "handover.done")                 \
    X(CASH_SOFT_LIMIT, 58, "cash.soft_limit")             \
    X(CASH_HARD_LIMIT, 59, "cash.hard_limit")             \
    X(CASH_AGED, 61, "cash.aged")                         \
    X(CASH_ALLOWANCE, 62, "cash.allowance")               \
    X(CHEQUE_HANDED_IN, 39, "cheque.handed_in")           \
    X(ENTRY_FATE, 60, "entry.fate")                       \
    X(DEVICE_CHANGED, 70, "device.changed")               \
    X(PROPOSAL_MADE, 80, "proposal.made")                 \
    X(PROPOSAL_DECIDED, 81, "proposal.decided")           \
    X(OFFER_CHANGED, 82, "offer.changed")                 \
    X(SALE_CHANGED, 150, "sale.changed")                  \
    X(COST_SPENT, 151, "cost.spent")                      \
    X(COST_REVERSED, 153, "cost.reversed")                \
    X(CREDITOR_REMITTED, 152, "creditor.remitted")        \
    X(ACCOUNT_RECALLED, 100, "account.recalled")          \
    X(ACCOUNT_REOPENED, 101, "account.reopened")          \
    X(ACCOUNT_LATE_FACT, 102, "account.late_fact")        \
    X(ACCOUNT_RULE_SET, 120, "account.rule_set")          \
    X(RULE_SET_APPROVED, 121, "rule_set.approved")

enum change_kind {
#define X(name, number, text) CHANGE_##name = number,
    CHANGE_KINDS(X)
#undef X
};

/** The stable name of a kind, "unknown" for a number outside the list. Pure. */
const char *change_kind_name(int kind);

#endif
