/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ApprovalService: proposals are listed, read and decided. Deciding locks the proposal first, then lets its kind do what
 * was proposed; decision and deed are one posting, or the decision has a posting of its own.
 */
#include "rpc/approval.h"

#include <sodium.h>
#include <string.h>

#include "domain/change.h"
#include "engine/bind.h"
#include "engine/page.h"
#include "rpc/payment_view.h"
#include "rpc/services.h"
#include "run/random.h"
#include "store/approval.h"
#include "store/change.h"

#define REASON_MAX 500
#define ETAG_BYTES 8

/* ---- proposing ------------------------------------------------------------------------------------------------ */

static tagih_err pack_request(struct rpc_batch *batch, const ProtobufCMessage *request, const struct approval_kind *kind,
                              struct bytes *out) {
    if (!kind || request->descriptor != kind->request) return FAIL(INTERNAL);
    size_t size = protobuf_c_message_get_packed_size(request);
    if (size > APPROVAL_REQUEST_MAX) return FAIL(PROPOSAL_TOO_LARGE);
    uint8_t *packed = arena_alloc(batch->arena, size);
    if (!packed) return FAIL(OUT_OF_MEMORY);
    *out = bytes_make(packed, protobuf_c_message_pack(request, packed));
    return TAGIH_OK;
}

static tagih_err check_open(struct rpc_batch *batch, const struct approval_making *making) {
    TRY(proposal_send_open(batch->tx, batch->arena, (int16_t)making->kind, making->subject, batch->now));
    TRY(tx_sync(batch->tx));
    return proposal_take_open(batch->tx) ? FAIL(PROPOSAL_EXISTS) : TAGIH_OK;
}

/* A posting without money: evidence alone. It names no account: an account is never locked behind collectors. */
static tagih_err post_evidence(struct rpc_batch *batch, struct post *post) {
    struct book book;
    book_move_begin(post);
    TRY(book_begin(&book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, post, 1, 0));
    TRY(book_open(&book));
    TRY(book_decide(&book));
    return book_save(&book);
}

/* What is there, and room for one more row. */
static struct params *more_facts(struct arena *arena, const struct params *facts, size_t n) {
    struct params *all = ARENA_ARRAY(arena, n + 1, struct params);
    if (all && n) memcpy(all, facts, n * sizeof *all);
    return all;
}

static tagih_err tell(struct rpc_batch *batch, enum change_kind kind, uuid proposal, bool has_account, account_id account) {
    struct change_row change = {.kind = (int16_t)kind, .object = proposal, .has_account = has_account, .account = account};
    return change_send(batch->tx, batch->arena, &change, 1, batch->now);
}

uuid approval_subject(const struct bytes *parts, size_t n) {
    uuid subject;
    hash256 hash;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < n; i++) crypto_hash_sha256_update(&state, parts[i].data, parts[i].len);
    crypto_hash_sha256_final(&state, hash.b);
    memcpy(subject.b, hash.b, sizeof subject.b);
    return subject;
}

tagih_err approval_propose(struct rpc_batch *batch, struct rpc_item *item, const struct approval_making *making, uuid *out) {
    *out = uuid_is_nil(making->id) ? random_id() : making->id;
    struct proposal_row row = {
        .id = *out, .posting = *out, .kind = (int16_t)making->kind, .subject = making->subject,
        .has_account = !uuid_is_nil(making->account.u), .account = making->account, .has_amount = making->has_amount,
        .amount_minor = making->amount_minor, .currency = bytes_text(making->currency.code),
        .reason = bytes_text(making->reason ? making->reason : ""), .made_by = item->caller.user, .made_us = batch->now.us,
        .expires_us = batch->now.us + APPROVAL_DAYS * US_PER_DAY};
    const ProtobufCMessage *request = making->request ? making->request : item->request;
    TRY(pack_request(batch, request, approval_kind_find((int)making->kind), &row.request));
    TRY(check_open(batch, making));
    struct params *facts = more_facts(batch->arena, making->facts, making->n_facts);
    if (!facts) return FAIL(OUT_OF_MEMORY);
    proposal_fact(&facts[making->n_facts], batch->tx, batch->arena, &row);
    struct post post = {.what = POST_MOVE, .kind = POSTING_OF_PROPOSAL, .id = *out, .value = batch->now,
                        .received = batch->now, .has_actor = true, .actor = item->caller.user, .facts = facts,
                        .n_facts = making->n_facts + 1};
    TRY(post_evidence(batch, &post));
    TRY(proposal_send_state(batch->tx, batch->arena, &row));
    return tell(batch, CHANGE_PROPOSAL_MADE, *out, row.has_account, row.account);
}

