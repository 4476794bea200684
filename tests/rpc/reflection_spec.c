/* SPDX-License-Identifier: Apache-2.0 */
/* Reflection as tools use it: one stream, many questions, under both of its names. */
#include "tests/rpc/stream_case.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest request_t;
typedef Grpc__Reflection__V1__ServerReflectionResponse response_t;

#define REQUEST_CASE(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##name
#define RESPONSE_CASE(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##name

static const char *const paths[] = {
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
};

static struct rig rig;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static response_t *ask(struct client_call *call, const request_t *request) {
    assert_true(client_write(call, packed(request)));
    response_t *response = next_message(call, &grpc__reflection__v1__server_reflection_response__descriptor);
    assert_non_null(response);
    return response;
}

static void forget(response_t *response) {
    grpc__reflection__v1__server_reflection_response__free_unpacked(response, NULL);
}

static response_t *ask_symbol(struct client_call *call, const char *name) {
    request_t request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    request.message_request_case = REQUEST_CASE(FILE_CONTAINING_SYMBOL);
    request.file_containing_symbol = (char *)(uintptr_t)name;
    return ask(call, &request);
}

static response_t *ask_file(struct client_call *call, const char *name) {
    request_t request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    request.message_request_case = REQUEST_CASE(FILE_BY_FILENAME);
    request.file_by_filename = (char *)(uintptr_t)name;
    return ask(call, &request);
}

static void end_well(struct client_call *call) {
    assert_true(client_half_close(call));
    struct client_reply reply = client_finish(call);
    assert_int_equal(reply.status, CALL_OK);
    client_reply_release(&reply);
}

static void assert_error(response_t *response, enum call_status code) {
    assert_int_equal(response->message_response_case, RESPONSE_CASE(ERROR_RESPONSE));
    assert_int_equal(response->error_response->error_code, code);
    forget(response);
}

/* The first file is the one that was asked for; all that it imports, and their imports, come with it. */
static void assert_files(response_t *response, const char *first, const char *imported) {
    assert_int_equal(response->message_response_case, RESPONSE_CASE(FILE_DESCRIPTOR_RESPONSE));
    const Grpc__Reflection__V1__FileDescriptorResponse *files = response->file_descriptor_response;
    bool found = !imported;
    for (size_t i = 0; i < files->n_file_descriptor_proto; i++) {
        const ProtobufCBinaryData *raw = &files->file_descriptor_proto[i];
        Google__Protobuf__FileDescriptorProto *file =
            google__protobuf__file_descriptor_proto__unpack(NULL, raw->len, raw->data);
        assert_non_null(file);
        if (i == 0) assert_string_equal(file->name, first);
        found = found || strcmp(file->name, imported) == 0;
        google__protobuf__file_descriptor_proto__free_unpacked(file, NULL);
    }
    assert_true(found);
    forget(response);
}

static void services_are_listed_by_their_full_names(void **state) {
    (void)state;
    for (size_t p = 0; p < COUNT_OF(paths); p++) {
        struct client_call *call = begin(rig.tls, NULL, paths[p], CLIENT_MANY, NULL);
        request_t request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
        request.message_request_case = REQUEST_CASE(LIST_SERVICES);
        request.list_services = (char *)(uintptr_t) "*";
        response_t *response = ask(call, &request);
        assert_int_equal(response->message_response_case, RESPONSE_CASE(LIST_SERVICES_RESPONSE));
        bool feed = false, health = false;
        for (size_t i = 0; i < response->list_services_response->n_service; i++) {
            const char *name = response->list_services_response->service[i]->name;
            feed = feed || strcmp(name, "tagih.v1.FeedService") == 0;
            health = health || strcmp(name, "grpc.health.v1.Health") == 0;
        }
        assert_true(feed && health);
        assert_string_equal(response->original_request->list_services, "*");
        forget(response);
        end_well(call);
    }
}

