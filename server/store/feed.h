/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the feed of changes, and hearing of news. A place in the feed is (xid, n), the order in which changes settle;
 * see feed.sql for why that order is final.
 */
#ifndef TAGIH_STORE_FEED_H
#define TAGIH_STORE_FEED_H

#include "store/tx.h"

/** Behind which change a reader stands. (xid_min, 0) is "now": what settles from here on lies behind it. */
struct feed_place {
    int64_t xid, n;
};

/** Where the feed of this database stands. */
struct feed_position {
    int64_t system_id;  /* of the cluster */
    int64_t history_id; /* of the cluster and its timeline: after a failover it is another one */
    int64_t xid_min;   /* every smaller one is settled */
    int64_t xid_next;  /* not given to anybody yet */
};

struct feed_change {
    struct feed_place place;
    int16_t kind; /* enum change_kind */
    uuid account, object, collector; /* nil: none */
    int64_t at_us;
};

/** Queue the question where the feed stands. What a later statement of the same transaction reads is at least as new. */
TAGIH_MUST_USE tagih_err feed_send_position(struct tx *tx, struct arena *arena);
void feed_take_position(struct tx *tx, struct feed_position *out);

/** Queue: up to `max` settled changes of the transaction's agency behind a place, and whether unsettled ones wait. */
TAGIH_MUST_USE tagih_err feed_send_list(struct tx *tx, struct arena *arena, struct feed_place after, int32_t max);

/**
 * Take both answers.
 *
 * @param out        [out] in the arena, in the order of their places
 * @param unsettled  [out] more is committed and will settle without further notice
 * @return OK · OUT_OF_MEMORY
 */
TAGIH_MUST_USE tagih_err feed_take_list(struct tx *tx, struct arena *arena, struct feed_change **out, size_t *n,
                                        bool *unsettled);

/* ---- news; on a connection of the feed thread's own, which empties the arena before each ---- */

#define FEED_TOLD_MAX 64

/** Listen on this connection. Once for each connection (feed_backend). @return OK · as db_exec_one */
TAGIH_MUST_USE tagih_err feed_listen(struct db *db, struct arena *arena, int64_t deadline_us);

/** Tell other servers that these agencies have changes; n <= FEED_TOLD_MAX. @return OK · as db_exec_one */
TAGIH_MUST_USE tagih_err feed_notify(struct db *db, struct arena *arena, const agency_id *agencies, size_t n,
                                     int64_t deadline_us);

/** The file descriptor that becomes readable when something is heard; -1 without a connection. */
int feed_socket(const struct db *db);

/** The server process behind the connection; another number is another connection, which does not listen yet;
 *  0: there is none. */
int feed_backend(const struct db *db);

/** The next agency that another server told of. False: nothing more was heard. Does not block. */
bool feed_heard(struct db *db, agency_id *out);

/**
 * Agencies with changes at or above a transaction number.
 *
 * @param out  [out] at most `room`
 * @return OK · as db_exec_one
 */
TAGIH_MUST_USE tagih_err feed_agencies(struct db *db, struct arena *arena, int64_t xid, int64_t deadline_us,
                                       agency_id *out, size_t room, size_t *n);

/** Where the feed stands, outside a transaction. @return OK · as db_exec_one */
TAGIH_MUST_USE tagih_err feed_position_get(struct db *db, struct arena *arena, int64_t deadline_us, struct feed_position *out);

#endif
