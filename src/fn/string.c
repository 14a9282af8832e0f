/* SPDX-License-Identifier: Apache-2.0
 *
 * String functions that cut, join, search and pad. Positions are in characters (bytes for binary
 * strings), as in the MySQL manual, "String Functions and Operators".
 */
#include <stdlib.h>

#include "fn/fn_int.h"

static const ql_collation *
coll_of(const ql_value *v)
{
    return v->coll;
}

QLI_FN(CONCAT)
{
    size_t n = 0;
    for (uint32_t i = 0; i < nargs; i++) {
        n += args[i].s.n;
        QL_TRY(ql_bulk_each(cx, i));
    }
    if (!qli_fits(cx, "concat", n)) {
        return QL_OK;
    }
    char *p = qli_room(cx, call, n), *o = p;
    if (p == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < nargs; i++) {
        QL_TRY(qli_copy(cx, o, args[i].s.p, args[i].s.n));
        QL_TRY(ql_bulk_each(cx, i));
        o += args[i].s.n;
    }
    return qli_put_str(call, out, p, n);
}

QLI_FN(CONCAT_WS)
{
    if (ql_value_is_null(&args[0])) {
        return QL_OK;
    }
    size_t n = 0;
    for (uint32_t i = 1; i < nargs; i++) {
        n += ql_value_is_null(&args[i]) ? 0 : args[i].s.n + args[0].s.n;
        QL_TRY(ql_bulk_each(cx, i));
    }
    if (!qli_fits(cx, "concat_ws", n)) {
        return QL_OK;
    }
    char *p = qli_room(cx, call, n), *o = p;
    if (p == NULL) {
        return QL_ERROR;
    }
    bool first = true;
    for (uint32_t i = 1; i < nargs; i++) {
        QL_TRY(ql_bulk_each(cx, i));
        if (ql_value_is_null(&args[i])) {
            continue;
        }
        if (!first) {
            QL_TRY(qli_copy(cx, o, args[0].s.p, args[0].s.n));
            o += args[0].s.n;
        }
        first = false;
        QL_TRY(qli_copy(cx, o, args[i].s.p, args[i].s.n));
        o += args[i].s.n;
    }
    return qli_put_str(call, out, p, (size_t)(o - p));
}

/* Characters [from, from + count) of s, shared bytes. */
static ql_status
cut(ql_ctx *cx, ql_call *call, const ql_value *v, size_t from, size_t count, ql_value *out)
{
    size_t a, b;
    QL_TRY(qli_char_offset(cx, coll_of(v), v->s, from, &a));
    QL_TRY(qli_char_offset(cx, coll_of(v), (ql_str){v->s.p + a, v->s.n - a}, count, &b));
    return qli_put_str(call, out, v->s.p + a, b);
}

QLI_FN(SUBSTRING)
{
    int64_t pos = qli_int(&args[1]), count = nargs > 2 ? qli_int(&args[2]) : INT64_MAX;
    if (pos == 0 || count <= 0) {
        return qli_put_str(call, out, "", 0);
    }
    if (pos < 0) {
        size_t chars;
        QL_TRY(qli_count_chars(cx, coll_of(&args[0]), args[0].s, &chars));
        if (0 - (uint64_t)pos > chars) {
            return qli_put_str(call, out, "", 0);
        }
        pos += (int64_t)chars + 1;
    }
    return cut(cx, call, &args[0], (size_t)pos - 1, (size_t)count, out);
}

QLI_FN(LEFT)
{
    int64_t n = qli_int(&args[1]);
    return cut(cx, call, &args[0], 0, n < 0 ? 0 : (size_t)n, out);
}

QLI_FN(RIGHT)
{
    int64_t n = qli_int(&args[1]);
    size_t chars;
    QL_TRY(qli_count_chars(cx, coll_of(&args[0]), args[0].s, &chars));
    if (n <= 0) {
        return qli_put_str(call, out, "", 0);
    }
    return cut(cx, call, &args[0], (uint64_t)n >= chars ? 0 : chars - (size_t)n, SIZE_MAX, out);
}

QLI_FN(LENGTH)
{
    uint64_t n = args[0].s.n;
    QL_TRY(args[0].coll ? ql_charset_length(cx, args[0].coll->charset, args[0].s, &n) : QL_OK);
    return qli_put_int(out, (int64_t)n);
}

