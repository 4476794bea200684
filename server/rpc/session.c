/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SessionService: a password becomes a pair of tokens, and a refresh token the next pair. These calls have no token, so
 * they find their agency first (staff_by_login, session_by_hash) and then make a transaction of their own in it.
 */
#include <sodium.h>
#include <string.h>

#include "contract.h"
#include "engine/bind.h"
#include "rpc/issue.h"
#include "rpc/services.h"
#include "run/clock.h"
#include "run/password.h"
#include "run/random.h"
#include "store/guess.h"
#include "store/session.h"
#include "store/staff.h"
#include "store_statements.h"

/* A refresh token that nobody trades for so long ends. */
#define SESSION_LASTS_US (30 * US_PER_DAY)
#define REFRESH_BYTES 32
#define REFRESH_TEXT_SIZE 44
#define LOGIN_LEN_MAX 100

/* One call with a transaction of its own. */
struct session_call {
    struct rpc_batch *batch;
    struct rpc_item *item;
    hash256 token; /* the one presented */
    struct session_row row; /* the one to give */
    Tagih__V1__Tokens *tokens;
};

/* Calls that waited behind slow ones may have run out of time. */
static bool is_late(struct rpc_item *item) {
    if (item->call->deadline_us > clock_monotonic_us()) return false;
    rpc_fail(item, FAIL(DEADLINE_SHORT));
    return true;
}

