/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wire between tagihd and PostgreSQL that understands what passes: frontend/backend protocol 3.0 over a unix socket,
 * any number of connections. It counts the statements of the server's workers, one by one, also those that travel together
 * in one pipeline, and strikes at exactly one of them: before it is passed on, right after, or when PostgreSQL has done it
 * and nobody was told yet.
 *
 *     wire_open(&wire, cluster.link);              // and point the server at wire.conninfo
 *     wire_watch(&wire, NULL);                     // count: what does this call send?
 *     … a call …
 *     n = wire_rest(&wire);
 *     wire_watch(&wire, &(struct wire_trap){.at = 7, .moment = WIRE_SENT, .blow = kill_the_server});
 *     … the same call, again and again until it is acknowledged …
 *     wire_rest(&wire); assert_true(wire.struck);
 */
#ifndef TAGIH_TESTS_WIRE_H
#define TAGIH_TESTS_WIRE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define WIRE_STATEMENTS_MAX 4096
#define WIRE_NAME_SIZE 64

enum wire_moment {
    WIRE_BEFORE,   /* PostgreSQL has everything in front of the statement, and not the statement */
    WIRE_SENT,     /* and the statement; it may be at work on it */
    WIRE_ANSWERED, /* it has done the statement; its answer goes no further */
};

struct wire_trap {
    size_t at; /* which statement since wire_watch, from 0 */
    enum wire_moment moment;
    void (*blow)(pid_t backend, void *context); /* in a thread of the wire; the connection's PostgreSQL process */
    void *context;
    bool hangs_up; /* the connection ends with the blow: whoever sent what is still to come is gone */
};

struct wire {
    char folder[64], listen_path[108], server_path[108];
    char conninfo[160]; /* host and port alone */
    int listener;
    pthread_t thread;
    atomic_bool stop;
    atomic_int lanes;     /* connections that are carried */
    pthread_mutex_t lock; /* of all below */
    bool watching, struck;
    struct wire_trap trap;
    size_t n_seen;
    char seen[WIRE_STATEMENTS_MAX][WIRE_NAME_SIZE]; /* their names, in order */
    _Atomic long long delay_us; /* each statement of the slow agency is passed on so much later; 0: at once */
    char slow_agency[37];       /* its id; set before delay_us is */
    atomic_bool cut;            /* nothing is carried: new connections are refused, old ones broken off */
};

/** Begin to carry. @param pg_folder  where PostgreSQL's socket lies; may be a link that changes. Fails the test. */
void wire_open(struct wire *wire, const char *pg_folder);
/** Carry to another PostgreSQL from the next connection on. */
void wire_redirect(struct wire *wire, const char *pg_folder);
void wire_close(struct wire *wire);

/** Count the workers' statements from here on, and strike at one of them (NULL: at none). */
void wire_watch(struct wire *wire, const struct wire_trap *trap);
/** Count no more. @return how many there were */
size_t wire_rest(struct wire *wire);

#endif
