/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights of the collations that order the characters of one set: by the ranks of orders.def, or by
 * their codes. Made at the first use of a collation: constant data of the process, published by
 * compare-and-swap and never freed.
 */
#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "base/mem.h"
#include "types/charset_int.h"
#include "types/collate_int.h"

#define CHARS 0x10000

static _Atomic(uint16_t *) tables[QLI_MAX_COLLATIONS];

static const struct {
    uint16_t id;
    const char *ranks;
} orders[] = {
#define QL_ORDER(id, ranks) {id, ranks},
#include "types/orders.def"
};

static unsigned
hex_at(const char *digits)
{
    unsigned v = 0;
    for (int i = 0; i < 2; i++) {
        char c = digits[i];
        v = v * 16 + (unsigned)(c <= '9' ? c - '0' : c - 'A' + 10);
    }
    return v;
}

/* Characters that the set has not come behind all that it has. */
static void
weigh_others(uint16_t *w, uint32_t last)
{
    for (uint32_t cp = 0; cp < CHARS; cp++) {
        if (w[cp] == UINT16_MAX) {
            w[cp] = (uint16_t)(last + 1 + cp < 0xfffc ? last + 1 + cp : 0xfffc);
        }
    }
}

static void
fill_ranks(uint16_t *w, const ql_collation *c, const qli_codes *t)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(orders); i++) {
        for (int b = 0; b < 256 && orders[i].id == c->id; b++) {
            if (t->one[b] < QLI_LONGER && qli_code(t, t->one[b]) == (uint32_t)b) {
                w[t->one[b]] = (uint16_t)hex_at(orders[i].ranks + 2 * b);
            }
        }
    }
    weigh_others(w, 0xff);
}

/* A place among all codes of one to three bytes, in the order of their bytes. */
static uint32_t
place_of(uint32_t code)
{
    return code < 0x100 ? code << 16 : code < 0x10000 ? code << 8 : code;
}

/* Ranks of the codes; without regard to case those of capital letters. */
static ql_status
fill_codes(ql_ctx *cx, uint16_t *w, const qli_codes *t, bool folds)
{
    uint8_t *seen = ql_mem_zalloc(1u << 21); /* a bit for each place */
    uint32_t *ranks = seen != NULL ? ql_mem_zalloc((1u << 18) * sizeof *ranks) : NULL;
    ql_status st = QL_OK;
    uint32_t n = 0;
    if (ranks == NULL) {
        ql_mem_free(seen);
        return ql_fail_oom(cx, 1u << 21);
    }
    for (uint32_t cp = 0; cp < CHARS; cp++) {
        uint32_t code = qli_code(t, cp), at = place_of(code);
        if (code != QLI_NO_CODE) {
            seen[at >> 3] |= (uint8_t)(1u << (at & 7));
        }
    }
    /* Characters in front of each group of 64 places. */
    for (uint32_t g = 0; g < 1u << 18 && st == QL_OK; g++) {
        uint64_t bits;
        memcpy(&bits, seen + 8 * g, 8);
        ranks[g] = n;
        n += (uint32_t)__builtin_popcountll(bits);
        st = ql_bulk_count(cx, 8);
    }
    for (uint32_t cp = 0; cp < CHARS && st == QL_OK; cp++) {
        uint32_t as = folds && cp >= 'a' && cp <= 'z' ? cp - 32 : cp, code = qli_code(t, as);
        uint32_t at = place_of(code);
        if (code != QLI_NO_CODE) {
            uint64_t bits;
            memcpy(&bits, seen + 8 * (at >> 6), 8);
            bits &= ((uint64_t)1 << (at & 63)) - 1;
            w[cp] = (uint16_t)(ranks[at >> 6] + (uint32_t)__builtin_popcountll(bits));
        }
        st = ql_bulk_count(cx, 16);
    }
    weigh_others(w, n);
    ql_mem_free(ranks);
    ql_mem_free(seen);
    return st;
}

static ql_status
make(ql_ctx *cx, const ql_collation *c, uint16_t **out)
{
    const qli_coll *impl = c->impl;
    const qli_codes *t;
    QL_TRY(qli_codes_of(cx, c->charset, &t));
    uint16_t *w = ql_mem_alloc(CHARS * sizeof *w);
    if (w == NULL) {
        return ql_fail_oom(cx, CHARS * sizeof *w);
    }
    memset(w, 0xff, CHARS * sizeof *w);
    ql_status st = QL_OK;
    if (impl->rule == QLI_RULE_ORDER) {
        fill_ranks(w, c, t);
    } else {
        st = fill_codes(cx, w, t, impl->rule == QLI_RULE_CODES_CI);
    }
    if (st != QL_OK) {
        ql_mem_free(w);
        return st;
    }
    *out = w;
    return QL_OK;
}

ql_status
qli_order_weights(ql_ctx *cx, const ql_collation *c, const uint16_t **out)
{
    _Atomic(uint16_t *) *slot = &tables[((const qli_coll *)c->impl)->slot];
    uint16_t *w = atomic_load_explicit(slot, memory_order_acquire), *expected = NULL;
    if (QL_UNLIKELY(w == NULL)) {
        QL_TRY(make(cx, c, &w));
        if (!atomic_compare_exchange_strong(slot, &expected, w)) {
            ql_mem_free(w); /* another thread was faster */
            w = expected;
        }
    }
    *out = w;
    return QL_OK;
}

ql_status
qli_weights(ql_ctx *cx, const ql_collation *c, const uint16_t **out)
{
    qli_rule rule = ((const qli_coll *)c->impl)->rule;
    if (rule >= QLI_RULE_ORDER) {
        return qli_order_weights(cx, c, out);
    }
    *out = qli_simple_weights(rule == QLI_RULE_LATIN1);
    return QL_OK;
}
