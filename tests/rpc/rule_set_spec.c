/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule sets from the outside: an agency's own, version by version and by two people, and accounts that get another one, with
 * payments before and behind the change in every order. The pure part: domain/rule_set_spec.c.
 */
#include "tests/support/desk.h"
#include "tests/support/verifier.h"

/* Principal first, whatever is past due. */
#define PRINCIPAL_FIRST "past.principal now.principal past.interest now.interest past.fees now.fees past.penalty now.penalty"
/* Fees of everything, then the rest; in advance too. */
#define FEES_APART "past.fees now.fees; past.principal now.principal past.interest now.interest past.penalty now.penalty" \
                   " advance.principal advance.interest advance.fees advance.penalty"

static struct teller others; /* another agency */
static const user_id nobody;

static int open_rig(void **state) {
    open_desk(state);
    teller_open(&others, &rig, rig_agency(&rig, "Others"));
    return 0;
}

/* ---- calls ---------------------------------------------------------------------------------------------------------- */

struct proposed {
    Tagih__V1__ProposeRuleSetRequest request;
    Tagih__V1__RuleSet set;
    Tagih__V1__RuleStep steps[RULE_STEPS_MAX + 1], *pointers[RULE_STEPS_MAX + 1];
};

/* `out` points into itself. */
static void fill(struct proposed *out, const char *name, int32_t version, const char *steps) {
    struct rule_set rules;
    assert_ok(rule_steps_parse(bytes_text(steps), &rules));
    *out = (struct proposed){.request = TAGIH__V1__PROPOSE_RULE_SET_REQUEST__INIT, .set = TAGIH__V1__RULE_SET__INIT};
    out->request.rule_set = &out->set;
    out->request.reason = TEXT("the contract of March");
    out->request.request_id = TEXT(rig_text(rig_id()));
    out->set.name = TEXT(name);
    out->set.version = version;
    out->set.direction = TAGIH__V1__ALLOCATION_DIRECTION__ALLOCATION_DIRECTION_VERTICAL;
    out->set.advance = strstr(steps, "advance") ? TAGIH__V1__ADVANCE_RULE__ADVANCE_RULE_LAST_INSTALMENT : TAGIH__V1__ADVANCE_RULE__ADVANCE_RULE_CREDIT;
    out->set.steps = out->pointers;
    out->set.n_steps = rules.n_steps;
    for (size_t i = 0; i < rules.n_steps; i++) {
        tagih__v1__rule_step__init(&out->steps[i]);
        out->steps[i].due = (Tagih__V1__DueClass)(rules.steps[i].due + 1);
        out->steps[i].component = (Tagih__V1__DebtComponent)(rules.steps[i].component + 1);
        out->steps[i].phase = rules.steps[i].phase;
    }
    for (size_t i = 0; i <= RULE_STEPS_MAX; i++) out->pointers[i] = &out->steps[i];
}

static struct rig_answer propose_of(struct teller *of, struct proposed *p) {
    return rig_call(&rig, rig_staff_token(&rig, of->agency, of->supervisor, 0), "RuleSetService/ProposeRuleSet", &p->request);
}

static struct rig_answer propose(const char *name, int32_t version, const char *steps) {
    struct proposed p;
    fill(&p, name, version, steps);
    return propose_of(&teller, &p);
}

static struct rig_answer get(const char *caller, const char *name, int32_t version) {
    Tagih__V1__GetRuleSetRequest request = TAGIH__V1__GET_RULE_SET_REQUEST__INIT;
    request.name = TEXT(name);
    request.version = version;
    return rig_call(&rig, caller, "RuleSetService/GetRuleSet", &request);
}

static struct rig_answer change_as(const char *caller, account_id account, const char *name, int32_t version, char *value_on) {
    Tagih__V1__ChangeAccountRuleSetRequest request = TAGIH__V1__CHANGE_ACCOUNT_RULE_SET_REQUEST__INIT;
    request.account_id = TEXT(rig_text(account.u));
    request.name = TEXT(name);
    request.version = version;
    request.value_on = value_on;
    request.reason = TEXT("agreed with the creditor");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, caller, "RuleSetService/ChangeAccountRuleSet", &request);
}

static struct rig_answer change(account_id account, const char *name, int32_t version, int in_days) {
    return change_as(token(teller.supervisor), account, name, version, teller_day(in_days));
}

