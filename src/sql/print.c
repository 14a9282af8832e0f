/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions as text (print.h). What the tree no longer tells apart is written in one form:
 * DATE_ADD as +, SUBSTRING as substr, COUNT(*) as count(0). Recursion is bounded by the height the
 * parser allows. No locks, no waits.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/bulk.h"
#include "base/text.h"
#include "sql/print_int.h"
#include "sql/sql_int.h"
#include "types/collate.h"

/* --- names and literals ---------------------------------------------------------------------- */

static const char *
escape_of(char c)
{
    switch (c) {
    case '\'':
        return "\\'";
    case '\\':
        return "\\\\";
    case '\0':
        return "\\0";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\032':
        return "\\Z";
    default:
        return NULL;
    }
}

ql_status
ql_print_text(ql_ctx *cx, ql_buf *b, ql_str s)
{
    QL_TRY(ql_buf_put(cx, b, "'", 1));
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        const char *escaped = escape_of(s.p[i]);
        if (escaped != NULL) {
            QL_TRY(ql_buf_put(cx, b, s.p + from, i - from));
            QL_TRY(ql_buf_put_str(cx, b, escaped));
            from = i + 1;
        }
        if (i % 4096 == 4095) {
            QL_TRY(ql_bulk_count(cx, 4096));
        }
    }
    QL_TRY(s.n > from ? ql_buf_put(cx, b, s.p + from, s.n - from) : QL_OK);
    return ql_buf_put(cx, b, "'", 1);
}

ql_status
qli_print_qualified(qli_printer *p, ql_str db, ql_str name)
{
    if (db.n > 0 && !ql_str_eq(db, p->mode->omit_db)) {
        QL_TRY(ql_buf_put_name(p->cx, p->b, db));
        QL_TRY(qli_put(p, "."));
    }
    return ql_buf_put_name(p->cx, p->b, name);
}

static ql_status
put_hex(qli_printer *p, ql_str bytes)
{
    static const char digits[] = "0123456789ABCDEF";
    if (bytes.n == 0) {
        return qli_put(p, "x''");
    }
    QL_TRY(qli_put(p, "0x"));
    for (size_t i = 0; i < bytes.n; i++) {
        char two[2] = {digits[(uint8_t)bytes.p[i] >> 4], digits[bytes.p[i] & 15]};
        QL_TRY(ql_bulk_count(p->cx, 2));
        QL_TRY(ql_buf_put(p->cx, p->b, two, 2));
    }
    return QL_OK;
}

