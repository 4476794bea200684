/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the settings. One pass fills the defaults, one walks the environment, one the flags; each value
 * goes through the same check. Invariant: after OK every member is inside the range of its row.
 */
#include "server/run/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum setting_type { TEXT, NUMBER, SWITCH };

static const struct setting {
    enum setting_type type;
    const char *flag, *name, *otherwise, *help;
    int64_t min, max;
    size_t offset;
} settings[] = {
#define SETTING(member, type_, flag_, name_, otherwise_, min_, max_, help_) \
    {type_, flag_, name_, otherwise_, help_, min_, max_, offsetof(struct config, member)},
#include "server/run/config.def"
#undef SETTING
};

static const char *const ignored[] = {
#define SETTING(...)
#define IGNORED(name) name,
#include "server/run/config.def"
#undef IGNORED
#undef SETTING
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define WORD_MAX 63
#define CANDIDATES_MAX (COUNT(settings) + 32)

/* Say what is wrong; a text that is too long is cut. */
__attribute__((format(printf, 3, 4))) static tagih_err refuse(struct config_problem *problem, tagih_err err,
                                                              const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
    return err;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Levenshtein distance, one row at a time. Both words hold at most WORD_MAX bytes. */
static size_t distance(const char *a, const char *b) {
    size_t row[WORD_MAX + 1], len_b = strlen(b);
    for (size_t j = 0; j <= len_b; j++) row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= len_b; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = smaller(replaced, smaller(row[j], row[j - 1]) + 1);
        }
    }
    return row[len_b];
}

const char *config_nearest(const char *word, const char *const *candidates, size_t count) {
    if (strlen(word) > WORD_MAX) return NULL;
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 1; /* a short word is near to everything */
    for (size_t i = 0; i < count; i++) {
        if (!candidates[i] || strlen(candidates[i]) > WORD_MAX) continue;
        size_t d = distance(word, candidates[i]);
        if (d >= best_distance) continue;
        best = candidates[i];
        best_distance = d;
    }
    return best;
}

static tagih_err refuse_unknown(const char *what, const char *word, const char *const *candidates,
                                size_t count, struct config_problem *problem) {
    const char *nearest = config_nearest(word, candidates, count);
    if (!nearest)
        return refuse(problem, FAIL(CONFIG_UNKNOWN), "unknown %s %.64s; --help lists what there is", what,
                      word);
    return refuse(problem, FAIL(CONFIG_UNKNOWN), "unknown %s %.64s; did you mean %s?", what, word, nearest);
}

static tagih_err read_number(const struct setting *s, const char *text, int64_t *out,
                             struct config_problem *problem) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*text == '\0' || *end || errno || value < s->min || value > s->max) {
        return refuse(problem, FAIL(CONFIG_VALUE), "%s (%s) is a whole number from %lld to %lld", s->flag,
                      s->name, (long long)s->min, (long long)s->max);
    }
    *out = value;
    return TAGIH_OK;
}

/* Put a value into its member. `text` outlives the config. */
static tagih_err assign(const struct setting *s, const char *text, struct config *out,
                        struct config_problem *problem) {
    void *member = (char *)out + s->offset;
    if (s->type != TEXT) return read_number(s, text, member, problem);
    int64_t len = (int64_t)strlen(text);
    if (len < s->min || len > s->max) {
        return refuse(problem, FAIL(CONFIG_VALUE), "%s (%s) has %lld to %lld characters", s->flag, s->name,
                      (long long)s->min, (long long)s->max);
    }
    *(const char **)member = text;
    return TAGIH_OK;
}

static tagih_err read_env_one(const char *entry, struct config *out, struct config_problem *problem) {
    const char *equals = strchr(entry, '=');
    if (!equals || strncmp(entry, "TAGIH_", 6) != 0) return TAGIH_OK;
    size_t len = (size_t)(equals - entry);
    for (size_t i = 0; i < COUNT(ignored); i++) {
        if (strlen(ignored[i]) == len && memcmp(ignored[i], entry, len) == 0) return TAGIH_OK;
    }
    const char *names[COUNT(settings)];
    for (size_t i = 0; i < COUNT(settings); i++) {
        names[i] = settings[i].name;
        if (strlen(names[i]) == len && memcmp(names[i], entry, len) == 0) {
            return assign(&settings[i], equals + 1, out, problem);
        }
    }
    char word[WORD_MAX + 1];
    snprintf(word, sizeof word, "%.*s", (int)smaller(len, WORD_MAX), entry);
    return refuse_unknown("setting", word, names, COUNT(names), problem);
}

