/* SPDX-License-Identifier: Apache-2.0 */
/* Monthly figures in the database (R-KPI-1, R-KPI-2). */
#ifndef TAGIH_STORE_KPI_H
#define TAGIH_STORE_KPI_H

#include "domain/kpi.h"
#include "store/tx.h"

/** A version of a month that is there. */
struct kpi_version {
    int32_t version, rows;
    instant known;
    hash256 digest; /* of the month as it stands with it */
    hash256 seal;   /* of what it wrote itself; only where it is made */
};

/** Wait until nobody else makes this month, and read its versions. @return as tx_sync · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err kpi_load_versions(struct tx *tx, struct arena *arena, civil_date month, bool lock,
                                           struct kpi_version **out, size_t *n);

/** Write what the facts say now less what is known, as this version. @param rows [out] how many; 0: nothing came */
TAGIH_MUST_USE tagih_err kpi_make_rows(struct tx *tx, struct arena *arena, civil_date month, int32_t version, int32_t *rows);
/** Write what came since as its causes. */
TAGIH_MUST_USE tagih_err kpi_make_causes(struct tx *tx, struct arena *arena, civil_date month, int32_t version, instant since);

/** The hash of what a version wrote: after its rows and causes. */
TAGIH_MUST_USE tagih_err kpi_load_seal(struct tx *tx, struct arena *arena, civil_date month, int32_t version, hash256 *out);

/** The month as it stands with a version, sorted. Rows all of whose figures are 0 are left out. */
TAGIH_MUST_USE tagih_err kpi_load_rows(struct tx *tx, struct arena *arena, civil_date month, int32_t up_to_version,
                                       struct kpi_row **out, size_t *n);

/** How many facts of a kind came with a version. Text lives in the arena. */
struct kpi_cause {
    int32_t version;
    struct bytes fact;
    int64_t facts;
};
TAGIH_MUST_USE tagih_err kpi_load_causes(struct tx *tx, struct arena *arena, civil_date month, struct kpi_cause **out, size_t *n);

/** Names of teams and collectors, for people. Text lives in the arena. */
struct kpi_name {
    uuid id;
    struct bytes name;
};
TAGIH_MUST_USE tagih_err kpi_load_names(struct tx *tx, struct arena *arena, struct kpi_name **out, size_t *n);

/** The parameters of a version's row, to be sent and digested with its posting (store/fact.h). @param actor NULL: nobody */
void kpi_snapshot_params(struct params *p, const struct tx *tx, struct arena *arena, civil_date month,
                         const struct kpi_version *version, uuid posting, const user_id *actor);

#endif
