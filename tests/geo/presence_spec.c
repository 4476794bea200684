/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict about presence, its probability against 25-digit vectors, and its sameness on every machine. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tagih/presence.h"

static double probability(int64_t d_mm, int64_t sigma_mm, int64_t radius_mm) {
    double p = -1;
    assert_int_equal(presence_probability(d_mm, sigma_mm, radius_mm, &p).reason, ERR_OK);
    return p;
}

static struct presence judged(int64_t d_m, int64_t accuracy_m, enum address_quality quality) {
    struct presence out;
    tagih_err err = presence_judge(d_m * 1000, accuracy_m * 1000, quality, PRESENCE_RADIUS_DEFAULT_MM, &out);
    assert_int_equal(err.reason, ERR_OK);
    return out;
}

static FILE *vectors_open(void) {
    FILE *file = fopen("tests/vectors/presence.csv", "r");
    if (!file) file = fopen(TAGIH_SOURCE "/tests/vectors/presence.csv", "r");
    assert_non_null(file);
    return file;
}

/* FNV-1a over the bits of results: one changed bit anywhere changes the number. */
static uint64_t fold(uint64_t hash, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 8; i++) hash = (hash ^ (bits >> (8 * i) & 0xFF)) * UINT64_C(1099511628211);
    return hash;
}

//= RULES.md R-CHK-2
//  p = P(the true position lies within the fence radius R of the address, given a report d away): the Rice
//  distribution, 1 - Q1(d/sigma, R/sigma).
static void the_probability_is_the_rice_distribution_to_1e_12(void **state) {
    (void)state;
    FILE *file = vectors_open();
    char line[256];
    int rows = 0;
    double worst = 0;
    while (fgets(line, sizeof line, file)) {
        long long d, sigma, radius;
        double p;
        if (sscanf(line, "%lld,%lld,%lld,%lf", &d, &sigma, &radius, &p) != 4) continue;
        double error = fabs(probability(d, sigma, radius) - p);
        if (!(error <= 1e-12)) fail_msg("off by %g: %s", error, line);
        if (error > worst) worst = error;
        rows++;
    }
    fclose(file);
    print_message("%d vectors, worst %.1e\n", rows, worst);
    assert_true(rows >= 300);
}

static void at_the_centre_it_is_a_plain_exponential(void **state) {
    (void)state;
    for (int64_t sigma_mm = 100; sigma_mm <= PRESENCE_SIGMA_MAX_MM; sigma_mm = sigma_mm * 3 / 2) {
        double b = 150000.0 / (double)sigma_mm;
        assert_true(fabs(probability(0, sigma_mm, 150000) - -expm1(-b * b / 2)) < 1e-13);
    }
}

static void it_never_rises_with_distance_nor_falls_with_the_radius(void **state) {
    (void)state;
    for (int64_t sigma_mm = 100; sigma_mm <= PRESENCE_SIGMA_MAX_MM; sigma_mm *= 10) {
        double before = 1, smaller = 0;
        for (int step = 0; step <= 400; step++) {
            int64_t near_mm = 150000 + (step - 200) * sigma_mm / 20;
            double p = near_mm < 0 ? before : probability(near_mm, sigma_mm, 150000);
            assert_true(p <= before + 1e-13 && p >= 0 && p <= 1);
            before = p;
            if (near_mm < 1 || near_mm > PRESENCE_RADIUS_MAX_MM) continue;
            double wider = probability(150000, sigma_mm, near_mm);
            assert_true(wider >= smaller - 1e-13 && wider >= 0 && wider <= 1);
            smaller = wider;
        }
    }
}

static void the_extremes_are_numbers_between_nought_and_one(void **state) {
    (void)state;
    static const int64_t ds[] = {0, 1, 150000, 10000000, GEO_DISTANCE_MAX_MM};
    static const int64_t sigmas[] = {PRESENCE_SIGMA_MIN_MM, 10000, PRESENCE_SIGMA_MAX_MM};
    static const int64_t radii[] = {1, 150000, PRESENCE_RADIUS_MAX_MM};
    for (int i = 0; i < 5 * 3 * 3; i++) {
        double p = probability(ds[i / 9], sigmas[i / 3 % 3], radii[i % 3]);
        assert_true(p >= 0 && p <= 1); /* false for NaN */
    }
    assert_true(probability(GEO_DISTANCE_MAX_MM, 100, PRESENCE_RADIUS_MAX_MM) == 0);
    assert_true(probability(0, 100, PRESENCE_RADIUS_MAX_MM) == 1);
}

