/* SPDX-License-Identifier: Apache-2.0
 *
 * Correlated subqueries that look at the enclosing rows by equalities alone, run once for all
 * values (ql_keyed): their results are kept in a hash table by what is compared, and looked up. Who
 * asks for few rows is better off running the subquery for each, so that is what is done until it
 * has cost as much as all at once would. A value that is not in the table finds no row: what comes
 * of that (NULL, 0 for COUNT) is the same for all of them, and found out by running the subquery
 * for the first. Given up for good when it would need too much memory, or when anything warns or
 * fails that might belong to a value nobody has asked for.
 */
#include <string.h>

#include "base/bulk.h"
#include "exec/query_int.h"

typedef struct entry {
    struct entry *next;
    uint64_t hash;
    const char *row; /* as fmt says */
    bool many;       /* there was more than one */
} entry;

struct qli_keyed {
    bool off, built, planned;
    double runs, once, all; /* runs of the subquery so far, and what one and all at once cost */
    double expected;        /* runs, by the plan of the enclosing block */
    const ql_block_plan *plan;
    ql_block *block;
    uint16_t n; /* keys */
    /* The table: */
    ql_arena *mem;
    size_t budget;
    entry **buckets;
    size_t nbuckets, count;
    qli_rowfmt fmt; /* keys, then the value */
    ql_type *types;
    /* Questions: */
    ql_ex **keys;
    ql_vector *views;
    ql_vector **cols;
    bool empty_known;
    ql_value empty;
    uint64_t hash[QL_BATCH_ROWS];
};

/* --- is it worth it? --- */

/* What locks rows locks those of the values asked for; a change may come back to its tables by
 * foreign keys, row by row. */
static bool
goes_by_row(const ql_block *b)
{
    ql_stmt_kind kind = b->run->stmt->kind;
    if (kind == QL_S_UPDATE || kind == QL_S_DELETE) {
        return true;
    }
    for (uint16_t i = 0; i < b->query->nsources; i++) {
        if (b->locks[i].kind != QL_SCAN_CONSISTENT) {
            return true;
        }
    }
    return false;
}

static ql_status
make(ql_ctx *cx, ql_ex *x)
{
    qli_keyed *k = QL_ARENA_NEW(cx, x->env.mem, qli_keyed);
    if (k == NULL) {
        return QL_ERROR;
    }
    k->n = x->e->query->keyed->n;
    x->keyed = k;
    return QL_OK;
}

void
qli_keyed_count(ql_ex *x)
{
    if (x->keyed != NULL) {
        x->keyed->runs++;
    }
}

static ql_status
plan(ql_ctx *cx, ql_ex *x)
{
    qli_keyed *k = x->keyed;
    ql_run *run = x->env.run;
    const ql_query *q = x->e->query->keyed->query;
    k->planned = true;
    k->plan = run->watch != NULL ? ql_watch_plan(run, q) : NULL;
    if (k->plan == NULL) {
        ql_block_plan *made;
        QL_TRY(ql_plan_query(cx, q, &made));
        k->plan = made;
    }
    k->off = k->plan->root == NULL;
    k->all = ql_keyed_cost(k->plan);
    return QL_OK;
}

/* n more rows are wanted. */
static ql_status
pays(ql_ctx *cx, ql_ex *x, uint16_t n, bool *yes)
{
    qli_keyed *k = x->keyed;
    bool preferred = x->e->query->keyed->preferred;
    *yes = false;
    if (x->sub == NULL) {
        if (!preferred && n < 8) {
            return QL_OK;
        }
        QL_TRY(qli_query_block(cx, x));
    }
    if (k->once == 0) {
        k->off = x->sub->root == NULL || goes_by_row(x->sub);
        k->once = ql_subquery_cost(x->sub->plan);
        const ql_block *b = x->env.block;
        QL_TRY(b != NULL && b->plan != NULL && !b->reader_stops
                   ? ql_plan_asks(cx, b->plan, x->e, &k->expected)
                   : QL_OK);
    }
    double runs = k->runs + n * (1 - qli_memo_share(x));
    double cost = (runs > k->expected ? runs : k->expected) * k->once;
    if (!k->off && !k->planned && (preferred || cost >= QL_KEYED_WORTH)) {
        QL_TRY(plan(cx, x));
    }
    *yes = !k->off && k->planned && (preferred || cost >= k->all);
    return QL_OK;
}

/* --- the table --- */

