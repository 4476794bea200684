/* SPDX-License-Identifier: Apache-2.0 */
/* The journal lines of each event, with their figures (J1 …). Lines compare as "account amount", debits positive. */
#include "support/case.h"

#include "tagih/payment.h"

static const account_id account = {{{0xA0}}};
static const user_id collector = {{{0xC0}}};
static const struct ledger_side cash = {LEDGER_CASH_HELD, {{0xC0}}};

static const struct allocation_effect whole = {{40000, 60000, 400000, 3500000}, 1000000, 0};
static const struct allocation_effect principal_only = {{0, 0, 0, 3000000}, 0, 0};

static struct ledger_txn begin(void) {
    struct ledger_txn txn;
    currency idr;
    assert_ok(currency_parse(bytes_text("IDR"), &idr));
    ledger_begin(&txn, idr);
    return txn;
}

/* End the transaction and compare its lines, in order of account, with "token amount" lines. */
static void assert_lines(struct ledger_txn *txn, const char *expected) {
    char text[1024] = "", *at = text;
    assert_ok(ledger_end(txn));
    for (size_t i = 0; i < txn->n; i++) {
        at += snprintf(at, (size_t)(text + sizeof text - at), "%s %lld\n",
                       ledger_account_info(txn->lines[i].account).token, (long long)txn->lines[i].amount_minor);
    }
    assert_string_equal(text, expected);
}

//= RULES.md R-LED-1
//  Double entry: every posting is a transaction whose lines sum to zero per currency
static void j1_an_import_stands_against_creditor_control(void **state) {
    (void)state;
    struct ledger_txn txn = begin();
    ledger_creditor_change(&txn, account, whole.component_minor);
    assert_lines(&txn, "receivable.fees 40000\nreceivable.penalty 60000\nreceivable.interest 400000\n"
                       "receivable.principal 3500000\ncreditor_control -4000000\n");
}

//= RULES.md R-BON-9
//  Every bonus line posts expense/payable when written
static void j2_and_j3_field_cash_posts_with_its_bonus(void **state) {
    (void)state;
    struct ledger_txn txn = begin();
    ledger_payment(&txn, cash, account, &whole);
    assert_lines(&txn, "receivable.fees -40000\nreceivable.penalty -60000\nreceivable.interest -400000\n"
                       "receivable.principal -3500000\ncash_held 5000000\ncustomer_credit -1000000\n");
    ledger_bonus(&txn, collector, 108000);
    assert_lines(&txn, "receivable.fees -40000\nreceivable.penalty -60000\nreceivable.interest -400000\n"
                       "receivable.principal -3500000\ncash_held 5000000\ncustomer_credit -1000000\n"
                       "bonus_payable -108000\nbonus_expense 108000\n");
    assert_true(uuid_equal(txn.lines[0].owner, account.u));
    assert_true(uuid_equal(txn.lines[4].owner, collector.u));
    assert_true(uuid_equal(txn.lines[6].owner, collector.u));
}

static void assert_reversed(enum reversal_reason reason, bool settled, int64_t bonus_minor, const char *expected) {
    struct ledger_txn txn = begin();
    ledger_reversal(&txn, payment_reversal_side(reason, settled, cash), account, &whole);
    ledger_bonus(&txn, collector, -bonus_minor);
    assert_lines(&txn, expected);
}

//= RULES.md R-PAY-3
//  Reversal restores balances as though the payment were absent, keeps both records, and writes its ledger and bonus
//  lines with a posting date in an open month.
static void j4_j5_j6_a_reversal_mirrors_the_payment_but_for_its_money_side(void **state) {
    (void)state;
    assert_reversed(REVERSAL_VOID, false, 108000,
                    "receivable.fees 40000\nreceivable.penalty 60000\nreceivable.interest 400000\n"
                    "receivable.principal 3500000\ncash_held -5000000\ncustomer_credit 1000000\n"
                    "bonus_payable 108000\nbonus_expense -108000\n");
    assert_reversed(REVERSAL_MISPOST, true, 108000,
                    "receivable.fees 40000\nreceivable.penalty 60000\nreceivable.interest 400000\n"
                    "receivable.principal 3500000\ncustomer_credit 1000000\nsuspense -5000000\n"
                    "bonus_payable 108000\nbonus_expense -108000\n");
    assert_reversed(REVERSAL_VOID, true, 120000,
                    "receivable.fees 40000\nreceivable.penalty 60000\nreceivable.interest 400000\n"
                    "receivable.principal 3500000\ncustomer_credit 1000000\nsuspense -5000000\n"
                    "bonus_payable 120000\nbonus_expense -120000\n");
}

