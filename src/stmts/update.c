/* SPDX-License-Identifier: Apache-2.0
 *
 * UPDATE and DELETE, one table or several. The scans lock what they read and give the newest
 * versions (table/scan_lock.c), so a row that arrives here is ours and matches. Writes go to the
 * statement's own layer, which the scans do not see, so that no row is met twice; only a join may
 * give a row again, or a table under two names: its newest version is then read once more. One
 * checkpoint a row.
 */
#include <stdio.h>
#include <string.h>

#include "base/bulk.h"
#include "stmts/stmts_int.h"

/* One table that is changed. */
typedef struct target {
    qli_writer w;
    const ql_source *source;
    uint16_t locator_slot;
    ql_column_assign *set;
    uint16_t nset;
    ql_ex **values;
    ql_value *newest, *new_row;
    bool *assigned;
    bool *given; /* [ncolumns] false where SET c = DEFAULT and an expression says what that is */
    ql_tupleset done; /* locators already changed, when a join may repeat them */
} target;

typedef struct changer {
    ql_run *run;
    const ql_rupdate *up;
    ql_block *block;
    bool is_delete, repeats;
    bool rereads; /* what was scanned may have changed or gone when it is its turn */
    ql_batch one; /* the row in work: a one-row vector for each slot */
    ql_arena *scratch, *done_mem;
    target *targets;
    uint64_t changed, matched;
    bool counts; /* LIMIT counts rows that are deleted, not those that are found */
    uint64_t limit;
} changer;

static ql_status
init_target(ql_ctx *cx, changer *c, uint16_t i)
{
    target *t = &c->targets[i];
    uint16_t number = c->up->targets[i];
    t->source = &c->up->read->sources[number];
    if (t->source->table == NULL || t->source->table->is_virtual) {
        return ql_fail(cx, QL_ER_NON_UPDATABLE_TABLE, ql_cstr(cx, t->source->alias),
                       c->is_delete ? "DELETE" : "UPDATE");
    }
    t->locator_slot = c->block->locator_slot[number];
    QL_TRY(qli_writer_init(c->run, &t->w, t->source->table, c->up->ignore));
    uint16_t ncolumns = t->source->table->ncolumns;
    t->newest = QL_ARENA_ARRAY(cx, cx->arena, ql_value, ncolumns);
    t->new_row = QL_ARENA_ARRAY(cx, cx->arena, ql_value, ncolumns);
    t->assigned = QL_ARENA_ARRAY(cx, cx->arena, bool, ncolumns);
    t->given = QL_ARENA_ARRAY(cx, cx->arena, bool, ncolumns);
    if (t->newest == NULL || t->new_row == NULL || t->assigned == NULL || t->given == NULL) {
        return QL_ERROR;
    }
    memset(t->given, true, ncolumns);
    ql_tupleset_init(&t->done, c->done_mem, 1);
    if (c->is_delete) {
        QL_TRY(qli_writer_guard(cx, &t->w, QL_FK_DELETES, NULL));
        c->rereads = c->rereads || ql_fk_comes_back(t->w.fk);
        return QL_OK;
    }
    ql_env env = ql_block_env(c->block, c->scratch);
    env.single = true;
    QL_TRY(qli_writer_check_with(cx, &t->w, &c->up->checks[i], c->block, &c->one, t->source));
    t->set = c->up->set[i];
    t->nset = c->up->nset[i];
    t->values = QL_ARENA_ARRAY(cx, cx->arena, ql_ex *, t->nset + 1);
    if (t->values == NULL) {
        return QL_ERROR;
    }
    for (uint16_t k = 0; k < t->nset; k++) {
        uint16_t column = t->set[k].column;
        t->assigned[column] = true;
        QL_TRY(ql_bulk_node(cx));
        if (t->set[k].value->kind == QL_E_DEFAULT &&
            ql_column_is_computed(&t->source->table->columns[column])) {
            t->given[column] = false;
            continue;
        }
        QL_TRY(ql_ex_new(cx, &env, t->set[k].value, &t->values[k]));
    }
    return qli_writer_guard(cx, &t->w, QL_FK_UPDATES, t->assigned);
}

/* Rows that went along with others, and those that IGNORE leaves, do not count for LIMIT. */
static ql_status
count_deleted(ql_ctx *cx, changer *c)
{
    if (!c->is_delete || c->up->read->limit == NULL || c->targets[0].w.fk == NULL ||
        !(c->rereads || c->up->ignore)) {
        return QL_OK;
    }
    c->counts = true;
    return ql_block_count_rows(cx, c->block, &c->limit);
}

/* May it give a row of a table more than once? Semi- and anti-joins do not. */
static bool
is_join(const ql_join_tree *t)
{
    while (!t->is_leaf && (t->kind == QL_JOIN_SEMI || t->kind == QL_JOIN_ANTI)) {
        t = t->left;
    }
    return !t->is_leaf;
}

