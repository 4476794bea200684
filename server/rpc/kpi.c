/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot: rows from facts, their digest, and the posting under which its head stands. */
#include "rpc/kpi.h"

#include "book/posting.h"
#include "run/random.h"

#define OVERLAP_US US_PER_MINUTE /* facts that were under way when the version before was made */

tagih_err kpi_take(struct tx *tx, struct arena *arena, civil_date month, instant now, struct kpi_taken *out) {
    struct kpi_version *versions;
    size_t n;
    int32_t written;
    *out = (struct kpi_taken){.month = month};
    TRY(kpi_load_versions(tx, arena, month, true, &versions, &n));
    int32_t next = (int32_t)n + 1;
    TRY(kpi_make_rows(tx, arena, month, next, &written));
    out->changed = n == 0 || written > 0;
    TRY(kpi_load_rows(tx, arena, month, next, &out->rows, &out->n));
    if (!out->changed) {
        out->version = versions[n - 1];
        return TAGIH_OK;
    }
    out->version = (struct kpi_version){.version = next, .rows = (int32_t)out->n, .known = now,
                                        .digest = kpi_digest(month, out->rows, out->n)};
    if (n > 0) TRY(kpi_make_causes(tx, arena, month, next, (instant){versions[n - 1].known.us - OVERLAP_US}));
    return kpi_load_seal(tx, arena, month, next, &out->version.seal);
}

void kpi_taken_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct kpi_taken *taken, uuid posting,
                    const user_id *actor) {
    kpi_snapshot_params(p, tx, arena, taken->month, &taken->version, posting, actor);
}

tagih_err kpi_generate(struct tx *tx, struct arena *arena, int64_t writer, civil_date month, instant now, struct kpi_taken *out) {
    struct params *fact = ARENA_ARRAY(arena, 1, struct params);
    struct post *post = ARENA_ARRAY(arena, 1, struct post);
    struct book book;
    if (!fact || !post) return FAIL(OUT_OF_MEMORY);
    *post = (struct post){.what = POST_MOVE, .kind = POSTING_OF_KPI, .id = random_id(), .value = now, .received = now,
                          .currency = {"IDR"}, .facts = fact, .n_facts = 1};
    TRY(book_begin(&book, tx, arena, tx->options->agency, writer, now, post, 1, 0));
    TRY(book_open(&book));
    TRY(kpi_take(tx, arena, month, now, out));
    if (!out->changed) return TAGIH_OK;
    kpi_taken_fact(fact, tx, arena, out, post->id, NULL);
    book_move_begin(post);
    TRY(book_decide(&book));
    return book_save(&book);
}
