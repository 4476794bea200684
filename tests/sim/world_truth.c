/* SPDX-License-Identifier: Apache-2.0 */
/* The book that the simulator keeps of what its phones did. */
#include "tests/sim/world_truth.h"

#include <assert.h>
#include <stdlib.h>

struct issued *truth_find(const struct truth *truth, const hash256 *hash) {
    struct issued *found;
    HASH_FIND(hh, truth->by_hash, hash, sizeof *hash, found);
    return found;
}

struct issued *truth_add(struct truth *truth, const hash256 *hash) {
    struct issued *issued = calloc(1, sizeof *issued);
    assert(issued);
    issued->hash = *hash;
    HASH_ADD(hh, truth->by_hash, hash, sizeof issued->hash, issued);
    if (truth->n == truth->room) {
        truth->room = truth->room ? 2 * truth->room : 1024;
        truth->all = realloc(truth->all, truth->room * sizeof(struct issued *));
        assert(truth->all);
    }
    truth->all[truth->n++] = issued;
    return issued;
}

void truth_release(struct truth *truth) {
    HASH_CLEAR(hh, truth->by_hash);
    for (size_t i = 0; i < truth->n; i++) {
        free(truth->all[i]->bytes);
        free(truth->all[i]);
    }
    free(truth->all);
    *truth = (struct truth){0};
}
