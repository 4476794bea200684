/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd bonus export-payout: a payout run as CSV, for the bank and the payroll (R-BON-9). It is made of the run's facts
 * alone: whenever it is run, the bytes are the same.
 */
#include <stdlib.h>
#include <string.h>

#include "server/cli/commands.h"
#include "server/cli/office.h"
#include "store/payout.h"

#define SHARES_A_PAGE 1000

static const char *agency_name, *run_text;

static const struct config_flag flags[] = {
    {"--agency", "NAME", "its name or id", &agency_name},
    {"--run", "N", "the run's number, from 1", &run_text},
    {0},
};

struct export {
    struct office office;
    int32_t run_no;
    bool found;
};

static void print_money(int64_t minor, struct bytes code) {
    char text[MONEY_TEXT_SIZE];
    currency in = {{0}};
    memcpy(in.code, code.data, 3);
    money_format((struct money){minor, in}, text);
    printf(",%s", text);
}

static void print_share(const struct payout_share *share, const struct payout_run *run) {
    char id[UUID_TEXT_SIZE];
    const struct payout *p = &share->payout;
    uuid_format(share->collector.u, id);
    printf("%s,%.3s,%lld", id, (const char *)run->currency.data, (long long)share->lines);
    const int64_t figures[] = {p->carried_in_minor, p->earned_minor, p->owed_minor, p->deducted_minor, p->paid_minor, p->tax_minor,
                               p->net_minor, p->carried_out_minor};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) print_money(figures[i], run->currency);
    putchar('\n');
}

/* One transaction, page by page; a run never changes. */
static tagih_err print_run(struct tx *tx, void *context) {
    struct export *export = context;
    struct arena *arena = &export->office.arena;
    struct payout_share *shares;
    user_id after = {{{0}}};
    size_t n = SHARES_A_PAGE;
    for (bool head = true; n == SHARES_A_PAGE; head = false) {
        struct payout_run run;
        arena_reset(arena);
        TRY(payout_send_get(tx, arena, export->run_no));
        TRY(payout_send_shares(tx, arena, export->run_no, after, SHARES_A_PAGE));
        TRY(tx_sync(tx));
        TRY(payout_take_get(tx, arena, &run, &export->found));
        TRY(payout_take_shares(tx, arena, &shares, &n));
        if (!export->found) return TAGIH_OK;
        if (head) puts("collector_id,currency,lines,carried_in,earned,owed,deducted,paid,tax,net,carried_out");
        for (size_t i = 0; i < n; i++) print_share(&shares[i], &run);
        if (n) after = shares[n - 1].collector;
    }
    return TAGIH_OK;
}

static enum cli_exit run(const struct cli *cli) {
    static struct export export;
    char *end = NULL;
    long number = run_text ? strtol(run_text, &end, 10) : 0;
    if (cli->n_args != 1 || strcmp(cli->args[0], "export-payout") != 0) return cli_usage("bonus needs one word: export-payout");
    if (number < 1 || number > INT32_MAX || *end) return cli_usage("--run needs the number of a run, from 1");
    export.run_no = (int32_t)number;
    enum cli_exit code = office_open(cli, agency_name, &export.office);
    if (code == CLI_OK) {
        struct tx_options options = office_tx(&export.office, "bonus export-payout", 60);
        options.read_only = true;
        tagih_err err = tx_run(&export.office.db, &options, print_run, &export);
        if (!err_is_ok(err)) code = cli_failed("%s", err_text(err));
        else if (!export.found) code = cli_failed("there is no payout run %ld", number);
    }
    office_close(&export.office);
    return code;
}

const struct cli_command cli_bonus = {
    .name = "bonus",
    .words = "export-payout --agency A --run N",
    .summary = "Print a payout run as CSV",
    .text = "One line for each collector, in the order of their ids; amounts in major units. The same run gives the same bytes.",
    .flags = flags,
    .run = run};
