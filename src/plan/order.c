/* SPDX-License-Identifier: Apache-2.0
 *
 * ORDER BY through the order of an index: the first scan of the join path reads an index whose
 * parts, after those fixed by equality, are the sort keys, all in one direction.
 */
#include "plan/plan_int.h"

/* The scan that decides the order of the rows; NULL = the order gets lost on the way. */
static ql_plan *
leading_scan(ql_plan *n)
{
    while (n && (n->kind == QL_P_NESTED_JOIN || n->kind == QL_P_FILTER)) {
        n = n->left;
    }
    return n && n->kind == QL_P_SCAN && n->index ? n : NULL;
}

static uint16_t
fixed_parts(const ql_plan *scan)
{
    uint16_t n = 0;
    while (n < scan->low.n && n < scan->high.n && scan->low.values[n] == scan->high.values[n]) {
        n++;
    }
    return n;
}

/* Part k of the index with the clustered key behind it; false = no more. */
static bool
part_at(const ql_table *t, const ql_index *x, uint16_t k, ql_index_part *out)
{
    if (x->hidden_rowid) {
        return false;
    }
    if (k < x->nparts) {
        *out = x->parts[k];
        return true;
    }
    const ql_index *c = &t->indexes[0];
    k = (uint16_t)(k - x->nparts);
    if (x == c || c->hidden_rowid || k >= c->nparts) {
        return false;
    }
    *out = c->parts[k]; /* behind a secondary key it stands as in the clustered index */
    return true;
}

static bool
is_fixed(const ql_index *x, uint16_t nfixed, uint16_t column)
{
    for (uint16_t i = 0; i < nfixed; i++) {
        if (x->parts[i].column == column && x->parts[i].prefix == 0) {
            return true;
        }
    }
    return false;
}

/* At most one row has the values that x's parts are fixed to or ordered by: it is unique, and no
 * part can be NULL, which any number of rows may share. */
static bool
tells_rows_apart(const ql_table *t, const ql_index *x)
{
    for (uint16_t i = 0; i < x->nparts; i++) {
        if (t->columns[x->parts[i].column].type.nullable) {
            return false;
        }
    }
    return x->unique;
}

/* Does reading x of `source` give the keys' order, and in which direction? */
static bool
index_orders(const qli_planner *p, uint16_t source, const ql_index *x, uint16_t nfixed,
             const ql_sort_key *keys, uint16_t nkeys, bool *reverse)
{
    const ql_query *q = p->q;
    const ql_table *t = q->sources[source].table;
    uint16_t at = nfixed;
    bool decided = false;
    if (x->hidden_rowid) {
        return false;
    }
    for (uint16_t i = 0; i < nkeys; i++) {
        const ql_expr *e = keys[i].expr;
        if (e->kind != QL_E_SLOT || p->source_of[e->index] != source) {
            return false;
        }
        uint16_t column = p->column_of[e->index];
        const ql_type *ct = &t->columns[column].type;
        if (is_fixed(x, nfixed, column)) {
            continue;
        }
        ql_index_part part;
        if (!part_at(t, x, at, &part)) {
            return at >= x->nparts && q->nsources == 1 && tells_rows_apart(t, x);
        }
        if (part.column != column || part.prefix || ct->field == QL_F_ENUM ||
            ct->field == QL_F_SET || (ct->kind == QL_K_STRING && e->type.coll != ct->coll)) {
            return false;
        }
        bool turned = part.descending != keys[i].descending;
        if (decided && turned != *reverse) {
            return false;
        }
        *reverse = turned;
        decided = true;
        at++;
    }
    if (!decided) {
        *reverse = false;
    }
    return true;
}

ql_status
qli_ordered_access(qli_planner *p, uint16_t source, const qli_conds *c, const qli_order_want *o,
                   qli_access *out, bool *found)
{
    const ql_source *s = &p->q->sources[source];
    double least = 0;
    *found = false;
    if (ql_plans_plainly(p->cx)) {
        return QL_OK;
    }
    for (uint16_t i = 0; s->table && !s->table->is_virtual && i < s->table->nindexes; i++) {
        const ql_index *x = &s->table->indexes[i];
        bool reverse = false, usable;
        qli_access a;
        QL_TRY(ql_index_is_usable(p->cx, x, &usable));
        if (!usable || ql_index_is_in(s->barred_order, s->table, x)) {
            continue;
        }
        QL_TRY(qli_access_by_index(p, source, x, c, 0, &a));
        double share = 1;
        if (!index_orders(p, source, x, a.neq, o->keys, o->n, &reverse)) {
            continue;
        }
        QL_TRY(qli_conds_selectivity(p, c, a.counted, UINT64_C(1) << source, &share));
        double wanted =
            o->limit >= 0 && o->limit < a.rows * share ? o->limit / (a.rows * share) : 1;
        if (!*found || a.cost * wanted < least) {
            *found = true;
            least = a.cost * wanted;
            *out = a;
        }
    }
    return p->bad;
}

ql_status
qli_order_by_index(qli_planner *p, ql_plan *root, bool *given)
{
    ql_plan *scan = leading_scan(root);
    bool reverse = false;
    *given = false;
    if (!scan || p->q->grouped || ql_plans_plainly(p->cx)) {
        return QL_OK;
    }
    if (scan->is_unique_lookup && p->q->nsources == 1) {
        *given = true;
        return QL_OK;
    }
    const ql_source *s = &p->q->sources[scan->source];
    if (!ql_index_is_in(s->barred_order, s->table, scan->index) &&
        index_orders(p, scan->source, scan->index, fixed_parts(scan), p->q->order_by, p->q->norder,
                     &reverse)) {
        scan->reverse = reverse;
        scan->ordered = p->q->norder > 0;
        *given = true;
        return QL_OK;
    }
    return QL_OK;
}
