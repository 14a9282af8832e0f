/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding of function calls: look-up, arity, argument casts by functions.def; aggregates become
 * slots of their block. Types of results are in func_type.c.
 */
#include "resolve/resolve_int.h"

/* No message has room for more of a name. */
static int
shown(ql_str s)
{
    return s.n < 2048 ? (int)s.n : 2048;
}

static const char *
name_of(qli_res *r, ql_str s)
{
    return ql_arena_printf(r->cx, r->a, "%.*s", shown(s), s.p) ?: "";
}

static bool
name_is(const ql_ast_expr *e, const char *name)
{
    return ql_str_eq_nocase(e->name, (ql_str){name, __builtin_strlen(name)});
}

static char
arg_letter(const qli_func *f, uint32_t i)
{
    size_t n = __builtin_strlen(f->args);
    return n == 0 ? 'x' : f->args[i < n ? i : n - 1];
}

/* Temporal as it is, a moment as what clocks show, anything else as text. */
static ql_status
to_temporal_or_text(qli_res *r, qli_scope *sc, ql_expr **e)
{
    if (ql_kind_calendar((*e)->type.kind) & QL_HAS_ZONE) {
        return qli_cast_kind(r, sc, e, QL_K_DATETIME);
    }
    return ql_kind_is_temporal((*e)->type.kind) ? QL_OK : qli_cast_kind(r, sc, e, QL_K_STRING);
}

/* The same, but numbers stay: 1231 is a date, '1231' is none. */
static ql_status
to_temporal_number_or_text(qli_res *r, qli_scope *sc, ql_expr **e)
{
    ql_kind k = (*e)->type.kind;
    bool number = k == QL_K_INT || k == QL_K_DECIMAL || k == QL_K_DOUBLE;
    return number ? QL_OK : to_temporal_or_text(r, sc, e);
}

static ql_status
cast_arg(qli_res *r, qli_scope *sc, ql_expr *node, char letter, ql_expr **arg)
{
    switch (letter) {
    case 's':
        return qli_cast_kind(r, sc, arg, QL_K_STRING);
    case 'b':
        QL_TRY(qli_cast_kind(r, sc, arg, QL_K_STRING));
        return qli_cast_bytes(r, sc, arg, ql_coll_binary);
    case 'i':
        return qli_cast_kind(r, sc, arg, QL_K_INT);
    case 'd':
        return qli_cast_kind(r, sc, arg, QL_K_DOUBLE);
    case 'n':
        return qli_to_number(r, sc, arg);
    case 'D':
        return qli_cast_kind(r, sc, arg, QL_K_DATE);
    case 'T':
        return qli_cast_kind(r, sc, arg, QL_K_TIME);
    case 'M':
        if (node->fn == QL_FN_UNIX_TIMESTAMP && (*arg)->type.kind == QL_K_TIMESTAMP) {
            return QL_OK; /* the moment itself: there may be two at which clocks show the same */
        }
        QL_TRY(qli_cast_kind(r, sc, arg, QL_K_DATETIME));
        if (node->fn == QL_FN_UNIX_TIMESTAMP && (*arg)->kind == QL_E_CAST) {
            (*arg)->zero_if_bad = true; /* a text that is no date gives 0, not NULL */
        }
        return QL_OK;
    case 'v':
        return qli_truth_as_json(r, sc, arg);
    case 'p':
        return qli_json_path_arg(r, arg);
    case 'a':
        return qli_cast(r, sc, arg, &node->type);
    case 'c':
        return qli_cast_kind(r, sc, arg, node->compare_kind);
    default:
        return QL_OK;
    }
}

static bool
unit_is_simple(ql_unit u)
{
    return u <= QL_U_YEAR;
}

/* Dates and times are texts there. */
static ql_kind
kind_in_list(const ql_expr *e)
{
    return ql_kind_is_temporal(e->type.kind) ? QL_K_STRING : e->type.kind;
}

