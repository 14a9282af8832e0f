/* SPDX-License-Identifier: Apache-2.0
 *
 * Row locks as people read them: keys of bytes with names of tables and indexes and with values.
 * Runs on the session that looks; the lock manager is copied piece by piece (txn.h,
 * ql_txnsys_list_locks).
 */
#include "views/lockview.h"
#include "base/buf.h"
#include "base/bulk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/thread.h"
#include "views/lockview_int.h"
#include "views/lockwaits_int.h"
#include "views/views_int.h"

#define CHECK_EVERY 1024u

/* --- names of index ids ---------------------------------------------------------------------- */

static int
compare_names(const void *x, const void *y)
{
    uint32_t a = ((const qli_index_name *)x)->id, b = ((const qli_index_name *)y)->id;
    return (a > b) - (a < b);
}

static ql_status
load_names(ql_ctx *cx, ql_arena *a, qli_index_names *out)
{
    ql_table **t;
    size_t nt, n = 0;
    QL_TRY(ql_catalog_all_tables(cx, a, QL_STR(""), &t, &nt));
    for (size_t i = 0; i < nt; i++) {
        n += t[i]->is_virtual ? 0 : t[i]->nindexes;
    }
    out->v = QL_ARENA_ARRAY(cx, a, qli_index_name, n + 1);
    if (!out->v) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < nt; i++) {
        if (i % CHECK_EVERY == 0) {
            QL_TRY(ql_check(cx));
        }
        for (uint16_t x = 0; !t[i]->is_virtual && x < t[i]->nindexes; x++) {
            uint32_t id = t[i]->indexes[x].id;
            out->v[out->n++] = (qli_index_name){
                .id = id,
                .prefix = {(char)(id >> 24), (char)(id >> 16), (char)(id >> 8), (char)id},
                .table = t[i],
                .index = &t[i]->indexes[x]};
        }
    }
    return ql_bulk_sort(cx, a, out->v, out->n, sizeof *out->v, compare_names);
}

static const qli_index_name *
name_of_key(const qli_index_names *names, ql_str key)
{
    if (key.n < 4) {
        return NULL;
    }
    const unsigned char *p = (const unsigned char *)key.p;
    qli_index_name want = {.id = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
                                 p[3]};
    return bsearch(&want, names->v, names->n, sizeof want, compare_names);
}

/* --- views ----------------------------------------------------------------------------------- */

static const char *
mode_text(const ql_lock_info *l)
{
    bool x = l->mode == QL_LOCK_X;
    switch (l->kind) {
    case QL_LOCK_RANGE:
        return x ? "X" : "S";
    case QL_LOCK_GAP:
        return x ? "X,GAP" : "S,GAP";
    case QL_LOCK_INSERT:
        return l->granted ? "X,REC_NOT_GAP" : "X,GAP,INSERT_INTENTION";
    default:
        return x ? "X,REC_NOT_GAP" : "S,REC_NOT_GAP";
    }
}

static void
set_view(const ql_lock_info *l, const qli_index_name *name, int64_t now, ql_lock_view *v)
{
    *v = (ql_lock_view){.lock_id = l->lock_id,
                        .trx_id = l->trx_id,
                        .conn_id = l->conn_id,
                        .table = name ? name->table : NULL,
                        .index = name ? name->index : NULL,
                        .granted = l->granted,
                        .exclusive = l->mode == QL_LOCK_X,
                        .mode = mode_text(l)};
    if (!l->granted) {
        v->wait_ms = now > l->since_ns ? (now - l->since_ns) / 1000000 : 0;
    }
}

ql_status
qli_lock_listing_begin(ql_ctx *cx, ql_arena *a, size_t nlocks, qli_lock_listing *s)
{
    *s = (qli_lock_listing){.now = ql_now_mono_ns()};
    if (nlocks) {
        QL_TRY(load_names(cx, a, &s->names));
    }
    s->reader.a = a;
    s->reader.scratch = ql_arena_new("lock texts", ql_arena_quota(a));
    return s->reader.scratch ? QL_OK : ql_fail_oom(cx, 0);
}

void
qli_lock_listing_end(qli_lock_listing *s)
{
    ql_kv_snap_end(s->reader.snap);
    ql_arena_free(s->reader.scratch);
}

