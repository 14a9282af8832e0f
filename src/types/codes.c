/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of the character sets that have one, made from ICU's converters and codes.def at the first
 * use of the set: constant data of the process, published by compare-and-swap and never freed.
 */
#include "types/codes.h"

#include <stdatomic.h>
#include <string.h>
#include <uchar.h>
#include <unicode/ucnv.h>
#include <unicode/ucnv_err.h>
#include <unicode/utf16.h>

#include "base/diag.h"
#include "base/mem.h"
#include "intr/aside.h"
#include "types/charset_int.h"

static const char *const converters[] = {
#define QL_CHARSET(symbol, name, description, most, least, coll, form, icu) icu,
#include "types/charsets.def"
};

static _Atomic(qli_codes *) tables[QL_ARRAY_LEN(converters)];

/* What MySQL has otherwise. */
typedef struct run {
    uint8_t set;
    uint32_t first;
    uint16_t n;
    uint16_t character;         /* of the first; QLI_NOTHING: none of them is one */
    const char16_t *characters; /* or one for each */
} run;
static const run runs[] = {
#define QL_CODES(set, first, text) {QLI_CS_##set, first, sizeof(text) / 2 - 1, 0, text},
#define QL_SPAN(set, first, n, character) {QLI_CS_##set, first, n, character, NULL},
#define QL_NONE(set, first, last) {QLI_CS_##set, first, last - first + 1, QLI_NOTHING, NULL},
#include "types/codes.def"
};

static const uint32_t no_codes[256] = {[0 ... 255] = QLI_NO_CODE};

static void
free_codes(qli_codes *t)
{
    for (int i = 0; i < 256; i++) {
        if (t->pages[i] != NULL && t->pages[i] != no_codes) {
            ql_mem_free((void *)(uintptr_t)t->pages[i]);
        }
    }
    ql_mem_free(t->two);
    ql_mem_free(t->more);
    ql_mem_free(t);
}

/* ---- what the bytes are ---- */

/* The one character of the Basic Multilingual Plane that the bytes are, or 0. *shortened: they are
 * the beginning of something. */
static uint16_t
icu_reads(UConverter *c, const char *bytes, int n, bool *shortened)
{
    UChar out[8], *end = out;
    const char *from = bytes;
    UErrorCode err = U_ZERO_ERROR;
    ucnv_resetToUnicode(c);
    ucnv_toUnicode(c, &end, out + QL_ARRAY_LEN(out), &from, bytes + n, NULL, 1, &err);
    *shortened = err == U_TRUNCATED_CHAR_FOUND;
    bool one = U_SUCCESS(err) && end == out + 1 && from == bytes + n && !U16_IS_SURROGATE(out[0]);
    return one && out[0] < 0xfffd ? out[0] : 0;
}

static void
read_two(qli_codes *t, UConverter *c, int lead)
{
    bool shortened;
    for (int b = 0x30; b < 0x100; b++) {
        char bytes[2] = {(char)lead, (char)b};
        uint16_t u = icu_reads(c, bytes, 2, &shortened);
        if (u != 0) {
            t->two[lead << 8 | b] = u;
        }
    }
}

static void
read_euc_three(qli_codes *t, UConverter *c)
{
    bool shortened;
    for (int a = 0xa1; a < 0xff; a++) {
        for (int b = 0xa1; b < 0xff; b++) {
            char bytes[3] = {(char)0x8f, (char)a, (char)b};
            t->more[a << 8 | b] = icu_reads(c, bytes, 3, &shortened);
        }
    }
}

static void
read_gb_four(qli_codes *t, UConverter *c)
{
    bool shortened;
    for (uint32_t rank = 0; rank < 39420; rank++) {
        char bytes[4];
        (void)qli_code_put(qli_gb_code(rank), bytes);
        t->more[rank] = icu_reads(c, bytes, 4, &shortened);
    }
}