/* Kind in which FIELD and INTERVAL compare: all text, all integers, else numbers. */
static ql_kind
list_compare_kind(const ql_expr *node, ql_expr **args, uint32_t n)
{
    ql_kind k = kind_in_list(args[0]);
    for (uint32_t i = 1; i < n; i++) {
        ql_kind o = kind_in_list(args[i]);
        if (o != k && o != QL_K_NULL) {
            k = k == QL_K_NULL ? o
                : (k == QL_K_INT || k == QL_K_DECIMAL) && (o == QL_K_INT || o == QL_K_DECIMAL)
                    ? QL_K_DECIMAL
                    : QL_K_DOUBLE;
        }
    }
    if (node->fn == QL_FN_INTERVAL && k != QL_K_INT && k != QL_K_DECIMAL) {
        return QL_K_DOUBLE;
    }
    return k == QL_K_NULL ? QL_K_STRING : k;
}

static bool
is_dated(const ql_expr *e)
{
    return ql_kind_calendar(e->type.kind) & QL_HAS_DATE;
}

/* LEAST and GREATEST of texts with a date among them: the values as moments, behind the texts. One
 * that is none counts as zero, with a warning; what is answered is a text as it was given. */
static ql_status
add_moments(qli_res *r, qli_scope *sc, ql_expr *node, ql_expr *const *given, uint32_t n)
{
    ql_expr **v = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, n * 2 + 1);
    if (!v) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        v[i] = node->args[i];
        v[n + i] = given[i];
        QL_TRY(qli_cast_kind(r, sc, &v[n + i], QL_K_DATETIME));
        if (v[n + i]->kind == QL_E_CAST) {
            v[n + i]->zero_if_bad = true;
        }
    }
    node->args = v;
    node->nargs = n * 2;
    node->compare_kind = QL_K_DATETIME;
    return QL_OK;
}

/* A TIME of which a date is asked is one of today. */
static ql_status
to_today(qli_res *r, qli_scope *sc, ql_unit unit, ql_expr **e)
{
    return (*e)->type.kind == QL_K_TIME && qli_unit_has_date(unit)
               ? qli_cast_kind(r, sc, e, QL_K_DATETIME)
               : QL_OK;
}

/* Arguments that want more than their letter says. */
static ql_status
prepare_args(qli_res *r, qli_scope *sc, ql_expr *node, ql_expr **args, uint32_t n)
{
    switch (node->fn) {
    case QL_FN_DATE_ADD:
    case QL_FN_DATE_SUB:
        QL_TRY(to_temporal_number_or_text(r, sc, &args[0]));
        QL_TRY(to_today(r, sc, node->unit, &args[0]));
        return unit_is_simple(node->unit) ? QL_OK : qli_cast_kind(r, sc, &args[1], QL_K_STRING);
    case QL_FN_TIMEDIFF:
        QL_TRY(to_temporal_or_text(r, sc, &args[0]));
        return to_temporal_or_text(r, sc, &args[1]);
    case QL_FN_EXTRACT: /* DAY_HOUR and the like: of a TIME as it is */
        QL_TRY(unit_is_simple(node->unit) || node->unit == QL_U_YEAR_MONTH
                   ? to_today(r, sc, node->unit, &args[0])
                   : QL_OK);
        return to_temporal_number_or_text(r, sc, &args[0]);
    case QL_FN_ADDTIME:
    case QL_FN_SUBTIME:
        QL_TRY(to_temporal_or_text(r, sc, &args[0]));
        return args[0]->type.kind == QL_K_DATE ? qli_cast_kind(r, sc, &args[0], QL_K_DATETIME)
                                               : QL_OK;
    case QL_FN_HEX:
        QL_TRY(ql_kind_is_temporal(args[0]->type.kind) ? qli_cast_kind(r, sc, &args[0], QL_K_STRING)
                                                       : QL_OK);
        return qli_cast_bytes(r, sc, &args[0], ql_coll_binary);
    case QL_FN_CONV: /* of the number, not of the bytes that would be its text */
        return args[0]->type.bits != 0 ? qli_plain_int(r, &args[0]) : QL_OK;
    case QL_FN_FIELD:
    case QL_FN_INTERVAL:
        node->compare_kind = list_compare_kind(node, args, n);
        return QL_OK;
    default:
        return QL_OK;
    }
}

