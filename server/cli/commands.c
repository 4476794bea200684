/* SPDX-License-Identifier: Apache-2.0 */
/* The table of subcommands, in the order in which one meets them. */
#include "server/cli/commands.h"

const struct cli_command *const cli_commands[] = {
    &cli_migrate, &cli_serve, &cli_import, &cli_import_payments, &cli_import_statement, &cli_import_targets, &cli_export_payments, &cli_month, &cli_bonus, &cli_plan, &cli_lifecycle, &cli_kpi, &cli_user, &cli_enrol_code, &cli_key, &cli_gateway, &cli_verify, &cli_retention, &cli_doctor, &cli_docs, &cli_version, &cli_help, NULL,
};
