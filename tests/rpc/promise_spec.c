/* SPDX-License-Identifier: Apache-2.0 */
/* Promises on the real thing: by call and by journal, against money that comes, is taken back and comes late. */
#include <pthread.h>

#include "domain/change.h"
#include "domain/role.h"
#include "rpc/promise_due.h"
#include "run/grow.h"
#include "store_statements.h"
#include "tests/support/desk.h"

#define STATE(name) TAGIH__V1__PROMISE_STATE__PROMISE_STATE_##name

static user_id other;
static civil_date today;

static int open_rig(void **state) {
    open_desk(state);
    collector = rig_user(&rig, teller.agency, "budi", ROLE_COLLECTOR);
    other = rig_user(&rig, teller.agency, "siti", ROLE_COLLECTOR);
    today = teller_today();
    return 0;
}

static civil_date day(int in_days) {
    return (civil_date){today.days + in_days};
}

static account_id debtor(void) { /* owes 4 000 000, past due */
    return teller_account(&teller, collector, &debt_j1, 1);
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

struct word {
    int64_t amount_minor; /* 1 000 000 */
    int due_in;
    const char *token;    /* the supervisor's */
    const char *currency; /* IDR */
    const char *request_id;
};

static struct rig_answer promise(account_id account, const struct word *word) {
    static char due[DATE_TEXT_SIZE];
    Tagih__V1__MakePromiseRequest request = TAGIH__V1__MAKE_PROMISE_REQUEST__INIT;
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    amount.minor = word->amount_minor ? word->amount_minor : MINOR(1000000);
    amount.currency = TEXT(word->currency ? word->currency : "IDR");
    date_format(day(word->due_in), due);
    request.account_id = TEXT(rig_text(account.u));
    request.amount = &amount;
    request.due_on = due;
    request.promiser = TAGIH__V1__PROMISER__PROMISER_DEBTOR;
    request.channel = TAGIH__V1__PROMISE_CHANNEL__PROMISE_CHANNEL_CALL;
    request.note = TEXT("after the harvest");
    request.request_id = TEXT(word->request_id ? word->request_id : rig_text(rig_id()));
    return rig_call(&rig, word->token ? word->token : token(teller.supervisor), "PromiseService/MakePromise", &request);
}

static const Tagih__V1__Promise *promised(account_id account, const struct word *word) {
    struct rig_answer answer = promise(account, word);
    assert_answer(answer, OK);
    return ((const Tagih__V1__MakePromiseResponse *)answer.response)->promise;
}

static struct rig_answer get(const char *by, const char *id) {
    Tagih__V1__GetPromiseRequest request = TAGIH__V1__GET_PROMISE_REQUEST__INIT;
    request.promise_id = TEXT(id);
    return rig_call(&rig, by, "PromiseService/GetPromise", &request);
}

static const Tagih__V1__GetPromiseResponse *got(const char *id) {
    struct rig_answer answer = get(token(teller.supervisor), id);
    assert_answer(answer, OK);
    return answer.response;
}

static void assert_stands(const char *id, enum promise_state state, int64_t received_minor) {
    const Tagih__V1__GetPromiseResponse *now = got(id);
    assert_string_equal(promise_state_name((enum promise_state)now->promise->state), promise_state_name(state));
    assert_int_equal(now->promise->received_minor, received_minor);
    assert_int_equal(now->events[now->n_events - 1]->after, state);
}

static struct rig_answer withdraw(const char *by, const char *id, const char *etag) {
    Tagih__V1__WithdrawPromiseRequest request = TAGIH__V1__WITHDRAW_PROMISE_REQUEST__INIT;
    request.promise_id = TEXT(id);
    request.reason = TEXT("wrong account");
    request.etag = TEXT(etag);
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, by, "PromiseService/WithdrawPromise", &request);
}

static int64_t told(const char *id, int kind) {
    char sql[200];
    snprintf(sql, sizeof sql, "select count(*) from change where object_id = '%%s' and kind = %d", kind);
    return number(sql, rig_uuid(id));
}

