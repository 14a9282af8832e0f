/* SPDX-License-Identifier: Apache-2.0
 *
 * The new specification of a table that is altered. Columns first, as MySQL orders the work: what
 * is dropped goes, what is changed stays in its place, then what is added and what is moved is put
 * where it is wanted, one after the other; keys follow their columns. Actions name columns and keys
 * as they were before the statement, new keys and AFTER as they are behind it. How much work it is
 * says alterway.c.
 */
#include "resolve/alterspec.h"

#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "intr/intr.h"
#include "resolve/alter_int.h"
#include "resolve/tableexpr.h"
#include "resolve/tablespec.h"
#include "resolve/tablespec_int.h"

static bool
same(ql_str a, ql_str b)
{
    return ql_str_eq_nocase(a, b);
}

/* The first action of that kind about that name that is not done; -1. */
ql_status
qli_alter_find(qli_alter_work *w, ql_alter_kind kind, ql_str name, int *at)
{
    *at = -1;
    for (uint32_t i = 0; i < w->a->n && *at < 0; i++) {
        QL_TRY(ql_bulk_each(w->cx, i));
        const ql_ast_action *v = &w->a->v[i];
        if (v->kind == kind && !w->done[i] && same(v->name, name)) {
            *at = (int)i;
        }
    }
    if (*at >= 0) {
        w->done[*at] = true;
    }
    return QL_OK;
}

static ql_status
unknown_column(qli_alter_work *w, ql_str name)
{
    return ql_fail(w->cx, QL_ER_BAD_FIELD_ERROR, ql_cstr(w->cx, name),
                   ql_cstr(w->cx, w->old->name));
}

static ql_status
cannot_drop(qli_alter_work *w, ql_str name)
{
    return ql_fail(w->cx, QL_ER_CANT_DROP_FIELD_OR_KEY, ql_cstr(w->cx, name));
}

/* --- columns --------------------------------------------------------------------------------- */

/* Does the statement drop the old index of that name? */
static bool
drops_key(const qli_alter_work *w, ql_str name)
{
    for (uint32_t i = 0; i < w->a->n; i++) {
        const ql_ast_action *v = &w->a->v[i];
        if ((v->kind == QL_ALTER_DROP_KEY || v->kind == QL_ALTER_DROP_CONSTRAINT) &&
            same(v->name, name)) {
            return true;
        }
    }
    return false;
}

/* Is a column, by its new name, in the primary key that there will be? */
static bool
in_primary(const qli_alter_work *w, int from, ql_str name)
{
    const ql_index *pk = &w->old->indexes[0];
    if (from >= 0 && pk->primary && !drops_key(w, pk->name)) {
        for (uint16_t p = 0; p < pk->nparts; p++) {
            if (pk->parts[p].column == from) {
                return true;
            }
        }
    }
    for (uint32_t k = 0; k < w->a->defs.nkeys; k++) {
        const ql_ast_key *key = &w->a->defs.keys[k];
        for (uint32_t p = 0; key->kind == QL_KEY_PRIMARY && p < key->nparts; p++) {
            if (same(key->parts[p].column, name)) {
                return true;
            }
        }
    }
    return false;
}

/* Text of a column in another character set; it must hold as many characters as before (manual,
 * "ALTER TABLE", character set). */