/* ---- answers -------------------------------------------------------------------------------------------------- */

/* Stands for the content: who decides another one than he saw says another etag. */
static char *etag_of(struct rpc_item *item, const struct proposal_read *read) {
    hash256 hash;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, read->row.id.b, sizeof read->row.id.b);
    crypto_hash_sha256_update(&state, read->row.request.data, read->row.request.len);
    crypto_hash_sha256_final(&state, hash.b);
    char *text = rpc_alloc(item, 2 * ETAG_BYTES + 1);
    return text ? sodium_bin2hex(text, 2 * ETAG_BYTES + 1, hash.b, ETAG_BYTES) : (char *)(uintptr_t)protobuf_c_empty_string;
}

static Tagih__V1__ProposalState state_of(const struct proposal_read *read, instant now) {
    if (read->state == PROPOSAL_OPEN && read->row.expires_us <= now.us) {
        return TAGIH__V1__PROPOSAL_STATE__PROPOSAL_STATE_EXPIRED;
    }
    return (Tagih__V1__ProposalState)read->state;
}

static Tagih__V1__ProposalDecision *decision_view(struct rpc_item *item, const struct decision_row *row) {
    Tagih__V1__ProposalDecision *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__proposal_decision__init(out);
    out->decided_by = rpc_uuid(item, row->decided_by.u);
    out->decided_us = row->decided_us;
    out->reason = rpc_text(item, row->reason);
    out->posting_id = rpc_uuid(item, row->posting);
    return out;
}

static void request_view(struct rpc_item *item, const struct proposal_row *row, Tagih__V1__Proposal *out) {
    struct bytes copy = arena_copy(&item->call->arena, row->request);
    if (copy.data) out->request = (ProtobufCBinaryData){copy.len, (uint8_t *)(uintptr_t)copy.data};
    else rpc_fail(item, FAIL(OUT_OF_MEMORY));
}

static Tagih__V1__Proposal *view_of(struct rpc_item *item, const struct proposal_read *read, instant now, bool whole) {
    Tagih__V1__Proposal *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__proposal__init(out);
    const struct approval_kind *kind = approval_kind_find(read->row.kind);
    out->proposal_id = rpc_uuid(item, read->row.id);
    out->kind = (Tagih__V1__ProposalKind)read->row.kind;
    out->subject_id = rpc_uuid(item, read->row.subject);
    out->account_id = rpc_uuid(item, read->row.account.u);
    if (read->row.has_amount) out->amount = money_view(item, read->row.amount_minor, read->row.currency);
    if (kind) out->request_type = rpc_text(item, bytes_text(kind->request->name));
    if (whole) request_view(item, &read->row, out);
    out->reason = rpc_text(item, read->row.reason);
    out->made_by = rpc_uuid(item, read->row.made_by.u);
    out->made_us = read->row.made_us;
    out->expires_us = read->row.expires_us;
    out->state = state_of(read, now);
    if (read->decided) out->decision = decision_view(item, &read->decision);
    out->etag = etag_of(item, read);
    return out;
}

/* ---- DecideProposal ------------------------------------------------------------------------------------------- */

static tagih_err decide_request(struct rpc_item *item) {
    const Tagih__V1__DecideProposalRequest *request = item->request;
    uuid *id = rpc_alloc(item, sizeof *id);
    item->checked = id;
    if (!id) return item->err;
    rpc_check_uuid(item, "proposal_id", request->proposal_id, id);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    rpc_check_text(item, "etag", request->etag, 1, 64);
    return item->err;
}

/* Maker ≠ checker, once for all kinds; the maker may only take back. */
static tagih_err judge(struct rpc_item *item, const struct approval_kind *kind, const struct proposal_read *read,
                       instant now, int16_t *verdict) {
    const Tagih__V1__DecideProposalRequest *request = item->request;
    bool own = uuid_equal(read->row.made_by.u, item->caller.user.u);
    if (!own && !(item->caller.roles & kind->roles_decide)) return FAIL(NOT_PERMITTED);
    if (read->state != PROPOSAL_OPEN) return FAIL(PROPOSAL_DECIDED);
    if (own && request->approve) return FAIL(PROPOSAL_OWN);
    if (strcmp(request->etag, etag_of(item, read)) != 0) return FAIL(PROPOSAL_CHANGED);
    *verdict = request->approve ? PROPOSAL_APPROVED : own ? PROPOSAL_WITHDRAWN : PROPOSAL_REFUSED;
    return read->row.expires_us <= now.us ? FAIL(PROPOSAL_EXPIRED) : TAGIH_OK;
}

static void *unpack_alloc(void *arena, size_t size) {
    return arena_alloc(arena, size);
}

