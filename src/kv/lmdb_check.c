/* SPDX-License-Identifier: Apache-2.0
 *
 * The data file looked through without opening it: both trees page by page (lmdb_pages.c), each
 * page used or free but not both, and the checksum of every value whose whole key stands with it;
 * values behind long keys are verified by whoever reads them. Single-threaded; changes nothing.
 */
#include <stdio.h>

#include "kv/lmdb_int.h"
#include "kv/lmdb_pages.h"

#define TOLD 20u /* bad checksums that are named */

typedef struct bad_value {
    char key[QLI_PLAIN_MAX];
    size_t n;
} bad_value;

typedef struct look {
    ql_kv_report report;
    void *arg;
    uint64_t findings;
    uint64_t bad; /* values that do not match; only told where values carry checksums */
    bad_value first[TOLD];
    bool has_sums; /* the identity says so; it is met at the end of the tree */
    bool has_identity;
    qli_pages p;
} look;

static ql_status
found(void *arg, uint64_t page, const char *what, ql_str near)
{
    look *l = arg;
    char text[300];
    l->findings++;
    (void)snprintf(text, sizeof text, "page %llu: %s", (unsigned long long)page, what);
    return l->report(l->arg, text, near);
}

static bool
is_text(ql_str v, const char *text)
{
    return v.n == strlen(text) && memcmp(v.p, text, v.n) == 0;
}

static ql_status
take_entry(void *arg, ql_str key, ql_str value)
{
    look *l = arg;
    MDB_val v = {.mv_size = value.n, .mv_data = (void *)(uintptr_t)value.p};
    if (key.n != 0 && (unsigned char)key.p[0] == QLI_KV_INTERNAL) {
        if (key.n == 2 && key.p[1] == 'i') {
            l->has_identity = true;
            l->has_sums = is_text(value, "quell kv 3");
        }
        return QL_OK;
    }
    if (key.n > QLI_PLAIN_MAX || qli_value_is_whole(key, &v)) {
        return QL_OK;
    }
    if (l->bad < TOLD) {
        bad_value *b = &l->first[l->bad];
        memcpy(b->key, key.p, key.n);
        b->n = key.n;
    }
    l->bad++;
    return QL_OK;
}

/* Page numbers of a record of the free list: used by nobody else. */
static ql_status
take_free(void *arg, ql_str key, ql_str value)
{
    look *l = arg;
    uint64_t n, page;
    (void)key;
    if (value.n < 8) {
        return found(arg, 0, "a record of the free list that is too short", (ql_str){"", 0});
    }
    memcpy(&n, value.p, 8);
    for (size_t i = 0; i < n; i++) {
        if (16 + 8 * i > value.n) {
            return found(arg, 0, "a record of the free list that is too short", (ql_str){"", 0});
        }
        memcpy(&page, value.p + 8 + 8 * i, 8);
        if (page < 2 || page > l->p.last) {
            QL_TRY(found(arg, page, "a free page that does not exist", (ql_str){"", 0}));
        } else if ((l->p.seen[page / 8] & (1u << page % 8)) != 0) {
            QL_TRY(found(arg, page, "a page that is free and used", (ql_str){"", 0}));
        } else {
            l->p.seen[page / 8] |= (unsigned char)(1u << page % 8);
        }
    }
    return QL_OK;
}

static ql_status
tell_bad_values(look *l)
{
    char text[128];
    if (!l->has_identity) {
        l->findings++;
        QL_TRY(
            l->report(l->arg, "the record that identifies the file is missing", (ql_str){"", 0}));
    }
    if (!l->has_sums) {
        return QL_OK;
    }
    for (uint64_t i = 0; i < l->bad && i < TOLD; i++) {
        QL_TRY(l->report(l->arg, "a value that does not match its checksum",
                         (ql_str){l->first[i].key, l->first[i].n}));
    }
    l->findings += l->bad;
    if (l->bad > TOLD) {
        (void)snprintf(text, sizeof text, "%llu more values that do not match their checksums",
                       (unsigned long long)(l->bad - TOLD));
        return l->report(l->arg, text, (ql_str){"", 0});
    }
    return QL_OK;
}

static ql_status
look_through(ql_ctx *cx, look *l)
{
    qli_pages *p = &l->p;
    p->found = found;
    p->arg = l;
    if (p->last / 8 > ((uint64_t)1 << 40)) {
        return found(l, p->last, "a head that names too many pages", (ql_str){"", 0});
    }
    p->seen = ql_mem_zalloc((size_t)(p->last / 8 + 1));
    if (p->seen == NULL) {
        return ql_fail_oom(cx, (size_t)(p->last / 8 + 1));
    }
    p->entry = take_entry;
    QL_TRY(qli_pages_walk(p, QLI_TREE_MAIN));
    QL_TRY(tell_bad_values(l));
    p->entry = take_free;
    return qli_pages_walk(p, QLI_TREE_FREE);
}

ql_status
ql_kv_check_file(ql_ctx *cx, const char *dir, ql_kv_report report, void *arg, uint64_t *findings)
{
    char path[4096];
    look *l = ql_mem_zalloc(sizeof *l);
    if (l == NULL) {
        return ql_fail_oom(cx, sizeof *l);
    }
    l->report = report;
    l->arg = arg;
    (void)snprintf(path, sizeof path, "%s/quell.mdb", dir);
    ql_status st = qli_pages_open(cx, &l->p, path);
    if (st == QL_OK) {
        st = look_through(cx, l);
    }
    *findings = l->findings;
    qli_pages_close(&l->p);
    ql_mem_free(l);
    return st;
}
