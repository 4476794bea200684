/* SPDX-License-Identifier: Apache-2.0 */
/* Signing where the chains stand: the minute's chore behind heads.h. */
#include "rpc/heads.h"

#include <sodium.h>
#include <string.h>

#include "store/tx.h"
#include "store_statements.h"
#include "tagih/document.h"

#define HEAD_BYTES_MAX 512 /* of one signed head */

struct head_row {
    int64_t writer, n;
    hash256 digest;
    struct bytes xid_until; /* of the seals */
    bool has_xid;
    struct bytes signed_;
};

struct signing {
    const struct rpc_server *server;
    struct arena *arena;
    instant now;
    bool has_month;
    civil_date month;
    struct head_row rows[HEADS_MAX + 1]; /* chains, and the seals */
    size_t n, chains;
};

hash256 heads__seals(const hash256 *before, const hash256 *content) {
    static const uint8_t name[16] = "tagih.seals.1";
    crypto_hash_sha256_state state;
    hash256 out;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, name, sizeof name);
    crypto_hash_sha256_update(&state, before->b, sizeof before->b);
    crypto_hash_sha256_update(&state, content->b, sizeof content->b);
    crypto_hash_sha256_final(&state, out.b);
    return out;
}

tagih_err heads_due(struct db *db, struct arena *arena, instant now, int64_t deadline_us, agency_id *out, size_t room, size_t *n) {
    struct params p;
    DEFER(result) struct result r = {0};
    params_init(&p, arena, STMT_head_due_agencies, 0);
    params_one_int8(&p, now.us);
    TRY(db_exec_one(db, &p, deadline_us, &r));
    for (*n = 0; *n < result_count(&r) && *n < room; ++*n) out[*n].u = result_uuid(&r, *n, COL_head_due_agencies_agency_id);
    return TAGIH_OK;
}

static tagih_err send_load(struct tx *tx, struct signing *s) {
    struct params p;
    tx_params(&p, tx, s->arena, STMT_head_lock, 0);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, s->arena, STMT_head_load, 0);
    params_one_int8(&p, s->now.us);
    params_one_int4(&p, HEADS_MAX);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, s->arena, STMT_head_seals_load, 0);
    params_one_int8(&p, s->now.us);
    TRY(tx_send(tx, &p));
    return tx_sync(tx);
}

static void take_chains(struct tx *tx, struct signing *s) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    s->chains = result_count(&r);
    for (size_t i = 0; i < s->chains; i++) {
        s->rows[s->n++] = (struct head_row){.writer = result_int8(&r, i, COL_head_load_writer_id), .n = result_int8(&r, i, COL_head_load_n),
                                            .digest = result_hash(&r, i, COL_head_load_head)};
        s->has_month = !result_is_null(&r, i, COL_head_load_month_on);
        if (s->has_month) s->month = result_date(&r, i, COL_head_load_month_on);
    }
}

static void take_seals(struct tx *tx, struct signing *s) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    if (result_count(&r) == 0) return;
    hash256 before = {{0}}, content = result_hash(&r, 0, COL_head_seals_load_content);
    if (!result_is_null(&r, 0, COL_head_seals_load_before)) before = result_hash(&r, 0, COL_head_seals_load_before);
    s->rows[s->n++] = (struct head_row){.n = result_int8(&r, 0, COL_head_seals_load_n), .digest = heads__seals(&before, &content),
                                        .has_xid = true,
                                        .xid_until = arena_copy(s->arena, result_text(&r, 0, COL_head_seals_load_xid_until))};
}

static tagih_err sign_row(struct signing *s, agency_id agency, struct head_row *row) {
    struct posting_head head = {.agency = agency, .writer = (uint64_t)row->writer, .number = row->n, .digest = row->digest,
                                .made = s->now, .has_month = s->has_month, .month = s->month};
    const struct key *key = keyring_signing(s->server->keys, KEY_ACK);
    uint8_t *out = arena_alloc(s->arena, HEAD_BYTES_MAX);
    size_t len;
    if (!key || !out) return key ? FAIL(OUT_OF_MEMORY) : FAIL(INTERNAL);
    TRY(posting_head_sign(&head, s->server->installation, &key->secret, out, HEAD_BYTES_MAX, &len));
    row->signed_ = bytes_make(out, len);
    return TAGIH_OK;
}

static tagih_err send_rows(struct tx *tx, struct signing *s) {
    struct params p;
    tx_params(&p, tx, s->arena, STMT_head_insert, s->n);
    params_int8(&p, &s->rows[0].writer, sizeof s->rows[0]);
    params_int8(&p, &s->rows[0].n, sizeof s->rows[0]);
    params_one_int8(&p, s->now.us);
    if (s->has_month) params_one_date(&p, s->month);
    else params_one_null(&p);
    params_text_opt(&p, &s->rows[0].xid_until, &s->rows[0].has_xid, sizeof s->rows[0]);
    params_hash(&p, &s->rows[0].digest, sizeof s->rows[0]);
    params_bytea(&p, &s->rows[0].signed_, sizeof s->rows[0]);
    return tx_send(tx, &p);
}

static tagih_err sign_agency(struct tx *tx, void *context) {
    struct signing *s = context;
    arena_reset(s->arena);
    s->n = s->chains = 0;
    s->has_month = false;
    TRY(send_load(tx, s));
    DEFER(result) struct result locked = {0};
    tx_take(tx, &locked);
    take_chains(tx, s);
    take_seals(tx, s);
    for (size_t i = 0; i < s->n; i++) TRY(sign_row(s, tx->options->agency, &s->rows[i]));
    return s->n ? send_rows(tx, s) : TAGIH_OK;
}

tagih_err heads_sign(const struct rpc_server *server, struct db *db, struct arena *arena, agency_id agency, instant now,
                     int64_t deadline_us, size_t *n) {
    struct tx_options options = {.agency = agency, .deadline_us = deadline_us, .name = "heads"};
    struct signing signing = {.server = server, .arena = arena, .now = now};
    *n = 0;
    TRY(tx_run(db, &options, sign_agency, &signing));
    *n = signing.chains;
    return TAGIH_OK;
}