QLI_FN(BIT_LENGTH)
{
    QL_TRY(qli_fn_LENGTH(cx, call, args, nargs, out));
    out->i *= 8;
    return QL_OK;
}

QLI_FN(CHAR_LENGTH)
{
    size_t n;
    QL_TRY(qli_count_chars(cx, coll_of(&args[0]), args[0].s, &n));
    return qli_put_int(out, (int64_t)n);
}

/* Characters beyond U+00FF: MySQL's latin1 knows case in the upper half of ISO 8859-1 alone. */
static ql_status
goes_beyond(ql_ctx *cx, ql_str s, bool *yes)
{
    *yes = false;
    QL_TRY(ql_bulk_count(cx, s.n < QLI_STEP ? s.n : QLI_STEP));
    for (size_t i = 0; i < s.n && !*yes; i++) {
        *yes = (unsigned char)s.p[i] >= 0xc4;
        if (i % QLI_STEP == QLI_STEP - 1) {
            QL_TRY(ql_check(cx));
        }
    }
    return QL_OK;
}

/* Character by character: those whose other case the set has not stay. Replaces what is in b. */
static ql_status
change_within(ql_ctx *cx, const ql_charset *cs, ql_str s, bool upper, ql_buf *b)
{
    bool latin1 = strcmp(cs->name, "latin1") == 0, beyond = false;
    ql_buf_clear(b);
    for (size_t i = 0; i < s.n;) {
        uint32_t cp;
        int used = ql_utf8_decode(s.p + i, s.n - i, &cp);
        ql_str one = {s.p + i, used > 0 ? (size_t)used : 1};
        size_t was = b->n, fit;
        QL_TRY(ql_bulk_count(cx, QL_BULK_NODE));
        QL_TRY(upper ? ql_utf8_upper(cx, one, b) : ql_utf8_lower(cx, one, b));
        QL_TRY(ql_charset_fits(cx, cs, (ql_str){b->p + was, b->n - was}, &fit));
        if (latin1) {
            QL_TRY(goes_beyond(cx, one, &beyond));
            bool becomes;
            QL_TRY(goes_beyond(cx, (ql_str){b->p + was, b->n - was}, &becomes));
            beyond = beyond || becomes;
        }
        if (fit == 0 || beyond) {
            b->n = was;
            QL_TRY(ql_buf_put(cx, b, one.p, one.n));
        }
        i += one.n;
    }
    return QL_OK;
}

