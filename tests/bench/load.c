/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load generator: many phones on some connections, in its own process. Closed loop (so many calls in flight) or
 * open loop (so many calls a second, latency counted from when a call was due, not from when it could be sent).
 * Prints one line of JSON. Only OK answers inside the window are its rate; `ok` counts every OK answer of the run,
 * because that is what the database's counters see.
 */
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tagih/token.h"
#include "tests/bench/h2.h"
#include "tests/bench/work.h"
#include "tests/bench/world.h"

#define CALLS_MAX 4096
#define CONNECTIONS_MAX 4096
#define SAMPLES_MAX (1 << 22)
#define DRAIN_US 15000000

static const struct work *const works[] = {&work_check_in, &work_pull, &work_push};

struct options {
    const struct work *work;
    const char *ca, *keys, *installation, *state;
    long port, connections, idle, in_flight, rate, devices, accounts, prepared, warm_ms, window_ms,
        first_since_us;
};

struct call {
    size_t device;
    int64_t due_us;
    struct h2 *at; /* NULL: free */
};

struct headers {
    uint8_t data[H2_HEADERS_MAX];
    size_t len;
};

struct load {
    struct options options;
    struct h2 *connections[CONNECTIONS_MAX];
    struct h2 *connecting;
    size_t n_connections, next_connection;
    struct call calls[CALLS_MAX];
    uint32_t free_tags[CALLS_MAX];
    size_t n_free;
    struct headers *headers; /* per device */
    bool *busy;
    int64_t start_us, from_us, until_us;
    int64_t *samples;
    size_t n_samples;
    long ok, failed, items, ok_window, items_window, idle_lost;
    bool dry; /* the phones have nothing more to say */
    int epoll_fd;
    uint8_t request[WORK_REQUEST_MAX];
};

static struct load load;

void work_die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

/* ---- options -------------------------------------------------------------------------------------------------- */

static const struct work *work_find(const char *name) {
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        if (strcmp(works[i]->name, name) == 0) return works[i];
    }
    work_die("there is no work %s", name);
}

static void options_read(int argc, char **argv, struct options *out) {
    *out = (struct options){.connections = 32, .in_flight = 256, .devices = 2000, .warm_ms = 1000, .window_ms = 8000};
    const struct {
        const char *name;
        long *number;
        const char **text;
    } names[] = {{"--port", &out->port, NULL}, {"--ca", NULL, &out->ca}, {"--keys", NULL, &out->keys},
                 {"--installation", NULL, &out->installation}, {"--connections", &out->connections, NULL},
                 {"--idle", &out->idle, NULL}, {"--in-flight", &out->in_flight, NULL}, {"--rate", &out->rate, NULL},
                 {"--devices", &out->devices, NULL}, {"--warm-ms", &out->warm_ms, NULL},
                 {"--window-ms", &out->window_ms, NULL}, {"--state", NULL, &out->state},
                 {"--prepared", &out->prepared, NULL}, {"--first-since-us", &out->first_since_us, NULL},
                 {"--accounts", &out->accounts, NULL}};
    if (argc < 2) work_die("usage: load check-in|pull|push|certificates --port N --ca FILE --keys DIR --installation UUID ...");
    if (strcmp(argv[1], "certificates") != 0) out->work = work_find(argv[1]);
    for (int i = 2; i + 1 < argc; i += 2) {
        size_t k = 0, count = sizeof names / sizeof *names;
        while (k < count && strcmp(names[k].name, argv[i]) != 0) k++;
        if (k == count) work_die("unknown option %s", argv[i]);
        if (names[k].number) *names[k].number = strtol(argv[i + 1], NULL, 10);
        else *names[k].text = argv[i + 1];
    }
    bool can_call = out->port && out->ca;
    if ((out->work && !can_call) || !out->keys || !out->installation) work_die("port, ca, keys, installation are needed");
    if (out->in_flight > CALLS_MAX || out->connections + out->idle > CONNECTIONS_MAX) work_die("too many calls or connections");
    if (out->in_flight > out->devices) work_die("a phone has one call in flight: more devices are needed");
}

/* ---- phones --------------------------------------------------------------------------------------------------- */

