/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate authority for development, made on the first start when the operator gave no certificate: TLS works
 * from the first minute, and nobody learns to switch it off. Not for production: nobody vouches for it.
 */
#ifndef TAGIH_RUN_DEVCA_H
#define TAGIH_RUN_DEVCA_H

#include <stddef.h>

#include "tagih/err.h"

#define DEVCA_PATH_MAX 512

/** Where the files are. Clients trust ca_path; the server takes the other two. */
struct devca_paths {
    char ca[DEVCA_PATH_MAX];   /* ca.pem */
    char cert[DEVCA_PATH_MAX]; /* server.pem */
    char key[DEVCA_PATH_MAX];  /* server.key */
};

/**
 * See that `dir` holds a dev CA and a server certificate, and make what is missing.
 *
 * The certificate is for localhost, 127.0.0.1, ::1 and the given names, ECDSA P-256, one year (the CA: ten). Files are
 * 0600, `dir` is made 0700 when absent. An existing server certificate is kept while it is valid for 7 days more and
 * its CA is there; otherwise both are made anew.
 *
 * @param hosts  further DNS names or IP addresses, host_count of them, at most 16; may be NULL when 0
 * @param out    [out] the paths; undefined on error
 * @return OK · DEVCA_FAILED the directory cannot be written, a name is none, or OpenSSL failed
 *
 * Reads the clock and the disk. Example: server/main.c, when TAGIH_TLS_CERT is not set.
 */
TAGIH_MUST_USE tagih_err devca_ensure(const char *dir, const char *const *hosts, size_t host_count,
                                      struct devca_paths *out);

#endif
