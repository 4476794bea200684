/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling the service manager how it goes (sd_notify(3), Type=notify): datagrams to the socket that NOTIFY_SOCKET names.
 * Without that variable nobody listens, and nothing is sent. Nothing here blocks; what could not be sent is not tried again.
 */
#ifndef TAGIH_RUN_NOTIFY_H
#define TAGIH_RUN_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/** @param state  "READY=1", "WATCHDOG=1", … lines. @return it was sent */
bool notify_send(const char *state);

/** Within this time the manager wants to hear "WATCHDOG=1" again and again; 0: it does not, or not from this process. */
int64_t notify_watchdog_us(void);

#endif
