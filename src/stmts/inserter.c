/* SPDX-License-Identifier: Apache-2.0
 *
 * One row on its way into a table: AUTO_INCREMENT, what happens on a duplicate key (error, IGNORE,
 * REPLACE, ON DUPLICATE KEY UPDATE). Where the values come from is the caller's: insert.c. One
 * checkpoint a row.
 */
#include "stmts/inserter_int.h"

static ql_status
init_row_batch(ql_ctx *cx, const ql_table *t, ql_batch *b)
{
    b->cols = QL_ARENA_ARRAY(cx, cx->arena, ql_vector, t->ncolumns);
    if (b->cols == NULL) {
        return QL_ERROR;
    }
    b->n = b->nsel = 1;
    b->ncols = t->ncolumns;
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        QL_TRY(ql_vector_init(cx, cx->arena, &b->cols[i], &t->types[i], true));
    }
    return QL_OK;
}

void
qli_batch_set(ql_batch *b, uint16_t column, const ql_value *v)
{
    b->cols[column].has_nulls = false;
    ql_vector_set(&b->cols[column], 0, v);
}

static ql_status
init_on_duplicate(ql_ctx *cx, qli_inserter *in)
{
    const ql_table *t = in->ins->table;
    ql_env env = ql_block_env(in->block, in->w.row_mem);
    env.single = true;
    in->old = QL_ARENA_ARRAY(cx, cx->arena, ql_value, t->ncolumns);
    in->new_row = QL_ARENA_ARRAY(cx, cx->arena, ql_value, t->ncolumns);
    in->updates = QL_ARENA_ARRAY(cx, cx->arena, ql_ex *, in->ins->non_duplicate + 1);
    if (in->old == NULL || in->new_row == NULL || in->updates == NULL) {
        return QL_ERROR;
    }
    QL_TRY(init_row_batch(cx, t, &in->existing));
    for (uint16_t i = 0; i < in->ins->non_duplicate; i++) {
        const ql_column_assign *a = &in->ins->on_duplicate[i];
        if (a->value->kind == QL_E_DEFAULT && ql_column_is_computed(&t->columns[a->column])) {
            in->update_given[a->column] = false;
            continue;
        }
        QL_TRY(ql_ex_new(cx, &env, a->value, &in->updates[i]));
    }
    return QL_OK;
}

static ql_status
guard(ql_ctx *cx, qli_inserter *in)
{
    const ql_rinsert *ins = in->ins;
    unsigned what = QL_FK_INSERTS;
    what |= ins->replace ? QL_FK_DELETES : 0;
    what |= ins->non_duplicate > 0 ? QL_FK_UPDATES : 0;
    bool *changing = QL_ARENA_ARRAY(cx, cx->arena, bool, ins->table->ncolumns);
    if (changing == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < ins->non_duplicate; i++) {
        changing[ins->on_duplicate[i].column] = true;
    }
    return qli_writer_guard(cx, &in->w, what, changing);
}

/* MySQL replaces a row by changing it where it can stand in the way under one key only and no
 * foreign key refers to the table; what changes nothing is not counted as deleted then. */
static ql_status
can_keep_same(ql_ctx *cx, const ql_table *t, bool *yes)
{
    ql_child *v;
    size_t n;
    unsigned unique = 0;
    for (uint16_t i = 0; i < t->nindexes; i++) {
        unique += t->indexes[i].unique && !t->indexes[i].hidden_rowid;
    }
    QL_TRY(ql_catalog_children(cx, cx->arena, t->db, t->name, &v, &n));
    *yes = unique == 1 && n == 0;
    return QL_OK;
}

