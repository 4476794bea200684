/* SPDX-License-Identifier: Apache-2.0 */
/* The world of a script, and its end: every row of every table. */
#include "tests/sim/model/script_in.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "domain/role.h"
#include "run/random.h"

#define BEGIN_US (INT64_C(1773122400) * US_PER_S) /* 2026-03-10, 13:00 in Jakarta */

/* ---- randomness: the same for both stores (in place of server/run/random.c) --------------------------------------- */

static struct chance randomness;

tagih_err random_open(void) {
    return TAGIH_OK;
}

void random_bytes(void *out, size_t len) {
    chance_bytes(&randomness, out, len);
}

uuid random_id(void) {
    uuid id;
    random_bytes(id.b, sizeof id.b);
    return id;
}

uuid script_id(struct script *s) {
    uuid id;
    chance_bytes(&s->chance, id.b, sizeof id.b);
    id.b[6] = (uint8_t)((id.b[6] & 0x0F) | 0x70);
    id.b[8] = (uint8_t)((id.b[8] & 0x3F) | 0x80);
    return id;
}

void script_say(struct script *s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vfprintf(s->out, format, args);
    va_end(args);
    fputc('\n', s->out);
}

void script_must(tagih_err err) {
    if (!err_is_ok(err)) {
        fprintf(stderr, "script: %s\n", err_name(err));
        abort();
    }
}

/* ---- the world ------------------------------------------------------------------------------------------------- */

static void add_phone(struct script *s, size_t i) {
    struct phone *phone = &s->phones[i];
    const struct key *key = keyring_signing(&s->keys, KEY_DEVICE);
    phone_init(phone, s->chance.state, i);
    phone->installation = s->installation;
    phone->device.u = script_id(s);
    phone->user = s->users[i];
    phone->now_us = s->now_us, phone->booted_us = s->now_us - US_PER_DAY;
    for (int purpose = 0; purpose < KEY_PURPOSE_COUNT; purpose++) {
        phone->server_keys[phone->server_key_count++] = keyring_signing(&s->keys, (enum key_purpose)purpose)->public_key;
    }
    struct device_certificate document = {.agency = s->agency, .device = phone->device, .key = phone->key, .epoch = 1, .user = phone->user,
                                          .valid_from = {s->now_us - 30 * US_PER_DAY}};
    uint8_t bytes[ENVELOPE_MAX];
    size_t len;
    script_must(device_certificate_sign(&document, s->installation, &key->secret, bytes, sizeof bytes, &len));
    if (!phone_take_device_certificate(phone, bytes_make(bytes, len))) abort();
    model_phone(s->model, &(struct model_phone){.agency = s->agency, .device = phone->device, .user = phone->user, .epoch = 1,
                                                .public_key = phone->key.b, .certificate = bytes_make(phone->certificate, phone->certificate_len),
                                                .certificate_hash = phone->head_hash, .valid_from_us = document.valid_from.us});
}

static void add_account(struct script *s, size_t i) {
    struct model_instalment instalments[3];
    civil_date as_of = date_make(2026, 3, 1);
    size_t n = i == 11 ? 1 : 3;
    for (size_t k = 0; k < n; k++) {
        instalments[k] = (struct model_instalment){.due_on = date_make(2026, 1 + (int)k, 5 + (int)i), .fees_minor = MINOR(5000 * (int64_t)k),
                                                   .penalty_minor = MINOR(10000), .interest_minor = MINOR(100000), .principal_minor = MINOR(400000)};
    }
    s->accounts[i].u = script_id(s);
    uuid customer = i == 1 ? s->accounts[0].u : script_id(s);
    if (i == 0) customer = s->accounts[0].u; /* two accounts of one customer */
    model_account(s->model, &(struct model_account){
        .agency = s->agency, .account = s->accounts[i], .customer = customer,
        .collector = i == 10 ? (user_id){{{0}}} : s->users[i % SCRIPT_PHONES], .currency = i == 9 ? "USD" : "IDR",
        .lat_e7 = -61754000, .lon_e7 = 1068272000, .as_of_on = as_of, .at_us = s->now_us - 9 * US_PER_DAY, .instalments = instalments, .n_instalments = n});
}

