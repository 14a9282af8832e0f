/* SPDX-License-Identifier: Apache-2.0
 *
 * ANALYZE, CHECK, OPTIMIZE and REPAIR TABLE. CHECK compares every row with every index
 * (table/check.c) and asks its CHECK constraints; ANALYZE counts rows. Result rows are Table, Op,
 * Msg_type, Msg_text; a killed one says so in its rows, as KILL.md section 3 has it.
 * OPTIMIZE and REPAIR write the table anew (rebuild.c).
 */
#include <stdio.h>
#include <string.h>

#include "exec/complete.h"
#include "resolve/resolve.h"
#include "stmts/stmts_int.h"

static const char *
op_word(ql_stmt_kind k)
{
    switch (k) {
    case QL_S_ANALYZE:
        return "analyze";
    case QL_S_CHECK:
        return "check";
    case QL_S_OPTIMIZE:
        return "optimize";
    default:
        return "repair";
    }
}

static ql_status
message(ql_ctx *cx, qli_table *t, ql_str db, ql_str name, const char *op, const char *type,
        const char *text)
{
    ql_value *row;
    char *full = ql_arena_printf(cx, t->mem, "%.*s.%.*s", (int)db.n, db.p, (int)name.n, name.p);
    char *copy = ql_arena_strndup(cx, t->mem, text, strlen(text));
    if (full == NULL || copy == NULL) {
        return QL_ERROR;
    }
    QL_TRY(qli_table_row(cx, t, &row));
    row[0] = qli_text(full);
    row[1] = qli_text(op);
    row[2] = qli_text(type);
    row[3] = qli_text(copy);
    return QL_OK;
}

/* Read all rows through an index; *n counts them. */
static ql_status
read_index(ql_ctx *cx, ql_arena *mem, ql_table *tab, const ql_index *ix, uint64_t *n)
{
    uint16_t *ordinals = QL_ARENA_ARRAY(cx, mem, uint16_t, tab->ncolumns + 1);
    ql_scan *scan;
    ql_batch *b;
    if (ordinals == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < tab->ncolumns; i++) {
        ordinals[i] = i;
    }
    ql_scan_spec spec = {.table = tab,
                         .index = ix,
                         .ordinals = ordinals,
                         .ncols = tab->ncolumns,
                         .view = QL_VIEW_STATEMENT};
    QL_TRY(ql_scan_open(cx, mem, &spec, &scan));
    ql_status st;
    *n = 0;
    while ((st = ql_scan_next(cx, scan, &b)) == QL_OK) {
        *n += b->nsel;
        QL_TRY(ql_check(cx));
    }
    ql_scan_close(scan);
    return st == QL_END ? QL_OK : st;
}

typedef struct check_rows {
    qli_table *t;
    ql_table *tab;
    ql_completer *completer; /* of its CHECK constraints; NULL = none */
    ql_arena *row_mem;
    ql_value *row;
    bool *given;
} check_rows;

static ql_status
tell_finding(ql_ctx *cx, void *arg, const char *text)
{
    const check_rows *r = arg;
    return message(cx, r->t, r->tab->db, r->tab->name, "check", "warning", text);
}

/* A CHECK that says no is told; evaluating does not change what is stored. */
static ql_status
check_constraints(ql_ctx *cx, void *arg, const ql_value *values, char *text)
{
    const check_rows *r = arg;
    bool keep;
    ql_arena_reset(r->row_mem);
    memcpy(r->row, values, sizeof *values * r->tab->ncolumns);
    ql_status st =
        ql_intr_outcome(cx, ql_complete_row(cx, r->completer, r->row, r->given, 1, &keep));
    const ql_condition *c = st == QL_ERROR ? ql_diag_error(cx->diag) : NULL;
    if (c == NULL || c->number != QL_ER_CHECK_CONSTRAINT_VIOLATED) {
        return st;
    }
    (void)snprintf(text, 256, "%s", c->text);
    ql_diag_clear_error(cx->diag);
    return QL_OK;
}

