/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser's front: ql_parse, the dispatch on a statement's first word, the token window, syntax
 * errors, names, and the open lists. The grammar itself is in the parse_*.c files.
 */
#include "sql/parse.h"

#include <stdio.h>
#include <string.h>

#include "base/bulk.h"
#include "base/thread.h"
#include "intr/intr.h"
#include "sql/sql_int.h"

#define CHECK_TOKENS 256u
#define STACK_RESERVE (32u * 1024u)
/* Stack that those who walk a tree may need for one level of it (measured: resolve and the
 * evaluator take 300 to 650 bytes; sanitizers multiply that). */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_PER_LEVEL 3072u
#elif defined(__OPTIMIZE__)
#define STACK_PER_LEVEL 768u
#else
#define STACK_PER_LEVEL 1536u
#endif
#define NEAR_MAX 80u

/* ---- the token window ---- */

static void
read_token(qli_parser *p, qli_token *t)
{
    qli_lexer_next(&p->lx, t);
    if (QL_UNLIKELY(++p->ntokens % CHECK_TOKENS == 0) && p->stopped == QL_OK) {
        p->stopped = ql_check(p->cx);
    }
    if (QL_UNLIKELY(p->lx.stopped != QL_OK)) {
        p->stopped = p->lx.stopped;
    }
    if (QL_UNLIKELY(p->stopped != QL_OK)) {
        t->kind = T_BAD;
    }
}

void
qli_advance(qli_parser *p)
{
    p->prev_end = p->t.end;
    if (p->nahead == 0) {
        read_token(p, &p->t);
        return;
    }
    p->t = p->ahead[0];
    p->nahead--;
    for (uint32_t i = 0; i < p->nahead; i++) {
        p->ahead[i] = p->ahead[i + 1];
    }
}

const qli_token *
qli_peek(qli_parser *p, uint32_t n)
{
    while (p->nahead < n) {
        read_token(p, &p->ahead[p->nahead++]);
    }
    return &p->ahead[n - 1];
}

/* ---- errors ---- */

/* Cut to whole characters. */
uint32_t
qli_near_length(const char *s, size_t n)
{
    if (n <= NEAR_MAX) {
        return (uint32_t)n;
    }
    uint32_t cut = NEAR_MAX;
    while (cut > 0 && ((uint8_t)s[cut] & 0xC0) == 0x80) {
        cut--;
    }
    return cut;
}

static ql_status
fail_near(ql_ctx *cx, ql_str rest, uint32_t line)
{
    char near[NEAR_MAX + 1];
    uint32_t n = qli_near_length(rest.p, rest.n);
    if (n != 0) {
        memcpy(near, rest.p, n);
    }
    near[n] = '\0';
    return ql_fail(cx, QL_ER_PARSE_ERROR, near, (int)line);
}

ql_status
qli_syntax_error_at(qli_parser *p, uint32_t pos, uint32_t line)
{
    if (p->stopped != QL_OK) {
        return p->stopped;
    }
    return fail_near(p->cx, (ql_str){p->text.p + pos, p->text.n - pos}, line);
}

ql_status
qli_syntax_error(qli_parser *p)
{
    return qli_syntax_error_at(p, p->t.pos, p->t.line);
}

ql_status
qli_unbuilt(qli_parser *p, const char *what)
{
    if (p->stopped == QL_OK && p->unbuilt == NULL) {
        p->unbuilt = what;
    }
    return p->stopped != QL_OK ? p->stopped : QL_ERROR;
}

ql_status
qli_enter(qli_parser *p)
{
    if (QL_UNLIKELY((uintptr_t)__builtin_frame_address(0) < p->stack_floor)) {
        return ql_fail(p->cx, QL_ER_STACK_OVERRUN_NEED_MORE, (long)STACK_RESERVE);
    }
    return QL_OK;
}

