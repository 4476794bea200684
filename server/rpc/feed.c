/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FeedService: the office's view of everything that changes. ListChanges waits without a worker or a connection;
 * WatchChanges is the same as a stream. Nothing is queued for a slow reader: after each message that has left, the next
 * page is read from the database behind the last one. Role and agency are read again with every page.
 */
#include "engine/feed.h"

#include "contract.h"
#include "domain/change.h"
#include "engine/cursor.h"
#include "engine/server.h"
#include "rpc/services.h"
#include "run/clock.h"

#define PAGE_DEFAULT 200
#define PAGE_MAX 500
#define WAIT_MS_MAX 25000
#define BEAT_US (20 * US_PER_S)
#define UNSETTLED_US (50 * US_PER_MS)
/* A waiting call answers this long before its deadline, so that the empty page still gets home. */
#define DEADLINE_REST_US (500 * US_PER_MS)

/* A call that waits: where it stands and until when. Made by check(), in the call's arena. */
struct watch {
    struct cursor cursor;
    int32_t page_size;
    int64_t until_us; /* ListChanges: the end of its wait; WatchChanges: its next heartbeat */
};

/* One reading of the feed. */
struct reading {
    struct rpc_batch *batch;
    struct watch *watch;
    struct feed_position position;
    struct feed_change *changes;
    size_t n;
    bool unsettled;
};

static struct cursor_audience audience_of(const struct rpc_server *server, const struct rpc_item *item) {
    return (struct cursor_audience){.name = "feed", .installation = server->installation, .agency = item->caller.agency};
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static tagih_err read_body(struct tx *tx, void *context) {
    struct reading *reading = context;
    struct rpc_batch *batch = reading->batch;
    const struct cursor *cursor = &reading->watch->cursor;
    arena_reset(batch->arena);
    batch->tx = tx;
    batch->items[0]->err = TAGIH_OK;
    reading->n = 0;
    TRY(rpc_send_callers(batch));
    TRY(feed_send_position(tx, batch->arena));
    if (cursor->placed) TRY(feed_send_list(tx, batch->arena, cursor->place, reading->watch->page_size));
    TRY(rpc_load(batch));
    feed_take_position(tx, &reading->position);
    if (!cursor->placed) return TAGIH_OK;
    return feed_take_list(tx, batch->arena, &reading->changes, &reading->n, &reading->unsettled);
}

/* Read on from where the watch stands and move it. @param resync [out] it could not go on and stands at now */
static tagih_err read_on(struct reading *reading, bool *resync) {
    struct rpc_batch *batch = reading->batch;
    struct cursor *cursor = &reading->watch->cursor;
    struct tx_options options = {.agency = batch->agency, .deadline_us = batch->deadline_us, .read_only = true,
                                 .name = "feed"};
    tagih_err err = tx_run(batch->db, &options, read_body, reading);
    batch->tx = NULL;
    TRY(err);
    bool holds = cursor_holds(cursor, &reading->position);
    *resync = cursor->given && !holds;
    if (!holds) {
        *cursor = cursor_now(&reading->position);
        cursor->given = true;
        reading->n = 0;
        reading->unsettled = false;
    }
    if (reading->n) cursor->place = reading->changes[reading->n - 1].place;
    return TAGIH_OK;
}

/* ---- messages; of the batch's memory, because a stream must not grow with every one ---------------------------- */

static char *text_of(struct arena *arena, uuid id) {
    char *text = uuid_is_nil(id) ? NULL : arena_alloc(arena, UUID_TEXT_SIZE);
    if (!text) return (char *)(uintptr_t)protobuf_c_empty_string;
    uuid_format(id, text);
    return text;
}

static void change_fill(struct arena *arena, const struct feed_change *change, Tagih__V1__Change *out) {
    tagih__v1__change__init(out);
    out->kind = (char *)(uintptr_t)change_kind_name(change->kind);
    out->object_id = text_of(arena, change->object);
    out->account_id = text_of(arena, change->account);
    out->collector_id = text_of(arena, change->collector);
    out->at_us = change->at_us;
}

static Tagih__V1__Change **changes_fill(const struct reading *reading) {
    struct arena *arena = reading->batch->arena;
    Tagih__V1__Change *changes = ARENA_ARRAY(arena, reading->n, Tagih__V1__Change);
    Tagih__V1__Change **list = ARENA_ARRAY(arena, reading->n, Tagih__V1__Change *);
    for (size_t i = 0; changes && list && i < reading->n; i++) {
        change_fill(arena, &reading->changes[i], &changes[i]);
        list[i] = &changes[i];
    }
    return list;
}

static ProtobufCBinaryData cursor_fill(const struct reading *reading) {
    struct cursor_audience audience = audience_of(reading->batch->server, reading->batch->items[0]);
    uint8_t *out = arena_alloc(reading->batch->arena, CURSOR_BYTES);
    if (!out) return (ProtobufCBinaryData){0, NULL};
    cursor_write(&audience, &reading->watch->cursor, out);
    return (ProtobufCBinaryData){CURSOR_BYTES, out};
}

static void park(struct rpc_item *item, const struct reading *reading, int64_t now_us) {
    int64_t until_us = reading->watch->until_us;
    item->next_step = RPC_PARK;
    item->park_until_us = reading->unsettled && now_us + UNSETTLED_US < until_us ? now_us + UNSETTLED_US : until_us;
}

/* ---- ListChanges ---------------------------------------------------------------------------------------------- */

/* check() knows no server, and a cursor is bound to the installation: serve() reads it, once. */
static void watch_begin(struct rpc_batch *batch, struct watch *watch, ProtobufCBinaryData cursor) {
    struct rpc_item *item = batch->items[0];
    if (item->watch) return;
    struct cursor_audience audience = audience_of(batch->server, item);
    cursor_read(&audience, bytes_make(cursor.data, cursor.len), &watch->cursor);
    item->watch = watch;
}

/* Read on; park the call while there is nothing to say and time to wait. @param something [out] there is: answer */
static tagih_err look(struct reading *reading, ProtobufCBinaryData cursor, bool *resync, bool *something) {
    struct rpc_item *item = reading->batch->items[0];
    watch_begin(reading->batch, reading->watch, cursor);
    TRY(read_on(reading, resync));
    if (!rpc_ok(item)) return TAGIH_OK;
    int64_t now_us = clock_monotonic_us();
    *something = reading->n > 0 || *resync || now_us >= reading->watch->until_us;
    if (!*something) park(item, reading, now_us);
    return TAGIH_OK;
}

static tagih_err list_check(struct rpc_item *item) {
    const Tagih__V1__ListChangesRequest *request = item->request;
    struct watch *watch = rpc_alloc(item, sizeof *watch);
    if (!watch) return item->err;
    if (request->page_size < 0 || request->page_size > PAGE_MAX) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "page_size");
    if (request->wait_ms > WAIT_MS_MAX) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "wait_ms");
    watch->page_size = request->page_size ? request->page_size : PAGE_DEFAULT;
    watch->until_us = item->call->arrived_us + request->wait_ms * US_PER_MS;
    int64_t last_us = item->call->deadline_us - DEADLINE_REST_US;
    if (watch->until_us > last_us) watch->until_us = last_us;
    item->checked = watch;
    return item->err;
}

