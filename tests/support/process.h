/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a spec of hard times needs: a PostgreSQL cluster of its own that may be killed, and `tagihd serve` as a process
 * of its own on a rig's database and keys. The cluster is reached through a link that follows its socket folder, so
 * that one conninfo holds over all restarts. Whatever goes wrong while preparing fails the test.
 */
#ifndef TAGIH_TESTS_PROCESS_H
#define TAGIH_TESTS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "tests/support/rig.h"

struct cluster {
    const char *purpose;
    const char *of; /* a standby: the one that it follows; NULL: none */
    char folder[64], link[96];
    char conninfo[160];
};

/** Start a fresh cluster and let TAGIH_TEST_PG name it. @param script  path of pg_cluster.sh */
void cluster_open(struct cluster *cluster, const char *purpose, const char *script);
/** kill -9 of its postmaster: a power cut. */
void cluster_kill(struct cluster *cluster);
/** An orderly end: sessions are broken off. */
void cluster_stop(struct cluster *cluster);
/** Start it again after one of these. */
void cluster_start(struct cluster *cluster);
/** Start it again as a standby, which takes no writes, or as what it was. */
void cluster_read_only(struct cluster *cluster, bool on);
/** Start a hot standby of another one, which runs. TAGIH_TEST_PG stays. */
void cluster_follow(struct cluster *cluster, const char *purpose, const struct cluster *of);
/** Make the standby the one that is written to. */
void cluster_promote(struct cluster *cluster);
/** Remove it. */
void cluster_close(struct cluster *cluster);

struct process {
    pid_t pid;        /* 0: none */
    char log[160];    /* its stderr */
    long log_from;    /* where in it the process began */
};

/** Start `tagihd serve` on the rig's database, keys and unix socket. @param binary  path of tagihd */
void process_serve(struct process *process, struct rig *rig, const char *binary);

/** What may differ from one server of a rig to another. Members left NULL or 0 are the rig's. */
struct process_options {
    const char *database, *socket;
    const char *admin; /* NULL: none */
    const char *log;   /* the file's name; NULL: serve.log */
    int workers;
};
void process_serve_as(struct process *process, struct rig *rig, const char *binary, const struct process_options *options);
/** Wait until it listens; the test fails when it does not within 20 s. */
void process_listening(struct process *process);
/** A signal. */
void process_signal(const struct process *process, int number);
/** Wait for its end. @return its exit code, or 128 + the signal that ended it; -1 when it did not end in `limit_us` */
int process_wait(struct process *process, int64_t limit_us);
/** kill -9 and wait. */
void process_kill(struct process *process);
/** Does its log hold this text? */
bool process_said(const struct process *process, const char *text);

/** The program is to end: every process and cluster of this file that still is, is killed and removed. From any thread. */
void process_sweep(void);

/** Sleep. */
void pause_us(int64_t us);

#endif
