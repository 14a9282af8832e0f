/* SPDX-License-Identifier: Apache-2.0
 *
 * The keyspace in memory, for tests: a skip list of keys, each with its versions, newest first. A
 * snapshot sees the newest version not above its number; the running apply writes versions that
 * become visible when the number advances. Nothing is freed before close, so bytes stay valid.
 * Every call takes the one mutex (rank KV); a stalled commit waits on it.
 */
#include "kv/memkv.h"

#include "intr/cv.h"
#include "kv/kv_int.h"

#define LEVELS 16

typedef struct version {
    struct version *older;
    uint64_t seq;
    bool deleted;
    size_t n;
    char bytes[];
} version;

typedef struct node {
    version *newest;
    struct node *prev;
    struct node *touched; /* next one written by the running apply */
    size_t n;
    char *key;
    struct node *next[LEVELS];
} node;

/* Owner: the test. */
typedef struct memkv {
    ql_kv kv;
    ql_mutex mu;   /* rank KV: everything below */
    ql_cv stalled; /* commits that stand still */
    ql_cv idle;    /* no apply is running */
    node head;
    uint64_t random, entries, snapshots;
    uint32_t fail_commits, fail_puts, nstalled;
    ql_errcode fail_commit_code, fail_put_code;
    bool stall, applying;
} memkv;

typedef struct memsnap {
    ql_kv_snap s;
    memkv *m;
} memsnap;

typedef struct memcursor {
    ql_kv_cursor c;
    memkv *m;
    uint64_t seq;
    node *at;
} memcursor;

typedef struct memapply {
    ql_kv_apply a;
    memkv *m;
    uint64_t seq;
    node *touched;
} memapply;

static const ql_kv_ops mem_ops;

static ql_str
key_of(const node *n)
{
    return (ql_str){n->key, n->n};
}

/* First node not below key; before[i] gets the last one below it on each level. */
static node *
find(memkv *m, ql_str key, node *before[LEVELS])
{
    node *n = &m->head;
    for (int i = LEVELS - 1; i >= 0; i--) {
        while (n->next[i] != NULL && ql_str_cmp(key_of(n->next[i]), key) < 0) {
            n = n->next[i];
        }
        before[i] = n;
    }
    return n->next[0];
}

static const version *
version_at(const node *n, uint64_t seq)
{
    const version *v = n->newest;
    while (v != NULL && v->seq > seq) {
        v = v->older;
    }
    return v != NULL && !v->deleted ? v : NULL;
}

static int
random_level(memkv *m)
{
    m->random = m->random * 6364136223846793005u + 1442695040888963407u;
    int zeros = __builtin_ctzll((m->random >> 33) | ((uint64_t)1 << (2 * LEVELS - 1)));
    return zeros / 2 < LEVELS - 1 ? zeros / 2 : LEVELS - 1;
}

static node *
node_for(memkv *m, ql_str key)
{
    node *before[LEVELS];
    node *n = find(m, key, before);
    if (n != NULL && ql_str_cmp(key_of(n), key) == 0) {
        return n;
    }
    n = ql_mem_zalloc(sizeof *n);
    char *copy = ql_mem_strndup(key.p, key.n);
    if (n == NULL || copy == NULL) {
        ql_mem_free(n);
        ql_mem_free(copy);
        return NULL;
    }
    n->key = copy;
    n->n = key.n;
    for (int i = random_level(m); i >= 0; i--) {
        n->next[i] = before[i]->next[i];
        before[i]->next[i] = n;
    }
    n->prev = before[0];
    if (n->next[0] != NULL) {
        n->next[0]->prev = n;
    }
    return n;
}

static void
mem_close(ql_kv *kv)
{
    memkv *m = (memkv *)kv;
    for (node *n = m->head.next[0], *next; n != NULL; n = next) {
        next = n->next[0];
        for (version *v = n->newest, *older; v != NULL; v = older) {
            older = v->older;
            ql_mem_free(v);
        }
        ql_mem_free(n->key);
        ql_mem_free(n);
    }
    ql_mutex_fini(&m->mu);
    ql_mem_free(m);
}

