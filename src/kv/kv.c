/* SPDX-License-Identifier: Apache-2.0
 *
 * The door: every call goes to the environment behind it. No locks, no state of its own.
 */
#include "intr/intr.h"
#include "kv/kv_int.h"

ql_status
qli_kv_check_key(ql_ctx *cx, ql_str key)
{
    if (QL_UNLIKELY(key.n == 0 || key.n > QLI_KV_KEY_MAX ||
                    (unsigned char)key.p[0] == QLI_KV_INTERNAL)) {
        return ql_fail_text(cx, QL_ER_TOO_LONG_KEY,
                            "Specified key was too long; max key length is %u bytes",
                            QLI_KV_KEY_MAX);
    }
    return QL_OK;
}

void
ql_kv_close(ql_kv *kv)
{
    if (kv != NULL) {
        kv->ops->close(kv);
    }
}

void
ql_kv_get_stats(ql_kv *kv, ql_kv_stats *out)
{
    memset(out, 0, sizeof *out);
    kv->ops->stats(kv, out);
    out->seq = ql_kv_seq(kv);
}

uint64_t
ql_kv_seq(ql_kv *kv)
{
    return atomic_load_explicit(&kv->seq, memory_order_acquire);
}

ql_status
ql_kv_snap_begin(ql_ctx *cx, ql_kv *kv, ql_kv_snap **out)
{
    return kv->ops->snap_begin(cx, kv, out);
}

void
ql_kv_snap_end(ql_kv_snap *s)
{
    if (s != NULL) {
        s->ops->snap_end(s);
    }
}

uint64_t
ql_kv_snap_seq(const ql_kv_snap *s)
{
    return s->seq;
}

ql_status
ql_kv_get(ql_ctx *cx, ql_kv_snap *s, ql_str key, ql_str *value)
{
    return s->ops->get(cx, s, key, value);
}

ql_status
ql_kv_get_many(ql_ctx *cx, ql_kv_snap *s, const ql_str *keys, size_t n, ql_str *values)
{
    if (s->ops->get_many != NULL) {
        return s->ops->get_many(cx, s, keys, n, values);
    }
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        ql_status st = s->ops->get(cx, s, keys[i], &values[i]);
        if (st != QL_OK) {
            QL_TRY(st == QL_END ? QL_OK : st);
            values[i] = (ql_str){NULL, 0};
        }
    }
    return QL_OK;
}

ql_status
ql_kv_warm(ql_ctx *cx, ql_kv_snap *s, const ql_str *keys, size_t n)
{
    return s->ops->warm != NULL ? s->ops->warm(cx, s, keys, n) : QL_OK;
}

ql_status
ql_kv_cursor_open(ql_ctx *cx, ql_kv_snap *s, ql_kv_cursor **out)
{
    return s->ops->cursor_open(cx, s, out);
}

void
ql_kv_cursor_close(ql_kv_cursor *c)
{
    if (c != NULL) {
        c->ops->cursor_close(c);
    }
}

void
ql_kv_cursor_trust(ql_kv_cursor *c)
{
    c->trusting = true;
}

ql_str
ql_kv_cursor_damaged(const ql_kv_cursor *c)
{
    return c->damaged;
}

ql_status
ql_kv_seek_ge(ql_ctx *cx, ql_kv_cursor *c, ql_str key, ql_str *k, ql_str *v)
{
    return c->ops->seek_ge(cx, c, key, k, v);
}

ql_status
ql_kv_seek_lt(ql_ctx *cx, ql_kv_cursor *c, ql_str key, ql_str *k, ql_str *v)
{
    return c->ops->seek_lt(cx, c, key, k, v);
}

ql_status
ql_kv_next(ql_ctx *cx, ql_kv_cursor *c, ql_str *k, ql_str *v)
{
    return c->ops->next(cx, c, k, v);
}

ql_status
ql_kv_prev(ql_ctx *cx, ql_kv_cursor *c, ql_str *k, ql_str *v)
{
    return c->ops->prev(cx, c, k, v);
}

ql_status
ql_kv_region_open(ql_ctx *cx, ql_kv_snap *s, ql_str from, ql_str to, unsigned probes,
                  ql_kv_region *out)
{
    *out = (ql_kv_region){.snap = s};
    return s->ops->region_open != NULL ? s->ops->region_open(cx, s, from, to, probes, out) : QL_END;
}

void
ql_kv_region_close(ql_kv_region *r)
{
    if (r->in != NULL) {
        r->snap->ops->region_close(r);
        r->in = NULL;
    }
}

ql_status
ql_kv_region_key(ql_ctx *cx, const ql_kv_region *r, double at, ql_str *key)
{
    return r->in != NULL ? r->snap->ops->region_key(cx, r, at, key) : QL_END;
}

ql_status
ql_kv_apply_begin(ql_ctx *cx, ql_kv *kv, ql_kv_apply **out)
{
    return kv->ops->apply_begin(cx, kv, out);
}

ql_status
ql_kv_beside_begin(ql_ctx *cx, ql_kv *kv, uint64_t after, ql_kv_apply **out)
{
    return kv->ops->beside_begin != NULL ? kv->ops->beside_begin(cx, kv, after, out)
                                         : kv->ops->apply_begin(cx, kv, out);
}

ql_status
ql_kv_apply_put(ql_ctx *cx, ql_kv_apply *a, ql_str key, ql_str value)
{
    QL_TRY(qli_kv_check_key(cx, key));
    return a->ops->apply_put(cx, a, key, value);
}

ql_status
ql_kv_apply_del(ql_ctx *cx, ql_kv_apply *a, ql_str key)
{
    QL_TRY(qli_kv_check_key(cx, key));
    return a->ops->apply_del(cx, a, key);
}

ql_status
ql_kv_apply_get(ql_ctx *cx, ql_kv_apply *a, ql_str key, ql_str *value)
{
    return a->ops->apply_get(cx, a, key, value);
}

void
ql_kv_apply_keep_short(ql_kv_apply *a)
{
    a->keep_short = true;
}

ql_status
ql_kv_apply_del_range(ql_ctx *cx, ql_kv_apply *a, ql_str from, ql_str to, size_t n, size_t *done)
{
    return a->ops->apply_del_range(cx, a, from, to, n, done);
}

ql_status
ql_kv_apply_commit(ql_ctx *cx, ql_kv_apply *a, ql_kv_sync sync)
{
    return a->ops->apply_commit(cx, a, sync);
}

void
ql_kv_apply_abort(ql_kv_apply *a)
{
    if (a != NULL) {
        a->ops->apply_abort(a);
    }
}

ql_status
ql_kv_flush(ql_ctx *cx, ql_kv *kv)
{
    return kv->ops->flush != NULL ? kv->ops->flush(cx, kv) : QL_OK;
}
