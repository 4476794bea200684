/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters and servers as processes of their own. */
#include "tests/support/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/run/clock.h"
#include "tests/support/case.h"

extern char **environ;

static char cluster_script[512];

/* What is there to be swept away when the program is told to end. */
#define LIVE_MAX 8
static _Atomic pid_t live_pids[LIVE_MAX];
static const struct cluster *live_clusters[LIVE_MAX];

static void pid_begins(pid_t pid) {
    for (int i = 0; i < LIVE_MAX; i++) {
        pid_t none = 0;
        if (atomic_compare_exchange_strong(&live_pids[i], &none, pid)) return;
    }
}

static void pid_ends(pid_t pid) {
    for (int i = 0; i < LIVE_MAX; i++) {
        pid_t its = pid;
        if (atomic_compare_exchange_strong(&live_pids[i], &its, 0)) return;
    }
}

void pause_us(int64_t us) {
    struct timespec left = {.tv_sec = us / US_PER_S, .tv_nsec = us % US_PER_S * 1000};
    while (nanosleep(&left, &left) != 0) continue;
}

/* ---- clusters ------------------------------------------------------------------------------------------------- */

/* Run pg_cluster.sh; the first line that it prints. */
static void run_script(const struct cluster *cluster, const char *verb, char *line, size_t size) {
    char command[700];
    snprintf(command, sizeof command, "%s %s %s %s", cluster_script, verb, cluster->purpose, cluster->of ? cluster->of : "");
    FILE *out = popen(command, "r");
    if (!out) fail_msg("cannot run %s", command);
    if (!fgets(line, (int)size, out)) *line = '\0';
    if (pclose(out) != 0) fail_msg("%s failed", command);
}

static void relink(const struct cluster *cluster, const char *conninfo) {
    char folder[256], next[128];
    if (sscanf(conninfo, "host=%255s", folder) != 1) fail_msg("no host in '%s'", conninfo);
    snprintf(next, sizeof next, "%s.next", cluster->link);
    unlink(next);
    if (symlink(folder, next) != 0 || rename(next, cluster->link) != 0) fail_msg("cannot link %s", folder);
}

static void cluster_name(struct cluster *cluster, const char *purpose) {
    *cluster = (struct cluster){.purpose = purpose};
    snprintf(cluster->folder, sizeof cluster->folder, "/tmp/tagih-link.XXXXXX");
    if (!mkdtemp(cluster->folder)) fail_msg("no temporary folder");
    snprintf(cluster->link, sizeof cluster->link, "%s/pg", cluster->folder);
    snprintf(cluster->conninfo, sizeof cluster->conninfo, "host=%s port=5432 user=postgres dbname=postgres", cluster->link);
    for (int i = 0; i < LIVE_MAX; i++) {
        if (live_clusters[i]) continue;
        live_clusters[i] = cluster;
        break;
    }
}

/* Killed with everything else of its run, a cluster is found again and made anew: the owner is this process. */
void cluster_open(struct cluster *cluster, const char *purpose, const char *script) {
    char owner[24], line[512];
    snprintf(cluster_script, sizeof cluster_script, "%s", script);
    snprintf(owner, sizeof owner, "%d", (int)getpid());
    setenv("TAGIH_PG_OWNER", owner, 1);
    cluster_name(cluster, purpose);
    run_script(cluster, "start --fresh", line, sizeof line);
    relink(cluster, line);
    setenv("TAGIH_TEST_PG", cluster->conninfo, 1);
}

void cluster_follow(struct cluster *cluster, const char *purpose, const struct cluster *of) {
    char line[512];
    cluster_name(cluster, purpose);
    cluster->of = of->purpose;
    run_script(cluster, "standby", line, sizeof line);
    relink(cluster, line);
}

void cluster_promote(struct cluster *cluster) {
    char line[512];
    run_script(cluster, "promote", line, sizeof line);
}

void cluster_kill(struct cluster *cluster) {
    char line[512];
    run_script(cluster, "kill", line, sizeof line);
}

void cluster_stop(struct cluster *cluster) {
    char line[512];
    run_script(cluster, "stop", line, sizeof line);
}

void cluster_start(struct cluster *cluster) {
    char line[512];
    run_script(cluster, "start", line, sizeof line);
    relink(cluster, line);
}

void cluster_read_only(struct cluster *cluster, bool on) {
    char root[300], path[420];
    run_script(cluster, "root", root, sizeof root);
    root[strcspn(root, "\n")] = '\0';
    snprintf(path, sizeof path, "%s/%s/data/standby.signal", root, cluster->purpose);
    cluster_stop(cluster);
    int fd = on ? open(path, O_WRONLY | O_CREAT, 0644) : unlink(path);
    if (fd < 0) fail_msg("cannot change %s", path);
    if (on) close(fd);
    cluster_start(cluster);
}

void cluster_close(struct cluster *cluster) {
    char line[512];
    run_script(cluster, "drop", line, sizeof line);
    for (int i = 0; i < LIVE_MAX; i++) {
        if (live_clusters[i] == cluster) live_clusters[i] = NULL;
    }
    unlink(cluster->link);
    rmdir(cluster->folder);
}

