/* SPDX-License-Identifier: Apache-2.0
 *
 * ALTER TABLE, CREATE INDEX, DROP INDEX. The plan is made under a lock that lets others read and
 * write; what changes the definition alone then takes the exclusive one and commits it. One commit
 * shows all of it, or nothing.
 */
#include <stdio.h>

#include "catalog/foreign.h"
#include "exec/foreign.h"
#include "resolve/alterspec.h"
#include "stmts/stmts_int.h"

/* One statement; in the executor's frame. */
typedef struct work {
    ql_run *run;
    const ql_ast_alter *a;
    ql_str db;
    ql_str new_db, new_name; /* RENAME; n 0 = none */
    ql_table *old;
    ql_alter_plan plan;
    uint64_t rows; /* that were written anew */
} work;

static ql_status
may_alter(ql_ctx *cx, const work *w)
{
    const ql_ast_table_name *t = &w->a->table;
    bool own = ql_is_temporary(cx, w->db, t->name);
    if (w->run->stmt->kind != QL_S_ALTER_TABLE) {
        return own ? QL_OK : ql_acl_require_table(cx, QL_PRIV_INDEX, w->db, t->name);
    }
    ql_pmask need = QL_PM(ALTER) | (w->new_name.n > 0 ? QL_PM(DROP) : 0);
    QL_TRY(own ? QL_OK : ql_acl_require_on_table(cx, need, w->db, t->name));
    return w->new_name.n > 0
               ? ql_acl_require_on_table(cx, QL_PM(CREATE) | QL_PM(INSERT), w->new_db, w->new_name)
               : QL_OK;
}

static ql_status
take_names(ql_ctx *cx, work *w)
{
    const ql_ast_alter *a = w->a;
    w->db = a->table.db.n > 0 ? a->table.db : cx->vars->db;
    if (w->db.n == 0) {
        return ql_fail(cx, QL_ER_NO_DB_ERROR);
    }
    if (a->to.name.n > 0) {
        w->new_db = a->to.db.n > 0 ? a->to.db : cx->vars->db.n > 0 ? cx->vars->db : w->db;
        w->new_name = a->to.name;
    }
    bool same = ql_str_eq(w->new_db, w->db) && ql_str_eq(w->new_name, a->table.name);
    if (same) { /* to its own name: nothing */
        w->new_name = (ql_str){0};
    }
    return QL_OK;
}

/* What rows that are there are said to have in new columns. */
static ql_status
set_new_values(ql_ctx *cx, work *w)
{
    const ql_table_spec *s = &w->plan.spec;
    bool adds = false;
    for (uint16_t i = 0; i < s->ncolumns; i++) {
        adds = adds || w->plan.change.from_column[i] < 0;
    }
    if (!adds) {
        return QL_OK;
    }
    ql_value *v = QL_ARENA_ARRAY(cx, cx->arena, ql_value, s->ncolumns);
    if (v == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < s->ncolumns; i++) {
        v[i] = ql_known_default(cx, &s->columns[i]);
    }
    w->plan.change.new_values = v;
    return QL_OK;
}

/* The largest value of the AUTO_INCREMENT column, by the index that it comes first in. */
static ql_status
largest_auto(ql_ctx *cx, work *w, ql_table *t, uint64_t *largest)
{
    uint16_t column = (uint16_t)t->auto_column;
    const ql_index *ix = NULL;
    ql_arena *mem;
    ql_scan *scan;
    ql_batch *b;
    *largest = 0;
    for (uint16_t i = 0; i < t->nindexes && ix == NULL; i++) {
        const ql_index *x = &t->indexes[i];
        ix = x->nparts > 0 && x->parts[0].column == column ? x : NULL;
    }
    if (ix == NULL) {
        return QL_OK;
    }
    QL_TRY(ql_run_arena(w->run, "alter", &mem));
    ql_scan_spec spec = {.table = t,
                         .index = ix,
                         .ordinals = &column,
                         .ncols = 1,
                         .reverse = !ix->parts[0].descending,
                         .view = QL_VIEW_LATEST};
    QL_TRY(ql_scan_open(cx, mem, &spec, &scan));
    ql_status st = ql_scan_next(cx, scan, &b);
    if (st == QL_OK && b->nsel > 0) {
        ql_value v;
        ql_vector_get(&b->cols[0], b->sel != NULL ? b->sel[0] : 0, &v);
        if (v.kind == QL_K_INT && (v.is_unsigned || v.i > 0)) {
            *largest = v.u;
        } else if (v.kind == QL_K_DOUBLE && v.d > 0) {
            *largest = (uint64_t)v.d;
        }
    }
    ql_scan_close(scan);
    return st == QL_END ? QL_OK : st;
}

