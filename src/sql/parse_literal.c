/* SPDX-License-Identifier: Apache-2.0
 *
 * Literals: strings, numbers, hexadecimal and bit values, character set introducers, dates and the
 * ODBC forms of them (manual, "Literal Values").
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "base/text.h"
#include "intr/intr.h"
#include "sql/sql_int.h"
#include "types/moment.h"

bool
qli_is_literal(const qli_parser *p)
{
    switch (p->t.kind) {
    case T_STRING:
    case T_NSTRING:
    case T_INT:
    case T_DECIMAL:
    case T_DOUBLE:
    case T_HEX:
    case T_BITS:
    case K_NULL:
    case K_TRUE:
    case K_FALSE:
        return true;
    default:
        return false;
    }
}

/* Integers beyond 64 bits become DECIMAL. */
static void
int_value(ql_str digits, ql_value *v)
{
    uint64_t u = 0;
    for (size_t i = 0; i < digits.n; i++) {
        if (__builtin_mul_overflow(u, 10u, &u) ||
            __builtin_add_overflow(u, (uint64_t)(digits.p[i] - '0'), &u)) {
            size_t used, most = i + 2 * QL_DECIMAL_MAX_DIGITS; /* more digits change nothing */
            v->kind = QL_K_DECIMAL;
            digits.n = digits.n < most ? digits.n : most;
            (void)ql_decimal_parse(&v->dec, digits, &used);
            return;
        }
    }
    v->kind = QL_K_INT;
    v->is_unsigned = u > INT64_MAX;
    v->u = u;
}

static ql_status
double_value(qli_parser *p, ql_str digits, ql_value *v)
{
    char room[QL_SHORT_TEXT];
    ql_str s = digits;
    size_t used;
    bool overflow;
    QL_TRY(ql_text_for_number(p->cx, &s, room));
    *v = ql_value_double(ql_double_parse(s, &used, &overflow));
    return overflow ? ql_fail(p->cx, QL_ER_ILLEGAL_VALUE_FOR_TYPE, "double", ql_cstr(p->cx, digits))
                    : QL_OK;
}

static ql_status
number_value(qli_parser *p, qli_token_kind kind, ql_str digits, ql_value *v)
{
    char room[QL_SHORT_TEXT];
    size_t used;
    QL_TRY(ql_text_for_number(p->cx, &digits, room));
    switch (kind) {
    case T_INT:
        int_value(digits, v);
        return QL_OK;
    case T_DECIMAL:
        v->kind = QL_K_DECIMAL;
        (void)ql_decimal_parse(&v->dec, digits, &used);
        return QL_OK;
    default:
        return double_value(p, digits, v);
    }
}

