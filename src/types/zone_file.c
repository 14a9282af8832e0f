/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of the time zone database as zic makes them: RFC 8536, "The Time Zone Information Format".
 * All that is used is checked against the bytes there are: a file that is cut, damaged or of a form
 * that is not known is no zone. Pure functions; no locks, no waits.
 */
#include <string.h>

#include "base/mem.h"
#include "types/zone_int.h"

#define HEADER 44
#define MAX_TIMES 4096
#define MAX_TYPES 256
#define MAX_CHARS 256
/* From a rule, transitions until here stand in the list: what TIMESTAMPs can be. */
#define LISTED_UNTIL INT64_C(2147483647)
#define RULE_ROOM 256 /* of these from 1970 on; a file's last transition leaves fewer years */
#define MAX_OFFSET (26 * 3600)

/* ---- memory ---- */

typedef struct parts {
    int64_t *at;
    uint8_t *to;
    ql_zone_type *types;
} parts;

static ql_zone *
zone_alloc(ql_str name, uint32_t times, uint32_t types, parts *p)
{
    size_t size = sizeof(ql_zone) + times * (sizeof(int64_t) + 1) + types * sizeof(ql_zone_type);
    ql_zone *z = ql_mem_zalloc(size);
    if (z == NULL) {
        return NULL;
    }
    p->at = (int64_t *)(void *)(z + 1);
    p->types = (ql_zone_type *)(void *)(p->at + times);
    p->to = (uint8_t *)(p->types + types);
    z->at = p->at;
    z->types = p->types;
    z->to = p->to;
    z->ntypes = z->ntypes_own = types;
    size_t n = name.n < QL_ZONE_NAME_MAX ? name.n : QL_ZONE_NAME_MAX;
    memcpy(z->name, name.p, n);
    return z;
}

void
ql_zone_free(ql_zone *z)
{
    ql_mem_free(z);
}

ql_zone *
ql_zone_of_seconds(const char *name, int32_t seconds)
{
    parts p;
    ql_zone *z = zone_alloc((ql_str){name, strlen(name)}, 0, 1, &p);
    if (z != NULL) {
        p.types[0].seconds = seconds;
        strncpy(p.types[0].abbr, name, QL_ZONE_ABBR_MAX - 1);
    }
    return z;
}

/* ---- the file ---- */

typedef struct counts {
    uint32_t isut, isstd, leap, time, type, chars;
} counts;

