/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second lock between agencies, table by table out of the catalogue: whoever serves one agency neither sees, adds,
 * changes nor removes a row of another one, whatever a statement forgets. Each table gets a row of either agency, made
 * from its columns' types, in a transaction that is rolled back; so tables that a day leaves empty are tried as well.
 */
#include "tests/support/case.h"
#include "tests/support/rig.h"

#define TABLES_MAX 512
#define NAME_SIZE 64

static struct rig rig;
static char ours[UUID_TEXT_SIZE], theirs[UUID_TEXT_SIZE];

/* Tables of no agency. */
static const char *const of_nobody[] = {
    "evidence",        /* bytes of nobody known: they came without a certificate */
    "guess_limit",     /* failed tries, counted by a keyed hash of what was tried */
    "installation",    /* one row: which installation this is */
    "partition_pruned", /* months that retention took, of all agencies at once */
    "partitioned",     /* which tables are cut by month */
    "schema_migration" /* what was migrated */
};

/* What tagih_app may call that runs past the policies: whoever logs in or enrols has no agency yet, and a chore asks which
 * agencies have work for it; each answers ids and what the look-up needs, nothing else. Figures for the operator are sums.
 */
static const char *const past_policies[] = {"agency_by_name",
                                            "agency_ids",
                                            "bank_late_agencies",
                                            "bank_overdue_agencies",
                                            "cash_watch_agencies",
                                            "device_by_id",
                                            "device_key_seen",
                                            "digest_head_due_agencies",
                                            "enrol_code_by_hash",
                                            "feed_agencies",
                                            "figure_cash",
                                            "figure_counts",
                                            "figure_partitions",
                                            "handover_uncovered_agencies",
                                            "partition_chore",
                                            "promise_due_agencies",
                                            "session_by_hash",
                                            "staff_by_login",
                                            "visit_overdue_agencies"};

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    uuid_format(rig_id(), ours);
    uuid_format(rig_id(), theirs);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* ---- SQL ------------------------------------------------------------------------------------------------------ */

struct outcome {
    char state[8]; /* SQLSTATE; "" when it went well */
    char message[200];
    long long rows; /* seen or changed */
};

/* Run a statement within a savepoint, so that a refusal leaves the transaction in order. */
static struct outcome attempt(const char *format, ...) __attribute__((format(printf, 1, 2)));
static struct outcome attempt(const char *format, ...) {
    char sql[16384];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(sql, sizeof sql, format, args);
    va_end(args);
    assert_in_range(len, 1, sizeof sql - 1);
    struct outcome out = {0};
    pg_exec(&rig.pg, "savepoint attempt");
    PGresult *result = PQexec(rig.pg.admin, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK) out.rows = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    else if (status == PGRES_COMMAND_OK) out.rows = strtoll(PQcmdTuples(result), NULL, 10);
    else {
        const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        snprintf(out.state, sizeof out.state, "%s", code ? code : "?");
        snprintf(out.message, sizeof out.message, "%s", PQresultErrorMessage(result));
    }
    PQclear(result);
    pg_exec(&rig.pg, *out.state ? "rollback to attempt" : "release attempt");
    return out;
}

/* No right, or no policy that lets it pass. */
static bool is_denied(const struct outcome *out) {
    return strcmp(out->state, "42501") == 0;
}

static size_t list(const char *sql, char out[][NAME_SIZE]) {
    PGresult *result = PQexec(rig.pg.admin, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) fail_msg("%s", PQresultErrorMessage(result));
    size_t n = (size_t)PQntuples(result);
    assert_in_range(n, 0, TABLES_MAX);
    for (size_t i = 0; i < n; i++) snprintf(out[i], NAME_SIZE, "%s", PQgetvalue(result, (int)i, 0));
    PQclear(result);
    return n;
}

static bool may(const char *table, const char *right) {
    char sql[300];
    snprintf(sql, sizeof sql, "select has_table_privilege('tagih_app', '%s', '%s')::int", table, right);
    return pg_number(&rig.pg, sql) == 1;
}

/* ---- rows made of types --------------------------------------------------------------------------------------- */

/* Its insert for an agency: `agency_id`, and a value of its type for each other column. Another value each time, because
 * some keys span all agencies (logins, public keys). */
