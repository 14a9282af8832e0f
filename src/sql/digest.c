/* SPDX-License-Identifier: Apache-2.0
 *
 * Statement digests: the text with literals as ?, lists of them shortened, words in one case and
 * one space between tokens, and its SHA-256 (MySQL manual, "Performance Schema Statement Digests").
 */
#include <openssl/evp.h>
#include <string.h>

#include "base/buf.h"
#include "intr/intr.h"
#include "sql/sql_int.h"

/* Pieces of a normalised text. Runs of literals collapse while they are pushed. */
typedef enum piece_kind {
    P_TOKEN,
    P_VALUE,       /* ? */
    P_VALUES,      /* ... */
    P_ROW_VALUE,   /* (?) */
    P_ROW_VALUES,  /* (...) */
    P_SEVERAL_ROW, /* (?) and more such rows */
    P_SEVERAL_ROWS
} piece_kind;

typedef struct piece {
    piece_kind kind;
    qli_token_kind token;
    ql_str text;
} piece;

typedef struct digester {
    ql_ctx *cx;
    piece *v;
    uint32_t n, cap;
    ql_buf mem;
} digester;

static ql_status
push(digester *d, piece p)
{
    if (d->n == d->cap) {
        QL_TRY(ql_buf_reserve(d->cx, &d->mem, (size_t)(d->cap + 64) * sizeof(piece)));
        d->mem.n += 64 * sizeof(piece);
        d->cap += 64;
        d->v = (piece *)(void *)d->mem.p;
    }
    d->v[d->n++] = p;
    return QL_OK;
}

static bool
token_at(const digester *d, uint32_t back, qli_token_kind k)
{
    return d->n >= back && d->v[d->n - back].kind == P_TOKEN && d->v[d->n - back].token == k;
}

static bool
kind_at(const digester *d, uint32_t back, piece_kind k)
{
    return d->n >= back && d->v[d->n - back].kind == k;
}

/* A minus or plus in front of a value that is a sign, not an operator. */
static bool
sign_before_value(const digester *d)
{
    if (!token_at(d, 1, T_MINUS) && !token_at(d, 1, T_PLUS)) {
        return false;
    }
    if (d->n == 1) {
        return true;
    }
    const piece *p = &d->v[d->n - 2];
    if (p->kind != P_TOKEN) {
        return false;
    }
    return p->token != T_RPAREN && p->token != T_IDENT && p->token != T_QUOTED &&
           p->token != T_USERVAR && p->token != K_END;
}

static ql_status
push_value(digester *d)
{
    while (sign_before_value(d)) {
        d->n--;
    }
    if (token_at(d, 1, T_COMMA) && (kind_at(d, 2, P_VALUE) || kind_at(d, 2, P_VALUES))) {
        d->n--;
        d->v[d->n - 1].kind = P_VALUES;
        return QL_OK;
    }
    return push(d, (piece){.kind = P_VALUE});
}

/* ")" closes what may be a row of values only. */
static ql_status
push_close(digester *d)
{
    bool one = kind_at(d, 1, P_VALUE), many = kind_at(d, 1, P_VALUES);
    if ((!one && !many) || !token_at(d, 2, T_LPAREN)) {
        return push(d, (piece){.kind = P_TOKEN, .token = T_RPAREN, .text = QL_STR(")")});
    }
    d->n--;
    piece *row = &d->v[d->n - 1];
    row->kind = one ? P_ROW_VALUE : P_ROW_VALUES;
    if (token_at(d, 2, T_COMMA) && d->n >= 3) {
        piece_kind before = d->v[d->n - 3].kind;
        if (one && (before == P_ROW_VALUE || before == P_SEVERAL_ROW)) {
            d->n -= 2;
            d->v[d->n - 1].kind = P_SEVERAL_ROW;
        } else if (many && (before == P_ROW_VALUES || before == P_SEVERAL_ROWS)) {
            d->n -= 2;
            d->v[d->n - 1].kind = P_SEVERAL_ROWS;
        }
    }
    return QL_OK;
}

static ql_status
push_token(digester *d, const qli_token *t, ql_str source)
{
    switch (t->kind) {
    case T_STRING:
        if (d->n != 0 && kind_at(d, 1, P_VALUE) && source.p[t->pos] == '\'' &&
            d->v[d->n - 1].token == T_STRING) {
            return QL_OK; /* 'a' 'b' */
        }
        QL_TRY(push_value(d));
        d->v[d->n - 1].token = T_STRING;
        return QL_OK;
    case T_NSTRING:
    case T_HEX:
    case T_BITS:
    case T_INT:
    case T_DECIMAL:
    case T_DOUBLE:
    case T_PARAM:
    case K_NULL:
        if (t->kind == K_NULL && (token_at(d, 1, K_IS) || token_at(d, 1, K_NOT))) {
            break;
        }
        QL_TRY(push_value(d));
        d->v[d->n - 1].token = T_EOF;
        return QL_OK;
    case T_RPAREN:
        return push_close(d);
    default:
        break;
    }
    ql_str text = {source.p + t->pos, t->end - t->pos};
    if (t->kind == T_QUOTED) {
        text = t->text;
    }
    return push(d, (piece){.kind = P_TOKEN, .token = t->kind, .text = text});
}

