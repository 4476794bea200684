/* SPDX-License-Identifier: Apache-2.0 */
/* The calls, over the contract's own messages. */
#include "tests/sim/calls.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract.h"
#include "tests/sim/clock.h"

struct calls_patience calls_patience;

bool calls_try_again(int64_t since_us) {
    if (sim_clock_stopwatch_us() - since_us >= calls_patience.give_up_us) return false;
    usleep(50000);
    return true;
}

/* The server gives details with every error of its own: one without came from the network. */
static bool may_pass(const struct client_reply *reply) {
    switch (reply->status) {
        case CALL_UNAVAILABLE:
        case CALL_RESOURCE_EXHAUSTED:
        case CALL_ABORTED:
        case CALL_DEADLINE_EXCEEDED:
            return true;
        case CALL_CANCELLED:
        case CALL_UNKNOWN:
        case CALL_INTERNAL:
            return calls_patience.give_up_us > 0 && reply->details_len == 0;
        default:
            return false;
    }
}

/* ---- one call ------------------------------------------------------------------------------------------------- */

static uint8_t *pack(const ProtobufCMessage *message, size_t *len) {
    *len = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = malloc(*len + 1);
    assert(bytes);
    protobuf_c_message_pack(message, bytes);
    return bytes;
}

static struct client_call *begin(struct client *client, const char *method, const char *token,
                                 const ProtobufCMessage *request) {
    char path[128], bearer[CALLS_TOKEN_SIZE + 16];
    snprintf(path, sizeof path, "/tagih.v1.%s", method);
    snprintf(bearer, sizeof bearer, "Bearer %s", token ? token : "");
    struct client_header header = {"authorization", bytes_text(bearer)};
    struct client_options options = {.headers = &header, .header_count = token ? 1 : 0, .timeout_us = calls_patience.try_us};
    size_t len;
    uint8_t *bytes = pack(request, &len);
    struct client_call *call = client_start(client, path, CLIENT_ONE, bytes_make(bytes, len), &options);
    free(bytes);
    return call;
}

/* @return as call(); *again: later it may succeed */
static void *try_call(struct client *client, const char *method, const char *token, const ProtobufCMessage *request,
                      const ProtobufCMessageDescriptor *type, char *trouble, bool *again) {
    struct client_reply reply = client_finish(begin(client, method, token, request));
    ProtobufCMessage *response = NULL;
    *again = may_pass(&reply);
    if (reply.status != CALL_OK) {
        snprintf(trouble, TROUBLE_SIZE, "%s: status %d, %.250s", method, (int)reply.status, reply.message);
    } else {
        response = protobuf_c_message_unpack(type, NULL, reply.body_len, reply.body);
        if (!response) snprintf(trouble, TROUBLE_SIZE, "%s: the response does not decode", method);
        else *trouble = 0;
    }
    client_reply_release(&reply);
    return response;
}

/* @return the response, to be freed with free_message; NULL with `trouble` filled */
static void *call(struct client *client, const char *method, const char *token, const ProtobufCMessage *request,
                  const ProtobufCMessageDescriptor *type, char *trouble) {
    int64_t since_us = sim_clock_stopwatch_us();
    bool again;
    void *response = try_call(client, method, token, request, type, trouble, &again);
    while (!response && again && calls_try_again(since_us)) {
        client_renew(client);
        response = try_call(client, method, token, request, type, trouble, &again);
    }
    return response;
}

static void free_message(void *message) {
    if (message) protobuf_c_message_free_unpacked(message, NULL);
}

static char *text(const char *borrowed) {
    return (char *)(uintptr_t)borrowed;
}

static ProtobufCBinaryData data_of(const void *data, size_t len) {
    return (ProtobufCBinaryData){len, (uint8_t *)(uintptr_t)data};
}

static struct bytes bytes_of(ProtobufCBinaryData data) {
    return bytes_make(data.data, data.len);
}

static bool refuse(char *trouble, const char *what) {
    snprintf(trouble, TROUBLE_SIZE, "%s", what);
    return false;
}

/* ---- who ------------------------------------------------------------------------------------------------------ */

