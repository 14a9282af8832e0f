/* SPDX-License-Identifier: Apache-2.0
 *
 * One SQL value, and conversions between kinds.
 */
#ifndef QL_TYPES_VALUE_H
#define QL_TYPES_VALUE_H

#include "types/datetime.h"
#include "types/decimal.h"
#include "types/type.h"

struct ql_arena;

/* kind QL_K_NULL = SQL NULL. Bytes of a string belong to whoever made the value (arena, page,
 * literal). */
typedef struct ql_value {
    ql_kind kind;
    bool is_unsigned; /* QL_K_INT: u counts */
    uint8_t decimals; /* fractional digits of DATETIME, TIMESTAMP, TIME; DOUBLE: digits to print, 31
                         = not fixed, 32 = not fixed and single precision (FLOAT) */
    uint8_t zerofill, bits;   /* of a number: as in its type (type.h) */
    const ql_collation *coll; /* QL_K_STRING */
    union {
        int64_t i; /* INT, DATE, TIME, DATETIME, TIMESTAMP */
        uint64_t u;
        double d;
        ql_decimal dec;
        ql_str s;
        struct {             /* ENUM, SET */
            uint64_t number; /* as u: of the member; a bit for each member */
            const ql_members *members;
        } list;
    };
} ql_value;

static inline bool
ql_value_is_null(const ql_value *v)
{
    return v->kind == QL_K_NULL;
}
ql_value ql_value_null(void);
ql_value ql_value_int(int64_t i);
ql_value ql_value_uint(uint64_t u);
ql_value ql_value_double(double d);
ql_value ql_value_str(ql_str s, const ql_collation *coll);
/* Of kind ENUM or SET; members: those of the type. */
ql_value ql_value_list_of(ql_kind kind, uint64_t number, const ql_members *members,
                          const ql_collation *coll);
/* Is the text that of a value of the ENUM or SET type t other than '', under its collation, and of
 * which? Then a comparison for equality with it is one with the number. */
ql_status ql_list_named(ql_ctx *cx, const ql_type *t, ql_str text, uint64_t *number,
                        bool *is) QL_MUST_USE;

/* Digits behind the point are not fixed: of DOUBLE (in types too), of FLOAT (only in values). */
#define QL_DECIMALS_DOUBLE 31
#define QL_DECIMALS_FLOAT 32

#define QL_DOUBLE_TEXT_MAX 40
/* Shortest text that reads back as d, in MySQL's form ("0.0001", "1e15"); returns the length, a NUL
 * follows. */
size_t ql_double_print(double d, char out[QL_DOUBLE_TEXT_MAX]);
/* The same with the six significant digits of a FLOAT column. */
size_t ql_float_print(double d, char out[QL_DOUBLE_TEXT_MAX]);
/* The same in at most width characters, rounded to as many digits as these hold; false = no digit
 * fits. No NUL follows. */
bool ql_double_print_fit(double d, bool is_float, size_t width, char out[QL_DOUBLE_TEXT_MAX],
                         size_t *n) QL_MUST_USE;
/* With so many digits behind the point, whatever the locale of the process; no NUL follows. */
#define QL_VALUE_TEXT_MAX 352
size_t ql_double_print_fixed(double d, unsigned decimals, char out[QL_VALUE_TEXT_MAX]);
/* Longest numeric prefix after blanks; *used = bytes read, 0 = none (value 0). *overflow: clamped
 * to
 * +-DBL_MAX. Does not depend on the locale. */
double ql_double_parse(ql_str s, size_t *used, bool *overflow);
/* Integer prefix after blanks, sign allowed; *used = bytes read, 0 = none. Out of range: clamped
 * and *overflow. A negative number is in the range of int64_t, others of uint64_t (*is_unsigned
 * when above INT64_MAX). */
int64_t ql_int_parse(ql_str s, size_t *used, bool *overflow, bool *is_unsigned);
/* Before a text is read by one of the readers above, by ql_decimal_parse or those of datetime.h:
 * a long one is replaced by a short one in room, which reads the same (value, overflow, whether
 * anything or only blanks stand behind it). QL_KILLED on the way. Do not show the result to users.
 */
