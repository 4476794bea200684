/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands that are linked in. A new one: its file, a line here, a line in commands.c, its name in
 * meson.build. */
#ifndef TAGIH_CLI_COMMANDS_H
#define TAGIH_CLI_COMMANDS_H

#include "server/cli/cli.h"

extern const struct cli_command cli_bonus;
extern const struct cli_command cli_docs;
extern const struct cli_command cli_doctor;
extern const struct cli_command cli_enrol_code;
extern const struct cli_command cli_export_payments;
extern const struct cli_command cli_gateway;
extern const struct cli_command cli_help;
extern const struct cli_command cli_import;
extern const struct cli_command cli_import_payments;
extern const struct cli_command cli_import_statement;
extern const struct cli_command cli_import_targets;
extern const struct cli_command cli_key;
extern const struct cli_command cli_kpi;
extern const struct cli_command cli_lifecycle;
extern const struct cli_command cli_migrate;
extern const struct cli_command cli_month;
extern const struct cli_command cli_plan;
extern const struct cli_command cli_retention;
extern const struct cli_command cli_serve;
extern const struct cli_command cli_user;
extern const struct cli_command cli_verify;
extern const struct cli_command cli_version;

#endif
