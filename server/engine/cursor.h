/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors of the feed: opaque bytes that say behind which change their holder stands.
 *
 *     version, 1 byte ‖ history id, 8 ‖ xid, 8 ‖ n, 8 ‖ key of the last row of a first, whole reading, 16 ‖ tag, 8
 *
 * tag = the first 8 bytes of SHA-256("tagih.cursor.1" 00 ‖ installation ‖ audience 00 ‖ agency ‖ holder ‖ what comes
 * before). A cursor that is another's, another database's, of before a failover, of a future that never came or no cursor at
 * all is answered with "read everything anew", never with an error: a phone can do that by itself. It proves nothing; what a
 * caller may see is decided by the query.
 */
#ifndef TAGIH_ENGINE_CURSOR_H
#define TAGIH_ENGINE_CURSOR_H

#include "engine/rpc.h"
#include "store/feed.h"

#define CURSOR_BYTES 49

struct cursor {
    bool given;  /* the request had one, good or bad */
    bool placed; /* it is well-formed and its holder's */
    int64_t history_id;
    struct feed_place place;
    uuid after; /* not nil: a whole reading goes on behind this row */
};

/** Whose cursors these are: the office's are the agency's, a phone's are its user's. */
struct cursor_audience {
    const char *name; /* "feed", "pull" */
    installation_id installation;
    agency_id agency;
    user_id holder; /* nil: anybody of the agency */
};

/** Read a request's cursor. Pure. */
void cursor_read(const struct cursor_audience *audience, struct bytes in, struct cursor *out);

/** Write one. Pure. */
void cursor_write(const struct cursor_audience *audience, const struct cursor *cursor, uint8_t out[CURSOR_BYTES]);

/** The cursor belongs to this database's history and does not lie ahead of it. Pure. */
bool cursor_holds(const struct cursor *cursor, const struct feed_position *position);

/** The cursor of now. Pure. */
struct cursor cursor_now(const struct feed_position *position);

#endif
