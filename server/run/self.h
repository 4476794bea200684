/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of this process (/proc/self). */
#ifndef TAGIH_RUN_SELF_H
#define TAGIH_RUN_SELF_H

#include <stdint.h>

/** Members that could not be read are -1. */
struct self {
    int64_t resident_bytes;
    int64_t cpu_us; /* user and system, since it started */
    int64_t fds, fds_max;
    int64_t threads;
};

void self_read(struct self *out);

#endif