static bool
read_all(qli_codes *t, UConverter *c, const ql_charset *cs)
{
    if (cs->max_bytes > 1) {
        t->two = ql_mem_zalloc(0x10000 * sizeof *t->two);
        t->more = cs->max_bytes > 2 ? ql_mem_zalloc(0x10000 * sizeof *t->more) : NULL;
        if (t->two == NULL || (cs->max_bytes > 2 && t->more == NULL)) {
            return false;
        }
    }
    t->four = cs->max_bytes == 4;
    for (int b = 0; b < 256; b++) {
        char byte = (char)b;
        bool longer;
        uint16_t u = icu_reads(c, &byte, 1, &longer);
        if (b < 0x80 && ql_charset_extends_ascii(cs)) {
            u = (uint16_t)b; /* IBM's converters exchange some control characters */
        }
        t->one[b] = u != 0 || b == 0 ? u : longer && t->two != NULL ? QLI_LONGER : QLI_NOTHING;
        if (t->one[b] == QLI_LONGER) {
            read_two(t, c, b);
        }
    }
    if (t->more != NULL && !t->four) {
        read_euc_three(t, c);
    } else if (t->more != NULL) {
        read_gb_four(t, c);
    }
    return true;
}

/* Where the character of a code stands in the table; NULL: codes of that length are not kept. */
static uint16_t *
place_of(qli_codes *t, uint32_t code)
{
    if (code < 0x100) {
        return &t->one[code];
    }
    if (code < 0x10000) {
        return t->two != NULL ? &t->two[code] : NULL;
    }
    return t->more != NULL && !t->four ? &t->more[code & 0xffff] : NULL;
}

static uint16_t
run_at(const run *r, uint16_t k)
{
    return r->characters != NULL         ? (uint16_t)r->characters[k]
           : r->character == QLI_NOTHING ? QLI_NOTHING
                                         : (uint16_t)(r->character + k);
}

static void
read_runs(qli_codes *t, size_t set)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(runs); i++) {
        const run *r = &runs[i];
        for (uint16_t k = 0; r->set == set && k < r->n; k++) {
            uint32_t code = r->first + k;
            uint16_t *place = place_of(t, code), u = run_at(r, k);
            if (place != NULL && (u != QLI_NOTHING || *place != QLI_LONGER)) {
                *place = u != QLI_NOTHING || code < 0x100 ? u : 0;
            }
            if (code >= 0x100 && u != QLI_NOTHING) {
                t->one[code >> (code < 0x10000 ? 8 : 16)] = QLI_LONGER;
            }
        }
    }
}

/* ---- what characters become ---- */

static uint32_t *
page_of(qli_codes *t, uint32_t cp)
{
    const uint32_t **page = &t->pages[cp >> 8];
    if (*page == NULL || *page == no_codes) {
        uint32_t *made = ql_mem_alloc(sizeof no_codes);
        if (made == NULL) {
            return NULL;
        }
        memcpy(made, no_codes, sizeof no_codes);
        *page = made;
    }
    return (uint32_t *)(uintptr_t)*page;
}

/* The character becomes the code, if nothing was said of it before: what ICU writes comes first.
 * false: out of memory. */
static bool
write_as(qli_codes *t, uint32_t cp, uint32_t code)
{
    uint32_t *page = page_of(t, cp);
    if (page == NULL) {
        return false;
    }
    if (page[cp & 0xff] == QLI_NO_CODE) {
        page[cp & 0xff] = code;
    }
    return true;
}

static bool
write_icu(qli_codes *t, UConverter *c)
{
    for (uint32_t cp = 0; cp < 0xfffd; cp++) {
        char bytes[8], *end = bytes;
        UChar u = (UChar)cp;
        const UChar *from = &u;
        UErrorCode err = U_ZERO_ERROR;
        if (U16_IS_SURROGATE(u)) {
            continue;
        }
        ucnv_resetFromUnicode(c);
        ucnv_fromUnicode(c, &end, bytes + sizeof bytes, &from, &u + 1, NULL, 1, &err);
        size_t n = (size_t)(end - bytes);
        uint32_t code = 0, back = 0;
        if (U_FAILURE(err) || n == 0 || n > 4) {
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            code = code << 8 | (unsigned char)bytes[i];
        }
        if (qli_code_read(t, (unsigned char *)bytes, n, &back) == (int)n && back == cp &&
            !write_as(t, cp, code)) {
            return false;
        }
    }
    return true;
}

