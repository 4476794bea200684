/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread a connection. Whole messages are carried, so that a blow falls between two of them. What a worker's pipeline
 * brings in one piece is taken apart: Bind names the statement, Execute is its boundary. To learn that PostgreSQL has done
 * a statement in the middle of a pipeline the wire slips in a Flush, which changes nothing but when the answer comes.
 */
#include "tests/chaos/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/case.h"
#include "tests/support/process.h"

#define CODE_STARTUP 196608u
#define PIECE 65536

struct tube {
    uint8_t *data;
    size_t len, room;
};

/* One connection. */
struct lane {
    struct wire *wire;
    int client, server;
    bool started, is_worker, open;
    pid_t backend;
    struct tube from_client, from_server; /* read and not yet taken apart */
    struct tube to_client, to_server;     /* taken apart and not yet written */
    size_t passed, done;                  /* Executes since the last ReadyForQuery, and their ends */
    char name[WIRE_NAME_SIZE];            /* the statement that was bound last */
    bool counts;                          /* it is one to be counted */
    bool slow;                            /* its transaction is the slow agency's */
};

/* ---- bytes ---------------------------------------------------------------------------------------------------- */

static void tube_put(struct tube *tube, const void *data, size_t len) {
    if (tube->len + len > tube->room) {
        tube->room = 2 * (tube->len + len);
        tube->data = realloc(tube->data, tube->room);
        if (!tube->data) abort();
    }
    memcpy(tube->data + tube->len, data, len);
    tube->len += len;
}

static void tube_take(struct tube *tube, size_t len) {
    memmove(tube->data, tube->data + len, tube->len - len);
    tube->len -= len;
}

static uint32_t be32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* What has come; the lane is closed at the end of a side. */
static void fill(struct lane *lane, int fd, struct tube *tube) {
    uint8_t piece[PIECE];
    ssize_t got = read(fd, piece, sizeof piece);
    if (got > 0) tube_put(tube, piece, (size_t)got);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR)) lane->open = false;
}

static void empty(struct lane *lane, int fd, struct tube *tube) {
    ssize_t sent = tube->len ? send(fd, tube->data, tube->len, MSG_NOSIGNAL) : 0;
    if (sent > 0) tube_take(tube, (size_t)sent);
    else if (sent < 0 && errno != EAGAIN && errno != EINTR) lane->open = false;
}

/* Wait for either side and move bytes. @param hear_client  false: its messages wait */
static void turn(struct lane *lane, bool hear_client) {
    struct pollfd fds[2] = {
        {.fd = lane->client, .events = (short)((hear_client ? POLLIN : 0) | (lane->to_client.len ? POLLOUT : 0))},
        {.fd = lane->server, .events = (short)(POLLIN | (lane->to_server.len ? POLLOUT : 0))}};
    if (poll(fds, 2, 20) <= 0) return;
    if (fds[0].revents & POLLOUT) empty(lane, lane->client, &lane->to_client);
    if (fds[1].revents & POLLOUT) empty(lane, lane->server, &lane->to_server);
    if (fds[1].revents & (POLLIN | POLLHUP | POLLERR)) fill(lane, lane->server, &lane->from_server);
    if (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) fill(lane, lane->client, &lane->from_client);
}

/* ---- what PostgreSQL says ------------------------------------------------------------------------------------- */

static void hear(struct lane *lane, char type, const uint8_t *body, size_t len) {
    if (type == 'K' && len >= 4) lane->backend = (pid_t)be32(body);
    if (type == 'C' || type == 'I' || type == 's') lane->done++;
    if (type == 'E') lane->done = lane->passed; /* the rest of the pipeline is skipped */
    if (type == 'Z') lane->passed = lane->done = 0;
}

/* @param tell  false: it goes no further */
static void take_answers(struct lane *lane, bool tell) {
    struct tube *in = &lane->from_server;
    size_t at = 0;
    while (in->len - at >= 5) {
        size_t len = 1 + (size_t)be32(in->data + at + 1);
        if (in->len - at < len) break;
        hear(lane, (char)in->data[at], in->data + at + 5, len - 5);
        if (tell) tube_put(&lane->to_client, in->data + at, len);
        at += len;
    }
    if (at) tube_take(in, at);
}

/* ---- what the server says ------------------------------------------------------------------------------------- */

