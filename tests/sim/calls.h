/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that a phone and a supervisor make. Each says in one line what went wrong (`trouble`, TROUBLE_SIZE bytes,
 * "" at the start) and then answers false. Nothing is tried twice, unless calls_patience says so: then a call that may
 * succeed later is made again, over a new connection, as a phone's own queue would do.
 */
#ifndef TAGIH_SIM_CALLS_H
#define TAGIH_SIM_CALLS_H

#include "tests/sim/field.h"
#include "tests/support/grpc_client.h"

#define TROUBLE_SIZE 400
#define CALLS_TOKEN_SIZE 700

/** For networks that lose more than a reply; all 0 at the start. Set before the first call. */
struct calls_patience {
    int64_t try_us;     /* how long one try of a call may take; 0: as long as the client waits */
    int64_t give_up_us; /* how long it is tried again; 0: never */
    int64_t pace_us;    /* a rest before each Push */
};
extern struct calls_patience calls_patience;

/** Whether it is too early to give up what began at `since_us` (sim_clock_stopwatch_us). Rests a moment if so. */
bool calls_try_again(int64_t since_us);

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
