/* SPDX-License-Identifier: Apache-2.0
 *
 * A new version of a table beside the old one, and the switch from one to the other: what ALTER
 * TABLE, CREATE and DROP INDEX and RENAME come to. The old version is not touched; whoever has it
 * open keeps it. Ids say what is kept: an index with its old id keeps its entries, one with a new
 * id is to be filled (building.c) before the switch. Runs on the session's thread under its
 * metadata locks; takes the catalog's mutex for ids and the counters' for their values.
 */
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/thread.h"
#include "catalog/catalog_int.h"
#include "intr/sync.h"

/* --- the new version ------------------------------------------------------------------------- */

static ql_status
check_names(ql_ctx *cx, const ql_table *old, const ql_table_spec *spec)
{
    if (ql_str_eq(old->db, spec->db) && ql_str_eq(old->name, spec->name)) {
        return QL_OK;
    }
    if (!ql_catalog_has_database(cx, spec->db)) {
        return ql_fail(cx, QL_ER_BAD_DB_ERROR, ql_cstr(cx, spec->db));
    }
    QL_TRY(qli_refuse_virtual(cx, spec->db));
    QL_TRY(qli_refuse_unusable_database(cx, spec->db));
    if (old->temporary ? ql_is_temporary(cx, spec->db, spec->name)
                       : qli_table_exists(cx, spec->db, spec->name)) {
        return ql_fail(cx, QL_ER_TABLE_EXISTS_ERROR, ql_cstr(cx, spec->name));
    }
    return QL_OK;
}

/* Columns with what a newer server knows of them, and the values that rows lack. */
static ql_status
make_columns(ql_ctx *cx, ql_table *t, const ql_table *old, const ql_table_change *c)
{
    unsigned n = c->spec->ncolumns;
    ql_column *columns = QL_ARENA_ARRAY(cx, cx->arena, ql_column, n);
    ql_value *missing = QL_ARENA_ARRAY(cx, cx->arena, ql_value, n);
    if (!columns || !missing) {
        return QL_ERROR;
    }
    for (unsigned i = 0; i < n; i++) {
        int from = c->from_column[i];
        columns[i] = c->spec->columns[i];
        if (from >= 0) {
            columns[i].unknown = old->columns[from].unknown;
            missing[i] = old->missing[from];
        } else {
            missing[i] = c->new_values ? c->new_values[i] : ql_value_null();
        }
    }
    return qli_copy_columns(cx, t, columns, (uint16_t)n, c->rebuild ? NULL : missing);
}

/* Rows that stay have their columns where they had them: what is new lies behind them, what is gone
 * stays in its place. */
static ql_status
make_layout(ql_ctx *cx, ql_table *t, const ql_table *old, const ql_table_change *c)
{
    const ql_row_layout *was = &old->layout;
    unsigned n = was->n, room = n + t->ncolumns;
    uint16_t *values = QL_ARENA_ARRAY(cx, cx->arena, uint16_t, room);
    ql_type *types = QL_ARENA_ARRAY(cx, cx->arena, ql_type, room);
    if (!values || !types) {
        return QL_ERROR;
    }
    for (unsigned p = 0; p < n; p++) {
        values[p] = QL_NO_VALUE;
        types[p] = was->types[p];
    }
    for (unsigned i = 0; i < t->ncolumns; i++) {
        unsigned at = n;
        for (unsigned p = 0; p < was->n && at == n; p++) {
            int column = was->values ? was->values[p] : (int)p;
            at = c->from_column[i] >= 0 && column == c->from_column[i] ? p : n;
        }
        QL_TRY(ql_check(cx));
        values[at] = (uint16_t)i;
        n += at == n;
    }
    return qli_table_lay_out(cx, t, values, types, (uint16_t)n);
}

/* Indexes in MySQL's order; id: 1 + position in the specification, 0 of the hidden clustered one.
 */
static ql_status
make_indexes(ql_ctx *cx, ql_table *t, const ql_table *old, const ql_table_change *c)
{
    unsigned n = c->spec->nindexes;
    ql_index *indexes = QL_ARENA_ARRAY(cx, cx->arena, ql_index, n + 1);
    if (!indexes) {
        return QL_ERROR;
    }
    for (unsigned i = 0; i < n; i++) {
        indexes[i] = c->spec->indexes[i];
        indexes[i].id = i + 1;
        if (!c->rebuild && c->from_index[i] >= 0) {
            indexes[i].unknown = old->indexes[c->from_index[i]].unknown;
        }
    }
    return qli_copy_indexes(cx, t, indexes, n);
}

/* Which of old's indexes t's index has the entries of, or NULL. */
static const ql_index *
kept_index(const ql_table *old, const ql_table_change *c, const ql_index *ix)
{
    if (c->rebuild) {
        return NULL;
    }
    if (ix->id == 0) {
        return old->indexes[0].hidden_rowid ? &old->indexes[0] : NULL;
    }
    int from = c->from_index[ix->id - 1];
    return from >= 0 ? &old->indexes[from] : NULL;
}

