/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated phone: its chain is one that the rules accept, and it believes a server only where it must. */
#include "tests/sim/phone.h"
#include "tests/support/case.h"

struct office {
    installation_id installation;
    public_key key;
    secret_key secret;
    struct phone phone;
};

static void sign_certificate(struct office *office) {
    struct device_certificate document = {.device = office->phone.device, .key = office->phone.key, .epoch = 1,
                                          .valid_from = {office->phone.now_us}};
    uint8_t bytes[ENVELOPE_MAX];
    size_t len;
    assert_ok(device_certificate_sign(&document, office->installation, &office->secret, bytes, sizeof bytes, &len));
    assert_true(phone_take_device_certificate(&office->phone, bytes_make(bytes, len)));
}

static void office_open(struct office *office) {
    *office = (struct office){.installation = {{7}}};
    uint8_t seed[32] = {1};
    key_pair_from_seed(seed, &office->key, &office->secret);
    struct phone *phone = &office->phone;
    phone_init(phone, 42, 1);
    phone->installation = office->installation;
    phone->device.u.b[0] = 9;
    phone->now_us = 1700000000 * US_PER_S;
    phone->booted_us = phone->now_us - US_PER_DAY;
    phone->server_keys[phone->server_key_count++] = office->key;
    sign_certificate(office);
}

static void office_close(struct office *office) {
    phone_release(&office->phone);
}

static struct record *receipt(struct phone *phone, int64_t amount_minor) {
    struct journal_entry entry = {.kind = JOURNAL_RECEIPT};
    entry.body.receipt.money = (struct journal_money){.amount_minor = amount_minor, .currency = phone->currency};
    entry.body.receipt.tender = JOURNAL_TENDER_CASH;
    phone->now_us += US_PER_MINUTE;
    return phone_write(phone, &entry);
}

static size_t sign_ack(const struct office *office, const secret_key *key, hash256 hash, instant received,
                       uint8_t out[ENVELOPE_MAX]) {
    struct acknowledgement document = {.entry_hash = hash, .fate = FATE_POSTED, .received = received};
    size_t len;
    assert_ok(acknowledgement_sign(&document, office->installation, key, out, ENVELOPE_MAX, &len));
    return len;
}

static size_t sign_chain(const struct office *office, int64_t seq, hash256 head, uint8_t out[ENVELOPE_MAX]) {
    struct chain_certificate document = {.device = office->phone.device, .epoch = 1, .contiguous_seq = seq,
                                         .head_hash = head, .received = {office->phone.now_us}};
    size_t len;
    assert_ok(chain_certificate_sign(&document, office->installation, &office->secret, out, ENVELOPE_MAX, &len));
    return len;
}

static struct journal_entry decode(const struct office *office, const struct record *record) {
    struct envelope envelope;
    struct journal_entry entry;
    struct bytes bytes = bytes_make(record->bytes, record->len);
    assert_ok(envelope_open(bytes, ENVELOPE_JOURNAL_ENTRY, office->installation, &envelope));
    assert_ok(envelope_verify(&envelope, &office->phone.key));
    assert_ok(journal_decode(envelope.payload, &entry));
    return entry;
}

//= RULES.md R-JRN-3
//  Each body carries `device_id, epoch, seq` (from 1, no gaps), `prev_hash` (the first: SHA-256 of the device
//  certificate's Sig_structure)
static void each_entry_names_the_one_before_it(void **state) {
    (void)state;
    struct office office;
    office_open(&office);
    hash256 expected = office.phone.head_hash;
    for (int64_t seq = 1; seq <= 5; seq++) {
        const struct record *record = receipt(&office.phone, 1000 * seq);
        struct journal_entry entry = decode(&office, record);
        assert_int_equal(entry.seq, seq);
        assert_true(hash256_equal(&entry.prev_hash, &expected));
        expected = record->hash;
    }
    office_close(&office);
}

