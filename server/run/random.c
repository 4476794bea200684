/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness comes from libsodium, which takes it from the kernel. */
#include "server/run/random.h"

#include <sodium.h>

#include "server/run/clock.h"

tagih_err random_open(void) {
    return sodium_init() < 0 ? FAIL(INTERNAL) : TAGIH_OK;
}

void random_bytes(void *out, size_t len) {
    randombytes_buf(out, len);
}

uuid random_id(void) {
    uint8_t bytes[10];
    random_bytes(bytes, sizeof bytes);
    return uuid_make_v7(clock_now(), bytes);
}
