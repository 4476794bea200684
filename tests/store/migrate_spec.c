/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations against a real PostgreSQL: applied once, in order, wholly or not at all, and never after an edit. */
#include "tests/store/store_case.h"

#include <pthread.h>

#include "store/migrate.h"
#include "store_statements.h"

static struct pg pg;
static struct log_lines said;

static const struct migration files[] = {
    {1, "0001_foundation", "create table one (id int primary key); insert into one values (1);"},
    {2, "0002_more", "-- many statements, a role and a path of their own\nset local search_path = pg_catalog;\n"
                     "create table public.two (id int primary key);\nset role pg_monitor;\n"},
    {3, "0003_last", "alter table one add column note text;"},
};
static const struct migration_list none = {files, 0}, two = {files, 2}, three = {files, 3};

static int set_up(void **state) {
    (void)state;
    said.text[0] = '\0';
    pg_create(&pg, NULL);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    pg_drop(&pg);
    return 0;
}

static tagih_err migrate(const struct migration_list *list) {
    said.text[0] = '\0';
    return migrate_run(&(struct migrate_options){.conninfo = pg.conninfo, .list = list, .report = log_line, .context = &said});
}

static tagih_err status(const struct migration_list *list) {
    said.text[0] = '\0';
    return migrate_status(&(struct migrate_options){.conninfo = pg.conninfo, .list = list, .report = log_line, .context = &said});
}

static void an_empty_database_gets_every_file_in_order(void **state) {
    (void)state;
    assert_ok(migrate(&three));
    assert_string_equal(pg_value(&pg, "select string_agg(version || ' ' || name, ', ' order by version) from schema_migration"),
                        "1 0001_foundation, 2 0002_more, 3 0003_last");
    assert_string_equal(pg_value(&pg, "select note is null from one"), "t");
    assert_non_null(strstr(said.text, "0003_last applied"));
    /* The checksum is the one that sha256sum prints for the file. */
    assert_string_equal(pg_value(&pg, "select checksum = sha256('alter table one add column note text;') from schema_migration "
                                      "where version = 3"), "t");
}

static void migrating_twice_changes_nothing(void **state) {
    (void)state;
    char before[4096];
    assert_ok(migrate(&three));
    snprintf(before, sizeof before, "%s", pg_value(&pg, "select string_agg(xmin || ' ' || applied_us, ',') from schema_migration"));
    assert_ok(migrate(&three));
    assert_string_equal(pg_value(&pg, "select string_agg(xmin || ' ' || applied_us, ',') from schema_migration"), before);
    assert_string_equal(said.text, "schema 3: nothing to do\n");
}

static void a_later_binary_applies_only_what_is_new(void **state) {
    (void)state;
    assert_ok(migrate(&two));
    assert_ok(status(&three));
    assert_string_equal(said.text, "0001_foundation applied\n0002_more applied\n0003_last pending\n");
    assert_ok(migrate(&three));
    assert_null(strstr(said.text, "0002_more"));
    assert_int_equal(pg_number(&pg, "select max(version) from schema_migration"), 3);
}

static void looking_creates_nothing(void **state) {
    (void)state;
    assert_ok(status(&two));
    assert_string_equal(said.text, "0001_foundation pending\n0002_more pending\n");
    assert_string_equal(pg_value(&pg, "select to_regclass('schema_migration') is null"), "t");
}

/* Never edited after merge: the recorded checksum differs, and nothing more is applied. */
static void an_edited_file_is_refused(void **state) {
    (void)state;
    struct migration edited[] = {files[0], files[1], files[2]};
    const struct migration_list list = {edited, 3};
    edited[0].text = "create table one (id int primary key); insert into one values (2);";
    assert_ok(migrate(&two));
    assert_fails(migrate(&list), MIGRATION_CHANGED);
    assert_non_null(strstr(said.text, "0001_foundation was edited"));
    assert_fails(status(&list), MIGRATION_CHANGED);
    assert_int_equal(pg_number(&pg, "select max(version) from schema_migration"), 2);
}

static void a_database_newer_than_the_binary_is_refused(void **state) {
    (void)state;
    assert_ok(migrate(&three));
    assert_fails(migrate(&two), MIGRATION_NEWER);
    assert_fails(migrate(&none), MIGRATION_NEWER);
}