static ql_status
change_case(ql_ctx *cx, ql_call *call, const ql_value *v, bool upper, ql_value *out)
{
    if (coll_of(v) == NULL || coll_of(v) == ql_coll_binary) {
        *out = *v;
        return QL_OK;
    }
    bool ascii;
    QL_TRY(qli_is_ascii(cx, v->s, &ascii));
    if (ascii) {
        char *p = qli_room(cx, call, v->s.n);
        if (p == NULL) {
            return QL_ERROR;
        }
        for (size_t i = 0; i < v->s.n; i++) {
            char c = v->s.p[i];
            p[i] = upper ? (c >= 'a' && c <= 'z' ? (char)(c - 32) : c)
                         : (c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
            if (i % QLI_STEP == 0) {
                QL_TRY(ql_check(cx));
            }
        }
        return qli_put_str(call, out, p, v->s.n);
    }
    const ql_charset *cs = coll_of(v)->charset;
    ql_buf b = qli_buf(call);
    size_t fit = 0;
    ql_status st = upper ? ql_utf8_upper(cx, v->s, &b) : ql_utf8_lower(cx, v->s, &b);
    if (st == QL_OK && !ql_charset_is_unicode(cs)) {
        st = ql_charset_fits(cx, cs, (ql_str){b.p, b.n}, &fit);
        bool beyond = false, becomes = false;
        if (st == QL_OK && strcmp(cs->name, "latin1") == 0) {
            st = goes_beyond(cx, v->s, &beyond);
            st = st == QL_OK ? goes_beyond(cx, (ql_str){b.p, b.n}, &becomes) : st;
        }
        if (st == QL_OK && (fit < b.n || beyond || becomes)) {
            st = change_within(cx, cs, v->s, upper, &b);
        }
    }
    if (st == QL_OK) {
        st = qli_put_copy(cx, call, out, b.p, b.n);
    }
    ql_buf_free(&b);
    return st;
}

QLI_FN(UPPER)
{
    return change_case(cx, call, &args[0], true, out);
}

QLI_FN(LOWER)
{
    return change_case(cx, call, &args[0], false, out);
}

static ql_status
trim(ql_ctx *cx, ql_call *call, ql_str s, ql_str what, bool left, bool right, ql_value *out)
{
    int order = 0;
    if (what.n == 0) {
        left = right = false;
    }
    while (left && s.n >= what.n) {
        QL_TRY(ql_bulk_count(cx, 8)); /* of small steps there may be many */
        QL_TRY(ql_bulk_compare(cx, s.p, what.p, what.n, &order));
        if (order != 0) {
            break;
        }
        s.p += what.n;
        s.n -= what.n;
    }
    while (right && s.n >= what.n) {
        QL_TRY(ql_bulk_count(cx, 8));
        QL_TRY(ql_bulk_compare(cx, s.p + s.n - what.n, what.p, what.n, &order));
        if (order != 0) {
            break;
        }
        s.n -= what.n;
    }
    return qli_put_str(call, out, s.p, s.n);
}

QLI_FN(TRIM)
{
    ql_str what = nargs > 1 ? args[1].s : QL_STR(" ");
    uint32_t side = call->expr->index;
    return trim(cx, call, args[0].s, what, side != 2, side != 1, out);
}

QLI_FN(LTRIM)
{
    return trim(cx, call, args[0].s, QL_STR(" "), true, false, out);
}

QLI_FN(RTRIM)
{
    return trim(cx, call, args[0].s, QL_STR(" "), false, true, out);
}

static ql_status
pad(ql_ctx *cx, ql_call *call, const ql_value *args, bool left, ql_value *out)
{
    int64_t want = qli_int(&args[1]);
    const ql_collation *c = coll_of(&args[0]);
    size_t have, padchars;
    if (want < 0) {
        return QL_OK;
    }
    QL_TRY(qli_count_chars(cx, c, args[0].s, &have));
    QL_TRY(qli_count_chars(cx, c, args[2].s, &padchars));
    if ((uint64_t)want <= have) {
        return cut(cx, call, &args[0], 0, (size_t)want, out);
    }
    if (padchars == 0) {
        return qli_put_str(call, out, "", 0); /* MySQL 8: empty, not NULL */
    }
    size_t missing = (size_t)want - have, whole = missing / padchars, rest;
    QL_TRY(qli_char_offset(cx, c, args[2].s, missing % padchars, &rest));
    if (whole > SIZE_MAX / 8 / args[2].s.n ||
        !qli_fits(cx, left ? "lpad" : "rpad", whole * args[2].s.n + rest + args[0].s.n)) {
        return QL_OK;
    }
    size_t n = whole * args[2].s.n + rest + args[0].s.n;
    char *p = qli_room(cx, call, n), *o = p;
    if (p == NULL) {
        return QL_ERROR;
    }
    if (!left) {
        QL_TRY(qli_copy(cx, o, args[0].s.p, args[0].s.n));
        o += args[0].s.n;
    }
    for (size_t i = 0; i < whole; i++) {
        QL_TRY(qli_copy(cx, o, args[2].s.p, args[2].s.n));
        o += args[2].s.n;
    }
    QL_TRY(qli_copy(cx, o, args[2].s.p, rest));
    o += rest;
    if (left) {
        QL_TRY(qli_copy(cx, o, args[0].s.p, args[0].s.n));
    }
    return qli_put_str(call, out, p, n);
}

QLI_FN(LPAD)
{
    return pad(cx, call, args, true, out);
}

QLI_FN(RPAD)
{
    return pad(cx, call, args, false, out);
}

static ql_status
repeat(ql_ctx *cx, ql_call *call, ql_str s, int64_t times, const char *name, ql_value *out)
{
    if (times <= 0 || s.n == 0) {
        return qli_put_str(call, out, "", 0);
    }
    if ((uint64_t)times > (SIZE_MAX / 4) / s.n || !qli_fits(cx, name, s.n * (size_t)times)) {
        if ((uint64_t)times > (SIZE_MAX / 4) / s.n) {
            ql_warn(cx, QL_DIAG_WARNING, QL_ER_WARN_ALLOWED_PACKET_OVERFLOWED, name,
                    cx->vars ? (long)cx->vars->max_allowed_packet : 0L);
        }
        return QL_OK;
    }
    size_t n = s.n * (size_t)times, done = s.n;
    char *p = qli_room(cx, call, n);
    if (p == NULL) {
        return QL_ERROR;
    }
    QL_TRY(qli_copy(cx, p, s.p, s.n));
    while (done < n) { /* doubling */
        size_t more = done < n - done ? done : n - done;
        QL_TRY(qli_copy(cx, p + done, p, more));
        done += more;
    }
    return qli_put_str(call, out, p, n);
}

QLI_FN(REPEAT)
{
    return repeat(cx, call, args[0].s, qli_int(&args[1]), "repeat", out);
}

QLI_FN(SPACE)
{
    return repeat(cx, call, QL_STR(" "), qli_int(&args[0]), "space", out);
}

/* REPLACE is case-sensitive (manual): bytes. */
QLI_FN(REPLACE)
{
    ql_str s = args[0].s, from = args[1].s, to = args[2].s;
    if (from.n == 0 || s.n < from.n) {
        *out = args[0];
        return QL_OK;
    }
    ql_buf b = qli_buf(call);
    ql_status st = QL_OK;
    size_t at = 0, steps = 0;
    while (at < s.n) {
        size_t hit;
        QL_TRY_TO(st, ql_bulk_find(cx, s, at, from, &hit), done);
        QL_TRY_TO(st, ql_buf_put(cx, &b, s.p + at, hit - at), done);
        at = hit;
        if (hit < s.n) {
            QL_TRY_TO(st, ql_buf_put(cx, &b, to.p, to.n), done);
            at += from.n;
        }
        if (++steps % 1024 == 0) {
            QL_TRY_TO(st, ql_check(cx), done);
        }
        if (cx->vars && b.n > cx->vars->max_allowed_packet) {
            (void)qli_fits(cx, "replace", b.n);
            goto done;
        }
    }
    st = qli_put_copy(cx, call, out, b.p, b.n);
done:
    ql_buf_free(&b);
    return st;
}

QLI_FN(REVERSE)
{
    ql_str s = args[0].s;
    char *p = qli_room(cx, call, s.n);
    if (p == NULL) {
        return QL_ERROR;
    }
    bool bytes = coll_of(&args[0]) == NULL || coll_of(&args[0]) == ql_coll_binary;
    size_t o = s.n, steps = 0;
    for (size_t i = 0; i < s.n;) {
        size_t n = 1;
        while (!bytes && i + n < s.n && ((unsigned char)s.p[i + n] & 0xC0) == 0x80 && n < 4) {
            n++;
        }
        o -= n;
        memcpy(p + o, s.p + i, n);
        i += n;
        if (++steps % QLI_STEP == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    return qli_put_str(call, out, p, s.n);
}

static ql_status
locate(ql_ctx *cx, ql_call *call, const ql_value *hay, const ql_value *needle, int64_t from,
       ql_value *out)
{
    const ql_collation *c = call->expr->coll ? call->expr->coll : hay->coll;
    size_t start, at, before;
    bool found;
    if (from < 1) {
        return qli_put_int(out, 0);
    }
    QL_TRY(qli_char_offset(cx, hay->coll, hay->s, (size_t)from - 1, &start));
    if (start == hay->s.n && from > 1) {
        size_t chars;
        QL_TRY(qli_count_chars(cx, hay->coll, hay->s, &chars));
        if ((uint64_t)from - 1 > chars) {
            return qli_put_int(out, 0);
        }
    }
    QL_TRY(qli_find(cx, call, c, hay->s, needle->s, start, &at, &found));
    if (!found) {
        return qli_put_int(out, 0);
    }
    QL_TRY(qli_count_chars(cx, hay->coll, (ql_str){hay->s.p, at}, &before));
    return qli_put_int(out, (int64_t)before + 1);
}

QLI_FN(LOCATE)
{
    return locate(cx, call, &args[1], &args[0], nargs > 2 ? qli_int(&args[2]) : 1, out);
}

QLI_FN(INSTR)
{
    return locate(cx, call, &args[0], &args[1], 1, out);
}

QLI_FN(STRCMP)
{
    int cmp;
    QL_TRY(ql_coll_compare(cx, call->expr->coll ? call->expr->coll : args[0].coll, args[0].s,
                           args[1].s, &cmp));
    return qli_put_int(out, cmp < 0 ? -1 : cmp > 0);
}

/* The bytes of the first character in its character set; one of bytes. */
static ql_status
first_character(ql_ctx *cx, ql_call *call, const ql_value *v, ql_str *out)
{
    uint32_t cp;
    int n = v->s.n && coll_of(v) != ql_coll_binary ? ql_utf8_decode(v->s.p, v->s.n, &cp) : 0;
    *out = (ql_str){v->s.p, n > 0 ? (size_t)n : v->s.n != 0};
    return coll_of(v) != NULL ? ql_charset_bytes(cx, call->arena, coll_of(v)->charset, *out, out)
                              : QL_OK;
}

QLI_FN(ASCII)
{
    ql_str s;
    QL_TRY(first_character(cx, call, &args[0], &s));
    return qli_put_int(out, s.n ? (unsigned char)s.p[0] : 0);
}

QLI_FN(ORD)
{
    ql_str s;
    int64_t v = 0;
    QL_TRY(first_character(cx, call, &args[0], &s));
    for (size_t i = 0; i < s.n; i++) {
        v = v * 256 + (unsigned char)s.p[i];
    }
    return qli_put_int(out, v);
}

QLI_FN(CHAR)
{
    char *p = qli_room(cx, call, (size_t)nargs * 4), *o = p;
    if (p == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < nargs; i++) {
        QL_TRY(ql_bulk_each(cx, i));
        if (ql_value_is_null(&args[i])) {
            continue;
        }
        uint32_t v = (uint32_t)args[i].u;
        for (int shift = 24; shift >= 0; shift -= 8) {
            if ((v >> shift) != 0 || shift == 0) {
                *o++ = (char)(v >> shift);
            }
        }
    }
    return qli_put_str(call, out, p, (size_t)(o - p));
}

QLI_FN(INSERT)
{
    int64_t pos = qli_int(&args[1]), len = qli_int(&args[2]);
    size_t chars, a, b;
    QL_TRY(qli_count_chars(cx, coll_of(&args[0]), args[0].s, &chars));
    if (pos < 1 || (uint64_t)pos > chars) {
        *out = args[0];
        return QL_OK;
    }
    QL_TRY(qli_char_offset(cx, coll_of(&args[0]), args[0].s, (size_t)pos - 1, &a));
    QL_TRY(qli_char_offset(cx, coll_of(&args[0]), (ql_str){args[0].s.p + a, args[0].s.n - a},
                           len < 0 ? SIZE_MAX : (size_t)len, &b));
    size_t n = args[0].s.n - b + args[3].s.n;
    if (!qli_fits(cx, "insert", n)) {
        return QL_OK;
    }
    char *p = qli_room(cx, call, n);
    if (p == NULL) {
        return QL_ERROR;
    }
    QL_TRY(qli_copy(cx, p, args[0].s.p, a));
    QL_TRY(qli_copy(cx, p + a, args[3].s.p, args[3].s.n));
    QL_TRY(qli_copy(cx, p + a + args[3].s.n, args[0].s.p + a + b, args[0].s.n - a - b));
    return qli_put_str(call, out, p, n);
}

QLI_FN(FIND_IN_SET)
{
    const ql_collation *c = call->expr->coll ? call->expr->coll : args[0].coll;
    ql_str set = args[1].s;
    int64_t number = 1;
    size_t at;
    QL_TRY(ql_bulk_find_byte(cx, args[0].s, 0, ',', &at));
    if (set.n == 0 || at < args[0].s.n) {
        return qli_put_int(out, 0);
    }
    for (;;) {
        size_t n;
        QL_TRY(ql_bulk_find_byte(cx, set, 0, ',', &n));
        int cmp;
        QL_TRY(ql_coll_compare(cx, c, args[0].s, (ql_str){set.p, n}, &cmp));
        if (cmp == 0) {
            return qli_put_int(out, number);
        }
        if (n == set.n) {
            return qli_put_int(out, 0);
        }
        set.p += n + 1;
        set.n -= n + 1;
        if (++number % 1024 == 0) {
            QL_TRY(ql_check(cx));
        }
    }
}

QLI_FN(MAKE_SET)
{
    if (ql_value_is_null(&args[0])) {
        return QL_OK;
    }
    ql_buf b = qli_buf(call);
    ql_status st = QL_OK;
    bool first = true;
    for (uint32_t i = 1; i < nargs && i <= 64; i++) {
        if (!((args[0].u >> (i - 1)) & 1) || ql_value_is_null(&args[i])) {
            continue;
        }
        if (!first) {
            QL_TRY_TO(st, ql_buf_put_str(cx, &b, ","), done);
        }
        first = false;
        QL_TRY_TO(st, ql_buf_put(cx, &b, args[i].s.p, args[i].s.n), done);
    }
    st = qli_put_copy(cx, call, out, b.p, b.n);
done:
    ql_buf_free(&b);
    return st;
}

QLI_FN(EXPORT_SET)
{
    ql_str sep = nargs > 3 ? args[3].s : QL_STR(",");
    int64_t bits = nargs > 4 ? qli_int(&args[4]) : 64;
    if (bits < 0 || bits > 64) {
        bits = 64;
    }
    size_t on =
        (size_t)__builtin_popcountll(bits < 64 ? args[0].u & ((1ull << bits) - 1) : args[0].u);
    size_t n = on * args[1].s.n + ((size_t)bits - on) * args[2].s.n;
    if (!qli_fits(cx, "export_set", n + (bits > 0 ? (size_t)bits - 1 : 0) * sep.n)) {
        return QL_OK;
    }
    ql_buf b = qli_buf(call);
    ql_status st = QL_OK;
    for (int64_t i = 0; i < bits; i++) {
        ql_str s = ((args[0].u >> i) & 1) ? args[1].s : args[2].s;
        if (i > 0) {
            QL_TRY_TO(st, ql_buf_put(cx, &b, sep.p, sep.n), done);
        }
        QL_TRY_TO(st, ql_buf_put(cx, &b, s.p, s.n), done);
    }
    st = qli_put_copy(cx, call, out, b.p, b.n);
done:
    ql_buf_free(&b);
    return st;
}

/* SUBSTRING_INDEX with a negative count: everything after the -n-th delimiter from the right. What
 * is counted between checkpoints are bytes compared, not positions. */
static ql_status
after_delimiter(ql_ctx *cx, ql_str s, ql_str d, int64_t n, size_t *from)
{
    size_t work = 0;
    for (size_t at = s.n; at >= d.n;) {
        const char *p = s.p + at - d.n;
        size_t same = 0;
        while (same < d.n && p[same] == d.p[same]) {
            same++;
            if (++work % QLI_STEP == 0) {
                QL_TRY(ql_check(cx));
            }
        }
        if (same == d.n) {
            if (++n == 0) {
                *from = at;
                return QL_OK;
            }
            at -= d.n;
        } else {
            at--;
        }
        if (++work % QLI_STEP == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    *from = 0;
    return QL_OK;
}

QLI_FN(SUBSTRING_INDEX)
{
    ql_str s = args[0].s, d = args[1].s;
    int64_t n = qli_int(&args[2]);
    size_t at = 0, hit, steps = 0;
    if (n == 0 || d.n == 0 || s.n == 0) {
        return qli_put_str(call, out, "", 0);
    }
    if (n < 0) {
        QL_TRY(after_delimiter(cx, s, d, n, &at));
        return qli_put_str(call, out, s.p + at, s.n - at);
    }
    for (;;) {
        QL_TRY(ql_bulk_find(cx, s, at, d, &hit));
        if (hit == s.n || --n == 0) {
            return qli_put_str(call, out, s.p, hit);
        }
        at = hit + d.n;
        if (++steps % 1024 == 0) {
            QL_TRY(ql_check(cx));
        }
    }
}

QLI_FN(QUOTE)
{
    if (ql_value_is_null(&args[0])) {
        return qli_put_str(call, out, "NULL", 4);
    }
    ql_str s = args[0].s;
    if (!qli_fits(cx, "quote", s.n * 2 + 2)) {
        return QL_OK;
    }
    char *p = qli_room(cx, call, s.n * 2 + 2), *o = p;
    if (p == NULL) {
        return QL_ERROR;
    }
    *o++ = '\'';
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '\'' || c == '\\' || c == 0 || c == 26) {
            *o++ = '\\';
            c = c == 0 ? '0' : c == 26 ? 'Z' : c;
        }
        *o++ = c;
        if (i % QLI_STEP == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    *o++ = '\'';
    return qli_put_str(call, out, p, (size_t)(o - p));
}

QLI_FN(SOUNDEX)
{
    static const char codes[] = "01230120022455012623010202"; /* A to Z; 0 = not coded */
    ql_str s = args[0].s;
    char *p = qli_room(cx, call, s.n + 4), *o = p;
    if (p == NULL) {
        return QL_ERROR;
    }
    char last = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (i % QLI_STEP == 0) {
            QL_TRY(ql_check(cx));
        }
        if (c >= 'a' && c <= 'z') {
            c = (char)(c - 32);
        }
        if (c < 'A' || c > 'Z') {
            continue;
        }
        char code = codes[c - 'A'];
        if (o == p) {
            *o++ = c;
            last = code;
        } else if (code == '0') {
            if (c != 'H' && c != 'W') {
                last = '0';
            }
        } else if (code != last) {
            *o++ = code;
            last = code;
        }
    }
    while (o > p && o - p < 4) {
        *o++ = '0';
    }
    return qli_put_str(call, out, p, (size_t)(o - p));
}

QLI_FN(ELT)
{
    if (ql_value_is_null(&args[0]) || qli_int(&args[0]) < 1 || qli_int(&args[0]) >= nargs) {
        return QL_OK;
    }
    *out = args[args[0].i];
    return QL_OK;
}

static ql_status
compare_args(ql_ctx *cx, ql_call *call, const ql_value *a, const ql_value *b, int *cmp)
{
    return ql_value_compare(cx, a, b, call->expr->coll, cmp);
}

QLI_FN(FIELD)
{
    for (uint32_t i = 1; i < nargs && !ql_value_is_null(&args[0]); i++) {
        int cmp = 1;
        QL_TRY(ql_bulk_each(cx, i));
        if (!ql_value_is_null(&args[i])) {
            QL_TRY(compare_args(cx, call, &args[0], &args[i], &cmp));
        }
        if (cmp == 0) {
            return qli_put_int(out, i);
        }
    }
    return qli_put_int(out, 0);
}

/* INTERVAL(n, n1, n2, ...): how many are not above n; the list is ascending. */
QLI_FN(INTERVAL)
{
    if (ql_value_is_null(&args[0])) {
        return qli_put_int(out, -1);
    }
    uint32_t i = 1;
    for (; i < nargs; i++) {
        int cmp = 1;
        QL_TRY(ql_bulk_each(cx, i));
        if (!ql_value_is_null(&args[i])) {
            QL_TRY(compare_args(cx, call, &args[0], &args[i], &cmp));
        }
        if (cmp < 0) {
            break;
        }
    }
    return qli_put_int(out, (int64_t)i - 1);
}

static ql_status
extreme(ql_ctx *cx, ql_call *call, const ql_value *args, uint32_t nargs, int sign, ql_value *out)
{
    uint32_t best = 0;
    bool moments = call->expr->compare_kind == QL_K_DATETIME; /* behind the texts */
    uint32_t n = moments ? nargs / 2 : nargs;
    const ql_value *keys = moments ? args + n : args;
    const ql_collation *c = call->expr->coll ? call->expr->coll : call->expr->type.coll;
    for (uint32_t i = 1; i < n; i++) {
        int cmp;
        QL_TRY(ql_bulk_each(cx, i));
        QL_TRY(ql_value_compare(cx, &keys[i], &keys[best], c, &cmp));
        if (cmp * sign > 0) {
            best = i;
        }
    }
    *out = args[best];
    return QL_OK;
}

QLI_FN(GREATEST)
{
    return extreme(cx, call, args, nargs, 1, out);
}

QLI_FN(LEAST)
{
    return extreme(cx, call, args, nargs, -1, out);
}

/* The evaluator answers COALESCE itself, lazily; this is the same for callers that have the values.
 */
QLI_FN(COALESCE)
{
    for (uint32_t i = 0; i < nargs; i++) {
        if (!ql_value_is_null(&args[i])) {
            *out = args[i];
            return QL_OK;
        }
    }
    return QL_OK;
}

/* IF, IFNULL and NULLIF are answered by the evaluator, which does not evaluate the branch not
 * taken. */
QLI_FN(IF)
{
    bool yes = false;
    if (!ql_value_is_null(&args[0])) {
        QL_TRY(ql_value_to_bool(cx, &args[0], &yes));
    }
    *out = args[yes ? 1 : 2];
    return QL_OK;
}

QLI_FN(IFNULL)
{
    *out = args[ql_value_is_null(&args[0]) ? 1 : 0];
    return QL_OK;
}

QLI_FN(NULLIF)
{
    int cmp = 1;
    if (!ql_value_is_null(&args[0]) && !ql_value_is_null(&args[1])) {
        QL_TRY(compare_args(cx, call, &args[0], &args[1], &cmp));
    }
    if (cmp != 0) {
        *out = args[0];
    }
    return QL_OK;
}
