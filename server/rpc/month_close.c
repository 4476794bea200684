/* SPDX-License-Identifier: Apache-2.0 */
/* A month closes: collectors in chunks of one book each, then the row that closes it. */
#include "rpc/month_close.h"

#include <sodium.h>
#include <string.h>

#include "base/defer.h"
#include "domain/big_endian.h"
#include "rpc/kpi.h"
#include "run/grow.h"

#define SCHEME "standard-1"
#define COLLECTORS_A_BOOK 64
#define PARTS_A_STATEMENT 4096
#define SCRATCH_FIRST ((size_t)64 * 1024)
#define SCRATCH_MAX ((size_t)192 << 20)

/* Memory of one collector or one book, emptied after it. */
struct scratch {
    struct arena arena;
};

static void scratch_release(struct scratch *scratch) {
    if (scratch->arena.block) arena_reset(&scratch->arena);
}

static tagih_err scratch_open(struct scratch *scratch, struct arena *of) {
    void *first = arena_alloc(of, SCRATCH_FIRST);
    if (!first) return FAIL(OUT_OF_MEMORY);
    arena_init(&scratch->arena, first, SCRATCH_FIRST);
    arena_may_grow(&scratch->arena, SCRATCH_MAX, grow_more, grow_less);
    return TAGIH_OK;
}

/* One book of collectors. */
struct chunk {
    struct month_closing *closing;
    struct arena *arena;
    const struct month_collector *collectors;
    size_t n;
    struct post *posts;
    struct post_true_up *ups;
    struct month_closed *closed;
    struct book book;
    crypto_hash_sha256_state *digest; /* over all TRUE_UP lines of the close */
};

/* The id of a collector's TRUE_UP: the same whoever closes the month, and only once in the books. */
static uuid true_up_id(agency_id agency, const struct month_collector *of, civil_date month) {
    uint8_t name[16 + 16 + 16 + 4 + 3] = "tagih.trueup.1", digest[crypto_hash_sha256_BYTES];
    memcpy(name + 16, agency.u.b, 16);
    memcpy(name + 32, of->collector.u.b, 16);
    put_be32(name + 48, (uint32_t)month.days);
    memcpy(name + 52, of->currency.code, 3);
    crypto_hash_sha256(digest, name, sizeof name);
    uuid id;
    memcpy(id.b, digest, sizeof id.b);
    return id;
}

static tagih_err chunk_open(struct chunk *chunk, instant last) {
    const struct month_closing *c = chunk->closing;
    chunk->posts = ARENA_ARRAY(chunk->arena, chunk->n, struct post);
    chunk->ups = ARENA_ARRAY(chunk->arena, chunk->n, struct post_true_up);
    chunk->closed = ARENA_ARRAY(chunk->arena, chunk->n, struct month_closed);
    if (!chunk->posts || !chunk->ups || !chunk->closed) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < chunk->n; i++) {
        const struct month_collector *of = &chunk->collectors[i];
        chunk->posts[i] = (struct post){.what = POST_MOVE, .kind = POSTING_OF_TRUE_UP, .id = true_up_id(c->agency, of, c->month),
                                        .collector = of->collector, .currency = of->currency, .value = last, .received = c->now,
                                        .has_actor = true, .actor = c->approved_by, .true_up = &chunk->ups[i]};
        book_move_begin(&chunk->posts[i]);
    }
    TRY(book_begin(&chunk->book, c->tx, chunk->arena, c->agency, c->writer, c->now, chunk->posts, chunk->n, 0));
    return book_open(&chunk->book);
}

static tagih_err send_parts(const struct month_closing *c, struct arena *arena, const struct month_collector *of, uuid line_id,
                            const struct bonus_closing *rows, size_t n) {
    for (size_t at = 0; at < n; at += PARTS_A_STATEMENT) {
        size_t count = n - at < PARTS_A_STATEMENT ? n - at : PARTS_A_STATEMENT;
        if (c->tx->n_slots - c->tx->n_answered >= TX_QUEUE_MAX / 2) TRY(tx_sync(c->tx));
        TRY(month_send_parts(c->tx, arena, of, c->month, line_id, rows + at, count));
    }
    return n ? tx_sync(c->tx) : TAGIH_OK;
}

