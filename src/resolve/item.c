/* SPDX-License-Identifier: Apache-2.0
 *
 * The select list: star expansion, names and flags of the result columns.
 */
#include <string.h>

#include "resolve/resolve_int.h"

static bool
type_is_number(const ql_type *t)
{
    return t->kind == QL_K_INT || t->kind == QL_K_DOUBLE || t->kind == QL_K_DECIMAL;
}

static bool
field_is_blob(ql_field f)
{
    return f == QL_F_TINY_BLOB || f == QL_F_MEDIUM_BLOB || f == QL_F_LONG_BLOB || f == QL_F_BLOB;
}

static uint16_t
type_flags(const ql_type *t)
{
    unsigned f = t->nullable ? 0 : QL_CF_NOT_NULL;
    if (type_is_number(t)) {
        f |= QL_CF_BINARY | QL_CF_NUM | (t->is_unsigned ? QL_CF_UNSIGNED : 0u);
    } else if (!ql_kind_has_text(t->kind) || t->coll == ql_coll_binary) {
        f |= QL_CF_BINARY;
    }
    if (field_is_blob(t->field) || t->field == QL_F_JSON) {
        f |= QL_CF_BLOB;
    }
    return (uint16_t)f;
}

/* PRI_KEY of every part of the primary key; UNIQUE_KEY and MULTIPLE_KEY where a key begins. */
static unsigned
key_flags(const ql_table *t, uint16_t column)
{
    unsigned f = 0;
    for (uint16_t i = 0; i < t->nindexes; i++) {
        const ql_index *x = &t->indexes[i];
        for (uint16_t p = 0; p < x->nparts && !x->hidden_rowid; p++) {
            if (x->parts[p].column != column) {
                continue;
            }
            f |= QL_CF_PART_KEY;
            if (x->primary) {
                f |= QL_CF_PRI_KEY;
            } else if (p == 0) {
                f |= x->unique && x->nparts == 1 ? QL_CF_UNIQUE_KEY : QL_CF_MULTIPLE_KEY;
            }
        }
    }
    return f;
}

static bool
default_is_now(const ql_column *c)
{
    return c->default_kind == QL_DEF_NOW || c->on_update_now;
}

/* Flags of a stored column. Numbers are not BINARY there: that is told of computed ones only. */
static uint16_t
column_flags(const ql_table *t, uint16_t column)
{
    const ql_column *c = &t->columns[column];
    unsigned f = type_flags(&c->type) | key_flags(t, column);
    f &= type_is_number(&c->type) ? ~(unsigned)QL_CF_BINARY : ~0u;
    f |= c->auto_increment ? QL_CF_AUTO_INCREMENT : 0u;
    f |= c->zerofill || c->type.field == QL_F_YEAR ? QL_CF_ZEROFILL : 0u;
    f |= c->type.field == QL_F_YEAR || c->type.field == QL_F_BIT ? QL_CF_UNSIGNED : 0u;
    f |= c->type.field == QL_F_ENUM ? QL_CF_ENUM : 0u;
    f |= c->type.field == QL_F_SET ? QL_CF_SET : 0u;
    f |= c->on_update_now ? QL_CF_ON_UPDATE_NOW : 0u;
    f |= default_is_now(c) ? QL_CF_TIMESTAMP : 0u;
    if (!c->type.nullable && c->default_kind == QL_DEF_NONE && !c->auto_increment) {
        f |= QL_CF_NO_DEFAULT;
    }
    return (uint16_t)f;
}

void
ql_result_column_of(const ql_table *t, uint16_t column, ql_result_column *out)
{
    const ql_column *c = &t->columns[column];
    *out = (ql_result_column){.schema = t->db,
                              .table = t->name,
                              .org_table = t->name,
                              .name = c->name,
                              .org_name = c->name,
                              .type = c->type,
                              .flags = column_flags(t, column)};
    if (c->type.kind == QL_K_STRING) {
        out->type.decimals = 0;
    } else if (c->type.field == QL_F_DOUBLE && c->type.decimals >= 31) {
        out->type.length = 22;
    }
}

