/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON_TABLE: the rows that a document makes. It is evaluated when the operator starts, over the
 * row to the left of a nested join, if it looks there; the rows are kept until it starts again.
 * Looks at the kill flag at each row. Runs in the thread of the statement.
 */
#include "base/bulk.h"
#include "exec/exec_int.h"
#include "intr/proc.h"
#include "json/path.h"

typedef struct json_op {
    qli_op op;
    const ql_source *source;
    ql_ex *doc;
    ql_arena *mem; /* the document and the rows of one start */
    uint16_t
        *places; /* [columns of the table] its place among the columns that are used; QL_NO_SLOT */
    ql_value *row; /* [ncols] the row that is being made: of the columns that are used */
    ql_value **rows;
    size_t n, cap, at;
    bool made;
    ql_json_builder *builder;
} json_op;

/* A level of columns while its rows are made. Lives on the stack of one call. */
typedef struct level {
    ql_ctx *cx;
    json_op *j;
    const ql_json_column *columns;
    uint64_t ordinal;
} level;

static ql_status
add_row(ql_ctx *cx, json_op *j)
{
    uint16_t ncols = j->source->ncols;
    if (j->n == j->cap) {
        size_t cap = j->cap ? j->cap * 2 : 64;
        ql_value **v = ql_arena_alloc(cx, j->mem, cap * sizeof *v);
        if (v == NULL) {
            return QL_ERROR;
        }
        QL_TRY(ql_bulk_copy(cx, v, j->rows, j->n * sizeof *v));
        j->rows = v;
        j->cap = cap;
    }
    ql_value *row = ql_arena_alloc(cx, j->mem, (ncols + 1u) * sizeof *row);
    if (row == NULL) {
        return QL_ERROR;
    }
    j->rows[j->n++] = row;
    return ql_bulk_copy(cx, row, j->row, ncols * sizeof *row);
}

/* ---- values of columns ---- */

/* Errors of a value that does not fit: the column says what becomes of it. */
static bool
is_misfit(const ql_ctx *cx)
{
    const ql_condition *c = ql_diag_error(cx->diag);
    switch (c != NULL ? c->number : 0) {
    case QL_ER_WARN_DATA_OUT_OF_RANGE:
    case QL_ER_WARN_DATA_TRUNCATED:
    case QL_ER_DATA_TOO_LONG:
    case QL_ER_TRUNCATED_WRONG_VALUE:
    case QL_ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
    case QL_ER_INVALID_JSON_TEXT:
    case QL_ER_INVALID_JSON_CHARSET:
        return true;
    default:
        return false;
    }
}

/* A scalar as text, or as it is. */
static ql_status
scalar_value(ql_ctx *cx, json_op *j, const ql_json *v, const ql_type *t, ql_value *out)
{
    if (t->kind != QL_K_STRING || v->type == QL_JSON_STRING || v->type == QL_JSON_OPAQUE) {
        (void)ql_json_to_value(v, out);
        return QL_OK;
    }
    ql_buf text = {.quota = ql_arena_quota(j->mem)};
    ql_status st = ql_json_print_plain(cx, v, &text);
    char *p = st == QL_OK ? ql_arena_strndup(cx, j->mem, text.p, text.n) : NULL;
    *out = ql_value_str((ql_str){p, text.n}, ql_coll_utf8mb4_bin);
    ql_buf_free(&text);
    return st == QL_OK && p == NULL ? QL_ERROR : st;
}

/* *what: 0, or the error that says why it cannot be stored. */
static ql_status
store(ql_ctx *cx, json_op *j, const ql_json *v, const ql_column *c, ql_value *out, ql_errcode *what)
{
    ql_value x = ql_value_null();
    *what = QL_ER_NONE;
    *out = ql_value_null();
    if (c->type.kind == QL_K_JSON) {
        *out = (ql_value){.kind = QL_K_JSON, .s = v->bytes};
        return QL_OK;
    }
    if (ql_json_is_container(v)) {
        *what = QL_ER_WRONG_JSON_TABLE_VALUE;
        return QL_OK;
    }
    if (v->type == QL_JSON_NULL) {
        return QL_OK;
    }
    QL_TRY(scalar_value(cx, j, v, &c->type, &x));
    QL_TRY(ql_time_to_moment(cx, c->type.kind, &x));
    ql_status st = ql_value_store(cx, j->mem, &x, &c->type, ql_zstr_in(cx, j->mem, c->name),
                                  j->n + 1, true, out);
    if (st == QL_ERROR && is_misfit(cx)) {
        ql_diag_clear_error(cx->diag);
        *out = ql_value_null();
        *what = QL_ER_JT_VALUE_OUT_OF_RANGE;
        st = QL_OK;
    }
    return st;
}

