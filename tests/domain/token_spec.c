/* SPDX-License-Identifier: Apache-2.0 */
/* Access tokens: every way in which one is not in force. */
#include "tests/support/case.h"
#include "tests/support/journal_samples.h"

static struct sample_keys keys;
static uint8_t bytes[TOKEN_MAX];
static struct bytes signed_token;

#define AT(s) ((instant){(s)*US_PER_S})
#define ISSUED INT64_C(1772534400)
#define EXPIRES INT64_C(1772535300)

static int make_token(void **state) {
    (void)state;
    keys = sample_keys_make();
    struct token token = sample_token();
    size_t len = 0;
    if (!err_is_ok(token_sign(&token, keys.installation, &keys.server_secret, bytes, sizeof bytes, &len)))
        return 1;
    signed_token = bytes_make(bytes, len);
    return 0;
}

static void a_token_says_who_calls(void **state) {
    (void)state;
    struct token token;
    assert_ok(token_open_verify(signed_token, keys.installation, &keys.server, AT(ISSUED), &token));
    assert_true(uuid_equal(token.user.u, sample_id(0x99)));
    assert_true(uuid_equal(token.agency.u, sample_id(0xA9)));
    assert_int_equal(token.caller, TOKEN_STAFF);
    assert_false(token.has_device);
}

static void the_longest_token_fits_and_one_out_of_range_is_not_signed(void **state) {
    (void)state;
    struct token token = sample_token(), back;
    uint8_t out[TOKEN_MAX];
    size_t len;
    token.has_device = true;
    token.device = (device_id){sample_id(0xD1)};
    token.caller = UINT16_MAX;
    token.expires_s = token.not_before_s = token.issued_s = INSTANT_MAX_US / US_PER_S;
    assert_ok(token_sign(&token, keys.installation, &keys.server_secret, out, sizeof out, &len));
    assert_fails(token_open_verify(bytes_make(out, len), keys.installation, &keys.server, AT(ISSUED), &back),
                 TOKEN_INVALID);
    assert_true(back.has_device && uuid_equal(back.device.u, token.device.u));
    token.expires_s++;
    assert_fails(token_sign(&token, keys.installation, &keys.server_secret, out, sizeof out, &len),
                 PAYLOAD_FIELD);
    token = sample_token();
    assert_fails(token_sign(&token, keys.installation, &keys.server_secret, out, 10, &len), BUFFER_SMALL);
}

static void a_token_is_in_force_a_minute_before_its_first_second_and_dead_in_its_last(void **state) {
    (void)state;
    struct token token;
    assert_fails(token_open_verify(signed_token, keys.installation, &keys.server, AT(ISSUED - TOKEN_SKEW_S - 1), &token),
                 TOKEN_INVALID);
    assert_ok(token_open_verify(signed_token, keys.installation, &keys.server, AT(ISSUED - TOKEN_SKEW_S), &token));
    assert_ok(token_open_verify(signed_token, keys.installation, &keys.server, AT(EXPIRES - 1), &token));
    assert_fails(token_open_verify(signed_token, keys.installation, &keys.server, AT(EXPIRES), &token),
                 TOKEN_EXPIRED);
}

static void another_key_another_installation_and_another_kind_are_invalid_alike(void **state) {
    (void)state;
    struct token token;
    struct journal_entry entry = sample_receipt_least();
    uint8_t other[ENVELOPE_MAX];
    size_t len;
    installation_id elsewhere = {{0}};
    assert_fails(token_open_verify(signed_token, keys.installation, &keys.device, AT(ISSUED), &token),
                 TOKEN_INVALID);
    assert_fails(token_open_verify(signed_token, elsewhere, &keys.server, AT(ISSUED), &token), TOKEN_INVALID);
    assert_ok(journal_sign(&entry, keys.installation, &keys.server_secret, other, sizeof other, &len));
    assert_fails(
        token_open_verify(bytes_make(other, len), keys.installation, &keys.server, AT(ISSUED), &token),
        TOKEN_INVALID);
    assert_ok(envelope_sign(ENVELOPE_ACCESS_TOKEN, keys.installation, &keys.server_secret, bytes_text("\xa0"),
                            other, sizeof other, &len));
    assert_fails(
        token_open_verify(bytes_make(other, len), keys.installation, &keys.server, AT(ISSUED), &token),
        TOKEN_INVALID);
}

static void no_changed_byte_and_no_garbage_is_let_in(void **state) {
    (void)state;
    struct token token;
    uint8_t changed[TOKEN_MAX + 1] = {0};
    for (size_t i = 0; i < signed_token.len; i++) {
        memcpy(changed, bytes, signed_token.len);
        changed[i] ^= 0x40;
        assert_fails(token_open_verify(bytes_make(changed, signed_token.len), keys.installation, &keys.server,
                                       AT(ISSUED), &token),
                     TOKEN_INVALID);
    }
    assert_fails(token_open_verify(bytes_make(changed, sizeof changed), keys.installation, &keys.server,
                                   AT(ISSUED), &token),
                 TOKEN_INVALID);
    assert_fails(token_open_verify(bytes_make(NULL, 0), keys.installation, &keys.server, AT(ISSUED), &token),
                 TOKEN_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_says_who_calls),
        cmocka_unit_test(the_longest_token_fits_and_one_out_of_range_is_not_signed),
        cmocka_unit_test(a_token_is_in_force_a_minute_before_its_first_second_and_dead_in_its_last),
        cmocka_unit_test(another_key_another_installation_and_another_kind_are_invalid_alike),
        cmocka_unit_test(no_changed_byte_and_no_garbage_is_let_in),
    };
    return cmocka_run_group_tests(tests, make_token, NULL);
}
