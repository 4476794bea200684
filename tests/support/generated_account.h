/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generated accounts for the properties of allocation: small schedules and few facts with amounts of the same
 * size, so that dues, credit and refunds meet often. The cases are the same on every machine.
 */
#ifndef TAGIH_TESTS_GENERATED_ACCOUNT_H
#define TAGIH_TESTS_GENERATED_ACCOUNT_H

#include "tests/support/case.h"

#include "tagih/allocation.h"

enum { CASES = 100000, INSTALMENTS_MAX = 4, FACTS_MAX = 6, CHANGES_MAX = 2 };

struct account {
    const struct rule_set *rules;
    struct instalment schedule[INSTALMENTS_MAX];
    size_t n;
    struct allocation_fact facts[FACTS_MAX];
    size_t n_facts;
    civil_date as_of;
    struct rule_change changes[CHANGES_MAX]; /* of its rule set, in no order */
    size_t n_changes;
};

static inline struct rule_history rules_of(const struct account *account) {
    return (struct rule_history){account->rules, account->changes, account->n_changes};
}

static inline struct allocation_fact random_fact(uint64_t *seed, size_t index, size_t n_instalments) {
    static const enum fact_kind kinds[] = {FACT_PAYMENT, FACT_PAYMENT, FACT_PAYMENT, FACT_PAYMENT,
                                           FACT_CHARGE,  FACT_WAIVER,  FACT_REFUND};
    struct allocation_fact fact = {.kind = kinds[random_below(seed, COUNT_OF(kinds))]};
    fact.value_on.days = (int32_t)random_below(seed, 20);
    fact.value.us = (int64_t)random_below(seed, 3);
    fact.amount_minor = 1 + (int64_t)random_below(seed, fact.kind == FACT_PAYMENT ? 120 : 40);
    fact.instalment_no = 1 + (int32_t)random_below(seed, n_instalments);
    fact.component = (enum component)random_below(seed, COMPONENT_COUNT);
    fact.id.b[0] = (uint8_t)random_below(seed, 256);
    fact.id.b[15] = (uint8_t)index; /* distinct */
    return fact;
}

static inline const struct rule_set *random_rules(uint64_t *seed) {
    static const char *const names[] = {"id-default", "id-default", "id-instalment",
                                        "tr-tbk100",  "in-rbi",     "npl"};
    return rule_set_find(names[random_below(seed, COUNT_OF(names))]);
}

/* Half of the accounts keep the rule set that they have. */
static inline void random_changes(struct account *account, uint64_t *seed) {
    account->n_changes = random_below(seed, 2) * (1 + random_below(seed, CHANGES_MAX));
    for (size_t i = 0; i < account->n_changes; i++) {
        account->changes[i] = (struct rule_change){.value_on.days = (int32_t)random_below(seed, 20),
                                                   .made.us = (int64_t)random_below(seed, 2), .rules = random_rules(seed)};
        account->changes[i].id.b[15] = (uint8_t)i;
    }
}

static inline struct account random_account(uint64_t seed) {
    struct account account = {.rules = random_rules(&seed)};
    account.n = 1 + random_below(&seed, INSTALMENTS_MAX);
    account.n_facts = random_below(&seed, FACTS_MAX + 1);
    account.as_of.days = (int32_t)random_below(&seed, 25);
    for (size_t i = 0; i < account.n; i++) {
        account.schedule[i] =
            (struct instalment){.no = (int32_t)i + 1, .due_on.days = (int32_t)random_below(&seed, 20)};
        for (int c = 0; c < COMPONENT_COUNT; c++) {
            account.schedule[i].due_minor[c] =
                (int64_t)random_below(&seed, 3) * (int64_t)random_below(&seed, 30);
        }
    }
    for (size_t i = 0; i < account.n_facts; i++) account.facts[i] = random_fact(&seed, i, account.n);
    random_changes(&account, &seed);
    return account;
}

#endif
