/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements about text files: LOAD DATA, and INTO OUTFILE and DUMPFILE of SELECT.
 */
#include "sql/sql_int.h"

/* 'x' or x'09', b'1001' */
static ql_status
text_or_bytes(qli_parser *p, ql_str *out)
{
    ql_ast_expr *e;
    if (!qli_is(p, T_HEX) && !qli_is(p, T_BITS)) {
        return qli_string(p, out);
    }
    QL_TRY(qli_literal(p, &e));
    *out = e->value.s;
    return QL_OK;
}

static ql_status
terminator(qli_parser *p, ql_str *out)
{
    QL_TRY(qli_expect(p, K_BY));
    return text_or_bytes(p, out);
}

/* Behind FIELDS or COLUMNS: at least one. */
static ql_status
fields(qli_parser *p, ql_text_format *f)
{
    for (bool any = false;; any = true) {
        if (qli_accept(p, K_TERMINATED)) {
            QL_TRY(terminator(p, &f->field_term));
        } else if (qli_is(p, K_OPTIONALLY) || qli_is(p, K_ENCLOSED)) {
            f->optionally = qli_accept(p, K_OPTIONALLY);
            QL_TRY(qli_expect(p, K_ENCLOSED));
            QL_TRY(terminator(p, &f->enclosed));
        } else if (qli_accept(p, K_ESCAPED)) {
            f->escaped_given = true;
            QL_TRY(terminator(p, &f->escaped));
        } else {
            return any ? QL_OK : qli_syntax_error(p);
        }
    }
}

/* Behind LINES. */
static ql_status
lines(qli_parser *p, ql_text_format *f)
{
    for (bool any = false;; any = true) {
        if (qli_accept(p, K_TERMINATED)) {
            QL_TRY(terminator(p, &f->line_term));
        } else if (qli_accept(p, K_STARTING)) {
            QL_TRY(terminator(p, &f->line_start));
        } else {
            return any ? QL_OK : qli_syntax_error(p);
        }
    }
}

/* [CHARACTER SET x] [FIELDS ...] [LINES ...] */
static ql_status
text_format(qli_parser *p, ql_str *charset, ql_text_format *f)
{
    *f = QL_TEXT_FORMAT_USUAL;
    if (qli_accept2(p, K_CHARACTER, K_SET) || qli_accept2(p, K_CHAR, K_SET) ||
        qli_accept(p, K_CHARSET)) {
        QL_TRY(qli_charset_name(p, charset));
    }
    if (qli_accept(p, K_FIELDS) || qli_accept(p, K_COLUMNS)) {
        QL_TRY(fields(p, f));
    }
    return qli_accept(p, K_LINES) ? lines(p, f) : QL_OK;
}

ql_status
qli_parse_into_file(qli_parser *p, ql_ast_into_file **out)
{
    ql_ast_into_file *f;
    QL_TRY(qli_new(p, sizeof *f, &f));
    f->dump = qli_is(p, K_DUMPFILE);
    qli_advance(p);
    QL_TRY(qli_string(p, &f->file));
    *out = f;
    return f->dump ? QL_OK : text_format(p, &f->charset, &f->format);
}

/* ---- LOAD DATA ---- */

static ql_status
columns(qli_parser *p, ql_ast_load *ld)
{
    if (!qli_accept(p, T_LPAREN) || qli_accept(p, T_RPAREN)) {
        return QL_OK;
    }
    uint32_t base = p->nstack;
    do {
        ql_ast_expr *e;
        QL_TRY(qli_is(p, T_USERVAR) ? qli_user_var(p, &e) : qli_column_ref(p, &e));
        QL_TRY(qli_push(p, e));
    } while (qli_accept(p, T_COMMA));
    ql_ast_exprs list;
    QL_TRY(qli_pop_exprs(p, base, &list));
    ld->columns = list.v;
    ld->ncolumns = list.n;
    return qli_expect(p, T_RPAREN);
}

ql_status
qli_parse_load(qli_parser *p, ql_ast_stmt *s)
{
    ql_ast_load *ld;
    qli_advance(p);
    if (qli_is(p, K_INDEX)) {
        return qli_unbuilt(p, "LOAD INDEX INTO CACHE");
    }
    if (qli_is(p, K_XML)) {
        return qli_unbuilt(p, "LOAD XML");
    }
    QL_TRY(qli_expect(p, K_DATA));
    QL_TRY(qli_new(p, sizeof *ld, &ld));
    s->kind = QL_S_LOAD;
    s->load = ld;
    if (!qli_accept(p, K_LOW_PRIORITY)) {
        (void)qli_accept(p, K_CONCURRENT);
    }
    ld->local = qli_accept(p, K_LOCAL);
    QL_TRY(qli_expect(p, K_INFILE));
    QL_TRY(qli_string(p, &ld->file));
    ld->replace = qli_accept(p, K_REPLACE);
    ld->ignore = !ld->replace && qli_accept(p, K_IGNORE);
    QL_TRY(qli_expect(p, K_INTO));
    QL_TRY(qli_expect(p, K_TABLE));
    QL_TRY(qli_table_name(p, &ld->table));
    if (qli_is(p, K_PARTITION)) {
        return qli_unbuilt(p, "PARTITION");
    }
    QL_TRY(text_format(p, &ld->charset, &ld->format));
    if (qli_accept(p, K_IGNORE)) {
        QL_TRY(qli_uint(p, &ld->ignore_lines));
        if (!qli_accept(p, K_LINES)) {
            QL_TRY(qli_expect(p, K_ROWS));
        }
    }
    QL_TRY(columns(p, ld));
    return qli_accept(p, K_SET) ? qli_assigns(p, &ld->set) : QL_OK;
}
