/* SPDX-License-Identifier: Apache-2.0 */
/* Tags, tenders, sources, and the ledger account behind each. */
#include "support/case.h"

#include "tagih/payment.h"

static const uuid collector = {{0xC0}};

static void assert_side(struct ledger_side side, enum ledger_account account, bool owned) {
    assert_int_equal(side.account, account);
    assert_int_equal(!uuid_is_nil(side.owner), owned);
}

//= RULES.md R-TAG-1
//  Payment tags **(default tree)**: FIELD_CASH, FIELD_TRANSFER, BRANCH, GATEWAY, LAWYER, ENFORCEMENT, COLLATERAL,
//  GUARANTEE_FUND, INSURANCE, AUCTION, WRITTEN_OFF_RECOVERY.
static void every_name_is_in_the_list_and_nothing_else_is(void **state) {
    (void)state;
    static const char *const tags[] = {"unknown",    "FIELD_CASH",     "FIELD_TRANSFER", "BRANCH",
                                       "GATEWAY",    "LAWYER",         "ENFORCEMENT",    "COLLATERAL",
                                       "GUARANTEE_FUND", "INSURANCE",  "AUCTION",        "WRITTEN_OFF_RECOVERY", "unknown"};
    for (size_t i = 0; i < COUNT_OF(tags); i++) assert_string_equal(payment_tag_name((enum payment_tag)i), tags[i]);
    static const char *const sources[] = {"unknown", "FIELD", "GATEWAY", "BRANCH", "LAWYER", "BANK", "AUCTION",
                                          "ENFORCEMENT", "COLLATERAL", "GUARANTEE_FUND", "INSURANCE", "SUSPENSE", "unknown"};
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        assert_string_equal(payment_source_name((enum payment_source)i), sources[i]);
    }
    static const char *const tenders[] = {"NONE", "CASH", "TRANSFER", "QR", "CHEQUE", "unknown"};
    for (size_t i = 0; i < COUNT_OF(tenders); i++) assert_string_equal(tender_name((enum tender)i), tenders[i]);
    static const char *const reasons[] = {"unknown", "VOID", "MISPOST", "BOUNCE", "BANK_RECALL", "NEVER_RECEIVED", "unknown"};
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        assert_string_equal(reversal_reason_name((enum reversal_reason)i), reasons[i]);
    }
}

//= RULES.md R-TAG-1
//  a receipt's tag follows its tender: CASH, CHEQUE → FIELD_CASH; TRANSFER, QR → FIELD_TRANSFER.
static void the_tag_of_a_receipt_follows_its_tender(void **state) {
    (void)state;
    assert_int_equal(payment_tag_of_tender(TENDER_CASH), TAG_FIELD_CASH);
    assert_int_equal(payment_tag_of_tender(TENDER_CHEQUE), TAG_FIELD_CASH);
    assert_int_equal(payment_tag_of_tender(TENDER_TRANSFER), TAG_FIELD_TRANSFER);
    assert_int_equal(payment_tag_of_tender(TENDER_QR), TAG_FIELD_TRANSFER);
}

//= RULES.md R-TAG-1
//  never moves money, and may not turn a non-receipt into FIELD_*.
static void a_retag_never_makes_field_money_of_other_money(void **state) {
    (void)state;
    for (int tag = TAG_FIELD_CASH; tag < TAG_END; tag++) {
        bool field = tag == TAG_FIELD_CASH || tag == TAG_FIELD_TRANSFER;
        assert_int_equal(payment_tag_is_field((enum payment_tag)tag), field);
        assert_ok(payment_retag_check(SOURCE_FIELD, (enum payment_tag)tag));
        if (field) assert_fails(payment_retag_check(SOURCE_GATEWAY, (enum payment_tag)tag), PAYMENT_RETAG);
        if (!field) assert_ok(payment_retag_check(SOURCE_GATEWAY, (enum payment_tag)tag));
    }
}

//= RULES.md R-TAG-1a
//  A payment that is no receipt is tagged by its source (BANK as BRANCH) unless its sender says why the money came:
//  LAWYER, ENFORCEMENT, COLLATERAL, GUARANTEE_FUND, INSURANCE or WRITTEN_OFF_RECOVERY fit any source but FIELD and
//  AUCTION.
static void a_tag_is_the_sources_own_or_says_why_the_money_came(void **state) {
    (void)state;
    static const enum payment_tag own[SOURCE_END] = {
        [SOURCE_FIELD] = TAG_FIELD_CASH, [SOURCE_GATEWAY] = TAG_GATEWAY, [SOURCE_BRANCH] = TAG_BRANCH,
        [SOURCE_LAWYER] = TAG_LAWYER, [SOURCE_BANK] = TAG_BRANCH, [SOURCE_AUCTION] = TAG_AUCTION,
        [SOURCE_ENFORCEMENT] = TAG_ENFORCEMENT, [SOURCE_COLLATERAL] = TAG_COLLATERAL,
        [SOURCE_GUARANTEE_FUND] = TAG_GUARANTEE_FUND, [SOURCE_INSURANCE] = TAG_INSURANCE,
        [SOURCE_SUSPENSE] = TAG_BRANCH};
    for (int source = SOURCE_FIELD; source < SOURCE_END; source++) {
        assert_int_equal(payment_tag_of_source((enum payment_source)source, TENDER_CASH), own[source]);
        for (int tag = TAG_FIELD_CASH; tag < TAG_END; tag++) {
            bool channel = tag <= TAG_GATEWAY || tag == TAG_AUCTION;
            bool fits = tag == (int)own[source] || (!channel && source != SOURCE_FIELD && source != SOURCE_AUCTION);
            tagih_err err = payment_tag_check((enum payment_source)source, TENDER_CASH, (enum payment_tag)tag);
            if (fits) assert_ok(err);
            else assert_fails(err, PAYMENT_TAG);
        }
        assert_fails(payment_tag_check((enum payment_source)source, TENDER_CASH, TAG_END), PAYMENT_TAG);
        bool brought = source != SOURCE_FIELD && source != SOURCE_BANK && source != SOURCE_AUCTION && source != SOURCE_SUSPENSE;
        assert_int_equal(payment_source_is_brought((enum payment_source)source), brought);
    }
}

