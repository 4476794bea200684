/* SPDX-License-Identifier: Apache-2.0 */
/* Names of changes. */
#include "domain/change.h"

const char *change_kind_name(int kind) {
    switch (kind) {
#define X(name, number, text) \
    case number: return text;
        CHANGE_KINDS(X)
#undef X
    default: return "unknown";
    }
}
