/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one-time enrolment code: what a supervisor reads out and a collector types (R-JRN-1). Twelve of 32 letters and
 * digits without I, O, 0 and 1, in three groups: 60 bits. The server keeps its SHA-256 alone.
 */
#ifndef TAGIH_DOMAIN_ENROL_CODE_H
#define TAGIH_DOMAIN_ENROL_CODE_H

#include "tagih/bytes.h"
#include "tagih/time.h"

#define ENROL_CODE_CHARACTERS 12
/* with two hyphens and the NUL */
#define ENROL_CODE_TEXT_SIZE 15
#define ENROL_CODE_LASTS_US US_PER_DAY

/** Write a code made of 12 random bytes, "ABCD-EFGH-JKLM". Pure. */
void enrol_code_make(const uint8_t random[ENROL_CODE_CHARACTERS], char out[ENROL_CODE_TEXT_SIZE]);

/**
 * The hash of a code as somebody typed it: case, blanks and hyphens do not matter.
 *
 * @param out  [out] SHA-256 of the twelve characters, upper case; untouched on error
 * @return OK · ENROL_CODE_UNKNOWN it cannot be a code
 */
TAGIH_MUST_USE tagih_err enrol_code_hash(struct bytes typed, hash256 *out);

#endif
