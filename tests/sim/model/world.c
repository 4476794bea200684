/* SPDX-License-Identifier: Apache-2.0 */
/* The world that a simulation begins with: rows as enrolment, import, planning and the office leave them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tagih/envelope.h"
#include "tests/sim/model/model.h"

/* An id as an SQL literal, in one of some buffers used in turn. */
static const char *lit(uuid id) {
    static char texts[12][UUID_TEXT_SIZE + 8];
    static unsigned next;
    char *text = texts[next++ % 12], plain[UUID_TEXT_SIZE];
    if (uuid_is_nil(id)) return "null";
    uuid_format(id, plain);
    snprintf(text, sizeof texts[0], "'%s'", plain);
    return text;
}

static const char *day(civil_date date) {
    static char texts[4][DATE_TEXT_SIZE];
    static unsigned next;
    char *text = texts[next++ % 4];
    date_format(date, text);
    return text;
}

void model_agency(struct model *model, agency_id agency, const char *name, int64_t at_us) {
    model_run(model, "insert into agency (agency_id, name, created_us) values (%s, '%s', %" PRId64 ")", lit(agency.u), name, at_us);
}

void model_team(struct model *model, agency_id agency, team_id team, const char *name, int64_t at_us) {
    model_run(model, "insert into team (agency_id, team_id, name, created_us) values (%s, %s, '%s', %" PRId64 ")", lit(agency.u), lit(team.u),
              name, at_us);
}

void model_user(struct model *model, agency_id agency, user_id user, uint32_t roles, team_id team, int64_t at_us) {
    char login[UUID_TEXT_SIZE];
    uuid_format(user.u, login);
    const char *of = lit(agency.u), *id = lit(user.u), *in = lit(team.u);
    model_run(model,
              "insert into staff (agency_id, user_id, login, name, created_us) values (%s, %s, '%s', 'Name of %s', %" PRId64 ");"
              "insert into staff_state (agency_id, user_id, roles, team_id, team_since) values (%s, %s, %u, %s, %s);"
              "insert into staff_event (agency_id, user_id, version, at_us, kind, roles, team_id)"
              " values (%s, %s, 1, %" PRId64 ", 'ADDED', %u, %s)",
              of, id, login, login, at_us, of, id, roles, in, uuid_is_nil(team.u) ? "null" : "agency_date(0, 'UTC')", of, id, at_us, roles, in);
}

void model_phone(struct model *model, const struct model_phone *phone) {
    char key[65], hash[65], certificate[2 * ENVELOPE_MAX + 1];
    bytes_hex(bytes_make(phone->public_key, 32), key);
    bytes_hex(BYTES_OF(&phone->certificate_hash), hash);
    if (phone->certificate.len > ENVELOPE_MAX) abort();
    bytes_hex(phone->certificate, certificate);
    const char *of = lit(phone->agency.u), *device = lit(phone->device.u), *user = lit(phone->user.u);
    if (phone->epoch == 1) {
        model_run(model,
                  "insert into device_state (agency_id, device_id, user_id, state, epoch) values (%s, %s, %s, 2, 1);"
                  "insert into device_event (agency_id, device_id, version, at_us, kind) values (%s, %s, 1, %" PRId64 ", 'CONFIRMED')",
                  of, device, user, of, device, phone->valid_from_us);
    }
    model_run(model,
              "insert into device_key (agency_id, device_id, epoch, user_id, public_key, valid_from_us, certificate, certificate_hash)"
              " values (%s, %s, %u, %s, '\\x%s', %" PRId64 ", '\\x%s', '\\x%s');"
              "insert into device_epoch (agency_id, device_id, epoch, head_hash) values (%s, %s, %u, '\\x%s')",
              of, device, phone->epoch, user, key, phone->valid_from_us, certificate, hash, of, device, phone->epoch, hash);
}

void model_phone_state(struct model *model, agency_id agency, device_id device, int state, int64_t at_us) {
    static const char *const kinds[] = {[2] = "RESUMED", [3] = "SUSPENDED", [4] = "REVOKED"};
    if (state < 2 || state > 4) abort();
    const char *of = lit(agency.u), *id = lit(device.u);
    model_run(model,
              "with written as (update device_state set state = %d, version = version + 1,"
              " revoked_us = case when %d = 4 then %" PRId64 " else revoked_us end where agency_id = %s and device_id = %s"
              " returning version)"
              " insert into device_event (agency_id, device_id, version, at_us, kind, reason)"
              " select %s, %s, w.version, %" PRId64 ", '%s', 'simulated' from written w",
              state, state, at_us, of, id, of, id, at_us, kinds[state]);
}

