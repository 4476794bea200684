/* SPDX-License-Identifier: Apache-2.0 */
/* Places in a chain, running totals to the minor unit, and the value instant of what a phone reports. */
#include "tagih/chain.h"

#include "tests/support/case.h"

enum { ROOM = 32 };

static hash256 hash_of(int64_t seq) {
    hash256 hash = {{0}};
    memcpy(hash.b, &seq, sizeof seq);
    return hash;
}

/* The honest entry of a seq: it names the one before. */
static struct chain_link link_of(int64_t seq) {
    return (struct chain_link){seq, hash_of(seq), hash_of(seq - 1)};
}

/* A chain that is contiguous up to a seq and knows the given later ones. */
static struct chain chain_that(struct chain_link *room, int64_t contiguous, const int64_t *seqs,
                               size_t count) {
    struct chain chain = {contiguous, hash_of(contiguous), room, 0, ROOM};
    for (size_t i = 0; i < count; i++) {
        struct chain_link link = link_of(seqs[i]);
        assert_ok(chain_add(&chain, &link));
    }
    return chain;
}

//= RULES.md R-JRN-5
//  A late arrival fills the gap and clears the flag.
static void an_entry_continues_leaves_or_fills_a_gap(void **state) {
    (void)state;
    static const int64_t known[] = {5, 6, 9};
    static const struct {
        int64_t seq;
        enum chain_verdict verdict;
        int64_t missing_first, missing_last;
    } rows[] = {
        {4, CHAIN_FILLS_GAP, 0, 0}, {7, CHAIN_FILLS_GAP, 0, 0}, {8, CHAIN_FILLS_GAP, 7, 7},
        {10, CHAIN_IN_ORDER, 0, 0}, {11, CHAIN_GAP, 10, 10},    {99, CHAIN_GAP, 10, 98},
        {5, CHAIN_DUPLICATE, 0, 0}, {3, CHAIN_DUPLICATE, 0, 0},
    };
    struct chain_link room[ROOM];
    struct chain chain = chain_that(room, 3, known, COUNT_OF(known));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct chain_link entry = link_of(rows[i].seq);
        struct chain_judgement judged = chain_judge(&chain, &entry);
        assert_int_equal(judged.verdict, rows[i].verdict);
        assert_int_equal(judged.missing_first, rows[i].missing_first);
        assert_int_equal(judged.missing_last, rows[i].missing_last);
    }
}

//= RULES.md R-JRN-4
//  Same `(device, epoch, seq)` with another body is a fork: the first stays, the second is quarantined, the
//  device is suspended, both are kept as proof.
static void another_body_at_a_known_place_is_a_fork(void **state) {
    (void)state;
    static const int64_t known[] = {2, 5}, places[] = {2, 3, 5};
    struct chain_link room[ROOM];
    struct chain chain = chain_that(room, 3, known, COUNT_OF(known));
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct chain_link entry = link_of(places[i]);
        entry.hash.b[31] = 1;
        assert_int_equal(chain_judge(&chain, &entry).verdict, CHAIN_FORK);
    }
}

//= RULES.md R-JRN-3
//  `prev_hash` (the first: SHA-256 of the device certificate's Sig_structure)
static void an_entry_and_its_neighbours_must_name_each_other(void **state) {
    (void)state;
    static const int64_t known[] = {3};
    struct chain_link room[ROOM];
    struct chain chain = chain_that(room, 0, known, COUNT_OF(known)); /* head_hash: the certificate's */
    struct chain_link first = link_of(1), second = link_of(2);
    assert_int_equal(chain_judge(&chain, &first).verdict, CHAIN_FILLS_GAP);
    first.prev_hash.b[0] ^= 1;
    assert_int_equal(chain_judge(&chain, &first).verdict, CHAIN_PREV_MISMATCH);
    second.hash.b[31] = 1; /* 3 names another 2 */
    assert_int_equal(chain_judge(&chain, &second).verdict, CHAIN_PREV_MISMATCH);
}

//= RULES.md R-JRN-6
//  contiguous counts every seq with a fate other than EVIDENCE, and a supervisor's GAP_ACCEPTED closes a gap,
//  is signed into the certificate and leaves the flag.
static void contiguous_runs_over_known_entries_and_accepted_gaps(void **state) {
    (void)state;
    static const int64_t known[] = {4, 5, 8, 9, 12};
    static const struct chain_gap too_short[] = {{6, 6}}, exact[] = {{6, 7}},
                                  both[] = {{6, 6}, {7, 7}, {10, 11}};
    static const struct {
        const struct chain_gap *gaps;
        size_t count;
        int64_t contiguous;
    } rows[] = {{NULL, 0, 5}, {too_short, 1, 5}, {exact, 1, 9}, {both, 3, 12}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct chain_link room[ROOM];
        struct chain chain = chain_that(room, 3, known, COUNT_OF(known));
        hash256 head = hash_of(rows[i].contiguous);
        chain_advance(&chain, rows[i].gaps, rows[i].count);
        assert_int_equal(chain.contiguous_seq, rows[i].contiguous);
        assert_true(hash256_equal(&chain.head_hash, &head));
    }
}

