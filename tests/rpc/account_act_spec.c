/* SPDX-License-Identifier: Apache-2.0 */
/* What people do to accounts: hold, release, reassign, recall, close, and where two of them are needed. */
#include "domain/account.h"
#include "domain/change.h"
#include "tests/support/desk.h"

#define CLOSING(name) TAGIH__V1__ACCOUNT_CLOSING__ACCOUNT_CLOSING_##name

static user_id budi, citra;
static char boss[RIG_TOKEN_SIZE], field[RIG_TOKEN_SIZE];

static int open_rig(void **state) {
    open_desk(state);
    budi = rig_user(&rig, teller.agency, "budi", ROLE_COLLECTOR);
    citra = rig_user(&rig, teller.agency, "citra", ROLE_COLLECTOR);
    snprintf(boss, sizeof boss, "%s", rig_staff_token(&rig, teller.agency, teller.supervisor, 0));
    snprintf(field, sizeof field, "%s", rig_staff_token(&rig, teller.agency, budi, 0));
    return 0;
}

static account_id in_state(int status, int until_in) {
    account_id account = rig_account(&rig, teller.agency, &(struct rig_account){.collector = status == ACCOUNT_HELD ? budi : (user_id){{{0}}}});
    char sql[400];
    snprintf(sql, sizeof sql, "update account_state set status = %d, hold_from_on = current_date - 10, hold_until_on = "
             "(now() at time zone 'Asia/Jakarta')::date + %d where account_id = '%s'", status, until_in, rig_text(account.u));
    pg_exec(&rig.pg, sql);
    return account;
}

static int64_t one(const char *what, account_id account) {
    char sql[900];
    snprintf(sql, sizeof sql, "select %s from account_state s where account_id = '%s'", what, rig_text(account.u));
    return pg_number(&rig.pg, sql);
}

static int64_t events(account_id account, const char *where) {
    char sql[900];
    snprintf(sql, sizeof sql, "select count(*) from account_event e join posting p using (agency_id, posting_id) where e.account_id = '%s' "
             "and p.kind = 70 and e.actor_id = '%s' and e.reason = 'as agreed' and %s", rig_text(account.u), rig_text(teller.supervisor.u), where);
    return pg_number(&rig.pg, sql);
}

/* The members that all requests share. */
#define FILL(request, account)                                                                          \
    char id_[UUID_TEXT_SIZE], etag_[24], once_[UUID_TEXT_SIZE];                                          \
    uuid_format((account).u, id_);                                                                      \
    uuid_format(rig_id(), once_);                                                                       \
    snprintf(etag_, sizeof etag_, "a%lld", (long long)one("coalesce(max(version), 0)", (account)));     \
    (request).account_id = id_, (request).etag = etag_, (request).request_id = once_;                   \
    (request).reason = (char *)(uintptr_t) "as agreed"

static struct rig_answer release(const char *token, account_id account) {
    Tagih__V1__ReleaseAccountRequest request = TAGIH__V1__RELEASE_ACCOUNT_REQUEST__INIT;
    FILL(request, account);
    return rig_call(&rig, token, "AccountService/ReleaseAccount", &request);
}

static struct rig_answer hold(account_id account, user_id who) {
    Tagih__V1__HoldAccountRequest request = TAGIH__V1__HOLD_ACCOUNT_REQUEST__INIT;
    char whose[UUID_TEXT_SIZE];
    uuid_format(who.u, whose);
    request.collector_id = whose;
    FILL(request, account);
    return rig_call(&rig, boss, "AccountService/HoldAccount", &request);
}

static struct rig_answer reassign(account_id account, const char *who) {
    Tagih__V1__ReassignAccountRequest request = TAGIH__V1__REASSIGN_ACCOUNT_REQUEST__INIT;
    request.collector_id = (char *)(uintptr_t)who;
    FILL(request, account);
    return rig_call(&rig, boss, "AccountService/ReassignAccount", &request);
}

static struct rig_answer recall(account_id account) {
    Tagih__V1__RecallAccountRequest request = TAGIH__V1__RECALL_ACCOUNT_REQUEST__INIT;
    FILL(request, account);
    return rig_call(&rig, boss, "AccountService/RecallAccount", &request);
}