ql_status
qli_lock_listing_view(ql_ctx *cx, qli_lock_listing *s, const ql_lock_info *l, ql_lock_view *v)
{
    const qli_index_name *name = name_of_key(&s->names, l->low);
    set_view(l, name, s->now, v);
    return name ? qli_lock_data(cx, &s->reader, name, l->low, l->high, &v->data) : QL_OK;
}

static ql_status
make_views(ql_ctx *cx, ql_arena *a, const ql_lock_info *l, size_t n, ql_lock_view **out)
{
    qli_lock_listing s;
    ql_lock_view *v = QL_ARENA_ARRAY(cx, a, ql_lock_view, n + 1);
    if (!v) {
        return QL_ERROR;
    }
    ql_status st = qli_lock_listing_begin(cx, a, n, &s);
    for (size_t i = 0; st == QL_OK && i < n; i++) {
        st = i % CHECK_EVERY == 0 ? ql_check(cx) : QL_OK;
        st = st == QL_OK ? qli_lock_listing_view(cx, &s, &l[i], &v[i]) : st;
    }
    qli_lock_listing_end(&s);
    *out = v;
    return st;
}

/* Only locks with an edge are made readable: l shrinks to them, edges get their new numbers. */
static ql_status
keep_involved(ql_ctx *cx, ql_arena *a, ql_lock_info *l, size_t *n, qli_lock_edge *e, size_t ne)
{
    uint32_t *number = QL_ARENA_ARRAY(cx, a, uint32_t, *n + 1); /* new one + 1; 0 = not involved */
    if (!number) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < ne; i++) {
        QL_TRY(ql_bulk_each(cx, i));
        number[e[i].waiter] = number[e[i].blocker] = 1;
    }
    uint32_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        QL_TRY(ql_bulk_each(cx, i));
        if (number[i]) {
            l[kept++] = l[i];
            number[i] = kept;
        }
    }
    for (size_t i = 0; i < ne; i++) {
        QL_TRY(ql_bulk_each(cx, i));
        e[i] = (qli_lock_edge){number[e[i].waiter] - 1, number[e[i].blocker] - 1};
    }
    *n = kept;
    return QL_OK;
}

ql_status
ql_lock_waits(ql_ctx *cx, ql_arena *a, ql_lock_wait **out, size_t *n)
{
    ql_lock_info *l;
    ql_lock_view *v;
    qli_lock_edge *e;
    size_t nl;
    QL_TRY(ql_txnsys_list_locks(cx, a, &l, &nl));
    QL_TRY(qli_lock_edges(cx, a, l, nl, &e, n));
    QL_TRY(keep_involved(cx, a, l, &nl, e, *n));
    QL_TRY(make_views(cx, a, l, nl, &v));
    *out = QL_ARENA_ARRAY(cx, a, ql_lock_wait, *n + 1);
    if (!*out) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < *n; i++) {
        QL_TRY(ql_bulk_each(cx, i));
        (*out)[i] = (ql_lock_wait){&v[e[i].waiter], &v[e[i].blocker]};
    }
    return QL_OK;
}

/* --- the latest deadlock --------------------------------------------------------------------- */

/* "..., index 1008, key 0x0180" to the bytes of the key with its index id. False: the line says
 * nothing of that kind. */
static bool
parse_key(ql_str line, char key[128], size_t *n)
{
    static const char index[] = ", index ", hex[] = ", key 0x";
    const char *p = memmem(line.p, line.n, index, sizeof index - 1), *end = line.p + line.n;
    if (!p) {
        return false;
    }
    uint32_t id = 0;
    for (p += sizeof index - 1; p < end && *p >= '0' && *p <= '9'; p++) {
        id = id * 10 + (uint32_t)(*p - '0');
    }
    if ((size_t)(end - p) < sizeof hex - 1 || memcmp(p, hex, sizeof hex - 1) != 0) {
        return false;
    }
    *n = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        key[(*n)++] = (char)(id >> shift);
    }
    for (p += sizeof hex - 1; p + 1 < end && *n < 128; p += 2) {
        unsigned byte;
        if (sscanf((const char[]){p[0], p[1], 0}, "%2x", &byte) != 1) {
            return false;
        }
        key[(*n)++] = (char)byte;
    }
    return true;
}

