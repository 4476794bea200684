/* SPDX-License-Identifier: Apache-2.0 */
/* Money in suspense from the outside: coming in, listed, with hints and by age (R-PAY-2). At the end of every test the items
 * that wait sum to what the ledger says. */
#include "server/run/clock.h"
#include "tests/support/case.h"
#include "tests/support/teller.h"
#include "tests/support/writer.h"

#define SOURCE(name) TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_##name
#define REASON(name) TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_##name

static struct rig rig;
static struct teller teller;
static user_id collector;
static const user_id nobody;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    collector = rig_user(&rig, teller.agency, "budi", ROLE_COLLECTOR);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* Everything that waits is in the ledger's suspense, and nothing else is, agency by agency and currency by currency. */
static int suspense_adds_up(void **state) {
    (void)state;
    assert_int_equal(pg_number(&rig.pg, "select count(*) from"
                     " (select agency_id, currency, -sum(amount_minor) as minor from ledger_line where ledger_account = 18 group by 1, 2) l"
                     " full join (select agency_id, currency, sum(amount_minor) as minor from suspense_state where state = 2 group by 1, 2) s"
                     " using (agency_id, currency) where coalesce(l.minor, 0) <> coalesce(s.minor, 0)"), 0);
    return 0;
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

struct came {
    Tagih__V1__PaymentSource source; /* 0: BANK */
    const char *reference;           /* NULL: a new one */
    int64_t amount_minor;
    const char *currency, *payer, *note, *token;
    instant value;
};

static const char *token_of(user_id user) {
    return rig_staff_token(&rig, teller.agency, user, 0);
}

static struct rig_answer receive(const struct came *came) {
    char reference[UUID_TEXT_SIZE];
    uuid_format(rig_id(), reference);
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    amount.minor = came->amount_minor;
    amount.currency = (char *)(uintptr_t)(came->currency ? came->currency : "IDR");
    Tagih__V1__ReceiveSuspenseRequest request = TAGIH__V1__RECEIVE_SUSPENSE_REQUEST__INIT;
    request.source = came->source ? came->source : SOURCE(BANK);
    request.source_reference = came->reference ? (char *)(uintptr_t)came->reference : reference;
    request.amount = &amount;
    request.value_us = came->value.us ? came->value.us : clock_now().us - US_PER_MINUTE;
    if (came->payer) request.payer = (char *)(uintptr_t)came->payer;
    if (came->note) request.note = (char *)(uintptr_t)came->note;
    return rig_call(&rig, came->token ? came->token : token_of(teller.gateway), "SuspenseService/ReceiveSuspense", &request);
}

static const Tagih__V1__SuspenseItem *received(const struct came *came) {
    struct rig_answer answer = receive(came);
    assert_answer(answer, OK);
    return ((const Tagih__V1__ReceiveSuspenseResponse *)answer.response)->item;
}

static uuid id_of(const char *text) {
    uuid id;
    assert_ok(uuid_parse(text, &id));
    return id;
}

/* What the posting of an item moved on a ledger account; the posting has the item's id. */
static int64_t line(uuid item, enum ledger_account account) {
    char sql[300];
    snprintf(sql, sizeof sql, "select coalesce(sum(amount_minor), 0)::int8 from ledger_line where posting_id = '%%s' and ledger_account = %d", (int)account);
    return teller_number(&teller, sql, item);
}

static int64_t lines(uuid posting) {
    return teller_number(&teller, "select count(*) from ledger_line where posting_id = '%s'", posting);
}

static const Tagih__V1__ListSuspenseResponse *listed(int32_t page_size, const char *page_token) {
    Tagih__V1__ListSuspenseRequest request = TAGIH__V1__LIST_SUSPENSE_REQUEST__INIT;
    request.page_size = page_size;
    if (page_token) request.page_token = (char *)(uintptr_t)page_token;
    struct rig_answer answer = rig_call(&rig, token_of(teller.supervisor), "SuspenseService/ListSuspense", &request);
    assert_answer(answer, OK);
    return answer.response;
}

/* An item as the list shows it now; NULL: it does not wait. */
static const Tagih__V1__SuspenseItem *waiting(const char *item_id) {
    const char *page = NULL;
    do {
        const Tagih__V1__ListSuspenseResponse *list = listed(200, page);
        for (size_t i = 0; i < list->n_items; i++) {
            if (strcmp(list->items[i]->item_id, item_id) == 0) return list->items[i];
        }
        page = list->next_page_token;
    } while (*page);
    return NULL;
}

/* ---- coming in ------------------------------------------------------------------------------------------------ */

//= RULES.md R-PAY-2
//  RECEIVED → SUSPENSE
static void money_of_nobody_known_stands_in_suspense(void **state) {
    (void)state;
    instant value = teller_noon(-3);
    const Tagih__V1__SuspenseItem *item =
        received(&(struct came){.amount_minor = MINOR(1000000), .reference = "BANK-J20", .payer = "BCA 123", .note = "angsuran", .value = value});
    // J20: bank 1 000 000 · suspense 1 000 000
    uuid id = id_of(item->item_id);
    assert_int_equal(line(id, LEDGER_BANK), MINOR(1000000));
    assert_int_equal(line(id, LEDGER_SUSPENSE), -MINOR(1000000));
    assert_int_equal(lines(id), 2);
    assert_int_equal(item->state, TAGIH__V1__SUSPENSE_STATE__SUSPENSE_STATE_WAITING);
    assert_int_equal(item->origin, TAGIH__V1__SUSPENSE_ORIGIN__SUSPENSE_ORIGIN_CALL);
    assert_int_equal(item->source, SOURCE(BANK));
    assert_string_equal(item->source_reference, "BANK-J20");
    assert_string_equal(item->payer, "BCA 123");
    assert_string_equal(item->note, "angsuran");
    assert_int_equal(item->amount->minor, MINOR(1000000));
    assert_int_equal(item->value_us, value.us);
    assert_string_equal(item->account_id, "");
    assert_non_null(waiting(item->item_id));
    // J20, the other half: (or clearing) 1 000 000 · suspense 1 000 000
    item = received(&(struct came){.source = SOURCE(GATEWAY), .amount_minor = MINOR(1000000)});
    id = id_of(item->item_id);
    assert_int_equal(line(id, LEDGER_TRANSFER_CLEARING), MINOR(1000000));
    assert_int_equal(line(id, LEDGER_SUSPENSE), -MINOR(1000000));
    assert_int_equal(lines(id), 2);
    assert_int_equal(teller_number(&teller, "select count(*) from change where object_id = '%s' and kind = 34", id), 1);
}

//= RULES.md R-PAY-5
//  Payment identity = (agency, source, source reference), unique over all files and calls; the same reference with
//  other content is refused.
static void an_identity_is_one_item_or_one_payment_never_both(void **state) {
    (void)state;
    struct came came = {.source = SOURCE(GATEWAY), .reference = "GW-S1", .amount_minor = MINOR(5000), .value = teller_noon(-1)};
    const Tagih__V1__SuspenseItem *first = received(&came), *again = received(&came);
    assert_string_equal(first->item_id, again->item_id);
    struct came other = came;
    other.amount_minor++;
    assert_answer(receive(&other), PAYMENT_IDENTITY_REUSED);
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    teller_paid(&teller, account, &(struct paid){.reference = "GW-S2", .amount_minor = MINOR(5000), .value = teller_noon(-1)});
    came.reference = "GW-S2";
    assert_answer(receive(&came), PAYMENT_IDENTITY_REUSED);
    came.source = SOURCE(BRANCH); /* another source has references of its own */
    received(&came);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from suspense where source_reference like 'GW-S_'"), 2);
}

static void what_no_money_can_be_is_refused_with_its_field(void **state) {
    (void)state;
    static char long_note[502];
    memset(long_note, 'x', 501);
    const struct {
        struct came came;
        const char *reason, *field;
    } cases[] = {
        {{.amount_minor = 0}, "PAYMENT_AMOUNT", "amount.minor"},
        {{.amount_minor = -100}, "PAYMENT_AMOUNT", "amount.minor"},
        {{.amount_minor = MONEY_AMOUNT_MAX_MINOR + 1}, "PAYMENT_AMOUNT", "amount.minor"},
        {{.amount_minor = INT64_MAX}, "PAYMENT_AMOUNT", "amount.minor"},
        {{.amount_minor = 100, .currency = "XXQ"}, "MONEY_CURRENCY_UNKNOWN", "amount.currency"},
        {{.amount_minor = 100, .reference = ""}, "REQUEST_FIELD_MISSING", "source_reference"},
        {{.amount_minor = 100, .payer = "a\nb"}, "TEXT_INVALID", "payer"},
        {{.amount_minor = 100, .note = long_note}, "TEXT_INVALID", "note"},
        {{.amount_minor = 100, .source = SOURCE(FIELD)}, "REQUEST_FIELD_RANGE", "source"},
        {{.amount_minor = 100, .source = SOURCE(SUSPENSE)}, "REQUEST_FIELD_RANGE", "source"},
        {{.amount_minor = 100, .value = {1}}, "REQUEST_TIME", "value_us"},
        {{.amount_minor = 100, .value = {clock_now().us + 6 * US_PER_MINUTE}}, "PAYMENT_FUTURE", "value_us"},
    };
    int64_t before = pg_number(&rig.pg, "select count(*) from suspense");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rig_answer answer = receive(&cases[i].came);
        assert_string_equal(answer.reason, cases[i].reason);
        assert_string_equal(answer.field, cases[i].field);
    }
    assert_answer(receive(&(struct came){.amount_minor = 100, .token = token_of(collector)}), NOT_PERMITTED);
    assert_answer(receive(&(struct came){.amount_minor = 100, .token = token_of(teller.supervisor)}), NOT_PERMITTED);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from suspense"), before);
}

