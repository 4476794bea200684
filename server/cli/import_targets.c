/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd import-targets FILE.csv: what each collector is to bring in a month (R-BON-2b), columns login, month
 * (YYYY-MM) and amount. Targets are versioned and need two people; the same amount again changes nothing. The file is
 * taken as a whole or not at all: half of a team's targets would be worse than none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "run/clock.h"
#include "server/cli/commands.h"
#include "server/cli/csv_file.h"
#include "server/cli/office.h"
#include "store_statements.h"
#include "tagih/money.h"

#define TARGETS_MAX 10000
#define COLUMNS 3

static const char *agency_name, *made_by, *approved_by;

static const struct config_flag flags[] = {
    {"--agency", "NAME", "the agency whose collectors they are: its name or id", &agency_name},
    {"--made-by", "LOGIN", "who set the targets", &made_by},
    {"--approved-by", "LOGIN", "who approved them; another person", &approved_by},
    {0},
};

struct target {
    int32_t line;
    char login_text[65];
    struct bytes login;
    civil_date month;
    int64_t amount_minor;
    bool known;
    user_id user;
};

struct targets {
    struct office office;
    const char *path;
    struct csv_file csv;
    int columns[COLUMNS];
    size_t n_head;
    currency currency;
    struct target *rows;
    size_t n;
    int wrong;
    int32_t changed;
};

static const char *const column_names[COLUMNS] = {"login", "month", "amount"};

static void complain(struct targets *t, int32_t line, const char *why) {
    if (line) fprintf(stderr, "%s:%d: %s\n", t->path, line, why);
    else fprintf(stderr, "%s\n", why);
    t->wrong++;
}

/* "2026-11" as its first day. */
static bool read_month(struct bytes text, civil_date *out) {
    char date[DATE_TEXT_SIZE];
    if (text.len != 7) return false;
    snprintf(date, sizeof date, "%.7s-01", (const char *)text.data);
    return err_is_ok(date_parse(date, out));
}

static void read_target(struct targets *t) {
    struct target *row = &t->rows[t->n];
    struct money amount;
    char month[8] = "";
    *row = (struct target){.line = t->csv.line_no};
    if (!err_is_ok(t->csv.err)) return complain(t, row->line, err_text(t->csv.err));
    if (t->csv.n_fields != t->n_head) return complain(t, row->line, err_text(FAIL(IMPORT_COLUMNS)));
    struct bytes login = t->csv.fields[t->columns[0]], of_month = t->csv.fields[t->columns[1]];
    if (login.len == 0 || !bytes_is_text(login, 64)) return complain(t, row->line, "the login is no text of 1 to 64 bytes");
    if (of_month.len == 7) memcpy(month, of_month.data, 7);
    if (!read_month(bytes_text(month), &row->month)) return complain(t, row->line, "a month is written YYYY-MM");
    tagih_err err = money_parse(t->csv.fields[t->columns[2]], t->currency, &amount);
    if (err_is_ok(err) && amount.minor == 0) err = FAIL(MONEY_SYNTAX);
    if (!err_is_ok(err)) return complain(t, row->line, err_text(err));
    memcpy(row->login_text, login.data, login.len);
    row->login = bytes_make(row->login_text, login.len);
    row->amount_minor = amount.minor;
    t->n++;
}

static tagih_err look_up(struct tx *tx, struct targets *t, const struct bytes *logins, size_t n, struct result *r) {
    struct params p;
    params_init(&p, &t->office.arena, STMT_staff_logins, n);
    params_one_uuid(&p, &t->office.agency);
    params_text(&p, logins, sizeof *logins);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    tx_take(tx, r);
    return TAGIH_OK;
}

static tagih_err save(struct tx *tx, struct targets *t, const user_id people[2]) {
    struct params p;
    DEFER(result) struct result r = {0};
    params_init(&p, &t->office.arena, STMT_target_insert, t->n);
    params_one_uuid(&p, &t->office.agency);
    params_uuid(&p, &t->rows[0].user, sizeof *t->rows);
    params_date(&p, &t->rows[0].month, sizeof *t->rows);
    params_int8(&p, &t->rows[0].amount_minor, sizeof *t->rows);
    params_one_text(&p, bytes_text(t->currency.code));
    params_one_int8(&p, clock_now().us);
    params_one_uuid(&p, &people[0]);
    params_one_uuid(&p, &people[1]);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    tx_take(tx, &r);
    t->changed = 0;
    for (size_t i = 0; i < result_count(&r); i++) t->changed += !result_bool(&r, i, COL_target_insert_same);
    return TAGIH_OK;
}

static tagih_err find_people(struct tx *tx, struct targets *t, user_id people[2]) {
    struct bytes logins[] = {bytes_text(made_by), bytes_text(approved_by)};
    DEFER(result) struct result r = {0};
    TRY(look_up(tx, t, logins, 2, &r));
    for (size_t i = 0; i < 2; i++) {
        if (result_is_null(&r, i, COL_staff_logins_roles)) complain(t, 0, i ? "--approved-by is no active user" : "--made-by is no active user");
        people[i].u = result_uuid_or_nil(&r, i, COL_staff_logins_user_id);
    }
    return TAGIH_OK;
}

