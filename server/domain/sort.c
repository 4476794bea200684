/* SPDX-License-Identifier: Apache-2.0 */
/* Bottom-up merge sort over two index arrays that swap roles. Input that is in order already costs n comparisons. */
#include "domain/sort.h"

static void merge(const void *items, const uint32_t *from, uint32_t *to, size_t left, size_t middle, size_t right,
                  sort_compare *compare) {
    size_t a = left, b = middle;
    for (size_t i = left; i < right; i++) {
        bool take_left = a < middle && (b >= right || compare(items, from[a], from[b]) <= 0);
        to[i] = take_left ? from[a++] : from[b++];
    }
}

static bool is_ascending(const void *items, const uint32_t *index, size_t n, sort_compare *compare) {
    for (size_t i = 1; i < n; i++) {
        if (compare(items, index[i - 1], index[i]) > 0) return false;
    }
    return true;
}

uint32_t *sort_indices(const void *items, size_t n, sort_compare *compare, struct arena *arena) {
    uint32_t *index = ARENA_ARRAY(arena, n, uint32_t);
    if (!index) return NULL;
    for (size_t i = 0; i < n; i++) index[i] = (uint32_t)i;
    if (is_ascending(items, index, n, compare)) return index;
    uint32_t *other = ARENA_ARRAY(arena, n, uint32_t);
    if (!other) return NULL;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t left = 0; left < n; left += 2 * width) {
            size_t middle = left + width < n ? left + width : n;
            size_t right = left + 2 * width < n ? left + 2 * width : n;
            merge(items, index, other, left, middle, right, compare);
        }
        uint32_t *sorted = other;
        other = index;
        index = sorted;
    }
    return index;
}
