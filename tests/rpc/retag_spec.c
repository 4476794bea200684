/* SPDX-License-Identifier: Apache-2.0 */
/* A payment gets another tag: two people, before the close, and nothing moves but the bonus. */
#include "tagih/payment.h"
#include "tests/support/desk.h"

#define TAG(name) TAGIH__V1__PAYMENT_TAG__PAYMENT_TAG_##name

enum { OF_PAYMENT = 1, OF_REVERSAL = 2, OF_RETAG = 21 }; /* posting.kind */

static const user_id nobody;

static const Tagih__V1__Payment *seen(payment_id payment) {
    struct rig_answer answer = teller_get(&teller, NULL, payment);
    assert_answer(answer, OK);
    return ((const Tagih__V1__GetPaymentResponse *)answer.response)->payment;
}

static struct rig_answer propose_as(user_id who, payment_id payment, Tagih__V1__PaymentTag tag, const char *etag) {
    Tagih__V1__RetagPaymentRequest request = TAGIH__V1__RETAG_PAYMENT_REQUEST__INIT;
    request.payment_id = (char *)(uintptr_t)rig_text(payment.u);
    request.tag = tag;
    request.reason = (char *)(uintptr_t)"the lawyer's letter brought it";
    request.request_id = (char *)(uintptr_t)rig_text(rig_id());
    request.etag = (char *)(uintptr_t)etag;
    return rig_call(&rig, rig_staff_token(&rig, teller.agency, who, 0), "PaymentService/RetagPayment", &request);
}

static struct rig_answer propose(payment_id payment, Tagih__V1__PaymentTag tag) {
    return propose_as(teller.supervisor, payment, tag, seen(payment)->etag);
}

static void retag(payment_id payment, Tagih__V1__PaymentTag tag) {
    assert_answer(teller_decide(&teller, teller.second, proposal_of(propose(payment, tag)), true), OK);
}

static void set_target(user_id budi, int64_t amount_minor) {
    char sql[500];
    snprintf(sql, sizeof sql,
             "insert into bonus_target (agency_id, collector_id, month_on, version, amount_minor, currency, made_by, "
             "approved_by, at_us)"
             " values ('%s', '%s', date_trunc('month', now() at time zone 'Asia/Jakarta'), 1, %lld, 'IDR', '%s', '%s', 1)",
             rig_text(teller.agency.u), rig_text(budi.u), (long long)amount_minor, rig_text(teller.supervisor.u),
             rig_text(teller.admin.u));
    pg_exec(&rig.pg, sql);
}

/* A receipt over 24 000 000 of a collector whose target is 100 000 000: his line is 648 000. */
static payment_id receipt_of_j36(user_id budi) {
    struct debt debt = {.due_minor = {[COMPONENT_PRINCIPAL] = MINOR(24000000)}};
    set_target(budi, MINOR(100000000));
    account_id account = teller_account(&teller, budi, &debt, 1);
    struct rig_phone phone = rig_phone(&rig, teller.agency, budi);
    struct writer w;
    writer_begin(&w, &rig, &phone);
    w.at.us = clock_now().us - 20 * US_PER_S;
    struct journal_entry receipt = writer_receipt(&w, account, MINOR(24000000));
    size_t at = writer_sign(&w, &receipt);
    assert_answer(writer_push_range(&w, at, at), OK);
    payment_id payment = {w.entries[at].id.u};
    writer_end(&w);
    return payment;
}

static int64_t bonus_minor(payment_id payment) {
    return teller_number(&teller, "select sum(amount_minor)::int8 from bonus_line where payment_id = '%s'", payment.u);
}

static int64_t mtd_minor(user_id budi) {
    return teller_number(&teller, "select mtd_minor from collector_month where collector_id = '%s'", budi.u);
}

