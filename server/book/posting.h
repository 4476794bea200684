/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Posting: money meets accounts (R-PAY-*, R-ALL-*, R-LED-*, R-BON-*, R-CSH-1), whoever brings it: receipts and voids
 * of a journal, a gateway, a branch. A book holds all posts of one transaction:
 *
 *     book_begin → book_send_lock → (others lock visits) → book_send_load → sync → book_take_lock, book_take_load
 *     → book_decide → (others make acknowledgements from the outcomes) → book_save
 *
 * Payments and other facts of accounts are worked on in fact order, then reversals, then moves. A payment that comes last
 * in its account's fact order touches only its own lines; everything else replays the account (replay.c). Each
 * post that took effect becomes one posting: ledger lines that sum to zero, a digest over all its rows, chained per writer.
 *
 * A move (POST_MOVE) brings its own lines: between book_take_load and book_decide its maker looks at what was loaded
 * (book_collector, book_account) and builds `post->ledger`. An event without money has none. Whatever it is, a post may
 * bring rows of facts of its own, as parameters of their insert statements (store/fact.h).
 */
#ifndef TAGIH_BOOK_POSTING_H
#define TAGIH_BOOK_POSTING_H

#include "domain/bank.h"
#include "domain/fate_bits.h"
#include "domain/posting.h"
#include "book/promise.h"
#include "store/change.h"
#include "store/fact.h"
#include "store/posting.h"

/** Whose holidays are no working days of the silence that follows money (R-PAY-2). */
#define SILENCE_PACK "id-pojk22"

/** Stored in posting.kind: add, never renumber. */
enum posting_kind {
    POSTING_OF_PAYMENT = 1,
    POSTING_OF_REVERSAL = 2,
    POSTING_OF_QUARANTINE = 3,
    POSTING_OF_IMPORT = 4,
    POSTING_OF_CHARGE = 5,
    POSTING_OF_WAIVER = 6,
    POSTING_OF_REFUND = 7,
    POSTING_OF_PROPOSAL = 10, /* what one person proposed */
    POSTING_OF_DECISION = 11, /* and another decided, where nothing else was posted */
    POSTING_OF_FILE = 20,
    POSTING_OF_RETAG = 21,
    POSTING_OF_EXPORT = 22,
    POSTING_OF_SUSPENSE_IN = 30,
    POSTING_OF_SUSPENSE_OUT = 31,
    POSTING_OF_BANK_LINE = 32,
    POSTING_OF_CHEQUE = 33,
    POSTING_OF_BANK_CHARGE = 34,
    POSTING_OF_OFFER = 40,
    POSTING_OF_ENTRY_DECISION = 41,
    POSTING_OF_SETTLEMENT = 50,
    POSTING_OF_DEPOSIT = 51,
    POSTING_OF_HANDOVER = 52,
    POSTING_OF_INCIDENT = 53,
    POSTING_OF_SHORTAGE = 54,
    POSTING_OF_PROMISE = 60,
    POSTING_OF_PLAN = 61,
    POSTING_OF_LIFECYCLE = 70,
    POSTING_OF_TRUE_UP = 80,
    POSTING_OF_BONUS_STATE = 81,
    POSTING_OF_PAYOUT = 82,
    POSTING_OF_LEAVING = 83,
    POSTING_OF_BONUS_CREDIT = 84,
    POSTING_OF_BONUS_SPLIT = 85,
    POSTING_OF_OWN_CUSTOMER = 86,
    POSTING_OF_CLOSE = 90,
    POSTING_OF_KPI = 91,
    POSTING_OF_RULE_SET = 95,
    POSTING_OF_COST = 100,
    POSTING_OF_SALE = 101,
    POSTING_OF_REMITTANCE = 102
};

enum post_outcome {
    POST_DONE,
    POST_QUARANTINED,       /* the money is in quarantine; `flags` say why */
    POST_UNLISTED,          /* as before, and without lines: no valid amount or currency */
    POST_ALREADY_REVERSED,  /* reversal: no effect */
    POST_CASH_GONE,         /* void, move: it takes more cash than a collector holds; nothing was done (R-PAY-4) */
    POST_NOT_FOUND          /* reversal: no such payment; fact: no such instalment, or nothing to withdraw */
};

/** The most insert statements that one post may bring. */
#define POST_FACTS_MAX 8

