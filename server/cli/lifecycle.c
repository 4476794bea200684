/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd lifecycle: the day's runs over accounts (rpc/lifecycle.h). mark-takeover ends the holds that are over, day by
 * day in their order; run-day closes what is paid, warns holders and reports facts that came after a takeover. Both may
 * run at any time, twice at once, beside payments, and again after they were killed.
 */
#include <stdlib.h>
#include <string.h>

#include "rpc/lifecycle.h"
#include "run/clock.h"
#include "server/cli/commands.h"
#include "server/cli/office.h"
#include "store_statements.h"

#define AGENCIES_MAX 10000
#define PROGRESS_US (2 * US_PER_S)

static const char *agency_name, *until_text, *is_dry;

static const struct config_flag flags[] = {
    {"--agency", "NAME", "its name or id (default: every agency)", &agency_name},
    {"--until", "DATE", "mark-takeover: holds that end by this day, or today (the default)", &until_text},
    {"--dry-run", NULL, "mark-takeover: print what would be done, one line a hold, and change nothing", &is_dry},
    {0},
};

struct runner {
    struct office office;
    bool takeovers; /* else the day's run */
    int64_t spoke_us;
    size_t told;
    struct lifecycle_run sum;
};

/* A line a hold in a dry run; else a sign of life for whoever watches a long one. */
static void told(void *context, const struct lifecycle_step *step) {
    struct runner *runner = context;
    if (is_dry) {
        char until[DATE_TEXT_SIZE], to[DATE_TEXT_SIZE] = "";
        date_format(step->before.hold_until_on, until);
        if (step->act == ACCOUNT_ACT_EXTEND) date_format(step->after.hold_until_on, to);
        printf("%s,%.*s,%s,%s,%s\n", until, (int)step->before.account_no.len, (const char *)step->before.account_no.data,
               step->kind, to, step->reason);
        return;
    }
    runner->told++;
    int64_t now_us = clock_monotonic_us();
    if (now_us - runner->spoke_us < PROGRESS_US) return;
    runner->spoke_us = now_us;
    fprintf(stderr, "%s: %zu accounts so far\n", runner->office.agency_name, runner->told);
}

static enum cli_exit failed_of(struct runner *runner, tagih_err err) {
    return cli_failed("%s: %s; what is done stays so: run it again to go on", runner->office.agency_name, err_text(err));
}

static void add_up(struct runner *runner, const struct lifecycle_run *run) {
    runner->sum.taken += run->taken, runner->sum.extended += run->extended, runner->sum.paid += run->paid;
    runner->sum.settled += run->settled, runner->sum.warned += run->warned, runner->sum.late += run->late;
    runner->sum.failed += run->failed;
}

static enum cli_exit run_agency(struct runner *runner) {
    struct office *office = &runner->office;
    civil_date until_on = office->today;
    if (until_text && !office_date(office, "--until", until_text, &until_on)) return CLI_USAGE;
    if (until_on.days > office->today.days) return cli_usage("--until lies ahead: a hold is judged when it has ended");
    struct lifecycle_run run = {.db = &office->db, .arena = &office->arena, .agency = office->agency,
                                .writer = office->writer, .today = office->today,
                                .dry = is_dry != NULL, .told = told, .context = runner};
    tagih_err err = runner->takeovers ? lifecycle_mark_takeover(&run, until_on) : lifecycle_run_day(&run);
    add_up(runner, &run);
    return err_is_ok(err) ? CLI_OK : failed_of(runner, err);
}

static enum cli_exit run_all(struct runner *runner) {
    static agency_id ids[AGENCIES_MAX];
    size_t n = 0;
    tagih_err err = agency_ids(&runner->office.db, &runner->office.arena, clock_monotonic_us() + 10 * US_PER_S, ids,
                               AGENCIES_MAX, &n);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    enum cli_exit code = CLI_OK;
    for (size_t i = 0; i < n; i++) { /* one agency's trouble is not another's */
        enum cli_exit one = office_switch(&runner->office, ids[i]);
        if (one == CLI_OK) one = run_agency(runner);
        if (one == CLI_USAGE) return one;
        if (one != CLI_OK) code = one;
    }
    return code;
}

static void print_sum(const struct runner *runner) {
    const struct lifecycle_run *sum = &runner->sum;
    if (runner->takeovers) printf("%staken over: %zu, extended: %zu\n", is_dry ? "# " : "", sum->taken, sum->extended);
    else printf("paid: %zu, settled: %zu, warned: %zu, late facts: %zu\n", sum->paid, sum->settled, sum->warned, sum->late);
    if (sum->failed) printf("could not be stored: %zu\n", sum->failed);
}

static enum cli_exit run_lifecycle(const struct cli *cli) {
    const char *what = cli->n_args == 1 ? cli->args[0] : "";
    bool takeovers = strcmp(what, "mark-takeover") == 0;
    if (!takeovers && strcmp(what, "run-day") != 0) return cli_usage("lifecycle does mark-takeover or run-day");
    if (!takeovers && (is_dry || until_text)) return cli_usage("--dry-run and --until belong to mark-takeover");
    struct runner *runner = calloc(1, sizeof *runner);
    if (!runner) return cli_failed("no memory");
    enum cli_exit code = agency_name ? office_open(cli, agency_name, &runner->office) : office_connect(cli, &runner->office);
    runner->takeovers = takeovers;
    runner->spoke_us = clock_monotonic_us();
    if (code == CLI_OK && takeovers && is_dry) printf("until,account_no,event,extended_until,reason\n");
    if (code == CLI_OK) code = agency_name ? run_agency(runner) : run_all(runner);
    if (code != CLI_USAGE) print_sum(runner);
    if (code == CLI_OK && runner->sum.failed) code = CLI_PARTLY;
    office_close(&runner->office);
    free(runner);
    return code;
}

const struct cli_command cli_lifecycle = {
    .name = "lifecycle",
    .words = "mark-takeover [--agency A] [--until DATE] [--dry-run] | run-day [--agency A]",
    .summary = "Mark holds that are over; close what is paid and warn holders",
    .text = "mark-takeover works off the days in their order and may be late: each hold is judged by what was known when it\n"
            "ended, and marked once. run-day closes accounts on which nothing is open, writes the warnings 5 and 1 days before\n"
            "a hold ends, and reports money and promises that came after a takeover. Both go on where they were broken off.\n"
            "Exit codes: 0 all done, 3 some accounts could not be stored, 1 it ended early, 2 wrong usage.",
    .flags = flags,
    .run = run_lifecycle};
