/* SPDX-License-Identifier: Apache-2.0
 *
 * What may stand in the expressions of a definition, and binding them (tableexpr.h). The rules are
 * those of the manual ("Data Type Default Values", "CREATE TABLE and Generated Columns", "CHECK
 * Constraints", "CREATE INDEX Statement").
 */
#include "resolve/tableexpr.h"

#include "resolve/resolve_int.h"
#include "sql/print.h"

/* --- errors ---------------------------------------------------------------------------------- */

typedef enum fault { BAD_FUNCTION, BAD_NAMED_FUNCTION, BAD_VARIABLE, BAD_ROW, BAD_AUTO } fault;

static const ql_errcode errors[][5] = {
    [QL_ROLE_DEFAULT] = {QL_ER_DEFAULT_VAL_GENERATED_FUNCTION_IS_NOT_ALLOWED,
                         QL_ER_DEFAULT_VAL_GENERATED_NAMED_FUNCTION_IS_NOT_ALLOWED,
                         QL_ER_DEFAULT_VAL_GENERATED_VARIABLES,
                         QL_ER_DEFAULT_VAL_GENERATED_ROW_VALUE,
                         QL_ER_DEFAULT_VAL_GENERATED_REF_AUTO_INC},
    [QL_ROLE_GENERATED] = {QL_ER_GENERATED_COLUMN_FUNCTION_IS_NOT_ALLOWED,
                           QL_ER_GENERATED_COLUMN_NAMED_FUNCTION_IS_NOT_ALLOWED,
                           QL_ER_GENERATED_COLUMN_VARIABLES, QL_ER_GENERATED_COLUMN_ROW_VALUE,
                           QL_ER_GENERATED_COLUMN_REF_AUTO_INC},
    [QL_ROLE_CHECK] = {QL_ER_CHECK_CONSTRAINT_FUNCTION_IS_NOT_ALLOWED,
                       QL_ER_CHECK_CONSTRAINT_NAMED_FUNCTION_IS_NOT_ALLOWED,
                       QL_ER_CHECK_CONSTRAINT_VARIABLES, QL_ER_CHECK_CONSTRAINT_ROW_VALUE,
                       QL_ER_CHECK_CONSTRAINT_REFERS_AUTO_INCREMENT_COLUMN},
    [QL_ROLE_KEY_PART] = {QL_ER_FUNCTIONAL_INDEX_FUNCTION_IS_NOT_ALLOWED,
                          QL_ER_FUNCTIONAL_INDEX_FUNCTION_IS_NOT_ALLOWED,
                          QL_ER_FUNCTIONAL_INDEX_FUNCTION_IS_NOT_ALLOWED,
                          QL_ER_FUNCTIONAL_INDEX_FUNCTION_IS_NOT_ALLOWED,
                          QL_ER_FUNCTIONAL_INDEX_REF_AUTO_INCREMENT},
};

/* What column names are looked for in, as error 1054 says it. */
static const char *const clauses[] = {
    [QL_ROLE_DEFAULT] = "default value expression",
    [QL_ROLE_GENERATED] = "generated column function",
    [QL_ROLE_CHECK] = "check constraint",
    [QL_ROLE_KEY_PART] = "functional index",
};

static ql_status
refuse(ql_ctx *cx, const ql_expr_owner *o, fault f)
{
    return ql_fail(cx, errors[o->role][f], ql_cstr(cx, o->name));
}

static ql_status
refuse_function(ql_ctx *cx, const ql_expr_owner *o, ql_str name)
{
    char *lower = ql_arena_strndup(cx, cx->arena, name.p, name.n);
    for (size_t i = 0; lower && i < name.n; i++) {
        lower[i] = lower[i] >= 'A' && lower[i] <= 'Z' ? (char)(lower[i] + 32) : lower[i];
    }
    if (o->role == QL_ROLE_KEY_PART) {
        return refuse(cx, o, BAD_FUNCTION);
    }
    return ql_fail(cx, errors[o->role][BAD_NAMED_FUNCTION], ql_cstr(cx, o->name),
                   lower ? lower : "");
}