static ql_status
check_height(qli_parser *p, uint32_t height)
{
    p->highest = height > p->highest ? height : p->highest;
    return height <= p->height_max
               ? QL_OK
               : ql_fail(p->cx, QL_ER_STACK_OVERRUN_NEED_MORE, (long)height * STACK_PER_LEVEL);
}

ql_status
qli_measure(qli_parser *p, ql_ast_expr *e)
{
    uint32_t height = e->height; /* a subquery's, when there is one */
    for (uint32_t i = 0; i < e->args.n; i++) {
        uint32_t below = e->args.v[i]->height;
        QL_TRY(ql_bulk_each(p->cx, i));
        height = below > height ? below : height;
    }
    for (uint32_t i = 0; i < e->order_by.n; i++) {
        uint32_t below = e->order_by.v[i].expr->height;
        QL_TRY(ql_bulk_each(p->cx, i));
        height = below > height ? below : height;
    }
    e->height = height + 1;
    return check_height(p, e->height);
}

ql_status
qli_raise_height(qli_parser *p)
{
    return check_height(p, p->highest + 1);
}

ql_status
qli_expect(qli_parser *p, qli_token_kind k)
{
    if (p->t.kind != k) {
        return qli_syntax_error(p);
    }
    qli_advance(p);
    return QL_OK;
}

/* ---- memory and lists ---- */

ql_status
qli_new(qli_parser *p, size_t size, void *out)
{
    void *m = ql_arena_zalloc(p->cx, p->a, size);
    memcpy(out, &m, sizeof m);
    return m != NULL ? QL_OK : QL_ERROR;
}

ql_status
qli_push(qli_parser *p, void *item)
{
    if (p->nstack == p->stack_cap) {
        uint32_t cap = p->stack_cap != 0 ? p->stack_cap * 2 : 64;
        void **grown = ql_arena_alloc(p->cx, p->a, cap * sizeof *grown);
        if (grown == NULL) {
            return QL_ERROR;
        }
        if (p->nstack != 0) {
            QL_TRY(ql_bulk_copy(p->cx, grown, p->stack, p->nstack * sizeof *grown));
        }
        p->stack = grown;
        p->stack_cap = cap;
    }
    p->stack[p->nstack++] = item;
    return QL_OK;
}

ql_status
qli_pop_list(qli_parser *p, uint32_t base, void ***v, uint32_t *n)
{
    *n = p->nstack - base;
    *v = NULL;
    if (*n != 0) {
        void **list = ql_arena_alloc(p->cx, p->a, *n * sizeof *list);
        if (list == NULL) {
            return QL_ERROR;
        }
        QL_TRY(ql_bulk_copy(p->cx, list, p->stack + base, *n * sizeof *list));
        *v = list;
    }
    p->nstack = base;
    return QL_OK;
}

ql_status
qli_pop_exprs(qli_parser *p, uint32_t base, ql_ast_exprs *out)
{
    void **v;
    QL_TRY(qli_pop_list(p, base, &v, &out->n));
    out->v = (ql_ast_expr **)v;
    return QL_OK;
}

/* The capacity is the power of two above *n, so it need not be kept. */
ql_status
qli_grow(qli_parser *p, void *array, uint32_t *n, size_t size)
{
    char *old;
    memcpy(&old, array, sizeof old);
    if ((*n & (*n - 1)) == 0) {
        size_t cap = *n != 0 ? (size_t)*n * 2 : 1;
        char *grown = ql_arena_alloc(p->cx, p->a, cap * size);
        if (grown == NULL) {
            return QL_ERROR;
        }
        if (*n != 0) {
            QL_TRY(ql_bulk_copy(p->cx, grown, old, *n * size));
        }
        old = grown;
        memcpy(array, &old, sizeof old);
    }
    memset(old + *n * size, 0, size);
    ++*n;
    return QL_OK;
}

/* ---- words and names ---- */

bool
qli_accept2(qli_parser *p, qli_token_kind a, qli_token_kind b)
{
    if (p->t.kind != a || qli_peek(p, 1)->kind != b) {
        return false;
    }
    qli_advance(p);
    qli_advance(p);
    return true;
}

