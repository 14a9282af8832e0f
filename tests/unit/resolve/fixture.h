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

#include "../lib/world.h"
#include "acl/acl.h"
#include "resolve/resolve.h"
#include "sql/parse.h"

static char printed[8192];    /* the last print */
static ql_account everything; /* with all privileges */

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
make_table(world *w, const char *name, ql_column *c, uint16_t ncols, ql_index *x, uint16_t nx)
{
    ql_table_spec s = {.db = str("d"), .name = str(name), .columns = c, .ncolumns = ncols};
    s.indexes = x;
    s.nindexes = nx;
    s.engine = str("InnoDB");
    OK(ql_catalog_create_table(&w->boot.cx, &s));
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
sql_setup(void **state)
{
    (void)world_setup(state);
    world *w = *state;
    everything.privs = ql_privs_all();
    ql_acl_set_session(&w->boot.cx, &everything);
    begin(&w->boot);
    OK(ql_catalog_create_database(&w->boot.cx, str("d"), ql_coll_default));
    make_tables(w);
    commit(&w->boot);
    OK(ql_catalog_use(&w->boot.cx, str("d")));
    return 0;
}

/* Forget the last statement. */
static inline void
fresh(world *w)
{
    ql_arena_reset(w->boot.cx.arena);
    ql_mdl_release_transaction(&w->boot.cx);
    ql_diag_reset(w->boot.cx.diag);
}

static inline ql_status
resolve_params(world *w, const char *sql, const ql_value *params, uint32_t n, ql_rstmt **out)
{
    ql_ast_stmt *ast;
    size_t used;
    ql_parse_mode mode = {.allow_params = true, .literal_coll = ql_coll_default};
    fresh(w);
    ql_status st = ql_parse(&w->boot.cx, w->boot.cx.arena, str(sql), &mode, &ast, &used);
    if (st != QL_OK) {
        return st;
    }
    return ql_resolve(&w->boot.cx, ast, params, n, out);
}

static inline ql_rstmt *
resolve(world *w, const char *sql)
{
    ql_rstmt *s = NULL;
    ql_status st = resolve_params(w, sql, NULL, 0, &s);
    if (st != QL_OK) {
        const ql_condition *c = ql_diag_error(w->boot.cx.diag);
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
    const ql_condition *c = ql_diag_error(w->boot.cx.diag);
    if (st == QL_OK) {
        return "ok";
    }
    snprintf(printed, sizeof printed, "%u %s", c ? c->number : 0, c ? c->text : "");
    return printed;
}
#define REFUSED(w, sql, text) assert_string_equal(error_of(w, sql), text)

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
put(const char *fmt, ...)
{
    va_list ap;
    size_t n = strlen(printed);
    va_start(ap, fmt);
    vsnprintf(printed + n, sizeof printed - n, fmt, ap);
    va_end(ap);
}

static inline void print_query(const ql_query *q);
void print_expr(const ql_expr *e);

static inline void
print_value(const ql_value *v)
{
    char buf[QL_DECIMAL_TEXT_MAX];
    ql_dt t;
    switch (v->kind) {
    case QL_K_NULL:
        put("NULL");
        break;
    case QL_K_INT:
        v->is_unsigned ? put("%lluu", (unsigned long long)v->u) : put("%lld", (long long)v->i);
        break;
    case QL_K_DOUBLE:
        put("%gd", v->d);
        break;
    case QL_K_DECIMAL:
        ql_decimal_print(&v->dec, buf);
        put("%s", buf);
        break;
    case QL_K_STRING:
        put("'%.*s'", (int)v->s.n, v->s.p);
        break;
    case QL_K_DATE:
        ql_dt_unpack(v->i, &t);
        ql_date_print(&t, buf);
        put("%s", buf);
        break;
    case QL_K_DATETIME:
        ql_dt_unpack(v->i, &t);
        ql_dt_print(&t, 0, buf);
        put("%s", buf);
        break;
    default:
        put("time:%lld", (long long)v->i);
        break;
    }
}

static inline void
print_args(const ql_expr *e, const char *head)
{
    put("(%s", head);
    for (uint32_t i = 0; i < e->nargs; i++) {
        put(" ");
        print_expr(e->args[i]);
    }
    if (e->query) {
        put(" ");
        print_query(e->query);
    }
    put(")");
}

void
print_expr(const ql_expr *e)
{
    switch (e->kind) {
    case QL_E_CONST:
        print_value(&e->value);
        break;
    case QL_E_SLOT:
        e->name.n ? put("$%u:%.*s", e->index, (int)e->name.n, e->name.p) : put("$%u", e->index);
        break;
    case QL_E_OUTER:
        put("^%u$%u", e->depth, e->index);
        break;
    case QL_E_PARAM:
        put("?%u", e->index);
        break;
    case QL_E_OP:
        print_args(e, op_name(e->op));
        break;
    case QL_E_FUNC:
        print_args(e, ql_func_name(e->fn));
        break;
    case QL_E_CASE:
        print_args(e, "case");
        break;
    case QL_E_CAST:
        print_args(e, kind_name(e->type.kind));
        break;
    case QL_E_USERVAR:
        put("@%.*s", (int)e->name.n, e->name.p);
        break;
    case QL_E_SUBQUERY:
        print_args(e, "query");
        break;
    case QL_E_EXISTS:
        print_args(e, "exists");
        break;
    case QL_E_IN_QUERY:
        print_args(e, op_name(e->op));
        break;
    case QL_E_ROW:
        print_args(e, "row");
        break;
    case QL_E_DEFAULT:
        put("default:%u", e->index);
        break;
    case QL_E_INSERT_VALUE:
        put("values:%u", e->index);
        break;
    default:
        print_args(e, e->kind == QL_E_ASSIGN ? ":=" : "sysvar");
        break;
    }
}

static inline void
print_join(const ql_query *q, const ql_join_tree *j)
{
    if (j->is_leaf) {
        const ql_source *s = &q->sources[j->source];
        if (s->derived) {
            put("(");
            print_query(s->derived);
            put(")");
        }
        put("%.*s", (int)s->alias.n, s->alias.p);
        return;
    }
    put("(");
    print_join(q, j->left);
    static const char *const kinds[] = {" join ", " left ", " semi ", " anti "};
    put("%s", kinds[j->kind]);
    print_join(q, j->right);
    if (j->on) {
        put(" on ");
        print_expr(j->on);
    }
    put(")");
}

static inline void
print_query(const ql_query *q)
{
    static const char *const aggs[] = {"count(*)", "count",  "sum",    "avg",     "min",  "max",
                                       "concat",   "std",    "stds",   "var",     "vars", "bitand",
                                       "bitor",    "bitxor", "jarray", "jobject", "any"};
    if (q->set_op != QL_SET_NONE) {
        put("[");
        print_query(q->left);
        put(q->set_op == QL_SET_UNION ? " union " : " unionall ");
        print_query(q->right);
        put("]");
    } else {
        put("select%s", q->distinct ? " distinct" : "");
        for (uint16_t i = 0; i < q->nitems; i++) {
            put(" ");
            print_expr(q->items[i].expr);
        }
    }
    if (q->from) {
        put(" from ");
        print_join(q, q->from);
    }
    if (q->where) {
        put(" where ");
        print_expr(q->where);
    }
    for (uint16_t i = 0; i < q->ngroup; i++) {
        put(" group $%u=", q->group_slots[i]);
        print_expr(q->group_by[i]);
    }
    for (uint16_t i = 0; i < q->naggs; i++) {
        put(" agg $%u=%s%s", q->aggs[i].slot, aggs[q->aggs[i].fn], q->aggs[i].distinct ? "!" : "");
        for (uint32_t k = 0; k < q->aggs[i].nargs; k++) {
            put(" ");
            print_expr(q->aggs[i].args[k]);
        }
    }
    if (q->having) {
        put(" having ");
        print_expr(q->having);
    }
    for (uint16_t i = 0; i < q->norder; i++) {
        put(" order ");
        print_expr(q->order_by[i].expr);
        put(q->order_by[i].descending ? " desc" : "");
    }
    if (q->limit) {
        put(" limit ");
        print_expr(q->limit);
    }
    if (q->offset) {
        put(" offset ");
        print_expr(q->offset);
    }
}

static inline const char *
query_text(world *w, const char *sql)
{
    const ql_rstmt *s = resolve(w, sql);
    printed[0] = 0;
    print_query(s->query);
    return printed;
}
#define QUERY(w, sql, text) assert_string_equal(query_text(w, sql), text)

static inline const char *
type_text(const ql_type *t)
{
    printed[0] = 0;
    put("%s", kind_name(t->kind));
    if (t->kind == QL_K_DECIMAL) {
        put("(%u,%u)", t->length, t->decimals);
    } else if (t->kind == QL_K_INT && t->is_unsigned) {
        put(" unsigned");
    } else if (t->kind == QL_K_STRING) {
        put("(%u) %s", t->length, t->coll ? t->coll->name : "?");
    } else if ((t->kind == QL_K_TIME || t->kind == QL_K_DATETIME) && t->decimals) {
        put("(%u)", t->decimals);
    }
    return printed;
}

/* Type of the first item of SELECT `expr` FROM t. */
static inline const char *
type_of(world *w, const char *expr)
{
    char sql[1024];
    snprintf(sql, sizeof sql, "SELECT %s FROM t", expr);
    return type_text(&resolve(w, sql)->query->items[0].expr->type);
}
#define TYPE(w, expr, text) assert_string_equal(type_of(w, expr), text)

#endif
