/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of any package, streams and calls that wait, for the specs of health, reflection and the feed. */
#ifndef TAGIH_TESTS_STREAM_CASE_H
#define TAGIH_TESTS_STREAM_CASE_H

#include "contract.h"
#include "server/run/clock.h"
#include "tests/support/case.h"
#include "tests/support/rig.h"

/** Serialise into a static buffer, one for each thread. */
static inline struct bytes packed(const void *message) {
    static _Thread_local uint8_t buffer[65536];
    assert_true(protobuf_c_message_get_packed_size(message) <= sizeof buffer);
    return bytes_make(buffer, protobuf_c_message_pack(message, buffer));
}

/** Begin a call of any path. Ends with client_finish. */
static inline struct client_call *begin(struct client *client, const char *token, const char *path,
                                        enum client_requests requests, const void *request) {
    char bearer[RIG_TOKEN_SIZE + 8];
    snprintf(bearer, sizeof bearer, "Bearer %s", token ? token : "");
    struct client_header header = {"authorization", bytes_text(bearer)};
    struct client_options options = {.headers = &header, .header_count = token != NULL};
    struct bytes body = request ? packed(request) : (struct bytes){NULL, 0};
    return client_start(client, path, requests, body, &options);
}

/** The next message of a stream, to be freed with protobuf_c_message_free_unpacked; NULL at its end. */
static inline void *next_message(struct client_call *call, const ProtobufCMessageDescriptor *type) {
    uint8_t *body;
    size_t len;
    if (!client_read(call, &body, &len)) return NULL;
    void *message = protobuf_c_message_unpack(type, NULL, len, body);
    free(body);
    assert_non_null(message);
    return message;
}

/** Cancel a call and let it go. */
static inline void leave(struct client_call *call) {
    client_cancel(call);
    struct client_reply reply = client_finish(call);
    client_reply_release(&reply);
}

#endif
