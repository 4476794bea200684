/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forged envelopes of every kind, and at every call that takes one. The table is forge.c's; what is asked here is that the
 * reason is that of the table, that a Push keeps the bytes as evidence and takes nothing from them, and that the calls that
 * take proofs, certificates and tokens refuse them all.
 */
#include <sodium.h>
#include <stdlib.h>

#include "contract.h"
#include "engine/auth.h"
#include "server/run/clock.h"
#include "tests/hostile/forge.h"
#include "tests/support/case.h"
#include "tests/support/journal_samples.h"
#include "tests/support/proof.h"
#include "tests/support/writer.h"

static struct proof report = {.test = "Forged envelopes",
                              .unit = "envelopes",
                              .faults = {{"forgery", 0}},
                              .note = "every kind, every call that takes one"};

#define FORGED_MAX (2 * (size_t)ENVELOPE_MAX)

static struct sample_keys keys;
static size_t n_forged;

/* ---- every kind, by its own reader ---------------------------------------------------------------------------- */

static tagih_err read_payload(enum envelope_type type, struct bytes in, installation_id installation,
                              struct envelope *envelope) {
    static union {
        struct journal_entry entry;
        struct device_certificate certificate;
        struct acknowledgement acknowledgement;
        struct chain_certificate chain;
        struct allowance allowance;
        struct enrolment_proof enrolment;
        struct nonce_proof nonce;
        struct posting_head head;
    } record;
    switch (type) {
        case ENVELOPE_JOURNAL_ENTRY:
            TRY(envelope_open(in, type, installation, envelope));
            return journal_decode(envelope->payload, &record.entry);
        case ENVELOPE_DEVICE_CERTIFICATE:
            return device_certificate_open(in, installation, &record.certificate, envelope);
        case ENVELOPE_ACKNOWLEDGEMENT:
            return acknowledgement_open(in, installation, &record.acknowledgement, envelope);
        case ENVELOPE_CHAIN_CERTIFICATE:
            return chain_certificate_open(in, installation, &record.chain, envelope);
        case ENVELOPE_ALLOWANCE:
            return allowance_open(in, installation, &record.allowance, envelope);
        case ENVELOPE_ENROLMENT_PROOF:
            return enrolment_proof_open(in, installation, &record.enrolment, envelope);
        case ENVELOPE_NONCE_PROOF:
            return nonce_proof_open(in, installation, &record.nonce, envelope);
        case ENVELOPE_POSTING_HEAD:
            return posting_head_open(in, installation, &record.head, envelope);
        default:
            fail_msg("no reader of %s", envelope_type_text(type));
            return TAGIH_OK;
    }
}

/* Whoever reads verifies as well, before or after. */
static tagih_err read_all(enum envelope_type type, struct bytes in, const public_key *key) {
    struct envelope envelope;
    struct token token;
    const instant now = {sample_token().not_before_s * US_PER_S};
    if (type == ENVELOPE_ACCESS_TOKEN) return token_open_verify(in, keys.installation, key, now, &token);
    tagih_err err = envelope_open(in, type, keys.installation, &envelope);
    if (err_is_ok(err)) err = envelope_verify(&envelope, key);
    return err_is_ok(err) ? read_payload(type, in, keys.installation, &envelope) : err;
}

static const char *reason_for(enum envelope_type type, const struct forgery *forgery) {
    return type == ENVELOPE_ACCESS_TOKEN ? "TOKEN_INVALID" : forgery->reason; /* of a token nobody is told more */
}

static enum envelope_type type_of(struct bytes in, struct envelope *envelope) {
    for (int type = 0; type < ENVELOPE_TYPE_COUNT; type++) {
        if (err_is_ok(envelope_open(in, (enum envelope_type)type, keys.installation, envelope)))
            return (enum envelope_type)type;
    }
    fail_msg("a sample of no type");
    return ENVELOPE_TYPE_COUNT;
}

