/* SPDX-License-Identifier: Apache-2.0 */
/* The test client over gRPC core. Tags of a call's own queue say which batch came back. */
#include "tests/support/grpc_client.h"

#include <assert.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX 16

struct client {
    grpc_channel *channel;
    char *target, *ca_path; /* as given */
};

struct client_call {
    grpc_call *wire;
    grpc_completion_queue *queue;
    grpc_metadata_array headers, trailers;
    grpc_status_code status;
    grpc_slice message;
    grpc_byte_buffer *sending;
    bool one; /* the first batch is still to be waited for */
};

enum { TAG_SEND = 1, TAG_HEADERS, TAG_STATUS, TAG_READ };

static void *tag(intptr_t number) {
    return (void *)number;
}

static char *file_text(const char *path) {
    FILE *file = fopen(path, "re");
    assert(file);
    char *text = calloc(1, 65536);
    size_t len = fread(text, 1, 65535, file);
    assert(len > 0);
    fclose(file);
    return text;
}

static grpc_channel *connect_to(const char *target, const char *ca_path) {
    grpc_channel_credentials *credentials;
    if (ca_path) {
        char *roots = file_text(ca_path);
        credentials = grpc_ssl_credentials_create(roots, NULL, NULL, NULL);
        free(roots);
    } else {
        credentials = grpc_insecure_credentials_create();
    }
    /* Its own subchannels: two clients of one target are two connections. */
    grpc_arg args[] = {
        {.type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, .value.integer = 1},
        {.type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_ENABLE_RETRIES, .value.integer = 0},
        {.type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, .value.integer = -1},
    };
    grpc_channel *channel = grpc_channel_create(target, credentials, &(grpc_channel_args){3, args});
    grpc_channel_credentials_release(credentials);
    return channel;
}

struct client *client_open(const char *target, const char *ca_path) {
    grpc_init();
    struct client *client = calloc(1, sizeof *client);
    client->target = strdup(target);
    client->ca_path = ca_path ? strdup(ca_path) : NULL;
    client->channel = connect_to(target, ca_path);
    return client;
}

void client_renew(struct client *client) {
    grpc_channel_destroy(client->channel);
    client->channel = connect_to(client->target, client->ca_path);
}

void client_close(struct client *client) {
    grpc_channel_destroy(client->channel);
    free(client->target);
    free(client->ca_path);
    free(client);
    grpc_shutdown();
}

static bool start(struct client_call *call, const grpc_op *ops, size_t count, intptr_t number) {
    return grpc_call_start_batch(call->wire, ops, count, tag(number), NULL) == GRPC_CALL_OK;
}

static bool wait_for(struct client_call *call, intptr_t number) {
    grpc_event event = grpc_completion_queue_pluck(call->queue, tag(number), gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    return event.type == GRPC_OP_COMPLETE && event.success;
}

static grpc_op op_message(struct client_call *call, struct bytes message) {
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)message.data, message.len);
    if (call->sending) grpc_byte_buffer_destroy(call->sending);
    call->sending = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = call->sending};
}

static size_t take_headers(const struct client_options *options, grpc_metadata *out) {
    assert(options->header_count <= HEADERS_MAX);
    for (size_t i = 0; i < options->header_count; i++) {
        const struct client_header *header = &options->headers[i];
        out[i] = (grpc_metadata){.key = grpc_slice_from_copied_string(header->name),
                                 .value = grpc_slice_from_copied_buffer((const char *)header->value.data,
                                                                        header->value.len)};
    }
    return options->header_count;
}

static void start_receiving(struct client_call *call) {
    grpc_op headers = {.op = GRPC_OP_RECV_INITIAL_METADATA,
                       .data.recv_initial_metadata.recv_initial_metadata = &call->headers};
    grpc_op status = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
                      .data.recv_status_on_client = {.trailing_metadata = &call->trailers,
                                                     .status = &call->status,
                                                     .status_details = &call->message}};
    bool started = start(call, &headers, 1, TAG_HEADERS) && start(call, &status, 1, TAG_STATUS);
    assert(started);
    (void)started;
}

static struct client_call *call_new(struct client *client, const char *path, int64_t timeout_us) {
    struct client_call *call = calloc(1, sizeof *call);
    call->queue = grpc_completion_queue_create_for_pluck(NULL);
    gpr_timespec deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                         gpr_time_from_micros(timeout_us ? timeout_us : 30 * US_PER_S, GPR_TIMESPAN));
    grpc_slice method = grpc_slice_from_copied_string(path);
    call->wire = grpc_channel_create_call(client->channel, NULL, GRPC_PROPAGATE_DEFAULTS, call->queue, method, NULL,
                                          deadline, NULL);
    grpc_slice_unref(method);
    grpc_metadata_array_init(&call->headers);
    grpc_metadata_array_init(&call->trailers);
    return call;
}

