/* SPDX-License-Identifier: Apache-2.0
 *
 * What a zone's clocks show at a moment, and at which moments they show something. Transitions to
 * the end of TIMESTAMP's range stand in the zone's list; what follows is reckoned by its rule
 * (zone_rule.c). Pure functions; no locks, no waits.
 */
#include <stdio.h>

#include "types/zone_int.h"

#define US INT64_C(1000000)
#define DAY_SECONDS 86400
/* No offset is further from UTC (RFC 8536: 25 hours east, 26 west is never reached). */
#define FAR (26 * 3600)

static const ql_zone_type utc = {.abbr = "UTC"};

/* Transitions up to `seconds`. */
static uint32_t
count_until(const ql_zone *z, int64_t seconds)
{
    uint32_t low = 0, high = z->n;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (z->at[mid] <= seconds) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

const ql_zone_type *
ql_zone_type_at(const ql_zone *z, int64_t seconds)
{
    if (z == NULL) {
        return &utc;
    }
    uint32_t n = count_until(z, seconds);
    if (n == z->n && z->has_rule) {
        return qli_zone_rule_at(&z->rule, seconds);
    }
    return n == 0 ? &z->types[0] : &z->types[z->to[n - 1]];
}

bool
ql_zone_next(const ql_zone *z, int64_t after, int64_t *at)
{
    if (z == NULL) {
        return false;
    }
    uint32_t n = count_until(z, after);
    if (n < z->n) {
        *at = z->at[n];
        return true;
    }
    return z->has_rule && qli_zone_rule_next(&z->rule, after, at);
}

static int64_t
floor_seconds(int64_t us)
{
    return us >= 0 ? us / US : -((-us + US - 1) / US);
}

void
ql_zone_local(const ql_zone *z, int64_t us, ql_dt *t)
{
    ql_dt_from_unix(us, z == NULL ? 0 : ql_zone_type_at(z, floor_seconds(us))->seconds, t);
}

static void
add_moment(ql_moments *m, int64_t us)
{
    m->us[m->n < 2 ? m->n : 1] = us;
    m->n += m->n < 2;
}

void
ql_zone_moments(const ql_zone *z, const ql_dt *t, ql_moments *out)
{
    int64_t shown = ql_dt_to_unix(t, 0), from, to, gap = 0;
    int64_t s = floor_seconds(shown), micro = shown - s * US;
    *out = (ql_moments){0};
    if (z == NULL || (z->n == 0 && !z->has_rule)) {
        add_moment(out, shown - (z == NULL ? 0 : z->types[0].seconds * US));
        return;
    }
    /* Stretches of one offset, as far as they can matter. */
    from = s - FAR;
    const ql_zone_type *now = ql_zone_type_at(z, from);
    while (from <= s + FAR) {
        int64_t u = s - now->seconds;
        bool last = !ql_zone_next(z, from, &to);
        if (u >= from && (last || u < to)) {
            add_moment(out, u * US + micro);
        }
        if (last) {
            break;
        }
        const ql_zone_type *then = ql_zone_type_at(z, to);
        if (to + now->seconds <= s && s < to + then->seconds) {
            gap = to * US;
        }
        now = then;
        from = to;
    }
    if (out->n == 0) {
        out->us[0] = gap;
    }
}

int64_t
ql_zone_moment(const ql_zone *z, const ql_dt *t, bool *in_gap)
{
    ql_moments m;
    ql_zone_moments(z, t, &m);
    *in_gap = m.n == 0;
    return m.us[0];
}

/* ---- offsets as text ---- */

static bool
read_digits(ql_str *s, uint32_t *out)
{
    size_t i = 0;
    uint32_t v = 0;
    while (i < s->n && s->p[i] >= '0' && s->p[i] <= '9') {
        v = v < 100000 ? v * 10 + (uint32_t)(s->p[i] - '0') : v;
        i++;
    }
    s->p += i;
    s->n -= i;
    *out = v;
    return i > 0;
}

bool
ql_zone_offset_parse(ql_str s, int32_t *seconds)
{
    uint32_t hours, minutes;
    if (s.n < 4 || (s.p[0] != '+' && s.p[0] != '-')) {
        return false;
    }
    bool west = s.p[0] == '-';
    ql_str rest = {s.p + 1, s.n - 1};
    if (!read_digits(&rest, &hours) || rest.n < 2 || rest.p[0] != ':') {
        return false;
    }
    rest = (ql_str){rest.p + 1, rest.n - 1};
    if (!read_digits(&rest, &minutes) || rest.n != 0 || minutes > 59 || hours > 14) {
        return false;
    }
    int32_t v = (int32_t)(hours * 3600 + minutes * 60);
    if (west ? v >= 14 * 3600 : v > 14 * 3600) {
        return false;
    }
    *seconds = west ? -v : v;
    return true;
}

void
ql_zone_offset_print(int32_t seconds, char out[QL_ZONE_OFFSET_TEXT])
{
    unsigned minutes = (unsigned)(seconds < 0 ? -seconds : seconds) / 60;
    snprintf(out, QL_ZONE_OFFSET_TEXT, "%c%02u:%02u", seconds < 0 ? '-' : '+', minutes / 60 % 100,
             minutes % 60);
}
