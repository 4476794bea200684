/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Distances against three outside sources: our own high precision vectors
 * (tests/support/distance_vectors.py), and, where TAGIH_DATA names the folder with the public test sets,
 * 40-digit geodesics and GeographicLib's own.
 *
 * Those sets give degrees with 12 digits and more; a position here has 7. The file's length is therefore
 * corrected by what the rounding of the two ends adds along the line (first order in a few millimetres).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tagih/geo.h"

#define RAD (3.14159265358979323846 / 180)

static int64_t distance_mm(int32_t lat1_e7, int32_t lon1_e7, int32_t lat2_e7, int32_t lon2_e7) {
    int64_t mm = -1;
    tagih_err err =
        geo_distance((struct position){lat1_e7, lon1_e7}, (struct position){lat2_e7, lon2_e7}, &mm);
    assert_int_equal(err.reason, ERR_OK);
    return mm;
}

static void known_lengths_come_out(void **state) {
    (void)state;
    assert_int_equal(distance_mm(0, 0, 0, 10000000), 111319491);              /* a degree of the equator */
    assert_int_equal(distance_mm(0, 0, 900000000, 0), 10001965729);           /* a quarter of a meridian */
    assert_int_equal(distance_mm(-900000000, 5, 900000000, -7), 20003931459); /* pole to pole */
    assert_int_equal(distance_mm(0, 0, 0, 1800000000), 20003931459);          /* antipodes: over the pole */
    assert_int_equal(distance_mm(900000000, 1, 900000000, 1700000000), 0); /* one pole has all longitudes */
    assert_int_equal(distance_mm(-62000000, 1068000000, -62000000, 1068000000), 0);
    assert_int_equal(distance_mm(100000000, 1800000000, 100000000, -1800000000),
                     0); /* one meridian, two names */
}

static void the_committed_vectors_agree_to_the_millimetre(void **state) {
    (void)state;
    const char *path = "tests/vectors/distance.csv";
    FILE *file = fopen(path, "r");
    if (!file) file = fopen(TAGIH_SOURCE "/tests/vectors/distance.csv", "r");
    assert_non_null(file);
    char line[256];
    int rows = 0;
    while (fgets(line, sizeof line, file)) {
        long lat1, lon1, lat2, lon2;
        double length_m;
        if (sscanf(line, "%ld,%ld,%ld,%ld,%lf", &lat1, &lon1, &lat2, &lon2, &length_m) != 5) continue;
        double got_m = (double)distance_mm((int32_t)lat1, (int32_t)lon1, (int32_t)lat2, (int32_t)lon2) / 1000;
        if (fabs(got_m - length_m) > 0.001) fail_msg("%s got %.4f m", line, got_m);
        rows++;
    }
    fclose(file);
    assert_true(rows >= 100);
}

/** Metres by which moving (lat, lon) by these degrees lengthens a line that arrives there with this azimuth.
 */
static double moved_m(double lat, double azimuth, double dlat, double dlon) {
    const double e2 = 0.00669437999014131699613723;
    double w2 = 1 - e2 * sin(lat * RAD) * sin(lat * RAD);
    double north_m = 6378137.0 * (1 - e2) / (w2 * sqrt(w2)) * dlat * RAD;
    double east_m = 6378137.0 / sqrt(w2) * cos(lat * RAD) * dlon * RAD;
    return north_m * cos(azimuth * RAD) + east_m * sin(azimuth * RAD);
}

/** Our length minus the file's for one geodesic given in degrees. */
static double error_m(const double *v, double s12_m) {
    int32_t lat1 = (int32_t)lround(v[0] * 1e7), lon1 = (int32_t)lround(v[1] * 1e7);
    int32_t lat2 = (int32_t)lround(v[3] * 1e7), lon2 = (int32_t)lround(remainder(v[4], 360) * 1e7);
    double along_m = moved_m(v[3], v[5], lat2 * 1e-7 - v[3], remainder(lon2 * 1e-7 - v[4], 360)) -
                     moved_m(v[0], v[2], lat1 * 1e-7 - v[0], remainder(lon1 * 1e-7 - v[1], 360));
    return (double)distance_mm(lat1, lon1, lat2, lon2) / 1000 - (s12_m + along_m);
}

static FILE *data_open(const char *name) {
    const char *root = getenv("TAGIH_DATA");
    char path[4096];
    if (!root) {
        print_message("skipped: TAGIH_DATA does not name the folder with geodesic/%s\n", name);
        return NULL;
    }
    snprintf(path, sizeof path, "%s/geodesic/%s", root, name);
    FILE *file = fopen(path, "r");
    if (!file) print_message("skipped: cannot open %s\n", path);
    return file;
}