static ql_status
unknown_column(ql_ctx *cx, const ql_expr_owner *o, const char *name)
{
    return o->role == QL_ROLE_CHECK ? ql_fail(cx, QL_ER_CHECK_CONSTRAINT_REFERS_UNKNOWN_COLUMN,
                                              ql_cstr(cx, o->name), name)
                                    : ql_fail(cx, QL_ER_BAD_FIELD_ERROR, name, clauses[o->role]);
}

/* --- walking --------------------------------------------------------------------------------- */

/* One pass over an expression as written. */
typedef struct walk {
    ql_ctx *cx;
    const ql_table_spec *spec;
    const ql_expr_owner *owner;
    uint16_t ordinal; /* of the owner, when it is a column */
    ql_str looked_for;
    bool found;
    ql_status (*visit)(struct walk *w, const ql_ast_expr *e);
} walk;

static ql_status
walk_expr(walk *w, const ql_ast_expr *e)
{
    QL_TRY(ql_bulk_node(w->cx));
    QL_TRY(w->visit(w, e));
    for (uint32_t i = 0; i < e->args.n; i++) {
        QL_TRY(walk_expr(w, e->args.v[i]));
    }
    for (uint32_t i = 0; i < e->order_by.n; i++) {
        QL_TRY(walk_expr(w, e->order_by.v[i].expr));
    }
    return QL_OK;
}

/* --- what is written ------------------------------------------------------------------------- */

/* Functions whose result is not made of their arguments, or that do something. */
static bool
is_allowed(const ql_expr_owner *o, const ql_ast_expr *e, const qli_func *f)
{
    switch (f->id) {
    case QL_FN_SLEEP:
    case QL_FN_BENCHMARK:
    case QL_FN_GET_LOCK:
    case QL_FN_RELEASE_LOCK:
    case QL_FN_RELEASE_ALL_LOCKS:
    case QL_FN_IS_FREE_LOCK:
    case QL_FN_IS_USED_LOCK:
    case QL_FN_LAST_INSERT_ID:
    case QL_FN_ROW_COUNT:
    case QL_FN_FOUND_ROWS:
        return false;
    case QL_FN_CONVERT_TZ:
        return true;
    case QL_FN_UNIX_TIMESTAMP:
        return o->role == QL_ROLE_DEFAULT || e->args.n > 0;
    default:
        return o->role == QL_ROLE_DEFAULT || (f->flags & (QL_FF_NONDET | QL_FF_STMT)) == 0;
    }
}

static ql_status
look_at_function(walk *w, const ql_ast_expr *e)
{
    if (e->schema.n > 0) {
        return refuse_function(w->cx, w->owner, e->name);
    }
    const qli_func *f = qli_func_find(e->name);
    return !f || is_allowed(w->owner, e, f) ? QL_OK : refuse_function(w->cx, w->owner, e->name);
}

static ql_status
look_at_name(walk *w, const ql_ast_expr *e)
{
    const ql_expr_owner *o = w->owner;
    bool other = (e->table.n > 0 && !ql_str_eq_nocase(e->table, w->spec->name)) ||
                 (e->schema.n > 0 && !ql_str_eq_nocase(e->schema, w->spec->db));
    if (other) {
        const char *name = ql_arena_printf(w->cx, w->cx->arena, "%.*s.%.*s", (int)e->table.n,
                                           e->table.p, (int)e->name.n, e->name.p);
        return name ? unknown_column(w->cx, o, name) : QL_ERROR;
    }
    if (o->column.n > 0 && !ql_str_eq_nocase(e->name, o->column)) {
        return ql_fail(w->cx, QL_ER_COLUMN_CHECK_CONSTRAINT_REFERENCES_OTHER_COLUMN,
                       ql_cstr(w->cx, o->name));
    }
    return QL_OK;
}

static ql_status
look_at_written(walk *w, const ql_ast_expr *e)
{
    switch (e->kind) {
    case QL_A_SUBQUERY:
    case QL_A_EXISTS:
    case QL_A_PARAM:
        return refuse(w->cx, w->owner, BAD_FUNCTION);
    case QL_A_USERVAR:
    case QL_A_ASSIGN:
    case QL_A_SYSVAR:
        return refuse(w->cx, w->owner, BAD_VARIABLE);
    case QL_A_DEFAULT:
        return refuse_function(w->cx, w->owner, QL_STR("default"));
    case QL_A_VALUES:
        return refuse_function(w->cx, w->owner, QL_STR("values"));
    case QL_A_FUNC:
        return look_at_function(w, e);
    case QL_A_COLUMN:
        return look_at_name(w, e);
    default:
        return QL_OK;
    }
}

