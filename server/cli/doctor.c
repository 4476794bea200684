/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd doctor: looks at everything that a start needs and prints one line a thing, "ok" or "fix" with what
 * to do. It changes nothing. A check returns true when its thing is in order.
 */
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/pages.h"
#include "server/cli/commands.h"
#include "server/run/clock.h"
#include "server/run/keys.h"
#include "server/run/log.h"
#include "store/migrate.h"
#include "store/partition.h"

/* The clocks of server and database may lie this far apart before value dates suffer (R-TIM-3 flags 5
 * minutes). */
#define CLOCK_APART_MAX_US (2 * US_PER_S)

static bool tell(bool fine, const char *what, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool tell(bool fine, const char *what, const char *format, ...) {
    printf("%-4s %-9s ", fine ? "ok" : "fix", what);
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    return fine;
}

static bool check_config(const struct config *config) {
    enum log_level level;
    if (!*config->listen && !*config->socket) {
        return tell(false, "config",
                    "nobody can call: set TAGIH_SOCKET (behind the edge), TAGIH_LISTEN (TLS), or both");
    }
    if (!log_level_parse(config->log, &level))
        return tell(false, "config", "TAGIH_LOG is debug, info, warn or error");
    if (*config->admin && !net_pages_address_is_local(config->admin))
        return tell(false, "config", "TAGIH_ADMIN is 127.0.0.1:port or [::1]:port: what it shows is for this machine alone");
    return tell(true, "config", "listens on %s%s%s, %lld workers", config->listen,
                *config->listen && *config->socket ? " and " : "", config->socket,
                (long long)config->workers);
}

static bool check_keys(const struct config *config) {
    struct keyring ring;
    struct keys_problem problem;
    if (!err_is_ok(keys_load(config->keys_dir, &ring, &problem)))
        return tell(false, "keys", "%s", problem.text);
    bool fine = true;
    for (int p = 0; p < KEY_PURPOSE_COUNT; p++) {
        if (keyring_signing(&ring, (enum key_purpose)p)) continue;
        const char *name = key_purpose_name((enum key_purpose)p);
        fine = tell(false, "keys", "none signs for %s: run `tagihd key new %s`", name, name);
    }
    if (fine) tell(true, "keys", "%zu in %s, one signs for each purpose", ring.count, config->keys_dir);
    keyring_release(&ring);
    return fine;
}

/* What the database says of itself, by plain queries: statements cannot be prepared before the schema is
 * right. */
static bool query_one(PGconn *conn, const char *show, char out[64]) {
    PGresult *result = PQexec(conn, show);
    bool fine = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
    if (fine) snprintf(out, 64, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return fine;
}

static bool check_settings(PGconn *conn) {
    static const char *const must_be_on[] = {"fsync", "full_page_writes", "synchronous_commit"};
    bool fine = true;
    for (size_t i = 0; i < sizeof must_be_on / sizeof must_be_on[0]; i++) {
        char show[48], value[64] = "unknown";
        snprintf(show, sizeof show, "show %s", must_be_on[i]);
        query_one(conn, show, value);
        bool loses =
            strcmp(value, "off") == 0 || strcmp(value, "unknown") == 0 || strcmp(value, "local") == 0;
        if (loses)
            fine =
                tell(false, "settings", "%s is %s: a commit could be lost; set it on", must_be_on[i], value);
    }
    char checksums[64] = "unknown";
    query_one(conn, "show data_checksums", checksums);
    return fine && tell(true, "settings", "commits are durable; data checksums are %s", checksums);
}

static bool check_schema(struct db *db) {
    tagih_err err = migrate_check(db, &migrations_embedded);
    if (!err_is_ok(err)) return tell(false, "schema", "%s", err_text(err));
    return tell(true, "schema", "version %d", migrate_version(&migrations_embedded));
}

static bool check_partitions(struct db *db) {
    struct partition_figures figures;
    if (!err_is_ok(partition_figures(db, &figures))) return tell(false, "months", "the database did not tell");
    if (figures.months_ahead < 1)
        return tell(false, "months",
                    "tables of months are missing: %s is not there; the server's minute or `tagihd migrate` makes them",
                    figures.months_ahead < 0 ? "this month's" : "the next month's");
    if (figures.rows_astray)
        return tell(false, "months",
                    "%lld rows wait for a table of their month: is a clock off? `tagihd migrate` moves them",
                    (long long)figures.rows_astray);
    return tell(true, "months", "tables are ready for %lld months to come", (long long)figures.months_ahead);
}

static bool check_clock(PGconn *conn) {
    char text[64];
    int64_t before = clock_now().us;
    if (!query_one(conn, "select (extract(epoch from clock_timestamp()) * 1000000)::bigint", text)) {
        return tell(false, "clock", "the database did not tell its time");
    }
    long long theirs = 0;
    if (sscanf(text, "%lld", &theirs) != 1) return tell(false, "clock", "the database's time is unreadable");
    int64_t apart = theirs - (before + clock_now().us) / 2, size = apart < 0 ? -apart : apart;
    if (size > CLOCK_APART_MAX_US || !instant_is_sane((instant){before})) {
        return tell(false, "clock", "the database is %lld ms off; run a time service on both",
                    (long long)(apart / US_PER_MS));
    }
    return tell(true, "clock", "%lld ms from the database's", (long long)(apart / US_PER_MS));
}

static bool check_database(const struct config *config) {
    if (!*config->database_url) return tell(false, "database", "set TAGIH_DATABASE_URL");
    DEFER(db) struct db db = {0};
    tagih_err err =
        db_open_raw(&db, &(struct db_options){.conninfo = config->database_url, .worker = "doctor"});
    if (!err_is_ok(err))
        return tell(false, "database", "nobody answers at TAGIH_DATABASE_URL, or not to this user");
    char version[64] = "unknown";
    query_one(db.conn, "show server_version", version);
    bool fine = tell(true, "database", "PostgreSQL %s, as %s", version, PQuser(db.conn));
    fine &= check_settings(db.conn);
    fine &= check_schema(&db) && check_partitions(&db);
    return check_clock(db.conn) && fine;
}

static bool certificate_ends_soon(const char *path, bool *readable) {
    FILE *file = fopen(path, "re");
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file) fclose(file);
    *readable = certificate != NULL;
    int days = 0, seconds = 0;
    if (certificate) ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate));
    X509_free(certificate);
    return days < 7;
}

