/* SPDX-License-Identifier: Apache-2.0
 *
 * Aggregate functions. The frequent ones run in tight loops over a batch: COUNT, SUM, MIN and MAX
 * of integers and doubles, SUM of DECIMALs that fit into 64 bits; the others take one boxed value
 * at a time. Integer sums are exact in 128 bits.
 */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "exec/group_int.h"

/* One value of a GROUP_CONCAT with ORDER BY. */
typedef struct piece {
    ql_str text;
} piece;

struct qli_concat {
    char *p;
    size_t n, cap;
    bool cut;
    ql_sort_item *items; /* with ORDER BY: pieces to be sorted */
    size_t nitems, cap_items;
};

ql_status
qli_agg_init(ql_ctx *cx, ql_block *b, qli_agg *a, const ql_agg *def, qli_group_mem *mem,
             ql_arena *scratch)
{
    ql_env env = ql_block_env(b, scratch);
    a->def = def;
    a->mem = mem;
    a->scratch = scratch;
    a->block = b;
    a->cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector *, def->nargs + 1);
    a->order = QL_ARENA_ARRAY(cx, b->mem, ql_ex *, def->norder + 1);
    a->order_cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector *, def->norder + 1);
    a->order_types = QL_ARENA_ARRAY(cx, b->mem, ql_type, def->norder + 1);
    a->order_desc = QL_ARENA_ARRAY(cx, b->mem, bool, def->norder + 1);
    if (a->cols == NULL || a->order == NULL || a->order_cols == NULL || a->order_types == NULL ||
        a->order_desc == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_ex_list(cx, &env, def->args, def->nargs, &a->args));
    for (uint32_t i = 0; i < def->norder; i++) {
        QL_TRY(ql_ex_new(cx, &env, def->order[i].expr, &a->order[i]));
        a->order_types[i] = def->order[i].expr->type;
        a->order_desc[i] = def->order[i].descending;
    }
    if (def->distinct) {
        a->hash = QL_ARENA_ARRAY(cx, b->mem, uint64_t, QL_BATCH_ROWS);
        if (a->hash == NULL) {
            return QL_ERROR;
        }
    }
    if (def->nargs > 0 && def->args[0]->type.kind == QL_K_DECIMAL) {
        a->scale = def->args[0]->type.decimals;
    }
    return QL_OK;
}

void
qli_agg_start(const qli_agg *a, qli_agg_state *s)
{
    memset(s, 0, sizeof *s);
    if (a->def->fn == QL_AGG_BIT_AND) {
        s->bits = UINT64_MAX;
    }
}

static bool
col_null(const ql_vector *v, uint16_t row)
{
    return v->type.kind == QL_K_NULL || ql_vector_null_at(v, row);
}

static bool
any_null(const qli_agg *a, uint16_t row)
{
    for (uint32_t i = 0; i < a->def->nargs; i++) {
        if (col_null(a->cols[i], row)) {
            return true;
        }
    }
    return false;
}

/* ---- sums ---- */

static ql_status
overflow(ql_ctx *cx)
{
    return ql_fail(cx, QL_ER_DATA_OUT_OF_RANGE, "DECIMAL", "sum");
}

static ql_status
sum_decimal(ql_ctx *cx, const qli_agg *a, qli_agg_state *s, const ql_decimal *d)
{
    if (QL_LIKELY(d->limb[1] == 0 && d->limb[2] == 0 && d->limb[3] == 0 && d->scale == a->scale)) {
        s->sum.small += d->negative ? -(__int128)d->limb[0] : (__int128)d->limb[0];
        return QL_OK;
    }
    if (!s->sum.has_big) {
        s->sum.big = *d;
        s->sum.has_big = true;
        return QL_OK;
    }
    ql_decimal r;
    if (!ql_decimal_add(&r, &s->sum.big, d)) {
        return overflow(cx);
    }
    s->sum.big = r;
    return QL_OK;
}

