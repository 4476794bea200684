/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Months for specs that close them: the newest one that may be closed today, days in it as teller.h counts them, and the
 * close by two people. Accounts are imported as of 60 days ago, so that the month's last days are behind that.
 */
#ifndef TAGIH_TESTS_MONTHS_H
#define TAGIH_TESTS_MONTHS_H

#include "server/domain/month.h"
#include "tests/support/teller.h"

/** Today in Jakarta, as days since 1970. */
int32_t months_today(void);
/** The newest month that may be closed today. */
civil_date months_closable(void);
/** Days from today to the day `before` days ahead of that month's last one; to `before` days ahead of its first one. */
int months_near_end(int before);
int months_before_start(int before);
/** "YYYY-MM", in one of 8 static buffers. */
const char *months_text(civil_date month);

struct rig_answer months_propose(struct teller *teller, user_id maker, const char *month);
/** Approve any proposal. */
struct rig_answer months_decide(struct teller *teller, user_id by, const char *proposal_id);
/** Close one month: the teller's supervisor proposes, `second` approves. Fails the test when refused. */
void months_close(struct teller *teller, user_id second, civil_date month);
/** Close all that are open before it, from the agency's first posting on. */
void months_close_before(struct teller *teller, user_id second, civil_date month);

#endif
