/* SPDX-License-Identifier: Apache-2.0 */
/* What verify_spec looks at: an agency's day and another agency's month, with everything that they have. */
#ifndef TAGIH_TESTS_VERIFY_CASE_H
#define TAGIH_TESTS_VERIFY_CASE_H

#include "tests/support/teller.h"

/** Live a day in an agency of its own. */
void live_a_day(struct rig *rig, struct teller *teller);
/** Live a month in an agency of its own. @param tagihd  the binary whose commands have a part in it */
void live_a_month(struct rig *rig, struct teller *teller, const char *tagihd);

#endif
