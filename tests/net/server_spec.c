/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gRPC door, spoken to over TLS and over its unix socket. Behind it stands a small crew: one thread that echoes,
 * streams, and parks. Everything is real but the rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>

#include "server/net/server.h"
#include "server/run/devca.h"
#include "server/run/grow.h"
#include "tests/support/grpc_client.h"

/* ---- the crew ---- */

#define STREAM_BYTES ((size_t)64 * 1024)

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    struct call *first, *last;
    struct call *parked;
    bool stop, full, held;
    int answered, cancels;
};

static struct crew crew;

static void crew_push(struct call *call) {
    call->next = NULL;
    if (crew.last) {
        crew.last->next = call;
    } else {
        crew.first = call;
    }
    crew.last = call;
    pthread_cond_signal(&crew.wake);
}

static bool crew_submit(void *context, struct call *call) {
    (void)context;
    pthread_mutex_lock(&crew.lock);
    bool room = !crew.full;
    if (room) crew_push(call);
    pthread_mutex_unlock(&crew.lock);
    return room;
}

/* A status that tells the reason, and a details trailer to carry. */
static void crew_refuse(void *context, struct call *call, tagih_err why, struct call_reply *reply) {
    static const enum call_status statuses[TAGIH_CLASS_COUNT] = {
        [TAGIH_CLASS_INVALID] = CALL_INVALID_ARGUMENT,
        [TAGIH_CLASS_EXHAUSTED] = CALL_RESOURCE_EXHAUSTED,
        [TAGIH_CLASS_UNAVAILABLE] = CALL_UNAVAILABLE,
        [TAGIH_CLASS_UNIMPLEMENTED] = CALL_UNIMPLEMENTED,
    };
    (void)context;
    *reply = (struct call_reply){.status = statuses[err_class(why)],
                                 .message = err_token(why),
                                 .details = arena_copy(&call->arena, bytes_text("details"))};
}

static void crew_cancel(void *context, struct call *call) {
    (void)context;
    pthread_mutex_lock(&crew.lock);
    crew.cancels++;
    if (crew.parked == call) {
        crew.parked = NULL;
        crew_push(call);
    }
    pthread_mutex_unlock(&crew.lock);
}

static void answer(struct call *call, struct call_reply reply) {
    pthread_mutex_lock(&crew.lock);
    crew.answered++;
    pthread_mutex_unlock(&crew.lock);
    call->door->reply(call, &reply);
}

static void answer_text(struct call *call, const char *text) {
    answer(call, (struct call_reply){.body = bytes_text(text)});
}

static void serve_unary(struct call *call) {
    if (bytes_equal(call->request, bytes_text("fail"))) {
        answer(call, (struct call_reply){.status = CALL_FAILED_PRECONDITION,
                                         .message = "not so: 100 % — no",
                                         .details = arena_copy(&call->arena, bytes_text("why"))});
    } else if (bytes_equal(call->request, bytes_text("who"))) {
        answer_text(call, arena_printf(&call->arena, "%.*s|%.*s|%.*s", (int)call->authorization.len,
                                       (const char *)call->authorization.data, (int)call->traceparent.len,
                                       (const char *)call->traceparent.data, (int)call->peer.len,
                                       (const char *)call->peer.data));
    } else if (bytes_equal(call->request, bytes_text("left"))) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t left_us = call->deadline_us - (now.tv_sec * US_PER_S + now.tv_nsec / 1000);
        answer_text(call, arena_printf(&call->arena, "%lld", (long long)(left_us / US_PER_MS)));
    } else {
        answer(call, (struct call_reply){.body = call->request});
    }
}

/* As many messages as the request's number says; the count left is the call's state. */
static void serve_stream(struct call *call) {
    if (call->first) {
        char *text = (char *)(uintptr_t)arena_copy(&call->arena, call->request).data;
        call->state = ARENA_NEW(&call->arena, long);
        *(long *)call->state = strtol(text, NULL, 10);
    }
    long *left = call->state;
    if (atomic_load(&call->cancelled) || *left == 0) {
        answer(call, (struct call_reply){.status = *left ? CALL_CANCELLED : CALL_OK});
        return;
    }
    --*left;
    static uint8_t message[STREAM_BYTES];
    call->door->send(call, bytes_make(message, sizeof message));
}

