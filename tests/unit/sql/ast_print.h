/* SPDX-License-Identifier: Apache-2.0
 *
 * A statement's tree as compact text, for the tests of the parser: (+ 1 (* a b)). Included by one
 * test file at a time; writes into a fixed buffer and cuts what does not fit.
 */
#ifndef QL_TEST_AST_PRINT_H
#define QL_TEST_AST_PRINT_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sql/ast_alter.h"

typedef struct out_text {
    char s[65536];
    size_t n;
} out_text;

static void print_select(out_text *o, const ql_ast_select *s);
static void print_stmt(out_text *o, const ql_ast_stmt *s);
static void print_expr(out_text *o, const ql_ast_expr *e);

static void __attribute__((format(printf, 2, 3))) put(out_text *o, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(o->s + o->n, sizeof o->s - o->n, fmt, ap);
    va_end(ap);
    o->n += (size_t)n;
    if (o->n >= sizeof o->s) {
        o->n = sizeof o->s - 1;
    }
}

static void
put_str(out_text *o, ql_str s)
{
    put(o, "%.*s", (int)s.n, s.p != NULL ? s.p : "");
}

static const char *
unit_text(ql_unit u)
{
    static const char *const names[] = {"MICROSECOND",
                                        "SECOND",
                                        "MINUTE",
                                        "HOUR",
                                        "DAY",
                                        "WEEK",
                                        "MONTH",
                                        "QUARTER",
                                        "YEAR",
                                        "SECOND_MICROSECOND",
                                        "MINUTE_MICROSECOND",
                                        "MINUTE_SECOND",
                                        "HOUR_MICROSECOND",
                                        "HOUR_SECOND",
                                        "HOUR_MINUTE",
                                        "DAY_MICROSECOND",
                                        "DAY_SECOND",
                                        "DAY_MINUTE",
                                        "DAY_HOUR",
                                        "YEAR_MONTH"};
    return names[u];
}

static const char *
op_text(ql_op op)
{
    static const char *const names[] = {"or",
                                        "xor",
                                        "and",
                                        "not",
                                        "=",
                                        "<=>",
                                        "<>",
                                        "<",
                                        "<=",
                                        ">",
                                        ">=",
                                        "is-null",
                                        "is-not-null",
                                        "is-true",
                                        "is-not-true",
                                        "is-false",
                                        "is-not-false",
                                        "is-unknown",
                                        "is-not-unknown",
                                        "between",
                                        "not-between",
                                        "in",
                                        "not-in",
                                        "like",
                                        "not-like",
                                        "regexp",
                                        "not-regexp",
                                        "+",
                                        "-",
                                        "*",
                                        "/",
                                        "div",
                                        "%",
                                        "neg",
                                        "plus",
                                        "|",
                                        "&",
                                        "^",
                                        "<<",
                                        ">>",
                                        "~",
                                        "=any",
                                        "<>any",
                                        "<any",
                                        "<=any",
                                        ">any",
                                        ">=any",
                                        "=all",
                                        "<>all",
                                        "<all",
                                        "<=all",
                                        ">all",
                                        ">=all"};
    return names[op];
}

static void
print_value(out_text *o, const ql_value *v)
{
    char text[128];
    ql_dt dt;
    switch (v->kind) {
    case QL_K_NULL:
        put(o, "NULL");
        break;
    case QL_K_INT:
        if (v->is_unsigned) {
            put(o, "%lluu", (unsigned long long)v->u);
        } else {
            put(o, "%lld", (long long)v->i);
        }
        break;
    case QL_K_DOUBLE:
        put(o, "%ge", v->d);
        break;
    case QL_K_DECIMAL:
        (void)ql_decimal_print(&v->dec, text);
        put(o, "%sd", text);
        break;
    case QL_K_ENUM: /* no literals */
    case QL_K_SET:
    case QL_K_JSON:
        break;
    case QL_K_STRING:
        put(o, "'");
        for (size_t i = 0; i < v->s.n; i++) {
            uint8_t c = (uint8_t)v->s.p[i];
            put(o, c < 32 || c == 127 ? "\\x%02x" : "%c", c);
        }
        put(o, "'");
        if (v->coll != NULL) {
            put(o, ":%s", v->coll->name);
        }
        break;
    case QL_K_DATE:
        ql_dt_unpack(v->i, &dt);
        (void)ql_date_print(&dt, text);
        put(o, "date:%s", text);
        break;
    case QL_K_TIME:
        ql_time_unpack(v->i, &dt);
        (void)ql_time_print(&dt, v->decimals, text);
        put(o, "time:%s", text);
        break;
    case QL_K_TIMESTAMP: /* no literal is one */
        put(o, "timestamp:%lld", (long long)v->i);
        break;
    case QL_K_DATETIME:
        ql_dt_unpack(v->i, &dt);
        (void)ql_dt_print(&dt, v->decimals, text);
        put(o, "datetime:%s", text);
        break;
    }
}

