/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Months of an agency's books (R-CLS-1). A month is named by its first day. They close in order, each from
 * the fifth working day of the next one on; what is open begins with the first month that is not closed.
 */
#ifndef TAGIH_DOMAIN_MONTH_H
#define TAGIH_DOMAIN_MONTH_H

#include <stdbool.h>

#include "tagih/err.h"
#include "tagih/time.h"

#define MONTH_CLOSE_WORKING_DAY 5

/** The first day of the month after a date's. Pure. */
civil_date month_next(civil_date date);

/** The last day of a date's month. Pure. */
civil_date month_last(civil_date date);

/** Monday to Friday, and no national holiday whose date does not move (R-CLS-1a). Pure. */
bool date_is_working(civil_date on);

/** From which day on a month may be closed: the n-th working day of the next one, n ≥ 1. Pure. */
civil_date month_close_from(civil_date month, int working_day);

struct month_books {
    bool any_closed;
    civil_date closed; /* the newest closed month */
    bool any_posting;
    civil_date first; /* the month of the oldest posting */
    civil_date today;
};

/**
 * May this month be closed now?
 *
 * @return OK · MONTH_CLOSED it is already · MONTH_ORDER one before it is open · MONTH_EARLY the day has not
 * come
 *
 * Where nothing was closed yet, the first one closed must not leave postings behind it. Pure. Rule R-CLS-1.
 */
TAGIH_MUST_USE tagih_err month_close_check(civil_date month, const struct month_books *books);

#endif
