/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where arenas get their memory: malloc, with the 16 KiB first blocks of calls kept for the next call. At most
 * GROW_KEPT_MAX blocks (2 MiB) are kept, so that a burst does not stay in memory for ever.
 */
#ifndef TAGIH_RUN_GROW_H
#define TAGIH_RUN_GROW_H

#include <stdbool.h>
#include <stddef.h>

#include "tagih/arena.h"

#define GROW_FIRST_BYTES ((size_t)16 * 1024)
#define GROW_CALL_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define GROW_KEPT_MAX 128

/** Begin a call's arena: 16 KiB at once, 8 MiB at most. False without memory. Any thread. */
bool grow_arena_open(struct arena *arena);

/** End it: everything in it is dead. Any thread; one that is not the opener's too. */
void grow_arena_close(struct arena *arena);

/** For arena_may_grow(): another block, or NULL. */
void *grow_more(size_t size_bytes);

/** For arena_may_grow(): the block back. */
void grow_less(void *block);

/** Free the kept blocks, at the end of the process or of a test. */
void grow_forget(void);

#endif