static void a_symbol_brings_its_file_and_all_that_it_imports(void **state) {
    (void)state;
    for (size_t p = 0; p < COUNT_OF(paths); p++) {
        struct client_call *call = begin(rig.edge, NULL, paths[p], CLIENT_MANY, NULL);
        assert_files(ask_symbol(call, "tagih.v1.SyncService"), "tagih/v1/sync.proto", "tagih/v1/common.proto");
        assert_files(ask_symbol(call, "tagih.v1.FeedService.ListChanges"), "tagih/v1/feed.proto", NULL);
        assert_files(ask_symbol(call, "tagih.v1.VisitState"), "tagih/v1/visit.proto", "tagih/v1/check_in.proto");
        assert_files(ask_symbol(call, "google.rpc.BadRequest.FieldViolation"), "google/rpc/error_details.proto", NULL);
        end_well(call);
    }
}

static void a_file_is_found_by_its_name(void **state) {
    (void)state;
    struct client_call *call = begin(rig.tls, NULL, paths[0], CLIENT_MANY, NULL);
    assert_files(ask_file(call, "tagih/v1/check_in.proto"), "tagih/v1/check_in.proto", "tagih/v1/common.proto");
    assert_files(ask_file(call, "google/protobuf/any.proto"), "google/protobuf/any.proto", NULL);
    end_well(call);
}

static void what_is_not_there_is_an_answer_and_the_stream_goes_on(void **state) {
    (void)state;
    struct client_call *call = begin(rig.tls, NULL, paths[0], CLIENT_MANY, NULL);
    assert_error(ask_symbol(call, "tagih.v1.NoSuchThing"), CALL_NOT_FOUND);
    assert_error(ask_symbol(call, ""), CALL_NOT_FOUND);
    assert_error(ask_symbol(call, "tagih.v1"), CALL_NOT_FOUND);
    assert_error(ask_file(call, "../../etc/passwd"), CALL_NOT_FOUND);
    request_t request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    assert_error(ask(call, &request), CALL_INVALID_ARGUMENT);
    request.message_request_case = REQUEST_CASE(ALL_EXTENSION_NUMBERS_OF_TYPE);
    request.all_extension_numbers_of_type = (char *)(uintptr_t) "google.protobuf.FieldOptions";
    assert_error(ask(call, &request), CALL_UNIMPLEMENTED);
    assert_files(ask_symbol(call, "tagih.v1.Visit"), "tagih/v1/visit.proto", NULL);
    end_well(call);
}

static void a_client_that_asks_nothing_ends_well(void **state) {
    (void)state;
    end_well(begin(rig.tls, NULL, paths[0], CLIENT_MANY, NULL));
}

static void bytes_that_are_no_request_end_the_stream_as_INVALID_ARGUMENT(void **state) {
    (void)state;
    struct client_call *call = begin(rig.tls, NULL, paths[1], CLIENT_MANY, NULL);
    assert_true(client_write(call, bytes_text("\x0A\x7Fno such length")));
    struct client_reply reply = client_finish(call);
    assert_int_equal(reply.status, CALL_INVALID_ARGUMENT);
    client_reply_release(&reply);
}

static void a_client_that_leaves_in_the_middle_costs_nothing(void **state) {
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct client_call *call = begin(rig.tls, NULL, paths[0], CLIENT_MANY, NULL);
        forget(ask_symbol(call, "tagih.v1.Visit"));
        leave(call);
    }
    a_file_is_found_by_its_name(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_are_listed_by_their_full_names),
        cmocka_unit_test(a_symbol_brings_its_file_and_all_that_it_imports),
        cmocka_unit_test(a_file_is_found_by_its_name),
        cmocka_unit_test(what_is_not_there_is_an_answer_and_the_stream_goes_on),
        cmocka_unit_test(a_client_that_asks_nothing_ends_well),
        cmocka_unit_test(bytes_that_are_no_request_end_the_stream_as_INVALID_ARGUMENT),
        cmocka_unit_test(a_client_that_leaves_in_the_middle_costs_nothing),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
