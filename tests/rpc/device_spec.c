/* SPDX-License-Identifier: Apache-2.0 */
/* A phone's way in, from the outside: code, key, a second person's word, nonce, token, and the way out. */
#include <sodium.h>

#include "contract.h"
#include "server/domain/enrol_code.h"
#include "server/run/clock.h"
#include "server/run/random.h"
#include "tagih/document.h"
#include "tests/support/case.h"
#include "tests/support/rig.h"

static struct rig rig;
static agency_id agency, other_agency;
static user_id collector, supervisor, other_supervisor;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    agency = rig_agency(&rig, "Acme");
    other_agency = rig_agency(&rig, "Bumi");
    collector = rig_user(&rig, agency, "budi", ROLE_COLLECTOR);
    supervisor = rig_user(&rig, agency, "sari", ROLE_SUPERVISOR);
    other_supervisor = rig_user(&rig, other_agency, "joko", ROLE_SUPERVISOR);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* A guess that one test made is not held against the next. */
static int forget_guesses(void **state) {
    (void)state;
    pg_exec(&rig.pg, "update guess_limit set failures = 0");
    return 0;
}

/* ---- what a phone does ---------------------------------------------------------------------------------------- */

struct phone {
    public_key key;
    secret_key secret;
    device_id device;
    char device_text[UUID_TEXT_SIZE];
};

static struct phone new_phone(void) {
    struct phone phone = {0};
    uint8_t seed[32];
    random_bytes(seed, sizeof seed);
    key_pair_from_seed(seed, &phone.key, &phone.secret);
    return phone;
}

static const char *boss(void) {
    return rig_staff_token(&rig, agency, supervisor, 0);
}

static struct rig_answer create_code(const char *token, user_id user, uuid id) {
    Tagih__V1__CreateEnrolCodeRequest request = TAGIH__V1__CREATE_ENROL_CODE_REQUEST__INIT;
    request.user_id = (char *)(uintptr_t)rig_text(user.u);
    request.code_id = (char *)(uintptr_t)rig_text(id);
    return rig_call(&rig, token, "DeviceService/CreateEnrolCode", &request);
}

static const char *new_code(void) {
    struct rig_answer a = create_code(boss(), collector, rig_id());
    assert_answer(a, OK);
    return ((Tagih__V1__CreateEnrolCodeResponse *)a.response)->code;
}

struct proof {
    uint8_t bytes[ENVELOPE_MAX];
    size_t len;
};

static struct proof enrol_proof(const struct phone *phone, const char *code, installation_id installation) {
    struct proof out;
    struct enrolment_proof proof = {.key = phone->key, .made = clock_now()};
    assert_ok(enrol_code_hash(bytes_text(code), &proof.code_hash));
    assert_ok(enrolment_proof_sign(&proof, installation, &phone->secret, out.bytes, sizeof out.bytes, &out.len));
    return out;
}

static struct rig_answer enrol_with(const char *code, const public_key *key, struct proof *proof) {
    Tagih__V1__EnrolRequest request = TAGIH__V1__ENROL_REQUEST__INIT;
    request.code = (char *)(uintptr_t)code;
    request.public_key = (ProtobufCBinaryData){sizeof key->b, (uint8_t *)(uintptr_t)key->b};
    request.proof = (ProtobufCBinaryData){proof->len, proof->bytes};
    request.model = (char *)(uintptr_t) "Galaxy A15";
    return rig_call(&rig, NULL, "DeviceService/Enrol", &request);
}

static struct rig_answer enrol(struct phone *phone, const char *code) {
    struct proof proof = enrol_proof(phone, code, rig.installation);
    struct rig_answer a = enrol_with(code, &phone->key, &proof);
    if (a.status == CALL_OK) {
        snprintf(phone->device_text, sizeof phone->device_text, "%s", ((Tagih__V1__EnrolResponse *)a.response)->device_id);
        assert_ok(uuid_parse(phone->device_text, &phone->device.u));
    }
    return a;
}

