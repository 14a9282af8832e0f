/* SPDX-License-Identifier: Apache-2.0
 *
 * LOCK TABLES: what statements reach through what is named there. What is below views is locked in
 * the same way, under the privileges of their definers or the user; what foreign keys of tables to
 * be written lead to, for reading or writing as they need it, under nobody's. What that is is known
 * for certain only when all is locked, so it is looked at again then. Waits: those of LOCK TABLES.
 */
#include "base/bulk.h"
#include "sql/viewtext.h"
#include "stmts/stmts_int.h"

#define MAX_DEPTH 61 /* views below views */

typedef struct lock_list {
    ql_lock_item *v;
    size_t n, cap;
    bool views;
} lock_list;

static ql_status
add_item(ql_ctx *cx, lock_list *l, const ql_lock_item *it)
{
    if (l->n == l->cap) {
        size_t cap = l->cap > 0 ? l->cap * 2 : 16;
        ql_lock_item *v = QL_ARENA_ARRAY(cx, cx->arena, ql_lock_item, cap);
        if (v == NULL) {
            return QL_ERROR;
        }
        QL_TRY(ql_bulk_copy(cx, v, l->v, l->n * sizeof *v));
        l->v = v;
        l->cap = cap;
    }
    l->v[l->n++] = *it;
    return ql_check(cx);
}

static bool
is_listed(const lock_list *l, const ql_lock_item *it)
{
    for (size_t i = 0; i < l->n; i++) {
        const ql_lock_item *x = &l->v[i];
        if (x->alias.n == 0 && x->write == it->write && ql_str_eq(x->name, it->name) &&
            ql_str_eq(x->db, it->db)) {
            return true;
        }
    }
    return false;
}

static ql_status
invalid(ql_ctx *cx, const ql_table *view)
{
    return ql_fail(cx, QL_ER_VIEW_INVALID, ql_cstr(cx, view->db), ql_cstr(cx, view->name));
}

static ql_status add_below(ql_ctx *cx, lock_list *l, const ql_lock_item *it, unsigned depth);

static ql_status
add_mention(ql_ctx *cx, lock_list *l, const ql_table *view, const ql_ast_table_name *t, bool write,
            unsigned depth)
{
    ql_lock_item it = {.db = t->db, .name = t->name, .write = write};
    if (ql_catalog_is_virtual_database(t->db) || is_listed(l, &it)) {
        return QL_OK;
    }
    static const ql_pmask needed = QL_PM(SELECT) | QL_PM(LOCK_TABLES);
    ql_table *there;
    if ((ql_acl_on_table(cx, t->db, t->name) & needed) != needed ||
        ql_catalog_find_table(cx, cx->arena, t->db, t->name, &there) != QL_OK) {
        return invalid(cx, view);
    }
    QL_TRY(add_item(cx, l, &it));
    return add_below(cx, l, &it, depth + 1);
}

static ql_status
add_mentions(ql_ctx *cx, lock_list *l, const ql_table *view, bool write, unsigned depth)
{
    ql_ast_table_name *v;
    uint32_t n;
    QL_TRY(ql_view_mentions(cx, cx->arena, view, &v, &n));
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(add_mention(cx, l, view, &v[i], write, depth));
    }
    return QL_OK;
}

/* What is below the item, if it is a view. */
static ql_status
add_below(ql_ctx *cx, lock_list *l, const ql_lock_item *it, unsigned depth)
{
    ql_table *t;
    ql_view_entry entry;
    ql_status st = ql_catalog_find_table(cx, cx->arena, it->db, it->name, &t);
    if (st == QL_END || (st == QL_OK && t->view == NULL)) {
        return QL_OK; /* whoever locks it says that there is none */
    }
    QL_TRY(st);
    l->views = true;
    if (depth > MAX_DEPTH) {
        return ql_fail(cx, QL_ER_VIEW_RECURSIVE, ql_cstr(cx, t->db), ql_cstr(cx, t->name));
    }
    st = ql_view_enter(cx, t, &entry);
    st = st == QL_OK ? add_mentions(cx, l, t, it->write, depth) : st;
    ql_view_leave(cx, &entry);
    return st;
}

/* Whatever a change of the table's rows may ask for or bring along. */
static ql_status
add_related(ql_ctx *cx, lock_list *l, const ql_lock_item *it)
{
    ql_table *t;
    ql_fk_related *v;
    size_t n;
    ql_status st = ql_catalog_find_table(cx, cx->arena, it->db, it->name, &t);
    if (st == QL_END || (st == QL_OK && (t->view != NULL || t->is_virtual))) {
        return QL_OK;
    }
    QL_TRY(st);
    QL_TRY(ql_fk_list_related(cx, t, &v, &n));
    for (size_t i = 0; i < n; i++) {
        ql_lock_item more = {.db = v[i].db, .name = v[i].name, .write = v[i].write};
        if (!is_listed(l, &more)) {
            QL_TRY(add_item(cx, l, &more));
        }
    }
    return QL_OK;
}

static ql_status
collect(ql_ctx *cx, const ql_lock_item *items, size_t n, lock_list *l)
{
    *l = (lock_list){.v = NULL};
    for (size_t i = 0; i < n; i++) {
        QL_TRY(add_item(cx, l, &items[i]));
    }
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(add_below(cx, l, &items[i], 0));
    }
    size_t named = l->n;
    for (size_t i = 0; i < named; i++) {
        ql_lock_item it = l->v[i];
        QL_TRY(ql_check(cx));
        if (it.write) {
            QL_TRY(add_related(cx, l, &it));
        }
    }
    return QL_OK;
}

static ql_status
compare(ql_ctx *cx, const lock_list *a, const lock_list *b, bool *same)
{
    *same = a->n == b->n;
    for (size_t i = 0; *same && i < a->n; i++) {
        QL_TRY(ql_check(cx));
        *same = ql_str_eq(a->v[i].db, b->v[i].db) && ql_str_eq(a->v[i].name, b->v[i].name) &&
                a->v[i].write == b->v[i].write;
    }
    return QL_OK;
}

ql_status
qli_lock_tables(ql_ctx *cx, const ql_lock_item *items, size_t n, bool flush)
{
    for (;;) {
        lock_list l, again;
        bool same = false;
        QL_TRY(collect(cx, items, n, &l));
        QL_TRY(flush ? ql_locked_tables_flush(cx, l.v, l.n) : ql_locked_tables_lock(cx, l.v, l.n));
        ql_status st = collect(cx, items, n, &again);
        st = st == QL_OK ? compare(cx, &l, &again, &same) : st;
        if (st == QL_OK && same) {
            return QL_OK;
        }
        ql_locked_tables_release(cx);
        QL_TRY(st);
        QL_TRY(ql_check(cx));
    }
}
