/* SPDX-License-Identifier: Apache-2.0
 *
 * What a CREATE VIEW makes: the query bound and frozen (freeze.c), its text, its columns as they
 * are told to those who ask. Opens tables (waits: MDL).
 */
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "resolve/resolve_int.h"
#include "sql/print.h"

/* --- names ----------------------------------------------------------------------------------- */

static ql_ast_select *
leftmost(ql_ast_select *s)
{
    while (s->set_op != QL_SET_NONE) {
        s = s->left;
    }
    return s;
}

static bool
can_be_name(ql_str s)
{
    return s.n > 0 && s.p[s.n - 1] != ' ' && ql_utf8_chars(s) <= QL_MAX_IDENT_CHARS;
}

/* A column without alias is called as it is written; what is no name becomes Name_exp_<n>. */
static ql_status
name_columns(ql_ctx *cx, const ql_ast_view *v, ql_query *q)
{
    if (v->ncolumns > 0) {
        if (v->ncolumns != q->nitems) {
            return ql_fail(cx, QL_ER_VIEW_WRONG_LIST);
        }
        for (uint16_t i = 0; i < q->nitems; i++) {
            q->items[i].column.name = v->columns[i];
        }
        return QL_OK;
    }
    ql_ast_select *s = leftmost(v->select);
    for (uint16_t i = 0; i < q->nitems && i < s->nitems; i++) {
        QL_TRY(ql_bulk_node(cx));
        if (can_be_name(q->items[i].column.name)) {
            continue;
        }
        if (s->items[i].heading.p == NULL ||
            !ql_str_eq(q->items[i].column.name, s->items[i].heading)) {
            return ql_fail(cx, QL_ER_WRONG_COLUMN_NAME, ql_cstr(cx, q->items[i].column.name));
        }
        const char *made = ql_arena_printf(cx, cx->arena, "Name_exp_%u", i + 1u);
        if (made == NULL) {
            return QL_ERROR;
        }
        s->items[i].alias = q->items[i].column.name = (ql_str){made, strlen(made)};
    }
    return QL_OK;
}

/* --- columns --------------------------------------------------------------------------------- */

const ql_column *
qli_column_behind(const ql_query *q, uint16_t item)
{
    while (q->set_op == QL_SET_NONE && !q->grouped) {
        const ql_expr *e = q->items[item].expr;
        const ql_source *s = NULL;
        uint16_t column = 0;
        for (uint16_t i = 0; e->kind == QL_E_SLOT && i < q->nsources; i++) {
            for (uint16_t k = 0; k < q->sources[i].ncols; k++) {
                if (q->sources[i].slots[k] == e->index) {
                    s = &q->sources[i];
                    column = s->ordinals[k];
                }
            }
        }
        if (s == NULL) {
            return NULL;
        }
        if (s->table != NULL) {
            return &s->table->columns[column];
        }
        q = s->derived;
        item = column;
    }
    return NULL;
}

/* A value that is computed, as a column that could hold it. */
static ql_type
stored_type(const ql_expr *e)
{
    ql_type t = e->type;
    if (ql_kind_family(t.kind) == QL_FAM_STRING) {
        uint32_t per_char =
            t.coll != NULL && t.coll->charset != NULL ? t.coll->charset->max_bytes : 1;
        uint64_t bytes = (uint64_t)t.length * per_char;
        bool blob = t.field == QL_F_BLOB || t.field == QL_F_TINY_BLOB ||
                    t.field == QL_F_MEDIUM_BLOB || t.field == QL_F_LONG_BLOB;
        if (!blob && t.field != QL_F_JSON) {
            t.field = bytes <= 65535      ? QL_F_VARCHAR
                      : bytes <= 16777215 ? QL_F_MEDIUM_BLOB
                                          : QL_F_LONG_BLOB;
            if (t.field != QL_F_VARCHAR) {
                t.length = t.field == QL_F_MEDIUM_BLOB ? 16777215 : UINT32_MAX;
            }
        }
    }
    return t;
}

static ql_status
make_columns(ql_ctx *cx, const ql_query *q, ql_view_spec *spec)
{
    ql_column *v = QL_ARENA_ARRAY(cx, cx->arena, ql_column, q->nitems + 1u);
    if (v == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < q->nitems; i++) {
        QL_TRY(ql_bulk_node(cx));
        const ql_column *c = qli_column_behind(q, i);
        if (c != NULL) {
            v[i] = *c;
            v[i].type.nullable = q->items[i].expr->type.nullable;
            v[i].unknown = v[i].generated = QL_STR("");
            v[i].stored = v[i].invisible = v[i].hidden = false;
            if (c->auto_increment) { /* MySQL shows what would be there without it */
                v[i].auto_increment = false;
                v[i].default_kind = QL_DEF_VALUE;
                v[i].default_value = ql_value_int(0);
                v[i].default_value.kind = v[i].type.kind;
            }
        } else {
            v[i] = (ql_column){.type = stored_type(q->items[i].expr),
                               .default_text = QL_STR(""),
                               .comment = QL_STR(""),
                               .generated = QL_STR(""),
                               .unknown = QL_STR("")};
            v[i].default_value = ql_value_null();
        }
        v[i].name = q->items[i].column.name;
        v[i].ordinal = i;
    }
    spec->columns = v;
    spec->ncolumns = q->nitems;
    return QL_OK;
}

