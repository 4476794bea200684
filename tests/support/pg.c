/* SPDX-License-Identifier: Apache-2.0 */
/* A database for each spec; names carry the process id, so specs may run side by side. */
#include "tests/support/pg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *cluster(void) {
    const char *conninfo = getenv("TAGIH_TEST_PG");
    if (!conninfo) fail_msg("TAGIH_TEST_PG names no cluster: run ./build.sh test, or tests/support/pg_cluster.sh start test");
    return conninfo;
}

static PGconn *connect_to(const char *conninfo) {
    const char *const keys[] = {"dbname", "application_name", "options", NULL};
    const char *const values[] = {conninfo, "spec", "-c client_min_messages=warning", NULL};
    PGconn *conn = PQconnectdbParams(keys, values, 1);
    if (PQstatus(conn) != CONNECTION_OK) fail_msg("%s", PQerrorMessage(conn));
    return conn;
}

static void run(PGconn *conn, const char *sql) {
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail_msg("%s\n%s", PQerrorMessage(conn), sql);
    PQclear(result);
}

static void run_on_cluster(const char *sql) {
    PGconn *conn = connect_to(cluster());
    run(conn, sql);
    PQfinish(conn);
}

void pg_create(struct pg *pg, const char *template_) {
    static int count;
    char sql[256];
    snprintf(pg->name, sizeof pg->name, "spec_%d_%d", (int)getpid(), ++count);
    snprintf(sql, sizeof sql, "create database %s template %s", pg->name, template_ ? template_ : "template0");
    run_on_cluster(sql);
    snprintf(pg->conninfo, sizeof pg->conninfo, "%s dbname=%s", cluster(), pg->name);
    pg->admin = connect_to(pg->conninfo);
}

void pg_drop(struct pg *pg) {
    char sql[128];
    PQfinish(pg->admin);
    pg->admin = NULL;
    snprintf(sql, sizeof sql, "drop database %s with (force)", pg->name);
    run_on_cluster(sql);
}

void pg_exec(struct pg *pg, const char *sql) {
    run(pg->admin, sql);
}

const char *pg_value(struct pg *pg, const char *sql) {
    static char value[4096];
    PGresult *result = PQexec(pg->admin, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) fail_msg("%s\n%s", PQerrorMessage(pg->admin), sql);
    snprintf(value, sizeof value, "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return value;
}

long long pg_number(struct pg *pg, const char *sql) {
    return strtoll(pg_value(pg, sql), NULL, 10);
}

void pg_conninfo_as(const struct pg *pg, const char *user, char *out, size_t size) {
    snprintf(out, size, "%s user=%s", pg->conninfo, user);
}
