/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one path of every call. At start: each method of each descriptor has a row of its types, and each row a method.
 * Then, for each call: token → rate → wire check → unpack → field checks (bind_prepare, no database), and for each
 * batch: transaction → callers → handler → commit → answers (bind_serve).
 */
#include "engine/bind.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract.h"
#include "engine/auth.h"
#include "engine/feed.h"
#include "engine/server.h"
#include "engine/status.h"
#include "engine/tally.h"
#include "engine/wire.h"
#include "run/clock.h"
#include "run/log.h"
#include "store_statements.h"

#define DEADLINE_LEFT_US_MIN (50 * US_PER_MS)
#define DEADLINE_MS_DEFAULT 10000

/* ---- at start ------------------------------------------------------------------------------------------------- */

static const struct rpc_method *row_find(const struct rpc_service *service, const char *name) {
    for (const struct rpc_method *row = service->methods; row->name; row++) {
        if (strcmp(row->name, name) == 0) return row;
    }
    return NULL;
}

static tagih_err check_types(const ProtobufCServiceDescriptor *service, const ProtobufCMethodDescriptor *proto,
                             const struct rpc_method *row, char *report, size_t size) {
    bool has_id = protobuf_c_message_descriptor_get_field_by_name(proto->input, "request_id") != NULL;
    const char *what = NULL;
    if (strcmp(proto->input->c_name, row->request_type) != 0) what = "another request type";
    if (strcmp(proto->output->c_name, row->response_type) != 0) what = "another response type";
    if (has_id != row->request_id) what = "a request_id on one side only";
    if (row->request_id && row->kind != RPC_ONE) what = "a request_id on a row that is not RPC_ONE";
    if (!row->open && !row->roles) what = "neither roles nor .open";
    if (!what) return TAGIH_OK;
    snprintf(report, size, "%s.%s: its row has %s", service->name, proto->name, what);
    return FAIL(RPC_TABLE);
}

static tagih_err check_rows(const struct rpc_service *service, char *report, size_t size) {
    for (const struct rpc_method *row = service->methods; row->name; row++) {
        if (protobuf_c_service_descriptor_get_method_by_name(service->proto, row->name)) continue;
        snprintf(report, size, "%s has a row %s but no such method", service->proto->name, row->name);
        return FAIL(RPC_TABLE);
    }
    return TAGIH_OK;
}

static tagih_err bind_method(struct rpc_table *table, const struct rpc_service *service, unsigned i, char *report,
                             size_t size) {
    const ProtobufCMethodDescriptor *proto = &service->proto->methods[i];
    const struct rpc_method *row = row_find(service, proto->name);
    if (!row) {
        snprintf(report, size, "%s.%s has no row", service->proto->name, proto->name);
        return FAIL(RPC_TABLE);
    }
    TRY(check_types(service->proto, proto, row, report, size));
    size_t path_size = strlen(service->proto->name) + strlen(proto->name) + 3;
    char *path = malloc(path_size);
    if (!path) return FAIL(OUT_OF_MEMORY);
    snprintf(path, path_size, "/%s/%s", service->proto->name, proto->name);
    size_t at = table->count++;
    table->bounds[at] = (struct rpc_bound){
        .method = row, .service = service->proto, .proto = proto, .index = at, .path = path,
        .request_id_field = protobuf_c_message_descriptor_get_field_by_name(proto->input, "request_id")};
    int64_t deadline_ms = row->deadline_ms_max ? row->deadline_ms_max : DEADLINE_MS_DEFAULT;
    enum call_kind kind = row->bidi ? CALL_BIDI : row->stream ? CALL_STREAM : CALL_UNARY;
    table->rows[at] = (struct call_row){.path = path, .kind = kind, .parks = row->parks, .method = &table->bounds[at],
                                        .deadline_us_max = kind == CALL_UNARY ? deadline_ms * US_PER_MS : 0};
    return TAGIH_OK;
}

tagih_err bind_services(const struct rpc_service *const *services, struct rpc_table *out, char *report,
                        size_t report_size) {
    size_t n = 0;
    for (size_t s = 0; services[s]; s++) n += services[s]->proto->n_methods;
    *out = (struct rpc_table){.bounds = calloc(n, sizeof *out->bounds), .rows = calloc(n, sizeof *out->rows)};
    if (!out->bounds || !out->rows) return FAIL(OUT_OF_MEMORY);
    for (size_t s = 0; services[s]; s++) {
        TRY(check_rows(services[s], report, report_size));
        for (unsigned i = 0; i < services[s]->proto->n_methods; i++) {
            TRY(bind_method(out, services[s], i, report, report_size));
        }
    }
    return TAGIH_OK;
}

void bind_release(struct rpc_table *table) {
    for (size_t i = 0; i < table->count; i++) free((void *)(uintptr_t)table->bounds[i].path);
    free(table->bounds);
    free(table->rows);
    *table = (struct rpc_table){0};
}

