/* SPDX-License-Identifier: Apache-2.0
 *
 * Path expressions (manual, "JSON Path Syntax"). Runs in the thread of the statement; no locks, no
 * waits.
 */
#include <string.h>

#include "base/arena.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "json/path.h"

/* What is read of a path goes down so often at most: 3143. */
#define MOST_ELLIPSES 100

typedef struct reader {
    ql_ctx *cx;
    ql_arena *a;
    ql_str in;
    size_t at;
    unsigned ellipses;
    ql_buf legs;
} reader;

static int
here(const reader *r)
{
    return r->at < r->in.n ? (unsigned char)r->in.p[r->at] : -1;
}

static bool
is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static ql_status
skip_blanks(reader *r)
{
    while (is_blank(here(r))) {
        r->at++;
        QL_TRY(ql_bulk_count(r->cx, 1));
    }
    return QL_OK;
}

/* Characters before the byte `at`. */
static ql_status
refuse(reader *r)
{
    size_t chars;
    QL_TRY(ql_utf8_chars_long(r->cx, (ql_str){r->in.p, r->at < r->in.n ? r->at : r->in.n}, &chars));
    return ql_fail(r->cx, QL_ER_INVALID_JSON_PATH, (unsigned)chars);
}

static ql_status
put_leg(reader *r, const ql_json_leg *leg)
{
    return ql_buf_put(r->cx, &r->legs, leg, sizeof *leg);
}

/* ---- members ---- */

/* At the quote: its text as JSON has it. */
static ql_status
quoted_name(reader *r, ql_str *name)
{
    size_t from = r->at++;
    while (here(r) != '"') {
        r->at += here(r) == '\\' ? 2 : 1;
        QL_TRY(ql_bulk_count(r->cx, 1));
        if (r->at >= r->in.n) {
            return refuse(r);
        }
    }
    r->at++;
    ql_json_builder *b = ql_arena_alloc(r->cx, r->a, sizeof *b);
    if (b == NULL) {
        return QL_ERROR;
    }
    ql_json_fault fault;
    ql_json v;
    ql_str bytes;
    ql_json_builder_init(b, r->cx, r->a);
    ql_status st = ql_json_parse(b, (ql_str){r->in.p + from, r->at - from}, &fault);
    if (st == QL_OK && fault.what != NULL) {
        st = refuse(r);
    }
    st = st == QL_OK ? ql_json_take(b, r->a, &bytes) : st;
    st = st == QL_OK ? ql_json_open(r->cx, bytes, &v) : st;
    ql_json_builder_free(b);
    *name = st == QL_OK ? v.s : (ql_str){0};
    return st;
}

static bool
may_begin_name(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c >= 0x80;
}

static ql_status
plain_name(reader *r, ql_str *name)
{
    size_t from = r->at;
    int c = here(r);
    for (; c >= 0 && !is_blank(c) && c != '.' && c != '[' && c != '*'; c = here(r)) {
        bool good = may_begin_name(c) || (r->at > from && c >= '0' && c <= '9');
        if (!good) {
            return refuse(r);
        }
        r->at++;
        QL_TRY(ql_bulk_count(r->cx, 1));
    }
    size_t valid;
    *name = (ql_str){r->in.p + from, r->at - from};
    QL_TRY(ql_utf8_valid_prefix_long(r->cx, *name, &valid));
    return name->n == 0 || valid < name->n ? refuse(r) : QL_OK;
}

static ql_status
member_leg(reader *r)
{
    ql_json_leg leg = {.type = QL_LEG_MEMBER};
    r->at++;
    QL_TRY(skip_blanks(r));
    if (here(r) == '*') {
        r->at++;
        leg.type = QL_LEG_ANY_MEMBER;
        return put_leg(r, &leg);
    }
    if (here(r) == '"') {
        QL_TRY(quoted_name(r, &leg.name));
        return put_leg(r, &leg);
    }
    QL_TRY(plain_name(r, &leg.name));
    char *p = ql_arena_strndup(r->cx, r->a, leg.name.p, leg.name.n);
    leg.name.p = p;
    return p != NULL ? put_leg(r, &leg) : QL_ERROR;
}

/* ---- cells ---- */

static ql_status
number(reader *r, uint32_t *n)
{
    uint64_t v = 0;
    size_t from = r->at;
    while (here(r) >= '0' && here(r) <= '9') {
        v = v * 10 + (unsigned)(here(r) - '0');
        if (v > UINT32_MAX) {
            return refuse(r);
        }
        r->at++;
    }
    *n = (uint32_t)v;
    return r->at == from ? refuse(r) : QL_OK;
}