static bool
counters_stay(const ql_table *t, const ql_table *old, const ql_table_change *c)
{
    if (c->rebuild || c->spec->auto_increment) {
        return false;
    }
    return t->auto_column == old->auto_column && qli_auto_max(t) == qli_auto_max(old);
}

static ql_status
make_ids(ql_ctx *cx, ql_table *t, const ql_table *old, const ql_table_change *c)
{
    bool stay = counters_stay(t, old, c);
    uint64_t next, n = !stay;
    for (unsigned i = 0; i < t->nindexes; i++) {
        n += kept_index(old, c, &t->indexes[i]) == NULL;
    }
    QL_TRY(t->temporary ? qli_temporary_ids(cx, t, c->rebuild ? NULL : old, n, &next)
                        : qli_ids_take(cx, cx->inst->catalog, n, &next));
    t->id = stay ? old->id : next++;
    for (unsigned i = 0; i < t->nindexes; i++) {
        const ql_index *kept = kept_index(old, c, &t->indexes[i]);
        t->indexes[i].id = kept ? kept->id : (uint32_t)next++;
        t->indexes[i].born = kept ? kept->born : QL_INDEX_NOT_BORN;
        qli_index_form(t, &t->indexes[i], kept);
    }
    if (!c->rebuild && t->indexes[0].id != old->indexes[0].id) {
        return ql_fail(cx, QL_ER_NOT_SUPPORTED_YET, "another primary key without a rebuild");
    }
    return QL_OK;
}

static ql_status
make_counters(ql_ctx *cx, ql_table *t, const ql_table *old, const ql_table_change *c)
{
    if (t->id == old->id) {
        t->state = old->state;
        atomic_fetch_add_explicit(&t->state->refs, 1, memory_order_relaxed);
        return QL_OK;
    }
    t->state = qli_tablestate_new(t->id, c->spec->auto_increment, qli_auto_max(t));
    if (!t->state) {
        return ql_fail_oom(cx, sizeof(ql_tablestate));
    }
    t->state->goes_on = c->spec->auto_increment == 0 && old->auto_column >= 0;
    atomic_store(&t->state->rowid, 1);
    return QL_OK;
}

static ql_status
make_version(ql_ctx *cx, ql_table *t, const ql_table *old, const ql_table_change *c)
{
    const ql_table_spec *spec = c->spec;
    QL_TRY(qli_table_set_names(cx, t, spec->db, spec->name));
    QL_TRY(qli_copy_str(cx, t->arena, spec->engine.n ? spec->engine : old->engine, &t->engine));
    QL_TRY(qli_copy_str(cx, t->arena, spec->comment, &t->comment));
    QL_TRY(qli_copy_str(cx, t->arena, old->unknown, &t->unknown));
    t->coll = spec->coll ? spec->coll : old->coll;
    t->options = spec->options;
    t->temporary = old->temporary;
    t->version = old->version + 1;
    t->create_time = c->rebuild ? ql_now_real_us() / 1000000 : old->create_time;
    QL_TRY(make_columns(cx, t, old, c));
    QL_TRY(make_indexes(cx, t, old, c));
    QL_TRY(qli_copy_checks(cx, t, spec->checks, spec->nchecks));
    QL_TRY(qli_copy_foreign(cx, t, spec->foreign, spec->nforeign));
    QL_TRY(qli_table_finish(cx, t));
    QL_TRY(qli_settle_foreign(cx, t, old, c));
    QL_TRY(c->rebuild ? QL_OK : make_layout(cx, t, old, c));
    QL_TRY(make_ids(cx, t, old, c));
    return make_counters(cx, t, old, c);
}

ql_status
ql_catalog_new_version(ql_ctx *cx, ql_table *old, const ql_table_change *c, ql_table **next)
{
    QL_TRY(qli_refuse_virtual_table(cx, old));
    QL_TRY(ql_table_refuse_unusable(cx, old));
    QL_TRY(qli_check_spec(cx, c->spec));
    QL_TRY(check_names(cx, old, c->spec));
    QL_TRY(qli_refuse_foreign_keys(cx, c->spec, old->temporary));
    QL_TRY(qli_claim_constraints(cx, c->spec, old));
    ql_table *t = qli_table_alloc(cx, "table");
    if (!t) {
        return QL_ERROR;
    }
    ql_status st = make_version(cx, t, old, c);
    st = st == QL_OK && !t->temporary ? qli_check_children(cx, old, t, c) : st;
    if (st != QL_OK) {
        ql_table_put(t);
        return st;
    }
    *next = t;
    return QL_OK;
}

/* --- the switch ------------------------------------------------------------------------------ */

