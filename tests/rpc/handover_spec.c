/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries that move cash without being receipts: DEPOSIT, HANDOVER, INCIDENT, and what a DAY_CLOSE says about notes. J15
 * (by the collector) and J35 with their very figures; at the end all books are computed again.
 */
#include <pthread.h>

#include "server/domain/change.h"
#include "server/domain/settlement.h"
#include "tests/rpc/bag_case.h"

static const char *tagihd;

static size_t deposit(struct phone *phone, int64_t amount_minor, const char *in) {
    struct journal_entry entry = writer_entry(&phone->w, JOURNAL_DEPOSIT);
    entry.body.deposit = (struct journal_deposit){.amount_minor = amount_minor, .bank_reference = bytes_text("DEP-77")};
    memcpy(entry.body.deposit.currency.code, in, 3);
    return writer_sign(&phone->w, &entry);
}

/* ---- DEPOSIT -------------------------------------------------------------------------------------------------------- */

//= RULES.md R-CSH-2
//  a phone's DEPOSIT entry moves cash held to deposit in transit of that collector
static void a_deposit_moves_cash_held_to_his_transit(void **state) {
    (void)state;
    struct phone budi = holding(MINOR(9800000));
    size_t at = deposit(&budi, MINOR(9800000), "IDR");
    assert_int_equal(push(&budi, at).fate, FATE_POSTED);
    // J15, by the collector: deposit in transit 9 800 000 · cash held 9 800 000
    assert_int_equal(line_of(id_of(&budi, at), LEDGER_DEPOSIT_IN_TRANSIT, budi.user), MINOR(9800000));
    assert_int_equal(line_of(id_of(&budi, at), LEDGER_CASH_HELD, budi.user), -MINOR(9800000));
    assert_int_equal(lines(id_of(&budi, at)), 2);
    assert_int_equal(held(&budi), 0);
    assert_int_equal(push(&budi, at).fate, FATE_POSTED); /* again: nothing more */
    assert_int_equal(teller_number(&teller, "select deposit_in_transit_minor from collector_state where collector_id = '%s'", budi.user.u), MINOR(9800000));
    assert_int_equal(teller_number(&teller, "select count(*) from deposit where deposit_id = '%s'", id_of(&budi, at)), 1);
    writer_end(&budi.w);
}

//= RULES.md R-CSH-2d
//  What a collector does not hold, he cannot bring to a bank, hand on or lose
static void more_than_he_holds_waits_for_a_person(void **state) {
    (void)state;
    struct phone budi = holding(MINOR(1000000));
    size_t at = deposit(&budi, MINOR(1000001), "IDR");
    struct acknowledgement ack = push(&budi, at);
    assert_int_equal(ack.fate, FATE_QUARANTINED);
    assert_true(ack_says(&ack, REASON_CASH_GONE));
    assert_int_equal(lines(id_of(&budi, at)), 0);
    assert_int_equal(held(&budi), MINOR(1000000));
    assert_int_equal(teller_number(&teller, "select count(*) from deposit where deposit_id = '%s'", id_of(&budi, at)), 0);
    size_t two[] = {deposit(&budi, MINOR(700000), "IDR"), deposit(&budi, MINOR(700000), "IDR")};
    struct rig_answer answer = writer_push(&budi.w, two, 2); /* in one push: the first one takes it */
    assert_answer(answer, OK);
    assert_int_equal(writer_ack(&budi.w, &answer, 0, two[0]).fate, FATE_POSTED);
    assert_int_equal(writer_ack(&budi.w, &answer, 1, two[1]).fate, FATE_QUARANTINED);
    assert_int_equal(held(&budi), MINOR(300000));
    writer_end(&budi.w);
}

