/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding of expressions: dispatch over the AST kinds, literals, parameters, variables, CASE, CAST,
 * COLLATE. Operators are in expr_op.c, functions in expr_func.c, subqueries in subquery.c, columns
 * in scope.c.
 */
#include "base/thread.h"
#include "resolve/resolve_int.h"
#include "types/kinds.h"
#include "json/json.h"

#define MIN_STACK 65536

static ql_status
bind_param(qli_res *r, const ql_ast_expr *e, ql_expr **out)
{
    if (!r->preparing && e->index < r->nparams) {
        *out = qli_const(r, &r->params[e->index]);
        return *out ? QL_OK : QL_ERROR;
    }
    if (!r->preparing) {
        return ql_fail(r->cx, QL_ER_WRONG_ARGUMENTS, "EXECUTE");
    }
    ql_expr *p = qli_node(r, QL_E_PARAM);
    if (!p) {
        return QL_ERROR;
    }
    p->index = e->index;
    p->type = ql_type_varchar(255, qli_conn_coll(r));
    p->coercibility = 4;
    p->is_constant = true;
    *out = p;
    return QL_OK;
}

static ql_status
bind_uservar(qli_res *r, const ql_ast_expr *e, ql_expr **out)
{
    ql_value v;
    ql_uservar_get(r->cx, e->name, &v);
    ql_expr *n = qli_node(r, QL_E_USERVAR);
    if (!n) {
        return QL_ERROR;
    }
    n->name = e->name;
    n->type = qli_type_of_value(r, &v);
    if (v.kind == QL_K_INT) {
        n->type = ql_type_int(v.is_unsigned);
    } else if (v.kind == QL_K_DECIMAL) {
        n->type = ql_type_decimal(QL_DECIMAL_MAX_DIGITS, v.dec.scale);
    } else if (v.kind == QL_K_NULL || v.kind == QL_K_STRING) {
        n->type =
            ql_type_varchar(16383, v.kind == QL_K_STRING && v.coll ? v.coll : qli_conn_coll(r));
        n->type.field = QL_F_LONG_BLOB;
    }
    n->type.nullable = true;
    n->coercibility = 2;
    n->is_constant = !r->has_assign;
    *out = n;
    return QL_OK;
}

static ql_status
bind_assign(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr *n = qli_node(r, QL_E_ASSIGN);
    ql_expr **args;
    if (!n) {
        return QL_ERROR;
    }
    QL_TRY(qli_bind_list(r, sc, &e->args, &args));
    QL_TRY(args[0]->type.kind == QL_K_JSON ? qli_cast_kind(r, sc, &args[0], QL_K_STRING) : QL_OK);
    n->name = e->name;
    QL_TRY(qli_list_to_text(r, sc, &args[0]));
    n->args = args;
    n->nargs = 1;
    n->type = args[0]->type;
    n->type.zerofill = n->type.bits = 0;
    if (n->type.bits != 0 || n->type.field == QL_F_BIT || n->type.field == QL_F_YEAR) {
        n->type = ql_type_int(n->type.is_unsigned);
    }
    if (n->type.kind == QL_K_NULL) {
        n->type = ql_type_varchar(0, qli_conn_coll(r));
    }
    n->coercibility = 2;
    *out = n;
    return QL_OK;
}

static ql_status
bind_sysvar(qli_res *r, const ql_ast_expr *e, ql_expr **out)
{
    int id = ql_sysvar_find(e->name);
    if (id < 0) {
        return ql_fail(r->cx, QL_ER_UNKNOWN_SYSTEM_VARIABLE,
                       ql_arena_printf(r->cx, r->a, "%.*s", (int)e->name.n, e->name.p) ?: "");
    }
    ql_sysvar_id sv = (ql_sysvar_id)id;
    bool global = e->scope == QL_SCOPE_GLOBAL || e->scope == QL_SCOPE_PERSIST ||
                  e->scope == QL_SCOPE_PERSIST_ONLY ||
                  (e->scope == QL_SCOPE_DEFAULT && !ql_sysvar_is_session(sv));
    if (e->scope == QL_SCOPE_SESSION && !ql_sysvar_is_session(sv)) {
        return ql_fail(r->cx, QL_ER_INCORRECT_GLOBAL_LOCAL_VAR, ql_sysvar_name(sv), "GLOBAL");
    }
    if (global && !ql_sysvar_is_global(sv)) {
        return ql_fail(r->cx, QL_ER_INCORRECT_GLOBAL_LOCAL_VAR, ql_sysvar_name(sv), "SESSION");
    }
    ql_value v;
    QL_TRY(ql_sysvar_get(r->cx, sv, global, &v));
    ql_expr *n = qli_node(r, QL_E_SYSVAR);
    if (!n) {
        return QL_ERROR;
    }
    n->index = (uint32_t)sv;
    n->global = global;
    n->type = qli_type_of_value(r, &v);
    if (v.kind == QL_K_INT) {
        n->type.length = ql_sysvar_type(sv).length;
    } else if (v.kind == QL_K_NULL) {
        n->type = ql_type_varchar(0, qli_conn_coll(r));
    }
    n->type.nullable = true;
    n->coercibility = 3;
    n->is_constant = true;
    *out = n;
    return QL_OK;
}

