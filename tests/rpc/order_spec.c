/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order of arrival through the real server: the same payments and reversals, posted on like accounts in several orders,
 * leave the same states, instalments, newest allocations and ledger balances. The engine alone: domain/arrival_property_spec.c.
 */
#include "tests/support/desk.h"
#include "tests/support/verifier.h"

enum { CASES = 70, ORDERS = 3, PAYMENTS_MAX = 4, DEBTS_MAX = 3, EVENTS_MAX = 2 * PAYMENTS_MAX };

/* What happens to an account, in whatever order; a reversal comes behind its payment. */
struct story {
    struct debt debts[DEBTS_MAX];
    size_t n_debts;
    struct paid payments[PAYMENTS_MAX];
    bool reversed[PAYMENTS_MAX];
    size_t n_payments;
};

static struct story random_story(uint64_t *seed) {
    struct story story = {.n_debts = 1 + random_below(seed, DEBTS_MAX), .n_payments = 2 + random_below(seed, PAYMENTS_MAX - 1)};
    for (size_t i = 0; i < story.n_debts; i++) {
        story.debts[i].due_in = -55 + 25 * (int)i + (int)random_below(seed, 20); /* one after the other */
        if (story.debts[i].due_in == 0) story.debts[i].due_in = 1;
        for (int c = 0; c < COMPONENT_COUNT; c++) story.debts[i].due_minor[c] = MINOR((int64_t)random_below(seed, 50) * 1000);
        story.debts[i].due_minor[COMPONENT_PRINCIPAL] += MINOR(1000);
    }
    for (size_t i = 0; i < story.n_payments; i++) {
        story.payments[i].amount_minor = MINOR(1000 * (1 + (int64_t)random_below(seed, 120)));
        story.payments[i].value.us = teller_noon(-1 - (int)random_below(seed, 50)).us + (int64_t)i; /* never twice */
        story.reversed[i] = random_below(seed, 3) == 0;
    }
    return story;
}

/* Events 0 … n - 1 are payments, those from PAYMENTS_MAX on their reversals. */
static size_t random_order(const struct story *story, uint64_t *seed, size_t order[EVENTS_MAX]) {
    size_t left[EVENTS_MAX], n_left = 0, n = 0;
    for (size_t i = 0; i < story->n_payments; i++) left[n_left++] = i;
    while (n_left) {
        size_t at = random_below(seed, n_left), event = left[at];
        left[at] = left[--n_left];
        order[n++] = event;
        if (event < PAYMENTS_MAX && story->reversed[event]) left[n_left++] = event + PAYMENTS_MAX;
    }
    return n;
}

static account_id live(const struct story *story, const size_t *order, size_t n) {
    account_id account = teller_account(&teller, (user_id){{{0}}}, story->debts, story->n_debts);
    payment_id ids[PAYMENTS_MAX];
    for (size_t i = 0; i < n; i++) {
        if (order[i] < PAYMENTS_MAX) ids[order[i]] = teller_paid(&teller, account, &story->payments[order[i]]);
        else assert_answer(teller_reverse(&teller, ids[order[i] - PAYMENTS_MAX], TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_BANK_RECALL), OK);
    }
    return account;
}

/* Everything that must not depend on the order, as one text. */
static void print_account(account_id account, char *out, size_t size) {
    char sql[2200];
    const char *id = rig_text(account.u);
    snprintf(sql, sizeof sql,
             "select concat_ws(' | ',"
             " (select concat_ws(' ', fees_minor, penalty_minor, interest_minor, principal_minor, credit_minor, debt_allocated_minor,"
             "   oldest_due_on, last_value_us) from account_state where account_id = '%1$s'),"
             " (select string_agg(concat_ws(' ', instalment_no, due_on, state, fees_minor, penalty_minor, interest_minor, principal_minor),"
             "   ', ' order by instalment_no) from instalment_state where account_id = '%1$s'),"
             " (select string_agg(concat_ws(' ', p.value_us, a.instalment_no, a.fees_minor, a.penalty_minor, a.interest_minor,"
             "   a.principal_minor, a.credit_minor, a.debt_minor), ', ' order by p.value_us, a.instalment_no)"
             "   from payment p join allocation a using (agency_id, payment_id) where p.account_id = '%1$s'"
             "   and not exists (select from payment_reversal r where r.payment_id = p.payment_id)"
             "   and a.version = (select max(x.version) from allocation x where x.payment_id = p.payment_id)),"
             " (select string_agg(concat_ws(' ', ledger_account, sum), ', ' order by ledger_account) from (select ledger_account,"
             "   sum(amount_minor) as sum from ledger_line where owner_id = '%1$s' group by 1 having sum(amount_minor) <> 0) l))", id);
    snprintf(out, size, "%s", pg_value(&rig.pg, sql));
}

static void in_every_order_the_same(uint64_t number) {
    uint64_t seed = number * UINT64_C(0x9E3779B97F4A7C15);
    struct story story = random_story(&seed);
    char first[4000], other[4000];
    for (int i = 0; i < ORDERS; i++) {
        size_t order[EVENTS_MAX], n = random_order(&story, &seed, order);
        account_id account = live(&story, order, n);
        print_account(account, i ? other : first, sizeof first);
        if (i && strcmp(first, other) != 0) fail_msg("story %llu:\n%s\n%s", (unsigned long long)number, first, other);
    }
    assert_true(strlen(first) > 40);
}

//= RULES.md R-ALL-1
//  **Any arrival order of the same facts gives identical balances, allocations and closed months**
//= RULES.md R-PAY-3
//  Reversal restores balances as though the payment were absent
static void payments_and_reversals_in_any_order_leave_the_same_books(void **state) {
    (void)state;
    for (uint64_t number = 1; number <= CASES; number++) in_every_order_the_same(number);
}

//= RULES.md R-LED-2
//  Σ debt-allocated = decrease of receivable by payments.
static void what_payments_paid_is_what_receivables_lost(void **state) {
    (void)state;
    verifier_assert_identities(&rig, teller.agency);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payments_and_reversals_in_any_order_leave_the_same_books),
        cmocka_unit_test(what_payments_paid_is_what_receivables_lost),
    };
    return cmocka_run_group_tests_name("order of arrival", tests, open_desk, close_desk);
}
