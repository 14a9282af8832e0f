/* SPDX-License-Identifier: Apache-2.0
 *
 * CHECK constraints of a table that is altered, and the columns that expressions of its definition
 * look at: those may neither go nor get another name while the expression stays (manual, "CHECK
 * Constraints", "ALTER TABLE and Generated Columns", "CREATE INDEX Statement").
 */
#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "base/text.h"
#include "intr/intr.h"
#include "resolve/alter_int.h"
#include "resolve/tableexpr.h"
#include "resolve/tablespec.h"

/* Is there still a column of that name, the same one? */
static bool
name_stays(const qli_alter_work *w, uint16_t old)
{
    for (uint16_t i = 0; i < w->spec->ncolumns; i++) {
        if (w->plan->change.from_column[i] == old) {
            return ql_str_eq_nocase(w->spec->columns[i].name, w->old->columns[old].name);
        }
    }
    return false;
}

static bool
is_dropped(const qli_alter_work *w, uint16_t old)
{
    for (uint16_t i = 0; i < w->spec->ncolumns; i++) {
        if (w->plan->change.from_column[i] == old) {
            return false;
        }
    }
    return true;
}

/* Of the old columns that a text names: the first whose name does not stay (-1: none); whether it
 * is dropped and the only one. */
typedef struct uses {
    int gone;
    bool alone;
} uses;

static ql_status
look_at_uses(qli_alter_work *w, ql_str text, uses *u)
{
    uint32_t n = 0;
    *u = (uses){.gone = -1};
    for (uint16_t i = 0; i < w->old->ncolumns; i++) {
        bool yes;
        QL_TRY(ql_expr_text_uses(w->cx, text, w->old->columns[i].name, &yes));
        n += yes;
        if (yes && u->gone < 0 && !name_stays(w, i)) {
            u->gone = i;
        }
    }
    u->alone = n == 1 && u->gone >= 0 && is_dropped(w, (uint16_t)u->gone);
    return QL_OK;
}

/* --- CHECK ----------------------------------------------------------------------------------- */

static const char middle[] = "_chk_"; /* of names that are made */

uint32_t
qli_alter_made_number(ql_str table, ql_str name, const char *between)
{
    size_t n = strlen(between), head = table.n + n;
    uint32_t number = 0;
    if (name.n <= head || name.n > head + 9 || name.p[head] == '0' ||
        !ql_str_eq_nocase((ql_str){name.p, table.n}, table) ||
        memcmp(name.p + table.n, between, n) != 0) {
        return 0;
    }
    for (size_t i = head; i < name.n; i++) {
        if (!ql_is_digit(name.p[i])) {
            return 0;
        }
        number = number * 10 + (uint32_t)(name.p[i] - '0');
    }
    return number;
}

ql_status
qli_alter_keep_name(qli_alter_work *w, ql_str *name, const char *between)
{
    uint32_t number = qli_alter_made_number(w->old->name, *name, between);
    if (number == 0 || ql_str_eq(w->old->name, w->spec->name)) {
        return QL_OK;
    }
    char *p = ql_arena_printf(w->cx, w->cx->arena, "%.*s%s%u", (int)w->spec->name.n,
                              w->spec->name.p, between, number);
    if (p == NULL) {
        return QL_ERROR;
    }
    *name = (ql_str){p, strlen(p)};
    return QL_OK;
}

static ql_status
keep_check(qli_alter_work *w, const ql_check_constraint *k)
{
    ql_check_constraint *to = &w->spec->checks[w->spec->nchecks];
    int drop, constraint = -1, enforce;
    uses u;
    QL_TRY(qli_alter_find(w, QL_ALTER_DROP_CHECK, k->name, &drop));
    if (drop < 0) {
        QL_TRY(qli_alter_find(w, QL_ALTER_DROP_CONSTRAINT, k->name, &constraint));
    }
    if (drop >= 0 || constraint >= 0) {
        return QL_OK;
    }
    QL_TRY(look_at_uses(w, k->text, &u));
    if (u.alone) { /* it goes with its column */
        return QL_OK;
    }
    if (u.gone >= 0) {
        return ql_fail(w->cx, QL_ER_DEPENDENT_BY_CHECK_CONSTRAINT, ql_cstr(w->cx, k->name),
                       ql_cstr(w->cx, w->old->columns[u.gone].name));
    }
    *to = *k;
    w->spec->nchecks++;
    QL_TRY(qli_alter_find(w, QL_ALTER_CHECK_ENFORCED, k->name, &enforce));
    if (enforce < 0) {
        QL_TRY(qli_alter_find(w, QL_ALTER_CONSTRAINT_ENFORCED, k->name, &enforce));
    }
    if (enforce >= 0) {
        to->not_enforced = !w->a->v[enforce].on;
        w->checks_rows |= k->not_enforced && !to->not_enforced;
    }
    return qli_alter_keep_name(w, &to->name, middle);
}