bool calls_login(struct client *client, const char *login, const char *password, char token[CALLS_TOKEN_SIZE],
                 char *trouble) {
    Tagih__V1__LoginRequest request = TAGIH__V1__LOGIN_REQUEST__INIT;
    request.login = text(login);
    request.password = text(password);
    Tagih__V1__LoginResponse *response = call(client, "SessionService/Login", NULL, &request.base,
                                              &tagih__v1__login_response__descriptor, trouble);
    if (!response) return false;
    bool good = response->tokens && strlen(response->tokens->access_token) < CALLS_TOKEN_SIZE;
    if (good) snprintf(token, CALLS_TOKEN_SIZE, "%s", response->tokens->access_token);
    free_message(response);
    return good || refuse(trouble, "Login gave no token");
}

static bool make_code(struct client *client, const char *supervisor_token, struct collector *collector, char code[64]) {
    Tagih__V1__CreateEnrolCodeRequest request = TAGIH__V1__CREATE_ENROL_CODE_REQUEST__INIT;
    char code_id[UUID_TEXT_SIZE];
    uuid_format(phone_id(&collector->phone), code_id);
    request.user_id = collector->user_id;
    request.code_id = code_id;
    Tagih__V1__CreateEnrolCodeResponse *response =
        call(client, "DeviceService/CreateEnrolCode", supervisor_token, &request.base,
             &tagih__v1__create_enrol_code_response__descriptor, collector->trouble);
    if (!response) return false;
    snprintf(code, 64, "%s", response->code);
    free_message(response);
    return true;
}

/* The phone knows the installation already: it stands beside the code, in what the supervisor shows. */
static bool enrol(struct client *client, struct collector *collector, const char *code) {
    struct phone *phone = &collector->phone;
    uint8_t proof[ENVELOPE_MAX];
    Tagih__V1__EnrolRequest request = TAGIH__V1__ENROL_REQUEST__INIT;
    request.code = text(code);
    request.public_key = data_of(phone->key.b, sizeof phone->key.b);
    request.proof = data_of(proof, phone_prove_enrolment(phone, code, proof));
    request.model = text("Simulated 6a");
    Tagih__V1__EnrolResponse *response = call(client, "DeviceService/Enrol", NULL, &request.base,
                                              &tagih__v1__enrol_response__descriptor, collector->trouble);
    if (!response) return false;
    bool good = bytes_equal(bytes_of(response->installation_id), BYTES_OF(&phone->installation)) &&
                err_is_ok(uuid_parse(response->device_id, &phone->device.u));
    free_message(response);
    return good || refuse(collector->trouble, "Enrol gave no device");
}

static bool confirm(struct client *client, const char *supervisor_token, struct collector *collector) {
    Tagih__V1__ConfirmDeviceRequest request = TAGIH__V1__CONFIRM_DEVICE_REQUEST__INIT;
    char device[UUID_TEXT_SIZE];
    uuid_format(collector->phone.device.u, device);
    request.device_id = device;
    request.accept = true;
    Tagih__V1__ConfirmDeviceResponse *response =
        call(client, "DeviceService/ConfirmDevice", supervisor_token, &request.base,
             &tagih__v1__confirm_device_response__descriptor, collector->trouble);
    if (!response) return false;
    bool good = strcmp(response->state, "active") == 0;
    free_message(response);
    return good || refuse(collector->trouble, "the confirmed device is not active");
}

bool calls_enrol(struct client *client, const char *supervisor_token, struct collector *collector) {
    char code[64];
    return make_code(client, supervisor_token, collector, code) && enrol(client, collector, code) &&
           confirm(client, supervisor_token, collector);
}

static bool get_nonce(struct collector *collector, char device[UUID_TEXT_SIZE], uint8_t nonce[32]) {
    Tagih__V1__GetNonceRequest request = TAGIH__V1__GET_NONCE_REQUEST__INIT;
    uuid_format(collector->phone.device.u, device);
    request.device_id = device;
    Tagih__V1__GetNonceResponse *response = call(collector->client, "DeviceService/GetNonce", NULL, &request.base,
                                                 &tagih__v1__get_nonce_response__descriptor, collector->trouble);
    if (!response) return false;
    bool good = response->nonce.len == 32;
    if (good) memcpy(nonce, response->nonce.data, 32);
    free_message(response);
    return good || refuse(collector->trouble, "a nonce must have 32 bytes");
}

