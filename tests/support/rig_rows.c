/* SPDX-License-Identifier: Apache-2.0 */
/* What a rig puts into its database: as the superuser, past policies and services, so that a spec of one capability
 * does not depend on another one's. Rows are those that the services themselves would leave. */
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "server/run/clock.h"
#include "server/run/random.h"
#include "tagih/document.h"
#include "tagih/token.h"
#include "tests/support/case.h"
#include "tests/support/rig.h"

#define TEXTS 16

uuid rig_id(void) {
    return random_id();
}

const char *rig_text(uuid id) {
    static _Thread_local char texts[TEXTS][UUID_TEXT_SIZE];
    static _Thread_local unsigned next;
    char *text = texts[next++ % TEXTS];
    uuid_format(id, text);
    return text;
}

uuid rig_uuid(const char *text) {
    uuid id;
    assert_ok(uuid_parse(text, &id));
    return id;
}

int64_t rig_number(struct rig *rig, const char *sql, uuid id) {
    char text[1000], id_text[UUID_TEXT_SIZE];
    size_t len = 0;
    uuid_format(id, id_text);
    for (const char *at = sql; *at; at++) {
        bool hole = at[0] == '%' && at[1] == 's';
        assert_true(len + sizeof id_text < sizeof text);
        if (!hole) text[len++] = *at;
        else {
            len += (size_t)snprintf(text + len, sizeof text - len, "%s", id_text);
            at++;
        }
    }
    text[len] = 0;
    return pg_number(&rig->pg, text);
}

int64_t rig_line(struct rig *rig, uuid posting, enum ledger_account account) {
    char sql[200];
    snprintf(sql, sizeof sql,
             "select coalesce(sum(amount_minor), 0) from ledger_line where posting_id = '%%s' and ledger_account = %d",
             (int)account);
    return rig_number(rig, sql, posting);
}

int64_t rig_lines(struct rig *rig, uuid posting) {
    return rig_number(rig, "select count(*) from ledger_line where posting_id = '%s'", posting);
}

#define SQL_MAX 8192

/* A statement with its values; one that is cut would be another one. */
static void format_sql(char sql[SQL_MAX], const char *format, va_list args) __attribute__((format(printf, 2, 0)));
static void format_sql(char sql[SQL_MAX], const char *format, va_list args) {
    int len = vsnprintf(sql, SQL_MAX, format, args);
    assert_in_range(len, 1, SQL_MAX - 1);
}

void rig_run(struct rig *rig, const char *format, ...) {
    char sql[SQL_MAX];
    va_list args;
    va_start(args, format);
    format_sql(sql, format, args);
    va_end(args);
    pg_exec(&rig->pg, sql);
}

int64_t rig_count(struct rig *rig, const char *format, ...) {
    char sql[SQL_MAX];
    va_list args;
    va_start(args, format);
    format_sql(sql, format, args);
    va_end(args);
    return pg_number(&rig->pg, sql);
}

static long long now_us(void) {
    return (long long)clock_now().us;
}

/* ---- who ------------------------------------------------------------------------------------------------------ */

agency_id rig_agency(struct rig *rig, const char *name) {
    agency_id agency = {rig_id()};
    rig_run(rig, "insert into agency (agency_id, name, created_us) values ('%s', '%s', %lld)", rig_text(agency.u), name, now_us());
    return agency;
}

team_id rig_team(struct rig *rig, agency_id agency, const char *name) {
    team_id team = {rig_id()};
    rig_run(rig, "insert into team (agency_id, team_id, name, created_us) values ('%s', '%s', '%s', %lld)",
        rig_text(agency.u), rig_text(team.u), name, now_us());
    return team;
}

static user_id add_user(struct rig *rig, agency_id agency, const char *login, uint32_t roles, const char *team) {
    user_id user = {rig_id()};
    const char *id = rig_text(user.u), *of = rig_text(agency.u);
    rig_run(rig, "insert into staff (agency_id, user_id, login, name, created_us) values ('%s', '%s', '%s', 'Name of %s', %lld);"
             "insert into staff_state (agency_id, user_id, roles, team_id, team_since)"
             " values ('%s', '%s', %u, nullif('%s', '')::uuid, case when '%s' <> '' then current_date end);"
             "insert into staff_event (agency_id, user_id, version, at_us, kind, roles, team_id)"
             " values ('%s', '%s', 1, %lld, 'ADDED', %u, nullif('%s', '')::uuid)",
        of, id, login ? login : id, login ? login : id, now_us(), of, id, roles, team, team, of, id, now_us(), roles, team);
    return user;
}

user_id rig_user(struct rig *rig, agency_id agency, const char *login, uint32_t roles) {
    return add_user(rig, agency, login, roles, "");
}

user_id rig_user_in(struct rig *rig, agency_id agency, const char *login, uint32_t roles, team_id team) {
    return add_user(rig, agency, login, roles, rig_text(team.u));
}

