/* SPDX-License-Identifier: Apache-2.0 */
/* The list of reasons: every one has a class, a token of its own and a sentence. */
#include "support/case.h"

#include <ctype.h>

static bool is_token(const char *token) {
    size_t dots = 0;
    for (const char *c = token; *c; c++) {
        dots += *c == '.';
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '.' && *c != '_') return false;
    }
    return dots == 1 || strcmp(token, "ok") == 0 || strcmp(token, "internal") == 0;
}

static void every_reason_has_a_token_of_its_own_and_a_sentence(void **state) {
    (void)state;
    for (int i = 0; i < ERR_COUNT; i++) {
        tagih_err err = {(enum tagih_reason)i};
        if (!is_token(err_token(err))) fail_msg("%s: %s is not noun.reason", err_name(err), err_token(err));
        assert_true(strlen(err_text(err)) >= 4);
        assert_true(err_class(err) < TAGIH_CLASS_COUNT);
        assert_int_equal(err_class(err) == TAGIH_CLASS_OK, i == ERR_OK);
        for (int other = 0; other < i; other++) {
            assert_string_not_equal(err_token(err), err_token((tagih_err){(enum tagih_reason)other}));
        }
    }
}

static void a_number_outside_the_list_is_internal(void **state) {
    (void)state;
    assert_string_equal(err_name((tagih_err){ERR_COUNT}), "INTERNAL");
    assert_string_equal(err_token((tagih_err){(enum tagih_reason)-1}), "internal");
    assert_int_equal(err_class((tagih_err){(enum tagih_reason)9999}), TAGIH_CLASS_INTERNAL);
    assert_true(err_is(FAIL(MONEY_SYNTAX), ERR_MONEY_SYNTAX));
    assert_false(err_is_ok(FAIL(MONEY_SYNTAX)));
    assert_true(err_is_ok(TAGIH_OK));
}

static tagih_err fails_in_the_middle(bool fail, int *reached) {
    *reached = 1;
    TRY(fail ? FAIL(MONEY_OVERFLOW) : TAGIH_OK);
    *reached = 2;
    return TAGIH_OK;
}

static void try_returns_the_first_error_and_nothing_after_it_runs(void **state) {
    (void)state;
    int reached;
    assert_fails(fails_in_the_middle(true, &reached), MONEY_OVERFLOW);
    assert_int_equal(reached, 1);
    assert_ok(fails_in_the_middle(false, &reached));
    assert_int_equal(reached, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_a_token_of_its_own_and_a_sentence),
        cmocka_unit_test(a_number_outside_the_list_is_internal),
        cmocka_unit_test(try_returns_the_first_error_and_nothing_after_it_runs),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
