/* SPDX-License-Identifier: Apache-2.0
 *
 * Types of columns and expressions. ql_kind is how a value is held and computed with; the field
 * code is what the client is told (protocol column types).
 */
#ifndef QL_TYPES_TYPE_H
#define QL_TYPES_TYPE_H

#include "base/ctx.h"
#include "types/collate.h"

/* How values are held. All integer types are 64-bit inside; ranges are enforced when a column is
 * written. */
typedef enum ql_kind {
    QL_K_NULL,     /* the type of the literal NULL */
    QL_K_INT,      /* int64_t, or uint64_t when is_unsigned; BIT and YEAR too */
    QL_K_DOUBLE,   /* FLOAT and DOUBLE */
    QL_K_DECIMAL,  /* ql_decimal */
    QL_K_STRING,   /* CHAR, VARCHAR, TEXT, BINARY, BLOB, JSON text: ql_str + collation */
    QL_K_DATE,     /* int64_t, packed as in datetime.h */
    QL_K_TIME,     /* int64_t, packed, signed */
    QL_K_DATETIME, /* int64_t, packed; TIMESTAMP too */
} ql_kind;

/* Protocol column types (MySQL client/server protocol, field types). */
typedef enum ql_field {
    QL_F_DECIMAL_OLD = 0,
    QL_F_TINY = 1,
    QL_F_SHORT = 2,
    QL_F_LONG = 3,
    QL_F_FLOAT = 4,
    QL_F_DOUBLE = 5,
    QL_F_NULL = 6,
    QL_F_TIMESTAMP = 7,
    QL_F_LONGLONG = 8,
    QL_F_INT24 = 9,
    QL_F_DATE = 10,
    QL_F_TIME = 11,
    QL_F_DATETIME = 12,
    QL_F_YEAR = 13,
    QL_F_NEWDATE = 14,
    QL_F_VARCHAR = 15,
    QL_F_BIT = 16,
    QL_F_JSON = 245,
    QL_F_NEWDECIMAL = 246,
    QL_F_ENUM = 247,
    QL_F_SET = 248,
    QL_F_TINY_BLOB = 249,
    QL_F_MEDIUM_BLOB = 250,
    QL_F_LONG_BLOB = 251,
    QL_F_BLOB = 252,
    QL_F_VAR_STRING = 253,
    QL_F_STRING = 254,
} ql_field;

/* Members of an ENUM or SET, in order; owned by the table definition (or arena) that has the type.
 */
typedef struct ql_members {
    uint16_t n;
    const ql_str *names;
} ql_members;

typedef struct ql_type {
    ql_kind kind;
    ql_field field;
    bool is_unsigned;
    bool nullable;
    uint8_t decimals; /* DECIMAL scale; fractional seconds digits; 31 = not fixed (DOUBLE) */
    uint32_t length;  /* DECIMAL precision; characters for CHAR/VARCHAR; bytes for BLOB/TEXT; else
                         display width */
    const ql_collation *coll;  /* strings; NULL for others. Binary strings: ql_coll_binary */
    const ql_members *members; /* ENUM, SET (kind QL_K_STRING: held as text); NULL = not checked */
} ql_type;

/* Ready-made types of expressions. */
ql_type ql_type_null(void);
ql_type ql_type_int(bool is_unsigned); /* BIGINT */
ql_type ql_type_bool(void);            /* INT(1) as comparisons yield */
ql_type ql_type_double(void);
ql_type ql_type_decimal(unsigned precision, unsigned scale);
ql_type ql_type_varchar(uint32_t chars, const ql_collation *coll);
ql_type ql_type_datetime(unsigned decimals);
ql_type ql_type_date(void);
ql_type ql_type_time(unsigned decimals);

/* "int unsigned", "varchar(20)", "decimal(10,2)": as in SHOW COLUMNS of MySQL 8.4 (no display width
 * for integers). */
ql_status ql_type_print(ql_ctx *cx, const ql_type *t, struct ql_buf *out) QL_MUST_USE;
/* Maximum bytes a value of the type takes in the text protocol; the "length" of a column definition
 * packet. */
uint32_t ql_type_display_length(const ql_type *t);

#endif