static const char *insert_of(const char *table, const char *agency) {
    static char sql[2][8192];
    static unsigned next;
    char query[2400], *out = sql[next++ % 2];
    snprintf(
        query, sizeof query,
        "select format('insert into %%s (%%s) values (%%s)', '%s', string_agg(quote_ident(attname), ', ' order by attnum),"
        " string_agg(case when attname = 'agency_id' then quote_literal('%s')"
        " when attndims > 0 then quote_literal('{}')"
        " else case format_type(atttypid, null)"
        "  when 'uuid' then quote_literal(gen_random_uuid())"
        "  when 'text' then quote_literal(md5(random()::text))"
        "  when 'character' then quote_literal('IDR')"
        "  when 'bytea' then format('decode(%%L, ''hex'')', md5(random()::text) || md5(random()::text))"
        "  when 'bigint' then (random() * 1e15)::int8::text"
        "  when 'integer' then (random() * 1e9)::int4::text"
        "  when 'smallint' then (random() * 3e4)::int2::text"
        "  when 'numeric' then '1'"
        "  when 'boolean' then 'true'"
        "  when 'date' then quote_literal(current_date - (random() * 20000)::int4)"
        "  when 'xid8' then quote_literal((random() * 1e9)::int8)"
        "  when 'jsonb' then quote_literal('{}') end end, ', ' order by attnum))"
        " from pg_attribute where attrelid = '%s'::regclass and attnum > 0 and not attisdropped and attgenerated = ''"
        " and attidentity <> 'a'",
        table, agency, table);
    snprintf(out, sizeof sql[0], "%s", pg_value(&rig.pg, query));
    if (!*out) fail_msg("%s has a column of a type that this spec makes no value of", table);
    return out;
}

/* A column that tagih_app may change; "" when there is none. */
static const char *changeable(const char *table) {
    char sql[400];
    snprintf(
        sql, sizeof sql,
        "select quote_ident(attname) from pg_attribute where attrelid = '%s'::regclass and attnum > 0 and not attisdropped"
        " and has_column_privilege('tagih_app', attrelid, attnum, 'UPDATE') order by attname <> 'agency_id', attnum limit 1",
        table);
    return pg_value(&rig.pg, sql);
}

/* A row of either agency, past keys to other tables, triggers and checks: only the policies are looked at. */
static void put_rows(const char *table) {
    char checks[16][NAME_SIZE], sql[300];
    pg_exec(&rig.pg, "set local session_replication_role = replica");
    snprintf(sql, sizeof sql, "select conname from pg_constraint where conrelid = '%s'::regclass and contype = 'c' limit 16",
             table);
    size_t n = list(sql, checks);
    for (size_t i = 0; i < n; i++) {
        snprintf(sql, sizeof sql, "alter table %s drop constraint %s", table, checks[i]);
        pg_exec(&rig.pg, sql);
    }
    pg_exec(&rig.pg, insert_of(table, ours));
    pg_exec(&rig.pg, insert_of(table, theirs));
}

static void serve(const char *agency) {
    char sql[160];
    snprintf(sql, sizeof sql, "select set_config('app.agency_id', '%s', true)", agency);
    pg_value(&rig.pg, sql);
    pg_exec(&rig.pg, "set local role tagih_app");
}

static long long rows_of(const char *table, const char *agency) {
    char sql[200];
    pg_exec(&rig.pg, "reset role");
    snprintf(sql, sizeof sql, "select count(*) from %s where agency_id = '%s'", table, agency);
    return pg_number(&rig.pg, sql);
}

/* ---- one table ------------------------------------------------------------------------------------------------ */

static char fault[400]; /* the first one of a table */

static void wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void wrong(const char *format, ...) {
    if (*fault) return;
    va_list args;
    va_start(args, format);
    vsnprintf(fault, sizeof fault, format, args);
    va_end(args);
}

static void read_is_refused(const char *table) {
    if (!may(table, "SELECT")) return;
    serve(ours);
    struct outcome other = attempt("select count(*) from %s where agency_id <> '%s'", table, ours);
    struct outcome own = attempt("select count(*) from %s", table);
    if (*other.state || other.rows != 0) wrong("%s shows %lld rows of another agency %s", table, other.rows, other.message);
    if (*own.state || own.rows != 1) wrong("%s shows %lld rows of one's own %s", table, own.rows, own.message);
    pg_exec(&rig.pg, "reset role");
    serve("");
    own = attempt("select count(*) from %s", table);
    if (*own.state || own.rows != 0) wrong("%s shows %lld rows to nobody %s", table, own.rows, own.message);
    pg_exec(&rig.pg, "reset role");
}

