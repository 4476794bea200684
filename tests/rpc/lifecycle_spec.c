/* SPDX-License-Identifier: Apache-2.0 */
/* The life of accounts on the real thing: holds that end, beside payments and beside each other; the day's run. */
#include <pthread.h>

#include "domain/change.h"
#include "rpc/lifecycle.h"
#include "run/clock.h"
#include "tests/support/job.h"
#include "tests/support/teller.h"

static struct rig rig;
static struct teller teller;
static user_id collector;
static civil_date today;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    collector = rig_user(&rig, teller.agency, "budi", ROLE_COLLECTOR);
    today = teller_today();
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* An agency of its own, so that the runs of one case find nothing of another's. */
static void fresh_agency(void) {
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    collector = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
}

#define sql(...) rig_run(&rig, __VA_ARGS__)
#define number(...) rig_count(&rig, __VA_ARGS__)

static const char *day_text(int in_days) {
    static char texts[4][DATE_TEXT_SIZE];
    static unsigned next;
    char *text = texts[next++ % 4];
    date_format((civil_date){today.days + in_days}, text);
    return text;
}

/* 00:00 in Jakarta. */
static instant midnight(int in_days) {
    return (instant){((int64_t)(today.days + in_days) * 24 - 7) * 3600 * US_PER_S};
}

/* An account that the collector works in a hold that ends in so many days. */
static account_id held_until(int in_days) {
    account_id account = rig_account(&rig, teller.agency, &(struct rig_account){.collector = collector});
    sql("update account_state set status = 3, hold_until_on = date '%s', hold_from_on = date '%s' - 30 where account_id = '%s'",
        day_text(in_days), day_text(in_days), rig_text(account.u));
    return account;
}

static int status_of(account_id account) {
    return (int)number("select status from account_state where account_id = '%s'", rig_text(account.u));
}

static int64_t events_of(account_id account, const char *kind) {
    return number("select count(*) from account_event where account_id = '%s' and kind = '%s'", rig_text(account.u), kind);
}

/* ---- the runs ------------------------------------------------------------------------------------------------- */

struct hand {
    struct job job;
    struct lifecycle_run run;
    int32_t last_day; /* of what was told: days never go back */
    bool ordered;
    tagih_err err;
};

static void told(void *context, const struct lifecycle_step *step) {
    struct hand *hand = context;
    if (step->act != ACCOUNT_ACT_TAKE_OVER && step->act != ACCOUNT_ACT_EXTEND) return;
    if (step->before.hold_until_on.days < hand->last_day) hand->ordered = false;
    hand->last_day = step->before.hold_until_on.days;
}

static void hand_open(struct hand *hand) {
    *hand = (struct hand){.ordered = true, .last_day = INT32_MIN};
    job_open(&hand->job, &rig);
    hand->run = (struct lifecycle_run){.db = &hand->job.db, .arena = &hand->job.arena, .agency = teller.agency, .today = today,
                                       .writer = hand->job.writer,
                                       .told = told, .context = hand};
}

static struct lifecycle_run mark(int until_in, bool dry) {
    struct hand hand;
    hand_open(&hand);
    hand.run.dry = dry;
    assert_ok(lifecycle_mark_takeover(&hand.run, (civil_date){today.days + until_in}));
    assert_true(dry || hand.ordered);
    job_close(&hand.job);
    assert_int_equal(hand.run.failed, 0);
    return hand.run;
}

static struct lifecycle_run run_day(void) {
    struct hand hand;
    hand_open(&hand);
    assert_ok(lifecycle_run_day(&hand.run));
    job_close(&hand.job);
    assert_int_equal(hand.run.failed, 0);
    return hand.run;
}

