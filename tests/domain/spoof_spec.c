/* SPDX-License-Identifier: Apache-2.0 */
/* The spoof score: its lines, its caps, and that the order of arrival never shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tagih/spoof.h"

#define DAY_US (INT64_C(1772530700) * US_PER_S)

/** A check-in `east_m` metres along the equator, `at_s` seconds into the day, accuracy 10 m. */
static struct spoof_evidence evidence_at(uint8_t id, int east_m, int64_t at_s) {
    instant at = {DAY_US + at_s * US_PER_S};
    return (struct spoof_evidence){
        .check_in = {{id}},
        .value = at,
        .device = at,
        .has_fix = true,
        .fix = {
            .position = {0, (int32_t)((int64_t)east_m * 10000000 / 111319)}, .accuracy_mm = 10000, .at = at}};
}

static struct spoof_score scored(const struct spoof_evidence *evidence,
                                 const struct spoof_evidence *previous) {
    struct spoof_score score;
    assert_int_equal(spoof_score(SPOOF_WEIGHT_SET, evidence, previous, &score).reason, ERR_OK);
    return score;
}

//= RULES.md R-CHK-3
//  Spoof signals give integer points in capped groups …, each line with measured value, threshold and one
//  plain sentence; 0–29 VERIFIED, 30–59 REVIEW, 60–100 NEEDS_PERSON.
static void a_plain_check_in_has_no_points(void **state) {
    (void)state;
    struct spoof_evidence a = evidence_at(1, 0, 0), b = evidence_at(2, 500, 600);
    struct spoof_score score = scored(&b, &a);
    assert_int_equal(score.points, 0);
    assert_int_equal(score.line_count, 0);
    assert_int_equal(score.level, SPOOF_VERIFIED);
    assert_int_equal(score.weight_set, 1);
}

static void each_signal_strikes_beyond_its_threshold_and_not_before(void **state) {
    (void)state;
    struct spoof_evidence e = evidence_at(1, 0, 0);
    e.fix.mock = true;
    assert_int_equal(scored(&e, NULL).points, 30);
    assert_int_equal(scored(&e, NULL).level, SPOOF_REVIEW);

    e = evidence_at(1, 0, 0), e.fix.at.us -= 120 * US_PER_S;
    assert_int_equal(scored(&e, NULL).points, 0);
    e.fix.at.us -= 1;
    assert_int_equal(scored(&e, NULL).points, 15);

    e = evidence_at(1, 0, 0), e.value.us += 300 * US_PER_S;
    assert_int_equal(scored(&e, NULL).points, 0);
    e.value.us += 1;
    assert_int_equal(scored(&e, NULL).points, 15);

    struct spoof_evidence from = evidence_at(1, 0, 0), slow = evidence_at(2, 5000, 100),
                          fast = evidence_at(3, 5040, 100);
    assert_int_equal(scored(&slow, &from).points, 0); /* 49.8 m/s beyond both accuracies */
    struct spoof_score score = scored(&fast, &from);
    assert_int_equal(score.points, 20);
    assert_int_equal(score.lines[0].signal, SPOOF_SPEED);
    assert_in_range(score.lines[0].measured, 50001, 50300);
    assert_int_equal(score.lines[0].threshold, 50000);
}

//= RULES.md R-CHK-3a
//  A group adds at most its cap: flags 40, motion 30, clock 25, fingerprint 30, place 30, device 40; the whole at most
//  100.
static void a_group_adds_at_most_its_cap(void **state) {
    (void)state;
    struct spoof_evidence from = evidence_at(1, 0, 0), e = evidence_at(2, 90000, 100);
    e.fix.mock = true;
    e.fix.at.us += 200 * US_PER_S;
    e.value.us -= 400 * US_PER_S;
    struct spoof_score score = scored(&e, &from);
    assert_int_equal(score.line_count, 4);
    assert_int_equal(score.lines[1].points, 15); /* stale fix */
    assert_int_equal(score.lines[2].points, 10); /* clock: what the group's 25 leave */
    assert_int_equal(score.points, 30 + 25 + 20);
    assert_int_equal(score.level, SPOOF_NEEDS_PERSON);
}

static void the_classes_meet_without_a_gap(void **state) {
    (void)state;
    for (int points = 0; points <= 100; points++)
        assert_int_equal(spoof_class_of(points), points < 30   ? SPOOF_VERIFIED
                                                 : points < 60 ? SPOOF_REVIEW
                                                               : SPOOF_NEEDS_PERSON);
}

//= RULES.md R-CHK-3b
//  Speed = (distance between the deciding fixes − both accuracies) ÷ the longer of the interval between the value
//  instants and the interval between the fixes, at least 1 s.
static void vague_fixes_make_no_speed(void **state) {
    (void)state;
    struct spoof_evidence a = evidence_at(1, 0, 0), b = evidence_at(2, 3000, 10);
    assert_int_equal(scored(&b, &a).points, 20);
    a.fix.accuracy_mm = 2000000, b.fix.accuracy_mm = 900000;
    assert_int_equal(scored(&b, &a).points, 0);
}

