/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small gRPC client for tests and benches, over bytes: it knows no message type. Each call has a queue of its own,
 * so a call belongs to one thread and blocks only that. Start many calls, then finish them, for calls in parallel.
 *
 *   unary:   client_unary(...), or client_start(... CLIENT_ONE ...) and later client_finish
 *   stream:  client_start(... CLIENT_ONE ...), client_read until false, client_finish
 *   bidi:    client_start(... CLIENT_MANY ...), client_write, client_read, client_half_close, client_finish
 */
#ifndef TAGIH_TESTS_GRPC_CLIENT_H
#define TAGIH_TESTS_GRPC_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "server/base/call.h"

struct client;
struct client_call;

struct client_header {
    const char *name;
    struct bytes value;
};

struct client_options {
    int64_t timeout_us; /* 0 = 30 s */
    const struct client_header *headers;
    size_t header_count;
};

enum client_requests { CLIENT_ONE, CLIENT_MANY };

/** What came back. Free with client_reply_release. */
struct client_reply {
    enum call_status status;
    char message[512];
    uint8_t *body; /* malloc'd; NULL without one */
    size_t body_len;
    uint8_t *details; /* grpc-status-details-bin, malloc'd */
    size_t details_len;
};

/**
 * A connection of its own to `target` ("localhost:8443", "unix:/run/x.sock"); it connects with the first call.
 * @param ca_path  PEM roots for TLS; NULL = plaintext
 */
struct client *client_open(const char *target, const char *ca_path);
void client_close(struct client *client);

/** A new connection in place of one that may be dead; no call of it may be under way. */
void client_renew(struct client *client);

/** One request, one reply; blocks. `options` may be NULL. */
struct client_reply client_unary(struct client *client, const char *path, struct bytes request,
                                 const struct client_options *options);

/** Begin a call; with CLIENT_ONE `request` is sent and the sending side closed. Ends with client_finish, always. */
struct client_call *client_start(struct client *client, const char *path, enum client_requests requests,
                                 struct bytes request, const struct client_options *options);

/** The next message: true, and *body is malloc'd. False at the end. */
bool client_read(struct client_call *call, uint8_t **body, size_t *body_len);
bool client_write(struct client_call *call, struct bytes message);
bool client_half_close(struct client_call *call);
void client_cancel(struct client_call *call);

/** Wait for the status, reading what is left; frees the call. The last message read is the reply's body. */
struct client_reply client_finish(struct client_call *call);

void client_reply_release(struct client_reply *reply);

#endif
