/* SPDX-License-Identifier: Apache-2.0 */
/* What the digest of a posting tells apart. Its exact bytes are held by figures_spec.c. */
#include "support/case.h"

#include "domain/posting.h"

static const agency_id agency = {{{0xA6}}};

static hash256 of_text(const hash256 *prev, enum posting_row kind, const char *a, const char *b) {
    struct posting_digest digest;
    posting_begin(&digest, prev);
    posting_row(&digest, kind, 2);
    posting_text(&digest, bytes_text(a));
    posting_text(&digest, bytes_text(b));
    return posting_end(&digest);
}

//= RULES.md R-LED-1
//  every posting is a transaction whose lines sum to zero per currency; lines are immutable in the database itself
static void no_two_postings_share_a_digest_by_moving_a_border(void **state) {
    (void)state;
    hash256 start = posting_chain_start(agency, 1);
    hash256 base = of_text(&start, POSTING_PAYMENT, "ab", "c");
    hash256 again = of_text(&start, POSTING_PAYMENT, "ab", "c");
    assert_true(hash256_equal(&base, &again));
    hash256 moved = of_text(&start, POSTING_PAYMENT, "a", "bc"), kind = of_text(&start, POSTING_EVENT, "ab", "c");
    hash256 chained = of_text(&base, POSTING_PAYMENT, "ab", "c");
    assert_false(hash256_equal(&base, &moved));
    assert_false(hash256_equal(&base, &kind));
    assert_false(hash256_equal(&base, &chained));
}

//= RULES.md R-LED-1
//  every posting is a transaction whose lines sum to zero per currency; lines are immutable in the database itself
static void the_type_of_a_field_is_part_of_the_digest(void **state) {
    (void)state;
    hash256 start = posting_chain_start(agency, 1), all[6];
    for (int type = 0; type < 6; type++) {
        struct posting_digest digest;
        posting_begin(&digest, &start);
        posting_row(&digest, POSTING_EVENT, 1);
        if (type == 0) posting_null(&digest);
        if (type == 1) posting_bool(&digest, false);
        if (type == 2) posting_int(&digest, 0);
        if (type == 3) posting_instant(&digest, (instant){0});
        if (type == 4) posting_text(&digest, bytes_text(""));
        if (type == 5) posting_bytes(&digest, bytes_text(""));
        all[type] = posting_end(&digest);
        for (int other = 0; other < type; other++) assert_false(hash256_equal(&all[other], &all[type]));
    }
}

//= RULES.md R-LED-1
//  every posting is a transaction whose lines sum to zero per currency; lines are immutable in the database itself
static void every_agency_and_writer_has_a_chain_of_its_own(void **state) {
    (void)state;
    agency_id other = {{{0xA7}}};
    hash256 a = posting_chain_start(agency, 1), b = posting_chain_start(agency, 2), c = posting_chain_start(other, 1);
    assert_false(hash256_equal(&a, &b));
    assert_false(hash256_equal(&a, &c));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_postings_share_a_digest_by_moving_a_border),
        cmocka_unit_test(the_type_of_a_field_is_part_of_the_digest),
        cmocka_unit_test(every_agency_and_writer_has_a_chain_of_its_own),
    };
    return cmocka_run_group_tests_name("posting", tests, NULL, NULL);
}