static void one_instant_in_two_places_counts_and_in_one_place_does_not(void **state) {
    (void)state;
    struct spoof_evidence a = evidence_at(1, 0, 0), same = evidence_at(2, 0, 0),
                          far = evidence_at(3, 4000, 0);
    assert_int_equal(scored(&same, &a).points, 0);
    assert_int_equal(scored(&far, &a).points, 20);
}

static void a_clamped_clock_makes_no_speed(void **state) {
    (void)state;
    struct spoof_evidence a = evidence_at(1, 0, 0), b = evidence_at(2, 4000, 1000);
    b.value = a.value; /* both clamped to the moment of sync; the fixes are 1 000 s apart */
    for (size_t i = 0; i < scored(&b, &a).line_count; i++)
        assert_int_not_equal(scored(&b, &a).lines[i].signal, SPOOF_SPEED);
}

//= RULES.md R-CHK-3
//  Identical coordinates alone are no signal: genuine stationary phones repeat them a hundred times.
static void identical_coordinates_are_no_signal(void **state) {
    (void)state;
    struct spoof_evidence before = evidence_at(1, 700, 0);
    for (uint8_t i = 1; i <= 110; i++) {
        struct spoof_evidence now = evidence_at(i, 700, i * 60);
        assert_int_equal(scored(&now, &before).points, 0);
        before = now;
    }
}

static void without_a_fix_there_is_neither_speed_nor_a_stale_fix(void **state) {
    (void)state;
    struct spoof_evidence a = evidence_at(1, 0, 0), b = evidence_at(2, 90000, 1);
    b.has_fix = false, b.fix.mock = true;
    assert_int_equal(scored(&b, &a).points, 0);
    b.has_fix = true, b.fix.mock = false, a.has_fix = false;
    assert_int_equal(scored(&b, &a).points, 0);
}

static void every_line_has_a_sentence_with_its_figures(void **state) {
    (void)state;
    char text[SPOOF_TEXT_SIZE];
    struct spoof_line line = {SPOOF_SPEED, SPOOF_MOTION, 20, 100000, 50000};
    assert_string_equal(spoof_line_text(&line, text, sizeof text),
                        "From the check-in before to here takes at least 360 km/h; up to 180 km/h is usual.");
    line = (struct spoof_line){SPOOF_STALE_FIX, SPOOF_CLOCK, 15, 300 * US_PER_S, 120 * US_PER_S};
    assert_string_equal(spoof_line_text(&line, text, sizeof text),
                        "The position is 300 s away from the tap; up to 120 s is usual.");
    for (int signal = 1; signal <= SPOOF_SIGNAL_COUNT; signal++) {
        line = (struct spoof_line){(enum spoof_signal)signal, SPOOF_FLAGS, 1, INT64_MAX, INT64_MAX};
        spoof_line_text(&line, text, sizeof text);
        assert_int_equal(text[strlen(text) - 1], '.'); /* whole, even with the longest figures */
        assert_string_not_equal(spoof_signal_name((enum spoof_signal)signal), "unknown");
    }
    assert_string_equal(spoof_signal_name((enum spoof_signal)0), "unknown");
    assert_int_equal(strlen(spoof_line_text(&line, text, 10)), 9);
}

static void an_unknown_weight_set_is_refused(void **state) {
    (void)state;
    struct spoof_evidence e = evidence_at(1, 0, 0);
    struct spoof_score score = {.points = 77};
    assert_int_equal(spoof_score(0, &e, NULL, &score).reason, ERR_SPOOF_WEIGHTS_UNKNOWN);
    assert_int_equal(spoof_score(2, &e, NULL, &score).reason, ERR_SPOOF_WEIGHTS_UNKNOWN);
    assert_int_equal(score.points, 77);
}

static bool same_score(const struct spoof_score *a, const struct spoof_score *b) {
    uint8_t left[SPOOF_BYTES_MAX], right[SPOOF_BYTES_MAX];
    size_t left_len = spoof_encode(a, left), right_len = spoof_encode(b, right);
    return left_len == right_len && memcmp(left, right, left_len) == 0 && a->points == b->points &&
           a->level == b->level;
}

static void a_score_survives_being_stored(void **state) {
    (void)state;
    struct spoof_evidence from = evidence_at(1, 0, 0), e = evidence_at(2, 90000, 100);
    e.fix.mock = true, e.value.us += 500 * US_PER_S;
    struct spoof_score score = scored(&e, &from), back;
    uint8_t bytes[SPOOF_BYTES_MAX];
    size_t len = spoof_encode(&score, bytes);
    assert_int_equal(len, 3 + 19 * score.line_count);
    assert_int_equal(spoof_decode(bytes, len, &back).reason, ERR_OK);
    assert_true(same_score(&score, &back));
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(spoof_decode(bytes, cut, &back).reason, ERR_SPOOF_WEIGHTS_UNKNOWN);
    bytes[3] = 99;
    assert_int_equal(spoof_decode(bytes, len, &back).reason, ERR_SPOOF_WEIGHTS_UNKNOWN);
}

