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
    ql_ctx *cx;
    ql_status st;                 /* QL_KILLED once a look said so */
    qli_token_kind first, second; /* first words of the statement; T_EOF = not yet seen */
    qli_token_kind previous;      /* token before the current one */
    bool identified;              /* between IDENTIFIED and its string */
    enum {
        NO_PASSWORD,
        VALUE_NEXT,
        ACCOUNT_NEXT
    } password; /* behind ... PASSWORD, SET PASSWORD FOR */
} masker;

/* Does the text contain one of the words "identified" and "password", in any case? Looks only
 * behind the letters they begin with. */
static ql_status
mentions_password(ql_ctx *cx, ql_str s, bool *out)
{
    *out = false;
    if (s.n < 8) {
        return QL_OK;
    }
    const char *end = s.p + s.n, *next_look = s.p + QLI_LOOK_BYTES;
    for (const char *p = s.p; end - p >= 8; p++) {
        if (QL_UNLIKELY(p >= next_look)) {
            next_look = p + QLI_LOOK_BYTES;
            QL_TRY(ql_check(cx));
        }
        char c = (char)(*p | 32);
        if ((c == 'p' && ql_str_eq_nocase((ql_str){p, 8}, QL_STR("password"))) ||
            (c == 'i' && end - p >= 10 &&
             ql_str_eq_nocase((ql_str){p, 10}, QL_STR("identified")))) {
            *out = true;
            return QL_OK;
        }
    }
    return QL_OK;
}

static bool
ends_in_password(ql_str word)
{
    return word.n >= 8 && ql_str_eq_nocase((ql_str){word.p + word.n - 8, 8}, QL_STR("password"));
}

/* Statements in which a PASSWORD is one, not a column. */
static bool
may_set_password(const masker *m)
{
    switch (m->first) {
    case K_CREATE:
    case K_ALTER:
        return m->second != K_TABLE && m->second != K_TEMPORARY;
    case K_SET:
    case K_GRANT:
    case K_CHANGE:
    case K_START:
        return true;
    default:
        return false;
    }
}

/* Statements that may hold the text of another one in a string. */
static bool
may_hold_statement(const masker *m)
{
    return m->first == K_PREPARE || m->first == K_SET;
}

static bool
holds_password(masker *m, ql_str s)
{
    bool found = false;
    m->st = mentions_password(m->cx, s, &found);
    return found;
}

static bool
string_is_secret(masker *m, const qli_token *t)
{
    if (m->identified) {
        if (m->previous == K_WITH) {
            return false; /* the plugin */
        }
        m->identified = false;
        return true;
    }
    if (m->password == VALUE_NEXT) {
        m->password = NO_PASSWORD;
        return true;
    }
    return m->password == NO_PASSWORD && may_hold_statement(m) && holds_password(m, t->text);
}

/* Between IDENTIFIED and its string: BY, AS, WITH plugin, ... and nothing else. */
static bool
keeps_identified(const qli_token *t)
{
    switch (t->kind) {
    case K_BY:
    case K_AS:
    case K_WITH:
    case K_USING:
    case K_OR:
    case K_PASSWORD:
    case T_IDENT:
    case T_QUOTED:
    case T_LPAREN:
        return true;
    default:
        return false;
    }
}

static void
look_at_word(masker *m, const qli_token *t)
{
    if (t->kind == K_IDENTIFIED) {
        m->identified = true;
    } else if (!keeps_identified(t)) {
        m->identified = false;
    }
    if (t->kind == K_FOR && m->password == VALUE_NEXT && m->previous == K_PASSWORD) {
        m->password = ACCOUNT_NEXT;
    } else if (qli_is_any_word(t) && m->password != ACCOUNT_NEXT) {
        bool old = t->kind == K_REPLACE && (m->first == K_ALTER || m->first == K_CREATE);
        m->password =
            old || (may_set_password(m) && ends_in_password(t->text)) ? VALUE_NEXT : NO_PASSWORD;
    } else if (t->kind == T_EQ || t->kind == T_ASSIGN) {
        m->password = m->password != NO_PASSWORD ? VALUE_NEXT : NO_PASSWORD;
    } else if (t->kind == T_COMMA) {
        m->password = NO_PASSWORD;
    }
}

/* Look at one token; true: it has to go. */
static bool
look_at(masker *m, const qli_token *t)
{
    bool secret = false;
    if (t->kind == T_SEMI) {
        *m = (masker){.cx = m->cx, .first = T_EOF, .second = T_EOF};
        return false;
    }
    if (m->first == T_EOF) {
        m->first = t->kind;
    } else if (m->second == T_EOF) {
        m->second = t->kind;
    }
    switch (t->kind) {
    case T_STRING:
    case T_NSTRING:
    case T_HEX:
        secret = string_is_secret(m, t);
        break;
    case T_BAD: /* an open string or the like: it goes to the end of the text */
        secret = t->text.n > 1 &&
                 (m->identified || m->password != NO_PASSWORD || holds_password(m, t->text));
        break;
    default:
        look_at_word(m, t);
    }
    m->previous = t->kind;
    return secret;
}

/* SECRET in the place of a token, kept apart from neighbours that would become part of the string:
 * 'a'"b" must not turn into 'a''<secret>', nor x"b" into x'<secret>'. */
static ql_status
put_secret(ql_ctx *cx, ql_buf *buf, ql_str text, const qli_token *t)
{
    char before = t->pos > 0 ? text.p[t->pos - 1] : ' ';
    char after = t->end < text.n ? text.p[t->end] : ' ';
    bool word = (before >= '0' && before <= '9') || ((before | 32) >= 'a' && (before | 32) <= 'z');
    if (word || before == '\'') {
        QL_TRY(ql_buf_put(cx, buf, " ", 1));
    }
    QL_TRY(ql_buf_put_str(cx, buf, SECRET));
    return after == '\'' ? ql_buf_put(cx, buf, " ", 1) : QL_OK;
}

static ql_status
mask_tokens(ql_ctx *cx, ql_str text, ql_buf *buf)
{
    qli_lexer lx;
    qli_token t;
    masker m = {.cx = cx, .first = T_EOF, .second = T_EOF};
    size_t copied = 0;
    uint32_t n = 0;
    qli_lexer_init(&lx, cx, text, NULL);
    for (;;) {
        qli_lexer_next(&lx, &t);
        QL_TRY(lx.stopped);
        if (t.kind == T_EOF) {
            break;
        }
        if (t.kind == T_BAD && t.text.p == NULL) {
            t.text = (ql_str){text.p + t.pos, t.end - t.pos};
        }
        bool secret = look_at(&m, &t);
        QL_TRY(m.st);
        if (secret) {
            QL_TRY(ql_buf_put(cx, buf, text.p + copied, t.pos - copied));
            QL_TRY(put_secret(cx, buf, text, &t));
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
    bool mentioned = false;
    *out = text;
    if (text.n > UINT32_MAX / 2) {
        return QL_OK;
    }
    QL_TRY(mentions_password(cx, text, &mentioned));
    if (!mentioned) {
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
