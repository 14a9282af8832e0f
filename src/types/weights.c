/* SPDX-License-Identifier: Apache-2.0
 *
 * Where weights come from: tables made from ICU once in the life of the process (constant data,
 * safe to read from all threads once published), and the reader of collation elements. Unicode
 * Technical Standard 10 and ICU's ucol.h are the sources of the terms.
 */
#include <pthread.h>
#include <string.h>
#include <unicode/uclean.h>
#include <unicode/ucol.h>
#include <unicode/ucoleitr.h>
#include <unicode/unorm2.h>
#include <unicode/uset.h>
#include <unicode/ustring.h>

#include "base/diag.h"
#include "base/mem.h"
#include "intr/aside.h"
#include "intr/intr.h"
#include "types/charset_int.h"
#include "types/collate_int.h"
#include "types/joints.h"

/* ---- one weight per character ---- */

static uint16_t simple_table[2][0x10000];
static pthread_once_t simple_once = PTHREAD_ONCE_INIT;

/* Scripts in which the *_general_ci collations fold accents: Latin, Greek, Cyrillic and Armenian,
 * and their extensions. */
static bool
folds_accents(uint32_t cp)
{
    return cp < 0x600 || (cp >= 0x1e00 && cp < 0x2000);
}

/* Letter under the accents; the character itself when there is none. The letter I kratkoe is one of
 * its own. */
static uint32_t
base_character(const UNormalizer2 *nfc, uint32_t cp)
{
    UChar d[8];
    while (folds_accents(cp) && cp != 0x419 && cp != 0x439) {
        UErrorCode err = U_ZERO_ERROR;
        int32_t n = unorm2_getRawDecomposition(nfc, (UChar32)cp, d, QL_ARRAY_LEN(d), &err);
        if (n <= 1 || U_FAILURE(err) || !u_isalpha(d[0])) {
            break;
        }
        cp = d[0];
    }
    return cp;
}

static bool
is_in_unicode_3(UChar32 cp)
{
    UVersionInfo age;
    u_charAge(cp, age);
    return age[0] < 3 || (age[0] == 3 && age[1] == 0);
}

/* Upper case where Unicode 3.0, on which MySQL's tables rest, already had both letters. */
static uint32_t
upper_character(uint32_t cp)
{
    UChar32 up = u_toupper((UChar32)cp);
    return up < 0x10000 && is_in_unicode_3((UChar32)cp) && is_in_unicode_3(up) ? (uint32_t)up : cp;
}

static void
build_simple(void)
{
    UErrorCode err = U_ZERO_ERROR;
    const UNormalizer2 *nfc = unorm2_getNFCInstance(&err);
    for (uint32_t cp = 0; cp < 0x10000; cp++) {
        uint32_t w = cp;
        if (U_SUCCESS(err)) {
            w = base_character(nfc, upper_character(base_character(nfc, cp)));
        }
        simple_table[0][cp] = simple_table[1][cp] = (uint16_t)w;
    }
    simple_table[0][0xdf] = simple_table[1][0xdf] = 'S'; /* sharp s */
    /* Swedish order: A-ring, A-umlaut and AE, O-umlaut and O-slash behind Z; U-umlaut is Y. */
    static const struct {
        uint16_t cp, weight;
    } swedish[] = {{0xc5, 0x5b}, {0xe5, 0x5b}, {0xc4, 0x5c}, {0xe4, 0x5c}, {0xc6, 0x5c},
                   {0xe6, 0x5c}, {0xd6, 0x5d}, {0xf6, 0x5d}, {0xd8, 0x5d}, {0xf8, 0x5d},
                   {0xdc, 'Y'},  {0xfc, 'Y'},  {0xd0, 'D'},  {0xf0, 'D'},  {0xdf, 0xdf}};
    for (size_t i = 0; i < QL_ARRAY_LEN(swedish); i++) {
        simple_table[1][swedish[i].cp] = swedish[i].weight;
    }
}

const uint16_t *
qli_simple_weights(bool latin1)
{
    (void)pthread_once(&simple_once, build_simple);
    return simple_table[latin1];
}

/* ---- tables of the Unicode collations ---- */

static _Atomic(qli_uca_table *) uca_tables[QLI_MAX_COLLATIONS];

