/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes to tokens, by the rules of the MySQL manual ("Language Structure"): comments, version
 * comments whose content counts, strings, numbers, names. Allocates nothing and cannot fail;
 * strings are decoded when the parser wants them (qli_token_decode).
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "intr/intr.h"
#include "sql/sql_int.h"

#define SERVER_VERSION_ID 80400u

/* Classes of bytes. */
enum { C_IDENT = 1, C_DIGIT = 2, C_SPACE = 4, C_HEX = 8, C_HOST = 16 };

#define ID (C_IDENT | C_HOST)
#define HX (C_IDENT | C_HOST | C_HEX)
#define DG (C_IDENT | C_HOST | C_HEX | C_DIGIT)
#define SP C_SPACE
static const uint8_t byte_class[256] = {
    ['\t'] = SP,        ['\n'] = SP,        ['\v'] = SP,        ['\f'] = SP,
    ['\r'] = SP,        [' '] = SP,         ['.'] = C_HOST,     ['$'] = ID,
    ['_'] = ID,         ['0' ... '9'] = DG, ['a' ... 'f'] = HX, ['g' ... 'z'] = ID,
    ['A' ... 'F'] = HX, ['G' ... 'Z'] = ID, [128 ... 255] = ID,
};
#undef ID
#undef HX
#undef DG
#undef SP

static const struct keyword {
    const char *text;
    uint8_t length, class;
} keywords[] = {
#define QL_KEYWORD(word, class) {#word, sizeof(#word) - 1, KC_##class},
#include "catalog/keywords.def"
#undef QL_KEYWORD
};

