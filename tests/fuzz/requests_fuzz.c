/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every request message through PREPARE, exactly as a worker does it: token, wire check, unpacking into the call's
 * arena, field checks. The first two bytes choose the method, the rest is the message. Methods lie on a ring by a hash
 * of their path, so a seed keeps its method when others come and go.
 *
 * Held for any bytes: an error is the caller's and never ours, a field at fault comes with an error, what was taken is
 * a whole message of its type, and no call gets more memory than its arena's cap.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/auth.h"
#include "engine/bind.h"
#include "engine/server.h"
#include "rpc/services.h"
#include "run/grow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUEST_BYTES_MAX ((size_t)1 << 20)
#define NOW_S INT64_C(1780000000)

static struct rpc_table table;
static struct keyring keys;
static struct rpc_server server = {.keys = &keys};
static char header[8 + 2 * TOKEN_MAX] = "Bearer ";

#define HOLDS(condition)                                         \
    do {                                                         \
        if (!(condition)) {                                      \
            fprintf(stderr, "does not hold: %s\n", #condition);  \
            abort();                                             \
        }                                                        \
    } while (0)

/* A phone's token, which every row takes that takes any: roles are read from the database, later. */
static void make_token(void) {
    static const uint8_t seed[crypto_sign_SEEDBYTES] = {1};
    struct key *key = &keys.keys[0];
    uint8_t raw[TOKEN_MAX];
    size_t len;
    crypto_sign_seed_keypair(key->public_key.b, key->secret.b, seed);
    *key = (struct key){.purpose = KEY_TOKEN, .id = key_id_of(&key->public_key), .public_key = key->public_key,
                        .has_secret = true, .secret = key->secret};
    keys.count = 1;
    struct token token = {.agency.u.b = {1}, .user.u.b = {2}, .id.b = {3}, .caller = TOKEN_DEVICE, .has_device = true,
                          .device.u.b = {4}, .issued_s = NOW_S, .not_before_s = NOW_S, .expires_s = NOW_S + 900};
    HOLDS(err_is_ok(token_sign(&token, server.installation, &key->secret, raw, sizeof raw, &len)));
    auth_encode(bytes_make(raw, len), header + strlen(header), sizeof header - strlen(header));
}

static void open_once(void) {
    if (table.count) return;
    char report[256] = "";
    HOLDS(sodium_init() >= 0);
    tagih_err err = bind_services(rpc_services, &table, report, sizeof report);
    if (!err_is_ok(err)) fprintf(stderr, "%s\n", report);
    HOLDS(err_is_ok(err));
    server.services = rpc_services;
    server.tokens = token_cache_new();
    server.rates = rate_limits_new(0, 1);
    HOLDS(server.tokens && server.rates);
    make_token();
}

/* FNV-1a, folded to 16 bits. */
static uint16_t place_of(const char *path) {
    uint32_t hash = 2166136261U;
    while (*path) hash = (hash ^ (uint8_t)*path++) * 16777619U;
    return (uint16_t)(hash ^ hash >> 16);
}

/* The first method at or behind the key, around the ring. */
static const struct call_row *row_of(uint16_t key) {
    const struct call_row *found = NULL;
    unsigned nearest = 0;
    for (size_t i = 0; i < table.count; i++) {
        unsigned distance = (uint16_t)(place_of(table.rows[i].path) - key);
        if (found && distance >= nearest) continue;
        found = &table.rows[i];
        nearest = distance;
    }
    return found;
}

static void judge(const struct rpc_item *item) {
    enum tagih_class class = err_class(item->err);
    HOLDS(class != TAGIH_CLASS_INTERNAL);
    HOLDS(class != TAGIH_CLASS_UNAUTHENTICATED || item->bound->method->open); /* the token is good */
    HOLDS(item->call->arena.total_bytes <= GROW_CALL_BYTES_MAX);
    if (item->problems) HOLDS(!rpc_ok(item) && item->problems->field);
    if (!rpc_ok(item)) return;
    HOLDS(item->request && protobuf_c_message_check(item->request));
    HOLDS(((const ProtobufCMessage *)item->request)->descriptor == item->bound->proto->input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > REQUEST_BYTES_MAX) return -1;
    open_once();
    struct call call = {.row = row_of((uint16_t)(data[0] << 8 | data[1])), .request = bytes_make(data + 2, size - 2),
                        .deadline_us = INT64_MAX, .authorization = bytes_text(header), .first = true};
    if (!grow_arena_open(&call.arena)) return -1;
    bind_begin(&call);
    bind_prepare(&server, call.state, (instant){NOW_S * US_PER_S});
    judge(call.state);
    grow_arena_close(&call.arena);
    return 0;
}