static void certify(struct rig *rig, struct rig_phone *phone, instant since) {
    const struct key *signer = keyring_signing(&rig->keys, KEY_DEVICE);
    struct device_certificate certificate = {.agency = phone->agency, .device = phone->device, .key = phone->key,
                                             .epoch = phone->epoch, .user = phone->user, .valid_from = since};
    struct envelope envelope;
    assert_ok(device_certificate_sign(&certificate, rig->installation, &signer->secret, phone->certificate,
                                      sizeof phone->certificate, &phone->certificate_len));
    assert_ok(device_certificate_open(bytes_make(phone->certificate, phone->certificate_len), rig->installation,
                                      &certificate, &envelope));
    phone->certificate_hash = envelope.hash;
}

static void insert_phone(struct rig *rig, const struct rig_phone *phone, int64_t valid_from_us) {
    char key[65], hash[65], certificate[2 * ENVELOPE_MAX + 1];
    bytes_hex(BYTES_OF(&phone->key), key);
    bytes_hex(BYTES_OF(&phone->certificate_hash), hash);
    bytes_hex(bytes_make(phone->certificate, phone->certificate_len), certificate);
    const char *agency = rig_text(phone->agency.u), *device = rig_text(phone->device.u), *user = rig_text(phone->user.u);
    rig_run(rig, "insert into device_state (agency_id, device_id, user_id, state, epoch) values ('%s', '%s', '%s', 2, %u);"
             "insert into device_event (agency_id, device_id, version, at_us, kind) values ('%s', '%s', 1, %lld, 'CONFIRMED')",
        agency, device, user, phone->epoch, agency, device, now_us());
    rig_run(rig, "insert into device_key (agency_id, device_id, epoch, user_id, public_key, valid_from_us, certificate,"
             " certificate_hash) values ('%s', '%s', %u, '%s', '\\x%s', %lld, '\\x%s', '\\x%s')",
        agency, device, phone->epoch, user, key, (long long)valid_from_us, certificate, hash);
    rig_run(rig, "insert into device_epoch (agency_id, device_id, epoch, head_hash) values ('%s', '%s', %u, '\\x%s')",
        agency, device, phone->epoch, hash);
}

struct rig_phone rig_phone(struct rig *rig, agency_id agency, user_id user) {
    return rig_phone_since(rig, agency, user, (instant){clock_now().us - US_PER_DAY});
}

struct rig_phone rig_phone_since(struct rig *rig, agency_id agency, user_id user, instant since) {
    struct rig_phone phone = {.agency = agency, .user = user, .device = {rig_id()}, .epoch = 1};
    uint8_t seed[32];
    random_bytes(seed, sizeof seed);
    key_pair_from_seed(seed, &phone.key, &phone.secret);
    certify(rig, &phone, since);
    insert_phone(rig, &phone, since.us);
    snprintf(phone.token, sizeof phone.token, "%s", rig_device_token(rig, &phone, 60));
    return phone;
}

/* ---- tokens --------------------------------------------------------------------------------------------------- */