static bool take_identity(struct collector *collector, const Tagih__V1__AuthenticateResponse *response) {
    struct phone *phone = &collector->phone;
    phone->server_key_count = 0;
    for (size_t i = 0; i < response->n_server_keys && i < PHONE_KEYS_MAX; i++) {
        if (response->server_keys[i].len != sizeof(public_key)) return refuse(collector->trouble, "odd server key");
        memcpy(phone->server_keys[phone->server_key_count++].b, response->server_keys[i].data, sizeof(public_key));
    }
    if (strlen(response->access_token) >= sizeof collector->token) return refuse(collector->trouble, "long token");
    snprintf(collector->token, sizeof collector->token, "%s", response->access_token);
    return phone_take_device_certificate(phone, bytes_of(response->certificate)) ||
           refuse(collector->trouble, "the device certificate does not verify");
}

static bool authenticate(struct collector *collector) {
    char device[UUID_TEXT_SIZE];
    uint8_t nonce[32], proof[ENVELOPE_MAX];
    if (!get_nonce(collector, device, nonce)) return false;
    Tagih__V1__AuthenticateRequest request = TAGIH__V1__AUTHENTICATE_REQUEST__INIT;
    request.device_id = device;
    request.proof = data_of(proof, phone_prove_nonce(&collector->phone, bytes_make(nonce, sizeof nonce), proof));
    Tagih__V1__AuthenticateResponse *response =
        call(collector->client, "DeviceService/Authenticate", NULL, &request.base,
             &tagih__v1__authenticate_response__descriptor, collector->trouble);
    if (!response) return false;
    bool good = take_identity(collector, response);
    free_message(response);
    return good;
}

/* A nonce lasts some minutes, and a clock may move between the two calls. */
bool calls_authenticate(struct collector *collector) {
    int64_t since_us = sim_clock_stopwatch_us();
    bool good = authenticate(collector);
    while (!good && calls_try_again(since_us)) good = authenticate(collector);
    if (good) *collector->trouble = 0;
    return good;
}

/* A call of the phone's own: a token that has ended is replaced by a new one, where there is patience. */
static void *own_call(struct collector *collector, const char *method, const ProtobufCMessage *request,
                      const ProtobufCMessageDescriptor *type) {
    static const char ended[] = ": status 16,"; /* CALL_UNAUTHENTICATED */
    int64_t since_us = sim_clock_stopwatch_us();
    void *response = call(collector->client, method, collector->token, request, type, collector->trouble);
    while (!response && strstr(collector->trouble, ended) && calls_try_again(since_us) && calls_authenticate(collector)) {
        response = call(collector->client, method, collector->token, request, type, collector->trouble);
    }
    return response;
}

/* ---- Pull ----------------------------------------------------------------------------------------------------- */

static void take_visit(struct collector *collector, const Tagih__V1__Visit *visit) {
    visit_id id;
    if (!err_is_ok(uuid_parse(visit->visit_id, &id.u))) return;
    struct stop *stop = collector->stops;
    size_t i = 0;
    while (i < collector->stop_count && !uuid_equal(stop[i].visit.u, id.u)) i++;
    if (i == STOPS_MAX) return;
    if (i == collector->stop_count) {
        stop[collector->stop_count++] = (struct stop){.visit = id, .paid_minor = -1};
    }
    if (!err_is_ok(uuid_parse(visit->account_id, &stop[i].account.u))) return;
    if (!err_is_ok(date_parse(visit->planned_on, &collector->day_on))) return;
    stop[i].version = visit->version;
    stop[i].purpose = (uint16_t)visit->purpose;
    stop[i].lat_e7 = visit->lat_e7;
    stop[i].lon_e7 = visit->lon_e7;
}

static void take_account(struct collector *collector, const Tagih__V1__Account *account, const struct outcomes *outcomes) {
    account_id id;
    if (!err_is_ok(uuid_parse(account->account_id, &id.u)) || !account->open) return;
    for (size_t i = 0; i < collector->stop_count; i++) {
        struct stop *stop = &collector->stops[i];
        if (!uuid_equal(stop->account.u, id.u)) continue;
        const Tagih__V1__Components *open = account->open;
        stop->open_minor = open->fees_minor + open->penalty_minor + open->interest_minor + open->principal_minor;
        stop->paid_minor = outcomes_paid_minor(outcomes, account->account_no);
        snprintf(stop->account_no, sizeof stop->account_no, "%.39s", account->account_no);
    }
}

