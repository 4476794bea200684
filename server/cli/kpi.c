/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd kpi: a month's figures (rpc/kpi.h). generate-monthly takes the snapshot, or writes what has changed since the
 * last one; show prints a month as a table or as its canonical text, whose SHA-256 is the digest; diff compares any two
 * snapshots by key. A month is named YYYY-MM, one of its versions YYYY-MM@N ("known then"; without @ the newest).
 */
#include <stdlib.h>
#include <string.h>

#include "domain/account.h"
#include "rpc/kpi.h"
#include "run/clock.h"
#include "server/cli/commands.h"
#include "server/cli/office.h"
#include "tagih/bucket.h"

#define SECONDS_MAX 3600

static const char *agency_name, *month_text, *format_text, *is_dry;

static const struct config_flag flags[] = {
    {"--agency", "NAME", "its name or id", &agency_name},
    {"--month", "MONTH", "generate-monthly and show: YYYY-MM, for show also YYYY-MM@VERSION", &month_text},
    {"--format", "FORMAT", "show and diff: table or csv (default table)", &format_text},
    {"--dry-run", NULL, "generate-monthly: work it out, print it, write nothing", &is_dry},
    {0},
};

/* A month at a version, and what it says. */
struct snapshot {
    const char *text;
    civil_date month;
    int32_t version;      /* 0: the newest */
    struct kpi_version at;
    bool found;
    struct kpi_row *rows;
    size_t n;
};

struct work {
    struct office office;
    bool csv;
    struct snapshot a, b;
    struct kpi_name *names;
    size_t n_names;
    struct kpi_cause *causes;
    size_t n_causes;
};

/* ---- words ---------------------------------------------------------------------------------------------------- */

static bool read_month(const char *text, bool versioned, struct snapshot *out) {
    char month[8] = "";
    const char *at = strchr(text, '@');
    size_t len = at ? (size_t)(at - text) : strlen(text);
    char *end = NULL;
    long version = at ? strtol(at + 1, &end, 10) : 0;
    bool good = len == 7 && (!at || (versioned && at[1] && !*end && version >= 1 && version <= INT32_MAX));
    if (good) memcpy(month, text, 7);
    good = good && err_is_ok(kpi_month_parse(month, &out->month));
    out->text = text;
    out->version = (int32_t)version;
    if (!good) cli_usage("'%.40s' is no month: YYYY-MM%s", text, versioned ? " or YYYY-MM@VERSION" : "");
    return good;
}

static bool read_format(bool *csv) {
    *csv = format_text && strcmp(format_text, "csv") == 0;
    if (!format_text || *csv || strcmp(format_text, "table") == 0) return true;
    cli_usage("--format is table or csv");
    return false;
}

/* ---- printing ------------------------------------------------------------------------------------------------- */

static void print_digest(const hash256 *digest) {
    char text[65];
    bytes_hex(BYTES_OF(digest), text);
    printf("digest %s\n", text);
}

static void print_csv(const struct snapshot *snapshot) {
    char line[KPI_LINE_MAX];
    fwrite(line, 1, kpi_head(line), stdout);
    for (size_t i = 0; i < snapshot->n; i++) fwrite(line, 1, kpi_line(snapshot->month, &snapshot->rows[i], line), stdout);
}

static const char *name_of(const struct work *work, uuid id, const char *otherwise) {
    for (size_t i = 0; i < work->n_names; i++) {
        if (uuid_equal(work->names[i].id, id)) return (const char *)work->names[i].name.data;
    }
    return otherwise;
}

static const char *money_of(const struct kpi_key *key, int64_t minor) {
    static char texts[4][MONEY_TEXT_SIZE];
    static unsigned next;
    char *text = texts[next++ % 4];
    money_format((struct money){.minor = minor, .currency = key->currency}, text);
    return text;
}

static const char *percent_of(struct kpi_rate rate) {
    static char texts[4][32];
    static unsigned next;
    char *text = texts[next++ % 4];
    long long bp = (long long)rate.bp, whole = bp / 100, rest = bp % 100 < 0 ? -(bp % 100) : bp % 100;
    if (rate.is) snprintf(text, sizeof texts[0], "%s%lld.%02lld%%", bp < 0 && whole == 0 ? "-" : "", whole, rest);
    else snprintf(text, sizeof texts[0], "-");
    return text;
}

static void print_key(const struct work *work, const struct kpi_key *key) {
    printf("%-16.16s %-20.20s %-3s %-12s %-3s", name_of(work, key->team.u, "-"), name_of(work, key->collector.u, "-"),
           key->currency.code, key->load_type == KPI_NO_LOAD ? "-" : load_type_name(key->load_type),
           key->bucket == KPI_NO_BUCKET ? "-" : bucket_name((enum bucket)key->bucket));
}

