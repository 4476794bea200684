/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EntryService: journal entries that wait for a person (R-JRN-6, R-REC-2, R-REC-8) are listed and proposed to be released
 * or dropped; a second person decides (entry_decide.c). A gap is accepted by one supervisor.
 */
#include "rpc/entry.h"

#include <string.h>

#include "domain/fate_bits.h"
#include "engine/page.h"
#include "engine/server.h"
#include "rpc/entry_slip.h"
#include "rpc/payment_view.h"
#include "rpc/services.h"
#include "run/random.h"
#include "store/adjustment.h"
#include "tagih/envelope.h"

#define REASON_MAX 500

tagih_err entry_decode(const struct rpc_server *server, struct arena *arena, struct bytes body, const struct journal_entry **out) {
    struct journal_entry *entry = ARENA_NEW(arena, struct journal_entry);
    struct envelope envelope;
    if (!entry) return FAIL(OUT_OF_MEMORY);
    TRY(envelope_open(body, ENVELOPE_JOURNAL_ENTRY, server->installation, &envelope));
    TRY(journal_decode(envelope.payload, entry));
    *out = entry;
    return TAGIH_OK;
}

uuid entry_subject(const hash256 *hash) {
    uuid out;
    memcpy(out.b, hash->b, sizeof out.b);
    return out;
}

/* ---- ListEntries ---------------------------------------------------------------------------------------------- */

struct page_key {
    int64_t received_us;
    hash256 hash;
};

struct listing {
    int32_t fate, page_size;
    bool has_after;
    struct page_key after;
};

static tagih_err list_request(struct rpc_item *item) {
    const Tagih__V1__ListEntriesRequest *request = item->request;
    struct listing *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    *list = (struct listing){.fate = request->fate ? (int32_t)request->fate : FATE_QUARANTINED, .after = {.received_us = INT64_MIN}};
    rpc_check_page(item, request->page_size, &list->page_size);
    rpc_check_page_token(item, request->page_token, BYTES_OF(&list->fate), &list->after, sizeof list->after, &list->has_after);
    return item->err;
}

static void reasons_view(struct rpc_item *item, uint64_t flags, Tagih__V1__Entry *out) {
    out->reasons = rpc_alloc(item, 64 * sizeof *out->reasons);
    for (unsigned bit = 0; out->reasons && bit < 64; bit++) {
        const char *name = flags >> bit & 1 ? fate_reason_name(fate_bit_reason(bit)) : NULL;
        if (name) out->reasons[out->n_reasons++] = (char *)(uintptr_t)name;
    }
}

/* What the signed bytes themselves say. */
static void content_view(struct rpc_item *item, const struct journal_entry *entry, Tagih__V1__Entry *out) {
    const struct journal_money *money = journal_money_of(entry);
    if (money) out->amount = money_view(item, money->amount_minor, bytes_text(money->currency.code));
    if (entry->kind == JOURNAL_RECEIPT) out->account_id = rpc_uuid(item, entry->body.receipt.account.u);
    if (entry->kind == JOURNAL_VOID) out->receipt_id = rpc_uuid(item, entry->body.voided.receipt.u);
}

static Tagih__V1__Entry *view_of(struct rpc_item *item, const struct entry_read *read) {
    Tagih__V1__Entry *out = rpc_alloc(item, sizeof *out);
    struct bytes hash = arena_copy(&item->call->arena, BYTES_OF(&read->hash));
    const struct journal_entry *entry;
    if (!out || !hash.data) return NULL;
    tagih__v1__entry__init(out);
    out->entry_hash = (ProtobufCBinaryData){hash.len, (uint8_t *)(uintptr_t)hash.data};
    out->entry_id = rpc_uuid(item, read->id);
    out->device_id = rpc_uuid(item, read->device.u);
    out->epoch = read->epoch;
    out->seq = read->seq;
    out->kind = read->kind;
    out->fate = (Tagih__V1__EntryFate)read->fate;
    reasons_view(item, (uint64_t)read->flags, out);
    out->received_us = read->received_us;
    out->value_us = read->value_us;
    out->collector_id = rpc_uuid(item, read->collector.u);
    out->has_money = read->has_money;
    if (err_is_ok(entry_decode(item->server, &item->call->arena, read->body, &entry))) content_view(item, entry, out);
    return out;
}

