/* SPDX-License-Identifier: Apache-2.0
 *
 * SHOW ENGINE ... STATUS. For INNODB the report of InnoDB's monitor with the sections that tell
 * something true here: the latest error of a foreign key, the latest deadlock, transactions with
 * the locks they wait for, the log, locks, memory. What has no counterpart (buffer pool, adaptive
 * hash index, semaphores) is left out, nothing is made up. Copies of the process list and the lock
 * table stop nobody.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/thread.h"
#include "catalog/foreign.h"
#include "stmts/stmts_int.h"
#include "views/lockview.h"

#define REPORT_MAX (1024 * 1024) /* as MySQL */

typedef struct report {
    ql_buf b;
    ql_arena *mem;
    ql_proc_info *sessions;
    size_t nsessions;
    ql_lock_wait *waits; /* those of one request behind each other */
    size_t nwaits;
} report;

static ql_status
put_heading(ql_ctx *cx, ql_buf *b, const char *text)
{
    static const char line[] = "----------------------------------------";
    int n = (int)strlen(text);
    return ql_buf_printf(cx, b, "%.*s\n%s\n%.*s\n", n, line, text, n, line);
}

static ql_status
put_time(ql_ctx *cx, ql_buf *b, int64_t us)
{
    char text[32];
    ql_dt dt;
    ql_zone_local(cx->zone, us, &dt);
    return ql_buf_put(cx, b, text, ql_dt_print(&dt, 0, text));
}

static ql_status
put_title(ql_ctx *cx, ql_buf *b)
{
    static const char line[] = "=====================================";
    QL_TRY(ql_buf_printf(cx, b, "\n%s\n", line));
    QL_TRY(put_time(cx, b, ql_now_real_us()));
    return ql_buf_printf(cx, b, " INNODB MONITOR OUTPUT\n%s\n", line);
}

static ql_status
put_foreign_key(ql_ctx *cx, report *r)
{
    ql_str text;
    int64_t at;
    QL_TRY(ql_foreign_latest_error(cx, r->mem, &at, &text));
    if (text.n == 0) {
        return QL_OK;
    }
    QL_TRY(put_heading(cx, &r->b, "LATEST FOREIGN KEY ERROR"));
    QL_TRY(put_time(cx, &r->b, at));
    QL_TRY(ql_buf_put_u8(cx, &r->b, '\n'));
    QL_TRY(ql_buf_put(cx, &r->b, text.p, text.n));
    return text.p[text.n - 1] == '\n' ? QL_OK : ql_buf_put_u8(cx, &r->b, '\n');
}

static ql_status
put_deadlock(ql_ctx *cx, report *r)
{
    ql_str text;
    QL_TRY(ql_deadlock_text(cx, r->mem, &text));
    if (text.n == 0) {
        return QL_OK;
    }
    QL_TRY(put_heading(cx, &r->b, "LATEST DETECTED DEADLOCK"));
    QL_TRY(ql_buf_put(cx, &r->b, text.p, text.n));
    return text.p[text.n - 1] == '\n' ? QL_OK : ql_buf_put_u8(cx, &r->b, '\n');
}

/* --- transactions ---------------------------------------------------------------------------- */

/* InnoDB's words for a lock mode. */
static const char *
mode_words(const ql_lock_view *l)
{
    static const struct {
        const char *mode, *words;
    } table[] = {
        {"X", "lock_mode X"},
        {"S", "lock mode S"},
        {"X,REC_NOT_GAP", "lock_mode X locks rec but not gap"},
        {"S,REC_NOT_GAP", "lock mode S locks rec but not gap"},
        {"X,GAP", "lock_mode X locks gap before rec"},
        {"S,GAP", "lock mode S locks gap before rec"},
        {"X,GAP,INSERT_INTENTION", "lock_mode X locks gap before rec insert intention"},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(table); i++) {
        if (strcmp(l->mode, table[i].mode) == 0) {
            return table[i].words;
        }
    }
    return l->mode;
}

static ql_status
put_lock(ql_ctx *cx, ql_buf *b, const ql_lock_view *l)
{
    if (l->table != NULL) {
        QL_TRY(ql_buf_printf(cx, b, "RECORD LOCKS index %.*s of table `%.*s`.`%.*s`",
                             (int)l->index->name.n, l->index->name.p, (int)l->table->db.n,
                             l->table->db.p, (int)l->table->name.n, l->table->name.p));
    } else {
        QL_TRY(ql_buf_put_str(cx, b, "RECORD LOCKS of a dropped table"));
    }
    QL_TRY(ql_buf_printf(cx, b, " trx id %llu %s%s\n", (unsigned long long)l->trx_id, mode_words(l),
                         l->granted ? "" : " waiting"));
    if (l->data.p != NULL) {
        QL_TRY(ql_buf_printf(cx, b, "Key: %.*s\n", (int)l->data.n, l->data.p));
    }
    return QL_OK;
}