static _Alignas(16) uint8_t memory[1 << 14];

static struct allocation_fact payment(uint8_t id, int32_t day, int64_t amount_minor, enum fact_kind kind) {
    return (struct allocation_fact){.id.b[0] = id, .kind = kind, .value_on = {day}, .amount_minor = amount_minor, .instalment_no = 1};
}

static void replay_between(const struct instalment *schedule, const struct allocation_fact *old, size_t n_old,
                           const struct allocation_fact *new, size_t n_new, struct allocation_diff *diff) {
    static struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    const struct rule_set *rules = rule_set_find("id-default");
    struct allocation_outcome before, after;
    assert_ok(allocation_replay(rules, schedule, 1, old, n_old, (civil_date){9}, &arena, &before));
    assert_ok(allocation_replay(rules, schedule, 1, new, n_new, (civil_date){9}, &arena, &after));
    assert_ok(allocation_diff(&before, &after, &arena, diff));
}

//= RULES.md R-ALL-7
//  Replay writes one ledger transaction that names its trigger and holds, per payment and component, new − old (zero
//  differences left out).
static void j7_a_replay_books_only_what_differs(void **state) {
    (void)state;
    struct instalment schedule = {1, {0}, {0, 100000, 200000, 700000}};
    struct allocation_fact facts[] = {payment(2, 3, 600000, FACT_PAYMENT), payment(1, 2, 500000, FACT_PAYMENT)};
    struct allocation_diff diff;
    replay_between(&schedule, facts, 1, facts, 2, &diff);
    struct ledger_txn txn = begin();
    ledger_replay(&txn, cash, account, &diff);
    assert_lines(&txn, "receivable.principal -400000\ncash_held 500000\ncustomer_credit -100000\n");
}

//= RULES.md R-PAY-5
//  TRANSFER and QR debit *transfer clearing*, CHEQUE *cheques in hand*
static void j8_to_j11_and_j31_other_tenders_wait_in_their_own_accounts(void **state) {
    (void)state;
    struct ledger_txn txn = begin();
    struct ledger_side cheques = payment_money_side(SOURCE_FIELD, TENDER_CHEQUE, collector.u);
    ledger_payment(&txn, cheques, account, &principal_only);
    assert_lines(&txn, "receivable.principal -3000000\ncheques_in_hand 3000000\n");
    txn = begin();
    ledger_move(&txn, LEDGER_SIDE(CHEQUES_IN_COLLECTION), cheques, 3000000);
    assert_lines(&txn, "cheques_in_hand -3000000\ncheques_in_collection 3000000\n");
    txn = begin();
    ledger_move(&txn, LEDGER_SIDE(BANK), LEDGER_SIDE(CHEQUES_IN_COLLECTION), 3000000);
    assert_lines(&txn, "cheques_in_collection -3000000\nbank 3000000\n");
    txn = begin();
    ledger_reversal(&txn, payment_reversal_side(REVERSAL_BOUNCE, true, cheques), account, &principal_only);
    ledger_move(&txn, LEDGER_SIDE(BANK_CHARGES), LEDGER_SIDE(BANK), 50000);
    assert_lines(&txn, "receivable.principal 3000000\ncheques_in_collection -3000000\nbank -50000\nbank_charges 50000\n");
    const struct allocation_effect million = {{0, 0, 0, 1000000}, 0, 0};
    static const enum payment_source sources[] = {SOURCE_FIELD, SOURCE_GATEWAY, SOURCE_BRANCH, SOURCE_LAWYER};
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        txn = begin();
        ledger_payment(&txn, payment_money_side(sources[i], TENDER_TRANSFER, collector.u), account, &million);
        assert_lines(&txn, "receivable.principal -1000000\ntransfer_clearing 1000000\n");
    }
}

