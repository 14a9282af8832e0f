/* SPDX-License-Identifier: Apache-2.0
 *
 * LIKE: the pattern is cut into pieces between % signs; each piece is looked for from left to
 * right, the last one from the end, so there is no backtracking over earlier pieces. Characters
 * compare under the collation, one by one (manual, LIKE). Checkpoint every 8,192 steps.
 */
#include <string.h>

#include "fn/fn_int.h"
#include "types/beginning.h"

#define ANY_ONE 0xFFFFFFFFu
#define LIKE_STEP 8192u /* a power of two: characters compared between two checkpoints */

/* One pattern character: a slice of the pattern, or any single character. */
struct unit {
    ql_str ch;     /* n 0 = any one character */
    uint32_t byte; /* folded ASCII byte, ANY_ONE, or 256 = compare ch under the collation */
};

struct piece {
    uint32_t first, n; /* units */
};

struct like {
    struct unit *units;
    struct piece *pieces;
    uint32_t nunits, npieces;
    bool open_start, open_end; /* pattern begins/ends with % */
    bool simple;               /* all units are bytes or any-one */
};

struct matcher {
    ql_ctx *cx;
    const ql_collation *c;
    const struct like *l;
    ql_str s;
    bool single_bytes; /* every character of s is one byte */
    uint32_t steps;
};

static size_t
length_at(const char *p, size_t left, bool bytes)
{
    unsigned char b = (unsigned char)*p;
    size_t n = bytes || b < 0xC0 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
    return n <= left ? n : left;
}

static unsigned char
fold(const ql_collation *c, unsigned char b)
{
    return c->case_insensitive && b >= 'A' && b <= 'Z' ? (unsigned char)(b + 32) : b;
}

/* Is a character of the text equal to one of the pattern? Spaces count, and a mark stands for
 * marks only (types/beginning.h leans on both). */
static ql_status
same_char(ql_ctx *cx, const ql_collation *c, ql_str a, ql_str b, bool *yes)
{
    char x[8], y[8];
    if (c->is_binary || a.n >= sizeof x || b.n >= sizeof y) {
        return qli_char_equal(cx, c, a, b, yes);
    }
    if (c->pad_space && (*a.p == ' ') != (*b.p == ' ')) {
        memcpy(x, a.p, a.n);
        memcpy(y, b.p, b.n);
        x[a.n] = y[b.n] = '|';
        QL_TRY(qli_char_equal(cx, c, (ql_str){x, a.n + 1}, (ql_str){y, b.n + 1}, yes));
    } else {
        QL_TRY(qli_char_equal(cx, c, a, b, yes));
    }
    if (*yes && ql_char_is_mark(a) != ql_char_is_mark(b)) {
        *yes = false;
    }
    return QL_OK;
}

static ql_status
compile(ql_ctx *cx, ql_arena *a, const ql_collation *c, ql_str pat, ql_str esc, struct like *l)
{
    bool bytes = c == ql_coll_binary;
    *l = (struct like){.simple = true};
    l->units = ql_arena_alloc(cx, a, sizeof *l->units * (pat.n + 1));
    l->pieces = ql_arena_alloc(cx, a, sizeof *l->pieces * (pat.n + 1));
    if (l->units == NULL || l->pieces == NULL) {
        return QL_ERROR;
    }
    struct piece cur = {0, 0};
    for (size_t i = 0, steps = 0; i < pat.n;) {
        size_t n = length_at(pat.p + i, pat.n - i, bytes);
        bool literal = false;
        if (++steps % 2048 == 0) { /* 64 bytes of new memory each */
            QL_TRY(ql_check(cx));
        }
        if (esc.n > 0 && n == esc.n && memcmp(pat.p + i, esc.p, n) == 0 && i + n < pat.n) {
            i += n;
            n = length_at(pat.p + i, pat.n - i, bytes);
            literal = true;
        }
        if (!literal && pat.p[i] == '%') {
            l->open_start |= i == 0;
            l->open_end = i + 1 == pat.n;
            if (cur.n > 0) {
                l->pieces[l->npieces++] = cur;
            }
            cur = (struct piece){l->nunits, 0};
        } else {
            struct unit *u = &l->units[l->nunits++];
            bool any = !literal && pat.p[i] == '_';
            u->ch = (ql_str){pat.p + i, any ? 0 : n};
            u->byte = any ? ANY_ONE : n == 1 ? fold(c, (unsigned char)pat.p[i]) : 256;
            l->simple &= u->byte != 256;
            cur.n++;
        }
        i += n;
    }
    if (cur.n > 0) {
        l->pieces[l->npieces++] = cur;
    }
    return QL_OK;
}