/* All characters but the first of the strings in `from`. */
static void
add_trailing(USet *trailing, const USet *from)
{
    int32_t items = uset_getItemCount(from);
    for (int32_t i = 0; i < items; i++) {
        UChar text[64];
        UChar32 low, high;
        UErrorCode e = U_ZERO_ERROR;
        int32_t n = uset_getItem(from, i, &low, &high, text, QL_ARRAY_LEN(text), &e);
        if (U_FAILURE(e) || n < 2) {
            continue;
        }
        UChar32 c;
        int32_t at = 0;
        U16_NEXT(text, at, n, c);
        if (U_IS_UNICODE_NONCHAR(c)) {
            continue; /* labels of alphabetic indexes, not text */
        }
        while (at < n) {
            U16_NEXT(text, at, n, c);
            uset_add(trailing, c);
        }
    }
}

/* Characters that can stand behind another one and change its elements: all members but the first
 * of each contraction or prefix rule, and all combining marks. Of a language: the root's and what
 * its own rules add, for ICU takes 10 ms and more to list all of them. */
static USet *
trailing_characters(const UCollator *coll, const qli_uca_table *root, UErrorCode *err)
{
    USet *more, *trailing;
    if (root == NULL) {
        more = uset_openEmpty();
        trailing = uset_openPattern(u"[:^ccc=0:]", -1, err);
        ucol_getContractionsAndExpansions(coll, more, NULL, 1, err);
    } else {
        more = ucol_getTailoredSet(coll, err);
        trailing = uset_cloneAsThawed(root->trailing);
    }
    if (U_SUCCESS(*err)) {
        add_trailing(trailing, more);
        uset_freeze(trailing);
    }
    uset_close(more);
    return trailing;
}

static void
build_character(qli_uca_table *t, UCollationElements *el, uint32_t cp)
{
    UChar text[1] = {(UChar)cp};
    UErrorCode err = U_ZERO_ERROR;
    t->joins[cp] = uset_contains(t->trailing, (UChar32)cp) != 0;
    t->n[cp] = QLI_COMPLEX;
    if (t->joins[cp]) {
        return;
    }
    ucol_setText(el, text, 1, &err);
    uint32_t ce[QLI_TABLE_CES + 1];
    unsigned n = 0;
    int32_t e;
    while (n <= QLI_TABLE_CES && (e = ucol_next(el, &err)) != UCOL_NULLORDER) {
        ce[n++] = (uint32_t)e;
    }
    if (U_FAILURE(err) || n > QLI_TABLE_CES) {
        return;
    }
    memcpy(t->ce[cp], ce, n * sizeof ce[0]);
    t->n[cp] = (uint8_t)n;
    if (cp < 128 && n == 1) {
        t->ascii[cp] = ce[0];
    }
}

static void
free_table(qli_uca_table *t)
{
    if (t->trailing != NULL) {
        uset_close(t->trailing);
    }
    if (t->collator != NULL) {
        ucol_close(t->collator);
    }
    ql_mem_free(t);
}

static UCollator *
open_collator(const char *locale, UErrorCode *err)
{
    UChar rules[128];
    if (locale[0] != '&') {
        return ucol_open(locale, err);
    }
    int32_t n = (int32_t)strlen(locale);
    u_charsToUChars(locale, rules, n < (int32_t)QL_ARRAY_LEN(rules) ? n : 0);
    return ucol_openRules(rules, n, UCOL_DEFAULT, UCOL_DEFAULT, NULL, err);
}

/* root: NULL when the table of ICU's root itself is to be made. */
static qli_uca_table *
build_table(const char *locale, const qli_uca_table *root, UErrorCode *err)
{
    qli_uca_table *t = ql_mem_zalloc(sizeof *t);
    if (t == NULL) {
        *err = U_MEMORY_ALLOCATION_ERROR;
        return NULL;
    }
    t->collator = open_collator(locale, err);
    ucol_setAttribute(t->collator, UCOL_NORMALIZATION_MODE, UCOL_ON, err);
    if (U_SUCCESS(*err)) {
        t->trailing = trailing_characters(t->collator, root, err);
    }
    UCollationElements *el = U_SUCCESS(*err) ? ucol_openElements(t->collator, u"", 0, err) : NULL;
    if (U_FAILURE(*err)) {
        free_table(t);
        return NULL;
    }
    for (uint32_t cp = 0; cp < QLI_TABLE_CHARS; cp++) {
        build_character(t, el, cp);
    }
    ucol_closeElements(el);
    return t;
}

