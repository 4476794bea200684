/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of keys: what it makes it reads again, and what is wrong with it is named. */
#include "server/run/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

struct folder {
    char path[64];
    struct keys_problem problem;
};

static int make_folder(void **state) {
    static struct folder folder;
    snprintf(folder.path, sizeof folder.path, "/tmp/tagih-keys.XXXXXX");
    *state = &folder;
    return mkdtemp(folder.path) ? 0 : -1;
}

static int remove_folder(void **state) {
    struct folder *folder = *state;
    char command[96];
    snprintf(command, sizeof command, "rm -rf -- %s", folder->path);
    return system(command);
}

static struct key made(struct folder *folder, enum key_purpose purpose, int64_t created_us) {
    struct key key;
    tagih_err err = keys_create(folder->path, purpose, (instant){created_us}, &key, &folder->problem);
    assert_true(err_is_ok(err));
    return key;
}

static void file_of(const struct folder *folder, const struct key *key, const char *end, char out[160]) {
    char id[17];
    bytes_hex(BYTES_OF(&key->id), id);
    snprintf(out, 160, "%s/%s-%s.%s", folder->path, key_purpose_name(key->purpose), id, end);
}

static void a_new_key_is_found_again_and_signs(void **state) {
    struct folder *folder = *state;
    struct key key = made(folder, KEY_ACK, 1000);
    assert_false(key.has_secret && !sodium_is_zero(key.secret.b, sizeof key.secret.b));
    struct keyring ring;
    assert_true(err_is_ok(keys_load(folder->path, &ring, &folder->problem)));
    assert_int_equal(ring.count, 1);
    const struct key *found = keyring_signing(&ring, KEY_ACK);
    assert_non_null(found);
    assert_true(key_id_equal(found->id, key.id));
    uint8_t signature[64];
    crypto_sign_detached(signature, NULL, (const uint8_t *)"x", 1, found->secret.b);
    assert_int_equal(crypto_sign_verify_detached(signature, (const uint8_t *)"x", 1, key.public_key.b), 0);
    assert_null(keyring_signing(&ring, KEY_TOKEN));
    keyring_release(&ring);
}

static void the_key_id_is_the_first_8_bytes_of_the_hash_of_the_public_key(void **state) {
    struct key key = made(*state, KEY_TOKEN, 1000);
    uint8_t hash[32];
    crypto_hash_sha256(hash, key.public_key.b, sizeof key.public_key.b);
    assert_memory_equal(key.id.b, hash, 8);
}

static void the_newest_key_signs_and_the_old_one_still_verifies(void **state) {
    struct folder *folder = *state;
    struct key newer = made(folder, KEY_TOKEN, 2000), older = made(folder, KEY_TOKEN, 1000);
    struct keyring ring;
    assert_true(err_is_ok(keys_load(folder->path, &ring, &folder->problem)));
    assert_true(key_id_equal(keyring_signing(&ring, KEY_TOKEN)->id, newer.id));
    assert_non_null(keyring_find(&ring, KEY_TOKEN, older.id));
    keyring_release(&ring);
}

static void a_key_never_serves_another_purpose(void **state) {
    struct folder *folder = *state;
    struct key key = made(folder, KEY_TOKEN, 1000);
    struct keyring ring;
    assert_true(err_is_ok(keys_load(folder->path, &ring, &folder->problem)));
    assert_null(keyring_find(&ring, KEY_ACK, key.id));
    keyring_release(&ring);
}

static void a_retired_key_keeps_its_public_part(void **state) {
    struct folder *folder = *state;
    struct key key = made(folder, KEY_DEVICE, 1000);
    char path[160];
    file_of(folder, &key, "key", path);
    assert_int_equal(unlink(path), 0);
    struct keyring ring;
    assert_true(err_is_ok(keys_load(folder->path, &ring, &folder->problem)));
    assert_non_null(keyring_find(&ring, KEY_DEVICE, key.id));
    assert_null(keyring_signing(&ring, KEY_DEVICE));
    keyring_release(&ring);
}

static void a_secret_key_that_others_may_read_is_refused(void **state) {
    struct folder *folder = *state;
    struct key key = made(folder, KEY_DOCUMENT, 1000);
    char path[160];
    file_of(folder, &key, "key", path);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(chmod(path, 0640), 0);
    struct keyring ring;
    assert_true(err_is(keys_load(folder->path, &ring, &folder->problem), ERR_KEYS_MODE));
    assert_non_null(strstr(folder->problem.text, path));
}

static void any_changed_byte_of_a_key_file_is_noticed(void **state) {
    struct folder *folder = *state;
    struct key key = made(folder, KEY_TOKEN, 1000);
    char path[160], text[512];
    file_of(folder, &key, "key", path);
    FILE *file = fopen(path, "r+");
    size_t len = fread(text, 1, sizeof text, file);
    assert_true(len > 100);
    for (size_t i = 0; i < len; i++) {
        if (strchr(" \n", text[i]) || (text[i] >= '0' && text[i] <= '9' && i < 60)) continue;
        assert_int_equal(fseek(file, (long)i, SEEK_SET), 0);
        fputc(text[i] == 'a' ? 'b' : 'a', file);
        fflush(file);
        struct keyring ring;
        assert_true(err_is(keys_load(folder->path, &ring, &folder->problem), ERR_KEYS_SYNTAX));
        assert_int_equal(fseek(file, (long)i, SEEK_SET), 0);
        fputc(text[i], file);
        fflush(file);
    }
    fclose(file);
}

static void a_folder_that_cannot_be_read_or_written_is_named(void **state) {
    struct folder *folder = *state;
    struct keyring ring;
    struct key key;
    assert_true(err_is(keys_load("/nowhere/keys", &ring, &folder->problem), ERR_KEYS_UNREADABLE));
    assert_string_equal(folder->problem.text, "/nowhere/keys: No such file or directory");
    assert_true(
        err_is(keys_create("/nowhere/keys", KEY_ACK, (instant){1}, &key, &folder->problem), ERR_KEYS_WRITE));
}

static void there_are_four_purposes_and_no_fifth(void **state) {
    (void)state;
    enum key_purpose purpose;
    for (int i = 0; i < KEY_PURPOSE_COUNT; i++) {
        assert_true(err_is_ok(key_purpose_parse(key_purpose_name((enum key_purpose)i), &purpose)));
        assert_int_equal(purpose, i);
    }
    assert_true(err_is(key_purpose_parse("tokens", &purpose), ERR_KEYS_PURPOSE));
}

int main(void) {
    if (sodium_init() < 0) return 1;
#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_new_key_is_found_again_and_signs),
        IN_FOLDER(the_key_id_is_the_first_8_bytes_of_the_hash_of_the_public_key),
        IN_FOLDER(the_newest_key_signs_and_the_old_one_still_verifies),
        IN_FOLDER(a_key_never_serves_another_purpose),
        IN_FOLDER(a_retired_key_keeps_its_public_part),
        IN_FOLDER(a_secret_key_that_others_may_read_is_refused),
        IN_FOLDER(any_changed_byte_of_a_key_file_is_noticed),
        IN_FOLDER(a_folder_that_cannot_be_read_or_written_is_named),
        cmocka_unit_test(there_are_four_purposes_and_no_fifth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
