/* SPDX-License-Identifier: Apache-2.0 */
/* AccountService from the outside: imports by call, reading, and the history of an account. */
#include "contract.h"
#include "tests/support/case.h"
#include "tests/support/rig.h"

static struct rig rig;
static agency_id agency;
static user_id collector;
static char boss[RIG_TOKEN_SIZE], budi[RIG_TOKEN_SIZE], sari[RIG_TOKEN_SIZE], foreign[RIG_TOKEN_SIZE];

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    agency = rig_agency(&rig, "Acme");
    agency_id other = rig_agency(&rig, "Bumi");
    collector = rig_user(&rig, agency, "budi", ROLE_COLLECTOR);
    snprintf(boss, sizeof boss, "%s", rig_staff_token(&rig, agency, rig_user(&rig, agency, "dian", ROLE_ADMIN), 0));
    snprintf(budi, sizeof budi, "%s", rig_staff_token(&rig, agency, collector, 0));
    snprintf(sari, sizeof sari, "%s", rig_staff_token(&rig, agency, rig_user(&rig, agency, "sari", ROLE_SUPERVISOR), 0));
    snprintf(foreign, sizeof foreign, "%s", rig_staff_token(&rig, other, rig_user(&rig, other, "joko", ROLE_ADMIN), 0));
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* ---- imports -------------------------------------------------------------------------------------------------- */

struct file {
    Tagih__V1__ImportAccountsRequest request;
    Tagih__V1__AccountRow rows[4], *list[4];
    char numbers[4][24];
    uint8_t hash[32];
};

/* Three good rows of accounts PREFIX1 … PREFIX3. */
static void file_of(struct file *file, const char *prefix, uint8_t hash) {
    memset(file->hash, hash, sizeof file->hash);
    tagih__v1__import_accounts_request__init(&file->request);
    for (size_t i = 0; i < 4; i++) {
        Tagih__V1__AccountRow *row = &file->rows[i];
        tagih__v1__account_row__init(row);
        snprintf(file->numbers[i], sizeof file->numbers[i], "%s%zu", prefix, i + 1);
        row->row = (int32_t)i + 1;
        row->account_no = row->customer_no = file->numbers[i];
        row->product = (char *)(uintptr_t) "car";
        row->currency = (char *)(uintptr_t) "IDR";
        row->principal = (char *)(uintptr_t) "3500000";
        row->interest = (char *)(uintptr_t) "400000";
        row->penalty = (char *)(uintptr_t) "60000";
        row->fees = (char *)(uintptr_t) "40000";
        row->oldest_due_on = (char *)(uintptr_t) "2026-01-31";
        row->lat = (char *)(uintptr_t) "-7.8";
        row->lon = (char *)(uintptr_t) "110.36";
        file->list[i] = row;
    }
    file->request.file_hash = (ProtobufCBinaryData){sizeof file->hash, file->hash};
    file->request.as_of_on = (char *)(uintptr_t) "2026-03-01";
    file->request.rows = file->list;
    file->request.n_rows = 3;
}

static struct rig_answer import(const char *token, struct file *file) {
    return rig_call(&rig, token, "AccountService/ImportAccounts", &file->request);
}

static const Tagih__V1__ImportAccountsResponse *imported(struct file *file) {
    struct rig_answer a = import(boss, file);
    assert_answer(a, OK);
    return a.response;
}

//= RULES.md R-IMP-2
//  Each row gets a result; a bad row never stops the good ones
static void each_row_gets_its_result_and_a_repeat_the_same(void **state) {
    (void)state;
    struct file file;
    file_of(&file, "R", 1);
    file.rows[1].fees = (char *)(uintptr_t) "-1";
    static const char *const expected[2][3] = {{"NEW", "money.negative", "NEW"}, {"SAME", "money.negative", "SAME"}};
    for (int round = 0; round < 2; round++) {
        const Tagih__V1__ImportAccountsResponse *out = imported(&file);
        assert_int_equal(out->n_results, 3);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(out->results[i]->row, i + 1);
            assert_string_equal(out->results[i]->result, expected[round][i]);
            assert_int_equal(*out->results[i]->account_id != 0, i != 1);
        }
    }
    assert_int_equal(pg_number(&rig.pg, "select count(*) from account where account_no like 'R_'"), 2);
}