size_t
qli_shared_slot(const qli_coll *c)
{
    for (size_t i = 0; i < ql_collation_count(); i++) {
        const qli_coll *other = ql_collation_nth(i)->impl;
        if (other->rule == QLI_RULE_UCA && strcmp(other->locale, c->locale) == 0) {
            return i;
        }
    }
    return c->slot;
}

/* ICU takes 3 to 13 ms for a table. Owner: whoever ql_aside says. */
typedef struct build {
    const char *locale;        /* [const] */
    const qli_uca_table *root; /* [const] */
    qli_uca_table *made;
    UErrorCode err;
} build;

static void
build_run(void *arg)
{
    build *b = arg;
    b->err = U_ZERO_ERROR;
    b->made = build_table(b->locale, b->root, &b->err);
}

static void
build_free(void *arg)
{
    build *b = arg;
    if (b->made != NULL) {
        free_table(b->made);
    }
    ql_mem_free(b);
}

/* In a session aside, where it can be killed. */
static ql_status
make_table(ql_ctx *cx, const qli_coll *c, const qli_uca_table *root, qli_uca_table **out)
{
    build *b = ql_mem_zalloc(sizeof *b);
    if (b == NULL) {
        return ql_fail_oom(cx, sizeof *b);
    }
    *b = (build){.locale = c->locale, .root = root};
    if (cx->proc != NULL) {
        QL_TRY(ql_aside(cx, build_run, build_free, b));
    } else {
        build_run(b);
    }
    *out = b->made;
    b->made = NULL;
    UErrorCode err = b->err;
    build_free(b);
    return *out != NULL ? QL_OK
                        : ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                                       "Collation data cannot be loaded: %s", u_errorName(err));
}

/* Of another collation of the same locale, or made now. */
static ql_status
load_table(ql_ctx *cx, const qli_coll *c, const qli_uca_table **out)
{
    size_t shared = qli_shared_slot(c);
    const qli_uca_table *root = NULL;
    qli_uca_table *t = atomic_load_explicit(&uca_tables[shared], memory_order_acquire);
    if (t == NULL) {
        qli_uca_table *expected = NULL;
        if (c->locale[0] != '\0') {
            QL_TRY(qli_uca_weights(cx, ql_coll_default->impl, &root));
        }
        QL_TRY(make_table(cx, c, root, &t));
        if (!atomic_compare_exchange_strong(&uca_tables[shared], &expected, t)) {
            free_table(t); /* another thread was faster */
            t = expected;
        }
    }
    atomic_store_explicit(&uca_tables[c->slot], t, memory_order_release);
    *out = t;
    return QL_OK;
}

ql_status
qli_uca_weights(ql_ctx *cx, const qli_coll *c, const qli_uca_table **out)
{
    *out = atomic_load_explicit(&uca_tables[c->slot], memory_order_acquire);
    return QL_LIKELY(*out != NULL) ? QL_OK : load_table(cx, c, out);
}

void
ql_collations_warm(ql_ctx *cx)
{
    const qli_uca_table *t;
    (void)qli_simple_weights(false);
    const qli_joints *j;
    if (qli_uca_weights(cx, ql_coll_default->impl, &t) != QL_OK ||
        qli_uca_joints(cx, ql_coll_default->impl, &j) != QL_OK) {
        return; /* who needs it will be told */
    }
}

static void *U_CALLCONV
icu_alloc(const void *context, size_t size)
{
    (void)context;
    return ql_mem_alloc(size);
}

static void *U_CALLCONV
icu_realloc(const void *context, void *p, size_t size)
{
    (void)context;
    return ql_mem_realloc(p, size);
}

static void U_CALLCONV
icu_free(const void *context, void *p)
{
    (void)context;
    ql_mem_free(p);
}

void
ql_icu_use_memory(void)
{
    UErrorCode err = U_ZERO_ERROR;
    u_setMemoryFunctions(NULL, icu_alloc, icu_realloc, icu_free, &err);
}

/* ---- reader ---- */

#define RUN_BYTES 96 /* a complex run is cut behind so many bytes where the text allows it, */
#define RUN_MAX 192  /* and anywhere behind so many */

void
qli_reader_init(qli_reader *r, const qli_uca_table *t, ql_str s)
{
    r->table = t;
    r->s = s;
    r->pos = 0;
    r->elements = NULL;
    r->n = r->at = 0;
    r->most = 256;
}

void
qli_reader_fini(qli_reader *r)
{
    if (r->elements != NULL) {
        ucol_closeElements(r->elements);
        r->elements = NULL;
    }
}

