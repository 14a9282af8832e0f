/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks at pages of the mapped data file: a cursor that comes to a page has it looked through
 * before it believes what LMDB read from it. A page that was whole is believed by everybody for
 * some seconds, so that what is read again and again is not checked again and again. Inside kv/.
 */
#ifndef QL_KV_LMDB_LOOK_H
#define QL_KV_LMDB_LOOK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kv/fault.h"

/* Owner: the environment. All zero: no looks. */
typedef struct qli_looks {
    qli_mapping map;       /* [const] of the data file */
    uint32_t page_bytes;   /* [const] */
    bool sums;             /* [const] values carry checksums */
    _Atomic uint8_t *when; /* [atomic] a byte a page: when it was whole; NULL: looks are not made */
    int64_t (*seconds)(void); /* [const] the clock */
} qli_looks;

#define QLI_BELIEVED_S 10 /* a page that was whole is believed so long, at most */

typedef enum qli_look {
    QLI_LOOK_WHOLE,
    QLI_LOOK_BAD_VALUE, /* entries in their places, but not every value matches its checksum */
    QLI_LOOK_BAD_PAGE,  /* bounds, kind, number or order of keys cannot be */
} qli_look;

/* Without memory for the bytes, or not knowing the mapping, looks are not made (when = NULL). */
void qli_looks_init(qli_looks *w, qli_mapping map, uint32_t page_bytes, bool sums);
void qli_looks_fini(qli_looks *w);

/* Address of the page that p, in the mapping, lies in. */
static inline uintptr_t
qli_page_of(const qli_looks *w, const void *p)
{
    return (uintptr_t)p & ~(uintptr_t)(w->page_bytes - 1);
}

static inline uint64_t
qli_page_number(const qli_looks *w, uintptr_t page)
{
    return (page - w->map.from) / w->page_bytes;
}

/* The page of entries at address page; outside of the mapping (a page the writer has in memory):
 * whole. Does not wait; at most some microseconds. */
qli_look qli_look_at_leaf(const qli_looks *w, uintptr_t page);
/* The pages of its own that key's value of n bytes stands on, the first at address page. WHOLE: it
 * was compared with this key a moment ago (another passes for it once in 255 times, for values of
 * four pages and more never); BAD_VALUE: not known, the caller compares it, and says so if it
 * matches. */
qli_look qli_look_at_big(const qli_looks *w, uintptr_t page, ql_str key, size_t n);
void qli_look_compared(const qli_looks *w, uintptr_t page, ql_str key, size_t n);

#endif
