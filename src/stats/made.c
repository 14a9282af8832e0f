/* SPDX-License-Identifier: Apache-2.0
 *
 * Histograms that statements make (ANALYZE TABLE ... UPDATE HISTOGRAM): the JSON text that MySQL
 * shows of them, and what the planner asks. A record of its own for each column: the column's
 * name, the text, and the numbers as store.c writes them.
 */
#include <stdio.h>

#include "base/reader.h"
#include "base/thread.h"
#include "kv/kv.h"
#include "stats/stats_int.h"
#include "txn/beside.h"
#include "types/datetime.h"
#include "types/moment.h"
#include "vars/sysvars.h"

#define FIRST_RECORD 0x10000u /* behind those of the table and its columns */
#define BYTES_PER_ROW 64u     /* of a sample, on average */

/* Members of the JSON that are looked for again. */
#define AUTO_UPDATE "\"auto-update\": "
#define BUCKETS_ASKED "\"number-of-buckets-specified\": "

ql_histogram_verdict
ql_stats_may_have_histogram(const ql_table *t, uint16_t column)
{
    const ql_type *type = &t->types[column];
    if (type->field == QL_F_ENUM || type->field == QL_F_SET || type->field == QL_F_BIT ||
        type->field == QL_F_JSON) {
        return QL_HISTOGRAM_TYPE;
    }
    for (uint16_t i = 0; i < t->nindexes; i++) {
        const ql_index *x = &t->indexes[i];
        if (x->unique && !x->hidden_rowid && !x->invisible && x->nparts == 1 &&
            x->parts[0].column == column) {
            return QL_HISTOGRAM_UNIQUE;
        }
    }
    return QL_HISTOGRAM_MAY;
}

/* --- JSON --- */

static ql_status
put_base64(ql_ctx *cx, ql_buf *out, ql_str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.n; i += 3) {
        uint32_t w = (uint32_t)(unsigned char)s.p[i] << 16;
        w |= i + 1 < s.n ? (uint32_t)(unsigned char)s.p[i + 1] << 8 : 0;
        w |= i + 2 < s.n ? (uint32_t)(unsigned char)s.p[i + 2] : 0;
        char four[4] = {digits[w >> 18], digits[w >> 12 & 63],
                        i + 1 < s.n ? digits[w >> 6 & 63] : '=',
                        i + 2 < s.n ? digits[w & 63] : '='};
        QL_TRY(ql_buf_put(cx, out, four, sizeof four));
    }
    return QL_OK;
}

ql_status
qli_json_of_value(ql_ctx *cx, const ql_type *t, const ql_value *v, ql_buf *out)
{
    char text[QL_VALUE_TEXT_MAX];
    if (ql_value_is_null(v)) {
        return QL_OK;
    }
    if (v->kind == QL_K_STRING) {
        size_t n =
            t->coll == ql_coll_binary ? QLI_STATS_CHARS : ql_utf8_offset(v->s, QLI_STATS_CHARS);
        QL_TRY(ql_buf_put_str(cx, out, "\"base64:type254:"));
        QL_TRY(put_base64(cx, out, (ql_str){v->s.p, n < v->s.n ? n : v->s.n}));
        return ql_buf_put_u8(cx, out, '"');
    }
    bool quoted = ql_kind_is_temporal(v->kind);
    size_t n = ql_value_print_local(cx, v, text);
    QL_TRY(quoted ? ql_buf_put_u8(cx, out, '"') : QL_OK);
    QL_TRY(ql_buf_put(cx, out, text, n));
    return quoted ? ql_buf_put_u8(cx, out, '"') : QL_OK;
}

ql_status
qli_json_put_double(ql_ctx *cx, ql_buf *out, double d)
{
    char text[QL_DOUBLE_TEXT_MAX];
    size_t n = ql_double_print(d, text);
    QL_TRY(ql_buf_put(cx, out, text, n));
    return memchr(text, '.', n) || memchr(text, 'e', n) ? QL_OK : ql_buf_put_str(cx, out, ".0");
}

