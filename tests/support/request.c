/* SPDX-License-Identifier: Apache-2.0 */
/* Requests out of descriptors. */
#include "tests/support/request.h"

#include <stdlib.h>
#include <string.h>

#include "server/run/clock.h"
#include "server/run/random.h"
#include "tagih/id.h"
#include "tagih/time.h"
#include "tests/support/case.h"

#define DEPTH_MAX 4
#define LIST_MAX 8
#define JAKARTA_US (7 * INT64_C(3600000000))
#define AMOUNT_MINOR 100000 /* 1 000 rupiah */

static bool ends(const char *name, const char *with) {
    size_t n = strlen(name), m = strlen(with);
    return n >= m && strcmp(name + n - m, with) == 0;
}

static bool is_one_of(const char *name, const char *const *list) {
    for (; *list; list++) {
        if (ends(name, *list)) return true;
    }
    return false;
}

/* ---- what a name promises ------------------------------------------------------------------------------------- */

static civil_date in_days(int64_t n) {
    return (civil_date){(int32_t)((clock_now().us + JAKARTA_US) / US_PER_DAY + n)};
}

static char *text_for(const char *name, struct arena *arena) {
    static const char *const ids[] = {"_id", "_ids", "_no", "reference", NULL}, *const empty[] = {"page_token", "rule_set",
                                                                                                  NULL};
    static const char *const days[] = {"_on", "_from", "_until", NULL}, *const numbers[] = {"principal", "amount", "sum",
                                                                                            NULL};
    char id[UUID_TEXT_SIZE], day[DATE_TEXT_SIZE];
    uuid_format(random_id(), id);
    date_format(in_days(0), day);
    if (is_one_of(name, empty)) return arena_printf(arena, "%s", "");
    if (is_one_of(name, ids)) return arena_printf(arena, "%s", id);
    if (is_one_of(name, days)) return arena_printf(arena, "%s", day);
    if (ends(name, "month")) return arena_printf(arena, "%.7s", day);
    if (ends(name, "currency")) return arena_printf(arena, "IDR");
    if (is_one_of(name, numbers)) return arena_printf(arena, "1000");
    return arena_printf(arena, "as agreed %s", id + 24);
}

static int64_t number_for(const char *name) {
    static const char *const none[] = {"page_size",  "wait_ms", "after_seq", "until_seq", "instalment",
                                       "export_seq", "_e7",     "phase",     NULL};
    if (is_one_of(name, none)) return 0;
    if (ends(name, "_us")) return clock_now().us - US_PER_MINUTE;
    if (ends(name, "minor")) return AMOUNT_MINOR;
    if (ends(name, "_bp")) return 10000;
    if (ends(name, "_mm")) return 10000;
    return 1;
}

static ProtobufCBinaryData bytes_for(const char *name, struct arena *arena) {
    static const char *const hashes[] = {"hash", "sha256", "digest", "key", NULL};
    size_t len = is_one_of(name, hashes) ? 32 : ends(name, "boot_id") ? 16 : ends(name, "proof") ? 64 : 0;
    ProtobufCBinaryData out = {len, arena_alloc(arena, len)};
    assert_non_null(out.data);
    if (len) random_bytes(out.data, len);
    return out;
}

static int32_t enum_for(const ProtobufCEnumDescriptor *type) {
    for (unsigned i = 0; i < type->n_values; i++) {
        if (type->values[i].value) return type->values[i].value;
    }
    return 0;
}

/* ---- messages ------------------------------------------------------------------------------------------------- */

static size_t size_of(const ProtobufCFieldDescriptor *field) {
    switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
        case PROTOBUF_C_TYPE_MESSAGE:
            return sizeof(void *);
        case PROTOBUF_C_TYPE_BYTES:
            return sizeof(ProtobufCBinaryData);
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_SINT64:
        case PROTOBUF_C_TYPE_UINT64:
        case PROTOBUF_C_TYPE_SFIXED64:
        case PROTOBUF_C_TYPE_FIXED64:
        case PROTOBUF_C_TYPE_DOUBLE:
            return 8;
        default:
            return 4;
    }
}

static void put_number(const ProtobufCFieldDescriptor *field, void *at, int64_t value) {
    if (size_of(field) == 8) memcpy(at, &value, 8);
    else memcpy(at, &(int32_t){(int32_t)value}, 4);
}

