/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions of a resolved query as text, as EXPLAIN shows them: names of columns with their
 * table, subqueries as the number of their SELECT. Casts that the resolver has put in are left out.
 * Expressions are as high as the parser allows, so recursion is bounded.
 */
#include <string.h>

#include "base/bulk.h"
#include "plan/explain_int.h"
#include "types/moment.h"

static ql_status
put_name(qli_explain *x, ql_str name, ql_buf *b)
{
    if (!x->quoted) {
        return ql_buf_put(x->cx, b, name.p, name.n);
    }
    return ql_buf_put_name(x->cx, b, name);
}

static ql_status
put_column(qli_explain *x, const ql_source *s, uint16_t i, ql_buf *b)
{
    ql_str name = s->table ? s->table->columns[s->ordinals[i]].name
                           : s->derived->items[s->ordinals[i]].column.name;
    if (x->quoted && s->db.n) {
        QL_TRY(put_name(x, ql_source_db(s), b));
        QL_TRY(ql_buf_put_u8(x->cx, b, '.'));
    }
    QL_TRY(put_name(x, ql_source_name(s), b));
    QL_TRY(ql_buf_put_u8(x->cx, b, '.'));
    return put_name(x, name, b);
}

static ql_status
put_slot(qli_explain *x, const ql_query *q, uint32_t slot, ql_buf *b)
{
    for (uint16_t s = 0; q->set_op == QL_SET_NONE && s < q->nsources; s++) {
        for (uint16_t c = 0; c < q->sources[s].ncols; c++) {
            if (q->sources[s].slots[c] == slot) {
                return put_column(x, &q->sources[s], c, b);
            }
        }
    }
    for (uint16_t i = 0; i < q->ngroup; i++) {
        if (q->group_slots[i] == slot) {
            return qli_expr_text(x, q, q->group_by[i], b);
        }
    }
    for (uint16_t i = 0; i < q->naggs; i++) {
        if (q->aggs[i].slot == slot) {
            return qli_agg_text(x, q, &q->aggs[i], b);
        }
    }
    if (q->set_op != QL_SET_NONE && slot < q->nitems) {
        return put_name(x, q->items[slot].column.name, b);
    }
    return ql_buf_printf(x->cx, b, "<%u>", slot);
}

static ql_status
put_string(qli_explain *x, ql_str s, ql_buf *b)
{
    QL_TRY(ql_buf_put_u8(x->cx, b, '\''));
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\'' && s.p[i] != '\\') {
            continue;
        }
        QL_TRY(ql_buf_put(x->cx, b, s.p + from, i - from));
        QL_TRY(ql_buf_put_u8(x->cx, b, '\\'));
        from = i;
    }
    QL_TRY(ql_buf_put(x->cx, b, s.p + from, s.n - from));
    return ql_buf_put_u8(x->cx, b, '\'');
}

static ql_status
put_value(qli_explain *x, const ql_value *v, ql_buf *b)
{
    char text[QL_VALUE_TEXT_MAX];
    if (v->kind == QL_K_NULL) {
        return ql_buf_put_str(x->cx, b, "NULL");
    }
    if (v->kind == QL_K_STRING) {
        return put_string(x, v->s, b);
    }
    ql_str s = {text, 0};
    if (ql_kind_is_list(v->kind) || v->kind == QL_K_JSON) {
        QL_TRY(ql_value_to_str(x->cx, x->cx->arena, v, &s));
        QL_TRY(v->kind == QL_K_JSON ? ql_buf_put_str(x->cx, b, "json") : QL_OK);
        return put_string(x, s, b);
    }
    s.n = ql_value_print_local(x->cx, v, text);
    return ql_kind_is_number(v->kind) ? ql_buf_put(x->cx, b, s.p, s.n) : put_string(x, s, b);
}

static ql_status
put_list(qli_explain *x, const ql_query *q, ql_expr *const *v, uint32_t n, ql_buf *b)
{
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(i ? ql_buf_put_u8(x->cx, b, ',') : QL_OK);
        QL_TRY(qli_expr_text(x, q, v[i], b));
    }
    return QL_OK;
}

