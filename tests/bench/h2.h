/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load generator's HTTP/2: one TLS connection, unary calls whose header block and message are bytes made
 * beforehand. It shares two cores with what it measures, so it does as little as the protocol allows: no header
 * compression (it asks the peer for none either), no timers, no threads. It still speaks to any correct server; a
 * frame that it does not expect ends the connection and thereby the run.
 */
#ifndef TAGIH_BENCH_H2_H
#define TAGIH_BENCH_H2_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "tagih/bytes.h"

/** Most calls in flight on one connection: the server's own limit. */
#define H2_CALLS_MAX 64
#define H2_HEADERS_MAX 1024

struct h2;

/**
 * A call has ended.
 *
 * @param ok    grpc-status was 0 and a message came
 * @param body  the message without its 5-byte prefix, or, of a failed call, the block of trailers; gone on return
 */
typedef void (*h2_answer_fn)(void *context, uint32_t tag, bool ok, struct bytes body);

/** The context for TLS with ALPN h2 that trusts one CA file. Ends the process when that cannot be. */
SSL_CTX *h2_tls(const char *ca_path);

/** Begin to connect to 127.0.0.1. `epoll_fd` reports the connection with `data.ptr` = the new struct. NULL: refused. */
struct h2 *h2_open(SSL_CTX *tls, int port, int epoll_fd, h2_answer_fn answer, void *context);
void h2_close(struct h2 *h2);

/** Whether calls may begin: TLS stands and the server's settings are here. */
bool h2_is_ready(const struct h2 *h2);
bool h2_is_lost(const struct h2 *h2);
int h2_in_flight(const struct h2 *h2);

/**
 * Queue a call. False: too many in flight, or the peer's window is shut; try again after the next answer.
 *
 * @param headers  from h2_headers()
 * @param message  protobuf, without prefix
 * @param tag      handed to the answer function
 */
bool h2_call(struct h2 *h2, struct bytes headers, struct bytes message, uint32_t tag);

/** Write what is queued, as far as the socket takes it. */
void h2_flush(struct h2 *h2);

/** The socket is ready: read everything, answer, flush. */
void h2_step(struct h2 *h2);

/** The header block of a call. @return its length, at most H2_HEADERS_MAX */
size_t h2_headers(const char *path, const char *bearer, uint8_t out[H2_HEADERS_MAX]);

#endif
