/* SPDX-License-Identifier: Apache-2.0
 *
 * ANALYZE TABLE ... UPDATE HISTOGRAM ... USING DATA: a histogram out of the JSON that another
 * server, or this one, has shown of it. Everything is looked at before anything is kept, and the
 * text is written anew: only what is known here comes back.
 */
#include <math.h>
#include <stdio.h>

#include "base/thread.h"
#include "stats/stats_int.h"
#include "json/json.h"

#define BASE64 "base64:type254:"
#define BUCKETS_MOST 1024
#define MOSTLY 1e-6 /* shares are sums of rounded numbers */

typedef struct reader {
    ql_ctx *cx;
    ql_arena *a;
    const ql_table *t;
    uint16_t column;
    const ql_type *type;
    ql_json doc;
    bool single, again;
    double nulls, rate;
    uint32_t asked, collation;
    ql_histogram *h;
    double distinct, upto; /* share of the rows up to the last bucket */
    ql_str last;           /* key of its upper end */
    ql_buf json, key;
    const char *fault; /* what is wrong, as MySQL words it */
} reader;

/* --- what is wrong --- */

/* text has one %s: where. */
static ql_status
wrong(reader *r, const char *text, const char *where)
{
    char format[200];
    const char *at = strstr(text, "%s");
    snprintf(format, sizeof format, "%.*s%s%s", at ? (int)(at - text) : (int)strlen(text), text,
             at ? where : "", at ? at + 2 : "");
    r->fault = ql_arena_strndup(r->cx, r->a, format, strlen(format));
    return r->fault ? QL_OK : QL_ERROR;
}

static ql_status
wrong_bucket(reader *r, const char *text, uint32_t bucket, int element)
{
    char where[64];
    if (element < 0) {
        snprintf(where, sizeof where, "$.buckets[%u]", bucket);
    } else {
        snprintf(where, sizeof where, "$.buckets[%u][%d]", bucket, element);
    }
    return wrong(r, text, where);
}

/* --- members --- */

static ql_status
member(reader *r, const char *name, ql_json *v, bool *found)
{
    uint32_t at;
    ql_str key = {name, strlen(name)};
    QL_TRY(ql_json_find(r->cx, &r->doc, key, &at, found));
    return *found ? ql_json_at(r->cx, &r->doc, at, v) : QL_OK;
}

static ql_status
wrong_member(reader *r, const char *text, const char *name)
{
    char where[64];
    const char *quote = strchr(name, '-') ? "\"" : "";
    snprintf(where, sizeof where, "$.%s%s%s", quote, name, quote);
    return wrong(r, text, where);
}

/* One that has to be there, of that type. */
static ql_status
needed(reader *r, const char *name, ql_json_type type, ql_json *v)
{
    bool found;
    *v = (ql_json){.type = QL_JSON_NULL};
    if (r->fault) {
        return QL_OK;
    }
    QL_TRY(member(r, name, v, &found));
    if (!found) {
        return wrong_member(r, "Missing attribute at '%s'.", name);
    }
    bool good = type == QL_JSON_DOUBLE ? ql_json_is_number(v) : v->type == type;
    return good ? QL_OK : wrong_member(r, "Wrong attribute type at '%s'.", name);
}

static double
number(const ql_json *v)
{
    return v->type == QL_JSON_INT       ? (double)v->i
           : v->type == QL_JSON_UINT    ? (double)v->u
           : v->type == QL_JSON_DECIMAL ? ql_decimal_to_double(&v->dec)
                                        : v->d;
}

static ql_status
read_types(reader *r)
{
    ql_json v;
    QL_TRY(needed(r, "histogram-type", QL_JSON_STRING, &v));
    if (r->fault) {
        return QL_OK;
    }
    r->single = ql_str_eq(v.s, QL_STR("singleton"));
    bool known = r->single || ql_str_eq(v.s, QL_STR("equi-height"));
    QL_TRY(needed(r, "data-type", QL_JSON_STRING, &v));
    const char *own = qli_histogram_type(r->type);
    if (r->fault == NULL && !ql_str_eq(v.s, (ql_str){own, strlen(own)})) {
        return wrong_member(r, "Histogram data type does not match column data type at '%s'.",
                            "data-type");
    }
    return known || r->fault
               ? QL_OK
               : wrong_member(r, "Unsupported histogram type at '%s'.", "histogram-type");
}

