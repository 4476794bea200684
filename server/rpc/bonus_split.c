/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Among whom an account's bonus is split (R-BON-8a), by two people, as versions with their days; and which customer a person
 * of the agency is himself (R-BON-8b). Postings look both up when they write lines (book/bonus.c).
 */
#include "rpc/bonus_credit.h"
#include "rpc/payment_view.h"
#include "run/random.h"
#include "store/account.h"
#include "store/bonus_credit.h"

#define REASON_MAX 500
#define CUSTOMER_NO_MAX 64

/* ---- ProposeSplit --------------------------------------------------------------------------------------------- */

struct splitting {
    account_id account;
    civil_date from, until;
    bool has_until;
    struct bonus_share shares[BONUS_SHARES_MAX];
    size_t n;
};

static tagih_err read_shares(const Tagih__V1__ProposeSplitRequest *request, struct splitting *out) {
    if (request->n_shares > BONUS_SHARES_MAX) return FAIL(BONUS_SHARES);
    out->n = request->n_shares;
    for (size_t i = 0; i < out->n; i++) {
        out->shares[i].share_bp = request->shares[i]->share_bp;
        TRY(uuid_parse(request->shares[i]->collector_id, &out->shares[i].collector.u));
    }
    return out->n ? bonus_split(0, out->shares, out->n) : TAGIH_OK;
}

static tagih_err read_split(const Tagih__V1__ProposeSplitRequest *request, struct splitting *out) {
    *out = (struct splitting){.has_until = *request->valid_until != 0};
    TRY(uuid_parse(request->account_id, &out->account.u));
    TRY(date_parse(request->valid_from, &out->from));
    if (out->has_until) TRY(date_parse(request->valid_until, &out->until));
    return read_shares(request, out);
}

tagih_err bonus_split_request(struct rpc_item *item) {
    const Tagih__V1__ProposeSplitRequest *request = item->request;
    struct splitting *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    *out = (struct splitting){.has_until = *request->valid_until != 0};
    rpc_check_uuid(item, "account_id", request->account_id, &out->account.u);
    rpc_check_date(item, "valid_from", request->valid_from, &out->from);
    if (out->has_until && rpc_check_date(item, "valid_until", request->valid_until, &out->until) && out->until.days < out->from.days) {
        rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "valid_until");
    }
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    tagih_err shares = read_shares(request, out);
    if (!err_is_ok(shares)) rpc_problem(item, shares, "shares");
    return item->err;
}

/* The same when it is proposed and when it is done. */
static tagih_err judge(const struct splitting *s, const struct bonus_split_loaded *loaded) {
    if (!loaded->found) return FAIL(NOT_PERMITTED);
    if (s->from.days < loaded->open_from.days) return FAIL(MONTH_CLOSED);
    return loaded->may_earn == s->n ? TAGIH_OK : FAIL(BONUS_COLLECTOR);
}

tagih_err bonus_split_propose(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct splitting *s = item->checked;
    struct bonus_split_loaded loaded;
    TRY(bonus_split_send_load(batch->tx, batch->arena, s->account, s->shares, s->n));
    TRY(rpc_load(batch));
    bonus_split_take_load(batch->tx, &loaded);
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(judge(s, &loaded));
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_BONUS_SPLIT, .subject = s->account.u,
                                     .account = s->account, .reason = ((const Tagih__V1__ProposeSplitRequest *)item->request)->reason};
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__ProposeSplitResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

/* Under the account's lock, which every posting on it takes first: a payment is split by one version or by another. */
static tagih_err execute(struct rpc_batch *batch, struct approval *proposal) {
    struct splitting s;
    struct bonus_split_loaded loaded;
    struct book book;
    struct params *facts = ARENA_ARRAY(batch->arena, 2, struct params);
    if (!facts) return FAIL(OUT_OF_MEMORY);
    TRY(read_split(proposal->request, &s));
    struct post post = {.what = POST_MOVE, .kind = POSTING_OF_BONUS_SPLIT, .id = random_id(), .account = s.account, .value = batch->now,
                        .received = batch->now, .has_actor = true, .actor = proposal->decided_by};
    book_move_begin(&post);
    TRY(book_begin(&book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &post, 1, 0));
    TRY(book_send_lock(&book));
    TRY(book_send_load(&book));
    TRY(bonus_split_send_load(batch->tx, batch->arena, s.account, s.shares, s.n));
    TRY(tx_sync(batch->tx));
    book_take_lock(&book);
    TRY(book_take_load(&book));
    bonus_split_take_load(batch->tx, &loaded);
    TRY(judge(&s, &loaded));
    post.n_facts = bonus_split_facts(facts, batch->tx, batch->arena, &(struct bonus_split_row){
        .account = s.account, .version = loaded.version + 1, .posting = post.id, .from = s.from, .until = s.until,
        .has_until = s.has_until, .n = (int32_t)s.n, .shares = s.shares, .at = batch->now, .made_by = proposal->made_by,
        .approved_by = proposal->decided_by, .reason = proposal->made_reason});
    post.facts = facts;
    if (post.n_facts == 0) return FAIL(OUT_OF_MEMORY);
    TRY(approval_join(batch, proposal, &post));
    TRY(book_decide(&book));
    return book_save(&book);
}