/* --- how it can be used ---------------------------------------------------------------------- */

/* Its rows are rows of what it reads (manual, "View Processing Algorithms"). */
static bool
is_mergeable(const ql_query *q)
{
    return q->set_op == QL_SET_NONE && q->from != NULL && !q->grouped && !q->distinct &&
           q->having == NULL && q->limit == NULL;
}

static bool
has_outer_join(const ql_join_tree *j)
{
    return !j->is_leaf &&
           (j->kind == QL_JOIN_LEFT || has_outer_join(j->left) || has_outer_join(j->right));
}

static ql_view_rows_of
rows_of(const ql_query *q)
{
    if (!is_mergeable(q) || has_outer_join(q->from)) {
        return QL_VIEW_READ_ONLY;
    }
    ql_view_rows_of most = q->nsources == 1 ? QL_VIEW_OF_TABLE : QL_VIEW_OF_JOIN;
    uint16_t nderived = 0;
    for (uint16_t i = 0; i < q->nsources; i++) {
        const ql_source *s = &q->sources[i];
        if (s->table == NULL && s->view == NULL) {
            nderived++; /* beside tables */
            continue;
        }
        ql_view_rows_of one = s->view != NULL                             ? s->view->view->updatable
                              : s->table != NULL && !s->table->is_virtual ? QL_VIEW_OF_TABLE
                                                                          : QL_VIEW_READ_ONLY;
        most = one == QL_VIEW_READ_ONLY || most == QL_VIEW_READ_ONLY ? QL_VIEW_READ_ONLY
               : one > most                                          ? one
                                                                     : most;
    }
    return nderived < q->nsources ? most : QL_VIEW_READ_ONLY;
}

/* Subqueries of a view over one table that read this table: its rows cannot be changed through it.
 */
static ql_status
reads_itself(qli_res *r, ql_query *q, bool *yes)
{
    const ql_table *t = q->nsources == 1 ? q->sources[0].table : NULL;
    *yes = false;
    if (t == NULL || q->set_op != QL_SET_NONE) {
        return QL_OK;
    }
    QL_TRY(qli_subqueries_read(r, q->where, t, yes));
    for (uint16_t i = 0; i < q->nitems && !*yes; i++) {
        QL_TRY(qli_subqueries_read(r, q->items[i].expr, t, yes));
    }
    return QL_OK;
}

static ql_status
judge(qli_res *r, const ql_ast_view *v, ql_query *q, ql_view_spec *spec, bool *given_up)
{
    ql_ctx *cx = r->cx;
    bool itself;
    ql_view_def *d = &spec->def;
    bool mergeable = is_mergeable(q);
    d->algorithm = v->algorithm;
    *given_up = v->algorithm == QL_VIEW_MERGE && !mergeable;
    if (*given_up) {
        d->algorithm = QL_VIEW_UNDEFINED;
    }
    d->check = v->check;
    QL_TRY(reads_itself(r, q, &itself));
    d->updatable = v->algorithm != QL_VIEW_TEMPTABLE && !itself ? rows_of(q) : QL_VIEW_READ_ONLY;
    if (d->check != QL_CHECK_NONE && d->updatable == QL_VIEW_READ_ONLY) {
        return ql_fail(cx, QL_ER_VIEW_NONUPD_CHECK, ql_cstr(cx, spec->db), ql_cstr(cx, spec->name));
    }
    return QL_OK;
}

/* --- the whole ------------------------------------------------------------------------------- */

static ql_status
print_query(ql_ctx *cx, const ql_ast_view *v, ql_view_spec *spec)
{
    ql_print_mode mode = {.literal_coll = spec->def.coll_connection};
    ql_buf b = {0};
    ql_status st = ql_print_select(cx, &b, v->select, &mode);
    const char *p = st == QL_OK ? ql_arena_strndup(cx, cx->arena, b.p, b.n) : NULL;
    spec->def.query = (ql_str){p, b.n};
    ql_buf_free(&b);
    return st != QL_OK ? st : p != NULL ? QL_OK : QL_ERROR;
}

ql_status
ql_resolve_view(ql_ctx *cx, ql_ast_stmt *stmt, ql_view_spec *spec, bool *merge_given_up)
{
    const ql_ast_view *v = stmt->view;
    qli_res r = {.cx = cx, .a = cx->arena, .describing = true, .freezing = true};
    qli_view_frame frame = {.db = spec->db, .name = spec->name};
    ql_query *q;
    r.making = &frame;
    QL_TRY(qli_query_bind(&r, v->select, NULL, NULL, &q));
    QL_TRY(qli_items_settle(&r, q));
    QL_TRY(name_columns(cx, v, q));
    QL_TRY(make_columns(cx, q, spec));
    QL_TRY(judge(&r, v, q, spec, merge_given_up));
    spec->def.names_given = v->ncolumns > 0;
    return print_query(cx, v, spec);
}