//= RULES.md R-JRN-6
//  a receipt's money sits in the ledger account quarantine
static void j22_and_j23_quarantined_money_is_held_and_then_posts_or_never_was(void **state) {
    (void)state;
    struct ledger_txn txn = begin();
    ledger_quarantine_in(&txn, cash, 1000000);
    assert_lines(&txn, "cash_held 1000000\nquarantine -1000000\n");
    txn = begin();
    const struct allocation_effect million = {{0, 0, 0, 1000000}, 0, 0};
    ledger_payment(&txn, LEDGER_SIDE(QUARANTINE), account, &million);
    assert_lines(&txn, "receivable.principal -1000000\nquarantine 1000000\n");
    txn = begin();
    ledger_quarantine_drop(&txn, cash, 1000000);
    assert_lines(&txn, "cash_held -1000000\nquarantine 1000000\n");
}

//= RULES.md R-PAY-6
//  if a reversal leaves credit short, the rest is *refund recoverable*
static void j24_a_refund_and_then_the_reversal_of_the_money_behind_it(void **state) {
    (void)state;
    struct instalment schedule = {1, {0}, {0, 0, 0, 4000000}};
    struct allocation_fact facts[] = {payment(1, 2, 5000000, FACT_PAYMENT), payment(2, 3, 1000000, FACT_REFUND)};
    struct allocation_diff diff;
    replay_between(&schedule, facts, 1, facts, 2, &diff);
    struct ledger_txn txn = begin();
    ledger_replay(&txn, cash, account, &diff);
    assert_lines(&txn, "bank -1000000\ncustomer_credit 1000000\n");
    replay_between(&schedule, facts, 2, facts + 1, 1, &diff);
    txn = begin();
    ledger_replay(&txn, payment_reversal_side(REVERSAL_MISPOST, true, cash), account, &diff);
    assert_lines(&txn, "receivable.principal 4000000\nrefund_recoverable 1000000\nsuspense -5000000\n");
}

//= RULES.md R-WAI-1
//  paid in full in time → waiver facts at that date
static void j29_j32_j34_waivers_charges_and_used_credit_come_out_of_a_replay(void **state) {
    (void)state;
    struct instalment schedule = {1, {0}, {0, 60000, 0, 100000}};
    struct allocation_fact waiver = payment(1, 3, 60000, FACT_WAIVER), charge = payment(3, 5, 50000, FACT_CHARGE);
    waiver.component = COMPONENT_PENALTY;
    struct allocation_diff diff;
    replay_between(&schedule, NULL, 0, &waiver, 1, &diff);
    struct ledger_txn txn = begin();
    ledger_replay(&txn, cash, account, &diff);
    assert_lines(&txn, "receivable.penalty -60000\nwaiver 60000\n");
    struct allocation_fact facts[] = {payment(2, 2, 260000, FACT_PAYMENT), charge};
    replay_between(&schedule, NULL, 0, &charge, 1, &diff);
    txn = begin();
    ledger_replay(&txn, cash, account, &diff);
    assert_lines(&txn, "receivable.fees 50000\ncreditor_control -50000\n");
    replay_between(&schedule, facts, 1, facts, 2, &diff); /* the charge, paid at once from 100 000 of credit */
    txn = begin();
    ledger_replay(&txn, cash, account, &diff);
    assert_lines(&txn, "creditor_control -50000\ncustomer_credit 50000\n");
}

//= RULES.md R-IMP-3
//  The difference to our own figure is one row of a reconciliation report and one ledger transaction against creditor
//  control.
static void j33_a_snapshot_difference_goes_either_way(void **state) {
    (void)state;
    struct ledger_txn txn = begin();
    ledger_creditor_change(&txn, account, (const int64_t[]){0, 0, -30000, 0});
    assert_lines(&txn, "receivable.interest -30000\ncreditor_control 30000\n");
    txn = begin();
    ledger_creditor_change(&txn, account, (const int64_t[]){0, 0, 30000, 0});
    assert_lines(&txn, "receivable.interest 30000\ncreditor_control -30000\n");
}