static const Tagih__V1__ExplainBonusResponse *explained(payment_id payment) {
    Tagih__V1__ExplainBonusRequest request = TAGIH__V1__EXPLAIN_BONUS_REQUEST__INIT;
    request.payment_id = (char *)(uintptr_t)rig_text(payment.u);
    struct rig_answer answer = rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.supervisor, 0), "BonusService/ExplainBonus", &request);
    assert_answer(answer, OK);
    return answer.response;
}

//= RULES.md R-TAG-1
//  A retag before the month closes has a maker and a checker, writes reversal and new bonus lines from the stored context
//  with only the tag changed, never moves money, and may not turn a non-receipt into FIELD_*.
static void a_retag_to_lawyer_halves_the_bonus_and_moves_no_money(void **state) {
    (void)state;
    user_id budi = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    payment_id payment = receipt_of_j36(budi);
    assert_int_equal(bonus_minor(payment), MINOR(648000));
    assert_string_equal(seen(payment)->etag, "p1");
    const char *proposal = proposal_of(propose(payment, TAG(LAWYER)));
    assert_answer(teller_decide(&teller, teller.supervisor, proposal, true), PROPOSAL_OWN);
    assert_string_equal(seen(payment)->tag, "FIELD_CASH");
    assert_int_equal(bonus_minor(payment), MINOR(648000));
    assert_answer(teller_decide(&teller, teller.second, proposal, true), OK);
    // J36: bonus payable 324 000 · bonus expense 324 000
    assert_int_equal(teller_line(&teller, payment, OF_RETAG, LEDGER_BONUS_PAYABLE), MINOR(324000));
    assert_int_equal(teller_line(&teller, payment, OF_RETAG, LEDGER_BONUS_EXPENSE), -MINOR(324000));
    assert_int_equal(teller_number(&teller, "select count(*) from ledger_line l join posting p using (agency_id, posting_id)"
                                            " where p.trigger_id = '%s' and p.kind = 21", payment.u), 2);
    assert_int_equal(bonus_minor(payment), MINOR(324000));
    assert_int_equal(mtd_minor(budi), MINOR(24000000)); /* both tags count */
    assert_int_equal(
        teller_number(&teller, "select bonus_payable_minor from collector_state where collector_id = '%s'", budi.u),
        MINOR(324000));
    assert_string_equal(seen(payment)->tag, "LAWYER");
    assert_string_equal(seen(payment)->etag, "p1t1");
    assert_int_equal(teller_number(&teller, "select count(*) from change where object_id = '%s' and kind = 38", payment.u), 1);
    const Tagih__V1__ExplainBonusResponse *why = explained(payment);
    assert_int_equal(why->n_lines, 3);
    static const struct {
        const char *kind;
        int64_t rupiah;
    } lines[] = {{"ACCRUAL", 648000}, {"REVERSAL", -648000}, {"RETAG", 324000}};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(why->lines[i]->kind, lines[i].kind);
        assert_int_equal(why->lines[i]->amount->minor, MINOR(lines[i].rupiah));
        assert_true(why->lines[i]->same);
    }
    /* bucket, tier and target are those of the first line */
    assert_int_equal(teller_number(&teller, "select count(distinct (bucket, bucket_factor, tier_factor, target_factor, base_minor, mtd_minor))"
                                            " from bonus_line where payment_id = '%s' and line_no <> 2", payment.u), 1);
}

//= RULES.md R-BON-5
//  Reversal writes one line: minus the sum of everything stored for that payment (its line, retags, its part of TRUE_UP),
//  naming each.
static void a_reversal_takes_back_what_the_retag_left(void **state) {
    (void)state;
    user_id budi = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    payment_id payment = receipt_of_j36(budi);
    retag(payment, TAG(LAWYER));
    retag(payment, TAG(GUARANTEE_FUND));
    assert_int_equal(bonus_minor(payment), 0);
    assert_int_equal(mtd_minor(budi), 0); /* a tag of factor 0 does not count (R-BON-2b) */
    retag(payment, TAG(FIELD_CASH)); /* a receipt may become field money again */
    assert_int_equal(bonus_minor(payment), MINOR(648000));
    assert_int_equal(mtd_minor(budi), MINOR(24000000));
    assert_string_equal(seen(payment)->etag, "p1t3");
    assert_answer(teller_reverse(&teller, payment, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_VOID), OK);
    assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_BONUS_PAYABLE), MINOR(648000));
    assert_int_equal(bonus_minor(payment), 0);
    assert_int_equal(mtd_minor(budi), 0);
}

