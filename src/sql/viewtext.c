/* SPDX-License-Identifier: Apache-2.0
 *
 * The kept text of a view, read again (viewtext.h). No locks, no waits.
 */
#include "sql/viewtext.h"

#include "base/arena.h"
#include "base/bulk.h"
#include "sql/parse.h"

ql_status
ql_view_parse(ql_ctx *cx, ql_arena *a, const ql_table *view, ql_ast_stmt **out)
{
    ql_parse_mode mode = {.dates = QL_DATES_ZERO | QL_DATES_ZERO_PARTS | QL_DATES_ANY_DAY,
                          .literal_coll = view->view->coll_connection};
    size_t used;
    return ql_parse(cx, a, view->view->query, &mode, out, &used);
}

static bool
is_cte(const ql_ast_stmt *s, const ql_ast_table_name *t)
{
    return t->db.n == 0 && s->ncte_names > 0; /* names of tables are all qualified */
}

static bool
is_named(const ql_ast_table_name *v, uint32_t n, const ql_ast_table_name *t)
{
    for (uint32_t i = 0; i < n; i++) {
        if (ql_str_eq(v[i].db, t->db) && ql_str_eq(v[i].name, t->name)) {
            return true;
        }
    }
    return false;
}

ql_status
ql_view_mentions(ql_ctx *cx, ql_arena *a, const ql_table *view, ql_ast_table_name **v, uint32_t *n)
{
    ql_ast_stmt *s;
    uint32_t leaves = 0;
    QL_TRY(ql_view_parse(cx, a, view, &s));
    for (const ql_ast_from *f = s->leaves; f != NULL; f = f->next_leaf) {
        leaves++;
    }
    *n = 0;
    *v = QL_ARENA_ARRAY(cx, a, ql_ast_table_name, leaves + 1);
    if (*v == NULL) {
        return QL_ERROR;
    }
    for (const ql_ast_from *f = s->leaves; f != NULL; f = f->next_leaf) {
        QL_TRY(ql_bulk_count(cx, (size_t)*n * 16));
        if (!is_cte(s, &f->table) && !is_named(*v, *n, &f->table)) {
            (*v)[(*n)++] = f->table;
        }
    }
    return QL_OK;
}