ql_status
qli_inserter_init(ql_ctx *cx, ql_run *run, const ql_rinsert *ins, qli_inserter *in)
{
    *in = (qli_inserter){.run = run, .ins = ins};
    QL_TRY(qli_writer_init(run, &in->w, ins->table, ins->ignore));
    QL_TRY(ql_block_of_row(run, cx->arena, ins->row, &in->block));
    QL_TRY(qli_writer_check_with(cx, &in->w, &ins->check, in->block, NULL, NULL));
    QL_TRY(guard(cx, in));
    QL_TRY(ins->replace ? can_keep_same(cx, ins->table, &in->keeps_same) : QL_OK);
    in->given = QL_ARENA_ARRAY(cx, cx->arena, ql_value, ins->ncolumns + 1);
    uint32_t more = ins->select != NULL ? ins->select->nitems - ins->ncolumns : 0;
    in->row = QL_ARENA_ARRAY(cx, cx->arena, ql_value, ins->table->ncolumns + more);
    in->is_given = QL_ARENA_ARRAY(cx, cx->arena, bool, ins->table->ncolumns);
    in->has_value = QL_ARENA_ARRAY(cx, cx->arena, bool, ins->table->ncolumns);
    in->by_default = QL_ARENA_ARRAY(cx, cx->arena, bool, ins->table->ncolumns);
    in->update_given = QL_ARENA_ARRAY(cx, cx->arena, bool, ins->table->ncolumns);
    if (in->given == NULL || in->row == NULL || in->is_given == NULL || in->has_value == NULL ||
        in->by_default == NULL || in->update_given == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < ins->table->ncolumns; i++) {
        in->update_given[i] = true;
        in->has_value[i] = !ql_column_is_computed(&ins->table->columns[i]);
    }
    for (uint16_t i = 0; i < ins->ncolumns; i++) {
        in->is_given[ins->columns[i]] = true;
    }
    in->single = ins->select == NULL && ins->nrows == 1;
    run->insert_row = in->row;
    if (ins->reads_row) {
        QL_TRY(init_row_batch(cx, ins->table, &in->so_far));
    }
    return ins->non_duplicate > 0 ? init_on_duplicate(cx, in) : QL_OK;
}

/* NULL, and 0 unless NO_AUTO_VALUE_ON_ZERO, ask for a generated value. */
static ql_status
wants_generated(ql_ctx *cx, const ql_value *v, bool *yes)
{
    bool nonzero;
    *yes = v->kind == QL_K_NULL;
    if (*yes || (cx->vars->sql_mode & QL_MODE_NO_AUTO_VALUE_ON_ZERO)) {
        return QL_OK;
    }
    if (v->kind == QL_K_STRING) {
        double d;
        QL_TRY(ql_value_to_double(cx, v, &d));
        *yes = d == 0;
        return QL_OK;
    }
    QL_TRY(ql_value_to_bool(cx, v, &nonzero));
    *yes = !nonzero;
    return QL_OK;
}

#define RESERVE_MOST_BITS 16

/* As many values as there are rows of VALUES, so that they are consecutive whatever others insert;
 * when that is not known or not enough, twice as many each time (manual, "AUTO_INCREMENT Handling
 * in InnoDB"). */
static ql_status
reserve_auto(ql_ctx *cx, qli_inserter *in)
{
    uint64_t n =
        UINT64_C(1) << (in->nreserved < RESERVE_MOST_BITS ? in->nreserved : RESERVE_MOST_BITS);
    if (in->nreserved == 0 && in->ins->nrows > 0) {
        n = in->ins->nrows;
    }
    in->nreserved++;
    QL_TRY(ql_autoinc_reserve_some(cx, in->ins->table, &n, &in->next_auto));
    in->end_auto = in->next_auto > UINT64_MAX - n ? UINT64_MAX : in->next_auto + n;
    return QL_OK;
}

static ql_status
generate_auto(ql_ctx *cx, qli_inserter *in, uint64_t *out)
{
    if (cx->vars->insert_id != 0) { /* SET insert_id: this value and those behind it */
        in->next_auto = cx->vars->insert_id;
        in->end_auto = UINT64_MAX;
        cx->vars->insert_id = 0;
    } else if (in->next_auto >= in->end_auto) {
        QL_TRY(reserve_auto(cx, in));
    }
    *out = in->next_auto++;
    if (in->end_auto == UINT64_MAX) {
        ql_autoinc_seen(cx, in->ins->table, *out);
    }
    return QL_OK;
}

