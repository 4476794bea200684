/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points for signs of an invented position, from a versioned table (R-CHK-3). A new signal is one row and one
 * `measure` function; another weighting is another set, and old scores keep the number of theirs.
 */
#include "tagih/spoof.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct signal_row {
    enum spoof_signal signal;
    enum spoof_group group;
    int points;
    int64_t threshold;
    /** The measured value; false when there is nothing to measure. */
    bool (*measure)(const struct spoof_evidence *evidence, const struct spoof_evidence *previous,
                    int64_t *out);
    bool at; /* strikes at the threshold too, else only above it */
};

static bool measure_mock(const struct spoof_evidence *evidence, const struct spoof_evidence *previous,
                         int64_t *out);
static bool measure_stale(const struct spoof_evidence *evidence, const struct spoof_evidence *previous,
                          int64_t *out);
static bool measure_clock(const struct spoof_evidence *evidence, const struct spoof_evidence *previous,
                          int64_t *out);
static bool measure_speed(const struct spoof_evidence *evidence, const struct spoof_evidence *previous,
                          int64_t *out);

/* Weight set 1. */
static const struct signal_row rows_1[SPOOF_SIGNAL_COUNT] = {
    {SPOOF_MOCK, SPOOF_FLAGS, 30, 1, measure_mock, .at = true},
    {SPOOF_STALE_FIX, SPOOF_CLOCK, 15, CHECK_IN_FIX_AGE_MAX_US, measure_stale},
    {SPOOF_CLOCK_OFF, SPOOF_CLOCK, 15, 5 * US_PER_MINUTE, measure_clock},
    {SPOOF_SPEED, SPOOF_MOTION, 20, 50000, measure_speed},
};
static const int caps_1[SPOOF_GROUP_COUNT] = {
    [SPOOF_FLAGS] = 40,       [SPOOF_MOTION] = 30, [SPOOF_CLOCK] = 25,
    [SPOOF_FINGERPRINT] = 30, [SPOOF_PLACE] = 30,  [SPOOF_DEVICE] = 40};

static const char *const signal_names[] = {[SPOOF_MOCK] = "mock",
                                           [SPOOF_STALE_FIX] = "stale_fix",
                                           [SPOOF_CLOCK_OFF] = "clock_off",
                                           [SPOOF_SPEED] = "speed"};

enum { CODE_VERSION = 1, HEAD_BYTES = 3, LINE_BYTES = 19, POINTS_MAX = 100 };

/** |a - b| without overflow; an instant from nowhere is as far away as can be. */
static int64_t apart_us(instant a, instant b) {
    int64_t difference;
    if (__builtin_sub_overflow(a.us, b.us, &difference) || difference == INT64_MIN) return INT64_MAX;
    return difference < 0 ? -difference : difference;
}

static bool measure_mock(const struct spoof_evidence *evidence, const struct spoof_evidence *previous,
                         int64_t *out) {
    (void)previous;
    *out = evidence->fix.mock;
    return evidence->has_fix;
}

static bool measure_stale(const struct spoof_evidence *evidence, const struct spoof_evidence *previous,
                          int64_t *out) {
    (void)previous;
    *out = apart_us(evidence->fix.at, evidence->device);
    return evidence->has_fix;
}

static bool measure_clock(const struct spoof_evidence *evidence, const struct spoof_evidence *previous,
                          int64_t *out) {
    (void)previous;
    *out = apart_us(evidence->device, evidence->value);
    return true;
}

static bool measure_speed(const struct spoof_evidence *evidence, const struct spoof_evidence *previous,
                          int64_t *out) {
    if (!previous || !previous->has_fix || !evidence->has_fix) return false;
    int64_t distance_mm;
    if (!err_is_ok(geo_distance(previous->fix.position, evidence->fix.position, &distance_mm))) return false;
    int64_t certain_mm = distance_mm - previous->fix.accuracy_mm - evidence->fix.accuracy_mm;
    int64_t by_value_us = apart_us(evidence->value, previous->value);
    int64_t by_fix_us = apart_us(evidence->fix.at, previous->fix.at);
    int64_t took_us = by_value_us > by_fix_us ? by_value_us : by_fix_us;
    if (took_us < US_PER_S) took_us = US_PER_S;
    *out = certain_mm > 0 ? certain_mm * US_PER_S / took_us : 0; /* 2e10 mm * 1e6 fits */
    return true;
}

enum spoof_class spoof_class_of(int points) {
    return points >= 60 ? SPOOF_NEEDS_PERSON : points >= 30 ? SPOOF_REVIEW : SPOOF_VERIFIED;
}

/** Sum up the lines. Their points are capped already; the whole is capped here. */
static void finish(struct spoof_score *score) {
    int sum = 0;
    for (size_t i = 0; i < score->line_count; i++) sum += score->lines[i].points;
    score->points = sum > POINTS_MAX ? POINTS_MAX : sum;
    score->level = spoof_class_of(score->points);
}

static bool strikes(const struct signal_row *row, int64_t measured) {
    return row->at ? measured >= row->threshold : measured > row->threshold;
}