static struct rig_answer close_as(account_id account, Tagih__V1__AccountClosing closing) {
    Tagih__V1__CloseAccountRequest request = TAGIH__V1__CLOSE_ACCOUNT_REQUEST__INIT;
    request.closing = closing;
    FILL(request, account);
    return rig_call(&rig, boss, "AccountService/CloseAccount", &request);
}

//= RULES.md R-LIF-1
//  HELD → POOL (released), HELD → HELD (reassigned)
//= RULES.md R-LIF-2
//  Collectors are assigned within it; reassigning does not restart it. Leases of its visits end with it.
static void a_hold_is_handed_on_given_up_and_begun_anew(void **state) {
    (void)state;
    account_id account = in_state(ACCOUNT_HELD, 12);
    visit_id visit = rig_visit(&rig, teller.agency, account, budi);
    assert_answer(reassign(account, rig_text(citra.u)), OK);
    assert_int_equal(one("hold_until_on - (now() at time zone 'Asia/Jakarta')::date", account), 12);
    assert_int_equal(events(account, "e.kind = 'REASSIGNED' and status_before = 3 and status_after = 3 and hold_until_before = hold_until_after"), 1);
    char sql[300];
    snprintf(sql, sizeof sql, "select count(distinct collector_id) from change where account_id = '%s' and kind = %d", rig_text(account.u),
             CHANGE_ACCOUNT_ASSIGNED);
    assert_int_equal(pg_number(&rig.pg, sql), 2); /* his phone loses it, hers gets it */
    struct rig_answer released = release(boss, account);
    assert_answer(released, OK);
    const Tagih__V1__Account *now = ((const Tagih__V1__ReleaseAccountResponse *)released.response)->account;
    assert_string_equal(now->status, "pool");
    assert_string_equal(now->collector_id, "");
    assert_string_equal(now->hold_until_on, "");
    assert_int_equal(events(account, "e.kind = 'RELEASED' and status_before = 3 and status_after = 2 and collector_before is not null "
                                     "and collector_after is null"), 1);
    snprintf(sql, sizeof sql, "select live::int from visit_state where visit_id = '%s'", rig_text(visit.u));
    assert_int_equal(pg_number(&rig.pg, sql), 0);
    assert_answer(hold(account, budi), OK);
    assert_int_equal(one("status * 100 + hold_until_on - hold_from_on", account), 330);
    assert_int_equal(one("hold_from_on - (now() at time zone 'Asia/Jakarta')::date", account), 0);
    assert_int_equal(events(account, "e.kind = 'HELD' and status_before = 2 and collector_after is not null"), 1);
}

//= RULES.md R-LIF-1b
//  A hold that is over is neither released nor reassigned any more; what was taken over goes back to the pool by a release.
static void what_the_state_does_not_allow_is_refused(void **state) {
    (void)state;
    account_id over = in_state(ACCOUNT_HELD, 0), pool = in_state(ACCOUNT_POOL, 0), held = in_state(ACCOUNT_HELD, 5);
    assert_answer(release(boss, over), ACCOUNT_NOT_HELD);
    assert_answer(reassign(over, rig_text(citra.u)), ACCOUNT_NOT_HELD);
    assert_answer(release(boss, pool), ACCOUNT_ILLEGAL_TRANSITION);
    assert_answer(reassign(pool, rig_text(citra.u)), ACCOUNT_ILLEGAL_TRANSITION);
    assert_answer(hold(held, budi), ACCOUNT_ILLEGAL_TRANSITION);
    assert_answer(close_as(held, CLOSING(LEGAL)), ACCOUNT_ILLEGAL_TRANSITION);
    assert_answer(close_as(held, CLOSING(WRITTEN_OFF)), ACCOUNT_ILLEGAL_TRANSITION);
    assert_answer(close_as(held, CLOSING(UNSPECIFIED)), REQUEST_FIELD_MISSING);
    assert_answer(reassign(held, rig_text(teller.second.u)), VISIT_COLLECTOR);
    assert_answer(reassign(held, rig_text(rig_id())), VISIT_COLLECTOR);
    assert_answer(release(boss, (account_id){rig_id()}), NOT_PERMITTED);
    assert_answer(release(field, held), NOT_PERMITTED);
    account_id taken = in_state(ACCOUNT_TAKEOVER, -1);
    assert_answer(release(boss, taken), OK);
    assert_int_equal(one("status", taken), ACCOUNT_POOL);
}