static bool
is_ascii(ql_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((uint8_t)s.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/* The introducer's bytes: those of its character set, so what is no ASCII is written as a number.
 */
static ql_status
put_introduced(qli_printer *p, const ql_charset *cs, ql_str s)
{
    QL_TRY(ql_buf_printf(p->cx, p->b, "_%s", cs->name));
    if (is_ascii(s) && ql_charset_extends_ascii(cs)) {
        return ql_print_text(p->cx, p->b, s);
    }
    QL_TRY(qli_put(p, " "));
    if (ql_charset_is_plain(cs)) {
        return put_hex(p, s);
    }
    ql_buf bytes = {0};
    bool lossy = false;
    ql_status st = ql_charset_to_client(p->cx, cs, s, &bytes, &lossy);
    st = st == QL_OK ? put_hex(p, (ql_str){bytes.p, bytes.n}) : st;
    ql_buf_free(&bytes);
    return st;
}

static ql_status
put_string(qli_printer *p, const ql_ast_expr *e)
{
    const ql_value *v = &e->value;
    if (e->is_hex) {
        return put_hex(p, v->s);
    }
    const ql_collation *usual = p->mode->literal_coll;
    if (v->coll != NULL && (p->mode->introduce || (usual != NULL && v->coll != usual))) {
        return put_introduced(p, v->coll->charset, v->s);
    }
    if (ql_utf8_valid_prefix(v->s) != v->s.n) {
        return put_hex(p, v->s);
    }
    return ql_print_text(p->cx, p->b, v->s);
}

static ql_status
put_number(qli_printer *p, const ql_value *v)
{
    char text[QL_VALUE_TEXT_MAX];
    size_t n = ql_value_print(v, text);
    QL_TRY(ql_buf_put(p->cx, p->b, text, n));
    bool plain = memchr(text, '.', n) == NULL && memchr(text, 'e', n) == NULL;
    if (ql_kind_family(v->kind) == QL_FAM_DOUBLE) {
        return memchr(text, 'e', n) == NULL ? qli_put(p, "e0") : QL_OK;
    }
    return ql_kind_family(v->kind) == QL_FAM_DECIMAL && plain ? qli_put(p, ".") : QL_OK;
}

static ql_status
put_temporal(qli_printer *p, const ql_value *v)
{
    char text[QL_VALUE_TEXT_MAX];
    unsigned parts = ql_kind_calendar(v->kind);
    const char *word = (parts & QL_HAS_DATE) == 0 ? "TIME'"
                       : (parts & QL_HAS_TIME)    ? "TIMESTAMP'"
                                                  : "DATE'";
    size_t n = ql_value_print(v, text);
    QL_TRY(qli_put(p, word));
    QL_TRY(ql_buf_put(p->cx, p->b, text, n));
    return qli_put(p, "'");
}

static ql_status
put_literal(qli_printer *p, const ql_ast_expr *e)
{
    if (e->is_bool) {
        return qli_put(p, e->value.i != 0 ? "true" : "false");
    }
    switch (ql_kind_family(e->value.kind)) {
    case QL_FAM_STRING:
        return put_string(p, e);
    case QL_FAM_TEMPORAL:
        return put_temporal(p, &e->value);
    case QL_FAM_INT:
    case QL_FAM_DECIMAL:
    case QL_FAM_DOUBLE:
        return put_number(p, &e->value);
    default:
        return qli_put(p, "NULL");
    }
}

/* --- lists ----------------------------------------------------------------------------------- */

static ql_status
put_list(qli_printer *p, ql_ast_expr *const *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(i > 0 ? qli_put(p, ",") : QL_OK);
        QL_TRY(qli_print_expr(p, v[i]));
    }
    return QL_OK;
}

ql_status
qli_print_orders(qli_printer *p, const ql_ast_orders *o)
{
    for (uint32_t i = 0; i < o->n; i++) {
        QL_TRY(i > 0 ? qli_put(p, ",") : QL_OK);
        QL_TRY(qli_print_expr(p, o->v[i].expr));
        QL_TRY(o->v[i].descending ? qli_put(p, " desc") : QL_OK);
    }
    return QL_OK;
}

static ql_status
put_subquery(qli_printer *p, const ql_ast_expr *e)
{
    QL_TRY(qli_put(p, "("));
    QL_TRY(qli_print_select(p, e->select));
    return qli_put(p, ")");
}

/* --- operators ------------------------------------------------------------------------------- */

/* Between its operands, or NULL: it is written otherwise. */
static const char *
infix(ql_op op)
{
    static const char *const words[] = {
        [QL_OP_OR] = " or ",         [QL_OP_XOR] = " xor ",       [QL_OP_AND] = " and ",
        [QL_OP_EQ] = " = ",          [QL_OP_NE] = " <> ",         [QL_OP_NULLSAFE_EQ] = " <=> ",
        [QL_OP_LT] = " < ",          [QL_OP_LE] = " <= ",         [QL_OP_GT] = " > ",
        [QL_OP_GE] = " >= ",         [QL_OP_ADD] = " + ",         [QL_OP_SUB] = " - ",
        [QL_OP_MUL] = " * ",         [QL_OP_DIV] = " / ",         [QL_OP_INTDIV] = " DIV ",
        [QL_OP_MOD] = " % ",         [QL_OP_BITOR] = " | ",       [QL_OP_BITAND] = " & ",
        [QL_OP_BITXOR] = " ^ ",      [QL_OP_SHL] = " << ",        [QL_OP_SHR] = " >> ",
        [QL_OP_EQ_ANY] = " = any ",  [QL_OP_NE_ANY] = " <> any ", [QL_OP_LT_ANY] = " < any ",
        [QL_OP_LE_ANY] = " <= any ", [QL_OP_GT_ANY] = " > any ",  [QL_OP_GE_ANY] = " >= any ",
        [QL_OP_EQ_ALL] = " = all ",  [QL_OP_NE_ALL] = " <> all ", [QL_OP_LT_ALL] = " < all ",
        [QL_OP_LE_ALL] = " <= all ", [QL_OP_GT_ALL] = " > all ",  [QL_OP_GE_ALL] = " >= all "};
    return (size_t)op < QL_ARRAY_LEN(words) ? words[op] : NULL;
}

static const char *
prefix(ql_op op)
{
    switch (op) {
    case QL_OP_NOT:
        return "(not(";
    case QL_OP_NEG:
        return "-(";
    case QL_OP_BITNOT:
        return "~(";
    default:
        return NULL;
    }
}

static const char *
suffix(ql_op op)
{
    switch (op) {
    case QL_OP_IS_NULL:
        return " is null)";
    case QL_OP_IS_NOT_NULL:
        return " is not null)";
    case QL_OP_IS_TRUE:
        return " is true)";
    case QL_OP_IS_NOT_TRUE:
        return " is not true)";
    case QL_OP_IS_FALSE:
        return " is false)";
    case QL_OP_IS_NOT_FALSE:
        return " is not false)";
    case QL_OP_IS_UNKNOWN:
        return " is null)";
    case QL_OP_IS_NOT_UNKNOWN:
        return " is not null)";
    default:
        return NULL;
    }
}

static ql_status
put_between(qli_printer *p, const ql_ast_expr *e)
{
    QL_TRY(qli_print_expr(p, e->args.v[0]));
    QL_TRY(qli_put(p, e->op == QL_OP_BETWEEN ? " between " : " not between "));
    QL_TRY(qli_print_expr(p, e->args.v[1]));
    QL_TRY(qli_put(p, " and "));
    return qli_print_expr(p, e->args.v[2]);
}

static ql_status
put_in(qli_printer *p, const ql_ast_expr *e)
{
    bool query = e->args.n == 2 && e->args.v[1]->kind == QL_A_SUBQUERY;
    QL_TRY(qli_print_expr(p, e->args.v[0]));
    QL_TRY(qli_put(p, e->op == QL_OP_IN ? " in " : " not in "));
    if (query) {
        return put_subquery(p, e->args.v[1]);
    }
    QL_TRY(qli_put(p, "("));
    QL_TRY(put_list(p, e->args.v + 1, e->args.n - 1));
    return qli_put(p, ")");
}

static ql_status
put_like(qli_printer *p, const ql_ast_expr *e)
{
    bool negated = e->op == QL_OP_NOT_LIKE;
    QL_TRY(negated ? qli_put(p, "not((") : QL_OK);
    QL_TRY(qli_print_expr(p, e->args.v[0]));
    QL_TRY(qli_put(p, " like "));
    QL_TRY(qli_print_expr(p, e->args.v[1]));
    if (e->args.n > 2) {
        QL_TRY(qli_put(p, " escape "));
        QL_TRY(qli_print_expr(p, e->args.v[2]));
    }
    return negated ? qli_put(p, "))") : QL_OK;
}

static ql_status
put_regexp(qli_printer *p, const ql_ast_expr *e)
{
    bool negated = e->op == QL_OP_NOT_REGEXP;
    QL_TRY(qli_put(p, negated ? "(not(regexp_like(" : "regexp_like("));
    QL_TRY(put_list(p, e->args.v, e->args.n));
    return qli_put(p, negated ? ")))" : ")");
}

/* An AND or OR of many operands is a tree of least height here; one list in the text. */
static ql_status
put_chain(qli_printer *p, const ql_ast_expr *e, ql_op op)
{
    for (uint32_t i = 0; i < e->args.n; i++) {
        const ql_ast_expr *a = e->args.v[i];
        QL_TRY(i > 0 ? qli_put(p, infix(op)) : QL_OK);
        QL_TRY(a->kind == QL_A_OP && a->op == op ? put_chain(p, a, op) : qli_print_expr(p, a));
    }
    return QL_OK;
}

static ql_status
put_special(qli_printer *p, const ql_ast_expr *e)
{
    switch (e->op) {
    case QL_OP_BETWEEN:
    case QL_OP_NOT_BETWEEN:
        return put_between(p, e);
    case QL_OP_IN:
    case QL_OP_NOT_IN:
        return put_in(p, e);
    default:
        return put_like(p, e);
    }
}

static ql_status
put_op(qli_printer *p, const ql_ast_expr *e)
{
    const char *before = prefix(e->op), *behind = suffix(e->op), *word = infix(e->op);
    if (e->op == QL_OP_PLUS) {
        return qli_print_expr(p, e->args.v[0]);
    }
    if (before != NULL) {
        QL_TRY(qli_put(p, before));
        QL_TRY(qli_print_expr(p, e->args.v[0]));
        return qli_put(p, e->op == QL_OP_NOT ? "))" : ")");
    }
    if (e->op == QL_OP_REGEXP || e->op == QL_OP_NOT_REGEXP) {
        return put_regexp(p, e);
    }
    QL_TRY(qli_put(p, "("));
    if (e->op == QL_OP_AND || e->op == QL_OP_OR) {
        QL_TRY(put_chain(p, e, e->op));
        return qli_put(p, ")");
    }
    if (behind != NULL) {
        QL_TRY(qli_print_expr(p, e->args.v[0]));
        return qli_put(p, behind);
    }
    if (word == NULL) {
        QL_TRY(put_special(p, e));
        return qli_put(p, ")");
    }
    for (uint32_t i = 0; i < e->args.n; i++) {
        QL_TRY(i > 0 ? qli_put(p, word) : QL_OK);
        QL_TRY(qli_print_expr(p, e->args.v[i]));
    }
    return qli_put(p, ")");
}

/* --- calls ----------------------------------------------------------------------------------- */

static bool
is_plain_word(ql_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
              (i > 0 && c >= '0' && c <= '9'))) {
            return false;
        }
    }
    return s.n > 0;
}

