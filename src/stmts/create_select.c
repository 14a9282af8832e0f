/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE TABLE ... SELECT: the table is made under ids that nobody knows, its rows are written in
 * blocks and its indexes after them (table/build.h), with bounded memory; then one commit gives it
 * its name. What fails, is killed or crashes before that leaves ids for the purger, nothing else.
 * A temporary one is made and filled as by an INSERT.
 */
#include "exec/foreign.h"
#include "intr/sync.h"
#include "resolve/resolve.h"
#include "resolve/tablespec.h"
#include "rewrite/rewrite.h"
#include "stmts/inserter_int.h"

/* The query's rows: as an INSERT ... SELECT reads them. */
static ql_status
fill(ql_ctx *cx, ql_run *run, const ql_rinsert *ins, ql_build *build)
{
    ql_rinsert copy = *ins;
    ql_rstmt insert = {.kind = QL_S_INSERT, .ast = run->stmt->ast, .insert = &copy};
    ql_rstmt *saved = run->stmt;
    run->stmt = &insert;
    ql_status st = qli_insert_query(cx, run, &copy, build);
    run->stmt = saved;
    return st;
}

static ql_status
build_table(ql_ctx *cx, ql_run *run, const ql_rinsert *ins)
{
    ql_arena *mem;
    ql_build *build = NULL;
    QL_TRY(ql_run_arena(run, "new table", &mem));
    QL_TRY(ql_catalog_build_begin(cx, ins->table, NULL, &run->building));
    ql_status st = ql_build_new(cx, mem, ins->table, NULL, &build);
    st = st == QL_OK ? fill(cx, run, ins, build) : st;
    if (st == QL_OK) {
        ql_table_rows_init(ins->table, (int64_t)ql_build_rows(build));
    }
    ql_build_free(cx, build);
    return st;
}

static ql_status
resolve_rows(ql_ctx *cx, ql_run *run, const ql_ast_create_table *ct, ql_table_spec *spec,
             ql_rinsert *ins)
{
    ql_database db;
    ql_rstmt *query;
    QL_TRY(ql_resolve_table_query(cx, run->stmt, &query));
    QL_TRY(ql_table_lock_uses(cx, query->uses, query->nuses));
    ql_status st = ql_catalog_find_database(cx, spec->db, &db);
    if (st == QL_END) {
        return ql_fail(cx, QL_ER_BAD_DB_ERROR, ql_cstr(cx, spec->db));
    }
    QL_TRY(st);
    *ins = (ql_rinsert){.replace = ct->duplicates == QL_DUP_REPLACE,
                        .ignore = ct->duplicates == QL_DUP_IGNORE,
                        .ncolumns = query->query->nitems,
                        .ncalls = query->ncalls,
                        .select = query->query};
    ins->columns = QL_ARENA_ARRAY(cx, cx->arena, uint16_t, ins->ncolumns + 1u);
    if (ins->columns == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_spec_from_query(cx, ct, db.coll != NULL ? db.coll : ql_coll_default, query->query,
                              spec, ins->columns));
    return ql_rewrite_query(cx, query->query);
}

/* Its rows are part of the transaction that is open; the table goes with them if this fails. */
static ql_status
fill_temporary(ql_ctx *cx, ql_run *run, const ql_table_spec *spec, ql_rinsert *ins)
{
    QL_TRY(ql_catalog_create_table(cx, spec));
    QL_TRY(
        ql_catalog_open_table(cx, cx->arena, spec->db, spec->name, QL_MDL_SW, true, &ins->table));
    return fill(cx, run, ins, NULL);
}

/* All rows have them; nobody changes these meanwhile, their names are locked. */
static ql_status
check_parents(ql_ctx *cx, ql_run *run, ql_table *t)
{
    uint64_t findings;
    for (uint16_t i = 0; i < t->nforeign && cx->vars->foreign_key_checks; i++) {
        QL_TRY(ql_fk_check_rows(run, t, &t->foreign[i], NULL, NULL, &findings));
    }
    return QL_OK;
}

ql_status
qli_create_select(ql_ctx *cx, ql_run *run, const ql_ast_create_table *ct, ql_table_spec *spec)
{
    ql_rinsert ins;
    QL_TRY(resolve_rows(cx, run, ct, spec, &ins));
    if (spec->temporary) {
        return fill_temporary(cx, run, spec, &ins);
    }
    QL_TRY(ql_catalog_new_table(cx, spec, &ins.table));
    ql_status st = build_table(cx, run, &ins);
    st = st == QL_OK ? check_parents(cx, run, ins.table) : st;
    st = st == QL_OK ? QL_SYNC(cx, CREATE_SELECT_FILLED) : st;
    st = st == QL_OK ? ql_catalog_add_table(cx, ins.table) : st;
    ql_table_put(ins.table);
    return st;
}
