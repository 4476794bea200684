/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Monthly figures (R-KPI-1, R-KPI-2): which there are, the rates that follow from them, and the canonical text of a month,
 * whose SHA-256 is its digest. The figures themselves are worked out from facts in SQL (migrations/0016_kpi.sql).
 *
 *   text    = head line, then one line a row, each ended by LF
 *   line    = fields with commas between them, no blanks, no quotes: month, team, collector, currency, load type, bucket,
 *             every figure in the order of KPI_FIGURES, net_minor, recovery_bp, contact_bp, kept_bp, void_bp
 *   rows    ascending by (team, collector, currency, load type, bucket), ids as bytes; a row without any figure is left out
 *   month   YYYY-MM; ids as text, empty for the nil id; numbers decimal; a rate without a base is empty, not 0
 *   digest  = SHA-256( text )
 *
 * So `tagihd kpi show --month M --format csv | sha256sum` is the digest that the database keeps.
 */
#ifndef TAGIH_DOMAIN_KPI_H
#define TAGIH_DOMAIN_KPI_H

#include <sodium.h>

#include "tagih/bytes.h"
#include "tagih/err.h"
#include "tagih/id.h"
#include "tagih/money.h"
#include "tagih/time.h"

/** X(NAME, number, "column"). Numbers and order are stored and hashed: append, never renumber. */
#define KPI_FIGURES(X) \
    X(ASSIGNED_ACCOUNTS, 1, "assigned_accounts")                            \
    X(ASSIGNED_MINOR, 2, "assigned_minor")                                  \
    X(MOVED_IN, 3, "moved_in")                                              \
    X(MOVED_OUT, 4, "moved_out")                                            \
    X(NET_FIELD_CASH_MINOR, 5, "net_field_cash_minor")                      \
    X(NET_FIELD_TRANSFER_MINOR, 6, "net_field_transfer_minor")              \
    X(NET_BRANCH_MINOR, 7, "net_branch_minor")                              \
    X(NET_GATEWAY_MINOR, 8, "net_gateway_minor")                            \
    X(NET_LAWYER_MINOR, 9, "net_lawyer_minor")                              \
    X(NET_ENFORCEMENT_MINOR, 10, "net_enforcement_minor")                   \
    X(NET_COLLATERAL_MINOR, 11, "net_collateral_minor")                     \
    X(NET_GUARANTEE_FUND_MINOR, 12, "net_guarantee_fund_minor")             \
    X(NET_INSURANCE_MINOR, 13, "net_insurance_minor")                       \
    X(NET_AUCTION_MINOR, 14, "net_auction_minor")                           \
    X(NET_WRITTEN_OFF_RECOVERY_MINOR, 15, "net_written_off_recovery_minor") \
    X(VISITS_PLANNED, 16, "visits_planned")                                 \
    X(VISITS_DONE, 17, "visits_done")                                       \
    X(VISITS_CONTACT, 18, "visits_contact")                                 \
    X(CHECKINS_INSIDE, 19, "checkins_inside")                               \
    X(CHECKINS_OUTSIDE, 20, "checkins_outside")                             \
    X(CHECKINS_UNSURE, 21, "checkins_unsure")                               \
    X(CHECKINS_UNKNOWN, 22, "checkins_unknown")                             \
    X(PROMISES_MADE, 23, "promises_made")                                   \
    X(PROMISES_KEPT, 24, "promises_kept")                                   \
    X(PROMISES_PARTIAL, 25, "promises_partial")                             \
    X(PROMISES_BROKEN, 26, "promises_broken")                               \
    X(RECEIPTS, 27, "receipts")                                             \
    X(VOIDS, 28, "voids")                                                   \
    X(CASH_SHORT_MINOR, 29, "cash_short_minor")                             \
    X(CASH_AGED_MINOR, 30, "cash_aged_minor")                               \
    X(ROLLED_FORWARD, 31, "rolled_forward")                                 \
    X(ROLLED_BACK, 32, "rolled_back")                                       \
    X(BONUS_MINOR, 33, "bonus_minor")

enum kpi_figure {
#define X(name, number, column) KPI_##name = number,
    KPI_FIGURES(X)
#undef X
    KPI_FIGURE_END
};

/** Load type of what belongs to no account of the month, and its bucket (R-KPI-2a). */
#define KPI_NO_LOAD 0
#define KPI_NO_BUCKET (-1)

struct kpi_key {
    team_id team;      /* nil: none */
    user_id collector; /* nil: nobody */
    currency currency;
    int16_t load_type, bucket;
};

struct kpi_row {
    struct kpi_key key;
    int64_t value[KPI_FIGURE_END]; /* by number; [0] is unused */
};

/** The column of a figure; NULL outside the list. Pure. */
const char *kpi_figure_name(int figure);

/** < 0, 0, > 0 in the order of the canonical text. Pure. */
int kpi_key_compare(const struct kpi_key *a, const struct kpi_key *b);

/** A rate in basis points. */
struct kpi_rate {
    bool is; /* false: there is no base; null, not 0 */
    int64_t bp;
};

/** part ÷ base in basis points, half to even (R-MON-2); none when base is 0 or the rate does not fit. Pure. */
struct kpi_rate kpi_rate(int64_t part, int64_t base);

/** What follows from the figures of a row, or of any sum of rows in one currency. */
struct kpi_rates {
    int64_t net_minor;                          /* over all tags */
    struct kpi_rate recovery, contact, kept, voids; /* net ÷ assigned, contacts ÷ visits done, kept ÷ over, voids ÷ receipts */
};
struct kpi_rates kpi_rates(const struct kpi_row *row);

/** Room for any line of the canonical text, its LF and a NUL. */
#define KPI_LINE_MAX 1280

/** The head line, with its LF. @return its length */
size_t kpi_head(char out[KPI_LINE_MAX]);
/** A row's line, with its LF. @return its length. Pure. */
size_t kpi_line(civil_date month, const struct kpi_row *row, char out[KPI_LINE_MAX]);

/** The digest of a month's rows, sorted. Pure. */
hash256 kpi_digest(civil_date month, const struct kpi_row *rows, size_t n);

/** One key of two snapshots: either may be missing. */
struct kpi_pair {
    const struct kpi_row *a, *b;
};

/** Pair two sorted lists by key, those that differ only. @param out  room for n + m @return how many */
size_t kpi_diff(const struct kpi_row *a, size_t n, const struct kpi_row *b, size_t m, struct kpi_pair *out);

/** Read a month, YYYY-MM. @param out [out] its first day @return OK · DATE_SYNTAX. Pure. */
TAGIH_MUST_USE tagih_err kpi_month_parse(const char *text, civil_date *out);

#endif