/* In the startup message: "application_name\0tagih-worker-0\0". */
static bool names_worker(const uint8_t *body, size_t len) {
    static const char is_worker[] = "application_name\0tagih-worker";
    return memmem(body, len, is_worker, sizeof is_worker - 1) != NULL;
}

/* A statement that only some runs send is none to count on: plans are made anew by the clock. */
static void take_bind(struct lane *lane, const uint8_t *body, size_t len) {
    const uint8_t *end = memchr(body, 0, len);
    const char *name = end ? (const char *)end + 1 : "";
    size_t left = end ? len - (size_t)(end + 1 - body) : 0;
    snprintf(lane->name, sizeof lane->name, "%.*s", (int)strnlen(name, left), left ? name : "");
    lane->counts = lane->is_worker && *lane->name && strcmp(lane->name, "core_replan") != 0;
    const char *slow = lane->wire->slow_agency;
    if (strcmp(lane->name, "core_scope") == 0) lane->slow = *slow && memmem(body, len, slow, strlen(slow)) != NULL;
}

/* The statement at hand is counted. @return it is the one to strike at, and *out is how */
static bool count(struct lane *lane, struct wire_trap *out) {
    struct wire *wire = lane->wire;
    pthread_mutex_lock(&wire->lock);
    bool strike = false;
    if (wire->watching && wire->n_seen < WIRE_STATEMENTS_MAX) {
        memcpy(wire->seen[wire->n_seen], lane->name, sizeof lane->name);
        strike = wire->trap.blow && !wire->struck && wire->n_seen == wire->trap.at;
        wire->n_seen++;
        if (strike) wire->struck = true, *out = wire->trap;
    }
    pthread_mutex_unlock(&wire->lock);
    return strike;
}

/* Everything that was passed on has left. */
static void push_out(struct lane *lane) {
    while (lane->open && lane->to_server.len && !atomic_load(&lane->wire->stop)) {
        empty(lane, lane->server, &lane->to_server);
        if (lane->to_server.len) turn(lane, false), take_answers(lane, true);
    }
}

/* PostgreSQL has done all that it was told; nobody hears of it. */
static void wait_done(struct lane *lane) {
    static const uint8_t flush[] = {'H', 0, 0, 0, 4};
    tube_put(&lane->to_server, flush, sizeof flush);
    while (lane->open && lane->done < lane->passed && !atomic_load(&lane->wire->stop)) {
        turn(lane, false);
        take_answers(lane, false);
    }
}

static void strike(struct lane *lane, const struct wire_trap *trap) {
    push_out(lane);
    if (trap->moment == WIRE_ANSWERED) wait_done(lane);
    trap->blow(lane->backend, trap->context);
    if (trap->hangs_up || trap->moment == WIRE_ANSWERED) lane->open = false; /* what was not told is never told */
}

static void dawdle(struct lane *lane) {
    int64_t delay_us = atomic_load(&lane->wire->delay_us);
    if (delay_us <= 0 || !lane->slow) return;
    push_out(lane);
    pause_us(delay_us);
}

static void pass(struct lane *lane, const uint8_t *message, size_t len) {
    char type = (char)message[0];
    struct wire_trap trap;
    bool struck = false;
    if (type == 'B') take_bind(lane, message + 5, len - 5);
    if (type == 'E') {
        dawdle(lane);
        struck = lane->counts && count(lane, &trap);
        if (struck && trap.moment == WIRE_BEFORE) strike(lane, &trap);
        lane->passed++;
    }
    if (!lane->open) return;
    tube_put(&lane->to_server, message, len);
    if (struck && trap.moment != WIRE_BEFORE) strike(lane, &trap);
}

static void pass_startup(struct lane *lane, const uint8_t *message, size_t len) {
    if (be32(message + 4) == CODE_STARTUP) {
        lane->started = true;
        lane->is_worker = names_worker(message + 8, len - 8);
    }
    tube_put(&lane->to_server, message, len);
}

static void take_messages(struct lane *lane) {
    struct tube *in = &lane->from_client;
    size_t at = 0;
    while (lane->open) {
        size_t head = lane->started ? 1 : 0;
        if (in->len - at < head + 4) break;
        size_t len = head + (size_t)be32(in->data + at + head);
        if (in->len - at < len || len < head + 4) break;
        if (lane->started) pass(lane, in->data + at, len);
        else pass_startup(lane, in->data + at, len);
        at += len;
    }
    if (at) tube_take(in, at);
}