static ql_status
put_lower(qli_printer *p, ql_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
        QL_TRY(ql_buf_put(p->cx, p->b, &c, 1));
    }
    return QL_OK;
}

/* Names that MySQL gives back where another was written. */
static const struct {
    const char *written, *shown;
} renamed[] = {
    {"SUBSTRING", "substr"},      {"MID", "substr"},  {"POWER", "pow"},
    {"CEIL", "ceiling"},          {"LCASE", "lower"}, {"UCASE", "upper"},
    {"DAY", "dayofmonth"},        {"SHA1", "sha"},    {"OCTET_LENGTH", "length"},
    {"CURRENT_TIMESTAMP", "now"}, {"ATAN2", "atan"},  {"CHARACTER_LENGTH", "char_length"},
    {"SCHEMA", "database"},
};

static ql_status
put_function_name(qli_printer *p, const ql_ast_expr *e)
{
    if (e->schema.n > 0) {
        return qli_print_qualified(p, e->schema, e->name);
    }
    for (size_t i = 0; i < QL_ARRAY_LEN(renamed); i++) {
        if (ql_str_eq_nocase(e->name, (ql_str){renamed[i].written, strlen(renamed[i].written)})) {
            return qli_put(p, renamed[i].shown);
        }
    }
    return is_plain_word(e->name) ? put_lower(p, e->name) : ql_buf_put_name(p->cx, p->b, e->name);
}