static void any_order_of_arrival_ends_in_one_chain(void **state) {
    (void)state;
    uint64_t seed = 7;
    for (int round = 0; round < 200; round++) {
        struct chain_link room[ROOM];
        struct chain chain = chain_that(room, 0, NULL, 0);
        int64_t order[20];
        for (int i = 0; i < 20; i++) order[i] = i + 1;
        for (uint64_t i = 19; i > 0; i--) {
            uint64_t j = random_below(&seed, i + 1);
            int64_t kept = order[i];
            order[i] = order[j];
            order[j] = kept;
        }
        for (int i = 0; i < 20; i++) {
            struct chain_link entry = link_of(order[i]);
            enum chain_verdict verdict = chain_judge(&chain, &entry).verdict;
            assert_true(verdict == CHAIN_IN_ORDER || verdict == CHAIN_GAP || verdict == CHAIN_FILLS_GAP);
            assert_ok(chain_add(&chain, &entry));
            chain_advance(&chain, NULL, 0);
            assert_int_equal(chain_judge(&chain, &entry).verdict, CHAIN_DUPLICATE);
        }
        assert_int_equal(chain.contiguous_seq, 20);
    }
}

static void a_full_array_is_named(void **state) {
    (void)state;
    struct chain_link room[1], entry = link_of(1);
    struct chain chain = {0, hash_of(0), room, 0, 0};
    assert_fails(chain_add(&chain, &entry), BUFFER_SMALL);
}

