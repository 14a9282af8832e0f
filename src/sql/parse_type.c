/* SPDX-License-Identifier: Apache-2.0
 *
 * Data types: of columns, and the shorter list of CAST.
 */
#include "sql/sql_int.h"

/* (n) */
static ql_status
opt_length(qli_parser *p, ql_ast_type *t)
{
    uint64_t n;
    if (!qli_accept(p, T_LPAREN)) {
        return QL_OK;
    }
    QL_TRY(qli_uint(p, &n));
    t->has_length = true;
    t->length = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
    return qli_expect(p, T_RPAREN);
}

/* (m) or (m, d) */
static ql_status
opt_precision(qli_parser *p, ql_ast_type *t)
{
    uint64_t n;
    if (!qli_accept(p, T_LPAREN)) {
        return QL_OK;
    }
    QL_TRY(qli_uint(p, &n));
    t->has_length = true;
    t->length = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
    if (qli_accept(p, T_COMMA)) {
        QL_TRY(qli_uint(p, &n));
        t->has_decimals = true;
        t->decimals = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
    }
    return qli_expect(p, T_RPAREN);
}

/* (fractional digits) */
static ql_status
opt_fraction(qli_parser *p, ql_ast_type *t)
{
    uint64_t n;
    if (!qli_accept(p, T_LPAREN)) {
        return QL_OK;
    }
    QL_TRY(qli_uint(p, &n));
    t->has_decimals = true;
    t->decimals = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
    return qli_expect(p, T_RPAREN);
}

static void
number_attributes(qli_parser *p, ql_ast_type *t)
{
    for (;;) {
        if (qli_accept(p, K_UNSIGNED)) {
            t->is_unsigned = true;
        } else if (qli_accept(p, K_ZEROFILL)) {
            t->zerofill = true;
            t->is_unsigned = true;
        } else if (!qli_accept(p, K_SIGNED)) {
            return;
        }
    }
}

static ql_status
charset_attributes(qli_parser *p, ql_ast_type *t)
{
    for (;;) {
        if (qli_accept2(p, K_CHARACTER, K_SET) || qli_accept2(p, K_CHAR, K_SET) ||
            qli_accept(p, K_CHARSET)) {
            QL_TRY(qli_charset_name(p, &t->charset));
            t->is_binary = ql_str_eq_nocase(t->charset, QL_STR("binary"));
        } else if (qli_accept(p, K_ASCII)) {
            t->charset = QL_STR("latin1");
        } else if (qli_accept(p, K_UNICODE)) {
            t->charset = QL_STR("ucs2");
        } else if (qli_accept(p, K_BYTE)) {
            t->is_binary = true;
            t->charset = QL_STR("binary");
        } else if (qli_accept(p, K_BINARY)) {
            t->bin_collation = true;
        } else {
            return QL_OK;
        }
    }
}

static ql_status
integer_type(qli_parser *p, ql_ast_type *t, ql_field field)
{
    t->field = field;
    qli_advance(p);
    QL_TRY(opt_length(p, t));
    number_attributes(p, t);
    return QL_OK;
}

static ql_status
decimal_type(qli_parser *p, ql_ast_type *t)
{
    t->field = QL_F_NEWDECIMAL;
    qli_advance(p);
    QL_TRY(opt_precision(p, t));
    number_attributes(p, t);
    return QL_OK;
}

/* FLOAT(p): up to 24 bits are a FLOAT, up to 53 a DOUBLE; p says no more than that. One beyond that
 * stays, to be refused. */
static ql_status
float_type(qli_parser *p, ql_ast_type *t)
{
    t->field = QL_F_FLOAT;
    qli_advance(p);
    QL_TRY(opt_precision(p, t));
    if (t->has_length && !t->has_decimals && t->length <= 53) {
        t->field = t->length > 24 ? QL_F_DOUBLE : QL_F_FLOAT;
        t->has_length = false;
        t->length = 0;
    }
    number_attributes(p, t);
    return QL_OK;
}

static ql_status
double_type(qli_parser *p, ql_ast_type *t)
{
    t->field = QL_F_DOUBLE;
    qli_advance(p);
    (void)qli_accept(p, K_PRECISION);
    QL_TRY(opt_precision(p, t));
    number_attributes(p, t);
    return QL_OK;
}

