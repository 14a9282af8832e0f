/* SPDX-License-Identifier: Apache-2.0
 *
 * USE, FORCE and IGNORE INDEX: the indexes they name, which must be there (1176), become masks of
 * the source. Several hints on one table add up as in MySQL's manual ("Index Hints"): of what USE
 * or FORCE leave, IGNORE takes away.
 */
#include "base/diag.h"
#include "resolve/resolve_int.h"

ql_status
ql_index_is_usable(ql_ctx *cx, const ql_index *ix, bool *yes)
{
    *yes = !ix->invisible || ql_switch_is_on(cx, QL_SWITCH_USE_INVISIBLE_INDEXES);
    return QL_OK;
}

/* The index of that name, or just one that begins so; -1: none. Invisible ones do not count. */
static ql_status
find_index(ql_ctx *cx, const ql_table *t, ql_str name, int *at)
{
    unsigned beginning = 0;
    *at = -1;
    for (uint16_t i = 0; !t->is_virtual && i < t->nindexes; i++) {
        ql_str full = t->indexes[i].name;
        bool usable;
        QL_TRY(ql_index_is_usable(cx, &t->indexes[i], &usable));
        if (t->indexes[i].hidden_rowid || full.n < name.n || !usable ||
            !ql_str_eq_nocase((ql_str){full.p, name.n}, name)) {
            continue;
        }
        *at = i;
        if (full.n == name.n) {
            return QL_OK;
        }
        beginning++;
    }
    *at = beginning == 1 ? *at : -1;
    return QL_OK;
}

static ql_status
no_such_index(qli_res *r, const ql_ast_index_hint *h, ql_str alias)
{
    return ql_fail(r->cx, QL_ER_KEY_DOES_NOT_EXIST,
                   h->name.p != NULL ? ql_cstr(r->cx, h->name) : "", ql_cstr(r->cx, alias));
}

/* What is said for one purpose: bits of indexes. */
typedef struct said {
    uint64_t use, force, ignore;
    bool use_none; /* USE INDEX () */
} said;

static void
say(said *s, const ql_ast_index_hint *h, int index)
{
    uint64_t bit = index < 0 ? 0 : UINT64_C(1) << (index & 63);
    switch (h->use) {
    case QL_USE_INDEX:
        s->use |= bit;
        s->use_none |= index < 0;
        break;
    case QL_FORCE_INDEX:
        s->force |= bit;
        break;
    case QL_IGNORE_INDEX:
        s->ignore |= bit;
        break;
    }
}

static uint64_t
barred_by(const said *s)
{
    uint64_t wanted = s->use | s->force;
    return (wanted != 0 || s->use_none ? ~wanted : 0) | s->ignore;
}

ql_status
qli_index_hints(qli_res *r, const ql_ast_index_hint *hints, ql_str alias, ql_source *src)
{
    said on[3] = {{0}}; /* for rows, for ORDER BY, for GROUP BY */
    bool used = false, forced = false;
    for (const ql_ast_index_hint *h = hints; h != NULL; h = h->next) {
        int index = -1;
        QL_TRY(ql_bulk_node(r->cx));
        if (h->name.p != NULL) {
            QL_TRY(find_index(r->cx, src->table, h->name, &index));
            if (index < 0) {
                return no_such_index(r, h, alias);
            }
        }
        used |= h->use == QL_USE_INDEX;
        forced |= h->use == QL_FORCE_INDEX;
        for (unsigned i = 0; i < 3; i++) {
            if (h->purposes >> i & 1) {
                say(&on[i], h, index);
            }
        }
    }
    if (used && forced) {
        return ql_fail(r->cx, QL_ER_WRONG_USAGE, "USE INDEX", "FORCE INDEX");
    }
    src->barred |= barred_by(&on[0]);
    src->barred_order |= barred_by(&on[1]);
    src->barred_group |= barred_by(&on[2]);
    src->force_index |= forced;
    return QL_OK;
}

ql_status
qli_index_hints_on_view(qli_res *r, const ql_ast_from *f, ql_str alias)
{
    return f->hints != NULL ? no_such_index(r, f->hints, alias) : QL_OK;
}