static const Tagih__V1__Account *account_now(account_id account) {
    Tagih__V1__GetAccountRequest request = TAGIH__V1__GET_ACCOUNT_REQUEST__INIT;
    request.account_id = TEXT(rig_text(account.u));
    struct rig_answer answer = rig_call(&rig, token(teller.supervisor), "AccountService/GetAccount", &request);
    assert_answer(answer, OK);
    return ((const Tagih__V1__GetAccountResponse *)answer.response)->account;
}

/* ---- an agency's own ------------------------------------------------------------------------------------------------ */

//= RULES.md R-ALL-2a
//  An agency makes rule sets of its own, version by version, each proposed by one person and approved by another; a version
//  never changes.
static void a_version_is_made_by_two_people_and_never_changes(void **state) {
    (void)state;
    struct rig_answer first = propose("acme-npl", 1, PRINCIPAL_FIRST);
    assert_answer(get(token(teller.second), "acme-npl", 1), RULE_SET_UNKNOWN); /* not before it is approved */
    assert_answer(propose("acme-npl", 1, PRINCIPAL_FIRST), PROPOSAL_EXISTS);
    assert_answer(teller_decide(&teller, teller.supervisor, proposal_of(first), true), PROPOSAL_OWN);
    approved(first);
    approved(propose("acme-npl", 2, FEES_APART));
    struct rig_answer answer = get(token(teller.second), "acme-npl", 1);
    assert_answer(answer, OK);
    const Tagih__V1__RuleSet *set = ((const Tagih__V1__GetRuleSetResponse *)answer.response)->rule_set;
    assert_int_equal(set->version, 1);
    assert_int_equal(set->n_steps, 8);
    assert_int_equal(set->steps[0]->component, TAGIH__V1__DEBT_COMPONENT__DEBT_COMPONENT_PRINCIPAL);
    assert_int_equal(set->direction, TAGIH__V1__ALLOCATION_DIRECTION__ALLOCATION_DIRECTION_VERTICAL);
    assert_int_equal(set->advance, TAGIH__V1__ADVANCE_RULE__ADVANCE_RULE_CREDIT);
    assert_string_equal(set->made_by, rig_text(teller.supervisor.u));
    assert_string_equal(set->approved_by, rig_text(teller.second.u));
    assert_string_equal(set->reason, "the contract of March");
    assert_false(set->preset);
    set = ((const Tagih__V1__GetRuleSetResponse *)get(token(teller.second), "acme-npl", 0).response)->rule_set;
    assert_int_equal(set->version, 2);
    assert_int_equal(set->n_steps, 12);
    assert_int_equal(set->steps[1]->phase, 0);
    assert_int_equal(set->steps[2]->phase, 1);
    set = ((const Tagih__V1__GetRuleSetResponse *)get(token(teller.second), "in-rbi", 0).response)->rule_set;
    assert_true(set->preset);
    assert_int_equal(set->n_steps, 12);
    assert_string_equal(set->made_by, "");
}

//= RULES.md R-ALL-2a
//  Versions of a name count 1, 2, 3 … without a gap, up to 10 000.
static void a_version_is_one_more_than_the_newest(void **state) {
    (void)state;
    assert_answer(propose("acme-gap", 2, PRINCIPAL_FIRST), RULE_SET_VERSION);
    approved(propose("acme-gap", 1, PRINCIPAL_FIRST));
    assert_answer(propose("acme-gap", 1, FEES_APART), RULE_SET_VERSION);
    assert_answer(propose("acme-gap", 3, FEES_APART), RULE_SET_VERSION);
    assert_answer(propose("acme-gap", 0, FEES_APART), REQUEST_FIELD_RANGE);
    assert_answer(propose("acme-gap", RULE_SET_VERSION_MAX + 1, FEES_APART), REQUEST_FIELD_RANGE);
    struct rig_answer refused = propose("acme-gap", 2, FEES_APART);
    assert_answer(teller_decide(&teller, teller.second, proposal_of(refused), false), OK);
    approved(propose("acme-gap", 2, PRINCIPAL_FIRST)); /* what was refused has no number */
}