static void check_forgeries(const char *name, const struct forge_good *good, const public_key *key) {
    static uint8_t forged[FORGED_MAX];
    for (size_t f = 0; f < forgery_count; f++) {
        size_t pairs = forgeries[f].part == FORGE_VALUE ? forge_pairs(good->payload) : 1;
        for (size_t pair = 0; pair < pairs; pair++) {
            size_t len = forge(&forgeries[f], good, pair, forged);
            if (len == 0 && strcmp(forgeries[f].name, "nothing") != 0) continue;
            const char *got = err_name(read_all(good->type, bytes_make(forged, len), key));
            const char *wanted = reason_for(good->type, &forgeries[f]);
            if (!strstr(wanted, got)) {
                fail_msg("%s, %s, pair %zu: %s instead of %s", name, forgeries[f].name, pair, got, wanted);
            }
            n_forged++;
        }
    }
}

//= RULES.md R-JRN-2
//  An entry is one COSE_Sign1 over deterministic CBOR, verified, hashed and stored as the bytes received,
//  never re-serialised.
static void every_kind_refuses_every_forgery_for_its_reason(void **state) {
    (void)state;
    keys = sample_keys_make();
    bool seen[ENVELOPE_TYPE_COUNT] = {false};
    for (size_t i = 0; i < sample_count; i++) {
        uint8_t bytes[ENVELOPE_MAX];
        size_t len;
        struct envelope envelope;
        assert_ok(samples[i].sign(&keys, bytes, sizeof bytes, &len));
        struct forge_good good = {.installation = keys.installation, .type = type_of(bytes_make(bytes, len), &envelope)};
        bool device = key_id_equal(envelope.kid, key_id_of(&keys.device));
        good.key = device ? keys.device_secret : keys.server_secret;
        good.other_key = device ? keys.server_secret : keys.device_secret;
        good.payload = envelope.payload;
        seen[good.type] = true;
        assert_ok(read_all(good.type, bytes_make(bytes, len), device ? &keys.device : &keys.server));
        check_forgeries(samples[i].name, &good, device ? &keys.device : &keys.server);
    }
    for (int type = 0; type < ENVELOPE_TYPE_COUNT; type++) {
        if (!seen[type] && type != ENVELOPE_AUTHORISATION_LETTER)
            fail_msg("no sample of %s", envelope_type_text((enum envelope_type)type));
    }
    print_message("             %zu forgeries of %zu samples\n", n_forged, sample_count);
}

/* ---- at the calls --------------------------------------------------------------------------------------------- */

static struct rig rig;
static agency_id agency;
static user_id budi;
static size_t n_sent;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    agency = rig_agency(&rig, "Acme");
    budi = rig_user(&rig, agency, NULL, ROLE_COLLECTOR);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    report.count = (long long)(n_forged + n_sent);
    report.faults[0].n = report.count;
    proof_check(&report, report.count);
    rig_close(&rig);
    return 0;
}

static secret_key stranger(void) {
    static const uint8_t seed[32] = {7};
    public_key key;
    secret_key secret;
    key_pair_from_seed(seed, &key, &secret);
    return secret;
}

/* Content of something that was signed. */
static struct bytes payload_of(struct bytes in, enum envelope_type type) {
    struct envelope envelope;
    assert_ok(envelope_open(in, type, rig.installation, &envelope));
    return envelope.payload;
}

/* Call `use` with each forgery of the content; of forgeries of values the one of the last pair. */
static void for_each_forgery(struct forge_good good,
                             void (*use)(const struct forgery *forgery, struct bytes forged, void *context), void *context) {
    static uint8_t forged[FORGED_MAX];
    good.installation = rig.installation;
    good.other_key = stranger();
    for (size_t f = 0; f < forgery_count; f++) {
        size_t pairs = forgeries[f].part == FORGE_VALUE ? forge_pairs(good.payload) : 1, len = 0;
        for (size_t pair = pairs; pair > 0 && len == 0; pair--) len = forge(&forgeries[f], &good, pair - 1, forged);
        if (len == 0 && strcmp(forgeries[f].name, "nothing") != 0) continue;
        use(&forgeries[f], bytes_make(forged, len), context);
        n_sent++;
    }
}

/* What a Push says of an envelope that is none, or whose signature does not hold. */
static const char *evidence_reason(const struct forgery *forgery) {
    return strcmp(forgery->reason, "ENVELOPE_SIGNATURE") == 0 ? "SIGNATURE" : "UNDECODABLE";
}