/* Accounts may come before their visits: two walks over one answer, and the whole answer first. */
static void take_changes(struct collector *collector, const Tagih__V1__PullResponse *response,
                         const struct outcomes *outcomes) {
    for (size_t i = 0; i < response->n_changes; i++) {
        const Tagih__V1__PullChange *change = response->changes[i];
        if (change->item_case == TAGIH__V1__PULL_CHANGE__ITEM_VISIT) take_visit(collector, change->visit);
        if (change->item_case == TAGIH__V1__PULL_CHANGE__ITEM_FATE) collector->fate_changes++;
    }
    for (size_t i = 0; i < response->n_changes; i++) {
        const Tagih__V1__PullChange *change = response->changes[i];
        if (change->item_case != TAGIH__V1__PULL_CHANGE__ITEM_ACCOUNT) continue;
        take_account(collector, change->account, outcomes);
    }
}

/* @return 1 more to come, 0 that was all, -1 trouble */
static int pull_page(struct collector *collector, const struct outcomes *outcomes) {
    Tagih__V1__PullRequest request = TAGIH__V1__PULL_REQUEST__INIT;
    request.cursor = data_of(collector->cursor, collector->cursor_len);
    request.page_size = 500;
    Tagih__V1__PullResponse *response =
        own_call(collector, "SyncService/Pull", &request.base, &tagih__v1__pull_response__descriptor);
    if (!response) return -1;
    take_changes(collector, response, outcomes);
    bool fits = response->cursor.len <= sizeof collector->cursor;
    if (fits) memcpy(collector->cursor, response->cursor.data, response->cursor.len);
    collector->cursor_len = fits ? response->cursor.len : 0;
    int more = response->more;
    free_message(response);
    if (!fits) refuse(collector->trouble, "Pull: the cursor is too long for a phone");
    return fits ? more : -1;
}

/* Ids are new in every run; the creditor's numbers are not. */
static int by_account_no(const void *a, const void *b) {
    return strcmp(((const struct stop *)a)->account_no, ((const struct stop *)b)->account_no);
}

bool calls_pull(struct collector *collector, const struct outcomes *outcomes) {
    int more = 1;
    for (int pages = 0; more == 1; pages++) {
        if (pages == 100) return refuse(collector->trouble, "Pull never ends");
        more = pull_page(collector, outcomes);
    }
    qsort(collector->stops, collector->stop_count, sizeof *collector->stops, by_account_no);
    return more == 0;
}

/* ---- CheckIn -------------------------------------------------------------------------------------------------- */

static const Tagih__V1__FixProvider providers[] = {
    [JOURNAL_PROVIDER_GPS] = TAGIH__V1__FIX_PROVIDER__FIX_PROVIDER_GPS,
    [JOURNAL_PROVIDER_FUSED] = TAGIH__V1__FIX_PROVIDER__FIX_PROVIDER_FUSED,
    [JOURNAL_PROVIDER_NETWORK] = TAGIH__V1__FIX_PROVIDER__FIX_PROVIDER_NETWORK,
    [JOURNAL_PROVIDER_PASSIVE] = TAGIH__V1__FIX_PROVIDER__FIX_PROVIDER_UNSPECIFIED,
};

static void fill_fix(const struct journal_fix *in, Tagih__V1__Fix *out, Tagih__V1__OptionalInt64 *speed) {
    *out = (Tagih__V1__Fix)TAGIH__V1__FIX__INIT;
    out->lat_e7 = in->lat_e7;
    out->lon_e7 = in->lon_e7;
    out->accuracy_mm = in->accuracy_mm;
    out->fix_us = in->at.us;
    out->provider = providers[in->provider];
    out->mock = in->mock;
    *speed = (Tagih__V1__OptionalInt64)TAGIH__V1__OPTIONAL_INT64__INIT;
    speed->value = in->speed_mm_s;
    if (in->has_speed_mm_s) out->speed_mm_s = speed;
}

