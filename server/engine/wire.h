/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look at a message's bytes before protobuf-c unpacks them. protobuf-c takes invalid UTF-8, cuts strings at NUL,
 * accepts any enum value, knows no depth and turns 4 MB of empty sub-messages into 240 MB; so all that is refused here,
 * by the message's own descriptor, with the field's name.
 */
#ifndef TAGIH_ENGINE_WIRE_H
#define TAGIH_ENGINE_WIRE_H

#include <protobuf-c/protobuf-c.h>

#include "tagih/bytes.h"
#include "tagih/err.h"

#define WIRE_DEPTH_MAX 8
#define WIRE_ITEMS_MAX 20000 /* fields of all messages together */

/**
 * Check a serialised message.
 *
 * @param field  [out] the name of the offending field, or NULL when the bytes themselves are wrong
 * @return OK · REQUEST_MALFORMED · REQUEST_TEXT · REQUEST_ENUM · REQUEST_DEPTH · REQUEST_TOO_MANY
 *
 * Pure, O(n). Fields that the descriptor does not know are skipped, as protobuf wants it.
 */
TAGIH_MUST_USE tagih_err wire_check(const ProtobufCMessageDescriptor *type, struct bytes in, const char **field);

#endif
