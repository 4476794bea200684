/* SPDX-License-Identifier: Apache-2.0 */
/* Walks protobuf's wire format beside a descriptor. Source: protobuf.dev, "Encoding". */
#include "engine/wire.h"

#include <string.h>

struct walk {
    struct bytes in;
    const char **field;
    int items;
};

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

static bool take_varint(struct bytes *in, uint64_t *out) {
    *out = 0;
    for (unsigned shift = 0; shift < 64 && in->len; shift += 7) {
        uint8_t byte = *in->data;
        *in = bytes_make(in->data + 1, in->len - 1);
        *out |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

static bool take(struct bytes *in, uint64_t len, struct bytes *out) {
    if (len > in->len) return false;
    *out = bytes_make(in->data, (size_t)len);
    *in = bytes_make(in->data + len, in->len - (size_t)len);
    return true;
}

static bool enum_has(const ProtobufCEnumDescriptor *type, uint64_t value) {
    return value <= INT32_MAX && protobuf_c_enum_descriptor_get_value(type, (int)value) != NULL;
}

/* UTF-8 without NUL; control characters are a matter of each field. */
static bool is_plain_text(struct bytes in) {
    if (in.len && memchr(in.data, 0, in.len)) return false;
    /* bytes_is_text refuses controls too: let tab and newline pass by checking the pieces between them */
    while (in.len) {
        size_t n = 0;
        while (n < in.len && in.data[n] >= 0x20 && in.data[n] != 0x7F) n++;
        if (n && !bytes_is_text(bytes_make(in.data, n), n)) return false;
        size_t skip = n < in.len ? n + 1 : n;
        in = bytes_make(in.data + skip, in.len - skip);
    }
    return true;
}

static tagih_err check_message(struct walk *walk, const ProtobufCMessageDescriptor *type, struct bytes in, int depth);

static tagih_err fail_field(struct walk *walk, const ProtobufCFieldDescriptor *field, tagih_err err) {
    *walk->field = field->name;
    return err;
}

static tagih_err check_bytes(struct walk *walk, const ProtobufCFieldDescriptor *field, struct bytes value, int depth) {
    if (field->type == PROTOBUF_C_TYPE_STRING && !is_plain_text(value)) {
        return fail_field(walk, field, FAIL(REQUEST_TEXT));
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) return check_message(walk, field->descriptor, value, depth + 1);
    if (field->type == PROTOBUF_C_TYPE_ENUM) { /* packed */
        while (value.len) {
            uint64_t one;
            if (++walk->items > WIRE_ITEMS_MAX) return fail_field(walk, field, FAIL(REQUEST_TOO_MANY));
            if (!take_varint(&value, &one)) return FAIL(REQUEST_MALFORMED);
            if (!enum_has(field->descriptor, one)) return fail_field(walk, field, FAIL(REQUEST_ENUM));
        }
    }
    return TAGIH_OK;
}

static tagih_err check_field(struct walk *walk, const ProtobufCFieldDescriptor *field, unsigned wire, struct bytes *in,
                             int depth) {
    uint64_t number;
    struct bytes value;
    switch (wire) {
    case WIRE_VARINT:
        if (!take_varint(in, &number)) return FAIL(REQUEST_MALFORMED);
        if (field && field->type == PROTOBUF_C_TYPE_ENUM && !enum_has(field->descriptor, number)) {
            return fail_field(walk, field, FAIL(REQUEST_ENUM));
        }
        return TAGIH_OK;
    case WIRE_FIXED64:
        return take(in, 8, &value) ? TAGIH_OK : FAIL(REQUEST_MALFORMED);
    case WIRE_FIXED32:
        return take(in, 4, &value) ? TAGIH_OK : FAIL(REQUEST_MALFORMED);
    case WIRE_BYTES:
        if (!take_varint(in, &number) || !take(in, number, &value)) return FAIL(REQUEST_MALFORMED);
        return field ? check_bytes(walk, field, value, depth) : TAGIH_OK;
    default: /* groups are long gone */
        return FAIL(REQUEST_MALFORMED);
    }
}

static tagih_err check_message(struct walk *walk, const ProtobufCMessageDescriptor *type, struct bytes in, int depth) {
    if (depth > WIRE_DEPTH_MAX) return FAIL(REQUEST_DEPTH);
    while (in.len) {
        uint64_t key;
        if (!take_varint(&in, &key) || key >> 3 == 0 || key >> 3 > 0x1FFFFFFF) return FAIL(REQUEST_MALFORMED);
        if (++walk->items > WIRE_ITEMS_MAX) return FAIL(REQUEST_TOO_MANY);
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(type, (unsigned)(key >> 3));
        TRY(check_field(walk, field, key & 7, &in, depth));
    }
    return TAGIH_OK;
}

tagih_err wire_check(const ProtobufCMessageDescriptor *type, struct bytes in, const char **field) {
    *field = NULL;
    struct walk walk = {.in = in, .field = field};
    return check_message(&walk, type, in, 0);
}
