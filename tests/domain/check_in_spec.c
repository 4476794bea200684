/* SPDX-License-Identifier: Apache-2.0 */
/* Check-ins: which fix decides, what it proves, and what follows for an outcome. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tagih/check_in.h"

#define TAP_US (INT64_C(1772530700) * US_PER_S)

static const struct position HOME = {-62088000, 1068456000};

/** A fix `north_m` metres north of HOME, `after_s` seconds after the tap. */
static struct fix fix_at(int north_m, int accuracy_m, int after_s) {
    return (struct fix){
        .position = {HOME.lat_e7 + (int32_t)(north_m * INT64_C(10000000) / 110578), HOME.lon_e7},
        .accuracy_mm = accuracy_m * 1000,
        .at = {TAP_US + after_s * US_PER_S},
        .provider = FIX_GPS};
}

static struct check_in_address home(void) {
    return (struct check_in_address){true, HOME, ADDRESS_ROOFTOP, PRESENCE_RADIUS_DEFAULT_MM};
}

static struct check_in_judgement judged(const struct fix *fixes, size_t count) {
    struct check_in_address address = home();
    struct check_in_judgement out;
    assert_int_equal(check_in_judge(fixes, count, (instant){TAP_US}, &address, &out).reason, ERR_OK);
    return out;
}

static size_t chosen(const struct fix *fixes, size_t count) {
    size_t index = 99;
    assert_true(check_in_choose(fixes, count, (instant){TAP_US}, &index));
    return index;
}

//= RULES.md R-CHK-2
//  A check-in carries 1–30 fixes; the smallest accuracy within ± 60 s of the tap decides (ties: nearest in
//  time), all are kept, so one bad fix neither passes nor fails anyone.
static void the_smallest_accuracy_within_a_minute_decides(void **state) {
    (void)state;
    struct fix fixes[] = {fix_at(0, 30, 0), fix_at(0, 8, -60), fix_at(0, 3, 61), fix_at(0, 3, -61),
                          fix_at(0, 9, 5)};
    assert_int_equal(chosen(fixes, 5), 1);
    fixes[1].at.us -= 1; /* a microsecond outside the minute */
    assert_int_equal(chosen(fixes, 5), 4);
}

//= RULES.md R-CHK-2a
//  Ties are broken by content (time, latitude, longitude, mock flag), so the order in which the phone listed its
//  fixes never shows.
static void equal_accuracies_are_decided_by_time_then_by_content(void **state) {
    (void)state;
    struct fix fixes[] = {fix_at(0, 8, 30), fix_at(0, 8, -20), fix_at(0, 8, 40)};
    assert_int_equal(chosen(fixes, 3), 1);
    struct fix mirror[] = {fix_at(0, 8, 20), fix_at(0, 8, -20)};
    assert_int_equal(chosen(mirror, 2), 1); /* the earlier */
    struct fix twins[] = {fix_at(9, 8, 20), fix_at(5, 8, 20)};
    assert_int_equal(chosen(twins, 2), 1); /* the smaller latitude */
}

static void the_order_of_the_list_never_shows(void **state) {
    (void)state;
    struct fix fixes[] = {fix_at(0, 8, 20), fix_at(3, 8, -20), fix_at(1, 8, 20), fix_at(2, 20, 0),
                          fix_at(0, 2, 90)};
    struct fix first = fixes[chosen(fixes, 5)];
    for (int turn = 0; turn < 20; turn++) { /* neighbours swapped in turn: twenty different orders */
        struct fix swap = fixes[turn % 4];
        fixes[turn % 4] = fixes[turn % 4 + 1];
        fixes[turn % 4 + 1] = swap;
        assert_memory_equal(&fixes[chosen(fixes, 5)], &first, sizeof first);
    }
}

static void one_bad_fix_neither_passes_nor_fails_anyone(void **state) {
    (void)state;
    struct fix there[] = {fix_at(5000, 40, 0), fix_at(10, 8, 2), fix_at(9, 12, 4)};
    assert_int_equal(judged(there, 3).presence.verdict, PRESENCE_INSIDE);
    struct fix away[] = {fix_at(0, 60, 0), fix_at(5000, 8, 2), fix_at(5000, 12, 4)};
    assert_int_equal(judged(away, 3).presence.verdict, PRESENCE_OUTSIDE);
}

//= RULES.md R-CHK-2b
//  A fix that is impossible … is passed over in a journal, and the reasons say FIX_ABSURD.
static void an_impossible_fix_is_passed_over_and_named(void **state) {
    (void)state;
    struct fix fixes[] = {fix_at(0, 5, 0), fix_at(10, 20, 0), fix_at(0, 4, 0), fix_at(0, 3, 0)};
    fixes[0].position.lat_e7 = 900000001;
    fixes[2].accuracy_mm = 0;
    fixes[3].at.us = INT64_MIN;
    struct check_in_judgement out = judged(fixes, 4);
    assert_int_equal(out.fix_index, 1);
    assert_int_equal(out.reasons, CHECK_IN_FIX_ABSURD);
    assert_int_equal(out.presence.verdict, PRESENCE_INSIDE);
}