//= RULES.md R-PAY-2d
//  A reversal that leaves its money in suspense makes an item of its own, valued as the payment was
static void a_mispost_waits_in_suspense_as_an_item_of_its_own(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    instant value = teller_noon(-2);
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(5000000), .value = value});
    assert_answer(teller_reverse(&teller, payment, REASON(MISPOST)), OK);
    char sql[200];
    snprintf(sql, sizeof sql, "select item_id from suspense where trigger_id = '%s'", rig_text(payment.u));
    const Tagih__V1__SuspenseItem *item = waiting(pg_value(&rig.pg, sql));
    assert_non_null(item);
    assert_int_equal(item->origin, TAGIH__V1__SUSPENSE_ORIGIN__SUSPENSE_ORIGIN_REVERSAL);
    assert_int_equal(item->source, SOURCE(SUSPENSE));
    assert_int_equal(item->amount->minor, MINOR(5000000));
    assert_int_equal(item->value_us, value.us); /* it counts from when it was received */
    assert_string_equal(item->origin_id, rig_text(payment.u));
    assert_int_equal(item->n_matches, 0); /* it was taken back from there: nothing speaks for it */
    // J5: suspense 5 000 000, in the reversal's own posting
    assert_int_equal(line(id_of(item->item_id), LEDGER_SUSPENSE), -MINOR(5000000));
}

