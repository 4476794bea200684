/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings that break programs, of our own making: what people, phones and attackers really send where a word was expected.
 * Each seed stands alone, at the begin, the end and within a word, doubled, and repeated to 600 bytes: NASTY_COUNT in all.
 * All are valid UTF-8 without NUL; others are refused before any field is looked at (hostile_spec.c).
 */
#ifndef TAGIH_TESTS_NASTY_H
#define TAGIH_TESTS_NASTY_H

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const nasty_seeds[] = {
    /* nothing to see */
    "", " ", "\t", "\n", "\r\n", "\v\f", "\x01", "\x1b[2J", "\x7f", "\xc2\x80", "\xc2\x85", "\u00a0", "\u00ad", "\u2028",
    "\u2029", "\u3000", "\u180e", "\ufeff", "\ufffe", "\uffff", "\ufffd", "\U0010ffff", "\U000e0041", "\ue000",
    /* what changes what stands around it */
    "\u200b", "\u200d", "\u200e", "\u202e", "\u2066", "\u2069", "e\u0301\u0323\u0308", "\u0e33\u0e4d",
    "\U0001f469\u200d\U0001f4bb", "\U0001f1ee\U0001f1e9", "\u0130\u0131", "\u00df", "\ufb01", "\u1e9e", "\u212a",
    "\uff21\uff0e", "\u0660\u0661", "\u2024", "\u05d0\u05d1 12", "\u0645\u0631\u062d\u0628\u0627",
    "\ua9c1\ua9a0\ua9a5\ua9c0", "\u4f60\u597d",
    /* quotes and commands of others */
    "'", "''", "\"", "\\", "\\'", "`", "' or '1'='1", "'; drop table payment; --", "$1", "$$", "$tag$x$tag$", "/*", "--",
    "{}", "{\"a\":1}", "\\x00", "\\u0000", "%00", "%n%s%p", "%", "_", "*", "?", "[a-z]*", "(?:a+)+$",
    "<script>alert(1)</script>", "&amp;&#0;", "]]>", "{{7*7}}", "${jndi:x}", "$(id)", "`id`", "| cat", "; true",
    "../../etc/passwd", "..\\..\\x", "file:///dev/zero", "=1+1", "@sum(a1)", "+1", "-1", "\t=cmd", "null", "NULL", "nil",
    "undefined", "NaN", "Infinity", "-0", "0x7f", "1e309", "9223372036854775808", "-9223372036854775809",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "2026-02-30", "9999-12-31",
    "-0001-01-01", "2026-13", "0000-00", "true", "t", "\\N", "a,b;c\td", "Bearer x", "\xc3\xa9\xcc\x81"};

enum {
    NASTY_FORMS = 5,
    NASTY_SEEDS = sizeof nasty_seeds / sizeof nasty_seeds[0],
    NASTY_COUNT = NASTY_SEEDS * NASTY_FORMS,
    NASTY_SIZE = 700
};

/** The i-th one, i < NASTY_COUNT. */
static inline const char *nasty(size_t i, char out[NASTY_SIZE]) {
    const char *seed = nasty_seeds[i / NASTY_FORMS];
    size_t len = strlen(seed), n = 0;
    switch (i % NASTY_FORMS) {
        case 0:
            snprintf(out, NASTY_SIZE, "%s", seed);
            break;
        case 1:
            snprintf(out, NASTY_SIZE, "%sword", seed);
            break;
        case 2:
            snprintf(out, NASTY_SIZE, "word%s", seed);
            break;
        case 3:
            snprintf(out, NASTY_SIZE, "wo%srd%s", seed, seed);
            break;
        default:
            for (out[0] = 0; len && n + len <= 600; n += len) memcpy(out + n, seed, len + 1);
    }
    return out;
}

#endif