const char *
qli_histogram_type(const ql_type *t)
{
    switch (ql_kind_family(t->kind)) {
    case QL_FAM_INT:
        return t->is_unsigned ? "uint" : "int";
    case QL_FAM_DECIMAL:
        return "decimal";
    case QL_FAM_DOUBLE:
        return "double";
    case QL_FAM_STRING:
        return "string";
    default:
        return t->kind == QL_K_DATE ? "date" : t->kind == QL_K_TIME ? "time" : "datetime";
    }
}

ql_status
qli_histogram_end(ql_ctx *cx, ql_buf *out, const qli_histogram_said *h)
{
    ql_dt t;
    char when[32];
    QL_TRY(ql_buf_printf(cx, out, "], \"data-type\": \"%s\", " AUTO_UPDATE "%s, ",
                         qli_histogram_type(h->type), h->again ? "true" : "false"));
    QL_TRY(ql_buf_put_str(cx, out, "\"null-values\": "));
    QL_TRY(qli_json_put_double(cx, out, h->nulls));
    ql_dt_from_unix(h->at_us, 0, &t);
    size_t n = ql_dt_print(&t, 6, when);
    QL_TRY(ql_buf_printf(cx, out, ", \"collation-id\": %u, \"last-updated\": \"%.*s\", ",
                         h->collation, (int)n, when));
    QL_TRY(ql_buf_put_str(cx, out, "\"sampling-rate\": "));
    QL_TRY(qli_json_put_double(cx, out, h->rate));
    return ql_buf_printf(cx, out, ", \"histogram-type\": \"%s\", " BUCKETS_ASKED "%u}",
                         h->single ? "singleton" : "equi-height", h->buckets);
}

/* --- making --- */

/* Equal values, one after the other. */
typedef struct run {
    uint32_t row, n; /* of the first one */
} run;

typedef struct maker {
    ql_ctx *cx;
    const qli_sample *s;
    const qli_sample_column *c;
    const ql_type *type;
    ql_arena *a;
    run *v;
    uint32_t nruns, values, buckets;
    bool again; /* AUTO UPDATE */
    ql_histogram *h;
    ql_buf json;
} maker;

static ql_status
find_runs(maker *m)
{
    uint32_t *order;
    QL_TRY(qli_sample_sort(m->cx, m->a, m->c, m->s->n, &order, &m->values));
    m->v = QL_ARENA_ARRAY(m->cx, m->a, run, m->values + 1);
    if (!m->v) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < m->values; i++) {
        if (i == 0 || !ql_str_eq(qli_sample_key(m->c, order[i]),
                                 qli_sample_key(m->c, m->v[m->nruns - 1].row))) {
            m->v[m->nruns++].row = order[i];
        }
        m->v[m->nruns - 1].n++;
        QL_TRY(i % 1024 == 1023 ? ql_check(m->cx) : QL_OK);
    }
    return QL_OK;
}

static ql_status
put_literal(maker *m, const run *r)
{
    ql_str text = qli_sample_key(&m->s->literal, r->row);
    return ql_buf_put(m->cx, &m->json, text.p, text.n);
}

static ql_status
singleton(maker *m)
{
    double sum = 0;
    m->h->common = QL_ARENA_ARRAY(m->cx, m->a, qli_common, m->nruns + 1);
    if (!m->h->common) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < m->nruns; i++) {
        double share = (double)m->v[i].n / m->s->n;
        sum += share;
        m->h->common[m->h->ncommon++] = (qli_common){qli_sample_key(m->c, m->v[i].row), share};
        QL_TRY(ql_buf_put_str(m->cx, &m->json, i ? ", [" : "["));
        QL_TRY(put_literal(m, &m->v[i]));
        QL_TRY(ql_buf_put_str(m->cx, &m->json, ", "));
        QL_TRY(qli_json_put_double(m->cx, &m->json, sum > 1 ? 1 : sum));
        QL_TRY(ql_buf_put_u8(m->cx, &m->json, ']'));
    }
    return QL_OK;
}

