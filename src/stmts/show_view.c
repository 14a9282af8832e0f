/* SPDX-License-Identifier: Apache-2.0
 *
 * SHOW as a projection of a view (show.def): its rows, some of its columns under other headings,
 * then LIKE or WHERE. What a statement names is looked for, and its privileges are asked, before
 * the view is; SHOW COLUMNS and SHOW INDEX hold the table's definition while they look (may wait:
 * MDL).
 */
#include <stdio.h>
#include <string.h>

#include "base/bulk.h"
#include "stmts/stmts_int.h"
#include "views/views.h"

enum option { OF_DATABASE = 1, OF_TABLE = 2, SCOPED = 4, PATTERN = 8, SORTED = 16, NO_QUERY = 32 };
enum use { ALWAYS, FULL_ONLY, LIKE_HERE, CUT };

typedef struct show_column {
    const char *heading, *column;
    enum use use;
} show_column;

#define C(heading, column)                                                                         \
    {                                                                                              \
        heading, column, ALWAYS                                                                    \
    }
#define F(heading, column)                                                                         \
    {                                                                                              \
        heading, column, FULL_ONLY                                                                 \
    }
#define L(heading, column)                                                                         \
    {                                                                                              \
        heading, column, LIKE_HERE                                                                 \
    }
#define I(heading, column)                                                                         \
    {                                                                                              \
        heading, column, CUT                                                                       \
    }
#define QL_SHOW(kind, db, view, options, ...)                                                      \
    static const show_column columns_of_##kind[] = {__VA_ARGS__};
#include "stmts/show.def"
#undef QL_SHOW

typedef struct projection {
    ql_show_kind kind;
    const char *db, *view;
    unsigned options;
    const show_column *columns;
    size_t ncolumns;
} projection;

static const projection projections[] = {
#define QL_SHOW(kind, db, view, options, ...)                                                      \
    {QL_SHOW_##kind, db, view, options, columns_of_##kind, QL_ARRAY_LEN(columns_of_##kind)},
#include "stmts/show.def"
#undef QL_SHOW
};

static const projection *
find_projection(ql_show_kind kind)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(projections); i++) {
        if (projections[i].kind == kind) {
            return &projections[i];
        }
    }
    return NULL;
}

bool
qli_show_is_view(ql_show_kind kind)
{
    return find_projection(kind) != NULL;
}

bool
qli_show_is_query(ql_show_kind kind)
{
    const projection *p = find_projection(kind);
    return p != NULL && !(p->options & NO_QUERY);
}

/* --- what it is about ------------------------------------------------------------------------ */

/* Database of FROM, or the current one; the session must see it, and it must exist. */
static ql_status
target_db(ql_ctx *cx, const ql_ast_show *s, ql_str *db)
{
    *db = s->table.db.n > 0 ? s->table.db : cx->vars->db;
    if (db->n == 0) {
        return ql_fail(cx, QL_ER_NO_DB_ERROR);
    }
    if (!ql_acl_sees_db(cx, *db)) {
        return ql_acl_db_denied(cx, *db);
    }
    if (!ql_catalog_has_database(cx, *db)) {
        return ql_fail(cx, QL_ER_BAD_DB_ERROR, ql_cstr(cx, *db));
    }
    return QL_OK;
}

ql_status
qli_open_shown(ql_ctx *cx, ql_arena *mem, const ql_ast_table_name *name, ql_table **out)
{
    ql_str db = name->db.n > 0 ? name->db : cx->vars->db;
    if (db.n == 0) {
        return ql_fail(cx, QL_ER_NO_DB_ERROR);
    }
    QL_TRY(ql_is_temporary(cx, db, name->name) ? QL_OK
                                               : ql_acl_require_any(cx, "SELECT", db, name->name));
    return ql_catalog_open_table(cx, mem, db, name->name, QL_MDL_SH, true, out);
}

static ql_status
find_target(ql_ctx *cx, ql_arena *mem, const projection *p, const ql_ast_show *s, ql_view_filter *f)
{
    ql_table *t;
    if (p->options & OF_DATABASE) {
        return target_db(cx, s, &f->schema);
    }
    if (p->options & OF_TABLE) {
        QL_TRY(qli_open_shown(cx, mem, &s->table, &t));
        f->schema = t->db;
        f->table = t->name;
        f->temporary = t->temporary ? t : NULL;
    }
    return QL_OK;
}

static ql_status
find_view(ql_ctx *cx, ql_arena *mem, const projection *p, const ql_ast_show *s, ql_table **out)
{
    char name[64];
    const char *scope = !(p->options & SCOPED)        ? ""
                        : s->scope == QL_SCOPE_GLOBAL ? "global_"
                                                      : "session_";
    int n = snprintf(name, sizeof name, "%s%s", scope, p->view);
    ql_str db = {p->db, strlen(p->db)};
    ql_status st = ql_catalog_find_table(cx, mem, db, (ql_str){name, (size_t)n}, out);
    return st == QL_END ? ql_fail(cx, QL_ER_NO_SUCH_TABLE, p->db, name) : st;
}

