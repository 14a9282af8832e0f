/* SPDX-License-Identifier: Apache-2.0
 *
 * When a statement is read its hints find the query blocks that they are about: their own, or the
 * one of the name behind @. What says something twice, or the contrary of an earlier hint, is left
 * out with a warning (3126), as is what names a block that is not there (3127).
 */
#include <stdio.h>
#include <string.h>

#include "base/bulk.h"
#include "sql/sql_int.h"
#include "vars/sysvars.h"

#define BIT(type) (1u << (unsigned)(type))

/* --- warnings -------------------------------------------------------------------------------- */

static const char *
quoted(qli_parser *p, ql_str name)
{
    return ql_hint_quote(p->cx, p->a, name, p->mode != NULL && p->mode->ansi_quotes);
}

/* What a hint has been given, as the warning shows it. */
static const char *
shown_arguments(qli_parser *p, const ql_ast_hint *h)
{
    static const char *const strategies[] = {" FIRSTMATCH", " LOOSESCAN", " MATERIALIZATION",
                                             " DUPSWEEDOUT", " INTOEXISTS"};
    const char *text = "";
    for (unsigned i = 0, n = 0; i < QL_ARRAY_LEN(strategies); i++) {
        if (h->strategies >> i & 1) {
            text = ql_arena_printf(p->cx, p->a, "%s%s%s", text, n++ > 0 ? "," : "", strategies[i]);
        }
    }
    for (uint32_t i = 0; text != NULL && i < h->ntables; i++) {
        const ql_ast_hint_table *t = &h->tables[i];
        text = ql_arena_printf(p->cx, p->a, "%s%s%s%s%s", text, i > 0 ? "," : "",
                               quoted(p, t->name), t->block.p != NULL ? "@" : "",
                               t->block.p != NULL ? quoted(p, t->block) : "");
    }
    return text != NULL ? text : "";
}

/* Of MySQL's hints the ones that list several indexes as one thing. */
static bool
is_compound(ql_hint_type type)
{
    switch (type) {
    case QL_HINT_INDEX_MERGE:
    case QL_HINT_SKIP_SCAN:
    case QL_HINT_INDEX:
    case QL_HINT_JOIN_INDEX:
    case QL_HINT_GROUP_INDEX:
    case QL_HINT_ORDER_INDEX:
        return true;
    default:
        return false;
    }
}

/* 3126, or 3614: table, block and index may be NULL; rest: arguments that follow. */
static void
warn_ignored(qli_parser *p, ql_errcode code, const ql_ast_hint *h, const ql_str *table,
             const ql_str *block, const ql_str *index, const char *rest)
{
    bool at = block != NULL && block->n > 0;
    const char *text = ql_arena_printf(
        p->cx, p->a, "%s(%s%s%s%s%s %s)", ql_hint_name(h->type, h->on),
        table != NULL ? quoted(p, *table) : "", at ? "@" : "", at ? quoted(p, *block) : "",
        index != NULL ? " " : "", index != NULL ? quoted(p, *index) : "", rest);
    ql_warn(p->cx, QL_DIAG_WARNING, code, text != NULL ? text : "");
}

static void
warn_conflict(qli_parser *p, const ql_ast_hint *h, const ql_str *table, const ql_str *block,
              const ql_str *index, const char *rest)
{
    warn_ignored(p, QL_ER_WARN_CONFLICTING_HINT, h, table, block, index, rest);
}

/* --- blocks, tables, indexes by name --------------------------------------------------------- */

static ql_status
find_block(qli_parser *p, ql_ast_hints *own, ql_str name, const ql_ast_hint *h, ql_ast_hints **out)
{
    char system[24];
    *out = own;
    if (name.p == NULL) {
        return QL_OK;
    }
    for (int by_number = 0; by_number < 2; by_number++) {
        for (ql_ast_hints *b = p->blocks; b != NULL; b = b->next) {
            QL_TRY(ql_bulk_node(p->cx));
            ql_str is = b->name;
            if (by_number) {
                int n = snprintf(system, sizeof system, "select#%x", b->number);
                is = (ql_str){system, (size_t)n};
            }
            if (is.n > 0 && ql_str_eq_nocase(is, name)) {
                *out = b;
                return QL_OK;
            }
        }
    }
    *out = NULL;
    ql_warn(p->cx, QL_DIAG_WARNING, QL_ER_WARN_UNKNOWN_QB_NAME, quoted(p, name),
            ql_hint_name(h->type, h->on));
    return QL_OK;
}