static ql_status
put_unit(qli_printer *p, ql_unit u)
{
    const char *word = qli_unit_text(u);
    return put_lower(p, (ql_str){word, strlen(word)});
}

static ql_status
put_interval(qli_printer *p, const ql_ast_expr *e)
{
    QL_TRY(qli_put(p, "interval "));
    QL_TRY(qli_print_expr(p, e->args.v[0]));
    QL_TRY(qli_put(p, " "));
    return put_unit(p, e->unit);
}

static ql_status
put_date_arith(qli_printer *p, const ql_ast_expr *e, const char *sign)
{
    QL_TRY(qli_put(p, "("));
    QL_TRY(qli_print_expr(p, e->args.v[0]));
    QL_TRY(qli_put(p, sign));
    QL_TRY(qli_print_expr(p, e->args.v[1]));
    return qli_put(p, ")");
}

static bool
is_named(const ql_ast_expr *e, const char *name)
{
    return e->schema.n == 0 && ql_str_eq_nocase(e->name, (ql_str){name, strlen(name)});
}

static ql_status put_cast_type(qli_printer *p, const ql_ast_type *t);

static ql_status
put_json_value(qli_printer *p, const ql_ast_expr *e)
{
    static const char *const when[] = {" on empty", " on error"};
    QL_TRY(qli_put(p, "json_value("));
    QL_TRY(put_list(p, e->args.v, 2));
    if (e->cast_type != NULL) {
        QL_TRY(qli_put(p, " returning "));
        QL_TRY(put_cast_type(p, e->cast_type));
    }
    for (unsigned i = 0; i < 2; i++) {
        unsigned action = e->index >> (2 * i) & 3;
        if (action == QL_JSON_ON_DEFAULT) {
            QL_TRY(qli_put(p, " default "));
            QL_TRY(qli_print_expr(p, e->args.v[2 + i]));
        } else {
            QL_TRY(qli_put(p, action == QL_JSON_ON_ERROR ? " error" : " null"));
        }
        QL_TRY(qli_put(p, when[i]));
    }
    return qli_put(p, ")");
}

