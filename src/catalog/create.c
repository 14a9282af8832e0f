/* SPDX-License-Identifier: Apache-2.0
 *
 * Making, replacing and removing definitions of tables and databases: the checks of CREATE TABLE
 * with MySQL's error numbers, ids, the hidden clustered index. The caller holds the exclusive
 * metadata lock; what is made here is staged and published at commit.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "base/text.h"
#include "base/thread.h"
#include "catalog/catalog_int.h"
#include "intr/space.h"
#include "txn/scratch.h"

#define MAX_COLUMNS 1017u
#define MAX_KEYS 64u
#define MAX_PARTS 16u
#define MAX_ROW_BYTES 65535u
#define ID_BLOCK 256u

/* --- names ----------------------------------------------------------------------------------- */

static bool
is_plain_name(ql_str name)
{
    return name.n > 0 && name.p[name.n - 1] != ' ' && !memchr(name.p, 0, name.n) &&
           ql_utf8_valid_prefix(name) == name.n;
}

static ql_status
check_length(ql_ctx *cx, ql_str name)
{
    if (name.n > 4 * QL_MAX_IDENT_CHARS || ql_utf8_chars(name) > QL_MAX_IDENT_CHARS) {
        return ql_fail(cx, QL_ER_TOO_LONG_IDENT, ql_cstr(cx, name));
    }
    return QL_OK;
}

ql_status
ql_catalog_check_database_name(ql_ctx *cx, ql_str name)
{
    QL_TRY(check_length(cx, name));
    return is_plain_name(name) ? QL_OK : ql_fail(cx, QL_ER_WRONG_DB_NAME, ql_cstr(cx, name));
}

ql_status
ql_catalog_check_table_name(ql_ctx *cx, ql_str name)
{
    QL_TRY(check_length(cx, name));
    return is_plain_name(name) ? QL_OK : ql_fail(cx, QL_ER_WRONG_TABLE_NAME, ql_cstr(cx, name));
}

/* --- columns --------------------------------------------------------------------------------- */

static bool
is_blob(const ql_type *t)
{
    return t->field == QL_F_BLOB || t->field == QL_F_TINY_BLOB || t->field == QL_F_MEDIUM_BLOB ||
           t->field == QL_F_LONG_BLOB || t->field == QL_F_JSON;
}

static uint32_t
bytes_per_char(const ql_type *t)
{
    return t->coll && t->coll->charset ? t->coll->charset->max_bytes : 1;
}

/* BLOBs count as their pointer. */
static uint32_t
row_bytes(const ql_type *t)
{
    return is_blob(t) ? 12 : ql_type_storage_bytes(t);
}

ql_status
qli_check_column_name(ql_ctx *cx, const ql_column *columns, unsigned i)
{
    ql_str name = columns[i].name;
    QL_TRY(check_length(cx, name));
    if (!is_plain_name(name)) {
        return ql_fail(cx, QL_ER_WRONG_COLUMN_NAME, ql_cstr(cx, name));
    }
    QL_TRY(ql_bulk_count(cx, (size_t)i * 16));
    for (unsigned j = 0; j < i; j++) {
        if (ql_str_eq_nocase(name, columns[j].name)) {
            return ql_fail(cx, QL_ER_DUP_FIELDNAME, ql_cstr(cx, name));
        }
    }
    return QL_OK;
}

static ql_status
check_column(ql_ctx *cx, const ql_table_spec *spec, unsigned i)
{
    const ql_column *c = &spec->columns[i];
    QL_TRY(qli_check_column_name(cx, spec->columns, i));
    bool counts =
        (c->type.kind == QL_K_INT && c->type.field != QL_F_BIT && c->type.field != QL_F_YEAR) ||
        c->type.kind == QL_K_DOUBLE;
    if (c->auto_increment && !counts) {
        return ql_fail(cx, QL_ER_WRONG_FIELD_SPEC, ql_cstr(cx, c->name));
    }
    if (c->auto_increment && c->default_kind == QL_DEF_VALUE) {
        return ql_fail(cx, QL_ER_INVALID_DEFAULT, ql_cstr(cx, c->name));
    }
    if (!c->type.nullable && c->default_kind == QL_DEF_NULL) {
        return ql_fail(cx, QL_ER_INVALID_DEFAULT, ql_cstr(cx, c->name));
    }
    return QL_OK;
}