static void print_row(const struct work *work, const struct kpi_row *row) {
    struct kpi_rates rates = kpi_rates(row);
    const int64_t *v = row->value;
    print_key(work, &row->key);
    printf(" %8lld %20s %20s %8s", (long long)v[KPI_ASSIGNED_ACCOUNTS], money_of(&row->key, v[KPI_ASSIGNED_MINOR]),
           money_of(&row->key, rates.net_minor), percent_of(rates.recovery));
    printf(" %7lld %7lld %8s %7lld %8s", (long long)v[KPI_VISITS_PLANNED], (long long)v[KPI_VISITS_DONE], percent_of(rates.contact),
           (long long)v[KPI_PROMISES_MADE], percent_of(rates.kept));
    printf(" %8lld %8s %16s %16s", (long long)v[KPI_RECEIPTS], percent_of(rates.voids), money_of(&row->key, v[KPI_CASH_SHORT_MINOR]),
           money_of(&row->key, v[KPI_CASH_AGED_MINOR]));
    printf(" %5lld %5lld %18s\n", (long long)v[KPI_ROLLED_FORWARD], (long long)v[KPI_ROLLED_BACK],
           money_of(&row->key, v[KPI_BONUS_MINOR]));
}

static void print_table(const struct work *work, const struct snapshot *snapshot) {
    printf("%-16s %-20s %-3s %-12s %-3s %8s %20s %20s %8s %7s %7s %8s %7s %8s %8s %8s %16s %16s %5s %5s %18s\n", "team", "collector",
           "", "load", "", "accounts", "assigned", "net collected", "rate", "planned", "done", "contact", "promise", "kept", "receipts",
           "void", "cash short", "cash aged", "fwd", "back", "bonus");
    for (size_t i = 0; i < snapshot->n; i++) print_row(work, &snapshot->rows[i]);
}

/* ---- generate-monthly ----------------------------------------------------------------------------------------- */

static tagih_err generate(struct tx *tx, void *context) {
    struct work *work = context;
    struct kpi_taken taken;
    arena_reset(&work->office.arena);
    TRY(kpi_generate(tx, &work->office.arena, work->office.writer, work->a.month, clock_now(), &taken));
    work->a.rows = taken.rows;
    work->a.n = taken.n;
    work->a.at = taken.version;
    work->a.found = taken.changed;
    return TAGIH_OK;
}

/* The same to the last byte, and taken back. */
static tagih_err generate_dry(struct work *work) {
    struct tx_options options = office_tx(&work->office, "kpi", SECONDS_MAX);
    DEFER(tx) struct tx tx;
    tx_begin(&tx, &work->office.db, &options);
    TRY(generate(&tx, work));
    return tx_sync(&tx);
}

static bool is_over(const struct work *work) {
    return date_month(work->office.today).days > work->a.month.days;
}

static enum cli_exit run_generate(struct work *work) {
    if (!month_text) return cli_usage("--month is missing");
    if (!read_month(month_text, false, &work->a)) return CLI_USAGE;
    if (!is_dry && !is_over(work)) return cli_usage("%.7s is not over: --dry-run shows how it stands", month_text);
    struct tx_options options = office_tx(&work->office, "kpi", SECONDS_MAX);
    tagih_err err = is_dry ? generate_dry(work) : tx_run(&work->office.db, &options, generate, work);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    const struct kpi_version *at = &work->a.at;
    printf("%s version %d: %zu rows, %s\n", month_text, at->version, work->a.n,
           !work->a.found ? "nothing has changed" : is_dry ? "not written" : at->version == 1 ? "written" : "adjustments written");
    print_digest(&at->digest);
    return CLI_OK;
}

/* ---- show and diff -------------------------------------------------------------------------------------------- */

static tagih_err load_snapshot(struct tx *tx, struct work *work, struct snapshot *out) {
    struct kpi_version *versions;
    size_t n;
    TRY(kpi_load_versions(tx, &work->office.arena, out->month, false, &versions, &n));
    int32_t wanted = out->version ? out->version : (int32_t)n;
    out->found = n > 0 && (size_t)wanted <= n;
    if (!out->found) return TAGIH_OK;
    out->at = versions[wanted - 1];
    return kpi_load_rows(tx, &work->office.arena, out->month, wanted, &out->rows, &out->n);
}

static tagih_err load(struct tx *tx, void *context) {
    struct work *work = context;
    arena_reset(&work->office.arena);
    TRY(load_snapshot(tx, work, &work->a));
    if (work->b.text) TRY(load_snapshot(tx, work, &work->b));
    TRY(kpi_load_causes(tx, &work->office.arena, work->a.month, &work->causes, &work->n_causes));
    return kpi_load_names(tx, &work->office.arena, &work->names, &work->n_names);
}

static enum cli_exit load_all(struct work *work) {
    struct tx_options options = office_tx(&work->office, "kpi", 60);
    options.read_only = true;
    tagih_err err = tx_run(&work->office.db, &options, load, work);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    const struct snapshot *missing = !work->a.found ? &work->a : work->b.text && !work->b.found ? &work->b : NULL;
    return missing ? cli_failed("there is no snapshot %s", missing->text) : CLI_OK;
}