/* The minute's work, at any instant. */
static size_t look_at(instant now) {
    struct db db;
    struct arena arena;
    struct db_options options = {.conninfo = rig.app_conninfo, .worker = "spec", .statements = &store_statements};
    size_t n;
    assert_ok(db_open(&db, &options));
    assert_true(grow_arena_open(&arena));
    assert_ok(promises_due(&db, &arena, teller.agency, now, clock_monotonic_us() + 20 * US_PER_S, &n));
    db_release(&db);
    grow_arena_close(&arena);
    return n;
}

static instant hour_of(civil_date on, int hour) {
    return (instant){((int64_t)on.days * 24 - 7 + hour) * 3600 * US_PER_S};
}

/* ---- what is accepted ----------------------------------------------------------------------------------------- */

//= RULES.md R-PTP-1
//  Promise: amount, due date, who promised, channel, where. Not accepted, with reason codes, when beyond 14 days
//  **(default)**, below 10 % of the arrears **(default)**, more than 1 open or 3 broken in the 90 days before
//  **(default)**. Office: refused.
static void the_office_is_told_why_a_promise_is_not_accepted(void **state) {
    (void)state;
    account_id account = debtor();
    assert_answer(promise(account, &(struct word){.due_in = 15}), PROMISE_BEYOND);
    assert_answer(promise(account, &(struct word){.due_in = -1}), PROMISE_PAST);
    assert_answer(promise(account, &(struct word){.amount_minor = MINOR(400000) - 1, .due_in = 3}), PROMISE_SMALL);
    const Tagih__V1__Promise *made = promised(account, &(struct word){.amount_minor = MINOR(400000), .due_in = 14});
    assert_int_equal(made->state, STATE(OPEN));
    assert_int_equal(made->amount->minor, MINOR(400000));
    assert_int_equal(made->n_refused, 0);
    assert_string_equal(made->made_by, rig_text(teller.supervisor.u));
    assert_string_equal(made->note, "after the harvest");
    assert_int_equal(told(made->promise_id, CHANGE_PROMISE_MADE), 1);
    assert_answer(promise(account, &(struct word){.due_in = 3}), PROMISE_OPEN);
    account_id broken = debtor();
    for (int i = 1; i <= 3; i++) {
        rig_promise(&rig, teller.agency, broken, &(struct rig_promise){.due_on = day(-10 * i), .made = hour_of(day(-10 * i - 2), 9),
                                                                       .received = hour_of(day(-10 * i - 2), 9)});
    }
    assert_answer(promise(broken, &(struct word){.due_in = 3}), PROMISE_BROKEN);
    assert_int_equal(teller_number(&teller, "select count(*) from promise where account_id = '%s'", broken.u), 3);
}

static void bad_words_are_refused_and_leave_nothing(void **state) {
    (void)state;
    account_id account = debtor(), closed = debtor();
    teller_number(&teller, "with x as (update account_state set status = 12 where account_id = '%s' returning 1) select count(*) from x", closed.u);
    agency_id stranger = rig_agency(&rig, "Other");
    account_id theirs = rig_account(&rig, stranger, &(struct rig_account){0});
    assert_answer(promise(account, &(struct word){.amount_minor = -1, .due_in = 3}), PROMISE_AMOUNT);
    assert_answer(promise(account, &(struct word){.amount_minor = INT64_MAX, .due_in = 3}), PROMISE_AMOUNT);
    assert_answer(promise(account, &(struct word){.due_in = 3, .currency = "USD"}), ACCOUNT_CURRENCY);
    assert_answer(promise(account, &(struct word){.due_in = 3, .currency = "XXX"}), MONEY_CURRENCY_UNKNOWN);
    assert_answer(promise(closed, &(struct word){.due_in = 3}), PROMISE_ACCOUNT_CLOSED);
    assert_answer(promise((account_id){rig_id()}, &(struct word){.due_in = 3}), NOT_PERMITTED);
    assert_answer(promise(theirs, &(struct word){.due_in = 3}), NOT_PERMITTED);
    assert_answer(promise(account, &(struct word){.due_in = 3, .token = token(other)}), NOT_PERMITTED);
    Tagih__V1__MakePromiseRequest zero = TAGIH__V1__MAKE_PROMISE_REQUEST__INIT;
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    amount.currency = TEXT("IDR");
    zero.account_id = TEXT(rig_text(account.u));
    zero.amount = &amount;
    zero.due_on = TEXT("2026-02-30");
    zero.request_id = TEXT(rig_text(rig_id()));
    assert_answer(rig_call(&rig, token(teller.supervisor), "PromiseService/MakePromise", &zero), PROMISE_AMOUNT);
    assert_int_equal(teller_number(&teller, "select count(*) from promise where account_id = '%s'", account.u), 0);
    assert_int_equal(teller_number(&teller, "select count(*) from promise where account_id = '%s'", closed.u), 0);
    const char *mine = rig_text(rig_id());
    const Tagih__V1__Promise *made = promised(account, &(struct word){.due_in = 3, .token = token(collector), .request_id = mine});
    assert_string_equal(made->collector_id, rig_text(collector.u));
    const Tagih__V1__Promise *again = promised(account, &(struct word){.due_in = 3, .token = token(collector), .request_id = mine});
    assert_string_equal(again->promise_id, made->promise_id);
    assert_answer(promise(account, &(struct word){.due_in = 4, .token = token(collector), .request_id = mine}), REQUEST_ID_REUSED);
}

