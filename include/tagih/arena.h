/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena hands out memory piece by piece and takes it back all at once. It works over memory that it is given;
 * where it may grow, the owner passes a function that finds another block (server/run/grow.c uses malloc), and a
 * hard cap on the sum. Nothing is freed singly. A request that does not fit answers NULL and sets `exhausted`, which
 * tells "no memory" from "garbage" where a decoder answers NULL for both.
 *
 * Under AddressSanitizer unused bytes are poisoned and pieces lie apart, so an overrun is seen.
 */
#ifndef TAGIH_ARENA_H
#define TAGIH_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tagih/bytes.h"

struct arena_block {
    struct arena_block *next; /* older block, or NULL */
    size_t size_bytes;        /* usable bytes behind this header */
    size_t used_bytes;
};

struct arena {
    struct arena_block *block; /* the one in use */
    size_t total_bytes;        /* of all blocks */
    size_t cap_bytes;          /* total_bytes never passes it */
    bool exhausted;            /* a request did not fit since the last reset */
    void *(*more)(size_t size_bytes);
    void (*less)(void *block);
};

/** Start over `memory` of `size_bytes` (at least 64), which outlives the arena. It does not grow. */
void arena_init(struct arena *arena, void *memory, size_t size_bytes);

/** Allow growth: blocks from `more`, given back through `less` on reset, `cap_bytes` in all, the first included. */
void arena_may_grow(struct arena *arena, size_t cap_bytes, void *(*more)(size_t), void (*less)(void *));

/** Give back every piece; keep the first block. Pointers into the arena are dead. */
void arena_reset(struct arena *arena);

/** `size_bytes` zeroed bytes aligned for any type, or NULL with `exhausted` set. size 0 gives a unique pointer. */
void *arena_alloc(struct arena *arena, size_t size_bytes);

/** An array of `count` items, zeroed; NULL also when the product overflows. */
void *arena_array(struct arena *arena, size_t count, size_t item_bytes);

/** A copy of `in`, followed by a NUL that does not count. `data` is NULL when it did not fit. */
struct bytes arena_copy(struct arena *arena, struct bytes in);

/** printf into the arena; NULL when it did not fit. */
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, count, type) ((type *)arena_array((arena), (count), sizeof(type)))

#endif
