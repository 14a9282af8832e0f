/* SPDX-License-Identifier: Apache-2.0
 *
 * Asked for by the planner: what is kept of a table, once a statement, and the shares of rows that
 * come out of it.
 */
#include "stats/stats_int.h"

#include "base/thread.h"
#include "kv/kv.h"
#include "vars/sysvars.h"

uint16_t
ql_stats_parts(const ql_table *t, const ql_index *x)
{
    const ql_index *c = &t->indexes[0];
    uint16_t behind = c->hidden_rowid ? 1 : c->nparts;
    return x == c ? behind : (uint16_t)(x->nparts + behind);
}

/* --- kept with the table --- */

static void
free_kept(ql_table_kept *k)
{
    qli_kept *s = (qli_kept *)k;
    ql_arena_free(s->arena);
    ql_mem_free(s);
}

qli_kept *
qli_stats_new(ql_ctx *cx, const ql_table *t)
{
    qli_kept *s = ql_mem_zalloc(sizeof *s);
    ql_arena *a = s ? ql_arena_new("statistics", NULL) : NULL;
    if (!a) {
        ql_mem_free(s);
        (void)ql_fail_oom(cx, sizeof *s);
        return NULL;
    }
    atomic_init(&s->k.refs, 1);
    s->k.free = free_kept;
    s->arena = a;
    s->version = t->version;
    return s;
}

/* Nobody counted them since the server was killed: from the shape of the tree. */
static ql_status
count_rows(ql_ctx *cx, ql_table *t)
{
    ql_bound open = {0};
    ql_key_range r;
    double n;
    QL_TRY(ql_index_range(cx, cx->arena, t, &t->indexes[0], &open, &open, &r));
    QL_TRY(ql_index_estimate(cx, &r, &n));
    if (n >= 0) {
        ql_table_rows_init(t, (int64_t)n);
    }
    return QL_OK;
}

/* Rows as of now. */
static double
rows_now(ql_ctx *cx, const ql_table *t, const qli_kept *k)
{
    int64_t rows = ql_table_rows(t);
    double n = rows >= 0 ? (double)rows : k != NULL ? k->s.rows : 0;
    n += (double)ql_table_own_rows(cx, t);
    return n < 1 ? 1 : n;
}

bool
qli_stats_are_stale(const ql_table *t, const qli_kept *k)
{
    double changed = (double)(ql_table_changes(t) - k->changes);
    return k->version != t->version ||
           (!k->given && changed > k->s.rows / 10 && ql_now_mono_ns() >= k->rest_until_ns);
}

bool
qli_stats_persist(const ql_ctx *cx, const ql_table *t)
{
    return !t->temporary &&
           ql_table_option_or(&t->options, QL_TO_STATS_PERSISTENT,
                              ql_sysvar_global_u64(cx->inst, QL_SV_INNODB_STATS_PERSISTENT)) != 0;
}

uint64_t
qli_stats_sample_rows(const ql_ctx *cx, const ql_table *t)
{
    ql_sysvar_id id = qli_stats_persist(cx, t) ? QL_SV_INNODB_STATS_PERSISTENT_SAMPLE_PAGES
                                               : QL_SV_INNODB_STATS_TRANSIENT_SAMPLE_PAGES;
    uint64_t pages = ql_table_option_or(&t->options, QL_TO_STATS_SAMPLE_PAGES,
                                        ql_sysvar_global_u64(cx->inst, id));
    pages = pages < 1 ? 1 : pages > 2500 ? 2500 : pages; /* a million rows at most */
    return pages * QLI_STATS_ROWS_PER_PAGE;
}

/* Numbers of a table that had a quite different size say nothing. */
static bool
is_of_use(const qli_kept *k, double rows)
{
    return rows < 4 * k->s.rows + 40 && k->s.rows < 4 * rows + 40;
}

/* Damaged data are told by who reads them, not by who plans. */
static ql_status
forgive(ql_ctx *cx, ql_status st)
{
    const ql_condition *e = ql_diag_error(cx->diag);
    if (st == QL_ERROR && e && (e->number == QL_ER_TABLE_CORRUPT || e->number == QL_ER_GET_ERRNO)) {
        QL_TRY(ql_check(cx));
        ql_diag_clear_error(cx->diag);
        return QL_OK;
    }
    return st;
}

/* The table keeps k, and so does *kept (references). */
static void
take_over(ql_table *t, qli_kept *k, qli_kept **kept)
{
    atomic_fetch_add_explicit(&k->k.refs, 1, memory_order_relaxed);
    ql_table_keep(t, &k->k);
    ql_table_kept_put(*kept ? &(*kept)->k : NULL);
    *kept = k;
}

