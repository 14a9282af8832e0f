/* SPDX-License-Identifier: Apache-2.0
 *
 * Optimizer hints, the comments that begin with a plus sign behind SELECT, INSERT, REPLACE, UPDATE
 * and DELETE (MySQL's manual, "Optimizer Hints"). What is no hint gives a warning, never an error:
 * what stands before it counts, what stands behind it does not.
 */
#include <string.h>

#include "base/bulk.h"
#include "sql/sql_int.h"

typedef enum shape {
    TABLES,
    INDEXES,
    ORDER,
    BLOCK,
    SEMIJOIN,
    SUBQUERY,
    NAME,
    TIME,
    VARIABLE,
    GROUP
} shape;
typedef enum forms { BOTH, YES, NO } forms;

static const struct {
    const char *name, *no_name;
    shape shape;
    forms forms;
} known[] = {
#define QL_HINT(id, name, shape, forms) {name, "NO_" name, shape, forms},
#include "sql/hints.def"
#undef QL_HINT
};

const char *
ql_hint_name(ql_hint_type type, bool on)
{
    return on ? known[type].name : known[type].no_name;
}

const char *
ql_hint_quote(ql_ctx *cx, ql_arena *a, ql_str name, bool ansi)
{
    char quote = ansi ? '"' : '`', *p = ql_arena_alloc(cx, a, 2 * name.n + 3);
    size_t n = 0;
    if (p == NULL) {
        return "";
    }
    p[n++] = quote;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == quote) {
            p[n++] = quote;
        }
        p[n++] = name.p[i];
    }
    p[n++] = quote;
    p[n] = '\0';
    return p;
}

/* --- reading --------------------------------------------------------------------------------- */

/* Functions that read return QL_END where the text is no hint; the token in hand is where. */
typedef struct reader {
    qli_parser *p;
    qli_lexer lx;
    qli_token t;
    ql_str text; /* of the comment */
} reader;

static void
advance(reader *r)
{
    qli_lexer_next(&r->lx, &r->t);
}

static bool
took(reader *r, qli_token_kind k)
{
    if (r->t.kind != k) {
        return false;
    }
    advance(r);
    return true;
}

static ql_status
expect(reader *r, qli_token_kind k)
{
    return took(r, k) ? QL_OK : QL_END;
}

/* The bytes of a word, whatever the lexer makes of it (_utf8 is an introducer elsewhere). */
static ql_str
word(const reader *r)
{
    return (ql_str){r->text.p + r->t.pos, r->t.end - r->t.pos};
}

static bool
is_word(const reader *r)
{
    return qli_is_any_word(&r->t) || r->t.kind == T_CHARSET;
}

static bool
is(const reader *r, const char *text)
{
    return is_word(r) && ql_str_eq_nocase(word(r), (ql_str){text, strlen(text)});
}

/* The name of a hint or of a strategy, which a table can be called only in quotes. */
static bool
find_hint(ql_str name, ql_hint_type *type, bool *on)
{
    for (int i = 0; i < QL_HINT_COUNT; i++) {
        bool yes = known[i].forms != NO &&
                   ql_str_eq_nocase(name, (ql_str){known[i].name, strlen(known[i].name)});
        bool no = known[i].forms != YES &&
                  ql_str_eq_nocase(name, (ql_str){known[i].no_name, strlen(known[i].no_name)});
        if (yes || no) {
            *type = (ql_hint_type)i;
            *on = yes;
            return true;
        }
    }
    return false;
}

static bool
is_reserved(ql_str name)
{
    static const char *const strategies[] = {"FIRSTMATCH", "LOOSESCAN", "MATERIALIZATION",
                                             "DUPSWEEDOUT", "INTOEXISTS"};
    ql_hint_type type;
    bool on;
    for (size_t i = 0; i < QL_ARRAY_LEN(strategies); i++) {
        if (ql_str_eq_nocase(name, (ql_str){strategies[i], strlen(strategies[i])})) {
            return true;
        }
    }
    return find_hint(name, &type, &on);
}

static ql_status
decoded(reader *r, ql_str *out)
{
    ql_ctx *cx = r->p->cx;
    ql_status st = qli_token_decode(cx, r->p->a, &r->lx, &r->t, out);
    const ql_condition *c = st == QL_ERROR && cx->diag != NULL ? ql_diag_error(cx->diag) : NULL;
    if (c != NULL && c->number == QL_ER_INVALID_CHARACTER_STRING) { /* no error in a comment */
        ql_diag_clear_error(cx->diag);
        return QL_END;
    }
    QL_TRY(st);
    if (out->n == 0) {
        return QL_END;
    }
    advance(r);
    return QL_OK;
}