/* Is it one of those that give true or false, whatever their operands are? */
static bool
is_condition(const ql_ast_expr *e)
{
    if (e->kind == QL_A_LITERAL) {
        return e->is_bool;
    }
    if (e->kind == QL_A_FUNC) {
        const qli_func *f = qli_func_find(e->name);
        return ql_str_eq_nocase(e->name, QL_STR("ISNULL")) || (f && f->rule == QLI_R_BOOL);
    }
    return e->kind == QL_A_EXISTS || (e->kind == QL_A_OP && (e->op < QL_OP_ADD));
}

ql_status
ql_spec_expr_text(ql_ctx *cx, const ql_table_spec *spec, const ql_expr_owner *owner,
                  const ql_ast_expr *e, ql_str *text)
{
    ql_buf b = {0};
    walk w = {.cx = cx, .spec = spec, .owner = owner, .visit = look_at_written};
    if (e->kind == QL_A_ROW) {
        return refuse(cx, owner, BAD_ROW);
    }
    QL_TRY(walk_expr(&w, e));
    if (owner->role == QL_ROLE_CHECK && !is_condition(e)) {
        return ql_fail(cx, QL_ER_NON_BOOLEAN_EXPR_FOR_CHECK_CONSTRAINT, ql_cstr(cx, owner->name));
    }
    ql_status st = ql_print_expr(cx, &b, e, &ql_print_stored);
    if (st == QL_OK) {
        *text = (ql_str){ql_arena_strndup(cx, cx->arena, b.p, b.n), b.n};
        st = text->p ? QL_OK : QL_ERROR;
    }
    ql_buf_free(&b);
    return st;
}

/* --- against the columns --------------------------------------------------------------------- */

static int
find_column(const ql_column *v, uint16_t n, ql_str name)
{
    for (unsigned i = 0; i < n; i++) {
        if (!v[i].hidden && ql_str_eq_nocase(v[i].name, name)) {
            return (int)i;
        }
    }
    return -1;
}

/* A column that is itself computed must stand before the one that looks at it. */
static ql_status
look_at_column(walk *w, const ql_ast_expr *e)
{
    const ql_expr_owner *o = w->owner;
    if (e->kind != QL_A_COLUMN) {
        return QL_OK;
    }
    int i = find_column(w->spec->columns, w->spec->ncolumns, e->name);
    if (i < 0) {
        return unknown_column(w->cx, o, ql_cstr(w->cx, e->name));
    }
    const ql_column *c = &w->spec->columns[i];
    if (c->auto_increment) {
        return refuse(w->cx, o, BAD_AUTO);
    }
    if (o->role == QL_ROLE_GENERATED && c->generated.n > 0 && i >= w->ordinal) {
        return ql_fail(w->cx, QL_ER_GENERATED_COLUMN_NON_PRIOR);
    }
    if (o->role == QL_ROLE_DEFAULT && i >= w->ordinal &&
        (c->generated.n > 0 || c->default_kind == QL_DEF_EXPR)) {
        return ql_fail(w->cx, QL_ER_DEFAULT_VAL_GENERATED_NON_PRIOR, ql_cstr(w->cx, o->name));
    }
    return QL_OK;
}

static ql_status
rows_columns(ql_ctx *cx, const ql_column *v, uint16_t n, ql_result_column **out)
{
    ql_result_column *cols = QL_ARENA_ARRAY(cx, cx->arena, ql_result_column, n + 1u);
    if (!cols) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_node(cx));
        cols[i].name = v[i].hidden ? QL_STR("") : v[i].name;
        cols[i].type = v[i].type;
    }
    *out = cols;
    return QL_OK;
}

static ql_status
bind_over(ql_ctx *cx, const ql_result_column *cols, uint16_t n, ql_str text, bool condition,
          ql_expr **out)
{
    qli_res r = {.cx = cx, .a = cx->arena};
    qli_scope *sc;
    ql_ast_expr *e;
    QL_TRY(ql_parse_expr(cx, cx->arena, text, &e));
    QL_TRY(qli_scope_new(&r, NULL, &sc));
    sc->given = cols;
    sc->ngiven = n;
    if (condition) {
        sc->clause = QLI_CL_WHERE;
        return qli_bind_cond(&r, sc, e, out);
    }
    sc->clause = QLI_CL_FIELDS;
    QL_TRY(qli_bind(&r, sc, e, out));
    return qli_require_scalar(&r, *out);
}