static ql_status
store_auto(ql_ctx *cx, qli_inserter *in, uint16_t column, const ql_value *v)
{
    ql_table *t = in->ins->table;
    bool generate;
    in->generated = 0;
    QL_TRY(wants_generated(cx, v, &generate));
    if (!generate) {
        QL_TRY(qli_writer_store(cx, &in->w, column, v, &in->row[column]));
        ql_value *stored = &in->row[column];
        if (stored->kind == QL_K_INT && (stored->i > 0 || stored->is_unsigned)) {
            if (stored->u >= in->next_auto) {
                in->next_auto = stored->u < UINT64_MAX ? stored->u + 1 : stored->u;
            }
            ql_autoinc_seen(cx, t, stored->u);
        }
        return QL_OK;
    }
    QL_TRY(generate_auto(cx, in, &in->generated));
    ql_value made = ql_value_uint(in->generated);
    return qli_writer_store(cx, &in->w, column, &made, &in->row[column]);
}

/* What the row in work has in the AUTO_INCREMENT column, for the client. */
static void
note_auto(qli_inserter *in, const ql_value *row)
{
    int column = in->ins->table->auto_column;
    if (column >= 0) {
        in->w.last_auto = row[column].kind == QL_K_INT ? row[column].u : 0;
    }
}

/* The row has not come to be: the next one takes the value that was made for it. */
static void
unused_auto(qli_inserter *in)
{
    if (in->generated != 0 && in->next_auto == in->generated + 1) {
        in->next_auto = in->generated;
    }
    in->generated = 0;
}

ql_status
qli_inserter_store(ql_ctx *cx, qli_inserter *in, uint16_t i)
{
    uint16_t column = in->ins->columns[i];
    const ql_column *c = &in->ins->table->columns[column];
    if (c->auto_increment) {
        return store_auto(cx, in, column, &in->given[i]);
    }
    if (in->by_default[column]) {
        in->has_value[column] = false;
        in->row[column] = ql_value_null();
        return QL_OK;
    }
    in->has_value[column] = true;
    if (in->given[i].kind == QL_K_NULL && !c->type.nullable && in->single && !in->w.ignore &&
        !qli_null_is_now(cx, c)) {
        return ql_fail(cx, QL_ER_BAD_NULL_ERROR, ql_cstr(cx, c->name));
    }
    return qli_writer_store(cx, &in->w, column, &in->given[i], &in->row[column]);
}

static ql_status
store_given(ql_ctx *cx, qli_inserter *in)
{
    for (uint16_t i = 0; i < in->ins->ncolumns; i++) {
        QL_TRY(qli_inserter_store(cx, in, i));
    }
    return QL_OK;
}

static ql_status
store_missing(ql_ctx *cx, qli_inserter *in)
{
    const ql_table *t = in->ins->table;
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        ql_value v;
        if (in->is_given[i]) {
            continue;
        }
        if (ql_column_is_computed(&t->columns[i])) {
            in->row[i] = ql_value_null();
            continue;
        }
        if (t->columns[i].auto_increment) {
            ql_value null = ql_value_null();
            QL_TRY(store_auto(cx, in, i, &null));
            continue;
        }
        ql_status st = ql_column_default(cx, in->w.row_mem, t, i, false, &v);
        if (st == QL_ERROR && in->w.ignore) {
            QL_TRY(qli_error_to_warning(cx, st));
            in->row[i] = ql_known_default(cx, &t->columns[i]); /* 0, '' ... */
            continue;
        }
        QL_TRY(st);
        in->row[i] = v;
        if (t->columns[i].default_kind == QL_DEF_VALUE && ql_kind_is_temporal(v.kind)) {
            /* may be a zero date that was allowed when the table was made */
            QL_TRY(qli_writer_store(cx, &in->w, i, &v, &in->row[i]));
        }
    }
    return QL_OK;
}

