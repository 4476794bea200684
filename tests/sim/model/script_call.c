/* SPDX-License-Identifier: Apache-2.0 */
/* The server that a script calls: the real binding and the real handlers, without doors and threads. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "contract.h"
#include "engine/auth.h"
#include "engine/chores.h"
#include "rpc/services.h"
#include "run/clock.h"
#include "run/grow.h"
#include "store/feed.h"
#include "store_statements.h"
#include "tagih/token.h"
#include "tests/sim/model/script_in.h"

#define ARENA_FIRST ((size_t)256 * 1024)
#define ARENA_MAX ((size_t)64 << 20)

/* ---- the server ------------------------------------------------------------------------------------------------ */

static const struct rpc_service *const services[] = {&sync_service, NULL};

static void make_key(struct script *s, enum key_purpose purpose) {
    struct key *key = &s->keys.keys[s->keys.count];
    uint8_t seed[32];
    chance_bytes(&s->chance, seed, sizeof seed);
    key_pair_from_seed(seed, &key->public_key, &key->secret);
    key->purpose = purpose, key->id = key_id_of(&key->public_key), key->has_secret = true;
    s->keys.signing[purpose] = (int)s->keys.count++;
}

static void log_line(void *context, const char *text) {
    (void)context;
    if (getenv("SCRIPT_LOG")) fprintf(stderr, "%s\n", text);
}

void script_server_open(struct script *s) {
    char report[256];
    for (int purpose = 0; purpose < KEY_PURPOSE_COUNT; purpose++) make_key(s, (enum key_purpose)purpose);
    script_must(bind_services(services, &s->table, report, sizeof report));
    s->server = (struct rpc_server){.installation = s->installation, .keys = &s->keys, .tokens = token_cache_new(),
                                    .rates = rate_limits_new(0, 1), .services = services};
    s->arena_memory = malloc(ARENA_FIRST);
    assert(s->arena_memory && s->server.tokens && s->server.rates);
    arena_init(&s->arena, s->arena_memory, ARENA_FIRST);
    arena_may_grow(&s->arena, ARENA_MAX, grow_more, grow_less);
    script_must(db_open(&s->db, &(struct db_options){.conninfo = model_conninfo(s->model), .worker = "script", .statements = &store_statements, .log = log_line}));
}

void script_server_close(struct script *s) {
    db_release(&s->db);
    arena_reset(&s->arena);
    free(s->arena_memory);
    token_cache_free(s->server.tokens);
    rate_limits_free(s->server.rates);
    bind_release(&s->table);
}

/* ---- calls --------------------------------------------------------------------------------------------------- */

/** A call and what became of it. */
struct served {
    struct call call;
    struct script *script;
    size_t number;
    size_t phone;
    uint8_t *packed;
    char authorization[600];
    char *told; /* said when all of the batch are answered, in the order of the calls */
};

static void tell_bytes(FILE *out, const char *what, ProtobufCBinaryData data) {
    char hex[2 * ENVELOPE_MAX + 1];
    bytes_hex(bytes_make(data.data, data.len), hex);
    fprintf(out, "  %s %s\n", what, hex);
}

/* The acknowledgement in words, too: a difference is to be understood. */
static void tell_ack(const struct script *s, FILE *out, ProtobufCBinaryData data) {
    struct acknowledgement ack;
    struct envelope envelope;
    tell_bytes(out, "ack", data);
    if (!err_is_ok(acknowledgement_open(bytes_make(data.data, data.len), s->installation, &ack, &envelope))) return;
    fprintf(out, "   fate %d", ack.fate);
    for (size_t i = 0; i < ack.reason_count; i++) fprintf(out, " %s", fate_reason_name(ack.reasons[i]));
    fprintf(out, "\n");
}

static void tell_push(const struct script *s, FILE *out, struct bytes body) {
    Tagih__V1__PushResponse *response = tagih__v1__push_response__unpack(NULL, body.len, body.data);
    assert(response);
    for (size_t i = 0; i < response->n_acks; i++) tell_ack(s, out, response->acks[i]);
    for (size_t i = 0; i < response->n_chain_certificates; i++) tell_bytes(out, "chain", response->chain_certificates[i]);
    tagih__v1__push_response__free_unpacked(response, NULL);
}

