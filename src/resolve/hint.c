/* SPDX-License-Identifier: Apache-2.0
 *
 * What hints ask of the plan of a block (ql_plan_hints) and of its tables (ql_source):
 * STRAIGHT_JOIN and the optimizer hints that the parser found to be about the block. Names are
 * looked up when the whole statement is bound; one that is not there is a warning (3128), in the
 * order of the blocks, once: at PREPARE for what is executed again.
 */
#include <stdio.h>

#include "base/diag.h"
#include "resolve/resolve_int.h"

#define BIT(type) (1u << (unsigned)(type))

static ql_status
hints_of(qli_res *r, ql_query *q, ql_plan_hints **out)
{
    if (q->hints == NULL) {
        q->hints = QL_ARENA_NEW(r->cx, r->a, ql_plan_hints);
    }
    *out = (ql_plan_hints *)q->hints;
    return *out != NULL ? QL_OK : QL_ERROR;
}

static ql_status
before_of(qli_res *r, ql_query *q, uint64_t **out)
{
    ql_plan_hints *h;
    QL_TRY(hints_of(r, q, &h));
    if (h->before == NULL) {
        h->before = QL_ARENA_ARRAY(r->cx, r->a, uint64_t, q->nsources + 1u);
        h->nbefore = q->nsources;
    }
    *out = h->before;
    return h->before != NULL ? QL_OK : QL_ERROR;
}

/* --- STRAIGHT_JOIN --------------------------------------------------------------------------- */

static bool
has_straight(const ql_join_tree *t)
{
    return t != NULL && !t->is_leaf &&
           (t->straight || has_straight(t->left) || has_straight(t->right));
}

/* all: every join of the tree is one. */
static uint64_t
keep_order(const ql_join_tree *t, bool all, uint64_t *before)
{
    if (t->is_leaf) {
        return UINT64_C(1) << t->source;
    }
    uint64_t left = keep_order(t->left, all, before), right = keep_order(t->right, all, before);
    for (unsigned i = 0; i < 64 && (all || t->straight); i++) {
        if (right >> i & 1) {
            before[i] |= left;
        }
    }
    return left | right;
}

static ql_status
bind_straight(qli_res *r, ql_query *q, bool all)
{
    uint64_t *before;
    if (q->nsources < 2 || q->from == NULL || !(all || has_straight(q->from))) {
        return QL_OK;
    }
    QL_TRY(before_of(r, q, &before));
    (void)keep_order(q->from, all, before);
    return QL_OK;
}

ql_status
qli_straight_bind(qli_res *r, qli_scope *sc)
{
    bool all = (sc->ast != NULL && sc->ast->straight_join) || ql_plans_plainly(r->cx);
    return bind_straight(r, sc->q, all);
}

/* --- blocks ---------------------------------------------------------------------------------- */

ql_status
qli_hints_begin(qli_res *r, qli_scope *sc, const ql_ast_hints *hints)
{
    if (ql_hints_are_none(hints)) {
        return QL_OK;
    }
    qli_hinted *b = QL_ARENA_NEW(r->cx, r->a, qli_hinted);
    if (b == NULL) {
        return QL_ERROR;
    }
    *b = (qli_hinted){.hints = hints, .q = sc->q};
    if (r->hinted_last != NULL) {
        r->hinted_last->next = b;
    } else {
        r->hinted = b;
    }
    r->hinted_last = b;
    sc->hints = hints;
    return QL_OK;
}

bool
qli_hints_let_merge(const qli_res *r, const qli_scope *sc, const ql_table *view, ql_str alias)
{
    const ql_ast_hints *h = sc->hints;
    const uint32_t merge = BIT(QL_HINT_MERGE);
    for (const ql_ast_table_hints *t = h != NULL ? h->tables : NULL; t != NULL; t = t->next) {
        if (((t->on | t->off) & merge) != 0 && ql_str_eq_nocase(t->name, alias)) {
            return (t->on & merge) != 0;
        }
    }
    if (h != NULL && ((h->on | h->off) & merge) != 0) {
        return (h->on & merge) != 0;
    }
    return view->view->algorithm == QL_VIEW_MERGE ||
           (ql_switch_is_on(r->cx, QL_SWITCH_DERIVED_MERGE) && !ql_plans_plainly(r->cx));
}