/* Codes that ICU would not write: the first one of a character. */
static bool
write_rest(qli_codes *t)
{
    bool good = true;
    for (uint32_t b = 0; good && b < 256; b++) {
        good = t->one[b] >= QLI_LONGER || write_as(t, t->one[b], b);
    }
    for (uint32_t k = 0x8000; good && t->two != NULL && k < 0x10000; k++) {
        t->trail[k & 0xff] |= t->two[k] != 0;
        good = t->two[k] == 0 || write_as(t, t->two[k], k);
    }
    for (uint32_t k = 0; good && t->more != NULL && k < 0x10000; k++) {
        uint32_t code = t->four ? qli_gb_code(k) : 0x8f0000 | k;
        good = t->more[k] == 0 || write_as(t, t->more[k], code);
    }
    return good;
}

static bool
write_all(qli_codes *t, UConverter *c)
{
    bool good = true;
    for (uint32_t b = 0; good && b < 0x80; b++) {
        good = t->one[b] != b || write_as(t, b, b);
    }
    good = good && write_icu(t, c) && write_rest(t);
    for (int i = 0; i < 256; i++) {
        t->pages[i] = t->pages[i] != NULL ? t->pages[i] : no_codes;
    }
    return good;
}

/* ---- the first use ---- */

static qli_codes *
build(const ql_charset *cs, UErrorCode *err)
{
    size_t set = qli_charset_index(cs);
    qli_codes *t = ql_mem_zalloc(sizeof *t);
    UConverter *c = t != NULL ? ucnv_open(converters[set], err) : NULL;
    if (c == NULL) {
        *err = t == NULL ? U_MEMORY_ALLOCATION_ERROR : *err;
        ql_mem_free(t);
        return NULL;
    }
    ucnv_setToUCallBack(c, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, err);
    ucnv_setFromUCallBack(c, UCNV_FROM_U_CALLBACK_STOP, NULL, NULL, NULL, err);
    bool good = U_SUCCESS(*err) && read_all(t, c, cs);
    if (good) {
        read_runs(t, set);
        good = write_all(t, c);
    }
    ucnv_close(c);
    if (!good) {
        *err = U_FAILURE(*err) ? *err : U_MEMORY_ALLOCATION_ERROR;
        free_codes(t);
        return NULL;
    }
    return t;
}

/* Owner: whoever ql_aside says. */
typedef struct work {
    const ql_charset *cs; /* [const] */
    qli_codes *made;
    UErrorCode err;
} work;

static void
work_run(void *arg)
{
    work *w = arg;
    w->err = U_ZERO_ERROR;
    w->made = build(w->cs, &w->err);
}

static void
work_free(void *arg)
{
    work *w = arg;
    if (w->made != NULL) {
        free_codes(w->made);
    }
    ql_mem_free(w);
}

/* In a session aside, where it can be killed. */
static ql_status
make(ql_ctx *cx, const ql_charset *cs, qli_codes **out)
{
    work *w = ql_mem_zalloc(sizeof *w);
    if (w == NULL) {
        return ql_fail_oom(cx, sizeof *w);
    }
    w->cs = cs;
    if (cx->proc != NULL) {
        QL_TRY(ql_aside(cx, work_run, work_free, w));
    } else {
        work_run(w);
    }
    *out = w->made;
    w->made = NULL;
    UErrorCode err = w->err;
    work_free(w);
    return *out != NULL
               ? QL_OK
               : ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Character set '%s' cannot be loaded: %s",
                              cs->name, u_errorName(err));
}

ql_status
qli_codes_of(ql_ctx *cx, const ql_charset *cs, const qli_codes **out)
{
    _Atomic(qli_codes *) *slot = &tables[qli_charset_index(cs)];
    qli_codes *t = atomic_load_explicit(slot, memory_order_acquire);
    if (QL_UNLIKELY(t == NULL)) {
        qli_codes *expected = NULL;
        QL_TRY(make(cx, cs, &t));
        if (!atomic_compare_exchange_strong(slot, &expected, t)) {
            free_codes(t); /* another thread was faster */
            t = expected;
        }
    }
    *out = t;
    return QL_OK;
}
