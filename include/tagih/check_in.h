/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check-in: up to 30 position reports around one tap, of which one decides, and what follows from it
 * (R-CHK-1, -2, -4). What speaks for an invented position is next door, in spoof.h.
 *
 * Two callers, two manners: an office call is refused for an impossible fix (check_in_check); a journal entry
 * never is, its impossible fixes are passed over when one is chosen, and that is said in the reasons.
 */
#ifndef TAGIH_CHECK_IN_H
#define TAGIH_CHECK_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tagih/err.h"
#include "tagih/geo.h"
#include "tagih/presence.h"
#include "tagih/time.h"

#define CHECK_IN_FIXES_MAX 30

/** Fixes this close to the tap compete by accuracy. */
#define CHECK_IN_WINDOW_US (60 * US_PER_S)
/** A fix further from the tap than this says nothing about it: UNKNOWN. */
#define CHECK_IN_FIX_AGE_MAX_US (120 * US_PER_S)

/** Numbered as in a journal entry (enum journal_provider). */
enum fix_provider { FIX_PROVIDER_NONE = 0, FIX_GPS = 1, FIX_FUSED = 2, FIX_NETWORK = 3, FIX_PASSIVE = 4 };

/** One position report of the phone (R-CHK-1). */
struct fix {
    struct position position;
    int64_t accuracy_mm; /* radius that holds the true position with 68 % */
    instant at;          /* when it was measured, by the phone's clock */
    enum fix_provider provider;
    bool mock; /* the system says that an application invented it */
    bool has_speed;
    int64_t speed_mm_s;
    bool has_altitude;
    int64_t altitude_mm; /* above the ellipsoid */
};

/** Where the visit is; `has_place` is false for an address that was never placed on the map. */
struct check_in_address {
    bool has_place;
    struct position place;
    enum address_quality quality;
    int64_t radius_mm; /* of the fence */
};

/** Why the verdict is what it is: bits, stored. Add, never renumber. */
enum check_in_reason {
    CHECK_IN_NO_FIX = 1 << 0,     /* no usable fix at all */
    CHECK_IN_FIX_OLD = 1 << 1,    /* the nearest fix is more than 120 s from the tap */
    CHECK_IN_FIX_VAGUE = 1 << 2,  /* accuracy above 500 m */
    CHECK_IN_NO_ADDRESS = 1 << 3, /* the address has no place on the map */
    CHECK_IN_FIX_ABSURD = 1 << 4, /* an impossible fix was passed over */
    CHECK_IN_FIX_AWAY = 1 << 5,   /* none within 60 s of the tap; the nearest decided */
    CHECK_IN_FIX_MOCK = 1 << 6    /* the deciding fix is marked as invented */
};
#define CHECK_IN_REASON_COUNT 7

/** The stable name of the i-th reason, such as "FIX_OLD"; NULL for i >= CHECK_IN_REASON_COUNT. */
const char *check_in_reason_name(size_t i);

/** What is stored of a check-in besides its fixes. `presence` holds figures only as far as the flags say. */
struct check_in_judgement {
    bool has_fix; /* `fix_index` names the deciding one and presence.accuracy_mm is set */
    size_t fix_index;
    bool has_distance;        /* the other figures of `presence` are set */
    struct presence presence; /* .verdict and .radius_mm are always set */
    uint32_t reasons;         /* enum check_in_reason */
};

/**
 * Is this a fix that a working phone can send? For calls; the journal keeps whatever was signed.
 *
 * @return OK · GEO_POSITION_RANGE · FIX_ACCURACY not in 1 … PRESENCE_ACCURACY_MAX_MM · FIX_TIME · FIX_SPEED ·
 *         FIX_ALTITUDE · FIX_PROVIDER
 */
TAGIH_MUST_USE tagih_err fix_check(const struct fix *fix);

/**
 * All fixes of a call.
 *
 * @param bad_index  [out] the first fix at fault; set only for a reason of fix_check
 * @return OK · CHECK_IN_FIX_COUNT not 1–30 · the reasons of fix_check
 */
TAGIH_MUST_USE tagih_err check_in_check(const struct fix *fixes, size_t count, size_t *bad_index);

/**
 * Choose the fix that decides (R-CHK-2).
 *
 * Within 60 s of the tap the smallest accuracy, ties nearest in time, then the earlier, then the smaller
 * latitude and longitude: the order in which they were sent never matters. None that close: the nearest in
 * time. Impossible positions and accuracies are passed over.
 *
 * @param count  0 … any
 * @param out    [out] index of the fix; untouched when there is none
 * @return false: no usable fix. Pure, O(n).
 */
bool check_in_choose(const struct fix *fixes, size_t count, instant tapped, size_t *out);

/**
 * Judge a check-in: choose the fix, measure, decide.
 *
 * @param tapped   by the phone's clock, as the fixes' own times are
 * @param address  radius_mm 1 … PRESENCE_RADIUS_MAX_MM
 * @param out      [out] complete judgement; untouched on error
 * @return OK · PRESENCE_RANGE radius or quality out of range · GEO_POSITION_RANGE the address is no place on
 * earth
 *
 * No fix, an old one or a vague one is a verdict (UNKNOWN) and no error. Pure; never reads a clock.
 * Rule R-CHK-2.
 */
TAGIH_MUST_USE tagih_err check_in_judge(const struct fix *fixes, size_t count, instant tapped,
                                        const struct check_in_address *address,
                                        struct check_in_judgement *out);

/** How strictly a purpose asks for presence (R-CHK-4). Stored by number. */
enum presence_policy { PRESENCE_POLICY_NONE = 0, PRESENCE_POLICY_SOFT = 1, PRESENCE_POLICY_HARD = 2 };

/** What becomes of an outcome. A receipt is never held back by presence: it posts in every case. */
enum presence_consequence {
    PRESENCE_PASS = 0,
    PRESENCE_FLAG = 1,      /* takes effect; somebody should look */
    PRESENCE_REFUSE = 2,    /* office: CHECK_IN_PRESENCE */
    PRESENCE_QUARANTINE = 3 /* journal: QUARANTINED(PRESENCE) */
};

/**
 * What presence means for an outcome (R-CHK-4).
 *
 * @param verdict  the best of the visit's check-ins; UNKNOWN when there is none
 * @param waived   a supervisor waived presence for this visit
 * @param offline  the outcome is a journal entry
 *
 * NONE passes. SOFT flags what is neither INSIDE nor UNSURE. HARD refuses it, or quarantines it when offline;
 * a waiver passes both. A policy outside the list is treated as SOFT: it neither blocks nor hides. Pure.
 */
enum presence_consequence presence_consequence(enum presence_policy policy, enum presence_verdict verdict,
                                               bool waived, bool offline);

/** The better of two verdicts for a visit: INSIDE, UNSURE, OUTSIDE, UNKNOWN, in this order. Pure,
 * commutative. */
enum presence_verdict presence_verdict_better(enum presence_verdict a, enum presence_verdict b);

#endif
