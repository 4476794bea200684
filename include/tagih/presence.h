/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Was he there? A reported position has an error, and so has the address; the answer is therefore a
 * probability and, from it, one of four words (R-CHK-2).
 *
 * Every figure is a whole number, and the verdict is judged on the numbers as they are stored: whoever has
 * the row can check it. The arithmetic behind them is the same to the last bit on phone and server
 * (geo/kernel.h).
 */
#ifndef TAGIH_PRESENCE_H
#define TAGIH_PRESENCE_H

#include <stdint.h>

#include "tagih/err.h"
#include "tagih/geo.h"

/** What can be judged. Anything outside is PRESENCE_RANGE. */
#define PRESENCE_SIGMA_MIN_MM INT64_C(100)
#define PRESENCE_SIGMA_MAX_MM INT64_C(100000000)
#define PRESENCE_RADIUS_MAX_MM INT64_C(10000000)
#define PRESENCE_ACCURACY_MAX_MM INT64_C(100000000)

/** The fence of R-CHK-2 (default). */
#define PRESENCE_RADIUS_DEFAULT_MM INT64_C(150000)
/** A vaguer fix than this says nothing: UNKNOWN. */
#define PRESENCE_ACCURACY_USEFUL_MM INT64_C(500000)
/** INSIDE from here, OUTSIDE only up to there, in millionths. */
#define PRESENCE_INSIDE_PPM 800000
#define PRESENCE_OUTSIDE_PPM 200000

/** How well the address is placed on the map; the 1-sigma error of each is R-CHK-2's default. */
enum address_quality {
    ADDRESS_ROOFTOP = 1, /* 10 m */
    ADDRESS_STREET = 2,  /* 40 m */
    ADDRESS_POSTCODE = 3 /* 300 m */
};

/** Stored by number: add, never renumber. Zero is the verdict that accuses nobody. */
enum presence_verdict {
    PRESENCE_UNKNOWN = 0, /* nothing to judge by */
    PRESENCE_INSIDE = 1,
    PRESENCE_OUTSIDE = 2,
    PRESENCE_UNSURE = 3 /* judged, and the figures allow both */
};

/** What is stored of a judgement. */
struct presence {
    int64_t distance_mm; /* d, from the reported position to the address */
    int64_t accuracy_mm; /* as reported: 68 % radius */
    int64_t sigma_mm;    /* of both errors together, each axis */
    int64_t radius_mm;   /* R, of the fence */
    int32_t inside_ppm;  /* p, rounded to the nearest millionth */
    enum presence_verdict verdict;
};

/** "INSIDE", "OUTSIDE", "UNSURE" or "UNKNOWN"; never NULL, a number outside the list answers "UNKNOWN". */
const char *presence_verdict_name(enum presence_verdict verdict);

/** The error of an address, 1 sigma, mm. 0 for a number outside the list. */
int64_t address_sigma_mm(enum address_quality quality);

/**
 * P(the true position lies in the fence): the Rice distribution, 1 - Q1(d/sigma, R/sigma).
 *
 * @param distance_mm  d, 0 … GEO_DISTANCE_MAX_MM
 * @param sigma_mm     PRESENCE_SIGMA_MIN_MM … PRESENCE_SIGMA_MAX_MM
 * @param radius_mm    R, 1 … PRESENCE_RADIUS_MAX_MM
 * @param out          [out] 0 … 1, never NaN; untouched on error
 * @return OK · PRESENCE_RANGE
 *
 * Pure, the same bits everywhere. At most 272 values of the integrand, some microseconds. Absolute error
 * below 1e-12, so it falls with d and rises with R up to that. Example: d = 0, sigma = R → 1 - exp(-1/2) =
 * 0.393469… (tests/geo/presence_spec.c). Source: S. O. Rice, Bell System Technical Journal 24 (1945) 46,
 * section 3.10; vectors tests/vectors/presence.csv from another formula with 25 digits. Rule R-CHK-2.
 */
TAGIH_MUST_USE tagih_err presence_probability(int64_t distance_mm, int64_t sigma_mm, int64_t radius_mm,
                                              double *out);

/**
 * Judge one report against one address.
 *
 * INSIDE: p >= 0.8. OUTSIDE: p <= 0.2 and exp(-d²/2σ²) <= 0.005, compared as whole numbers. UNKNOWN: accuracy
 * above 500 m; the figures are filled in all the same. UNSURE: everything else. p is compared as rounded.
 *
 * @param distance_mm  0 … GEO_DISTANCE_MAX_MM
 * @param accuracy_mm  68 % radius, 1 … PRESENCE_ACCURACY_MAX_MM
 * @param radius_mm    1 … PRESENCE_RADIUS_MAX_MM
 * @param out          [out] untouched on error
 * @return OK · PRESENCE_RANGE, also for a quality outside the list
 *
 * Pure. The age of the fix is not asked here: check_in.h does.
 * Example: 30 m away, accuracy 10 m, rooftop, R = 150 m → INSIDE, 1 000 000 ppm. Rule R-CHK-2.
 */
TAGIH_MUST_USE tagih_err presence_judge(int64_t distance_mm, int64_t accuracy_mm,
                                        enum address_quality quality, int64_t radius_mm,
                                        struct presence *out);

#endif
