/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The call slot: its states, the one function that moves it, and what happens on each completion.
 *
 * A unary call costs two completions: the call with its request, and one batch of headers, message, status and close.
 * Calls whose caller's leaving matters before the end (streams, parking ones) pay for a third, RECV_CLOSE by itself.
 * Lasting memory is small: a slot has no arena unless a call runs in it, and bytes to send are copied, because gRPC
 * may hold them after the batch came back.
 */
#include "server/net/slot.h"

#include <assert.h>
#include <grpc/support/alloc.h>
#include <stdlib.h>

#define STATE_BIT(state) (1u << (state))

/* Which states may follow. Anything else is our bug and ends the process. */
static const unsigned slot_edges[SLOT_STATES] = {
    [SLOT_IDLE] = STATE_BIT(SLOT_ARMED),
    [SLOT_ARMED] = STATE_BIT(SLOT_RUNNING) | STATE_BIT(SLOT_RETIRED),
    [SLOT_READING] = STATE_BIT(SLOT_RUNNING),
    [SLOT_RUNNING] = STATE_BIT(SLOT_READING) | STATE_BIT(SLOT_SENDING) | STATE_BIT(SLOT_ENDING),
    [SLOT_SENDING] = STATE_BIT(SLOT_READING) | STATE_BIT(SLOT_RUNNING),
    [SLOT_ENDING] = STATE_BIT(SLOT_IDLE),
    [SLOT_RETIRED] = 0,
};

static void door_reply(struct call *call, const struct call_reply *reply);
static void door_send(struct call *call, struct bytes message);
static void start(grpc_call *wire, const grpc_op *ops, size_t count, struct tag *tag);

static const struct call_door grpc_door = {.reply = door_reply, .send = door_send};

/* The only writer of slot->state. */
static void slot_move(struct slot *slot, enum slot_state to) {
    enum slot_state from = atomic_load_explicit(&slot->state, memory_order_acquire);
    assert(slot_edges[from] & STATE_BIT(to));
    atomic_store_explicit(&slot->state, to, memory_order_release);
}

static struct net_server *slot_server(const struct slot *slot) {
    return slot->poller->server;
}

/* ---- arming ---- */

static struct slot *slot_new(struct poller *poller) {
    struct slot *slot = calloc(1, sizeof *slot);
    if (!slot) return NULL;
    slot->poller = poller;
    slot->step = (struct tag){TAG_STEP, slot};
    slot->close = (struct tag){TAG_CLOSE, slot};
    slot->flat = grpc_empty_slice();
    grpc_metadata_array_init(&slot->headers);
    return slot;
}

static void slot_free(struct slot *slot) {
    grpc_metadata_array_destroy(&slot->headers);
    free(slot);
}

static void slot_retire(struct slot *slot) {
    slot_move(slot, SLOT_RETIRED);
    slot_free(slot);
}

static grpc_call_error slot_request(struct slot *slot) {
    struct net_server *server = slot_server(slot);
    grpc_completion_queue *queue = slot->poller->queue;
    const struct method *method = slot->method;
    if (!method->row) {
        grpc_call_details_init(&slot->details);
        return grpc_server_request_call(server->grpc, &slot->wire, &slot->details, &slot->headers, queue, queue,
                                        &slot->step);
    }
    grpc_byte_buffer **payload = method->row->kind == CALL_BIDI ? NULL : &slot->payload;
    return grpc_server_request_registered_call(server->grpc, method->registered, &slot->wire, &slot->deadline,
                                               &slot->headers, payload, queue, queue, &slot->step);
}

bool slot_arm_one(struct poller *poller, const struct method *method) {
    struct slot *slot = poller->idle;
    if (slot) {
        poller->idle = slot->next;
    } else if (!(slot = slot_new(poller))) {
        return false;
    }
    slot->method = method;
    slot_move(slot, SLOT_ARMED);
    if (slot_request(slot) == GRPC_CALL_OK) return true;
    slot_retire(slot);
    return false;
}

void slot_free_idle(struct poller *poller) {
    while (poller->idle) {
        struct slot *slot = poller->idle;
        poller->idle = slot->next;
        slot_free(slot);
    }
}

/* ---- the poller's list of streams ---- */

static void stream_list_add(struct slot *slot) {
    struct poller *poller = slot->poller;
    slot->previous = NULL;
    slot->next = poller->streams;
    if (slot->next) slot->next->previous = slot;
    poller->streams = slot;
}

static void stream_list_remove(struct slot *slot) {
    if (slot->next) slot->next->previous = slot->previous;
    if (slot->previous) {
        slot->previous->next = slot->next;
    } else {
        slot->poller->streams = slot->next;
    }
}

