/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a journal entry, and why: numbers that are signed into acknowledgements (fate.def,
 * R-JRN-6). */
#ifndef TAGIH_FATE_H
#define TAGIH_FATE_H

#include <stdint.h>

enum fate {
#define FATE(name, number, text) FATE_##name = number,
#include "tagih/fate.def"
#undef FATE
};

enum fate_reason {
#define FATE_REASON(name, number, text) REASON_##name = number,
#include "tagih/fate.def"
#undef FATE_REASON
};

/** The name as it stands in fate.def, such as "POSTED_FLAGGED"; NULL for a number that is none. Pure. */
const char *fate_name(uint16_t fate);

/** The name, such as "POSSIBLE_DUPLICATE"; NULL for a number that is none. Pure. */
const char *fate_reason_name(uint16_t reason);

/** One plain sentence for people; NULL for a number that is none. Pure. */
const char *fate_reason_text(uint16_t reason);

#endif
