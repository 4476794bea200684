/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few functions that geo needs, the same to the last bit on every machine (see kernel.h). Each reduces
 * its argument to a small interval, where a power series of fixed length is exact to the last digit but one.
 * Called from distance.c and presence.c only.
 */
#include "kernel.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* pi/2 as a sum of two doubles: the first has enough trailing zero bits that a few multiples of it are exact.
 */
static const double HALF_PI_HIGH = 0x1.921fb544p+0, HALF_PI_LOW = 0x1.0b4611a626331p-34;
/* ln 2 in the same way. */
static const double LN2_HIGH = 0x1.62e42feep-1, LN2_LOW = 0x1.a39ef35793c76p-33;

/** Taylor series for |x| <= pi/4; the first term left out is below 1e-19. */
static double sin_small(double x) {
    double z = x * x, sum = 1;
    for (int k = 16; k >= 2; k -= 2) sum = 1 - z / (k * (k + 1)) * sum;
    return x * sum;
}

static double cos_small(double x) {
    double z = x * x, sum = 1;
    for (int k = 17; k >= 1; k -= 2) sum = 1 - z / (k * (k + 1)) * sum;
    return sum;
}

void geo__sincos(double rad, double *sin, double *cos) {
    assert(rad >= -4 && rad <= 4);
    int quarter = (int)(rad / (GEO_PI / 2) + (rad < 0 ? -0.5 : 0.5));
    double rest = (rad - quarter * HALF_PI_HIGH) - quarter * HALF_PI_LOW;
    double s = sin_small(rest), c = cos_small(rest);
    switch (quarter & 3) {
        case 0:
            *sin = s, *cos = c;
            break;
        case 1:
            *sin = c, *cos = -s;
            break;
        case 2:
            *sin = -s, *cos = -c;
            break;
        default:
            *sin = -c, *cos = s;
            break;
    }
}

/** The angle whose tangent is t, 0 <= t <= 1: halved twice, so that the series is short. */
static double atan_unit(double t) {
    for (int i = 0; i < 2; i++) t = t / (1 + geo__sqrt(1 + t * t)); /* tan(a/2) = tan a / (1 + sec a) */
    double z = t * t, sum = 0;
    for (int k = 25; k >= 1; k -= 2) sum = 1.0 / k - z * sum; /* t <= tan(pi/16): 0.1989^26 is below 1e-18 */
    return 4 * t * sum;
}

double geo__atan2(double y, double x) {
    double ay = fabs(y), ax = fabs(x);
    double angle;
    if (ay == 0 && ax == 0)
        angle = 0;
    else if (ay <= ax)
        angle = atan_unit(ay / ax);
    else
        angle = HALF_PI_HIGH - (atan_unit(ax / ay) - HALF_PI_LOW);
    if (signbit(x)) angle = 2 * HALF_PI_HIGH - (angle - 2 * HALF_PI_LOW);
    return signbit(y) ? -angle : angle;
}

/** 2 to the power n, -1022 <= n <= 0, by its bits. */
static double power_of_two(int n) {
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double geo__exp(double x) {
    assert(x <= 0);
    if (x < -700) return 0;
    int n = (int)(x / (LN2_HIGH + LN2_LOW) - 0.5);
    double rest = (x - n * LN2_HIGH) - n * LN2_LOW; /* |rest| <= 0.35 */
    double sum = 1;
    for (int k = 14; k >= 1; k--) sum = 1 + rest / k * sum;
    return sum * power_of_two(n);
}

double geo__sqrt(double x) {
    assert(x >= 0);
    return sqrt(x);
}
