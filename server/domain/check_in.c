/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which fix decides, what it says about presence, and what that means for an outcome (R-CHK-1, -2, -4).
 * Invariant: no result depends on the order in which the phone listed its fixes.
 */
#include "tagih/check_in.h"

#include <assert.h>

static const char *const reason_names[CHECK_IN_REASON_COUNT] = {
    "NO_FIX", "FIX_OLD", "FIX_VAGUE", "NO_ADDRESS", "FIX_ABSURD", "FIX_AWAY", "FIX_MOCK"};

enum { SPEED_MAX_MM_S = 1000000, ALTITUDE_MIN_MM = -1000000, ALTITUDE_MAX_MM = 20000000 };

const char *check_in_reason_name(size_t i) {
    return i < CHECK_IN_REASON_COUNT ? reason_names[i] : NULL;
}

/** Can it decide at all? The rest of a fix is decoration. */
static bool is_usable(const struct fix *fix) {
    return err_is_ok(position_check(fix->position)) && fix->accuracy_mm >= 1 &&
           fix->accuracy_mm <= PRESENCE_ACCURACY_MAX_MM && instant_is_sane(fix->at);
}

tagih_err fix_check(const struct fix *fix) {
    TRY(position_check(fix->position));
    if (fix->accuracy_mm < 1 || fix->accuracy_mm > PRESENCE_ACCURACY_MAX_MM) return FAIL(FIX_ACCURACY);
    if (!instant_is_sane(fix->at)) return FAIL(FIX_TIME);
    if (fix->has_speed && (fix->speed_mm_s < 0 || fix->speed_mm_s > SPEED_MAX_MM_S)) return FAIL(FIX_SPEED);
    bool high_ok = fix->altitude_mm >= ALTITUDE_MIN_MM && fix->altitude_mm <= ALTITUDE_MAX_MM;
    if (fix->has_altitude && !high_ok) return FAIL(FIX_ALTITUDE);
    if ((unsigned)fix->provider > FIX_PASSIVE) return FAIL(FIX_PROVIDER);
    return TAGIH_OK;
}

tagih_err check_in_check(const struct fix *fixes, size_t count, size_t *bad_index) {
    if (count < 1 || count > CHECK_IN_FIXES_MAX) return FAIL(CHECK_IN_FIX_COUNT);
    for (size_t i = 0; i < count; i++) {
        tagih_err err = fix_check(&fixes[i]);
        if (!err_is_ok(err)) {
            *bad_index = i;
            return err;
        }
    }
    return TAGIH_OK;
}

/** Time between a sane instant and the tap; a tap from nowhere is as far away as can be. */
static int64_t gap_us(const struct fix *fix, instant tapped) {
    if (!instant_is_sane(tapped)) return INT64_MAX;
    return fix->at.us > tapped.us ? fix->at.us - tapped.us : tapped.us - fix->at.us;
}

static int sign(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

/** < 0 when a decides before b. A total order over content, so that the list's order never shows. */
static int compare(const struct fix *a, const struct fix *b, instant tapped) {
    int64_t gap_a = gap_us(a, tapped), gap_b = gap_us(b, tapped);
    bool near_a = gap_a <= CHECK_IN_WINDOW_US, near_b = gap_b <= CHECK_IN_WINDOW_US;
    if (near_a != near_b) return near_a ? -1 : 1;
    int by = near_a ? sign(a->accuracy_mm, b->accuracy_mm) : 0;
    if (!by) by = sign(gap_a, gap_b);
    if (!by) by = sign(a->accuracy_mm, b->accuracy_mm);
    if (!by) by = sign(a->at.us, b->at.us);
    if (!by) by = sign(a->position.lat_e7, b->position.lat_e7);
    if (!by) by = sign(a->position.lon_e7, b->position.lon_e7);
    return by ? by : sign(b->mock, a->mock);
}

bool check_in_choose(const struct fix *fixes, size_t count, instant tapped, size_t *out) {
    bool found = false;
    size_t best = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_usable(&fixes[i])) continue;
        if (!found || compare(&fixes[i], &fixes[best], tapped) < 0) best = i;
        found = true;
    }
    if (found) *out = best;
    return found;
}

