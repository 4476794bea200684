/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts on the store that this program was linked with:   model_script FOLDER SEED ENTRIES [NAME..]   one file each */
#include <stdlib.h>

#include "tests/sim/model/script.h"

static bool run(const char *folder, const char *name, const struct script_options *options) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    if (!out) return false;
    script_run(name, options, out);
    return fclose(out) == 0;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: %s FOLDER SEED ENTRIES [NAME..]\n", argv[0]);
        return 2;
    }
    struct script_options options = {.seed = strtoull(argv[2], NULL, 10), .entries = (size_t)strtoull(argv[3], NULL, 10)};
    bool ok = true;
    for (int i = 4; i < argc; i++) ok = run(argv[1], argv[i], &options) && ok;
    for (size_t i = 0; argc == 4 && script_name(i); i++) ok = run(argv[1], script_name(i), &options) && ok;
    return ok ? 0 : 1;
}
