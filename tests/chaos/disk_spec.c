/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk under PostgreSQL that is full, that does not keep what it took, that does not read. Phones push all the time: what
 * they are told is honest, nothing is acknowledged that is not durable, /readyz tells it, and when the disk is well again
 * all goes on without a restart of the server. Full is a small tmpfs, mounted for it, where that is allowed; everything
 * else, and full where it is not, is a library preloaded into PostgreSQL (disk_shim.c). argv: tagihd, pg_cluster.sh,
 * disk_shim.so.
 */
#include "tests/support/pusher.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "server/run/clock.h"
#include "tests/chaos/disk_shim.h"
#include "tests/support/case.h"
#include "tests/support/http.h"
#include "tests/support/process.h"
#include "tests/support/teller.h"

#define PHONES 4
#define ACCOUNTS 8
#define BIG MINOR(100000000)
#define DISK_BYTES "700m"
#define LEFT_BYTES (24 << 20) /* when phones begin to push on a disk that will be full */
#define ENTRIES PUSHER_ENTRIES

static const char *binary, *script, *library;
static struct cluster cluster;
static struct rig rig;
static struct process server;
static struct teller teller;
static struct pusher pushers[PHONES];
static account_id accounts[ACCOUNTS];
static atomic_bool hurry;
static char target[160], folder[64], root[96], ballast[128];
static struct disk *disk;
static bool is_mounted;
static int admin_port;
static long long everything;

static struct proof proof = {
    .test = "S2 disk", .unit = "times that the disk failed", .invariants = "I1 I2 I3 I4 I5 I6 I7 I8 I9 I10 I12"};

static const struct proof_option options[] = {
    {"--all", "TAGIH_DISK_ALL", &everything, "every fault, not the full disk alone", true}, {0}};

static void remove_disk(void) {
    if (is_mounted) umount2(root, MNT_DETACH);
    char line[300];
    snprintf(line, sizeof line, "rm -rf -- '%s'", folder);
    if (*folder && system(line) != 0) fprintf(stderr, "%s is still there\n", folder);
}

static void sweep(void) {
    process_sweep();
    rig_forget(&rig);
    remove_disk();
}

/* ---- the disk ------------------------------------------------------------------------------------------------------- */

static void map_disk(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT, 0666);
    assert_true(fd >= 0 && ftruncate(fd, sizeof *disk) == 0 && fchmod(fd, 0666) == 0);
    disk = mmap(NULL, sizeof *disk, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(disk != MAP_FAILED);
    close(fd);
}

/* PostgreSQL may run as another user: everything on the way to it is open to all. */
static void make_disk(void) {
    char line[700], shim[128], control[128];
    snprintf(folder, sizeof folder, "/tmp/tagih-disk.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(root, sizeof root, "%s/root", folder);
    snprintf(ballast, sizeof ballast, "%s/ballast", root);
    snprintf(shim, sizeof shim, "%s/disk_shim.so", folder);
    snprintf(control, sizeof control, "%s/control", folder);
    assert_int_equal(mkdir(root, 0755), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    snprintf(line, sizeof line, "cp '%s' '%s' && chmod 755 '%s'", library, shim, shim);
    assert_int_equal(system(line), 0);
    map_disk(control);
    is_mounted = mount("tmpfs", root, "tmpfs", 0, "mode=755,size=" DISK_BYTES) == 0;
    snprintf(proof.note, sizeof proof.note, "full: %s; errors: a library preloaded into PostgreSQL",
             is_mounted ? "a tmpfs of " DISK_BYTES : "the preloaded library, mounts are refused");
    setenv("TAGIH_PG_ROOT", root, 1);
    setenv("TAGIH_PG_PRELOAD", shim, 1);
    setenv("TAGIH_DISK", control, 1);
    setenv("TAGIH_DISK_UNDER", root, 1);
}

/* Take room from the mounted disk; others write meanwhile. */
static void take_room(off_t leave) {
    struct statvfs room;
    struct stat taken;
    int fd = open(ballast, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fstatvfs(fd, &room), 0);
    assert_int_equal(fstat(fd, &taken), 0);
    off_t at = taken.st_size, want = (off_t)(room.f_bavail * room.f_frsize) - leave;
    for (off_t piece = want; piece >= 4096;) {
        if (posix_fallocate(fd, at, piece) == 0) at += piece, want -= piece;
        else piece /= 2;
        if (piece > want) piece = want;
    }
    close(fd);
}

static void fill_disk(void) {
    proof_fault(&proof, "disk full");
    proof.count++;
    if (is_mounted) take_room(0);
    else atomic_store(&disk->mode, DISK_FULL);
}

static void free_disk(void) {
    if (disk) atomic_store(&disk->mode, DISK_FINE);
    if (is_mounted) unlink(ballast);
}

static void break_disk(int mode, const char *name) {
    atomic_store(&disk->faults, 0);
    atomic_store(&disk->mode, mode);
    proof_fault(&proof, name);
    proof.count++;
}

/* ---- the rig ------------------------------------------------------------------------------------------------------ */

static int free_port(void) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof any;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof any), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &len), 0);
    close(fd);
    return ntohs(any.sin_port);
}

