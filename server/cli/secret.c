/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords come by a terminal without echo, by a pipe, or out of the random source. */
#include "server/cli/secret.h"

#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "run/random.h"

/* 20 of 32 letters and digits without look-alikes: 100 bits. */
#define DRAWN_LEN 20

static void draw(struct secret *out) {
    static const char alphabet[33] = "abcdefghijkmnpqrstuvwxyz23456789";
    uint8_t random[DRAWN_LEN];
    random_bytes(random, sizeof random);
    for (size_t i = 0; i < DRAWN_LEN; i++) out->text[i] = alphabet[random[i] % 32];
    out->text[DRAWN_LEN] = '\0';
    out->generated = true;
}

static bool read_line(char *out, size_t size) {
    if (!fgets(out, (int)size, stdin)) return false;
    out[strcspn(out, "\r\n")] = '\0';
    return true;
}

static bool ask(const char *what, char *out, size_t size) {
    struct termios before, quiet;
    fprintf(stderr, "%s: ", what);
    if (tcgetattr(STDIN_FILENO, &before) != 0) return false;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    bool got = read_line(out, size);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return got;
}

static enum cli_exit ask_twice(struct secret *out) {
    char again[sizeof out->text];
    if (!ask("new password", out->text, sizeof out->text)) return cli_failed("no password was given");
    if (!ask("once more", again, sizeof again)) return cli_failed("no password was given");
    return strcmp(out->text, again) == 0 ? CLI_OK : cli_failed("the two are not the same");
}

enum cli_exit secret_read(bool generate, struct secret *out) {
    *out = (struct secret){0};
    if (generate) {
        draw(out);
        return CLI_OK;
    }
    if (isatty(STDIN_FILENO)) {
        enum cli_exit asked = ask_twice(out);
        if (asked != CLI_OK) return asked;
    } else if (!read_line(out->text, sizeof out->text)) {
        return cli_usage("no password on standard input; --generate draws one");
    }
    size_t len = strlen(out->text);
    if (len < PASSWORD_LEN_MIN || len > PASSWORD_LEN_MAX || !bytes_is_text(bytes_text(out->text), PASSWORD_LEN_MAX)) {
        return cli_usage("a password is text of %d to %d bytes", PASSWORD_LEN_MIN, PASSWORD_LEN_MAX);
    }
    return CLI_OK;
}
