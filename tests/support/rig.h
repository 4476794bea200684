/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that a spec of a capability needs, on the real thing: a migrated database of its own (cloned from a
 * template that is made once for each state of migrations/), signing keys in a temporary folder, the server in this
 * process exactly as `tagihd serve` opens it, with its TLS port and its unix socket, and people, phones, accounts and
 * visits put into the database.
 *
 *     static struct rig rig;
 *     rig_open(&rig, NULL);                                   // group setup: about 0.2 s
 *     agency_id agency = rig_agency(&rig, "Acme");
 *     user_id budi = rig_user(&rig, agency, "budi", ROLE_COLLECTOR);
 *     struct rig_phone phone = rig_phone(&rig, agency, budi);
 *     struct rig_answer a = rig_call(&rig, phone.token, "CheckInService/CheckIn", &request.base);
 *     assert_answer(a, OK);                                   // or a reason of err.def
 *     const Tagih__V1__CheckInResponse *response = a.response;
 *     rig_close(&rig);
 *
 * Whatever goes wrong while preparing fails the test. rig_call may be used from any thread, the rest from one.
 */
#ifndef TAGIH_TESTS_RIG_H
#define TAGIH_TESTS_RIG_H

#include <protobuf-c/protobuf-c.h>
#include <pthread.h>

#include "server/domain/role.h"
#include "server/run/config.h"
#include "server/run/keys.h"
#include "server/service.h"
#include "tagih/envelope.h"
#include "tagih/id.h"
#include "tagih/ledger.h"
#include "tagih/promise.h"
#include "tests/support/grpc_client.h"
#include "tests/support/pg.h"

#define RIG_TOKEN_SIZE 600
/** A literal as a field of a message, which protobuf-c wants without const and never writes to. */
#define TEXT(literal) ((char *)(uintptr_t)(literal))

struct rig_kept;
struct rig_answer;

struct rig {
    struct pg pg; /* pg.admin: the superuser, past all policies */
    char folder[64];
    char keys_dir[96], state_dir[96], socket[96], log_path[96];
    char app_conninfo[1100];
    char listen[32];
    struct config config;
    struct keyring keys; /* the rig's own copy of the server's secrets */
    installation_id installation;
    struct service *service;
    struct client *tls, *edge; /* over TLS, over the unix socket */
    pthread_mutex_t lock;
    struct rig_kept *kept; /* responses, freed by rig_close */
    /* NULL, or asked about every answer that is none of success; true: the same bytes are sent once more. For a spec that
     * kills its server under calls that must be acknowledged in the end. It may replace tls. */
    bool (*again)(struct rig *rig, const struct rig_answer *answer);
};

/**
 * Make all of it and serve.
 * @param tune  may change settings before the server opens (workers, rates); NULL: 2 workers, no rate limit
 */
void rig_open(struct rig *rig, void (*tune)(struct config *config));
/** End the server, drop the database, remove the folder. */
void rig_close(struct rig *rig);
/** Remove its folder alone: for a program that is ended in the midst of it, by a thread beside. */
void rig_forget(const struct rig *rig);
/** Drain the server and open it again, on the same database and keys; connections are new. */
void rig_restart(struct rig *rig);
/** Drain the server and let it be: for a spec that runs `tagihd serve` itself on the rig's database and keys. */
void rig_stop(struct rig *rig);
/** One more connection to the server, over TLS; ended by client_close. */
struct client *rig_connect(struct rig *rig);

/* ---- who ------------------------------------------------------------------------------------------------------ */