static ql_status
check_columns(ql_ctx *cx, const ql_table_spec *spec)
{
    if (spec->ncolumns == 0) {
        return ql_fail(cx, QL_ER_TABLE_WITHOUT_VISIBLE_COLUMNS);
    }
    if (spec->ncolumns > MAX_COLUMNS) {
        return ql_fail(cx, QL_ER_TOO_MANY_FIELDS);
    }
    bool visible = false;
    uint64_t bytes = 0;
    for (unsigned i = 0; i < spec->ncolumns; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(check_column(cx, spec, i));
        if (ql_str_eq(spec->engine, QL_STR("MEMORY")) && is_blob(&spec->columns[i].type)) {
            return ql_fail(cx, QL_ER_TABLE_CANT_HANDLE_BLOB);
        }
        visible |= !spec->columns[i].invisible && !spec->columns[i].hidden;
        bytes += row_bytes(&spec->columns[i].type);
    }
    if (!visible) {
        return ql_fail(cx, QL_ER_TABLE_WITHOUT_VISIBLE_COLUMNS);
    }
    if (bytes > MAX_ROW_BYTES) {
        return ql_fail(cx, QL_ER_TOO_BIG_ROWSIZE, (long)MAX_ROW_BYTES);
    }
    return QL_OK;
}

/* AUTO_INCREMENT: one, and first in some key. */
static ql_status
check_auto(ql_ctx *cx, const ql_table_spec *spec)
{
    int column = -1;
    for (unsigned i = 0; i < spec->ncolumns; i++) {
        if (!spec->columns[i].auto_increment) {
            continue;
        }
        if (column >= 0) {
            return ql_fail(cx, QL_ER_WRONG_AUTO_KEY);
        }
        column = (int)i;
    }
    bool keyed = column < 0;
    for (unsigned i = 0; i < spec->nindexes && !keyed; i++) {
        keyed = spec->indexes[i].parts[0].column == column;
    }
    return keyed ? QL_OK : ql_fail(cx, QL_ER_WRONG_AUTO_KEY);
}

/* --- keys ------------------------------------------------------------------------------------ */

static ql_status
check_part(ql_ctx *cx, const ql_table_spec *spec, const ql_index *ix, unsigned i, uint32_t *bytes)
{
    const ql_index_part *p = &ix->parts[i];
    const ql_column *c = &spec->columns[p->column];
    for (unsigned j = 0; j < i; j++) {
        if (ix->parts[j].column == p->column) {
            return ql_fail(cx, QL_ER_DUP_FIELDNAME, ql_cstr(cx, c->name));
        }
    }
    if (ix->primary && c->type.nullable) {
        return ql_fail(cx, QL_ER_PRIMARY_CANT_HAVE_NULL);
    }
    if (c->type.kind == QL_K_JSON) {
        return ql_fail(cx, QL_ER_JSON_USED_AS_KEY, ql_cstr(cx, c->name));
    }
    if (is_blob(&c->type) && p->prefix == 0) {
        return ql_fail(cx, QL_ER_BLOB_KEY_WITHOUT_LENGTH, ql_cstr(cx, c->name));
    }
    if (p->prefix &&
        (c->type.kind != QL_K_STRING || (!is_blob(&c->type) && p->prefix > c->type.length))) {
        return ql_fail(cx, QL_ER_WRONG_SUB_KEY);
    }
    uint32_t chars = p->prefix ? p->prefix : c->type.length;
    *bytes = c->type.kind == QL_K_STRING ? chars * bytes_per_char(&c->type) : row_bytes(&c->type);
    if (*bytes > QL_MAX_KEY_BYTES) {
        return ql_fail(cx, QL_ER_TOO_LONG_KEY, (int)QL_MAX_KEY_BYTES);
    }
    return QL_OK;
}

