/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a bonus is: lines that wait for a supervisor's choice, accounts whose bonus is split, collectors who are customers;
 * and when the money behind a line has been seen, through a closed month and a payout run.
 */
#include "server/book/posting.h"
#include "server/run/clock.h"
#include "server/run/random.h"
#include "tests/support/case.h"
#include "tests/support/months.h"
#include "tests/support/writer.h"

#define OF_CREDIT POSTING_OF_BONUS_CREDIT

static struct rig rig;
static const user_id nobody;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* An agency with two supervisors; and a collector with a phone that was certified before the closable month began. */
struct scene {
    struct teller teller;
    user_id second, collector, other;
    struct writer writer;
    bool back; /* in the month that can be closed */
};

static void scene_open(struct scene *s, const char *name) {
    s->back = false;
    teller_open(&s->teller, &rig, rig_agency(&rig, name));
    s->second = rig_user(&rig, s->teller.agency, NULL, ROLE_SUPERVISOR);
    s->collector = rig_user(&rig, s->teller.agency, NULL, ROLE_COLLECTOR);
    s->other = rig_user(&rig, s->teller.agency, NULL, ROLE_COLLECTOR);
    struct rig_phone phone = rig_phone_since(&rig, s->teller.agency, s->collector, teller_noon(-75));
    writer_begin(&s->writer, &rig, &phone);
    s->writer.at.us = clock_now().us - 60 * US_PER_S;
}

/* From here on he takes money in the month that can be closed. */
static void go_back(struct scene *s) {
    s->writer.at = teller_noon(months_near_end(8));
    s->back = true;
}

static void close_month(struct scene *s) {
    months_close_before(&s->teller, s->second, months_closable());
    months_close(&s->teller, s->second, months_closable());
}

/* In B1, so that the factor is 1.0. */
static account_id owing(struct scene *s, user_id collector, int64_t rupiah) {
    struct debt debt = {.due_in = s->back ? months_before_start(10) : -20, .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(rupiah)}};
    return teller_account(&s->teller, collector, &debt, 1);
}

static payment_id receive_by(struct scene *s, account_id account, int64_t rupiah, uint16_t tender, const char *reference) {
    struct journal_entry receipt = writer_receipt(&s->writer, account, MINOR(rupiah));
    receipt.body.receipt.tender = tender;
    receipt.body.receipt.has_tender_reference = reference != NULL;
    if (reference) receipt.body.receipt.tender_reference = bytes_text(reference);
    size_t at = writer_sign(&s->writer, &receipt);
    assert_answer(writer_push_range(&s->writer, at, at), OK);
    return (payment_id){s->writer.entries[at].id.u};
}

static payment_id receive(struct scene *s, account_id account, int64_t rupiah) {
    return receive_by(s, account, rupiah, JOURNAL_TENDER_CASH, NULL);
}

/* A lawyer's payment: of a debt in B1 it earns 3 % x 0.5. */
static payment_id lawyer(struct scene *s, account_id account, int64_t minor, instant value) {
    return teller_paid(&s->teller, account, &(struct paid){.source = TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_LAWYER,
                                                           .amount_minor = minor, .value = value});
}

static const char *token(struct scene *s, user_id user) {
    return rig_staff_token(&rig, s->teller.agency, user, 0);
}

static void set_target(struct scene *s, user_id collector, int64_t rupiah) {
    char sql[600], first[DATE_TEXT_SIZE];
    date_format(months_closable(), first);
    snprintf(sql, sizeof sql,
             "insert into bonus_target (agency_id, collector_id, month_on, version, amount_minor, currency, made_by, approved_by, at_us)"
             " values ('%s', '%s', '%s', 1, %lld, 'IDR', '%s', '%s', 1)",
             rig_text(s->teller.agency.u), rig_text(collector.u), first, (long long)MINOR(rupiah), rig_text(s->teller.supervisor.u),
             rig_text(s->teller.admin.u));
    pg_exec(&rig.pg, sql);
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

static struct rig_answer choose_as(struct scene *s, user_id who, payment_id payment, user_id collector) {
    Tagih__V1__ChooseCreditRequest request = TAGIH__V1__CHOOSE_CREDIT_REQUEST__INIT;
    request.payment_id = TEXT(rig_text(payment.u));
    request.collector_id = TEXT(rig_text(collector.u));
    request.reason = TEXT("he had called the debtor to the office");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(s, who), "BonusService/ChooseCredit", &request);
}

static struct rig_answer choose(struct scene *s, payment_id payment, user_id collector) {
    return choose_as(s, s->teller.supervisor, payment, collector);
}

static const char *chosen(struct rig_answer answer) {
    assert_answer(answer, OK);
    return ((const Tagih__V1__ChooseCreditResponse *)answer.response)->proposal_id;
}

static void credit(struct scene *s, payment_id payment, user_id collector) {
    assert_answer(months_decide(&s->teller, s->second, chosen(choose(s, payment, collector))), OK);
}

static const Tagih__V1__ListHeldResponse *held(struct scene *s, int32_t page_size, const char *page_token) {
    Tagih__V1__ListHeldRequest request = TAGIH__V1__LIST_HELD_REQUEST__INIT;
    request.page_size = page_size;
    request.page_token = TEXT(page_token);
    struct rig_answer answer = rig_call(&rig, token(s, s->second), "BonusService/ListHeld", &request);
    assert_answer(answer, OK);
    return answer.response;
}

struct share {
    user_id collector;
    int32_t bp;
};

