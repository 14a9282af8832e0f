/* SPDX-License-Identifier: Apache-2.0
 *
 * Characters as codes of a character set, one at a time. Private to types/. Users: charset.c,
 * collate.c.
 */
#ifndef QL_TYPES_CODES_H
#define QL_TYPES_CODES_H

#include "types/charset.h"

typedef enum qli_form {
    QLI_FORM_BINARY,
    QLI_FORM_UTF8, /* utf8mb3: up to three bytes */
    QLI_FORM_ASCII,
    QLI_FORM_UCS2,
    QLI_FORM_UTF16,
    QLI_FORM_UTF16LE,
    QLI_FORM_UTF32,
    QLI_FORM_CODES, /* by a table */
} qli_form;

#define QLI_NOTHING 0xffffu /* in tables of characters: no character, */
#define QLI_LONGER 0xfffeu  /* first byte of a longer code */
#define QLI_NO_CODE UINT32_MAX

/* The table of a set in form CODES; constant once it is published. A code is the number that its
 * bytes are, the first one highest. */
typedef struct qli_codes {
    uint16_t one[256];
    uint16_t *two;   /* [65536] codes of two bytes; NULL = none */
    uint16_t *more;  /* [65536] the two bytes behind 8F (EUC-JP), or the four-byte codes of GB18030
                        by their rank; NULL = none */
    bool four;       /* codes of four bytes */
    bool trail[256]; /* second byte of some code */
    const uint32_t *pages[256]; /* codes of the characters of the Basic Multilingual Plane */
} qli_codes;

/* The table of cs, made at the first call; form CODES only. QL_ERROR: out of memory, no ICU data.
 * Waits: aside. */
ql_status qli_codes_of(ql_ctx *cx, const ql_charset *cs, const qli_codes **out) QL_MUST_USE;

/* First rank of the four-byte codes of GB18030 for characters beyond U+FFFF (GB 18030-2000). */
#define QLI_GB_FIRST_RANK 189000u
static inline bool
qli_gb_rank(const unsigned char *p, uint32_t *rank)
{
    if (p[1] < 0x30 || p[1] > 0x39 || p[2] < 0x81 || p[2] > 0xfe || p[3] < 0x30 || p[3] > 0x39) {
        return false;
    }
    *rank = (((p[0] - 0x81u) * 10 + (p[1] - 0x30u)) * 126 + (p[2] - 0x81u)) * 10 + (p[3] - 0x30u);
    return true;
}
static inline uint32_t
qli_gb_code(uint32_t rank)
{
    uint32_t d = rank % 10, c = rank / 10 % 126, b = rank / 1260 % 10, a = rank / 12600;
    return (a + 0x81) << 24 | (b + 0x30) << 16 | (c + 0x81) << 8 | (d + 0x30);
}

/* Code of the character, QLI_NO_CODE: it has none. */
static inline uint32_t
qli_code(const qli_codes *t, uint32_t cp)
{
    if (cp < 0x10000) {
        return t->pages[cp >> 8][cp & 0xff];
    }
    return t->four ? qli_gb_code(cp - 0x10000 + QLI_GB_FIRST_RANK) : QLI_NO_CODE;
}

/* Character of the code at p (n > 0); bytes used, or minus the bytes of what is none. */
static inline int
qli_code_read(const qli_codes *t, const unsigned char *p, size_t n, uint32_t *cp)
{
    uint16_t u = t->one[p[0]];
    if (u < QLI_LONGER) {
        *cp = u;
        return 1;
    }
    if (u == QLI_NOTHING || n < 2) {
        return -1;
    }
    if (t->more != NULL && !t->four && p[0] == 0x8f) {
        u = n > 2 ? t->more[p[1] << 8 | p[2]] : 0;
        *cp = u;
        return u != 0 ? 3 : -1;
    }
    uint32_t rank;
    if (t->four && n > 3 && qli_gb_rank(p, &rank)) {
        if (rank >= QLI_GB_FIRST_RANK && rank < QLI_GB_FIRST_RANK + 0x100000) {
            *cp = rank - QLI_GB_FIRST_RANK + 0x10000;
            return 4;
        }
        u = rank < 0x10000 ? t->more[rank] : 0;
        *cp = u;
        return u != 0 ? 4 : -4;
    }
    u = t->two != NULL ? t->two[p[0] << 8 | p[1]] : 0;
    *cp = u;
    return u != 0 ? 2 : t->trail[p[1]] ? -2 : -1;
}

/* The bytes of a code: one to four of them. */
static inline size_t
qli_code_put(uint32_t code, char *out)
{
    size_t n = 0;
    for (int shift = code < 0x100       ? 0
                     : code < 0x10000   ? 8
                     : code < 0x1000000 ? 16
                                        : 24;
         shift >= 0; shift -= 8) {
        out[n++] = (char)(code >> shift);
    }
    return n;
}

#endif
