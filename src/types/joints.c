/* SPDX-License-Identifier: Apache-2.0
 *
 * Where characters of a Unicode collation do not weigh by themselves: contractions ("ch" of Czech),
 * letters that a mark behind them makes other ones, vowels that are written before their consonant.
 * Characters are known here by the bytes of their primary weights, since those that are equal under
 * the collation can stand for each other. Constant data, made from ICU once for each table of
 * weights. Terms: Unicode Technical Standard 10.
 */
#include "types/joints.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/ucol.h>
#include <unicode/ucoleitr.h>
#include <unicode/uset.h>

#include "base/diag.h"
#include "base/hash.h"
#include "base/mem.h"
#include "intr/aside.h"

#define PRIMARIES_MAX 128 /* bytes of what one contraction weighs; what is more is left off */

struct qli_joints {
    size_t n, cap;
    qli_joint *v; /* by hash */
};

static _Atomic(qli_joints *) tables[QLI_MAX_COLLATIONS]; /* by shared slot; NULL: not made yet */

static uint64_t
hash_of(ql_str primaries)
{
    return ql_hash_bytes(primaries.p, primaries.n, 0);
}

static int
by_hash(const void *a, const void *b)
{
    uint64_t x = ((const qli_joint *)a)->hash, y = ((const qli_joint *)b)->hash;
    return (x > y) - (x < y);
}

const qli_joint *
qli_joint_of(const qli_joints *j, ql_str primaries)
{
    qli_joint k = {.hash = hash_of(primaries)};
    return j->n > 0 ? bsearch(&k, j->v, j->n, sizeof *j->v, by_hash) : NULL;
}

/* ---- making them: in a thread aside, where only `err` is known of errors ---- */

typedef struct maker {
    qli_joints *j;
    UCollationElements *el;
    UErrorCode err;
} maker;

/* As sortkey_level (collate.c) writes them. */
static size_t
primaries_of(maker *m, const UChar *text, int32_t units, char out[PRIMARIES_MAX])
{
    size_t n = 0;
    int32_t e;
    ucol_setText(m->el, text, units, &m->err);
    while (n + 2 <= PRIMARIES_MAX && (e = ucol_next(m->el, &m->err)) != UCOL_NULLORDER) {
        uint32_t w = (uint32_t)e & QLI_PRIMARY;
        if (w != 0) {
            out[n++] = (char)(w >> 24);
            out[n] = (char)(w >> 16);
            n += out[n] != 0;
        }
    }
    return n;
}

static qli_joint *
add(maker *m, ql_str primaries)
{
    qli_joints *j = m->j;
    uint64_t hash = hash_of(primaries);
    for (size_t i = j->n; i > 0; i--) { /* contractions come by their first characters */
        if (j->v[i - 1].hash == hash) {
            return &j->v[i - 1];
        }
    }
    if (j->n == j->cap) {
        size_t cap = j->cap ? j->cap * 2 : 256;
        qli_joint *v = ql_mem_realloc(j->v, cap * sizeof *v);
        if (v == NULL) {
            m->err = U_MEMORY_ALLOCATION_ERROR;
            return NULL;
        }
        j->v = v;
        j->cap = cap;
    }
    j->v[j->n] = (qli_joint){.hash = hash};
    return &j->v[j->n++];
}

static void
set_edge(qli_edge *e, ql_str bytes)
{
    e->n = (uint8_t)(bytes.n < sizeof e->bytes ? bytes.n : sizeof e->bytes);
    memcpy(e->bytes, bytes.p, e->n);
}

/* The edge takes in all keys that begin with `bytes`. Of two of which one begins with the other the
 * shorter one takes in more. */
static void
widen(qli_edge *e, ql_str bytes, bool upper)
{
    qli_edge to;
    set_edge(&to, bytes);
    size_t n = to.n < e->n ? to.n : e->n;
    int c = memcmp(to.bytes, e->bytes, n);
    if (c == 0 ? to.n < e->n : (c > 0) == upper) {
        *e = to;
    }
}

