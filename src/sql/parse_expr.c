/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators between expressions, by MySQL's precedence (manual, "Operator Precedence"), from the
 * tightest binding outwards. What stands between them is in parse_primary.c.
 */
#include "sql/sql_int.h"

/* Binary operators of bit_expr with their strength; 0 = none. */
static int
bit_operator(const qli_parser *p, ql_op *op)
{
    switch (p->t.kind) {
    case T_PIPE:
        *op = QL_OP_BITOR;
        return 1;
    case T_AMP:
        *op = QL_OP_BITAND;
        return 2;
    case T_SHL:
        *op = QL_OP_SHL;
        return 3;
    case T_SHR:
        *op = QL_OP_SHR;
        return 3;
    case T_PLUS:
        *op = QL_OP_ADD;
        return 4;
    case T_MINUS:
        *op = QL_OP_SUB;
        return 4;
    case T_STAR:
        *op = QL_OP_MUL;
        return 5;
    case T_SLASH:
        *op = QL_OP_DIV;
        return 5;
    case K_DIV:
        *op = QL_OP_INTDIV;
        return 5;
    case T_PERCENT:
    case K_MOD:
        *op = QL_OP_MOD;
        return 5;
    case T_CARET:
        *op = QL_OP_BITXOR;
        return 6;
    case T_PIPEPIPE: /* PIPES_AS_CONCAT; *op is not used */
        *op = QL_OP_ADD;
        return p->mode->pipes_as_concat ? 7 : 0;
    default:
        return 0;
    }
}

static ql_status
climb(qli_parser *p, int weakest, ql_ast_expr **out)
{
    ql_op op;
    int strength;
    QL_TRY(qli_enter(p));
    QL_TRY(qli_simple_expr(p, out));
    while ((strength = bit_operator(p, &op)) >= weakest && strength != 0) {
        ql_ast_expr *right;
        qli_advance(p);
        if (strength == 4 && qli_is(p, K_INTERVAL)) {
            QL_TRY(qli_interval(p, &right));
        } else {
            QL_TRY(climb(p, strength + 1, &right));
        }
        if (strength == 7) {
            QL_TRY(qli_func_new(p, "CONCAT", *out, right, out));
        } else {
            QL_TRY(qli_op_new(p, op, *out, right, NULL, out));
        }
    }
    return QL_OK;
}

ql_status
qli_bit_expr(qli_parser *p, ql_ast_expr **out)
{
    return climb(p, 1, out);
}

/* a IN (subquery), a IN (x, y, ...) */
static ql_status
in_predicate(qli_parser *p, ql_ast_expr *left, bool negated, ql_ast_expr **out)
{
    uint32_t base = p->nstack, pos = p->t.pos;
    ql_ast_expr *x;
    QL_TRY(qli_push(p, left));
    QL_TRY(qli_expect(p, T_LPAREN));
    if (qli_starts_query(p)) {
        QL_TRY(qli_parenthesis_rest(p, pos, &x));
        QL_TRY(qli_push(p, x));
    } else {
        bool nested = qli_is(p, T_LPAREN);
        QL_TRY(qli_expr(p, &x));
        if (nested && x->kind == QL_A_SUBQUERY && qli_continues_query(p)) {
            QL_TRY(qli_query_rest(p, x->select, &x->select));
        }
        QL_TRY(qli_push(p, x));
        while (qli_accept(p, T_COMMA)) {
            QL_TRY(qli_expr(p, &x));
            QL_TRY(qli_push(p, x));
        }
        QL_TRY(qli_expect(p, T_RPAREN));
    }
    ql_ast_expr *e;
    QL_TRY(qli_expr_new(p, QL_A_OP, &e));
    e->op = negated ? QL_OP_NOT_IN : QL_OP_IN;
    e->pos = left->pos;
    e->end = p->prev_end;
    *out = e;
    QL_TRY(qli_pop_exprs(p, base, &e->args));
    return qli_measure(p, e);
}

