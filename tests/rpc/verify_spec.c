/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tamper evidence: a lived-in day verifies clean, and one value changed by hand, in any column of any table of money or
 * evidence, is found and named. The tables come from the catalogue, so a new one without cover fails here.
 */
#include "run/clock.h"
#include "store_statements.h"
#include "tests/rpc/verify_case.h"
#include "tests/support/case.h"
#include "tests/support/verifier.h"

static struct rig rig;
static const char *tagihd;

/* Two agencies, so that verifying each takes a moment only: one lives a day here, one a month (verify_case.h). */
static struct verifier of_day, of_month;

/* ---- verifying ---------------------------------------------------------------------------------------------------- */

static struct found verify(void) {
    return verifier_look(&of_day, NULL);
}

static void assert_clean(void) {
    verifier_assert_clean(&of_day);
    verifier_assert_clean(&of_month);
}

static const char *agency_of(const struct verifier *lived) {
    return rig_text(lived->agency.u);
}

/* A row that is gone cannot be named by its content: its posting's digest misses it. */
static bool misses(const struct found *found, const char *table) {
    char sql[200];
    snprintf(sql, sizeof sql, "select count(*) from pg_attribute where attname = 'posting_id' and attrelid = '%s'::regclass", table);
    if (found_names(found, table)) return true;
    return pg_number(&rig.pg, sql) > 0 && found_names(found, "posting");
}

static int live(void **state) {
    (void)state;
    struct teller day, month;
    rig_open(&rig, NULL);
    live_a_day(&rig, &day);
    live_a_month(&rig, &month, tagihd);
    verifier_open(&of_day, &rig, day.agency);
    verifier_open(&of_month, &rig, month.agency);
    assert_true(verifier_sign_heads(&of_day, 0) > 1);     /* of both */
    assert_int_equal(verifier_sign_heads(&of_day, 0), 0); /* not within the hour */
    return 0;
}

static int end(void **state) {
    (void)state;
    verifier_close(&of_day);
    verifier_close(&of_month);
    rig_close(&rig);
    return 0;
}

//= RULES.md R-LED-2
//  Identities, checked by demo, `verify` and tests, per currency
static void a_day_of_every_kind_verifies_clean(void **state) {
    (void)state;
    assert_clean();
}

/* ---- tampering ------------------------------------------------------------------------------------------------------ */

struct exempt {
    const char *table, *column; /* NULL: the whole table */
    const char *why;
};

/* Neither money nor evidence, or said again elsewhere. */
static const struct exempt exempt[] = {
    {"agency", NULL, "settings of the agency: name, zone, currency"},
    {"team", NULL, "organisation; what a team earned is in bonus lines"},
    {"staff", NULL, "people; their changes are sealed staff_event rows"},
    {"staff_state", "password_hash", "a secret; that it changed is a sealed staff_event row"},
    {"device_state", "last_contact_us", "when a phone was last heard of; what it proved is in its entries"},
    {"device_state", "last_contact_mono_us", "when a phone was last heard of; what it proved is in its entries"},
    {"device_state", "last_contact_boot", "when a phone was last heard of; what it proved is in its entries"},
    {"device_state", "last_seen_us", "when a phone was last heard of; what it proved is in its entries"},
    {"device_pending", NULL, "a request that a supervisor decides"},
    {"enrol_code", NULL, "one-time codes"},
    {"session", NULL, "sessions"},
    {"request_key", NULL, "answers kept for repeats, for 30 days"},
    {"change", NULL, "the feed: it tells ids of what stands elsewhere"},
    {"account_state", "hold_from_on", "the hold: its changes are sealed account_event rows"},
    {"account_state", "hold_until_on", "the hold: its changes are sealed account_event rows"},
    {"account_state", "hold_promise_days", "the hold: its changes are sealed account_event rows"},
    {"account_state", "hold_warnings", "the hold: its changes are sealed account_event rows"},
    {"account_state", "collector_id", "who works it now: its changes are sealed account_event rows"},
    {"account_state", "no_schedule", "a mark for reports"},
    {"account_state", "assumed", "a mark for reports"},
    {"account_state", "day_on", "a hint for the next payment of that day; each bonus line keeps the bucket it used"},
    {"account_state", "day_bucket", "a hint for the next payment of that day; each bonus line keeps the bucket it used"},
    {"account_state", "month_on", "a hint for the next payment of that month; each bonus line keeps the bucket it used"},
    {"account_state", "month_bucket", "a hint for the next payment of that month; each bonus line keeps the bucket it used"},
    {"account_state", "lat_e7", "where the debtor lives, from the creditor's file"},
    {"account_state", "lon_e7", "where the debtor lives, from the creditor's file"},
    {"account_state", "address_quality", "where the debtor lives, from the creditor's file"},
    {"account_state", "district", "where the debtor lives, from the creditor's file"},
    {"account_state", "regency", "where the debtor lives, from the creditor's file"},
    {"account_state", "phone", "how to reach the debtor, from the creditor's file"},
    {"account_state", "version", "an etag"},
    {"device_epoch", "declared_seq", "the newest DAY_CLOSE, whose entry is signed"},
    {"device_epoch", "closed_seq", "the KEY_ROTATION, whose entry is signed"},
    {"bank_expected", "told", "for the report of what is late"},
    {"payment_export_state", "agency_id", "its only key; what it counts is gone with it"},
    {"payment_export_state", "xid", "how far the feed was read"},
    {"payment_export_state", "n", "how far the feed was read"},
    {"payment_export_state", "system_id", "how far the feed was read"},
    {"gateway_key", NULL, "keys of gateways in force; what they told is payments, each under its posting's digest"},
    {"cash_watch_state", NULL, "what the minute last saw of a collector: breaches are sealed cash_breach rows"},
    {"plan_state", "expires_us", "until when a second person may decide"},
    {"seal", "n", "an identity column; the order in which heads cover seals"},
};

