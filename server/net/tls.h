/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/net: certificate and key, and their change while the server runs. A pair is read and compared
 * when somebody asks for it; handshakes only look whether there is a newer one.
 */
#ifndef TAGIH_NET_TLS_H
#define TAGIH_NET_TLS_H

#include <grpc/grpc_security.h>

#include "tagih/err.h"

struct net_tls;

/** Read the pair. @return OK · NET_TLS · OUT_OF_MEMORY; `out` is untouched on error */
TAGIH_MUST_USE tagih_err net_tls_open(const char *cert_path, const char *key_path, struct net_tls **out);

/** Read it again from the same paths; on error the old one stays. @return OK · NET_TLS */
TAGIH_MUST_USE tagih_err net_tls_reload(struct net_tls *tls);

/** Credentials that follow the pair; the caller releases them. `tls` must outlive the server that uses them. */
grpc_server_credentials *net_tls_credentials(struct net_tls *tls);

/** NULL is nothing to do. */
void net_tls_close(struct net_tls *tls);

#endif