static void other_reversals_leave_nothing_in_suspense(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    int64_t before = pg_number(&rig.pg, "select count(*) from suspense");
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000)});
    assert_answer(teller_reverse(&teller, payment, REASON(NEVER_RECEIVED)), OK);
    payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000)});
    assert_answer(teller_reverse(&teller, payment, REASON(BANK_RECALL)), OK);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from suspense"), before);
}

/* ---- listed --------------------------------------------------------------------------------------------------- */

static const char *account_no(account_id account) {
    char sql[200];
    snprintf(sql, sizeof sql, "select account_no from account where account_id = '%s'", rig_text(account.u));
    return pg_value(&rig.pg, sql);
}

static const Tagih__V1__SuspenseMatch *match_of(const Tagih__V1__SuspenseItem *item, account_id account) {
    for (size_t i = 0; i < item->n_matches; i++) {
        if (strcmp(item->matches[i]->account_id, rig_text(account.u)) == 0) return item->matches[i];
    }
    return NULL;
}

//= RULES.md R-PAY-2b
//  Hints are ranked by the sum of the points of an account's different reasons, at most 100
static void an_item_names_the_accounts_that_it_may_belong_to_and_why(void **state) {
    (void)state;
    struct debt odd = {.due_minor = {[COMPONENT_PRINCIPAL] = MINOR(777123)}};
    account_id by_number = teller_account(&teller, nobody, &debt_j1, 1), by_amount = teller_account(&teller, nobody, &odd, 1);
    account_id by_customer = teller_account_of(&teller, "CUST-7711", nobody, &debt_j1, 1);
    account_id by_plate = teller_account(&teller, nobody, &debt_j1, 1), promised = teller_account(&teller, nobody, &debt_j1, 1);
    char sql[500], note[200];
    snprintf(sql, sizeof sql, "set session_replication_role = replica; update account set plate = 'B 1234 XYZ' where account_id = '%s';"
             " set session_replication_role = origin", rig_text(by_plate.u));
    pg_exec(&rig.pg, sql);
    snprintf(sql, sizeof sql, "insert into promise (agency_id, promise_id, account_id, amount_minor, currency, due_on, promiser, channel,"
             " value_us, received_us, flags) values ('%s', gen_random_uuid(), '%s', %lld, 'IDR', (now() at time zone 'Asia/Jakarta')::date + 3, 1, 1, 1, 1, 0)",
             rig_text(teller.agency.u), rig_text(promised.u), (long long)MINOR(777123));
    pg_exec(&rig.pg, sql);
    snprintf(note, sizeof note, "bayar %s dan cust-7711 utk b1234xyz", account_no(by_number));
    const Tagih__V1__SuspenseItem *item = received(&(struct came){.amount_minor = MINOR(777123), .note = note});
    item = waiting(item->item_id);
    assert_int_equal(item->n_matches, 5);
    assert_string_equal(item->matches[0]->account_id, rig_text(by_number.u));
    assert_int_equal(item->matches[0]->points, 90);
    assert_string_equal(item->matches[0]->reasons[0], "the text names this account's number");
    assert_string_equal(match_of(item, by_customer)->reasons[0], "the text names the number of this account's customer");
    assert_string_equal(match_of(item, by_plate)->reasons[0], "the text names the plate of this account's asset");
    assert_string_equal(match_of(item, promised)->reasons[0], "this amount was promised for this account");
    assert_string_equal(match_of(item, by_amount)->reasons[0], "an open instalment of this account has this amount");
    assert_string_equal(item->matches[4]->account_id, rig_text(by_amount.u));
}