/* Signed integers that are computed or written have the length of their digits; clients are told
 * one more for the sign. */
static void
add_sign(const ql_expr *e, ql_result_column *out)
{
    bool literal = e->kind == QL_E_CONST && e->value.kind == QL_K_INT && e->value.i >= 0;
    bool computed =
        e->kind == QL_E_OP && (e->op == QL_OP_ADD || e->op == QL_OP_SUB || e->op == QL_OP_MUL);
    if ((literal || computed) && e->type.kind == QL_K_INT && !e->type.is_unsigned &&
        e->type.length > 0 && e->type.length < 20) {
        out->type.length++;
    }
}

void
qli_column_describe(qli_res *r, qli_scope *sc, const ql_expr *e, ql_str name, ql_result_column *out)
{
    (void)r;
    *out = (ql_result_column){.name = name, .type = e->type, .flags = type_flags(&e->type)};
    add_sign(e, out);
    if (e->kind == QL_E_CAST && e->type.field == QL_F_STRING) {
        out->type.field = QL_F_VAR_STRING; /* CHAR(n) of a cast only says where to cut */
    }
    if (sc->q->set_op != QL_SET_NONE) { /* stored once on their way, as MySQL does it */
        out->org_name = name;
        out->flags &= (uint16_t)(type_is_number(&e->type) ? ~(unsigned)QL_CF_BINARY : ~0u);
        return;
    }
    if (e->kind != QL_E_SLOT || sc->given || !sc->slots ||
        sc->slots[e->index].kind != QLI_SLOT_COLUMN) {
        return;
    }
    const qli_slot *s = &sc->slots[e->index];
    const ql_source *src = &sc->q->sources[s->source];
    if (src->table) {
        ql_result_column_of(src->table, s->column, out);
    } else {
        const ql_result_column *c = &src->derived->items[s->column].column;
        ql_type type = c->type.kind == e->type.kind ? c->type : e->type;
        *out = *c;
        out->type = type;
        out->org_name = out->org_name.n ? out->org_name : out->name;
    }
    out->name = name;
    out->table = qli_known_as(sc, s->source);
    out->type.nullable = e->type.nullable;
    out->flags &= (uint16_t)(e->type.nullable ? ~(unsigned)QL_CF_NOT_NULL : ~0u);
}

static ql_status
add_item(qli_res *r, qli_scope *sc, uint32_t *cap, ql_expr *e, ql_str name)
{
    ql_query *q = sc->q;
    if (q->nitems >= 4096) {
        return ql_fail(r->cx, QL_ER_TOO_MANY_FIELDS);
    }
    if (q->nitems >= *cap) {
        uint32_t n = *cap ? *cap * 2 : 16;
        ql_item *v = QL_ARENA_ARRAY(r->cx, r->a, ql_item, n);
        if (!v) {
            return QL_ERROR;
        }
        if (q->nitems) {
            memcpy(v, q->items, sizeof(*v) * q->nitems);
        }
        q->items = v;
        *cap = n;
    }
    q->items[q->nitems].expr = e;
    qli_column_describe(r, sc, e, name, &q->items[q->nitems].column);
    q->nitems++;
    return QL_OK;
}

bool
qli_is_shown(const qli_scope *sc, uint16_t source, uint16_t column)
{
    const ql_table *t = source & QLI_JOINED ? NULL : sc->q->sources[source].table;
    return !t || sc->sources[source].merged ||
           (!t->columns[column].invisible && !t->columns[column].hidden);
}

