/* SPDX-License-Identifier: Apache-2.0 */
/* Runs: shares out of sums, the run that is approved, the run that is paid, and who leaves owing. */
#include <sodium.h>
#include <string.h>

#include "domain/big_endian.h"
#include "domain/bonus_state.h"
#include "rpc/month.h"
#include "rpc/payout.h"
#include "run/random.h"
#include "store/fact.h"

#define GROUPS_MAX 2048 /* sums of one collector: months and their clawbacks */
#define COLLECTORS_A_BOOK 128

/* ---- shares --------------------------------------------------------------------------------------------------- */

/* What a run's digest covers: its month and rates, then each share. */
static void digest_share(crypto_hash_sha256_state *state, const struct payout_share *share) {
    const struct payout *p = &share->payout;
    const int64_t figures[] = {share->lines, p->carried_in_minor, p->earned_minor, p->owed_minor, p->deducted_minor, p->paid_minor,
                               p->tax_minor, p->net_minor, p->carried_out_minor};
    crypto_hash_sha256_update(state, share->collector.u.b, 16);
    crypto_hash_sha256_update(state, share->digest.b, sizeof share->digest.b);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        uint8_t out[8];
        put_be64(out, (uint64_t)figures[i]);
        crypto_hash_sha256_update(state, out, sizeof out);
    }
}

static void digest_head(crypto_hash_sha256_state *state, const struct payout_work *work) {
    static const uint8_t name[16] = "tagih.payout.1";
    uint8_t head[16];
    put_be32(head, (uint32_t)work->through.days);
    put_be32(head + 4, (uint32_t)work->run_no);
    put_be32(head + 8, (uint32_t)work->books.rules.tax_bp);
    put_be32(head + 12, (uint32_t)work->books.rules.deduct_max_bp);
    crypto_hash_sha256_init(state);
    crypto_hash_sha256_update(state, name, sizeof name);
    crypto_hash_sha256_update(state, head, sizeof head);
}

/* One collector's groups, which stand together. */
static tagih_err share_of(const struct payout_group *groups, size_t n, const struct payout_work *work, struct payout_share *out) {
    int64_t sums[GROUPS_MAX];
    crypto_hash_sha256_state state;
    if (n > GROUPS_MAX) return FAIL(PAYOUT_TOO_LARGE);
    *out = (struct payout_share){.collector = groups[0].collector, .currency = bytes_text(work->books.currency.code),
                                 .run_no = work->run_no, .payout = {.carried_in_minor = groups[0].carried_in_minor}};
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < n; i++) {
        sums[i] = groups[i].amount_minor;
        out->lines += groups[i].lines;
        crypto_hash_sha256_update(&state, groups[i].digest.b, sizeof groups[i].digest.b);
    }
    crypto_hash_sha256_final(&state, out->digest.b);
    return payout_work_out(work->books.currency, &work->books.rules, sums, n, &out->payout);
}

static size_t same_collector(const struct payout_group *groups, size_t n) {
    size_t same = 1;
    while (same < n && uuid_equal(groups[same].collector.u, groups[0].collector.u)) same++;
    return same;
}

tagih_err payout_work(struct arena *arena, const struct payout_group *groups, size_t n, struct payout_work *work) {
    crypto_hash_sha256_state state;
    if (n == 0) return FAIL(PAYOUT_EMPTY);
    work->shares = ARENA_ARRAY(arena, n, struct payout_share);
    if (!work->shares) return FAIL(OUT_OF_MEMORY);
    work->n = 0;
    work->paid_minor = 0;
    digest_head(&state, work);
    for (size_t at = 0, same; at < n; at += same) {
        struct payout_share *share = &work->shares[work->n++];
        same = same_collector(groups + at, n - at);
        if (work->n > PAYOUT_COLLECTORS_MAX) return FAIL(PAYOUT_TOO_LARGE);
        TRY(share_of(groups + at, same, work, share));
        TRY(minor_add(work->paid_minor, share->payout.paid_minor, &work->paid_minor));
        digest_share(&state, share);
    }
    crypto_hash_sha256_final(&state, work->digest.b);
    return TAGIH_OK;
}

/* ---- books ---------------------------------------------------------------------------------------------------- */

static tagih_err run_book(struct rpc_batch *batch, struct post *posts, size_t n) {
    struct book book;
    TRY(book_begin(&book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, posts, n, 0));
    TRY(book_open(&book));
    TRY(book_decide(&book));
    TRY(book_save(&book));
    return tx_sync(batch->tx);
}

