/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of SQL as JSON, and scalars as values of SQL. Runs in the thread of the statement; no
 * locks, no waits.
 */
#include "base/arena.h"
#include "types/kinds.h"
#include "types/moment.h"
#include "json/json_int.h"

ql_type
ql_type_json(void)
{
    return (ql_type){.kind = QL_K_JSON, .field = QL_F_JSON, .nullable = true};
}

static ql_status
put_string(ql_json_builder *b, const ql_value *v, uint8_t field)
{
    return v->coll == ql_coll_binary ? ql_json_put_opaque(b, field, v->s)
                                     : ql_json_put_str(b, v->s);
}

/* BIT: its bytes, the highest first. */
static ql_status
put_bits(ql_json_builder *b, const ql_value *v)
{
    char raw[8];
    unsigned n = (v->bits + 7u) / 8;
    for (unsigned i = 0; i < n; i++) {
        raw[i] = (char)(v->u >> (8 * (n - 1 - i)));
    }
    return ql_json_put_opaque(b, QL_F_BIT, (ql_str){raw, n});
}

static ql_status
put_integer(ql_json_builder *b, const ql_value *v)
{
    return v->bits > 0      ? put_bits(b, v)
           : v->is_unsigned ? ql_json_put_uint(b, v->u)
                            : ql_json_put_int(b, v->i);
}

/* A moment: what the session's clocks show. */
static ql_status
put_temporal(ql_json_builder *b, const ql_value *v)
{
    unsigned has = ql_kind_calendar(v->kind);
    ql_value local = has & QL_HAS_ZONE ? ql_moment_local(b->cx, v) : *v;
    has &= QL_HAS_DATE | QL_HAS_TIME;
    return ql_json_put_temporal(b,
                                has == QL_HAS_DATE   ? QL_JSON_DATE
                                : has == QL_HAS_TIME ? QL_JSON_TIME
                                                     : QL_JSON_DATETIME,
                                local.i);
}

/* ENUM, SET: their text. */
static ql_status
put_list(ql_json_builder *b, const ql_value *v)
{
    ql_arena_mark mark = ql_arena_save(b->a);
    ql_str s;
    ql_status st = ql_value_to_str(b->cx, b->a, v, &s);
    st = st == QL_OK ? ql_json_put_str(b, s) : st;
    ql_arena_restore(b->a, mark);
    return st;
}

ql_status
ql_json_put_value(ql_json_builder *b, const ql_value *v, uint8_t field)
{
    ql_json doc;
    switch (ql_kind_family(v->kind)) {
    case QL_FAM_NULL:
        break;
    case QL_FAM_INT:
        return put_integer(b, v);
    case QL_FAM_DOUBLE:
        return ql_json_put_double(b, v->d);
    case QL_FAM_DECIMAL:
        return ql_json_put_decimal(b, &v->dec);
    case QL_FAM_STRING:
        return put_string(b, v, field);
    case QL_FAM_TEMPORAL:
        return put_temporal(b, v);
    case QL_FAM_LIST:
        return put_list(b, v);
    case QL_FAM_JSON:
        QL_TRY(ql_json_open(b->cx, v->s, &doc));
        return ql_json_put(b, &doc);
    }
    return ql_json_put_null(b);
}

bool
ql_json_to_value(const ql_json *v, ql_value *out)
{
    switch (v->type) {
    case QL_JSON_BOOL:
        *out = ql_value_int(v->b);
        return true;
    case QL_JSON_INT:
        *out = ql_value_int(v->i);
        return true;
    case QL_JSON_UINT:
        *out = ql_value_uint(v->u);
        return true;
    case QL_JSON_DOUBLE:
        *out = ql_value_double(v->d);
        return true;
    case QL_JSON_DECIMAL:
        *out = (ql_value){.kind = QL_K_DECIMAL, .dec = v->dec};
        return true;
    case QL_JSON_STRING:
        *out = ql_value_str(v->s, ql_coll_default);
        return true;
    case QL_JSON_OPAQUE:
        *out = ql_value_str(v->s, ql_coll_binary);
        return true;
    case QL_JSON_DATE:
        *out = (ql_value){.kind = QL_K_DATE, .i = v->i};
        return true;
    case QL_JSON_TIME:
        *out = (ql_value){.kind = QL_K_TIME, .decimals = 6, .i = v->i};
        return true;
    case QL_JSON_DATETIME:
        *out = (ql_value){.kind = QL_K_DATETIME, .decimals = 6, .i = v->i};
        return true;
    case QL_JSON_NULL:
    case QL_JSON_ARRAY:
    case QL_JSON_OBJECT:
        break;
    }
    return false;
}
