/* SPDX-License-Identifier: Apache-2.0
 *
 * What foreign keys ask of statements that define tables: privileges, and the locks of the tables
 * at their other ends, all in one order of names (ql_name_list_lock).
 */
#include "catalog/foreign.h"

#include "stmts/stmts_int.h"

ql_status
qli_foreign_parents(ql_ctx *cx, const ql_ast_create_table *ct, ql_str db, ql_name_list *names)
{
    for (uint32_t i = 0; i < ct->nkeys; i++) {
        const ql_ast_key *k = &ct->keys[i];
        QL_TRY(ql_check(cx));
        if (k->kind == QL_KEY_FOREIGN) {
            QL_TRY(ql_name_list_add(cx, names, k->ref.db.n > 0 ? k->ref.db : db, k->ref.name));
        }
    }
    return QL_OK;
}

ql_status
qli_foreign_may(ql_ctx *cx, const ql_ast_create_table *ct, ql_str db)
{
    ql_name_list l = {0};
    QL_TRY(qli_foreign_parents(cx, ct, db, &l));
    for (size_t i = 0; i < l.n; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(ql_acl_require_table(cx, QL_PRIV_REFERENCES, l.v[i].db, l.v[i].name));
    }
    return QL_OK;
}

/* All of them at once, in their order: who finds that there are more gives back what he has and
 * begins again, so that nobody waits for a name with one behind it in hand. Nothing else has been
 * locked for the transaction. */
ql_status
qli_foreign_lock_list(ql_ctx *cx, ql_name_list *l, ql_mdl_mode mode, bool again)
{
    if (again) {
        ql_mdl_release_transaction(cx);
    }
    return ql_name_list_lock(cx, l, mode, false);
}

ql_status
qli_foreign_lock_new(ql_ctx *cx, const ql_ast_create_table *ct, ql_str db, ql_str name)
{
    ql_name_list l = {0};
    for (size_t before = 0;; before = l.n) { /* until nobody has come meanwhile */
        QL_TRY(ql_name_list_add(cx, &l, db, name));
        QL_TRY(qli_foreign_parents(cx, ct, db, &l));
        QL_TRY(ql_foreign_family(cx, db, name, &l));
        if (l.n == before || (l.n == 1 && cx->locked != NULL)) {
            return QL_OK;
        }
        QL_TRY(qli_foreign_lock_list(cx, &l, QL_MDL_X, before > 0));
    }
}

ql_status
qli_foreign_lock_names(ql_ctx *cx, const ql_table_name *v, size_t n)
{
    ql_name_list l = {0};
    size_t alone;
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_name_list_add(cx, &l, v[i].db, v[i].name));
    }
    alone = l.n;
    for (size_t before = 0;; before = l.n) { /* until nobody has come meanwhile */
        for (size_t i = 0; i < n; i++) {
            QL_TRY(ql_foreign_family(cx, v[i].db, v[i].name, &l));
        }
        if (l.n == before || (l.n == alone && cx->locked != NULL)) {
            return QL_OK;
        }
        QL_TRY(qli_foreign_lock_list(cx, &l, QL_MDL_X, before > 0));
    }
}

/* Parents and children in other databases. */
static ql_status
collect_outside(ql_ctx *cx, ql_str db, const ql_table *t, ql_name_list *l)
{
    ql_child *v;
    size_t n;
    for (uint16_t i = 0; i < t->nforeign; i++) {
        const ql_foreign_key *k = &t->foreign[i];
        QL_TRY(ql_check(cx));
        if (!ql_str_eq(k->parent_db, db)) {
            QL_TRY(ql_name_list_add(cx, l, k->parent_db, k->parent_name));
        }
    }
    QL_TRY(ql_catalog_children(cx, cx->arena, t->db, t->name, &v, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        if (!ql_str_eq(v[i].table->db, db)) {
            QL_TRY(ql_name_list_add(cx, l, v[i].table->db, v[i].table->name));
        }
    }
    return QL_OK;
}

ql_status
qli_foreign_lock_outside(ql_ctx *cx, ql_str db)
{
    ql_name_list l = {0};
    ql_table **v;
    size_t n;
    QL_TRY(ql_catalog_all_tables(cx, cx->arena, db, &v, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(collect_outside(cx, db, v[i], &l));
    }
    return ql_name_list_lock(cx, &l, QL_MDL_X, false);
}

ql_status
qli_foreign_check_dropped(ql_ctx *cx, ql_str db, ql_str name)
{
    ql_child *v;
    size_t n;
    if (!cx->vars->foreign_key_checks) {
        return QL_OK;
    }
    QL_TRY(ql_catalog_children(cx, cx->arena, db, name, &v, &n));
    return n > 0 ? ql_fail(cx, QL_ER_FK_CANNOT_DROP_PARENT, ql_cstr(cx, name),
                           ql_cstr(cx, v[0].key->name), ql_cstr(cx, v[0].table->name))
                 : QL_OK;
}

ql_status
qli_foreign_check_emptied(ql_ctx *cx, const ql_table *t)
{
    ql_child *v;
    size_t n;
    if (!cx->vars->foreign_key_checks || t->temporary) {
        return QL_OK;
    }
    QL_TRY(ql_catalog_children(cx, cx->arena, t->db, t->name, &v, &n));
    for (size_t i = 0; i < n; i++) {
        const ql_table *c = v[i].table;
        QL_TRY(ql_check(cx));
        if (!ql_str_eq(c->db, t->db) || !ql_str_eq(c->name, t->name)) {
            char *who = ql_arena_printf(cx, cx->arena, "`%.*s`.`%.*s`, CONSTRAINT `%.*s`",
                                        (int)c->db.n, c->db.p, (int)c->name.n, c->name.p,
                                        (int)v[i].key->name.n, v[i].key->name.p);
            return who != NULL ? ql_fail(cx, QL_ER_TRUNCATE_ILLEGAL_FK, who) : QL_ERROR;
        }
    }
    return QL_OK;
}