typedef struct binding {
    qli_res *r;
    const ql_ast_hints *hints;
    ql_query *q;
    bool quiet; /* warned of before */
} binding;

static const char *
quoted(const binding *b, ql_str name)
{
    const ql_vars *v = b->r->cx->vars;
    return ql_hint_quote(b->r->cx, b->r->a, name,
                         v != NULL && (v->sql_mode & QL_MODE_ANSI_QUOTES) != 0);
}

/* `table`@`block` `index` */
static void
warn_unresolved(const binding *b, ql_str table, const ql_str *index, ql_hint_type type, bool on)
{
    char system[24];
    int n = snprintf(system, sizeof system, "select#%x", b->hints->number);
    ql_str block = b->hints->name.n > 0 ? b->hints->name : (ql_str){system, (size_t)n};
    if (b->quiet) {
        return;
    }
    const char *text =
        ql_arena_printf(b->r->cx, b->r->a, "%s@%s%s%s", quoted(b, table), quoted(b, block),
                        index != NULL ? " " : "", index != NULL ? quoted(b, *index) : "");
    ql_warn(b->r->cx, QL_DIAG_WARNING, QL_ER_UNRESOLVED_HINT_NAME, text != NULL ? text : "",
            ql_hint_name(type, on));
}

static int
find_source(const ql_query *q, ql_str name)
{
    for (uint16_t i = 0; i < q->nsources; i++) {
        if (ql_str_eq_nocase(q->sources[i].alias, name)) {
            return i;
        }
    }
    return -1;
}

/* --- tables and indexes ---------------------------------------------------------------------- */

static const uint32_t of_indexes = BIT(QL_HINT_ICP) | BIT(QL_HINT_MRR) | BIT(QL_HINT_NO_RANGE) |
                                   BIT(QL_HINT_INDEX_MERGE) | BIT(QL_HINT_SKIP_SCAN) |
                                   BIT(QL_HINT_INDEX) | BIT(QL_HINT_JOIN_INDEX) |
                                   BIT(QL_HINT_GROUP_INDEX) | BIT(QL_HINT_ORDER_INDEX);

/* Which indexes a hint on the table speaks of; all of them where it names none. */
static uint64_t
indexes_of(const ql_ast_table_hints *t, const ql_table *table, ql_hint_type type, bool on)
{
    uint64_t mask = 0;
    bool named = false;
    for (const ql_ast_index_hints *x = t->indexes; x != NULL; x = x->next) {
        if (((on ? x->on : x->off) & BIT(type)) == 0) {
            continue;
        }
        named = true;
        for (uint16_t i = 0; table != NULL && !table->is_virtual && i < table->nindexes; i++) {
            bool same = i < 64 && !table->indexes[i].hidden_rowid &&
                        ql_str_eq_nocase(table->indexes[i].name, x->name);
            mask |= same ? UINT64_C(1) << i : 0;
        }
    }
    return named ? mask : ((on ? t->on : t->off) & BIT(type)) != 0 ? UINT64_MAX : 0;
}

static void
warn_table(const binding *b, const ql_ast_table_hints *t, uint32_t on, uint32_t off)
{
    for (int i = 0; i < QL_HINT_COUNT; i++) {
        if (((on | off) & BIT(i)) != 0) {
            warn_unresolved(b, t->name, NULL, (ql_hint_type)i, (on & BIT(i)) != 0);
        }
    }
}

/* Indexes that the table has not; of a table that is not there, all. */
static ql_status
warn_indexes(const binding *b, const ql_ast_table_hints *t, const ql_table *table)
{
    for (const ql_ast_index_hints *x = t->indexes; x != NULL && !b->quiet; x = x->next) {
        bool found = false;
        QL_TRY(ql_bulk_node(b->r->cx));
        for (uint16_t i = 0; table != NULL && !table->is_virtual && i < table->nindexes; i++) {
            found |= !table->indexes[i].hidden_rowid &&
                     ql_str_eq_nocase(table->indexes[i].name, x->name);
        }
        for (int i = 0; i < QL_HINT_COUNT && !found; i++) {
            if (((x->on | x->off) & BIT(i)) != 0) {
                warn_unresolved(b, t->name, &x->name, (ql_hint_type)i, (x->on & BIT(i)) != 0);
            }
        }
    }
    return QL_OK;
}

