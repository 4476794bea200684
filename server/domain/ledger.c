/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: accounts as a table, lines of each event, and the one check that they sum to zero (R-LED-1).
 * Invariant of a transaction under way: at most one line for an account and owner.
 */
#include "tagih/ledger.h"

static const struct ledger_account_info accounts[LEDGER_END] = {
#define X(name, number, class_, owner, token) [number] = {token, LEDGER_##class_, OWNER_##owner},
    LEDGER_ACCOUNTS(X)
#undef X
};

struct ledger_account_info ledger_account_info(enum ledger_account account) {
    return (unsigned)account < LEDGER_END ? accounts[account] : accounts[0];
}

void ledger_begin(struct ledger_txn *txn, currency in) {
    txn->currency = in;
    txn->n = 0;
    txn->failed = TAGIH_OK;
}

/* Keep the first error only: what follows it is its echo. */
static void ledger_fail(struct ledger_txn *txn, tagih_err err) {
    if (err_is_ok(txn->failed)) txn->failed = err;
}

static struct ledger_line *find_line(struct ledger_txn *txn, struct ledger_side side) {
    for (size_t i = 0; i < txn->n; i++) {
        struct ledger_line *line = &txn->lines[i];
        if (line->account == side.account && uuid_equal(line->owner, side.owner)) return line;
    }
    return NULL;
}

static bool owner_fits(struct ledger_side side) {
    enum ledger_owner owner = ledger_account_info(side.account).owner;
    return owner == OWNER_COLLECTOR_OR_HOUSE || (owner == OWNER_NONE) == uuid_is_nil(side.owner);
}

void ledger_add(struct ledger_txn *txn, struct ledger_side side, int64_t amount_minor) {
    if (amount_minor == 0) return;
    struct ledger_line *line = find_line(txn, side);
    if (line) {
        ledger_fail(txn, minor_add(line->amount_minor, amount_minor, &line->amount_minor));
    } else if (!ledger_account_info(side.account).token || !owner_fits(side)) {
        ledger_fail(txn, FAIL(LEDGER_OWNER));
    } else if (txn->n == LEDGER_LINES_MAX) {
        ledger_fail(txn, FAIL(BUFFER_SMALL));
    } else {
        txn->lines[txn->n++] = (struct ledger_line){side.account, side.owner, txn->currency, amount_minor};
    }
}

/* -amount, an error when there is no such number. */
static int64_t negated(struct ledger_txn *txn, int64_t amount_minor) {
    int64_t out = 0;
    ledger_fail(txn, minor_sub(0, amount_minor, &out));
    return out;
}

static void ledger_credit(struct ledger_txn *txn, struct ledger_side side, int64_t amount_minor) {
    ledger_add(txn, side, negated(txn, amount_minor));
}

void ledger_move(struct ledger_txn *txn, struct ledger_side debit, struct ledger_side credit, int64_t amount_minor) {
    ledger_add(txn, debit, amount_minor);
    ledger_credit(txn, credit, amount_minor);
}

static struct ledger_side receivable(account_id account, int component) {
    return (struct ledger_side){ledger_receivable((enum component)component), account.u};
}

void ledger_creditor_change(struct ledger_txn *txn, account_id account, const int64_t delta_minor[COMPONENT_COUNT]) {
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        ledger_move(txn, receivable(account, c), LEDGER_SIDE(CREDITOR_CONTROL), delta_minor[c]);
    }
}

/* The account's own lines of an effect: receivables, credit, refund recoverable. */
static void add_effect(struct ledger_txn *txn, account_id account, const struct allocation_effect *effect) {
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        ledger_credit(txn, receivable(account, c), effect->component_minor[c]);
    }
    ledger_credit(txn, (struct ledger_side){LEDGER_CUSTOMER_CREDIT, account.u}, effect->credit_minor);
    ledger_add(txn, (struct ledger_side){LEDGER_REFUND_RECOVERABLE, account.u}, effect->recoverable_minor);
}

