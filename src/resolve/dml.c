/* SPDX-License-Identifier: Apache-2.0
 *
 * INSERT, REPLACE, LOAD DATA, UPDATE, DELETE.
 */
#include "acl/acl.h"
#include "resolve/resolve_int.h"

static const char *
text(qli_res *r, ql_str s)
{
    return ql_arena_printf(r->cx, r->a, "%.*s", (int)s.n, s.p) ?: "";
}

static ql_status
target_is_base_table(qli_res *r, const ql_table *t, ql_str alias, const char *statement)
{
    if (t && t->view) {
        return ql_fail(r->cx, QL_ER_NON_INSERTABLE_TABLE, text(r, alias), statement);
    }
    if (t && !t->is_virtual) {
        return QL_OK;
    }
    if (t) {
        return ql_fail(r->cx, QL_ER_DBACCESS_DENIED_ERROR,
                       r->cx->vars ? text(r, r->cx->vars->viewer.user) : "", "localhost",
                       text(r, t->db));
    }
    return ql_fail(r->cx, QL_ER_NON_UPDATABLE_TABLE, text(r, alias), statement);
}

/* --- INSERT --- */

static ql_status
insert_columns(qli_res *r, const ql_ast_insert *ins, const qli_merged *m, ql_rinsert *o)
{
    const ql_table *seen = m ? m->view : o->table;
    uint16_t n = ins->has_columns ? (uint16_t)ins->ncolumns : seen->ncolumns, listed = 0;
    bool empty_row = !ins->has_columns && ins->nrows == 1 && ins->rows[0].n == 0 && !ins->select;
    o->columns = QL_ARENA_ARRAY(r->cx, r->a, uint16_t, n + 1u);
    if (!o->columns) {
        return QL_ERROR;
    }
    if (empty_row) { /* INSERT INTO t VALUES () */
        return QL_OK;
    }
    for (uint16_t i = 0; i < n; i++) {
        const ql_column *c = &seen->columns[i];
        if (!ins->has_columns && (c->invisible || c->hidden)) {
            continue;
        }
        int ord = ins->has_columns ? ql_table_column(seen, ins->columns[i]) : i;
        ord = m && ord >= 0 ? m->ordinals[ord] : ord;
        if (ord < 0) {
            return ql_fail(r->cx, QL_ER_BAD_FIELD_ERROR, text(r, ins->columns[i]), "field list");
        }
        for (uint16_t k = 0; ins->has_columns && k < i; k++) {
            if (o->columns[k] == ord) {
                return ql_fail(r->cx, QL_ER_FIELD_SPECIFIED_TWICE, text(r, ins->columns[i]));
            }
        }
        o->columns[listed++] = (uint16_t)ord;
    }
    o->ncolumns = listed;
    return QL_OK;
}

static ql_status
default_node(qli_res *r, const ql_table *t, uint16_t column, ql_expr **out)
{
    ql_expr *d = qli_node(r, QL_E_DEFAULT);
    if (!d) {
        return QL_ERROR;
    }
    d->index = column;
    d->type = t->columns[column].type;
    *out = d;
    return QL_OK;
}

/* A hexadecimal literal for a column of numbers is a number; one of more than eight bytes is beyond
 * every integer. */
static ql_status
hex_for_column(qli_res *r, const ql_type *t, ql_expr **e)
{
    bool number = (t->kind == QL_K_INT && t->field != QL_F_BIT) || t->kind == QL_K_DOUBLE ||
                  t->kind == QL_K_DECIMAL;
    if (!(*e)->is_hex || !number) {
        return QL_OK;
    }
    if ((*e)->value.s.n <= 8) {
        return qli_hex_as_number(r, e);
    }
    ql_value most = {.kind = QL_K_DECIMAL};
    size_t used;
    (void)ql_decimal_parse(&most.dec, QL_STR("18446744073709551616"), &used);
    *e = qli_const(r, &most);
    return *e ? QL_OK : QL_ERROR;
}

/* The value of a generated column is not given. */
static ql_status
may_be_given(qli_res *r, const ql_table *t, uint16_t column)
{
    return t->columns[column].generated.n == 0
               ? QL_OK
               : ql_fail(r->cx, QL_ER_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN,
                         text(r, t->columns[column].name), text(r, t->name));
}

