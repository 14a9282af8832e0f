/* SPDX-License-Identifier: Apache-2.0
 *
 * KILL, transaction statements, LOCK TABLES, prepared statements in SQL, FLUSH, SHUTDOWN, and the
 * table maintenance statements.
 */
#include "sql/sql_int.h"

/* ---- KILL ---- */

/* The current token is that word and something that can be an operand stands behind it. */
static bool
accept_word_before_operand(qli_parser *p, const char *word)
{
    if (!qli_is_word(p, word)) {
        return false;
    }
    switch (qli_peek(p, 1)->kind) {
    case T_EOF:
    case T_SEMI:
    case T_LPAREN: /* a function of that name */
    case T_DOT:
    case T_COMMA:
        return false;
    default:
        qli_advance(p);
        return true;
    }
}

/* KILL [HARD | SOFT] [CONNECTION | QUERY [ID]] { expr | USER account } */
ql_status
qli_kill(qli_parser *p, ql_ast_stmt *s)
{
    ql_ast_kill *k;
    QL_TRY(qli_new(p, sizeof *k, &k));
    s->kind = QL_S_KILL;
    s->kill = k;
    k->what = QL_KILL_CONNECTION;
    qli_advance(p);
    k->soft = accept_word_before_operand(p, "soft");
    if (!k->soft) {
        (void)accept_word_before_operand(p, "hard");
    }
    if (qli_accept(p, K_QUERY)) {
        k->what = QL_KILL_QUERY;
        if (qli_is(p, T_IDENT) && qli_is_word(p, "id") && qli_peek(p, 1)->kind == T_LPAREN) {
            qli_advance(p); /* QUERY ID (expr): nobody has a function named ID */
            k->what = QL_KILL_QUERY_ID;
        } else if (qli_is(p, T_IDENT) && accept_word_before_operand(p, "id")) {
            k->what = QL_KILL_QUERY_ID;
        }
    } else {
        (void)qli_accept(p, K_CONNECTION);
    }
    if (k->what != QL_KILL_QUERY_ID && qli_is(p, K_USER) && qli_peek(p, 1)->kind != T_LPAREN) {
        qli_advance(p);
        k->any_host = !qli_is(p, K_CURRENT_USER) && qli_peek(p, 1)->kind != T_USERVAR;
        QL_TRY(qli_new(p, sizeof *k->user, &k->user));
        return qli_user(p, k->user);
    }
    return qli_expr(p, &k->id);
}

/* ---- transactions ---- */

/* [AND [NO] CHAIN] [[NO] RELEASE] */
static ql_status
completion(qli_parser *p, ql_ast_txn *t)
{
    if (qli_accept(p, K_AND)) {
        t->chain = !qli_accept(p, K_NO);
        QL_TRY(qli_expect(p, K_CHAIN));
    }
    if (qli_accept2(p, K_NO, K_RELEASE)) {
        t->release = 0;
    } else if (t->chain != 1 && qli_accept(p, K_RELEASE)) {
        t->release = 1;
    }
    return QL_OK;
}

/* [WITH CONSISTENT SNAPSHOT], [READ WRITE | READ ONLY], ... */
static ql_status
start_modes(qli_parser *p, ql_ast_txn *t)
{
    if (qli_at_end(p)) {
        return QL_OK;
    }
    do {
        if (qli_accept(p, K_WITH)) {
            QL_TRY(qli_expect(p, K_CONSISTENT));
            QL_TRY(qli_expect(p, K_SNAPSHOT));
            t->with_snapshot = true;
            continue;
        }
        QL_TRY(qli_expect(p, K_READ));
        int read_only = qli_is(p, K_ONLY);
        QL_TRY(qli_expect(p, read_only ? K_ONLY : K_WRITE));
        if (t->read_only >= 0 && t->read_only != read_only) {
            return qli_syntax_error(p);
        }
        t->read_only = read_only;
    } while (qli_accept(p, T_COMMA));
    return QL_OK;
}

