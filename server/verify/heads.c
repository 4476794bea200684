/* SPDX-License-Identifier: Apache-2.0 */
/* Signed heads: by this installation, of what the row says, and the chain still has that digest there. */
#include "rpc/heads.h"
#include "verify/verify.h"
#include "store_statements.h"

#define HEADS_CHUNK 1000
#define COL(name) COL_verify_heads_##name

static const hash256 zeros;

static hash256 hash_or_zeros(const struct result *r, size_t i, int column) {
    return result_is_null(r, i, column) ? zeros : result_hash(r, i, column);
}

/* Where the chain stood: the posting's digest, or that of all seals up to there. */
static void check_chain(const struct verify_row *row, const struct result *r, size_t i) {
    hash256 digest = result_hash(r, i, COL(digest)), now = hash_or_zeros(r, i, COL(chained));
    if (result_int8(r, i, COL(writer_id)) == 0) {
        hash256 before = hash_or_zeros(r, i, COL(before)), content = hash_or_zeros(r, i, COL(content));
        now = heads__seals(&before, &content);
    }
    verify__bytes(row, "digest", BYTES_OF(&digest), BYTES_OF(&now));
}

static void check_head(struct verify *v, const struct result *r, size_t i) {
    int64_t writer = result_int8(r, i, COL(writer_id)), n = result_int8(r, i, COL(n));
    const struct verify_row row = {v, "digest_head", arena_printf(v->arena, "writer %lld, %lld", (long long)writer, (long long)n)};
    struct posting_head head;
    struct envelope envelope;
    hash256 digest = result_hash(r, i, COL(digest));
    tagih_err err = posting_head_open(result_bytes(r, i, COL(signed)), v->installation, &head, &envelope);
    const struct key *key = err_is_ok(err) ? keyring_find(v->keys, KEY_ACK, envelope.kid) : NULL;
    if (err_is_ok(err)) err = key ? envelope_verify(&envelope, &key->public_key) : FAIL(ENVELOPE_SIGNATURE);
    if (!err_is_ok(err)) {
        verify__differs(&row, "signed", err_name(err), "a head that this installation signed");
        return;
    }
    bool has_month = !result_is_null(r, i, COL(month_on));
    verify__uuid(&row, "agency_id", v->agency.u, head.agency.u);
    verify__int(&row, "writer_id", writer, (int64_t)head.writer);
    verify__int(&row, "n", n, head.number);
    verify__bytes(&row, "digest", BYTES_OF(&digest), BYTES_OF(&head.digest));
    verify__int(&row, "made_us", result_int8(r, i, COL(made_us)), head.made.us);
    verify__bool(&row, "month_on", has_month, head.has_month);
    if (has_month && head.has_month) verify__date(&row, "month_on", result_date(r, i, COL(month_on)), head.month);
    check_chain(&row, r, i);
}

tagih_err verify_heads(struct verify *v) {
    int64_t made_us = INT64_MIN, writer = 0, number = 0, done = 0;
    for (size_t n = HEADS_CHUNK; n == HEADS_CHUNK;) {
        struct params p;
        DEFER(result) struct result r = {0};
        arena_reset(v->arena);
        tx_params(&p, v->tx, v->arena, STMT_verify_heads, 0);
        params_one_int8(&p, made_us);
        params_one_int8(&p, writer);
        params_one_int8(&p, number);
        params_one_int4(&p, HEADS_CHUNK);
        TRY(tx_send(v->tx, &p));
        TRY(tx_sync(v->tx));
        tx_take(v->tx, &r);
        n = result_count(&r);
        for (size_t i = 0; i < n; i++) check_head(v, &r, i);
        if (n) {
            made_us = result_int8(&r, n - 1, COL(made_us));
            writer = result_int8(&r, n - 1, COL(writer_id));
            number = result_int8(&r, n - 1, COL(n));
        }
        verify__progress(v, "heads", done += (int64_t)n);
    }
    return TAGIH_OK;
}
