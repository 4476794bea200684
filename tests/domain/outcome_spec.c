/* SPDX-License-Identifier: Apache-2.0 */
/* The list of outcomes: complete, consistent, and every way a report can contradict it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "domain/outcome.h"

static enum tagih_reason checked(struct outcome_report report, uint32_t *fields) {
    return outcome_check(&report, fields).reason;
}

//= RULES.md R-VIS-2
//  Outcomes (default list, versioned, retired but never deleted): PAID, PARTIALLY_PAID, PROMISED, REFUSED,
//  NOT_HOME, MOVED, WRONG_ADDRESS, DECEASED, DISPUTED, HARDSHIP, THIRD_PARTY, UNSAFE; each with an action,
//  allowed next actions and required fields.
static void the_first_list_has_these_twelve_outcomes(void **state) {
    (void)state;
    static const char *const names[] = {"PAID",     "PARTIALLY_PAID", "PROMISED",      "REFUSED",
                                        "NOT_HOME", "MOVED",          "WRONG_ADDRESS", "DECEASED",
                                        "DISPUTED", "HARDSHIP",       "THIRD_PARTY",   "UNSAFE"};
    for (uint32_t i = 0; i < 12; i++) {
        const struct outcome *outcome = outcome_at(1, i);
        assert_string_equal(outcome->name, names[i]);
        assert_int_equal(outcome->code, i + 1); /* signed by phones: never renumbered */
        assert_ptr_equal(outcome_find(1, i + 1), outcome);
        assert_ptr_equal(outcome_find_name(1, bytes_text(names[i])), outcome);
        assert_int_not_equal(outcome->next, 0);
        assert_int_equal(outcome->required & outcome->optional, 0);
        assert_false(outcome_is_retired(outcome, 1));
    }
    assert_null(outcome_at(1, 12));
}

static void what_is_not_in_a_list_is_not_found(void **state) {
    (void)state;
    assert_null(outcome_at(0, 0));
    assert_null(outcome_at(OUTCOME_LIST_VERSION + 1, 0));
    assert_null(outcome_find(1, 0));
    assert_null(outcome_find(1, 13));
    assert_null(outcome_find(UINT32_MAX, 1));
    assert_null(outcome_find_name(1, bytes_text("paid")));
    assert_null(outcome_find_name(1, bytes_text("")));
}

//= RULES.md R-VIS-2a
//  A report is judged … in this order: list known, outcome in it, not retired in it, required fields there, no field
//  that contradicts the outcome, next action among the allowed ones.
static void every_outcome_passes_with_what_it_needs_and_fails_without(void **state) {
    (void)state;
    for (size_t i = 0; outcome_at(1, i); i++) {
        const struct outcome *outcome = outcome_at(1, i);
        struct outcome_report report = {.list_version = 1, .code = outcome->code, .given = outcome->required};
        uint32_t fields = 0;
        assert_int_equal(checked(report, &fields), ERR_OK);
        report.given |= outcome->optional;
        assert_int_equal(checked(report, &fields), ERR_OK);
        assert_int_equal(fields, 0);
        for (uint32_t bit = 1; bit < 1u << OUTCOME_FIELD_COUNT; bit <<= 1) {
            struct outcome_report less = report, more = report;
            less.given &= ~bit, more.given |= bit;
            bool needed = outcome->required & bit, allowed = needed || (outcome->optional & bit);
            assert_int_equal(checked(less, &fields), needed ? ERR_OUTCOME_FIELD_MISSING : ERR_OK);
            if (needed) assert_int_equal(fields, bit);
            assert_int_equal(checked(more, &fields), allowed ? ERR_OK : ERR_OUTCOME_FIELD_EXTRA);
            if (!allowed) assert_int_equal(fields, bit);
        }
    }
}

static void money_needs_a_receipt_and_a_promise_needs_its_entry(void **state) {
    (void)state;
    uint32_t fields = 0;
    struct outcome_report report = {.list_version = 1, .code = OUTCOME_PAID, .given = OUTCOME_FIELD_NOTE};
    assert_int_equal(checked(report, &fields), ERR_OUTCOME_FIELD_MISSING);
    assert_int_equal(fields, OUTCOME_FIELD_RECEIPT);
    report.code = OUTCOME_PROMISED;
    assert_int_equal(checked(report, &fields), ERR_OUTCOME_FIELD_MISSING);
    assert_int_equal(fields, OUTCOME_FIELD_PROMISE);
    report.code = OUTCOME_THIRD_PARTY;
    assert_int_equal(checked(report, &fields), ERR_OUTCOME_FIELD_MISSING);
    assert_int_equal(fields, OUTCOME_FIELD_CONTACT);
    report.code = OUTCOME_NOT_HOME, report.given = OUTCOME_FIELD_RECEIPT;
    assert_int_equal(checked(report, &fields), ERR_OUTCOME_FIELD_EXTRA);
    assert_int_equal(fields, OUTCOME_FIELD_RECEIPT);
}

