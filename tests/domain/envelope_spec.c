/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope: every vector written by the independent verifier opens here, and what is signed here is byte
 * for byte what it wrote. Foreign Ed25519 and COSE vectors are hostile/vectors_spec.c's.
 */
#include "domain/envelope_internal.h"
#include "tests/support/case.h"
#include "tests/support/journal_samples.h"

static struct sample_keys keys;

static int make_keys(void **state) {
    (void)state;
    keys = sample_keys_make();
    return 0;
}

static struct bytes signed_sample(uint8_t out[ENVELOPE_MAX]) {
    size_t len;
    struct journal_entry entry = sample_receipt();
    assert_ok(journal_sign(&entry, keys.installation, &keys.device_secret, out, ENVELOPE_MAX, &len));
    return bytes_make(out, len);
}

static enum envelope_type type_named(const char *name) {
    char text[192];
    snprintf(text, sizeof text, "application/vnd.tagih.%s+cose", name);
    for (int type = 0; type < ENVELOPE_TYPE_COUNT; type++)
        if (strcmp(envelope_type_text((enum envelope_type)type), text) == 0) return (enum envelope_type)type;
    fail_msg("no type %s", name);
    return ENVELOPE_TYPE_COUNT;
}

static const struct sample *sample_named(const char *name) {
    for (size_t i = 0; i < sample_count; i++)
        if (strcmp(samples[i].name, name) == 0) return &samples[i];
    fail_msg("no sample %s", name);
    return NULL;
}

static void check_good(const struct vector *vector, void *context) {
    const char *name = vector->fields[0];
    const public_key *key = strcmp(vector->fields[2], "device") == 0 ? &keys.device : &keys.server;
    struct envelope envelope;
    char hash[65];
    uint8_t mine[ENVELOPE_MAX];
    size_t len;
    (void)context;
    assert_ok(envelope_open(bytes_make(vector->bytes, vector->len), type_named(vector->fields[1]),
                            keys.installation, &envelope));
    assert_ok(envelope_verify(&envelope, key));
    assert_true(key_id_equal(envelope.kid, key_id_of(key)));
    bytes_hex(BYTES_OF(&envelope.hash), hash);
    assert_string_equal(hash, vector->fields[3]);
    assert_ok(sample_named(name)->sign(&keys, mine, sizeof mine, &len));
    if (!bytes_equal(bytes_make(mine, len), bytes_make(vector->bytes, vector->len)))
        fail_msg("%s: other bytes", name);
}

//= RULES.md R-JRN-2
//  An entry is one COSE_Sign1 over deterministic CBOR, verified, hashed and stored as the bytes received,
//  never re-serialised. The entry's hash is SHA-256 over the COSE Sig_structure, full 32 bytes.
static void what_the_independent_writer_signed_verifies_and_is_what_we_sign(void **state) {
    (void)state;
    assert_int_equal(vectors_each("good.tsv", check_good, NULL), sample_count);
}

static void check_bad(const struct vector *vector, void *context) {
    struct envelope envelope;
    struct journal_entry entry;
    const char *reason = vector->fields[1];
    (void)context;
    tagih_err err = envelope_open(bytes_make(vector->bytes, vector->len), ENVELOPE_JOURNAL_ENTRY,
                                  keys.installation, &envelope);
    if (err_is_ok(err)) err = envelope_verify(&envelope, &keys.device);
    if (err_is_ok(err)) err = journal_decode(envelope.payload, &entry);
    if (strcmp(err_name(err), reason) != 0)
        fail_msg("%s: %s, expected %s", vector->fields[0], err_name(err), reason);
}

//= RULES.md R-JRN-2
//  An entry is one COSE_Sign1 over deterministic CBOR, verified, hashed and stored as the bytes received,
//  never re-serialised.
static void each_bad_vector_is_refused_for_its_one_reason(void **state) {
    (void)state;
    assert_true(vectors_each("bad.tsv", check_bad, NULL) >= 50);
}

//= RULES.md R-JRN-2
//  The entry's hash is SHA-256 over the COSE Sig_structure, full 32 bytes, so a second signature over the
//  same bytes is a duplicate and not a fork.
static void the_hash_does_not_depend_on_the_signature(void **state) {
    (void)state;
    uint8_t bytes[ENVELOPE_MAX];
    struct bytes in = signed_sample(bytes);
    struct envelope first, second;
    assert_ok(envelope_open(in, ENVELOPE_JOURNAL_ENTRY, keys.installation, &first));
    bytes[in.len - 1] ^= 1;
    assert_ok(envelope_open(in, ENVELOPE_JOURNAL_ENTRY, keys.installation, &second));
    assert_true(hash256_equal(&first.hash, &second.hash));
    assert_fails(envelope_verify(&second, &keys.device), ENVELOPE_SIGNATURE);
}

