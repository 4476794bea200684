/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes and the ids made of them. */
#ifndef TAGIH_RUN_RANDOM_H
#define TAGIH_RUN_RANDOM_H

#include <stddef.h>

#include "tagih/id.h"

/** Once at start, before any other thread: libsodium opens its source. @return OK · INTERNAL there is none */
TAGIH_MUST_USE tagih_err random_open(void);

/** Fill `out` with `len` bytes that nobody can foretell. Any thread. */
void random_bytes(void *out, size_t len);

/** A new UUIDv7 of this moment. */
uuid random_id(void);

#endif