static ql_status
check_index(ql_ctx *cx, const ql_table_spec *spec, unsigned i)
{
    const ql_index *ix = &spec->indexes[i];
    QL_TRY(check_length(cx, ix->name));
    if (!ix->primary && ix->name.n &&
        (!is_plain_name(ix->name) || ql_str_eq_nocase(ix->name, QL_STR("PRIMARY")))) {
        return ql_fail(cx, QL_ER_WRONG_NAME_FOR_INDEX, ql_cstr(cx, ix->name));
    }
    for (unsigned j = 0; j < i; j++) {
        if (ix->primary && spec->indexes[j].primary) {
            return ql_fail(cx, QL_ER_MULTIPLE_PRI_KEY);
        }
        if (ix->name.n && ql_str_eq_nocase(ix->name, spec->indexes[j].name)) {
            return ql_fail(cx, QL_ER_DUP_KEYNAME, ql_cstr(cx, ix->name));
        }
    }
    if (ix->primary && ix->invisible) {
        return ql_fail(cx, QL_ER_PK_INDEX_CANT_BE_INVISIBLE);
    }
    if (ix->nparts == 0 || ix->nparts > MAX_PARTS) {
        return ql_fail(cx, QL_ER_TOO_MANY_KEY_PARTS, (int)MAX_PARTS);
    }
    uint32_t total = 0;
    for (unsigned p = 0; p < ix->nparts; p++) {
        uint32_t bytes = 0;
        QL_TRY(check_part(cx, spec, ix, p, &bytes));
        total += bytes;
    }
    if (total > QL_MAX_KEY_BYTES) {
        return ql_fail(cx, QL_ER_TOO_LONG_KEY, (int)QL_MAX_KEY_BYTES);
    }
    return QL_OK;
}

ql_status
qli_check_spec(ql_ctx *cx, const ql_table_spec *spec)
{
    QL_TRY(ql_catalog_check_table_name(cx, spec->name));
    QL_TRY(check_columns(cx, spec));
    if (spec->nindexes > MAX_KEYS) {
        return ql_fail(cx, QL_ER_TOO_MANY_KEYS, (int)MAX_KEYS);
    }
    for (unsigned i = 0; i < spec->nindexes; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(check_index(cx, spec, i));
    }
    QL_TRY(check_auto(cx, spec));
    bool primary = false;
    for (unsigned i = 0; i < spec->nindexes; i++) {
        primary |= spec->indexes[i].primary;
    }
    if (!primary && cx->vars && ql_vars_u64(cx->vars, QL_SV_SQL_REQUIRE_PRIMARY_KEY)) {
        return ql_fail(cx, QL_ER_TABLE_WITHOUT_PK);
    }
    return QL_OK;
}

/* --- ids ------------------------------------------------------------------------------------- */

/* n ids that no table or index has had; to be covered by a bound before anything is stored under
 * them. */
ql_status
qli_ids_take(ql_ctx *cx, ql_catalog *c, uint64_t n, uint64_t *first)
{
    ql_mutex_lock(&c->mu);
    *first = c->next_id;
    c->next_id += n;
    uint64_t end = c->next_id;
    ql_mutex_unlock(&c->mu);
    return end > QL_SCRATCH_FIRST ? ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Out of index ids")
                                  : QL_OK;
}

ql_status
qli_ids_cover(ql_ctx *cx, ql_catalog *c, uint64_t *bound)
{
    ql_mutex_lock(&c->mu);
    uint64_t durable = c->durable_id, end = c->next_id;
    ql_mutex_unlock(&c->mu);
    *bound = end <= durable ? 0 : end + ID_BLOCK;
    return *bound == 0 ? QL_OK : qli_store_id_bound(cx, *bound, durable);
}

void
qli_ids_covered(ql_catalog *c, uint64_t bound)
{
    ql_mutex_lock(&c->mu);
    c->durable_id = bound > c->durable_id ? bound : c->durable_id;
    ql_mutex_unlock(&c->mu);
}

ql_status
qli_ids_stage(ql_ctx *cx, ql_catalog *c)
{
    uint64_t bound;
    QL_TRY(qli_ids_cover(cx, c, &bound));
    if (bound == 0) {
        return QL_OK;
    }
    qli_change *ch = qli_stage_add(cx, QLI_IDS, QL_STR(""), QL_STR(""));
    if (!ch) {
        return QL_ERROR;
    }
    ch->bound = bound;
    return QL_OK;
}