/* NULL, ERROR or DEFAULT, for nothing at the path (0) or something that cannot be stored (1). */
static ql_status
fall_back(ql_ctx *cx, json_op *j, const ql_json_column *c, unsigned which, ql_errcode what,
          ql_value *out)
{
    const ql_column *col = &j->source->table->columns[c->ordinal];
    ql_errcode again;
    ql_json v;
    *out = ql_value_null();
    switch (c->on[which]) {
    case QL_JSON_ON_DEFAULT:
        QL_TRY(ql_json_open(cx, c->values[which], &v));
        QL_TRY(store(cx, j, &v, col, out, &again));
        return again == QL_ER_NONE ? QL_OK : ql_fail(cx, again, ql_cstr(cx, col->name));
    case QL_JSON_ON_ERROR:
        return ql_fail(cx, what, ql_cstr(cx, col->name));
    default:
        return QL_OK;
    }
}

/* The values at a column's path: the first, and all of them as an array where there are several. */
typedef struct found {
    uint32_t n;
    ql_json first;
    ql_json_builder *b;
} found;

static ql_status
note_found(void *arg, const ql_json *v)
{
    found *f = arg;
    if (f->n++ == 0) {
        f->first = *v;
        ql_json_builder_clear(f->b);
        QL_TRY(ql_json_begin(f->b, false));
    }
    return ql_json_put(f->b, v);
}

static ql_status
look(ql_ctx *cx, json_op *j, const ql_json_column *c, const ql_json *doc, ql_json *v, bool *any)
{
    if (!c->path.many) {
        return ql_json_seek_one(cx, doc, &c->path, v, any);
    }
    found f = {.b = j->builder};
    ql_str bytes;
    QL_TRY(ql_json_seek(cx, doc, &c->path, note_found, &f));
    *any = f.n > 0;
    *v = f.first;
    if (f.n < 2) {
        return QL_OK;
    }
    QL_TRY(ql_json_end(j->builder));
    QL_TRY(ql_json_take(j->builder, j->mem, &bytes));
    return ql_json_open(cx, bytes, v);
}

static ql_status
column_value(ql_ctx *cx, json_op *j, const ql_json_column *c, const ql_json *doc, uint64_t ordinal,
             ql_value *out)
{
    const ql_column *col = &j->source->table->columns[c->ordinal];
    ql_errcode what = QL_ER_NONE;
    ql_json v;
    bool any;
    if (c->kind == QL_JT_ORDINALITY) {
        *out = ql_value_uint(ordinal);
        return QL_OK;
    }
    QL_TRY(look(cx, j, c, doc, &v, &any));
    if (c->kind == QL_JT_EXISTS) {
        ql_value yes = ql_value_int(any);
        return ql_value_store(cx, j->mem, &yes, &col->type, ql_zstr_in(cx, j->mem, col->name),
                              j->n + 1, true, out);
    }
    if (!any) {
        return fall_back(cx, j, c, 0, QL_ER_MISSING_JSON_TABLE_VALUE, out);
    }
    QL_TRY(store(cx, j, &v, col, out, &what));
    return what == QL_ER_NONE ? QL_OK : fall_back(cx, j, c, 1, what, out);
}

/* ---- rows ---- */

static void
set_null(json_op *j, const ql_json_column *c)
{
    for (; c != NULL; c = c->next) {
        if (c->kind == QL_JT_NESTED) {
            set_null(j, c->columns);
        } else if (j->places[c->ordinal] != QL_NO_SLOT) {
            j->row[j->places[c->ordinal]] = ql_value_null();
        }
    }
}

/* A value at the path of a level: a row, or as many as its nested paths find, one after the other.
 */
static ql_status
make_rows(void *arg, const ql_json *doc)
{
    level *l = arg;
    json_op *j = l->j;
    bool any = false;
    l->ordinal++;
    QL_TRY(ql_check(l->cx));
    for (const ql_json_column *c = l->columns; c != NULL; c = c->next) {
        if (c->kind != QL_JT_NESTED) {
            ql_value v;
            QL_TRY(column_value(l->cx, j, c, doc, l->ordinal, &v));
            if (j->places[c->ordinal] != QL_NO_SLOT) {
                j->row[j->places[c->ordinal]] = v;
            }
        }
    }
    for (const ql_json_column *c = l->columns; c != NULL; c = c->next) {
        if (c->kind == QL_JT_NESTED) {
            level below = {.cx = l->cx, .j = j, .columns = c->columns};
            QL_TRY(ql_json_seek(l->cx, doc, &c->path, make_rows, &below));
            any |= below.ordinal > 0;
            set_null(j, c->columns);
        }
    }
    return any ? QL_OK : add_row(l->cx, j);
}

