/* SPDX-License-Identifier: Apache-2.0
 *
 * Ready-made types, their text as SHOW COLUMNS prints it, and how wide their values get. Pure
 * functions; no locks, no waits.
 */
#include "types/type.h"

#include "base/buf.h"
#include "types/decimal.h"

ql_type
ql_type_null(void)
{
    return (ql_type){.kind = QL_K_NULL, .field = QL_F_NULL, .nullable = true};
}

ql_type
ql_type_int(bool is_unsigned)
{
    return (ql_type){.kind = QL_K_INT,
                     .field = QL_F_LONGLONG,
                     .is_unsigned = is_unsigned,
                     .nullable = true,
                     .length = is_unsigned ? 20 : 21};
}

ql_type
ql_type_bool(void)
{
    return (ql_type){.kind = QL_K_INT, .field = QL_F_LONGLONG, .nullable = true, .length = 1};
}

ql_type
ql_type_double(void)
{
    return (ql_type){
        .kind = QL_K_DOUBLE, .field = QL_F_DOUBLE, .nullable = true, .decimals = 31, .length = 23};
}

ql_type
ql_type_decimal(unsigned precision, unsigned scale)
{
    if (scale > QL_DECIMAL_MAX_SCALE) {
        scale = QL_DECIMAL_MAX_SCALE;
    }
    if (precision > QL_DECIMAL_MAX_DIGITS) {
        precision = QL_DECIMAL_MAX_DIGITS;
    }
    if (precision < scale) {
        precision = scale;
    }
    return (ql_type){.kind = QL_K_DECIMAL,
                     .field = QL_F_NEWDECIMAL,
                     .nullable = true,
                     .decimals = (uint8_t)scale,
                     .length = precision ? precision : 1};
}

ql_type
ql_type_varchar(uint32_t chars, const ql_collation *coll)
{
    return (ql_type){.kind = QL_K_STRING,
                     .field = QL_F_VAR_STRING,
                     .nullable = true,
                     .decimals = 31,
                     .length = chars,
                     .coll = coll ? coll : ql_coll_default};
}

ql_type
ql_type_year(void)
{
    return (ql_type){.kind = QL_K_INT,
                     .field = QL_F_YEAR,
                     .is_unsigned = true,
                     .nullable = true,
                     .zerofill = 4,
                     .length = 4};
}

ql_type
ql_type_bit(unsigned bits)
{
    return (ql_type){.kind = QL_K_INT,
                     .field = QL_F_BIT,
                     .is_unsigned = true,
                     .nullable = true,
                     .bits = (uint8_t)bits,
                     .length = bits};
}

void
ql_type_settle(ql_type *t)
{
    t->bits = t->field == QL_F_BIT ? (uint8_t)t->length : 0;
    t->zerofill = t->field == QL_F_YEAR ? 4 : t->zerofill;
}

ql_type
ql_type_list(ql_kind kind, const ql_members *members, const ql_collation *coll)
{
    bool set = kind == QL_K_SET;
    uint32_t length = 0;
    for (unsigned i = 0; members != NULL && i < members->n; i++) {
        uint32_t chars = (uint32_t)ql_utf8_chars(members->names[i]);
        length = set ? length + chars + (i > 0) : chars > length ? chars : length;
    }
    return (ql_type){.kind = kind,
                     .field = set ? QL_F_SET : QL_F_ENUM,
                     .is_unsigned = true,
                     .nullable = true,
                     .length = length,
                     .coll = coll ? coll : ql_coll_default,
                     .members = members};
}

ql_type
ql_type_datetime(unsigned decimals)
{
    return (ql_type){.kind = QL_K_DATETIME,
                     .field = QL_F_DATETIME,
                     .nullable = true,
                     .decimals = (uint8_t)(decimals > 6 ? 6 : decimals),
                     .length = 19};
}

ql_type
ql_type_timestamp(unsigned decimals)
{
    ql_type t = ql_type_datetime(decimals);
    t.kind = QL_K_TIMESTAMP;
    t.field = QL_F_TIMESTAMP;
    return t;
}

ql_type
ql_type_date(void)
{
    return (ql_type){.kind = QL_K_DATE, .field = QL_F_DATE, .nullable = true, .length = 10};
}

ql_type
ql_type_time(unsigned decimals)
{
    return (ql_type){.kind = QL_K_TIME,
                     .field = QL_F_TIME,
                     .nullable = true,
                     .decimals = (uint8_t)(decimals > 6 ? 6 : decimals),
                     .length = 10};
}

