/* SPDX-License-Identifier: Apache-2.0 */
/* Offsets of time zones from the system's own files (RFC 8536), as PostgreSQL reads them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tagih/time.h"
#include "tests/sim/model/value.h"

#define ZONES_MAX 16
#define FILE_MAX ((size_t)64 * 1024)

struct zone {
    char name[64];
    size_t n;
    int64_t *from_s;   /* transitions, ascending */
    int32_t *offset_s; /* behind each */
    int32_t first_offset_s;
};
static struct zone zones[ZONES_MAX];
static size_t n_zones;

static int64_t be(const uint8_t *at, int len) {
    uint64_t n = at[0] & 0x80 ? UINT64_MAX : 0;
    for (int i = 0; i < len; i++) n = n << 8 | at[i];
    return (int64_t)n;
}

/* The second, 64-bit block of the file; counts are in its header's last six words. */
static void read_zone(struct zone *zone, const uint8_t *data, size_t len) {
    if (len < 88 || memcmp(data, "TZif", 4) != 0) mq_die("zone %s is no TZif file", zone->name);
    size_t skip = 44;
    int64_t utc = be(data + 20, 4), standard = be(data + 24, 4), leaps = be(data + 28, 4), times = be(data + 32, 4);
    int64_t types = be(data + 36, 4), chars = be(data + 40, 4);
    skip += (size_t)(times * 5 + types * 6 + chars + leaps * 8 + standard + utc);
    const uint8_t *head = data + skip;
    times = be(head + 32, 4), types = be(head + 36, 4);
    const uint8_t *at = head + 44, *kinds = at + times * 8, *infos = kinds + times;
    if ((size_t)(infos - data) + (size_t)types * 6 > len) mq_die("zone %s is cut short", zone->name);
    zone->n = (size_t)times;
    zone->from_s = calloc((size_t)times + 1, sizeof *zone->from_s);
    zone->offset_s = calloc((size_t)times + 1, sizeof *zone->offset_s);
    if (!zone->from_s || !zone->offset_s) mq_die("no memory");
    for (int64_t i = 0; i < times; i++) {
        zone->from_s[i] = be(at + i * 8, 8);
        zone->offset_s[i] = (int32_t)be(infos + kinds[i] * 6, 4);
    }
    zone->first_offset_s = (int32_t)be(infos, 4);
}

static const struct zone *find(struct bytes name) {
    for (size_t i = 0; i < n_zones; i++) {
        if (bytes_equal(bytes_text(zones[i].name), name)) return &zones[i];
    }
    if (n_zones == ZONES_MAX || name.len >= sizeof zones[0].name) mq_die("too many time zones");
    struct zone *zone = &zones[n_zones++];
    memcpy(zone->name, name.data, name.len);
    char path[128];
    static uint8_t data[FILE_MAX];
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", zone->name);
    FILE *file = fopen(path, "rb");
    if (!file) mq_die("there is no time zone %s", zone->name);
    size_t len = fread(data, 1, sizeof data, file);
    fclose(file);
    read_zone(zone, data, len);
    return zone;
}

int64_t mq_zone_offset(struct bytes name, int64_t at_s) {
    const struct zone *zone = find(name);
    size_t low = 0, high = zone->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (zone->from_s[middle] <= at_s) low = middle + 1;
        else high = middle;
    }
    return low ? zone->offset_s[low - 1] : zone->first_offset_s;
}

int64_t mq_zone_instant(struct bytes name, int64_t local_us) {
    int64_t local_s = local_us / US_PER_S, guess = local_s - mq_zone_offset(name, local_s);
    return local_us - mq_zone_offset(name, guess) * US_PER_S;
}