static void a_row_that_the_database_refuses_fails_alone(void **state) {
    (void)state;
    pg_exec(&rig.pg, "alter table account add constraint cursed check (account_no <> 'X2')");
    struct file file;
    file_of(&file, "X", 2);
    const Tagih__V1__ImportAccountsResponse *out = imported(&file);
    assert_string_equal(out->results[0]->result, "NEW");
    assert_string_equal(out->results[1]->result, "store.batch_broken");
    assert_string_equal(out->results[2]->result, "NEW");
    assert_string_equal(out->results[1]->account_id, "");
    pg_exec(&rig.pg, "alter table account drop constraint cursed");
    assert_string_equal(imported(&file)->results[1]->result, "NEW"); /* it was not stored as refused: a retry helps */
}

//= RULES.md R-ACC-1
//  Instalments (if the creditor sends a schedule) carry dues per component
static void a_schedule_is_kept_and_must_add_up(void **state) {
    (void)state;
    struct file file;
    Tagih__V1__Components dues[2];
    Tagih__V1__Instalment lines[2], *list[2] = {&lines[0], &lines[1]};
    file_of(&file, "S", 3);
    for (int i = 0; i < 2; i++) {
        tagih__v1__components__init(&dues[i]);
        tagih__v1__instalment__init(&lines[i]);
        dues[i].principal_minor = 175000000;
        dues[i].interest_minor = 20000000;
        dues[i].penalty_minor = 3000000;
        dues[i].fees_minor = 2000000;
        lines[i].number = 7 + i;
        lines[i].due_on = (char *)(uintptr_t)(i ? "2026-02-28" : "2026-01-31");
        lines[i].dues = &dues[i];
    }
    file.rows[0].instalments = file.rows[1].instalments = list;
    file.rows[0].n_instalments = file.rows[1].n_instalments = 2;
    file.rows[1].fees = (char *)(uintptr_t) "40001";
    const Tagih__V1__ImportAccountsResponse *out = imported(&file);
    assert_string_equal(out->results[0]->result, "NEW");
    assert_string_equal(out->results[1]->result, "import.sum");
    Tagih__V1__GetAccountRequest get = TAGIH__V1__GET_ACCOUNT_REQUEST__INIT;
    get.account_no = (char *)(uintptr_t) "S1";
    struct rig_answer a = rig_call(&rig, boss, "AccountService/GetAccount", &get);
    assert_answer(a, OK);
    const Tagih__V1__Account *account = ((const Tagih__V1__GetAccountResponse *)a.response)->account;
    assert_false(account->no_schedule);
    assert_int_equal(account->n_instalments, 2);
    assert_int_equal(account->instalments[0]->number, 7);
    assert_int_equal(account->instalments[1]->dues->principal_minor, 175000000);
    assert_int_equal(account->open->principal_minor, 350000000);
    assert_string_equal(account->status, "held");
    assert_string_equal(account->bucket, "B7");
}

static void what_is_no_batch_of_a_file_is_refused(void **state) {
    (void)state;
    struct file file;
    file_of(&file, "W", 4);
    assert_answer(import(sari, &file), NOT_PERMITTED);
    file.request.file_hash.len = 31;
    assert_answer(import(boss, &file), REQUEST_FIELD_RANGE);
    file_of(&file, "W", 4);
    file.rows[2].row = 2;
    assert_answer(import(boss, &file), REQUEST_FIELD_RANGE);
    file_of(&file, "W", 4);
    file.request.as_of_on = (char *)(uintptr_t) "2026-13-01";
    assert_answer(import(boss, &file), DATE_SYNTAX);
    file_of(&file, "W", 4);
    file.request.n_rows = 0;
    assert_answer(import(boss, &file), REQUEST_TOO_MANY);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from account where account_no like 'W_'"), 0);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static struct rig_answer get(const char *token, const char *id) {
    Tagih__V1__GetAccountRequest request = TAGIH__V1__GET_ACCOUNT_REQUEST__INIT;
    request.account_id = (char *)(uintptr_t)id;
    return rig_call(&rig, token, "AccountService/GetAccount", &request);
}

static void a_collector_sees_his_own_and_nothing_tells_another_from_none(void **state) {
    (void)state;
    account_id own = rig_account(&rig, agency, &(struct rig_account){.collector = collector});
    account_id other = rig_account(&rig, agency, &(struct rig_account){0});
    assert_answer(get(budi, rig_text(own.u)), OK);
    assert_answer(get(budi, rig_text(other.u)), NOT_PERMITTED);
    assert_answer(get(budi, rig_text(rig_id())), NOT_PERMITTED);
    assert_answer(get(sari, rig_text(other.u)), OK);
    assert_answer(get(foreign, rig_text(other.u)), NOT_PERMITTED);
    assert_answer(get(sari, "no-id"), ID_SYNTAX);
    assert_answer(get(sari, ""), REQUEST_FIELD_MISSING);
}