static void
mem_stats(ql_kv *kv, ql_kv_stats *out)
{
    memkv *m = (memkv *)kv;
    ql_mutex_lock(&m->mu);
    uint64_t seq = ql_kv_seq(kv);
    for (node *n = m->head.next[0]; n != NULL; n = n->next[0]) {
        out->entries += version_at(n, seq) != NULL ? 1 : 0;
    }
    out->snapshots_open = m->snapshots;
    ql_mutex_unlock(&m->mu);
}

/* --- snapshots and cursors --- */

static ql_status
mem_snap_begin(ql_ctx *cx, ql_kv *kv, ql_kv_snap **out)
{
    memkv *m = (memkv *)kv;
    memsnap *s = ql_mem_zalloc(sizeof *s);
    if (s == NULL) {
        return ql_fail_oom(cx, sizeof *s);
    }
    ql_mutex_lock(&m->mu);
    s->s = (ql_kv_snap){.ops = &mem_ops, .seq = ql_kv_seq(kv)};
    s->m = m;
    m->snapshots++;
    ql_mutex_unlock(&m->mu);
    *out = &s->s;
    return QL_OK;
}

static void
mem_snap_end(ql_kv_snap *snap)
{
    memsnap *s = (memsnap *)snap;
    ql_mutex_lock(&s->m->mu);
    s->m->snapshots--;
    ql_mutex_unlock(&s->m->mu);
    ql_mem_free(s);
}

static ql_status
get_at(memkv *m, uint64_t seq, ql_str key, ql_str *value)
{
    node *before[LEVELS];
    ql_mutex_lock(&m->mu);
    node *n = find(m, key, before);
    const version *v = n != NULL && ql_str_cmp(key_of(n), key) == 0 ? version_at(n, seq) : NULL;
    ql_mutex_unlock(&m->mu);
    if (v == NULL) {
        return QL_END;
    }
    *value = (ql_str){v->bytes, v->n};
    return QL_OK;
}

static ql_status
mem_get(ql_ctx *cx, ql_kv_snap *snap, ql_str key, ql_str *value)
{
    (void)cx;
    return get_at(((memsnap *)snap)->m, snap->seq, key, value);
}

static ql_status
mem_cursor_open(ql_ctx *cx, ql_kv_snap *snap, ql_kv_cursor **out)
{
    memcursor *c = ql_mem_zalloc(sizeof *c);
    if (c == NULL) {
        return ql_fail_oom(cx, sizeof *c);
    }
    c->c.ops = &mem_ops;
    c->m = ((memsnap *)snap)->m;
    c->seq = snap->seq;
    *out = &c->c;
    return QL_OK;
}

static void
mem_cursor_close(ql_kv_cursor *c)
{
    ql_mem_free(c);
}

/* [mu] From n on (itself included) the first visible key in that direction. */
static ql_status
settle(memcursor *c, node *n, bool back, ql_str *k, ql_str *v)
{
    while (n != NULL && n != &c->m->head) {
        const version *ver = version_at(n, c->seq);
        if (ver != NULL) {
            c->at = n;
            *k = key_of(n);
            *v = (ql_str){ver->bytes, ver->n};
            return QL_OK;
        }
        n = back ? n->prev : n->next[0];
    }
    c->at = NULL;
    return QL_END;
}

static ql_status
mem_seek(ql_kv_cursor *cursor, ql_str key, bool lt, ql_str *k, ql_str *v)
{
    memcursor *c = (memcursor *)cursor;
    node *before[LEVELS];
    ql_mutex_lock(&c->m->mu);
    node *n = find(c->m, key, before);
    ql_status st = settle(c, lt ? before[0] : n, lt, k, v);
    ql_mutex_unlock(&c->m->mu);
    return st;
}

