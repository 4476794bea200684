/* SPDX-License-Identifier: Apache-2.0 */
/* Bonus lines against their hashes (R-BON-4). Their chains are compared set by set (verify_diff_bonus_chain). */
#include "verify/verify.h"
#include "store/bonus.h"
#include "store_statements.h"

#define LINES_CHUNK 2000

static void check_line(struct verify *v, const struct bonus_stored *line) {
    const struct verify_row row = {v, "bonus_line", verify__key(v, BYTES_OF(&line->record.line_id))};
    hash256 hash;
    tagih_err err = *line->record.scheme_name ? bonus_record_hash(&line->record, &hash) : FAIL(BONUS_RANGE);
    if (err_is_ok(err)) verify__bytes(&row, "hash", BYTES_OF(&line->hash), BYTES_OF(&hash));
    else verify__differs(&row, "scheme", err_name(err), "a line that can be hashed");
}

tagih_err verify_bonus(struct verify *v) {
    uuid after = {{0}}, after_line = {{0}};
    int64_t done = 0;
    for (size_t n = LINES_CHUNK; n == LINES_CHUNK;) {
        struct bonus_stored *lines;
        uuid *postings;
        arena_reset(v->arena);
        TRY(bonus_send_chunk(v->tx, v->arena, after, after_line, LINES_CHUNK));
        TRY(tx_sync(v->tx));
        TRY(bonus_take_chunk(v->tx, v->arena, &lines, &postings, &n));
        for (size_t i = 0; i < n; i++) check_line(v, &lines[i]);
        if (n) {
            after = postings[n - 1];
            after_line = lines[n - 1].record.line_id;
        }
        verify__progress(v, "bonus lines", done += (int64_t)n);
    }
    return verify__payouts(v);
}