static ql_status
put_waits(ql_ctx *cx, report *r, const ql_proc_info *p)
{
    const ql_lock_view *last = NULL;
    for (size_t i = 0; i < r->nwaits; i++) {
        const ql_lock_view *l = r->waits[i].waiting, *b = r->waits[i].blocking;
        if (l->conn_id != p->id) {
            continue;
        }
        if (l != last) {
            QL_TRY(ql_buf_printf(
                cx, &r->b, "------- TRX HAS BEEN WAITING %lld SEC FOR THIS LOCK TO BE GRANTED:\n",
                (long long)(l->wait_ms / 1000)));
            QL_TRY(put_lock(cx, &r->b, l));
            last = l;
        }
        QL_TRY(ql_buf_printf(cx, &r->b, "Blocked by trx id %llu, MySQL thread id %llu%s\n",
                             (unsigned long long)b->trx_id, (unsigned long long)b->conn_id,
                             b->granted ? "" : ", which waits in front of it"));
    }
    return last != NULL ? ql_buf_put_str(cx, &r->b, "------------------\n") : QL_OK;
}

static ql_status
put_figures(ql_ctx *cx, ql_buf *b, const ql_proc_info *p)
{
    bool waits = p->wait == QL_W_ROW_LOCK;
    if (p->info.p != NULL && p->tables_used > 0) {
        QL_TRY(ql_buf_printf(cx, b, "mysql tables in use %u, locked %u\n", p->tables_used,
                             p->tables_wrote));
    }
    if (p->trx_locks == 0 && !waits) {
        return QL_OK;
    }
    return ql_buf_printf(cx, b, "%s%llu lock struct(s), heap size %llu, %llu row lock(s)",
                         waits ? "LOCK WAIT " : "", (unsigned long long)p->trx_locks,
                         (unsigned long long)p->trx_lock_bytes, (unsigned long long)p->trx_locks);
}

static ql_status
put_transaction(ql_ctx *cx, report *r, const ql_proc_info *p)
{
    ql_buf *b = &r->b;
    bool locks = p->trx_locks != 0 || p->wait == QL_W_ROW_LOCK;
    QL_TRY(ql_buf_printf(cx, b, "---TRANSACTION %llu, ACTIVE %lld sec %s\n",
                         (unsigned long long)p->trx_id,
                         (long long)(p->trx_age_ms < 0 ? 0 : p->trx_age_ms / 1000),
                         p->state != NULL ? p->state : ""));
    QL_TRY(put_figures(cx, b, p));
    if (p->trx_changed != 0) {
        QL_TRY(ql_buf_printf(cx, b, "%srows changed %llu", locks ? ", " : "",
                             (unsigned long long)p->trx_changed));
    }
    if (locks || p->trx_changed != 0) {
        QL_TRY(ql_buf_put_u8(cx, b, '\n'));
    }
    QL_TRY(ql_buf_printf(cx, b, "MySQL thread id %llu, query id %llu %.*s %.*s %s\n",
                         (unsigned long long)p->id, (unsigned long long)p->query_id, (int)p->host.n,
                         p->host.p != NULL ? p->host.p : "", (int)p->user.n,
                         p->user.p != NULL ? p->user.p : "", p->state != NULL ? p->state : ""));
    if (p->info.p != NULL) {
        QL_TRY(ql_buf_put(cx, b, p->info.p, p->info.n));
        QL_TRY(ql_buf_put_u8(cx, b, '\n'));
    }
    return put_waits(cx, r, p);
}

static bool
any_waits(const report *r)
{
    for (size_t i = 0; i < r->nsessions; i++) {
        if (r->sessions[i].wait == QL_W_ROW_LOCK) {
            return true;
        }
    }
    return false;
}

