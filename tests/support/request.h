/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests made of nothing but a descriptor: whatever a field's name and type promise, it gets: a reason a sentence, money
 * a little rupiah, a value time a minute ago, an enum its first value, a list one element. What a name cannot tell (ids of
 * things, the source of a payment) is set afterwards, by path.
 *
 *     ProtobufCMessage *request = request_new(method.proto->input, &arena);
 *     request_set(request, &arena, "visits.account_id", account);  // a list's first element
 *     request_set(request, &arena, "instalments[1].due_on", "@14"); // its second one; the day in two weeks
 *     request_set(request, &arena, "entry_hash", "0a1b…");          // bytes: hexadecimal
 *     request_set(request, &arena, "source", "2");                  // numbers and enums: digits
 */
#ifndef TAGIH_TESTS_REQUEST_H
#define TAGIH_TESTS_REQUEST_H

#include <protobuf-c/protobuf-c.h>

#include "tagih/arena.h"

/** A request of its type with something plausible in every field. It lives in the arena. */
ProtobufCMessage *request_new(const ProtobufCMessageDescriptor *type, struct arena *arena);

/** Set the field at a path; the test fails when there is none. */
void request_set(ProtobufCMessage *request, struct arena *arena, const char *path, const char *text);

#endif
