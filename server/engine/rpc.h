/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a method is written. A service is a table of rows; a row names its handler and what the descriptor cannot say:
 * roles, kind, whether it writes, its deadline. Everything that all methods share (token, role, rate, unpacking,
 * transaction, retry, idempotency, errors, log) happens once, in bind.c and crew.c, from the row.
 *
 *     const struct rpc_service check_in_service = {&tagih__v1__check_in_service__descriptor, (struct rpc_method[]){
 *         {RPC_METHOD("CheckIn", check_in, CheckInRequest, CheckInResponse), .check = check_in_check,
 *          .kind = RPC_BATCH, .roles = ROLES_FIELD, .writes = true, .deadline_ms_max = 3000},
 *         {0}}};
 *
 * check() sees one request, without database: it may refuse and it may leave what it understood in item->checked.
 * serve() sees every waiting call of its method and agency at once. It queues LOCK and LOAD, calls rpc_load(), decides,
 * queues SAVE and returns; the commit follows. It may run several times for the same items and must set all results
 * anew each time. Errors of one item go into that item; an error returned is everybody's.
 */
#ifndef TAGIH_ENGINE_RPC_H
#define TAGIH_ENGINE_RPC_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "domain/role.h"
#include "store/tx.h"
#include "tagih/envelope.h"
#include "tagih/id.h"
#include "tagih/money.h"
#include "tagih/token.h"
#include "tagih/v1/common.pb-c.h"

struct rpc_server; /* what handlers share: server.h */

enum rpc_kind {
    RPC_ONE,   /* serve() runs in a transaction for one call */
    RPC_BATCH, /* serve() runs in a transaction for all waiting calls of one agency, halved when an item breaks it */
    RPC_OWN,   /* serve() gets the waiting calls and makes its own transactions */
    RPC_WATCH  /* serve() gets one call, again and again: it sends, parks or finishes (feed.c) */
};

struct rpc_item;
struct rpc_batch;

struct rpc_method {
    const char *name;
    tagih_err (*serve)(struct rpc_batch *batch);
    const char *request_type, *response_type; /* C names, compared with the descriptor at start */
    tagih_err (*check)(struct rpc_item *item);
    enum rpc_kind kind;
    bool open;      /* needs no token */
    bool device;    /* needs a phone's token */
    uint32_t roles; /* any of them */
    bool writes;    /* false: the transaction is read only */
    bool request_id; /* has a request_id: a repeat gets the first response (AIP-155) */
    int deadline_ms_max; /* 0: 10 000 */
    bool parks;     /* a unary RPC_WATCH: waits without a worker */
    bool stream;    /* a RPC_WATCH that sends many */
    bool bidi;      /* reflection alone */
};

#define RPC_METHOD(name_, handler, request, response) RPC_METHOD_OF("Tagih__V1__", name_, handler, request, response)
/** A method of another package, such as grpc.health.v1: `prefix` is what protoc-c puts before its types. */
#define RPC_METHOD_OF(prefix, name_, handler, request, response) \
    .name = (name_), .serve = (handler), .request_type = prefix #request, .response_type = prefix #response

struct rpc_service {
    const ProtobufCServiceDescriptor *proto;
    const struct rpc_method *methods; /* ends with a row without a name */
};

/** Who calls. Roles, team and states are of this very call, read in its transaction. */
struct rpc_caller {
    agency_id agency;
    user_id user;
    device_id device;
    team_id team;
    bool has_device;
    instant issued; /* of the token: the last contact that it proves */
    uint32_t roles; /* 0 until loaded */
};

struct rpc_problem {
    struct rpc_problem *next;
    const char *field;
    tagih_err err;
};

/** What a RPC_WATCH handler wants next. */
enum rpc_next {
    RPC_FINISH, /* answer: item->err, or the response */
    RPC_SENT,   /* a message is on its way; call again when it has left */
    RPC_PARK    /* nothing to say before item->park_until_us or a change */
};

/** One call on its way through. Lives in the call's arena. */
struct rpc_item {
    struct call *call;
    const struct rpc_server *server;
    instant now; /* of PREPARE */
    const struct rpc_bound *bound;
    const void *request; /* unpacked; its type is the row's request_type */
    void *response;      /* initialised before each serve() */
    void *checked;       /* check()'s own */
    struct rpc_caller caller;
    tagih_err err;
    struct rpc_problem *problems;
    int64_t retry_after_us;
    uuid request_id; /* of rows with request_id */
    hash256 request_digest;
    struct bytes replay; /* the first response, when this is a repeat */
    enum rpc_next next_step;
    int64_t park_until_us; /* CLOCK_MONOTONIC */
    void *watch;           /* a RPC_WATCH handler's own state */
    uint8_t place;         /* crew.c */
    bool again;            /* crew.c */
    bool prepared;         /* crew.c: a woken call is not checked and counted a second time */
    size_t batch_size;
};

struct rpc_batch {
    const struct rpc_server *server;
    struct db *db;
    struct tx *tx;       /* the open transaction; NULL in RPC_OWN */
    struct arena *arena; /* emptied before each run */
    struct rpc_item **items;
    size_t n;
    agency_id agency;
    instant now; /* one instant for the whole batch: received time */
    int64_t deadline_us;
    int64_t writer; /* names this worker's chain of postings */
};

/** Refuse an item because of a field: "fixes[3].lat_e7". Also sets its error, if it has none. */
void rpc_problem(struct rpc_item *item, tagih_err err, const char *field, ...) __attribute__((format(printf, 3, 4)));

/** Queue the look-up of the callers. bind.c does it before serve(); RPC_OWN and RPC_WATCH rows do it first in the body of
 *  their own transaction, with batch->tx set. */
TAGIH_MUST_USE tagih_err rpc_send_callers(struct rpc_batch *batch);

/** Sync, then read the callers: an item whose caller may not (or no longer) call gets its error. First in serve(). */
TAGIH_MUST_USE tagih_err rpc_load(struct rpc_batch *batch);

/** Send one message of a RPC_WATCH stream: the last thing its serve() does. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err rpc_send(struct rpc_batch *batch, struct rpc_item *item, const ProtobufCMessage *message);

static inline bool rpc_ok(const struct rpc_item *item) {
    return err_is_ok(item->err);
}

/** Set an item's error; the first one stays. */
static inline void rpc_fail(struct rpc_item *item, tagih_err err) {
    if (rpc_ok(item)) item->err = err;
}

/** Memory of the call itself: what the response points to. Never NULL: exhaustion marks the item, and a zeroed
 *  scratch piece is not promised, so check rpc_ok() where it matters. */
void *rpc_alloc(struct rpc_item *item, size_t size_bytes);
char *rpc_text(struct rpc_item *item, struct bytes text);
char *rpc_uuid(struct rpc_item *item, uuid id);
char *rpc_date(struct rpc_item *item, civil_date date);

/* Fields. Each names the field in the problem it reports and returns false when it is wrong. */
bool rpc_check_uuid(struct rpc_item *item, const char *field, const char *text, uuid *out);
bool rpc_check_text(struct rpc_item *item, const char *field, const char *text, size_t len_min, size_t len_max);
bool rpc_check_date(struct rpc_item *item, const char *field, const char *text, civil_date *out);
/** Money of the request. @param outside  the reason when it is less than min_minor or more than MONEY_AMOUNT_MAX_MINOR */
bool rpc_check_money(struct rpc_item *item, const char *field, const Tagih__V1__Money *money, int64_t min_minor,
                     tagih_err outside, currency *in, int64_t *out_minor);
bool rpc_check_page(struct rpc_item *item, int32_t page_size, int32_t *out);

#endif