/* Functions whose result type speaks of the arguments as they were, before the casts. */
static bool
types_before_casts(qli_rule rule)
{
    return rule != QLI_R_STRING && rule != QLI_R_STR0 && rule != QLI_R_NUMERIC &&
           rule != QLI_R_CEIL && rule != QLI_R_ROUND && rule != QLI_R_BINARY;
}

/* Whatever its arguments are. */
static bool
is_never_null(ql_func_id fn, ql_expr **args, uint32_t n)
{
    switch (fn) {
    case QL_FN_NOW:
    case QL_FN_SYSDATE:
    case QL_FN_CURDATE:
    case QL_FN_CURTIME:
    case QL_FN_UTC_DATE:
    case QL_FN_UTC_TIME:
    case QL_FN_UTC_TIMESTAMP:
    case QL_FN_PI:
    case QL_FN_RAND:
    case QL_FN_FIELD:
    case QL_FN_INTERVAL:
    case QL_FN_CONNECTION_ID:
    case QL_FN_VERSION:
    case QL_FN_ROW_COUNT:
    case QL_FN_FOUND_ROWS:
    case QL_FN_UUID_SHORT:
    case QL_FN_RELEASE_ALL_LOCKS:
    case QL_FN_COERCIBILITY:
    case QL_FN_LAST_INSERT_ID_NOW:
        return true;
    case QL_FN_COALESCE: /* one that is not will do */
        for (uint32_t i = 0; i < n; i++) {
            if (!args[i]->type.nullable) {
                return true;
            }
        }
        return false;
    default:
        return false;
    }
}

/* The collation of the texts among the arguments; where they come together they become texts of its
 * character set. */
static ql_status
meet_texts(qli_res *r, qli_scope *sc, const qli_func *f, ql_expr *node, ql_expr **args, uint32_t n)
{
    uint8_t co;
    node->ascii = f->rule != QLI_R_BINARY;
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        node->ascii &= args[i]->type.kind != QL_K_STRING || args[i]->ascii;
    }
    node->ascii |= f->rule == QLI_R_ASCII && !(f->flags & QL_FF_STMT);
    if (f->flags & QL_FF_SEARCHES) {
        return qli_coll_compared(r, sc, args, n, f->name, &node->coll);
    }
    QL_TRY(qli_coll_aggregate(r, args, n, f->name, &node->coll, &co));
    return f->rule == QLI_R_STRING || (f->rule == QLI_R_AGGTYPE && node->type.kind == QL_K_STRING)
               ? qli_coll_apply(r, sc, args, n, f->name, node->coll)
               : QL_OK;
}

ql_status
ql_call(qli_res *r, qli_scope *sc, ql_func_id fn, ql_expr **args, uint32_t n, ql_unit unit,
        uint32_t index, ql_expr **out)
{
    const qli_func *f = qli_func_get(fn);
    ql_expr *node = qli_node(r, QL_E_FUNC);
    if (!node) {
        return QL_ERROR;
    }
    node->fn = fn;
    node->unit = unit;
    node->index = index;
    ql_expr **given = NULL;
    bool dated = false;
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        QL_TRY(qli_require_scalar(r, args[i]));
        if (__builtin_strchr("idn", arg_letter(f, i)) == NULL) {
            QL_TRY(qli_list_to_text(r, sc, &args[i]));
        }
        dated |= (fn == QL_FN_LEAST || fn == QL_FN_GREATEST) && is_dated(args[i]);
    }
    if (dated) { /* as they are before the casts */
        given = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, n);
        for (uint32_t i = 0; given && i < n; i++) {
            given[i] = args[i];
            QL_TRY(ql_bulk_node(r->cx));
        }
        if (!given) {
            return QL_ERROR;
        }
    }
    QL_TRY(prepare_args(r, sc, node, args, n));
    if (types_before_casts(f->rule)) {
        QL_TRY(qli_func_type(r, f, node, args, n));
    }
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        QL_TRY(cast_arg(r, sc, node, arg_letter(f, i), &args[i]));
    }
    if (!types_before_casts(f->rule)) {
        QL_TRY(qli_func_type(r, f, node, args, n));
    }
    QL_TRY(meet_texts(r, sc, f, node, args, n));
    node->args = args;
    node->nargs = n;
    if (dated && node->type.kind == QL_K_STRING) {
        QL_TRY(add_moments(r, sc, node, given, n));
    }
    node->type.nullable = !is_never_null(fn, args, n);
    QL_TRY(qli_args_constant(r, args, n, &node->is_constant));
    node->is_constant = node->is_constant && !(f->flags & QL_FF_NONDET);
    qli_number_node(r, sc, node);
    *out = node;
    return QL_OK;
}