/* All but the cursor, which names places of this very database. */
static void tell_pull(struct script *s, FILE *out, size_t phone, struct bytes body) {
    Tagih__V1__PullResponse *response = tagih__v1__pull_response__unpack(NULL, body.len, body.data);
    assert(response && response->cursor.len <= sizeof s->cursors[phone].bytes);
    s->cursors[phone].len = response->cursor.len;
    if (response->cursor.len) memcpy(s->cursors[phone].bytes, response->cursor.data, response->cursor.len);
    response->cursor.len = 0;
    size_t len = tagih__v1__pull_response__get_packed_size(response);
    uint8_t *packed = malloc(len + 1);
    char *hex = malloc(2 * len + 1);
    assert(packed && hex);
    tagih__v1__pull_response__pack(response, packed);
    bytes_hex(bytes_make(packed, len), hex);
    fprintf(out, "  %zu changes %s\n", response->n_changes, hex);
    free(hex);
    free(packed);
    tagih__v1__pull_response__free_unpacked(response, NULL);
}

static void keep_answer(struct call *call, const struct call_reply *reply) {
    struct served *served = (struct served *)call;
    size_t len;
    FILE *out = open_memstream(&served->told, &len);
    fprintf(out, " call %zu: status %d %s\n", served->number, (int)reply->status, reply->message ? reply->message : "");
    if (reply->status == CALL_OK && served->authorization[0]) tell_pull(served->script, out, served->phone, reply->body);
    else if (reply->status == CALL_OK) tell_push(served->script, out, reply->body);
    fclose(out);
}

static const struct call_door door = {.reply = keep_answer};

static size_t pack_request(const struct phone *phone, const struct script_call *call, uint8_t **out) {
    Tagih__V1__PushRequest request = TAGIH__V1__PUSH_REQUEST__INIT;
    ProtobufCBinaryData *entries = calloc(call->n + 1, sizeof *entries);
    ProtobufCBinaryData certificate = {phone->certificate_len, (uint8_t *)(uintptr_t)phone->certificate};
    assert(entries);
    for (size_t i = 0; i < call->n; i++) entries[i] = (ProtobufCBinaryData){call->records[i]->len, call->records[i]->bytes};
    request.n_entries = call->n, request.entries = entries;
    request.n_certificates = 1, request.certificates = &certificate;
    size_t len = tagih__v1__push_request__get_packed_size(&request);
    *out = malloc(len);
    assert(*out);
    tagih__v1__push_request__pack(&request, *out);
    free(entries);
    return len;
}

static const struct call_row *row_of(const struct script *s, const char *path) {
    for (size_t i = 0; i < s->table.count; i++) {
        if (strcmp(s->table.rows[i].path, path) == 0) return &s->table.rows[i];
    }
    abort();
}

static struct rpc_item *arrive(struct script *s, struct served *served, const char *path, size_t len) {
    struct call *call = &served->call;
    served->script = s;
    call->row = row_of(s, path), call->door = &door;
    if (!grow_arena_open(&call->arena)) abort();
    call->request = bytes_make(served->packed, len);
    call->authorization = bytes_text(served->authorization);
    call->arrived_us = clock_monotonic_us();
    call->deadline_us = call->arrived_us + 60 * US_PER_S;
    call->peer = bytes_text("192.0.2.1");
    call->first = true;
    bind_begin(call);
    struct rpc_item *item = call->state;
    bind_prepare(&s->server, item, (instant){s->now_us});
    return item;
}

static void serve(struct script *s, struct rpc_item **items, size_t n) {
    struct rpc_batch batch = {.server = &s->server, .db = &s->db, .arena = &s->arena, .agency = s->agency, .writer = 7, .items = items,
                              .now = {s->now_us}};
    for (size_t i = 0; i < n; i++) {
        if (err_is_ok(items[i]->err)) items[batch.n++] = items[i];
        else bind_answer(&s->server, items[i]);
    }
    if (batch.n) bind_serve(&batch);
}

static void tell_served(struct script *s, struct served *served, size_t n) {
    for (size_t i = 0; i < n; i++) {
        fputs(served[i].told ? served[i].told : "no answer\n", s->out);
        free(served[i].told);
        free(served[i].packed);
        grow_arena_close(&served[i].call.arena);
    }
}

