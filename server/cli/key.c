/* SPDX-License-Identifier: Apache-2.0 */
/* tagihd key new PURPOSE | list: the installation's signing keys (run/keys.h). */
#include <string.h>

#include "server/cli/commands.h"
#include "server/run/clock.h"
#include "server/run/keys.h"

static enum cli_exit make(const struct cli *cli) {
    enum key_purpose purpose;
    if (cli->n_args != 2 || !err_is_ok(key_purpose_parse(cli->args[1], &purpose))) {
        return cli_usage("key new needs one purpose: token, device, ack or document");
    }
    struct key key;
    struct keys_problem problem;
    if (!err_is_ok(keys_create(cli->config->keys_dir, purpose, clock_now(), &key, &problem))) {
        return cli_failed("%s", problem.text);
    }
    char id[17];
    bytes_hex(BYTES_OF(&key.id), id);
    printf("%s %s\n", key_purpose_name(purpose), id);
    return CLI_OK;
}

static void print_key(const struct keyring *ring, const struct key *key) {
    char id[17], date[DATE_TEXT_SIZE];
    bytes_hex(BYTES_OF(&key->id), id);
    date_format((civil_date){(int32_t)(key->created.us / US_PER_DAY)}, date);
    const char *use = key == keyring_signing(ring, key->purpose) ? "signs"
                      : key->has_secret                          ? "waits"
                                                                 : "verifies";
    printf("%-9s %s  %s  %s\n", key_purpose_name(key->purpose), id, date, use);
}

static enum cli_exit list(const struct cli *cli) {
    if (cli->n_args != 1) return cli_usage("key list takes no further words");
    struct keyring ring;
    struct keys_problem problem;
    if (!err_is_ok(keys_load(cli->config->keys_dir, &ring, &problem))) return cli_failed("%s", problem.text);
    for (size_t i = 0; i < ring.count; i++) print_key(&ring, &ring.keys[i]);
    keyring_release(&ring);
    return CLI_OK;
}

static enum cli_exit run(const struct cli *cli) {
    if (cli->n_args && strcmp(cli->args[0], "new") == 0) return make(cli);
    if (cli->n_args && strcmp(cli->args[0], "list") == 0) return list(cli);
    return cli_usage("key new PURPOSE makes one, key list shows them");
}

const struct cli_command cli_key = {.name = "key",
                                    .words = "new PURPOSE | list",
                                    .summary = "Make or list the installation's signing keys",
                                    .text =
                                        "PURPOSE: token (access tokens), device (device certificates, "
                                        "allowances), ack (acknowledgements, chain\n"
                                        "certificates, digest heads), document (letters). The newest key of "
                                        "a purpose signs; running servers take\n"
                                        "it up when they start. Delete a .key file to retire it, and keep "
                                        "its .pub: what it signed stays valid.",
                                    .run = run};
