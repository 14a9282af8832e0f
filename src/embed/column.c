/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns of a prepared statement's result, and the values of its current row: numbers as SQL's
 * CAST gives them, texts as MySQL prints them.
 */
#include <math.h>

#include "embed/embed_int.h"

#define TWO_TO_63 9223372036854775808.0

unsigned
ql_column_count(const ql_stmt *st)
{
    return st->ncols;
}

const char *
ql_column_name(const ql_stmt *st, unsigned i)
{
    return i < st->ncols ? st->cols[i].name : NULL;
}

int
ql_column_field(const ql_stmt *st, unsigned i)
{
    return i < st->ncols ? (int)st->cols[i].field : -1;
}

static qli_cell
cell(const ql_stmt *st, unsigned i)
{
    qli_cell c = {.type = QUELL_NULL};
    const char *p = st->rows.p;
    if (p == NULL || i >= st->rows.ncols) {
        return c;
    }
    for (unsigned k = 0; k <= i; k++) {
        c = qli_cell_next(&p);
    }
    return c;
}

int
ql_column_type(ql_stmt *st, unsigned i)
{
    return cell(st, i).type;
}

int
ql_column_is_unsigned(ql_stmt *st, unsigned i)
{
    return cell(st, i).is_unsigned;
}

/* The number of a cell as SQL's CAST makes an integer of it. */
static int64_t
integer_of(const ql_stmt *st, const qli_cell *c, bool *is_unsigned)
{
    ql_ctx cx = {.inst = &st->e->lib->inst};
    ql_value v = ql_value_double(c->d);
    int64_t i = 0;
    size_t used;
    bool overflow;
    *is_unsigned = c->is_unsigned;
    if (c->type == QUELL_NULL || c->type == QUELL_INTEGER) {
        return c->i;
    }
    if (c->type == QUELL_FLOAT && c->d > 0) { /* beyond int64_t it is one without a sign */
        *is_unsigned = c->d >= TWO_TO_63;
        return (int64_t)(c->d >= 2 * TWO_TO_63 ? UINT64_MAX : (uint64_t)rint(c->d));
    }
    if (c->is_decimal) {
        v = ql_value_null();
        v.kind = QL_K_DECIMAL;
        (void)ql_decimal_parse(&v.dec, (ql_str){c->p, c->n}, &used);
    } else if (c->type != QUELL_FLOAT) {
        return ql_int_parse((ql_str){c->p, c->n}, &used, &overflow, is_unsigned);
    }
    return ql_value_to_int(&cx, &v, &i, is_unsigned) == QL_OK ? i : 0;
}

int64_t
ql_column_int64(ql_stmt *st, unsigned i)
{
    qli_cell c = cell(st, i);
    bool is_unsigned;
    int64_t v = integer_of(st, &c, &is_unsigned);
    return c.type != QUELL_INTEGER && is_unsigned && v < 0 ? INT64_MAX : v;
}

uint64_t
ql_column_uint64(ql_stmt *st, unsigned i)
{
    qli_cell c = cell(st, i);
    bool is_unsigned;
    return (uint64_t)integer_of(st, &c, &is_unsigned);
}

double
ql_column_double(ql_stmt *st, unsigned i)
{
    qli_cell c = cell(st, i);
    size_t used;
    bool overflow;
    switch (c.type) {
    case QUELL_INTEGER:
        return c.is_unsigned ? (double)(uint64_t)c.i : (double)c.i;
    case QUELL_FLOAT:
        return c.d;
    case QUELL_TEXT:
    case QUELL_BLOB:
        return ql_double_parse((ql_str){c.p, c.n}, &used, &overflow);
    default:
        return 0;
    }
}

/* A number as text; NULL without memory. */
static const char *
print(ql_stmt *st, const qli_cell *c, size_t *n)
{
    ql_ctx cx = {.inst = &st->e->lib->inst, .diag = NULL};
    ql_value v = c->type == QUELL_FLOAT ? ql_value_double(c->d)
                 : c->is_unsigned       ? ql_value_uint((uint64_t)c->i)
                                        : ql_value_int(c->i);
    char text[QL_VALUE_TEXT_MAX];
    if (c->type == QUELL_FLOAT) {
        v.decimals = c->decimals;
    }
    v.zerofill = c->zerofill;
    *n = ql_value_print(&v, text);
    return ql_arena_strndup(&cx, st->texts, text, *n);
}

const char *
ql_column_text(ql_stmt *st, unsigned i)
{
    qli_cell c = cell(st, i);
    size_t n;
    return c.type == QUELL_INTEGER || c.type == QUELL_FLOAT ? print(st, &c, &n) : c.p;
}

const void *
ql_column_blob(ql_stmt *st, unsigned i)
{
    return ql_column_text(st, i);
}

size_t
ql_column_bytes(ql_stmt *st, unsigned i)
{
    qli_cell c = cell(st, i);
    size_t n = c.n;
    if (c.type == QUELL_INTEGER || c.type == QUELL_FLOAT) {
        (void)print(st, &c, &n);
    }
    return n;
}
