/* SPDX-License-Identifier: Apache-2.0 */
/* Money for specs. */
#include "tests/support/teller.h"

#include "server/run/clock.h"
#include "server/run/random.h"
#include "tests/support/case.h"

const struct debt debt_j1 = {.due_minor = {[COMPONENT_FEES] = MINOR(40000), [COMPONENT_PENALTY] = MINOR(60000),
                                           [COMPONENT_INTEREST] = MINOR(400000), [COMPONENT_PRINCIPAL] = MINOR(3500000)}};

#define JAKARTA_US (7 * INT64_C(3600000000))

void teller_open(struct teller *teller, struct rig *rig, agency_id agency) {
    *teller = (struct teller){.rig = rig, .agency = agency};
    teller->admin = rig_user(rig, agency, NULL, ROLE_ADMIN);
    teller->supervisor = rig_user(rig, agency, NULL, ROLE_SUPERVISOR);
    teller->second = rig_user(rig, agency, NULL, ROLE_SUPERVISOR);
    teller->cashier = rig_user(rig, agency, NULL, ROLE_CASHIER);
    teller->gateway = rig_user(rig, agency, NULL, ROLE_INTEGRATION);
}

/* ---- days ----------------------------------------------------------------------------------------------------- */

civil_date teller_today(void) {
    return (civil_date){(int32_t)((clock_now().us + JAKARTA_US) / US_PER_DAY)};
}

char *teller_day(int in_days) {
    static char texts[64][DATE_TEXT_SIZE];
    static unsigned next;
    char *text = texts[next++ % 64];
    date_format((civil_date){teller_today().days + in_days}, text);
    return text;
}

instant teller_noon(int in_days) {
    if (in_days == 0) return (instant){clock_now().us - US_PER_S};
    return (instant){(teller_today().days + in_days) * US_PER_DAY + US_PER_DAY / 2 - JAKARTA_US};
}

/* ---- accounts ------------------------------------------------------------------------------------------------- */

struct imported {
    Tagih__V1__AccountRow row;
    Tagih__V1__Instalment instalments[8];
    Tagih__V1__Components dues[8];
    Tagih__V1__Instalment *pointers[8];
    char sums[COMPONENT_COUNT][MONEY_TEXT_SIZE];
};

static int days_of(const struct debt *debt) {
    return debt->due_in == TODAY ? 0 : debt->due_in ? debt->due_in : -20;
}

static void fill_schedule(struct imported *in, const struct debt *debts, size_t n) {
    int64_t sum_minor[COMPONENT_COUNT] = {0};
    for (size_t i = 0; i < n; i++) {
        tagih__v1__instalment__init(&in->instalments[i]);
        tagih__v1__components__init(&in->dues[i]);
        in->dues[i].fees_minor = debts[i].due_minor[COMPONENT_FEES];
        in->dues[i].penalty_minor = debts[i].due_minor[COMPONENT_PENALTY];
        in->dues[i].interest_minor = debts[i].due_minor[COMPONENT_INTEREST];
        in->dues[i].principal_minor = debts[i].due_minor[COMPONENT_PRINCIPAL];
        in->instalments[i].number = (int32_t)i + 1;
        in->instalments[i].due_on = teller_day(days_of(&debts[i]));
        in->instalments[i].dues = &in->dues[i];
        in->pointers[i] = &in->instalments[i];
        for (int c = 0; c < COMPONENT_COUNT; c++) sum_minor[c] += debts[i].due_minor[c];
    }
    for (int c = 0; c < COMPONENT_COUNT; c++) money_format((struct money){sum_minor[c], {"IDR"}}, in->sums[c]);
    in->row.instalments = in->pointers;
    in->row.n_instalments = n;
}