/* ---- where it stands ------------------------------------------------------------------------------------------ */

//= RULES.md R-PTP-2
//  evaluated after every fact … Reached → KEPT at once … Any of OPEN, KEPT, PARTIAL, BROKEN may follow another when facts
//  change; each change is an event.
//= RULES.md R-PAY-1
//  Receipt, payment, allocation, account balance, ledger lines, promise effect, bonus line and outgoing event commit
//  together or not at all.
static void money_keeps_a_promise_and_a_reversal_opens_it_again(void **state) {
    (void)state;
    account_id account = debtor();
    const Tagih__V1__Promise *made = promised(account, &(struct word){.due_in = 3});
    instant now = clock_now();
    payment_id first = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(300000), .value = now});
    assert_stands(made->promise_id, PROMISE_OPEN, MINOR(300000));
    payment_id second = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(900000), .value = {now.us + 1}});
    assert_stands(made->promise_id, PROMISE_KEPT, MINOR(1000000));
    assert_string_equal(got(made->promise_id)->promise->by_id, rig_text(second.u));
    assert_int_equal(told(made->promise_id, CHANGE_PROMISE_KEPT), 1);
    assert_answer(teller_reverse(&teller, first, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    assert_stands(made->promise_id, PROMISE_OPEN, MINOR(900000));
    assert_int_equal(told(made->promise_id, CHANGE_PROMISE_REOPENED), 1);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(100000), .value = {now.us + 2}});
    assert_stands(made->promise_id, PROMISE_KEPT, MINOR(1000000));
    const Tagih__V1__GetPromiseResponse *all = got(made->promise_id);
    assert_int_equal(all->n_events, 5); /* made, a part of it, kept, open, kept */
    for (size_t i = 1; i < all->n_events; i++) assert_int_equal(all->events[i]->before, all->events[i - 1]->after);
    /* each stands under a posting of its account: the payment's, the reversal's */
    assert_int_equal(number("select count(*) from promise_event e join posting p using (agency_id, posting_id)"
                            " where e.promise_id = '%s' and p.account_id = e.account_id",
                            rig_uuid(made->promise_id)),
                     5);
    assert_int_equal(number("select count(*) from promise_event e join posting p using (agency_id, posting_id)"
                            " where e.promise_id = '%s' and p.kind = 2",
                            rig_uuid(made->promise_id)),
                     1);
}