static void a_payment_that_earns_nobody_anything_gets_its_tag_all_the_same(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000)});
    retag(payment, TAG(INSURANCE));
    assert_string_equal(seen(payment)->tag, "INSURANCE");
    assert_int_equal(teller_number(&teller, "select count(*) from payment_retag where payment_id = '%s' and tag_before = 4 and tag = 9", payment.u), 1);
}

//= RULES.md R-TAG-1
//  may not turn a non-receipt into FIELD_*.
static void what_may_not_be_retagged_is_refused(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000)});
    assert_answer(propose(payment, TAG(FIELD_CASH)), PAYMENT_RETAG);
    assert_answer(propose(payment, TAG(FIELD_TRANSFER)), PAYMENT_RETAG);
    assert_answer(propose(payment, TAG(GATEWAY)), PAYMENT_TAG_SAME);
    assert_answer(propose(payment, TAG(UNSPECIFIED)), REQUEST_FIELD_MISSING);
    assert_answer(propose_as(teller.supervisor, payment, TAG(LAWYER), "p0"), PAYMENT_CHANGED);
    assert_answer(propose_as(teller.cashier, payment, TAG(LAWYER), "p1"), NOT_PERMITTED);
    assert_answer(propose_as(teller.supervisor, (payment_id){rig_id()}, TAG(LAWYER), "p1"), NOT_PERMITTED);
    const char *proposal = proposal_of(propose(payment, TAG(LAWYER)));
    assert_answer(propose(payment, TAG(INSURANCE)), PROPOSAL_EXISTS);
    assert_answer(teller_reverse(&teller, payment, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    assert_answer(teller_decide(&teller, teller.second, proposal, true), PAYMENT_REVERSED);
    assert_answer(propose_as(teller.supervisor, payment, TAG(INSURANCE), "p1r"), PAYMENT_REVERSED);
    assert_int_equal(teller_number(&teller, "select count(*) from payment_retag where payment_id = '%s'", payment.u), 0);
}

/* Last: every month before the present one is closed from here on. */
static void after_the_close_a_tag_stays(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000), .value = teller_noon(-40)});
    const char *proposal = proposal_of(propose(payment, TAG(LAWYER)));
    char sql[600];
    snprintf(sql, sizeof sql, "insert into month_close (agency_id, month_on, posting_id, closed_us, digest)"
             " select '%s', date_trunc('month', now() at time zone 'Asia/Jakarta')::date - make_interval(months => i), gen_random_uuid(), 1, ''"
             " from generate_series(1, 2) i", rig_text(teller.agency.u));
    pg_exec(&rig.pg, sql);
    assert_answer(teller_decide(&teller, teller.second, proposal, true), PAYMENT_RETAG_CLOSED);
    assert_answer(teller_decide(&teller, teller.second, proposal, false), OK);
    assert_answer(propose(payment, TAG(LAWYER)), PAYMENT_RETAG_CLOSED);
    assert_string_equal(seen(payment)->tag, "GATEWAY");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_retag_to_lawyer_halves_the_bonus_and_moves_no_money),
        cmocka_unit_test(a_reversal_takes_back_what_the_retag_left),
        cmocka_unit_test(a_payment_that_earns_nobody_anything_gets_its_tag_all_the_same),
        cmocka_unit_test(what_may_not_be_retagged_is_refused),
        cmocka_unit_test(after_the_close_a_tag_stays),
    };
    return cmocka_run_group_tests_name("retag", tests, open_desk, close_desk);
}
