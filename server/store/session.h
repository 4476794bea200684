/* SPDX-License-Identifier: Apache-2.0 */
/* Refresh tokens in the database: a family is one login and everything that was traded for it. */
#ifndef TAGIH_STORE_SESSION_H
#define TAGIH_STORE_SESSION_H

#include "store/tx.h"

struct session_place {
    bool found;
    agency_id agency;
    uuid family;
};

/** Which agency and family a token belongs to. Without agency. @return as db_exec_one */
TAGIH_MUST_USE tagih_err session_find(struct db *db, struct arena *arena, const hash256 *token, int64_t deadline_us,
                                      struct session_place *out);

struct session_loaded {
    user_id user;
    instant expires;
    bool replaced, revoked;
    bool successor_used; /* traded in its turn, or superseded */
    bool family_live;    /* some token of the family still works */
    bool staff_active;
};

/** Lock the family, then read the token: two statements. Taken by session_take_load. */
TAGIH_MUST_USE tagih_err session_send_load(struct tx *tx, struct arena *arena, uuid family, const hash256 *token);
/** @return false: there is no such token here */
bool session_take_load(struct tx *tx, struct session_loaded *out);

struct session_row {
    hash256 token;
    uuid family;
    user_id user;
    instant issued, expires;
};

/* SAVE. */
TAGIH_MUST_USE tagih_err session_send_insert(struct tx *tx, struct arena *arena, const struct session_row *row);
TAGIH_MUST_USE tagih_err session_send_replace(struct tx *tx, struct arena *arena, const hash256 *token,
                                              const hash256 *successor, instant at);
TAGIH_MUST_USE tagih_err session_send_end(struct tx *tx, struct arena *arena, uuid family, instant at);

#endif