static ql_status
convert_column(qli_alter_work *w, ql_column *c)
{
    static const struct {
        ql_field field;
        uint64_t bytes;
    } family[] = {{QL_F_TINY_BLOB, 255},
                  {QL_F_BLOB, 65535},
                  {QL_F_MEDIUM_BLOB, 16777215},
                  {QL_F_LONG_BLOB, UINT32_MAX}};
    ql_type *t = &c->type;
    if (!ql_kind_has_text(t->kind) || t->coll == NULL || t->coll == ql_coll_binary) {
        return QL_OK;
    }
    uint64_t before = t->coll->charset->max_bytes, after = w->spec->coll->charset->max_bytes;
    t->coll = w->spec->coll;
    c->default_value.coll = ql_kind_has_text(c->default_value.kind) ? t->coll : NULL;
    QL_TRY(qli_members_differ(w->cx, c->name, t));
    if (t->field == QL_F_VARCHAR && t->length > (65535 - 3) / after) {
        return ql_fail(w->cx, QL_ER_TOO_BIG_FIELDLENGTH, ql_cstr(w->cx, c->name),
                       (unsigned long)((65535 - 3) / after));
    }
    for (size_t i = 0; i < QL_ARRAY_LEN(family); i++) {
        if (t->field == family[i].field && after > before) {
            uint64_t need = t->length / before * after;
            while (family[i].bytes < need && i + 1 < QL_ARRAY_LEN(family)) {
                i++;
            }
            t->field = family[i].field;
            t->length = (uint32_t)family[i].bytes;
            break;
        }
    }
    return QL_OK;
}

static ql_status
set_default(qli_alter_work *w, const ql_ast_action *v, ql_column *c)
{
    ql_ast_column as_written = {
        .name = c->name, .default_value = v->value, .default_is_expr = v->is_expr};
    c->default_value = ql_value_null();
    c->default_text = QL_STR("");
    return ql_spec_default(w->cx, w->spec, &as_written, c);
}

static bool
is_about_column(ql_alter_kind kind)
{
    return kind == QL_ALTER_SET_DEFAULT || kind == QL_ALTER_DROP_DEFAULT ||
           kind == QL_ALTER_COLUMN_VISIBLE || kind == QL_ALTER_RENAME_COLUMN;
}

/* What is said of a column; as in MySQL one thing in a statement, the second finds no column. */
static ql_status
change_said(qli_alter_work *w, ql_str name, ql_column *c)
{
    const ql_ast_action *v = NULL;
    for (uint32_t i = 0; i < w->a->n && v == NULL; i++) {
        QL_TRY(ql_bulk_each(w->cx, i));
        if (is_about_column(w->a->v[i].kind) && !w->done[i] && same(w->a->v[i].name, name)) {
            v = &w->a->v[i];
            w->done[i] = true;
        }
    }
    if (v == NULL) {
        return QL_OK;
    }
    switch (v->kind) {
    case QL_ALTER_SET_DEFAULT:
        return set_default(w, v, c);
    case QL_ALTER_DROP_DEFAULT:
        c->default_kind = c->type.nullable ? QL_DEF_NULL : QL_DEF_NONE;
        c->default_value = ql_value_null();
        c->default_text = QL_STR("");
        return QL_OK;
    case QL_ALTER_COLUMN_VISIBLE:
        c->invisible = !v->on;
        return QL_OK;
    default:
        c->name = v->to;
        return QL_OK;
    }
}

/* TIMESTAMP columns of older servers hold local times (ql_column_is_local_time): whatever a table
 * is altered for, they become moments, read as those of the session's zone. */
static ql_status
convert_local_time(qli_alter_work *w, ql_column *c)
{
    if (!ql_column_is_local_time(c)) {
        return QL_OK;
    }
    ql_type was = c->type;
    c->type = ql_type_timestamp(was.decimals);
    c->type.nullable = was.nullable;
    return c->default_kind != QL_DEF_VALUE || c->default_value.kind == QL_K_NULL
               ? QL_OK
               : ql_value_store(w->cx, w->cx->arena, &c->default_value, &c->type,
                                ql_cstr(w->cx, c->name), 1, false, &c->default_value);
}

/* A column whose definition is not written anew, and what is said of it otherwise. */
static ql_status
keep_column(qli_alter_work *w, uint16_t i, qli_alter_slot *s)
{
    ql_str name = w->old->columns[i].name;
    ql_column *c = &s->column;
    *s = (qli_alter_slot){.column = w->old->columns[i], .from = i};
    QL_TRY(convert_local_time(w, c));
    if (w->a->convert) {
        QL_TRY(convert_column(w, c));
    }
    QL_TRY(change_said(w, name, c));
    if (c->type.nullable && in_primary(w, i, c->name)) {
        c->type.nullable = false;
        c->default_kind = c->default_kind == QL_DEF_NULL ? QL_DEF_NONE : c->default_kind;
    }
    return QL_OK;
}