static ql_status
bind_value(qli_res *r, qli_scope *sc, const ql_table *t, uint16_t column, const ql_ast_expr *e,
           ql_expr **out)
{
    if (e->kind == QL_A_DEFAULT && !e->args.n) {
        return default_node(r, t, column, out);
    }
    QL_TRY(may_be_given(r, t, column));
    QL_TRY(qli_bind(r, sc, e, out));
    QL_TRY(hex_for_column(r, &t->columns[column].type, out));
    return qli_require_scalar(r, *out);
}

static ql_status
may_read_row(qli_res *r, const ql_ast_insert *ins, bool *yes)
{
    *yes = true;
    for (uint32_t i = 0; i < ins->nrows; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        for (uint32_t k = 0; k < ins->rows[i].n; k++) {
            const ql_ast_expr *e = ins->rows[i].v[k];
            QL_TRY(ql_bulk_node(r->cx));
            if (e->kind == QL_A_COLUMN || e->args.n > 0) {
                return QL_OK;
            }
        }
    }
    *yes = false;
    return QL_OK;
}

/* All columns of the target, slot = ordinal. */
static ql_status
target_slots(qli_res *r, qli_scope *sc, const ql_table *t)
{
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        ql_expr *e;
        QL_TRY(qli_base_slot(r, sc, 0, i, &e));
    }
    return QL_OK;
}

static ql_status
find_slot(void *arg, ql_expr **e, uint32_t depth, bool *descend)
{
    (void)arg;
    (void)descend;
    return depth == 0 && (*e)->kind == QL_E_SLOT ? QL_END : QL_OK;
}

static ql_status
note_row_reader(qli_res *r, ql_rinsert *o, ql_expr *e)
{
    ql_status st = o->reads_row ? QL_OK : qli_walk(r, &e, 0, find_slot, NULL);
    o->reads_row |= st == QL_END;
    return st == QL_END ? QL_OK : st;
}

/* Without strict mode the value of a generated column is passed over with a warning, as in MariaDB,
 * whose dumps contain them; MySQL refuses it in every mode. */
static ql_status
row_value(qli_res *r, qli_scope *sc, const ql_table *t, uint16_t column, const ql_ast_expr *e,
          ql_expr **out)
{
    if (t->columns[column].generated.n == 0 || e->kind == QL_A_DEFAULT || !r->cx->vars ||
        r->cx->vars->strict) {
        return bind_value(r, sc, t, column, e, out);
    }
    ql_warn(r->cx, QL_DIAG_WARNING, QL_ER_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN,
            text(r, t->columns[column].name), text(r, t->name));
    return default_node(r, t, column, out);
}

static ql_status
insert_rows(qli_res *r, qli_scope *sc, const ql_ast_insert *ins, ql_rinsert *o)
{
    bool reads;
    QL_TRY(may_read_row(r, ins, &reads));
    if (reads) { /* a value may look at columns given before it in its row */
        QL_TRY(target_slots(r, sc, o->table));
    }
    sc->barrier = true; /* subqueries do not see them */
    o->nrows = ins->nrows;
    o->rows = QL_ARENA_ARRAY(r->cx, r->a, ql_expr **, ins->nrows + 1);
    if (!o->rows) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < ins->nrows; i++) {
        if ((i & 255) == 255) {
            QL_TRY(ql_check(r->cx));
        }
        bool empty = ins->rows[i].n == 0;
        if (!empty && ins->rows[i].n != o->ncolumns) {
            return ql_fail(r->cx, QL_ER_WRONG_VALUE_COUNT_ON_ROW, (long)i + 1);
        }
        if (empty && o->ncolumns && ins->has_columns) {
            return ql_fail(r->cx, QL_ER_WRONG_VALUE_COUNT_ON_ROW, (long)i + 1);
        }
        o->rows[i] = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, o->ncolumns + 1u);
        if (!o->rows[i]) {
            return QL_ERROR;
        }
        for (uint16_t c = 0; c < o->ncolumns; c++) {
            QL_TRY(empty ? default_node(r, o->table, o->columns[c], &o->rows[i][c])
                         : row_value(r, sc, o->table, o->columns[c], ins->rows[i].v[c],
                                     &o->rows[i][c]));
            if (reads) {
                QL_TRY(note_row_reader(r, o, o->rows[i][c]));
            }
        }
    }
    sc->barrier = false;
    if (o->reads_row) {
        const ql_table *seen = sc->sources[0].merged ? sc->sources[0].merged->view : o->table;
        QL_TRY(seen->temporary ? QL_OK
                               : ql_acl_require_table(r->cx, QL_PRIV_SELECT, seen->db, seen->name));
    }
    return QL_OK;
}

