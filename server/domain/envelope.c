/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope (R-JRN-2). Signing, opening and verifying build the same Sig_structure on the stack. Every
 * part is read by the strict reader in the one order there is, so only the one deterministic form passes.
 */
#include "tagih/envelope.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "domain/dcbor.h"
#include "domain/envelope_internal.h"

/* COSE header labels and the algorithm: RFC 9052 §3.1, RFC 9596, RFC 9053 §2.2. */
enum { HEADER_ALG = 1, HEADER_KID = 4, HEADER_TYP = 16, ALG_EDDSA = -8 };

static const char *const type_texts[] = {
#define X(name, text) "application/vnd.tagih." text "+cose",
    ENVELOPE_TYPES(X)
#undef X
};

const char *envelope_type_text(enum envelope_type type) {
    assert(type < ENVELOPE_TYPE_COUNT);
    return type_texts[type];
}

void key_pair_from_seed(const uint8_t seed[32], public_key *public_out, secret_key *secret_out) {
    int failed = crypto_sign_seed_keypair(public_out->b, secret_out->b, seed);
    assert(!failed);
    (void)failed;
}

key_id key_id_of(const public_key *key) {
    hash256 digest;
    crypto_hash_sha256(digest.b, key->b, sizeof key->b);
    key_id id;
    memcpy(id.b, digest.b, sizeof id.b);
    return id;
}

tagih_err public_key_check(const public_key *key) {
    return crypto_core_ed25519_is_valid_point(key->b) ? TAGIH_OK : FAIL(ENVELOPE_KEY);
}

/* The only form a protected header has, for a type and a key. */
static struct bytes write_protected(enum envelope_type type, key_id kid, uint8_t *out, size_t size) {
    struct dcbor_out writer = dcbor_out_make(out, size);
    dcbor_put_map(&writer, 3);
    dcbor_put_uint(&writer, HEADER_ALG);
    dcbor_put_int(&writer, ALG_EDDSA);
    dcbor_put_uint(&writer, HEADER_KID);
    dcbor_put_bytes(&writer, BYTES_OF(&kid));
    dcbor_put_uint(&writer, HEADER_TYP);
    dcbor_put_text(&writer, bytes_text(envelope_type_text(type)));
    assert(!writer.full);
    return bytes_make(out, writer.len);
}

struct bytes envelope__to_be_signed(struct bytes protected_header, struct bytes aad, struct bytes payload,
                                    uint8_t out[ENVELOPE__SIGNED_MAX]) {
    struct dcbor_out writer = dcbor_out_make(out, ENVELOPE__SIGNED_MAX);
    dcbor_put_array(&writer, 4);
    dcbor_put_text(&writer, bytes_text("Signature1"));
    dcbor_put_bytes(&writer, protected_header);
    dcbor_put_bytes(&writer, aad);
    dcbor_put_bytes(&writer, payload);
    assert(!writer.full);
    return bytes_make(out, writer.len);
}

bool envelope__is_signed(struct bytes to_be_signed, const uint8_t *signature, const public_key *key) {
    return crypto_sign_verify_detached(signature, to_be_signed.data, to_be_signed.len, key->b) == 0;
}

/* libsodium keeps the public key behind the seed. */
static key_id key_id_of_secret(const secret_key *key) {
    public_key public_part;
    memcpy(public_part.b, key->b + 32, sizeof public_part.b);
    return key_id_of(&public_part);
}

tagih_err envelope_sign(enum envelope_type type, installation_id installation, const secret_key *key,
                        struct bytes payload, uint8_t *out, size_t size, size_t *len) {
    uint8_t header_memory[ENVELOPE_OVERHEAD_MAX], signed_memory[ENVELOPE__SIGNED_MAX],
        signature[ENVELOPE_SIGNATURE_SIZE];
    if (payload.len > ENVELOPE_MAX) return FAIL(ENVELOPE_TOO_LARGE);
    struct bytes header = write_protected(type, key_id_of_secret(key), header_memory, sizeof header_memory);
    struct bytes message = envelope__to_be_signed(header, BYTES_OF(&installation), payload, signed_memory);
    crypto_sign_detached(signature, NULL, message.data, message.len, key->b);

    struct dcbor_out writer = dcbor_out_make(out, size);
    dcbor_put_array(&writer, 4);
    dcbor_put_bytes(&writer, header);
    dcbor_put_map(&writer, 0);
    dcbor_put_bytes(&writer, payload);
    dcbor_put_bytes(&writer, bytes_make(signature, sizeof signature));
    if (writer.full) return FAIL(BUFFER_SMALL);
    if (writer.len > ENVELOPE_MAX) return FAIL(ENVELOPE_TOO_LARGE);
    *len = writer.len;
    return TAGIH_OK;
}