static void
print_exprs(out_text *o, const ql_ast_exprs *list)
{
    for (uint32_t i = 0; i < list->n; i++) {
        put(o, " ");
        print_expr(o, list->v[i]);
    }
}

static void
print_orders(out_text *o, const char *word, const ql_ast_orders *list)
{
    if (list->n == 0) {
        return;
    }
    put(o, " (%s", word);
    for (uint32_t i = 0; i < list->n; i++) {
        put(o, " ");
        print_expr(o, list->v[i].expr);
        put(o, "%s", list->v[i].descending ? " desc" : "");
    }
    put(o, ")");
}

static void
print_type(out_text *o, const ql_ast_type *t)
{
    put(o, "type%d", (int)t->field);
    if (t->has_length) {
        put(o, "(%u)", t->length);
    }
    if (t->has_decimals) {
        put(o, ".%u", t->decimals);
    }
    put(o, "%s%s%s%s%s", t->is_unsigned ? " unsigned" : "", t->zerofill ? " zerofill" : "",
        t->is_binary ? " binary" : "", t->is_bool ? " bool" : "", t->is_serial ? " serial" : "");
    if (t->charset.n != 0) {
        put(o, " charset=");
        put_str(o, t->charset);
    }
    if (t->collation.n != 0) {
        put(o, " collate=");
        put_str(o, t->collation);
    }
    for (uint32_t i = 0; i < t->nmembers; i++) {
        put(o, " '");
        put_str(o, t->members[i]);
        put(o, "'");
    }
}

static void
print_dotted(out_text *o, ql_str a, ql_str b, ql_str c)
{
    if (a.n != 0) {
        put_str(o, a);
        put(o, ".");
    }
    if (b.n != 0) {
        put_str(o, b);
        put(o, ".");
    }
    put_str(o, c);
}

static void
print_list(out_text *o, const char *head, const ql_ast_expr *e)
{
    put(o, "(%s", head);
    print_exprs(o, &e->args);
    put(o, ")");
}