/* The bound that covers them commits with the definition. */
ql_status
qli_ids_reserve(ql_ctx *cx, ql_catalog *c, uint64_t n, uint64_t *first)
{
    QL_TRY(qli_ids_take(cx, c, n, first));
    return qli_ids_stage(cx, c);
}

/* --- building -------------------------------------------------------------------------------- */

static ql_status
copy_value(ql_ctx *cx, ql_arena *a, const ql_type *t, const ql_value *v, ql_value *out)
{
    *out = *v;
    if (ql_kind_is_list(v->kind)) {
        out->list.members = t->members;
    }
    return ql_kind_slot(v->kind) == QL_SLOT_STRING ? qli_copy_str(cx, a, v->s, &out->s) : QL_OK;
}

ql_status
qli_copy_members(ql_ctx *cx, ql_arena *a, ql_type *t)
{
    if (!t->members) {
        return QL_OK;
    }
    ql_members *m = QL_ARENA_NEW(cx, a, ql_members);
    ql_str *names = QL_ARENA_ARRAY(cx, a, ql_str, t->members->n + 1);
    if (!m || !names) {
        return QL_ERROR;
    }
    for (unsigned i = 0; i < t->members->n; i++) {
        QL_TRY(qli_copy_str(cx, a, t->members->names[i], &names[i]));
    }
    *m = (ql_members){.n = t->members->n, .names = names};
    t->members = m;
    return QL_OK;
}

ql_status
qli_copy_columns(ql_ctx *cx, ql_table *t, const ql_column *columns, uint16_t n,
                 const ql_value *missing)
{
    t->ncolumns = n;
    t->columns = QL_ARENA_ARRAY(cx, t->arena, ql_column, n);
    t->missing = QL_ARENA_ARRAY(cx, t->arena, ql_value, n);
    if (!t->columns || !t->missing) {
        return QL_ERROR;
    }
    for (unsigned i = 0; i < n; i++) {
        ql_column *c = &t->columns[i];
        *c = columns[i];
        c->ordinal = (uint16_t)i;
        QL_TRY(qli_copy_str(cx, t->arena, columns[i].name, &c->name));
        QL_TRY(qli_copy_str(cx, t->arena, columns[i].default_text, &c->default_text));
        QL_TRY(qli_copy_str(cx, t->arena, columns[i].generated, &c->generated));
        QL_TRY(qli_copy_str(cx, t->arena, columns[i].comment, &c->comment));
        QL_TRY(qli_copy_str(cx, t->arena, columns[i].unknown, &c->unknown));
        QL_TRY(qli_copy_members(cx, t->arena, &c->type));
        c->default_value = ql_value_null();
        if (c->default_kind == QL_DEF_VALUE) {
            QL_TRY(
                copy_value(cx, t->arena, &c->type, &columns[i].default_value, &c->default_value));
        }
        t->missing[i] = ql_value_null();
        if (missing) {
            QL_TRY(copy_value(cx, t->arena, &c->type, &missing[i], &t->missing[i]));
        }
    }
    return QL_OK;
}

static int
by_name(const void *a, const void *b)
{
    const ql_check_constraint *x = a, *y = b;
    return ql_name_order(x->name, y->name);
}

/* In the order of their names, as MySQL shows them. */
ql_status
qli_copy_checks(ql_ctx *cx, ql_table *t, const ql_check_constraint *checks, uint16_t n)
{
    t->checks = QL_ARENA_ARRAY(cx, t->arena, ql_check_constraint, n + 1u);
    if (!t->checks) {
        return QL_ERROR;
    }
    t->nchecks = n;
    for (unsigned i = 0; i < n; i++) {
        t->checks[i] = checks[i];
        QL_TRY(qli_copy_str(cx, t->arena, checks[i].name, &t->checks[i].name));
        QL_TRY(qli_copy_str(cx, t->arena, checks[i].text, &t->checks[i].text));
        QL_TRY(qli_copy_str(cx, t->arena, checks[i].unknown, &t->checks[i].unknown));
    }
    qsort(t->checks, n, sizeof *t->checks, by_name);
    return QL_OK;
}