//= RULES.md R-CSH-2d
//  While entries before it are missing, a DEPOSIT or an INCIDENT is WAITING for them, and posts when the cash that it moves
//  has arrived.
static void a_deposit_waits_for_the_receipts_that_it_is_made_of(void **state) {
    (void)state;
    struct phone budi = new_phone();
    struct journal_entry first = writer_receipt(&budi.w, budi.account, MINOR(300000));
    size_t first_at = writer_sign(&budi.w, &first);
    struct journal_entry receipt = writer_receipt(&budi.w, budi.account, MINOR(400000));
    size_t receipt_at = writer_sign(&budi.w, &receipt), deposit_at = deposit(&budi, MINOR(700000), "IDR");
    struct acknowledgement ack = push(&budi, deposit_at);
    assert_int_equal(ack.fate, FATE_WAITING);
    assert_true(ack.has_missing && uuid_equal(ack.missing.u, budi.w.phone.device.u));
    push(&budi, first_at); /* not enough: it waits on */
    assert_int_equal(fate_now(&budi, deposit_at), FATE_WAITING);
    push(&budi, receipt_at);
    assert_int_equal(fate_now(&budi, deposit_at), FATE_POSTED);
    assert_int_equal(line_of(id_of(&budi, deposit_at), LEDGER_DEPOSIT_IN_TRANSIT, budi.user), MINOR(700000));
    assert_int_equal(held(&budi), 0);
    assert_int_equal(teller_number(&teller, "select count(*) from deposit_state where deposit_id = '%s'", id_of(&budi, deposit_at)), 1);
    struct journal_entry small = writer_receipt(&budi.w, budi.account, MINOR(1000)); /* all is here, and it is not enough */
    size_t small_at = writer_sign(&budi.w, &small), too_much = deposit(&budi, MINOR(2000), "IDR");
    assert_int_equal(push(&budi, too_much).fate, FATE_WAITING);
    push(&budi, small_at);
    assert_int_equal(fate_now(&budi, too_much), FATE_QUARANTINED);
    assert_int_equal(held(&budi), MINOR(1000));
    writer_end(&budi.w);
}

static void a_deposit_of_no_amount_or_currency_moves_nothing(void **state) {
    (void)state;
    struct phone budi = holding(MINOR(1000000));
    const int64_t amounts[] = {0, -1, INT64_MIN, MONEY_AMOUNT_MAX_MINOR + 1, INT64_MAX};
    for (size_t i = 0; i < COUNT_OF(amounts); i++) {
        struct acknowledgement ack = push(&budi, deposit(&budi, amounts[i], "IDR"));
        assert_int_equal(ack.fate, FATE_QUARANTINED);
        assert_true(ack_says(&ack, REASON_AMOUNT_RANGE));
    }
    struct acknowledgement ack = push(&budi, deposit(&budi, MINOR(1000), "XXQ"));
    assert_true(ack_says(&ack, REASON_WRONG_CURRENCY));
    ack = push(&budi, deposit(&budi, 50, "IDR"));
    assert_int_equal(ack.fate, FATE_POSTED_FLAGGED);
    assert_true(ack_says(&ack, REASON_CASH_UNIT));
    assert_int_equal(held(&budi), MINOR(1000000) - 50);
    writer_end(&budi.w);
}

//= RULES.md R-PAY-4
//  Cash held is never below zero.
static void a_void_of_cash_that_went_to_the_bank_waits_for_a_person(void **state) {
    (void)state;
    struct phone budi = new_phone();
    struct journal_entry receipt = writer_receipt(&budi.w, budi.account, MINOR(400000));
    size_t receipt_at = writer_sign(&budi.w, &receipt), deposit_at = deposit(&budi, MINOR(400000), "IDR");
    struct journal_entry voided = writer_void(&budi.w, receipt_at, MINOR(400000));
    size_t void_at = writer_sign(&budi.w, &voided);
    push(&budi, receipt_at);
    assert_int_equal(push(&budi, deposit_at).fate, FATE_POSTED);
    struct acknowledgement ack = push(&budi, void_at);
    assert_int_equal(ack.fate, FATE_QUARANTINED);
    assert_true(ack_says(&ack, REASON_VOID_APPROVAL));
    assert_int_equal(held(&budi), 0);
    writer_end(&budi.w);
}

/* ---- HANDOVER ------------------------------------------------------------------------------------------------------- */

