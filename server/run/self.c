/* SPDX-License-Identifier: Apache-2.0 */
/* Called by who writes metrics: some reads of /proc, which never wait. */
#include "server/run/self.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tagih/time.h"

/* The number behind "name:" in /proc/self/status. */
static int64_t status_number(const char *text, const char *name) {
    const char *at = strstr(text, name);
    long long number = -1;
    return at && sscanf(at + strlen(name), "%lld", &number) == 1 ? number : -1;
}

static void read_status(struct self *out) {
    char text[4096] = "";
    FILE *file = fopen("/proc/self/status", "re");
    if (!file) return;
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    int64_t resident_kib = status_number(text, "\nVmRSS:");
    if (resident_kib >= 0) out->resident_bytes = resident_kib * 1024;
    out->threads = status_number(text, "\nThreads:");
}

/* The one that reads the folder is among them and left out, and so are "." and "..". */
static void count_fds(struct self *out) {
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) return;
    out->fds = -3;
    while (readdir(folder)) out->fds++;
    closedir(folder);
}

static int64_t timeval_us(const struct timeval *value) {
    return (int64_t)value->tv_sec * US_PER_S + value->tv_usec;
}

void self_read(struct self *out) {
    *out = (struct self){.resident_bytes = -1, .cpu_us = -1, .fds = -1, .fds_max = -1, .threads = -1};
    struct rusage usage;
    struct rlimit limit;
    if (getrusage(RUSAGE_SELF, &usage) == 0) out->cpu_us = timeval_us(&usage.ru_utime) + timeval_us(&usage.ru_stime);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) out->fds_max = (int64_t)limit.rlim_cur;
    read_status(out);
    count_fds(out);
}
