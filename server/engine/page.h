/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page tokens (AIP-158): where the next page begins, bound to the list that it came from. A token is base64url of
 *
 *     version, 1 byte ‖ tag, 8 bytes ‖ key of the last row of the page before, 1 to 48 bytes
 *
 * with tag = the first 8 bytes of SHA-256("tagih.page.1" 00 ‖ method's path 00 ‖ agency ‖ caller ‖ filter ‖ key). So a
 * token of another method, caller or filter is refused, and clients do not come to depend on what is inside. It is no
 * proof of anything: what a caller may see is decided by the query, page by page, whatever the token says.
 *
 * Most lists go by time and id, and their statements are asked for one row more than the page has (page.size + 1):
 *
 * In check():   rpc_check_list(item, request->page_size, request->page_token, filter, &list->page)
 * In serve():   size_t n = rpc_page_rows(result, list->page.size);
 *               out->next_page_token = rpc_page_next(item, result, list->page.size, filter, BYTES_OF(&last))
 *
 * Lists with another key use rpc_check_page() and rpc_check_page_token() with it.
 */
#ifndef TAGIH_ENGINE_PAGE_H
#define TAGIH_ENGINE_PAGE_H

#include "engine/rpc.h"
#include "store/db.h"

/** The longest key of a row. */
#define PAGE_KEY_MAX 48

/**
 * Read the token of a request. An empty one asks for the first page.
 *
 * @param filter     the bytes of whatever else selects rows; page_size is none of it
 * @param key        [out] the key of the row after which the page begins; untouched without a token
 * @param key_bytes  its size, 1 to PAGE_KEY_MAX: a token with another one is not from this list
 * @param present    [out] there is a token
 * @return false: the problem PAGE_TOKEN was reported on "page_token"
 */
bool rpc_check_page_token(struct rpc_item *item, const char *token, struct bytes filter, void *key, size_t key_bytes,
                          bool *present);

/** The token of the page after the row with this key; "" and the item's error when memory is out. */
char *rpc_page_token(struct rpc_item *item, struct bytes filter, struct bytes key);

/** A page of a list that goes by time and id. */
struct page {
    int32_t size;
    bool has_after;
    struct page_place {
        int64_t at_us;
        uuid id;
    } after; /* the last row of the page before; without a token it stays as it is: set it to where the list begins */
};

/** Both fields of a list's request; problems are reported on "page_size" and "page_token". */
void rpc_check_list(struct rpc_item *item, int32_t page_size, const char *token, struct bytes filter, struct page *page);

/** How many rows of a result that was asked for one row more are on a page of that size. */
size_t rpc_page_rows(const struct result *result, int32_t size);

/** Does a result that was asked for one row more than the page have it? */
bool rpc_page_more(const struct result *result, int32_t size);

/** rpc_page_token() when the result has a row more than the page, else "". */
char *rpc_page_next(struct rpc_item *item, const struct result *result, int32_t size, struct bytes filter, struct bytes key);

#endif
