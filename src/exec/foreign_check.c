/* SPDX-License-Identifier: Apache-2.0
 *
 * A foreign key of rows that are there already: ALTER TABLE ... ADD FOREIGN KEY, CHECK TABLE. The
 * child's index is read in its order, so that equal keys come one after the other and are looked
 * for once, and neighbours are neighbours in the parent's index too. Memory: a batch. Session's
 * thread; waits for metadata locks only.
 */
#include <stdio.h>

#include "base/bulk.h"
#include "exec/foreign_int.h"

#define TOLD 10 /* findings that are put into words */

/* One check. */
typedef struct checker {
    ql_table *table;
    const ql_foreign_key *key;
    qli_fk_parent *parent;
    uint16_t *ordinals; /* [ncolumns] of the key's columns, ascending */
    ql_view view;
    ql_table_report report;
    void *arg;
    uint64_t findings;
} checker;

static ql_status
sort_ordinals(ql_ctx *cx, checker *c)
{
    uint16_t n = c->key->ncolumns;
    c->ordinals = QL_ARENA_ARRAY(cx, cx->arena, uint16_t, n);
    if (c->ordinals == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        uint16_t at = i;
        for (; at > 0 && c->ordinals[at - 1] > c->key->columns[i]; at--) {
            c->ordinals[at] = c->ordinals[at - 1];
        }
        c->ordinals[at] = c->key->columns[i];
    }
    return QL_OK;
}

/* The key's values of a row of the batch, in the key's order; *null: one is NULL. */
static void
take_values(const checker *c, const ql_batch *b, uint16_t row, bool *null)
{
    *null = false;
    for (uint16_t i = 0; i < c->key->ncolumns; i++) {
        uint16_t at = 0;
        while (c->ordinals[at] != c->key->columns[i]) {
            at++;
        }
        ql_vector_get(&b->cols[at], row, &c->parent->values[i]);
        *null = *null || ql_value_is_null(&c->parent->values[i]);
    }
}

static ql_status
put_values(ql_ctx *cx, const checker *c, ql_arena *mem, ql_buf *b)
{
    for (uint16_t i = 0; i < c->key->ncolumns; i++) {
        ql_str s;
        QL_TRY(ql_value_to_str(cx, mem, &c->parent->values[i], &s));
        s.n = ql_utf8_offset(s, 64);
        QL_TRY(ql_buf_put_str(cx, b, i > 0 ? "-" : ""));
        QL_TRY(ql_buf_put(cx, b, s.p, s.n));
    }
    return ql_buf_put_u8(cx, b, 0);
}

static ql_status
tell(ql_ctx *cx, checker *c, ql_arena *mem)
{
    const ql_foreign_key *k = c->key;
    ql_buf b = {0};
    c->findings++;
    if (c->report == NULL) {
        qli_fk_failure f = {.missing = true,
                            .child = c->table,
                            .key = k,
                            .parent_index = c->parent->parent_index,
                            .values = c->parent->values};
        return qli_fk_fail(cx, NULL, &f);
    }
    if (c->findings > TOLD) {
        return QL_OK;
    }
    ql_status st = put_values(cx, c, mem, &b);
    if (st == QL_OK) {
        const char *text = ql_arena_printf(cx, mem, "Foreign key '%s': '%s' is not in '%s.%s'",
                                           ql_cstr(cx, k->name), b.p, ql_cstr(cx, k->parent_db),
                                           ql_cstr(cx, k->parent_name));
        st = text != NULL ? c->report(cx, c->arg, text) : QL_ERROR;
    }
    ql_buf_free(&b);
    return st;
}

static ql_status
check_row(ql_ctx *cx, checker *c, ql_arena *mem, const ql_batch *b, uint16_t row)
{
    bool null;
    QL_TRY(ql_check(cx));
    take_values(c, b, row, &null);
    if (null) {
        return QL_OK;
    }
    ql_status st = QL_END;
    if (c->parent->finder != NULL) {
        st = ql_finder_look(cx, c->parent->finder, c->view, c->parent->values);
    }
    return st == QL_END ? tell(cx, c, mem) : st;
}

static ql_status
check_scan(ql_ctx *cx, checker *c, ql_arena *mem)
{
    ql_scan_spec spec = {.table = c->table,
                         .index = &c->table->indexes[c->parent->index],
                         .ordinals = c->ordinals,
                         .ncols = c->key->ncolumns,
                         .view = c->view};
    ql_scan *scan;
    ql_batch *b;
    spec.index_only = ql_index_covers(c->table, spec.index, c->ordinals, spec.ncols);
    QL_TRY(ql_scan_open(cx, mem, &spec, &scan));
    ql_status st;
    while ((st = ql_scan_next(cx, scan, &b)) == QL_OK) {
        for (uint16_t i = 0; i < b->nsel; i++) {
            QL_TRY(check_row(cx, c, mem, b, ql_batch_row(b, i)));
        }
    }
    ql_scan_close(scan);
    return st == QL_END ? QL_OK : st;
}

ql_status
ql_fk_check_rows(ql_run *run, ql_table *t, const ql_foreign_key *k, ql_table_report report,
                 void *arg, uint64_t *findings)
{
    ql_ctx *cx = run->cx;
    checker c = {.table = t, .key = k, .report = report, .arg = arg};
    ql_arena *mem;
    c.view = report != NULL ? QL_VIEW_STATEMENT : QL_VIEW_LATEST;
    QL_TRY(ql_run_arena(run, "foreign key", &mem));
    QL_TRY(sort_ordinals(cx, &c));
    QL_TRY(qli_fk_parent_of(cx, t, k, &c.parent));
    if (c.parent->finder != NULL) {
        ql_finder_remember(c.parent->finder);
    }
    ql_status st = check_scan(cx, &c, mem);
    *findings = c.findings;
    return st;
}