/* CHAR, CHAR VARYING, VARCHAR, and the NATIONAL ones. */
static ql_status
char_type(qli_parser *p, ql_ast_type *t)
{
    t->field = QL_F_STRING;
    if (qli_accept(p, K_NATIONAL) || qli_is(p, K_NCHAR) || qli_is(p, K_NVARCHAR)) {
        t->charset = QL_STR("utf8mb3");
    }
    bool varying = qli_is(p, K_NVARCHAR) || qli_is(p, K_VARCHAR) || qli_is(p, K_VARCHARACTER);
    if (!varying && !qli_is(p, K_CHAR) && !qli_is(p, K_CHARACTER) && !qli_is(p, K_NCHAR)) {
        return qli_syntax_error(p);
    }
    qli_advance(p);
    if (!varying) {
        varying = qli_accept(p, K_VARYING) || (t->charset.n != 0 && qli_accept(p, K_VARCHAR));
    }
    t->field = varying ? QL_F_VARCHAR : QL_F_STRING;
    if (varying && !qli_is(p, T_LPAREN)) {
        return qli_syntax_error(p);
    }
    QL_TRY(opt_length(p, t));
    return charset_attributes(p, t);
}

static ql_status
binary_type(qli_parser *p, ql_ast_type *t, ql_field field)
{
    t->field = field;
    t->is_binary = true;
    qli_advance(p);
    if (field == QL_F_VARCHAR && !qli_is(p, T_LPAREN)) {
        return qli_syntax_error(p);
    }
    return opt_length(p, t);
}

static ql_status
text_type(qli_parser *p, ql_ast_type *t, ql_field field)
{
    t->field = field;
    qli_advance(p);
    if (field == QL_F_BLOB) {
        QL_TRY(opt_length(p, t));
    }
    return charset_attributes(p, t);
}

/* LONG, LONG VARCHAR, LONG VARBINARY: the medium ones. */
static ql_status
long_type(qli_parser *p, ql_ast_type *t)
{
    t->field = QL_F_MEDIUM_BLOB;
    qli_advance(p);
    if (qli_accept(p, K_VARBINARY)) {
        t->is_binary = true;
        return QL_OK;
    }
    if (!qli_accept(p, K_VARCHAR) && !qli_accept2(p, K_CHAR, K_VARYING)) {
        (void)qli_accept2(p, K_CHARACTER, K_VARYING);
    }
    return charset_attributes(p, t);
}

static ql_status
members_type(qli_parser *p, ql_ast_type *t, ql_field field)
{
    t->field = field;
    qli_advance(p);
    QL_TRY(qli_expect(p, T_LPAREN));
    do {
        QL_TRY(qli_grow(p, &t->members, &t->nmembers, sizeof *t->members));
        QL_TRY(qli_string(p, &t->members[t->nmembers - 1]));
    } while (qli_accept(p, T_COMMA));
    QL_TRY(qli_expect(p, T_RPAREN));
    return charset_attributes(p, t);
}

static ql_status
fraction_type(qli_parser *p, ql_ast_type *t, ql_field field)
{
    t->field = field;
    qli_advance(p);
    return opt_fraction(p, t);
}

static ql_status
word_type(qli_parser *p, ql_ast_type *t, ql_field field)
{
    t->field = field;
    qli_advance(p);
    return QL_OK;
}