static struct rig_answer propose_split(struct scene *s, account_id account, int from_in, const char *until, const struct share *shares,
                                       size_t n) {
    Tagih__V1__SplitShare messages[10], *list[10];
    char from[DATE_TEXT_SIZE], ids[10][UUID_TEXT_SIZE];
    date_format((civil_date){months_today() + from_in}, from);
    for (size_t i = 0; i < n; i++) {
        tagih__v1__split_share__init(&messages[i]);
        uuid_format(shares[i].collector.u, ids[i]);
        messages[i].collector_id = ids[i];
        messages[i].share_bp = shares[i].bp;
        list[i] = &messages[i];
    }
    Tagih__V1__ProposeSplitRequest request = TAGIH__V1__PROPOSE_SPLIT_REQUEST__INIT;
    request.account_id = TEXT(rig_text(account.u));
    request.valid_from = from;
    request.valid_until = TEXT(until);
    request.shares = list;
    request.n_shares = n;
    request.reason = TEXT("both work it");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(s, s->teller.supervisor), "BonusService/ProposeSplit", &request);
}

static void split(struct scene *s, account_id account, int from_in, const struct share *shares, size_t n) {
    struct rig_answer answer = propose_split(s, account, from_in, "", shares, n);
    assert_answer(answer, OK);
    assert_answer(months_decide(&s->teller, s->second, ((const Tagih__V1__ProposeSplitResponse *)answer.response)->proposal_id), OK);
}

static struct rig_answer set_own(struct scene *s, user_id by, user_id user, const char *customer_no, bool is_own) {
    Tagih__V1__SetOwnCustomerRequest request = TAGIH__V1__SET_OWN_CUSTOMER_REQUEST__INIT;
    request.user_id = TEXT(rig_text(user.u));
    request.customer_no = TEXT(customer_no);
    request.is_own = is_own;
    request.reason = TEXT("the same identity card");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(s, by), "BonusService/SetOwnCustomer", &request);
}

static const Tagih__V1__ExplainBonusResponse *explained(struct scene *s, payment_id payment) {
    Tagih__V1__ExplainBonusRequest request = TAGIH__V1__EXPLAIN_BONUS_REQUEST__INIT;
    request.payment_id = TEXT(rig_text(payment.u));
    struct rig_answer answer = rig_call(&rig, token(s, s->teller.supervisor), "BonusService/ExplainBonus", &request);
    assert_answer(answer, OK);
    return answer.response;
}

static const Tagih__V1__BonusLine *true_up(struct scene *s, user_id collector) {
    Tagih__V1__ExplainBonusRequest request = TAGIH__V1__EXPLAIN_BONUS_REQUEST__INIT;
    request.collector_id = TEXT(rig_text(collector.u));
    request.month = TEXT(months_text(months_closable()));
    struct rig_answer answer = rig_call(&rig, token(s, s->teller.supervisor), "BonusService/ExplainBonus", &request);
    assert_answer(answer, OK);
    const Tagih__V1__ExplainBonusResponse *response = answer.response;
    assert_int_equal(response->n_lines, 1);
    return response->lines[0];
}

static struct rig_answer preview(struct scene *s) {
    Tagih__V1__PreviewPayoutRequest request = TAGIH__V1__PREVIEW_PAYOUT_REQUEST__INIT;
    request.through_month = TEXT(months_text(months_closable()));
    return rig_call(&rig, token(s, s->teller.supervisor), "PayoutService/PreviewPayout", &request);
}

/* What a run would pay a collector now. */
static int64_t payable_minor(struct scene *s, user_id collector) {
    struct rig_answer answer = preview(s);
    if (strcmp(answer.reason, "PAYOUT_EMPTY") == 0) return 0;
    assert_answer(answer, OK);
    const Tagih__V1__PreviewPayoutResponse *run = answer.response;
    for (size_t i = 0; i < run->n_shares; i++) {
        if (strcmp(run->shares[i]->collector_id, rig_text(collector.u)) == 0) return run->shares[i]->paid->minor;
    }
    return 0;
}

/* ---- looking -------------------------------------------------------------------------------------------------- */

/* What the posting of a choice about a payment moved between bonus expense and a collector. */
static int64_t moved(struct scene *s, payment_id payment, int kind, enum ledger_account account, user_id owner) {
    char sql[500];
    snprintf(sql, sizeof sql, "select coalesce(sum(l.amount_minor), 0)::int8 from ledger_line l join posting p using (agency_id, posting_id)"
                              " where p.trigger_id = '%%s' and p.kind = %d and l.ledger_account = %d and l.owner_id is not distinct from %s%s%s",
             kind, (int)account, uuid_is_nil(owner.u) ? "null" : "'", uuid_is_nil(owner.u) ? "" : rig_text(owner.u),
             uuid_is_nil(owner.u) ? "" : "'");
    return teller_number(&s->teller, sql, payment.u);
}

static int64_t of_collector(struct scene *s, const char *what, user_id collector) {
    char sql[300];
    snprintf(sql, sizeof sql, "select coalesce((%s where collector_id = '%%s'), 0)::int8", what);
    return teller_number(&s->teller, sql, collector.u);
}

static int64_t mtd_minor(struct scene *s, user_id collector) {
    return of_collector(s, "select sum(mtd_minor) from collector_month", collector);
}

static int64_t owed_minor(struct scene *s, user_id collector) {
    return of_collector(s, "select sum(bonus_payable_minor) from collector_state", collector);
}

struct expected {
    const char *kind;
    user_id collector;
    int64_t base_minor, amount_minor;
};

static int64_t base_of(const Tagih__V1__BonusLine *line) {
    for (size_t i = 0; i < line->n_factors; i++) {
        if (strcmp(line->factors[i]->name, "base") == 0) return line->factors[i]->value;
    }
    fail_msg("no base");
    return 0;
}