/** What the choice alone tells, before anything is measured. */
static uint32_t reasons_of_choice(const struct fix *fixes, size_t count, instant tapped,
                                  const struct check_in_judgement *judgement) {
    uint32_t reasons = 0;
    for (size_t i = 0; i < count; i++)
        if (!is_usable(&fixes[i])) reasons |= CHECK_IN_FIX_ABSURD;
    if (!judgement->has_fix) return reasons | CHECK_IN_NO_FIX;
    const struct fix *fix = &fixes[judgement->fix_index];
    if (gap_us(fix, tapped) > CHECK_IN_FIX_AGE_MAX_US)
        reasons |= CHECK_IN_FIX_OLD;
    else if (gap_us(fix, tapped) > CHECK_IN_WINDOW_US)
        reasons |= CHECK_IN_FIX_AWAY;
    if (fix->accuracy_mm > PRESENCE_ACCURACY_USEFUL_MM) reasons |= CHECK_IN_FIX_VAGUE;
    if (fix->mock) reasons |= CHECK_IN_FIX_MOCK;
    return reasons;
}

static tagih_err address_check(const struct check_in_address *address) {
    if (address->radius_mm < 1 || address->radius_mm > PRESENCE_RADIUS_MAX_MM) return FAIL(PRESENCE_RANGE);
    if (!address->has_place) return TAGIH_OK;
    if (address_sigma_mm(address->quality) == 0) return FAIL(PRESENCE_RANGE);
    return position_check(address->place);
}

/** Fill the figures of `presence` from the deciding fix. */
static tagih_err measure(const struct fix *fix, const struct check_in_address *address,
                         struct check_in_judgement *judgement) {
    int64_t distance_mm;
    TRY(geo_distance(fix->position, address->place, &distance_mm));
    TRY(presence_judge(distance_mm, fix->accuracy_mm, address->quality, address->radius_mm,
                       &judgement->presence));
    judgement->has_distance = true;
    return TAGIH_OK;
}

tagih_err check_in_judge(const struct fix *fixes, size_t count, instant tapped,
                         const struct check_in_address *address, struct check_in_judgement *out) {
    TRY(address_check(address));
    struct check_in_judgement judgement = {.presence = {.radius_mm = address->radius_mm}};
    judgement.has_fix = check_in_choose(fixes, count, tapped, &judgement.fix_index);
    judgement.reasons = reasons_of_choice(fixes, count, tapped, &judgement);
    if (!address->has_place) judgement.reasons |= CHECK_IN_NO_ADDRESS;
    if (judgement.has_fix) {
        const struct fix *fix = &fixes[judgement.fix_index];
        judgement.presence.accuracy_mm = fix->accuracy_mm;
        if (address->has_place) TRY(measure(fix, address, &judgement));
    }
    if (judgement.reasons & CHECK_IN_FIX_OLD) judgement.presence.verdict = PRESENCE_UNKNOWN;
    *out = judgement;
    return TAGIH_OK;
}

enum presence_consequence presence_consequence(enum presence_policy policy, enum presence_verdict verdict,
                                               bool waived, bool offline) {
    bool shown = verdict == PRESENCE_INSIDE || verdict == PRESENCE_UNSURE;
    if (policy == PRESENCE_POLICY_NONE || shown || waived) return PRESENCE_PASS;
    if (policy == PRESENCE_POLICY_HARD) return offline ? PRESENCE_QUARANTINE : PRESENCE_REFUSE;
    return PRESENCE_FLAG;
}

static int verdict_rank(enum presence_verdict verdict) {
    static const int rank[] = {
        [PRESENCE_UNKNOWN] = 0, [PRESENCE_OUTSIDE] = 1, [PRESENCE_UNSURE] = 2, [PRESENCE_INSIDE] = 3};
    assert((size_t)verdict < sizeof rank / sizeof *rank);
    return rank[verdict];
}

enum presence_verdict presence_verdict_better(enum presence_verdict a, enum presence_verdict b) {
    return verdict_rank(a) >= verdict_rank(b) ? a : b;
}
