/* SPDX-License-Identifier: Apache-2.0 */
/* People who may call: looked up by login, added and changed by tools. */
#ifndef TAGIH_STORE_STAFF_H
#define TAGIH_STORE_STAFF_H

#include "store/tx.h"

#define STAFF_HASH_SIZE 128

enum staff_status { STAFF_ACTIVE = 1, STAFF_SUSPENDED = 2 };

struct staff_login {
    bool found;
    agency_id agency;
    user_id user;
    int16_t state;                       /* enum staff_status */
    char password_hash[STAFF_HASH_SIZE]; /* "" without one */
};

/** Who has this login, upper and lower case alike. Without agency. @return as db_exec_one */
TAGIH_MUST_USE tagih_err staff_find(struct db *db, struct arena *arena, struct bytes login, int64_t deadline_us,
                                    struct staff_login *out);

/** Queue the names of users; one row each, NULL where there is no such user. */
TAGIH_MUST_USE tagih_err staff_send_who(struct tx *tx, struct arena *arena, const user_id *users, size_t n);

struct staff_row {
    user_id user;
    struct bytes login, name;
    uint32_t roles;
    bool has_team;
    team_id team;
    struct bytes password_hash;
    instant at;
};

/** Queue the list of an agency's staff: rows of staff_list. */
TAGIH_MUST_USE tagih_err staff_send_list(struct tx *tx, struct arena *arena);
/** Queue the look-up of a team by its name: rows of team_find. */
TAGIH_MUST_USE tagih_err team_send_find(struct tx *tx, struct arena *arena, struct bytes name);
/** Is this a time zone that the database knows? Without agency. @return as db_exec_one */
TAGIH_MUST_USE tagih_err time_zone_find(struct db *db, struct arena *arena, struct bytes name, int64_t deadline_us, bool *out);

/* SAVE. */
TAGIH_MUST_USE tagih_err agency_send_insert(struct tx *tx, struct arena *arena, struct bytes name, struct bytes time_zone, instant at);
TAGIH_MUST_USE tagih_err team_send_insert(struct tx *tx, struct arena *arena, team_id team, struct bytes name, instant at);
TAGIH_MUST_USE tagih_err staff_send_insert(struct tx *tx, struct arena *arena, const struct staff_row *row);
TAGIH_MUST_USE tagih_err staff_send_suspend(struct tx *tx, struct arena *arena, user_id user, instant at);
TAGIH_MUST_USE tagih_err staff_send_password(struct tx *tx, struct arena *arena, user_id user, struct bytes hash, instant at);

#endif