static struct rig_answer confirm(const char *token, const struct phone *phone, bool accept) {
    Tagih__V1__ConfirmDeviceRequest request = TAGIH__V1__CONFIRM_DEVICE_REQUEST__INIT;
    request.device_id = (char *)(uintptr_t)phone->device_text;
    request.accept = accept;
    return rig_call(&rig, token, "DeviceService/ConfirmDevice", &request);
}

static struct rig_answer revoke(const char *token, const struct phone *phone) {
    Tagih__V1__RevokeDeviceRequest request = TAGIH__V1__REVOKE_DEVICE_REQUEST__INIT;
    request.device_id = (char *)(uintptr_t)phone->device_text;
    request.reason = (char *)(uintptr_t) "lost in the market";
    return rig_call(&rig, token, "DeviceService/RevokeDevice", &request);
}

static void get_nonce(const struct phone *phone, uint8_t out[32]) {
    Tagih__V1__GetNonceRequest request = TAGIH__V1__GET_NONCE_REQUEST__INIT;
    request.device_id = (char *)(uintptr_t)phone->device_text;
    struct rig_answer a = rig_call(&rig, NULL, "DeviceService/GetNonce", &request);
    assert_answer(a, OK);
    const Tagih__V1__GetNonceResponse *r = a.response;
    assert_int_equal(r->nonce.len, 32);
    memcpy(out, r->nonce.data, 32);
}

static struct rig_answer authenticate_with(const struct phone *phone, const struct phone *signer, uint32_t epoch,
                                           const uint8_t nonce[32], installation_id installation) {
    struct proof out;
    struct nonce_proof proof = {.device = phone->device, .epoch = epoch};
    memcpy(proof.nonce, nonce, 32);
    assert_ok(nonce_proof_sign(&proof, installation, &signer->secret, out.bytes, sizeof out.bytes, &out.len));
    Tagih__V1__AuthenticateRequest request = TAGIH__V1__AUTHENTICATE_REQUEST__INIT;
    request.device_id = (char *)(uintptr_t)phone->device_text;
    request.proof = (ProtobufCBinaryData){out.len, out.bytes};
    return rig_call(&rig, NULL, "DeviceService/Authenticate", &request);
}

static struct rig_answer authenticate(const struct phone *phone) {
    uint8_t nonce[32];
    get_nonce(phone, nonce);
    return authenticate_with(phone, phone, 1, nonce, rig.installation);
}

static struct phone enrolled(void) {
    struct phone phone = new_phone();
    assert_answer(enrol(&phone, new_code()), OK);
    return phone;
}

static struct phone active(void) {
    struct phone phone = enrolled();
    assert_answer(confirm(boss(), &phone, true), OK);
    return phone;
}

/* ---- the whole way -------------------------------------------------------------------------------------------- */

/* Open a document that one of the server's keys of the answer signed. */
static void assert_signed(const Tagih__V1__AuthenticateResponse *r, const struct envelope *envelope) {
    for (size_t i = 0; i < r->n_server_keys; i++) {
        public_key key;
        assert_int_equal(r->server_keys[i].len, sizeof key.b);
        memcpy(key.b, r->server_keys[i].data, sizeof key.b);
        if (!key_id_equal(key_id_of(&key), envelope->kid)) continue;
        assert_ok(envelope_verify(envelope, &key));
        return;
    }
    fail_msg("signed by a key that the answer does not hold");
}

