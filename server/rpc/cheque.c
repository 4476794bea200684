/* SPDX-License-Identifier: Apache-2.0 */
/* ChequeService: from a collector's hand to the bank (J9), and back when it is not honoured (J10). Clearing is a line of the
 * bank's statement (bank_import.c). */
#include <string.h>

#include "domain/change.h"
#include "rpc/payment_view.h"
#include "book/posting.h"
#include "rpc/services.h"
#include "run/random.h"
#include "store/bank.h"

#define CHEQUES_MAX 100
#define REASON_MAX 500

static struct bytes text_of(const char *text) {
    return bytes_text(text);
}

/* ---- HandInCheques -------------------------------------------------------------------------------------------- */

struct handing {
    user_id collector;
    payment_id *payments;
    size_t n;
};

static tagih_err hand_in_request(struct rpc_item *item) {
    const Tagih__V1__HandInChequesRequest *request = item->request;
    struct handing *h = rpc_alloc(item, sizeof *h);
    item->checked = h;
    if (!h) return item->err;
    *h = (struct handing){.n = request->n_payment_ids};
    rpc_check_uuid(item, "collector_id", request->collector_id, &h->collector.u);
    if (h->n < 1 || h->n > CHEQUES_MAX) {
        rpc_problem(item, FAIL(REQUEST_TOO_MANY), "payment_ids");
        return item->err;
    }
    h->payments = rpc_alloc(item, h->n * sizeof *h->payments);
    for (size_t i = 0; h->payments && i < h->n; i++) {
        if (!err_is_ok(uuid_parse(request->payment_ids[i], &h->payments[i].u))) rpc_problem(item, FAIL(ID_SYNTAX), "payment_ids[%zu]", i);
        for (size_t k = 0; k < i; k++) {
            if (uuid_equal(h->payments[k].u, h->payments[i].u)) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "payment_ids[%zu]", i);
        }
    }
    return item->err;
}

/* All of them, as they are stored, in the order asked. */
static tagih_err load_cheques(struct rpc_batch *batch, const struct handing *h, struct payment_read *reads, struct result *r) {
    struct rpc_item *item = batch->items[0];
    TRY(payment_send_get(batch->tx, batch->arena, h->payments, h->n));
    TRY(rpc_load(batch));
    tx_take(batch->tx, r);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (uuid_equal(item->caller.user.u, h->collector.u)) return FAIL(SETTLEMENT_OWN);
    if (result_count(r) != h->n) return FAIL(NOT_PERMITTED);
    for (size_t i = 0; i < h->n; i++) {
        payment_read_row(r, i, &reads[i]);
        bool his = reads[i].has_collector && uuid_equal(reads[i].collector.u, h->collector.u);
        if (!his || reads[i].tender != TENDER_CHEQUE) rpc_problem(item, FAIL(CHEQUE_NOT_IN_HAND), "payment_ids[%zu]", i);
    }
    return item->err;
}

static tagih_err cheque_post(const struct handing *h, const struct payment_read *read, instant now, user_id actor, struct post *out) {
    *out = (struct post){.what = POST_MOVE, .kind = POSTING_OF_CHEQUE, .id = random_id(), .payment = read->id, .account = read->account,
                         .amount_minor = read->amount_minor, .value = now, .received = now, .collector = h->collector, .has_actor = true,
                         .actor = actor, .change = CHANGE_CHEQUE_HANDED_IN};
    return currency_parse(read->currency, &out->currency);
}

static tagih_err open_hand_in(struct rpc_batch *batch, struct book *book, const struct handing *h, struct post *posts, bool *in_hand) {
    TRY(book_begin(book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, posts, h->n, 0));
    TRY(book_send_lock(book));
    TRY(book_send_load(book));
    TRY(bank_send_expected_lock(batch->tx, batch->arena, &h->payments[0].u, h->n));
    TRY(tx_sync(batch->tx));
    book_take_lock(book);
    TRY(book_take_load(book));
    bank_take_expected_lock(batch->tx, &h->payments[0].u, h->n, EXPECTED_NOT_SENT, in_hand);
    return TAGIH_OK;
}