static ql_status
assign_ids(ql_ctx *cx, ql_table *t)
{
    uint64_t first, n = (uint64_t)t->nindexes + 1;
    QL_TRY(t->temporary ? qli_temporary_ids(cx, t, NULL, n, &first)
                        : qli_ids_take(cx, cx->inst->catalog, n, &first));
    t->id = first;
    for (unsigned i = 0; i < t->nindexes; i++) {
        t->indexes[i].id = (uint32_t)(first + 1 + i);
        t->indexes[i].born = t->temporary ? 0 : QL_INDEX_NOT_BORN;
        qli_index_form(t, &t->indexes[i], NULL);
    }
    return QL_OK;
}

ql_status
qli_stage_definition(ql_ctx *cx, ql_table *t, uint64_t autoinc_start)
{
    QL_TRY(qli_store_table(cx, t, autoinc_start));
    QL_TRY(qli_store_constraints(cx, t));
    qli_entry *e;
    QL_TRY(qli_entry_new(cx, t, &e));
    qli_change *ch = qli_stage_add(cx, QLI_TABLE_PUT, t->db, t->name);
    if (!ch) {
        ql_mem_free(e);
        return QL_ERROR;
    }
    qli_stage_put_entry(cx, ch, e);
    return QL_OK;
}

static ql_status
new_counters(ql_ctx *cx, ql_table *t, uint64_t autoinc_start)
{
    t->state = qli_tablestate_new(t->id, autoinc_start, qli_auto_max(t));
    if (!t->state) {
        return ql_fail_oom(cx, sizeof(ql_tablestate));
    }
    ql_table_rows_init(t, 0);
    atomic_store(&t->state->rowid, 1);
    return QL_OK;
}

static ql_status
build_table(ql_ctx *cx, ql_table *t, const ql_table_spec *spec)
{
    QL_TRY(qli_table_set_names(cx, t, spec->db, spec->name));
    QL_TRY(
        qli_copy_str(cx, t->arena, spec->engine.n ? spec->engine : QL_STR("InnoDB"), &t->engine));
    QL_TRY(qli_copy_str(cx, t->arena, spec->comment, &t->comment));
    t->coll = spec->coll ? spec->coll : ql_coll_default;
    t->options = spec->options;
    t->temporary = spec->temporary;
    t->version = 1;
    t->create_time = ql_now_real_us() / 1000000;
    QL_TRY(qli_copy_columns(cx, t, spec->columns, spec->ncolumns, NULL));
    QL_TRY(qli_copy_indexes(cx, t, spec->indexes, spec->nindexes));
    QL_TRY(qli_copy_checks(cx, t, spec->checks, spec->nchecks));
    QL_TRY(qli_copy_foreign(cx, t, spec->foreign, spec->nforeign));
    QL_TRY(qli_table_finish(cx, t));
    QL_TRY(qli_settle_foreign(cx, t, NULL, NULL));
    QL_TRY(assign_ids(cx, t));
    return new_counters(cx, t, spec->auto_increment);
}

ql_status
qli_refuse_foreign_keys(ql_ctx *cx, const ql_table_spec *spec, bool temporary)
{
    return temporary && spec->nforeign > 0 ? ql_fail(cx, QL_ER_CANNOT_ADD_FOREIGN) : QL_OK;
}

ql_status
ql_catalog_new_table(ql_ctx *cx, const ql_table_spec *spec, ql_table **out)
{
    QL_TRY(qli_check_spec(cx, spec));
    if (!ql_catalog_has_database(cx, spec->db)) {
        return ql_fail(cx, QL_ER_BAD_DB_ERROR, ql_cstr(cx, spec->db));
    }
    QL_TRY(qli_refuse_virtual(cx, spec->db));
    QL_TRY(qli_refuse_unusable_database(cx, spec->db));
    if (spec->temporary ? ql_is_temporary(cx, spec->db, spec->name)
                        : qli_table_exists(cx, spec->db, spec->name)) {
        return ql_fail(cx, QL_ER_TABLE_EXISTS_ERROR, ql_cstr(cx, spec->name));
    }
    QL_TRY(qli_refuse_foreign_keys(cx, spec, spec->temporary));
    QL_TRY(qli_claim_constraints(cx, spec, NULL));
    ql_table *t = qli_table_alloc(cx, "table");
    if (!t) {
        return QL_ERROR;
    }
    ql_status st = build_table(cx, t, spec);
    st = st == QL_OK && !t->temporary ? qli_check_children(cx, NULL, t, NULL) : st;
    if (st != QL_OK) {
        ql_table_put(t);
        return st;
    }
    *out = t;
    return QL_OK;
}

