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

/* Number behind a name that was made for the table, 0: it was not. */
static uint32_t
made_number(ql_str table, ql_str name)
{
    static const char middle[] = "_ibfk_";
    size_t head = table.n + sizeof middle - 1;
    uint32_t number = 0;
    if (name.n <= head || name.n > head + 9 || name.p[head] == '0' ||
        !ql_str_eq_nocase((ql_str){name.p, table.n}, table) ||
        memcmp(name.p + table.n, middle, sizeof middle - 1) != 0) {
        return 0;
    }
    for (size_t i = head; i < name.n; i++) {
        if (name.p[i] < '0' || name.p[i] > '9') {
            return 0;
        }
        number = number * 10 + (uint32_t)(name.p[i] - '0');
    }
    return number;
}

static int
column_now(const qli_alter_work *w, uint16_t old)
{
    for (uint16_t i = 0; i < w->spec->ncolumns; i++) {
        if (w->plan->change.from_column[i] == old) {
            return i;
        }
    }
    return -1;
}

static ql_status
keep_columns(qli_alter_work *w, const ql_foreign_key *k, ql_foreign_key *to)
{
    to->columns = QL_ARENA_ARRAY(w->cx, w->cx->arena, uint16_t, k->ncolumns + 1u);
    if (to->columns == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < k->ncolumns; i++) {
        int now = column_now(w, k->columns[i]);
        if (now < 0) {
            return ql_fail(w->cx, QL_ER_FK_COLUMN_CANNOT_DROP,
                           ql_cstr(w->cx, w->old->columns[k->columns[i]].name),
                           ql_cstr(w->cx, k->name));
        }
        to->columns[i] = (uint16_t)now;
    }
    return QL_OK;
}

/* Names that were made of the table's name go along with it. */
static ql_status
keep_name(qli_alter_work *w, ql_foreign_key *k)
{
    uint32_t number = made_number(w->old->name, k->name);
    if (number == 0 || ql_str_eq(w->old->name, w->spec->name)) {
        return QL_OK;
    }
    char *name = ql_arena_printf(w->cx, w->cx->arena, "%.*s_ibfk_%u", (int)w->spec->name.n,
                                 w->spec->name.p, number);
    if (name == NULL) {
        return QL_ERROR;
    }
    k->name = (ql_str){name, strlen(name)};
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
    return keep_name(w, to);
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
        uint32_t n = made_number(w->old->name, w->old->foreign[i].name);
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