static void insert_is_refused(const char *table) {
    char own_row[8192], their_row[8192];
    snprintf(own_row, sizeof own_row, "%s", insert_of(table, ours));
    snprintf(their_row, sizeof their_row, "%s", insert_of(table, theirs));
    bool may_insert = may(table, "INSERT");
    serve(ours);
    struct outcome own = attempt("%s", own_row), other = attempt("%s", their_row);
    bool passed = !*own.state || strcmp(own.state, "23505") == 0; /* one row an agency: the policy came before its key */
    if (may_insert && !passed) wrong("%s refuses a row of one's own: %s", table, own.message);
    if (!is_denied(&other)) wrong("%s takes a row of another agency %s", table, other.message);
    if (may_insert && !strstr(other.message, "row-level security"))
        wrong("%s refuses for another reason: %s", table, other.message);
    pg_exec(&rig.pg, "reset role");
}

static bool nothing_done(const struct outcome *out) {
    return is_denied(out) || (!*out->state && out->rows == 0);
}

static void change_is_refused(const char *table) {
    char column[NAME_SIZE];
    snprintf(column, sizeof column, "%s", changeable(table));
    if (!*column) snprintf(column, sizeof column, "agency_id");
    serve(ours);
    struct outcome change = attempt("update %s set %s = %s where agency_id = '%s'", table, column, column, theirs);
    struct outcome give = attempt("update %s set agency_id = '%s'", table, theirs);
    struct outcome removal = attempt("delete from %s where agency_id = '%s'", table, theirs);
    if (!nothing_done(&change)) wrong("%s lets a row of another agency change %s", table, change.message);
    if (!is_denied(&give)) wrong("%s lets a row be given to another agency %s", table, give.message);
    if (!nothing_done(&removal)) wrong("%s lets a row of another agency be removed %s", table, removal.message);
    pg_exec(&rig.pg, "reset role");
}

/* A month's table is tried by itself: attached it would take rows of its month alone. */
static void take_out_of_its_parent(const char *table) {
    char sql[400];
    snprintf(sql, sizeof sql,
             "select coalesce((select format('alter table %%s detach partition %%s', inhparent::regclass, inhrelid::regclass)"
             " from pg_inherits where inhrelid = '%s'::regclass), '')",
             table);
    snprintf(sql, sizeof sql, "%s", pg_value(&rig.pg, sql));
    if (*sql) pg_exec(&rig.pg, sql);
}