static tagih_err answer_list(struct rpc_item *item, const struct result *r) {
    const struct listing *list = item->checked;
    Tagih__V1__ListEntriesResponse *out = item->response;
    size_t n = rpc_page_rows(r, list->page_size);
    struct page_key last = {0};
    out->entries = rpc_alloc(item, (n + 1) * sizeof *out->entries);
    if (!out->entries) return TAGIH_OK;
    for (size_t i = 0; i < n; i++) {
        struct entry_read read;
        entry_read_row(r, i, &read);
        out->entries[i] = view_of(item, &read);
        if (!out->entries[i]) return FAIL(OUT_OF_MEMORY);
        out->n_entries++;
        last = (struct page_key){read.received_us, read.hash};
    }
    out->next_page_token = rpc_page_next(item, r, list->page_size, BYTES_OF(&list->fate), BYTES_OF(&last));
    return TAGIH_OK;
}

static tagih_err list_entries(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct listing *list = item->checked;
    TRY(entry_send_list(batch->tx, batch->arena, (int16_t)list->fate, list->after.received_us, &list->after.hash, list->page_size + 1));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    return rpc_ok(item) ? answer_list(item, &r) : TAGIH_OK;
}

/* ---- DecideEntry ---------------------------------------------------------------------------------------------- */

struct deciding {
    hash256 hash;
    account_id account; /* nil: the one that the receipt names */
};

static tagih_err decide_request(struct rpc_item *item) {
    const Tagih__V1__DecideEntryRequest *request = item->request;
    struct deciding *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    *out = (struct deciding){.account = {{{0}}}};
    if (request->entry_hash.len != sizeof out->hash.b) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "entry_hash");
    else memcpy(out->hash.b, request->entry_hash.data, sizeof out->hash.b);
    if (request->action == TAGIH__V1__ENTRY_ACTION__ENTRY_ACTION_UNSPECIFIED) rpc_problem(item, FAIL(REQUEST_FIELD_MISSING), "action");
    if (*request->account_id) rpc_check_uuid(item, "account_id", request->account_id, &out->account.u);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    return item->err;
}

tagih_err entry_judge_account(struct rpc_batch *batch, account_id id, currency in) {
    struct adjustment_account account;
    TRY(adjustment_send_account(batch->tx, batch->arena, id));
    TRY(tx_sync(batch->tx));
    adjustment_take_account(batch->tx, &account);
    if (!account.found) return FAIL(ENTRY_ACCOUNT);
    return currency_equal(account.currency, in) ? TAGIH_OK : FAIL(ACCOUNT_CURRENCY);
}

static tagih_err propose(struct rpc_batch *batch, const struct entry_read *read, const struct journal_entry *entry) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__DecideEntryRequest *request = item->request;
    const struct deciding *d = item->checked;
    const struct journal_money *money = journal_money_of(entry);
    bool is_void = entry->kind == JOURNAL_VOID;
    struct approval_making making = {
        .kind = is_void ? TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_VOID_APPROVAL : TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_ENTRY_DECISION,
        .subject = entry_subject(&read->hash), .account = d->account, .reason = request->reason};
    bool release = request->action == TAGIH__V1__ENTRY_ACTION__ENTRY_ACTION_RELEASE, promise = entry->kind == JOURNAL_PROMISE;
    if (release && (promise || entry->kind == JOURNAL_RECEIPT)) {
        if (uuid_is_nil(making.account.u)) making.account = promise ? entry->body.promise.account : entry->body.receipt.account;
        TRY(entry_judge_account(batch, making.account, promise ? entry->body.promise.currency : money->currency));
    }
    currency known;
    making.has_amount = money && err_is_ok(currency_parse(bytes_text(money->currency.code), &known));
    if (making.has_amount) {
        making.amount_minor = money->amount_minor;
        making.currency = known;
    }
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__DecideEntryResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

