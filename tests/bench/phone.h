/* SPDX-License-Identifier: Apache-2.0 */
/* The phones of the bench: their keys, which anybody can make again, and the certificates of those keys. */
#ifndef TAGIH_BENCH_PHONE_H
#define TAGIH_BENCH_PHONE_H

#include <stddef.h>

#include "run/keys.h"
#include "tagih/document.h"

#define PHONE_CERTIFICATE_MAX 512

/** A phone's certificate of epoch 1. */
struct phone_certificate {
    struct device_certificate document;
    hash256 hash;
    uint8_t bytes[PHONE_CERTIFICATE_MAX];
    size_t len;
};

void phone_key(installation_id installation, size_t device, public_key *public_half, secret_key *secret);

/** Certify a phone's key. The same arguments give the same bytes. */
TAGIH_MUST_USE tagih_err phone_certify(installation_id installation, const struct key *key, size_t device, instant valid_from,
                                       struct phone_certificate *out);

/** Its row of device_key, in COPY's form, to stdout. */
void phone_print(const struct phone_certificate *certificate, size_t device);

#endif
