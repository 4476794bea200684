/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What speaks for an invented position, as points that a person can follow (R-CHK-3).
 *
 * Each signal that strikes is one line: what was measured, from where on it counts, what it adds. Signals
 * belong to groups, and a group adds at most its cap, so that one cause seen three times does not count three
 * times. Nothing is dropped, corrected or left unpaid by the score.
 *
 * A score is a pure function of a check-in and of the one before it. When an earlier check-in arrives late,
 * the one after it is scored again (check_in_neighbours says which); so arrival order never shows.
 */
#ifndef TAGIH_SPOOF_H
#define TAGIH_SPOOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tagih/check_in.h"
#include "tagih/id.h"

/** The weight set that new check-ins are scored with. */
#define SPOOF_WEIGHT_SET 1

enum spoof_group {
    SPOOF_FLAGS = 0, /* what the phone itself says */
    SPOOF_MOTION = 1,
    SPOOF_CLOCK = 2,
    SPOOF_FINGERPRINT = 3, /* traces of a simulated receiver */
    SPOOF_PLACE = 4,
    SPOOF_DEVICE = 5,
    SPOOF_GROUP_COUNT
};

/** Stored by number: add, never renumber. */
enum spoof_signal {
    SPOOF_MOCK = 1,      /* measured 1; threshold 1 */
    SPOOF_STALE_FIX = 2, /* µs between the fix and the tap */
    SPOOF_CLOCK_OFF = 3, /* µs between device time and value instant */
    SPOOF_SPEED = 4      /* mm/s since the previous check-in, at the least */
};
#define SPOOF_SIGNAL_COUNT 4

/** Stored by number. */
enum spoof_class {
    SPOOF_VERIFIED = 1,    /* 0–29 */
    SPOOF_REVIEW = 2,      /* 30–59: somebody should look */
    SPOOF_NEEDS_PERSON = 3 /* 60–100: a person decides */
};

/** What a score looks at. */
struct spoof_evidence {
    uuid check_in;  /* its id: order among equal instants */
    instant value;  /* R-TIM-3 */
    instant device; /* of the tap, by the phone's clock */
    bool has_fix;   /* the deciding fix, as check_in_choose found it */
    struct fix fix;
};

struct spoof_line {
    enum spoof_signal signal;
    enum spoof_group group;
    int points;       /* what this line adds, after the cap of its group */
    int64_t measured; /* in the signal's unit */
    int64_t threshold;
};

struct spoof_score {
    int weight_set;
    int points; /* 0 … 100 */
    enum spoof_class level;
    size_t line_count;
    struct spoof_line lines[SPOOF_SIGNAL_COUNT]; /* by signal number */
};

/** Longest sentence of a line with its NUL. */
#define SPOOF_TEXT_SIZE 160

/** Bytes of an encoded score, at most. */
#define SPOOF_BYTES_MAX (3 + 19 * SPOOF_SIGNAL_COUNT)

/**
 * Score a check-in.
 *
 * Speed: the distance between the two deciding fixes, less both accuracies (two vague fixes make no speed),
 * over the longer of the times between their value instants and between their fixes (a clamped clock makes no
 * speed), 1 s at the least (so one instant in two places counts, and two reports of one place do not).
 *
 * @param previous  the check-in before it by the same collector (check_in_neighbours), or NULL
 * @param out       [out] untouched on error
 * @return OK · SPOOF_WEIGHTS_UNKNOWN
 *
 * Pure. Example: mock flag and 5 km in 10 s → 30 + 20 points, REVIEW. Rule R-CHK-3.
 */
TAGIH_MUST_USE tagih_err spoof_score(int weight_set, const struct spoof_evidence *evidence,
                                     const struct spoof_evidence *previous, struct spoof_score *out);

/** The class of 0 … 100 points. Pure. */
enum spoof_class spoof_class_of(int points);

/** The stable name of a signal, such as "mock"; "unknown" for a number outside the list. */
const char *spoof_signal_name(enum spoof_signal signal);

/** One plain sentence for a line, NUL-terminated, cut to `size` bytes. @return `out`. */
const char *spoof_line_text(const struct spoof_line *line, char *out, size_t size);

/**
 * The canonical bytes of a score's lines: version 1, weight set, count, then for each line signal, group,
 * points (one byte each) and measured and threshold (8 bytes each, big-endian).
 *
 * @param out  SPOOF_BYTES_MAX bytes
 * @return how many were written
 */
size_t spoof_encode(const struct spoof_score *score, uint8_t out[SPOOF_BYTES_MAX]);

/**
 * Read what spoof_encode wrote; points and class are summed up again.
 *
 * @return OK · SPOOF_WEIGHTS_UNKNOWN another version, a wrong length, or an unknown signal; out untouched
 */
TAGIH_MUST_USE tagih_err spoof_decode(const uint8_t *data, size_t len, struct spoof_score *out);

/** The order of one collector's check-ins: value instant, then id as bytes. < 0, 0, > 0. */
int check_in_order(const struct spoof_evidence *a, const struct spoof_evidence *b);

/** Neighbours of a check-in; check-ins without a fix have none and are none. */
struct check_in_neighbours {
    bool has_previous, has_next;
    size_t previous; /* index of the one it is scored against */
    size_t next;     /* index of the one that is scored against it: score that again when this one arrives */
};

/** Find the neighbours of `all[index]` among one collector's check-ins, in any order. Pure, O(n). */
struct check_in_neighbours check_in_neighbours(const struct spoof_evidence *all, size_t count, size_t index);

#endif
