/* SPDX-License-Identifier: Apache-2.0 */
/* Age and buckets of a debt (R-ACC-2, R-ACC-3). */
#include "tagih/bucket.h"

const struct bucket_scheme bucket_scheme_default = {{0, 30, 60, 90, 120, 150, 180}};

enum bucket bucket_of(const struct bucket_scheme *scheme, int32_t days_past_due) {
    int b = 0;
    while (b < BUCKET_COUNT - 1 && days_past_due > scheme->upto_days[b]) b++;
    return (enum bucket)b;
}

const char *bucket_name(enum bucket bucket) {
    static const char *const names[BUCKET_COUNT] = {"B0", "B1", "B2", "B3", "B4", "B5", "B6", "B7"};
    return (unsigned)bucket < BUCKET_COUNT ? names[bucket] : "unknown";
}

/* Open principal and interest in 128 bits: sums of two instalments' figures cannot wrap. */
static __int128 aging_minor(const struct instalment_open *line) {
    return (__int128)line->open_minor[COMPONENT_PRINCIPAL] + line->open_minor[COMPONENT_INTEREST];
}

bool bucket_oldest_due(const struct instalment_open *lines, size_t n, int64_t tolerance_minor, civil_date on,
                       civil_date *due_on) {
    __int128 open = 0;
    for (size_t i = 0; i < n && lines[i].due_on.days < on.days; i++) {
        bool same_date = i > 0 && lines[i].due_on.days == lines[i - 1].due_on.days;
        open = (same_date ? open : 0) + aging_minor(&lines[i]);
        if (open > tolerance_minor) {
            *due_on = lines[i].due_on;
            return true;
        }
    }
    return false;
}

int32_t bucket_days_past_due(const struct instalment_open *lines, size_t n, int64_t tolerance_minor, civil_date on) {
    civil_date due_on;
    return bucket_oldest_due(lines, n, tolerance_minor, on, &due_on) ? on.days - due_on.days : 0;
}