static bool check_tls(const struct config *config) {
    if (!*config->listen) return tell(true, "tls", "no TCP listener; the edge holds the certificate");
    if (!*config->tls_cert && !*config->tls_key) {
        return tell(true, "tls", "the dev CA in %s; give TAGIH_TLS_CERT and TAGIH_TLS_KEY in production",
                    config->state_dir);
    }
    bool readable;
    bool soon = certificate_ends_soon(config->tls_cert, &readable);
    if (!readable) return tell(false, "tls", "%s is no certificate that can be read", config->tls_cert);
    if (soon)
        return tell(false, "tls", "%s ends within 7 days: renew it, then send SIGHUP", config->tls_cert);
    if (access(config->tls_key, R_OK) != 0) return tell(false, "tls", "%s cannot be read", config->tls_key);
    struct stat st;
    if (stat(config->tls_key, &st) == 0 && (st.st_mode & 007)) {
        return tell(false, "tls", "%s can be read by everybody: chmod o= and renew it", config->tls_key);
    }
    return tell(true, "tls", "%s", config->tls_cert);
}

static enum cli_exit run(const struct cli *cli) {
    if (cli->n_args) return cli_usage("doctor takes no words");
    bool fine = check_config(cli->config);
    fine &= check_keys(cli->config);
    fine &= check_tls(cli->config);
    fine &= check_database(cli->config);
    return fine ? CLI_OK : CLI_FAILED;
}

const struct cli_command cli_doctor = {
    .name = "doctor",
    .words = "",
    .summary = "Look at settings, keys, TLS, database, schema and clock; say what to fix",
    .text =
        "Prints one line a thing, \"ok\" or \"fix\", and changes nothing. Exit code 1 when there is "
        "something to fix.",
    .run = run};
