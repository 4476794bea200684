/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena: a list of blocks, the newest in use. Invariant: total_bytes is the sum of all blocks' sizes and never
 * passes cap_bytes; the first block came from the owner and is never given back.
 */
#include "tagih/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#define RED_ZONE_BYTES ((size_t)16)
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define RED_ZONE_BYTES ((size_t)0)
#endif

#define ALIGN_BYTES ((size_t)16)
#define HEADER_BYTES ((sizeof(struct arena_block) + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES)
#define GROW_BYTES_MIN ((size_t)64 * 1024)

static uint8_t *block_data(struct arena_block *block) {
    return (uint8_t *)block + HEADER_BYTES;
}

static struct arena_block *block_make(void *memory, size_t size_bytes, struct arena_block *next) {
    struct arena_block *block = memory;
    *block = (struct arena_block){.next = next, .size_bytes = size_bytes - HEADER_BYTES};
    POISON(block_data(block), block->size_bytes);
    return block;
}

void arena_init(struct arena *arena, void *memory, size_t size_bytes) {
    size_t skip = (ALIGN_BYTES - (uintptr_t)memory % ALIGN_BYTES) % ALIGN_BYTES;
    assert(size_bytes >= skip + HEADER_BYTES);
    *arena = (struct arena){.total_bytes = size_bytes, .cap_bytes = size_bytes};
    arena->block = block_make((uint8_t *)memory + skip, size_bytes - skip, NULL);
}

void arena_may_grow(struct arena *arena, size_t cap_bytes, void *(*more)(size_t), void (*less)(void *)) {
    arena->cap_bytes = cap_bytes;
    arena->more = more;
    arena->less = less;
}

void arena_reset(struct arena *arena) {
    while (arena->block->next) {
        struct arena_block *dead = arena->block;
        arena->block = dead->next;
        arena->total_bytes -= dead->size_bytes + HEADER_BYTES;
        UNPOISON(dead, dead->size_bytes + HEADER_BYTES);
        arena->less(dead);
    }
    arena->block->used_bytes = 0;
    arena->exhausted = false;
    POISON(block_data(arena->block), arena->block->size_bytes);
}

static bool arena_grow(struct arena *arena, size_t need_bytes) {
    if (!arena->more || arena->total_bytes >= arena->cap_bytes) return false;
    size_t room = arena->cap_bytes - arena->total_bytes;
    size_t want = need_bytes + HEADER_BYTES > GROW_BYTES_MIN ? need_bytes + HEADER_BYTES : GROW_BYTES_MIN;
    if (want < arena->block->size_bytes) want = arena->block->size_bytes;
    if (want > room) want = room;
    if (want < need_bytes + HEADER_BYTES) return false;
    void *memory = arena->more(want);
    if (!memory) return false;
    arena->block = block_make(memory, want, arena->block);
    arena->total_bytes += want;
    return true;
}

void *arena_alloc(struct arena *arena, size_t size_bytes) {
    if (size_bytes > arena->cap_bytes) {
        arena->exhausted = true;
        return NULL;
    }
    size_t need = (size_bytes + ALIGN_BYTES - 1 + !size_bytes) / ALIGN_BYTES * ALIGN_BYTES + RED_ZONE_BYTES;
    if (need > arena->block->size_bytes - arena->block->used_bytes && !arena_grow(arena, need)) {
        arena->exhausted = true;
        return NULL;
    }
    uint8_t *piece = block_data(arena->block) + arena->block->used_bytes;
    arena->block->used_bytes += need;
    UNPOISON(piece, size_bytes);
    memset(piece, 0, size_bytes);
    return piece;
}

void *arena_array(struct arena *arena, size_t count, size_t item_bytes) {
    size_t size_bytes;
    if (__builtin_mul_overflow(count, item_bytes, &size_bytes)) {
        arena->exhausted = true;
        return NULL;
    }
    return arena_alloc(arena, size_bytes);
}

struct bytes arena_copy(struct arena *arena, struct bytes in) {
    uint8_t *copy = in.len < SIZE_MAX ? arena_alloc(arena, in.len + 1) : NULL;
    if (!copy) return (struct bytes){NULL, 0};
    if (in.len) memcpy(copy, in.data, in.len);
    return (struct bytes){copy, in.len};
}

char *arena_printf(struct arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = len < 0 ? NULL : arena_alloc(arena, (size_t)len + 1);
    if (!text) return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}