/* Of a text or bytes in another character set, in its characters. */
static uint32_t
converted_length(const ql_type *from, const ql_collation *to, uint32_t length)
{
    const ql_charset *cs = from->coll != NULL ? from->coll->charset : to->charset;
    if (from->coll == ql_coll_binary) {
        return length / to->charset->min_bytes;
    }
    uint64_t n = (uint64_t)length * (to == ql_coll_binary ? cs->max_bytes : 1);
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* Type of a CAST as written. */
ql_status
qli_cast_target(qli_res *r, const ql_ast_type *t, const ql_expr *arg, ql_type *out)
{
    unsigned dec = t->has_decimals ? t->decimals : t->has_length ? t->length : 0;
    switch (t->field) {
    case QL_F_TINY:
    case QL_F_SHORT:
    case QL_F_INT24:
    case QL_F_LONG:
    case QL_F_LONGLONG:
        *out = ql_type_int(t->is_unsigned);
        return QL_OK;
    case QL_F_YEAR:
        *out = ql_type_year();
        out->zerofill = 0; /* of columns only */
        return QL_OK;
    case QL_F_FLOAT:
    case QL_F_DOUBLE:
        *out = ql_type_double();
        if (t->field == QL_F_FLOAT && !(t->has_length && t->length > 24)) {
            out->field = QL_F_FLOAT;
            out->length = 12;
        }
        return QL_OK;
    case QL_F_NEWDECIMAL:
    case QL_F_DECIMAL_OLD: {
        unsigned p = t->has_length && t->length ? t->length : 10,
                 s = t->has_decimals ? t->decimals : 0;
        if (p > QL_DECIMAL_MAX_DIGITS) {
            return ql_fail(r->cx, QL_ER_TOO_BIG_PRECISION, (int)p, "CAST", 65ul);
        }
        if (s > QL_DECIMAL_MAX_SCALE) {
            return ql_fail(r->cx, QL_ER_TOO_BIG_SCALE, (int)s, "CAST", 30ul);
        }
        if (s > p) {
            return ql_fail(r->cx, QL_ER_M_BIGGER_THAN_D, "");
        }
        *out = ql_type_decimal(p, s);
        return QL_OK;
    }
    case QL_F_DATE:
    case QL_F_NEWDATE:
        *out = ql_type_date();
        return QL_OK;
    case QL_F_TIME:
    case QL_F_DATETIME:
    case QL_F_TIMESTAMP:
        if (dec > 6) {
            return ql_fail(r->cx, QL_ER_TOO_BIG_PRECISION, (int)dec, "CAST", 6ul);
        }
        *out = t->field == QL_F_TIME ? ql_type_time(dec) : ql_type_datetime(dec);
        return QL_OK;
    case QL_F_JSON:
        *out = ql_type_json();
        out->length = QL_JSON_OF_TEXT;
        return QL_OK;
    default: {
        const ql_collation *c = t->is_binary ? ql_coll_binary : qli_conn_coll(r);
        if (t->charset.n) {
            const ql_charset *cs = ql_charset_by_name(t->charset);
            if (!cs) {
                return ql_fail(r->cx, QL_ER_UNKNOWN_CHARACTER_SET,
                               ql_arena_printf(r->cx, r->a, "%.*s", (int)t->charset.n, t->charset.p)
                                   ?: "");
            }
            c = ql_charset_default(cs);
        }
        uint32_t len = t->has_length ? t->length : UINT32_MAX;
        *out = ql_type_varchar(len, c);
        if (!t->has_length) {
            len = arg->type.kind == QL_K_STRING ? arg->type.length
                                                : ql_kinds[arg->type.kind]->text_length(&arg->type);
            out->length = converted_length(&arg->type, c, len);
        }
        /* A fixed length cuts; the field says so to the cast. */
        out->field = t->has_length ? QL_F_STRING : QL_F_VAR_STRING;
        return QL_OK;
    }
    }
}

static ql_status
explicit_cast(qli_res *r, ql_expr *arg, const ql_type *t, ql_expr **out)
{
    ql_expr *c = qli_node(r, QL_E_CAST);
    ql_expr **args = c ? QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, 1) : NULL;
    if (!args) {
        return QL_ERROR;
    }
    args[0] = arg;
    c->args = args;
    c->nargs = 1;
    c->type = *t;
    c->type.nullable = true;
    c->is_constant = arg->is_constant;
    c->coercibility = t->kind == QL_K_STRING ? 2 : 5;
    *out = c;
    return qli_fold(r, out);
}

