/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain of one device and epoch: where an entry stands in it, and whether its running totals add up
 * (R-JRN-3..6, R-REC-3). The caller knows the chain as links, sorted by seq, in his own array; under the
 * device's lock he judges each new entry, adds it unless it is a duplicate or a fork, and lets the chain
 * advance.
 *
 *     seq       1 2 3 . 5 6 . . 9      contiguous_seq = 3, links = 5, 6, 9 (and any lower ones he wants
 * known) judge(4)  → FILLS_GAP            judge(10) → IN_ORDER, its predecessor 9 is known judge(12) → GAP,
 * 11 is missing   judge(6, another hash) → FORK
 */
#ifndef TAGIH_CHAIN_H
#define TAGIH_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tagih/bytes.h"
#include "tagih/document.h"
#include "tagih/err.h"
#include "tagih/id.h"
#include "tagih/time.h"

struct chain_link {
    int64_t seq;
    hash256 hash;      /* of the entry */
    hash256 prev_hash; /* that it names */
};

/** What is known of a chain. */
struct chain {
    int64_t contiguous_seq;   /* 0: nothing yet */
    hash256 head_hash;        /* of the entry at contiguous_seq; of the device certificate when that is 0 */
    struct chain_link *links; /* sorted by seq: all known above contiguous_seq, and those below at or beside
                                 an incoming seq */
    size_t link_count, link_max;
};

enum chain_verdict {
    CHAIN_IN_ORDER,      /* its predecessor is known and is the one it names; nothing later is known */
    CHAIN_GAP,           /* nothing later is known and its predecessor is missing */
    CHAIN_FILLS_GAP,     /* later ones are known; it fits all known neighbours */
    CHAIN_DUPLICATE,     /* known: same place, same hash */
    CHAIN_FORK,          /* another entry has its place */
    CHAIN_PREV_MISMATCH, /* a known neighbour and it do not name each other */
};

struct chain_judgement {
    enum chain_verdict verdict;
    int64_t missing_first, missing_last; /* the seqs missing right before it; 0 and 0 when there are none */
};

/**
 * Where an entry stands in its chain. O(log n).
 *
 * A seq at or below contiguous_seq without a link lies in an accepted gap: it fills it.
 */
struct chain_judgement chain_judge(const struct chain *chain, const struct chain_link *entry);

/**
 * Add an entry that was judged neither a duplicate nor a fork. O(n).
 *
 * @return OK · BUFFER_SMALL no room in links
 */
TAGIH_MUST_USE tagih_err chain_add(struct chain *chain, const struct chain_link *entry);

/**
 * Move contiguous_seq as far as known entries and accepted gaps carry it. O(n + gaps).
 *
 * @param gaps  sorted by first; a gap ends where a later entry is known, so head_hash always is an entry's
 */
void chain_advance(struct chain *chain, const struct chain_gap *gaps, size_t gap_count);

/** A statement of running totals: a RECEIPT or VOID, or the totals of a DAY_CLOSE placed at its last_seq. */
struct running_point {
    int64_t seq;
    bool is_money;        /* counts itself */
    int64_t amount_minor; /* signed; 0 for a DAY_CLOSE */
    uint64_t cum_count;
    int64_t cum_total_minor;
};

enum running_verdict {
    RUNNING_ADDS_UP,  /* nothing about money is missing */
    RUNNING_MISSING,  /* `count` money entries of `sum_minor` in all lie in the gap */
    RUNNING_MISMATCH, /* no gap explains the difference of `count` and `sum_minor` */
    RUNNING_UNKNOWN,  /* there is no later statement yet */
};

struct running_answer {
    enum running_verdict verdict;
    int64_t count;
    int64_t sum_minor;
};

/**
 * Compare two neighbouring statements of one currency and epoch.
 *
 * @param before        NULL at the epoch's start: both totals are 0
 * @param after         NULL when none has come yet
 * @param missing_seqs  how many seqs between them are missing
 *
 * Pure, O(1). A difference too large for int64 is a mismatch with the sum at the limit.
 * Example: before {2, 300 000}, after {amount 50 000, 5, 600 000}, 3 missing → MISSING, 2 entries of 250 000.
 */
struct running_answer running_compare(const struct running_point *before, const struct running_point *after,
                                      int64_t missing_seqs);

/** What the value instant of a fact is made from (R-TIM-3). */
struct entry_time {
    instant device_time;
    int64_t mono_us;
    uuid boot;
    bool has_contact;        /* the entry proves a contact with the server */
    instant contact_time;    /* server time of that contact */
    int64_t contact_mono_us; /* monotonic clock then */
    uuid contact_boot;       /* nil when not known: no boot is the same */
    instant certificate_issued;
    instant received;
};

struct entry_instant {
    instant value;
    bool clock_is_off; /* flag CLOCK */
};

/** The difference of device time and value instant above which CLOCK is flagged. */
#define ENTRY_CLOCK_TOLERANCE_US (5 * US_PER_MINUTE)

/** The value instant of an entry (R-TIM-3). Pure; times within ±2^60 µs (asserted). */
struct entry_instant entry_time_value(const struct entry_time *times);

#endif
