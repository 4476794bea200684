/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens are verified once (45 µs) and then known by a keyed hash of their bytes until they end. The key is drawn at
 * start, so nobody can aim at a place in the table. Places come in sets of WAYS, each set under one of STRIPES locks:
 * with one place a hash, 2 000 phones in 8 192 places would throw each other out and cost a fifth of the server's time.
 */
#include "engine/auth.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "engine/server.h"

#define CACHE_PLACES 8192
#define WAYS 8
#define STRIPES 64

struct cached {
    uint8_t hash[16];
    struct rpc_caller caller;
    int64_t expires_s;
};

struct token_cache {
    uint8_t key[crypto_generichash_KEYBYTES];
    pthread_mutex_t locks[STRIPES];
    struct cached places[CACHE_PLACES];
};

static void locks_init(pthread_mutex_t *locks) {
    for (int i = 0; i < STRIPES; i++) pthread_mutex_init(&locks[i], NULL);
}

static void locks_destroy(pthread_mutex_t *locks) {
    for (int i = 0; i < STRIPES; i++) pthread_mutex_destroy(&locks[i]);
}

struct token_cache *token_cache_new(void) {
    struct token_cache *cache = calloc(1, sizeof *cache);
    if (!cache) return NULL;
    randombytes_buf(cache->key, sizeof cache->key);
    locks_init(cache->locks);
    return cache;
}

void token_cache_free(struct token_cache *cache) {
    if (!cache) return;
    locks_destroy(cache->locks);
    free(cache);
}

static size_t place_of(const uint8_t *hash, size_t places) {
    uint32_t word;
    memcpy(&word, hash, sizeof word);
    return word % places;
}

static bool is_place_of(const struct cached *place, const uint8_t hash[16], int64_t now_s) {
    return now_s < place->expires_s && memcmp(place->hash, hash, sizeof place->hash) == 0;
}

static bool cache_find(struct token_cache *cache, const uint8_t hash[16], int64_t now_s, struct rpc_caller *out) {
    size_t set = place_of(hash, CACHE_PLACES / WAYS);
    const struct cached *place = &cache->places[set * WAYS], *end = place + WAYS;
    pthread_mutex_lock(&cache->locks[set % STRIPES]);
    while (place < end && !is_place_of(place, hash, now_s)) place++;
    bool hit = place < end;
    if (hit) *out = place->caller;
    pthread_mutex_unlock(&cache->locks[set % STRIPES]);
    return hit;
}

/* Into the place of its set that ends first: an empty or a dead one, if there is any. */
static void cache_put(struct token_cache *cache, const uint8_t hash[16], const struct rpc_caller *caller,
                      int64_t expires_s) {
    size_t set = place_of(hash, CACHE_PLACES / WAYS);
    struct cached *places = &cache->places[set * WAYS], *place = places;
    pthread_mutex_lock(&cache->locks[set % STRIPES]);
    for (size_t i = 1; i < WAYS; i++) {
        if (places[i].expires_s < place->expires_s) place = &places[i];
    }
    memcpy(place->hash, hash, sizeof place->hash);
    place->caller = *caller;
    place->expires_s = expires_s;
    pthread_mutex_unlock(&cache->locks[set % STRIPES]);
}

static tagih_err verify(const struct rpc_server *server, struct bytes text, instant now, struct token *out) {
    uint8_t raw[TOKEN_MAX];
    size_t len = 0;
    if (sodium_base642bin(raw, sizeof raw, (const char *)text.data, text.len, NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0) {
        return FAIL(TOKEN_INVALID);
    }
    struct envelope envelope;
    TRY(token_open(bytes_make(raw, len), server->installation, out, &envelope));
    const struct key *key = keyring_find(server->keys, KEY_TOKEN, envelope.kid);
    if (!key) return FAIL(TOKEN_INVALID);
    return token_open_verify(bytes_make(raw, len), server->installation, &key->public_key, now, out);
}

tagih_err auth_check(const struct rpc_server *server, struct bytes header, instant now, struct rpc_caller *out) {
    static const char scheme[] = "Bearer ";
    const size_t skip = sizeof scheme - 1;
    if (header.len == 0) return FAIL(TOKEN_MISSING);
    if (header.len <= skip || memcmp(header.data, scheme, skip) != 0) return FAIL(TOKEN_INVALID);
    struct bytes text = bytes_make(header.data + skip, header.len - skip);
    uint8_t hash[16];
    crypto_generichash(hash, sizeof hash, text.data, text.len, server->tokens->key, sizeof server->tokens->key);
    if (cache_find(server->tokens, hash, now.us / US_PER_S, out)) return TAGIH_OK;
    struct token token;
    TRY(verify(server, text, now, &token));
    *out = (struct rpc_caller){
        .agency = token.agency, .user = token.user, .device = token.device, .has_device = token.has_device,
        .issued = {token.issued_s * US_PER_S}};
    cache_put(server->tokens, hash, out, token.expires_s);
    return TAGIH_OK;
}

size_t auth_encode(struct bytes token, char *out, size_t size) {
    sodium_bin2base64(out, size, token.data, token.len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return strlen(out);
}

#define BUCKETS 65536

/* A bucket in "theoretical arrival time" form (GCRA): one number says how full it is. */
struct bucket {
    uuid who;
    int64_t full_us;
};

struct rate_limits {
    int64_t step_us, depth_us;
    uint8_t key[crypto_shorthash_KEYBYTES];
    pthread_mutex_t locks[STRIPES];
    struct bucket buckets[BUCKETS];
};

struct rate_limits *rate_limits_new(int calls_per_s, int burst) {
    struct rate_limits *limits = calloc(1, sizeof *limits);
    if (!limits) return NULL;
    limits->step_us = calls_per_s > 0 ? US_PER_S / calls_per_s : 0;
    limits->depth_us = limits->step_us * burst;
    randombytes_buf(limits->key, sizeof limits->key);
    locks_init(limits->locks);
    return limits;
}

void rate_limits_free(struct rate_limits *limits) {
    if (!limits) return;
    locks_destroy(limits->locks);
    free(limits);
}

tagih_err rate_take(struct rate_limits *limits, uuid who, int64_t now_us, int64_t *retry_after_us) {
    if (limits->step_us == 0) return TAGIH_OK;
    uint8_t hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, who.b, sizeof who.b, limits->key);
    size_t i = place_of(hash, BUCKETS);
    pthread_mutex_lock(&limits->locks[i % STRIPES]);
    struct bucket *bucket = &limits->buckets[i];
    if (!uuid_equal(bucket->who, who) || bucket->full_us < now_us) *bucket = (struct bucket){who, now_us};
    int64_t wait_us = bucket->full_us + limits->step_us - limits->depth_us - now_us;
    if (wait_us <= 0) bucket->full_us += limits->step_us;
    pthread_mutex_unlock(&limits->locks[i % STRIPES]);
    if (wait_us <= 0) return TAGIH_OK;
    *retry_after_us = wait_us;
    return FAIL(RATE_LIMIT);
}
