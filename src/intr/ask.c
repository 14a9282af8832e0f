/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions: a list at the interrupt of who is asked, under its mutex, and a bit in `pending` that
 * makes the next look a slow one. Answering and the end of a statement take the list.
 */
#include "intr/ask.h"

#include "base/arena.h"
#include "base/diag.h"
#include "base/mem.h"
#include "intr/intr_int.h"
#include "intr/sync.h"

ql_ask *
ql_ask_new(ql_ctx *cx, unsigned what)
{
    ql_ask *a = ql_mem_zalloc(sizeof *a);
    if (a == NULL) {
        (void)ql_fail_oom(cx, sizeof *a);
        return NULL;
    }
    atomic_init(&a->refs, 1);
    a->what = what;
    ql_mutex_init(&a->mu, QL_RANK_CV);
    ql_cv_init(&a->done);
    return a;
}

void
ql_ask_put(ql_ask *a)
{
    if (atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) == 1) {
        ql_mutex_fini(&a->mu);
        ql_mem_free(a->text);
        ql_mem_free(a);
    }
}

ql_status
ql_ask_wait(ql_ctx *cx, ql_ask *a)
{
    ql_status st = QL_OK;
    ql_mutex_lock(&a->mu);
    while (st == QL_OK && a->state == QL_ASK_OPEN) {
        st = ql_cv_wait(cx, &a->done, &a->mu, QL_FOREVER, QL_W_ANSWER);
    }
    ql_mutex_unlock(&a->mu);
    return st;
}

bool
ql_intr_ask(ql_intr *in, ql_ask *a)
{
    ql_mutex_lock(&in->mu);
    bool runs = atomic_load_explicit(&in->stmt_id, memory_order_relaxed) != 0 && in->park_fd < 0;
    if (runs) {
        atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
        a->next = in->asks;
        in->asks = a;
        qli_intr_update(in);
        ql_intr_wake(in);
    }
    ql_mutex_unlock(&in->mu);
    return runs;
}

/* Hand the answer over and let go. */
static void
answer(ql_ask *a, ql_ask_state state, char *text, size_t n)
{
    ql_mutex_lock(&a->mu);
    a->state = state;
    a->text = text;
    a->n = n;
    ql_cv_broadcast(&a->done);
    ql_mutex_unlock(&a->mu);
    ql_ask_put(a);
}

void
qli_asks_end(ql_intr *in)
{
    ql_ask *next;
    for (ql_ask *a = in->asks; a != NULL; a = next) {
        next = a->next;
        answer(a, QL_ASK_ENDED, NULL, 0);
    }
    in->asks = NULL;
}

/* The text, in memory and with diagnostics of its own: of the statement that is asked nothing
 * changes. Planning for it looks into no transaction. */
static void
tell(ql_ctx *cx, const ql_teller *t, ql_ask *a)
{
    ql_buf text = {0};
    ql_ask_state state = QL_ASK_NOT_YET;
    ql_status st = QL_OK;
    ql_arena *arena = cx->arena, *own = NULL;
    ql_diag *diag = cx->diag;
    struct ql_txn *txn = cx->txn;
    if (t != NULL) {
        cx->diag = ql_diag_new();
        own = ql_arena_new("answer", ql_arena_quota(arena));
        cx->arena = own;
        cx->txn = NULL;
        st = cx->diag == NULL || own == NULL ? QL_ERROR : QL_SYNC(cx, BEFORE_ANSWER);
        st = st == QL_OK ? t->tell(cx, t->arg, a->what, &text, &state) : st;
        cx->arena = arena;
        cx->txn = txn;
        if (own != NULL) {
            ql_arena_free(own);
        }
        if (cx->diag != NULL) {
            ql_diag_free(cx->diag);
        }
        cx->diag = diag;
    }
    if (st != QL_OK) {
        ql_buf_free(&text);
        state = QL_ASK_ENDED;
    }
    answer(a, state, text.p, text.n);
}

void
qli_asks_answer(ql_ctx *cx)
{
    ql_intr *in = cx->intr;
    if (in->telling) {
        return;
    }
    ql_mutex_assert_none_held();
    in->telling = true;
    for (;;) {
        ql_mutex_lock(&in->mu);
        ql_ask *a = in->asks;
        if (a != NULL) {
            in->asks = a->next;
        }
        qli_intr_update(in);
        ql_mutex_unlock(&in->mu);
        if (a == NULL) {
            break;
        }
        tell(cx, in->teller, a);
    }
    in->telling = false;
}
