/* SPDX-License-Identifier: Apache-2.0 */
/* Journal entries and documents: what decodes encodes to itself, what is odd decodes, what is not ours does
 * not. */
#include "domain/document.h"
#include "domain/journal_fields.h"
#include "tests/support/case.h"
#include "tests/support/journal_samples.h"

static struct sample_keys keys;

static int make_keys(void **state) {
    (void)state;
    keys = sample_keys_make();
    return 0;
}

/* The entry after a journey through its bytes. */
static struct journal_entry there_and_back(const struct journal_entry *entry, uint8_t bytes[ENVELOPE_MAX]) {
    size_t len;
    struct journal_entry back;
    assert_ok(journal_encode(entry, bytes, ENVELOPE_MAX, &len));
    assert_ok(journal_decode(bytes_make(bytes, len), &back));
    return back;
}

static void check_entry(const struct vector *vector, void *context) {
    struct envelope envelope;
    struct journal_entry entry;
    uint8_t again[ENVELOPE_MAX];
    size_t len, *count = context;
    if (strcmp(vector->fields[1], "journal-entry") != 0) return;
    assert_ok(envelope_open(bytes_make(vector->bytes, vector->len), ENVELOPE_JOURNAL_ENTRY, keys.installation,
                            &envelope));
    assert_ok(journal_decode(envelope.payload, &entry));
    assert_ok(journal_encode(&entry, again, sizeof again, &len));
    assert_true(bytes_equal(envelope.payload, bytes_make(again, len)));
    assert_non_null(journal_kind_name(entry.kind));
    ++*count;
}

//= RULES.md R-JRN-2
//  An entry is one COSE_Sign1 over deterministic CBOR, verified, hashed and stored as the bytes received,
//  never re-serialised.
static void every_kind_decodes_and_encodes_to_the_same_bytes(void **state) {
    (void)state;
    size_t count = 0;
    assert_true(vectors_each("good.tsv", check_entry, &count) > 0);
    assert_int_equal(count, 16);
}

//= RULES.md R-REC-1
//  Receipt: account, payer (debtor, or name and relation), amount > 0, currency, tender (CASH, TRANSFER, QR,
//  CHEQUE, with reference), payment tag, visit, position evidence, receipt number from a range leased to the
//  device, printed split (advisory). One receipt, one account.
static void a_receipt_keeps_all_it_says(void **state) {
    (void)state;
    uint8_t bytes[ENVELOPE_MAX];
    struct journal_entry entry = sample_receipt(), back = there_and_back(&entry, bytes);
    const struct journal_receipt *receipt = &back.body.receipt;
    assert_int_equal(back.seq, 41);
    assert_true(back.has_log_head && hash256_equal(&back.log_head, &entry.log_head));
    assert_true(journal_money_of(&back) == &receipt->money);
    assert_int_equal(receipt->money.amount_minor, 166302500);
    assert_string_equal(receipt->money.currency.code, "IDR");
    assert_int_equal(receipt->money.cum_count, 7);
    assert_true(bytes_equal(receipt->payer_name, bytes_text("Siti Rahayu")));
    assert_int_equal(receipt->tender, JOURNAL_TENDER_TRANSFER);
    assert_int_equal(receipt->position.lon_e7, 1103695000);
    assert_true(receipt->position.has_speed_mm_s && receipt->has_split);
    assert_int_equal(receipt->split.principal_minor, 116302500);
    assert_false(back.bad_text);
}

static void what_a_receipt_leaves_out_is_absent_and_not_zero(void **state) {
    (void)state;
    uint8_t bytes[ENVELOPE_MAX];
    struct journal_entry entry = sample_receipt_least(), back = there_and_back(&entry, bytes);
    const struct journal_receipt *receipt = &back.body.receipt;
    assert_false(back.has_shift || back.has_server_time || back.has_log_head);
    assert_false(receipt->has_payer_name || receipt->has_visit || receipt->has_position ||
                 receipt->has_split);
}

//= RULES.md R-JRN-8
//  Text is valid UTF-8 without NUL and control characters, at most 500 bytes. A violation in an entry whose
//  money fields decode is POSTED_FLAGGED(BAD_TEXT), raw bytes kept.
static void bad_text_is_marked_and_kept_as_it_came(void **state) {
    (void)state;
    static const char *const texts[] = {"\x42\xff", "a\nb", "\xc0\x80", "\xed\xa0\x80", "\xc2\x85"};
    uint8_t bytes[ENVELOPE_MAX], long_text[JOURNAL_TEXT_MAX + 1];
    struct journal_entry entry = sample_receipt(), back;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        entry.body.receipt.payer_name = bytes_text(texts[i]);
        back = there_and_back(&entry, bytes);
        assert_true(back.bad_text);
        assert_true(bytes_equal(back.body.receipt.payer_name, bytes_text(texts[i])));
        assert_int_equal(back.body.receipt.money.amount_minor, 166302500);
    }
    memset(long_text, 'x', sizeof long_text);
    entry.body.receipt.payer_name = bytes_make(long_text, JOURNAL_TEXT_MAX);
    assert_false(there_and_back(&entry, bytes).bad_text);
    entry.body.receipt.payer_name = bytes_make(long_text, JOURNAL_TEXT_MAX + 1);
    assert_true(there_and_back(&entry, bytes).bad_text);
}