static ql_status
bind_cast(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr *arg;
    ql_type t;
    QL_TRY(qli_bind(r, sc, e->args.v[0], &arg));
    QL_TRY(qli_cast_target(r, e->cast_type, arg, &t));
    if (arg->is_hex && (t.kind == QL_K_INT || t.kind == QL_K_DOUBLE || t.kind == QL_K_DECIMAL)) {
        QL_TRY(qli_hex_as_number(r, &arg));
    }
    if (t.kind == QL_K_JSON && qli_is_truth(arg) && arg->type.kind == QL_K_INT) {
        t.length = QL_JSON_OF_BOOL;
    }
    return explicit_cast(r, arg, &t, out);
}

static ql_status
bind_convert(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr *arg;
    QL_TRY(qli_bind(r, sc, e->args.v[0], &arg));
    const ql_charset *cs = ql_charset_by_name(e->name);
    if (!cs) {
        return ql_fail(r->cx, QL_ER_UNKNOWN_CHARACTER_SET,
                       ql_arena_printf(r->cx, r->a, "%.*s", (int)e->name.n, e->name.p) ?: "");
    }
    QL_TRY(qli_cast_kind(r, sc, &arg, QL_K_STRING));
    ql_type t = ql_type_varchar(0, ql_charset_default(cs));
    t.length = converted_length(&arg->type, t.coll, arg->type.length);
    return explicit_cast(r, arg, &t, out);
}

/* Texts of MySQL's views are of utf8mb3, ours of utf8mb4: statements that know that go on working.
 */
static bool
may_collate(const ql_charset *from, const ql_charset *to)
{
    return from == to || (ql_charset_is_plain(from) && ql_charset_is_plain(to) &&
                          from->max_bytes >= 3 && to->max_bytes >= 3);
}

static ql_status
bind_collate(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr *arg;
    QL_TRY(qli_bind(r, sc, e->args.v[0], &arg));
    const ql_collation *c = ql_collation_by_name(e->name);
    if (!c) {
        return ql_fail(r->cx, QL_ER_UNKNOWN_COLLATION,
                       ql_arena_printf(r->cx, r->a, "%.*s", (int)e->name.n, e->name.p) ?: "");
    }
    QL_TRY(qli_cast_kind(r, sc, &arg, QL_K_STRING));
    if (arg->type.kind == QL_K_STRING && arg->type.coll &&
        !may_collate(arg->type.coll->charset, c->charset)) {
        return ql_fail(r->cx, QL_ER_COLLATION_CHARSET_MISMATCH, c->name,
                       arg->type.coll->charset->name);
    }
    ql_expr *n = qli_node(r, arg->kind);
    if (!n) {
        return QL_ERROR;
    }
    *n = *arg;
    if (n->type.kind == QL_K_NULL) {
        n->type = ql_type_varchar(0, c);
    }
    n->type.coll = c;
    if (n->kind == QL_E_CONST && n->value.kind == QL_K_STRING) {
        n->value.coll = c;
    }
    n->coercibility = 0;
    *out = n;
    return QL_OK;
}

ql_status
qli_case_node(qli_res *r, qli_scope *sc, ql_expr **args, uint32_t n, ql_expr **out)
{
    uint32_t nvals = 0;
    ql_expr **vals = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, n / 2 + 1);
    if (!vals) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i + 1 < n; i += 2) {
        QL_TRY(qli_to_bool(r, sc, &args[i]));
        vals[nvals++] = args[i + 1];
        QL_TRY(ql_bulk_node(r->cx));
    }
    if (n % 2) {
        vals[nvals++] = args[n - 1];
    }
    ql_expr *e = qli_node(r, QL_E_CASE);
    if (!e) {
        return QL_ERROR;
    }
    QL_TRY(qli_common_type(r, vals, nvals, "case", &e->type));
    uint8_t co = 5;
    if (e->type.kind == QL_K_STRING) {
        const ql_collation *c;
        QL_TRY(qli_coll_aggregate(r, vals, nvals, "case", &c, &co));
        QL_TRY(qli_coll_apply(r, sc, vals, nvals, "case", e->type.coll));
    } else if (e->type.kind == QL_K_NULL) {
        co = 6;
    }
    for (uint32_t i = 0; i + 1 < n; i += 2) {
        QL_TRY(ql_bulk_node(r->cx));
        args[i + 1] = vals[i / 2];
        QL_TRY(qli_cast(r, sc, &args[i + 1], &e->type));
    }
    if (n % 2) {
        args[n - 1] = vals[nvals - 1];
        QL_TRY(qli_cast(r, sc, &args[n - 1], &e->type));
    } else {
        e->type.nullable = true;
    }
    e->coercibility = co;
    e->args = args;
    e->nargs = n;
    QL_TRY(qli_args_constant(r, args, n, &e->is_constant));
    qli_number_node(r, sc, e);
    *out = e;
    return QL_OK;
}