/* ---- one call: PREPARE ---------------------------------------------------------------------------------------- */

static void *unpack_alloc(void *arena, size_t size) {
    return arena_alloc(arena, size);
}

static void unpack_free(void *arena, void *piece) {
    (void)arena, (void)piece;
}

static tagih_err unpack(struct rpc_item *item) {
    struct call *call = item->call;
    const char *field;
    tagih_err err = wire_check(item->bound->proto->input, call->request, &field);
    if (!err_is_ok(err)) {
        if (field) rpc_problem(item, err, "%s", field);
        return err;
    }
    ProtobufCAllocator allocator = {.alloc = unpack_alloc, .free = unpack_free, .allocator_data = &call->arena};
    item->request = protobuf_c_message_unpack(item->bound->proto->input, &allocator, call->request.len, call->request.data);
    if (item->request) return TAGIH_OK;
    return call->arena.exhausted ? FAIL(OUT_OF_MEMORY) : FAIL(REQUEST_MALFORMED);
}

static tagih_err take_request_id(struct rpc_item *item) {
    const ProtobufCFieldDescriptor *field = item->bound->request_id_field;
    if (!field) return TAGIH_OK;
    const char *text = *(char *const *)((const char *)item->request + field->offset);
    if (!rpc_check_uuid(item, "request_id", text, &item->request_id)) return item->err;
    crypto_hash_sha256(item->request_digest.b, item->call->request.data, item->call->request.len);
    return TAGIH_OK;
}

static tagih_err prepare(const struct rpc_server *server, struct rpc_item *item, instant now) {
    const struct rpc_method *method = item->bound->method;
    if (!item->call->first) return item->call->half_closed ? TAGIH_OK : unpack(item); /* BIDI: the next request */
    if (!method->open) {
        TRY(auth_check(server, item->call->authorization, now, &item->caller));
        uuid who = item->caller.has_device ? item->caller.device.u : item->caller.user.u;
        if (method->device && !item->caller.has_device) return FAIL(NOT_PERMITTED);
        TRY(rate_take(server->rates, who, item->call->arrived_us, &item->retry_after_us));
    }
    TRY(unpack(item));
    TRY(take_request_id(item));
    if (method->check) TRY(method->check(item));
    return item->err;
}

void bind_begin(struct call *call) {
    struct rpc_item *item = ARENA_NEW(&call->arena, struct rpc_item); /* the first piece: always fits */
    item->call = call;
    item->bound = call->row->method;
    item->batch_size = 1;
    call->state = item;
}

void bind_prepare(const struct rpc_server *server, struct rpc_item *item, instant now) {
    item->server = server;
    item->now = now;
    rpc_fail(item, prepare(server, item, now));
}

/* ---- answers -------------------------------------------------------------------------------------------------- */

static struct bytes pack(struct arena *arena, const void *message) {
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *out = arena_alloc(arena, size);
    if (!out) return (struct bytes){NULL, 0};
    return bytes_make(out, protobuf_c_message_pack(message, out));
}

static struct bytes pack_response(struct rpc_item *item) {
    return item->replay.data ? item->replay : pack(&item->call->arena, item->response);
}

/* The bytes are the batch's: the door copies them, and a stream must not grow with every message. */
tagih_err rpc_send(struct rpc_batch *batch, struct rpc_item *item, const ProtobufCMessage *message) {
    struct bytes packed = pack(batch->arena, message);
    if (!packed.data) return FAIL(OUT_OF_MEMORY);
    item->next_step = RPC_SENT;
    item->call->door->send(item->call, packed);
    return TAGIH_OK;
}

/* Before the reply: who has seen an answer finds it counted. What waits by design says nothing of the server. */
static void count_answer(struct tally *tally, const struct rpc_bound *bound, enum call_status status, int64_t took_us) {
    tally_end(tally, bound->index, status);
    if (bound->method->kind != RPC_WATCH) tally_took(tally, bound->index, took_us);
}

void bind_answer(const struct rpc_server *server, struct rpc_item *item) {
    struct call_reply reply = {.status = CALL_OK};
    if (rpc_ok(item) && item->call->row->kind == CALL_UNARY) {
        reply.body = pack_response(item);
        if (!reply.body.data || item->call->arena.exhausted) item->err = FAIL(OUT_OF_MEMORY);
    }
    if (!rpc_ok(item)) status_fill(&reply, &item->call->arena, item->err, item->problems, item->retry_after_us);
    int64_t took_us = clock_monotonic_us() - item->call->arrived_us;
    log_call(&(struct log_call){.traceparent = item->call->traceparent,
                                .method = item->bound->path,
                                .code = (int)reply.status,
                                .reason = rpc_ok(item) ? NULL : err_token(item->err),
                                .batch = item->batch_size,
                                .took_us = took_us,
                                .user = item->caller.user.u,
                                .device = item->caller.device.u});
    count_answer(server->tally, item->bound, reply.status, took_us);
    item->call->door->reply(item->call, &reply);
}

