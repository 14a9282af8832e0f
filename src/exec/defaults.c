/* SPDX-License-Identifier: Apache-2.0
 *
 * What columns hold before a value is given, and values that come from the statement's time.
 */
#include "exec/exec.h"
#include "types/kinds.h"
#include "types/zone.h"

ql_value
ql_now_value(ql_ctx *cx, ql_kind k, unsigned decimals)
{
    static const int64_t unit[7] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    int64_t us =
        cx->vars->fixed_timestamp_us ? cx->vars->fixed_timestamp_us : cx->vars->timestamp_us;
    ql_dt t;
    ql_value v = {.kind = k, .decimals = (uint8_t)decimals};
    us -= us % unit[decimals < 7 ? decimals : 6];
    if (k == QL_K_TIMESTAMP) {
        v.i = us;
        return v;
    }
    ql_zone_local(cx->zone, us, &t);
    if (k == QL_K_DATE) {
        t.hour = t.minute = t.second = t.micro = 0;
    }
    v.i = k == QL_K_TIME ? ql_time_pack(&t) : ql_dt_pack(&t);
    return v;
}

ql_status
ql_time_to_moment(ql_ctx *cx, ql_kind to, ql_value *v)
{
    if (v->kind != QL_K_TIME || !(ql_kind_calendar(to) & QL_HAS_DATE) || cx->vars == NULL) {
        return QL_OK;
    }
    ql_dt time, t;
    ql_value day = ql_now_value(cx, QL_K_DATE, 0);
    ql_time_unpack(v->i, &time);
    ql_dt_unpack(day.i, &t);
    int64_t us =
        (((int64_t)time.hour * 60 + time.minute) * 60 + time.second) * 1000000 + time.micro;
    if (!ql_dt_add_micros(&t, 0, v->i < 0 ? -us : us)) {
        *v = ql_value_null();
        return QL_OK;
    }
    *v = (ql_value){.kind = QL_K_DATETIME, .decimals = v->decimals, .i = ql_dt_pack(&t)};
    return QL_OK;
}

ql_value
ql_known_default(ql_ctx *cx, const ql_column *c)
{
    switch (c->default_kind) {
    case QL_DEF_VALUE:
        return c->default_value;
    case QL_DEF_NOW:
        return ql_now_value(cx, c->type.kind, c->type.decimals);
    default:
        return c->type.nullable ? ql_value_null() : ql_value_zero(&c->type);
    }
}

ql_status
ql_column_default(ql_ctx *cx, ql_arena *a, const ql_table *t, uint16_t column, bool explicit_,
                  ql_value *out)
{
    const ql_column *c = &t->columns[column];
    (void)a;
    switch (c->default_kind) {
    case QL_DEF_VALUE:
        *out = c->default_value;
        return QL_OK;
    case QL_DEF_NULL:
        *out = ql_value_null();
        return QL_OK;
    case QL_DEF_NOW:
        *out = ql_now_value(cx, c->type.kind, c->type.decimals);
        return QL_OK;
    case QL_DEF_EXPR: /* exec/complete.c gives it */
        *out = ql_value_null();
        return QL_OK;
    case QL_DEF_NONE:
        break;
    }
    if (c->auto_increment || c->type.nullable) {
        *out = ql_value_null();
        return QL_OK;
    }
    if (c->type.field == QL_F_ENUM) { /* the first of its members (manual, "The ENUM Type") */
        *out = ql_value_zero(&c->type);
        return QL_OK;
    }
    if (explicit_ || cx->vars->strict) {
        return ql_fail(cx, QL_ER_NO_DEFAULT_FOR_FIELD, ql_cstr(cx, c->name));
    }
    ql_warn(cx, QL_DIAG_WARNING, QL_ER_NO_DEFAULT_FOR_FIELD, ql_cstr(cx, c->name));
    *out = ql_value_zero(&c->type);
    return QL_OK;
}
