/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords: argon2id with 3 passes over 64 MiB, about 90 ms each. At most four run at once in a process, so that a
 * flood of logins costs time and not memory; the fifth waits.
 */
#ifndef TAGIH_RUN_PASSWORD_H
#define TAGIH_RUN_PASSWORD_H

#include <stdbool.h>

#include "tagih/bytes.h"

#define PASSWORD_LEN_MIN 10
#define PASSWORD_LEN_MAX 200
/* the longest text of a hash, with its NUL */
#define PASSWORD_HASH_SIZE 128

/** Hash a password; the text holds parameters and salt. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err password_hash(struct bytes password, char out[PASSWORD_HASH_SIZE]);

/**
 * Does the password fit the hash? Any thread; blocks.
 *
 * @param hash  as password_hash wrote it; NULL or "" for a user who does not exist or has none: the same time is
 *              spent, and the answer is false
 */
bool password_verify(struct bytes password, const char *hash);

#endif
