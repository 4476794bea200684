/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for a password without leaving it on the screen, in the shell's history or in the list of processes. */
#ifndef TAGIH_CLI_SECRET_H
#define TAGIH_CLI_SECRET_H

#include "server/cli/cli.h"
#include "server/run/password.h"

struct secret {
    char text[PASSWORD_LEN_MAX + 2];
    bool generated; /* print it once, it is kept nowhere */
};

/**
 * Get a new password: drawn when `generate`, typed twice on a terminal, else the first line of standard input.
 * @return CLI_OK, or what the process should end with; the reason was said on stderr
 */
enum cli_exit secret_read(bool generate, struct secret *out);

#endif