static const char *exempt_why(const char *table, const char *column) {
    for (size_t i = 0; i < COUNT_OF(exempt); i++) {
        if (strcmp(exempt[i].table, table) != 0) continue;
        if (!exempt[i].column || (column && strcmp(exempt[i].column, column) == 0)) return exempt[i].why;
    }
    return NULL;
}

/* Another value of the column's type. */
static const char *another(const char *type, const char *column) {
    static char out[300];
    static const struct {
        const char *type, *form;
    } forms[] = {{"int2", "(coalesce(%s, 0) + 77)::smallint"}, {"int4", "coalesce(%s, 0) + 7777"}, {"int8", "coalesce(%s, 0) + 7777"},
                 {"numeric", "coalesce(%s, 0) + 7777"}, {"bool", "not coalesce(%s, false)"}, {"text", "coalesce(%s, '') || 'x'"},
                 {"bpchar", "case when %1$s = 'XYZ' then 'ZYX' else 'XYZ' end"}, {"uuid", "gen_random_uuid()"},
                 {"date", "coalesce(%s, '2026-01-01') + 45"}, {"xid8", "'7777'::xid8"},
                 {"bytea", "sha256(coalesce(%s, '') || '\\x00')"}, {"varchar", "coalesce(%s, '') || 'x'"}};
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        if (strcmp(forms[i].type, type) != 0) continue;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(out, sizeof out, forms[i].form, column);
#pragma GCC diagnostic pop
        return out;
    }
    fail_msg("no other value of type %s is known", type);
    return NULL;
}

static PGresult *query(const char *sql) {
    PGresult *r = PQexec(rig.pg.admin, sql);
    if (PQresultStatus(r) != PGRES_TUPLES_OK) fail_msg("%s\n%s", PQerrorMessage(rig.pg.admin), sql);
    return r;
}

/* A row of zeros is there to be locked: it says no more than no row. */
static const char *that_says_something(const char *table) {
    if (strcmp(table, "collector_state") == 0) return "and cash_held_minor <> 0";
    return strcmp(table, "vault_state") == 0 ? "and vault_minor <> 0" : "";
}

static long long rows_of(const struct verifier *lived, const char *table) {
    char sql[200];
    snprintf(sql, sizeof sql, "select count(*) from %s where agency_id = '%s' %s", table, agency_of(lived),
             that_says_something(table));
    return pg_number(&rig.pg, sql);
}

/* Who has rows of it; NULL: nobody. */
static struct verifier *lived_by(const char *table) {
    return rows_of(&of_day, table) ? &of_day : rows_of(&of_month, table) ? &of_month : NULL;
}

/* Of a month's table the one that it is cut from, by whose name verify speaks; else itself. */
static const char *whole_of(const char *table) {
    static char out[64];
    char sql[200];
    snprintf(sql, sizeof sql, "select coalesce((select inhparent from pg_inherits where inhrelid = '%s'::regclass), '%s'::regclass)::regclass",
             table, table);
    snprintf(out, sizeof out, "%s", pg_value(&rig.pg, sql));
    return out;
}

