/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that a phone and a supervisor make. Each says in one line what went wrong (`trouble`, TROUBLE_SIZE bytes,
 * "" at the start) and then answers false; nothing is retried here.
 */
#ifndef TAGIH_SIM_CALLS_H
#define TAGIH_SIM_CALLS_H

#include "tests/sim/field.h"
#include "tests/support/grpc_client.h"

#define TROUBLE_SIZE 400
#define CALLS_TOKEN_SIZE 700

/** Staff: log in. */
bool calls_login(struct client *client, const char *login, const char *password, char token[CALLS_TOKEN_SIZE],
                 char *trouble);

/** The supervisor makes a code, the phone enrols with it, the supervisor confirms: the phone has its id after it. */
bool calls_enrol(struct client *client, const char *supervisor_token, struct collector *collector);

/** Sign the server's nonce: token, device certificate, server keys. */
bool calls_authenticate(struct collector *collector);

/** Everything new for this phone; stops are filled from visits and their accounts. */
bool calls_pull(struct collector *collector, const struct outcomes *outcomes);

/** Tell an arrival at once. */
bool calls_check_in(struct collector *collector, const struct told *told);

/** A Push under way. */
struct push;

/** Send entries and the device certificate. */
struct push *calls_push_start(struct client *client, const struct phone *phone, struct record *const *records, size_t count);

/**
 * Its answer, judged by the phone: acknowledgements and chain certificates are verified and kept.
 * @param listen  false: the reply is lost on the way
 * @return false: the call failed; *again says whether the same call may succeed soon
 */
bool calls_push_finish(struct push *push, struct phone *phone, bool listen, bool *again, char *trouble);

#endif