static ql_status
sum_total(ql_ctx *cx, const qli_agg *a, const qli_agg_state *s, ql_decimal *out)
{
    __int128 v = s->sum.small;
    unsigned __int128 m = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
    ql_decimal small = {.limb = {(uint64_t)m, (uint64_t)(m >> 64), 0, 0},
                        .scale = (uint8_t)a->scale,
                        .negative = v < 0};
    if (!s->sum.has_big) {
        *out = small;
        return QL_OK;
    }
    return ql_decimal_add(out, &small, &s->sum.big) ? QL_OK : overflow(cx);
}

static ql_kind
arg_kind(const qli_agg *a)
{
    return a->def->nargs > 0 ? a->cols[0]->type.kind : QL_K_NULL;
}

static void
sum_ints(const ql_batch *b, const ql_vector *v, qli_agg_state *s)
{
    __int128 sum = 0;
    uint64_t n = 0;
    unsigned mask = qli_mask(v);
    const int64_t *p = v->i;
    if (b->sel == NULL && !v->has_nulls && !v->type.is_unsigned) {
        for (unsigned i = 0; i < b->n; i++) {
            sum += p[i & mask];
        }
        n = b->n;
    } else {
        for (uint16_t k = 0; k < b->nsel; k++) {
            uint16_t row = ql_batch_row(b, k);
            if (v->has_nulls && v->nulls[row & mask]) {
                continue;
            }
            sum +=
                v->type.is_unsigned ? (__int128)(uint64_t)p[row & mask] : (__int128)p[row & mask];
            n++;
        }
    }
    s->sum.small += sum;
    s->count += n;
}

static void
sum_doubles(const ql_batch *b, const ql_vector *v, qli_agg_state *s)
{
    unsigned mask = qli_mask(v);
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        if (!v->has_nulls || !v->nulls[row & mask]) {
            s->d += v->d[row & mask];
            s->count++;
        }
    }
}

static ql_status
sum_one(ql_ctx *cx, const qli_agg *a, qli_agg_state *s, uint16_t row)
{
    const ql_vector *v = a->cols[0];
    uint16_t at = v->is_const ? 0 : row;
    s->count++;
    switch (ql_kind_family(v->type.kind)) {
    case QL_FAM_INT:
        s->sum.small += v->type.is_unsigned ? (__int128)(uint64_t)v->i[at] : (__int128)v->i[at];
        return QL_OK;
    case QL_FAM_DECIMAL:
        return sum_decimal(cx, a, s, &v->dec[at]);
    case QL_FAM_DOUBLE:
        s->d += v->d[at];
        return QL_OK;
    default: {
        ql_value boxed;
        double d;
        ql_vector_get(v, row, &boxed);
        QL_TRY(ql_value_to_double(cx, &boxed, &d));
        s->d += d;
        return QL_OK;
    }
    }
}

static bool
is_exact(ql_kind k)
{
    ql_family f = ql_kind_family(k);
    return f == QL_FAM_INT || f == QL_FAM_DECIMAL || f == QL_FAM_NULL;
}

static ql_status
finish_sum(ql_ctx *cx, const qli_agg *a, const qli_agg_state *s, ql_value *out)
{
    ql_kind k = a->def->nargs > 0 ? a->def->args[0]->type.kind : QL_K_NULL;
    bool avg = a->def->fn == QL_AGG_AVG;
    if (s->count == 0) {
        *out = ql_value_null();
        return QL_OK;
    }
    if (!is_exact(k)) {
        *out = ql_value_double(avg ? s->d / (double)s->count : s->d);
        return QL_OK;
    }
    *out = (ql_value){.kind = QL_K_DECIMAL};
    QL_TRY(sum_total(cx, a, s, &out->dec));
    if (avg) {
        ql_decimal n, sum = out->dec;
        bool by_zero;
        unsigned increment = cx->vars != NULL ? (unsigned)cx->vars->div_precision_increment : 4;
        ql_decimal_from_u64(&n, s->count);
        if (!ql_decimal_quotient(&out->dec, &sum, &n, increment, &by_zero)) {
            return overflow(cx);
        }
    }
    return QL_OK;
}

/* ---- MIN, MAX, ANY_VALUE ---- */

