/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of reasons (include/tagih/err.def), as a table. */
#include "tagih/err.h"

static const struct {
    enum tagih_class class_;
    const char *name, *token, *text;
} reasons[] = {
#define ERR(name, class_, token, text) {TAGIH_CLASS_##class_, #name, token, text},
#include "tagih/err.def"
#undef ERR
};

static enum tagih_reason known(tagih_err err) {
    return (unsigned)err.reason < ERR_COUNT ? err.reason : ERR_INTERNAL;
}

enum tagih_class err_class(tagih_err err) {
    return reasons[known(err)].class_;
}

const char *err_token(tagih_err err) {
    return reasons[known(err)].token;
}

const char *err_text(tagih_err err) {
    return reasons[known(err)].text;
}

const char *err_name(tagih_err err) {
    return reasons[known(err)].name;
}