static ql_status
table_of(qli_parser *p, ql_ast_hints *b, ql_str name, ql_ast_table_hints **out)
{
    ql_ast_table_hints **at = &b->tables;
    for (; *at != NULL; at = &(*at)->next) {
        QL_TRY(ql_bulk_node(p->cx));
        if (ql_str_eq_nocase((*at)->name, name)) {
            *out = *at;
            return QL_OK;
        }
    }
    QL_TRY(qli_new(p, sizeof **at, at));
    (*at)->name = name;
    *out = *at;
    return QL_OK;
}

static ql_status
index_of(qli_parser *p, ql_ast_table_hints *t, ql_str name, ql_ast_index_hints **out)
{
    ql_ast_index_hints **at = &t->indexes;
    for (; *at != NULL; at = &(*at)->next) {
        QL_TRY(ql_bulk_node(p->cx));
        if (ql_str_eq_nocase((*at)->name, name)) {
            *out = *at;
            return QL_OK;
        }
    }
    QL_TRY(qli_new(p, sizeof **at, at));
    (*at)->name = name;
    *out = *at;
    return QL_OK;
}

/* Turned on or off, unless that was said before: then false. */
static bool
say(uint32_t *on, uint32_t *off, const ql_ast_hint *h)
{
    if (((*on | *off) & BIT(h->type)) != 0) {
        return false;
    }
    *(h->on ? on : off) |= BIT(h->type);
    return true;
}

/* --- kinds of hints -------------------------------------------------------------------------- */

static ql_status
settle_tables(qli_parser *p, ql_ast_hints *own, ql_ast_hint *h)
{
    ql_ast_hints *b;
    if (h->ntables == 0) {
        QL_TRY(find_block(p, own, h->block, h, &b));
        if (b != NULL && !say(&b->on, &b->off, h)) {
            warn_conflict(p, h, NULL, &h->block, NULL, "");
        }
        return QL_OK;
    }
    for (uint32_t i = 0; i < h->ntables; i++) {
        const ql_ast_hint_table *t = &h->tables[i];
        ql_ast_table_hints *th;
        QL_TRY(find_block(p, own, h->block.p != NULL ? h->block : t->block, h, &b));
        if (b == NULL) {
            return QL_OK;
        }
        QL_TRY(table_of(p, b, t->name, &th));
        if (!say(&th->on, &th->off, h)) {
            warn_conflict(p, h, &t->name, &t->block, NULL, "");
        }
    }
    return QL_OK;
}

/* INDEX says for all purposes what the three others say for one. */
static bool
contradicts(const ql_ast_hint *h, uint32_t said)
{
    uint32_t each = BIT(QL_HINT_JOIN_INDEX) | BIT(QL_HINT_GROUP_INDEX) | BIT(QL_HINT_ORDER_INDEX);
    return h->type == QL_HINT_INDEX     ? (said & each) != 0
           : (BIT(h->type) & each) != 0 ? (said & BIT(QL_HINT_INDEX)) != 0
                                        : false;
}

/* " `a`, `b`" of a compound hint. */
static const char *
shown_indexes(qli_parser *p, const ql_ast_hint *h)
{
    const char *text = "";
    for (uint32_t i = 0; text != NULL && is_compound(h->type) && i < h->nindexes; i++) {
        text = ql_arena_printf(p->cx, p->a, "%s %s%s", text, quoted(p, h->indexes[i]),
                               i + 1 < h->nindexes ? "," : "");
    }
    return text != NULL ? text : "";
}

static ql_status
settle_indexes(qli_parser *p, ql_ast_hints *own, ql_ast_hint *h)
{
    const ql_ast_hint_table *t = &h->tables[0];
    ql_ast_hints *b;
    ql_ast_table_hints *th;
    bool compound = is_compound(h->type), clash = false;
    QL_TRY(find_block(p, own, h->block, h, &b));
    if (b == NULL) {
        return QL_OK;
    }
    QL_TRY(table_of(p, b, t->name, &th));
    if (h->nindexes == 0) {
        if (contradicts(h, th->on | th->off) || !say(&th->on, &th->off, h)) {
            warn_conflict(p, h, &t->name, &h->block, NULL, "");
        }
        return QL_OK;
    }
    if (h->type == QL_HINT_INDEX_MERGE && h->nindexes == 1 && h->on) {
        warn_ignored(p, QL_ER_WARN_INVALID_HINT, h, &t->name, &h->block, NULL, shown_indexes(p, h));
        return QL_OK;
    }
    uint32_t before = th->on | th->off;
    for (uint32_t i = 0; i < h->nindexes && compound && !clash; i++) {
        ql_ast_index_hints *x;
        QL_TRY(index_of(p, th, h->indexes[i], &x));
        uint32_t said = before | x->on | x->off;
        clash = (said & BIT(h->type)) != 0 || contradicts(h, said);
    }
    if (clash) {
        warn_conflict(p, h, &t->name, &h->block, NULL, shown_indexes(p, h));
        return QL_OK;
    }
    for (uint32_t i = 0; i < h->nindexes; i++) {
        ql_ast_index_hints *x;
        QL_TRY(index_of(p, th, h->indexes[i], &x));
        if (!compound && ((before & BIT(h->type)) != 0 || !say(&x->on, &x->off, h))) {
            warn_conflict(p, h, &t->name, &h->block, &h->indexes[i], "");
        } else if (compound) {
            (void)say(&x->on, &x->off, h);
        }
    }
    if (compound) {
        (void)say(&th->on, &th->off, h);
    }
    return QL_OK;
}