static ql_status
define_column(qli_alter_work *w, const ql_ast_action *v, int from, qli_alter_slot *s)
{
    const ql_ast_column *def = &w->a->defs.columns[v->at];
    *s = (qli_alter_slot){.from = from};
    return ql_spec_column(w->cx, w->spec, &w->a->defs, v->at, in_primary(w, from, def->name),
                          &s->column);
}

/* Is it moved? */
static bool
has_place(const ql_ast_action *v)
{
    return v->first || v->after.n > 0;
}

static ql_status
put_slot(qli_alter_work *w, const ql_ast_action *v, const qli_alter_slot *s)
{
    uint32_t at = v->first ? 0 : w->nslots;
    for (uint32_t i = 0; v->after.n > 0; i++) {
        QL_TRY(ql_bulk_each(w->cx, i));
        if (i == w->nslots) {
            return unknown_column(w, v->after);
        }
        if (same(w->slots[i].column.name, v->after)) {
            at = i + 1;
            break;
        }
    }
    memmove(&w->slots[at + 1], &w->slots[at], (w->nslots - at) * sizeof *w->slots);
    w->slots[at] = *s;
    w->nslots++;
    return QL_OK;
}

/* Is it a hidden column whose functional key is dropped? */
static bool
goes_with_key(const qli_alter_work *w, uint16_t column)
{
    bool used = !w->old->columns[column].hidden;
    for (uint16_t i = 0; i < w->old->nindexes && !used; i++) {
        const ql_index *ix = &w->old->indexes[i];
        for (uint16_t p = 0; p < ix->nparts && !drops_key(w, ix->name); p++) {
            used = used || ix->parts[p].column == column;
        }
    }
    return !used;
}

/* A column leaves its place. */
static qli_alter_slot
take_slot(qli_alter_work *w, int from)
{
    uint32_t at = 0;
    while (w->slots[at].from != from) {
        at++;
    }
    qli_alter_slot s = w->slots[at];
    w->nslots--;
    memmove(&w->slots[at], &w->slots[at + 1], (w->nslots - at) * sizeof *w->slots);
    return s;
}

/* Columns that are there, but for those that go. Those that move stay until it is their turn: AFTER
 * may name each of them. Where they come from is left in moved, by action. */
static ql_status
take_old_columns(qli_alter_work *w, int *moved)
{
    for (uint16_t i = 0; i < w->old->ncolumns; i++) {
        ql_str name = w->old->columns[i].name;
        int at;
        QL_TRY(ql_check(w->cx));
        QL_TRY(qli_alter_find(w, QL_ALTER_DROP_COLUMN, name, &at));
        if (at >= 0 || goes_with_key(w, i)) {
            continue;
        }
        QL_TRY(qli_alter_find(w, QL_ALTER_CHANGE_COLUMN, name, &at));
        if (at < 0) {
            QL_TRY(keep_column(w, i, &w->slots[w->nslots++]));
            continue;
        }
        moved[at] = i;
        QL_TRY(define_column(w, &w->a->v[at], i, &w->slots[w->nslots++]));
    }
    return QL_OK;
}

static ql_status
put_new_columns(qli_alter_work *w, const int *moved)
{
    for (uint32_t i = 0; i < w->a->n; i++) {
        const ql_ast_action *v = &w->a->v[i];
        qli_alter_slot s;
        QL_TRY(ql_check(w->cx));
        if (v->kind == QL_ALTER_CHANGE_COLUMN && !w->done[i]) {
            return unknown_column(w, v->name);
        }
        if (v->kind == QL_ALTER_ADD_COLUMN) {
            QL_TRY(define_column(w, v, -1, &s));
            QL_TRY(put_slot(w, v, &s));
        } else if (v->kind == QL_ALTER_CHANGE_COLUMN && has_place(v)) {
            s = take_slot(w, moved[i]);
            QL_TRY(put_slot(w, v, &s));
        }
    }
    return QL_OK;
}

