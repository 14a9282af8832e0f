/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations of all function implementations (made from resolve/functions.def) and the few
 * helpers that the files of fn/ share.
 */
#ifndef QL_FN_FN_INT_H
#define QL_FN_FN_INT_H

#include <string.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "fn/fn.h"
#include "intr/intr.h"

/* Head of an implementation; the parameters are cx, call, args, nargs, out. */
#define QLI_FN(id)                                                                                 \
    ql_status qli_fn_##id(ql_ctx *cx __attribute__((unused)),                                      \
                          ql_call *call __attribute__((unused)),                                   \
                          const ql_value *args __attribute__((unused)),                            \
                          uint32_t nargs __attribute__((unused)), ql_value *out)

#define QL_FUNC(id, ...) QLI_FN(id);
#include "resolve/functions.def"
#undef QL_FUNC
#define QLI_FN_VECTOR(id) ql_status qli_fnv_##id(ql_ctx *cx, ql_call *call, const ql_rows *r)
#define QL_FUNC(id, ...)
#define QL_FUNC_VECTOR(id) QLI_FN_VECTOR(id);
#include "resolve/functions.def"
#undef QL_FUNC

/* Bytes between two checkpoints of a loop over a string. */
#define QLI_STEP ((size_t)32768)

/* n bytes for a result string, or NULL (worded). */
static inline char *
qli_room(ql_ctx *cx, ql_call *call, size_t n)
{
    return ql_arena_alloc(cx, call->arena, n ? n : 1);
}

/* An empty buffer whose memory is the statement's, as that of results is. ql_buf_free. */
static inline ql_buf
qli_buf(const ql_call *call)
{
    return (ql_buf){.quota = ql_arena_quota(call->arena)};
}

static inline ql_status
qli_put_str(ql_call *call, ql_value *out, const char *p, size_t n)
{
    *out = ql_value_str((ql_str){p, n}, call->expr->type.coll);
    return QL_OK;
}

static inline ql_status
qli_put_int(ql_value *out, int64_t v)
{
    *out = ql_value_int(v);
    return QL_OK;
}

static inline ql_status
qli_put_double(ql_value *out, double v)
{
    *out = ql_value_double(v);
    return QL_OK;
}

/* Text copied into the call's arena. */
ql_status qli_put_copy(ql_ctx *cx, ql_call *call, ql_value *out, const char *p,
                       size_t n) QL_MUST_USE;
/* memcpy with a checkpoint every QLI_STEP bytes. */
ql_status qli_copy(ql_ctx *cx, char *to, const char *from, size_t n) QL_MUST_USE;
/* false: longer than max_allowed_packet; warning 1301 given, the result is NULL. */
bool qli_fits(ql_ctx *cx, const char *function, size_t n);
/* Is a short text all ASCII? */
static inline bool
qli_chunk_is_ascii(const char *p, size_t n)
{
    uint64_t w, any = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        memcpy(&w, p + i, 8);
        any |= w;
    }
    for (; i < n; i++) {
        any |= (uint64_t)(unsigned char)p[i];
    }
    return (any & 0x8080808080808080ULL) == 0;
}
/* The same of any text; checkpoints inside. */
ql_status qli_is_ascii(ql_ctx *cx, ql_str s, bool *ascii) QL_MUST_USE;
/* Do two characters (utf8 slices) count as equal under c? */
ql_status qli_char_equal(ql_ctx *cx, const ql_collation *c, ql_str a, ql_str b,
                         bool *equal) QL_MUST_USE;
/* Byte offset of needle in hay at or after `from` under c; *found false = not there. Linear, with
 * checkpoints. */
ql_status qli_find(ql_ctx *cx, ql_call *call, const ql_collation *c, ql_str hay, ql_str needle,
                   size_t from, size_t *at, bool *found) QL_MUST_USE;
/* Number of characters before byte offset n, with checkpoints. */
ql_status qli_count_chars(ql_ctx *cx, const ql_collation *c, ql_str s, size_t *chars) QL_MUST_USE;
/* Byte offset of character number `chars`, with checkpoints (at most s.n). */
ql_status qli_char_offset(ql_ctx *cx, const ql_collation *c, ql_str s, size_t chars,
                          size_t *offset) QL_MUST_USE;
/* Value as signed 64 bits (arguments of kind INT may be unsigned: beyond the range it is the
 * maximum). */
int64_t qli_int(const ql_value *v);

#endif
