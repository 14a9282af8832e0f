/* SPDX-License-Identifier: Apache-2.0
 *
 * What time.c and interval.c share: dates and times of arguments and of results.
 */
#ifndef QL_FN_TIME_INT_H
#define QL_FN_TIME_INT_H

#include "fn/fn_int.h"
#include "types/zone.h"

#define DAY_US (86400LL * 1000000LL)

static inline ql_status
qli_put_kind(ql_value *out, ql_kind kind, int64_t packed, unsigned decimals)
{
    *out = (ql_value){.kind = kind, .decimals = (uint8_t)decimals, .i = packed};
    return QL_OK;
}

static inline ql_status
qli_put_datetime(const ql_dt *t, unsigned decimals, ql_value *out)
{
    return qli_put_kind(out, QL_K_DATETIME, ql_dt_pack(t), decimals);
}

static inline ql_status
qli_put_date(ql_dt t, ql_value *out)
{
    t.hour = t.minute = t.second = t.micro = 0;
    return qli_put_kind(out, QL_K_DATE, ql_dt_pack(&t), 0);
}

/* Microseconds of a day or of a TIME (signed). */
static inline int64_t
qli_time_us(const ql_dt *t)
{
    int64_t us = ((int64_t)t->hour * 3600 + t->minute * 60 + t->second) * 1000000LL + t->micro;
    return t->negative ? -us : us;
}

static inline ql_dt
qli_date_of(const ql_value *v)
{
    ql_dt t;
    ql_dt_unpack(v->i, &t);
    return t;
}

static inline ql_dt
qli_time_of(const ql_value *v)
{
    ql_dt t;
    ql_time_unpack(v->i, &t);
    return t;
}

static inline int64_t
qli_days_of(const ql_dt *t)
{
    return ql_dt_to_days(t->year, t->month, t->day);
}

/* Functions of the calendar day are NULL for dates with a zero part. */
static inline bool
qli_is_full_date(const ql_dt *t)
{
    return t->month > 0 && t->day > 0;
}

/* The nearest TIME. */
ql_dt qli_time_of_us(int64_t us);
/* The same; complained about when that is another. */
ql_status qli_time_result(ql_ctx *cx, int64_t us, ql_dt *t) QL_MUST_USE;
/* Seconds as a decimal number to microseconds. */
ql_status qli_number_to_us(ql_ctx *cx, const ql_value *v, int64_t *us, bool *ok) QL_MUST_USE;

#endif