static ql_status
init(ql_ctx *cx, ql_run *run, changer *c, bool is_delete)
{
    const ql_rupdate *up = run->stmt->update;
    *c = (changer){.run = run, .up = up, .is_delete = is_delete};
    bool *wanted = QL_ARENA_ARRAY(cx, cx->arena, bool, up->read->nsources + 1);
    c->targets = QL_ARENA_ARRAY(cx, cx->arena, target, up->ntargets + 1);
    if (wanted == NULL || c->targets == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < up->ntargets; i++) {
        wanted[up->targets[i]] = true;
    }
    c->repeats = c->rereads = is_join(up->read->from);
    QL_TRY(ql_block_new(run, NULL, up->read, NULL, wanted, &c->block));
    QL_TRY(ql_run_arena(run, "update", &c->scratch));
    QL_TRY(ql_run_arena(run, "locators", &c->done_mem));
    c->one = (ql_batch){.n = 1, .nsel = 1, .ncols = c->block->nslots};
    c->one.cols = QL_ARENA_ARRAY(cx, cx->arena, ql_vector, c->block->nslots + 1);
    if (c->one.cols == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < c->block->nslots; i++) {
        QL_TRY(ql_vector_init(cx, cx->arena, &c->one.cols[i], &c->block->slot_types[i], true));
    }
    for (uint16_t i = 0; i < up->ntargets; i++) {
        QL_TRY(init_target(cx, c, i));
    }
    return count_deleted(cx, c);
}

static void
set_slot(ql_batch *one, uint16_t slot, const ql_value *v)
{
    one->cols[slot].has_nulls = false;
    ql_vector_set(&one->cols[slot], 0, v);
}

/* The row in work: as the scan gave it, then the target's newest version over it. */
static void
load_row(changer *c, const ql_batch *b, uint16_t row)
{
    const uint16_t *live;
    uint16_t n = ql_block_live(c->block, &live);
    for (uint16_t i = 0; i < n; i++) {
        ql_value v;
        ql_vector_get(&b->cols[live[i]], row, &v);
        set_slot(&c->one, live[i], &v);
    }
}

static void
load_newest(changer *c, const target *t)
{
    for (uint16_t i = 0; i < t->source->ncols; i++) {
        set_slot(&c->one, t->source->slots[i], &t->newest[t->source->ordinals[i]]);
    }
}

/* The scan has locked the row and read its newest version, with all columns. */
static void
take_newest(target *t, const ql_batch *b, uint16_t row)
{
    for (uint16_t i = 0; i < t->source->ncols; i++) {
        ql_vector_get(&b->cols[t->source->slots[i]], row, &t->newest[t->source->ordinals[i]]);
    }
}

static uint16_t
slot_of(const target *t, uint16_t column)
{
    for (uint16_t i = 0; i < t->source->ncols; i++) {
        if (t->source->ordinals[i] == column) {
            return t->source->slots[i];
        }
    }
    return QL_NO_SLOT;
}

static ql_status
compute_row(ql_ctx *cx, changer *c, target *t)
{
    const ql_table *tab = t->source->table;
    memcpy(t->new_row, t->newest, sizeof(ql_value) * tab->ncolumns);
    c->run->dml_table = tab;
    for (uint16_t k = 0; k < t->nset; k++) {
        uint16_t column = t->set[k].column, slot = slot_of(t, column);
        ql_value v;
        QL_TRY(ql_bulk_count(cx, t->source->ncols));
        if (t->values[k] == NULL) {
            continue;
        }
        QL_TRY(ql_ex_one(cx, t->values[k], &c->one, 0, &v));
        QL_TRY(qli_writer_store(cx, &t->w, column, &v, &t->new_row[column]));
        QL_TRY(ql_value_keep(cx, t->w.row_mem, &t->new_row[column]));
        if (slot != QL_NO_SLOT) {
            set_slot(&c->one, slot, &t->new_row[column]);
        }
    }
    return ql_complete_defaults(cx, t->w.completer, t->new_row, t->given, t->w.row_no);
}

static ql_status
update_row(ql_ctx *cx, changer *c, target *t, ql_str locator)
{
    ql_table *tab = t->source->table;
    ql_write_result result;
    ql_dup dup;
    bool same, keep;
    QL_TRY(compute_row(cx, c, t));
    c->matched++;
    QL_TRY(qli_rows_identical(cx, t->newest, t->new_row, tab->ncolumns, &same));
    if (same) {
        return QL_OK;
    }
    for (uint16_t i = 0; i < tab->ncolumns; i++) {
        if (tab->columns[i].on_update_now && !t->assigned[i]) {
            t->new_row[i] = ql_now_value(cx, tab->types[i].kind, tab->types[i].decimals);
        }
    }
    QL_TRY(qli_writer_complete(cx, &t->w, t->new_row, NULL, &keep));
    if (!keep) {
        return QL_OK;
    }
    QL_TRY(qli_writer_update(cx, &t->w, locator, t->newest, t->new_row, &result, &dup, &keep));
    if (!keep) {
        return QL_OK;
    }
    if (result == QL_DUPLICATE) {
        ql_status st = ql_table_dup_error(cx, tab, &dup);
        return t->w.ignore ? qli_error_to_warning(cx, st) : st;
    }
    c->changed++;
    return qli_autoinc_changed(cx, tab, t->newest, t->new_row);
}

