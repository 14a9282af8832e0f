/* SPDX-License-Identifier: Apache-2.0
 *
 * CHECKSUM TABLE. The sum of a table is that of the hashes of its rows, modulo 2^63: equal rows
 * give equal sums in whatever order, engine and with whatever indexes they are stored. A row's hash
 * goes over the text form of each value in the order of the columns (strings byte by byte; NULL
 * apart from every text). The figures are Quell's own: no other server has the same.
 */
#include <string.h>

#include "base/bulk.h"
#include "base/hash.h"
#include "stmts/stmts_int.h"

#define SEED UINT64_C(0x9e3779b97f4a7c15)

static ql_status
add_value(ql_ctx *cx, const ql_value *v, uint64_t *hash)
{
    char text[QL_VALUE_TEXT_MAX];
    if (v->kind == QL_K_NULL) {
        *hash = ql_hash_u64(*hash + SEED);
        return QL_OK;
    }
    ql_str s = v->s;
    ql_arena_mark mark = ql_arena_save(cx->arena);
    if (ql_kind_is_list(v->kind)) {
        QL_TRY(ql_value_to_str(cx, cx->arena, v, &s));
    } else if (ql_kind_slot(v->kind) != QL_SLOT_STRING) {
        s = (ql_str){text, ql_value_print(v, text)};
    }
    ql_status st = ql_bulk_hash(cx, s, *hash, hash);
    ql_arena_restore(cx->arena, mark);
    return st;
}

static ql_status
sum_batch(ql_ctx *cx, const ql_batch *b, uint16_t ncols, uint64_t *sum)
{
    for (uint16_t i = 0; i < b->nsel; i++) {
        uint64_t hash = SEED;
        QL_TRY(ql_bulk_node(cx));
        for (uint16_t c = 0; c < ncols; c++) {
            ql_value v;
            ql_vector_get(&b->cols[c], ql_batch_row(b, i), &v);
            QL_TRY(add_value(cx, &v, &hash));
        }
        *sum += ql_hash_u64(hash);
    }
    return QL_OK;
}

static ql_status
sum_rows(ql_ctx *cx, ql_arena *mem, ql_table *tab, uint64_t *sum)
{
    uint16_t *ordinals = QL_ARENA_ARRAY(cx, mem, uint16_t, tab->ncolumns + 1);
    ql_scan *scan;
    ql_batch *b;
    ql_status st;
    if (ordinals == NULL) {
        return QL_ERROR;
    }
    uint16_t n = 0;
    for (uint16_t i = 0; i < tab->ncolumns; i++) {
        if (!tab->columns[i].hidden) { /* those of functional keys belong to the index */
            ordinals[n++] = i;
        }
    }
    ql_scan_spec spec = {.table = tab, .ordinals = ordinals, .ncols = n, .view = QL_VIEW_STATEMENT};
    QL_TRY(ql_scan_open(cx, mem, &spec, &scan));
    while ((st = ql_scan_next(cx, scan, &b)) == QL_OK) {
        QL_TRY(sum_batch(cx, b, n, sum));
    }
    ql_scan_close(scan);
    return st == QL_END ? QL_OK : st;
}

/* *known false: there is no sum to be had without reading the rows. */
static ql_status
sum_table(ql_ctx *cx, ql_run *run, ql_str db, ql_str name, bool quick, uint64_t *sum, bool *known)
{
    ql_table *tab;
    ql_arena *mem;
    QL_TRY(ql_run_arena(run, "checksum", &mem));
    QL_TRY(ql_catalog_open_table(cx, mem, db, name, QL_MDL_SR, true, &tab));
    if (tab->is_virtual || tab->view != NULL) {
        return ql_fail(cx, QL_ER_WRONG_OBJECT, ql_zstr_in(cx, mem, db), ql_zstr_in(cx, mem, name),
                       "BASE TABLE");
    }
    *known = !quick;
    if (quick) {
        return QL_OK;
    }
    QL_TRY(ql_table_lock(cx, tab, false));
    return sum_rows(cx, mem, tab, sum);
}

static ql_status
one_table(ql_ctx *cx, qli_table *t, const ql_ast_table_name *n, bool quick)
{
    ql_str db = n->db.n > 0 ? n->db : cx->vars->db;
    uint64_t sum = 0;
    bool known = false;
    ql_value *row;
    qli_reason why;
    char *full =
        ql_arena_printf(cx, t->mem, "%.*s.%.*s", (int)db.n, db.p, (int)n->name.n, n->name.p);
    if (full == NULL) {
        return QL_ERROR;
    }
    ql_status st = sum_table(cx, t->run, db, n->name, quick, &sum, &known);
    if (st != QL_OK) {
        QL_TRY(qli_answer_error(cx, ql_intr_outcome(cx, st), &why));
        ql_warn_text(cx, QL_DIAG_WARNING, (ql_errcode)why.number, "%s", why.text);
        known = false;
    }
    QL_TRY(qli_table_row(cx, t, &row));
    row[0] = qli_text(full);
    if (known) {
        row[1] = ql_value_int((int64_t)(sum & INT64_MAX));
    }
    return QL_OK;
}

ql_status
qli_exec_checksum(ql_ctx *cx, ql_run *run)
{
    const ql_ast_admin *a = run->stmt->ast->admin;
    bool quick = a->noptions > 0 && ql_str_eq(a->options[0], QL_STR("QUICK"));
    ql_type number = ql_type_int(false);
    qli_table t;
    QL_TRY(qli_admin_may(cx, a, QL_PM(SELECT)));
    QL_TRY(qli_table_init(run, &t, 2));
    qli_table_string(&t, 0, "Table", 128, true);
    number.nullable = true;
    qli_table_column(&t, 1, "Checksum", number);
    QL_TRY(qli_table_begin(cx, &t, NULL));
    for (uint32_t i = 0; i < a->tables.n; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(one_table(cx, &t, &a->tables.v[i], quick));
    }
    return qli_table_send(cx, &t, NULL, 0);
}