/* One text of spec: its names, then whether it can be bound. */
static ql_status
check_text(ql_ctx *cx, const ql_table_spec *spec, const ql_result_column *cols,
           const ql_expr_owner *owner, uint16_t ordinal, ql_str text)
{
    walk w = {.cx = cx, .spec = spec, .owner = owner, .ordinal = ordinal, .visit = look_at_column};
    ql_ast_expr *e;
    ql_expr *bound;
    QL_TRY(ql_parse_expr(cx, cx->arena, text, &e));
    QL_TRY(walk_expr(&w, e));
    return bind_over(cx, cols, spec->ncolumns, text, owner->role == QL_ROLE_CHECK, &bound);
}

ql_status
ql_spec_exprs_check(ql_ctx *cx, const ql_table_spec *spec)
{
    ql_result_column *cols;
    QL_TRY(rows_columns(cx, spec->columns, spec->ncolumns, &cols));
    for (uint16_t i = 0; i < spec->ncolumns; i++) {
        const ql_column *c = &spec->columns[i];
        ql_expr_owner o = {.role = c->hidden ? QL_ROLE_KEY_PART : QL_ROLE_GENERATED,
                           .name = c->name};
        QL_TRY(ql_check(cx));
        if (c->generated.n > 0) {
            QL_TRY(check_text(cx, spec, cols, &o, i, c->generated));
        } else if (c->default_kind == QL_DEF_EXPR) {
            o.role = QL_ROLE_DEFAULT;
            QL_TRY(check_text(cx, spec, cols, &o, i, c->default_text));
        }
    }
    for (uint16_t i = 0; i < spec->nchecks; i++) {
        ql_expr_owner o = {.role = QL_ROLE_CHECK, .name = spec->checks[i].name};
        QL_TRY(ql_check(cx));
        QL_TRY(check_text(cx, spec, cols, &o, 0, spec->checks[i].text));
    }
    return QL_OK;
}

ql_type
ql_type_for_column(const ql_type *t)
{
    ql_type type = *t;
    switch (ql_kind_family(t->kind)) {
    case QL_FAM_NULL:
        type = ql_type_varchar(0, ql_coll_binary);
        type.field = QL_F_STRING;
        break;
    case QL_FAM_INT:
        if (t->field == QL_F_YEAR || t->field == QL_F_BIT) {
            break;
        }
        if (t->field != QL_F_TINY && t->field != QL_F_SHORT && t->field != QL_F_INT24 &&
            t->field != QL_F_LONG) {
            type = ql_type_int(t->is_unsigned);
        }
        type.length = ql_type_display_length(&type);
        break;
    case QL_FAM_STRING:
        if (t->field == QL_F_TINY_BLOB || t->field == QL_F_BLOB || t->field == QL_F_MEDIUM_BLOB ||
            t->field == QL_F_LONG_BLOB) {
            break;
        }
        if (t->field != QL_F_STRING) {
            uint32_t per = t->coll->charset->max_bytes ? t->coll->charset->max_bytes : 1;
            type.field = QL_F_VARCHAR;
            if ((uint64_t)t->length * per > 65532) {
                bool huge = (uint64_t)t->length * per > 16777215;
                type.field = huge ? QL_F_LONG_BLOB : QL_F_MEDIUM_BLOB;
                type.length = huge ? UINT32_MAX : 16777215;
            } else if (t->length > 512) { /* MySQL makes a TEXT of what is longer */
                type.field = QL_F_BLOB;
                type.length = 65535;
            }
        }
        break;
    case QL_FAM_JSON:
        type.length = 0;
        break;
    default:
        break;
    }
    type.nullable = t->nullable || t->kind == QL_K_NULL;
    return type;
}