static struct post event(const struct rpc_batch *batch, const struct approval *proposal, enum posting_kind kind, currency in) {
    struct post post = {.what = POST_MOVE, .kind = kind, .id = random_id(), .currency = in, .value = batch->now,
                        .received = batch->now, .has_actor = true, .actor = proposal->decided_by};
    book_move_begin(&post);
    return post;
}

/* ---- a run is made: LOCKED → APPROVED ------------------------------------------------------------------------- */

static tagih_err take_lines(struct rpc_batch *batch, struct payout_work *work) {
    DEFER(result) struct result locked = {0};
    struct payout_group *groups;
    size_t n;
    TRY(payout_send_lock(batch->tx, batch->arena));
    TRY(payout_send_books(batch->tx, batch->arena, work->through));
    TRY(tx_sync(batch->tx));
    tx_take(batch->tx, &locked);
    TRY(payout_take_books(batch->tx, &work->books));
    if (!work->books.closed) return FAIL(MONTH_OPEN);
    work->run_no = work->books.run_no + 1;
    TRY(payout_send_lines(batch->tx, batch->arena, work->through, work->books.currency, work->run_no));
    TRY(tx_sync(batch->tx));
    TRY(payout_take_groups(batch->tx, batch->arena, &groups, &n));
    return payout_work(batch->arena, groups, n, work);
}

static tagih_err save_run(struct rpc_batch *batch, struct approval *proposal, struct payout_work *work) {
    struct params facts[1 + PAYOUT_COLLECTORS_MAX / FACT_ROWS_MAX];
    size_t n_facts = 0;
    struct post post = event(batch, proposal, POSTING_OF_BONUS_STATE, work->books.currency);
    struct payout_run run = {.run_no = work->run_no, .posting = post.id, .through = work->through,
                             .currency = bytes_text(work->books.currency.code), .rules = work->books.rules,
                             .collectors = (int32_t)work->n, .paid_minor = work->paid_minor, .digest = work->digest,
                             .at = batch->now, .made_by = proposal->made_by, .approved_by = proposal->decided_by};
    payout_run_fact(&facts[n_facts++], batch->tx, batch->arena, &run);
    for (size_t i = 0; i < work->n; i++) work->shares[i].posting = post.id;
    for (size_t at = 0; at < work->n; at += FACT_ROWS_MAX) {
        size_t count = work->n - at < FACT_ROWS_MAX ? work->n - at : FACT_ROWS_MAX;
        payout_shares_fact(&facts[n_facts++], batch->tx, batch->arena, work->shares + at, count);
    }
    post.facts = facts;
    post.n_facts = n_facts;
    TRY(approval_join(batch, proposal, &post));
    return run_book(batch, &post, 1);
}

static tagih_err execute_approve(struct rpc_batch *batch, struct approval *proposal) {
    const Tagih__V1__ProposePayoutRequest *request = proposal->request;
    struct payout_work work = {.n = 0};
    if (!rpc_check_month(batch->items[0], "through_month", request->through_month, &work.through)) return FAIL(DATE_SYNTAX);
    TRY(take_lines(batch, &work));
    bool same = request->digest.len == sizeof work.digest.b && memcmp(request->digest.data, work.digest.b, sizeof work.digest.b) == 0;
    return same ? save_run(batch, proposal, &work) : FAIL(PAYOUT_CHANGED);
}

const struct approval_kind payout_approve_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_BONUS_APPROVE,
                                                  .name = "bonus_approve", .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
                                                  .request = &tagih__v1__propose_payout_request__descriptor,
                                                  .execute = execute_approve};

/* ---- a run is paid: APPROVED → PAID --------------------------------------------------------------------------- */

/* J18: bonus payable to the bank and to the tax office. */
static struct post pay_share(const struct rpc_batch *batch, const struct approval *proposal, const struct payout_share *share, currency in) {
    struct post post = event(batch, proposal, POSTING_OF_PAYOUT, in);
    struct ledger_side payable = {LEDGER_BONUS_PAYABLE, share->collector.u};
    post.collector = share->collector;
    ledger_move(&post.ledger, payable, LEDGER_SIDE(BANK), share->payout.net_minor);
    ledger_move(&post.ledger, payable, LEDGER_SIDE(TAX_WITHHELD), share->payout.tax_minor);
    return post;
}

static tagih_err pay_shares(struct rpc_batch *batch, const struct approval *proposal, const struct payout_share *shares, size_t n, currency in) {
    struct post *posts = ARENA_ARRAY(batch->arena, COLLECTORS_A_BOOK, struct post);
    size_t n_posts = 0;
    if (!posts) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        if (shares[i].payout.paid_minor) posts[n_posts++] = pay_share(batch, proposal, &shares[i], in);
        bool full = n_posts == COLLECTORS_A_BOOK || (i + 1 == n && n_posts > 0);
        if (full) TRY(run_book(batch, posts, n_posts));
        if (full) n_posts = 0;
    }
    return TAGIH_OK;
}