//= RULES.md R-REC-3
//  `cum_total_minor` = sum of receipts + sum of voids of the epoch; a chain without gaps whose total does not
//  add up is flagged, and the difference is reported to the minor unit.
static void running_totals_tell_what_is_missing_to_the_minor_unit(void **state) {
    (void)state;
    static const struct running_point start = {2, true, 300000, 2, 300000};
    static const struct {
        bool from_start;
        struct running_point after;
        int64_t missing;
        struct running_answer answer;
    } rows[] = {
        {false, {1, true, 5000, 1, 5000}, 0, {RUNNING_ADDS_UP, 0, 0}},
        {true, {3, true, 50000, 3, 350000}, 0, {RUNNING_ADDS_UP, 0, 0}},
        {true, {3, true, -300000, 3, 0}, 0, {RUNNING_ADDS_UP, 0, 0}},    /* a void counts one more */
        {true, {9, true, 50000, 3, 350000}, 6, {RUNNING_ADDS_UP, 0, 0}}, /* the gap held no money */
        {true, {6, true, 50000, 5, 600000}, 3, {RUNNING_MISSING, 2, 250000}},
        {true, {6, true, 50000, 4, 250000}, 3, {RUNNING_MISSING, 1, -100000}}, /* a void is missing */
        {true, {6, false, 0, 4, 300000}, 3, {RUNNING_MISSING, 2, 0}},          /* told by DAY_CLOSE */
        {true, {3, true, 50000, 3, 350001}, 0, {RUNNING_MISMATCH, 0, 1}},
        {true, {3, true, 50000, 4, 600000}, 0, {RUNNING_MISMATCH, 1, 250000}},  /* no gap to explain it */
        {true, {4, true, 50000, 9, 600000}, 1, {RUNNING_MISMATCH, 6, 250000}},  /* the gap is too small */
        {true, {6, true, 50000, 1, 50000}, 3, {RUNNING_MISMATCH, -2, -300000}}, /* totals began anew */
        {true, {6, true, INT64_MIN, 4, INT64_MAX}, 3, {RUNNING_MISMATCH, 1, INT64_MAX}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct running_answer answer =
            running_compare(rows[i].from_start ? &start : NULL, &rows[i].after, rows[i].missing);
        assert_int_equal(answer.verdict, rows[i].answer.verdict);
        assert_int_equal(answer.count, rows[i].answer.count);
        assert_true(answer.sum_minor == rows[i].answer.sum_minor);
    }
}

//= RULES.md R-JRN-3
//  The missing count and sum of a gap are known at the next money entry of that currency or DAY_CLOSE, until
//  then "unknown".
static void without_a_later_statement_the_missing_sum_is_unknown(void **state) {
    (void)state;
    struct running_point before = {2, true, 300000, 2, 300000};
    assert_int_equal(running_compare(&before, NULL, 3).verdict, RUNNING_UNKNOWN);
}

#define NOON (INT64_C(1772532000) * US_PER_S)
#define MINUTE US_PER_MINUTE

/* Contact at noon with monotonic 0, boot 1; taken an hour later by every clock; received an hour after that.
 */
static struct entry_time honest(void) {
    return (struct entry_time){.device_time = {NOON + 60 * MINUTE},
                               .mono_us = 60 * MINUTE,
                               .boot = {{1}},
                               .has_contact = true,
                               .contact_time = {NOON},
                               .contact_mono_us = 0,
                               .contact_boot = {{1}},
                               .certificate_issued = {NOON - 600 * MINUTE},
                               .received = {NOON + 120 * MINUTE}};
}

static void expect_instant(const struct entry_time *times, int64_t minutes_after_noon, bool clock_is_off) {
    struct entry_instant out = entry_time_value(times);
    assert_int_equal((out.value.us - NOON) / MINUTE, minutes_after_noon);
    assert_int_equal(out.clock_is_off, clock_is_off);
}

//= RULES.md R-TIM-3
//  `lo` = the last server time proven in the entry (else the certificate's issue), `hi` = received time,
//  `est` = `lo` + monotonic difference when the boot is the same as at that contact, else device time. Value
//  instant = clamp(est, lo, hi); |device - value| > 5 min is flagged CLOCK.
static void the_value_instant_trusts_the_monotonic_clock_then_the_wall_clock(void **state) {
    (void)state;
    struct entry_time t = honest();
    expect_instant(&t, 60, false);
    t.device_time.us = NOON + 90 * MINUTE; /* set forward: the monotonic clock knows better */
    expect_instant(&t, 60, true);
    t.boot = (uuid){{2}}; /* restarted: only the wall clock is left */
    expect_instant(&t, 90, false);
    t.device_time.us = NOON + 500 * MINUTE; /* after it was received */
    expect_instant(&t, 120, true);
    t.device_time.us = NOON - 500 * MINUTE; /* before the contact */
    expect_instant(&t, 0, true);
    t.has_contact = false; /* only the certificate bounds it now */
    expect_instant(&t, -500, false);
    t.device_time.us = -(INT64_C(1) << 60);
    expect_instant(&t, -600, true);
}

static void five_minutes_off_is_still_right(void **state) {
    (void)state;
    struct entry_time t = honest();
    t.device_time.us += ENTRY_CLOCK_TOLERANCE_US;
    expect_instant(&t, 60, false);
    t.device_time.us++;
    expect_instant(&t, 60, true);
    t.device_time.us = NOON + 60 * MINUTE - ENTRY_CLOCK_TOLERANCE_US - 1;
    expect_instant(&t, 60, true);
}

static void a_monotonic_clock_that_ran_backwards_or_too_far_proves_nothing(void **state) {
    (void)state;
    struct entry_time t = honest();
    t.contact_mono_us = t.mono_us + 1;
    t.device_time.us = NOON + 30 * MINUTE;
    expect_instant(&t, 30, false);
    t = honest();
    t.mono_us = INT64_C(1) << 60;
    t.contact_mono_us = -(INT64_C(1) << 60);
    expect_instant(&t, 120, true);
    t = honest();
    t.boot = t.contact_boot = (uuid){{0}}; /* two unknown boots are not the same boot */
    t.device_time.us = NOON + 30 * MINUTE;
    expect_instant(&t, 30, false);
    t.contact_time.us = NOON + 200 * MINUTE; /* a contact after the entry was received cannot be */
    expect_instant(&t, 120, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_continues_leaves_or_fills_a_gap),
        cmocka_unit_test(another_body_at_a_known_place_is_a_fork),
        cmocka_unit_test(an_entry_and_its_neighbours_must_name_each_other),
        cmocka_unit_test(contiguous_runs_over_known_entries_and_accepted_gaps),
        cmocka_unit_test(any_order_of_arrival_ends_in_one_chain),
        cmocka_unit_test(a_full_array_is_named),
        cmocka_unit_test(running_totals_tell_what_is_missing_to_the_minor_unit),
        cmocka_unit_test(without_a_later_statement_the_missing_sum_is_unknown),
        cmocka_unit_test(the_value_instant_trusts_the_monotonic_clock_then_the_wall_clock),
        cmocka_unit_test(five_minutes_off_is_still_right),
        cmocka_unit_test(a_monotonic_clock_that_ran_backwards_or_too_far_proves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
