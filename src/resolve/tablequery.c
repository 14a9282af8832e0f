/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns of CREATE TABLE ... SELECT (manual, "CREATE TABLE ... SELECT Statement"): their names and
 * types are the select list's; what is a column of a table keeps its comment and default.
 */
#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "intr/intr.h"
#include "resolve/tableexpr.h"
#include "resolve/tablespec_int.h"
#include "types/kinds.h"

/* --- what an item is --- */

/* The column of a table that an item simply names, or NULL. */
static const ql_column *
named_column(const ql_query *q, const ql_expr *e)
{
    if (e->kind != QL_E_SLOT || q->set_op != QL_SET_NONE || qli_aggregate_of_slot(q, e->index)) {
        return NULL;
    }
    e = qli_before_grouping(q, e);
    return e->kind == QL_E_SLOT ? qli_column_of_slot(q, e->index) : NULL;
}

/* MIN and MAX of a column have its type. */
static const ql_column *
extreme_column(const ql_query *q, const ql_expr *e)
{
    const ql_agg *g = e->kind == QL_E_SLOT && q->set_op == QL_SET_NONE
                          ? qli_aggregate_of_slot(q, e->index)
                          : NULL;
    bool is = g && (g->fn == QL_AGG_MIN || g->fn == QL_AGG_MAX);
    const ql_expr *a = is ? g->args[0] : NULL;
    if (is && a->kind == QL_E_CAST && ql_kind_is_list(a->args[0]->type.kind)) {
        a = a->args[0];
    }
    return is && a->kind == QL_E_SLOT ? qli_column_of_slot(q, a->index) : NULL;
}

/* A computed text: what is longer than 512 characters is a TEXT of the size that holds it. */
static void
set_text_type(ql_ctx *cx, const ql_query *q, const ql_expr *e, ql_type *t)
{
    uint32_t per = t->coll->charset->max_bytes ? t->coll->charset->max_bytes : 1;
    uint64_t chars = qli_text_chars(cx, q, e),
             bytes = chars > UINT32_MAX ? UINT32_MAX : chars * per;
    if (chars <= 512) {
        t->field = chars > 0 ? QL_F_VARCHAR : QL_F_STRING;
        t->length = (uint32_t)chars;
        return;
    }
    t->field = bytes <= 65535 ? QL_F_BLOB : bytes <= 16777215 ? QL_F_MEDIUM_BLOB : QL_F_LONG_BLOB;
    t->length = bytes <= 65535 ? 65535 : bytes <= 16777215 ? 16777215 : UINT32_MAX;
}

/* Others are VARCHAR, also what was cast to CHAR(n); bytes of a text that becomes binary count. */
static void
set_short_text_type(const ql_expr *e, ql_type *t)
{
    const ql_type *from = e->nargs > 0 ? &e->args[0]->type : NULL;
    bool cast = e->kind == QL_E_CAST && t->coll == ql_coll_binary && from->coll != ql_coll_binary &&
                t->length == from->length;
    if (from && from->kind == QL_K_STRING && cast) {
        uint64_t bytes = qli_text_chars_of_type(from) * from->coll->charset->max_bytes;
        t->length = bytes < t->length ? t->length : (uint32_t)bytes;
    }
    bool tall = t->length > 512;
    bool fixed = t->field == QL_F_STRING && t->length > 0;
    t->field = tall             ? QL_F_LONG_BLOB
               : t->length == 0 ? QL_F_STRING
               : fixed          ? QL_F_VARCHAR
                                : t->field;
    t->length = tall ? UINT32_MAX : t->length;
}

/* --- how long integers get --- */

/* EXTRACT: by MySQL's count days take seven digits in front of the others. */
static bool
has_few_digits(ql_unit u)
{
    switch (u) {
    case QL_U_DAY_MINUTE:
    case QL_U_DAY_SECOND:
    case QL_U_DAY_MICROSECOND:
    case QL_U_HOUR_MICROSECOND:
    case QL_U_MINUTE_MICROSECOND:
        return false;
    default:
        return true;
    }
}