static void phone_and_server_compute_the_same_bits(void **state) {
    (void)state;
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int64_t sigma_mm = 137; sigma_mm < PRESENCE_SIGMA_MAX_MM; sigma_mm = sigma_mm * 5 / 3)
        for (int64_t d_mm = 0; d_mm < 20 * sigma_mm && d_mm < 20000000; d_mm += 1 + sigma_mm * 3 / 7)
            hash = fold(hash, probability(d_mm, sigma_mm, 150000));
    for (int32_t i = -890000000; i < 890000000; i += 17654321) {
        int64_t mm;
        tagih_err err =
            geo_distance((struct position){i, i / 3}, (struct position){-i / 2, 2 * (i / 3)}, &mm);
        assert_int_equal(err.reason, ERR_OK);
        hash = fold(hash, (double)mm);
    }
    print_message("results fold to %#018llx\n", (unsigned long long)hash);
    assert_true(hash == UINT64_C(0x40c6ec513f8d75f0));
}

//= RULES.md R-CHK-2
//  errors 2-D Gaussian with sigma² = (accuracy / 1.5096)² + sigma_address² (geocode quality defaults: rooftop
//  10 m, street 40 m, post code 300 m) … d, accuracy, sigma, p and R are stored.
static void the_row_holds_every_figure_of_the_judgement(void **state) {
    (void)state;
    struct presence row = judged(60, 20, ADDRESS_STREET);
    assert_int_equal(row.distance_mm, 60000);
    assert_int_equal(row.accuracy_mm, 20000);
    assert_int_equal(row.sigma_mm, 42137); /* sqrt((20/1.5096)² + 40²) m */
    assert_int_equal(row.radius_mm, 150000);
    assert_int_equal(row.inside_ppm, (int32_t)lround(1e6 * probability(60000, 42137, 150000)));
    assert_int_equal(address_sigma_mm(ADDRESS_ROOFTOP), 10000);
    assert_int_equal(address_sigma_mm(ADDRESS_STREET), 40000);
    assert_int_equal(address_sigma_mm(ADDRESS_POSTCODE), 300000);
    assert_int_equal(address_sigma_mm((enum address_quality)0), 0);
    assert_int_equal(address_sigma_mm((enum address_quality)4), 0);
}

