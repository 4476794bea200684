/* SPDX-License-Identifier: Apache-2.0 */
/* Money: sums that never wrap, and the decimal text of files and paper. */
#include "support/case.h"

#include "tagih/money.h"

static currency the(const char *code) {
    currency out;
    assert_ok(currency_parse(bytes_text(code), &out));
    return out;
}

//= RULES.md R-MON-1
//  Money is `int64` minor units plus an ISO 4217 currency (IDR has exponent 2).
static void a_currency_is_three_capital_letters_of_the_list(void **state) {
    (void)state;
    assert_int_equal(currency_exponent(the("IDR")), 2);
    assert_int_equal(currency_exponent(the("JPY")), 0);
    assert_int_equal(currency_exponent(the("KWD")), 3);
    static const char *const bad[] = {"", "ID", "idr", "IDRX", "XXX", "I\xc2\xa0", "123"};
    currency out = {"USD"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_fails(currency_parse(bytes_text(bad[i]), &out), MONEY_CURRENCY_UNKNOWN);
    }
    assert_fails(currency_parse(bytes_make("ID\0", 3), &out), MONEY_CURRENCY_UNKNOWN);
    assert_string_equal(out.code, "USD");
    assert_false(currency_equal(the("IDR"), the("USD")));
}

//= RULES.md R-MON-3
//  Overflow, negative amounts where none may be, and mixed currencies are errors, never wrapped.
static void sums_fail_instead_of_wrapping(void **state) {
    (void)state;
    struct money big = {INT64_MAX, the("IDR")}, one = {1, the("IDR")}, low = {INT64_MIN, the("IDR")}, dollar = {1, the("USD")};
    struct money out = {7, the("IDR")};
    assert_fails(money_add(big, one, &out), MONEY_OVERFLOW);
    assert_fails(money_sub(low, one, &out), MONEY_OVERFLOW);
    assert_fails(money_add(one, dollar, &out), MONEY_CURRENCY_MIXED);
    assert_fails(money_sub(one, dollar, &out), MONEY_CURRENCY_MIXED);
    assert_int_equal(out.minor, 7);
    assert_ok(money_add(big, low, &out));
    assert_int_equal(out.minor, -1);
    assert_ok(money_sub(one, one, &out));
    assert_int_equal(out.minor, 0);
    int64_t minor = 7;
    assert_fails(minor_add(INT64_MIN, -1, &minor), MONEY_OVERFLOW);
    assert_fails(minor_sub(0, INT64_MIN, &minor), MONEY_OVERFLOW);
    assert_int_equal(minor, 7);
    assert_ok(minor_sub(INT64_MIN, INT64_MIN, &minor));
    assert_int_equal(minor, 0);
}

//= RULES.md R-MON-4
//  Amounts in files and on paper are decimal major units with a point and at most the currency's digits: `1663025` IDR
//  = 166 302 500 minor; more digits is a row error.
static void an_amount_is_read_to_the_minor_unit(void **state) {
    (void)state;
    static const struct {
        const char *text, *code;
        int64_t minor;
    } rows[] = {{"1663025", "IDR", 166302500}, {"0", "IDR", 0},          {"0.05", "IDR", 5},   {"0.5", "IDR", 50},
                {"007.10", "IDR", 710},        {"12", "JPY", 12},        {"1.234", "KWD", 1234},
                {"92233720368547758.07", "IDR", INT64_MAX},              {"9223372036854775807", "JPY", INT64_MAX},
                {"00000000000000000000000000000000000000000000001", "IDR", 100}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct money out;
        assert_ok(money_parse(bytes_text(rows[i].text), the(rows[i].code), &out));
        assert_int_equal(out.minor, rows[i].minor);
        assert_true(currency_equal(out.currency, the(rows[i].code)));
    }
}

//= RULES.md R-MON-4
//  more digits is a row error.
static void hostile_text_is_no_amount(void **state) {
    (void)state;
    static const char *const bad[] = {"", ".", ".5", "5.", "-1", "+1", " 1", "1 ", "1,5", "1.000", "1.2.3", "1e5", "0x10",
                                      "1.5x", "Rp1", "١", "1.-5", "NaN", "inf", "1'000", "1\n", "\xff"};
    struct money out = {7, the("IDR")};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_fails(money_parse(bytes_text(bad[i]), the("IDR"), &out), MONEY_SYNTAX);
    }
    assert_fails(money_parse(bytes_make("1\0", 2), the("IDR"), &out), MONEY_SYNTAX);
    assert_fails(money_parse(bytes_text("1.0"), the("JPY"), &out), MONEY_SYNTAX);
    static const char *const huge[] = {"92233720368547758.08", "92233720368547759", "99999999999999999999",
                                       "123456789012345678901234567890123456789012345678901234567890"};
    for (size_t i = 0; i < COUNT_OF(huge); i++) {
        assert_fails(money_parse(bytes_text(huge[i]), the("IDR"), &out), MONEY_OVERFLOW);
    }
    assert_int_equal(out.minor, 7);
}

static void assert_written(int64_t minor, const char *code, const char *expected) {
    char text[MONEY_TEXT_SIZE];
    money_format((struct money){minor, the(code)}, text);
    assert_string_equal(text, expected);
}

//= RULES.md R-MON-4
//  Amounts in files and on paper are decimal major units with a point and at most the currency's digits
static void an_amount_is_written_with_all_its_digits(void **state) {
    (void)state;
    assert_written(166302500, "IDR", "1663025.00");
    assert_written(5, "IDR", "0.05");
    assert_written(-5, "IDR", "-0.05");
    assert_written(12, "JPY", "12");
    assert_written(1234, "KWD", "1.234");
    assert_written(INT64_MIN, "IDR", "-92233720368547758.08");
    assert_written(INT64_MIN, "JPY", "-9223372036854775808");
    uint64_t seed = 11;
    for (int i = 0; i < 20000; i++) {
        struct money amount = {(int64_t)random_below(&seed, UINT64_C(1) << 47), the(i % 2 ? "IDR" : "KWD")}, back;
        char text[MONEY_TEXT_SIZE];
        money_format(amount, text);
        assert_ok(money_parse(bytes_text(text), amount.currency, &back));
        assert_int_equal(back.minor, amount.minor);
    }
}

//= RULES.md R-MON-4
//  Cash in IDR is a multiple of 100 minor.
static void cash_in_rupiah_has_no_cents(void **state) {
    (void)state;
    assert_true(money_is_cash_unit((struct money){500, the("IDR")}));
    assert_false(money_is_cash_unit((struct money){550, the("IDR")}));
    assert_false(money_is_cash_unit((struct money){-1, the("IDR")}));
    assert_true(money_is_cash_unit((struct money){1, the("USD")}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_currency_is_three_capital_letters_of_the_list),
        cmocka_unit_test(sums_fail_instead_of_wrapping),
        cmocka_unit_test(an_amount_is_read_to_the_minor_unit),
        cmocka_unit_test(hostile_text_is_no_amount),
        cmocka_unit_test(an_amount_is_written_with_all_its_digits),
        cmocka_unit_test(cash_in_rupiah_has_no_cents),
    };
    return cmocka_run_group_tests_name("money", tests, NULL, NULL);
}