bool
qli_at_end(const qli_parser *p)
{
    return p->t.kind == T_EOF || p->t.kind == T_SEMI;
}

bool
qli_is_word(const qli_parser *p, const char *word)
{
    return qli_is_any_word(&p->t) && ql_str_eq_nocase(p->t.text, (ql_str){word, strlen(word)});
}

bool
qli_is_any_word(const qli_token *t)
{
    return t->kind == T_IDENT || t->kind > T_KEYWORDS;
}

bool
qli_is_name(const qli_token *t)
{
    if (t->kind > T_KEYWORDS) {
        return qli_keyword_class_of(t->kind) != KC_RESERVED;
    }
    return t->kind == T_IDENT || t->kind == T_QUOTED;
}

static ql_status
take_decoded(qli_parser *p, ql_str *out)
{
    QL_TRY(qli_token_decode(p->cx, p->a, &p->lx, &p->t, out));
    qli_advance(p);
    return QL_OK;
}

/* Longer than any name may be, and than an error message shows: what is behind makes no difference,
 * but each use of it would cost its length. */
#define NAME_BYTES_MAX 4096u

ql_status
qli_name(qli_parser *p, ql_str *out)
{
    if (!qli_is_name(&p->t)) {
        return qli_syntax_error(p);
    }
    QL_TRY(take_decoded(p, out));
    if (QL_UNLIKELY(out->n > NAME_BYTES_MAX)) {
        out->n = ql_utf8_valid_prefix((ql_str){out->p, NAME_BYTES_MAX});
    }
    return QL_OK;
}

ql_status
qli_name_or_string(qli_parser *p, ql_str *out)
{
    return p->t.kind == T_STRING ? take_decoded(p, out) : qli_name(p, out);
}

ql_status
qli_string(qli_parser *p, ql_str *out)
{
    return p->t.kind == T_STRING ? take_decoded(p, out) : qli_syntax_error(p);
}

ql_status
qli_table_name(qli_parser *p, ql_ast_table_name *out)
{
    *out = (ql_ast_table_name){.pos = p->t.pos};
    if (qli_is(p, T_DOT)) { /* ".t": the current database, for ODBC */
        qli_advance(p);
        return qli_name(p, &out->name);
    }
    QL_TRY(qli_name(p, &out->name));
    if (qli_accept(p, T_DOT)) {
        out->db = out->name;
        QL_TRY(qli_name(p, &out->name));
    }
    return QL_OK;
}

ql_status
qli_table_names(qli_parser *p, ql_ast_names *out)
{
    do {
        QL_TRY(qli_grow(p, &out->v, &out->n, sizeof *out->v));
        QL_TRY(qli_table_name(p, &out->v[out->n - 1]));
    } while (qli_accept(p, T_COMMA));
    return QL_OK;
}

ql_status
qli_name_list(qli_parser *p, ql_str **v, uint32_t *n)
{
    *v = NULL;
    *n = 0;
    QL_TRY(qli_expect(p, T_LPAREN));
    do {
        QL_TRY(qli_grow(p, v, n, sizeof **v));
        QL_TRY(qli_name(p, &(*v)[*n - 1]));
    } while (qli_accept(p, T_COMMA));
    return qli_expect(p, T_RPAREN);
}

ql_status
qli_uint(qli_parser *p, uint64_t *out)
{
    uint64_t v = 0;
    if (!qli_is(p, T_INT)) {
        return qli_syntax_error(p);
    }
    for (size_t i = 0; i < p->t.text.n; i++) {
        if (__builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(p->t.text.p[i] - '0'), &v)) {
            return qli_syntax_error(p);
        }
        if (i % QLI_LOOK_BYTES == QLI_LOOK_BYTES - 1) {
            QL_TRY(ql_check(p->cx)); /* leading zeros */
        }
    }
    *out = v;
    qli_advance(p);
    return QL_OK;
}

