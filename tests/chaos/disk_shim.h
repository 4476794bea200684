/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with the disk under PostgreSQL: shared between a spec and the library that it preloads (disk_shim.c). */
#ifndef TAGIH_TESTS_DISK_SHIM_H
#define TAGIH_TESTS_DISK_SHIM_H

#include <stdatomic.h>

enum { DISK_FINE, DISK_FULL, DISK_WRITE_ERROR, DISK_SYNC_ERROR, DISK_READ_ERROR };

struct disk {
    atomic_int mode;
    atomic_int faults;
};

#endif