//= RULES.md R-LIF-3
//  `mark-takeover` marks every expired hold exactly once, in date order, catching up missed days
//= RULES.md R-LIF-2
//  the 30th day still belongs to the holder.
//= RULES.md R-LIF-3b
//  A takeover takes effect at the 00:00 at which the hold ended, however late the run is
static void every_hold_that_is_over_is_marked_once_in_the_order_of_days(void **state) {
    (void)state;
    fresh_agency();
    account_id old = held_until(-12), yesterday = held_until(-1), now = held_until(0), tomorrow = held_until(1);
    struct lifecycle_run run = mark(0, false);
    assert_int_equal(run.taken, 3);
    assert_int_equal(run.extended, 0);
    const account_id taken[] = {old, yesterday, now};
    const int ends[] = {-12, -1, 0};
    for (size_t i = 0; i < 3; i++) {
        const char *id = rig_text(taken[i].u);
        assert_int_equal(status_of(taken[i]), ACCOUNT_TAKEOVER);
        assert_int_equal(number("select count(collector_id) from account_state where account_id = '%s'", id), 0);
        assert_int_equal(number("select at_us from account_event where account_id = '%s' and kind = 'TAKEN_OVER'", id),
                         midnight(ends[i]).us); /* when it took effect, however late the run is */
        assert_int_equal(number("select count(*) from change where account_id = '%s' and kind = %d and collector_id = '%s'", id,
                                CHANGE_ACCOUNT_TAKEN_OVER, rig_text(collector.u)), 1);
    }
    assert_int_equal(status_of(tomorrow), ACCOUNT_HELD);
    assert_int_equal(mark(0, false).taken, 0);
    assert_int_equal(number("select count(*) from account_event where agency_id = '%s' and kind = 'TAKEN_OVER'",
                            rig_text(teller.agency.u)), 3);
}

//= RULES.md R-LIF-5
//  TAKEN_OVER, … are events with before and after owner, reason and actor.
static void a_takeover_tells_who_had_it_and_why(void **state) {
    (void)state;
    fresh_agency();
    account_id account = held_until(-1);
    mark(0, false);
    const char *id = rig_text(account.u);
    assert_int_equal(number("select count(*) from account_event where account_id = '%s' and kind = 'TAKEN_OVER' and "
                            "collector_before = '%s' and collector_after is null and status_before = 3 and status_after = 4 and "
                            "reason = 'the hold is over' and actor_id is null and recorded_us > at_us and "
                            "hold_until_before = date '%s'", id, rig_text(collector.u), day_text(-1)), 1);
    assert_int_equal(number("select count(*) from account_event e join posting p using (agency_id, posting_id) where e.account_id = '%s' and "
                            "p.kind = 70 and length(p.digest) = 32", id), 1); /* under a posting's digest */
}

static void until_a_day_leaves_later_ends_alone_and_a_dry_run_everything(void **state) {
    (void)state;
    fresh_agency();
    account_id early = held_until(-5), late = held_until(-2);
    assert_int_equal(mark(0, true).taken, 2);
    assert_int_equal(status_of(early), ACCOUNT_HELD);
    assert_int_equal(mark(-5, true).taken, 1);
    assert_int_equal(mark(-5, false).taken, 1);
    assert_int_equal(status_of(early), ACCOUNT_TAKEOVER);
    assert_int_equal(status_of(late), ACCOUNT_HELD);
    assert_int_equal(number("select count(*) from account_event where agency_id = '%s'", rig_text(teller.agency.u)), 1);
}

/* ---- promises ------------------------------------------------------------------------------------------------- */

/* A promise as the journal or the office left it; `refused`: the terms do not accept it. */
static void promised_at(account_id account, int due_in, int64_t value_us, int64_t received_us, int refused) {
    civil_date due_on;
    assert_int_equal(date_parse(day_text(due_in), &due_on).reason, ERR_OK);
    rig_promise(&rig, teller.agency, account, &(struct rig_promise){.due_on = due_on, .made = {value_us},
                                                                    .received = {received_us}, .refused = refused});
}

static void promised(account_id account, int due_in, int64_t received_us, int refused) {
    promised_at(account, due_in, received_us, received_us, refused);
}

static int until_of(account_id account) {
    return (int)number("select hold_until_on - date '%s' from account_state where account_id = '%s'", day_text(0), rig_text(account.u));
}