//= RULES.md R-JRN-1
//  A device has one Ed25519 key, enrolled once with a one-time code by a named user and confirmed by a supervisor
static void a_phone_comes_in_by_code_key_and_a_second_persons_word(void **state) {
    (void)state;
    struct phone phone = new_phone();
    struct rig_answer a = enrol(&phone, new_code());
    assert_answer(a, OK);
    const Tagih__V1__EnrolResponse *e = a.response;
    assert_int_equal(strlen(e->fingerprint), 4);
    assert_memory_equal(e->installation_id.data, rig.installation.b, 16);
    assert_answer(authenticate(&phone), DEVICE_PENDING);
    a = confirm(boss(), &phone, true);
    assert_answer(a, OK);
    assert_string_equal(((Tagih__V1__ConfirmDeviceResponse *)a.response)->state, "active");
    a = authenticate(&phone);
    assert_answer(a, OK);
    const Tagih__V1__AuthenticateResponse *r = a.response;
    Tagih__V1__WhoAmIRequest who = TAGIH__V1__WHO_AM_IREQUEST__INIT;
    a = rig_call(&rig, r->access_token, "SessionService/WhoAmI", &who);
    assert_answer(a, OK);
    assert_string_equal(((Tagih__V1__WhoAmIResponse *)a.response)->device_id, phone.device_text);
    assert_string_equal(((Tagih__V1__WhoAmIResponse *)a.response)->user_id, rig_text(collector.u));
}

//= RULES.md R-JRN-1
//  answers with a device certificate signed by the server {agency, device, key, epoch, user, valid from}
static void the_certificate_says_whose_key_it_is_and_starts_the_chain(void **state) {
    (void)state;
    struct phone phone = active();
    struct rig_answer a = authenticate(&phone);
    assert_answer(a, OK);
    const Tagih__V1__AuthenticateResponse *r = a.response;
    struct device_certificate certificate;
    struct envelope envelope;
    assert_ok(device_certificate_open(bytes_make(r->certificate.data, r->certificate.len), rig.installation, &certificate,
                                      &envelope));
    assert_signed(r, &envelope);
    assert_true(uuid_equal(certificate.agency.u, agency.u) && uuid_equal(certificate.device.u, phone.device.u) &&
                uuid_equal(certificate.user.u, collector.u));
    assert_memory_equal(certificate.key.b, phone.key.b, 32);
    assert_int_equal(certificate.epoch, 1);
    char hex[65], sql[512];
    bytes_hex(BYTES_OF(&envelope.hash), hex);
    snprintf(sql, sizeof sql, "select count(*) from device_epoch e join device_key k using (agency_id, device_id, epoch)"
             " where device_id = '%s' and head_hash = '\\x%s' and certificate_hash = head_hash", phone.device_text, hex);
    assert_int_equal(pg_number(&rig.pg, sql), 1);
}

//= RULES.md R-REC-5
//  Offline allowance: a signed limit {per receipt, cash held, count, until}
static void the_allowance_lasts_until_noon_of_the_next_working_day(void **state) {
    (void)state;
    struct phone phone = active();
    struct rig_answer a = authenticate(&phone);
    assert_answer(a, OK);
    const Tagih__V1__AuthenticateResponse *r = a.response;
    struct allowance allowance;
    struct envelope envelope;
    assert_ok(allowance_open(bytes_make(r->allowance.data, r->allowance.len), rig.installation, &allowance, &envelope));
    assert_signed(r, &envelope);
    assert_true(uuid_equal(allowance.device.u, phone.device.u) && uuid_equal(allowance.user.u, collector.u));
    assert_int_equal(allowance.per_receipt_minor, 500000000);
    assert_int_equal(allowance.cash_held_minor, 1000000000);
    assert_int_equal(allowance.count, 200);
    assert_string_equal(allowance.currency.code, "IDR");
    char sql[256];
    snprintf(sql, sizeof sql, "select to_char(to_timestamp(%lld / 1000000) at time zone 'Asia/Jakarta', 'HH24:MI')",
             (long long)allowance.until.us);
    assert_string_equal(pg_value(&rig.pg, sql), "12:00");
    snprintf(sql, sizeof sql, "select extract(isodow from to_timestamp(%lld / 1000000) at time zone 'Asia/Jakarta')",
             (long long)allowance.until.us);
    assert_in_range(pg_number(&rig.pg, sql), 1, 5);
    assert_true(allowance.until.us - allowance.issued.us > 11 * 60 * US_PER_MINUTE);
    assert_true(allowance.until.us - allowance.issued.us <= 3 * US_PER_DAY + 12 * 60 * US_PER_MINUTE);
}

