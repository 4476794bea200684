/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deterministic CBOR over libcbor's streaming functions. libcbor writes shortest heads by itself; reading, it
 * checks neither heads nor kinds, so every item is judged here. Callers: schema.c and envelope.c.
 */
#include "domain/dcbor.h"

#include <cbor.h>
#include <string.h>

/* Every libcbor encoder answers 0 when there is no room. */
static void advance(struct dcbor_out *out, size_t written) {
    if (written == 0) out->full = true;
    out->len += written;
}

#define PUT(out, encoder, value)                                                                  \
    do {                                                                                          \
        if (!(out)->full)                                                                         \
            advance((out), encoder((value), (out)->data + (out)->len, (out)->size - (out)->len)); \
    } while (0)

void dcbor_put_uint(struct dcbor_out *out, uint64_t value) {
    PUT(out, cbor_encode_uint, value);
}

void dcbor_put_int(struct dcbor_out *out, int64_t value) {
    if (value >= 0)
        PUT(out, cbor_encode_uint, (uint64_t)value);
    else
        PUT(out, cbor_encode_negint, (uint64_t)(-1 - value));
}

void dcbor_put_bool(struct dcbor_out *out, bool value) {
    PUT(out, cbor_encode_bool, value);
}

void dcbor_put_array(struct dcbor_out *out, size_t count) {
    PUT(out, cbor_encode_array_start, count);
}

void dcbor_put_map(struct dcbor_out *out, size_t pairs) {
    PUT(out, cbor_encode_map_start, pairs);
}

static void put_content(struct dcbor_out *out, struct bytes value) {
    if (out->full || value.len > out->size - out->len) {
        out->full = true;
        return;
    }
    if (value.len) memcpy(out->data + out->len, value.data, value.len);
    out->len += value.len;
}

void dcbor_put_bytes(struct dcbor_out *out, struct bytes value) {
    PUT(out, cbor_encode_bytestring_start, value.len);
    put_content(out, value);
}

void dcbor_put_text(struct dcbor_out *out, struct bytes value) {
    PUT(out, cbor_encode_string_start, value.len);
    put_content(out, value);
}

static void see(void *context, enum dcbor_kind kind, uint64_t value) {
    struct dcbor_item *item = context;
    item->kind = kind;
    item->value = value;
}

static void see_string(void *context, enum dcbor_kind kind, cbor_data data, size_t len) {
    struct dcbor_item *item = context;
    item->kind = kind;
    item->value = len;
    item->bytes = bytes_make(data, len);
}

static void on_uint8(void *context, uint8_t value) {
    see(context, DCBOR_UINT, value);
}
static void on_uint16(void *context, uint16_t value) {
    see(context, DCBOR_UINT, value);
}
static void on_uint32(void *context, uint32_t value) {
    see(context, DCBOR_UINT, value);
}
static void on_uint64(void *context, uint64_t value) {
    see(context, DCBOR_UINT, value);
}
static void on_negint8(void *context, uint8_t value) {
    see(context, DCBOR_NEGINT, value);
}
static void on_negint16(void *context, uint16_t value) {
    see(context, DCBOR_NEGINT, value);
}
static void on_negint32(void *context, uint32_t value) {
    see(context, DCBOR_NEGINT, value);
}
static void on_negint64(void *context, uint64_t value) {
    see(context, DCBOR_NEGINT, value);
}
static void on_bytes(void *context, cbor_data data, size_t len) {
    see_string(context, DCBOR_BYTES, data, len);
}
static void on_text(void *context, cbor_data data, size_t len) {
    see_string(context, DCBOR_TEXT, data, len);
}
static void on_array(void *context, size_t count) {
    see(context, DCBOR_ARRAY, count);
}
static void on_map(void *context, size_t pairs) {
    see(context, DCBOR_MAP, pairs);
}
static void on_bool(void *context, bool value) {
    see(context, DCBOR_BOOL, value);
}

/* What is refused goes to libcbor's own empty callbacks: the item stays DCBOR_NONE. */
static const struct cbor_callbacks callbacks = {
    .uint8 = on_uint8,
    .uint16 = on_uint16,
    .uint32 = on_uint32,
    .uint64 = on_uint64,
    .negint8 = on_negint8,
    .negint16 = on_negint16,
    .negint32 = on_negint32,
    .negint64 = on_negint64,
    .byte_string = on_bytes,
    .byte_string_start = cbor_null_byte_string_start_callback,
    .string = on_text,
    .string_start = cbor_null_string_start_callback,
    .array_start = on_array,
    .indef_array_start = cbor_null_indef_array_start_callback,
    .map_start = on_map,
    .indef_map_start = cbor_null_indef_map_start_callback,
    .tag = cbor_null_tag_callback,
    .float2 = cbor_null_float2_callback,
    .float4 = cbor_null_float4_callback,
    .float8 = cbor_null_float8_callback,
    .undefined = cbor_null_undefined_callback,
    .null = cbor_null_null_callback,
    .boolean = on_bool,
    .indef_break = cbor_null_indef_break_callback,
};

/* Bytes of the shortest head that carries `value` (RFC 8949 §3). */
static size_t head_size(uint64_t value) {
    return value < 24 ? 1 : value <= UINT8_MAX ? 2 : value <= UINT16_MAX ? 3 : value <= UINT32_MAX ? 5 : 9;
}

struct dcbor_item dcbor_take(struct bytes *in) {
    struct dcbor_item item = {.kind = DCBOR_NONE}, none = item;
    if (in->len == 0) return none;
    struct cbor_decoder_result result = cbor_stream_decode(in->data, in->len, &callbacks, &item);
    if (result.status != CBOR_DECODER_FINISHED || item.kind == DCBOR_NONE) return none;
    if (result.read != head_size(item.value) + item.bytes.len) return none;
    *in = bytes_make(in->data + result.read, in->len - result.read);
    return item;
}

bool dcbor_take_kind(struct bytes *in, enum dcbor_kind kind, struct dcbor_item *out) {
    *out = dcbor_take(in);
    return out->kind == kind;
}

bool dcbor_item_int(const struct dcbor_item *item, int64_t *out) {
    if ((item->kind != DCBOR_UINT && item->kind != DCBOR_NEGINT) || item->value > INT64_MAX) return false;
    *out = item->kind == DCBOR_UINT ? (int64_t)item->value : -1 - (int64_t)item->value;
    return true;
}
