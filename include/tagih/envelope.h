/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope: how everything that is signed looks, for ever. An untagged COSE_Sign1 (RFC 9052) with EdDSA
 * over Ed25519, an empty unprotected header and exactly three protected ones, {1: -8, 4: key id, 16: type}.
 * The type says what the payload is, so a signature for one purpose never serves another; the installation's
 * 16-byte id is the external_aad, so what a test system signs is worth nothing in production.
 *
 *     bytes  = [ protected : bstr, {}, payload : bstr, signature : bstr .size 64 ]
 *     signed = [ "Signature1", protected, installation id, payload ]          (the Sig_structure)
 *     hash   = SHA-256(signed): the name of the content; a second signature over the same content has the
 * same hash
 *
 * CBOR is deterministic (RFC 8949 §4.2.1): bytes that do not re-encode to themselves are refused.
 * proto/README.md has the CDDL, tests/vectors/journal the bytes.
 */
#ifndef TAGIH_ENVELOPE_H
#define TAGIH_ENVELOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "tagih/bytes.h"
#include "tagih/err.h"

/** The longest envelope, in bytes. */
#define ENVELOPE_MAX 4096

/** Bytes an envelope adds to its payload, at most: header with the longest type, lengths, signature. */
#define ENVELOPE_OVERHEAD_MAX 144

/** The longest payload that always fits. */
#define ENVELOPE_PAYLOAD_MAX (ENVELOPE_MAX - ENVELOPE_OVERHEAD_MAX)

#define ENVELOPE_SIGNATURE_SIZE 64

/** What is signed; the name is the middle of `application/vnd.tagih.<name>+cose`. Add at the end, never rename. */
#define ENVELOPE_TYPES(X)                           \
    X(JOURNAL_ENTRY, "journal-entry")               \
    X(ACKNOWLEDGEMENT, "ack")                       \
    X(CHAIN_CERTIFICATE, "chain-cert")              \
    X(DEVICE_CERTIFICATE, "device-cert")            \
    X(ALLOWANCE, "allowance")                       \
    X(AUTHORISATION_LETTER, "authorisation-letter") \
    X(POSTING_HEAD, "posting-head")                 \
    X(ENROLMENT_PROOF, "enrolment-proof")           \
    X(NONCE_PROOF, "nonce-proof")                   \
    X(ACCESS_TOKEN, "access-token")

enum envelope_type {
#define X(name, text) ENVELOPE_##name,
    ENVELOPE_TYPES(X)
#undef X
    ENVELOPE_TYPE_COUNT
};

/** An installation: given at enrolment, the external_aad of every signature. */
typedef struct {
    uint8_t b[16];
} installation_id;

/** An Ed25519 public key. */
typedef struct {
    uint8_t b[32];
} public_key;

/** An Ed25519 secret key as libsodium keeps it: seed, then public key. */
typedef struct {
    uint8_t b[64];
} secret_key;

/** The name of a key: the first 8 bytes of SHA-256 over its 32 public bytes; for devices and servers alike.
 */
typedef struct {
    uint8_t b[8];
} key_id;

/** An envelope that has been taken apart. Every pointer leads into the bytes it was opened from. */
struct envelope {
    enum envelope_type type;
    key_id kid;
    installation_id installation;
    struct bytes protected_header; /* the map, without the bstr head around it */
    struct bytes payload;
    const uint8_t *signature; /* ENVELOPE_SIGNATURE_SIZE bytes */
    hash256 hash;             /* SHA-256 over the Sig_structure */
};

/** Key pair from 32 secret seed bytes (RFC 8032 §5.1.5). Pure: the same seed gives the same pair. */
void key_pair_from_seed(const uint8_t seed[32], public_key *public_out, secret_key *secret_out);

/** The id of a key. Pure. */
key_id key_id_of(const public_key *key);

static inline bool key_id_equal(key_id a, key_id b) {
    return bytes_equal(BYTES_OF(&a), BYTES_OF(&b));
}

/**
 * Whether a key may be enrolled (R-JRN-1).
 *
 * libsodium verifies some signatures of keys with a small-order part, whose owner can sign two contents with
 * one signature. Such a key is refused before it ever becomes a device's.
 *
 * @return OK · ENVELOPE_KEY not canonical, not on the curve, of small order, or outside the main subgroup
 */
TAGIH_MUST_USE tagih_err public_key_check(const public_key *key);

/** The full media type of a kind, NUL-terminated. Never NULL. Pure. */
const char *envelope_type_text(enum envelope_type type);

/**
 * Sign a payload.
 *
 * @param payload  deterministic CBOR; anything that has its own check is checked by its own module
 * @param out      [out] `size` bytes; ENVELOPE_MAX always suffices
 * @param len      [out] bytes written
 * @return OK · ENVELOPE_TOO_LARGE longer than ENVELOPE_MAX · BUFFER_SMALL
 *
 * Pure; the same input gives the same bytes (Ed25519 takes no randomness). About 16 µs.
 */
TAGIH_MUST_USE tagih_err envelope_sign(enum envelope_type type, installation_id installation,
                                       const secret_key *key, struct bytes payload, uint8_t *out, size_t size,
                                       size_t *len);

/**
 * Take an envelope apart and compute its hash. The signature is not looked at: see envelope_verify().
 *
 * @param in    the whole envelope, nothing behind it
 * @param want  the only type accepted
 * @param out   [out] points into `in`; undefined on error
 * @return OK · ENVELOPE_TOO_LARGE · ENVELOPE_SYNTAX not this form, or not deterministic · ENVELOPE_TYPE
 * another type
 *
 * Pure, no allocation, a few µs: small beside the verification. The payload's own form is its module's
 * matter. Source: RFC 9052 §4.2 and §4.4, RFC 9596 (typ), RFC 8949 §4.2.1. Rule R-JRN-2.
 */
TAGIH_MUST_USE tagih_err envelope_open(struct bytes in, enum envelope_type want, installation_id installation,
                                       struct envelope *out);

/**
 * Check the signature of an opened envelope.
 *
 * @return OK · ENVELOPE_SIGNATURE this key did not sign these bytes for this installation
 *
 * Pure, about 40 µs.
 */
TAGIH_MUST_USE tagih_err envelope_verify(const struct envelope *envelope, const public_key *key);

#endif