static const char *const signs[] = {
    [QL_OP_OR] = "or",
    [QL_OP_XOR] = "xor",
    [QL_OP_AND] = "and",
    [QL_OP_EQ] = "=",
    [QL_OP_NULLSAFE_EQ] = "<=>",
    [QL_OP_NE] = "<>",
    [QL_OP_LT] = "<",
    [QL_OP_LE] = "<=",
    [QL_OP_GT] = ">",
    [QL_OP_GE] = ">=",
    [QL_OP_LIKE] = "like",
    [QL_OP_NOT_LIKE] = "not like",
    [QL_OP_REGEXP] = "regexp",
    [QL_OP_NOT_REGEXP] = "not regexp",
    [QL_OP_ADD] = "+",
    [QL_OP_SUB] = "-",
    [QL_OP_MUL] = "*",
    [QL_OP_DIV] = "/",
    [QL_OP_INTDIV] = "DIV",
    [QL_OP_MOD] = "%",
    [QL_OP_BITOR] = "|",
    [QL_OP_BITAND] = "&",
    [QL_OP_BITXOR] = "^",
    [QL_OP_SHL] = "<<",
    [QL_OP_SHR] = ">>",
    [QL_OP_IN] = "in",
    [QL_OP_NOT_IN] = "not in",
    [QL_OP_EQ_ANY] = "= any",
    [QL_OP_NE_ANY] = "<> any",
    [QL_OP_LT_ANY] = "< any",
    [QL_OP_LE_ANY] = "<= any",
    [QL_OP_GT_ANY] = "> any",
    [QL_OP_GE_ANY] = ">= any",
    [QL_OP_EQ_ALL] = "= all",
    [QL_OP_NE_ALL] = "<> all",
    [QL_OP_LT_ALL] = "< all",
    [QL_OP_LE_ALL] = "<= all",
    [QL_OP_GT_ALL] = "> all",
    [QL_OP_GE_ALL] = ">= all",
};
static const char *const tests[] = {
    [QL_OP_IS_NULL] = "is null",       [QL_OP_IS_NOT_NULL] = "is not null",
    [QL_OP_IS_TRUE] = "is true",       [QL_OP_IS_NOT_TRUE] = "is not true",
    [QL_OP_IS_FALSE] = "is false",     [QL_OP_IS_NOT_FALSE] = "is not false",
    [QL_OP_IS_UNKNOWN] = "is unknown", [QL_OP_IS_NOT_UNKNOWN] = "is not unknown",
};

static const char *
word(const char *const *words, size_t n, ql_op op)
{
    const char *w = (size_t)op < n ? words[op] : NULL;
    return w ? w : "?";
}

/* a and b and c: one pair of parentheses. */
static ql_status
put_chain(qli_explain *x, const ql_query *q, const ql_expr *e, ql_op op, ql_buf *b)
{
    if (e->kind != QL_E_OP || e->op != op) {
        return qli_expr_text(x, q, e, b);
    }
    for (uint32_t i = 0; i < e->nargs; i++) {
        QL_TRY(i ? ql_buf_printf(x->cx, b, " %s ", word(signs, QL_ARRAY_LEN(signs), op)) : QL_OK);
        QL_TRY(put_chain(x, q, e->args[i], op, b));
    }
    return QL_OK;
}

static ql_status
put_prefix(qli_explain *x, const ql_query *q, const ql_expr *e, const char *sign, ql_buf *b)
{
    QL_TRY(ql_buf_put_str(x->cx, b, sign));
    QL_TRY(ql_buf_put_u8(x->cx, b, '('));
    QL_TRY(qli_expr_text(x, q, e->args[0], b));
    return ql_buf_put_u8(x->cx, b, ')');
}

static ql_status
put_inside(qli_explain *x, const ql_query *q, const ql_expr *e, ql_buf *b)
{
    ql_ctx *cx = x->cx;
    switch (e->op) {
    case QL_OP_AND:
    case QL_OP_OR:
        return put_chain(x, q, e, e->op, b);
    case QL_OP_BETWEEN:
    case QL_OP_NOT_BETWEEN:
        QL_TRY(qli_expr_text(x, q, e->args[0], b));
        QL_TRY(ql_buf_put_str(cx, b, e->op == QL_OP_BETWEEN ? " between " : " not between "));
        QL_TRY(qli_expr_text(x, q, e->args[1], b));
        QL_TRY(ql_buf_put_str(cx, b, " and "));
        return qli_expr_text(x, q, e->args[2], b);
    case QL_OP_IN:
    case QL_OP_NOT_IN:
        QL_TRY(qli_expr_text(x, q, e->args[0], b));
        QL_TRY(ql_buf_printf(cx, b, " %s (", signs[e->op]));
        QL_TRY(put_list(x, q, e->args + 1, e->nargs - 1, b));
        return ql_buf_put_u8(cx, b, ')');
    default:
        break;
    }
    QL_TRY(qli_expr_text(x, q, e->args[0], b));
    if (e->nargs == 1) {
        return ql_buf_printf(cx, b, " %s", word(tests, QL_ARRAY_LEN(tests), e->op));
    }
    QL_TRY(ql_buf_printf(cx, b, " %s ", word(signs, QL_ARRAY_LEN(signs), e->op)));
    return qli_expr_text(x, q, e->args[1], b);
}

