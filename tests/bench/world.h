/* SPDX-License-Identifier: Apache-2.0 */
/* The world of data.sql as the load generator knows it: the same ids and places, by the same formulas. */
#ifndef TAGIH_BENCH_WORLD_H
#define TAGIH_BENCH_WORLD_H

#include <stdint.h>

#include "tagih/geo.h"
#include "tagih/id.h"

#define WORLD_VISITS_EACH 20

enum world_kind { WORLD_AGENCY = 1, WORLD_TEAM, WORLD_COLLECTOR, WORLD_DEVICE, WORLD_CUSTOMER, WORLD_ACCOUNT, WORLD_VISIT };

/** KK000000-0000-7000-8000-1nnnnnnnnnnn with NUL. */
void world_id_text(enum world_kind kind, uint64_t n, char out[UUID_TEXT_SIZE]);
uuid world_id(enum world_kind kind, uint64_t n);

/** Where collector c's tower block stands. */
struct position world_place(uint64_t collector);

/** Uniform in 0 … n - 1. Not for secrets. */
uint64_t world_draw(uint64_t n);

/** Microseconds: of the wall clock, and of the clock that only goes forward. */
int64_t world_now_us(void);
int64_t world_monotonic_us(void);

#endif