/* The character at `at` joins with the one before it. */
static inline bool
joins_at(const qli_reader *r, size_t at)
{
    uint32_t cp;
    if (at >= r->s.n) {
        return false;
    }
    if ((unsigned char)r->s.p[at] < 0x80) {
        return r->table->joins[(unsigned char)r->s.p[at]];
    }
    if (ql_utf8_decode(r->s.p + at, r->s.n - at, &cp) == 0) {
        return false;
    }
    return cp < QLI_TABLE_CHARS ? r->table->joins[cp]
                                : uset_contains(r->table->trailing, (UChar32)cp);
}

/* A character of the table that nothing joins. *used = its bytes. */
static inline bool
simple_at(const qli_reader *r, size_t at, uint32_t *cp, size_t *used)
{
    unsigned char c = (unsigned char)r->s.p[at];
    if (c < 0x80) {
        *cp = c;
        *used = 1;
    } else {
        int n = c < 0xe0 ? ql_utf8_decode(r->s.p + at, r->s.n - at, cp) : 0;
        if (n == 0) {
            return false;
        }
        *used = (size_t)n;
    }
    return r->table->n[*cp] != QLI_COMPLEX && !joins_at(r, at + *used);
}

/* Where the complex run that starts at pos ends, and its UTF-16 form. Malformed bytes become
 * U+FFFD, each. */
static size_t
gather_run(const qli_reader *r, UChar *text, int32_t *units)
{
    size_t at = r->pos, used;
    int32_t n = 0;
    while (at < r->s.n) {
        uint32_t cp;
        if (at > r->pos) {
            unsigned char c = (unsigned char)r->s.p[at];
            if (c < 0x80 ? r->table->n[c] != QLI_COMPLEX : simple_at(r, at, &cp, &used)) {
                break;
            }
            if (at - r->pos >= RUN_MAX || (at - r->pos >= RUN_BYTES && !joins_at(r, at))) {
                break;
            }
        }
        int len = ql_utf8_decode(r->s.p + at, r->s.n - at, &cp);
        if (len == 0) {
            cp = 0xfffd;
            len = 1;
        }
        U16_APPEND_UNSAFE(text, n, cp);
        at += (size_t)len;
    }
    *units = n;
    return at;
}

static ql_status
read_complex(ql_ctx *cx, qli_reader *r)
{
    UChar text[RUN_MAX + 8];
    int32_t units;
    UErrorCode err = U_ZERO_ERROR;
    r->pos = gather_run(r, text, &units);
    if (r->elements == NULL) {
        r->elements = ucol_openElements(r->table->collator, text, units, &err);
    } else {
        ucol_setText(r->elements, text, units, &err);
    }
    if (U_FAILURE(err)) {
        return ql_fail_oom(cx, 0);
    }
    int32_t e;
    while (r->n < QLI_RUN_CES && (e = ucol_next(r->elements, &err)) != UCOL_NULLORDER) {
        r->ce[r->n++] = (uint32_t)e;
    }
    return U_FAILURE(err) ? ql_fail_oom(cx, 0) : QL_OK;
}

/* ASCII characters of one element each, up to one that the next might join. */
static inline void
read_ascii(qli_reader *r)
{
    const qli_uca_table *t = r->table;
    const unsigned char *p = (const unsigned char *)r->s.p;
    size_t i = r->pos, n = r->n, most = r->most;
    while (i + 1 < r->s.n && n < most && p[i] < 0x80 && t->ascii[p[i]] != 0 && p[i + 1] < 0x80 &&
           !t->joins[p[i + 1]]) {
        r->ce[n++] = t->ascii[p[i++]];
    }
    r->pos = i;
    r->n = n;
}

ql_status
qli_reader_refill(ql_ctx *cx, qli_reader *r)
{
    const qli_uca_table *t = r->table;
    r->n = r->at = 0;
    if (r->pos >= r->s.n) {
        return QL_END;
    }
    QL_TRY(ql_check(cx));
    while (r->pos < r->s.n && r->n + QLI_TABLE_CES <= r->most) {
        uint32_t cp;
        size_t used;
        if (!simple_at(r, r->pos, &cp, &used)) {
            return r->n > 0 ? QL_OK : read_complex(cx, r);
        }
        for (unsigned i = 0; i < t->n[cp]; i++) {
            r->ce[r->n++] = t->ce[cp][i];
        }
        r->pos += used;
        read_ascii(r);
    }
    return QL_OK;
}