static ql_status
collect_now(ql_ctx *cx, ql_table *t, qli_kept **kept)
{
    qli_kept *k = NULL;
    QL_TRY(qli_stats_collect(cx, t, qli_stats_sample_rows(cx, t), &k));
    if (ql_table_rows(t) < 0) {
        ql_table_rows_init(t, (int64_t)k->s.rows);
    }
    take_over(t, k, kept);
    return QL_OK;
}

static bool
recalculates(const ql_ctx *cx, const ql_table *t)
{
    return ql_table_option_or(&t->options, QL_TO_STATS_AUTO_RECALC,
                              ql_sysvar_global_u64(cx->inst, QL_SV_INNODB_STATS_AUTO_RECALC)) != 0;
}

/* What the table keeps, or the disk has; small tables are looked through again when they have
 * changed, and every table when nothing is known of it. *out NULL: nothing is. */
static ql_status
find_kept(ql_ctx *cx, ql_table *t, qli_kept **out)
{
    qli_kept *k = (qli_kept *)ql_table_kept_get(t);
    *out = k;
    if (k && !qli_stats_are_stale(t, k)) {
        return QL_OK;
    }
    if (cx->inst->kv == NULL) {
        return QL_OK;
    }
    if (ql_table_rows(t) < 0) {
        QL_TRY(count_rows(cx, t));
    }
    if (!k && qli_stats_persist(cx, t)) {
        QL_TRY(forgive(cx, qli_stats_load(cx, t, &k))); /* damaged: as if there were none */
        if (k) {
            qli_kept *none = NULL;
            atomic_store(&k->saved, true);
            take_over(t, k, &none);
            *out = k;
        }
    }
    double rows = rows_now(cx, t, k);
    bool usable = k && k->version == t->version && is_of_use(k, rows);
    if (usable && (!qli_stats_are_stale(t, k) || !recalculates(cx, t))) {
        return QL_OK;
    }
    bool quick = rows <= QLI_STATS_SMALL && (!k || k->took_ns < QLI_STATS_QUICK_NS);
    if (usable && !quick && cx->inst->stats && !t->temporary) {
        qli_statsd_ask(cx, t);
        return QL_OK;
    }
    QL_TRY(collect_now(cx, t, out));
    if (qli_stats_persist(cx, t)) {
        qli_statsd_ask(cx, t); /* to save it */
    }
    return QL_OK;
}

/* --- asked by the planner --- */

static void
put_kept(void *arg)
{
    ql_table_kept_put(arg);
}

static ql_status
guess(ql_ctx *cx, ql_table *t, double rows, ql_table_stats *s)
{
    ql_column_stats *columns = QL_ARENA_ARRAY(cx, cx->arena, ql_column_stats, t->ncolumns + 1u);
    double **prefixes = columns ? QL_ARENA_ARRAY(cx, cx->arena, double *, t->nindexes + 1u) : NULL;
    if (prefixes == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        columns[i].distinct = rows < 20 ? 1 : rows * 0.05;
    }
    for (uint16_t i = 0; i < t->nindexes && !t->is_virtual; i++) {
        prefixes[i] = QL_ARENA_ARRAY(cx, cx->arena, double, ql_stats_parts(t, &t->indexes[i]) + 1u);
        if (prefixes[i] == NULL) {
            return QL_ERROR;
        }
    }
    *s = (ql_table_stats){.table = t,
                          .rows = rows,
                          .row_bytes = 100,
                          .columns = columns,
                          .prefixes = (const double *const *)prefixes};
    return QL_OK;
}

static ql_status
use_kept(ql_ctx *cx, ql_table *t, qli_kept *k, ql_table_stats *s)
{
    double rows = rows_now(cx, t, k);
    if (!k || k->version != t->version || !is_of_use(k, rows)) {
        ql_table_kept_put(k ? &k->k : NULL);
        return guess(cx, t, rows, s);
    }
    ql_status st = ql_arena_defer(cx, cx->arena, put_kept, k);
    if (st != QL_OK) {
        ql_table_kept_put(&k->k);
        return st;
    }
    *s = k->s;
    s->table = t;
    s->rows = rows;
    return QL_OK;
}

ql_status
ql_stats_of(ql_ctx *cx, ql_table *t, const ql_table_stats **out)
{
    ql_table_stats *s = QL_ARENA_NEW(cx, cx->arena, ql_table_stats);
    if (s == NULL) {
        return QL_ERROR;
    }
    *out = s;
    if (t->is_virtual || !t->state) {
        return guess(cx, t, 100, s);
    }
    qli_kept *k = NULL;
    ql_status st = forgive(cx, find_kept(cx, t, &k));
    if (st != QL_OK) {
        ql_table_kept_put(k ? &k->k : NULL);
        return st;
    }
    return use_kept(cx, t, k, s);
}

