/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways and their keys in the database (R-PAY-5g). */
#ifndef TAGIH_STORE_GATEWAY_H
#define TAGIH_STORE_GATEWAY_H

#include "store/tx.h"

/** Stored by number: add, never renumber. */
enum gateway_algorithm { GATEWAY_HMAC_SHA256 = 1, GATEWAY_ED25519 = 2 };

#define GATEWAY_KEY_BYTES 32
/** While keys change there are two; more than this are not looked at. */
#define GATEWAY_KEYS_MAX 4

struct gateway_key {
    int16_t algorithm;
    uint8_t key[GATEWAY_KEY_BYTES];
};

TAGIH_MUST_USE tagih_err gateway_send_keys(struct tx *tx, struct arena *arena, struct bytes gateway);
/** Take the keys that verify. @param out  GATEWAY_KEYS_MAX */
void gateway_take_keys(struct tx *tx, struct gateway_key *out, size_t *n);

TAGIH_MUST_USE tagih_err gateway_send_account(struct tx *tx, struct arena *arena, struct bytes account_no);
/** Nil: no account has this number. */
void gateway_take_account(struct tx *tx, account_id *out);

#endif
