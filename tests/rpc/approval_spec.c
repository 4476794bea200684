/* SPDX-License-Identifier: Apache-2.0 */
/* Proposals and decisions from the outside, on refunds of credit: who may decide what, once, and nothing else. */
#include <pthread.h>

#include "server/rpc/approval.h"
#include "server/store/migrate.h"
#include "store_statements.h"
#include "tests/support/desk.h"

#define STATE(name) TAGIH__V1__PROPOSAL_STATE__PROPOSAL_STATE_##name
#define KIND(name) TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_##name

static const user_id nobody;

/* ---- what is proposed here ------------------------------------------------------------------------------------ */

/* An account with a credit of 1 000 000, and the payment that it comes from. */
static account_id credited(payment_id *payment) {
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    payment_id paid = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(5000000)});
    if (payment) *payment = paid;
    return account;
}

static struct rig_answer propose(user_id maker, account_id account, int64_t amount_minor) {
    Tagih__V1__RefundCreditRequest request = TAGIH__V1__REFUND_CREDIT_REQUEST__INIT;
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    amount.minor = amount_minor;
    amount.currency = TEXT("IDR");
    request.account_id = TEXT(rig_text(account.u));
    request.amount = &amount;
    request.reason = TEXT("he paid too much");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(maker), "AdjustmentService/RefundCredit", &request);
}

static const char *proposed(user_id maker, account_id account) {
    struct rig_answer answer = propose(maker, account, MINOR(1000000));
    assert_answer(answer, OK);
    return ((const Tagih__V1__RefundCreditResponse *)answer.response)->proposal_id;
}

static const Tagih__V1__Proposal *get(const char *proposal_id) {
    Tagih__V1__GetProposalRequest request = TAGIH__V1__GET_PROPOSAL_REQUEST__INIT;
    request.proposal_id = TEXT(proposal_id);
    struct rig_answer answer = rig_call(&rig, token(teller.admin), "ApprovalService/GetProposal", &request);
    assert_answer(answer, OK);
    return ((const Tagih__V1__GetProposalResponse *)answer.response)->proposal;
}

static const Tagih__V1__Proposal *decided(const struct rig_answer *answer) {
    assert_string_equal(answer->reason, "OK");
    return ((const Tagih__V1__DecideProposalResponse *)answer->response)->proposal;
}

static int64_t refunds(account_id account) {
    return teller_number(&teller, "select count(*) from posting where account_id = '%s' and kind = 7", account.u);
}

/* A decision with a request id and an etag of its own. */
static Tagih__V1__DecideProposalRequest decision(const char *proposal_id, const char *etag) {
    Tagih__V1__DecideProposalRequest request = TAGIH__V1__DECIDE_PROPOSAL_REQUEST__INIT;
    request.proposal_id = TEXT(proposal_id);
    request.approve = true;
    request.reason = TEXT("seen");
    request.etag = TEXT(etag);
    request.request_id = TEXT(rig_text(rig_id()));
    return request;
}

static struct rig_answer decide(const char *by, const Tagih__V1__DecideProposalRequest *request) {
    return rig_call(&rig, by, "ApprovalService/DecideProposal", request);
}

/* ---- maker and checker ---------------------------------------------------------------------------------------- */

//= RULES.md R-APR-1
//  nobody approves his own proposal, whatever roles he has; his own "no" takes it back.
static void nobody_approves_what_he_proposed(void **state) {
    (void)state;
    account_id account = credited(NULL);
    const char *id = proposed(teller.supervisor, account);
    assert_answer(teller_decide(&teller, teller.supervisor, id, true), PROPOSAL_OWN);
    assert_int_equal(get(id)->state, STATE(OPEN));
    struct rig_answer back = teller_decide(&teller, teller.supervisor, id, false);
    assert_int_equal(decided(&back)->state, STATE(WITHDRAWN));
    assert_answer(teller_decide(&teller, teller.second, id, true), PROPOSAL_DECIDED);
    assert_int_equal(refunds(account), 0);
    user_id both = rig_user(&rig, teller.agency, NULL, ROLE_SUPERVISOR | ROLE_ADMIN | ROLE_CASHIER);
    assert_answer(teller_decide(&teller, both, proposed(both, account), true), PROPOSAL_OWN);
}

