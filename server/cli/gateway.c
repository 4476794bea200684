/* SPDX-License-Identifier: Apache-2.0 */
/* tagihd gateway add NAME | retire NAME KEY | list: the keys under which gateways sign (R-PAY-5g). */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/gateway.h"
#include "run/clock.h"
#include "run/random.h"
#include "server/cli/commands.h"
#include "server/cli/office.h"
#include "store/gateway.h"
#include "store_statements.h"

static const char *agency_name, *public_text;

static const struct config_flag flags[] = {
    {"--agency", "NAME", "the agency whose payments the gateway tells of: its name or id", &agency_name},
    {"--ed25519", "HEX", "the gateway's public key; without it a secret for HMAC-SHA-256 is drawn and shown once", &public_text},
    {0},
};

struct work {
    struct office office;
    const char *name;
    struct gateway_key key;
    int32_t key_no; /* 0: nothing was found */
    size_t listed;
};

static bool is_name(const char *name) {
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return len > 0 && len <= GATEWAY_NAME_MAX && name[len] == 0;
}

static void begin(struct work *w, struct tx *tx, struct params *p, const struct statement *statement) {
    arena_reset(&w->office.arena);
    tx_params(p, tx, &w->office.arena, statement, 0);
}

static tagih_err take_number(struct work *w, struct tx *tx, const struct params *p, int col) {
    DEFER(result) struct result r = {0};
    TRY(tx_send(tx, p));
    TRY(tx_sync(tx));
    tx_take(tx, &r);
    w->key_no = result_count(&r) ? result_int4(&r, 0, col) : 0;
    return TAGIH_OK;
}

static tagih_err add_in(struct tx *tx, void *context) {
    struct work *w = context;
    struct params p;
    begin(w, tx, &p, STMT_gateway_key_add);
    params_one_text(&p, bytes_text(w->name));
    params_one_int2(&p, w->key.algorithm);
    params_one_bytea(&p, bytes_make(w->key.key, sizeof w->key.key));
    params_one_int8(&p, clock_now().us);
    return take_number(w, tx, &p, COL_gateway_key_add_key_no);
}

static tagih_err retire_in(struct tx *tx, void *context) {
    struct work *w = context;
    struct params p;
    int32_t key_no = w->key_no;
    begin(w, tx, &p, STMT_gateway_key_retire);
    params_one_text(&p, bytes_text(w->name));
    params_one_int4(&p, key_no);
    params_one_int8(&p, clock_now().us);
    return take_number(w, tx, &p, COL_gateway_key_retire_key_no);
}

static tagih_err list_in(struct tx *tx, void *context) {
    struct work *w = context;
    struct params p;
    DEFER(result) struct result r = {0};
    begin(w, tx, &p, STMT_gateway_key_list);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    tx_take(tx, &r);
    for (; w->listed < result_count(&r); w->listed++) {
        char date[DATE_TEXT_SIZE];
        size_t i = w->listed;
        date_format((civil_date){(int32_t)(result_int8(&r, i, COL_gateway_key_list_created_us) / US_PER_DAY)}, date);
        bool hmac = result_int2(&r, i, COL_gateway_key_list_algorithm) == GATEWAY_HMAC_SHA256;
        printf("%-32s %4d  %-12s  %s  %s\n", (const char *)result_text(&r, i, COL_gateway_key_list_gateway).data,
               result_int4(&r, i, COL_gateway_key_list_key_no), hmac ? "HMAC-SHA-256" : "Ed25519", date,
               result_is_null(&r, i, COL_gateway_key_list_retired_us) ? "verifies" : "retired");
    }
    return TAGIH_OK;
}

static enum cli_exit run_in(struct work *w, tx_body_fn body) {
    struct tx_options options = office_tx(&w->office, "gateway", 10);
    tagih_err err = tx_run(&w->office.db, &options, body, w);
    return err_is_ok(err) ? CLI_OK : cli_failed("%s", err_text(err));
}

static enum cli_exit add(struct work *w) {
    w->key.algorithm = public_text ? GATEWAY_ED25519 : GATEWAY_HMAC_SHA256;
    if (!public_text) random_bytes(w->key.key, sizeof w->key.key);
    else if (!err_is_ok(bytes_unhex(public_text, w->key.key, sizeof w->key.key)) || !crypto_core_ed25519_is_valid_point(w->key.key)) {
        return cli_usage("--ed25519 needs the 64 hexadecimal digits of a public key");
    }
    enum cli_exit code = run_in(w, add_in);
    if (code != CLI_OK) return code;
    char hex[2 * GATEWAY_KEY_BYTES + 1];
    bytes_hex(bytes_make(w->key.key, sizeof w->key.key), hex);
    printf("gateway  %s\nkey      %d\n", w->name, w->key_no);
    if (!public_text) printf("secret   %s  (HMAC-SHA-256, hexadecimal; it is shown this once)\n", hex);
    sodium_memzero(hex, sizeof hex);
    sodium_memzero(&w->key, sizeof w->key);
    return CLI_OK;
}

/* 0: none. */
static int32_t number_of(const char *text) {
    char *end;
    long value = strtol(text, &end, 10);
    return end != text && *end == 0 && value > 0 && value <= INT32_MAX ? (int32_t)value : 0;
}

static enum cli_exit retire(struct work *w, const char *number) {
    w->key_no = number_of(number);
    if (w->key_no == 0) return cli_usage("gateway retire needs a key's number, as gateway list shows it");
    enum cli_exit code = run_in(w, retire_in);
    if (code != CLI_OK) return code;
    if (w->key_no == 0) return cli_failed("%s has no such key that verifies", w->name);
    printf("key %d of %s verifies nothing any more\n", w->key_no, w->name);
    return CLI_OK;
}

static enum cli_exit act(const struct cli *cli, struct work *w) {
    const char *verb = cli->args[0];
    if (cli->n_args == 1 && strcmp(verb, "list") == 0) return run_in(w, list_in);
    if (cli->n_args < 2 || !is_name(cli->args[1])) return cli_usage("a gateway's name is 1 to 32 of a-z, 0-9 and -");
    w->name = cli->args[1];
    if (cli->n_args == 2 && strcmp(verb, "add") == 0) return add(w);
    if (cli->n_args == 3 && strcmp(verb, "retire") == 0) return retire(w, cli->args[2]);
    return cli_usage("gateway add NAME, gateway retire NAME KEY, gateway list");
}

static enum cli_exit run(const struct cli *cli) {
    struct work w = {.name = NULL};
    if (cli->n_args == 0) return cli_usage("gateway add NAME, gateway retire NAME KEY, gateway list");
    enum cli_exit code = office_open(cli, agency_name, &w.office);
    if (code == CLI_OK) code = act(cli, &w);
    office_close(&w.office);
    return code;
}

const struct cli_command cli_gateway = {
    .name = "gateway",
    .words = "--agency A add NAME [--ed25519 HEX] | retire NAME KEY | list",
    .summary = "Keys under which payment gateways sign",
    .text = "A gateway signs the bytes of its notifications (NotifyGatewayPayment) with HMAC-SHA-256 under a secret that is drawn\n"
            "here, or with Ed25519 under a key of its own. To change keys add one, let the gateway take it up, retire the old one.",
    .flags = flags,
    .run = run};