static account_id import(struct teller *teller, const char *account_no, const char *customer_no, int as_of_in,
                         const struct debt *debts, size_t n) {
    struct imported in = {.row = TAGIH__V1__ACCOUNT_ROW__INIT};
    uint8_t hash[32];
    random_bytes(hash, sizeof hash);
    fill_schedule(&in, debts, n);
    Tagih__V1__AccountRow *row = &in.row;
    row->row = 1;
    row->account_no = (char *)(uintptr_t)account_no;
    row->customer_no = (char *)(uintptr_t)customer_no;
    row->product = (char *)(uintptr_t)"motorcycle";
    row->currency = (char *)(uintptr_t)"IDR";
    row->fees = in.sums[COMPONENT_FEES];
    row->penalty = in.sums[COMPONENT_PENALTY];
    row->interest = in.sums[COMPONENT_INTEREST];
    row->principal = in.sums[COMPONENT_PRINCIPAL];
    row->oldest_due_on = in.instalments[0].due_on;
    row->lat = (char *)(uintptr_t)"-6.1754";
    row->lon = (char *)(uintptr_t)"106.8272";
    row->rule_set = (char *)(uintptr_t)(teller->rule_set ? teller->rule_set : "");
    Tagih__V1__ImportAccountsRequest request = TAGIH__V1__IMPORT_ACCOUNTS_REQUEST__INIT;
    request.file_hash = (ProtobufCBinaryData){sizeof hash, hash};
    request.file_name = (char *)(uintptr_t)"spec.csv";
    request.as_of_on = teller_day(as_of_in);
    request.export_seq = teller->export_seq;
    request.rows = &row;
    request.n_rows = 1;
    struct rig_answer answer = rig_call(teller->rig, rig_staff_token(teller->rig, teller->agency, teller->admin, 0),
                                        "AccountService/ImportAccounts", &request);
    assert_answer(answer, OK);
    const Tagih__V1__ImportAccountsResponse *response = answer.response;
    assert_int_equal(response->n_results, 1);
    account_id account;
    if (!err_is_ok(uuid_parse(response->results[0]->account_id, &account.u))) {
        fail_msg("row refused: %s %s", response->results[0]->result, response->results[0]->text);
    }
    return account;
}

account_id teller_account_of(struct teller *teller, const char *customer_no, user_id collector, const struct debt *debts, size_t n) {
    account_id account = import(teller, rig_text(rig_id()), customer_no, -60, debts, n);
    if (uuid_is_nil(collector.u)) return account;
    char sql[300];
    snprintf(sql, sizeof sql, "update account_state set collector_id = '%s' where account_id = '%s'", rig_text(collector.u),
             rig_text(account.u));
    pg_exec(&teller->rig->pg, sql);
    return account;
}

account_id teller_account(struct teller *teller, user_id collector, const struct debt *debts, size_t n) {
    return teller_account_of(teller, rig_text(rig_id()), collector, debts, n);
}