static void an_account_that_changed_meanwhile_is_read_again(void **state) {
    (void)state;
    account_id account = in_state(ACCOUNT_HELD, 5);
    Tagih__V1__ReleaseAccountRequest request = TAGIH__V1__RELEASE_ACCOUNT_REQUEST__INIT;
    FILL(request, account);
    assert_answer(reassign(account, rig_text(citra.u)), OK);
    assert_answer(rig_call(&rig, boss, "AccountService/ReleaseAccount", &request), ACCOUNT_CHANGED);
    assert_int_equal(one("status", account), ACCOUNT_HELD);
    Tagih__V1__ReleaseAccountRequest again = TAGIH__V1__RELEASE_ACCOUNT_REQUEST__INIT;
    char fresh[UUID_TEXT_SIZE], etag[24];
    uuid_format(rig_id(), fresh);
    snprintf(etag, sizeof etag, "a%lld", (long long)one("version", account));
    again.account_id = request.account_id, again.reason = request.reason, again.request_id = fresh, again.etag = etag;
    assert_answer(rig_call(&rig, boss, "AccountService/ReleaseAccount", &again), OK);
    assert_answer(rig_call(&rig, boss, "AccountService/ReleaseAccount", &again), OK); /* a repeat is the first answer */
    assert_int_equal(events(account, "e.kind = 'RELEASED'"), 1);
}

//= RULES.md R-LIF-1
//  any live state → CLOSED(paid, settled, returned = recalled, deceased) … The other closings are acts of a person.
static void a_recall_closes_and_credit_needs_two_people(void **state) {
    (void)state;
    account_id account = in_state(ACCOUNT_HELD, 5), credited = in_state(ACCOUNT_HELD, 5);
    struct rig_answer answer = recall(account);
    assert_answer(answer, OK);
    assert_string_equal(((const Tagih__V1__RecallAccountResponse *)answer.response)->proposal_id, "");
    assert_int_equal(one("status", account), ACCOUNT_CLOSED_RETURNED);
    assert_int_equal(events(account, "e.kind = 'RECALLED' and status_after = 12 and collector_after is null"), 1);
    teller_paid(&teller, credited, &(struct paid){.amount_minor = MINOR(1500000)});
    answer = recall(credited);
    assert_answer(answer, OK);
    const char *proposal = ((const Tagih__V1__RecallAccountResponse *)answer.response)->proposal_id;
    assert_int_equal(one("status", credited), ACCOUNT_HELD);
    assert_answer(teller_decide(&teller, teller.second, proposal, true), OK);
    assert_int_equal(one("status", credited), ACCOUNT_CLOSED_RETURNED);
}

//= RULES.md R-LIF-1b
//  A second person decides what would leave money out of sight: a write-off, closing as deceased with something owed
static void what_would_leave_money_out_of_sight_needs_a_second_person(void **state) {
    (void)state;
    account_id owing = in_state(ACCOUNT_HELD, 5), paid = in_state(ACCOUNT_HELD, 5), taken = in_state(ACCOUNT_TAKEOVER, -1),
               legal = in_state(ACCOUNT_TAKEOVER, -1);
    const char *proposal = proposal_of(close_as(owing, CLOSING(DECEASED)));
    assert_true(*proposal != 0);
    assert_int_equal(one("status", owing), ACCOUNT_HELD);
    assert_answer(teller_decide(&teller, teller.supervisor, proposal, true), PROPOSAL_OWN); /* nobody decides his own */
    assert_answer(close_as(owing, CLOSING(DECEASED)), PROPOSAL_EXISTS);
    assert_answer(teller_decide(&teller, teller.second, proposal, true), OK);
    assert_int_equal(one("status", owing), ACCOUNT_CLOSED_DECEASED);
    char sql[400];
    snprintf(
        sql, sizeof sql,
        "select count(*) from account_event e join proposal_decision d using (agency_id, posting_id) where e.account_id = "
        "'%s' and e.kind = 'CLOSED' and d.decided_by = '%s'",
        rig_text(owing.u), rig_text(teller.second.u));
    assert_int_equal(pg_number(&rig.pg, sql), 1); /* the decision stands under the same posting */
    teller_paid(&teller, paid, &(struct paid){.amount_minor = MINOR(1200000)});
    assert_string_equal(proposal_of(close_as(paid, CLOSING(DECEASED))), "");
    assert_int_equal(one("status", paid), ACCOUNT_CLOSED_DECEASED);
    proposal = proposal_of(close_as(taken, CLOSING(WRITTEN_OFF)));
    assert_answer(teller_decide(&teller, teller.second, proposal, false), OK);
    assert_int_equal(one("status", taken), ACCOUNT_TAKEOVER);
    proposal = proposal_of(close_as(taken, CLOSING(WRITTEN_OFF)));
    assert_answer(release(boss, taken), OK); /* judged again: it is not taken over any more */
    assert_answer(teller_decide(&teller, teller.second, proposal, true), ACCOUNT_ILLEGAL_TRANSITION);
    assert_int_equal(one("status", taken), ACCOUNT_POOL);
    assert_string_equal(proposal_of(close_as(legal, CLOSING(LEGAL))), "");
    assert_int_equal(one("status", legal), ACCOUNT_LEGAL);
}

