/* SPDX-License-Identifier: Apache-2.0 */
/* tagihd docs WHAT: the parts of the documentation that the code knows best, as Markdown. They stand between
 * markers in the .md files; tests/support/generated_docs.py compares them and writes them anew. */
#include <string.h>

#include "domain/bonus_state.h"
#include "domain/lifecycle.h"
#include "domain/repayment.h"
#include "domain/settlement.h"
#include "domain/suspense.h"
#include "domain/visit.h"
#include "engine/status.h"
#include "server/cli/commands.h"

static enum cli_exit print_config(void) {
    puts("| flag | environment | default | what |\n|---|---|---|---|");
#define SETTING(member, type, flag, name, otherwise, min, max, help)                          \
    printf("| `%s` | `%s` | %s%s%s | %s |\n", flag, name, *(otherwise) ? "`" : "", otherwise, \
           *(otherwise) ? "`" : "", help);
#include "server/run/config.def"
#undef SETTING
    return CLI_OK;
}

static enum cli_exit print_errors(void) {
    puts("| token | gRPC status | what it says |\n|---|---|---|");
    for (int reason = ERR_OK + 1; reason < ERR_COUNT; reason++) {
        tagih_err err = {(enum tagih_reason)reason};
        printf("| `%s` | %s | %s |\n", err_token(err), status_name(status_of(err)), err_text(err));
    }
    return CLI_OK;
}

static const struct {
    const char *noun;
    tagih_err (*print)(struct arena *arena, const char **out);
} machines[] = {{"account", account_print_mermaid}, {"visit", visit_print_mermaid}, {"settlement", settlement_print_mermaid},
              {"plan", plan_print_mermaid}, {"bonus", bonus_state_print_mermaid}, {"money", money_print_mermaid}};

static enum cli_exit print_fsm(const char *noun) {
    static _Alignas(16) uint8_t memory[32768];
    struct arena arena;
    const char *text;
    size_t i = 0, n = sizeof machines / sizeof *machines;
    while (i < n && strcmp(noun, machines[i].noun) != 0) i++;
    if (i == n) return cli_usage("docs fsm knows the machines account, visit, settlement, plan, bonus and money");
    arena_init(&arena, memory, sizeof memory);
    if (!err_is_ok(machines[i].print(&arena, &text))) return cli_failed("the diagram is too large");
    printf("```mermaid\n%s```\n", text);
    return CLI_OK;
}

static enum cli_exit run(const struct cli *cli) {
    const char *what = cli->n_args ? cli->args[0] : "";
    if (cli->n_args == 1 && strcmp(what, "config") == 0) return print_config();
    if (cli->n_args == 1 && strcmp(what, "errors") == 0) return print_errors();
    if (cli->n_args == 2 && strcmp(what, "fsm") == 0) return print_fsm(cli->args[1]);
    return cli_usage("docs prints config, errors, fsm account, fsm visit, fsm settlement, fsm plan, fsm bonus or fsm money");
}

const struct cli_command cli_docs = {
    .name = "docs",
    .words = "config | errors | fsm account | fsm visit | fsm settlement | fsm plan | fsm bonus | fsm money",
    .summary = "Print the settings, the errors or a state machine as Markdown",
    .run = run};