static int open_rig(void **state) {
    (void)state;
    char admin[32];
    make_disk();
    cluster_open(&cluster, "disk", script);
    rig_open(&rig, NULL);
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    const struct debt debt = {.due_minor = {[COMPONENT_PRINCIPAL] = BIG}};
    for (int i = 0; i < ACCOUNTS; i++) accounts[i] = teller_account(&teller, (user_id){0}, &debt, 1);
    rig_stop(&rig);
    admin_port = free_port();
    snprintf(admin, sizeof admin, "127.0.0.1:%d", admin_port);
    snprintf(target, sizeof target, "unix:%s", rig.socket);
    process_serve_as(&server, &rig, binary, &(struct process_options){.admin = admin});
    process_listening(&server);
    rig.tls = client_open(target, NULL);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    free_disk();
    pushers_abandon(pushers, PHONES);
    process_kill(&server);
    if (rig.tls) client_close(rig.tls);
    cluster_start(&cluster);
    PQreset(rig.pg.admin);
    rig_close(&rig);
    cluster_close(&cluster);
    remove_disk();
    return 0;
}

/* ---- what is looked at ------------------------------------------------------------------------------------------------ */

static int readiness(char text[128]) {
    struct http_answer answer = http_ask(admin_port, "GET", "/readyz");
    int status = answer.status;
    snprintf(text, 128, "%s", answer.body);
    text[strcspn(text, "\n")] = '\0';
    http_release(&answer);
    return status;
}

static void assert_becomes(int status, int64_t limit_us) {
    char text[128] = "";
    int64_t until_us = clock_monotonic_us() + limit_us;
    while (readiness(text) != status && clock_monotonic_us() < until_us) pause_us(50 * US_PER_MS);
    print_message("             /readyz: %s\n", text);
    assert_int_equal(readiness(text), status);
    proof_check(&proof, 1);
}

static void begin_to_push(void) {
    for (int i = 0; i < PHONES; i++) assert_false(atomic_load(&pushers[i].running)); /* an earlier test failed */
    PQreset(rig.pg.admin);
    atomic_store(&hurry, false);
    for (int i = 0; i < PHONES; i++) {
        pusher_close(&pushers[i]);
        pusher_open(&pushers[i], &rig, teller.agency, target, &hurry);
        pushers[i].chance = (uint64_t)proof_seed + (uint64_t)i + 1;
        pusher_write(&pushers[i], accounts, ACCOUNTS, ENTRIES);
    }
    for (int i = 0; i < PHONES; i++) pusher_start(&pushers[i]);
    for (int i = 0; i < 2000 && pushers_told(pushers, PHONES) < PHONES; i++) pause_us(5 * US_PER_MS);
    assert_true(pushers_told(pushers, PHONES) >= PHONES);
}

/* While it is broken nobody is told anything for a second in the end, and all that is told is UNAVAILABLE and the like. */
static void assert_all_are_refused(void) {
    size_t before = SIZE_MAX;
    for (int i = 0; i < 20 && before != pushers_told(pushers, PHONES); i++) {
        before = pushers_told(pushers, PHONES);
        pause_us(US_PER_S);
    }
    assert_int_equal(pushers_told(pushers, PHONES), before);
    assert_true(before < ENTRIES * PHONES);
    proof_check(&proof, 1);
}

/* Where it gave up it is started, as an init system would; it may be about to give up just now. */
static bool postgresql_is_back(void) {
    for (int64_t until_us = clock_monotonic_us() + 30 * US_PER_S; clock_monotonic_us() < until_us;
         pause_us(200 * US_PER_MS)) {
        cluster_start(&cluster);
        PQreset(rig.pg.admin);
        if (PQstatus(rig.pg.admin) == CONNECTION_OK) return true;
    }
    return false;
}

/* The disk is well again: by itself all is pushed, and what was acknowledged at any time is there. */
static void assert_all_goes_on(void) {
    pid_t pid = server.pid;
    int64_t began_us = clock_monotonic_us();
    assert_true(postgresql_is_back());
    atomic_store(&hurry, true);
    int failed = pushers_join(pushers, PHONES);
    int64_t took_us = clock_monotonic_us() - began_us;
    print_message("             %d calls failed, drained in %lld ms\n", failed, (long long)(took_us / US_PER_MS));
    assert_true(failed > 0 && took_us < 60 * US_PER_S);
    assert_int_equal(server.pid, pid);
    assert_int_equal(process_wait(&server, US_PER_MS), -1);
    PQreset(rig.pg.admin);
    for (int i = 0; i < PHONES; i++) pusher_assert_stored(&pushers[i], &proof);
    assert_becomes(200, 10 * US_PER_S);
    proof_check(&proof, 3);
}