const struct approval_kind bonus_split_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_BONUS_SPLIT, .name = "bonus_split",
                                               .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
                                               .request = &tagih__v1__propose_split_request__descriptor,
                                               .execute = execute};

/* ---- ListSplits ----------------------------------------------------------------------------------------------- */

tagih_err bonus_splits_request(struct rpc_item *item) {
    const Tagih__V1__ListSplitsRequest *request = item->request;
    account_id *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (out) rpc_check_uuid(item, "account_id", request->account_id, &out->u);
    return item->err;
}

static Tagih__V1__BonusSplit *split_view(struct rpc_item *item, const struct bonus_split_row *row, size_t n_shares) {
    Tagih__V1__BonusSplit *view = rpc_alloc(item, sizeof *view);
    if (!view) return NULL;
    tagih__v1__bonus_split__init(view);
    view->version = row->version;
    view->valid_from = rpc_date(item, row->from);
    if (row->has_until) view->valid_until = rpc_date(item, row->until);
    view->made_by = rpc_uuid(item, row->made_by.u);
    view->approved_by = rpc_uuid(item, row->approved_by.u);
    view->approved_us = row->at.us;
    view->reason = rpc_text(item, row->reason);
    view->shares = rpc_alloc(item, (n_shares + 1) * sizeof *view->shares);
    return view->shares ? view : NULL;
}

static void add_share(struct rpc_item *item, Tagih__V1__BonusSplit *view, const struct bonus_share *share) {
    Tagih__V1__SplitShare *out = rpc_alloc(item, sizeof *out);
    if (!out) return;
    tagih__v1__split_share__init(out);
    out->collector_id = rpc_uuid(item, share->collector.u);
    out->share_bp = share->share_bp;
    view->shares[view->n_shares++] = out;
}

tagih_err bonus_splits(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    struct bonus_split_read *rows;
    size_t n;
    struct account_owner owner;
    TRY(account_send_owner(batch->tx, batch->arena, *(const account_id *)item->checked));
    TRY(bonus_split_send_list(batch->tx, batch->arena, *(const account_id *)item->checked));
    TRY(rpc_load(batch));
    account_take_owner(batch->tx, &owner);
    TRY(bonus_split_take_list(batch->tx, batch->arena, &rows, &n));
    if (rpc_ok(item) && !owner.found) rpc_fail(item, FAIL(NOT_PERMITTED));
    if (!rpc_ok(item)) return TAGIH_OK;
    Tagih__V1__ListSplitsResponse *out = item->response;
    out->splits = rpc_alloc(item, (n + 1) * sizeof *out->splits);
    for (size_t at = 0, same; out->splits && at < n; at += same) {
        for (same = 1; at + same < n && rows[at + same].row.version == rows[at].row.version;) same++;
        Tagih__V1__BonusSplit *view = split_view(item, &rows[at].row, same);
        if (!view) return TAGIH_OK;
        for (size_t i = at; i < at + same && rows[i].has_share; i++) add_share(item, view, &rows[i].share);
        out->splits[out->n_splits++] = view;
    }
    return TAGIH_OK;
}

/* ---- SetOwnCustomer ------------------------------------------------------------------------------------------- */

tagih_err own_customer_request(struct rpc_item *item) {
    const Tagih__V1__SetOwnCustomerRequest *request = item->request;
    user_id *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    rpc_check_uuid(item, "user_id", request->user_id, &out->u);
    rpc_check_text(item, "customer_no", request->customer_no, 1, CUSTOMER_NO_MAX);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    return item->err;
}

static tagih_err say(struct rpc_batch *batch, struct own_customer_row *row) {
    struct post post = {.what = POST_MOVE, .kind = POSTING_OF_OWN_CUSTOMER, .id = random_id(), .value = batch->now,
                        .received = batch->now, .has_actor = true, .actor = row->actor, .n_facts = 1};
    struct params fact;
    struct book book;
    row->posting = post.id;
    own_customer_fact(&fact, batch->tx, batch->arena, row);
    post.facts = &fact;
    book_move_begin(&post);
    TRY(book_begin(&book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &post, 1, 0));
    TRY(book_open(&book));
    TRY(book_decide(&book));
    TRY(book_save(&book));
    return tx_sync(batch->tx); /* the fact lives here */
}

tagih_err own_customer_set(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__SetOwnCustomerRequest *request = item->request;
    struct own_customer_row row = {.user = *(const user_id *)item->checked, .at = batch->now};
    TRY(own_customer_send_load(batch->tx, batch->arena, row.user, bytes_text(request->customer_no)));
    TRY(rpc_load(batch));
    bool known = own_customer_take_load(batch->tx, &row);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (!known || uuid_equal(row.user.u, item->caller.user.u)) return FAIL(NOT_PERMITTED);
    ((Tagih__V1__SetOwnCustomerResponse *)item->response)->customer_id = rpc_uuid(item, row.customer.u);
    if (row.is_own == (bool)request->is_own) return TAGIH_OK; /* said already */
    row.n++;
    row.is_own = request->is_own;
    row.actor = item->caller.user;
    row.reason = bytes_text(request->reason);
    return say(batch, &row);
}