static void serve_bidi(struct call *call) {
    if (call->half_closed || atomic_load(&call->cancelled)) {
        answer(call, (struct call_reply){.status = CALL_OK});
    } else {
        call->door->send(call, call->request);
    }
}

/* Parked until its caller leaves. */
static void serve_wait(struct call *call) {
    pthread_mutex_lock(&crew.lock);
    bool park = !atomic_load(&call->cancelled);
    if (park) crew.parked = call;
    pthread_mutex_unlock(&crew.lock);
    if (!park) answer(call, (struct call_reply){.status = CALL_CANCELLED});
}

static void serve(struct call *call) {
    void (*serve_row)(struct call *) = (void (*)(struct call *))(uintptr_t)call->row->method;
    serve_row(call);
}

static void *crew_run(void *unused) {
    (void)unused;
    pthread_mutex_lock(&crew.lock);
    for (;;) {
        while (!crew.stop && (crew.held || !crew.first)) pthread_cond_wait(&crew.wake, &crew.lock);
        if (crew.stop) break;
        struct call *call = crew.first;
        crew.first = call->next;
        if (!crew.first) crew.last = NULL;
        pthread_mutex_unlock(&crew.lock);
        serve(call);
        pthread_mutex_lock(&crew.lock);
    }
    pthread_mutex_unlock(&crew.lock);
    return NULL;
}

static void crew_set(bool *flag, bool value) {
    pthread_mutex_lock(&crew.lock);
    *flag = value;
    pthread_cond_broadcast(&crew.wake);
    pthread_mutex_unlock(&crew.lock);
}

static int crew_count(const int *count) {
    pthread_mutex_lock(&crew.lock);
    int value = *count;
    pthread_mutex_unlock(&crew.lock);
    return value;
}

/* ---- the server ---- */

static struct call_row rows[] = {
    {.path = "/test.Echo/Unary", .kind = CALL_UNARY, .deadline_us_max = 5 * US_PER_S},
    {.path = "/test.Echo/Stream", .kind = CALL_STREAM},
    {.path = "/test.Echo/Bidi", .kind = CALL_BIDI},
    {.path = "/test.Echo/Wait", .kind = CALL_UNARY, .parks = true},
};

static char directory[64];
static char socket_path[96];
static char socket_target[104];
static struct devca_paths tls;
static struct net_server *server;

static struct net_options server_options(void) {
    return (struct net_options){.tcp_address = "127.0.0.1:0",
                                .tls_cert_path = tls.cert,
                                .tls_key_path = tls.key,
                                .unix_path = socket_path,
                                .rows = rows,
                                .row_count = sizeof rows / sizeof *rows,
                                .sink = {crew_submit, crew_refuse, crew_cancel, NULL},
                                .arena_open = grow_arena_open,
                                .arena_close = grow_arena_close,
                                .send_us_max = US_PER_S,
                                .drain_us_max = 5 * US_PER_S};
}