/* Functions whose results have fewer than ten digits, sign included, by MySQL's count. */
static bool
is_short_function(const ql_expr *e)
{
    switch (e->fn) {
    case QL_FN_ASCII:
    case QL_FN_ORD:
    case QL_FN_FIELD:
    case QL_FN_FIND_IN_SET:
    case QL_FN_SIGN:
    case QL_FN_BIT_COUNT:
    case QL_FN_INTERVAL:
    case QL_FN_STRCMP:
    case QL_FN_YEAR:
    case QL_FN_QUARTER:
    case QL_FN_MONTH:
    case QL_FN_DAYOFMONTH:
    case QL_FN_DAYOFYEAR:
    case QL_FN_DAYOFWEEK:
    case QL_FN_WEEKDAY:
    case QL_FN_WEEK:
    case QL_FN_WEEKOFYEAR:
    case QL_FN_YEARWEEK:
    case QL_FN_HOUR:
    case QL_FN_MINUTE:
    case QL_FN_SECOND:
    case QL_FN_MICROSECOND:
    case QL_FN_TO_DAYS:
    case QL_FN_DATEDIFF:
    case QL_FN_PERIOD_ADD:
    case QL_FN_PERIOD_DIFF:
    case QL_FN_SLEEP:
    case QL_FN_BENCHMARK:
    case QL_FN_GET_LOCK:
    case QL_FN_RELEASE_LOCK:
    case QL_FN_IS_FREE_LOCK:
        return true;
    case QL_FN_EXTRACT:
        return has_few_digits(e->unit);
    default:
        return false;
    }
}

/* INT for what has fewer than ten digits, else BIGINT; unions of integers are BIGINT unless each
 * side names a narrower column. */
static void
set_int_type(const ql_query *q, const ql_expr *e, ql_type *t)
{
    bool narrow = e->type.length > 0 && e->type.length < 10;
    if (q->set_op != QL_SET_NONE && t->field == QL_F_LONGLONG) {
        narrow = false;
    }
    if (narrow || (e->kind == QL_E_FUNC && is_short_function(e))) {
        t->field = QL_F_LONG;
        t->length = ql_type_display_length(t);
    }
}

/* --- doubles --- */

/* 17 digits, and the decimals that they are rounded to. */
static void
set_double_type(const ql_expr *e, ql_type *t)
{
    if (e->kind == QL_E_FUNC && (e->fn == QL_FN_CEIL || e->fn == QL_FN_FLOOR)) {
        t->decimals = 0;
        t->length = 17;
    } else if (e->kind == QL_E_FUNC && (e->fn == QL_FN_ROUND || e->fn == QL_FN_TRUNCATE) &&
               t->decimals <= QL_DECIMAL_MAX_SCALE) {
        t->length = 17u + t->decimals;
    }
}

/* --- the column --- */

/* What cannot be NULL and was computed has the zero of its type as default, but for dates. */
static ql_status
computed_default(ql_ctx *cx, ql_column *c)
{
    ql_value zero = ql_value_zero(&c->type);
    c->default_kind = c->type.nullable ? QL_DEF_NULL : QL_DEF_NONE;
    if (c->type.nullable || ql_kind_is_temporal(c->type.kind) ||
        (c->type.field >= QL_F_TINY_BLOB && c->type.field <= QL_F_BLOB)) {
        return QL_OK;
    }
    c->default_kind = QL_DEF_VALUE;
    return ql_value_store(cx, cx->arena, &zero, &c->type, "", 1, false, &c->default_value);
}

