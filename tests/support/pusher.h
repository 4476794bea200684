/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones that push without end, whatever breaks: each in a thread of its own, each notes every acknowledgement, repeats what
 * got none, and makes a new connection when one is lost. What they were told is compared with what is stored afterwards.
 */
#ifndef TAGIH_TESTS_PUSHER_H
#define TAGIH_TESTS_PUSHER_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/support/proof.h"
#include "tests/support/writer.h"

#define PUSHER_ENTRIES 300

/* A phone: what it wrote and what it was told. */
struct pusher {
    pthread_t thread;
    struct writer writer;
    struct client *client;
    const char *target;       /* where it pushes */
    const atomic_bool *hurry; /* no more pauses between pushes */
    int64_t timeout_us;       /* of a push */
    uint64_t chance;
    size_t n; /* entries it wrote */
    struct kept_ack {
        uint8_t bytes[256];
        size_t len;
    } acks[PUSHER_ENTRIES];
    size_t first_open;         /* everything before it is acknowledged */
    atomic_bool running, over; /* its thread is there; it is to end, pushed or not */
    atomic_size_t told;
    int failures;
    int64_t slowest_us;
    char problem[256];
};

/** A new phone of a new collector. @param target, hurry  live as long as it. Ended by pusher_close. */
void pusher_open(struct pusher *pusher, struct rig *rig, agency_id agency, const char *target, const atomic_bool *hurry);
void pusher_close(struct pusher *pusher);
/** Write `n` receipts on these accounts in turn. */
void pusher_write(struct pusher *pusher, const account_id *accounts, size_t n_accounts, size_t n);
/** Push until everything is acknowledged; the thread's end is joined by the caller. */
void pusher_start(struct pusher *pusher);
/** How many entries these phones were told of. */
size_t pushers_told(struct pusher *pushers, size_t n);
/** After a test that failed in the middle: those that still push end, whatever is left. */
void pushers_abandon(struct pusher *pushers, size_t n);
/** All have ended: none met anything odd. @return calls that failed and were repeated */
int pushers_join(struct pusher *pushers, size_t n);
/** What it was told is stored, to the byte. */
void pusher_assert_stored(const struct pusher *pusher, struct proof *proof);

#endif