static ql_status
mem_seek_ge(ql_ctx *cx, ql_kv_cursor *c, ql_str key, ql_str *k, ql_str *v)
{
    (void)cx;
    return mem_seek(c, key, false, k, v);
}

static ql_status
mem_seek_lt(ql_ctx *cx, ql_kv_cursor *c, ql_str key, ql_str *k, ql_str *v)
{
    (void)cx;
    return mem_seek(c, key, true, k, v);
}

static ql_status
mem_step(ql_kv_cursor *cursor, bool back, ql_str *k, ql_str *v)
{
    memcursor *c = (memcursor *)cursor;
    if (c->at == NULL) {
        return QL_END;
    }
    ql_mutex_lock(&c->m->mu);
    ql_status st = settle(c, back ? c->at->prev : c->at->next[0], back, k, v);
    ql_mutex_unlock(&c->m->mu);
    return st;
}

static ql_status
mem_next(ql_ctx *cx, ql_kv_cursor *c, ql_str *k, ql_str *v)
{
    (void)cx;
    return mem_step(c, false, k, v);
}

static ql_status
mem_prev(ql_ctx *cx, ql_kv_cursor *c, ql_str *k, ql_str *v)
{
    (void)cx;
    return mem_step(c, true, k, v);
}

/* --- regions: all of it, exactly --- */

struct qli_region {
    size_t n;
    ql_str keys[];
};

/* [mu] */
static size_t
list_keys(const ql_kv_snap *snap, node *n, ql_str to, ql_str *out)
{
    size_t k = 0;
    for (; n != NULL && ql_str_cmp(key_of(n), to) < 0; n = n->next[0]) {
        if (version_at(n, snap->seq) != NULL) {
            if (out != NULL) {
                out[k] = key_of(n);
            }
            k++;
        }
    }
    return k;
}

static ql_status
mem_region_open(ql_ctx *cx, ql_kv_snap *snap, ql_str from, ql_str to, unsigned probes,
                ql_kv_region *out)
{
    memkv *m = ((memsnap *)snap)->m;
    node *before[LEVELS];
    (void)probes;
    ql_mutex_lock(&m->mu);
    node *first = find(m, from, before);
    size_t n = list_keys(snap, first, to, NULL);
    out->in = ql_mem_alloc(sizeof *out->in + n * sizeof(ql_str));
    if (out->in != NULL) {
        out->in->n = list_keys(snap, first, to, out->in->keys);
    }
    ql_mutex_unlock(&m->mu);
    out->entries = (double)n;
    out->exact = true;
    return out->in != NULL ? QL_OK : ql_fail_oom(cx, n * sizeof(ql_str));
}

static void
mem_region_close(ql_kv_region *r)
{
    ql_mem_free(r->in);
}

static ql_status
mem_region_key(ql_ctx *cx, const ql_kv_region *r, double at, ql_str *key)
{
    (void)cx;
    size_t i = (size_t)(at * (double)r->in->n);
    if (r->in->n == 0) {
        return QL_END;
    }
    *key = r->in->keys[i < r->in->n ? i : r->in->n - 1];
    return QL_OK;
}

/* --- the writer --- */

static ql_status
mem_apply_begin(ql_ctx *cx, ql_kv *kv, ql_kv_apply **out)
{
    memkv *m = (memkv *)kv;
    memapply *a = ql_mem_zalloc(sizeof *a);
    if (a == NULL) {
        return ql_fail_oom(cx, sizeof *a);
    }
    ql_hold(cx, QL_INTR_STMT_MASK | QL_INTR_CONN_MASK);
    ql_mutex_lock(&m->mu);
    while (m->applying) { /* one beside the others, which ends soon */
        ql_status st = ql_cv_wait(cx, &m->idle, &m->mu, QL_FOREVER, QL_W_BACKGROUND);
        (void)st;
    }
    m->applying = true;
    a->seq = ql_kv_seq(kv) + 1;
    ql_mutex_unlock(&m->mu);
    ql_unhold(cx, QL_INTR_STMT_MASK | QL_INTR_CONN_MASK);
    a->a.ops = &mem_ops;
    a->m = m;
    *out = &a->a;
    return QL_OK;
}

