/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Money: the currencies that Tagih knows, checked sums, and the decimal form of files and paper (R-MON-1..4).
 * Every sum goes through the compiler's overflow checks; nothing here wraps or rounds.
 */
#include "tagih/money.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/*
 * Exponents are ISO 4217's. A cash unit stands only where a rule gives one (R-MON-4: IDR); 1 checks nothing, because
 * money that a debtor hands over must not be refused on a guess about coins.
 */
static const struct {
    char code[4];
    int exponent;
    int64_t cash_unit_minor;
} currencies[] = {
    {"IDR", 2, 100}, {"BDT", 2, 1}, {"BRL", 2, 1}, {"COP", 2, 1}, {"EGP", 2, 1}, {"EUR", 2, 1}, {"GBP", 2, 1},
    {"GHS", 2, 1},   {"INR", 2, 1}, {"JPY", 0, 1}, {"KES", 2, 1}, {"KHR", 2, 1}, {"KWD", 3, 1}, {"LKR", 2, 1},
    {"MXN", 2, 1},   {"MYR", 2, 1}, {"NGN", 2, 1}, {"PHP", 2, 1}, {"PKR", 2, 1}, {"SGD", 2, 1}, {"THB", 2, 1},
    {"TRY", 2, 1},   {"TZS", 2, 1}, {"UGX", 0, 1}, {"USD", 2, 1}, {"VND", 0, 1}, {"ZAR", 2, 1},
};

static const int64_t power_of_ten[] = {1, 10, 100, 1000};

/* Row of a currency in the table, or -1. */
static int currency_row(const char *code) {
    for (size_t i = 0; i < sizeof currencies / sizeof currencies[0]; i++) {
        if (memcmp(currencies[i].code, code, 3) == 0) return (int)i;
    }
    return -1;
}

static int currency_row_known(currency of) {
    int row = currency_row(of.code);
    assert(row >= 0);
    return row;
}

tagih_err currency_parse(struct bytes text, currency *out) {
    if (text.len != 3) return FAIL(MONEY_CURRENCY_UNKNOWN);
    int row = currency_row((const char *)text.data);
    if (row < 0) return FAIL(MONEY_CURRENCY_UNKNOWN);
    memcpy(out->code, currencies[row].code, sizeof out->code);
    return TAGIH_OK;
}

int currency_exponent(currency of) {
    return currencies[currency_row_known(of)].exponent;
}

bool currency_equal(currency a, currency b) {
    return memcmp(a.code, b.code, sizeof a.code) == 0;
}

tagih_err minor_add(int64_t a, int64_t b, int64_t *out) {
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) return FAIL(MONEY_OVERFLOW);
    *out = sum;
    return TAGIH_OK;
}

tagih_err minor_sub(int64_t a, int64_t b, int64_t *out) {
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference)) return FAIL(MONEY_OVERFLOW);
    *out = difference;
    return TAGIH_OK;
}

tagih_err money_add(struct money a, struct money b, struct money *out) {
    int64_t minor;
    if (!currency_equal(a.currency, b.currency)) return FAIL(MONEY_CURRENCY_MIXED);
    TRY(minor_add(a.minor, b.minor, &minor));
    *out = (struct money){minor, a.currency};
    return TAGIH_OK;
}

tagih_err money_sub(struct money a, struct money b, struct money *out) {
    int64_t minor;
    if (!currency_equal(a.currency, b.currency)) return FAIL(MONEY_CURRENCY_MIXED);
    TRY(minor_sub(a.minor, b.minor, &minor));
    *out = (struct money){minor, a.currency};
    return TAGIH_OK;
}

static size_t count_digits(struct bytes text) {
    size_t n = 0;
    while (n < text.len && text.data[n] >= '0' && text.data[n] <= '9') n++;
    return n;
}

/* minor = minor * 10^len + the digits of `text`. */
static tagih_err shift_in(struct bytes text, int64_t *minor) {
    for (size_t i = 0; i < text.len; i++) {
        if (__builtin_mul_overflow(*minor, INT64_C(10), minor)) return FAIL(MONEY_OVERFLOW);
        TRY(minor_add(*minor, text.data[i] - '0', minor));
    }
    return TAGIH_OK;
}

/* The digits behind the point, none when there is no point. A point without digits is no number. */
static tagih_err fraction_of(struct bytes rest, size_t digits_max, struct bytes *fraction) {
    *fraction = (struct bytes){NULL, 0};
    if (rest.len == 0) return TAGIH_OK;
    if (rest.data[0] != '.') return FAIL(MONEY_SYNTAX);
    *fraction = bytes_make(rest.data + 1, rest.len - 1);
    size_t digits = count_digits(*fraction);
    return digits == 0 || digits != fraction->len || digits > digits_max ? FAIL(MONEY_SYNTAX) : TAGIH_OK;
}

tagih_err money_parse(struct bytes text, currency in, struct money *out) {
    size_t digits_max = (size_t)currency_exponent(in);
    size_t whole = count_digits(text);
    if (whole == 0) return FAIL(MONEY_SYNTAX);
    struct bytes fraction;
    TRY(fraction_of(bytes_make(text.data + whole, text.len - whole), digits_max, &fraction));
    int64_t minor = 0;
    TRY(shift_in(bytes_make(text.data, whole), &minor));
    TRY(shift_in(fraction, &minor));
    if (__builtin_mul_overflow(minor, power_of_ten[digits_max - fraction.len], &minor)) return FAIL(MONEY_OVERFLOW);
    *out = (struct money){minor, in};
    return TAGIH_OK;
}

void money_format(struct money amount, char out[MONEY_TEXT_SIZE]) {
    int digits = currency_exponent(amount.currency);
    uint64_t unit = (uint64_t)power_of_ten[digits];
    const char *sign = amount.minor < 0 ? "-" : "";
    uint64_t size = amount.minor < 0 ? 0 - (uint64_t)amount.minor : (uint64_t)amount.minor;
    unsigned long long major = size / unit, minor = size % unit;
    if (digits == 0) {
        snprintf(out, MONEY_TEXT_SIZE, "%s%llu", sign, major);
    } else {
        snprintf(out, MONEY_TEXT_SIZE, "%s%llu.%0*llu", sign, major, digits, minor);
    }
}

bool money_is_cash_unit(struct money amount) {
    return amount.minor % currencies[currency_row_known(amount.currency)].cash_unit_minor == 0;
}