static ql_status
assign_column(qli_res *r, const ql_table *t, const qli_merged *m, const ql_ast_expr *c,
              uint16_t *out)
{
    const ql_table *seen = m ? m->view : t;
    bool other = c->table.n && !ql_str_eq_nocase(c->table, seen->name);
    int ord = other ? -1 : ql_table_column(seen, c->name);
    if (m && m->of_join && ord >= 0 && m->ordinals[ord] < 0) {
        return ql_fail(r->cx, QL_ER_VIEW_MULTIUPDATE, text(r, seen->db), text(r, seen->name));
    }
    ord = m && ord >= 0 ? m->ordinals[ord] : ord;
    if (ord < 0) {
        return ql_fail(r->cx, QL_ER_BAD_FIELD_ERROR, qli_full_name(r, c), "field list");
    }
    *out = (uint16_t)ord;
    return QL_OK;
}

static ql_status
insert_duplicates(qli_res *r, qli_scope *sc, const ql_ast_insert *ins, ql_rinsert *o)
{
    if (!ins->on_duplicate.n) {
        return QL_OK;
    }
    o->on_duplicate = QL_ARENA_ARRAY(r->cx, r->a, ql_column_assign, ins->on_duplicate.n);
    if (!o->on_duplicate) {
        return QL_ERROR;
    }
    QL_TRY(target_slots(r, sc, o->table));
    r->insert_target = o->table;
    r->insert_view = sc->sources[0].merged;
    for (uint32_t i = 0; i < ins->on_duplicate.n; i++) {
        const ql_ast_assign *a = &ins->on_duplicate.v[i];
        ql_column_assign *c = &o->on_duplicate[i];
        QL_TRY(assign_column(r, o->table, sc->sources[0].merged, a->column, &c->column));
        QL_TRY(bind_value(r, sc, o->table, c->column, a->value, &c->value));
    }
    r->insert_target = NULL;
    r->insert_view = NULL;
    o->non_duplicate = (uint16_t)ins->on_duplicate.n;
    return QL_OK;
}

static bool
has_column(const qli_merged *m, uint16_t ordinal, uint16_t before)
{
    for (uint16_t i = 0; i < before; i++) {
        if (m->ordinals[i] == ordinal) {
            return true;
        }
    }
    return false;
}

/* Every column of the view is another column of the table, and those that it has not have defaults
 * (manual, "Updatable and Insertable Views"). */
static ql_status
check_insertable(qli_res *r, ql_str alias, bool ignore, const qli_merged *m, const ql_table *t,
                 const char *statement)
{
    for (uint16_t i = 0; i < m->view->ncolumns; i++) {
        QL_TRY(ql_check(r->cx));
        if (m->of_join && m->ordinals[i] < 0) {
            continue; /* another table's */
        }
        if (m->ordinals[i] < 0 || has_column(m, (uint16_t)m->ordinals[i], i)) {
            return ql_fail(r->cx, QL_ER_NON_INSERTABLE_TABLE, text(r, alias), statement);
        }
    }
    uint64_t strict = QL_MODE_STRICT_TRANS | QL_MODE_STRICT_ALL;
    bool lax = ignore || !r->cx->vars || !(r->cx->vars->sql_mode & strict);
    for (uint16_t i = 0; i < t->ncolumns && !lax; i++) {
        const ql_column *c = &t->columns[i];
        if (c->default_kind == QL_DEF_NONE && !c->type.nullable && !c->auto_increment &&
            c->generated.n == 0 && !has_column(m, i, m->view->ncolumns)) {
            return ql_fail(r->cx, QL_ER_NO_DEFAULT_FOR_VIEW_FIELD, text(r, m->view->db),
                           text(r, m->view->name));
        }
    }
    return QL_OK;
}