/* AUTO_INCREMENT=n: not below what is there; nobody else writes. */
static ql_status
settle_auto(ql_ctx *cx, work *w)
{
    uint64_t largest = 0;
    if (w->old->auto_column < 0 || w->plan.spec.auto_increment == 0) {
        w->plan.spec.auto_increment = 0;
        return QL_OK;
    }
    QL_TRY(largest_auto(cx, w, w->old, &largest));
    if (w->plan.spec.auto_increment <= largest && largest < UINT64_MAX) {
        w->plan.spec.auto_increment = largest + 1;
    }
    return QL_OK;
}

/* Does the table have rows? */
static ql_status
has_rows(ql_ctx *cx, work *w, bool *yes)
{
    uint16_t column = 0;
    ql_arena *mem;
    ql_scan *scan;
    ql_batch *b;
    QL_TRY(ql_run_arena(w->run, "alter", &mem));
    ql_scan_spec spec = {.table = w->old, .ordinals = &column, .ncols = 1, .view = QL_VIEW_LATEST};
    QL_TRY(ql_scan_open(cx, mem, &spec, &scan));
    ql_status st = ql_scan_next(cx, scan, &b);
    *yes = st == QL_OK;
    ql_scan_close(scan);
    return st == QL_END ? QL_OK : st;
}

/* 1292: rows would get 0000-00-00, which the mode does not allow. */
static ql_status
check_zero_date(ql_ctx *cx, work *w)
{
    bool yes = false;
    if (w->plan.zero_date == NULL) {
        return QL_OK;
    }
    QL_TRY(has_rows(cx, w, &yes));
    if (!yes) {
        return QL_OK;
    }
    const ql_column *c = w->plan.zero_date;
    bool is_date = c->type.field == QL_F_DATE;
    return ql_fail_text(cx, QL_ER_TRUNCATED_WRONG_VALUE,
                        "Incorrect %s value: '%s' for column '%s' "
                        "at row 1",
                        is_date ? "date" : "datetime",
                        is_date ? "0000-00-00" : "0000-00-00 00:00:00", ql_cstr(cx, c->name));
}

/* --- foreign keys ---------------------------------------------------------------------------- */

/* Could the action change what ties the table to others? */
static bool
may_touch_others(const ql_ast_alter *a, const ql_ast_action *v)
{
    switch (v->kind) {
    case QL_ALTER_ADD_COLUMN:
    case QL_ALTER_SET_DEFAULT:
    case QL_ALTER_DROP_DEFAULT:
    case QL_ALTER_COLUMN_VISIBLE:
    case QL_ALTER_KEY_VISIBLE:
    case QL_ALTER_ADD_CHECK:
    case QL_ALTER_DROP_CHECK:
        return false;
    case QL_ALTER_ADD_KEY:
        return a->defs.keys[v->at].kind != QL_KEY_PLAIN;
    default:
        return true;
    }
}

static bool
touches_others(const work *w)
{
    const ql_ast_alter *a = w->a;
    bool yes = w->new_name.n > 0 || a->convert || a->defs.noptions > 0;
    for (uint32_t i = 0; i < a->n && !yes; i++) {
        yes = may_touch_others(a, &a->v[i]);
    }
    return yes;
}

/* Parents and children, as they are now and are to be; the table itself too. */
static ql_status
collect_family(ql_ctx *cx, const work *w, ql_name_list *l)
{
    QL_TRY(ql_name_list_add(cx, l, w->db, w->a->table.name));
    QL_TRY(ql_foreign_family(cx, w->db, w->a->table.name, l));
    QL_TRY(w->new_name.n > 0 ? ql_foreign_family(cx, w->new_db, w->new_name, l) : QL_OK);
    return qli_foreign_parents(cx, &w->a->defs, w->db, l);
}