/* Digits, most significant first, `per_byte` of them in a byte, to bytes. */
static ql_status
digits_to_bytes(qli_parser *p, ql_str digits, unsigned bits, ql_str *out)
{
    size_t per_byte = 8 / bits, n = (digits.n + per_byte - 1) / per_byte;
    char *w = ql_arena_zalloc(p->cx, p->a, n + 1);
    if (w == NULL) {
        return QL_ERROR;
    }
    size_t shift = n * per_byte - digits.n;
    for (size_t i = 0; i < digits.n; i++) {
        if (i % QLI_LOOK_BYTES == QLI_LOOK_BYTES - 1) {
            QL_TRY(ql_check(p->cx));
        }
        char c = digits.p[i];
        unsigned d = (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
        size_t at = (i + shift) / per_byte;
        w[at] = (char)((((uint8_t)w[at]) << bits) | d);
    }
    *out = (ql_str){w, n};
    return QL_OK;
}

/* 'a' 'b' and 'a' on the next line are one string. */
static ql_status
string_value(qli_parser *p, ql_str *out)
{
    QL_TRY(qli_token_decode(p->cx, p->a, &p->lx, &p->t, out));
    qli_advance(p);
    if (!qli_is(p, T_STRING)) {
        return QL_OK;
    }
    uint32_t base = p->nstack;
    size_t total = out->n;
    ql_str *part;
    while (qli_is(p, T_STRING)) {
        QL_TRY(qli_new(p, sizeof *part, &part));
        QL_TRY(qli_token_decode(p->cx, p->a, &p->lx, &p->t, part));
        QL_TRY(qli_push(p, part));
        total += part->n;
        qli_advance(p);
    }
    char *w = ql_arena_alloc(p->cx, p->a, total + 1);
    if (w == NULL) {
        return QL_ERROR;
    }
    size_t n = out->n;
    QL_TRY(ql_bulk_copy(p->cx, w, out->p, n));
    for (uint32_t i = base; i < p->nstack; i++) {
        part = p->stack[i];
        QL_TRY(ql_bulk_copy(p->cx, w + n, part->p, part->n));
        n += part->n;
    }
    p->nstack = base;
    *out = (ql_str){w, n};
    return QL_OK;
}

/* First byte that is no UTF-8, s.n = there is none. */
static ql_status
find_malformed(qli_parser *p, ql_str s, size_t *out)
{
    size_t at = 0;
    while (at < s.n) {
        size_t left = s.n - at, n = left < QLI_LOOK_BYTES ? left : QLI_LOOK_BYTES;
        size_t good = ql_utf8_valid_prefix((ql_str){s.p + at, n});
        at += good;
        if (good < n && (n == left || n - good > 3)) {
            break; /* not just a character cut by the end of the piece */
        }
        QL_TRY(ql_check(p->cx));
    }
    *out = at;
    return QL_OK;
}

/* What a message shows of it: up to three bytes, as MySQL. */
static void
malformed_text(ql_str s, size_t at, char out[8])
{
    size_t n = 0;
    for (; n < 3 && at + n < s.n; n++) {
        (void)snprintf(out + 2 * n, 3, "%02X", (unsigned char)s.p[at + n]);
    }
    out[2 * n] = '\0';
}

/* A literal that is no text of its character set keeps its bytes (they may be meant for a BLOB). */
static ql_status
warn_malformed(qli_parser *p, const ql_value *v)
{
    size_t at;
    char text[8];
    if (v->coll == ql_coll_binary) {
        return QL_OK;
    }
    QL_TRY(find_malformed(p, v->s, &at));
    if (at < v->s.n) {
        malformed_text(v->s, at, text);
        ql_warn(p->cx, QL_DIAG_WARNING, QL_ER_INVALID_CHARACTER_STRING, v->coll->charset->name,
                text);
    }
    return QL_OK;
}

/* The bytes that the client has sent. */
static ql_status
client_bytes(qli_parser *p, ql_str *s)
{
    return p->mode->client != NULL ? ql_charset_bytes(p->cx, p->a, p->mode->client, *s, s) : QL_OK;
}

/* A literal becomes a text of the connection's character set, '?' for what that has not. */
static ql_status
connection_text(qli_parser *p, ql_value *v)
{
    if (v->coll == NULL || v->coll == ql_coll_default) {
        return warn_malformed(p, v);
    }
    if (v->coll == ql_coll_binary) {
        return client_bytes(p, &v->s);
    }
    QL_TRY(warn_malformed(p, v));
    return ql_charset_is_plain(v->coll->charset)
               ? QL_OK
               : ql_charset_limit(p->cx, p->a, v->coll->charset, v->s, &v->s);
}

static ql_status
literal(qli_parser *p, bool introduced, ql_ast_expr **out)
{
    ql_ast_expr *e;
    QL_TRY(qli_expr_new(p, QL_A_LITERAL, &e));
    ql_value *v = &e->value;
    *out = e;
    switch (p->t.kind) {
    case T_NSTRING:
        v->coll = ql_charset_default(ql_charset_by_name(QL_STR("utf8mb3")));
        v->kind = QL_K_STRING;
        QL_TRY(string_value(p, &v->s));
        e->end = p->prev_end;
        return warn_malformed(p, v);
    case T_STRING:
        v->coll = p->mode->literal_coll;
        v->kind = QL_K_STRING;
        QL_TRY(string_value(p, &v->s));
        e->end = p->prev_end;
        return introduced ? QL_OK : connection_text(p, v);
    case T_INT:
    case T_DECIMAL:
    case T_DOUBLE:
        QL_TRY(number_value(p, p->t.kind, p->t.text, v));
        break;
    case T_HEX:
    case T_BITS:
        v->kind = QL_K_STRING;
        v->coll = ql_coll_binary;
        e->is_hex = true;
        QL_TRY(digits_to_bytes(p, p->t.text, qli_is(p, T_HEX) ? 4 : 1, &v->s));
        break;
    case K_NULL:
        v->kind = QL_K_NULL;
        break;
    case K_TRUE:
    case K_FALSE:
        v->kind = QL_K_INT;
        v->i = qli_is(p, K_TRUE);
        e->is_bool = true;
        break;
    default:
        return qli_syntax_error(p);
    }
    qli_advance(p);
    return QL_OK;
}

ql_status
qli_literal(qli_parser *p, ql_ast_expr **out)
{
    return literal(p, false, out);
}

/* _charset 'x', _charset x'41': bytes of that character set. */
ql_status
qli_introduced_literal(qli_parser *p, ql_ast_expr **out)
{
    const ql_charset *cs = ql_charset_by_name(p->t.text);
    uint32_t pos = p->t.pos;
    if (cs == NULL) {
        return ql_fail(p->cx, QL_ER_UNKNOWN_CHARACTER_SET,
                       ql_arena_strndup(p->cx, p->a, p->t.text.p, p->t.text.n));
    }
    qli_advance(p);
    QL_TRY(literal(p, true, out));
    ql_ast_expr *e = *out;
    bool hex = e->is_code = e->is_hex;
    e->pos = pos;
    e->is_hex = false;
    e->value.coll = ql_charset_default(cs);
    if (e->value.kind != QL_K_STRING) {
        return QL_OK;
    }
    if (!hex) {
        QL_TRY(client_bytes(p, &e->value.s));
    }
    size_t all = (e->value.s.n + cs->min_bytes - 1) / cs->min_bytes * cs->min_bytes, fit;
    ql_str bytes = e->value.s;
    QL_TRY(ql_charset_text(p->cx, p->a, cs, bytes, &e->value.s, &fit));
    if (fit < all) {
        size_t zeros = all - bytes.n;
        char text[8];
        malformed_text(bytes, fit - (fit < zeros ? fit : zeros), text);
        return ql_fail(p->cx, QL_ER_INVALID_CHARACTER_STRING, cs->name, text);
    }
    return QL_OK;
}

/* DATE 'x', TIME 'x', TIMESTAMP 'x'; the current token is the string. */
ql_status
qli_temporal_literal(qli_parser *p, ql_kind kind, uint32_t pos, ql_ast_expr **out)
{
    static const char *const names[] = {
        [QL_K_DATE] = "DATE", [QL_K_TIME] = "TIME", [QL_K_DATETIME] = "DATETIME"};
    ql_ast_expr *e;
    ql_str s;
    ql_dt dt = {0};
    bool has_time = false, ok;
    char room[QL_SHORT_TEXT];
    QL_TRY(qli_expr_new(p, QL_A_LITERAL, &e));
    QL_TRY(qli_string(p, &s));
    QL_TRY(ql_text_for_temporal(p->cx, &s, room));
    unsigned decimals = 0;
    const char *dot = memchr(s.p, '.', s.n);
    if (dot != NULL && kind != QL_K_DATE) {
        const char *digit = dot + 1;
        while (digit < s.p + s.n && digit - dot <= 6 && ql_is_digit(*digit)) {
            digit++;
        }
        decimals = (unsigned)(digit - dot - 1);
    }
    if (kind == QL_K_TIME) {
        ok = ql_time_parse(s, decimals, &dt) == QL_DT_OK;
        e->value.i = ql_time_pack(&dt);
    } else {
        ok = ql_datetime_parse(p->cx, s, decimals, p->mode->dates, &dt, &has_time) == QL_DT_OK &&
             has_time == (kind == QL_K_DATETIME);
        e->value.i = ql_dt_pack(&dt);
    }
    if (!ok) {
        return ql_fail(p->cx, QL_ER_WRONG_VALUE, names[kind],
                       ql_arena_strndup(p->cx, p->a, s.p, s.n));
    }
    e->value.kind = kind;
    e->value.decimals = (uint8_t)decimals;
    e->pos = pos;
    e->end = p->prev_end;
    *out = e;
    return QL_OK;
}

bool
qli_temporal_kind(const qli_token *t, ql_kind *kind)
{
    *kind = t->kind == K_DATE        ? QL_K_DATE
            : t->kind == K_TIME      ? QL_K_TIME
            : t->kind == K_TIMESTAMP ? QL_K_DATETIME
                                     : QL_K_NULL;
    return *kind != QL_K_NULL;
}

/* {d 'x'}, {t 'x'}, {ts 'x'}, {fn f(x)}: ODBC. */
ql_status
qli_odbc_escape(qli_parser *p, ql_ast_expr **out)
{
    uint32_t pos = p->t.pos;
    qli_advance(p);
    if (!qli_is_name(&p->t)) {
        return qli_syntax_error(p);
    }
    ql_kind kind = qli_is_word(p, "d")    ? QL_K_DATE
                   : qli_is_word(p, "t")  ? QL_K_TIME
                   : qli_is_word(p, "ts") ? QL_K_DATETIME
                                          : QL_K_NULL;
    qli_advance(p);
    if (kind != QL_K_NULL && qli_is(p, T_STRING)) {
        QL_TRY(qli_temporal_literal(p, kind, pos, out));
    } else {
        QL_TRY(qli_expr(p, out));
    }
    return qli_expect(p, T_RBRACE);
}