ql_status
qli_date_arith(qli_res *r, qli_scope *sc, bool subtract, const ql_ast_expr *date,
               const ql_ast_expr *interval, ql_expr **out)
{
    ql_expr **args = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, 2);
    if (!args) {
        return QL_ERROR;
    }
    ql_unit unit = QL_U_DAY;
    QL_TRY(qli_bind(r, sc, date, &args[0]));
    if (interval->kind == QL_A_INTERVAL) {
        unit = interval->unit;
        interval = interval->args.v[0];
    }
    QL_TRY(qli_bind(r, sc, interval, &args[1]));
    if (args[1]->is_hex) {
        QL_TRY(qli_hex_as_number(r, &args[1]));
    }
    return ql_call(r, sc, subtract ? QL_FN_DATE_SUB : QL_FN_DATE_ADD, args, 2, unit, 0, out);
}

static ql_status
bind_unknown(qli_res *r, const ql_ast_expr *e)
{
    if (!e->schema.n && qli_func_is_unbuilt(e->name)) {
        return ql_fail(r->cx, QL_ER_NOT_SUPPORTED_YET, name_of(r, e->name));
    }
    ql_str db = e->schema.n ? e->schema : r->cx->vars ? r->cx->vars->db : (ql_str){0};
    const char *full =
        db.n ? ql_arena_printf(r->cx, r->a, "%.*s.%.*s", shown(db), db.p, shown(e->name), e->name.p)
             : name_of(r, e->name);
    return ql_fail(r->cx, QL_ER_SP_DOES_NOT_EXIST, "FUNCTION", full ?: "");
}

static ql_status
wrong_count(qli_res *r, const ql_ast_expr *e)
{
    return ql_fail(r->cx, QL_ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, name_of(r, e->name));
}

static ql_status
need_args(qli_res *r, const ql_ast_expr *e, uint32_t min, uint32_t max)
{
    return e->args.n < min || e->args.n > max ? wrong_count(r, e) : QL_OK;
}

/* CASE that was written as IF or NULLIF, and is printed as such. */
static ql_status
case_of(qli_res *r, qli_scope *sc, ql_func_id fn, ql_expr **args, ql_expr **out)
{
    QL_TRY(qli_case_node(r, sc, args, 3, out));
    (*out)->fn = (*out)->kind == QL_E_CASE ? fn : (*out)->fn;
    if (fn == QL_FN_NULLIF && (*out)->type.bits != 0) {
        (*out)->type = ql_type_int(true); /* a number, not bytes */
    }
    return QL_OK;
}

static ql_status
bind_if(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr **a;
    QL_TRY(need_args(r, e, 3, 3));
    QL_TRY(qli_bind_list(r, sc, &e->args, &a));
    return case_of(r, sc, QL_FN_IF, a, out);
}

static ql_status
bind_nullif(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr **a, *eq, **c = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, 3);
    ql_value null = ql_value_null();
    if (!c) {
        return QL_ERROR;
    }
    QL_TRY(need_args(r, e, 2, 2));
    QL_TRY(qli_bind_list(r, sc, &e->args, &a));
    QL_TRY(qli_compare_bind(r, sc, QL_OP_EQ, a[0], a[1], &eq));
    c[0] = eq;
    c[1] = qli_const(r, &null);
    c[2] = a[0];
    return c[1] ? case_of(r, sc, QL_FN_NULLIF, c, out) : QL_ERROR;
}