static size_t candidates(int32_t size, const char *page, char *next, size_t room) {
    Tagih__V1__ListRecallCandidatesRequest request = TAGIH__V1__LIST_RECALL_CANDIDATES_REQUEST__INIT;
    request.page_size = size;
    request.page_token = (char *)(uintptr_t)page;
    struct rig_answer answer = rig_call(&rig, boss, "AccountService/ListRecallCandidates", &request);
    assert_answer(answer, OK);
    const Tagih__V1__ListRecallCandidatesResponse *out = answer.response;
    for (size_t i = 0; i < out->n_candidates; i++) assert_string_equal(out->candidates[i]->file_name, "full.csv");
    snprintf(next, room, "%s", out->next_page_token);
    return out->n_candidates;
}

//= RULES.md R-IMP-1
//  live accounts missing in a FULL file are listed as recall candidates, recalled by a person.
static void live_accounts_that_a_full_file_lacks_are_listed(void **state) {
    (void)state;
    agency_id before = teller.agency;
    char old[RIG_TOKEN_SIZE], next[200], sql[600];
    snprintf(old, sizeof old, "%s", boss);
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    snprintf(boss, sizeof boss, "%s", rig_staff_token(&rig, teller.agency, teller.supervisor, 0));
    for (int i = 0; i < 3; i++) in_state(ACCOUNT_POOL, 5);
    account_id closed = in_state(ACCOUNT_CLOSED_PAID, 5), there = in_state(ACCOUNT_POOL, 5);
    (void)closed;
    assert_int_equal(candidates(0, "", next, sizeof next), 0); /* no FULL file yet */
    snprintf(sql, sizeof sql, "insert into import_file (agency_id, file_hash, kind, mode, name, as_of_on, rows_total, rows_good, sum_minor,"
             " started_us) values ('%s', 'x', 'accounts', 'FULL', 'full.csv', current_date, 1, 1, 0, 1)", rig_text(teller.agency.u));
    pg_exec(&rig.pg, sql);
    snprintf(sql, sizeof sql, "insert into snapshot (agency_id, account_id, as_of_on, file_hash, row_no, load_type, load_reason, fees_minor,"
             " penalty_minor, interest_minor, principal_minor, received_us) values ('%s', '%s', current_date, 'x', 1, 3, '', 0, 0, 0, 1, 9)",
             rig_text(teller.agency.u), rig_text(there.u));
    pg_exec(&rig.pg, sql);
    assert_int_equal(candidates(2, "", next, sizeof next), 2);
    assert_int_equal(candidates(2, next, next, sizeof next), 1);
    assert_string_equal(next, "");
    snprintf(boss, sizeof boss, "%s", old);
    teller.agency = before;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hold_is_handed_on_given_up_and_begun_anew),
        cmocka_unit_test(what_the_state_does_not_allow_is_refused),
        cmocka_unit_test(an_account_that_changed_meanwhile_is_read_again),
        cmocka_unit_test(a_recall_closes_and_credit_needs_two_people),
        cmocka_unit_test(what_would_leave_money_out_of_sight_needs_a_second_person),
        cmocka_unit_test(live_accounts_that_a_full_file_lacks_are_listed),
    };
    return cmocka_run_group_tests(tests, open_rig, close_desk);
}
