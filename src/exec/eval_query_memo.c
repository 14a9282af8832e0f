/* SPDX-License-Identifier: Apache-2.0
 *
 * Results of correlated subqueries by the values of the enclosing rows that they look at, so that
 * equal ones are not computed again. Only of those without effects and chance that lock nothing;
 * bounded in memory; given up when it does not help. Keys are the values' bytes: what differs in
 * them may be equal under a collation, and is then computed once more.
 */
#include <string.h>

#include "base/bulk.h"
#include "base/hash.h"
#include "exec/query_int.h"

#define REFS 6             /* columns of enclosing rows */
#define KEY_BYTES 200      /* of them together; longer ones are not remembered */
#define BUCKETS 1024       /* one result each */
#define MEMO_BYTES 262144u /* then all are forgotten */
#define TRIAL 512u         /* questions until it is known whether it helps */

typedef struct reference {
    uint32_t up; /* 1: the block of the expression */
    uint32_t slot;
} reference;

typedef struct remembered {
    size_t nkey;
    const char *key;
    ql_value *vals;
} remembered;

struct qli_memo {
    bool off;
    reference refs[REFS];
    uint32_t nrefs;
    ql_arena *mem;
    remembered **buckets;
    uint32_t asked, found;
    /* Of the question at hand: */
    char key[KEY_BYTES];
    size_t nkey;
    uint64_t hash;
    size_t warnings;
};

/* --- what it looks at --- */

static ql_status look_into_block(ql_ctx *cx, qli_memo *m, const ql_query *q, uint32_t depth);

static void
add_reference(qli_memo *m, uint32_t up, uint32_t slot)
{
    for (uint32_t i = 0; i < m->nrefs; i++) {
        if (m->refs[i].up == up && m->refs[i].slot == slot) {
            return;
        }
    }
    if (m->nrefs == REFS) {
        m->off = true;
        return;
    }
    m->refs[m->nrefs++] = (reference){up, slot};
}

/* depth: 0 in the subquery itself. */
static ql_status
look_into(ql_ctx *cx, qli_memo *m, const ql_expr *e, uint32_t depth)
{
    if (e == NULL || m->off) {
        return QL_OK;
    }
    QL_TRY(ql_bulk_node(cx));
    if (e->kind == QL_E_OUTER && e->depth > depth) {
        add_reference(m, e->depth - depth, e->index);
    }
    m->off |= e->kind == QL_E_ASSIGN || (e->kind == QL_E_USERVAR && !e->is_constant) ||
              e->kind == QL_E_DEFAULT || e->kind == QL_E_INSERT_VALUE ||
              (e->kind == QL_E_FUNC && (ql_func_flags(e->fn) & QL_FF_NONDET) != 0);
    for (uint32_t i = 0; i < e->nargs; i++) {
        QL_TRY(look_into(cx, m, e->args[i], depth));
    }
    return e->query != NULL ? look_into_block(cx, m, e->query, depth + 1) : QL_OK;
}

static ql_status
look_into_keys(ql_ctx *cx, qli_memo *m, const ql_sort_key *k, uint32_t n, uint32_t depth)
{
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(look_into(cx, m, k[i].expr, depth));
    }
    return QL_OK;
}

static ql_status
look_into_tree(ql_ctx *cx, qli_memo *m, const ql_join_tree *t, uint32_t depth)
{
    if (t == NULL || t->is_leaf) {
        return QL_OK;
    }
    QL_TRY(look_into_tree(cx, m, t->left, depth));
    QL_TRY(look_into_tree(cx, m, t->right, depth));
    return look_into(cx, m, t->on, depth);
}

static ql_status
look_into_block(ql_ctx *cx, qli_memo *m, const ql_query *q, uint32_t depth)
{
    QL_TRY(ql_check(cx));
    if (q->set_op != QL_SET_NONE) {
        QL_TRY(look_into_block(cx, m, q->left, depth));
        QL_TRY(look_into_block(cx, m, q->right, depth));
    }
    for (uint16_t i = 0; i < q->nsources; i++) {
        m->off |= q->sources[i].locking.kind != QL_LK_NONE ||
                  (q->sources[i].table != NULL && q->sources[i].table->is_virtual);
        QL_TRY(q->sources[i].derived != NULL
                   ? look_into_block(cx, m, q->sources[i].derived, depth + 1)
                   : QL_OK);
    }
    QL_TRY(look_into_tree(cx, m, q->from, depth));
    QL_TRY(look_into(cx, m, q->where, depth));
    for (uint16_t i = 0; i < q->ngroup; i++) {
        QL_TRY(look_into(cx, m, q->group_by[i], depth));
    }
    for (uint16_t i = 0; i < q->naggs; i++) {
        for (uint32_t k = 0; k < q->aggs[i].nargs; k++) {
            QL_TRY(look_into(cx, m, q->aggs[i].args[k], depth));
        }
        QL_TRY(look_into_keys(cx, m, q->aggs[i].order, q->aggs[i].norder, depth));
    }
    QL_TRY(look_into(cx, m, q->having, depth));
    for (uint16_t i = 0; i < q->nitems; i++) {
        QL_TRY(look_into(cx, m, q->items[i].expr, depth));
    }
    QL_TRY(look_into_keys(cx, m, q->order_by, q->norder, depth));
    QL_TRY(look_into(cx, m, q->limit, depth));
    return look_into(cx, m, q->offset, depth);
}