//= RULES.md R-LIF-3
//  An open promise due within 3 days (default), … extends to 00:00 after the promise's due + grace … judged when the hold
//  (or extension) ends, from facts known then
static void an_open_promise_extends_and_is_judged_by_what_was_known_then(void **state) {
    (void)state;
    fresh_agency();
    account_id open = held_until(0), far = held_until(0), flagged = held_until(0), late = held_until(-1);
    promised(open, 3, midnight(0).us - 1, 0);
    promised(far, 4, midnight(0).us - 1, 0);
    promised(flagged, 2, midnight(0).us - 1, 1);
    promised(late, 2, midnight(-1).us, 0); /* known at the very instant at which the hold ended: too late */
    assert_int_equal(mark(0, true).extended, 1);
    struct lifecycle_run run = mark(0, false);
    assert_int_equal(run.extended, 1);
    assert_int_equal(run.taken, 3);
    assert_int_equal(until_of(open), 6); /* due on day 3, grace until the end of day 5 */
    assert_int_equal(status_of(open), ACCOUNT_HELD);
    assert_int_equal(status_of(far), ACCOUNT_TAKEOVER);
    assert_int_equal(status_of(flagged), ACCOUNT_TAKEOVER);
    assert_int_equal(status_of(late), ACCOUNT_TAKEOVER);
    assert_int_equal(number("select count(*) from account_event where account_id = '%s' and kind = 'HOLD_EXTENDED' and "
                            "collector_after = '%s' and hold_until_before = date '%s' and hold_until_after = date '%s' and "
                            "promise_days = 6 and reason = 'an open promise is due within 3 days'",
                            rig_text(open.u), rig_text(collector.u), day_text(0), day_text(6)), 1);
}

//= RULES.md R-LIF-3
//  an active plan … extends … while the plan … runs; judged when the hold (or extension) ends, from facts known then
//= RULES.md R-LIF-3a
//  A plan extends to 00:00 after its next open instalment's due + grace
static void an_active_plan_extends_from_instalment_to_instalment(void **state) {
    (void)state;
    fresh_agency();
    account_id account = held_until(-40), broken = held_until(0);
    for (int k = 0; k < 2; k++) {
        account_id of = k ? broken : account;
        const char *agency = rig_text(teller.agency.u), *id = rig_text(of.u), *plan = rig_text(rig_id()), *nil = rig_text(rig_id());
        sql("insert into plan (agency_id, plan_id, posting_id, account_id, currency, total_minor, instalments, starts_on, starts_us, made_us,"
            " actor_id) values ('%s', '%s', '%s', '%s', 'IDR', 200, 2, '%s', 1, 1, '%s');"
            "insert into plan_state (agency_id, plan_id, account_id, state, expires_us, starts_us, version) values ('%s', '%s', '%s', 3, 1, 1, 2)",
            agency, plan, nil, id, day_text(-50), nil, agency, plan, id);
        for (int n = 1; n <= 2; n++) { /* proposed long ago, active since; the second plan breaks before its account's hold ends */
            sql("insert into plan_event (agency_id, plan_id, n, posting_id, account_id, at_us, step, state_before, state_after) values"
                " ('%s', '%s', %d, '%s', '%s', %lld, 3, 2, %d)", agency, plan, n, nil, id, (long long)midnight(-50 + n).us, n == 2 && k ? 5 : 3);
            const char *promise = rig_text(rig_id());
            sql("insert into promise (agency_id, promise_id, posting_id, account_id, plan_id, instalment_no, amount_minor, currency, due_on,"
                " closes_us, promiser, channel, value_us, received_us) values ('%s', '%s', '%s', '%s', '%s', %d, 100, 'IDR', '%s', 1, 1, 1, 1, 1);"
                "insert into promise_event (agency_id, promise_id, n, posting_id, account_id, at_us, state_before, state_after, received_minor)"
                " values ('%s', '%s', 1, '%s', '%s', 1, 0, 1, 0)", agency, promise, nil, id, plan, n, day_text(n == 1 ? -35 : -10), agency,
                promise, nil, id);
            if (n == 1) sql("insert into promise_event (agency_id, promise_id, n, posting_id, account_id, at_us, state_before, state_after,"
                            " received_minor) values ('%s', '%s', 2, '%s', '%s', %lld, 1, 2, 100)", agency, promise, nil, id,
                            (long long)midnight(-36).us); /* kept after the hold's first end */
        }
    }
    struct lifecycle_run run = mark(0, false);
    assert_int_equal(run.extended, 2); /* to -32 by the first instalment, then to -7 by the second */
    assert_int_equal(run.taken, 2);
    const char *id = rig_text(account.u);
    assert_int_equal(number("select count(*) from account_event where account_id = '%s' and kind = 'HOLD_EXTENDED' and reason = 'a plan is "
                            "active' and hold_until_after in (date '%s', date '%s') and promise_days = 0", id, day_text(-32), day_text(-7)), 2);
    assert_int_equal(number("select at_us from account_event where account_id = '%s' and kind = 'TAKEN_OVER'", id), midnight(-7).us);
    assert_int_equal(status_of(broken), ACCOUNT_TAKEOVER);
}