/* Actions about columns that are not there; dropping them is complained of last. */
static ql_status
check_columns_found(qli_alter_work *w)
{
    for (uint32_t i = 0; i < w->a->n; i++) {
        QL_TRY(ql_bulk_each(w->cx, i));
        if (is_about_column(w->a->v[i].kind) && !w->done[i]) {
            return unknown_column(w, w->a->v[i].name);
        }
    }
    return w->nslots == 0 ? ql_fail(w->cx, QL_ER_CANT_REMOVE_ALL_FIELDS) : QL_OK;
}

/* With room for the hidden columns of new keys. */
static ql_status
settle_columns(qli_alter_work *w)
{
    ql_table_spec *s = w->spec;
    uint32_t room = w->nslots;
    for (uint32_t k = 0; k < w->a->defs.nkeys; k++) {
        QL_TRY(ql_bulk_node(w->cx));
        room += w->a->defs.keys[k].nparts;
    }
    if (room > 4096) {
        return ql_fail(w->cx, QL_ER_TOO_MANY_FIELDS);
    }
    int *from = QL_ARENA_ARRAY(w->cx, w->cx->arena, int, room + 1);
    s->columns = QL_ARENA_ARRAY(w->cx, w->cx->arena, ql_column, room + 1);
    if (from == NULL || s->columns == NULL) {
        return QL_ERROR;
    }
    s->ncolumns = (uint16_t)w->nslots;
    for (uint32_t i = 0; i < room; i++) {
        from[i] = i < w->nslots ? w->slots[i].from : -1;
    }
    for (uint16_t i = 0; i < s->ncolumns; i++) {
        s->columns[i] = w->slots[i].column;
        s->columns[i].ordinal = i;
    }
    w->plan->change.from_column = from;
    return QL_OK;
}

static ql_status
alter_columns(qli_alter_work *w)
{
    uint32_t room = w->old->ncolumns + w->a->defs.ncolumns + 1;
    int *moved = QL_ARENA_ARRAY(w->cx, w->cx->arena, int, w->a->n + 1);
    w->slots = QL_ARENA_ARRAY(w->cx, w->cx->arena, qli_alter_slot, room);
    if (moved == NULL || w->slots == NULL) {
        return QL_ERROR;
    }
    QL_TRY(take_old_columns(w, moved));
    QL_TRY(put_new_columns(w, moved));
    QL_TRY(check_columns_found(w));
    return settle_columns(w);
}

/* --- keys ------------------------------------------------------------------------------------ */

int
qli_alter_column_now(const qli_alter_work *w, uint16_t old)
{
    for (uint16_t i = 0; i < w->spec->ncolumns; i++) {
        if (w->plan->change.from_column[i] == old) {
            return i;
        }
    }
    return -1;
}

/* A part whose column has become too short for its prefix, or no text, is the whole column. */
static void
fit_part(const qli_alter_work *w, ql_index_part *p)
{
    const ql_type *t = &w->spec->columns[p->column].type;
    bool is_blob = t->field == QL_F_TINY_BLOB || t->field == QL_F_BLOB ||
                   t->field == QL_F_MEDIUM_BLOB || t->field == QL_F_LONG_BLOB;
    if (t->kind != QL_K_STRING || (!is_blob && p->prefix >= t->length)) {
        p->prefix = 0;
    }
}

