/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway tells of payments: signed bytes, no token, once each. */
#include <pthread.h>
#include <sodium.h>

#include "server/run/clock.h"
#include "server/run/random.h"
#include "tests/support/case.h"
#include "tests/support/teller.h"

enum { OF_PAYMENT = 1, OF_SUSPENSE_IN = 30 }; /* posting.kind */

static struct rig rig;
static struct teller teller;
static const user_id nobody;
static uint8_t hmac_key[32], old_key[32], signing[crypto_sign_SECRETKEYBYTES];
static account_id account;
static char account_no[64];

static void add_key(const char *gateway, int key_no, int algorithm, const uint8_t *key, bool retired) {
    char sql[400], hex[65];
    bytes_hex(bytes_make(key, 32), hex);
    snprintf(sql, sizeof sql, "insert into gateway_key values ('%s', '%s', %d, %d, '\\x%s', 1, %s)", rig_text(teller.agency.u), gateway,
             key_no, algorithm, hex, retired ? "2" : "null");
    pg_exec(&rig.pg, sql);
}

static int open_rig(void **state) {
    (void)state;
    uint8_t verifying[32];
    rig_open(&rig, NULL);
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    random_bytes(hmac_key, sizeof hmac_key);
    random_bytes(old_key, sizeof old_key);
    crypto_sign_keypair(verifying, signing);
    add_key("xendit", 1, 1, old_key, true);
    add_key("xendit", 2, 1, hmac_key, false);
    add_key("bank-x", 1, 2, verifying, false);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static void new_account(void) {
    char sql[200];
    account = teller_account(&teller, nobody, &debt_j1, 1);
    snprintf(sql, sizeof sql, "select account_no from account where account_id = '%s'", rig_text(account.u));
    snprintf(account_no, sizeof account_no, "%s", pg_value(&rig.pg, sql));
}

struct told {
    const char *gateway, *body;
    uint8_t signature[64];
    size_t signature_len;
    agency_id agency;
};

static void sign_hmac(struct told *told, const uint8_t *key) {
    crypto_auth_hmacsha256(told->signature, (const uint8_t *)told->body, strlen(told->body), key);
    told->signature_len = 32;
}

static struct told told_of(const char *body) {
    struct told told = {.gateway = "xendit", .body = body, .agency = teller.agency};
    sign_hmac(&told, hmac_key);
    return told;
}

static struct rig_answer tell(const struct told *told) {
    char agency[UUID_TEXT_SIZE];
    uuid_format(told->agency.u, agency);
    Tagih__V1__NotifyGatewayPaymentRequest request = TAGIH__V1__NOTIFY_GATEWAY_PAYMENT_REQUEST__INIT;
    request.agency_id = agency;
    request.gateway = (char *)(uintptr_t)told->gateway;
    request.body = (ProtobufCBinaryData){strlen(told->body), (uint8_t *)(uintptr_t)told->body};
    request.signature = (ProtobufCBinaryData){told->signature_len, (uint8_t *)(uintptr_t)told->signature};
    return rig_call(&rig, NULL, "PaymentService/NotifyGatewayPayment", &request);
}

static const Tagih__V1__NotifyGatewayPaymentResponse *told_well(const struct told *told) {
    struct rig_answer answer = tell(told);
    assert_answer(answer, OK);
    return answer.response;
}

static const char *body_of(const char *reference, const char *no, const char *amount) {
    static char bodies[8][400];
    static unsigned next;
    char *out = bodies[next++ % 8], day[DATE_TEXT_SIZE];
    date_format((civil_date){(int32_t)(teller_noon(-2).us / US_PER_DAY)}, day);
    snprintf(out, sizeof bodies[0],
             "{\"event\": \"paid\", \"reference\": \"%s\", \"account_no\": \"%s\", \"amount\": \"%s\", \"currency\": \"IDR\","
             " \"paid_at\": \"%sT12:00:00+07:00\"}", reference, no, amount, day);
    return out;
}

//= RULES.md R-PAY-5g
//  A gateway's notification is the bytes that it signed, HMAC-SHA-256 under a secret or Ed25519, by a key registered for
//  the agency and gateway
static void a_signed_notification_posts_once_and_silences_the_debt(void **state) {
    (void)state;
    new_account();
    struct told told = told_of(body_of("G-1", account_no, "1000000"));
    const Tagih__V1__NotifyGatewayPaymentResponse *first = told_well(&told);
    payment_id payment;
    assert_ok(uuid_parse(first->payment_id, &payment.u));
    // J31: transfer clearing 1 000 000 · receivable 1 000 000
    assert_int_equal(teller_line(&teller, payment, OF_PAYMENT, LEDGER_TRANSFER_CLEARING), MINOR(1000000));
    assert_int_equal(teller_line(&teller, payment, OF_PAYMENT, LEDGER_RECEIVABLE_PRINCIPAL), -MINOR(500000));
    assert_int_equal(teller_number(&teller, "select value_us from payment where payment_id = '%s'", payment.u), teller_noon(-2).us);
    assert_int_equal(teller_number(&teller, "select count(*) from payment where payment_id = '%s' and source = 2 and tag = 4"
                                            " and source_reference = 'xendit:G-1'", payment.u), 1);
    assert_int_equal(teller_number(&teller, "select count(*) from account_silence_state where account_id = '%s'", account.u), 1);
    assert_string_equal(told_well(&told)->payment_id, first->payment_id); /* a replay gives the same answer */
    struct told ed = {.gateway = "bank-x", .body = told.body, .signature_len = 64, .agency = teller.agency};
    crypto_sign_detached(ed.signature, NULL, (const uint8_t *)ed.body, strlen(ed.body), signing);
    assert_string_not_equal(told_well(&ed)->payment_id, first->payment_id); /* another gateway's reference is another one */
    assert_int_equal(teller_number(&teller, "select count(*) from payment where account_id = '%s'", account.u), 2);
}

//= RULES.md R-PAY-5g
//  what no key fits is UNAUTHENTICATED and learns nothing else.
static void a_signature_that_no_key_fits_learns_nothing(void **state) {
    (void)state;
    new_account();
    struct told right = told_of(body_of("G-2", account_no, "5")), told = right;
    told.signature[31] ^= 1;
    assert_answer(tell(&told), GATEWAY_SIGNATURE);
    assert_int_equal(tell(&told).status, CALL_UNAUTHENTICATED);
    told = right;
    told.body = body_of("G-2", account_no, "500000");
    assert_answer(tell(&told), GATEWAY_SIGNATURE);
    told = right;
    sign_hmac(&told, old_key); /* retired */
    assert_answer(tell(&told), GATEWAY_SIGNATURE);
    told = right;
    told.gateway = "nobody";
    assert_answer(tell(&told), GATEWAY_SIGNATURE);
    told = right;
    told.gateway = "bank-x"; /* its public key is no secret to sign with */
    assert_answer(tell(&told), GATEWAY_SIGNATURE);
    told = right;
    told.agency = rig_agency(&rig, "Other");
    assert_answer(tell(&told), GATEWAY_SIGNATURE);
    told.agency.u = rig_id();
    assert_answer(tell(&told), GATEWAY_SIGNATURE);
    told = right;
    told.body = "{}"; /* not even what is wrong with the body */
    assert_answer(tell(&told), GATEWAY_SIGNATURE);
    told = right;
    told.signature_len = 31;
    assert_answer(tell(&told), GATEWAY_SIGNATURE);
    assert_int_equal(teller_number(&teller, "select count(*) from payment where account_id = '%s'", account.u), 0);
    told_well(&right);
}

static void what_is_no_payment_is_refused_with_its_member(void **state) {
    (void)state;
    new_account();
    const struct {
        const char *body, *reason, *field;
    } cases[] = {
        {"[1, 2]", "GATEWAY_BODY", ""},
        {"{\"reference\": \"a\", \"reference\": \"b\"}", "GATEWAY_BODY", ""},
        {"{\"reference\": ", "GATEWAY_BODY", ""},
        {"{\"currency\": \"IDR\"}", "REQUEST_FIELD_MISSING", "body.account_no"},
        {"{\"account_no\": \"1\"}", "REQUEST_FIELD_MISSING", "body.currency"},
        {"{\"currency\": \"XQQ\"}", "MONEY_CURRENCY_UNKNOWN", "body.currency"},
        {"{\"currency\": \"IDR\", \"account_no\": \"1\", \"reference\": \"r\", \"amount\": 5}", "REQUEST_FIELD_MISSING", "body.amount"},
        {"{\"currency\": \"IDR\", \"account_no\": \"1\", \"reference\": \"r\", \"amount\": \"0\"}", "PAYMENT_AMOUNT", "body.amount"},
        {"{\"currency\": \"IDR\", \"account_no\": \"1\", \"reference\": \"r\", \"amount\": \"5\", \"paid_at\": \"2026-01-02 10:00:00\"}",
         "DATE_SYNTAX", "body.paid_at"},
        {"{\"currency\": \"IDR\", \"account_no\": \"1\", \"reference\": \"r\", \"amount\": \"5\", \"paid_at\": \"2099-01-02T10:00:00Z\"}",
         "PAYMENT_FUTURE", "body.paid_at"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct told told = told_of(cases[i].body);
        struct rig_answer answer = tell(&told);
        assert_string_equal(answer.reason, cases[i].reason);
        assert_string_equal(answer.field, cases[i].field);
    }
    struct told first = told_of(body_of("G-3", account_no, "5")), other = told_of(body_of("G-3", account_no, "6"));
    told_well(&first);
    assert_answer(tell(&other), PAYMENT_IDENTITY_REUSED);
}

//= RULES.md R-PAY-2
//  RECEIVED → SUSPENSE → POSTED (matched by a second person, valued when received)
static void money_for_an_account_that_nobody_knows_waits(void **state) {
    (void)state;
    struct told told = told_of(body_of("G-4", "NO-SUCH", "1000000"));
    const Tagih__V1__NotifyGatewayPaymentResponse *first = told_well(&told);
    assert_string_equal(first->payment_id, "");
    payment_id item;
    assert_ok(uuid_parse(first->suspense_item_id, &item.u));
    // J20: clearing 1 000 000 · suspense 1 000 000
    assert_int_equal(teller_line(&teller, item, OF_SUSPENSE_IN, LEDGER_TRANSFER_CLEARING), MINOR(1000000));
    assert_int_equal(teller_line(&teller, item, OF_SUSPENSE_IN, LEDGER_SUSPENSE), -MINOR(1000000));
    assert_string_equal(told_well(&told)->suspense_item_id, first->suspense_item_id);
}

static void *tell_it(void *context) {
    assert_answer(tell(context), OK);
    return NULL;
}

//= RULES.md R-PAY-5g
//  the same again gets the same answer, whatever it is.
static void a_storm_of_one_notification_is_one_payment(void **state) {
    (void)state;
    new_account();
    struct told told = told_of(body_of("G-5", account_no, "5"));
    pthread_t threads[16];
    for (size_t i = 0; i < 16; i++) pthread_create(&threads[i], NULL, tell_it, &told);
    for (size_t i = 0; i < 16; i++) pthread_join(threads[i], NULL);
    assert_int_equal(teller_number(&teller, "select count(*) from payment where account_id = '%s'", account.u), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_notification_posts_once_and_silences_the_debt),
        cmocka_unit_test(a_signature_that_no_key_fits_learns_nothing),
        cmocka_unit_test(what_is_no_payment_is_refused_with_its_member),
        cmocka_unit_test(money_for_an_account_that_nobody_knows_waits),
        cmocka_unit_test(a_storm_of_one_notification_is_one_payment),
    };
    return cmocka_run_group_tests_name("gateway", tests, open_rig, close_rig);
}