static void an_amount_that_many_owe_names_nobody(void **state) {
    (void)state;
    struct debt common = {.due_minor = {[COMPONENT_PRINCIPAL] = MINOR(555555)}};
    for (int i = 0; i < 6; i++) teller_account(&teller, nobody, &common, 1);
    const Tagih__V1__SuspenseItem *item = received(&(struct came){.amount_minor = MINOR(555555)});
    assert_int_equal(waiting(item->item_id)->n_matches, 0);
}

static void hints_stay_within_the_agency(void **state) {
    (void)state;
    struct teller other;
    teller_open(&other, &rig, rig_agency(&rig, "Other"));
    account_id foreign = teller_account(&other, nobody, &debt_j1, 1);
    const Tagih__V1__SuspenseItem *item = received(&(struct came){.amount_minor = MINOR(4000000), .note = account_no(foreign)});
    assert_null(match_of(waiting(item->item_id), foreign));
    Tagih__V1__ListSuspenseRequest request = TAGIH__V1__LIST_SUSPENSE_REQUEST__INIT;
    struct rig_answer answer = rig_call(&rig, rig_staff_token(&rig, other.agency, other.supervisor, 0), "SuspenseService/ListSuspense", &request);
    assert_answer(answer, OK);
    assert_int_equal(((const Tagih__V1__ListSuspenseResponse *)answer.response)->n_items, 0);
    assert_answer(rig_call(&rig, token_of(collector), "SuspenseService/ListSuspense", &request), NOT_PERMITTED);
}

