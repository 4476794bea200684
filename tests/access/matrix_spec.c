/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may call what about whose things: every method of the server's own table against matrix.tsv, cell by cell. The
 * callers are a person of each role in one team, in another team and in another agency; the things are his own, a
 * colleague's, another team's, another agency's, and ones that are not there.
 *
 * What may not be seen and what is not there get the same answer to the byte, and whoever is refused changes nothing.
 */
#include "tests/access/table.h"

#include <stdlib.h>
#include <unistd.h>

#include "server/run/clock.h"
#include "tests/support/case.h"
#include "tests/support/methods.h"
#include "tests/support/proof.h"
#include "tests/support/request.h"

#define FAULTS_SHOWN 60

/* ---- faults: all of them are shown ---------------------------------------------------------------------------- */

static size_t n_faults, n_cells, n_shown;
static struct proof proof = {.test = "Access matrix", .unit = "methods", .invariants = "I11", .note = "every role, to own, others' and missing things"};

static void fault(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void fault(const char *format, ...) {
    if (n_faults++ >= FAULTS_SHOWN) return;
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

static void end_of_faults(void) {
    print_message("             %zu cells\n", n_cells);
    proof_check(&proof, (long long)n_cells);
    if (n_faults) fail_msg("%zu faults", n_faults);
}

static int forget_faults(void **state) {
    (void)state;
    n_faults = n_cells = 0;
    return 0;
}

/* ---- people and things ---------------------------------------------------------------------------------------- */

static struct rig rig;

enum { BUDI, OFFICER, COLLEAGUE, OTHER_TEAM, OTHER_AGENCY, NOWHERE, WORLDS };
static const char *const world_names[WORLDS] = {"his own",        "an officer's",     "a colleague's",
                                                "another team's", "another agency's", "missing"};
static struct world worlds[WORLDS];

struct caller {
    size_t role;
    const char *from;
    bool is_near; /* of Budi's team */
    agency_id agency;
    user_id user;
    const struct world *base; /* what he asks about when he may */
    char staff[RIG_TOKEN_SIZE], phone[RIG_TOKEN_SIZE];
};

static struct caller callers[3 * ROLE_COUNT];
static size_t n_callers;
static struct rig_phone lost_phone;
static struct caller suspended, crossed, expired;

static struct caller new_caller(size_t role, const char *from, const struct world *base, user_id user) {
    struct caller caller = {.role = role,
                            .from = from,
                            .is_near = base == &worlds[BUDI] || base == &worlds[OFFICER],
                            .agency = base->agency,
                            .user = user,
                            .base = base};
    snprintf(caller.staff, sizeof caller.staff, "%s", rig_staff_token(&rig, base->agency, user, 0));
    struct rig_phone phone = uuid_equal(base->owner.u, user.u) ? base->phone : rig_phone(&rig, base->agency, user);
    snprintf(caller.phone, sizeof caller.phone, "%s", phone.token);
    return caller;
}

/* One of each role; in the field it is the owner of the world. */
static void add_callers(const char *from, const struct world *base, const struct world *officers, team_id team) {
    for (size_t role = 0; role < ROLE_COUNT; role++) {
        const struct world *of = 1u << role == ROLE_OFFICER ? officers : base;
        if (!of) continue;
        bool field = 1u << role & ROLES_FIELD;
        user_id user = field ? of->owner : rig_user_in(&rig, of->agency, NULL, 1u << role, team);
        callers[n_callers++] = new_caller(role, from, of, user);
    }
}

enum { SUSPENDED = 2, REVOKED = 4 }; /* staff_state.state, device_state.state */

static void put_state(const char *table, const char *key, uuid id, int to) {
    char sql[300];
    snprintf(sql, sizeof sql, "update %s set state = %d where %s = '%s'", table, to, key, rig_text(id));
    pg_exec(&rig.pg, sql);
}

static void add_strangers(struct teller *acme, struct teller *bumi) {
    user_id gone = rig_user(&rig, acme->agency, NULL, ROLES_ALL), all = rig_user(&rig, acme->agency, NULL, ROLES_ALL);
    expired = new_caller(0, "", &worlds[BUDI], all);
    snprintf(expired.staff, sizeof expired.staff, "%s", rig_staff_token(&rig, acme->agency, all, 901));
    snprintf(expired.phone, sizeof expired.phone, "%s", rig_device_token(&rig, &worlds[BUDI].phone, 901));
    suspended = new_caller(0, "", &worlds[BUDI], gone);
    put_state("staff_state", "user_id", gone.u, SUSPENDED);
    crossed = new_caller(0, "", &worlds[BUDI], all);
    snprintf(crossed.staff, sizeof crossed.staff, "%s", rig_staff_token(&rig, bumi->agency, all, 0));
    lost_phone = rig_phone(&rig, acme->agency, all);
    put_state("device_state", "device_id", lost_phone.device.u, REVOKED);
}

static int open_rig(void **state) {
    (void)state;
    static struct teller acme, bumi;
    read_table();
    rig_open(&rig, NULL);
    teller_open(&acme, &rig, rig_agency(&rig, "Acme"));
    teller_open(&bumi, &rig, rig_agency(&rig, "Bumi"));
    team_id north = rig_team(&rig, acme.agency, "north"), south = rig_team(&rig, acme.agency, "south"),
            east = rig_team(&rig, bumi.agency, "east");
    world_open(&worlds[BUDI], &acme, rig_user_in(&rig, acme.agency, "budi", ROLE_COLLECTOR, north));
    world_open(&worlds[OFFICER], &acme, rig_user_in(&rig, acme.agency, "agus", ROLE_OFFICER, north));
    world_open(&worlds[COLLEAGUE], &acme, rig_user_in(&rig, acme.agency, "siti", ROLE_COLLECTOR, north));
    world_open(&worlds[OTHER_TEAM], &acme, rig_user_in(&rig, acme.agency, "dewi", ROLE_COLLECTOR, south));
    world_open(&worlds[OTHER_AGENCY], &bumi, rig_user_in(&rig, bumi.agency, "eko", ROLE_COLLECTOR, east));
    world_of_nothing(&worlds[NOWHERE]);
    add_callers("his team", &worlds[BUDI], &worlds[OFFICER], north);
    add_callers("another team", &worlds[OTHER_TEAM], NULL, south);
    add_callers("another agency", &worlds[OTHER_AGENCY], NULL, east);
    add_strangers(&acme, &bumi);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* ---- one call ------------------------------------------------------------------------------------------------- */

struct asked {
    const struct row *row;
    const struct caller *caller;
    const struct object *object; /* the one that is another world's; NULL: all are the caller's own */
    const struct world *world;
    const char *id; /* what it names; "" when nothing */
    uint8_t packed[2048];
    size_t packed_len;
    struct client_call *call;
    struct client_reply reply;
    char reason[64];
    bool has_field;
};

static struct bytes request_of(struct asked *a) {
    static uint8_t memory[65536];
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    ProtobufCMessage *request = request_new(a->row->method.proto->input, &arena);
    set_with(request, &arena, a->row->with);
    for (size_t i = 0; i < a->row->n; i++) {
        const struct object *object = &a->row->objects[i];
        bool left_out = object != a->object && (object->alternative || (a->object && a->object->alternative));
        const struct world *of = left_out ? NULL : object == a->object ? a->world : a->caller->base;
        request_set(request, &arena, object->field, of ? of->id[object->thing] : "");
    }
    assert_true(protobuf_c_message_get_packed_size(request) <= sizeof a->packed);
    a->packed_len = protobuf_c_message_pack(request, a->packed);
    return bytes_make(a->packed, a->packed_len);
}

#define WATCH_US (400 * US_PER_MS) /* a stream that nobody refused goes on until then */

static void start_with(struct asked *a, const char *token) {
    char bearer[RIG_TOKEN_SIZE + 8];
    snprintf(bearer, sizeof bearer, "Bearer %s", token ? token : "");
    struct client_header header = {"authorization", bytes_text(bearer)};
    struct client_options options = {
        .headers = &header, .header_count = token != NULL, .timeout_us = a->row->method.row->stream ? WATCH_US : 0};
    a->call = client_start(rig.edge, a->row->method.path, CLIENT_ONE, request_of(a), &options);
}

static void start(struct asked *a) {
    start_with(a, a->row->method.row->device ? a->caller->phone : a->caller->staff);
}

static void read_reason(struct asked *a) {
    struct bytes details = bytes_make(a->reply.details, a->reply.details_len);
    Google__Rpc__Status *status = details.len ? google__rpc__status__unpack(NULL, details.len, details.data) : NULL;
    for (size_t i = 0; status && i < status->n_details; i++) {
        const Google__Protobuf__Any *any = status->details[i];
        if (strstr(any->type_url, "BadRequest")) a->has_field = true;
        if (!strstr(any->type_url, "ErrorInfo")) continue;
        Google__Rpc__ErrorInfo *info = google__rpc__error_info__unpack(NULL, any->value.len, any->value.data);
        assert_non_null(info);
        snprintf(a->reason, sizeof a->reason, "%s", info->reason);
        google__rpc__error_info__free_unpacked(info, NULL);
    }
    if (status) google__rpc__status__free_unpacked(status, NULL);
}

static void finish(struct asked *a) {
    n_cells++;
    a->reply = client_finish(a->call);
    bool watched = a->row->method.row->stream && a->reply.status == CALL_DEADLINE_EXCEEDED;
    if (a->reply.status == CALL_OK || watched) snprintf(a->reason, sizeof a->reason, "OK");
    else read_reason(a);
}

static void complain(const struct asked *a, const char *expected) {
    fault("%s: the %s of %s, %s%s%s: %s instead of %s (%s)", a->row->name, role_name(a->caller->role), a->caller->from,
          a->object ? a->object->field : "", a->object ? " " : "",
          a->object && a->world ? world_names[a->world - worlds] : "his own", *a->reason ? a->reason : "?", expected,
          a->reply.message);
}

static bool is_in(const char *list, const char *reason) {
    size_t n = strlen(reason);
    for (const char *at = list; n && (at = strstr(at, reason)); at++) {
        if ((at == list || at[-1] == ',') && (at[n] == ',' || !at[n])) return true;
    }
    return false;
}

/* ---- what comes back ------------------------------------------------------------------------------------------ */

/* Ids that the request itself named say nothing. */
static void blank(struct bytes body, const struct asked *a) {
    char text[UUID_TEXT_SIZE] = "";
    uuid id;
    for (size_t i = 0; i + UUID_TEXT_SIZE - 1 <= a->packed_len; i++) {
        memcpy(text, a->packed + i, UUID_TEXT_SIZE - 1);
        if (!err_is_ok(uuid_parse(text, &id))) continue;
        uint8_t *at = (uint8_t *)(uintptr_t)body.data, *end = at + body.len;
        while (body.len && (at = memmem(at, (size_t)(end - at), text, UUID_TEXT_SIZE - 1)))
            memset(at, 0, UUID_TEXT_SIZE - 1);
    }
}

/* The very same answer about what is there and may not be seen, and about what is not there. */
static void compare(struct asked *hidden, struct asked *missing) {
    struct bytes a = bytes_make(hidden->reply.body, hidden->reply.body_len),
                 b = bytes_make(missing->reply.body, missing->reply.body_len);
    blank(a, hidden);
    blank(b, missing);
    bool same = hidden->reply.status == missing->reply.status &&
                strcmp(hidden->reply.message, missing->reply.message) == 0 &&
                bytes_equal(bytes_make(hidden->reply.details, hidden->reply.details_len),
                            bytes_make(missing->reply.details, missing->reply.details_len)) &&
                bytes_equal(a, b);
    if (!same)
        fault("%s: the %s of %s can tell %s %s from one that is missing: %s and %s", hidden->row->name,
              role_name(hidden->caller->role), hidden->caller->from, world_names[hidden->world - worlds],
              hidden->object->field, hidden->reason, missing->reason);
}

static bool shows(struct bytes body, const char *id) {
    uint8_t raw[32];
    uuid parsed;
    if (memmem(body.data, body.len, id, strlen(id))) return true;
    if (err_is_ok(uuid_parse(id, &parsed))) return memmem(body.data, body.len, parsed.b, sizeof parsed.b) != NULL;
    return err_is_ok(bytes_unhex(id, raw, sizeof raw)) && memmem(body.data, body.len, raw, sizeof raw) != NULL;
}

static bool may_see(const struct caller *caller, enum cell cell, const struct world *world) {
    if (cell == CELL_OWN) return uuid_equal(world->owner.u, caller->user.u);
    return cell == CELL_ALL && uuid_equal(world->agency.u, caller->agency.u);
}

/* No id of a world that the caller may not see stands in an answer; a colleague's own id may. */
static void look_for_leaks(const struct asked *a) {
    struct bytes body = bytes_make(a->reply.body, a->reply.body_len);
    enum cell cell = a->row->cells[a->caller->role];
    for (const struct world *w = worlds; body.len && w < worlds + NOWHERE; w++) {
        if (may_see(a->caller, cell, w)) {
            n_shown += shows(body, w->id[THING_ACCOUNT]);
            continue;
        }
        for (size_t t = 0; t < THING_COUNT; t++) {
            bool named =
                strcmp(w->id[t], a->id) == 0 || (t == THING_COLLECTOR && uuid_equal(w->agency.u, a->caller->agency.u));
            if (!named && shows(body, w->id[t]))
                fault("%s shows the %s of %s a thing (%zu) of %s", a->row->name, role_name(a->caller->role), a->caller->from,
                      t, world_names[w - worlds]);
        }
    }
}

/* ---- the cells ------------------------------------------------------------------------------------------------ */

static const char *expected_of(const struct asked *a) {
    enum cell cell = a->row->cells[a->caller->role];
    if (cell == CELL_NONE || cell == CELL_SOME) return "NOT_PERMITTED";
    if (!a->object || may_see(a->caller, cell, a->world)) return NULL;
    return cell == CELL_OWN ? "NOT_PERMITTED" : a->object->hidden; /* who sees his own filters for nobody else */
}

/* Does it go through and change something? */
static bool acts(const struct asked *a) {
    const char *expected = expected_of(a);
    return a->row->method.row->writes && (!expected || strcmp(expected, "OK") == 0);
}

static void judge(struct asked *a) {
    const char *expected = expected_of(a);
    bool fits = expected ? strcmp(a->reason, expected) == 0 : is_in(a->row->answers, a->reason);
    if (!fits) complain(a, expected ? expected : a->row->answers);
    if (expected && strcmp(expected, "NOT_PERMITTED") == 0 && a->has_field)
        fault("%s: a refusal names a field", a->row->name);
    if (a->reply.status == CALL_OK) look_for_leaks(a);
}

static struct asked ask(const struct row *row, const struct caller *caller, const struct object *object,
                        const struct world *world) {
    return (struct asked){.row = row,
                          .caller = caller,
                          .object = object,
                          .world = world,
                          .id = object && world ? world->id[object->thing] : ""};
}

#define FOR_EACH_ROW(row)                                    \
    for (struct row *row = rows; row < rows + n_rows; row++) \
        if (!row->method.row->open)
#define FOR_EACH_CALLER(caller) for (struct caller *caller = callers; caller < callers + n_callers; caller++)

/* Whoever has not the role is refused before anything is looked up: two worlds show it. Strangers try one world of ours. */
static bool is_asked(const struct row *row, const struct caller *caller, const struct world *world) {
    if (world == caller->base || world == &worlds[NOWHERE]) return true;
    if (row->cells[caller->role] == CELL_NONE) return false;
    return caller->is_near || world == &worlds[BUDI];
}

/* In all worlds at once; the last one is the one where nothing is. */
static void judge_all(struct asked *asked, size_t n) {
    for (size_t i = 0; i < n; i++) judge(&asked[i]);
    for (size_t i = 0; i < n; i++) {
        if (asked[i].object && expected_of(&asked[i]) && asked[n - 1].world == &worlds[NOWHERE])
            compare(&asked[i], &asked[n - 1]);
    }
    for (size_t i = 0; i < n; i++) client_reply_release(&asked[i].reply);
}

/* One field of one caller; nothing of it acts. */
static void ask_all_worlds(const struct row *row, const struct caller *caller, const struct object *object) {
    static struct asked asked[WORLDS + 1];
    size_t n = 0;
    for (const struct world *w = worlds; w < worlds + WORLDS; w++) {
        asked[n] = ask(row, caller, object, w);
        n += is_asked(row, caller, w) && !acts(&asked[n]);
    }
    for (size_t i = 0; i < n; i++) start(&asked[i]);
    for (size_t i = 0; i < n; i++) finish(&asked[i]);
    judge_all(asked, n);
}

/* The same of what goes through, one after the other. */
static void act_in_all_worlds(const struct row *row, const struct caller *caller, const struct object *object) {
    static struct asked asked[WORLDS + 1];
    size_t n = 0;
    for (const struct world *w = worlds; w < worlds + WORLDS; w++) {
        asked[n] = ask(row, caller, object, w);
        if (w == caller->base || !is_asked(row, caller, w) || !acts(&asked[n])) continue;
        start(&asked[n]);
        finish(&asked[n++]);
    }
    judge_all(asked, n);
}

/* A list or a summary without its filters: what it shows is looked at all the same. */
static void ask_unfiltered(const struct row *row, const struct caller *caller) {
    if (row->n == 0 || row->method.row->writes || row->cells[caller->role] == CELL_NONE) return;
    for (size_t i = 0; i < row->n; i++) {
        struct asked a = ask(row, caller, &row->objects[i], NULL);
        start(&a);
        finish(&a);
        if (a.reply.status == CALL_OK) look_for_leaks(&a);
        else if (a.reply.status == CALL_INTERNAL || a.reply.status == CALL_UNKNOWN) complain(&a, "an answer");
        client_reply_release(&a.reply);
    }
}

/* A method that names no thing, of everybody at once. */
static void ask_all_callers(const struct row *row) {
    static struct asked asked[COUNT_OF(callers)];
    size_t n = 0;
    FOR_EACH_CALLER(caller) {
        asked[n] = ask(row, caller, NULL, NULL);
        n += !acts(&asked[n]);
    }
    for (size_t i = 0; i < n; i++) start(&asked[i]);
    for (size_t i = 0; i < n; i++) finish(&asked[i]);
    judge_all(asked, n);
}

static void ask_one(const struct row *row, const struct caller *caller, const struct object *object,
                    const struct world *world) {
    struct asked a = ask(row, caller, object, world);
    start(&a);
    finish(&a);
    judge(&a);
    client_reply_release(&a.reply);
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

static bool has_role(const struct row *row, size_t role) {
    return row->cells[role] != CELL_NONE;
}

static void check_row(struct row *row, const struct method *method) {
    row->method = *method;
    const char *who = method->row->open ? "nobody" : method->row->device ? "phone" : "anybody";
    if (strcmp(row->who, who) != 0) fault("%s is open to %s, its row says %s", row->name, who, row->who);
    for (size_t role = 0; role < ROLE_COUNT; role++) {
        bool may = !method->row->open && method->row->roles & 1u << role;
        if (may != has_role(row, role))
            fault("%s: the server and the table differ about the %s", row->name, role_name(role));
    }
}

/* Each id that a message holds, and messages in it, is an object of the row, or a new one of the sender. */
static void check_ids(const struct row *row, const ProtobufCMessageDescriptor *type, const char *before) {
    static const char *const of_sender[] = {"request_id", "code_id",  "check_in_id",
                                            "outcome_id", "entry_id", "visits.visit_id"};
    for (unsigned f = 0; f < type->n_fields; f++) {
        const ProtobufCFieldDescriptor *field = &type->fields[f];
        char path[96];
        snprintf(path, sizeof path, "%s%s", before, field->name);
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            strncat(path, ".", sizeof path - strlen(path) - 1);
            check_ids(row, field->descriptor, path);
            continue;
        }
        size_t n = strlen(path);
        bool is_id = field->type == PROTOBUF_C_TYPE_STRING &&
                     ((n > 3 && strcmp(path + n - 3, "_id") == 0) || (n > 4 && strcmp(path + n - 4, "_ids") == 0));
        bool known = !is_id;
        for (size_t i = 0; i < row->n; i++) known |= strcmp(row->objects[i].field, path) == 0;
        for (size_t i = 0; i < COUNT_OF(of_sender); i++) known |= strcmp(of_sender[i], path) == 0;
        snprintf(path + n, sizeof path - n, "=");
        if (!known && !strstr(row->with, path)) fault("%s takes a thing that its row does not name: %s", row->name, path);
    }
}

static void every_method_has_a_row_and_every_row_a_method(void **state) {
    (void)state;
    FOR_ALL_METHODS(m) {
        struct row *row = row_of(m.name);
        if (!row) fault("%s has no row in tests/access/matrix.tsv", m.name);
        if (!row) continue;
        n_cells++;
        check_row(row, &m);
        if (m.ours) check_ids(row, m.proto->input, "");
    }
    for (size_t i = 0; i < n_rows; i++) {
        if (!rows[i].method.row) fault("%s stands in the table and is no method", rows[i].name);
        if (row_of(rows[i].name) != &rows[i]) fault("%s stands in the table twice", rows[i].name);
    }
    end_of_faults();
}

static void ask_as(const struct row *row, const struct caller *caller, const char *token, const char *expected) {
    struct asked a = ask(row, caller, NULL, NULL);
    start_with(&a, token);
    finish(&a);
    if (strcmp(a.reason, expected) != 0) complain(&a, expected);
    if (a.has_field) fault("%s: a refusal names a field", row->name);
    client_reply_release(&a.reply);
}

static void nobody_is_served_without_a_token_in_force(void **state) {
    (void)state;
    FOR_EACH_ROW(row) {
        bool phone = row->method.row->device;
        ask_as(row, &expired, NULL, "TOKEN_MISSING");
        ask_as(row, &expired, "rubbish", "TOKEN_INVALID");
        ask_as(row, &expired, expired.staff, "TOKEN_EXPIRED");
        ask_as(row, &expired, expired.phone, "TOKEN_EXPIRED");
        ask_as(row, &expired, lost_phone.token, "CALLER_REVOKED");
        ask_as(row, &suspended, phone ? suspended.phone : suspended.staff, "CALLER_REVOKED");
        ask_as(row, &crossed, crossed.staff, phone ? "NOT_PERMITTED" : "CALLER_REVOKED");
    }
    end_of_faults();
}

static void phones_calls_take_no_staff_token(void **state) {
    (void)state;
    FOR_EACH_ROW(row) {
        if (row->method.row->device) ask_as(row, &callers[0], callers[0].staff, "NOT_PERMITTED");
    }
    end_of_faults();
}

/* One answer, about what is there and about what is not. */
static void open_methods_ask_for_no_token(void **state) {
    (void)state;
    for (struct row *row = rows; row < rows + n_rows; row++) {
        if (!row->method.row->open) continue;
        for (size_t w = BUDI; w <= NOWHERE; w += NOWHERE - BUDI) {
            struct asked a = ask(row, &callers[0], row->n ? &row->objects[0] : NULL, &worlds[w]);
            start_with(&a, NULL);
            finish(&a);
            if (strcmp(row->answers, a.reason) != 0) complain(&a, row->answers);
            client_reply_release(&a.reply);
        }
    }
    end_of_faults();
}

/* Everything that the database holds of agencies, as one digest. */
static const char *content(void) {
    static char digest[2][64];
    static unsigned next;
    pg_exec(
        &rig.pg,
        "create or replace function pg_temp.content() returns text language plpgsql as $$ declare t text; one text;"
        " every text := ''; begin for t in select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attname = 'agency_id'"
        " and c.relname <> 'digest_head' order by 1 loop"
        " execute format('select md5(coalesce(string_agg(x::text, '','' order by x::text), '''')) from %I x', t) into one;"
        " every := every || one; end loop; return md5(every); end $$");
    char *out = digest[next++ % 2];
    snprintf(out, sizeof digest[0], "%s", pg_value(&rig.pg, "select pg_temp.content()"));
    return out;
}

static void what_may_not_be_seen_is_not_there(void **state) {
    (void)state;
    const char *before = content();
    FOR_EACH_ROW(row) {
        FOR_EACH_CALLER(caller) {
            for (size_t i = 0; i < row->n; i++) ask_all_worlds(row, caller, &row->objects[i]);
            ask_unfiltered(row, caller);
        }
        if (row->n == 0) ask_all_callers(row);
    }
    assert_true(n_shown > 100); /* who looks for what may not be shown finds what may */
    if (strcmp(before, content()) != 0) fault("somebody who was refused, or only looked, changed something");
    end_of_faults();
}

static void outcome_of(char *out, size_t size, const char *id) {
    snprintf(
        out, size,
        "visit_id=:visit code=NOT_HOME list_version=1 next_action= receipt_id= promise_id= note= contact= outcome_id=%s",
        id);
}

/* Ids that a phone makes: a colleague's is refused, another agency's is as good as new. */
static void an_id_that_somebody_else_made_is_not_told(void **state) {
    (void)state;
    const struct world *budi = &worlds[BUDI], *siti = &worlds[COLLEAGUE], *eko = &worlds[OTHER_AGENCY];
    char check_in[200], theirs[UUID_TEXT_SIZE], ours[UUID_TEXT_SIZE], fields[400];
    snprintf(check_in, sizeof check_in, "visit_id=:visit check_in_id=%s", siti->id[THING_CHECK_IN]);
    assert_answer(world_call(&rig, budi, budi->phone.token, "CheckInService/CheckIn", check_in), NOT_PERMITTED);
    snprintf(check_in, sizeof check_in, "visit_id=:visit check_in_id=%s", eko->id[THING_CHECK_IN]);
    assert_answer(world_call(&rig, budi, budi->phone.token, "CheckInService/CheckIn", check_in), OK);
    uuid_format(rig_id(), ours);
    uuid_format(rig_id(), theirs);
    outcome_of(fields, sizeof fields, ours);
    assert_answer(world_call(&rig, siti, siti->phone.token, "VisitService/ReportOutcome", fields), OK);
    assert_answer(world_call(&rig, budi, budi->phone.token, "VisitService/ReportOutcome", fields), NOT_PERMITTED);
    outcome_of(fields, sizeof fields, theirs);
    assert_answer(world_call(&rig, eko, eko->phone.token, "VisitService/ReportOutcome", fields), OK);
    assert_answer(world_call(&rig, budi, budi->phone.token, "VisitService/ReportOutcome", fields), OK);
}

/* What does go through, one after the other. It comes last: it changes what is there. */
static void act_as(const struct row *row, const struct caller *caller) {
    ask_one(row, caller, NULL, NULL);
    for (size_t i = 0; i < row->n; i++) act_in_all_worlds(row, caller, &row->objects[i]);
}

/* Whoever sees only his own comes first: the office may move it to somebody else. */
static void whoever_may_act_acts(void **state) {
    (void)state;
    for (int office = 0; office < 2; office++) {
        FOR_EACH_ROW(row) {
            FOR_EACH_CALLER(caller) {
                bool own = row->cells[caller->role] == CELL_OWN;
                if (row->method.row->writes && has_role(row, caller->role) && own == !office) act_as(row, caller);
            }
        }
    }
    end_of_faults();
}

int main(int argc, char **argv) {
    proof_begin(&proof, &argc, argv, "", NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_method_has_a_row_and_every_row_a_method, forget_faults),
        cmocka_unit_test_setup(nobody_is_served_without_a_token_in_force, forget_faults),
        cmocka_unit_test_setup(phones_calls_take_no_staff_token, forget_faults),
        cmocka_unit_test_setup(open_methods_ask_for_no_token, forget_faults),
        cmocka_unit_test_setup(what_may_not_be_seen_is_not_there, forget_faults),
        cmocka_unit_test(an_id_that_somebody_else_made_is_not_told),
        cmocka_unit_test_setup(whoever_may_act_acts, forget_faults),
    };
    int failed = cmocka_run_group_tests(tests, open_rig, close_rig);
    proof.count = (long long)n_rows;
    return proof_end(&proof, failed);
}
