/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of visits and outcomes. Stored numbers begin at 0, the contract's enums keep 0 for "not said". */
#include "rpc/visit_view.h"

#include "domain/outcome.h"
#include "tagih/presence.h"

static const Tagih__V1__PresenceVerdict verdicts[] = {
    [PRESENCE_UNKNOWN] = TAGIH__V1__PRESENCE_VERDICT__PRESENCE_VERDICT_UNKNOWN,
    [PRESENCE_INSIDE] = TAGIH__V1__PRESENCE_VERDICT__PRESENCE_VERDICT_INSIDE,
    [PRESENCE_OUTSIDE] = TAGIH__V1__PRESENCE_VERDICT__PRESENCE_VERDICT_OUTSIDE,
    [PRESENCE_UNSURE] = TAGIH__V1__PRESENCE_VERDICT__PRESENCE_VERDICT_UNSURE,
};

static const char *outcome_text(const struct visit_read *visit) {
    const struct outcome *outcome = outcome_find((uint32_t)visit->outcome_list, (uint32_t)visit->outcome);
    return outcome ? outcome->name : protobuf_c_empty_string;
}

void visit_view(struct rpc_item *item, const struct visit_read *visit, Tagih__V1__Visit *out) {
    char day[DATE_TEXT_SIZE];
    date_format(visit->planned_on, day);
    tagih__v1__visit__init(out);
    out->visit_id = rpc_uuid(item, visit->id.u);
    out->account_id = rpc_uuid(item, visit->account.u);
    out->collector_id = rpc_uuid(item, visit->collector.u);
    out->planned_on = rpc_text(item, bytes_text(day));
    out->purpose = (Tagih__V1__VisitPurpose)visit->purpose;
    out->policy = (Tagih__V1__PresencePolicy)(visit->policy + 1);
    out->state = (Tagih__V1__VisitState)(visit->state + 1);
    out->version = (uint32_t)visit->version;
    out->lease_until_us = visit->lease_until_us;
    out->lat_e7 = visit->lat_e7;
    out->lon_e7 = visit->lon_e7;
    out->radius_mm = (uint32_t)visit->radius_mm;
    out->presence = verdicts[visit->presence];
    out->outcome = (char *)(uintptr_t)outcome_text(visit);
}

/* Names of a set of bits. `name` answers NULL behind the last. */
static char **names_of(struct rpc_item *item, uint32_t bits, const char *(*name)(size_t), size_t *n) {
    char **names = rpc_alloc(item, 32 * sizeof *names);
    *n = 0;
    for (size_t i = 0; names && name(i); i++) {
        if (bits >> i & 1) names[(*n)++] = (char *)(uintptr_t)name(i);
    }
    return names;
}

static void outcome_view(struct rpc_item *item, const struct outcome *outcome, uint32_t version, Tagih__V1__Outcome *out) {
    tagih__v1__outcome__init(out);
    out->code = (char *)(uintptr_t)outcome->name;
    out->action = (char *)(uintptr_t)outcome_action_name(outcome->action);
    out->next_actions = names_of(item, outcome->next, outcome_action_name, &out->n_next_actions);
    out->required_fields = names_of(item, outcome->required, outcome_field_name, &out->n_required_fields);
    out->retired = outcome_is_retired(outcome, version);
}

tagih_err outcomes_view(struct rpc_item *item, uint32_t version, Tagih__V1__ListOutcomesResponse *out) {
    out->version = version ? version : OUTCOME_LIST_VERSION;
    size_t n = 0;
    while (outcome_at(out->version, n)) n++;
    if (n == 0) return FAIL(OUTCOME_LIST_UNKNOWN);
    Tagih__V1__Outcome *outcomes = rpc_alloc(item, n * sizeof *outcomes);
    out->outcomes = rpc_alloc(item, n * sizeof *out->outcomes);
    if (!outcomes || !out->outcomes) return item->err;
    for (; out->n_outcomes < n; out->n_outcomes++) {
        outcome_view(item, outcome_at(out->version, out->n_outcomes), out->version, &outcomes[out->n_outcomes]);
        out->outcomes[out->n_outcomes] = &outcomes[out->n_outcomes];
    }
    return item->err;
}
