/* SPDX-License-Identifier: Apache-2.0 */
/* A phone changes its key: the old one signs the new one, the server certifies it, the old chain is closed.
 */
#include "tests/support/writer.h"

#include "server/run/clock.h"
#include "server/run/random.h"
#include "server/store/device.h"
#include "tagih/fate.h"
#include "tests/support/case.h"

static struct rig rig;
static agency_id agency;
static user_id collector;
static account_id account;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    agency = rig_agency(&rig, "Acme");
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static struct writer new_writer(void) {
    struct writer writer;
    collector = writer_begin_new(&writer, &rig, agency);
    account = rig_account(&rig, agency, &(struct rig_account){.collector = collector});
    return writer;
}

static size_t sign_receipt(struct writer *w) {
    static int64_t rupiah = 1000; /* never the same amount twice: that would be flagged */
    struct journal_entry entry = writer_receipt(w, account, 100 * (rupiah += 1000));
    return writer_sign(w, &entry);
}

static struct acknowledgement push_one(struct writer *w, size_t at) {
    struct rig_answer answer = writer_push_range(w, at, at);
    assert_answer(answer, OK);
    return writer_ack(w, &answer, 0, at);
}

/* The number that a query answers; its one %s stands for the phone. */
static int64_t number(const char *sql, const struct writer *w) {
    return rig_number(&rig, sql, w->phone.device.u);
}

static int64_t epoch_in_force(const struct writer *w) {
    return number("select epoch from device_state where device_id = '%s'", w);
}

/* ---- rotations that are granted
 * ------------------------------------------------------------------------------- */

//= RULES.md R-JRN-1
//  Keys rotate (old signs new, new epoch) and are revoked; the server closes the old chain.
static void the_old_key_signs_the_new_one_and_the_next_epoch_begins(void **state) {
    (void)state;
    struct writer w = new_writer();
    struct key_pair pair = writer_new_pair();
    sign_receipt(&w);
    writer_rotation(&w, &pair.key, 2);
    assert_answer(writer_authenticate(&w, &pair.secret, 2), DEVICE_PROOF);
    struct rig_answer answer = writer_push_range(&w, 0, 1);
    assert_answer(answer, OK);
    assert_int_equal(writer_ack(&w, &answer, 1, 1).fate, FATE_POSTED);
    assert_int_equal(epoch_in_force(&w), 2);
    assert_int_equal(number("select closed_seq from device_epoch where device_id = '%s' and epoch = 1", &w),
                     2);
    assert_int_equal(
        number("select count(*) from device_event where device_id = '%s' and kind = 'ROTATED'", &w), 1);
    assert_int_equal(number("select count(*) from change where object_id = '%s' and kind = 70", &w), 1);
    assert_answer(writer_authenticate(&w, &w.phone.secret, 1), DEVICE_PROOF);
    struct writer next = writer_next_epoch(&w, &pair, 2);
    assert_int_equal(
        number("select count(*) from device_epoch e join device_key k using (agency_id, device_id, epoch) "
               "where device_id = '%s' and epoch = 2 and head_hash = certificate_hash",
               &w),
        1);
    sign_receipt(&next);
    answer = writer_push_range(&next, 0, 0);
    assert_answer(answer, OK);
    assert_int_equal(writer_ack(&next, &answer, 0, 0).fate, FATE_POSTED);
    struct chain_certificate chain = writer_certificate(&next, &answer);
    assert_int_equal(chain.epoch, 2);
    assert_int_equal(chain.contiguous_seq, 1);
    writer_end(&next);
    writer_end(&w);
}

static void a_key_may_be_rotated_again(void **state) {
    (void)state;
    struct writer w = new_writer();
    for (uint32_t epoch = 2; epoch <= 4; epoch++) {
        struct key_pair pair = writer_new_pair();
        assert_int_equal(push_one(&w, writer_rotation(&w, &pair.key, epoch)).fate, FATE_POSTED);
        struct writer next = writer_next_epoch(&w, &pair, epoch);
        writer_end(&w);
        w = next;
    }
    assert_int_equal(push_one(&w, sign_receipt(&w)).fate, FATE_POSTED);
    writer_end(&w);
}