static ql_status
read_numbers(reader *r)
{
    ql_json v;
    bool found;
    QL_TRY(needed(r, "null-values", QL_JSON_DOUBLE, &v));
    r->nulls = r->fault ? 0 : number(&v);
    if (!(r->nulls >= 0 && r->nulls <= 1)) {
        return wrong(r, "The null values fraction should be 0 or 1.", "");
    }
    QL_TRY(needed(r, "collation-id", QL_JSON_INT, &v));
    r->collation = r->fault ? 0 : (uint32_t)v.i;
    if (!r->fault && (v.i < 0 || v.i > 65535 || !ql_collation_by_id(r->collation))) {
        return wrong_member(r, "The charset ID does not exist at '%s'.", "collation-id");
    }
    QL_TRY(needed(r, "sampling-rate", QL_JSON_DOUBLE, &v));
    r->rate = r->fault ? 0 : number(&v);
    if (!(r->rate >= 0 && r->rate <= 1)) {
        return wrong_member(r,
                            "The sampling rate must be greater than or equal to 0 and less than or "
                            "equal to 1 at '%s'.",
                            "sampling-rate");
    }
    QL_TRY(needed(r, "number-of-buckets-specified", QL_JSON_INT, &v));
    if (!r->fault && (v.i < 1 || v.i > BUCKETS_MOST)) {
        return wrong_member(r,
                            "The value of attribute number-of-buckets-specified must be an integer "
                            "in the range from 1 to 1024 at '%s'.",
                            "number-of-buckets-specified");
    }
    r->asked = r->fault ? 0 : (uint32_t)v.i;
    if (!r->fault) {
        QL_TRY(member(r, "auto-update", &v, &found));
        r->again = found && v.type == QL_JSON_BOOL && v.b;
        return found && v.type != QL_JSON_BOOL
                   ? wrong_member(r, "Wrong attribute type at '%s'.", "auto-update")
                   : QL_OK;
    }
    return QL_OK;
}

/* --- values --- */

static int
digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

/* false: it is no such text. */
static bool
from_base64(ql_str in, char *out, size_t *n)
{
    size_t prefix = sizeof BASE64 - 1;
    *n = 0;
    if (in.n < prefix || memcmp(in.p, BASE64, prefix) != 0 || (in.n - prefix) % 4 != 0) {
        return false;
    }
    for (size_t i = prefix; i < in.n; i += 4) {
        bool end = i + 4 == in.n;
        unsigned padding = end ? (unsigned)(in.p[i + 3] == '=') + (in.p[i + 2] == '=') : 0;
        uint32_t w = 0;
        for (unsigned k = 0; k < 4; k++) {
            int d = k >= 4 - padding ? 0 : digit(in.p[i + k]);
            if (d < 0) {
                return false;
            }
            w = w << 6 | (uint32_t)d;
        }
        for (unsigned k = 0; k < 3 - padding; k++) {
            out[(*n)++] = (char)(w >> (16 - 8 * k));
        }
    }
    return true;
}

/* Does a value of that JSON type stand for one of the column's? */
static bool
is_value(const reader *r, const ql_json *v)
{
    switch (ql_kind_family(r->type->kind)) {
    case QL_FAM_INT:
        return v->type == QL_JSON_INT || v->type == QL_JSON_UINT;
    case QL_FAM_DECIMAL:
    case QL_FAM_DOUBLE:
        return ql_json_is_number(v);
    default:
        return v->type == QL_JSON_STRING;
    }
}

/* A column would have refused it: *good false, and the error is forgotten. */
static ql_status
store(reader *r, const ql_value *v, ql_value *out, bool *good)
{
    ql_status st = ql_value_store(r->cx, r->a, v, r->type, "", 1, true, out);
    *good = st == QL_OK;
    if (st != QL_ERROR) {
        return st;
    }
    const ql_condition *e = ql_diag_error(r->cx->diag);
    switch (e ? e->number : 0) {
    case QL_ER_WARN_DATA_OUT_OF_RANGE:
    case QL_ER_WARN_DATA_TRUNCATED:
    case QL_ER_TRUNCATED_WRONG_VALUE:
    case QL_ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
    case QL_ER_DATA_TOO_LONG:
        ql_diag_clear_error(r->cx->diag);
        return QL_OK;
    default:
        return st;
    }
}

