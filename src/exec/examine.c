/* SPDX-License-Identifier: Apache-2.0
 *
 * A table examined (examine.h): table/check.c walks its indexes and asks here for each row what the
 * definition's expressions say of it. Evaluating changes nothing that is stored, and its warnings
 * are nobody's.
 */
#include "exec/examine.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "exec/complete.h"
#include "exec/foreign.h"
#include "types/kinds.h"

/* Owner: ql_examine_table. */
typedef struct examination {
    ql_table *table;
    ql_table_report report;
    void *arg;
    ql_completer *completer; /* NULL: the definition has no expressions */
    ql_arena *row_mem;
    ql_value *row;
    bool *given;
} examination;

static ql_status
tell(ql_ctx *cx, void *arg, const char *text)
{
    const examination *x = arg;
    return x->report(cx, x->arg, text);
}

/* The first column whose stored value is another than the one made now. */
static ql_status
compare_generated(ql_ctx *cx, const examination *x, const ql_value *stored, ql_row_finding *f)
{
    for (uint16_t i = 0; i < x->table->ncolumns && f->text[0] == '\0'; i++) {
        const ql_column *c = &x->table->columns[i];
        bool same = true;
        QL_TRY(c->generated.n > 0 ? ql_value_same(cx, &stored[i], &x->row[i], &same) : QL_OK);
        if (!same) {
            f->is_damage = false;
            (void)snprintf(f->text, sizeof f->text,
                           "column '%.*s' is not what its expression gives now", (int)c->name.n,
                           c->name.p);
        }
    }
    return QL_OK;
}

static ql_status
examine_row(ql_ctx *cx, void *arg, const ql_value *values, ql_row_finding *f)
{
    const examination *x = arg;
    bool keep;
    ql_arena_reset(x->row_mem);
    memcpy(x->row, values, sizeof *values * x->table->ncolumns);
    ql_diag_try(cx->diag);
    ql_status st = ql_complete_row(cx, x->completer, x->row, x->given, 1, &keep);
    (void)ql_diag_tried(cx->diag);
    QL_TRY(ql_intr_outcome(cx, st));
    if (!keep) {
        f->is_damage = true;
        (void)snprintf(f->text, sizeof f->text, "Check constraint '%s' is violated.",
                       ql_completer_violated(x->completer));
    }
    return compare_generated(cx, x, values, f);
}

static ql_status
prepare(ql_run *run, ql_arena *mem, examination *x)
{
    ql_ctx *cx = run->cx;
    if (!x->table->has_exprs) {
        return QL_OK;
    }
    QL_TRY(ql_run_arena(run, "examined row", &x->row_mem));
    QL_TRY(ql_completer_new(run, x->table, true, x->row_mem, &x->completer));
    x->row = QL_ARENA_ARRAY(cx, mem, ql_value, x->table->ncolumns + 1u);
    x->given = QL_ARENA_ARRAY(cx, mem, bool, x->table->ncolumns + 1u);
    if (x->row == NULL || x->given == NULL) {
        return QL_ERROR;
    }
    memset(x->given, true, x->table->ncolumns);
    return QL_OK;
}

/* foreign_key_checks = 0 lets rows without parents in. */
static ql_status
examine_parents(ql_run *run, examination *x)
{
    for (uint16_t i = 0; i < x->table->nforeign; i++) {
        uint64_t told;
        QL_TRY(ql_check(run->cx));
        QL_TRY(ql_fk_check_rows(run, x->table, &x->table->foreign[i], tell, x, &told));
    }
    return QL_OK;
}

ql_status
ql_examine_table(ql_run *run, ql_arena *mem, ql_table *t, ql_table_report report, void *arg,
                 uint64_t *damage)
{
    examination x = {.table = t, .report = report, .arg = arg};
    *damage = 0;
    QL_TRY(prepare(run, mem, &x));
    QL_TRY(ql_table_check(run->cx, mem, t, tell, x.completer != NULL ? examine_row : NULL, &x,
                          damage));
    return examine_parents(run, &x);
}
