/* SPDX-License-Identifier: Apache-2.0
 *
 * How long the texts of a query's items can get, for the columns that are made of them. Pure
 * functions of the resolved query.
 */
#include "base/ctx.h"
#include "base/text.h"
#include "resolve/tablespec_int.h"
#include "types/kinds.h"

/* --- what a slot is --- */

/* The column of a table behind a slot of the block's rows before they are grouped, or NULL. */
const ql_column *
qli_column_of_slot(const ql_query *q, uint32_t slot)
{
    for (uint16_t s = 0; s < q->nsources; s++) {
        const ql_source *src = &q->sources[s];
        for (uint16_t k = 0; src->table && k < src->ncols; k++) {
            if (src->slots[k] == slot) {
                return &src->table->columns[src->ordinals[k]];
            }
        }
    }
    return NULL;
}

const ql_agg *
qli_aggregate_of_slot(const ql_query *q, uint32_t slot)
{
    for (uint16_t i = 0; q->grouped && i < q->naggs; i++) {
        if (q->aggs[i].slot == slot) {
            return &q->aggs[i];
        }
    }
    return NULL;
}

/* What a slot of grouped rows was before: a key; else e itself. */
const ql_expr *
qli_before_grouping(const ql_query *q, const ql_expr *e)
{
    for (uint16_t i = 0; q->grouped && i < q->ngroup; i++) {
        if (q->group_slots[i] == e->index) {
            return q->group_by[i];
        }
    }
    return e;
}

/* --- how long its text is --- */

#define UNKNOWN QLI_UNKNOWN_CHARS

/* Of a TEXT as many as it has bytes: MySQL counts so. */
uint64_t
qli_text_chars_of_type(const ql_type *t)
{
    return t->length;
}

static uint64_t
chars_of_slot(ql_ctx *cx, const ql_query *q, const ql_expr *e)
{
    const ql_agg *g = qli_aggregate_of_slot(q, e->index);
    if (g && g->fn == QL_AGG_GROUP_CONCAT) {
        return cx->vars ? ql_vars_u64(cx->vars, QL_SV_GROUP_CONCAT_MAX_LEN) : UNKNOWN;
    }
    if (g) {
        bool is = g->fn == QL_AGG_MIN || g->fn == QL_AGG_MAX || g->fn == QL_AGG_ANY_VALUE;
        return is ? qli_text_chars(cx, q, g->args[0]) : UNKNOWN;
    }
    const ql_expr *was = qli_before_grouping(q, e);
    if (was != e && was->kind != QL_E_SLOT) {
        return qli_text_chars(cx, q, was);
    }
    const ql_column *c = qli_column_of_slot(q, was->index);
    return c ? qli_text_chars_of_type(&c->type) : UNKNOWN;
}

/* Of item i of a UNION: of whichever side has more. */
static uint64_t
chars_of_union(ql_ctx *cx, const ql_query *q, uint32_t i)
{
    uint64_t most = 0;
    for (; q->set_op != QL_SET_NONE; q = q->left) {
        uint64_t n = qli_text_chars(cx, q->right, q->right->items[i].expr);
        most = n > most ? n : most;
    }
    uint64_t first = qli_text_chars(cx, q, q->items[i].expr);
    return first > most ? first : most;
}

static uint64_t
most_chars(ql_ctx *cx, const ql_query *q, const ql_expr *e, bool sum)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < e->nargs && n != UNKNOWN; i++) {
        uint64_t c = e->args[i]->type.kind == QL_K_STRING ? qli_text_chars(cx, q, e->args[i]) : 0;
        n = c == UNKNOWN || n > UINT32_MAX ? UNKNOWN : sum ? n + c : c > n ? c : n;
    }
    return n;
}

static uint64_t
limited(uint64_t n)
{
    return n > UINT32_MAX ? UNKNOWN : n;
}

/* Of any value as a text. */
static uint64_t
chars_of_arg(ql_ctx *cx, const ql_query *q, const ql_expr *e)
{
    return e->type.kind == QL_K_STRING ? qli_text_chars(cx, q, e)
                                       : ql_kinds[e->type.kind]->text_length(&e->type);
}

static uint64_t
bytes_of_arg(ql_ctx *cx, const ql_query *q, const ql_expr *e)
{
    uint64_t chars = chars_of_arg(cx, q, e);
    bool text = e->type.kind == QL_K_STRING && e->type.coll != NULL;
    return chars == UNKNOWN ? UNKNOWN
           : text           ? chars * (e->type.coll->charset->max_bytes ?: 1)
                            : chars;
}

static bool
constant_int(const ql_expr *e, int64_t *v)
{
    bool is = e->kind == QL_E_CONST && e->value.kind == QL_K_INT;
    *v = !is ? 0 : e->value.is_unsigned && e->value.i < 0 ? INT64_MAX : e->value.i;
    return is;
}

