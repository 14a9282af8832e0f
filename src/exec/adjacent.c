/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs of equal rows (adjacent.h). Column by column; a row whose bytes are those of the row before
 * it is equal without asking the collation.
 */
#include "exec/adjacent.h"

#include <string.h>

ql_status
qli_adjacent_init(ql_ctx *cx, ql_block *b, qli_adjacent *a, uint16_t n)
{
    a->n = n;
    a->last = QL_ARENA_ARRAY(cx, b->mem, ql_value, n + 1);
    return a->last != NULL ? ql_run_arena(b->run, "last row", &a->mem) : QL_ERROR;
}

void
qli_adjacent_restart(qli_adjacent *a)
{
    a->has_last = false;
}

static bool
is_word(const ql_vector *v)
{
    ql_kind k = v->type.kind;
    return k != QL_K_NULL && ql_kind_slot(k) == QL_SLOT_I64;
}

/* 64-bit values: no more than a comparison each. */
static void
mark_words(const ql_vector *v, const ql_batch *b, bool *begins)
{
    uint16_t before = ql_batch_row(b, 0);
    for (uint16_t k = 1; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        bool null = v->has_nulls && v->nulls[row], was_null = v->has_nulls && v->nulls[before];
        begins[k] |= null != was_null || (!null && v->i[row] != v->i[before]);
        before = row;
    }
}

static ql_status
differ(ql_ctx *cx, const ql_vector *v, uint16_t row, uint16_t before, bool *yes)
{
    ql_value val;
    bool same;
    if (ql_kind_slot(v->type.kind) == QL_SLOT_STRING && !ql_vector_null_at(v, row) &&
        !ql_vector_null_at(v, before) && v->s[row].n == v->s[before].n && v->s[row].n < 256 &&
        memcmp(v->s[row].p, v->s[before].p, v->s[row].n) == 0) {
        *yes = false;
        return QL_OK;
    }
    ql_vector_get(v, before, &val);
    QL_TRY(ql_row_equals(cx, v, row, &val, &same));
    *yes = !same;
    return QL_OK;
}

static ql_status
mark_column(ql_ctx *cx, const ql_vector *v, const ql_batch *b, bool *begins)
{
    if (v->is_const || v->type.kind == QL_K_NULL) {
        return QL_OK;
    }
    if (is_word(v)) {
        mark_words(v, b, begins);
        return QL_OK;
    }
    uint16_t before = ql_batch_row(b, 0);
    for (uint16_t k = 1; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        if (k % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        if (!begins[k]) {
            QL_TRY(differ(cx, v, row, before, &begins[k]));
        }
        before = row;
    }
    return QL_OK;
}

static ql_status
differs_from_last(ql_ctx *cx, const qli_adjacent *a, ql_vector *const *cols, uint16_t row,
                  bool *yes)
{
    bool same = a->has_last;
    for (uint16_t i = 0; i < a->n && same; i++) {
        QL_TRY(ql_row_equals(cx, cols[i], row, &a->last[i], &same));
    }
    *yes = !same;
    return QL_OK;
}

ql_status
qli_adjacent_mark(ql_ctx *cx, qli_adjacent *a, ql_vector *const *cols, const ql_batch *b)
{
    if (b->nsel == 0) {
        return QL_OK;
    }
    memset(a->begins, 0, b->nsel * sizeof a->begins[0]);
    QL_TRY(differs_from_last(cx, a, cols, ql_batch_row(b, 0), &a->begins[0]));
    for (uint16_t i = 0; i < a->n; i++) {
        QL_TRY(mark_column(cx, cols[i], b, a->begins));
    }
    ql_arena_reset(a->mem);
    for (uint16_t i = 0; i < a->n; i++) {
        ql_vector_get(cols[i], ql_batch_row(b, (uint16_t)(b->nsel - 1)), &a->last[i]);
        QL_TRY(ql_value_keep(cx, a->mem, &a->last[i]));
    }
    a->has_last = true;
    return QL_OK;
}
