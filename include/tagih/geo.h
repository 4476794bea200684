/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Positions on the earth and the distance between two of them.
 *
 * A position is a pair of whole numbers, 1e-7 degrees each (about 1 cm), WGS 84: the form in which it is
 * signed, sent and stored. A distance is a whole number of millimetres. Phone and server get the same one to
 * the last digit.
 */
#ifndef TAGIH_GEO_H
#define TAGIH_GEO_H

#include <stdint.h>

#include "tagih/err.h"

#define GEO_LAT_MAX_E7 INT32_C(900000000)
#define GEO_LON_MAX_E7 INT32_C(1800000000)

/** No two positions are further apart than half a meridian, 20 003 931 458.6 mm. */
#define GEO_DISTANCE_MAX_MM INT64_C(20003931460)

struct position {
    int32_t lat_e7; /* north positive, -90e7 … 90e7 */
    int32_t lon_e7; /* east positive, -180e7 … 180e7; both ends name one meridian */
};

/** Is this a place on earth? @return OK · GEO_POSITION_RANGE latitude or longitude out of range. Pure. */
TAGIH_MUST_USE tagih_err position_check(struct position position);

/**
 * The length of the shortest line between two positions on the WGS 84 ellipsoid.
 *
 * @param a, b    positions in range
 * @param out_mm  [out] 0 … GEO_DISTANCE_MAX_MM; untouched on error
 * @return OK · GEO_POSITION_RANGE
 *
 * Pure; no clock, allocation or globals. Symmetric: a to b is b to a, to the digit. At most 20 iterations of
 * the usual solution (3 or 4 within a city) and, near the antipode only, 60 halvings of an interval: it
 * always ends. Error at most 1 mm anywhere on earth, the rounding to whole millimetres included. Example: one
 * degree of longitude on the equator → 111 319 491 mm (tests/geo/distance_spec.c). Source: T. Vincenty,
 * Survey Review 23 (1975) no. 176; for near-antipodal points the bracketed azimuth of C. F. F. Karney,
 * Journal of Geodesy 87 (2013) 43, section 4, on Vincenty's series.
 */
TAGIH_MUST_USE tagih_err geo_distance(struct position a, struct position b, int64_t *out_mm);

#endif
