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
 * In check():   rpc_check_page_token(item, request->page_token, filter, &list->after, sizeof list->after, &list->has_after)
 * In serve():   out->next_page_token = rpc_page_token(item, filter, BYTES_OF(&last_row_key))
 */
#ifndef TAGIH_RPC_PAGE_H
#define TAGIH_RPC_PAGE_H

#include "rpc/rpc.h"

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

#endif