static int server_up(void **state) {
    (void)state;
    crew = (struct crew){.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
    pthread_create(&crew.thread, NULL, crew_run, NULL);
    struct net_options options = server_options();
    return err_is_ok(net_server_open(&options, &server)) ? 0 : -1;
}

static int server_down(void **state) {
    (void)state;
    net_server_close(server);
    crew_set(&crew.stop, true);
    pthread_join(crew.thread, NULL);
    grow_forget();
    return 0;
}

static struct client *tls_client(void) {
    char target[32];
    snprintf(target, sizeof target, "ipv4:127.0.0.1:%d", net_server_port(server));
    return client_open(target, tls.ca);
}

static struct client *unix_client(void) {
    return client_open(socket_target, NULL);
}

static void assert_body(const struct client_reply *reply, const char *text) {
    assert_int_equal(reply->status, CALL_OK);
    assert_int_equal(reply->body_len, strlen(text));
    assert_memory_equal(reply->body, text, reply->body_len);
}

static void nap_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Wait, a few seconds at most, for a count that another thread moves. */
static void assert_reaches(const int *count, int value) {
    for (int i = 0; i < 500 && crew_count(count) < value; i++) nap_ms(10);
    assert_true(crew_count(count) >= value);
}

static void assert_idle(void) {
    for (int i = 0; i < 500 && net_server_in_flight(server) > 0; i++) nap_ms(10);
    assert_int_equal(net_server_in_flight(server), 0);
}

static void expect_unary(struct client *client, const char *path, struct bytes request,
                         const struct client_options *options, enum call_status status, const char *message) {
    struct client_reply reply = client_unary(client, path, request, options);
    assert_int_equal(reply.status, status);
    if (message) assert_string_equal(reply.message, message);
    client_reply_release(&reply);
}

/* ---- unary ---- */

static void a_unary_call_is_answered_over_tls(void **state) {
    (void)state;
    struct client *client = tls_client();
    struct client_reply reply = client_unary(client, "/test.Echo/Unary", bytes_text("hello"), NULL);
    assert_body(&reply, "hello");
    client_reply_release(&reply);
    reply = client_unary(client, "/test.Echo/Unary", bytes_text(""), NULL);
    assert_body(&reply, "");
    client_reply_release(&reply);
    client_close(client);
}

static void a_large_request_arrives_whole(void **state) {
    (void)state;
    struct client *client = tls_client();
    size_t len = 900 * 1024;
    uint8_t *request = malloc(len);
    for (size_t i = 0; i < len; i++) request[i] = (uint8_t)(i * 31);
    struct client_reply reply = client_unary(client, "/test.Echo/Unary", bytes_make(request, len), NULL);
    assert_int_equal(reply.status, CALL_OK);
    assert_int_equal(reply.body_len, len);
    assert_memory_equal(reply.body, request, len);
    client_reply_release(&reply);
    free(request);
    client_close(client);
}

static void a_failure_carries_status_message_and_details(void **state) {
    (void)state;
    struct client *client = tls_client();
    struct client_reply reply = client_unary(client, "/test.Echo/Unary", bytes_text("fail"), NULL);
    assert_int_equal(reply.status, CALL_FAILED_PRECONDITION);
    assert_string_equal(reply.message, "not so: 100 % — no");
    assert_int_equal(reply.details_len, 3);
    assert_memory_equal(reply.details, "why", 3);
    client_reply_release(&reply);
    client_close(client);
}

static void an_unknown_method_is_refused_at_once(void **state) {
    (void)state;
    struct client *client = tls_client();
    for (int i = 0; i < 20; i++) {
        struct client_reply reply = client_unary(client, "/test.Echo/Nothing", bytes_text("x"), NULL);
        assert_int_equal(reply.status, CALL_UNIMPLEMENTED);
        assert_string_equal(reply.message, "call.method_unknown");
        assert_int_equal(reply.details_len, 7);
        client_reply_release(&reply);
    }
    client_close(client);
}

static void a_message_over_the_limit_is_refused(void **state) {
    (void)state;
    struct client *client = tls_client();
    size_t len = 1024 * 1024 + 1;
    uint8_t *request = calloc(1, len);
    expect_unary(client, "/test.Echo/Unary", bytes_make(request, len), NULL, CALL_RESOURCE_EXHAUSTED, NULL);
    free(request);
    expect_unary(client, "/test.Echo/Unary", bytes_text("after"), NULL, CALL_OK, NULL);
    client_close(client);
}

static void a_full_crew_refuses_with_resource_exhausted(void **state) {
    (void)state;
    struct client *client = tls_client();
    crew_set(&crew.full, true);
    expect_unary(client, "/test.Echo/Unary", bytes_text("x"), NULL, CALL_RESOURCE_EXHAUSTED, "call.overloaded");
    crew_set(&crew.full, false);
    expect_unary(client, "/test.Echo/Unary", bytes_text("x"), NULL, CALL_OK, NULL);
    client_close(client);
}

/* ---- deadlines ---- */

static int64_t deadline_left_ms(struct client *client, int64_t timeout_us) {
    struct client_options options = {.timeout_us = timeout_us};
    struct client_reply reply = client_unary(client, "/test.Echo/Unary", bytes_text("left"), &options);
    assert_int_equal(reply.status, CALL_OK);
    reply.body[reply.body_len] = '\0';
    int64_t left_ms = strtol((const char *)reply.body, NULL, 10);
    client_reply_release(&reply);
    return left_ms;
}

static void the_smaller_of_both_deadlines_counts(void **state) {
    (void)state;
    struct client *client = tls_client();
    int64_t own_ms = deadline_left_ms(client, 60 * US_PER_S), callers_ms = deadline_left_ms(client, 2 * US_PER_S);
    assert_in_range(own_ms, 4000, 5000);
    assert_in_range(callers_ms, 1000, 2050);
    client_close(client);
}

static void a_caller_whose_deadline_passed_gets_deadline_exceeded(void **state) {
    (void)state;
    struct client *client = tls_client();
    struct client_options options = {.timeout_us = 100 * US_PER_MS};
    expect_unary(client, "/test.Echo/Unary", bytes_text("warm"), NULL, CALL_OK, NULL);
    crew_set(&crew.held, true);
    expect_unary(client, "/test.Echo/Unary", bytes_text("x"), &options, CALL_DEADLINE_EXCEEDED, NULL);
    crew_set(&crew.held, false);
    assert_idle();
    client_close(client);
}

/* ---- metadata ---- */

static void headers_and_peer_reach_the_crew(void **state) {
    (void)state;
    struct client *client = tls_client();
    struct client_header headers[] = {{"authorization", bytes_text("Bearer abc")},
                                      {"traceparent", bytes_text("00-1-2-01")},
                                      {"x-real-ip", bytes_text("6.6.6.6")},
                                      {"x-forwarded-for", bytes_text("6.6.6.6")}};
    struct client_options options = {.headers = headers, .header_count = 4};
    struct client_reply reply = client_unary(client, "/test.Echo/Unary", bytes_text("who"), &options);
    assert_body(&reply, "Bearer abc|00-1-2-01|127.0.0.1");
    client_reply_release(&reply);
    client_close(client);
}

static void forwarded_headers_are_believed_on_the_edges_socket_alone(void **state) {
    (void)state;
    struct client *client = unix_client();
    struct client_header chain = {"x-forwarded-for", bytes_text("6.6.6.6, 10.1.2.3")};
    struct client_options options = {.headers = &chain, .header_count = 1};
    struct client_reply reply = client_unary(client, "/test.Echo/Unary", bytes_text("who"), &options);
    assert_body(&reply, "||10.1.2.3");
    client_reply_release(&reply);
    reply = client_unary(client, "/test.Echo/Unary", bytes_text("who"), NULL);
    assert_body(&reply, "||unix");
    client_reply_release(&reply);
    client_close(client);
}

static void a_header_that_stands_twice_is_refused(void **state) {
    (void)state;
    struct client *client = tls_client();
    struct client_header headers[] = {{"authorization", bytes_text("Bearer a")}, {"authorization", bytes_text("Bearer b")}};
    struct client_options options = {.headers = headers, .header_count = 2};
    expect_unary(client, "/test.Echo/Unary", bytes_text("who"), &options, CALL_INVALID_ARGUMENT, "call.header_invalid");
    client_close(client);
}

/* Clients of gRPC refuse to send such bytes, so these few frames are written by hand (RFC 9113, RFC 7541 §6.2.2). */

static uint8_t *put(uint8_t *at, const void *bytes, size_t len) {
    memcpy(at, bytes, len);
    return at + len;
}

static uint8_t *put_frame_head(uint8_t *at, size_t len, uint8_t type, uint8_t flags, uint8_t stream) {
    uint8_t head[9] = {0, (uint8_t)(len >> 8), (uint8_t)len, type, flags, 0, 0, 0, stream};
    return put(at, head, sizeof head);
}

static uint8_t *put_header(uint8_t *at, const char *name, const char *value, size_t value_len) {
    uint8_t lengths[2] = {(uint8_t)strlen(name), (uint8_t)value_len};
    at = put(at, "\0", 1);
    at = put(at, &lengths[0], 1);
    at = put(at, name, lengths[0]);
    at = put(at, &lengths[1], 1);
    return put(at, value, value_len);
}

/* A call with one more header and with these bytes where its message should be. */
static size_t call_by_hand(const char *name, struct bytes value, struct bytes message, uint8_t out[1024]) {
    uint8_t block[512], *end = block, *at = out;
    end = put_header(end, ":method", "POST", 4);
    end = put_header(end, ":scheme", "http", 4);
    end = put_header(end, ":path", "/test.Echo/Unary", 16);
    end = put_header(end, ":authority", "localhost", 9);
    end = put_header(end, "te", "trailers", 8);
    end = put_header(end, "content-type", "application/grpc", 16);
    end = put_header(end, name, (const char *)value.data, value.len);
    at = put(at, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    at = put_frame_head(at, 0, 4, 0, 0);                       /* SETTINGS */
    at = put_frame_head(at, (size_t)(end - block), 1, 4, 1);   /* HEADERS, END_HEADERS */
    at = put(at, block, (size_t)(end - block));
    at = put_frame_head(at, message.len, 0, 1, 1);             /* DATA, END_STREAM */
    at = put(at, message.data, message.len);
    return (size_t)(at - out);
}

/* Does `text` come back within two seconds? */
static bool answered_with(const char *name, struct bytes value, struct bytes message, const char *text) {
    uint8_t request[1024], response[8192];
    size_t request_len = call_by_hand(name, value, message, request), got = 0;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 2}, sizeof(struct timeval));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(write(fd, request, request_len), (ssize_t)request_len);
    bool found = false;
    for (ssize_t n = 1; !found && n > 0 && got < sizeof response; got += (size_t)(n > 0 ? n : 0)) {
        n = read(fd, response + got, sizeof response - got);
        found = n > 0 && memmem(response, got + (size_t)n, text, strlen(text)) != NULL;
    }
    close(fd);
    return found;
}