//= RULES.md R-JRN-3
//  count adds 1 for each receipt **and** each void, total adds the signed amount.
static void running_totals_count_voids_too(void **state) {
    (void)state;
    struct office office;
    office_open(&office);
    receipt(&office.phone, 70000);
    struct journal_entry undo = {.kind = JOURNAL_VOID};
    undo.body.voided.money = (struct journal_money){.amount_minor = -70000, .currency = office.phone.currency};
    struct journal_entry entry = decode(&office, phone_write(&office.phone, &undo));
    assert_int_equal(entry.body.voided.money.cum_count, 2);
    assert_int_equal(entry.body.voided.money.cum_total_minor, 0);
    entry = decode(&office, receipt(&office.phone, 500));
    assert_int_equal(entry.body.receipt.money.cum_count, 3);
    assert_int_equal(entry.body.receipt.money.cum_total_minor, 500);
    office_close(&office);
}

//= RULES.md R-JRN-6
//  The phone may delete only what is acknowledged and covered by a certificate
static void only_what_is_acknowledged_and_covered_is_deleted(void **state) {
    (void)state;
    struct office office;
    office_open(&office);
    struct phone *phone = &office.phone;
    struct record *first = receipt(phone, 1000), *second = receipt(phone, 2000);
    uint8_t bytes[ENVELOPE_MAX];
    size_t len = sign_ack(&office, &office.secret, second->hash, phone_wall(phone), bytes);
    assert_int_equal(phone_take_ack(phone, second, bytes_make(bytes, len)), PROOF_NEW);
    assert_int_equal(phone_forget(phone), 2);
    len = sign_chain(&office, 2, second->hash, bytes);
    assert_int_equal(phone_take_certificate(phone, bytes_make(bytes, len)), PROOF_NEW);
    assert_int_equal(phone_forget(phone), 1);
    assert_true(second->deleted);
    assert_false(first->deleted);
    office_close(&office);
}

//= RULES.md R-JRN-4
//  the first acknowledgement again, byte for byte
static void a_second_acknowledgement_must_be_the_first_one(void **state) {
    (void)state;
    struct office office;
    office_open(&office);
    struct phone *phone = &office.phone;
    struct record *record = receipt(phone, 1000);
    uint8_t bytes[ENVELOPE_MAX];
    size_t len = sign_ack(&office, &office.secret, record->hash, (instant){1000}, bytes);
    assert_int_equal(phone_take_ack(phone, record, bytes_make(bytes, len)), PROOF_NEW);
    assert_int_equal(phone_take_ack(phone, record, bytes_make(bytes, len)), PROOF_SAME);
    len = sign_ack(&office, &office.secret, record->hash, (instant){1001}, bytes);
    assert_int_equal(phone_take_ack(phone, record, bytes_make(bytes, len)), PROOF_CHANGED);
    office_close(&office);
}

static void a_stranger_can_acknowledge_nothing(void **state) {
    (void)state;
    struct office office;
    office_open(&office);
    struct phone *phone = &office.phone;
    struct record *record = receipt(phone, 1000), *other = receipt(phone, 2000);
    uint8_t bytes[ENVELOPE_MAX];
    size_t len = sign_ack(&office, &phone->secret, record->hash, (instant){1000}, bytes);
    assert_int_equal(phone_take_ack(phone, record, bytes_make(bytes, len)), PROOF_SIGNATURE);
    len = sign_ack(&office, &office.secret, other->hash, (instant){1000}, bytes);
    assert_int_equal(phone_take_ack(phone, record, bytes_make(bytes, len)), PROOF_OTHER);
    assert_int_equal(phone_take_ack(phone, record, bytes_make(bytes, len - 1)), PROOF_UNREADABLE);
    assert_false(record->acked);
    office_close(&office);
}

static void a_certificate_of_another_history_is_refused(void **state) {
    (void)state;
    struct office office;
    office_open(&office);
    struct phone *phone = &office.phone;
    receipt(phone, 1000);
    struct record *second = receipt(phone, 2000);
    uint8_t bytes[ENVELOPE_MAX];
    size_t len = sign_chain(&office, 1, second->hash, bytes);
    assert_int_equal(phone_take_certificate(phone, bytes_make(bytes, len)), PROOF_OTHER);
    len = sign_chain(&office, 3, second->hash, bytes);
    assert_int_equal(phone_take_certificate(phone, bytes_make(bytes, len)), PROOF_OTHER);
    assert_int_equal(phone->contiguous_seq, 0);
    office_close(&office);
}

