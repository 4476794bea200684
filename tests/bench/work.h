/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the load generator calls. A work makes requests for devices and looks at answers; load.c drives it. A phone
 * waits for its answer before it speaks again, so a device has at most one call in flight, and a work may keep its
 * state per device without looking at order.
 */
#ifndef TAGIH_BENCH_WORK_H
#define TAGIH_BENCH_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run/keys.h"
#include "tagih/bytes.h"

/** What the run is about. */
struct work_options {
    size_t devices;              /* 0 … devices - 1 take part */
    installation_id installation;
    const struct keyring *keys;
    const char *state_path;      /* push: where the phones' chains are kept between runs */
    size_t prepared;             /* push: calls to sign beforehand, all devices together */
    uint64_t accounts;           /* push: how many the database has; visits are spread over them */
};

struct work {
    const char *name, *path;
    /** Make ready, before the clock runs. */
    void (*begin)(const struct work_options *options);
    /** The device that calls next, among those that are not busy; SIZE_MAX: none can. NULL: any, by the dice. */
    size_t (*draw)(const bool *busy);
    /** The next request of a device into `out`. @return its length */
    size_t (*request)(size_t device, uint8_t *out, size_t size);
    /** An OK answer. @return items done by it (receipts, visits; 1 for a single thing); 0: the answer is wrong */
    size_t (*answer)(size_t device, struct bytes body);
    /** The run is over; every call was answered. May be NULL. */
    void (*end)(void);
};

extern const struct work work_check_in, work_pull, work_push;

/** Give every phone a key and a certificate: rows of device_key in COPY's form to stdout, and the phones' file. */
void work_certify(const struct work_options *options);

#define WORK_REQUEST_MAX 65536

/** End the process over a mistake in the set-up. */
_Noreturn void work_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