/* [mu] */
static ql_status
write_version(memapply *a, ql_str key, ql_str value, bool deleted)
{
    node *n = node_for(a->m, key);
    version *v = n != NULL ? ql_mem_alloc(sizeof *v + value.n + 1) : NULL;
    if (v == NULL) {
        return QL_ERROR;
    }
    v->seq = a->seq;
    v->deleted = deleted;
    v->n = value.n;
    if (value.n != 0) {
        memcpy(v->bytes, value.p, value.n);
    }
    if (n->newest == NULL || n->newest->seq != a->seq) {
        n->touched = a->touched;
        a->touched = n;
    }
    v->older = n->newest;
    n->newest = v;
    return QL_OK;
}

static ql_status
mem_apply_put(ql_ctx *cx, ql_kv_apply *apply, ql_str key, ql_str value)
{
    memapply *a = (memapply *)apply;
    ql_mutex_lock(&a->m->mu);
    ql_errcode code = QL_ER_NONE;
    if (a->m->fail_puts > 0) {
        a->m->fail_puts--;
        code = a->m->fail_put_code;
    }
    ql_status st = code == QL_ER_NONE ? write_version(a, key, value, false) : QL_ERROR;
    ql_mutex_unlock(&a->m->mu);
    if (code != QL_ER_NONE) {
        return ql_fail_text(cx, code, "memkv was told to fail this put");
    }
    return st == QL_OK ? QL_OK : ql_fail_oom(cx, key.n + value.n);
}

static ql_status
mem_apply_del(ql_ctx *cx, ql_kv_apply *apply, ql_str key)
{
    memapply *a = (memapply *)apply;
    ql_str none = {"", 0};
    ql_mutex_lock(&a->m->mu);
    ql_status st = write_version(a, key, none, true);
    ql_mutex_unlock(&a->m->mu);
    return st == QL_OK ? QL_OK : ql_fail_oom(cx, key.n);
}

static ql_status
mem_apply_get(ql_ctx *cx, ql_kv_apply *apply, ql_str key, ql_str *value)
{
    (void)cx;
    memapply *a = (memapply *)apply;
    return get_at(a->m, a->seq, key, value);
}

static ql_status
mem_apply_del_range(ql_ctx *cx, ql_kv_apply *apply, ql_str from, ql_str to, size_t n, size_t *done)
{
    memapply *a = (memapply *)apply;
    node *before[LEVELS];
    ql_status st = QL_OK;
    ql_str none = {"", 0};
    *done = 0;
    ql_mutex_lock(&a->m->mu);
    for (node *at = find(a->m, from, before);
         st == QL_OK && at != NULL && *done < n && ql_str_cmp(key_of(at), to) < 0;
         at = at->next[0]) {
        if (version_at(at, a->seq) != NULL) {
            st = write_version(a, key_of(at), none, true);
            *done += st == QL_OK ? 1 : 0;
        }
    }
    ql_mutex_unlock(&a->m->mu);
    return st == QL_OK ? QL_OK : ql_fail_oom(cx, 0);
}

/* [mu] */
static void
undo(memapply *a)
{
    for (node *n = a->touched; n != NULL; n = n->touched) {
        while (n->newest != NULL && n->newest->seq == a->seq) {
            version *v = n->newest;
            n->newest = v->older;
            ql_mem_free(v);
        }
    }
    a->m->applying = false;
    ql_cv_signal(&a->m->idle);
}

static void
mem_apply_abort(ql_kv_apply *apply)
{
    memapply *a = (memapply *)apply;
    ql_mutex_lock(&a->m->mu);
    undo(a);
    ql_mutex_unlock(&a->m->mu);
    ql_mem_free(a);
}

