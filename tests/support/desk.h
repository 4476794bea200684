/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The desk that most specs of money sit at: one server, one agency, its people, and the short words of theirs. A spec that
 * needs more opens the desk first:
 *
 *     static int open_rig(void **state) {
 *         open_desk(state);
 *         phone = new_writer();
 *         return 0;
 *     }
 */
#ifndef TAGIH_TESTS_DESK_H
#define TAGIH_TESTS_DESK_H

#include "server/run/clock.h"
#include "tests/support/case.h"
#include "tests/support/teller.h"
#include "tests/support/writer.h"

static struct rig rig;
static struct teller teller;
static user_id collector; /* whom the spec is about */

static inline int open_desk(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    return 0;
}

static inline int close_desk(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static inline const char *token(user_id user) {
    return rig_staff_token(&rig, teller.agency, user, 0);
}

static inline int64_t number(const char *sql, uuid id) {
    return rig_number(&rig, sql, id);
}

static inline int64_t line(uuid posting, enum ledger_account account) {
    return rig_line(&rig, posting, account);
}

static inline int64_t lines(uuid posting) {
    return rig_lines(&rig, posting);
}

/** The journal of a new phone of a new collector, so that his cash is his own. */
static inline struct writer new_writer(void) {
    struct writer writer;
    collector = writer_begin_new(&writer, &rig, teller.agency);
    return writer;
}

static inline int64_t cash_held(void) {
    return number("select coalesce(sum(cash_held_minor), 0) from collector_state where collector_id = '%s'", collector.u);
}

static inline const char *proposal_of(struct rig_answer answer) {
    return teller_proposal(&answer);
}

/** The posting that an approved decision made. */
static inline uuid posting_of(struct rig_answer decided) {
    return teller_posting(&decided);
}

/** Let the second supervisor decide. */
static inline struct rig_answer approve(struct rig_answer proposal) {
    return teller_approve(&teller, &proposal);
}

/** The same, which goes well; answers the posting. */
static inline uuid approved(struct rig_answer proposal) {
    return posting_of(approve(proposal));
}

#endif