static void a_header_value_that_is_not_printable_is_refused(void **state) {
    (void)state;
    struct bytes message = bytes_make((const uint8_t *)"\0\0\0\0\3abc", 8);
    assert_true(answered_with("x-any", bytes_text("plain"), message, "abc"));
    const struct bytes bad[] = {bytes_text("a\rb"), bytes_text("a\nb"), bytes_make((const uint8_t *)"a\0b", 3), bytes_text("a\x80")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_true(answered_with("x-any", bad[i], message, "call.header_invalid"));
    }
    assert_idle();
}

/* What stands before a message: a flag and four bytes of length. */
static void a_message_that_lies_about_itself_is_refused_at_once(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *answer;
        size_t len;
    } lies[] = {
        {"\0\x80\0\0\0abc", "call.request_missing", 8},   /* 2 GiB said */
        {"\0\xff\xff\xff\xff" "abc", "call.request_missing", 8},
        {"\0\x7f\xff\xff\xff" "abc", "call.request_missing", 8},
        {"\0\0\x10\0\1abc", "call.request_missing", 8},   /* 1 MiB and a byte */
        {"\0\0\x10\0\0abc", "grpc-status", 8},       /* 1 MiB, and then the end */
        {"\0\0\0", "grpc-status", 3},                 /* not even the length */
        {"", "call.request_missing", 0},
        {"\2\0\0\0\3abc", "grpc-status", 8},          /* flags that there are not */
        {"\xff\0\0\0\3abc", "grpc-status", 8},
        {"\0\0\0\0\3abc\0\0\0\0\3def", "grpc-status", 16}, /* two where one belongs */
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct bytes message = bytes_make((const uint8_t *)lies[i].bytes, lies[i].len);
        if (!answered_with("x-any", bytes_text("x"), message, lies[i].answer)) fail_msg("lie %zu: not %s", i, lies[i].answer);
    }
    struct bytes squeezed = bytes_make((const uint8_t *)"\1\0\0\0\3abc", 8);
    assert_true(answered_with("grpc-encoding", bytes_text("gzip"), squeezed, "call.compressed"));
    assert_true(answered_with("grpc-encoding", bytes_text("no-such"), squeezed, "grpc-status"));
    assert_idle();
    struct client *client = tls_client();
    expect_unary(client, "/test.Echo/Unary", bytes_text("after"), NULL, CALL_OK, NULL);
    client_close(client);
}

