/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The development CA. Each file is written beside its place and renamed, the certificate last, so a crash half-way
 * leaves nothing that looks finished. Made together: a server certificate always belongs to the CA next to it.
 */
#include "server/run/devca.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECONDS_PER_DAY (24L * 60 * 60)
#define CA_DAYS (3650L)
#define SERVER_DAYS (365L)
#define KEEP_DAYS (7L)
#define HOSTS_MAX 16
#define SAN_BYTES_MAX 4096

/* ---- certificates ---- */

static bool set_serial(X509 *cert) {
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
    bytes[0] &= 0x7F; /* a serial number is positive */
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    return set;
}

static bool set_name(X509_NAME *name, const char *common_name) {
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) == 1;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool added = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

/* A certificate with everything but extensions and signature. Begins an hour ago: clocks differ. */
static X509 *cert_new(EVP_PKEY *key, const char *common_name, long days) {
    X509 *cert = X509_new();
    bool made = cert && X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
                X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
                X509_gmtime_adj(X509_getm_notAfter(cert), days * SECONDS_PER_DAY) && X509_set_pubkey(cert, key) &&
                set_name(X509_get_subject_name(cert), common_name);
    if (made) return cert;
    X509_free(cert);
    return NULL;
}

static X509 *ca_make(EVP_PKEY *key) {
    X509 *cert = cert_new(key, "Tagih development CA", CA_DAYS);
    bool made = cert && X509_set_issuer_name(cert, X509_get_subject_name(cert)) &&
                add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                add_extension(cert, cert, NID_subject_key_identifier, "hash") && X509_sign(cert, key, EVP_sha256());
    if (made) return cert;
    X509_free(cert);
    return NULL;
}

static X509 *server_make(EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key, const char *san) {
    X509 *cert = cert_new(key, "Tagih development server", SERVER_DAYS);
    bool made = cert && X509_set_issuer_name(cert, X509_get_subject_name(ca)) &&
                add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
                add_extension(cert, ca, NID_key_usage, "critical,digitalSignature") &&
                add_extension(cert, ca, NID_ext_key_usage, "serverAuth") &&
                add_extension(cert, ca, NID_subject_alt_name, san) &&
                add_extension(cert, ca, NID_authority_key_identifier, "keyid") && X509_sign(cert, ca_key, EVP_sha256());
    if (made) return cert;
    X509_free(cert);
    return NULL;
}

/* ---- names ---- */

static bool is_ip(const char *host) {
    unsigned char address[16];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* Only what a host name holds: a comma would begin another extension entry. */
static bool is_host_name(const char *host) {
    size_t len = strlen(host);
    return len > 0 && len <= 253 &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-*") == len;
}

static bool san_write(const char *const *hosts, size_t host_count, char san[SAN_BYTES_MAX]) {
    if (host_count > HOSTS_MAX) return false;
    int used = snprintf(san, SAN_BYTES_MAX, "DNS:localhost,IP:127.0.0.1,IP:::1");
    for (size_t i = 0; i < host_count; i++) {
        bool ip = is_ip(hosts[i]);
        if (!ip && !is_host_name(hosts[i])) return false;
        used += snprintf(san + used, (size_t)(SAN_BYTES_MAX - used), ",%s:%s", ip ? "IP" : "DNS", hosts[i]);
        if (used >= SAN_BYTES_MAX) return false;
    }
    return true;
}

/* ---- files ---- */

/* Write one PEM file, 0600, all of it or nothing. Exactly one of cert and key is given. */
static bool pem_write(const char *path, X509 *cert, EVP_PKEY *key) {
    char fresh[DEVCA_PATH_MAX + 8];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) {
        if (fd >= 0) close(fd);
        return false;
    }
    bool written = cert ? PEM_write_X509(file, cert) == 1 : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
    written = fflush(file) == 0 && fsync(fd) == 0 && written;
    written = fclose(file) == 0 && written;
    return written && rename(fresh, path) == 0;
}

static X509 *cert_read(const char *path) {
    FILE *file = fopen(path, "re");
    X509 *cert = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file) fclose(file);
    return cert;
}

static bool is_pair(X509 *cert, const char *key_path) {
    FILE *file = fopen(key_path, "re");
    EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    if (file) fclose(file);
    bool pair = key && X509_check_private_key(cert, key) == 1;
    EVP_PKEY_free(key);
    return pair;
}

/* A server certificate of this CA that lasts some days more, for all the names. */
static bool is_current(const struct devca_paths *paths, const char *const *hosts, size_t host_count) {
    X509 *ca = cert_read(paths->ca), *cert = cert_read(paths->cert);
    time_t later = time(NULL) + KEEP_DAYS * SECONDS_PER_DAY;
    bool current = ca && cert && is_pair(cert, paths->key) && X509_verify(cert, X509_get0_pubkey(ca)) == 1 &&
                   X509_cmp_time(X509_get0_notAfter(cert), &later) > 0;
    for (size_t i = 0; current && i < host_count; i++) {
        current = is_ip(hosts[i]) ? X509_check_ip_asc(cert, hosts[i], 0) == 1
                                  : X509_check_host(cert, hosts[i], 0, 0, NULL) == 1;
    }
    X509_free(ca);
    X509_free(cert);
    return current;
}

static bool paths_make(const char *dir, struct devca_paths *out) {
    int len = snprintf(out->ca, sizeof out->ca, "%s/ca.pem", dir);
    snprintf(out->cert, sizeof out->cert, "%s/server.pem", dir);
    snprintf(out->key, sizeof out->key, "%s/server.key", dir);
    return len > 0 && (size_t)len + 4 < sizeof out->ca; /* the longest of the three is four longer */
}

/* The CA's key is not kept: it signs once and is gone, so nobody can sign more with it. */
static bool make_all(const struct devca_paths *paths, const char *san) {
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = ca_key ? ca_make(ca_key) : NULL;
    X509 *cert = ca && key ? server_make(key, ca, ca_key, san) : NULL;
    bool made = cert && pem_write(paths->key, NULL, key) && pem_write(paths->ca, ca, NULL) &&
                pem_write(paths->cert, cert, NULL);
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    return made;
}

tagih_err devca_ensure(const char *dir, const char *const *hosts, size_t host_count, struct devca_paths *out) {
    char san[SAN_BYTES_MAX];
    if (!paths_make(dir, out) || !san_write(hosts, host_count, san)) return FAIL(DEVCA_FAILED);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) return FAIL(DEVCA_FAILED);
    if (is_current(out, hosts, host_count)) return TAGIH_OK;
    return make_all(out, san) ? TAGIH_OK : FAIL(DEVCA_FAILED);
}