static void
print_expr(out_text *o, const ql_ast_expr *e)
{
    static const char *const scopes[] = {"",         "session.",      "global.",
                                         "persist.", "persist_only.", "user."};
    if (e == NULL) {
        put(o, "-");
        return;
    }
    switch (e->kind) {
    case QL_A_LITERAL:
        if (e->is_hex) {
            put(o, "x");
        }
        if (e->is_bool) {
            put(o, "bool:");
        }
        print_value(o, &e->value);
        break;
    case QL_A_PARAM:
        put(o, "?%u", e->index);
        break;
    case QL_A_COLUMN:
        print_dotted(o, e->schema, e->table, e->name);
        break;
    case QL_A_STAR:
        print_dotted(o, e->schema, e->table, QL_STR("*"));
        break;
    case QL_A_OP:
        print_list(o, op_text(e->op), e);
        break;
    case QL_A_FUNC:
        put(o, "(");
        print_dotted(o, (ql_str){NULL, 0}, e->schema, e->name);
        if (ql_str_eq_nocase(e->name, QL_STR("TIMESTAMPADD")) ||
            ql_str_eq_nocase(e->name, QL_STR("TIMESTAMPDIFF"))) {
            put(o, " %s", unit_text(e->unit));
        }
        put(o, "%s", e->distinct ? " distinct" : "");
        print_exprs(o, &e->args);
        put(o, ")");
        break;
    case QL_A_CASE:
        put(o, "(case%s%s", e->has_operand ? " operand" : "", e->has_else ? " else" : "");
        print_exprs(o, &e->args);
        put(o, ")");
        break;
    case QL_A_CAST:
        put(o, "(cast ");
        print_expr(o, e->args.v[0]);
        put(o, " ");
        print_type(o, e->cast_type);
        put(o, ")");
        break;
    case QL_A_CONVERT:
    case QL_A_COLLATE:
        put(o, e->kind == QL_A_CONVERT ? "(convert " : "(collate ");
        print_expr(o, e->args.v[0]);
        put(o, " ");
        put_str(o, e->name);
        put(o, ")");
        break;
    case QL_A_INTERVAL:
        put(o, "(interval ");
        print_expr(o, e->args.v[0]);
        put(o, " %s)", unit_text(e->unit));
        break;
    case QL_A_USERVAR:
        put(o, "@");
        put_str(o, e->name);
        break;
    case QL_A_ASSIGN:
        put(o, "(:= @");
        put_str(o, e->name);
        print_exprs(o, &e->args);
        put(o, ")");
        break;
    case QL_A_SYSVAR:
        put(o, "@@%s", scopes[e->scope]);
        print_dotted(o, (ql_str){NULL, 0}, e->table, e->name);
        break;
    case QL_A_SUBQUERY:
    case QL_A_EXISTS:
        put(o, e->kind == QL_A_EXISTS ? "(exists " : "(sub ");
        print_select(o, e->select);
        put(o, ")");
        break;
    case QL_A_ROW:
        print_list(o, "row", e);
        break;
    case QL_A_DEFAULT:
        print_list(o, "default", e);
        break;
    case QL_A_VALUES:
        print_list(o, "values", e);
        break;
    case QL_A_GROUP_CONCAT:
        put(o, "(group_concat%s", e->distinct ? " distinct" : "");
        print_exprs(o, &e->args);
        print_orders(o, "order", &e->order_by);
        put(o, " sep ");
        print_value(o, &e->value);
        put(o, ")");
        break;
    case QL_A_EXTRACT:
        put(o, "(extract %s ", unit_text(e->unit));
        print_expr(o, e->args.v[0]);
        put(o, ")");
        break;
    case QL_A_TRIM:
        put(o, "(trim%s", e->index == 1 ? " leading" : e->index == 2 ? " trailing" : "");
        print_exprs(o, &e->args);
        put(o, ")");
        break;
    }
}

static void
print_table(out_text *o, const ql_ast_table_name *t)
{
    print_dotted(o, (ql_str){NULL, 0}, t->db, t->name);
}

static void
print_names(out_text *o, const ql_ast_names *names)
{
    for (uint32_t i = 0; i < names->n; i++) {
        put(o, " ");
        print_table(o, &names->v[i]);
    }
}

static void
print_strs(out_text *o, const ql_str *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        put(o, "%s", i != 0 ? "," : "");
        put_str(o, v[i]);
    }
}

static void
print_from(out_text *o, const ql_ast_from *f)
{
    static const char *const joins[] = {"none", "inner", "left", "right", "cross", "straight"};
    if (f->left == NULL) {
        if (f->derived != NULL) {
            put(o, "(derived ");
            print_select(o, f->derived);
            put(o, ")");
        } else {
            print_table(o, &f->table);
        }
        if (f->alias.n != 0) {
            put(o, ":");
            put_str(o, f->alias);
        }
        return;
    }
    put(o, "(%s%s ", f->natural ? "natural-" : "", joins[f->join]);
    print_from(o, f->left);
    put(o, " ");
    print_from(o, f->right);
    if (f->on != NULL) {
        put(o, " on ");
        print_expr(o, f->on);
    }
    if (f->nusing != 0) {
        put(o, " using ");
        print_strs(o, f->using_cols, f->nusing);
    }
    put(o, ")");
}

static void
print_clause(out_text *o, const char *word, const ql_ast_expr *e)
{
    if (e != NULL) {
        put(o, " (%s ", word);
        print_expr(o, e);
        put(o, ")");
    }
}

