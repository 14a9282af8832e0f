/* SPDX-License-Identifier: Apache-2.0
 *
 * Matching: which account a login belongs to (user name and host against the cache, most specific
 * host first), and which names the database of a grant stands for.
 */
#include <arpa/inet.h>
#include <string.h>

#include "acl/acl_int.h"
#include "base/diag.h"

static bool
is_loopback(ql_str host)
{
    return ql_str_eq(host, QL_STR("127.0.0.1")) || ql_str_eq(host, QL_STR("::1")) ||
           ql_str_eq(host, QL_STR("::ffff:127.0.0.1"));
}

/* Host pattern with % and _, without case. */
static bool
pattern_matches(ql_str pat, ql_str host)
{
    size_t p = 0, h = 0, star = SIZE_MAX, mark = 0;
    while (h < host.n) {
        if (p < pat.n && pat.p[p] == '%') {
            star = p++;
            mark = h;
        } else if (p < pat.n && (pat.p[p] == '_' || ql_str_eq_nocase((ql_str){pat.p + p, 1},
                                                                     (ql_str){host.p + h, 1}))) {
            p++;
            h++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            h = ++mark;
        } else {
            return false;
        }
    }
    while (p < pat.n && pat.p[p] == '%') {
        p++;
    }
    return p == pat.n;
}

static bool
parse_v4(const char *p, size_t n, uint32_t *out)
{
    char text[32];
    struct in_addr in;
    if (n >= sizeof text) {
        return false;
    }
    memcpy(text, p, n);
    text[n] = 0;
    if (inet_pton(AF_INET, text, &in) != 1) {
        return false;
    }
    *out = ntohl(in.s_addr);
    return true;
}

/* '192.168.1.0/255.255.255.0' or '192.168.1.0/24'. */
static bool
netmask_matches(ql_str pat, ql_str host)
{
    const char *slash = memchr(pat.p, '/', pat.n);
    uint32_t net, mask = 0, addr;
    if (slash == NULL || !parse_v4(pat.p, (size_t)(slash - pat.p), &net) ||
        !parse_v4(host.p, host.n, &addr)) {
        return false;
    }
    size_t n = pat.n - (size_t)(slash - pat.p) - 1;
    if (!parse_v4(slash + 1, n, &mask)) {
        unsigned bits = 0;
        for (size_t i = 0; i < n; i++) {
            if (slash[1 + i] < '0' || slash[1 + i] > '9' || bits > 32) {
                return false;
            }
            bits = bits * 10 + (unsigned)(slash[1 + i] - '0');
        }
        if (n == 0 || bits > 32) {
            return false;
        }
        mask = bits == 0 ? 0 : ~0u << (32 - bits);
    }
    return (addr & mask) == (net & mask);
}

bool
qli_host_matches(ql_str pat, ql_str host)
{
    if (pat.n == 0 || pattern_matches(pat, host) || netmask_matches(pat, host)) {
        return true;
    }
    return is_loopback(host) && pattern_matches(pat, QL_STR("localhost"));
}

/* Best account in the cache, or NULL; the caller holds the lock. */
static qli_cached *
best_match(ql_acl *acl, ql_str user, ql_str host)
{
    qli_snapshot *s = acl->now;
    for (size_t i = 0; i < s->n; i++) {
        const ql_account *a = &s->v[i].a;
        if ((a->user.n == 0 || ql_str_eq(a->user, user)) && qli_host_matches(a->host, host)) {
            return &s->v[i];
        }
    }
    return NULL;
}

static ql_status
copy_str(ql_ctx *cx, ql_arena *a, ql_str *s)
{
    char *p = ql_arena_strndup(cx, a, s->p, s->n);
    if (p == NULL) {
        return QL_ERROR;
    }
    s->p = p;
    return QL_OK;
}

ql_status
ql_acl_find(ql_ctx *cx, ql_arena *a, ql_str user, ql_str host, ql_account *out)
{
    ql_acl *acl = cx->inst->acl;
    ql_status st = QL_END;
    qli_acl_catch_up(cx, acl);
    ql_rwlock_read(&acl->mu);
    const qli_cached *c = best_match(acl, user, host);
    if (c != NULL) {
        *out = c->a;
        st = copy_str(cx, a, &out->user);
        st = st == QL_OK ? copy_str(cx, a, &out->host) : st;
        st = st == QL_OK ? copy_str(cx, a, &out->plugin) : st;
        st = st == QL_OK ? copy_str(cx, a, &out->auth_string) : st;
    }
    ql_rwlock_unlock(&acl->mu);
    return st;
}