//= RULES.md R-JRN-5
//  A debtor must not suffer for a phone: a valid signature and a known debtor post, whatever is odd about the
//  device
static void absurd_clocks_amounts_and_codes_decode_so_that_they_can_be_judged(void **state) {
    (void)state;
    static const int64_t amounts[] = {0, -1, INT64_MIN, INT64_MAX};
    uint8_t bytes[ENVELOPE_MAX];
    struct journal_entry entry = sample_receipt_least();
    entry.device_time.us = -(INT64_C(1) << 60);
    entry.body.receipt.tender = UINT16_MAX;
    entry.body.receipt.tag = 0;
    entry.body.receipt.money.currency = (currency){"xx!"};
    for (size_t i = 0; i < COUNT_OF(amounts); i++) {
        entry.body.receipt.money.amount_minor = amounts[i];
        assert_true(there_and_back(&entry, bytes).body.receipt.money.amount_minor == amounts[i]);
    }
}

static void an_unknown_kind_still_tells_where_it_stands_in_the_chain(void **state) {
    (void)state;
    uint8_t bytes[ENVELOPE_MAX];
    size_t len;
    struct journal_entry entry = sample_receipt_least(), back;
    assert_ok(journal_encode(&entry, bytes, sizeof bytes, &len));
    bytes[2] = 23; /* {1: kind */
    assert_fails(journal_decode(bytes_make(bytes, len), &back), JOURNAL_KIND);
    assert_int_equal(back.kind, 23);
    assert_int_equal(back.seq, 1);
    assert_true(uuid_equal(back.device.u, entry.device.u));
    entry.kind = 23;
    assert_fails(journal_encode(&entry, bytes, sizeof bytes, &len), JOURNAL_KIND);
    assert_null(journal_kind_name(23));
    assert_null(journal_money_of(&back));
}

//= RULES.md R-CHK-2
//  A check-in carries 1-30 fixes
static void a_check_in_carries_one_to_thirty_fixes(void **state) {
    (void)state;
    uint8_t bytes[ENVELOPE_MAX];
    size_t len;
    struct journal_entry entry = sample_receipt_least();
    struct journal_check_in *body = &entry.body.check_in;
    struct journal_fix fix = sample_receipt().body.receipt.position;
    entry.kind = JOURNAL_CHECK_IN;
    *body = (struct journal_check_in){.visit = {sample_id(1)}};
    for (size_t i = 0; i < JOURNAL_FIXES_MAX; i++) body->fixes[i] = fix;
    static const size_t counts[] = {1, JOURNAL_FIXES_MAX, 0, JOURNAL_FIXES_MAX + 1};
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        body->fix_count = counts[i];
        if (i >= 2) {
            assert_fails(journal_encode(&entry, bytes, sizeof bytes, &len), PAYLOAD_FIELD);
            continue;
        }
        struct journal_entry back = there_and_back(&entry, bytes);
        assert_int_equal(back.body.check_in.fix_count, counts[i]);
        assert_memory_equal(&back.body.check_in.fixes[counts[i] - 1].at, &fix.at, sizeof fix.at);
    }
}

static void an_entry_too_long_for_an_envelope_is_named_before_it_is_signed(void **state) {
    (void)state;
    static uint8_t text[5000];
    uint8_t bytes[2 * ENVELOPE_MAX];
    size_t len;
    struct journal_entry entry = sample_receipt();
    entry.body.receipt.payer_name = bytes_make(text, sizeof text);
    assert_fails(journal_sign(&entry, keys.installation, &keys.device_secret, bytes, sizeof bytes, &len),
                 ENVELOPE_TOO_LARGE);
    assert_fails(journal_encode(&entry, bytes, 100, &len), BUFFER_SMALL);
    entry = sample_receipt();
    entry.seq = 0;
    assert_fails(journal_sign(&entry, keys.installation, &keys.device_secret, bytes, sizeof bytes, &len),
                 PAYLOAD_FIELD);
}

static void bytes_changed_at_random_never_decode_to_something_else(void **state) {
    (void)state;
    uint8_t good[ENVELOPE_MAX], bytes[ENVELOPE_MAX], again[ENVELOPE_MAX];
    size_t len, again_len;
    uint64_t seed = 20260303;
    struct journal_entry entry = sample_receipt(), back;
    assert_ok(journal_encode(&entry, good, sizeof good, &len));
    int decoded = 0;
    for (int round = 0; round < 20000; round++) {
        memcpy(bytes, good, len);
        for (uint64_t change = 0; change <= random_below(&seed, 3); change++)
            bytes[random_below(&seed, len)] = (uint8_t)random_below(&seed, 256);
        if (!err_is_ok(journal_decode(bytes_make(bytes, len), &back))) continue;
        assert_ok(journal_encode(&back, again, sizeof again, &again_len));
        assert_true(bytes_equal(bytes_make(again, again_len), bytes_make(bytes, len)));
        decoded++;
    }
    assert_true(decoded > 1000); /* changes inside ids and texts do decode: the loop proves something */
}