//= RULES.md R-CHK-2
//  p >= 0.8 INSIDE; OUTSIDE needs both p <= 0.2 and exp(-d²/2 sigma²) <= 0.005 (a vague fix or address never
//  proves absence); everything else UNSURE; … accuracy > 500 m …: UNKNOWN.
static void each_verdict_is_reached_and_a_vague_address_proves_nothing(void **state) {
    (void)state;
    static const struct {
        int64_t d_m, accuracy_m;
        enum address_quality quality;
        enum presence_verdict verdict;
    } rows[] = {
        {30, 10, ADDRESS_ROOFTOP, PRESENCE_INSIDE},
        {0, 100, ADDRESS_ROOFTOP, PRESENCE_INSIDE},
        {150, 10, ADDRESS_ROOFTOP, PRESENCE_UNSURE}, /* on the rim */
        {400, 10, ADDRESS_ROOFTOP, PRESENCE_OUTSIDE},
        {170, 10, ADDRESS_ROOFTOP, PRESENCE_OUTSIDE},
        {5000, 500, ADDRESS_ROOFTOP, PRESENCE_OUTSIDE}, /* 500 m is still judged */
        {5000, 501, ADDRESS_ROOFTOP, PRESENCE_UNKNOWN}, /* more is not */
        {0, 501, ADDRESS_ROOFTOP, PRESENCE_UNKNOWN},
        {0, 10, ADDRESS_POSTCODE, PRESENCE_UNSURE}, /* p = 0.117: far below 0.2 and yet no proof */
        {900, 10, ADDRESS_POSTCODE, PRESENCE_UNSURE},
        {1000, 10, ADDRESS_POSTCODE, PRESENCE_OUTSIDE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct presence row = judged(rows[i].d_m, rows[i].accuracy_m, rows[i].quality);
        if (row.verdict != rows[i].verdict)
            fail_msg("%d m, accuracy %d m: %s, p %d", (int)rows[i].d_m, (int)rows[i].accuracy_m,
                     presence_verdict_name(row.verdict), row.inside_ppm);
    }
}

static void the_half_percent_line_is_drawn_to_the_millimetre(void **state) {
    (void)state;
    struct presence row;
    /* accuracy 1 mm and a post code address: sigma = 300 000 mm, the line at sigma * sqrt(2 ln 200) = 976
     * 574.18 mm */
    assert_int_equal(presence_judge(976574, 1, ADDRESS_POSTCODE, 150000, &row).reason, ERR_OK);
    assert_int_equal(row.sigma_mm, 300000);
    assert_int_equal(row.verdict, PRESENCE_UNSURE);
    assert_int_equal(presence_judge(976575, 1, ADDRESS_POSTCODE, 150000, &row).reason, ERR_OK);
    assert_int_equal(row.verdict, PRESENCE_OUTSIDE);
}

static void the_verdict_follows_from_the_stored_figures_alone(void **state) {
    (void)state;
    int seen[4] = {0};
    for (int64_t d_mm = 0; d_mm < 1500000; d_mm += 997) {
        struct presence row;
        assert_int_equal(presence_judge(d_mm, 35000, ADDRESS_STREET, 150000, &row).reason, ERR_OK);
        bool far = exp(-0.5 * pow((double)row.distance_mm / (double)row.sigma_mm, 2)) <= 0.005;
        enum presence_verdict expected = row.inside_ppm >= 800000          ? PRESENCE_INSIDE
                                         : row.inside_ppm <= 200000 && far ? PRESENCE_OUTSIDE
                                                                           : PRESENCE_UNSURE;
        assert_int_equal(row.verdict, expected);
        seen[row.verdict]++;
    }
    assert_true(seen[PRESENCE_INSIDE] > 50 && seen[PRESENCE_UNSURE] > 50 && seen[PRESENCE_OUTSIDE] > 50);
}

static void what_cannot_be_judged_is_refused(void **state) {
    (void)state;
    static const int64_t wrong[][3] = {{-1, 1000, 1},
                                       {GEO_DISTANCE_MAX_MM + 1, 1000, 1},
                                       {0, 99, 1},
                                       {0, 0, 1},
                                       {0, 100000001, 1},
                                       {0, 1000, 0},
                                       {0, 1000, 10000001},
                                       {0, INT64_MIN, 1},
                                       {INT64_MAX, 1000, INT64_MIN}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        double p = 7;
        tagih_err err = presence_probability(wrong[i][0], wrong[i][1], wrong[i][2], &p);
        assert_int_equal(err.reason, ERR_PRESENCE_RANGE);
        assert_true(p == 7);
    }
    struct presence row = {.distance_mm = 7};
    assert_int_equal(presence_judge(0, 0, ADDRESS_STREET, 150000, &row).reason, ERR_PRESENCE_RANGE);
    assert_int_equal(presence_judge(0, -5, ADDRESS_STREET, 150000, &row).reason, ERR_PRESENCE_RANGE);
    assert_int_equal(presence_judge(0, 100000001, ADDRESS_STREET, 150000, &row).reason, ERR_PRESENCE_RANGE);
    assert_int_equal(presence_judge(0, 5000, (enum address_quality)9, 150000, &row).reason,
                     ERR_PRESENCE_RANGE);
    assert_int_equal(presence_judge(-1, 5000, ADDRESS_STREET, 150000, &row).reason, ERR_PRESENCE_RANGE);
    assert_int_equal(row.distance_mm, 7);
}

static void verdicts_have_names(void **state) {
    (void)state;
    assert_string_equal(presence_verdict_name(PRESENCE_INSIDE), "INSIDE");
    assert_string_equal(presence_verdict_name(PRESENCE_OUTSIDE), "OUTSIDE");
    assert_string_equal(presence_verdict_name(PRESENCE_UNSURE), "UNSURE");
    assert_string_equal(presence_verdict_name(PRESENCE_UNKNOWN), "UNKNOWN");
    assert_string_equal(presence_verdict_name((enum presence_verdict)99), "UNKNOWN");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_probability_is_the_rice_distribution_to_1e_12),
        cmocka_unit_test(at_the_centre_it_is_a_plain_exponential),
        cmocka_unit_test(it_never_rises_with_distance_nor_falls_with_the_radius),
        cmocka_unit_test(the_extremes_are_numbers_between_nought_and_one),
        cmocka_unit_test(phone_and_server_compute_the_same_bits),
        cmocka_unit_test(the_row_holds_every_figure_of_the_judgement),
        cmocka_unit_test(each_verdict_is_reached_and_a_vague_address_proves_nothing),
        cmocka_unit_test(the_half_percent_line_is_drawn_to_the_millimetre),
        cmocka_unit_test(the_verdict_follows_from_the_stored_figures_alone),
        cmocka_unit_test(what_cannot_be_judged_is_refused),
        cmocka_unit_test(verdicts_have_names),
    };
    return cmocka_run_group_tests_name("presence", tests, NULL, NULL);
}