static tagih_err decide_entry(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct deciding *d = item->checked;
    const struct journal_entry *entry;
    struct entry_read read;
    TRY(entry_send_get(batch->tx, batch->arena, &d->hash));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (result_count(&r) != 1) return FAIL(NOT_PERMITTED);
    entry_read_row(&r, 0, &read);
    if (read.fate != FATE_QUARANTINED && read.fate != FATE_WAITING) return FAIL(ENTRY_DECIDED);
    TRY(entry_decode(batch->server, batch->arena, read.body, &entry));
    return propose(batch, &read, entry);
}

/* ---- AcceptGap ------------------------------------------------------------------------------------------------ */

static tagih_err gap_request(struct rpc_item *item) {
    const Tagih__V1__AcceptGapRequest *request = item->request;
    struct gap_row *gap = rpc_alloc(item, sizeof *gap);
    item->checked = gap;
    if (!gap) return item->err;
    *gap = (struct gap_row){.epoch = request->epoch, .first_seq = request->first_seq, .last_seq = request->last_seq,
                            .reason = bytes_text(request->reason)};
    rpc_check_uuid(item, "device_id", request->device_id, &gap->device.u);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    if (gap->epoch < 1) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "epoch");
    if (gap->first_seq < 1) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "first_seq");
    if (gap->last_seq < gap->first_seq || gap->last_seq == INT64_MAX) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "last_seq");
    return item->err;
}

/* The gap that begins where the chain ends; only an entry behind it shows that there is one. */
static tagih_err judge_gap(const struct gap_row *gap, const struct gap_chain *chain) {
    if (!chain->known) return FAIL(NOT_PERMITTED);
    if (chain->some_are_here || !chain->next_is_here || gap->first_seq != chain->chain.contiguous_seq + 1) return FAIL(ENTRY_GAP);
    return chain->n_gaps == CHAIN_GAPS_MAX ? FAIL(ENTRY_GAPS) : TAGIH_OK;
}

static tagih_err post_gap(struct rpc_batch *batch, struct gap_row *gap) {
    struct params fact;
    struct post post = {.what = POST_MOVE, .kind = POSTING_OF_ENTRY_DECISION, .id = random_id(), .value = batch->now,
                        .received = batch->now, .has_actor = true, .actor = batch->items[0]->caller.user, .facts = &fact, .n_facts = 1};
    struct book book;
    gap->posting = post.id;
    gap->at_us = batch->now.us;
    gap->actor = post.actor;
    gap_fact(&fact, batch->tx, batch->arena, gap);
    book_move_begin(&post);
    TRY(book_begin(&book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &post, 1, 0));
    TRY(book_open(&book));
    TRY(book_decide(&book));
    return book_save(&book);
}

static tagih_err accept_gap(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    struct gap_row *gap = item->checked;
    struct gap_chain chain;
    TRY(gap_send_load(batch->tx, batch->arena, gap));
    TRY(rpc_load(batch));
    TRY(gap_take_load(batch->tx, &chain));
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(judge_gap(gap, &chain));
    TRY(gap_load_links(batch->tx, batch->arena, gap, &chain));
    chain.gaps[chain.n_gaps++] = (struct chain_gap){gap->first_seq, gap->last_seq};
    chain_advance(&chain.chain, chain.gaps, chain.n_gaps);
    TRY(post_gap(batch, gap));
    TRY(gap_send_save(batch->tx, batch->arena, gap, &chain));
    ((Tagih__V1__AcceptGapResponse *)item->response)->contiguous_seq = chain.chain.contiguous_seq;
    return TAGIH_OK;
}

const struct rpc_service entry_service = {
    .proto = &tagih__v1__entry_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("ListEntries", list_entries, ListEntriesRequest, ListEntriesResponse), .check = list_request,
         .roles = ROLES_OFFICE},
        {RPC_METHOD("DecideEntry", decide_entry, DecideEntryRequest, DecideEntryResponse), .check = decide_request,
         .roles = ROLE_SUPERVISOR | ROLE_CASHIER | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("PostSlip", post_slip, PostSlipRequest, PostSlipResponse), .check = post_slip_check,
         .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("AcceptGap", accept_gap, AcceptGapRequest, AcceptGapResponse), .check = gap_request,
         .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true, .request_id = true},
        {0}}};