/* ---- codes ---------------------------------------------------------------------------------------------------- */

static void a_code_is_twelve_characters_and_its_hash_is_all_that_is_kept(void **state) {
    (void)state;
    uuid id = rig_id();
    struct rig_answer first = create_code(boss(), collector, id), again = create_code(boss(), collector, id);
    assert_answer(first, OK);
    assert_answer(again, OK);
    const Tagih__V1__CreateEnrolCodeResponse *a = first.response, *b = again.response;
    assert_int_equal(strlen(a->code), 14);
    assert_true(a->code[4] == '-' && a->code[9] == '-');
    assert_int_equal(strspn(a->code, "ABCDEFGHJKLMNPQRSTUVWXYZ23456789-"), 14);
    assert_string_equal(a->code, b->code);
    assert_int_equal(a->expires_us, b->expires_us);
    assert_true(a->expires_us > clock_now().us + 23 * 60 * US_PER_MINUTE);
    assert_string_not_equal(a->code, new_code());
    hash256 hash;
    char hex[65], sql[160];
    assert_ok(enrol_code_hash(bytes_text(a->code), &hash));
    bytes_hex(BYTES_OF(&hash), hex);
    snprintf(sql, sizeof sql, "select count(*) from enrol_code where code_hash = '\\x%s'", hex);
    assert_int_equal(pg_number(&rig.pg, sql), 1);
}

static void codes_are_for_the_office_and_its_own_people(void **state) {
    (void)state;
    assert_answer(create_code(rig_staff_token(&rig, agency, collector, 0), collector, rig_id()), NOT_PERMITTED);
    assert_answer(create_code(rig_staff_token(&rig, other_agency, other_supervisor, 0), collector, rig_id()), NOT_PERMITTED);
    assert_answer(create_code(boss(), (user_id){rig_id()}, rig_id()), NOT_PERMITTED);
    assert_answer(create_code(NULL, collector, rig_id()), TOKEN_MISSING);
    struct rig_answer a = create_code(boss(), collector, (uuid){{0}});
    assert_answer(a, ID_SYNTAX);
    assert_string_equal(a.field, "code_id");
}

static void a_code_is_read_in_any_case_and_spacing(void **state) {
    (void)state;
    struct phone phone = new_phone();
    const char *code = new_code();
    char typed[32] = " ";
    for (size_t i = 0; code[i]; i++) typed[i + 1] = (char)(code[i] >= 'A' ? code[i] - 'A' + 'a' : code[i] == '-' ? ' ' : code[i]);
    assert_answer(enrol(&phone, typed), OK);
}

static void a_code_works_once(void **state) {
    (void)state;
    struct phone first = new_phone(), second = new_phone();
    const char *code = new_code();
    assert_answer(enrol(&first, code), OK);
    struct rig_answer a = enrol(&second, code);
    assert_answer(a, ENROL_CODE_USED);
    assert_int_equal(a.status, CALL_FAILED_PRECONDITION);
}

static void a_lost_reply_to_enrol_may_be_asked_for_again(void **state) {
    (void)state;
    struct phone phone = new_phone();
    const char *code = new_code();
    char first[UUID_TEXT_SIZE], sql[128];
    assert_answer(enrol(&phone, code), OK);
    snprintf(first, sizeof first, "%s", phone.device_text);
    assert_answer(enrol(&phone, code), OK);
    assert_string_equal(phone.device_text, first);
    snprintf(sql, sizeof sql, "select count(*) from device_event where device_id = '%s'", first);
    assert_int_equal(pg_number(&rig.pg, sql), 1);
}

static void a_code_ends_after_a_day(void **state) {
    (void)state;
    struct phone phone = new_phone();
    const char *code = new_code();
    pg_exec(&rig.pg, "update enrol_code set expires_us = made_us where used_us is null");
    assert_answer(enrol(&phone, code), ENROL_CODE_EXPIRED);
}

