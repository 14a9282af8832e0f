/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.INNODB_FOREIGN and INNODB_FOREIGN_COLS: foreign keys and their columns under
 * the storage engine's names, for who has PROCESS (manual, "The INFORMATION_SCHEMA INNODB_FOREIGN
 * Table").
 */
#include <string.h>

#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(ID, 's', 129, NUL)                                                                           \
    C(FOR_NAME, 's', 129, NUL)                                                                     \
    C(REF_NAME, 's', 129, NUL)                                                                     \
    C(N_COLS, 'i', 0, NN)                                                                          \
    C(TYPE, 'u', 0, NN)
QLI_COLUMNS(innodb_foreign, COLUMNS);

#define PART_COLUMNS(C)                                                                            \
    C(ID, 's', 129, NUL)                                                                           \
    C(FOR_COL_NAME, 's', 64, NN)                                                                   \
    C(REF_COL_NAME, 's', 64, NN)                                                                   \
    C(POS, 'm', 0, NN)
QLI_PLAIN_COLUMNS(innodb_foreign_cols, PART_COLUMNS);
enum { PART_ID, PART_FOR_COL_NAME, PART_REF_COL_NAME, PART_POS };

static ql_status
set_name(ql_ctx *cx, ql_view_rows *r, ql_value *v, ql_str db, ql_str name)
{
    char *p = ql_arena_printf(cx, r->a, "%.*s/%.*s", (int)db.n, db.p, (int)name.n, name.p);
    if (!p) {
        return QL_ERROR;
    }
    qli_set_str(v, (ql_str){p, strlen(p)});
    return QL_OK;
}

/* Bits that the manual lists; RESTRICT has none. */
static uint64_t
type_bits(const ql_foreign_key *k)
{
    static const uint64_t on_delete[] = {
        [QL_FK_NO_ACTION] = 16, [QL_FK_CASCADE] = 1, [QL_FK_SET_NULL] = 2, [QL_FK_SET_DEFAULT] = 0};
    static const uint64_t on_update[] = {
        [QL_FK_NO_ACTION] = 32, [QL_FK_CASCADE] = 4, [QL_FK_SET_NULL] = 8, [QL_FK_SET_DEFAULT] = 0};
    return on_delete[k->on_delete] | on_update[k->on_update];
}

static ql_status
add_key(ql_ctx *cx, ql_view_rows *r, const ql_table *t, const ql_foreign_key *k)
{
    ql_value *v;
    QL_TRY(ql_view_row(cx, r, &v));
    QL_TRY(set_name(cx, r, &v[COL_ID], t->db, k->name));
    QL_TRY(set_name(cx, r, &v[COL_FOR_NAME], t->db, t->name));
    QL_TRY(set_name(cx, r, &v[COL_REF_NAME], k->parent_db, k->parent_name));
    v[COL_N_COLS] = ql_value_int(k->ncolumns);
    v[COL_TYPE] = ql_value_uint(type_bits(k));
    return QL_OK;
}

static ql_status
add_parts(ql_ctx *cx, ql_view_rows *r, const ql_table *t, const ql_foreign_key *k)
{
    for (unsigned p = 0; p < k->ncolumns; p++) {
        ql_value *v;
        QL_TRY(ql_view_row(cx, r, &v));
        QL_TRY(set_name(cx, r, &v[PART_ID], t->db, k->name));
        qli_set_str(&v[PART_FOR_COL_NAME], t->columns[k->columns[p]].name);
        qli_set_str(&v[PART_REF_COL_NAME], k->parent_columns[p]);
        v[PART_POS] = ql_value_uint(p + 1);
    }
    return QL_OK;
}

static ql_status
fill(ql_ctx *cx, ql_view_rows *r,
     ql_status (*add)(ql_ctx *cx, ql_view_rows *r, const ql_table *t, const ql_foreign_key *k))
{
    ql_table **list;
    size_t n;
    QL_TRY(qli_view_require_process(cx));
    QL_TRY(qli_tables(cx, r, &list, &n));
    for (size_t i = 0; i < n; i++) {
        for (unsigned k = 0; k < list[i]->nforeign; k++) {
            QL_TRY(ql_check(cx));
            QL_TRY(add(cx, r, list[i], &list[i]->foreign[k]));
        }
    }
    return QL_OK;
}

ql_status
qli_fill_innodb_foreign(ql_ctx *cx, ql_view_rows *r)
{
    return fill(cx, r, add_key);
}

ql_status
qli_fill_innodb_foreign_cols(ql_ctx *cx, ql_view_rows *r)
{
    return fill(cx, r, add_parts);
}
