/* SPDX-License-Identifier: Apache-2.0 */
/* What specs of cash that leaves a bag share: phones and their holders, halves of handovers, lines, fates. */
#ifndef TAGIH_TESTS_BAG_CASE_H
#define TAGIH_TESTS_BAG_CASE_H

#include "server/book/posting.h"
#include "tests/support/desk.h"

struct phone {
    user_id user;
    struct writer w;
    account_id account;
};

static inline struct phone new_phone(void) {
    struct phone phone;
    phone.user = writer_begin_new(&phone.w, &rig, teller.agency);
    phone.w.at.us = clock_now().us - 20 * US_PER_S;
    const struct debt debt = {.due_minor = {[COMPONENT_PRINCIPAL] = MINOR(100000000)}};
    phone.account = teller_account(&teller, phone.user, &debt, 1);
    return phone;
}

static inline struct acknowledgement push(struct phone *phone, size_t at) {
    struct rig_answer answer = writer_push(&phone->w, &at, 1);
    assert_answer(answer, OK);
    return writer_ack(&phone->w, &answer, 0, at);
}

/* He holds this much. */
static inline struct phone holding(int64_t amount_minor) {
    struct phone phone = new_phone();
    struct journal_entry receipt = writer_receipt(&phone.w, phone.account, amount_minor);
    size_t at = writer_sign(&phone.w, &receipt);
    push(&phone, at);
    return phone;
}

static inline size_t half(struct phone *phone, uuid id, uint16_t side, user_id with, int64_t amount_minor) {
    struct journal_entry entry = writer_entry(&phone->w, JOURNAL_HANDOVER);
    entry.body.handover = (struct journal_handover){
        .handover = id, .side = side, .counterpart = with, .amount_minor = amount_minor, .currency = {"IDR"}};
    return writer_sign(&phone->w, &entry);
}

static inline size_t gives(struct phone *phone, uuid id, user_id to, int64_t amount_minor) {
    return half(phone, id, JOURNAL_HANDOVER_GIVES, to, amount_minor);
}

static inline size_t takes(struct phone *phone, uuid id, user_id from, int64_t amount_minor) {
    return half(phone, id, JOURNAL_HANDOVER_TAKES, from, amount_minor);
}

static inline int64_t held(const struct phone *phone) {
    return teller_number(&teller, "select coalesce(sum(cash_held_minor), 0) from collector_state where collector_id = '%s'",
                         phone->user.u);
}

/* What a posting moved on the account of its owner. */
static inline int64_t line_of(uuid posting, enum ledger_account account, user_id owner) {
    char sql[300];
    snprintf(sql, sizeof sql,
             "select coalesce(sum(amount_minor), 0) from ledger_line where posting_id = '%%s' and ledger_account = %d"
             " and owner_id = '%s'",
             (int)account, rig_text(owner.u));
    return teller_number(&teller, sql, posting);
}

/* The newest fate of an entry, whoever owns its id. */
static inline int64_t fate_now(const struct phone *phone, size_t at) {
    const hash256 *hash = &phone->w.entries[at].hash;
    char sql[400], hex[2 * sizeof hash->b + 1];
    for (size_t i = 0; i < sizeof hash->b; i++) snprintf(hex + 2 * i, 3, "%02x", hash->b[i]);
    snprintf(sql, sizeof sql, "select coalesce((select fate from entry_event e where e.entry_hash = k.entry_hash order by n desc limit 1),"
             " k.fate) from journal_key k where entry_hash = decode('%s', 'hex')", hex);
    return pg_number(&rig.pg, sql);
}

static inline uuid id_of(const struct phone *phone, size_t at) {
    return phone->w.entries[at].id.u;
}

/* Entries of two phones in one call, as a supervisor pushes them. */
static inline struct rig_answer push_both(struct phone *a, size_t a_at, struct phone *b, size_t b_at) {
    Tagih__V1__PushRequest request = TAGIH__V1__PUSH_REQUEST__INIT;
    ProtobufCBinaryData entries[2] = {{a->w.entries[a_at].len, a->w.entries[a_at].bytes},
                                      {b->w.entries[b_at].len, b->w.entries[b_at].bytes}};
    ProtobufCBinaryData certificates[2] = {{a->w.phone.certificate_len, a->w.phone.certificate},
                                           {b->w.phone.certificate_len, b->w.phone.certificate}};
    request.n_entries = request.n_certificates = 2;
    request.entries = entries;
    request.certificates = certificates;
    return rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.supervisor, 0), "SyncService/Push", &request);
}

/** `tagihd verify` finds nothing. */
static inline void assert_verifies(const char *tagihd) {
    char command[1400];
    snprintf(command, sizeof command, "'%s' verify --database-url '%s' --keys-dir '%s' --state-dir '%s'", tagihd,
             rig.app_conninfo, rig.keys_dir, rig.state_dir);
    assert_int_equal(system(command), 0);
}

#endif