static ql_status
grow(ql_ctx *cx, qli_keyed *k)
{
    size_t n = k->nbuckets != 0 ? k->nbuckets * 4 : 256;
    entry **buckets = ql_arena_alloc(cx, k->mem, n * sizeof *buckets);
    if (buckets == NULL) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < n; i += 8192) {
        QL_TRY(ql_check(cx));
        memset(&buckets[i], 0, (n - i < 8192 ? n - i : 8192) * sizeof *buckets);
    }
    for (size_t i = 0; i < k->nbuckets; i++) {
        if (i % 1024 == 0) {
            QL_TRY(ql_check(cx));
        }
        for (entry *e = k->buckets[i], *next; e != NULL; e = next) {
            next = e->next;
            e->next = buckets[e->hash & (n - 1)];
            buckets[e->hash & (n - 1)] = e;
        }
    }
    k->buckets = buckets;
    k->nbuckets = n;
    return QL_OK;
}

/* The entry of row `row` of k->cols, whose hash is in k->hash; NULL: none. */
static ql_status
find(ql_ctx *cx, const qli_keyed *k, uint16_t row, entry **out)
{
    unsigned steps = 0;
    entry *e = k->nbuckets != 0 ? k->buckets[k->hash[row] & (k->nbuckets - 1)] : NULL;
    for (; e != NULL; e = e->next) {
        bool same = e->hash == k->hash[row];
        if (++steps % 1024 == 0) {
            QL_TRY(ql_check(cx));
        }
        for (uint16_t i = 0; i < k->n && same; i++) {
            ql_value v;
            qli_cell_value(&k->fmt, i, &k->types[i], e->row, &v);
            QL_TRY(ql_row_equals(cx, k->cols[i], row, &v, &same));
        }
        if (same) {
            break;
        }
    }
    *out = e;
    return QL_OK;
}

static bool
has_null_key(const qli_keyed *k, uint16_t row)
{
    for (uint16_t i = 0; i < k->n; i++) {
        if (k->views[i].type.kind == QL_K_NULL || ql_vector_null_at(&k->views[i], row)) {
            return true;
        }
    }
    return false;
}

/* v is key i of the rows at hand. */
static ql_status
take_key(ql_ctx *cx, ql_ex *x, uint16_t i, const ql_vector *v, const uint16_t *sel, uint16_t nsel)
{
    qli_keyed *k = x->keyed;
    const ql_collation *coll = x->e->query->keyed->colls[i];
    k->views[i] = *v;
    if (coll != NULL) {
        k->views[i].type.coll = coll;
    }
    k->cols[i] = &k->views[i];
    return ql_hash_column(cx, &k->views[i], sel, nsel, i == 0, k->hash);
}

static ql_status
make_format(ql_ctx *cx, ql_ex *x, const ql_batch *b)
{
    qli_keyed *k = x->keyed;
    uint16_t *at = QL_ARENA_ARRAY(cx, x->env.mem, uint16_t, b->ncols + 1u);
    k->types = QL_ARENA_ARRAY(cx, x->env.mem, ql_type, b->ncols + 1u);
    if (at == NULL || k->types == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < b->ncols; i++) {
        at[i] = i;
        k->types[i] = i < k->n ? k->views[i].type : b->cols[i].type;
    }
    return qli_rowfmt_init(cx, x->env.mem, &k->fmt, k->types, at, b->ncols);
}

static ql_status
add(ql_ctx *cx, qli_keyed *k, const ql_batch *b, uint16_t row)
{
    entry *e;
    char *saved;
    QL_TRY(find(cx, k, row, &e));
    if (e != NULL) {
        e->many = true;
        return QL_OK;
    }
    if (k->count >= k->nbuckets) {
        QL_TRY(grow(cx, k));
    }
    QL_TRY(qli_row_save(cx, k->mem, &k->fmt, b, row, &saved));
    e = ql_arena_alloc(cx, k->mem, sizeof *e);
    if (e == NULL) {
        return QL_ERROR;
    }
    entry **bucket = &k->buckets[k->hash[row] & (k->nbuckets - 1)];
    *e = (entry){.next = *bucket, .hash = k->hash[row], .row = saved};
    *bucket = e;
    k->count++;
    return QL_OK;
}