static ql_status
put_transactions(ql_ctx *cx, report *r)
{
    QL_TRY(put_heading(cx, &r->b, "TRANSACTIONS"));
    QL_TRY(ql_procs_list(cx, cx->inst->procs, r->mem, &r->sessions, &r->nsessions));
    if (any_waits(r)) {
        QL_TRY(ql_lock_waits(cx, r->mem, &r->waits, &r->nwaits));
    }
    QL_TRY(ql_buf_put_str(cx, &r->b, "LIST OF TRANSACTIONS FOR EACH SESSION:\n"));
    for (size_t i = 0; i < r->nsessions; i++) {
        if (r->b.n > REPORT_MAX) {
            return ql_buf_put_str(cx, &r->b, "... truncated...\n");
        }
        if (i % 64 == 0) {
            QL_TRY(ql_check(cx));
        }
        if (ql_trx_is_shown(&r->sessions[i])) {
            QL_TRY(put_transaction(cx, r, &r->sessions[i]));
        }
    }
    return QL_OK;
}

/* --- figures --------------------------------------------------------------------------------- */

static ql_status
put_counters(ql_ctx *cx, report *r)
{
    ql_buf *b = &r->b;
    ql_instance *inst = cx->inst;
    ql_txnsys_stats st;
    ql_txnsys_get_stats(inst->txns, &st);
    QL_TRY(put_heading(cx, b, "LOG"));
    QL_TRY(ql_buf_printf(cx, b, "%llu transactions committed in %llu groups, %llu rolled back\n",
                         (unsigned long long)st.commits, (unsigned long long)st.commit_groups,
                         (unsigned long long)st.rollbacks));
    QL_TRY(put_heading(cx, b, "LOCKS"));
    QL_TRY(ql_buf_printf(cx, b, "%llu row locks, %llu waits, %llu deadlocks since the start\n",
                         (unsigned long long)st.row_locks, (unsigned long long)st.row_lock_waits,
                         (unsigned long long)st.deadlocks));
    QL_TRY(put_heading(cx, b, "BUFFER POOL AND MEMORY"));
    return ql_buf_printf(cx, b, "Changes of the %llu open transactions: %llu bytes\n",
                         (unsigned long long)st.open_transactions,
                         (unsigned long long)st.overlay_bytes);
}

static ql_status
put_report(ql_ctx *cx, report *r)
{
    QL_TRY(put_title(cx, &r->b));
    QL_TRY(put_foreign_key(cx, r));
    QL_TRY(put_deadlock(cx, r));
    QL_TRY(put_transactions(cx, r));
    QL_TRY(put_counters(cx, r));
    return ql_buf_printf(cx, &r->b,
                         "----------------------------\nEND OF INNODB MONITOR OUTPUT\n"
                         "============================\n");
}

static ql_status
send_report(ql_ctx *cx, qli_table *t, const report *r)
{
    ql_value *row;
    QL_TRY(qli_table_row(cx, t, &row));
    row[0] = qli_text("InnoDB");
    row[1] = qli_text("");
    row[2] = qli_text_n((ql_str){r->b.p, r->b.n});
    return qli_table_send(cx, t, NULL, 0);
}

ql_status
qli_show_engine_status(ql_ctx *cx, ql_run *run, const ql_ast_show *s)
{
    qli_table t;
    bool all = s->name.n == 0; /* SHOW ENGINE ALL STATUS */
    bool innodb = all || ql_str_eq_nocase(s->name, QL_STR("InnoDB"));
    if (ql_str_eq_nocase(s->name, QL_STR("performance_schema"))) {
        return ql_not_built(cx, "SHOW ENGINE PERFORMANCE_SCHEMA STATUS");
    }
    if (!innodb && !ql_str_eq_nocase(s->name, QL_STR("MyISAM"))) {
        return ql_fail(cx, QL_ER_UNKNOWN_STORAGE_ENGINE, ql_cstr(cx, s->name));
    }
    QL_TRY(ql_acl_require(cx, QL_PRIV_PROCESS, QL_PRIV_PROCESS));
    QL_TRY(qli_table_init(run, &t, 3));
    qli_table_string(&t, 0, "Type", 10, false);
    qli_table_string(&t, 1, "Name", 512, false);
    qli_table_string(&t, 2, "Status", 10, false);
    QL_TRY(qli_table_begin(cx, &t, NULL));
    if (!innodb) {
        return qli_table_send(cx, &t, NULL, 0); /* MyISAM has nothing to say, in MySQL too */
    }
    report r = {.mem = t.mem};
    ql_status st = put_report(cx, &r);
    st = st == QL_OK ? send_report(cx, &t, &r) : st;
    ql_buf_free(&r.b);
    return st;
}
