/* SPDX-License-Identifier: Apache-2.0 */
/* tagihd enrol-code: a one-time code for a phone (R-JRN-1), where no supervisor is logged in yet. */
#include "domain/enrol_code.h"
#include "run/clock.h"
#include "run/random.h"
#include "server/cli/commands.h"
#include "server/cli/office.h"
#include "store/device.h"
#include "store/staff.h"

static const char *login;

struct code_put {
    struct office *office;
    struct enrol_code_row row;
};

static tagih_err put_in(struct tx *tx, void *context) {
    struct code_put *put = context;
    DEFER(result) struct result r = {0};
    TRY(enrol_send_code(tx, &put->office->arena, &put->row));
    TRY(tx_sync(tx));
    tx_take(tx, &r);
    return TAGIH_OK;
}

static enum cli_exit make_code(struct office *office) {
    struct staff_login there;
    uint8_t random[ENROL_CODE_CHARACTERS];
    char code[ENROL_CODE_TEXT_SIZE];
    struct code_put put = {.office = office, .row = {.made = clock_now()}};
    tagih_err err = staff_find(&office->db, &office->arena, bytes_text(login), clock_monotonic_us() + 10 * US_PER_S, &there);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    if (!there.found) return cli_failed("there is no login '%.100s'", login);
    if (there.state != STAFF_ACTIVE) return cli_failed("the user '%.100s' is suspended", login);
    office->agency = there.agency;
    random_bytes(random, sizeof random);
    enrol_code_make(random, code);
    put.row.user = there.user;
    put.row.expires.us = put.row.made.us + ENROL_CODE_LASTS_US;
    err = enrol_code_hash(bytes_text(code), &put.row.code);
    struct tx_options options = office_tx(office, "enrol-code", 20);
    if (err_is_ok(err)) err = tx_run(&office->db, &options, put_in, &put);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    printf("%s\n", code);
    return CLI_OK;
}

static enum cli_exit run(const struct cli *cli) {
    struct office office;
    if (cli->n_args) return cli_usage("enrol-code takes no words");
    if (!login || !*login) return cli_usage("enrol-code needs --login: who will carry the phone");
    enum cli_exit exit = office_connect(cli, &office);
    if (exit == CLI_OK) exit = make_code(&office);
    office_close(&office);
    return exit;
}

static const struct config_flag flags[] = {{"--login", "LOGIN", "who will carry the phone", &login}, {0}};

const struct cli_command cli_enrol_code = {
    .name = "enrol-code",
    .words = "--login LOGIN",
    .summary = "Make a one-time code that enrols a phone",
    .text = "The code is printed once and lasts 24 hours; the server keeps its hash. A supervisor or admin other than the\n"
            "phone's user confirms the phone afterwards (DeviceService.ConfirmDevice).",
    .flags = flags,
    .run = run};