//= RULES.md R-BON-9
//  Every bonus line posts expense/payable when written
static void j16_and_j36_corrections_of_a_bonus_go_either_way(void **state) {
    (void)state;
    struct ledger_txn txn = begin();
    ledger_bonus(&txn, collector, 837000);
    assert_lines(&txn, "bonus_payable -837000\nbonus_expense 837000\n");
    txn = begin();
    ledger_bonus(&txn, collector, -198750);
    assert_lines(&txn, "bonus_payable 198750\nbonus_expense -198750\n");
    txn = begin();
    ledger_bonus(&txn, collector, 324000 - 648000);
    assert_lines(&txn, "bonus_payable 324000\nbonus_expense -324000\n");
    txn = begin();
    ledger_bonus(&txn, collector, 0); /* a line of 0 is written for Explain, and books nothing */
    assert_lines(&txn, "");
}

//= RULES.md R-CSH-2
//  Ledger lines only at ACCEPTED: cash moves to the vault, a shortage to **collector receivable**, an excess to cash
//  over
static void j12_to_j15_cash_counted_short_and_over(void **state) {
    (void)state;
    struct ledger_side vault = {LEDGER_VAULT, {{0xCA}}}, owed = {LEDGER_COLLECTOR_RECEIVABLE, collector.u};
    struct ledger_txn txn = begin();
    ledger_move(&txn, vault, cash, 9800000);
    ledger_move(&txn, owed, cash, 200000);
    assert_lines(&txn, "cash_held -10000000\nvault 9800000\ncollector_receivable 200000\n");
    txn = begin();
    ledger_move(&txn, vault, owed, 200000);
    assert_lines(&txn, "vault 200000\ncollector_receivable -200000\n");
    txn = begin();
    ledger_move(&txn, vault, cash, 10000000);
    ledger_move(&txn, vault, LEDGER_SIDE(CASH_OVER), 100000);
    assert_lines(&txn, "cash_held -10000000\nvault 10100000\ncash_over -100000\n");
    txn = begin();
    ledger_move(&txn, LEDGER_SIDE(DEPOSIT_IN_TRANSIT), vault, 9800000);
    assert_lines(&txn, "vault -9800000\ndeposit_in_transit 9800000\n");
    txn = begin();
    ledger_move(&txn, (struct ledger_side){LEDGER_DEPOSIT_IN_TRANSIT, collector.u}, cash, 9800000);
    assert_lines(&txn, "cash_held -9800000\ndeposit_in_transit 9800000\n");
}

//= RULES.md R-LED-1
//  Double entry: every posting is a transaction whose lines sum to zero per currency
static void lines_that_do_not_sum_to_zero_in_each_currency_are_refused(void **state) {
    (void)state;
    struct ledger_txn txn = begin();
    ledger_add(&txn, cash, 5);
    assert_fails(ledger_end(&txn), LEDGER_UNBALANCED);
    struct ledger_line lines[] = {{LEDGER_BANK, {{0}}, {"IDR"}, 5}, {LEDGER_SUSPENSE, {{0}}, {"USD"}, -5}};
    assert_fails(ledger_check_sum(lines, 2), LEDGER_UNBALANCED);
    lines[1].currency = lines[0].currency;
    assert_ok(ledger_check_sum(lines, 2));
    struct ledger_line big[] = {{LEDGER_BANK, {{0}}, {"IDR"}, INT64_MAX}, {LEDGER_BANK, {{0}}, {"IDR"}, INT64_MAX},
                                {LEDGER_BANK, {{0}}, {"IDR"}, 2}};
    assert_fails(ledger_check_sum(big, 3), LEDGER_UNBALANCED); /* 2^64 is not 0 */
}

