/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd month close: close a month of an agency's books (R-CLS-1), in one transaction and by two people; tagihd month
 * readiness: what is still open. A month that is closed already stays as it is, and that is said.
 */
#include <stdio.h>
#include <string.h>

#include "domain/role.h"
#include "rpc/month_close.h"
#include "run/clock.h"
#include "run/random.h"
#include "server/cli/commands.h"
#include "server/cli/office.h"
#include "store_statements.h"

#define CLOSE_S 7200

static const char *agency_name, *month_text, *made_by, *approved_by;

static const struct config_flag flags[] = {
    {"--agency", "NAME", "its name or id", &agency_name},
    {"--month", "YYYY-MM", "which month", &month_text},
    {"--made-by", "LOGIN", "close: who proposes it", &made_by},
    {"--approved-by", "LOGIN", "close: who approves it; another person", &approved_by},
    {0},
};

struct closing {
    struct office office;
    civil_date month;
    struct month_close_row row;
    struct month_now now;
    const char *nobody; /* the flag that names no supervisor or administrator */
};

static tagih_err find_people(struct tx *tx, struct closing *closing, user_id people[2]) {
    struct bytes logins[] = {bytes_text(made_by), bytes_text(approved_by)};
    DEFER(result) struct result r = {0};
    struct params p;
    tx_params(&p, tx, &closing->office.arena, STMT_staff_logins, 2);
    params_text(&p, logins, sizeof *logins);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    tx_take(tx, &r);
    closing->nobody = NULL;
    for (size_t i = 0; i < 2; i++) {
        uint32_t roles = (uint32_t)result_int4_or(&r, i, COL_staff_logins_roles, 0);
        if (!(roles & (ROLE_SUPERVISOR | ROLE_ADMIN))) closing->nobody = i ? "--approved-by" : "--made-by";
        people[i].u = result_uuid_or_nil(&r, i, COL_staff_logins_user_id);
    }
    return closing->nobody ? FAIL(NOT_PERMITTED) : TAGIH_OK;
}

static tagih_err close_body(struct tx *tx, void *context) {
    struct closing *closing = context;
    user_id people[2];
    arena_reset(&closing->office.arena);
    TRY(find_people(tx, closing, people));
    struct month_closing run = {.tx = tx, .arena = &closing->office.arena, .agency = closing->office.agency,
                                .writer = closing->office.writer, .now = clock_now(), .month = closing->month,
                                .posting = random_id(), .made_by = people[0], .approved_by = people[1]};
    TRY(month_close(&run));
    closing->row = run.row;
    return TAGIH_OK;
}

static tagih_err open_body(struct tx *tx, void *context) {
    struct closing *closing = context;
    struct arena *arena = &closing->office.arena;
    arena_reset(arena);
    TRY(month_send_now(tx, arena, closing->month, clock_now()));
    TRY(tx_sync(tx));
    TRY(month_take_now(tx, &closing->now));
    TRY(month_send_open(tx, arena, closing->month, closing->now.last));
    TRY(tx_sync(tx));
    month_take_open(tx, &closing->row.open);
    return TAGIH_OK;
}

static void print_money(const char *what, int64_t minor, const char *code) {
    char text[MONEY_TEXT_SIZE];
    currency in = {{0}};
    memcpy(in.code, code, 3);
    money_format((struct money){minor, in}, text);
    printf("%-28s %s %s\n", what, code, text);
}

static void print_open(const struct closing *closing) {
    const struct month_open *open = &closing->row.open;
    printf("%-28s %lld\n", "phones with gaps", (long long)open->gaps);
    printf("%-28s %lld\n", "entries that wait", (long long)open->waiting);
    printf("%-28s %lld\n", "entries in quarantine", (long long)open->quarantined);
    printf("%-28s %lld\n", "items in suspense", (long long)open->suspense);
    printf("%-28s %lld\n", "collectors with cash", (long long)open->cash_collectors);
    print_money("cash not counted", open->cash_minor, closing->office.currency);
    printf("%-28s %lld\n", "phones not heard from", (long long)open->phones_silent);
}

static enum cli_exit show_readiness(struct closing *closing) {
    struct tx_options options = office_tx(&closing->office, "month readiness", 60);
    options.read_only = true;
    tagih_err err = tx_run(&closing->office.db, &options, open_body, closing);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    print_open(closing);
    err = month_close_check(closing->month, &closing->now.books);
    printf("%s\n", err_is_ok(err) ? "it may be closed now" : err_text(err));
    return CLI_OK;
}

static enum cli_exit close_month(struct closing *closing) {
    struct tx_options options = office_tx(&closing->office, "month close", CLOSE_S);
    tagih_err err = tx_run(&closing->office.db, &options, close_body, closing);
    if (closing->nobody) return cli_failed("%s is no supervisor or administrator", closing->nobody);
    if (err_is(err, ERR_MONTH_CLOSED)) {
        printf("%s is closed already; nothing was written\n", month_text);
        return CLI_OK;
    }
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    print_open(closing);
    printf("%-28s %lld\n", "payments", (long long)closing->row.payments);
    printf("%-28s %lld\n", "TRUE_UP lines", (long long)closing->row.true_ups);
    print_money("their sum", closing->row.true_up_minor, closing->office.currency);
    printf("%s is closed\n", month_text);
    return CLI_OK;
}

static bool read_month(civil_date *out) {
    char first[DATE_TEXT_SIZE];
    bool form = month_text && strlen(month_text) == 7 && snprintf(first, sizeof first, "%s-01", month_text) == 10;
    return form && err_is_ok(date_parse(first, out));
}

static enum cli_exit run(const struct cli *cli) {
    static struct closing closing;
    const char *what = cli->n_args == 1 ? cli->args[0] : "";
    bool close = strcmp(what, "close") == 0;
    if (!close && strcmp(what, "readiness") != 0) return cli_usage("month needs one word: close or readiness");
    if (!read_month(&closing.month)) return cli_usage("--month needs a month, YYYY-MM");
    if (close && (!made_by || !approved_by)) return cli_usage("--made-by and --approved-by are needed");
    if (close && strcmp(made_by, approved_by) == 0) return cli_usage("who approves is another person than who proposed it");
    enum cli_exit code = office_open(cli, agency_name, &closing.office);
    if (code == CLI_OK) code = close ? close_month(&closing) : show_readiness(&closing);
    office_close(&closing.office);
    return code;
}

const struct cli_command cli_month = {
    .name = "month",
    .words = "readiness --agency A --month YYYY-MM | close --agency A --month YYYY-MM --made-by LOGIN --approved-by LOGIN",
    .summary = "Close a month of the books, or see what is still open",
    .text = "readiness lists what is still open and changes nothing. close: from the fifth working day of the next month on, one\n"
            "month after the other, all of it or nothing, and never opened again; a month that is closed already stays as it is.",
    .flags = flags,
    .run = run};
