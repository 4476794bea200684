/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into PostgreSQL: a disk that is full, or breaks. What is wrong with it stands in the first byte of the file that
 * TAGIH_DISK names, which everybody maps; TAGIH_DISK_UNDER is the folder that it is the disk of. The second 4 bytes count
 * the faults that were injected.
 */
#undef _FILE_OFFSET_BITS /* both names of each function are wanted, the 64s and the others */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/chaos/disk_shim.h"

static struct disk *disk;
static const char *under;

__attribute__((constructor)) static void open_disk(void) {
    const char *path = getenv("TAGIH_DISK");
    under = getenv("TAGIH_DISK_UNDER");
    int fd = path && under ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *at = mmap(NULL, sizeof *disk, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) disk = at;
    close(fd);
}

static int mode(void) {
    return disk ? atomic_load_explicit(&disk->mode, memory_order_relaxed) : DISK_FINE;
}

/* A file of the disk; @param user_only  a table's or index's own file, none of the catalogues', whose numbers are small */
static int is_of_disk(int fd, int user_only) {
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len <= 0) return 0;
    path[len] = '\0';
    if (strncmp(path, under, strlen(under)) != 0) return 0;
    if (!user_only) return 1;
    const char *name = strrchr(path, '/') + 1;
    return strstr(path, "/base/") && strtol(name, NULL, 10) >= 16384;
}

static int fails(int error) {
    atomic_fetch_add(&disk->faults, 1);
    errno = error;
    return -1;
}

/* The error of a write of `len` bytes behind `at`; 0: it goes well. A full disk still takes what lies within a file. */
static int write_error(int fd, off_t at, size_t len) {
    int now = mode();
    struct stat info;
    if ((now != DISK_FULL && now != DISK_WRITE_ERROR) || !is_of_disk(fd, 0)) return 0;
    if (now == DISK_WRITE_ERROR) return EIO;
    return fstat(fd, &info) == 0 && at + (off_t)len > info.st_size ? ENOSPC : 0;
}

static int sync_error(int fd) {
    return mode() == DISK_SYNC_ERROR && is_of_disk(fd, 0) ? EIO : 0;
}

static int read_error(int fd) {
    return mode() == DISK_READ_ERROR && is_of_disk(fd, 1) ? EIO : 0;
}

static size_t length_of(const struct iovec *pieces, int n) {
    size_t len = 0;
    for (int i = 0; i < n; i++) len += pieces[i].iov_len;
    return len;
}

#define NEXT(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

#define WRAP(error, call)             \
    int error_ = (error);             \
    if (error_) return fails(error_); \
    return call

ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
    WRAP(write_error(fd, at, len), NEXT(pwrite)(fd, data, len, at));
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t at) {
    WRAP(write_error(fd, at, len), NEXT(pwrite64)(fd, data, len, at));
}

ssize_t pwritev(int fd, const struct iovec *pieces, int n, off_t at) {
    WRAP(write_error(fd, at, length_of(pieces, n)), NEXT(pwritev)(fd, pieces, n, at));
}

ssize_t pwritev64(int fd, const struct iovec *pieces, int n, off_t at) {
    WRAP(write_error(fd, at, length_of(pieces, n)), NEXT(pwritev64)(fd, pieces, n, at));
}

ssize_t write(int fd, const void *data, size_t len) {
    int now = mode();
    off_t at = now == DISK_FULL || now == DISK_WRITE_ERROR ? lseek(fd, 0, SEEK_CUR) : -1;
    WRAP(at >= 0 ? write_error(fd, at, len) : 0, NEXT(write)(fd, data, len));
}

int posix_fallocate(int fd, off_t at, off_t len) {
    int error = write_error(fd, at, (size_t)len);
    if (error) fails(error);
    return error ? error : NEXT(posix_fallocate)(fd, at, len);
}

int posix_fallocate64(int fd, off_t at, off_t len) {
    int error = write_error(fd, at, (size_t)len);
    if (error) fails(error);
    return error ? error : NEXT(posix_fallocate64)(fd, at, len);
}

int fsync(int fd) {
    WRAP(sync_error(fd), NEXT(fsync)(fd));
}

int fdatasync(int fd) {
    WRAP(sync_error(fd), NEXT(fdatasync)(fd));
}

ssize_t pread(int fd, void *data, size_t len, off_t at) {
    WRAP(read_error(fd), NEXT(pread)(fd, data, len, at));
}

ssize_t pread64(int fd, void *data, size_t len, off_t at) {
    WRAP(read_error(fd), NEXT(pread64)(fd, data, len, at));
}