static ql_status
keep_value(ql_ctx *cx, const qli_agg *a, qli_agg_state *s, const ql_value *v)
{
    char *p = (char *)(uintptr_t)s->val.v.s.p;
    size_t cap = s->val.cap;
    if (ql_kind_slot(v->kind) != QL_SLOT_STRING) {
        s->val.v = *v;
        return QL_OK;
    }
    if (v->s.n > cap || p == NULL) {
        cap = v->s.n < 32 ? 32 : v->s.n + v->s.n / 2;
        p = ql_arena_alloc(cx, a->mem->groups, cap);
        if (p == NULL) {
            return QL_ERROR;
        }
    }
    QL_TRY(ql_bulk_copy(cx, p, v->s.p, v->s.n));
    s->val.v = *v;
    s->val.v.s.p = p;
    s->val.cap = cap;
    return QL_OK;
}

static ql_status
extreme_one(ql_ctx *cx, const qli_agg *a, qli_agg_state *s, uint16_t row)
{
    ql_value v;
    int cmp;
    ql_vector_get(a->cols[0], row, &v);
    if (s->count++ == 0) {
        return keep_value(cx, a, s, &v);
    }
    if (a->def->fn == QL_AGG_ANY_VALUE) {
        return QL_OK;
    }
    QL_TRY(ql_value_compare(cx, &v, &s->val.v, v.coll, &cmp));
    if (a->def->fn == QL_AGG_MIN ? cmp < 0 : cmp > 0) {
        return keep_value(cx, a, s, &v);
    }
    return QL_OK;
}

/* Extremes of a whole batch of 64-bit values without boxing. */
static ql_status
extreme_ints(ql_ctx *cx, const qli_agg *a, const ql_batch *b, qli_agg_state *s)
{
    const ql_vector *v = a->cols[0];
    unsigned mask = qli_mask(v), best = 0;
    bool found = false, min = a->def->fn == QL_AGG_MIN;
    for (uint16_t k = 0; k < b->nsel; k++) {
        unsigned at = ql_batch_row(b, k) & mask;
        if (v->has_nulls && v->nulls[at]) {
            continue;
        }
        int64_t x = v->i[at], y = v->i[best];
        bool less = v->type.is_unsigned ? (uint64_t)x < (uint64_t)y : x < y;
        bool more = v->type.is_unsigned ? (uint64_t)x > (uint64_t)y : x > y;
        if (!found || (min ? less : more)) {
            best = at;
        }
        found = true;
    }
    return found ? extreme_one(cx, a, s, (uint16_t)best) : QL_OK;
}

/* ---- GROUP_CONCAT ---- */

static size_t
concat_limit(ql_ctx *cx)
{
    return cx->vars != NULL ? (size_t)cx->vars->group_concat_max_len : 1024;
}

static ql_status
concat_append(ql_ctx *cx, const qli_agg *a, struct qli_concat *c, ql_str s)
{
    size_t limit = concat_limit(cx);
    if (c->cut) {
        return QL_OK;
    }
    if (c->n + s.n > limit) {
        s.n = limit - c->n;
        QL_TRY(ql_utf8_valid_prefix_long(cx, s, &s.n));
        c->cut = true;
    }
    if (c->n + s.n > c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 64;
        cap = cap < c->n + s.n ? c->n + s.n : cap;
        char *p = ql_arena_alloc(cx, a->mem->groups, cap);
        if (p == NULL) {
            return QL_ERROR;
        }
        QL_TRY(ql_bulk_copy(cx, p, c->p, c->n));
        c->p = p;
        c->cap = cap;
    }
    for (size_t at = 0; at < s.n; at += 65536) {
        size_t step = s.n - at < 65536 ? s.n - at : 65536;
        QL_TRY(ql_check(cx));
        memcpy(c->p + c->n, s.p + at, step);
        c->n += step;
    }
    return QL_OK;
}

