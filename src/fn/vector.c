/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms of the common functions for a whole batch (fn.h): loops over slots without boxing. What is
 * not ASCII, long or rare goes through the scalar form, row by row, so that both are of one mind.
 * Bytes are counted for the checkpoints of base/bulk.h.
 */
#include "fn/fn_int.h"

#define SHORT ((size_t)4096) /* longer strings are the scalar form's, which looks inside */
#define MOST_ARGS 8

void
ql_rows_null(const ql_rows *r, uint16_t row)
{
    r->out->has_nulls = true;
    r->out->nulls[row] = 1;
}

ql_status
ql_rows_scalar(ql_ctx *cx, ql_call *call, ql_fn fn, const ql_rows *r, uint16_t row)
{
    ql_value args[MOST_ARGS], v = ql_value_null();
    for (uint32_t i = 0; i < r->nargs; i++) {
        ql_vector_get(r->args[i], row, &args[i]);
    }
    QL_TRY(ql_bulk_count(cx, QL_ROW_ALONE));
    QL_TRY(fn(cx, call, args, r->nargs, &v));
    if (v.kind == QL_K_NULL) {
        ql_rows_null(r, row);
    } else {
        ql_vector_set(r->out, row, &v);
    }
    return QL_OK;
}

static bool
args_are(const ql_rows *r, uint32_t from, uint32_t to, ql_kind kind)
{
    for (uint32_t i = from; i < to && i < r->nargs; i++) {
        if (r->args[i]->type.kind != kind) {
            return false;
        }
    }
    return r->nargs <= MOST_ARGS;
}

static bool
is_bytes(const ql_vector *v)
{
    return v->type.coll == NULL || v->type.coll == ql_coll_binary;
}

/* ---- lengths ---- */

/* In bytes of cs. */
static ql_status
lengths_in(ql_ctx *cx, const ql_charset *cs, const ql_rows *r)
{
    const ql_vector *a = r->args[0];
    unsigned am = ql_arg_mask(a);
    bool ascii = ql_charset_extends_ascii(cs);
    for (uint16_t k = 0; k < r->n; k++) {
        uint16_t row = ql_rows_at(r, k);
        ql_str s = a->s[row & am];
        uint64_t n = s.n;
        QL_TRY(ql_bulk_count(cx, sizeof s + (s.n < SHORT ? s.n : 0)));
        if (!ascii || s.n >= SHORT || !qli_chunk_is_ascii(s.p, s.n)) {
            QL_TRY(ql_charset_length(cx, cs, s, &n));
        }
        r->out->i[row] = (int64_t)n;
    }
    return QL_OK;
}

QLI_FN_VECTOR(LENGTH)
{
    const ql_vector *a = r->args[0];
    unsigned am = ql_arg_mask(a);
    (void)call;
    if (!args_are(r, 0, 1, QL_K_STRING)) {
        return QL_END;
    }
    if (!is_bytes(a) && !ql_charset_is_plain(a->type.coll->charset)) {
        return lengths_in(cx, a->type.coll->charset, r);
    }
    for (uint16_t k = 0; k < r->n; k++) {
        uint16_t row = ql_rows_at(r, k);
        r->out->i[row] = (int64_t)a->s[row & am].n;
    }
    return ql_bulk_count(cx, r->n * sizeof(ql_str));
}

QLI_FN_VECTOR(CHAR_LENGTH)
{
    const ql_vector *a = r->args[0];
    unsigned am = ql_arg_mask(a);
    if (!args_are(r, 0, 1, QL_K_STRING)) {
        return QL_END;
    }
    if (is_bytes(a)) {
        return qli_fnv_LENGTH(cx, call, r);
    }
    for (uint16_t k = 0; k < r->n; k++) {
        uint16_t row = ql_rows_at(r, k);
        ql_str s = a->s[row & am];
        QL_TRY(ql_bulk_count(cx, sizeof s + (s.n < SHORT ? s.n : 0)));
        if (s.n < SHORT && qli_chunk_is_ascii(s.p, s.n)) {
            r->out->i[row] = (int64_t)s.n;
        } else {
            QL_TRY(ql_rows_scalar(cx, call, qli_fn_CHAR_LENGTH, r, row));
        }
    }
    return QL_OK;
}

/* ---- pieces ---- */

/* Are the first n bytes characters of one byte each? Of binary strings all are. */
static inline bool
has_byte_chars(const ql_vector *v, ql_str s, size_t n)
{
    return is_bytes(v) || qli_chunk_is_ascii(s.p, n < s.n ? n : s.n);
}

