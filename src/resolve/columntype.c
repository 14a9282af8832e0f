/* SPDX-License-Identifier: Apache-2.0
 *
 * The type of a column from what was written of it: lengths, digits, character sets, with MySQL's
 * error numbers. Types that are not built yet are error 1235.
 */
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "resolve/tablespec_int.h"
#include "json/json.h"

#define MAX_VARCHAR_BYTES 65535u
#define MAX_WIDTH 255u /* of integers */
#define MAX_BITS 64u

static ql_status
not_built(ql_ctx *cx, const char *what)
{
    return ql_fail(cx, QL_ER_NOT_SUPPORTED_YET, what);
}

static ql_status
too_long(ql_ctx *cx, const ql_ast_column *c, uint32_t max)
{
    return ql_fail(cx, QL_ER_TOO_BIG_FIELDLENGTH, ql_cstr(cx, c->name), (unsigned long)max);
}

/* CHAR(n) BINARY: the _bin collation of its character set. */
static ql_status
binary_collation(ql_ctx *cx, const ql_collation **coll)
{
    const char *name = ql_arena_printf(cx, cx->arena, "%s_bin", (*coll)->charset->name);
    const ql_collation *bin = name ? ql_collation_by_name((ql_str){name, strlen(name)}) : NULL;
    ql_warn_text(cx, QL_DIAG_WARNING, QL_ER_WARN_DEPRECATED_SYNTAX,
                 "'BINARY as attribute of a type' is deprecated and will be removed in a future "
                 "release. Please use a CHARACTER SET clause with _bin collation instead");
    *coll = bin ? bin : *coll;
    return name ? QL_OK : QL_ERROR;
}

/* Collation of a character column from its attributes, else the table's. */
static ql_status
column_collation(ql_ctx *cx, const ql_ast_type *t, const ql_collation *table_coll,
                 const ql_collation **out)
{
    const ql_charset *cs = NULL;
    *out = table_coll;
    if (t->is_binary) {
        *out = ql_coll_binary;
        return QL_OK;
    }
    if (t->charset.n > 0) {
        cs = ql_charset_by_name(t->charset);
        if (cs == NULL) {
            return ql_fail(cx, QL_ER_UNKNOWN_CHARACTER_SET, ql_cstr(cx, t->charset));
        }
        *out = ql_charset_default(cs);
    }
    if (t->collation.n > 0) {
        *out = ql_collation_by_name(t->collation);
        if (*out == NULL) {
            return ql_fail(cx, QL_ER_UNKNOWN_COLLATION, ql_cstr(cx, t->collation));
        }
        if (cs != NULL && (*out)->charset != cs) {
            return ql_fail(cx, QL_ER_COLLATION_CHARSET_MISMATCH, (*out)->name, cs->name);
        }
    }
    return t->bin_collation ? binary_collation(cx, out) : QL_OK;
}

static ql_status
decimal_type(ql_ctx *cx, const ql_ast_column *c, ql_type *out)
{
    const ql_ast_type *t = &c->type;
    uint32_t precision = t->has_length ? t->length : 10, scale = t->has_decimals ? t->decimals : 0;
    if (scale > QL_DECIMAL_MAX_SCALE) {
        return ql_fail(cx, QL_ER_TOO_BIG_SCALE, (int)scale, ql_cstr(cx, c->name),
                       (unsigned long)QL_DECIMAL_MAX_SCALE);
    }
    if (precision > QL_DECIMAL_MAX_DIGITS) {
        return ql_fail(cx, QL_ER_TOO_BIG_PRECISION, (int)precision, ql_cstr(cx, c->name),
                       (unsigned long)QL_DECIMAL_MAX_DIGITS);
    }
    precision = precision == 0 ? 10 : precision;
    if (scale > precision) {
        return ql_fail(cx, QL_ER_M_BIGGER_THAN_D, ql_cstr(cx, c->name));
    }
    *out = ql_type_decimal(precision, scale);
    return QL_OK;
}