static void guessing_codes_has_to_wait(void **state) {
    (void)state;
    struct phone phone = new_phone();
    for (int i = 0; i < 10; i++) assert_answer(enrol(&phone, "ABCD-EFGH-JKLM"), ENROL_CODE_UNKNOWN);
    struct rig_answer a = enrol(&phone, "ABCD-EFGH-JKLM");
    assert_answer(a, GUESS_LIMIT);
    assert_int_equal(a.status, CALL_RESOURCE_EXHAUSTED);
    assert_true(a.retry_after_us > 0);
}

static void what_cannot_be_a_code_is_refused(void **state) {
    (void)state;
    struct phone phone = new_phone();
    struct proof proof = enrol_proof(&phone, "ABCD-EFGH-JKLM", rig.installation);
    static const char *const wrong[] = {"", "ABCD", "ABCD-EFGH-JKLMN", "ABCD-EFGH-JKL0", "ABCD-EFGH-JKLI", "ABCD_EFGH_JKLM"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_answer(enrol_with(wrong[i], &phone.key, &proof), ENROL_CODE_UNKNOWN);
    }
}

/* ---- keys and proofs ------------------------------------------------------------------------------------------ */

static void the_proof_must_fit_key_code_and_installation(void **state) {
    (void)state;
    struct phone phone = new_phone(), other = new_phone();
    const char *code = new_code();
    installation_id elsewhere = rig.installation;
    elsewhere.b[0] ^= 1;
    struct proof by_other = enrol_proof(&other, code, rig.installation);
    struct proof for_other_code = enrol_proof(&phone, "ABCD-EFGH-JKLM", rig.installation);
    struct proof for_elsewhere = enrol_proof(&phone, code, elsewhere);
    struct proof flipped = enrol_proof(&phone, code, rig.installation);
    flipped.bytes[flipped.len - 1] ^= 1;
    struct proof empty = {.len = 0};
    assert_answer(enrol_with(code, &phone.key, &by_other), ENROL_PROOF);
    assert_answer(enrol_with(code, &phone.key, &for_other_code), ENROL_PROOF);
    assert_answer(enrol_with(code, &phone.key, &for_elsewhere), ENROL_PROOF);
    assert_answer(enrol_with(code, &phone.key, &flipped), ENROL_PROOF);
    assert_answer(enrol_with(code, &phone.key, &empty), ENROL_PROOF);
    assert_answer(enrol(&phone, code), OK);
}

//= RULES.md R-JRN-1
//  refuses a key that is not a valid point or was ever seen before
static void a_key_of_small_order_is_refused(void **state) {
    (void)state;
    struct phone phone = new_phone();
    const char *code = new_code();
    struct proof proof = enrol_proof(&phone, code, rig.installation);
    public_key neutral = {{1}}, zero = {{0}}, off_curve;
    memset(off_curve.b, 0xff, sizeof off_curve.b);
    const public_key *const bad[] = {&neutral, &zero, &off_curve};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct rig_answer a = enrol_with(code, bad[i], &proof);
        assert_answer(a, ENVELOPE_KEY);
        assert_string_equal(a.field, "public_key");
    }
}

static void a_key_that_was_ever_seen_is_refused_in_any_agency(void **state) {
    (void)state;
    struct phone phone = enrolled(), again = phone;
    assert_answer(enrol(&again, new_code()), DEVICE_KEY_SEEN);
    assert_answer(confirm(boss(), &phone, true), OK);
    assert_answer(revoke(boss(), &phone), OK);
    struct rig_answer a = create_code(rig_staff_token(&rig, other_agency, other_supervisor, 0), other_supervisor, rig_id());
    assert_answer(a, OK);
    a = enrol(&again, ((Tagih__V1__CreateEnrolCodeResponse *)a.response)->code);
    assert_answer(a, DEVICE_KEY_SEEN);
    assert_int_equal(a.status, CALL_ALREADY_EXISTS);
}

