/* SPDX-License-Identifier: Apache-2.0
 *
 * ANALYZE, CHECK, OPTIMIZE and REPAIR TABLE. CHECK examines every row (exec/examine.h);
 * ANALYZE collects statistics (stats/). Result rows are Table, Op, Msg_type, Msg_text; a killed one
 * says so in its rows, as KILL.md section 3 has it. OPTIMIZE and REPAIR write the table anew
 * (rebuild.c).
 */
#include <stdio.h>
#include <string.h>

#include "exec/examine.h"
#include "resolve/resolve.h"
#include "stats/stats.h"
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

typedef struct finding_to {
    qli_table *t;
    const ql_table *tab;
} finding_to;

static ql_status
tell_finding(ql_ctx *cx, void *arg, const char *text)
{
    const finding_to *r = arg;
    return message(cx, r->t, r->tab->db, r->tab->name, "check", "warning", text);
}

/* The last row of the answer: what MySQL says of an InnoDB table that is, or is not, damaged. */
static ql_status
check_table(ql_ctx *cx, qli_table *t, ql_arena *mem, ql_table *tab)
{
    uint64_t damage;
    finding_to to = {.t = t, .tab = tab};
    QL_TRY(ql_examine_table(t->run, mem, tab, tell_finding, &to, &damage));
    return message(cx, t, tab->db, tab->name, "check", damage != 0 ? "error" : "status",
                   damage != 0 ? "Corrupt" : "OK");
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
    QL_TRY(ql_stats_analyze(cx, tab));
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
open_and_work(ql_ctx *cx, qli_table *t, ql_stmt_kind kind, const ql_ast_admin *a, ql_str db,
              ql_str name)
{
    ql_table *tab;
    ql_arena *mem;
    QL_TRY(ql_run_arena(t->run, "admin", &mem));
    QL_TRY(ql_catalog_open_table(cx, mem, db, name, QL_MDL_SR, true, &tab));
    if (a->ncolumns != 0) {
        return qli_histograms(cx, t, a, tab);
    }
    return tab->view != NULL ? work_on_view(cx, t, kind, tab) : work_on(cx, t, mem, kind, tab);
}

/* Whatever becomes of a table is told in rows, those behind a killed one too: they end at their
 * first look, for none of them was worked on. */
static ql_status
one_table(ql_ctx *cx, qli_table *t, ql_stmt_kind kind, const ql_ast_admin *a,
          const ql_ast_table_name *name, qli_reason *killed)
{
    const char *op = a->ncolumns != 0 ? "histogram" : op_word(kind);
    ql_str db = name->db.n > 0 ? name->db : cx->vars->db;
    qli_reason why;
    const char *type = "error";
    ql_status st = QL_OK;
    if (killed->number == 0) {
        st = open_and_work(cx, t, kind, a, db, name->name);
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
    QL_TRY(message(cx, t, db, name->name, op, type, why.text));
    if (a->ncolumns != 0 && killed->number == 0) {
        return QL_OK; /* MySQL says no more there */
    }
    return message(cx, t, db, name->name, op, "status", "Operation failed");
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
    if (a->admin->ncolumns != 0 && a->admin->tables.n > 1) {
        QL_TRY(qli_one_table_for_histograms(cx, &t));
        return qli_table_send(cx, &t, NULL, 0);
    }
    for (uint32_t i = 0; i < a->admin->tables.n; i++) {
        QL_TRY(one_table(cx, &t, a->kind, a->admin, &a->admin->tables.v[i], &killed));
    }
    uint32_t too_late = run->out->decided ? QL_INTR_STMT_MASK : 0;
    ql_hold(cx, too_late);
    ql_status st = qli_table_send(cx, &t, NULL, 0);
    ql_unhold(cx, too_late);
    return st;
}