static void push_entry(const struct forgery *forgery, struct bytes forged, void *context) {
    struct writer *w = context;
    ProtobufCBinaryData entry = {forged.len, (uint8_t *)(uintptr_t)forged.data},
                        certificate = {w->phone.certificate_len, w->phone.certificate};
    Tagih__V1__PushRequest request = TAGIH__V1__PUSH_REQUEST__INIT;
    request.n_entries = request.n_certificates = 1;
    request.entries = &entry;
    request.certificates = &certificate;
    struct rig_answer a = rig_call(&rig, NULL, "SyncService/Push", &request);
    assert_answer(a, OK);
    assert_int_equal(((Tagih__V1__PushResponse *)a.response)->acks[0].len, 0);
    hash256 digest;
    char hex[65], sql[300];
    crypto_hash_sha256(digest.b, forged.data, forged.len);
    bytes_hex(BYTES_OF(&digest), hex);
    snprintf(sql, sizeof sql,
             "select count(*) from evidence where body_hash = '\\x%s' and sha256(body) = body_hash and reason = '%s'", hex,
             evidence_reason(forgery));
    if (pg_number(&rig.pg, sql) != 1) fail_msg("%s: not kept as evidence of %s", forgery->name, evidence_reason(forgery));
}

//= RULES.md R-JRN-7
//  Nothing that a known device signed is ever dropped. One bad entry never sinks the batch around it.
static void every_forged_entry_is_evidence_and_nothing_else(void **state) {
    (void)state;
    struct writer w;
    struct rig_phone phone = rig_phone(&rig, agency, budi);
    writer_begin(&w, &rig, &phone);
    account_id account = rig_account(&rig, agency, &(struct rig_account){.collector = budi});
    struct journal_entry receipt = writer_receipt(&w, account, 100000);
    size_t at = writer_sign(&w, &receipt);
    struct bytes good = bytes_make(w.entries[at].bytes, w.entries[at].len);
    for_each_forgery(
        (struct forge_good){
            .type = ENVELOPE_JOURNAL_ENTRY, .key = phone.secret, .payload = payload_of(good, ENVELOPE_JOURNAL_ENTRY)},
        push_entry, &w);
    assert_int_equal(rig_number(&rig, "select count(*) from journal_key where device_id = '%s'", phone.device.u), 0);
    assert_int_equal(rig_number(&rig, "select count(*) from payment where account_id = '%s'", account.u), 0);
    assert_answer(writer_push_range(&w, at, at), OK); /* the one that was right is taken as ever */
    assert_int_equal(rig_number(&rig, "select count(*) from payment where account_id = '%s'", account.u), 1);
    writer_end(&w);
}

/* A certificate that does not hold is none: whoever comes with it alone is a stranger, and his bytes are kept. */
static void push_with(const struct forgery *forgery, struct bytes forged, void *context) {
    struct writer *w = context;
    ProtobufCBinaryData entry = {w->entries[0].len, w->entries[0].bytes},
                        certificate = {forged.len, (uint8_t *)(uintptr_t)forged.data};
    Tagih__V1__PushRequest request = TAGIH__V1__PUSH_REQUEST__INIT;
    request.n_entries = request.n_certificates = 1;
    request.entries = &entry;
    request.certificates = &certificate;
    struct rig_answer a = rig_call(&rig, NULL, "SyncService/Push", &request);
    if (strcmp(a.reason, "PUSH_STRANGER") != 0) fail_msg("%s: answered %s %s", forgery->name, a.reason, a.message);
}

static struct writer certificate_writer(void) {
    struct writer w;
    struct rig_phone phone = rig_phone(&rig, agency, budi);
    writer_begin(&w, &rig, &phone);
    struct journal_entry receipt =
        writer_receipt(&w, rig_account(&rig, agency, &(struct rig_account){.collector = budi}), 100000);
    writer_sign(&w, &receipt);
    return w;
}

