/* SPDX-License-Identifier: Apache-2.0 */
/* What specs of sales, their costs and remittances share: two people, their calls, and the very lines of a posting. */
#ifndef TAGIH_TESTS_SALE_CASE_H
#define TAGIH_TESTS_SALE_CASE_H

#include "tests/support/desk.h"

/** SHA-256 of some paper. */
static inline ProtobufCBinaryData digest(void) {
    static uint8_t bytes[32] = {0xd1, 0x9e, 0x57};
    return (ProtobufCBinaryData){sizeof bytes, bytes};
}

struct expected_line {
    enum ledger_account account;
    int64_t amount_minor; /* debit > 0 */
};

/** Exactly these lines and no other. */
#define assert_lines(posting, ...)                                          \
    assert_lines_of((posting), (const struct expected_line[]){__VA_ARGS__}, \
                    sizeof((const struct expected_line[]){__VA_ARGS__}) / sizeof(struct expected_line))
static inline void assert_lines_of(uuid posting, const struct expected_line *expected, size_t n) {
    for (size_t i = 0; i < n; i++) assert_int_equal(line(posting, expected[i].account), expected[i].amount_minor);
    assert_int_equal(lines(posting), n);
}

/** What a ledger account holds in the agency. */
static inline int64_t held(enum ledger_account account) {
    char sql[200];
    snprintf(sql, sizeof sql, "select coalesce(sum(amount_minor), 0) from ledger_line where agency_id = '%%s' and ledger_account = %d", (int)account);
    return teller_number(&teller, sql, teller.agency.u);
}

struct bill {
    int64_t amount_minor;
    const char *reference; /* NULL: a new one */
    const char *in;        /* NULL: IDR */
    int64_t value_us;      /* 0: a minute ago */
    user_id maker;         /* nil: the cashier */
};

static inline struct rig_answer taking_cost(account_id account, const struct bill *bill) {
    Tagih__V1__RecordTakingCostRequest request = TAGIH__V1__RECORD_TAKING_COST_REQUEST__INIT;
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    amount.minor = bill->amount_minor;
    amount.currency = TEXT(bill->in ? bill->in : "IDR");
    request.account_id = TEXT(rig_text(account.u));
    request.kind = TAGIH__V1__TAKING_COST_KIND__TAKING_COST_KIND_TRANSPORT;
    request.amount = &amount;
    request.reference = TEXT(bill->reference ? bill->reference : rig_text(rig_id()));
    request.evidence_sha256 = digest();
    request.value_us = bill->value_us ? bill->value_us : clock_now().us - US_PER_MINUTE;
    request.reason = TEXT("the truck");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(uuid_is_nil(bill->maker.u) ? teller.cashier : bill->maker), "CostService/RecordTakingCost", &request);
}

static inline struct rig_answer reverse_cost(const char *cost) {
    Tagih__V1__ReverseTakingCostRequest request = TAGIH__V1__REVERSE_TAKING_COST_REQUEST__INIT;
    request.cost_id = TEXT(cost);
    request.reason = TEXT("another car's bill");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(teller.cashier), "CostService/ReverseTakingCost", &request);
}

#endif
