/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The template database, the server in this process, and calls with their answers taken apart. The template's name is
 * made of the migrations' text: an edited migration makes another one, and old ones are dropped. Whoever makes it
 * holds a lock on the cluster, so specs may start side by side.
 */
#include "tests/support/rig.h"

#include <ftw.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract.h"
#include "rpc/services.h"
#include "server/run/clock.h"
#include "server/run/log.h"
#include "server/run/random.h"
#include "store/migrate.h"
#include "tests/support/case.h"

struct rig_kept {
    struct rig_kept *next;
    ProtobufCMessage *message;
};

/* ---- the template --------------------------------------------------------------------------------------------- */

static void template_name(char out[64]) {
    crypto_hash_sha256_state state;
    uint8_t hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof hash + 1];
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < migrations_embedded.count; i++) {
        const char *text = migrations_embedded.rows[i].text;
        crypto_hash_sha256_update(&state, (const uint8_t *)text, strlen(text) + 1);
    }
    crypto_hash_sha256_final(&state, hash);
    bytes_hex(bytes_make(hash, sizeof hash), hex);
    snprintf(out, 64, "spec_template_%.16s", hex);
}

static void cluster_exec(PGconn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void cluster_exec(PGconn *conn, const char *format, ...) {
    char sql[512];
    va_list args;
    va_start(args, format);
    vsnprintf(sql, sizeof sql, format, args);
    va_end(args);
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail_msg("%s\n%s", PQerrorMessage(conn), sql);
    PQclear(result);
}

static bool cluster_has(PGconn *conn, const char *name) {
    const char *const values[] = {name};
    PGresult *result = PQexecParams(conn, "select 1 from pg_database where datname = $1", 1, NULL, values, NULL, NULL, 0);
    bool found = PQntuples(result) == 1;
    PQclear(result);
    return found;
}

/* Made under another name and renamed when it is whole: a run that was killed leaves nothing that looks finished. */
static void template_make(PGconn *conn, const char *cluster, const char *name) {
    char conninfo[1200];
    cluster_exec(conn, "drop database if exists spec_template_making with (force)");
    cluster_exec(conn, "create database spec_template_making template template0");
    snprintf(conninfo, sizeof conninfo, "%s dbname=spec_template_making", cluster);
    assert_ok(migrate_run(&(struct migrate_options){.conninfo = conninfo, .report = log_line,
                                                      .context = (void *)(uintptr_t) "migrate"}));
    cluster_exec(conn, "alter database spec_template_making rename to %s", name);
}

static void template_drop_old(PGconn *conn, const char *name) {
    PGresult *result = PQexec(conn, "select datname from pg_database where datname like 'spec\\_template\\_%'");
    for (int i = 0; i < PQntuples(result); i++) {
        const char *old = PQgetvalue(result, i, 0);
        if (strcmp(old, name) != 0) cluster_exec(conn, "drop database if exists %s with (force)", old);
    }
    PQclear(result);
}

/* The lock is kept while the clone is made: CREATE DATABASE refuses a template that somebody else is cloning. */
static void clone_template(struct pg *pg) {
    const char *cluster = getenv("TAGIH_TEST_PG");
    if (!cluster) fail_msg("TAGIH_TEST_PG names no cluster: run ./build.sh test, or tests/support/pg_cluster.sh start test");
    char name[64];
    template_name(name);
    PGconn *conn = PQconnectdb(cluster);
    if (PQstatus(conn) != CONNECTION_OK) fail_msg("%s", PQerrorMessage(conn));
    cluster_exec(conn, "set client_min_messages = warning");
    cluster_exec(conn, "select pg_advisory_lock(hashtext('tagih spec template'))");
    if (!cluster_has(conn, name)) {
        template_drop_old(conn, name);
        template_make(conn, cluster, name);
    }
    pg_create(pg, name);
    PQfinish(conn);
}

/* ---- the server ----------------------------------------------------------------------------------------------- */

static void make_folder(struct rig *rig) {
    snprintf(rig->folder, sizeof rig->folder, "/tmp/tagih-rig.XXXXXX");
    if (!mkdtemp(rig->folder)) fail_msg("no temporary folder");
    snprintf(rig->keys_dir, sizeof rig->keys_dir, "%s/keys", rig->folder);
    snprintf(rig->state_dir, sizeof rig->state_dir, "%s/state", rig->folder);
    snprintf(rig->socket, sizeof rig->socket, "%s/tagih.sock", rig->folder);
    snprintf(rig->log_path, sizeof rig->log_path, "%s/log", rig->folder);
    FILE *log = fopen(rig->log_path, "a");
    if (!log) fail_msg("no log file");
    log_open(dup(fileno(log)), LOG_INFO);
    fclose(log);
}

static void make_keys(struct rig *rig) {
    struct keys_problem problem;
    for (int purpose = 0; purpose < KEY_PURPOSE_COUNT; purpose++) {
        struct key key;
        assert_ok(keys_create(rig->keys_dir, (enum key_purpose)purpose, clock_now(), &key, &problem));
    }
    assert_ok(keys_load(rig->keys_dir, &rig->keys, &problem));
}

static void make_config(struct rig *rig, void (*tune)(struct config *config)) {
    static char *const no_environment[] = {NULL};
    struct config_problem problem;
    int none = 0;
    assert_ok(config_read(NULL, &none, no_environment, NULL, &rig->config, &problem));
    pg_conninfo_as(&rig->pg, "tagih_app", rig->app_conninfo, sizeof rig->app_conninfo);
    snprintf(rig->listen, sizeof rig->listen, "127.0.0.1:0");
    rig->config.database_url = rig->app_conninfo;
    rig->config.listen = rig->listen;
    rig->config.socket = rig->socket;
    rig->config.keys_dir = rig->keys_dir;
    rig->config.state_dir = rig->state_dir;
    rig->config.workers = 2;
    rig->config.calls_per_s = 0;
    if (tune) tune(&rig->config);
}

struct client *rig_connect(struct rig *rig) {
    char target[128], ca[128];
    snprintf(target, sizeof target, "localhost:%d", service_port(rig->service));
    snprintf(ca, sizeof ca, "%s/ca.pem", rig->state_dir);
    return client_open(target, ca);
}

static void serve(struct rig *rig) {
    char target[128];
    tagih_err err = service_open(&rig->config, &rig->service);
    if (!err_is_ok(err)) fail_msg("the server did not open: %s; its log is %s", err_name(err), rig->log_path);
    rig->tls = rig_connect(rig);
    snprintf(target, sizeof target, "unix:%s", rig->socket);
    rig->edge = client_open(target, NULL);
}

static void read_installation(struct rig *rig) {
    const char *hex = pg_value(&rig->pg, "select replace(installation_id::text, '-', '') from installation");
    assert_ok(bytes_unhex(hex, rig->installation.b, sizeof rig->installation.b));
}

void rig_open(struct rig *rig, void (*tune)(struct config *config)) {
    *rig = (struct rig){0};
    assert_ok(random_open());
    pthread_mutex_init(&rig->lock, NULL);
    make_folder(rig);
    clone_template(&rig->pg);
    read_installation(rig);
    make_keys(rig);
    make_config(rig, tune);
    serve(rig);
}

void rig_stop(struct rig *rig) {
    if (!rig->service) return; /* stopped already, or never opened: that was reported */
    client_close(rig->tls);
    client_close(rig->edge);
    service_drain(rig->service);
    service_close(rig->service);
    rig->service = NULL;
}

void rig_restart(struct rig *rig) {
    rig_stop(rig);
    serve(rig);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at) {
    (void)info, (void)type, (void)at;
    return remove(path);
}

void rig_forget(const struct rig *rig) {
    if (*rig->folder) nftw(rig->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void rig_close(struct rig *rig) {
    rig_stop(rig);
    while (rig->kept) {
        struct rig_kept *kept = rig->kept;
        rig->kept = kept->next;
        protobuf_c_message_free_unpacked(kept->message, NULL);
        free(kept);
    }
    keyring_release(&rig->keys);
    if (rig->pg.admin) pg_drop(&rig->pg);
    log_open(STDERR_FILENO, LOG_INFO);
    rig_forget(rig);
    pthread_mutex_destroy(&rig->lock);
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

/* The response's type of "Service/Method"; NULL when there is no such method. */
static const ProtobufCMessageDescriptor *response_type(const char *method) {
    const char *slash = strchr(method, '/');
    for (size_t i = 0; slash && rpc_services[i]; i++) {
        const ProtobufCServiceDescriptor *service = rpc_services[i]->proto;
        if (strlen(service->short_name) != (size_t)(slash - method)) continue;
        if (strncmp(service->short_name, method, (size_t)(slash - method)) != 0) continue;
        const ProtobufCMethodDescriptor *found = protobuf_c_service_descriptor_get_method_by_name(service, slash + 1);
        return found ? found->output : NULL;
    }
    return NULL;
}

static void *keep(struct rig *rig, ProtobufCMessage *message) {
    struct rig_kept *kept = malloc(sizeof *kept);
    if (!message || !kept) fail_msg("the response is not of its type");
    pthread_mutex_lock(&rig->lock);
    *kept = (struct rig_kept){rig->kept, message};
    rig->kept = kept;
    pthread_mutex_unlock(&rig->lock);
    return message;
}

static void read_info(const Google__Protobuf__Any *any, struct rig_answer *out) {
    Google__Rpc__ErrorInfo *info = google__rpc__error_info__unpack(NULL, any->value.len, any->value.data);
    assert_non_null(info);
    assert_string_equal(info->domain, "tagih");
    snprintf(out->reason, sizeof out->reason, "%s", info->reason);
    if (info->n_metadata) snprintf(out->token, sizeof out->token, "%s", info->metadata[0]->value);
    google__rpc__error_info__free_unpacked(info, NULL);
}

static void read_violation(const Google__Protobuf__Any *any, struct rig_answer *out) {
    Google__Rpc__BadRequest *bad = google__rpc__bad_request__unpack(NULL, any->value.len, any->value.data);
    assert_non_null(bad);
    if (bad->n_field_violations) snprintf(out->field, sizeof out->field, "%s", bad->field_violations[0]->field);
    google__rpc__bad_request__free_unpacked(bad, NULL);
}

static void read_retry(const Google__Protobuf__Any *any, struct rig_answer *out) {
    Google__Rpc__RetryInfo *retry = google__rpc__retry_info__unpack(NULL, any->value.len, any->value.data);
    assert_non_null(retry);
    out->retry_after_us = retry->retry_delay->seconds * US_PER_S + retry->retry_delay->nanos / 1000;
    google__rpc__retry_info__free_unpacked(retry, NULL);
}

static void read_details(struct bytes details, struct rig_answer *out) {
    if (details.len == 0) return;
    Google__Rpc__Status *status = google__rpc__status__unpack(NULL, details.len, details.data);
    assert_non_null(status);
    assert_int_equal(status->code, out->status);
    for (size_t i = 0; i < status->n_details; i++) {
        const char *type = strrchr(status->details[i]->type_url, '/');
        assert_non_null(type);
        if (strcmp(type, "/google.rpc.ErrorInfo") == 0) read_info(status->details[i], out);
        if (strcmp(type, "/google.rpc.BadRequest") == 0) read_violation(status->details[i], out);
        if (strcmp(type, "/google.rpc.RetryInfo") == 0) read_retry(status->details[i], out);
    }
    google__rpc__status__free_unpacked(status, NULL);
}

static struct rig_answer answer_of(struct rig *rig, const char *method, struct client_reply *reply) {
    struct rig_answer out = {.status = reply->status, .response_bytes = reply->body_len};
    snprintf(out.message, sizeof out.message, "%s", reply->message);
    read_details(bytes_make(reply->details, reply->details_len), &out);
    if (reply->status == CALL_OK) {
        const ProtobufCMessageDescriptor *type = response_type(method);
        assert_non_null(type);
        snprintf(out.reason, sizeof out.reason, "OK");
        out.response = keep(rig, protobuf_c_message_unpack(type, NULL, reply->body_len, reply->body));
    }
    client_reply_release(reply);
    return out;
}

struct rig_answer rig_call_with(struct rig *rig, const char *method, const void *request,
                                const struct rig_call_options *options) {
    char path[128], bearer[RIG_TOKEN_SIZE + 8];
    snprintf(path, sizeof path, "/tagih.v1.%s", method);
    snprintf(bearer, sizeof bearer, "Bearer %s", options->token ? options->token : "");
    struct client_header header = {"authorization", bytes_text(bearer)};
    struct client_options sent = {.timeout_us = options->timeout_us, .headers = &header, .header_count = options->token != NULL};
    uint8_t *packed = NULL;
    struct bytes body = options->raw ? *options->raw : (struct bytes){NULL, 0};
    if (!options->raw) {
        packed = malloc(protobuf_c_message_get_packed_size(request) + 1);
        assert_non_null(packed);
        body = bytes_make(packed, protobuf_c_message_pack(request, packed));
    }
    struct rig_answer out;
    do {
        struct client *client = options->via ? options->via : options->edge ? rig->edge : rig->tls;
        struct client_reply reply = client_unary(client, path, body, &sent);
        out = answer_of(rig, method, &reply);
    } while (out.status != CALL_OK && rig->again && rig->again(rig, &out));
    free(packed);
    return out;
}

struct rig_answer rig_call(struct rig *rig, const char *token, const char *method, const void *request) {
    return rig_call_with(rig, method, request, &(struct rig_call_options){.token = token});
}
