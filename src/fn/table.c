/* SPDX-License-Identifier: Apache-2.0
 *
 * The table from function id to implementation, and helpers that several fn_*.c files share.
 * Functions run in the session's thread on one row at a time; loops over strings look at the kill
 * flag every 64 KiB.
 */
#include "fn/fn_int.h"

const ql_fn ql_fn_table[QL_FN_COUNT] = {
#define QL_FUNC(id, ...) [QL_FN_##id] = qli_fn_##id,
#include "resolve/functions.def"
#undef QL_FUNC
};

const ql_fn_vec ql_fn_vectors[QL_FN_COUNT] = {
#define QL_FUNC(id, ...)
#define QL_FUNC_VECTOR(id) [QL_FN_##id] = qli_fnv_##id,
#include "resolve/functions.def"
#undef QL_FUNC
};

int64_t
qli_int(const ql_value *v)
{
    return v->is_unsigned && v->i < 0 ? INT64_MAX : v->i;
}

ql_status
qli_copy(ql_ctx *cx, char *to, const char *from, size_t n)
{
    return ql_bulk_copy(cx, to, from, n);
}

ql_status
qli_put_copy(ql_ctx *cx, ql_call *call, ql_value *out, const char *p, size_t n)
{
    char *room = qli_room(cx, call, n);
    if (room == NULL) {
        return QL_ERROR;
    }
    QL_TRY(qli_copy(cx, room, p, n));
    return qli_put_str(call, out, room, n);
}

bool
qli_fits(ql_ctx *cx, const char *function, size_t n)
{
    uint64_t max = cx->vars ? cx->vars->max_allowed_packet : 0;
    if (max == 0 || n <= max) {
        return true;
    }
    ql_warn(cx, QL_DIAG_WARNING, QL_ER_WARN_ALLOWED_PACKET_OVERFLOWED, function, (long)max);
    return false;
}

ql_status
qli_is_ascii(ql_ctx *cx, ql_str s, bool *ascii)
{
    *ascii = true;
    for (size_t i = 0; i < s.n && *ascii; i += QLI_STEP) {
        size_t n = s.n - i < QLI_STEP ? s.n - i : QLI_STEP;
        *ascii = qli_chunk_is_ascii(s.p + i, n);
        if (n == QLI_STEP) {
            QL_TRY(ql_check(cx));
        }
    }
    return QL_OK;
}

static bool
is_bytes(const ql_collation *c)
{
    return c == NULL || c == ql_coll_binary;
}

static unsigned char
fold(const ql_collation *c, unsigned char b)
{
    return c != NULL && c->case_insensitive && b >= 'A' && b <= 'Z' ? (unsigned char)(b + 32) : b;
}

ql_status
qli_char_equal(ql_ctx *cx, const ql_collation *c, ql_str a, ql_str b, bool *equal)
{
    if (a.n == b.n && memcmp(a.p, b.p, a.n) == 0) {
        *equal = true;
        return QL_OK;
    }
    if (c == NULL || c->is_binary) {
        *equal = false;
        return QL_OK;
    }
    if (a.n == 1 && b.n == 1 && (unsigned char)a.p[0] < 0x80 && (unsigned char)b.p[0] < 0x80) {
        *equal = fold(c, (unsigned char)a.p[0]) == fold(c, (unsigned char)b.p[0]);
        return QL_OK;
    }
    int cmp;
    QL_TRY(ql_coll_compare(cx, c, a, b, &cmp));
    *equal = cmp == 0;
    return QL_OK;
}

static size_t
char_len(ql_str s, size_t at)
{
    unsigned char b = (unsigned char)s.p[at];
    size_t n = b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
    if (b >= 0x80 && b < 0xC0) {
        n = 1;
    }
    return at + n <= s.n ? n : s.n - at;
}

/* Bytes looked at between two checkpoints: each costs some nanoseconds, in new memory more. */
#define FIND_STEP 16384u
/* What comparing two characters under a collation counts for. */
#define CHAR_COST 64

