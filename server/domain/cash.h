/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cash in hands: notes and coins that add up, how old cash is, and how much a collector may hold (R-CSH-2,
 * R-CSH-3).
 *
 * Cash has no names on it: whatever leaves a collector's bag is the oldest in it. So what he holds of the
 * time up to an instant is what he holds at all less what came in after that instant, and never below zero.
 */
#ifndef TAGIH_DOMAIN_CASH_H
#define TAGIH_DOMAIN_CASH_H

#include <stdbool.h>
#include <stddef.h>

#include "tagih/id.h"
#include "tagih/money.h"
#include "tagih/time.h"

/** So many notes or coins of one value. */
struct cash_pieces {
    int64_t value_minor, pieces;
};

/** More of one kind than anybody counts. */
#define CASH_PIECES_MAX INT64_C(1000000)
/** Kinds in one count. */
#define CASH_KINDS_MAX 32

/** Is there such a note or coin? Of a currency whose denominations are not listed here, every value above
 * zero is. Pure. */
bool cash_is_denomination(currency in, int64_t value_minor);

/**
 * Add up notes and coins.
 *
 * @param bad  [out] on an error the index of the pieces that are wrong; n when the sum is
 * @return OK · CASH_DENOMINATION no such note or coin, or the same value twice · CASH_PIECES less than 1 or
 * more than CASH_PIECES_MAX of it · MONEY_OVERFLOW the sum is beyond 10^13 minor
 */
TAGIH_MUST_USE tagih_err cash_add_up(currency in, const struct cash_pieces *pieces, size_t n,
                                     int64_t *sum_minor, size_t *bad);

/** What is left of the time before, when `later_in_minor` of what is held came in after it. Never negative.
 * Pure. */
static inline int64_t cash_older_minor(int64_t held_minor, int64_t later_in_minor) {
    return held_minor > later_in_minor ? held_minor - later_in_minor : 0;
}

/** What came in on one day. */
struct cash_day {
    civil_date on;
    int64_t in_minor;
};

/** Ages by which what somebody owes is told: today, yesterday, 2–3, 4–7, more days. */
#define CASH_AGES 5

/** The age of a day, 0 to CASH_AGES - 1. A day to come counts as today. Pure. */
size_t cash_age(civil_date on, civil_date today);

/**
 * Split what is held by age: the newest inflows are still there, the oldest left first.
 *
 * @param days      inflows, newest first; what they do not explain is the oldest age
 * @param by_age    [out] sums to held_minor
 */
void cash_split_by_age(int64_t held_minor, const struct cash_day *days, size_t n, civil_date today,
                       int64_t by_age[CASH_AGES]);

/** One phone's half of a handover (R-CSH-4). */
struct cash_half {
    user_id user, counterpart;
    uint16_t side; /* enum journal_handover_side */
    int64_t amount_minor;
    currency currency;
};

/** Can it be half of any handover: a side that is known, another person, an amount that posts. Pure. */
bool cash_half_is_sound(const struct cash_half *half);
/** Do two sound halves tell the same: one gives, the other takes, each names the other, one sum. Pure. */
bool cash_halves_agree(const struct cash_half *a, const struct cash_half *b);

/** What a collector may hold, in minor units. */
struct cash_limits {
    int64_t soft_minor, hard_minor, receipt_minor;
};

/** Where nobody set any (R-CSH-3, R-REC-5): 10 000 000 held, 5 000 000 a receipt, in major units of whatever currency. Only
 *  for a currency from currency_parse. Pure. */
struct cash_limits cash_limits_default(currency in);

/** Breaches, as bits. Stored: add, never renumber. */
enum cash_breach {
    CASH_BREACH_SOFT = 1, /* holds more than the soft limit: a supervisor is warned */
    CASH_BREACH_HARD = 2, /* holds more than the hard limit: his allowance shows it */
    CASH_BREACH_AGED = 4  /* holds cash past its time */
};
#define CASH_BREACH_ALL 7

/** All breaches of the moment, as bits. Pure. */
unsigned cash_breaches(const struct cash_limits *limits, int64_t held_minor, int64_t aged_minor);

/**
 * How much he may hold according to his next allowance: the hard limit, and nothing while he holds cash past
 * its time. Pure. Rule R-CSH-3a.
 */
int64_t cash_allowed_minor(const struct cash_limits *limits, int64_t aged_minor);

#endif
