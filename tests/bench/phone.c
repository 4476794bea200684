/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and certificates of the bench's phones. */
#include "tests/bench/phone.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/world.h"

void phone_key(installation_id installation, size_t device, public_key *public_half, secret_key *secret) {
    uint8_t seed[32];
    char text[64];
    snprintf(text, sizeof text, "the bench's phone %zu", device);
    crypto_generichash(seed, sizeof seed, (const uint8_t *)text, strlen(text), installation.b, sizeof installation.b);
    crypto_sign_seed_keypair(public_half->b, secret->b, seed);
}

tagih_err phone_certify(installation_id installation, const struct key *key, size_t device, instant valid_from,
                        struct phone_certificate *out) {
    secret_key secret;
    struct envelope envelope;
    struct device_certificate opened;
    out->document = (struct device_certificate){.agency.u = world_id(WORLD_AGENCY, 0), .device.u = world_id(WORLD_DEVICE, device),
                                                .user.u = world_id(WORLD_COLLECTOR, device), .epoch = 1, .valid_from = valid_from};
    phone_key(installation, device, &out->document.key, &secret);
    TRY(device_certificate_sign(&out->document, installation, &key->secret, out->bytes, sizeof out->bytes, &out->len));
    TRY(device_certificate_open(bytes_make(out->bytes, out->len), installation, &opened, &envelope));
    out->hash = envelope.hash;
    return TAGIH_OK;
}

static void print_bytea(const uint8_t *data, size_t len) {
    fputs("\\\\x", stdout);
    for (size_t i = 0; i < len; i++) printf("%02x", data[i]);
}

void phone_print(const struct phone_certificate *certificate, size_t device) {
    const struct device_certificate *document = &certificate->document;
    char agency[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE], user[UUID_TEXT_SIZE];
    world_id_text(WORLD_AGENCY, 0, agency);
    world_id_text(WORLD_DEVICE, device, id);
    world_id_text(WORLD_COLLECTOR, device, user);
    printf("%s\t%s\t1\t%s\t", agency, id, user);
    print_bytea(document->key.b, sizeof document->key.b);
    printf("\t%lld\t", (long long)document->valid_from.us);
    print_bytea(certificate->bytes, certificate->len);
    putchar('\t');
    print_bytea(certificate->hash.b, sizeof certificate->hash.b);
    putchar('\n');
}