static tagih_err load_run(struct rpc_batch *batch, int32_t run_no, struct payout_run *run, struct payout_share **shares, size_t *n) {
    DEFER(result) struct result locked = {0};
    bool found;
    TRY(payout_send_lock(batch->tx, batch->arena));
    TRY(payout_send_get(batch->tx, batch->arena, run_no));
    TRY(payout_send_shares(batch->tx, batch->arena, run_no, (user_id){{{0}}}, PAYOUT_COLLECTORS_MAX));
    TRY(payout_send_hindered(batch->tx, batch->arena, run_no));
    TRY(tx_sync(batch->tx));
    tx_take(batch->tx, &locked);
    TRY(payout_take_get(batch->tx, batch->arena, run, &found));
    TRY(payout_take_shares(batch->tx, batch->arena, shares, n));
    struct bonus_state_facts facts = {.confirmed = payout_take_hindered(batch->tx) == 0};
    if (!found) return FAIL(PAYOUT_UNKNOWN);
    enum bonus_state state = run->paid ? BONUS_PAID : BONUS_APPROVED;
    return run->paid ? FAIL(PAYOUT_PAID) : bonus_state_apply(state, BONUS_PAY, &facts, &state);
}

static tagih_err execute_pay(struct rpc_batch *batch, struct approval *proposal) {
    const Tagih__V1__ProposePayoutPaymentRequest *request = proposal->request;
    struct payout_run run;
    struct payout_share *shares;
    size_t n;
    TRY(load_run(batch, (int32_t)request->run_no, &run, &shares, &n));
    currency in = {{0}};
    memcpy(in.code, run.currency.data, 3);
    TRY(pay_shares(batch, proposal, shares, n, in));
    struct params fact;
    struct post post = event(batch, proposal, POSTING_OF_BONUS_STATE, in);
    payout_paid_fact(&fact, batch->tx, batch->arena, &(struct payout_paid){
        .run_no = (int32_t)request->run_no, .posting = post.id, .bank_reference = bytes_text(request->bank_reference), .at = batch->now,
        .made_by = proposal->made_by, .approved_by = proposal->decided_by});
    post.facts = &fact;
    post.n_facts = 1;
    TRY(approval_join(batch, proposal, &post));
    return run_book(batch, &post, 1);
}

const struct approval_kind payout_pay_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_BONUS_PAY, .name = "bonus_pay",
                                              .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
                                              .request = &tagih__v1__propose_payout_payment_request__descriptor,
                                              .execute = execute_pay};

/* ---- a collector leaves owing (J19) --------------------------------------------------------------------------- */

static tagih_err execute_leaving(struct rpc_batch *batch, struct approval *proposal) {
    DEFER(result) struct result locked = {0};
    struct payout_books books;
    user_id collector = {proposal->subject};
    TRY(payout_send_lock(batch->tx, batch->arena));
    TRY(payout_send_books(batch->tx, batch->arena, (civil_date){0}));
    TRY(tx_sync(batch->tx));
    tx_take(batch->tx, &locked);
    TRY(payout_take_books(batch->tx, &books));
    struct params fact;
    struct post post = event(batch, proposal, POSTING_OF_LEAVING, books.currency);
    post.collector = collector;
    struct book book;
    TRY(book_begin(&book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &post, 1, 0));
    TRY(book_open(&book));
    const struct posting_collector *now = book_collector(&book, collector, books.currency);
    if (!now || now->bonus_payable_minor >= 0) return FAIL(PAYOUT_OWES_NOTHING);
    int64_t owed_minor = -now->bonus_payable_minor;
    ledger_move(&post.ledger, (struct ledger_side){LEDGER_COLLECTOR_RECEIVABLE, collector.u},
                (struct ledger_side){LEDGER_BONUS_PAYABLE, collector.u}, owed_minor);
    payout_leaving_fact(&fact, batch->tx, batch->arena, &(struct payout_leaving){
        .posting = post.id, .collector = collector, .currency = bytes_text(books.currency.code), .amount_minor = owed_minor,
        .after_run = books.run_no, .at = batch->now, .made_by = proposal->made_by, .approved_by = proposal->decided_by});
    post.facts = &fact;
    post.n_facts = 1;
    TRY(approval_join(batch, proposal, &post));
    TRY(book_decide(&book));
    return book_save(&book);
}

const struct approval_kind leaving_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_BONUS_LEAVING, .name = "bonus_leaving",
                                           .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
                                           .request = &tagih__v1__propose_leaving_request__descriptor,
                                           .execute = execute_leaving};
