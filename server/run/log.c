/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines are built on the stack and leave in one write(2). A reader that does not keep up loses lines
 * rather than holding up calls: a short or refused write is not repeated.
 */
#include "server/run/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/run/clock.h"

static const char *const level_names[LOG_LEVEL_COUNT] = {"debug", "info", "warn", "error"};

static atomic_int log_fd = STDERR_FILENO;
static atomic_int log_least = LOG_INFO;

/* What follows the last member: quote, brace, newline. */
#define LOG_CLOSING_MAX 3

struct line {
    struct log_text text;
    char buffer[LOG_LINE_MAX];
};

bool log_level_parse(const char *name, enum log_level *out) {
    for (int i = 0; i < LOG_LEVEL_COUNT; i++) {
        if (strcmp(level_names[i], name) != 0) continue;
        *out = (enum log_level)i;
        return true;
    }
    return false;
}

void log_open(int fd, enum log_level least) {
    atomic_store(&log_fd, fd);
    atomic_store(&log_least, (int)least);
}

static bool put(struct log_text *to, const char *data, size_t len) {
    if ((size_t)(to->end - to->at) < len) return false;
    memcpy(to->at, data, len);
    to->at += len;
    return true;
}

/* The character at the start of `in`: its bytes, 0 when it is no valid UTF-8 or an unwanted control of
 * Latin-1. */
static size_t character_size(struct bytes in) {
    uint8_t first = in.data[0];
    size_t len = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (len == 1) return 1;
    return len <= in.len && bytes_is_text(bytes_make(in.data, len), len) ? len : 0;
}

/* JSON's form of one character; `size` 0 means it is not valid. */
static bool put_character(struct log_text *to, const uint8_t *c, size_t size) {
    char escaped[8];
    if (size == 0) return put(to, "\xEF\xBF\xBD", 3);
    if (size > 1) return put(to, (const char *)c, size);
    if (*c == '"' || *c == '\\') return put(to, (char[]){'\\', (char)*c}, 2);
    if (*c == '\n') return put(to, "\\n", 2);
    if (*c == '\t') return put(to, "\\t", 2);
    if (*c >= 0x20 && *c != 0x7F) return put(to, (const char *)c, 1);
    return put(to, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", *c));
}

void log_escape(struct log_text *to, struct bytes in) {
    while (in.len) {
        size_t size = character_size(in), taken = size ? size : 1;
        if (!put_character(to, in.data, size)) return;
        in = bytes_make(in.data + taken, in.len - taken);
    }
}

static void put_text(struct log_text *to, const char *key, struct bytes value) {
    if (value.len == 0) return;
    char head[48];
    int len = snprintf(head, sizeof head, ",\"%s\":\"", key);
    if ((size_t)(to->end - to->at) < (size_t)len + 1) return;
    put(to, head, (size_t)len);
    to->end--; /* the closing quote always fits */
    log_escape(to, value);
    to->end++;
    put(to, "\"", 1);
}

static void put_number(struct log_text *to, const char *key, int64_t value) {
    char member[80];
    put(to, member, (size_t)snprintf(member, sizeof member, ",\"%s\":%lld", key, (long long)value));
}

static void put_ms(struct log_text *to, const char *key, int64_t us) {
    char member[80];
    long long whole = us / US_PER_MS, rest = us % US_PER_MS;
    put(to, member, (size_t)snprintf(member, sizeof member, ",\"%s\":%lld.%03lld", key, whole, rest));
}

static void put_id(struct log_text *to, const char *key, uuid id) {
    if (uuid_is_nil(id)) return;
    char text[UUID_TEXT_SIZE];
    uuid_format(id, text);
    put_text(to, key, bytes_text(text));
}

/* RFC 3339 with microseconds: the beginning of every line. */
static void line_begin(struct line *line, enum log_level level) {
    instant now = clock_now();
    char date[DATE_TEXT_SIZE];
    date_format((civil_date){(int32_t)(now.us / US_PER_DAY)}, date);
    long long us = now.us % US_PER_DAY, s = us / US_PER_S;
    int len = snprintf(line->buffer, sizeof line->buffer,
                       "{\"time\":\"%sT%02lld:%02lld:%02lld.%06lldZ\",\"level\":\"%s\"", date, s / 3600,
                       s / 60 % 60, s % 60, us % US_PER_S, level_names[level]);
    line->text = (struct log_text){line->buffer + len, line->buffer + sizeof line->buffer - LOG_CLOSING_MAX};
}

static void line_write(struct line *line) {
    line->text.end += LOG_CLOSING_MAX;
    put(&line->text, "}\n", 2);
    ssize_t written;
    do written = write(atomic_load(&log_fd), line->buffer, (size_t)(line->text.at - line->buffer));
    while (written < 0 && errno == EINTR);
}

static bool is_wanted(enum log_level level) {
    return (int)level >= atomic_load(&log_least);
}

void log_event(enum log_level level, const char *event, const char *format, ...) {
    if (!is_wanted(level)) return;
    char text[LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct line line;
    line_begin(&line, level);
    put_text(&line.text, "event", bytes_text(event));
    put_text(&line.text, "text", bytes_text(text));
    line_write(&line);
}

void log_line(void *context, const char *text) {
    log_event(LOG_WARN, context ? context : "event", "%s", text);
}

/* "00-<32 hex>-<16 hex>-<2 hex>": the 32. Anything else has no trace id. */
static struct bytes trace_id(struct bytes traceparent) {
    if (traceparent.len < 55 || traceparent.data[2] != '-' || traceparent.data[35] != '-')
        return (struct bytes){0};
    for (size_t i = 3; i < 35; i++) {
        if (!strchr("0123456789abcdef", traceparent.data[i]) || !traceparent.data[i])
            return (struct bytes){0};
    }
    return bytes_make(traceparent.data + 3, 32);
}

void log_call(const struct log_call *call) {
    enum log_level level = call->code >= 13 && call->code != 16 ? LOG_WARN : LOG_INFO;
    if (!is_wanted(level)) return;
    struct line line;
    struct log_text *to = &line.text;
    line_begin(&line, level);
    put_text(to, "event", bytes_text("call"));
    put_text(to, "trace", trace_id(call->traceparent));
    put_text(to, "method", bytes_text(call->method));
    put_number(to, "code", call->code);
    put_text(to, "reason", bytes_text(call->reason));
    put_ms(to, "ms", call->took_us);
    put_number(to, "batch", (int64_t)call->batch);
    put_id(to, "user", call->user);
    put_id(to, "device", call->device);
    line_write(&line);
}