//= RULES.md R-VIS-2
//  An illegal combination is refused in the office with the list's version named; in the journal it is
//  POSTED_FLAGGED(BAD_OUTCOME).
static void each_contradiction_has_its_reason(void **state) {
    (void)state;
    uint32_t fields = 0;
    struct outcome_report good = {.list_version = 1,
                                  .code = OUTCOME_NOT_HOME,
                                  .has_next_action = true,
                                  .next_action = ACTION_VISIT_AGAIN},
                          report = good;
    assert_int_equal(checked(good, &fields), ERR_OK);
    report.list_version = OUTCOME_LIST_VERSION + 1;
    assert_int_equal(checked(report, &fields), ERR_OUTCOME_LIST_UNKNOWN);
    report.list_version = 0;
    assert_int_equal(checked(report, &fields), ERR_OUTCOME_LIST_UNKNOWN);
    report = good, report.code = 13;
    assert_int_equal(checked(report, &fields), ERR_OUTCOME_UNKNOWN);
    report = good, report.next_action = ACTION_LEGAL;
    assert_int_equal(checked(report, &fields), ERR_OUTCOME_NEXT_ACTION);
    report.next_action = 32; /* beyond the word's bits */
    assert_int_equal(checked(report, &fields), ERR_OUTCOME_NEXT_ACTION);
    report.next_action = UINT32_MAX;
    assert_int_equal(checked(report, &fields), ERR_OUTCOME_NEXT_ACTION);
    report.has_next_action = false;
    assert_int_equal(checked(report, &fields), ERR_OK);
    assert_int_equal(fields, 0);
}

static void a_retired_outcome_stays_valid_under_the_list_that_had_it(void **state) {
    (void)state;
    struct outcome row = *outcome_find(1, OUTCOME_NOT_HOME);
    struct outcome_report report = {.list_version = 1, .code = OUTCOME_NOT_HOME};
    uint32_t fields = 0;
    row.retired = 2;
    assert_int_equal(outcome__check_row(&row, &report, &fields).reason, ERR_OK);
    report.list_version = 2;
    assert_int_equal(outcome__check_row(&row, &report, &fields).reason, ERR_OUTCOME_RETIRED);
    report.list_version = 3;
    assert_int_equal(outcome__check_row(&row, &report, &fields).reason, ERR_OUTCOME_RETIRED);
}

static void actions_and_fields_have_names(void **state) {
    (void)state;
    for (uint32_t action = 0; action < OUTCOME_ACTION_COUNT; action++) {
        uint32_t back = 99;
        assert_int_equal(outcome_action_parse(bytes_text(outcome_action_name(action)), &back).reason, ERR_OK);
        assert_int_equal(back, action);
    }
    uint32_t untouched = 99;
    assert_int_equal(outcome_action_parse(bytes_text("RUN"), &untouched).reason, ERR_OUTCOME_NEXT_ACTION);
    assert_int_equal(untouched, 99);
    assert_null(outcome_action_name(OUTCOME_ACTION_COUNT));
    assert_string_equal(outcome_action_name(ACTION_POST_MONEY), "POST_MONEY");
    assert_string_equal(outcome_field_name(0), "receipt");
    assert_string_equal(outcome_field_name(4), "photos");
    assert_null(outcome_field_name(OUTCOME_FIELD_COUNT));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_list_has_these_twelve_outcomes),
        cmocka_unit_test(what_is_not_in_a_list_is_not_found),
        cmocka_unit_test(every_outcome_passes_with_what_it_needs_and_fails_without),
        cmocka_unit_test(money_needs_a_receipt_and_a_promise_needs_its_entry),
        cmocka_unit_test(each_contradiction_has_its_reason),
        cmocka_unit_test(a_retired_outcome_stays_valid_under_the_list_that_had_it),
        cmocka_unit_test(actions_and_fields_have_names),
    };
    return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