/* A string of several characters that weigh together. */
static void
add_contraction(maker *m, const UChar *text, int32_t units)
{
    char head[PRIMARIES_MAX], all[PRIMARIES_MAX];
    UChar32 c;
    int32_t at = 0;
    U16_NEXT(text, at, units, c);
    if (U_IS_UNICODE_NONCHAR(c)) {
        return; /* labels of alphabetic indexes, not text */
    }
    ql_str h = {head, primaries_of(m, text, at, head)};
    ql_str whole = {all, primaries_of(m, text, units, all)};
    qli_joint *k = add(m, h);
    if (k == NULL) {
        return;
    }
    if (!k->begins) {
        k->begins = true;
        set_edge(&k->low, h);
        set_edge(&k->high, h);
    }
    widen(&k->low, whole, false);
    widen(&k->high, whole, true);
    while (at < units) {
        int32_t from = at;
        U16_NEXT(text, at, units, c);
        if (u_getIntPropertyValue(c, UCHAR_LEAD_CANONICAL_COMBINING_CLASS) != 0) {
            continue; /* patterns end before marks, and other characters stand for none */
        }
        h.n = primaries_of(m, text + from, at - from, head);
        k = add(m, h);
        if (k != NULL) {
            k->follows = true;
        }
    }
}

static void
add_all(maker *m, const UCollator *coll, USet *strings)
{
    ucol_getContractionsAndExpansions(coll, strings, NULL, 1, &m->err);
    for (int32_t i = 0; i < uset_getItemCount(strings) && U_SUCCESS(m->err); i++) {
        UChar text[64];
        UChar32 low, high;
        UErrorCode e = U_ZERO_ERROR;
        int32_t n = uset_getItem(strings, i, &low, &high, text, QL_ARRAY_LEN(text), &e);
        if (U_SUCCESS(e) && n >= 2) {
            add_contraction(m, text, n);
        }
    }
}

static void
free_joints(qli_joints *j)
{
    if (j != NULL) {
        ql_mem_free(j->v);
        ql_mem_free(j);
    }
}

/* Owner: whoever ql_aside says. */
typedef struct build {
    const qli_uca_table *t; /* [const] */
    qli_joints *made;
    UErrorCode err;
} build;

static void
build_run(void *arg)
{
    build *b = arg;
    maker m = {.j = ql_mem_zalloc(sizeof *m.j), .err = U_ZERO_ERROR};
    if (m.j == NULL) {
        b->err = U_MEMORY_ALLOCATION_ERROR;
        return;
    }
    USet *strings = uset_openEmpty();
    m.el = ucol_openElements(b->t->collator, u"", 0, &m.err);
    if (U_SUCCESS(m.err)) {
        add_all(&m, b->t->collator, strings);
    }
    if (m.el != NULL) {
        ucol_closeElements(m.el);
    }
    uset_close(strings);
    b->err = m.err;
    if (U_FAILURE(m.err)) {
        free_joints(m.j);
        return;
    }
    qsort(m.j->v, m.j->n, sizeof *m.j->v, by_hash);
    b->made = m.j;
}

static void
build_free(void *arg)
{
    build *b = arg;
    free_joints(b->made);
    ql_mem_free(b);
}

ql_status
qli_uca_joints(ql_ctx *cx, const qli_coll *c, const qli_joints **out)
{
    _Atomic(qli_joints *) *place = &tables[qli_shared_slot(c)];
    const qli_uca_table *t;
    *out = atomic_load_explicit(place, memory_order_acquire);
    if (QL_LIKELY(*out != NULL)) {
        return QL_OK;
    }
    QL_TRY(qli_uca_weights(cx, c, &t));
    build *b = ql_mem_zalloc(sizeof *b);
    if (b == NULL) {
        return ql_fail_oom(cx, sizeof *b);
    }
    b->t = t;
    if (cx->proc != NULL) { /* ICU takes 20 ms: where it can be killed */
        QL_TRY(ql_aside(cx, build_run, build_free, b));
    } else {
        build_run(b);
    }
    qli_joints *made = b->made, *expected = NULL;
    UErrorCode err = b->err;
    b->made = NULL;
    build_free(b);
    if (made == NULL) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Collation data cannot be loaded: %s",
                            u_errorName(err));
    }
    if (!atomic_compare_exchange_strong(place, &expected, made)) {
        free_joints(made); /* another thread was faster */
        made = expected;
    }
    *out = made;
    return QL_OK;
}
