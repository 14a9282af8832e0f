/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.REFERENTIAL_CONSTRAINTS: foreign keys, what they refer to and do.
 */
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(CONSTRAINT_CATALOG, 's', 64, BIN)                                                            \
    C(CONSTRAINT_SCHEMA, 's', 64, SCHEMA)                                                          \
    C(CONSTRAINT_NAME, 's', 64, NUL)                                                               \
    C(UNIQUE_CONSTRAINT_CATALOG, 's', 64, BIN)                                                     \
    C(UNIQUE_CONSTRAINT_SCHEMA, 's', 64, BIN)                                                      \
    C(UNIQUE_CONSTRAINT_NAME, 's', 64, NUL)                                                        \
    C(MATCH_OPTION, 's', 7, BIN)                                                                   \
    C(UPDATE_RULE, 's', 11, BIN)                                                                   \
    C(DELETE_RULE, 's', 11, BIN)                                                                   \
    C(TABLE_NAME, 's', 64, TABLE)                                                                  \
    C(REFERENCED_TABLE_NAME, 's', 64, BIN)
QLI_COLUMNS(referential_constraints, COLUMNS);

static void
set_rule(ql_value *v, ql_fk_action a)
{
    static const char *const texts[] = {[QL_FK_NO_ACTION] = "NO ACTION",
                                        [QL_FK_RESTRICT] = "RESTRICT",
                                        [QL_FK_CASCADE] = "CASCADE",
                                        [QL_FK_SET_NULL] = "SET NULL",
                                        [QL_FK_SET_DEFAULT] = "SET DEFAULT"};
    qli_set_cstr(v, texts[a]);
}

static ql_status
add_key(ql_ctx *cx, ql_view_rows *r, const ql_table *t, const ql_foreign_key *k)
{
    ql_value *v;
    QL_TRY(ql_view_row(cx, r, &v));
    qli_set_cstr(&v[COL_CONSTRAINT_CATALOG], "def");
    qli_set_str(&v[COL_CONSTRAINT_SCHEMA], t->db);
    qli_set_str(&v[COL_CONSTRAINT_NAME], k->name);
    qli_set_cstr(&v[COL_UNIQUE_CONSTRAINT_CATALOG], "def");
    qli_set_str(&v[COL_UNIQUE_CONSTRAINT_SCHEMA], k->parent_db);
    if (k->parent_index.n > 0) {
        qli_set_str(&v[COL_UNIQUE_CONSTRAINT_NAME], k->parent_index);
    }
    qli_set_cstr(&v[COL_MATCH_OPTION], "NONE");
    set_rule(&v[COL_UPDATE_RULE], k->on_update);
    set_rule(&v[COL_DELETE_RULE], k->on_delete);
    qli_set_str(&v[COL_TABLE_NAME], t->name);
    qli_set_str(&v[COL_REFERENCED_TABLE_NAME], k->parent_name);
    return QL_OK;
}

ql_status
qli_fill_referential_constraints(ql_ctx *cx, ql_view_rows *r)
{
    ql_table **list;
    size_t n;
    QL_TRY(qli_tables(cx, r, &list, &n));
    for (size_t i = 0; i < n; i++) {
        for (unsigned k = 0; k < list[i]->nforeign; k++) {
            QL_TRY(ql_check(cx));
            QL_TRY(add_key(cx, r, list[i], &list[i]->foreign[k]));
        }
    }
    return QL_OK;
}