static tagih_err import(struct tx *tx, void *context) {
    struct targets *t = context;
    user_id people[2];
    DEFER(result) struct result r = {0};
    arena_reset(&t->office.arena);
    struct bytes *logins = ARENA_ARRAY(&t->office.arena, t->n + 1, struct bytes);
    if (!logins) return FAIL(OUT_OF_MEMORY);
    t->wrong = 0;
    for (size_t i = 0; i < t->n; i++) logins[i] = t->rows[i].login;
    TRY(find_people(tx, t, people));
    TRY(look_up(tx, t, logins, t->n, &r));
    for (size_t i = 0; i < t->n; i++) {
        if (result_is_null(&r, i, COL_staff_logins_roles)) complain(t, t->rows[i].line, "there is no active user of this login");
        t->rows[i].user.u = result_uuid_or_nil(&r, i, COL_staff_logins_user_id);
    }
    return t->wrong || t->n == 0 ? TAGIH_OK : save(tx, t, people);
}

static int by_key(const void *left, const void *right) {
    const struct target *a = left, *b = right;
    int order = strcmp(a->login_text, b->login_text);
    return order ? order : (a->month.days > b->month.days) - (a->month.days < b->month.days);
}

/* Sorted copies point to their own text again. */
static void refuse_twins(struct targets *t) {
    qsort(t->rows, t->n, sizeof *t->rows, by_key);
    for (size_t i = 0; i < t->n; i++) t->rows[i].login.data = (const uint8_t *)t->rows[i].login_text;
    for (size_t i = 1; i < t->n; i++) {
        if (by_key(&t->rows[i - 1], &t->rows[i]) == 0) complain(t, t->rows[i].line, "this login and month stand there twice");
    }
}

static enum cli_exit find_columns(struct targets *t) {
    for (size_t i = 0; i < COLUMNS; i++) {
        bool once = csv_column(&t->csv, column_names[i], &t->columns[i]);
        if (!once || t->columns[i] == CSV_NOT_THERE) return csv_refuse_head(&t->csv, t->path, column_names[i], !once);
    }
    t->n_head = t->csv.n_fields;
    return CLI_OK;
}

static enum cli_exit read_file(struct targets *t, const char *path) {
    hash256 hash;
    t->path = path;
    if (csv_open(&t->csv, path, &hash) != CLI_OK || find_columns(t) != CLI_OK) return CLI_FAILED;
    while (t->n < TARGETS_MAX && csv_next(&t->csv)) read_target(t);
    if (csv_unread(&t->csv, path)) return CLI_FAILED;
    if (t->n == 0 && t->wrong == 0) return cli_failed("%s has a head and no row: nothing was imported", path);
    if (t->n == TARGETS_MAX) return cli_failed("%s: more than %d targets", path, TARGETS_MAX);
    refuse_twins(t);
    return t->wrong ? cli_failed("nothing was imported: %d lines are wrong", t->wrong) : CLI_OK;
}

static enum cli_exit run(const struct cli *cli) {
    static struct targets t;
    if (cli->n_args != 1) return cli_usage("import-targets needs one file");
    if (!made_by || !approved_by) return cli_usage("--made-by and --approved-by are needed");
    if (strcmp(made_by, approved_by) == 0) return cli_usage("who approves is another person than who made them");
    t.rows = calloc(TARGETS_MAX, sizeof *t.rows);
    enum cli_exit code = t.rows ? office_open(cli, agency_name, &t.office) : cli_failed("no memory");
    if (code == CLI_OK && !err_is_ok(currency_parse(bytes_text(t.office.currency), &t.currency))) code = cli_failed("the agency's currency is unknown");
    if (code == CLI_OK) code = read_file(&t, cli->args[0]);
    if (code == CLI_OK) {
        struct tx_options options = office_tx(&t.office, "targets", 60);
        tagih_err err = tx_run(&t.office.db, &options, import, &t);
        if (!err_is_ok(err)) code = cli_failed("%s", err_text(err));
        else if (t.wrong) code = cli_failed("nothing was imported");
        else printf("targets %zu, new versions %d\n", t.n, t.changed);
    }
    csv_close(&t.csv);
    office_close(&t.office);
    free(t.rows);
    return code;
}

const struct cli_command cli_import_targets = {
    .name = "import-targets",
    .words = "--agency A --made-by LOGIN --approved-by LOGIN FILE.csv",
    .summary = "Import the collectors' monthly targets",
    .text = "Columns by name: login, month (YYYY-MM), amount in major units. The file is taken as a whole or not at all; the same\n"
            "amounts again change nothing. Exit codes: 0 all of it is in, 1 nothing is, 2 wrong usage.",
    .flags = flags,
    .run = run};
