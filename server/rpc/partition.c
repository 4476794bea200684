/* SPDX-License-Identifier: Apache-2.0 */
/* The chore behind partition.h. Any number of servers may do it at once: the second one finds nothing to do. */
#include "rpc/partition.h"

#include "run/log.h"
#include "store/partition.h"

tagih_err partitions_care(struct db *db, struct arena *arena, int64_t deadline_us, size_t *n) {
    struct partitions_kept kept;
    TRY(partition_chore(db, arena, deadline_us, &kept));
    if (kept.moved) {
        log_event(LOG_WARN, "partition.astray",
                  "%lld rows had come outside of the months at hand and are in theirs now; whose clock was that?",
                  (long long)kept.moved);
    }
    if (kept.busy)
        log_event(LOG_INFO, "partition.busy", "%d tables are in use by somebody who takes long; again in a minute",
                  kept.busy);
    *n = (size_t)kept.made;
    return TAGIH_OK;
}
