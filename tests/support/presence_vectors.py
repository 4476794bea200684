# SPDX-License-Identifier: Apache-2.0
"""Write tests/vectors/presence.csv: P(the true position lies in the fence), R-CHK-2, true to 18 digits.

Shares no formula with geo/presence.c, which integrates the Rice density along the radius with Bessel's function:
here the Gaussian is cut into strips across the disc, and each strip is an error function.
Needs mpmath; half a minute.    python3 tests/support/presence_vectors.py > tests/vectors/presence.csv
"""
import random

from mpmath import erf, exp, mp, mpf, pi, quad, sqrt

mp.dps = 25
REACH = mpf(10)  # in sigma: what lies beyond is below 1e-22


def inside(d_mm, sigma_mm, radius_mm):
    a, b = mpf(d_mm) / sigma_mm, mpf(radius_mm) / sigma_mm
    low, high = max(-b, a - REACH), min(b, a + REACH)
    if low >= high:
        return mpf(0)
    # The strip at x reaches sqrt(b^2 - x^2) to both sides; its error function bends within some 1/b of the rim.
    cuts = {low, high} | {b - k / b for k in (1, 8, 40)} | {-b + k / b for k in (1, 8, 40)}
    cuts |= {a - REACH + 2 * k for k in range(11)}
    points = sorted(x for x in cuts if low <= x <= high)
    strip = lambda x: exp(-(x - a) ** 2 / 2) * erf(sqrt(max(mpf(0), (b - x) * (b + x) / 2)))
    return quad(strip, points) / sqrt(2 * pi)


def cases():
    for sigma_mm in (12000, 25000, 41000, 100000, 300000):  # what the field sees
        for d_mm in (0, 1, 10000, 60000, 140000, 150000, 165000, 200000, 400000, 1500000):
            yield d_mm, sigma_mm, 150000
    for sigma_mm in (100, 1000, 10000, 10**6, 10**8):  # extremes of every argument and the rim itself
        for radius_mm in (1, 100, 150000, 10**7):
            for d_mm in (0, 1, radius_mm - 1, radius_mm, radius_mm + 1, radius_mm + 5 * sigma_mm,
                         max(0, radius_mm - 5 * sigma_mm), 2 * 10**10):
                yield d_mm, sigma_mm, radius_mm
    rng = random.Random(20240229)
    for _ in range(140):
        sigma_mm = int(10 ** rng.uniform(2, 8))
        radius_mm = int(10 ** rng.uniform(3, 7))
        yield max(0, int(radius_mm + rng.uniform(-8, 8) * sigma_mm)), sigma_mm, radius_mm


print("d_mm,sigma_mm,radius_mm,p")
for case in cases():
    print(*case, mp.nstr(inside(*case), 18, min_fixed=-1, max_fixed=1), sep=",")
