/* SPDX-License-Identifier: Apache-2.0
 *
 * Types of columns and expressions. ql_kind is how a value is held and computed with; the field
 * code is what the client is told (protocol column types).
 */
#ifndef QL_TYPES_TYPE_H
#define QL_TYPES_TYPE_H

#include "base/ctx.h"
#include "types/collate.h"

/* How values are held (kinds.def says more). All integer types are 64-bit inside; ranges are
 * enforced when a column is written. */
typedef enum ql_kind {
#define QL_KIND(id, slot, family, calendar, cell) QL_K_##id,
#include "types/kinds.def"
} ql_kind;
enum {
#define QL_KIND(id, slot, family, calendar, cell) QL_KIND_NTH_##id,
#include "types/kinds.def"
    QL_KINDS /* how many there are */
};

/* How a value of a kind lies in a vector. Loops over columns are made for slots, not for kinds. */
typedef enum ql_slot { QL_SLOT_I64, QL_SLOT_DOUBLE, QL_SLOT_DECIMAL, QL_SLOT_STRING } ql_slot;
/* Whose rules a kind follows where two kinds meet: in arithmetic, comparisons, CASE. */
typedef enum ql_family {
    QL_FAM_NULL,
    QL_FAM_INT,
    QL_FAM_DECIMAL,
    QL_FAM_DOUBLE,
    QL_FAM_STRING,
    QL_FAM_TEMPORAL,
    QL_FAM_LIST,
    QL_FAM_JSON
} ql_family;
enum { QL_HAS_DATE = 1, QL_HAS_TIME = 2, QL_HAS_ZONE = 4 };

static inline ql_slot
ql_kind_slot(ql_kind k)
{
#define QL_KIND(id, slot, family, calendar, cell) [QL_K_##id] = QL_SLOT_##slot,
    static const uint8_t slots[] = {
#include "types/kinds.def"
    };
    return (ql_slot)slots[k];
}

static inline ql_family
ql_kind_family(ql_kind k)
{
#define QL_KIND(id, slot, family, calendar, cell) [QL_K_##id] = QL_FAM_##family,
    static const uint8_t families[] = {
#include "types/kinds.def"
    };
    return (ql_family)families[k];
}

static inline unsigned
ql_kind_calendar(ql_kind k)
{
#define QL_KIND(id, slot, family, calendar, cell) [QL_K_##id] = (calendar),
    static const uint8_t calendars[] = {
#include "types/kinds.def"
    };
    return calendars[k];
}

static inline bool
ql_kind_is_temporal(ql_kind k)
{
    return ql_kind_family(k) == QL_FAM_TEMPORAL;
}

/* ENUM and SET: numbers with names. */
static inline bool
ql_kind_is_list(ql_kind k)
{
    return ql_kind_family(k) == QL_FAM_LIST;
}

/* Are there characters of some collation in the texts of its values? */
static inline bool
ql_kind_has_text(ql_kind k)
{
    return ql_kind_family(k) == QL_FAM_STRING || ql_kind_is_list(k);
}

static inline bool
ql_kind_is_number(ql_kind k)
{
    ql_family f = ql_kind_family(k);
    return f == QL_FAM_INT || f == QL_FAM_DECIMAL || f == QL_FAM_DOUBLE;
}

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
    uint8_t zerofill; /* of a column with ZEROFILL: its texts are filled up with 0 to so many
                         characters; 0 = not, as of everything computed */
    uint8_t bits; /* of a column BIT(n): n; its texts are the bytes of its values, big-endian; 0 =
                     not, as of everything computed */
    uint32_t length; /* DECIMAL precision; characters for CHAR/VARCHAR; bytes for BLOB/TEXT; else
                        display width */
    const ql_collation *coll;  /* strings; NULL for others. Binary strings: ql_coll_binary */
    const ql_members *members; /* ENUM, SET; NULL for others */
} ql_type;

/* Ready-made types of expressions. */
ql_type ql_type_null(void);
ql_type ql_type_int(bool is_unsigned); /* BIGINT */
ql_type ql_type_bool(void);            /* INT(1) as comparisons yield */
ql_type ql_type_double(void);
ql_type ql_type_decimal(unsigned precision, unsigned scale);
ql_type ql_type_varchar(uint32_t chars, const ql_collation *coll);
ql_type ql_type_year(void);
ql_type ql_type_bit(unsigned bits); /* 1 to 64 */
ql_type ql_type_datetime(unsigned decimals);
ql_type ql_type_timestamp(unsigned decimals);
ql_type ql_type_date(void);
ql_type ql_type_time(unsigned decimals);

/* Set what follows from the field of a column's type: the four digits of YEAR, the bytes of BIT. */
void ql_type_settle(ql_type *t);
/* Of kind ENUM or SET. */
ql_type ql_type_list(ql_kind kind, const ql_members *members, const ql_collation *coll);

/* "int unsigned", "varchar(20)", "decimal(10,2)": as in SHOW COLUMNS of MySQL 8.4 (no display width
 * for integers). */
ql_status ql_type_print(ql_ctx *cx, const ql_type *t, struct ql_buf *out) QL_MUST_USE;
/* Maximum bytes a value of the type takes in the text protocol; the "length" of a column definition
 * packet. */
uint32_t ql_type_display_length(const ql_type *t);
/* Bytes a value takes in MySQL's row format (manual, "Data Type Storage Requirements"), strings
 * with their length in front and as long as they get: what limits rows, and key_len of EXPLAIN. */
uint32_t ql_type_storage_bytes(const ql_type *t);
/* Decimal digits of an integer type, without sign. */
unsigned ql_type_int_digits(const ql_type *t);

#endif
