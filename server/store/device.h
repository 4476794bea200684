/* SPDX-License-Identifier: Apache-2.0 */
/* Phones in the database (R-JRN-1): codes, enrolment, decisions, and what a phone proves itself against. */
#ifndef TAGIH_STORE_DEVICE_H
#define TAGIH_STORE_DEVICE_H

#include "store/tx.h"
#include "tagih/envelope.h"
#include "tagih/money.h"

enum device_status { DEVICE_STATE_PENDING = 1, DEVICE_STATE_ACTIVE, DEVICE_STATE_SUSPENDED, DEVICE_STATE_REVOKED };

/** The agency of a code, and of a phone. Without agency; the nil id: there is none. @return as db_exec_one */
TAGIH_MUST_USE tagih_err enrol_code_find(struct db *db, struct arena *arena, const hash256 *code, int64_t deadline_us,
                                         agency_id *out);
TAGIH_MUST_USE tagih_err device_find(struct db *db, struct arena *arena, device_id device, int64_t deadline_us,
                                     agency_id *out);

/* ---- codes ---------------------------------------------------------------------------------------------------- */

struct enrol_code_row {
    hash256 code;
    user_id user;
    bool has_maker;
    user_id maker;
    instant made, expires;
};

/** Queue the reading of the user's state: one row, or none when there is no such user. */
TAGIH_MUST_USE tagih_err enrol_send_user(struct tx *tx, struct arena *arena, user_id user);
/** Queue the code; its answer is one row with the instant at which it ends. */
TAGIH_MUST_USE tagih_err enrol_send_code(struct tx *tx, struct arena *arena, const struct enrol_code_row *row);

/* ---- enrolment ------------------------------------------------------------------------------------------------ */

struct enrol_loaded {
    user_id user;
    instant expires;
    bool used;
    device_id device; /* when used: for which phone */
    bool same_key;    /* and that phone has this key */
    bool key_seen;    /* somebody handed in this key before */
    bool staff_active;
};

/** Lock the key and the code, then read. Taken by enrol_take_load. */
TAGIH_MUST_USE tagih_err enrol_send_load(struct tx *tx, struct arena *arena, const hash256 *code, const public_key *key);
/** @return false: there is no such code here */
bool enrol_take_load(struct tx *tx, struct enrol_loaded *out);

struct enrol_row {
    hash256 code;
    device_id device;
    user_id user;
    public_key key;
    struct bytes model;
};
TAGIH_MUST_USE tagih_err enrol_send_save(struct tx *tx, struct arena *arena, const struct enrol_row *row, instant at);

/* ---- decisions ------------------------------------------------------------------------------------------------ */

struct device_loaded {
    user_id user;
    int16_t state; /* enum device_status */
    bool has_key;
    public_key key; /* as enrolled */
};

/** Lock a phone, then read it. Taken by device_take_load. */
TAGIH_MUST_USE tagih_err device_send_load(struct tx *tx, struct arena *arena, device_id device);
/** @return false: there is no such phone here */
bool device_take_load(struct tx *tx, struct device_loaded *out);

struct device_confirmed {
    device_id device;
    uint32_t epoch;
    user_id user, actor;
    public_key key;
    struct bytes certificate;
    hash256 certificate_hash;
};
/* SAVE; each writes the event and the change, too. */
TAGIH_MUST_USE tagih_err device_send_confirm(struct tx *tx, struct arena *arena, const struct device_confirmed *row, instant at);
TAGIH_MUST_USE tagih_err device_send_end(struct tx *tx, struct arena *arena, device_id device, const char *kind,
                                         user_id actor, struct bytes reason, instant at);

/* ---- rotation ------------------------------------------------------------------------------------------------- */

/** Lock keys, then read whether anybody ever handed them in. Taken by device_take_keys. */
TAGIH_MUST_USE tagih_err device_send_keys(struct tx *tx, struct arena *arena, const public_key *keys, size_t n);
void device_take_keys(struct tx *tx, bool *seen, size_t n);
/** The key of the next epoch, the event and the change; the epoch before ends at `closed_seq`. */
TAGIH_MUST_USE tagih_err device_send_rotate(struct tx *tx, struct arena *arena, const struct device_confirmed *row,
                                            int64_t closed_seq, instant at);

/* ---- proof ---------------------------------------------------------------------------------------------------- */

struct device_proof {
    user_id user;
    int16_t state;
    uint32_t epoch;
    bool has_key;
    public_key key;           /* of the present epoch; of the enrolment while PENDING */
    struct bytes certificate; /* copied into the arena; empty while PENDING */
    bool staff_active;
};

/** Lock a phone, then read what its proof is checked against. Taken by device_take_proof. */
TAGIH_MUST_USE tagih_err device_send_proof(struct tx *tx, struct arena *arena, device_id device);
/** @return false: there is no such phone here */
bool device_take_proof(struct tx *tx, struct arena *arena, struct device_proof *out);
TAGIH_MUST_USE tagih_err device_send_seen(struct tx *tx, struct arena *arena, device_id device, instant at);

/* ---- list ----------------------------------------------------------------------------------------------------- */

struct device_listed {
    device_id device;
    user_id user;
    int16_t state;
    uint32_t epoch;
    struct bytes model; /* in the result */
    bool has_key;
    public_key key;
};

/** Queue a page, newest first. @param before  the last one of the page before; NULL: the first page */
TAGIH_MUST_USE tagih_err device_send_list(struct tx *tx, struct arena *arena, const device_id *before, int32_t n_max);
void device_read_listed(const struct result *r, size_t row, struct device_listed *out);

#endif