/* J9: cheques in collection · cheques in hand (C). */
static tagih_err move_cheque(struct rpc_batch *batch, struct post *post) {
    struct params *fact = ARENA_ARRAY(batch->arena, 1, struct params);
    if (!fact) return FAIL(OUT_OF_MEMORY);
    struct cheque_event_row row = {.payment = post->payment.u, .posting = post->id, .kind = CHEQUE_HANDED_IN, .reason = text_of(""),
                                   .at = batch->now, .actor = post->actor};
    cheque_event_params(fact, batch->tx, batch->arena, &row);
    post->facts = fact;
    post->n_facts = 1;
    book_move_begin(post);
    ledger_move(&post->ledger, LEDGER_SIDE(CHEQUES_IN_COLLECTION), (struct ledger_side){LEDGER_CHEQUES_IN_HAND, post->collector.u}, post->amount_minor);
    return TAGIH_OK;
}

static tagih_err add_sum(struct rpc_item *item, const struct post *post) {
    Tagih__V1__HandInChequesResponse *out = item->response;
    for (size_t i = 0; i < out->n_sums; i++) {
        if (bytes_equal(text_of(out->sums[i]->currency), text_of(post->currency.code))) {
            return minor_add(out->sums[i]->minor, post->amount_minor, &out->sums[i]->minor);
        }
    }
    out->sums[out->n_sums] = money_view(item, post->amount_minor, text_of(post->currency.code));
    out->n_sums += out->sums[out->n_sums] != NULL;
    return TAGIH_OK;
}

static tagih_err hand_in(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct handing *h = item->checked;
    struct payment_read *reads = ARENA_ARRAY(batch->arena, h->n, struct payment_read);
    struct post *posts = ARENA_ARRAY(batch->arena, h->n, struct post);
    bool *in_hand = ARENA_ARRAY(batch->arena, h->n, bool);
    Tagih__V1__HandInChequesResponse *out = item->response;
    DEFER(result) struct result r = {0};
    out->sums = rpc_alloc(item, h->n * sizeof *out->sums);
    if (!reads || !posts || !in_hand || !out->sums) return FAIL(OUT_OF_MEMORY);
    TRY(load_cheques(batch, h, reads, &r));
    if (!rpc_ok(item)) return TAGIH_OK;
    for (size_t i = 0; i < h->n; i++) TRY(cheque_post(h, &reads[i], batch->now, item->caller.user, &posts[i]));
    struct book book;
    TRY(open_hand_in(batch, &book, h, posts, in_hand));
    for (size_t i = 0; i < h->n; i++) {
        if (!in_hand[i]) rpc_problem(item, FAIL(CHEQUE_NOT_IN_HAND), "payment_ids[%zu]", i);
        TRY(move_cheque(batch, &posts[i]));
        TRY(add_sum(item, &posts[i]));
    }
    TRY(item->err);
    TRY(book_decide(&book));
    return book_save(&book);
}

/* ---- BounceCheque --------------------------------------------------------------------------------------------- */

struct bouncing {
    payment_id payment;
    int64_t fee_minor;
    currency currency; /* of the fee */
    bool charged;
};

static void check_fee(struct rpc_item *item, const Tagih__V1__Money *fee, struct bouncing *b) {
    if (!fee) return;
    tagih_err err = currency_parse(text_of(fee->currency), &b->currency);
    if (!err_is_ok(err)) rpc_problem(item, err, "fee.currency");
    if (fee->minor <= 0 || fee->minor > MONEY_AMOUNT_MAX_MINOR) rpc_problem(item, FAIL(PAYMENT_AMOUNT), "fee.minor");
    b->fee_minor = fee->minor;
}