static void
print_ctes(out_text *o, const ql_ast_select *s)
{
    if (s->nctes == 0) {
        return;
    }
    put(o, "(with%s", s->recursive ? " recursive" : "");
    for (uint32_t i = 0; i < s->nctes; i++) {
        put(o, " ");
        put_str(o, s->ctes[i].name);
        if (s->ctes[i].ncolumns != 0) {
            put(o, "[");
            print_strs(o, s->ctes[i].columns, s->ctes[i].ncolumns);
            put(o, "]");
        }
        put(o, "=");
        print_select(o, s->ctes[i].select);
    }
    put(o, ") ");
}

static void
print_select(out_text *o, const ql_ast_select *s)
{
    static const char *const ops[] = {"", "union", "union-all", "except", "intersect"};
    put(o, "(");
    print_ctes(o, s);
    if (s->set_op != QL_SET_NONE) {
        put(o, "%s ", ops[s->set_op]);
        print_select(o, s->left);
        put(o, " ");
        print_select(o, s->right);
    } else {
        put(o, "select%s%s%s", s->distinct ? " distinct" : "",
            s->straight_join ? " straight_join" : "",
            s->sql_calc_found_rows ? " sql_calc_found_rows" : "");
        for (uint32_t i = 0; i < s->nitems; i++) {
            put(o, "%s", i != 0 ? ", " : " ");
            print_expr(o, s->items[i].expr);
            if (s->items[i].alias.n != 0) {
                put(o, ":");
                put_str(o, s->items[i].alias);
            }
        }
        if (s->from != NULL) {
            put(o, " (from ");
            print_from(o, s->from);
            put(o, ")");
        }
        print_clause(o, "where", s->where);
        print_orders(o, s->with_rollup ? "group-rollup" : "group", &s->group_by);
        print_clause(o, "having", s->having);
    }
    print_orders(o, "order", &s->order_by);
    print_clause(o, "limit", s->limit);
    print_clause(o, "offset", s->offset);
    if (s->into_vars.n != 0) {
        put(o, " (into");
        print_exprs(o, &s->into_vars);
        put(o, ")");
    }
    for (uint32_t i = 0; i < s->nlocking; i++) {
        const ql_ast_locking *l = &s->locking[i];
        put(o, " %s", l->kind == QL_LK_UPDATE ? "for-update" : "for-share");
        for (uint32_t k = 0; k < l->nof; k++) {
            put(o, "%s%.*s", k == 0 ? " of " : ",", (int)l->of[k].name.n, l->of[k].name.p);
        }
        put(o, "%s%s", l->nowait ? " nowait" : "", l->skip_locked ? " skip-locked" : "");
    }
    put(o, ")");
}

static void
print_assigns(out_text *o, const char *word, const ql_ast_assigns *list)
{
    if (list->n == 0) {
        return;
    }
    put(o, " (%s", word);
    for (uint32_t i = 0; i < list->n; i++) {
        put(o, " ");
        print_expr(o, list->v[i].column);
        put(o, "=");
        print_expr(o, list->v[i].value);
    }
    put(o, ")");
}

static void
print_insert(out_text *o, const ql_ast_insert *in)
{
    put(o, "(%s%s ", in->replace ? "replace" : "insert", in->ignore ? " ignore" : "");
    print_table(o, &in->table);
    if (in->has_columns) {
        put(o, " [");
        print_strs(o, in->columns, in->ncolumns);
        put(o, "]");
    }
    for (uint32_t i = 0; i < in->nrows; i++) {
        put(o, " (");
        for (uint32_t j = 0; j < in->rows[i].n; j++) {
            put(o, "%s", j != 0 ? " " : "");
            print_expr(o, in->rows[i].v[j]);
        }
        put(o, ")");
    }
    if (in->select != NULL) {
        put(o, " ");
        print_select(o, in->select);
    }
    print_assigns(o, "on-duplicate", &in->on_duplicate);
    put(o, ")");
}