static void stream_check(struct slot *slot, int64_t now_us) {
    if (atomic_load_explicit(&slot->state, memory_order_acquire) != SLOT_SENDING) return;
    if (now_us - slot->send_began_us < slot_server(slot)->options.send_us_max) return;
    grpc_call_cancel_with_status(slot->wire, GRPC_STATUS_RESOURCE_EXHAUSTED, "the stream is not being read", NULL);
}

void slot_sweep(struct poller *poller, int64_t now_us) {
    if (!poller->streams || now_us - poller->swept_us < US_PER_S) return;
    poller->swept_us = now_us;
    for (struct slot *slot = poller->streams; slot; slot = slot->next) stream_check(slot, now_us);
}

/* ---- to the sink ---- */

static void slot_refuse(struct slot *slot, tagih_err why) {
    const struct call_sink *sink = &slot_server(slot)->options.sink;
    struct call_reply reply = {.status = CALL_RESOURCE_EXHAUSTED, .message = "no memory for this call"};
    if (slot->call.arena.block) sink->refuse(sink->context, &slot->call, why, &reply);
    door_reply(&slot->call, &reply);
}

/* The slot is RUNNING from here on: the crew may answer before submit returns. */
static void slot_submit(struct slot *slot) {
    const struct call_sink *sink = &slot_server(slot)->options.sink;
    slot->call.first = !slot->submitted;
    slot->submitted = true;
    if (!sink->submit(sink->context, &slot->call)) slot_refuse(slot, FAIL(CALL_OVERLOADED));
}

static void slot_read(struct slot *slot) {
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &slot->payload};
    intake_drop_request(slot);
    slot_move(slot, SLOT_READING);
    start(slot->wire, &op, 1, &slot->step);
}

static void slot_watch(struct slot *slot) {
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER, .data.recv_close_on_server.cancelled = &slot->gone};
    slot->watched = slot->close_open = true;
    stream_list_add(slot);
    start(slot->wire, &op, 1, &slot->close);
}

/* ---- events ---- */

static void drop_sending(struct slot *slot) {
    if (slot->sending) grpc_byte_buffer_destroy(slot->sending);
    slot->sending = NULL;
}

static void call_begin(struct slot *slot) {
    slot->call = (struct call){.row = slot->method->row, .door = &grpc_door, .arrived_us = net__now_us()};
    if (!slot->method->row) slot->deadline = slot->details.deadline;
    slot->submitted = slot->headers_sent = slot->watched = slot->close_open = slot->ended = false;
    if (!slot_server(slot)->options.arena_open(&slot->call.arena)) slot->call.arena.block = NULL;
}

/* What stands against serving this call; OK when nothing does. */
static tagih_err call_admit(struct slot *slot, bool room) {
    tagih_err err = intake_fill(slot);
    if (!slot->call.arena.block) return FAIL(OUT_OF_MEMORY);
    if (atomic_load(&slot_server(slot)->draining)) return FAIL(CALL_DRAINING);
    return err_is_ok(err) && !room ? FAIL(CALL_OVERLOADED) : err;
}

/*
 * A call came. Another slot takes this one's place at once, so that the method stays armed; only when the server is
 * full it does not, which bounds the slots: this one is armed again after its refusal has left.
 */
static void slot_arrived(struct slot *slot) {
    struct net_server *server = slot_server(slot);
    atomic_fetch_add_explicit(&server->arrived, 1, memory_order_relaxed);
    bool room = atomic_fetch_add(&server->in_flight, 1) < server->options.calls_in_flight_max;
    slot_move(slot, SLOT_RUNNING);
    call_begin(slot);
    slot->rearm = !(room && slot_arm_one(slot->poller, slot->method));
    tagih_err err = call_admit(slot, room);
    if (!err_is_ok(err)) {
        slot_refuse(slot, err);
        return;
    }
    enum call_kind kind = slot->call.row->kind;
    if (kind != CALL_UNARY || slot->call.row->parks) slot_watch(slot);
    kind == CALL_BIDI ? slot_read(slot) : slot_submit(slot);
}

/* A BIDI request came, or none will: the client half-closed or is gone. */
static void slot_was_read(struct slot *slot, bool success) {
    slot_move(slot, SLOT_RUNNING);
    if (!success) atomic_store(&slot->call.cancelled, true);
    slot->call.half_closed = !slot->payload;
    tagih_err err = slot->payload ? intake_request(slot) : TAGIH_OK;
    err_is_ok(err) ? slot_submit(slot) : slot_refuse(slot, err);
}

static void slot_was_sent(struct slot *slot, bool success) {
    slot_move(slot, SLOT_RUNNING);
    drop_sending(slot);
    if (!success) atomic_store(&slot->call.cancelled, true);
    bool next_request = success && slot->call.row->kind == CALL_BIDI && !slot->call.half_closed;
    next_request ? slot_read(slot) : slot_submit(slot);
}

