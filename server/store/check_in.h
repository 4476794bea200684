/* SPDX-License-Identifier: Apache-2.0 */
/* Check-ins in the database: lock, load and save, many at a time. Rows are as PostgreSQL has them. */
#ifndef TAGIH_STORE_CHECK_IN_H
#define TAGIH_STORE_CHECK_IN_H

#include "store/tx.h"
#include "tagih/spoof.h"

/** What is asked for. */
struct check_in_key {
    entry_id id;
    visit_id visit;
    user_id collector;
    device_id device;
    instant value;
};

/** What was there. */
struct check_in_loaded {
    bool has_visit;
    account_id account;
    struct check_in_address address;
    int16_t state; /* enum visit_state */
    bool has_presence;
    int16_t presence;      /* best verdict so far */
    bool holds, held;      /* the collector has the lease; had it once */
    instant lease_until;
    bool known;            /* this id is a check-in already */
    user_id known_collector;
    hash256 known_digest;
    bool has_previous;
    struct spoof_evidence previous;
    bool has_next;
    uuid next;
};

/** What is stored of a fix. */
#define CHECK_IN_FIX_BYTES 30

/** A row of check_in, with all its fixes. */
struct check_in_row {
    struct check_in_key key;
    account_id account;
    int64_t received_us, device_us, value_us, mono_us;
    uuid boot_id;
    bool has_fix;
    int32_t lat_e7, lon_e7;
    int64_t accuracy_mm, fix_us;
    bool mock;
    int64_t distance_mm, sigma_mm;
    int32_t p_ppm, radius_mm;
    int16_t verdict;
    int32_t reasons;
    int16_t score, score_class, weight_set;
    struct bytes signals;
    int64_t flags;
    hash256 digest;
    struct bytes fixes; /* CHECK_IN_FIX_BYTES each */
};

/** A check-in as it stands, with its newest score. */
struct check_in_stored {
    visit_id visit;
    user_id collector;
    struct spoof_evidence evidence;
    int64_t distance_mm;
    int32_t p_ppm, radius_mm, reasons;
    int16_t verdict, score, score_class;
    struct bytes signals; /* in the result */
    int64_t flags;
    int32_t assessments;
};

/** A score computed again. */
struct check_in_assessed {
    uuid id;
    int32_t n;
    int16_t score, score_class, weight_set;
    struct bytes signals;
    uuid cause;
};

struct visit_arrived {
    visit_id visit;
    int16_t state, presence;
};

/** Queue LOCK of devices and visits, then LOAD. */
TAGIH_MUST_USE tagih_err check_in_send_load(struct tx *tx, struct arena *arena, const struct check_in_key *keys, size_t n);

/** Take what check_in_send_load asked for; `out` has n places, in the order of the keys. */
void check_in_take_load(struct tx *tx, struct check_in_loaded *out, size_t n);

/** Queue the reading of check-ins by id; those that do not exist are missing in the answer. */
TAGIH_MUST_USE tagih_err check_in_send_get(struct tx *tx, struct arena *arena, const uuid *ids, size_t n);
void check_in_read(const struct result *r, size_t row, uuid *id, struct check_in_stored *out);

/* SAVE: each is one statement, and nothing for n = 0. */
TAGIH_MUST_USE tagih_err check_in_send_rows(struct tx *tx, struct arena *arena, const struct check_in_row *rows, size_t n);
TAGIH_MUST_USE tagih_err check_in_send_assessed(struct tx *tx, struct arena *arena, const struct check_in_assessed *rows,
                                                size_t n, instant at);
TAGIH_MUST_USE tagih_err visit_send_arrived(struct tx *tx, struct arena *arena, const struct visit_arrived *rows, size_t n);

#endif