/* What of a payment's base is his: the split of when it was posted, of the base as it stands now (R-BON-8a). */
static tagih_err own_part(const struct month_share *shares, size_t n, user_id collector, int64_t *base_minor) {
    struct bonus_share split[BONUS_SHARES_MAX];
    if (n > BONUS_SHARES_MAX) return FAIL(INTERNAL);
    for (size_t i = 0; i < n; i++) split[i] = shares[i].share;
    TRY(bonus_split(*base_minor, split, n));
    for (size_t i = 0; i < n; i++) {
        if (!uuid_equal(split[i].collector.u, collector.u)) continue;
        *base_minor = split[i].base_minor;
        return TAGIH_OK;
    }
    return FAIL(INTERNAL);
}

/* Both come by payment id; shares of payments that are no row were reversed, or are of another currency. */
static tagih_err take_own_parts(struct bonus_closing *rows, size_t n, const struct month_share *shares, size_t n_shares, user_id collector) {
    size_t row = 0;
    for (size_t at = 0, same; at < n_shares; at += same) {
        for (same = 1; at + same < n_shares && uuid_equal(shares[at + same].payment.u, shares[at].payment.u);) same++;
        while (row < n && uuid_compare(rows[row].payment.u, shares[at].payment.u) < 0) row++;
        if (row == n || !uuid_equal(rows[row].payment.u, shares[at].payment.u)) continue;
        TRY(own_part(shares + at, same, collector, &rows[row].base_minor));
    }
    return TAGIH_OK;
}

/* One collector: his payments as they stand, T and G of the whole month, a part for each. */
static tagih_err close_collector(struct chunk *chunk, size_t i, struct arena *arena) {
    struct month_closing *c = chunk->closing;
    const struct month_collector *of = &chunk->collectors[i];
    const struct posting_month *month = book_month(&chunk->book, of->collector, c->month, of->currency);
    const struct bonus_scheme *scheme = bonus_scheme_find(SCHEME, chunk->posts[i].value_on);
    if (!month || !scheme) return FAIL(INTERNAL);
    struct post_true_up *up = &chunk->ups[i];
    *up = (struct post_true_up){.month = c->month, .team = of->team,
                                .inputs = {.currency = of->currency, .has_target = month->has_target,
                                           .target_minor = month->target_minor, .target_version = month->target_version}};
    struct bonus_closing *rows;
    struct month_share *shares;
    size_t n, n_shares;
    TRY(month_send_payments(c->tx, arena, of, c->month, MONTH_PAYMENTS_MAX + 1));
    TRY(month_send_shares(c->tx, arena, of, c->month));
    TRY(tx_sync(c->tx));
    TRY(month_take_payments(c->tx, arena, &rows, &n));
    TRY(month_take_shares(c->tx, arena, &shares, &n_shares));
    if (n > MONTH_PAYMENTS_MAX) return FAIL(MONTH_PAYMENTS);
    TRY(take_own_parts(rows, n, shares, n_shares, of->collector));
    TRY(bonus_true_up(scheme, &up->inputs, rows, n, &up->result));
    up->inputs.base_minor = up->result.net_minor;
    up->inputs.mtd_minor = up->result.base_minor;
    up->parts = bonus_parts_digest(rows, n);
    chunk->closed[i] = (struct month_closed){of->collector, of->currency, up->result.base_minor, month->has_target,
                                             month->target_minor, month->target_version};
    c->row.true_ups++;
    c->row.payments += (int64_t)n;
    TRY(minor_add(c->row.true_up_minor, up->result.amount_minor, &c->row.true_up_minor));
    return send_parts(c, arena, of, chunk->posts[i].id, rows, n);
}

static tagih_err close_chunk(struct chunk *chunk, instant last) {
    const struct month_closing *c = chunk->closing;
    DEFER(scratch) struct scratch scratch = {0};
    TRY(scratch_open(&scratch, chunk->arena));
    TRY(chunk_open(chunk, last));
    for (size_t i = 0; i < chunk->n; i++) {
        TRY(close_collector(chunk, i, &scratch.arena));
        arena_reset(&scratch.arena);
    }
    TRY(book_decide(&chunk->book));
    TRY(book_save(&chunk->book));
    TRY(month_send_closed(c->tx, chunk->arena, c->month, chunk->closed, chunk->n));
    for (size_t i = 0; i < chunk->book.n_bonus; i++) {
        crypto_hash_sha256_update(chunk->digest, chunk->book.bonus[i].hash.b, sizeof chunk->book.bonus[i].hash.b);
    }
    return tx_sync(c->tx);
}