/* Change it in one row, look, change it back. */
static bool change_is_found(struct verifier *lived, const char *table, const char *column, const char *type) {
    char row[64];
    rig_run(&rig, "drop table if exists pg_temp.kept; create temp table kept as select ctid as place, %s as value from %s"
        " where agency_id = '%s' %s order by ctid limit 1",
        column, table, agency_of(lived), that_says_something(table));
    rig_run(&rig, "update %s set %s = %s where ctid = (select place from kept)", table, column, another(type, column));
    char sql[300];
    snprintf(sql, sizeof sql, "select ctid from %s where xmin::text::bigint = (select max(xmin::text::bigint) from %s)", table, table);
    snprintf(row, sizeof row, "%s", pg_value(&rig.pg, sql));
    bool goes = strcmp(column, "agency_id") == 0 || strcmp(column, "posting_id") == 0;
    const char *whole = whole_of(table);
    struct found found = verifier_look(lived, goes ? NULL : whole);
    rig_run(&rig, "update %s set %s = (select value from kept) where ctid = '%s'", table, column, row);
    return goes ? misses(&found, whole) : found_names(&found, whole);
}

static size_t check_table(struct verifier *lived, const char *table) {
    char sql[600];
    size_t missed = 0;
    snprintf(sql, sizeof sql, "select a.attname, t.typname from pg_attribute a join pg_type t on t.oid = a.atttypid"
                              " where a.attrelid = '%s'::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' order by a.attnum", table);
    PGresult *columns = query(sql);
    for (int i = 0; i < PQntuples(columns); i++) {
        const char *column = PQgetvalue(columns, i, 0);
        if (exempt_why(table, column) || change_is_found(lived, table, column, PQgetvalue(columns, i, 1))) continue;
        print_message("    %s.%s: changed by hand, and not found\n", table, column);
        missed++;
    }
    PQclear(columns);
    return missed;
}

#define EACH_TABLE "select distinct c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid" \
                   " and a.attname = 'agency_id' where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1"

/* States that verify works out again. */
static const char *const states[] = {"account_state", "instalment_state", "device_epoch", "posting_writer", "collector_state",
                                     "collector_month", "settlement_state", "proposal_state", "suspense_state", "entry_waiting",
                                     "promise_state", "plan_state", "settlement_offer_state", "bank_line_state",
                                     "payment_export_state", "vault_state", "deposit_state", "shortage_state", "handover_state",
                                     "bank_expected", "staff_state", "device_state", "device_total", "visit_state", "account_silence_state"};

static bool has(const char *format, const char *table) {
    char sql[300];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(sql, sizeof sql, format, table);
#pragma GCC diagnostic pop
    return pg_number(&rig.pg, sql) > 0;
}

/* Its rows are sealed, or under their posting's digest with a statement that reads them back, or worked out again. */
static bool is_covered(const char *table) {
    char statement[80];
    snprintf(statement, sizeof statement, "%s_verify", table);
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        if (strcmp(states[i], table) == 0) return true;
    }
    if (has("select count(*) from pg_trigger where tgname = 'seal' and tgrelid = '%s'::regclass", table)) return true;
    bool written = false;
    for (size_t i = 0; i < store_statements.count; i++) {
        if (strcmp(store_statements.rows[i].name, statement) == 0) return true;
        size_t len = strlen(table);
        written |= strncmp(store_statements.rows[i].name, table, len) == 0 && strcmp(store_statements.rows[i].name + len, "_insert") == 0;
    }
    if (!written && has("select count(*) from pg_attribute where attname = 'posting_id' and attrelid = '%s'::regclass", table)) return true;
    static const char *const own[] = {"payment", "payment_reversal", "allocation", "posting", "ledger_line", "seal",
                                      "journal_key", "journal_body", "check_in_fix", "receipt", "receipt_void", "device_key", "digest_head"};
    for (size_t i = 0; i < COUNT_OF(own); i++) {
        if (strcmp(own[i], table) == 0) return true;
    }
    return false;
}

/* Run `check` on every table that has no reason to be left alone. @return how many it found wanting, or without rows */
static size_t each_table(size_t (*check)(struct verifier *lived, const char *table)) {
    PGresult *tables = query(EACH_TABLE);
    size_t wanting = 0;
    for (int i = 0; i < PQntuples(tables); i++) {
        const char *table = PQgetvalue(tables, i, 0);
        if (exempt_why(table, NULL)) continue;
        struct verifier *lived = lived_by(table);
        bool is_month = strcmp(whole_of(table), table) != 0;
        if (is_month && !lived) continue; /* nothing came in that month */
        if (!is_covered(whole_of(table))) {
            print_message("    %s: rows of it are under no digest, no seal, and worked out from nothing\n", table);
            wanting++;
        } else if (lived) {
            wanting += check(lived, table);
        } else {
            print_message("    %s: neither the day nor the month has a row of it\n", table);
            wanting++;
        }
    }
    PQclear(tables);
    return wanting;
}