/* ---- streams ---- */

static void a_stream_sends_all_its_messages_in_turn(void **state) {
    (void)state;
    struct client *client = tls_client();
    struct client_call *call = client_start(client, "/test.Echo/Stream", CLIENT_ONE, bytes_text("20"), NULL);
    uint8_t *body;
    size_t body_len;
    int count = 0;
    for (; client_read(call, &body, &body_len); count++) {
        assert_int_equal(body_len, STREAM_BYTES);
        free(body);
    }
    assert_int_equal(count, 20);
    struct client_reply reply = client_finish(call);
    assert_int_equal(reply.status, CALL_OK);
    client_reply_release(&reply);
    client_close(client);
}

static void a_bidi_call_takes_requests_in_turn_until_the_half_close(void **state) {
    (void)state;
    struct client *client = unix_client();
    struct client_call *call = client_start(client, "/test.Echo/Bidi", CLIENT_MANY, bytes_text(""), NULL);
    for (int i = 0; i < 5; i++) {
        uint8_t *body;
        size_t body_len;
        char text[32];
        snprintf(text, sizeof text, "number %d", i);
        assert_true(client_write(call, bytes_text(text)));
        assert_true(client_read(call, &body, &body_len));
        assert_int_equal(body_len, strlen(text));
        assert_memory_equal(body, text, body_len);
        free(body);
    }
    assert_true(client_half_close(call));
    struct client_reply reply = client_finish(call);
    assert_int_equal(reply.status, CALL_OK);
    client_reply_release(&reply);
    client_close(client);
}

