/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A collector's day as it happens: what he does at each stop, written into his phone's journal. Decided by the phone's
 * own chance, so a seed gives the same day again. No network here, but for the one call that a phone with coverage makes
 * when it arrives.
 */
#ifndef TAGIH_SIM_FIELD_H
#define TAGIH_SIM_FIELD_H

#include <stdatomic.h>

#include "server/domain/outcome.h"
#include "tests/sim/phone.h"

/** What a debtor really paid, by the outcomes file. */
struct outcomes;
struct outcomes *outcomes_load(const char *path);
int64_t outcomes_paid_minor(const struct outcomes *outcomes, const char *account_no);
void outcomes_free(struct outcomes *outcomes);

/** One visit of the day, with the account as the phone pulled it. */
struct stop {
    visit_id visit;
    account_id account;
    char account_no[40];
    uint32_t version;
    uint16_t purpose;
    int32_t lat_e7, lon_e7;
    int64_t open_minor; /* what is due on it, all components */
    int64_t paid_minor; /* what the debtor will pay */
    struct record *owed_void; /* a receipt of this stop that will be voided too late */
};

/** Sums of a day, as the phone itself knows them. */
struct figures {
    uint64_t check_ins, online_check_ins, outcomes, promises, deposits, handovers, incidents, reprints;
    uint64_t receipts[5], voids[5];          /* by tender */
    int64_t receipt_minor[5], void_minor[5]; /* void_minor: > 0, voids that the phone expects to take effect */
    uint64_t late_voids, repeated_voids;
    int64_t cash_minor, deposit_minor; /* in the bag; brought to the bank */
};

/** Two collectors who meet: one hands cash over, each phone signs its half. */
struct meeting {
    uuid handover; /* nil: he meets nobody */
    uint16_t side; /* enum journal_handover_side */
    user_id with;
    int64_t amount_minor;
};

enum { STOPS_MAX = 200 };

struct collector {
    int number; /* from 0 */
    char login[64];
    char user_id[UUID_TEXT_SIZE];
    struct phone phone;
    struct stop stops[STOPS_MAX];
    size_t stop_count;
    struct figures figures;
    civil_date day_on;
    account_id foreign;     /* a colleague's account, nil: none */
    struct meeting meeting;
    char trouble[400];      /* the first thing that went wrong; "" = nothing */
    struct client *client;  /* when online */
    char token[700];
    uint8_t cursor[256];
    size_t cursor_len;
    uint64_t fate_changes;
    uint64_t batches, lost_replies, repeats, pairs, shuffles;
};

/** What all collectors have in common, counted while they work. */
struct progress {
    _Atomic uint64_t stops, receipts, entries, acks;
};
extern struct progress progress;

/** An arrival that was told by an online call already; its journal entry follows with the same id and fixes. */
struct told {
    entry_id id;
    struct journal_check_in check_in;
};

/** Arrive at a stop and leave it again; phone->now_us is the arrival. @param told  NULL: nothing was told */
void field_visit(struct collector *collector, size_t stop, const struct told *told);

/** The fixes of an arrival at a stop, drawn from the phone's chance. */
void field_arrive(struct collector *collector, const struct stop *stop, struct journal_check_in *out);

/** What some phones do outside visits: money for an unknown account, for a colleague's, a deposit. */
void field_extras(struct collector *collector);

/** What leaves or enters a bag without a receipt (bag.c): half of it to the bank; false notes, reported; his half of a handover. */
void bag_deposit(struct collector *collector);
void bag_counterfeit(struct collector *collector);
void bag_hand_over(struct collector *collector);

/** End the day: DAY_CLOSE over everything written so far. */
struct record *field_close_day(struct collector *collector);

/** Its clock is wrong: what depends on minutes is not done with it. */
bool field_clock_is_wrong(const struct collector *collector);

#endif