/* So that no more than the buckets asked for come out, each is filled up to its share of what is
 * left. */
static ql_status
equi_height(maker *m)
{
    uint32_t done = 0;
    m->h->buckets = QL_ARENA_ARRAY(m->cx, m->a, qli_bucket, m->buckets + 1);
    if (!m->h->buckets) {
        return QL_ERROR;
    }
    for (uint32_t i = 0, b = 0; i < m->nruns; b++) {
        uint32_t left = m->buckets - b, first = i, in = 0;
        uint32_t want = left <= 1 ? m->values - done : (m->values - done + left - 1) / left;
        while (i < m->nruns && (in == 0 || in + m->v[i].n <= want || left <= 1)) {
            in += m->v[i++].n;
        }
        done += in;
        double share = (double)in / m->s->n;
        m->h->rest += share;
        m->h->buckets[m->h->nbuckets++] = (qli_bucket){
            qli_sample_key(m->c, m->v[first].row), qli_sample_key(m->c, m->v[i - 1].row), share};
        QL_TRY(ql_buf_put_str(m->cx, &m->json, b ? ", [" : "["));
        QL_TRY(put_literal(m, &m->v[first]));
        QL_TRY(ql_buf_put_str(m->cx, &m->json, ", "));
        QL_TRY(put_literal(m, &m->v[i - 1]));
        QL_TRY(ql_buf_put_str(m->cx, &m->json, ", "));
        QL_TRY(qli_json_put_double(m->cx, &m->json, (double)done / m->s->n));
        QL_TRY(ql_buf_printf(m->cx, &m->json, ", %u]", i - first));
    }
    return QL_OK;
}

/* The text; *out gets the numbers. */
static ql_status
make(maker *m, double rows, int64_t at_us, ql_column_stats *out)
{
    QL_TRY(find_runs(m));
    m->h = QL_ARENA_NEW(m->cx, m->a, ql_histogram);
    if (!m->h) {
        return QL_ERROR;
    }
    bool single = m->nruns <= m->buckets;
    qli_frequencies f = {.n = m->values, .d = m->nruns};
    for (uint32_t i = 0; i < m->nruns; i++) {
        f.once += m->v[i].n == 1;
        f.pairs += (uint64_t)m->v[i].n * (m->v[i].n - 1) / 2;
    }
    double rate = rows > m->s->n ? m->s->n / rows : 1;
    out->known = true;
    out->nulls = m->s->n > 0 ? (double)(m->s->n - m->values) / m->s->n : 0;
    out->distinct = rate < 1 ? qli_distinct_of_sample(&f, rows * (1 - out->nulls)) : m->nruns;
    out->distinct = out->distinct < 1 ? 1 : out->distinct;
    out->histogram = m->nruns > 0 ? m->h : NULL;
    QL_TRY(ql_buf_put_str(m->cx, &m->json, "{\"buckets\": ["));
    QL_TRY(single ? singleton(m) : equi_height(m));
    m->h->complete = single && rate >= 1;
    qli_histogram_said said = {.type = m->type,
                               .again = m->again,
                               .single = single,
                               .nulls = out->nulls,
                               .rate = rate,
                               .buckets = m->buckets,
                               .collation = m->type->kind == QL_K_STRING ? m->type->coll->id : 8u,
                               .at_us = at_us};
    return qli_histogram_end(m->cx, &m->json, &said);
}

/* --- keeping --- */

static ql_status
record_key(ql_ctx *cx, ql_buf *key, const ql_table *t, uint16_t column)
{
    return ql_table_stats_key(cx, key, t->id, FIRST_RECORD + column);
}