//= RULES.md R-PTP-2
//  Payments (whole amount, any tag but COLLATERAL, AUCTION, GUARANTEE_FUND, INSURANCE) in fact order fill promises
static void money_that_the_debtor_did_not_bring_keeps_no_promise(void **state) {
    (void)state;
    for (int tag = TAG_FIELD_CASH; tag < TAG_END; tag++) {
        bool not_his = tag == TAG_COLLATERAL || tag == TAG_AUCTION || tag == TAG_GUARANTEE_FUND || tag == TAG_INSURANCE;
        assert_int_equal(payment_tag_fills_promise((enum payment_tag)tag), !not_his);
    }
}

//= RULES.md R-PAY-5
//  TRANSFER and QR debit *transfer clearing*, CHEQUE *cheques in hand*; all PROVISIONAL until matched to a bank line
static void each_tender_debits_its_own_account(void **state) {
    (void)state;
    assert_side(payment_money_side(SOURCE_FIELD, TENDER_TRANSFER, collector), LEDGER_TRANSFER_CLEARING, false);
    assert_side(payment_money_side(SOURCE_FIELD, TENDER_QR, collector), LEDGER_TRANSFER_CLEARING, false);
    assert_side(payment_money_side(SOURCE_FIELD, TENDER_CHEQUE, collector), LEDGER_CHEQUES_IN_HAND, true);
    assert_side(payment_money_side(SOURCE_GATEWAY, TENDER_NONE, collector), LEDGER_TRANSFER_CLEARING, false);
    assert_side(payment_money_side(SOURCE_BRANCH, TENDER_CASH, collector), LEDGER_TRANSFER_CLEARING, false);
    assert_side(payment_money_side(SOURCE_LAWYER, TENDER_NONE, collector), LEDGER_TRANSFER_CLEARING, false);
    assert_side(payment_money_side(SOURCE_AUCTION, TENDER_NONE, collector), LEDGER_SALE_PROCEEDS, false);
}

//= RULES.md R-CSH-1
//  A receipt credits the debtor at once; the cash becomes the collector's liability (cash held).
static void cash_becomes_the_collectors_to_answer_for(void **state) {
    (void)state;
    struct ledger_side side = payment_money_side(SOURCE_FIELD, TENDER_CASH, collector);
    assert_int_equal(side.account, LEDGER_CASH_HELD);
    assert_true(uuid_equal(side.owner, collector));
}

//= RULES.md R-PAY-4
//  VOID unsettled → the account its receipt debited (cash held, transfer clearing, cheques in hand, quarantine) ·
//  MISPOST or VOID settled → suspense · BOUNCE → cheques in collection · BANK_RECALL → bank · NEVER_RECEIVED →
//  transfer clearing.
static void the_money_side_of_a_reversal_follows_its_reason(void **state) {
    (void)state;
    struct ledger_side cash = {LEDGER_CASH_HELD, collector}, parked = LEDGER_SIDE(QUARANTINE);
    assert_side(payment_reversal_side(REVERSAL_VOID, false, cash), LEDGER_CASH_HELD, true);
    assert_side(payment_reversal_side(REVERSAL_VOID, false, parked), LEDGER_QUARANTINE, false);
    assert_side(payment_reversal_side(REVERSAL_VOID, true, cash), LEDGER_SUSPENSE, false);
    for (int settled = 0; settled < 2; settled++) {
        assert_side(payment_reversal_side(REVERSAL_MISPOST, settled, cash), LEDGER_SUSPENSE, false);
        assert_side(payment_reversal_side(REVERSAL_BOUNCE, settled, cash), LEDGER_CHEQUES_IN_COLLECTION, false);
        assert_side(payment_reversal_side(REVERSAL_BANK_RECALL, settled, cash), LEDGER_BANK, false);
        assert_side(payment_reversal_side(REVERSAL_NEVER_RECEIVED, settled, cash), LEDGER_TRANSFER_CLEARING, false);
    }
}

//= RULES.md R-RPO-7b
//  the proceeds are shared anew
static void proceeds_of_a_sale_go_back_to_the_sale(void **state) {
    (void)state;
    for (int reason = REVERSAL_VOID; reason < REVERSAL_END; reason++) {
        struct ledger_side proceeds = LEDGER_SIDE(SALE_PROCEEDS);
        assert_side(payment_reversal_side((enum reversal_reason)reason, false, proceeds), LEDGER_SALE_PROCEEDS, false);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_in_the_list_and_nothing_else_is),
        cmocka_unit_test(the_tag_of_a_receipt_follows_its_tender),
        cmocka_unit_test(a_tag_is_the_sources_own_or_says_why_the_money_came),
        cmocka_unit_test(a_retag_never_makes_field_money_of_other_money),
        cmocka_unit_test(money_that_the_debtor_did_not_bring_keeps_no_promise),
        cmocka_unit_test(each_tender_debits_its_own_account),
        cmocka_unit_test(cash_becomes_the_collectors_to_answer_for),
        cmocka_unit_test(the_money_side_of_a_reversal_follows_its_reason),
        cmocka_unit_test(proceeds_of_a_sale_go_back_to_the_sale),
    };
    return cmocka_run_group_tests_name("payment", tests, NULL, NULL);
}
