/* SPDX-License-Identifier: Apache-2.0
 *
 * LIKE: the pattern is cut into pieces between % signs; each piece is looked for from left to
 * right, the last one from the end, so there is no backtracking over earlier pieces. Characters
 * compare under the collation, one by one (manual, LIKE). Checkpoint every 8,192 steps.
 */
#include <string.h>

#include "fn/fn_int.h"

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
            QL_TRY(qli_char_equal(m->cx, m->c, (ql_str){m->s.p + at, n}, u->ch, yes));
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

ql_status
ql_fn_like(ql_ctx *cx, ql_call *call, const ql_value *args, uint32_t nargs, ql_value *out)
{
    const ql_collation *c = call->expr->coll ? call->expr->coll : ql_coll_binary;
    ql_str esc = nargs > 2                                                         ? args[2].s
                 : cx->vars && (cx->vars->sql_mode & QL_MODE_NO_BACKSLASH_ESCAPES) ? QL_STR("")
                                                                                   : QL_STR("\\");
    const ql_expr *e = call->expr;
    bool constant = e->args[1]->is_constant && (nargs < 3 || e->args[2]->is_constant);
    struct like once, *l = &once;
    if (constant) {
        l = call->state;
        if (l == NULL) {
            l = ql_arena_alloc(cx, call->mem, sizeof *l);
            char *text = l ? ql_arena_strndup(cx, call->mem, args[1].s.p, args[1].s.n) : NULL;
            if (text == NULL) {
                return QL_ERROR;
            }
            QL_TRY(compile(cx, call->mem, c, (ql_str){text, args[1].s.n}, esc, l));
            call->state = l;
        }
    } else {
        QL_TRY(compile(cx, call->arena, c, args[1].s, esc, l));
    }
    struct matcher m = {
        .cx = cx, .c = c, .l = l, .s = args[0].s, .single_bytes = c == ql_coll_binary};
    if (!m.single_bytes) {
        QL_TRY(qli_is_ascii(cx, m.s, &m.single_bytes));
    }
    bool yes;
    QL_TRY(match(&m, &yes));
    return qli_put_int(out, yes);
}