//= RULES.md R-APR-1
//  What was asked for happens in the transaction of the approval, and the decision is a fact of its posting
static void a_second_person_approves_and_it_is_done(void **state) {
    (void)state;
    account_id account = credited(NULL);
    const char *id = proposed(teller.cashier, account);
    const Tagih__V1__Proposal *open = get(id);
    assert_int_equal(open->state, STATE(OPEN));
    assert_int_equal(open->kind, KIND(REFUND));
    assert_string_equal(open->account_id, rig_text(account.u));
    assert_string_equal(open->request_type, "tagih.v1.RefundCreditRequest");
    assert_string_equal(open->reason, "he paid too much");
    assert_string_equal(open->made_by, rig_text(teller.cashier.u));
    assert_int_equal(open->amount->minor, MINOR(1000000));
    assert_int_equal(open->expires_us - open->made_us, APPROVAL_DAYS * US_PER_DAY);
    assert_null(open->decision);
    Tagih__V1__RefundCreditRequest *request = tagih__v1__refund_credit_request__unpack(NULL, open->request.len, open->request.data);
    assert_non_null(request);
    assert_int_equal(request->amount->minor, MINOR(1000000));
    tagih__v1__refund_credit_request__free_unpacked(request, NULL);
    assert_int_equal(refunds(account), 0);
    struct rig_answer answer = teller_decide(&teller, teller.second, id, true);
    const Tagih__V1__Proposal *done = decided(&answer);
    assert_int_equal(done->state, STATE(APPROVED));
    assert_string_equal(done->decision->decided_by, rig_text(teller.second.u));
    assert_string_equal(done->decision->reason, "seen and right");
    assert_int_equal(refunds(account), 1);
    assert_int_equal(teller_number(&teller, "select kind from posting where posting_id = '%s'", rig_uuid(id)), 10);
    assert_int_equal(
        teller_number(&teller, "select kind from posting where posting_id = '%s'", rig_uuid(done->decision->posting_id)), 7);
    assert_int_equal(
        teller_number(&teller, "select count(*) from change where object_id = '%s' and kind in (80, 81)", rig_uuid(id)), 2);
}

//= RULES.md R-APR-1
//  a refusal has a posting of its own
static void a_refusal_is_kept_and_nothing_happens(void **state) {
    (void)state;
    account_id account = credited(NULL);
    const char *id = proposed(teller.supervisor, account);
    struct rig_answer answer = teller_decide(&teller, teller.second, id, false);
    assert_int_equal(decided(&answer)->state, STATE(REFUSED));
    assert_string_equal(get(id)->decision->reason, "not like this");
    assert_int_equal(
        teller_number(&teller, "select kind from posting where posting_id = '%s'", rig_uuid(get(id)->decision->posting_id)),
        11);
    assert_int_equal(refunds(account), 0);
    assert_int_equal(teller_credit_minor(&teller, account), MINOR(1000000));
    proposed(teller.supervisor, account); /* it may be proposed again */
}

//= RULES.md R-APR-1
//  A proposal is decided once, by a person whose roles decide its kind
static void others_neither_decide_nor_learn_of_it(void **state) {
    (void)state;
    account_id account = credited(NULL);
    const char *id = proposed(teller.cashier, account);
    user_id cashier = rig_user(&rig, teller.agency, NULL, ROLE_CASHIER), auditor = rig_user(&rig, teller.agency, NULL, ROLE_AUDITOR);
    assert_answer(teller_decide(&teller, cashier, id, true), NOT_PERMITTED);
    assert_answer(teller_decide(&teller, cashier, id, false), NOT_PERMITTED);
    assert_answer(teller_decide(&teller, auditor, id, true), NOT_PERMITTED);
    assert_answer(teller_decide(&teller, rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR), id, true), NOT_PERMITTED);
    agency_id foreign = rig_agency(&rig, "Other");
    const char *stranger = rig_staff_token(&rig, foreign, rig_user(&rig, foreign, NULL, ROLE_SUPERVISOR), 0);
    Tagih__V1__GetProposalRequest request = TAGIH__V1__GET_PROPOSAL_REQUEST__INIT;
    request.proposal_id = TEXT(id);
    assert_answer(rig_call(&rig, stranger, "ApprovalService/GetProposal", &request), NOT_PERMITTED);
    Tagih__V1__DecideProposalRequest foreign_one = decision(id, get(id)->etag), none = decision(rig_text(rig_id()), "x");
    assert_answer(decide(stranger, &foreign_one), NOT_PERMITTED);
    assert_answer(decide(token(teller.second), &none), NOT_PERMITTED);
    assert_int_equal(get(id)->state, STATE(OPEN));
    assert_answer(teller_decide(&teller, teller.cashier, id, false), OK); /* its maker may always take it back */
}

