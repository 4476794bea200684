/* SPDX-License-Identifier: Apache-2.0 */
/* grpc.health.v1 as balancers and orchestrators use it: without a token, by service, and told of a drain. */
#include "tests/rpc/stream_case.h"

typedef Grpc__Health__V1__HealthCheckResponse health_response;

#define SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
#define NOT_SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
#define SERVICE_UNKNOWN GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN

static struct rig rig;

/* Long enough that a balancer's question comes through while the server drains. */
static void slow_drain(struct config *config) {
    config->drain_delay_ms = 700;
}

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, slow_drain);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static struct client_reply check(struct client *client, const char *service) {
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    request.service = (char *)(uintptr_t)service;
    return client_unary(client, "/grpc.health.v1.Health/Check", packed(&request), NULL);
}

static int status_in(const struct client_reply *reply) {
    health_response *response = grpc__health__v1__health_check_response__unpack(NULL, reply->body_len, reply->body);
    assert_non_null(response);
    int status = (int)response->status;
    grpc__health__v1__health_check_response__free_unpacked(response, NULL);
    return status;
}

static struct client_call *watch(const char *service) {
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    request.service = (char *)(uintptr_t)service;
    return begin(rig.tls, NULL, "/grpc.health.v1.Health/Watch", CLIENT_ONE, &request);
}

static int next_status(struct client_call *call) {
    health_response *response = next_message(call, &grpc__health__v1__health_check_response__descriptor);
    assert_non_null(response);
    int status = (int)response->status;
    grpc__health__v1__health_check_response__free_unpacked(response, NULL);
    return status;
}

static void the_server_and_each_of_its_services_are_serving(void **state) {
    (void)state;
    const char *const services[] = {"", "tagih.v1.CheckInService", "tagih.v1.FeedService", "grpc.health.v1.Health"};
    for (size_t i = 0; i < COUNT_OF(services); i++) {
        struct client_reply over_tls = check(rig.tls, services[i]), over_edge = check(rig.edge, services[i]);
        assert_int_equal(over_tls.status, CALL_OK);
        assert_int_equal(status_in(&over_tls), SERVING);
        assert_int_equal(over_edge.status, CALL_OK);
        client_reply_release(&over_tls);
        client_reply_release(&over_edge);
    }
}

static void a_service_that_is_not_there_is_NOT_FOUND(void **state) {
    (void)state;
    struct client_reply reply = check(rig.tls, "tagih.v1.NoSuchService");
    assert_int_equal(reply.status, CALL_NOT_FOUND);
    Google__Rpc__Status *details = google__rpc__status__unpack(NULL, reply.details_len, reply.details);
    assert_non_null(details);
    assert_string_equal(details->message, err_text(FAIL(HEALTH_SERVICE_UNKNOWN)));
    google__rpc__status__free_unpacked(details, NULL);
    client_reply_release(&reply);
}

static void a_watcher_of_an_unknown_service_is_told_so_and_stays(void **state) {
    (void)state;
    struct client_call *call = watch("tagih.v1.NoSuchService");
    assert_int_equal(next_status(call), SERVICE_UNKNOWN);
    leave(call);
}

static void fifty_watchers_come_and_go(void **state) {
    (void)state;
    struct client_call *calls[50];
    for (size_t i = 0; i < COUNT_OF(calls); i++) calls[i] = watch("");
    for (size_t i = 0; i < COUNT_OF(calls); i++) assert_int_equal(next_status(calls[i]), SERVING);
    for (size_t i = 0; i < COUNT_OF(calls); i++) leave(calls[i]);
    struct client_reply reply = check(rig.tls, "");
    assert_int_equal(status_in(&reply), SERVING);
    client_reply_release(&reply);
}

static void *drain(void *service) {
    service_drain(service);
    return NULL;
}

/* Balancers look away first, then calls are refused: a drain is seen by the watcher and by whoever asks during its delay. */
static void a_server_that_drains_is_not_serving_and_ends_its_watchers(void **state) {
    (void)state;
    struct client_call *call = watch("");
    assert_int_equal(next_status(call), SERVING);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, drain, rig.service), 0);
    assert_int_equal(next_status(call), NOT_SERVING);
    struct client_reply asked = check(rig.edge, "");
    assert_int_equal(asked.status, CALL_OK);
    assert_int_equal(status_in(&asked), NOT_SERVING);
    client_reply_release(&asked);
    struct client_reply ended = client_finish(call);
    assert_int_equal(ended.status, CALL_UNAVAILABLE);
    client_reply_release(&ended);
    pthread_join(thread, NULL);
    rig_restart(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_and_each_of_its_services_are_serving),
        cmocka_unit_test(a_service_that_is_not_there_is_NOT_FOUND),
        cmocka_unit_test(a_watcher_of_an_unknown_service_is_told_so_and_stays),
        cmocka_unit_test(fifty_watchers_come_and_go),
        cmocka_unit_test(a_server_that_drains_is_not_serving_and_ends_its_watchers),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
