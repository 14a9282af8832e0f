/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON functions that look for values in documents. Runs in the thread of the statement; no locks,
 * no waits.
 */
#include "fn/json_int.h"

#define BEGIN                                                                                      \
    qli_json_call *j;                                                                              \
    QL_TRY(qli_json_begin(cx, call, args, nargs, &j))

/* ---- values at paths ---- */

typedef struct collected {
    ql_json_builder *b;
    uint32_t n;
} collected;

static ql_status
collect(void *arg, const ql_json *v)
{
    collected *c = arg;
    c->n++;
    return ql_json_put(c->b, v);
}

QLI_FN(JSON_EXTRACT)
{
    ql_json doc, v;
    const ql_json_path *path;
    bool found;
    BEGIN;
    QL_TRY(qli_json_doc(j, 0, &doc));
    QL_TRY(qli_json_path(j, 1, false, &path));
    if (nargs == 2 && !path->many) {
        QL_TRY(ql_json_seek_one(cx, &doc, path, &v, &found));
        return found ? qli_json_put_part(&v, out) : QL_OK;
    }
    collected c = {.b = &j->result};
    QL_TRY(ql_json_begin(&j->result, false));
    for (uint32_t i = 1; i < nargs; i++) {
        QL_TRY(qli_json_path(j, i, false, &path));
        QL_TRY(ql_json_seek(cx, &doc, path, collect, &c));
    }
    QL_TRY(ql_json_end(&j->result));
    return c.n > 0 ? qli_json_put_result(j, out) : QL_OK;
}

QLI_FN(JSON_CONTAINS_PATH)
{
    ql_json doc, v;
    bool one, found = false;
    BEGIN;
    if (args[0].kind == QL_K_NULL || args[1].kind == QL_K_NULL) {
        return QL_OK;
    }
    QL_TRY(qli_json_doc(j, 0, &doc));
    QL_TRY(qli_json_one_or_all(j, 1, &one));
    for (uint32_t i = 2; i < nargs; i++) {
        const ql_json_path *path;
        if (args[i].kind == QL_K_NULL) {
            return QL_OK;
        }
        QL_TRY(qli_json_path(j, i, false, &path));
        QL_TRY(ql_json_seek_one(cx, &doc, path, &v, &found));
        if (found == one) {
            break;
        }
    }
    return qli_put_int(out, found);
}

/* ---- documents in documents ---- */

QLI_FN(JSON_CONTAINS)
{
    ql_json doc, what;
    bool yes, found = true;
    BEGIN;
    QL_TRY(qli_json_doc(j, 0, &doc));
    QL_TRY(qli_json_doc(j, 1, &what));
    if (nargs == 3) {
        const ql_json_path *path;
        ql_json whole = doc;
        QL_TRY(qli_json_path(j, 2, true, &path));
        QL_TRY(ql_json_seek_one(cx, &whole, path, &doc, &found));
    }
    if (!found) {
        return QL_OK;
    }
    QL_TRY(ql_json_contains(cx, &doc, &what, &yes));
    return qli_put_int(out, yes);
}

QLI_FN(JSON_OVERLAPS)
{
    ql_json x, y;
    bool yes;
    BEGIN;
    QL_TRY(qli_json_doc(j, 0, &x));
    QL_TRY(qli_json_doc(j, 1, &y));
    QL_TRY(ql_json_overlaps(cx, &x, &y, &yes));
    return qli_put_int(out, yes);
}

QLI_FN(MEMBER_OF)
{
    ql_json v, array;
    bool yes;
    BEGIN;
    QL_TRY(qli_json_doc(j, 1, &array));
    QL_TRY(qli_json_value(j, 0, &v));
    QL_TRY(ql_json_has_element(cx, &array, &v, &yes));
    return qli_put_int(out, yes);
}

/* ---- JSON_SEARCH ---- */

/* A walk over a document with the path to where it is. Lives as long as the call. */
typedef struct search {
    qli_json_call *j;
    ql_call like; /* text LIKE pattern ESCAPE character */
    ql_value likes[3];
    ql_buf parts; /* ql_str: where values are looked for; empty: everywhere */
    uint32_t n;
    bool one, everywhere;
} search;

static ql_status
add_part(void *arg, const ql_json *v)
{
    search *s = arg;
    return ql_buf_put(s->j->cx, &s->parts, &v->bytes, sizeof v->bytes);
}