/* Does piece p match at offset at? *end = behind it. */
static ql_status
piece_at(struct matcher *m, const struct piece *p, size_t at, bool *yes, size_t *end)
{
    const struct unit *u = m->l->units + p->first;
    *yes = true;
    for (uint32_t i = 0; i < p->n; i++, u++) {
        if (at >= m->s.n) {
            *yes = false;
            return QL_OK;
        }
        size_t n = length_at(m->s.p + at, m->s.n - at, m->single_bytes);
        unsigned char b = (unsigned char)m->s.p[at];
        if (u->byte < 256 && n == 1) {
            if (fold(m->c, b) != u->byte && (b < 0x80 || m->c->is_binary)) {
                *yes = false;
                return QL_OK;
            }
        } else if (u->byte != ANY_ONE) {
            QL_TRY(same_char(m->cx, m->c, (ql_str){m->s.p + at, n}, u->ch, yes));
            if (!*yes) {
                return QL_OK;
            }
        }
        at += n;
        if ((++m->steps & (LIKE_STEP - 1)) == 0) {
            QL_TRY(ql_check(m->cx));
        }
    }
    *end = at;
    return QL_OK;
}

/* First place at or after `at` where piece p matches. */
static ql_status
find_piece(struct matcher *m, const struct piece *p, size_t at, bool *yes, size_t *end)
{
    const struct unit *u = m->l->units + p->first;
    *yes = false;
    while (at < m->s.n) {
        if (u->byte < 256 && m->single_bytes &&
            !m->c->case_insensitive) { /* leap to the first byte */
            size_t window = m->s.n - at < QLI_STEP ? m->s.n - at : QLI_STEP;
            const char *hit = memchr(m->s.p + at, (int)u->byte, window);
            if (hit == NULL) {
                at += window;
                QL_TRY(ql_check(m->cx));
                continue;
            }
            at = (size_t)(hit - m->s.p);
        }
        QL_TRY(piece_at(m, p, at, yes, end));
        if (*yes) {
            return QL_OK;
        }
        at += length_at(m->s.p + at, m->s.n - at, m->single_bytes);
        if ((++m->steps & (LIKE_STEP - 1)) == 0) {
            QL_TRY(ql_check(m->cx));
        }
    }
    return QL_OK;
}

/* Offset from which the last piece must match so that it ends with the text; false = text too
 * short. */
static ql_status
tail_start(struct matcher *m, uint32_t chars, size_t *at, bool *yes)
{
    size_t i = m->s.n;
    *yes = true;
    while (chars > 0) {
        if (i == 0) {
            *yes = false;
            return QL_OK;
        }
        i--;
        while (!m->single_bytes && i > 0 && ((unsigned char)m->s.p[i] & 0xC0) == 0x80) {
            i--;
        }
        chars--;
        if ((++m->steps & (LIKE_STEP - 1)) == 0) {
            QL_TRY(ql_check(m->cx));
        }
    }
    *at = i;
    return QL_OK;
}

