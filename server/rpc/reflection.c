/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc.reflection v1 and v1alpha: one protocol under two names, because older tools know only the one and newer ones
 * only the other. The two packages have the same bytes, so both are read and written with v1's types. Needs no token:
 * the contract is public. An answer that cannot be given is an error inside the stream, which goes on.
 */
#include "rpc/reflection.h"

#include <string.h>

#include "contract.h"
#include "engine/server.h"
#include "engine/status.h"
#include "rpc/services.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest request_t;
typedef Grpc__Reflection__V1__ServerReflectionResponse response_t;

/* What one answer is made of; all of it lives in the batch's arena until it is sent. */
struct answer {
    const struct rpc_server *server;
    struct arena *arena;
    response_t out;
};

static void answer_error(struct answer *a, enum call_status code, const char *text) {
    Grpc__Reflection__V1__ErrorResponse *error = ARENA_NEW(a->arena, Grpc__Reflection__V1__ErrorResponse);
    if (!error) return;
    grpc__reflection__v1__error_response__init(error);
    error->error_code = (int32_t)code;
    error->error_message = (char *)(uintptr_t)text;
    a->out.message_response_case = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    a->out.error_response = error;
}

static void answer_file(struct answer *a, size_t file) {
    const struct reflection *contract = a->server->reflection;
    if (file == REFLECTION_NONE) {
        answer_error(a, CALL_NOT_FOUND, "the contract does not declare this");
        return;
    }
    size_t room = reflection_count(contract);
    size_t *numbers = ARENA_ARRAY(a->arena, room, size_t);
    ProtobufCBinaryData *files = ARENA_ARRAY(a->arena, room, ProtobufCBinaryData);
    Grpc__Reflection__V1__FileDescriptorResponse *list = ARENA_NEW(a->arena, Grpc__Reflection__V1__FileDescriptorResponse);
    if (!numbers || !files || !list) return;
    grpc__reflection__v1__file_descriptor_response__init(list);
    size_t n = reflection_closure(contract, file, numbers);
    for (size_t i = 0; i < n; i++) {
        struct bytes raw = reflection_file(contract, numbers[i]);
        files[i] = (ProtobufCBinaryData){raw.len, (uint8_t *)(uintptr_t)raw.data};
    }
    list->n_file_descriptor_proto = n;
    list->file_descriptor_proto = files;
    a->out.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    a->out.file_descriptor_response = list;
}

static void answer_services(struct answer *a) {
    size_t n = 0;
    while (a->server->services[n]) n++;
    Grpc__Reflection__V1__ServiceResponse *services = ARENA_ARRAY(a->arena, n, Grpc__Reflection__V1__ServiceResponse);
    Grpc__Reflection__V1__ServiceResponse **list = ARENA_ARRAY(a->arena, n, Grpc__Reflection__V1__ServiceResponse *);
    Grpc__Reflection__V1__ListServiceResponse *all = ARENA_NEW(a->arena, Grpc__Reflection__V1__ListServiceResponse);
    if (!services || !list || !all) return;
    grpc__reflection__v1__list_service_response__init(all);
    for (size_t i = 0; i < n; i++) {
        grpc__reflection__v1__service_response__init(&services[i]);
        services[i].name = (char *)(uintptr_t)a->server->services[i]->proto->name;
        list[i] = &services[i];
    }
    all->n_service = n;
    all->service = list;
    a->out.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    a->out.list_services_response = all;
}

static void answer_request(struct answer *a, const request_t *request) {
    const struct reflection *contract = a->server->reflection;
    switch (request->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        answer_file(a, reflection_find_file(contract, request->file_by_filename));
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        answer_file(a, reflection_find_symbol(contract, request->file_containing_symbol));
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        answer_services(a);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
        answer_error(a, CALL_UNIMPLEMENTED, "proto3 has no extensions, and this contract declares none");
        break;
    default:
        answer_error(a, CALL_INVALID_ARGUMENT, "the request asks for nothing");
    }
}

static void *scratch_alloc(void *arena, size_t size) {
    return arena_alloc(arena, size);
}

static void scratch_free(void *arena, void *piece) {
    (void)arena, (void)piece;
}

static tagih_err info(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    if (item->call->half_closed) return TAGIH_OK; /* the client has asked everything */
    ProtobufCAllocator scratch = {.alloc = scratch_alloc, .free = scratch_free, .allocator_data = batch->arena};
    request_t *request = grpc__reflection__v1__server_reflection_request__unpack(&scratch, item->call->request.len,
                                                                                 item->call->request.data);
    if (!request) return batch->arena->exhausted ? FAIL(OUT_OF_MEMORY) : FAIL(REQUEST_MALFORMED);
    struct answer answer = {.server = batch->server, .arena = batch->arena};
    grpc__reflection__v1__server_reflection_response__init(&answer.out);
    answer.out.valid_host = request->host;
    answer.out.original_request = request;
    answer_request(&answer, request);
    if (batch->arena->exhausted) return FAIL(OUT_OF_MEMORY);
    return rpc_send(batch, item, &answer.out.base);
}

const struct rpc_service reflection_v1_service = {
    .proto = &grpc__reflection__v1__server_reflection__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD_OF("Grpc__Reflection__V1__", "ServerReflectionInfo", info, ServerReflectionRequest,
                       ServerReflectionResponse), .kind = RPC_WATCH, .open = true, .bidi = true},
        {0}}};

const struct rpc_service reflection_v1alpha_service = {
    .proto = &grpc__reflection__v1alpha__server_reflection__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD_OF("Grpc__Reflection__V1alpha__", "ServerReflectionInfo", info, ServerReflectionRequest,
                       ServerReflectionResponse), .kind = RPC_WATCH, .open = true, .bidi = true},
        {0}}};
