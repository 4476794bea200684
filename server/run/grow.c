/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arena growth. A call's first block is the same size every time, so a small stack of them spares malloc the work
 * at full load; idle connections hold none. Invariant: kept_count <= GROW_KEPT_MAX.
 */
#include "server/run/grow.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static void *kept[GROW_KEPT_MAX];
static size_t kept_count;

static void *first_take(void) {
    pthread_mutex_lock(&kept_lock);
    void *block = kept_count ? kept[--kept_count] : NULL;
    pthread_mutex_unlock(&kept_lock);
    return block ? block : malloc(GROW_FIRST_BYTES);
}

static void first_give(void *block) {
    pthread_mutex_lock(&kept_lock);
    bool keep = kept_count < GROW_KEPT_MAX;
    if (keep) kept[kept_count++] = block;
    pthread_mutex_unlock(&kept_lock);
    if (!keep) free(block);
}

bool grow_arena_open(struct arena *arena) {
    void *first = first_take();
    if (!first) return false;
    arena_init(arena, first, GROW_FIRST_BYTES); /* malloc aligns for any type, so the block starts where memory does */
    arena_may_grow(arena, GROW_CALL_BYTES_MAX, grow_more, grow_less);
    return true;
}

void grow_arena_close(struct arena *arena) {
    arena_reset(arena);
    first_give(arena->block);
    arena->block = NULL;
}

void *grow_more(size_t size_bytes) {
    return malloc(size_bytes);
}

void grow_less(void *block) {
    free(block);
}

void grow_forget(void) {
    pthread_mutex_lock(&kept_lock);
    while (kept_count) free(kept[--kept_count]);
    pthread_mutex_unlock(&kept_lock);
}
