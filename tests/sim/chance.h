/* SPDX-License-Identifier: Apache-2.0 */
/* Repeatable chance: what a simulated day looks like depends on its seed alone (xorshift64*, seeded by splitmix64). */
#ifndef TAGIH_SIM_CHANCE_H
#define TAGIH_SIM_CHANCE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

/** A stream of its own for each (seed, number): neighbours have nothing in common. */
static inline struct chance chance_of(uint64_t seed, uint64_t number) {
    uint64_t z = seed * UINT64_C(0x9E3779B97F4A7C15) + number + 1;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return (struct chance){z ? z : 1};
}

static inline uint64_t chance_next(struct chance *chance) {
    chance->state ^= chance->state >> 12;
    chance->state ^= chance->state << 25;
    chance->state ^= chance->state >> 27;
    return chance->state * UINT64_C(0x2545F4914F6CDD1D);
}

/** 0 … bound - 1. */
static inline int64_t chance_below(struct chance *chance, int64_t bound) {
    return (int64_t)((chance_next(chance) >> 1) % (uint64_t)bound);
}

/** low … high, both included. */
static inline int64_t chance_between(struct chance *chance, int64_t low, int64_t high) {
    return low + chance_below(chance, high - low + 1);
}

/** True in `percent` of 100 cases. */
static inline bool chance_percent(struct chance *chance, int percent) {
    return chance_below(chance, 100) < percent;
}

/** Above 0, at most 1. */
static inline double chance_unit(struct chance *chance) {
    return (double)((chance_next(chance) >> 11) + 1) / 9007199254740992.0;
}

/** A normal variate of mean 0 and deviation 1 (Box and Muller, Ann. Math. Stat. 29 (1958) 610). */
static inline double chance_normal(struct chance *chance) {
    double r = sqrt(-2.0 * log(chance_unit(chance)));
    return r * cos(6.283185307179586 * chance_unit(chance));
}

static inline void chance_bytes(struct chance *chance, uint8_t *out, size_t len) {
    for (size_t i = 0; i < len; i++) out[i] = (uint8_t)(chance_next(chance) >> 56);
}

#endif