struct client_call *client_start(struct client *client, const char *path, enum client_requests requests,
                                 struct bytes request, const struct client_options *options) {
    static const struct client_options none;
    if (!options) options = &none;
    struct client_call *call = call_new(client, path, options->timeout_us);
    grpc_metadata headers[HEADERS_MAX];
    size_t header_count = take_headers(options, headers), count = 1;
    grpc_op ops[3] = {{.op = GRPC_OP_SEND_INITIAL_METADATA,
                       .data.send_initial_metadata = {.count = header_count, .metadata = headers}}};
    if (requests == CLIENT_ONE) {
        ops[count++] = op_message(call, request);
        ops[count++] = (grpc_op){.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    }
    bool started = start(call, ops, count, TAG_SEND);
    assert(started);
    (void)started;
    start_receiving(call);
    for (size_t i = 0; i < header_count; i++) {
        grpc_slice_unref(headers[i].key);
        grpc_slice_unref(headers[i].value);
    }
    if (requests == CLIENT_MANY) wait_for(call, TAG_SEND);
    if (requests == CLIENT_ONE) call->one = true;
    return call;
}

static uint8_t *buffer_copy(grpc_byte_buffer *buffer, size_t *len) {
    grpc_byte_buffer_reader reader;
    grpc_byte_buffer_reader_init(&reader, buffer);
    grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    *len = GRPC_SLICE_LENGTH(slice);
    uint8_t *copy = malloc(*len + 1);
    memcpy(copy, GRPC_SLICE_START_PTR(slice), *len);
    grpc_slice_unref(slice);
    return copy;
}

bool client_read(struct client_call *call, uint8_t **body, size_t *body_len) {
    grpc_byte_buffer *buffer = NULL;
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &buffer};
    if (!start(call, &op, 1, TAG_READ)) return false;
    bool got = wait_for(call, TAG_READ) && buffer;
    if (got) *body = buffer_copy(buffer, body_len);
    if (buffer) grpc_byte_buffer_destroy(buffer);
    return got;
}

bool client_write(struct client_call *call, struct bytes message) {
    grpc_op op = op_message(call, message);
    return start(call, &op, 1, TAG_SEND) && wait_for(call, TAG_SEND);
}

bool client_half_close(struct client_call *call) {
    grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    return start(call, &op, 1, TAG_SEND) && wait_for(call, TAG_SEND);
}

void client_cancel(struct client_call *call) {
    grpc_call_cancel(call->wire, NULL);
}

static void take_details(const grpc_metadata_array *trailers, struct client_reply *reply) {
    for (size_t i = 0; i < trailers->count; i++) {
        const grpc_metadata *entry = &trailers->metadata[i];
        if (grpc_slice_str_cmp(entry->key, "grpc-status-details-bin") != 0) continue;
        reply->details_len = GRPC_SLICE_LENGTH(entry->value);
        reply->details = malloc(reply->details_len + 1);
        memcpy(reply->details, GRPC_SLICE_START_PTR(entry->value), reply->details_len);
    }
}

static void call_free(struct client_call *call) {
    if (call->sending) grpc_byte_buffer_destroy(call->sending);
    grpc_slice_unref(call->message);
    grpc_metadata_array_destroy(&call->headers);
    grpc_metadata_array_destroy(&call->trailers);
    grpc_call_unref(call->wire);
    grpc_completion_queue_shutdown(call->queue);
    while (grpc_completion_queue_pluck(call->queue, NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type !=
           GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(call->queue);
    free(call);
}

struct client_reply client_finish(struct client_call *call) {
    struct client_reply reply = {0};
    uint8_t *body;
    size_t body_len;
    while (client_read(call, &body, &body_len)) {
        free(reply.body);
        reply.body = body;
        reply.body_len = body_len;
    }
    if (call->one) wait_for(call, TAG_SEND);
    wait_for(call, TAG_HEADERS);
    wait_for(call, TAG_STATUS);
    reply.status = (enum call_status)call->status;
    snprintf(reply.message, sizeof reply.message, "%.*s", (int)GRPC_SLICE_LENGTH(call->message),
             (const char *)GRPC_SLICE_START_PTR(call->message));
    take_details(&call->trailers, &reply);
    call_free(call);
    return reply;
}

struct client_reply client_unary(struct client *client, const char *path, struct bytes request,
                                 const struct client_options *options) {
    return client_finish(client_start(client, path, CLIENT_ONE, request, options));
}

void client_reply_release(struct client_reply *reply) {
    free(reply->body);
    free(reply->details);
    *reply = (struct client_reply){0};
}
