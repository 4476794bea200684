/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying within a spec (verifier.h). */
#include "tests/support/verifier.h"

#include <time.h>

#include "server/rpc/heads.h"
#include "server/verify/verify.h"
#include "server/run/clock.h"
#include "server/run/grow.h"
#include "server/run/log.h"
#include "store_statements.h"
#include "tests/support/case.h"

/* ---- what was found ----------------------------------------------------------------------------------------------- */

static void keep(void *context, const struct verify_difference *d) {
    struct found *found = context;
    if (found->n++ >= FOUND_MAX) return;
    snprintf(found->all[found->n - 1].table, sizeof found->all[0].table, "%s", d->table);
    snprintf(found->all[found->n - 1].key, sizeof found->all[0].key, "%s", d->key);
    snprintf(found->all[found->n - 1].column, sizeof found->all[0].column, "%s", d->column);
    snprintf(found->all[found->n - 1].stored, sizeof found->all[0].stored, "%s", d->stored);
    snprintf(found->all[found->n - 1].expected, sizeof found->all[0].expected, "%s", d->expected);
}

void found_print(const struct found *found) {
    for (size_t i = 0; i < found->n && i < FOUND_MAX; i++) {
        print_message("    %s [%s] %s: %s, should be %s\n", found->all[i].table, found->all[i].key, found->all[i].column,
                      found->all[i].stored, found->all[i].expected);
    }
}

bool found_names(const struct found *found, const char *table) {
    if (strcmp(table, "seal") == 0 && found->n) return true; /* it tells the rows that it no longer covers */
    for (size_t i = 0; i < found->n && i < FOUND_MAX; i++) {
        if (strcmp(found->all[i].table, table) == 0) return true;
        const char *in = strchr(found->all[i].column, '(');
        for (size_t len = strlen(table); in && (in = strstr(in, table)); in += len) {
            if (strchr("( ", in[-1]) && strchr(",)", in[len])) return true;
        }
    }
    return false;
}

bool found_tells(const struct found *found, const char *table, const char *column) {
    for (size_t i = 0; i < found->n && i < FOUND_MAX; i++) {
        if (strcmp(found->all[i].table, table) == 0 && strcmp(found->all[i].column, column) == 0) return true;
    }
    return false;
}

/* ---- looking ------------------------------------------------------------------------------------------------------- */

void verifier_open(struct verifier *verifier, struct rig *rig, agency_id agency) {
    *verifier = (struct verifier){.rig = rig, .agency = agency};
    pg_conninfo_as(&rig->pg, "tagih_read", verifier->conninfo, sizeof verifier->conninfo);
    assert_ok(db_open(&verifier->db, &(struct db_options){.conninfo = verifier->conninfo,
                                                          .worker = "verify",
                                                          .statements = &store_statements,
                                                          .log = log_line,
                                                          .log_context = (void *)(uintptr_t) "verify"}));
    assert_true(grow_arena_open(&verifier->arena));
}

void verifier_close(struct verifier *verifier) {
    db_release(&verifier->db);
    grow_arena_close(&verifier->arena);
}

static tagih_err verify_all_entries(struct verify *v) {
    hash256 first = {{0}}, last;
    memset(last.b, 0xff, sizeof last.b);
    return verify_entries(v, &first, &last);
}

static tagih_err look_until(struct verify *v, const struct found *found, const char *until) {
    static tagih_err (*const parts[])(struct verify * v) = {verify_sums,        verify_postings,   verify_device_keys,
                                                            verify_all_entries, verify_bonus,      verify_accounts,
                                                            verify_states,      verify_identities, verify_heads,       verify_retention};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        TRY(parts[i](v));
        if (until && found_names(found, until)) break;
    }
    return TAGIH_OK;
}

struct found verifier_look(struct verifier *verifier, const char *until) {
    struct found found = {.n = 0};
    struct tx_options options = {.agency = verifier->agency,
                                 .name = "verify",
                                 .read_only = true,
                                 .snapshot = true,
                                 .deadline_us = clock_monotonic_us() + 60 * US_PER_S};
    DEFER(tx) struct tx tx;
    tx_begin(&tx, &verifier->db, &options);
    struct verify v = {.tx = &tx,
                       .arena = &verifier->arena,
                       .agency = verifier->agency,
                       .installation = verifier->rig->installation,
                       .keys = &verifier->rig->keys,
                       .difference = keep,
                       .context = &found};
    assert_ok(look_until(&v, &found, until));
    return found;
}

void verifier_assert_clean(struct verifier *verifier) {
    struct found found = verifier_look(verifier, NULL);
    found_print(&found);
    assert_int_equal(found.n, 0);
}

/* ---- other hands ------------------------------------------------------------------------------------------------------ */

void verifier_take_off_the_gloves(struct verifier *verifier) {
    pg_exec(&verifier->rig->pg, "set session_replication_role = replica; set client_min_messages = warning");
    pg_exec(&verifier->rig->pg,
            "do $$ declare c record; begin for c in select conrelid::regclass as t, conname from pg_constraint"
            " where contype = 'c' and connamespace = 'public'::regnamespace loop"
            " execute format('alter table %s drop constraint %I', c.t, c.conname); end loop; end $$");
}

/* A head covers the seals older than every transaction that runs, in other specs' databases, too: until those have ended. */
static void wait_for_others(struct pg *pg) {
    const char *uncovered = "select count(*) from seal where xid >= pg_snapshot_xmin(pg_current_snapshot())";
    for (int tries = 0; tries < 300 && pg_number(pg, uncovered) > 0; tries++)
        nanosleep(&(struct timespec){0, 100000000}, NULL);
    assert_int_equal(pg_number(pg, uncovered), 0);
}