/* InnoDB's words for what deadlock.c calls the lock. */
static const char *
lock_words(ql_str line)
{
    static const char *const words[][2] = {
        {"record lock, exclusive", "lock_mode X locks rec but not gap"},
        {"record lock, shared", "lock mode S locks rec but not gap"},
        {"range lock, exclusive", "lock_mode X"},
        {"range lock, shared", "lock mode S"},
        {"gap lock, exclusive", "lock_mode X locks gap before rec"},
        {"gap lock, shared", "lock mode S locks gap before rec"},
        {"insert, exclusive", "lock_mode X locks gap before rec insert intention"},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(words); i++) {
        size_t n = strlen(words[i][0]);
        if (line.n >= n && memcmp(line.p, words[i][0], n) == 0) {
            return words[i][1];
        }
    }
    return "";
}

/* A line that describes a lock of transaction trx_id. */
static ql_status
put_lock_line(ql_ctx *cx, qli_lock_listing *s, ql_str line, uint64_t trx_id, ql_buf *b)
{
    char key[128];
    size_t n;
    const qli_index_name *name = NULL;
    ql_str data;
    if (parse_key(line, key, &n)) {
        name = name_of_key(&s->names, (ql_str){key, n});
    }
    if (!name) {
        return ql_buf_put(cx, b, line.p, line.n);
    }
    QL_TRY(qli_lock_data(cx, &s->reader, name, (ql_str){key, n}, (ql_str){0}, &data));
    return ql_buf_printf(cx, b,
                         "RECORD LOCKS index %.*s of table `%.*s`.`%.*s` trx id %" PRIu64
                         " %s waiting\nKey: %.*s\n",
                         (int)name->index->name.n, name->index->name.p, (int)name->table->db.n,
                         name->table->db.p, (int)name->table->name.n, name->table->name.p, trx_id,
                         lock_words(line), (int)data.n, data.p);
}

/* The first line: the time, in the viewer's zone as the rest of the output. */
static ql_status
put_time(ql_ctx *cx, ql_str line, ql_buf *b)
{
    char text[32];
    ql_dt dt;
    bool has_time;
    if (line.n < 19 || ql_dt_parse((ql_str){line.p, 19}, 0, 0, &dt, &has_time) != QL_DT_OK) {
        return ql_buf_put(cx, b, line.p, line.n);
    }
    int64_t us = ql_dt_to_unix(&dt, 0);
    ql_zone_local(cx->zone, us, &dt);
    size_t n = ql_dt_print(&dt, 0, text);
    return ql_buf_printf(cx, b, "%.*s\n", (int)n, text);
}

static bool
ends_with(ql_str line, const char *end)
{
    size_t n = strlen(end);
    return line.n >= n && memcmp(line.p + line.n - n, end, n) == 0;
}

static ql_status
put_report(ql_ctx *cx, ql_arena *a, ql_str text, ql_buf *b)
{
    static const char trx[] = "TRANSACTION ";
    qli_lock_listing s;
    bool first = true, lock_follows = false;
    uint64_t trx_id = 0;
    ql_status st = qli_lock_listing_begin(cx, a, text.n, &s);
    while (st == QL_OK && text.n) {
        const char *nl = memchr(text.p, '\n', text.n);
        ql_str line = {text.p, nl ? (size_t)(nl - text.p) + 1 : text.n};
        st = first          ? put_time(cx, line, b)
             : lock_follows ? put_lock_line(cx, &s, line, trx_id, b)
                            : ql_buf_put(cx, b, line.p, line.n);
        first = false;
        lock_follows = line.p[0] == '*' && ends_with(line, "LOCK TO BE GRANTED:\n");
        if (nl && line.n > sizeof trx && memcmp(line.p, trx, sizeof trx - 1) == 0) {
            trx_id = strtoull(line.p + sizeof trx - 1, NULL, 10);
        }
        text.p += line.n;
        text.n -= line.n;
    }
    qli_lock_listing_end(&s);
    return st;
}

ql_status
ql_deadlock_text(ql_ctx *cx, ql_arena *a, ql_str *out)
{
    ql_buf b = {0};
    QL_TRY(ql_txnsys_latest_deadlock(cx, a, out));
    if (!out->n) {
        return QL_OK;
    }
    ql_status st = put_report(cx, a, *out, &b);
    out->p = st == QL_OK ? ql_arena_strndup(cx, a, b.p, b.n) : NULL;
    out->n = b.n;
    ql_buf_free(&b);
    return st != QL_OK ? st : out->p ? QL_OK : QL_ERROR;
}

char *
ql_row_lock_id(ql_ctx *cx, ql_arena *a, uint64_t trx_id, uint64_t lock_id)
{
    return ql_arena_printf(cx, a, "%" PRIu64 ":%" PRIu64, trx_id, lock_id);
}