static void every_forged_certificate_makes_a_stranger(void **state) {
    (void)state;
    struct writer w = certificate_writer();
    struct bytes good = bytes_make(w.phone.certificate, w.phone.certificate_len);
    struct forge_good made = {.type = ENVELOPE_DEVICE_CERTIFICATE,
                              .payload = payload_of(good, ENVELOPE_DEVICE_CERTIFICATE),
                              .key = keyring_signing(&rig.keys, KEY_DEVICE)->secret};
    for_each_forgery(made, push_with, &w);
    assert_int_equal(rig_number(&rig, "select count(*) from journal_key where device_id = '%s'", w.phone.device.u), 0);
    writer_end(&w);
}

/* Each purpose has keys of its own: the right form, signed by a key of the server's for something else. */
static void a_key_of_another_purpose_signs_no_certificate_and_no_token(void **state) {
    (void)state;
    struct writer w = certificate_writer();
    struct bytes good = bytes_make(w.phone.certificate, w.phone.certificate_len);
    for (int purpose = 0; purpose < KEY_PURPOSE_COUNT; purpose++) {
        const struct key *key = keyring_signing(&rig.keys, (enum key_purpose)purpose);
        uint8_t bytes[ENVELOPE_MAX];
        char text[RIG_TOKEN_SIZE];
        size_t len;
        assert_non_null(key);
        if (purpose != KEY_DEVICE) {
            assert_ok(envelope_sign(ENVELOPE_DEVICE_CERTIFICATE, rig.installation, &key->secret,
                                    payload_of(good, ENVELOPE_DEVICE_CERTIFICATE), bytes, sizeof bytes, &len));
            push_with(&(struct forgery){.name = "a certificate by a key of another purpose"}, bytes_make(bytes, len), &w);
            n_sent++;
        }
        if (purpose == KEY_TOKEN) continue;
        struct token token = {.agency = agency,
                              .user = budi,
                              .id.b = {9},
                              .caller = TOKEN_STAFF,
                              .issued_s = clock_now().us / US_PER_S - 60,
                              .not_before_s = clock_now().us / US_PER_S - 60,
                              .expires_s = clock_now().us / US_PER_S + 600};
        assert_ok(token_sign(&token, rig.installation, &key->secret, bytes, sizeof bytes, &len));
        auth_encode(bytes_make(bytes, len), text, sizeof text);
        Tagih__V1__WhoAmIRequest who = TAGIH__V1__WHO_AM_IREQUEST__INIT;
        assert_answer(rig_call(&rig, text, "SessionService/WhoAmI", &who), TOKEN_INVALID);
        n_sent++;
    }
    writer_end(&w);
}

static void call_with(const struct forgery *forgery, struct bytes forged, void *context) {
    (void)context;
    char text[2 * FORGED_MAX];
    if (forged.len == 0 || forged.len > 3000) return; /* no token at all, or more than a header may hold: other answers */
    auth_encode(forged, text, sizeof text);
    Tagih__V1__WhoAmIRequest who = TAGIH__V1__WHO_AM_IREQUEST__INIT;
    struct rig_answer a = rig_call(&rig, text, "SessionService/WhoAmI", &who);
    if (strcmp(a.reason, "TOKEN_INVALID") != 0) fail_msg("%s: answered %s %s", forgery->name, a.reason, a.message);
}

static void every_forged_token_is_refused(void **state) {
    (void)state;
    uint8_t raw[TOKEN_MAX];
    size_t len;
    const char *text = rig_staff_token(&rig, agency, budi, 0);
    assert_int_equal(
        sodium_base642bin(raw, sizeof raw, text, strlen(text), NULL, &len, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING),
        0);
    struct forge_good made = {.type = ENVELOPE_ACCESS_TOKEN,
                              .payload = payload_of(bytes_make(raw, len), ENVELOPE_ACCESS_TOKEN),
                              .key = keyring_signing(&rig.keys, KEY_TOKEN)->secret};
    for_each_forgery(made, call_with, NULL);
}

static void enrol_with(const struct forgery *forgery, struct bytes forged, void *context) {
    Tagih__V1__EnrolRequest request = TAGIH__V1__ENROL_REQUEST__INIT;
    const struct key_pair *pair = context;
    request.code = TEXT("ABCD-EFGH-JKMN");
    request.model = TEXT("Forger 1");
    request.public_key = (ProtobufCBinaryData){32, (uint8_t *)(uintptr_t)pair->key.b};
    request.proof = (ProtobufCBinaryData){forged.len, (uint8_t *)(uintptr_t)forged.data};
    struct rig_answer a = rig_call(&rig, NULL, "DeviceService/Enrol", &request);
    if (strcmp(a.reason, "ENROL_PROOF") != 0) fail_msg("%s: answered %s %s", forgery->name, a.reason, a.message);
}

