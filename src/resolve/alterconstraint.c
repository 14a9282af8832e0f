/* SPDX-License-Identifier: Apache-2.0
 *
 * DROP CONSTRAINT and ALTER CONSTRAINT, which name a constraint of any kind: unique keys, foreign
 * keys and CHECKs have names of their own, so one name may stand for several (manual, "CHECK
 * Constraints").
 */
#include "base/bulk.h"
#include "base/diag.h"
#include "base/text.h"
#include "intr/intr.h"
#include "resolve/alter_int.h"

/* Of the old table's: is a CHECK called so; how many of the other kinds? */
static ql_status
count_kinds(const qli_alter_work *w, ql_str name, bool *check, unsigned *others)
{
    const ql_table *t = w->old;
    bool key = false, foreign = false;
    *check = false;
    for (uint16_t i = 0; i < t->nindexes && !key; i++) {
        const ql_index *ix = &t->indexes[i];
        key = ix->unique && !ix->hidden_rowid && ql_str_eq_nocase(ix->name, name);
    }
    for (uint16_t i = 0; i < t->nforeign && !foreign; i++) {
        QL_TRY(ql_bulk_each(w->cx, i));
        foreign = ql_str_eq_nocase(t->foreign[i].name, name);
    }
    for (uint16_t i = 0; i < t->nchecks && !*check; i++) {
        QL_TRY(ql_bulk_each(w->cx, i));
        *check = ql_str_eq_nocase(t->checks[i].name, name);
    }
    *others = (unsigned)key + foreign;
    return QL_OK;
}

static ql_status
check_name(const qli_alter_work *w, const ql_ast_action *v)
{
    bool drop = v->kind == QL_ALTER_DROP_CONSTRAINT, check;
    unsigned others;
    QL_TRY(count_kinds(w, v->name, &check, &others));
    if (check + others > 1 && (drop || check)) {
        return ql_fail(w->cx, QL_ER_MULTIPLE_CONSTRAINTS_WITH_SAME_NAME, ql_cstr(w->cx, v->name),
                       drop ? "DROP" : "ALTER");
    }
    if (!drop && others > 0) {
        return ql_fail(w->cx, QL_ER_ALTER_CONSTRAINT_ENFORCEMENT_NOT_SUPPORTED,
                       ql_cstr(w->cx, v->name));
    }
    return QL_OK;
}

ql_status
qli_alter_constraint_names(const qli_alter_work *w)
{
    for (uint32_t i = 0; i < w->a->n; i++) {
        const ql_ast_action *v = &w->a->v[i];
        QL_TRY(ql_check(w->cx));
        if (v->kind == QL_ALTER_DROP_CONSTRAINT || v->kind == QL_ALTER_CONSTRAINT_ENFORCED) {
            QL_TRY(check_name(w, v));
        }
    }
    return QL_OK;
}