//= RULES.md R-ALL-2a
//  Past due and due of each component stand in it exactly once; in advance likewise where such money pays an instalment,
//  and never where it becomes credit.
static void a_list_with_a_hole_or_a_repeat_is_refused(void **state) {
    (void)state;
    struct proposed p;
    assert_answer(propose("acme-bad", 1, "past.fees now.fees"), ALLOCATION_RULES);
    assert_answer(propose("acme-bad", 1, PRINCIPAL_FIRST " past.fees"), ALLOCATION_RULES);
    assert_answer(propose("acme-bad", 1, PRINCIPAL_FIRST " advance.fees"), ALLOCATION_RULES);
    assert_answer(propose("acme-bad", 1, ""), ALLOCATION_RULES);
    fill(&p, "acme-bad", 1, PRINCIPAL_FIRST);
    p.set.advance = TAGIH__V1__ADVANCE_RULE__ADVANCE_RULE_NEXT_INSTALMENT;
    assert_answer(propose_of(&teller, &p), ALLOCATION_RULES);
    fill(&p, "acme-bad", 1, FEES_APART);
    p.set.advance = TAGIH__V1__ADVANCE_RULE__ADVANCE_RULE_CREDIT;
    assert_answer(propose_of(&teller, &p), ALLOCATION_RULES);
    fill(&p, "acme-bad", 1, FEES_APART);
    p.set.advance = (Tagih__V1__AdvanceRule)9;
    assert_answer(propose_of(&teller, &p), REQUEST_ENUM);
    fill(&p, "acme-bad", 1, FEES_APART);
    p.set.direction = TAGIH__V1__ALLOCATION_DIRECTION__ALLOCATION_DIRECTION_UNSPECIFIED;
    assert_answer(propose_of(&teller, &p), ALLOCATION_RULES);
    fill(&p, "acme-bad", 1, FEES_APART);
    p.steps[3].component = (Tagih__V1__DebtComponent)5;
    assert_answer(propose_of(&teller, &p), REQUEST_ENUM);
    fill(&p, "acme-bad", 1, FEES_APART);
    p.steps[3].component = TAGIH__V1__DEBT_COMPONENT__DEBT_COMPONENT_UNSPECIFIED;
    assert_answer(propose_of(&teller, &p), ALLOCATION_RULES);
    fill(&p, "acme-bad", 1, FEES_APART);
    p.steps[3].due = TAGIH__V1__DUE_CLASS__DUE_CLASS_UNSPECIFIED;
    assert_answer(propose_of(&teller, &p), ALLOCATION_RULES);
    fill(&p, "acme-bad", 1, FEES_APART);
    p.steps[5].phase = 0; /* it falls */
    assert_answer(propose_of(&teller, &p), ALLOCATION_RULES);
    fill(&p, "acme-bad", 1, FEES_APART);
    p.steps[11].phase = 300;
    assert_answer(propose_of(&teller, &p), ALLOCATION_RULES);
    fill(&p, "acme-bad", 1, FEES_APART);
    tagih__v1__rule_step__init(&p.steps[RULE_STEPS_MAX]);
    p.set.n_steps = RULE_STEPS_MAX + 1;
    assert_answer(propose_of(&teller, &p), ALLOCATION_RULES);
    fill(&p, "acme-bad", 1, FEES_APART);
    p.request.rule_set = NULL;
    assert_answer(propose_of(&teller, &p), REQUEST_FIELD_MISSING);
    assert_answer(propose("Acme", 1, PRINCIPAL_FIRST), RULE_SET_NAME);
    assert_answer(propose("id-default", 2, PRINCIPAL_FIRST), RULE_SET_RESERVED);
}

static void rule_sets_are_listed_page_by_page(void **state) {
    (void)state;
    Tagih__V1__ListRuleSetsRequest request = TAGIH__V1__LIST_RULE_SETS_REQUEST__INIT;
    int64_t all = pg_number(&rig.pg, "select count(*) from rule_set"), seen = 0;
    char last[64] = "", each[64];
    request.page_size = 1;
    do {
        struct rig_answer answer = rig_call(&rig, token(teller.gateway), "RuleSetService/ListRuleSets", &request);
        assert_answer(answer, OK);
        const Tagih__V1__ListRuleSetsResponse *page = answer.response;
        assert_int_equal(page->n_rule_sets, 1);
        assert_int_equal(page->n_presets, seen == 0 ? 5 : 0);
        snprintf(each, sizeof each, "%s/%05d", page->rule_sets[0]->name, page->rule_sets[0]->version);
        assert_true(strcmp(last, each) < 0);
        snprintf(last, sizeof last, "%s", each);
        request.page_token = page->next_page_token;
        seen++;
    } while (*request.page_token);
    assert_int_equal(seen, all);
    assert_true(seen >= 4);
    request.page_token = TEXT("x");
    assert_answer(rig_call(&rig, token(teller.gateway), "RuleSetService/ListRuleSets", &request), PAGE_TOKEN);
}