static ProtobufCMessage *fill(const ProtobufCMessageDescriptor *type, struct arena *arena, int depth);

static void fill_field(const ProtobufCFieldDescriptor *field, void *at, struct arena *arena, int depth) {
    switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
            *(char **)at = text_for(field->name, arena);
            break;
        case PROTOBUF_C_TYPE_BYTES:
            *(ProtobufCBinaryData *)at = bytes_for(field->name, arena);
            break;
        case PROTOBUF_C_TYPE_MESSAGE:
            *(ProtobufCMessage **)at = depth < DEPTH_MAX ? fill(field->descriptor, arena, depth + 1) : NULL;
            break;
        case PROTOBUF_C_TYPE_ENUM:
            put_number(field, at, enum_for(field->descriptor));
            break;
        case PROTOBUF_C_TYPE_BOOL:
            break;
        default:
            put_number(field, at, number_for(field->name));
    }
}

/* The i-th element of a list, which grows to have it. */
static void *element_of(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t i, struct arena *arena,
                        int depth) {
    void **list = (void *)((char *)message + field->offset);
    size_t *n = (void *)((char *)message + field->quantifier_offset);
    if (*n == 0) *list = arena_alloc(arena, LIST_MAX * size_of(field));
    assert_non_null(*list);
    assert_true(i < LIST_MAX);
    for (; *n <= i; ++*n) fill_field(field, (char *)*list + *n * size_of(field), arena, depth);
    return (char *)*list + i * size_of(field);
}

static ProtobufCMessage *fill(const ProtobufCMessageDescriptor *type, struct arena *arena, int depth) {
    ProtobufCMessage *message = arena_alloc(arena, type->sizeof_message);
    assert_non_null(message);
    type->message_init(message);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->label == PROTOBUF_C_LABEL_REPEATED) (void)element_of(message, field, 0, arena, depth);
        else fill_field(field, (char *)message + field->offset, arena, depth);
    }
    return message;
}

ProtobufCMessage *request_new(const ProtobufCMessageDescriptor *type, struct arena *arena) {
    return fill(type, arena, 0);
}

/* ---- setting -------------------------------------------------------------------------------------------------- */

static ProtobufCBinaryData unhex(const char *text, struct arena *arena) {
    ProtobufCBinaryData out = {strlen(text) / 2, arena_alloc(arena, strlen(text) / 2)};
    assert_non_null(out.data);
    assert_ok(bytes_unhex(text, out.data, out.len));
    return out;
}

/* "@14" is the day in two weeks. */
static char *text_of(const char *text, struct arena *arena) {
    char day[DATE_TEXT_SIZE];
    if (*text != '@') return arena_printf(arena, "%s", text);
    date_format(in_days(strtoll(text + 1, NULL, 10)), day);
    return arena_printf(arena, "%s", day);
}

void request_set(ProtobufCMessage *request, struct arena *arena, const char *path, const char *text) {
    const char *dot = strchr(path, '.');
    char name[64], *index;
    snprintf(name, sizeof name, "%.*s", (int)(dot ? (size_t)(dot - path) : strlen(path)), path);
    size_t i = (index = strchr(name, '[')) ? (size_t)strtoll(index + 1, NULL, 10) : 0;
    if (index) *index = 0;
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(request->descriptor, name);
    if (!field) fail_msg("%s has no field %s", request->descriptor->name, name);
    void *at = field->label == PROTOBUF_C_LABEL_REPEATED ? element_of(request, field, i, arena, 1)
                                                         : (char *)request + field->offset;
    if (field->label != PROTOBUF_C_LABEL_REPEATED && field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        *(uint32_t *)(void *)((char *)request + field->quantifier_offset) = field->id;
    }
    if (dot) request_set(*(ProtobufCMessage **)at, arena, dot + 1, text);
    else if (field->type == PROTOBUF_C_TYPE_STRING) *(char **)at = text_of(text, arena);
    else if (field->type == PROTOBUF_C_TYPE_BYTES) *(ProtobufCBinaryData *)at = unhex(text, arena);
    else put_number(field, at, strtoll(text, NULL, 10));
}
