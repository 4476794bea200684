/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens: CWT claims (RFC 8392) in an envelope of type access-token. Times are in whole seconds, as
 * CWT has them; everything else in Tagih counts microseconds. There is no `iss`: the installation is the
 * external_aad. A token says who calls; whether he may is read from the database on every call (design:
 * "never cached").
 */
#ifndef TAGIH_TOKEN_H
#define TAGIH_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "tagih/envelope.h"
#include "tagih/id.h"
#include "tagih/time.h"

/** The longest signed token, in bytes. */
#define TOKEN_MAX 384

/** So much may the clocks of two servers differ, or one be set back: a token is in force that long before its first second.
 */
#define TOKEN_SKEW_S 60

/** Who calls. Stable numbers. */
enum token_caller {
    TOKEN_STAFF = 1,       /* a person with a password */
    TOKEN_DEVICE = 2,      /* a phone that signed a nonce with its device key */
    TOKEN_INTEGRATION = 3, /* the core-banking system */
};

/** The claims. `device` is there when has_device is true. */
struct token {
    user_id user;         /* 2 sub, 16 bytes */
    int64_t expires_s;    /* 4 exp, Unix seconds; the first second in which the token is dead */
    int64_t not_before_s; /* 5 nbf */
    int64_t issued_s;     /* 6 iat */
    uuid id;              /* 7 cti */
    agency_id agency;     /* -65537 */
    bool has_device;
    device_id device; /* -65538 */
    uint16_t caller;  /* -65539, enum token_caller */
};

/**
 * Sign a token.
 *
 * @param out  [out] at most `size` bytes, TOKEN_MAX always suffices
 * @param len  [out] bytes written
 * @return OK · PAYLOAD_FIELD a claim out of range · BUFFER_SMALL
 *
 * Pure.
 */
TAGIH_MUST_USE tagih_err token_sign(const struct token *token, installation_id installation,
                                    const secret_key *key, uint8_t *out, size_t size, size_t *len);

/**
 * Open a token: form and claims, neither signature nor time. Use it to learn the key id.
 *
 * @return OK · TOKEN_INVALID not a token of ours, whatever the cause
 */
TAGIH_MUST_USE tagih_err token_open(struct bytes in, installation_id installation, struct token *out,
                                    struct envelope *envelope);

/**
 * Whether a token is in force: not_before <= now < expires.
 *
 * @return OK · TOKEN_EXPIRED · TOKEN_INVALID not yet in force
 */
TAGIH_MUST_USE tagih_err token_check_time(const struct token *token, instant now);

/**
 * Open a token, verify its signature and its times.
 *
 * @param key  the token key whose id the token names; a token naming another key is invalid
 * @param out  [out] undefined on error
 * @return OK · TOKEN_INVALID form, key or signature · TOKEN_EXPIRED
 *
 * Pure, about 40 µs.
 */
TAGIH_MUST_USE tagih_err token_open_verify(struct bytes in, installation_id installation,
                                           const public_key *key, instant now, struct token *out);

#endif