/* INSERT into a view: into the table behind it. */
static ql_status
insert_through(qli_res *r, const ql_ast_insert *ins, qli_join_insert *j, ql_rinsert *o)
{
    const ql_table *view = o->table;
    ql_table *base;
    ql_pmask need = QL_PM(INSERT) | (ins->replace ? QL_PM(DELETE) : 0) |
                    (ins->on_duplicate.n ? QL_PM(UPDATE) : 0);
    QL_TRY(qli_merge_find(r, view, true, true, &j->merged, &base));
    if (j->merged) {
        QL_TRY(qli_merge_may_change(r, j->merged, base, need));
    } else if (view->view->updatable == QL_VIEW_OF_JOIN) {
        QL_TRY(qli_join_view_insert(r, ins, view, need, j));
        base = j->sc->q->sources[j->source].table;
    } else {
        return ql_fail(r->cx, QL_ER_NON_INSERTABLE_TABLE, text(r, ins->table.name), "INSERT");
    }
    QL_TRY(check_insertable(r, ins->table.name, ins->ignore, j->merged, base, "INSERT"));
    o->table = base;
    return QL_OK;
}

/* The view's names over the row, and what the row has to keep to. */
static ql_status
row_of_view(qli_res *r, qli_scope *sc, qli_join_insert *j, ql_rinsert *o, ql_str alias,
            const char *statement)
{
    ql_expr *cond;
    bool may;
    QL_TRY(target_slots(r, sc, o->table));
    QL_TRY(qli_merge_source(r, sc, j->merged, 0, &sc->names, j->sc ? NULL : &cond));
    QL_TRY(j->sc ? qli_view_lets_change(r, j->sc, j->source, &may)
                 : qli_view_lets_change(r, sc, 0, &may));
    if (!may) {
        return ql_fail(r->cx, QL_ER_NON_INSERTABLE_TABLE, text(r, alias), statement);
    }
    return j->sc ? qli_check_bind_insert(r, sc, j, &o->check) : qli_check_bind(r, sc, 0, &o->check);
}

ql_status
qli_insert_bind(qli_res *r, const ql_ast_insert *ins, ql_rinsert **out)
{
    qli_join_insert j = {0};
    qli_scope *sc;
    ql_rinsert *o = QL_ARENA_NEW(r->cx, r->a, ql_rinsert);
    if (!o) {
        return QL_ERROR;
    }
    *out = o;
    o->replace = ins->replace;
    o->ignore = ins->ignore;
    QL_TRY(qli_table_open(r, &ins->table, ins->table.name, true, &o->table));
    if (o->table->view) {
        QL_TRY(insert_through(r, ins, &j, o));
    }
    qli_merged *m = j.merged;
    QL_TRY(target_is_base_table(r, o->table, ins->table.name, "INSERT"));
    QL_TRY(insert_columns(r, ins, m, o));
    QL_TRY(qli_scope_new(r, NULL, &sc));
    sc->ncalls = &o->ncalls;
    o->row = sc->q;
    QL_TRY(qli_source_add_table(r, sc, o->table, m ? m->view->name : o->table->name));
    sc->lo = 0;
    sc->hi = 1;
    QL_TRY(m ? row_of_view(r, sc, &j, o, ins->table.name, "INSERT") : QL_OK);
    if (ins->select) {
        const ql_ast_select *select;
        QL_TRY(qli_dup_select(r, ins, m ? m->view : o->table, &select));
        QL_TRY(qli_query_bind(r, select, NULL, NULL, &o->select));
        if (qli_dup_bound(r, o->select) != o->ncolumns) {
            return ql_fail(r->cx, QL_ER_WRONG_VALUE_COUNT_ON_ROW, 1l);
        }
        for (uint16_t i = 0; i < o->ncolumns; i++) {
            QL_TRY(ql_bulk_node(r->cx));
            QL_TRY(may_be_given(r, o->table, o->columns[i]));
        }
    } else {
        QL_TRY(insert_rows(r, sc, ins, o));
    }
    return insert_duplicates(r, sc, ins, o);
}