static int64_t
int_at(const ql_vector *v, uint16_t row)
{
    int64_t i = v->i[row & ql_arg_mask(v)];
    return v->type.is_unsigned && i < 0 ? INT64_MAX : i;
}

/* The first or last characters of a text of single bytes; others go to the scalar form. */
static ql_status
one_end(ql_ctx *cx, ql_call *call, const ql_rows *r, bool last, ql_fn scalar)
{
    const ql_vector *a = r->args[0];
    unsigned am = ql_arg_mask(a);
    if (!args_are(r, 0, 1, QL_K_STRING) || !args_are(r, 1, 2, QL_K_INT)) {
        return QL_END;
    }
    for (uint16_t k = 0; k < r->n; k++) {
        uint16_t row = ql_rows_at(r, k);
        ql_str s = a->s[row & am];
        int64_t want = int_at(r->args[1], row);
        size_t n = want < 0 ? 0 : (size_t)want;
        size_t looked = last ? s.n : n; /* bytes that must be characters */
        QL_TRY(ql_bulk_count(cx, sizeof s + (looked < SHORT ? looked : 0)));
        if (looked < SHORT && has_byte_chars(a, s, looked)) {
            n = n < s.n ? n : s.n;
            r->out->s[row] = (ql_str){last ? s.p + s.n - n : s.p, n};
        } else {
            QL_TRY(ql_rows_scalar(cx, call, scalar, r, row));
        }
    }
    return QL_OK;
}

QLI_FN_VECTOR(LEFT)
{
    return one_end(cx, call, r, false, qli_fn_LEFT);
}

QLI_FN_VECTOR(RIGHT)
{
    return one_end(cx, call, r, true, qli_fn_RIGHT);
}

QLI_FN_VECTOR(SUBSTRING)
{
    const ql_vector *a = r->args[0];
    unsigned am = ql_arg_mask(a);
    if (!args_are(r, 0, 1, QL_K_STRING) || !args_are(r, 1, 3, QL_K_INT)) {
        return QL_END;
    }
    for (uint16_t k = 0; k < r->n; k++) {
        uint16_t row = ql_rows_at(r, k);
        ql_str s = a->s[row & am];
        int64_t pos = int_at(r->args[1], row);
        int64_t count = r->nargs > 2 ? int_at(r->args[2], row) : INT64_MAX;
        QL_TRY(ql_bulk_count(cx, sizeof s + (s.n < SHORT ? s.n : 0)));
        if (pos == 0 || count <= 0) {
            r->out->s[row] = QL_STR("");
        } else if (pos > 0 && s.n < SHORT && has_byte_chars(a, s, s.n)) {
            size_t from = (size_t)pos - 1 < s.n ? (size_t)pos - 1 : s.n, left = s.n - from;
            r->out->s[row] = (ql_str){s.p + from, (size_t)count < left ? (size_t)count : left};
        } else {
            QL_TRY(ql_rows_scalar(cx, call, qli_fn_SUBSTRING, r, row));
        }
    }
    return QL_OK;
}

/* ---- new strings ---- */

/* Bytes of one batch come in one allocation of at most this size. */
#define MOST_ROOM ((size_t)256 * 1024)

QLI_FN_VECTOR(CONCAT)
{
    size_t total = 0, most = cx->vars != NULL ? cx->vars->max_allowed_packet : 0;
    if (!args_are(r, 0, r->nargs, QL_K_STRING)) {
        return QL_END;
    }
    for (uint16_t k = 0; k < r->n; k++) {
        uint16_t row = ql_rows_at(r, k);
        for (uint32_t i = 0; i < r->nargs; i++) {
            size_t n = r->args[i]->s[row & ql_arg_mask(r->args[i])].n;
            if (n > SHORT) {
                return QL_END;
            }
            total += n;
        }
    }
    if (total > MOST_ROOM || (most != 0 && most < SHORT * MOST_ARGS)) {
        return QL_END;
    }
    char *p = qli_room(cx, call, total);
    if (p == NULL) {
        return QL_ERROR;
    }
    for (uint16_t k = 0; k < r->n; k++) {
        uint16_t row = ql_rows_at(r, k);
        char *from = p;
        for (uint32_t i = 0; i < r->nargs; i++) {
            ql_str s = r->args[i]->s[row & ql_arg_mask(r->args[i])];
            QL_TRY(ql_bulk_copy(cx, p, s.p, s.n));
            p += s.n;
        }
        r->out->s[row] = (ql_str){from, (size_t)(p - from)};
    }
    return QL_OK;
}

