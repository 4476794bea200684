/* SPDX-License-Identifier: Apache-2.0 */
/* Pull as a phone uses it: the whole once, then what changed, and never somebody else's. */
#include "domain/change.h"
#include "engine/cursor.h"
#include "tagih/document.h"
#include "tests/rpc/stream_case.h"

typedef Tagih__V1__PullResponse pull_response;
typedef Tagih__V1__PullChange pull_change;

static struct rig rig;
static agency_id agency;
static user_id collector, colleague, supervisor;
static struct rig_phone phone, colleague_phone;

/* A day of its own for each test. */
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

static int new_day(void **state) {
    (void)state;
    agency = rig_agency(&rig, "Acme");
    collector = rig_user(&rig, agency, NULL, ROLE_COLLECTOR);
    colleague = rig_user(&rig, agency, NULL, ROLE_COLLECTOR);
    supervisor = rig_user(&rig, agency, NULL, ROLE_SUPERVISOR);
    phone = rig_phone(&rig, agency, collector);
    colleague_phone = rig_phone(&rig, agency, colleague);
    return 0;
}

/* ---- words ---------------------------------------------------------------------------------------------------- */

struct place {
    uint8_t bytes[256];
    size_t len;
};

static const pull_response *pull_page(const struct rig_phone *of, struct place *place, int32_t page_size) {
    Tagih__V1__PullRequest request = TAGIH__V1__PULL_REQUEST__INIT;
    request.cursor = (ProtobufCBinaryData){place->len, place->bytes};
    request.page_size = page_size;
    struct rig_answer answer = rig_call(&rig, of->token, "SyncService/Pull", &request);
    assert_answer(answer, OK);
    const pull_response *response = answer.response;
    assert_true(response->cursor.len <= sizeof place->bytes);
    memcpy(place->bytes, response->cursor.data, response->cursor.len);
    place->len = response->cursor.len;
    return response;
}

static const pull_response *pull(struct place *place) {
    return pull_page(&phone, place, 0);
}

/* Changes settle a moment after they commit, when a transaction elsewhere stands in the way. */
static const pull_response *pull_until(struct place *place) {
    for (int i = 0; i < 100; i++) {
        const pull_response *response = pull(place);
        if (response->n_changes) return response;
        nanosleep(&(struct timespec){0, 50000000}, NULL);
    }
    fail_msg("no change came");
    return NULL;
}

static size_t count_of(const pull_response *response, Tagih__V1__PullChange__ItemCase what) {
    size_t n = 0;
    for (size_t i = 0; i < response->n_changes; i++) n += response->changes[i]->item_case == what;
    return n;
}

#define VISIT TAGIH__V1__PULL_CHANGE__ITEM_VISIT
#define VISIT_GONE TAGIH__V1__PULL_CHANGE__ITEM_VISIT_GONE
#define ACCOUNT TAGIH__V1__PULL_CHANGE__ITEM_ACCOUNT
#define ACCOUNT_GONE TAGIH__V1__PULL_CHANGE__ITEM_ACCOUNT_GONE
#define OUTCOMES TAGIH__V1__PULL_CHANGE__ITEM_OUTCOMES
#define ALLOWANCE TAGIH__V1__PULL_CHANGE__ITEM_ALLOWANCE
#define FATE TAGIH__V1__PULL_CHANGE__ITEM_FATE

static const pull_change *first_of(const pull_response *response, Tagih__V1__PullChange__ItemCase what) {
    for (size_t i = 0; i < response->n_changes; i++) {
        if (response->changes[i]->item_case == what) return response->changes[i];
    }
    fail_msg("there is no change of that kind");
    return NULL;
}

static account_id account(void) {
    return rig_account(&rig, agency, &(struct rig_account){.collector = collector});
}

static void change(enum change_kind kind, uuid object, const account_id *of, user_id to) {
    char sql[512], by[64] = "null";
    if (of) snprintf(by, sizeof by, "'%s'", rig_text(of->u));
    snprintf(sql, sizeof sql,
             "insert into change (agency_id, kind, account_id, object_id, collector_id, at_us)"
             " values ('%s', %d, %s, '%s', '%s', 1)",
             rig_text(agency.u), kind, by, rig_text(object), rig_text(to.u));
    pg_exec(&rig.pg, sql);
}

