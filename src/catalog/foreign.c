/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of foreign keys' definitions, with MySQL's error numbers (manual, "FOREIGN KEY
 * Constraints"): a new definition of a table against its parents, and its children against it. The
 * caller holds the exclusive metadata locks of all whose records change.
 */
#include "catalog/foreign.h"

#include <stdlib.h>
#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "base/text.h"
#include "catalog/catalog_int.h"

/* --- keys and types -------------------------------------------------------------------------- */

bool
ql_foreign_refers_to(const ql_foreign_key *k, ql_str db, ql_str name)
{
    return ql_str_eq(k->parent_db, db) && ql_str_eq(k->parent_name, name);
}

bool
ql_table_may_be_parent(const ql_table *t)
{
    return t && !t->view && !t->is_virtual && !t->unusable && !t->nontxn;
}

/* Does ix begin with these columns, whole ones, in their order? */
static bool
begins_with(const ql_index *ix, const uint16_t *columns, uint16_t n)
{
    if (ix->hidden_rowid || ix->nparts < n) {
        return false;
    }
    for (uint16_t i = 0; i < n; i++) {
        if (ix->parts[i].column != columns[i] || ix->parts[i].prefix != 0) {
            return false;
        }
    }
    return true;
}

const ql_index *
ql_foreign_index(const ql_table *child, const ql_foreign_key *k)
{
    for (uint16_t i = 0; i < child->nindexes; i++) {
        if (begins_with(&child->indexes[i], k->columns, k->ncolumns)) {
            return &child->indexes[i];
        }
    }
    return NULL;
}

bool
ql_foreign_is_standard(const ql_index *parent_index, const ql_foreign_key *k)
{
    return parent_index->unique && parent_index->nparts == k->ncolumns;
}

#define MAX_PARTS 16u

const ql_index *
ql_foreign_parent_index(const ql_table *parent, const ql_foreign_key *k)
{
    uint16_t columns[MAX_PARTS];
    const ql_index *best = NULL;
    if (k->ncolumns > MAX_PARTS) {
        return NULL;
    }
    for (uint16_t i = 0; i < k->ncolumns; i++) {
        int c = ql_table_column(parent, k->parent_columns[i]);
        if (c < 0) {
            return NULL;
        }
        columns[i] = (uint16_t)c;
    }
    for (uint16_t i = 0; i < parent->nindexes; i++) { /* unique ones stand first */
        const ql_index *ix = &parent->indexes[i];
        if (begins_with(ix, columns, k->ncolumns)) {
            if (ql_foreign_is_standard(ix, k)) {
                return ix;
            }
            best = best ? best : ix;
        }
    }
    return best;
}

static bool
is_text(const ql_type *t)
{
    return t->kind == QL_K_STRING && t->coll != NULL && t->coll != ql_coll_binary;
}

bool
ql_foreign_types_fit(const ql_type *child, const ql_type *parent, bool charsets)
{
    if (child->kind != parent->kind) {
        return false;
    }
    if (child->kind == QL_K_STRING) {
        bool text = is_text(child);
        return text == is_text(parent) && (!text || !charsets || child->coll == parent->coll);
    }
    if (child->field != parent->field || child->is_unsigned != parent->is_unsigned) {
        return false;
    }
    if (child->kind == QL_K_DECIMAL) {
        return child->length == parent->length && child->decimals == parent->decimals;
    }
    return !ql_kind_is_temporal(child->kind) || child->decimals == parent->decimals;
}

/* --- copies ---------------------------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
    const ql_foreign_key *x = a, *y = b;
    return ql_name_order(x->name, y->name);
}

static ql_status
copy_key(ql_ctx *cx, ql_arena *a, const ql_foreign_key *from, ql_foreign_key *to)
{
    *to = *from;
    QL_TRY(qli_copy_str(cx, a, from->name, &to->name));
    QL_TRY(qli_copy_str(cx, a, from->parent_db, &to->parent_db));
    QL_TRY(qli_copy_str(cx, a, from->parent_name, &to->parent_name));
    QL_TRY(qli_copy_str(cx, a, from->parent_index, &to->parent_index));
    QL_TRY(qli_copy_str(cx, a, from->unknown, &to->unknown));
    to->columns = QL_ARENA_ARRAY(cx, a, uint16_t, from->ncolumns + 1u);
    to->parent_columns = QL_ARENA_ARRAY(cx, a, ql_str, from->ncolumns + 1u);
    if (!to->columns || !to->parent_columns) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < from->ncolumns; i++) {
        to->columns[i] = from->columns[i];
        QL_TRY(qli_copy_str(cx, a, from->parent_columns[i], &to->parent_columns[i]));
    }
    return QL_OK;
}

ql_status
qli_copy_foreign(ql_ctx *cx, ql_table *t, const ql_foreign_key *foreign, uint16_t n)
{
    t->foreign = QL_ARENA_ARRAY(cx, t->arena, ql_foreign_key, n + 1u);
    if (!t->foreign) {
        return QL_ERROR;
    }
    t->nforeign = n;
    for (uint16_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(copy_key(cx, t->arena, &foreign[i], &t->foreign[i]));
    }
    qsort(t->foreign, n, sizeof *t->foreign, by_name);
    return QL_OK;
}

/* --- a foreign key against its parent -------------------------------------------------------- */

static bool
checks_on(const ql_ctx *cx)
{
    return !cx->vars || cx->vars->foreign_key_checks;
}

static bool
only_standard_keys(const ql_ctx *cx)
{
    return !cx->vars || ql_vars_u64(cx->vars, QL_SV_RESTRICT_FK_ON_NON_STANDARD_KEY) != 0;
}

static bool
asks_the_same(const ql_foreign_key *x, const ql_foreign_key *y)
{
    bool same = x->ncolumns == y->ncolumns && ql_foreign_refers_to(x, y->parent_db, y->parent_name);
    for (uint16_t i = 0; same && i < x->ncolumns; i++) {
        same = ql_str_eq_nocase(x->parent_columns[i], y->parent_columns[i]);
    }
    return same;
}

/* What k was in an older version of its table, t now, with which names may have changed; NULL: it
 * is new, though another may have had its name. */
static const ql_foreign_key *
key_of(const ql_table *old, const ql_table *t, const ql_foreign_key *k)
{
    const ql_foreign_key *found = NULL;
    for (uint16_t i = 0; old && i < old->nforeign; i++) {
        const ql_foreign_key *was = &old->foreign[i];
        bool named = ql_str_eq_nocase(was->name, k->name);
        if (asks_the_same(was, k) && (named || !ql_str_eq(old->name, t->name))) {
            found = named || !found ? was : found;
        }
    }
    return found;
}

/* At the start of a server, on the way from local times to moments: one table after the other, and
 * nobody writes before all are done. */
static bool
are_being_settled(const ql_ctx *cx, const ql_column *a, const ql_column *b)
{
    return cx->vars && cx->vars->is_server && a->type.field == b->type.field &&
           ql_column_is_local_time(a) != ql_column_is_local_time(b);
}

/* The columns that k names are there, stored, and of types that fit; their names as the parent has
 * them. */
static ql_status
fit_columns(ql_ctx *cx, const ql_table *child, ql_foreign_key *k, const ql_table *parent,
            bool charsets, ql_arena *a)
{
    for (uint16_t i = 0; i < k->ncolumns; i++) {
        int c = ql_table_column(parent, k->parent_columns[i]);
        if (c < 0) {
            return ql_fail(cx, QL_ER_FK_NO_COLUMN_PARENT, ql_cstr(cx, k->parent_columns[i]),
                           ql_cstr(cx, k->name), ql_cstr(cx, k->parent_name));
        }
        const ql_column *there = &parent->columns[c], *here = &child->columns[k->columns[i]];
        if (there->generated.n > 0 && !there->stored) {
            return ql_fail(cx, QL_ER_FK_CANNOT_USE_VIRTUAL_COLUMN, ql_cstr(cx, k->name),
                           ql_cstr(cx, there->name));
        }
        if (!ql_foreign_types_fit(&here->type, &there->type, charsets) &&
            !are_being_settled(cx, here, there)) {
            return ql_fail(cx, QL_ER_FK_INCOMPATIBLE_COLUMNS, ql_cstr(cx, here->name),
                           ql_cstr(cx, there->name), ql_cstr(cx, k->name));
        }
        QL_TRY(qli_copy_str(cx, a, there->name, &k->parent_columns[i]));
    }
    return QL_OK;
}

static ql_status
set_parent_index(ql_ctx *cx, ql_foreign_key *k, const ql_index *ix, ql_arena *a)
{
    return qli_copy_str(cx, a, ix && ix->unique ? ix->name : QL_STR(""), &k->parent_index);
}

/* A parent that k did not have before. */
static ql_status
fit_new_parent(ql_ctx *cx, const ql_table *child, ql_foreign_key *k, const ql_table *parent,
               ql_arena *a)
{
    QL_TRY(fit_columns(cx, child, k, parent, true, a));
    const ql_index *ix = ql_foreign_parent_index(parent, k);
    bool strict = only_standard_keys(cx);
    if (!ix || (strict && !ql_foreign_is_standard(ix, k))) {
        return ql_fail(cx, strict ? QL_ER_FK_NO_UNIQUE_INDEX_PARENT : QL_ER_FK_NO_INDEX_PARENT,
                       ql_cstr(cx, k->name), ql_cstr(cx, k->parent_name));
    }
    return set_parent_index(cx, k, ix, a);
}

/* A parent that has another definition now (was: its former one). */
static ql_status
fit_old_parent(ql_ctx *cx, const ql_table *child, ql_foreign_key *k, const ql_table *parent,
               const ql_table *was, const ql_foreign_key *k_was, ql_arena *a)
{
    QL_TRY(fit_columns(cx, child, k, parent, checks_on(cx), a));
    const ql_index *ix = ql_foreign_parent_index(parent, k);
    const ql_index *stood_on = ql_foreign_parent_index(was, k_was);
    bool weaker = ix && stood_on && ql_foreign_is_standard(stood_on, k_was) &&
                  !ql_foreign_is_standard(ix, k) && only_standard_keys(cx);
    if (!ix || weaker) {
        return ql_fail(cx, QL_ER_DROP_INDEX_FK,
                       stood_on ? ql_cstr(cx, stood_on->name) : "<unknown key name>");
    }
    return set_parent_index(cx, k, ix, a);
}

/* --- the foreign keys of a new definition ---------------------------------------------------- */

static ql_status
check_own_index(ql_ctx *cx, const ql_table *t, const ql_foreign_key *k, const ql_table *old)
{
    if (ql_foreign_index(t, k)) {
        return QL_OK;
    }
    const ql_foreign_key *was = key_of(old, t, k);
    const ql_index *stood_on = was ? ql_foreign_index(old, was) : NULL;
    if (stood_on) {
        return ql_fail(cx, QL_ER_DROP_INDEX_FK, ql_cstr(cx, stood_on->name));
    }
    return ql_fail(cx, QL_ER_FK_NO_INDEX_CHILD, ql_cstr(cx, k->name), ql_cstr(cx, t->name));
}

/* Name that a column of old has in the version that c makes of it; false: it is gone. */
static bool
name_now(const ql_table *old, const ql_table_change *c, ql_str name, ql_str *now)
{
    int column = ql_table_column(old, name);
    for (uint16_t i = 0; i < c->spec->ncolumns; i++) {
        if (column >= 0 && c->from_column[i] == column) {
            *now = c->spec->columns[i].name;
            return true;
        }
    }
    return false;
}

/* The parent's columns of k, by the names that they get. */
static ql_status
follow_columns(ql_ctx *cx, ql_foreign_key *k, const ql_table *old, const ql_table_change *c,
               const ql_table *child, ql_arena *a)
{
    for (uint16_t i = 0; i < k->ncolumns; i++) {
        ql_str now;
        if (!name_now(old, c, k->parent_columns[i], &now)) {
            return ql_fail(cx, QL_ER_FK_COLUMN_CANNOT_DROP_CHILD, ql_cstr(cx, k->parent_columns[i]),
                           ql_cstr(cx, k->name), ql_cstr(cx, child->name));
        }
        QL_TRY(qli_copy_str(cx, a, now, &k->parent_columns[i]));
    }
    return QL_OK;
}

static ql_status
follow_name(ql_ctx *cx, ql_foreign_key *k, const ql_table *t, ql_arena *a)
{
    QL_TRY(qli_copy_str(cx, a, t->db, &k->parent_db));
    return qli_copy_str(cx, a, t->name, &k->parent_name);
}

/* k refers to its own table, perhaps by the name that this had. */
static ql_status
settle_self(ql_ctx *cx, ql_table *t, ql_foreign_key *k, const ql_table *old,
            const ql_foreign_key *was, const ql_table_change *c)
{
    QL_TRY(follow_name(cx, k, t, t->arena));
    if (!was || !ql_foreign_refers_to(was, old->db, old->name)) {
        return fit_new_parent(cx, t, k, t, t->arena);
    }
    QL_TRY(follow_columns(cx, k, old, c, t, t->arena));
    return fit_old_parent(cx, t, k, t, old, was, t->arena);
}

static ql_status
settle_key(ql_ctx *cx, ql_table *t, ql_foreign_key *k, const ql_table *old,
           const ql_table_change *c)
{
    const ql_foreign_key *was = key_of(old, t, k);
    QL_TRY(check_own_index(cx, t, k, old));
    bool self = ql_foreign_refers_to(k, t->db, t->name) ||
                (was && ql_foreign_refers_to(k, old->db, old->name));
    if (self) {
        return settle_self(cx, t, k, old, was, c);
    }
    ql_table *parent = qli_find_table(cx, k->parent_db, k->parent_name);
    ql_status st = QL_OK;
    if (!ql_table_may_be_parent(parent)) {
        st = !was && checks_on(cx)
                 ? ql_fail(cx, QL_ER_FK_CANNOT_OPEN_PARENT, ql_cstr(cx, k->parent_name))
                 : set_parent_index(cx, k, NULL, t->arena);
    } else if (was) {
        st = fit_columns(cx, t, k, parent, checks_on(cx), t->arena);
    } else {
        st = fit_new_parent(cx, t, k, parent, t->arena);
    }
    ql_table_put(parent);
    return st;
}

ql_status
qli_settle_foreign(ql_ctx *cx, ql_table *t, const ql_table *old, const ql_table_change *c)
{
    for (uint16_t i = 0; i < t->nforeign; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(settle_key(cx, t, &t->foreign[i], old, c));
    }
    return QL_OK;
}

/* --- what is there already ------------------------------------------------------------------- */

static bool
fits_parent(const ql_table *t, const ql_foreign_key *k, const ql_table *parent)
{
    bool fits = ql_foreign_parent_index(parent, k) != NULL;
    for (uint16_t i = 0; fits && i < k->ncolumns; i++) {
        int c = ql_table_column(parent, k->parent_columns[i]);
        fits =
            ql_foreign_types_fit(&t->columns[k->columns[i]].type, &parent->columns[c].type, false);
    }
    return fits;
}

ql_status
ql_foreign_check_definition(ql_ctx *cx, const ql_table *t,
                            ql_status (*report)(ql_ctx *cx, void *arg, const char *text), void *arg,
                            uint64_t *findings)
{
    for (uint16_t i = 0; i < t->nforeign; i++) {
        const ql_foreign_key *k = &t->foreign[i];
        ql_table *parent = qli_find_table(cx, k->parent_db, k->parent_name);
        bool fits = !ql_table_may_be_parent(parent) || fits_parent(t, k, parent);
        ql_table_put(parent);
        QL_TRY(ql_check(cx));
        if (fits && ql_foreign_index(t, k)) {
            continue;
        }
        const char *text = ql_arena_printf(
            cx, cx->arena, "Foreign key '%s' does not fit '%s.%s'", ql_cstr(cx, k->name),
            ql_cstr(cx, fits ? t->db : k->parent_db), ql_cstr(cx, fits ? t->name : k->parent_name));
        QL_TRY(text ? report(cx, arg, text) : QL_ERROR);
        ++*findings;
    }
    return QL_OK;
}

/* --- children of a new definition ------------------------------------------------------------ */

/* What becomes of a table that others refer to. */
typedef struct parent {
    const ql_table *old, *next; /* NULL: it is new, it goes */
    const ql_table_change *c;   /* of both; NULL: no column has another name */
    bool stage;
} parent;

static bool
is_same_table(const ql_table *t, const ql_table *other)
{
    return other && ql_str_eq(t->db, other->db) && ql_str_eq(t->name, other->name);
}

/* k, a copy in cx->arena, follows its parent. */
static ql_status
follow_parent(ql_ctx *cx, const parent *p, const ql_table *child, ql_foreign_key *k,
              const ql_foreign_key *was)
{
    ql_arena *a = cx->arena;
    bool new_parent = !p->old || !ql_foreign_refers_to(was, p->old->db, p->old->name);
    if (!p->next) {
        return set_parent_index(cx, k, NULL, a);
    }
    if (!ql_table_may_be_parent(p->next)) {
        bool lost = !new_parent && ql_table_may_be_parent(p->old);
        return lost && checks_on(cx) ? ql_fail(cx, QL_ER_FK_CANNOT_CHANGE_ENGINE)
                                     : set_parent_index(cx, k, NULL, a);
    }
    if (new_parent) {
        return fit_new_parent(cx, child, k, p->next, a);
    }
    QL_TRY(p->c ? follow_columns(cx, k, p->old, p->c, child, a) : QL_OK);
    QL_TRY(follow_name(cx, k, p->next, a));
    return ql_table_may_be_parent(p->old) ? fit_old_parent(cx, child, k, p->next, p->old, was, a)
                                          : fit_new_parent(cx, child, k, p->next, a);
}

static bool
is_same_key(const ql_foreign_key *x, const ql_foreign_key *y)
{
    bool same = ql_str_eq(x->parent_db, y->parent_db) &&
                ql_str_eq(x->parent_name, y->parent_name) &&
                ql_str_eq(x->parent_index, y->parent_index);
    for (uint16_t i = 0; same && i < x->ncolumns; i++) {
        same = ql_str_eq(x->parent_columns[i], y->parent_columns[i]);
    }
    return same;
}

/* A child's keys that refer to one name, from number *i of the list on. */
static ql_status
follow_child(ql_ctx *cx, const parent *p, const ql_child *v, size_t n, size_t *i, bool *changes)
{
    ql_table *child = v[*i].table;
    ql_foreign_key *keys = QL_ARENA_ARRAY(cx, cx->arena, ql_foreign_key, child->nforeign + 1u);
    *changes = false;
    if (!keys) {
        return QL_ERROR;
    }
    for (uint16_t k = 0; k < child->nforeign; k++) {
        QL_TRY(copy_key(cx, cx->arena, &child->foreign[k], &keys[k]));
    }
    for (; *i < n && v[*i].table == child; ++*i) {
        ql_foreign_key *k = &keys[v[*i].key - child->foreign];
        QL_TRY(follow_parent(cx, p, child, k, v[*i].key));
        *changes |= !is_same_key(k, v[*i].key);
    }
    return *changes && p->stage ? qli_restate(cx, child, keys) : QL_OK;
}

/* All children of one name but the table itself; the names of those that change, where they are
 * asked for. */
static ql_status
follow_name_of(ql_ctx *cx, const parent *p, ql_str db, ql_str name, ql_name_list *changed)
{
    ql_child *v;
    size_t n;
    QL_TRY(ql_catalog_children(cx, cx->arena, db, name, &v, &n));
    for (size_t i = 0; i < n;) {
        const ql_table *child = v[i].table;
        bool changes;
        QL_TRY(ql_check(cx));
        if (is_same_table(child, p->old) || is_same_table(child, p->next)) {
            i++;
            continue;
        }
        QL_TRY(follow_child(cx, p, v, n, &i, &changes));
        QL_TRY(changes && changed ? ql_name_list_add(cx, changed, child->db, child->name) : QL_OK);
    }
    return QL_OK;
}

static ql_status
follow_all(ql_ctx *cx, const parent *p, ql_name_list *changed)
{
    bool renamed = p->next && !is_same_table(p->next, p->old);
    if (renamed) { /* whose parent was missing so far */
        QL_TRY(follow_name_of(cx, p, p->next->db, p->next->name, changed));
    }
    return p->old ? follow_name_of(cx, p, p->old->db, p->old->name, changed) : QL_OK;
}

/* --- parents of a new definition ------------------------------------------------------------- */

static bool
has_parent(const ql_table *t, const ql_foreign_key *k)
{
    for (uint16_t i = 0; t && i < t->nforeign; i++) {
        if (ql_foreign_refers_to(&t->foreign[i], k->parent_db, k->parent_name)) {
            return true;
        }
    }
    return false;
}

/* Parents that t has and other has not; visit each once. */
static ql_status
each_parent(ql_ctx *cx, const ql_table *t, const ql_table *other,
            ql_status (*visit)(ql_ctx *cx, void *arg, ql_str db, ql_str name), void *arg)
{
    for (uint16_t i = 0; t && i < t->nforeign; i++) {
        const ql_foreign_key *k = &t->foreign[i];
        bool met = false;
        for (uint16_t j = 0; j < i; j++) {
            met = met || ql_foreign_refers_to(&t->foreign[j], k->parent_db, k->parent_name);
        }
        QL_TRY(ql_check(cx));
        if (!met && !has_parent(other, k) && !ql_foreign_refers_to(k, t->db, t->name)) {
            QL_TRY(visit(cx, arg, k->parent_db, k->parent_name));
        }
    }
    return QL_OK;
}

/* Whether a table is referred to stands in its record. */
static ql_status
store_parent(ql_ctx *cx, void *arg, ql_str db, ql_str name)
{
    (void)arg;
    ql_table *t = qli_find_table(cx, db, name);
    ql_status st = ql_table_may_be_parent(t) ? qli_store_table(cx, t, ql_autoinc_peek(t)) : QL_OK;
    ql_table_put(t);
    return st;
}

static ql_status
note_name(ql_ctx *cx, void *arg, ql_str db, ql_str name)
{
    return ql_name_list_add(cx, arg, db, name);
}

/* --- both ------------------------------------------------------------------------------------ */

ql_status
qli_check_children(ql_ctx *cx, const ql_table *old, const ql_table *next, const ql_table_change *c)
{
    parent p = {.old = old, .next = next, .c = c};
    return follow_all(cx, &p, NULL);
}

ql_status
qli_spread(ql_ctx *cx, const ql_table *old, const ql_table *next, const ql_table_change *c)
{
    parent p = {.old = old, .next = next, .c = c, .stage = true};
    QL_TRY(follow_all(cx, &p, NULL));
    QL_TRY(each_parent(cx, old, next, store_parent, NULL));
    QL_TRY(each_parent(cx, next, old, store_parent, NULL));
    bool renamed = old && next && !is_same_table(old, next); /* its children know that only now */
    return renamed ? store_parent(cx, NULL, next->db, next->name) : QL_OK;
}

ql_status
ql_foreign_affected(ql_ctx *cx, const ql_table *old, const ql_table *next, const ql_table_change *c,
                    ql_name_list *names)
{
    parent p = {.old = old, .next = next, .c = c};
    QL_TRY(follow_all(cx, &p, names));
    QL_TRY(each_parent(cx, old, next, note_name, names));
    return each_parent(cx, next, old, note_name, names);
}

ql_status
ql_foreign_family(ql_ctx *cx, ql_str db, ql_str name, ql_name_list *names)
{
    ql_child *v;
    size_t n;
    ql_table *t = qli_find_table(cx, db, name);
    ql_status st = each_parent(cx, t, NULL, note_name, names);
    ql_table_put(t);
    QL_TRY(st);
    QL_TRY(ql_catalog_children(cx, cx->arena, db, name, &v, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(ql_name_list_add(cx, names, v[i].table->db, v[i].table->name));
    }
    return QL_OK;
}