/* The four parts of a COSE_Sign1, in shortest form, and nothing behind them. */
static tagih_err take_parts(struct bytes in, struct envelope *out) {
    struct dcbor_item item;
    if (!dcbor_take_kind(&in, DCBOR_ARRAY, &item) || item.value != 4) return FAIL(ENVELOPE_SYNTAX);
    if (!dcbor_take_kind(&in, DCBOR_BYTES, &item)) return FAIL(ENVELOPE_SYNTAX);
    out->protected_header = item.bytes;
    if (!dcbor_take_kind(&in, DCBOR_MAP, &item) || item.value != 0) return FAIL(ENVELOPE_SYNTAX);
    if (!dcbor_take_kind(&in, DCBOR_BYTES, &item)) return FAIL(ENVELOPE_SYNTAX);
    out->payload = item.bytes;
    if (!dcbor_take_kind(&in, DCBOR_BYTES, &item)) return FAIL(ENVELOPE_SYNTAX);
    if (item.bytes.len != ENVELOPE_SIGNATURE_SIZE || in.len) return FAIL(ENVELOPE_SYNTAX);
    out->signature = item.bytes.data;
    return TAGIH_OK;
}

static bool take_label(struct bytes *in, int64_t label) {
    struct dcbor_item item = dcbor_take(in);
    int64_t value;
    return dcbor_item_int(&item, &value) && value == label;
}

/* {1: -8, 4: kid, 16: typ}; `typ` is any text here. */
static tagih_err take_header(struct bytes in, key_id *kid, struct bytes *typ) {
    struct dcbor_item item;
    if (!dcbor_take_kind(&in, DCBOR_MAP, &item) || item.value != 3) return FAIL(ENVELOPE_SYNTAX);
    if (!take_label(&in, HEADER_ALG) || !take_label(&in, ALG_EDDSA)) return FAIL(ENVELOPE_SYNTAX);
    if (!take_label(&in, HEADER_KID) || !dcbor_take_kind(&in, DCBOR_BYTES, &item))
        return FAIL(ENVELOPE_SYNTAX);
    if (item.bytes.len != sizeof kid->b) return FAIL(ENVELOPE_SYNTAX);
    memcpy(kid->b, item.bytes.data, sizeof kid->b);
    if (!take_label(&in, HEADER_TYP) || !dcbor_take_kind(&in, DCBOR_TEXT, &item))
        return FAIL(ENVELOPE_SYNTAX);
    *typ = item.bytes;
    return in.len ? FAIL(ENVELOPE_SYNTAX) : TAGIH_OK;
}

tagih_err envelope_open(struct bytes in, enum envelope_type want, installation_id installation,
                        struct envelope *out) {
    uint8_t signed_memory[ENVELOPE__SIGNED_MAX];
    struct bytes typ;
    if (in.len > ENVELOPE_MAX) return FAIL(ENVELOPE_TOO_LARGE);
    TRY(take_parts(in, out));
    TRY(take_header(out->protected_header, &out->kid, &typ));
    if (!bytes_equal(typ, bytes_text(envelope_type_text(want)))) return FAIL(ENVELOPE_TYPE);
    out->type = want;
    out->installation = installation;
    struct bytes message =
        envelope__to_be_signed(out->protected_header, BYTES_OF(&installation), out->payload, signed_memory);
    crypto_hash_sha256(out->hash.b, message.data, message.len);
    return TAGIH_OK;
}

tagih_err envelope_verify(const struct envelope *envelope, const public_key *key) {
    uint8_t signed_memory[ENVELOPE__SIGNED_MAX];
    struct bytes message = envelope__to_be_signed(
        envelope->protected_header, BYTES_OF(&envelope->installation), envelope->payload, signed_memory);
    return envelope__is_signed(message, envelope->signature, key) ? TAGIH_OK : FAIL(ENVELOPE_SIGNATURE);
}
