/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions that one session puts to the running statement of another (EXPLAIN FOR CONNECTION). The
 * statement answers at its next look at the kill flag, or in its wait, on its own thread, so that
 * nothing of it is read by others; it never waits for who asks. Who asks waits killably, and leaves
 * the question behind when he goes.
 */
#ifndef QL_INTR_ASK_H
#define QL_INTR_ASK_H

#include "base/buf.h"
#include "intr/cv.h"

typedef enum ql_ask_state {
    QL_ASK_OPEN,
    QL_ASK_TOLD,    /* the text is there */
    QL_ASK_NOT_YET, /* the statement has not come that far */
    QL_ASK_NEVER,   /* its kind has no answer to that */
    QL_ASK_ENDED,   /* it ended before it could answer, or could not answer */
} ql_ask_state;

/* Two references: who asks, who is asked. */
typedef struct ql_ask {
    _Atomic uint32_t refs;
    struct ql_ask *next; /* [mutex of the interrupt] */
    unsigned what;       /* [const] what is asked, in words that both know */
    ql_mutex mu;         /* rank CV */
    ql_cv done;          /* [mu] */
    ql_ask_state state;  /* [mu] */
    char *text;          /* [mu] ql_mem_alloc */
    size_t n;            /* [mu] */
} ql_ask;

/* Owner: who runs the statement, in whose frame it lives while ql_intr.teller points to it. tell
 * writes the answer to `what` into out; statuses of ctx are its own, the diagnostics and arena
 * those of the answer. Runs at any checkpoint, so it changes nothing of the statement. */
typedef struct ql_teller {
    ql_status (*tell)(ql_ctx *cx, void *arg, unsigned what, ql_buf *out, ql_ask_state *state);
    void *arg;
} ql_teller;

/* NULL after wording out of memory. */
ql_ask *ql_ask_new(ql_ctx *cx, unsigned what) QL_MUST_USE;
void ql_ask_put(ql_ask *a);
/* Until it is answered; then state and text may be read. QL_KILLED: the question is withdrawn as
 * far as this side goes. Waits: ANSWER. */
ql_status ql_ask_wait(ql_ctx *cx, ql_ask *a) QL_MUST_USE;

/* Any thread. Put the question to the statement that runs there; false: none does. Never waits. */
bool ql_intr_ask(ql_intr *in, ql_ask *a) QL_MUST_USE;

#endif