/* --- columns --------------------------------------------------------------------------------- */

#define SHORT_INFO 100

/* A projection at work. */
typedef struct shown {
    const projection *p;
    qli_table t;
    ql_table *view;
    uint16_t *ordinals; /* of the view's columns */
    int cut;            /* column that is cut, or -1 */
    uint16_t like_col;
} shown;

/* "Database (pattern)", "Tables_in_db (pattern)". */
static const char *
first_heading(ql_ctx *cx, const shown *v, const ql_ast_show *s, ql_str db)
{
    const char *heading = v->p->columns[0].heading;
    if (v->p->kind == QL_SHOW_TABLES) {
        heading = ql_arena_printf(cx, cx->arena, "%s%.*s", heading, (int)db.n, db.p);
    }
    if (heading == NULL || s->like.p == NULL || !(v->p->options & PATTERN)) {
        return heading;
    }
    return ql_arena_printf(cx, cx->arena, "%s (%.*s)", heading, (int)s->like.n, s->like.p);
}

static void
set_column(ql_ctx *cx, shown *v, uint16_t i, const show_column *c, bool full)
{
    ql_result_column *out = &v->t.cols[i];
    uint16_t ordinal = (uint16_t)ql_table_column(v->view, (ql_str){c->column, strlen(c->column)});
    v->ordinals[i] = ordinal;
    ql_result_column_of(v->view, ordinal, out);
    out->name = (ql_str){c->heading, strlen(c->heading)};
    out->flags &= (uint16_t) ~(unsigned)QL_CF_NO_DEFAULT;
    if (c->use == LIKE_HERE) {
        v->like_col = i;
    } else if (c->use == CUT) {
        v->cut = full ? -1 : i;
        out->type.length = full ? (uint32_t)cx->vars->max_allowed_packet / 4 : SHORT_INFO;
    }
}

static ql_status
set_columns(ql_ctx *cx, ql_run *run, shown *v, const ql_ast_show *s, ql_str db)
{
    uint16_t n = 0;
    for (size_t i = 0; i < v->p->ncolumns; i++) {
        n = (uint16_t)(n + (v->p->columns[i].use != FULL_ONLY || s->full));
    }
    QL_TRY(qli_table_init(run, &v->t, n));
    v->ordinals = QL_ARENA_ARRAY(cx, v->t.mem, uint16_t, n);
    const char *heading = first_heading(cx, v, s, db);
    if (v->ordinals == NULL || heading == NULL) {
        return QL_ERROR;
    }
    n = 0;
    for (size_t i = 0; i < v->p->ncolumns; i++) {
        if (v->p->columns[i].use != FULL_ONLY || s->full) {
            set_column(cx, v, n++, &v->p->columns[i], s->full);
        }
    }
    v->t.cols[0].name = (ql_str){heading, strlen(heading)};
    return QL_OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

static void
cut_text(ql_value *v)
{
    if (v->kind == QL_K_STRING && v->s.n > SHORT_INFO) {
        v->s.n = SHORT_INFO;
        v->s.n = ql_utf8_valid_prefix(v->s);
    }
}

static int
compare_first(const void *a, const void *b)
{
    const ql_value *x = *(ql_value *const *)a, *y = *(ql_value *const *)b;
    return ql_str_cmp(x[0].s, y[0].s);
}

static ql_status
take_rows(ql_ctx *cx, shown *v, const ql_view_filter *f)
{
    ql_view_rows rows;
    QL_TRY(ql_view_fill(cx, v->t.mem, v->view, f, &rows));
    for (size_t r = 0; r < rows.n; r++) {
        ql_value *row;
        QL_TRY(qli_table_row(cx, &v->t, &row));
        for (uint16_t i = 0; i < v->t.ncols; i++) {
            row[i] = rows.v[r][ql_view_place(&rows, v->ordinals[i])];
        }
        if (v->cut >= 0) {
            cut_text(&row[v->cut]);
        }
    }
    if (v->p->options & SORTED) {
        return ql_bulk_sort(cx, v->t.mem, v->t.rows, v->t.n, sizeof *v->t.rows, compare_first);
    }
    return QL_OK;
}

ql_status
qli_show_view(ql_ctx *cx, ql_run *run, const ql_ast_show *s)
{
    shown v = {.p = find_projection(s->kind), .cut = -1};
    ql_view_filter f = {0};
    ql_arena *mem;
    QL_TRY(ql_run_arena(run, "show", &mem));
    QL_TRY(find_target(cx, mem, v.p, s, &f));
    QL_TRY(find_view(cx, mem, v.p, s, &v.view));
    QL_TRY(set_columns(cx, run, &v, s, f.schema));
    QL_TRY(qli_table_begin(cx, &v.t, s));
    for (uint16_t i = 0; i < v.t.ncols; i++) {
        f.columns |= UINT64_C(1) << v.ordinals[i];
    }
    QL_TRY(take_rows(cx, &v, &f));
    return qli_table_send(cx, &v.t, s, v.like_col);
}
