/* SPDX-License-Identifier: Apache-2.0 */
/* The log through a pipe: one well-formed JSON object a line, whatever is put into it. */
#include "server/run/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static int pipe_fds[2];

static int open_pipe(void **state) {
    (void)state;
    if (pipe2(pipe_fds, O_NONBLOCK) != 0) return -1;
    log_open(pipe_fds[1], LOG_INFO);
    return 0;
}

static int close_pipe(void **state) {
    (void)state;
    log_open(STDERR_FILENO, LOG_INFO);
    return close(pipe_fds[0]) | close(pipe_fds[1]);
}

/* The one line that was written, parsed; jansson refuses duplicate keys, control characters and invalid
 * UTF-8. */
static json_t *take_line(void) {
    char line[2 * LOG_LINE_MAX];
    ssize_t len = read(pipe_fds[0], line, sizeof line);
    assert_true(len > 0 && len <= LOG_LINE_MAX);
    assert_int_equal(line[len - 1], '\n');
    assert_null(memchr(line, '\n', (size_t)len - 1));
    json_error_t error;
    json_t *object = json_loadb(line, (size_t)len, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(object);
    return object;
}

static const char *text_of(json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static void an_event_is_one_object_with_time_and_level(void **state) {
    (void)state;
    log_event(LOG_WARN, "server.listening", "on %s", "[::1]:8443");
    json_t *line = take_line();
    assert_string_equal(text_of(line, "level"), "warn");
    assert_string_equal(text_of(line, "event"), "server.listening");
    assert_string_equal(text_of(line, "text"), "on [::1]:8443");
    int year, month, day, hour, minute, second, us, used = 0;
    assert_int_equal(sscanf(text_of(line, "time"), "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ%n", &year, &month, &day,
                            &hour, &minute, &second, &us, &used),
                     7);
    assert_int_equal(used, 27);
    json_decref(line);
}

static void text_with_quotes_controls_and_broken_utf8_stays_well_formed(void **state) {
    (void)state;
    log_event(LOG_INFO, "x", "%s",
              "a\"b\\c\nd\te\x01\x7F"
              "\xC3\xA9"
              "\xFF"
              "\xE2\x82"
              "z");
    json_t *line = take_line();
    assert_string_equal(text_of(line, "text"),
                        "a\"b\\c\nd\te\x01\x7F"
                        "\xC3\xA9"
                        "\xEF\xBF\xBD"
                        "\xEF\xBF\xBD"
                        "\xEF\xBF\xBD"
                        "z");
    json_decref(line);
}

static void a_long_line_is_cut_between_characters_and_closed(void **state) {
    (void)state;
    char text[2 * LOG_LINE_MAX + 1];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'a', sizeof text);
        for (size_t i = shift; i + 3 < sizeof text; i += 3) memcpy(text + i, "\xE2\x82\xAC", 3);
        text[sizeof text - 1] = '\0';
        log_event(LOG_INFO, "long", "%s", text);
        json_t *line = take_line();
        assert_true(strlen(text_of(line, "text")) > LOG_LINE_MAX - 200);
        json_decref(line);
    }
    memset(text, '\x01', sizeof text - 1);
    log_event(LOG_INFO, "long", "%s", text);
    json_decref(take_line());
}

static void below_the_level_nothing_is_written(void **state) {
    (void)state;
    log_event(LOG_DEBUG, "x", "y");
    char byte;
    assert_int_equal(read(pipe_fds[0], &byte, 1), -1);
    enum log_level level;
    assert_true(log_level_parse("debug", &level));
    log_open(pipe_fds[1], level);
    log_event(LOG_DEBUG, "x", "y");
    json_decref(take_line());
    assert_false(log_level_parse("loud", &level));
}

static void a_call_names_trace_method_code_time_and_caller(void **state) {
    (void)state;
    uuid user = {{1, 2, 3}};
    log_call(&(struct log_call){
        .traceparent = bytes_text("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        .method = "/tagih.v1.VisitService/CheckIn",
        .code = 9,
        .reason = "visit.lease_over",
        .took_us = 12034,
        .batch = 17,
        .user = user});
    json_t *line = take_line();
    assert_string_equal(text_of(line, "event"), "call");
    assert_string_equal(text_of(line, "trace"), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_string_equal(text_of(line, "method"), "/tagih.v1.VisitService/CheckIn");
    assert_int_equal(json_integer_value(json_object_get(line, "code")), 9);
    assert_string_equal(text_of(line, "reason"), "visit.lease_over");
    assert_true(json_real_value(json_object_get(line, "ms")) > 12.033 &&
                json_real_value(json_object_get(line, "ms")) < 12.035);
    assert_int_equal(json_integer_value(json_object_get(line, "batch")), 17);
    assert_string_equal(text_of(line, "user"), "01020300-0000-0000-0000-000000000000");
    assert_null(json_object_get(line, "device"));
    json_decref(line);
}

static void a_trace_id_that_is_none_is_left_out(void **state) {
    (void)state;
    static const char *const wrong[] = {"", "00-", "00-4bf92f3577b34da6a3ce929d0e0e473\"-00f067aa0ba902b7-01",
                                        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                                        "4bf92f3577b34da6a3ce929d0e0e4736"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        log_call(&(struct log_call){.traceparent = bytes_text(wrong[i]), .method = "/m"});
        json_t *line = take_line();
        assert_null(json_object_get(line, "trace"));
        json_decref(line);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_is_one_object_with_time_and_level, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(text_with_quotes_controls_and_broken_utf8_stays_well_formed,
                                        open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(a_long_line_is_cut_between_characters_and_closed, open_pipe,
                                        close_pipe),
        cmocka_unit_test_setup_teardown(below_the_level_nothing_is_written, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(a_call_names_trace_method_code_time_and_caller, open_pipe,
                                        close_pipe),
        cmocka_unit_test_setup_teardown(a_trace_id_that_is_none_is_left_out, open_pipe, close_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