ql_status
qli_upper(qli_parser *p, ql_str in, ql_str *out)
{
    char *w = ql_arena_alloc(p->cx, p->a, in.n + 1);
    if (w == NULL) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < in.n; i++) {
        if (i % QLI_LOOK_BYTES == QLI_LOOK_BYTES - 1) {
            QL_TRY(ql_check(p->cx));
        }
        char c = in.p[i];
        w[i] = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    *out = (ql_str){w, in.n};
    return QL_OK;
}

ql_status
qli_charset_name(qli_parser *p, ql_str *out)
{
    if (qli_accept(p, K_BINARY)) {
        *out = QL_STR("binary");
        return QL_OK;
    }
    return qli_name_or_string(p, out);
}

/* ---- statements ---- */

static ql_status
parse_use(qli_parser *p, ql_ast_stmt *s)
{
    s->kind = QL_S_USE;
    qli_advance(p);
    return qli_name(p, &s->name);
}

static ql_status
parse_do(qli_parser *p, ql_ast_stmt *s)
{
    s->kind = QL_S_DO;
    qli_advance(p);
    uint32_t base = p->nstack;
    do {
        ql_ast_expr *e;
        ql_str alias;
        QL_TRY(qli_expr(p, &e));
        if (qli_accept(p, K_AS) || qli_is_name(&p->t) || qli_is(p, T_STRING)) {
            QL_TRY(qli_name_or_string(p, &alias)); /* allowed, and of no use */
        }
        QL_TRY(qli_push(p, e));
    } while (qli_accept(p, T_COMMA));
    return qli_pop_exprs(p, base, &s->exprs);
}

/* Statements that MySQL knows by their first words and that are not here, longest match first.
 * all: the text may contain semicolons of its own. */
static const struct unbuilt_stmt {
    qli_token_kind first;
    const char *second; /* NULL = any */
    const char *name;
} unbuilt_stmts[] = {
    {K_BINLOG, NULL, "BINLOG"},
    {K_CACHE, "INDEX", "CACHE INDEX"},
    {K_CALL, NULL, "CALL"},
    {K_CHANGE, "REPLICATION", "CHANGE REPLICATION"},
    {K_CLONE, NULL, "CLONE"},
    {K_GET, NULL, "GET DIAGNOSTICS"},
    {K_HANDLER, NULL, "HANDLER"},
    {K_HELP, NULL, "HELP"},
    {K_IMPORT, "TABLE", "IMPORT TABLE"},
    {K_INSTALL, NULL, "INSTALL"},
    {K_PURGE, "BINARY", "PURGE BINARY LOGS"},
    {K_RESET, "PERSIST", "RESET PERSIST"},
    {K_RESET, NULL, "RESET"},
    {K_RESIGNAL, NULL, "RESIGNAL"},
    {K_RESTART, NULL, "RESTART"},
    {K_SIGNAL, NULL, "SIGNAL"},
    {K_STOP, NULL, "STOP"},
    {K_UNINSTALL, NULL, "UNINSTALL"},
    {K_XA, NULL, "XA"},
};

static ql_status
parse_other(qli_parser *p)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(unbuilt_stmts); i++) {
        const struct unbuilt_stmt *u = &unbuilt_stmts[i];
        if (u->first != p->t.kind) {
            continue;
        }
        const qli_token *next = qli_peek(p, 1);
        if (u->second != NULL ? ql_str_eq_nocase(next->text, (ql_str){u->second, strlen(u->second)})
                              : next->kind != T_EOF && next->kind != T_SEMI) {
            return qli_unbuilt(p, u->name);
        }
        if (u->first == K_RESTART) {
            return qli_unbuilt(p, u->name);
        }
    }
    return qli_syntax_error(p);
}

