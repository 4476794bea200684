/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process reads of its own machine: flags and environment, and files of keys. The first byte chooses; flags and
 * variables stand in lines, those that begin with '$' are variables.
 *
 * Held: a refusal says why and never what a variable's value was when that may be a secret; what was read of a key file is
 * the key that its public half says.
 */
#include "server/run/keys.c"

#include "server/run/config.h"
#include "server/run/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 4096
#define WORDS_MAX 64

static void must(bool holds) {
    if (!holds) abort();
}

static void read_settings(char *text) {
    const char *own = NULL;
    const struct config_flag flags[] = {{"--own", "WORD", "of this command", &own}, {0}};
    char *args[WORDS_MAX + 1], *env[WORDS_MAX + 1], *rest = text;
    int n_args = 0, n_env = 0;
    for (char *word; (word = strsep(&rest, "\n")) && n_args < WORDS_MAX && n_env < WORDS_MAX;) {
        if (*word == '$') env[n_env++] = word + 1;
        else args[n_args++] = word;
    }
    args[n_args] = env[n_env] = NULL;
    int given = n_args;
    struct config config;
    struct config_problem problem = {""};
    tagih_err err = config_read(args, &n_args, env, flags, &config, &problem);
    if (err_is_ok(err)) must(n_args >= 0 && n_args <= given);
    else must(*problem.text && strlen(problem.text) < sizeof problem.text - 1);
    const char *secret = strstr(problem.text, "s3cr3t");
    if (!secret) return;
    for (int i = 0; i < n_env; i++) { /* a name that does not exist is told, and may look like anything; a value is not */
        const char *value = strchr(env[i], '=');
        must(!value || !strstr(value, "s3cr3t") || strstr(env[i], "s3cr3t") < value);
    }
}

static void read_key(char *text, bool is_secret) {
    struct key key = {0};
    char seed[65] = "";
    enum log_level level;
    enum key_purpose purpose;
    uint8_t bytes[8];
    key_id id;
    bool secret_file;
    if (log_level_parse(text, &level)) must(strlen(text) < 10);
    if (err_is_ok(key_purpose_parse(text, &purpose))) must(purpose < KEY_PURPOSE_COUNT);
    if (err_is_ok(bytes_unhex(text, bytes, sizeof bytes))) must(strlen(text) == 2 * sizeof bytes);
    if (read_name(text, &purpose, &id, &secret_file)) must(purpose < KEY_PURPOSE_COUNT);
    if (!parse_text(text, is_secret, &key, seed)) return;
    must(key_id_equal(key.id, key_id_of(&key.public_key)));
    if (!is_secret) return;
    must(strlen(seed) <= 64);
    if (adopt_seed(seed, &key)) must(memcmp(key.secret.b + 32, key.public_key.b, 32) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char text[INPUT_MAX + 1];
    if (size < 1 || size > INPUT_MAX) return -1;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (data[0] % 3 == 0) read_settings(text);
    else read_key(text, data[0] % 3 == 1);
    return 0;
}