/* --- LOAD DATA --- */

/* Position of the column among those that are given; it becomes one of them. */
static uint16_t
given_column(ql_rinsert *ins, uint16_t column)
{
    uint16_t i = 0;
    while (i < ins->ncolumns && ins->columns[i] != column) {
        i++;
    }
    if (i == ins->ncolumns) {
        ins->columns[ins->ncolumns++] = column;
    }
    return i;
}

static ql_status
load_fields(qli_res *r, const ql_ast_load *ld, const qli_merged *m, ql_rload *o)
{
    ql_rinsert *ins = &o->insert;
    uint32_t n = ld->ncolumns ? ld->ncolumns : m ? m->view->ncolumns : ins->table->ncolumns;
    o->fields = QL_ARENA_ARRAY(r->cx, r->a, ql_load_field, n);
    if (!o->fields) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < n; i++) {
        ql_load_field *f = &o->fields[o->nfields];
        uint16_t column = (uint16_t)i;
        QL_TRY(ql_bulk_node(r->cx));
        if (ld->ncolumns && ld->columns[i]->kind == QL_A_USERVAR) {
            *f = (ql_load_field){.column = -1, .variable = ld->columns[i]->name};
            o->nfields++;
            continue;
        }
        if (ld->ncolumns) {
            QL_TRY(assign_column(r, ins->table, m, ld->columns[i], &column));
        } else if (m) {
            column = (uint16_t)m->ordinals[i];
        } else if (ins->table->columns[i].invisible || ins->table->columns[i].hidden) {
            continue;
        }
        QL_TRY(may_be_given(r, ins->table, column));
        f->column = given_column(ins, column);
        o->nfields++;
    }
    return QL_OK;
}

static ql_status
load_set(qli_res *r, qli_scope *sc, const ql_ast_load *ld, ql_rload *o)
{
    ql_rinsert *ins = &o->insert;
    o->set = QL_ARENA_ARRAY(r->cx, r->a, ql_column_assign, ld->set.n + 1);
    if (!o->set) {
        return QL_ERROR;
    }
    QL_TRY(target_slots(r, sc, ins->table));
    sc->barrier = true;
    r->dml_target = ins->table;
    for (uint32_t i = 0; i < ld->set.n; i++) {
        const ql_ast_assign *a = &ld->set.v[i];
        ql_column_assign *c = &o->set[i];
        uint16_t column = 0;
        QL_TRY(assign_column(r, ins->table, sc->sources[0].merged, a->column, &column));
        QL_TRY(bind_value(r, sc, ins->table, column, a->value, &c->value));
        QL_TRY(note_row_reader(r, ins, c->value));
        c->column = given_column(ins, column);
    }
    r->dml_target = NULL;
    o->nset = (uint16_t)ld->set.n;
    o->reads_row = ins->reads_row;
    ins->reads_row = true; /* values are stored as they come */
    const ql_table *seen = sc->sources[0].merged ? sc->sources[0].merged->view : ins->table;
    return o->reads_row && !ins->table->temporary
               ? ql_acl_require_table(r->cx, QL_PRIV_SELECT, seen->db, seen->name)
               : QL_OK;
}

/* Into a view over one table: into that table. */
static ql_status
load_through(qli_res *r, const ql_ast_load *ld, qli_merged **m, ql_rinsert *ins)
{
    ql_table *base;
    ql_pmask need = QL_PM(INSERT) | (ld->replace ? QL_PM(DELETE) : 0);
    QL_TRY(qli_merge_find(r, ins->table, true, true, m, &base));
    if (!*m) {
        return ql_fail(r->cx, QL_ER_NON_INSERTABLE_TABLE, text(r, ld->table.name), "LOAD");
    }
    QL_TRY(qli_merge_may_change(r, *m, base, need));
    QL_TRY(check_insertable(r, ld->table.name, ins->ignore, *m, base, "LOAD"));
    ins->table = base;
    return QL_OK;
}