/* An old key with the parts whose columns are still there; none are left: it goes. */
static ql_status
keep_key(qli_alter_work *w, uint16_t i, int *from)
{
    const ql_index *old = &w->old->indexes[i];
    ql_index *ix = &w->spec->indexes[w->spec->nindexes];
    *ix = *old;
    ix->nparts = 0;
    ix->parts = QL_ARENA_ARRAY(w->cx, w->cx->arena, ql_index_part, old->nparts + 1u);
    if (ix->parts == NULL) {
        return QL_ERROR;
    }
    for (uint16_t p = 0; p < old->nparts; p++) {
        int now = qli_alter_column_now(w, old->parts[p].column);
        if (now >= 0) {
            ql_index_part *part = &ix->parts[ix->nparts++];
            *part = old->parts[p];
            part->column = (uint16_t)now;
            fit_part(w, part);
        }
    }
    ix->asked = ix->nparts < old->nparts;
    if (ix->nparts > 0) {
        from[w->spec->nindexes++] = ix->nparts == old->nparts ? i : -1;
    }
    return QL_OK;
}

static ql_status
change_key(qli_alter_work *w, const ql_index *old, ql_index *ix)
{
    int at;
    QL_TRY(qli_alter_find(w, QL_ALTER_KEY_VISIBLE, old->name, &at));
    ix->invisible = at >= 0 ? !w->a->v[at].on : ix->invisible;
    QL_TRY(qli_alter_find(w, QL_ALTER_RENAME_KEY, old->name, &at));
    if (at >= 0) {
        ix->name = w->a->v[at].to;
    }
    return QL_OK;
}

static ql_status
take_old_keys(qli_alter_work *w, int *from)
{
    for (uint16_t i = 0; i < w->old->nindexes; i++) {
        const ql_index *old = &w->old->indexes[i];
        int at, constraint = -1;
        QL_TRY(ql_check(w->cx));
        if (old->hidden_rowid) {
            continue;
        }
        QL_TRY(qli_alter_find(w, QL_ALTER_DROP_KEY, old->name, &at));
        if (at < 0 && old->unique) {
            QL_TRY(qli_alter_find(w, QL_ALTER_DROP_CONSTRAINT, old->name, &constraint));
        }
        if (at >= 0 || constraint >= 0) {
            continue;
        }
        uint16_t n = w->spec->nindexes;
        QL_TRY(keep_key(w, i, from));
        QL_TRY(change_key(w, old, &w->spec->indexes[n])); /* also of one that goes: it is there */
    }
    return QL_OK;
}

static bool
is_primary_name(ql_str s)
{
    return same(s, QL_STR("PRIMARY"));
}

/* What names keys and constraints that are not there. */
static ql_status
check_keys_found(qli_alter_work *w)
{
    for (uint32_t i = 0; i < w->a->n; i++) {
        const ql_ast_action *v = &w->a->v[i];
        QL_TRY(ql_bulk_each(w->cx, i));
        if (v->kind == QL_ALTER_RENAME_KEY &&
            (is_primary_name(v->name) || is_primary_name(v->to))) {
            return ql_fail(w->cx, QL_ER_WRONG_NAME_FOR_INDEX, "PRIMARY");
        }
        if ((v->kind == QL_ALTER_RENAME_KEY || v->kind == QL_ALTER_KEY_VISIBLE) && !w->done[i]) {
            return ql_fail(w->cx, QL_ER_KEY_DOES_NOT_EXIST, ql_cstr(w->cx, v->name),
                           ql_cstr(w->cx, w->old->name));
        }
    }
    return QL_OK;
}

static ql_status
add_key(qli_alter_work *w, const ql_ast_key *key, int *from)
{
    from[w->spec->nindexes] = -1;
    return ql_spec_key(w->cx, w->spec, key);
}

/* PRIMARY KEY and UNIQUE behind a column. */
static ql_status
add_column_keys(qli_alter_work *w, const ql_ast_column *def, int *from)
{
    ql_ast_key_part part = {.column = def->name};
    ql_ast_key key = {.parts = &part, .nparts = 1};
    if (def->primary_key) {
        key.kind = QL_KEY_PRIMARY;
        QL_TRY(add_key(w, &key, from));
    }
    if (def->unique_key) {
        key.kind = QL_KEY_UNIQUE;
        QL_TRY(add_key(w, &key, from));
    }
    return QL_OK;
}

