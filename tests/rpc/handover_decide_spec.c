/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Halves of handovers and day closes that wait for two people: dropped, or released with J35's very figures. At the end all
 * books are computed again, and `tagihd verify` finds nothing.
 */
#include "server/domain/settlement.h"
#include "server/store/handover.h"
#include "tests/rpc/bag_case.h"

#define RELEASE TAGIH__V1__ENTRY_ACTION__ENTRY_ACTION_RELEASE
#define DROP TAGIH__V1__ENTRY_ACTION__ENTRY_ACTION_DROP

static const char *tagihd;

static struct rig_answer propose(const struct phone *phone, size_t at, Tagih__V1__EntryAction action) {
    const struct written *entry = &phone->w.entries[at];
    Tagih__V1__DecideEntryRequest request = TAGIH__V1__DECIDE_ENTRY_REQUEST__INIT;
    request.entry_hash = (ProtobufCBinaryData){sizeof entry->hash.b, (uint8_t *)(uintptr_t)entry->hash.b};
    request.action = action;
    request.reason = TEXT("both were asked");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.supervisor, 0), "EntryService/DecideEntry", &request);
}

static struct rig_answer decide(const struct phone *phone, size_t at, Tagih__V1__EntryAction action) {
    struct rig_answer answer = propose(phone, at, action);
    return teller_decide(&teller, teller.admin, proposal_of(answer), true);
}

/* A refused proposal is taken off, so that another one can be made. */
static void assert_only_dropped(const struct phone *phone, size_t at) {
    struct rig_answer answer = propose(phone, at, RELEASE);
    const char *proposal = proposal_of(answer);
    assert_answer(teller_decide(&teller, teller.admin, proposal, true), ENTRY_ONLY_DROP);
    assert_answer(teller_decide(&teller, teller.admin, proposal, false), OK);
    assert_answer(decide(phone, at, DROP), OK);
    assert_int_equal(fate_now(phone, at), FATE_EVIDENCE);
}

static int64_t state_of(uuid handover) {
    return teller_number(&teller, "select coalesce((select state from handover_state where handover_id = '%s'), 0)",
                         handover);
}

/* J35: cash held (B) · cash held (A). */
static void assert_handed_over(uuid posting, const struct phone *a, const struct phone *b, int64_t amount_minor) {
    assert_int_equal(line_of(posting, LEDGER_CASH_HELD, b->user), amount_minor);
    assert_int_equal(line_of(posting, LEDGER_CASH_HELD, a->user), -amount_minor);
    assert_int_equal(lines(posting), 2);
    assert_int_equal(held(b), amount_minor);
}

/* ---- dropped -------------------------------------------------------------------------------------------------------- */

//= RULES.md R-CSH-4c
//  Dropped while it waits, its handover is over: the other half, here or to come, waits for a person.
static void a_half_that_waits_is_dropped_and_its_handover_is_over(void **state) {
    (void)state;
    struct phone a = holding(MINOR(800000)), b = new_phone();
    uuid id = rig_id();
    size_t given = gives(&a, id, b.user, MINOR(500000)), taken = takes(&b, id, a.user, MINOR(500000));
    assert_int_equal(push(&a, given).fate, FATE_WAITING);
    assert_answer(decide(&a, given, DROP), OK);
    assert_int_equal(fate_now(&a, given), FATE_EVIDENCE);
    assert_int_equal(state_of(id), HANDOVER_DISPUTED);
    struct acknowledgement ack = push(&b, taken);
    assert_int_equal(ack.fate, FATE_QUARANTINED);
    assert_true(ack_says(&ack, REASON_HANDOVER_MISMATCH));
    assert_int_equal(held(&a), MINOR(800000));
    assert_answer(decide(&b, taken, DROP), OK);
    assert_int_equal(state_of(id), HANDOVER_DISPUTED);
    assert_int_equal(teller_number(&teller, "select count(*) from entry_waiting where referent_id = '%s' and not done", id),
                     0);
    writer_end(&a.w);
    writer_end(&b.w);
}