static void a_refused_file_leaves_nothing_of_itself(void **state) {
    (void)state;
    struct migration broken[] = {files[0], {2, "0002_broken", "create table half (id int); select 1 / 0;"}};
    const struct migration_list list = {broken, 2};
    assert_fails(migrate(&list), MIGRATION_FAILED);
    assert_non_null(strstr(said.text, "division by zero"));
    assert_string_equal(pg_value(&pg, "select to_regclass('half') is null"), "t");
    assert_int_equal(pg_number(&pg, "select max(version) from schema_migration"), 1);
}

static void a_file_that_commits_by_itself_is_refused(void **state) {
    (void)state;
    const struct migration file = {1, "0001_own", "create table own (id int); commit;"};
    const struct migration_list list = {&file, 1};
    assert_fails(migrate(&list), MIGRATION_FAILED);
    assert_non_null(strstr(said.text, "ends the transaction by itself"));
    assert_int_equal(pg_number(&pg, "select count(*) from schema_migration"), 0);
}

struct rival {
    tagih_err err;
    struct log_lines said;
    pthread_t thread;
};

static const struct migration slow[] = {
    {1, "0001_slow", "select pg_sleep(0.5); create table slow (id int);"},
    {2, "0002_slow", "insert into slow values (1);"},
};
static const struct migration_list slow_list = {slow, 2};

static void *run_rival(void *context) {
    struct rival *rival = context;
    rival->err = migrate_run(
        &(struct migrate_options){.conninfo = pg.conninfo, .list = &slow_list, .report = log_line, .context = &rival->said});
    return NULL;
}