static ql_status
identifier(reader *r, ql_str *out)
{
    if (r->t.kind == T_QUOTED) {
        return decoded(r, out);
    }
    if (!is_word(r) || is_reserved(word(r))) {
        return QL_END;
    }
    *out = word(r);
    advance(r);
    return QL_OK;
}

/* [@qb] */
static ql_status
opt_block(reader *r, ql_str *out)
{
    return r->t.kind == T_USERVAR ? decoded(r, out) : QL_OK;
}

/* t[@qb], or, where with_block is not set, t. */
static ql_status
table(reader *r, ql_ast_hint *h, bool with_block)
{
    ql_ast_hint_table t = {.block = {NULL, 0}};
    QL_TRY(identifier(r, &t.name));
    QL_TRY(with_block ? opt_block(r, &t.block) : QL_OK);
    QL_TRY(qli_grow(r->p, &h->tables, &h->ntables, sizeof t));
    h->tables[h->ntables - 1] = t;
    return QL_OK;
}

/* [@qb] [t, ...] ")" */
static ql_status
tables(reader *r, ql_ast_hint *h, bool some)
{
    QL_TRY(opt_block(r, &h->block));
    if (!some && r->t.kind == T_RPAREN) {
        return QL_OK;
    }
    do {
        QL_TRY(table(r, h, h->block.p == NULL));
    } while (took(r, T_COMMA));
    return QL_OK;
}

/* t[@qb] or @qb t, then [index, ...] */
static ql_status
indexes(reader *r, ql_ast_hint *h)
{
    QL_TRY(opt_block(r, &h->block));
    QL_TRY(table(r, h, h->block.p == NULL));
    if (h->block.p == NULL) {
        h->block = h->tables[0].block;
    }
    if (r->t.kind == T_RPAREN) {
        return QL_OK;
    }
    do {
        ql_str name;
        QL_TRY(identifier(r, &name));
        QL_TRY(qli_grow(r->p, &h->indexes, &h->nindexes, sizeof name));
        h->indexes[h->nindexes - 1] = name;
    } while (took(r, T_COMMA));
    return QL_OK;
}

static ql_status
strategy(reader *r, unsigned among, unsigned *out)
{
    static const char *const names[] = {"FIRSTMATCH", "LOOSESCAN", "MATERIALIZATION", "DUPSWEEDOUT",
                                        "INTOEXISTS"};
    for (unsigned i = 0; i < QL_ARRAY_LEN(names); i++) {
        if ((among >> i & 1) && is(r, names[i])) {
            *out |= 1u << i;
            advance(r);
            return QL_OK;
        }
    }
    return QL_END;
}

static ql_status
strategies(reader *r, ql_ast_hint *h)
{
    unsigned all = QL_STRATEGY_FIRSTMATCH | QL_STRATEGY_LOOSESCAN | QL_STRATEGY_MATERIALIZATION |
                   QL_STRATEGY_DUPSWEEDOUT;
    QL_TRY(opt_block(r, &h->block));
    if (h->type == QL_HINT_SUBQUERY) {
        return strategy(r, QL_STRATEGY_MATERIALIZATION | QL_STRATEGY_INTOEXISTS, &h->strategies);
    }
    if (r->t.kind == T_RPAREN) {
        return QL_OK;
    }
    do {
        QL_TRY(strategy(r, all, &h->strategies));
    } while (took(r, T_COMMA));
    return QL_OK;
}

/* Digits. False: more than 64 bits hold. */
static bool
number(ql_str digits, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < digits.n; i++) {
        uint64_t d = (uint64_t)(digits.p[i] - '0');
        if (v > (UINT64_MAX - d) / 10) {
            return false;
        }
        v = v * 10 + d;
    }
    *out = v;
    return true;
}

/* 1K, 16M, 2G: how far the number in front is shifted; 0: it is none. */
static unsigned
scale(ql_str s)
{
    for (size_t i = 0; i + 1 < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return 0;
        }
    }
    char unit = s.n < 2 ? 0 : (char)(s.p[s.n - 1] | 32);
    return unit == 'k' ? 10 : unit == 'm' ? 20 : unit == 'g' ? 30 : 0;
}