/* BIN(n) is CONV(n, 10, 2), OCT(n) CONV(n, 10, 8) (manual); a hexadecimal literal is a number here.
 */
static ql_status
bind_base(qli_res *r, qli_scope *sc, const ql_ast_expr *e, int base, ql_expr **out)
{
    ql_expr **a, **args = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, 3);
    if (args == NULL) {
        return QL_ERROR;
    }
    QL_TRY(need_args(r, e, 1, 1));
    QL_TRY(qli_bind_list(r, sc, &e->args, &a));
    args[0] = a[0];
    if (args[0]->is_hex) {
        QL_TRY(qli_hex_as_number(r, &args[0]));
    }
    args[1] = qli_const_int(r, 10);
    args[2] = qli_const_int(r, base);
    return args[1] == NULL || args[2] == NULL
               ? QL_ERROR
               : ql_call(r, sc, QL_FN_CONV, args, 3, QL_U_DAY, 0, out);
}

/* Functions that are written otherwise. *done false = an ordinary one. */
static ql_status
bind_special(qli_res *r, qli_scope *sc, const ql_ast_expr *e, bool at_cond, bool *done,
             ql_expr **out)
{
    ql_expr **a;
    *done = true;
    if (name_is(e, "IF")) {
        return bind_if(r, sc, e, out);
    }
    if (name_is(e, "NULLIF")) {
        return bind_nullif(r, sc, e, out);
    }
    if (name_is(e, "IFNULL")) {
        QL_TRY(need_args(r, e, 2, 2));
        QL_TRY(qli_bind_list(r, sc, &e->args, &a));
        QL_TRY(ql_call(r, sc, QL_FN_COALESCE, a, 2, QL_U_DAY, 0, out));
        (*out)->name = (*out)->kind == QL_E_FUNC ? QL_STR("ifnull") : (*out)->name;
        return QL_OK;
    }
    if (name_is(e, "ISNULL")) {
        QL_TRY(need_args(r, e, 1, 1));
        QL_TRY(qli_bind_list(r, sc, &e->args, &a));
        if (at_cond && qli_is_dated_column(sc, a[0])) {
            return qli_bind_date_is_null(r, sc, a[0], out);
        }
        ql_type t = ql_type_bool();
        return qli_op_node(r, sc, QL_OP_IS_NULL, &t, a, 1, out);
    }
    if (name_is(e, "BIN") || name_is(e, "OCT")) {
        return bind_base(r, sc, e, name_is(e, "BIN") ? 2 : 8, out);
    }
    if (name_is(e, "MOD")) {
        QL_TRY(need_args(r, e, 2, 2));
        QL_TRY(qli_bind_list(r, sc, &e->args, &a));
        return qli_arith(r, sc, QL_OP_MOD, a[0], a[1], out);
    }
    if (name_is(e, "JSON_VALUE") && e->args.n >= 2) {
        return qli_bind_json_value(r, sc, e, out);
    }
    if (name_is(e, "NAME_CONST")) {
        QL_TRY(need_args(r, e, 2, 2));
        return qli_bind(r, sc, e->args.v[1], out);
    }
    if (name_is(e, "DATE_ADD") || name_is(e, "ADDDATE") || name_is(e, "DATE_SUB") ||
        name_is(e, "SUBDATE")) {
        QL_TRY(need_args(r, e, 2, 2));
        return qli_date_arith(r, sc, name_is(e, "DATE_SUB") || name_is(e, "SUBDATE"), e->args.v[0],
                              e->args.v[1], out);
    }
    *done = false;
    return QL_OK;
}

/* TIMESTAMPADD(unit, n, date) is DATE_ADD with its arguments turned round; LAST_INSERT_ID() is the
 * same throughout a statement, while one with an argument is a change. */