static ql_status
rollback(qli_parser *p, ql_ast_stmt *s)
{
    s->kind = QL_S_ROLLBACK;
    (void)qli_accept(p, K_WORK);
    if (qli_accept(p, K_TO)) {
        s->kind = QL_S_ROLLBACK_TO;
        (void)qli_accept(p, K_SAVEPOINT);
        return qli_name(p, &s->txn->savepoint);
    }
    return completion(p, s->txn);
}

ql_status
qli_txn_stmt(qli_parser *p, ql_ast_stmt *s)
{
    qli_token_kind verb = p->t.kind;
    if (verb == K_START && (qli_peek(p, 1)->kind == K_REPLICA || qli_peek(p, 1)->kind == K_SLAVE ||
                            qli_peek(p, 1)->kind == K_GROUP_REPLICATION)) {
        return qli_unbuilt(p, qli_peek(p, 1)->kind == K_GROUP_REPLICATION
                                  ? "START GROUP_REPLICATION"
                                  : "START REPLICA");
    }
    QL_TRY(qli_new(p, sizeof *s->txn, &s->txn));
    s->txn->read_only = s->txn->chain = s->txn->release = -1;
    qli_advance(p);
    switch (verb) {
    case K_BEGIN:
        s->kind = QL_S_BEGIN;
        (void)qli_accept(p, K_WORK);
        return QL_OK;
    case K_START:
        s->kind = QL_S_BEGIN;
        QL_TRY(qli_expect(p, K_TRANSACTION));
        return start_modes(p, s->txn);
    case K_COMMIT:
        s->kind = QL_S_COMMIT;
        (void)qli_accept(p, K_WORK);
        return completion(p, s->txn);
    case K_ROLLBACK:
        return rollback(p, s);
    case K_SAVEPOINT:
        s->kind = QL_S_SAVEPOINT;
        return qli_name(p, &s->txn->savepoint);
    default:
        s->kind = QL_S_RELEASE_SAVEPOINT;
        QL_TRY(qli_expect(p, K_SAVEPOINT));
        return qli_name(p, &s->txn->savepoint);
    }
}

/* ---- LOCK TABLES ---- */

static ql_status
lock_item(qli_parser *p, ql_ast_lock *lock)
{
    QL_TRY(qli_table_name(p, &lock->table));
    if (qli_accept(p, K_AS) || (qli_is_name(&p->t) && !qli_is(p, K_READ))) {
        QL_TRY(qli_name(p, &lock->alias));
    }
    if (qli_accept(p, K_READ)) {
        (void)qli_accept(p, K_LOCAL);
        return QL_OK;
    }
    (void)qli_accept(p, K_LOW_PRIORITY);
    lock->write = true;
    return qli_expect(p, K_WRITE);
}

ql_status
qli_lock_stmt(qli_parser *p, ql_ast_stmt *s)
{
    bool lock = qli_is(p, K_LOCK);
    qli_advance(p);
    if (qli_accept(p, K_INSTANCE)) {
        s->kind = lock ? QL_S_LOCK_INSTANCE : QL_S_UNLOCK_INSTANCE;
        if (!lock) {
            return QL_OK;
        }
        QL_TRY(qli_expect(p, K_FOR));
        return qli_expect(p, K_BACKUP);
    }
    if (!qli_accept(p, K_TABLES)) {
        QL_TRY(qli_expect(p, K_TABLE));
    }
    s->kind = lock ? QL_S_LOCK_TABLES : QL_S_UNLOCK_TABLES;
    if (!lock) {
        return QL_OK;
    }
    do {
        ql_ast_lock item = {0};
        QL_TRY(lock_item(p, &item));
        QL_TRY(qli_grow(p, &s->locks.v, &s->locks.n, sizeof *s->locks.v));
        s->locks.v[s->locks.n - 1] = item;
    } while (qli_accept(p, T_COMMA));
    return QL_OK;
}

/* ---- PREPARE, EXECUTE, DEALLOCATE ---- */