static ql_status
put_call(qli_printer *p, const ql_ast_expr *e)
{
    if (is_named(e, "DATE_ADD") || is_named(e, "DATE_SUB")) {
        return put_date_arith(p, e, is_named(e, "DATE_ADD") ? " + " : " - ");
    }
    if (e->args.n == 1 && (is_named(e, "DATE") || is_named(e, "TIME"))) {
        QL_TRY(qli_put(p, "cast("));
        QL_TRY(qli_print_expr(p, e->args.v[0]));
        return qli_put(p, is_named(e, "DATE") ? " as date)" : " as time)");
    }
    if (is_named(e, "JSON_VALUE") && e->args.n >= 2) {
        return put_json_value(p, e);
    }
    if (is_named(e, "MEMBER OF")) {
        QL_TRY(qli_print_expr(p, e->args.v[0]));
        QL_TRY(qli_put(p, " member of ("));
        QL_TRY(qli_print_expr(p, e->args.v[1]));
        return qli_put(p, ")");
    }
    QL_TRY(put_function_name(p, e));
    QL_TRY(qli_put(p, e->distinct ? "(distinct " : "("));
    if (is_named(e, "TIMESTAMPADD") || is_named(e, "TIMESTAMPDIFF")) {
        QL_TRY(ql_buf_printf(p->cx, p->b, "%s,", qli_unit_text(e->unit)));
    }
    if (e->args.n == 1 && e->args.v[0]->kind == QL_A_STAR) {
        return qli_put(p, "0)");
    }
    if (is_named(e, "GET_FORMAT")) { /* its first argument is a word */
        ql_str word = e->args.v[0]->value.s;
        QL_TRY(ql_buf_printf(p->cx, p->b, "%.*s,", (int)word.n, word.p));
        QL_TRY(qli_print_expr(p, e->args.v[1]));
        return qli_put(p, ")");
    }
    QL_TRY(put_list(p, e->args.v, e->args.n));
    return qli_put(p, ")");
}

static ql_status
put_group_concat(qli_printer *p, const ql_ast_expr *e)
{
    QL_TRY(qli_put(p, e->distinct ? "group_concat(distinct " : "group_concat("));
    QL_TRY(put_list(p, e->args.v, e->args.n));
    if (e->order_by.n > 0) {
        QL_TRY(qli_put(p, " order by "));
        QL_TRY(qli_print_orders(p, &e->order_by));
    }
    QL_TRY(qli_put(p, " separator "));
    QL_TRY(ql_print_text(p->cx, p->b, e->value.s));
    return qli_put(p, ")");
}

static ql_status
put_case(qli_printer *p, const ql_ast_expr *e)
{
    uint32_t i = 0, end = e->args.n - (e->has_else ? 1 : 0);
    QL_TRY(qli_put(p, "(case"));
    if (e->has_operand) {
        QL_TRY(qli_put(p, " "));
        QL_TRY(qli_print_expr(p, e->args.v[i++]));
    }
    for (; i + 1 < end; i += 2) {
        QL_TRY(qli_put(p, " when "));
        QL_TRY(qli_print_expr(p, e->args.v[i]));
        QL_TRY(qli_put(p, " then "));
        QL_TRY(qli_print_expr(p, e->args.v[i + 1]));
    }
    if (e->has_else) {
        QL_TRY(qli_put(p, " else "));
        QL_TRY(qli_print_expr(p, e->args.v[end]));
    }
    return qli_put(p, " end)");
}