static ql_status
put_op(qli_explain *x, const ql_query *q, const ql_expr *e, ql_buf *b)
{
    switch (e->op) {
    case QL_OP_NOT:
        return put_prefix(x, q, e, "not", b);
    case QL_OP_NEG:
        return put_prefix(x, q, e, "-", b);
    case QL_OP_BITNOT:
        return put_prefix(x, q, e, "~", b);
    case QL_OP_PLUS:
        return qli_expr_text(x, q, e->args[0], b);
    default:
        QL_TRY(ql_buf_put_u8(x->cx, b, '('));
        QL_TRY(put_inside(x, q, e, b));
        return ql_buf_put_u8(x->cx, b, ')');
    }
}

static ql_status
put_case(qli_explain *x, const ql_query *q, const ql_expr *e, ql_buf *b)
{
    uint32_t i = 0;
    const ql_expr *eq = e->args[0];
    if (e->fn == QL_FN_IF || (e->fn == QL_FN_NULLIF && eq->kind == QL_E_OP)) {
        bool plain = e->fn == QL_FN_IF;
        QL_TRY(ql_buf_put_str(x->cx, b, plain ? "if(" : "nullif("));
        QL_TRY(put_list(x, q, plain ? e->args : eq->args, plain ? 3 : 2, b));
        return ql_buf_put_u8(x->cx, b, ')');
    }
    QL_TRY(ql_buf_put_str(x->cx, b, "(case"));
    for (; i + 1 < e->nargs; i += 2) {
        QL_TRY(ql_buf_put_str(x->cx, b, " when "));
        QL_TRY(qli_expr_text(x, q, e->args[i], b));
        QL_TRY(ql_buf_put_str(x->cx, b, " then "));
        QL_TRY(qli_expr_text(x, q, e->args[i + 1], b));
    }
    if (i < e->nargs) {
        QL_TRY(ql_buf_put_str(x->cx, b, " else "));
        QL_TRY(qli_expr_text(x, q, e->args[i], b));
    }
    return ql_buf_put_str(x->cx, b, " end)");
}

static ql_status
put_function(qli_explain *x, const ql_query *q, const ql_expr *e, ql_buf *b)
{
    const char *name = e->name.n > 0 ? "ifnull" : ql_func_name(e->fn);
    for (const char *p = name; *p; p++) {
        char c = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
        QL_TRY(ql_buf_put_u8(x->cx, b, (uint8_t)c));
    }
    QL_TRY(ql_buf_put_u8(x->cx, b, '('));
    bool twice = (e->fn == QL_FN_LEAST || e->fn == QL_FN_GREATEST) &&
                 e->compare_kind == QL_K_DATETIME; /* texts, and what they are as moments */
    QL_TRY(put_list(x, q, e->args, twice ? e->nargs / 2 : e->nargs, b));
    return ql_buf_put_u8(x->cx, b, ')');
}

static ql_status
put_query(qli_explain *x, const ql_query *q, const ql_expr *e, ql_buf *b)
{
    long long id = (long long)qli_explain_id(x, e->query);
    if (e->kind == QL_E_EXISTS) {
        return ql_buf_printf(x->cx, b, "exists(select #%lld)", id);
    }
    if (e->kind == QL_E_SUBQUERY) {
        return ql_buf_printf(x->cx, b, "(select #%lld)", id);
    }
    QL_TRY(ql_buf_put_u8(x->cx, b, '('));
    QL_TRY(e->nargs ? qli_expr_text(x, q, e->args[0], b) : QL_OK);
    return ql_buf_printf(x->cx, b, " %s (select #%lld))", word(signs, QL_ARRAY_LEN(signs), e->op),
                         id);
}