static bool
take_word(reader *r, ql_str word)
{
    if (r->in.n - r->at < word.n || !ql_str_eq_nocase((ql_str){r->in.p + r->at, word.n}, word)) {
        return false;
    }
    r->at += word.n;
    return true;
}

static ql_status
cell(reader *r, ql_json_cell *c)
{
    *c = (ql_json_cell){0};
    if (!take_word(r, QL_STR("last"))) {
        return number(r, &c->index);
    }
    c->from_last = true;
    QL_TRY(skip_blanks(r));
    if (here(r) != '-') {
        return QL_OK;
    }
    r->at++;
    QL_TRY(skip_blanks(r));
    return number(r, &c->index);
}

/* Behind the first cell: [n to m] */
static ql_status
opt_range(reader *r, ql_json_leg *leg)
{
    bool blank = is_blank(here(r));
    QL_TRY(skip_blanks(r));
    if (here(r) == ']') {
        return QL_OK;
    }
    if (!blank || !take_word(r, QL_STR("to")) || !is_blank(here(r))) {
        return refuse(r);
    }
    QL_TRY(skip_blanks(r));
    QL_TRY(cell(r, &leg->to));
    leg->type = QL_LEG_RANGE;
    bool same = leg->from.from_last == leg->to.from_last;
    bool wrong =
        leg->from.from_last ? leg->from.index < leg->to.index : leg->from.index > leg->to.index;
    return same && wrong ? refuse(r) : QL_OK;
}

static ql_status
cell_leg(reader *r)
{
    ql_json_leg leg = {.type = QL_LEG_CELL};
    r->at++;
    QL_TRY(skip_blanks(r));
    if (here(r) == '*') {
        r->at++;
        leg.type = QL_LEG_ANY_CELL;
    } else {
        QL_TRY(cell(r, &leg.from));
        QL_TRY(opt_range(r, &leg));
    }
    QL_TRY(skip_blanks(r));
    if (here(r) != ']') {
        return refuse(r);
    }
    r->at++;
    return put_leg(r, &leg);
}

/* Something has to stand behind it, and no third star. */
static ql_status
ellipsis_leg(reader *r)
{
    ql_json_leg leg = {.type = QL_LEG_ELLIPSIS};
    r->at++;
    if (here(r) != '*' || ++r->ellipses > MOST_ELLIPSES) {
        return refuse(r);
    }
    r->at++;
    if (here(r) == '*') {
        return refuse(r);
    }
    QL_TRY(skip_blanks(r));
    return here(r) < 0 ? refuse(r) : put_leg(r, &leg);
}

static ql_status
read_legs(reader *r)
{
    QL_TRY(skip_blanks(r));
    if (here(r) != '$') {
        r->at += r->at < r->in.n;
        return refuse(r);
    }
    r->at++;
    for (;;) {
        QL_TRY(skip_blanks(r));
        switch (here(r)) {
        case -1:
            return QL_OK;
        case '.':
            QL_TRY(member_leg(r));
            break;
        case '[':
            QL_TRY(cell_leg(r));
            break;
        case '*':
            QL_TRY(ellipsis_leg(r));
            break;
        default:
            return refuse(r);
        }
    }
}

/* Behind an ellipsis, a cell of what is no array is the value itself again. */
static ql_status
describe(ql_ctx *cx, ql_json_path *p)
{
    bool deep = false;
    for (uint32_t i = 0; i < p->n; i++) {
        ql_json_leg_type t = p->legs[i].type;
        p->many |= t != QL_LEG_MEMBER && t != QL_LEG_CELL;
        p->may_repeat |= deep && (t == QL_LEG_ELLIPSIS || t == QL_LEG_CELL || t == QL_LEG_RANGE ||
                                  t == QL_LEG_ANY_CELL);
        deep |= t == QL_LEG_ELLIPSIS;
        QL_TRY(ql_bulk_count(cx, sizeof *p->legs));
    }
    return QL_OK;
}

ql_status
ql_json_path_parse(ql_ctx *cx, ql_arena *a, ql_str text, ql_json_path *out)
{
    reader r = {.cx = cx, .a = a, .in = text, .legs = {.quota = ql_arena_quota(a)}};
    *out = (ql_json_path){0};
    ql_status st = read_legs(&r);
    char *legs = st == QL_OK ? ql_arena_alloc(cx, a, r.legs.n + 1) : NULL;
    if (legs != NULL) {
        out->legs = (const ql_json_leg *)(void *)legs;
        out->n = (uint32_t)(r.legs.n / sizeof(ql_json_leg));
        st = ql_bulk_copy(cx, legs, r.legs.p, r.legs.n);
    } else if (st == QL_OK) {
        st = QL_ERROR;
    }
    ql_buf_free(&r.legs);
    return st == QL_OK ? describe(cx, out) : st;
}
