/* SPDX-License-Identifier: Apache-2.0 */
/* A script's world, and how entries are pushed into it. */
#ifndef TAGIH_TESTS_SIM_MODEL_SCRIPT_IN_H
#define TAGIH_TESTS_SIM_MODEL_SCRIPT_IN_H

#include "engine/bind.h"
#include "engine/server.h"
#include "tests/sim/model/model.h"
#include "tests/sim/model/script.h"
#include "tests/sim/phone.h"

#define SCRIPT_PHONES 5
#define SCRIPT_ACCOUNTS 12
#define MINOR(rupiah) (INT64_C(100) * (rupiah))

struct script {
    const struct script_options *options;
    FILE *out;
    bool is_retried;
    struct model *model;
    struct db db;
    struct rpc_server server;
    struct rpc_table table;
    struct keyring keys;
    struct arena arena;
    void *arena_memory;
    struct chance chance;
    installation_id installation;
    int64_t now_us; /* the server's */
    agency_id agency;
    team_id team;
    user_id users[SCRIPT_PHONES];
    struct phone phones[SCRIPT_PHONES]; /* users[i]'s */
    account_id accounts[SCRIPT_ACCOUNTS]; /* 0–8 in rupiah, 9 in dollars, 10 nobody's, 11 of the last instalment */
    visit_id visits[SCRIPT_PHONES];
    struct script_cursor {
        uint8_t bytes[256];
        size_t len;
    } cursors[SCRIPT_PHONES]; /* of the last Pull */
};

uuid script_id(struct script *s);
void script_must(tagih_err err);
void script_server_open(struct script *s);
void script_server_close(struct script *s);
/** A receipt in the phone's hand, a void of one. */
struct record *script_receipt(struct script *s, size_t phone, size_t account, int64_t amount_minor);
struct record *script_void(struct script *s, size_t phone, const struct record *receipt, int64_t amount_minor);
/** Write an entry; time goes on by a minute. */
struct record *script_write(struct script *s, size_t phone, struct journal_entry *entry);
/** Push records of one phone in one call, and tell what is answered. */
void script_push(struct script *s, size_t phone, struct record *const *records, size_t n);
/** Of several phones in one batch, one call each. */
struct script_call {
    size_t phone;
    struct record *const *records;
    size_t n;
};
void script_push_batch(struct script *s, const struct script_call *calls, size_t n);
static inline void script_push_one(struct script *s, size_t phone, struct record *record) {
    script_push(s, phone, &record, 1);
}
/** What changed since the phone's last Pull; the first time all. */
void script_pull(struct script *s, size_t phone);
/** The work of the minute: leases that are over, handovers that waited, promises, cash. */
void script_minute(struct script *s);
void script_say(struct script *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** A script: its steps, in scripts.c. */
struct script_steps {
    const char *name;
    void (*run)(struct script *s);
    bool is_retried; /* what a try that failed took of the sequences stays taken: their numbers are not told */
};
extern const struct script_steps script_steps[];

#endif
