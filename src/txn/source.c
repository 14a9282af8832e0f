/* SPDX-License-Identifier: Apache-2.0
 *
 * The merge of ordered parts. Going forward every part stands on its first key not behind the
 * current one; the smallest key is next, and of equal ones the last part's entry counts. Backward
 * is the mirror image. Thread of whoever merges.
 */
#include "txn/source.h"

#include "txn/txn_int.h"

void
qli_merge_init(qli_merge *m)
{
    m->v = m->inline_v;
    m->n = 0;
    m->cap = QLI_INLINE_SOURCES;
}

static void
let_go(qli_merge *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        qli_source *s = &m->v[i];
        if (s->kind == QLI_SRC_SPILL) {
            ql_kv_cursor_close(s->kc);
            qli_spill_shot_put(s->shot);
        }
    }
    m->n = 0;
}

void
qli_merge_fini(qli_merge *m)
{
    let_go(m);
    if (m->v != m->inline_v) {
        ql_mem_free(m->v);
        qli_merge_init(m);
    }
}

static ql_status
make_room(ql_ctx *cx, qli_merge *m, uint32_t n)
{
    if (n <= m->cap) {
        return QL_OK;
    }
    qli_source *more = ql_mem_alloc(n * sizeof *more);
    if (more == NULL) {
        return ql_fail_oom(cx, n * sizeof *more);
    }
    if (m->v != m->inline_v) {
        ql_mem_free(m->v);
    }
    m->v = more;
    m->cap = n;
    return QL_OK;
}

static ql_status
add_spill(ql_ctx *cx, qli_merge *m, const qli_writeset *ws)
{
    qli_source s = {.kind = QLI_SRC_SPILL, .ws = ws, .shot = ws->spill->shot};
    QL_TRY(ql_kv_cursor_open(cx, s.shot->s, &s.kc));
    s.shot->refs++;
    m->v[m->n++] = s;
    return QL_OK;
}

ql_status
qli_merge_over(ql_ctx *cx, qli_merge *m, ql_kv_cursor *base, const qli_writeset *layers,
               uint32_t nlayers)
{
    let_go(m);
    QL_TRY(make_room(cx, m, 1 + 2 * nlayers));
    if (base != NULL) {
        m->v[m->n++] = (qli_source){.kind = QLI_SRC_BASE, .kc = base};
    }
    for (uint32_t i = 0; i < nlayers; i++) {
        if (QL_UNLIKELY(layers[i].spill != NULL)) {
            QL_TRY(add_spill(cx, m, &layers[i]));
        }
        m->v[m->n++] = (qli_source){.kind = QLI_SRC_LIST, .ws = &layers[i]};
    }
    return QL_OK;
}

/* --- one part --- */

static ql_status
stand_in_kv(qli_source *s, ql_status st)
{
    s->on = st == QL_OK;
    s->tied = false;
    if (st == QL_OK && s->kind == QLI_SRC_SPILL) {
        s->v = qli_spill_value(s->v, &s->deleted);
    }
    return st == QL_END ? QL_OK : st;
}

static void
stand_in_list(qli_source *s)
{
    s->on = s->at.at != NULL;
    s->tied = false;
    if (s->on) {
        s->k = qli_wnode_key(s->at.at);
    }
}

static ql_status
place_one(ql_ctx *cx, qli_source *s, ql_str key, bool back)
{
    if (s->kind == QLI_SRC_LIST) {
        s->at = back ? qli_wtree_seek_lt(&s->ws->tree, key) : qli_wtree_seek_ge(&s->ws->tree, key);
        stand_in_list(s);
        return QL_OK;
    }
    return stand_in_kv(s, back ? ql_kv_seek_lt(cx, s->kc, key, &s->k, &s->v)
                               : ql_kv_seek_ge(cx, s->kc, key, &s->k, &s->v));
}

static ql_status
step_one(ql_ctx *cx, qli_source *s, bool back)
{
    if (s->kind == QLI_SRC_LIST) {
        if (back) {
            qli_wtree_prev(&s->ws->tree, &s->at);
        } else {
            qli_wtree_next(&s->ws->tree, &s->at);
        }
        stand_in_list(s);
        return QL_OK;
    }
    return stand_in_kv(s, back ? ql_kv_prev(cx, s->kc, &s->k, &s->v)
                               : ql_kv_next(cx, s->kc, &s->k, &s->v));
}

/* --- all of them --- */

ql_status
qli_merge_place(ql_ctx *cx, qli_merge *m, ql_str key, bool back)
{
    m->back = back;
    for (uint32_t i = 0; i < m->n; i++) {
        QL_TRY(place_one(cx, &m->v[i], key, back));
    }
    return QL_OK;
}

ql_status
qli_merge_advance(ql_ctx *cx, qli_merge *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        if (m->v[i].tied) {
            QL_TRY(step_one(cx, &m->v[i], m->back));
        }
    }
    return QL_OK;
}

static void
untie(qli_merge *m, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        m->v[i].tied = false;
    }
}

static void
fill_entry(const qli_source *s, qli_entry *e)
{
    e->key = s->k;
    if (s->kind == QLI_SRC_LIST) { /* its value may have been replaced since the stand was taken */
        e->value = qli_wnode_value(s->at.at);
        e->deleted = s->at.at->deleted;
    } else {
        e->value = s->v;
        e->deleted = s->kind == QLI_SRC_SPILL && s->deleted;
    }
}

bool
qli_merge_choose(qli_merge *m, qli_entry *e)
{
    const qli_source *top = NULL;
    for (uint32_t i = 0; i < m->n; i++) {
        qli_source *s = &m->v[i];
        s->tied = false;
        if (!s->on) {
            continue;
        }
        int d = top != NULL ? ql_str_cmp(s->k, top->k) : -1;
        d = m->back && top != NULL ? -d : d;
        if (d > 0) {
            continue;
        }
        if (d < 0) {
            untie(m, i);
        }
        s->tied = true;
        top = s;
    }
    if (top != NULL) {
        fill_entry(top, e);
    }
    return top != NULL;
}
