/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intake: what a call may know of its caller. Everything here comes from strangers. gRPC core lets CR, LF and NUL
 * through in header values, so every value is looked at before one is used; `-bin` values are bytes by definition.
 * Nothing is copied but a request that arrived in pieces.
 */
#include <grpc/byte_buffer_reader.h>
#include <grpc/support/alloc.h>
#include <string.h>

#include "server/net/slot.h"

int64_t net__now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

static struct bytes slice_bytes(const grpc_slice *slice) {
    return bytes_make(GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice));
}

static bool is_named(struct bytes key, const char *name) {
    return bytes_equal(key, bytes_text(name));
}

static bool is_printable(struct bytes value) {
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < 0x20 || value.data[i] > 0x7E) return false;
    }
    return true;
}

static bool is_binary_key(struct bytes key) {
    return key.len >= 4 && memcmp(key.data + key.len - 4, "-bin", 4) == 0;
}

/* The last item of a comma list: the one that our own edge appended. */
static struct bytes last_item(struct bytes list) {
    size_t start = list.len;
    while (start > 0 && list.data[start - 1] != ',') start--;
    while (start < list.len && list.data[start] == ' ') start++;
    return bytes_make(list.data + start, list.len - start);
}

/* Keep a header that may stand once. */
static tagih_err keep_once(struct bytes *kept, struct bytes value) {
    if (kept->data) return FAIL(CALL_HEADER_INVALID);
    *kept = value;
    return TAGIH_OK;
}

struct forwarded {
    struct bytes real_ip, chain;
};

static tagih_err take_header(struct call *call, struct forwarded *forwarded, const grpc_metadata *header) {
    struct bytes key = slice_bytes(&header->key), value = slice_bytes(&header->value);
    if (is_binary_key(key)) return TAGIH_OK;
    if (!is_printable(value)) return FAIL(CALL_HEADER_INVALID);
    if (is_named(key, "authorization")) return keep_once(&call->authorization, value);
    if (is_named(key, "traceparent")) return keep_once(&call->traceparent, value);
    if (is_named(key, "x-real-ip")) forwarded->real_ip = value;
    if (is_named(key, "x-forwarded-for")) forwarded->chain = last_item(value);
    return TAGIH_OK;
}

/* "ipv4:10.0.0.7:5123" → "10.0.0.7", "ipv6:%5B::1%5D:5123" → "::1"; the port would make every connection a stranger. */
static struct bytes peer_host(struct bytes peer) {
    struct bytes host = peer;
    const uint8_t *colon = host.len ? memchr(host.data, ':', host.len) : NULL;
    if (colon) host = bytes_make(colon + 1, (size_t)(host.data + host.len - colon) - 1);
    const uint8_t *port = host.len ? memrchr(host.data, ':', host.len) : NULL;
    if (port) host.len = (size_t)(port - host.data);
    if (host.len >= 6 && memcmp(host.data, "%5B", 3) == 0) host = bytes_make(host.data + 3, host.len - 6);
    if (host.len >= 2 && host.data[0] == '[') host = bytes_make(host.data + 1, host.len - 2);
    return host;
}

static void take_peer(struct slot *slot, const struct forwarded *forwarded) {
    slot->peer = grpc_call_get_peer(slot->wire);
    struct bytes peer = bytes_text(slot->peer);
    bool from_edge = peer.len >= 5 && memcmp(peer.data, "unix:", 5) == 0;
    if (!from_edge) {
        slot->call.peer = peer_host(peer);
    } else if (forwarded->real_ip.len) {
        slot->call.peer = forwarded->real_ip;
    } else {
        slot->call.peer = forwarded->chain.len ? forwarded->chain : bytes_text("unix");
    }
}

static void take_deadline(struct slot *slot) {
    struct call *call = &slot->call;
    call->deadline_us = INT64_MAX;
    gpr_timespec at = gpr_convert_clock_type(slot->deadline, GPR_CLOCK_MONOTONIC);
    if (gpr_time_cmp(at, gpr_inf_future(GPR_CLOCK_MONOTONIC)) < 0 && at.tv_sec < INT64_MAX / US_PER_S) {
        call->deadline_us = at.tv_sec * US_PER_S + at.tv_nsec / 1000;
    }
    int64_t own = call->row ? call->row->deadline_us_max : 0;
    if (own && call->arrived_us + own < call->deadline_us) call->deadline_us = call->arrived_us + own;
}

tagih_err intake_fill(struct slot *slot) {
    struct forwarded forwarded = {{NULL, 0}, {NULL, 0}};
    tagih_err err = TAGIH_OK;
    take_deadline(slot);
    for (size_t i = 0; i < slot->headers.count && err_is_ok(err); i++) {
        err = take_header(&slot->call, &forwarded, &slot->headers.metadata[i]);
    }
    take_peer(slot, &forwarded);
    TRY(err);
    if (!slot->call.row) return FAIL(CALL_METHOD_UNKNOWN);
    return slot->call.row->kind == CALL_BIDI ? TAGIH_OK : intake_request(slot);
}

tagih_err intake_request(struct slot *slot) {
    slot->call.request = bytes_make(NULL, 0);
    if (!slot->payload) return FAIL(CALL_REQUEST_MISSING);
    if (slot->payload->data.raw.compression != GRPC_COMPRESS_NONE) return FAIL(CALL_COMPRESSED);
    grpc_slice_buffer *pieces = &slot->payload->data.raw.slice_buffer;
    if (pieces->count == 1) {
        slot->call.request = slice_bytes(&pieces->slices[0]);
    } else if (pieces->count > 1) {
        grpc_byte_buffer_reader reader;
        if (!grpc_byte_buffer_reader_init(&reader, slot->payload)) return FAIL(CALL_REQUEST_MISSING);
        slot->flat = grpc_byte_buffer_reader_readall(&reader);
        grpc_byte_buffer_reader_destroy(&reader);
        slot->call.request = slice_bytes(&slot->flat);
    }
    return TAGIH_OK;
}

void intake_drop_request(struct slot *slot) {
    grpc_slice_unref(slot->flat);
    slot->flat = grpc_empty_slice();
    if (slot->payload) grpc_byte_buffer_destroy(slot->payload);
    slot->payload = NULL;
    slot->call.request = bytes_make(NULL, 0);
}
