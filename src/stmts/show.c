/* SPDX-License-Identifier: Apache-2.0
 *
 * SHOW: result sets that statements make themselves. Here the collector (rows of values, filtered
 * by LIKE or WHERE, sent in batches) and the choice by kind; what is a projection of a view is in
 * show_view.c, the rest in the other show_*.c.
 */
#include <string.h>

#include "stmts/stmts_int.h"

ql_value
qli_text_n(ql_str s)
{
    return ql_value_str(s, ql_coll_default);
}

ql_value
qli_text(const char *s)
{
    return s != NULL ? qli_text_n((ql_str){s, strlen(s)}) : ql_value_null();
}

ql_status
qli_table_init(ql_run *run, qli_table *t, uint16_t ncols)
{
    *t = (qli_table){.run = run, .ncols = ncols};
    QL_TRY(ql_run_arena(run, "show", &t->mem));
    t->cols = QL_ARENA_ARRAY(run->cx, t->mem, ql_result_column, ncols);
    return t->cols != NULL ? QL_OK : QL_ERROR;
}

void
qli_table_column(qli_table *t, uint16_t i, const char *name, ql_type type)
{
    t->cols[i].name = (ql_str){name, strlen(name)};
    t->cols[i].type = type;
    t->cols[i].flags =
        (uint16_t)((type.nullable ? 0 : QL_CF_NOT_NULL) | (type.is_unsigned ? QL_CF_UNSIGNED : 0) |
                   (type.kind != QL_K_STRING ? QL_CF_BINARY : 0));
}

void
qli_table_string(qli_table *t, uint16_t i, const char *name, uint32_t chars, bool nullable)
{
    ql_type type = ql_type_varchar(chars, ql_coll_default);
    type.nullable = nullable;
    qli_table_column(t, i, name, type);
}

ql_status
qli_table_begin(ql_ctx *cx, qli_table *t, const ql_ast_show *show)
{
    ql_description *d = t->run->describe;
    if (d == NULL) {
        return QL_OK;
    }
    if (show != NULL && show->where != NULL) {
        ql_expr *e;
        uint32_t ncalls;
        QL_TRY(ql_resolve_expr(cx, show->where, t->cols, t->ncols, &e, &ncalls));
    }
    d->cols = QL_ARENA_ARRAY(cx, cx->arena, ql_result_column, t->ncols);
    if (d->cols == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < t->ncols; i++) {
        ql_str name = t->cols[i].name; /* may live as long as the run only */
        d->cols[i] = t->cols[i];
        d->cols[i].name = (ql_str){ql_arena_strndup(cx, cx->arena, name.p, name.n), name.n};
        if (d->cols[i].name.p == NULL) {
            return QL_ERROR;
        }
    }
    d->n = t->ncols;
    return QL_END;
}

ql_status
qli_table_row(ql_ctx *cx, qli_table *t, ql_value **row)
{
    if (t->n % 256 == 0) {
        QL_TRY(ql_check(cx));
    }
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 32;
        ql_value **rows = ql_arena_alloc(cx, t->mem, cap * sizeof *rows);
        if (rows == NULL) {
            return QL_ERROR;
        }
        if (t->n > 0) {
            memcpy(rows, t->rows, t->n * sizeof *rows);
        }
        t->rows = rows;
        t->cap = cap;
    }
    ql_value *v = QL_ARENA_ARRAY(cx, t->mem, ql_value, t->ncols);
    if (v == NULL) {
        return QL_ERROR;
    }
    t->rows[t->n++] = v;
    *row = v;
    return QL_OK;
}

/* SHOW ... LIKE 'pattern' on one column, by its collation. */
static ql_status
like_filter(ql_ctx *cx, qli_table *t, ql_str pattern, uint16_t col)
{
    ql_expr text = {.kind = QL_E_SLOT}, constant = {.kind = QL_E_CONST, .is_constant = true};
    ql_expr *args[2] = {&text, &constant};
    ql_expr e = {.kind = QL_E_OP,
                 .op = QL_OP_LIKE,
                 .type = ql_type_bool(),
                 .args = args,
                 .nargs = 2,
                 .coll = t->cols[col].type.coll ? t->cols[col].type.coll : ql_coll_default};
    ql_call call = {.expr = &e, .arena = t->mem, .mem = t->mem};
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        ql_value vals[2] = {t->rows[i][col], qli_text_n(pattern)}, yes = ql_value_null();
        if (i % 64 == 0) {
            QL_TRY(ql_check(cx));
        }
        if (vals[0].kind != QL_K_NULL) {
            QL_TRY(ql_fn_like(cx, &call, vals, 2, &yes));
        }
        if (yes.kind == QL_K_INT && yes.i != 0) {
            t->rows[n++] = t->rows[i];
        }
    }
    t->n = n;
    return QL_OK;
}

