/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated clock as the simulator sees it. */
#include "tests/sim/clock.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t *offset_us;

static int64_t read_us(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

bool sim_clock_open(const char *path) {
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return false;
    void *mapped = mmap(NULL, sizeof *offset_us, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped == MAP_FAILED) return false;
    offset_us = mapped;
    return true;
}

int64_t sim_clock_now_us(void) {
    return read_us(CLOCK_REALTIME) + atomic_load(offset_us);
}

void sim_clock_set_us(int64_t now_us) {
    atomic_store(offset_us, now_us - read_us(CLOCK_REALTIME));
}

int64_t sim_clock_stopwatch_us(void) {
    return read_us(CLOCK_MONOTONIC);
}
