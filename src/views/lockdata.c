/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys as text, for LOCK_DATA: the values of an index key, or the two ends of an interval of keys.
 * Keys of collated strings hold weights, not text: for these the row itself is looked up in the
 * newest committed state; a row that is not there (inserted and not committed) shows the bytes in
 * hexadecimal. Runs on the session that looks; no locks.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "table/table.h"
#include "views/lockdata_int.h"

#define ID_BYTES 4u
#define ROWID_BYTES 8u
#define PARTS_MAX 34   /* of the index and of the clustered key behind it */
#define PART_CHARS 256 /* of one value */

/* A key cut into its values. */
typedef struct cut {
    ql_str part[PARTS_MAX];
    const ql_index_part *how[PARTS_MAX]; /* NULL: hidden row id */
    unsigned n;
    bool complete; /* all parts are there */
    ql_str rest;   /* behind them */
} cut;

static void
cut_parts(const ql_table *t, const ql_index *ix, cut *c)
{
    for (unsigned i = 0; i < ix->nparts && c->n < PARTS_MAX; i++) {
        const ql_index_part *p = &ix->parts[i];
        size_t n = ql_key_skip(&t->types[p->column], p->descending, c->rest);
        if (n == 0) {
            c->complete = false;
            return;
        }
        c->how[c->n] = p;
        c->part[c->n++] = (ql_str){c->rest.p, n};
        c->rest.p += n;
        c->rest.n -= n;
    }
    if (ix->hidden_rowid) {
        c->complete = c->rest.n >= ROWID_BYTES;
        if (c->complete) {
            c->how[c->n] = NULL;
            c->part[c->n++] = (ql_str){c->rest.p, ROWID_BYTES};
            c->rest.p += ROWID_BYTES;
            c->rest.n -= ROWID_BYTES;
        }
    }
}

/* key: behind the index id. */
static void
cut_key(const qli_index_name *ix, ql_str key, cut *c)
{
    *c = (cut){.complete = true, .rest = key};
    cut_parts(ix->table, ix->index, c);
    bool clustered = ix->index == &ix->table->indexes[0];
    bool ends_here = ix->index->unique && c->rest.n <= 1; /* unique and no NULL: no row behind it */
    if (c->complete && !clustered && !ends_here) {
        cut_parts(ix->table, &ix->table->indexes[0], c);
    }
}

/* --- values ---------------------------------------------------------------------------------- */

static ql_status
put_hex(ql_ctx *cx, ql_buf *b, ql_str s)
{
    static const char digits[] = "0123456789abcdef";
    QL_TRY(ql_buf_put(cx, b, "0x", 2));
    for (size_t i = 0; i < s.n && i < PART_CHARS; i++) {
        unsigned char c = (unsigned char)s.p[i];
        const char pair[2] = {digits[c >> 4], digits[c & 15]};
        QL_TRY(ql_buf_put(cx, b, pair, 2));
    }
    return s.n > PART_CHARS ? ql_buf_put(cx, b, "...", 3) : QL_OK;
}

static ql_status
put_quoted(ql_ctx *cx, ql_buf *b, ql_str s)
{
    size_t shown = s.n > PART_CHARS ? ql_utf8_offset(s, PART_CHARS) : s.n;
    QL_TRY(ql_buf_put_u8(cx, b, '\''));
    for (size_t i = 0; i < shown; i++) {
        if (s.p[i] == '\'') {
            QL_TRY(ql_buf_put_u8(cx, b, '\''));
        }
        QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)s.p[i]));
    }
    if (shown < s.n) {
        QL_TRY(ql_buf_put(cx, b, "...", 3));
    }
    return ql_buf_put_u8(cx, b, '\'');
}

static ql_status
put_value(ql_ctx *cx, ql_arena *a, ql_buf *b, const ql_type *t, const ql_value *v)
{
    if (ql_value_is_null(v)) {
        return ql_buf_put(cx, b, "NULL", 4);
    }
    if (t->kind == QL_K_STRING) {
        return t->coll && t->coll != ql_coll_binary ? put_quoted(cx, b, v->s)
                                                    : put_hex(cx, b, v->s);
    }
    ql_str text;
    QL_TRY(ql_value_to_str(cx, a, v, &text));
    bool bare = t->kind == QL_K_INT || t->kind == QL_K_DECIMAL || t->kind == QL_K_DOUBLE;
    return bare ? ql_buf_put(cx, b, text.p, text.n) : put_quoted(cx, b, text);
}

static bool
is_readable(const ql_type *t)
{
    return t->kind != QL_K_STRING || !t->coll || (t->coll->is_binary && !t->coll->pad_space);
}

static bool
is_null_part(const ql_index_part *p, ql_str part)
{
    return (unsigned char)part.p[0] == (p->descending ? 0xff : 0);
}

