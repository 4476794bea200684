/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probability that somebody is inside a fence, and the verdict from it (R-CHK-2).
 *
 * In units of sigma, with a = d/sigma and b = R/sigma, the true distance x has the density
 * x exp(-(x-a)²/2) I0e(ax), I0e(z) = exp(-z) I0(z), which is smooth and never overflows. It is integrated
 * from 0 to b over u = x - a, where only |u| <= 8.5 counts: what lies beyond is below 1e-15.
 */
#include "tagih/presence.h"

#include <stdbool.h>
#include <stddef.h>

#include "kernel.h"

static const double REACH = 8.5; /* exp(-REACH²/2) = 2e-16 */

/* Gauss-Legendre, 16 nodes on (-1, 1): {node, weight}, symmetric. Exact for polynomials of degree 31. */
static const double nodes[8][2] = {
    {0.9894009349916499326, 0.027152459411754094852}, {0.94457502307323257608, 0.062253523938647892863},
    {0.86563120238783174388, 0.09515851168249278481}, {0.7554044083550030339, 0.12462897125553387205},
    {0.61787624440264374845, 0.14959598881657673208}, {0.45801677765722738634, 0.16915651939500253819},
    {0.28160355077925891323, 0.18260341504492358887}, {0.095012509837637440185, 0.18945061045506849629},
};

static const int64_t quality_sigma_mm[] = {
    [ADDRESS_ROOFTOP] = 10000, [ADDRESS_STREET] = 40000, [ADDRESS_POSTCODE] = 300000};

static const char *const verdict_names[] = {[PRESENCE_UNKNOWN] = "UNKNOWN",
                                            [PRESENCE_INSIDE] = "INSIDE",
                                            [PRESENCE_OUTSIDE] = "OUTSIDE",
                                            [PRESENCE_UNSURE] = "UNSURE"};

const char *presence_verdict_name(enum presence_verdict verdict) {
    size_t i = (size_t)verdict;
    return i < sizeof verdict_names / sizeof *verdict_names ? verdict_names[i] : "UNKNOWN";
}

int64_t address_sigma_mm(enum address_quality quality) {
    size_t i = (size_t)quality;
    return i < sizeof quality_sigma_mm / sizeof *quality_sigma_mm ? quality_sigma_mm[i] : 0;
}

/** exp(-z) I0(z) for z >= 0. Relative error below 2e-14. Source: NIST DLMF 10.25.2 and 10.40.1. */
static double bessel_i0e(double z) {
    double term = 1, sum = 1;
    if (z > 30) { /* the asymptotic series; its 20th term is below 1e-17 */
        for (int k = 1; k <= 20; k++) sum += term *= (2 * k - 1) * (2 * k - 1) / (8 * k * z);
        return sum / geo__sqrt(2 * GEO_PI * z);
    }
    double quarter = z * z / 4; /* the power series: all terms positive, 70 are enough for z = 30 */
    for (int k = 1; k <= 70 && term > sum * 1e-17; k++) {
        term *= quarter / ((double)k * k);
        sum += term;
    }
    return sum * geo__exp(-z);
}

static double density(double a, double u) {
    double x = a + u;
    return x > 0 ? x * geo__exp(-u * u / 2) * bessel_i0e(a * x) : 0;
}

/** The density integrated over u from `low` to `high`, in panels no wider than 1. */
static double integrate(double a, double low, double high) {
    int panels = (int)(high - low) + 1;
    double half = (high - low) / panels / 2, sum = 0;
    for (int p = 0; p < panels; p++) {
        double middle = low + (2 * p + 1) * half;
        for (int i = 0; i < 8; i++) {
            double offset = half * nodes[i][0];
            sum += nodes[i][1] * (density(a, middle - offset) + density(a, middle + offset));
        }
    }
    return sum * half;
}

static bool in_range(int64_t value, int64_t low, int64_t high) {
    return value >= low && value <= high;
}

tagih_err presence_probability(int64_t distance_mm, int64_t sigma_mm, int64_t radius_mm, double *out) {
    if (!in_range(distance_mm, 0, GEO_DISTANCE_MAX_MM)) return FAIL(PRESENCE_RANGE);
    if (!in_range(sigma_mm, PRESENCE_SIGMA_MIN_MM, PRESENCE_SIGMA_MAX_MM)) return FAIL(PRESENCE_RANGE);
    if (!in_range(radius_mm, 1, PRESENCE_RADIUS_MAX_MM)) return FAIL(PRESENCE_RANGE);
    double a = (double)distance_mm / (double)sigma_mm;
    double rim =
        (double)(radius_mm - distance_mm) / (double)sigma_mm; /* exact difference: the rim as a value of u */
    double p = 1;
    if (rim <= -REACH)
        p = 0;
    else if (rim < REACH)
        p = integrate(a, a < REACH ? -a : -REACH, rim);
    *out = p < 0 ? 0 : p > 1 ? 1 : p;
    return TAGIH_OK;
}

/** Sigma of report and address together. 1.5096: of a 2-D Gaussian 68 % lie within 1.5096 sigma. */
static int64_t combined_sigma_mm(int64_t accuracy_mm, int64_t address_mm) {
    double report = (double)accuracy_mm / 1.5096, address = (double)address_mm;
    return (int64_t)(geo__sqrt(report * report + address * address) + 0.5);
}

/**
 * exp(-d²/2σ²) <= 0.005: at the address one would be reported this far away in at most one case of 200.
 *
 * The same as d² >= 2 ln 200 σ², in 128 bits and without a logarithm: at most 4e20 * 1e15 on one side.
 */
static bool too_far_for_chance(int64_t distance_mm, int64_t sigma_mm) {
    const int64_t two_ln_200_e15 = INT64_C(10596634733096073);
    __extension__ typedef __int128 wide;
    return (wide)distance_mm * distance_mm * INT64_C(1000000000000000) >=
           (wide)sigma_mm * sigma_mm * two_ln_200_e15;
}

static enum presence_verdict verdict_of(const struct presence *presence) {
    if (presence->accuracy_mm > PRESENCE_ACCURACY_USEFUL_MM) return PRESENCE_UNKNOWN;
    if (presence->inside_ppm >= PRESENCE_INSIDE_PPM) return PRESENCE_INSIDE;
    bool far = too_far_for_chance(presence->distance_mm, presence->sigma_mm);
    return presence->inside_ppm <= PRESENCE_OUTSIDE_PPM && far ? PRESENCE_OUTSIDE : PRESENCE_UNSURE;
}

tagih_err presence_judge(int64_t distance_mm, int64_t accuracy_mm, enum address_quality quality,
                         int64_t radius_mm, struct presence *out) {
    int64_t address_mm = address_sigma_mm(quality);
    if (address_mm == 0 || !in_range(accuracy_mm, 1, PRESENCE_ACCURACY_MAX_MM)) return FAIL(PRESENCE_RANGE);
    struct presence presence = {.distance_mm = distance_mm,
                                .accuracy_mm = accuracy_mm,
                                .sigma_mm = combined_sigma_mm(accuracy_mm, address_mm),
                                .radius_mm = radius_mm};
    double p;
    TRY(presence_probability(distance_mm, presence.sigma_mm, radius_mm, &p));
    presence.inside_ppm = (int32_t)(p * 1000000 + 0.5);
    presence.verdict = verdict_of(&presence);
    *out = presence;
    return TAGIH_OK;
}