static inline void
map_ascii(char *to, const char *from, size_t n, char first, char last)
{
    for (size_t i = 0; i < n; i++) {
        char c = from[i];
        to[i] = (char)(c ^ (c >= first && c <= last ? 0x20 : 0));
    }
}

static ql_status
change_case(ql_ctx *cx, ql_call *call, const ql_rows *r, ql_fn scalar, char first, char last)
{
    const ql_vector *a = r->args[0];
    unsigned am = ql_arg_mask(a);
    size_t total = 0;
    if (!args_are(r, 0, 1, QL_K_STRING) || is_bytes(a)) {
        return QL_END;
    }
    for (uint16_t k = 0; k < r->n; k++) {
        size_t n = a->s[ql_rows_at(r, k) & am].n;
        total += n < SHORT ? n : 0;
    }
    char *p = total <= MOST_ROOM * 16 ? qli_room(cx, call, total) : NULL;
    if (p == NULL) {
        return total <= MOST_ROOM * 16 ? QL_ERROR : QL_END;
    }
    for (uint16_t k = 0; k < r->n; k++) {
        uint16_t row = ql_rows_at(r, k);
        ql_str s = a->s[row & am];
        QL_TRY(ql_bulk_count(cx, sizeof s + (s.n < SHORT ? 2 * s.n : 0)));
        if (s.n < SHORT && qli_chunk_is_ascii(s.p, s.n)) {
            map_ascii(p, s.p, s.n, first, last);
            r->out->s[row] = (ql_str){p, s.n};
            p += s.n;
        } else {
            QL_TRY(ql_rows_scalar(cx, call, scalar, r, row));
        }
    }
    return QL_OK;
}

QLI_FN_VECTOR(UPPER)
{
    return change_case(cx, call, r, qli_fn_UPPER, 'a', 'z');
}

QLI_FN_VECTOR(LOWER)
{
    return change_case(cx, call, r, qli_fn_LOWER, 'A', 'Z');
}

/* ---- parts of dates and times ---- */

/* Bits of a packed date (types/datetime.h); nothing is before the year 0. */
#define DATE_PART(id, expr)                                                                        \
    QLI_FN_VECTOR(id)                                                                              \
    {                                                                                              \
        const ql_vector *a = r->args[0];                                                           \
        unsigned am = ql_arg_mask(a);                                                              \
        (void)call;                                                                                \
        if (!args_are(r, 0, 1, QL_K_DATE)) {                                                       \
            return QL_END;                                                                         \
        }                                                                                          \
        for (uint16_t k = 0; k < r->n; k++) {                                                      \
            uint16_t row = ql_rows_at(r, k);                                                       \
            int64_t i = a->i[row & am];                                                            \
            uint64_t ymd = i < 0 ? 0 : (uint64_t)i >> 41;                                          \
            r->out->i[row] = (int64_t)(expr);                                                      \
        }                                                                                          \
        return ql_bulk_count(cx, r->n * sizeof(int64_t));                                          \
    }
DATE_PART(YEAR, (ymd >> 5) / 13)
DATE_PART(MONTH, (ymd >> 5) % 13)
DATE_PART(DAYOFMONTH, ymd & 31)

#define TIME_PART(id, expr)                                                                        \
    QLI_FN_VECTOR(id)                                                                              \
    {                                                                                              \
        const ql_vector *a = r->args[0];                                                           \
        unsigned am = ql_arg_mask(a);                                                              \
        (void)call;                                                                                \
        if (!args_are(r, 0, 1, QL_K_TIME)) {                                                       \
            return QL_END;                                                                         \
        }                                                                                          \
        for (uint16_t k = 0; k < r->n; k++) {                                                      \
            uint16_t row = ql_rows_at(r, k);                                                       \
            int64_t i = a->i[row & am];                                                            \
            uint64_t hms = (i < 0 ? 0 - (uint64_t)i : (uint64_t)i) >> 24;                          \
            r->out->i[row] = (int64_t)(expr);                                                      \
        }                                                                                          \
        return ql_bulk_count(cx, r->n * sizeof(int64_t));                                          \
    }
TIME_PART(HOUR, hms >> 12)
TIME_PART(MINUTE, hms >> 6 & 63)
TIME_PART(SECOND, hms & 63)