//= RULES.md R-JRN-4
//  The same entry again, alone, in part, reordered or from two connections at once: the first acknowledgement
//  again, byte for byte
static void a_rotation_that_comes_again_gets_the_same_acknowledgement_and_changes_nothing(void **state) {
    (void)state;
    struct writer w = new_writer();
    struct key_pair pair = writer_new_pair();
    writer_rotation(&w, &pair.key, 2);
    struct rig_answer first = writer_push(&w, (size_t[]){0, 0}, 2), second = writer_push_range(&w, 0, 0);
    assert_answer(first, OK);
    assert_answer(second, OK);
    const Tagih__V1__PushResponse *a = first.response, *b = second.response;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(a->acks[i].len, b->acks[0].len);
        assert_memory_equal(a->acks[i].data, b->acks[0].data, b->acks[0].len);
    }
    assert_int_equal(writer_ack(&w, &second, 0, 0).fate, FATE_POSTED);
    assert_int_equal(number("select count(*) from device_key where device_id = '%s' and epoch > 1", &w), 1);
    assert_int_equal(
        number("select count(*) from device_event where device_id = '%s' and kind = 'ROTATED'", &w), 1);
    writer_end(&w);
}

/* ---- the closed epoch
 * ----------------------------------------------------------------------------------------- */

//= RULES.md R-JRN-1
//  the server closes the old chain
static void the_old_key_may_still_deliver_but_not_go_on_unseen(void **state) {
    (void)state;
    struct writer w = new_writer();
    struct key_pair pair = writer_new_pair();
    size_t late = sign_receipt(&w), rotation = writer_rotation(&w, &pair.key, 2), beyond = sign_receipt(&w);
    push_one(&w, rotation);
    struct acknowledgement ack = push_one(&w, beyond);
    assert_int_equal(ack.fate, FATE_POSTED_FLAGGED);
    assert_true(ack_says(&ack, REASON_EPOCH_CLOSED));
    ack = push_one(&w, late); /* written before the rotation, and only late */
    assert_int_equal(ack.fate, FATE_POSTED);
    assert_int_equal(number("select count(*) from payment p join receipt r on r.entry_id = p.payment_id "
                            "where r.device_id = '%s'",
                            &w),
                     2);
    struct writer next = writer_next_epoch(&w, &pair, 2);
    sign_receipt(&next);
    assert_int_equal(push_one(&next, 0).fate, FATE_POSTED);
    ack = push_one(&w, sign_receipt(&w)); /* under both epochs, in any order */
    assert_true(ack_says(&ack, REASON_EPOCH_CLOSED));
    struct key_pair third = writer_new_pair();
    ack = push_one(&w, writer_rotation(&w, &third.key, 2));
    assert_int_equal(ack.fate, FATE_QUARANTINED);
    assert_true(ack_says(&ack, REASON_BAD_KEY));
    assert_int_equal(epoch_in_force(&w), 2);
    writer_end(&next);
    writer_end(&w);
}

//= RULES.md R-JRN-6
//  later changes of fate are items of the change feed, never a second acknowledgement
static void what_came_before_the_rotation_that_precedes_it_is_flagged_later(void **state) {
    (void)state;
    struct writer w = new_writer();
    struct key_pair pair = writer_new_pair();
    size_t rotation = writer_rotation(&w, &pair.key, 2), beyond = sign_receipt(&w);
    struct acknowledgement ack = push_one(&w, beyond);
    assert_false(ack_says(&ack, REASON_EPOCH_CLOSED));
    assert_int_equal(push_one(&w, rotation).fate, FATE_POSTED);
    const char *sql =
        "select e.flags from entry_event e join journal_key k using (agency_id, entry_hash) where "
        "k.device_id = '%s' and k.seq = 2 order by e.n desc limit 1";
    assert_int_equal(number(sql, &w), 1LL << REASON_EPOCH_CLOSED);
    assert_true(number("select count(*) from change c join journal_key k on k.entry_id = c.object_id where "
                       "k.device_id = '%s' "
                       "and k.seq = 2 and c.kind = 60",
                       &w) > 0);
    writer_end(&w);
}