ql_status
ql_catalog_add_table(ql_ctx *cx, ql_table *t)
{
    if (!t->temporary) {
        QL_TRY(t->building ? qli_forget_building(cx, t->building) : QL_OK);
        QL_TRY(qli_ids_stage(cx, cx->inst->catalog)); /* the bound commits with the definition */
    }
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    uint64_t next = ql_autoinc_peek(t);
    ql_status st =
        t->temporary ? qli_temporary_add(cx, t) : qli_stage_definition(cx, t, next == 1 ? 0 : next);
    if (st != QL_OK) {
        ql_table_put(t);
        return st;
    }
    return t->temporary ? QL_OK : qli_spread(cx, NULL, t, NULL);
}

ql_status
ql_catalog_create_table(ql_ctx *cx, const ql_table_spec *spec)
{
    ql_table *t;
    QL_TRY(ql_catalog_new_table(cx, spec, &t));
    ql_status st = ql_catalog_add_table(cx, t);
    ql_table_put(t);
    return st;
}

ql_status
ql_catalog_drop_table(ql_ctx *cx, ql_table *t)
{
    if (t->temporary) {
        qli_temporary_remove(cx, t);
        return QL_OK;
    }
    QL_TRY(qli_refuse_virtual_table(cx, t));
    QL_TRY(qli_erase_table(cx, t->db, t->name));
    QL_TRY(qli_erase_constraints(cx, t, NULL));
    QL_TRY(qli_trash_table(cx, t));
    if (!qli_stage_add(cx, QLI_TABLE_DROP, t->db, t->name)) {
        return QL_ERROR;
    }
    return qli_spread(cx, t, NULL, NULL);
}

static ql_status
build_truncated(ql_ctx *cx, ql_table *t, const ql_table *old)
{
    QL_TRY(qli_table_set_names(cx, t, old->db, old->name));
    QL_TRY(qli_copy_str(cx, t->arena, old->engine, &t->engine));
    QL_TRY(qli_copy_str(cx, t->arena, old->comment, &t->comment));
    QL_TRY(qli_copy_str(cx, t->arena, old->unknown, &t->unknown));
    t->coll = old->coll;
    t->options = old->options;
    t->temporary = old->temporary;
    t->version = old->version + 1;
    t->create_time = old->create_time;
    QL_TRY(qli_copy_columns(cx, t, old->columns, old->ncolumns, old->missing));
    QL_TRY(qli_copy_indexes(cx, t, old->indexes, old->nindexes));
    QL_TRY(qli_copy_checks(cx, t, old->checks, old->nchecks));
    QL_TRY(qli_copy_foreign(cx, t, old->foreign, old->nforeign));
    QL_TRY(qli_table_finish(cx, t));
    QL_TRY(assign_ids(cx, t));
    return new_counters(cx, t, 1);
}

ql_status
ql_catalog_truncate_table(ql_ctx *cx, ql_table *old)
{
    QL_TRY(qli_refuse_virtual_table(cx, old));
    QL_TRY(ql_table_refuse_unusable(cx, old));
    ql_table *t = qli_table_alloc(cx, "table");
    if (!t) {
        return QL_ERROR;
    }
    ql_status st = build_truncated(cx, t, old);
    st = st == QL_OK && !t->temporary ? qli_trash_table(cx, old) : st;
    st = st == QL_OK ? ql_catalog_add_table(cx, t) : st;
    if (st == QL_OK && t->temporary) {
        qli_temporary_remove(cx, old);
    }
    ql_table_put(t);
    return st;
}