ql_status
qli_statement(qli_parser *p, ql_ast_stmt *s)
{
    switch (p->t.kind) {
    case K_SELECT:
    case K_WITH:
    case K_VALUES:
    case K_TABLE:
    case T_LPAREN:
        return qli_select_stmt(p, s);
    case K_INSERT:
    case K_REPLACE:
        return qli_insert(p, s);
    case K_UPDATE:
        return qli_update(p, s);
    case K_DELETE:
        return qli_delete(p, s);
    case K_LOAD:
        return qli_parse_load(p, s);
    case K_DO:
        return parse_do(p, s);
    case K_SET:
        return qli_set(p, s);
    case K_USE:
        return parse_use(p, s);
    case K_SHOW:
        return qli_show(p, s);
    case K_KILL:
        return qli_kill(p, s);
    case K_EXPLAIN:
    case K_DESCRIBE:
    case K_DESC:
        return qli_explain(p, s);
    case K_CREATE:
        return qli_create(p, s);
    case K_ALTER:
        return qli_alter(p, s);
    case K_DROP:
        return qli_drop(p, s);
    case K_TRUNCATE:
        return qli_truncate(p, s);
    case K_RENAME:
        return qli_rename(p, s);
    case K_GRANT:
        return qli_grant(p, s);
    case K_REVOKE:
        return qli_revoke(p, s);
    case K_BEGIN:
    case K_START:
    case K_COMMIT:
    case K_ROLLBACK:
    case K_SAVEPOINT:
    case K_RELEASE:
        return qli_txn_stmt(p, s);
    case K_LOCK:
    case K_UNLOCK:
        return qli_lock_stmt(p, s);
    case K_FLUSH:
    case K_SHUTDOWN:
    case K_ANALYZE:
    case K_CHECK:
    case K_CHECKSUM:
    case K_OPTIMIZE:
    case K_REPAIR:
        return qli_admin_stmt(p, s);
    case K_PREPARE:
    case K_EXECUTE:
    case K_DEALLOCATE:
        return qli_prepared_stmt(p, s);
    default:
        return parse_other(p);
    }
}

static bool
is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Cut what a server ignores at the end of a text: one NUL byte, which some clients count in
 * (mariadb-slap), then blanks and semicolons. */
