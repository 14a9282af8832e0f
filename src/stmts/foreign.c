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

ql_status
qli_foreign_lock_new(ql_ctx *cx, const ql_ast_create_table *ct, ql_str db, ql_str name)
{
    ql_name_list l = {0};
    for (size_t before = 0;; before = l.n) { /* until nobody has come meanwhile */
        QL_TRY(ql_name_list_add(cx, &l, db, name));
        QL_TRY(qli_foreign_parents(cx, ct, db, &l));
        QL_TRY(ql_foreign_family(cx, db, name, &l));
        if (l.n == before || l.n == 1) {
            return QL_OK;
        }
        QL_TRY(ql_name_list_lock(cx, &l, QL_MDL_X, false));
    }
}
