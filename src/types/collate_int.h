/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights of collations: tables made once in the life of the process and read by all threads, and
 * the reader that turns a text into a stream of collation elements. Users: collation.c, collate.c,
 * weights.c.
 */
#ifndef QL_TYPES_COLLATE_INT_H
#define QL_TYPES_COLLATE_INT_H

#include <stdatomic.h>

#include "types/collate.h"

typedef enum qli_rule {
    QLI_RULE_BYTES,
    QLI_RULE_SIMPLE, /* one weight a character, of tables made from Unicode's properties; */
    QLI_RULE_LATIN1,
    QLI_RULE_ORDER, /* of tables of the character set (orders.c) */
    QLI_RULE_CODES,
    QLI_RULE_CODES_CI,
    QLI_RULE_UCA,
} qli_rule;

/* A collation element: primary weight (16 bits), secondary (8), tertiary (8). Made of ICU's
 * elements; a long primary is two elements of which the second continues the first. */
#define QLI_TABLE_CHARS 0x800 /* code points of one and two UTF-8 bytes */
#define QLI_TABLE_CES 3
#define QLI_COMPLEX 0xff
#define QLI_MAX_COLLATIONS 512
typedef struct qli_uca_table {
    void *collator; /* UCollator, used read-only */
    void *trailing; /* USet: characters that may join with the one before (marks, contractions) */
    uint32_t ce[QLI_TABLE_CHARS][QLI_TABLE_CES];
    uint8_t n[QLI_TABLE_CHARS];  /* elements of the character; QLI_COMPLEX: ask the collator */
    bool joins[QLI_TABLE_CHARS]; /* in `trailing` */
    /* The ASCII characters of exactly one element, for comparing without a reader; 0 = others. */
    uint32_t ascii[128];
} qli_uca_table;

/* What ql_collation.impl points to: constant but for the table, which is published once. */
typedef struct qli_coll {
    qli_rule rule;
    int strength;       /* 1 primary .. 3 tertiary, 4: and the kind of kana */
    const char *locale; /* ICU locale, "" = root; or rules, which begin with '&' */
    size_t slot;        /* place of the table among the lazily built ones */
} qli_coll;

/* Weight of each character of the Basic Multilingual Plane under a rule of one weight a character;
 * the caller gives others 0xFFFD, as in MySQL. Made at the first use. Waits: aside. */
ql_status qli_weights(ql_ctx *cx, const ql_collation *c, const uint16_t **out) QL_MUST_USE;
const uint16_t *qli_simple_weights(bool latin1);
/* orders.c: of rules ORDER, CODES, CODES_CI. */
ql_status qli_order_weights(ql_ctx *cx, const ql_collation *c, const uint16_t **out) QL_MUST_USE;
/* The table of a UCA collation, made at its first use. QL_ERROR: out of memory, no ICU data. */
ql_status qli_uca_weights(ql_ctx *cx, const qli_coll *c, const qli_uca_table **out) QL_MUST_USE;

/* First slot of the same locale: collations that differ only in strength share a table. */
size_t qli_shared_slot(const qli_coll *c);

/* Reads the elements of one text, a run at a time. A run handed to ICU begins at the start of the
 * text or behind a character that cannot join, and never continues over a simple ASCII character,
 * so that reading may begin anew at any simple ASCII character and give the same elements. */
#define QLI_RUN_CES 2048
typedef struct qli_reader {
    const qli_uca_table *table;
    ql_str s;
    size_t pos;
    void *elements; /* UCollationElements, made at the first complex run */
    size_t n, at;   /* elements in ce, next one */
    size_t most;    /* elements that one refill stops at, 16 to 256; a complex run goes on */
    uint32_t ce[QLI_RUN_CES];
} qli_reader;

void qli_reader_init(qli_reader *r, const qli_uca_table *t, ql_str s);
void qli_reader_fini(qli_reader *r);
/* More elements into r->ce; QL_END at the end; QL_KILLED. */
ql_status qli_reader_refill(ql_ctx *cx, qli_reader *r) QL_MUST_USE;
/* Next element whose weight at the level (mask: QLI_PRIMARY...) is not zero, shifted down to it. */
#define QLI_PRIMARY 0xffff0000u
#define QLI_CONTINUES 0x000000c0u /* all of it: the second half of a long primary */
#define QLI_SECONDARY 0x0000ff00u
#define QLI_TERTIARY 0x0000003fu /* the two case bits do not count */
static inline QL_MUST_USE ql_status
qli_reader_next(ql_ctx *cx, qli_reader *r, uint32_t level, uint32_t *weight)
{
    for (;;) {
        while (r->at < r->n) {
            uint32_t w = r->ce[r->at++] & level;
            if (w != 0) {
                *weight = w;
                return QL_OK;
            }
        }
        QL_TRY(qli_reader_refill(cx, r));
    }
}

#endif