ql_status
ql_stats_analyze(ql_ctx *cx, ql_table *t)
{
    qli_kept *k = NULL;
    QL_TRY(qli_stats_make_again(cx, t));
    QL_TRY(qli_stats_collect(cx, t, qli_stats_sample_rows(cx, t), &k));
    ql_status st = QL_OK;
    if (qli_stats_persist(cx, t)) {
        atomic_store(&k->saved, true);
        st = qli_stats_save(cx, t, k);
    }
    if (st != QL_OK) {
        ql_table_kept_put(&k->k);
        return st;
    }
    ql_table_rows_init(t, k->sampled == 0 ? 0 : (int64_t)k->s.rows);
    ql_table_keep(t, &k->k);
    return QL_OK;
}

ql_status
ql_stats_look(ql_ctx *cx, ql_table *t, ql_stats_seen *out)
{
    const ql_table_stats *s;
    *out = (ql_stats_seen){0};
    QL_TRY(ql_stats_of(cx, t, &s));
    out->stats = *s;
    qli_kept *k = t->is_virtual ? NULL : (qli_kept *)ql_table_kept_get(t);
    if (k) {
        out->at_us = k->at_us;
        out->sampled = k->sampled;
        ql_table_kept_put(&k->k);
    }
    return QL_OK;
}

ql_status
ql_stats_equal(ql_ctx *cx, const ql_table_stats *s, uint16_t column, const ql_value *v,
               double *share)
{
    const ql_column_stats *c = &s->columns[column];
    const ql_type *type = &s->table->types[column];
    if (v == NULL || c->histogram == NULL || v->kind != type->kind) {
        *share = (1 - c->nulls) / c->distinct;
        return QL_OK;
    }
    ql_buf key = {0};
    ql_status st = qli_stats_key(cx, type, v, &key);
    if (st == QL_OK) {
        *share = qli_histogram_equal(c, (ql_str){key.p, key.n});
    }
    ql_buf_free(&key);
    return st;
}

static ql_status
end_key(ql_ctx *cx, const ql_type *type, const ql_value *v, ql_buf *out)
{
    return v ? qli_stats_key(cx, type, v, out) : QL_OK;
}

ql_status
ql_stats_range(ql_ctx *cx, const ql_table_stats *s, uint16_t column, const ql_value *low,
               bool low_in, const ql_value *high, bool high_in, double *share)
{
    const ql_column_stats *c = &s->columns[column];
    const ql_type *type = &s->table->types[column];
    if ((low && low->kind != type->kind) || (high && high->kind != type->kind)) {
        *share = (low && high ? 0.1 : 0.33) * (1 - c->nulls);
        return QL_OK;
    }
    ql_buf from = {0}, to = {0};
    ql_status st = end_key(cx, type, low, &from);
    st = st == QL_OK ? end_key(cx, type, high, &to) : st;
    if (st == QL_OK) {
        *share =
            qli_histogram_range(c, (ql_str){from.p, from.n}, low_in, (ql_str){to.p, to.n}, high_in);
    }
    ql_buf_free(&from);
    ql_buf_free(&to);
    return st;
}

/* Between the prefix's key and all that begin with it: keys end in two zero bytes, and of
 * collations with several levels (ICU: 01 between them) only the first counts. */
ql_status
ql_stats_prefix(ql_ctx *cx, const ql_table_stats *s, uint16_t column, const ql_value *prefix,
                double *share)
{
    const ql_column_stats *c = &s->columns[column];
    const ql_type *type = &s->table->types[column];
    ql_buf from = {0}, to = {0};
    if (c->histogram == NULL || type->kind != QL_K_STRING || prefix->kind != QL_K_STRING) {
        *share = 0.1 * (1 - c->nulls);
        return QL_OK;
    }
    ql_status st = qli_stats_key(cx, type, prefix, &from);
    if (st == QL_OK) {
        from.n -= from.n >= 2 ? 2 : 0;
        const char *level = from.n > 0 && !type->coll->is_binary ? memchr(from.p, 1, from.n) : NULL;
        from.n = level ? (size_t)(level - from.p) : from.n;
        st = ql_buf_put(cx, &to, from.p, from.n);
        st = st == QL_OK ? ql_buf_put(cx, &to, "\xff\xff", 2) : st;
    }
    if (st == QL_OK) {
        *share = qli_histogram_range(c, (ql_str){from.p, from.n}, true, (ql_str){to.p, to.n}, true);
    }
    ql_buf_free(&from);
    ql_buf_free(&to);
    return st;
}

ql_status
ql_stats_give(ql_ctx *cx, ql_table *t, const ql_table_stats *s)
{
    qli_kept *k = qli_stats_new(cx, t);
    if (!k) {
        return QL_ERROR;
    }
    k->s = *s;
    k->given = true;
    ql_table_rows_init(t, (int64_t)s->rows);
    ql_table_keep(t, &k->k);
    return QL_OK;
}
