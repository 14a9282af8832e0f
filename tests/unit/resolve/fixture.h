/* SPDX-License-Identifier: Apache-2.0
 *
 * An instance in memory with database `d` and a few tables, a session with all privileges, and one
 * call from text to resolved statement. Expressions print as nested lists for comparison.
 *
 *   t: id INT PK AUTO_INCREMENT, a INT (key), b VARCHAR(20), c DECIMAL(10,2), d DATE, e DATETIME,
 *      f DOUBLE, g BIGINT UNSIGNED NOT NULL UNIQUE, h VARCHAR(10) utf8mb4_bin (key), i TINYINT
 *   u: id INT PK, t_id INT (key), x INT, name VARCHAR(20); key xn (x, name)
 *   nokey: k INT, v VARCHAR(100)
 */
#ifndef QL_TESTS_UNIT_RESOLVE_FIXTURE_H
#define QL_TESTS_UNIT_RESOLVE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acl/acl.h"
#include "base/arena.h"
#include "base/diag.h"
#include "catalog/catalog.h"
#include "intr/intr.h"
#include "intr/proc.h"
#include "kv/kv.h"
#include "resolve/resolve.h"
#include "sql/parse.h"
#include "txn/mdl.h"
#include "txn/txn.h"
#include "vars/sysvars.h"

#define OK(expr) assert_int_equal((expr), QL_OK)

typedef struct world {
    ql_instance inst;
    ql_ctx cx;
    ql_intr intr;
    ql_vars vars;
    ql_arena *life;
    ql_account account;
    char text[8192]; /* of the last print */
} world;

static inline ql_str
str(const char *s)
{
    return (ql_str){s, strlen(s)};
}

static inline ql_column
column(const char *name, ql_type t, ql_field field, bool nullable)
{
    ql_column c = {.name = str(name), .type = t};
    c.type.field = field;
    c.type.nullable = nullable;
    c.default_value = ql_value_null();
    c.default_kind = nullable ? QL_DEF_NULL : QL_DEF_NONE;
    return c;
}

static inline void
begin(world *w)
{
    w->cx.stmt_id++;
    OK(ql_txn_begin(&w->cx, QL_REPEATABLE_READ, false));
    OK(ql_txn_stmt_begin(&w->cx));
}

static inline void
commit(world *w)
{
    ql_arena_reset(w->cx.arena);
    ql_txn_stmt_end(&w->cx);
    OK(ql_txn_commit(&w->cx));
    ql_catalog_committed(&w->cx);
    ql_mdl_release_transaction(&w->cx);
}

static inline void
make_table(world *w, const char *name, ql_column *c, uint16_t ncols, ql_index *x, uint16_t nx)
{
    ql_table_spec s = {.db = str("d"), .name = str(name), .columns = c, .ncolumns = ncols};
    s.indexes = x;
    s.nindexes = nx;
    s.engine = str("InnoDB");
    OK(ql_catalog_create_table(&w->cx, &s));
}

static inline void
make_tables(world *w)
{
    ql_type i = ql_type_int(false), u = ql_type_int(true), v = ql_type_varchar(20, ql_coll_default);
    ql_column t[] = {
        column("id", i, QL_F_LONG, false),
        column("a", i, QL_F_LONG, true),
        column("b", v, QL_F_VARCHAR, true),
        column("c", ql_type_decimal(10, 2), QL_F_NEWDECIMAL, true),
        column("d", ql_type_date(), QL_F_DATE, true),
        column("e", ql_type_datetime(0), QL_F_DATETIME, true),
        column("f", ql_type_double(), QL_F_DOUBLE, true),
        column("g", u, QL_F_LONGLONG, false),
        column("h", ql_type_varchar(10, ql_coll_utf8mb4_bin), QL_F_VARCHAR, true),
        column("i", i, QL_F_TINY, true),
    };
    t[0].auto_increment = true;
    ql_index_part id = {.column = 0}, a = {.column = 1}, g = {.column = 7}, h = {.column = 8},
                  d = {.column = 4};
    ql_index tx[] = {
        {.name = str("PRIMARY"), .primary = true, .unique = true, .parts = &id, .nparts = 1},
        {.name = str("a"), .parts = &a, .nparts = 1},
        {.name = str("g"), .unique = true, .parts = &g, .nparts = 1},
        {.name = str("h"), .parts = &h, .nparts = 1},
        {.name = str("d"), .parts = &d, .nparts = 1},
    };
    make_table(w, "t", t, QL_ARRAY_LEN(t), tx, QL_ARRAY_LEN(tx));
    ql_column uc[] = {
        column("id", i, QL_F_LONG, false),
        column("t_id", i, QL_F_LONG, true),
        column("x", i, QL_F_LONG, true),
        column("name", v, QL_F_VARCHAR, true),
    };
    ql_index_part xn[] = {{.column = 2}, {.column = 3}};
    ql_index ux[] = {
        {.name = str("PRIMARY"), .primary = true, .unique = true, .parts = &id, .nparts = 1},
        {.name = str("t_id"), .parts = &a, .nparts = 1},
        {.name = str("xn"), .parts = xn, .nparts = 2},
    };
    make_table(w, "u", uc, QL_ARRAY_LEN(uc), ux, QL_ARRAY_LEN(ux));
    ql_column nk[] = {column("k", i, QL_F_LONG, true),
                      column("v", ql_type_varchar(100, ql_coll_default), QL_F_VARCHAR, true)};
    make_table(w, "nokey", nk, 2, NULL, 0);
}