/* Halves that wait for the giver's receipts. */
struct uncovered {
    struct phone a, b;
    uuid id;
    size_t receipt, given, taken;
};

static struct uncovered uncovered(void) {
    struct uncovered u = {.a = new_phone(), .b = new_phone(), .id = rig_id()};
    struct journal_entry receipt = writer_receipt(&u.a.w, u.a.account, MINOR(500000));
    u.receipt = writer_sign(&u.a.w, &receipt);
    u.given = gives(&u.a, u.id, u.b.user, MINOR(500000));
    u.taken = takes(&u.b, u.id, u.a.user, MINOR(500000));
    push(&u.a, u.given);
    push(&u.b, u.taken);
    assert_int_equal(state_of(u.id), HANDOVER_UNCOVERED);
    return u;
}

static void part(struct uncovered *u) {
    writer_end(&u->a.w);
    writer_end(&u->b.w);
}

//= RULES.md R-CSH-4c
//  the other half, here or to come, waits for a person.
static void of_two_that_wait_for_cash_one_is_dropped_and_the_other_waits_for_a_person(void **state) {
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct uncovered u = uncovered();
        const struct phone *dropped = first ? &u.a : &u.b, *other = first ? &u.b : &u.a;
        size_t dropped_at = first ? u.given : u.taken, other_at = first ? u.taken : u.given;
        assert_answer(decide(dropped, dropped_at, DROP), OK);
        assert_int_equal(state_of(u.id), HANDOVER_DISPUTED);
        assert_int_equal(fate_now(other, other_at), FATE_QUARANTINED);
        push(&u.a, u.receipt);
        assert_int_equal(held(&u.a), MINOR(500000));
        assert_handed_over(posting_of(decide(other, other_at, RELEASE)), &u.a, &u.b, MINOR(500000)); /* it did happen */
        assert_int_equal(state_of(u.id), HANDOVER_DONE);
        part(&u);
    }
}

/* ---- released ------------------------------------------------------------------------------------------------------- */

//= RULES.md R-CSH-4c
//  Released, a half is the whole handover: its sum moves now, if the giver holds it.
static void of_halves_that_disagree_two_people_release_one(void **state) {
    (void)state;
    struct phone a = holding(MINOR(800000)), b = new_phone();
    uuid id = rig_id();
    size_t given = gives(&a, id, b.user, MINOR(500000)), taken = takes(&b, id, a.user, MINOR(400000));
    push(&a, given);
    assert_int_equal(push(&b, taken).fate, FATE_QUARANTINED);
    struct rig_answer answer = propose(&b, taken, RELEASE);
    const char *proposal = proposal_of(answer);
    assert_answer(teller_decide(&teller, teller.supervisor, proposal, true), PROPOSAL_OWN);
    uuid posting = posting_of(teller_decide(&teller, teller.admin, proposal, true));
    assert_handed_over(posting, &a, &b, MINOR(400000));
    assert_int_equal(fate_now(&b, taken), FATE_POSTED);
    assert_int_equal(state_of(id), HANDOVER_DONE);
    assert_int_equal(fate_now(&a, given), FATE_QUARANTINED);
    assert_only_dropped(&a, given); /* the cash has moved already */
    assert_int_equal(held(&a), MINOR(400000));
    writer_end(&a.w);
    writer_end(&b.w);
}