qli_token_kind
qli_keyword_find(ql_str word)
{
    char up[40];
    if (word.n < 2 || word.n >= sizeof up) {
        return T_IDENT;
    }
    for (size_t i = 0; i < word.n; i++) {
        char c = word.p[i];
        up[i] = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    size_t lo = 0, hi = QL_ARRAY_LEN(keywords);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        size_t n = keywords[mid].length;
        int order = memcmp(up, keywords[mid].text, word.n < n ? word.n : n);
        if (order == 0 && word.n == n) {
            return (qli_token_kind)(T_KEYWORDS + 1 + mid);
        }
        if (order < 0 || (order == 0 && word.n < n)) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return T_IDENT;
}

const char *
qli_keyword_text(qli_token_kind k)
{
    return keywords[k - T_KEYWORDS - 1].text;
}

qli_keyword_class
qli_keyword_class_of(qli_token_kind k)
{
    return (qli_keyword_class)keywords[k - T_KEYWORDS - 1].class;
}

void
qli_lexer_init(qli_lexer *lx, ql_ctx *cx, ql_str text, const ql_parse_mode *mode)
{
    *lx = (qli_lexer){
        .p = text.p, .n = (uint32_t)text.n, .line = 1, .cx = cx, .look_at = QLI_LOOK_BYTES};
    if (mode != NULL) {
        lx->ansi_quotes = mode->ansi_quotes;
        lx->no_backslash_escapes = mode->no_backslash_escapes;
        lx->ignore_space = mode->ignore_space;
        lx->params = mode->allow_params;
    }
}

static bool
look(qli_lexer *lx, uint32_t pos)
{
    lx->look_at = pos + QLI_LOOK_BYTES;
    if (lx->cx != NULL && lx->stopped == QL_OK) {
        lx->stopped = ql_check(lx->cx);
    }
    return lx->stopped == QL_OK;
}

/* In every loop over the bytes of one token or blank. False: killed. */
static inline bool
may_go_on(qli_lexer *lx, uint32_t pos)
{
    return QL_LIKELY(pos < lx->look_at) || look(lx, pos);
}

/* The byte at pos + ahead, 0 beyond the end. */
static inline uint8_t
at(const qli_lexer *lx, uint32_t ahead)
{
    return (uint64_t)lx->pos + ahead < lx->n ? (uint8_t)lx->p[lx->pos + ahead] : 0;
}

static inline bool
has_class(uint8_t c, unsigned class)
{
    return (byte_class[c] & class) != 0;
}

static void
skip_line(qli_lexer *lx)
{
    while (lx->pos < lx->n && may_go_on(lx, lx->pos)) {
        uint32_t n = lx->n - lx->pos < QLI_LOOK_BYTES ? lx->n - lx->pos : QLI_LOOK_BYTES;
        const char *nl = memchr(lx->p + lx->pos, '\n', n);
        if (nl != NULL) {
            lx->pos = (uint32_t)(nl - lx->p);
            return;
        }
        lx->pos += n;
    }
}

/* Move behind the end mark of a comment, counting lines. False: it is not closed. A version comment
 * that is not for this server may contain one level of comments. */
static bool
skip_to_comment_end(qli_lexer *lx, bool nested)
{
    while (lx->pos < lx->n && may_go_on(lx, lx->pos)) {
        uint8_t c = at(lx, 0);
        if (c == '*' && at(lx, 1) == '/') {
            lx->pos += 2;
            return true;
        }
        if (nested && c == '/' && at(lx, 1) == '*') {
            lx->pos += 2;
            if (!skip_to_comment_end(lx, false)) {
                return false;
            }
            continue;
        }
        lx->line += c == '\n';
        lx->pos++;
    }
    return false;
}

/* Digits of a version comment: five, or six. 0 = none given. *len = how many to skip. */
static uint32_t
comment_version(const qli_lexer *lx, uint32_t ahead, uint32_t *len)
{
    uint32_t v = 0, n = 0;
    while (n < 6 && has_class(at(lx, ahead + n), C_DIGIT)) {
        v = v * 10 + (uint32_t)(at(lx, ahead + n) - '0');
        n++;
    }
    *len = n >= 5 ? n : 0;
    return n >= 5 ? v : 0;
}

/* At a slash and a star. False: the comment is not closed. */
static bool
skip_comment(qli_lexer *lx, ql_str *hint)
{
    if (at(lx, 2) == '!') {
        uint32_t len;
        if (comment_version(lx, 3, &len) <= SERVER_VERSION_ID) {
            lx->pos += 3 + len;
            lx->in_version_comment = true;
            return true;
        }
        lx->pos += 3 + len;
        return skip_to_comment_end(lx, true);
    }
    bool is_hint = at(lx, 2) == '+' && hint->p == NULL;
    uint32_t from = lx->pos + 3, line = lx->line;
    lx->pos += 2;
    if (!skip_to_comment_end(lx, false)) {
        return false;
    }
    if (is_hint) {
        *hint = (ql_str){lx->p + from, lx->pos - 2 - from};
        lx->hint_line = line;
    }
    return true;
}

static bool
starts_dash_comment(const qli_lexer *lx)
{
    if (at(lx, 0) != '-' || at(lx, 1) != '-') {
        return false;
    }
    uint8_t c = at(lx, 2);
    return c <= ' ' || c == 127;
}

/* Blanks and comments. False: a comment that is not closed starts at pos (moved back to it). */
static bool
skip_blanks(qli_lexer *lx, ql_str *hint)
{
    while (lx->pos < lx->n && may_go_on(lx, lx->pos)) {
        uint8_t c = (uint8_t)lx->p[lx->pos];
        if (has_class(c, C_SPACE)) {
            lx->line += c == '\n';
            lx->pos++;
        } else if (c == '#' || starts_dash_comment(lx)) {
            skip_line(lx);
        } else if (c == '/' && at(lx, 1) == '*') {
            uint32_t from = lx->pos;
            if (!skip_comment(lx, hint)) {
                lx->pos = from;
                return false;
            }
        } else if (c == '*' && at(lx, 1) == '/' && lx->in_version_comment) {
            lx->in_version_comment = false;
            lx->pos += 2;
        } else {
            return true;
        }
    }
    return true;
}

void
qli_lexer_skip_plain(qli_lexer *lx)
{
    ql_str hint = {NULL, 0};
    while (lx->pos < lx->n && may_go_on(lx, lx->pos)) {
        uint8_t c = (uint8_t)lx->p[lx->pos];
        uint32_t from = lx->pos;
        if (has_class(c, C_SPACE)) {
            lx->pos++;
        } else if (c == '#' || starts_dash_comment(lx)) {
            skip_line(lx);
        } else if (c != '/' || at(lx, 1) != '*' || at(lx, 2) == '!') {
            return;
        } else if (!skip_comment(lx, &hint)) {
            lx->pos = from;
            return;
        }
    }
}

/* From the quote at pos to behind its partner. Doubled quotes and (with backslash) escapes belong
 * to the string. False: no partner. */
static bool
scan_quoted(qli_lexer *lx, bool backslash, qli_token *t)
{
    char quote = lx->p[lx->pos];
    const char *p = lx->p + lx->pos + 1, *end = lx->p + lx->n, *from = p;
    while (p < end && may_go_on(lx, (uint32_t)(p - lx->p))) {
        if (*p == quote) {
            if (p + 1 < end && p[1] == quote) {
                t->escaped = true;
                p += 2;
                continue;
            }
            t->text = (ql_str){from, (size_t)(p - from)};
            lx->pos = (uint32_t)(p + 1 - lx->p);
            return true;
        }
        if (*p == '\\' && backslash) {
            t->escaped = true;
            p++;
            if (p >= end) {
                return false;
            }
        }
        lx->line += *p == '\n';
        p++;
    }
    return false;
}

static void
take(qli_lexer *lx, qli_token *t, qli_token_kind kind, uint32_t bytes)
{
    t->kind = kind;
    lx->pos += bytes;
}

static void
lex_bad(qli_lexer *lx, qli_token *t)
{
    t->kind = T_BAD;
    lx->pos = lx->n;
}

static void
lex_string(qli_lexer *lx, qli_token *t, qli_token_kind kind)
{
    bool is_name = kind == T_QUOTED;
    if (!scan_quoted(lx, !is_name && !lx->no_backslash_escapes, t) || (is_name && t->text.n == 0)) {
        lex_bad(lx, t);
        return;
    }
    t->kind = kind;
    lx->name_next = is_name && at(lx, 0) == '.' && has_class(at(lx, 1), C_IDENT);
}

/* Digits in quotes behind x or b. */
static void
lex_quoted_digits(qli_lexer *lx, qli_token *t, bool hex)
{
    uint32_t i = 2;
    while ((hex ? has_class(at(lx, i), C_HEX) : at(lx, i) == '0' || at(lx, i) == '1') &&
           may_go_on(lx, lx->pos + i)) {
        i++;
    }
    if (at(lx, i) != '\'' || (hex && i % 2 != 0)) {
        lex_bad(lx, t);
        return;
    }
    t->text = (ql_str){lx->p + lx->pos + 2, i - 2};
    take(lx, t, hex ? T_HEX : T_BITS, i + 1);
}

static void
lex_name_from(qli_lexer *lx, qli_token *t, uint32_t i)
{
    while (has_class(at(lx, i), C_IDENT) && may_go_on(lx, lx->pos + i)) {
        i++;
    }
    t->text = (ql_str){lx->p + lx->pos, i};
    take(lx, t, T_IDENT, i);
    lx->name_next = at(lx, 0) == '.' && has_class(at(lx, 1), C_IDENT);
}

static bool
paren_follows(qli_lexer *lx)
{
    uint32_t i = 0;
    while (lx->ignore_space && has_class(at(lx, i), C_SPACE) && may_go_on(lx, lx->pos + i)) {
        i++;
    }
    return at(lx, i) == '(';
}

static void
lex_word(qli_lexer *lx, qli_token *t)
{
    uint8_t c = at(lx, 0);
    if (at(lx, 1) == '\'') {
        if ((c | 32) == 'x' || (c | 32) == 'b') {
            lex_quoted_digits(lx, t, (c | 32) == 'x');
            return;
        }
        if ((c | 32) == 'n') {
            lx->pos++;
            lex_string(lx, t, T_NSTRING);
            return;
        }
    }
    lex_name_from(lx, t, 1);
    if (lx->name_next) {
        return; /* "word.name" is a qualified name whatever the word */
    }
    if (c == '_' && t->text.n > 1) {
        ql_str set = {t->text.p + 1, t->text.n - 1};
        if (ql_charset_by_name(set) != NULL) {
            t->kind = T_CHARSET;
            t->text = set;
        }
        return;
    }
    qli_token_kind k = qli_keyword_find(t->text);
    if (k != T_IDENT && (qli_keyword_class_of(k) != KC_BEFORE_PAREN || paren_follows(lx))) {
        t->kind = k;
    }
}

/* Behind the digits before a point at pos + i. */
static void
lex_fraction(qli_lexer *lx, qli_token *t, uint32_t i)
{
    qli_token_kind kind = T_DECIMAL;
    i++;
    while (has_class(at(lx, i), C_DIGIT) && may_go_on(lx, lx->pos + i)) {
        i++;
    }
    if ((at(lx, i) | 32) == 'e') {
        uint32_t j = i + 1;
        j += at(lx, j) == '+' || at(lx, j) == '-';
        if (!has_class(at(lx, j), C_DIGIT)) {
            lex_bad(lx, t);
            return;
        }
        while (has_class(at(lx, j), C_DIGIT) && may_go_on(lx, lx->pos + j)) {
            j++;
        }
        kind = T_DOUBLE;
        i = j;
    }
    t->text = (ql_str){lx->p + lx->pos, i};
    take(lx, t, kind, i);
}

/* 0x..., 0b...: at least one digit and no letter behind. False: not one of them. */
static bool
lex_prefixed(qli_lexer *lx, qli_token *t)
{
    bool hex = at(lx, 1) == 'x';
    if (!hex && at(lx, 1) != 'b') {
        return false;
    }
    uint32_t i = 2;
    while ((hex ? has_class(at(lx, i), C_HEX) : at(lx, i) == '0' || at(lx, i) == '1') &&
           may_go_on(lx, lx->pos + i)) {
        i++;
    }
    if (i == 2 || has_class(at(lx, i), C_IDENT)) {
        return false;
    }
    t->text = (ql_str){lx->p + lx->pos + 2, i - 2};
    take(lx, t, hex ? T_HEX : T_BITS, i);
    return true;
}

static void
lex_number(qli_lexer *lx, qli_token *t)
{
    if (at(lx, 0) == '0' && lex_prefixed(lx, t)) {
        return;
    }
    uint32_t i = 1;
    while (has_class(at(lx, i), C_DIGIT) && may_go_on(lx, lx->pos + i)) {
        i++;
    }
    uint8_t c = at(lx, i);
    if (c == '.') {
        lex_fraction(lx, t, i);
        return;
    }
    if (!has_class(c, C_IDENT)) {
        t->text = (ql_str){lx->p + lx->pos, i};
        take(lx, t, T_INT, i);
        return;
    }
    if ((c | 32) == 'e') {
        uint32_t j = i + 1;
        j += at(lx, j) == '+' || at(lx, j) == '-';
        if (has_class(at(lx, j), C_DIGIT)) {
            while (has_class(at(lx, j), C_DIGIT) && may_go_on(lx, lx->pos + j)) {
                j++;
            }
            t->text = (ql_str){lx->p + lx->pos, j};
            take(lx, t, T_DOUBLE, j);
            return;
        }
    }
    lex_name_from(lx, t, i);
}

static void
lex_at(qli_lexer *lx, qli_token *t)
{
    uint8_t c = at(lx, 1);
    if (c == '@') {
        take(lx, t, T_ATAT, 2);
        lx->sysvar_next = true;
        return;
    }
    lx->pos++;
    if (c == '\'' || c == '"' || c == '`') {
        if (at(lx, 1) == c && at(lx, 2) != c) { /* an empty host, 'u'@'' */
            t->text = (ql_str){lx->p + lx->pos + 1, 0};
            take(lx, t, T_USERVAR, 2);
            return;
        }
        lex_string(lx, t, T_QUOTED);
        t->kind = t->kind == T_QUOTED ? T_USERVAR : T_BAD;
        lx->name_next = false;
        return;
    }
    uint32_t i = 0;
    while (has_class(at(lx, i), C_HOST) && may_go_on(lx, lx->pos + i)) {
        i++;
    }
    if (i == 0) {
        lex_bad(lx, t);
        return;
    }
    t->text = (ql_str){lx->p + lx->pos, i};
    take(lx, t, T_USERVAR, i);
}

static void
lex_less(qli_lexer *lx, qli_token *t)
{
    switch (at(lx, 1)) {
    case '=':
        if (at(lx, 2) == '>') {
            take(lx, t, T_NULLSAFE_EQ, 3);
        } else {
            take(lx, t, T_LE, 2);
        }
        break;
    case '>':
        take(lx, t, T_NE, 2);
        break;
    case '<':
        take(lx, t, T_SHL, 2);
        break;
    default:
        take(lx, t, T_LT, 1);
    }
}

static void
lex_operator(qli_lexer *lx, qli_token *t, uint8_t c)
{
    static const uint8_t single[128] = {
        ['('] = T_LPAREN, [')'] = T_RPAREN, ['{'] = T_LBRACE,  ['}'] = T_RBRACE, [','] = T_COMMA,
        [';'] = T_SEMI,   ['.'] = T_DOT,    ['='] = T_EQ,      ['+'] = T_PLUS,   ['*'] = T_STAR,
        ['/'] = T_SLASH,  ['^'] = T_CARET,  ['%'] = T_PERCENT, ['~'] = T_TILDE,
    };
    uint8_t d = at(lx, 1);
    switch (c) {
    case '<':
        lex_less(lx, t);
        return;
    case '>':
        take(lx, t, d == '=' ? T_GE : d == '>' ? T_SHR : T_GT, d == '=' || d == '>' ? 2 : 1);
        return;
    case '!':
        take(lx, t, d == '=' ? T_NE : T_BANG, d == '=' ? 2 : 1);
        return;
    case '&':
        take(lx, t, d == '&' ? T_AMPAMP : T_AMP, d == '&' ? 2 : 1);
        return;
    case '|':
        take(lx, t, d == '|' ? T_PIPEPIPE : T_PIPE, d == '|' ? 2 : 1);
        return;
    case ':':
        take(lx, t, d == '=' ? T_ASSIGN : T_BAD, d == '=' ? 2 : 1);
        return;
    case '-':
        if (d != '>') {
            take(lx, t, T_MINUS, 1);
        } else {
            bool two = at(lx, 2) == '>';
            take(lx, t, two ? T_ARROW_ARROW : T_ARROW, two ? 3 : 2);
        }
        return;
    case '?':
        take(lx, t, lx->params ? T_PARAM : T_BAD, 1);
        return;
    default:
        take(lx, t, c < 128 && single[c] != 0 ? (qli_token_kind)single[c] : T_BAD, 1);
    }
}

static void
lex_plain(qli_lexer *lx, qli_token *t)
{
    uint8_t c = at(lx, 0);
    if (has_class(c, C_DIGIT)) {
        lex_number(lx, t);
    } else if (has_class(c, C_IDENT)) {
        lex_word(lx, t);
    } else if (c == '\'' || (c == '"' && !lx->ansi_quotes)) {
        lex_string(lx, t, T_STRING);
    } else if (c == '`' || c == '"') {
        lex_string(lx, t, T_QUOTED);
    } else if (c == '@') {
        lex_at(lx, t);
    } else if (c == '.' && has_class(at(lx, 1), C_DIGIT)) {
        lex_fraction(lx, t, 0);
    } else {
        lex_operator(lx, t, c);
    }
}

void
qli_lexer_next(qli_lexer *lx, qli_token *t)
{
    t->escaped = false;
    t->text = (ql_str){NULL, 0};
    t->hint = (ql_str){NULL, 0};
    if (lx->name_next) {
        t->pos = lx->pos;
        t->line = lx->line;
        if (at(lx, 0) == '.') {
            take(lx, t, T_DOT, 1);
        } else {
            lx->name_next = false;
            lex_name_from(lx, t, 1);
        }
        t->end = lx->pos;
        return;
    }
    bool closed = skip_blanks(lx, &t->hint);
    t->hint_line = lx->hint_line;
    t->pos = lx->pos;
    t->line = lx->line;
    if (!closed) {
        lex_bad(lx, t);
    } else if (lx->pos >= lx->n) {
        t->kind = lx->in_version_comment ? T_BAD : T_EOF;
        lx->in_version_comment = false; /* said once */
    } else if (lx->sysvar_next && has_class(at(lx, 0), C_IDENT)) {
        lex_name_from(lx, t, 1);
        qli_token_kind k = lx->name_next ? T_IDENT : qli_keyword_find(t->text);
        t->kind = k == T_IDENT || qli_keyword_class_of(k) == KC_BEFORE_PAREN ? T_IDENT : k;
    } else {
        lex_plain(lx, t);
    }
    if (t->kind != T_ATAT) {
        lx->sysvar_next = false;
    }
    if (QL_UNLIKELY(lx->stopped != QL_OK)) {
        lex_bad(lx, t);
    }
    t->end = lx->pos;
}

/* Byte for the letter behind a backslash; % and _ keep theirs for LIKE. */
static char
escape_byte(char c)
{
    switch (c) {
    case '0':
        return '\0';
    case 'b':
        return '\b';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'Z':
        return '\032';
    default:
        return c;
    }
}

#define SHOWN 512 /* an error's text is shorter */

/* Names are UTF-8. */
static ql_status
check_name(ql_ctx *cx, ql_arena *a, ql_str name)
{
    size_t good, n = 0;
    QL_TRY(ql_utf8_valid_prefix_long(cx, name, &good));
    if (good == name.n) {
        return QL_OK;
    }
    char *text = ql_arena_alloc(cx, a, 4 * SHOWN + 1);
    if (text == NULL) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < name.n && i < SHOWN; i++) {
        unsigned char c = (unsigned char)name.p[i];
        n += (size_t)sprintf(text + n, c < 0x20 || c > 0x7e ? "\\x%02X" : "%c", c);
    }
    return ql_fail(cx, QL_ER_INVALID_CHARACTER_STRING, "utf8mb3", text);
}