enum post_what {
    POST_PAYMENT,
    POST_REVERSAL, /* of the payment `payment` */
    POST_FACT,     /* a charge, waiver or refund of the account `account`, or one that is taken back; or another rule set */
    POST_MOVE      /* lines of its maker, or an event without any */
};

/** A collector's month at its close, as a bonus line of the post's `collector` (R-BON-7). */
struct post_true_up {
    civil_date month;
    team_id team; /* nil: none */
    struct bonus_inputs inputs; /* base: of all payments; mtd: of the countable ones */
    struct bonus_true_up result;
    hash256 parts;
};

struct bonus_history;

/** A payment that gets another tag (R-TAG-1): its bonus lines as they are stored, loaded under the locks. */
struct post_retag {
    enum payment_tag before;
    const struct bonus_history *history;
};

/** A payment whose bonus waited for a supervisor's choice, and is the post's `collector`'s now (R-BON-8c): its lines as they
 *  are stored, loaded under the locks. */
struct post_credit {
    bool kept; /* by whom it was written for: nothing is written */
    const struct bonus_history *history;
};

/** One movement of money, or one event beside it. */
struct post {
    /* in */
    enum post_what what;
    bool skip;            /* decided elsewhere: do nothing */
    bool quarantine;      /* decided elsewhere: into quarantine, `flags` say why */
    uuid id;              /* of the posting: the entry's or the request's */
    payment_id payment;   /* PAYMENT: its id; reversal: which one */
    account_id account;
    int16_t source, tender, tag;
    int64_t amount_minor;
    currency currency;
    instant value, received;
    user_id collector;    /* who took it; move: whose balances move; nil: nobody */
    user_id other;        /* move: another collector whose balances move */
    bool at_visit;        /* taken at a visit: its lease should have been live (R-VIS-3) */
    bool has_actor;
    user_id actor;
    struct bytes reference; /* empty: none */
    enum reversal_reason reason;
    bool settled;         /* reversal: the receipt is in a DECLARED settlement */
    bool has_entry;       /* evidence of a journal: digested */
    hash256 entry_hash;
    struct bytes ack;     /* set before book_save */
    uint16_t fate;        /* likewise */
    bool has_money;       /* payment: its debit is `money` and not what its source says (out of suspense, quarantine) */
    struct ledger_side money;
    enum fact_kind fact;  /* of POST_FACT: not FACT_PAYMENT */
    int32_t instalment_no;
    enum component component;
    const struct rule_change *rules; /* POST_FACT: the account gets this rule set, and nothing else; NULL: it does not */
    bool withdraw;        /* POST_FACT: take back the fact `withdrawn`, whose kind is `fact` */
    uuid withdrawn;
    struct bytes note;    /* POST_FACT: the reason that is kept with it */
    enum posting_kind kind;   /* of a move */
    struct ledger_txn ledger; /* of a move; of a payment or reversal what goes with it: begun by book_move_begin, built before book_decide */
    int16_t change;           /* of a move: what the feed says of it (domain/change.h), of `payment` if that is set; 0: nothing */
    const struct params *facts; /* rows of its own; each names this post as its posting */
    size_t n_facts;
    const struct post_retag *retag;     /* move: of `payment`, which gets `tag`; set at book_begin, filled before book_decide */
    const struct post_credit *credit;   /* move: of `payment`, valued as it was; set at book_begin, filled before book_decide */
    const struct post_true_up *true_up; /* move: the bonus line of a month that closes; NULL: none */
    struct promise_deed *deed; /* of a move: what it does to promises (promise.h); NULL: nothing */
    /* out */
    fate_bits flags;
    enum post_outcome outcome;
    civil_date value_on;
    uuid duplicate_of;    /* R-REC-4: the other one; nil: none */
    size_t index;         /* of its key in the book */
};

/** What one post wrote. */
struct posted {
    const struct post *post;
    enum posting_kind kind;
    bool has_account;
    account_id account;
    struct ledger_txn ledger;
    civil_date posting_on;       /* R-ALL-7 */
    size_t payment;              /* index into payments + 1; 0: none */
    size_t reversal;             /* likewise */
    size_t bonus_first, n_bonus;
    size_t allocation_first, n_allocations;
    const struct params *facts[POST_FACTS_MAX + 5]; /* sorted by statement; two of its own, three of promises */
    size_t n_facts;
    struct params own_fact;      /* POST_FACT: its row; reversal: what its bonus lines take back */
    struct params reopening;     /* its event, when it reopened its account */
};

struct replayed; /* replay.c */

