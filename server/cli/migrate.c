/* SPDX-License-Identifier: Apache-2.0 */
/* tagihd migrate [--status]: bring the database to this binary's schema (store/migrate.h). */
#include "store/migrate.h"
#include "server/cli/commands.h"
#include "store/partition.h"

static const char *only_look;

static const struct config_flag flags[] = {
    {"--status", NULL, "only show which files are applied and which are pending", &only_look},
    {0},
};

static void report(void *context, const char *line) {
    (void)context;
    printf("%s\n", line);
    fflush(stdout);
}

/* Months to come, and rows that came outside of theirs: as the minute does, but without its haste. */
static tagih_err keep_partitions(const char *conninfo) {
    struct partitions_kept kept = {0};
    DEFER(db) struct db db = {0};
    TRY(db_open_raw(&db, &(struct db_options){.conninfo = conninfo, .worker = "migrate"}));
    TRY(partitions_keep(&db, &kept));
    if (kept.made) printf("%d tables of months made\n", kept.made);
    if (kept.moved) printf("%lld rows moved into their months\n", (long long)kept.moved);
    return TAGIH_OK;
}

static enum cli_exit run(const struct cli *cli) {
    const char *owner = cli->config->owner_url;
    const char *conninfo = *owner ? owner : cli->config->database_url;
    if (cli->n_args) return cli_usage("migrate takes no words");
    if (!*conninfo) return cli_usage("migrate needs --owner-url (TAGIH_OWNER_URL)");
    const struct migrate_options options = {.conninfo = conninfo, .report = report};
    tagih_err err = only_look ? migrate_status(&options) : migrate_run(&options);
    if (err_is_ok(err) && !only_look) err = keep_partitions(conninfo);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    if (!only_look) printf("the schema is at version %d\n", migrate_version(&migrations_embedded));
    return CLI_OK;
}

const struct cli_command cli_migrate = {
    .name = "migrate",
    .words = "[--status]",
    .summary = "Bring the database to the schema of this version",
    .text =
        "Needs a role that may create roles and tables: --owner-url, else --database-url. Forward only; each "
        "file\n"
        "is one transaction; running it twice does nothing the second time.",
    .flags = flags,
    .run = run};