static void reassign(visit_id visit, user_id to) {
    char sql[256];
    snprintf(sql, sizeof sql, "update visit_state set collector_id = '%s', version = version + 1 where visit_id = '%s'",
             rig_text(to.u), rig_text(visit.u));
    pg_exec(&rig.pg, sql);
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

static void the_first_pull_brings_the_day_with_all_it_needs(void **state) {
    (void)state;
    account_id with = account();
    visit_id visit = rig_visit(&rig, agency, with, collector);
    rig_visit(&rig, agency, account(), colleague);
    struct place place = {.len = 0};
    const pull_response *response = pull(&place);
    assert_false(response->resync);
    assert_false(response->more);
    assert_true(response->server_us > 0);
    assert_int_equal(response->n_changes, 4);
    assert_int_equal(response->changes[0]->item_case, OUTCOMES);
    assert_int_equal(response->changes[1]->item_case, ALLOWANCE);
    assert_int_equal(response->changes[2]->item_case, ACCOUNT);
    assert_int_equal(response->changes[3]->item_case, VISIT);
    assert_string_equal(response->changes[2]->account->account_id, rig_text(with.u));
    assert_string_equal(response->changes[3]->visit->visit_id, rig_text(visit.u));
    assert_string_equal(response->changes[3]->visit->account_id, rig_text(with.u));
    assert_true(response->changes[0]->outcomes->n_outcomes >= 12);
}

static void an_account_says_what_is_open_and_how_old_it_is(void **state) {
    (void)state;
    account_id with =
        rig_account(&rig, agency, &(struct rig_account){.principal_minor = 300000, .interest_minor = 20000,
                                                         .penalty_minor = 1000, .fees_minor = 500});
    char sql[256];
    snprintf(sql, sizeof sql, "update account_state set oldest_due_on = (now() at time zone 'Asia/Jakarta')::date - 45 "
                              "where account_id = '%s'", rig_text(with.u));
    pg_exec(&rig.pg, sql);
    rig_visit(&rig, agency, with, collector);
    struct place place = {.len = 0};
    const Tagih__V1__Account *got = first_of(pull(&place), ACCOUNT)->account;
    assert_int_equal(got->open->principal_minor, 300000);
    assert_int_equal(got->open->interest_minor, 20000);
    assert_int_equal(got->open->penalty_minor, 1000);
    assert_int_equal(got->open->fees_minor, 500);
    assert_int_equal(got->days_past_due, 45);
    assert_string_equal(got->bucket, "B2");
    assert_string_equal(got->currency, "IDR");
    assert_true(strlen(got->account_no) > 0 && strlen(got->etag) > 0);
}

//= RULES.md R-REC-5
//  Offline allowance: a signed limit {per receipt, cash held, count, until}; receipts beyond it still post, flagged
//  OVER_ALLOWANCE.
static void the_allowance_is_signed_for_this_phone_and_user(void **state) {
    (void)state;
    struct place place = {.len = 0};
    const pull_change *change_ = first_of(pull(&place), ALLOWANCE);
    struct allowance allowance;
    struct envelope envelope;
    struct bytes document = bytes_make(change_->allowance.data, change_->allowance.len);
    assert_ok(allowance_open(document, rig.installation, &allowance, &envelope));
    const struct key *key = keyring_find(&rig.keys, KEY_DEVICE, envelope.kid);
    assert_non_null(key);
    assert_ok(envelope_verify(&envelope, &key->public_key));
    assert_true(uuid_equal(allowance.device.u, phone.device.u));
    assert_true(uuid_equal(allowance.user.u, collector.u));
    assert_true(allowance.until.us > allowance.issued.us);
}

static void a_large_whole_comes_in_pages_and_misses_nothing_that_changes_meanwhile(void **state) {
    (void)state;
    enum { VISITS = 23 };
    visit_id visits[VISITS];
    for (int i = 0; i < VISITS; i++) visits[i] = rig_visit(&rig, agency, account(), collector);
    struct place place = {.len = 0};
    size_t seen = 0, pages = 0;
    const pull_response *response;
    do {
        response = pull_page(&phone, &place, 5);
        assert_true(count_of(response, VISIT) <= 5);
        assert_int_equal(count_of(response, OUTCOMES), pages == 0);
        seen += count_of(response, VISIT);
        if (++pages == 2) {
            reassign(visits[0], colleague);
            change(CHANGE_VISIT_GONE, visits[0].u, NULL, collector);
        }
    } while (response->more);
    assert_int_equal(pages, 5);
    assert_int_equal(seen, VISITS);
    response = pull_until(&place);
    assert_string_equal(first_of(response, VISIT_GONE)->visit_gone, rig_text(visits[0].u));
}

static void two_visits_to_one_account_bring_it_once(void **state) {
    (void)state;
    account_id with = account();
    visit_id first = rig_visit(&rig, agency, with, collector);
    char sql[256];
    snprintf(sql, sizeof sql, "update visit_state set purpose = 2 where visit_id = '%s'", rig_text(first.u));
    pg_exec(&rig.pg, sql);
    rig_visit(&rig, agency, with, collector);
    struct place place = {.len = 0};
    const pull_response *response = pull(&place);
    assert_int_equal(count_of(response, VISIT), 2);
    assert_int_equal(count_of(response, ACCOUNT), 1);
}

/* ---- changes -------------------------------------------------------------------------------------------------- */

static void a_pull_without_news_is_empty_and_keeps_its_place(void **state) {
    (void)state;
    rig_visit(&rig, agency, account(), collector);
    struct place place = {.len = 0};
    pull(&place);
    assert_int_equal(pull(&place)->n_changes, 0);
    assert_int_equal(pull(&place)->n_changes, 0);
}

static void a_new_visit_comes_with_its_account_before_it(void **state) {
    (void)state;
    struct place place = {.len = 0};
    pull(&place);
    account_id with = account();
    visit_id visit = rig_visit(&rig, agency, with, collector);
    change(CHANGE_VISIT_PLANNED, visit.u, &with, collector);
    const pull_response *response = pull_until(&place);
    assert_int_equal(response->n_changes, 2);
    assert_int_equal(response->changes[0]->item_case, ACCOUNT);
    assert_int_equal(response->changes[1]->item_case, VISIT);
    assert_int_equal(pull(&place)->n_changes, 0);
}

static void a_visit_given_to_a_colleague_is_gone_here_and_there_with_its_account(void **state) {
    (void)state;
    account_id with = account();
    visit_id visit = rig_visit(&rig, agency, with, collector);
    struct place mine = {.len = 0}, theirs = {.len = 0};
    pull(&mine);
    pull_page(&colleague_phone, &theirs, 0);
    reassign(visit, colleague);
    change(CHANGE_VISIT_GONE, visit.u, &with, collector);
    change(CHANGE_VISIT_REASSIGNED, visit.u, &with, colleague);
    const pull_response *response = pull_until(&mine);
    assert_string_equal(first_of(response, VISIT_GONE)->visit_gone, rig_text(visit.u));
    assert_string_equal(first_of(response, ACCOUNT_GONE)->account_gone, rig_text(with.u));
    assert_int_equal(response->n_changes, 2);
    response = pull_page(&colleague_phone, &theirs, 0);
    assert_int_equal(count_of(response, VISIT), 1);
    assert_int_equal(count_of(response, ACCOUNT), 1);
}

static void a_thing_that_changed_many_times_comes_once_as_it_is_now(void **state) {
    (void)state;
    account_id with = account();
    visit_id visit = rig_visit(&rig, agency, with, collector);
    struct place place = {.len = 0};
    pull(&place);
    for (int i = 0; i < 5; i++) change(CHANGE_PAYMENT_POSTED, rig_id(), &with, collector);
    char sql[128];
    snprintf(sql, sizeof sql, "update account_state set principal_minor = 7 where account_id = '%s'", rig_text(with.u));
    pg_exec(&rig.pg, sql);
    change(CHANGE_VISIT_DONE, visit.u, &with, collector);
    const pull_response *response = pull_until(&place);
    assert_int_equal(count_of(response, ACCOUNT), 1);
    assert_int_equal(first_of(response, ACCOUNT)->account->open->principal_minor, 7);
}

static void changes_come_in_pages_too(void **state) {
    (void)state;
    struct place place = {.len = 0};
    pull(&place);
    for (int i = 0; i < 7; i++) {
        account_id with = account();
        visit_id visit = rig_visit(&rig, agency, with, collector);
        change(CHANGE_VISIT_PLANNED, visit.u, &with, collector);
    }
    size_t visits = 0;
    for (int i = 0; i < 100 && visits < 7; i++) {
        const pull_response *response = pull_page(&phone, &place, 3);
        assert_true(count_of(response, VISIT) <= 3);
        visits += count_of(response, VISIT);
        if (response->n_changes == 0) nanosleep(&(struct timespec){0, 50000000}, NULL);
    }
    assert_int_equal(visits, 7);
}

static void a_fate_that_changed_names_its_entry_and_its_flags(void **state) {
    (void)state;
    struct place place = {.len = 0};
    pull(&place);
    uuid entry = rig_id();
    char sql[1024];
    snprintf(sql, sizeof sql,
             "insert into journal_key values ('%s', decode(repeat('ab', 32), 'hex'), '%s', 1, 1, '%s', 2, true, true, 4, 0, 1, '', '');"
             "insert into entry_event values ('%s', decode(repeat('ab', 32), 'hex'), 1, 1, 2, 6, null, '')",
             rig_text(agency.u), rig_text(phone.device.u), rig_text(entry), rig_text(agency.u));
    pg_exec(&rig.pg, sql);
    change(CHANGE_ENTRY_FATE, entry, NULL, collector);
    const Tagih__V1__FateChange *fate = first_of(pull_until(&place), FATE)->fate;
    assert_string_equal(fate->entry_id, rig_text(entry));
    assert_string_equal(fate->fate, "POSTED_FLAGGED");
    assert_int_equal(fate->entry_hash.len, 32);
    assert_int_equal(fate->n_flags, 2);
    assert_string_equal(fate->flags[0], "CLOCK");
    assert_string_equal(fate->flags[1], "GAP");
}

/* ---- cursors and callers --------------------------------------------------------------------------------------- */

static void assert_whole_again(struct place *place) {
    const pull_response *response = pull(place);
    assert_true(response->resync);
    assert_int_equal(count_of(response, OUTCOMES), 1);
    assert_false(pull(place)->resync);
}

static void a_cursor_of_a_colleague_or_another_database_starts_over(void **state) {
    (void)state;
    struct place theirs = {.len = 0}, nonsense = {.bytes = "nonsense", .len = 8}, foreign = {.len = CURSOR_BYTES};
    pull_page(&colleague_phone, &theirs, 0);
    assert_whole_again(&theirs);
    assert_whole_again(&nonsense);
    struct cursor_audience audience = {.name = "pull", .installation = rig.installation, .agency = agency,
                                       .holder = collector};
    cursor_write(&audience, &(struct cursor){.history_id = 42, .place = {1, 1}}, foreign.bytes);
    assert_whole_again(&foreign);
}

static void a_page_size_out_of_range_names_its_field(void **state) {
    (void)state;
    Tagih__V1__PullRequest request = TAGIH__V1__PULL_REQUEST__INIT;
    request.page_size = 501;
    struct rig_answer answer = rig_call(&rig, phone.token, "SyncService/Pull", &request);
    assert_answer(answer, REQUEST_FIELD_RANGE);
    assert_string_equal(answer.field, "page_size");
}

static void only_a_collectors_phone_pulls(void **state) {
    (void)state;
    Tagih__V1__PullRequest request = TAGIH__V1__PULL_REQUEST__INIT;
    const char *staff = rig_staff_token(&rig, agency, collector, 0);
    assert_answer(rig_call(&rig, staff, "SyncService/Pull", &request), NOT_PERMITTED);
    assert_answer(rig_call(&rig, NULL, "SyncService/Pull", &request), TOKEN_MISSING);
    struct rig_phone desk = rig_phone(&rig, agency, supervisor);
    assert_answer(rig_call(&rig, desk.token, "SyncService/Pull", &request), NOT_PERMITTED);
}

/* Many phones at once are one set of statements: each must get its own. */
static void phones_that_pull_at_once_get_their_own_days(void **state) {
    (void)state;
    enum { PHONES = 12 };
    struct rig_phone phones[PHONES];
    visit_id visits[PHONES];
    struct client_call *calls[PHONES];
    for (int i = 0; i < PHONES; i++) {
        user_id user = rig_user(&rig, agency, NULL, ROLE_COLLECTOR);
        phones[i] = rig_phone(&rig, agency, user);
        visits[i] = rig_visit(&rig, agency, account(), user);
    }
    Tagih__V1__PullRequest request = TAGIH__V1__PULL_REQUEST__INIT;
    for (int i = 0; i < PHONES; i++) {
        calls[i] = begin(rig.tls, phones[i].token, "/tagih.v1.SyncService/Pull", CLIENT_ONE, &request);
    }
    for (int i = 0; i < PHONES; i++) {
        struct client_reply reply = client_finish(calls[i]);
        assert_int_equal(reply.status, CALL_OK);
        pull_response *response = tagih__v1__pull_response__unpack(NULL, reply.body_len, reply.body);
        assert_int_equal(count_of(response, VISIT), 1);
        assert_string_equal(first_of(response, VISIT)->visit->visit_id, rig_text(visits[i].u));
        tagih__v1__pull_response__free_unpacked(response, NULL);
        client_reply_release(&reply);
    }
}

#define DAY(test) cmocka_unit_test_setup(test, new_day)

int main(void) {
    const struct CMUnitTest tests[] = {
        DAY(the_first_pull_brings_the_day_with_all_it_needs),
        DAY(an_account_says_what_is_open_and_how_old_it_is),
        DAY(the_allowance_is_signed_for_this_phone_and_user),
        DAY(a_large_whole_comes_in_pages_and_misses_nothing_that_changes_meanwhile),
        DAY(two_visits_to_one_account_bring_it_once),
        DAY(a_pull_without_news_is_empty_and_keeps_its_place),
        DAY(a_new_visit_comes_with_its_account_before_it),
        DAY(a_visit_given_to_a_colleague_is_gone_here_and_there_with_its_account),
        DAY(a_thing_that_changed_many_times_comes_once_as_it_is_now),
        DAY(changes_come_in_pages_too),
        DAY(a_fate_that_changed_names_its_entry_and_its_flags),
        DAY(a_cursor_of_a_colleague_or_another_database_starts_over),
        DAY(a_page_size_out_of_range_names_its_field),
        DAY(only_a_collectors_phone_pulls),
        DAY(phones_that_pull_at_once_get_their_own_days),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