static ql_status
prepare_constraints(ql_ctx *cx, ql_arena *mem, check_rows *r)
{
    if (r->tab->nchecks == 0) {
        return QL_OK;
    }
    QL_TRY(ql_run_arena(r->t->run, "checked row", &r->row_mem));
    QL_TRY(ql_completer_new(r->t->run, r->tab, false, r->row_mem, &r->completer));
    r->row = QL_ARENA_ARRAY(cx, mem, ql_value, r->tab->ncolumns + 1);
    r->given = QL_ARENA_ARRAY(cx, mem, bool, r->tab->ncolumns + 1);
    if (r->row == NULL || r->given == NULL) {
        return QL_ERROR;
    }
    memset(r->given, true, r->tab->ncolumns);
    return QL_OK;
}

/* Rows whose parents are missing are told, too; foreign_key_checks = 0 lets them in, so they are no
 * damage. */
static ql_status
check_foreign(ql_ctx *cx, check_rows *r)
{
    for (uint16_t i = 0; i < r->tab->nforeign; i++) {
        uint64_t findings;
        QL_TRY(ql_check(cx));
        QL_TRY(
            ql_fk_check_rows(r->t->run, r->tab, &r->tab->foreign[i], tell_finding, r, &findings));
    }
    return QL_OK;
}

/* The last row of the answer: what MySQL says of an InnoDB table that is, or is not, damaged. */
static ql_status
check_table(ql_ctx *cx, qli_table *t, ql_arena *mem, ql_table *tab)
{
    uint64_t findings;
    check_rows r = {.t = t, .tab = tab};
    QL_TRY(prepare_constraints(cx, mem, &r));
    QL_TRY(ql_table_check(cx, mem, tab, tell_finding, r.completer ? check_constraints : NULL, &r,
                          &findings));
    QL_TRY(check_foreign(cx, &r));
    return message(cx, t, tab->db, tab->name, "check", findings != 0 ? "error" : "status",
                   findings != 0 ? "Corrupt" : "OK");
}

static ql_status
optimize_table(ql_ctx *cx, qli_table *t, const ql_table *tab)
{
    QL_TRY(qli_table_rebuild(cx, t->run, tab->db, tab->name));
    if (ql_table_is_transactional(tab)) {
        QL_TRY(message(cx, t, tab->db, tab->name, "optimize", "note",
                       "Table does not support optimize, doing recreate + analyze instead"));
    }
    return message(cx, t, tab->db, tab->name, "optimize", "status", "OK");
}

static ql_status
repair_table(ql_ctx *cx, qli_table *t, const ql_table *tab)
{
    uint64_t rows = 0, lost = 0;
    char text[128];
    if (ql_table_is_transactional(tab)) {
        return message(cx, t, tab->db, tab->name, "repair", "note",
                       "The storage engine for the table doesn't support repair");
    }
    QL_TRY(qli_table_repair(cx, t->run, tab->db, tab->name, &rows, &lost));
    if (lost > 0) {
        (void)snprintf(text, sizeof text, "Number of rows changed from %llu to %llu",
                       (unsigned long long)(rows + lost), (unsigned long long)rows);
        QL_TRY(message(cx, t, tab->db, tab->name, "repair", "warning", text));
    }
    return message(cx, t, tab->db, tab->name, "repair", "status", "OK");
}

/* Rows of these are made on demand. */
static ql_status
not_for_views(ql_ctx *cx, qli_table *t, ql_stmt_kind kind, const ql_table *tab)
{
    char text[80];
    (void)snprintf(text, sizeof text, "The storage engine for the table doesn't support %s",
                   op_word(kind));
    return message(cx, t, tab->db, tab->name, op_word(kind), "note", text);
}

static ql_status
work_on(ql_ctx *cx, qli_table *t, ql_arena *mem, ql_stmt_kind kind, ql_table *tab)
{
    uint64_t n;
    if (tab->is_virtual) {
        return not_for_views(cx, t, kind, tab);
    }
    if (kind == QL_S_OPTIMIZE) {
        return optimize_table(cx, t, tab);
    }
    if (kind == QL_S_REPAIR) {
        return repair_table(cx, t, tab);
    }
    QL_TRY(ql_table_lock(cx, tab, false));
    if (kind == QL_S_CHECK) {
        return check_table(cx, t, mem, tab);
    }
    QL_TRY(read_index(cx, mem, tab, &tab->indexes[0], &n));
    ql_table_rows_init(tab, (int64_t)n);
    return message(cx, t, tab->db, tab->name, "analyze", "status", "OK");
}

