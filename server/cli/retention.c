/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd retention: what the house no longer keeps of where people were (R-CHK-2c). It only tells, unless --apply is given.
 * Evidence and money are out of its reach: the database itself refuses them (migrations/0024_partition.sql).
 */
#include "run/grow.h"
#include "run/log.h"
#include "server/cli/commands.h"
#include "server/cli/office.h"
#include "store/migrate.h"
#include "store/partition.h"
#include "store_statements.h"

#define MONTHS_MAX 600 /* in one go, of all tables */

static const char *is_applied;

static const struct config_flag flags[] = {
    {"--apply", NULL, "take it; without this it is only told", &is_applied},
    {0},
};

struct retention {
    struct db db;
    struct arena arena;
    void *memory;
    int keep_months;
    struct partition_due due[MONTHS_MAX];
    size_t n;
};

static tagih_err open_owner(const struct cli *cli, struct retention *out) {
    const char *owner = cli->config->owner_url;
    const struct db_options options = {.conninfo = *owner ? owner : cli->config->database_url,
                                       .worker = "retention",
                                       .statements = &store_statements,
                                       .schema_version = migrate_version(&migrations_embedded),
                                       .log = log_line,
                                       .log_context = (void *)(uintptr_t) "database"};
    if (!office_arena_open(&out->arena, &out->memory)) return FAIL(OUT_OF_MEMORY);
    return db_open(&out->db, &options);
}

static void tell(const struct partition_due *due, int64_t rows, const char *what) {
    char month[DATE_TEXT_SIZE];
    date_format(due->month_on, month);
    printf("%.7s  %-14s %12lld rows %9.1f MiB  %s\n", month, due->table, (long long)rows,
           (double)due->bytes / (1024.0 * 1024.0), what);
    fflush(stdout);
}

static tagih_err take(struct retention *r, int64_t *total) {
    for (size_t i = 0; i < r->n; i++) {
        int64_t rows;
        TRY(partition_prune(&r->db, &r->arena, &r->due[i], r->keep_months, &rows));
        if (rows < 0) continue;
        tell(&r->due[i], rows, "taken");
        *total += rows;
    }
    return TAGIH_OK;
}

/* What came outside of its month is brought there first, so that it is seen. */
static tagih_err look(struct retention *r) {
    struct partitions_kept kept;
    if (is_applied) TRY(partitions_keep(&r->db, &kept));
    return partitions_due(&r->db, &r->arena, r->keep_months, r->due, MONTHS_MAX, &r->n);
}

static tagih_err go(struct retention *r) {
    int64_t total = 0;
    TRY(look(r));
    if (is_applied) {
        TRY(take(r, &total));
        printf("%lld rows of %zu months taken; the records are in partition_pruned\n", (long long)total, r->n);
        return TAGIH_OK;
    }
    for (size_t i = 0; i < r->n; i++) {
        tell(&r->due[i], r->due[i].rows, "would go");
        total += r->due[i].rows;
    }
    printf("%lld rows of %zu months would go; nothing was changed (--apply takes them)\n", (long long)total, r->n);
    return TAGIH_OK;
}

static enum cli_exit run(const struct cli *cli) {
    static struct retention retention;
    retention = (struct retention){.keep_months = (int)cli->config->keep_places_months};
    if (cli->n_args) return cli_usage("retention takes no words");
    if (retention.keep_months == 0) {
        printf("everything is kept for ever (TAGIH_KEEP_PLACES_MONTHS is 0)\n");
        return CLI_OK;
    }
    if (retention.keep_months < PARTITION_KEEP_MONTHS_MIN)
        return cli_usage("TAGIH_KEEP_PLACES_MONTHS is 0, for ever, or at least %d", PARTITION_KEEP_MONTHS_MIN);
    if (!*cli->config->owner_url && !*cli->config->database_url)
        return cli_usage("retention needs --owner-url (TAGIH_OWNER_URL)");
    tagih_err err = open_owner(cli, &retention);
    if (err_is_ok(err)) err = go(&retention);
    db_release(&retention.db);
    office_arena_close(&retention.arena, retention.memory);
    grow_forget();
    return err_is_ok(err) ? CLI_OK : cli_failed("%s; what was taken stays so: run it again to go on", err_text(err));
}

const struct cli_command cli_retention = {
    .name = "retention",
    .words = "[--apply]",
    .summary = "Let go of places that are older than the house keeps them",
    .text =
        "Raw fixes of check-ins, whole months of reception at a time, that are older than TAGIH_KEEP_PLACES_MONTHS; 0, the\n"
        "default, keeps them for ever. What decided about a check-in stays, and so does everything that a phone signed and\n"
        "everything about money. It tells what would go; --apply takes it and leaves a record. Needs the database's owner.",
    .flags = flags,
    .run = run};