struct book {
    struct tx *tx;
    struct arena *arena;
    instant now;
    int64_t writer;
    agency_id agency;
    struct post **posts; /* as given */
    size_t n;
    size_t n_max; /* posts may be added until then (waiting voids) */
    struct posting_key *keys;
    struct posting_loaded loaded;
    struct replayed *replayed; /* per account, when any replays */
    struct promises *promises; /* of the accounts (promise.c) */
    /* rows to write */
    struct posted *posted;
    size_t n_posted;
    struct payment_row *payments;
    size_t n_payments;
    struct reversal_row *reversals;
    size_t n_reversals;
    struct allocation_row *allocations;
    size_t n_allocations, allocations_max;
    struct bonus_row *bonus;
    size_t n_bonus, bonus_max;
    bool no_offers; /* it is what followed from an offer itself */
};

/** Begin a book over `n` posts; posts found later (book_add) may bring it to n_max. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err book_begin(struct book *book, struct tx *tx, struct arena *arena, agency_id agency,
                                    int64_t writer, instant now, struct post *posts, size_t n, size_t n_more);
TAGIH_MUST_USE tagih_err book_send_lock(struct book *book);
TAGIH_MUST_USE tagih_err book_send_load(struct book *book);
void book_take_lock(struct book *book);
TAGIH_MUST_USE tagih_err book_take_load(struct book *book);
/** LOCK and LOAD in one round trip, for a book whose maker asks for nothing else in it. Nothing may be queued before. */
TAGIH_MUST_USE tagih_err book_open(struct book *book);

/**
 * The bank's statement will show what a post booked at the bank: the line only confirms it. After book_save.
 *
 * @param reference  NULL: the line is known by its amount alone
 * @param amount_minor  > 0 comes in, < 0 goes out
 */
TAGIH_MUST_USE tagih_err book_expect_line(struct book *book, const struct post *post, enum bank_expected_kind kind, uuid object,
                                          const struct bytes *reference, int64_t amount_minor);

/** Add a reversal of a payment that is in this book itself. Before book_decide. */
void book_add(struct book *book, struct post *post);

/** What keeps a payment from being posted, as reasons of fates; 0: nothing does. After book_take_load. */
fate_bits book_hindrance(struct book *book, const struct post *post);

/** A collector's balances as they are now, under their lock; NULL when no post named him. After book_take_load. */
struct posting_collector *book_collector(struct book *book, user_id id, currency currency);
/** An account as it is now, under its lock; NULL: no post named it, or it does not exist. */
struct posting_account *book_account(struct book *book, account_id id);
/** The day that a fact valued on `value_on` is booked on: itself while its month is open, else today (R-ALL-7). */
civil_date book_posting_on(const struct book *book, civil_date value_on);

/** A collector's month as it is now, under his lock: of the value date or bonus month of a post, or of today. NULL: no
 *  post named it. After book_take_load. */
struct posting_month *book_month(struct book *book, user_id collector, civil_date month, currency in);

/** Begin a move's lines in its currency. */
void book_move_begin(struct post *post);

/** Decide all: outcomes and flags are in the posts. One more round trip when an account replays. */
TAGIH_MUST_USE tagih_err book_decide(struct book *book);

/** Digest and queue everything; when an account with an offer to settle moved, more round trips (R-WAI-1). */
TAGIH_MUST_USE tagih_err book_save(struct book *book);

/** Is there anything to load? A book without posts sends nothing and takes nothing. */
static inline bool book_is_empty(const struct book *book) {
    return book->n == 0;
}

/* Between posting.c and its parts. */
struct posted *book__posted(struct book *book, const struct post *post, enum posting_kind kind);
/** Write the bonus line of a payment (R-BON-*), its ledger lines included. */
TAGIH_MUST_USE tagih_err book__bonus(struct book *book, const struct post *post, struct posting_account *account,
                                     struct posted *posted, int64_t base_minor, enum bucket bucket);
/** Write the lines that take back all that was written for a payment, one a collector (R-BON-5). */
TAGIH_MUST_USE tagih_err book__bonus_reverse(struct book *book, const struct post *post, struct posted *posted,
                                             const struct posting_reversed *payment);
