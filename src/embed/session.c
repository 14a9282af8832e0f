/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions of a program: calls on them, one at a time, and what they tell. A session that is over
 * (killed, the instance closed) holds nothing; its handle stays until the program closes it.
 */
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/log.h"
#include "base/mem.h"
#include "embed/embed_int.h"
#include "intr/progress.h"
#include "txn/txn.h"

static qli_embedded *
embedded_of(ql_session *s)
{
    return (qli_embedded *)s;
}

void
qli_set_error(qli_error *e, const ql_condition *c)
{
    if (c == NULL) {
        *e = (qli_error){.number = QL_ER_OUT_OF_RESOURCES, .sqlstate = "HY000"};
        (void)snprintf(e->text, sizeof e->text, "%s", "Out of memory");
        return;
    }
    e->number = c->number;
    (void)snprintf(e->sqlstate, sizeof e->sqlstate, "%s", c->sqlstate);
    (void)snprintf(e->text, sizeof e->text, "%s", c->text);
}

/* ---- the front: what a session tells its program ---- */

static void
begin(ql_session *s, bool binary)
{
    qli_embedded *e = embedded_of(s);
    (void)binary;
    s->cx.sink = e->sink;
    ql_proc_tell_work(s->cx.proc, NULL, NULL);
}

static void
tell(ql_session *s, ql_status st, const ql_outcome *out, bool more)
{
    qli_embedded *e = embedded_of(s);
    (void)more;
    e->affected_rows = e->last_insert_id = 0;
    if (st != QL_OK) {
        qli_set_error(&e->error, ql_diag_error(s->cx.diag));
        e->result = st == QL_KILLED ? QUELL_KILLED : QUELL_ERROR;
        return;
    }
    e->affected_rows =
        out->has_result_set && e->sink != NULL ? e->sink->rows_sent : out->affected_rows;
    e->last_insert_id = out->last_insert_id;
}

static const ql_session_ops ops = {QL_SESSION_OPS};
static const ql_front program_front = {.begin = begin, .tell = tell, .ops = &ops};

/* ---- calls ---- */

static void
clear_error(qli_embedded *e)
{
    e->error.number = 0;
    (void)snprintf(e->error.sqlstate, sizeof e->error.sqlstate, "00000");
    e->error.text[0] = '\0';
    e->result = QUELL_OK;
}

static void
say_ended(qli_embedded *e)
{
    uint32_t why = atomic_load(&e->ended_by);
    ql_errcode code = why & QL_INTR_SHUTDOWN ? QL_ER_SERVER_SHUTDOWN : QL_ER_QUERY_INTERRUPTED;
    e->error.number = code;
    (void)snprintf(e->error.sqlstate, sizeof e->error.sqlstate, "%s", ql_errcode_sqlstate(code));
    (void)snprintf(e->error.text, sizeof e->error.text, "%s", ql_errcode_format(code));
}

bool
qli_call_begin(qli_embedded *e, int *result)
{
    int idle = QLI_IDLE;
    if (!atomic_compare_exchange_strong(&e->state, &idle, QLI_BUSY)) {
        *result = idle == QLI_BUSY ? QUELL_MISUSE : QUELL_ENDED;
        if (idle == QLI_OVER) {
            ql_mutex_lock(&e->mu); /* whoever is just giving it back knows why */
            ql_mutex_unlock(&e->mu);
            clear_error(e);
            say_ended(e);
        }
        return false;
    }
    clear_error(e);
    ql_log_set_connection(e->id);
    ql_txn_set_idle(&e->s.cx, false);
    return true;
}

void
qli_call_statement(qli_embedded *e, ql_proc_command shown)
{
    ql_session_target_open(&e->s, true, shown);
}

static void
become_idle(qli_embedded *e)
{
    ql_ctx *cx = &e->s.cx;
    ql_session_target_close(&e->s);
    ql_arena_reset(cx->arena);
    cx->sink = NULL;
    e->sink = NULL;
    ql_diag_reset(e->s.diag_now);
    cx->diag = e->s.diag_now;
    e->in_transaction = e->s.vars.in_transaction;
    (void)ql_session_show_idle(&e->s);
    ql_proc_forget_info(cx->proc);
    ql_session_take_limits(&e->s);
    ql_txn_set_idle(cx, true);
    ql_log_set_connection(0);
}

/* The state is BUSY. */
static void
give_back(qli_embedded *e)
{
    ql_mutex_lock(&e->mu);
    atomic_store(&e->state, QLI_OVER);
    qli_embedded_release(e);
    ql_mutex_unlock(&e->mu);
    qli_embedded_released(e->lib);
}

/* A kill that came before the store found no idle session; one that comes after it is the
 * reaper's. */
