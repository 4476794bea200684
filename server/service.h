/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server put together: keys → database → rows → crew → doors. `tagihd serve` opens one and waits for a signal; a
 * spec opens one in its own process. Life: open (it serves at once) → reload, any number of times → drain → close.
 */
#ifndef TAGIH_SERVICE_H
#define TAGIH_SERVICE_H

#include "server/run/config.h"
#include "tagih/err.h"

struct service;

/**
 * Open everything that a server needs, and serve. What went wrong is logged where it happened.
 *
 * @param config  outlives the service; database_url and one of listen and socket are set. Without tls_cert the dev
 *                CA of state_dir gives the certificate
 * @param out     [out] to be closed with service_close; NULL on error
 * @return OK · KEYS_* as keys_load, KEYS_UNREADABLE also when no key signs tokens or device certificates · as db_open ·
 *         RPC_TABLE · NET_LISTEN · NET_TLS · NET_NOT_LOCAL · DEVCA_FAILED · OUT_OF_MEMORY
 */
TAGIH_MUST_USE tagih_err service_open(const struct config *config, struct service **out);

/** The TCP port that is listened on; 0 without one. */
int service_port(const struct service *service);

/** The port of the operator's pages; 0 without them. */
int service_admin_port(const struct service *service);

/** Read the TLS certificate again; a pair that does not fit leaves the old one in force. @return OK · NET_TLS */
TAGIH_MUST_USE tagih_err service_reload(struct service *service);

/** Answer what runs, send new calls away, and close the doors. Blocks; once. */
void service_drain(struct service *service);

/** Free everything; drains first when that has not been done. NULL is nothing to do. */
void service_close(struct service *service);

#endif