static ql_status
bind_case(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr **bound;
    QL_TRY(qli_bind_list(r, sc, &e->args, &bound));
    if (!e->has_operand) {
        return qli_case_node(r, sc, bound, e->args.n, out);
    }
    if (bound[0]->type.field == QL_F_YEAR) { /* two digits are no year there */
        QL_TRY(qli_plain_int(r, &bound[0]));
    }
    for (uint32_t i = 1; i + 1 < e->args.n; i += 2) {
        QL_TRY(qli_compare_bind(r, sc, QL_OP_EQ, bound[0], bound[i], &bound[i]));
    }
    return qli_case_node(r, sc, bound + 1, e->args.n - 1, out);
}

static ql_status
bind_row(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr *n = qli_node(r, QL_E_ROW);
    if (!n) {
        return QL_ERROR;
    }
    QL_TRY(qli_bind_list(r, sc, &e->args, &n->args));
    n->nargs = e->args.n;
    n->type = n->args[0]->type;
    QL_TRY(qli_args_constant(r, n->args, n->nargs, &n->is_constant));
    *out = n;
    return QL_OK;
}

static ql_status
bind_default(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    if (!e->args.n || e->args.v[0]->kind != QL_A_COLUMN || !sc) {
        return ql_fail(r->cx, QL_ER_NOT_SUPPORTED_YET, "DEFAULT in expressions");
    }
    qli_name name;
    ql_status st = qli_column_find(r, sc, e->args.v[0], &name);
    if (st == QL_END) {
        return ql_fail(r->cx, QL_ER_BAD_FIELD_ERROR, qli_full_name(r, e->args.v[0]),
                       qli_clause_name(sc->clause));
    }
    QL_TRY(st);
    bool found;
    QL_TRY(qli_joined_base(r, sc, &name, &found));
    const ql_source *s = found ? &sc->q->sources[name.source] : NULL;
    int at = found ? qli_base_ordinal(sc, name) : -1;
    const ql_column *c = at < 0               ? NULL
                         : s->derived != NULL ? qli_column_behind(s->derived, (uint16_t)at)
                                              : &s->table->columns[at];
    if (!c) {
        return ql_fail(
            r->cx, QL_ER_NO_DEFAULT_FOR_FIELD,
            ql_arena_printf(r->cx, r->a, "%.*s", (int)e->args.v[0]->name.n, e->args.v[0]->name.p)
                ?: "");
    }
    if (c->default_kind == QL_DEF_EXPR || c->generated.n) {
        return ql_fail(r->cx, QL_ER_DEFAULT_AS_VAL_GENERATED);
    }
    if (c->default_kind == QL_DEF_VALUE || c->default_kind == QL_DEF_NULL ||
        (c->default_kind == QL_DEF_NONE && c->type.nullable)) {
        ql_value v = c->default_kind == QL_DEF_VALUE ? c->default_value : ql_value_null();
        *out = qli_const(r, &v);
        return *out ? QL_OK : QL_ERROR;
    }
    if (c->default_kind == QL_DEF_NOW) {
        return ql_call(r, sc, QL_FN_NOW, NULL, 0, QL_U_SECOND, 0, out);
    }
    return ql_fail(r->cx, QL_ER_NO_DEFAULT_FOR_FIELD,
                   ql_arena_printf(r->cx, r->a, "%.*s", (int)c->name.n, c->name.p) ?: "");
}

