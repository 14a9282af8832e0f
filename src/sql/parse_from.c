/* SPDX-License-Identifier: Apache-2.0
 *
 * FROM: table names with their index hints, derived tables, joins, parentheses among them.
 */
#include "sql/sql_int.h"

/* [FOR JOIN | FOR ORDER BY | FOR GROUP BY] */
static ql_status
hint_purpose(qli_parser *p, unsigned *purposes)
{
    *purposes = QL_FOR_ALL;
    if (!qli_accept(p, K_FOR)) {
        return QL_OK;
    }
    if (qli_accept(p, K_JOIN)) {
        *purposes = QL_FOR_JOIN;
        return QL_OK;
    }
    *purposes = qli_is(p, K_ORDER) ? QL_FOR_ORDER : QL_FOR_GROUP;
    QL_TRY(qli_expect(p, qli_is(p, K_ORDER) ? K_ORDER : K_GROUP));
    return qli_expect(p, K_BY);
}

/* One more at the end of the list. */
static ql_status
hint_new(qli_parser *p, ql_ast_index_use use, unsigned purposes, ql_ast_index_hint ***end)
{
    ql_ast_index_hint *h;
    QL_TRY(qli_new(p, sizeof *h, &h));
    h->use = use;
    h->purposes = purposes;
    **end = h;
    *end = &h->next;
    return QL_OK;
}

static ql_status
hint_names(qli_parser *p, ql_ast_index_use use, unsigned purposes, ql_ast_index_hint ***end)
{
    do {
        ql_ast_index_hint **at = *end;
        QL_TRY(hint_new(p, use, purposes, end));
        (*at)->name = QL_STR("PRIMARY");
        if (!qli_accept(p, K_PRIMARY)) {
            QL_TRY(qli_name(p, &(*at)->name));
        }
    } while (qli_accept(p, T_COMMA));
    return QL_OK;
}

/* USE INDEX (a, b) and its kin. */
static ql_status
index_hints(qli_parser *p, ql_ast_from *f)
{
    ql_ast_index_hint **end = &f->hints;
    while (qli_is(p, K_USE) || qli_is(p, K_FORCE) || qli_is(p, K_IGNORE)) {
        ql_ast_index_use use = qli_is(p, K_USE)     ? QL_USE_INDEX
                               : qli_is(p, K_FORCE) ? QL_FORCE_INDEX
                                                    : QL_IGNORE_INDEX;
        unsigned purposes;
        qli_token_kind next = qli_peek(p, 1)->kind;
        if (next != K_INDEX && next != K_KEY) {
            return QL_OK;
        }
        qli_advance(p);
        qli_advance(p);
        QL_TRY(hint_purpose(p, &purposes));
        QL_TRY(qli_expect(p, T_LPAREN));
        if (use == QL_USE_INDEX && qli_is(p, T_RPAREN)) {
            QL_TRY(hint_new(p, use, purposes, &end));
        } else {
            QL_TRY(hint_names(p, use, purposes, &end));
        }
        QL_TRY(qli_expect(p, T_RPAREN));
    }
    return QL_OK;
}

static ql_status
opt_alias(qli_parser *p, ql_str *alias)
{
    if (qli_accept(p, K_AS)) {
        return qli_name(p, alias);
    }
    return qli_is_name(&p->t) ? qli_name(p, alias) : QL_OK;
}

ql_status
qli_from_new(qli_parser *p, ql_ast_from **out)
{
    QL_TRY(qli_raise_height(p));
    return qli_new(p, sizeof **out, out);
}

ql_status
qli_leaf(qli_parser *p, ql_ast_from *f)
{
    QL_TRY(qli_table_name(p, &f->table));
    *p->leaves_end = f;
    p->leaves_end = &f->next_leaf;
    return QL_OK;
}

static ql_status
derived_table(qli_parser *p, ql_ast_select *s, ql_ast_from **out)
{
    ql_ast_from *f;
    QL_TRY(qli_from_new(p, &f));
    f->derived = s;
    QL_TRY(opt_alias(p, &f->alias));
    if (f->alias.n == 0) {
        return ql_fail(p->cx, QL_ER_DERIVED_MUST_HAVE_ALIAS);
    }
    *out = f;
    return qli_is(p, T_LPAREN) ? qli_unbuilt(p, "column list of a derived table") : QL_OK;
}

static ql_status join_rest(qli_parser *p, ql_ast_from *left, ql_ast_from **out);
static ql_status table_reference(qli_parser *p, ql_ast_from **out);

/* "(" was taken: a query, or joined tables; closes the parenthesis. Exactly one of *f, *s is set.
 */
static ql_status
parenthesis_in_from(qli_parser *p, ql_ast_from **f, ql_ast_select **s)
{
    QL_TRY(qli_enter(p));
    *f = NULL;
    *s = NULL;
    if (qli_starts_query(p)) {
        QL_TRY(qli_query(p, s));
        return qli_expect(p, T_RPAREN);
    }
    if (qli_accept(p, T_LPAREN)) {
        QL_TRY(parenthesis_in_from(p, f, s));
        if (*s != NULL && qli_continues_query(p)) {
            QL_TRY(qli_query_rest(p, *s, s));
            return qli_expect(p, T_RPAREN);
        }
        if (*s != NULL && qli_accept(p, T_RPAREN)) {
            return QL_OK;
        }
        if (*s != NULL) {
            QL_TRY(derived_table(p, *s, f));
            *s = NULL;
        }
        QL_TRY(join_rest(p, *f, f));
    } else {
        QL_TRY(table_reference(p, f));
    }
    while (qli_accept(p, T_COMMA)) {
        ql_ast_from *join;
        QL_TRY(qli_from_new(p, &join));
        join->join = QL_J_CROSS;
        join->left = *f;
        QL_TRY(table_reference(p, &join->right));
        *f = join;
    }
    return qli_expect(p, T_RPAREN);
}

