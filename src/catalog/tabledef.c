/* SPDX-License-Identifier: Apache-2.0
 *
 * Table definitions as objects: memory, references, names of columns and indexes. A definition is
 * not changed once it can be seen by others, so nothing here takes a lock.
 */
#include <string.h>

#include "base/diag.h"
#include "catalog/catalog_int.h"
#include "txn/scratch.h"

ql_table *
qli_table_alloc(ql_ctx *cx, const char *what)
{
    ql_arena *a = ql_arena_new(what, NULL);
    if (!a) {
        (void)ql_fail_oom(cx, sizeof(ql_table));
        return NULL;
    }
    ql_table *t = QL_ARENA_NEW(cx, a, ql_table);
    if (!t) {
        ql_arena_free(a);
        return NULL;
    }
    t->arena = a;
    atomic_init(&t->refs, 1);
    t->auto_column = -1;
    return t;
}

void
ql_table_put(ql_table *t)
{
    if (t && atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1) {
        qli_tablestate_put(t->state);
        ql_scratch_put(t->scratch);
        ql_arena_free(t->arena);
    }
}

ql_status
qli_copy_str(ql_ctx *cx, ql_arena *a, ql_str s, ql_str *out)
{
    char *p = ql_arena_strndup(cx, a, s.p ? s.p : "", s.n);
    *out = (ql_str){p, s.n};
    return p ? QL_OK : QL_ERROR;
}

ql_status
qli_table_set_names(ql_ctx *cx, ql_table *t, ql_str db, ql_str name)
{
    QL_TRY(qli_copy_str(cx, t->arena, db, &t->db));
    return qli_copy_str(cx, t->arena, name, &t->name);
}

static bool
is_number(ql_kind k)
{
    return k == QL_K_INT || k == QL_K_DECIMAL || k == QL_K_DOUBLE;
}

void
ql_column_set_zerofill(ql_column *c, bool zerofill, uint32_t width)
{
    c->zerofill = zerofill;
    c->type.zerofill = 0;
    ql_type_settle(&c->type);
    if (!zerofill || !is_number(c->type.kind)) {
        return;
    }
    if (width == 0 || c->type.kind != QL_K_INT) {
        width = ql_type_display_length(&c->type);
        width -= c->type.field == QL_F_DOUBLE && width == 23; /* no sign */
    }
    c->type.zerofill = (uint8_t)(width < UINT8_MAX ? width : UINT8_MAX);
}

ql_status
qli_table_finish(ql_ctx *cx, ql_table *t)
{
    t->types = QL_ARENA_ARRAY(cx, t->arena, ql_type, t->ncolumns);
    if (!t->types) {
        return QL_ERROR;
    }
    t->nontxn = ql_str_eq(t->engine, QL_STR("MyISAM")) || ql_str_eq(t->engine, QL_STR("MEMORY"));
    t->has_exprs = t->nchecks > 0;
    t->auto_column = -1;
    for (unsigned i = 0; i < t->ncolumns; i++) {
        t->types[i] = t->columns[i].type;
        t->columns[i].default_value.zerofill = t->types[i].zerofill;
        t->columns[i].default_value.bits = t->types[i].bits;
        if (t->columns[i].auto_increment) {
            t->auto_column = (int)i;
        }
        t->has_exprs |= t->columns[i].generated.n > 0 || t->columns[i].default_kind == QL_DEF_EXPR;
    }
    t->layout = (ql_row_layout){.types = t->types, .n = t->ncolumns, .missing = t->missing};
    return QL_OK;
}

ql_status
qli_table_lay_out(ql_ctx *cx, ql_table *t, const uint16_t *values, const ql_type *dropped,
                  uint16_t n)
{
    ql_type *types = QL_ARENA_ARRAY(cx, t->arena, ql_type, n + 1u);
    ql_value *missing = QL_ARENA_ARRAY(cx, t->arena, ql_value, n + 1u);
    uint16_t *kept = QL_ARENA_ARRAY(cx, t->arena, uint16_t, n + 1u);
    bool plain = n == t->ncolumns;
    if (!types || !missing || !kept) {
        return QL_ERROR;
    }
    for (unsigned i = 0; i < n; i++) {
        bool live = values[i] != QL_NO_VALUE;
        kept[i] = values[i];
        types[i] = live ? t->types[values[i]] : dropped[i];
        missing[i] = live ? t->missing[values[i]] : ql_value_null();
        plain = plain && values[i] == i;
    }
    if (!plain) {
        t->layout = (ql_row_layout){.types = types, .n = n, .values = kept, .missing = missing};
    }
    return QL_OK;
}

int
ql_table_column(const ql_table *t, ql_str name)
{
    for (unsigned i = 0; i < t->ncolumns; i++) {
        if (ql_str_eq_nocase(t->columns[i].name, name) && !t->columns[i].hidden) {
            return (int)i;
        }
    }
    return -1;
}

const ql_index *
ql_table_index(const ql_table *t, ql_str name)
{
    for (unsigned i = 0; i < t->nindexes; i++) {
        if (!t->indexes[i].hidden_rowid && ql_str_eq_nocase(t->indexes[i].name, name)) {
            return &t->indexes[i];
        }
    }
    return NULL;
}

/* Largest value the AUTO_INCREMENT column can hold. */
uint64_t
qli_auto_max(const ql_table *t)
{
    if (t->auto_column < 0) {
        return UINT64_MAX;
    }
    const ql_type *ty = &t->columns[t->auto_column].type;
    unsigned bits = ty->field == QL_F_TINY    ? 8
                    : ty->field == QL_F_SHORT ? 16
                    : ty->field == QL_F_INT24 ? 24
                    : ty->field == QL_F_LONG  ? 32
                                              : 64;
    if (ty->kind == QL_K_DOUBLE) {
        return ty->field == QL_F_FLOAT ? (uint64_t)1 << 24 : (uint64_t)1 << 53;
    }
    bits -= !ty->is_unsigned;
    return bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
}
