/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bad input of every kind, at every method: each has a clear error, or a fate when it is a signed entry, and nothing
 * is lost, doubled or brought down by it. What can be said of all methods is driven by their descriptors.
 */
#include "tests/support/writer.h"

#include <stdlib.h>

#include "server/run/clock.h"
#include "tests/support/case.h"
#include "tests/support/everybody.h"
#include "tests/support/methods.h"

#define MINOR(rupiah) (INT64_C(100) * (rupiah))
#define REQUEST_MAX ((size_t)1 << 20)

static struct rig rig;
static agency_id agency;
static struct everybody all;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    pg_exec(&rig.pg, "begin");
    agency = rig_agency(&rig, "Acme");
    everybody_open(&all, &rig, agency);
    pg_exec(&rig.pg, "commit");
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* ---- every method --------------------------------------------------------------------------------------------- */

static struct rig_answer call_raw(const struct method *m, const char *token, struct bytes raw) {
    return rig_call_with(&rig, m->name, NULL, &(struct rig_call_options){.token = token, .raw = &raw, .timeout_us = 10 * US_PER_S});
}

/* Refused for what was sent, with the machine-readable reason that every error carries. */
static void assert_refused(const struct method *m, const struct rig_answer *a, const char *what) {
    bool refused = a->status == CALL_INVALID_ARGUMENT || a->status == CALL_RESOURCE_EXHAUSTED;
    if (!refused || !*a->reason) fail_msg("%s: %s answered %d %s %s", m->name, what, (int)a->status, a->reason, a->message);
}

static size_t put_key(uint8_t *out, unsigned number, unsigned wire) {
    size_t n = 0;
    for (unsigned key = number << 3 | wire; key || n == 0; key >>= 7) out[n++] = (uint8_t)((key & 0x7F) | (key > 0x7F ? 0x80 : 0));
    return n;
}

static size_t put_varint(uint8_t *out, uint64_t value) {
    size_t n = 0;
    do {
        out[n++] = (uint8_t)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        value >>= 7;
    } while (value);
    return n;
}

