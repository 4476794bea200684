/* SPDX-License-Identifier: Apache-2.0 */
/* One script on the store that this program was linked with:   model_script NAME FILE [SEED [ENTRIES]] */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/sim/model/script.h"

int main(int argc, char **argv) {
    struct script_options options = {.seed = 1, .entries = 300};
    if (argc < 3) {
        fprintf(stderr, "usage: %s NAME FILE [SEED [ENTRIES]]\n", argv[0]);
        return 2;
    }
    if (argc > 3) options.seed = strtoull(argv[3], NULL, 10);
    if (argc > 4) options.entries = (size_t)strtoull(argv[4], NULL, 10);
    FILE *out = fopen(argv[2], "w");
    if (!out) return 2;
    script_run(argv[1], &options, out);
    return fclose(out) == 0 ? 0 : 1;
}