ql_status
ql_spec_expr_type(ql_ctx *cx, const ql_table_spec *spec, const ql_expr_owner *owner, ql_str text,
                  ql_type *out)
{
    ql_result_column *cols;
    walk w = {.cx = cx, .spec = spec, .owner = owner, .ordinal = UINT16_MAX};
    ql_ast_expr *e;
    ql_expr *bound;
    w.visit = look_at_column;
    QL_TRY(ql_parse_expr(cx, cx->arena, text, &e));
    QL_TRY(walk_expr(&w, e));
    QL_TRY(rows_columns(cx, spec->columns, spec->ncolumns, &cols));
    QL_TRY(bind_over(cx, cols, spec->ncolumns, text, false, &bound));
    *out = ql_type_for_column(&bound->type);
    out->nullable = true;
    return QL_OK;
}

static ql_status
look_for_name(walk *w, const ql_ast_expr *e)
{
    w->found |= e->kind == QL_A_COLUMN && ql_str_eq_nocase(e->name, w->looked_for);
    return QL_OK;
}

ql_status
ql_expr_text_uses(ql_ctx *cx, ql_str text, ql_str column, bool *yes)
{
    walk w = {.cx = cx, .looked_for = column, .visit = look_for_name};
    ql_ast_expr *e;
    QL_TRY(ql_parse_expr(cx, cx->arena, text, &e));
    QL_TRY(walk_expr(&w, e));
    *yes = w.found;
    return QL_OK;
}

/* --- bound, for rows ------------------------------------------------------------------------- */

static ql_status
note_used(void *arg, ql_expr **e, uint32_t depth, bool *descend)
{
    bool *used = arg;
    (void)depth;
    (void)descend;
    if ((*e)->kind == QL_E_SLOT) {
        used[(*e)->index] = true;
    }
    return QL_OK;
}

/* The text over the row; the columns it looks at are noted. */
static ql_status
bind_text(ql_ctx *cx, ql_table_exprs *x, const ql_table *t, const ql_result_column *cols,
          ql_str text, bool condition, ql_expr **out)
{
    qli_res r = {.cx = cx, .a = cx->arena};
    QL_TRY(bind_over(cx, cols, t->ncolumns, text, condition, out));
    return qli_walk(&r, out, 0, note_used, x->used);
}

static ql_status
bind_columns(ql_ctx *cx, ql_table_exprs *x, const ql_table *t, const ql_result_column *cols)
{
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        const ql_column *c = &t->columns[i];
        QL_TRY(ql_bulk_node(cx));
        if (c->generated.n > 0) {
            x->has_generated = true;
            QL_TRY(bind_text(cx, x, t, cols, c->generated, false, &x->generated[i]));
        } else if (c->default_kind == QL_DEF_EXPR) {
            x->has_defaults = true;
            QL_TRY(bind_text(cx, x, t, cols, c->default_text, false, &x->defaults[i]));
        }
    }
    return QL_OK;
}

ql_status
ql_table_exprs_bind(ql_ctx *cx, const ql_table *t, ql_table_exprs **out)
{
    ql_table_exprs *x = QL_ARENA_NEW(cx, cx->arena, ql_table_exprs);
    ql_result_column *cols;
    if (!x) {
        return QL_ERROR;
    }
    x->defaults = QL_ARENA_ARRAY(cx, cx->arena, ql_expr *, t->ncolumns + 1u);
    x->generated = QL_ARENA_ARRAY(cx, cx->arena, ql_expr *, t->ncolumns + 1u);
    x->used = QL_ARENA_ARRAY(cx, cx->arena, bool, t->ncolumns + 1u);
    x->checks = QL_ARENA_ARRAY(cx, cx->arena, ql_expr *, t->nchecks + 1u);
    x->check_of = QL_ARENA_ARRAY(cx, cx->arena, const ql_check_constraint *, t->nchecks + 1u);
    if (!x->defaults || !x->generated || !x->used || !x->checks || !x->check_of) {
        return QL_ERROR;
    }
    *out = x;
    QL_TRY(rows_columns(cx, t->columns, t->ncolumns, &cols));
    QL_TRY(bind_columns(cx, x, t, cols));
    for (uint16_t i = 0; i < t->nchecks; i++) {
        const ql_check_constraint *k = &t->checks[i];
        QL_TRY(ql_bulk_node(cx));
        if (!k->not_enforced) {
            x->check_of[x->nchecks] = k;
            QL_TRY(bind_text(cx, x, t, cols, k->text, true, &x->checks[x->nchecks++]));
        }
    }
    return QL_OK;
}