/* Knuth-Morris-Pratt over folded bytes: linear whatever the strings are. */
static ql_status
find_bytes(ql_ctx *cx, ql_call *call, const ql_collation *c, ql_str hay, ql_str needle, size_t from,
           size_t *at, bool *found)
{
    uint32_t *fail = ql_arena_alloc(cx, call->arena, needle.n * sizeof *fail);
    if (fail == NULL) {
        return QL_ERROR;
    }
    const unsigned char *nd = (const unsigned char *)needle.p, *hs = (const unsigned char *)hay.p;
    size_t k = 0, steps = 0;
    fail[0] = 0;
    for (size_t i = 1; i < needle.n; i++) {
        while (k > 0 && fold(c, nd[i]) != fold(c, nd[k])) {
            k = fail[k - 1];
            if (++steps % FIND_STEP == 0) {
                QL_TRY(ql_check(cx));
            }
        }
        k += fold(c, nd[i]) == fold(c, nd[k]);
        fail[i] = (uint32_t)k;
        if (i % FIND_STEP == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    k = 0;
    for (size_t i = from; i < hay.n; i++) {
        while (k > 0 && fold(c, hs[i]) != fold(c, nd[k])) {
            k = fail[k - 1];
            if (++steps % FIND_STEP == 0) {
                QL_TRY(ql_check(cx));
            }
        }
        k += fold(c, hs[i]) == fold(c, nd[k]);
        if (k == needle.n) {
            *at = i + 1 - needle.n;
            *found = true;
            return QL_OK;
        }
        if (i % FIND_STEP == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    return QL_OK;
}

/* The characters of what is looked for: where each begins, and how many are still matched when the
 * one behind them does not. */
struct needle {
    ql_str s;
    uint32_t n;
    uint32_t *start; /* n + 1 */
    uint32_t *fail;  /* n */
};

static ql_str
needle_char(const struct needle *nd, uint32_t k)
{
    return (ql_str){nd->s.p + nd->start[k], nd->start[k + 1] - nd->start[k]};
}

/* One step of Knuth, Morris and Pratt: *k characters are matched; how many are with c behind. */
static ql_status
match_char(ql_ctx *cx, const ql_collation *c, const struct needle *nd, ql_str ch, uint32_t *k)
{
    for (;;) {
        bool same;
        QL_TRY(ql_bulk_count(cx, CHAR_COST));
        QL_TRY(qli_char_equal(cx, c, ch, needle_char(nd, *k), &same));
        if (same || *k == 0) {
            *k += same;
            return QL_OK;
        }
        *k = nd->fail[*k - 1];
    }
}

static ql_status
make_needle(ql_ctx *cx, ql_call *call, const ql_collation *c, ql_str s, struct needle *nd)
{
    *nd = (struct needle){.s = s};
    nd->start = ql_arena_alloc(cx, call->arena, (s.n + 1) * sizeof *nd->start);
    nd->fail = ql_arena_alloc(cx, call->arena, s.n * sizeof *nd->fail);
    if (nd->start == NULL || nd->fail == NULL) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < s.n; i += char_len(s, i)) {
        nd->start[nd->n++] = (uint32_t)i;
        QL_TRY(ql_bulk_count(cx, 8));
    }
    nd->start[nd->n] = (uint32_t)s.n;
    nd->fail[0] = 0;
    uint32_t k = 0;
    for (uint32_t i = 1; i < nd->n; i++) {
        QL_TRY(match_char(cx, c, nd, needle_char(nd, i), &k));
        nd->fail[i] = k;
    }
    return QL_OK;
}

/* Character by character under the collation, by which a match may have another length than what
 * is looked for. */
static ql_status
find_chars(ql_ctx *cx, ql_call *call, const ql_collation *c, ql_str hay, ql_str needle, size_t from,
           size_t *at, bool *found)
{
    struct needle nd;
    uint32_t k = 0;
    size_t chars = 0;
    QL_TRY(make_needle(cx, call, c, needle, &nd));
    for (size_t i = from, n; i < hay.n && !*found; i += n, chars++) {
        n = char_len(hay, i);
        QL_TRY(match_char(cx, c, &nd, (ql_str){hay.p + i, n}, &k));
        *found = k == nd.n;
    }
    if (*found) { /* it ends with the last of so many characters */
        *at = from;
        for (size_t left = chars - nd.n; left > 0; left--) {
            *at += char_len(hay, *at);
            QL_TRY(ql_bulk_count(cx, 1));
        }
    }
    return QL_OK;
}

ql_status
qli_find(ql_ctx *cx, ql_call *call, const ql_collation *c, ql_str hay, ql_str needle, size_t from,
         size_t *at, bool *found)
{
    *found = false;
    *at = 0;
    if (needle.n == 0) {
        *found = from <= hay.n;
        *at = from;
        return QL_OK;
    }
    if (from >= hay.n) {
        return QL_OK;
    }
    bool simple = c == NULL || c->is_binary;
    if (!simple) {
        bool a, b;
        QL_TRY(qli_is_ascii(cx, hay, &a));
        QL_TRY(qli_is_ascii(cx, needle, &b));
        simple = a && b;
    }
    if (simple) {
        return find_bytes(cx, call, c, hay, needle, from, at, found);
    }
    return find_chars(cx, call, c, hay, needle, from, at, found);
}

ql_status
qli_count_chars(ql_ctx *cx, const ql_collation *c, ql_str s, size_t *chars)
{
    *chars = 0;
    if (is_bytes(c)) {
        *chars = s.n;
        return QL_OK;
    }
    for (size_t i = 0; i < s.n; i++) {
        *chars += ((unsigned char)s.p[i] & 0xC0) != 0x80;
        if (i % QLI_STEP == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    return QL_OK;
}

ql_status
qli_char_offset(ql_ctx *cx, const ql_collation *c, ql_str s, size_t chars, size_t *offset)
{
    if (is_bytes(c)) {
        *offset = chars < s.n ? chars : s.n;
        return QL_OK;
    }
    size_t i = 0, steps = 0;
    while (i < s.n && chars > 0) {
        i += char_len(s, i);
        chars--;
        if (++steps % QLI_STEP == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    *offset = i;
    return QL_OK;
}