/* Text of all arguments of a row, in a. */
static ql_status
concat_row(ql_ctx *cx, const qli_agg *a, ql_arena *mem, uint16_t row, ql_str *out)
{
    ql_str parts[1];
    if (a->def->nargs == 1) {
        ql_value v;
        ql_vector_get(a->cols[0], row, &v);
        QL_TRY(ql_value_to_str(cx, mem, &v, &parts[0]));
        *out = parts[0];
        return QL_OK;
    }
    size_t n = 0;
    ql_str *all = QL_ARENA_ARRAY(cx, mem, ql_str, a->def->nargs);
    if (all == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < a->def->nargs; i++) {
        ql_value v;
        ql_vector_get(a->cols[i], row, &v);
        QL_TRY(ql_value_to_str(cx, mem, &v, &all[i]));
        n += all[i].n;
    }
    char *p = ql_arena_alloc(cx, mem, n + 1);
    if (p == NULL) {
        return QL_ERROR;
    }
    n = 0;
    for (uint32_t i = 0; i < a->def->nargs; i++) {
        QL_TRY(ql_bulk_copy(cx, p + n, all[i].p, all[i].n));
        n += all[i].n;
    }
    *out = (ql_str){p, n};
    return QL_OK;
}

static ql_status
concat_keep(ql_ctx *cx, const qli_agg *a, struct qli_concat *c, ql_str text, uint16_t row)
{
    ql_value *vals = QL_ARENA_ARRAY(cx, a->scratch, ql_value, a->def->norder);
    piece *p = QL_ARENA_NEW(cx, a->mem->groups, piece);
    ql_buf tmp = {0};
    if (vals == NULL || p == NULL) {
        return QL_ERROR;
    }
    if (c->nitems == c->cap_items) {
        size_t cap = c->cap_items ? c->cap_items * 2 : 16;
        ql_sort_item *v = ql_arena_alloc(cx, a->mem->groups, cap * sizeof *v);
        if (v == NULL) {
            return QL_ERROR;
        }
        QL_TRY(ql_bulk_copy(cx, (char *)v, (const char *)c->items, c->nitems * sizeof *v));
        c->items = v;
        c->cap_items = cap;
    }
    for (uint32_t i = 0; i < a->def->norder; i++) {
        ql_vector_get(a->order_cols[i], row, &vals[i]);
    }
    ql_sort_item *item = &c->items[c->nitems];
    ql_status st = qli_sort_key_make(cx, a->mem->groups, &tmp, vals, a->order_types, a->order_desc,
                                     (uint16_t)a->def->norder, item);
    ql_buf_free(&tmp);
    QL_TRY(st);
    p->text.n = text.n;
    p->text.p = ql_arena_strndup(cx, a->mem->groups, text.p != NULL ? text.p : "", text.n);
    item->row = p;
    c->nitems++;
    return p->text.p != NULL ? QL_OK : QL_ERROR;
}

static ql_status
concat_one(ql_ctx *cx, const qli_agg *a, qli_agg_state *s, uint16_t row)
{
    ql_str text;
    if (s->text == NULL) {
        s->text = QL_ARENA_NEW(cx, a->mem->groups, struct qli_concat);
        if (s->text == NULL) {
            return QL_ERROR;
        }
    }
    if (s->text->cut) {
        s->count++;
        return QL_OK;
    }
    QL_TRY(concat_row(cx, a, a->scratch, row, &text));
    if (a->def->norder > 0) {
        s->count++;
        return concat_keep(cx, a, s->text, text, row);
    }
    if (s->count++ > 0) {
        QL_TRY(concat_append(cx, a, s->text, a->def->separator));
    }
    return concat_append(cx, a, s->text, text);
}

static ql_status
finish_concat(ql_ctx *cx, qli_agg *a, qli_agg_state *s, ql_value *out)
{
    struct qli_concat *c = s->text;
    if (s->count == 0 || c == NULL) {
        *out = ql_value_null();
        return QL_OK;
    }
    if (a->def->norder > 0) {
        QL_TRY(ql_sort_items(cx, a->mem->groups, &c->items, c->nitems));
        for (size_t i = 0; i < c->nitems && !c->cut; i++) {
            const piece *p = c->items[i].row;
            if (i % 256 == 0) {
                QL_TRY(ql_check(cx));
            }
            if (i > 0) {
                QL_TRY(concat_append(cx, a, c, a->def->separator));
            }
            QL_TRY(concat_append(cx, a, c, p->text));
        }
        c->nitems = 0;
    }
    if (c->cut) {
        QL_TRY(ql_complain(cx, QL_ER_CUT_VALUE_GROUP_CONCAT, (unsigned)s->count));
    }
    *out = ql_value_str((ql_str){c->p, c->n}, a->def->type.coll);
    return QL_OK;
}

