/* SPDX-License-Identifier: Apache-2.0
 *
 * The members of ENUM and SET columns as they were written: checked, without spaces at their ends,
 * no two of them equal under the column's collation.
 */
#include <string.h>

#include "base/arena.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "resolve/tablespec_int.h"

#define MAX_ENUM 65535u
#define MAX_SET 64u
#define MAX_CHARS 255u

static ql_str
without_spaces(ql_str s)
{
    while (s.n > 0 && s.p[s.n - 1] == ' ') {
        s.n--;
    }
    return s;
}

static ql_status
check_member(ql_ctx *cx, const ql_ast_column *c, const ql_collation *coll, ql_str s)
{
    size_t chars = coll == ql_coll_binary ? s.n : ql_utf8_chars(s);
    if (chars > MAX_CHARS) {
        return ql_fail(cx, QL_ER_TOO_LONG_SET_ENUM_VALUE, ql_cstr(cx, c->name));
    }
    if (c->type.field == QL_F_SET && memchr(s.p, ',', s.n) != NULL) {
        return ql_fail(cx, QL_ER_ILLEGAL_VALUE_FOR_TYPE, "set", ql_cstr(cx, s));
    }
    return QL_OK;
}

/* s: the first of those that are equal. */
static ql_status
complain_twice(ql_ctx *cx, ql_str name, bool set, ql_str s)
{
    const char *what = set ? "SET" : "ENUM";
    const char *column = ql_cstr(cx, name), *member = ql_cstr(cx, s);
    if (cx->vars->strict) {
        return ql_fail(cx, QL_ER_DUPLICATED_VALUE_IN_TYPE, column, member, what);
    }
    ql_warn(cx, QL_DIAG_NOTE, QL_ER_DUPLICATED_VALUE_IN_TYPE, column, member, what);
    return QL_OK;
}

/* A table of the members by their hashes under the collation: number of a member from 1, 0 = free.
 */
static ql_status
find_twice(ql_ctx *cx, ql_str name, bool set, const ql_collation *coll, const ql_members *m,
           uint32_t *again)
{
    uint32_t room = 8;
    while (room < 2u * m->n) {
        room *= 2;
    }
    uint16_t *table = ql_arena_zalloc(cx, cx->arena, room * sizeof *table);
    if (table == NULL) {
        return QL_ERROR;
    }
    *again = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        uint64_t h;
        int differ = 1;
        QL_TRY(ql_check(cx));
        QL_TRY(ql_coll_hash(cx, coll, m->names[i], 0, &h));
        uint32_t at = (uint32_t)h & (room - 1);
        while (table[at] != 0) {
            QL_TRY(ql_bulk_node(cx));
            QL_TRY(ql_coll_compare(cx, coll, m->names[table[at] - 1], m->names[i], &differ));
            if (differ == 0) {
                break;
            }
            at = (at + 1) & (room - 1);
        }
        if (differ == 0) {
            QL_TRY(complain_twice(cx, name, set, m->names[table[at] - 1]));
            *again += 1;
        } else {
            table[at] = (uint16_t)(i + 1);
        }
    }
    return QL_OK;
}

ql_status
qli_members_type(ql_ctx *cx, const ql_ast_column *c, const ql_collation *coll, ql_type *out)
{
    const ql_ast_type *t = &c->type;
    bool set = t->field == QL_F_SET;
    uint32_t again;
    if (t->nmembers > MAX_ENUM) {
        return set ? ql_fail(cx, QL_ER_TOO_BIG_SET, ql_cstr(cx, c->name))
                   : ql_fail(cx, QL_ER_TOO_BIG_ENUM, ql_cstr(cx, c->name));
    }
    ql_members *m = QL_ARENA_NEW(cx, cx->arena, ql_members);
    ql_str *names = QL_ARENA_ARRAY(cx, cx->arena, ql_str, t->nmembers + 1);
    if (m == NULL || names == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < t->nmembers; i++) {
        QL_TRY(ql_bulk_node(cx));
        names[i] = coll == ql_coll_binary ? t->members[i] : without_spaces(t->members[i]);
        QL_TRY(check_member(cx, c, coll, names[i]));
    }
    *m = (ql_members){.n = (uint16_t)t->nmembers, .names = names};
    QL_TRY(find_twice(cx, c->name, set, coll, m, &again));
    if (set && t->nmembers - again > MAX_SET) {
        return ql_fail(cx, QL_ER_TOO_BIG_SET, ql_cstr(cx, c->name));
    }
    *out = ql_type_list(set ? QL_K_SET : QL_K_ENUM, m, coll);
    return QL_OK;
}

ql_status
qli_members_differ(ql_ctx *cx, ql_str name, const ql_type *t)
{
    uint32_t again;
    return t->members == NULL
               ? QL_OK
               : find_twice(cx, name, t->field == QL_F_SET, t->coll, t->members, &again);
}