static inline int
world_setup(void **state)
{
    world *w = calloc(1, sizeof *w);
    w->inst.procs = ql_procs_new();
    w->inst.sysvars = ql_sysvars_new();
    w->cx.inst = &w->inst;
    w->cx.intr = &w->intr;
    w->cx.diag = ql_diag_new();
    w->cx.arena = ql_arena_new("statement", NULL);
    w->life = ql_arena_new("session", NULL);
    OK(ql_intr_init(&w->cx, &w->intr));
    w->cx.mdl = ql_mdl_set_new();
    w->cx.proc = ql_proc_add(&w->cx, w->inst.procs, &w->intr, -1, "localhost");
    OK(ql_vars_init(&w->cx, &w->vars, w->life));
    OK(ql_kv_open_mem(&w->cx, &w->inst.kv));
    OK(ql_txnsys_open(&w->cx, NULL, &w->inst.txns));
    OK(ql_catalog_open(&w->cx, &w->inst.catalog));
    w->cx.vars = &w->vars;
    w->account.privs = ql_privs_all();
    ql_acl_set_session(&w->cx, &w->account);
    begin(w);
    OK(ql_catalog_create_database(&w->cx, str("d"), ql_coll_default));
    make_tables(w);
    commit(w);
    OK(ql_catalog_use(&w->cx, str("d")));
    *state = w;
    return 0;
}

static inline int
world_teardown(void **state)
{
    world *w = *state;
    ql_arena_reset(w->cx.arena);
    ql_txn_rollback(&w->cx);
    ql_mdl_set_free(&w->cx, w->cx.mdl);
    ql_vars_fini(&w->vars);
    w->cx.vars = NULL;
    ql_proc_remove(w->inst.procs, w->cx.proc);
    ql_catalog_close(w->inst.catalog);
    ql_txnsys_close(w->inst.txns);
    ql_sysvars_free(w->inst.sysvars);
    ql_procs_free(w->inst.procs);
    ql_kv_close(w->inst.kv);
    ql_intr_fini(&w->intr);
    ql_arena_free(w->cx.arena);
    ql_arena_free(w->life);
    ql_diag_free(w->cx.diag);
    free(w);
    return 0;
}

/* Forget the last statement. */
static inline void
fresh(world *w)
{
    ql_arena_reset(w->cx.arena);
    ql_mdl_release_transaction(&w->cx);
    ql_diag_reset(w->cx.diag);
}

static inline ql_status
resolve_params(world *w, const char *sql, const ql_value *params, uint32_t n, ql_rstmt **out)
{
    ql_ast_stmt *ast;
    size_t used;
    ql_parse_mode mode = {.allow_params = true, .literal_coll = ql_coll_default};
    fresh(w);
    ql_status st = ql_parse(&w->cx, w->cx.arena, str(sql), &mode, &ast, &used);
    if (st != QL_OK) {
        return st;
    }
    return ql_resolve(&w->cx, ast, params, n, out);
}

static inline ql_rstmt *
resolve(world *w, const char *sql)
{
    ql_rstmt *s = NULL;
    ql_status st = resolve_params(w, sql, NULL, 0, &s);
    if (st != QL_OK) {
        const ql_condition *c = ql_diag_error(w->cx.diag);
        fail_msg("%s: %u %s", sql, c ? c->number : 0, c ? c->text : "no error");
    }
    return s;
}

/* Error of a statement: "1054 Unknown column 'x' in 'field list'", or "ok". */
static inline const char *
error_of(world *w, const char *sql)
{
    ql_rstmt *s;
    ql_status st = resolve_params(w, sql, NULL, 0, &s);
    const ql_condition *c = ql_diag_error(w->cx.diag);
    if (st == QL_OK) {
        return "ok";
    }
    snprintf(w->text, sizeof w->text, "%u %s", c ? c->number : 0, c ? c->text : "");
    return w->text;
}
#define FAILS(w, sql, text) assert_string_equal(error_of(w, sql), text)

/* --- printing --- */