static qli_cached *
exact(ql_acl *acl, const ql_account *a)
{
    qli_snapshot *s = acl->now;
    for (size_t i = 0; i < s->n; i++) {
        if (ql_str_eq(s->v[i].a.user, a->user) && ql_str_eq(s->v[i].a.host, a->host) &&
            ql_str_eq(s->v[i].a.auth_string, a->auth_string)) {
            return &s->v[i];
        }
    }
    return NULL;
}

bool
qli_fast_get(ql_ctx *cx, const ql_account *a, uint8_t out[32])
{
    ql_acl *acl = cx->inst->acl;
    ql_rwlock_read(&acl->mu);
    const qli_cached *c = exact(acl, a);
    bool has = c != NULL && c->has_fast;
    if (has) {
        memcpy(out, c->fast, 32);
    }
    ql_rwlock_unlock(&acl->mu);
    return has;
}

void
qli_fast_put(ql_ctx *cx, const ql_account *a, const uint8_t value[32])
{
    ql_acl *acl = cx->inst->acl;
    ql_rwlock_write(&acl->mu);
    qli_cached *c = exact(acl, a);
    if (c != NULL) {
        c->has_fast = true;
        memcpy(c->fast, value, 32);
    }
    ql_rwlock_unlock(&acl->mu);
}

/* --- databases of grants --- */

/* One element of a pattern: a character (an escaped one is itself), % or _. */
typedef enum element { PLAIN, MANY, ONE } element;

static element
element_at(ql_str p, size_t *at, char *c)
{
    *c = p.p[*at];
    if (*c == '\\' && *at + 1 < p.n) {
        *c = p.p[*at + 1];
        *at += 2;
        return PLAIN;
    }
    ++*at;
    return *c == '%' ? MANY : *c == '_' ? ONE : PLAIN;
}

/* _ is one character, whatever its bytes. */
static size_t
next_char(ql_str s, size_t at)
{
    at++;
    while (at < s.n && ((unsigned char)s.p[at] & 0xc0) == 0x80) {
        at++;
    }
    return at;
}

/* Does pattern stand for other; is_pattern: for all that other stands for? A wildcard there is
 * covered by % here, and _ by _ too. */
static bool
matches(ql_str pattern, ql_str other, bool is_pattern)
{
    size_t p = 0, o = 0, star = SIZE_MAX, mark = 0;
    while (o < other.n) {
        size_t after = p, here = o;
        char want = 0, c = 0;
        element e = p < pattern.n ? element_at(pattern, &after, &want) : PLAIN;
        element is = PLAIN;
        if (is_pattern) {
            is = element_at(other, &here, &c);
        } else {
            c = other.p[here++];
        }
        if (p < pattern.n && e == MANY) {
            star = p = after;
            mark = o;
        } else if (p < pattern.n && e == ONE && is != MANY) {
            p = after;
            o = is == ONE ? here : next_char(other, here - 1);
        } else if (p < pattern.n && e == PLAIN && is == PLAIN && want == c) {
            p = after;
            o = here;
        } else if (star != SIZE_MAX) {
            char skipped;
            p = star;
            if (is_pattern) {
                (void)element_at(other, &mark, &skipped);
            } else {
                mark++;
            }
            o = mark;
        } else {
            return false;
        }
    }
    while (p < pattern.n) {
        char c;
        if (element_at(pattern, &p, &c) != MANY) {
            return false;
        }
    }
    return true;
}

bool
qli_db_matches(ql_str pattern, ql_str db)
{
    return matches(pattern, db, false);
}

bool
qli_db_covers(ql_str pattern, ql_str other)
{
    return matches(pattern, other, true);
}

/* The later the first wildcard, the more specific; without any, most of all. */
ql_status
qli_db_pattern(ql_ctx *cx, ql_arena *a, qli_grant *g)
{
    char *plain = ql_arena_alloc(cx, a, g->db.n + 1);
    size_t n = 0, at = 0;
    if (plain == NULL) {
        return QL_ERROR;
    }
    while (at < g->db.n) {
        size_t begin = at;
        if (element_at(g->db, &at, &plain[n++]) != PLAIN) {
            g->weight = (unsigned)begin + 1;
            g->literal = (ql_str){0};
            return QL_OK;
        }
    }
    plain[n] = '\0';
    g->literal = (ql_str){plain, n};
    g->weight = UINT32_MAX;
    return QL_OK;
}