/* What INDEX and its kin say for one purpose. */
static void
bar(const ql_ast_table_hints *t, const ql_table *table, ql_hint_type purpose, uint64_t *barred,
    bool *forced)
{
    uint64_t only = indexes_of(t, table, QL_HINT_INDEX, true) | indexes_of(t, table, purpose, true);
    uint64_t not =
        indexes_of(t, table, QL_HINT_INDEX, false) | indexes_of(t, table, purpose, false);
    *barred = (only != 0 ? ~only : 0) | not ;
    *forced |= only != 0;
}

/* They take the place of USE, FORCE and IGNORE INDEX. */
static void
bind_index_hints(const ql_ast_table_hints *t, ql_source *s)
{
    const uint32_t kin = BIT(QL_HINT_INDEX) | BIT(QL_HINT_JOIN_INDEX) | BIT(QL_HINT_GROUP_INDEX) |
                         BIT(QL_HINT_ORDER_INDEX);
    if (((t->on | t->off) & kin) == 0) {
        return;
    }
    s->force_index = false;
    bar(t, s->table, QL_HINT_JOIN_INDEX, &s->barred, &s->force_index);
    bar(t, s->table, QL_HINT_ORDER_INDEX, &s->barred_order, &s->force_index);
    bar(t, s->table, QL_HINT_GROUP_INDEX, &s->barred_group, &s->force_index);
}

/* Hints that are flags of optimizer_switch for one table or index. */
static const struct {
    ql_hint_type type;
    ql_switch flag;
} switched[] = {{QL_HINT_BKA, QL_SWITCH_BATCHED_KEY_ACCESS},
                {QL_HINT_ICP, QL_SWITCH_INDEX_CONDITION_PUSHDOWN},
                {QL_HINT_MRR, QL_SWITCH_MRR},
                {QL_HINT_MERGE, QL_SWITCH_DERIVED_MERGE},
                {QL_HINT_INDEX_MERGE, QL_SWITCH_INDEX_MERGE},
                {QL_HINT_SKIP_SCAN, QL_SWITCH_SKIP_SCAN},
                {QL_HINT_DERIVED_CONDITION_PUSHDOWN, QL_SWITCH_DERIVED_CONDITION_PUSHDOWN}};

static ql_status
bind_switches(const binding *b, const ql_ast_table_hints *t, ql_source *s)
{
    ql_switch_hint *v =
        QL_ARENA_ARRAY(b->r->cx, b->r->a, ql_switch_hint, 2 * QL_ARRAY_LEN(switched));
    if (v == NULL) {
        return QL_ERROR;
    }
    s->switches = v;
    for (size_t i = 0; i < QL_ARRAY_LEN(switched); i++) {
        for (int on = 0; on < 2; on++) {
            uint64_t mask = indexes_of(t, s->table, switched[i].type, on);
            if (mask != 0) {
                v[s->nswitches++] = (ql_switch_hint){switched[i].flag, on, mask};
            }
        }
    }
    return QL_OK;
}

static ql_status
bind_table(const binding *b, const ql_ast_table_hints *t)
{
    const uint32_t hash = BIT(QL_HINT_BNL) | BIT(QL_HINT_HASH_JOIN);
    int at = find_source(b->q, t->name);
    if (at < 0) {
        uint32_t on = t->on, off = t->off;
        for (const ql_ast_index_hints *x = t->indexes; x != NULL; x = x->next) {
            QL_TRY(ql_bulk_node(b->r->cx));
            on |= x->on;
            off |= x->off;
        }
        warn_table(b, t, on, off);
        return warn_indexes(b, t, NULL);
    }
    ql_source *s = &b->q->sources[at];
    ql_plan_hints *h;
    QL_TRY(warn_indexes(b, t, s->table));
    QL_TRY(hints_of(b->r, b->q, &h));
    h->hash |= (t->on & hash) != 0 ? UINT64_C(1) << at : 0;
    h->no_hash |= (t->off & hash) != 0 ? UINT64_C(1) << at : 0;
    s->no_range |= indexes_of(t, s->table, QL_HINT_NO_RANGE, true);
    bind_index_hints(t, s);
    return bind_switches(b, t, s);
}

