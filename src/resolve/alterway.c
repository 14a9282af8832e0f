/* SPDX-License-Identifier: Apache-2.0
 *
 * How much work an altered definition is: nothing but the definition when rows and keys keep their
 * bytes, builds of indexes, or all rows anew; and whether ALGORITHM= and LOCK= allow that. The
 * bytes of rows and keys are types/README.md's: a NULL bit for each column whether it is nullable
 * or not, integers in slots of their field's size, texts and decimals as they are.
 */
#include "base/bulk.h"
#include "base/diag.h"
#include "intr/intr.h"
#include "resolve/alter_int.h"
#include "vars/sysvars.h"

static const char type_changes[] = "Cannot change column type INPLACE";
static const char needs_lock[] = "COPY algorithm requires a lock";
static const char auto_needs_lock[] = "Adding an auto-increment column requires a lock";
static const char drops_primary[] =
    "Dropping a primary key is not allowed without also adding a new primary key";
static const char adds_foreign[] = "Adding foreign keys needs foreign_key_checks=OFF";
static const char silent_nulls[] = "cannot silently convert NULL values, as required in this "
                                   "SQL_MODE";

static void
at_least(ql_alter_plan *plan, ql_alter_way way, const char *why)
{
    if (way > plan->way) {
        plan->way = way;
        plan->why = why;
    } else if (way == plan->way && plan->why == NULL) {
        plan->why = why;
    }
}

/* --- columns --------------------------------------------------------------------------------- */

static bool
is_blob(ql_field f)
{
    return f == QL_F_TINY_BLOB || f == QL_F_BLOB || f == QL_F_MEDIUM_BLOB || f == QL_F_LONG_BLOB;
}

static bool
same_members(const ql_members *was, const ql_members *is)
{
    if (was == NULL || is == NULL) {
        return was == is;
    }
    bool same = is->n >= was->n;
    for (unsigned i = 0; same && i < was->n; i++) {
        same = ql_str_eq(was->names[i], is->names[i]);
    }
    return same;
}

static bool
same_text_bytes(const ql_type *was, const ql_type *is)
{
    if (is_blob(was->field) && is_blob(is->field)) {
        return is->length >= was->length;
    }
    if (was->field != is->field) {
        return false;
    }
    return was->field == QL_F_VARCHAR ? is->length >= was->length : is->length == was->length;
}

/* Do rows and keys with values of the one type hold the same values of the other? */
static bool
same_bytes(const ql_type *was, const ql_type *is)
{
    if (was->kind != is->kind || was->coll != is->coll || was->is_unsigned != is->is_unsigned ||
        !same_members(was->members, is->members)) {
        return false;
    }
    switch (ql_kind_family(was->kind)) {
    case QL_FAM_STRING:
        return same_text_bytes(was, is);
    case QL_FAM_LIST: /* members may have come behind the others */
        return true;
    case QL_FAM_INT: /* the length is for display */
        return was->field == is->field;
    case QL_FAM_DECIMAL:
        return was->decimals == is->decimals && is->length >= was->length;
    default:
        return was->field == is->field && was->decimals == is->decimals &&
               was->length == is->length;
    }
}

static void
weigh_kept(const ql_ctx *cx, const ql_column *was, const ql_column *is, ql_alter_plan *plan)
{
    if (!same_bytes(&was->type, &is->type)) {
        at_least(plan, QL_WAY_COPY, type_changes);
    }
    if (was->type.nullable && !is->type.nullable) {
        at_least(plan, cx->vars->strict ? QL_WAY_REBUILD : QL_WAY_COPY,
                 cx->vars->strict ? NULL : silent_nulls);
    }
    if (is->auto_increment && !was->auto_increment) {
        at_least(plan, QL_WAY_COPY, NULL);
    }
    if (is->generated.n > 0 && !ql_str_eq(is->generated, was->generated)) {
        at_least(plan, QL_WAY_COPY, NULL);
    }
}

/* A value that rows can be said to have when they lack the column. */
static void
weigh_new(const ql_ctx *cx, const ql_column *c, ql_alter_plan *plan)
{
    plan->adds_auto |= c->auto_increment;
    plan->adds_columns = true;
    if (c->auto_increment || c->default_kind == QL_DEF_EXPR || c->generated.n > 0) {
        at_least(plan, QL_WAY_REBUILD, NULL);
    }
    /* 0000-00-00, which strict mode may not allow: only of rows that are there */
    bool has_date =
        ql_kind_is_temporal(c->type.kind) && (ql_kind_calendar(c->type.kind) & QL_HAS_DATE) != 0;
    if (has_date && !c->type.nullable && c->default_kind == QL_DEF_NONE && c->generated.n == 0 &&
        cx->vars->strict && (cx->vars->sql_mode & QL_MODE_NO_ZERO_DATE)) {
        plan->zero_date = c;
    }
}

