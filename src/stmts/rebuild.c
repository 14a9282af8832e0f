/* SPDX-License-Identifier: Apache-2.0
 *
 * OPTIMIZE and REPAIR TABLE: a table's rows and indexes written anew under hidden ids, then the
 * switch, as of an ALTER TABLE that changes nothing. Stopped anywhere before the switch is
 * committed, the table is as it was and the ids go to the purger. Each table is a transaction of
 * its own.
 */
#include "resolve/tablespec.h"
#include "stmts/stmts_int.h"
#include "table/build.h"

/* The same definition, all rows and ids new. Owner: a stack frame here. */
typedef struct rebuild {
    ql_run *run;
    ql_arena *mem;
    ql_table *old, *next;
    ql_table_spec spec;
    ql_table_change change;
    ql_building *building; /* next's ids */
    ql_build *build;
} rebuild;

static ql_status
plan(ql_ctx *cx, rebuild *r)
{
    QL_TRY(ql_spec_from_table(cx, r->old, &r->spec));
    r->spec.db = r->old->db;
    r->spec.name = r->old->name;
    r->spec.foreign = r->old->foreign; /* a copy by CREATE TABLE ... LIKE has none */
    r->spec.nforeign = r->old->nforeign;
    int *from = QL_ARENA_ARRAY(cx, r->mem, int, r->old->ncolumns + 1);
    if (from == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < r->old->ncolumns; i++) {
        from[i] = i;
    }
    r->change = (ql_table_change){.spec = &r->spec, .from_column = from, .rebuild = true};
    return ql_catalog_new_version(cx, r->old, &r->change, &r->next);
}

static ql_status
begin(ql_ctx *cx, rebuild *r, ql_str db, ql_str name)
{
    QL_TRY(qli_ddl_begin(cx, r->run));
    QL_TRY(ql_run_arena(r->run, "rebuild", &r->mem));
    QL_TRY(ql_catalog_open_table(cx, r->mem, db, name, QL_MDL_SU, true, &r->old));
    if (r->old->is_virtual || r->old->view != NULL) {
        return ql_fail(cx, QL_ER_WRONG_OBJECT, ql_cstr(cx, db), ql_cstr(cx, name), "BASE TABLE");
    }
    return plan(cx, r);
}

/* The table as it was, and nothing of this one left for the next, for the statement itself may
 * still succeed: a new layer, which the session ends. */
static ql_status
undo(ql_ctx *cx, ql_status st)
{
    (void)ql_temporary_settle(cx, false);
    if (cx->txn == NULL || ql_txn_must_rollback(cx->txn)) {
        return st;
    }
    ql_txn_stmt_rollback(cx);
    ql_catalog_stmt_rolled_back(cx);
    ql_status again = ql_txn_stmt_begin(cx);
    return again == QL_OK ? st : again;
}

static ql_status
end(ql_ctx *cx, rebuild *r, ql_status st)
{
    if (st == QL_OK) {
        st = ql_catalog_switch(cx, r->old, r->next, NULL);
    }
    if (st == QL_OK) {
        st = qli_ddl_end(cx, r->run);
    }
    if (r->next != NULL) {
        ql_table_put(r->next);
    }
    if (st != QL_OK) {
        st = undo(cx, st);
    }
    ql_catalog_build_end(cx, r->building);
    return st;
}

/* ---- OPTIMIZE: all rows, beside those who read and write ---- */

ql_status
qli_table_rebuild(ql_ctx *cx, ql_run *run, ql_str db, ql_str name)
{
    rebuild r = {.run = run};
    uint64_t rows;
    ql_status st = begin(cx, &r, db, name);
    if (st == QL_OK) {
        st = qli_alter_copy(cx, run, r.old, r.next, &r.change, QLI_ALTER_NONE, &rows);
        r.building = run->building; /* of this table, not of the statement */
        run->building = NULL;
    }
    return end(cx, &r, st);
}

/* ---- REPAIR: what can be read, nobody beside it ---- */

static ql_status
begin_build(ql_ctx *cx, rebuild *r)
{
    QL_TRY(ql_table_lock_upgrade(cx, r->old, QL_MDL_X));
    QL_TRY(ql_catalog_build_begin(cx, r->next, r->old, &r->building));
    return ql_build_new(cx, r->mem, r->next, NULL, &r->build);
}

static ql_status
end_build(ql_ctx *cx, rebuild *r, ql_status st, uint64_t *rows)
{
    if (r->build != NULL) {
        *rows = ql_build_rows(r->build);
    }
    if (st == QL_OK) {
        ql_table_rows_init(r->next, (int64_t)*rows);
    }
    ql_build_free(cx, r->build);
    return st;
}

static ql_status
copy_readable(ql_ctx *cx, rebuild *r, uint64_t *lost)
{
    ql_salvage *s;
    ql_str key;
    ql_status st;
    bool keeps = r->old->indexes[0].hidden_rowid;
    ql_value *values = QL_ARENA_ARRAY(cx, r->mem, ql_value, r->old->ncolumns + 1);
    if (values == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_salvage_open(cx, r->mem, r->old, &s));
    while ((st = ql_salvage_next(cx, s, values, &key)) == QL_OK) {
        st = ql_build_row(cx, r->build, values, keeps ? key : (ql_str){0});
        if (st != QL_OK) {
            break;
        }
    }
    *lost = ql_salvage_close(s);
    return st == QL_END ? ql_build_finish(cx, r->build) : st;
}

ql_status
qli_table_repair(ql_ctx *cx, ql_run *run, ql_str db, ql_str name, uint64_t *rows, uint64_t *lost)
{
    rebuild r = {.run = run};
    ql_status st = begin(cx, &r, db, name);
    if (st == QL_OK) {
        st = begin_build(cx, &r);
    }
    if (st == QL_OK) {
        st = copy_readable(cx, &r, lost);
    }
    return end(cx, &r, end_build(cx, &r, st, rows));
}