/* ---- variance, bits ---- */

static ql_status
variance_one(ql_ctx *cx, const qli_agg *a, qli_agg_state *s, uint16_t row)
{
    ql_value v;
    double d;
    ql_vector_get(a->cols[0], row, &v);
    QL_TRY(ql_value_to_double(cx, &v, &d));
    s->count++;
    double delta = d - s->var.mean;
    s->var.mean += delta / (double)s->count;
    s->var.m2 += delta * (d - s->var.mean);
    return QL_OK;
}

static void
finish_variance(const qli_agg *a, const qli_agg_state *s, ql_value *out)
{
    bool sample = a->def->fn == QL_AGG_STD_SAMP || a->def->fn == QL_AGG_VAR_SAMP;
    bool root = a->def->fn == QL_AGG_STD_POP || a->def->fn == QL_AGG_STD_SAMP;
    if (s->count < (sample ? 2u : 1u)) {
        *out = ql_value_null();
        return;
    }
    double v = s->var.m2 / (double)(s->count - sample);
    *out = ql_value_double(root ? sqrt(v) : v);
}

static ql_status
bits_one(ql_ctx *cx, const qli_agg *a, qli_agg_state *s, uint16_t row)
{
    ql_value v;
    int64_t i;
    bool is_unsigned;
    ql_vector_get(a->cols[0], row, &v);
    QL_TRY(ql_value_to_int(cx, &v, &i, &is_unsigned));
    s->count++;
    switch (a->def->fn) {
    case QL_AGG_BIT_AND:
        s->bits &= (uint64_t)i;
        break;
    case QL_AGG_BIT_OR:
        s->bits |= (uint64_t)i;
        break;
    default:
        s->bits ^= (uint64_t)i;
        break;
    }
    return QL_OK;
}

/* ---- the common road ---- */

ql_status
qli_agg_add_one(ql_ctx *cx, const qli_agg *a, qli_agg_state *s, uint16_t row)
{
    switch (a->def->fn) {
    case QL_AGG_COUNT_STAR:
    case QL_AGG_COUNT:
        s->count++;
        return QL_OK;
    case QL_AGG_SUM:
    case QL_AGG_AVG:
        return sum_one(cx, a, s, row);
    case QL_AGG_MIN:
    case QL_AGG_MAX:
    case QL_AGG_ANY_VALUE:
        return extreme_one(cx, a, s, row);
    case QL_AGG_GROUP_CONCAT:
        return concat_one(cx, a, s, row);
    case QL_AGG_JSON_ARRAY:
    case QL_AGG_JSON_OBJECT:
        return qli_json_agg_one(cx, a, s, row);
    case QL_AGG_BIT_AND:
    case QL_AGG_BIT_OR:
    case QL_AGG_BIT_XOR:
        return bits_one(cx, a, s, row);
    default:
        return variance_one(cx, a, s, row);
    }
}

/* All rows of a batch into one state, without a look at each: *done false = not that kind. */
static ql_status
add_batch(ql_ctx *cx, const qli_agg *a, const ql_batch *b, qli_agg_state *s, bool *done)
{
    ql_kind k = arg_kind(a);
    *done = true;
    switch (a->def->fn) {
    case QL_AGG_COUNT_STAR:
        s->count += b->nsel;
        return QL_OK;
    case QL_AGG_COUNT:
        if (a->def->nargs == 1 && !a->cols[0]->has_nulls && k != QL_K_NULL) {
            s->count += b->nsel;
            return QL_OK;
        }
        break;
    case QL_AGG_SUM:
    case QL_AGG_AVG:
        if (k == QL_K_INT) {
            sum_ints(b, a->cols[0], s);
            return QL_OK;
        }
        if (k == QL_K_DOUBLE) {
            sum_doubles(b, a->cols[0], s);
            return QL_OK;
        }
        break;
    case QL_AGG_MIN:
    case QL_AGG_MAX:
        if (k != QL_K_NULL && ql_kind_slot(k) == QL_SLOT_I64) {
            return extreme_ints(cx, a, b, s);
        }
        break;
    default:
        break;
    }
    *done = false;
    return QL_OK;
}