/* row: values of all columns of the row, or NULL when it was not found. */
static ql_status
put_part(ql_ctx *cx, ql_arena *a, ql_buf *b, const ql_table *t, const ql_index_part *p, ql_str part,
         const ql_value *row)
{
    if (!p) {
        return put_hex(cx, b, part);
    }
    const ql_type *type = &t->types[p->column];
    if (is_null_part(p, part)) {
        return ql_buf_put(cx, b, "NULL", 4);
    }
    ql_value v;
    size_t used;
    if (is_readable(type)) {
        QL_TRY(ql_key_decode(cx, a, type, p->descending, part, &v, &used));
        return put_value(cx, a, b, type, &v);
    }
    if (!row || ql_value_is_null(&row[p->column])) {
        return put_hex(cx, b, part);
    }
    v = row[p->column];
    if (p->prefix) {
        v.s.n = ql_utf8_offset(v.s, p->prefix);
    }
    return put_value(cx, a, b, type, &v);
}

/* --- looking the row up ---------------------------------------------------------------------- */

static bool
needs_row(const qli_index_name *ix, const cut *c)
{
    for (unsigned i = 0; i < c->n; i++) {
        const ql_index_part *p = c->how[i];
        if (p && !is_readable(&ix->table->types[p->column]) && !is_null_part(p, c->part[i])) {
            return true;
        }
    }
    return false;
}

static ql_status
get_clustered(ql_ctx *cx, qli_lock_reader *r, const ql_table *t, ql_str locator, ql_str *row)
{
    uint32_t id = t->indexes[0].id;
    const char head[ID_BYTES] = {(char)(id >> 24), (char)(id >> 16), (char)(id >> 8), (char)id};
    ql_buf key = {0};
    ql_status st = ql_buf_put(cx, &key, head, sizeof head);
    st = st == QL_OK ? ql_buf_put(cx, &key, locator.p, locator.n) : st;
    st = st == QL_OK ? ql_kv_get(cx, r->snap, (ql_str){key.p, key.n}, row) : st;
    ql_buf_free(&key);
    return st;
}

/* *row: values of the row whose key that is, or NULL. */
static ql_status
find_row(ql_ctx *cx, qli_lock_reader *r, const qli_index_name *ix, ql_str key, ql_value **row)
{
    const ql_table *t = ix->table;
    ql_str bytes;
    *row = NULL;
    if (!r->snap) {
        QL_TRY(ql_kv_snap_begin(cx, cx->inst->kv, &r->snap));
    }
    ql_status st = ql_kv_get(cx, r->snap, key, &bytes);
    if (st == QL_OK && ix->index != &t->indexes[0]) {
        st = get_clustered(cx, r, t, ql_entry_locator(ix->index, bytes), &bytes);
    }
    if (st != QL_OK) {
        return st == QL_END ? QL_OK : st;
    }
    ql_value *v = QL_ARENA_ARRAY(cx, r->scratch, ql_value, t->ncolumns);
    if (!v) {
        return QL_ERROR;
    }
    QL_TRY(ql_row_decode_as(cx, &t->layout, bytes, v));
    *row = v;
    return QL_OK;
}

/* --- keys and intervals ---------------------------------------------------------------------- */

/* A column of the clustered key that the index has too is shown once. */
static bool
is_repeated(const cut *c, unsigned i)
{
    for (unsigned k = 0; c->how[i] && k < i; k++) {
        if (c->how[k] && c->how[k]->column == c->how[i]->column && !c->how[k]->prefix) {
            return true;
        }
    }
    return false;
}

/* whole: the key with its id, as stored. */
static ql_status
put_key(ql_ctx *cx, qli_lock_reader *r, const qli_index_name *ix, const cut *c, ql_str whole,
        bool tuple, ql_buf *b)
{
    ql_value *row = NULL;
    if (c->complete && needs_row(ix, c)) {
        QL_TRY(find_row(cx, r, ix, whole, &row));
    }
    if (tuple) {
        QL_TRY(ql_buf_put_u8(cx, b, '('));
    }
    for (unsigned i = 0; i < c->n; i++) {
        if (is_repeated(c, i)) {
            continue;
        }
        if (i) {
            QL_TRY(ql_buf_put(cx, b, ", ", 2));
        }
        QL_TRY(put_part(cx, r->scratch, b, ix->table, c->how[i], c->part[i], row));
    }
    return tuple ? ql_buf_put_u8(cx, b, ')') : QL_OK;
}

static ql_str
behind_id(ql_str key)
{
    return (ql_str){key.p + ID_BYTES, key.n - ID_BYTES};
}

