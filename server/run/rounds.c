/* SPDX-License-Identifier: Apache-2.0 */
/* Behind rounds.h. That it is over is said before it is woken, so no rest outlasts the end. */
#include "run/rounds.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tagih/time.h"

tagih_err rounds_begin(struct rounds *rounds, void *(*run)(void *context), void *context) {
    rounds->mark = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (rounds->mark < 0) return FAIL(OUT_OF_MEMORY);
    rounds->begun = pthread_create(&rounds->thread, NULL, run, context) == 0;
    if (rounds->begun) return TAGIH_OK;
    close(rounds->mark);
    return FAIL(OUT_OF_MEMORY);
}

bool rounds_are_over(const struct rounds *rounds) {
    return atomic_load(&rounds->over);
}

bool rounds_rest(struct rounds *rounds, int64_t rest_us, int also) {
    struct pollfd fds[2] = {{.fd = rounds->mark, .events = POLLIN}, {.fd = also, .events = POLLIN}};
    if (poll(fds, 2, (int)((rest_us + US_PER_MS - 1) / US_PER_MS)) == 0) return true;
    uint64_t marks;
    ssize_t got = fds[0].revents ? read(rounds->mark, &marks, sizeof marks) : 0;
    (void)got; /* however often it was woken */
    return false;
}

void rounds_wake(struct rounds *rounds) {
    uint64_t one = 1;
    ssize_t written = write(rounds->mark, &one, sizeof one);
    (void)written; /* full: then it is marked */
}

void rounds_end(struct rounds *rounds) {
    if (!rounds->begun) return;
    atomic_store(&rounds->over, true);
    rounds_wake(rounds);
    pthread_join(rounds->thread, NULL);
    close(rounds->mark);
    rounds->begun = false;
}
