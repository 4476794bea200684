/* SPDX-License-Identifier: Apache-2.0 */
/* The bank in the database: what is expected of it, lines of its statement, what they settle (R-PAY-5, R-PAY-5a). */
#ifndef TAGIH_STORE_BANK_H
#define TAGIH_STORE_BANK_H

#include "domain/bank.h"
#include "store/tx.h"
#include "tagih/ledger.h"

/** Something that the statement should show some day: a row of the one table of matching. */
struct bank_expected_row {
    uuid id;        /* the payment's, the item's, the deposit's … */
    int16_t kind;   /* enum bank_expected_kind */
    uuid object;
    bool has_reference; /* false: that of the receipt whose id `object` is, saved before */
    struct bytes reference;
    int64_t amount_minor; /* > 0 comes in, < 0 goes out */
    struct bytes currency;
    int16_t ledger_account; /* that its line clears against the bank; LEDGER_BANK: the line only confirms it */
    bool has_owner, has_account;
    uuid owner;     /* of the ledger account */
    account_id account;
    int64_t since_us;
    civil_date since_on;
    int16_t state;  /* EXPECTED_OPEN, or EXPECTED_NOT_SENT */
};
TAGIH_MUST_USE tagih_err bank_send_expected(struct tx *tx, struct arena *arena, const struct bank_expected_row *rows, size_t n);
/** What is not settled yet will not come any more. */
TAGIH_MUST_USE tagih_err bank_send_withdraw(struct tx *tx, struct arena *arena, const uuid *ids, size_t n);

/** A thing that a line may settle. */
struct bank_candidate {
    size_t line; /* index of the line asked about */
    uuid id;
    int16_t kind, ledger_account;
    uuid object, owner; /* nil: none */
    account_id account; /* nil: none */
};

/** A line by its content, as it is asked about and kept. */
struct bank_line_row {
    uuid id, posting;
    int32_t row_no;
    hash256 file_hash;
    struct bytes bank_account, line_reference, currency, reference, payer, note;
    civil_date booked_on;
    int64_t amount_minor, received_us;
    int16_t outcome;
    bool has_expected, has_actor;
    uuid expected;
    user_id actor;
};

/** A line that came before. */
struct bank_known {
    bool known;
    int64_t amount_minor;
    civil_date booked_on;
    int16_t outcome;
};

/** Queue the lock of a bank account, first of all locks: one answer, to be dropped. */
TAGIH_MUST_USE tagih_err bank_send_lock(struct tx *tx, struct arena *arena, struct bytes bank_account);
/** Queue three look-ups of `n` lines: known ones, their days' first instants, candidates. */
TAGIH_MUST_USE tagih_err bank_send_lines(struct tx *tx, struct arena *arena, const struct bank_line_row *lines, size_t n);
/** Take them. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err bank_take_lines(struct tx *tx, struct arena *arena, size_t n, struct bank_known *known, int64_t *value_us,
                                         struct bank_candidate **candidates, size_t *n_candidates);
/** Queue the lock of things behind accounts and collectors; its answer says how each of them stands. */
TAGIH_MUST_USE tagih_err bank_send_expected_lock(struct tx *tx, struct arena *arena, const uuid *ids, size_t n);
/** Take it: `in_state[i]`: ids[i] is there, and in this state. */
void bank_take_expected_lock(struct tx *tx, const uuid *ids, size_t n, enum bank_expected_state state, bool *in_state);

/** What happened to a cheque. */
struct cheque_event_row {
    uuid payment, posting;
    int16_t kind; /* CHEQUE_HANDED_IN, CHEQUE_BOUNCED */
    int64_t fee_minor;
    bool charged;
    struct bytes reason;
    instant at;
    user_id actor;
};
enum { CHEQUE_HANDED_IN = 1, CHEQUE_BOUNCED = 2 };

/* Facts of a posting. */
void cheque_event_params(struct params *p, const struct tx *tx, struct arena *arena, const struct cheque_event_row *row);
void bank_line_params(struct params *p, const struct tx *tx, struct arena *arena, const struct bank_line_row *row);
void bank_match_params(struct params *p, const struct tx *tx, struct arena *arena, const uuid *line, const uuid *posting,
                       const uuid *expected, instant at, const user_id *actor);
void payment_settled_params(struct params *p, const struct tx *tx, struct arena *arena, const uuid *payment, const uuid *posting,
                            const uuid *line, instant at);

/** A line that had matched nothing, and the one thing that it turned out to be. */
struct bank_pair {
    uuid line, expected;
    bool found, in_suspense;
    int64_t amount_minor;
    currency currency;
    instant value;
    struct bank_candidate thing;
};
/** @param thing  the only one that is asked about; nil: all */
TAGIH_MUST_USE tagih_err bank_send_late(struct tx *tx, struct arena *arena, uuid thing, int32_t limit);
/** @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err bank_take_late(struct tx *tx, struct arena *arena, struct bank_pair **pairs, size_t *n);
TAGIH_MUST_USE tagih_err bank_send_pairs(struct tx *tx, struct arena *arena, const struct bank_pair *pairs, size_t n);
void bank_take_pairs(struct tx *tx, struct bank_pair *pairs, size_t n);
/** Queue the lock of lines that went out: their answer names those that are open. */
TAGIH_MUST_USE tagih_err bank_send_open_lock(struct tx *tx, struct arena *arena, const struct bank_pair *pairs, size_t n);
size_t bank_take_open_lock(struct tx *tx, uuid *ids);

/** May a line be matched with a thing by hand? */
struct bank_match_judged {
    bool has_line, has_thing, line_waits, thing_waits, same_money;
    int64_t amount_minor;
    currency currency;
    account_id account; /* of the thing; nil: none */
};
TAGIH_MUST_USE tagih_err bank_send_judge(struct tx *tx, struct arena *arena, uuid line, uuid thing);
void bank_take_judge(struct tx *tx, struct bank_match_judged *out);
/** A person said that the bank has it: what is booked there now is only confirmed by a line. Under the object's lock. */
TAGIH_MUST_USE tagih_err bank_send_confirm(struct tx *tx, struct arena *arena, uuid thing);

#endif