static void a_reader_that_does_not_read_is_dropped(void **state) {
    (void)state;
    struct client *client = tls_client();
    struct client_call *call = client_start(client, "/test.Echo/Stream", CLIENT_ONE, bytes_text("100000"), NULL);
    assert_reaches(&crew.answered, 1); /* the crew hears of it after send_us_max and a second */
    struct client_reply reply = client_finish(call);
    assert_int_equal(reply.status, CALL_RESOURCE_EXHAUSTED);
    client_reply_release(&reply);
    assert_idle();
    client_close(client);
}

static void a_parked_call_hears_at_once_that_its_caller_left(void **state) {
    (void)state;
    struct client *client = tls_client();
    expect_unary(client, "/test.Echo/Unary", bytes_text("warm"), NULL, CALL_OK, NULL);
    struct client_call *call = client_start(client, "/test.Echo/Wait", CLIENT_ONE, bytes_text("x"), NULL);
    for (int i = 0; i < 500 && net_server_in_flight(server) == 0; i++) nap_ms(10);
    nap_ms(50);
    client_cancel(call);
    assert_reaches(&crew.cancels, 1);
    struct client_reply reply = client_finish(call);
    assert_int_equal(reply.status, CALL_CANCELLED);
    client_reply_release(&reply);
    assert_idle();
    assert_int_equal(crew_count(&crew.answered), 2);
    client_close(client);
}

static void a_cancelled_stream_and_bidi_leave_nothing_behind(void **state) {
    (void)state;
    struct client *client = tls_client();
    struct client_call *stream = client_start(client, "/test.Echo/Stream", CLIENT_ONE, bytes_text("100000"), NULL);
    struct client_call *bidi = client_start(client, "/test.Echo/Bidi", CLIENT_MANY, bytes_text(""), NULL);
    uint8_t *body;
    size_t body_len;
    assert_true(client_read(stream, &body, &body_len));
    free(body);
    client_cancel(stream);
    client_cancel(bidi);
    struct client_reply reply = client_finish(stream);
    assert_int_equal(reply.status, CALL_CANCELLED);
    client_reply_release(&reply);
    reply = client_finish(bidi);
    assert_int_equal(reply.status, CALL_CANCELLED);
    client_reply_release(&reply);
    assert_idle();
    client_close(client);
}

/* ---- many ---- */

#define PARALLEL 1000
#define CONNECTIONS 20

static void a_thousand_calls_in_parallel_are_all_answered(void **state) {
    (void)state;
    struct client *clients[CONNECTIONS];
    struct client_call *calls[PARALLEL];
    for (int i = 0; i < CONNECTIONS; i++) clients[i] = i % 2 ? tls_client() : unix_client();
    crew_set(&crew.held, true);
    for (int i = 0; i < PARALLEL; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        calls[i] = client_start(clients[i % CONNECTIONS], "/test.Echo/Unary", CLIENT_ONE, bytes_text(text), NULL);
    }
    crew_set(&crew.held, false);
    for (int i = 0; i < PARALLEL; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        struct client_reply reply = client_finish(calls[i]);
        assert_body(&reply, text);
        client_reply_release(&reply);
    }
    for (int i = 0; i < CONNECTIONS; i++) client_close(clients[i]);
}