/* From a place on, at most so many. */
static uint64_t
chars_of_part(uint64_t all, const ql_expr *e)
{
    int64_t from, most;
    if (all == UNKNOWN) {
        return e->type.length < UINT32_MAX ? e->type.length : UNKNOWN;
    }
    if (constant_int(e->args[1], &from) && from != INT64_MIN) {
        uint64_t skipped = from > 0 ? (uint64_t)from - 1 : 0;
        all = from < 0 ? ((uint64_t)-from > all ? 0 : (uint64_t)-from)
                       : (skipped > all ? 0 : all - skipped);
    }
    if (e->nargs > 2 && constant_int(e->args[2], &most)) {
        all = most < 0 ? 0 : (uint64_t)most < all ? (uint64_t)most : all;
    }
    return all;
}

/* As often as the shorter text can be in it. */
static uint64_t
chars_replaced(ql_ctx *cx, const ql_query *q, const ql_expr *e)
{
    uint64_t all = chars_of_arg(cx, q, e->args[0]), to = chars_of_arg(cx, q, e->args[2]);
    bool known = e->args[1]->kind == QL_E_CONST && e->args[1]->value.kind == QL_K_STRING;
    uint64_t from = known ? ql_utf8_chars(e->args[1]->value.s) : 1;
    if (all == UNKNOWN || to == UNKNOWN) {
        return UNKNOWN;
    }
    return limited(from > 0 && to > from ? all + all / from * (to - from) : all);
}

/* Digits, a sign, the most decimals that can be asked for, and what stands between thousands. */
static uint64_t
chars_formatted(const ql_expr *number)
{
    uint64_t n = ql_kinds[number->type.kind]->text_length(&number->type);
    return number->type.kind == QL_K_DOUBLE ? 443 : n + n / 3 + 2 + 30;
}

/* MySQL's count for each letter of DATE_FORMAT(): names may be of any language. */
static uint64_t
chars_of_format(ql_ctx *cx, const ql_query *q, const ql_expr *format)
{
    if (format->kind != QL_E_CONST || format->value.kind != QL_K_STRING) {
        uint64_t n = chars_of_arg(cx, q, format);
        return n == UNKNOWN ? UNKNOWN : limited(n * 10);
    }
    ql_str s = format->value.s;
    uint64_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '%' || i + 1 == s.n) {
            n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
            continue;
        }
        switch (s.p[++i]) {
        case 'M':
        case 'W':
            n += 64;
            break;
        case 'a':
        case 'b':
            n += 32;
            break;
        case 'r':
            n += 11;
            break;
        case 'T':
            n += 8;
            break;
        case 'k':
        case 'H':
            n += 7;
            break;
        case 'f':
            n += 6;
            break;
        case 'D':
        case 'Y':
        case 'x':
        case 'X':
            n += 4;
            break;
        case 'j':
            n += 3;
            break;
        case 'u':
        case 'U':
        case 'v':
        case 'V':
        case 'y':
        case 'm':
        case 'd':
        case 'h':
        case 'i':
        case 'I':
        case 'l':
        case 'p':
        case 'S':
        case 's':
        case 'c':
        case 'e':
            n += 2;
            break;
        default:
            n += 1;
            break;
        }
    }
    return n;
}

static uint64_t
chars_of_digest(const ql_expr *bits)
{
    int64_t n;
    return constant_int(bits, &n) && (n == 0 || n == 224 || n == 256 || n == 384)
               ? (uint64_t)(n == 0 ? 256 : n) / 4
               : 128;
}

static uint64_t
chars_coded(ql_ctx *cx, const ql_query *q, const ql_expr *e)
{
    uint64_t bytes = bytes_of_arg(cx, q, e->args[0]), n;
    if (bytes == UNKNOWN) {
        return UNKNOWN;
    }
    switch (e->fn) {
    case QL_FN_HEX:
        n = bytes * 2;
        return limited(e->args[0]->type.kind != QL_K_STRING && n < 16 ? 16 : n);
    case QL_FN_UNHEX:
        return (bytes + 1) / 2;
    case QL_FN_TO_BASE64:
        n = (bytes + 2) / 3 * 4;
        return limited(n > 0 ? n + (n - 1) / 76 : 0);
    case QL_FN_FROM_BASE64:
        return (bytes * 3 + 3) / 4;
    default: /* COMPRESS */
        return limited(bytes + bytes / 5 + 12);
    }
}

static uint64_t
chars_joined(ql_ctx *cx, const ql_query *q, const ql_expr *e, uint64_t between)
{
    uint64_t n = 0;
    for (uint32_t i = 1; i < e->nargs; i++) {
        uint64_t c = chars_of_arg(cx, q, e->args[i]);
        if (c == UNKNOWN || between == UNKNOWN) {
            return UNKNOWN;
        }
        n = limited(n + c + (i > 1 ? between : 0));
        if (n == UNKNOWN) {
            return UNKNOWN;
        }
    }
    return n;
}

