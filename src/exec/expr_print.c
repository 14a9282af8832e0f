/* SPDX-License-Identifier: Apache-2.0
 *
 * Text of a resolved expression for error messages, in MySQL's form: "(1 - 2)", "abs(-(1))".
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "exec/exec_int.h"

typedef struct out {
    char *p;
    size_t n, cap;
} out;

static void QL_PRINTF(2, 3) put(out *o, const char *fmt, ...)
{
    va_list ap;
    if (o->n + 1 >= o->cap) {
        return;
    }
    va_start(ap, fmt);
    int n = vsnprintf(o->p + o->n, o->cap - o->n, fmt, ap);
    va_end(ap);
    if (n > 0) {
        o->n = o->n + (size_t)n < o->cap ? o->n + (size_t)n : o->cap - 1;
    }
}

static const char *
op_sign(ql_op op)
{
    switch (op) {
    case QL_OP_ADD:
        return "+";
    case QL_OP_SUB:
        return "-";
    case QL_OP_MUL:
        return "*";
    case QL_OP_DIV:
        return "/";
    case QL_OP_INTDIV:
        return "DIV";
    case QL_OP_MOD:
        return "%";
    case QL_OP_EQ:
        return "=";
    case QL_OP_NE:
        return "<>";
    case QL_OP_LT:
        return "<";
    case QL_OP_LE:
        return "<=";
    case QL_OP_GT:
        return ">";
    case QL_OP_GE:
        return ">=";
    case QL_OP_AND:
        return "and";
    case QL_OP_OR:
        return "or";
    case QL_OP_BITOR:
        return "|";
    case QL_OP_BITAND:
        return "&";
    case QL_OP_BITXOR:
        return "^";
    case QL_OP_SHL:
        return "<<";
    case QL_OP_SHR:
        return ">>";
    default:
        return "?";
    }
}

static void
put_value(out *o, const ql_value *v)
{
    char text[QL_VALUE_TEXT_MAX];
    if (v->kind == QL_K_NULL) {
        put(o, "NULL");
    } else if (v->kind == QL_K_STRING) {
        put(o, "'%.*s'", (int)(v->s.n < 100 ? v->s.n : 100), v->s.p);
    } else {
        size_t n = ql_value_print(v, text);
        put(o, "%.*s", (int)n, text);
    }
}

static void
put_expr(out *o, const ql_expr *e, int depth)
{
    if (depth > 20) {
        put(o, "...");
        return;
    }
    switch (e->kind) {
    case QL_E_CONST:
    case QL_E_PARAM:
        put_value(o, &e->value);
        break;
    case QL_E_SLOT:
    case QL_E_OUTER:
        if (e->name.n > 0) {
            put(o, "`%.*s`", (int)e->name.n, e->name.p);
        } else {
            put(o, "`col%u`", e->index);
        }
        break;
    case QL_E_OP:
        if (e->nargs == 1) {
            put(o, "%s(", e->op == QL_OP_NEG ? "-" : e->op == QL_OP_BITNOT ? "~" : "");
            put_expr(o, e->args[0], depth + 1);
            put(o, ")");
            break;
        }
        put(o, "(");
        for (uint32_t i = 0; i < e->nargs; i++) {
            if (i > 0) {
                put(o, " %s ", op_sign(e->op));
            }
            put_expr(o, e->args[i], depth + 1);
        }
        put(o, ")");
        break;
    case QL_E_CAST:
        put_expr(o, e->args[0], depth + 1);
        break;
    case QL_E_USERVAR:
        put(o, "(@`%.*s`)", (int)e->name.n, e->name.p);
        break;
    case QL_E_FUNC: {
        const char *name = ql_func_name(e->fn);
        for (; *name != '\0'; name++) {
            put(o, "%c", *name >= 'A' && *name <= 'Z' ? *name + 32 : *name);
        }
        put(o, "(");
        for (uint32_t i = 0; i < e->nargs; i++) {
            put(o, i > 0 ? "," : "");
            put_expr(o, e->args[i], depth + 1);
        }
        put(o, ")");
        break;
    }
    default:
        put(o, "...");
        break;
    }
}

void
qli_expr_print(const ql_expr *e, char *p, size_t n)
{
    out o = {.p = p, .cap = n};
    p[0] = '\0';
    put_expr(&o, e, 0);
}