/* ---- keys that are refused
 * ------------------------------------------------------------------------------------ */

static void assert_refused(struct writer *w, const public_key *key, uint32_t epoch) {
    struct acknowledgement ack = push_one(w, writer_rotation(w, key, epoch));
    assert_int_equal(ack.fate, FATE_QUARANTINED);
    assert_true(ack_says(&ack, REASON_BAD_KEY));
}

//= RULES.md R-JRN-1
//  refuses a key that is not a valid point or was ever seen before
static void keys_that_are_none_or_were_seen_are_refused_and_the_old_one_stays_in_force(void **state) {
    (void)state;
    struct writer w = new_writer();
    user_id colleague = rig_user(&rig, agency, NULL, ROLE_COLLECTOR);
    struct rig_phone other = rig_phone(&rig, agency, colleague);
    agency_id elsewhere = rig_agency(&rig, "Bina");
    struct rig_phone foreign = rig_phone(&rig, elsewhere, rig_user(&rig, elsewhere, NULL, ROLE_COLLECTOR));
    const public_key identity = {{1}}, not_a_point = {{2}};
    struct key_pair pair = writer_new_pair();
    assert_refused(&w, &other.key, 2);
    assert_refused(&w, &foreign.key, 2);
    assert_refused(&w, &w.phone.key, 2);
    assert_refused(&w, &identity, 2); /* of small order */
    assert_refused(&w, &not_a_point, 2);
    assert_refused(&w, &pair.key, 1);
    assert_refused(&w, &pair.key, 3);
    assert_refused(&w, &pair.key, UINT32_MAX);
    assert_int_equal(epoch_in_force(&w), 1);
    assert_answer(writer_authenticate(&w, &pair.secret, 2), DEVICE_PROOF);
    assert_int_equal(push_one(&w, sign_receipt(&w)).fate, FATE_POSTED);
    assert_int_equal(push_one(&w, writer_rotation(&w, &pair.key, 2)).fate, FATE_POSTED);
    writer_end(&w);
}

static void a_key_that_waits_for_its_enrolment_is_seen(void **state) {
    (void)state;
    struct writer w = new_writer();
    struct key_pair pair = writer_new_pair();
    char hex[65], sql[400];
    bytes_hex(BYTES_OF(&pair.key), hex);
    snprintf(sql, sizeof sql,
             "insert into device_pending (agency_id, device_id, user_id, public_key, asked_us) "
             "values ('%s', gen_random_uuid(), '%s', '\\x%s', 1)",
             rig_text(agency.u), rig_text(collector.u), hex);
    pg_exec(&rig.pg, sql);
    assert_refused(&w, &pair.key, 2);
    writer_end(&w);
}

static void only_an_active_phone_changes_its_key(void **state) {
    (void)state;
    for (int condition = DEVICE_STATE_SUSPENDED; condition <= DEVICE_STATE_REVOKED; condition++) {
        struct writer w = new_writer();
        struct key_pair pair = writer_new_pair();
        char sql[200];
        snprintf(sql, sizeof sql, "update device_state set state = %d where device_id = '%s'", condition,
                 rig_text(w.phone.device.u));
        pg_exec(&rig.pg, sql);
        assert_refused(&w, &pair.key, 2);
        assert_int_equal(epoch_in_force(&w), 1);
        writer_end(&w);
    }
}

