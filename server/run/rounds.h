/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that goes its rounds: it works, rests until it is time or somebody wakes it, and ends when it is told to.
 *
 *     static void *run(void *context) {
 *         struct pulse *pulse = context;
 *         while (!rounds_are_over(&pulse->rounds)) {
 *             ask(pulse);
 *             rounds_rest(&pulse->rounds, ASK_US, -1);
 *         }
 *         return NULL;
 *     }
 *     TRY(rounds_begin(&pulse->rounds, run, pulse));
 *     …
 *     rounds_end(&pulse->rounds);
 */
#ifndef TAGIH_RUN_ROUNDS_H
#define TAGIH_RUN_ROUNDS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tagih/err.h"

/** Zeroed before it begins; stays where it is as long as its thread runs. */
struct rounds {
    pthread_t thread;
    int mark; /* eventfd: somebody wakes it */
    bool begun;
    atomic_bool over;
};

/** Start the thread. @return OK · OUT_OF_MEMORY no descriptor or no thread; nothing is left to end */
TAGIH_MUST_USE tagih_err rounds_begin(struct rounds *rounds, void *(*run)(void *context), void *context);

/** It was told to end: the thread comes back from its function soon. Any thread. */
bool rounds_are_over(const struct rounds *rounds);

/**
 * By its own thread: rest so long, until it is woken, or until there is something to read from `also` (-1: nothing).
 * @return true: the time is over; false: it was woken
 */
bool rounds_rest(struct rounds *rounds, int64_t rest_us, int also);

/** Wake it from its rest, or spare it the next one. Any thread; never blocks. */
void rounds_wake(struct rounds *rounds);

/** Tell it to end, and wait until it has. One that never began is nothing to do. */
void rounds_end(struct rounds *rounds);

#endif