void teller_snapshot(struct teller *teller, account_id account, int as_of_in, const struct debt *debts, size_t n) {
    char sql[300], account_no[64], customer_no[64];
    snprintf(sql, sizeof sql, "select account_no from account where account_id = '%s'", rig_text(account.u));
    snprintf(account_no, sizeof account_no, "%s", pg_value(&teller->rig->pg, sql));
    snprintf(sql, sizeof sql, "select customer_no from account join customer using (agency_id, customer_id)"
                              " where account_id = '%s'", rig_text(account.u));
    snprintf(customer_no, sizeof customer_no, "%s", pg_value(&teller->rig->pg, sql));
    import(teller, account_no, customer_no, as_of_in, debts, n);
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

static const char *token_of(struct teller *teller, user_id user) {
    return rig_staff_token(teller->rig, teller->agency, user, 0);
}

struct rig_answer teller_post(struct teller *teller, account_id account, const struct paid *paid) {
    char reference[UUID_TEXT_SIZE], account_text[UUID_TEXT_SIZE];
    uuid_format(rig_id(), reference);
    uuid_format(account.u, account_text);
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    amount.minor = paid->amount_minor;
    amount.currency = (char *)(uintptr_t)(paid->currency ? paid->currency : "IDR");
    Tagih__V1__PostPaymentRequest request = TAGIH__V1__POST_PAYMENT_REQUEST__INIT;
    request.account_id = account_text;
    request.source = paid->source ? paid->source : TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_GATEWAY;
    request.tag = paid->tag;
    request.source_reference = paid->reference ? (char *)(uintptr_t)paid->reference : reference;
    request.amount = &amount;
    request.value_us = paid->value.us ? paid->value.us : clock_now().us - US_PER_MINUTE;
    return rig_call(teller->rig, paid->token ? paid->token : token_of(teller, teller->gateway), "PaymentService/PostPayment",
                    &request);
}

payment_id teller_paid(struct teller *teller, account_id account, const struct paid *paid) {
    struct rig_answer answer = teller_post(teller, account, paid);
    assert_answer(answer, OK);
    payment_id payment;
    assert_ok(uuid_parse(((const Tagih__V1__PostPaymentResponse *)answer.response)->payment->payment_id, &payment.u));
    return payment;
}

struct rig_answer teller_get(struct teller *teller, const char *token, payment_id payment) {
    Tagih__V1__GetPaymentRequest request = TAGIH__V1__GET_PAYMENT_REQUEST__INIT;
    request.payment_id = (char *)(uintptr_t)rig_text(payment.u);
    return rig_call(teller->rig, token ? token : token_of(teller, teller->supervisor), "PaymentService/GetPayment", &request);
}

struct rig_answer teller_reverse(struct teller *teller, payment_id payment, Tagih__V1__ReversalReason reason) {
    struct rig_answer seen = teller_get(teller, NULL, payment);
    assert_answer(seen, OK);
    Tagih__V1__ReversePaymentRequest request = TAGIH__V1__REVERSE_PAYMENT_REQUEST__INIT;
    request.payment_id = (char *)(uintptr_t)rig_text(payment.u);
    request.reason = reason;
    request.request_id = (char *)(uintptr_t)rig_text(rig_id());
    request.etag = ((const Tagih__V1__GetPaymentResponse *)seen.response)->payment->etag;
    return rig_call(teller->rig, token_of(teller, teller->supervisor), "PaymentService/ReversePayment", &request);
}

/* ---- deciding ------------------------------------------------------------------------------------------------- */

struct rig_answer teller_decide(struct teller *teller, user_id decider, const char *proposal_id, bool approve) {
    Tagih__V1__GetProposalRequest get = TAGIH__V1__GET_PROPOSAL_REQUEST__INIT;
    get.proposal_id = (char *)(uintptr_t)proposal_id;
    struct rig_answer seen = rig_call(teller->rig, token_of(teller, teller->admin), "ApprovalService/GetProposal", &get);
    assert_answer(seen, OK);
    Tagih__V1__DecideProposalRequest request = TAGIH__V1__DECIDE_PROPOSAL_REQUEST__INIT;
    request.proposal_id = (char *)(uintptr_t)proposal_id;
    request.approve = approve;
    request.reason = (char *)(uintptr_t)(approve ? "seen and right" : "not like this");
    request.request_id = (char *)(uintptr_t)rig_text(rig_id());
    request.etag = ((const Tagih__V1__GetProposalResponse *)seen.response)->proposal->etag;
    return rig_call(teller->rig, token_of(teller, decider), "ApprovalService/DecideProposal", &request);
}

const char *teller_proposal(const struct rig_answer *answer) {
    assert_string_equal(answer->reason, "OK");
    const ProtobufCMessage *message = answer->response;
    const ProtobufCFieldDescriptor *first =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "proposal_id");
    assert_non_null(first);
    return *(char *const *)(const void *)((const char *)message + first->offset);
}

struct rig_answer teller_approve(struct teller *teller, const struct rig_answer *proposal) {
    return teller_decide(teller, teller->second, teller_proposal(proposal), true);
}

uuid teller_posting(const struct rig_answer *decided) {
    assert_string_equal(decided->reason, "OK");
    return rig_uuid(((const Tagih__V1__DecideProposalResponse *)decided->response)->proposal->decision->posting_id);
}