static ql_status
add_new_keys(qli_alter_work *w, int *from)
{
    for (uint32_t i = 0; i < w->a->n; i++) {
        const ql_ast_action *v = &w->a->v[i];
        QL_TRY(ql_check(w->cx));
        if (v->kind == QL_ALTER_ADD_KEY) {
            QL_TRY(add_key(w, &w->a->defs.keys[v->at], from));
        } else if (v->kind == QL_ALTER_ADD_COLUMN || v->kind == QL_ALTER_CHANGE_COLUMN) {
            QL_TRY(add_column_keys(w, &w->a->defs.columns[v->at], from));
        }
    }
    return QL_OK;
}

static ql_status
alter_keys(qli_alter_work *w)
{
    const ql_ast_create_table *d = &w->a->defs;
    uint32_t room = w->old->nindexes + 2 * d->ncolumns + d->nkeys + 1;
    int *from = QL_ARENA_ARRAY(w->cx, w->cx->arena, int, room);
    w->spec->indexes = QL_ARENA_ARRAY(w->cx, w->cx->arena, ql_index, room);
    if (from == NULL || w->spec->indexes == NULL) {
        return QL_ERROR;
    }
    if (room > INT16_MAX) {
        return ql_fail(w->cx, QL_ER_TOO_MANY_KEYS, 64);
    }
    w->plan->change.from_index = w->from_index = from;
    QL_TRY(take_old_keys(w, from));
    QL_TRY(check_keys_found(w));
    return add_new_keys(w, from);
}

/* --- the rest -------------------------------------------------------------------------------- */

static ql_status
table_collation(qli_alter_work *w)
{
    const ql_ast_alter *a = w->a;
    ql_ast_option v[2];
    uint32_t n = 0;
    QL_TRY(
        ql_spec_collation(w->cx, a->defs.options, a->defs.noptions, w->old->coll, &w->spec->coll));
    if (!a->convert) {
        return QL_OK;
    }
    if (a->charset.n > 0) {
        v[n++] = (ql_ast_option){QL_STR("CHARSET"), ql_value_str(a->charset, ql_coll_default)};
    }
    if (a->collation.n > 0) {
        v[n++] = (ql_ast_option){QL_STR("COLLATE"), ql_value_str(a->collation, ql_coll_default)};
    }
    ql_database db;
    const ql_collation *otherwise = w->spec->coll;
    ql_status st = ql_catalog_find_database(w->cx, w->old->db, &db);
    if (st == QL_OK && db.coll != NULL) {
        otherwise = db.coll; /* CONVERT TO CHARACTER SET DEFAULT */
    } else if (st != QL_OK && st != QL_END) {
        return st;
    }
    return ql_spec_collation(w->cx, v, n, otherwise, &w->spec->coll);
}

static ql_status
table_options(qli_alter_work *w)
{
    const ql_ast_create_table *d = &w->a->defs;
    w->spec->engine = w->old->engine;
    w->spec->comment = w->old->comment;
    w->spec->options = w->old->options;
    for (uint32_t i = 0; i < d->noptions; i++) {
        QL_TRY(ql_check(w->cx));
        QL_TRY(ql_spec_option(w->cx, w->spec, &d->options[i]));
        w->plan->sets_auto |= ql_str_eq(d->options[i].name, QL_STR("AUTO_INCREMENT"));
    }
    return table_collation(w);
}

static void
new_name(qli_alter_work *w)
{
    const ql_ast_table_name *to = &w->a->to;
    w->spec->db = w->old->db;
    w->spec->name = w->old->name;
    if (to->name.n > 0) {
        w->spec->db = to->db.n > 0 ? to->db : w->cx->vars->db.n > 0 ? w->cx->vars->db : w->old->db;
        w->spec->name = to->name;
    }
    w->plan->renames =
        !ql_str_eq(w->spec->db, w->old->db) || !ql_str_eq(w->spec->name, w->old->name);
}

