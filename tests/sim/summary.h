/* SPDX-License-Identifier: Apache-2.0 */
/* What the phones say of their day, written for whoever compares it with the database. */
#ifndef TAGIH_SIM_SUMMARY_H
#define TAGIH_SIM_SUMMARY_H

#include "tests/sim/field.h"

/**
 * Write phones.tsv (one line a phone) and entries.tsv (one line an entry, acknowledgement included) into a folder.
 * @return false: a file could not be written
 */
bool summary_write(const char *folder, const struct collector *collectors, size_t count);

#endif