//= RULES.md R-CHK-2
//  no fix, accuracy > 500 m or a fix older than 120 s: UNKNOWN.
static void without_a_usable_fix_nothing_is_known(void **state) {
    (void)state;
    struct check_in_judgement none = judged(NULL, 0);
    assert_int_equal(none.presence.verdict, PRESENCE_UNKNOWN);
    assert_int_equal(none.reasons, CHECK_IN_NO_FIX);
    assert_false(none.has_fix || none.has_distance);
    assert_int_equal(none.presence.radius_mm, PRESENCE_RADIUS_DEFAULT_MM);

    struct fix old = fix_at(0, 5, -120);
    assert_int_equal(judged(&old, 1).presence.verdict, PRESENCE_INSIDE);
    assert_int_equal(judged(&old, 1).reasons, CHECK_IN_FIX_AWAY);
    old.at.us -= 1;
    assert_int_equal(judged(&old, 1).presence.verdict, PRESENCE_UNKNOWN);
    assert_int_equal(judged(&old, 1).reasons, CHECK_IN_FIX_OLD);
    assert_true(judged(&old, 1).has_distance);

    struct fix vague = fix_at(9000, 501, 0);
    assert_int_equal(judged(&vague, 1).presence.verdict, PRESENCE_UNKNOWN);
    assert_int_equal(judged(&vague, 1).reasons, CHECK_IN_FIX_VAGUE);
}

//= RULES.md R-CHK-2b
//  An address that was never placed on the map gives UNKNOWN, with NO_ADDRESS.
static void an_address_without_a_place_proves_nothing(void **state) {
    (void)state;
    struct fix fix = fix_at(0, 5, 0);
    struct check_in_address nowhere = {.radius_mm = 150000};
    struct check_in_judgement out;
    assert_int_equal(check_in_judge(&fix, 1, (instant){TAP_US}, &nowhere, &out).reason, ERR_OK);
    assert_int_equal(out.presence.verdict, PRESENCE_UNKNOWN);
    assert_int_equal(out.reasons, CHECK_IN_NO_ADDRESS);
    assert_true(out.has_fix && !out.has_distance);
    assert_int_equal(out.presence.accuracy_mm, 5000);
}

static void the_figures_and_a_mock_mark_are_kept(void **state) {
    (void)state;
    struct fix fix = fix_at(100, 20, 0);
    fix.mock = true;
    struct check_in_judgement out = judged(&fix, 1);
    assert_int_equal(out.reasons, CHECK_IN_FIX_MOCK);
    assert_in_range(out.presence.distance_mm, 99000, 101000);
    assert_int_equal(out.presence.accuracy_mm, 20000);
    assert_int_equal(out.presence.sigma_mm, 16599);
    assert_true(out.has_distance && out.presence.inside_ppm > 0);
}

static void an_address_out_of_bounds_is_an_error(void **state) {
    (void)state;
    struct fix fix = fix_at(0, 5, 0);
    struct check_in_judgement out = {.reasons = 77};
    struct check_in_address wrong = home();
    wrong.radius_mm = 0;
    assert_int_equal(check_in_judge(&fix, 1, (instant){TAP_US}, &wrong, &out).reason, ERR_PRESENCE_RANGE);
    wrong = home(), wrong.quality = (enum address_quality)0;
    assert_int_equal(check_in_judge(&fix, 1, (instant){TAP_US}, &wrong, &out).reason, ERR_PRESENCE_RANGE);
    wrong = home(), wrong.place.lon_e7 = 1800000001;
    assert_int_equal(check_in_judge(NULL, 0, (instant){TAP_US}, &wrong, &out).reason, ERR_GEO_POSITION_RANGE);
    assert_int_equal(out.reasons, 77);
}

//= RULES.md R-CHK-1
//  A check-in keeps: position, accuracy (68 % radius, m), provider, fix time, device time, monotonic ms, boot
//  id, mock flag, speed, altitude if known
static void an_office_call_with_an_absurd_fix_is_refused_by_its_name(void **state) {
    (void)state;
    struct {
        struct fix fix;
        enum tagih_reason reason;
    } rows[12];
    for (size_t i = 0; i < 12; i++) rows[i].fix = fix_at(0, 5, 0);
    rows[0].reason = ERR_OK;
    rows[1].fix.position.lat_e7 = -900000001, rows[1].reason = ERR_GEO_POSITION_RANGE;
    rows[2].fix.position.lon_e7 = INT32_MIN, rows[2].reason = ERR_GEO_POSITION_RANGE;
    rows[3].fix.accuracy_mm = 0, rows[3].reason = ERR_FIX_ACCURACY;
    rows[4].fix.accuracy_mm = 100000001, rows[4].reason = ERR_FIX_ACCURACY;
    rows[5].fix.at.us = 0, rows[5].reason = ERR_FIX_TIME;
    rows[6].fix.has_speed = true, rows[6].fix.speed_mm_s = -1, rows[6].reason = ERR_FIX_SPEED;
    rows[7].fix.has_speed = true, rows[7].fix.speed_mm_s = 1000001, rows[7].reason = ERR_FIX_SPEED;
    rows[8].fix.has_altitude = true, rows[8].fix.altitude_mm = 20000001, rows[8].reason = ERR_FIX_ALTITUDE;
    rows[9].fix.provider = (enum fix_provider)5, rows[9].reason = ERR_FIX_PROVIDER;
    rows[10].fix.speed_mm_s = -1, rows[10].reason = ERR_OK; /* not said, so not looked at */
    rows[11].fix.has_altitude = true, rows[11].fix.altitude_mm = -1000001, rows[11].reason = ERR_FIX_ALTITUDE;
    for (size_t i = 0; i < 12; i++) {
        struct fix pair[] = {fix_at(0, 5, 0), rows[i].fix};
        size_t bad = 99;
        assert_int_equal(check_in_check(pair, 2, &bad).reason, rows[i].reason);
        assert_int_equal(bad, rows[i].reason == ERR_OK ? 99 : 1);
    }
}

