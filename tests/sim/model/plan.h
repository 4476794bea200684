/* SPDX-License-Identifier: Apache-2.0 */
/* How a query's rows are reached. */
#ifndef TAGIH_TESTS_SIM_MODEL_PLAN_H
#define TAGIH_TESTS_SIM_MODEL_PLAN_H

#include "tests/sim/model/model_in.h"

/** Choose a path for each table of a resolved query, and where each part of WHERE is judged. */
void mq_plan(struct model *model, struct mq_query *query);

#endif