/* A stored digest that its rows do not give is told: somebody has changed them. */
static enum cli_exit check(const struct snapshot *snapshot) {
    hash256 now = kpi_digest(snapshot->month, snapshot->rows, snapshot->n);
    if (bytes_equal(BYTES_OF(&now), BYTES_OF(&snapshot->at.digest))) return CLI_OK;
    return cli_failed("the rows of %s do not give its digest: they were changed", snapshot->text);
}

static enum cli_exit run_show(struct work *work) {
    if (!month_text) return cli_usage("--month is missing");
    if (!read_month(month_text, true, &work->a)) return CLI_USAGE;
    enum cli_exit code = load_all(work);
    if (code != CLI_OK) return code;
    if (work->csv) {
        print_csv(&work->a);
        return check(&work->a);
    }
    print_table(work, &work->a);
    printf("\nversion %d\n", work->a.at.version);
    print_digest(&work->a.at.digest);
    for (size_t i = 0; i < work->n_causes; i++) {
        const struct kpi_cause *cause = &work->causes[i];
        if (cause->version > work->a.at.version) continue;
        printf("adjusted in version %d: %lld × %s\n", cause->version, (long long)cause->facts, (const char *)cause->fact.data);
    }
    return check(&work->a);
}

static int64_t value_of(const struct kpi_row *row, int figure) {
    return row ? row->value[figure] : 0;
}

static void print_pair(const struct work *work, const struct kpi_pair *pair) {
    const struct kpi_key *key = pair->a ? &pair->a->key : &pair->b->key;
    for (int f = 1; f < KPI_FIGURE_END; f++) {
        long long a = value_of(pair->a, f), b = value_of(pair->b, f);
        if (a == b) continue;
        if (work->csv) {
            char team[UUID_TEXT_SIZE] = "", collector[UUID_TEXT_SIZE] = "";
            if (!uuid_is_nil(key->team.u)) uuid_format(key->team.u, team);
            if (!uuid_is_nil(key->collector.u)) uuid_format(key->collector.u, collector);
            printf("%s,%s,%s,%s,%s,%s,%lld,%lld,%lld\n", team, collector, key->currency.code,
                   key->load_type == KPI_NO_LOAD ? "" : load_type_name(key->load_type),
                   key->bucket == KPI_NO_BUCKET ? "" : bucket_name((enum bucket)key->bucket), kpi_figure_name(f), a, b, b - a);
            continue;
        }
        print_key(work, key);
        printf(" %-32s %20lld %20lld %20lld\n", kpi_figure_name(f), a, b, b - a);
    }
}

static enum cli_exit run_diff(struct work *work, const char *a, const char *b) {
    if (!read_month(a, true, &work->a) || !read_month(b, true, &work->b)) return CLI_USAGE;
    enum cli_exit code = load_all(work);
    if (code != CLI_OK) return code;
    struct kpi_pair *pairs = calloc(work->a.n + work->b.n + 1, sizeof *pairs);
    if (!pairs) return cli_failed("no memory");
    size_t n = kpi_diff(work->a.rows, work->a.n, work->b.rows, work->b.n, pairs);
    if (work->csv) printf("team_id,collector_id,currency,load_type,bucket,figure,%s,%s,difference\n", a, b);
    for (size_t i = 0; i < n; i++) print_pair(work, &pairs[i]);
    if (!work->csv) printf("%zu keys differ\n", n);
    free(pairs);
    return CLI_OK;
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

static enum cli_exit run_one(const struct cli *cli, struct work *work) {
    const char *what = cli->n_args ? cli->args[0] : "";
    if (cli->n_args == 1 && strcmp(what, "generate-monthly") == 0) return run_generate(work);
    if (cli->n_args == 1 && strcmp(what, "show") == 0) return run_show(work);
    if (cli->n_args == 3 && strcmp(what, "diff") == 0) return run_diff(work, cli->args[1], cli->args[2]);
    return cli_usage("kpi does generate-monthly, show, or diff MONTH MONTH");
}

static enum cli_exit run_kpi(const struct cli *cli) {
    struct work *work = calloc(1, sizeof *work);
    if (!work) return cli_failed("no memory");
    enum cli_exit code = read_format(&work->csv) ? office_open(cli, agency_name, &work->office) : CLI_USAGE;
    if (code == CLI_OK) code = run_one(cli, work);
    office_close(&work->office);
    free(work);
    return code;
}

const struct cli_command cli_kpi = {
    .name = "kpi",
    .words = "--agency A generate-monthly --month M [--dry-run] | show --month M[@V] | diff M[@V] M[@V]",
    .summary = "A month's figures: take the snapshot, show it, compare two",
    .text = "generate-monthly writes a month's figures once, and later only what facts known since have changed, with their\n"
            "causes; a re-run without such facts writes nothing and gives the same digest. show prints a month as a table, or\n"
            "with --format csv as the text whose SHA-256 is the digest. M@V is a month as it was known with version V.",
    .flags = flags,
    .run = run_kpi};