//= RULES.md R-TIM-3
//  `lo` = the last server time proven in the entry
static void a_certificate_is_a_contact_that_later_entries_prove(void **state) {
    (void)state;
    struct office office;
    office_open(&office);
    struct phone *phone = &office.phone;
    struct record *first = receipt(phone, 1000);
    assert_false(decode(&office, first).has_server_time);
    uint8_t bytes[ENVELOPE_MAX];
    size_t len = sign_chain(&office, 1, first->hash, bytes);
    assert_int_equal(phone_take_certificate(phone, bytes_make(bytes, len)), PROOF_NEW);
    int64_t contact_mono_us = phone_mono_us(phone);
    struct journal_entry entry = decode(&office, receipt(phone, 2000));
    assert_true(entry.has_server_time && entry.has_log_head);
    assert_int_equal(entry.server_mono_us, contact_mono_us);
    assert_int_equal(entry.mono_us - entry.server_mono_us, US_PER_MINUTE);
    office_close(&office);
}

//= RULES.md R-JRN-4
//  Same `(device, epoch, seq)` with another body is a fork
static void a_clone_takes_a_place_without_moving_the_chain(void **state) {
    (void)state;
    struct office office;
    office_open(&office);
    struct phone *phone = &office.phone;
    receipt(phone, 1000);
    struct record *second = receipt(phone, 2000);
    struct journal_entry entry = {.kind = JOURNAL_RECEIPT};
    entry.body.receipt.money = (struct journal_money){.amount_minor = 9000, .currency = phone->currency};
    struct record *twin = phone_write_as_clone(phone, 2, &entry);
    assert_int_equal(twin->seq, second->seq);
    assert_false(hash256_equal(&twin->hash, &second->hash));
    assert_int_equal(phone->record_count, 2);
    assert_int_equal(phone->cum_total_minor, 3000);
    office_close(&office);
}

//= RULES.md R-JRN-6
//  EVIDENCE(reason; undecodable, wrong signature, unknown device: raw bytes kept within a quota, no money, alarm)
static void a_turned_bit_breaks_the_signature_or_the_form(void **state) {
    (void)state;
    struct office office;
    office_open(&office);
    struct phone *phone = &office.phone;
    const struct record *record = receipt(phone, 1000);
    for (int i = 0; i < PHONE_EXTRAS_MAX; i++) {
        const struct record *copy = phone_flip(phone, record);
        struct envelope envelope;
        tagih_err err = envelope_open(bytes_make(copy->bytes, copy->len), ENVELOPE_JOURNAL_ENTRY, office.installation,
                                      &envelope);
        if (err_is_ok(err)) assert_fails(envelope_verify(&envelope, &phone->key), ENVELOPE_SIGNATURE);
        else assert_fails(err, ENVELOPE_SYNTAX);
    }
    office_close(&office);
}

static void a_seed_gives_the_same_phone_again(void **state) {
    (void)state;
    struct office a, b;
    office_open(&a);
    office_open(&b);
    const struct record *one = receipt(&a.phone, 1234), *two = receipt(&b.phone, 1234);
    assert_true(bytes_equal(bytes_make(one->bytes, one->len), bytes_make(two->bytes, two->len)));
    office_close(&a);
    office_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_entry_names_the_one_before_it),
        cmocka_unit_test(running_totals_count_voids_too),
        cmocka_unit_test(only_what_is_acknowledged_and_covered_is_deleted),
        cmocka_unit_test(a_second_acknowledgement_must_be_the_first_one),
        cmocka_unit_test(a_stranger_can_acknowledge_nothing),
        cmocka_unit_test(a_certificate_of_another_history_is_refused),
        cmocka_unit_test(a_certificate_is_a_contact_that_later_entries_prove),
        cmocka_unit_test(a_clone_takes_a_place_without_moving_the_chain),
        cmocka_unit_test(a_turned_bit_breaks_the_signature_or_the_form),
        cmocka_unit_test(a_seed_gives_the_same_phone_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
