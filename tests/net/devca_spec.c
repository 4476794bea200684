/* SPDX-License-Identifier: Apache-2.0 */
/* The development CA: made once, kept while it is good, private to its owner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "server/run/devca.h"

static char directory[64];

static int directory_up(void **state) {
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/tagih-devca-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int directory_down(void **state) {
    (void)state;
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

static X509 *read_cert(const char *path) {
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(cert);
    return cert;
}

static void assert_private(const char *path) {
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void the_files_are_the_owners_alone(void **state) {
    (void)state;
    struct devca_paths paths;
    assert_int_equal(devca_ensure(directory, NULL, 0, &paths).reason, ERR_OK);
    assert_private(paths.ca);
    assert_private(paths.cert);
    assert_private(paths.key);
}

static void the_certificate_is_for_this_machine_and_the_given_names_alone(void **state) {
    (void)state;
    const char *hosts[] = {"tagih.test", "10.0.0.7"};
    struct devca_paths paths;
    assert_int_equal(devca_ensure(directory, hosts, 2, &paths).reason, ERR_OK);
    X509 *cert = read_cert(paths.cert);
    assert_int_equal(X509_check_host(cert, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(cert, "tagih.test", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(cert, "other.test", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "10.0.0.7", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "10.0.0.8", 0), 0);
    X509_free(cert);
}

static void the_certificate_verifies_against_its_ca(void **state) {
    (void)state;
    struct devca_paths paths;
    assert_int_equal(devca_ensure(directory, NULL, 0, &paths).reason, ERR_OK);
    X509 *ca = read_cert(paths.ca), *cert = read_cert(paths.cert);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_STORE_add_cert(store, ca);
    X509_STORE_CTX_init(context, store, cert, NULL);
    X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
    assert_int_equal(X509_verify_cert(context), 1);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(ca);
    X509_free(cert);
}

/* Is the certificate still the same after another devca_ensure with these hosts? */
static int is_kept(const struct devca_paths *paths, const char *const *hosts, size_t host_count) {
    struct devca_paths again;
    X509 *before = read_cert(paths->cert);
    assert_int_equal(devca_ensure(directory, hosts, host_count, &again).reason, ERR_OK);
    X509 *after = read_cert(paths->cert);
    int kept = X509_cmp(before, after) == 0;
    X509_free(before);
    X509_free(after);
    return kept;
}

static void a_good_certificate_is_kept_and_another_is_made_anew(void **state) {
    (void)state;
    const char *hosts[] = {"tagih.test"};
    struct devca_paths paths;
    assert_int_equal(devca_ensure(directory, NULL, 0, &paths).reason, ERR_OK);
    assert_true(is_kept(&paths, NULL, 0));
    assert_false(is_kept(&paths, hosts, 1)); /* a name is new */
    assert_true(is_kept(&paths, hosts, 1));
    assert_int_equal(truncate(paths.key, 10), 0);
    assert_false(is_kept(&paths, hosts, 1)); /* the key is broken */
    unlink(paths.ca);
    assert_false(is_kept(&paths, hosts, 1)); /* the CA is gone */
}

static void a_name_that_is_none_is_refused(void **state) {
    (void)state;
    const char *bad[] = {"a,DNS:evil.test", "", "a b", "x\ny"};
    struct devca_paths paths;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(devca_ensure(directory, &bad[i], 1, &paths).reason, ERR_DEVCA_FAILED);
    }
    assert_int_equal(devca_ensure("/proc/none", NULL, 0, &paths).reason, ERR_DEVCA_FAILED);
}

#define IN_DIRECTORY(name) cmocka_unit_test_setup_teardown(name, directory_up, directory_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(the_files_are_the_owners_alone),
        IN_DIRECTORY(the_certificate_is_for_this_machine_and_the_given_names_alone),
        IN_DIRECTORY(the_certificate_verifies_against_its_ca),
        IN_DIRECTORY(a_good_certificate_is_kept_and_another_is_made_anew),
        IN_DIRECTORY(a_name_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
