/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value instant (R-TIM-3): a phone's clock is believed only between two instants that the server itself
 * knows, and a monotonic clock that has run since a contact is believed more than the wall clock.
 */
#include <assert.h>

#include "tagih/chain.h"

/* What a phone may say: server/domain/schema.h, ANY_TIME. Differences of two such values fit. */
static bool is_readable(int64_t us) {
    return us >= -(INT64_C(1) << 60) && us <= INT64_C(1) << 60;
}

/* The monotonic clock ran without interruption since the contact; running backwards, it proves nothing. */
static bool has_run_since_contact(const struct entry_time *times) {
    return times->has_contact && !uuid_is_nil(times->boot) && uuid_equal(times->boot, times->contact_boot) &&
           times->mono_us >= times->contact_mono_us;
}

struct entry_instant entry_time_value(const struct entry_time *times) {
    assert(is_readable(times->device_time.us) && is_readable(times->received.us));
    assert(is_readable(times->mono_us) && is_readable(times->contact_mono_us) &&
           is_readable(times->contact_time.us));
    int64_t lo = times->has_contact ? times->contact_time.us : times->certificate_issued.us;
    int64_t hi = times->received.us;
    int64_t value = times->device_time.us;
    if (has_run_since_contact(times)) value = lo + (times->mono_us - times->contact_mono_us);
    if (value < lo) value = lo;
    if (value > hi) value = hi; /* last: nothing happened after it was received, whatever a contact claims */
    int64_t off = times->device_time.us - value;
    bool clock_is_off = off > ENTRY_CLOCK_TOLERANCE_US || off < -ENTRY_CLOCK_TOLERANCE_US;
    return (struct entry_instant){.value = {value}, .clock_is_off = clock_is_off};
}