static void a_flipped_bit_anywhere_is_never_accepted(void **state) {
    (void)state;
    uint8_t bytes[ENVELOPE_MAX];
    struct bytes in = signed_sample(bytes);
    for (size_t bit = 0; bit < in.len * 8; bit++) {
        struct envelope envelope;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        tagih_err err = envelope_open(in, ENVELOPE_JOURNAL_ENTRY, keys.installation, &envelope);
        if (err_is_ok(err)) err = envelope_verify(&envelope, &keys.device);
        if (err_is_ok(err)) fail_msg("bit %zu", bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void a_cut_envelope_is_never_accepted(void **state) {
    (void)state;
    uint8_t bytes[ENVELOPE_MAX];
    struct bytes in = signed_sample(bytes);
    for (size_t len = 0; len < in.len; len++) {
        struct envelope envelope;
        uint8_t *exact = malloc(len ? len : 1); /* so that the sanitizer sees a read beyond */
        assert_non_null(exact);
        memcpy(exact, bytes, len);
        tagih_err err =
            envelope_open(bytes_make(exact, len), ENVELOPE_JOURNAL_ENTRY, keys.installation, &envelope);
        assert_fails(err, ENVELOPE_SYNTAX);
        free(exact);
    }
}

static void each_type_opens_as_itself_alone(void **state) {
    (void)state;
    for (int made = 0; made < ENVELOPE_TYPE_COUNT; made++) {
        uint8_t bytes[ENVELOPE_MAX];
        size_t len;
        struct envelope envelope;
        assert_ok(envelope_sign((enum envelope_type)made, keys.installation, &keys.server_secret,
                                bytes_text("\xa0"), bytes, sizeof bytes, &len));
        for (int want = 0; want < ENVELOPE_TYPE_COUNT; want++) {
            tagih_err err =
                envelope_open(bytes_make(bytes, len), (enum envelope_type)want, keys.installation, &envelope);
            assert_int_equal(err.reason, made == want ? ERR_OK : ERR_ENVELOPE_TYPE);
        }
    }
}

static void the_largest_payload_fits_and_a_larger_one_is_named(void **state) {
    (void)state;
    static uint8_t payload[ENVELOPE_MAX + 1];
    uint8_t bytes[ENVELOPE_MAX + 256];
    size_t len;
    struct envelope envelope;
    enum envelope_type type = ENVELOPE_AUTHORISATION_LETTER; /* the longest name */
    assert_ok(envelope_sign(type, keys.installation, &keys.server_secret,
                            bytes_make(payload, ENVELOPE_PAYLOAD_MAX), bytes, ENVELOPE_MAX, &len));
    assert_ok(envelope_open(bytes_make(bytes, len), type, keys.installation, &envelope));
    for (size_t size = ENVELOPE_PAYLOAD_MAX + ENVELOPE_OVERHEAD_MAX - 8; size <= sizeof payload; size++)
        assert_fails(envelope_sign(type, keys.installation, &keys.server_secret, bytes_make(payload, size),
                                   bytes, sizeof bytes, &len),
                     ENVELOPE_TOO_LARGE);
    assert_fails(envelope_sign(type, keys.installation, &keys.server_secret, bytes_make(payload, 100), bytes,
                               100, &len),
                 BUFFER_SMALL);
}

//= RULES.md R-JRN-1
//  the server never sees the secret, refuses a key that is not a valid point or was ever seen before
static void a_key_that_is_no_proper_point_cannot_be_enrolled(void **state) {
    (void)state;
    public_key zero = {{0}}, one = {{1}}, off = {{2}};
    assert_ok(public_key_check(&keys.device));
    assert_fails(public_key_check(&zero), ENVELOPE_KEY); /* order 4 */
    assert_fails(public_key_check(&one), ENVELOPE_KEY);  /* the neutral element */
    assert_fails(public_key_check(&off), ENVELOPE_KEY);  /* not on the curve */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_independent_writer_signed_verifies_and_is_what_we_sign),
        cmocka_unit_test(each_bad_vector_is_refused_for_its_one_reason),
        cmocka_unit_test(the_hash_does_not_depend_on_the_signature),
        cmocka_unit_test(a_flipped_bit_anywhere_is_never_accepted),
        cmocka_unit_test(a_cut_envelope_is_never_accepted),
        cmocka_unit_test(each_type_opens_as_itself_alone),
        cmocka_unit_test(the_largest_payload_fits_and_a_larger_one_is_named),
        cmocka_unit_test(a_key_that_is_no_proper_point_cannot_be_enrolled),
    };
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
