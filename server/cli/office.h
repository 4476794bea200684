/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands of the office share: one connection as the role that serves, the agency by its name or id, memory
 * for a batch, and a clear word when one of them is missing.
 */
#ifndef TAGIH_CLI_OFFICE_H
#define TAGIH_CLI_OFFICE_H

#include "server/cli/cli.h"
#include "store/tx.h"

struct office {
    struct db db;
    agency_id agency;
    char agency_name[128], currency[4];
    civil_date today; /* in the agency's zone */
    int64_t writer;   /* this process's chain of postings */
    struct arena arena;
    void *memory;
};

/**
 * Connect and find the agency. To be closed whatever comes back.
 *
 * @param agency  its name, or its id; NULL or "": the flag is missing
 * @return CLI_OK, or what the process should end with; the reason was said on stderr
 */
enum cli_exit office_open(const struct cli *cli, const char *agency, struct office *out);
/** Connect only: for commands that find or make the agency themselves. To be closed whatever comes back. */
enum cli_exit office_connect(const struct cli *cli, struct office *out);
/** Go to an agency, once connected: its name, currency and day. @return as office_open */
enum cli_exit office_switch(struct office *office, agency_id agency);
void office_close(struct office *office);

/** Options of a transaction that may take `seconds`. */
struct tx_options office_tx(const struct office *office, const char *name, int seconds);

/** An arena that grows, 64 MiB at most. False without memory. The memory is freed by office_arena_close. */
bool office_arena_open(struct arena *arena, void **memory);
void office_arena_close(struct arena *arena, void *memory);

/** Read a date, or the word "today". False: said on stderr. */
bool office_date(const struct office *office, const char *flag, const char *text, civil_date *out);

#endif