/* Advisory lock: of several migrators at once one works, the others wait and find nothing to do. */
static void of_several_migrators_one_works(void **state) {
    (void)state;
    struct rival rivals[4] = {0};
    int idle = 0;
    for (size_t i = 0; i < COUNT_OF(rivals); i++) {
        assert_int_equal(pthread_create(&rivals[i].thread, NULL, run_rival, &rivals[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(rivals); i++) {
        pthread_join(rivals[i].thread, NULL);
        assert_ok(rivals[i].err);
        idle += strstr(rivals[i].said.text, "nothing to do") != NULL;
    }
    assert_int_equal(idle, COUNT_OF(rivals) - 1);
    assert_int_equal(pg_number(&pg, "select count(*) from slow"), 1);
}

/* The server checks the version and refuses to run otherwise. */
static void a_server_refuses_another_schema(void **state) {
    (void)state;
    struct db db;
    struct db_options options = {.conninfo = pg.conninfo, .schema_version = migrate_version(&three), .log = log_line, .log_context = &said};
    assert_fails(db_open(&db, &options), STORE_SCHEMA);
    assert_ok(migrate(&two));
    assert_fails(db_open(&db, &options), STORE_SCHEMA);
    assert_non_null(strstr(said.text, "the database has schema 2, this is Tagih for schema 3"));
    assert_ok(migrate(&three));
    assert_ok(db_open(&db, &options));
    assert_ok(migrate_check(&db, &three));
    assert_fails(migrate_check(&db, &two), MIGRATION_NEWER);
    db_release(&db);
}

static void a_server_without_any_right_may_look_at_the_version(void **state) {
    (void)state;
    struct db db;
    char conninfo[1200], sql[512];
    snprintf(sql, sizeof sql, "create role %s_guest login", pg.name);
    pg_exec(&pg, sql);
    assert_ok(migrate(&three));
    snprintf(sql, sizeof sql, "%s_guest", pg.name);
    pg_conninfo_as(&pg, sql, conninfo, sizeof conninfo);
    assert_ok(db_open(&db, &(struct db_options){.conninfo = conninfo, .schema_version = 3, .log = log_line, .log_context = &said}));
    db_release(&db);
    snprintf(sql, sizeof sql, "drop role %s_guest", pg.name);
    pg_exec(&pg, sql);
}

static void nobody_there_is_unavailable(void **state) {
    (void)state;
    assert_fails(migrate_run(&(struct migrate_options){.conninfo = "host=/nonexistent dbname=x", .list = &two}), STORE_UNAVAILABLE);
}

/* The binary carries the files byte for byte, so that a checksum in the database is the file's. */
static void the_embedded_files_are_the_files_of_the_folder(void **state) {
    (void)state;
    static char text[1 << 20];
    assert_true(migrations_embedded.count > 0);
    for (size_t i = 0; i < migrations_embedded.count; i++) {
        const struct migration *m = &migrations_embedded.rows[i];
        char path[512];
        snprintf(path, sizeof path, "%s/migrations/%s.sql", TAGIH_SOURCE, m->name);
        FILE *file = fopen(path, "r");
        if (!file) fail_msg("%s is missing", path);
        size_t len = fread(text, 1, sizeof text - 1, file);
        fclose(file);
        text[len] = '\0';
        if (strcmp(text, m->text) != 0) fail_msg("%s is not what is embedded", path);
    }
}

/* A test of the schema itself: every file of this binary goes through, and a second time there is nothing to do. */
static void the_embedded_files_apply_to_an_empty_database(void **state) {
    (void)state;
    if (!err_is_ok(migrate(NULL))) fail_msg("%s", said.text);
    assert_ok(migrate(NULL));
    assert_non_null(strstr(said.text, "nothing to do"));
}

/* Wrong SQL is no start: each statement of the server against the schema that the files make. */
static void every_statement_of_the_server_fits_the_schema(void **state) {
    (void)state;
    struct db db;
    struct db_options options = {.conninfo = pg.conninfo, .statements = &store_statements, .log = log_line, .log_context = &said};
    options.schema_version = migrate_version(&migrations_embedded);
    if (!err_is_ok(migrate(NULL))) fail_msg("%s", said.text);
    said.text[0] = '\0';
    if (!err_is_ok(db_open(&db, &options))) fail_msg("%s", said.text);
    db_release(&db);
}

/* A fact is not changed even by who may do everything: right and trigger are two walls (R-LED-1). */
static void no_fact_is_changed_removed_or_truncated_by_anybody(void **state) {
    (void)state;
    if (!err_is_ok(migrate(NULL))) fail_msg("%s", said.text);
    pg_exec(&pg, "create table changed (what text); do $$ declare t text; c text; act text; begin"
                 " for t, c in select tgrelid::regclass, attname from pg_trigger join pg_attribute on attrelid = tgrelid and attnum = 1"
                 "            where tgname = 'fact' loop"
                 "   foreach act in array array['update %1$s set %2$s = %2$s', 'delete from %1$s', 'truncate %1$s cascade'] loop"
                 "     begin execute format(act, t, c); insert into changed values (format(act, t, c));"
                 "     exception when restrict_violation then null; end;"
                 "   end loop;"
                 " end loop; end $$");
    assert_string_equal(pg_value(&pg, "select string_agg(what, ', ') from changed"), "");
    assert_true(pg_number(&pg, "select count(*) from pg_trigger where tgname = 'fact'") > 30);
    assert_string_equal(pg_value(&pg, "select string_agg(tgrelid::regclass::text, ', ') from pg_trigger where tgname = 'fact'"
                                      " and (has_table_privilege('tagih_app', tgrelid, 'update')"
                                      " or has_table_privilege('tagih_app', tgrelid, 'delete, truncate'))"), "");
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        SPEC(an_empty_database_gets_every_file_in_order),
        SPEC(migrating_twice_changes_nothing),
        SPEC(a_later_binary_applies_only_what_is_new),
        SPEC(looking_creates_nothing),
        SPEC(an_edited_file_is_refused),
        SPEC(a_database_newer_than_the_binary_is_refused),
        SPEC(a_refused_file_leaves_nothing_of_itself),
        SPEC(a_file_that_commits_by_itself_is_refused),
        SPEC(of_several_migrators_one_works),
        SPEC(a_server_refuses_another_schema),
        SPEC(a_server_without_any_right_may_look_at_the_version),
        SPEC(nobody_there_is_unavailable),
        SPEC(the_embedded_files_are_the_files_of_the_folder),
        SPEC(the_embedded_files_apply_to_an_empty_database),
        SPEC(every_statement_of_the_server_fits_the_schema),
        SPEC(no_fact_is_changed_removed_or_truncated_by_anybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