/* A text is read, whatever its errors are. */
static ql_status
open_document(ql_ctx *cx, json_op *j, ql_value *v, ql_json *doc)
{
    if (v->kind != QL_K_JSON && v->kind != QL_K_STRING) {
        return ql_fail(cx, QL_ER_INVALID_TYPE_FOR_JSON, 1u, "json_table");
    }
    if (v->kind == QL_K_STRING) {
        ql_json_fault fault;
        if (v->coll == ql_coll_binary) {
            return ql_fail(cx, QL_ER_INVALID_JSON_CHARSET, "binary");
        }
        ql_json_builder_clear(j->builder);
        QL_TRY(ql_json_parse(j->builder, v->s, &fault));
        if (fault.what != NULL) {
            return ql_fail(cx, QL_ER_INVALID_JSON_TEXT_IN_PARAM, 1u, "json_table", fault.what,
                           (unsigned)fault.at, "");
        }
        QL_TRY(ql_json_take(j->builder, j->mem, &v->s));
    } else {
        QL_TRY(ql_value_keep(cx, j->mem, v));
    }
    return ql_json_open(cx, v->s, doc);
}

static ql_status
make_all(ql_ctx *cx, json_op *j)
{
    ql_value v;
    ql_json doc;
    const ql_json_source *json = j->source->json;
    level top = {.cx = cx, .j = j, .columns = json->columns};
    ql_arena_reset(j->mem);
    j->rows = NULL;
    j->n = j->cap = j->at = 0;
    set_null(j, json->columns);
    QL_TRY(ql_ex_one(cx, j->doc, &j->op.block->bind, 0, &v));
    if (v.kind == QL_K_NULL) {
        return QL_OK;
    }
    QL_TRY(open_document(cx, j, &v, &doc));
    return ql_json_seek(cx, &doc, &json->path, make_rows, &top);
}

static ql_status
json_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    json_op *j = (json_op *)op;
    if (!j->made) {
        QL_TRY(make_all(cx, j));
        j->made = true;
    }
    if (j->at >= j->n) {
        return QL_END;
    }
    size_t n = j->n - j->at < QL_BATCH_ROWS ? j->n - j->at : QL_BATCH_ROWS;
    for (uint16_t i = 0; i < j->source->ncols; i++) {
        ql_vector *v = &op->batch.cols[j->source->slots[i]];
        v->has_nulls = false;
        for (size_t k = 0; k < n; k++) {
            ql_vector_set(v, (uint16_t)k, &j->rows[j->at + k][i]);
        }
    }
    j->at += n;
    if (cx->proc != NULL) {
        ql_proc_add_rows(cx->proc, n, 0);
    }
    ql_arena_reset(op->scratch);
    return qli_op_hand_out(cx, op, n, out);
}

static ql_status
json_restart(ql_ctx *cx, qli_op *op)
{
    (void)cx;
    ((json_op *)op)->made = false;
    return QL_OK;
}

static void
free_builder(void *b)
{
    ql_json_builder_free(b);
}

ql_status
qli_json_table_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out)
{
    qli_op *op;
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(json_op), true, &op));
    json_op *j = (json_op *)op;
    j->source = &b->query->sources[p->source];
    uint16_t ncolumns = j->source->table->ncolumns;
    QL_TRY(ql_run_arena(b->run, "JSON_TABLE", &j->mem));
    j->places = QL_ARENA_ARRAY(cx, b->mem, uint16_t, ncolumns + 1u);
    j->row = QL_ARENA_ARRAY(cx, b->mem, ql_value, j->source->ncols + 1u);
    j->builder = ql_arena_alloc(cx, b->mem, sizeof *j->builder);
    if (j->places == NULL || j->row == NULL || j->builder == NULL) {
        return QL_ERROR;
    }
    ql_json_builder_init(j->builder, cx, b->mem);
    QL_TRY(ql_arena_defer(cx, b->mem, free_builder, j->builder));
    for (uint16_t i = 0; i < ncolumns; i++) {
        j->places[i] = QL_NO_SLOT;
    }
    for (uint16_t i = 0; i < j->source->ncols; i++) {
        j->places[j->source->ordinals[i]] = i;
    }
    ql_env env = ql_block_env(b, j->mem);
    env.single = true;
    QL_TRY(ql_ex_new(cx, &env, j->source->json->doc, &j->doc));
    QL_TRY(qli_op_live_add(cx, op, j->source->slots, j->source->ncols));
    QL_TRY(qli_op_own_slots(cx, op, j->source->slots, j->source->ncols));
    QL_TRY(qli_op_filter_compile(cx, op));
    op->next = json_next;
    op->restart = json_restart;
    *out = op;
    return QL_OK;
}
