/* SPDX-License-Identifier: Apache-2.0
 *
 * Storing a value into a column: NULL, range, length and format checks of MySQL's strict mode, or
 * the adjusted value with the same texts as warnings (manual, "Strict SQL Mode"). What each
 * kind does is in kind_*.c, text and temporals in store_text.c; here is what they share. Runs in
 * the thread of the statement; no locks, no waits.
 */
#include "base/diag.h"
#include "types/kinds_int.h"

ql_status
qli_store_range(const qli_store *s)
{
    if (s->strict) {
        return ql_fail(s->cx, QL_ER_WARN_DATA_OUT_OF_RANGE, s->column, (long)s->row);
    }
    ql_warn(s->cx, QL_DIAG_WARNING, QL_ER_WARN_DATA_OUT_OF_RANGE, s->column, (long)s->row);
    return QL_OK;
}

ql_status
qli_store_truncated(const qli_store *s)
{
    if (s->strict) {
        return ql_fail(s->cx, QL_ER_WARN_DATA_TRUNCATED, s->column, (long)s->row);
    }
    ql_warn(s->cx, QL_DIAG_WARNING, QL_ER_WARN_DATA_TRUNCATED, s->column, (long)s->row);
    return QL_OK;
}

void
qli_store_note(const qli_store *s)
{
    ql_warn(s->cx, QL_DIAG_NOTE, QL_ER_WARN_DATA_TRUNCATED, s->column, (long)s->row);
}

ql_status
qli_store_too_long(const qli_store *s)
{
    if (s->strict) {
        return ql_fail(s->cx, QL_ER_DATA_TOO_LONG, s->column, (long)s->row);
    }
    ql_warn(s->cx, QL_DIAG_WARNING, QL_ER_WARN_DATA_TRUNCATED, s->column, (long)s->row);
    return QL_OK;
}

ql_status
qli_store_incorrect(const qli_store *s, const char *what, const char *text)
{
    if (s->strict) {
        return ql_fail(s->cx, QL_ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, what, text, s->column,
                       (long)s->row);
    }
    ql_warn(s->cx, QL_DIAG_WARNING, QL_ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, what, text, s->column,
            (long)s->row);
    return QL_OK;
}

ql_status
ql_value_store(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t,
               const char *column, uint64_t row, bool strict, ql_value *out)
{
    return ql_value_store_as(
        cx, a, v, t, column, row,
        strict ? QL_STORE_STRICT | QL_STORE_NO_ZERO_DATE | QL_STORE_NO_ZERO_IN_DATE : 0, out);
}

ql_status
ql_value_store_as(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t,
                  const char *column, uint64_t row, unsigned mode, ql_value *out)
{
    bool strict = mode & QL_STORE_STRICT;
    qli_store s = {cx, a, t, column, row, strict, mode};
    if (v->kind == QL_K_NULL) {
        if (t->nullable) {
            *out = ql_value_null();
            return QL_OK;
        }
        if (strict) {
            return ql_fail(cx, QL_ER_BAD_NULL_ERROR, column);
        }
        ql_warn(cx, QL_DIAG_WARNING, QL_ER_BAD_NULL_ERROR, column);
        *out = ql_value_zero(t);
        return QL_OK;
    }
    return ql_kinds[t->kind]->store(&s, v, out);
}