static ql_status
item_column(ql_ctx *cx, const ql_query *q, const ql_item *it, bool primary, ql_column *c)
{
    const ql_expr *e = it->expr;
    const ql_column *from = named_column(q, e);
    *c = (ql_column){.name = it->column.name};
    const ql_column *extreme = from ? NULL : extreme_column(q, e);
    c->type = from ? from->type : extreme ? extreme->type : ql_type_for_column(&e->type);
    c->type.zerofill = from ? from->type.zerofill : 0;
    ql_type_settle(&c->type);
    c->type.nullable = (from ? e->type.nullable : extreme || c->type.nullable) && !primary;
    bool blob = c->type.field >= QL_F_TINY_BLOB && c->type.field <= QL_F_BLOB;
    bool counted = e->kind == QL_E_FUNC && c->type.kind == QL_K_STRING &&
                   (e->fn == QL_FN_UNCOMPRESS || qli_text_chars(cx, q, e) != QLI_UNKNOWN_CHARS);
    if (!from && !extreme && (blob || counted)) {
        set_text_type(cx, q, e, &c->type);
    } else if (!from && !extreme && c->type.kind == QL_K_STRING) {
        set_short_text_type(e, &c->type);
    }
    if (!from && !extreme && c->type.kind == QL_K_INT && c->type.field != QL_F_YEAR &&
        c->type.field != QL_F_BIT) {
        set_int_type(q, e, &c->type);
    }
    if (!from && !extreme && c->type.kind == QL_K_DOUBLE) {
        set_double_type(e, &c->type);
    }
    if (!from) {
        return computed_default(cx, c);
    }
    c->zerofill = from->zerofill;
    c->comment = from->comment;
    c->default_kind = c->type.nullable ? QL_DEF_NULL : QL_DEF_NONE;
    if (from->default_kind == QL_DEF_VALUE || from->default_kind == QL_DEF_NOW) {
        c->default_kind = from->default_kind;
        c->default_value = from->default_value;
    }
    return from->auto_increment ? computed_default(cx, c) : QL_OK;
}

static int
find_item(const ql_query *q, ql_str name)
{
    for (uint16_t i = 0; i < q->nitems; i++) {
        if (ql_str_eq_nocase(q->items[i].column.name, name)) {
            return (int)i;
        }
    }
    return -1;
}

static int
find_written(const ql_ast_create_table *ct, ql_str name)
{
    for (uint32_t i = 0; i < ct->ncolumns; i++) {
        if (ql_str_eq_nocase(ct->columns[i].name, name)) {
            return (int)i;
        }
    }
    return -1;
}

ql_status
qli_query_columns(ql_ctx *cx, ql_table_spec *spec, const ql_ast_create_table *ct, const ql_query *q,
                  uint16_t *columns)
{
    uint16_t n = 0;
    ql_column *written = QL_ARENA_ARRAY(cx, cx->arena, ql_column, ct->ncolumns + 1u);
    if (!written) {
        return QL_ERROR;
    }
    if (ct->ncolumns > 0) {
        memcpy(written, spec->columns, sizeof *written * ct->ncolumns);
    }
    for (uint32_t i = 0; i < ct->ncolumns; i++) {
        QL_TRY(ql_bulk_count(cx, q->nitems));
        if (find_item(q, written[i].name) < 0) {
            spec->columns[n++] = written[i];
        }
    }
    for (uint16_t i = 0; i < q->nitems; i++) {
        const ql_item *it = &q->items[i];
        int at = find_written(ct, it->column.name);
        bool primary;
        QL_TRY(ql_check(cx));
        if (find_item(q, it->column.name) < (int)i) {
            return ql_fail(cx, QL_ER_DUP_FIELDNAME, ql_cstr(cx, it->column.name));
        }
        columns[i] = n;
        if (at >= 0 && written[at].generated.n > 0) {
            return ql_fail(cx, QL_ER_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN,
                           ql_cstr(cx, written[at].name), ql_cstr(cx, spec->name));
        }
        if (at >= 0) {
            spec->columns[n++] = written[at];
            continue;
        }
        QL_TRY(qli_in_primary_key(cx, ct, it->column.name, &primary));
        QL_TRY(item_column(cx, q, it, primary, &spec->columns[n++]));
    }
    spec->ncolumns = n;
    for (uint16_t i = 0; i < n; i++) {
        spec->columns[i].ordinal = i;
    }
    return QL_OK;
}
