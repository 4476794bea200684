/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's door by itself: which addresses it takes, what it answers, and that nobody can hold it up. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "server/net/pages.h"
#include "tests/support/http.h"

#define LARGE_BYTES (8 * 1024 * 1024)

static struct net_pages *door;
static int port;

static int write_small(void *context, FILE *to) {
    fputs(context, to);
    return 200;
}

static int write_unwell(void *context, FILE *to) {
    (void)context;
    fputs("not now\n", to);
    return 503;
}

static int write_large(void *context, FILE *to) {
    (void)context;
    for (int i = 0; i < LARGE_BYTES / 64; i++) fprintf(to, "%063d\n", i);
    return 200;
}

static const struct net_page pages[] = {{"/small", "text/x-small", write_small},
                                        {"/unwell", "text/plain", write_unwell},
                                        {"/large", "text/plain", write_large},
                                        {0}};

static tagih_err open_at(const char *address, unsigned idle_s_max, struct net_pages **out) {
    return net_pages_open(
        &(struct net_pages_options){
            .address = address, .pages = pages, .context = (void *)(uintptr_t) "well\n", .idle_s_max = idle_s_max},
        out);
}

static int open_door(void **state) {
    (void)state;
    assert_ok(open_at("127.0.0.1:0", 0, &door));
    port = net_pages_port(door);
    return 0;
}

static int close_door(void **state) {
    (void)state;
    net_pages_close(door);
    return 0;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void expect(const char *method, const char *path, int status) {
    struct http_answer answer = http_ask(port, method, path);
    if (answer.status != status) fail_msg("%s %s answered %d", method, path, answer.status);
    http_release(&answer);
}

static void only_loopback_addresses_are_listened_on(void **state) {
    (void)state;
    struct net_pages *none = NULL;
    const char *const refused[] = {"0.0.0.0:0",    "[::]:0",       "10.0.0.1:9464",       "localhost:9464",
                                   "127.0.0.1",    ":9464",        "127.0.0.1:",          "127.0.0.1:65536",
                                   "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1:9464x",     "::1:9464",
                                   "[::1]",        "unix:/tmp/x",  "[::ffff:10.0.0.1]:0", "128.0.0.1:0"};
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        if (!err_is(open_at(refused[i], 0, &none), ERR_NET_NOT_LOCAL)) fail_msg("%s was taken", refused[i]);
    }
    struct net_pages *other;
    assert_ok(open_at("127.0.0.2:0", 0, &other));
    net_pages_close(other);
    assert_ok(open_at("[::1]:0", 0, &other));
    assert_true(net_pages_port(other) > 0);
    net_pages_close(other);
}

static void a_port_that_is_taken_is_refused(void **state) {
    (void)state;
    char address[32];
    struct net_pages *second = NULL;
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    assert_fails(open_at(address, 0, &second), NET_LISTEN);
}

static void a_page_comes_with_its_status_type_and_length(void **state) {
    (void)state;
    struct http_answer answer = http_ask(port, "GET", "/small");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "well\n");
    assert_non_null(strstr(answer.text, "\r\nContent-Type: text/x-small\r\n"));
    assert_non_null(strstr(answer.text, "\r\nContent-Length: 5\r\n"));
    assert_non_null(strstr(answer.text, "\r\nCache-Control: no-store\r\n"));
    http_release(&answer);
    answer = http_ask(port, "GET", "/unwell?verbose=1");
    assert_int_equal(answer.status, 503);
    assert_string_equal(answer.body, "not now\n");
    http_release(&answer);
    answer = http_ask(port, "HEAD", "/small");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "");
    http_release(&answer);
}

static void other_paths_are_404_and_other_methods_405(void **state) {
    (void)state;
    const char *const paths[] = {"/",         "/small/",   "/smal",     "//small", "/SMALL",
                                 "/../small", "/small%00", "/small%2e", "/%73mall"};
    for (size_t i = 0; i < COUNT_OF(paths); i++) expect("GET", paths[i], 404);
    const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW", "get"};
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        expect(methods[i], "/small", 405);
        expect(methods[i], "/nothing", 404);
    }
    struct http_answer answer = http_ask(port, "POST", "/small");
    assert_non_null(strstr(answer.text, "\r\nAllow: GET, HEAD\r\n"));
    http_release(&answer);
}

static void a_request_that_is_too_long_is_refused(void **state) {
    (void)state;
    static char request[NET_PAGES_REQUEST_BYTES_MAX + 4096];
    int len = snprintf(request, sizeof request, "GET /small HTTP/1.1\r\nHost: x\r\nX-Long: ");
    memset(request + len, 'a', sizeof request - (size_t)len - 5);
    memcpy(request + sizeof request - 5, "\r\n\r\n", 5);
    int fd = http_connect(port);
    send(fd, request, sizeof request - 1, MSG_NOSIGNAL); /* it may be cut off in the middle */
    struct http_answer answer = http_read(fd);
    assert_true(answer.status == 431 || answer.status == 413 || answer.status == 0);
    http_release(&answer);
    expect("GET", "/small", 200);
}