/* Nobody writes to either: the exclusive lock is held. */
static void
carry_counters(ql_table *old, ql_table *next)
{
    ql_tablestate *from = old->state, *to = next->state;
    if (from == to) {
        return;
    }
    if (to->goes_on) {
        uint64_t was = ql_autoinc_peek(old);
        to->next = was == 0 || was > to->next ? was : to->next;
        to->goes_on = false;
    }
    if (old->indexes[0].hidden_rowid && next->indexes[0].hidden_rowid) {
        uint64_t was = atomic_load(&from->rowid), now = atomic_load(&to->rowid);
        atomic_store(&to->rowid, was == 0 || was > now ? was : now);
    }
    if (atomic_load(&to->rows) < 0) {
        atomic_store(&to->rows, atomic_load(&from->rows));
    }
}

static bool
has_id(const ql_table *t, uint32_t id)
{
    for (unsigned i = 0; i < t->nindexes; i++) {
        if (t->indexes[i].id == id) {
            return true;
        }
    }
    return false;
}

static ql_status
trash_the_rest(ql_ctx *cx, const ql_table *old, const ql_table *next)
{
    for (unsigned i = 0; i < old->nindexes; i++) {
        if (!has_id(next, old->indexes[i].id)) {
            QL_TRY(qli_trash_index(cx, old->indexes[i].id));
        }
    }
    return old->id != next->id ? qli_trash_counters(cx, old->id) : QL_OK;
}

static ql_status
leave_name(ql_ctx *cx, const ql_table *old, const ql_table *next)
{
    if (ql_str_eq(old->db, next->db) && ql_str_eq(old->name, next->name)) {
        return QL_OK;
    }
    QL_TRY(qli_erase_table(cx, old->db, old->name));
    return qli_stage_add(cx, QLI_TABLE_DROP, old->db, old->name) ? QL_OK : QL_ERROR;
}

/* In the session's list; nobody has the new version open yet. */
static ql_status
switch_temporary(ql_ctx *cx, ql_table *old, ql_table *next)
{
    for (unsigned i = 0; i < next->nindexes; i++) {
        next->indexes[i].born = 0;
    }
    atomic_fetch_add_explicit(&next->refs, 1, memory_order_relaxed);
    ql_status st = qli_temporary_add(cx, next);
    if (st != QL_OK) {
        ql_table_put(next);
        return st;
    }
    qli_temporary_remove(cx, old);
    return QL_OK;
}

ql_status
ql_catalog_switch(ql_ctx *cx, ql_table *old, ql_table *next, const ql_table_change *c)
{
    QL_TRY(QL_SYNC(cx, BUILD_SWITCH));
    carry_counters(old, next);
    if (old->temporary) {
        return switch_temporary(cx, old, next);
    }
    QL_TRY(leave_name(cx, old, next));
    QL_TRY(qli_erase_constraints(cx, old, next));
    QL_TRY(trash_the_rest(cx, old, next));
    QL_TRY(next->building ? qli_forget_building(cx, next->building) : QL_OK);
    QL_TRY(qli_ids_stage(cx, cx->inst->catalog));
    atomic_fetch_add_explicit(&next->refs, 1, memory_order_relaxed);
    ql_status st = qli_stage_definition(cx, next, ql_autoinc_peek(next));
    if (st != QL_OK) {
        ql_table_put(next);
        return st;
    }
    return qli_spread(cx, old, next, c);
}

/* --- the same with other foreign keys -------------------------------------------------------- */

static ql_status
make_restated(ql_ctx *cx, ql_table *t, const ql_table *old, const ql_foreign_key *keys)
{
    const ql_row_layout *l = &old->layout;
    QL_TRY(qli_table_set_names(cx, t, old->db, old->name));
    QL_TRY(qli_copy_str(cx, t->arena, old->engine, &t->engine));
    QL_TRY(qli_copy_str(cx, t->arena, old->comment, &t->comment));
    QL_TRY(qli_copy_str(cx, t->arena, old->unknown, &t->unknown));
    t->id = old->id;
    t->coll = old->coll;
    t->options = old->options;
    t->version = old->version + 1;
    t->create_time = old->create_time;
    QL_TRY(qli_copy_columns(cx, t, old->columns, old->ncolumns, old->missing));
    QL_TRY(qli_copy_indexes(cx, t, old->indexes, old->nindexes));
    QL_TRY(qli_copy_checks(cx, t, old->checks, old->nchecks));
    QL_TRY(qli_copy_foreign(cx, t, keys, old->nforeign));
    QL_TRY(qli_table_finish(cx, t));
    QL_TRY(l->values ? qli_table_lay_out(cx, t, l->values, l->types, l->n) : QL_OK);
    t->state = old->state;
    atomic_fetch_add_explicit(&t->state->refs, 1, memory_order_relaxed);
    return QL_OK;
}

ql_status
qli_restate(ql_ctx *cx, ql_table *t, const ql_foreign_key *keys)
{
    ql_table *next = qli_table_alloc(cx, "table");
    if (!next) {
        return QL_ERROR;
    }
    ql_status st = make_restated(cx, next, t, keys);
    st = st == QL_OK ? qli_stage_definition(cx, next, ql_autoinc_peek(next)) : st;
    if (st != QL_OK) {
        ql_table_put(next);
    }
    return st;
}
