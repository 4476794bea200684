/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Age of a debt: the oldest due date that counts, the days past it, and the bucket they fall into. Only open
 * principal and interest age a debt; fees and penalty alone do not (R-ACC-3).
 */
#ifndef TAGIH_BUCKET_H
#define TAGIH_BUCKET_H

#include "tagih/allocation.h"

enum bucket { BUCKET_B0, BUCKET_B1, BUCKET_B2, BUCKET_B3, BUCKET_B4, BUCKET_B5, BUCKET_B6, BUCKET_B7, BUCKET_COUNT };

/** Last day of each bucket but the last, ascending (R-ACC-2). */
struct bucket_scheme {
    int32_t upto_days[BUCKET_COUNT - 1];
};

/** B0 <= 0, B1 1-30, B2 31-60, B3 61-90, B4 91-120, B5 121-150, B6 151-180, B7 > 180. */
extern const struct bucket_scheme bucket_scheme_default;

/** The bucket of a number of days past due. Total, pure. */
enum bucket bucket_of(const struct bucket_scheme *scheme, int32_t days_past_due);

/** "B0" … "B7". Never NULL. */
const char *bucket_name(enum bucket bucket);

/** The lower of two (R-BON-11). */
static inline enum bucket bucket_lower(enum bucket a, enum bucket b) {
    return a < b ? a : b;
}

/**
 * Find the due date that decides the age of a debt on the day `on`: the earliest one before it whose open principal
 * and interest, over all instalments of that date, exceed the tolerance.
 *
 * @param lines           ascending by (due_on, no)
 * @param tolerance_minor >= 0, default 0
 * @param due_on          [out] that date; untouched when there is none
 * @return false: nothing has aged. Pure, O(n). Rule R-ACC-3.
 */
bool bucket_oldest_due(const struct instalment_open *lines, size_t n, int64_t tolerance_minor, civil_date on,
                       civil_date *due_on);

/**
 * Days past due on the day `on`: max(0, on - oldest due date), civil days. 0 when nothing has aged.
 *
 * Example: due 2026-03-01, open on 2026-04-01 → 31, bucket B2. Pure, O(n). Rule R-ACC-3.
 */
int32_t bucket_days_past_due(const struct instalment_open *lines, size_t n, int64_t tolerance_minor, civil_date on);

#endif