static ql_status
is_in_part(search *s, const ql_json *v, bool *yes)
{
    const ql_str *p = (const ql_str *)(void *)s->parts.p;
    *yes = s->everywhere;
    for (size_t i = 0; i < s->parts.n / sizeof *p && !*yes; i++) {
        *yes = v->bytes.p >= p[i].p && v->bytes.p + v->bytes.n <= p[i].p + p[i].n;
        QL_TRY(ql_bulk_count(s->j->cx, sizeof *p));
    }
    return QL_OK;
}

static bool
is_identifier(ql_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
                    (unsigned char)c >= 0x80 || (i > 0 && c >= '0' && c <= '9');
        if (!good) {
            return false;
        }
    }
    return s.n > 0;
}

/* j->text is the path so far. */
static ql_status
note_path(search *s)
{
    ql_json_builder *b = &s->j->result;
    ql_str path = {s->j->text.p, s->j->text.n};
    QL_TRY(s->n == 0 ? ql_json_begin(b, false) : QL_OK);
    s->n++;
    QL_TRY(ql_json_put_str(b, path));
    return s->one ? QL_END : QL_OK;
}

static ql_status
look_at_text(search *s, const ql_json *v)
{
    ql_value yes = ql_value_null();
    bool in;
    QL_TRY(is_in_part(s, v, &in));
    if (!in) {
        return QL_OK;
    }
    s->likes[0] = ql_value_str(v->s, ql_coll_utf8mb4_bin);
    QL_TRY(ql_fn_like(s->j->cx, &s->like, s->likes, 3, &yes));
    return yes.i != 0 ? note_path(s) : QL_OK;
}

static ql_status
walk(search *s, const ql_json *v)
{
    ql_buf *text = &s->j->text;
    ql_ctx *cx = s->j->cx;
    size_t here = text->n;
    if (v->type == QL_JSON_STRING) {
        return look_at_text(s, v);
    }
    for (uint32_t i = 0; i < v->n; i++) {
        ql_json e;
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(ql_json_at(cx, v, i, &e));
        if (e.nest == 0 && e.type != QL_JSON_STRING) {
            continue;
        }
        if (v->type == QL_JSON_ARRAY) {
            QL_TRY(ql_buf_printf(cx, text, "[%u]", i));
        } else {
            ql_str key;
            QL_TRY(ql_json_key(cx, v, i, &key));
            QL_TRY(ql_buf_put_u8(cx, text, '.'));
            QL_TRY(is_identifier(key) ? ql_buf_put(cx, text, key.p, key.n)
                                      : ql_json_print_quoted(cx, key, text));
        }
        QL_TRY(walk(s, &e));
        text->n = here;
    }
    return QL_OK;
}

static ql_status
search_all(search *s, const ql_json *doc)
{
    qli_json_call *j = s->j;
    for (uint32_t i = 4; i < j->n; i++) {
        const ql_json_path *path;
        QL_TRY(qli_json_path(j, i, false, &path));
        QL_TRY(ql_json_seek(j->cx, doc, path, add_part, s));
    }
    QL_TRY(ql_buf_put_u8(j->cx, &j->text, '$'));
    ql_status st = walk(s, doc);
    return st == QL_END ? QL_OK : st;
}

/* No escape character: a backslash. 1210 */
static ql_status
take_escape(qli_json_call *j, ql_value *escape)
{
    ql_str s = QL_STR("\\");
    if (j->n > 3 && j->values[3].kind != QL_K_NULL) {
        ql_str given;
        QL_TRY(ql_value_to_str(j->cx, j->call->arena, &j->values[3], &given));
        if (given.n > 4 || ql_utf8_chars(given) > 1) {
            return ql_fail(j->cx, QL_ER_WRONG_ARGUMENTS, "ESCAPE");
        }
        s = given.n > 0 ? given : s;
    }
    *escape = ql_value_str(s, ql_coll_utf8mb4_bin);
    return QL_OK;
}

static ql_status
put_found(search *s, ql_value *out)
{
    ql_json all, only;
    if (s->n == 0) {
        return QL_OK;
    }
    QL_TRY(ql_json_end(&s->j->result));
    QL_TRY(qli_json_put_result(s->j, out));
    if (s->n == 1) {
        QL_TRY(ql_json_open(s->j->cx, out->s, &all));
        QL_TRY(ql_json_at(s->j->cx, &all, 0, &only));
        return qli_json_put_part(&only, out);
    }
    return QL_OK;
}

