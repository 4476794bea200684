/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The script goes into a shell's standard input, its answer comes from its standard output. Invariant: the
 * shell has read the whole script before we wait for its answer, so neither side can block the other: the
 * answer is one line.
 */
#include "server/run/devdb.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tagih/bytes.h"

/* Generated from tests/support/pg_cluster.sh. */
extern const char pg_cluster_script[];

static void root_of(const char *state_dir, char out[PATH_MAX]) {
    if (getuid() != 0) {
        snprintf(out, PATH_MAX, "%s/pg", state_dir);
        return;
    }
    hash256 hash;
    char hex[13];
    crypto_hash_sha256(hash.b, (const unsigned char *)state_dir, strlen(state_dir));
    bytes_hex(bytes_make(hash.b, 6), hex);
    snprintf(out, PATH_MAX, "/var/tmp/tagih-%s", hex);
}

/* In the child: the shell that reads the script from `in` and answers on `out`. */
static void run_shell(int in, int out, const char *root, const char *verb) {
    char owner[24];
    snprintf(owner, sizeof owner, "%d", (int)getppid());
    bool ready = dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
                 setenv("TAGIH_PG_ROOT", root, 0) == 0 && setenv("TAGIH_PG_OWNER", owner, 1) == 0;
    if (ready) execl("/bin/sh", "sh", "-s", "--", verb, "dev", (char *)NULL);
    _exit(127);
}

static bool write_all(int fd, const char *text) {
    size_t left = strlen(text);
    while (left) {
        ssize_t n = write(fd, text, left);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        text += n;
        left -= (size_t)n;
    }
    return true;
}

/* Everything up to the end, as far as there is room; without the newline at its end. */
static void read_answer(int fd, char out[DEVDB_TEXT_MAX]) {
    size_t len = 0;
    for (;;) {
        char spill[64];
        bool room = len < DEVDB_TEXT_MAX - 1;
        ssize_t n = room ? read(fd, out + len, DEVDB_TEXT_MAX - 1 - len) : read(fd, spill, sizeof spill);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        if (room) len += (size_t)n;
    }
    if (len && out[len - 1] == '\n') len--;
    out[len] = '\0';
}

static bool has_ended_well(pid_t shell) {
    int status;
    while (waitpid(shell, &status, 0) < 0) {
        if (errno != EINTR) return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static tagih_err run(const char *state_dir, const char *verb, char out[DEVDB_TEXT_MAX]) {
    char root[PATH_MAX];
    int script[2], answer[2];
    root_of(state_dir, root);
    if (pipe2(script, O_CLOEXEC) != 0) return FAIL(DEVDB_FAILED);
    if (pipe2(answer, O_CLOEXEC) != 0) {
        close(script[0]), close(script[1]);
        return FAIL(DEVDB_FAILED);
    }
    pid_t shell = fork();
    if (shell == 0) run_shell(script[0], answer[1], root, verb);
    close(script[0]);
    close(answer[1]);
    bool sent = shell > 0 && write_all(script[1], pg_cluster_script);
    close(script[1]);
    read_answer(answer[0], out);
    close(answer[0]);
    return shell > 0 && has_ended_well(shell) && sent ? TAGIH_OK : FAIL(DEVDB_FAILED);
}

tagih_err devdb_start(const char *state_dir, char out[DEVDB_TEXT_MAX]) {
    if (mkdir(state_dir, 0700) != 0 && errno != EEXIST) return FAIL(DEVDB_FAILED);
    return run(state_dir, "start", out);
}

tagih_err devdb_stop(const char *state_dir) {
    char ignored[DEVDB_TEXT_MAX];
    return run(state_dir, "stop", ignored);
}
