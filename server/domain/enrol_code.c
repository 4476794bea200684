/* SPDX-License-Identifier: Apache-2.0 */
/* Codes that survive being read out over a bad line. */
#include "domain/enrol_code.h"

#include <sodium.h>
#include <string.h>

static const char alphabet[33] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

void enrol_code_make(const uint8_t random[ENROL_CODE_CHARACTERS], char out[ENROL_CODE_TEXT_SIZE]) {
    size_t at = 0;
    for (size_t i = 0; i < ENROL_CODE_CHARACTERS; i++) {
        if (i == 4 || i == 8) out[at++] = '-';
        out[at++] = alphabet[random[i] % 32];
    }
    out[at] = '\0';
}

tagih_err enrol_code_hash(struct bytes typed, hash256 *out) {
    char code[ENROL_CODE_CHARACTERS];
    size_t n = 0;
    for (size_t i = 0; i < typed.len; i++) {
        char c = (char)typed.data[i];
        if (c == '-' || c == ' ') continue;
        if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
        if (c == '\0' || !strchr(alphabet, c) || n == sizeof code) return FAIL(ENROL_CODE_UNKNOWN);
        code[n++] = c;
    }
    if (n != sizeof code) return FAIL(ENROL_CODE_UNKNOWN);
    crypto_hash_sha256(out->b, (const uint8_t *)code, sizeof code);
    return TAGIH_OK;
}