//= RULES.md R-PTP-2
//  After due + grace: > 0 → PARTIAL, 0 → BROKEN.
static void time_breaks_a_promise_and_money_of_that_time_mends_it(void **state) {
    (void)state;
    account_id account = debtor(), partly = debtor();
    struct rig_promise old = {.amount_minor = MINOR(500000), .due_on = day(-4), .made = hour_of(day(-8), 9), .received = hour_of(day(-8), 9)};
    const char *broken = rig_text(rig_promise(&rig, teller.agency, account, &old).u);
    const char *partial = rig_text(rig_promise(&rig, teller.agency, partly, &old).u);
    char broken_id[UUID_TEXT_SIZE], partial_id[UUID_TEXT_SIZE];
    memcpy(broken_id, broken, sizeof broken_id);
    memcpy(partial_id, partial, sizeof partial_id);
    teller_paid(&teller, partly, &(struct paid){.amount_minor = MINOR(1), .value = teller_noon(-6)});
    assert_stands(partial_id, PROMISE_PARTIAL, MINOR(1)); /* any fact finds out what the time did */
    assert_true(look_at(clock_now()) >= 1);
    assert_stands(broken_id, PROMISE_BROKEN, 0);
    assert_int_equal(told(broken_id, CHANGE_PROMISE_BROKEN), 1);
    assert_int_equal(told(partial_id, CHANGE_PROMISE_PARTIAL), 1);
    look_at(clock_now());
    assert_int_equal(number("select count(*) from promise_event where promise_id = '%s'", rig_uuid(broken_id)),
                     2); /* once */
    payment_id late = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(500000), .value = teller_noon(-2)});
    assert_stands(broken_id, PROMISE_KEPT, MINOR(500000)); /* the last day of its grace */
    assert_answer(teller_reverse(&teller, late, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    assert_stands(broken_id, PROMISE_BROKEN, 0);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(500000), .value = teller_noon(-1)});
    assert_stands(broken_id, PROMISE_BROKEN, 0); /* too late */
}

static void *look(void *now) {
    look_at(*(const instant *)now);
    return NULL;
}

static void two_servers_look_at_once_and_one_writes(void **state) {
    (void)state;
    account_id account = debtor();
    struct rig_promise old = {.due_on = day(-4), .made = hour_of(day(-8), 9), .received = hour_of(day(-8), 9)};
    char id[UUID_TEXT_SIZE];
    uuid_format(rig_promise(&rig, teller.agency, account, &old).u, id);
    instant now = clock_now();
    pthread_t threads[4];
    for (size_t i = 0; i < COUNT_OF(threads); i++) assert_int_equal(pthread_create(&threads[i], NULL, look, &now), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) pthread_join(threads[i], NULL);
    assert_stands(id, PROMISE_BROKEN, 0);
    assert_int_equal(number("select count(*) from promise_event where promise_id = '%s'", rig_uuid(id)), 2);
    assert_int_equal(
        number("select count(*) from posting p join promise_event e using (agency_id, posting_id) where e.promise_id = '%s'",
               rig_uuid(id)),
        1);
    assert_int_equal(teller_number(&teller, "select count(*) from posting where account_id = '%s' and kind = 60", account.u), 1);
}

//= RULES.md R-PTP-2b
//  A promise may be withdrawn by a supervisor while it is open: it takes nothing from then on, and is not broken.
static void a_supervisor_withdraws_an_open_promise(void **state) {
    (void)state;
    account_id account = debtor();
    const Tagih__V1__Promise *made = promised(account, &(struct word){.due_in = 3});
    assert_answer(withdraw(token(collector), made->promise_id, made->etag), NOT_PERMITTED);
    assert_answer(withdraw(token(teller.supervisor), made->promise_id, "s99"), PROMISE_CHANGED);
    assert_answer(withdraw(token(teller.supervisor), rig_text(rig_id()), made->etag), NOT_PERMITTED);
    struct rig_answer answer = withdraw(token(teller.supervisor), made->promise_id, made->etag);
    assert_answer(answer, OK);
    const Tagih__V1__Promise *after = ((const Tagih__V1__WithdrawPromiseResponse *)answer.response)->promise;
    assert_int_equal(after->state, STATE(WITHDRAWN));
    assert_answer(withdraw(token(teller.supervisor), made->promise_id, after->etag), PROMISE_NOT_OPEN);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000000), .value = clock_now()});
    assert_stands(made->promise_id, PROMISE_WITHDRAWN, 0);
    const Tagih__V1__Promise *next = promised(account, &(struct word){.due_in = 3});
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000000), .value = clock_now()});
    assert_answer(withdraw(token(teller.supervisor), next->promise_id, got(next->promise_id)->promise->etag), PROMISE_NOT_OPEN);
    assert_stands(next->promise_id, PROMISE_KEPT, MINOR(1000000));
}