enum { SET = 6 };

/** One collector's day: a jump there and back, two at one instant, one without a fix. */
static void day_make(struct spoof_evidence *day) {
    day[0] = evidence_at(9, 0, 0);
    day[1] = evidence_at(2, 30000, 60);
    day[2] = evidence_at(3, 100, 120);
    day[3] = evidence_at(7, 5000, 120);
    day[4] = evidence_at(5, 60000, 90), day[4].has_fix = false;
    day[5] = evidence_at(1, 300, 4000), day[5].fix.mock = true;
}

/** Score one of those that have arrived against its previous neighbour. */
static struct spoof_score score_of(const struct spoof_evidence *arrived, size_t count, size_t index) {
    struct check_in_neighbours near = check_in_neighbours(arrived, count, index);
    return scored(&arrived[index], near.has_previous ? &arrived[near.previous] : NULL);
}

/** Let the day arrive in this order, scoring each arrival and the one after it; scores by the day's own
 * numbering. */
static void day_arrives(const struct spoof_evidence *day, const int *order, struct spoof_score *scores) {
    struct spoof_evidence arrived[SET];
    for (size_t n = 0; n < SET; n++) {
        arrived[n] = day[order[n]];
        struct check_in_neighbours near = check_in_neighbours(arrived, n + 1, n);
        scores[order[n]] = score_of(arrived, n + 1, n);
        if (near.has_next) scores[order[near.next]] = score_of(arrived, n + 1, near.next);
    }
}

static bool next_permutation(int *order) {
    int i = SET - 2, j = SET - 1;
    while (i >= 0 && order[i] > order[i + 1]) i--;
    if (i < 0) return false;
    while (order[j] < order[i]) j--;
    int swap = order[i];
    order[i] = order[j], order[j] = swap;
    for (int a = i + 1, b = SET - 1; a < b; a++, b--) swap = order[a], order[a] = order[b], order[b] = swap;
    return true;
}

//= RULES.md R-CHK-3
//  the result does not depend on arrival order
static void every_order_of_arrival_gives_the_same_scores(void **state) {
    (void)state;
    struct spoof_evidence day[SET];
    struct spoof_score first[SET], scores[SET];
    int order[SET] = {0, 1, 2, 3, 4, 5}, permutations = 1;
    day_make(day);
    day_arrives(day, order, first);
    static const int points[SET] = {0, 20, 20, 20, 0, 30};
    for (int i = 0; i < SET; i++) assert_int_equal(first[i].points, points[i]);
    for (; next_permutation(order); permutations++) {
        day_arrives(day, order, scores);
        for (int i = 0; i < SET; i++) assert_true(same_score(&scores[i], &first[i]));
    }
    assert_int_equal(permutations, 720);
}

//= RULES.md R-CHK-3b
//  The neighbour is the collector's check-in before it by value instant, then by id; a check-in without a fix has no
//  neighbour and is none.
static void neighbours_are_by_instant_then_id_and_have_a_fix(void **state) {
    (void)state;
    struct spoof_evidence day[SET];
    day_make(day);
    struct check_in_neighbours near = check_in_neighbours(day, SET, 2);
    assert_true(near.has_previous && near.has_next);
    assert_int_equal(near.previous, 1); /* not 4, which has no fix */
    assert_int_equal(near.next, 3);     /* the same instant, a larger id */
    near = check_in_neighbours(day, SET, 4);
    assert_false(near.has_previous || near.has_next);
    near = check_in_neighbours(day, 1, 0);
    assert_false(near.has_previous || near.has_next);
    assert_int_equal(check_in_order(&day[0], &day[0]), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_check_in_has_no_points),
        cmocka_unit_test(each_signal_strikes_beyond_its_threshold_and_not_before),
        cmocka_unit_test(a_group_adds_at_most_its_cap),
        cmocka_unit_test(the_classes_meet_without_a_gap),
        cmocka_unit_test(vague_fixes_make_no_speed),
        cmocka_unit_test(one_instant_in_two_places_counts_and_in_one_place_does_not),
        cmocka_unit_test(a_clamped_clock_makes_no_speed),
        cmocka_unit_test(identical_coordinates_are_no_signal),
        cmocka_unit_test(without_a_fix_there_is_neither_speed_nor_a_stale_fix),
        cmocka_unit_test(every_line_has_a_sentence_with_its_figures),
        cmocka_unit_test(an_unknown_weight_set_is_refused),
        cmocka_unit_test(a_score_survives_being_stored),
        cmocka_unit_test(every_order_of_arrival_gives_the_same_scores),
        cmocka_unit_test(neighbours_are_by_instant_then_id_and_have_a_fix),
    };
    return cmocka_run_group_tests_name("spoof", tests, NULL, NULL);
}