void script_push_batch(struct script *s, const struct script_call *calls, size_t n) {
    struct served *served = calloc(n, sizeof *served);
    struct rpc_item **items = calloc(n, sizeof *items);
    assert(served && items);
    s->now_us += US_PER_S;
    script_say(s, "push at %lld", (long long)s->now_us);
    for (size_t i = 0; i < n; i++) {
        served[i].number = i, served[i].phone = calls[i].phone;
        size_t len = pack_request(&s->phones[calls[i].phone], &calls[i], &served[i].packed);
        items[i] = arrive(s, &served[i], "/tagih.v1.SyncService/Push", len);
    }
    serve(s, items, n);
    tell_served(s, served, n);
    free(items);
    free(served);
}

void script_push(struct script *s, size_t phone, struct record *const *records, size_t n) {
    script_push_batch(s, &(struct script_call){phone, records, n}, 1);
}


/* A token of the phone, as authentication gives it. */
static void authorize(struct script *s, struct served *served) {
    const struct phone *phone = &s->phones[served->phone];
    struct token token = {.agency = s->agency, .user = phone->user, .caller = TOKEN_DEVICE, .has_device = true, .device = phone->device,
                          .id = script_id(s), .issued_s = s->now_us / US_PER_S - 60};
    uint8_t raw[TOKEN_MAX];
    size_t len;
    token.not_before_s = token.issued_s, token.expires_s = token.issued_s + 900;
    script_must(token_sign(&token, s->installation, &keyring_signing(&s->keys, KEY_TOKEN)->secret, raw, sizeof raw, &len));
    memcpy(served->authorization, "Bearer ", 7);
    auth_encode(bytes_make(raw, len), served->authorization + 7, sizeof served->authorization - 7);
}

/* Until what is committed can be seen by all: a transaction of anybody on the cluster holds the feed back. */
static void settle(struct script *s) {
    struct feed_position at, first = {0};
    int64_t until = clock_monotonic_us() + 60 * US_PER_S;
    do {
        arena_reset(&s->arena);
        script_must(feed_position_get(&s->db, &s->arena, until, &at));
        if (first.xid_next == 0) first = at;
    } while (at.xid_min < first.xid_next && clock_monotonic_us() < until);
    assert(at.xid_min >= first.xid_next);
}

void script_pull(struct script *s, size_t phone) {
    settle(s);
    struct served served = {.phone = phone};
    Tagih__V1__PullRequest request = TAGIH__V1__PULL_REQUEST__INIT;
    request.cursor = (ProtobufCBinaryData){s->cursors[phone].len, s->cursors[phone].bytes};
    size_t len = tagih__v1__pull_request__get_packed_size(&request);
    served.packed = malloc(len + 1);
    assert(served.packed);
    tagih__v1__pull_request__pack(&request, served.packed);
    s->now_us += US_PER_S;
    authorize(s, &served);
    script_say(s, "phone %zu pulls at %lld", phone, (long long)s->now_us);
    struct rpc_item *item = arrive(s, &served, "/tagih.v1.SyncService/Pull", len);
    serve(s, &item, 1);
    tell_served(s, &served, 1);
}

/* ---- what the clock brings -------------------------------------------------------------------------------------- */

static void run_chore(struct script *s, const struct chore *chore) {
    agency_id agencies[4];
    size_t n = 0, found = 0;
    int64_t until = clock_monotonic_us() + 60 * US_PER_S;
    arena_reset(&s->arena);
    script_must(chore->find(&s->db, &s->arena, (instant){s->now_us}, until, agencies, 4, &n));
    for (size_t i = 0; i < n; i++) {
        arena_reset(&s->arena);
        script_must(chore->work(&s->db, &s->arena, agencies[i], (instant){s->now_us}, until, &found));
        script_say(s, " %s: %zu", chore->name, found);
    }
}

/* What is signed covers numbers of transactions, and what is the house's is about partitions: neither is told alike. */
void script_minute(struct script *s) {
    s->now_us += US_PER_MINUTE;
    script_say(s, "the minute of %lld", (long long)s->now_us);
    for (const struct chore *chore = rpc_chores; chore->name; chore++) {
        if (chore->work) run_chore(s, chore);
    }
}