/* A view is checked by looking for all that it needs; nothing else can be done to it. */
static ql_status
work_on_view(ql_ctx *cx, qli_table *t, ql_stmt_kind kind, const ql_table *v)
{
    if (kind != QL_S_CHECK) {
        return ql_fail(cx, QL_ER_WRONG_OBJECT, ql_cstr(cx, v->db), ql_cstr(cx, v->name),
                       "BASE TABLE");
    }
    ql_status st = ql_resolve_view_use(cx, v);
    if (st == QL_OK) {
        return message(cx, t, v->db, v->name, "check", "status", "OK");
    }
    const ql_condition *c = st == QL_ERROR ? ql_diag_error(cx->diag) : NULL;
    if (c == NULL || (c->number != QL_ER_VIEW_INVALID && c->number != QL_ER_NO_SUCH_USER &&
                      c->number != QL_ER_VIEW_RECURSIVE)) {
        return st;
    }
    QL_TRY(message(cx, t, v->db, v->name, "check", "Error", c->text));
    ql_diag_clear_error(cx->diag);
    return message(cx, t, v->db, v->name, "check", "error", "Corrupt");
}

static ql_status
open_and_work(ql_ctx *cx, qli_table *t, ql_stmt_kind kind, ql_str db, ql_str name)
{
    ql_table *tab;
    ql_arena *mem;
    QL_TRY(ql_run_arena(t->run, "admin", &mem));
    QL_TRY(ql_catalog_open_table(cx, mem, db, name, QL_MDL_SR, true, &tab));
    return tab->view != NULL ? work_on_view(cx, t, kind, tab) : work_on(cx, t, mem, kind, tab);
}

/* Whatever becomes of a table is told in rows, those behind a killed one too: they end at their
 * first look, for none of them was worked on. */
static ql_status
one_table(ql_ctx *cx, qli_table *t, ql_stmt_kind kind, const ql_ast_table_name *name,
          qli_reason *killed)
{
    ql_str db = name->db.n > 0 ? name->db : cx->vars->db;
    qli_reason why;
    const char *type = "error";
    ql_status st = QL_OK;
    if (killed->number == 0) {
        st = open_and_work(cx, t, kind, db, name->name);
        if (st == QL_OK) {
            return QL_OK;
        }
        st = qli_answer_kill(cx, st, killed);
    }
    why = *killed;
    if (st != QL_OK) {
        QL_TRY(qli_answer_error(cx, st, &why));
        type = "Error";
    }
    QL_TRY(message(cx, t, db, name->name, op_word(kind), type, why.text));
    return message(cx, t, db, name->name, op_word(kind), "status", "Operation failed");
}

ql_status
qli_admin_may(ql_ctx *cx, const ql_ast_admin *a, ql_pmask need)
{
    for (uint32_t i = 0; i < a->tables.n; i++) {
        QL_TRY(ql_check(cx));
        const ql_ast_table_name *name = &a->tables.v[i];
        ql_str db = name->db.n > 0 ? name->db : cx->vars->db;
        if (db.n == 0) {
            return ql_fail(cx, QL_ER_NO_DB_ERROR);
        }
        QL_TRY(ql_is_temporary(cx, db, name->name)
                   ? QL_OK
                   : ql_acl_require_on_table(cx, need, db, name->name));
    }
    return QL_OK;
}

ql_status
qli_exec_admin(ql_ctx *cx, ql_run *run)
{
    const ql_ast_stmt *a = run->stmt->ast;
    qli_reason killed = {0};
    qli_table t;
    /* CHECK reads; the others write statistics or the table. */
    QL_TRY(
        qli_admin_may(cx, a->admin, QL_PM(SELECT) | (a->kind == QL_S_CHECK ? 0 : QL_PM(INSERT))));
    QL_TRY(qli_table_init(run, &t, 4));
    qli_table_string(&t, 0, "Table", 128, true);
    qli_table_string(&t, 1, "Op", 10, true);
    qli_table_string(&t, 2, "Msg_type", 10, true);
    qli_table_string(&t, 3, "Msg_text", 512, true);
    QL_TRY(qli_table_begin(cx, &t, NULL));
    for (uint32_t i = 0; i < a->admin->tables.n; i++) {
        QL_TRY(one_table(cx, &t, a->kind, &a->admin->tables.v[i], &killed));
    }
    return qli_table_send(cx, &t, NULL, 0);
}