/* ---- one batch ------------------------------------------------------------------------------------------------ */

tagih_err rpc_send_callers(struct rpc_batch *batch) {
    user_id *users = ARENA_ARRAY(batch->arena, batch->n, user_id);
    device_id *devices = ARENA_ARRAY(batch->arena, batch->n, device_id);
    if (!users || !devices) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < batch->n; i++) {
        users[i] = batch->items[i]->caller.user;
        devices[i] = batch->items[i]->caller.device;
    }
    struct params p;
    params_init(&p, batch->arena, STMT_caller_load, batch->n);
    params_one_uuid(&p, &batch->agency);
    params_uuid(&p, users, sizeof *users);
    params_uuid(&p, devices, sizeof *devices);
    return tx_send(batch->tx, &p);
}

enum { STAFF_ACTIVE = 1, DEVICE_ACTIVE = 2 };

static void take_caller(struct rpc_item *item, const struct result *r, size_t row) {
    struct rpc_caller *caller = &item->caller;
    bool staff = !result_is_null(r, row, COL_caller_load_staff_state) &&
                 result_int2(r, row, COL_caller_load_staff_state) == STAFF_ACTIVE;
    bool device = !caller->has_device || (!result_is_null(r, row, COL_caller_load_device_state) &&
                                          result_int2(r, row, COL_caller_load_device_state) == DEVICE_ACTIVE &&
                                          uuid_equal(result_uuid(r, row, COL_caller_load_device_user), caller->user.u));
    if (!staff || !device) {
        rpc_fail(item, FAIL(CALLER_REVOKED));
        return;
    }
    caller->roles = (uint32_t)result_int4(r, row, COL_caller_load_roles);
    caller->team.u = result_uuid_or_nil(r, row, COL_caller_load_team_id);
    if (!(caller->roles & item->bound->method->roles)) rpc_fail(item, FAIL(NOT_PERMITTED));
}

static struct params *request_params(struct rpc_batch *batch, struct params *p, const struct statement *statement) {
    const struct rpc_item *item = batch->items[0];
    params_init(p, batch->arena, statement, 0);
    params_one_uuid(p, &batch->agency);
    params_one_uuid(p, &item->caller.user);
    params_one_text(p, bytes_text(item->bound->path));
    params_one_uuid(p, &item->request_id);
    return p;
}

static tagih_err send_request_find(struct rpc_batch *batch) {
    struct params p;
    TRY(tx_send(batch->tx, request_params(batch, &p, STMT_request_lock)));
    return tx_send(batch->tx, request_params(batch, &p, STMT_request_find));
}

static void take_request(struct rpc_batch *batch) {
    DEFER(result) struct result lock = {0}, found = {0};
    tx_take(batch->tx, &lock);
    tx_take(batch->tx, &found);
    struct rpc_item *item = batch->items[0];
    if (result_count(&found) == 0 || !rpc_ok(item)) return;
    hash256 digest = result_hash(&found, 0, COL_request_find_digest);
    if (hash256_equal(&digest, &item->request_digest)) {
        item->replay = arena_copy(&item->call->arena, result_bytes(&found, 0, COL_request_find_response));
    } else {
        rpc_fail(item, FAIL(REQUEST_ID_REUSED));
    }
}

/* The callers were queued first; the handler's own statements follow and are taken by it. */
tagih_err rpc_load(struct rpc_batch *batch) {
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result callers = {0};
    tx_take(batch->tx, &callers);
    for (size_t i = 0; i < batch->n; i++) {
        if (!batch->items[i]->bound->method->open) take_caller(batch->items[i], &callers, i);
    }
    return TAGIH_OK;
}

static tagih_err save_request(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    struct bytes response = pack_response(item);
    if (!response.data) return FAIL(OUT_OF_MEMORY);
    struct params p;
    request_params(batch, &p, STMT_request_save);
    params_one_bytea(&p, bytes_make(item->request_digest.b, sizeof item->request_digest.b));
    params_one_bytea(&p, response);
    params_one_int8(&p, batch->now.us);
    return tx_send(batch->tx, &p);
}

/* A watching call comes here again and again, and its arena lives as long as it: the message's place is kept. */
static void response_new(struct rpc_item *item) {
    const ProtobufCMessageDescriptor *type = item->bound->proto->output;
    if (!item->response) item->response = rpc_alloc(item, type->sizeof_message);
    if (item->response) protobuf_c_message_init(type, item->response);
}

struct work {
    struct rpc_batch *batch;
    struct rpc_item **items;
};