ql_status
qli_table_factor(qli_parser *p, ql_ast_from **out)
{
    ql_ast_from *f;
    if (qli_accept(p, T_LPAREN)) {
        ql_ast_select *s;
        QL_TRY(parenthesis_in_from(p, out, &s));
        return s != NULL ? derived_table(p, s, out) : QL_OK;
    }
    if (qli_is(p, K_LATERAL)) {
        return qli_unbuilt(p, "LATERAL");
    }
    if (qli_is(p, K_JSON_TABLE)) {
        QL_TRY(qli_from_new(p, &f));
        QL_TRY(qli_json_table(p, f));
        QL_TRY(opt_alias(p, &f->alias));
        *out = f;
        return QL_OK;
    }
    if (qli_is(p, T_LBRACE)) { /* { OJ a LEFT JOIN b ... } */
        qli_advance(p);
        QL_TRY(qli_expect(p, K_OJ));
        QL_TRY(table_reference(p, out));
        return qli_expect(p, T_RBRACE);
    }
    QL_TRY(qli_from_new(p, &f));
    QL_TRY(qli_leaf(p, f));
    if (qli_is(p, K_PARTITION)) {
        return qli_unbuilt(p, "PARTITION");
    }
    QL_TRY(opt_alias(p, &f->alias));
    QL_TRY(index_hints(p, f));
    *out = f;
    return QL_OK;
}

/* ON condition or USING (columns). */
static ql_status
join_condition(qli_parser *p, ql_ast_from *join, bool required)
{
    if (qli_accept(p, K_ON)) {
        return qli_expr(p, &join->on);
    }
    if (qli_accept(p, K_USING)) {
        return qli_name_list(p, &join->using_cols, &join->nusing);
    }
    return required ? qli_syntax_error(p) : QL_OK;
}

/* The words of a join. QL_J_NONE: none here. */
static ql_status
join_words(qli_parser *p, ql_ast_join *kind, bool *natural)
{
    *kind = QL_J_NONE;
    *natural = qli_accept(p, K_NATURAL);
    if (!*natural && qli_accept(p, K_STRAIGHT_JOIN)) {
        *kind = QL_J_STRAIGHT;
        return QL_OK;
    }
    if (qli_accept(p, K_INNER)) {
        *kind = QL_J_INNER;
    } else if (!*natural && qli_accept(p, K_CROSS)) {
        *kind = QL_J_CROSS;
    } else if (qli_is(p, K_LEFT) || qli_is(p, K_RIGHT)) {
        *kind = qli_is(p, K_LEFT) ? QL_J_LEFT : QL_J_RIGHT;
        qli_advance(p);
        (void)qli_accept(p, K_OUTER);
    }
    if (*kind == QL_J_NONE && !*natural && !qli_is(p, K_JOIN)) {
        return QL_OK;
    }
    if (*kind == QL_J_NONE) {
        *kind = QL_J_INNER;
    }
    return qli_expect(p, K_JOIN);
}

static bool
is_join_word(const qli_parser *p)
{
    switch (p->t.kind) {
    case K_JOIN:
    case K_INNER:
    case K_CROSS:
    case K_STRAIGHT_JOIN:
    case K_LEFT:
    case K_RIGHT:
    case K_NATURAL:
        return true;
    default:
        return false;
    }
}

/* a JOIN b LEFT JOIN c ON ..: the right side was read as (b LEFT JOIN c), for an ON of the first
 * join might have followed. None did: put a JOIN b in the place of b. */
static void
rotate(ql_ast_from *join, ql_ast_from *tree, ql_ast_from *first)
{
    ql_ast_from *f = tree;
    while (f->left != first) {
        f = f->left;
    }
    f->left = join;
    join->right = first;
}

static ql_status
join_rest(qli_parser *p, ql_ast_from *left, ql_ast_from **out)
{
    QL_TRY(qli_enter(p));
    *out = left;
    for (;;) {
        ql_ast_join kind;
        bool natural;
        ql_ast_from *join, *factor, *right;
        QL_TRY(join_words(p, &kind, &natural));
        if (kind == QL_J_NONE) {
            return QL_OK;
        }
        QL_TRY(qli_from_new(p, &join));
        join->join = kind;
        join->natural = natural;
        join->left = *out;
        QL_TRY(qli_table_factor(p, &factor));
        right = factor;
        *out = join;
        if (!natural) {
            if (is_join_word(p)) { /* a JOIN b JOIN c ON .. ON .. */
                QL_TRY(join_rest(p, factor, &right));
            }
            if (kind == QL_J_STRAIGHT && qli_is(p, K_USING)) {
                return qli_syntax_error(p);
            }
            QL_TRY(join_condition(p, join, kind == QL_J_LEFT || kind == QL_J_RIGHT));
        }
        join->right = right;
        if (right != factor && join->on == NULL && join->nusing == 0) {
            rotate(join, right, factor);
            *out = right;
        }
    }
}

static ql_status
table_reference(qli_parser *p, ql_ast_from **out)
{
    QL_TRY(qli_enter(p));
    QL_TRY(qli_table_factor(p, out));
    return join_rest(p, *out, out);
}

ql_status
qli_from_list(qli_parser *p, ql_ast_from **out)
{
    QL_TRY(table_reference(p, out));
    while (qli_accept(p, T_COMMA)) {
        ql_ast_from *join;
        QL_TRY(qli_from_new(p, &join));
        join->join = QL_J_CROSS;
        join->left = *out;
        QL_TRY(table_reference(p, &join->right));
        *out = join;
    }
    return QL_OK;
}
