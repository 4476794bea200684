/* SPDX-License-Identifier: Apache-2.0 */
/* Counting failed tries of what can be guessed at: 10 within 15 minutes. */
#ifndef TAGIH_STORE_GUESS_H
#define TAGIH_STORE_GUESS_H

#include "store/tx.h"

#define GUESS_FAILURES_MAX 10
#define GUESS_WINDOW_US (15 * US_PER_MINUTE)

/** The key of a try: SHA-256 of what it is, a NUL, and whom or what it is about. Pure. */
hash256 guess_key(const char *what, struct bytes about);

/**
 * Count a try as failed before looking at it; guess_forgive takes that back.
 *
 * @param retry_after_us  [out] set with GUESS_LIMIT: until the window ends
 * @return OK try it · GUESS_LIMIT · as db_exec_one
 */
TAGIH_MUST_USE tagih_err guess_take(struct db *db, struct arena *arena, const hash256 *key, instant now,
                                    int64_t deadline_us, int64_t *retry_after_us);

/** The try was right. @param all  also forget the wrong ones before it */
TAGIH_MUST_USE tagih_err guess_forgive(struct db *db, struct arena *arena, const hash256 *key, bool all,
                                       int64_t deadline_us);

#endif