static void forty_digit_geodesics_agree(void **state) {
    (void)state;
    FILE *file = data_open("geod_hp_public.txt");
    if (!file) skip();
    char line[512], category[32];
    int rows = 0;
    double worst_m = 0;
    while (fgets(line, sizeof line, file)) {
        double v[6], s12;
        if (sscanf(line, "%31[a-z] %lf %lf %lf %lf %lf %lf %lf", category, v, v + 1, v + 2, v + 3, v + 4,
                   v + 5, &s12) != 8)
            continue;
        double error = fabs(error_m(v, s12));
        if (error > worst_m) worst_m = error;
        if (error > 0.001) fail_msg("%.6f m off: %s", error, line);
        rows++;
    }
    fclose(file);
    print_message("%d geodesics, worst %.6f m\n", rows, worst_m);
    assert_int_equal(rows, 2996);
}

static void geographiclibs_own_set_agrees(void **state) {
    (void)state;
    FILE *file = data_open("GeodTest-100.dat");
    if (!file) skip();
    char line[512];
    int rows = 0;
    while (fgets(line, sizeof line, file)) {
        double v[6], s12;
        if (sscanf(line, "%lf %lf %lf %lf %lf %lf %lf", v, v + 1, v + 2, v + 3, v + 4, v + 5, &s12) != 7)
            continue;
        double error = fabs(error_m(v, s12));
        if (error > 0.001) fail_msg("%.6f m off: %s", error, line);
        rows++;
    }
    fclose(file);
    assert_int_equal(rows, 100);
}

static void a_distance_is_the_same_both_ways_and_in_every_hemisphere(void **state) {
    (void)state;
    static const int32_t lats[] = {-900000000, -899999999, -455000001, -62088000, -1,
                                   0,          1,          62088000,   900000000};
    static const int32_t lons[] = {-1800000000, -1799999999, -1068456000, -1,        0,
                                   1,           900000000,   1796000000,  1800000000};
    for (size_t i = 0; i < 9 * 9; i++) {
        for (size_t j = 0; j < 9 * 9; j++) {
            int32_t a = lats[i / 9], b = lons[i % 9], c = lats[j / 9], d = lons[j % 9];
            int64_t mm = distance_mm(a, b, c, d);
            assert_in_range(mm, 0, GEO_DISTANCE_MAX_MM);
            assert_int_equal(distance_mm(c, d, a, b), mm);
            assert_int_equal(distance_mm(-a, b, -c, d), mm);
            assert_int_equal(distance_mm(a, -b, c, -d), mm);
        }
    }
}

static void near_the_antipode_the_search_ends_and_stays_below_half_a_meridian(void **state) {
    (void)state;
    for (int32_t lat = 0; lat <= 900000000; lat += 37500000) {
        for (int32_t off = -9000000; off <= 9000000; off += 450000) {
            int32_t lat2 = lat + off > 900000000 ? 900000000 : lat + off;
            int64_t mm = distance_mm(-lat, 0, lat2, 1800000000 - abs(off));
            assert_in_range(mm, INT64_C(19700000000), GEO_DISTANCE_MAX_MM);
        }
    }
}

static void a_place_that_is_not_on_earth_is_refused(void **state) {
    (void)state;
    static const struct position wrong[] = {{900000001, 0},   {-900000001, 0},        {0, 1800000001},
                                            {0, -1800000001}, {INT32_MIN, INT32_MIN}, {INT32_MAX, 0}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t mm = 77;
        assert_int_equal(geo_distance(wrong[i], (struct position){0, 0}, &mm).reason, ERR_GEO_POSITION_RANGE);
        assert_int_equal(geo_distance((struct position){0, 0}, wrong[i], &mm).reason, ERR_GEO_POSITION_RANGE);
        assert_int_equal(mm, 77);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_lengths_come_out),
        cmocka_unit_test(the_committed_vectors_agree_to_the_millimetre),
        cmocka_unit_test(forty_digit_geodesics_agree),
        cmocka_unit_test(geographiclibs_own_set_agrees),
        cmocka_unit_test(a_distance_is_the_same_both_ways_and_in_every_hemisphere),
        cmocka_unit_test(near_the_antipode_the_search_ends_and_stays_below_half_a_meridian),
        cmocka_unit_test(a_place_that_is_not_on_earth_is_refused),
    };
    return cmocka_run_group_tests_name("distance", tests, NULL, NULL);
}