static void
make_idle(qli_embedded *e)
{
    atomic_store(&e->state, QLI_IDLE);
    if (ql_intr_conn_reason(&e->s.intr) != 0) {
        qli_take_idle(e);
    }
}

bool
qli_look_begin(qli_embedded *e)
{
    int idle = QLI_IDLE;
    return atomic_compare_exchange_strong(&e->state, &idle, QLI_BUSY);
}

void
qli_look_end(qli_embedded *e)
{
    make_idle(e);
}

int
qli_call_end(qli_embedded *e)
{
    int result = e->result;
    qli_stmts_sweep(e);
    if (e->s.end != QL_END_NONE || ql_intr_conn_reason(&e->s.intr) != 0) {
        ql_session_target_close(&e->s);
        give_back(e);
        if (result == QUELL_KILLED) {
            say_ended(e); /* by what ended the session, not by a kill of the statement before it */
            result = QUELL_ENDED;
        }
        return result; /* any other outcome stands; the next call tells */
    }
    become_idle(e);
    make_idle(e);
    return result;
}

/* ---- life ---- */

void
qli_embedded_release(qli_embedded *e)
{
    ql_ctx *cx = &e->s.cx;
    atomic_store(&e->ended_by, ql_intr_conn_reason(&e->s.intr));
    qli_reaper_forget(e);
    if (cx->intr != NULL) {
        ql_hold(cx, QL_INTR_STMT_MASK | QL_INTR_CONN_MASK);
    }
    qli_stmts_release(e);
    ql_session_release(&e->s);
    ql_session_fini(&e->s);
    e->in_transaction = false;
}

void
qli_embedded_released(qli_library *lib)
{
    ql_mutex_lock(&lib->mu);
    if (--lib->live == 0) {
        ql_cv_broadcast(&lib->quiet);
    }
    ql_mutex_unlock(&lib->mu);
}

void
qli_end_idle(qli_embedded *e)
{
    qli_library *lib = e->lib;
    int idle = QLI_IDLE;
    bool taken = atomic_compare_exchange_strong(&e->state, &idle, QLI_OVER);
    if (taken) {
        qli_embedded_release(e);
    }
    ql_mutex_unlock(&e->mu);
    if (taken) {
        qli_embedded_released(lib);
    }
}

void
qli_take_idle(qli_embedded *e)
{
    ql_mutex_lock(&e->mu);
    qli_end_idle(e);
}

static ql_status
set_account(qli_embedded *e, const char *user)
{
    ql_session *s = &e->s;
    if (user == NULL) {
        QL_TRY(ql_session_set_owner(s, false));
    } else {
        ql_str name = {user, strlen(user)}, host = QL_STR("localhost");
        ql_account *account = QL_ARENA_NEW(&s->cx, s->arena, ql_account);
        if (account == NULL) {
            return QL_ERROR;
        }
        ql_status st = ql_acl_find(&s->cx, s->arena, name, host, account);
        if (st == QL_END) {
            return ql_fail_text(&s->cx, QL_ER_ACCESS_DENIED_ERROR, "no account '%s'@'localhost'",
                                user);
        }
        QL_TRY(st);
        char *copy = ql_arena_strndup(&s->cx, s->arena, name.p, name.n);
        if (copy == NULL) {
            return QL_ERROR;
        }
        name.p = copy;
        QL_TRY(ql_session_set_account(s, s->arena, account, name, host));
        ql_proc_set_user(s->cx.proc, name, host, 0);
    }
    ql_proc_set_client(s->cx.proc, &(ql_proc_client){.account_user = s->vars.viewer.user,
                                                     .account_host = QL_STR("localhost"),
                                                     .peer = QL_STR("localhost"),
                                                     .has_attrs = true,
                                                     .program = QL_STR("libquell")});
    return QL_OK;
}

static ql_status
open_session(qli_embedded *e, const char *user)
{
    QL_TRY(ql_session_init(&e->s, &e->lib->env, &program_front, -1, "localhost"));
    e->s.multi_statements = true;
    e->id = e->s.vars.thread_id;
    ql_count(&e->s.cx, QL_CT_CONNECTIONS, 1);
    QL_TRY(set_account(e, user));
    QL_TRY(qli_reaper_watch(&e->s.cx, e));
    become_idle(e);
    return QL_OK;
}

/* Its own memory, and the place in the library's list it has or not. */
static void
forget(qli_embedded *e)
{
    qli_library *lib = e->lib;
    ql_mutex_lock(&lib->mu);
    if (e->prev != NULL) {
        e->prev->next = e->next;
    } else if (lib->all == e) {
        lib->all = e->next;
    }
    if (e->next != NULL) {
        e->next->prev = e->prev;
    }
    ql_mutex_unlock(&lib->mu);
    ql_mutex_lock(&e->mu); /* whoever found it in the list has looked his fill */
    ql_mutex_unlock(&e->mu);
    ql_mutex_fini(&e->mu);
    ql_mem_free(e);
    qli_library_put(lib);
}