/* A join may give the same row of a target many times; it is changed once. */
static ql_status
first_time(ql_ctx *cx, changer *c, target *t, const ql_batch *b, uint16_t row, bool *yes)
{
    ql_vector *col = &b->cols[t->locator_slot];
    ql_value v;
    uint64_t h;
    *yes = true;
    if (!c->repeats) {
        return QL_OK;
    }
    ql_vector_get(col, row, &v);
    QL_TRY(ql_hash_value(cx, &v, ql_coll_binary, 0, &h));
    return ql_tupleset_add(cx, &t->done, &col, row, h, yes);
}

static ql_status
change_target(ql_ctx *cx, changer *c, target *t, const ql_batch *b, uint16_t row)
{
    ql_vector *col = &b->cols[t->locator_slot];
    bool yes;
    if (ql_vector_null_at(col, row)) {
        return QL_OK; /* no partner in an outer join */
    }
    QL_TRY(first_time(cx, c, t, b, row, &yes));
    if (!yes) {
        return QL_OK;
    }
    QL_TRY(qli_writer_next(cx, &t->w));
    ql_str locator = col->s[col->is_const ? 0 : row];
    load_row(c, b, row);
    if (!c->rereads) {
        take_newest(t, b, row);
    } else {
        ql_status st = ql_table_lock_row(cx, t->w.row_mem, t->source->table, locator, t->newest);
        if (st == QL_END) {
            return QL_OK; /* deleted by this statement under another name, or along with a row */
        }
        QL_TRY(st);
        load_newest(c, t);
    }
    if (!c->is_delete) {
        return update_row(cx, c, t, locator);
    }
    QL_TRY(qli_writer_delete(cx, &t->w, locator, t->newest, &yes));
    c->changed += yes;
    return QL_OK;
}

/* Does the plan read all rows of the source, no key narrowing them? */
static bool
reads_all(const ql_plan *p, uint16_t source)
{
    if (p == NULL) {
        return false;
    }
    if (p->kind == QL_P_SCAN && p->source == source) {
        return p->low.n == 0 && p->high.n == 0;
    }
    return reads_all(p->left, source) || reads_all(p->right, source);
}

/* sql_safe_updates: a key or LIMIT must bound what is changed. */
static ql_status
check_safe(ql_ctx *cx, const changer *c)
{
    if (!cx->vars->sql_safe_updates || c->up->read->limit != NULL) {
        return QL_OK;
    }
    for (uint16_t i = 0; i < c->up->ntargets; i++) {
        if (reads_all(c->block->plan->root, c->up->targets[i])) {
            return ql_fail(cx, QL_ER_UPDATE_WITHOUT_KEY_IN_SAFE_MODE, "");
        }
    }
    return QL_OK;
}

#define SCRATCH_LIMIT (256 * 1024)

static bool
is_done(const changer *c)
{
    return c->counts && c->changed >= c->limit;
}

static ql_status
change_all(ql_ctx *cx, changer *c)
{
    ql_batch *b;
    ql_status st = QL_END;
    while (!is_done(c) && (st = ql_block_rows(cx, c->block, &b)) == QL_OK) {
        for (uint16_t k = 0; k < b->nsel && !is_done(c); k++) {
            if (ql_arena_used(c->scratch) > SCRATCH_LIMIT) {
                ql_arena_reset(c->scratch);
            }
            for (uint16_t i = 0; i < c->up->ntargets; i++) {
                QL_TRY(change_target(cx, c, &c->targets[i], b, ql_batch_row(b, k)));
            }
        }
    }
    return st == QL_END || st == QL_OK ? ql_check(cx) : st;
}

ql_status
qli_exec_update(ql_ctx *cx, ql_run *run)
{
    changer c;
    cx->vars->last_insert_id_given = false;
    QL_TRY(init(cx, run, &c, false));
    QL_TRY(check_safe(cx, &c));
    QL_TRY(change_all(cx, &c));
    bool found_rows =
        run->ops != NULL && run->ops->client_found_rows != NULL && run->ops->client_found_rows(cx);
    run->out->affected_rows = found_rows ? c.matched : c.changed;
    if (cx->vars->last_insert_id_given) {
        run->out->last_insert_id = cx->vars->last_insert_id;
    }
    snprintf(run->out->info, sizeof run->out->info,
             "Rows matched: %llu  Changed: %llu  Warnings: %llu", (unsigned long long)c.matched,
             (unsigned long long)c.changed, (unsigned long long)ql_diag_warning_count(cx->diag));
    return QL_OK;
}

ql_status
qli_exec_delete(ql_ctx *cx, ql_run *run)
{
    changer c;
    QL_TRY(init(cx, run, &c, true));
    QL_TRY(check_safe(cx, &c));
    QL_TRY(change_all(cx, &c));
    run->out->affected_rows = c.changed;
    return QL_OK;
}
