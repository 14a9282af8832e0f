/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of a definition in the making: their names, their order, and what is said of two that are
 * the same. Session's thread; no locks, no waits.
 */
#include <string.h>

#include "base/diag.h"
#include "catalog/catalog_int.h"
#include "types/beginning.h"

static bool
is_blob(const ql_type *t)
{
    return t->field == QL_F_BLOB || t->field == QL_F_TINY_BLOB || t->field == QL_F_MEDIUM_BLOB ||
           t->field == QL_F_LONG_BLOB || t->field == QL_F_JSON;
}

static bool
name_is_taken(const ql_str *names, unsigned n, ql_str name)
{
    for (unsigned i = 0; i < n; i++) {
        if (ql_str_eq_nocase(names[i], name)) {
            return true;
        }
    }
    return false;
}

/* MySQL names a nameless key after its first column (functional_index when that is an expression),
 * then column_2, column_3 ..., whatever is not the name of a key written before it. */
static ql_status
make_index_name(ql_ctx *cx, const ql_table *t, const ql_index *ix, ql_str *names, unsigned n)
{
    const ql_column *first = &t->columns[ix->parts[0].column];
    ql_str column = first->hidden ? QL_STR("functional_index") : first->name;
    bool reserved = ql_str_eq_nocase(column, QL_STR("PRIMARY"));
    ql_str name = column;
    for (unsigned i = 2; reserved || name_is_taken(names, n, name); i++) {
        reserved = false;
        char *p = ql_arena_printf(cx, t->arena, "%.*s_%u", (int)column.n, column.p, i);
        if (!p) {
            return QL_ERROR;
        }
        name = (ql_str){p, strlen(p)};
    }
    names[n] = name;
    return QL_OK;
}

/* Names of all, in the order in which they were written. */
static ql_status
name_indexes(ql_ctx *cx, const ql_table *t, const ql_index *indexes, unsigned n, ql_str *names)
{
    for (unsigned i = 0; i < n; i++) {
        names[i] = indexes[i].primary ? QL_STR("PRIMARY") : indexes[i].name;
        if (names[i].n == 0) {
            QL_TRY(make_index_name(cx, t, &indexes[i], names, i));
        } else if (name_is_taken(names, i, names[i])) {
            return ql_fail(cx, QL_ER_DUP_KEYNAME, ql_cstr(cx, names[i]));
        }
    }
    return QL_OK;
}

static ql_status
copy_index(ql_ctx *cx, ql_table *t, const ql_index *from, ql_str name, ql_index *to)
{
    *to = *from;
    QL_TRY(qli_copy_str(cx, t->arena, name, &to->name));
    QL_TRY(qli_copy_str(cx, t->arena, from->comment, &to->comment));
    QL_TRY(qli_copy_str(cx, t->arena, from->unknown, &to->unknown));
    to->parts = QL_ARENA_ARRAY(cx, t->arena, ql_index_part, from->nparts ? from->nparts : 1);
    if (!to->parts) {
        return QL_ERROR;
    }
    if (from->nparts) {
        memcpy(to->parts, from->parts, sizeof *to->parts * from->nparts);
    }
    for (unsigned i = 0; i < to->nparts; i++) {
        QL_TRY(qli_copy_str(cx, t->arena, from->parts[i].unknown, &to->parts[i].unknown));
        const ql_type *ty = &t->columns[to->parts[i].column].type;
        if (!is_blob(ty) && to->parts[i].prefix == ty->length) {
            to->parts[i].prefix = 0;
            to->parts[i].cut_how = 0;
        }
    }
    to->unique |= to->primary;
    return QL_OK;
}

static bool
is_weighed(const ql_table *t, const ql_index_part *p)
{
    const ql_type *type = &t->columns[p->column].type;
    return type->kind == QL_K_STRING && p->prefix == 0 && type->coll != ql_coll_binary;
}