static ql_status
where_filter(ql_ctx *cx, qli_table *t, const ql_ast_expr *where)
{
    ql_expr *e;
    uint32_t ncalls;
    ql_ex *x;
    ql_type *types = QL_ARENA_ARRAY(cx, t->mem, ql_type, t->ncols);
    ql_batch b;
    size_t n = 0;
    if (types == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_resolve_expr(cx, where, t->cols, t->ncols, &e, &ncalls));
    ql_env env = ql_env_single(t->run, t->mem);
    QL_TRY(ql_ex_new(cx, &env, e, &x));
    for (uint16_t i = 0; i < t->ncols; i++) {
        types[i] = t->cols[i].type;
    }
    QL_TRY(ql_batch_init(cx, t->mem, &b, types, t->ncols));
    b.n = b.nsel = 1;
    for (size_t r = 0; r < t->n; r++) {
        uint16_t sel[1], found;
        QL_TRY(ql_check(cx));
        for (uint16_t i = 0; i < t->ncols; i++) {
            ql_vector_set(&b.cols[i], 0, &t->rows[r][i]);
        }
        QL_TRY(ql_ex_filter(cx, x, &b, NULL, 1, sel, &found));
        if (found > 0) {
            t->rows[n++] = t->rows[r];
        }
    }
    t->n = n;
    return QL_OK;
}

static ql_status
send_all(ql_ctx *cx, qli_table *t)
{
    ql_type *types = QL_ARENA_ARRAY(cx, t->mem, ql_type, t->ncols);
    ql_batch b;
    if (types == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < t->ncols; i++) {
        types[i] = t->cols[i].type;
    }
    QL_TRY(ql_batch_init(cx, t->mem, &b, types, t->ncols));
    t->run->out->has_result_set = true;
    QL_TRY(cx->sink->ops->columns(cx, cx->sink, t->cols, t->ncols));
    for (size_t at = 0; at < t->n; at += b.n) {
        size_t n = t->n - at < QL_BATCH_ROWS ? t->n - at : QL_BATCH_ROWS;
        QL_TRY(ql_check(cx));
        for (uint16_t i = 0; i < t->ncols; i++) {
            b.cols[i].has_nulls = false;
            for (size_t k = 0; k < n; k++) {
                ql_vector_set(&b.cols[i], (uint16_t)k, &t->rows[at + k][i]);
            }
        }
        b.n = b.nsel = (uint16_t)n;
        QL_TRY(cx->sink->ops->rows(cx, cx->sink, &b));
        if (cx->proc != NULL) {
            ql_proc_add_rows(cx->proc, 0, n);
        }
    }
    return QL_OK;
}

ql_status
qli_table_send(ql_ctx *cx, qli_table *t, const ql_ast_show *show, uint16_t like_col)
{
    QL_TRY(qli_table_begin(cx, t, show)); /* those without rows have not asked */
    if (show != NULL && show->like.p != NULL) {
        QL_TRY(like_filter(cx, t, show->like, like_col));
    } else if (show != NULL && show->where != NULL) {
        QL_TRY(where_filter(cx, t, show->where));
    }
    QL_TRY(send_all(cx, t));
    if (show != NULL && qli_show_is_query(show->kind) && cx->vars != NULL) {
        cx->vars->found_rows = t->n;
    }
    return QL_OK;
}

ql_status
qli_exec_show(ql_ctx *cx, ql_run *run)
{
    const ql_ast_show *s = run->stmt->ast->show;
    switch (s->kind) {
    case QL_SHOW_OPEN_TABLES:
        return qli_show_open_tables(cx, run, s);
    case QL_SHOW_CREATE_TABLE:
    case QL_SHOW_CREATE_DATABASE:
    case QL_SHOW_CREATE_VIEW:
    case QL_SHOW_CREATE_TRIGGER:
    case QL_SHOW_CREATE_PROCEDURE:
    case QL_SHOW_CREATE_FUNCTION:
    case QL_SHOW_CREATE_EVENT:
        return qli_show_create(cx, run, s);
    case QL_SHOW_REPLICA_STATUS:
    case QL_SHOW_REPLICAS:
    case QL_SHOW_BINARY_LOG_STATUS:
    case QL_SHOW_BINARY_LOGS:
    case QL_SHOW_BINLOG_EVENTS:
    case QL_SHOW_PROFILE:
    case QL_SHOW_PROFILES:
        return qli_show_replication(cx, run, s);
    case QL_SHOW_PROCESSLIST:
        return qli_show_processlist(cx, run, s);
    case QL_SHOW_GRANTS:
    case QL_SHOW_CREATE_USER:
        return qli_show_grants(cx, run, s);
    case QL_SHOW_OTHER:
        return ql_fail(cx, QL_ER_NOT_SUPPORTED_YET,
                       ql_arena_printf(cx, cx->arena, "SHOW %.*s", (int)s->name.n,
                                       s->name.p != NULL ? s->name.p : ""));
    default:
        return qli_show_is_view(s->kind) ? qli_show_view(cx, run, s)
                                         : qli_show_server_kinds(cx, run, s);
    }
}