/* The row in the way, locked. QL_END: it is gone meanwhile, try again. */
static ql_status
lock_existing(ql_ctx *cx, qli_inserter *in, const ql_dup *dup, ql_str *locator)
{
    locator->p = ql_arena_strndup(cx, in->w.row_mem, dup->locator.p, dup->locator.n);
    locator->n = dup->locator.n;
    if (locator->p == NULL) {
        return QL_ERROR;
    }
    if (in->old == NULL) {
        in->old = QL_ARENA_ARRAY(cx, cx->arena, ql_value, in->ins->table->ncolumns);
        if (in->old == NULL) {
            return QL_ERROR;
        }
    }
    return ql_table_lock_row(cx, in->w.row_mem, in->ins->table, *locator, in->old);
}

/* *done: what is there is what was to come. */
static ql_status
replace_existing(ql_ctx *cx, qli_inserter *in, const ql_dup *dup, bool *done)
{
    ql_str locator;
    *done = false;
    if (in->build != NULL) {
        in->w.deleted++;
        return ql_build_drop_row(cx, in->build, dup->locator);
    }
    ql_status st = lock_existing(cx, in, dup, &locator);
    if (st == QL_END) {
        return QL_OK;
    }
    QL_TRY(st);
    if (in->keeps_same) {
        QL_TRY(qli_rows_identical(cx, in->old, in->row, in->ins->table->ncolumns, done));
        if (*done) {
            return QL_OK;
        }
    }
    bool keep;
    QL_TRY(qli_writer_delete(cx, &in->w, locator, in->old, &keep));
    in->w.deleted++;
    return QL_OK;
}

static ql_status
write_update(ql_ctx *cx, qli_inserter *in, ql_str locator)
{
    ql_table *t = in->ins->table;
    ql_write_result result;
    ql_dup dup;
    bool same;
    bool keep;
    note_auto(in, in->new_row);
    QL_TRY(ql_complete_defaults(cx, in->w.completer, in->new_row, in->update_given, in->w.row_no));
    QL_TRY(qli_rows_identical(cx, in->old, in->new_row, t->ncolumns, &same));
    if (same) {
        in->w.matched++;
        return QL_OK;
    }
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        bool assigned = false;
        for (uint16_t k = 0; k < in->ins->non_duplicate; k++) {
            assigned = assigned || in->ins->on_duplicate[k].column == i;
        }
        if (t->columns[i].on_update_now && !assigned) {
            in->new_row[i] = ql_now_value(cx, t->types[i].kind, t->types[i].decimals);
        }
    }
    QL_TRY(qli_writer_complete(cx, &in->w, in->new_row, NULL, &keep));
    if (!keep) {
        return QL_OK;
    }
    QL_TRY(qli_writer_update(cx, &in->w, locator, in->old, in->new_row, &result, &dup, &keep));
    if (!keep) {
        return QL_OK;
    }
    if (result == QL_DUPLICATE) {
        ql_status st = ql_table_dup_error(cx, t, &dup);
        return in->w.ignore ? qli_error_to_warning(cx, st) : st;
    }
    in->w.changed++;
    return qli_autoinc_changed(cx, t, in->old, in->new_row);
}