static tagih_err list_changes(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__ListChangesRequest *request = item->request;
    struct reading reading = {.batch = batch, .watch = item->checked};
    bool resync = false, something = false;
    TRY(look(&reading, request->cursor, &resync, &something));
    if (!something) return TAGIH_OK;
    Tagih__V1__ListChangesResponse *out = item->response;
    out->changes = changes_fill(&reading);
    out->n_changes = reading.n;
    out->cursor = cursor_fill(&reading);
    out->resync = resync;
    return batch->arena->exhausted ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}

/* ---- WatchChanges --------------------------------------------------------------------------------------------- */

static tagih_err watch_check(struct rpc_item *item) {
    struct watch *watch = rpc_alloc(item, sizeof *watch);
    if (watch) watch->page_size = PAGE_DEFAULT;
    item->checked = watch;
    return item->err;
}

/* The first message goes out at once: with it the client has a cursor. */
static tagih_err watch_changes(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__WatchChangesRequest *request = item->request;
    struct reading reading = {.batch = batch, .watch = item->checked};
    bool resync = false, something = false;
    TRY(look(&reading, request->cursor, &resync, &something));
    if (!something) return TAGIH_OK;
    Tagih__V1__WatchChangesResponse out = TAGIH__V1__WATCH_CHANGES_RESPONSE__INIT;
    out.changes = changes_fill(&reading);
    out.n_changes = reading.n;
    out.cursor = cursor_fill(&reading);
    out.resync = resync;
    if (batch->arena->exhausted) return FAIL(OUT_OF_MEMORY);
    reading.watch->until_us = clock_monotonic_us() + BEAT_US;
    return rpc_send(batch, item, &out.base);
}

const struct rpc_service feed_service = {
    .proto = &tagih__v1__feed_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("ListChanges", list_changes, ListChangesRequest, ListChangesResponse), .check = list_check,
         .kind = RPC_WATCH, .roles = ROLES_OFFICE, .parks = true, .deadline_ms_max = 30000},
        {RPC_METHOD("WatchChanges", watch_changes, WatchChangesRequest, WatchChangesResponse), .check = watch_check,
         .kind = RPC_WATCH, .roles = ROLES_OFFICE, .stream = true},
        {0}}};