/* Texts of which the keys hold weights: of its own parts or of the clustered key. */
static bool
has_weights(const ql_table *t, const ql_index *ix)
{
    bool some = false;
    for (unsigned i = 0; i < ix->nparts && !some; i++) {
        some = is_weighed(t, &ix->parts[i]);
    }
    for (unsigned i = 0; i < t->indexes[0].nparts && !some; i++) {
        some = is_weighed(t, &t->indexes[0].parts[i]);
    }
    return some;
}

void
qli_index_form(const ql_table *t, ql_index *ix, const ql_index *kept)
{
    ix->holds_texts = kept ? kept->holds_texts : ix != &t->indexes[0] && has_weights(t, ix);
    for (unsigned i = 0; i < ix->nparts; i++) {
        ql_index_part *p = &ix->parts[i];
        const ql_type *type = &t->columns[p->column].type;
        bool joins = p->prefix > 0 && type->coll && ql_coll_joins(type->coll);
        p->cut_how = kept ? kept->parts[i].cut_how : joins ? QL_CUT_WEIGHTS : 0;
    }
}

static bool
has_same_parts(const ql_index *a, const ql_index *b)
{
    bool same = a->nparts == b->nparts;
    for (unsigned i = 0; same && i < a->nparts; i++) {
        const ql_index_part *x = &a->parts[i], *y = &b->parts[i];
        same = x->column == y->column && x->prefix == y->prefix && x->descending == y->descending;
    }
    return same;
}

/* What MySQL says of a key that the statement asks for, at, when an earlier one of its kind is the
 * same but for its name. */
static void
tell_duplicate(ql_ctx *cx, const ql_table *t, unsigned at)
{
    const ql_index *ix = &t->indexes[at];
    if (!ix->asked || ix->generated) {
        return;
    }
    for (unsigned i = 0; i < at; i++) {
        const ql_index *k = &t->indexes[i];
        if (!k->generated && !k->primary && k->unique == ix->unique && has_same_parts(k, ix)) {
            ql_warn(cx, QL_DIAG_WARNING, QL_ER_DUP_INDEX, ql_cstr(cx, ix->name), ql_cstr(cx, t->db),
                    ql_cstr(cx, t->name));
            return;
        }
    }
}

/* The clustered index first, then unique keys, then the others, as MySQL orders them. */
ql_status
qli_copy_indexes(ql_ctx *cx, ql_table *t, const ql_index *indexes, unsigned n)
{
    ql_str *names = QL_ARENA_ARRAY(cx, cx->arena, ql_str, n + 1);
    t->indexes = QL_ARENA_ARRAY(cx, t->arena, ql_index, n + 1);
    if (!t->indexes || !names) {
        return QL_ERROR;
    }
    QL_TRY(name_indexes(cx, t, indexes, n, names));
    unsigned count = 0;
    for (unsigned i = 0; i < n; i++) {
        if (indexes[i].primary || indexes[i].hidden_rowid) {
            QL_TRY(copy_index(cx, t, &indexes[i], names[i], &t->indexes[count++]));
        }
    }
    if (count == 0) {
        t->indexes[count++] =
            (ql_index){.name = QL_STR("GEN_CLUST_INDEX"), .unique = true, .hidden_rowid = true};
    }
    for (int unique = 1; unique >= 0; unique--) {
        for (unsigned i = 0; i < n; i++) {
            if (!indexes[i].primary && !indexes[i].hidden_rowid && indexes[i].unique == unique) {
                QL_TRY(copy_index(cx, t, &indexes[i], names[i], &t->indexes[count++]));
            }
        }
    }
    t->nindexes = (uint16_t)count;
    for (unsigned i = 1; i < count; i++) {
        tell_duplicate(cx, t, i);
    }
    for (unsigned i = 0; i < count; i++) {
        t->indexes[i].asked = false; /* that was the statement's business */
    }
    return QL_OK;
}