/* --- types ----------------------------------------------------------------------------------- */

static ql_status
put_char_type(qli_printer *p, const ql_ast_type *t)
{
    bool bytes = t->is_binary && t->charset.n == 0;
    QL_TRY(qli_put(p, bytes && !p->mode->introduce ? "binary" : "char"));
    if (t->has_length) {
        QL_TRY(ql_buf_printf(p->cx, p->b, "(%u)", t->length));
    }
    if (t->charset.n > 0) {
        QL_TRY(qli_put(p, " charset "));
        return put_lower(p, t->charset);
    }
    return p->mode->introduce ? qli_put(p, bytes ? " charset binary" : " charset utf8mb4") : QL_OK;
}

static ql_status
put_cast_type(qli_printer *p, const ql_ast_type *t)
{
    switch (t->field) {
    case QL_F_LONGLONG:
        return qli_put(p, t->is_unsigned ? "unsigned" : "signed");
    case QL_F_NEWDECIMAL:
        if (!t->has_length) {
            return qli_put(p, "decimal");
        }
        return ql_buf_printf(p->cx, p->b, "decimal(%u,%u)", t->length, t->decimals);
    case QL_F_FLOAT:
        return qli_put(p, "float");
    case QL_F_DOUBLE:
        return qli_put(p, "double");
    case QL_F_DATE:
        return qli_put(p, "date");
    case QL_F_YEAR:
        return qli_put(p, "year");
    case QL_F_JSON:
        return qli_put(p, "json");
    case QL_F_TIME:
    case QL_F_DATETIME:
        QL_TRY(qli_put(p, t->field == QL_F_TIME ? "time" : "datetime"));
        return t->decimals > 0 ? ql_buf_printf(p->cx, p->b, "(%u)", t->decimals) : QL_OK;
    default:
        return put_char_type(p, t);
    }
}

static ql_status
put_cast(qli_printer *p, const ql_ast_expr *e)
{
    QL_TRY(qli_put(p, "cast("));
    QL_TRY(qli_print_expr(p, e->args.v[0]));
    QL_TRY(qli_put(p, " as "));
    QL_TRY(put_cast_type(p, e->cast_type));
    return qli_put(p, ")");
}

/* --- calls with words ------------------------------------------------------------------------ */

static ql_status
put_trim(qli_printer *p, const ql_ast_expr *e)
{
    static const char *const sides[] = {"both ", "leading ", "trailing "};
    QL_TRY(qli_put(p, "trim("));
    if (e->args.n > 1 || e->index > 0) {
        QL_TRY(qli_put(p, sides[e->index]));
        if (e->args.n > 1) {
            QL_TRY(qli_print_expr(p, e->args.v[1]));
            QL_TRY(qli_put(p, " "));
        }
        QL_TRY(qli_put(p, "from "));
    }
    QL_TRY(qli_print_expr(p, e->args.v[0]));
    return qli_put(p, ")");
}

static ql_status
put_worded(qli_printer *p, const ql_ast_expr *e)
{
    switch (e->kind) {
    case QL_A_CONVERT:
        QL_TRY(qli_put(p, "convert("));
        QL_TRY(qli_print_expr(p, e->args.v[0]));
        QL_TRY(qli_put(p, " using "));
        QL_TRY(put_lower(p, e->name));
        return qli_put(p, ")");
    case QL_A_COLLATE:
        QL_TRY(qli_put(p, "("));
        QL_TRY(qli_print_expr(p, e->args.v[0]));
        QL_TRY(qli_put(p, " collate "));
        QL_TRY(put_lower(p, e->name));
        return qli_put(p, ")");
    case QL_A_EXTRACT:
        QL_TRY(qli_put(p, "extract("));
        QL_TRY(put_unit(p, e->unit));
        QL_TRY(qli_put(p, " from "));
        QL_TRY(qli_print_expr(p, e->args.v[0]));
        return qli_put(p, ")");
    case QL_A_EXISTS:
        QL_TRY(qli_put(p, "exists"));
        return put_subquery(p, e);
    case QL_A_DEFAULT:
        if (e->args.n == 0) {
            return qli_put(p, "default");
        }
        QL_TRY(qli_put(p, "default("));
        QL_TRY(put_list(p, e->args.v, e->args.n));
        return qli_put(p, ")");
    default:
        QL_TRY(qli_put(p, "values("));
        QL_TRY(put_list(p, e->args.v, e->args.n));
        return qli_put(p, ")");
    }
}