static void garbage_is_refused_by_every_method(void **state) {
    (void)state;
    static const struct bytes garbage[] = {
        {(const uint8_t *)"\xff", 1}, {(const uint8_t *)"\x0a", 1}, {(const uint8_t *)"\x0a\x7f" "short", 7},
        {(const uint8_t *)"\x00\x01", 2}, {(const uint8_t *)"\x0b\x0c", 2},
        {(const uint8_t *)"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},
        {(const uint8_t *)"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 13}};
    FOR_EACH_METHOD(m) {
        for (size_t i = 0; i < COUNT_OF(garbage); i++) {
            struct rig_answer a = call_raw(&m, everybody_token(&all, m.row), garbage[i]);
            assert_refused(&m, &a, "garbage");
        }
    }
}

/* One string field with bad bytes: for every string of every request. */
static void text_that_is_no_text_is_refused_by_every_method(void **state) {
    (void)state;
    static const struct bytes bad[] = {{(const uint8_t *)"\xff\xfe", 2}, {(const uint8_t *)"a\0b", 3},
                                       {(const uint8_t *)"\xc0\x80", 2}, {(const uint8_t *)"\xed\xa0\x80", 3}};
    size_t tried = 0;
    FOR_EACH_METHOD(m) {
        for (unsigned f = 0; f < m.proto->input->n_fields; f++) {
            const ProtobufCFieldDescriptor *field = &m.proto->input->fields[f];
            if (field->type != PROTOBUF_C_TYPE_STRING) continue;
            for (size_t i = 0; i < COUNT_OF(bad); i++, tried++) {
                uint8_t raw[32];
                size_t n = put_key(raw, field->id, 2);
                raw[n++] = (uint8_t)bad[i].len;
                memcpy(raw + n, bad[i].data, bad[i].len);
                struct rig_answer a = call_raw(&m, everybody_token(&all, m.row), bytes_make(raw, n + bad[i].len));
                assert_answer(a, REQUEST_TEXT);
                assert_string_equal(a.field, field->name);
            }
        }
    }
    assert_true(tried > 40);
}

static void unknown_enum_values_are_refused_by_every_method(void **state) {
    (void)state;
    static const uint64_t values[] = {9999, INT32_MAX, UINT64_C(1) << 32 | 1, UINT64_MAX};
    FOR_EACH_METHOD(m) {
        for (unsigned f = 0; f < m.proto->input->n_fields; f++) {
            const ProtobufCFieldDescriptor *field = &m.proto->input->fields[f];
            if (field->type != PROTOBUF_C_TYPE_ENUM) continue;
            for (size_t i = 0; i < COUNT_OF(values); i++) {
                uint8_t raw[32];
                size_t n = put_key(raw, field->id, 0);
                n += put_varint(raw + n, values[i]);
                struct rig_answer a = call_raw(&m, everybody_token(&all, m.row), bytes_make(raw, n));
                assert_answer(a, REQUEST_ENUM);
            }
        }
    }
}

/* Unknown fields are of a newer client and no reason to refuse: the same answer as to an empty request. */
static void unknown_fields_change_nothing(void **state) {
    (void)state;
    FOR_EACH_METHOD(m) {
        if (m.row->parks) continue;
        uint8_t raw[64];
        size_t n = put_key(raw, 1000, 2);
        raw[n++] = 3;
        memcpy(raw + n, "\xff\x00\x01", 3);
        n += 3;
        n += put_key(raw + n, 1001, 0);
        n += put_varint(raw + n, UINT64_MAX);
        struct rig_answer with = call_raw(&m, everybody_token(&all, m.row), bytes_make(raw, n));
        struct rig_answer without = call_raw(&m, everybody_token(&all, m.row), bytes_make(raw, 0));
        if (strcmp(with.reason, without.reason) != 0) fail_msg("%s: %s, empty %s", m.name, with.reason, without.reason);
    }
}

/* 10 000 messages inside each other in every field, as bytes that no type asked for. */
static void ten_thousand_levels_break_nothing(void **state) {
    (void)state;
    enum { DEPTH = 10000 };
    static uint8_t raw[DEPTH * 4 + 16];
    FOR_EACH_METHOD(m) {
        if (m.row->parks) continue;
        for (unsigned f = 0; f < m.proto->input->n_fields; f++) {
            const ProtobufCFieldDescriptor *field = &m.proto->input->fields[f];
            if (field->type != PROTOBUF_C_TYPE_MESSAGE) continue;
            size_t at = sizeof raw;
            for (int depth = 0; depth < DEPTH; depth++) {
                uint8_t head[12];
                size_t n = put_key(head, depth == DEPTH - 1 ? field->id : 1, 2);
                n += put_varint(head + n, sizeof raw - at);
                at -= n;
                memcpy(raw + at, head, n);
            }
            struct rig_answer a = call_raw(&m, everybody_token(&all, m.row), bytes_make(raw + at, sizeof raw - at));
            assert_refused(&m, &a, "10 000 levels");
        }
    }
}

/* 20 001 items cost 40 kB to send and must not cost megabytes to hold. */
static void twenty_thousand_and_one_items_are_too_many(void **state) {
    (void)state;
    enum { ITEMS = 20001 };
    static uint8_t raw[ITEMS * 3];
    FOR_EACH_METHOD(m) {
        if (m.proto->input->n_fields == 0) continue;
        size_t n = 0;
        for (int i = 0; i < ITEMS; i++) {
            n += put_key(raw + n, m.proto->input->fields[0].id, 2);
            raw[n++] = 0;
        }
        struct rig_answer a = call_raw(&m, everybody_token(&all, m.row), bytes_make(raw, n));
        assert_refused(&m, &a, "20 001 items");
    }
}

static void more_than_a_mebibyte_is_refused_and_the_next_call_is_served(void **state) {
    (void)state;
    uint8_t *raw = calloc(1, REQUEST_MAX + 1);
    assert_non_null(raw);
    FOR_EACH_METHOD(m) {
        struct rig_answer a = call_raw(&m, everybody_token(&all, m.row), bytes_make(raw, REQUEST_MAX + 1));
        if (a.status != CALL_RESOURCE_EXHAUSTED) fail_msg("%s answered %d %s", m.name, (int)a.status, a.message);
    }
    free(raw);
    Tagih__V1__WhoAmIRequest who = TAGIH__V1__WHO_AM_IREQUEST__INIT;
    struct rig_answer a = rig_call(&rig, rig_staff_token(&rig, agency, all.people[2], 0), "SessionService/WhoAmI", &who);
    assert_answer(a, OK);
}

/* ---- entries -------------------------------------------------------------------------------------------------- */

static account_id debt(void) {
    return rig_account(&rig, agency, &(struct rig_account){.collector = all.people[0]});
}

static struct writer new_writer(void) {
    struct writer writer;
    struct rig_phone phone = rig_phone(&rig, agency, all.people[0]);
    writer_begin(&writer, &rig, &phone);
    return writer;
}

static long long count_of(const char *table, const char *column, uuid id) {
    char sql[256];
    snprintf(sql, sizeof sql, "select count(*) from %s where %s = '%s'", table, column, rig_text(id));
    return pg_number(&rig.pg, sql);
}

//= RULES.md R-JRN-7
//  Nothing that a known device signed is ever dropped. One bad entry never sinks the batch around it.
static void every_flipped_bit_is_evidence_and_never_money(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt();
    struct journal_entry receipt = writer_receipt(&w, account, MINOR(1000));
    size_t good = writer_sign(&w, &receipt), len = w.entries[good].len;
    assert_answer(writer_push_range(&w, good, good), OK);
    long long evidence = pg_number(&rig.pg, "select count(*) from evidence");
    for (size_t i = 0; i < len; i++) {
        w.entries[1 + i] = w.entries[good];
        w.entries[1 + i].bytes[i] ^= (uint8_t)(1u << i % 8);
    }
    w.n += len;
    struct rig_answer a = writer_push_range(&w, 1, len);
    assert_answer(a, OK);
    const Tagih__V1__PushResponse *response = a.response;
    for (size_t i = 0; i < len; i++) assert_int_equal(response->acks[i].len, 0);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from evidence") - evidence, len);
    assert_int_equal(count_of("payment", "account_id", account.u), 1);
    assert_int_equal(count_of("journal_key", "device_id", w.phone.device.u), 1);
    for (size_t i = 0; i < len; i++) { /* cut short at every byte */
        w.entries[1 + i] = w.entries[good];
        w.entries[1 + i].len = i;
    }
    assert_answer(writer_push_range(&w, 1, len), OK);
    assert_int_equal(count_of("journal_key", "device_id", w.phone.device.u), 1);
    writer_end(&w);
}

static const int64_t absurd[] = {INT64_MIN, INT64_MIN + 1, -1, 0, INT64_MAX - 1, INT64_MAX};

/* Signed as it stands; a value that no entry can carry is refused by the phone's own encoder, and that is well. */
static void add(struct writer *w, struct journal_entry *e) {
    uint8_t bytes[ENVELOPE_MAX];
    size_t len;
    if (!err_is_ok(journal_sign(e, w->rig->installation, &w->phone.secret, bytes, sizeof bytes, &len))) return;
    writer_sign(w, e);
}

static void absurd_heads(struct writer *w, account_id account, int64_t value) {
    struct journal_entry e = writer_receipt(w, account, MINOR(10));
    e.device_time.us = value;
    add(w, &e);
    e = writer_receipt(w, account, MINOR(11));
    e.mono_us = value;
    add(w, &e);
    e = writer_receipt(w, account, MINOR(12));
    e.has_server_time = e.has_server_mono_us = e.has_server_boot = true;
    e.server_time.us = value;
    e.server_mono_us = -value - (value == INT64_MIN);
    e.server_boot = e.boot_id;
    add(w, &e);
    e = writer_receipt(w, account, MINOR(13));
    e.body.receipt.receipt_no = value;
    e.body.receipt.tender = (uint16_t)value;
    e.body.receipt.payer = (uint16_t)value;
    e.body.receipt.tag = (uint16_t)value;
    e.body.receipt.has_split = true;
    e.body.receipt.split = (struct journal_split){value, value, value, value, value};
    e.body.receipt.has_position = true;
    e.body.receipt.position = (struct journal_fix){.lat_e7 = (int32_t)value, .lon_e7 = (int32_t)value, .at = {value}};
    add(w, &e);
}

static void absurd_money(struct writer *w, account_id account, int64_t value) {
    struct journal_entry e = writer_receipt(w, account, value);
    size_t before = w->n;
    e.body.receipt.money.cum_count = UINT64_MAX;
    e.body.receipt.money.cum_total_minor = value;
    w->cum_total_minor = -value / 2; /* the helper's own sum must not overflow: it is spoilt anyway */
    add(w, &e);
    if (w->n == before) return;
    e = writer_void(w, w->n - 1, 1);
    e.body.voided.money.amount_minor = value;
    e.body.voided.has_left_visit = true;
    e.body.voided.left_visit.us = value;
    w->cum_total_minor = -value / 2;
    add(w, &e);
    w->cum_total_minor = 0;
    e = writer_entry(w, JOURNAL_PROMISE);
    e.body.promise = (struct journal_promise){.account = account, .amount_minor = value, .currency = {"IDR"},
                                              .due_on = {(int32_t)value}, .promiser = (uint16_t)value, .channel = (uint16_t)value};
    add(w, &e);
    e = writer_entry(w, JOURNAL_DEPOSIT);
    e.body.deposit = (struct journal_deposit){.amount_minor = value, .currency = {"IDR"}, .bank_reference = bytes_text("x")};
    add(w, &e);
}

static void absurd_rest(struct writer *w, visit_id visit, int64_t value) {
    struct journal_entry e = writer_entry(w, JOURNAL_CHECK_IN);
    e.body.check_in = (struct journal_check_in){
        .visit = visit, .purpose = (uint16_t)value, .tapped = {value}, .tapped_mono_us = value, .fix_count = 2,
        .fixes = {{.lat_e7 = (int32_t)value, .lon_e7 = (int32_t)(value >> 32), .accuracy_mm = (uint32_t)value, .at = {value},
                   .has_speed_mm_s = true, .speed_mm_s = (uint32_t)value, .has_altitude_mm = true, .altitude_mm = (int32_t)value},
                  {.lat_e7 = -61754000, .lon_e7 = 1068272000, .accuracy_mm = 1, .at = {-value - (value == INT64_MIN)}}}};
    add(w, &e);
    e = writer_entry(w, JOURNAL_VISIT_OUTCOME);
    e.body.outcome = (struct journal_visit_outcome){.visit = visit, .visit_version = (uint32_t)value, .outcome = (uint16_t)value,
                                                    .list_version = (uint32_t)value, .has_next_action = true,
                                                    .next_action = (uint16_t)value, .has_next_on = true, .next_on = {(int32_t)value}};
    add(w, &e);
    e = writer_entry(w, JOURNAL_DAY_CLOSE);
    struct journal_day_currency day = {.currency = {"IDR"}, .cum_count = (uint64_t)value, .cum_total_minor = value,
                                       .receipt_count = (uint64_t)value, .void_count = (uint64_t)value,
                                       .void_total_minor = value, .cash_to_hand_over_minor = value};
    e.body.day_close = (struct journal_day_close){.first_seq = value, .last_seq = value, .currency_count = 1, .tender_count = 2,
                                                  .currencies = {day},
                                                  .tenders = {{.currency = {"IDR"}, .tender = 2, .count = 1, .total_minor = value},
                                                              {.currency = {"IDR"}, .tender = 3, .count = 1, .total_minor = value}}};
    add(w, &e);
    e = writer_entry(w, JOURNAL_REPRINT);
    e.body.reprint = (struct journal_reprint){.copy_no = (uint32_t)value};
    add(w, &e);
    e = writer_entry(w, JOURNAL_RECEIPT_NUMBER_LOST);
    e.body.number_lost = (struct journal_receipt_number_lost){.first_no = value, .last_no = -value - (value == INT64_MIN)};
    add(w, &e);
    e = writer_entry(w, JOURNAL_KEY_ROTATION);
    e.body.rotation = (struct journal_key_rotation){.new_epoch = (uint32_t)value};
    add(w, &e);
}

//= RULES.md R-JRN-6
//  Each entry gets one countersigned acknowledgement
static void absurd_values_of_every_kind_get_a_fate(void **state) {
    (void)state;
    size_t signed_ = 0;
    for (size_t i = 0; i < COUNT_OF(absurd); i++) {
        struct writer w = new_writer();
        account_id account = debt();
        visit_id visit = rig_visit(&rig, agency, account, all.people[0]);
        absurd_heads(&w, account, absurd[i]);
        absurd_money(&w, account, absurd[i]);
        absurd_rest(&w, visit, absurd[i]);
        signed_ += w.n;
        struct rig_answer a = writer_push_range(&w, 0, w.n - 1);
        if (a.status != CALL_OK) fail_msg("%lld, %zu entries: %s %s", (long long)absurd[i], w.n, a.reason, a.message);
        for (size_t k = 0; k < w.n; k++) (void)writer_ack(&w, &a, k, k);
        assert_int_equal(count_of("journal_key", "device_id", w.phone.device.u), (long long)w.n);
        struct journal_entry fine = writer_receipt(&w, account, MINOR(500)); /* and the phone works on */
        size_t at = writer_sign(&w, &fine);
        assert_answer(writer_push_range(&w, at, at), OK);
        assert_int_equal(count_of("payment", "payment_id", w.entries[at].id.u), 1);
        writer_end(&w);
    }
    print_message("             %zu absurd entries could be signed\n", signed_);
    assert_true(signed_ > 20);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from (select from ledger_line group by posting_id, currency"
                                        " having sum(amount_minor) <> 0) x"), 0);
}

static void absurd_places_in_a_chain_get_a_fate(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(absurd); i++) {
        struct writer w = new_writer();
        account_id account = debt();
        struct journal_entry e = writer_receipt(&w, account, MINOR(10));
        e.seq = absurd[i];
        e.body.receipt.money.cum_count = 1;
        e.body.receipt.money.cum_total_minor = MINOR(10);
        uint8_t bytes[ENVELOPE_MAX];
        size_t len;
        if (!err_is_ok(journal_sign(&e, rig.installation, &w.phone.secret, bytes, sizeof bytes, &len))) {
            writer_end(&w);
            continue;
        }
        size_t at = writer_sign_as(&w, &e);
        struct rig_answer a = writer_push_range(&w, at, at);
        assert_answer(a, OK);
        struct acknowledgement ack = writer_ack(&w, &a, 0, at);
        assert_int_not_equal(ack.fate, FATE_POSTED);
        struct journal_entry next = writer_receipt(&w, account, MINOR(20)); /* the chain begins behind it all the same */
        size_t next_at = writer_sign(&w, &next);
        a = writer_push_range(&w, next_at, next_at);
        assert_answer(a, OK);
        assert_int_equal(count_of("payment", "payment_id", w.entries[next_at].id.u), 1);
        writer_end(&w);
    }
}

static void an_entry_of_another_installation_is_evidence(void **state) {
    (void)state;
    struct writer w = new_writer();
    struct journal_entry receipt = writer_receipt(&w, debt(), MINOR(1000));
    size_t at = writer_sign(&w, &receipt);
    installation_id foreign = rig.installation;
    foreign.b[0] ^= 1;
    receipt.id = (entry_id){rig_id()};
    struct written *w1 = &w.entries[w.n++];
    assert_ok(journal_sign(&receipt, foreign, &w.phone.secret, w1->bytes, sizeof w1->bytes, &w1->len));
    struct rig_answer a = writer_push_range(&w, at, at + 1);
    assert_answer(a, OK);
    const Tagih__V1__PushResponse *response = a.response;
    assert_true(response->acks[0].len > 0);
    assert_int_equal(response->acks[1].len, 0);
    assert_int_equal(count_of("receipt", "device_id", w.phone.device.u), 1);
    writer_end(&w);
}

/* An entry that names another device, signed with one's own key. */
static void nobody_writes_in_another_phones_name(void **state) {
    (void)state;
    struct writer w = new_writer(), victim = new_writer();
    struct journal_entry receipt = writer_receipt(&w, debt(), MINOR(1000));
    receipt.device = victim.phone.device;
    size_t at = writer_sign_as(&w, &receipt);
    struct rig_answer a = writer_push_range(&w, at, at);
    assert_answer(a, OK);
    assert_int_equal(((Tagih__V1__PushResponse *)a.response)->acks[0].len, 0);
    assert_int_equal(count_of("journal_key", "device_id", victim.phone.device.u), 0);
    assert_int_equal(count_of("journal_key", "device_id", w.phone.device.u), 0);
    writer_end(&w);
    writer_end(&victim);
}

static void two_phones_may_be_at_the_same_place_of_their_chains(void **state) {
    (void)state;
    struct writer a = new_writer(), b = new_writer();
    account_id account = debt();
    struct journal_entry one = writer_receipt(&a, account, MINOR(1000)), two = writer_receipt(&b, account, MINOR(2000));
    size_t one_at = writer_sign(&a, &one), two_at = writer_sign(&b, &two);
    struct rig_answer first = writer_push_range(&a, one_at, one_at), second = writer_push_range(&b, two_at, two_at);
    assert_int_equal(writer_ack(&a, &first, 0, one_at).fate, FATE_POSTED);
    assert_int_equal(writer_ack(&b, &second, 0, two_at).fate, FATE_POSTED);
    assert_int_equal(count_of("payment", "account_id", account.u), 2);
    writer_end(&a);
    writer_end(&b);
}

static void revoke(const struct rig_phone *phone, int64_t at_us) {
    char sql[200];
    snprintf(sql, sizeof sql, "update device_state set state = 4, revoked_us = %lld where device_id = '%s'", (long long)at_us,
             rig_text(phone->device.u));
    pg_exec(&rig.pg, sql);
}

/* Three receipts: the first knows of no contact, the second of one at `contact`, the third of the same. */
static void three_receipts(struct writer *w, account_id account, instant contact) {
    for (int i = 0; i < 3; i++) {
        struct journal_entry e = writer_receipt(w, account, MINOR(1000 + i));
        e.has_server_time = i > 0;
        e.server_time = contact;
        writer_sign(w, &e);
    }
}

//= RULES.md R-REC-7
//  Key revoked after issue and before sync: flagged and posted when the issue time, bracketed by a server contact,
//  precedes the revocation; else quarantined.
static void a_revoked_keys_entries_post_when_a_contact_proves_them_older(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt();
    int64_t now = clock_now().us;
    three_receipts(&w, account, (instant){now - 1800 * US_PER_S});
    revoke(&w.phone, now - 900 * US_PER_S);
    struct rig_answer a = writer_push_range(&w, 0, 2);
    assert_answer(a, OK);
    static const enum fate fates[] = {FATE_POSTED_FLAGGED, FATE_QUARANTINED, FATE_QUARANTINED};
    for (size_t i = 0; i < 3; i++) {
        struct acknowledgement ack = writer_ack(&w, &a, i, i);
        assert_true(ack_says(&ack, REASON_REVOKED_KEY));
        assert_int_equal(ack.fate, fates[i]); /* no contact came between the second and the third */
    }
    assert_int_equal(count_of("payment", "account_id", account.u), 1);
    writer_end(&w);
}

//= RULES.md R-JRN-9
//  A phone restored from a backup, cloned or reinstalled shows as a fork or opens a RESCUE epoch
static void a_rescue_epoch_posts_and_is_flagged(void **state) {
    (void)state;
    struct writer w = new_writer();
    struct device_certificate certificate = {.agency = agency, .device = w.phone.device, .key = w.phone.key,
                                             .epoch = w.phone.epoch, .user = all.people[0],
                                             .valid_from = {clock_now().us - US_PER_DAY}, .rescue = true};
    struct envelope envelope;
    assert_ok(device_certificate_sign(&certificate, rig.installation, &keyring_signing(&rig.keys, KEY_DEVICE)->secret,
                                      w.phone.certificate, sizeof w.phone.certificate, &w.phone.certificate_len));
    assert_ok(device_certificate_open(bytes_make(w.phone.certificate, w.phone.certificate_len), rig.installation, &certificate, &envelope));
    account_id account = debt();
    struct journal_entry receipt = writer_receipt(&w, account, MINOR(1000));
    size_t at = writer_sign(&w, &receipt);
    struct rig_answer a = writer_push_range(&w, at, at);
    assert_answer(a, OK);
    struct acknowledgement ack = writer_ack(&w, &a, 0, at);
    assert_int_equal(ack.fate, FATE_POSTED_FLAGGED);
    assert_true(ack_says(&ack, REASON_RESCUE_EPOCH));
    assert_int_equal(count_of("payment", "account_id", account.u), 1);
    writer_end(&w);
}

static void five_hundred_entries_are_taken_and_one_more_is_not(void **state) {
    (void)state;
    struct writer w = new_writer();
    account_id account = debt();
    for (int i = 0; i < 501; i++) {
        struct journal_entry receipt = writer_receipt(&w, account, MINOR(1 + i));
        writer_sign(&w, &receipt);
    }
    assert_answer(writer_push_range(&w, 0, 500), REQUEST_TOO_MANY);
    assert_int_equal(count_of("receipt", "device_id", w.phone.device.u), 0);
    struct rig_answer a = writer_push_range(&w, 0, 499);
    assert_answer(a, OK);
    assert_int_equal(count_of("payment", "account_id", account.u), 500);
    assert_int_equal(writer_certificate(&w, &a).contiguous_seq, 500);
    Tagih__V1__PushRequest none = TAGIH__V1__PUSH_REQUEST__INIT;
    assert_answer(rig_call(&rig, NULL, "SyncService/Push", &none), REQUEST_TOO_MANY);
    writer_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_is_refused_by_every_method),
        cmocka_unit_test(text_that_is_no_text_is_refused_by_every_method),
        cmocka_unit_test(unknown_enum_values_are_refused_by_every_method),
        cmocka_unit_test(unknown_fields_change_nothing),
        cmocka_unit_test(ten_thousand_levels_break_nothing),
        cmocka_unit_test(twenty_thousand_and_one_items_are_too_many),
        cmocka_unit_test(more_than_a_mebibyte_is_refused_and_the_next_call_is_served),
        cmocka_unit_test(every_flipped_bit_is_evidence_and_never_money),
        cmocka_unit_test(absurd_values_of_every_kind_get_a_fate),
        cmocka_unit_test(absurd_places_in_a_chain_get_a_fate),
        cmocka_unit_test(an_entry_of_another_installation_is_evidence),
        cmocka_unit_test(nobody_writes_in_another_phones_name),
        cmocka_unit_test(two_phones_may_be_at_the_same_place_of_their_chains),
        cmocka_unit_test(a_revoked_keys_entries_post_when_a_contact_proves_them_older),
        cmocka_unit_test(a_rescue_epoch_posts_and_is_flagged),
        cmocka_unit_test(five_hundred_entries_are_taken_and_one_more_is_not),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