//= RULES.md R-LIF-3
//  catching up missed days; … promises extend by 15 days in all at most (default).
static void missed_days_are_judged_one_after_the_other_as_though_on_time(void **state) {
    (void)state;
    fresh_agency();
    account_id account = held_until(-30);
    promised(account, -28, midnight(-31).us, 0); /* extends to -25: 5 days */
    promised(account, -23, midnight(-26).us, 0); /* then to -20: 10 days */
    promised(account, -18, midnight(-21).us, 0); /* then to -15: 15 days, all there are */
    promised(account, -13, midnight(-16).us, 0);
    assert_int_equal(mark(0, true).extended, 3);
    struct lifecycle_run run = mark(0, false);
    assert_int_equal(run.extended, 3);
    assert_int_equal(run.taken, 1);
    const char *id = rig_text(account.u);
    assert_int_equal(number("select at_us from account_event where account_id = '%s' and kind = 'TAKEN_OVER'", id), midnight(-15).us);
    assert_int_equal(number("select max(promise_days) from account_event where account_id = '%s'", id), 15);
    assert_int_equal(number("select count(distinct recorded_us) from account_event where account_id = '%s'", id), 4);
}

/* ---- beside others -------------------------------------------------------------------------------------------- */

static void *mark_all(void *context) {
    struct hand *hand = context;
    hand->err = lifecycle_mark_takeover(&hand->run, today);
    return NULL;
}

#define MANY 700

static void many_held(int until_in) {
    pg_exec(&rig.pg, "begin");
    for (int i = 0; i < MANY; i++) held_until(until_in);
    pg_exec(&rig.pg, "commit");
}

static void assert_each_taken_once(size_t n) {
    const char *agency = rig_text(teller.agency.u);
    assert_int_equal(number("select count(*) from account_state where agency_id = '%s' and status = 4", agency), n);
    assert_int_equal(number("select count(*) from account_event where agency_id = '%s' and kind = 'TAKEN_OVER'", agency), n);
    assert_int_equal(number("select count(distinct account_id) from account_event where agency_id = '%s' and kind = 'TAKEN_OVER'", agency), n);
}

//= RULES.md R-LIF-3
//  it may run beside live payments, twice at once, or after a crash, with one outcome.
static void three_runs_at_once_mark_each_hold_once(void **state) {
    (void)state;
    fresh_agency();
    many_held(-3);
    struct hand hands[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) hand_open(&hands[i]);
    for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, mark_all, &hands[i]);
    size_t taken = 0;
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_ok(hands[i].err);
        taken += hands[i].run.taken;
        assert_int_equal(hands[i].run.failed + hands[i].job.db.stats.deadlocks, 0);
        job_close(&hands[i].job);
    }
    assert_int_equal(taken, MANY);
    assert_each_taken_once(MANY);
}

struct payer {
    pthread_t thread;
    const account_id *accounts;
    size_t n;
    char token[RIG_TOKEN_SIZE];
    int failures;
};

static void *pay_all(void *context) {
    struct payer *payer = context;
    for (size_t i = 0; i < payer->n; i++) {
        struct paid paid = {.amount_minor = MINOR(1000), .value = {midnight(-2).us - 1}, .token = payer->token};
        struct rig_answer answer = teller_post(&teller, payer->accounts[i], &paid);
        payer->failures += strcmp(answer.reason, "OK") != 0;
    }
    return NULL;
}

