/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payment gets another tag (R-TAG-1): one person proposes, another decides, before the month closes. Its bonus lines are
 * taken back and written again from their stored context with only the tag changed (book/bonus.c); no money moves.
 */
#include "rpc/payment_retag.h"

#include <string.h>

#include "rpc/payment_view.h"
#include "run/random.h"
#include "store/bonus.h"
#include "store/retag.h"

#define REASON_MAX 500

struct retagging {
    payment_id payment;
    enum payment_tag tag;
};

tagih_err payment_retag_request(struct rpc_item *item) {
    const Tagih__V1__RetagPaymentRequest *request = item->request;
    struct retagging *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    out->tag = (enum payment_tag)request->tag;
    rpc_check_uuid(item, "payment_id", request->payment_id, &out->payment.u);
    if (!request->tag) rpc_problem(item, FAIL(REQUEST_FIELD_MISSING), "tag");
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    rpc_check_text(item, "etag", request->etag, 1, 64);
    return item->err;
}

/* The same when it is proposed and when it is done. */
static tagih_err judge(const struct payment_read *read, const struct retag_loaded *loaded, enum payment_tag tag) {
    if (read->reversed) return FAIL(PAYMENT_REVERSED);
    if (loaded->closed) return FAIL(PAYMENT_RETAG_CLOSED);
    if (read->tag == (int16_t)tag) return FAIL(PAYMENT_TAG_SAME);
    return payment_retag_check((enum payment_source)read->source, tag);
}

static tagih_err take(struct tx *tx, struct result *found, struct payment_read *read, struct retag_loaded *loaded) {
    tx_take(tx, found);
    retag_take_load(tx, loaded);
    if (result_count(found) != 1 || !loaded->found) return FAIL(NOT_PERMITTED);
    payment_read_row(found, 0, read);
    return TAGIH_OK;
}

static tagih_err propose(struct rpc_batch *batch, const struct payment_read *read) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__RetagPaymentRequest *request = item->request;
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_RETAG, .subject = read->id.u,
                                     .account = read->account, .has_amount = true, .amount_minor = read->amount_minor,
                                     .reason = request->reason};
    memcpy(making.currency.code, read->currency.data, 3);
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__RetagPaymentResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

tagih_err payment_retag(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct retagging *r = item->checked;
    const Tagih__V1__RetagPaymentRequest *request = item->request;
    struct payment_read read;
    struct retag_loaded loaded;
    TRY(payment_send_get(batch->tx, batch->arena, &r->payment, 1));
    TRY(retag_send_load(batch->tx, batch->arena, r->payment));
    TRY(rpc_load(batch));
    DEFER(result) struct result found = {0};
    tagih_err err = take(batch->tx, &found, &read, &loaded);
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(err);
    if (strcmp(request->etag, payment_etag(item, &read)) != 0) return FAIL(PAYMENT_CHANGED);
    TRY(judge(&read, &loaded, r->tag));
    return propose(batch, &read);
}

/* ---- doing ---------------------------------------------------------------------------------------------------- */

struct doing {
    struct post post;
    struct post_retag retag;
    struct book book;
    struct bonus_history history;
    struct payment_read read;
    struct retag_loaded loaded;
};

static tagih_err load(struct rpc_batch *batch, struct doing *d, struct result *found) {
    payment_id payment = d->post.payment;
    bool exists;
    TRY(book_begin(&d->book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &d->post, 1, 0));
    TRY(book_send_lock(&d->book));
    TRY(book_send_load(&d->book));
    TRY(payment_send_get(batch->tx, batch->arena, &payment, 1));
    TRY(retag_send_load(batch->tx, batch->arena, payment));
    TRY(bonus_send_lines(batch->tx, batch->arena, payment));
    TRY(tx_sync(batch->tx));
    book_take_lock(&d->book);
    TRY(book_take_load(&d->book));
    TRY(take(batch->tx, found, &d->read, &d->loaded));
    return bonus_take_lines(batch->tx, batch->arena, &exists, &d->history);
}

/* Under the digest: which payment got which tag, why, and who the two were. */
static tagih_err keep(struct rpc_batch *batch, struct approval *proposal, struct doing *d) {
    struct params *fact = ARENA_NEW(batch->arena, struct params);
    if (!fact) return FAIL(OUT_OF_MEMORY);
    struct retag_row row = {.payment = d->post.payment, .n = d->loaded.retags + 1, .posting = d->post.id,
                            .tag_before = d->read.tag, .tag = d->post.tag, .at = batch->now, .made_by = proposal->made_by,
                            .decided_by = proposal->decided_by, .reason = proposal->made_reason};
    retag_fact(fact, batch->tx, batch->arena, &row);
    d->post.facts = fact;
    d->post.n_facts = 1;
    return approval_join(batch, proposal, &d->post);
}

static tagih_err execute(struct rpc_batch *batch, struct approval *proposal) {
    const Tagih__V1__RetagPaymentRequest *request = proposal->request;
    struct doing *d = ARENA_NEW(batch->arena, struct doing);
    if (!d) return FAIL(OUT_OF_MEMORY);
    *d = (struct doing){.post = {.what = POST_MOVE, .kind = POSTING_OF_RETAG, .id = random_id(), .payment = {proposal->subject},
                                 .account = proposal->account, .tag = (int16_t)request->tag, .currency = proposal->currency,
                                 .value = batch->now, .received = batch->now, .has_actor = true,
                                 .actor = proposal->decided_by, .change = CHANGE_PAYMENT_RETAGGED, .retag = &d->retag}};
    book_move_begin(&d->post);
    DEFER(result) struct result found = {0};
    TRY(load(batch, d, &found));
    TRY(judge(&d->read, &d->loaded, (enum payment_tag)request->tag));
    d->retag = (struct post_retag){.before = (enum payment_tag)d->read.tag, .history = &d->history};
    TRY(keep(batch, proposal, d));
    TRY(book_decide(&d->book));
    return book_save(&d->book);
}

const struct approval_kind payment_retag_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_RETAG, .name = "retag",
                                                 .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
                                                 .request = &tagih__v1__retag_payment_request__descriptor,
                                                 .execute = execute};