//= RULES.md R-JRN-4
//  Same `(device, epoch, seq)` with another body is a fork: the first stays, the second is quarantined, the
//  device is suspended, both are kept as proof.
static void two_phones_with_one_key_rotate_once(void **state) {
    (void)state;
    struct writer w = new_writer();
    struct key_pair pairs[2] = {writer_new_pair(), writer_new_pair()};
    for (size_t i = 0; i < 2; i++) {
        struct journal_entry entry = writer_entry(&w, JOURNAL_KEY_ROTATION);
        entry.body.rotation = (struct journal_key_rotation){.new_key = pairs[i].key, .new_epoch = 2};
        writer_sign_as(&w, &entry);
    }
    struct rig_answer answer = writer_push_range(&w, 0, 1);
    assert_answer(answer, OK);
    struct acknowledgement acks[2] = {writer_ack(&w, &answer, 0, 0), writer_ack(&w, &answer, 1, 1)};
    size_t won = acks[0].fate == FATE_POSTED ? 0 : 1;
    assert_int_equal(acks[won].fate, FATE_POSTED);
    assert_true(ack_says(&acks[1 - won], REASON_FORK));
    assert_int_equal(number("select count(*) from device_key where device_id = '%s'", &w), 2);
    assert_int_equal(number("select state from device_state where device_id = '%s'", &w),
                     DEVICE_STATE_SUSPENDED);
    assert_answer(writer_authenticate(&w, &pairs[won].secret, 2), CALLER_REVOKED);
    assert_answer(writer_authenticate(&w, &pairs[1 - won].secret, 2), DEVICE_PROOF);
    writer_end(&w);
}

/* Both journals in one call: the second phone finds the key taken by the first. */
static void one_key_for_two_phones_in_one_call_is_given_once(void **state) {
    (void)state;
    struct writer phones[2] = {new_writer(), new_writer()};
    struct key_pair pair = writer_new_pair();
    ProtobufCBinaryData entries[2], certificates[2];
    for (size_t i = 0; i < 2; i++) {
        size_t at = writer_rotation(&phones[i], &pair.key, 2);
        entries[i] = (ProtobufCBinaryData){phones[i].entries[at].len, phones[i].entries[at].bytes};
        certificates[i] = (ProtobufCBinaryData){phones[i].phone.certificate_len, phones[i].phone.certificate};
    }
    Tagih__V1__PushRequest request = TAGIH__V1__PUSH_REQUEST__INIT;
    request.n_entries = request.n_certificates = 2;
    request.entries = entries;
    request.certificates = certificates;
    struct rig_answer answer = rig_call(&rig, NULL, "SyncService/Push", &request);
    assert_answer(answer, OK);
    int granted = 0, refused = 0;
    for (size_t i = 0; i < 2; i++) {
        struct acknowledgement ack = writer_ack(&phones[i], &answer, i, 0);
        granted += ack.fate == FATE_POSTED;
        refused += ack.fate == FATE_QUARANTINED && ack_says(&ack, REASON_BAD_KEY);
    }
    assert_int_equal(granted, 1);
    assert_int_equal(refused, 1);
    for (size_t i = 0; i < 2; i++) writer_end(&phones[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_old_key_signs_the_new_one_and_the_next_epoch_begins),
        cmocka_unit_test(a_key_may_be_rotated_again),
        cmocka_unit_test(a_rotation_that_comes_again_gets_the_same_acknowledgement_and_changes_nothing),
        cmocka_unit_test(the_old_key_may_still_deliver_but_not_go_on_unseen),
        cmocka_unit_test(what_came_before_the_rotation_that_precedes_it_is_flagged_later),
        cmocka_unit_test(keys_that_are_none_or_were_seen_are_refused_and_the_old_one_stays_in_force),
        cmocka_unit_test(a_key_that_waits_for_its_enrolment_is_seen),
        cmocka_unit_test(only_an_active_phone_changes_its_key),
        cmocka_unit_test(two_phones_with_one_key_rotate_once),
        cmocka_unit_test(one_key_for_two_phones_in_one_call_is_given_once),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