/* His phone is lost: two people believe the giver's. What comes of it later moves nothing. */
static void a_half_whose_other_never_comes_is_released_alone(void **state) {
    (void)state;
    struct phone a = holding(MINOR(800000)), b = new_phone();
    uuid id = rig_id();
    size_t given = gives(&a, id, b.user, MINOR(500000)), taken = takes(&b, id, a.user, MINOR(500000));
    push(&a, given);
    assert_handed_over(posting_of(decide(&a, given, RELEASE)), &a, &b, MINOR(500000));
    assert_int_equal(fate_now(&a, given), FATE_POSTED);
    assert_int_equal(state_of(id), HANDOVER_DONE);
    /* it came into his bag when the giver says */
    assert_int_equal(
        teller_number(&teller,
                      "select coalesce(sum(in_minor), 0) from collector_state c cross join lateral"
                      " cash_inflows(c.agency_id, c.collector_id, 'IDR', null, null, null, 0) where c.collector_id = '%s'",
                      b.user.u),
        MINOR(500000));
    assert_int_equal(push(&b, taken).fate, FATE_QUARANTINED);
    assert_only_dropped(&b, taken);
    assert_int_equal(held(&b), MINOR(500000));
    writer_end(&a.w);
    writer_end(&b.w);
}

/* Its id was used before, so that it came into quarantine; the first one was waiting for it. */
static void a_half_that_is_released_meets_the_one_that_waits(void **state) {
    (void)state;
    for (int agrees = 0; agrees < 2; agrees++) {
        struct phone a = holding(MINOR(800000)), b = holding(MINOR(1000));
        uuid id = rig_id();
        size_t given = gives(&a, id, b.user, MINOR(500000));
        struct journal_entry entry = writer_entry(&b.w, JOURNAL_HANDOVER);
        entry.id = b.w.entries[0].id; /* his receipt's */
        entry.body.handover = (struct journal_handover){.handover = id,
                                                        .side = JOURNAL_HANDOVER_TAKES,
                                                        .counterpart = a.user,
                                                        .amount_minor = agrees ? MINOR(500000) : MINOR(400000),
                                                        .currency = {"IDR"}};
        size_t taken = writer_sign(&b.w, &entry);
        push(&a, given);
        struct acknowledgement ack = push(&b, taken);
        assert_int_equal(ack.fate, FATE_QUARANTINED);
        assert_true(ack_says(&ack, REASON_ENTRY_ID_REUSED));
        assert_int_equal(state_of(id), HANDOVER_WAITING);
        uuid posting = posting_of(decide(&b, taken, RELEASE));
        assert_int_equal(line_of(posting, LEDGER_CASH_HELD, b.user), agrees ? MINOR(500000) : MINOR(400000));
        assert_int_equal(fate_now(&a, given), agrees ? FATE_POSTED : FATE_QUARANTINED);
        assert_int_equal(state_of(id), HANDOVER_DONE);
        writer_end(&a.w);
        writer_end(&b.w);
    }
}

//= RULES.md R-CSH-4c
//  its sum moves now, if the giver holds it.
static void one_that_waits_for_cash_is_released_when_it_is_there(void **state) {
    (void)state;
    struct uncovered u = uncovered();
    size_t third = takes(&u.b, u.id, u.a.user, MINOR(500000));
    push(&u.b, third);
    assert_only_dropped(&u.b, third); /* two wait already */
    struct rig_answer answer = propose(&u.b, u.taken, RELEASE);
    const char *proposal = proposal_of(answer);
    assert_answer(teller_decide(&teller, teller.admin, proposal, true), ENTRY_CASH_SHORT);
    push(&u.a, u.receipt);
    answer = teller_decide(&teller, teller.admin, proposal, true);
    if (strcmp(answer.reason, "ENTRY_DECIDED") != 0) assert_answer(answer, OK); /* the minute may have been first */
    assert_int_equal(state_of(u.id), HANDOVER_DONE);
    assert_int_equal(fate_now(&u.a, u.given), FATE_POSTED);
    assert_int_equal(fate_now(&u.b, u.taken), FATE_POSTED);
    assert_int_equal(held(&u.b), MINOR(500000));
    part(&u);
}

/* ---- day closes ----------------------------------------------------------------------------------------------------- */