const Tagih__V1__BankRowResult *teller_bank_line(struct teller *teller, const char *line_reference, const char *amount,
                                                 const char *reference) {
    uint8_t hash[32];
    char own[UUID_TEXT_SIZE];
    random_bytes(hash, sizeof hash);
    uuid_format(rig_id(), own);
    Tagih__V1__BankRow row = TAGIH__V1__BANK_ROW__INIT, *rows = &row;
    row.row = 1;
    row.line_reference = line_reference ? (char *)(uintptr_t)line_reference : own;
    row.booked_on = teller_day(0);
    row.amount = (char *)(uintptr_t)amount;
    row.reference = (char *)(uintptr_t)reference;
    Tagih__V1__ImportStatementRequest request = TAGIH__V1__IMPORT_STATEMENT_REQUEST__INIT;
    request.file_hash = (ProtobufCBinaryData){sizeof hash, hash};
    request.bank_account = (char *)(uintptr_t)"BCA 1";
    request.currency = (char *)(uintptr_t)"IDR";
    request.rows = &rows;
    request.n_rows = 1;
    struct rig_answer answer = rig_call(teller->rig, token_of(teller, teller->cashier), "BankService/ImportStatement", &request);
    assert_answer(answer, OK);
    return ((const Tagih__V1__ImportStatementResponse *)answer.response)->results[0];
}

/* ---- looking -------------------------------------------------------------------------------------------------- */

int64_t teller_number(struct teller *teller, const char *sql, uuid id) {
    return rig_number(teller->rig, sql, id);
}

void assert_suspense_holds(struct rig *rig) {
    assert_int_equal(pg_number(&rig->pg,
                               "select count(*) from"
                               " (select agency_id, currency, -sum(amount_minor) as minor from ledger_line where "
                               "ledger_account = 18 group by 1, 2) l"
                               " full join (select agency_id, currency, sum(amount_minor) as minor from suspense_state "
                               "where state = 2 group by 1, 2) s"
                               " using (agency_id, currency) where coalesce(l.minor, 0) <> coalesce(s.minor, 0)"),
                     0);
}

int64_t teller_line(struct teller *teller, payment_id payment, int kind, enum ledger_account account) {
    char sql[400];
    snprintf(sql, sizeof sql,
             "select coalesce(sum(l.amount_minor), 0)::int8 from ledger_line l join posting p using (agency_id, posting_id)"
             " where p.trigger_id = '%%s' and p.kind = %d and l.ledger_account = %d", kind, (int)account);
    return teller_number(teller, sql, payment.u);
}

void teller_assert_moved(struct teller *teller, uuid trigger, int kind, const struct teller_amount *lines, size_t n) {
    char sql[300];
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(teller_line(teller, (payment_id){trigger}, kind, lines[i].account), MINOR(lines[i].rupiah));
    }
    snprintf(sql, sizeof sql, "select count(distinct l.ledger_account) from ledger_line l join posting p using (agency_id, posting_id)"
                              " where p.trigger_id = '%%s' and p.kind = %d", kind);
    assert_int_equal(teller_number(teller, sql, trigger), n);
}

int64_t teller_open_minor(struct teller *teller, account_id account) {
    return teller_number(teller, "select fees_minor + penalty_minor + interest_minor + principal_minor from account_state"
                                 " where account_id = '%s'", account.u);
}

int64_t teller_credit_minor(struct teller *teller, account_id account) {
    return teller_number(teller, "select credit_minor from account_state where account_id = '%s'", account.u);
}

int64_t teller_allocated(struct teller *teller, payment_id payment, int instalment_no) {
    char sql[500];
    snprintf(sql, sizeof sql,
             "select coalesce(sum(fees_minor + penalty_minor + interest_minor + principal_minor + credit_minor), 0)::int8"
             " from allocation a where payment_id = '%%s' and instalment_no = %d and version = (select max(version) from"
             " allocation where payment_id = a.payment_id)", instalment_no);
    return teller_number(teller, sql, payment.u);
}