/* ---- accounts ------------------------------------------------------------------------------------------------------- */

//= RULES.md R-ALL-2b
//  A person's change is proposed and a second person decides it; the creditor's system changes at once.
static void an_account_gets_a_rule_set_by_two_people_or_by_its_creditor(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    assert_string_equal(account_now(account)->rule_set, "id-default");
    assert_int_equal(account_now(account)->rule_set_version, 1);
    assert_string_equal(account_now(account)->rule_set_since_on, "");
    struct rig_answer asked = change(account, "acme-npl", 1, -5);
    assert_answer(change(account, "npl", 1, -5), PROPOSAL_EXISTS);
    assert_answer(teller_decide(&teller, teller.supervisor, proposal_of(asked), true), PROPOSAL_OWN);
    assert_string_equal(account_now(account)->rule_set, "id-default");
    approved(asked);
    assert_string_equal(account_now(account)->rule_set, "acme-npl");
    assert_string_equal(account_now(account)->rule_set_since_on, teller_day(-5));
    struct rig_answer now = change_as(token(teller.gateway), account, "acme-npl", 2, teller_day(0));
    assert_answer(now, OK);
    assert_string_equal(((const Tagih__V1__ChangeAccountRuleSetResponse *)now.response)->proposal_id, "");
    assert_int_equal(account_now(account)->rule_set_version, 2);
    assert_answer(change_as(token(teller.gateway), account, "in-rbi", 1, teller_day(3)), OK);
    assert_string_equal(account_now(account)->rule_set, "acme-npl"); /* not before its day */
    assert_answer(change_as(token(teller.gateway), account, "npl", 1, teller_day(0)), OK);
    assert_string_equal(account_now(account)->rule_set, "npl"); /* said later of the same day */
    assert_answer(teller_post(&teller, account, &(struct paid){.amount_minor = MINOR(3500000)}), OK);
    assert_int_equal(teller_number(&teller, "select principal_minor from account_state where account_id = '%s'", account.u), 0);
}

static void who_names_what_is_not_there_is_refused(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    struct proposed p;
    fill(&p, "theirs-only", 1, PRINCIPAL_FIRST);
    struct rig_answer theirs = propose_of(&others, &p);
    user_id other_second = rig_user(&rig, others.agency, NULL, ROLE_ADMIN);
    assert_answer(teller_decide(&others, other_second, proposal_of(theirs), true), OK);
    assert_answer(get(rig_staff_token(&rig, others.agency, others.supervisor, 0), "theirs-only", 1), OK);
    assert_answer(get(token(teller.second), "theirs-only", 1), RULE_SET_UNKNOWN);
    assert_answer(change(account, "theirs-only", 1, 0), RULE_SET_UNKNOWN);
    assert_answer(change(account, "acme-npl", 9, 0), RULE_SET_UNKNOWN);
    assert_answer(change(account, "npl", 2, 0), RULE_SET_UNKNOWN);
    assert_answer(change(account, "nonsense", 1, 0), RULE_SET_UNKNOWN);
    assert_answer(change(account, "npl", 0, 0), REQUEST_FIELD_RANGE);
    assert_answer(change(account, "", 1, 0), REQUEST_FIELD_MISSING);
    assert_answer(change((account_id){rig_id()}, "npl", 1, 0), NOT_PERMITTED);
    assert_answer(change(teller_account(&others, nobody, &debt_j1, 1), "npl", 1, 0), NOT_PERMITTED);
    collector = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    assert_answer(change_as(token(collector), account, "npl", 1, teller_day(0)), NOT_PERMITTED);
    assert_answer(change_as(token(teller.cashier), account, "npl", 1, teller_day(0)), NOT_PERMITTED);
    assert_answer(get(token(collector), "npl", 1), OK);
}

