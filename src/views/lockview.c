/* SPDX-License-Identifier: Apache-2.0
 *
 * Row locks as people read them, and the tables made of them: performance_schema.data_locks and
 * data_lock_waits. Columns are those of MySQL 8.4. Runs on the session that looks; the lock manager
 * is copied piece by piece (txn.h, ql_txnsys_list_locks).
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
#include "views/lockdata_int.h"
#include "views/lockwaits_int.h"
#include "views/views_int.h"

#define CHECK_EVERY 1024u

/* --- names of index ids ---------------------------------------------------------------------- */

typedef struct index_names {
    qli_index_name *v; /* by id */
    size_t n;
} index_names;

static int
compare_names(const void *x, const void *y)
{
    uint32_t a = ((const qli_index_name *)x)->id, b = ((const qli_index_name *)y)->id;
    return (a > b) - (a < b);
}

static ql_status
load_names(ql_ctx *cx, ql_arena *a, index_names *out)
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
name_of_key(const index_names *names, ql_str key)
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

/* A listing under way: names of indexes, and where rows are looked up. */
typedef struct listing {
    index_names names;
    qli_lock_reader reader;
    int64_t now;
} listing;

static ql_status
listing_begin(ql_ctx *cx, ql_arena *a, size_t nlocks, listing *s)
{
    *s = (listing){.now = ql_now_mono_ns()};
    if (nlocks) {
        QL_TRY(load_names(cx, a, &s->names));
    }
    s->reader.a = a;
    s->reader.scratch = ql_arena_new("lock texts", ql_arena_quota(a));
    return s->reader.scratch ? QL_OK : ql_fail_oom(cx, 0);
}

static void
listing_end(listing *s)
{
    ql_kv_snap_end(s->reader.snap);
    ql_arena_free(s->reader.scratch);
}

static ql_status
make_view(ql_ctx *cx, listing *s, const ql_lock_info *l, ql_lock_view *v)
{
    const qli_index_name *name = name_of_key(&s->names, l->low);
    set_view(l, name, s->now, v);
    return name ? qli_lock_data(cx, &s->reader, name, l->low, l->high, &v->data) : QL_OK;
}