static void
print_key(out_text *o, const ql_ast_key *k)
{
    static const char *const kinds[] = {"primary",  "unique",  "key",
                                        "fulltext", "spatial", "foreign"};
    static const char *const actions[] = {"",         "restrict",  "cascade",
                                          "set-null", "no-action", "set-default"};
    put(o, " (%s", kinds[k->kind]);
    if (k->name.n != 0) {
        put(o, " ");
        put_str(o, k->name);
    }
    if (k->constraint.n != 0) {
        put(o, " constraint=");
        put_str(o, k->constraint);
    }
    put(o, " [");
    for (uint32_t i = 0; i < k->nparts; i++) {
        put(o, "%s", i != 0 ? "," : "");
        if (k->parts[i].expr != NULL) {
            print_expr(o, k->parts[i].expr);
        }
        put_str(o, k->parts[i].column);
        if (k->parts[i].prefix != 0) {
            put(o, "(%u)", k->parts[i].prefix);
        }
        put(o, "%s", k->parts[i].descending ? " desc" : "");
    }
    put(o, "]");
    if (k->kind == QL_KEY_FOREIGN) {
        put(o, " ref=");
        print_table(o, &k->ref);
        put(o, "[");
        print_strs(o, k->ref_columns, k->nref_columns);
        put(o, "]");
        if (k->on_delete != QL_REF_NONE) {
            put(o, " on-delete=%s", actions[k->on_delete]);
        }
        if (k->on_update != QL_REF_NONE) {
            put(o, " on-update=%s", actions[k->on_update]);
        }
    }
    put(o, "%s)", k->invisible ? " invisible" : "");
}

static void
print_column(out_text *o, const ql_ast_column *c)
{
    put(o, " (");
    put_str(o, c->name);
    put(o, " ");
    print_type(o, &c->type);
    put(o, "%s%s%s%s%s",
        c->nullability == QL_NULL_NO    ? " not-null"
        : c->nullability == QL_NULL_YES ? " null"
                                        : "",
        c->auto_increment ? " auto" : "", c->primary_key ? " primary" : "",
        c->unique_key ? " unique" : "", c->invisible ? " invisible" : "");
    print_clause(o, "default", c->default_value);
    print_clause(o, "on-update", c->on_update);
    print_clause(o, c->generated_stored ? "stored" : "virtual", c->generated);
    for (uint32_t i = 0; i < c->nchecks; i++) {
        print_clause(o, "check", c->checks[i].expr);
    }
    if (c->comment.n != 0) {
        put(o, " comment=");
        put_str(o, c->comment);
    }
    put(o, ")");
}

static void
print_options(out_text *o, const ql_ast_option *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        put(o, " ");
        put_str(o, v[i].name);
        put(o, "=");
        print_value(o, &v[i].value);
    }
}

static void
print_create_table(out_text *o, const ql_ast_create_table *ct)
{
    put(o, "%s%s ", ct->temporary ? " temporary" : "", ct->if_not_exists ? " if-not-exists" : "");
    print_table(o, &ct->table);
    if (ct->like.name.n != 0) {
        put(o, " like=");
        print_table(o, &ct->like);
    }
    for (uint32_t i = 0; i < ct->ncolumns; i++) {
        print_column(o, &ct->columns[i]);
    }
    for (uint32_t i = 0; i < ct->nkeys; i++) {
        print_key(o, &ct->keys[i]);
    }
    for (uint32_t i = 0; i < ct->nchecks; i++) {
        const ql_ast_check *k = &ct->checks[i];
        if (k->column.n == 0) { /* those behind columns stand there */
            put(o, " (check ");
            put_str(o, k->name);
            put(o, " ");
            print_expr(o, k->expr);
            put(o, "%s)", k->not_enforced ? " not-enforced" : "");
        }
    }
    print_options(o, ct->options, ct->noptions);
    if (ct->select != NULL) {
        put(o, " ");
        print_select(o, ct->select);
    }
}