ql_status
qli_column_type(qli_parser *p, ql_ast_type *t)
{
    *t = (ql_ast_type){.field = QL_F_NULL};
    switch (p->t.kind) {
    case K_TINYINT:
    case K_INT1:
        return integer_type(p, t, QL_F_TINY);
    case K_SMALLINT:
    case K_INT2:
        return integer_type(p, t, QL_F_SHORT);
    case K_MEDIUMINT:
    case K_INT3:
    case K_MIDDLEINT:
        return integer_type(p, t, QL_F_INT24);
    case K_INT:
    case K_INTEGER:
    case K_INT4:
        return integer_type(p, t, QL_F_LONG);
    case K_BIGINT:
    case K_INT8:
        return integer_type(p, t, QL_F_LONGLONG);
    case K_BOOL:
    case K_BOOLEAN:
        t->is_bool = t->has_length = true;
        t->length = 1;
        return word_type(p, t, QL_F_TINY);
    case K_SERIAL:
        t->is_serial = t->is_unsigned = true;
        return word_type(p, t, QL_F_LONGLONG);
    case K_BIT:
        t->field = QL_F_BIT;
        qli_advance(p);
        return opt_length(p, t);
    case K_DECIMAL:
    case K_DEC:
    case K_NUMERIC:
    case K_FIXED:
        return decimal_type(p, t);
    case K_FLOAT:
    case K_FLOAT4:
        return float_type(p, t);
    case K_DOUBLE:
    case K_FLOAT8:
    case K_REAL:
        return double_type(p, t);
    case K_DATE:
        return word_type(p, t, QL_F_DATE);
    case K_TIME:
        return fraction_type(p, t, QL_F_TIME);
    case K_DATETIME:
        return fraction_type(p, t, QL_F_DATETIME);
    case K_TIMESTAMP:
        return fraction_type(p, t, QL_F_TIMESTAMP);
    case K_YEAR:
        t->field = QL_F_YEAR;
        qli_advance(p);
        QL_TRY(opt_length(p, t));
        number_attributes(p, t);
        return QL_OK;
    case K_CHAR:
    case K_CHARACTER:
    case K_NCHAR:
    case K_NATIONAL:
    case K_VARCHAR:
    case K_VARCHARACTER:
    case K_NVARCHAR:
        return char_type(p, t);
    case K_BINARY:
        return binary_type(p, t, QL_F_STRING);
    case K_VARBINARY:
        return binary_type(p, t, QL_F_VARCHAR);
    case K_TINYBLOB:
        return binary_type(p, t, QL_F_TINY_BLOB);
    case K_BLOB:
        return binary_type(p, t, QL_F_BLOB);
    case K_MEDIUMBLOB:
        return binary_type(p, t, QL_F_MEDIUM_BLOB);
    case K_LONGBLOB:
        return binary_type(p, t, QL_F_LONG_BLOB);
    case K_TINYTEXT:
        return text_type(p, t, QL_F_TINY_BLOB);
    case K_TEXT:
        return text_type(p, t, QL_F_BLOB);
    case K_MEDIUMTEXT:
        return text_type(p, t, QL_F_MEDIUM_BLOB);
    case K_LONGTEXT:
        return text_type(p, t, QL_F_LONG_BLOB);
    case K_LONG:
        return long_type(p, t);
    case K_ENUM:
        return members_type(p, t, QL_F_ENUM);
    case K_SET:
        return members_type(p, t, QL_F_SET);
    case K_JSON:
        return word_type(p, t, QL_F_JSON);
    case K_GEOMETRY:
    case K_POINT:
    case K_LINESTRING:
    case K_POLYGON:
    case K_MULTIPOINT:
    case K_MULTILINESTRING:
    case K_MULTIPOLYGON:
    case K_GEOMETRYCOLLECTION:
    case K_GEOMCOLLECTION:
        return qli_unbuilt(p, "spatial types");
    default:
        return qli_syntax_error(p);
    }
}

/* SIGNED [INTEGER], UNSIGNED [INT] */
static ql_status
integer_cast(qli_parser *p, ql_ast_type *t)
{
    t->field = QL_F_LONGLONG;
    t->is_unsigned = qli_is(p, K_UNSIGNED);
    qli_advance(p);
    if (!qli_accept(p, K_INT)) {
        (void)qli_accept(p, K_INTEGER);
    }
    return QL_OK;
}

ql_status
qli_cast_type(qli_parser *p, ql_ast_type **out)
{
    ql_ast_type *t;
    QL_TRY(qli_new(p, sizeof *t, &t));
    *out = t;
    switch (p->t.kind) {
    case K_SIGNED:
    case K_UNSIGNED:
        return integer_cast(p, t);
    case K_BINARY:
        t->field = QL_F_VAR_STRING;
        t->is_binary = true;
        qli_advance(p);
        return opt_length(p, t);
    case K_CHAR:
    case K_CHARACTER:
    case K_NCHAR:
        if (qli_is(p, K_NCHAR)) {
            t->charset = QL_STR("utf8mb3");
        }
        t->field = QL_F_VAR_STRING;
        qli_advance(p);
        QL_TRY(opt_length(p, t));
        QL_TRY(charset_attributes(p, t));
        return t->bin_collation ? qli_unbuilt(p, "BINARY attribute in a CAST") : QL_OK;
    case K_DECIMAL:
    case K_DEC:
        t->field = QL_F_NEWDECIMAL;
        qli_advance(p);
        return opt_precision(p, t);
    case K_FLOAT:
        return float_type(p, t);
    case K_DOUBLE:
        t->field = QL_F_DOUBLE;
        qli_advance(p);
        (void)qli_accept(p, K_PRECISION);
        return QL_OK;
    case K_REAL:
        return word_type(p, t, QL_F_DOUBLE);
    case K_DATE:
        return word_type(p, t, QL_F_DATE);
    case K_YEAR:
        return word_type(p, t, QL_F_YEAR);
    case K_TIME:
        return fraction_type(p, t, QL_F_TIME);
    case K_DATETIME:
        return fraction_type(p, t, QL_F_DATETIME);
    case K_JSON:
        return word_type(p, t, QL_F_JSON);
    case K_POINT:
    case K_LINESTRING:
    case K_POLYGON:
    case K_MULTIPOINT:
    case K_MULTILINESTRING:
    case K_MULTIPOLYGON:
    case K_GEOMETRYCOLLECTION:
        return qli_unbuilt(p, "spatial types");
    default:
        return qli_syntax_error(p);
    }
}