static uint32_t
read_u32(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static int64_t
read_i64(const char *p)
{
    return (int64_t)((uint64_t)read_u32(p) << 32 | read_u32(p + 4));
}

static bool
read_header(ql_str *s, char *version, counts *c)
{
    if (s->n < HEADER || memcmp(s->p, "TZif", 4) != 0) {
        return false;
    }
    *version = s->p[4];
    *c = (counts){read_u32(s->p + 20), read_u32(s->p + 24), read_u32(s->p + 28),
                  read_u32(s->p + 32), read_u32(s->p + 36), read_u32(s->p + 40)};
    s->p += HEADER;
    s->n -= HEADER;
    return c->time <= MAX_TIMES && c->type <= MAX_TYPES && c->chars <= MAX_CHARS &&
           c->leap <= MAX_TIMES && (c->isut == 0 || c->isut == c->type) &&
           (c->isstd == 0 || c->isstd == c->type);
}

/* Bytes of a block whose moments have so many. */
static size_t
block_bytes(const counts *c, size_t moment)
{
    return c->time * (moment + 1) + c->type * 6 + c->chars + c->leap * (moment + 4) + c->isstd +
           c->isut;
}

static bool
read_types(const char *p, const counts *c, ql_zone_type *out)
{
    const char *names = p + (size_t)c->type * 6;
    for (uint32_t i = 0; i < c->type; i++, p += 6) {
        int32_t seconds = (int32_t)read_u32(p);
        uint8_t dst = (uint8_t)p[4], name = (uint8_t)p[5];
        if (seconds < -MAX_OFFSET || seconds > MAX_OFFSET || dst > 1 || name >= c->chars) {
            return false;
        }
        size_t n = strnlen(names + name, c->chars - name);
        if (n == c->chars - name || n >= QL_ZONE_ABBR_MAX) {
            return false;
        }
        out[i] = (ql_zone_type){.seconds = seconds, .is_dst = dst != 0};
        memcpy(out[i].abbr, names + name, n);
    }
    return true;
}

static bool
read_block(ql_str s, const counts *c, size_t moment, ql_zone *z, parts *to)
{
    const char *times = s.p, *types = times + c->time * moment;
    for (uint32_t i = 0; i < c->time; i++) {
        const char *at = times + i * moment;
        to->at[i] = moment == 8 ? read_i64(at) : (int32_t)read_u32(at);
        to->to[i] = (uint8_t)types[i];
        if ((i > 0 && to->at[i] <= to->at[i - 1]) || to->to[i] >= c->type) {
            return false;
        }
        /* zic begins with the Big Bang; nothing is known of what comes in 70,000 years. */
        if (to->at[i] < -(INT64_C(1) << 59) || to->at[i] > INT64_C(1) << 41) {
            return false;
        }
    }
    z->n = z->n_own = c->time;
    z->ntypes_own = c->type;
    return read_types(types + c->time, c, to->types);
}

/* Behind the last transition of the file, if that is not long ago; the type numbers of the rule are
 * those behind the file's. */
static void
list_rule(ql_zone *z, parts *to, uint32_t room)
{
    int64_t at = z->n > 0 ? z->at[z->n - 1] : -1;
    uint8_t std = (uint8_t)(z->ntypes - 2), dst = (uint8_t)(z->ntypes - 1);
    to->types[std] = z->rule.types[0];
    to->types[dst] = z->rule.types[z->rule.has_dst];
    while (at >= 0 && z->n < room && qli_zone_rule_next(&z->rule, at, &at) && at <= LISTED_UNTIL) {
        to->at[z->n] = at;
        to->to[z->n++] = qli_zone_rule_at(&z->rule, at)->is_dst ? dst : std;
    }
}

/* "\nTEXT\n"; an empty text says nothing. */
static bool
read_footer(ql_str s, ql_zone *z)
{
    const char *end = s.n > 1 ? memchr(s.p + 1, '\n', s.n - 1) : NULL;
    if (end == NULL || s.p[0] != '\n') {
        return false;
    }
    ql_str text = {s.p + 1, (size_t)(end - s.p - 1)};
    z->has_rule = text.n > 0;
    return text.n == 0 || ql_zone_rule_parse(text, &z->rule);
}

ql_zone_result
ql_zone_of_file(ql_str s, ql_str name, ql_zone **out)
{
    char version;
    counts c;
    size_t moment = 4;
    parts to;
    *out = NULL;
    if (!read_header(&s, &version, &c)) {
        return QL_ZONE_BAD;
    }
    if (version != '\0') { /* the same again, with moments of 64 bits */
        size_t skip = block_bytes(&c, 4);
        if (s.n < skip) {
            return QL_ZONE_BAD;
        }
        s = (ql_str){s.p + skip, s.n - skip};
        moment = 8;
        if (!read_header(&s, &version, &c)) {
            return QL_ZONE_BAD;
        }
    }
    size_t bytes = block_bytes(&c, moment);
    if (s.n < bytes || c.type == 0 || c.type + 2 > MAX_TYPES || c.leap != 0) {
        return QL_ZONE_BAD;
    }
    ql_zone *z = zone_alloc(name, c.time + RULE_ROOM, c.type + 2, &to);
    if (z == NULL) {
        return QL_ZONE_NO_MEMORY;
    }
    if (!read_block(s, &c, moment, z, &to) ||
        (moment == 8 && !read_footer((ql_str){s.p + bytes, s.n - bytes}, z))) {
        ql_zone_free(z);
        return QL_ZONE_BAD;
    }
    if (z->has_rule) {
        list_rule(z, &to, c.time + RULE_ROOM);
    } else {
        z->ntypes = c.type;
    }
    *out = z;
    return QL_ZONE_MADE;
}

ql_zone_result
ql_zone_of_rule(ql_str text, ql_str name, ql_zone **out)
{
    parts to;
    ql_zone_rule rule;
    *out = NULL;
    if (!ql_zone_rule_parse(text, &rule)) {
        return QL_ZONE_BAD;
    }
    ql_zone *z = zone_alloc(name, 0, 2, &to);
    if (z == NULL) {
        return QL_ZONE_NO_MEMORY;
    }
    z->rule = rule;
    z->has_rule = true;
    list_rule(z, &to, 0);
    *out = z;
    return QL_ZONE_MADE;
}
