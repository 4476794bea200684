/* SPDX-License-Identifier: Apache-2.0 */
/* Page tokens: made, and read back only where they came from. */
#include "engine/page.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "engine/bind.h"

#define VERSION 1
#define TAG_BYTES 8
#define HEAD_BYTES (1 + TAG_BYTES)
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

static const char purpose[] = "tagih.page.1";

static void tag_of(const struct rpc_item *item, struct bytes filter, struct bytes key, uint8_t out[TAG_BYTES]) {
    crypto_hash_sha256_state state;
    uint8_t digest[crypto_hash_sha256_BYTES];
    const char *path = item->bound->path;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)purpose, sizeof purpose);
    crypto_hash_sha256_update(&state, (const uint8_t *)path, strlen(path) + 1);
    crypto_hash_sha256_update(&state, item->caller.agency.u.b, sizeof item->caller.agency.u.b);
    crypto_hash_sha256_update(&state, item->caller.user.u.b, sizeof item->caller.user.u.b);
    crypto_hash_sha256_update(&state, filter.data, filter.len);
    crypto_hash_sha256_update(&state, key.data, key.len);
    crypto_hash_sha256_final(&state, digest);
    memcpy(out, digest, TAG_BYTES);
}

static bool read_token(const struct rpc_item *item, const char *token, struct bytes filter, void *key, size_t key_bytes) {
    uint8_t raw[HEAD_BYTES + PAGE_KEY_MAX], tag[TAG_BYTES];
    size_t len = 0;
    const char *end = NULL;
    if (sodium_base642bin(raw, sizeof raw, token, strlen(token), NULL, &len, &end, BASE64) != 0 || *end) return false;
    if (len != HEAD_BYTES + key_bytes || raw[0] != VERSION) return false;
    tag_of(item, filter, bytes_make(raw + HEAD_BYTES, key_bytes), tag);
    if (memcmp(tag, raw + 1, TAG_BYTES) != 0) return false;
    memcpy(key, raw + HEAD_BYTES, key_bytes);
    return true;
}

bool rpc_check_page_token(struct rpc_item *item, const char *token, struct bytes filter, void *key, size_t key_bytes,
                          bool *present) {
    assert(key_bytes >= 1 && key_bytes <= PAGE_KEY_MAX);
    *present = token && *token;
    if (!*present || read_token(item, token, filter, key, key_bytes)) return true;
    rpc_problem(item, FAIL(PAGE_TOKEN), "page_token");
    return false;
}

char *rpc_page_token(struct rpc_item *item, struct bytes filter, struct bytes key) {
    assert(key.len >= 1 && key.len <= PAGE_KEY_MAX);
    uint8_t raw[HEAD_BYTES + PAGE_KEY_MAX] = {VERSION};
    tag_of(item, filter, key, raw + 1);
    memcpy(raw + HEAD_BYTES, key.data, key.len);
    size_t size = sodium_base64_encoded_len(HEAD_BYTES + key.len, BASE64);
    char *out = rpc_alloc(item, size);
    if (!out) return (char *)(uintptr_t)protobuf_c_empty_string;
    return sodium_bin2base64(out, size, raw, HEAD_BYTES + key.len, BASE64);
}

void rpc_check_list(struct rpc_item *item, int32_t page_size, const char *token, struct bytes filter, struct page *page) {
    rpc_check_page(item, page_size, &page->size);
    rpc_check_page_token(item, token, filter, &page->after, sizeof page->after, &page->has_after);
}

bool rpc_page_more(const struct result *result, int32_t size) {
    return result_count(result) > (size_t)size;
}

size_t rpc_page_rows(const struct result *result, int32_t size) {
    return rpc_page_more(result, size) ? (size_t)size : result_count(result);
}

char *rpc_page_next(struct rpc_item *item, const struct result *result, int32_t size, struct bytes filter,
                    struct bytes key) {
    return rpc_page_more(result, size) ? rpc_page_token(item, filter, key) : (char *)(uintptr_t)protobuf_c_empty_string;
}