//= RULES.md R-CSH-4
//  HANDOVER signed by both phones moves cash held from one to the other
static void two_halves_in_either_order_move_cash_once(void **state) {
    (void)state;
    for (int giver_first = 0; giver_first < 2; giver_first++) {
        struct phone a = holding(MINOR(800000)), b = new_phone();
        uuid id = rig_id();
        size_t given = gives(&a, id, b.user, MINOR(500000)), taken = takes(&b, id, a.user, MINOR(500000));
        struct phone *first = giver_first ? &a : &b, *later = giver_first ? &b : &a;
        size_t first_at = giver_first ? given : taken, later_at = giver_first ? taken : given;
        struct acknowledgement ack = push(first, first_at);
        assert_int_equal(ack.fate, FATE_WAITING);
        assert_true(ack.has_missing && uuid_equal(ack.missing.u, id));
        assert_int_equal(held(&a), MINOR(800000));
        assert_int_equal(push(later, later_at).fate, FATE_POSTED);
        // J35: cash held (B) 500 000 · cash held (A) 500 000
        assert_int_equal(line_of(id_of(later, later_at), LEDGER_CASH_HELD, b.user), MINOR(500000));
        assert_int_equal(line_of(id_of(later, later_at), LEDGER_CASH_HELD, a.user), -MINOR(500000));
        assert_int_equal(lines(id_of(later, later_at)), 2);
        assert_int_equal(held(&a), MINOR(300000));
        assert_int_equal(held(&b), MINOR(500000));
        assert_int_equal(fate_now(first, first_at), FATE_POSTED);
        char sql[200]; /* and his phone learns of it */
        snprintf(sql, sizeof sql, "select count(*) from change where object_id = '%%s' and kind = %d and collector_id = '%s'",
                 CHANGE_ENTRY_FATE, rig_text(first->user.u));
        assert_int_equal(teller_number(&teller, sql, id_of(first, first_at)), 1);
        assert_int_equal(push(first, first_at).fate, FATE_WAITING); /* byte for byte the first acknowledgement */
        assert_int_equal(held(&a), MINOR(300000));
        writer_end(&a.w);
        writer_end(&b.w);
    }
}

static void both_halves_in_one_push_are_posted_at_once(void **state) {
    (void)state;
    struct phone a = holding(MINOR(800000)), b = new_phone();
    uuid id = rig_id();
    size_t given = gives(&a, id, b.user, MINOR(500000)), taken = takes(&b, id, a.user, MINOR(500000));
    struct rig_answer answer = push_both(&a, given, &b, taken);
    assert_answer(answer, OK);
    assert_int_equal(writer_ack(&a.w, &answer, 0, given).fate, FATE_POSTED);
    assert_int_equal(writer_ack(&b.w, &answer, 1, taken).fate, FATE_POSTED);
    assert_int_equal(held(&a), MINOR(300000));
    assert_int_equal(held(&b), MINOR(500000));
    writer_end(&a.w);
    writer_end(&b.w);
}

struct pushing {
    struct phone *phone;
    size_t at;
    struct client *via;
    struct rig_answer answer;
};

static void *push_via(void *context) {
    struct pushing *p = context;
    p->answer = writer_push_via(&p->phone->w, p->via, 0, &p->at, 1);
    return NULL;
}

static void both_halves_at_the_same_instant_meet(void **state) {
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct phone a = holding(MINOR(800000)), b = new_phone();
        uuid id = rig_id();
        struct pushing both[2] = {{&a, gives(&a, id, b.user, MINOR(500000)), rig_connect(&rig), {0}},
                                  {&b, takes(&b, id, a.user, MINOR(500000)), rig_connect(&rig), {0}}};
        pthread_t threads[2];
        for (size_t k = 0; k < 2; k++) pthread_create(&threads[k], NULL, push_via, &both[k]);
        for (size_t k = 0; k < 2; k++) pthread_join(threads[k], NULL);
        for (size_t k = 0; k < 2; k++) {
            assert_answer(both[k].answer, OK);
            assert_int_equal(fate_now(both[k].phone, both[k].at), FATE_POSTED);
            client_close(both[k].via);
        }
        assert_int_equal(held(&a), MINOR(300000));
        assert_int_equal(held(&b), MINOR(500000));
        writer_end(&a.w);
        writer_end(&b.w);
    }
}