static void add_instalments(struct model *model, const struct model_account *a) {
    const char *of = lit(a->agency.u), *id = lit(a->account.u);
    for (size_t i = 0; i < a->n_instalments; i++) {
        const struct model_instalment *in = &a->instalments[i];
        model_run(model,
                  "insert into instalment (agency_id, account_id, as_of_on, received_us, instalment_no, due_on, fees_minor, penalty_minor,"
                  " interest_minor, principal_minor) values (%s, %s, '%s', %" PRId64 ", %zu, '%s', %" PRId64 ", %" PRId64 ", %" PRId64
                  ", %" PRId64 ");"
                  "insert into instalment_state (agency_id, account_id, instalment_no, due_on, fees_minor, penalty_minor, interest_minor,"
                  " principal_minor) values (%s, %s, %zu, '%s', %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ")",
                  of, id, day(a->as_of_on), a->at_us, i + 1, day(in->due_on), in->fees_minor, in->penalty_minor, in->interest_minor,
                  in->principal_minor, of, id, i + 1, day(in->due_on), in->fees_minor, in->penalty_minor, in->interest_minor,
                  in->principal_minor);
    }
}

/* The earliest due date, before the snapshot's day, whose principal and interest are open (R-ACC-3). */
static const char *oldest_due(const struct model_account *a) {
    static char text[DATE_TEXT_SIZE + 2];
    for (size_t i = 0; i < a->n_instalments; i++) {
        if (a->instalments[i].interest_minor + a->instalments[i].principal_minor <= 0) continue;
        snprintf(text, sizeof text, "'%s'", day(a->instalments[i].due_on));
        return text;
    }
    return "null";
}

void model_account(struct model *model, const struct model_account *a) {
    struct model_instalment sum = {.fees_minor = 0};
    char number[UUID_TEXT_SIZE];
    uuid_format(a->account.u, number);
    for (size_t i = 0; i < a->n_instalments; i++) {
        sum.fees_minor += a->instalments[i].fees_minor, sum.penalty_minor += a->instalments[i].penalty_minor;
        sum.interest_minor += a->instalments[i].interest_minor, sum.principal_minor += a->instalments[i].principal_minor;
    }
    const char *of = lit(a->agency.u), *id = lit(a->account.u), *customer = lit(a->customer);
    model_run(
        model,
        "insert into customer (agency_id, customer_id, customer_no, created_us) values (%s, %s, 'C%s', %" PRId64
        ")"
        " on conflict do nothing;"
        "insert into account (agency_id, account_id, account_no, customer_id, product, currency, created_us)"
        " values (%s, %s, 'A%s', %s, 'CASH', '%s', %" PRId64
        ");"
        "insert into account_state (agency_id, account_id, status, collector_id, no_schedule, fees_minor, penalty_minor,"
        " interest_minor, principal_minor, oldest_due_on, snapshot_on, snapshot_us, lat_e7, lon_e7, address_quality)"
        " values (%s, %s, %d, %s, false, %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %s, '%s', %" PRId64
        ", %d, %d, 1);"
        "insert into snapshot (agency_id, account_id, as_of_on, file_hash, row_no, load_type, load_reason, fees_minor,"
        " penalty_minor, interest_minor, principal_minor, received_us)"
        " values (%s, %s, '%s', '', 1, 1, 'simulated', %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ")",
        of, customer, number, a->at_us, of, id, number, customer, a->currency ? a->currency : "IDR", a->at_us, of, id, 2,
        lit(a->collector.u), sum.fees_minor, sum.penalty_minor, sum.interest_minor, sum.principal_minor, oldest_due(a),
        day(a->as_of_on), a->at_us, a->lat_e7, a->lon_e7, of, id, day(a->as_of_on), sum.fees_minor, sum.penalty_minor,
        sum.interest_minor, sum.principal_minor, a->at_us);
    add_instalments(model, a);
}

