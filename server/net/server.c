/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server around the slots: limits, listeners, pollers, and the way down. Order of the end, which gRPC core insists
 * on: refuse → shut down and wait for its tag (armed slots come back unsuccessful and retire meanwhile) → shut the
 * queues → join the pollers → destroy.
 */
#include "server/net/server.h"

#include <errno.h>
#include <grpc/grpc_security.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "server/net/knock.h"
#include "server/net/slot.h"
#include "server/net/tls.h"

/* What one TLS record of an answer holds: core keeps a buffer of it for every connection, and answers are short. */
#define TLS_RECORD_BYTES_MAX 4096
/* Slots armed per method and queue: enough to bridge the time until the next is armed. */
#define ARMED_EACH 4
/* Calls are refused with a status until none came for this long, */
#define DRAIN_QUIET_US (100 * US_PER_MS)
/* but no longer than this; only then connections are told to go away. */
#define DRAIN_REFUSE_US_MAX US_PER_S

static int or_default(int value, int fallback) {
    return value ? value : fallback;
}

static int64_t or_default_us(int64_t value_us, int64_t fallback_us) {
    return value_us ? value_us : fallback_us;
}

static void options_take(struct net_options *out, const struct net_options *in) {
    *out = *in;
    out->pollers = or_default(in->pollers, 2);
    out->calls_in_flight_max = or_default(in->calls_in_flight_max, 2048);
    out->request_bytes_max = or_default(in->request_bytes_max, 1024 * 1024);
    out->metadata_bytes_max = or_default(in->metadata_bytes_max, 8192);
    out->connection_calls_max = or_default(in->connection_calls_max, 64);
    out->send_us_max = or_default_us(in->send_us_max, 30 * US_PER_S);
    out->drain_us_max = or_default_us(in->drain_us_max, 10 * US_PER_S);
}

/* The second line of defence behind the edge. Port sharing is off, so that a second server on a port fails clearly. */
static grpc_server *server_create(const struct net_options *options) {
    struct {
        const char *name;
        int value;
    } limits[] = {
        {GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, options->request_bytes_max},
        {GRPC_ARG_MAX_METADATA_SIZE, options->metadata_bytes_max},
        {GRPC_ARG_MAX_CONCURRENT_STREAMS, options->connection_calls_max},
        {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 5000},
        {GRPC_ARG_MAX_CONNECTION_IDLE_MS, 120 * 1000},
        {GRPC_ARG_MAX_CONNECTION_AGE_MS, 600 * 1000},
        {GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 30 * 1000},
        {GRPC_ARG_KEEPALIVE_TIME_MS, 60 * 1000},
        {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20 * 1000},
        {GRPC_ARG_HTTP2_MAX_PING_STRIKES, 2},
        {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 30 * 1000},
        {GRPC_ARG_HTTP2_HPACK_TABLE_SIZE_DECODER, 4096},
        {GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0},
        {GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0},
        {GRPC_ARG_TCP_TX_ZEROCOPY_ENABLED, 0},
        {GRPC_ARG_ENABLE_CHANNELZ, 0},
        {GRPC_ARG_ALLOW_REUSEPORT, 0},
        {GRPC_ARG_TSI_MAX_FRAME_SIZE, TLS_RECORD_BYTES_MAX},
    };
    enum { COUNT = sizeof limits / sizeof *limits };
    grpc_arg args[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        args[i] = (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)limits[i].name, .value.integer = limits[i].value};
    }
    return grpc_server_create(&(grpc_channel_args){.num_args = COUNT, .args = args}, NULL);
}

/* ---- listeners ---- */

static tagih_err listen_tcp(struct net_server *server) {
    const struct net_options *options = &server->options;
    if (!options->tcp_address) return TAGIH_OK;
    TRY(net_tls_open(options->tls_cert_path, options->tls_key_path, &server->tls));
    grpc_server_credentials *credentials = net_tls_credentials(server->tls);
    server->port = grpc_server_add_http2_port(server->grpc, options->tcp_address, credentials);
    grpc_server_credentials_release(credentials);
    if (server->port <= 0) return FAIL(NET_LISTEN);
    return knock_address(options->tcp_address, server->port, &server->tcp_door, &server->tcp_door_len) ? TAGIH_OK
                                                                                                       : FAIL(NET_LISTEN);
}