/* A repeated request id is settled in a round trip of its own, before the handler locks anything. */
static tagih_err settle_request(struct rpc_batch *batch, bool *settled) {
    TRY(send_request_find(batch));
    TRY(tx_sync(batch->tx));
    take_request(batch);
    *settled = !rpc_ok(batch->items[0]) || batch->items[0]->replay.data;
    return TAGIH_OK;
}

static tagih_err serve_range(struct tx *tx, void *context, size_t first, size_t count) {
    struct work *work = context;
    struct rpc_batch *batch = work->batch;
    arena_reset(batch->arena);
    batch->tx = tx;
    batch->items = work->items + first;
    batch->n = count;
    for (size_t i = 0; i < count; i++) {
        batch->items[i]->err = TAGIH_OK;
        batch->items[i]->problems = NULL;
        response_new(batch->items[i]);
    }
    const struct rpc_method *method = batch->items[0]->bound->method;
    bool settled = false;
    if (method->request_id) TRY(settle_request(batch, &settled));
    TRY(rpc_send_callers(batch));
    if (settled) return rpc_load(batch);
    TRY(method->serve(batch));
    if (method->request_id && rpc_ok(batch->items[0])) TRY(save_request(batch));
    return TAGIH_OK;
}

static void range_failed(void *context, size_t item, tagih_err err) {
    struct work *work = context;
    work->items[item]->err = err;
}

static void serve_in_transaction(struct rpc_batch *batch, const struct rpc_method *method) {
    struct work work = {batch, batch->items};
    size_t n = batch->n;
    struct tx_options options = {.agency = batch->agency, .deadline_us = batch->deadline_us,
                                 .read_only = !method->writes, .name = method->name};
    size_t committed = 0;
    tagih_err err = tx_run_halving(batch->db, &options, n, serve_range, range_failed, &work, &committed);
    (void)err; /* every item has its own */
    if (committed && method->writes) feed_dirty(batch->server->feed, batch->agency);
    batch->items = work.items;
    batch->n = n;
    batch->tx = NULL;
}

static void serve_own(struct rpc_batch *batch, const struct rpc_method *method) {
    arena_reset(batch->arena);
    batch->tx = NULL;
    for (size_t i = 0; i < batch->n; i++) response_new(batch->items[i]);
    tagih_err err = method->serve(batch);
    for (size_t i = 0; i < batch->n && !err_is_ok(err); i++) rpc_fail(batch->items[i], err);
    if (method->writes) feed_dirty(batch->server->feed, batch->agency);
}

/* A call without time is not begun (once begun, it commits and its id makes a retry safe). */
static void drop_late(struct rpc_batch *batch, int64_t now_us) {
    size_t kept = 0;
    for (size_t i = 0; i < batch->n; i++) {
        struct rpc_item *item = batch->items[i];
        bool gone = atomic_load(&item->call->cancelled);
        if (gone) item->err = FAIL(CALL_CANCELLED);
        else if (item->call->deadline_us != INT64_MAX && item->call->deadline_us - now_us < DEADLINE_LEFT_US_MIN)
            item->err = FAIL(DEADLINE_SHORT);
        if (rpc_ok(item)) batch->items[kept++] = item;
        else bind_answer(batch->server, item);
    }
    batch->n = kept;
}

/* What a batch is, and how long each of its calls waited for a worker and its connection. */
static void count_batch(const struct rpc_batch *batch, int64_t began_us) {
    struct tally *tally = batch->server->tally;
    for (size_t i = 0; i < batch->n; i++) tally_waited(tally, began_us - batch->items[i]->call->arrived_us);
    tally_batch(tally, batch->n, clock_monotonic_us() - began_us);
}

bool bind_serve(struct rpc_batch *batch) {
    const struct rpc_method *method = batch->items[0]->bound->method;
    int64_t now_us = clock_monotonic_us();
    drop_late(batch, now_us);
    if (batch->n == 0) return false;
    batch->deadline_us = 0;
    for (size_t i = 0; i < batch->n; i++) {
        batch->items[i]->batch_size = batch->n;
        int64_t until = batch->items[i]->call->deadline_us;
        if (until == INT64_MAX) until = now_us + DEADLINE_MS_DEFAULT * US_PER_MS;
        if (until > batch->deadline_us) batch->deadline_us = until;
    }
    if (method->kind == RPC_OWN || method->kind == RPC_WATCH) serve_own(batch, method);
    else serve_in_transaction(batch, method);
    if (method->kind != RPC_WATCH) count_batch(batch, now_us);
    struct rpc_item *first = batch->items[0];
    if (method->kind == RPC_WATCH && rpc_ok(first) && first->next_step != RPC_FINISH) return true;
    for (size_t i = 0; i < batch->n; i++) bind_answer(batch->server, batch->items[i]);
    return false;
}