static void a_check_in_carries_one_to_thirty_fixes(void **state) {
    (void)state;
    struct fix fixes[31];
    size_t bad;
    for (size_t i = 0; i < 31; i++) fixes[i] = fix_at(0, 5, 0);
    assert_int_equal(check_in_check(fixes, 0, &bad).reason, ERR_CHECK_IN_FIX_COUNT);
    assert_int_equal(check_in_check(fixes, 1, &bad).reason, ERR_OK);
    assert_int_equal(check_in_check(fixes, 30, &bad).reason, ERR_OK);
    assert_int_equal(check_in_check(fixes, 31, &bad).reason, ERR_CHECK_IN_FIX_COUNT);
}

//= RULES.md R-CHK-4
//  Policy per purpose: NONE, SOFT (flag) or HARD (outcome needs INSIDE or UNSURE, or a supervisor's waiver).
//  Offline work is never lost to HARD: the outcome is QUARANTINED(PRESENCE), its receipt posts.
static void policy_and_verdict_give_the_written_consequence(void **state) {
    (void)state;
    enum { P = PRESENCE_PASS, F = PRESENCE_FLAG, R = PRESENCE_REFUSE, Q = PRESENCE_QUARANTINE };
    static const int online[4][4] = {/* UNKNOWN INSIDE OUTSIDE UNSURE */
                                     {P, P, P, P},
                                     {F, P, F, P},
                                     {R, P, R, P},
                                     {F, P, F, P}};
    static const int offline[4][4] = {{P, P, P, P}, {F, P, F, P}, {Q, P, Q, P}, {F, P, F, P}};
    for (int policy = 0; policy < 4; policy++) { /* 3 is no policy of the list */
        for (int verdict = 0; verdict < 4; verdict++) {
            enum presence_policy p = (enum presence_policy)policy;
            enum presence_verdict v = (enum presence_verdict)verdict;
            assert_int_equal(presence_consequence(p, v, false, false), online[policy][verdict]);
            assert_int_equal(presence_consequence(p, v, false, true), offline[policy][verdict]);
            assert_int_equal(presence_consequence(p, v, true, false), P);
            assert_int_equal(presence_consequence(p, v, true, true), P);
        }
    }
}

static void a_visit_keeps_its_best_verdict(void **state) {
    (void)state;
    static const enum presence_verdict order[] = {PRESENCE_UNKNOWN, PRESENCE_OUTSIDE, PRESENCE_UNSURE,
                                                  PRESENCE_INSIDE};
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++)
            assert_int_equal(presence_verdict_better(order[a], order[b]), order[a > b ? a : b]);
}

static void reasons_have_names(void **state) {
    (void)state;
    assert_string_equal(check_in_reason_name(0), "NO_FIX");
    assert_string_equal(check_in_reason_name(6), "FIX_MOCK");
    assert_int_equal(1 << 6, CHECK_IN_FIX_MOCK);
    assert_null(check_in_reason_name(CHECK_IN_REASON_COUNT));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_accuracy_within_a_minute_decides),
        cmocka_unit_test(equal_accuracies_are_decided_by_time_then_by_content),
        cmocka_unit_test(the_order_of_the_list_never_shows),
        cmocka_unit_test(one_bad_fix_neither_passes_nor_fails_anyone),
        cmocka_unit_test(an_impossible_fix_is_passed_over_and_named),
        cmocka_unit_test(without_a_usable_fix_nothing_is_known),
        cmocka_unit_test(an_address_without_a_place_proves_nothing),
        cmocka_unit_test(the_figures_and_a_mock_mark_are_kept),
        cmocka_unit_test(an_address_out_of_bounds_is_an_error),
        cmocka_unit_test(an_office_call_with_an_absurd_fix_is_refused_by_its_name),
        cmocka_unit_test(a_check_in_carries_one_to_thirty_fixes),
        cmocka_unit_test(policy_and_verdict_give_the_written_consequence),
        cmocka_unit_test(a_visit_keeps_its_best_verdict),
        cmocka_unit_test(reasons_have_names),
    };
    return cmocka_run_group_tests_name("check_in", tests, NULL, NULL);
}