static ql_status
expand_star(qli_res *r, qli_scope *sc, uint32_t *cap)
{
    if (!sc->q->nsources) {
        return ql_fail(r->cx, QL_ER_NO_TABLES_USED);
    }
    for (uint32_t i = 0; i < sc->names.n; i++) {
        qli_name n = sc->names.v[i];
        ql_expr *e;
        if (!qli_is_shown(sc, n.source, n.column)) {
            continue;
        }
        QL_TRY(qli_column_slot(r, sc, n.source, n.column, &e));
        QL_TRY(add_item(r, sc, cap, e, qli_column_name(sc, n.source, n.column)));
    }
    return QL_OK;
}

static ql_status
expand_table_star(qli_res *r, qli_scope *sc, const ql_ast_expr *star, uint32_t *cap)
{
    bool found = false;
    for (uint16_t s = 0; s < sc->q->nsources; s++) {
        const ql_source *src = &sc->q->sources[s];
        if (sc->sources[s].behind != 0 || !ql_str_eq_nocase(src->alias, star->table) ||
            (star->schema.n && !ql_str_eq_nocase(src->db, star->schema))) {
            continue;
        }
        found = true;
        for (uint16_t c = 0; c < qli_visible(sc, s); c++) {
            ql_expr *e;
            if (!qli_is_shown(sc, s, c)) {
                continue;
            }
            QL_TRY(qli_column_slot(r, sc, s, c, &e));
            QL_TRY(add_item(r, sc, cap, e, qli_column_name(sc, s, c)));
        }
    }
    for (const qli_joined *v = sc->joined; v && !found; v = v->next) {
        found = v->behind == 0 && ql_str_eq_nocase(v->alias, star->table) &&
                (!star->schema.n || ql_str_eq_nocase(v->view->db, star->schema));
        for (uint16_t c = 0; found && c < v->view->ncolumns; c++) {
            ql_expr *e;
            uint16_t s = (uint16_t)(QLI_JOINED | v->id);
            QL_TRY(qli_column_slot(r, sc, s, c, &e));
            QL_TRY(add_item(r, sc, cap, e, v->view->columns[c].name));
        }
    }
    if (!found) {
        return ql_fail(r->cx, QL_ER_BAD_TABLE_ERROR,
                       ql_arena_printf(r->cx, r->a, "%.*s", (int)star->table.n, star->table.p)
                           ?: "");
    }
    return QL_OK;
}

static ql_status
bind_item(qli_res *r, qli_scope *sc, const ql_ast_item *it, uint32_t *cap)
{
    ql_expr *e;
    if (it->expr->kind == QL_A_STAR) {
        return it->expr->table.n ? expand_table_star(r, sc, it->expr, cap)
                                 : expand_star(r, sc, cap);
    }
    QL_TRY(qli_bind(r, sc, it->expr, &e));
    QL_TRY(qli_require_scalar(r, e));
    ql_str name = it->alias.n || it->alias.p      ? it->alias
                  : it->expr->kind == QL_A_COLUMN ? it->expr->name
                                                  : it->heading;
    return add_item(r, sc, cap, e, name);
}

/* The values of a block that another block reads have a kind, NULL literals too. */
ql_status
qli_items_settle(qli_res *r, ql_query *q)
{
    ql_type t = ql_type_varchar(0, ql_coll_binary);
    for (uint16_t i = 0; i < q->nitems; i++) {
        ql_item *it = &q->items[i];
        if (it->expr->type.kind == QL_K_NULL) {
            QL_TRY(qli_cast(r, NULL, &it->expr, &t));
            it->column.type = it->expr->type;
        }
    }
    return QL_OK;
}

ql_status
qli_items_bind(qli_res *r, qli_scope *sc, const ql_ast_select *s)
{
    uint32_t cap = 0;
    sc->clause = QLI_CL_FIELDS;
    for (uint32_t i = 0; i < s->nitems; i++) {
        QL_TRY(bind_item(r, sc, &s->items[i], &cap));
    }
    sc->items_bound = true;
    return r->freezing ? qli_freeze_items(r, sc, s) : QL_OK;
}
