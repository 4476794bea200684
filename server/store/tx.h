/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One transaction in libpq's pipeline mode: statements are queued, a sync makes the round trip.
 *
 *     static tagih_err check_in(struct tx *tx, void *context) {
 *         TRY(tx_send(tx, &lock));                       // LOCK and LOAD: two statements, one round trip
 *         TRY(tx_send(tx, &load));
 *         TRY(tx_sync(tx));
 *         DEFER(result) struct result locked = {0}, loaded = {0};
 *         tx_take(tx, &locked);
 *         tx_take(tx, &loaded);
 *         ...decide...
 *         TRY(tx_send(tx, &save));                       // goes out together with COMMIT, when the body returns
 *         tx_expect(tx, n);
 *         return TAGIH_OK;
 *     }
 *     TRY(tx_run(db, &(struct tx_options){.agency = id, .deadline_us = until, .name = "CheckIn"}, check_in, &batch));
 *
 * A body may run several times: it must set all of its results anew each time, and must have no other effects. The
 * ids in its data make a second run of a commit of unknown outcome harmless. What SQLSTATE means is decided here alone.
 */
#ifndef TAGIH_STORE_TX_H
#define TAGIH_STORE_TX_H

#include "store/db.h"

/** The most statements between two syncs (asserted). */
#define TX_QUEUE_MAX 64
/* and ours: BEGIN, its settings, COMMIT or ROLLBACK */
#define TX_SLOTS (TX_QUEUE_MAX + 5)

struct tx_options {
    agency_id agency;    /* nil: none; row-level security then shows nothing */
    int64_t deadline_us; /* CLOCK_MONOTONIC; also becomes the statement timeout */
    bool read_only;
    bool snapshot; /* read only, and every statement sees the same state */
    const char *name; /* for the log: the method */
};

/** What to do after a failure; the table of SQLSTATEs is in tx.c. */
enum tx_verdict {
    TX_FINE,
    TX_AGAIN,       /* lost against another transaction: the whole transaction again */
    TX_RECONNECT,   /* the connection is gone: another one, the same transaction */
    TX_UNAVAILABLE, /* no room or no time */
    TX_DATA,        /* a row that cannot be stored: the batch is broken */
    TX_SHORT,       /* fewer or more rows written than asked */
    TX_BUG          /* anything else */
};

struct tx_slot {
    const struct statement *statement;
    PGresult *result;   /* between sync and take */
    int64_t rows_asked; /* -1: not declared */
    bool quiet;         /* ours: nothing to take */
};

struct tx {
    struct db *db;
    const struct tx_options *options;
    struct tx_slot slots[TX_SLOTS];
    size_t n_slots;    /* n_taken <= n_answered <= n_slots */
    size_t n_answered; /* slots whose answer has come */
    size_t n_taken;    /* slots passed by tx_take */
    bool begun;        /* BEGIN was queued */
    bool committed;
    bool autocommit;   /* a single statement, no BEGIN */
    enum tx_verdict verdict;
};

typedef tagih_err (*tx_body_fn)(struct tx *tx, void *context);

/**
 * Run `body` in a transaction and commit it, again and again where that can help.
 *
 * 40001, 40P01, 55P03: again with full jitter, at most 8 tries inside the deadline. 08, 57P, a dead connection, also
 * when it died on COMMIT: a new connection and again. An error that the body itself returns rolls back and comes back
 * unchanged; only errors of the database are retried.
 *
 * @param options  outlives the call
 * @return OK committed · the body's own error · BATCH_BROKEN a row cannot be stored (22, 23, P0001, or rows missing
 *         three times) · STORE_CONTENDED the tries are used up · STORE_UNAVAILABLE no connection, no room (53), or
 *         57014 · STORE_DEADLINE no time left · OUT_OF_MEMORY a params' arena was full · INTERNAL anything else
 */
TAGIH_MUST_USE tagih_err tx_run(struct db *db, const struct tx_options *options, tx_body_fn body, void *context);

/** Work on items first .. first + count - 1 of a batch; rules as for tx_run's body. */
typedef tagih_err (*tx_range_fn)(struct tx *tx, void *context, size_t first, size_t count);
/** Item `item` is not stored, and why. Called outside any transaction. */
typedef void (*tx_failed_fn)(void *context, size_t item, tagih_err err);

/**
 * Run a batch, and find the items that break it: on BATCH_BROKEN, and on OUT_OF_MEMORY, each half is run by itself, down
 * to the item.
 *
 * Afterwards every item either is committed or was reported through `failed`, once. An item that breaks its
 * transaction alone is reported with BATCH_BROKEN. Any other error is reported for all items of its range; after
 * STORE_UNAVAILABLE and STORE_DEADLINE the remaining ranges are not tried and are reported with it.
 *
 * @param committed  [out] how many transactions were committed; may be NULL
 * @return OK all items settled, BATCH_BROKEN ones included · else the first other error
 */
TAGIH_MUST_USE tagih_err tx_run_halving(struct db *db, const struct tx_options *options, size_t n_items,
                                        tx_range_fn body, tx_failed_fn failed, void *context, size_t *committed);

/** Begin by hand, for code that cannot be a body. `DEFER(tx) struct tx tx;` rolls back what was not committed. */
void tx_begin(struct tx *tx, struct db *db, const struct tx_options *options);
void tx_release(struct tx *tx);

/** Begin the parameters of a statement whose first one is the agency, as nearly all have it: under the transaction's. */
void tx_params(struct params *p, const struct tx *tx, struct arena *arena, const struct statement *statement, size_t n_rows);

/** Queue a statement; the first one queues BEGIN, agency and timeout before it. Results not taken yet are dropped. */
TAGIH_MUST_USE tagih_err tx_send(struct tx *tx, const struct params *params);

/** Queue a statement that wants, behind the agency, ids, or one id. */
TAGIH_MUST_USE tagih_err tx_send_ids(struct tx *tx, struct arena *arena, const struct statement *statement, const uuid *ids, size_t n);
TAGIH_MUST_USE tagih_err tx_send_id(struct tx *tx, struct arena *arena, const struct statement *statement, uuid id);

/**
 * The statement queued last must write exactly `rows` rows. Otherwise the transaction rolls back and runs again; if
 * rows are missing three times, BATCH_BROKEN. Costs tx_commit one more round trip, because a COMMIT in the same
 * pipeline would come before anybody had counted.
 */
void tx_expect(struct tx *tx, size_t rows);

/** Send what is queued and wait for all answers. After an error only tx_release (or returning from the body) helps. */
TAGIH_MUST_USE tagih_err tx_sync(struct tx *tx);

/** The next answer, in the order of sending; statements with "out: none" have none. One must be left (asserted). */
void tx_take(struct tx *tx, struct result *out);

/**
 * Send what is queued together with COMMIT. tx_run does this after its body; a body that wants the answers of its
 * last statements calls it itself and takes them then, or syncs before.
 */
TAGIH_MUST_USE tagih_err tx_commit(struct tx *tx);

#endif