/* value NULL: the record goes. */
static ql_status
write_record(ql_ctx *cx, const ql_table *t, uint16_t column, const ql_buf *value)
{
    ql_buf key = {0};
    ql_txn *saved = cx->txn;
    ql_status st = record_key(cx, &key, t, column);
    st = st == QL_OK ? ql_beside_begin(cx, true) : st;
    if (st == QL_OK) {
        ql_str k = {key.p, key.n};
        st = value ? ql_txn_put(cx, k, (ql_str){value->p, value->n}) : ql_txn_del(cx, k);
        st = ql_beside_end(cx, saved, st);
    }
    ql_buf_free(&key);
    return st;
}

ql_status
qli_histogram_keep(ql_ctx *cx, const ql_table *t, uint16_t column, const ql_buf *json,
                   int64_t at_us, const ql_column_stats *c)
{
    ql_buf value = {0};
    ql_str name = t->columns[column].name;
    ql_status st;
    QL_TRY_TO(st, ql_buf_put_lenenc_str(cx, &value, name.p, name.n), out);
    QL_TRY_TO(st, ql_buf_put_lenenc_str(cx, &value, json->p, json->n), out);
    QL_TRY_TO(st, qli_stats_put_column(cx, &value, at_us, c), out);
    st = write_record(cx, t, column, &value);
out:
    ql_buf_free(&value);
    return st;
}

static ql_status
make_and_write(maker *m, const ql_table *t, uint16_t column, double rows)
{
    int64_t now = ql_now_real_us();
    ql_column_stats c = {0};
    QL_TRY(make(m, rows, now, &c));
    return qli_histogram_keep(m->cx, t, column, &m->json, now, &c);
}

ql_status
ql_stats_make_histogram(ql_ctx *cx, ql_table *t, uint16_t column, uint32_t buckets, bool again,
                        uint64_t memory)
{
    qli_sample s = {0};
    double rows = 0;
    uint64_t most = memory / BYTES_PER_ROW;
    maker m = {.cx = cx, .s = &s, .type = &t->types[column], .buckets = buckets};
    m.again = again;
    m.a = ql_arena_new("histogram", NULL);
    if (!m.a) {
        return ql_fail_oom(cx, 1024);
    }
    ql_status st = qli_stats_sample_column(cx, t, column, most < 1000 ? 1000 : most, &s, &rows);
    if (st == QL_OK) {
        m.c = &s.columns[column];
        st = make_and_write(&m, t, column, rows);
    }
    qli_sample_fini(&s);
    ql_buf_free(&m.json);
    ql_arena_free(m.a);
    if (st == QL_OK) {
        ql_table_keep(t, NULL); /* found again, with the histogram, by the next who asks */
    }
    return st;
}

/* Parts of a record; false: it cannot be read, or is another column's. */
static bool
split(ql_str in, ql_str name, ql_str *json, ql_str *numbers)
{
    ql_reader r = ql_reader_of(in);
    ql_str own = ql_read_lenenc_str(&r);
    *json = ql_read_lenenc_str(&r);
    *numbers = ql_read_bytes(&r, ql_reader_left(&r));
    return !r.bad && ql_str_eq(own, name);
}

/* What stands behind a member of the text, written above: the buckets come first, so it is looked
 * for from the end. (It cannot stand in a value: texts are base64.) */
static ql_str
behind(ql_str json, ql_str member)
{
    for (size_t i = json.n; i >= member.n; i--) {
        if (memcmp(json.p + i - member.n, member.p, member.n) == 0) {
            return (ql_str){json.p + i, json.n - i};
        }
    }
    return (ql_str){NULL, 0};
}

/* AUTO UPDATE, and with how many buckets. */
static bool
is_made_again(ql_str json, uint32_t *buckets)
{
    ql_str said = behind(json, QL_STR(BUCKETS_ASKED)), again = behind(json, QL_STR(AUTO_UPDATE));
    *buckets = 0;
    for (size_t i = 0; i < said.n && said.p[i] >= '0' && said.p[i] <= '9'; i++) {
        *buckets =
            *buckets > QLI_BUCKETS_MAX ? *buckets : *buckets * 10 + (uint32_t)(said.p[i] - '0');
    }
    return again.n > 0 && again.p[0] == 't' && *buckets > 0 && *buckets <= QLI_BUCKETS_MAX;
}