/* gRPC unlinks a socket file before it binds: without this look a second server would rob the first of its path. */
static bool unix_is_served(const struct sockaddr_un *address) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return true;
    bool served = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    close(fd);
    return served;
}

static tagih_err listen_unix(struct net_server *server) {
    const char *path = server->options.unix_path;
    if (!path) return TAGIH_OK;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char uri[sizeof address.sun_path + 8];
    if (strlen(path) > 100) return FAIL(NET_LISTEN);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    snprintf(uri, sizeof uri, "unix:%s", path);
    if (unix_is_served(&address)) return FAIL(NET_LISTEN);
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
    mode_t mask = umask(0117);
    int bound = grpc_server_add_http2_port(server->grpc, uri, credentials);
    umask(mask);
    grpc_server_credentials_release(credentials);
    server->unix_bound = bound > 0;
    return server->unix_bound ? TAGIH_OK : FAIL(NET_LISTEN);
}

/* ---- methods and pollers ---- */

static tagih_err methods_register(struct net_server *server) {
    for (size_t i = 0; i < server->options.row_count; i++) {
        const struct call_row *row = &server->options.rows[i];
        grpc_server_register_method_payload_handling payload =
            row->kind == CALL_BIDI ? GRPC_SRM_PAYLOAD_NONE : GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER;
        void *registered = grpc_server_register_method(server->grpc, row->path, NULL, payload, 0);
        if (!registered) return FAIL(INTERNAL);
        server->methods[i] = (struct method){row, registered};
    }
    return TAGIH_OK;
}

static void queues_create(struct net_server *server) {
    for (int i = 0; i < server->options.pollers; i++) {
        struct poller *poller = &server->pollers[i];
        poller->server = server;
        poller->queue = grpc_completion_queue_create_for_next(NULL);
        grpc_server_register_completion_queue(server->grpc, poller->queue, NULL);
    }
}

static void server_stopped(struct net_server *server) {
    pthread_mutex_lock(&server->lock);
    server->stopped = true;
    pthread_cond_signal(&server->wake);
    pthread_mutex_unlock(&server->lock);
}

static void poller_handle(struct poller *poller, const struct tag *tag, bool success) {
    switch (tag->kind) {
    case TAG_STEP:
        slot_step(tag->slot, success);
        break;
    case TAG_CLOSE:
        slot_closed(tag->slot);
        break;
    case TAG_STOPPED:
        server_stopped(poller->server);
        break;
    }
}

static gpr_timespec poller_patience(const struct poller *poller) {
    if (!poller->streams) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(1, GPR_TIMESPAN));
}

static void poller_arm(struct poller *poller) {
    const struct net_server *server = poller->server;
    for (size_t i = 0; i <= server->options.row_count; i++) {
        for (int n = 0; n < ARMED_EACH; n++) slot_arm_one(poller, &server->methods[i]);
    }
}

static void *poller_run(void *data) {
    struct poller *poller = data;
    if (poller->server->serving) poller_arm(poller);
    for (;;) {
        grpc_event event = grpc_completion_queue_next(poller->queue, poller_patience(poller), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN) break;
        if (event.type == GRPC_OP_COMPLETE) poller_handle(poller, event.tag, event.success);
        if (poller->streams) slot_sweep(poller, net__now_us());
    }
    slot_free_idle(poller);
    return NULL;
}

/* Without its pollers a server could not even be shut down, so there is nothing to go back to. */
static void pollers_start(struct net_server *server) {
    for (int i = 0; i < server->options.pollers; i++) {
        struct poller *poller = &server->pollers[i];
        if (pthread_create(&poller->thread, NULL, poller_run, poller) != 0) abort();
    }
}

/* ---- life ---- */

static void server_free(struct net_server *server) {
    free(server->pollers);
    free(server->methods);
    free(server);
}

static struct net_server *server_alloc(const struct net_options *options) {
    struct net_server *server = calloc(1, sizeof *server);
    if (!server) return NULL;
    options_take(&server->options, options);
    server->methods = calloc(options->row_count + 1, sizeof *server->methods);
    server->pollers = calloc((size_t)server->options.pollers, sizeof *server->pollers);
    if (server->methods && server->pollers) return server;
    server_free(server);
    return NULL;
}