/** Take back the bonus lines of a payment and write one for its post's collector (R-BON-8c). */
TAGIH_MUST_USE tagih_err book__bonus_credit(struct book *book, const struct post *post, struct posted *posted);
/** Take back the bonus lines of a payment and write them again with another tag (R-TAG-1). */
TAGIH_MUST_USE tagih_err book__bonus_retag(struct book *book, const struct post *post, struct posted *posted);
/** Write the line of a month that closes. */
TAGIH_MUST_USE tagih_err book__bonus_true_up(struct book *book, const struct post *post, struct posted *posted);
/** Queue what the bank's statement should show of these postings, and what it will not show any more (bank_expected.c). */
TAGIH_MUST_USE tagih_err book__expect(struct book *book);
/** Is the money, or the cheque, on its way or with the bank already, so that a void cannot hand it back (R-PAY-5c)? */
bool book__is_at_bank(const struct posting_reversed *payment);
/** A reversal left its money in suspense: the item, as a fact of its posting (suspense.c). */
TAGIH_MUST_USE tagih_err book__suspend(struct book *book, const struct post *post, struct posted *posted,
                                       const struct posting_reversed *payment);
/** Bonus bucket of a value date (R-BON-11), from the open state before any payment of that date. */
enum bucket book__bucket(struct posting_account *account, const struct instalment_open *lines, size_t n_lines,
                         civil_date value_on);
/** The later of month start and hold start (R-BON-11). */
civil_date book__bucket_anchor(const struct posting_account *account, civil_date value_on);
/** Load what accounts that replay need. @return OK · OUT_OF_MEMORY · as tx_sync */
TAGIH_MUST_USE tagih_err book__replay_load(struct book *book);
bool book__replays(const struct book *book, const struct posting_account *account);
TAGIH_MUST_USE tagih_err book__replay_payment(struct book *book, struct post *post, struct posting_account *account,
                                              struct posted *posted);
/** What a reversal or a late charge leaves open on an account that money closed is live again (R-LIF-1). */
TAGIH_MUST_USE tagih_err book__reopen(struct book *book);
/** The changes that reopenings are. @return how many */
size_t book__reopen_changes(const struct book *book, struct change_row *out);
/** What a payment debits. */
struct ledger_side book__money_side(const struct post *post);
/** What a POST_FACT adds to its account. */
struct allocation_fact book__fact_of(const struct post *post);
TAGIH_MUST_USE tagih_err book__replay_fact(struct book *book, struct post *post, struct posting_account *account,
                                           struct posted *posted, bool *found);
/** The account gets another rule set (R-ALL-2): as its payments are by it. */
TAGIH_MUST_USE tagih_err book__replay_rules(struct book *book, struct post *post, struct posting_account *account,
                                            struct posted *posted);
TAGIH_MUST_USE tagih_err book__replay_reversal(struct book *book, struct post *post, struct posting_account *account,
                                               struct posted *posted, const struct posting_reversed *payment);
TAGIH_MUST_USE tagih_err book__allocation(struct book *book, struct posted *posted, payment_id payment, int32_t version,
                                          const struct allocation_part *parts, size_t n_parts, int64_t credit_minor);
/** Let the offers to settle of the accounts that moved follow (offer.c). */
TAGIH_MUST_USE tagih_err book__offers(struct book *book);
void book__digest(struct book *book, const struct posted *posted, const struct posting_head_row *head,
                  const struct line_row *lines, size_t n_lines, hash256 *out);

/* The rows that every posting has, as digest.c lists them. */
void posting_digest_allocations(struct posting_digest *d, struct allocation_row *rows, size_t n);
void posting_digest_head(struct posting_digest *d, const struct posting_head_row *row);
void posting_digest_line(struct posting_digest *d, const struct line_row *row);
/* And those that some have. What wrote them digests them so, and `tagihd verify` what it reads back. */
void posting_digest_entry(struct posting_digest *d, uuid posting, const hash256 *entry, uint16_t fate, fate_bits flags,
                          struct bytes ack);
void posting_digest_payment(struct posting_digest *d, const struct payment_row *row);
void posting_digest_bonus(struct posting_digest *d, payment_id payment, int16_t line_no, const hash256 *hash);
void posting_digest_reversal(struct posting_digest *d, const struct reversal_row *row);
/** A creditor's snapshot. */
struct snapshot_row {
    account_id account;
    civil_date as_of;
    instant received;
    hash256 file;
    int32_t row_no;
    int16_t load_type;
    int64_t due_minor[COMPONENT_COUNT];
    int64_t export_seq; /* 0: the creditor does not say */
};
void posting_digest_snapshot(struct posting_digest *d, const struct snapshot_row *row);

#endif
