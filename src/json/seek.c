/* SPDX-License-Identifier: Apache-2.0
 *
 * The values at a path. Recursion is bounded by the nest of documents and the legs of paths that
 * stay where they are (cells of what is no array), which loop. Looks at the kill flag. No locks, no
 * waits.
 */
#include "base/bulk.h"
#include "base/hash.h"
#include "json/path.h"

typedef struct seeker {
    ql_ctx *cx;
    const ql_json_path *path;
    ql_json_visit visit;
    void *arg;
    ql_buf seen; /* where path->may_repeat: beginnings of values, a table of power-of-two size */
    size_t nseen;
} seeker;

static uint32_t
place(const ql_json_cell *c, uint32_t n, bool *before)
{
    *before = c->from_last && c->index >= n;
    return *before ? 0 : c->from_last ? n - 1 - c->index : c->index;
}

void
ql_json_leg_range(const ql_json_leg *leg, uint32_t n, uint32_t *from, uint32_t *to)
{
    bool before;
    *from = 0;
    *to = n;
    if (leg->type == QL_LEG_ANY_CELL) {
        return;
    }
    *from = place(&leg->from, n, &before);
    *from = *from < n ? *from : n;
    if (leg->type == QL_LEG_CELL) {
        *to = before || *from == n ? *from : *from + 1;
    } else {
        uint32_t last = place(&leg->to, n, &before);
        *to = before ? 0 : last < n ? last + 1 : n;
    }
    *to = *from < *to ? *to : *from;
}

/* ---- values that have been visited ---- */

static bool
insert(const char **table, size_t size, const char *p)
{
    size_t i = (size_t)ql_hash_u64((uint64_t)(uintptr_t)p) & (size - 1);
    while (table[i] != NULL && table[i] != p) {
        i = (i + 1) & (size - 1);
    }
    bool isnew = table[i] == NULL;
    table[i] = p;
    return isnew;
}

static ql_status
grow(seeker *s)
{
    size_t size = s->seen.n / sizeof(char *), more = size ? size * 2 : 64;
    ql_buf t = {.quota = s->seen.quota};
    QL_TRY(ql_buf_reserve(s->cx, &t, more * sizeof(char *)));
    ql_status st = ql_bulk_zero(s->cx, t.p, more * sizeof(char *));
    t.n = more * sizeof(char *);
    const char **old = (const char **)(void *)s->seen.p;
    for (size_t i = 0; i < size && st == QL_OK; i++) {
        if (old[i] != NULL) {
            (void)insert((const char **)(void *)t.p, more, old[i]);
        }
        st = ql_bulk_count(s->cx, 16);
    }
    if (st != QL_OK) {
        ql_buf_free(&t);
        return st;
    }
    ql_buf_free(&s->seen);
    s->seen = t;
    return QL_OK;
}

/* A value ends where no other of its level does; its last byte tells it from what is in it. */
static ql_status
tell(seeker *s, const ql_json *v)
{
    if (s->path->may_repeat) {
        if (s->nseen * 2 >= s->seen.n / sizeof(char *)) {
            QL_TRY(grow(s));
        }
        if (!insert((const char **)(void *)s->seen.p, s->seen.n / sizeof(char *),
                    v->bytes.p + v->bytes.n)) {
            return QL_OK;
        }
        s->nseen++;
    }
    return s->visit(s->arg, v);
}

/* ---- legs ---- */

static ql_status seek(seeker *s, const ql_json *v, uint32_t i);

static ql_status
seek_elements(seeker *s, const ql_json *v, uint32_t from, uint32_t to, uint32_t i)
{
    for (uint32_t k = from; k < to; k++) {
        ql_json e;
        QL_TRY(ql_bulk_node(s->cx));
        QL_TRY(ql_json_at(s->cx, v, k, &e));
        QL_TRY(seek(s, &e, i));
    }
    return QL_OK;
}

static ql_status
seek_member(seeker *s, const ql_json *v, uint32_t i)
{
    uint32_t at;
    bool found = false;
    ql_json e;
    if (v->type == QL_JSON_OBJECT) {
        QL_TRY(ql_json_find(s->cx, v, s->path->legs[i].name, &at, &found));
    }
    if (!found) {
        return QL_OK;
    }
    QL_TRY(ql_json_at(s->cx, v, at, &e));
    return seek(s, &e, i + 1);
}

/* Over legs that stay at v: cells of what is no array. QL_END: there is nothing. */
static ql_status
stay(const seeker *s, const ql_json *v, uint32_t *i)
{
    for (; *i < s->path->n && v->type != QL_JSON_ARRAY; ++*i) {
        const ql_json_leg *leg = &s->path->legs[*i];
        uint32_t from, to;
        if (leg->type != QL_LEG_CELL && leg->type != QL_LEG_RANGE) {
            return QL_OK;
        }
        QL_TRY(ql_bulk_count(s->cx, sizeof *leg));
        ql_json_leg_range(leg, 1, &from, &to);
        if (from == to) {
            return QL_END;
        }
    }
    return QL_OK;
}

static ql_status
seek(seeker *s, const ql_json *v, uint32_t i)
{
    ql_status st = stay(s, v, &i);
    if (st != QL_OK) {
        return st == QL_END ? QL_OK : st;
    }
    if (i == s->path->n) {
        return tell(s, v);
    }
    const ql_json_leg *leg = &s->path->legs[i];
    uint32_t from, to;
    switch (leg->type) {
    case QL_LEG_MEMBER:
        return seek_member(s, v, i);
    case QL_LEG_ANY_MEMBER:
        return v->type == QL_JSON_OBJECT ? seek_elements(s, v, 0, v->n, i + 1) : QL_OK;
    case QL_LEG_CELL:
    case QL_LEG_RANGE:
        ql_json_leg_range(leg, v->n, &from, &to);
        return seek_elements(s, v, from, to, i + 1);
    case QL_LEG_ANY_CELL:
        return v->type == QL_JSON_ARRAY ? seek_elements(s, v, 0, v->n, i + 1) : QL_OK;
    case QL_LEG_ELLIPSIS:
        QL_TRY(seek(s, v, i + 1));
        return seek_elements(s, v, 0, v->n, i);
    }
    return QL_OK;
}

ql_status
ql_json_seek(ql_ctx *cx, const ql_json *doc, const ql_json_path *path, ql_json_visit visit,
             void *arg)
{
    seeker s = {.cx = cx, .path = path, .visit = visit, .arg = arg};
    ql_status st = seek(&s, doc, 0);
    ql_buf_free(&s.seen);
    return st == QL_END ? QL_OK : st;
}

typedef struct first {
    ql_json *v;
    bool found;
} first;

static ql_status
take_first(void *arg, const ql_json *v)
{
    first *f = arg;
    *f->v = *v;
    f->found = true;
    return QL_END;
}

ql_status
ql_json_seek_one(ql_ctx *cx, const ql_json *doc, const ql_json_path *path, ql_json *v, bool *found)
{
    first f = {v, false};
    QL_TRY(ql_json_seek(cx, doc, path, take_first, &f));
    *found = f.found;
    return QL_OK;
}
