/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol is a datagram: a library for it would be more to trust than this is to read. */
#include "server/run/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool notify_send(const char *state) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    size_t len = path ? strlen(path) : 0;
    if (len < 2 || len >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@')) return false;
    memcpy(to.sun_path, path, len);
    if (path[0] == '@') to.sun_path[0] = '\0'; /* Linux' abstract names */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return false;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to, size);
    close(fd);
    return sent == (ssize_t)strlen(state);
}

static int64_t number(const char *text) {
    char *end;
    long long value = text ? strtoll(text, &end, 10) : 0;
    return text && *text && !*end && value > 0 ? value : 0;
}

int64_t notify_watchdog_us(void) {
    const char *pid = getenv("WATCHDOG_PID");
    if (pid && number(pid) != getpid()) return 0;
    return number(getenv("WATCHDOG_USEC"));
}