//= RULES.md R-ALL-2b
//  Its value date is a day since 2000, at most 366 days ahead.
static void a_change_is_not_of_another_age(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    const char *gateway = token(teller.gateway);
    assert_answer(change_as(gateway, account, "npl", 1, TEXT("1999-12-31")), RULE_SET_DATE);
    assert_answer(change_as(gateway, account, "npl", 1, teller_day(367)), RULE_SET_DATE);
    assert_answer(change_as(gateway, account, "npl", 1, TEXT("2026-02-30")), DATE_SYNTAX);
    assert_answer(change_as(gateway, account, "npl", 1, teller_day(366)), OK);
    assert_answer(change_as(gateway, account, "npl", 1, TEXT("2000-01-01")), OK);
}

static void the_timeline_tells_of_the_change(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    assert_answer(change_as(token(teller.gateway), account, "npl", 1, TEXT("2026-01-02")), OK);
    Tagih__V1__ListTimelineRequest request = TAGIH__V1__LIST_TIMELINE_REQUEST__INIT;
    request.account_id = TEXT(rig_text(account.u));
    struct rig_answer answer = rig_call(&rig, token(teller.second), "AccountService/ListTimeline", &request);
    assert_answer(answer, OK);
    const Tagih__V1__ListTimelineResponse *line = answer.response;
    assert_string_equal(line->items[line->n_items - 1]->kind, "account.rule_set");
    assert_string_equal(line->items[line->n_items - 1]->text, "account.rule_set npl 1 from 2026-01-02: agreed with the creditor");
}

/* ---- replay --------------------------------------------------------------------------------------------------------- */

/* What happens: payments, and changes from the creditor's system. */
struct event {
    bool is_change;
    int in_days;
    int64_t amount_minor;
    const char *name;
};

static const struct event events[] = {
    {.in_days = -9, .amount_minor = MINOR(120000)},
    {.in_days = -7, .is_change = true, .name = "npl"},
    {.in_days = -7, .amount_minor = MINOR(250000)},
    {.in_days = -5, .amount_minor = MINOR(90000)},
    {.in_days = -4, .is_change = true, .name = "in-rbi"},
    {.in_days = -2, .amount_minor = MINOR(700000)},
};

static account_id live(const size_t order[COUNT_OF(events)]) {
    const struct debt debts[] = {{.due_in = -40, .due_minor = {MINOR(40000), MINOR(60000), MINOR(100000), MINOR(300000)}},
                                 {.due_in = -6, .due_minor = {MINOR(40000), 0, MINOR(100000), MINOR(300000)}},
                                 {.due_in = 20, .due_minor = {0, 0, MINOR(100000), MINOR(300000)}}};
    account_id account = teller_account(&teller, nobody, debts, 3);
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        const struct event *e = &events[order[i]];
        if (e->is_change) assert_answer(change_as(token(teller.gateway), account, e->name, 1, teller_day(e->in_days)), OK);
        else teller_paid(&teller, account, &(struct paid){.amount_minor = e->amount_minor, .value = teller_noon(e->in_days)});
    }
    return account;
}

/* Everything that must not depend on the order, as one text. */
static void print_account(account_id account, char *out, size_t size) {
    char sql[2000];
    const char *id = rig_text(account.u);
    snprintf(sql, sizeof sql,
             "select concat_ws(' | ',"
             " (select concat_ws(' ', fees_minor, penalty_minor, interest_minor, principal_minor, credit_minor, debt_allocated_minor,"
             "   oldest_due_on, last_value_us) from account_state where account_id = '%1$s'),"
             " (select string_agg(concat_ws(' ', instalment_no, state, fees_minor, penalty_minor, interest_minor, principal_minor),"
             "   ', ' order by instalment_no) from instalment_state where account_id = '%1$s'),"
             " (select string_agg(concat_ws(' ', p.value_us, a.instalment_no, a.fees_minor, a.penalty_minor, a.interest_minor,"
             "   a.principal_minor, a.credit_minor, a.debt_minor), ', ' order by p.value_us, a.instalment_no)"
             "   from payment p join allocation a using (agency_id, payment_id) where p.account_id = '%1$s'"
             "   and a.version = (select max(x.version) from allocation x where x.payment_id = p.payment_id)),"
             " (select string_agg(concat_ws(' ', ledger_account, sum), ', ' order by ledger_account) from (select ledger_account,"
             "   sum(amount_minor) as sum from ledger_line where owner_id = '%1$s' group by 1 having sum(amount_minor) <> 0) l))", id);
    snprintf(out, size, "%s", pg_value(&rig.pg, sql));
}

