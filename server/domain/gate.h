/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contact gate: may this debtor be contacted on this day, at this hour, in this place (R-GAT-1)? It stops planning
 * and attempts and never a receipt: money taken out of hours posts, flagged (R-GAT-4).
 *
 * A pack is dated data. It follows a regulation as its authors read it; whether obeying it is compliance is for counsel
 * to say, before anybody else does.
 */
#ifndef TAGIH_DOMAIN_GATE_H
#define TAGIH_DOMAIN_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tagih/time.h"

/** Where the contact would be. Stored by number: add, never renumber. */
enum gate_place { GATE_PLACE_OTHER = 0, GATE_PLACE_BILLING = 1, GATE_PLACE_DOMICILE = 2 };

/** With whom. */
enum gate_person { GATE_PERSON_DEBTOR = 0, GATE_PERSON_OTHER = 1 };

/** A plan names a day and leaves the hour to the collector. */
#define GATE_ANY_MINUTE (-1)

/** What the gate looks at. Civil dates and minutes are of the place's own zone (R-TIM-1). */
struct gate_facts {
    civil_date on;
    int32_t minute_of_day; /* 0 … 1439, or GATE_ANY_MINUTE */
    bool holiday;          /* the day is a national holiday that the pack itself does not name */
    enum gate_place place;
    enum gate_person person;
    bool silenced; /* he has just paid, and the day is within the silence that follows (R-PAY-2) */
    bool consent; /* the debtor consented to this place and these hours, and it has not run out */
};

struct gate_holiday {
    uint8_t month, day;
};

struct gate_pack {
    const char *name;
    uint8_t weekdays;       /* bit 0 Monday … bit 6 Sunday */
    int16_t from_minute;    /* the first minute that is permitted … */
    int16_t until_minute;   /* … and the first that no longer is */
    uint8_t places;         /* bit 1 << enum gate_place */
    bool debtor_only;
    bool consent_lifts;     /* consent turns a denial of place or time into ALLOW */
    const struct gate_holiday *holidays; /* the same date every year; ends with month 0 */
};

/** `rule` is "ALLOW", "ALLOW consent" or "DENY id-pojk22.hours": what is stored with a visit (R-GAT-1). */
struct gate_verdict {
    bool allow;
    char rule[40];
};

/** A pack by name ("id-pojk22"); NULL: there is none. Pure. */
const struct gate_pack *gate_pack_find(const char *name);

/** Monday 0 … Sunday 6. Pure. */
int date_weekday(civil_date on);

/**
 * Judge one contact. The first rule that denies is named: person, silence, place, day, holiday, hours.
 *
 * Consent lifts denials of place, day, holiday and hours where the pack says so, never that of the person or of silence.
 * Pure. Rules R-GAT-1, R-GAT-2, R-GAT-4. Example: a Sunday under id-pojk22 → "DENY id-pojk22.day".
 */
struct gate_verdict gate_judge(const struct gate_pack *pack, const struct gate_facts *facts);

/** Contacts for a debt rest this many working days behind a receipt of money (R-PAY-2, default). */
#define GATE_SILENCE_DAYS 3

/**
 * The last day of silence behind money that was received on a day: the third working day after it (R-PAY-2a).
 *
 * A working day is Monday to Friday and no holiday that the pack names. Pure.
 * Example: money of a Thursday → the Tuesday after; contacts may begin again on Wednesday.
 */
civil_date gate_silence_until(const struct gate_pack *pack, civil_date received_on);

#endif
