/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handovers whose entries arrive in any order: both halves, the receipts that the cash came with, some of them never. J35
 * with its very figures; at the end all books are computed again, and `tagihd verify` finds nothing.
 */
#include "server/rpc/handover_due.h"
#include "server/store/handover.h"
#include "tests/rpc/bag_case.h"
#include "tests/support/job.h"

static const char *tagihd;

static void minute(void) {
    job_chore(&rig, teller.agency, clock_now(), handovers_due);
}

static int64_t state_of(uuid handover) {
    return teller_number(&teller, "select coalesce((select state from handover_state where handover_id = '%s'), 0)",
                         handover);
}

static size_t receipt_of(struct phone *phone, int64_t amount_minor) {
    struct journal_entry receipt = writer_receipt(&phone->w, phone->account, amount_minor);
    return writer_sign(&phone->w, &receipt);
}

/* A giver whose receipt has not been pushed, a taker, and their halves. */
struct meeting {
    struct phone a, b;
    uuid id;
    size_t receipt, given, taken;
};

static struct meeting meet(int64_t received_minor, int64_t given_minor) {
    struct meeting m = {.a = new_phone(), .b = new_phone(), .id = rig_id()};
    m.receipt = receipt_of(&m.a, received_minor);
    m.given = gives(&m.a, m.id, m.b.user, given_minor);
    m.taken = takes(&m.b, m.id, m.a.user, given_minor);
    return m;
}

static void part(struct meeting *m) {
    writer_end(&m->a.w);
    writer_end(&m->b.w);
}

/* J35: cash held (B) 500 000 · cash held (A) 500 000, in the posting of the half that came second. */
static void assert_moved_by(const struct meeting *m, uuid second) {
    assert_int_equal(state_of(m->id), HANDOVER_DONE);
    assert_int_equal(line_of(second, LEDGER_CASH_HELD, m->b.user), MINOR(500000));
    assert_int_equal(line_of(second, LEDGER_CASH_HELD, m->a.user), -MINOR(500000));
    assert_int_equal(lines(second), 2);
    assert_int_equal(fate_now(&m->a, m->given), FATE_POSTED);
    assert_int_equal(fate_now(&m->b, m->taken), FATE_POSTED);
    assert_int_equal(held(&m->b), MINOR(500000));
}

/* Both wait, and no cash has moved. */
static void assert_waits(const struct meeting *m) {
    assert_int_equal(state_of(m->id), HANDOVER_UNCOVERED);
    assert_int_equal(fate_now(&m->a, m->given), FATE_WAITING);
    assert_int_equal(fate_now(&m->b, m->taken), FATE_WAITING);
    assert_int_equal(held(&m->b), 0);
}

static void assert_gone(const struct meeting *m) {
    assert_int_equal(state_of(m->id), HANDOVER_DISPUTED);
    assert_int_equal(fate_now(&m->a, m->given), FATE_QUARANTINED);
    assert_int_equal(fate_now(&m->b, m->taken), FATE_QUARANTINED);
    assert_int_equal(held(&m->b), 0);
}

/* ---- any order ------------------------------------------------------------------------------------------------------ */

//= RULES.md R-CSH-4b
//  Order of arrival changes nothing: when both halves are here and the giver does not hold the cash, but something of his
//  journal before his half is missing, both are WAITING.
static void every_order_of_arrival_moves_the_cash_once(void **state) {
    (void)state;
    static const char *const orders[] = {"rgt", "rtg", "grt", "trg", "gtr", "tgr"}; /* receipt, giver's half, taker's half */
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        struct meeting m = meet(MINOR(800000), MINOR(500000));
        bool receipt_last = orders[i][2] == 'r';
        uuid second = {{0}};
        for (const char *c = orders[i]; *c; c++) {
            if (*c == 'r' && receipt_last) {
                minute();
                assert_waits(&m);
            }
            if (*c == 'r') assert_int_equal(push(&m.a, m.receipt).fate, FATE_POSTED);
            else if (*c == 'g') push(&m.a, m.given);
            else push(&m.b, m.taken);
            if (*c != 'r') second = *c == 'g' ? id_of(&m.a, m.given) : id_of(&m.b, m.taken);
        }
        minute();
        assert_moved_by(&m, second);
        assert_int_equal(held(&m.a), MINOR(300000));
        minute(); /* and once only */
        assert_moved_by(&m, second);
        part(&m);
    }
}

