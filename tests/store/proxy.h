/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wire between a worker and PostgreSQL that can be cut at the worst moment: after the server has committed and
 * before its word of it arrives. It carries one connection at a time over a unix socket.
 */
#ifndef TAGIH_TESTS_STORE_PROXY_H
#define TAGIH_TESTS_STORE_PROXY_H

#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/case.h"
#include "tests/support/pg.h"

struct proxy {
    char folder[64], listen_path[108], server_path[108];
    char conninfo[1024]; /* reaches the same database through the wire */
    int listener;
    atomic_int cuts_left; /* how many COMMITs still lose their answer */
    atomic_bool stop;
    pthread_t thread;
};

static inline struct sockaddr_un unix_address(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return address;
}

/* Pass on what has come; false: the connection ends here. */
static inline bool proxy_pass(struct proxy *proxy, int from, int to, bool from_server) {
    char buffer[65536];
    ssize_t len = read(from, buffer, sizeof buffer);
    if (len <= 0) return false;
    bool committed = from_server && memmem(buffer, (size_t)len, "COMMIT", 7) != NULL;
    if (committed && atomic_load(&proxy->cuts_left) > 0) {
        atomic_fetch_sub(&proxy->cuts_left, 1);
        return false;
    }
    for (ssize_t done = 0; done < len;) {
        ssize_t sent = write(to, buffer + done, (size_t)(len - done));
        if (sent < 0) return false;
        done += sent;
    }
    return true;
}

static inline void proxy_carry(struct proxy *proxy, int client) {
    struct sockaddr_un address = unix_address(proxy->server_path);
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    bool open = connect(server, (const struct sockaddr *)&address, sizeof address) == 0;
    while (open && !atomic_load(&proxy->stop)) {
        struct pollfd fds[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
        if (poll(fds, 2, 50) <= 0) continue;
        if (fds[0].revents) open = proxy_pass(proxy, client, server, false);
        if (open && fds[1].revents) open = proxy_pass(proxy, server, client, true);
    }
    close(server);
    close(client);
}

static inline void *proxy_run(void *context) {
    struct proxy *proxy = context;
    while (!atomic_load(&proxy->stop)) {
        struct pollfd fd = {.fd = proxy->listener, .events = POLLIN};
        if (poll(&fd, 1, 50) <= 0) continue;
        int client = accept(proxy->listener, NULL, NULL);
        if (client >= 0) proxy_carry(proxy, client);
    }
    return NULL;
}

static inline void proxy_start(struct proxy *proxy, struct pg *pg) {
    atomic_store(&proxy->stop, false);
    snprintf(proxy->folder, sizeof proxy->folder, "/tmp/tagih-wire.XXXXXX");
    assert_non_null(mkdtemp(proxy->folder));
    snprintf(proxy->listen_path, sizeof proxy->listen_path, "%s/.s.PGSQL.5432", proxy->folder);
    snprintf(proxy->server_path, sizeof proxy->server_path, "%s/.s.PGSQL.%s", PQhost(pg->admin), PQport(pg->admin));
    snprintf(proxy->conninfo, sizeof proxy->conninfo, "host=%s port=5432 user=%s dbname=%s", proxy->folder,
             PQuser(pg->admin), pg->name);
    struct sockaddr_un address = unix_address(proxy->listen_path);
    proxy->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(proxy->listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(proxy->listener, 4), 0);
    assert_int_equal(pthread_create(&proxy->thread, NULL, proxy_run, proxy), 0);
}

static inline void proxy_end(struct proxy *proxy) {
    atomic_store(&proxy->stop, true);
    pthread_join(proxy->thread, NULL);
    close(proxy->listener);
    unlink(proxy->listen_path);
    rmdir(proxy->folder);
}

#endif
