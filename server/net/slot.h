/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/net: the call slot, its pollers and the server around them.
 *
 * A slot is the place of one call. It is armed for one method on one completion queue, holds the call while it lives,
 * and is armed again or put aside afterwards. Every event of a slot comes on its own queue, hence on one thread; only
 * reply and send come from elsewhere. So all fields belong to the poller, except that between submit and reply the
 * crew's thread owns what reply and send touch; `state` is stored last and loaded first to hand them over.
 */
#ifndef TAGIH_NET_SLOT_H
#define TAGIH_NET_SLOT_H

#include <grpc/grpc.h>
#include <pthread.h>
#include <sys/socket.h>

#include "server/net/server.h"

enum slot_state {
    SLOT_IDLE,    /* put aside, belongs to no method */
    SLOT_ARMED,   /* waits for a call */
    SLOT_READING, /* BIDI: waits for the client's next request */
    SLOT_RUNNING, /* the sink has it: queued, at work or parked */
    SLOT_SENDING, /* a message of a STREAM or BIDI call is leaving */
    SLOT_ENDING,  /* the status is leaving */
    SLOT_RETIRED, /* to be freed */
    SLOT_STATES
};

struct slot;

/** What a completion queue hands back. */
struct tag {
    enum { TAG_STEP, TAG_CLOSE, TAG_STOPPED } kind;
    struct slot *slot; /* NULL for TAG_STOPPED */
};

/** A row and its place in gRPC; the catch-all for unknown paths has neither. */
struct method {
    const struct call_row *row;
    void *registered;
};

struct slot {
    struct call call; /* first: a struct call * of ours is its slot */
    struct tag step, close;
    struct poller *poller;
    const struct method *method;
    _Atomic(enum slot_state) state;

    grpc_call *wire;
    grpc_metadata_array headers;
    grpc_call_details details; /* of an unknown path */
    gpr_timespec deadline;
    grpc_byte_buffer *payload; /* as received */
    grpc_slice flat;           /* the payload in one piece, when it came in several */
    grpc_byte_buffer *sending; /* lives until its batch is done */
    char *peer;                /* gpr memory */
    int gone;                  /* out: RECV_CLOSE_ON_SERVER */

    int64_t send_began_us;
    bool submitted;    /* the sink has seen it */
    bool headers_sent; /* ours, to the client */
    bool rearm;        /* nobody took this slot's place: arm it again after the call */
    bool watched;      /* RECV_CLOSE has its own batch, and the slot is in the list of streams */
    bool close_open;   /* that batch has not come back */
    bool ended;        /* the last step's batch came back */
    struct slot *next, *previous; /* idle stack, or the poller's list of streams */
};

struct poller {
    struct net_server *server;
    grpc_completion_queue *queue;
    pthread_t thread;
    struct slot *idle;    /* singly linked */
    struct slot *streams; /* doubly linked: swept for readers that do not read */
    int64_t swept_us;
};

struct net_tls;

struct net_server {
    struct net_options options;
    grpc_server *grpc;
    struct net_tls *tls;
    struct method *methods; /* row_count, and the catch-all at the end */
    struct poller *pollers;
    int port;
    struct sockaddr_storage tcp_door; /* where to knock; length 0: no TCP listener */
    socklen_t tcp_door_len;
    atomic_int in_flight;
    atomic_uint arrived; /* calls ever, modulo 2^32 */
    atomic_bool draining;
    bool serving;    /* listeners are open; stored before the pollers start */
    bool unix_bound; /* the socket file is ours */
    bool drained;
    struct tag stopped_tag;
    pthread_mutex_t lock; /* guards stopped */
    pthread_cond_t wake;
    bool stopped;
};

/** CLOCK_MONOTONIC. */
int64_t net__now_us(void);

/** Arm a slot, idle or new, for a method. False without memory or when the queue is closed. */
bool slot_arm_one(struct poller *poller, const struct method *method);

/** A completion came back for a slot. Poller's thread. */
void slot_step(struct slot *slot, bool success);
void slot_closed(struct slot *slot);

/** Cancel streams whose reader does not read, at most once a second. Poller's thread. */
void slot_sweep(struct poller *poller, int64_t now_us);

/** Free the idle slots, after the poller has ended. */
void slot_free_idle(struct poller *poller);

/**
 * Fill slot->call from what gRPC received: deadline, headers, peer, request.
 *
 * @return OK · CALL_HEADER_INVALID · CALL_COMPRESSED · CALL_REQUEST_MISSING
 */
TAGIH_MUST_USE tagih_err intake_fill(struct slot *slot);

/** Point call.request at the newest payload; NULL payload is missing. */
TAGIH_MUST_USE tagih_err intake_request(struct slot *slot);

/** Let the payload go. */
void intake_drop_request(struct slot *slot);

#endif
