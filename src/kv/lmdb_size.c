/* SPDX-License-Identifier: Apache-2.0
 *
 * Is the data file as long as its newest state needs? A page behind its end would be a bus error at
 * the moment somebody reads it. LMDB writes no page that was free again before its transaction
 * ended, so a whole file may end early: then all that is missing stands in the list of free pages.
 * Single- threaded, at open.
 */
#include <stdio.h>

#include "kv/lmdb_int.h"
#include "kv/lmdb_pages.h"

typedef struct missing {
    uint64_t from, n; /* page numbers behind the end of the file that are free */
    bool damaged;
} missing;

/* A record of the free list: how many, then page numbers. */
static ql_status
count_free(void *arg, ql_str key, ql_str value)
{
    missing *m = arg;
    uint64_t n, page;
    (void)key;
    if (value.n < 8) {
        m->damaged = true;
        return QL_OK;
    }
    memcpy(&n, value.p, 8);
    for (size_t i = 0; i < n && 16 + 8 * i <= value.n; i++) {
        memcpy(&page, value.p + 8 + 8 * i, 8);
        m->n += page >= m->from;
    }
    return QL_OK;
}

static ql_status
note_damage(void *arg, uint64_t page, const char *what, ql_str near)
{
    (void)page;
    (void)what;
    (void)near;
    ((missing *)arg)->damaged = true;
    return QL_OK;
}

ql_status
qli_lmdb_check_size(ql_ctx *cx, qli_lmdb *l)
{
    qli_pages p;
    missing m = {0};
    ql_status st = qli_pages_open(cx, &p, l->path);
    if (st == QL_OK && p.last >= p.there) {
        m.from = p.there;
        p.arg = &m;
        p.entry = count_free;
        p.found = note_damage;
        st = qli_pages_walk(&p, QLI_TREE_FREE);
        if (st == QL_OK && (m.damaged || m.n != p.last + 1 - p.there)) {
            st = ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                              "'%s' is cut short: it has %llu bytes, its newest state needs %llu. "
                              "Nothing was changed: restore it",
                              l->path, (unsigned long long)(p.there * p.page_bytes),
                              (unsigned long long)((p.last + 1) * p.page_bytes));
        }
    }
    qli_pages_close(&p);
    return st;
}
