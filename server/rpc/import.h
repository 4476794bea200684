/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a row of a creditor's file does, whether a call brings it or `tagihd import` reads it (R-IMP-1..3). Many rows at
 * a time: load, decide, save, in one transaction; the caller halves what the database refuses down to the row
 * (store/tx.h), so that one bad row never stops the good ones.
 *
 * A snapshot replaces what is open: our payments valued up to its as-of date count as contained (flagged ASSUMED), the
 * later ones replay on top. Credit of contained payments passes to the creditor with them, so that an account's figures
 * are always those of its newest snapshot and the payments behind it. What that changes is one posting against creditor
 * control, J1 for a new account and J33 for a difference.
 */
#ifndef TAGIH_RPC_IMPORT_H
#define TAGIH_RPC_IMPORT_H

#include "store/import.h"
#include "store/reconciliation.h"

/** Rows of one transaction. */
#define IMPORT_ROWS_MAX 1000
#define IMPORT_INSTALMENTS_MAX 480

/** The file that the rows are of. */
struct import_file {
    hash256 hash;
    civil_date as_of_on;   /* after shifting */
    int32_t shifted_days;  /* all dates of the file move by this */
    int64_t export_seq;    /* highest number of the export that its figures contain (R-IMP-3); 0: not said */
    const user_id *actor;  /* NULL: the command line */
    int64_t writer;        /* this worker's chain of postings */
};

struct import_item {
    /* in */
    int32_t row_no;
    struct account_row row;
    const struct instalment *schedule; /* the creditor's, numbers consecutive; NULL: none */
    size_t n_schedule;
    tagih_err err; /* not OK: the row could not be read */
    enum account_column column;
    /* out */
    bool repeat;             /* this row of this file has been here before: nothing changes */
    struct bytes result;     /* NEW, CONTINUATION, UPDATE, REACTIVATED, SAME, or an error's token; lives as long as the arena */
    struct bytes warning;    /* for people; may be empty */
    account_id account;      /* nil: rejected */
    int64_t sum_minor;       /* Σ of its balances, when good */
    /* between */
    struct import_loaded loaded;
    struct load load;
    customer_id customer;
    struct instalment synthetic;
    struct allocation_outcome outcome; /* of the payments on top; n_lines 0: none */
    const struct import_fact *facts;
    size_t n_facts;
    bool changes_rules; /* the row gives its account another rule set (R-ALL-2c): `rules`, whose id is its posting's */
    struct rule_change rules;
    bool reconciled; /* the report has a row of it (R-IMP-3): `report` */
    struct reconciliation_row report;
};

/**
 * Read a row: from text to a checked item, dates shifted.
 *
 * @param item  row_no set; err and column say what is wrong
 */
void import_read(const struct account_text *text, const struct import_file *file, struct import_item *item);

/** Queue LOCK and LOAD of 1 to IMPORT_ROWS_MAX rows. */
TAGIH_MUST_USE tagih_err import_send(struct tx *tx, struct arena *arena, const struct import_file *file,
                                     struct import_item *items, size_t n, instant now);

/**
 * Take what was loaded (the caller has synced), decide, queue SAVE.
 *
 * @return OK, every item has its result · OUT_OF_MEMORY · as tx_sync · as allocation_replay, ledger_end (our bugs)
 */
TAGIH_MUST_USE tagih_err import_decide(struct tx *tx, struct arena *arena, const struct import_file *file,
                                       struct import_item *items, size_t n, instant now);

#endif
