/* SPDX-License-Identifier: Apache-2.0 */
/* Ids, places, dice and clocks of the load generator. */
#include "tests/bench/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void world_id_text(enum world_kind kind, uint64_t n, char out[UUID_TEXT_SIZE]) {
    snprintf(out, UUID_TEXT_SIZE, "%02d000000-0000-7000-8000-%012llu", kind, 100000000000ULL + (unsigned long long)n);
}

uuid world_id(enum world_kind kind, uint64_t n) {
    char text[UUID_TEXT_SIZE];
    uuid id;
    world_id_text(kind, n, text);
    if (!err_is_ok(uuid_parse(text, &id))) abort();
    return id;
}

struct position world_place(uint64_t collector) {
    return (struct position){.lat_e7 = -62000000 + (int32_t)(collector * 7919 % 500000),
                             .lon_e7 = 1068000000 + (int32_t)(collector * 104729 % 500000)};
}

/* splitmix64: enough for dice. */
uint64_t world_draw(uint64_t n) {
    static uint64_t state;
    if (!state) state = (uint64_t)world_now_us() ^ (uint64_t)getpid() << 40;
    uint64_t z = state += 0x9E3779B97F4A7C15ULL;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    z ^= z >> 31;
    return (uint64_t)((unsigned __int128)z * n >> 64);
}

static int64_t clock_us(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t world_now_us(void) {
    return clock_us(CLOCK_REALTIME);
}

int64_t world_monotonic_us(void) {
    return clock_us(CLOCK_MONOTONIC);
}