/* Rows may hold columns in another order than the table, and some that are gone; not too many. */
#define STORED_MOST 1017u

static ql_status
weigh_columns(ql_ctx *cx, const ql_table *t, ql_alter_plan *plan)
{
    uint32_t added = 0;
    for (uint16_t i = 0; i < plan->spec.ncolumns; i++) {
        int from = plan->change.from_column[i];
        QL_TRY(ql_bulk_each(cx, i));
        if (from < 0) {
            weigh_new(cx, &plan->spec.columns[i], plan);
            added++;
            continue;
        }
        weigh_kept(cx, &t->columns[from], &plan->spec.columns[i], plan);
    }
    if (t->layout.n + added > STORED_MOST) {
        at_least(plan, QL_WAY_REBUILD, NULL);
    }
    return QL_OK;
}

/* --- keys ------------------------------------------------------------------------------------ */

static void
weigh_keys(const ql_table *t, ql_alter_plan *plan)
{
    bool had = t->indexes[0].primary, has = false, same = false;
    for (uint16_t i = 0; i < plan->spec.nindexes; i++) {
        const ql_index *ix = &plan->spec.indexes[i];
        has |= ix->primary;
        same |= ix->primary && plan->change.from_index[i] == 0;
        if (plan->change.from_index[i] < 0 && !ix->primary) {
            at_least(plan, QL_WAY_BUILD, NULL);
        }
    }
    if (had && !has) {
        at_least(plan, QL_WAY_COPY, drops_primary);
    } else if (has && !same) {
        at_least(plan, QL_WAY_REBUILD, NULL);
    }
}

/* --- the whole ------------------------------------------------------------------------------- */

static bool
writes_engine(const ql_ast_alter *a)
{
    for (uint32_t i = 0; i < a->defs.noptions; i++) {
        if (ql_str_eq(a->defs.options[i].name, QL_STR("ENGINE"))) {
            return true;
        }
    }
    return false;
}

ql_status
qli_alter_plan_weigh(qli_alter_work *w)
{
    ql_ctx *cx = w->cx;
    const ql_table *t = w->old;
    const ql_ast_alter *a = w->a;
    ql_alter_plan *plan = w->plan;
    plan->way = QL_WAY_INSTANT;
    QL_TRY(weigh_columns(cx, t, plan));
    weigh_keys(t, plan);
    if (w->checks_rows || a->order_by.n > 0) {
        at_least(plan, QL_WAY_COPY, NULL);
    }
    if (plan->foreign_adds || plan->foreign_drops) {
        at_least(plan, QL_WAY_BUILD, NULL);
    }
    if (plan->foreign_adds && cx->vars->foreign_key_checks) {
        at_least(plan, QL_WAY_COPY, adds_foreign);
    }
    if (!ql_str_eq(plan->spec.engine, t->engine)) {
        at_least(plan, QL_WAY_COPY, NULL);
    } else if (a->force || writes_engine(a)) {
        at_least(plan, QL_WAY_REBUILD, NULL);
    }
    if (!ql_table_is_transactional(t) && plan->way > QL_WAY_INSTANT) {
        at_least(plan, QL_WAY_COPY, NULL);
    }
    plan->change.rebuild = plan->way >= QL_WAY_REBUILD;
    plan->adds_columns = plan->adds_columns && !plan->change.rebuild;
    return QL_OK;
}

static ql_status
refuse(ql_ctx *cx, const char *what, const char *why, const char *instead)
{
    return why != NULL ? ql_fail(cx, QL_ER_ALTER_OPERATION_NOT_SUPPORTED_REASON, what, why, instead)
                       : ql_fail(cx, QL_ER_ALTER_OPERATION_NOT_SUPPORTED, what, instead);
}

static ql_status
check_algorithm(ql_ctx *cx, ql_alter_algorithm wanted, ql_alter_plan *plan)
{
    switch (wanted) {
    case QL_ALGORITHM_INSTANT:
        return plan->way == QL_WAY_INSTANT ? QL_OK
               : plan->way == QL_WAY_COPY
                   ? refuse(cx, "ALGORITHM=INSTANT", plan->why, "ALGORITHM=COPY")
                   : refuse(cx, "ALGORITHM=INSTANT", plan->why, "ALGORITHM=COPY/INPLACE");
    case QL_ALGORITHM_INPLACE:
        return plan->way == QL_WAY_COPY
                   ? refuse(cx, "ALGORITHM=INPLACE", plan->why, "ALGORITHM=COPY")
                   : QL_OK;
    case QL_ALGORITHM_COPY:
        plan->way = QL_WAY_COPY;
        plan->why = NULL;
        plan->change.rebuild = true;
        plan->adds_columns = false;
        return QL_OK;
    case QL_ALGORITHM_DEFAULT:
        break;
    }
    return QL_OK;
}

