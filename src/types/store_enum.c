/* SPDX-License-Identifier: Apache-2.0
 *
 * Storing into ENUM and SET columns (manual, "The ENUM Type", "The SET Type"): by name under the
 * column's collation, or by number. What is kept is the number (kind_list.c). Runs in the thread of
 * the statement; no locks, no waits.
 */
#include <math.h>
#include <string.h>

#include "base/bulk.h"
#include "types/kinds_int.h"

#define MOST_DIGITS 5 /* of a number that stands for a member of an ENUM */

/* Number of the member, from 1; 0 = none such. First the one that is written so: most are. */
ql_status
qli_find_member(ql_ctx *cx, const ql_type *t, ql_str name, uint16_t *number)
{
    const ql_collation *coll = t->coll ? t->coll : ql_coll_default;
    uint16_t n = t->members ? t->members->n : 0;
    while (name.n > 0 && name.p[name.n - 1] == ' ') {
        name.n--;
    }
    *number = 0;
    for (uint16_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_each(cx, i));
        if (ql_str_eq(t->members->names[i], name)) {
            *number = (uint16_t)(i + 1);
            return QL_OK;
        }
    }
    for (uint16_t i = 0; i < n && coll != ql_coll_binary; i++) {
        int c;
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(ql_coll_compare(cx, coll, t->members->names[i], name, &c));
        if (c == 0) {
            *number = (uint16_t)(i + 1);
            break;
        }
    }
    return QL_OK;
}

/* A text that is nothing but a number. */
static ql_status
text_is_number(ql_ctx *cx, ql_str t, uint64_t *number, bool *yes)
{
    char room[QL_SHORT_TEXT];
    size_t used;
    bool overflow, is_unsigned;
    QL_TRY(ql_text_for_number(cx, &t, room));
    int64_t i = ql_int_parse(t, &used, &overflow, &is_unsigned);
    *number = (uint64_t)i;
    *yes = used != 0 && used == t.n && !overflow && (is_unsigned || i >= 0);
    return QL_OK;
}

/* Numbers come as such, dates and times as texts. */
static bool
comes_as_text(const ql_value *v)
{
    return ql_kind_has_text(v->kind) || ql_kind_is_temporal(v->kind);
}

/* A number, cut to a whole one. */
static ql_status
whole_of_number(ql_ctx *cx, const ql_value *v, uint64_t *u)
{
    ql_value cut = *v;
    bool is_unsigned;
    if (v->kind == QL_K_DOUBLE) {
        cut.d = trunc(v->d);
    } else if (v->kind == QL_K_DECIMAL) {
        (void)ql_decimal_round(&cut.dec, 0, QL_ROUND_TRUNCATE);
    }
    return ql_value_to_int(cx, &cut, (int64_t *)u, &is_unsigned);
}

/* Number of the member; *whole false: it is none. */
static ql_status
enum_number(const qli_store *s, const ql_value *v, uint64_t *u, bool *whole)
{
    const ql_members *m = s->t->members;
    ql_str text;
    uint16_t found = 0;
    *whole = true;
    if (comes_as_text(v)) {
        QL_TRY(ql_value_to_str(s->cx, s->a, v, &text));
        if (v->kind == QL_K_ENUM && v->u == 0) { /* stays what was no member */
            *u = 0;
            return QL_OK;
        }
        QL_TRY(qli_find_member(s->cx, s->t, text, &found));
        *u = found;
        if (found == 0) {
            *whole = false;
            if (text.n <= MOST_DIGITS) {
                QL_TRY(text_is_number(s->cx, text, u, whole));
            }
        }
    } else {
        QL_TRY(whole_of_number(s->cx, v, u));
    }
    *whole = *whole && *u != 0 && m != NULL && *u <= m->n;
    *u = *whole ? *u : 0;
    return QL_OK;
}