//= RULES.md R-CSH-4a
//  halves that disagree wait for a person, both of them
static void halves_that_disagree_are_both_quarantined(void **state) {
    (void)state;
    struct phone a = holding(MINOR(800000)), b = new_phone();
    uuid id = rig_id();
    size_t given = gives(&a, id, b.user, MINOR(500000)), taken = takes(&b, id, a.user, MINOR(400000));
    assert_int_equal(push(&a, given).fate, FATE_WAITING);
    struct acknowledgement ack = push(&b, taken);
    assert_int_equal(ack.fate, FATE_QUARANTINED);
    assert_true(ack_says(&ack, REASON_HANDOVER_MISMATCH));
    assert_int_equal(fate_now(&a, given), FATE_QUARANTINED);
    assert_int_equal(held(&a), MINOR(800000));
    assert_int_equal(held(&b), 0);
    size_t late = takes(&b, id, a.user, MINOR(500000)); /* a third half settles nothing */
    assert_int_equal(push(&b, late).fate, FATE_QUARANTINED);
    assert_int_equal(held(&a), MINOR(800000));
    writer_end(&a.w);
    writer_end(&b.w);
}

//= RULES.md R-CSH-4a
//  a half that no other can meet is quarantined at once
static void a_half_with_himself_a_stranger_or_no_side_is_quarantined(void **state) {
    (void)state;
    struct phone a = holding(MINOR(800000)), b = new_phone();
    uuid stranger = rig_id();
    size_t odd[] = {gives(&a, rig_id(), a.user, MINOR(1000)), gives(&a, rig_id(), (user_id){stranger}, MINOR(1000)),
                    gives(&a, rig_id(), teller.cashier, MINOR(1000)), half(&a, rig_id(), 9, b.user, MINOR(1000))};
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        struct acknowledgement ack = push(&a, odd[i]);
        assert_int_equal(ack.fate, FATE_QUARANTINED);
        assert_true(ack_says(&ack, REASON_HANDOVER_MISMATCH));
    }
    assert_int_equal(teller_number(&teller, "select count(*) from collector_state where collector_id = '%s'", stranger), 0);
    assert_int_equal(held(&a), MINOR(800000));
    writer_end(&a.w);
    writer_end(&b.w);
}

static void he_cannot_hand_on_what_he_does_not_hold(void **state) {
    (void)state;
    struct phone a = holding(MINOR(100000)), b = new_phone();
    uuid id = rig_id();
    size_t given = gives(&a, id, b.user, MINOR(100001)), taken = takes(&b, id, a.user, MINOR(100001));
    push(&a, given);
    struct acknowledgement ack = push(&b, taken);
    assert_int_equal(ack.fate, FATE_QUARANTINED);
    assert_true(ack_says(&ack, REASON_CASH_GONE));
    assert_int_equal(fate_now(&a, given), FATE_QUARANTINED);
    assert_int_equal(held(&a), MINOR(100000));
    writer_end(&a.w);
    writer_end(&b.w);
}

/* ---- INCIDENT ------------------------------------------------------------------------------------------------------- */

static size_t incident(struct phone *phone, uint16_t what, int64_t amount_minor) {
    struct journal_entry entry = writer_entry(&phone->w, JOURNAL_INCIDENT);
    entry.body.incident = (struct journal_incident){.what = what, .amount_minor = amount_minor, .currency = {"IDR"},
                                                    .report = bytes_text("dirampok di jalan"), .has_police_reference = true,
                                                    .police_reference = bytes_text("LP/77")};
    return writer_sign(&phone->w, &entry);
}