static const Tagih__V1__ExplainBonusResponse *expect_lines(struct scene *s, payment_id payment, const struct expected *lines, size_t n) {
    const Tagih__V1__ExplainBonusResponse *why = explained(s, payment);
    assert_int_equal(why->n_lines, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(why->lines[i]->kind, lines[i].kind);
        assert_string_equal(why->lines[i]->collector_id, rig_text(lines[i].collector.u));
        assert_int_equal(base_of(why->lines[i]), lines[i].base_minor);
        assert_int_equal(why->lines[i]->amount->minor, lines[i].amount_minor);
        assert_true(why->lines[i]->same);
    }
    return why;
}

/* ---- lines on hold -------------------------------------------------------------------------------------------- */

//= RULES.md R-BON-8
//  else the line is ON_HOLD for a supervisor's choice.
//= RULES.md R-BON-8c
//  the lines of a payment on hold are taken back and one is written for whoever is chosen
static void a_line_on_hold_goes_to_whom_two_people_choose(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Choice");
    account_id account = owing(&s, s.other, 4000000);
    payment_id payment = receive(&s, account, 1000000);
    const Tagih__V1__ListHeldResponse *list = held(&s, 0, "");
    assert_int_equal(list->n_lines, 1);
    assert_string_equal(list->lines[0]->payment_id, rig_text(payment.u));
    assert_string_equal(list->lines[0]->collector_id, rig_text(s.collector.u));
    assert_string_equal(list->lines[0]->assigned_id, rig_text(s.other.u));
    assert_int_equal(list->lines[0]->amount->minor, MINOR(30000));
    assert_true(explained(&s, payment)->lines[0]->on_hold);
    const char *proposal = chosen(choose(&s, payment, s.other));
    assert_answer(choose(&s, payment, s.collector), PROPOSAL_EXISTS);
    assert_answer(months_decide(&s.teller, s.teller.supervisor, proposal), PROPOSAL_OWN);
    assert_answer(months_decide(&s.teller, s.second, proposal), OK);
    assert_answer(months_decide(&s.teller, s.second, proposal), PROPOSAL_DECIDED);
    // what one had is the other's: the expense stays what it was
    assert_int_equal(moved(&s, payment, OF_CREDIT, LEDGER_BONUS_PAYABLE, s.collector), MINOR(30000));
    assert_int_equal(moved(&s, payment, OF_CREDIT, LEDGER_BONUS_PAYABLE, s.other), -MINOR(30000));
    assert_int_equal(moved(&s, payment, OF_CREDIT, LEDGER_BONUS_EXPENSE, nobody), 0);
    assert_int_equal(owed_minor(&s, s.collector), 0);
    assert_int_equal(owed_minor(&s, s.other), MINOR(30000));
    assert_int_equal(mtd_minor(&s, s.collector), 0);
    assert_int_equal(mtd_minor(&s, s.other), MINOR(1000000));
    const struct expected lines[] = {{"ACCRUAL", s.collector, MINOR(1000000), MINOR(30000)},
                                     {"REVERSAL", s.collector, -MINOR(1000000), -MINOR(30000)},
                                     {"ACCRUAL", s.other, MINOR(1000000), MINOR(30000)}};
    const Tagih__V1__ExplainBonusResponse *why = expect_lines(&s, payment, lines, 3);
    assert_false(why->lines[0]->on_hold || why->lines[2]->on_hold);
    assert_int_equal(held(&s, 0, "")->n_lines, 0);
    assert_answer(choose(&s, payment, s.collector), BONUS_NOT_HELD);
    assert_books_hold(rig.pg.conninfo);
    // taken back as a whole, it is minus the line of whom it is now
    assert_answer(teller_reverse(&s.teller, payment, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    assert_int_equal(owed_minor(&s, s.other), 0);
    assert_int_equal(mtd_minor(&s, s.other), 0);
    assert_int_equal(explained(&s, payment)->n_lines, 4);
    writer_end(&s.writer);
}

//= RULES.md R-BON-8c
//  Kept by whoever took the money, nothing is written.
static void a_line_on_hold_may_stay_where_it_is(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Kept");
    payment_id payment = receive(&s, owing(&s, s.other, 4000000), 1000000);
    credit(&s, payment, s.collector);
    const struct expected line = {"ACCRUAL", s.collector, MINOR(1000000), MINOR(30000)};
    assert_false(expect_lines(&s, payment, &line, 1)->lines[0]->on_hold);
    assert_int_equal(owed_minor(&s, s.collector), MINOR(30000));
    assert_int_equal(teller_number(&s.teller, "select kept::int from bonus_hold_decision where payment_id = '%s'", payment.u), 1);
    assert_books_hold(rig.pg.conninfo);
    writer_end(&s.writer);
}

static void lines_on_hold_are_listed_page_by_page(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Listed");
    account_id account = owing(&s, s.other, 4000000);
    payment_id first = receive(&s, account, 1000), gone = receive(&s, account, 2000), last = receive(&s, account, 3000);
    receive(&s, owing(&s, s.collector, 4000000), 4000);
    assert_answer(teller_reverse(&s.teller, gone, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    const Tagih__V1__ListHeldResponse *page = held(&s, 1, "");
    assert_int_equal(page->n_lines, 1);
    char seen[UUID_TEXT_SIZE];
    snprintf(seen, sizeof seen, "%s", page->lines[0]->payment_id);
    page = held(&s, 1, page->next_page_token);
    assert_int_equal(page->n_lines, 1);
    assert_string_equal(page->next_page_token, "");
    assert_string_not_equal(page->lines[0]->payment_id, seen);
    bool both = strcmp(seen, rig_text(first.u)) == 0 || strcmp(seen, rig_text(last.u)) == 0;
    assert_true(both);
    writer_end(&s.writer);
}

static void who_cannot_be_credited_is_refused(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Refused");
    account_id account = owing(&s, s.other, 4000000);
    payment_id his = receive(&s, owing(&s, s.collector, 4000000), 1000), strange = receive(&s, account, 2000);
    assert_answer(choose(&s, his, s.other), BONUS_NOT_HELD);
    assert_answer(choose(&s, (payment_id){rig_id()}, s.other), NOT_PERMITTED);
    assert_answer(choose(&s, strange, s.teller.supervisor), BONUS_COLLECTOR);
    assert_answer(choose(&s, strange, (user_id){rig_id()}), BONUS_COLLECTOR);
    assert_answer(choose_as(&s, s.collector, strange, s.collector), NOT_PERMITTED);
    assert_answer(choose_as(&s, s.teller.cashier, strange, s.other), NOT_PERMITTED);
    // what was true when it was proposed is asked again when it is decided
    const char *proposal = chosen(choose(&s, strange, s.other));
    assert_answer(teller_reverse(&s.teller, strange, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    assert_answer(months_decide(&s.teller, s.second, proposal), PAYMENT_REVERSED);
    assert_int_equal(teller_number(&s.teller, "select count(*) from bonus_hold_decision where payment_id = '%s'", strange.u), 0);
    assert_answer(choose(&s, strange, s.other), PAYMENT_REVERSED);
    writer_end(&s.writer);
}

//= RULES.md R-BON-8c
//  After the close it is a CLAWBACK, and a LATE line with tier and target that the close found for whoever is chosen
static void a_choice_after_the_close_claws_back_and_pays_late(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Chosen late");
    go_back(&s);
    set_target(&s, s.collector, 5000000); /* 4 000 000 are 80 % */
    set_target(&s, s.other, 80000000);    /* his nothing is below: 0.9 */
    payment_id payment = receive_by(&s, owing(&s, s.other, 4000000), 4000000, JOURNAL_TENDER_TRANSFER, "HELD-1");
    close_month(&s);
    assert_true(true_up(&s, s.collector)->on_hold);
    credit(&s, payment, s.other);
    const struct expected lines[] = {{"ACCRUAL", s.collector, MINOR(4000000), MINOR(108000)},
                                     {"CLAWBACK", s.collector, -MINOR(4000000), -MINOR(120000)}, /* with its part, 12 000 */
                                     {"LATE", s.other, MINOR(4000000), MINOR(108000)}};
    const Tagih__V1__ExplainBonusResponse *why = expect_lines(&s, payment, lines, 3);
    assert_int_equal(why->lines[1]->n_takes_back, 2);
    assert_string_equal(why->lines[2]->month, months_text(date_month((civil_date){months_today()})));
    assert_string_equal(why->lines[0]->state, "LOCKED");
    assert_string_equal(why->lines[2]->state, "PROVISIONAL");
    assert_int_equal(moved(&s, payment, OF_CREDIT, LEDGER_BONUS_PAYABLE, s.collector), MINOR(120000));
    assert_int_equal(moved(&s, payment, OF_CREDIT, LEDGER_BONUS_PAYABLE, s.other), -MINOR(108000));
    assert_int_equal(moved(&s, payment, OF_CREDIT, LEDGER_BONUS_EXPENSE, nobody), -MINOR(12000));
    assert_false(true_up(&s, s.collector)->on_hold);
    assert_true(true_up(&s, s.collector)->same);
    assert_books_hold(rig.pg.conninfo);
    writer_end(&s.writer);
}

/* ---- when it is paid ------------------------------------------------------------------------------------------ */

/* A line of the bank's statement: money came in with a reference. */
static void bank_shows(struct scene *s, const char *amount, const char *reference) {
    Tagih__V1__BankRow row = TAGIH__V1__BANK_ROW__INIT, *rows[] = {&row};
    uint8_t hash[32];
    char on[DATE_TEXT_SIZE];
    random_bytes(hash, sizeof hash);
    date_format((civil_date){months_today() - 1}, on);
    row.row = 1;
    row.line_reference = TEXT(rig_text(rig_id()));
    row.booked_on = on;
    row.amount = TEXT(amount);
    row.reference = TEXT(reference);
    Tagih__V1__ImportStatementRequest request = TAGIH__V1__IMPORT_STATEMENT_REQUEST__INIT;
    request.file_hash = (ProtobufCBinaryData){sizeof hash, hash};
    request.bank_account = TEXT("BCA 0123456789");
    request.currency = TEXT("IDR");
    request.rows = rows;
    request.n_rows = 1;
    struct rig_answer answer = rig_call(&rig, token(s, s->teller.cashier), "BankService/ImportStatement", &request);
    assert_answer(answer, OK);
    assert_string_equal(((const Tagih__V1__ImportStatementResponse *)answer.response)->results[0]->result, "SETTLED");
}

//= RULES.md R-BON-6
//  CONFIRMED = cash: its settlement ACCEPTED without an open shortage; other tenders: matched to a bank line; other
//  sources: at posting.
static void a_transfer_is_confirmed_by_a_line_of_the_bank(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Transfer");
    go_back(&s);
    payment_id transfer = receive_by(&s, owing(&s, s.collector, 1000000), 1000000, JOURNAL_TENDER_TRANSFER, "TRF-77");
    payment_id qr = receive_by(&s, owing(&s, s.collector, 2000000), 2000000, JOURNAL_TENDER_QR, "QR-77");
    const Tagih__V1__BonusLine *line = explained(&s, transfer)->lines[0];
    assert_string_equal(line->state, "PROVISIONAL");
    assert_false(line->confirmed);
    assert_string_equal(line->unconfirmed, "the bank's statement has not shown its money yet");
    close_month(&s);
    assert_string_equal(explained(&s, transfer)->lines[0]->state, "LOCKED");
    assert_string_equal(true_up(&s, s.collector)->unconfirmed,
                        "of 2 payments the money has not been seen; of one: the bank's statement has not shown its money yet");
    assert_answer(preview(&s), PAYOUT_EMPTY);
    bank_shows(&s, "1000000", "TRF-77");
    assert_true(explained(&s, transfer)->lines[0]->confirmed);
    assert_string_equal(explained(&s, transfer)->lines[0]->unconfirmed, "");
    assert_false(explained(&s, qr)->lines[0]->confirmed);
    assert_false(true_up(&s, s.collector)->confirmed);
    assert_int_equal(payable_minor(&s, s.collector), MINOR(30000));
    bank_shows(&s, "2000000", "QR-77");
    assert_true(true_up(&s, s.collector)->confirmed);
    assert_int_equal(payable_minor(&s, s.collector), MINOR(90000));
    writer_end(&s.writer);
}

//= RULES.md R-BON-6
//  other sources: at posting.
static void other_sources_are_confirmed_at_once_and_cash_waits_for_its_settlement(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Sources");
    payment_id lawyers = lawyer(&s, owing(&s, s.collector, 1000000), MINOR(1000000), clock_now());
    payment_id cash = receive(&s, owing(&s, s.collector, 1000000), 1000000);
    assert_true(explained(&s, lawyers)->lines[0]->confirmed);
    assert_string_equal(explained(&s, cash)->lines[0]->unconfirmed, "no settlement covers its cash yet");
    // he closes his day, a cashier counts and accepts it: 1 000 short first
    struct journal_entry close = writer_entry(&s.writer, JOURNAL_DAY_CLOSE);
    close.body.day_close = (struct journal_day_close){
        .first_seq = 1, .last_seq = s.writer.seq, .currency_count = 1, .tender_count = 1,
        .currencies = {{.currency = {"IDR"}, .cum_count = 1, .cum_total_minor = MINOR(1000000), .receipt_count = 1,
                        .cash_to_hand_over_minor = MINOR(1000000)}},
        .tenders = {{.currency = {"IDR"}, .tender = JOURNAL_TENDER_CASH, .count = 1, .total_minor = MINOR(1000000)}}};
    size_t at = writer_sign(&s.writer, &close);
    assert_answer(writer_push_range(&s.writer, at, at), OK);
    const char *settlement = rig_text(s.writer.entries[at].id.u);
    assert_string_equal(explained(&s, cash)->lines[0]->unconfirmed, "the settlement of its cash is not accepted yet");
    Tagih__V1__GetSettlementRequest get = TAGIH__V1__GET_SETTLEMENT_REQUEST__INIT;
    get.settlement_id = TEXT(settlement);
    Tagih__V1__CashPieces pieces = TAGIH__V1__CASH_PIECES__INIT, *list[] = {&pieces};
    Tagih__V1__Money counted = TAGIH__V1__MONEY__INIT;
    pieces.value_minor = MINOR(1000);
    pieces.pieces = 999;
    counted.minor = MINOR(999000);
    counted.currency = TEXT("IDR");
    struct rig_answer seen = rig_call(&rig, token(&s, s.teller.supervisor), "CashService/GetSettlement", &get);
    assert_answer(seen, OK);
    Tagih__V1__CountSettlementRequest count = TAGIH__V1__COUNT_SETTLEMENT_REQUEST__INIT;
    count.settlement_id = TEXT(settlement);
    count.pieces = list;
    count.n_pieces = 1;
    count.counted = &counted;
    count.etag = ((const Tagih__V1__GetSettlementResponse *)seen.response)->settlement->etag;
    count.request_id = TEXT(rig_text(rig_id()));
    assert_answer(rig_call(&rig, token(&s, s.teller.cashier), "CashService/CountSettlement", &count), OK);
    seen = rig_call(&rig, token(&s, s.teller.supervisor), "CashService/GetSettlement", &get);
    assert_answer(seen, OK);
    Tagih__V1__AcceptSettlementRequest accept = TAGIH__V1__ACCEPT_SETTLEMENT_REQUEST__INIT;
    accept.settlement_id = TEXT(settlement);
    accept.etag = ((const Tagih__V1__GetSettlementResponse *)seen.response)->settlement->etag;
    accept.request_id = TEXT(rig_text(rig_id()));
    assert_answer(rig_call(&rig, token(&s, s.teller.cashier), "CashService/AcceptSettlement", &accept), OK);
    assert_string_equal(explained(&s, cash)->lines[0]->unconfirmed, "a shortage of its settlement is open");
    writer_end(&s.writer);
}

//= RULES.md R-BON-8c
//  what was taken back from somebody after the close is paid out to him only together with what takes it back
static void what_was_chosen_away_is_not_paid_first(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Away");
    go_back(&s);
    payment_id payment = receive_by(&s, owing(&s, s.other, 1000000), 1000000, JOURNAL_TENDER_TRANSFER, "AWAY-1");
    payment_id kept = receive_by(&s, owing(&s, s.other, 2000000), 2000000, JOURNAL_TENDER_TRANSFER, "AWAY-2");
    close_month(&s);
    bank_shows(&s, "1000000", "AWAY-1");
    bank_shows(&s, "2000000", "AWAY-2");
    assert_answer(preview(&s), PAYOUT_EMPTY); /* confirmed, and on hold */
    credit(&s, kept, s.collector);
    assert_int_equal(payable_minor(&s, s.collector), MINOR(60000));
    credit(&s, payment, s.other);
    assert_int_equal(payable_minor(&s, s.collector), MINOR(60000));
    assert_int_equal(payable_minor(&s, s.other), 0); /* his LATE line is locked when this month closes */
    writer_end(&s.writer);
}

/* ---- splits --------------------------------------------------------------------------------------------------- */

/* By id, as ties are broken. */
static void sort_users(user_id *users, size_t n) {
    for (size_t i = 1; i < n; i++) {
        for (size_t k = i; k > 0 && uuid_compare(users[k].u, users[k - 1].u) < 0; k--) {
            user_id swap = users[k];
            users[k] = users[k - 1];
            users[k - 1] = swap;
        }
    }
}

//= RULES.md R-BON-8
//  the **base** is split by largest remainder (ties by collector id), each part is one line with its own factors.
//= RULES.md R-BON-8a
//  A split belongs to an account
static void each_share_of_a_split_is_a_line_with_its_own_factors(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Split");
    user_id three[] = {s.collector, s.other, rig_user(&rig, s.teller.agency, NULL, ROLE_OFFICER)};
    sort_users(three, 3);
    account_id account = owing(&s, s.collector, 4000000);
    const struct share shares[] = {{three[0], 3333}, {three[1], 3333}, {three[2], 3334}};
    split(&s, account, -3, shares, 3);
    payment_id payment = lawyer(&s, account, 1000002, clock_now()); /* 2 left: the largest remainder, then the lower id */
    const struct expected lines[] = {{"ACCRUAL", three[0], 333301, 5000}, /* 3 % x 0.5 = 4 999.5, to even */
                                     {"ACCRUAL", three[1], 333300, 5000}, /* 4 999.5 */
                                     {"ACCRUAL", three[2], 333401, 5001}};
    const Tagih__V1__ExplainBonusResponse *why = expect_lines(&s, payment, lines, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(why->lines[i]->share_bp, shares[i].bp);
        assert_int_equal(why->lines[i]->whole_base->minor, 1000002);
        assert_int_equal(mtd_minor(&s, three[i]), lines[i].base_minor);
        assert_int_equal(owed_minor(&s, three[i]), lines[i].amount_minor);
        assert_int_equal(moved(&s, payment, POSTING_OF_PAYMENT, LEDGER_BONUS_PAYABLE, three[i]), -lines[i].amount_minor);
    }
    assert_int_equal(moved(&s, payment, POSTING_OF_PAYMENT, LEDGER_BONUS_EXPENSE, nobody), 15001);
    // his own factors: who is in a higher tier earns more with the same share
    lawyer(&s, owing(&s, three[1], 60000000), MINOR(60000000), clock_now());
    account_id halves = owing(&s, s.collector, 4000000);
    split(&s, halves, -3, (const struct share[]){{three[0], 5000}, {three[1], 5000}}, 2);
    payment_id second = lawyer(&s, halves, MINOR(1000000), clock_now());
    const struct expected pair[] = {{"ACCRUAL", three[0], MINOR(500000), MINOR(7500)}, {"ACCRUAL", three[1], MINOR(500000), MINOR(8250)}};
    expect_lines(&s, second, pair, 2);
    // taken back: each his own
    assert_answer(teller_reverse(&s.teller, payment, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    why = explained(&s, payment);
    assert_int_equal(why->n_lines, 6);
    for (size_t i = 3; i < 6; i++) {
        assert_string_equal(why->lines[i]->kind, "REVERSAL");
        assert_int_equal(why->lines[i]->amount->minor, -lines[i - 3].amount_minor);
        assert_true(why->lines[i]->same);
    }
    assert_int_equal(mtd_minor(&s, three[0]), MINOR(500000));
    assert_books_hold(rig.pg.conninfo);
    writer_end(&s.writer);
}

//= RULES.md R-BON-8a
//  The newest version whose days hold the value date is in force for what is posted after its approval
static void versions_of_a_split_hold_on_their_days(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Versions");
    account_id account = owing(&s, s.collector, 4000000);
    const struct share both[] = {{s.collector, 6000}, {s.other, 4000}};
    payment_id before = lawyer(&s, account, MINOR(100000), teller_noon(-1));
    split(&s, account, -1, both, 2);
    payment_id after = lawyer(&s, account, MINOR(100000), teller_noon(-1)), earlier = lawyer(&s, account, MINOR(100000), teller_noon(-2));
    assert_int_equal(explained(&s, before)->n_lines, 1); /* a line is never recalculated */
    assert_int_equal(explained(&s, after)->n_lines, 2);
    assert_int_equal(explained(&s, earlier)->n_lines, 1);
    split(&s, account, 0, NULL, 0); /* from today on nothing is split */
    assert_int_equal(explained(&s, lawyer(&s, account, MINOR(100000), clock_now()))->n_lines, 1);
    assert_int_equal(explained(&s, lawyer(&s, account, MINOR(100000), teller_noon(-1)))->n_lines, 2);
    Tagih__V1__ListSplitsRequest request = TAGIH__V1__LIST_SPLITS_REQUEST__INIT;
    request.account_id = TEXT(rig_text(account.u));
    struct rig_answer answer = rig_call(&rig, token(&s, s.teller.cashier), "BonusService/ListSplits", &request);
    assert_answer(answer, OK);
    const Tagih__V1__ListSplitsResponse *list = answer.response;
    assert_int_equal(list->n_splits, 2);
    assert_int_equal(list->splits[0]->version, 2);
    assert_int_equal(list->splits[0]->n_shares, 0);
    assert_int_equal(list->splits[1]->n_shares, 2);
    assert_int_equal(list->splits[1]->shares[0]->share_bp + list->splits[1]->shares[1]->share_bp, 10000);
    assert_string_equal(list->splits[1]->made_by, rig_text(s.teller.supervisor.u));
    assert_string_equal(list->splits[1]->approved_by, rig_text(s.second.u));
    assert_string_equal(list->splits[1]->valid_until, "");
    assert_string_equal(list->splits[1]->reason, "both work it");
    assert_books_hold(rig.pg.conninfo);
    writer_end(&s.writer);
}

static void a_split_that_is_none_is_refused(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "No split");
    account_id account = owing(&s, s.collector, 4000000);
    const struct share good[] = {{s.collector, 6000}, {s.other, 4000}}, short_of[] = {{s.collector, 6000}, {s.other, 3999}},
                       twice[] = {{s.collector, 5000}, {s.collector, 5000}}, none[] = {{s.collector, 10000}, {s.other, 0}},
                       clerk[] = {{s.collector, 6000}, {s.teller.cashier, 4000}};
    struct share many[9];
    for (size_t i = 0; i < 9; i++) many[i] = (struct share){{rig_id()}, i ? 1111 : 1112};
    assert_answer(propose_split(&s, account, 0, "", short_of, 2), BONUS_SHARES);
    assert_answer(propose_split(&s, account, 0, "", twice, 2), BONUS_SHARES);
    assert_answer(propose_split(&s, account, 0, "", none, 2), BONUS_SHARES);
    assert_answer(propose_split(&s, account, 0, "", many, 9), BONUS_SHARES);
    assert_answer(propose_split(&s, account, 0, "", clerk, 2), BONUS_COLLECTOR);
    assert_answer(propose_split(&s, account, 0, "2020-01-01", good, 2), REQUEST_FIELD_RANGE);
    assert_answer(propose_split(&s, account, 0, "2020-13-01", good, 2), DATE_SYNTAX);
    assert_answer(propose_split(&s, (account_id){rig_id()}, 0, "", good, 2), NOT_PERMITTED);
    close_month(&s);
    assert_answer(propose_split(&s, account, months_near_end(0), "", good, 2), MONTH_CLOSED);
    struct rig_answer answer = propose_split(&s, account, 0, "", good, 2);
    assert_answer(answer, OK);
    const char *proposal = ((const Tagih__V1__ProposeSplitResponse *)answer.response)->proposal_id;
    assert_answer(months_decide(&s.teller, s.teller.supervisor, proposal), PROPOSAL_OWN);
    assert_int_equal(teller_number(&s.teller, "select count(*) from bonus_split where account_id = '%s'", account.u), 0);
    assert_answer(months_decide(&s.teller, s.second, proposal), OK);
    writer_end(&s.writer);
}

//= RULES.md R-BON-8a
//  Whoever the split names is no stranger to the account; money that a stranger takes waits whole, and is not split.
static void a_receipt_is_split_too_unless_a_stranger_took_it(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Stranger");
    user_id third = rig_user(&rig, s.teller.agency, NULL, ROLE_COLLECTOR);
    account_id named = owing(&s, s.other, 4000000), strange = owing(&s, s.other, 4000000);
    split(&s, named, -3, (const struct share[]){{s.collector, 7500}, {s.other, 2500}}, 2);
    split(&s, strange, -3, (const struct share[]){{third, 7500}, {s.other, 2500}}, 2);
    payment_id his = receive(&s, named, 1000000), waits = receive(&s, strange, 1000000);
    const Tagih__V1__ExplainBonusResponse *why = explained(&s, his);
    assert_int_equal(why->n_lines, 2);
    assert_false(why->lines[0]->on_hold || why->lines[1]->on_hold);
    assert_int_equal(owed_minor(&s, s.other), MINOR(7500));
    const struct expected line = {"ACCRUAL", s.collector, MINOR(1000000), MINOR(30000)};
    assert_true(expect_lines(&s, waits, &line, 1)->lines[0]->on_hold);
    credit(&s, waits, third);
    assert_int_equal(owed_minor(&s, third), MINOR(30000));
    assert_books_hold(rig.pg.conninfo);
    writer_end(&s.writer);
}

//= RULES.md R-BON-8a
//  At the close the base as it stands then is split by the shares with which the payment was posted
static void a_split_month_is_trued_up_part_by_part(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Split month");
    go_back(&s);
    set_target(&s, s.collector, 3000000);
    set_target(&s, s.other, 80000000);
    account_id account = owing(&s, s.collector, 10000000);
    split(&s, account, months_near_end(20), (const struct share[]){{s.collector, 7000}, {s.other, 3000}}, 2);
    payment_id payment = lawyer(&s, account, MINOR(4000000), teller_noon(months_near_end(5)));
    split(&s, account, months_near_end(20), (const struct share[]){{s.collector, 1000}, {s.other, 9000}}, 2); /* later: for later ones */
    assert_int_equal(owed_minor(&s, s.collector), MINOR(37800)); /* 2 800 000 x 1.5 % x 0.9 */
    assert_int_equal(owed_minor(&s, s.other), MINOR(16200));     /* 1 200 000 x 1.5 % x 0.9 */
    close_month(&s);
    const Tagih__V1__ExplainBonusResponse *why = explained(&s, payment);
    assert_int_equal(why->n_parts, 2);
    for (size_t i = 0; i < 2; i++) {
        bool first = strcmp(why->parts[i]->collector_id, rig_text(s.collector.u)) == 0;
        assert_int_equal(why->parts[i]->covered->minor, first ? MINOR(2800000) : MINOR(1200000));
        assert_int_equal(why->parts[i]->final->minor, first ? MINOR(42000) : MINOR(16200)); /* 93 %: 1.0 */
    }
    assert_int_equal(true_up(&s, s.collector)->amount->minor, MINOR(4200));
    assert_true(true_up(&s, s.collector)->same && true_up(&s, s.other)->same);
    // late ones are split as well, with what each one's month found; and taken back from both
    payment_id late = lawyer(&s, account, MINOR(1000000), teller_noon(months_near_end(4)));
    why = explained(&s, late);
    assert_int_equal(why->n_lines, 2);
    for (size_t i = 0; i < 2; i++) {
        bool first = strcmp(why->lines[i]->collector_id, rig_text(s.collector.u)) == 0;
        assert_string_equal(why->lines[i]->kind, "LATE");
        assert_int_equal(why->lines[i]->share_bp, first ? 1000 : 9000);
        assert_int_equal(why->lines[i]->amount->minor, first ? MINOR(1500) : MINOR(12150));
        assert_true(why->lines[i]->same);
    }
    assert_answer(teller_reverse(&s.teller, payment, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    why = explained(&s, payment);
    assert_int_equal(why->n_lines, 4);
    for (size_t i = 2; i < 4; i++) {
        bool first = strcmp(why->lines[i]->collector_id, rig_text(s.collector.u)) == 0;
        assert_string_equal(why->lines[i]->kind, "CLAWBACK");
        assert_int_equal(why->lines[i]->amount->minor, first ? -MINOR(42000) : -MINOR(16200));
    }
    assert_books_hold(rig.pg.conninfo);
    writer_end(&s.writer);
}

/* ---- own accounts --------------------------------------------------------------------------------------------- */

//= RULES.md R-BON-8
//  No bonus on the collector's own account.
//= RULES.md R-BON-8b
//  A collector's own accounts are those of the customer that he is
static void nobody_earns_on_his_own_account(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Own");
    struct debt debt = {.due_in = -20, .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(4000000)}};
    account_id account = teller_account_of(&s.teller, "CUST-OWN", s.collector, &debt, 1);
    payment_id before = receive(&s, account, 1000000);
    assert_answer(set_own(&s, s.teller.supervisor, s.collector, "CUST-NONE", true), NOT_PERMITTED);
    assert_answer(set_own(&s, s.teller.supervisor, (user_id){rig_id()}, "CUST-OWN", true), NOT_PERMITTED);
    assert_answer(set_own(&s, s.second, s.second, "CUST-OWN", true), NOT_PERMITTED); /* not of himself */
    assert_answer(set_own(&s, s.collector, s.other, "CUST-OWN", true), NOT_PERMITTED);
    assert_answer(set_own(&s, s.second, s.collector, "CUST-OWN", true), OK);
    assert_answer(set_own(&s, s.second, s.collector, "CUST-OWN", true), OK); /* said before: nothing */
    assert_int_equal(teller_number(&s.teller, "select count(*) from own_customer where user_id = '%s'", s.collector.u), 1);
    assert_int_equal(explained(&s, before)->n_lines, 1);
    payment_id own = receive(&s, account, 500000), lawyers = lawyer(&s, account, MINOR(500000), clock_now());
    assert_int_equal(explained(&s, own)->n_lines, 0);
    assert_int_equal(explained(&s, lawyers)->n_lines, 0);
    assert_int_equal(mtd_minor(&s, s.collector), MINOR(1000000));
    // in a split his part is nobody's, and the others' is what it was
    split(&s, account, -3, (const struct share[]){{s.collector, 6000}, {s.other, 4000}}, 2);
    payment_id shared = lawyer(&s, account, MINOR(1000000), clock_now());
    const struct expected line = {"ACCRUAL", s.other, MINOR(400000), MINOR(6000)};
    assert_int_equal(expect_lines(&s, shared, &line, 1)->lines[0]->whole_base->minor, MINOR(1000000));
    // and nobody is chosen for his own
    account_id strange = teller_account_of(&s.teller, "CUST-OTHER", s.other, &debt, 1);
    assert_answer(set_own(&s, s.second, s.other, "CUST-OTHER", true), OK);
    payment_id waits = receive(&s, strange, 1000);
    assert_answer(choose(&s, waits, s.other), BONUS_OWN_ACCOUNT);
    assert_answer(set_own(&s, s.second, s.other, "CUST-OTHER", false), OK);
    credit(&s, waits, s.other);
    assert_books_hold(rig.pg.conninfo);
    writer_end(&s.writer);
}

int main(int argc, char **argv) {
    (void)argv;
    if (argc < 2) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_on_hold_goes_to_whom_two_people_choose),
        cmocka_unit_test(a_line_on_hold_may_stay_where_it_is),
        cmocka_unit_test(lines_on_hold_are_listed_page_by_page),
        cmocka_unit_test(who_cannot_be_credited_is_refused),
        cmocka_unit_test(a_choice_after_the_close_claws_back_and_pays_late),
        cmocka_unit_test(a_transfer_is_confirmed_by_a_line_of_the_bank),
        cmocka_unit_test(other_sources_are_confirmed_at_once_and_cash_waits_for_its_settlement),
        cmocka_unit_test(what_was_chosen_away_is_not_paid_first),
        cmocka_unit_test(each_share_of_a_split_is_a_line_with_its_own_factors),
        cmocka_unit_test(versions_of_a_split_hold_on_their_days),
        cmocka_unit_test(a_split_that_is_none_is_refused),
        cmocka_unit_test(a_receipt_is_split_too_unless_a_stranger_took_it),
        cmocka_unit_test(a_split_month_is_trued_up_part_by_part),
        cmocka_unit_test(nobody_earns_on_his_own_account),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