/* ---- opening, reloading, draining ---- */

static void a_second_server_on_the_same_address_is_refused(void **state) {
    (void)state;
    char address[32];
    struct net_server *second = NULL;
    struct net_options options = server_options();
    options.tcp_address = NULL;
    assert_int_equal(net_server_open(&options, &second).reason, ERR_NET_LISTEN);
    snprintf(address, sizeof address, "127.0.0.1:%d", net_server_port(server));
    options.tcp_address = address;
    options.unix_path = NULL;
    assert_int_equal(net_server_open(&options, &second).reason, ERR_NET_LISTEN);
    assert_null(second);
    struct client *client = unix_client();
    expect_unary(client, "/test.Echo/Unary", bytes_text("x"), NULL, CALL_OK, NULL);
    client_close(client);
}

static void the_unix_socket_is_for_owner_and_group(void **state) {
    (void)state;
    struct stat status;
    assert_int_equal(stat(socket_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0660);
}

static void a_certificate_reloads_while_the_server_runs(void **state) {
    (void)state;
    char old_ca[128], text[2048];
    snprintf(old_ca, sizeof old_ca, "%s/old-ca.pem", directory);
    FILE *in = fopen(tls.ca, "re"), *out = fopen(old_ca, "we");
    size_t len = fread(text, 1, sizeof text, in);
    assert_int_equal(fwrite(text, 1, len, out), len);
    fclose(in);
    fclose(out);

    struct client *before = tls_client();
    expect_unary(before, "/test.Echo/Unary", bytes_text("x"), NULL, CALL_OK, NULL);
    unlink(tls.cert);
    assert_int_equal(net_server_reload_tls(server).reason, ERR_NET_TLS);
    assert_int_equal(devca_ensure(directory, NULL, 0, &tls).reason, ERR_OK);
    assert_int_equal(net_server_reload_tls(server).reason, ERR_OK);

    struct client *after = tls_client(); /* trusts the new CA alone */
    expect_unary(after, "/test.Echo/Unary", bytes_text("x"), NULL, CALL_OK, NULL);
    expect_unary(before, "/test.Echo/Unary", bytes_text("x"), NULL, CALL_OK, NULL);
    client_close(before);
    client_close(after);

    char target[32];
    snprintf(target, sizeof target, "ipv4:127.0.0.1:%d", net_server_port(server));
    struct client *stale = client_open(target, old_ca);
    expect_unary(stale, "/test.Echo/Unary", bytes_text("x"), NULL, CALL_UNAVAILABLE, NULL);
    client_close(stale);
}

struct loader {
    pthread_t thread;
    atomic_bool stop;
    int ok, unavailable, other;
    enum call_status other_status;
};

static void *load(void *data) {
    struct loader *loader = data;
    struct client *client = tls_client();
    while (!atomic_load(&loader->stop)) {
        struct client_reply reply = client_unary(client, "/test.Echo/Unary", bytes_text("load"), NULL);
        int *count = reply.status == CALL_OK ? &loader->ok
                     : reply.status == CALL_UNAVAILABLE ? &loader->unavailable : &loader->other;
        ++*count;
        if (count == &loader->other) loader->other_status = reply.status;
        client_reply_release(&reply);
        if (count != &loader->ok) nap_ms(300); /* as a client does that is told UNAVAILABLE */
    }
    client_close(client);
    return NULL;
}

static void a_drain_loses_no_answered_call_and_answers_the_rest_unavailable(void **state) {
    (void)state;
    struct loader loaders[4] = {0};
    for (int i = 0; i < 4; i++) pthread_create(&loaders[i].thread, NULL, load, &loaders[i]);
    assert_reaches(&crew.answered, 200);
    net_server_drain(server);
    nap_ms(400);
    int ok = 0, unavailable = 0;
    for (int i = 0; i < 4; i++) {
        atomic_store(&loaders[i].stop, true);
        pthread_join(loaders[i].thread, NULL);
        ok += loaders[i].ok;
        unavailable += loaders[i].unavailable;
        if (loaders[i].other) print_message("other status %d, %d times\n", loaders[i].other_status, loaders[i].other);
        assert_int_equal(loaders[i].other, 0);
    }
    assert_int_equal(ok, crew_count(&crew.answered));
    assert_true(unavailable > 0);
}

static void a_call_that_never_ends_is_cancelled_by_the_drain(void **state) {
    (void)state;
    struct client *client = tls_client();
    struct client_call *call = client_start(client, "/test.Echo/Wait", CLIENT_ONE, bytes_text("x"), NULL);
    for (int i = 0; i < 500 && net_server_in_flight(server) == 0; i++) nap_ms(10);
    net_server_drain(server);
    assert_int_equal(crew_count(&crew.cancels), 1);
    struct client_reply reply = client_finish(call);
    assert_int_not_equal(reply.status, CALL_OK);
    client_reply_release(&reply);
    client_close(client);
}

static int64_t in_two_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)(now.tv_sec + 2) * US_PER_S;
}

