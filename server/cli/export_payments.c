/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd export-payments: what was collected here as CSV on standard output, in one gapless sequence (rpc/export.c, the
 * same as ListExport). Any range can be written again; --ack says up to where the receiver has it.
 */
#include <inttypes.h>
#include <string.h>

#include "rpc/export.h"
#include "run/clock.h"
#include "server/cli/commands.h"
#include "server/cli/csv_file.h"
#include "server/cli/office.h"

#define PAGE 1000

static const char *agency_name, *after_text, *until_text, *ack_text;

static const struct config_flag flags[] = {
    {"--agency", "NAME", "whose payments: its name or id", &agency_name},
    {"--after", "SEQ", "rows with a higher number (default: those behind the acknowledged one)", &after_text},
    {"--until", "SEQ", "the last number wanted (default: the newest)", &until_text},
    {"--ack", "SEQ", "write nothing: the receiver has everything up to this number", &ack_text},
    {0},
};

struct run {
    struct office office;
    struct export_by by;
    struct export_mark mark;
    bool more;
    int64_t after, until, ack;
    size_t n_page;
    int64_t rows;
};

static bool read_seq(const char *text, int64_t *out) {
    int64_t value = 0;
    for (const char *at = text; *at; at++) {
        if (*at < '0' || *at > '9' || value > INT64_MAX / 10 - 10) return false;
        value = value * 10 + (*at - '0');
    }
    *out = value;
    return *text != 0;
}

static tagih_err number(struct tx *tx, void *context) {
    struct run *run = context;
    struct arena *arena = &run->office.arena;
    arena_reset(arena);
    TRY(export_number_send(tx, arena));
    TRY(tx_sync(tx));
    return export_number(tx, arena, &run->by, clock_now(), &run->mark, &run->more);
}

static tagih_err acknowledge(struct tx *tx, void *context) {
    struct run *run = context;
    struct arena *arena = &run->office.arena;
    arena_reset(arena);
    TRY(export_ack_send(tx, arena));
    TRY(tx_sync(tx));
    return export_ack_take(tx, arena, &run->by, run->ack, clock_now(), &run->mark);
}

static void write_field(struct bytes text) {
    csv_fwrite(stdout, text.data, text.len);
    putchar(',');
}

static void write_row(const struct export_read *read) {
    char id[UUID_TEXT_SIZE], value_on[DATE_TEXT_SIZE], posting_on[DATE_TEXT_SIZE], amount[MONEY_TEXT_SIZE];
    struct money money = {.minor = read->amount_minor};
    memcpy(money.currency.code, read->currency.data, 3);
    uuid_format(read->payment.u, id);
    date_format(read->value_on, value_on);
    date_format(read->posting_on, posting_on);
    money_format(money, amount);
    printf("%" PRId64 ",%s,%s,", read->seq, read->kind == EXPORT_REVERSAL ? "REVERSAL" : "PAYMENT", id);
    write_field(read->account_no);
    printf("%s,", payment_source_name((enum payment_source)read->source));
    write_field(read->reference);
    printf("%s,%s,%s,%s,%" PRId64 ",%s,%s,%s\n", tender_name((enum tender)read->tender), payment_tag_name((enum payment_tag)read->tag),
           amount, money.currency.code, read->value_us, value_on, posting_on,
           read->reason ? reversal_reason_name((enum reversal_reason)read->reason) : "");
}

/* A page is written once its transaction answered: a second run of it would write the same rows again. */
static tagih_err read_page(struct tx *tx, void *context) {
    struct run *run = context;
    DEFER(result) struct result r = {0};
    arena_reset(&run->office.arena);
    TRY(export_send_list(tx, &run->office.arena, run->after, run->until, PAGE));
    TRY(tx_sync(tx));
    tx_take(tx, &r);
    run->n_page = result_count(&r);
    for (size_t i = 0; i < run->n_page; i++) {
        struct export_read read;
        export_read_row(&r, i, &read);
        write_row(&read);
        run->after = read.seq;
        run->rows++;
    }
    return TAGIH_OK;
}

static tagih_err write_all(struct run *run) {
    struct tx_options options = office_tx(&run->office, "export-payments", 120);
    run->more = true;
    while (run->more) TRY(tx_run(&run->office.db, &options, number, run));
    if (!after_text) run->after = run->mark.acked_seq;
    if (!until_text) run->until = run->mark.seq;
    printf("seq,kind,payment_id,account_no,source,reference,tender,tag,amount,currency,value_us,value_on,posting_on,reason\n");
    run->n_page = PAGE;
    options.read_only = true;
    while (run->n_page == PAGE) {
        options.deadline_us = office_tx(&run->office, "export-payments", 120).deadline_us;
        TRY(tx_run(&run->office.db, &options, read_page, run));
    }
    fprintf(stderr, "%" PRId64 " rows; the newest number is %" PRId64 ", acknowledged is %" PRId64 "\n", run->rows, run->mark.seq,
            run->mark.acked_seq);
    return TAGIH_OK;
}

static enum cli_exit work(struct run *run) {
    run->by = (struct export_by){.agency = run->office.agency, .writer = run->office.writer};
    struct tx_options options = office_tx(&run->office, "export-payments", 30);
    tagih_err err = ack_text ? tx_run(&run->office.db, &options, acknowledge, run) : write_all(run);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    if (fflush(stdout) != 0) return cli_failed("the rows could not be written to their end");
    if (ack_text) printf("acknowledged up to %" PRId64 "\n", run->mark.acked_seq);
    return CLI_OK;
}

static enum cli_exit run_export(const struct cli *cli) {
    struct run run = {.after = 0};
    if (cli->n_args) return cli_usage("export-payments takes no further words");
    bool fine = (!after_text || read_seq(after_text, &run.after)) && (!until_text || read_seq(until_text, &run.until)) &&
                (!ack_text || read_seq(ack_text, &run.ack));
    if (!fine) return cli_usage("--after, --until and --ack need a number of the sequence");
    enum cli_exit code = office_open(cli, agency_name, &run.office);
    if (code == CLI_OK) code = work(&run);
    office_close(&run.office);
    return code;
}

const struct cli_command cli_export_payments = {
    .name = "export-payments",
    .words = "--agency A [--after SEQ] [--until SEQ] [--ack SEQ]",
    .summary = "Write what was collected as CSV, by its gapless sequence",
    .text = "Reversals are rows of their own. Without --after: what the receiver has not acknowledged yet. A creditor's snapshot\n"
            "that contains these payments names the highest number that it contains: tagihd import --export-seq.",
    .flags = flags,
    .run = run_export};
