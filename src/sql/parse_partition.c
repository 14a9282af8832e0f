/* SPDX-License-Identifier: Apache-2.0
 *
 * PARTITION BY of CREATE and ALTER TABLE (manual, "CREATE TABLE Statement"): read to its end, so
 * that what is no MySQL is 1064 and the rest can be refused by its name. Nothing of it is kept.
 */
#include "sql/sql_int.h"

static ql_status
opt_count(qli_parser *p, qli_token_kind word)
{
    uint64_t n;
    return qli_accept(p, word) ? qli_uint(p, &n) : QL_OK;
}

static ql_status
expr_in_parens(qli_parser *p)
{
    ql_ast_expr *e;
    QL_TRY(qli_expect(p, T_LPAREN));
    QL_TRY(qli_expr(p, &e));
    return qli_expect(p, T_RPAREN);
}

static ql_status
columns(qli_parser *p, bool may_be_empty)
{
    ql_str *v;
    uint32_t n;
    if (may_be_empty && qli_is(p, T_LPAREN) && qli_peek(p, 1)->kind == T_RPAREN) {
        qli_advance(p);
        qli_advance(p);
        return QL_OK;
    }
    return qli_name_list(p, &v, &n);
}

/* [LINEAR] HASH (expr), [LINEAR] KEY [ALGORITHM = n] (columns): *found. */
static ql_status
hash_or_key(qli_parser *p, bool *found)
{
    uint64_t n;
    bool linear = qli_accept(p, K_LINEAR);
    *found = true;
    if (qli_accept(p, K_HASH)) {
        return expr_in_parens(p);
    }
    if (qli_accept(p, K_KEY)) {
        if (qli_accept(p, K_ALGORITHM)) {
            (void)qli_accept(p, T_EQ);
            QL_TRY(qli_uint(p, &n));
        }
        return columns(p, true);
    }
    *found = false;
    return linear ? qli_syntax_error(p) : QL_OK;
}

static ql_status
partition_type(qli_parser *p)
{
    bool found;
    QL_TRY(hash_or_key(p, &found));
    if (found) {
        return QL_OK;
    }
    if (!qli_accept(p, K_RANGE)) {
        QL_TRY(qli_expect(p, K_LIST));
    }
    return qli_accept(p, K_COLUMNS) ? columns(p, false) : expr_in_parens(p);
}

/* A value of VALUES: an expression or MAXVALUE, or a row of them. */
static ql_status
value_list(qli_parser *p)
{
    ql_ast_expr *e;
    QL_TRY(qli_enter(p));
    QL_TRY(qli_expect(p, T_LPAREN));
    do {
        if (qli_accept(p, K_MAXVALUE)) {
            continue;
        }
        QL_TRY(qli_expr(p, &e));
    } while (qli_accept(p, T_COMMA));
    return qli_expect(p, T_RPAREN);
}

static ql_status
opt_values(qli_parser *p)
{
    if (!qli_accept(p, K_VALUES)) {
        return QL_OK;
    }
    if (qli_accept(p, K_IN)) {
        return value_list(p);
    }
    QL_TRY(qli_expect(p, K_LESS));
    QL_TRY(qli_expect(p, K_THAN));
    return qli_accept(p, K_MAXVALUE) ? QL_OK : value_list(p);
}

static ql_status
partition_options(qli_parser *p)
{
    ql_str s;
    uint64_t n;
    for (;;) {
        bool text = qli_accept(p, K_COMMENT) || qli_accept2(p, K_DATA, K_DIRECTORY) ||
                    qli_accept2(p, K_INDEX, K_DIRECTORY);
        if (text) {
            (void)qli_accept(p, T_EQ);
            QL_TRY(qli_string(p, &s));
        } else if (qli_accept(p, K_MAX_ROWS) || qli_accept(p, K_MIN_ROWS)) {
            (void)qli_accept(p, T_EQ);
            QL_TRY(qli_uint(p, &n));
        } else if (qli_accept(p, K_TABLESPACE) || qli_accept(p, K_ENGINE) ||
                   qli_accept2(p, K_STORAGE, K_ENGINE)) {
            (void)qli_accept(p, T_EQ);
            QL_TRY(qli_name_or_string(p, &s));
        } else {
            return QL_OK;
        }
    }
}

static ql_status
subpartitions(qli_parser *p)
{
    ql_str name;
    if (!qli_accept(p, T_LPAREN)) {
        return QL_OK;
    }
    do {
        QL_TRY(qli_expect(p, K_SUBPARTITION));
        QL_TRY(qli_name_or_string(p, &name));
        QL_TRY(partition_options(p));
    } while (qli_accept(p, T_COMMA));
    return qli_expect(p, T_RPAREN);
}

static ql_status
definitions(qli_parser *p)
{
    ql_str name;
    if (!qli_accept(p, T_LPAREN)) {
        return QL_OK;
    }
    do {
        QL_TRY(qli_expect(p, K_PARTITION));
        QL_TRY(qli_name(p, &name));
        QL_TRY(opt_values(p));
        QL_TRY(partition_options(p));
        QL_TRY(subpartitions(p));
    } while (qli_accept(p, T_COMMA));
    return qli_expect(p, T_RPAREN);
}

ql_status
qli_partition_by(qli_parser *p)
{
    QL_TRY(qli_expect(p, K_PARTITION));
    QL_TRY(qli_expect(p, K_BY));
    QL_TRY(partition_type(p));
    QL_TRY(opt_count(p, K_PARTITIONS));
    if (qli_accept(p, K_SUBPARTITION)) {
        bool found;
        QL_TRY(qli_expect(p, K_BY));
        QL_TRY(hash_or_key(p, &found));
        if (!found) {
            return qli_syntax_error(p);
        }
        QL_TRY(opt_count(p, K_SUBPARTITIONS));
    }
    return definitions(p);
}