static bool
type_is_binary_string(const ql_type *t)
{
    return t->coll == ql_coll_binary;
}

/* Name without length, for text and blob types in their two guises and the plain ones. */
static const char *
type_base_name(const ql_type *t)
{
    bool bin = type_is_binary_string(t);
    switch (t->field) {
    case QL_F_TINY:
        return "tinyint";
    case QL_F_SHORT:
        return "smallint";
    case QL_F_INT24:
        return "mediumint";
    case QL_F_LONG:
        return "int";
    case QL_F_LONGLONG:
        return "bigint";
    case QL_F_FLOAT:
        return "float";
    case QL_F_DOUBLE:
        return "double";
    case QL_F_NULL:
        return "null";
    case QL_F_TIMESTAMP:
        return "timestamp";
    case QL_F_DATE:
    case QL_F_NEWDATE:
        return "date";
    case QL_F_TIME:
        return "time";
    case QL_F_DATETIME:
        return "datetime";
    case QL_F_YEAR:
        return "year";
    case QL_F_BIT:
        return "bit";
    case QL_F_JSON:
        return "json";
    case QL_F_DECIMAL_OLD:
    case QL_F_NEWDECIMAL:
        return "decimal";
    case QL_F_ENUM:
        return "enum";
    case QL_F_SET:
        return "set";
    case QL_F_TINY_BLOB:
        return bin ? "tinyblob" : "tinytext";
    case QL_F_MEDIUM_BLOB:
        return bin ? "mediumblob" : "mediumtext";
    case QL_F_LONG_BLOB:
        return bin ? "longblob" : "longtext";
    case QL_F_BLOB:
        return bin ? "blob" : "text";
    case QL_F_STRING:
        return bin ? "binary" : "char";
    case QL_F_VARCHAR:
    case QL_F_VAR_STRING:
        break;
    }
    return bin ? "varbinary" : "varchar";
}

static ql_status
print_unsigned(ql_ctx *cx, const ql_type *t, struct ql_buf *out)
{
    return t->is_unsigned ? ql_buf_put_str(cx, out, " unsigned") : QL_OK;
}

/* ('a','it''s') */
static ql_status
print_members(ql_ctx *cx, const ql_members *m, struct ql_buf *out)
{
    QL_TRY(ql_buf_put_u8(cx, out, '('));
    for (uint16_t i = 0; i < m->n; i++) {
        QL_TRY(ql_buf_put_str(cx, out, i ? ",'" : "'"));
        for (size_t k = 0; k < m->names[i].n; k++) {
            char c = m->names[i].p[k];
            QL_TRY(ql_buf_put(cx, out, c == '\'' ? "''" : &c, c == '\'' ? 2 : 1));
        }
        QL_TRY(ql_buf_put_u8(cx, out, '\''));
    }
    return ql_buf_put_u8(cx, out, ')');
}

ql_status
ql_type_print(ql_ctx *cx, const ql_type *t, struct ql_buf *out)
{
    QL_TRY(ql_buf_put_str(cx, out, type_base_name(t)));
    switch (t->field) {
    case QL_F_TINY:
        if (t->length == 1 && !t->is_unsigned) {
            return ql_buf_put_str(cx, out, "(1)");
        }
        return print_unsigned(cx, t, out);
    case QL_F_SHORT:
    case QL_F_INT24:
    case QL_F_LONG:
    case QL_F_LONGLONG:
        return print_unsigned(cx, t, out);
    case QL_F_FLOAT:
    case QL_F_DOUBLE:
        if (t->decimals < 31) {
            QL_TRY(ql_buf_printf(cx, out, "(%u,%u)", t->length, t->decimals));
        }
        return print_unsigned(cx, t, out);
    case QL_F_DECIMAL_OLD:
    case QL_F_NEWDECIMAL:
        QL_TRY(ql_buf_printf(cx, out, "(%u,%u)", t->length, t->decimals));
        return print_unsigned(cx, t, out);
    case QL_F_TIMESTAMP:
    case QL_F_DATETIME:
    case QL_F_TIME:
        return t->decimals ? ql_buf_printf(cx, out, "(%u)", t->decimals) : QL_OK;
    case QL_F_ENUM:
    case QL_F_SET:
        return t->members ? print_members(cx, t->members, out) : QL_OK;
    case QL_F_BIT:
    case QL_F_STRING:
    case QL_F_VARCHAR:
    case QL_F_VAR_STRING:
        return ql_buf_printf(cx, out, "(%u)", t->length);
    default:
        return QL_OK;
    }
}
