/* SPDX-License-Identifier: Apache-2.0 */
/* Called from the binding and the crew; nothing here may take longer than the addition that it is. */
#include "engine/tally.h"

#include <stdlib.h>

#include "tagih/time.h"

#define MS (1000)
const struct tally_bounds tally_took_us = {15,
                                           {1 * MS, 2500, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS,
                                            US_PER_S, 2500 * MS, 5 * US_PER_S, 10 * US_PER_S, 30 * US_PER_S, 60 * US_PER_S}};
const struct tally_bounds tally_waited_us = {
    12, {100, 500, 1 * MS, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, US_PER_S, 5 * US_PER_S, 10 * US_PER_S}};
const struct tally_bounds tally_batch_calls = {11, {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}};

struct tally *tally_new(size_t n_methods) {
    struct tally *tally = calloc(1, sizeof *tally);
    if (!tally) return NULL;
    tally->n_methods = n_methods;
    tally->methods = calloc(n_methods + 1, sizeof *tally->methods);
    if (tally->methods) return tally;
    free(tally);
    return NULL;
}

void tally_free(struct tally *tally) {
    if (!tally) return;
    free(tally->methods);
    free(tally);
}

static void add(_Atomic uint64_t *to, uint64_t n) {
    atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static void observe(struct tally_histogram *histogram, const struct tally_bounds *bounds, int64_t value) {
    size_t i = 0;
    while (i < bounds->n && value > bounds->at[i]) i++;
    add(&histogram->in[i], 1);
    add(&histogram->sum, value > 0 ? (uint64_t)value : 0);
}

void tally_end(struct tally *tally, size_t method, enum call_status status) {
    if (!tally) return;
    add(&tally->methods[method].ended[(unsigned)status < TALLY_CODES ? (unsigned)status : CALL_UNKNOWN], 1);
}

void tally_took(struct tally *tally, size_t method, int64_t took_us) {
    if (tally) observe(&tally->methods[method].took_us, &tally_took_us, took_us);
}

void tally_waited(struct tally *tally, int64_t waited_us) {
    if (tally) observe(&tally->waited_us, &tally_waited_us, waited_us);
}

void tally_batch(struct tally *tally, size_t calls, int64_t took_us) {
    if (!tally) return;
    observe(&tally->batch_calls, &tally_batch_calls, (int64_t)calls);
    observe(&tally->batch_us, &tally_took_us, took_us);
}
