/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The distance between two positions on the WGS 84 ellipsoid: Vincenty's inverse solution, and where it does
 * not converge (near the antipode) a search for the azimuth, which cannot fail.
 *
 * Invariant: the pair is first turned, mirrored and swapped into one standard place, |lat1| >= |lat2|, lat1
 * <= 0, 0 <= longitude difference <= 180 degrees. So the result is symmetric, and the search has exactly one
 * solution.
 */
#include "kernel.h"
#include "tagih/geo.h"

#include <stdbool.h>
#include <stdlib.h>

static const double AXIS_M = 6378137.0;             /* WGS 84 a */
static const double FLATTENING = 1 / 298.257223563; /* WGS 84 f */
static const double POLAR_AXIS_M = 6378137.0 * (1 - 1 / 298.257223563);
static const double E7_RAD = GEO_PI / 180e7;

enum { VINCENTY_ROUNDS = 20, HALVINGS = 60 };

/** Two points in standard place, on the auxiliary sphere. */
struct pair {
    double sin_u1, cos_u1, sin_u2, cos_u2; /* of the reduced latitudes */
    double lon_rad;                        /* difference of longitudes, 0 … pi */
};

/** An arc of a great circle on the auxiliary sphere, as both solutions find it. */
struct arc {
    double sigma, sin_sigma, cos_sigma; /* its length */
    double sin_alpha, cos2_alpha;       /* azimuth where the great circle crosses the equator */
    double cos_2m; /* cosine of twice the distance from the equator to the arc's middle */
};

tagih_err position_check(struct position position) {
    bool lat_ok = position.lat_e7 >= -GEO_LAT_MAX_E7 && position.lat_e7 <= GEO_LAT_MAX_E7;
    bool lon_ok = position.lon_e7 >= -GEO_LON_MAX_E7 && position.lon_e7 <= GEO_LON_MAX_E7;
    return lat_ok && lon_ok ? TAGIH_OK : FAIL(GEO_POSITION_RANGE);
}

/** Sine and cosine of the reduced latitude: tan u = (1 - f) tan lat. A pole comes out exact. */
static void reduced_latitude(int32_t lat_e7, double *sin_u, double *cos_u) {
    double sin_lat, cos_lat;
    geo__sincos(lat_e7 * E7_RAD, &sin_lat, &cos_lat);
    if (abs(lat_e7) == GEO_LAT_MAX_E7) cos_lat = 0;
    double s = (1 - FLATTENING) * sin_lat;
    double norm = geo__sqrt(s * s + cos_lat * cos_lat);
    *sin_u = s / norm;
    *cos_u = cos_lat / norm;
}

static struct pair pair_make(struct position a, struct position b) {
    int32_t lat1_e7 = a.lat_e7, lat2_e7 = b.lat_e7;
    if (abs(lat1_e7) < abs(lat2_e7)) lat1_e7 = b.lat_e7, lat2_e7 = a.lat_e7;
    if (lat1_e7 > 0) lat1_e7 = -lat1_e7, lat2_e7 = -lat2_e7;
    int64_t lon_e7 = llabs((int64_t)a.lon_e7 - b.lon_e7);
    if (lon_e7 > GEO_LON_MAX_E7) lon_e7 = 2 * (int64_t)GEO_LON_MAX_E7 - lon_e7;
    struct pair pair = {.lon_rad = (double)lon_e7 * E7_RAD};
    reduced_latitude(lat1_e7, &pair.sin_u1, &pair.cos_u1);
    reduced_latitude(lat2_e7, &pair.sin_u2, &pair.cos_u2);
    return pair;
}

/** How much longer the arc's longitude is on the sphere than on the ellipsoid (Vincenty's equation 11). */
static double longitude_excess(const struct arc *arc) {
    double f = FLATTENING;
    double c = f / 16 * arc->cos2_alpha * (4 + f * (4 - 3 * arc->cos2_alpha));
    double inner = arc->cos_2m + c * arc->cos_sigma * (2 * arc->cos_2m * arc->cos_2m - 1);
    return (1 - c) * f * arc->sin_alpha * (arc->sigma + c * arc->sin_sigma * inner);
}

/** The arc's length on the ellipsoid, metres (equations 3, 4, 6 and 19). */
static double arc_length_m(const struct arc *arc) {
    double e2 = (AXIS_M * AXIS_M - POLAR_AXIS_M * POLAR_AXIS_M) / (POLAR_AXIS_M * POLAR_AXIS_M);
    double u2 = arc->cos2_alpha * e2;
    double a = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)));
    double b = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)));
    double m = arc->cos_2m, m2 = m * m;
    double third = b / 6 * m * (-3 + 4 * arc->sin_sigma * arc->sin_sigma) * (-3 + 4 * m2);
    double second = b / 4 * (arc->cos_sigma * (-1 + 2 * m2) - third);
    return POLAR_AXIS_M * a * (arc->sigma - b * arc->sin_sigma * (m + second));
}