static struct journal_entry day_close(struct phone *phone, int64_t amount_minor) {
    struct journal_entry close = writer_entry(&phone->w, JOURNAL_DAY_CLOSE);
    close.body.day_close = (struct journal_day_close){
        .first_seq = 1,
        .last_seq = 1,
        .currency_count = 1,
        .tender_count = 1,
        .note_count = 1,
        .currencies = {{.currency = {"IDR"},
                        .cum_count = 1,
                        .cum_total_minor = amount_minor,
                        .receipt_count = 1,
                        .cash_to_hand_over_minor = amount_minor}},
        .tenders = {{.currency = {"IDR"}, .tender = JOURNAL_TENDER_CASH, .count = 1, .total_minor = amount_minor}},
        .notes = {{{"IDR"}, MINOR(100000), amount_minor / MINOR(100000)}}};
    return close;
}

static int64_t declared_seq(const struct phone *phone) {
    return teller_number(&teller, "select declared_seq from device_epoch where device_id = '%s'", phone->w.phone.device.u);
}

//= RULES.md R-JRN-6a
//  a day close declares what it says, as if it had been taken in when it came
static void a_day_close_is_released_and_declares_its_settlement(void **state) {
    (void)state;
    for (int fork = 0; fork < 2; fork++) {
        struct phone a = holding(MINOR(900000));
        struct journal_entry close = day_close(&a, MINOR(900000));
        size_t at;
        if (fork) {
            push(&a, gives(&a, rig_id(), a.user, MINOR(1000))); /* has its place in the chain */
            at = writer_sign_as(&a.w, &close);
        } else {
            close.id = a.w.entries[0].id;
            at = writer_sign(&a.w, &close);
        }
        assert_int_equal(push(&a, at).fate, FATE_QUARANTINED);
        assert_int_equal(declared_seq(&a), 0);
        uuid posting = posting_of(decide(&a, at, RELEASE));
        assert_int_equal(lines(posting), 0);
        assert_int_equal(
            teller_number(&teller,
                          "select count(*) from settlement s join settlement_state t using (agency_id, settlement_id)"
                          " join settlement_note n using (agency_id, settlement_id) where s.posting_id = '%s' and "
                          "s.declared_minor = 90000000"
                          " and s.last_seq = 1 and t.state = 2 and n.pieces = 9",
                          posting),
            1);
        assert_int_equal(declared_seq(&a), 1);
        assert_true(fate_now(&a, at) == FATE_POSTED || fate_now(&a, at) == FATE_POSTED_FLAGGED);
        writer_end(&a.w);
    }
}

static void a_day_close_of_no_money_is_only_dropped(void **state) {
    (void)state;
    struct phone a = holding(MINOR(900000));
    struct journal_entry close = writer_entry(&a.w, JOURNAL_DAY_CLOSE);
    close.id = a.w.entries[0].id;
    close.body.day_close = (struct journal_day_close){.first_seq = 1, .last_seq = 1};
    size_t at = writer_sign(&a.w, &close);
    assert_int_equal(push(&a, at).fate, FATE_QUARANTINED);
    assert_only_dropped(&a, at);
    writer_end(&a.w);
}

/* ---- proof ---------------------------------------------------------------------------------------------------------- */

static void an_independent_program_computes_all_books_again(void **state) {
    (void)state;
    assert_books_hold(rig.pg.conninfo);
}

static void verify_finds_all_as_it_was_decided(void **state) {
    (void)state;
    assert_verifies(tagihd);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    tagihd = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_half_that_waits_is_dropped_and_its_handover_is_over),
        cmocka_unit_test(of_two_that_wait_for_cash_one_is_dropped_and_the_other_waits_for_a_person),
        cmocka_unit_test(of_halves_that_disagree_two_people_release_one),
        cmocka_unit_test(a_half_whose_other_never_comes_is_released_alone),
        cmocka_unit_test(a_half_that_is_released_meets_the_one_that_waits),
        cmocka_unit_test(one_that_waits_for_cash_is_released_when_it_is_there),
        cmocka_unit_test(a_day_close_is_released_and_declares_its_settlement),
        cmocka_unit_test(a_day_close_of_no_money_is_only_dropped),
        cmocka_unit_test(an_independent_program_computes_all_books_again),
        cmocka_unit_test(verify_finds_all_as_it_was_decided),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