static struct rig_answer read_an_account(void) {
    Tagih__V1__GetAccountRequest request = TAGIH__V1__GET_ACCOUNT_REQUEST__INIT;
    request.account_id = TEXT(rig_text(accounts[0].u));
    return rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.supervisor, 0), "AccountService/GetAccount", &request);
}

/* ---- full ----------------------------------------------------------------------------------------------------------- */

static void a_full_disk_refuses_writes_serves_reads_and_is_told(void **state) {
    (void)state;
    if (is_mounted) take_room(LEFT_BYTES);
    begin_to_push();
    fill_disk();
    assert_all_are_refused();
    assert_becomes(503, 5 * US_PER_S);
    struct writer *w = &pushers[0].writer;
    struct rig_answer refused = writer_push_via(w, NULL, 5 * US_PER_S, (size_t[]){w->n - 1}, 1);
    assert_answer(refused, STORE_UNAVAILABLE);
    assert_int_equal(refused.status, CALL_UNAVAILABLE);
    assert_true(refused.retry_after_us > 0);
    assert_answer(read_an_account(), OK);
    free_disk();
    assert_all_goes_on();
}

/* Then PostgreSQL itself stops: a COMMIT has nowhere to go. */
static void a_full_disk_of_the_log_of_commits_stops_postgresql_and_loses_nothing(void **state) {
    (void)state;
    if (is_mounted) take_room(LEFT_BYTES);
    begin_to_push();
    fill_disk();
    for (int i = 0; i < 40 && PQstatus(rig.pg.admin) == CONNECTION_OK; i++) {
        PQclear(PQexec(rig.pg.admin, "select pg_switch_wal()"));
        PQclear(PQexec(rig.pg.admin,
                       "create temporary table if not exists t (i int); select pg_logical_emit_message(true, 'x', 'y')"));
    }
    assert_all_are_refused();
    assert_becomes(503, 15 * US_PER_S);
    free_disk();
    assert_all_goes_on();
}

/* ---- broken ----------------------------------------------------------------------------------------------------------- */

static void a_disk_that_does_not_keep_what_it_took_stops_postgresql_and_loses_nothing(void **state) {
    (void)state;
    begin_to_push();
    break_disk(DISK_SYNC_ERROR, "EIO of fsync");
    assert_all_are_refused();
    assert_true(atomic_load(&disk->faults) > 0);
    assert_becomes(503, 15 * US_PER_S);
    free_disk();
    assert_all_goes_on();
}

static void a_disk_that_does_not_write_stops_postgresql_and_loses_nothing(void **state) {
    (void)state;
    begin_to_push();
    break_disk(DISK_WRITE_ERROR, "EIO of write");
    assert_all_are_refused();
    assert_true(atomic_load(&disk->faults) > 0);
    assert_becomes(503, 15 * US_PER_S);
    free_disk();
    assert_all_goes_on();
}

/* Nothing of the tables is in memory after a restart. */
static void a_disk_that_does_not_read_is_said_and_forgotten_when_it_is_over(void **state) {
    (void)state;
    begin_to_push();
    break_disk(DISK_READ_ERROR, "EIO of read");
    cluster_stop(&cluster);
    cluster_start(&cluster);
    assert_all_are_refused();
    assert_true(atomic_load(&disk->faults) > 0);
    assert_becomes(503, 15 * US_PER_S);
    struct rig_answer answer = read_an_account();
    assert_answer(answer, STORE_UNAVAILABLE);
    free_disk();
    assert_all_goes_on();
}

static void in_the_end_all_books_hold(void **state) {
    (void)state;
    char more[400];
    snprintf(more, sizeof more, "--keys '%s' --log '%s'", rig.keys_dir, server.log);
    PQreset(rig.pg.admin);
    assert_true(proof_invariants(&proof, rig.pg.conninfo, more));
}

int main(int argc, char **argv) {
    proof_begin(&proof, &argc, argv, "TAGIHD PG_CLUSTER DISK_SHIM", options);
    if (argc != 4) return 2;
    binary = argv[1];
    script = argv[2];
    library = argv[3];
    proof_sweep(sweep);
    const struct CMUnitTest all[] = {
        cmocka_unit_test(a_full_disk_refuses_writes_serves_reads_and_is_told),
        cmocka_unit_test(a_full_disk_of_the_log_of_commits_stops_postgresql_and_loses_nothing),
        cmocka_unit_test(a_disk_that_does_not_keep_what_it_took_stops_postgresql_and_loses_nothing),
        cmocka_unit_test(a_disk_that_does_not_write_stops_postgresql_and_loses_nothing),
        cmocka_unit_test(a_disk_that_does_not_read_is_said_and_forgotten_when_it_is_over),
        cmocka_unit_test(in_the_end_all_books_hold),
    };
    const struct CMUnitTest soon[] = {all[0], all[5]};
    int failed =
        everything ? cmocka_run_group_tests(all, open_rig, close_rig) : cmocka_run_group_tests(soon, open_rig, close_rig);
    return proof_end(&proof, failed);
}
