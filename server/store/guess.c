/* SPDX-License-Identifier: Apache-2.0 */
/* Failed tries, counted where all servers see them. */
#include "store/guess.h"

#include <sodium.h>
#include <string.h>

#include "store_statements.h"

hash256 guess_key(const char *what, struct bytes about) {
    hash256 out;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)what, strlen(what) + 1);
    crypto_hash_sha256_update(&state, about.data, about.len);
    crypto_hash_sha256_final(&state, out.b);
    return out;
}

tagih_err guess_take(struct db *db, struct arena *arena, const hash256 *key, instant now, int64_t deadline_us,
                     int64_t *retry_after_us) {
    struct params p;
    params_init(&p, arena, STMT_guess_take, 0);
    params_one_bytea(&p, BYTES_OF(key));
    params_one_int8(&p, now.us);
    params_one_int8(&p, GUESS_WINDOW_US);
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, deadline_us, &r));
    if (result_int4(&r, 0, COL_guess_take_failures) <= GUESS_FAILURES_MAX) return TAGIH_OK;
    *retry_after_us = result_int8(&r, 0, COL_guess_take_window_us) + GUESS_WINDOW_US - now.us;
    return FAIL(GUESS_LIMIT);
}

tagih_err guess_forgive(struct db *db, struct arena *arena, const hash256 *key, bool all, int64_t deadline_us) {
    struct params p;
    params_init(&p, arena, STMT_guess_forgive, 0);
    params_one_bytea(&p, BYTES_OF(key));
    params_one_bool(&p, all);
    DEFER(result) struct result r = {0};
    return db_exec_one(db, &p, deadline_us, &r);
}