//= RULES.md R-LED-1a
//  `verify` finds a value that was changed
static void one_value_changed_in_any_column_is_found_and_its_table_named(void **state) {
    (void)state;
    assert_int_equal(each_table(check_table), 0);
    assert_clean();
}

/* What changes in place: tables whose rows the serving role may update (make_state). */
//= RULES.md R-LED-1a
//  `verify` finds a value that was changed
static void every_projection_is_worked_out_again_or_stands_here_with_its_reason(void **state) {
    (void)state;
    PGresult *tables = query("select distinct c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'agency_id'"
                             " where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and has_table_privilege('tagih_app', c.oid, 'update') order by 1");
    size_t wanting = 0;
    assert_true(PQntuples(tables) > 20);
    for (int i = 0; i < PQntuples(tables); i++) {
        const char *table = PQgetvalue(tables, i, 0);
        bool worked_out = false;
        for (size_t k = 0; k < COUNT_OF(states); k++) worked_out |= strcmp(states[k], table) == 0;
        if (worked_out || exempt_why(table, NULL)) continue;
        print_message("    %s: kept beside the facts, and worked out from nothing\n", table);
        wanting++;
    }
    PQclear(tables);
    assert_int_equal(wanting, 0);
}

static size_t check_removal(struct verifier *lived, const char *table) {
    const char *of = that_says_something(table);
    const char *agency = agency_of(lived);
    long long middle = rows_of(lived, table) / 2;
    rig_run(&rig, "drop table if exists pg_temp.kept; create temp table kept as select * from %s where ctid = (select ctid from %s"
        " where agency_id = '%s' %s order by ctid offset %lld limit 1)",
        table, table, agency, of, middle);
    rig_run(&rig, "delete from %s where ctid = (select ctid from %s where agency_id = '%s' %s order by ctid offset %lld limit 1)",
        table, table, agency, of, middle);
    struct found found = verifier_look(lived, NULL);
    rig_run(&rig, "do $$ declare c text; begin select string_agg(quote_ident(attname), ', ') into c from pg_attribute"
        " where attrelid = '%s'::regclass and attnum > 0 and not attisdropped and attgenerated = '';"
        " execute format('insert into %s (%%s) overriding system value select %%s from kept', c, c); end $$", table, table);
    if (misses(&found, whole_of(table))) return 0;
    print_message("    a row of %s was taken out of the middle, and not missed\n", table);
    return 1;
}

//= RULES.md R-LED-1a
//  a row that was taken out or put in
static void a_row_taken_out_of_the_middle_is_missed(void **state) {
    (void)state;
    assert_int_equal(each_table(check_removal), 0);
    assert_clean();
}

/* Cutting off the end of a chain leaves no trace in the chain itself: the signed head misses it. */
//= RULES.md R-LED-1a
//  and a tail that was cut off behind a signed head
static void a_tail_cut_off_behind_a_signed_head_is_missed(void **state) {
    (void)state;
    rig_run(&rig, "begin; create temp table gone as select w.agency_id, w.writer_id, w.n, w.head from posting_writer w"
        " where w.agency_id = '%s' and w.n > 1 order by w.writer_id limit 1;"
        " create temp table tail as select p.* from posting p join gone g on g.agency_id = p.agency_id and g.writer_id = "
        "p.writer_id"
        " and g.n = p.writer_n;"
        " update posting_writer w set n = w.n - 1, head = (select p.digest from posting p where p.agency_id = w.agency_id"
        " and p.writer_id = w.writer_id and p.writer_n = w.n - 1) from gone g where g.agency_id = w.agency_id and "
        "g.writer_id = w.writer_id;"
        " delete from posting p using tail t where t.posting_id = p.posting_id; commit",
        agency_of(&of_day));
    struct found found = verify();
    bool head = found_names(&found, "digest_head");
    rig_run(&rig, "insert into posting select * from tail; update posting_writer w set n = g.n, head = g.head from gone g"
        " where g.agency_id = w.agency_id and g.writer_id = w.writer_id");
    assert_true(head);
    assert_clean();
}