static void server_init(struct net_server *server) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&server->lock, NULL);
    server->stopped_tag = (struct tag){TAG_STOPPED, NULL};
    grpc_init();
    server->grpc = server_create(&server->options);
    queues_create(server);
}

static tagih_err server_listen(struct net_server *server) {
    TRY(methods_register(server));
    TRY(listen_tcp(server));
    return listen_unix(server);
}

tagih_err net_server_open(const struct net_options *options, struct net_server **out) {
    struct net_server *server = server_alloc(options);
    if (!server) return FAIL(OUT_OF_MEMORY);
    server_init(server);
    tagih_err err = server_listen(server);
    server->serving = err_is_ok(err);
    if (server->serving) grpc_server_start(server->grpc);
    pollers_start(server);
    if (server->serving) {
        *out = server;
    } else {
        net_server_close(server);
    }
    return err;
}

int net_server_port(const struct net_server *server) {
    return server->port;
}

int net_server_in_flight(const struct net_server *server) {
    return atomic_load(&server->in_flight);
}

bool net_server_knock(struct net_server *server, int64_t until_us) {
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    if (server->unix_bound) {
        snprintf(path.sun_path, sizeof path.sun_path, "%s", server->options.unix_path);
        if (!knock((const struct sockaddr *)&path, sizeof path, false, until_us)) return false;
    }
    return !server->tcp_door_len || knock((const struct sockaddr *)&server->tcp_door, server->tcp_door_len, true, until_us);
}

tagih_err net_server_reload_tls(struct net_server *server) {
    return server->tls ? net_tls_reload(server->tls) : TAGIH_OK;
}

static void sleep_us(int64_t duration_us) {
    struct timespec left = {.tv_sec = duration_us / US_PER_S, .tv_nsec = duration_us % US_PER_S * 1000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

/*
 * After its shutdown core drops newly arrived calls as CANCELLED, which tells the caller nothing. So they are refused
 * properly until callers have understood and stay away.
 */
static void refuse_until_quiet(struct net_server *server) {
    atomic_store(&server->draining, true);
    int64_t until_us = net__now_us() + DRAIN_REFUSE_US_MAX;
    unsigned seen;
    do {
        seen = atomic_load(&server->arrived);
        sleep_us(DRAIN_QUIET_US);
    } while (seen != atomic_load(&server->arrived) && net__now_us() < until_us);
}

/* True when the stop's tag came in time. */
static bool wait_stopped(struct net_server *server, int64_t until_us) {
    struct timespec until = {.tv_sec = until_us / US_PER_S, .tv_nsec = until_us % US_PER_S * 1000};
    pthread_mutex_lock(&server->lock);
    int waited = 0;
    while (!server->stopped && waited == 0) waited = pthread_cond_timedwait(&server->wake, &server->lock, &until);
    bool stopped = server->stopped;
    pthread_mutex_unlock(&server->lock);
    return stopped;
}

void net_server_drain(struct net_server *server) {
    if (server->serving) {
        sleep_us(server->options.drain_delay_us);
        refuse_until_quiet(server);
    }
    grpc_server_shutdown_and_notify(server->grpc, server->pollers[0].queue, &server->stopped_tag);
    if (!wait_stopped(server, net__now_us() + server->options.drain_us_max)) {
        grpc_server_cancel_all_calls(server->grpc);
        while (!wait_stopped(server, net__now_us() + US_PER_S)) continue;
    }
    /* The tag speaks of connections: a call whose caller was cut off may still be with the crew, and needs its queue. */
    while (net_server_in_flight(server) > 0) sleep_us(US_PER_MS);
    server->drained = true;
}

void net_server_close(struct net_server *server) {
    if (!server) return;
    if (!server->drained) net_server_drain(server);
    for (int i = 0; i < server->options.pollers; i++) grpc_completion_queue_shutdown(server->pollers[i].queue);
    for (int i = 0; i < server->options.pollers; i++) pthread_join(server->pollers[i].thread, NULL);
    grpc_server_destroy(server->grpc);
    for (int i = 0; i < server->options.pollers; i++) grpc_completion_queue_destroy(server->pollers[i].queue);
    if (server->unix_bound) unlink(server->options.unix_path);
    net_tls_close(server->tls);
    pthread_cond_destroy(&server->wake);
    pthread_mutex_destroy(&server->lock);
    server_free(server);
    grpc_shutdown();
}