ql_status
qli_load_bind(qli_res *r, const ql_ast_load *ld, ql_rload **out)
{
    qli_scope *sc;
    ql_rload *o = QL_ARENA_NEW(r->cx, r->a, ql_rload);
    if (!o) {
        return QL_ERROR;
    }
    *out = o;
    ql_rinsert *ins = &o->insert;
    ins->replace = ld->replace;
    ins->ignore = ld->ignore || (ld->local && !ld->replace); /* manual: LOCAL is as IGNORE */
    QL_TRY(qli_table_open(r, &ld->table, ld->table.name, true, &ins->table));
    qli_join_insert j = {0};
    if (ins->table->view) {
        QL_TRY(load_through(r, ld, &j.merged, ins));
    }
    qli_merged *m = j.merged;
    QL_TRY(target_is_base_table(r, ins->table, ld->table.name, "LOAD"));
    ins->columns = QL_ARENA_ARRAY(r->cx, r->a, uint16_t, ins->table->ncolumns + 1u);
    if (!ins->columns) {
        return QL_ERROR;
    }
    QL_TRY(load_fields(r, ld, m, o));
    QL_TRY(qli_scope_new(r, NULL, &sc));
    sc->ncalls = &ins->ncalls;
    ins->row = sc->q;
    QL_TRY(qli_source_add_table(r, sc, ins->table, m ? m->view->name : ins->table->name));
    sc->lo = 0;
    sc->hi = 1;
    QL_TRY(m ? row_of_view(r, sc, &j, ins, ld->table.name, "LOAD") : QL_OK);
    return load_set(r, sc, ld, o);
}

/* --- UPDATE, DELETE --- */

static ql_status
bind_rows(qli_res *r, qli_scope *sc, const ql_ast_expr *where, const ql_ast_orders *order,
          const ql_ast_expr *limit)
{
    QL_TRY(qli_where_add(r, sc, where));
    QL_TRY(qli_key_expressions(r, sc));
    QL_TRY(qli_order_bind(r, sc, order, false, &sc->q->order_by, &sc->q->norder));
    QL_TRY(qli_limit_bind(r, sc, limit, &sc->q->limit));
    sc->clause = QLI_CL_FIELDS;
    return QL_OK;
}

/* The read block has every column of a target. */
static ql_status
use_all_columns(qli_res *r, qli_scope *sc, uint16_t source)
{
    for (uint16_t c = 0; c < sc->sources[source].ncols; c++) {
        ql_expr *e;
        QL_TRY(qli_base_slot(r, sc, source, c, &e));
    }
    return QL_OK;
}

static ql_status
refuse_join_view(qli_res *r, const ql_source *s, ql_privilege priv)
{
    bool join = !s->table && s->view && s->view->view->updatable == QL_VIEW_OF_JOIN;
    return join && priv == QL_PRIV_DELETE ? ql_fail(r->cx, QL_ER_VIEW_DELETE_MERGE_VIEW,
                                                    text(r, s->view->db), text(r, s->view->name))
                                          : QL_OK;
}

static ql_status
target_of(qli_res *r, ql_rupdate *o, qli_scope *sc, uint16_t source, const char *statement,
          ql_privilege priv, uint16_t *at)
{
    for (*at = 0; *at < o->ntargets; ++*at) {
        if (o->targets[*at] == source) {
            return QL_OK;
        }
    }
    const ql_source *s = &sc->q->sources[source];
    const qli_merged *m = sc->sources[source].merged;
    QL_TRY(refuse_join_view(r, s, priv));
    QL_TRY(target_is_base_table(r, s->table, qli_known_as(sc, source), statement));
    QL_TRY(m                     ? qli_merge_may_change(r, m, s->table, (ql_pmask)1 << priv)
           : s->table->temporary ? QL_OK
                                 : ql_acl_require_table(r->cx, priv, s->table->db, s->table->name));
    QL_TRY(use_all_columns(r, sc, source));
    sc->q->sources[source].locking.kind = QL_LK_UPDATE;
    o->targets[o->ntargets++] = source;
    return QL_OK;
}