/* ---- the second person ---------------------------------------------------------------------------------------- */

static void nobody_confirms_his_own_phone(void **state) {
    (void)state;
    struct phone phone = new_phone();
    struct rig_answer a = create_code(boss(), supervisor, rig_id());
    assert_answer(a, OK);
    assert_answer(enrol(&phone, ((Tagih__V1__CreateEnrolCodeResponse *)a.response)->code), OK);
    assert_answer(confirm(boss(), &phone, true), DEVICE_OWN);
    user_id colleague = rig_user(&rig, agency, NULL, ROLE_ADMIN);
    assert_answer(confirm(rig_staff_token(&rig, agency, colleague, 0), &phone, true), OK);
}

static void only_the_agencys_office_confirms(void **state) {
    (void)state;
    struct phone phone = enrolled();
    user_id peer = rig_user(&rig, agency, NULL, ROLE_COLLECTOR | ROLE_CASHIER);
    assert_answer(confirm(rig_staff_token(&rig, agency, peer, 0), &phone, true), NOT_PERMITTED);
    assert_answer(confirm(rig_staff_token(&rig, other_agency, other_supervisor, 0), &phone, true), NOT_PERMITTED);
    assert_answer(authenticate(&phone), DEVICE_PENDING);
}

static void a_decision_repeated_is_the_same_and_another_one_is_refused(void **state) {
    (void)state;
    struct phone taken = active(), refused = enrolled();
    assert_answer(confirm(boss(), &taken, true), OK);
    assert_answer(confirm(boss(), &taken, false), DEVICE_DECIDED);
    struct rig_answer a = confirm(boss(), &refused, false);
    assert_answer(a, OK);
    assert_string_equal(((Tagih__V1__ConfirmDeviceResponse *)a.response)->state, "refused");
    assert_answer(confirm(boss(), &refused, false), OK);
    assert_answer(confirm(boss(), &refused, true), DEVICE_DECIDED);
    assert_answer(authenticate(&refused), CALLER_REVOKED);
    char sql[160];
    snprintf(sql, sizeof sql, "select string_agg(kind, ',' order by version) from device_event where device_id = '%s'",
             taken.device_text);
    assert_string_equal(pg_value(&rig.pg, sql), "ENROLLED,CONFIRMED");
}

/* ---- nonces --------------------------------------------------------------------------------------------------- */

static void a_nonce_is_for_one_phone_and_made_by_this_installation(void **state) {
    (void)state;
    struct phone phone = active(), other = active();
    uint8_t nonce[32], theirs[32];
    get_nonce(&phone, nonce);
    get_nonce(&other, theirs);
    struct rig_answer a = authenticate_with(&phone, &phone, 1, theirs, rig.installation);
    assert_answer(a, NONCE_INVALID);
    assert_int_equal(a.status, CALL_UNAUTHENTICATED);
    nonce[31] ^= 1;
    assert_answer(authenticate_with(&phone, &phone, 1, nonce, rig.installation), NONCE_INVALID);
    nonce[31] ^= 1;
    nonce[7] ^= 1; /* a little younger than it is */
    assert_answer(authenticate_with(&phone, &phone, 1, nonce, rig.installation), NONCE_INVALID);
    nonce[7] ^= 1;
    assert_answer(authenticate_with(&phone, &phone, 1, nonce, rig.installation), OK);
}

/* The nonce that the server would have given at that moment: it is stateless, and the rig has its keys. */
static void nonce_of(const struct phone *phone, int64_t at_us, uint8_t out[32]) {
    static const char purpose[] = "tagih.nonce.1";
    uint8_t secret[32], said[24];
    for (int i = 0; i < 8; i++) said[i] = out[i] = (uint8_t)(at_us >> (56 - 8 * i));
    memcpy(said + 8, phone->device.u.b, 16);
    crypto_generichash(secret, 32, (const uint8_t *)purpose, strlen(purpose), keyring_signing(&rig.keys, KEY_TOKEN)->secret.b, 32);
    crypto_generichash(out + 8, 24, said, sizeof said, secret, sizeof secret);
}