//= RULES.md R-CSH-4
//  INCIDENT (robbery, counterfeit) parks the sum in collector receivable with its report until a second person decides.
static void an_incident_parks_the_sum_with_its_report_until_a_second_person_decides(void **state) {
    (void)state;
    struct phone budi = holding(MINOR(900000));
    size_t at = incident(&budi, JOURNAL_INCIDENT_ROBBERY, MINOR(500000));
    assert_int_equal(push(&budi, at).fate, FATE_POSTED);
    // J35: collector receivable 500 000 · cash held (A) 500 000
    assert_int_equal(line_of(id_of(&budi, at), LEDGER_COLLECTOR_RECEIVABLE, budi.user), MINOR(500000));
    assert_int_equal(line_of(id_of(&budi, at), LEDGER_CASH_HELD, budi.user), -MINOR(500000));
    assert_int_equal(lines(id_of(&budi, at)), 2);
    assert_int_equal(held(&budi), MINOR(400000));
    Tagih__V1__ListShortagesRequest list = TAGIH__V1__LIST_SHORTAGES_REQUEST__INIT;
    list.collector_id = (char *)(uintptr_t)rig_text(budi.user.u);
    const char *supervisor = rig_staff_token(&rig, teller.agency, teller.supervisor, 0);
    struct rig_answer answer = rig_call(&rig, supervisor, "CashService/ListShortages", &list);
    assert_answer(answer, OK);
    const Tagih__V1__Shortage *shortage = ((const Tagih__V1__ListShortagesResponse *)answer.response)->shortages[0];
    assert_int_equal(shortage->kind, TAGIH__V1__SHORTAGE_KIND__SHORTAGE_KIND_ROBBERY);
    assert_string_equal(shortage->report, "dirampok di jalan");
    assert_string_equal(shortage->police_reference, "LP/77");
    Tagih__V1__WriteOffShortageRequest request = TAGIH__V1__WRITE_OFF_SHORTAGE_REQUEST__INIT;
    request.shortage_id = shortage->shortage_id;
    request.reason = (char *)(uintptr_t)"the police confirm it";
    request.request_id = (char *)(uintptr_t)rig_text(rig_id());
    request.etag = shortage->etag;
    answer = rig_call(&rig, supervisor, "CashService/WriteOffShortage", &request);
    assert_answer(answer, OK);
    const char *proposal = ((const Tagih__V1__WriteOffShortageResponse *)answer.response)->proposal_id;
    assert_answer(teller_decide(&teller, teller.supervisor, proposal, true), PROPOSAL_OWN);
    assert_answer(teller_decide(&teller, teller.admin, proposal, true), OK);
    assert_int_equal(teller_number(&teller, "select collector_receivable_minor from collector_state where collector_id = '%s'", budi.user.u), 0);
    writer_end(&budi.w);
}

static void an_incident_of_an_unknown_kind_is_kept_and_flagged(void **state) {
    (void)state;
    struct phone budi = holding(MINOR(900000));
    struct acknowledgement ack = push(&budi, incident(&budi, 77, MINOR(100000)));
    assert_int_equal(ack.fate, FATE_POSTED_FLAGGED);
    assert_true(ack_says(&ack, REASON_UNKNOWN_CODE));
    assert_int_equal(push(&budi, incident(&budi, JOURNAL_INCIDENT_LOSS, MINOR(900000))).fate, FATE_QUARANTINED);
    assert_int_equal(held(&budi), MINOR(800000));
    writer_end(&budi.w);
}

/* ---- DAY_CLOSE ------------------------------------------------------------------------------------------------------ */

static struct acknowledgement close_with(struct phone *phone, const struct journal_day_note *notes, size_t n, size_t *at) {
    struct journal_entry close = writer_entry(&phone->w, JOURNAL_DAY_CLOSE);
    close.body.day_close = (struct journal_day_close){
        .first_seq = 1, .last_seq = 1, .currency_count = 2, .tender_count = 2,
        .currencies = {{.currency = {"IDR"}, .cash_to_hand_over_minor = MINOR(900000)}, {.currency = {"USD"}}},
        .tenders = {{.currency = {"IDR"}, .tender = JOURNAL_TENDER_CASH, .count = 1, .total_minor = INT64_MAX},
                    {.currency = {"IDR"}, .tender = JOURNAL_TENDER_CASH, .count = 1, .total_minor = INT64_MAX}},
        .note_count = n};
    memcpy(close.body.day_close.notes, notes, n * sizeof *notes);
    *at = writer_sign(&phone->w, &close);
    return push(phone, *at);
}