#define QL_SHORT_TEXT 3072
ql_status ql_text_for_number(ql_ctx *cx, ql_str *s, char room[QL_SHORT_TEXT]) QL_MUST_USE;
ql_status ql_text_for_temporal(ql_ctx *cx, ql_str *s, char room[QL_SHORT_TEXT]) QL_MUST_USE;
/* Decimal digits of v (unsigned when is_unsigned); returns the length, no NUL. */
size_t ql_int_print(int64_t v, bool is_unsigned, char out[24]);
/* Text of any value but strings (QL_K_STRING, NULL: length 0; ENUM, SET: the number), for sinks
 * that print without an arena. TIMESTAMPs in UTC: types/moment.h has them as the session sees them.
 */
size_t ql_value_print(const ql_value *v, char out[QL_VALUE_TEXT_MAX]);

/* Conversions in expressions (not in column stores): never an error for bad text, but warning 1292
 * "Truncated incorrect X value". Rounding and ranges as in MySQL. NULL stays NULL: the caller looks
 * first; here it converts to 0/"". */
ql_status ql_value_to_int(ql_ctx *cx, const ql_value *v, int64_t *out,
                          bool *is_unsigned) QL_MUST_USE;
ql_status ql_value_to_double(ql_ctx *cx, const ql_value *v, double *out) QL_MUST_USE;
ql_status ql_value_to_decimal(ql_ctx *cx, const ql_value *v, ql_decimal *out) QL_MUST_USE;
/* Text form as the client sees it; the bytes may be those of v or new ones in a. */
ql_status ql_value_to_str(ql_ctx *cx, struct ql_arena *a, const ql_value *v,
                          ql_str *out) QL_MUST_USE;
/* The same where columns are listed with their defaults: bytes of binary types as 0x and digits,
 * those of BIT as b'101'. */
ql_status ql_value_list(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t,
                        ql_str *out) QL_MUST_USE;
/* To DATE, TIME, DATETIME; *ok false = not a date (warning 1292 worded when warn): SQL NULL. */
ql_status ql_value_to_temporal(ql_ctx *cx, const ql_value *v, ql_kind to, unsigned decimals,
                               bool warn, ql_value *out, bool *ok) QL_MUST_USE;
ql_status ql_value_to_bool(ql_ctx *cx, const ql_value *v, bool *out) QL_MUST_USE;
/* CAST(v AS t) in an expression; result bytes in a. Truncation to t.length with warning 1292 for
 * strings. */
ql_status ql_value_cast(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t,
                        ql_value *out) QL_MUST_USE;

/* A number of a year: 1 to 99 are two digits of one between 1970 and 2069; 0 is the year 0000 or,
 * zero_too, the year 2000. false = out of the range of YEAR. */
bool ql_year_of(int64_t number, bool zero_too, int64_t *year);

/* How two kinds are compared (MySQL's rules: string-string by collation, number mixes as decimal or
 * double, temporal with string constant as temporal ...). Both must then be cast to it. */
ql_kind ql_compare_kind(const ql_type *a, const ql_type *b);
/* Both of kind `as` already (and both INT may differ in signedness). NULLs: the caller's business.
 */
ql_status ql_value_compare(ql_ctx *cx, const ql_value *a, const ql_value *b,
                           const ql_collation *coll, int *result) QL_MUST_USE;

/* Are they the same value, byte for byte (kinds too; NULL is the same as NULL)? Looks at the kill
 * flag. */
ql_status ql_value_identical(ql_ctx *cx, const ql_value *a, const ql_value *b,
                             bool *same) QL_MUST_USE;

/* Store into a column: strict-mode checks of range, length, NULL and format. strict: errors (1264,
 * 1265, 1366, 1406, 1292 …), else the same as warnings with the value adjusted. row is the 1-based
 * row number of the message. Result bytes may point into a or v. */
ql_status ql_value_store(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t,
                         const char *column, uint64_t row, bool strict, ql_value *out) QL_MUST_USE;

#endif