bool calls_check_in(struct collector *collector, const struct told *told) {
    Tagih__V1__Fix fixes[JOURNAL_FIXES_MAX], *list[JOURNAL_FIXES_MAX];
    Tagih__V1__OptionalInt64 speeds[JOURNAL_FIXES_MAX];
    char id[UUID_TEXT_SIZE], visit[UUID_TEXT_SIZE];
    uuid_format(told->id.u, id);
    uuid_format(told->check_in.visit.u, visit);
    Tagih__V1__CheckInRequest request = TAGIH__V1__CHECK_IN_REQUEST__INIT;
    request.check_in_id = id;
    request.visit_id = visit;
    request.device_us = told->check_in.tapped.us;
    request.mono_us = told->check_in.tapped_mono_us;
    request.boot_id = data_of(collector->phone.boot.b, sizeof collector->phone.boot.b);
    for (size_t i = 0; i < told->check_in.fix_count; i++) {
        fill_fix(&told->check_in.fixes[i], &fixes[i], &speeds[i]);
        list[i] = &fixes[i];
    }
    request.fixes = list;
    request.n_fixes = told->check_in.fix_count;
    void *response = own_call(collector, "CheckInService/CheckIn", &request.base, &tagih__v1__check_in_response__descriptor);
    free_message(response);
    return response != NULL;
}

/* ---- Push ----------------------------------------------------------------------------------------------------- */

struct push {
    struct client_call *call;
    struct record **records;
    size_t count;
};

struct push *calls_push_start(struct client *client, const struct phone *phone, struct record *const *records,
                              size_t count) {
    if (calls_patience.pace_us) usleep((useconds_t)calls_patience.pace_us);
    struct push *push = calloc(1, sizeof *push);
    ProtobufCBinaryData *entries = calloc(count, sizeof *entries);
    assert(push && entries);
    push->records = malloc(count * sizeof *push->records);
    assert(push->records);
    memcpy(push->records, records, count * sizeof *records);
    push->count = count;
    for (size_t i = 0; i < count; i++) entries[i] = data_of(records[i]->bytes, records[i]->len);
    ProtobufCBinaryData certificate = data_of(phone->certificate, phone->certificate_len);
    Tagih__V1__PushRequest request = TAGIH__V1__PUSH_REQUEST__INIT;
    request.n_entries = count;
    request.entries = entries;
    request.n_certificates = 1;
    request.certificates = &certificate;
    push->call = begin(client, "SyncService/Push", NULL, &request.base);
    free(entries);
    return push;
}

static const char *const faults[PROOF_COUNT] = {
    [PROOF_UNREADABLE] = "is not readable",
    [PROOF_SIGNATURE] = "is not signed by a key of the server",
    [PROOF_OTHER] = "is about something else",
    [PROOF_CHANGED] = "differs from the first one",
};

static bool believe(enum proof proof, const char *what, char *trouble) {
    if (!faults[proof]) return true;
    snprintf(trouble, TROUBLE_SIZE, "%s %s", what, faults[proof]);
    return false;
}

static bool take_answer(struct push *push, struct phone *phone, const Tagih__V1__PushResponse *response, char *trouble) {
    if (response->n_acks != push->count) return refuse(trouble, "Push: not one acknowledgement an entry");
    bool good = true;
    for (size_t i = 0; i < push->count; i++) {
        struct record *record = push->records[i];
        /* A turned bit may make it a stranger's, or nobody's: then there is no acknowledgement to be had. */
        if (record->origin == ORIGIN_FLIPPED && response->acks[i].len == 0) continue;
        bool is_first = !record->acked;
        good &= believe(phone_take_ack(phone, record, bytes_of(response->acks[i])), "an acknowledgement", trouble);
        if (is_first && record->acked && record->origin == ORIGIN_GENUINE) atomic_fetch_add(&progress.acks, 1);
    }
    for (size_t i = 0; i < response->n_chain_certificates; i++) {
        struct bytes certificate = bytes_of(response->chain_certificates[i]);
        good &= believe(phone_take_certificate(phone, certificate), "a chain certificate", trouble);
    }
    return good;
}

bool calls_push_finish(struct push *push, struct phone *phone, bool listen, bool *again, char *trouble) {
    struct client_reply reply = client_finish(push->call);
    bool good = reply.status == CALL_OK;
    *again = !good && may_pass(&reply);
    if (!good) {
        snprintf(trouble, TROUBLE_SIZE, "Push: status %d, %.250s", (int)reply.status, reply.message);
    } else if (listen) {
        Tagih__V1__PushResponse *response = tagih__v1__push_response__unpack(NULL, reply.body_len, reply.body);
        good = response ? take_answer(push, phone, response, trouble) : refuse(trouble, "Push: no answer in it");
        free_message(response);
    }
    client_reply_release(&reply);
    free(push->records);
    free(push);
    return good;
}