//= RULES.md R-LIF-3
//  it may run beside live payments, twice at once, or after a crash, with one outcome.
//= RULES.md R-LIF-4
//  Money valued inside a hold but synced after it belongs to the old holder. The takeover stands.
static void payments_and_takeovers_at_the_same_instant_both_stand(void **state) {
    (void)state;
    fresh_agency();
    enum { ACCOUNTS = 60 };
    account_id accounts[ACCOUNTS];
    for (int i = 0; i < ACCOUNTS; i++) accounts[i] = held_until(-2);
    struct payer payers[4] = {0};
    struct hand hand;
    pthread_t marking;
    hand_open(&hand);
    for (int i = 0; i < 4; i++) {
        payers[i] = (struct payer){.accounts = accounts + 15 * i, .n = 15};
        snprintf(payers[i].token, RIG_TOKEN_SIZE, "%s", rig_staff_token(&rig, teller.agency, teller.gateway, 0));
        pthread_create(&payers[i].thread, NULL, pay_all, &payers[i]);
    }
    pthread_create(&marking, NULL, mark_all, &hand);
    for (int i = 0; i < 4; i++) {
        pthread_join(payers[i].thread, NULL);
        assert_int_equal(payers[i].failures, 0);
    }
    pthread_join(marking, NULL);
    assert_ok(hand.err);
    assert_int_equal(hand.run.failed + hand.job.db.stats.deadlocks, 0);
    job_close(&hand.job);
    assert_each_taken_once(ACCOUNTS);
    const char *agency = rig_text(teller.agency.u);
    assert_int_equal(number("select count(*) from payment where agency_id = '%s'", agency), ACCOUNTS);
    assert_int_equal(number("select count(*) from bonus_line where agency_id = '%s' and collector_id = '%s'", agency,
                            rig_text(collector.u)), ACCOUNTS); /* whichever came first: the money was his */
    assert_int_equal(number("select min(principal_minor + interest_minor) from account_state where agency_id = '%s'", agency),
                     number("select max(principal_minor + interest_minor) from account_state where agency_id = '%s'", agency));
}

//= RULES.md R-LIF-4
//  Money valued inside a hold but synced after it belongs to the old holder. The takeover stands.
static void the_last_microsecond_of_a_hold_is_the_old_holders_and_the_next_is_not(void **state) {
    (void)state;
    fresh_agency();
    account_id account = held_until(-2);
    mark(0, false);
    payment_id inside = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(5000), .value = {midnight(-2).us - 1}});
    payment_id after = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(6000), .value = midnight(-2)});
    const char *who = rig_text(collector.u);
    assert_int_equal(number("select count(*) from bonus_line where payment_id = '%s' and collector_id = '%s'", rig_text(inside.u), who), 1);
    assert_int_equal(number("select count(*) from bonus_line where payment_id = '%s'", rig_text(after.u)), 0);
    assert_int_equal(status_of(account), ACCOUNT_TAKEOVER);
}

//= RULES.md R-LIF-3
//  A later fact never undoes a takeover; it is reported.
static void a_fact_from_before_a_takeover_is_reported_once_and_changes_nothing(void **state) {
    (void)state;
    fresh_agency();
    account_id account = held_until(-2), other = held_until(-2);
    mark(0, false);
    payment_id late = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(5000), .value = {midnight(-2).us - 1}});
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(5000), .value = midnight(-2)});
    promised_at(other, 1, midnight(-3).us, clock_now().us, 0);
    assert_int_equal(run_day().late, 2);
    assert_int_equal(run_day().late, 0);
    assert_int_equal(number("select count(*) from account_event where account_id = '%s' and kind = 'LATE_FACT' and object_id = '%s'",
                            rig_text(account.u), rig_text(late.u)), 1);
    assert_int_equal(events_of(other, "LATE_FACT"), 1);
    assert_int_equal(number("select count(*) from change where account_id = '%s' and kind = %d", rig_text(account.u),
                            CHANGE_ACCOUNT_LATE_FACT), 1);
    assert_int_equal(status_of(account), ACCOUNT_TAKEOVER);
    assert_int_equal(status_of(other), ACCOUNT_TAKEOVER);
    assert_int_equal(mark(0, false).taken, 0);
}

/* ---- the day's run -------------------------------------------------------------------------------------------- */