static tagih_err bounce_request(struct rpc_item *item) {
    const Tagih__V1__BounceChequeRequest *request = item->request;
    struct bouncing *b = rpc_alloc(item, sizeof *b);
    item->checked = b;
    if (!b) return item->err;
    *b = (struct bouncing){.charged = request->debtor_bears};
    rpc_check_uuid(item, "payment_id", request->payment_id, &b->payment.u);
    rpc_check_text(item, "etag", request->etag, 1, 64);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    check_fee(item, request->fee, b);
    if (b->charged && b->fee_minor == 0) rpc_problem(item, FAIL(REQUEST_FIELD_MISSING), "fee");
    return item->err;
}

/* Its posts: the reversal, the fee as a charge of the account, the fee itself. */
enum { REVERSED, CHARGED, FEE, POSTS };

static tagih_err judge(struct rpc_item *item, const struct book *book, const struct payment_read *read) {
    const struct bouncing *b = item->checked;
    const Tagih__V1__BounceChequeRequest *request = item->request;
    const struct posting_reversed *at = &book->loaded.reversed[REVERSED];
    if (read->reversed) return FAIL(PAYMENT_REVERSED);
    if (strcmp(request->etag, payment_etag(item, read)) != 0) return FAIL(PAYMENT_CHANGED);
    TRY(payment_reversal_check(REVERSAL_BOUNCE, (enum payment_source)read->source, (enum tender)read->tender));
    if (b->fee_minor && !bytes_equal(text_of(b->currency.code), read->currency)) return FAIL(ACCOUNT_CURRENCY);
    return at->at_bank && at->bank_state == EXPECTED_NOT_SENT ? FAIL(CHEQUE_IN_HAND) : TAGIH_OK;
}

static void make_posts(const struct rpc_batch *batch, account_id account, struct post posts[POSTS]) {
    const struct rpc_item *item = batch->items[0];
    const struct bouncing *b = item->checked;
    struct post base = {.account = account, .amount_minor = b->fee_minor, .currency = b->currency, .value = batch->now,
                        .received = batch->now, .has_actor = true, .actor = item->caller.user,
                        .note = text_of(((const Tagih__V1__BounceChequeRequest *)item->request)->reason)};
    for (size_t i = 0; i < POSTS; i++) {
        posts[i] = base;
        posts[i].id = random_id();
    }
    posts[REVERSED].what = POST_REVERSAL;
    posts[REVERSED].reason = REVERSAL_BOUNCE;
    posts[REVERSED].payment = b->payment;
    posts[CHARGED].what = POST_FACT;
    posts[CHARGED].fact = FACT_CHARGE;
    posts[CHARGED].component = COMPONENT_FEES;
    posts[CHARGED].skip = !b->charged;
    posts[FEE].what = POST_MOVE;
    posts[FEE].kind = POSTING_OF_BANK_CHARGE;
    posts[FEE].payment = b->payment;
    posts[FEE].skip = b->fee_minor == 0;
}

static tagih_err load_bounce(struct rpc_batch *batch, struct book *book, struct post posts[POSTS], struct result *found) {
    const struct bouncing *b = batch->items[0]->checked;
    TRY(book_begin(book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, posts, POSTS, 0));
    TRY(payment_send_device_lock(batch->tx, batch->arena, b->payment));
    TRY(book_send_lock(book));
    TRY(book_send_load(book));
    TRY(payment_send_get(batch->tx, batch->arena, &b->payment, 1));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result locked = {0};
    tx_take(batch->tx, &locked);
    book_take_lock(book);
    TRY(book_take_load(book));
    tx_take(batch->tx, found);
    return TAGIH_OK;
}

/* The newest instalment that is due bears a new fee, else the first. */
static int32_t fee_instalment(const struct posting_account *account, civil_date today) {
    int32_t no = account->n_lines ? account->lines[0].no : 0;
    for (size_t i = 0; i < account->n_lines && account->lines[i].due_on.days <= today.days; i++) no = account->lines[i].no;
    return no;
}

/* J10: what the bank took is ours (bank charges), or the account's: a charge raised it against creditor control, and here we
 * pay it on the creditor's behalf, so that receivable fees stand against the bank. */