/** A new id of now. */
uuid rig_id(void);
/** The text of an id, in one of 16 static buffers used in turn. */
const char *rig_text(uuid id);
/** The id that a text says; fails the test when it says none. */
uuid rig_uuid(const char *text);
/** Run a statement as the owner; at most 8 191 bytes with its values. */
void rig_run(struct rig *rig, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** The number that a query with values answers. */
int64_t rig_count(struct rig *rig, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** The number that a query answers; each %s stands for the id. */
int64_t rig_number(struct rig *rig, const char *sql, uuid id);
/** What a posting moved on an account of the ledger: debit > 0. */
int64_t rig_line(struct rig *rig, uuid posting, enum ledger_account account);
/** How many lines of the ledger a posting has. */
int64_t rig_lines(struct rig *rig, uuid posting);

/** An agency with rupiah in Asia/Jakarta. */
agency_id rig_agency(struct rig *rig, const char *name);
team_id rig_team(struct rig *rig, agency_id agency, const char *name);
/** An active user without a password. `login` is made unique by the agency's id when it is NULL. */
user_id rig_user(struct rig *rig, agency_id agency, const char *login, uint32_t roles);
/** The same in a team. */
user_id rig_user_in(struct rig *rig, agency_id agency, const char *login, uint32_t roles, team_id team);

/** A phone that was enrolled and confirmed: real key, real certificate, the rows that enrolment would have written. */
struct rig_phone {
    agency_id agency;
    user_id user;
    device_id device;
    uint32_t epoch;
    public_key key;
    secret_key secret;
    uint8_t certificate[ENVELOPE_MAX];
    size_t certificate_len;
    hash256 certificate_hash;   /* where its chain starts */
    char token[RIG_TOKEN_SIZE]; /* in force for 15 minutes, issued a minute ago */
};
struct rig_phone rig_phone(struct rig *rig, agency_id agency, user_id user);
/** The same, certified since then: what it says of an earlier day is believed (R-TIM-3). */
struct rig_phone rig_phone_since(struct rig *rig, agency_id agency, user_id user, instant since);

/** A staff token, issued `age_s` seconds ago and in force for 15 minutes from then, in one of 16 static buffers. */
const char *rig_staff_token(struct rig *rig, agency_id agency, user_id user, int64_t age_s);
/** A device token. */
const char *rig_device_token(struct rig *rig, const struct rig_phone *phone, int64_t age_s);

/* ---- what ----------------------------------------------------------------------------------------------------- */

/** An account with one instalment, due a month ago, that is wholly open. Members left 0 take what stands beside. */
struct rig_account {
    const char *account_no;   /* made unique */
    user_id collector;        /* nobody's */
    int64_t principal_minor;  /* 1 000 000.00 */
    int64_t interest_minor;   /* 200 000.00 */
    int64_t penalty_minor;    /* 0 */
    int64_t fees_minor;       /* 0 */
    int32_t lat_e7, lon_e7;   /* Monas, Jakarta */
};
account_id rig_account(struct rig *rig, agency_id agency, const struct rig_account *that);

/** A planned visit of today with a lease until tomorrow; the fence stands where the account is. */
visit_id rig_visit(struct rig *rig, agency_id agency, account_id account, user_id collector);

/** An open promise, as a call or a journal would have left it. Members left 0 take what stands beside. */
struct rig_promise {
    int64_t amount_minor;   /* 100 000.00 */
    civil_date due_on;
    instant made, received; /* as received; now */
    int refused;            /* bits of enum promise_refusal */
};
promise_id rig_promise(struct rig *rig, agency_id agency, account_id account, const struct rig_promise *that);

/* ---- calls ---------------------------------------------------------------------------------------------------- */

struct rig_answer {
    enum call_status status;
    char reason[64];  /* of err.def; "OK" for an answer; "" when a failure carries no ErrorInfo */
    char token[64];   /* the stable token of ErrorInfo */
    char message[512];
    char field[128];  /* the first field violation */
    int64_t retry_after_us;
    void *response;   /* the response message when OK; lives until rig_close */
    size_t response_bytes;
};

/** Call "Service/Method" of tagih.v1 over TLS. @param token  NULL: none */
struct rig_answer rig_call(struct rig *rig, const char *token, const char *method, const void *request);

struct rig_call_options {
    const char *token;
    bool edge;                /* over the unix socket */
    struct client *via;       /* over this connection */
    int64_t timeout_us;       /* 0: 30 s */
    const struct bytes *raw;  /* send these bytes instead of a message */
};
struct rig_answer rig_call_with(struct rig *rig, const char *method, const void *request,
                                const struct rig_call_options *options);

/** The answer has this reason of err.def (OK for success); its message is printed when not. */
#define assert_answer(answer, NAME)                                                                          \
    do {                                                                                                     \
        if (strcmp((answer).reason, #NAME) != 0)                                                             \
            fail_msg("answered %s (status %d): %s %s", (answer).reason, (int)(answer).status, (answer).message, \
                     (answer).field);                                                                        \
    } while (0)

#endif