static void both_halves_of_one_push_wait_for_receipts_that_come_later(void **state) {
    (void)state;
    struct meeting m = meet(MINOR(500000), MINOR(500000));
    struct rig_answer answer = push_both(&m.a, m.given, &m.b, m.taken);
    assert_answer(answer, OK);
    struct acknowledgement given = writer_ack(&m.a.w, &answer, 0, m.given), taken = writer_ack(&m.b.w, &answer, 1, m.taken);
    assert_true(given.fate == FATE_WAITING && taken.fate == FATE_WAITING);
    assert_true(taken.has_missing && uuid_equal(taken.missing.u, m.id));
    assert_false(ack_says(&given, REASON_CASH_GONE) || ack_says(&taken, REASON_CASH_GONE));
    push(&m.a, m.receipt);
    minute();
    size_t posted = (size_t)teller_number(&teller,
                                          "select count(*) from posting p join ledger_line using (agency_id, posting_id)"
                                          " where p.trigger_id = '%s'",
                                          m.id);
    assert_int_equal(posted, 2);
    assert_int_equal(state_of(m.id), HANDOVER_DONE);
    assert_int_equal(held(&m.b), MINOR(500000));
    assert_int_equal(push(&m.b, m.taken).fate, FATE_WAITING); /* byte for byte the first acknowledgement */
    part(&m);
}

/* Each of them waits for the receipt; it is enough for one. */
static void of_two_handovers_that_wait_the_cash_covers_one(void **state) {
    (void)state;
    struct meeting m = meet(MINOR(500000), MINOR(500000));
    uuid other = rig_id();
    size_t given = gives(&m.a, other, m.b.user, MINOR(400000)), taken = takes(&m.b, other, m.a.user, MINOR(400000));
    push(&m.a, m.given);
    push(&m.b, m.taken);
    push(&m.a, given);
    push(&m.b, taken);
    assert_waits(&m);
    push(&m.a, m.receipt);
    minute();
    minute();
    assert_int_equal(state_of(m.id) + state_of(other), HANDOVER_DONE + HANDOVER_DISPUTED);
    assert_true(held(&m.a) >= 0);
    assert_int_equal(held(&m.a) + held(&m.b), MINOR(500000));
    part(&m);
}

static void a_third_half_settles_nothing_while_two_wait(void **state) {
    (void)state;
    struct meeting m = meet(MINOR(500000), MINOR(500000));
    push(&m.a, m.given);
    push(&m.b, m.taken);
    size_t third = takes(&m.b, m.id, m.a.user, MINOR(500000));
    struct acknowledgement ack = push(&m.b, third);
    assert_int_equal(ack.fate, FATE_QUARANTINED);
    assert_true(ack_says(&ack, REASON_HANDOVER_MISMATCH));
    assert_waits(&m);
    push(&m.a, m.receipt);
    minute();
    assert_moved_by(&m, id_of(&m.b, m.taken));
    part(&m);
}

/* ---- what never comes ----------------------------------------------------------------------------------------------- */

//= RULES.md R-CSH-4b
//  CASH_GONE, both of them, when nothing of his journal is missing any more.
static void receipts_that_are_not_enough_leave_both_in_quarantine(void **state) {
    (void)state;
    for (int giver_first = 0; giver_first < 2; giver_first++) {
        struct meeting m = meet(MINOR(499999), MINOR(500000));
        push(giver_first ? &m.a : &m.b, giver_first ? m.given : m.taken);
        push(giver_first ? &m.b : &m.a, giver_first ? m.taken : m.given);
        assert_waits(&m);
        push(&m.a, m.receipt);
        minute();
        assert_gone(&m);
        assert_int_equal(held(&m.a), MINOR(499999));
        part(&m);
    }
}

static struct rig_answer accept_gap(const struct phone *phone, int64_t first, int64_t last) {
    Tagih__V1__AcceptGapRequest request = TAGIH__V1__ACCEPT_GAP_REQUEST__INIT;
    request.device_id = (char *)(uintptr_t)rig_text(phone->w.phone.device.u);
    request.epoch = (int32_t)phone->w.phone.epoch;
    request.first_seq = first;
    request.last_seq = last;
    request.reason = (char *)(uintptr_t) "his phone fell into the river";
    request.request_id = (char *)(uintptr_t)rig_text(rig_id());
    return rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.supervisor, 0), "EntryService/AcceptGap", &request);
}

