/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands around a call and comes from strangers: header names and values, the chain of addresses that the edge
 * forwards, the peer's address, the bearer token. Lines of the input are headers, "name:value"; values may hold anything
 * but a line feed.
 *
 * Held: what is not printable is refused unless its name ends in -bin; a header that counts once is taken once; addresses
 * lie within what they were read from; a header is no token of ours, or says whose it is.
 */
#include "server/net/intake.c"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/auth.h"
#include "engine/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 8192
#define NOW_S INT64_C(1780000000)

static void must(bool holds) {
    if (!holds) abort();
}

static bool lies_in(struct bytes part, struct bytes whole) {
    if (part.len == 0) return true;
    return part.data >= whole.data && part.data + part.len <= whole.data + whole.len;
}

static grpc_slice slice_of(struct bytes in) {
    return grpc_slice_from_static_buffer(in.data, in.len);
}

/* Until the first line feed. */
static struct bytes take_line(struct bytes *in) {
    const uint8_t *end = in->len ? memchr(in->data, '\n', in->len) : NULL;
    size_t len = end ? (size_t)(end - in->data) : in->len;
    struct bytes line = bytes_make(in->data, len);
    *in = bytes_make(in->data + len + (end != NULL), in->len - len - (end != NULL));
    return line;
}

static void take_one(struct call *call, struct forwarded *forwarded, struct bytes line) {
    const uint8_t *colon = line.len ? memchr(line.data, ':', line.len) : NULL;
    size_t name_len = colon ? (size_t)(colon - line.data) : line.len, skip = name_len + (colon != NULL);
    struct bytes key = bytes_make(line.data, name_len), value = bytes_make(line.data + skip, line.len - skip);
    grpc_metadata header = {.key = slice_of(key), .value = slice_of(value)};
    struct call before = *call;
    tagih_err err = take_header(call, forwarded, &header);
    if (is_binary_key(key)) must(err_is_ok(err) && call->authorization.data == before.authorization.data);
    else if (!is_printable(value)) must(err_is(err, ERR_CALL_HEADER_INVALID));
    if (err_is_ok(err)) return;
    must(call->authorization.data == before.authorization.data && call->traceparent.data == before.traceparent.data);
}

static void check_token(struct bytes header) {
    static struct keyring keys;
    static struct rpc_server server = {.keys = &keys};
    if (!server.tokens) {
        static const uint8_t seed[crypto_sign_SEEDBYTES] = {1};
        must(sodium_init() >= 0);
        key_pair_from_seed(seed, &keys.keys[0].public_key, &keys.keys[0].secret);
        keys.keys[0].purpose = KEY_TOKEN;
        keys.keys[0].id = key_id_of(&keys.keys[0].public_key);
        keys.count = 1;
        server.tokens = token_cache_new();
        must(server.tokens != NULL);
    }
    struct rpc_caller caller;
    tagih_err err = auth_check(&server, header, (instant){NOW_S * US_PER_S}, &caller);
    must(err_is_ok(err) ? caller.roles == 0 : err_class(err) == TAGIH_CLASS_UNAUTHENTICATED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes in = bytes_make(data, size);
    struct call call = {.row = NULL};
    struct forwarded forwarded = {{NULL, 0}, {NULL, 0}};
    if (size > INPUT_MAX) return -1;
    while (in.len) {
        struct bytes line = take_line(&in);
        must(lies_in(last_item(line), line));
        must(lies_in(peer_host(line), line));
        take_one(&call, &forwarded, line);
    }
    must(!forwarded.chain.len || !memchr(forwarded.chain.data, ',', forwarded.chain.len));
    if (call.authorization.data) check_token(call.authorization);
    return 0;
}
