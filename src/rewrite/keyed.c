/* SPDX-License-Identifier: Apache-2.0
 *
 * Correlated subqueries in expressions that look at the enclosing rows by nothing but equalities,
 * (SELECT AVG(x) FROM u WHERE u.k = t.k), can be run once for all values: grouped by what is
 * compared, or with it in the select list, and looked up from then on. A second block is made that
 * does so, beside the one for a single row; when to use which is the executor's business.
 */
#include "rewrite/rewrite_int.h"

#define MAX_KEYS 6u

typedef struct maker {
    qli_rw *rw;
    const ql_query *b;
    ql_expr *where; /* without the equalities */
    ql_expr *inner[MAX_KEYS], *outer[MAX_KEYS];
    const ql_collation *colls[MAX_KEYS];
    uint16_t n;
    bool many;
} maker;

/* --- what looks outwards --- */

static ql_status
note_outward(qli_rw_walk *w, ql_expr *e, uint32_t depth, bool *descend)
{
    bool *found = w->arg;
    *found |= e->kind == QL_E_OUTER && e->depth > depth;
    *descend = !*found;
    return QL_OK;
}

static ql_status
looks_out(qli_rw *rw, ql_expr *e, bool *yes)
{
    qli_rw_walk w = {.rw = rw, .expr = note_outward, .arg = yes};
    *yes = false;
    return qli_rw_walk_expr(&w, e, 0);
}

static ql_status
block_looks_out(qli_rw *rw, ql_query *q, bool *yes)
{
    qli_rw_walk w = {.rw = rw, .expr = note_outward, .arg = yes};
    *yes = false;
    return qli_rw_walk_block(&w, q, 0);
}

/* --- the equalities --- */

/* Is it a column of the subquery, compared as it is kept? */
static ql_status
is_inner(maker *m, const ql_expr *cmp, const ql_expr *e, bool *yes)
{
    const ql_expr *col = e->kind == QL_E_CAST ? e->args[0] : e;
    *yes = col->kind == QL_E_SLOT && e->type.kind == cmp->compare_kind &&
           (e == col || e->type.kind != QL_K_DECIMAL) &&
           (e->type.kind != QL_K_STRING || e->type.coll == cmp->coll);
    return *yes ? qli_rw_is_quiet(m->rw, e, yes) : QL_OK;
}

/* Is it something that the enclosing row alone says? */
static ql_status
is_outer(maker *m, const ql_expr *cmp, ql_expr *e, bool *yes)
{
    qli_rw_uses uses;
    uint32_t n;
    *yes = e->type.kind == cmp->compare_kind;
    if (!*yes) {
        return QL_OK;
    }
    QL_TRY(qli_rw_uses_of(m->rw, m->b, e, &uses));
    QL_TRY(qli_rw_size(m->rw, e, QLI_RW_MAX_COPIED, &n));
    *yes = uses.sources == 0 && n < QLI_RW_MAX_COPIED;
    QL_TRY(*yes ? looks_out(m->rw, e, yes) : QL_OK);
    QL_TRY(*yes ? qli_rw_is_quiet(m->rw, e, yes) : QL_OK);
    return *yes ? qli_rw_is_pure(m->rw, e, yes) : QL_OK;
}

/* Two columns that are equal to the same: one key, and they are equal to each other. */
static ql_status
is_key_already(maker *m, const ql_expr *cmp, ql_expr *inner, const ql_expr *outer, bool *yes)
{
    *yes = false;
    for (uint16_t i = 0; i < m->n; i++) {
        QL_TRY(ql_expr_same(m->rw->cx, m->outer[i], outer, yes));
        *yes = *yes && m->inner[i]->type.kind == inner->type.kind &&
               m->colls[i] == (cmp->compare_kind == QL_K_STRING ? cmp->coll : NULL);
        if (*yes) {
            ql_expr *equal;
            QL_TRY(qli_rw_equal(m->rw, m->inner[i], inner, cmp->compare_kind, cmp->coll, &equal));
            return qli_rw_and(m->rw, equal, &m->where);
        }
    }
    return QL_OK;
}

static ql_status
take_condition(maker *m, ql_expr *e)
{
    QL_TRY(ql_bulk_node(m->rw->cx));
    if (e->kind == QL_E_OP && e->op == QL_OP_AND) {
        QL_TRY(take_condition(m, e->args[1]));
        return take_condition(m, e->args[0]);
    }
    for (unsigned i = 0; e->kind == QL_E_OP && e->op == QL_OP_EQ && i < 2; i++) {
        bool in, out = false, known;
        QL_TRY(is_inner(m, e, e->args[i], &in));
        QL_TRY(in ? is_outer(m, e, e->args[1 - i], &out) : QL_OK);
        if (!out) {
            continue;
        }
        QL_TRY(is_key_already(m, e, e->args[i], e->args[1 - i], &known));
        if (known) {
            return QL_OK;
        }
        m->many |= m->n == MAX_KEYS;
        if (!m->many) {
            m->inner[m->n] = e->args[i];
            m->outer[m->n] = e->args[1 - i];
            m->colls[m->n++] = e->compare_kind == QL_K_STRING ? e->coll : NULL;
        }
        return QL_OK;
    }
    return qli_rw_and(m->rw, e, &m->where);
}

/* --- which subqueries --- */

static bool
is_single(const ql_query *b)
{
    return b->limit == NULL && b->offset == NULL && !b->distinct && b->nitems == 1;
}