/* DROP of what is not there. */
static ql_status
check_drops(qli_alter_work *w)
{
    for (uint32_t i = 0; i < w->a->n; i++) {
        ql_alter_kind k = w->a->v[i].kind;
        QL_TRY(ql_bulk_each(w->cx, i));
        if ((k == QL_ALTER_DROP_COLUMN || k == QL_ALTER_DROP_KEY || k == QL_ALTER_DROP_FOREIGN) &&
            !w->done[i]) {
            return cannot_drop(w, w->a->v[i].name);
        }
    }
    return QL_OK;
}

/* The order as that of an index. */
static ql_status
plan_order(qli_alter_work *w)
{
    const ql_ast_orders *o = &w->a->order_by;
    ql_index *ix = QL_ARENA_NEW(w->cx, w->cx->arena, ql_index);
    ql_index_part *parts = QL_ARENA_ARRAY(w->cx, w->cx->arena, ql_index_part, o->n);
    if (ix == NULL || parts == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < o->n; i++) {
        uint16_t c = 0;
        while (!same(w->spec->columns[c].name, o->v[i].expr->name)) {
            c++;
        }
        parts[i] = (ql_index_part){.column = c, .descending = o->v[i].descending};
        QL_TRY(ql_bulk_count(w->cx, c));
    }
    *ix = (ql_index){.nparts = (uint16_t)o->n, .parts = parts};
    w->plan->change.order = ix;
    return QL_OK;
}

/* ORDER BY: of a table with a primary key it is that key's already. */
static ql_status
check_order(qli_alter_work *w)
{
    const ql_ast_orders *o = &w->a->order_by;
    for (uint32_t i = 0; i < o->n; i++) {
        bool found = false;
        for (uint16_t c = 0; c < w->spec->ncolumns && !found; c++) {
            QL_TRY(ql_bulk_each(w->cx, c));
            found = same(w->spec->columns[c].name, o->v[i].expr->name);
        }
        if (!found) {
            return ql_fail(w->cx, QL_ER_BAD_FIELD_ERROR, ql_cstr(w->cx, o->v[i].expr->name),
                           "order clause");
        }
    }
    for (uint16_t i = 0; o->n > 0 && i < w->spec->nindexes; i++) {
        if (w->spec->indexes[i].primary) {
            ql_warn_text(w->cx, QL_DIAG_WARNING, QL_ER_UNKNOWN_ERROR,
                         "ORDER BY ignored as there is a user-defined clustered index in the table "
                         "'%.*s'",
                         (int)w->old->name.n, w->old->name.p);
            return QL_OK;
        }
    }
    return o->n > 0 ? plan_order(w) : QL_OK;
}

ql_status
ql_alter_plan_make(ql_ctx *cx, const ql_table *t, const ql_ast_alter *a, ql_alter_plan *plan)
{
    *plan = (ql_alter_plan){0};
    qli_alter_work w = {.cx = cx, .old = t, .a = a, .plan = plan, .spec = &plan->spec};
    plan->change.spec = &plan->spec;
    plan->acts = a->n > 0 || a->defs.noptions > 0 || a->convert || a->order_by.n > 0 || a->force;
    w.done = QL_ARENA_ARRAY(cx, cx->arena, bool, a->n + 1);
    if (w.done == NULL) {
        return QL_ERROR;
    }
    new_name(&w);
    QL_TRY(qli_alter_constraint_names(&w));
    QL_TRY(table_options(&w));
    QL_TRY(alter_columns(&w));
    QL_TRY(alter_keys(&w));
    QL_TRY(qli_alter_foreign(&w));
    QL_TRY(qli_alter_checks(&w));
    QL_TRY(check_drops(&w));
    QL_TRY(check_order(&w));
    QL_TRY(qli_alter_dependencies(&w));
    QL_TRY(ql_spec_exprs_check(cx, w.spec));
    QL_TRY(ql_spec_foreign_check(cx, w.spec));
    return qli_alter_plan_weigh(&w);
}