static void every_forged_proof_of_enrolment_is_refused(void **state) {
    (void)state;
    struct key_pair pair = writer_new_pair();
    struct enrolment_proof proof = {.key = pair.key, .made = clock_now()};
    uint8_t bytes[ENVELOPE_MAX];
    size_t len;
    crypto_hash_sha256(proof.code_hash.b, (const uint8_t *)"ABCDEFGHJKMN", 12);
    assert_ok(enrolment_proof_sign(&proof, rig.installation, &pair.secret, bytes, sizeof bytes, &len));
    struct forge_good made = {.type = ENVELOPE_ENROLMENT_PROOF,
                              .key = pair.secret,
                              .payload = payload_of(bytes_make(bytes, len), ENVELOPE_ENROLMENT_PROOF)};
    for_each_forgery(made, enrol_with, &pair);
}

static void authenticate_with(const struct forgery *forgery, struct bytes forged, void *context) {
    const struct rig_phone *phone = context;
    Tagih__V1__AuthenticateRequest request = TAGIH__V1__AUTHENTICATE_REQUEST__INIT;
    request.device_id = TEXT(rig_text(phone->device.u));
    request.proof = (ProtobufCBinaryData){forged.len, (uint8_t *)(uintptr_t)forged.data};
    struct rig_answer a = rig_call(&rig, NULL, "DeviceService/Authenticate", &request);
    if (strcmp(a.reason, "DEVICE_PROOF") != 0) fail_msg("%s: answered %s %s", forgery->name, a.reason, a.message);
}

static void every_forged_answer_to_a_nonce_is_refused(void **state) {
    (void)state;
    struct rig_phone phone = rig_phone(&rig, agency, budi);
    Tagih__V1__GetNonceRequest ask = TAGIH__V1__GET_NONCE_REQUEST__INIT;
    ask.device_id = TEXT(rig_text(phone.device.u));
    struct rig_answer a = rig_call(&rig, NULL, "DeviceService/GetNonce", &ask);
    assert_answer(a, OK);
    struct nonce_proof proof = {.device = phone.device, .epoch = phone.epoch};
    memcpy(proof.nonce, ((Tagih__V1__GetNonceResponse *)a.response)->nonce.data, sizeof proof.nonce);
    uint8_t bytes[ENVELOPE_MAX];
    size_t len;
    assert_ok(nonce_proof_sign(&proof, rig.installation, &phone.secret, bytes, sizeof bytes, &len));
    struct forge_good made = {.type = ENVELOPE_NONCE_PROOF,
                              .key = phone.secret,
                              .payload = payload_of(bytes_make(bytes, len), ENVELOPE_NONCE_PROOF)};
    for_each_forgery(made, authenticate_with, &phone);
    Tagih__V1__AuthenticateRequest request = TAGIH__V1__AUTHENTICATE_REQUEST__INIT; /* the right one still serves */
    request.device_id = TEXT(rig_text(phone.device.u));
    request.proof = (ProtobufCBinaryData){len, bytes};
    assert_answer(rig_call(&rig, NULL, "DeviceService/Authenticate", &request), OK);
}

int main(int argc, char **argv) {
    proof_begin(&report, &argc, argv, "", NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_refuses_every_forgery_for_its_reason),
        cmocka_unit_test(every_forged_entry_is_evidence_and_nothing_else),
        cmocka_unit_test(every_forged_certificate_makes_a_stranger),
        cmocka_unit_test(a_key_of_another_purpose_signs_no_certificate_and_no_token),
        cmocka_unit_test(every_forged_token_is_refused),
        cmocka_unit_test(every_forged_proof_of_enrolment_is_refused),
        cmocka_unit_test(every_forged_answer_to_a_nonce_is_refused),
    };
    return proof_end(&report, cmocka_run_group_tests(tests, open_rig, close_rig));
}
