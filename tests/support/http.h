/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 as plainly as possible, for the operator's pages: bytes out, bytes in, over a socket to 127.0.0.1. */
#ifndef TAGIH_TESTS_HTTP_H
#define TAGIH_TESTS_HTTP_H

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/case.h"

struct http_answer {
    int status;       /* 0: the connection ended without one */
    char *text;       /* head and body as they came; malloc'd */
    const char *body; /* in it */
};

static inline int http_connect(int port) {
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static inline void http_send(int fd, const char *text) {
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

/* Something to read, or the end, within this time. */
static inline bool http_is_readable(int fd, int patience_ms) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, patience_ms) > 0;
}

/* Read to the connection's end, ten seconds at most for each piece; closes it. */
static inline struct http_answer http_read(int fd) {
    size_t room = 1 << 16, len = 0;
    char *text = malloc(room);
    assert_non_null(text);
    while (http_is_readable(fd, 10000)) {
        ssize_t n = recv(fd, text + len, room - len - 1, 0);
        if (n <= 0) break;
        len += (size_t)n;
        if (room - len < 4096) text = realloc(text, room *= 2);
        assert_non_null(text);
    }
    close(fd);
    text[len] = '\0';
    struct http_answer answer = {.text = text};
    const char *gap = strstr(text, "\r\n\r\n");
    answer.body = gap ? gap + 4 : text + len;
    if (strncmp(text, "HTTP/1.1 ", 9) == 0) answer.status = (int)strtol(text + 9, NULL, 10);
    return answer;
}

static inline struct http_answer http_ask(int port, const char *method, const char *path) {
    char request[512];
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", method, path);
    int fd = http_connect(port);
    http_send(fd, request);
    return http_read(fd);
}

static inline void http_release(struct http_answer *answer) {
    free(answer->text);
    answer->text = NULL;
}

#endif