static ql_status
char_type(ql_ctx *cx, const ql_ast_column *c, const ql_collation *coll, ql_type *out)
{
    const ql_ast_type *t = &c->type;
    uint32_t per = coll->charset->max_bytes;
    uint32_t max = t->field == QL_F_STRING ? 255 : (MAX_VARCHAR_BYTES - 3) / (per ? per : 1);
    *out = ql_type_varchar(t->has_length ? t->length : 1, coll);
    out->field = t->field;
    return out->length > max ? too_long(cx, c, max) : QL_OK;
}

/* TEXT(n), BLOB(n): the smallest of the family that holds n characters. */
static void
text_type(const ql_ast_type *t, const ql_collation *coll, ql_type *out)
{
    static const struct {
        ql_field field;
        uint32_t bytes;
    } family[] = {{QL_F_TINY_BLOB, 255},
                  {QL_F_BLOB, 65535},
                  {QL_F_MEDIUM_BLOB, 16777215},
                  {QL_F_LONG_BLOB, UINT32_MAX}};
    *out = ql_type_varchar(0, coll);
    out->field = t->field;
    for (size_t i = 0; i < QL_ARRAY_LEN(family); i++) {
        uint64_t need = (uint64_t)t->length * coll->charset->max_bytes;
        bool fits = t->has_length && t->length > 0 ? need <= family[i].bytes || i == 3
                                                   : t->field == family[i].field;
        if (fits) {
            out->field = family[i].field;
            out->length = family[i].bytes;
            return;
        }
    }
}

static ql_status
temporal_type(ql_ctx *cx, const ql_ast_column *c, ql_type *out)
{
    const ql_ast_type *t = &c->type;
    if (t->decimals > 6) {
        return ql_fail(cx, QL_ER_TOO_BIG_PRECISION, (int)t->decimals, ql_cstr(cx, c->name), 6ul);
    }
    if (t->field == QL_F_DATE) {
        *out = ql_type_date();
    } else if (t->field == QL_F_TIME) {
        *out = ql_type_time(t->decimals);
    } else {
        *out = t->field == QL_F_TIMESTAMP ? ql_type_timestamp(t->decimals)
                                          : ql_type_datetime(t->decimals);
    }
    return QL_OK;
}

static ql_type
int_type(const ql_ast_type *t)
{
    ql_type type = ql_type_int(t->is_unsigned);
    type.field = t->field;
    type.length = 0;
    if (t->field == QL_F_TINY && t->has_length && t->length == 1) {
        type.length = 1; /* BOOL */
    }
    type.length = type.length ? type.length : ql_type_display_length(&type);
    return type;
}

static void
warn_unsigned(ql_ctx *cx, const ql_ast_type *t)
{
    if (t->is_unsigned) {
        ql_warn_text(cx, QL_DIAG_WARNING, QL_ER_WARN_DEPRECATED_SYNTAX_NO_REPLACEMENT,
                     "UNSIGNED for decimal and floating point data types is deprecated and support "
                     "for it will be removed in a future release.");
    }
}

/* FLOAT(M,D) and DOUBLE(M,D), or without both; FLOAT(p) has become one of these. */
static ql_status
double_type(ql_ctx *cx, const ql_ast_column *c, ql_type *out)
{
    const ql_ast_type *t = &c->type;
    *out = ql_type_double();
    out->field = t->field;
    out->is_unsigned = t->is_unsigned;
    if (t->has_length && !t->has_decimals) {
        return ql_fail(cx, QL_ER_WRONG_FIELD_SPEC, ql_cstr(cx, c->name));
    }
    if (t->has_decimals) {
        ql_warn_text(cx, QL_DIAG_WARNING, QL_ER_WARN_DEPRECATED_SYNTAX_NO_REPLACEMENT,
                     "Specifying number of digits for floating point data types is deprecated and "
                     "will be removed in a future release.");
        if (t->decimals > QL_DECIMAL_MAX_SCALE) {
            return ql_fail(cx, QL_ER_TOO_BIG_SCALE, (int)t->decimals, ql_cstr(cx, c->name),
                           (unsigned long)QL_DECIMAL_MAX_SCALE);
        }
        if (t->length < t->decimals) {
            return ql_fail(cx, QL_ER_M_BIGGER_THAN_D, ql_cstr(cx, c->name));
        }
        if (t->length > MAX_WIDTH) {
            return ql_fail(cx, QL_ER_TOO_BIG_DISPLAYWIDTH, ql_cstr(cx, c->name),
                           (unsigned long)MAX_WIDTH);
        }
        out->length = t->length;
        out->decimals = (uint8_t)t->decimals;
    }
    warn_unsigned(cx, t);
    return QL_OK;
}