static const ql_query *
enclosing(const ql_query *q, uint32_t depth)
{
    while (depth-- > 0 && q->outer) {
        q = q->outer;
    }
    return q;
}

ql_status
qli_expr_text(qli_explain *x, const ql_query *q, const ql_expr *e, ql_buf *b)
{
    QL_TRY(ql_bulk_node(x->cx));
    switch (e->kind) {
    case QL_E_CONST:
    case QL_E_PARAM:
        return put_value(x, &e->value, b);
    case QL_E_SLOT:
        return put_slot(x, q, e->index, b);
    case QL_E_OUTER:
        return put_slot(x, enclosing(q, e->depth), e->index, b);
    case QL_E_OP:
        return put_op(x, q, e, b);
    case QL_E_FUNC:
        return put_function(x, q, e, b);
    case QL_E_CASE:
        return put_case(x, q, e, b);
    case QL_E_CAST:
        return qli_expr_text(x, q, e->args[0], b);
    case QL_E_USERVAR:
        return ql_buf_printf(x->cx, b, "(@`%.*s`)", (int)e->name.n, e->name.p);
    case QL_E_ASSIGN:
        QL_TRY(ql_buf_printf(x->cx, b, "(@`%.*s`:=", (int)e->name.n, e->name.p));
        QL_TRY(qli_expr_text(x, q, e->args[0], b));
        return ql_buf_put_u8(x->cx, b, ')');
    case QL_E_SUBQUERY:
    case QL_E_EXISTS:
    case QL_E_IN_QUERY:
        return put_query(x, q, e, b);
    case QL_E_ROW:
        QL_TRY(ql_buf_put_u8(x->cx, b, '('));
        QL_TRY(put_list(x, q, e->args, e->nargs, b));
        return ql_buf_put_u8(x->cx, b, ')');
    case QL_E_SYSVAR:
        return ql_buf_printf(x->cx, b, "@@%.*s", (int)e->name.n, e->name.n ? e->name.p : "");
    default:
        return ql_buf_put_str(x->cx, b, "?");
    }
}

ql_status
qli_agg_text(qli_explain *x, const ql_query *q, const ql_agg *g, ql_buf *b)
{
    static const char *const names[] = {
        [QL_AGG_COUNT_STAR] = "count",
        [QL_AGG_COUNT] = "count",
        [QL_AGG_SUM] = "sum",
        [QL_AGG_AVG] = "avg",
        [QL_AGG_MIN] = "min",
        [QL_AGG_MAX] = "max",
        [QL_AGG_GROUP_CONCAT] = "group_concat",
        [QL_AGG_JSON_ARRAY] = "json_arrayagg",
        [QL_AGG_JSON_OBJECT] = "json_objectagg",
        [QL_AGG_STD_POP] = "std",
        [QL_AGG_STD_SAMP] = "stddev_samp",
        [QL_AGG_VAR_POP] = "variance",
        [QL_AGG_VAR_SAMP] = "var_samp",
        [QL_AGG_BIT_AND] = "bit_and",
        [QL_AGG_BIT_OR] = "bit_or",
        [QL_AGG_BIT_XOR] = "bit_xor",
        [QL_AGG_ANY_VALUE] = "any_value",
    };
    QL_TRY(ql_buf_printf(x->cx, b, "%s(%s", names[g->fn], g->distinct ? "distinct " : ""));
    if (g->fn == QL_AGG_COUNT_STAR) {
        return ql_buf_put_str(x->cx, b, "0)");
    }
    QL_TRY(put_list(x, q, g->args, g->nargs, b));
    return ql_buf_put_u8(x->cx, b, ')');
}

ql_status
qli_sort_text(qli_explain *x, const ql_query *q, const ql_sort_key *keys, uint16_t n, ql_buf *b)
{
    for (uint16_t i = 0; i < n; i++) {
        QL_TRY(i ? ql_buf_put_str(x->cx, b, ", ") : QL_OK);
        QL_TRY(qli_expr_text(x, q, keys[i].expr, b));
        QL_TRY(keys[i].descending ? ql_buf_put_str(x->cx, b, " DESC") : QL_OK);
    }
    return QL_OK;
}
