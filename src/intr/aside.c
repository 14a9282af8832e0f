/* SPDX-License-Identifier: Apache-2.0
 *
 * One thread for each piece of work: starting one takes 50 us, which is little beside work that is
 * worth it, and none waits for another's.
 */
#include "intr/aside.h"

#include "base/diag.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "intr/cv.h"

/* Owner: the statement, and the thread once the statement has left. */
typedef struct job {
    ql_mutex mu;
    ql_cv done_cv;
    bool done, left;      /* [mu] */
    void (*work)(void *); /* [const] */
    void (*drop)(void *); /* [const] */
    void *arg;            /* [const] */
} job;

static void
job_free(job *j)
{
    ql_mutex_fini(&j->mu);
    ql_mem_free(j);
}

static void
run(void *arg)
{
    job *j = arg;
    j->work(j->arg);
    ql_mutex_lock(&j->mu);
    j->done = true;
    bool left = j->left;
    ql_cv_signal(&j->done_cv);
    ql_mutex_unlock(&j->mu);
    if (left) {
        j->drop(j->arg);
        job_free(j);
    }
}

/* Until the job is done, or the statement has to stop. *done: the job is the caller's again. */
static ql_status
wait_for(ql_ctx *cx, job *j, bool *done)
{
    ql_status st = QL_OK;
    ql_mutex_lock(&j->mu);
    while (st == QL_OK && !j->done) {
        st = ql_cv_wait(cx, &j->done_cv, &j->mu, QL_FOREVER, QL_W_ASIDE);
    }
    *done = j->done;
    j->left = !j->done;
    ql_mutex_unlock(&j->mu);
    return st;
}

static ql_status
start_and_wait(ql_ctx *cx, job *j)
{
    ql_thread t;
    bool done;
    ql_status st = ql_thread_start(cx, &t, "ql-aside", 0, run, j);
    if (st == QL_OK) {
        st = wait_for(cx, j, &done);
        if (!done) {
            ql_thread_detach(&t);
            return st;
        }
        ql_thread_join(&t);
    }
    if (st != QL_OK) {
        j->drop(j->arg);
    }
    job_free(j);
    return st;
}

ql_status
ql_aside(ql_ctx *cx, void (*work)(void *arg), void (*drop)(void *arg), void *arg)
{
    job *j = ql_mem_zalloc(sizeof *j);
    if (j == NULL) {
        drop(arg);
        return ql_fail_oom(cx, sizeof *j);
    }
    ql_mutex_init(&j->mu, QL_RANK_ASIDE);
    ql_cv_init(&j->done_cv);
    j->work = work;
    j->drop = drop;
    j->arg = arg;
    return start_and_wait(cx, j);
}
