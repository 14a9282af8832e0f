/* SPDX-License-Identifier: Apache-2.0
 *
 * ANALYZE, CHECK, OPTIMIZE and REPAIR TABLE. CHECK compares every row with every index
 * (table/check.c); ANALYZE counts rows. Result rows are Table, Op, Msg_type, Msg_text; a killed one
 * says so in its rows, as KILL.md section 3 has it.
 */
#include <string.h>

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
} check_rows;

static ql_status
tell_finding(ql_ctx *cx, void *arg, const char *text)
{
    const check_rows *r = arg;
    return message(cx, r->t, r->tab->db, r->tab->name, "check", "warning", text);
}

/* The last row of the answer: what MySQL says of an InnoDB table that is, or is not, damaged. */
static ql_status
check_table(ql_ctx *cx, qli_table *t, ql_arena *mem, ql_table *tab)
{
    uint64_t findings;
    check_rows r = {.t = t, .tab = tab};
    QL_TRY(ql_table_check(cx, mem, tab, tell_finding, &r, &findings));
    return message(cx, t, tab->db, tab->name, "check", findings != 0 ? "error" : "status",
                   findings != 0 ? "Corrupt" : "OK");
}

static ql_status
work_on(ql_ctx *cx, qli_table *t, ql_arena *mem, ql_stmt_kind kind, ql_table *tab)
{
    const char *op = op_word(kind);
    uint64_t n;
    bool rebuilds = kind == QL_S_OPTIMIZE || kind == QL_S_REPAIR;
    QL_TRY(ql_table_lock(cx, tab, rebuilds));
    if (rebuilds && ql_table_is_transactional(tab)) {
        return message(cx, t, tab->db, tab->name, op, "note",
                       kind == QL_S_REPAIR ? "The storage engine for the table doesn't support "
                                             "repair"
                                           : "The table is always stored compactly; nothing to do");
    }
    if (kind == QL_S_CHECK) {
        return check_table(cx, t, mem, tab);
    }
    if (kind == QL_S_ANALYZE) {
        QL_TRY(read_index(cx, mem, tab, &tab->indexes[0], &n));
        ql_table_rows_init(tab, (int64_t)n);
    }
    return message(cx, t, tab->db, tab->name, op, "status", "OK");
}

/* What keeps a table from being opened and is told as a row of the result: there is none, LOCK
 * TABLES does not name it, it stays locked too long. NULL: anything else. */
static const char *
cannot_open(ql_ctx *cx, qli_table *t, ql_status st, ql_str db, ql_str name)
{
    if (st == QL_END) {
        return ql_arena_printf(cx, t->mem, "Table '%.*s.%.*s' doesn't exist", (int)db.n, db.p,
                               (int)name.n, name.p);
    }
    const ql_condition *c = st == QL_ERROR ? ql_diag_error(cx->diag) : NULL;
    if (c == NULL ||
        (c->number != QL_ER_TABLE_NOT_LOCKED && c->number != QL_ER_LOCK_WAIT_TIMEOUT)) {
        return NULL;
    }
    const char *text = ql_arena_strndup(cx, t->mem, c->text, strlen(c->text));
    if (text != NULL) {
        ql_diag_clear_error(cx->diag);
    }
    return text;
}

static ql_status
one_table(ql_ctx *cx, qli_table *t, ql_stmt_kind kind, const ql_ast_table_name *name)
{
    ql_str db = name->db.n > 0 ? name->db : cx->vars->db;
    ql_table *tab;
    ql_arena *mem;
    if (db.n == 0) {
        return ql_fail(cx, QL_ER_NO_DB_ERROR);
    }
    QL_TRY(ql_run_arena(t->run, "admin", &mem));
    ql_status st = ql_catalog_open_table(cx, mem, db, name->name, QL_MDL_SR, false, &tab);
    const char *why = cannot_open(cx, t, st, db, name->name);
    if (why != NULL) {
        QL_TRY(message(cx, t, db, name->name, op_word(kind), "Error", why));
        return message(cx, t, db, name->name, op_word(kind), "status", "Operation failed");
    }
    if (st != QL_OK) {
        return st == QL_END ? QL_ERROR : st;
    }
    return work_on(cx, t, mem, kind, tab);
}

/* CHECK reads; the others write statistics or the table. Asked for all tables first. */
static ql_status
may_work_on(ql_ctx *cx, const ql_ast_stmt *a)
{
    ql_pmask need = QL_PM(SELECT) | (a->kind == QL_S_CHECK ? 0 : QL_PM(INSERT));
    for (uint32_t i = 0; i < a->admin->tables.n; i++) {
        QL_TRY(ql_check(cx));
        const ql_ast_table_name *name = &a->admin->tables.v[i];
        ql_str db = name->db.n > 0 ? name->db : cx->vars->db;
        if (db.n == 0) {
            return ql_fail(cx, QL_ER_NO_DB_ERROR);
        }
        QL_TRY(ql_acl_require_on_table(cx, need, db, name->name));
    }
    return QL_OK;
}

ql_status
qli_exec_admin(ql_ctx *cx, ql_run *run)
{
    const ql_ast_stmt *a = run->stmt->ast;
    qli_table t;
    QL_TRY(may_work_on(cx, a));
    QL_TRY(qli_table_init(run, &t, 4));
    qli_table_string(&t, 0, "Table", 128, true);
    qli_table_string(&t, 1, "Op", 10, true);
    qli_table_string(&t, 2, "Msg_type", 10, true);
    qli_table_string(&t, 3, "Msg_text", 512, true);
    QL_TRY(qli_table_begin(cx, &t, NULL));
    for (uint32_t i = 0; i < a->admin->tables.n; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(one_table(cx, &t, a->kind, &a->admin->tables.v[i]));
    }
    return qli_table_send(cx, &t, NULL, 0);
}