static void a_nonce_lasts_a_minute(void **state) {
    (void)state;
    struct phone phone = active();
    uint8_t nonce[32];
    nonce_of(&phone, clock_now().us - 55 * US_PER_S, nonce);
    assert_answer(authenticate_with(&phone, &phone, 1, nonce, rig.installation), OK);
    nonce_of(&phone, clock_now().us - 61 * US_PER_S, nonce);
    assert_answer(authenticate_with(&phone, &phone, 1, nonce, rig.installation), NONCE_EXPIRED);
    nonce_of(&phone, clock_now().us + 61 * US_PER_S, nonce);
    assert_answer(authenticate_with(&phone, &phone, 1, nonce, rig.installation), NONCE_INVALID);
}

static void a_nonce_outlives_a_restart(void **state) {
    (void)state;
    struct phone phone = active();
    uint8_t nonce[32];
    get_nonce(&phone, nonce);
    rig_restart(&rig);
    assert_answer(authenticate_with(&phone, &phone, 1, nonce, rig.installation), OK);
}

static void only_the_present_key_authenticates(void **state) {
    (void)state;
    struct phone phone = active(), other = active();
    uint8_t nonce[32];
    installation_id elsewhere = rig.installation;
    elsewhere.b[15] ^= 1;
    get_nonce(&phone, nonce);
    assert_answer(authenticate_with(&phone, &other, 1, nonce, rig.installation), DEVICE_PROOF);
    assert_answer(authenticate_with(&phone, &phone, 2, nonce, rig.installation), DEVICE_PROOF);
    assert_answer(authenticate_with(&phone, &phone, 1, nonce, elsewhere), DEVICE_PROOF);
    struct phone stranger = new_phone();
    stranger.device.u = rig_id();
    uuid_format(stranger.device.u, stranger.device_text);
    assert_answer(authenticate(&stranger), DEVICE_PROOF);
}

/* ---- the way out ---------------------------------------------------------------------------------------------- */

static void a_revoked_phone_gets_no_token_and_its_old_one_is_dead(void **state) {
    (void)state;
    struct phone phone = active();
    struct rig_answer a = authenticate(&phone);
    assert_answer(a, OK);
    const char *token = ((Tagih__V1__AuthenticateResponse *)a.response)->access_token;
    Tagih__V1__WhoAmIRequest who = TAGIH__V1__WHO_AM_IREQUEST__INIT;
    assert_answer(rig_call(&rig, token, "SessionService/WhoAmI", &who), OK);
    assert_answer(revoke(rig_staff_token(&rig, other_agency, other_supervisor, 0), &phone), NOT_PERMITTED);
    assert_answer(revoke(boss(), &phone), OK);
    assert_answer(rig_call(&rig, token, "SessionService/WhoAmI", &who), CALLER_REVOKED);
    assert_answer(authenticate(&phone), CALLER_REVOKED);
    assert_answer(revoke(boss(), &phone), OK);
    char sql[200];
    snprintf(sql, sizeof sql, "select count(*) from device_event where device_id = '%s' and kind = 'REVOKED'"
             " and reason = 'lost in the market'", phone.device_text);
    assert_int_equal(pg_number(&rig.pg, sql), 1);
    snprintf(sql, sizeof sql, "select count(*) from change where kind = 70 and object_id = '%s'", phone.device_text);
    assert_int_equal(pg_number(&rig.pg, sql), 3);
}

static void a_suspended_user_s_phone_stays_out(void **state) {
    (void)state;
    struct phone phone = active();
    char sql[128];
    snprintf(sql, sizeof sql, "update staff_state set state = 2 where user_id = '%s'", rig_text(collector.u));
    pg_exec(&rig.pg, sql);
    assert_answer(authenticate(&phone), CALLER_REVOKED);
    snprintf(sql, sizeof sql, "update staff_state set state = 1 where user_id = '%s'", rig_text(collector.u));
    pg_exec(&rig.pg, sql);
    assert_answer(authenticate(&phone), OK);
}

