/* SPDX-License-Identifier: Apache-2.0
 *
 * Optimizer hints, the comments that begin with a plus sign behind a statement's first word. Only
 * MAX_EXECUTION_TIME means something here; the other hints of MySQL 8.4 are noted and skipped, and
 * what is no hint gives a warning, never an error.
 */
#include <string.h>

#include "sql/sql_int.h"

static const char *const known_hints[] = {"BKA",
                                          "NO_BKA",
                                          "BNL",
                                          "NO_BNL",
                                          "DERIVED_CONDITION_PUSHDOWN",
                                          "NO_DERIVED_CONDITION_PUSHDOWN",
                                          "GROUP_INDEX",
                                          "NO_GROUP_INDEX",
                                          "HASH_JOIN",
                                          "NO_HASH_JOIN",
                                          "INDEX",
                                          "NO_INDEX",
                                          "INDEX_MERGE",
                                          "NO_INDEX_MERGE",
                                          "JOIN_FIXED_ORDER",
                                          "JOIN_INDEX",
                                          "NO_JOIN_INDEX",
                                          "JOIN_ORDER",
                                          "JOIN_PREFIX",
                                          "JOIN_SUFFIX",
                                          "MERGE",
                                          "NO_MERGE",
                                          "MRR",
                                          "NO_MRR",
                                          "NO_ICP",
                                          "NO_RANGE_OPTIMIZATION",
                                          "ORDER_INDEX",
                                          "NO_ORDER_INDEX",
                                          "QB_NAME",
                                          "RESOURCE_GROUP",
                                          "SEMIJOIN",
                                          "NO_SEMIJOIN",
                                          "SKIP_SCAN",
                                          "NO_SKIP_SCAN",
                                          "SET_VAR",
                                          "SUBQUERY"};

static bool
is_known(ql_str name)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(known_hints); i++) {
        if (ql_str_eq_nocase(name, (ql_str){known_hints[i], strlen(known_hints[i])})) {
            return true;
        }
    }
    return false;
}

static void
warn_syntax(qli_parser *p, ql_str hints, const qli_token *t, uint32_t line)
{
    ql_str near = {hints.p + t->pos, hints.n - t->pos};
    ql_warn_text(p->cx, QL_DIAG_WARNING, QL_ER_PARSE_ERROR,
                 "Optimizer hint syntax error near '%.*s' at line %u",
                 (int)(near.n < 80 ? near.n : 80), near.p, line);
}

/* Behind "(" of a hint nobody acts on, to its partner. */
static bool
skip_arguments(qli_lexer *lx, qli_token *t)
{
    for (unsigned depth = 1; depth != 0;) {
        qli_lexer_next(lx, t);
        if (t->kind == T_EOF || t->kind == T_BAD) {
            return false;
        }
        depth += t->kind == T_LPAREN;
        depth -= t->kind == T_RPAREN;
    }
    return true;
}

/* "n)" of MAX_EXECUTION_TIME(n). */
static bool
take_time(qli_parser *p, qli_lexer *lx, qli_token *t, ql_ast_select *s)
{
    uint64_t ms = 0;
    qli_lexer_next(lx, t);
    if (t->kind != T_INT || t->text.n > 10) {
        return false;
    }
    for (size_t i = 0; i < t->text.n; i++) {
        ms = ms * 10 + (uint64_t)(t->text.p[i] - '0');
    }
    qli_lexer_next(lx, t);
    if (t->kind != T_RPAREN || ms > UINT32_MAX) {
        return false;
    }
    if (s == NULL) {
        ql_warn(p->cx, QL_DIAG_WARNING, QL_ER_WARN_UNSUPPORTED_MAX_EXECUTION_TIME);
    } else {
        s->has_max_execution_time = true;
        s->max_execution_time = ms;
    }
    return true;
}

/* One hint; its name is in t. False: not well formed. */
static bool
take_hint(qli_parser *p, qli_lexer *lx, qli_token *t, ql_ast_select *s)
{
    ql_str name = t->text;
    bool is_time = ql_str_eq_nocase(name, QL_STR("MAX_EXECUTION_TIME"));
    if (!qli_is_any_word(t) || (!is_time && !is_known(name))) {
        return false;
    }
    qli_lexer_next(lx, t);
    if (t->kind != T_LPAREN) {
        return false;
    }
    if (is_time) {
        return take_time(p, lx, t, s);
    }
    ql_warn_text(p->cx, QL_DIAG_WARNING, QL_ER_NOT_SUPPORTED_YET,
                 "This version of MySQL doesn't yet support 'optimizer hint %.*s'", (int)name.n,
                 name.p);
    return skip_arguments(lx, t);
}

void
qli_hints(qli_parser *p, ql_ast_select *s)
{
    ql_str hints = p->t.hint;
    if (hints.p == NULL) {
        return;
    }
    qli_lexer lx;
    qli_token t;
    qli_lexer_init(&lx, NULL, hints, p->mode);
    qli_lexer_next(&lx, &t);
    while (t.kind != T_EOF) {
        if (!take_hint(p, &lx, &t, s)) {
            warn_syntax(p, hints, &t, p->t.line);
            return;
        }
        qli_lexer_next(&lx, &t);
        if (t.kind == T_COMMA) {
            qli_lexer_next(&lx, &t);
        }
    }
}