static ql_status
put_variable(qli_printer *p, const ql_ast_expr *e)
{
    if (e->kind == QL_A_SYSVAR) {
        QL_TRY(qli_put(p, e->scope == QL_SCOPE_GLOBAL ? "@@global." : "@@"));
        return ql_buf_put(p->cx, p->b, e->name.p, e->name.n);
    }
    QL_TRY(qli_put(p, e->kind == QL_A_ASSIGN ? "(@" : "@"));
    QL_TRY(ql_buf_put_name(p->cx, p->b, e->name));
    if (e->kind == QL_A_USERVAR) {
        return QL_OK;
    }
    QL_TRY(qli_put(p, " := "));
    QL_TRY(qli_print_expr(p, e->args.v[0]));
    return qli_put(p, ")");
}

static ql_status
put_column(qli_printer *p, const ql_ast_expr *e)
{
    if (e->table.n > 0 && !p->mode->bare) {
        QL_TRY(qli_print_qualified(p, e->schema, e->table));
        QL_TRY(qli_put(p, "."));
    }
    return e->kind == QL_A_STAR ? qli_put(p, "*") : ql_buf_put_name(p->cx, p->b, e->name);
}

ql_status
qli_print_expr(qli_printer *p, const ql_ast_expr *e)
{
    QL_TRY(ql_bulk_node(p->cx));
    switch (e->kind) {
    case QL_A_LITERAL:
        return put_literal(p, e);
    case QL_A_PARAM:
        return qli_put(p, "?");
    case QL_A_COLUMN:
    case QL_A_STAR:
        return put_column(p, e);
    case QL_A_OP:
        return put_op(p, e);
    case QL_A_FUNC:
        return put_call(p, e);
    case QL_A_CASE:
        return put_case(p, e);
    case QL_A_CAST:
        return put_cast(p, e);
    case QL_A_INTERVAL:
        return put_interval(p, e);
    case QL_A_USERVAR:
    case QL_A_ASSIGN:
    case QL_A_SYSVAR:
        return put_variable(p, e);
    case QL_A_SUBQUERY:
        return put_subquery(p, e);
    case QL_A_ROW:
        QL_TRY(qli_put(p, "("));
        QL_TRY(put_list(p, e->args.v, e->args.n));
        return qli_put(p, ")");
    case QL_A_GROUP_CONCAT:
        return put_group_concat(p, e);
    case QL_A_TRIM:
        return put_trim(p, e);
    case QL_A_CONVERT:
    case QL_A_COLLATE:
    case QL_A_EXISTS:
    case QL_A_DEFAULT:
    case QL_A_VALUES:
    case QL_A_EXTRACT:
        return put_worded(p, e);
    }
    return QL_OK;
}

ql_status
ql_print_expr(ql_ctx *cx, ql_buf *b, const ql_ast_expr *e, const ql_print_mode *mode)
{
    qli_printer p = {.cx = cx, .b = b, .mode = mode};
    return qli_print_expr(&p, e);
}

const ql_print_mode ql_print_stored = {.bare = true, .introduce = true};

ql_status
ql_parse_expr(ql_ctx *cx, ql_arena *a, ql_str text, ql_ast_expr **out)
{
    const ql_parse_mode mode = {.dates = QL_DATES_ZEROS, .literal_coll = ql_coll_default};
    char *sql = ql_arena_printf(cx, a, "DO %.*s", (int)text.n, text.p);
    ql_ast_stmt *stmt;
    size_t consumed;
    if (sql == NULL) {
        return QL_ERROR;
    }
    ql_str all = {sql, text.n + 3};
    QL_TRY(ql_parse(cx, a, all, &mode, &stmt, &consumed));
    if (stmt->kind != QL_S_DO || stmt->exprs.n != 1 || consumed < all.n) {
        return ql_parse_fail_rest(cx, all, 3);
    }
    *out = stmt->exprs.v[0];
    return QL_OK;
}