/* Element of a bucket, as a key; in the text as the column prints it. */
static ql_status
read_value(reader *r, const ql_json *bucket, uint32_t b, uint32_t element, ql_str *key)
{
    ql_json v;
    ql_value in, stored;
    bool good = false;
    QL_TRY(ql_json_at(r->cx, bucket, element, &v));
    if (!is_value(r, &v) || !ql_json_to_value(&v, &in)) {
        return wrong_bucket(r, "Value format error at '%s'.", b, (int)element);
    }
    if (ql_kind_family(r->type->kind) == QL_FAM_STRING) {
        char *text = ql_arena_alloc(r->cx, r->a, v.s.n + 4);
        size_t n;
        if (!text) {
            return QL_ERROR;
        }
        if (!from_base64(v.s, text, &n)) {
            return wrong_bucket(r, "Value format error at '%s'.", b, (int)element);
        }
        in = ql_value_str((ql_str){text, n}, r->type->coll);
        good = r->type->coll == ql_coll_binary || ql_utf8_valid_prefix(in.s) == n;
    } else {
        good = true;
    }
    QL_TRY(good ? store(r, &in, &stored, &good) : QL_OK);
    if (!good) {
        return wrong_bucket(r, "Out of range value for column at '%s'.", b, (int)element);
    }
    ql_buf_clear(&r->key);
    QL_TRY(qli_stats_key(r->cx, r->type, &stored, &r->key));
    *key = (ql_str){ql_arena_strndup(r->cx, r->a, r->key.p, r->key.n), r->key.n};
    QL_TRY(ql_buf_put_str(r->cx, &r->json, element > 0 ? ", " : b > 0 ? ", [" : "["));
    QL_TRY(qli_json_of_value(r->cx, r->type, &stored, &r->json));
    return key->p ? QL_OK : QL_ERROR;
}

/* The share of the rows up to its end, behind its values. */
static ql_status
read_frequency(reader *r, const ql_json *bucket, uint32_t b, uint32_t element, double *share)
{
    ql_json v;
    QL_TRY(ql_json_at(r->cx, bucket, element, &v));
    if (!ql_json_is_number(&v)) {
        return wrong_bucket(r, "Wrong attribute type at '%s'.", b, (int)element);
    }
    double upto = number(&v);
    if (!(upto >= 0 && upto <= 1)) {
        return wrong_bucket(r,
                            "The frequency must be greater than or equal to 0 and less than or "
                            "equal to 1 at '%s'.",
                            b, (int)element);
    }
    if (b > 0 && upto <= r->upto) {
        return wrong_bucket(r,
                            "The cumulative frequency of bucket at '%s' must be greater than that "
                            "of previous bucket.",
                            b, (int)element);
    }
    *share = upto - r->upto;
    r->upto = upto;
    QL_TRY(ql_buf_put_str(r->cx, &r->json, ", "));
    return qli_json_put_double(r->cx, &r->json, upto);
}

static ql_status
read_single(reader *r, const ql_json *bucket, uint32_t b)
{
    qli_common *m = &r->h->common[b];
    if (bucket->type != QL_JSON_ARRAY || bucket->n != 2) {
        return wrong_bucket(r, "Two elements required for bucket at '%s'.", b, -1);
    }
    QL_TRY(read_value(r, bucket, b, 0, &m->key));
    if (!r->fault && b > 0 && ql_str_cmp(r->last, m->key) >= 0) {
        return wrong_bucket(r, "The value at '%s' must be greater than that of previous bucket.", b,
                            0);
    }
    QL_TRY(r->fault ? QL_OK : read_frequency(r, bucket, b, 1, &m->share));
    r->last = m->key;
    r->h->ncommon++;
    r->distinct += 1;
    return ql_buf_put_u8(r->cx, &r->json, ']');
}

static ql_status
read_bucket(reader *r, const ql_json *bucket, uint32_t b)
{
    ql_json n;
    qli_bucket *m = &r->h->buckets[b];
    if (bucket->type != QL_JSON_ARRAY || bucket->n != 4) {
        return wrong_bucket(r, "Four elements required for bucket at '%s'.", b, -1);
    }
    QL_TRY(read_value(r, bucket, b, 0, &m->low));
    QL_TRY(r->fault ? QL_OK : read_value(r, bucket, b, 1, &m->high));
    if (r->fault) {
        return QL_OK;
    }
    if (ql_str_cmp(m->low, m->high) > 0) {
        return wrong_bucket(r,
                            "The lower inclusive value of bucket at '%s' must be less than or "
                            "equal to upper inclusive value.",
                            b, -1);
    }
    if (b > 0 && ql_str_cmp(r->last, m->low) >= 0) {
        return wrong_bucket(r,
                            "The lower inclusive value of bucket at '%s' must be greater than the "
                            "upper inclusive value of previous bucket.",
                            b, -1);
    }
    QL_TRY(read_frequency(r, bucket, b, 2, &m->share));
    QL_TRY(ql_json_at(r->cx, bucket, 3, &n));
    if (!r->fault && (n.type != QL_JSON_INT || n.i < 1)) {
        return wrong_bucket(r, "The number of distinct values must be a positive integer at '%s'.",
                            b, 3);
    }
    r->last = m->high;
    r->h->nbuckets++;
    r->h->rest += m->share;
    r->distinct += r->fault ? 0 : (double)n.i;
    return r->fault ? QL_OK : ql_buf_printf(r->cx, &r->json, ", %lld]", (long long)n.i);
}