//= RULES.md R-ALL-6a
//  it holds for every charge, payment and credit valued on that date or later
//= RULES.md R-ALL-1
//  **Any arrival order of the same facts gives identical balances, allocations and closed months**
static void changes_and_payments_in_any_order_leave_the_same_books(void **state) {
    (void)state;
    size_t order[COUNT_OF(events)];
    char first[4000], other[4000];
    for (size_t i = 0; i < COUNT_OF(events); i++) order[i] = i;
    print_account(live(order), first, sizeof first);
    for (uint64_t round = 1; round <= 12; round++) {
        uint64_t seed = round * UINT64_C(0x9E3779B97F4A7C15);
        for (size_t i = COUNT_OF(events); i > 1; i--) {
            size_t j = random_below(&seed, i), kept = order[i - 1];
            order[i - 1] = order[j];
            order[j] = kept;
        }
        print_account(live(order), other, sizeof other);
        assert_string_equal(first, other);
    }
    /* -9 by id-default: fees 40 000, penalty 60 000, interest 20 000 · -7 and -5 by npl: principal 300 000 of the first
     * instalment, 40 000 of the second · -2 by in-rbi: interest 80 000 and 100 000, principal 260 000, fees 40 000, then in
     * advance 220 000: interest 100 000, principal 120 000 */
    assert_non_null(strstr(first, "1 2 0 0 0 0, 2 2 0 0 0 0, 3 1 0 0 0 18000000"));
}

static uuid changed_by(const struct rig_answer *answer) {
    uuid posting;
    assert_answer(*answer, OK);
    assert_ok(uuid_parse(((const Tagih__V1__ChangeAccountRuleSetResponse *)answer->response)->posting_id, &posting));
    return posting;
}

//= RULES.md R-ALL-2b
//  It replays the account: what it changes is one posting of differences
static void a_change_writes_the_differences_and_no_more(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    payment_id before = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(50000), .value = teller_noon(-9)});
    payment_id behind = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(100000), .value = teller_noon(-3)});
    struct rig_answer answer = change_as(token(teller.gateway), account, "npl", 1, teller_day(-3));
    uuid posting = changed_by(&answer);
    /* 100 000 were penalty 50 000 and interest 50 000, and are principal */
    assert_int_equal(line(posting, LEDGER_RECEIVABLE_PENALTY), MINOR(50000));
    assert_int_equal(line(posting, LEDGER_RECEIVABLE_INTEREST), MINOR(50000));
    assert_int_equal(line(posting, LEDGER_RECEIVABLE_PRINCIPAL), -MINOR(100000));
    assert_int_equal(teller_number(&teller, "select count(*) from ledger_line where posting_id = '%s'", posting), 3);
    assert_int_equal(teller_number(&teller, "select max(version) from allocation where payment_id = '%s'", before.u), 1);
    assert_int_equal(teller_number(&teller, "select max(version) from allocation where payment_id = '%s'", behind.u), 2);
    assert_int_equal(teller_number(&teller, "select count(*) from bonus_line where payment_id = '%s'", behind.u), 0);
    answer = change_as(token(teller.gateway), account, "npl", 1, teller_day(-1)); /* it is under it already */
    assert_int_equal(teller_number(&teller, "select count(*) from ledger_line where posting_id = '%s'", changed_by(&answer)),
                     0);
    assert_int_equal(teller_number(&teller, "select max(version) from allocation where payment_id = '%s'", behind.u), 2);
}

static void a_new_snapshot_is_paid_by_the_rule_set_in_force(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    assert_answer(change_as(token(teller.gateway), account, "npl", 1, teller_day(-30)), OK);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(100000), .value = teller_noon(-1)});
    teller_snapshot(&teller, account, -10, &debt_j1, 1);
    assert_int_equal(teller_number(&teller, "select principal_minor from account_state where account_id = '%s'", account.u), MINOR(3400000));
    assert_int_equal(teller_number(&teller, "select fees_minor from account_state where account_id = '%s'", account.u), MINOR(40000));
}

