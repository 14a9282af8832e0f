/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalog's world with one table d.t of four columns, and short ways to write and read it:
 *   id INT NOT NULL, a INT NULL, b VARBINARY(12) NULL, c BIGINT UNSIGNED NOT NULL
 *   UNIQUE u (a), KEY k (b, a DESC), KEY d (c DESC), KEY p (b(2))
 * with PRIMARY KEY (id), or without (hidden row ids).
 */
#ifndef QL_TESTS_UNIT_TABLE_FIXTURE_H
#define QL_TESTS_UNIT_TABLE_FIXTURE_H

#include "../lib/world.h"
#include "table/table_int.h"

#define NCOLS 4
enum { COL_ID, COL_A, COL_B, COL_C };

static inline ql_column
binary_column(const char *name, uint32_t bytes)
{
    ql_column c = int_column(name, true);
    c.type = ql_type_varchar(bytes, ql_coll_binary);
    c.type.nullable = true;
    return c;
}

static inline ql_column
unsigned_column(const char *name)
{
    ql_column c = int_column(name, false);
    c.type = ql_type_int(true);
    c.type.nullable = false;
    return c;
}

static inline void
make_table_of(sess *s, ql_table_spec *spec)
{
    spec->db = str("d");
    spec->name = str("t");
    begin(s);
    if (!ql_catalog_has_database(&s->cx, str("d"))) {
        OK(ql_catalog_create_database(&s->cx, str("d"), NULL));
    }
    OK(ql_catalog_create_table(&s->cx, spec));
    commit(s);
}

static inline void
make_table(sess *s, bool with_primary)
{
    ql_column columns[NCOLS] = {int_column("id", false), int_column("a", true),
                                binary_column("b", 12), unsigned_column("c")};
    ql_index_part parts[] = {{.column = COL_ID},
                             {.column = COL_A},
                             {.column = COL_B},
                             {.column = COL_A, .descending = true},
                             {.column = COL_C, .descending = true},
                             {.column = COL_B, .prefix = 2}};
    ql_index indexes[] = {
        {.name = str("u"), .parts = &parts[1], .nparts = 1, .unique = true},
        {.name = str("k"), .parts = &parts[2], .nparts = 2},
        {.name = str("d"), .parts = &parts[4], .nparts = 1},
        {.name = str("p"), .parts = &parts[5], .nparts = 1},
        {.parts = &parts[0], .nparts = 1, .primary = true},
    };
    ql_table_spec spec = {.columns = columns,
                          .ncolumns = NCOLS,
                          .indexes = indexes,
                          .nindexes = with_primary ? 5 : 4};
    make_table_of(s, &spec);
}

/* The table, for the life of the test: put back with ql_table_put. */
static inline ql_table *
open_table(sess *s)
{
    ql_table *t;
    OK(ql_catalog_get_table(&s->cx, str("d"), str("t"), &t));
    return t;
}

typedef struct row_values {
    ql_value v[NCOLS];
} row_values;

#define NO_INT INT64_MIN

/* a NO_INT and b NULL stand for NULL. */
static inline row_values
row_of(int64_t id, int64_t a, const char *b, uint64_t c)
{
    row_values r = {{ql_value_int(id), a == NO_INT ? ql_value_null() : ql_value_int(a),
                     b == NULL ? ql_value_null() : ql_value_str(str(b), ql_coll_binary),
                     ql_value_uint(c)}};
    return r;
}

static inline ql_write_result
insert_row(sess *s, ql_table *t, row_values r, ql_dup *dup)
{
    ql_write_result result;
    OK(ql_table_insert(&s->cx, t, r.v, QL_LOCK_S, &result, dup));
    return result;
}

static inline void
insert_ok(sess *s, ql_table *t, row_values r)
{
    ql_dup dup;
    assert_int_equal(insert_row(s, t, r, &dup), QL_WROTE);
}