static ql_status
year_type(ql_ctx *cx, const ql_ast_type *t, ql_type *out)
{
    *out = ql_type_year();
    if (t->has_length && t->length != 4) {
        return ql_fail(cx, QL_ER_INVALID_YEAR_COLUMN_LENGTH);
    }
    if (t->has_length) {
        ql_warn(cx, QL_DIAG_WARNING, QL_ER_WARN_DEPRECATED_SYNTAX, "YEAR(4)", "YEAR");
    }
    if (t->is_unsigned) {
        ql_warn_text(cx, QL_DIAG_WARNING, QL_ER_WARN_DEPRECATED_SYNTAX_NO_REPLACEMENT,
                     "UNSIGNED for the YEAR data type is deprecated and support for it will be "
                     "removed in a future release.");
    }
    return QL_OK;
}

static ql_status
bit_type(ql_ctx *cx, const ql_ast_column *c, ql_type *out)
{
    const ql_ast_type *t = &c->type;
    if (t->has_length && t->length > MAX_BITS) {
        return ql_fail(cx, QL_ER_TOO_BIG_DISPLAYWIDTH, ql_cstr(cx, c->name),
                       (unsigned long)MAX_BITS);
    }
    *out = ql_type_bit(t->has_length && t->length > 0 ? t->length : 1);
    return QL_OK;
}

ql_status
qli_spec_type(ql_ctx *cx, const ql_ast_column *c, const ql_collation *table_coll, ql_type *out)
{
    const ql_ast_type *t = &c->type;
    const ql_collation *coll;
    switch (t->field) {
    case QL_F_TINY:
    case QL_F_SHORT:
    case QL_F_INT24:
    case QL_F_LONG:
    case QL_F_LONGLONG:
        *out = int_type(t);
        return t->has_length && t->length > MAX_WIDTH
                   ? ql_fail(cx, QL_ER_TOO_BIG_DISPLAYWIDTH, ql_cstr(cx, c->name),
                             (unsigned long)MAX_WIDTH)
                   : QL_OK;
    case QL_F_NEWDECIMAL:
        QL_TRY(decimal_type(cx, c, out));
        out->is_unsigned = t->is_unsigned;
        warn_unsigned(cx, t);
        return QL_OK;
    case QL_F_FLOAT:
    case QL_F_DOUBLE:
        return double_type(cx, c, out);
    case QL_F_DATE:
    case QL_F_TIME:
    case QL_F_DATETIME:
    case QL_F_TIMESTAMP:
        return temporal_type(cx, c, out);
    case QL_F_STRING:
    case QL_F_VARCHAR:
        QL_TRY(column_collation(cx, t, table_coll, &coll));
        return char_type(cx, c, coll, out);
    case QL_F_TINY_BLOB:
    case QL_F_BLOB:
    case QL_F_MEDIUM_BLOB:
    case QL_F_LONG_BLOB:
        QL_TRY(column_collation(cx, t, table_coll, &coll));
        text_type(t, coll, out);
        return QL_OK;
    case QL_F_YEAR:
        return year_type(cx, t, out);
    case QL_F_BIT:
        return bit_type(cx, c, out);
    case QL_F_ENUM:
    case QL_F_SET:
        QL_TRY(column_collation(cx, t, table_coll, &coll));
        return qli_members_type(cx, c, coll, out);
    case QL_F_JSON:
        *out = ql_type_json();
        return QL_OK;
    default:
        return not_built(cx, "this column type");
    }
}