static void
print_action(out_text *o, const ql_ast_alter *a, const ql_ast_action *v)
{
    static const char *const kinds[] = {
        "add-column",   "drop-column", "change-column", "rename-column", "set-default",
        "drop-default", "column",      "add-key",       "drop-key",      "rename-key",
        "key",          "add-check",   "drop-check",    "drop-foreign",  "drop-constraint",
        "check",        "constraint"};
    put(o, " (%s", kinds[v->kind]);
    if (v->name.n != 0) {
        put(o, " ");
        put_str(o, v->name);
    }
    switch (v->kind) {
    case QL_ALTER_ADD_COLUMN:
    case QL_ALTER_CHANGE_COLUMN:
        print_column(o, &a->defs.columns[v->at]);
        break;
    case QL_ALTER_ADD_KEY:
        print_key(o, &a->defs.keys[v->at]);
        break;
    case QL_ALTER_RENAME_COLUMN:
    case QL_ALTER_RENAME_KEY:
        put(o, " to=");
        put_str(o, v->to);
        break;
    case QL_ALTER_COLUMN_VISIBLE:
    case QL_ALTER_KEY_VISIBLE:
        put(o, "%s", v->on ? " visible" : " invisible");
        break;
    case QL_ALTER_CHECK_ENFORCED:
    case QL_ALTER_CONSTRAINT_ENFORCED:
        put(o, "%s", v->on ? " enforced" : " not-enforced");
        break;
    default:
        break;
    }
    if (v->value != NULL) {
        put(o, " ");
        print_expr(o, v->value);
    }
    put(o, "%s", v->first ? " first" : "");
    if (v->after.n != 0) {
        put(o, " after=");
        put_str(o, v->after);
    }
    put(o, ")");
}

static void
print_alter(out_text *o, const ql_ast_alter *a)
{
    static const char *const algorithms[] = {"", " instant", " inplace", " copy"};
    static const char *const locks[] = {"", " lock=none", " lock=shared", " lock=exclusive"};
    put(o, " ");
    print_table(o, &a->table);
    for (uint32_t i = 0; i < a->n; i++) {
        print_action(o, a, &a->v[i]);
    }
    print_options(o, a->defs.options, a->defs.noptions);
    if (a->to.name.n != 0) {
        put(o, " to=");
        print_table(o, &a->to);
    }
    if (a->convert) {
        put(o, " convert=");
        put_str(o, a->charset);
        put(o, ",");
        put_str(o, a->collation);
    }
    print_orders(o, "order", &a->order_by);
    put(o, "%s%s%s%s", a->force ? " force" : "",
        a->keys < 0    ? ""
        : a->keys != 0 ? " enable-keys"
                       : " disable-keys",
        algorithms[a->algorithm], locks[a->lock]);
}

static void
print_user(out_text *o, const ql_ast_user *u)
{
    if (u->name.p == NULL) {
        put(o, "current_user");
    } else {
        put_str(o, u->name);
        put(o, "@");
        put_str(o, u->host);
    }
    if (u->plugin.n != 0) {
        put(o, " with=");
        put_str(o, u->plugin);
    }
    if (u->has_password) {
        put(o, " by=");
        put_str(o, u->password);
    }
    if (u->has_auth_string) {
        put(o, " as=");
        put_str(o, u->auth_string);
    }
}

static void
print_account(out_text *o, const ql_ast_account_stmt *a)
{
    put(o, "%s%s", a->if_exists ? " if-exists" : "", a->if_not_exists ? " if-not-exists" : "");
    if (a->nprivileges != 0) {
        put(o, " [");
        print_strs(o, a->privileges, a->nprivileges);
        put(o, "]");
    }
    if (a->everything) {
        put(o, " everything");
    } else if (a->global) {
        put(o, " on *.*");
    } else if (a->db.n != 0 || a->table.n != 0) {
        put(o, " on ");
        print_dotted(o, (ql_str){NULL, 0}, a->db, a->table);
    }
    for (uint32_t i = 0; i < a->nusers; i++) {
        put(o, " (");
        print_user(o, &a->users[i]);
        put(o, ")");
    }
    put(o, "%s%s%s", a->with_grant_option ? " grant-option" : "",
        a->ignore_unknown_user ? " ignore-unknown" : "",
        a->lock < 0 ? ""
        : a->lock   ? " lock"
                    : " unlock");
}

static void
print_set(out_text *o, const ql_ast_stmt *s)
{
    static const char *const kinds[] = {"user",    "var",      "names",
                                        "charset", "password", "transaction"};
    static const char *const scopes[] = {"default", "session",      "global",
                                         "persist", "persist_only", "user"};
    for (uint32_t i = 0; i < s->set.n; i++) {
        const ql_ast_set_item *it = &s->set.v[i];
        put(o, " (%s", kinds[it->kind]);
        if (it->kind == QL_SET_SYSVAR || it->kind == QL_SET_TRANSACTION) {
            put(o, " %s", scopes[it->scope]);
        }
        if (it->name.n != 0) {
            put(o, " ");
            put_str(o, it->name);
        }
        if (it->collation.n != 0) {
            put(o, " collate=");
            put_str(o, it->collation);
        }
        if (it->kind == QL_SET_SYSVAR || it->kind == QL_SET_USERVAR) {
            put(o, " ");
            print_expr(o, it->value);
        }
        if (it->kind == QL_SET_TRANSACTION) {
            put(o, " isolation=%d read_only=%d", it->isolation, it->read_only);
        }
        put(o, ")");
    }
}

