/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The installation's keys: one folder, shared by all servers of one database. For each purpose the newest
 * secret key signs; every public key that was ever used stays, so that what it signed can be verified for
 * ever (design §3).
 *
 *     <purpose>-<key id>.key   mode 0600   secret and public part
 *     <purpose>-<key id>.pub   mode 0644   public part; kept when the .key is deleted to retire it
 */
#ifndef TAGIH_RUN_KEYS_H
#define TAGIH_RUN_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "tagih/envelope.h"
#include "tagih/err.h"
#include "tagih/time.h"

/** What a key is for; the name is the beginning of its files' names. */
#define KEY_PURPOSES(X) \
    X(TOKEN, "token")   \
    X(DEVICE, "device") \
    X(ACK, "ack")       \
    X(DOCUMENT, "document")

/* TOKEN: access tokens. DEVICE: device certificates, allowances. ACK: acknowledgements, chain certificates, digest
   heads. DOCUMENT: authorisation letters. */
enum key_purpose {
#define X(name, text) KEY_##name,
    KEY_PURPOSES(X)
#undef X
    KEY_PURPOSE_COUNT
};

/** The most keys in a folder, all purposes together. */
#define KEYS_MAX 64

struct key {
    enum key_purpose purpose;
    key_id id;
    public_key public_key;
    instant created;
    bool has_secret;
    secret_key secret; /* zero without has_secret */
};

/** Every key of the folder. Read-only after keys_load; any thread may look. */
struct keyring {
    struct key keys[KEYS_MAX];
    size_t count;
    int signing[KEY_PURPOSE_COUNT]; /* index into keys, -1: none */
};

/** What is wrong with which file, in one line for the operator. */
struct keys_problem {
    char text[320];
};

/** "token"; never NULL. Pure. */
const char *key_purpose_name(enum key_purpose purpose);

/** @return OK · KEYS_PURPOSE there is no such purpose */
TAGIH_MUST_USE tagih_err key_purpose_parse(const char *name, enum key_purpose *out);

/**
 * Read a folder of keys. A folder without a key is no error; whoever needs to sign asks keyring_signing().
 *
 * @param out      [out] to be released; undefined on error
 * @param problem  [out] set on error
 * @return OK · KEYS_UNREADABLE folder or file cannot be read · KEYS_MODE others may read a secret key ·
 *         KEYS_SYNTAX a file is not what its name says, or there are more than KEYS_MAX
 */
TAGIH_MUST_USE tagih_err keys_load(const char *folder, struct keyring *out, struct keys_problem *problem);

/** Wipe the secrets. */
void keyring_release(struct keyring *ring);

/** The key that signs for a purpose: the newest with a secret; NULL: none. */
const struct key *keyring_signing(const struct keyring *ring, enum key_purpose purpose);

/** The key of this id, if it is for this purpose; NULL: none. A key never serves another purpose than its
 * own. */
const struct key *keyring_find(const struct keyring *ring, enum key_purpose purpose, key_id id);

/**
 * Make a new key; from the next load on it signs for its purpose.
 *
 * The files appear whole or not at all, and are on disk before this returns. The folder is made (0700) when
 * absent.
 *
 * @param out      [out] the new key, wiped of its secret
 * @param problem  [out] set on error
 * @return OK · KEYS_WRITE
 */
TAGIH_MUST_USE tagih_err keys_create(const char *folder, enum key_purpose purpose, instant now,
                                     struct key *out, struct keys_problem *problem);

#endif
