/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's door: a few pages over plain HTTP/1.1, for those who watch a server (Prometheus, an orchestrator, a person
 * with curl). On a loopback address alone: nothing is encrypted here and nobody is asked who he is. One thread of its own
 * serves it, so that a slow reader keeps nobody waiting; connections, their memory and their time are limited.
 */
#ifndef TAGIH_NET_PAGES_H
#define TAGIH_NET_PAGES_H

#include <stdbool.h>
#include <stdio.h>

#include "tagih/err.h"

struct net_pages;

/** One more than this is not accepted before one of them has ended, which an idle one soon does. */
#define NET_PAGES_CONNECTIONS_MAX 16
/** Of a request's line and headers; longer ones are refused with 431. */
#define NET_PAGES_REQUEST_BYTES_MAX (16 * 1024)

/** A page. Rows outlive the door; a row without a path ends them. */
struct net_page {
    const char *path; /* "/metrics" */
    const char *type; /* of its content */
    /** Write it, at once and without waiting for anybody. @return the HTTP status */
    int (*write)(void *context, FILE *to);
};

struct net_pages_options {
    const char *address; /* "127.0.0.1:9464", "[::1]:0"; numbers alone */
    const struct net_page *pages;
    void *context;
    unsigned idle_s_max; /* 10: a connection on which nothing moves for so long is closed */
};

/**
 * Listen and serve: GET and HEAD of its pages, 404 for other paths, 405 for other methods.
 *
 * @return OK · NET_NOT_LOCAL the address is no loopback address with a port · NET_LISTEN it is taken · OUT_OF_MEMORY
 */
TAGIH_MUST_USE tagih_err net_pages_open(const struct net_pages_options *options, struct net_pages **out);

/** Is it an address that net_pages_open takes? */
bool net_pages_address_is_local(const char *address);

/** The port that is listened on. */
int net_pages_port(const struct net_pages *pages);

/** Close connections and listener. NULL is nothing to do. */
void net_pages_close(struct net_pages *pages);

#endif