static void
add_order(ql_ast_hints *b, ql_ast_hint *h)
{
    *(b->last_order != NULL ? &b->last_order->next_order : &b->orders) = h;
    b->last_order = h;
}

static ql_status
settle_block(qli_parser *p, ql_ast_hints *own, ql_ast_hint *h)
{
    const uint32_t fixed = BIT(QL_HINT_JOIN_FIXED_ORDER);
    const uint32_t orders =
        BIT(QL_HINT_JOIN_PREFIX) | BIT(QL_HINT_JOIN_SUFFIX) | BIT(QL_HINT_JOIN_ORDER);
    ql_ast_hints *b;
    QL_TRY(find_block(p, own, h->block, h, &b));
    if (b == NULL) {
        return QL_OK;
    }
    bool clash = false;
    switch (h->type) {
    case QL_HINT_SEMIJOIN:
        clash = b->subquery != NULL || !say(&b->on, &b->off, h);
        b->semijoin = clash ? b->semijoin : h;
        break;
    case QL_HINT_SUBQUERY:
        clash = b->semijoin != NULL || !say(&b->on, &b->off, h);
        b->subquery = clash ? b->subquery : h;
        break;
    case QL_HINT_JOIN_FIXED_ORDER:
        clash = (b->on & orders) != 0 || !say(&b->on, &b->off, h);
        break;
    case QL_HINT_JOIN_ORDER: /* there may be several */
        clash = (b->on & fixed) != 0;
        b->on |= clash ? 0 : BIT(h->type);
        break;
    default: /* JOIN_PREFIX, JOIN_SUFFIX */
        clash = (b->on & fixed) != 0 || !say(&b->on, &b->off, h);
        break;
    }
    if (clash) {
        warn_conflict(p, h, NULL, &h->block, NULL, shown_arguments(p, h));
    } else if ((BIT(h->type) & orders) != 0) {
        add_order(b, h);
    }
    return QL_OK;
}

static ql_status
settle_name(qli_parser *p, ql_ast_hints *own, const ql_ast_hint *h)
{
    bool taken = own->name.n > 0;
    for (const ql_ast_hints *b = p->blocks; b != NULL && !taken; b = b->next) {
        QL_TRY(ql_bulk_node(p->cx));
        taken = ql_str_eq_nocase(b->name, h->name);
    }
    if (!taken) {
        own->name = h->name;
        return QL_OK;
    }
    const char *text = ql_arena_printf(p->cx, p->a, "QB_NAME(%s)", quoted(p, h->name));
    ql_warn(p->cx, QL_DIAG_WARNING, QL_ER_WARN_CONFLICTING_HINT, text != NULL ? text : "");
    return QL_OK;
}

static void
settle_time(qli_parser *p, const ql_ast_hints *first, const ql_ast_hints *own, const ql_ast_hint *h,
            ql_ast_stmt *s)
{
    if (own != first) {
        ql_warn(p->cx, QL_DIAG_WARNING, QL_ER_WARN_UNSUPPORTED_MAX_EXECUTION_TIME);
    } else if (s->has_max_execution_time) {
        const char *text =
            ql_arena_printf(p->cx, p->a, "MAX_EXECUTION_TIME(%llu)", (unsigned long long)h->number);
        ql_warn(p->cx, QL_DIAG_WARNING, QL_ER_WARN_CONFLICTING_HINT, text != NULL ? text : "");
    } else {
        s->has_max_execution_time = true;
        s->max_execution_time = h->number;
    }
}

static const char *
in_quotes(qli_parser *p, ql_str s)
{
    const char *text = ql_arena_printf(p->cx, p->a, "'%.*s'", (int)s.n, s.p);
    return text != NULL ? text : "";
}

static const char *
shown_variable(qli_parser *p, const ql_ast_hint *h, const char *name)
{
    const char *text = h->value.kind == QL_K_STRING
                           ? ql_arena_printf(p->cx, p->a, "SET_VAR(%s='%.*s') ", name,
                                             (int)h->value.s.n, h->value.s.p)
                           : ql_arena_printf(p->cx, p->a, "SET_VAR(%s=%llu) ", name,
                                             (unsigned long long)h->value.u);
    return text != NULL ? text : "";
}

