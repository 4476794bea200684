/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of keys. A file is five lines of text that an operator can read:
 *
 *     tagih-key 1
 *     purpose token
 *     created 1798000000000000        (µs since 1970)
 *     public  <64 hexadecimal digits>
 *     secret  <64 hexadecimal digits: the seed>          (.key only)
 *
 * Invariant: the name, the purpose line, the key id of the public line and the public half of the seed all
 * agree.
 */
#include "server/run/keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 512
#define PATH_SIZE 4352

static const char *const purpose_names[KEY_PURPOSE_COUNT] = {
#define X(name, text) [KEY_##name] = text,
    KEY_PURPOSES(X)
#undef X
};

/* Say what is wrong; a text that is too long is cut. */
__attribute__((format(printf, 3, 4))) static tagih_err refuse(struct keys_problem *problem, tagih_err err,
                                                              const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
    return err;
}

const char *key_purpose_name(enum key_purpose purpose) {
    return purpose_names[purpose];
}

tagih_err key_purpose_parse(const char *name, enum key_purpose *out) {
    for (int i = 0; i < KEY_PURPOSE_COUNT; i++) {
        if (strcmp(purpose_names[i], name) != 0) continue;
        *out = (enum key_purpose)i;
        return TAGIH_OK;
    }
    return FAIL(KEYS_PURPOSE);
}

/* "<purpose>-<16 hex>" and what follows; false: no name of a key file. */
static bool read_name(const char *name, enum key_purpose *purpose, key_id *id, bool *is_secret) {
    const char *dash = strchr(name, '-');
    char word[16], hex[17];
    if (!dash || (size_t)(dash - name) >= sizeof word || strlen(dash) != 1 + 16 + 4) return false;
    snprintf(word, sizeof word, "%.*s", (int)(dash - name), name);
    snprintf(hex, sizeof hex, "%.16s", dash + 1);
    *is_secret = strcmp(dash + 17, ".key") == 0;
    return (*is_secret || strcmp(dash + 17, ".pub") == 0) && err_is_ok(key_purpose_parse(word, purpose)) &&
           err_is_ok(bytes_unhex(hex, id->b, sizeof id->b));
}

/* The whole file, NUL-terminated. */
static tagih_err read_file(const char *path, bool is_secret, char out[FILE_MAX],
                           struct keys_problem *problem) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return refuse(problem, FAIL(KEYS_UNREADABLE), "%s: %s", path, strerror(errno));
    struct stat st;
    bool readable = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    ssize_t len = readable ? read(fd, out, FILE_MAX - 1) : -1;
    close(fd);
    if (len < 0) return refuse(problem, FAIL(KEYS_UNREADABLE), "%s: cannot be read as a file", path);
    out[len] = '\0';
    if (is_secret && (st.st_mode & 077)) {
        return refuse(problem, FAIL(KEYS_MODE),
                      "%s: others may read this secret key; chmod 600, and replace the key", path);
    }
    return TAGIH_OK;
}

static bool parse_text(const char *text, bool is_secret, struct key *out, char seed_hex[65]) {
    char purpose[16], public_hex[65];
    long long created;
    int used = 0;
    int n = sscanf(text, "tagih-key 1 purpose %15[a-z] created %lld public %64[0-9a-f] %n", purpose, &created,
                   public_hex, &used);
    if (n != 3 || used == 0 || !err_is_ok(key_purpose_parse(purpose, &out->purpose))) return false;
    out->created = (instant){created};
    if (!err_is_ok(bytes_unhex(public_hex, out->public_key.b, sizeof out->public_key.b))) return false;
    out->id = key_id_of(&out->public_key);
    if (!is_secret) return text[used] == '\0';
    int end = 0;
    return sscanf(text + used, "secret %64[0-9a-f] %n", seed_hex, &end) == 1 && end > 0 &&
           text[used + end] == '\0';
}

/* Take the seed in; false when it is not the public key's. */
static bool adopt_seed(const char *seed_hex, struct key *key) {
    uint8_t seed[32];
    public_key derived;
    if (!err_is_ok(bytes_unhex(seed_hex, seed, sizeof seed))) return false;
    key_pair_from_seed(seed, &derived, &key->secret);
    sodium_memzero(seed, sizeof seed);
    key->has_secret = true;
    return memcmp(derived.b, key->public_key.b, sizeof derived.b) == 0;
}

static void add(struct keyring *ring, const struct key *key) {
    for (size_t i = 0; i < ring->count; i++) {
        if (!key_id_equal(ring->keys[i].id, key->id)) continue;
        if (key->has_secret) ring->keys[i] = *key;
        return;
    }
    ring->keys[ring->count++] = *key;
}

/* One file of the folder; names that are no key file's are left alone. */
static tagih_err load_one(const char *folder, const char *name, struct keyring *ring,
                          struct keys_problem *problem) {
    enum key_purpose purpose;
    key_id id;
    bool is_secret;
    if (!read_name(name, &purpose, &id, &is_secret)) return TAGIH_OK;
    if (ring->count == KEYS_MAX)
        return refuse(problem, FAIL(KEYS_SYNTAX), "%s: more than %d keys", folder, KEYS_MAX);
    char path[PATH_SIZE], text[FILE_MAX], seed_hex[65] = "";
    snprintf(path, sizeof path, "%s/%s", folder, name);
    TRY(read_file(path, is_secret, text, problem));
    struct key key = {0};
    bool fits = parse_text(text, is_secret, &key, seed_hex) && key.purpose == purpose &&
                key_id_equal(key.id, id) && (!is_secret || adopt_seed(seed_hex, &key));
    if (fits) add(ring, &key);
    sodium_memzero(text, sizeof text);
    sodium_memzero(seed_hex, sizeof seed_hex);
    sodium_memzero(&key.secret, sizeof key.secret);
    return fits ? TAGIH_OK
                : refuse(problem, FAIL(KEYS_SYNTAX), "%s: its content is not the key that its name says",
                         path);
}