/* *again: the row was gone, insert after all. */
static ql_status
update_existing(ql_ctx *cx, qli_inserter *in, const ql_dup *dup, bool *again)
{
    const ql_table *t = in->ins->table;
    ql_str locator;
    ql_status st = lock_existing(cx, in, dup, &locator);
    *again = st == QL_END;
    if (st == QL_END) {
        return QL_OK;
    }
    QL_TRY(st);
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        in->new_row[i] = in->old[i];
        qli_batch_set(&in->existing, i, &in->old[i]);
    }
    for (uint16_t k = 0; k < in->ins->non_duplicate; k++) {
        uint16_t column = in->ins->on_duplicate[k].column;
        ql_value v;
        if (in->updates[k] == NULL) {
            continue;
        }
        QL_TRY(ql_ex_one(cx, in->updates[k], &in->existing, 0, &v));
        QL_TRY(qli_writer_store(cx, &in->w, column, &v, &in->new_row[column]));
        qli_batch_set(&in->existing, column, &in->new_row[column]);
    }
    return write_update(cx, in, locator);
}

static ql_status
insert_row(ql_ctx *cx, qli_inserter *in, ql_write_result *result, ql_dup *dup, bool *keep)
{
    /* What is there will be changed: locked for that at once, two who do so do not end in a
     * deadlock. */
    ql_lock_mode on_dup = in->ins->replace || in->ins->non_duplicate > 0 ? QL_LOCK_X : QL_LOCK_S;
    if (in->build == NULL) {
        return qli_writer_insert(cx, &in->w, in->row, on_dup, result, dup, keep);
    }
    *keep = true;
    if (in->ins->ignore) { /* with REPLACE and without: all rows when they are there */
        QL_TRY(qli_writer_ask_parents(cx, &in->w, in->row, keep));
        if (!*keep) {
            return QL_OK;
        }
    }
    if (in->ins->ignore || in->ins->replace) {
        return ql_build_try_row(cx, in->build, in->row, result, dup);
    }
    *result = QL_WROTE;
    return ql_build_row(cx, in->build, in->row, (ql_str){0});
}

static ql_status
write_one(ql_ctx *cx, qli_inserter *in)
{
    for (;;) {
        ql_write_result result;
        ql_dup dup;
        bool keep;
        QL_TRY(ql_check(cx));
        QL_TRY(insert_row(cx, in, &result, &dup, &keep));
        if (!keep) {
            note_auto(in, in->row);
            unused_auto(in);
            return QL_OK;
        }
        bool done = result == QL_WROTE;
        if (!done && in->ins->replace) {
            QL_TRY(replace_existing(cx, in, &dup, &done));
            if (!done) {
                continue;
            }
        }
        if (done) {
            in->w.inserted++;
            note_auto(in, in->row);
            if (in->w.first_generated == 0) {
                in->w.first_generated = in->generated;
            }
            return QL_OK;
        }
        if (in->ins->non_duplicate > 0) {
            bool again;
            QL_TRY(update_existing(cx, in, &dup, &again));
            if (again) {
                continue;
            }
            unused_auto(in);
            return QL_OK;
        }
        note_auto(in, in->row);
        unused_auto(in);
        ql_status st = ql_table_dup_error(cx, in->ins->table, &dup);
        return in->w.ignore ? qli_error_to_warning(cx, st) : st;
    }
}

static ql_status
write_row(ql_ctx *cx, qli_inserter *in)
{
    if (in->build != NULL) {
        return write_one(cx, in);
    }
    QL_TRY(ql_table_change_begin(cx, in->ins->table));
    return ql_table_change_end(cx, in->ins->table, write_one(cx, in));
}

ql_status
qli_inserter_row(ql_ctx *cx, qli_inserter *in)
{
    if (!in->ins->reads_row) {
        QL_TRY(store_given(cx, in));
    }
    bool keep;
    QL_TRY(store_missing(cx, in));
    QL_TRY(qli_writer_complete(cx, &in->w, in->row, in->has_value, &keep));
    if (!keep) {
        unused_auto(in);
        return QL_OK;
    }
    return write_row(cx, in);
}

uint64_t
qli_insert_id(ql_ctx *cx, const qli_writer *w)
{
    if (w->first_generated != 0) {
        return w->first_generated;
    }
    if (cx->vars->last_insert_id_given) {
        return cx->vars->last_insert_id;
    }
    return w->inserted + w->changed > 0 ? w->last_auto : 0;
}