static ql_status
execute(qli_parser *p, ql_ast_stmt *s)
{
    s->kind = QL_S_EXECUTE;
    QL_TRY(qli_name(p, &s->name));
    if (!qli_accept(p, K_USING)) {
        return QL_OK;
    }
    uint32_t base = p->nstack;
    do {
        ql_ast_expr *var;
        QL_TRY(qli_user_var(p, &var));
        QL_TRY(qli_push(p, var));
    } while (qli_accept(p, T_COMMA));
    return qli_pop_exprs(p, base, &s->exprs);
}

ql_status
qli_prepared_stmt(qli_parser *p, ql_ast_stmt *s)
{
    qli_token_kind verb = p->t.kind;
    qli_advance(p);
    if (verb == K_EXECUTE) {
        return execute(p, s);
    }
    if (verb == K_DEALLOCATE) {
        s->kind = QL_S_DEALLOCATE;
        QL_TRY(qli_expect(p, K_PREPARE));
        return qli_name(p, &s->name);
    }
    s->kind = QL_S_PREPARE;
    QL_TRY(qli_name(p, &s->name));
    QL_TRY(qli_expect(p, K_FROM));
    return qli_is(p, T_STRING) ? qli_literal(p, &s->prepare_from)
                               : qli_user_var(p, &s->prepare_from);
}

/* ---- FLUSH, SHUTDOWN, table maintenance ---- */

static ql_status
add_word(qli_parser *p, ql_ast_admin *a, ql_str word)
{
    QL_TRY(qli_grow(p, &a->options, &a->noptions, sizeof *a->options));
    return qli_upper(p, word, &a->options[a->noptions - 1]);
}

static ql_status
take_word(qli_parser *p, ql_ast_admin *a)
{
    QL_TRY(add_word(p, a, p->t.text));
    qli_advance(p);
    return QL_OK;
}

/* FLUSH TABLES [t, ...] [WITH READ LOCK | FOR EXPORT] */
static ql_status
flush_tables(qli_parser *p, ql_ast_admin *a)
{
    QL_TRY(add_word(p, a, QL_STR("TABLES")));
    qli_advance(p);
    if (qli_is_name(&p->t)) {
        QL_TRY(qli_table_names(p, &a->tables));
    }
    if (qli_accept(p, K_WITH)) {
        QL_TRY(qli_expect(p, K_READ));
        QL_TRY(qli_expect(p, K_LOCK));
        return add_word(p, a, QL_STR("WITH READ LOCK"));
    }
    if (a->tables.n != 0 && qli_accept(p, K_FOR)) {
        QL_TRY(qli_expect(p, K_EXPORT));
        return add_word(p, a, QL_STR("FOR EXPORT"));
    }
    return QL_OK;
}

/* One of PRIVILEGES, STATUS, LOGS, BINARY LOGS, ...: words up to the comma become one option. */
static ql_status
flush_option(qli_parser *p, ql_ast_admin *a)
{
    switch (p->t.kind) {
    case K_PRIVILEGES:
    case K_STATUS:
    case K_LOGS:
    case K_HOSTS:
    case K_USER_RESOURCES:
    case K_OPTIMIZER_COSTS:
        return take_word(p, a);
    case K_BINARY:
    case K_ENGINE:
    case K_ERROR:
    case K_GENERAL:
    case K_SLOW:
    case K_RELAY: {
        ql_str kind = p->t.text;
        const char *name = ql_arena_printf(p->cx, p->a, "%.*s LOGS", (int)kind.n, kind.p);
        if (name == NULL) {
            return QL_ERROR;
        }
        qli_advance(p);
        QL_TRY(qli_expect(p, K_LOGS));
        return add_word(p, a, (ql_str){name, kind.n + 5});
    }
    default:
        return qli_syntax_error(p);
    }
}

static ql_status
flush(qli_parser *p, ql_ast_stmt *s)
{
    s->kind = QL_S_FLUSH;
    if (!qli_accept(p, K_NO_WRITE_TO_BINLOG)) {
        (void)qli_accept(p, K_LOCAL);
    }
    if (qli_is(p, K_TABLES) || qli_is(p, K_TABLE)) {
        return flush_tables(p, s->admin);
    }
    do {
        QL_TRY(flush_option(p, s->admin));
    } while (qli_accept(p, T_COMMA));
    return QL_OK;
}