static bool
is_candidate(const ql_expr *e)
{
    const ql_query *b = e->query;
    bool yes = b->correlated && b->set_op == QL_SET_NONE && b->from != NULL && b->where != NULL &&
               b->having == NULL && b->ngroup == 0;
    yes =
        yes &&
        (e->kind == QL_E_EXISTS
             ? !b->grouped && b->offset == NULL &&
                   (b->limit == NULL || (b->limit->kind == QL_E_CONST &&
                                         b->limit->value.kind == QL_K_INT && b->limit->value.u > 0))
             : e->kind == QL_E_SUBQUERY && is_single(b));
    for (uint16_t i = 0; i < b->nsources && yes; i++) {
        const ql_source *s = &b->sources[i];
        yes = s->locking.kind == QL_LK_NONE && s->table != NULL && !s->table->is_virtual;
    }
    return yes;
}

/* Nothing below it, and, where it groups, nothing but aggregates in what it gives. */
static ql_status
is_plain(qli_rw *rw, const ql_query *b, bool *yes)
{
    uint32_t n;
    qli_rw_uses uses = {0};
    QL_TRY(qli_rw_size(rw, b->where, 1000, &n));
    *yes = n < 1000;
    for (uint16_t i = 0; i < b->nitems && *yes; i++) {
        QL_TRY(qli_rw_size(rw, b->items[i].expr, 1000, &n));
        QL_TRY(b->grouped ? qli_rw_uses_of(rw, b, b->items[i].expr, &uses) : QL_OK);
        *yes = n < 1000 && uses.sources == 0;
    }
    return *yes ? qli_rw_block_is_pure(rw, b, yes) : QL_OK;
}

/* --- the block --- */

static ql_status
inward(qli_rw *rw, const ql_expr *e, ql_expr **out)
{
    QL_TRY(qli_rw_copy(rw, e, 0, out));
    ql_expr *n = *out;
    if (n->kind == QL_E_OUTER && --n->depth == 0) {
        n->kind = QL_E_SLOT;
    }
    for (uint32_t i = 0; i < n->nargs; i++) {
        QL_TRY(inward(rw, n->args[i], &n->args[i]));
    }
    return QL_OK;
}

static ql_status
group(maker *m, ql_query *q)
{
    qli_rw *rw = m->rw;
    q->group_by = QL_ARENA_ARRAY(rw->cx, rw->a, ql_expr *, m->n + 1u);
    q->group_slots = QL_ARENA_ARRAY(rw->cx, rw->a, uint16_t, m->n + 1u);
    q->slot_types = QL_ARENA_ARRAY(rw->cx, rw->a, ql_type, q->nslots + m->n + 1u);
    if (q->group_by == NULL || q->group_slots == NULL || q->slot_types == NULL) {
        return QL_ERROR;
    }
    QL_TRY(
        ql_bulk_copy(rw->cx, q->slot_types, m->b->slot_types, q->nslots * sizeof *q->slot_types));
    for (uint16_t i = 0; i < m->n; i++) {
        ql_expr *slot = qli_rw_node(rw, QL_E_SLOT);
        if (slot == NULL) {
            return QL_ERROR;
        }
        q->group_by[i] = m->inner[i];
        q->group_slots[i] = q->nslots;
        q->slot_types[q->nslots] = m->inner[i]->type;
        slot->type = m->inner[i]->type;
        slot->index = q->nslots++;
        q->items[i].expr = slot;
    }
    q->ngroup = m->n;
    return QL_OK;
}

static ql_status
make(maker *m, const ql_expr *e, ql_query **out)
{
    qli_rw *rw = m->rw;
    ql_query *q = QL_ARENA_NEW(rw->cx, rw->a, ql_query);
    uint16_t shown = e->kind == QL_E_EXISTS ? 0 : 1;
    if (q == NULL) {
        return QL_ERROR;
    }
    *q = *m->b;
    q->where = m->where;
    q->correlated = false;
    q->limit = NULL;
    q->distinct = false;
    q->norder = 0;
    q->nitems = (uint16_t)(m->n + shown);
    q->items = QL_ARENA_ARRAY(rw->cx, rw->a, ql_item, q->nitems + 1u);
    if (q->items == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < m->n; i++) {
        q->items[i].expr = m->inner[i];
        q->items[i].column.type = m->inner[i]->type;
    }
    if (shown != 0) {
        q->items[m->n] = m->b->items[0];
    }
    *out = q;
    return q->grouped ? group(m, q) : QL_OK;
}

ql_status
qli_rw_keyed(qli_rw *rw, const ql_expr *e)
{
    ql_query *b = e->query, *q;
    maker m = {.rw = rw, .b = b};
    bool yes;
    if (!is_candidate(e) || !ql_query_switch(rw->cx, b, QL_SWITCH_MATERIALIZATION)) {
        return QL_OK;
    }
    QL_TRY(is_plain(rw, b, &yes));
    QL_TRY(yes ? take_condition(&m, b->where) : QL_OK);
    if (m.n == 0 || m.many || b->nslots > 60000u) {
        return QL_OK;
    }
    QL_TRY(make(&m, e, &q));
    QL_TRY(block_looks_out(rw, q, &yes));
    ql_keyed *k = yes ? NULL : QL_ARENA_NEW(rw->cx, rw->a, ql_keyed);
    if (k == NULL) {
        return yes ? QL_OK : QL_ERROR;
    }
    *k = (ql_keyed){.query = q, .n = m.n};
    k->preferred = ql_query_switch(rw->cx, b, QL_SWITCH_SUBQUERY_TO_DERIVED);
    k->keys = QL_ARENA_ARRAY(rw->cx, rw->a, ql_expr *, m.n);
    k->colls = QL_ARENA_ARRAY(rw->cx, rw->a, const ql_collation *, m.n);
    if (k->keys == NULL || k->colls == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < m.n; i++) {
        QL_TRY(inward(rw, m.outer[i], &k->keys[i]));
        k->colls[i] = m.colls[i];
    }
    b->keyed = k;
    return QL_OK;
}