static ql_status
views_let_change(qli_res *r, qli_scope *sc, const ql_rupdate *o, const char *statement)
{
    for (uint16_t i = 0; i < o->ntargets; i++) {
        bool may;
        QL_TRY(qli_view_lets_change(r, sc, o->targets[i], &may));
        if (!may) {
            return ql_fail(r->cx, QL_ER_NON_UPDATABLE_TABLE,
                           text(r, qli_known_as(sc, o->targets[i])), statement);
        }
    }
    return QL_OK;
}

static ql_status
from_of_dml(qli_res *r, qli_scope *sc, const ql_ast_from *from)
{
    r->in_dml_from = true;
    ql_status st = qli_from_bind(r, sc, from);
    r->in_dml_from = false;
    return st;
}

static ql_status
alloc_update(qli_res *r, uint16_t nsources, uint32_t nassign, ql_rupdate *o)
{
    o->targets = QL_ARENA_ARRAY(r->cx, r->a, uint16_t, nsources + 1u);
    o->set = o->targets ? QL_ARENA_ARRAY(r->cx, r->a, ql_column_assign *, nsources + 1u) : NULL;
    o->nset = o->set ? QL_ARENA_ARRAY(r->cx, r->a, uint16_t, nsources + 1u) : NULL;
    o->checks = o->nset ? QL_ARENA_ARRAY(r->cx, r->a, ql_row_check, nsources + 1u) : NULL;
    if (!o->checks) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < nsources && nassign; i++) {
        o->set[i] = QL_ARENA_ARRAY(r->cx, r->a, ql_column_assign, nassign);
        if (!o->set[i]) {
            return QL_ERROR;
        }
    }
    return QL_OK;
}

/* The base table's column that a column of a view, or of a table, is; as whoever counts there. */
typedef struct assigned {
    ql_rupdate *o;
    const ql_ast_expr *column; /* as the statement names it */
    qli_name name;
    uint16_t target;
} assigned;

static ql_status find_assigned(qli_res *r, qli_scope *sc, assigned *a);

static ql_status
assign_below(qli_res *r, qli_scope *sc, qli_joined *v, void *arg)
{
    assigned *a = arg;
    const ql_ast_expr *e = v->query->items[a->name.column].expr;
    ql_status st = qli_column_find(r, sc, e, &a->name);
    return st == QL_OK ? find_assigned(r, sc, a)
           : st != QL_END
               ? st
               : ql_fail(r->cx, QL_ER_BAD_FIELD_ERROR, qli_full_name(r, e), "field list");
}

static ql_status
assign_joined(qli_res *r, qli_scope *sc, qli_joined *v, assigned *a)
{
    QL_TRY(ql_acl_require_on_table(r->cx, QL_PM(UPDATE), v->view->db, v->view->name));
    if (v->query->items[a->name.column].expr->kind != QL_A_COLUMN) {
        return ql_fail(r->cx, QL_ER_NONUPDATEABLE_COLUMN, text(r, a->column->name));
    }
    QL_TRY(qli_joined_inside(r, sc, v, QLI_CL_FIELDS, assign_below, a));
    if (v->changed >= 0 && v->changed != a->name.source) {
        return ql_fail(r->cx, QL_ER_VIEW_MULTIUPDATE, text(r, v->view->db), text(r, v->view->name));
    }
    v->changed = a->name.source;
    return QL_OK;
}

static ql_status
find_assigned(qli_res *r, qli_scope *sc, assigned *a)
{
    qli_joined *v = qli_joined_of(sc, a->name.source);
    if (v != NULL) {
        return assign_joined(r, sc, v, a);
    }
    QL_TRY(target_of(r, a->o, sc, a->name.source, "UPDATE", QL_PRIV_UPDATE, &a->target));
    return qli_base_ordinal(sc, a->name) >= 0
               ? QL_OK
               : ql_fail(r->cx, QL_ER_NONUPDATEABLE_COLUMN, text(r, a->column->name));
}