static const struct setting *find_setting(const char *flag, size_t len) {
    for (size_t i = 0; i < COUNT(settings); i++) {
        if (strlen(settings[i].flag) == len && memcmp(settings[i].flag, flag, len) == 0) return &settings[i];
    }
    return NULL;
}

static const struct config_flag *find_flag(const struct config_flag *flags, const char *flag, size_t len) {
    for (; flags && flags->flag; flags++) {
        if (strlen(flags->flag) == len && memcmp(flags->flag, flag, len) == 0) return flags;
    }
    return NULL;
}

static tagih_err refuse_flag(const char *arg, size_t len, const struct config_flag *flags,
                             struct config_problem *problem) {
    const char *names[CANDIDATES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < COUNT(settings); i++) names[n++] = settings[i].flag;
    for (; flags && flags->flag && n < CANDIDATES_MAX; flags++) names[n++] = flags->flag;
    char word[WORD_MAX + 1];
    snprintf(word, sizeof word, "%.*s", (int)smaller(len, WORD_MAX), arg);
    return refuse_unknown("flag", word, names, n, problem);
}

/* The value of the flag at args[*i]: behind its "=", or the next argument, or "1" for a switch. */
static const char *take_value(char **args, int n_args, int *i, bool is_switch) {
    const char *equals = strchr(args[*i], '=');
    if (equals) return equals + 1;
    if (is_switch) return "1";
    return *i + 1 < n_args ? args[++*i] : NULL;
}

static tagih_err read_flag(char **args, int n_args, int *i, const struct config_flag *flags,
                           struct config *out, struct config_problem *problem) {
    const char *arg = args[*i];
    size_t len = strcspn(arg, "=");
    const struct setting *setting = find_setting(arg, len);
    const struct config_flag *flag = setting ? NULL : find_flag(flags, arg, len);
    if (!setting && !flag) return refuse_flag(arg, len, flags, problem);
    const char *value = take_value(args, n_args, i, setting ? setting->type == SWITCH : flag->meta == NULL);
    if (!value) return refuse(problem, FAIL(CONFIG_VALUE), "%s needs a value", arg);
    if (setting) return assign(setting, value, out, problem);
    *flag->value = value;
    return TAGIH_OK;
}

static tagih_err read_flags(char **args, int *n_args, const struct config_flag *flags, struct config *out,
                            struct config_problem *problem) {
    int left = 0;
    bool ended = false;
    for (int i = 0; i < *n_args; i++) {
        if (!ended && strcmp(args[i], "--") == 0) {
            ended = true;
        } else if (!ended && args[i][0] == '-' && args[i][1]) {
            TRY(read_flag(args, *n_args, &i, flags, out, problem));
        } else {
            args[left++] = args[i];
        }
    }
    *n_args = left;
    return TAGIH_OK;
}

tagih_err config_read(char **args, int *n_args, char *const *env, const struct config_flag *flags,
                      struct config *out, struct config_problem *problem) {
    for (size_t i = 0; i < COUNT(settings); i++)
        TRY(assign(&settings[i], settings[i].otherwise, out, problem));
    for (; *env; env++) TRY(read_env_one(*env, out, problem));
    return read_flags(args, n_args, flags, out, problem);
}

void config_print_help(FILE *to) {
    fprintf(to, "Settings (a flag wins over the environment):\n");
    for (size_t i = 0; i < COUNT(settings); i++) {
        const struct setting *s = &settings[i];
        fprintf(to, "  %-18s %-21s %s", s->flag, s->name, s->help);
        if (*s->otherwise && s->type != SWITCH) fprintf(to, " [%s]", s->otherwise);
        fputc('\n', to);
    }
}

void config_print_flags(FILE *to, const struct config_flag *flags) {
    for (; flags && flags->flag; flags++) {
        int used = fprintf(to, "  %s %s", flags->flag, flags->meta ? flags->meta : "");
        fprintf(to, "%*s%s\n", used < 42 ? 42 - used : 1, "", flags->help);
    }
}
