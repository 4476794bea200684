/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A collector's world for the access matrix: one of each thing that a request can name, come about as it comes about in the
 * field and in the office. And the callers: a person of each role in a team, with the tokens that he may hold.
 */
#ifndef TAGIH_TESTS_WORLD_H
#define TAGIH_TESTS_WORLD_H

#include "tests/support/teller.h"
#include "tests/support/writer.h"

/* The words of matrix.tsv. */
#define THINGS(X)                                                                                                   \
    X(ACCOUNT, "account")                                                                                           \
    X(ACCOUNT_NO, "account_no") X(CUSTOMER_NO, "customer_no") X(COLLECTOR, "person") X(VISIT, "visit")              \
        X(CHECK_IN, "check_in") X(PAYMENT, "payment") X(CHEQUE, "cheque") X(PROMISE, "promise") X(PLAN, "plan")     \
            X(OFFER, "offer") X(PROPOSAL, "proposal") X(SETTLEMENT, "settlement") X(SHORTAGE, "shortage")           \
                X(DEPOSIT, "deposit") X(DEVICE, "device") X(ENTRY, "entry") X(SALE, "sale") X(COST, "cost") X(SUSPENSE, "suspense") \
                    X(LINE, "bank_line") X(EXPECTED, "expected")

#define THING_ENUM(name, word) THING_##name,
enum thing { THINGS(THING_ENUM) THING_COUNT };

/** The thing of a word; THING_COUNT when there is none. */
enum thing thing_parse(const char *word);

struct world {
    agency_id agency;
    user_id owner;
    struct rig_phone phone;
    char id[THING_COUNT][65]; /* as a request names it: uuid, number, or the hexadecimal digits of a hash */
};

/** Let a collector of the teller's agency live a day. */
void world_open(struct world *world, struct teller *teller, user_id owner);
/** A world in which nothing is there. */
void world_of_nothing(struct world *world);

/** Call a method with a plausible request, changed by "path=value path=value"; world->id answers a value that is a word
 *  with a colon before it (":account"). */
struct rig_answer world_call(struct rig *rig, const struct world *world, const char *token, const char *method,
                             const char *fields);

#endif
