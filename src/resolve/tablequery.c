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

/* The column of a table that an item simply names, or NULL. */
static const ql_column *
named_column(const ql_query *q, const ql_expr *e)
{
    if (e->kind != QL_E_SLOT || q->grouped || q->set_op != QL_SET_NONE) {
        return NULL;
    }
    for (uint16_t s = 0; s < q->nsources; s++) {
        const ql_source *src = &q->sources[s];
        for (uint16_t k = 0; src->table && k < src->ncols; k++) {
            if (src->slots[k] == e->index) {
                return &src->table->columns[src->ordinals[k]];
            }
        }
    }
    return NULL;
}

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
    c->type = from ? from->type : ql_type_for_column(&e->type);
    c->type.nullable = (from ? e->type.nullable : c->type.nullable) && !primary;
    if (!from && c->type.field >= QL_F_TINY_BLOB && c->type.field <= QL_F_BLOB) {
        c->type.field = QL_F_LONG_BLOB; /* how long it gets is not known */
        c->type.length = UINT32_MAX;
    }
    if (!from && c->type.kind == QL_K_INT && e->type.length > 0 && e->type.length < 10) {
        c->type.field = QL_F_LONG;
        c->type.length = ql_type_display_length(&c->type);
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