static void token_make(const struct key *key, installation_id installation, size_t device, char *out, size_t size) {
    int64_t now_s = world_now_us() / 1000000;
    struct token token = {.user.u = world_id(WORLD_COLLECTOR, device), .device.u = world_id(WORLD_DEVICE, device),
                          .has_device = true, .agency.u = world_id(WORLD_AGENCY, 0), .caller = TOKEN_DEVICE,
                          .issued_s = now_s - 60, .not_before_s = now_s - 60, .expires_s = now_s + 840};
    token.id = world_id(WORLD_DEVICE, device);
    uint8_t raw[TOKEN_MAX];
    size_t len;
    if (!err_is_ok(token_sign(&token, installation, &key->secret, raw, sizeof raw, &len))) work_die("cannot sign a token");
    sodium_bin2base64(out, size, raw, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static void phones_make(const struct keyring *keys, installation_id installation) {
    const struct key *key = keyring_signing(keys, KEY_TOKEN);
    if (!key) work_die("there is no token key");
    size_t n = (size_t)load.options.devices;
    load.headers = calloc(n, sizeof *load.headers);
    load.busy = calloc(n, sizeof *load.busy);
    load.samples = calloc(SAMPLES_MAX, sizeof *load.samples);
    if (!load.headers || !load.busy || !load.samples) work_die("no memory");
    for (size_t i = 0; i < n; i++) {
        char text[TOKEN_MAX * 2];
        token_make(key, installation, i, text, sizeof text);
        load.headers[i].len = h2_headers(load.options.work->path, text, load.headers[i].data);
    }
}

/* Any phone that is not in a call, each as likely as another. */
static size_t phone_draw(void) {
    size_t device;
    if (load.options.work->draw) return load.options.work->draw(load.busy);
    do device = world_draw((uint64_t)load.options.devices);
    while (load.busy[device]);
    return device;
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

static struct h2 *connection_next(void) {
    for (size_t i = 0; i < load.n_connections; i++) {
        struct h2 *h2 = load.connections[load.next_connection++ % load.n_connections];
        if (h2_is_ready(h2) && h2_in_flight(h2) < H2_CALLS_MAX) return h2;
    }
    return NULL;
}

static bool call_begin(struct h2 *h2, int64_t due_us) {
    size_t device = phone_draw();
    if (device == SIZE_MAX) {
        load.dry = true;
        return false;
    }
    size_t len = load.options.work->request(device, load.request, sizeof load.request);
    uint32_t tag = load.free_tags[load.n_free - 1];
    struct bytes headers = bytes_make(load.headers[device].data, load.headers[device].len);
    if (!h2_call(h2, headers, bytes_make(load.request, len), tag)) work_die("a connection takes no call");
    load.n_free--;
    load.busy[device] = true;
    load.calls[tag] = (struct call){.device = device, .due_us = due_us, .at = h2};
    return true;
}

static void failure_show(struct bytes trailers) {
    if (load.failed > 3) return;
    fputs("load: a call failed: ", stderr);
    for (size_t i = 0; i < trailers.len; i++) {
        fputc(trailers.data[i] >= 32 && trailers.data[i] < 127 ? trailers.data[i] : '.', stderr);
    }
    fputc('\n', stderr);
}

static void count(const struct call *call, size_t items, int64_t now_us) {
    load.ok++;
    load.items += (long)items;
    if (now_us < load.from_us || now_us >= load.until_us) return;
    load.ok_window++;
    load.items_window += (long)items;
    if (load.n_samples < SAMPLES_MAX) load.samples[load.n_samples++] = now_us - call->due_us;
}

static void answered(void *context, uint32_t tag, bool ok, struct bytes body) {
    (void)context;
    struct call *call = &load.calls[tag];
    int64_t now_us = world_monotonic_us();
    size_t items = ok ? load.options.work->answer(call->device, body) : 0;
    if (items) {
        count(call, items, now_us);
    } else {
        load.failed++;
        failure_show(body);
    }
    load.busy[call->device] = false;
    struct h2 *h2 = call->at;
    call->at = NULL;
    load.free_tags[load.n_free++] = tag;
    if (load.options.rate == 0 && now_us < load.until_us && !load.dry && !load.options.first_since_us) call_begin(h2, now_us);
}

/* Open loop: what is due by now, as far as there are free tags. */
static void send_due(int64_t now_us, int64_t *sent) {
    while (load.n_free && !load.dry && now_us < load.until_us) {
        int64_t due_us = load.start_us + *sent * 1000000 / load.options.rate;
        struct h2 *h2 = due_us <= now_us ? connection_next() : NULL;
        if (!h2 || !call_begin(h2, due_us)) return;
        ++*sent;
        h2_flush(h2);
    }
}

/* ---- the run -------------------------------------------------------------------------------------------------- */

/* An edge may close a connection that never calls; one that works must stay. */
static void connection_lost(struct h2 *h2) {
    bool needed = h2 == load.connecting;
    for (long i = 0; i < load.options.connections; i++) needed |= load.connections[i] == h2;
    if (needed) work_die("a connection was lost");
    load.idle_lost++;
    h2_close(h2);
}

static void step(int timeout_ms) {
    struct epoll_event events[256];
    int n = epoll_wait(load.epoll_fd, events, 256, timeout_ms);
    for (int i = 0; i < n; i++) {
        struct h2 *h2 = events[i].data.ptr;
        h2_step(h2);
        if (h2_is_lost(h2)) connection_lost(h2);
    }
}

/* A phone that is silent now has called before: an edge rightly closes a connection that never does. */
static void call_once(struct h2 *h2) {
    size_t n_free = load.n_free;
    if (!call_begin(h2, world_monotonic_us())) work_die("no phone is left to call once");
    h2_flush(h2);
    while (load.n_free < n_free) step(1000);
}

static void connect_all(SSL_CTX *tls) {
    long n = load.options.connections + load.options.idle;
    for (long i = 0; i < n; i++) {
        struct h2 *h2 = h2_open(tls, (int)load.options.port, load.epoll_fd, answered, NULL);
        if (!h2) work_die("cannot connect to port %ld: %s", load.options.port, strerror(errno));
        load.connections[load.n_connections++] = load.connecting = h2;
        while (!h2_is_ready(h2)) step(1000);
        if (i >= load.options.connections) call_once(h2);
    }
    load.connecting = NULL;
    /* The first ones work, the rest only keep their connection. */
    load.n_connections = (size_t)load.options.connections;
}

static void closed_loop(void) {
    for (long i = 0; i < load.options.in_flight && !load.dry; i++) {
        struct h2 *h2 = load.connections[(size_t)i % load.n_connections];
        if (!call_begin(h2, world_monotonic_us())) break;
    }
    for (size_t i = 0; i < load.n_connections; i++) h2_flush(load.connections[i]);
    while (world_monotonic_us() < load.until_us && load.n_free < (size_t)load.options.in_flight) step(100);
}

static void open_loop(void) {
    int64_t sent = 0;
    for (int64_t now_us = load.start_us; now_us < load.until_us; now_us = world_monotonic_us()) {
        send_due(now_us, &sent);
        step(1);
    }
}

static void drain(void) {
    int64_t give_up_us = world_monotonic_us() + DRAIN_US;
    while (load.n_free < (size_t)load.options.in_flight) {
        step(100);
        if (world_monotonic_us() > give_up_us) work_die("%zu calls were never answered", (size_t)load.options.in_flight - load.n_free);
    }
}

static int by_size(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return a < b ? -1 : a > b;
}

static double percentile_ms(double part) {
    if (!load.n_samples) return 0;
    return (double)load.samples[(size_t)(part * (double)(load.n_samples - 1))] / 1000;
}

static void report(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double seconds = (double)(load.until_us - load.from_us) / 1e6;
    qsort(load.samples, load.n_samples, sizeof *load.samples, by_size);
    printf("{\"ok\": %ld, \"items\": %ld, \"failed\": %ld, \"rate\": %.1f, \"item_rate\": %.1f, \"p50_ms\": %.3f, "
           "\"p99_ms\": %.3f, \"cpu_s\": %.2f, \"idle_lost\": %ld, \"dry\": %s}\n",
           load.ok, load.items, load.failed, (double)load.ok_window / seconds, (double)load.items_window / seconds,
           percentile_ms(0.50), percentile_ms(0.99),
           (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6,
           load.idle_lost, load.dry ? "true" : "false");
}

/* From the start of the server to its first answer: try until it listens, then call once. */
static void first_answer(SSL_CTX *tls) {
    struct h2 *h2 = NULL;
    int64_t give_up_us = world_monotonic_us() + DRAIN_US;
    while (!(h2 = h2_open(tls, (int)load.options.port, load.epoll_fd, answered, NULL))) {
        if (world_monotonic_us() > give_up_us) work_die("the server does not come up");
        usleep(1000);
    }
    while (!h2_is_ready(h2)) step(1000);
    load.until_us = INT64_MAX;
    if (!call_begin(h2, world_monotonic_us())) work_die("no request");
    h2_flush(h2);
    while (!load.ok && !load.failed) step(1000);
    if (load.failed) work_die("the first call failed");
    printf("{\"first_ms\": %.1f}\n", (double)(world_monotonic_us() - load.options.first_since_us) / 1000);
}

static void run(SSL_CTX *tls) {
    connect_all(tls);
    load.start_us = world_monotonic_us();
    load.from_us = load.start_us + load.options.warm_ms * 1000;
    load.until_us = load.from_us + load.options.window_ms * 1000;
    if (load.options.rate) open_loop();
    else closed_loop();
    if (load.dry && world_monotonic_us() < load.until_us) load.until_us = world_monotonic_us();
    drain();
    if (load.options.work->end) load.options.work->end();
    report();
}

int main(int argc, char **argv) {
    options_read(argc, argv, &load.options);
    if (sodium_init() < 0) work_die("no sodium");
    struct keyring keys;
    struct keys_problem problem;
    installation_id installation;
    if (!err_is_ok(keys_load(load.options.keys, &keys, &problem))) work_die("%s", problem.text);
    if (!err_is_ok(uuid_parse(load.options.installation, (uuid *)&installation))) work_die("bad installation id");
    struct work_options work = {.devices = (size_t)load.options.devices, .installation = installation, .keys = &keys,
                                .state_path = load.options.state, .prepared = (size_t)load.options.prepared,
                                .accounts = (uint64_t)load.options.accounts};
    if (!load.options.work) {
        work_certify(&work);
        return 0;
    }
    phones_make(&keys, installation);
    load.options.work->begin(&work);
    for (uint32_t i = 0; i < (uint32_t)load.options.in_flight; i++) load.free_tags[load.n_free++] = i;
    load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    SSL_CTX *tls = h2_tls(load.options.ca);
    if (load.options.first_since_us) first_answer(tls);
    else run(tls);
    fflush(stdout);
    return load.failed ? 1 : 0;
}