/* ---- once ----------------------------------------------------------------------------------------------------- */

//= RULES.md R-APR-1
//  A proposal is decided once
static void the_same_decision_again_is_the_first_one(void **state) {
    (void)state;
    account_id account = credited(NULL);
    const char *id = proposed(teller.supervisor, account);
    Tagih__V1__DecideProposalRequest blind = decision(id, "0123456789abcdef"), seen = decision(id, get(id)->etag);
    assert_answer(decide(token(teller.second), &blind), PROPOSAL_CHANGED);
    struct rig_answer first = decide(token(teller.second), &seen), again = decide(token(teller.second), &seen);
    assert_string_equal(decided(&again)->decision->posting_id, decided(&first)->decision->posting_id);
    assert_int_equal(again.response_bytes, first.response_bytes);
    seen.approve = false;
    assert_answer(decide(token(teller.second), &seen), REQUEST_ID_REUSED);
    assert_answer(teller_decide(&teller, teller.second, id, false), PROPOSAL_DECIDED);
    assert_answer(teller_decide(&teller, teller.admin, id, true), PROPOSAL_DECIDED);
    assert_int_equal(refunds(account), 1);
}

struct decider {
    char token[RIG_TOKEN_SIZE], request_id[UUID_TEXT_SIZE];
    Tagih__V1__DecideProposalRequest request;
    struct rig_answer answer;
};

static void *decide_now(void *context) {
    struct decider *decider = context;
    decider->answer = decide(decider->token, &decider->request);
    return NULL;
}

//= RULES.md R-APR-1
//  A proposal is decided once
static void of_eight_deciders_at_once_one_decides(void **state) {
    (void)state;
    account_id account = credited(NULL);
    const char *id = proposed(teller.cashier, account);
    static struct decider deciders[8];
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++) {
        snprintf(deciders[i].token, sizeof deciders[i].token, "%s", token(rig_user(&rig, teller.agency, NULL, ROLE_SUPERVISOR)));
        deciders[i].request = decision(id, get(id)->etag);
        uuid_format(rig_id(), deciders[i].request_id);
        deciders[i].request.request_id = deciders[i].request_id;
    }
    for (size_t i = 0; i < 8; i++) pthread_create(&threads[i], NULL, decide_now, &deciders[i]);
    size_t done = 0;
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        if (strcmp(deciders[i].answer.reason, "OK") == 0) done++;
        else assert_answer(deciders[i].answer, PROPOSAL_DECIDED);
    }
    assert_int_equal(done, 1);
    assert_int_equal(refunds(account), 1);
    assert_int_equal(teller_credit_minor(&teller, account), 0);
}

//= RULES.md R-APR-1
//  At most one proposal of a kind about one subject is open.
static void the_same_is_not_proposed_twice(void **state) {
    (void)state;
    account_id account = credited(NULL);
    const char *id = proposed(teller.cashier, account);
    assert_answer(propose(teller.supervisor, account, 100), PROPOSAL_EXISTS);
    assert_answer(propose(teller.cashier, account, MINOR(1000000)), PROPOSAL_EXISTS);
    assert_int_equal(teller_number(&teller, "select count(*) from proposal where account_id = '%s'", account.u), 1);
    assert_answer(teller_decide(&teller, teller.cashier, id, false), OK);
    assert_answer(propose(teller.supervisor, account, 100), OK);
}

/* ---- later ---------------------------------------------------------------------------------------------------- */

