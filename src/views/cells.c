/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of the columns of views: texts, moments, intervals.
 */
#include <string.h>

#include "base/arena.h"
#include "base/bulk.h"
#include "types/zone.h"
#include "views/views_int.h"

void
qli_set_str(ql_value *v, ql_str s)
{
    *v = ql_value_str(s.p ? s : QL_STR(""), ql_coll_default);
}

void
qli_set_cstr(ql_value *v, const char *s)
{
    qli_set_str(v, (ql_str){s, strlen(s)});
}

void
qli_set_opt_str(ql_value *v, ql_str s)
{
    if (s.p) {
        qli_set_str(v, s);
    } else {
        *v = ql_value_null();
    }
}

void
qli_set_chars(ql_value *v, ql_str s, size_t chars)
{
    if (s.p && s.n > chars) {
        s.n = ql_utf8_offset(s, chars);
    }
    qli_set_opt_str(v, s);
}

void
qli_set_time(ql_ctx *cx, ql_value *v, int64_t unix_seconds)
{
    ql_dt dt;
    ql_zone_local(cx->zone, unix_seconds * 1000000, &dt);
    *v = ql_value_null();
    v->kind = QL_K_DATETIME;
    v->i = ql_dt_pack(&dt);
}

void
qli_set_timestamp(ql_value *v, int64_t unix_seconds)
{
    *v = (ql_value){.kind = QL_K_TIMESTAMP, .i = unix_seconds * 1000000};
}

void
qli_set_created(ql_ctx *cx, ql_value *v, const ql_table *t)
{
    qli_set_timestamp(v, t->is_virtual ? cx->inst->start_time : t->create_time);
}

void
qli_set_interval(ql_value *v, int64_t ms)
{
    int64_t seconds = ms / 1000;
    int64_t most = 838 * 3600 + 59 * 60 + 59;
    seconds = seconds < 0 ? 0 : seconds > most ? most : seconds;
    ql_dt t = {.hour = (uint32_t)(seconds / 3600),
               .minute = (uint32_t)(seconds / 60 % 60),
               .second = (uint32_t)(seconds % 60)};
    *v = ql_value_null();
    v->kind = QL_K_TIME;
    v->i = ql_time_pack(&t);
}

ql_status
qli_set_expr(ql_ctx *cx, ql_arena *a, ql_value *v, ql_str text)
{
    char *w = ql_arena_alloc(cx, a, 2 * text.n + 1);
    size_t n = 0;
    if (!w) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < text.n; i++) {
        QL_TRY(ql_bulk_each(cx, i));
        if (text.p[i] == '\'' || text.p[i] == '\\') {
            w[n++] = '\\';
        }
        w[n++] = text.p[i];
    }
    qli_set_str(v, (ql_str){w, n});
    return QL_OK;
}
