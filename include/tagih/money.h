/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Money is a whole number of minor units of one currency (R-MON-1). No floating point touches it. Rates are basis
 * points, factors are 1/10 000; products are formed in 128 bits and rounded once, half to even (R-MON-2).
 */
#ifndef TAGIH_MONEY_H
#define TAGIH_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "tagih/bytes.h"
#include "tagih/err.h"

/** Three ISO 4217 letters and a NUL. */
typedef struct {
    char code[4];
} currency;

struct money {
    int64_t minor;
    currency currency;
};

/** The largest single amount that posts: 10^13 minor (R-JRN-6). */
#define MONEY_AMOUNT_MAX_MINOR INT64_C(10000000000000)

/** One in basis points and in factors. */
#define BP_ONE 10000

/** Longest text of an amount: sign, 19 digits, point, NUL. */
#define MONEY_TEXT_SIZE 24

/**
 * Look up a currency by its three letters, upper case.
 *
 * @return OK · MONEY_CURRENCY_UNKNOWN not in the table of currencies that Tagih knows
 */
TAGIH_MUST_USE tagih_err currency_parse(struct bytes text, currency *out);

/** Decimal digits of the minor unit: IDR 2, JPY 0. Only for a currency from currency_parse (asserted). */
int currency_exponent(currency of);

bool currency_equal(currency a, currency b);

/** a + b. @return OK · MONEY_CURRENCY_MIXED · MONEY_OVERFLOW; out untouched on error. */
TAGIH_MUST_USE tagih_err money_add(struct money a, struct money b, struct money *out);

/** a - b, may be negative. Errors as money_add. */
TAGIH_MUST_USE tagih_err money_sub(struct money a, struct money b, struct money *out);

/** a + b of plain minor units. @return OK · MONEY_OVERFLOW. */
TAGIH_MUST_USE tagih_err minor_add(int64_t a, int64_t b, int64_t *out);

/** a - b of plain minor units. @return OK · MONEY_OVERFLOW. */
TAGIH_MUST_USE tagih_err minor_sub(int64_t a, int64_t b, int64_t *out);

/**
 * Read decimal major units (R-MON-4): digits, at most one point, at most the currency's digits behind it.
 *
 * "1663025" IDR = 166 302 500 minor. No sign, no grouping, no exponent, no blanks.
 *
 * @return OK · MONEY_SYNTAX another form or too many decimals · MONEY_OVERFLOW; out untouched on error
 */
TAGIH_MUST_USE tagih_err money_parse(struct bytes text, currency in, struct money *out);

/** Write decimal major units with all of the currency's digits, NUL-terminated: "1663025.00". */
void money_format(struct money amount, char out[MONEY_TEXT_SIZE]);

/** Cash must come in coins that exist: a multiple of the currency's cash unit (IDR: 100 minor). Pure. */
bool money_is_cash_unit(struct money amount);

#endif