static ql_status
read_buckets(reader *r)
{
    ql_json v, bucket;
    QL_TRY(needed(r, "buckets", QL_JSON_ARRAY, &v));
    if (r->fault) {
        return QL_OK;
    }
    if (v.n > r->asked) {
        return wrong(r,
                     "The number of real buckets must be less than or equal to the number "
                     "specified by attribute number-of-buckets-specified.",
                     "");
    }
    if (v.n == 0 && !r->single) {
        return wrong(r, "Equi-height histogram must have at least one bucket", "");
    }
    r->h = QL_ARENA_NEW(r->cx, r->a, ql_histogram);
    qli_common *common = r->h ? QL_ARENA_ARRAY(r->cx, r->a, qli_common, v.n + 1) : NULL;
    qli_bucket *buckets = common ? QL_ARENA_ARRAY(r->cx, r->a, qli_bucket, v.n + 1) : NULL;
    if (!buckets) {
        return QL_ERROR;
    }
    r->h->common = common;
    r->h->buckets = buckets;
    QL_TRY(ql_buf_put_str(r->cx, &r->json, "{\"buckets\": ["));
    for (uint32_t i = 0; i < v.n && !r->fault; i++) {
        QL_TRY(ql_check(r->cx));
        QL_TRY(ql_json_at(r->cx, &v, i, &bucket));
        QL_TRY(r->single ? read_single(r, &bucket, i) : read_bucket(r, &bucket, i));
    }
    if (r->fault) {
        return QL_OK;
    }
    if (v.n == 0) {
        return r->nulls == 0 || r->nulls == 1
                   ? QL_OK
                   : wrong(r, "The null values fraction should be 0 or 1.", "");
    }
    return fabs(r->nulls + r->upto - 1) <= MOSTLY
               ? QL_OK
               : wrong(r,
                       "The sum of the null values fraction and the cumulative frequency of the "
                       "last bucket should be 1.'",
                       "");
}

/* --- all of it --- */

static ql_status
read_all(reader *r, ql_json_builder *b, ql_str json)
{
    ql_json_fault fault;
    QL_TRY(ql_json_parse(b, json, &fault));
    if (fault.what) {
        return wrong(r, "JSON format error.", "");
    }
    QL_TRY(ql_json_open(r->cx, ql_json_built(b), &r->doc));
    if (r->doc.type != QL_JSON_OBJECT) {
        return wrong(r, "JSON data is not an object", "");
    }
    QL_TRY(read_types(r));
    QL_TRY(r->fault ? QL_OK : read_numbers(r));
    return r->fault ? QL_OK : read_buckets(r);
}

static ql_status
keep(reader *r)
{
    int64_t now = ql_now_real_us();
    ql_column_stats c = {.known = true, .nulls = r->nulls, .distinct = r->distinct};
    c.distinct = c.distinct < 1 ? 1 : c.distinct;
    r->h->complete = r->single && r->rate >= 1;
    c.histogram = r->h->ncommon + r->h->nbuckets > 0 ? r->h : NULL;
    qli_histogram_said said = {.type = r->type,
                               .again = r->again,
                               .single = r->single,
                               .nulls = r->nulls,
                               .rate = r->rate,
                               .buckets = r->asked,
                               .collation = r->collation,
                               .at_us = now};
    QL_TRY(qli_histogram_end(r->cx, &r->json, &said));
    return qli_histogram_keep(r->cx, r->t, r->column, &r->json, now, &c);
}

ql_status
ql_stats_read_histogram(ql_ctx *cx, ql_arena *a, ql_table *t, uint16_t column, ql_str json,
                        const char **fault)
{
    ql_json_builder b;
    reader r = {.cx = cx, .t = t, .column = column, .type = &t->types[column]};
    r.a = ql_arena_new("histogram", NULL);
    *fault = NULL;
    if (!r.a) {
        return ql_fail_oom(cx, 1024);
    }
    ql_json_builder_init(&b, cx, r.a);
    b.decimals = ql_kind_family(r.type->kind) == QL_FAM_DECIMAL;
    ql_status st = read_all(&r, &b, json);
    if (st == QL_OK && r.fault) {
        *fault = ql_arena_strndup(cx, a, r.fault, strlen(r.fault));
        st = *fault ? QL_OK : QL_ERROR;
    } else if (st == QL_OK) {
        st = keep(&r);
    }
    ql_json_builder_free(&b);
    ql_buf_free(&r.json);
    ql_buf_free(&r.key);
    ql_arena_free(r.a);
    if (st == QL_OK && !*fault) {
        ql_table_keep(t, NULL); /* as after one is made */
    }
    return st;
}
