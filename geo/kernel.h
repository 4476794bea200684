/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sin, cos, atan2 and exp made of + - * / and sqrt alone.
 *
 * IEEE 754 fixes those five operations to the last bit; it does not fix the functions of libm, and the
 * phone's libm is not the server's. A verdict must be the same on both, so geo calls nothing else. What is
 * left is the compiler: no fused multiply-add (-ffp-contract=off, and the pragma below), no fast-math, no
 * wider registers. All three are checked here, so a build that would answer differently does not compile.
 */
#ifndef TAGIH_GEO_KERNEL_H
#define TAGIH_GEO_KERNEL_H

#include <float.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif
#ifdef __FAST_MATH__
#error "geo must not be compiled with -ffast-math: phone and server would disagree"
#endif
/* 0, 1 and 16 all compute a double as a double; 2 is the x87, -1 says "who knows". */
_Static_assert(FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 1 || FLT_EVAL_METHOD == 16,
               "geo needs plain doubles");
_Static_assert(DBL_MANT_DIG == 53, "geo needs IEEE 754 doubles");

#define GEO_PI 3.14159265358979323846

/** Sine and cosine of an angle of |rad| <= 4 (asserted). Error below 4e-16. Pure, no allocation. */
void geo__sincos(double rad, double *sin, double *cos);

/** The angle of the point (x, y), -pi to pi, signed zeros as in C's atan2. Error below 1e-15. */
double geo__atan2(double y, double x);

/** e to the power x for x <= 0; 0 below -700. Relative error below 4e-16. */
double geo__exp(double x);

/** Correctly rounded square root of x >= 0: a machine instruction, no libm call for domain errors. */
double geo__sqrt(double x);

#endif
