/* SPDX-License-Identifier: Apache-2.0 */
/* Errors on the wire. The array below is the only place where a class meets a gRPC status. */
#include "engine/status.h"

#include "contract.h"

static const enum call_status statuses[TAGIH_CLASS_COUNT] = {
    [TAGIH_CLASS_OK] = CALL_OK,
    [TAGIH_CLASS_INVALID] = CALL_INVALID_ARGUMENT,
    [TAGIH_CLASS_UNAUTHENTICATED] = CALL_UNAUTHENTICATED,
    [TAGIH_CLASS_FORBIDDEN] = CALL_PERMISSION_DENIED,
    [TAGIH_CLASS_NOT_FOUND] = CALL_NOT_FOUND,
    [TAGIH_CLASS_EXISTS] = CALL_ALREADY_EXISTS,
    [TAGIH_CLASS_STATE] = CALL_FAILED_PRECONDITION,
    [TAGIH_CLASS_ABORTED] = CALL_ABORTED,
    [TAGIH_CLASS_EXHAUSTED] = CALL_RESOURCE_EXHAUSTED,
    [TAGIH_CLASS_UNAVAILABLE] = CALL_UNAVAILABLE,
    [TAGIH_CLASS_DEADLINE] = CALL_DEADLINE_EXCEEDED,
    [TAGIH_CLASS_CANCELLED] = CALL_CANCELLED,
    [TAGIH_CLASS_UNIMPLEMENTED] = CALL_UNIMPLEMENTED,
    [TAGIH_CLASS_INTERNAL] = CALL_INTERNAL,
};

enum call_status status_of(tagih_err err) {
    return statuses[err_class(err)];
}

const char *status_name(enum call_status status) {
    static const char *const names[] = {
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
        "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
        "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    };
    return (unsigned)status < sizeof names / sizeof names[0] ? names[status] : "UNKNOWN";
}

static struct bytes pack(struct arena *arena, const ProtobufCMessage *message) {
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *out = arena_alloc(arena, size);
    if (!out) return (struct bytes){NULL, 0};
    return bytes_make(out, protobuf_c_message_pack(message, out));
}

#define DETAILS_MAX 3

struct details {
    Google__Protobuf__Any any[DETAILS_MAX];
    Google__Protobuf__Any *list[DETAILS_MAX];
    size_t n;
};

static void details_add(struct details *details, struct arena *arena, const char *type, const ProtobufCMessage *message) {
    struct bytes value = pack(arena, message);
    if (!value.data) return;
    Google__Protobuf__Any *any = &details->any[details->n];
    google__protobuf__any__init(any);
    any->type_url = (char *)(uintptr_t)type;
    any->value = (ProtobufCBinaryData){value.len, (uint8_t *)(uintptr_t)value.data};
    details->list[details->n++] = any;
}

static void add_info(struct details *details, struct arena *arena, tagih_err err) {
    Google__Rpc__ErrorInfo__MetadataEntry entry = GOOGLE__RPC__ERROR_INFO__METADATA_ENTRY__INIT, *entries = &entry;
    entry.key = (char *)(uintptr_t) "token";
    entry.value = (char *)(uintptr_t)err_token(err);
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
    info.reason = (char *)(uintptr_t)err_name(err);
    info.domain = (char *)(uintptr_t) "tagih";
    info.n_metadata = 1;
    info.metadata = &entries;
    details_add(details, arena, "type.googleapis.com/google.rpc.ErrorInfo", &info.base);
}

static void add_problems(struct details *details, struct arena *arena, const struct rpc_problem *problems) {
    size_t n = 0;
    for (const struct rpc_problem *p = problems; p; p = p->next) n++;
    Google__Rpc__BadRequest bad = GOOGLE__RPC__BAD_REQUEST__INIT;
    bad.field_violations = ARENA_ARRAY(arena, n, Google__Rpc__BadRequest__FieldViolation *);
    Google__Rpc__BadRequest__FieldViolation *violations = ARENA_ARRAY(arena, n, Google__Rpc__BadRequest__FieldViolation);
    if (!bad.field_violations || !violations) return;
    for (const struct rpc_problem *p = problems; p; p = p->next) {
        Google__Rpc__BadRequest__FieldViolation *violation = &violations[bad.n_field_violations];
        google__rpc__bad_request__field_violation__init(violation);
        violation->field = (char *)(uintptr_t)p->field;
        violation->description = (char *)(uintptr_t)err_text(p->err);
        bad.field_violations[bad.n_field_violations++] = violation;
    }
    details_add(details, arena, "type.googleapis.com/google.rpc.BadRequest", &bad.base);
}

static void add_retry(struct details *details, struct arena *arena, int64_t retry_after_us) {
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
    delay.seconds = retry_after_us / US_PER_S;
    delay.nanos = (int32_t)(retry_after_us % US_PER_S * 1000);
    Google__Rpc__RetryInfo retry = GOOGLE__RPC__RETRY_INFO__INIT;
    retry.retry_delay = &delay;
    details_add(details, arena, "type.googleapis.com/google.rpc.RetryInfo", &retry.base);
}

/* Who is told to come again is told when: a second for a server or database that is away, a moment for a contended row. */
static int64_t retry_default_us(tagih_err err) {
    if (err_class(err) == TAGIH_CLASS_UNAVAILABLE) return US_PER_S;
    return err_class(err) == TAGIH_CLASS_ABORTED ? 100 * US_PER_MS : 0;
}

void status_fill(struct call_reply *reply, struct arena *arena, tagih_err err, const struct rpc_problem *problems,
                 int64_t retry_after_us) {
    *reply = (struct call_reply){.status = status_of(err), .message = err_text(err)};
    if (problems) {
        char *text = arena_printf(arena, "%s: %s", problems->field, err_text(problems->err));
        if (text) reply->message = text;
    }
    struct details details = {.n = 0};
    add_info(&details, arena, err);
    if (problems) add_problems(&details, arena, problems);
    if (retry_after_us == 0) retry_after_us = retry_default_us(err);
    if (retry_after_us > 0) add_retry(&details, arena, retry_after_us);
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    status.code = (int32_t)reply->status;
    status.message = (char *)(uintptr_t)reply->message;
    status.n_details = details.n;
    status.details = details.list;
    reply->details = pack(arena, &status.base);
}