ql_status
qli_token_decode(ql_ctx *cx, ql_arena *a, const qli_lexer *lx, const qli_token *t, ql_str *out)
{
    *out = t->text;
    if (t->kind == T_IDENT || t->kind == T_QUOTED) {
        QL_TRY(check_name(cx, a, t->text));
    }
    if (!t->escaped) {
        return QL_OK;
    }
    char *w = ql_arena_alloc(cx, a, t->text.n + 1);
    if (w == NULL) {
        return QL_ERROR;
    }
    char quote = t->text.p[-1];
    bool backslash = (t->kind == T_STRING || t->kind == T_NSTRING) && !lx->no_backslash_escapes;
    const char *p = t->text.p, *end = p + t->text.n, *next_look = p + QLI_LOOK_BYTES;
    size_t n = 0;
    while (p < end) {
        if (QL_UNLIKELY(p >= next_look)) {
            next_look = p + QLI_LOOK_BYTES;
            QL_TRY(ql_check(cx));
        }
        if (backslash && *p == '\\' && p + 1 < end) {
            p++;
            if (*p == '%' || *p == '_') {
                w[n++] = '\\';
            }
            w[n++] = escape_byte(*p++);
        } else {
            p += *p == quote && p + 1 < end;
            w[n++] = *p++;
        }
    }
    *out = (ql_str){w, n};
    return QL_OK;
}