static int64_t payment_total(struct ledger_txn *txn, const struct allocation_effect *effect) {
    int64_t sum = effect->credit_minor;
    for (int c = 0; c < COMPONENT_COUNT; c++) ledger_fail(txn, minor_add(sum, effect->component_minor[c], &sum));
    return sum;
}

void ledger_payment(struct ledger_txn *txn, struct ledger_side money, account_id account,
                    const struct allocation_effect *effect) {
    ledger_add(txn, money, payment_total(txn, effect));
    add_effect(txn, account, effect);
}

void ledger_reversal(struct ledger_txn *txn, struct ledger_side money, account_id account,
                     const struct allocation_effect *effect) {
    struct allocation_effect back = {.credit_minor = negated(txn, effect->credit_minor)};
    for (int c = 0; c < COMPONENT_COUNT; c++) back.component_minor[c] = negated(txn, effect->component_minor[c]);
    ledger_payment(txn, money, account, &back);
}

void ledger_replay(struct ledger_txn *txn, struct ledger_side money, account_id account,
                   const struct allocation_diff *diff) {
    ledger_add(txn, money, diff->received_minor);
    ledger_add(txn, LEDGER_SIDE(WAIVER), diff->waived_minor);
    ledger_add(txn, LEDGER_SIDE(WRITE_OFF), diff->written_off_minor);
    ledger_credit(txn, LEDGER_SIDE(CREDITOR_CONTROL), diff->charged_minor);
    ledger_credit(txn, LEDGER_SIDE(BANK), diff->refunded_minor);
    add_effect(txn, account, &diff->total);
}

void ledger_bonus(struct ledger_txn *txn, user_id collector, int64_t amount_minor) {
    ledger_move(txn, LEDGER_SIDE(BONUS_EXPENSE), (struct ledger_side){LEDGER_BONUS_PAYABLE, collector.u},
                amount_minor);
}

void ledger_quarantine_in(struct ledger_txn *txn, struct ledger_side money, int64_t amount_minor) {
    ledger_move(txn, money, LEDGER_SIDE(QUARANTINE), amount_minor);
}

void ledger_quarantine_drop(struct ledger_txn *txn, struct ledger_side money, int64_t amount_minor) {
    ledger_move(txn, LEDGER_SIDE(QUARANTINE), money, amount_minor);
}

static bool comes_before(const struct ledger_line *a, const struct ledger_line *b) {
    return a->account != b->account ? a->account < b->account : uuid_compare(a->owner, b->owner) < 0;
}

/* Insertion sort: a handful of lines, mostly in order. */
static void sort_lines(struct ledger_line *lines, size_t n) {
    for (size_t i = 1; i < n; i++) {
        struct ledger_line line = lines[i];
        size_t at = i;
        for (; at > 0 && comes_before(&line, &lines[at - 1]); at--) lines[at] = lines[at - 1];
        lines[at] = line;
    }
}

tagih_err ledger_end(struct ledger_txn *txn) {
    TRY(txn->failed);
    size_t kept = 0;
    for (size_t i = 0; i < txn->n; i++) {
        if (txn->lines[i].amount_minor != 0) txn->lines[kept++] = txn->lines[i];
    }
    txn->n = kept;
    sort_lines(txn->lines, txn->n);
    return ledger_check_sum(txn->lines, txn->n);
}

/* Is there a line of this currency before `n`? Then its sum was taken already. */
static bool currency_seen(const struct ledger_line *lines, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (currency_equal(lines[i].currency, lines[n].currency)) return true;
    }
    return false;
}

tagih_err ledger_check_sum(const struct ledger_line *lines, size_t n) {
    for (size_t first = 0; first < n; first++) {
        if (currency_seen(lines, first)) continue;
        __int128 sum = 0;
        for (size_t i = first; i < n; i++) {
            if (currency_equal(lines[i].currency, lines[first].currency)) sum += lines[i].amount_minor;
        }
        if (sum != 0) return FAIL(LEDGER_UNBALANCED);
    }
    return TAGIH_OK;
}