/* Bits of the members named in "a,b,c"; *unknown when one is none of them. */
static ql_status
set_bits(ql_ctx *cx, const ql_type *t, ql_str text, uint64_t *bits, bool *unknown)
{
    *bits = 0;
    *unknown = false;
    while (text.n > 0) {
        ql_str name = {text.p, 0};
        uint16_t number;
        QL_TRY(ql_bulk_count(cx, 64)); /* of empty names, too, there may be millions */
        QL_TRY(ql_bulk_find_byte(cx, text, 0, ',', &name.n));
        QL_TRY(qli_find_member(cx, t, name, &number));
        if (number == 0 || number > 64) {
            *unknown = true;
        } else {
            *bits |= 1ull << (number - 1);
        }
        size_t step = name.n + (name.n < text.n);
        text = (ql_str){text.p + step, text.n - step};
    }
    return QL_OK;
}

/* The bits; *whole false: there is something that is no member. */
static ql_status
set_number(const qli_store *s, const ql_value *v, uint64_t *u, bool *whole)
{
    unsigned n = s->t->members ? s->t->members->n : 0;
    uint64_t all = n >= 64 ? UINT64_MAX : (1ull << n) - 1;
    bool unknown = false;
    if (comes_as_text(v)) {
        ql_str text;
        uint64_t number;
        bool is_number = false;
        QL_TRY(ql_value_to_str(s->cx, s->a, v, &text));
        QL_TRY(set_bits(s->cx, s->t, text, u, &unknown));
        if (unknown && *u == 0) {
            QL_TRY(text_is_number(s->cx, text, &number, &is_number));
        }
        if (is_number) {
            *u = number;
            unknown = false;
        }
    } else {
        QL_TRY(whole_of_number(s->cx, v, u));
    }
    *whole = !unknown && (*u & ~all) == 0;
    *u &= all;
    return QL_OK;
}

ql_status
qli_list_number(const qli_store *s, const ql_value *v, uint64_t *u, bool *whole)
{
    return s->t->kind == QL_K_ENUM ? enum_number(s, v, u, whole) : set_number(s, v, u, whole);
}

ql_status
qli_store_enum(const qli_store *s, const ql_value *v, ql_value *out)
{
    uint64_t number = 0;
    bool whole;
    QL_TRY(enum_number(s, v, &number, &whole));
    if (!whole && !(v->kind == QL_K_ENUM && v->u == 0)) {
        QL_TRY(qli_store_truncated(s));
    }
    *out = ql_value_list_of(QL_K_ENUM, number, s->t->members, s->t->coll);
    return QL_OK;
}

ql_status
qli_store_set(const qli_store *s, const ql_value *v, ql_value *out)
{
    uint64_t bits = 0;
    bool whole;
    QL_TRY(set_number(s, v, &bits, &whole));
    if (!whole) {
        QL_TRY(qli_store_truncated(s));
    }
    *out = ql_value_list_of(QL_K_SET, bits, s->t->members, s->t->coll);
    return QL_OK;
}

ql_status
ql_list_named(ql_ctx *cx, const ql_type *t, ql_str text, uint64_t *number, bool *is)
{
    const qli_store s = {.cx = cx, .a = cx->arena, .t = t, .column = "", .row = 1};
    ql_value v = ql_value_str(text, t->coll), own;
    uint16_t member;
    int c = 1;
    *number = 0;
    *is = false;
    if (text.n == 0 || t->members == NULL) {
        return QL_OK; /* '' is what was no member, and may be one */
    }
    if (t->kind == QL_K_ENUM) {
        QL_TRY(qli_find_member(cx, t, text, &member));
        *number = member;
    } else {
        QL_TRY(set_bits(cx, t, text, number, is));
    }
    *is = false;
    if (*number == 0) {
        return QL_OK;
    }
    own = ql_value_list_of(t->kind, *number, t->members, t->coll);
    QL_TRY(ql_value_to_str(cx, s.a, &own, &v.s));
    QL_TRY(ql_coll_compare(cx, t->coll, v.s, text, &c));
    *is = c == 0;
    return QL_OK;
}