/* A copy of the hint at the end of the statement's list. */
static ql_status
settle_variable(qli_parser *p, const ql_ast_hint *h, ql_ast_stmt *s)
{
    ql_ast_hint **at = &s->variables, *copy;
    int id = ql_sysvar_find(h->name);
    if (id < 0) {
        ql_warn(p->cx, QL_DIAG_WARNING, QL_ER_UNRESOLVED_HINT_NAME, in_quotes(p, h->name),
                "SET_VAR");
        return QL_OK;
    }
    if (!ql_sysvar_is_hintable((ql_sysvar_id)id)) {
        ql_warn(p->cx, QL_DIAG_WARNING, QL_ER_NOT_HINT_UPDATABLE_VARIABLE, in_quotes(p, h->name));
        return QL_OK;
    }
    for (; *at != NULL; at = &(*at)->next) {
        QL_TRY(ql_bulk_node(p->cx));
        if (ql_sysvar_find((*at)->name) == id) {
            ql_warn(p->cx, QL_DIAG_WARNING, QL_ER_WARN_CONFLICTING_HINT,
                    shown_variable(p, h, ql_sysvar_name((ql_sysvar_id)id)));
            return QL_OK;
        }
    }
    QL_TRY(qli_new(p, sizeof *copy, &copy));
    *copy = *h;
    copy->next = NULL;
    *at = copy;
    return QL_OK;
}

static ql_status
settle_one(qli_parser *p, const ql_ast_hints *first, ql_ast_hints *own, ql_ast_hint *h,
           ql_ast_stmt *s)
{
    switch (h->type) {
    case QL_HINT_BKA:
    case QL_HINT_BNL:
    case QL_HINT_MERGE:
    case QL_HINT_HASH_JOIN:
    case QL_HINT_DERIVED_CONDITION_PUSHDOWN:
        return settle_tables(p, own, h);
    case QL_HINT_SEMIJOIN:
    case QL_HINT_SUBQUERY:
    case QL_HINT_JOIN_PREFIX:
    case QL_HINT_JOIN_SUFFIX:
    case QL_HINT_JOIN_ORDER:
    case QL_HINT_JOIN_FIXED_ORDER:
        return settle_block(p, own, h);
    case QL_HINT_QB_NAME:
        return settle_name(p, own, h);
    case QL_HINT_MAX_EXECUTION_TIME:
        settle_time(p, first, own, h, s);
        return QL_OK;
    case QL_HINT_SET_VAR:
        return settle_variable(p, h, s);
    case QL_HINT_RESOURCE_GROUP: /* there are none: accepted */
        return QL_OK;
    default:
        return settle_indexes(p, own, h);
    }
}

/* --- the statement --------------------------------------------------------------------------- */

/* The block whose MAX_EXECUTION_TIME counts; NULL: none. */
static const ql_ast_hints *
first_of(const ql_ast_stmt *s)
{
    const ql_ast_stmt *q = s->kind == QL_S_EXPLAIN ? s->explain.inner : s;
    const ql_ast_select *b = q != NULL && q->kind == QL_S_SELECT ? q->select : NULL;
    while (b != NULL && b->set_op != QL_SET_NONE) {
        b = b->left;
    }
    return b != NULL ? &b->hints : NULL;
}

void
qli_block_begin(qli_parser *p, ql_ast_hints *h)
{
    h->number = p->in_cte > 0 ? 0 : ++p->nblocks;
}

void
qli_block_end(qli_parser *p, ql_ast_hints *h)
{
    *p->blocks_end = h;
    p->blocks_end = &h->next;
}

/* There was no memory for the words of a warning: that is the error then. */
static ql_status
still_well(const qli_parser *p)
{
    return p->cx->diag != NULL && ql_diag_has_error(p->cx->diag) ? QL_ERROR : QL_OK;
}

ql_status
qli_hints_settle(qli_parser *p, ql_ast_stmt *s)
{
    if (!p->has_hints || s->kind == QL_S_CREATE_VIEW || s->kind == QL_S_UNBUILT) {
        return QL_OK; /* views keep none */
    }
    for (ql_ast_hints *b = p->blocks; b != NULL; b = b->next) {
        QL_TRY(ql_bulk_node(p->cx));
        b->number = b->number != 0 ? b->number : ++p->nblocks; /* in WITH: behind the others */
    }
    const ql_ast_hints *first = first_of(s);
    for (ql_ast_hints *b = p->blocks; b != NULL; b = b->next) {
        for (ql_ast_hint *h = b->written, *next; h != NULL; h = next) {
            next = h->next;
            QL_TRY(ql_bulk_node(p->cx));
            QL_TRY(settle_one(p, first, b, h, s));
            QL_TRY(still_well(p));
        }
    }
    return QL_OK;
}