static ql_status
match(struct matcher *m, bool *yes)
{
    const struct like *l = m->l;
    size_t at = 0, end;
    uint32_t i = 0, n = l->npieces;
    *yes = n > 0 || l->open_start || m->s.n == 0;
    if (n == 0) {
        return QL_OK;
    }
    if (!l->open_start) {
        QL_TRY(piece_at(m, &l->pieces[0], 0, yes, &end));
        if (!*yes) {
            return QL_OK;
        }
        at = end;
        i = 1;
        if (n == 1) {
            *yes = l->open_end || at == m->s.n;
            return QL_OK;
        }
    }
    for (; i + (l->open_end ? 0 : 1) < n; i++) {
        QL_TRY(find_piece(m, &l->pieces[i], at, yes, &end));
        if (!*yes) {
            return QL_OK;
        }
        at = end;
    }
    if (!l->open_end) {
        size_t from = 0;
        QL_TRY(tail_start(m, l->pieces[n - 1].n, &from, yes));
        *yes = *yes && from >= at;
        if (*yes) {
            QL_TRY(piece_at(m, &l->pieces[n - 1], from, yes, &end));
        }
    }
    return QL_OK;
}

/* The compiled form of a constant pattern, made at the first row. */
static ql_status
constant_pattern(ql_ctx *cx, ql_call *call, const ql_collation *c, ql_str pattern, ql_str esc,
                 struct like **out)
{
    struct like *l = call->state;
    if (l == NULL) {
        l = ql_arena_alloc(cx, call->mem, sizeof *l);
        char *text = l ? ql_arena_strndup(cx, call->mem, pattern.p, pattern.n) : NULL;
        if (text == NULL) {
            return QL_ERROR;
        }
        QL_TRY(compile(cx, call->mem, c, (ql_str){text, pattern.n}, esc, l));
        call->state = l;
    }
    *out = l;
    return QL_OK;
}

static bool
pattern_is_constant(const ql_expr *e, uint32_t nargs)
{
    return e->args[1]->is_constant && (nargs < 3 || e->args[2]->is_constant);
}

static const ql_collation *
like_collation(const ql_call *call)
{
    return call->expr->coll ? call->expr->coll : ql_coll_binary;
}

static ql_status
match_text(ql_ctx *cx, const ql_collation *c, const struct like *l, ql_str s, bool *yes)
{
    struct matcher m = {.cx = cx, .c = c, .l = l, .s = s, .single_bytes = c == ql_coll_binary};
    if (!m.single_bytes) {
        QL_TRY(qli_is_ascii(cx, s, &m.single_bytes));
    }
    return match(&m, yes);
}

ql_status
ql_fn_like(ql_ctx *cx, ql_call *call, const ql_value *args, uint32_t nargs, ql_value *out)
{
    const ql_collation *c = like_collation(call);
    ql_str esc = nargs > 2 ? args[2].s : ql_like_escape(cx, call->expr);
    struct like once, *l = &once;
    if (pattern_is_constant(call->expr, nargs)) {
        QL_TRY(constant_pattern(cx, call, c, args[1].s, esc, &l));
    } else {
        QL_TRY(compile(cx, call->arena, c, args[1].s, esc, l));
    }
    bool yes;
    QL_TRY(match_text(cx, c, l, args[0].s, &yes));
    return qli_put_int(out, yes);
}

/* ---- a constant pattern over a batch ---- */

/* Patterns of one piece of ASCII letters: abc, abc%, %abc, %abc%. Under any collation an ASCII text
 * is compared with them byte by byte, case folded or not, as match() does. */
#define WORD_MAX 64
#define WORD_TEXT ((size_t)4096) /* longer ones are match()'s, which looks at the kill flag */
typedef struct word {
    unsigned char at[WORD_MAX]; /* folded */
    unsigned char fold[256];    /* of the text */
    size_t n;
    bool open_start, open_end, bytes; /* bytes: any byte of the text is a character */
} word;

