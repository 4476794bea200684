/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places in a chain (R-JRN-3, R-JRN-4, R-JRN-6) and the arithmetic of running totals (R-REC-3). Forks never
 * become links: the first entry of a place stays, whatever arrives later.
 */
#include "tagih/chain.h"

#include <assert.h>
#include <string.h>

/* Index of the first link with a seq of at least `seq`. */
static size_t lower_bound(const struct chain *chain, int64_t seq) {
    size_t low = 0, high = chain->link_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (chain->links[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct chain_link *find_link(const struct chain *chain, int64_t seq) {
    size_t i = lower_bound(chain, seq);
    return i < chain->link_count && chain->links[i].seq == seq ? &chain->links[i] : NULL;
}

/* The hash of the entry at `seq`, or NULL when it is not known. */
static const hash256 *find_hash(const struct chain *chain, int64_t seq) {
    if (seq == chain->contiguous_seq) return &chain->head_hash;
    const struct chain_link *link = find_link(chain, seq);
    return link ? &link->hash : NULL;
}

static bool fits_neighbours(const struct chain *chain, const struct chain_link *entry) {
    const hash256 *before = find_hash(chain, entry->seq - 1);
    const struct chain_link *after = find_link(chain, entry->seq + 1);
    if (before && !hash256_equal(before, &entry->prev_hash)) return false;
    return !after || hash256_equal(&after->prev_hash, &entry->hash);
}

/* The seqs missing between an entry above contiguous_seq and the nearest known one below it. */
static void find_missing(const struct chain *chain, int64_t seq, struct chain_judgement *out) {
    size_t i = lower_bound(chain, seq);
    int64_t below = i > 0 ? chain->links[i - 1].seq : 0;
    if (below < chain->contiguous_seq) below = chain->contiguous_seq;
    if (below >= seq - 1) return;
    out->missing_first = below + 1;
    out->missing_last = seq - 1;
}

struct chain_judgement chain_judge(const struct chain *chain, const struct chain_link *entry) {
    struct chain_judgement out = {.verdict = CHAIN_IN_ORDER};
    const struct chain_link *same = find_link(chain, entry->seq);
    const hash256 *known = same                                  ? &same->hash
                           : entry->seq == chain->contiguous_seq ? &chain->head_hash
                                                                 : NULL;
    if (known) {
        out.verdict = hash256_equal(known, &entry->hash) ? CHAIN_DUPLICATE : CHAIN_FORK;
        return out;
    }
    find_missing(chain, entry->seq, &out);
    bool is_newest =
        entry->seq > chain->contiguous_seq && lower_bound(chain, entry->seq) == chain->link_count;
    if (!fits_neighbours(chain, entry))
        out.verdict = CHAIN_PREV_MISMATCH;
    else if (!is_newest)
        out.verdict = CHAIN_FILLS_GAP;
    else if (out.missing_first)
        out.verdict = CHAIN_GAP;
    return out;
}

tagih_err chain_add(struct chain *chain, const struct chain_link *entry) {
    if (chain->link_count == chain->link_max) return FAIL(BUFFER_SMALL);
    size_t i = lower_bound(chain, entry->seq);
    assert(i == chain->link_count || chain->links[i].seq != entry->seq);
    memmove(chain->links + i + 1, chain->links + i, (chain->link_count - i) * sizeof chain->links[0]);
    chain->links[i] = *entry;
    chain->link_count++;
    return TAGIH_OK;
}

/* The last seq of the accepted gap that holds `seq`, or 0. */
static int64_t gap_end(const struct chain_gap *gaps, size_t gap_count, int64_t seq) {
    for (size_t i = 0; i < gap_count && gaps[i].first <= seq; i++)
        if (seq <= gaps[i].last) return gaps[i].last;
    return 0;
}

/* The next known entry that is reached from contiguous_seq without an unaccepted hole, or NULL. */
static const struct chain_link *next_reached(const struct chain *chain, const struct chain_gap *gaps,
                                             size_t gap_count) {
    size_t i = lower_bound(chain, chain->contiguous_seq + 1);
    if (i == chain->link_count) return NULL;
    for (int64_t seq = chain->contiguous_seq + 1; seq < chain->links[i].seq;) {
        int64_t end = gap_end(gaps, gap_count, seq);
        if (end == 0) return NULL;
        seq = end + 1;
    }
    return &chain->links[i];
}

void chain_advance(struct chain *chain, const struct chain_gap *gaps, size_t gap_count) {
    const struct chain_link *link;
    while ((link = next_reached(chain, gaps, gap_count)) != NULL) {
        chain->contiguous_seq = link->seq;
        chain->head_hash = link->hash;
    }
}

static int64_t clamp_i128(__int128 value) {
    return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

struct running_answer running_compare(const struct running_point *before, const struct running_point *after,
                                      int64_t missing_seqs) {
    if (!after) return (struct running_answer){.verdict = RUNNING_UNKNOWN};
    __int128 count =
        (__int128)after->cum_count - (before ? before->cum_count : 0) - (after->is_money ? 1 : 0);
    __int128 sum =
        (__int128)after->cum_total_minor - (before ? before->cum_total_minor : 0) - after->amount_minor;
    struct running_answer answer = {.count = clamp_i128(count), .sum_minor = clamp_i128(sum)};
    bool in_range = count == answer.count && sum == answer.sum_minor;
    if (count == 0 && sum == 0)
        answer.verdict = RUNNING_ADDS_UP;
    else if (in_range && count > 0 && count <= missing_seqs)
        answer.verdict = RUNNING_MISSING;
    else
        answer.verdict = RUNNING_MISMATCH;
    return answer;
}
