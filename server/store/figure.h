/* SPDX-License-Identifier: Apache-2.0 */
/* Figures for the operator of a server: sums over all agencies (migrations/0022_figure.sql), and whether the database is
 * there and of this schema. On a connection of the asker's own; a standby answers, too. */
#ifndef TAGIH_STORE_FIGURE_H
#define TAGIH_STORE_FIGURE_H

#include "store/db.h"
#include "tagih/money.h"

/** More currencies than this are not told. */
#define FIGURE_CURRENCIES_MAX 16

struct figure_cash {
    currency currency;
    int64_t held_minor;      /* by collectors */
    int64_t aged_minor;      /* of it past its time, as the minute last saw it (R-CSH-3) */
    int64_t aged_collectors; /* who hold such */
    int64_t transit_minor;   /* on its way to a bank */
    int64_t suspense_minor;  /* not cash: money whose account nobody knows */
};

struct figures {
    int64_t entries_waiting, entries_quarantined;
    int64_t entries_oldest_us; /* when the oldest of both was received; 0: there is none */
    int64_t chains_with_gaps;
    int64_t suspense_items;
    int64_t proposals_open;
    int64_t changes_unsettled;   /* committed, and not yet seen by readers of the feed */
    int64_t unsettled_oldest_us; /* 0: there is none */
    int64_t months_ahead; /* for so many to come are the tables that are cut by month ready; -1: not even for this one */
    int64_t rows_astray;  /* that came outside of their months */
    struct figure_cash cash[FIGURE_CURRENCIES_MAX];
    size_t n_cash;
};

/** Which schema the database has. @return OK · as db_exec_one, STORE_UNAVAILABLE when it is away */
TAGIH_MUST_USE tagih_err figure_probe(struct db *db, struct arena *arena, int64_t deadline_us, int *version);

/** Three round trips, all before the deadline. @param out  [out] undefined on error. @return OK · as db_exec_one */
TAGIH_MUST_USE tagih_err figures_read(struct db *db, struct arena *arena, instant now, int64_t deadline_us,
                                      struct figures *out);

#endif