static ql_status
look(ql_ctx *cx, ql_arena *a, ql_kv_snap *snap, const ql_table *t, uint16_t column, ql_buf *key,
     ql_str *json, ql_column_stats *c)
{
    ql_str v, numbers, text;
    bool good = false;
    QL_TRY(record_key(cx, key, t, column));
    ql_status st = ql_kv_get(cx, snap, (ql_str){key->p, key->n}, &v);
    if (st != QL_OK) {
        return st;
    }
    if (!split(v, t->columns[column].name, &text, &numbers)) {
        return QL_END;
    }
    if (json != NULL) {
        *json = (ql_str){ql_arena_strndup(cx, a, text.p, text.n), text.n};
        return json->p ? QL_OK : QL_ERROR;
    }
    ql_column_stats found = {0};
    QL_TRY(qli_stats_get_column(cx, a, numbers, 0, &found, &good));
    if (good) {
        *c = found;
    }
    return QL_OK;
}

ql_status
ql_stats_histogram_json(ql_ctx *cx, ql_arena *a, const ql_table *t, uint16_t column, ql_str *json)
{
    ql_kv_snap *snap;
    ql_buf key = {0};
    *json = (ql_str){NULL, 0};
    QL_TRY(ql_kv_snap_begin(cx, cx->inst->kv, &snap));
    ql_status st = look(cx, a, snap, t, column, &key, json, NULL);
    ql_kv_snap_end(snap);
    ql_buf_free(&key);
    return st == QL_END ? QL_OK : st;
}

ql_status
qli_stats_make_again(ql_ctx *cx, ql_table *t)
{
    uint64_t memory = ql_sysvar_global_u64(cx->inst, QL_SV_HISTOGRAM_GENERATION_MAX_MEM_SIZE);
    for (uint16_t i = 0; i < t->ncolumns && !t->temporary; i++) {
        ql_str json;
        uint32_t buckets;
        QL_TRY(ql_check(cx));
        QL_TRY(ql_stats_histogram_json(cx, cx->arena, t, i, &json));
        if (json.n > 0 && is_made_again(json, &buckets)) {
            QL_TRY(ql_stats_make_histogram(cx, t, i, buckets, true, memory));
        }
    }
    return QL_OK;
}

ql_status
ql_stats_drop_histogram(ql_ctx *cx, ql_table *t, uint16_t column, bool *was)
{
    ql_str json;
    QL_TRY(ql_stats_histogram_json(cx, cx->arena, t, column, &json));
    *was = json.n > 0;
    if (!*was) {
        return QL_OK;
    }
    QL_TRY(write_record(cx, t, column, NULL));
    ql_table_keep(t, NULL);
    return QL_OK;
}

ql_status
qli_stats_overlay(ql_ctx *cx, const ql_table *t, qli_kept *k, ql_column_stats *columns)
{
    ql_kv_snap *snap;
    ql_buf key = {0};
    ql_status st = QL_OK;
    if (t->temporary) {
        return QL_OK;
    }
    QL_TRY(ql_kv_snap_begin(cx, cx->inst->kv, &snap));
    for (uint16_t i = 0; (st == QL_OK || st == QL_END) && i < t->ncolumns; i++) {
        ql_str json = {0};
        uint32_t buckets;
        if (k->exact) { /* what was just read knows more than one that is about to be made again */
            st = look(cx, k->arena, snap, t, i, &key, &json, NULL);
            if (st != QL_OK || is_made_again(json, &buckets)) {
                continue;
            }
        }
        st = look(cx, k->arena, snap, t, i, &key, NULL, &columns[i]);
    }
    ql_kv_snap_end(snap);
    ql_buf_free(&key);
    return st == QL_END ? QL_OK : st;
}