/* ---- servers -------------------------------------------------------------------------------------------------- */

#define SETTINGS 7
#define SETTINGS_MAX 16

/* What the sanitizers were told holds for the server, too. */
static void add_sanitizers(char **settings, size_t n) {
    for (char **each = environ; *each && n < SETTINGS_MAX - 1; each++) {
        if (strstr(*each, "SAN_OPTIONS=")) settings[n++] = *each;
    }
    settings[n] = NULL;
}

static int spawn(pid_t *pid, const char *binary, char **settings, const char *log) {
    posix_spawn_file_actions_t actions;
    char *args[] = {(char *)(uintptr_t)binary, (char *)(uintptr_t) "serve", NULL};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO); /* or who reads ours would wait for its end */
    int failed = posix_spawn(pid, binary, &actions, NULL, args, settings);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static char *setting(char *to, size_t size, const char *name, const char *value) {
    snprintf(to, size, "%s=%s", name, value);
    return to;
}

/* A log goes on where it was: what an earlier process said in it is not this one's. */
static long log_length(const char *path) {
    FILE *log = fopen(path, "r");
    if (!log) return 0;
    long at = fseek(log, 0, SEEK_END) == 0 ? ftell(log) : 0;
    fclose(log);
    return at;
}

void process_serve_as(struct process *process, struct rig *rig, const char *binary, const struct process_options *o) {
    process_kill(process); /* a test before that failed may have left it */
    char database[1300], socket[200], keys[200], state[200], admin[100], workers[40], count[24];
    snprintf(count, sizeof count, "%d", o->workers ? o->workers : (int)rig->config.workers);
    char *settings[SETTINGS_MAX] = {
        setting(database, sizeof database, "TAGIH_DATABASE_URL", o->database ? o->database : rig->app_conninfo),
        setting(socket, sizeof socket, "TAGIH_SOCKET", o->socket ? o->socket : rig->socket),
        setting(keys, sizeof keys, "TAGIH_KEYS_DIR", rig->keys_dir),
        setting(state, sizeof state, "TAGIH_STATE_DIR", rig->state_dir),
        setting(admin, sizeof admin, "TAGIH_ADMIN", o->admin ? o->admin : ""),
        setting(workers, sizeof workers, "TAGIH_WORKERS", count), (char *)(uintptr_t) "TAGIH_CALLS_PER_S=0"};
    add_sanitizers(settings, SETTINGS);
    snprintf(process->log, sizeof process->log, "%s/%s", rig->folder, o->log ? o->log : "serve.log");
    process->log_from = log_length(process->log);
    int failed = spawn(&process->pid, binary, settings, process->log);
    if (failed) fail_msg("cannot run %s: %s", binary, strerror(failed));
    pid_begins(process->pid);
}

void process_serve(struct process *process, struct rig *rig, const char *binary) {
    process_serve_as(process, rig, binary, &(struct process_options){0});
}

static bool said_since(const struct process *process, long from, const char *text) {
    char line[8192];
    bool found = false;
    FILE *log = fopen(process->log, "r");
    if (log && fseek(log, from, SEEK_SET) != 0) rewind(log);
    while (log && !found && fgets(line, sizeof line, log)) found = strstr(line, text) != NULL;
    if (log) fclose(log);
    return found;
}

void process_listening(struct process *process) {
    for (int i = 0; i < 10000; i++) {
        if (said_since(process, process->log_from, "server.listening")) return;
        pause_us(2 * US_PER_MS);
    }
    fail_msg("the server does not listen; its log is %s", process->log);
}

void process_signal(const struct process *process, int number) {
    assert_true(process->pid > 0);
    assert_int_equal(kill(process->pid, number), 0);
}

int process_wait(struct process *process, int64_t limit_us) {
    int status = 0;
    for (int64_t until = clock_monotonic_us() + limit_us; clock_monotonic_us() < until; pause_us(2 * US_PER_MS)) {
        if (waitpid(process->pid, &status, WNOHANG) != process->pid) continue;
        pid_ends(process->pid);
        process->pid = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return -1;
}

void process_kill(struct process *process) {
    if (process->pid <= 0) return;
    kill(process->pid, SIGKILL);
    waitpid(process->pid, NULL, 0);
    pid_ends(process->pid);
    process->pid = 0;
}

bool process_said(const struct process *process, const char *text) {
    return said_since(process, 0, text);
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

void process_sweep(void) {
    for (int i = 0; i < LIVE_MAX; i++) {
        pid_t pid = atomic_load(&live_pids[i]);
        if (pid > 0) kill(pid, SIGKILL);
    }
    for (int i = 0; i < LIVE_MAX; i++) {
        const struct cluster *cluster = live_clusters[i];
        char command[700];
        if (!cluster) continue;
        snprintf(command, sizeof command, "%s drop %s >/dev/null 2>&1", cluster_script, cluster->purpose);
        if (system(command) != 0) fprintf(stderr, "the cluster '%s' is still there\n", cluster->purpose);
        unlink(cluster->link);
        rmdir(cluster->folder);
    }
}