/* Of two keys of one moment the greater id signs, so that every server of a database chooses the same. */
static bool is_newer(const struct key *a, const struct key *b) {
    if (a->created.us != b->created.us) return a->created.us > b->created.us;
    return memcmp(a->id.b, b->id.b, sizeof a->id.b) > 0;
}

static void choose_signing(struct keyring *ring) {
    for (int p = 0; p < KEY_PURPOSE_COUNT; p++) ring->signing[p] = -1;
    for (size_t i = 0; i < ring->count; i++) {
        const struct key *key = &ring->keys[i];
        int *best = &ring->signing[key->purpose];
        if (key->has_secret && (*best < 0 || is_newer(key, &ring->keys[*best]))) *best = (int)i;
    }
}

tagih_err keys_load(const char *folder, struct keyring *out, struct keys_problem *problem) {
    *out = (struct keyring){.count = 0};
    DIR *dir = opendir(folder);
    if (!dir) return refuse(problem, FAIL(KEYS_UNREADABLE), "%s: %s", folder, strerror(errno));
    tagih_err err = TAGIH_OK;
    for (struct dirent *entry; err_is_ok(err) && (entry = readdir(dir));) {
        err = load_one(folder, entry->d_name, out, problem);
    }
    closedir(dir);
    if (!err_is_ok(err)) keyring_release(out);
    choose_signing(out);
    return err;
}

void keyring_release(struct keyring *ring) {
    sodium_memzero(ring->keys, sizeof ring->keys);
    ring->count = 0;
    choose_signing(ring);
}

const struct key *keyring_signing(const struct keyring *ring, enum key_purpose purpose) {
    return ring->signing[purpose] < 0 ? NULL : &ring->keys[ring->signing[purpose]];
}

const struct key *keyring_find(const struct keyring *ring, enum key_purpose purpose, key_id id) {
    for (size_t i = 0; i < ring->count; i++) {
        const struct key *key = &ring->keys[i];
        if (key->purpose == purpose && key_id_equal(key->id, id)) return key;
    }
    return NULL;
}

/* Write a new file under a name that is no key file's, flush it, then give it its name: whole or not at all.
 */
static tagih_err write_file(const char *path, const char *text, mode_t mode, struct keys_problem *problem) {
    char fresh[PATH_SIZE + 8];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) return refuse(problem, FAIL(KEYS_WRITE), "%s: %s", fresh, strerror(errno));
    size_t len = strlen(text);
    bool written = write(fd, text, len) == (ssize_t)len && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    written = close(fd) == 0 && written && rename(fresh, path) == 0;
    if (written) return TAGIH_OK;
    tagih_err err = refuse(problem, FAIL(KEYS_WRITE), "%s: %s", path, strerror(errno));
    unlink(fresh);
    return err;
}

static tagih_err write_pair(const char *folder, const struct key *key, const char *seed_hex,
                            struct keys_problem *problem) {
    char id[17], public_hex[65], text[FILE_MAX], path[PATH_SIZE];
    const char *purpose = purpose_names[key->purpose];
    bytes_hex(BYTES_OF(&key->id), id);
    bytes_hex(BYTES_OF(&key->public_key), public_hex);
    int len = snprintf(text, sizeof text, "tagih-key 1\npurpose %s\ncreated %lld\npublic %s\n", purpose,
                       (long long)key->created.us, public_hex);
    snprintf(path, sizeof path, "%s/%s-%s.pub", folder, purpose, id);
    TRY(write_file(path, text, 0644, problem));
    snprintf(text + len, sizeof text - (size_t)len, "secret %s\n", seed_hex);
    snprintf(path, sizeof path, "%s/%s-%s.key", folder, purpose, id);
    tagih_err err = write_file(path, text, 0600, problem);
    sodium_memzero(text, sizeof text);
    return err;
}

static tagih_err sync_folder(const char *folder, struct keys_problem *problem) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return synced ? TAGIH_OK : refuse(problem, FAIL(KEYS_WRITE), "%s: %s", folder, strerror(errno));
}

tagih_err keys_create(const char *folder, enum key_purpose purpose, instant now, struct key *out,
                      struct keys_problem *problem) {
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return refuse(problem, FAIL(KEYS_WRITE), "%s: %s", folder, strerror(errno));
    uint8_t seed[32];
    char seed_hex[65];
    randombytes_buf(seed, sizeof seed);
    bytes_hex(BYTES_OF(&seed), seed_hex);
    *out = (struct key){.purpose = purpose, .created = now};
    key_pair_from_seed(seed, &out->public_key, &out->secret);
    out->id = key_id_of(&out->public_key);
    tagih_err err = write_pair(folder, out, seed_hex, problem);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(seed_hex, sizeof seed_hex);
    sodium_memzero(&out->secret, sizeof out->secret);
    TRY(err);
    return sync_folder(folder, problem);
}
