/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Double entry (R-LED-1): every posting is one transaction whose lines sum to zero per currency. A debit is positive,
 * a credit negative. Builders add the lines of one event each; a transaction may hold several events (a receipt and
 * its bonus). Lines of one account and owner are folded into one, and what is zero is left out.
 */
#ifndef TAGIH_LEDGER_H
#define TAGIH_LEDGER_H

#include "tagih/allocation.h"
#include "tagih/id.h"
#include "tagih/money.h"

enum ledger_class { LEDGER_ASSET, LEDGER_LIABILITY, LEDGER_EXPENSE };

/** Whose balance a line moves: `owner` holds that id, nil for NONE. COLLECTOR_OR_HOUSE allows both. */
enum ledger_owner { OWNER_NONE, OWNER_ACCOUNT, OWNER_COLLECTOR, OWNER_CASHIER, OWNER_COLLECTOR_OR_HOUSE };

/*
 * X(NAME, number, class, owner, token). Numbers are stored and digested: append, never renumber. The four receivables
 * stand in the order of enum component.
 */
#define LEDGER_ACCOUNTS(X)                                                                       \
    X(RECEIVABLE_FEES, 1, ASSET, ACCOUNT, "receivable.fees")                                     \
    X(RECEIVABLE_PENALTY, 2, ASSET, ACCOUNT, "receivable.penalty")                               \
    X(RECEIVABLE_INTEREST, 3, ASSET, ACCOUNT, "receivable.interest")                             \
    X(RECEIVABLE_PRINCIPAL, 4, ASSET, ACCOUNT, "receivable.principal")                           \
    X(CASH_HELD, 5, ASSET, COLLECTOR, "cash_held")                                               \
    X(CHEQUES_IN_HAND, 6, ASSET, COLLECTOR, "cheques_in_hand")                                   \
    X(CHEQUES_IN_COLLECTION, 7, ASSET, NONE, "cheques_in_collection")                            \
    X(TRANSFER_CLEARING, 8, ASSET, NONE, "transfer_clearing")                                    \
    X(VAULT, 9, ASSET, CASHIER, "vault")                                                         \
    X(DEPOSIT_IN_TRANSIT, 10, ASSET, COLLECTOR_OR_HOUSE, "deposit_in_transit")                   \
    X(BANK, 11, ASSET, NONE, "bank")                                                             \
    X(COLLECTOR_RECEIVABLE, 12, ASSET, COLLECTOR, "collector_receivable")                        \
    X(RECOVERABLE_COSTS, 13, ASSET, ACCOUNT, "recoverable_costs")                                \
    X(REFUND_RECOVERABLE, 14, ASSET, ACCOUNT, "refund_recoverable")                              \
    X(AUCTION_CLEARING, 15, ASSET, NONE, "auction_clearing")                                     \
    X(CREDITOR_CONTROL, 16, LIABILITY, NONE, "creditor_control")                                 \
    X(CUSTOMER_CREDIT, 17, LIABILITY, ACCOUNT, "customer_credit")                                \
    X(SUSPENSE, 18, LIABILITY, NONE, "suspense")                                                 \
    X(QUARANTINE, 19, LIABILITY, NONE, "quarantine")                                             \
    X(CASH_OVER, 20, LIABILITY, NONE, "cash_over")                                               \
    X(BONUS_PAYABLE, 21, LIABILITY, COLLECTOR, "bonus_payable")                                  \
    X(TAX_WITHHELD, 22, LIABILITY, NONE, "tax_withheld")                                         \
    X(SALE_COSTS_PAYABLE, 23, LIABILITY, NONE, "sale_costs_payable")                             \
    X(SALE_PROCEEDS, 24, LIABILITY, NONE, "sale_proceeds")                                       \
    X(SURPLUS_OWED, 25, LIABILITY, ACCOUNT, "surplus_owed")                                      \
    X(BONUS_EXPENSE, 26, EXPENSE, NONE, "bonus_expense")                                         \
    X(CASH_SHORT, 27, EXPENSE, NONE, "cash_short")                                               \
    X(WAIVER, 28, EXPENSE, NONE, "waiver")                                                       \
    X(WRITE_OFF, 29, EXPENSE, NONE, "write_off")                                                 \
    X(BANK_CHARGES, 30, EXPENSE, NONE, "bank_charges")