static void unpack_free(void *arena, void *piece) {
    (void)arena, (void)piece;
}

/* Everything is copied into the batch's arena: the result goes away. */
static tagih_err open_proposal(struct rpc_batch *batch, const struct approval_kind *kind, const struct proposal_read *read,
                               struct approval *out) {
    const Tagih__V1__DecideProposalRequest *request = batch->items[0]->request;
    ProtobufCAllocator allocator = {.alloc = unpack_alloc, .free = unpack_free, .allocator_data = batch->arena};
    *out = (struct approval){
        .id = read->row.id, .kind = kind, .subject = read->row.subject, .has_account = read->row.has_account,
        .account = read->row.account, .has_amount = read->row.has_amount, .amount_minor = read->row.amount_minor,
        .made_by = read->row.made_by, .made = {read->row.made_us}, .made_reason = arena_copy(batch->arena, read->row.reason),
        .decided_by = batch->items[0]->caller.user, .reason = bytes_text(request->reason)};
    if (read->row.has_amount) memcpy(out->currency.code, read->row.currency.data, 3);
    out->request = protobuf_c_message_unpack(kind->request, &allocator, read->row.request.len, read->row.request.data);
    return out->request && out->made_reason.data ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
}

static tagih_err load_proposal(struct rpc_batch *batch, uuid id, struct result *found) {
    TRY(proposal_send_lock(batch->tx, batch->arena, id));
    TRY(proposal_send_get(batch->tx, batch->arena, id));
    TRY(rpc_load(batch));
    DEFER(result) struct result locked = {0};
    tx_take(batch->tx, &locked);
    tx_take(batch->tx, found);
    return TAGIH_OK;
}

tagih_err approval_join(struct rpc_batch *batch, struct approval *proposal, struct post *post) {
    if (!uuid_is_nil(proposal->posting)) return FAIL(INTERNAL);
    struct params *facts = more_facts(batch->arena, post->facts, post->n_facts);
    if (!facts) return FAIL(OUT_OF_MEMORY);
    decision_fact(&facts[post->n_facts], batch->tx, batch->arena, &(struct decision_row){
        .proposal = proposal->id, .posting = post->id, .verdict = proposal->verdict, .decided_by = proposal->decided_by,
        .decided_us = batch->now.us, .reason = proposal->reason});
    post->facts = facts;
    post->n_facts++;
    proposal->posting = post->id;
    return TAGIH_OK;
}

/* The decision alone: nothing was posted with it. */
static tagih_err post_decision(struct rpc_batch *batch, struct approval *proposal) {
    struct post post = {.what = POST_MOVE, .kind = POSTING_OF_DECISION, .id = random_id(), .value = batch->now,
                        .received = batch->now, .has_actor = true, .actor = proposal->decided_by};
    TRY(approval_join(batch, proposal, &post));
    return post_evidence(batch, &post);
}

static tagih_err carry_out(struct rpc_batch *batch, struct approval *proposal) {
    const struct approval_kind *kind = proposal->kind;
    tagih_err (*act)(struct rpc_batch *, struct approval *) = kind->refuse;
    if (proposal->verdict == PROPOSAL_APPROVED) act = kind->execute;
    if (act) TRY(act(batch, proposal));
    if (!rpc_ok(batch->items[0])) return batch->items[0]->err; /* nothing that it queued may commit */
    if (uuid_is_nil(proposal->posting)) TRY(post_decision(batch, proposal));
    TRY(proposal_send_decided(batch->tx, batch->arena, proposal->id, (enum proposal_state)proposal->verdict));
    return tell(batch, CHANGE_PROPOSAL_DECIDED, proposal->id, proposal->has_account, proposal->account);
}

static tagih_err answer_one(struct rpc_batch *batch, uuid id, Tagih__V1__Proposal **out) {
    TRY(tx_sync(batch->tx)); /* the answers of what was saved are nobody's: the next sending drops them */
    TRY(proposal_send_get(batch->tx, batch->arena, id));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    if (result_count(&r) != 1) return FAIL(INTERNAL);
    struct proposal_read read;
    proposal_read_row(&r, 0, &read);
    *out = view_of(batch->items[0], &read, batch->now, true);
    return TAGIH_OK;
}

static tagih_err decide_proposal(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const uuid *id = item->checked;
    struct proposal_read read = {0};
    struct approval proposal;
    DEFER(result) struct result found = {0};
    TRY(load_proposal(batch, *id, &found));
    if (!rpc_ok(item)) return TAGIH_OK;
    if (result_count(&found) == 1) proposal_read_row(&found, 0, &read);
    const struct approval_kind *kind = approval_kind_find(read.row.kind);
    if (!kind) return FAIL(NOT_PERMITTED);
    int16_t verdict = 0;
    TRY(judge(item, kind, &read, batch->now, &verdict));
    TRY(open_proposal(batch, kind, &read, &proposal));
    proposal.verdict = verdict;
    TRY(carry_out(batch, &proposal));
    return answer_one(batch, *id, &((Tagih__V1__DecideProposalResponse *)item->response)->proposal);
}