static ql_status
check_found(qli_alter_work *w)
{
    for (uint32_t i = 0; i < w->a->n; i++) {
        const ql_ast_action *v = &w->a->v[i];
        QL_TRY(ql_bulk_each(w->cx, i));
        if (w->done[i]) {
            continue;
        }
        if (v->kind == QL_ALTER_DROP_CHECK || v->kind == QL_ALTER_CHECK_ENFORCED) {
            return ql_fail(w->cx, QL_ER_CHECK_CONSTRAINT_NOT_FOUND, ql_cstr(w->cx, v->name));
        }
        if (v->kind == QL_ALTER_DROP_CONSTRAINT || v->kind == QL_ALTER_CONSTRAINT_ENFORCED) {
            return ql_fail(w->cx, QL_ER_CONSTRAINT_DOES_NOT_EXIST, ql_cstr(w->cx, v->name));
        }
    }
    return QL_OK;
}

ql_status
qli_alter_checks(qli_alter_work *w)
{
    uint32_t number = 0, room = w->old->nchecks + w->a->defs.nchecks;
    w->spec->checks = QL_ARENA_ARRAY(w->cx, w->cx->arena, ql_check_constraint, room + 1);
    if (w->spec->checks == NULL) {
        return QL_ERROR;
    }
    if (room > INT16_MAX) {
        return ql_fail(w->cx, QL_ER_TOO_MANY_KEYS, 64);
    }
    for (uint16_t i = 0; i < w->old->nchecks; i++) {
        uint32_t n = qli_alter_made_number(w->old->name, w->old->checks[i].name, middle);
        number = n > number ? n : number;
        QL_TRY(ql_check(w->cx));
        QL_TRY(keep_check(w, &w->old->checks[i]));
    }
    for (uint32_t i = 0; i < w->a->n; i++) {
        const ql_ast_action *v = &w->a->v[i];
        QL_TRY(ql_check(w->cx));
        if (v->kind == QL_ALTER_ADD_CHECK) {
            QL_TRY(ql_spec_check(w->cx, w->spec, &w->a->defs.checks[v->at], &number));
            w->checks_rows |= !w->spec->checks[w->spec->nchecks - 1].not_enforced;
        }
    }
    return check_found(w);
}

/* --- generated columns and functional keys --------------------------------------------------- */

/* What is virtual stays so, and nothing becomes it (manual, "ALTER TABLE and Generated Columns").
 */
static ql_status
check_kind(qli_alter_work *w, const ql_column *was, const ql_column *is)
{
    bool was_virtual = was->generated.n > 0 && !was->stored;
    bool is_virtual = is->generated.n > 0 && !is->stored;
    return was_virtual != is_virtual ? ql_fail(w->cx, QL_ER_UNSUPPORTED_ACTION_ON_GENERATED_COLUMN,
                                               "Changing the STORED status")
                                     : QL_OK;
}

ql_status
qli_alter_dependencies(qli_alter_work *w)
{
    for (uint16_t i = 0; i < w->spec->ncolumns; i++) {
        const ql_column *is = &w->spec->columns[i];
        int from = w->plan->change.from_column[i];
        uses u;
        QL_TRY(ql_check(w->cx));
        if (from < 0) {
            continue;
        }
        const ql_column *was = &w->old->columns[from];
        QL_TRY(check_kind(w, was, is));
        if (was->generated.n == 0 || !ql_str_eq(was->generated, is->generated)) {
            continue;
        }
        QL_TRY(look_at_uses(w, was->generated, &u));
        if (u.gone >= 0) {
            return ql_fail(w->cx,
                           was->hidden ? QL_ER_DEPENDENT_BY_FUNCTIONAL_INDEX
                                       : QL_ER_DEPENDENT_BY_GENERATED_COLUMN,
                           ql_cstr(w->cx, w->old->columns[u.gone].name));
        }
    }
    return QL_OK;
}