//= RULES.md R-APR-1
//  When it is no longer possible the approval fails with the reason, and the proposal stays open.
static void what_is_no_longer_possible_stays_open(void **state) {
    (void)state;
    payment_id payment;
    account_id account = credited(&payment);
    const char *id = proposed(teller.cashier, account);
    assert_answer(teller_reverse(&teller, payment, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    assert_answer(teller_decide(&teller, teller.second, id, true), ADJUSTMENT_CREDIT);
    assert_int_equal(get(id)->state, STATE(OPEN));
    assert_int_equal(refunds(account), 0);
    assert_int_equal(teller_number(&teller, "select count(*) from proposal_decision where proposal_id = '%s'", rig_uuid(id)),
                     0);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(5000000)});
    assert_answer(teller_decide(&teller, teller.second, id, true), OK);
    assert_int_equal(refunds(account), 1);
}

static const Tagih__V1__ListProposalsResponse *list(Tagih__V1__ProposalState which, Tagih__V1__ProposalKind kind,
                                                    int32_t page_size, const char *page_token) {
    Tagih__V1__ListProposalsRequest request = TAGIH__V1__LIST_PROPOSALS_REQUEST__INIT;
    request.state = which;
    request.kind = kind;
    request.page_size = page_size;
    request.page_token = TEXT(page_token);
    struct rig_answer answer = rig_call(&rig, token(teller.admin), "ApprovalService/ListProposals", &request);
    assert_answer(answer, OK);
    return answer.response;
}

static bool lists(Tagih__V1__ProposalState which, const char *id) {
    const char *page_token = "";
    do {
        const Tagih__V1__ListProposalsResponse *page = list(which, KIND(UNSPECIFIED), 200, page_token);
        for (size_t i = 0; i < page->n_proposals; i++) {
            if (strcmp(page->proposals[i]->proposal_id, id) == 0) return true;
        }
        page_token = page->next_page_token;
    } while (*page_token);
    return false;
}

//= RULES.md R-APR-1
//  After 14 days **(default)** it has expired.
static void nobody_decides_after_two_weeks(void **state) {
    (void)state;
    account_id account = credited(NULL);
    const char *id = proposed(teller.cashier, account);
    assert_true(lists(STATE(UNSPECIFIED), id));
    char sql[600];
    snprintf(sql, sizeof sql,
             "alter table proposal disable trigger fact;"
             "update proposal set expires_us = %lld where proposal_id = '%s';"
             "update proposal_state set expires_us = %lld where proposal_id = '%s';"
             "alter table proposal enable trigger fact",
             (long long)clock_now().us - 1, id, (long long)clock_now().us - 1, id);
    pg_exec(&rig.pg, sql);
    assert_int_equal(get(id)->state, STATE(EXPIRED));
    assert_false(lists(STATE(OPEN), id));
    assert_true(lists(STATE(EXPIRED), id));
    assert_answer(teller_decide(&teller, teller.second, id, true), PROPOSAL_EXPIRED);
    assert_answer(propose(teller.supervisor, account, MINOR(1000000)), OK);
}

static void proposals_are_listed_page_by_page(void **state) {
    (void)state;
    size_t n = 0;
    char last[UUID_TEXT_SIZE] = "";
    int64_t made_us = 0;
    for (int i = 0; i < 5; i++) proposed(teller.cashier, credited(NULL));
    char sql[200];
    snprintf(sql, sizeof sql, "select count(*) from proposal_state where state = 1 and expires_us > %lld", (long long)clock_now().us);
    int64_t open = pg_number(&rig.pg, sql);
    const char *page_token = "";
    do {
        const Tagih__V1__ListProposalsResponse *page = list(STATE(OPEN), KIND(REFUND), 2, page_token);
        for (size_t i = 0; i < page->n_proposals; i++) {
            const Tagih__V1__Proposal *each = page->proposals[i];
            assert_string_not_equal(each->proposal_id, last);
            assert_true(each->made_us >= made_us);
            assert_int_equal(each->request.len, 0);
            made_us = each->made_us;
            snprintf(last, sizeof last, "%s", each->proposal_id);
        }
        n += page->n_proposals;
        page_token = page->next_page_token;
    } while (*page_token);
    assert_int_equal(n, open);
    assert_int_equal(list(STATE(OPEN), KIND(MONTH_CLOSE), 2, "")->n_proposals, 0);
    Tagih__V1__ListProposalsRequest other = TAGIH__V1__LIST_PROPOSALS_REQUEST__INIT;
    other.page_token = list(STATE(OPEN), KIND(REFUND), 2, "")->next_page_token;
    assert_answer(rig_call(&rig, token(teller.admin), "ApprovalService/ListProposals", &other), PAGE_TOKEN);
}

