/* SPDX-License-Identifier: Apache-2.0 */
/* The packs, and the one function that judges by them (R-GAT-1, R-GAT-2). */
#include "domain/gate.h"

#include <stdio.h>
#include <string.h>

#define WEEKDAY(n) (1u << (n))
#define MONDAY_TO_SATURDAY (WEEKDAY(6) - 1)
#define WORKING_DAYS (WEEKDAY(5) - 1) /* of banks and offices: Monday to Friday */

/* National holidays whose date does not move; those that follow the moon come as facts. */
static const struct gate_holiday indonesia[] = {{1, 1}, {5, 1}, {6, 1}, {8, 17}, {12, 25}, {0, 0}};

static const struct gate_pack packs[] = {
    {.name = "id-pojk22",
     .weekdays = MONDAY_TO_SATURDAY,
     .from_minute = 8 * 60,
     .until_minute = 20 * 60,
     .places = 1u << GATE_PLACE_BILLING | 1u << GATE_PLACE_DOMICILE,
     .debtor_only = true,
     .consent_lifts = true,
     .holidays = indonesia},
};

const struct gate_pack *gate_pack_find(const char *name) {
    for (size_t i = 0; i < sizeof packs / sizeof *packs; i++) {
        if (strcmp(packs[i].name, name) == 0) return &packs[i];
    }
    return NULL;
}

/* 1970-01-01 was a Thursday. */
int date_weekday(civil_date on) {
    return (int)(((int64_t)on.days % 7 + 7 + 3) % 7);
}

static bool names_holiday(const struct gate_pack *pack, civil_date on) {
    int year, month, day;
    date_split(on, &year, &month, &day);
    for (const struct gate_holiday *each = pack->holidays; each && each->month; each++) {
        if (each->month == month && each->day == day) return true;
    }
    return false;
}

static bool is_holiday(const struct gate_pack *pack, const struct gate_facts *facts) {
    return facts->holiday || names_holiday(pack, facts->on);
}

civil_date gate_silence_until(const struct gate_pack *pack, civil_date received_on) {
    civil_date on = received_on;
    for (int left = GATE_SILENCE_DAYS; left > 0;) {
        on.days++;
        bool working = WORKING_DAYS & WEEKDAY(date_weekday(on)) && !names_holiday(pack, on);
        left -= working;
    }
    return on;
}

static bool is_out_of_hours(const struct gate_pack *pack, const struct gate_facts *facts) {
    if (facts->minute_of_day == GATE_ANY_MINUTE) return false;
    return facts->minute_of_day < pack->from_minute || facts->minute_of_day >= pack->until_minute;
}

/* What consent may lift: the first denial of place or time, NULL when there is none. */
static const char *place_or_time(const struct gate_pack *pack, const struct gate_facts *facts) {
    if (!(pack->places & 1u << facts->place)) return "place";
    if (!(pack->weekdays & WEEKDAY(date_weekday(facts->on)))) return "day";
    if (is_holiday(pack, facts)) return "holiday";
    return is_out_of_hours(pack, facts) ? "hours" : NULL;
}

struct gate_verdict gate_judge(const struct gate_pack *pack, const struct gate_facts *facts) {
    struct gate_verdict out = {.allow = true, .rule = "ALLOW"};
    bool stranger = pack->debtor_only && facts->person != GATE_PERSON_DEBTOR;
    bool firm = stranger || facts->silenced; /* no consent lifts it */
    const char *denied = stranger ? "person" : facts->silenced ? "silence" : place_or_time(pack, facts);
    if (!denied) return out;
    out.allow = !firm && pack->consent_lifts && facts->consent;
    if (out.allow) snprintf(out.rule, sizeof out.rule, "ALLOW consent");
    else snprintf(out.rule, sizeof out.rule, "DENY %s.%s", pack->name, denied);
    return out;
}
