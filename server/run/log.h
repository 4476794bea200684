/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one JSON object a line, one write(2) a line, so that lines of several threads and processes never
 * mix. No debtor data and no secrets: names, phone numbers, amounts, tokens and request bodies are never
 * given to it. A line that would pass LOG_LINE_MAX is cut inside its text and stays well-formed. Nothing here
 * allocates or locks.
 */
#ifndef TAGIH_RUN_LOG_H
#define TAGIH_RUN_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tagih/bytes.h"
#include "tagih/id.h"

#define LOG_LINE_MAX 2048

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVEL_COUNT };

/** The level of a name such as "warn". @return false: there is none of that name */
bool log_level_parse(const char *name, enum log_level *out);

/** Where lines go and from which level on; until then stderr and info. */
void log_open(int fd, enum log_level least);

/**
 * Something happened: {"time","level","event","text"}.
 *
 * @param event   stable dotted name, such as "server.listening"
 * @param format  printf for people
 */
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** For parts that report plain lines: db_options.log, migrate_options.report. `context` is the event's name.
 */
void log_line(void *context, const char *text);

/** How a call went. Empty bytes and nil ids are left out of the line. */
struct log_call {
    struct bytes traceparent; /* W3C trace context; the trace id is taken from it when it is well-formed */
    const char *method;       /* "/tagih.v1.VisitService/CheckIn" */
    int code;                 /* gRPC status */
    const char *reason;       /* err_token(), NULL when OK */
    int64_t took_us;
    size_t batch; /* calls that were worked on together */
    uuid user;
    uuid device;
};

/** One line for one call, level info (warn from code 13 on). */
void log_call(const struct log_call *call);

/** A line being built; for other writers of JSON lines and for tests. */
struct log_text {
    char *at, *end; /* end leaves room for the closing of the line */
};

/** Append `in` as the inside of a JSON string: escaped, invalid UTF-8 as U+FFFD, cut between characters when
 * full. */
void log_escape(struct log_text *to, struct bytes in);

#endif