static ql_func_id
order_args(const qli_func *f, ql_expr **a, uint32_t n)
{
    if (f->id == QL_FN_LAST_INSERT_ID && n == 0) {
        return QL_FN_LAST_INSERT_ID_NOW;
    }
    if (f->id != QL_FN_TIMESTAMPADD) {
        return f->id;
    }
    ql_expr *first = a[0];
    a[0] = a[1];
    a[1] = first;
    return QL_FN_DATE_ADD;
}

/* Names or paths, each with a value. */
static bool
pairs_are_whole(ql_func_id id, uint32_t n)
{
    switch (id) {
    case QL_FN_JSON_OBJECT:
        return n % 2 == 0;
    case QL_FN_JSON_ARRAY_APPEND:
    case QL_FN_JSON_ARRAY_INSERT:
    case QL_FN_JSON_INSERT:
    case QL_FN_JSON_REPLACE:
    case QL_FN_JSON_SET:
        return n % 2 == 1;
    default:
        return true;
    }
}

static bool
parser_put_unit_first(const qli_func *f, const ql_ast_expr *e)
{
    return (f->id == QL_FN_TIMESTAMPADD || f->id == QL_FN_TIMESTAMPDIFF) && e->args.n == 3;
}

/* CURRENT_USER() in a view: whose privileges count there. */
static ql_status
bind_definer(qli_res *r, ql_expr **out)
{
    ql_value v = ql_value_str(r->views->user, ql_coll_default);
    *out = qli_const(r, &v);
    if (*out == NULL) {
        return QL_ERROR;
    }
    (*out)->coercibility = 3;
    return QL_OK;
}

ql_status
qli_bind_func(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    bool at_cond = qli_take_at_cond(sc);
    if (e->kind == QL_A_GROUP_CONCAT) {
        return qli_bind_agg(r, sc, e, QL_AGG_GROUP_CONCAT, out);
    }
    if (!e->schema.n) {
        int agg = qli_agg_find(e->name);
        if (agg >= 0) {
            return qli_bind_agg(r, sc, e, (ql_agg_fn)agg, out);
        }
        if (name_is(e, "ANY_VALUE")) {
            QL_TRY(need_args(r, e, 1, 1));
            return sc && sc->aggregated && !sc->in_agg
                       ? qli_bind_agg(r, sc, e, QL_AGG_ANY_VALUE, out)
                       : qli_bind(r, sc, e->args.v[0], out);
        }
        if (name_is(e, "CURRENT_USER") && r->views != NULL && r->views->user.n > 0) {
            return bind_definer(r, out);
        }
        bool done;
        QL_TRY(bind_special(r, sc, e, at_cond, &done, out));
        if (done) {
            return QL_OK;
        }
    }
    const qli_func *f = e->schema.n ? NULL : qli_func_find(e->name);
    if (!f) {
        return bind_unknown(r, e);
    }
    ql_ast_exprs list = e->args;
    if (parser_put_unit_first(f, e)) {
        list.v++;
        list.n--;
    }
    if (list.n < f->min || (f->max != 255 && list.n > f->max) || !pairs_are_whole(f->id, list.n)) {
        return wrong_count(r, e);
    }
    if (f->id == QL_FN_FOUND_ROWS) {
        ql_warn_text(r->cx, QL_DIAG_WARNING, QL_ER_WARN_DEPRECATED_SYNTAX,
                     "FOUND_ROWS() is deprecated and will be removed in a future release. Consider "
                     "using COUNT(*) instead.");
    }
    if (name_is(e, "JSON_MERGE")) {
        ql_warn_text(r->cx, QL_DIAG_WARNING, QL_ER_WARN_DEPRECATED_SYNTAX,
                     "'JSON_MERGE' is deprecated and will be removed in a future release. Please "
                     "use JSON_MERGE_PRESERVE/JSON_MERGE_PATCH instead");
    }
    ql_expr **args;
    QL_TRY(qli_bind_list(r, sc, &list, &args));
    ql_func_id id = order_args(f, args, list.n);
    return ql_call(r, sc, id, args, list.n, e->unit, e->index, out);
}