static void the_list_comes_in_pages_the_oldest_first(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) received(&(struct came){.amount_minor = 100, .value = teller_noon(-20 - i)});
    int64_t all = pg_number(&rig.pg, "select count(*) from suspense_state where state = 2"), seen = 0, last_us = INT64_MIN;
    const char *page = NULL;
    do {
        const Tagih__V1__ListSuspenseResponse *list = listed(2, page);
        assert_in_range(list->n_items, 1, 2);
        for (size_t i = 0; i < list->n_items; i++, seen++) {
            assert_true(list->items[i]->value_us >= last_us);
            last_us = list->items[i]->value_us;
        }
        page = list->next_page_token;
    } while (*page);
    assert_int_equal(seen, all);
    Tagih__V1__ListSuspenseRequest request = TAGIH__V1__LIST_SUSPENSE_REQUEST__INIT;
    request.page_token = (char *)(uintptr_t)"bm90aGluZw";
    assert_answer(rig_call(&rig, token_of(teller.supervisor), "SuspenseService/ListSuspense", &request), PAGE_TOKEN);
}

//= RULES.md R-PAY-2c
//  Ages of money in suspense, in days since it was received: 0–1, 2–7, 8–30, 31–90, over 90
static void what_waits_is_counted_by_age_and_currency(void **state) {
    (void)state;
    struct teller other;
    teller_open(&other, &rig, rig_agency(&rig, "Ages"));
    const struct {
        int in_days;
        int64_t amount_minor;
        const char *currency;
    } items[] = {{-1, 100, "IDR"}, {-2, 200, "IDR"}, {-7, 300, "IDR"}, {-8, 400, "IDR"}, {-91, 500, "IDR"}, {-3, 600, "USD"}};
    const char *token = rig_staff_token(&rig, other.agency, other.gateway, 0);
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        received(&(struct came){.amount_minor = items[i].amount_minor, .currency = items[i].currency, .token = token, .value = teller_noon(items[i].in_days)});
    }
    Tagih__V1__ReportSuspenseAgesRequest request = TAGIH__V1__REPORT_SUSPENSE_AGES_REQUEST__INIT;
    struct rig_answer answer = rig_call(&rig, rig_staff_token(&rig, other.agency, other.cashier, 0), "SuspenseService/ReportSuspenseAges", &request);
    assert_answer(answer, OK);
    const Tagih__V1__ReportSuspenseAgesResponse *report = answer.response;
    const struct {
        const char *currency;
        int32_t from, to;
        int64_t items, minor;
    } ages[] = {{"IDR", 0, 1, 1, 100}, {"IDR", 2, 7, 2, 500}, {"IDR", 8, 30, 1, 400}, {"IDR", 91, 0, 1, 500}, {"USD", 2, 7, 1, 600}};
    assert_int_equal(report->n_ages, COUNT_OF(ages));
    for (size_t i = 0; i < COUNT_OF(ages); i++) {
        assert_string_equal(report->ages[i]->currency, ages[i].currency);
        assert_int_equal(report->ages[i]->days_from, ages[i].from);
        assert_int_equal(report->ages[i]->days_to, ages[i].to);
        assert_int_equal(report->ages[i]->items, ages[i].items);
        assert_int_equal(report->ages[i]->amount->minor, ages[i].minor);
    }
    assert_int_equal(report->n_totals, 2);
    assert_int_equal(report->totals[0]->minor, 1500);
    assert_string_equal(report->totals[1]->currency, "USD");
    assert_int_equal(report->totals[1]->minor, 600);
}

#define HELD(test) cmocka_unit_test_teardown(test, suspense_adds_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        HELD(money_of_nobody_known_stands_in_suspense),
        HELD(an_identity_is_one_item_or_one_payment_never_both),
        HELD(what_no_money_can_be_is_refused_with_its_field),
        HELD(a_mispost_waits_in_suspense_as_an_item_of_its_own),
        HELD(other_reversals_leave_nothing_in_suspense),
        HELD(an_item_names_the_accounts_that_it_may_belong_to_and_why),
        HELD(an_amount_that_many_owe_names_nobody),
        HELD(hints_stay_within_the_agency),
        HELD(the_list_comes_in_pages_the_oldest_first),
        HELD(what_waits_is_counted_by_age_and_currency),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
