/* SPDX-License-Identifier: Apache-2.0
 *
 * RENAME TABLE, of views too: all names are locked first, in an order that does not depend on the
 * statement's, then each table is given its new name in turn, and one commit shows it all.
 */
#include "base/bulk.h"
#include "resolve/alterspec.h"
#include "stmts/stmts_int.h"

/* One of the names in the statement. */
typedef struct name {
    ql_str db, name;
    bool is_new; /* first mentioned as what a table is to be called */
} name;

static int
by_name(const void *x, const void *y)
{
    const name *a = *(const name *const *)x, *b = *(const name *const *)y;
    int r = ql_str_cmp(a->db, b->db);
    r = r != 0 ? r : ql_str_cmp(a->name, b->name);
    return r != 0 ? r : (a > b) - (a < b);
}

static bool
same_name(const name *a, const name *b)
{
    return ql_str_eq(a->db, b->db) && ql_str_eq(a->name, b->name);
}

/* Old and new names by turns, as in the statement; asks whether the session may. */
static ql_status
take_names(ql_ctx *cx, const ql_ast_names *in, name *v)
{
    for (uint32_t i = 0; i < in->n; i++) {
        QL_TRY(ql_check(cx));
        v[i] = (name){.db = in->v[i].db.n > 0 ? in->v[i].db : cx->vars->db,
                      .name = in->v[i].name,
                      .is_new = i % 2 == 1};
        if (v[i].db.n == 0) {
            return ql_fail(cx, QL_ER_NO_DB_ERROR);
        }
        ql_pmask need = v[i].is_new ? QL_PM(CREATE) | QL_PM(INSERT) : QL_PM(ALTER) | QL_PM(DROP);
        QL_TRY(ql_acl_require_on_table(cx, need, v[i].db, v[i].name));
    }
    return QL_OK;
}

/* Each name once. Who comes first in the statement decides whether it is to be there already. */
static ql_status
lock_names(ql_ctx *cx, name *v, uint32_t n)
{
    name **sorted = QL_ARENA_ARRAY(cx, cx->arena, name *, n + 1);
    ql_table *t;
    if (sorted == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < n; i++) {
        sorted[i] = &v[i];
    }
    QL_TRY(ql_bulk_sort(cx, cx->arena, sorted, n, sizeof *sorted, by_name));
    for (uint32_t i = 0; i < n; i++) {
        const name *f = sorted[i];
        ql_status st = QL_OK;
        QL_TRY(ql_check(cx));
        if (i > 0 && same_name(sorted[i - 1], f)) {
            continue;
        }
        st = f->is_new ? ql_catalog_lock_new_name(cx, f->db, f->name)
                       : ql_catalog_open_shared(cx, cx->arena, f->db, f->name, QL_MDL_X, false, &t);
        QL_TRY(st == QL_END ? QL_OK : st);
    }
    return QL_OK;
}

ql_status
qli_check_name_free(ql_ctx *cx, ql_str db, ql_str wanted)
{
    ql_table *there;
    ql_status st = ql_catalog_find_table(cx, cx->arena, db, wanted, &there);
    if (st == QL_OK) {
        return ql_fail(cx, QL_ER_TABLE_EXISTS_ERROR, ql_cstr(cx, wanted));
    }
    return st == QL_END ? QL_OK : st;
}

static ql_status
rename_one(ql_ctx *cx, const name *from, const name *to)
{
    const ql_ast_alter as = {.to = {.db = to->db, .name = to->name}, .keys = -1};
    ql_alter_plan plan;
    ql_table *t, *next;
    QL_TRY(qli_check_name_free(cx, to->db, to->name));
    ql_status st = ql_catalog_find_table(cx, cx->arena, from->db, from->name, &t);
    if (st == QL_END) {
        return ql_fail(cx, QL_ER_NO_SUCH_TABLE, ql_cstr(cx, from->db), ql_cstr(cx, from->name));
    }
    QL_TRY(st);
    QL_TRY(ql_table_refuse_unusable(cx, t));
    if (t->view != NULL) {
        return ql_str_eq(from->db, to->db) ? ql_catalog_rename_view(cx, t, to->name)
                                           : ql_fail(cx, QL_ER_FORBID_SCHEMA_CHANGE,
                                                     ql_cstr(cx, from->db), ql_cstr(cx, to->db));
    }
    QL_TRY(ql_alter_plan_make(cx, t, &as, &plan));
    QL_TRY(ql_catalog_new_version(cx, t, &plan.change, &next));
    st = ql_catalog_switch(cx, t, next, &plan.change);
    ql_table_put(next);
    return st;
}

/* With what their foreign keys tie to them. */
static ql_status
lock_families(ql_ctx *cx, const name *v, uint32_t n)
{
    ql_table_name *names = QL_ARENA_ARRAY(cx, cx->arena, ql_table_name, n + 1);
    if (names == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        names[i] = (ql_table_name){v[i].db, v[i].name};
    }
    return qli_foreign_lock_names(cx, names, n);
}

ql_status
qli_exec_rename_table(ql_ctx *cx, ql_run *run)
{
    const ql_ast_names *in = &run->stmt->ast->names;
    uint32_t pairs = in->n / 2;
    name *v = QL_ARENA_ARRAY(cx, cx->arena, name, in->n + 1);
    ql_lock_rename *r = QL_ARENA_ARRAY(cx, cx->arena, ql_lock_rename, pairs + 1);
    if (v == NULL || r == NULL) {
        return QL_ERROR;
    }
    QL_TRY(take_names(cx, in, v));
    QL_TRY(qli_ddl_begin(cx, run));
    QL_TRY(lock_families(cx, v, in->n));
    QL_TRY(lock_names(cx, v, in->n));
    for (uint32_t i = 0; i < pairs; i++) {
        const name *from = &v[2 * i], *to = &v[2 * i + 1];
        QL_TRY(ql_check(cx));
        QL_TRY(rename_one(cx, from, to));
        r[i] = (ql_lock_rename){from->db, from->name, to->db, to->name};
    }
    QL_TRY(ql_locked_tables_rename(cx, r, pairs));
    QL_TRY(qli_ddl_end(cx, run));
    ql_locked_tables_renamed(cx, r, pairs);
    return QL_OK;
}