/* name = value */
static ql_status
variable(reader *r, ql_ast_hint *h)
{
    uint64_t n;
    if (is(r, "MAX_EXECUTION_TIME")) {
        h->name = word(r);
        advance(r);
    } else {
        QL_TRY(identifier(r, &h->name));
    }
    QL_TRY(expect(r, T_EQ));
    unsigned shift = is_word(r) ? scale(word(r)) : 0;
    if (r->t.kind == T_INT || shift != 0) {
        ql_str digits = word(r);
        digits.n -= shift != 0;
        if (!number(digits, &n) || n > UINT64_MAX >> shift) {
            return QL_END;
        }
        n <<= shift;
        h->value = n <= INT64_MAX ? ql_value_int((int64_t)n) : ql_value_uint(n);
        advance(r);
        return QL_OK;
    }
    ql_str text;
    QL_TRY(r->t.kind == T_STRING ? decoded(r, &text) : identifier(r, &text));
    h->value = ql_value_str(text, ql_coll_default);
    return QL_OK;
}

static void
warn(reader *r, const char *what)
{
    const qli_parser *p = r->p;
    size_t at = (size_t)(r->text.p - p->text.p) + r->t.pos, left = p->text.n - at;
    ql_warn_text(p->cx, QL_DIAG_WARNING, QL_ER_PARSE_ERROR, "%s near '%.*s' at line %u", what,
                 (int)qli_near_length(p->text.p + at, left), p->text.p + at,
                 p->t.hint_line + r->t.line - 1);
}

static ql_status
time_limit(reader *r, ql_ast_hint *h, bool *bad)
{
    if (r->t.kind != T_INT) {
        return QL_END;
    }
    *bad = !number(r->t.text, &h->number) || h->number > UINT32_MAX;
    advance(r);
    return QL_OK;
}

static ql_status
arguments(reader *r, ql_ast_hint *h, bool *bad)
{
    switch (known[h->type].shape) {
    case TABLES:
        return tables(r, h, false);
    case ORDER:
        return tables(r, h, true);
    case INDEXES:
        return indexes(r, h);
    case BLOCK:
        return opt_block(r, &h->block);
    case SEMIJOIN:
    case SUBQUERY:
        return strategies(r, h);
    case NAME:
    case GROUP:
        return identifier(r, &h->name);
    case TIME:
        return time_limit(r, h, bad);
    case VARIABLE:
        return variable(r, h);
    }
    return QL_END;
}

static ql_status
hint(reader *r, ql_ast_hint ***end)
{
    ql_hint_type type;
    ql_ast_hint *h;
    bool on, bad = false;
    if (!is_word(r) || !find_hint(word(r), &type, &on)) {
        return QL_END;
    }
    QL_TRY(qli_new(r->p, sizeof *h, &h));
    h->type = type;
    h->on = on;
    advance(r);
    QL_TRY(expect(r, T_LPAREN));
    QL_TRY(arguments(r, h, &bad));
    if (r->t.kind != T_RPAREN) {
        return QL_END;
    }
    if (bad) {
        warn(r, ql_errcode_format(QL_ER_WARN_BAD_MAX_EXECUTION_TIME));
    } else {
        **end = h;
        *end = &h->next;
    }
    advance(r);
    return QL_OK;
}

/* Between the word and the comment there is nothing but blanks. */
static bool
stands_behind_word(const qli_parser *p, ql_str comment)
{
    const char *at = p->text.p + p->prev_end, *end = comment.p - 3;
    while (at < end && (*at == ' ' || (*at >= '\t' && *at <= '\r'))) {
        at++;
    }
    return at == end;
}

ql_status
qli_hints(qli_parser *p, ql_ast_hints *out)
{
    reader r = {.p = p, .text = p->t.hint};
    ql_ast_hint **end = &out->written;
    if (r.text.p == NULL || !stands_behind_word(p, r.text)) {
        return QL_OK;
    }
    p->has_hints = true;
    qli_lexer_init(&r.lx, p->cx, r.text, p->mode);
    advance(&r);
    do {
        QL_TRY(ql_bulk_node(p->cx));
        ql_status st = hint(&r, &end);
        QL_TRY(r.lx.stopped);
        if (st == QL_END) {
            warn(&r, ql_errcode_format(QL_ER_WARN_OPTIMIZER_HINT_SYNTAX_ERROR));
            return QL_OK;
        }
        QL_TRY(st);
    } while (r.t.kind != T_EOF);
    return QL_OK;
}
