/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON_TABLE: a table of the statement's own, with the columns that were written, whose rows exec
 * makes of a document (exec/op_json_table.c). The document may look at tables to its left.
 */
#include "base/diag.h"
#include "resolve/resolve_int.h"
#include "resolve/tablespec_int.h"
#include "json/json.h"

typedef struct maker {
    qli_res *r;
    ql_table *t;
} maker;

static ql_status
count_columns(qli_res *r, const ql_ast_json_column *c, uint32_t *n)
{
    for (; c != NULL; c = c->next) {
        QL_TRY(ql_bulk_node(r->cx));
        *n += c->kind != QL_JT_NESTED;
        QL_TRY(count_columns(r, c->columns, n));
    }
    return QL_OK;
}

/* The text of DEFAULT is JSON. */
static ql_status
default_document(qli_res *r, const ql_ast_expr *e, const char *column, ql_str *out)
{
    ql_type t = ql_type_json();
    ql_value v;
    t.length = QL_JSON_OF_TEXT;
    if (e->kind != QL_A_LITERAL || e->value.kind == QL_K_NULL) {
        return ql_fail(r->cx, QL_ER_INVALID_DEFAULT, column);
    }
    QL_TRY(ql_value_cast(r->cx, r->a, &e->value, &t, &v));
    *out = v.s;
    return QL_OK;
}

static ql_status
check_name(maker *m, ql_str name)
{
    for (uint16_t i = 0; i < m->t->ncolumns; i++) {
        QL_TRY(ql_bulk_node(m->r->cx));
        if (ql_str_eq_nocase(m->t->columns[i].name, name)) {
            return ql_fail(m->r->cx, QL_ER_DUP_FIELDNAME, ql_cstr(m->r->cx, name));
        }
    }
    return QL_OK;
}

static ql_status
add_column(maker *m, const ql_ast_json_column *a, ql_json_column *c)
{
    ql_table *t = m->t;
    ql_column *col = &t->columns[t->ncolumns];
    ql_ast_column ac = {.name = a->name, .type = a->type};
    const char *name = ql_cstr(m->r->cx, a->name);
    QL_TRY(check_name(m, a->name));
    *col = (ql_column){.name = a->name, .ordinal = t->ncolumns, .default_kind = QL_DEF_NULL};
    if (a->kind == QL_JT_ORDINALITY) {
        col->type = ql_type_int(true);
    } else {
        QL_TRY(qli_spec_type(m->r->cx, &ac, t->coll, &col->type));
    }
    col->type.nullable = true;
    t->types[t->ncolumns] = col->type;
    c->ordinal = t->ncolumns++;
    for (unsigned i = 0; i < 2; i++) {
        c->on[i] = a->on[i];
        QL_TRY(a->values[i] != NULL ? default_document(m->r, a->values[i], name, &c->values[i])
                                    : QL_OK);
    }
    return QL_OK;
}

static ql_status
make_columns(maker *m, const ql_ast_json_column *a, ql_json_column **out)
{
    for (; a != NULL; a = a->next, out = &(*out)->next) {
        ql_json_column *c = QL_ARENA_NEW(m->r->cx, m->r->a, ql_json_column);
        if (c == NULL) {
            return QL_ERROR;
        }
        *out = c;
        c->kind = a->kind;
        if (a->kind != QL_JT_ORDINALITY) {
            QL_TRY(ql_json_path_parse(m->r->cx, m->r->a, a->path, &c->path));
        }
        QL_TRY(a->kind == QL_JT_NESTED ? make_columns(m, a->columns, &c->columns)
                                       : add_column(m, a, c));
    }
    return QL_OK;
}

static ql_status
make_table(qli_res *r, const ql_ast_from *f, ql_table **out)
{
    uint32_t n = 0;
    QL_TRY(count_columns(r, f->json->columns, &n));
    if (n > UINT16_MAX / 16) {
        return ql_fail(r->cx, QL_ER_TOO_MANY_FIELDS);
    }
    ql_table *t = QL_ARENA_NEW(r->cx, r->a, ql_table);
    if (t == NULL) {
        return QL_ERROR;
    }
    t->columns = QL_ARENA_ARRAY(r->cx, r->a, ql_column, n + 1);
    t->types = QL_ARENA_ARRAY(r->cx, r->a, ql_type, n + 1);
    if (t->columns == NULL || t->types == NULL) {
        return QL_ERROR;
    }
    t->name = f->alias;
    t->is_virtual = true;
    t->coll = qli_conn_coll(r);
    t->auto_column = -1;
    t->arena = r->a;
    *out = t;
    return QL_OK;
}

ql_status
qli_json_table_bind(qli_res *r, qli_scope *sc, const ql_ast_from *f, ql_table **table,
                    ql_json_source **json)
{
    maker m = {.r = r};
    if (f->alias.n == 0) {
        return ql_fail(r->cx, QL_ER_TF_MUST_HAVE_ALIAS);
    }
    if (r->freezing) {
        return ql_fail(r->cx, QL_ER_NOT_SUPPORTED_YET, "JSON_TABLE in views");
    }
    ql_json_source *j = QL_ARENA_NEW(r->cx, r->a, ql_json_source);
    if (j == NULL) {
        return QL_ERROR;
    }
    QL_TRY(qli_bind(r, sc, f->json->doc, &j->doc));
    QL_TRY(qli_require_scalar(r, j->doc));
    QL_TRY(ql_json_path_parse(r->cx, r->a, f->json->path, &j->path));
    QL_TRY(make_table(r, f, &m.t));
    QL_TRY(make_columns(&m, f->json->columns, &j->columns));
    m.t->layout = (ql_row_layout){.types = m.t->types, .n = m.t->ncolumns};
    *table = m.t;
    *json = j;
    return QL_OK;
}

static ql_status
note_slot(void *arg, ql_expr **e, uint32_t depth, bool *descend)
{
    (void)descend;
    *(bool *)arg |= ((*e)->kind == QL_E_SLOT && depth == 0) ||
                    ((*e)->kind == QL_E_OUTER && (*e)->depth == depth);
    return QL_OK;
}

ql_status
qli_json_table_looks_left(qli_res *r, const ql_json_source *json, bool *yes)
{
    ql_expr *e = json->doc;
    *yes = false;
    return qli_walk(r, &e, 0, note_slot, yes);
}