static uint64_t
chars_of_set(ql_ctx *cx, const ql_query *q, const ql_expr *e)
{
    uint64_t on = chars_of_arg(cx, q, e->args[1]), off = chars_of_arg(cx, q, e->args[2]);
    uint64_t between = e->nargs > 3 ? chars_of_arg(cx, q, e->args[3]) : 1;
    if (on == UNKNOWN || off == UNKNOWN || between == UNKNOWN) {
        return UNKNOWN;
    }
    return limited((on > off ? on : off) * 64 + between * 63);
}

static uint64_t
chars_of_function(ql_ctx *cx, const ql_query *q, const ql_expr *e)
{
    uint64_t first = e->nargs > 0 ? chars_of_arg(cx, q, e->args[0]) : UNKNOWN;
    const ql_expr *second = e->nargs > 1 ? e->args[1] : NULL;
    int64_t times = 0;
    bool counted = second && constant_int(second, &times);
    uint64_t count = times < 0 ? 0 : (uint64_t)times;
    switch (e->fn) {
    case QL_FN_CONCAT:
        return most_chars(cx, q, e, true);
    case QL_FN_COALESCE:
    case QL_FN_GREATEST:
    case QL_FN_LEAST:
    case QL_FN_ELT:
        return most_chars(cx, q, e, false);
    case QL_FN_UPPER:
    case QL_FN_LOWER:
    case QL_FN_TRIM:
    case QL_FN_LTRIM:
    case QL_FN_RTRIM:
    case QL_FN_REVERSE:
    case QL_FN_SUBSTRING_INDEX:
        return first;
    case QL_FN_QUOTE:
        return first == UNKNOWN ? UNKNOWN : limited(2 * first + 2);
    case QL_FN_SOUNDEX:
        return first < 4 ? 4 : first;
    case QL_FN_LEFT:
    case QL_FN_RIGHT:
        return e->type.length < first ? e->type.length : first;
    case QL_FN_SUBSTRING:
        return chars_of_part(first, e);
    case QL_FN_REPEAT:
        return !counted || first > UINT32_MAX || count > UINT32_MAX ? UNKNOWN
                                                                    : limited(count * first);
    case QL_FN_LPAD:
    case QL_FN_RPAD:
        return counted ? limited(count) : UNKNOWN;
    case QL_FN_SPACE:
        return constant_int(e->args[0], &times) ? limited(times < 0 ? 0 : (uint64_t)times)
                                                : UNKNOWN;
    case QL_FN_REPLACE:
        return chars_replaced(cx, q, e);
    case QL_FN_INSERT: {
        uint64_t put = chars_of_arg(cx, q, e->args[3]);
        return first == UNKNOWN || put == UNKNOWN ? UNKNOWN : limited(first + put);
    }
    case QL_FN_CONCAT_WS:
        return chars_joined(cx, q, e, first);
    case QL_FN_MAKE_SET:
        return chars_joined(cx, q, e, 1);
    case QL_FN_EXPORT_SET:
        return chars_of_set(cx, q, e);
    case QL_FN_FORMAT:
        return chars_formatted(e->args[0]);
    case QL_FN_CHAR:
        return 4ull * e->nargs;
    case QL_FN_HEX:
    case QL_FN_UNHEX:
    case QL_FN_TO_BASE64:
    case QL_FN_FROM_BASE64:
    case QL_FN_COMPRESS:
        return chars_coded(cx, q, e);
    case QL_FN_CONV:
        return 65;
    case QL_FN_SHA2:
        return chars_of_digest(e->args[1]);
    case QL_FN_RANDOM_BYTES:
        return 1024;
    case QL_FN_INET6_ATON:
    case QL_FN_UUID_TO_BIN:
        return 16;
    case QL_FN_DATE_FORMAT:
    case QL_FN_TIME_FORMAT:
    case QL_FN_FROM_UNIXTIME:
        return second != NULL ? chars_of_format(cx, q, second) : UNKNOWN;
    default:
        return UNKNOWN;
    }
}

uint64_t
qli_text_chars(ql_ctx *cx, const ql_query *q, const ql_expr *e)
{
    switch (e->kind) {
    case QL_E_CONST:
        return qli_text_chars_of_type(&e->type);
    case QL_E_SLOT:
        return q->set_op != QL_SET_NONE ? chars_of_union(cx, q, e->index) : chars_of_slot(cx, q, e);
    case QL_E_CASE:
        return most_chars(cx, q, e, false);
    case QL_E_CAST:
        return e->type.kind != QL_K_STRING || e->args[0]->type.kind != QL_K_STRING
                   ? qli_text_chars_of_type(&e->type)
                   : qli_text_chars(cx, q, e->args[0]);
    case QL_E_FUNC:
        return chars_of_function(cx, q, e);
    default:
        return UNKNOWN;
    }
}