static bool
word_of(const ql_collation *c, const struct like *l, word *w)
{
    *w = (word){0};
    if (l->npieces != 1 || l->pieces[0].n > WORD_MAX || !l->simple) {
        return false;
    }
    w->n = l->pieces[0].n;
    w->open_start = l->open_start;
    w->open_end = l->open_end;
    w->bytes = c == ql_coll_binary;
    for (uint32_t i = 0; i < w->n; i++) {
        uint32_t b = l->units[l->pieces[0].first + i].byte;
        if (b >= (w->bytes ? 256u : 128u)) {
            return false; /* any character, or more than a byte */
        }
        w->at[i] = (unsigned char)b;
    }
    for (unsigned b = 0; b < 256; b++) {
        w->fold[b] = fold(c, (unsigned char)b);
    }
    return true;
}

typedef enum verdict { NO, YES, UNSURE } verdict;

/* Does the word stand at p? UNSURE: a character that is not ASCII comes before a difference. */
static inline verdict
word_at(const word *w, const char *p)
{
    for (size_t i = 0; i < w->n; i++) {
        unsigned char b = (unsigned char)p[i];
        if (w->fold[b] != w->at[i]) {
            return b < 0x80 || w->bytes ? NO : UNSURE;
        }
    }
    return YES;
}

static bool
has_only_ascii(ql_str s)
{
    unsigned char any = 0;
    for (size_t i = 0; i < s.n; i++) {
        any |= (unsigned char)s.p[i];
    }
    return any < 0x80;
}

static verdict
word_within(const word *w, ql_str s)
{
    for (size_t i = 0; i + w->n <= s.n; i++) {
        if (w->fold[(unsigned char)s.p[i]] == w->at[0] && word_at(w, s.p + i) == YES) {
            return YES;
        }
    }
    return NO;
}

static verdict
word_matches(const word *w, ql_str s)
{
    if (w->open_start && w->open_end) {
        return w->bytes || has_only_ascii(s) ? word_within(w, s) : UNSURE;
    }
    if (s.n < w->n) {
        return NO; /* fewer bytes than the pattern has characters */
    }
    if (w->open_start) {
        /* From the end, so that it is known where characters begin. */
        return w->bytes || has_only_ascii((ql_str){s.p + s.n - w->n, w->n})
                   ? word_at(w, s.p + s.n - w->n)
                   : UNSURE;
    }
    verdict v = word_at(w, s.p);
    return v == YES && !w->open_end && s.n != w->n ? NO : v;
}

ql_status
ql_fn_like_rows(ql_ctx *cx, ql_call *call, const ql_rows *r)
{
    const ql_collation *c = like_collation(call);
    const ql_vector *a = r->args[0];
    unsigned am = ql_arg_mask(a);
    struct like *l;
    word w;
    for (uint32_t i = 0; i < r->nargs; i++) {
        if (r->args[i]->type.kind != QL_K_STRING || (i > 0 && !r->args[i]->is_const)) {
            return QL_END;
        }
    }
    if (!pattern_is_constant(call->expr, r->nargs)) {
        return QL_END;
    }
    ql_str esc = r->nargs > 2 ? r->args[2]->s[0] : ql_like_escape(cx, call->expr);
    QL_TRY(constant_pattern(cx, call, c, r->args[1]->s[0], esc, &l));
    bool simple = word_of(c, l, &w);
    for (uint16_t k = 0; k < r->n; k++) {
        uint16_t row = ql_rows_at(r, k);
        ql_str s = a->s[row & am];
        verdict v = simple && s.n < WORD_TEXT ? word_matches(&w, s) : UNSURE;
        bool yes = v == YES;
        QL_TRY(ql_bulk_count(cx, QL_BULK_NODE + (s.n < WORD_TEXT ? s.n : 0)));
        if (v == UNSURE) { /* a character may cost a comparison under the collation */
            QL_TRY(ql_bulk_count(cx, QL_ROW_ALONE + 16 * (s.n < WORD_TEXT ? s.n : WORD_TEXT)));
            QL_TRY(match_text(cx, c, l, s, &yes));
        }
        r->out->i[row] = yes;
    }
    return QL_OK;
}