/* Whoever changes definitions of the same family waits here, so that the exclusive locks at the end
 * are waited for by one of them. Others read and write. */
static ql_status
lock_family(ql_ctx *cx, const work *w)
{
    ql_name_list l = {0};
    if (!touches_others(w) || ql_is_temporary(cx, w->db, w->a->table.name)) {
        return QL_OK;
    }
    for (size_t before = 0;; before = l.n) {
        QL_TRY(collect_family(cx, w, &l));
        if (l.n == before || (l.n == 1 && cx->locked != NULL)) {
            return QL_OK;
        }
        QL_TRY(qli_foreign_lock_list(cx, &l, QL_MDL_SU, before > 0));
    }
}

/* All whose records change, with the table itself. */
static ql_status
lock_affected(ql_ctx *cx, const work *w, const ql_table *next)
{
    ql_name_list l = {0};
    if (w->old->temporary) {
        return QL_OK;
    }
    QL_TRY(ql_name_list_add(cx, &l, w->old->db, w->old->name));
    QL_TRY(ql_foreign_affected(cx, w->old, next, &w->plan.change, &l));
    return ql_name_list_lock(cx, &l, QL_MDL_X, true);
}

/* Rows that are there have the parents that new foreign keys ask for. Nobody writes these from here
 * on; the table itself is locked. */
static ql_status
check_foreign_rows(ql_ctx *cx, const work *w, ql_table *next)
{
    const ql_table_spec *s = &w->plan.spec;
    ql_name_list l = {0};
    if (!w->plan.foreign_adds || w->old->temporary || !cx->vars->foreign_key_checks) {
        return QL_OK;
    }
    for (uint16_t i = w->plan.foreign_kept; i < s->nforeign; i++) {
        const ql_foreign_key *k = &s->foreign[i];
        if (!ql_foreign_refers_to(k, w->old->db, w->old->name)) {
            QL_TRY(ql_name_list_add(cx, &l, k->parent_db, k->parent_name));
        }
    }
    QL_TRY(ql_name_list_lock(cx, &l, QL_MDL_SNW, true));
    for (uint16_t i = w->plan.foreign_kept; i < s->nforeign; i++) {
        for (uint16_t k = 0; k < next->nforeign; k++) {
            uint64_t findings;
            if (ql_str_eq(next->foreign[k].name, s->foreign[i].name)) {
                QL_TRY(ql_fk_check_rows(w->run, next, &next->foreign[k], NULL, NULL, &findings));
            }
        }
    }
    return QL_OK;
}

static ql_status
lock_new_name(ql_ctx *cx, work *w)
{
    if (w->old->temporary) {
        return ql_is_temporary(cx, w->new_db, w->new_name)
                   ? ql_fail(cx, QL_ER_TABLE_EXISTS_ERROR, ql_cstr(cx, w->new_name))
                   : QL_OK;
    }
    QL_TRY(ql_catalog_lock_new_name(cx, w->new_db, w->new_name));
    return qli_check_name_free(cx, w->new_db, w->new_name);
}

/* The definition alone. What is wrong with it is found before anybody is waited for. */
static ql_status
switch_now(ql_ctx *cx, work *w)
{
    ql_table *next;
    QL_TRY(ql_catalog_new_version(cx, w->old, &w->plan.change, &next));
    ql_status st = lock_affected(cx, w, next);
    if (st == QL_OK && w->plan.sets_auto) {
        ql_table_put(next);
        QL_TRY(settle_auto(cx, w));
        QL_TRY(ql_catalog_new_version(cx, w->old, &w->plan.change, &next));
    }
    st = st == QL_OK ? ql_catalog_switch(cx, w->old, next, &w->plan.change) : st;
    st = st == QL_OK ? qli_ddl_end(cx, w->run) : st;
    ql_table_put(next);
    return st;
}