/* A crew that is held up answers nobody; a knock is not for the crew. */
static void a_knock_is_answered_while_nobody_works_and_not_after_the_drain(void **state) {
    (void)state;
    crew_set(&crew.held, true);
    struct client *client = tls_client();
    struct client_call *call = client_start(client, "/test.Echo/Unary", CLIENT_ONE, bytes_text("x"), NULL);
    for (int i = 0; i < 500 && net_server_in_flight(server) == 0; i++) nap_ms(10);
    for (int i = 0; i < 50; i++) assert_true(net_server_knock(server, in_two_seconds()));
    crew_set(&crew.held, false);
    struct client_reply reply = client_finish(call);
    assert_body(&reply, "x");
    client_reply_release(&reply);
    client_close(client);
    net_server_drain(server);
    assert_false(net_server_knock(server, in_two_seconds()));
}

static void files_up(void) {
    snprintf(directory, sizeof directory, "/tmp/tagih-net-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(socket_path, sizeof socket_path, "%s/grpc.sock", directory);
    snprintf(socket_target, sizeof socket_target, "unix:%s", socket_path);
    assert_int_equal(devca_ensure(directory, NULL, 0, &tls).reason, ERR_OK);
    void (*const serves[])(struct call *) = {serve_unary, serve_stream, serve_bidi, serve_wait};
    for (size_t i = 0; i < 4; i++) rows[i].method = (const void *)(uintptr_t)serves[i];
}

static void files_down(void) {
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", directory);
    assert_int_equal(system(command), 0);
}

#define SERVED(name) cmocka_unit_test_setup_teardown(name, server_up, server_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        SERVED(a_unary_call_is_answered_over_tls),
        SERVED(a_large_request_arrives_whole),
        SERVED(a_failure_carries_status_message_and_details),
        SERVED(an_unknown_method_is_refused_at_once),
        SERVED(a_message_over_the_limit_is_refused),
        SERVED(a_full_crew_refuses_with_resource_exhausted),
        SERVED(the_smaller_of_both_deadlines_counts),
        SERVED(a_caller_whose_deadline_passed_gets_deadline_exceeded),
        SERVED(headers_and_peer_reach_the_crew),
        SERVED(forwarded_headers_are_believed_on_the_edges_socket_alone),
        SERVED(a_header_that_stands_twice_is_refused),
        SERVED(a_header_value_that_is_not_printable_is_refused),
        SERVED(a_message_that_lies_about_itself_is_refused_at_once),
        SERVED(a_stream_sends_all_its_messages_in_turn),
        SERVED(a_bidi_call_takes_requests_in_turn_until_the_half_close),
        SERVED(a_reader_that_does_not_read_is_dropped),
        SERVED(a_parked_call_hears_at_once_that_its_caller_left),
        SERVED(a_cancelled_stream_and_bidi_leave_nothing_behind),
        SERVED(a_thousand_calls_in_parallel_are_all_answered),
        SERVED(a_second_server_on_the_same_address_is_refused),
        SERVED(the_unix_socket_is_for_owner_and_group),
        SERVED(a_certificate_reloads_while_the_server_runs),
        SERVED(a_drain_loses_no_answered_call_and_answers_the_rest_unavailable),
        SERVED(a_call_that_never_ends_is_cancelled_by_the_drain),
        SERVED(a_knock_is_answered_while_nobody_works_and_not_after_the_drain),
    };
    files_up();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    files_down();
    return failed;
}