/* Also where digests and seals would be made anew: the phone's signature is not the server's to make. */
//= RULES.md R-LED-1a
//  Every row of money or evidence is under its posting's digest, was signed, or is sealed
static void a_row_that_says_another_thing_than_its_entry_is_told_by_its_column(void **state) {
    (void)state;
    static const char *const columns[][2] = {{"receipt", "amount_minor"}, {"receipt_void", "amount_minor"},
        {"promise", "amount_minor"}, {"promise", "due_on"}, {"promise", "received_us"}, {"deposit", "amount_minor"},
        {"deposit", "value_us"}, {"settlement", "declared_minor"}, {"settlement", "last_seq"}, {"settlement", "cash_minor"},
        {"settlement_note", "pieces"}, {"shortage", "amount_minor"}, {"handover", "amount_minor"}, {"handover", "seq"},
        {"check_in", "mono_us"}, {"check_in", "device_us"}, {"visit_outcome", "code"}, {"visit_outcome", "value_us"}};
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        const char *table = columns[i][0], *column = columns[i][1];
        rig_run(&rig, "update %s set %s = %s + 1 where agency_id = '%s'", table, column, column, agency_of(&of_day));
        struct found found = verify();
        rig_run(&rig, "update %s set %s = %s - 1 where agency_id = '%s'", table, column, column, agency_of(&of_day));
        if (!found_tells(&found, table, column)) fail_msg("%s.%s: its entry says otherwise, and nobody told", table, column);
    }
    assert_clean();
}

//= RULES.md R-LED-2
//  Σ payments = Σ debt-allocated from payments + credit created
static void a_forged_payment_is_found(void **state) {
    (void)state;
    rig_run(&rig, "insert into payment select agency_id, gen_random_uuid(), account_id, source, 'forged', tender, tag, amount_minor, "
        "currency,"
        " value_us, value_on, posting_on, received_us, collector_id, actor_id from payment where agency_id = '%s' limit 1",
        agency_of(&of_day));
    struct found found = verify();
    assert_true(found_names(&found, "payment"));
    rig_run(&rig, "delete from payment where source_reference = 'forged'");
    assert_clean();
}

/* Credit becomes debt in what payments paid. */
static void allocate(int minor) {
    rig_run(&rig, "update allocation set credit_minor = credit_minor - %d, principal_minor = principal_minor + %d where agency_id = "
        "'%s'"
        " and credit_minor > 100 and payment_id not in (select payment_id from payment_reversal)",
        minor, minor, agency_of(&of_day));
}

/* A receivable falls by less. */
static void book(int minor) {
    rig_run(&rig, "update ledger_line set amount_minor = amount_minor + %d where agency_id = '%s' and ledger_account = 4 and "
        "posting_id ="
        " (select o.posting_id from posting o join ledger_line l using (posting_id) where o.agency_id = '%s' and o.kind = 1"
        " and l.ledger_account = 4 order by o.at_us limit 1)",
        minor, agency_of(&of_day), agency_of(&of_day));
}

/* The sums of payments agree, and yet they do not say what became of the debt. */
//= RULES.md R-LED-2
//  Σ debt-allocated = decrease of receivable by payments.
static void debt_that_was_allocated_and_not_booked_is_told(void **state) {
    (void)state;
    static const char column[] = "R-LED-2: debt allocated = decrease of receivable by payments";
    allocate(5);
    struct found found = verify();
    allocate(-5);
    assert_true(found_tells(&found, "ledger_line", column));
    assert_false(found_tells(&found, "allocation", "R-LED-2: payments = debt allocated + credit created"));
    book(7);
    found = verify();
    book(-7);
    assert_true(found_tells(&found, "ledger_line", column));
    assert_clean();
}

static int bare_hands(void **state) {
    (void)state;
    verifier_take_off_the_gloves(&of_day);
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 2) return 1;
    tagihd = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_of_every_kind_verifies_clean),
        cmocka_unit_test_setup(one_value_changed_in_any_column_is_found_and_its_table_named, bare_hands),
        cmocka_unit_test(every_projection_is_worked_out_again_or_stands_here_with_its_reason),
        cmocka_unit_test(a_row_taken_out_of_the_middle_is_missed),
        cmocka_unit_test(a_tail_cut_off_behind_a_signed_head_is_missed),
        cmocka_unit_test(a_row_that_says_another_thing_than_its_entry_is_told_by_its_column),
        cmocka_unit_test(a_forged_payment_is_found),
        cmocka_unit_test(debt_that_was_allocated_and_not_booked_is_told),
    };
    return cmocka_run_group_tests_name("verify", tests, live, end);
}