/* ---- the journal ---------------------------------------------------------------------------------------------- */

static struct journal_entry field_promise(struct writer *writer, account_id account, int64_t amount_minor, int due_in) {
    struct journal_entry entry = writer_entry(writer, JOURNAL_PROMISE);
    entry.body.promise = (struct journal_promise){.account = account, .amount_minor = amount_minor, .currency = {"IDR"},
                                                  .due_on = day(due_in), .promiser = JOURNAL_PAYER_DEBTOR, .channel = 1,
                                                  .has_position = true, .position = {.lat_e7 = -61754000, .lon_e7 = 1068272000,
                                                                                     .accuracy_mm = 5000, .at = writer->at, .provider = 1}};
    return entry;
}

//= RULES.md R-PTP-1
//  Journal: kept and flagged; it counts as open for contact, not as an extension of a hold.
//= RULES.md R-PTP-2
//  Two offline promises for one debt: the later supersedes, both kept, the superseded one takes nothing.
static void a_journals_promises_are_kept_flagged_and_the_later_takes_over(void **state) {
    (void)state;
    static struct writer writer;
    struct rig_phone phone = rig_phone(&rig, teller.agency, collector);
    account_id account = debtor(), far = debtor(), strange = teller_account(&teller, other, &debt_j1, 1);
    writer_begin(&writer, &rig, &phone);
    struct journal_entry first = field_promise(&writer, account, MINOR(1000000), 3);
    size_t one = writer_sign(&writer, &first);
    struct journal_entry second = field_promise(&writer, account, MINOR(600000), 5);
    size_t two = writer_sign(&writer, &second);
    struct journal_entry money = writer_receipt(&writer, account, MINOR(700000));
    writer_sign(&writer, &money);
    struct journal_entry beyond = field_promise(&writer, far, MINOR(100), 40);
    size_t four = writer_sign(&writer, &beyond);
    struct journal_entry foreign = field_promise(&writer, strange, MINOR(1000000), 3);
    writer_sign(&writer, &foreign);
    struct journal_entry absurd = field_promise(&writer, account, MINOR(1000000), 3);
    absurd.body.promise.due_on.days = INT32_MAX;
    writer_sign(&writer, &absurd);
    struct journal_entry dollars = field_promise(&writer, account, MINOR(1000000), 3);
    memcpy(dollars.body.promise.currency.code, "USD", 4);
    writer_sign(&writer, &dollars);
    struct rig_answer answer = writer_push_range(&writer, 0, 6);
    assert_answer(answer, OK);
    struct acknowledgement acks[7];
    for (size_t i = 0; i < 7; i++) acks[i] = writer_ack(&writer, &answer, i, i);
    assert_true(ack_says(&acks[0], REASON_SUPERSEDED));
    assert_false(ack_says(&acks[0], REASON_PROMISE_TERMS));
    assert_true(ack_says(&acks[1], REASON_PROMISE_TERMS));
    assert_int_equal(acks[1].fate, FATE_POSTED_FLAGGED);
    assert_true(ack_says(&acks[3], REASON_PROMISE_TERMS));
    assert_true(ack_says(&acks[4], REASON_NOT_HOLDER) && !ack_says(&acks[4], REASON_PROMISE_TERMS));
    assert_true(ack_says(&acks[5], REASON_DATE_RANGE));
    assert_int_equal(acks[5].fate, FATE_QUARANTINED);
    assert_true(ack_says(&acks[6], REASON_WRONG_CURRENCY));
    char ids[3][UUID_TEXT_SIZE];
    uuid_format(writer.entries[one].id.u, ids[0]);
    uuid_format(writer.entries[two].id.u, ids[1]);
    uuid_format(writer.entries[four].id.u, ids[2]);
    assert_stands(ids[0], PROMISE_SUPERSEDED, 0);
    assert_string_equal(got(ids[0])->promise->by_id, ids[1]);
    assert_int_equal(told(ids[0], CHANGE_PROMISE_SUPERSEDED), 1);
    assert_stands(ids[1], PROMISE_KEPT, MINOR(600000));
    assert_int_equal(got(ids[1])->promise->refused[0], TAGIH__V1__PROMISE_REFUSAL__PROMISE_REFUSAL_OPEN);
    const Tagih__V1__Promise *refused = got(ids[2])->promise;
    assert_int_equal(refused->state, STATE(OPEN));
    assert_int_equal(refused->n_refused, 2);
    assert_int_equal(refused->refused[0], TAGIH__V1__PROMISE_REFUSAL__PROMISE_REFUSAL_BEYOND);
    assert_int_equal(refused->refused[1], TAGIH__V1__PROMISE_REFUSAL__PROMISE_REFUSAL_SMALL);
    assert_true(refused->has_position && refused->lat_e7 == -61754000);
    assert_answer(writer_push_range(&writer, 0, 6), OK); /* again: nothing new */
    assert_int_equal(teller_number(&teller, "select count(*) from promise where account_id = '%s'", account.u), 2);
    writer_end(&writer);
}