static inline const char *
op_name(ql_op op)
{
    static const char *const names[] = {
        [QL_OP_OR] = "or",
        [QL_OP_XOR] = "xor",
        [QL_OP_AND] = "and",
        [QL_OP_NOT] = "not",
        [QL_OP_EQ] = "=",
        [QL_OP_NULLSAFE_EQ] = "<=>",
        [QL_OP_NE] = "<>",
        [QL_OP_LT] = "<",
        [QL_OP_LE] = "<=",
        [QL_OP_GT] = ">",
        [QL_OP_GE] = ">=",
        [QL_OP_IS_NULL] = "isnull",
        [QL_OP_IS_NOT_NULL] = "notnull",
        [QL_OP_IS_TRUE] = "istrue",
        [QL_OP_IS_FALSE] = "isfalse",
        [QL_OP_BETWEEN] = "between",
        [QL_OP_NOT_BETWEEN] = "notbetween",
        [QL_OP_IN] = "in",
        [QL_OP_NOT_IN] = "notin",
        [QL_OP_LIKE] = "like",
        [QL_OP_NOT_LIKE] = "notlike",
        [QL_OP_REGEXP] = "regexp",
        [QL_OP_ADD] = "+",
        [QL_OP_SUB] = "-",
        [QL_OP_MUL] = "*",
        [QL_OP_DIV] = "/",
        [QL_OP_INTDIV] = "div",
        [QL_OP_MOD] = "%",
        [QL_OP_NEG] = "neg",
        [QL_OP_BITOR] = "|",
        [QL_OP_BITAND] = "&",
        [QL_OP_BITXOR] = "^",
        [QL_OP_SHL] = "<<",
        [QL_OP_SHR] = ">>",
        [QL_OP_BITNOT] = "~",
    };
    return op < QL_ARRAY_LEN(names) && names[op] ? names[op] : "op?";
}

static inline const char *
kind_name(ql_kind k)
{
    static const char *const names[] = {"null", "int",  "double", "decimal",
                                        "str",  "date", "time",   "datetime"};
    return names[k];
}

static inline void
put(world *w, const char *fmt, ...)
{
    va_list ap;
    size_t n = strlen(w->text);
    va_start(ap, fmt);
    vsnprintf(w->text + n, sizeof w->text - n, fmt, ap);
    va_end(ap);
}

static inline void print_query(world *w, const ql_query *q);

static inline void
print_value(world *w, const ql_value *v)
{
    char buf[QL_DECIMAL_TEXT_MAX];
    ql_dt t;
    switch (v->kind) {
    case QL_K_NULL:
        put(w, "NULL");
        break;
    case QL_K_INT:
        v->is_unsigned ? put(w, "%lluu", (unsigned long long)v->u)
                       : put(w, "%lld", (long long)v->i);
        break;
    case QL_K_DOUBLE:
        put(w, "%gd", v->d);
        break;
    case QL_K_DECIMAL:
        ql_decimal_print(&v->dec, buf);
        put(w, "%s", buf);
        break;
    case QL_K_STRING:
        put(w, "'%.*s'", (int)v->s.n, v->s.p);
        break;
    case QL_K_DATE:
        ql_dt_unpack(v->i, &t);
        ql_date_print(&t, buf);
        put(w, "%s", buf);
        break;
    case QL_K_DATETIME:
        ql_dt_unpack(v->i, &t);
        ql_dt_print(&t, 0, buf);
        put(w, "%s", buf);
        break;
    default:
        put(w, "time:%lld", (long long)v->i);
        break;
    }
}

static inline void
print_args(world *w, const ql_expr *e, const char *head)
{
    void print_expr(world * w, const ql_expr *e);
    put(w, "(%s", head);
    for (uint32_t i = 0; i < e->nargs; i++) {
        put(w, " ");
        print_expr(w, e->args[i]);
    }
    if (e->query) {
        put(w, " ");
        print_query(w, e->query);
    }
    put(w, ")");
}

void print_expr(world *w, const ql_expr *e);
void
print_expr(world *w, const ql_expr *e)
{
    switch (e->kind) {
    case QL_E_CONST:
        print_value(w, &e->value);
        break;
    case QL_E_SLOT:
        e->name.n ? put(w, "$%u:%.*s", e->index, (int)e->name.n, e->name.p)
                  : put(w, "$%u", e->index);
        break;
    case QL_E_OUTER:
        put(w, "^%u$%u", e->depth, e->index);
        break;
    case QL_E_PARAM:
        put(w, "?%u", e->index);
        break;
    case QL_E_OP:
        print_args(w, e, op_name(e->op));
        break;
    case QL_E_FUNC:
        print_args(w, e, ql_func_name(e->fn));
        break;
    case QL_E_CASE:
        print_args(w, e, "case");
        break;
    case QL_E_CAST:
        print_args(w, e, kind_name(e->type.kind));
        break;
    case QL_E_USERVAR:
        put(w, "@%.*s", (int)e->name.n, e->name.p);
        break;
    case QL_E_SUBQUERY:
        print_args(w, e, "query");
        break;
    case QL_E_EXISTS:
        print_args(w, e, "exists");
        break;
    case QL_E_IN_QUERY:
        print_args(w, e, op_name(e->op));
        break;
    case QL_E_ROW:
        print_args(w, e, "row");
        break;
    case QL_E_DEFAULT:
        put(w, "default:%u", e->index);
        break;
    case QL_E_INSERT_VALUE:
        put(w, "values:%u", e->index);
        break;
    default:
        print_args(w, e, e->kind == QL_E_ASSIGN ? ":=" : "sysvar");
        break;
    }
}