static ql_status
make_views(ql_ctx *cx, ql_arena *a, const ql_lock_info *l, size_t n, ql_lock_view **out)
{
    listing s;
    ql_lock_view *v = QL_ARENA_ARRAY(cx, a, ql_lock_view, n + 1);
    if (!v) {
        return QL_ERROR;
    }
    ql_status st = listing_begin(cx, a, n, &s);
    for (size_t i = 0; st == QL_OK && i < n; i++) {
        st = i % CHECK_EVERY == 0 ? ql_check(cx) : QL_OK;
        st = st == QL_OK ? make_view(cx, &s, &l[i], &v[i]) : st;
    }
    listing_end(&s);
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
        number[e[i].waiter] = number[e[i].blocker] = 1;
    }
    uint32_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        if (number[i]) {
            l[kept++] = l[i];
            number[i] = kept;
        }
    }
    for (size_t i = 0; i < ne; i++) {
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
put_lock_line(ql_ctx *cx, listing *s, ql_str line, uint64_t trx_id, ql_buf *b)
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
    ql_dt_from_unix(us, cx->vars ? cx->vars->zone_seconds : 0, &dt);
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
    listing s;
    bool first = true, lock_follows = false;
    uint64_t trx_id = 0;
    ql_status st = listing_begin(cx, a, text.n, &s);
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
    listing_end(&s);
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
qli_row_lock_id(ql_ctx *cx, ql_arena *a, uint64_t trx_id, uint64_t lock_id)
{
    return ql_arena_printf(cx, a, "%" PRIu64 ":%" PRIu64, trx_id, lock_id);
}

/* --- data_locks ------------------------------------------------------------------------------ */

enum {
    ENGINE,
    LOCK_ID,
    TRX,
    THREAD,
    EVENT,
    SCHEMA,
    NAME,
    PARTITION,
    SUBPARTITION,
    INDEX,
    INSTANCE,
    TYPE,
    MODE,
    STATUS,
    DATA
};

const ql_view_column qli_ps_data_locks[] = {[ENGINE] = {"ENGINE", 's', 32, false},
                                            [LOCK_ID] = {"ENGINE_LOCK_ID", 's', 128, false},
                                            [TRX] = {"ENGINE_TRANSACTION_ID", 'u', 0, true},
                                            [THREAD] = {"THREAD_ID", 'u', 0, true},
                                            [EVENT] = {"EVENT_ID", 'u', 0, true},
                                            [SCHEMA] = {"OBJECT_SCHEMA", 's', 64, true},
                                            [NAME] = {"OBJECT_NAME", 's', 64, true},
                                            [PARTITION] = {"PARTITION_NAME", 's', 64, true},
                                            [SUBPARTITION] = {"SUBPARTITION_NAME", 's', 64, true},
                                            [INDEX] = {"INDEX_NAME", 's', 64, true},
                                            [INSTANCE] = {"OBJECT_INSTANCE_BEGIN", 'u', 0, false},
                                            [TYPE] = {"LOCK_TYPE", 's', 32, false},
                                            [MODE] = {"LOCK_MODE", 's', 32, false},
                                            [STATUS] = {"LOCK_STATUS", 's', 32, false},
                                            [DATA] = {"LOCK_DATA", 's', 8192, true},
                                            {NULL, 0, 0, false}};

static ql_status
add_lock(ql_ctx *cx, qli_rows *r, const ql_lock_view *l, char *id, ql_value **row)
{
    ql_value *v;
    if (!id) {
        return QL_ERROR;
    }
    QL_TRY(qli_rows_add(cx, r, &v));
    qli_set_cstr(&v[ENGINE], "INNODB");
    qli_set_cstr(&v[LOCK_ID], id);
    v[TRX] = ql_value_uint(l->trx_id);
    if (l->conn_id) {
        v[THREAD] = ql_value_uint(l->conn_id);
    }
    if (l->table) {
        qli_set_str(&v[SCHEMA], l->table->db);
        qli_set_str(&v[NAME], l->table->name);
    }
    *row = v;
    return QL_OK;
}

static ql_status
add_row_lock(ql_ctx *cx, qli_rows *r, const ql_lock_view *l)
{
    ql_value *v;
    QL_TRY(add_lock(cx, r, l, qli_row_lock_id(cx, r->a, l->trx_id, l->lock_id), &v));
    if (l->index) {
        qli_set_str(&v[INDEX], l->index->name);
    }
    v[INSTANCE] = ql_value_uint(l->lock_id);
    qli_set_cstr(&v[TYPE], "RECORD");
    qli_set_cstr(&v[MODE], l->mode);
    qli_set_cstr(&v[STATUS], l->granted ? "GRANTED" : "WAITING");
    qli_set_opt_str(&v[DATA], l->data);
    return QL_OK;
}

/* Tables in which a transaction has row locks: each gets a row with the intention lock that InnoDB
 * would show. Open addressing; entries are the first lock seen of a transaction and table. */
typedef struct intentions {
    ql_lock_view **v;
    size_t n, size; /* size: a power of two */
} intentions;

static size_t
slot_of(const intentions *s, const ql_lock_view *l)
{
    uint64_t h = ql_hash_u64(l->trx_id ^ ql_hash_u64(l->table->id));
    size_t i = h & (s->size - 1);
    while (s->v[i] && (s->v[i]->trx_id != l->trx_id || s->v[i]->table != l->table)) {
        i = (i + 1) & (s->size - 1);
    }
    return i;
}

static ql_status
grow(ql_ctx *cx, ql_arena *a, intentions *s)
{
    intentions bigger = {.n = s->n, .size = s->size ? s->size * 2 : 64};
    bigger.v = QL_ARENA_ARRAY(cx, a, ql_lock_view *, bigger.size);
    if (!bigger.v) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < s->size; i++) {
        if (s->v[i]) {
            bigger.v[slot_of(&bigger, s->v[i])] = s->v[i];
        }
    }
    *s = bigger;
    return QL_OK;
}

/* One entry per transaction and table; marked exclusive when any of its locks is. */
static ql_status
note_intention(ql_ctx *cx, ql_arena *a, intentions *s, const ql_lock_view *l)
{
    if (!l->table) {
        return QL_OK;
    }
    if ((s->n + 1) * 2 > s->size) {
        QL_TRY(grow(cx, a, s));
    }
    ql_lock_view **at = &s->v[slot_of(s, l)];
    if (!*at) {
        *at = QL_ARENA_NEW(cx, a, ql_lock_view);
        if (!*at) {
            return QL_ERROR;
        }
        **at = *l;
        s->n++;
    }
    (*at)->exclusive |= l->exclusive;
    return QL_OK;
}