/* --- the order of joins ---------------------------------------------------------------------- */

/* Can all wishes be granted? */
static bool
is_possible(const uint64_t *before, uint16_t n)
{
    uint64_t placed = 0;
    for (uint16_t round = 0; round < n; round++) {
        uint64_t was = placed;
        for (uint16_t i = 0; i < n; i++) {
            placed |= (before[i] & ~placed) == 0 ? UINT64_C(1) << i : 0;
        }
        if (placed == was) {
            break;
        }
    }
    return n == 0 || placed == UINT64_MAX >> (64 - n);
}

static void
warn_order(const binding *b, const ql_ast_hint *h, const ql_ast_hint_table *t)
{
    bool at = t->block.p != NULL;
    const char *text = ql_arena_printf(b->r->cx, b->r->a, "%s%s%s", quoted(b, t->name),
                                       at ? "@" : "", at ? quoted(b, t->block) : "");
    if (!b->quiet) {
        ql_warn(b->r->cx, QL_DIAG_WARNING, QL_ER_UNRESOLVED_HINT_NAME, text != NULL ? text : "",
                ql_hint_name(h->type, h->on));
    }
}

/* Tables of the hint, in its order, that are this block's. Those of other blocks are for when these
 * have become part of it. */
static ql_status
sources_named(const binding *b, const ql_ast_hint *h, uint16_t *v, uint16_t *n, uint64_t *all)
{
    for (uint32_t i = 0; i < h->ntables; i++) {
        const ql_ast_hint_table *t = &h->tables[i];
        QL_TRY(ql_bulk_node(b->r->cx));
        int at = find_source(b->q, t->name);
        if (at < 0) {
            if (t->block.p == NULL) {
                warn_order(b, h, t);
            }
            continue;
        }
        if ((*all >> at & 1) == 0) {
            *all |= UINT64_C(1) << at;
            v[(*n)++] = (uint16_t)at;
        }
    }
    return QL_OK;
}

/* A wish that contradicts those before it is none. */
static ql_status
bind_order(const binding *b, const ql_ast_hint *h)
{
    uint16_t v[64], n = 0, nsources = b->q->nsources;
    uint64_t *before, tried[64], named = 0, seen = 0;
    QL_TRY(sources_named(b, h, v, &n, &named));
    QL_TRY(before_of(b->r, b->q, &before));
    for (uint16_t i = 0; i < nsources; i++) {
        tried[i] = before[i];
        bool others_last = h->type == QL_HINT_JOIN_PREFIX && (named >> i & 1) == 0;
        bool others_first = h->type == QL_HINT_JOIN_SUFFIX && (named >> i & 1) != 0;
        tried[i] |= others_last    ? named
                    : others_first ? ~named & (UINT64_MAX >> (64 - nsources))
                                   : 0;
    }
    for (uint16_t i = 0; i < n; i++) {
        tried[v[i]] |= seen;
        seen |= UINT64_C(1) << v[i];
    }
    for (uint16_t i = 0; is_possible(tried, nsources) && i < nsources; i++) {
        before[i] = tried[i];
    }
    return QL_OK;
}

/* --- a block --------------------------------------------------------------------------------- */

static void
turn(ql_plan_hints *h, ql_switch flag, bool on)
{
    *(on ? &h->switch_on : &h->switch_off) |= UINT64_C(1) << flag;
}