static ql_status
predicate(qli_parser *p, ql_ast_expr **out)
{
    ql_ast_expr *left, *x, *y = NULL;
    QL_TRY(qli_enter(p));
    QL_TRY(qli_bit_expr(p, &left));
    *out = left;
    bool negated = false;
    if (qli_is(p, K_NOT)) {
        qli_token_kind next = qli_peek(p, 1)->kind;
        if (next != K_IN && next != K_BETWEEN && next != K_LIKE && next != K_REGEXP &&
            next != K_RLIKE) {
            qli_advance(p);
            return qli_syntax_error(p);
        }
        qli_advance(p);
        negated = true;
    }
    switch (p->t.kind) {
    case K_IN:
        qli_advance(p);
        return in_predicate(p, left, negated, out);
    case K_BETWEEN:
        qli_advance(p);
        QL_TRY(qli_bit_expr(p, &x));
        QL_TRY(qli_expect(p, K_AND));
        QL_TRY(predicate(p, &y));
        return qli_op_new(p, negated ? QL_OP_NOT_BETWEEN : QL_OP_BETWEEN, left, x, y, out);
    case K_LIKE:
        qli_advance(p);
        QL_TRY(qli_simple_expr(p, &x));
        if (qli_accept(p, K_ESCAPE)) {
            QL_TRY(qli_simple_expr(p, &y));
        }
        return qli_op_new(p, negated ? QL_OP_NOT_LIKE : QL_OP_LIKE, left, x, y, out);
    case K_REGEXP:
    case K_RLIKE:
        qli_advance(p);
        QL_TRY(qli_bit_expr(p, &x));
        return qli_op_new(p, negated ? QL_OP_NOT_REGEXP : QL_OP_REGEXP, left, x, NULL, out);
    case K_SOUNDS: /* a SOUNDS LIKE b = SOUNDEX(a) = SOUNDEX(b) */
        if (qli_peek(p, 1)->kind != K_LIKE) {
            return QL_OK;
        }
        qli_advance(p);
        qli_advance(p);
        QL_TRY(qli_bit_expr(p, &x));
        QL_TRY(qli_func_new(p, "SOUNDEX", left, NULL, &left));
        QL_TRY(qli_func_new(p, "SOUNDEX", x, NULL, &x));
        return qli_op_new(p, QL_OP_EQ, left, x, NULL, out);
    case K_MEMBER:
        if (negated || (qli_peek(p, 1)->kind != K_OF && qli_peek(p, 1)->kind != T_LPAREN)) {
            return negated ? qli_syntax_error(p) : QL_OK;
        }
        qli_advance(p);
        (void)qli_accept(p, K_OF);
        QL_TRY(qli_expect(p, T_LPAREN));
        QL_TRY(qli_simple_expr(p, &x));
        QL_TRY(qli_expect(p, T_RPAREN));
        return qli_func_new(p, "MEMBER OF", left, x, out);
    default:
        return QL_OK;
    }
}

static bool
comparison(const qli_parser *p, ql_op *op)
{
    switch (p->t.kind) {
    case T_EQ:
        *op = QL_OP_EQ;
        return true;
    case T_NULLSAFE_EQ:
        *op = QL_OP_NULLSAFE_EQ;
        return true;
    case T_NE:
        *op = QL_OP_NE;
        return true;
    case T_LT:
        *op = QL_OP_LT;
        return true;
    case T_LE:
        *op = QL_OP_LE;
        return true;
    case T_GT:
        *op = QL_OP_GT;
        return true;
    case T_GE:
        *op = QL_OP_GE;
        return true;
    default:
        return false;
    }
}