/* A time between two values of its precision: only a successor of a key looks so. */
static bool
ends_between(const qli_index_name *ix, const cut *c)
{
    const ql_index_part *p = c->n ? c->how[c->n - 1] : NULL;
    const ql_type *t = p ? &ix->table->types[p->column] : NULL;
    if (!t || p->descending || !(ql_kind_calendar(t->kind) & QL_HAS_TIME) ||
        c->part[c->n - 1].n < 4 || t->decimals >= 6) {
        return false;
    }
    if (t->kind == QL_K_TIMESTAMP) { /* whole microseconds, as the key has them */
        uint64_t u = 0;
        for (size_t i = c->part[c->n - 1].n < 8 ? 0 : c->part[c->n - 1].n - 8;
             i < c->part[c->n - 1].n; i++) {
            u = u << 8 | (unsigned char)c->part[c->n - 1].p[i];
        }
        return (u & INT64_MAX) % 10 == 1;
    }
    const unsigned char *e = (const unsigned char *)c->part[c->n - 1].p + c->part[c->n - 1].n - 3;
    return ((uint32_t)e[0] << 16 | (uint32_t)e[1] << 8 | e[2]) % 10 == 1;
}

/* end is the smallest key above all that begin with some prefix: find that prefix. The successor
 * was made by dropping bytes 0xFF and adding one to the last of the others. */
static ql_status
undo_successor(ql_ctx *cx, qli_lock_reader *r, const qli_index_name *ix, ql_str end, cut *c,
               bool *found)
{
    const size_t room = 12;
    *found = false;
    if (end.p[end.n - 1] == 0) {
        return QL_OK;
    }
    char *p = ql_arena_alloc(cx, r->scratch, end.n + room);
    if (!p) {
        return QL_ERROR;
    }
    memcpy(p, end.p, end.n);
    p[end.n - 1] = (char)(p[end.n - 1] - 1);
    memset(p + end.n, 0xff, room);
    for (size_t more = 0; more <= room && !*found; more++) {
        cut_key(ix, behind_id((ql_str){p, end.n + more}), c);
        *found = c->n && !c->rest.n;
    }
    return QL_OK;
}

/* One end of an interval; its bracket too. */
static ql_status
put_end(ql_ctx *cx, qli_lock_reader *r, const qli_index_name *ix, ql_str end, bool low, ql_buf *b)
{
    bool inside = end.n >= ID_BYTES && memcmp(end.p, ix->prefix, ID_BYTES) == 0;
    if (!inside || end.n == ID_BYTES) {
        return ql_buf_put_str(cx, b, low ? "(infimum" : "supremum)");
    }
    cut c;
    bool after = false; /* the end is just behind the key shown */
    cut_key(ix, behind_id(end), &c);
    if (c.complete && c.rest.n == 1 && c.rest.p[0] == 0) {
        after = true;
        end.n--;
    } else if (c.rest.n || ends_between(ix, &c)) {
        QL_TRY(undo_successor(cx, r, ix, end, &c, &after));
        if (!after) {
            QL_TRY(low ? ql_buf_put_u8(cx, b, '[') : QL_OK);
            QL_TRY(put_hex(cx, b, behind_id(end)));
            return low ? QL_OK : ql_buf_put_u8(cx, b, ')');
        }
        c.complete = false; /* a prefix of keys: there is no row to look up */
    }
    if (low) {
        QL_TRY(ql_buf_put_u8(cx, b, after ? '(' : '['));
    }
    QL_TRY(put_key(cx, r, ix, &c, end, c.n > 1, b));
    return low ? QL_OK : ql_buf_put_u8(cx, b, after ? ']' : ')');
}

/* Empty, or [k, k\0): one key. */
static bool
is_point(ql_str low, ql_str high)
{
    return high.n == 0 ||
           (high.n == low.n + 1 && high.p[low.n] == 0 && memcmp(low.p, high.p, low.n) == 0);
}

static ql_status
put_data(ql_ctx *cx, qli_lock_reader *r, const qli_index_name *ix, ql_str low, ql_str high,
         ql_buf *b)
{
    if (is_point(low, high) && low.n > ID_BYTES) {
        cut c;
        cut_key(ix, behind_id(low), &c);
        return c.n && !c.rest.n ? put_key(cx, r, ix, &c, low, false, b)
                                : put_hex(cx, b, behind_id(low));
    }
    QL_TRY(put_end(cx, r, ix, low, true, b));
    QL_TRY(ql_buf_put(cx, b, ", ", 2));
    return put_end(cx, r, ix, high, false, b);
}

ql_status
qli_lock_data(ql_ctx *cx, qli_lock_reader *r, const qli_index_name *ix, ql_str low, ql_str high,
              ql_str *out)
{
    ql_buf b = {0};
    ql_arena_mark m = ql_arena_save(r->scratch);
    ql_status st = put_data(cx, r, ix, low, high, &b);
    ql_arena_restore(r->scratch, m);
    if (st == QL_OK) {
        out->p = ql_arena_strndup(cx, r->a, b.p ? b.p : "", b.n);
        out->n = b.n;
        st = out->p ? QL_OK : QL_ERROR;
    }
    ql_buf_free(&b);
    return st;
}