enum ledger_account {
#define X(name, number, class_, owner, token) LEDGER_##name = number,
    LEDGER_ACCOUNTS(X)
#undef X
    LEDGER_END
};

/** What is known of an account by its number. */
struct ledger_account_info {
    const char *token; /* NULL: no such account */
    enum ledger_class class_;
    enum ledger_owner owner;
};

/** Total: a number outside the list answers a NULL token. Pure. */
struct ledger_account_info ledger_account_info(enum ledger_account account);

/** The receivable of a component. Pure. */
static inline enum ledger_account ledger_receivable(enum component component) {
    return (enum ledger_account)(LEDGER_RECEIVABLE_FEES + (int)component);
}

struct ledger_line {
    enum ledger_account account;
    uuid owner;
    currency currency;
    int64_t amount_minor; /* debit > 0, credit < 0, never 0 */
};

/** One account and its owner: where money comes from or goes to. */
struct ledger_side {
    enum ledger_account account;
    uuid owner;
};

/** More lines than any transaction of one account needs; a payment with bonus has 8. */
#define LEDGER_LINES_MAX 24

/** A transaction of one currency while it is built. `failed` keeps the first error, so builders need no answer. */
struct ledger_txn {
    currency currency;
    struct ledger_line lines[LEDGER_LINES_MAX];
    size_t n;
    tagih_err failed;
};

void ledger_begin(struct ledger_txn *txn, currency in);

/** Add a line; amount > 0 debits, < 0 credits, 0 does nothing. */
void ledger_add(struct ledger_txn *txn, struct ledger_side side, int64_t amount_minor);

/** Debit one side, credit the other; a negative amount moves back. J9, J12–J15, J18–J21, J25, J27, J28, J30, J35. */
void ledger_move(struct ledger_txn *txn, struct ledger_side debit, struct ledger_side credit, int64_t amount_minor);

/** J1, J32, J33: the creditor says that the account owes `delta_minor` more (negative: less). */
void ledger_creditor_change(struct ledger_txn *txn, account_id account, const int64_t delta_minor[COMPONENT_COUNT]);

/**
 * J2, J8, J11, J31, J21, J23: a payment posts. Debit `money` with all of it, credit receivables and customer credit.
 * With a negated effect it is the reversal: J4, J5, J6, J24.
 */
void ledger_payment(struct ledger_txn *txn, struct ledger_side money, account_id account,
                    const struct allocation_effect *effect);

/** J4–J6, J10: take a payment back; `money` by payment_reversal_side(). `effect` is that of the payment. */
void ledger_reversal(struct ledger_txn *txn, struct ledger_side money, account_id account,
                     const struct allocation_effect *effect);

/**
 * J7, J34 and every replay: book all that changed, whatever the trigger was. `money` is debited with what payments
 * brought in all: 0 when only credit moved, negative when the trigger is a reversal. Waivers meet their expense
 * (J29), charges creditor control (J32), refunds the bank (J24).
 */
void ledger_replay(struct ledger_txn *txn, struct ledger_side money, account_id account,
                   const struct allocation_diff *diff);

/** J3, J16, J36: bonus expense against bonus payable of the collector; negative takes back (J4–J6, J17). */
void ledger_bonus(struct ledger_txn *txn, user_id collector, int64_t amount_minor);

/** J22: money of a quarantined receipt. */
void ledger_quarantine_in(struct ledger_txn *txn, struct ledger_side money, int64_t amount_minor);

/** J23, second half: it never happened. The first half is ledger_payment() with the quarantine as its money. */
void ledger_quarantine_drop(struct ledger_txn *txn, struct ledger_side money, int64_t amount_minor);

/** The quarantine and suspense as sides. */
#define LEDGER_SIDE(NAME) ((struct ledger_side){.account = LEDGER_##NAME})

/**
 * End a transaction: drop folded zeros, sort by (account, owner), check owners and sum.
 *
 * @return OK · what a builder met first: MONEY_OVERFLOW, LEDGER_OWNER, BUFFER_SMALL · LEDGER_UNBALANCED
 */
TAGIH_MUST_USE tagih_err ledger_end(struct ledger_txn *txn);

/** Σ of the lines per currency is zero. @return OK · LEDGER_UNBALANCED. Sums are formed in 128 bits. Pure. */
TAGIH_MUST_USE tagih_err ledger_check_sum(const struct ledger_line *lines, size_t n);

#endif