static ql_status
empty_all(ql_ctx *cx, ql_table *const *v, size_t n)
{
    QL_TRY(ql_txn_begin(cx, QL_REPEATABLE_READ, false));
    ql_status st = ql_txn_stmt_begin(cx);
    for (size_t i = 0; st == QL_OK && i < n; i++) {
        if (ql_str_eq(v[i]->engine, QL_STR("MEMORY")) && !v[i]->unusable) {
            st = ql_catalog_truncate_table(cx, v[i]);
        }
    }
    if (st != QL_OK) {
        ql_txn_rollback(cx);
        ql_catalog_rolled_back(cx);
        return st;
    }
    ql_txn_stmt_end(cx);
    uint64_t state;
    st = ql_txn_commit_at(cx, &state);
    if (st == QL_OK) {
        ql_catalog_committed(cx, state);
    } else {
        ql_catalog_rolled_back(cx);
    }
    return st;
}

#define EMPTY_SPACE ((uint64_t)1 << 20)

ql_status
ql_catalog_empty_memory_tables(ql_ctx *cx)
{
    ql_table **v;
    size_t n, found = 0;
    ql_arena *a = ql_arena_new("memory tables", NULL);
    if (!a) {
        return ql_fail_oom(cx, 1024);
    }
    ql_status st = ql_catalog_all_tables(cx, a, QL_STR(""), &v, &n);
    for (size_t i = 0; st == QL_OK && i < n; i++) {
        found += ql_str_eq(v[i]->engine, QL_STR("MEMORY"));
    }
    bool full = cx->inst->space && ql_space_is_low(cx->inst->space, EMPTY_SPACE);
    if (st == QL_OK && found > 0 && !full) {
        st = empty_all(cx, v, n);
    }
    ql_arena_free(a);
    return st;
}

/* --- databases ------------------------------------------------------------------------------- */

static ql_status
stage_database(ql_ctx *cx, ql_str name, const ql_collation *coll, ql_str unknown)
{
    QL_TRY(qli_store_database(cx, name, coll, unknown));
    qli_database *d = qli_database_new(cx, name, coll, unknown);
    qli_change *ch = d ? qli_stage_add(cx, QLI_DB_PUT, name, QL_STR("")) : NULL;
    if (!ch) {
        ql_mem_free(d);
        return QL_ERROR;
    }
    ch->db = d;
    return QL_OK;
}

ql_status
ql_catalog_create_database(ql_ctx *cx, ql_str name, const ql_collation *coll)
{
    QL_TRY(ql_catalog_check_database_name(cx, name));
    QL_TRY(qli_refuse_virtual(cx, name));
    if (ql_catalog_has_database(cx, name)) {
        return ql_fail(cx, QL_ER_DB_CREATE_EXISTS, ql_cstr(cx, name));
    }
    return stage_database(cx, name, coll ? coll : ql_coll_default, QL_STR(""));
}

ql_status
ql_catalog_alter_database(ql_ctx *cx, ql_str name, const ql_collation *coll)
{
    QL_TRY(qli_refuse_virtual(cx, name));
    qli_database_record d;
    if (!qli_look_up_database(cx, name, &d)) {
        return ql_fail(cx, QL_ER_BAD_DB_ERROR, ql_cstr(cx, name));
    }
    QL_TRY(qli_refuse_unusable_database(cx, name));
    return stage_database(cx, name, coll, d.unknown);
}

ql_status
ql_catalog_drop_database(ql_ctx *cx, ql_str name, size_t *tables)
{
    QL_TRY(qli_refuse_virtual(cx, name));
    if (ql_str_eq(name, QL_STR("mysql"))) {
        return ql_fail(cx, QL_ER_NO_SYSTEM_SCHEMA_ACCESS, "mysql");
    }
    if (!ql_catalog_has_database(cx, name)) {
        return ql_fail(cx, QL_ER_DB_DROP_EXISTS, ql_cstr(cx, name));
    }
    ql_table **v;
    size_t n;
    QL_TRY(ql_catalog_all_tables(cx, cx->arena, name, &v, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(qli_erase_table(cx, name, v[i]->name));
        QL_TRY(qli_trash_table(cx, v[i]));
    }
    QL_TRY(qli_erase_database(cx, name));
    *tables = n;
    if (!qli_stage_add(cx, QLI_DB_DROP, name, QL_STR(""))) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < n; i++) {
        QL_TRY(qli_spread(cx, v[i], NULL, NULL));
    }
    return QL_OK;
}
