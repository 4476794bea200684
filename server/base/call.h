/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between a door (server/net: gRPC today, HTTP later) and the calls it serves (server/rpc): bytes in,
 * bytes out. A door knows no message type; the rows know no transport.
 *
 *   door: reads a request → fills a struct call → row->serve is known to rpc → rpc_submit(call)   (never blocks)
 *   rpc:  works, on a thread of its own, and answers through call->door: reply once, or send many and then reply
 *
 * Ownership: the door owns the call and its arena; it takes both back after reply() was accepted and the bytes have
 * left. Everything that reply and send are given may live in call->arena. After reply() the call must not be touched.
 */
#ifndef TAGIH_BASE_CALL_H
#define TAGIH_BASE_CALL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tagih/arena.h"
#include "tagih/bytes.h"
#include "tagih/err.h"
#include "tagih/time.h"

enum call_kind {
    CALL_UNARY,  /* one request, one reply */
    CALL_STREAM, /* one request, any number of sends, then a reply without a body */
    CALL_BIDI    /* requests and sends in turn; for reflection alone */
};

/** One method as a door serves it. Rows live as long as the process. */
struct call_row {
    const char *path; /* "/tagih.v1.VisitService/CheckIn" */
    enum call_kind kind;
    int64_t deadline_us_max; /* the server's own limit; 0 = none (streams) */
    bool parks;              /* UNARY that may wait long: the door tells at once when its caller leaves */
    const void *method;      /* rpc's own row; a door never looks inside */
};

/** gRPC's status codes, which every door can express. */
enum call_status {
    CALL_OK = 0,
    CALL_CANCELLED = 1,
    CALL_UNKNOWN = 2,
    CALL_INVALID_ARGUMENT = 3,
    CALL_DEADLINE_EXCEEDED = 4,
    CALL_NOT_FOUND = 5,
    CALL_ALREADY_EXISTS = 6,
    CALL_PERMISSION_DENIED = 7,
    CALL_RESOURCE_EXHAUSTED = 8,
    CALL_FAILED_PRECONDITION = 9,
    CALL_ABORTED = 10,
    CALL_OUT_OF_RANGE = 11,
    CALL_UNIMPLEMENTED = 12,
    CALL_INTERNAL = 13,
    CALL_UNAVAILABLE = 14,
    CALL_UNAUTHENTICATED = 16
};

/** How a call ends. Not OK: `details` holds a serialised google.rpc.Status with the same code and message. */
struct call_reply {
    enum call_status status;
    const char *message; /* NUL-terminated; NULL when OK */
    struct bytes body;   /* the response of a unary call that is OK */
    struct bytes details; /* a door may leave out more than CALL_DETAILS_BYTES_MAX */
};

/** Clients take 8 KiB of headers in all, and base64 adds a third. */
#define CALL_DETAILS_BYTES_MAX 4096

struct call;

/** What a door does for a call; every function may be called from any thread and never blocks. */
struct call_door {
    void (*reply)(struct call *call, const struct call_reply *reply); /* exactly once */
    void (*send)(struct call *call, struct bytes message); /* one in flight: wait for the next submit before another */
};

struct call {
    const struct call_row *row; /* NULL only in refuse(), for a path that nobody serves */
    const struct call_door *door;
    struct arena arena;      /* first block 16 KiB, cap 8 MiB */
    struct bytes request;    /* the serialised message; BIDI: the newest one */
    int64_t deadline_us;     /* CLOCK_MONOTONIC; the smaller of the client's and the row's; INT64_MAX = none */
    int64_t arrived_us;      /* CLOCK_MONOTONIC */
    struct bytes authorization; /* header value, checked to be printable ASCII; empty when absent */
    struct bytes traceparent;
    struct bytes peer;       /* address for limits and logs; forwarded headers believed only on the edge's socket */
    atomic_bool cancelled;   /* the caller is gone; set by the door at any time (UNARY: only when the row parks) */
    bool first;              /* STREAM and BIDI: true on the first submit of this call */
    bool half_closed;        /* BIDI: the client will send no more; `request` is empty */
    struct call *next;       /* for whoever holds the call */
    void *state;             /* rpc's own; NULL on the first submit */
};

/**
 * Where doors hand calls in (implemented by server/engine/crew.c and given to the doors by main). Called from a door's
 * own threads, so none of the three may block.
 *
 * submit: for UNARY once. For STREAM once at first, and again after each send has left the process. For BIDI for each
 * request, and when the client half-closes. A send that failed because the caller is gone is submitted too, with
 * `cancelled` true; the crew then replies (the reply goes nowhere).
 * @return true: taken. false: full; the door answers through refuse(CALL_OVERLOADED), and the call is over.
 *
 * refuse: fill `reply` for a call that the crew will not get (again): a full ring, an unknown method, a bad header,
 * a drain. `reply` may live in call->arena. A later submit of a stream can end so: then call->state is let go here.
 *
 * cancel: the caller of a STREAM, a BIDI or a parking UNARY call is gone while the crew has the call; `cancelled` is
 * already true. The crew, which alone knows whether the call is parked or at work or just replied to, wakes it when it
 * is parked. The call may have been replied to: compare the pointer, do not follow it. May be NULL.
 */
struct call_sink {
    bool (*submit)(void *context, struct call *call);
    void (*refuse)(void *context, struct call *call, tagih_err why, struct call_reply *reply);
    void (*cancel)(void *context, struct call *call);
    void *context;
};

#endif