static ql_status
add_table_lock(ql_ctx *cx, qli_rows *r, const ql_lock_view *l)
{
    ql_value *v;
    char *id = ql_arena_printf(cx, r->a, "%" PRIu64 ":table:%" PRIu64, l->trx_id, l->table->id);
    QL_TRY(add_lock(cx, r, l, id, &v));
    v[INSTANCE] = ql_value_uint(l->table->id);
    qli_set_cstr(&v[TYPE], "TABLE");
    qli_set_cstr(&v[MODE], l->exclusive ? "IX" : "IS");
    qli_set_cstr(&v[STATUS], "GRANTED");
    return QL_OK;
}

static ql_status
add_row_locks(ql_ctx *cx, qli_rows *r, const ql_lock_info *l, size_t n, intentions *tables)
{
    listing s;
    ql_lock_view v;
    ql_status st = listing_begin(cx, r->a, n, &s);
    for (size_t i = 0; st == QL_OK && i < n; i++) {
        QL_TRY_TO(st, i % CHECK_EVERY == 0 ? ql_check(cx) : QL_OK, out);
        QL_TRY_TO(st, make_view(cx, &s, &l[i], &v), out);
        QL_TRY_TO(st, note_intention(cx, r->a, tables, &v), out);
        st = add_row_lock(cx, r, &v);
    }
out:
    listing_end(&s);
    return st;
}

ql_status
qli_fill_data_locks(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    intentions tables = {0};
    ql_lock_info *l;
    size_t nl;
    QL_TRY(ql_txnsys_list_locks(cx, a, &l, &nl));
    QL_TRY(add_row_locks(cx, &r, l, nl, &tables));
    for (size_t i = 0; i < tables.size; i++) {
        if (tables.v[i]) {
            QL_TRY(add_table_lock(cx, &r, tables.v[i]));
        }
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

/* --- data_lock_waits ------------------------------------------------------------------------- */

const ql_view_column qli_ps_data_lock_waits[] = {
    {"ENGINE", 's', 32, false},
    {"REQUESTING_ENGINE_LOCK_ID", 's', 128, false},
    {"REQUESTING_ENGINE_TRANSACTION_ID", 'u', 0, true},
    {"REQUESTING_THREAD_ID", 'u', 0, true},
    {"REQUESTING_EVENT_ID", 'u', 0, true},
    {"REQUESTING_OBJECT_INSTANCE_BEGIN", 'u', 0, false},
    {"BLOCKING_ENGINE_LOCK_ID", 's', 128, false},
    {"BLOCKING_ENGINE_TRANSACTION_ID", 'u', 0, true},
    {"BLOCKING_THREAD_ID", 'u', 0, true},
    {"BLOCKING_EVENT_ID", 'u', 0, true},
    {"BLOCKING_OBJECT_INSTANCE_BEGIN", 'u', 0, false},
    {NULL, 0, 0, false}};

/* Five columns of one side of a wait. */
static ql_status
set_side(ql_ctx *cx, ql_arena *a, ql_value *v, const ql_lock_info *l)
{
    char *id = qli_row_lock_id(cx, a, l->trx_id, l->lock_id);
    if (!id) {
        return QL_ERROR;
    }
    qli_set_cstr(&v[0], id);
    v[1] = ql_value_uint(l->trx_id);
    if (l->conn_id) {
        v[2] = ql_value_uint(l->conn_id);
    }
    v[4] = ql_value_uint(l->lock_id);
    return QL_OK;
}

ql_status
qli_fill_data_lock_waits(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    ql_lock_info *l;
    qli_lock_edge *e;
    size_t nl, ne;
    QL_TRY(ql_txnsys_list_locks(cx, a, &l, &nl));
    QL_TRY(qli_lock_edges(cx, a, l, nl, &e, &ne));
    for (size_t i = 0; i < ne; i++) {
        ql_value *v;
        if (i % CHECK_EVERY == 0) {
            QL_TRY(ql_check(cx));
        }
        QL_TRY(qli_rows_add(cx, &r, &v));
        qli_set_cstr(&v[0], "INNODB");
        QL_TRY(set_side(cx, a, &v[1], &l[e[i].waiter]));
        QL_TRY(set_side(cx, a, &v[6], &l[e[i].blocker]));
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}