//= RULES.md R-LIF-1
//  Posting never closes: the day's lifecycle run turns balance 0 into CLOSED(paid)
static void the_days_run_closes_what_is_paid_and_ends_its_leases(void **state) {
    (void)state;
    fresh_agency();
    account_id paid = held_until(20), owing = held_until(20);
    visit_id visit = rig_visit(&rig, teller.agency, paid, collector), other = rig_visit(&rig, teller.agency, owing, collector);
    teller_paid(&teller, paid, &(struct paid){.amount_minor = MINOR(1200000)});
    teller_paid(&teller, owing, &(struct paid){.amount_minor = MINOR(1199999)});
    assert_int_equal(status_of(paid), ACCOUNT_HELD);
    assert_int_equal(run_day().paid, 1);
    assert_int_equal(run_day().paid, 0);
    assert_int_equal(status_of(paid), ACCOUNT_CLOSED_PAID);
    assert_int_equal(status_of(owing), ACCOUNT_HELD);
    assert_int_equal(number("select count(*) from account_event where account_id = '%s' and kind = 'CLOSED' and status_before = 3 and "
                            "status_after = 10 and collector_before = '%s' and collector_after is null", rig_text(paid.u),
                            rig_text(collector.u)), 1);
    assert_int_equal(number("select state * 10 + live::int from visit_state where visit_id = '%s'", rig_text(visit.u)), 50);
    assert_int_equal(number("select state * 10 + live::int from visit_state where visit_id = '%s'", rig_text(other.u)), 1);
    assert_int_equal(number("select count(*) from visit_event where visit_id = '%s' and kind = 'EXPIRED' and reason = 'the hold ended'",
                            rig_text(visit.u)), 1);
}