static void read_page(char *out, size_t size) {
    FILE *file = fopen(TAGIH_SOURCE "/proto/README.md", "r");
    assert_non_null(file);
    size_t len = fread(out, 1, size - 1, file);
    fclose(file);
    out[len] = '\0';
}

static void the_page_that_clients_read_says_what_the_code_does(void **state) {
    (void)state;
    static char page[64000];
    const struct schema *all[32] = {&journal_entry_schema,      &journal_fix_schema,
                                    &journal_split_schema,      &journal_day_currency_schema,
                                    &journal_day_tender_schema, &device_certificate_schema,
                                    &acknowledgement_schema,    &chain_certificate_schema,
                                    &chain_gap_schema,          &allowance_schema,
                                    &enrolment_proof_schema,    &nonce_proof_schema,
                                    &posting_head_schema,       &token_schema};
    size_t count = 14;
    for (uint16_t kind = 1; journal_body_schema(kind); kind++) all[count++] = journal_body_schema(kind);
    assert_int_equal(count, 24);
    read_page(page, sizeof page);
    for (size_t i = 0; i < count; i++) {
        char cddl[4000];
        assert_true(schema_write_cddl(all[i], cddl, sizeof cddl) < sizeof cddl);
        if (!strstr(page, cddl)) fail_msg("proto/README.md needs:\n%s", cddl);
    }
}

static void a_table_lists_its_keys_in_the_order_of_the_wire(void **state) {
    (void)state;
    for (uint16_t kind = 1; journal_body_schema(kind); kind++) {
        const struct schema *schema = journal_body_schema(kind);
        for (size_t i = 1; i < schema->count; i++)
            assert_true(schema->fields[i - 1].key < schema->fields[i].key);
    }
}

//= RULES.md R-JRN-6
//  Each entry gets one countersigned acknowledgement {entry hash, first fate, reasons, received time, key id}
static void an_acknowledgement_opens_to_what_was_signed(void **state) {
    (void)state;
    uint8_t bytes[ENVELOPE_MAX];
    size_t len;
    struct envelope envelope;
    struct acknowledgement back, ack = {.entry_hash = sample_hash(7),
                                        .fate = FATE_QUARANTINED,
                                        .reason_count = 1,
                                        .reasons = {REASON_VOID_APPROVAL},
                                        .received = {1772534400000000}};
    assert_ok(acknowledgement_sign(&ack, keys.installation, &keys.server_secret, bytes, sizeof bytes, &len));
    assert_ok(acknowledgement_open(bytes_make(bytes, len), keys.installation, &back, &envelope));
    assert_ok(envelope_verify(&envelope, &keys.server));
    assert_fails(envelope_verify(&envelope, &keys.device), ENVELOPE_SIGNATURE);
    assert_true(hash256_equal(&back.entry_hash, &ack.entry_hash));
    assert_string_equal(fate_name(back.fate), "QUARANTINED");
    assert_string_equal(fate_reason_name(back.reasons[0]), "VOID_APPROVAL");
    assert_non_null(fate_reason_text(back.reasons[0]));
    assert_null(fate_reason_name(999));
    struct device_certificate certificate;
    assert_fails(device_certificate_open(bytes_make(bytes, len), keys.installation, &certificate, &envelope),
                 ENVELOPE_TYPE);
    ack.reason_count = ACKNOWLEDGEMENT_REASONS_MAX + 1;
    assert_fails(
        acknowledgement_sign(&ack, keys.installation, &keys.server_secret, bytes, sizeof bytes, &len),
        PAYLOAD_FIELD);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_decodes_and_encodes_to_the_same_bytes),
        cmocka_unit_test(a_receipt_keeps_all_it_says),
        cmocka_unit_test(what_a_receipt_leaves_out_is_absent_and_not_zero),
        cmocka_unit_test(bad_text_is_marked_and_kept_as_it_came),
        cmocka_unit_test(absurd_clocks_amounts_and_codes_decode_so_that_they_can_be_judged),
        cmocka_unit_test(an_unknown_kind_still_tells_where_it_stands_in_the_chain),
        cmocka_unit_test(a_check_in_carries_one_to_thirty_fixes),
        cmocka_unit_test(an_entry_too_long_for_an_envelope_is_named_before_it_is_signed),
        cmocka_unit_test(bytes_changed_at_random_never_decode_to_something_else),
        cmocka_unit_test(the_page_that_clients_read_says_what_the_code_does),
        cmocka_unit_test(a_table_lists_its_keys_in_the_order_of_the_wire),
        cmocka_unit_test(an_acknowledgement_opens_to_what_was_signed),
    };
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
