/* SPDX-License-Identifier: Apache-2.0
 *
 * Time zones. The bytes of a zone's file, or a rule as TZ has it, are a zone or refused. Of any
 * zone, at moments of the input: what clocks show there is shown at the moments that are found for
 * it, and at that one unless there are more than two; a gap begins at a change, below which less is
 * shown and behind which more; changes ascend. Offsets are printed as they are read.
 */
#include "fuzz.h"
#include "types/zone.h"

#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

static int64_t
take_moment(source *s)
{
    return (int64_t)(take_u64(s) % (uint64_t)(LAST_SECOND + INT64_C(62135596800))) -
           INT64_C(62135596800) + 26 * 3600; /* from the year 1 on, in every zone */
}

static void
check_local(const ql_zone *z, int64_t us)
{
    ql_dt shown, again;
    ql_moments m;
    ql_zone_local(z, us, &shown);
    if (shown.year == 0 || shown.year >= 9999) {
        return;
    }
    ql_zone_moments(z, &shown, &m);
    CLAIM(m.n == 1 || m.n == 2);
    CLAIM(m.n == 1 ? m.us[0] == us : m.us[0] <= us && us <= m.us[1]);
    for (unsigned i = 0; i < m.n; i++) {
        ql_zone_local(z, m.us[i], &again);
        CLAIM(ql_dt_pack(&again) == ql_dt_pack(&shown));
    }
}

/* A date and time that may not exist. */
static void
check_gap(const ql_zone *z, int64_t us)
{
    ql_dt t, at, before;
    ql_moments m;
    bool gap;
    ql_dt_from_unix(us, 0, &t);
    if (t.year < 2 || t.year > 9997) {
        return;
    }
    ql_zone_moments(z, &t, &m);
    CLAIM(ql_zone_moment(z, &t, &gap) == m.us[0] && gap == (m.n == 0));
    if (m.n == 0) {
        ql_zone_local(z, m.us[0], &at);
        ql_zone_local(z, m.us[0] - 1, &before);
        CLAIM(ql_dt_pack(&before) < ql_dt_pack(&t) && ql_dt_pack(&t) < ql_dt_pack(&at));
    }
}

static void
check_zone(const ql_zone *z, source *s)
{
    for (int k = 0; k < 6; k++) {
        int64_t at = take_moment(s), next;
        check_local(z, at * 1000000 + 1);
        check_gap(z, at * 1000000);
        for (int i = 0; i < 4 && ql_zone_next(z, at, &next); i++) {
            CLAIM(next > at);
            at = next;
            if (at > -INT64_C(62000000000) && at < LAST_SECOND) {
                check_local(z, at * 1000000);
                check_local(z, at * 1000000 - 1);
                check_gap(z, at * 1000000 + 1800 * INT64_C(1000000));
            }
        }
    }
}

static void
check_offset(source *s)
{
    size_t n;
    int32_t seconds, again;
    char text[QL_ZONE_OFFSET_TEXT], *p = take_bytes(s, 20, &n);
    if (ql_zone_offset_parse((ql_str){p, n}, &seconds)) {
        ql_zone_offset_print(seconds, text);
        CLAIM(ql_zone_offset_parse((ql_str){text, strlen(text)}, &again) && again == seconds);
    }
    free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    source s = {data, size};
    ql_zone *z = NULL;
    ql_zone_result r;
    switch (take_byte(&s) % 3) {
    case 0:
        check_offset(&s);
        return 0;
    case 1: {
        size_t n;
        char *p = take_bytes(&s, 100, &n);
        r = ql_zone_of_rule((ql_str){p, n}, QL_STR("fuzz"), &z);
        free(p);
        break;
    }
    default: { /* moments first: files end as they like */
        source moments = s;
        size_t skip = s.n < 48 ? s.n : 48, n = s.n - skip;
        char *p = malloc(n > 0 ? n : 1);
        CLAIM(p != NULL);
        if (n > 0) {
            memcpy(p, s.p + skip, n);
        }
        r = ql_zone_of_file((ql_str){p, n}, QL_STR("fuzz"), &z);
        free(p);
        s = moments;
        break;
    }
    }
    CLAIM((r == QL_ZONE_MADE) == (z != NULL) && r != QL_ZONE_NO_MEMORY);
    if (z != NULL) {
        check_zone(z, &s);
        ql_zone_free(z);
    }
    return 0;
}