static void receipts_that_never_come_keep_it_waiting_until_a_supervisor_accepts_the_gap(void **state) {
    (void)state;
    struct meeting m = meet(MINOR(500000), MINOR(500000));
    push(&m.a, m.given);
    push(&m.b, m.taken);
    minute();
    minute();
    assert_waits(&m);
    assert_answer(accept_gap(&m.a, 1, 1), OK);
    minute();
    assert_gone(&m);
    part(&m);
}

/* The old phone never speaks again; cash is one person's, whatever phone tells of it. */
static void a_giver_whose_phone_is_lost_is_covered_by_his_next_one(void **state) {
    (void)state;
    struct meeting m = meet(MINOR(500000), MINOR(500000));
    push(&m.b, m.taken);
    push(&m.a, m.given);
    assert_waits(&m);
    struct phone next = {.user = m.a.user, .account = m.a.account};
    struct rig_phone made = rig_phone(&rig, teller.agency, next.user);
    writer_begin(&next.w, &rig, &made);
    push(&next, receipt_of(&next, MINOR(600000)));
    minute();
    assert_int_equal(state_of(m.id), HANDOVER_DONE);
    assert_int_equal(lines(id_of(&m.a, m.given)), 2);
    assert_int_equal(held(&m.a), MINOR(100000));
    assert_int_equal(held(&m.b), MINOR(500000));
    writer_end(&next.w);
    part(&m);
}

//= RULES.md R-CSH-4b
//  Earlier epochs of his phone are part of his journal.
static void receipts_of_an_epoch_that_is_closed_cover_a_half_of_the_next(void **state) {
    (void)state;
    for (int giver_first = 0; giver_first < 2; giver_first++) {
        struct phone a = new_phone(), b = new_phone();
        struct key_pair pair = writer_new_pair();
        size_t receipt = receipt_of(&a, MINOR(500000)), rotation = writer_rotation(&a.w, &pair.key, 2);
        push(&a, rotation);
        struct phone next = {.user = a.user, .account = a.account, .w = writer_next_epoch(&a.w, &pair, 2)};
        uuid id = rig_id();
        size_t given = gives(&next, id, b.user, MINOR(500000)), taken = takes(&b, id, a.user, MINOR(500000));
        push(giver_first ? &next : &b, giver_first ? given : taken);
        push(giver_first ? &b : &next, giver_first ? taken : given);
        minute();
        assert_int_equal(state_of(id), HANDOVER_UNCOVERED);
        push(&a, receipt);
        minute();
        assert_int_equal(state_of(id), HANDOVER_DONE);
        assert_int_equal(held(&b), MINOR(500000));
        writer_end(&a.w);
        writer_end(&next.w);
        writer_end(&b.w);
    }
}

/* ---- proof ---------------------------------------------------------------------------------------------------------- */

static void an_independent_program_computes_all_books_again(void **state) {
    (void)state;
    assert_books_hold(rig.pg.conninfo);
}

static void verify_finds_what_waits_and_what_waited(void **state) {
    (void)state;
    struct meeting m = meet(MINOR(500000), MINOR(500000));
    push(&m.a, m.given);
    push(&m.b, m.taken);
    assert_waits(&m);
    assert_verifies(tagihd);
    part(&m);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    tagihd = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_of_arrival_moves_the_cash_once),
        cmocka_unit_test(both_halves_of_one_push_wait_for_receipts_that_come_later),
        cmocka_unit_test(of_two_handovers_that_wait_the_cash_covers_one),
        cmocka_unit_test(a_third_half_settles_nothing_while_two_wait),
        cmocka_unit_test(receipts_that_are_not_enough_leave_both_in_quarantine),
        cmocka_unit_test(receipts_that_never_come_keep_it_waiting_until_a_supervisor_accepts_the_gap),
        cmocka_unit_test(a_giver_whose_phone_is_lost_is_covered_by_his_next_one),
        cmocka_unit_test(receipts_of_an_epoch_that_is_closed_cover_a_half_of_the_next),
        cmocka_unit_test(an_independent_program_computes_all_books_again),
        cmocka_unit_test(verify_finds_what_waits_and_what_waited),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
