/* SPDX-License-Identifier: Apache-2.0 */
/* Notes, ages and limits of cash (R-CSH-2, R-CSH-3). */
#include "domain/cash.h"

#include <string.h>

#include "domain/allowance.h"
#include "tagih/journal.h"

/* What circulates; the 75 000 note of 2020 is legal tender too. */
static const int64_t rupiah_minor[] = {10000000, 7500000, 5000000, 2000000, 1000000, 500000,
                                       200000,   100000,  50000,   20000,   10000,   5000};

bool cash_is_denomination(currency in, int64_t value_minor) {
    if (memcmp(in.code, "IDR", 3) != 0) return value_minor > 0;
    for (size_t i = 0; i < sizeof rupiah_minor / sizeof *rupiah_minor; i++) {
        if (rupiah_minor[i] == value_minor) return true;
    }
    return false;
}

static bool stands_before(const struct cash_pieces *pieces, size_t i) {
    for (size_t k = 0; k < i; k++) {
        if (pieces[k].value_minor == pieces[i].value_minor) return true;
    }
    return false;
}

tagih_err cash_add_up(currency in, const struct cash_pieces *pieces, size_t n, int64_t *sum_minor,
                      size_t *bad) {
    __int128 sum = 0;
    for (size_t i = 0; i < n; i++) {
        *bad = i;
        if (!cash_is_denomination(in, pieces[i].value_minor) || stands_before(pieces, i))
            return FAIL(CASH_DENOMINATION);
        if (pieces[i].pieces < 1 || pieces[i].pieces > CASH_PIECES_MAX) return FAIL(CASH_PIECES);
        sum += (__int128)pieces[i].value_minor * pieces[i].pieces;
    }
    *bad = n;
    if (sum > MONEY_AMOUNT_MAX_MINOR) return FAIL(MONEY_OVERFLOW);
    *sum_minor = (int64_t)sum;
    return TAGIH_OK;
}

size_t cash_age(civil_date on, civil_date today) {
    static const int32_t up_to[CASH_AGES - 1] = {0, 1, 3, 7};
    int64_t days = (int64_t)today.days - on.days;
    size_t age = 0;
    while (age < CASH_AGES - 1 && days > up_to[age]) age++;
    return age;
}

void cash_split_by_age(int64_t held_minor, const struct cash_day *days, size_t n, civil_date today,
                       int64_t by_age[CASH_AGES]) {
    int64_t left_minor = held_minor > 0 ? held_minor : 0;
    memset(by_age, 0, CASH_AGES * sizeof *by_age);
    for (size_t i = 0; i < n && left_minor > 0; i++) {
        int64_t of_day = days[i].in_minor < left_minor ? days[i].in_minor : left_minor;
        if (of_day <= 0) continue;
        by_age[cash_age(days[i].on, today)] += of_day;
        left_minor -= of_day;
    }
    by_age[CASH_AGES - 1] += left_minor;
}

bool cash_half_is_sound(const struct cash_half *half) {
    bool side = half->side == JOURNAL_HANDOVER_GIVES || half->side == JOURNAL_HANDOVER_TAKES;
    return side && !uuid_equal(half->user.u, half->counterpart.u) && half->amount_minor > 0 &&
           half->amount_minor <= MONEY_AMOUNT_MAX_MINOR;
}

bool cash_halves_agree(const struct cash_half *a, const struct cash_half *b) {
    return a->side != b->side && uuid_equal(a->user.u, b->counterpart.u) && uuid_equal(b->user.u, a->counterpart.u) &&
           a->amount_minor == b->amount_minor && currency_equal(a->currency, b->currency);
}

struct cash_limits cash_limits_default(currency in) {
    int64_t unit = 1;
    for (int i = currency_exponent(in); i > 0; i--) unit *= 10;
    return (struct cash_limits){.soft_minor = ALLOWANCE_CASH_HELD_MAJOR * unit, .hard_minor = ALLOWANCE_CASH_HELD_MAJOR * unit,
                                .receipt_minor = ALLOWANCE_PER_RECEIPT_MAJOR * unit};
}

unsigned cash_breaches(const struct cash_limits *limits, int64_t held_minor, int64_t aged_minor) {
    return (held_minor > limits->soft_minor ? CASH_BREACH_SOFT : 0u) |
           (held_minor > limits->hard_minor ? CASH_BREACH_HARD : 0u) |
           (aged_minor > 0 ? CASH_BREACH_AGED : 0u);
}

int64_t cash_allowed_minor(const struct cash_limits *limits, int64_t aged_minor) {
    return aged_minor > 0 ? 0 : limits->hard_minor;
}