/* false: the library is being closed. */
static bool
join(qli_library *lib)
{
    ql_mutex_lock(&lib->mu);
    bool may = lib->open && !lib->closing;
    lib->handles += may;
    lib->live += may;
    ql_mutex_unlock(&lib->mu);
    return may;
}

/* An instance that is being closed meanwhile has raised SHUTDOWN before the session was there. */
static void
enlist(qli_embedded *e)
{
    qli_library *lib = e->lib;
    ql_mutex_lock(&lib->mu);
    if (lib->closing) {
        (void)ql_intr_raise(&e->s.intr, QL_INTR_SHUTDOWN, 0);
    }
    e->next = lib->all;
    if (e->next != NULL) {
        e->next->prev = e;
    }
    lib->all = e;
    ql_mutex_unlock(&lib->mu);
}

int
ql_session_open(ql_instance *inst, const char *user, ql_session **out)
{
    qli_library *lib = (qli_library *)inst;
    *out = NULL;
    if (!join(lib)) {
        qli_set_message(lib, "the instance is not open");
        return QUELL_ERROR;
    }
    qli_embedded *e = ql_mem_zalloc(sizeof *e);
    if (e == NULL) {
        qli_embedded_released(lib);
        qli_library_put(lib);
        return QUELL_NOMEM;
    }
    e->lib = lib;
    e->event_fd = -1;
    clear_error(e);
    ql_mutex_init(&e->mu, QL_RANK_EMBEDDED);
    ql_status st = open_session(e, user);
    if (st != QL_OK) {
        const ql_condition *c = e->s.cx.diag != NULL ? ql_diag_error(e->s.cx.diag) : NULL;
        qli_set_message(lib, c != NULL ? c->text : "out of memory");
        atomic_store(&e->state, QLI_OVER);
        qli_embedded_release(e);
        qli_embedded_released(lib);
        forget(e);
        return QUELL_ERROR;
    }
    enlist(e);
    /* It could be killed before anybody looked for it in the list. */
    if (ql_intr_conn_reason(&e->s.intr) != 0) {
        qli_take_idle(e);
    }
    *out = &e->s;
    qli_set_message(lib, "");
    return QUELL_OK;
}

void
ql_session_close(ql_session *s)
{
    if (s == NULL) {
        return;
    }
    qli_embedded *e = embedded_of(s);
    qli_take_idle(e);
    qli_stmts_free(e);
    forget(e);
}

/* ---- what is told ---- */

uint64_t
ql_session_id(const ql_session *s)
{
    return ((const qli_embedded *)s)->id;
}

void
ql_interrupt(ql_session *s)
{
    qli_embedded *e = embedded_of(s);
    ql_mutex_lock(&e->mu);
    if (atomic_load(&e->state) == QLI_BUSY) {
        (void)ql_intr_raise(&e->s.intr, QL_INTR_QUERY, 0);
    }
    ql_mutex_unlock(&e->mu);
}

unsigned
ql_errno(const ql_session *s)
{
    return ((const qli_embedded *)s)->error.number;
}

const char *
ql_sqlstate(const ql_session *s)
{
    return ((const qli_embedded *)s)->error.sqlstate;
}

const char *
ql_errmsg(const ql_session *s)
{
    return ((const qli_embedded *)s)->error.text;
}

unsigned
ql_warning_count(ql_session *s)
{
    qli_embedded *e = embedded_of(s);
    if (!qli_look_begin(e)) {
        return 0;
    }
    size_t n = ql_diag_count(s->diag_last);
    qli_look_end(e);
    return (unsigned)n;
}

int
ql_warning(ql_session *s, unsigned i, int *level, unsigned *number, const char **text)
{
    qli_embedded *e = embedded_of(s);
    if (!qli_look_begin(e)) {
        return QUELL_MISUSE;
    }
    const ql_condition *c = i < ql_diag_count(s->diag_last) ? ql_diag_at(s->diag_last, i) : NULL;
    if (c != NULL) {
        *level = (int)c->level;
        *number = c->number;
        (void)snprintf(e->warning, sizeof e->warning, "%s", c->text);
        *text = e->warning;
    }
    qli_look_end(e);
    return c != NULL ? QUELL_OK : QUELL_MISUSE;
}

uint64_t
ql_affected_rows(const ql_session *s)
{
    return ((const qli_embedded *)s)->affected_rows;
}

uint64_t
ql_last_insert_id(const ql_session *s)
{
    return ((const qli_embedded *)s)->last_insert_id;
}

int
ql_in_transaction(const ql_session *s)
{
    return ((const qli_embedded *)s)->in_transaction;
}
