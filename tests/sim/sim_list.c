/* SPDX-License-Identifier: Apache-2.0 */
/* Names of what the simulator counts. */
#include "tests/sim/sim_list.h"

#include <string.h>

const char *sim_fault_name(enum sim_fault fault) {
    static const char *const names[] = {
#define X(name, token, text) token,
        SIM_FAULTS(X)
#undef X
    };
    return names[fault];
}

const char *sim_invariant_name(enum sim_invariant invariant) {
    static const char *const names[] = {
#define X(name, text) #name,
        SIM_INVARIANTS(X)
#undef X
    };
    return names[invariant];
}

enum sim_fault sim_fault_parse(const char *name, int len) {
    int i = 0;
    while (i < FAULT_COUNT && (strncmp(sim_fault_name((enum sim_fault)i), name, (size_t)len) != 0 ||
                               strlen(sim_fault_name((enum sim_fault)i)) != (size_t)len)) {
        i++;
    }
    return (enum sim_fault)i;
}