static const char *sign(struct rig *rig, struct token *token, int64_t age_s) {
    static _Thread_local char texts[TEXTS][RIG_TOKEN_SIZE];
    static _Thread_local unsigned next;
    char *text = texts[next++ % TEXTS];
    uint8_t raw[TOKEN_MAX];
    size_t len;
    token->id = rig_id();
    token->issued_s = token->not_before_s = clock_now().us / US_PER_S - age_s;
    token->expires_s = token->issued_s + 900;
    assert_ok(token_sign(token, rig->installation, &keyring_signing(&rig->keys, KEY_TOKEN)->secret, raw, sizeof raw, &len));
    sodium_bin2base64(text, RIG_TOKEN_SIZE, raw, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return text;
}

const char *rig_staff_token(struct rig *rig, agency_id agency, user_id user, int64_t age_s) {
    struct token token = {.agency = agency, .user = user, .caller = TOKEN_STAFF};
    return sign(rig, &token, age_s);
}

const char *rig_device_token(struct rig *rig, const struct rig_phone *phone, int64_t age_s) {
    struct token token = {.agency = phone->agency, .user = phone->user, .caller = TOKEN_DEVICE, .has_device = true,
                          .device = phone->device};
    return sign(rig, &token, age_s);
}

/* ---- what ----------------------------------------------------------------------------------------------------- */

#define MONAS_LAT_E7 (-61754000)
#define MONAS_LON_E7 1068272000

static int64_t or_else(int64_t value, int64_t otherwise) {
    return value ? value : otherwise;
}

account_id rig_account(struct rig *rig, agency_id agency, const struct rig_account *that) {
    account_id account = {rig_id()};
    const char *id = rig_text(account.u), *of = rig_text(agency.u), *customer = rig_text(rig_id());
    const char *collector = uuid_is_nil(that->collector.u) ? "" : rig_text(that->collector.u);
    long long principal = or_else(that->principal_minor, 100000000), interest = or_else(that->interest_minor, 20000000);
    long long penalty = that->penalty_minor, fees = that->fees_minor, received_us = now_us();
    rig_run(rig, "insert into customer (agency_id, customer_id, customer_no, created_us) values ('%s', '%s', '%s', %lld);"
             "insert into account (agency_id, account_id, account_no, customer_id, product, currency, created_us)"
             " values ('%s', '%s', '%s', '%s', 'CASH', 'IDR', %lld)",
        of, customer, customer, now_us(), of, id, that->account_no ? that->account_no : id, customer, now_us());
    rig_run(rig,
            "insert into account_state (agency_id, account_id, status, collector_id, no_schedule, fees_minor, penalty_minor,"
            " interest_minor, principal_minor, oldest_due_on, snapshot_on, snapshot_us, lat_e7, lon_e7, address_quality)"
            " values ('%s', '%s', 2, nullif('%s', '')::uuid, false, %lld, %lld, %lld, %lld, current_date - 30,"
            " current_date - 1, %lld, %d, %d, 1)",
            of, id, collector, fees, penalty, interest, principal, received_us, (int)or_else(that->lat_e7, MONAS_LAT_E7),
            (int)or_else(that->lon_e7, MONAS_LON_E7));
    rig_run(rig, "insert into instalment (agency_id, account_id, as_of_on, received_us, instalment_no, due_on, fees_minor,"
             " penalty_minor, interest_minor, principal_minor)"
             " values ('%s', '%s', current_date - 1, %lld, 1, current_date - 30, %lld, %lld, %lld, %lld);"
             "insert into instalment_state (agency_id, account_id, instalment_no, due_on, fees_minor, penalty_minor,"
             " interest_minor, principal_minor) values ('%s', '%s', 1, current_date - 30, %lld, %lld, %lld, %lld)",
        of, id, received_us, fees, penalty, interest, principal, of, id, fees, penalty, interest, principal);
    rig_run(rig, "insert into snapshot (agency_id, account_id, as_of_on, file_hash, row_no, load_type, load_reason, fees_minor,"
             " penalty_minor, interest_minor, principal_minor, received_us)"
             " values ('%s', '%s', current_date - 1, '', 1, 1, 'rig', %lld, %lld, %lld, %lld, %lld)",
        of, id, fees, penalty, interest, principal, received_us);
    return account;
}

visit_id rig_visit(struct rig *rig, agency_id agency, account_id account, user_id collector) {
    visit_id visit = {rig_id()};
    const char *id = rig_text(visit.u), *of = rig_text(agency.u), *to = rig_text(account.u), *by = rig_text(collector.u);
    long long from = now_us() - US_PER_DAY, until = now_us() + US_PER_DAY;
    rig_run(rig, "insert into visit (agency_id, visit_id, account_id, purpose, planned_on, lat_e7, lon_e7, address_quality,"
             " radius_mm, policy, gate_verdict, created_us, created_by)"
             " select agency_id, '%s', account_id, 1, current_date, lat_e7, lon_e7, address_quality, 150000, 1, 'ALLOW', %lld,"
             " '%s' from account_state where agency_id = '%s' and account_id = '%s'",
        id, now_us(), by, of, to);
    rig_run(rig, "insert into visit_state (agency_id, visit_id, account_id, purpose, collector_id, planned_on, lease_from_us,"
             " lease_until_us) values ('%s', '%s', '%s', 1, '%s', current_date, %lld, %lld);"
             "insert into visit_event (agency_id, visit_id, version, kind, at_us, collector_id, lease_from_us, lease_until_us)"
             " values ('%s', '%s', 1, 'PLANNED', %lld, '%s', %lld, %lld)",
        of, id, to, by, from, until, of, id, from, by, from, until);
    return visit;
}

promise_id rig_promise(struct rig *rig, agency_id agency, account_id account, const struct rig_promise *that) {
    promise_id promise = {rig_id()};
    const char *id = rig_text(promise.u), *of = rig_text(agency.u), *on = rig_text(account.u), *posting = rig_text(rig_id());
    char due[DATE_TEXT_SIZE];
    date_format(that->due_on, due);
    int64_t received = that->received.us ? that->received.us : now_us(), made = that->made.us ? that->made.us : received;
    int64_t amount_minor = that->amount_minor ? that->amount_minor : 10000000;
    rig_run(rig, "insert into promise (agency_id, promise_id, posting_id, account_id, amount_minor, currency, due_on, closes_us,"
             " promiser, channel, value_us, received_us, refused) select agency_id, '%s', '%s', '%s', %lld, 'IDR', '%s',"
             " agency_midnight(date '%s' + 3, time_zone), 1, 2, %lld, %lld, %d from agency where agency_id = '%s'",
        id, posting, on, (long long)amount_minor, due, due, (long long)made, (long long)received, that->refused, of);
    rig_run(rig, "insert into promise_state (agency_id, promise_id, account_id, due_on, closes_us, refused, state, received_minor,"
             " version) select agency_id, promise_id, account_id, due_on, closes_us, refused, 1, 0, 1 from promise"
             " where agency_id = '%s' and promise_id = '%s'",
        of, id);
    rig_run(rig, "insert into promise_event (agency_id, promise_id, n, posting_id, account_id, at_us, state_before, state_after,"
             " received_minor) values ('%s', '%s', 1, '%s', '%s', %lld, 0, 1, 0)",
        of, id, posting, on, (long long)received);
    return promise;
}