/* ---- connections ---------------------------------------------------------------------------------------------- */

static struct sockaddr_un address_of(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return address;
}

static int connect_to(struct wire *wire) {
    pthread_mutex_lock(&wire->lock);
    struct sockaddr_un address = address_of(wire->server_path);
    pthread_mutex_unlock(&wire->lock);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

static void *carry(void *context) {
    struct lane *lane = context;
    struct wire *wire = lane->wire;
    lane->server = atomic_load(&wire->cut) ? -1 : connect_to(wire);
    lane->open = lane->server >= 0;
    if (lane->open) fcntl(lane->server, F_SETFL, O_NONBLOCK);
    while (lane->open && !atomic_load(&wire->stop) && !atomic_load(&wire->cut)) {
        turn(lane, true);
        take_messages(lane);
        take_answers(lane, true);
    }
    empty(lane, lane->client, &lane->to_client); /* the last word of a PostgreSQL that ended */
    if (lane->server >= 0) close(lane->server);
    close(lane->client);
    free(lane->from_client.data), free(lane->from_server.data);
    free(lane->to_client.data), free(lane->to_server.data);
    atomic_fetch_sub(&wire->lanes, 1);
    free(lane);
    return NULL;
}

static void carry_new(struct wire *wire, int client) {
    struct lane *lane = calloc(1, sizeof *lane);
    pthread_t thread;
    if (!lane) abort();
    fcntl(client, F_SETFL, O_NONBLOCK);
    *lane = (struct lane){.wire = wire, .client = client, .server = -1};
    atomic_fetch_add(&wire->lanes, 1);
    if (pthread_create(&thread, NULL, carry, lane) != 0) abort();
    pthread_detach(thread);
}

static void *run(void *context) {
    struct wire *wire = context;
    while (!atomic_load(&wire->stop)) {
        struct pollfd fd = {.fd = wire->listener, .events = POLLIN};
        if (poll(&fd, 1, 20) <= 0) continue;
        int client = accept4(wire->listener, NULL, NULL, SOCK_CLOEXEC);
        if (client >= 0) carry_new(wire, client);
    }
    return NULL;
}

void wire_redirect(struct wire *wire, const char *pg_folder) {
    pthread_mutex_lock(&wire->lock);
    snprintf(wire->server_path, sizeof wire->server_path, "%s/.s.PGSQL.5432", pg_folder);
    pthread_mutex_unlock(&wire->lock);
}

void wire_open(struct wire *wire, const char *pg_folder) {
    memset(wire, 0, sizeof *wire);
    pthread_mutex_init(&wire->lock, NULL);
    wire_redirect(wire, pg_folder);
    snprintf(wire->folder, sizeof wire->folder, "/tmp/tagih-wire.XXXXXX");
    assert_non_null(mkdtemp(wire->folder));
    snprintf(wire->listen_path, sizeof wire->listen_path, "%s/.s.PGSQL.5432", wire->folder);
    snprintf(wire->conninfo, sizeof wire->conninfo, "host=%s port=5432", wire->folder);
    struct sockaddr_un address = address_of(wire->listen_path);
    wire->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(wire->listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(wire->listener, 64), 0);
    assert_int_equal(pthread_create(&wire->thread, NULL, run, wire), 0);
}

void wire_close(struct wire *wire) {
    if (!*wire->folder) return;
    atomic_store(&wire->stop, true);
    pthread_join(wire->thread, NULL);
    while (atomic_load(&wire->lanes) > 0) pause_us(1000);
    close(wire->listener);
    unlink(wire->listen_path);
    rmdir(wire->folder);
    pthread_mutex_destroy(&wire->lock);
    *wire->folder = '\0';
}

void wire_watch(struct wire *wire, const struct wire_trap *trap) {
    pthread_mutex_lock(&wire->lock);
    wire->watching = true;
    wire->struck = false;
    wire->trap = trap ? *trap : (struct wire_trap){0};
    wire->n_seen = 0;
    pthread_mutex_unlock(&wire->lock);
}

size_t wire_rest(struct wire *wire) {
    pthread_mutex_lock(&wire->lock);
    wire->watching = false;
    size_t n = wire->n_seen;
    pthread_mutex_unlock(&wire->lock);
    return n;
}