/* CHECK: QUICK, FAST, MEDIUM, EXTENDED, CHANGED; REPAIR: QUICK, EXTENDED, USE_FRM. */
static bool
is_maintenance_word(const qli_parser *p, qli_token_kind verb)
{
    switch (p->t.kind) {
    case K_QUICK:
    case K_EXTENDED:
        return true;
    case K_FAST:
    case K_MEDIUM:
    case K_CHANGED:
        return verb == K_CHECK;
    case K_USE_FRM:
        return verb == K_REPAIR;
    default:
        return false;
    }
}

/* UPDATE HISTOGRAM ON c, ... {[WITH n BUCKETS] [{MANUAL | AUTO} UPDATE] |
 * USING DATA 'json'}, DROP HISTOGRAM ON c, ... */
static ql_status
histogram(qli_parser *p, ql_ast_admin *a)
{
    a->makes_histograms = qli_is(p, K_UPDATE);
    a->drops_histograms = !a->makes_histograms;
    qli_advance(p);
    QL_TRY(qli_expect(p, K_HISTOGRAM));
    QL_TRY(qli_expect(p, K_ON));
    do {
        QL_TRY(qli_grow(p, &a->columns, &a->ncolumns, sizeof *a->columns));
        QL_TRY(qli_name(p, &a->columns[a->ncolumns - 1]));
    } while (qli_accept(p, T_COMMA));
    if (a->drops_histograms) {
        return QL_OK;
    }
    if (qli_accept(p, K_USING)) {
        QL_TRY(qli_expect(p, K_DATA));
        return qli_string(p, &a->data);
    }
    if (qli_accept(p, K_WITH)) {
        QL_TRY(qli_uint(p, &a->buckets));
        QL_TRY(qli_expect(p, K_BUCKETS));
        if (a->buckets < 1 || a->buckets > 1024) {
            return ql_fail(p->cx, QL_ER_DATA_OUT_OF_RANGE, "Number of buckets", "ANALYZE TABLE");
        }
    }
    a->auto_update = qli_accept(p, K_AUTO);
    return a->auto_update || qli_accept(p, K_MANUAL) ? qli_expect(p, K_UPDATE) : QL_OK;
}

ql_status
qli_admin_stmt(qli_parser *p, ql_ast_stmt *s)
{
    qli_token_kind verb = p->t.kind;
    qli_advance(p);
    if (verb == K_SHUTDOWN) {
        s->kind = QL_S_SHUTDOWN;
        return QL_OK;
    }
    QL_TRY(qli_new(p, sizeof *s->admin, &s->admin));
    if (verb == K_FLUSH) {
        return flush(p, s);
    }
    s->kind = verb == K_ANALYZE    ? QL_S_ANALYZE
              : verb == K_CHECK    ? QL_S_CHECK
              : verb == K_CHECKSUM ? QL_S_CHECKSUM
              : verb == K_OPTIMIZE ? QL_S_OPTIMIZE
                                   : QL_S_REPAIR;
    if (verb != K_CHECK && verb != K_CHECKSUM && !qli_accept(p, K_NO_WRITE_TO_BINLOG)) {
        (void)qli_accept(p, K_LOCAL);
    }
    if (!qli_accept(p, K_TABLES)) {
        QL_TRY(qli_expect(p, K_TABLE));
    }
    QL_TRY(qli_table_names(p, &s->admin->tables));
    if (verb == K_ANALYZE && (qli_is(p, K_UPDATE) || qli_is(p, K_DROP))) {
        return histogram(p, s->admin);
    }
    if (verb == K_CHECKSUM && (qli_is(p, K_QUICK) || qli_is(p, K_EXTENDED))) {
        return take_word(p, s->admin);
    }
    while (verb == K_CHECK || verb == K_REPAIR) {
        if (verb == K_CHECK && qli_accept2(p, K_FOR, K_UPGRADE)) {
            QL_TRY(add_word(p, s->admin, QL_STR("FOR UPGRADE")));
        } else if (is_maintenance_word(p, verb)) {
            QL_TRY(take_word(p, s->admin));
        } else {
            break;
        }
    }
    return QL_OK;
}