static const struct {
    unsigned strategy;
    ql_switch flag;
} strategies[] = {{QL_STRATEGY_FIRSTMATCH, QL_SWITCH_FIRSTMATCH},
                  {QL_STRATEGY_LOOSESCAN, QL_SWITCH_LOOSESCAN},
                  {QL_STRATEGY_MATERIALIZATION, QL_SWITCH_MATERIALIZATION},
                  {QL_STRATEGY_DUPSWEEDOUT, QL_SWITCH_DUPLICATEWEEDOUT}};

/* SEMIJOIN: these strategies only, or any; NO_SEMIJOIN: not these, or none at all. */
static void
bind_semijoin(const ql_ast_hint *s, ql_plan_hints *h)
{
    if (s->on || s->strategies == 0) {
        turn(h, QL_SWITCH_SEMIJOIN, s->on);
    }
    for (size_t i = 0; s->strategies != 0 && i < QL_ARRAY_LEN(strategies); i++) {
        bool named = (s->strategies & strategies[i].strategy) != 0;
        if (s->on || named) {
            turn(h, strategies[i].flag, s->on && named);
        }
    }
}

/* A subquery that is to be materialised, or looked into for each row, is no semi-join. */
static void
bind_subquery(const ql_ast_hint *s, ql_plan_hints *h)
{
    turn(h, QL_SWITCH_SEMIJOIN, false);
    turn(h, QL_SWITCH_MATERIALIZATION, s->strategies == QL_STRATEGY_MATERIALIZATION);
    turn(h, QL_SWITCH_SUBQUERY_MATERIALIZATION_COST_BASED, false);
}

static ql_status
bind_whole(const binding *b)
{
    const ql_ast_hints *said = b->hints;
    const uint32_t hash = BIT(QL_HINT_BNL) | BIT(QL_HINT_HASH_JOIN);
    ql_plan_hints *h;
    QL_TRY(hints_of(b->r, b->q, &h));
    h->hash |= (said->on & hash) != 0 ? UINT64_MAX : 0;
    h->no_hash |= (said->off & hash) != 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < QL_ARRAY_LEN(switched); i++) {
        uint32_t bit = BIT(switched[i].type);
        if (((said->on | said->off) & bit & ~of_indexes) != 0) {
            turn(h, switched[i].flag, (said->on & bit) != 0);
        }
    }
    if (said->semijoin != NULL) {
        bind_semijoin(said->semijoin, h);
    }
    if (said->subquery != NULL) {
        bind_subquery(said->subquery, h);
    }
    return (said->on & BIT(QL_HINT_JOIN_FIXED_ORDER)) != 0 ? bind_straight(b->r, b->q, true)
                                                           : QL_OK;
}

static ql_status
bind_block(const binding *b)
{
    QL_TRY(bind_whole(b));
    for (const ql_ast_table_hints *t = b->hints->tables; t != NULL; t = t->next) {
        QL_TRY(ql_bulk_node(b->r->cx));
        QL_TRY(bind_table(b, t));
    }
    for (const ql_ast_hint *h = b->hints->orders; h != NULL; h = h->next_order) {
        QL_TRY(ql_bulk_node(b->r->cx));
        QL_TRY(b->q->nsources > 0 ? bind_order(b, h) : QL_OK);
    }
    /* A table's own hint counts more than the block's. */
    ql_plan_hints *h = (ql_plan_hints *)b->q->hints;
    for (uint16_t i = 0; i < b->q->nsources; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if ((h->hash & h->no_hash & bit) != 0) {
            bool whole = ((b->hints->on) & (BIT(QL_HINT_BNL) | BIT(QL_HINT_HASH_JOIN))) != 0;
            *(whole ? &h->hash : &h->no_hash) &= ~bit;
        }
    }
    return QL_OK;
}

ql_status
qli_hints_bind(qli_res *r, const ql_ast_stmt *stmt)
{
    for (const qli_hinted *x = r->hinted; x != NULL; x = x->next) {
        binding b = {
            .r = r, .hints = x->hints, .q = x->q, .quiet = stmt->prepared && !r->describing};
        QL_TRY(ql_check(r->cx));
        QL_TRY(bind_block(&b));
        if (ql_diag_has_error(r->cx->diag)) { /* no memory for the words of a warning */
            return QL_ERROR;
        }
    }
    return QL_OK;
}