static void make_world(struct script *s) {
    s->agency.u = script_id(s), s->team.u = script_id(s);
    model_agency(s->model, s->agency, "Acme", s->now_us);
    model_team(s->model, s->agency, s->team, "North", s->now_us);
    for (size_t i = 0; i < SCRIPT_PHONES; i++) {
        s->users[i].u = script_id(s);
        model_user(s->model, s->agency, s->users[i], ROLE_COLLECTOR, s->team, s->now_us);
        add_phone(s, i);
    }
    for (size_t i = 0; i < SCRIPT_ACCOUNTS; i++) add_account(s, i);
    for (size_t i = 0; i < SCRIPT_PHONES; i++) {
        s->visits[i].u = script_id(s);
        model_visit(s->model, &(struct model_visit){.agency = s->agency, .visit = s->visits[i], .account = s->accounts[i], .collector = s->users[i],
                                                    .purpose = 1, .policy = (int)i % 3, .from_us = s->now_us - US_PER_DAY,
                                                    .until_us = s->now_us + 2 * US_PER_DAY, .planned_on = date_make(2026, 3, 10)});
    }
    model_cash_limit(s->model, s->agency, (user_id){{{0}}}, "IDR", MINOR(5000000), MINOR(10000000), MINOR(3000000), s->now_us);
    model_target(s->model, s->agency, s->users[0], date_make(2026, 3, 1), MINOR(2000000), s->now_us);
}

/* ---- entries --------------------------------------------------------------------------------------------------- */

struct record *script_write(struct script *s, size_t i, struct journal_entry *entry) {
    struct phone *phone = &s->phones[i];
    s->now_us += US_PER_MINUTE;
    phone->now_us = s->now_us;
    return phone_write(phone, entry);
}

struct record *script_receipt(struct script *s, size_t i, size_t account, int64_t amount_minor) {
    struct journal_entry entry = {.kind = JOURNAL_RECEIPT};
    entry.body.receipt = (struct journal_receipt){.money = {.amount_minor = amount_minor, .currency = {"IDR"}}, .account = s->accounts[account],
                                                  .payer = JOURNAL_PAYER_DEBTOR, .tender = JOURNAL_TENDER_CASH, .tag = 1,
                                                  .receipt_no = ++s->phones[i].receipt_no};
    return script_write(s, i, &entry);
}

struct record *script_void(struct script *s, size_t i, const struct record *receipt, int64_t amount_minor) {
    struct journal_entry entry = {.kind = JOURNAL_VOID};
    entry.body.voided = (struct journal_void){.money = {.amount_minor = -amount_minor, .currency = {"IDR"}}, .receipt = receipt->id,
                                              .receipt_hash = receipt->hash, .reason_code = 1, .has_slip_photo = true};
    return script_write(s, i, &entry);
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

/* What two stores may count differently: numbers of transactions, and a process' own times. */
static const char *const skipped[] = {"xid", NULL}, *const skipped_numbers[] = {"xid", "n", NULL};

const char *script_name(size_t i) {
    return script_steps[i].name;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void tell_table(struct script *s, const char *name) {
    bool counts = strcmp(name, "change") == 0 || strcmp(name, "seal") == 0;
    struct bytes dump = model_dump(s->model, name, counts && s->is_retried ? skipped_numbers : skipped);
    char *copy = malloc(dump.len + 1), **lines = calloc(dump.len + 1, sizeof(char *)), *rest = copy, *line;
    size_t n = 0;
    assert(copy && lines);
    if (dump.len) memcpy(copy, dump.data, dump.len);
    copy[dump.len] = 0;
    while ((line = strsep(&rest, "\n")) && rest) lines[n++] = line;
    qsort(lines, n, sizeof(char *), by_text);
    for (size_t i = 0; i < n; i++) script_say(s, "%s: %s", name, lines[i]);
    free(lines);
    free(copy);
}

/* Of the database alone. */
static bool is_own(const char *name) {
    return strcmp(name, "installation") == 0 || strncmp(name, "partition", 9) == 0;
}

static void tell_tables(struct script *s) {
    char *names[300];
    size_t n = 0;
    for (const char *name; (name = model_table_name(s->model, n)) != NULL; n++) names[n] = (char *)(uintptr_t)name;
    qsort(names, n, sizeof(char *), by_text);
    for (size_t i = 0; i < n; i++) {
        if (!is_own(names[i])) tell_table(s, names[i]);
    }
}

void script_run(const char *name, const struct script_options *options, FILE *out) {
    const struct script_steps *steps = script_steps;
    while (steps->name && strcmp(steps->name, name) != 0) steps++;
    if (!steps->name) {
        fprintf(stderr, "there is no script %s\n", name);
        abort();
    }
    struct script *s = calloc(1, sizeof *s);
    assert(s);
    s->options = options, s->out = out, s->is_retried = steps->is_retried, s->now_us = BEGIN_US;
    s->chance = chance_of(options->seed, 1), randomness = chance_of(options->seed, 2);
    chance_bytes(&s->chance, s->installation.b, sizeof s->installation.b);
    s->model = model_open(NULL);
    script_server_open(s);
    make_world(s);
    steps->run(s);
    if (options->tamper) model_tamper(s->model, "%s", options->tamper);
    if (options->digest) model_digest(s->model, options->digest);
    tell_tables(s);
    for (size_t i = 0; i < SCRIPT_PHONES; i++) phone_release(&s->phones[i]);
    script_server_close(s);
    model_close(s->model);
    free(s);
}