/* Draw a refresh token: its hash for the row, its text for the caller. */
static tagih_err draw_refresh(struct session_call *c) {
    uint8_t raw[REFRESH_BYTES];
    random_bytes(raw, sizeof raw);
    crypto_hash_sha256(c->row.token.b, raw, sizeof raw);
    char *text = rpc_alloc(c->item, REFRESH_TEXT_SIZE);
    if (!text) return FAIL(OUT_OF_MEMORY);
    sodium_bin2base64(text, REFRESH_TEXT_SIZE, raw, sizeof raw, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    c->tokens->refresh_token = text;
    return TAGIH_OK;
}

static tagih_err issue_pair(struct session_call *c, agency_id agency) {
    c->tokens = rpc_alloc(c->item, sizeof *c->tokens);
    if (!c->tokens) return FAIL(OUT_OF_MEMORY);
    tagih__v1__tokens__init(c->tokens);
    c->row.issued = c->batch->now;
    c->row.expires.us = c->batch->now.us + SESSION_LASTS_US;
    TRY(draw_refresh(c));
    return issue_token(c->batch->server, c->item, agency, c->row.user, NULL, c->batch->now, &c->tokens->access_token,
                       &c->tokens->access_expires_us);
}

static tagih_err run_in(struct session_call *c, agency_id agency, tx_body_fn body) {
    struct tx_options options = {.agency = agency, .deadline_us = c->item->call->deadline_us,
                                 .name = c->item->bound->method->name};
    return tx_run(c->batch->db, &options, body, c);
}

/* ---- Login ---------------------------------------------------------------------------------------------------- */

static tagih_err login_request(struct rpc_item *item) {
    const Tagih__V1__LoginRequest *request = item->request;
    rpc_check_text(item, "login", request->login, 1, LOGIN_LEN_MAX);
    rpc_check_text(item, "password", request->password, 1, PASSWORD_LEN_MAX);
    return item->err;
}

/* Upper and lower case are one login, also for the counting. */
static hash256 login_key(const char *login) {
    char lower[LOGIN_LEN_MAX + 1] = "";
    for (size_t i = 0; login[i] && i < LOGIN_LEN_MAX; i++) {
        lower[i] = (char)(login[i] >= 'A' && login[i] <= 'Z' ? login[i] - 'A' + 'a' : login[i]);
    }
    return guess_key("login", bytes_text(lower));
}

static tagih_err login_save(struct tx *tx, void *context) {
    struct session_call *c = context;
    return session_send_insert(tx, c->batch->arena, &c->row);
}

/* A login that does not exist takes as long as one that does, and answers the same. A suspended user learns it only
 * with the right password. */
static tagih_err login_try(struct session_call *c, const Tagih__V1__LoginRequest *request, const hash256 *key) {
    struct rpc_batch *batch = c->batch;
    int64_t until = c->item->call->deadline_us;
    struct staff_login staff;
    TRY(staff_find(batch->db, batch->arena, bytes_text(request->login), until, &staff));
    if (!password_verify(bytes_text(request->password), staff.password_hash)) return FAIL(LOGIN_FAILED);
    if (staff.state != STAFF_ACTIVE) return FAIL(CALLER_REVOKED);
    c->item->caller.agency = staff.agency;
    c->item->caller.user = staff.user;
    c->row.user = staff.user;
    c->row.family = random_id();
    TRY(issue_pair(c, staff.agency));
    TRY(run_in(c, staff.agency, login_save));
    return guess_forgive(batch->db, batch->arena, key, true, until);
}

static tagih_err login_one(struct rpc_batch *batch, struct rpc_item *item) {
    const Tagih__V1__LoginRequest *request = item->request;
    Tagih__V1__LoginResponse *out = item->response;
    hash256 key = login_key(request->login);
    struct session_call c = {.batch = batch, .item = item};
    TRY(guess_take(batch->db, batch->arena, &key, batch->now, item->call->deadline_us, &item->retry_after_us));
    TRY(login_try(&c, request, &key));
    out->tokens = c.tokens;
    out->user_id = rpc_uuid(item, c.row.user.u);
    return TAGIH_OK;
}

static tagih_err login(struct rpc_batch *batch) {
    for (size_t i = 0; i < batch->n; i++) {
        if (!is_late(batch->items[i])) rpc_fail(batch->items[i], login_one(batch, batch->items[i]));
    }
    return TAGIH_OK;
}

/* ---- Refresh -------------------------------------------------------------------------------------------------- */

/* The token's hash, if it can be one at all. */
static bool read_refresh(const char *text, hash256 *out) {
    uint8_t raw[REFRESH_BYTES];
    size_t len = 0;
    const char *end = NULL;
    if (sodium_base642bin(raw, sizeof raw, text, strlen(text), NULL, &len, &end, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        *end || len != sizeof raw) {
        return false;
    }
    crypto_hash_sha256(out->b, raw, sizeof raw);
    return true;
}

static tagih_err check_refresh(struct rpc_item *item, const char *text) {
    hash256 *token = rpc_alloc(item, sizeof *token);
    if (!token) return item->err;
    if (!*text) rpc_problem(item, FAIL(REQUEST_FIELD_MISSING), "refresh_token");
    else if (!read_refresh(text, token)) rpc_fail(item, FAIL(SESSION_OVER));
    item->checked = token;
    return item->err;
}

static tagih_err refresh_request(struct rpc_item *item) {
    return check_refresh(item, ((const Tagih__V1__RefreshRequest *)item->request)->refresh_token);
}

/*
 * What to do with a presented token. One that was traded before is a lost reply as long as its successor was not
 * traded: it gets another successor, and the first one dies. In every other case two people hold the same session.
 */
enum verdict { REFRESH_GIVE, REFRESH_OVER, REFRESH_REUSED, REFRESH_BARRED };

static enum verdict judge(const struct session_loaded *at, instant now) {
    if (at->revoked) return at->family_live ? REFRESH_REUSED : REFRESH_OVER;
    if (at->replaced && at->successor_used) return REFRESH_REUSED;
    if (now.us >= at->expires.us) return REFRESH_OVER;
    return at->staff_active ? REFRESH_GIVE : REFRESH_BARRED;
}

/* Ending a family must be committed although the call fails: the error goes to the item, not to the transaction. */
static tagih_err refresh_in(struct tx *tx, void *context) {
    struct session_call *c = context;
    struct arena *arena = c->batch->arena;
    struct session_loaded at;
    c->item->err = TAGIH_OK;
    TRY(session_send_load(tx, arena, c->row.family, &c->token));
    TRY(tx_sync(tx));
    enum verdict verdict = session_take_load(tx, &at) ? judge(&at, c->batch->now) : REFRESH_OVER;
    if (verdict == REFRESH_REUSED) {
        rpc_fail(c->item, FAIL(SESSION_REUSED));
        return session_send_end(tx, arena, c->row.family, c->batch->now);
    }
    if (verdict == REFRESH_OVER) rpc_fail(c->item, FAIL(SESSION_OVER));
    if (verdict == REFRESH_BARRED) rpc_fail(c->item, FAIL(CALLER_REVOKED));
    if (verdict != REFRESH_GIVE) return TAGIH_OK;
    c->row.user = c->item->caller.user = at.user;
    TRY(issue_pair(c, tx->options->agency));
    TRY(session_send_replace(tx, arena, &c->token, &c->row.token, c->batch->now));
    return session_send_insert(tx, arena, &c->row);
}

/* Only tokens that exist are counted: 256 bits are not guessed, but a client may hammer with a dead one. */
static tagih_err refresh_one(struct rpc_batch *batch, struct rpc_item *item) {
    struct session_call c = {.batch = batch, .item = item, .token = *(const hash256 *)item->checked};
    struct session_place place;
    hash256 key = guess_key("refresh", BYTES_OF(&c.token));
    TRY(session_find(batch->db, batch->arena, &c.token, item->call->deadline_us, &place));
    if (!place.found) return FAIL(SESSION_OVER);
    TRY(guess_take(batch->db, batch->arena, &key, batch->now, item->call->deadline_us, &item->retry_after_us));
    c.row.family = place.family;
    item->caller.agency = place.agency;
    TRY(run_in(&c, place.agency, refresh_in));
    if (!rpc_ok(item)) return item->err;
    TRY(guess_forgive(batch->db, batch->arena, &key, false, item->call->deadline_us));
    ((Tagih__V1__RefreshResponse *)item->response)->tokens = c.tokens;
    return item->err;
}

static tagih_err refresh(struct rpc_batch *batch) {
    for (size_t i = 0; i < batch->n; i++) {
        if (!is_late(batch->items[i])) rpc_fail(batch->items[i], refresh_one(batch, batch->items[i]));
    }
    return TAGIH_OK;
}

/* ---- Logout --------------------------------------------------------------------------------------------------- */

static tagih_err logout_request(struct rpc_item *item) {
    return check_refresh(item, ((const Tagih__V1__LogoutRequest *)item->request)->refresh_token);
}

static tagih_err logout_in(struct tx *tx, void *context) {
    struct session_call *c = context;
    return session_send_end(tx, c->batch->arena, c->row.family, c->batch->now);
}

static tagih_err logout_one(struct rpc_batch *batch, struct rpc_item *item) {
    struct session_call c = {.batch = batch, .item = item};
    struct session_place place;
    TRY(session_find(batch->db, batch->arena, item->checked, item->call->deadline_us, &place));
    if (!place.found) return FAIL(SESSION_OVER);
    c.row.family = place.family;
    item->caller.agency = place.agency;
    return run_in(&c, place.agency, logout_in);
}

static tagih_err logout(struct rpc_batch *batch) {
    for (size_t i = 0; i < batch->n; i++) {
        if (!is_late(batch->items[i])) rpc_fail(batch->items[i], logout_one(batch, batch->items[i]));
    }
    return TAGIH_OK;
}

/* ---- WhoAmI --------------------------------------------------------------------------------------------------- */

static void answer_roles(struct rpc_item *item, Tagih__V1__WhoAmIResponse *out) {
    out->roles = rpc_alloc(item, ROLE_COUNT * sizeof *out->roles);
    for (size_t i = 0; out->roles && i < ROLE_COUNT; i++) {
        if (item->caller.roles >> i & 1) out->roles[out->n_roles++] = (char *)(uintptr_t)role_name(i);
    }
}

static tagih_err who_am_i(struct rpc_batch *batch) {
    user_id *users = ARENA_ARRAY(batch->arena, batch->n, user_id);
    if (!users) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < batch->n; i++) users[i] = batch->items[i]->caller.user;
    TRY(staff_send_who(batch->tx, batch->arena, users, batch->n));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    for (size_t i = 0; i < batch->n; i++) {
        struct rpc_item *item = batch->items[i];
        Tagih__V1__WhoAmIResponse *out = item->response;
        if (!rpc_ok(item)) continue;
        out->user_id = rpc_uuid(item, item->caller.user.u);
        out->agency_id = rpc_uuid(item, item->caller.agency.u);
        out->device_id = rpc_uuid(item, item->caller.device.u);
        out->name = rpc_text(item, result_text(&r, i, COL_staff_who_name));
        answer_roles(item, out);
    }
    return TAGIH_OK;
}

const struct rpc_service session_service = {
    .proto = &tagih__v1__session_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("Login", login, LoginRequest, LoginResponse), .check = login_request, .kind = RPC_OWN, .open = true,
         .writes = true},
        {RPC_METHOD("Refresh", refresh, RefreshRequest, RefreshResponse), .check = refresh_request, .kind = RPC_OWN,
         .open = true, .writes = true},
        {RPC_METHOD("Logout", logout, LogoutRequest, LogoutResponse), .check = logout_request, .kind = RPC_OWN,
         .open = true, .writes = true},
        {RPC_METHOD("WhoAmI", who_am_i, WhoAmIRequest, WhoAmIResponse), .kind = RPC_BATCH, .roles = ROLES_ALL},
        {0}}};