/* ---- a creditor's file ---------------------------------------------------------------------------------------------- */

static account_id imported(const char *rule_set) {
    teller.rule_set = rule_set;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    teller.rule_set = NULL;
    return account;
}

static void imported_again(account_id account, const char *rule_set, int as_of_in) {
    teller.rule_set = rule_set;
    teller_snapshot(&teller, account, as_of_in, &debt_j1, 1);
    teller.rule_set = NULL;
}

static int64_t changes_of(account_id account) {
    return teller_number(&teller, "select count(*) from account_rule_set where account_id = '%s'", account.u);
}

//= RULES.md R-ALL-2c
//  An account that comes with the row is under it from its beginning, a known one from the file's as-of date on, and only
//  where it was under another one. A name alone keeps the version of that name that the account is under, else it means the
//  newest.
static void a_creditors_row_names_the_rule_set(void **state) {
    (void)state;
    account_id account = imported("npl");
    assert_string_equal(account_now(account)->rule_set, "npl");
    assert_string_equal(account_now(account)->rule_set_since_on, "2000-01-01");
    payment_id paid = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(100000), .value = teller_noon(-2)});
    assert_int_equal(teller_number(&teller, "select principal_minor from account_state where account_id = '%s'", account.u), MINOR(3400000));
    imported_again(account, "npl/1", -12);
    imported_again(account, "npl", -11);
    imported_again(account, "", -10);
    assert_int_equal(changes_of(account), 1);
    imported_again(account, "acme-npl/1", -9);
    assert_string_equal(account_now(account)->rule_set_since_on, teller_day(-9));
    imported_again(account, "acme-npl", -8); /* there is a second version, and it keeps its own */
    assert_int_equal(account_now(account)->rule_set_version, 1);
    assert_int_equal(changes_of(account), 2);
    imported_again(account, "id-default", -3); /* what was paid since is worked out by it */
    assert_int_equal(changes_of(account), 3);
    assert_int_equal(teller_number(&teller, "select principal_minor from account_state where account_id = '%s'", account.u), MINOR(3500000));
    assert_int_equal(teller_number(&teller, "select fees_minor from account_state where account_id = '%s'", account.u), 0);
    assert_int_equal(teller_allocated(&teller, paid, 1), MINOR(100000));
    account_id newest = imported("acme-npl");
    assert_int_equal(account_now(newest)->rule_set_version, 2);
    assert_int_equal(changes_of(imported("id-default/1")), 0);
}

//= RULES.md R-ALL-2c
//  A row that names what is not there is refused.
static void a_row_that_names_no_rule_set_is_refused_by_itself(void **state) {
    (void)state;
    static const char *const names[] = {"nonsense", "npl/2", "acme-npl/9", "theirs-only", "npl"};
    Tagih__V1__AccountRow rows[COUNT_OF(names)], *pointers[COUNT_OF(names)];
    uint8_t hash[32] = {7};
    char numbers[COUNT_OF(names)][UUID_TEXT_SIZE];
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        tagih__v1__account_row__init(pointers[i] = &rows[i]);
        uuid_format(rig_id(), numbers[i]);
        rows[i].row = (int32_t)i + 1;
        rows[i].account_no = rows[i].customer_no = numbers[i];
        rows[i].product = TEXT("car");
        rows[i].currency = TEXT("IDR");
        rows[i].principal = TEXT("100000");
        rows[i].interest = rows[i].penalty = rows[i].fees = TEXT("0");
        rows[i].oldest_due_on = TEXT("2026-01-01");
        rows[i].lat = rows[i].lon = TEXT("1");
        rows[i].rule_set = TEXT(names[i]);
    }
    Tagih__V1__ImportAccountsRequest request = TAGIH__V1__IMPORT_ACCOUNTS_REQUEST__INIT;
    request.file_hash = (ProtobufCBinaryData){sizeof hash, hash};
    request.as_of_on = teller_day(-1);
    request.rows = pointers;
    request.n_rows = COUNT_OF(names);
    struct rig_answer answer = rig_call(&rig, token(teller.gateway), "AccountService/ImportAccounts", &request);
    assert_answer(answer, OK);
    const Tagih__V1__ImportAccountsResponse *response = answer.response;
    for (size_t i = 0; i + 1 < COUNT_OF(names); i++) assert_string_equal(response->results[i]->result, "rule_set.unknown");
    assert_string_equal(response->results[COUNT_OF(names) - 1]->result, "NEW");
    answer = rig_call(&rig, token(teller.gateway), "AccountService/ImportAccounts", &request); /* again */
    response = answer.response;
    assert_string_equal(response->results[0]->result, "rule_set.unknown");
    assert_string_equal(response->results[COUNT_OF(names) - 1]->result, "SAME");
    assert_int_equal(pg_number(&rig.pg, "select count(*) from account_rule_set c where received_us <> made_us and reason = 'the creditor''s file'"), 0);
}

