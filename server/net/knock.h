/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/net: a knock at one of our own listeners, from the outside: connect, TLS where there is any, the preface
 * of HTTP/2, and a PING that must come back. It proves that the listener still accepts and the pollers still move bytes,
 * which gRPC core can lose for good (descriptors used up once: CVE-2023-4785). It needs no worker and no database, so a
 * server that is merely busy answers it.
 */
#ifndef TAGIH_NET_KNOCK_H
#define TAGIH_NET_KNOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/** @param until_us  CLOCK_MONOTONIC. @return somebody opened */
bool knock(const struct sockaddr *address, socklen_t len, bool tls, int64_t until_us);

/** Where to knock for a listener on "host:port" that got `port`: for any address, the loopback one. False: unknown. */
bool knock_address(const char *listen, int port, struct sockaddr_storage *out, socklen_t *len);

#endif
