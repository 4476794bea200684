/* SPDX-License-Identifier: Apache-2.0 */
/* Names and sentences of fates and their reasons, all from one list. */
#include "tagih/fate.h"

#include <stddef.h>

const char *fate_name(uint16_t fate) {
    switch (fate) {
#define FATE(name, number, text) \
    case number:                 \
        return #name;
#include "tagih/fate.def"
#undef FATE
        default:
            return NULL;
    }
}

const char *fate_reason_name(uint16_t reason) {
    switch (reason) {
#define FATE_REASON(name, number, text) \
    case number:                        \
        return #name;
#include "tagih/fate.def"
#undef FATE_REASON
        default:
            return NULL;
    }
}

const char *fate_reason_text(uint16_t reason) {
    switch (reason) {
#define FATE_REASON(name, number, text) \
    case number:                        \
        return text;
#include "tagih/fate.def"
#undef FATE_REASON
        default:
            return NULL;
    }
}
