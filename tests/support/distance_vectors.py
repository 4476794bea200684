# SPDX-License-Identifier: Apache-2.0
"""Write tests/vectors/distance.csv: lengths of geodesics on WGS 84, by numerical integration with 40 digits (2 minutes).

Shares nothing with geo/distance.c but the ellipsoid: no series, the two integrals of Bessel's auxiliary sphere
(C. F. F. Karney, Journal of Geodesy 87 (2013) 43, equations 7 and 8) are integrated and the azimuth is found by
bisection. Needs mpmath.    python3 tests/support/distance_vectors.py > tests/vectors/distance.csv
"""
import random

from mpmath import atan, atan2, cos, mp, mpf, pi, quad, radians, sin, sqrt, tan

mp.dps = 40
A, F = mpf(6378137), 1 / mpf("298.257223563")
B = A * (1 - F)
EP2 = (A * A - B * B) / (B * B)


def walk(beta1, beta2, alpha1):
    """Longitude difference and length of the line leaving beta1 <= 0 with azimuth alpha1 up to beta2."""
    sin_a0 = sin(alpha1) * cos(beta1)
    cos_a0 = sqrt(1 - sin_a0 ** 2)
    run1 = cos(alpha1) * cos(beta1)
    run2 = sqrt(max(mpf(0), run1 ** 2 + cos(beta2) ** 2 - cos(beta1) ** 2))
    s1 = sin(beta1) if beta1 else mpf("-1e-60")
    sigma1, sigma2 = atan2(s1, run1), atan2(sin(beta2), run2)
    omega1, omega2 = atan2(sin_a0 * s1, run1), atan2(sin_a0 * sin(beta2), run2)
    k2 = EP2 * cos_a0 ** 2
    root = lambda s: sqrt(1 + k2 * sin(s) ** 2)
    excess = F * sin_a0 * quad(lambda s: (2 - F) / (1 + (1 - F) * root(s)), [sigma1, (sigma1 + sigma2) / 2, sigma2])
    return omega2 - omega1 - excess, lambda: B * quad(root, [sigma1, (sigma1 + sigma2) / 2, sigma2])


def length(lat1, lon1, lat2, lon2):
    if abs(lat1) < abs(lat2):
        lat1, lat2 = lat2, lat1
    if lat1 > 0:
        lat1, lat2 = -lat1, -lat2
    lon = abs(lon1 - lon2)
    lon = min(lon, 3600000000 - lon)
    lon, beta1, beta2 = radians(mpf(lon) / 10**7), *(
        atan((1 - F) * tan(radians(mpf(lat) / 10**7))) if abs(lat) < 900000000 else (pi / 2 if lat > 0 else -pi / 2)
        for lat in (lat1, lat2))
    if lat1 == lat2 == 0 and lon <= (1 - F) * pi:  # along the equator, where every azimuth but 90 degrees leaves it
        return A * lon
    low, high = mpf(0), +pi
    for _ in range(90):
        middle = (low + high) / 2
        if walk(beta1, beta2, middle)[0] < lon:
            low = middle
        else:
            high = middle
    return walk(beta1, beta2, (low + high) / 2)[1]()


def pairs():
    rng = random.Random(20240229)
    place = lambda: (rng.randint(-899999999, 899999999), rng.randint(-1800000000, 1800000000))
    for _ in range(60):  # what a fence sees: up to some kilometres, on Java
        lat, lon = -rng.randint(60000000, 80000000), rng.randint(1050000000, 1140000000)
        reach = 10 ** rng.uniform(0, 5.7)
        yield lat, lon, lat + int(rng.uniform(-reach, reach)), lon + int(rng.uniform(-reach, reach))
    for _ in range(25):
        yield (*place(), *place())
    for _ in range(25):  # near the antipode
        lat, lon = place()
        other = lon - 1800000000 if lon > 0 else lon + 1800000000
        yield lat, lon, max(-900000000, min(900000000, -lat + rng.randint(-9000000, 9000000))), max(
            -1800000000, min(1800000000, other + rng.randint(-9000000, 9000000)))
    for lon in (1, 900000000, 1793000000, 1794000000, 1796500000, 1799999999):  # along, and off, the equator
        yield 0, 0, 0, lon
        yield -1, 0, 1, lon


print("lat1_e7,lon1_e7,lat2_e7,lon2_e7,length_m")
for pair in pairs():
    print(*pair, mp.nstr(length(*pair), 14, strip_zeros=False), sep=",")