/* The running statement ends well and the next one of the transaction begins. */
static inline void
next_statement(sess *s)
{
    ql_arena_reset(s->cx.arena);
    ql_txn_stmt_end(&s->cx);
    s->cx.stmt_id++;
    OK(ql_txn_stmt_begin(&s->cx));
}

static const uint16_t all_columns[NCOLS] = {0, 1, 2, 3};

static inline ql_scan_spec
scan_spec(ql_table *t, const ql_index *ix)
{
    return (ql_scan_spec){.table = t,
                          .index = ix,
                          .ordinals = all_columns,
                          .ncols = NCOLS,
                          .want_locator = true,
                          .low.inclusive = true,
                          .high.inclusive = true,
                          .view = QL_VIEW_STATEMENT};
}

/* Number of rows that a scan gives. */
static inline size_t
count_scan(sess *s, const ql_scan_spec *spec)
{
    ql_scan *scan;
    ql_batch *b;
    size_t n = 0;
    ql_status st;
    OK(ql_scan_open(&s->cx, s->cx.arena, spec, &scan));
    while ((st = ql_scan_next(&s->cx, scan, &b)) == QL_OK) {
        n += b->n;
    }
    assert_int_equal(st, QL_END);
    ql_scan_close(scan);
    return n;
}

static inline size_t
count_rows(sess *s, ql_table *t, const ql_index *ix, ql_view view)
{
    ql_scan_spec spec = scan_spec(t, ix);
    spec.view = view;
    return count_scan(s, &spec);
}

/* Entries that are in the keyspace under this index. */
static inline size_t
count_keys(sess *s, const ql_index *ix)
{
    ql_txn_cursor *c;
    ql_buf prefix = {0};
    ql_str k, v;
    size_t n = 0;
    OK(qli_key_start(&s->cx, &prefix, ix->id));
    OK(ql_txn_cursor_open(&s->cx, QL_VIEW_OWN, &c));
    ql_status st = ql_txn_seek_ge(&s->cx, c, qli_str(&prefix), &k, &v);
    while (st == QL_OK && k.n >= 4 && memcmp(k.p, prefix.p, 4) == 0) {
        n++;
        st = ql_txn_next(&s->cx, c, &k, &v);
    }
    ql_txn_cursor_close(c);
    ql_buf_free(&prefix);
    return n;
}

/* Locator of the only row with this id (by a scan of everything). */
static inline ql_str
locator_of(sess *s, ql_table *t, int64_t id)
{
    ql_scan_spec spec = scan_spec(t, NULL);
    ql_scan *scan;
    ql_batch *b;
    ql_str found = {0};
    spec.view = QL_VIEW_OWN;
    OK(ql_scan_open(&s->cx, s->cx.arena, &spec, &scan));
    while (ql_scan_next(&s->cx, scan, &b) == QL_OK) {
        for (uint16_t i = 0; i < b->n; i++) {
            if (b->cols[COL_ID].i[i] == id) {
                ql_str l = ql_scan_locator(scan, i);
                found.p = ql_arena_strndup(&s->cx, s->cx.arena, l.p, l.n);
                found.n = l.n;
            }
        }
    }
    ql_scan_close(scan);
    assert_non_null(found.p);
    return found;
}

static inline ql_write_result
update_row(sess *s, ql_table *t, int64_t id, row_values r, ql_dup *dup)
{
    ql_str l = locator_of(s, t, id);
    ql_value old[NCOLS];
    ql_write_result result;
    OK(ql_table_lock_row(&s->cx, s->cx.arena, t, l, old));
    OK(ql_table_update(&s->cx, t, l, old, r.v, &result, dup));
    return result;
}

static inline void
delete_row(sess *s, ql_table *t, int64_t id)
{
    ql_str l = locator_of(s, t, id);
    ql_value old[NCOLS];
    OK(ql_table_lock_row(&s->cx, s->cx.arena, t, l, old));
    OK(ql_table_delete(&s->cx, t, l, old));
}

#endif