/* Both ends are done with the call: back to the idle slots, or straight to arms. */
static void slot_release(struct slot *slot) {
    struct poller *poller = slot->poller;
    struct net_server *server = poller->server;
    if (slot->watched) stream_list_remove(slot);
    drop_sending(slot);
    gpr_free(slot->peer);
    grpc_metadata_array_destroy(&slot->headers);
    grpc_metadata_array_init(&slot->headers);
    if (!slot->method->row) grpc_call_details_destroy(&slot->details);
    grpc_call_unref(slot->wire);
    slot_move(slot, SLOT_IDLE);
    slot->next = poller->idle;
    poller->idle = slot;
    if (slot->rearm) slot_arm_one(poller, slot->method);
    atomic_fetch_sub(&server->in_flight, 1);
}

void slot_step(struct slot *slot, bool success) {
    switch (atomic_load_explicit(&slot->state, memory_order_acquire)) {
    case SLOT_ARMED:
        success ? slot_arrived(slot) : slot_retire(slot);
        break;
    case SLOT_READING:
        slot_was_read(slot, success);
        break;
    case SLOT_SENDING:
        slot_was_sent(slot, success);
        break;
    case SLOT_ENDING:
        slot->ended = true;
        if (!slot->close_open) slot_release(slot);
        break;
    default:
        abort(); /* a completion in a state that waits for none: our bug */
    }
}

void slot_closed(struct slot *slot) {
    const struct call_sink *sink = &slot_server(slot)->options.sink;
    slot->close_open = false;
    if (slot->ended) {
        slot_release(slot);
    } else if (slot->gone) {
        atomic_store(&slot->call.cancelled, true);
        if (sink->cancel) sink->cancel(sink->context, &slot->call);
    }
}

/* ---- to the client; called by the crew, from any thread ---- */

static grpc_slice slice_copy(struct bytes bytes) {
    return grpc_slice_from_copied_buffer((const char *)bytes.data, bytes.len);
}

static grpc_byte_buffer *message_copy(struct bytes message) {
    grpc_slice slice = slice_copy(message);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

static void add_headers(struct slot *slot, grpc_op *ops, size_t *count) {
    if (slot->headers_sent) return;
    slot->headers_sent = true;
    ops[(*count)++] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
}

static void add_message(struct slot *slot, struct bytes message, grpc_op *ops, size_t *count) {
    slot->sending = message_copy(message);
    ops[(*count)++] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = slot->sending};
}

/* The batch may come back, and the slot begin another call, before this returns: `wire` and `tag` are all it uses. */
static void start(grpc_call *wire, const grpc_op *ops, size_t count, struct tag *tag) {
    grpc_call_error error = grpc_call_start_batch(wire, ops, count, tag, NULL);
    assert(error == GRPC_CALL_OK);
    (void)error;
}

static void door_send(struct call *call, struct bytes message) {
    struct slot *slot = (struct slot *)call;
    grpc_op ops[2];
    size_t count = 0;
    add_headers(slot, ops, &count);
    add_message(slot, message, ops, &count);
    slot->send_began_us = net__now_us();
    slot_move(slot, SLOT_SENDING);
    start(slot->wire, ops, count, &slot->step);
}

static void door_reply(struct call *call, const struct call_reply *reply) {
    struct slot *slot = (struct slot *)call;
    bool with_details = reply->details.len > 0 && reply->details.len <= CALL_DETAILS_BYTES_MAX;
    grpc_slice message = reply->message ? grpc_slice_from_copied_string(reply->message) : grpc_empty_slice();
    grpc_metadata details = {.key = grpc_slice_from_static_string("grpc-status-details-bin"),
                             .value = with_details ? slice_copy(reply->details) : grpc_empty_slice()};
    grpc_op ops[4];
    size_t count = 0;
    add_headers(slot, ops, &count);
    bool with_body = reply->status == CALL_OK && (!call->row || call->row->kind == CALL_UNARY);
    if (with_body) add_message(slot, reply->body, ops, &count);
    ops[count++] = (grpc_op){.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
                             .data.send_status_from_server = {.trailing_metadata_count = with_details,
                                                              .trailing_metadata = &details,
                                                              .status = (grpc_status_code)reply->status,
                                                              .status_details = &message}};
    if (!slot->watched) {
        ops[count++] = (grpc_op){.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                                 .data.recv_close_on_server.cancelled = &slot->gone};
    }
    intake_drop_request(slot);
    if (call->arena.block) slot_server(slot)->options.arena_close(&call->arena);
    slot_move(slot, SLOT_ENDING);
    start(slot->wire, ops, count, &slot->step);
    grpc_slice_unref(message);
    grpc_slice_unref(details.value);
}