/** The arc between two points `lambda_rad` apart in longitude on the sphere (equations 14 to 18). */
static struct arc arc_between(const struct pair *p, double lambda_rad) {
    double sin_l, cos_l;
    geo__sincos(lambda_rad, &sin_l, &cos_l);
    double x = p->cos_u2 * sin_l;
    double y = p->cos_u1 * p->sin_u2 - p->sin_u1 * p->cos_u2 * cos_l;
    struct arc arc = {.sin_sigma = geo__sqrt(x * x + y * y)};
    arc.cos_sigma = p->sin_u1 * p->sin_u2 + p->cos_u1 * p->cos_u2 * cos_l;
    arc.sigma = geo__atan2(arc.sin_sigma, arc.cos_sigma);
    if (arc.sin_sigma > 0) arc.sin_alpha = p->cos_u1 * p->cos_u2 * sin_l / arc.sin_sigma;
    if (arc.sin_alpha > 1) arc.sin_alpha = 1; /* by a rounding, along the equator */
    arc.cos2_alpha = 1 - arc.sin_alpha * arc.sin_alpha;
    /* Along the equator the middle has no distance from it; every term with cos_2m then vanishes. */
    if (arc.cos2_alpha > 1e-15) arc.cos_2m = arc.cos_sigma - 2 * p->sin_u1 * p->sin_u2 / arc.cos2_alpha;
    if (arc.cos_2m > 1) arc.cos_2m = 1;
    if (arc.cos_2m < -1) arc.cos_2m = -1;
    return arc;
}

/** Vincenty's iteration. False near the antipode, where it swings or leaves the half circle. */
static bool arc_by_iteration(const struct pair *p, struct arc *out) {
    double lambda = p->lon_rad;
    for (int round = 0; round < VINCENTY_ROUNDS; round++) {
        *out = arc_between(p, lambda);
        double next = p->lon_rad + longitude_excess(out);
        if (next > GEO_PI) return false;
        double step = next > lambda ? next - lambda : lambda - next;
        if (step < 1e-13) return true;
        lambda = next;
    }
    return false;
}

/**
 * The arc that leaves the first point with azimuth `alpha1` and ends where it rises through the second
 * latitude.
 *
 * @param lon_rad [out] the difference of longitudes on the ellipsoid; grows with alpha1 from 0 to pi
 */
static struct arc arc_from_azimuth(const struct pair *p, double alpha1_rad, double *lon_rad) {
    double sin_a1, cos_a1;
    geo__sincos(alpha1_rad, &sin_a1, &cos_a1);
    struct arc arc = {.sin_alpha = sin_a1 * p->cos_u1};
    arc.cos2_alpha = 1 - arc.sin_alpha * arc.sin_alpha;
    double sin_u1 =
        p->sin_u1 < 0 ? p->sin_u1 : -1e-300; /* on the equator: still "south", so the quadrant is right */
    double run1 = cos_a1 * p->cos_u1;
    double rise = run1 * run1 + (p->cos_u2 - p->cos_u1) * (p->cos_u2 + p->cos_u1);
    double run2 = rise > 0 ? geo__sqrt(rise) : 0;
    double sigma1 = geo__atan2(sin_u1, run1), sigma2 = geo__atan2(p->sin_u2, run2);
    double omega1 = geo__atan2(arc.sin_alpha * sin_u1, run1),
           omega2 = geo__atan2(arc.sin_alpha * p->sin_u2, run2);
    double middle_sin, middle_cos;
    arc.sigma = sigma2 - sigma1;
    if (arc.sigma < 0) arc.sigma = 0;
    geo__sincos(arc.sigma, &arc.sin_sigma, &arc.cos_sigma);
    geo__sincos((sigma1 + sigma2) / 2, &middle_sin, &middle_cos);
    arc.cos_2m = middle_cos * middle_cos - middle_sin * middle_sin;
    *lon_rad = omega2 - omega1 - longitude_excess(&arc);
    return arc;
}

/** Halve the interval of azimuths until it is as narrow as a double can say. */
static struct arc arc_by_search(const struct pair *p) {
    double low = 0, high = GEO_PI, lon_rad = 0;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = low + (high - low) / 2;
        (void)arc_from_azimuth(p, middle, &lon_rad);
        if (lon_rad < p->lon_rad)
            low = middle;
        else
            high = middle;
    }
    return arc_from_azimuth(p, low + (high - low) / 2, &lon_rad);
}

tagih_err geo_distance(struct position a, struct position b, int64_t *out_mm) {
    TRY(position_check(a));
    TRY(position_check(b));
    struct pair pair = pair_make(a, b);
    struct arc arc;
    if (!arc_by_iteration(&pair, &arc)) arc = arc_by_search(&pair);
    *out_mm = (int64_t)(arc_length_m(&arc) * 1000 + 0.5);
    return TAGIH_OK;
}
