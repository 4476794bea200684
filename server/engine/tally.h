/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server counts of its calls, for /metrics (engine/metrics.c). Everything is a number that only grows, added to with
 * relaxed atomics: no lock, no memory, three additions a call. Whoever reads sees each number as of about now; a histogram
 * and its sum may be a call apart.
 */
#ifndef TAGIH_ENGINE_TALLY_H
#define TAGIH_ENGINE_TALLY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"

/** gRPC's status codes are 0 to 16. */
#define TALLY_CODES 17
#define TALLY_BOUNDS_MAX 15

/** Upper bounds of buckets, rising; what is beyond the last one falls into a bucket of its own. */
struct tally_bounds {
    size_t n;
    int64_t at[TALLY_BOUNDS_MAX];
};
extern const struct tally_bounds tally_took_us, tally_waited_us, tally_batch_calls;

struct tally_histogram {
    _Atomic uint64_t in[TALLY_BOUNDS_MAX + 1]; /* not cumulative */
    _Atomic uint64_t sum;
};

struct tally_method {
    _Atomic uint64_t ended[TALLY_CODES];
    struct tally_histogram took_us; /* from arrival to answer */
};

struct tally {
    size_t n_methods;
    struct tally_method *methods;       /* in the order of the table; one more at the end for paths that nobody serves */
    struct tally_histogram waited_us;   /* of calls: from arrival until a worker with its connection began with them */
    struct tally_histogram batch_calls; /* of batches: how many calls */
    struct tally_histogram batch_us;    /* and how long they took, the database included */
};

/** NULL without memory. To all others NULL is nobody who counts. */
struct tally *tally_new(size_t n_methods);
void tally_free(struct tally *tally);

/** A call ended. @param method  its place in the table; n_methods: nobody serves its path */
void tally_end(struct tally *tally, size_t method, enum call_status status);

/** It was served, and took so long. Not for calls that wait by design: they would tell of their callers' patience. */
void tally_took(struct tally *tally, size_t method, int64_t took_us);

/** A worker begins with a call that came so long ago. */
void tally_waited(struct tally *tally, int64_t waited_us);

/** A batch of `calls` was served in so long. */
void tally_batch(struct tally *tally, size_t calls, int64_t took_us);

#endif