/* Behind a comparison operator: ANY, SOME or ALL with a subquery. */
static ql_status
quantified(qli_parser *p, ql_op op, ql_ast_expr *left, ql_ast_expr **out)
{
    static const struct {
        ql_op plain, any, all;
    } forms[] = {{QL_OP_EQ, QL_OP_EQ_ANY, QL_OP_EQ_ALL}, {QL_OP_NE, QL_OP_NE_ANY, QL_OP_NE_ALL},
                 {QL_OP_LT, QL_OP_LT_ANY, QL_OP_LT_ALL}, {QL_OP_LE, QL_OP_LE_ANY, QL_OP_LE_ALL},
                 {QL_OP_GT, QL_OP_GT_ANY, QL_OP_GT_ALL}, {QL_OP_GE, QL_OP_GE_ANY, QL_OP_GE_ALL}};
    bool all = qli_is(p, K_ALL);
    ql_ast_expr *x;
    ql_ast_select *s;
    size_t i = 0;
    while (i < QL_ARRAY_LEN(forms) && forms[i].plain != op) {
        i++;
    }
    if (i == QL_ARRAY_LEN(forms)) {
        return qli_syntax_error(p); /* <=> ANY */
    }
    qli_advance(p);
    uint32_t pos = p->t.pos;
    QL_TRY(qli_subquery(p, &s));
    QL_TRY(qli_subquery_node(p, pos, s, QL_A_SUBQUERY, &x));
    return qli_op_new(p, all ? forms[i].all : forms[i].any, left, x, NULL, out);
}

static bool
is_quantifier(qli_parser *p)
{
    qli_token_kind k = p->t.kind;
    return (k == K_ALL || k == K_ANY || k == K_SOME) && qli_peek(p, 1)->kind == T_LPAREN;
}

/* bool_pri: comparisons and IS NULL, left to right. */
static ql_status
bool_primary(qli_parser *p, ql_ast_expr **out)
{
    ql_op op;
    QL_TRY(predicate(p, out));
    for (;;) {
        if (comparison(p, &op)) {
            ql_ast_expr *right;
            qli_advance(p);
            if (is_quantifier(p)) {
                QL_TRY(quantified(p, op, *out, out));
                continue;
            }
            QL_TRY(predicate(p, &right));
            QL_TRY(qli_op_new(p, op, *out, right, NULL, out));
        } else if (qli_is(p, K_IS)) {
            bool negated = qli_peek(p, 1)->kind == K_NOT;
            if (qli_peek(p, negated ? 2 : 1)->kind != K_NULL) {
                return QL_OK;
            }
            qli_advance(p);
            (void)qli_accept(p, K_NOT);
            qli_advance(p);
            QL_TRY(
                qli_op_new(p, negated ? QL_OP_IS_NOT_NULL : QL_OP_IS_NULL, *out, NULL, NULL, out));
        } else {
            return QL_OK;
        }
    }
}

static ql_status
is_expr(qli_parser *p, ql_ast_expr **out)
{
    ql_op op;
    QL_TRY(bool_primary(p, out));
    if (!qli_accept(p, K_IS)) {
        return QL_OK;
    }
    bool negated = qli_accept(p, K_NOT);
    switch (p->t.kind) {
    case K_TRUE:
        op = negated ? QL_OP_IS_NOT_TRUE : QL_OP_IS_TRUE;
        break;
    case K_FALSE:
        op = negated ? QL_OP_IS_NOT_FALSE : QL_OP_IS_FALSE;
        break;
    case K_UNKNOWN:
        op = negated ? QL_OP_IS_NOT_UNKNOWN : QL_OP_IS_UNKNOWN;
        break;
    default:
        return qli_syntax_error(p);
    }
    qli_advance(p);
    return qli_op_new(p, op, *out, NULL, NULL, out);
}

static ql_status
not_expr(qli_parser *p, ql_ast_expr **out)
{
    QL_TRY(qli_enter(p));
    if (!qli_is(p, K_NOT) || p->mode->high_not_precedence || p->resume != NULL) {
        return is_expr(p, out);
    }
    uint32_t pos = p->t.pos;
    ql_ast_expr *x;
    qli_advance(p);
    QL_TRY(not_expr(p, &x));
    QL_TRY(qli_op_new(p, QL_OP_NOT, x, NULL, NULL, out));
    (*out)->pos = pos;
    return QL_OK;
}

