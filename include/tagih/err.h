/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: one list, one type, one macro.
 *
 * Every reason that any part of Tagih can give stands in err.def with its class, the stable token that clients
 * match on, and a sentence for people. A function that can fail returns `tagih_err`, a struct and not an int, so
 * that an error can neither be mixed with a number nor be ignored.
 */
#ifndef TAGIH_ERR_H
#define TAGIH_ERR_H

#include <stdbool.h>

#define TAGIH_MUST_USE __attribute__((warn_unused_result))

/** What a caller can do about an error. Each class is one gRPC status (server/engine/status.c). */
enum tagih_class {
    TAGIH_CLASS_OK = 0,
    TAGIH_CLASS_INVALID,         /* the request itself is wrong: change it */
    TAGIH_CLASS_UNAUTHENTICATED, /* say who you are (again) */
    TAGIH_CLASS_FORBIDDEN,       /* not yours, or not there: the two look the same */
    TAGIH_CLASS_NOT_FOUND,       /* a name that anyone may know does not exist */
    TAGIH_CLASS_EXISTS,          /* it is there already, with other content */
    TAGIH_CLASS_STATE,           /* not in this state: look, then decide */
    TAGIH_CLASS_ABORTED,         /* somebody was faster: read again and repeat */
    TAGIH_CLASS_EXHAUSTED,       /* a limit: come back later or send less */
    TAGIH_CLASS_UNAVAILABLE,     /* the same call may succeed soon */
    TAGIH_CLASS_DEADLINE,        /* no time was left */
    TAGIH_CLASS_CANCELLED,       /* the caller went away */
    TAGIH_CLASS_UNIMPLEMENTED,   /* no such method */
    TAGIH_CLASS_INTERNAL,        /* our bug, or a broken machine */
    TAGIH_CLASS_COUNT
};

enum tagih_reason {
#define ERR(name, class_, token, text) ERR_##name,
#include "tagih/err.def"
#undef ERR
    ERR_COUNT
};

typedef struct {
    enum tagih_reason reason;
} tagih_err;

/** Success; compare with err_is_ok(). */
#define TAGIH_OK ((tagih_err){ERR_OK})

/** An error by its name in err.def: `return FAIL(LEASE_OVER);` */
#define FAIL(name) ((tagih_err){ERR_##name})

/** Evaluate, and return from the calling function when it failed. The only macro that hides a `return`. */
#define TRY(expr)                                      \
    do {                                               \
        tagih_err try_err_ = (expr);                   \
        if (try_err_.reason != ERR_OK) return try_err_; \
    } while (0)

static inline bool err_is_ok(tagih_err err) {
    return err.reason == ERR_OK;
}

static inline bool err_is(tagih_err err, enum tagih_reason reason) {
    return err.reason == reason;
}

/** The class of a reason. Total: a number outside the list answers INTERNAL. Pure. */
enum tagih_class err_class(tagih_err err);

/** The stable token that clients match on, such as "visit.lease_over". Never NULL. Pure. */
const char *err_token(tagih_err err);

/** One plain sentence for people, without debtor data. Never NULL. Pure. */
const char *err_text(tagih_err err);

/** The reason's name as it stands in err.def, such as "LEASE_OVER". Never NULL. Pure. */
const char *err_name(tagih_err err);

#endif
