/* SPDX-License-Identifier: Apache-2.0
 *
 * Foreign keys of a table that is altered: those that stay with their columns where these are now,
 * those that go, those that come (manual, "FOREIGN KEY Constraints", "Adding Foreign Key
 * Constraints"). What concerns the other table is the catalog's to check.
 */
#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "intr/intr.h"
#include "resolve/alter_int.h"
#include "resolve/tablespec.h"

static const char middle[] = "_ibfk_"; /* of names that are made */

static ql_status
keep_columns(qli_alter_work *w, const ql_foreign_key *k, ql_foreign_key *to)
{
    to->columns = QL_ARENA_ARRAY(w->cx, w->cx->arena, uint16_t, k->ncolumns + 1u);
    if (to->columns == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < k->ncolumns; i++) {
        int now = qli_alter_column_now(w, k->columns[i]);
        if (now < 0) {
            return ql_fail(w->cx, QL_ER_FK_COLUMN_CANNOT_DROP,
                           ql_cstr(w->cx, w->old->columns[k->columns[i]].name),
                           ql_cstr(w->cx, k->name));
        }
        to->columns[i] = (uint16_t)now;
    }
    return QL_OK;
}

static ql_status
keep_key(qli_alter_work *w, const ql_foreign_key *k)
{
    ql_foreign_key *to = &w->spec->foreign[w->spec->nforeign];
    int drop, constraint = -1;
    QL_TRY(qli_alter_find(w, QL_ALTER_DROP_FOREIGN, k->name, &drop));
    if (drop < 0) {
        QL_TRY(qli_alter_find(w, QL_ALTER_DROP_CONSTRAINT, k->name, &constraint));
    }
    if (drop >= 0 || constraint >= 0) {
        w->plan->foreign_drops = true;
        return QL_OK;
    }
    *to = *k;
    QL_TRY(keep_columns(w, k, to));
    w->spec->nforeign++;
    return qli_alter_keep_name(w, &to->name, middle);
}

static ql_status
check_engine(qli_alter_work *w)
{
    bool same = ql_str_eq(w->spec->engine, w->old->engine);
    return !same && w->spec->nforeign > 0 ? ql_fail(w->cx, QL_ER_FK_CANNOT_CHANGE_ENGINE) : QL_OK;
}

ql_status
qli_alter_foreign(qli_alter_work *w)
{
    uint32_t number = 0, room = w->old->nforeign + w->a->defs.nkeys;
    w->spec->foreign = QL_ARENA_ARRAY(w->cx, w->cx->arena, ql_foreign_key, room + 1);
    if (w->spec->foreign == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < w->old->nforeign; i++) {
        uint32_t n = qli_alter_made_number(w->old->name, w->old->foreign[i].name, middle);
        number = n > number ? n : number;
        QL_TRY(ql_check(w->cx));
        QL_TRY(keep_key(w, &w->old->foreign[i]));
    }
    QL_TRY(check_engine(w));
    w->plan->foreign_kept = w->spec->nforeign;
    for (uint32_t i = 0; i < w->a->n; i++) {
        const ql_ast_action *v = &w->a->v[i];
        QL_TRY(ql_check(w->cx));
        if (v->kind == QL_ALTER_ADD_KEY && w->a->defs.keys[v->at].kind == QL_KEY_FOREIGN) {
            QL_TRY(ql_spec_foreign(w->cx, w->spec, &w->a->defs.keys[v->at], &number));
        }
    }
    w->plan->foreign_adds = w->spec->nforeign > w->plan->foreign_kept;
    return ql_spec_drop_superfluous(w->cx, w->spec, w->from_index);
}