static ql_status
make(ql_ctx *cx, ql_ex *x)
{
    qli_memo *m = QL_ARENA_NEW(cx, x->env.mem, qli_memo);
    if (m == NULL) {
        return QL_ERROR;
    }
    m->off = ql_plans_plainly(cx);
    QL_TRY(look_into_block(cx, m, x->e->query, 0));
    m->off |= m->nrefs == 0;
    if (!m->off) {
        QL_TRY(ql_run_arena(x->env.run, "subquery results", &m->mem));
    }
    x->memo = m;
    return QL_OK;
}

/* --- keys --- */

static bool
put(qli_memo *m, const void *p, size_t n)
{
    if (m->nkey + n > sizeof m->key) {
        return false;
    }
    memcpy(m->key + m->nkey, p, n);
    m->nkey += n;
    return true;
}

static bool
put_value(qli_memo *m, const ql_value *v)
{
    char text[QL_VALUE_TEXT_MAX];
    unsigned char head[2] = {(unsigned char)v->kind, v->is_unsigned};
    bool fits = put(m, head, sizeof head);
    if (v->kind == QL_K_NULL) {
        return fits;
    }
    switch (ql_kind_slot(v->kind)) {
    case QL_SLOT_STRING:
        return fits && put(m, &v->s.n, sizeof v->s.n) && put(m, v->s.p, v->s.n);
    case QL_SLOT_DECIMAL: {
        size_t n = ql_value_print(v, text);
        return fits && put(m, &n, sizeof n) && put(m, text, n);
    }
    default:
        return fits && put(m, &v->u, sizeof v->u);
    }
}

/* false: too long to be remembered. */
static bool
make_key(qli_memo *m, const ql_ex *x, const ql_batch *in, uint16_t row)
{
    bool fits = true;
    m->nkey = 0;
    for (uint32_t i = 0; i < m->nrefs && fits; i++) {
        const ql_block *b = x->env.block;
        const ql_batch *cur = in;
        uint16_t at = row;
        for (uint32_t up = 1; up < m->refs[i].up && b != NULL; up++) {
            b = b->outer;
            cur = b != NULL ? b->cur : NULL;
            at = b != NULL ? b->cur_row : 0;
        }
        ql_value v;
        fits = b != NULL && cur != NULL;
        if (fits) {
            ql_vector_get(&cur->cols[m->refs[i].slot], at, &v);
            fits = put_value(m, &v);
        }
    }
    m->hash = fits ? ql_hash_bytes(m->key, m->nkey, 0) : 0;
    return fits;
}

/* --- questions --- */

ql_status
qli_memo_find(ql_ctx *cx, ql_ex *x, const ql_batch *in, uint16_t row, const ql_value **vals)
{
    *vals = NULL;
    QL_TRY(x->memo == NULL ? make(cx, x) : QL_OK);
    qli_memo *m = x->memo;
    m->nkey = 0;
    if (m->off || !make_key(m, x, in, row)) {
        m->nkey = 0;
        return QL_OK;
    }
    m->warnings = ql_diag_warning_count(cx->diag);
    m->asked++;
    const remembered *r = m->buckets != NULL ? m->buckets[m->hash % BUCKETS] : NULL;
    if (r != NULL && r->nkey == m->nkey && memcmp(r->key, m->key, m->nkey) == 0) {
        m->found++;
        *vals = r->vals;
    }
    if (m->asked == TRIAL && m->found < TRIAL / 8) {
        m->off = true;
        m->nkey = 0;
        m->buckets = NULL;
        return ql_run_arena_renew(x->env.run, "subquery results", &m->mem);
    }
    return QL_OK;
}

double
qli_memo_share(const ql_ex *x)
{
    const qli_memo *m = x->memo;
    return m != NULL && !m->off && m->asked > 0 ? (double)m->found / m->asked : 0;
}

ql_status
qli_memo_put(ql_ctx *cx, ql_ex *x, const ql_batch *in, uint16_t row, const ql_value *vals,
             uint32_t n)
{
    qli_memo *m = x->memo;
    if (m->off || m->nkey == 0 || m->warnings != ql_diag_warning_count(cx->diag) ||
        !make_key(m, x, in, row)) {
        return QL_OK;
    }
    if (m->buckets == NULL || ql_arena_used(m->mem) > MEMO_BYTES) {
        m->buckets = NULL;
        QL_TRY(ql_run_arena_renew(x->env.run, "subquery results", &m->mem));
        m->buckets = QL_ARENA_ARRAY(cx, m->mem, remembered *, BUCKETS);
    }
    remembered *r = m->buckets != NULL ? QL_ARENA_NEW(cx, m->mem, remembered) : NULL;
    char *key = r != NULL ? ql_arena_alloc(cx, m->mem, m->nkey) : NULL;
    ql_value *kept = key != NULL ? QL_ARENA_ARRAY(cx, m->mem, ql_value, n + 1) : NULL;
    if (kept == NULL) {
        return QL_ERROR;
    }
    memcpy(key, m->key, m->nkey);
    for (uint32_t i = 0; i < n; i++) {
        if (ql_kind_slot(vals[i].kind) == QL_SLOT_STRING && vals[i].s.n > MEMO_BYTES / 16) {
            return QL_OK;
        }
        kept[i] = vals[i];
        QL_TRY(ql_value_keep(cx, m->mem, &kept[i]));
    }
    *r = (remembered){m->nkey, key, kept};
    m->buckets[m->hash % BUCKETS] = r;
    return QL_OK;
}