static struct rig_answer list(const char *token, const char *who, int32_t size, const char *page) {
    Tagih__V1__ListAccountsRequest request = TAGIH__V1__LIST_ACCOUNTS_REQUEST__INIT;
    request.collector_id = (char *)(uintptr_t)who;
    request.page_size = size;
    request.page_token = (char *)(uintptr_t)page;
    return rig_call(&rig, token, "AccountService/ListAccounts", &request);
}

static size_t walk(const char *token, const char *who) {
    size_t seen = 0;
    const char *page = "";
    char last[UUID_TEXT_SIZE] = "";
    do {
        struct rig_answer a = list(token, who, 3, page);
        assert_answer(a, OK);
        const Tagih__V1__ListAccountsResponse *out = a.response;
        for (size_t i = 0; i < out->n_accounts; i++) {
            assert_true(strcmp(last, out->accounts[i]->account_id) < 0);
            snprintf(last, sizeof last, "%s", out->accounts[i]->account_id);
        }
        seen += out->n_accounts;
        page = out->next_page_token;
    } while (*page);
    return seen;
}

static void lists_come_in_pages_without_loss_and_tokens_stay_with_their_list(void **state) {
    (void)state;
    user_id dewi = rig_user(&rig, agency, NULL, ROLE_COLLECTOR);
    char token[RIG_TOKEN_SIZE], id[UUID_TEXT_SIZE];
    snprintf(token, sizeof token, "%s", rig_staff_token(&rig, agency, dewi, 0));
    uuid_format(dewi.u, id);
    for (int i = 0; i < 7; i++) rig_account(&rig, agency, &(struct rig_account){.collector = dewi});
    assert_int_equal(walk(token, ""), 7);
    assert_int_equal(walk(sari, id), 7);
    char sql[120];
    snprintf(sql, sizeof sql, "select count(*) from account where agency_id = '%s'", rig_text(agency.u));
    assert_int_equal(walk(sari, ""), pg_number(&rig.pg, sql));
    const Tagih__V1__ListAccountsResponse *page = list(sari, id, 3, "").response;
    assert_answer(list(sari, "", 3, page->next_page_token), PAGE_TOKEN);
    assert_answer(list(boss, id, 3, page->next_page_token), PAGE_TOKEN);
    char bent[200];
    snprintf(bent, sizeof bent, "%s", page->next_page_token);
    bent[20] = bent[20] == 'A' ? 'B' : 'A';
    assert_answer(list(sari, id, 3, bent), PAGE_TOKEN);
    assert_answer(list(budi, id, 3, ""), NOT_PERMITTED);
}

static void the_timeline_tells_what_happened_in_order(void **state) {
    (void)state;
    struct file file;
    file_of(&file, "T", 5);
    const char *id = imported(&file)->results[0]->account_id;
    file_of(&file, "T", 6);
    file.request.as_of_on = (char *)(uintptr_t) "2026-03-02";
    file.rows[0].fees = (char *)(uintptr_t) "1";
    imported(&file);
    Tagih__V1__ListTimelineRequest request = TAGIH__V1__LIST_TIMELINE_REQUEST__INIT;
    request.account_id = (char *)(uintptr_t)id;
    request.page_size = 1;
    struct rig_answer a = rig_call(&rig, sari, "AccountService/ListTimeline", &request);
    assert_answer(a, OK);
    const Tagih__V1__ListTimelineResponse *out = a.response;
    assert_int_equal(out->n_items, 1);
    assert_string_equal(out->items[0]->kind, "account.imported");
    assert_string_equal(out->items[0]->text, "account.imported HELD: never seen before");
    request.page_token = out->next_page_token;
    a = rig_call(&rig, sari, "AccountService/ListTimeline", &request);
    out = a.response;
    assert_string_equal(out->items[0]->kind, "account.updated");
    assert_string_equal(out->next_page_token, "");
    request.page_token = (char *)(uintptr_t) "";
    assert_answer(rig_call(&rig, budi, "AccountService/ListTimeline", &request), NOT_PERMITTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_gets_its_result_and_a_repeat_the_same),
        cmocka_unit_test(a_row_that_the_database_refuses_fails_alone),
        cmocka_unit_test(a_schedule_is_kept_and_must_add_up),
        cmocka_unit_test(what_is_no_batch_of_a_file_is_refused),
        cmocka_unit_test(a_collector_sees_his_own_and_nothing_tells_another_from_none),
        cmocka_unit_test(lists_come_in_pages_without_loss_and_tokens_stay_with_their_list),
        cmocka_unit_test(the_timeline_tells_what_happened_in_order),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
