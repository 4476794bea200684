/* SPDX-License-Identifier: Apache-2.0 */
/* A stable merge sort of indices. The libc's qsort may allocate and is not stable; rules here may do neither. */
#ifndef TAGIH_DOMAIN_SORT_H
#define TAGIH_DOMAIN_SORT_H

#include <stddef.h>
#include <stdint.h>

#include "tagih/arena.h"

/** < 0, 0, > 0 for the items with these indices. */
typedef int sort_compare(const void *items, uint32_t a, uint32_t b);

/** The indices 0..n-1 in ascending order of their items, equal ones as they came; NULL: the arena is full. */
uint32_t *sort_indices(const void *items, size_t n, sort_compare *compare, struct arena *arena);

#endif
