/* SPDX-License-Identifier: Apache-2.0
 *
 * User variables (@x) of a session: a hash table in ql_vars by lower-cased name, on the heap
 * because they shrink. A value that is replaced lives on until the statement's arena is reset:
 * expressions of the same statement may point into it. Session's thread only.
 */
#include <string.h>

#include "base/arena.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "vars/vars_int.h"

#define USERVAR_NAME_MAX 64u

/* Bytes of a string, charged to what the session keeps. */
typedef struct held {
    ql_quota *quota;
    size_t size; /* of all of it */
    char p[];
} held;

typedef struct uservar {
    ql_hash_node node;
    ql_value v; /* string: bytes owned */
    size_t n;
    char name[];
} uservar;

static char *
hold(ql_ctx *cx, ql_str s)
{
    size_t size = sizeof(held) + s.n + 1;
    if (!ql_quota_take(cx, cx->vars->kept, size)) {
        return NULL;
    }
    held *h = ql_mem_alloc(size);
    if (h == NULL) {
        ql_quota_give(cx->vars->kept, size);
        (void)ql_fail_oom(cx, size);
        return NULL;
    }
    h->quota = cx->vars->kept;
    h->size = size;
    if (ql_bulk_copy(cx, h->p, s.p, s.n) != QL_OK) {
        ql_quota_give(h->quota, size);
        ql_mem_free(h);
        return NULL;
    }
    h->p[s.n] = '\0';
    return h->p;
}

/* p: from hold. */
static void
let_go(void *p)
{
    held *h = (held *)((char *)p - offsetof(held, p));
    ql_quota_give(h->quota, h->size);
    ql_mem_free(h);
}

static void
uservar_free(uservar *u)
{
    if (u->v.kind == QL_K_STRING) {
        let_go((char *)u->v.s.p);
    }
    ql_mem_free(u);
}

void
qli_uservars_free(ql_vars *v)
{
    for (size_t i = 0; i < v->user_vars.nbuckets; i++) {
        ql_hash_node *n;
        while ((n = v->user_vars.buckets[i]) != NULL) {
            ql_hash_remove(&v->user_vars, n);
            uservar_free((uservar *)((char *)n - offsetof(uservar, node)));
        }
    }
}

static uservar *
find(const ql_vars *v, ql_str lower)
{
    ql_hash_node *n = ql_hash_first(&v->user_vars, ql_hash_bytes(lower.p, lower.n, 0));
    for (; n; n = ql_hash_next(n)) {
        uservar *u = (uservar *)((char *)n - offsetof(uservar, node));
        if (u->n == lower.n && memcmp(u->name, lower.p, lower.n) == 0) {
            return u;
        }
    }
    return NULL;
}

/* Names are compared without case; beyond ASCII as they are written. */
static bool
lower_name(ql_str name, char buf[USERVAR_NAME_MAX * 4], ql_str *out)
{
    if (name.n > USERVAR_NAME_MAX * 4 || ql_utf8_chars(name) > USERVAR_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        buf[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    *out = (ql_str){buf, name.n};
    return true;
}

void
ql_uservar_get(ql_ctx *cx, ql_str name, ql_value *out)
{
    char buf[USERVAR_NAME_MAX * 4];
    ql_str lower;
    *out = ql_value_null();
    uservar *u = lower_name(name, buf, &lower) ? find(cx->vars, lower) : NULL;
    if (u) {
        *out = u->v;
    }
}

static uservar *
make(ql_ctx *cx, ql_str lower)
{
    uservar *u = ql_mem_zalloc(sizeof *u + lower.n + 1);
    if (!u) {
        (void)ql_fail_oom(cx, sizeof *u + lower.n);
        return NULL;
    }
    u->v = ql_value_null();
    u->n = lower.n;
    memcpy(u->name, lower.p, lower.n);
    ql_hash_insert(&cx->vars->user_vars, &u->node, ql_hash_bytes(lower.p, lower.n, 0));
    return u;
}

/* What a variable can hold: integers, decimals, doubles, strings. */
static ql_status
held_form(ql_ctx *cx, const ql_value *v, ql_value *out)
{
    *out = *v;
    ql_str text;
    if (ql_kind_is_temporal(v->kind) || ql_kind_is_list(v->kind)) {
        QL_TRY(ql_value_to_str(cx, cx->arena, v, &text));
        *out = ql_value_str(text, v->coll != NULL ? v->coll : ql_coll_default);
    }
    if (out->kind == QL_K_STRING) {
        out->s.p = hold(cx, out->s);
        if (!out->s.p) {
            return QL_ERROR;
        }
    }
    return QL_OK;
}

ql_status
ql_uservar_set(ql_ctx *cx, ql_str name, const ql_value *v)
{
    ql_value text; /* of JSON: variables hold no documents */
    if (v->kind == QL_K_JSON) {
        text = ql_value_str((ql_str){0}, ql_coll_utf8mb4_bin);
        QL_TRY(ql_value_to_str(cx, cx->arena, v, &text.s));
        v = &text;
    }
    char buf[USERVAR_NAME_MAX * 4];
    ql_str lower;
    if (!lower_name(name, buf, &lower)) {
        return ql_fail_text(cx, QL_ER_WRONG_ARGUMENTS, "User variable name '%s' is illegal",
                            ql_cstr(cx, name));
    }
    ql_value now;
    QL_TRY(held_form(cx, v, &now));
    uservar *u = find(cx->vars, lower);
    u = u ? u : make(cx, lower);
    ql_status st = u ? QL_OK : QL_ERROR;
    if (u && u->v.kind == QL_K_STRING) {
        st = ql_arena_defer(cx, cx->arena, let_go, (char *)u->v.s.p);
    }
    if (st != QL_OK) {
        if (now.kind == QL_K_STRING) {
            let_go((char *)now.s.p);
        }
        return st;
    }
    u->v = now;
    u->v.zerofill = u->v.bits = 0; /* a variable has the number, not the column's text of it */
    return QL_OK;
}
