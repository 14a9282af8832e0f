/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns that nothing looks at any more: those that EXISTS (SELECT * ...) names, those of merged
 * tables that are not used outside. What is not asked for need not be read, and an index may hold
 * all that is.
 */
#include "rewrite/rewrite_int.h"

typedef struct usage {
    const ql_query *q;
    bool *used; /* [q->nslots] */
} usage;

static ql_status
note_use(qli_rw_walk *w, ql_expr *e, uint32_t depth, bool *descend)
{
    usage *u = w->arg;
    bool own = (e->kind == QL_E_SLOT && depth == 0) ||
               (e->kind == QL_E_OUTER && depth > 0 && e->depth == depth);
    (void)descend;
    if (own && e->index < u->q->nslots) {
        u->used[e->index] = true;
    }
    return QL_OK;
}

ql_status
qli_rw_drop_columns(qli_rw *rw, ql_query *q)
{
    usage u = {.q = q, .used = QL_ARENA_ARRAY(rw->cx, rw->a, bool, q->nslots + 1u)};
    qli_rw_walk w = {.rw = rw, .expr = note_use, .arg = &u};
    if (u.used == NULL) {
        return QL_ERROR;
    }
    QL_TRY(qli_rw_walk_block(&w, q, 0));
    for (uint16_t i = q == rw->fixed ? rw->nfixed : 0; i < q->nsources; i++) {
        ql_source *s = &q->sources[i];
        uint16_t n = 0;
        if (s->table == NULL || s->locking.kind != QL_LK_NONE) {
            continue;
        }
        for (uint16_t c = 0; c < s->ncols; c++) {
            QL_TRY(ql_bulk_each(rw->cx, c));
            if (u.used[s->slots[c]]) {
                s->slots[n] = s->slots[c];
                s->ordinals[n++] = s->ordinals[c];
            }
        }
        s->ncols = n;
    }
    return QL_OK;
}

void
qli_rw_drop_shown(const ql_expr *e, ql_expr *instead)
{
    ql_query *q = e->query;
    bool plain = e->kind == QL_E_EXISTS && q->set_op == QL_SET_NONE && !q->grouped &&
                 q->having == NULL && q->offset == NULL && q->nitems > 0;
    if (!plain) {
        return;
    }
    q->distinct = false;
    q->nitems = 1;
    q->items[0].expr = instead;
    q->items[0].column.type = instead->type;
}