/* ---- the list ------------------------------------------------------------------------------------------------- */

static struct rig_answer list(const char *token, int32_t size, const char *page) {
    Tagih__V1__ListDevicesRequest request = TAGIH__V1__LIST_DEVICES_REQUEST__INIT;
    request.page_size = size;
    request.page_token = (char *)(uintptr_t)page;
    return rig_call(&rig, token, "DeviceService/ListDevices", &request);
}

static void phones_are_listed_newest_first_page_by_page(void **state) {
    (void)state;
    struct phone pending = enrolled();
    struct rig_answer a = list(boss(), 2, "");
    assert_answer(a, OK);
    const Tagih__V1__ListDevicesResponse *r = a.response;
    assert_int_equal(r->n_devices, 2);
    assert_string_equal(r->devices[0]->device_id, pending.device_text);
    assert_string_equal(r->devices[0]->state, "pending");
    assert_string_equal(r->devices[0]->model, "Galaxy A15");
    assert_int_equal(strlen(r->devices[0]->fingerprint), 4);
    long long seen = 2, all;
    char last[UUID_TEXT_SIZE], sql[128];
    snprintf(last, sizeof last, "%s", r->devices[1]->device_id);
    while (*r->next_page_token) {
        a = list(boss(), 7, r->next_page_token);
        assert_answer(a, OK);
        r = a.response;
        for (size_t i = 0; i < r->n_devices; i++, seen++) {
            assert_true(strcmp(r->devices[i]->device_id, last) < 0);
            snprintf(last, sizeof last, "%s", r->devices[i]->device_id);
        }
    }
    snprintf(sql, sizeof sql, "select count(*) from device_state where agency_id = '%s'", rig_text(agency.u));
    all = pg_number(&rig.pg, sql);
    assert_int_equal(seen, all);
    assert_answer(list(boss(), 7, "AAAA"), PAGE_TOKEN);
    assert_answer(list(boss(), 201, ""), REQUEST_FIELD_RANGE);
    assert_answer(list(rig_staff_token(&rig, agency, collector, 0), 7, ""), NOT_PERMITTED);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, forget_guesses)
    const struct CMUnitTest tests[] = {
        TEST(a_phone_comes_in_by_code_key_and_a_second_persons_word),
        TEST(the_certificate_says_whose_key_it_is_and_starts_the_chain),
        TEST(the_allowance_lasts_until_noon_of_the_next_working_day),
        TEST(a_code_is_twelve_characters_and_its_hash_is_all_that_is_kept),
        TEST(codes_are_for_the_office_and_its_own_people),
        TEST(a_code_is_read_in_any_case_and_spacing),
        TEST(a_code_works_once),
        TEST(a_lost_reply_to_enrol_may_be_asked_for_again),
        TEST(a_code_ends_after_a_day),
        TEST(guessing_codes_has_to_wait),
        TEST(what_cannot_be_a_code_is_refused),
        TEST(the_proof_must_fit_key_code_and_installation),
        TEST(a_key_of_small_order_is_refused),
        TEST(a_key_that_was_ever_seen_is_refused_in_any_agency),
        TEST(nobody_confirms_his_own_phone),
        TEST(only_the_agencys_office_confirms),
        TEST(a_decision_repeated_is_the_same_and_another_one_is_refused),
        TEST(a_nonce_is_for_one_phone_and_made_by_this_installation),
        TEST(a_nonce_lasts_a_minute),
        TEST(a_nonce_outlives_a_restart),
        TEST(only_the_present_key_authenticates),
        TEST(a_revoked_phone_gets_no_token_and_its_old_one_is_dead),
        TEST(a_suspended_user_s_phone_stays_out),
        TEST(phones_are_listed_newest_first_page_by_page),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
