/* SPDX-License-Identifier: Apache-2.0 */
/* The watchdog's knock, at listeners that are no server: none of them is taken for one, and none holds the knocker up. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/net/knock.h"
#include "tagih/time.h"
#include "tests/support/case.h"

#define PATIENCE_US (300 * US_PER_MS)

struct listener {
    int fd;
    struct sockaddr_in at;
    const char *says; /* NULL: does not even accept */
    size_t len;
    atomic_bool stop;
    pthread_t thread;
};

static void *serve(void *context) {
    struct listener *listener = context;
    int held = -1;
    while (!atomic_load(&listener->stop)) {
        struct pollfd ready = {.fd = listener->fd, .events = POLLIN};
        if (!listener->says || poll(&ready, 1, 20) <= 0) {
            nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
            continue;
        }
        if (held >= 0) close(held);
        held = accept(listener->fd, NULL, NULL);
        send(held, listener->says, listener->len, MSG_NOSIGNAL);
    }
    if (held >= 0) close(held);
    return NULL;
}

static void listener_open(struct listener *listener, const char *says, size_t len) {
    *listener = (struct listener){
        .says = says, .len = len, .at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof listener->at;
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener->fd, (const struct sockaddr *)&listener->at, size), 0);
    assert_int_equal(listen(listener->fd, 8), 0);
    assert_int_equal(getsockname(listener->fd, (struct sockaddr *)&listener->at, &size), 0);
    assert_int_equal(pthread_create(&listener->thread, NULL, serve, listener), 0);
}

static void listener_close(struct listener *listener) {
    atomic_store(&listener->stop, true);
    pthread_join(listener->thread, NULL);
    close(listener->fd);
}

static int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

static bool knock_in_time(const struct sockaddr_in *at, bool tls) {
    int64_t began_us = now_us();
    bool opened = knock((const struct sockaddr *)at, sizeof *at, tls, began_us + PATIENCE_US);
    assert_true(now_us() - began_us < 10 * PATIENCE_US);
    return opened;
}

static void who_says_nothing_or_something_else_is_no_server(void **state) {
    (void)state;
    static const struct {
        const char *says;
        size_t len;
    } cases[] = {
        {NULL, 0},                                /* does not accept */
        {"", 0},                                  /* accepts and says nothing */
        {"HTTP/1.1 400 Bad Request\r\n\r\n", 28}, /* speaks another protocol */
        {"\0\0\0\4\0\0\0\0\0", 9},                /* SETTINGS, and then nothing */
        {"\0\0\10\6\0\0\0\0\0abcdefgh", 17},      /* a PING of its own is no answer to ours */
        {"\377\377\377\0\0\0\0\0\1", 9},          /* announces 16 MiB that do not come */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct listener listener;
        listener_open(&listener, cases[i].says, cases[i].len);
        if (knock_in_time(&listener.at, false)) fail_msg("number %zu was taken for a server", i);
        if (knock_in_time(&listener.at, true)) fail_msg("number %zu was taken for a server with TLS", i);
        listener_close(&listener);
    }
}

static void who_answers_the_ping_is_one(void **state) {
    (void)state;
    static const char answer[] =
        "\0\0\6\4\0\0\0\0\0\0\3\0\0\0\100"
        "\0\0\0\4\1\0\0\0\0"
        "\0\0\10\6\1\0\0\0\0tagihhi!";
    struct listener listener;
    listener_open(&listener, answer, sizeof answer - 1);
    assert_true(knock_in_time(&listener.at, false));
    listener_close(&listener);
}

static void a_port_without_listener_is_known_at_once(void **state) {
    (void)state;
    struct listener listener;
    listener_open(&listener, NULL, 0);
    listener_close(&listener);
    assert_false(knock_in_time(&listener.at, false));
}

static void any_address_is_knocked_at_on_loopback(void **state) {
    (void)state;
    static const struct {
        const char *listen, *host;
        int family;
    } cases[] = {{"0.0.0.0:8443", "127.0.0.1", AF_INET},
                 {"[::]:8443", "::1", AF_INET6},
                 {"[::1]:8443", "::1", AF_INET6},
                 {"127.0.0.3:0", "127.0.0.3", AF_INET},
                 {"10.1.2.3:443", "10.1.2.3", AF_INET}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sockaddr_storage at;
        socklen_t len;
        char host[INET6_ADDRSTRLEN];
        assert_true(knock_address(cases[i].listen, 8443, &at, &len));
        assert_int_equal(at.ss_family, cases[i].family);
        const void *address = at.ss_family == AF_INET ? (const void *)&((const struct sockaddr_in *)&at)->sin_addr
                                                      : (const void *)&((const struct sockaddr_in6 *)&at)->sin6_addr;
        assert_string_equal(inet_ntop(at.ss_family, address, host, sizeof host), cases[i].host);
        assert_int_equal(ntohs(((const struct sockaddr_in *)&at)->sin_port), 8443);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_says_nothing_or_something_else_is_no_server),
        cmocka_unit_test(who_answers_the_ping_is_one),
        cmocka_unit_test(a_port_without_listener_is_known_at_once),
        cmocka_unit_test(any_address_is_knocked_at_on_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