/* *fits false: more than there is room for. */
static ql_status
read_all(ql_ctx *cx, ql_ex *x, bool *fits)
{
    qli_keyed *k = x->keyed;
    ql_batch *b;
    ql_status st;
    while ((st = ql_block_next(cx, k->block, &b)) == QL_OK) {
        for (uint16_t i = 0; i < k->n; i++) {
            QL_TRY(take_key(cx, x, i, &b->cols[i], b->sel, b->nsel));
        }
        QL_TRY(k->types == NULL ? make_format(cx, x, b) : QL_OK);
        for (uint16_t i = 0; i < b->nsel; i++) {
            uint16_t row = ql_batch_row(b, i);
            if (i % 256 == 0) {
                QL_TRY(ql_check(cx));
            }
            QL_TRY(has_null_key(k, row) ? QL_OK : add(cx, k, b, row));
        }
        if (qli_budget_is_out(cx, ql_arena_used(k->mem), k->budget)) {
            *fits = false;
            return QL_OK;
        }
    }
    return st == QL_END ? QL_OK : st;
}

static ql_status
give_up(ql_ex *x)
{
    qli_keyed *k = x->keyed;
    k->off = true;
    k->buckets = NULL;
    k->nbuckets = k->count = 0;
    return ql_run_arena_renew(x->env.run, "subquery by keys", &k->mem);
}

static ql_status
build(ql_ctx *cx, ql_ex *x)
{
    qli_keyed *k = x->keyed;
    const ql_keyed *by = x->e->query->keyed;
    bool fits = true;
    k->views = QL_ARENA_ARRAY(cx, x->env.mem, ql_vector, k->n + 1u);
    k->cols = QL_ARENA_ARRAY(cx, x->env.mem, ql_vector *, k->n + 1u);
    if (k->views == NULL || k->cols == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_ex_list(cx, &x->env, by->keys, k->n, &k->keys));
    QL_TRY(ql_run_arena(x->env.run, "subquery by keys", &k->mem));
    k->budget = qli_budget_result(cx);
    QL_TRY(ql_block_new(x->env.run, x->env.block, by->query, k->plan, NULL, &k->block));
    k->block->exact = true;
    ql_diag_try(cx->diag);
    ql_status st = read_all(cx, x, &fits);
    bool silent = ql_diag_tried(cx->diag);
    if (st == QL_ERROR) {
        ql_diag_clear_error(cx->diag);
        return give_up(x);
    }
    QL_TRY(st);
    k->built = fits && silent;
    return k->built ? QL_OK : give_up(x);
}

ql_status
qli_keyed_ready(ql_ctx *cx, ql_ex *x, uint16_t n, bool *yes)
{
    bool now;
    QL_TRY(x->keyed == NULL ? make(cx, x) : QL_OK);
    *yes = x->keyed->built;
    if (*yes || x->keyed->off) {
        return QL_OK;
    }
    QL_TRY(pays(cx, x, n, &now));
    QL_TRY(now ? build(cx, x) : QL_OK);
    *yes = x->keyed->built;
    return QL_OK;
}

/* --- questions --- */

/* What comes of a value for which there is no row. */
static ql_status
empty_value(ql_ctx *cx, ql_ex *x, const ql_batch *in, uint16_t row, ql_value *v)
{
    qli_keyed *k = x->keyed;
    if (!k->empty_known) {
        ql_value *vals;
        uint32_t n;
        QL_TRY(qli_query_row(cx, x, in, row, &vals, &n));
        k->empty = vals[0];
        QL_TRY(ql_value_keep(cx, x->env.mem, &k->empty));
        k->empty_known = true;
    }
    *v = k->empty;
    return QL_OK;
}

ql_status
qli_keyed_eval(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n)
{
    qli_keyed *k = x->keyed;
    for (uint16_t i = 0; i < k->n; i++) {
        ql_vector *v;
        QL_TRY(ql_ex_eval(cx, k->keys[i], in, sel, n, &v));
        QL_TRY(take_key(cx, x, i, v, sel, n));
    }
    for (uint16_t i = 0; i < n; i++) {
        uint16_t row = sel != NULL ? sel[i] : i;
        entry *e = NULL;
        ql_value v;
        if (i % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        QL_TRY(has_null_key(k, row) ? QL_OK : find(cx, k, row, &e));
        if (x->e->kind == QL_E_EXISTS) {
            x->own.i[row] = e != NULL;
            continue;
        }
        if (e != NULL && e->many) {
            return ql_fail(cx, QL_ER_SUBQUERY_NO_1_ROW);
        }
        if (e != NULL) {
            qli_cell_value(&k->fmt, k->n, &k->types[k->n], e->row, &v);
        } else {
            QL_TRY(empty_value(cx, x, in, row, &v));
        }
        QL_TRY(qli_ex_store(cx, x, row, &v));
    }
    return QL_OK;
}