tagih_err spoof_score(int weight_set, const struct spoof_evidence *evidence,
                      const struct spoof_evidence *previous, struct spoof_score *out) {
    if (weight_set != 1) return FAIL(SPOOF_WEIGHTS_UNKNOWN);
    struct spoof_score score = {.weight_set = weight_set};
    int left[SPOOF_GROUP_COUNT];
    memcpy(left, caps_1, sizeof left);
    for (size_t i = 0; i < SPOOF_SIGNAL_COUNT; i++) {
        const struct signal_row *row = &rows_1[i];
        int64_t measured;
        if (!row->measure(evidence, previous, &measured) || !strikes(row, measured)) continue;
        int points = row->points < left[row->group] ? row->points : left[row->group];
        left[row->group] -= points;
        score.lines[score.line_count++] =
            (struct spoof_line){row->signal, row->group, points, measured, row->threshold};
    }
    finish(&score);
    *out = score;
    return TAGIH_OK;
}

const char *spoof_signal_name(enum spoof_signal signal) {
    size_t i = (size_t)signal;
    return i >= 1 && i <= SPOOF_SIGNAL_COUNT ? signal_names[i] : "unknown";
}

const char *spoof_line_text(const struct spoof_line *line, char *out, size_t size) {
    int64_t measured = line->measured, threshold = line->threshold;
    switch (line->signal) {
        case SPOOF_MOCK:
            snprintf(out, size, "The phone says that an application made up this position.");
            break;
        case SPOOF_STALE_FIX:
            snprintf(out, size,
                     "The position is %" PRId64 " s away from the tap; up to %" PRId64 " s is usual.",
                     measured / US_PER_S, threshold / US_PER_S);
            break;
        case SPOOF_CLOCK_OFF:
            snprintf(out, size,
                     "The phone's clock is %" PRId64 " s off the proven time; up to %" PRId64 " s is usual.",
                     measured / US_PER_S, threshold / US_PER_S);
            break;
        case SPOOF_SPEED:
            snprintf(out, size,
                     "From the check-in before to here takes at least %" PRId64 " km/h; up to %" PRId64
                     " km/h is usual.",
                     measured / 1000 * 36 / 10, threshold / 1000 * 36 / 10);
            break;
        default:
            snprintf(out, size, "A sign that this version does not know.");
    }
    return out;
}

static void put_int64(uint8_t *out, int64_t value) {
    for (int i = 0; i < 8; i++) out[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
}

static int64_t get_int64(const uint8_t *in) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value = value << 8 | in[i];
    return (int64_t)value;
}

size_t spoof_encode(const struct spoof_score *score, uint8_t out[SPOOF_BYTES_MAX]) {
    uint8_t *at = out;
    *at++ = CODE_VERSION;
    *at++ = (uint8_t)score->weight_set;
    *at++ = (uint8_t)score->line_count;
    for (size_t i = 0; i < score->line_count; i++, at += LINE_BYTES) {
        const struct spoof_line *line = &score->lines[i];
        at[0] = (uint8_t)line->signal;
        at[1] = (uint8_t)line->group;
        at[2] = (uint8_t)line->points;
        put_int64(at + 3, line->measured);
        put_int64(at + 11, line->threshold);
    }
    return (size_t)(at - out);
}

tagih_err spoof_decode(const uint8_t *data, size_t len, struct spoof_score *out) {
    if (len < HEAD_BYTES || data[0] != CODE_VERSION || data[1] != 1) return FAIL(SPOOF_WEIGHTS_UNKNOWN);
    struct spoof_score score = {.weight_set = data[1], .line_count = data[2]};
    if (score.line_count > SPOOF_SIGNAL_COUNT || len != HEAD_BYTES + LINE_BYTES * score.line_count)
        return FAIL(SPOOF_WEIGHTS_UNKNOWN);
    for (size_t i = 0; i < score.line_count; i++) {
        const uint8_t *at = data + HEAD_BYTES + LINE_BYTES * i;
        if (at[0] < 1 || at[0] > SPOOF_SIGNAL_COUNT || at[1] >= SPOOF_GROUP_COUNT)
            return FAIL(SPOOF_WEIGHTS_UNKNOWN);
        score.lines[i] = (struct spoof_line){(enum spoof_signal)at[0], (enum spoof_group)at[1], at[2],
                                             get_int64(at + 3), get_int64(at + 11)};
    }
    finish(&score);
    *out = score;
    return TAGIH_OK;
}

int check_in_order(const struct spoof_evidence *a, const struct spoof_evidence *b) {
    if (a->value.us != b->value.us) return a->value.us < b->value.us ? -1 : 1;
    return uuid_compare(a->check_in, b->check_in);
}

struct check_in_neighbours check_in_neighbours(const struct spoof_evidence *all, size_t count, size_t index) {
    struct check_in_neighbours found = {0};
    if (!all[index].has_fix) return found;
    for (size_t i = 0; i < count; i++) {
        int order = all[i].has_fix ? check_in_order(&all[i], &all[index]) : 0;
        if (order < 0 && (!found.has_previous || check_in_order(&all[i], &all[found.previous]) > 0))
            found.has_previous = true, found.previous = i;
        if (order > 0 && (!found.has_next || check_in_order(&all[i], &all[found.next]) < 0))
            found.has_next = true, found.next = i;
    }
    return found;
}