static ql_status
print_upper(ql_ctx *cx, ql_buf *b, ql_str s)
{
    QL_TRY(ql_buf_put(cx, b, s.p, s.n));
    for (size_t i = b->n - s.n; i < b->n; i++) {
        if (b->p[i] >= 'a' && b->p[i] <= 'z') {
            b->p[i] = (char)(b->p[i] - 32);
        }
    }
    return QL_OK;
}

static ql_status
print_piece(ql_ctx *cx, ql_buf *b, const piece *p)
{
    static const char *const fixed[] = {
        [P_VALUE] = "?",
        [P_VALUES] = "...",
        [P_ROW_VALUE] = "(?)",
        [P_ROW_VALUES] = "(...)",
        [P_SEVERAL_ROW] = "(?) /* , ... */",
        [P_SEVERAL_ROWS] = "(...) /* , ... */",
    };
    if (p->kind == P_VALUES) {
        return ql_buf_put_str(cx, b, "?, ...");
    }
    if (p->kind != P_TOKEN) {
        return ql_buf_put_str(cx, b, fixed[p->kind]);
    }
    if (p->token == T_IDENT || p->token == T_QUOTED) {
        QL_TRY(ql_buf_put(cx, b, "`", 1));
        QL_TRY(ql_buf_put(cx, b, p->text.p, p->text.n));
        return ql_buf_put(cx, b, "`", 1);
    }
    return p->token > T_KEYWORDS ? print_upper(cx, b, p->text)
                                 : ql_buf_put(cx, b, p->text.p, p->text.n);
}

static ql_status
print_all(digester *d, ql_buf *b)
{
    for (uint32_t i = 0; i < d->n; i++) {
        bool at_sign = i > 0 && d->v[i - 1].kind == P_TOKEN && d->v[i - 1].token == T_ATAT;
        if (i > 0 && !at_sign) {
            QL_TRY(ql_buf_put(d->cx, b, " ", 1));
        }
        QL_TRY(print_piece(d->cx, b, &d->v[i]));
    }
    return QL_OK;
}

static ql_status
collect(digester *d, ql_str text)
{
    qli_lexer lx;
    qli_token t;
    ql_parse_mode mode = {.allow_params = true};
    uint32_t n = 0;
    qli_lexer_init(&lx, d->cx, text, &mode);
    for (;;) {
        qli_lexer_next(&lx, &t);
        QL_TRY(lx.stopped);
        if (t.kind == T_EOF || t.kind == T_SEMI || (t.kind == T_BAD && t.pos == t.end)) {
            return QL_OK;
        }
        QL_TRY(push_token(d, &t, text));
        if (++n % 4096 == 0) {
            QL_TRY(ql_check(d->cx));
        }
    }
}

static ql_status
sha256_hex(ql_ctx *cx, ql_str s, char hex[65])
{
    unsigned char md[32];
    unsigned n = 0;
    if (EVP_Digest(s.p, s.n, md, &n, EVP_sha256(), NULL) != 1 || n != sizeof md) {
        return ql_fail_oom(cx, sizeof md);
    }
    for (size_t i = 0; i < sizeof md; i++) {
        hex[2 * i] = "0123456789abcdef"[md[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[md[i] & 15];
    }
    hex[64] = '\0';
    return QL_OK;
}

ql_status
ql_digest(ql_ctx *cx, ql_arena *a, ql_str text, ql_str *normalised, char hex[65])
{
    digester d = {.cx = cx};
    ql_buf out = {0};
    ql_status st;
    if (text.n > UINT32_MAX / 2) {
        text.n = UINT32_MAX / 2;
    }
    QL_TRY_TO(st, collect(&d, text), out);
    QL_TRY_TO(st, print_all(&d, &out), out);
    char *w = ql_arena_strndup(cx, a, out.p != NULL ? out.p : "", out.n);
    st = w != NULL ? sha256_hex(cx, (ql_str){w, out.n}, hex) : QL_ERROR;
    *normalised = (ql_str){w, out.n};
out:
    ql_buf_free(&out);
    ql_buf_free(&d.mem);
    return st;
}