/* ---- reminders ------------------------------------------------------------------------------------------------ */

/* So many days from now on which, and before which, reminders are written. */
static int contact_days(void) {
    int in = 2;
    while (!promise_reminder_hour(day(in), 600) || !promise_reminder_hour(day(in - 1), 600)) in++;
    assert_true(in <= 14);
    return in;
}

//= RULES.md R-PTP-1
//  Reminders: one at T−1 and one at T, once per (promise, slot), none after payment.
//= RULES.md R-PTP-1b
//  Reminders are written from 09:00 on in the agency's zone, on days and at hours at which its pack permits contact
static void the_debtor_is_reminded_once_a_day_and_not_after_paying(void **state) {
    (void)state;
    int in = contact_days();
    account_id account = debtor(), payer = debtor();
    const Tagih__V1__Promise *made = promised(account, &(struct word){.due_in = in}), *kept = promised(payer, &(struct word){.due_in = in});
    static const char count[] = "select count(*) from promise_reminder where promise_id = '%s'";
    look_at(hour_of(day(in - 1), 8));
    assert_int_equal(number(count, rig_uuid(made->promise_id)), 0);
    look_at(hour_of(day(in - 1), 9));
    assert_int_equal(number(count, rig_uuid(made->promise_id)), 1);
    assert_int_equal(number(count, rig_uuid(kept->promise_id)), 1);
    look_at(hour_of(day(in - 1), 10));
    assert_int_equal(number(count, rig_uuid(made->promise_id)), 1);
    teller_paid(&teller, payer, &(struct paid){.amount_minor = MINOR(1000000), .value = clock_now()});
    look_at(hour_of(day(in), 20)); /* contact has ended */
    assert_int_equal(number(count, rig_uuid(made->promise_id)), 1);
    instant now = hour_of(day(in), 19);
    pthread_t threads[4];
    for (size_t i = 0; i < COUNT_OF(threads); i++) assert_int_equal(pthread_create(&threads[i], NULL, look, &now), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) pthread_join(threads[i], NULL);
    assert_int_equal(number(count, rig_uuid(made->promise_id)), 2);
    assert_int_equal(number(count, rig_uuid(kept->promise_id)), 1);
    assert_int_equal(told(made->promise_id, CHANGE_PROMISE_REMINDER), 2);
    assert_false(promise_reminder_hour(date_make(2026, 11, 29), 600)); /* a Sunday */
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static struct rig_answer list(const char *by, const char *account, Tagih__V1__PromiseState in, const char *from, const char *until,
                              int page_size, const char *page_token) {
    Tagih__V1__ListPromisesRequest request = TAGIH__V1__LIST_PROMISES_REQUEST__INIT;
    request.account_id = TEXT(account);
    request.state = in;
    request.due_from = TEXT(from);
    request.due_until = TEXT(until);
    request.page_size = page_size;
    request.page_token = TEXT(page_token);
    return rig_call(&rig, by, "PromiseService/ListPromises", &request);
}

static void promises_are_listed_by_account_and_by_due_date(void **state) {
    (void)state;
    teller_open(&teller, &rig, rig_agency(&rig, "Lists"));
    collector = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    other = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    account_id accounts[3] = {debtor(), debtor(), debtor()};
    for (int i = 0; i < 3; i++) promised(accounts[i], &(struct word){.due_in = 3 + i});
    const char *boss = token(teller.supervisor);
    struct rig_answer answer = list(boss, "", STATE(OPEN), "", "", 2, "");
    assert_answer(answer, OK);
    const Tagih__V1__ListPromisesResponse *page = answer.response;
    assert_int_equal(page->n_promises, 2);
    assert_string_equal(page->promises[0]->account_id, rig_text(accounts[0].u));
    answer = list(boss, "", STATE(OPEN), "", "", 2, page->next_page_token);
    assert_answer(answer, OK);
    page = answer.response;
    assert_int_equal(page->n_promises, 1);
    assert_string_equal(page->next_page_token, "");
    assert_answer(list(boss, "", STATE(KEPT), "", "", 2, "x"), PAGE_TOKEN);
    char due[DATE_TEXT_SIZE];
    date_format(day(4), due);
    answer = list(boss, "", STATE(UNSPECIFIED), due, due, 0, "");
    assert_answer(answer, OK);
    page = answer.response;
    assert_int_equal(page->n_promises, 1);
    assert_string_equal(page->promises[0]->account_id, rig_text(accounts[1].u));
    const char *his = rig_text(accounts[2].u);
    answer = list(token(collector), his, STATE(UNSPECIFIED), "", "", 0, "");
    assert_answer(answer, OK);
    page = answer.response;
    assert_int_equal(page->n_promises, 1);
    assert_answer(get(token(collector), page->promises[0]->promise_id), OK);
    assert_answer(get(token(other), page->promises[0]->promise_id), NOT_PERMITTED);
    assert_answer(get(boss, rig_text(rig_id())), NOT_PERMITTED);
    assert_answer(list(token(other), his, STATE(UNSPECIFIED), "", "", 0, ""), NOT_PERMITTED);
    assert_answer(list(token(collector), "", STATE(UNSPECIFIED), "", "", 0, ""), NOT_PERMITTED);
    assert_answer(list(boss, rig_text(rig_id()), STATE(UNSPECIFIED), "", "", 0, ""), NOT_PERMITTED);
}

static void the_contracts_numbers_are_the_stored_ones(void **state) {
    (void)state;
    const ProtobufCEnumDescriptor *states = &tagih__v1__promise_state__descriptor;
    for (int s = PROMISE_OPEN; s < PROMISE_STATE_END; s++) {
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(states, s);
        assert_non_null(value);
        assert_string_equal(value->name + strlen("PROMISE_STATE_"), promise_state_name((enum promise_state)s));
    }
    for (int bit = 0; bit < 5; bit++) {
        static const unsigned bits[] = {PROMISE_REFUSED_BEYOND, PROMISE_REFUSED_SMALL, PROMISE_REFUSED_OPEN, PROMISE_REFUSED_BROKEN,
                                        PROMISE_REFUSED_PAST};
        assert_int_equal(bits[bit], 1U << bit);
        assert_non_null(protobuf_c_enum_descriptor_get_value(&tagih__v1__promise_refusal__descriptor, bit + 1));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_office_is_told_why_a_promise_is_not_accepted),
        cmocka_unit_test(bad_words_are_refused_and_leave_nothing),
        cmocka_unit_test(money_keeps_a_promise_and_a_reversal_opens_it_again),
        cmocka_unit_test(time_breaks_a_promise_and_money_of_that_time_mends_it),
        cmocka_unit_test(two_servers_look_at_once_and_one_writes),
        cmocka_unit_test(a_supervisor_withdraws_an_open_promise),
        cmocka_unit_test(a_journals_promises_are_kept_flagged_and_the_later_takes_over),
        cmocka_unit_test(the_debtor_is_reminded_once_a_day_and_not_after_paying),
        cmocka_unit_test(promises_are_listed_by_account_and_by_due_date),
        cmocka_unit_test(the_contracts_numbers_are_the_stored_ones),
    };
    return cmocka_run_group_tests_name("promises", tests, open_rig, close_desk);
}