//= RULES.md R-LIF-1
//  a reversal or late charge reopens it into its former state and hold (REOPENED).
static void a_reversal_reopens_what_was_paid_in_its_own_transaction(void **state) {
    (void)state;
    fresh_agency();
    account_id account = held_until(20), over = held_until(1);
    payment_id paid = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1200000)});
    payment_id other = teller_paid(&teller, over, &(struct paid){.amount_minor = MINOR(1200000)});
    assert_int_equal(run_day().paid, 2);
    sql("update account_state set hold_until_on = date '%s' where account_id = '%s'", day_text(-1), rig_text(over.u));
    assert_answer(teller_reverse(&teller, paid, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    assert_answer(teller_reverse(&teller, other, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    assert_int_equal(status_of(account), ACCOUNT_HELD);
    assert_int_equal(until_of(account), 20);
    assert_int_equal(number("select count(*) from account_state where account_id = '%s' and collector_id = '%s'", rig_text(account.u),
                            rig_text(collector.u)), 1);
    assert_int_equal(number("select count(*) from account_event e join posting p using (agency_id, posting_id) where e.account_id = '%s' and "
                            "e.kind = 'REOPENED' and p.kind = 2 and status_before = 10 and status_after = 3 and collector_before is null and "
                            "collector_after = '%s' and e.actor_id is not null", rig_text(account.u), rig_text(collector.u)), 1);
    assert_int_equal(number("select count(*) from change where account_id = '%s' and kind = %d and collector_id = '%s'",
                            rig_text(account.u), CHANGE_ACCOUNT_REOPENED, rig_text(collector.u)), 1);
    assert_int_equal(status_of(over), ACCOUNT_HELD); /* its hold ended meanwhile: the next run takes it over */
    assert_int_equal(mark(0, false).taken, 1);
    assert_int_equal(status_of(over), ACCOUNT_TAKEOVER);
    assert_int_equal(number("select count(*) from account_event x join account_event y using (account_id) where account_id = '%s' and "
                            "x.kind = 'TAKEN_OVER' and y.kind = 'REOPENED' and x.at_us >= y.at_us", rig_text(over.u)), 1);
}

//= RULES.md R-LIF-1a
//  What the creditor has back or what death ended stays closed
static void a_reversal_leaves_a_recalled_account_closed(void **state) {
    (void)state;
    fresh_agency();
    account_id account = held_until(20);
    payment_id paid = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1200000)});
    sql("update account_state set status = %d, collector_id = null where account_id = '%s'; insert into account_event (agency_id, event_id,"
        " account_id, at_us, kind, status_before, status_after, collector_before) values ('%s', '%s', '%s', %lld, 'RECALLED', 3, 12, '%s')",
        ACCOUNT_CLOSED_RETURNED, rig_text(account.u), rig_text(teller.agency.u), rig_text(rig_id()), rig_text(account.u),
        (long long)clock_now().us, rig_text(collector.u));
    assert_answer(teller_reverse(&teller, paid, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    assert_int_equal(status_of(account), ACCOUNT_CLOSED_RETURNED);
    assert_int_equal(events_of(account, "REOPENED"), 0);
}

//= RULES.md R-LIF-5
//  TAKEOVER_WARNING (5 and 1 days before)
//= RULES.md R-LIF-3c
//  Warnings that a run missed are made up for: one event, which says how many days are left.
static void holders_are_warned_five_days_and_one_day_before_once_each(void **state) {
    (void)state;
    fresh_agency();
    account_id far = held_until(6), five = held_until(5), missed = held_until(3), one = held_until(1);
    assert_int_equal(run_day().warned, 3);
    assert_int_equal(run_day().warned, 0);
    assert_int_equal(events_of(far, "TAKEOVER_WARNING"), 0);
    assert_int_equal(events_of(five, "TAKEOVER_WARNING"), 1);
    assert_int_equal(events_of(missed, "TAKEOVER_WARNING"), 1);
    assert_int_equal(events_of(one, "TAKEOVER_WARNING"), 1);
    assert_int_equal(number("select count(*) from account_event where account_id = '%s' and reason = 'the hold ends in 1 day'",
                            rig_text(one.u)), 1);
    sql("update account_state set hold_until_on = date '%s' where account_id = '%s'", day_text(1), rig_text(five.u)); /* four days on */
    assert_int_equal(run_day().warned, 1);
    assert_int_equal(events_of(five, "TAKEOVER_WARNING"), 2);
    assert_int_equal(number("select count(*) from change where account_id = '%s' and kind = %d and collector_id = '%s'",
                            rig_text(five.u), CHANGE_ACCOUNT_WARNING, rig_text(collector.u)), 2);
}

//= RULES.md R-LIF-2
//  Leases of its visits end with it.
static void a_takeover_ends_the_leases_of_its_visits_and_an_extension_does_not(void **state) {
    (void)state;
    fresh_agency();
    account_id taken = held_until(0), extended = held_until(0);
    promised(extended, 1, midnight(0).us - 1, 0);
    visit_id ended = rig_visit(&rig, teller.agency, taken, collector), live = rig_visit(&rig, teller.agency, extended, collector);
    mark(0, false);
    assert_int_equal(number("select live::int from visit_state where visit_id = '%s'", rig_text(ended.u)), 0);
    assert_int_equal(number("select live::int from visit_state where visit_id = '%s'", rig_text(live.u)), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_hold_that_is_over_is_marked_once_in_the_order_of_days),
        cmocka_unit_test(a_takeover_tells_who_had_it_and_why),
        cmocka_unit_test(until_a_day_leaves_later_ends_alone_and_a_dry_run_everything),
        cmocka_unit_test(an_open_promise_extends_and_is_judged_by_what_was_known_then),
        cmocka_unit_test(an_active_plan_extends_from_instalment_to_instalment),
        cmocka_unit_test(missed_days_are_judged_one_after_the_other_as_though_on_time),
        cmocka_unit_test(three_runs_at_once_mark_each_hold_once),
        cmocka_unit_test(payments_and_takeovers_at_the_same_instant_both_stand),
        cmocka_unit_test(the_last_microsecond_of_a_hold_is_the_old_holders_and_the_next_is_not),
        cmocka_unit_test(a_fact_from_before_a_takeover_is_reported_once_and_changes_nothing),
        cmocka_unit_test(the_days_run_closes_what_is_paid_and_ends_its_leases),
        cmocka_unit_test(a_reversal_reopens_what_was_paid_in_its_own_transaction),
        cmocka_unit_test(a_reversal_leaves_a_recalled_account_closed),
        cmocka_unit_test(holders_are_warned_five_days_and_one_day_before_once_each),
        cmocka_unit_test(a_takeover_ends_the_leases_of_its_visits_and_an_extension_does_not),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
