/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS of the TCP listener. gRPC asks before each handshake whether the certificate changed; the answer comes from
 * memory, so no poller reads files. A pair that OpenSSL does not find to belong together never gets here.
 */
#include "server/net/tls.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEM_BYTES_MAX ((size_t)64 * 1024)

struct pem_pair {
    char cert[PEM_BYTES_MAX], key[PEM_BYTES_MAX]; /* NUL-terminated */
};

struct net_tls {
    const char *cert_path, *key_path;
    pthread_mutex_t lock; /* guards what follows */
    struct pem_pair pair;
    bool changed; /* since gRPC took it last */
};

static bool file_read(const char *path, char out[PEM_BYTES_MAX]) {
    FILE *file = fopen(path, "re");
    if (!file) return false;
    size_t len = fread(out, 1, PEM_BYTES_MAX - 1, file);
    bool whole = !ferror(file) && feof(file);
    fclose(file);
    out[len] = '\0';
    return whole && len > 0;
}

/* Does OpenSSL take the chain and the key, and do they belong together? */
static bool pair_fits(const char *cert_path, const char *key_path) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    bool fits = context && SSL_CTX_use_certificate_chain_file(context, cert_path) == 1 &&
                SSL_CTX_use_PrivateKey_file(context, key_path, SSL_FILETYPE_PEM) == 1 &&
                SSL_CTX_check_private_key(context) == 1;
    SSL_CTX_free(context);
    ERR_clear_error();
    return fits;
}

tagih_err net_tls_reload(struct net_tls *tls) {
    struct pem_pair *fresh = calloc(1, sizeof *fresh);
    if (!fresh) return FAIL(OUT_OF_MEMORY);
    bool good = pair_fits(tls->cert_path, tls->key_path) && file_read(tls->cert_path, fresh->cert) &&
                file_read(tls->key_path, fresh->key);
    if (good) {
        pthread_mutex_lock(&tls->lock);
        tls->pair = *fresh;
        tls->changed = true;
        pthread_mutex_unlock(&tls->lock);
    }
    OPENSSL_cleanse(fresh, sizeof *fresh);
    free(fresh);
    return good ? TAGIH_OK : FAIL(NET_TLS);
}

/*
 * OpenSSL keeps 16 KiB of read and of write buffer for every connection, and a thousand phones are mostly silent. gRPC
 * makes its SSL_CTX out of our reach, but OpenSSL tells whoever registered extra data about each new one.
 */
static void context_created(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp) {
    (void)ptr, (void)data, (void)index, (void)argl, (void)argp;
    SSL_CTX_set_mode(parent, SSL_MODE_RELEASE_BUFFERS);
}

static pthread_once_t lean_buffers_once = PTHREAD_ONCE_INIT;

static void lean_buffers(void) {
    (void)CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL_CTX, 0, NULL, context_created, NULL, NULL);
}

tagih_err net_tls_open(const char *cert_path, const char *key_path, struct net_tls **out) {
    if (!cert_path || !key_path) return FAIL(NET_TLS);
    pthread_once(&lean_buffers_once, lean_buffers);
    struct net_tls *tls = calloc(1, sizeof *tls);
    if (!tls) return FAIL(OUT_OF_MEMORY);
    tls->cert_path = cert_path;
    tls->key_path = key_path;
    pthread_mutex_init(&tls->lock, NULL);
    tagih_err err = net_tls_reload(tls);
    if (err_is_ok(err)) {
        *out = tls;
    } else {
        net_tls_close(tls);
    }
    return err;
}

static grpc_ssl_certificate_config_reload_status fetch(void *data, grpc_ssl_server_certificate_config **config) {
    struct net_tls *tls = data;
    grpc_ssl_certificate_config_reload_status status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    pthread_mutex_lock(&tls->lock);
    if (tls->changed) {
        grpc_ssl_pem_key_cert_pair pair = {.private_key = tls->pair.key, .cert_chain = tls->pair.cert};
        /* Roots are for client certificates, which nobody asks for; but core 1.51 aborts without any. */
        *config = grpc_ssl_server_certificate_config_create(tls->pair.cert, &pair, 1);
        tls->changed = false;
        status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
    }
    pthread_mutex_unlock(&tls->lock);
    return status;
}

grpc_server_credentials *net_tls_credentials(struct net_tls *tls) {
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE, fetch, tls));
}

void net_tls_close(struct net_tls *tls) {
    if (!tls) return;
    pthread_mutex_destroy(&tls->lock);
    OPENSSL_cleanse(tls, sizeof *tls);
    free(tls);
}