//= RULES.md R-CSH-2b
//  Pieces × values must sum to the sum that stands beside them: else a call is refused, a DAY_CLOSE flagged.
static void a_day_close_keeps_its_notes_and_is_flagged_when_they_do_not_add_up(void **state) {
    (void)state;
    struct phone budi = holding(MINOR(900000));
    const struct journal_day_note right[] = {{{"IDR"}, MINOR(100000), 8}, {{"IDR"}, MINOR(50000), 2}},
                                  wrong[] = {{{"IDR"}, MINOR(100000), 8}}, odd[] = {{{"IDR"}, MINOR(30000), 30}};
    size_t at;
    struct acknowledgement ack = close_with(&budi, right, 2, &at);
    assert_false(ack_says(&ack, REASON_CASH_COUNT));
    assert_true(ack_says(&ack, REASON_TOTAL_MISMATCH)); /* a sum that fits into no number is left out, never wrapped */
    assert_int_equal(teller_number(&teller, "select count(*) from settlement_note where settlement_id = '%s'", id_of(&budi, at)), 2);
    uuid other = settlement_id_of(id_of(&budi, at), &(currency){"USD"}); /* each currency is a settlement of its own */
    assert_int_equal(teller_number(&teller, "select count(*) from settlement where settlement_id = '%s' and currency = 'USD'", other), 1);
    ack = close_with(&budi, wrong, 1, &at);
    assert_true(ack_says(&ack, REASON_CASH_COUNT));
    ack = close_with(&budi, odd, 1, &at);
    assert_true(ack_says(&ack, REASON_CASH_COUNT));
    assert_int_equal(teller_number(&teller, "select count(*) from settlement_note where settlement_id = '%s'", id_of(&budi, at)), 0);
    assert_int_equal(teller_number(&teller, "select state from settlement_state where settlement_id = '%s'", id_of(&budi, at)), SETTLEMENT_DECLARED);
    writer_end(&budi.w);
}

static void an_independent_program_computes_all_books_again(void **state) {
    (void)state;
    assert_books_hold(rig.pg.conninfo);
}

/* The first half is posted while it waits, with the fate that it has then. */
static void verify_finds_every_half_as_it_was_posted(void **state) {
    (void)state;
    assert_true(pg_number(&rig.pg, "select count(*) from journal_key where kind = 32 and fate = 3") > 0);
    assert_verifies(tagihd);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    tagihd = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deposit_moves_cash_held_to_his_transit),
        cmocka_unit_test(more_than_he_holds_waits_for_a_person),
        cmocka_unit_test(a_deposit_waits_for_the_receipts_that_it_is_made_of),
        cmocka_unit_test(a_deposit_of_no_amount_or_currency_moves_nothing),
        cmocka_unit_test(a_void_of_cash_that_went_to_the_bank_waits_for_a_person),
        cmocka_unit_test(two_halves_in_either_order_move_cash_once),
        cmocka_unit_test(both_halves_in_one_push_are_posted_at_once),
        cmocka_unit_test(both_halves_at_the_same_instant_meet),
        cmocka_unit_test(halves_that_disagree_are_both_quarantined),
        cmocka_unit_test(a_half_with_himself_a_stranger_or_no_side_is_quarantined),
        cmocka_unit_test(he_cannot_hand_on_what_he_does_not_hold),
        cmocka_unit_test(an_incident_parks_the_sum_with_its_report_until_a_second_person_decides),
        cmocka_unit_test(an_incident_of_an_unknown_kind_is_kept_and_flagged),
        cmocka_unit_test(a_day_close_keeps_its_notes_and_is_flagged_when_they_do_not_add_up),
        cmocka_unit_test(an_independent_program_computes_all_books_again),
        cmocka_unit_test(verify_finds_every_half_as_it_was_posted),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