static ql_status
trim_end(ql_ctx *cx, ql_str *text)
{
    text->n -= text->n > 0 && text->p[text->n - 1] == '\0';
    while (text->n > 0 && (is_blank(text->p[text->n - 1]) || text->p[text->n - 1] == ';')) {
        if (--text->n % QLI_LOOK_BYTES == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    return QL_OK;
}

/* Where the statement behind a semicolon begins. */
static size_t
skip_behind(const qli_lexer *lexer, uint32_t pos)
{
    qli_lexer lx = *lexer;
    lx.pos = pos;
    qli_lexer_skip_plain(&lx);
    return lx.pos;
}

/* The statement is known but unbuilt: find its end. */
static ql_status
skip_statement(qli_parser *p)
{
    while (p->t.kind != T_EOF && p->t.kind != T_BAD &&
           (p->unbuilt_takes_all || p->t.kind != T_SEMI)) {
        qli_advance(p);
    }
    if (p->t.kind == T_BAD && p->stopped == QL_OK) {
        p->prev_end = (uint32_t)p->text.n;
    }
    return p->stopped;
}

static ql_status
parse_one(qli_parser *p, ql_ast_stmt *s)
{
    ql_status st = qli_statement(p, s);
    if (st == QL_OK && !qli_at_end(p)) {
        st = qli_syntax_error(p);
    }
    if (st == QL_OK && p->into != NULL) {
        const ql_ast_stmt *q = s->kind == QL_S_EXPLAIN ? s->explain.inner : s;
        st = qli_settle_into(p, q != NULL && q->kind == QL_S_SELECT ? q->select : NULL);
    }
    if (st == QL_ERROR && p->unbuilt != NULL) {
        memset(s, 0, sizeof *s);
        s->kind = QL_S_UNBUILT;
        s->name = (ql_str){p->unbuilt, strlen(p->unbuilt)};
        st = skip_statement(p);
    }
    return st;
}

ql_status
ql_parse(ql_ctx *cx, ql_arena *a, ql_str text, const ql_parse_mode *mode, ql_ast_stmt **stmt,
         size_t *consumed)
{
    ql_str trimmed = text;
    QL_TRY(trim_end(cx, &trimmed));
    qli_parser p = {.cx = cx, .a = a, .mode = mode, .text = trimmed};
    if (text.n > UINT32_MAX / 2) {
        return ql_fail(cx, QL_ER_NET_PACKET_TOO_LARGE);
    }
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    size_t left = ql_thread_stack_left();
    p.stack_floor = left > STACK_RESERVE ? here - left + STACK_RESERVE : here;
    p.height_max =
        (uint32_t)(left < (1u << 30) ? left / STACK_PER_LEVEL : (1u << 30) / STACK_PER_LEVEL);
    p.leaves_end = &p.leaves;
    p.blocks_end = &p.blocks;
    qli_lexer_init(&p.lx, cx, trimmed, mode);
    qli_advance(&p);
    size_t start = 0;
    while (start < trimmed.n && is_blank(trimmed.p[start])) {
        if (++start % QLI_LOOK_BYTES == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    if (p.t.kind == T_EOF && start == trimmed.n) {
        return ql_fail(cx, QL_ER_EMPTY_QUERY);
    }
    ql_ast_stmt *s;
    QL_TRY(qli_new(&p, sizeof *s, &s));
    if (p.t.kind == T_EOF) { /* comments: a statement that does nothing */
        s->kind = QL_S_DO;
    } else {
        QL_TRY(parse_one(&p, s));
        QL_TRY(qli_hints_settle(&p, s));
    }
    size_t end = p.t.kind == T_SEMI ? p.t.pos : trimmed.n;
    s->text = (ql_str){trimmed.p + start, end - start};
    s->nparams = p.nparams;
    s->prepared = mode->allow_params;
    s->leaves = p.leaves;
    s->cte_names = p.cte_names;
    s->ncte_names = p.ncte_names;
    *consumed = p.t.kind == T_SEMI ? skip_behind(&p.lx, p.t.end) : text.n;
    if (*consumed >= trimmed.n) {
        *consumed = text.n;
    }
    *stmt = s;
    return QL_OK;
}

ql_status
ql_parse_fail_rest(ql_ctx *cx, ql_str text, size_t consumed)
{
    uint32_t line = 1;
    ql_str trimmed = text;
    QL_TRY(trim_end(cx, &trimmed));
    if (consumed > trimmed.n) {
        consumed = trimmed.n;
    }
    for (size_t i = 0; i < consumed; i++) {
        line += text.p[i] == '\n';
        if (i % QLI_LOOK_BYTES == QLI_LOOK_BYTES - 1) {
            QL_TRY(ql_check(cx));
        }
    }
    return fail_near(cx, (ql_str){text.p + consumed, trimmed.n - consumed}, line);
}

ql_parse_mode
ql_parse_mode_of(const ql_vars *v, bool allow_params)
{
    uint64_t mode = v->sql_mode;
    return (ql_parse_mode){.ansi_quotes = mode & QL_MODE_ANSI_QUOTES,
                           .no_backslash_escapes = mode & QL_MODE_NO_BACKSLASH_ESCAPES,
                           .pipes_as_concat = mode & QL_MODE_PIPES_AS_CONCAT,
                           .high_not_precedence = mode & QL_MODE_HIGH_NOT,
                           .ignore_space = mode & QL_MODE_IGNORE_SPACE,
                           .dates = (mode & QL_MODE_NO_ZERO_DATE ? 0 : QL_DATES_ZERO) |
                                    (mode & QL_MODE_NO_ZERO_IN_DATE ? 0 : QL_DATES_ZERO_PARTS) |
                                    (mode & QL_MODE_ALLOW_INVALID_DATES ? QL_DATES_ANY_DAY : 0),
                           .allow_params = allow_params,
                           .literal_coll = v->coll_connection,
                           .client = v->cs_client};
}