static void
print_show(out_text *o, const ql_ast_show *sh)
{
    put(o, " %d%s%s%s", (int)sh->kind, sh->full ? " full" : "", sh->extended ? " extended" : "",
        sh->scope == QL_SCOPE_GLOBAL ? " global" : "");
    if (sh->table.db.n != 0 || sh->table.name.n != 0) {
        put(o, " ");
        print_table(o, &sh->table);
    }
    if (sh->like.p != NULL) {
        put(o, " like=");
        put_str(o, sh->like);
    }
    print_clause(o, "where", sh->where);
    print_clause(o, "limit", sh->limit);
    print_clause(o, "offset", sh->offset);
    if (sh->user != NULL) {
        put(o, " for=");
        print_user(o, sh->user);
    }
    if (sh->name.n != 0) {
        put(o, " name=");
        put_str(o, sh->name);
    }
}

static void
print_admin(out_text *o, const ql_ast_admin *a)
{
    print_names(o, &a->tables);
    if (a->noptions != 0) {
        put(o, " [");
        print_strs(o, a->options, a->noptions);
        put(o, "]");
    }
}

static void
print_text_format(out_text *o, const ql_text_format *f)
{
    put(o, " fields=%zu%s/%zu/%zu lines=%zu/%zu", f->field_term.n, f->optionally ? "opt" : "",
        f->enclosed.n, f->escaped.n, f->line_term.n, f->line_start.n);
}

static void
print_load(out_text *o, const ql_ast_load *l)
{
    put(o, "%s%s%s '", l->local ? " local" : "", l->replace ? " replace" : "",
        l->ignore ? " ignore" : "");
    put_str(o, l->file);
    put(o, "' ");
    print_table(o, &l->table);
    print_text_format(o, &l->format);
    put(o, " skip=%llu", (unsigned long long)l->ignore_lines);
    for (uint32_t i = 0; i < l->ncolumns; i++) {
        put(o, " ");
        print_expr(o, l->columns[i]);
    }
    print_assigns(o, "set", &l->set);
}

static void
print_txn(out_text *o, const ql_ast_txn *t)
{
    put(o, "%s", t->with_snapshot ? " snapshot" : "");
    if (t->read_only >= 0) {
        put(o, " read_only=%d", t->read_only);
    }
    if (t->chain >= 0) {
        put(o, " chain=%d", t->chain);
    }
    if (t->release >= 0) {
        put(o, " release=%d", t->release);
    }
    if (t->savepoint.n != 0) {
        put(o, " ");
        put_str(o, t->savepoint);
    }
}

static void
print_kill(out_text *o, const ql_ast_kill *k)
{
    static const char *const what[] = {"connection", "query", "query-id"};
    put(o, " %s%s ", what[k->what], k->soft ? " soft" : "");
    if (k->user != NULL) {
        put(o, "user ");
        print_user(o, k->user);
    } else {
        print_expr(o, k->id);
    }
}