QLI_FN(JSON_SEARCH)
{
    ql_json doc;
    ql_str pattern;
    BEGIN;
    for (uint32_t i = 0; i < nargs; i++) {
        if (args[i].kind == QL_K_NULL && i != 3) {
            return QL_OK;
        }
    }
    ql_expr texts[3] = {{.is_constant = false}};
    ql_expr *list[3] = {&texts[0], &texts[1], &texts[2]};
    ql_expr e = {.args = list, .nargs = 3, .coll = ql_coll_utf8mb4_bin};
    search s = {.j = j,
                .like = {.expr = &e, .arena = call->arena, .mem = call->arena},
                .parts = {.quota = j->text.quota},
                .everywhere = nargs <= 4};
    texts[1].is_constant = texts[2].is_constant = true; /* while this row is looked at */
    QL_TRY(qli_json_doc(j, 0, &doc));
    QL_TRY(qli_json_one_or_all(j, 1, &s.one));
    QL_TRY(ql_value_to_str(cx, call->arena, &args[2], &pattern));
    s.likes[1] = ql_value_str(pattern, ql_coll_utf8mb4_bin);
    QL_TRY(take_escape(j, &s.likes[2]));
    ql_status st = search_all(&s, &doc);
    st = st == QL_OK ? put_found(&s, out) : st;
    ql_buf_free(&s.parts);
    return st;
}

/* ---- JSON_VALUE ---- */

static const char *
cast_name(ql_kind k)
{
    switch (ql_kind_family(k)) {
    case QL_FAM_INT:
        return "INTEGER";
    case QL_FAM_DECIMAL:
        return "DECIMAL";
    case QL_FAM_DOUBLE:
        return "DOUBLE";
    case QL_FAM_TEMPORAL: {
        unsigned has = ql_kind_calendar(k);
        return has == QL_HAS_DATE ? "DATE" : has == QL_HAS_TIME ? "TIME" : "DATETIME";
    }
    default:
        return "CHAR";
    }
}

/* What ON EMPTY (0) or ON ERROR (1) says. */
static ql_status
fall_back(qli_json_call *j, unsigned which, ql_value *out)
{
    switch (j->call->expr->index >> (2 * which) & 3) {
    case QL_JSON_ON_DEFAULT:
        *out = j->values[2 + which];
        return QL_OK;
    case QL_JSON_ON_ERROR:
        return which == 0 ? ql_fail(j->cx, QL_ER_MISSING_JSON_VALUE, "json_value")
                          : ql_fail(j->cx, QL_ER_INVALID_JSON_VALUE_FOR_CAST,
                                    cast_name(j->call->expr->type.kind), "json_value", 1L);
    default:
        *out = ql_value_null();
        return QL_OK;
    }
}

/* A scalar as a value of type t; *good false: it is none of that. */
static ql_status
convert_scalar(qli_json_call *j, const ql_json *v, const ql_type *t, ql_value *out, bool *good)
{
    ql_value x;
    bool number = ql_kind_is_number(t->kind);
    ql_buf_clear(&j->text);
    if (t->kind == QL_K_STRING) {
        QL_TRY(ql_json_print_plain(j->cx, v, &j->text));
        x = ql_value_str((ql_str){NULL, j->text.n}, t->coll);
        char *p = qli_room(j->cx, j->call, j->text.n);
        if (p == NULL) {
            return QL_ERROR;
        }
        x.s.p = p;
        QL_TRY(ql_bulk_copy(j->cx, p, j->text.p, j->text.n));
    } else if (!ql_json_to_value(v, &x)) {
        *good = false;
        return QL_OK;
    }
    ql_diag_try(j->cx->diag);
    ql_status st = ql_value_cast(j->cx, j->call->arena, &x, t, out);
    *good = ql_diag_tried(j->cx->diag) && out->kind != QL_K_NULL;
    if (st == QL_OK && number && t->is_unsigned && ql_kind_is_number(x.kind)) {
        double d;
        QL_TRY(ql_value_to_double(j->cx, &x, &d));
        *good &= d >= 0;
    }
    return st;
}

QLI_FN(JSON_VALUE)
{
    ql_json doc, v;
    const ql_json_path *path;
    bool found, good = true;
    BEGIN;
    if (args[0].kind == QL_K_NULL) {
        return QL_OK;
    }
    QL_TRY(qli_json_doc(j, 0, &doc));
    QL_TRY(qli_json_path(j, 1, true, &path));
    QL_TRY(ql_json_seek_one(cx, &doc, path, &v, &found));
    if (!found) {
        return fall_back(j, 0, out);
    }
    const ql_type *t = &call->expr->type;
    if (t->kind == QL_K_JSON) {
        return qli_json_put_part(&v, out);
    }
    if (v.type == QL_JSON_NULL) {
        return QL_OK;
    }
    if (ql_json_is_container(&v)) {
        return fall_back(j, 1, out);
    }
    QL_TRY(convert_scalar(j, &v, t, out, &good));
    return good ? QL_OK : fall_back(j, 1, out);
}