static ql_status
mem_apply_commit(ql_ctx *cx, ql_kv_apply *apply, ql_kv_sync sync)
{
    memapply *a = (memapply *)apply;
    memkv *m = a->m;
    (void)sync;
    ql_errcode code = QL_ER_NONE;
    ql_mutex_lock(&m->mu);
    m->nstalled++;
    ql_status st = QL_OK;
    while (m->stall && st != QL_KILLED) {
        st = ql_cv_wait(cx, &m->stalled, &m->mu, QL_FOREVER, QL_W_BACKGROUND);
    }
    m->nstalled--;
    if (m->fail_commits > 0) {
        m->fail_commits--;
        code = m->fail_commit_code;
        undo(a);
    } else {
        m->applying = false;
        ql_cv_signal(&m->idle);
        if (a->touched != NULL) {
            atomic_store_explicit(&m->kv.seq, a->seq, memory_order_release);
        }
    }
    ql_mutex_unlock(&m->mu);
    ql_mem_free(a);
    if (code != QL_ER_NONE) {
        return ql_fail_text(cx, code, "memkv was told to fail this commit");
    }
    return QL_OK;
}

/* --- tests' switches --- */

void
ql_memkv_fail_commits(ql_kv *kv, uint32_t n, ql_errcode code)
{
    memkv *m = (memkv *)kv;
    ql_mutex_lock(&m->mu);
    m->fail_commits = n;
    m->fail_commit_code = code;
    ql_mutex_unlock(&m->mu);
}

void
ql_memkv_fail_puts(ql_kv *kv, uint32_t n, ql_errcode code)
{
    memkv *m = (memkv *)kv;
    ql_mutex_lock(&m->mu);
    m->fail_puts = n;
    m->fail_put_code = code;
    ql_mutex_unlock(&m->mu);
}

void
ql_memkv_stall(ql_kv *kv, bool on)
{
    memkv *m = (memkv *)kv;
    ql_mutex_lock(&m->mu);
    m->stall = on;
    ql_cv_broadcast(&m->stalled);
    ql_mutex_unlock(&m->mu);
}

uint32_t
ql_memkv_stalled(ql_kv *kv)
{
    memkv *m = (memkv *)kv;
    ql_mutex_lock(&m->mu);
    uint32_t n = m->stall ? m->nstalled : 0;
    ql_mutex_unlock(&m->mu);
    return n;
}

ql_status
ql_kv_open_mem(ql_ctx *cx, ql_kv **out)
{
    memkv *m = ql_mem_zalloc(sizeof *m);
    if (m == NULL) {
        return ql_fail_oom(cx, sizeof *m);
    }
    m->kv.ops = &mem_ops;
    m->random = 1;
    ql_mutex_init(&m->mu, QL_RANK_KV);
    ql_cv_init(&m->stalled);
    ql_cv_init(&m->idle);
    *out = &m->kv;
    return QL_OK;
}

static const ql_kv_ops mem_ops = {
    .close = mem_close,
    .stats = mem_stats,
    .snap_begin = mem_snap_begin,
    .snap_end = mem_snap_end,
    .get = mem_get,
    .cursor_open = mem_cursor_open,
    .cursor_close = mem_cursor_close,
    .seek_ge = mem_seek_ge,
    .seek_lt = mem_seek_lt,
    .next = mem_next,
    .prev = mem_prev,
    .region_open = mem_region_open,
    .region_close = mem_region_close,
    .region_key = mem_region_key,
    .apply_begin = mem_apply_begin,
    .apply_put = mem_apply_put,
    .apply_del = mem_apply_del,
    .apply_get = mem_apply_get,
    .apply_del_range = mem_apply_del_range,
    .apply_commit = mem_apply_commit,
    .apply_abort = mem_apply_abort,
};