/* Rolled back. What is wrong stands in `fault`. */
static void try_table(const char *table) {
    *fault = 0;
    take_out_of_its_parent(table);
    put_rows(table);
    read_is_refused(table);
    insert_is_refused(table);
    change_is_refused(table);
    if (rows_of(table, theirs) != 1) wrong("%s has not its row any more", table);
    pg_exec(&rig.pg, "rollback");
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

#define WITH_AGENCY                                                                                        \
    " from pg_class c join pg_namespace s on s.oid = c.relnamespace where s.nspname = 'public' and exists" \
    " (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'agency_id' and not a.attisdropped)"

static char names[TABLES_MAX][NAME_SIZE];

static void no_agency_reaches_a_row_of_another_one(void **state) {
    (void)state;
    size_t n = list("select c.relname" WITH_AGENCY " and c.relkind in ('r', 'p') order by 1", names);
    for (size_t i = 0; i < n; i++) {
        pg_exec(&rig.pg, "begin");
        try_table(names[i]);
        if (*fault) fail_msg("%s", fault);
    }
    print_message("             %zu tables\n", n);
    assert_true(n > 80);
}

/* The same look at tables that somebody forgot to protect, or protected halfway. */
static void a_table_that_is_not_protected_is_found(void **state) {
    (void)state;
    static const char *const forgotten[] = {
        "create table planted (agency_id uuid, note text); grant all on planted to tagih_app",
        "create table planted (agency_id uuid, note text); grant all on planted to tagih_app;"
        " alter table planted enable row level security;"
        " create policy mine on planted for select using (agency_id = current_agency());"
        " create policy all_of_it on planted for insert with check (true)",
        "create table planted (agency_id uuid, note text); grant all on planted to tagih_app;"
        " alter table planted enable row level security;"
        " create policy mine on planted using (agency_id = current_agency()) with check (true)"};
    static const char *const found[] = {"shows 1 rows of another agency", "takes a row of another agency",
                                        "takes a row of another agency"};
    for (size_t i = 0; i < COUNT_OF(forgotten); i++) {
        pg_exec(&rig.pg, "begin");
        pg_exec(&rig.pg, forgotten[i]);
        try_table("planted");
        if (!strstr(fault, found[i])) fail_msg("planted %zu: %s", i, *fault ? fault : "nothing found");
    }
}

/* What has no agency_id cannot be guarded by it: it stands on the list above, with its reason. */
static void tables_of_no_agency_are_few_and_known(void **state) {
    (void)state;
    size_t n = list(
        "select c.relname from pg_class c join pg_namespace s on s.oid = c.relnamespace where s.nspname = 'public'"
        " and c.relkind in ('r', 'p') and not exists (select from pg_attribute a where a.attrelid = c.oid"
        " and a.attname = 'agency_id' and not a.attisdropped) order by 1",
        names);
    for (size_t i = 0; i < n || i < COUNT_OF(of_nobody); i++) {
        const char *found = i < n ? names[i] : "nothing more",
                   *known = i < COUNT_OF(of_nobody) ? of_nobody[i] : "nothing more";
        if (strcmp(found, known) != 0) fail_msg("the catalogue has %s where the list has %s", found, known);
    }
}

/* A view runs with its owner's rights unless it says otherwise. */
static void no_view_looks_past_the_policies(void **state) {
    (void)state;
    size_t n = list("select c.relname" WITH_AGENCY
                    " and (c.relkind = 'm' or (c.relkind = 'v' and not coalesce("
                    " c.reloptions @> array['security_invoker=true'], false)))",
                    names);
    if (n) fail_msg("the view %s shows every agency's rows", names[0]);
}

/* Functions that run as their owner are how somebody without an agency logs in: each is on the list. */
static void functions_that_run_past_the_policies_are_few_and_known(void **state) {
    (void)state;
    size_t n = list(
        "select p.proname from pg_proc p join pg_namespace s on s.oid = p.pronamespace where s.nspname = 'public'"
        " and p.prosecdef and has_function_privilege('tagih_app', p.oid, 'EXECUTE') order by 1",
        names);
    for (size_t i = 0; i < n || i < COUNT_OF(past_policies); i++) {
        const char *found = i < n ? names[i] : "nothing more",
                   *known = i < COUNT_OF(past_policies) ? past_policies[i] : "nothing more";
        if (strcmp(found, known) != 0) fail_msg("the catalogue has %s where the list has %s", found, known);
    }
}

/* A path that does not end with pg_temp begins with it: whoever calls such a function could put a table of his own there. */
static void such_functions_look_into_no_table_of_their_caller(void **state) {
    (void)state;
    size_t n = list(
        "select p.proname from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prosecdef"
        " and not coalesce(p.proconfig @> array['search_path=pg_catalog, public, pg_temp'], false) order by 1",
        names);
    if (n) fail_msg("%zu functions, %s the first", n, names[0]);
}

/* tagih_read looks at all agencies, so it may do nothing else; and who serves owns nothing. */
static void who_sees_all_changes_nothing(void **state) {
    (void)state;
    assert_int_equal(pg_number(&rig.pg,
                               "select count(*) from pg_class c where c.relkind in ('r', 'p', 'v', 'm')"
                               " and c.relnamespace = 'public'::regnamespace"
                               " and has_table_privilege('tagih_read', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')"),
                     0);
    assert_int_equal(
        pg_number(&rig.pg,
                  "select count(*) from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname = 'tagih_app'"),
        0);
    assert_int_equal(
        pg_number(&rig.pg, "select count(*) from pg_roles where rolname = 'tagih_app' and (rolbypassrls or rolsuper)"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_agency_reaches_a_row_of_another_one),
        cmocka_unit_test(a_table_that_is_not_protected_is_found),
        cmocka_unit_test(tables_of_no_agency_are_few_and_known),
        cmocka_unit_test(no_view_looks_past_the_policies),
        cmocka_unit_test(functions_that_run_past_the_policies_are_few_and_known),
        cmocka_unit_test(such_functions_look_into_no_table_of_their_caller),
        cmocka_unit_test(who_sees_all_changes_nothing),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
