/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was really issued, told by the phones' side alone: every entry that any body ever signed, with what it said, and
 * the first acknowledgement that any of them was given for it. Nothing here asks the server or its rows.
 */
#ifndef TAGIH_SIM_WORLD_TRUTH_H
#define TAGIH_SIM_WORLD_TRUTH_H

#include <stddef.h>
#include <uthash.h>

#include "tagih/journal.h"

struct issued {
    hash256 hash; /* the key */
    entry_id id;
    device_id device;
    user_id user;
    uint32_t epoch;
    int64_t seq;
    uint16_t kind;
    hash256 prev_hash;
    uint8_t *bytes;
    size_t len;
    /* times (R-TIM-3) */
    instant device_time, certified, contact_time;
    int64_t mono_us, contact_mono_us;
    uuid boot, contact_boot;
    bool has_contact;
    /* money: RECEIPT and VOID */
    int64_t amount_minor, cum_total_minor;
    uint64_t cum_count;
    currency currency;
    uint16_t tender;
    account_id account;
    entry_id receipt; /* that a void takes back */
    /* fate */
    bool honest; /* money for a known account, in its currency, of an amount that posts, by a phone that nobody copied */
    bool lost;   /* the phone that held it was restored to an older state before it could hand it in */
    bool poison; /* the database was made to refuse its row */
    uint8_t ack[512];
    size_t ack_len; /* 0: nobody was told yet */
    uint16_t fate;
    size_t ack_seen; /* check.c: looked at already */
    UT_hash_handle hh;
};

struct truth {
    struct issued *by_hash;
    struct issued **all; /* in the order in which they were written */
    size_t n, room;
};

/** Remember an entry. @return it lives as long as the truth */
struct issued *truth_add(struct truth *truth, const hash256 *hash);
struct issued *truth_find(const struct truth *truth, const hash256 *hash);
void truth_release(struct truth *truth);

#endif