/* What others may do meanwhile: as little is kept from them as the algorithm allows. */
static qli_alter_lock
lock_of(const work *w)
{
    if (w->old->temporary) {
        return QLI_ALTER_SHARED; /* there are no others */
    }
    switch (w->a->lock) {
    case QL_LOCK_SHARED:
        return QLI_ALTER_SHARED;
    case QL_LOCK_EXCLUSIVE:
        return QLI_ALTER_EXCLUSIVE;
    default:
        return w->plan.way == QL_WAY_COPY || w->plan.adds_auto ? QLI_ALTER_SHARED : QLI_ALTER_NONE;
    }
}

/* Rows or index entries are written first. */
static ql_status
copy_and_switch(ql_ctx *cx, work *w)
{
    ql_table *next;
    QL_TRY(ql_catalog_new_version(cx, w->old, &w->plan.change, &next));
    ql_status st = ql_alter_plan_check_values(cx, w->old, &w->plan);
    st = st == QL_OK
             ? qli_alter_copy(cx, w->run, w->old, next, &w->plan.change, lock_of(w), &w->rows)
             : st;
    st = st == QL_OK ? check_foreign_rows(cx, w, next) : st;
    st = st == QL_OK ? lock_affected(cx, w, next) : st;
    st = st == QL_OK ? ql_catalog_switch(cx, w->old, next, &w->plan.change) : st;
    st = st == QL_OK ? qli_ddl_end(cx, w->run) : st;
    ql_table_put(next);
    return st;
}

/* Neither rows nor index entries. */
static bool
writes_nothing(const ql_alter_plan *p)
{
    bool nothing = p->way <= QL_WAY_BUILD;
    for (uint16_t i = 0; i < p->spec.nindexes; i++) {
        nothing = nothing && p->change.from_index[i] >= 0;
    }
    return nothing;
}

static ql_status
work_on(ql_ctx *cx, work *w)
{
    ql_alter_plan *p = &w->plan;
    QL_TRY(ql_alter_plan_make(cx, w->old, w->a, p));
    QL_TRY(w->new_name.n > 0 ? lock_new_name(cx, w) : QL_OK);
    QL_TRY(ql_alter_plan_check(cx, w->old, w->a, p));
    if (!p->acts && w->new_name.n == 0) {
        return qli_ddl_end(cx, w->run);
    }
    QL_TRY(check_zero_date(cx, w));
    QL_TRY(set_new_values(cx, w));
    return writes_nothing(p) ? switch_now(cx, w) : copy_and_switch(cx, w);
}

static void
tell(ql_ctx *cx, const work *w, ql_outcome *out)
{
    if (!w->plan.acts) {
        return;
    }
    out->affected_rows = w->plan.way == QL_WAY_COPY ? w->rows : 0;
    snprintf(out->info, sizeof out->info, "Records: %llu  Duplicates: 0  Warnings: %llu",
             (unsigned long long)out->affected_rows,
             (unsigned long long)ql_diag_warning_count(cx->diag));
}

ql_status
qli_exec_alter(ql_ctx *cx, ql_run *run)
{
    work w = {.run = run, .a = run->stmt->ast->alter};
    QL_TRY(take_names(cx, &w));
    QL_TRY(may_alter(cx, &w));
    QL_TRY(qli_foreign_may(cx, &w.a->defs, w.db));
    QL_TRY(qli_ddl_begin(cx, run));
    QL_TRY(lock_family(cx, &w));
    QL_TRY(ql_catalog_open_table(cx, cx->arena, w.db, w.a->table.name, QL_MDL_SU, true, &w.old));
    if (w.old->view != NULL) {
        return ql_fail(cx, QL_ER_WRONG_OBJECT, ql_cstr(cx, w.db), ql_cstr(cx, w.old->name),
                       "BASE TABLE");
    }
    if (w.a->keys >= 0 && ql_table_is_transactional(w.old)) { /* they are always in step */
        ql_warn(cx, QL_DIAG_NOTE, QL_ER_ILLEGAL_HA, ql_cstr(cx, w.old->name));
    }
    ql_lock_rename r = {w.db, w.a->table.name, w.new_db, w.new_name};
    size_t nr = w.new_name.n > 0 && !w.old->temporary;
    QL_TRY(ql_locked_tables_rename(cx, &r, nr));
    QL_TRY(work_on(cx, &w));
    ql_locked_tables_renamed(cx, &r, nr);
    tell(cx, &w, run->out);
    return QL_OK;
}