/* A tree of least height over operands lo..hi of the open list: WHERE a OR b OR ... ten thousand
 * times must not be ten thousand levels deep for those who walk it. */
static ql_status
balanced(qli_parser *p, ql_op op, uint32_t lo, uint32_t hi, ql_ast_expr **out)
{
    if (hi - lo == 1) {
        *out = p->stack[lo];
        return QL_OK;
    }
    ql_ast_expr *a, *b;
    uint32_t mid = lo + (hi - lo + 1) / 2;
    QL_TRY(balanced(p, op, lo, mid, &a));
    QL_TRY(balanced(p, op, mid, hi, &b));
    QL_TRY(qli_op_new(p, op, a, b, NULL, out));
    (*out)->end = b->end;
    return QL_OK;
}

static ql_status
close_chain(qli_parser *p, ql_op op, uint32_t base, ql_ast_expr **out)
{
    QL_TRY(balanced(p, op, base, p->nstack, out));
    p->nstack = base;
    return QL_OK;
}

static ql_status
and_expr(qli_parser *p, ql_ast_expr **out)
{
    QL_TRY(not_expr(p, out));
    if (!qli_is(p, K_AND) && !qli_is(p, T_AMPAMP)) {
        return QL_OK;
    }
    uint32_t base = p->nstack;
    QL_TRY(qli_push(p, *out));
    while (qli_accept(p, K_AND) || qli_accept(p, T_AMPAMP)) {
        QL_TRY(not_expr(p, out));
        QL_TRY(qli_push(p, *out));
    }
    return close_chain(p, QL_OP_AND, base, out);
}

static ql_status
xor_expr(qli_parser *p, ql_ast_expr **out)
{
    QL_TRY(and_expr(p, out));
    while (qli_accept(p, K_XOR)) {
        ql_ast_expr *right;
        QL_TRY(and_expr(p, &right));
        QL_TRY(qli_op_new(p, QL_OP_XOR, *out, right, NULL, out));
    }
    return QL_OK;
}

static bool
accept_or(qli_parser *p)
{
    return qli_accept(p, K_OR) || (!p->mode->pipes_as_concat && qli_accept(p, T_PIPEPIPE));
}

ql_status
qli_expr(qli_parser *p, ql_ast_expr **out)
{
    if (qli_is_literal(p) && p->resume == NULL) { /* most of a long INSERT */
        qli_token_kind next = qli_peek(p, 1)->kind;
        if (next == T_COMMA || next == T_RPAREN) {
            return qli_literal(p, out);
        }
    }
    QL_TRY(qli_enter(p));
    QL_TRY(xor_expr(p, out));
    if (!accept_or(p)) {
        return QL_OK;
    }
    uint32_t base = p->nstack;
    QL_TRY(qli_push(p, *out));
    do {
        QL_TRY(xor_expr(p, out));
        QL_TRY(qli_push(p, *out));
    } while (accept_or(p));
    return close_chain(p, QL_OP_OR, base, out);
}

ql_status
qli_expr_list(qli_parser *p, ql_ast_exprs *out)
{
    uint32_t base = p->nstack;
    do {
        ql_ast_expr *e;
        QL_TRY(qli_expr(p, &e));
        QL_TRY(qli_push(p, e));
    } while (qli_accept(p, T_COMMA));
    return qli_pop_exprs(p, base, out);
}

ql_status
qli_expr_or_default(qli_parser *p, ql_ast_expr **out)
{
    if (!qli_is(p, K_DEFAULT) || qli_peek(p, 1)->kind == T_LPAREN) {
        return qli_expr(p, out);
    }
    QL_TRY(qli_expr_new(p, QL_A_DEFAULT, out));
    qli_advance(p);
    return QL_OK;
}