/* ---- GetProposal ---------------------------------------------------------------------------------------------- */

static tagih_err get_request(struct rpc_item *item) {
    const Tagih__V1__GetProposalRequest *request = item->request;
    uuid *id = rpc_alloc(item, sizeof *id);
    item->checked = id;
    if (id) rpc_check_uuid(item, "proposal_id", request->proposal_id, id);
    return item->err;
}

static tagih_err get_proposal(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const uuid *id = item->checked;
    TRY(proposal_send_get(batch->tx, batch->arena, *id));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (result_count(&r) != 1) return FAIL(NOT_PERMITTED);
    struct proposal_read read;
    proposal_read_row(&r, 0, &read);
    ((Tagih__V1__GetProposalResponse *)item->response)->proposal = view_of(item, &read, batch->now, true);
    return TAGIH_OK;
}

/* ---- ListProposals -------------------------------------------------------------------------------------------- */

/* What selects rows, without holes between members. */
struct selection {
    int32_t state, kind;
};

struct listing {
    struct selection which;
    struct page page;
};

static tagih_err list_request(struct rpc_item *item) {
    const Tagih__V1__ListProposalsRequest *request = item->request;
    struct listing *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    *list = (struct listing){.which = {(int32_t)request->state, (int32_t)request->kind},
                             .page = {.after = {.at_us = INT64_MIN}}};
    if (list->which.state == 0) list->which.state = PROPOSAL_OPEN;
    rpc_check_list(item, request->page_size, request->page_token, BYTES_OF(&list->which), &list->page);
    return item->err;
}

static struct proposal_filter filter_of(const struct listing *list, instant now) {
    bool expired = list->which.state == TAGIH__V1__PROPOSAL_STATE__PROPOSAL_STATE_EXPIRED;
    bool open = list->which.state == PROPOSAL_OPEN;
    return (struct proposal_filter){.state = expired ? PROPOSAL_OPEN : (int16_t)list->which.state,
                                    .kind_min = (int16_t)list->which.kind,
                                    .kind_max = list->which.kind ? (int16_t)list->which.kind : INT16_MAX,
                                    .expires_after_us = open ? now.us : INT64_MIN,
                                    .expires_until_us = expired ? now.us : INT64_MAX,
                                    .after_us = list->page.after.at_us,
                                    .after = list->page.after.id,
                                    .limit = list->page.size + 1};
}

static tagih_err answer_list(struct rpc_batch *batch, const struct result *r) {
    struct rpc_item *item = batch->items[0];
    const struct listing *list = item->checked;
    Tagih__V1__ListProposalsResponse *out = item->response;
    size_t n = rpc_page_rows(r, list->page.size);
    out->proposals = rpc_alloc(item, (n + 1) * sizeof *out->proposals);
    if (!out->proposals) return TAGIH_OK;
    struct page_place last = {0};
    for (size_t i = 0; i < n; i++) {
        struct proposal_read read;
        proposal_read_row(r, i, &read);
        out->proposals[i] = view_of(item, &read, batch->now, false);
        if (!out->proposals[i]) return TAGIH_OK;
        out->n_proposals++;
        last = (struct page_place){read.row.made_us, read.row.id};
    }
    out->next_page_token = rpc_page_next(item, r, list->page.size, BYTES_OF(&list->which), BYTES_OF(&last));
    return TAGIH_OK;
}

static tagih_err list_proposals(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    struct proposal_filter filter = filter_of(item->checked, batch->now);
    TRY(proposal_send_list(batch->tx, batch->arena, &filter));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    return rpc_ok(item) ? answer_list(batch, &r) : TAGIH_OK;
}

const struct rpc_service approval_service = {
    .proto = &tagih__v1__approval_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("ListProposals", list_proposals, ListProposalsRequest, ListProposalsResponse), .check = list_request,
         .roles = ROLES_OFFICE},
        {RPC_METHOD("GetProposal", get_proposal, GetProposalRequest, GetProposalResponse), .check = get_request,
         .roles = ROLES_OFFICE},
        {RPC_METHOD("DecideProposal", decide_proposal, DecideProposalRequest, DecideProposalResponse),
         .check = decide_request, .roles = ROLES_OFFICE, .writes = true, .request_id = true},
        {0}}};