static inline void
print_join(world *w, const ql_query *q, const ql_join_tree *j)
{
    if (j->is_leaf) {
        const ql_source *s = &q->sources[j->source];
        if (s->derived) {
            put(w, "(");
            print_query(w, s->derived);
            put(w, ")");
        }
        put(w, "%.*s", (int)s->alias.n, s->alias.p);
        return;
    }
    put(w, "(");
    print_join(w, q, j->left);
    put(w, j->outer ? " left " : " join ");
    print_join(w, q, j->right);
    if (j->on) {
        put(w, " on ");
        print_expr(w, j->on);
    }
    put(w, ")");
}

static inline void
print_query(world *w, const ql_query *q)
{
    static const char *const aggs[] = {"count(*)", "count",  "sum",   "avg",    "min",
                                       "max",      "concat", "std",   "stds",   "var",
                                       "vars",     "bitand", "bitor", "bitxor", "any"};
    if (q->set_op != QL_SET_NONE) {
        put(w, "[");
        print_query(w, q->left);
        put(w, q->set_op == QL_SET_UNION ? " union " : " unionall ");
        print_query(w, q->right);
        put(w, "]");
    } else {
        put(w, "select%s", q->distinct ? " distinct" : "");
        for (uint16_t i = 0; i < q->nitems; i++) {
            put(w, " ");
            print_expr(w, q->items[i].expr);
        }
    }
    if (q->from) {
        put(w, " from ");
        print_join(w, q, q->from);
    }
    if (q->where) {
        put(w, " where ");
        print_expr(w, q->where);
    }
    for (uint16_t i = 0; i < q->ngroup; i++) {
        put(w, " group $%u=", q->group_slots[i]);
        print_expr(w, q->group_by[i]);
    }
    for (uint16_t i = 0; i < q->naggs; i++) {
        put(w, " agg $%u=%s%s", q->aggs[i].slot, aggs[q->aggs[i].fn],
            q->aggs[i].distinct ? "!" : "");
        for (uint32_t k = 0; k < q->aggs[i].nargs; k++) {
            put(w, " ");
            print_expr(w, q->aggs[i].args[k]);
        }
    }
    if (q->having) {
        put(w, " having ");
        print_expr(w, q->having);
    }
    for (uint16_t i = 0; i < q->norder; i++) {
        put(w, " order ");
        print_expr(w, q->order_by[i].expr);
        put(w, q->order_by[i].descending ? " desc" : "");
    }
    if (q->limit) {
        put(w, " limit ");
        print_expr(w, q->limit);
    }
    if (q->offset) {
        put(w, " offset ");
        print_expr(w, q->offset);
    }
}

static inline const char *
query_text(world *w, const char *sql)
{
    const ql_rstmt *s = resolve(w, sql);
    w->text[0] = 0;
    print_query(w, s->query);
    return w->text;
}
#define QUERY(w, sql, text) assert_string_equal(query_text(w, sql), text)

static inline const char *
type_text(world *w, const ql_type *t)
{
    w->text[0] = 0;
    put(w, "%s", kind_name(t->kind));
    if (t->kind == QL_K_DECIMAL) {
        put(w, "(%u,%u)", t->length, t->decimals);
    } else if (t->kind == QL_K_INT && t->is_unsigned) {
        put(w, " unsigned");
    } else if (t->kind == QL_K_STRING) {
        put(w, "(%u) %s", t->length, t->coll ? t->coll->name : "?");
    } else if ((t->kind == QL_K_TIME || t->kind == QL_K_DATETIME) && t->decimals) {
        put(w, "(%u)", t->decimals);
    }
    return w->text;
}

/* Type of the first item of SELECT `expr` FROM t. */
static inline const char *
type_of(world *w, const char *expr)
{
    char sql[1024];
    snprintf(sql, sizeof sql, "SELECT %s FROM t", expr);
    return type_text(w, &resolve(w, sql)->query->items[0].expr->type);
}
#define TYPE(w, expr, text) assert_string_equal(type_of(w, expr), text)

#endif
