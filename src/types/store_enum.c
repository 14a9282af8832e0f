/* SPDX-License-Identifier: Apache-2.0
 *
 * Storing into ENUM and SET columns (manual, "The ENUM Type", "The SET Type"): by name under the
 * column's collation, or by number. What is kept is the text of the definition. Runs in the thread
 * of the statement; no locks, no waits.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/bulk.h"
#include "types/store_int.h"

/* Number of the member, from 1; 0 = none such. */
static ql_status
find_member(const qli_store *s, ql_str name, uint16_t *number)
{
    const ql_collation *coll = s->t->coll ? s->t->coll : ql_coll_default;
    while (name.n > 0 && name.p[name.n - 1] == ' ') {
        name.n--;
    }
    *number = 0;
    for (uint16_t i = 0; i < s->t->members->n; i++) {
        int c;
        QL_TRY(ql_coll_compare(s->cx, coll, s->t->members->names[i], name, &c));
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

ql_status
qli_store_enum(const qli_store *s, const ql_value *v, ql_value *out)
{
    uint64_t number = 0;
    uint16_t found = 0;
    if (v->kind == QL_K_STRING) {
        QL_TRY(find_member(s, v->s, &found));
        number = found;
        bool is_number = true;
        if (found == 0) {
            QL_TRY(text_is_number(s->cx, v->s, &number, &is_number));
        }
        number = is_number ? number : 0;
    } else {
        int64_t i;
        bool is_unsigned;
        QL_TRY(ql_value_to_int(s->cx, v, &i, &is_unsigned));
        number = (uint64_t)i;
    }
    if (number == 0 || number > s->t->members->n) {
        QL_TRY(qli_store_truncated(s));
        *out = ql_value_str((ql_str){"", 0}, s->t->coll);
        return QL_OK;
    }
    *out = ql_value_str(s->t->members->names[number - 1], s->t->coll);
    return QL_OK;
}

/* Bits of the members named in "a,b,c"; *unknown when one is none of them. */
static ql_status
set_bits(const qli_store *s, ql_str text, uint64_t *bits, bool *unknown)
{
    *bits = 0;
    *unknown = false;
    while (text.n > 0) {
        ql_str name = {text.p, 0};
        uint16_t number;
        QL_TRY(ql_bulk_count(s->cx, 64)); /* of empty names, too, there may be millions */
        QL_TRY(ql_bulk_find_byte(s->cx, text, 0, ',', &name.n));
        QL_TRY(find_member(s, name, &number));
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

static ql_status
text_of_bits(const qli_store *s, uint64_t bits, ql_value *out)
{
    const ql_members *m = s->t->members;
    size_t n = 0;
    for (uint16_t i = 0; i < m->n && i < 64; i++) {
        n += m->names[i].n + 1;
    }
    char *p = ql_arena_alloc(s->cx, s->a, n + 1), *at = p;
    if (p == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < m->n && i < 64; i++) {
        if (bits >> i & 1) {
            if (at > p) {
                *at++ = ',';
            }
            memcpy(at, m->names[i].p, m->names[i].n);
            at += m->names[i].n;
        }
    }
    *out = ql_value_str((ql_str){p, (size_t)(at - p)}, s->t->coll);
    return QL_OK;
}

ql_status
qli_store_set(const qli_store *s, const ql_value *v, ql_value *out)
{
    uint64_t bits, all = s->t->members->n >= 64 ? UINT64_MAX : (1ull << s->t->members->n) - 1;
    bool unknown = false;
    if (v->kind == QL_K_STRING) {
        QL_TRY(set_bits(s, v->s, &bits, &unknown));
        uint64_t number;
        bool is_number = false;
        if (unknown && bits == 0) {
            QL_TRY(text_is_number(s->cx, v->s, &number, &is_number));
        }
        if (is_number) {
            bits = number;
            unknown = false;
        }
    } else {
        int64_t i;
        bool is_unsigned;
        QL_TRY(ql_value_to_int(s->cx, v, &i, &is_unsigned));
        bits = (uint64_t)i;
    }
    if (unknown || (bits & ~all) != 0) {
        QL_TRY(qli_store_truncated(s));
        bits &= all;
    }
    return text_of_bits(s, bits, out);
}