static ql_status
bind_assignment(qli_res *r, qli_scope *sc, const ql_ast_assign *a, ql_rupdate *o)
{
    assigned to = {.o = o, .column = a->column};
    ql_status st = qli_column_find(r, sc, a->column, &to.name);
    if (st == QL_END) {
        return ql_fail(r->cx, QL_ER_BAD_FIELD_ERROR, qli_full_name(r, a->column), "field list");
    }
    QL_TRY(st);
    QL_TRY(find_assigned(r, sc, &to));
    ql_column_assign *c = &o->set[to.target][o->nset[to.target]++];
    c->column = (uint16_t)qli_base_ordinal(sc, to.name);
    r->dml_target = sc->q->sources[to.name.source].table;
    return bind_value(r, sc, sc->q->sources[to.name.source].table, c->column, a->value, &c->value);
}

ql_status
qli_update_bind(qli_res *r, const ql_ast_update *u, ql_rupdate **out)
{
    qli_scope *sc;
    ql_rupdate *o = QL_ARENA_NEW(r->cx, r->a, ql_rupdate);
    if (!o) {
        return QL_ERROR;
    }
    *out = o;
    o->ignore = u->ignore;
    QL_TRY(qli_scope_new(r, NULL, &sc));
    QL_TRY(qli_hints_begin(r, sc, &u->hints));
    QL_TRY(from_of_dml(r, sc, u->from));
    if (sc->q->nsources > 1 && (u->order_by.n || u->limit)) {
        return ql_fail(r->cx, QL_ER_WRONG_USAGE, "UPDATE", u->order_by.n ? "ORDER BY" : "LIMIT");
    }
    QL_TRY(alloc_update(r, sc->q->nsources, u->set.n, o));
    for (uint32_t i = 0; i < u->set.n; i++) {
        QL_TRY(bind_assignment(r, sc, &u->set.v[i], o));
    }
    QL_TRY(views_let_change(r, sc, o, "UPDATE"));
    QL_TRY(bind_rows(r, sc, u->where, &u->order_by, u->limit));
    r->dml_target = NULL;
    o->read = sc->q;
    for (uint16_t i = 0; i < o->ntargets; i++) {
        QL_TRY(qli_check_bind(r, sc, o->targets[i], &o->checks[i]));
    }
    return qli_scope_finish(r, sc);
}

static ql_status
delete_target(qli_res *r, qli_scope *sc, const ql_ast_table_name *name, uint16_t *out)
{
    for (uint16_t i = 0; i < sc->q->nsources; i++) {
        const ql_source *s = &sc->q->sources[i];
        if (ql_str_eq_nocase(s->alias, name->name) &&
            (!name->db.n || ql_str_eq_nocase(s->db, name->db))) {
            *out = i;
            return QL_OK;
        }
    }
    return ql_fail(r->cx, QL_ER_UNKNOWN_TABLE, text(r, name->name), "MULTI DELETE");
}

ql_status
qli_delete_bind(qli_res *r, const ql_ast_delete *d, ql_rupdate **out)
{
    qli_scope *sc;
    uint16_t at;
    ql_rupdate *o = QL_ARENA_NEW(r->cx, r->a, ql_rupdate);
    if (!o) {
        return QL_ERROR;
    }
    *out = o;
    o->ignore = d->ignore;
    QL_TRY(qli_scope_new(r, NULL, &sc));
    QL_TRY(qli_hints_begin(r, sc, &d->hints));
    QL_TRY(from_of_dml(r, sc, d->from));
    QL_TRY(alloc_update(r, sc->q->nsources, 0, o));
    if (!d->ntargets) {
        QL_TRY(target_of(r, o, sc, 0, "DELETE", QL_PRIV_DELETE, &at));
    }
    for (uint32_t i = 0; i < d->ntargets; i++) {
        uint16_t source = 0;
        QL_TRY(delete_target(r, sc, &d->targets[i], &source));
        QL_TRY(target_of(r, o, sc, source, "DELETE", QL_PRIV_DELETE, &at));
    }
    QL_TRY(views_let_change(r, sc, o, "DELETE"));
    r->dml_target = sc->q->sources[o->targets[0]].table;
    QL_TRY(bind_rows(r, sc, d->where, &d->order_by, d->limit));
    r->dml_target = NULL;
    o->read = sc->q;
    return qli_scope_finish(r, sc);
}