static tagih_err close_collectors(struct month_closing *c, instant last, crypto_hash_sha256_state *digest) {
    struct month_collector *collectors;
    size_t n;
    TRY(month_send_collectors(c->tx, c->arena, c->month));
    TRY(tx_sync(c->tx));
    TRY(month_take_collectors(c->tx, c->arena, &collectors, &n));
    DEFER(scratch) struct scratch scratch = {0};
    TRY(scratch_open(&scratch, c->arena));
    for (size_t at = 0; at < n; at += COLLECTORS_A_BOOK) {
        struct chunk chunk = {.closing = c, .arena = &scratch.arena, .collectors = collectors + at, .digest = digest,
                              .n = n - at < COLLECTORS_A_BOOK ? n - at : COLLECTORS_A_BOOK};
        TRY(close_chunk(&chunk, last));
        arena_reset(&scratch.arena);
    }
    return TAGIH_OK;
}

/* The posting of the close itself, with its rows and whatever joins it. */
static tagih_err close_posting(struct month_closing *c, const struct month_now *now, const struct kpi_taken *kpi) {
    struct params facts[3];
    month_close_fact(&facts[0], c->tx, c->arena, &c->row);
    month_readiness_fact(&facts[1], c->tx, c->arena, &c->row);
    if (kpi->changed) kpi_taken_fact(&facts[2], c->tx, c->arena, kpi, c->posting, &c->approved_by);
    struct post post = {.what = POST_MOVE, .kind = POSTING_OF_CLOSE, .id = c->posting, .value = now->last, .received = c->now,
                        .has_actor = true, .actor = c->approved_by, .facts = facts, .n_facts = kpi->changed ? 3 : 2};
    memcpy(post.currency.code, now->currency, 3);
    book_move_begin(&post);
    if (c->join) TRY(c->join(c->join_context, &post));
    struct book book;
    TRY(book_begin(&book, c->tx, c->arena, c->agency, c->writer, c->now, &post, 1, 0));
    TRY(book_open(&book));
    TRY(book_decide(&book));
    return book_save(&book);
}

/* Lock first: what the second statement reads is what stands once everybody else is done. */
static tagih_err begin(struct month_closing *c, struct month_now *now) {
    DEFER(result) struct result locked = {0};
    TRY(month_send_lock(c->tx, c->arena));
    TRY(month_send_now(c->tx, c->arena, c->month, c->now));
    TRY(tx_sync(c->tx));
    tx_take(c->tx, &locked);
    TRY(month_take_now(c->tx, now));
    TRY(month_close_check(c->month, &now->books));
    TRY(month_send_open(c->tx, c->arena, c->month, now->last));
    TRY(tx_sync(c->tx));
    month_take_open(c->tx, &c->row.open);
    return TAGIH_OK;
}

tagih_err month_close(struct month_closing *c) {
    static const uint8_t name[16] = "tagih.close.1";
    struct month_now now;
    struct kpi_taken kpi;
    c->row = (struct month_close_row){.month = c->month, .posting = c->posting, .closed = c->now, .made_by = c->made_by,
                                      .approved_by = c->approved_by};
    TRY(begin(c, &now));
    uint8_t month[4];
    crypto_hash_sha256_state digest;
    crypto_hash_sha256_init(&digest);
    crypto_hash_sha256_update(&digest, name, sizeof name);
    put_be32(month, (uint32_t)c->month.days);
    crypto_hash_sha256_update(&digest, month, sizeof month);
    TRY(close_collectors(c, now.last, &digest));
    TRY(kpi_take(c->tx, c->arena, c->month, c->now, &kpi));
    crypto_hash_sha256_update(&digest, kpi.version.digest.b, sizeof kpi.version.digest.b);
    crypto_hash_sha256_final(&digest, c->row.digest.b);
    return close_posting(c, &now, &kpi);
}