static ql_status
bind_insert_value(qli_res *r, const ql_ast_expr *e, ql_expr **out)
{
    const ql_ast_expr *c = e->args.n ? e->args.v[0] : NULL;
    if (!r->insert_target) { /* outside INSERT the value is NULL */
        ql_value v = ql_value_null();
        *out = qli_const(r, &v);
        return *out ? QL_OK : QL_ERROR;
    }
    ql_str name = c ? c->name : e->name;
    const qli_merged *m = r->insert_view;
    int ord = ql_table_column(m ? m->view : r->insert_target, name);
    ord = m && ord >= 0 ? m->ordinals[ord] : ord;
    if (ord < 0) {
        return ql_fail(r->cx, QL_ER_BAD_FIELD_ERROR,
                       ql_arena_printf(r->cx, r->a, "%.*s", (int)name.n, name.p) ?: "",
                       "field list");
    }
    ql_expr *n = qli_node(r, QL_E_INSERT_VALUE);
    if (!n) {
        return QL_ERROR;
    }
    n->index = (uint32_t)ord;
    n->type = r->insert_target->columns[ord].type;
    n->type.nullable = true;
    n->coercibility = 2;
    *out = n;
    return QL_OK;
}

static ql_status
bind_extract(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr **args;
    QL_TRY(qli_bind_list(r, sc, &e->args, &args));
    return ql_call(r, sc, QL_FN_EXTRACT, args, 1, e->unit, 0, out);
}

static ql_status
bind_trim(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr **args;
    QL_TRY(qli_bind_list(r, sc, &e->args, &args));
    return ql_call(r, sc, QL_FN_TRIM, args, e->args.n, QL_U_DAY, e->index, out);
}

ql_status
qli_bind_list(qli_res *r, qli_scope *sc, const ql_ast_exprs *l, ql_expr ***out)
{
    ql_expr **v = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, l->n + 1);
    if (!v) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < l->n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        QL_TRY(qli_bind(r, sc, l->v[i], &v[i]));
    }
    *out = v;
    return QL_OK;
}

/* A condition: one column, as a truth value. */
ql_status
qli_bind_cond(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    if (sc != NULL) {
        sc->at_cond = sc->clause == QLI_CL_WHERE || sc->clause == QLI_CL_ON;
    }
    QL_TRY(qli_bind(r, sc, e, out));
    QL_TRY(qli_require_scalar(r, *out));
    return qli_to_bool(r, sc, out);
}

ql_status
qli_bind(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    if (ql_thread_stack_left() < MIN_STACK) {
        return ql_fail(r->cx, QL_ER_STACK_OVERRUN_NEED_MORE, (long)MIN_STACK);
    }
    if (sc != NULL) {
        sc->at_cond = sc->at_cond && (e->kind == QL_A_OP || e->kind == QL_A_FUNC);
    }
    if (r->freezing) {
        QL_TRY(qli_freeze_refuse(r, e));
    }
    switch (e->kind) {
    case QL_A_LITERAL:
        *out = qli_const(r, &e->value);
        if (!*out) {
            return QL_ERROR;
        }
        (*out)->is_hex = e->is_hex;
        (*out)->is_truth = e->is_bool;
        return QL_OK;
    case QL_A_PARAM:
        return bind_param(r, e, out);
    case QL_A_COLUMN:
        return qli_column_bind(r, sc, e, out);
    case QL_A_STAR:
        return ql_fail(r->cx, QL_ER_PARSE_ERROR, "*", 1);
    case QL_A_OP:
        return qli_bind_op(r, sc, e, out);
    case QL_A_FUNC:
    case QL_A_GROUP_CONCAT:
        return qli_bind_func(r, sc, e, out);
    case QL_A_CASE:
        return bind_case(r, sc, e, out);
    case QL_A_CAST:
        return bind_cast(r, sc, e, out);
    case QL_A_CONVERT:
        return bind_convert(r, sc, e, out);
    case QL_A_COLLATE:
        return bind_collate(r, sc, e, out);
    case QL_A_INTERVAL:
        return ql_fail(r->cx, QL_ER_PARSE_ERROR, "INTERVAL", 1);
    case QL_A_USERVAR:
        return bind_uservar(r, e, out);
    case QL_A_ASSIGN:
        return bind_assign(r, sc, e, out);
    case QL_A_SYSVAR:
        return bind_sysvar(r, e, out);
    case QL_A_SUBQUERY:
    case QL_A_EXISTS:
        return qli_bind_subquery(r, sc, e, out);
    case QL_A_ROW:
        return bind_row(r, sc, e, out);
    case QL_A_DEFAULT:
        return bind_default(r, sc, e, out);
    case QL_A_VALUES:
        return bind_insert_value(r, e, out);
    case QL_A_EXTRACT:
        return bind_extract(r, sc, e, out);
    case QL_A_TRIM:
        return bind_trim(r, sc, e, out);
    }
    return ql_fail(r->cx, QL_ER_NOT_SUPPORTED_YET, "this expression");
}
