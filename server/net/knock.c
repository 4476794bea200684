/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing here blocks for longer than it was given: the socket does not, and each step waits until the same moment. */
#include "server/net/knock.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/base/defer.h"
#include "server/net/slot.h"

/* HTTP/2: the client's preface, SETTINGS without any, a PING. */
static const uint8_t hello[] =
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    "\0\0\0\4\0\0\0\0\0"
    "\0\0\10\6\0\0\0\0\0tagihhi!";
#define HELLO_LEN (sizeof hello - 1)
#define FRAME_HEAD 9
#define FRAME_PING 6
#define FLAG_ACK 1
/* Before our PING comes back the server sends SETTINGS and their ACK, a window update, a PING of its own. */
#define FRAMES_MAX 16

struct door {
    int fd;
    SSL_CTX *context;
    SSL *tls; /* NULL: plaintext */
    int64_t until_us;
};

static void door_release(struct door *door) {
    SSL_free(door->tls);
    SSL_CTX_free(door->context);
    ERR_clear_error();
    if (door->fd >= 0) close(door->fd);
}

static bool wait_for(const struct door *door, short events) {
    int64_t left_us = door->until_us - net__now_us();
    struct pollfd fd = {.fd = door->fd, .events = events};
    return left_us > 0 && poll(&fd, 1, (int)(left_us / US_PER_MS) + 1) > 0;
}

static bool door_connect(struct door *door, const struct sockaddr *address, socklen_t len) {
    door->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (door->fd < 0) return false;
    if (connect(door->fd, address, len) == 0) return true;
    int error = 0;
    socklen_t size = sizeof error;
    bool came = errno == EINPROGRESS && wait_for(door, POLLOUT);
    return came && getsockopt(door->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

/* After a step of TLS that did not go through: wait for what it wants. */
static bool tls_wait(const struct door *door, int result) {
    int why = SSL_get_error(door->tls, result);
    if (why == SSL_ERROR_WANT_READ) return wait_for(door, POLLIN);
    return why == SSL_ERROR_WANT_WRITE && wait_for(door, POLLOUT);
}

/* Whose certificate it is does not matter: it is ours, by whatever name, and nothing is told to it. */
static bool door_begin_tls(struct door *door) {
    static const uint8_t h2[] = "\2h2";
    door->context = SSL_CTX_new(TLS_client_method());
    if (!door->context || SSL_CTX_set_alpn_protos(door->context, h2, 3) != 0) return false;
    door->tls = SSL_new(door->context);
    if (!door->tls || !SSL_set_fd(door->tls, door->fd)) return false;
    int done;
    while ((done = SSL_connect(door->tls)) != 1) {
        if (!tls_wait(door, done)) return false;
    }
    return true;
}

static bool door_write(struct door *door, const uint8_t *bytes, size_t len) {
    while (len > 0) {
        ssize_t n = door->tls ? SSL_write(door->tls, bytes, (int)len) : send(door->fd, bytes, len, MSG_NOSIGNAL);
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (door->tls ? !tls_wait(door, (int)n) : errno != EAGAIN || !wait_for(door, POLLOUT)) {
            return false;
        }
    }
    return true;
}

static bool door_read(struct door *door, uint8_t *out, size_t len) {
    while (len > 0) {
        ssize_t n = door->tls ? SSL_read(door->tls, out, (int)len) : recv(door->fd, out, len, 0);
        if (n > 0) {
            out += n;
            len -= (size_t)n;
        } else if (door->tls ? !tls_wait(door, (int)n) : n == 0 || errno != EAGAIN || !wait_for(door, POLLIN)) {
            return false;
        }
    }
    return true;
}

static bool door_skip(struct door *door, size_t len) {
    uint8_t nowhere[256];
    while (len > 0) {
        size_t n = len < sizeof nowhere ? len : sizeof nowhere;
        if (!door_read(door, nowhere, n)) return false;
        len -= n;
    }
    return true;
}

static bool ping_comes_back(struct door *door) {
    for (int i = 0; i < FRAMES_MAX; i++) {
        uint8_t head[FRAME_HEAD];
        if (!door_read(door, head, sizeof head)) return false;
        if (head[3] == FRAME_PING && (head[4] & FLAG_ACK)) return true;
        if (!door_skip(door, (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2])) return false;
    }
    return false;
}

bool knock(const struct sockaddr *address, socklen_t len, bool tls, int64_t until_us) {
    DEFER(door) struct door door = {.fd = -1, .until_us = until_us};
    if (!door_connect(&door, address, len)) return false;
    if (tls && !door_begin_tls(&door)) return false;
    return door_write(&door, hello, HELLO_LEN) && ping_comes_back(&door);
}

bool knock_address(const char *listen, int port, struct sockaddr_storage *out, socklen_t *len) {
    char host[256], service[16];
    const char *colon = strrchr(listen, ':');
    int host_len = colon ? (int)(colon - listen) : (int)strlen(listen);
    if (host_len >= 2 && listen[0] == '[') listen++, host_len -= 2;
    snprintf(host, sizeof host, "%.*s", host_len, listen);
    snprintf(service, sizeof service, "%d", port);
    if (strcmp(host, "0.0.0.0") == 0) snprintf(host, sizeof host, "127.0.0.1");
    if (strcmp(host, "::") == 0) snprintf(host, sizeof host, "::1");
    struct addrinfo *found = NULL, hints = {.ai_socktype = SOCK_STREAM};
    if (getaddrinfo(host, service, &hints, &found) != 0) return false;
    memcpy(out, found->ai_addr, found->ai_addrlen);
    *len = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}