void model_assign(struct model *model, agency_id agency, account_id account, user_id collector, uuid event, int64_t at_us) {
    const char *of = lit(agency.u), *id = lit(account.u), *to = lit(collector.u);
    model_run(model,
              "insert into account_event (agency_id, event_id, account_id, at_us, recorded_us, kind, reason, collector_before, collector_after,"
              " status_before, status_after) select agency_id, %s, account_id, %" PRId64 ", %" PRId64 ", 'REASSIGNED', 'simulated', collector_id, %s,"
              " status, status from account_state where agency_id = %s and account_id = %s;"
              "update account_state set collector_id = %s, version = version + 1 where agency_id = %s and account_id = %s",
              lit(event), at_us, at_us, to, of, id, to, of, id);
}

void model_visit(struct model *model, const struct model_visit *v) {
    const char *of = lit(v->agency.u), *id = lit(v->visit.u), *on = lit(v->account.u), *by = lit(v->collector.u);
    model_run(model,
              "insert into visit (agency_id, visit_id, account_id, purpose, planned_on, lat_e7, lon_e7, address_quality, radius_mm, policy,"
              " gate_verdict, created_us, created_by) select agency_id, %s, account_id, %d, '%s', lat_e7, lon_e7, address_quality, 150000, %d,"
              " 'ALLOW', %" PRId64 ", %s from account_state where agency_id = %s and account_id = %s",
              id, v->purpose, day(v->planned_on), v->policy, v->from_us, by, of, on);
    model_run(model,
              "insert into visit_state (agency_id, visit_id, account_id, purpose, collector_id, planned_on, lease_from_us, lease_until_us)"
              " values (%s, %s, %s, %d, %s, '%s', %" PRId64 ", %" PRId64 ");"
              "insert into visit_event (agency_id, visit_id, version, kind, at_us, collector_id, lease_from_us, lease_until_us)"
              " values (%s, %s, 1, 'PLANNED', %" PRId64 ", %s, %" PRId64 ", %" PRId64 ")",
              of, id, on, v->purpose, by, day(v->planned_on), v->from_us, v->until_us, of, id, v->from_us, by, v->from_us, v->until_us);
}

void model_lease(struct model *model, agency_id agency, visit_id visit, user_id collector, int64_t at_us, int64_t until_us) {
    const char *of = lit(agency.u), *id = lit(visit.u), *to = lit(collector.u);
    model_run(model,
              "with written as (update visit_state set collector_id = %s, lease_from_us = %" PRId64 ", lease_until_us = %" PRId64
              ", version = version + 1 where agency_id = %s and visit_id = %s returning version)"
              " insert into visit_event (agency_id, visit_id, version, kind, at_us, collector_id, lease_from_us, lease_until_us)"
              " select %s, %s, w.version, 'REASSIGNED', %" PRId64 ", %s, %" PRId64 ", %" PRId64 " from written w",
              to, at_us, until_us, of, id, of, id, at_us, to, at_us, until_us);
}

void model_cash_limit(struct model *model, agency_id agency, user_id collector, const char *currency, int64_t soft_minor, int64_t hard_minor,
                      int64_t receipt_minor, int64_t at_us) {
    char whose[UUID_TEXT_SIZE];
    uuid_format(collector.u, whose);
    const char *of = lit(agency.u);
    model_run(model,
              "insert into cash_limit (agency_id, collector_id, currency, version, soft_minor, hard_minor, receipt_minor, at_us, actor_id)"
              " select %s, '%s', '%s', 1 + coalesce((select max(x.version) from cash_limit x where x.agency_id = %s and"
              " x.collector_id = '%s' and x.currency = '%s'), 0), %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", '%s'",
              of, whose, currency, of, whose, currency, soft_minor, hard_minor, receipt_minor, at_us, whose);
}

void model_target(struct model *model, agency_id agency, user_id collector, civil_date month_on, int64_t amount_minor, int64_t at_us) {
    const char *of = lit(agency.u), *who = lit(collector.u);
    model_run(model,
              "insert into bonus_target (agency_id, collector_id, month_on, version, amount_minor, currency, made_by, approved_by, at_us)"
              " select %s, %s, '%s', 1 + coalesce((select max(x.version) from bonus_target x where x.agency_id = %s and x.collector_id = %s"
              " and x.month_on = '%s'), 0), %" PRId64 ", 'IDR', %s, %s, %" PRId64,
              of, who, day(month_on), of, who, day(month_on), amount_minor, who, who, at_us);
}