ql_status
ql_alter_plan_check(ql_ctx *cx, const ql_table *t, const ql_ast_alter *a, ql_alter_plan *plan)
{
    static const char *const locks[] = {"", "LOCK=NONE", "LOCK=SHARED", "LOCK=EXCLUSIVE"};
    (void)t;
    if (a->algorithm == QL_ALGORITHM_INSTANT && a->lock != QL_LOCK_DEFAULT) {
        return ql_fail(cx, QL_ER_WRONG_USAGE, "ALGORITHM=INSTANT", "LOCK=NONE/SHARED/EXCLUSIVE");
    }
    if (plan->acts) {
        QL_TRY(check_algorithm(cx, a->algorithm, plan));
    }
    if (a->lock == QL_LOCK_NONE && plan->way == QL_WAY_COPY) {
        return refuse(cx, locks[a->lock], plan->why != NULL ? plan->why : needs_lock,
                      "LOCK=SHARED");
    }
    if (a->lock == QL_LOCK_NONE && plan->adds_auto) {
        return refuse(cx, locks[a->lock], auto_needs_lock, "LOCK=SHARED");
    }
    return QL_OK;
}

/* --- values of foreign keys ------------------------------------------------------------------ */

/* Might copying make other values of those that the column has? */
static bool
values_change(const ql_column *was, const ql_column *is)
{
    return !same_bytes(&was->type, &is->type) || (was->type.nullable && !is->type.nullable);
}

/* The column that name, one of t's, has become; NULL: it goes, which is refused elsewhere. */
static const ql_column *
column_now(const ql_table *t, const ql_alter_plan *plan, ql_str name, const ql_column **was)
{
    int from = ql_table_column(t, name);
    for (uint16_t i = 0; i < plan->spec.ncolumns; i++) {
        if (from >= 0 && plan->change.from_column[i] == from) {
            *was = &t->columns[from];
            return &plan->spec.columns[i];
        }
    }
    return NULL;
}

static ql_status
check_parents_of(ql_ctx *cx, const ql_table *t, const ql_alter_plan *plan)
{
    for (uint16_t i = 0; i < plan->foreign_kept; i++) {
        const ql_foreign_key *k = &plan->spec.foreign[i];
        QL_TRY(ql_check(cx));
        for (uint16_t c = 0; c < k->ncolumns; c++) {
            int from = plan->change.from_column[k->columns[c]];
            const ql_column *was = from >= 0 ? &t->columns[from] : NULL;
            if (was != NULL && values_change(was, &plan->spec.columns[k->columns[c]])) {
                return ql_fail(cx, QL_ER_FK_COLUMN_CANNOT_CHANGE, ql_cstr(cx, was->name),
                               ql_cstr(cx, k->name));
            }
        }
    }
    return QL_OK;
}

static ql_status
check_child(ql_ctx *cx, const ql_table *t, const ql_alter_plan *plan, const ql_child *child)
{
    const ql_foreign_key *k = child->key;
    for (uint16_t i = 0; i < k->ncolumns; i++) {
        const ql_column *was, *is = column_now(t, plan, k->parent_columns[i], &was);
        if (is != NULL && values_change(was, is)) {
            char *table = ql_arena_printf(cx, cx->arena, "%.*s.%.*s", (int)child->table->db.n,
                                          child->table->db.p, (int)child->table->name.n,
                                          child->table->name.p);
            return table != NULL ? ql_fail(cx, QL_ER_FK_COLUMN_CANNOT_CHANGE_CHILD,
                                           ql_cstr(cx, was->name), ql_cstr(cx, k->name), table)
                                 : QL_ERROR;
        }
    }
    return QL_OK;
}

ql_status
ql_alter_plan_check_values(ql_ctx *cx, const ql_table *t, const ql_alter_plan *plan)
{
    ql_child *v;
    size_t n;
    if (plan->way != QL_WAY_COPY || !cx->vars->foreign_key_checks || t->temporary) {
        return QL_OK;
    }
    QL_TRY(check_parents_of(cx, t, plan));
    QL_TRY(ql_catalog_children(cx, cx->arena, t->db, t->name, &v, &n));
    for (size_t i = 0; i < n; i++) {
        bool self = ql_str_eq(v[i].table->db, t->db) && ql_str_eq(v[i].table->name, t->name);
        QL_TRY(ql_check(cx));
        QL_TRY(self ? QL_OK : check_child(cx, t, plan, &v[i]));
    }
    return QL_OK;
}