static void
print_body(out_text *o, const ql_ast_stmt *s)
{
    switch (s->kind) {
    case QL_S_UPDATE:
        put(o, "%s ", s->update->ignore ? " ignore" : "");
        print_from(o, s->update->from);
        print_assigns(o, "set", &s->update->set);
        print_clause(o, "where", s->update->where);
        print_orders(o, "order", &s->update->order_by);
        print_clause(o, "limit", s->update->limit);
        break;
    case QL_S_DELETE:
        put(o, "%s%s", s->del->ignore ? " ignore" : "", s->del->quick ? " quick" : "");
        if (s->del->ntargets != 0) {
            put(o, " [");
            print_names(o, &(ql_ast_names){s->del->targets, s->del->ntargets});
            put(o, " ]");
        }
        put(o, " ");
        print_from(o, s->del->from);
        print_clause(o, "where", s->del->where);
        print_orders(o, "order", &s->del->order_by);
        print_clause(o, "limit", s->del->limit);
        break;
    case QL_S_LOAD:
        print_load(o, s->load);
        break;
    case QL_S_DO:
    case QL_S_EXECUTE:
        print_exprs(o, &s->exprs);
        break;
    case QL_S_SET:
        print_set(o, s);
        break;
    case QL_S_SHOW:
        print_show(o, s->show);
        break;
    case QL_S_KILL:
        print_kill(o, s->kill);
        break;
    case QL_S_EXPLAIN:
        put(o, "%s ", s->analyze ? " analyze" : "");
        put_str(o, s->explain.format);
        if (s->explain.inner != NULL) {
            print_stmt(o, s->explain.inner);
        } else {
            print_expr(o, s->explain.for_connection);
        }
        break;
    case QL_S_CREATE_DATABASE:
    case QL_S_ALTER_DATABASE:
        print_options(o, s->options, s->noptions);
        break;
    case QL_S_CREATE_TABLE:
    case QL_S_CREATE_TEMPORARY:
        print_create_table(o, s->create_table);
        break;
    case QL_S_ALTER_TABLE:
    case QL_S_CREATE_INDEX:
    case QL_S_DROP_INDEX:
        print_alter(o, s->alter);
        break;
    case QL_S_DROP_TABLE:
    case QL_S_DROP_TEMPORARY:
    case QL_S_TRUNCATE:
    case QL_S_RENAME_TABLE:
        print_names(o, &s->names);
        break;
    case QL_S_CREATE_USER:
    case QL_S_ALTER_USER:
    case QL_S_DROP_USER:
    case QL_S_RENAME_USER:
    case QL_S_GRANT:
    case QL_S_REVOKE:
    case QL_S_SET_PASSWORD:
        print_account(o, s->account);
        break;
    case QL_S_BEGIN:
    case QL_S_COMMIT:
    case QL_S_ROLLBACK:
    case QL_S_SAVEPOINT:
    case QL_S_ROLLBACK_TO:
    case QL_S_RELEASE_SAVEPOINT:
        print_txn(o, s->txn);
        break;
    case QL_S_LOCK_TABLES:
        for (uint32_t i = 0; i < s->locks.n; i++) {
            put(o, " ");
            print_table(o, &s->locks.v[i].table);
            put(o, ":");
            put_str(o, s->locks.v[i].alias);
            put(o, "=%s", s->locks.v[i].write ? "write" : "read");
        }
        break;
    case QL_S_FLUSH:
    case QL_S_ANALYZE:
    case QL_S_CHECK:
    case QL_S_CHECKSUM:
    case QL_S_OPTIMIZE:
    case QL_S_REPAIR:
        print_admin(o, s->admin);
        break;
    case QL_S_PREPARE:
        put(o, " ");
        print_expr(o, s->prepare_from);
        break;
    default:
        break;
    }
}

/* What its counter is called; as a head of what is printed. */
static inline const char *
com_name(const ql_ast_stmt *s)
{
    static const char *const names[] = {
#define QL_STATEMENT_FORM(...)
#define QL_STATEMENT(id, com, ...) #com,
#include "vars/statements.def"
#undef QL_STATEMENT
#define QL_COMMAND(com) #com,
#include "vars/commands.def"
#undef QL_COMMAND
    };
    ql_com_counter com = ql_ast_stmt_com(s);
    return com != QL_CC_none ? names[com] : s->kind == QL_S_SHOW ? "show_other" : "unbuilt";
}

static void
print_stmt(out_text *o, const ql_ast_stmt *s)
{
    if (s->kind == QL_S_SELECT) {
        print_select(o, s->select);
        return;
    }
    if (s->kind == QL_S_INSERT) {
        print_insert(o, s->insert);
        return;
    }
    put(o, "(%s", com_name(s));
    if (s->name.n != 0) {
        put(o, " ");
        put_str(o, s->name);
    }
    put(o, "%s%s%s", s->if_exists ? " if-exists" : "", s->if_not_exists ? " if-not-exists" : "",
        s->temporary ? " temporary" : "");
    print_body(o, s);
    put(o, ")");
}

#endif