static tagih_err save_bounce(struct rpc_batch *batch, struct book *book, struct post posts[POSTS]) {
    const struct bouncing *b = batch->items[0]->checked;
    const struct posting_account *account = book_account(book, posts[REVERSED].account);
    struct params *fact = ARENA_ARRAY(batch->arena, 1, struct params);
    if (!account || !fact) return account ? FAIL(OUT_OF_MEMORY) : FAIL(INTERNAL);
    struct cheque_event_row row = {.payment = b->payment.u, .posting = posts[REVERSED].id, .kind = CHEQUE_BOUNCED, .fee_minor = b->fee_minor,
                                   .charged = b->charged, .reason = posts[REVERSED].note, .at = batch->now, .actor = posts[REVERSED].actor};
    cheque_event_params(fact, batch->tx, batch->arena, &row);
    posts[REVERSED].facts = fact;
    posts[REVERSED].n_facts = 1;
    posts[CHARGED].instalment_no = fee_instalment(account, book->loaded.today);
    book_move_begin(&posts[FEE]);
    ledger_move(&posts[FEE].ledger, b->charged ? LEDGER_SIDE(CREDITOR_CONTROL) : LEDGER_SIDE(BANK_CHARGES), LEDGER_SIDE(BANK), b->fee_minor);
    TRY(book_decide(book));
    if (posts[REVERSED].outcome != POST_DONE) return FAIL(PAYMENT_REVERSED);
    if (b->charged && posts[CHARGED].outcome != POST_DONE) return FAIL(ALLOCATION_INSTALMENT);
    return book_save(book);
}

static tagih_err answer(struct rpc_batch *batch, payment_id id) {
    struct rpc_item *item = batch->items[0];
    DEFER(result) struct result r = {0}, parts = {0};
    TRY(tx_sync(batch->tx));
    TRY(payment_send_get(batch->tx, batch->arena, &id, 1));
    TRY(payment_send_allocations(batch->tx, batch->arena, &id, 1));
    TRY(tx_sync(batch->tx));
    tx_take(batch->tx, &r);
    tx_take(batch->tx, &parts);
    if (result_count(&r) != 1) return FAIL(INTERNAL);
    struct payment_part *read_parts = ARENA_ARRAY(batch->arena, result_count(&parts) + 1, struct payment_part);
    struct payment_read read;
    if (!read_parts) return FAIL(OUT_OF_MEMORY);
    payment_read_row(&r, 0, &read);
    for (size_t i = 0; i < result_count(&parts); i++) payment_read_part(&parts, i, &read_parts[i]);
    ((Tagih__V1__BounceChequeResponse *)item->response)->payment = payment_view(item, &read, read_parts, result_count(&parts));
    return TAGIH_OK;
}

static tagih_err bounce(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct bouncing *b = item->checked;
    DEFER(result) struct result seen = {0}, found = {0};
    struct payment_read read;
    struct post posts[POSTS];
    struct book book;
    TRY(payment_send_get(batch->tx, batch->arena, &b->payment, 1));
    TRY(rpc_load(batch));
    tx_take(batch->tx, &seen);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (result_count(&seen) != 1) return FAIL(NOT_PERMITTED);
    payment_read_row(&seen, 0, &read);
    make_posts(batch, read.account, posts);
    TRY(load_bounce(batch, &book, posts, &found));
    payment_read_row(&found, 0, &read);
    TRY(judge(item, &book, &read));
    TRY(save_bounce(batch, &book, posts));
    const struct post *fee = &posts[FEE]; /* the bank's line only confirms what is booked here */
    if (!fee->skip) TRY(book_expect_line(&book, fee, EXPECTED_CHEQUE_FEE, fee->payment.u, NULL, -fee->amount_minor));
    return answer(batch, b->payment);
}

const struct rpc_service cheque_service = {
    .proto = &tagih__v1__cheque_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("HandInCheques", hand_in, HandInChequesRequest, HandInChequesResponse), .check = hand_in_request,
         .roles = ROLE_CASHIER | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("BounceCheque", bounce, BounceChequeRequest, BounceChequeResponse), .check = bounce_request,
         .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true, .request_id = true},
        {0}}};