static void a_decision_without_its_fields_is_refused(void **state) {
    (void)state;
    Tagih__V1__DecideProposalRequest request = decision(rig_text(rig_id()), "x");
    request.reason = TEXT("");
    struct rig_answer answer = decide(token(teller.second), &request);
    assert_answer(answer, REQUEST_FIELD_MISSING);
    assert_string_equal(answer.field, "reason");
    request.reason = TEXT("a\nb");
    assert_answer(decide(token(teller.second), &request), TEXT_INVALID);
    request = decision("7", "x");
    assert_answer(decide(token(teller.second), &request), ID_SYNTAX);
}

/* ---- from the inside ------------------------------------------------------------------------------------------ */

static void every_kind_is_listed_once_and_is_whole(void **state) {
    (void)state;
    for (size_t i = 0; approval_kinds[i]; i++) {
        const struct approval_kind *kind = approval_kinds[i];
        assert_true(kind->number > 0 && kind->name && kind->roles_decide && kind->request && kind->execute);
        assert_non_null(protobuf_c_enum_descriptor_get_value(&tagih__v1__proposal_kind__descriptor, (int)kind->number));
        assert_ptr_equal(approval_kind_find((int)kind->number), kind); /* the first of its number */
    }
    assert_null(approval_kind_find(0));
}

static uint8_t memory[1 << 20];

static tagih_err propose_this(struct tx *tx, void *context) {
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    struct rpc_item item = {.caller.user = teller.supervisor};
    struct rpc_batch batch = {.tx = tx, .arena = &arena, .agency = teller.agency, .now = clock_now(), .writer = 7002};
    struct approval_making making = {.kind = KIND(REFUND), .subject = rig_id(), .request = context};
    uuid id;
    return approval_propose(&batch, &item, &making, &id);
}

//= RULES.md R-APR-1
//  its request, at most 8 KiB
static void a_proposal_is_at_most_8_kib_long(void **state) {
    (void)state;
    static char text[APPROVAL_REQUEST_MAX + 1];
    memset(text, 'x', sizeof text - 1);
    Tagih__V1__RefundCreditRequest request = TAGIH__V1__REFUND_CREDIT_REQUEST__INIT;
    request.reason = text;
    struct db db;
    struct db_options options = {.conninfo = rig.app_conninfo, .worker = "proposer", .statements = &store_statements,
                                 .schema_version = migrate_version(&migrations_embedded)};
    assert_ok(db_open(&db, &options));
    struct tx_options tx = {.agency = teller.agency, .deadline_us = clock_monotonic_us() + 10 * US_PER_S, .name = "propose"};
    assert_fails(tx_run(&db, &tx, propose_this, &request), PROPOSAL_TOO_LARGE);
    text[APPROVAL_REQUEST_MAX - 3] = '\0'; /* with its tag and length: 8 192 bytes */
    assert_ok(tx_run(&db, &tx, propose_this, &request));
    db_release(&db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_approves_what_he_proposed),
        cmocka_unit_test(a_second_person_approves_and_it_is_done),
        cmocka_unit_test(a_refusal_is_kept_and_nothing_happens),
        cmocka_unit_test(others_neither_decide_nor_learn_of_it),
        cmocka_unit_test(the_same_decision_again_is_the_first_one),
        cmocka_unit_test(of_eight_deciders_at_once_one_decides),
        cmocka_unit_test(the_same_is_not_proposed_twice),
        cmocka_unit_test(what_is_no_longer_possible_stays_open),
        cmocka_unit_test(nobody_decides_after_two_weeks),
        cmocka_unit_test(proposals_are_listed_page_by_page),
        cmocka_unit_test(a_decision_without_its_fields_is_refused),
        cmocka_unit_test(every_kind_is_listed_once_and_is_whole),
        cmocka_unit_test(a_proposal_is_at_most_8_kib_long),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
