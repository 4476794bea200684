/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server of a simulated world: the real binding and the real handlers (server/rpc), called as its crew calls them,
 * without doors, threads and sockets. It dies by losing its database for good in the middle of whatever it does: nobody
 * can tell that from a process that is gone, and what it had in memory is thrown away.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "contract.h"
#include "engine/auth.h"
#include "rpc/services.h"
#include "run/grow.h"
#include "run/random.h"
#include "store_statements.h"
#include "tests/sim/sim_plant.h"

#define ARENA_FIRST ((size_t)256 * 1024)
#define ARENA_MAX ((size_t)64 << 20)
#define SERVE_US (4 * US_PER_MS) /* what a batch takes */

static const struct rpc_service *const services[] = {&sync_service, NULL};

/* ---- the database's troubles ---------------------------------------------------------------------------------- */

static void trouble_end(struct world *world, struct trouble *trouble) {
    *trouble = world->troubles[--world->n_troubles];
}

static enum model_fault fault_of(enum sim_fault fault) {
    switch (fault) {
        case FAULT_SERIALIZATION:
            return MODEL_SERIALIZATION;
        case FAULT_DEADLOCK:
            return MODEL_DEADLOCK;
        case FAULT_DISK_FULL:
            return MODEL_DISK_FULL;
        default:
            return MODEL_LOST;
    }
}

/* A statement can be lost to another transaction or to a full disk; a COMMIT can be lost with its connection. */
static bool strikes_at(const struct trouble *trouble, enum model_point point) {
    switch (trouble->fault) {
        case FAULT_SERVER_CRASH:
            return true;
        case FAULT_LOST_COMMIT:
            return point == (trouble->after ? MODEL_AFTER_COMMIT : MODEL_BEFORE_COMMIT);
        default:
            return point == MODEL_STATEMENT || point == MODEL_BEFORE_COMMIT;
    }
}

static enum model_fault die(struct world *world, enum model_point point, const char *statement) {
    static const char *const points[] = {"while it connects", "at BEGIN", "at", "before COMMIT", "after COMMIT"};
    world->host.dying = true;
    world_count(world, FAULT_SERVER_CRASH);
    world_tell(world, NULL, "the server dies %s%s%s", points[point], *statement ? " " : "", statement);
    return MODEL_LOST;
}

static enum model_fault ask(void *context, enum model_point point, const char *statement) {
    struct world *world = context;
    if (world->host.dying) return MODEL_LOST;
    for (size_t i = 0; i < world->n_troubles; i++) {
        struct trouble *trouble = &world->troubles[i];
        if (trouble->countdown > 0) trouble->countdown--;
        if (trouble->countdown > 0 || !strikes_at(trouble, point)) continue;
        enum sim_fault fault = trouble->fault;
        if (--trouble->again <= 0) trouble_end(world, trouble);
        if (fault == FAULT_SERVER_CRASH) return die(world, point, statement);
        world_count(world, fault);
        world_tell(world, NULL, "the database answers %s at %s", sim_fault_name(fault), *statement ? statement : "COMMIT");
        return fault_of(fault);
    }
    return MODEL_GO;
}

/* ---- start and end -------------------------------------------------------------------------------------------- */

/* Somebody starts it again, after a while. */
static void lie_dead(struct world *world) {
    server_stop(world);
    world->host.up_again_us = world->now_us + chance_between(&world->chance, 5, 900) * US_PER_S;
}

static void start(struct world *world) {
    struct host *host = &world->host;
    uint32_t draw;
    random_bytes(&draw, sizeof draw);
    host->writer = draw >> 1;
    host->rpc = (struct rpc_server){.installation = world->installation,
                                    .keys = &host->keys,
                                    .tokens = token_cache_new(),
                                    .rates = rate_limits_new(50, 200),
                                    .services = services};
    assert(host->rpc.tokens && host->rpc.rates);
    host->arena_memory = malloc(ARENA_FIRST);
    assert(host->arena_memory);
    arena_init(&host->arena, host->arena_memory, ARENA_FIRST);
    arena_may_grow(&host->arena, ARENA_MAX, grow_more, grow_less);
    host->dying = false;
    struct db_options options = {.conninfo = model_conninfo(world->model), .worker = "sim", .statements = &store_statements};
    host->up = true;
    tagih_err err = db_open(&host->db, &options);
    if (host->dying) lie_dead(world); /* it may be killed while it starts, too */
    else assert(err_is_ok(err));
    (void)err;
}

void server_stop(struct world *world) {
    struct host *host = &world->host;
    db_release(&host->db);
    arena_reset(&host->arena);
    free(host->arena_memory);
    token_cache_free(host->rpc.tokens);
    rate_limits_free(host->rpc.rates);
    host->up = false;
}

static void make_key(struct world *world, enum key_purpose purpose) {
    struct keyring *ring = &world->host.keys;
    struct key *key = &ring->keys[ring->count];
    uint8_t seed[32];
    chance_bytes(&world->chance, seed, sizeof seed);
    key_pair_from_seed(seed, &key->public_key, &key->secret);
    key->purpose = purpose;
    key->id = key_id_of(&key->public_key);
    key->created.us = world->now_us;
    key->has_secret = true;
    ring->signing[purpose] = (int)ring->count++;
}

void server_open(struct world *world) {
    struct host *host = &world->host;
    for (int purpose = 0; purpose < KEY_PURPOSE_COUNT; purpose++) make_key(world, (enum key_purpose)purpose);
    char report[256];
    tagih_err err = bind_services(services, &host->table, report, sizeof report);
    assert(err_is_ok(err));
    (void)err;
    model_hook(world->model, ask, world);
    start(world);
}

