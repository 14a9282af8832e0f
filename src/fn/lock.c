/* SPDX-License-Identifier: Apache-2.0
 *
 * GET_LOCK and its kin: names, time limits and results as MySQL's manual has them ("Locking
 * Functions"); the locks are txn/userlock.c's. GET_LOCK waits there.
 */
#include <math.h>

#include "fn/fn_int.h"
#include "intr/wait.h"
#include "txn/userlock.h"

#define NAME_CHARS 64
#define SHOWN_BYTES 512 /* of a name in an error message, which is cut there */
#define FOREVER_SECONDS 2147483647.0

/* The name as compared: in lower case. 3057 for none, 4163 for more than 64 characters. */
static ql_status
lock_name(ql_ctx *cx, ql_call *call, const ql_value *v, ql_buf *buf, ql_str *out)
{
    ql_str name;
    if (ql_value_is_null(v)) {
        return ql_fail(cx, QL_ER_USER_LOCK_WRONG_NAME, "NULL");
    }
    QL_TRY(ql_value_to_str(cx, call->arena, v, &name));
    size_t good, shown = name.n < SHOWN_BYTES ? name.n : SHOWN_BYTES;
    QL_TRY(ql_utf8_valid_prefix_long(cx, name, &good));
    if (name.n == 0 || good != name.n) {
        return ql_fail(cx, QL_ER_USER_LOCK_WRONG_NAME,
                       ql_arena_printf(cx, call->arena, "%.*s", (int)shown, name.p) ?: "");
    }
    if (name.n > NAME_CHARS * 4 || ql_utf8_chars(name) > NAME_CHARS) {
        return ql_fail(cx, QL_ER_TOO_LONG_USER_LOCK_NAME,
                       ql_arena_printf(cx, call->arena, "%.*s", (int)shown, name.p) ?: "",
                       NAME_CHARS);
    }
    QL_TRY(ql_utf8_lower(cx, name, buf));
    out->p = ql_arena_strndup(cx, call->arena, buf->p, buf->n);
    out->n = buf->n;
    return out->p != NULL ? QL_OK : QL_ERROR;
}

static ql_status
take_name(ql_ctx *cx, ql_call *call, const ql_value *v, ql_str *out)
{
    ql_buf buf = {0};
    ql_status st = lock_name(cx, call, v, &buf, out);
    ql_buf_free(&buf);
    return st;
}

/* Below 0, or beyond what an int holds: for ever. NULL: at once. Whole seconds, as MySQL rounds. */
static ql_status
lock_deadline(ql_ctx *cx, const ql_value *v, ql_deadline *dl)
{
    double seconds = 0;
    if (!ql_value_is_null(v)) {
        QL_TRY(ql_value_to_double(cx, v, &seconds));
    }
    seconds = round(seconds);
    *dl = seconds < 0 || seconds >= FOREVER_SECONDS ? QL_FOREVER
                                                    : ql_deadline_ms((int64_t)(seconds * 1000));
    return QL_OK;
}

QLI_FN(GET_LOCK)
{
    ql_str name;
    ql_deadline dl;
    QL_TRY(take_name(cx, call, &args[0], &name));
    QL_TRY(lock_deadline(cx, &args[1], &dl));
    ql_status st = ql_user_lock_get(cx, name, dl);
    if (st == QL_TIMEOUT) {
        return qli_put_int(out, 0);
    }
    QL_TRY(st);
    return qli_put_int(out, 1);
}

QLI_FN(RELEASE_LOCK)
{
    ql_str name;
    QL_TRY(take_name(cx, call, &args[0], &name));
    switch (ql_user_lock_release(cx, name)) {
    case QL_USER_LOCK_FREE:
        return QL_OK; /* NULL */
    case QL_USER_LOCK_MINE:
        return qli_put_int(out, 1);
    default:
        return qli_put_int(out, 0);
    }
}

QLI_FN(RELEASE_ALL_LOCKS)
{
    *out = ql_value_uint(ql_user_lock_release_all(cx));
    return QL_OK;
}

QLI_FN(IS_FREE_LOCK)
{
    ql_str name;
    QL_TRY(take_name(cx, call, &args[0], &name));
    return qli_put_int(out, ql_user_lock_owner(cx, name, NULL) == QL_USER_LOCK_FREE);
}

QLI_FN(IS_USED_LOCK)
{
    ql_str name;
    uint64_t id;
    QL_TRY(take_name(cx, call, &args[0], &name));
    if (ql_user_lock_owner(cx, name, &id) != QL_USER_LOCK_FREE) {
        *out = ql_value_uint(id);
    }
    return QL_OK;
}