static void bytes_that_are_no_HTTP_end_the_connection(void **state) {
    (void)state;
    const char *const garbage[] = {"\r\n\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\x01\x01\r\n\r\n",
                                   "GET /small HTTP/9.9\r\n\r\n", "GET\r\n\r\n"};
    struct net_pages *hasty;
    assert_ok(open_at("127.0.0.1:0", 1, &hasty));
    for (size_t i = 0; i < COUNT_OF(garbage); i++) {
        int fd = http_connect(net_pages_port(hasty));
        http_send(fd, garbage[i]);
        shutdown(fd, SHUT_WR);
        struct http_answer answer = http_read(fd);
        if (answer.status == 200) fail_msg("number %zu was answered: %s", i, answer.text);
        http_release(&answer);
    }
    net_pages_close(hasty);
}

/* Its 8 MiB do not fit into any socket buffer, and it does not read. */
static void a_reader_that_does_not_read_keeps_nobody_waiting(void **state) {
    (void)state;
    int slow[4];
    for (size_t i = 0; i < COUNT_OF(slow); i++) {
        slow[i] = http_connect(port);
        http_send(slow[i], "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_true(http_is_readable(slow[i], 10000));
    }
    int half = http_connect(port);
    http_send(half, "GET /small HTT");
    int64_t began_ms = now_ms();
    for (int i = 0; i < 50; i++) expect("GET", "/small", 200);
    assert_true(now_ms() - began_ms < 5000);
    struct http_answer whole = http_read(slow[0]);
    assert_int_equal(whole.status, 200);
    assert_int_equal(strlen(whole.body), LARGE_BYTES);
    http_release(&whole);
    for (size_t i = 1; i < COUNT_OF(slow); i++) close(slow[i]);
    close(half);
}

static void one_connection_more_than_the_limit_waits_for_a_place(void **state) {
    (void)state;
    int held[NET_PAGES_CONNECTIONS_MAX];
    for (size_t i = 0; i < COUNT_OF(held); i++) {
        held[i] = http_connect(port);
        http_send(held[i], "GET /small HT");
    }
    int one_more = http_connect(port);
    http_send(one_more, "GET /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_false(http_is_readable(one_more, 300));
    close(held[0]);
    struct http_answer answer = http_read(one_more);
    assert_int_equal(answer.status, 200);
    http_release(&answer);
    for (size_t i = 1; i < COUNT_OF(held); i++) close(held[i]);
}

static void a_silent_connection_is_closed_in_time(void **state) {
    (void)state;
    struct net_pages *hasty;
    assert_ok(open_at("127.0.0.1:0", 1, &hasty));
    int silent = http_connect(net_pages_port(hasty)), half = http_connect(net_pages_port(hasty));
    http_send(half, "GET /small HTTP/1.1\r\nHost:");
    int64_t began_ms = now_ms();
    struct http_answer nothing = http_read(silent), neither = http_read(half);
    assert_true(now_ms() - began_ms < 8000);
    assert_int_not_equal(nothing.status, 200);
    assert_int_not_equal(neither.status, 200);
    http_release(&nothing);
    http_release(&neither);
    net_pages_close(hasty);
}

static atomic_int wrong;

static void *ask_often(void *unused) {
    for (int i = 0; i < 100; i++) {
        int fd = http_connect(port);
        http_send(fd, "GET /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        struct http_answer answer = http_read(fd);
        if (answer.status != 200 || strcmp(answer.body, "well\n") != 0) atomic_fetch_add(&wrong, 1);
        http_release(&answer);
    }
    return unused;
}

static void many_ask_at_once(void **state) {
    (void)state;
    pthread_t threads[8];
    for (size_t i = 0; i < COUNT_OF(threads); i++) assert_int_equal(pthread_create(&threads[i], NULL, ask_often, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&wrong), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_loopback_addresses_are_listened_on),
        cmocka_unit_test(a_port_that_is_taken_is_refused),
        cmocka_unit_test(a_page_comes_with_its_status_type_and_length),
        cmocka_unit_test(other_paths_are_404_and_other_methods_405),
        cmocka_unit_test(a_request_that_is_too_long_is_refused),
        cmocka_unit_test(bytes_that_are_no_HTTP_end_the_connection),
        cmocka_unit_test(a_reader_that_does_not_read_keeps_nobody_waiting),
        cmocka_unit_test(many_ask_at_once),
        cmocka_unit_test(one_connection_more_than_the_limit_waits_for_a_place),
        cmocka_unit_test(a_silent_connection_is_closed_in_time),
    };
    return cmocka_run_group_tests(tests, open_door, close_door);
}