long long verifier_sign_heads(struct verifier *verifier, int64_t later_us) {
    struct pg *pg = &verifier->rig->pg;
    wait_for_others(pg);
    char app[1100];
    struct db writer = {0};
    agency_id due[10];
    size_t n_due, n;
    long long before = pg_number(pg, "select count(*) from digest_head");
    struct rpc_server server = {.installation = verifier->rig->installation, .keys = &verifier->rig->keys};
    pg_conninfo_as(pg, "tagih_app", app, sizeof app);
    assert_ok(db_open(&writer, &(struct db_options){.conninfo = app, .worker = "heads", .statements = &store_statements}));
    int64_t soon_us = clock_monotonic_us() + 10 * US_PER_S;
    instant now = {clock_now().us + later_us};
    assert_ok(heads_due(&writer, &verifier->arena, now, soon_us, due, COUNT_OF(due), &n_due));
    for (size_t i = 0; i < n_due; i++) assert_ok(heads_sign(&server, &writer, &verifier->arena, due[i], now, soon_us, &n));
    db_release(&writer);
    return pg_number(pg, "select count(*) from digest_head") - before;
}

/* ---- sums ------------------------------------------------------------------------------------------------------------- */

void verifier_assert_identities(struct rig *rig, agency_id agency) {
    struct verifier verifier;
    verifier_open(&verifier, rig, agency);
    struct found found = verifier_look(&verifier, NULL);
    for (size_t i = 0; i < found.n && i < FOUND_MAX; i++) {
        if (strncmp(found.all[i].column, "R-LED-2", 7) != 0) continue;
        found_print(&found);
        fail_msg("%s: %s and %s", found.all[i].column, found.all[i].stored, found.all[i].expected);
    }
    verifier_close(&verifier);
}

/* ---- what the bank should show ---------------------------------------------------------------------------------------- */

#define BANK_ROWS_MAX 40 /* fewer than FOUND_MAX */

static void bank_run(struct verifier *verifier, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void bank_run(struct verifier *verifier, const char *format, ...) {
    char sql[600];
    va_list args;
    va_start(args, format);
    vsnprintf(sql, sizeof sql, format, args);
    va_end(args);
    pg_exec(&verifier->rig->pg, sql);
}

static bool is_told(const struct found *found, const char *table, const char *key) {
    for (size_t i = 0; i < found->n && i < FOUND_MAX; i++) {
        if (strcmp(found->all[i].table, table) == 0 && strcmp(found->all[i].key, key) == 0) return true;
    }
    return false;
}

/* Look, put back what was kept, and see that each row's key was told. */
static void assert_each_is_told(struct verifier *verifier, int kind, const char *what) {
    struct found found = verifier_look(verifier, "bank_expected");
    bank_run(verifier,
             "delete from bank_expected e using kept k where e.agency_id = k.agency_id and e.expected_id = k.expected_id;"
             " insert into bank_expected select * from kept");
    long long n = pg_number(&verifier->rig->pg, "select count(*) from kept");
    for (long long i = 0; i < n; i++) {
        char sql[120], key[64];
        snprintf(sql, sizeof sql, "select expected_id from kept order by expected_id offset %lld limit 1", i);
        snprintf(key, sizeof key, "%s", pg_value(&verifier->rig->pg, sql));
        if (!is_told(&found, "bank_expected", key))
            fail_msg("bank_expected %s of kind %d: %s, and not told", key, kind, what);
    }
}

/* Specs put rows of other tables in by hand. */
static void assert_bank_is_clean(struct verifier *verifier) {
    struct found found = verifier_look(verifier, "bank_expected");
    if (!found_names(&found, "bank_expected")) return;
    found_print(&found);
    fail_msg("bank_expected is not what its facts say");
}

void verifier_assert_bank(struct rig *rig, agency_id agency, const int *kinds, size_t n) {
    static const char *const changes[] = {"kind = kind + 77",
                                          "object_id = gen_random_uuid()",
                                          "reference = reference || 'X'",
                                          "amount_minor = amount_minor + 7",
                                          "currency = 'XYZ'",
                                          "ledger_account = ledger_account + 77",
                                          "owner_id = gen_random_uuid()",
                                          "account_id = gen_random_uuid()",
                                          "since_us = since_us + 7",
                                          "since_on = since_on + 45",
                                          "state = state + 77",
                                          "line_id = gen_random_uuid()"};
    struct verifier verifier;
    verifier_open(&verifier, rig, agency);
    assert_bank_is_clean(&verifier);
    for (size_t i = 0; i < n; i++) {
        bank_run(
            &verifier,
            "drop table if exists pg_temp.kept; create temp table kept as select * from bank_expected where agency_id = '%s'"
            " and kind = %d order by expected_id limit %d",
            rig_text(agency.u), kinds[i], BANK_ROWS_MAX);
        if (pg_number(&rig->pg, "select count(*) from kept") == 0) fail_msg("nothing of kind %d is expected", kinds[i]);
        bank_run(
            &verifier,
            "delete from bank_expected e using kept k where e.agency_id = k.agency_id and e.expected_id = k.expected_id");
        assert_each_is_told(&verifier, kinds[i], "taken out");
        for (size_t c = 0; c < COUNT_OF(changes); c++) {
            bank_run(&verifier,
                     "update bank_expected set %s where agency_id = '%s' and expected_id = any(array(select expected_id "
                     "from kept))",
                     changes[c], rig_text(agency.u));
            assert_each_is_told(&verifier, kinds[i], changes[c]);
        }
    }
    assert_bank_is_clean(&verifier);
    verifier_close(&verifier);
}
