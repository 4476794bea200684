/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /metrics: what a server knows of itself, in Prometheus' text format. Everything was counted or heard before; writing it
 * asks nobody and waits for nobody. Labels are bounded: methods and codes from their tables, currencies by a limit. No
 * name, no id and no secret is in it.
 */
#ifndef TAGIH_ENGINE_METRICS_H
#define TAGIH_ENGINE_METRICS_H

#include <stdio.h>

#include "engine/bind.h"
#include "engine/crew.h"
#include "engine/minute.h"
#include "engine/pulse.h"
#include "engine/tally.h"

struct metrics_of {
    const struct rpc_table *table;
    const struct tally *tally;
    const struct crew *crew;
    const struct minute *minute;
    const struct chore *chores;
    struct pulse *pulse;
    int calls_in_flight, calls_in_flight_max;
    int schema_version; /* that this binary is for */
    instant started;
};

void metrics_write(FILE *to, const struct metrics_of *of);

#endif
