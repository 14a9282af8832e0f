/* SPDX-License-Identifier: Apache-2.0
 *
 * FOR UPDATE, FOR SHARE, LOCK IN SHARE MODE: which tables of a query block their clauses name. A
 * clause reaches the base tables of its own block, not those of subqueries and derived tables
 * (manual, "Locking Reads").
 */
#include "acl/acl.h"
#include "resolve/resolve_int.h"

static const char *
text(qli_res *r, ql_str s)
{
    return ql_arena_printf(r->cx, r->a, "%.*s", (int)s.n, s.p) ?: "";
}

/* FOR UPDATE needs one of the privileges to change the table, and a transaction and a server that
 * let it. */
static ql_status
may_lock(qli_res *r, const ql_source *s, const ql_ast_locking *l)
{
    if (l->kind != QL_LK_UPDATE || s->table == NULL || s->table->is_virtual ||
        s->table->temporary) {
        return QL_OK;
    }
    if (r->cx->txn != NULL && ql_txn_is_read_only(r->cx->txn) && !r->describing) {
        return ql_fail(r->cx, QL_ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    }
    QL_TRY(r->preparing ? QL_OK : ql_acl_may_change(r->cx));
    const ql_table *named = s->view != NULL ? s->view : s->table;
    return ql_acl_require_locking(r->cx, named->db, named->name);
}

static ql_status
lock_source(qli_res *r, ql_source *s, const ql_ast_locking *l)
{
    if (s->locking.kind != QL_LK_NONE) {
        return ql_fail(r->cx, QL_ER_DUPLICATE_TABLE_LOCK, text(r, s->alias));
    }
    QL_TRY(may_lock(r, s, l));
    s->locking = (ql_row_locking){l->kind, l->nowait, l->skip_locked};
    return QL_OK;
}

static ql_source *
find_source(ql_query *q, const ql_ast_table_name *name)
{
    for (uint16_t i = 0; i < q->nsources; i++) {
        ql_source *s = &q->sources[i];
        if (ql_str_eq_nocase(s->alias, name->name) &&
            (name->db.n == 0 || ql_str_eq_nocase(s->db, name->db))) {
            return s;
        }
    }
    return NULL;
}

static ql_status
bind_clause(qli_res *r, ql_query *q, const ql_ast_locking *l)
{
    for (uint16_t i = 0; l->nof == 0 && i < q->nsources; i++) {
        QL_TRY(lock_source(r, &q->sources[i], l));
    }
    for (uint32_t i = 0; i < l->nof; i++) {
        ql_source *s = find_source(q, &l->of[i]);
        if (s == NULL) {
            return ql_fail(r->cx, QL_ER_UNRESOLVED_TABLE_LOCK, text(r, l->of[i].name));
        }
        QL_TRY(lock_source(r, s, l));
    }
    return QL_OK;
}

ql_status
qli_locking_bind(qli_res *r, ql_query *q, const ql_ast_select *s)
{
    if (q->set_op != QL_SET_NONE && s->nlocking > 0) {
        QL_TRY(qli_locking_bind(r, q->left, s));
        return qli_locking_bind(r, q->right, s);
    }
    for (uint32_t i = 0; i < s->nlocking; i++) {
        QL_TRY(bind_clause(r, q, &s->locking[i]));
    }
    return QL_OK;
}

bool
qli_locking_writes(const ql_ast_select *s, ql_str alias)
{
    for (uint32_t i = 0; i < s->nlocking; i++) {
        const ql_ast_locking *l = &s->locking[i];
        bool named = l->nof == 0;
        for (uint32_t k = 0; k < l->nof && !named; k++) {
            named = ql_str_eq_nocase(l->of[k].name, alias);
        }
        if (named && l->kind == QL_LK_UPDATE) {
            return true;
        }
    }
    return false;
}
