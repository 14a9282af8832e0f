/* SPDX-License-Identifier: Apache-2.0
 *
 * Passwords out of statement texts, for the process list and logs. Works token by token, so that a
 * text that does not parse is masked as well.
 */
#include <string.h>

#include "base/buf.h"
#include "intr/intr.h"
#include "sql/sql_int.h"

#define SECRET "'<secret>'"

/* Where in a statement we are. */
typedef struct masker {
    qli_token_kind first;    /* first word of the statement; T_EOF = not yet seen */
    bool identified;         /* behind IDENTIFIED, up to its string */
    bool password;           /* behind a word that ends in PASSWORD, up to its string */
    qli_token_kind previous; /* token before the current one */
} masker;

static bool
contains_nocase(ql_str s, const char *word, size_t n)
{
    char lo = (char)(word[0] | 32), up = (char)(word[0] & ~32);
    const char *p = s.p, *end = s.p + s.n;
    while ((size_t)(end - p) >= n) {
        if ((*p == lo || *p == up) && ql_str_eq_nocase((ql_str){p, n}, (ql_str){word, n})) {
            return true;
        }
        p++;
    }
    return false;
}

static bool
mentions_password(ql_str s)
{
    return contains_nocase(s, "identified", 10) || contains_nocase(s, "password", 8);
}

static bool
ends_in_password(ql_str word)
{
    return word.n >= 8 && ql_str_eq_nocase((ql_str){word.p + word.n - 8, 8}, QL_STR("password"));
}

/* Statements in which a PASSWORD is one, not a column. */
static bool
may_set_password(qli_token_kind first)
{
    switch (first) {
    case K_SET:
    case K_CREATE:
    case K_ALTER:
    case K_GRANT:
    case K_CHANGE:
    case K_START:
        return true;
    default:
        return false;
    }
}

static bool
is_secret(masker *m, const qli_token *t)
{
    bool secret = m->identified || m->password;
    if (!secret && (m->first == K_PREPARE || m->first == K_SET)) {
        return mentions_password(t->text); /* the text of a statement */
    }
    m->password = false;
    m->identified = false;
    return secret;
}

/* Look at one token; true: it has to go. */
static bool
look_at(masker *m, const qli_token *t)
{
    bool secret = false;
    if (t->kind == T_SEMI) {
        *m = (masker){.first = T_EOF};
        return false;
    }
    if (m->first == T_EOF) {
        m->first = t->kind;
    }
    switch (t->kind) {
    case T_STRING:
    case T_NSTRING:
    case T_HEX:
        if (m->identified && m->previous == K_WITH) {
            break; /* IDENTIFIED WITH 'plugin' */
        }
        secret = is_secret(m, t);
        break;
    case T_BAD: /* an open string: all the rest */
        secret = m->identified || m->password ||
                 ((m->first == K_PREPARE || m->first == K_SET) && mentions_password(t->text));
        break;
    case K_IDENTIFIED:
        m->identified = true;
        break;
    case K_REPLACE: /* IDENTIFIED BY 'new' REPLACE 'old' */
        m->password = m->first == K_ALTER || m->first == K_SET;
        break;
    case T_COMMA:
        m->identified = m->password = false;
        break;
    default:
        if (qli_is_any_word(t) && may_set_password(m->first) && ends_in_password(t->text)) {
            m->password = true;
        }
    }
    m->previous = t->kind;
    return secret;
}

static ql_status
mask_tokens(ql_ctx *cx, ql_str text, ql_buf *buf)
{
    qli_lexer lx;
    qli_token t;
    masker m = {.first = T_EOF};
    size_t copied = 0;
    uint32_t n = 0;
    qli_lexer_init(&lx, text, NULL);
    for (;;) {
        qli_lexer_next(&lx, &t);
        if (t.kind == T_EOF) {
            break;
        }
        if (t.kind == T_BAD && t.text.p == NULL) {
            t.text = (ql_str){text.p + t.pos, t.end - t.pos};
        }
        if (look_at(&m, &t)) {
            QL_TRY(ql_buf_put(cx, buf, text.p + copied, t.pos - copied));
            QL_TRY(ql_buf_put_str(cx, buf, SECRET));
            copied = t.end;
        }
        if (++n % 4096 == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    return ql_buf_put(cx, buf, text.p + copied, text.n - copied);
}

ql_status
ql_mask_passwords(ql_ctx *cx, ql_arena *a, ql_str text, ql_str *out)
{
    *out = text;
    if (text.n == 0 || text.n > UINT32_MAX / 2 || !mentions_password(text)) {
        return QL_OK;
    }
    ql_buf buf = {0};
    ql_status st = mask_tokens(cx, text, &buf);
    if (st == QL_OK) {
        char *w = ql_arena_strndup(cx, a, buf.p, buf.n);
        *out = (ql_str){w, buf.n};
        st = w != NULL ? QL_OK : QL_ERROR;
    }
    ql_buf_free(&buf);
    return st;
}
