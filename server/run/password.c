/* SPDX-License-Identifier: Apache-2.0 */
/* argon2id by libsodium, four at a time. */
#include "run/password.h"

#include <pthread.h>
#include <sodium.h>

#define PASSES 3
#define MEMORY_BYTES ((size_t)64 << 20)
#define AT_ONCE_MAX 4

_Static_assert(PASSWORD_HASH_SIZE >= crypto_pwhash_STRBYTES, "a hash has room");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t one_ended = PTHREAD_COND_INITIALIZER;
static int at_once;

static void enter(void) {
    pthread_mutex_lock(&lock);
    while (at_once == AT_ONCE_MAX) pthread_cond_wait(&one_ended, &lock);
    at_once++;
    pthread_mutex_unlock(&lock);
}

static void leave(void) {
    pthread_mutex_lock(&lock);
    at_once--;
    pthread_cond_signal(&one_ended);
    pthread_mutex_unlock(&lock);
}

tagih_err password_hash(struct bytes password, char out[PASSWORD_HASH_SIZE]) {
    enter();
    int failed = crypto_pwhash_str_alg(out, (const char *)password.data, password.len, PASSES, MEMORY_BYTES,
                                       crypto_pwhash_ALG_ARGON2ID13);
    leave();
    return failed ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}

/* What password_verify does for a user who is not there: the same work with a salt of zeros, its result thrown away. */
static void spend_the_same(struct bytes password) {
    uint8_t key[32];
    static const uint8_t salt[crypto_pwhash_SALTBYTES];
    if (crypto_pwhash(key, sizeof key, (const char *)password.data, password.len, salt, PASSES, MEMORY_BYTES,
                      crypto_pwhash_ALG_ARGON2ID13) == 0) {
        sodium_memzero(key, sizeof key);
    }
}

bool password_verify(struct bytes password, const char *hash) {
    bool fits = false;
    enter();
    if (hash && *hash) fits = crypto_pwhash_str_verify(hash, (const char *)password.data, password.len) == 0;
    else spend_the_same(password);
    leave();
    return fits;
}