ql_status
qli_agg_eval(ql_ctx *cx, qli_agg *a, const ql_batch *b)
{
    for (uint32_t i = 0; i < a->def->nargs; i++) {
        /* Hidden digits of quotients count, unless values are told apart. */
        QL_TRY(a->def->distinct ? ql_ex_output(cx, a->args[i], b, b->sel, b->nsel, &a->cols[i])
                                : ql_ex_eval(cx, a->args[i], b, b->sel, b->nsel, &a->cols[i]));
        qli_ex_collate(a->args[i], &a->cols[i]);
    }
    for (uint32_t i = 0; i < a->def->norder; i++) {
        QL_TRY(ql_ex_output(cx, a->order[i], b, b->sel, b->nsel, &a->order_cols[i]));
    }
    return QL_OK;
}

static bool
takes_nulls(ql_agg_fn fn)
{
    return fn == QL_AGG_ANY_VALUE || fn == QL_AGG_JSON_ARRAY || fn == QL_AGG_JSON_OBJECT;
}

ql_status
qli_agg_add(ql_ctx *cx, qli_agg *a, const ql_batch *b, char *const *groups, size_t off,
            qli_agg_state *single)
{
    bool star = a->def->fn == QL_AGG_COUNT_STAR;
    if (single != NULL && !a->def->distinct) {
        bool done;
        QL_TRY(add_batch(cx, a, b, single, &done));
        if (done) {
            return QL_OK;
        }
    }
    if (a->runs != NULL) {
        QL_TRY(qli_adjacent_mark(cx, a->runs, a->cols, b));
    }
    for (uint32_t i = 0; a->def->distinct && a->runs == NULL && i < a->def->nargs; i++) {
        QL_TRY(ql_hash_column(cx, a->cols[i], b->sel, b->nsel, i == 0, a->hash));
    }
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        qli_agg_state *s = single != NULL ? single : (qli_agg_state *)(groups[row] + off);
        bool fresh = true;
        if (k % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        if (star) {
            s->count++;
            continue;
        }
        if (!takes_nulls(a->def->fn) && any_null(a, row)) {
            continue;
        }
        if (a->runs != NULL) {
            fresh = a->runs->begins[k];
        } else if (a->def->distinct) {
            QL_TRY(qli_agg_is_fresh(cx, a, s, row, &fresh));
        }
        if (fresh) {
            QL_TRY(qli_agg_add_one(cx, a, s, row));
        }
    }
    return QL_OK;
}

ql_status
qli_agg_finish(ql_ctx *cx, qli_agg *a, qli_agg_state *s, ql_value *out)
{
    switch (a->def->fn) {
    case QL_AGG_COUNT_STAR:
    case QL_AGG_COUNT:
        *out = ql_value_int((int64_t)s->count);
        break;
    case QL_AGG_SUM:
    case QL_AGG_AVG:
        QL_TRY(finish_sum(cx, a, s, out));
        break;
    case QL_AGG_MIN:
    case QL_AGG_MAX:
    case QL_AGG_ANY_VALUE:
        *out = s->count > 0 ? s->val.v : ql_value_null();
        break;
    case QL_AGG_GROUP_CONCAT:
        QL_TRY(finish_concat(cx, a, s, out));
        break;
    case QL_AGG_JSON_ARRAY:
    case QL_AGG_JSON_OBJECT:
        QL_TRY(qli_json_agg_finish(cx, a, s, out));
        break;
    case QL_AGG_BIT_AND:
    case QL_AGG_BIT_OR:
    case QL_AGG_BIT_XOR:
        *out = ql_value_uint(s->bits);
        break;
    default:
        finish_variance(a, s, out);
        break;
    }
    if (out->kind == QL_K_DECIMAL && out->dec.scale < a->def->type.decimals) {
        ql_decimal_settle(&out->dec, &a->def->type);
    }
    if (out->kind != QL_K_NULL && out->kind != a->def->type.kind) {
        ql_value cast;
        QL_TRY(ql_value_cast(cx, a->scratch, out, &a->def->type, &cast));
        *out = cast;
    }
    return QL_OK;
}
