/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gRPC door. It takes calls in, gives them as bytes to a sink (server/base/call.h) and sends the answers out.
 * It knows no message type. Its own threads, the pollers, never block: a blocked one would stop new connections.
 *
 * Life of a server: open (it serves at once) → reload_tls, any number of times → drain → close.
 * Only server/net knows gRPC; everything else that speaks of calls speaks of base/call.h.
 */
#ifndef TAGIH_NET_SERVER_H
#define TAGIH_NET_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "server/base/call.h"

struct net_server;

/** What a server needs. Strings and rows outlive the server; a member left 0 takes the default that stands beside it. */
struct net_options {
    const char *tcp_address;  /* "0.0.0.0:8443", "[::1]:0"; NULL = no TCP listener. Always TLS. Port 0 = any free one */
    const char *tls_cert_path; /* PEM chain, the server's own certificate first; needed with tcp_address */
    const char *tls_key_path;  /* PEM private key that belongs to it */
    const char *unix_path;    /* plaintext, mode 0660, at most 100 bytes; forwarded headers are believed here; NULL = none */

    const struct call_row *rows; /* what is served */
    size_t row_count;
    struct call_sink sink; /* where calls go */

    bool (*arena_open)(struct arena *arena); /* give a call its memory; run/grow.c */
    void (*arena_close)(struct arena *arena);

    int pollers;                  /* 2 */
    int calls_in_flight_max;      /* 2 048; one more is refused with CALL_OVERLOADED */
    int request_bytes_max;        /* 1 MiB */
    int metadata_bytes_max;       /* 8 192 */
    int connection_calls_max;     /* 64 at once on one connection */
    int64_t send_us_max;          /* 30 s: a stream whose reader takes longer for one message is dropped */
    int64_t drain_delay_us;       /* 0: how long drain goes on serving, so that balancers see NOT_SERVING first */
    int64_t drain_us_max;         /* 10 s: calls still running then are cancelled */
};

/**
 * Open the listeners and serve. The sink may be called before this returns.
 *
 * @param options  copied; what it points to is not
 * @param out      [out] the server, to be closed with net_server_close; untouched on error
 * @return OK · NET_LISTEN the address is taken or not to be had · NET_TLS certificate or key missing, unreadable or
 *         not a pair · OUT_OF_MEMORY
 */
TAGIH_MUST_USE tagih_err net_server_open(const struct net_options *options, struct net_server **out);

/** The TCP port that is being listened on; 0 without a TCP listener. */
int net_server_port(const struct net_server *server);

/** Calls that have arrived and whose answer has not left yet, refused ones included. Any thread. */
int net_server_in_flight(const struct net_server *server);

/**
 * Knock at each listener from the outside (knock.h). Needs neither worker nor database.
 *
 * @param until_us  CLOCK_MONOTONIC; for each of them
 * @return all of them opened. After a drain: false
 */
bool net_server_knock(struct net_server *server, int64_t until_us);

/**
 * Read certificate and key again; new connections get them, old ones keep theirs. Called on SIGHUP.
 *
 * Files are read and compared here, in the caller's thread: a pair that does not fit leaves the old one in force.
 * @return OK · NET_TLS
 */
TAGIH_MUST_USE tagih_err net_server_reload_tls(struct net_server *server);

/**
 * Stop serving in good order: go on for drain_delay_us; refuse new calls with CALL_DRAINING (UNAVAILABLE) until callers
 * stay away for 100 ms, a second at most; then close the listeners, let the calls that run finish, and cancel what is
 * left after drain_us_max. Blocks until the last answer has left. Once.
 *
 * The crew is told first (by main), so that parked calls and streams end by themselves. A caller that goes on calling
 * through all of it may see CANCELLED for a call that was never served.
 */
void net_server_drain(struct net_server *server);

/** End the pollers and free everything; drains first when that has not been done. NULL is nothing to do. */
void net_server_close(struct net_server *server);

#endif