void server_close(struct world *world) {
    if (world->host.up) server_stop(world);
    bind_release(&world->host.table);
}

bool server_is_up(struct world *world) {
    struct host *host = &world->host;
    if (sim_plant_is(world, "silence")) return false;
    if (!host->up && world->now_us >= host->up_again_us) {
        world_tell(world, NULL, "the server is started again");
        start(world);
    }
    return host->up;
}

void server_restart(struct world *world) {
    if (world->host.up) server_stop(world);
    start(world);
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

/** A call and whom its answer is for. */
struct served {
    struct call call;
    struct delivery *of;
};

static void keep_answer(struct call *call, const struct call_reply *reply) {
    struct delivery *of = ((struct served *)call)->of;
    of->answered = true;
    of->status = reply->status;
    if (reply->status != CALL_OK) return;
    of->answer = malloc(reply->body.len ? reply->body.len : 1);
    assert(of->answer);
    memcpy(of->answer, reply->body.data, reply->body.len);
    of->answer_len = reply->body.len;
}

static const struct call_door door = {.reply = keep_answer};

static const struct call_row *row_of(const struct world *world, const char *path) {
    for (size_t i = 0; i < world->host.table.count; i++) {
        if (strcmp(world->host.table.rows[i].path, path) == 0) return &world->host.table.rows[i];
    }
    abort();
}

static void arrive(struct world *world, struct served *served, struct delivery *of) {
    *served = (struct served){.of = of};
    struct call *call = &served->call;
    call->row = row_of(world, "/tagih.v1.SyncService/Push");
    call->door = &door;
    bool room = grow_arena_open(&call->arena);
    assert(room);
    (void)room;
    call->request = of->request;
    call->arrived_us = world->mono_us;
    call->deadline_us = world->mono_us + call->row->deadline_us_max;
    call->peer = bytes_text("192.0.2.1");
    call->first = true;
    bind_begin(call);
}

/* As the crew does it: those of one agency are one batch; strangers, who have none, another. */
static void serve_agency(struct world *world, struct rpc_item **items, size_t n, agency_id agency) {
    struct host *host = &world->host;
    struct rpc_batch batch = {.server = &host->rpc,
                              .db = &host->db,
                              .arena = &host->arena,
                              .agency = agency,
                              .now = {world->now_us},
                              .writer = host->writer};
    batch.items = calloc(n, sizeof *batch.items);
    assert(batch.items || n == 0);
    struct rpc_item **all = batch.items;
    for (size_t i = 0; i < n; i++) {
        if (items[i] && uuid_equal(items[i]->caller.agency.u, agency.u)) {
            all[batch.n++] = items[i];
            items[i] = NULL;
        }
    }
    world->result->batches++;
    bind_serve(&batch);
    free(all);
}

/* It is gone: what it had answered by then reached nobody. */
static void bury(struct world *world, struct delivery *const *calls, size_t n) {
    for (size_t i = 0; i < n; i++) {
        free(calls[i]->answer);
        calls[i]->answer = NULL;
        calls[i]->answered = false;
    }
    lie_dead(world);
}

void server_serve(struct world *world, struct delivery *const *calls, size_t n) {
    if (!server_is_up(world)) return;
    struct served *served = calloc(n, sizeof *served);
    struct rpc_item **items = calloc(n, sizeof *items);
    assert((served && items) || n == 0);
    for (size_t i = 0; i < n; i++) {
        arrive(world, &served[i], calls[i]);
        struct rpc_item *item = served[i].call.state;
        bind_prepare(&world->host.rpc, item, (instant){world->now_us});
        if (err_is_ok(item->err)) items[i] = item;
        else bind_answer(&world->host.rpc, item);
    }
    world->result->calls += n;
    for (size_t i = 0; i < n && !world->host.dying; i++) {
        if (items[i]) serve_agency(world, items, n, items[i]->caller.agency);
    }
    world->now_us += SERVE_US;
    world->mono_us += SERVE_US;
    if (world->host.dying) bury(world, calls, n);
    for (size_t i = 0; i < n; i++) grow_arena_close(&served[i].call.arena);
    free(served);
    free(items);
}

/* ---- certificates --------------------------------------------------------------------------------------------- */

void server_certify(struct world *world, struct handset *handset, size_t epoch) {
    struct phone *phone = &handset->epochs[epoch];
    const struct key *key = keyring_signing(&world->host.keys, KEY_DEVICE);
    struct device_certificate document = {.agency = world->agency,
                                          .device = phone->device,
                                          .key = phone->key,
                                          .epoch = (uint32_t)epoch + 1,
                                          .user = world->users[handset->number],
                                          .valid_from = {world->now_us}};
    uint8_t bytes[ENVELOPE_MAX];
    size_t len;
    struct envelope envelope;
    tagih_err err = device_certificate_sign(&document, world->installation, &key->secret, bytes, sizeof bytes, &len);
    assert(err_is_ok(err));
    err = device_certificate_open(bytes_make(bytes, len), world->installation, &document, &envelope);
    assert(err_is_ok(err));
    (void)err;
    bool taken = phone_take_device_certificate(phone, bytes_make(bytes, len));
    assert(taken);
    (void)taken;
    handset->issued[epoch] = document.valid_from;
    model_phone(world->model, &(struct model_phone){.agency = world->agency,
                                                    .device = phone->device,
                                                    .user = document.user,
                                                    .epoch = document.epoch,
                                                    .public_key = phone->key.b,
                                                    .certificate = bytes_make(phone->certificate, phone->certificate_len),
                                                    .certificate_hash = envelope.hash,
                                                    .valid_from_us = document.valid_from.us});
}