/* Last: every month before the present one is closed from here on. */
//= RULES.md R-ALL-7
//  closed periods do not change
static void what_a_change_moves_in_a_closed_month_is_booked_today(void **state) {
    (void)state;
    const struct debt due_early = {.due_in = -58, .due_minor = {MINOR(40000), MINOR(60000), 0, MINOR(500000)}};
    account_id account = teller_account(&teller, nobody, &due_early, 1);
    int before = -(int)pg_number(&rig.pg, "select extract(day from now() at time zone 'Asia/Jakarta')::int") - 3;
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(100000), .value = teller_noon(before)});
    char sql[500];
    snprintf(sql, sizeof sql, "insert into month_close (agency_id, month_on, posting_id, closed_us, digest) values ('%s',"
             " (date_trunc('month', now() at time zone 'Asia/Jakarta') - interval '1 month')::date, gen_random_uuid(), 1, '\\x00')",
             rig_text(teller.agency.u));
    pg_exec(&rig.pg, sql);
    static const char in_the_past[] = "select count(*) from posting where account_id = '%s' and posting_on <"
                                      " date_trunc('month', now() at time zone 'Asia/Jakarta')::date";
    int64_t old = teller_number(&teller, in_the_past, account.u);
    struct rig_answer answer = change_as(token(teller.gateway), account, "npl", 1, teller_day(before));
    uuid posting = changed_by(&answer);
    assert_int_equal(line(posting, LEDGER_RECEIVABLE_PRINCIPAL), -MINOR(100000));
    assert_int_equal(teller_number(&teller, in_the_past, account.u), old);
    assert_int_equal(teller_number(&teller, "select posting_on - (now() at time zone 'Asia/Jakarta')::date from posting where posting_id = '%s'", posting), 0);
    assert_int_equal(teller_number(&teller, "select posting_on - value_on from posting where posting_id = '%s'", posting), -before);
}

//= RULES.md R-LED-2
//  Σ debt-allocated = decrease of receivable by payments.
static void what_payments_paid_is_what_receivables_lost(void **state) {
    (void)state;
    verifier_assert_identities(&rig, teller.agency);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_is_made_by_two_people_and_never_changes),
        cmocka_unit_test(a_version_is_one_more_than_the_newest),
        cmocka_unit_test(a_list_with_a_hole_or_a_repeat_is_refused),
        cmocka_unit_test(rule_sets_are_listed_page_by_page),
        cmocka_unit_test(an_account_gets_a_rule_set_by_two_people_or_by_its_creditor),
        cmocka_unit_test(who_names_what_is_not_there_is_refused),
        cmocka_unit_test(a_change_is_not_of_another_age),
        cmocka_unit_test(the_timeline_tells_of_the_change),
        cmocka_unit_test(changes_and_payments_in_any_order_leave_the_same_books),
        cmocka_unit_test(a_change_writes_the_differences_and_no_more),
        cmocka_unit_test(a_new_snapshot_is_paid_by_the_rule_set_in_force),
        cmocka_unit_test(a_creditors_row_names_the_rule_set),
        cmocka_unit_test(a_row_that_names_no_rule_set_is_refused_by_itself),
        cmocka_unit_test(what_a_change_moves_in_a_closed_month_is_booked_today),
        cmocka_unit_test(what_payments_paid_is_what_receivables_lost),
    };
    return cmocka_run_group_tests_name("rule sets", tests, open_rig, close_desk);
}
