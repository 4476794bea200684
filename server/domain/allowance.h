/* SPDX-License-Identifier: Apache-2.0 */
/* How much a phone may take offline (R-REC-5, R-CSH-3, defaults), in major units of whatever currency. */
#ifndef TAGIH_DOMAIN_ALLOWANCE_H
#define TAGIH_DOMAIN_ALLOWANCE_H

#include <stdint.h>

#define ALLOWANCE_PER_RECEIPT_MAJOR INT64_C(5000000)
#define ALLOWANCE_CASH_HELD_MAJOR INT64_C(10000000)
#define ALLOWANCE_RECEIPTS 200

#endif
