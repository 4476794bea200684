/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's clock and its chance, as this program is linked: server/run/clock.h and server/run/random.h, whose own
 * definitions the linker then leaves in their archive. Time moves only when the world moves it; chance is the seed's.
 */
#include <sodium.h>
#include <string.h>

#include "server/run/clock.h"
#include "server/run/random.h"
#include "tests/sim/world.h"

instant clock_now(void) {
    return (instant){the_world->now_us};
}

int64_t clock_monotonic_us(void) {
    return the_world->mono_us;
}

void random_bytes(void *out, size_t len) {
    chance_bytes(&the_world->chance, out, len);
}

uuid random_id(void) {
    uint8_t bytes[10];
    random_bytes(bytes, sizeof bytes);
    return uuid_make_v7(clock_now(), bytes);
}

/* What libsodium draws for itself: keys of caches and rate limits. */
static const char *sodium_name(void) {
    return "seeded";
}

static uint32_t sodium_random(void) {
    return (uint32_t)(chance_next(&the_world->chance) >> 32);
}

static void sodium_buf(void *const out, const size_t len) {
    random_bytes(out, len);
}

tagih_err random_open(void) {
    static struct randombytes_implementation seeded = {
        .implementation_name = sodium_name, .random = sodium_random, .buf = sodium_buf};
    randombytes_set_implementation(&seeded);
    return sodium_init() < 0 ? FAIL(INTERNAL) : TAGIH_OK;
}