//= RULES.md R-MON-3
//  Overflow, negative amounts where none may be, and mixed currencies are errors, never wrapped.
static void the_first_error_of_a_transaction_is_its_answer(void **state) {
    (void)state;
    struct ledger_txn txn = begin();
    ledger_add(&txn, LEDGER_SIDE(CASH_HELD), 5); /* whose? */
    assert_fails(ledger_end(&txn), LEDGER_OWNER);
    txn = begin();
    ledger_add(&txn, (struct ledger_side){LEDGER_BANK, collector.u}, 5);
    assert_fails(ledger_end(&txn), LEDGER_OWNER);
    txn = begin();
    ledger_add(&txn, (struct ledger_side){.account = LEDGER_END}, 5);
    assert_fails(ledger_end(&txn), LEDGER_OWNER);
    txn = begin();
    ledger_add(&txn, cash, INT64_MAX);
    ledger_add(&txn, cash, 1);
    assert_fails(ledger_end(&txn), MONEY_OVERFLOW);
    txn = begin();
    ledger_move(&txn, cash, LEDGER_SIDE(BANK), INT64_MIN);
    assert_fails(ledger_end(&txn), MONEY_OVERFLOW);
    txn = begin();
    for (uint8_t i = 1; i <= LEDGER_LINES_MAX + 1; i++) ledger_add(&txn, (struct ledger_side){LEDGER_CASH_HELD, {{i}}}, 1);
    assert_fails(ledger_end(&txn), BUFFER_SMALL);
}

//= RULES.md R-LED-1
//  Assets: receivable {principal, interest, penalty, fees}, cash held (collector), cheques in hand (collector)
static void every_account_of_the_chart_has_its_class_and_owner(void **state) {
    (void)state;
    int of_class[3] = {0};
    for (int a = 1; a < LEDGER_END; a++) {
        struct ledger_account_info info = ledger_account_info((enum ledger_account)a);
        assert_non_null(info.token);
        of_class[info.class_]++;
    }
    assert_int_equal(of_class[LEDGER_ASSET], 15);
    assert_int_equal(of_class[LEDGER_LIABILITY], 10);
    assert_int_equal(of_class[LEDGER_EXPENSE], 5);
    assert_null(ledger_account_info((enum ledger_account)0).token);
    assert_null(ledger_account_info(LEDGER_END).token);
    assert_int_equal(ledger_receivable(COMPONENT_PRINCIPAL), LEDGER_RECEIVABLE_PRINCIPAL);
    assert_int_equal(ledger_account_info(LEDGER_CASH_HELD).owner, OWNER_COLLECTOR);
    assert_int_equal(ledger_account_info(LEDGER_VAULT).owner, OWNER_CASHIER);
    assert_int_equal(ledger_account_info(LEDGER_CUSTOMER_CREDIT).owner, OWNER_ACCOUNT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(j1_an_import_stands_against_creditor_control),
        cmocka_unit_test(j2_and_j3_field_cash_posts_with_its_bonus),
        cmocka_unit_test(j4_j5_j6_a_reversal_mirrors_the_payment_but_for_its_money_side),
        cmocka_unit_test(j7_a_replay_books_only_what_differs),
        cmocka_unit_test(j8_to_j11_and_j31_other_tenders_wait_in_their_own_accounts),
        cmocka_unit_test(j22_and_j23_quarantined_money_is_held_and_then_posts_or_never_was),
        cmocka_unit_test(j24_a_refund_and_then_the_reversal_of_the_money_behind_it),
        cmocka_unit_test(j29_j32_j34_waivers_charges_and_used_credit_come_out_of_a_replay),
        cmocka_unit_test(j33_a_snapshot_difference_goes_either_way),
        cmocka_unit_test(j16_and_j36_corrections_of_a_bonus_go_either_way),
        cmocka_unit_test(j12_to_j15_cash_counted_short_and_over),
        cmocka_unit_test(lines_that_do_not_sum_to_zero_in_each_currency_are_refused),
        cmocka_unit_test(the_first_error_of_a_transaction_is_its_answer),
        cmocka_unit_test(every_account_of_the_chart_has_its_class_and_owner),
    };
    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
