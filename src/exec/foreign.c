/* SPDX-License-Identifier: Apache-2.0
 *
 * Foreign keys row by row (foreign.h), as InnoDB does it. Before a row's entry in an index is
 * written, the foreign keys that stand on that index are asked: first those that refer to it, whose
 * children hold the row back or are changed along, then those that begin with it, whose parents are
 * looked for. Children are found by ranges of their index, which are locked, and changed one after
 * the other, each before the row it refers to. A row that is about to be deleted is skipped by what
 * comes round to it again. Session's thread; waits for row locks.
 */
#include "exec/foreign.h"

#include <string.h>

#include "base/bulk.h"
#include "exec/foreign_int.h"
#include "intr/sync.h"
#include "vars/sysvars.h"

#define BLOCK 256 /* children whose clustered keys are read at a time */
#define COMPUTED_LIMIT ((size_t)256 * 1024)

/* One row that changes: how deep it is, and the foreign key along which that came (NULL: none). */
typedef struct change {
    ql_fk_guard *g;
    qli_fk_node *node;
    const ql_foreign_key *along;
    unsigned depth;
} change;

/* --- a guard --- */

static ql_status
new_completers(ql_fk_guard *g)
{
    for (qli_fk_node *n = g->root; n != NULL; n = n->next) {
        if (n->reached && (n->what & QL_FK_UPDATES) != 0 && n->table->has_exprs) {
            if (g->computed == NULL) {
                QL_TRY(ql_run_arena(g->run, "computed", &g->computed));
            }
            QL_TRY(ql_completer_new(g->run, n->table, false, g->computed, &n->completer));
        }
        g->brings_changes = g->brings_changes || n->reached;
    }
    return QL_OK;
}

ql_status
ql_fk_guard_new(ql_run *run, ql_table *t, unsigned what, const bool *changing, bool ignore,
                ql_fk_guard **out)
{
    ql_ctx *cx = run->cx;
    qli_fk_node *root;
    *out = NULL;
    if ((cx->vars != NULL && !cx->vars->foreign_key_checks) || t->nontxn || t->is_virtual ||
        t->temporary || (what == QL_FK_INSERTS && t->nforeign == 0)) {
        return QL_OK;
    }
    QL_TRY(qli_fk_graph(cx, t, what, changing, true, &root));
    if (root->parents == NULL && root->children == NULL) {
        return QL_OK;
    }
    ql_fk_guard *g = QL_ARENA_NEW(cx, cx->arena, ql_fk_guard);
    if (g == NULL) {
        return QL_ERROR;
    }
    *g = (ql_fk_guard){.run = run, .root = root, .ignore = ignore};
    for (qli_fk_parent *p = root->parents; what == QL_FK_INSERTS && p != NULL; p = p->next) {
        if (p->finder != NULL) {
            ql_finder_remember(p->finder); /* nothing that this statement does removes it */
        }
    }
    QL_TRY(new_completers(g));
    *out = g;
    return QL_OK;
}

bool
ql_fk_comes_back(const ql_fk_guard *g)
{
    return g != NULL && g->root->reached;
}

/* --- parents --- */

/* Columns of a row into out; *null: one of them is NULL. */
static void
pick(const ql_value *row, const uint16_t *columns, uint16_t n, ql_value *out, bool *null)
{
    *null = false;
    for (uint16_t i = 0; i < n; i++) {
        out[i] = row[columns[i]];
        *null = *null || ql_value_is_null(&out[i]);
    }
}

static ql_status
are_same(ql_ctx *cx, const ql_value *a, const ql_value *b, const uint16_t *columns, uint16_t n,
         bool *same)
{
    *same = true;
    for (uint16_t i = 0; i < n && *same; i++) {
        QL_TRY(ql_value_identical(cx, &a[columns[i]], &b[columns[i]], same));
    }
    return QL_OK;
}

/* The values of a row in the parent's key, where the parent is the table itself. */
static ql_status
is_own(ql_ctx *cx, qli_fk_parent *p, const ql_value *row, bool *yes)
{
    for (uint16_t i = 0; i < p->key->ncolumns; i++) {
        p->others[i] = row[p->parent_index->parts[i].column];
    }
    return ql_finder_same(cx, p->finder, p->values, p->others, yes);
}

static ql_status
open_block(ql_fk_guard *g, qli_fk_level *l)
{
    return l->block != NULL ? QL_OK : ql_run_arena(g->run, "children", &l->block);
}

/* The row itself is a parent with these values and is about to be none: is there another one? */
static ql_status
find_other_parent(ql_ctx *cx, const change *ch, const qli_fk_parent *p)
{
    qli_fk_level *level = &ch->g->levels[ch->depth];
    ql_finding found;
    if (p->parent_index->unique && p->parent_index->nparts == p->key->ncolumns) {
        return QL_END;
    }
    QL_TRY(open_block(ch->g, level));
    ql_status st = ql_finding_begin(cx, p->finder, p->values, QL_LOCK_S, level->block, &found);
    if (st == QL_OK) {
        st = ql_finding_next(cx, &found, 2);
        st = st == QL_OK && found.n < 2 ? QL_END : st;
    }
    ql_finding_end(&found);
    return st;
}

/* QL_END: there is none. */
static ql_status
find_parent(ql_ctx *cx, const change *ch, qli_fk_parent *p, const ql_value *old,
            const ql_value *row)
{
    bool own = false;
    if (p->finder == NULL) {
        return QL_END;
    }
    if (p->self) {
        QL_TRY(is_own(cx, p, row, &own));
        if (own) {
            return QL_OK;
        }
        if (old != NULL) {
            QL_TRY(is_own(cx, p, old, &own));
            if (own) {
                return find_other_parent(cx, ch, p);
            }
        }
    }
    return ql_finder_share(cx, p->finder, p->values);
}

static ql_status
fail_missing(ql_ctx *cx, const change *ch, const qli_fk_parent *p)
{
    qli_fk_failure f = {.missing = true,
                        .child = ch->node->table,
                        .key = p->key,
                        .parent_index = p->parent_index,
                        .values = p->values};
    return qli_fk_fail(cx, ch->g, &f);
}

static ql_status
check_parent(ql_ctx *cx, const change *ch, qli_fk_parent *p, const ql_value *old,
             const ql_value *row)
{
    const ql_foreign_key *k = p->key;
    bool same, null;
    if (old != NULL) {
        QL_TRY(are_same(cx, old, row, k->columns, k->ncolumns, &same));
        if (same) {
            return QL_OK;
        }
    }
    pick(row, k->columns, k->ncolumns, p->values, &null);
    if (null) {
        return QL_OK;
    }
    ql_status st = find_parent(cx, ch, p, old, row);
    return st == QL_END ? fail_missing(cx, ch, p) : st;
}

/* --- children --- */

static ql_status change_children(ql_ctx *cx, const change *ch, int index, const ql_value *old,
                                 const ql_value *row);

static ql_status
fail_held(ql_ctx *cx, const change *ch, const qli_fk_child *c)
{
    qli_fk_failure f = {.child = c->node->table,
                        .key = c->key,
                        .parent_index = c->parent_index,
                        .values = c->values};
    return qli_fk_fail(cx, ch->g, &f);
}

static ql_status
look(ql_ctx *cx, void *arg, uint16_t index, const ql_value *old, const ql_value *row)
{
    const change *ch = arg;
    if (old != NULL) {
        QL_TRY(change_children(cx, ch, index, old, row));
    }
    for (qli_fk_parent *p = ch->node->parents; p != NULL; p = p->next) {
        if (p->index == index && p->key != ch->along) {
            QL_TRY(check_parent(cx, ch, p, old, row));
        }
    }
    return QL_OK;
}

static bool
text_fits(const ql_type *t, const ql_value *v)
{
    if (v->kind != QL_K_STRING) {
        return true;
    }
    bool bytes = t->coll == NULL || t->coll == ql_coll_binary ||
                 (t->field >= QL_F_TINY_BLOB && t->field <= QL_F_BLOB);
    return bytes ? v->s.n <= t->length : ql_utf8_offset(v->s, t->length) >= v->s.n;
}

/* CHAR keeps no trailing spaces, which a VARCHAR may come with. False: they count there, so that
 * the child's value would be another. */
static bool
fit_char(const ql_type *t, ql_value *v)
{
    if (t->field != QL_F_STRING || v->kind != QL_K_STRING || t->coll == NULL ||
        t->coll == ql_coll_binary) {
        return true;
    }
    size_t n = v->s.n;
    while (v->s.n > 0 && v->s.p[v->s.n - 1] == ' ') { /* a key: short */
        v->s.n--;
    }
    return v->s.n == n || t->coll->pad_space;
}

/* The child's row as the change along k makes it. *held: it cannot be made so. */
static ql_status
make_row(ql_ctx *cx, const qli_fk_child *c, const ql_value *parent_old, const ql_value *parent_row,
         ql_value *row, bool *held)
{
    const ql_foreign_key *k = c->key;
    bool to_null = (parent_row == NULL ? k->on_delete : k->on_update) == QL_FK_SET_NULL;
    *held = false;
    for (uint16_t i = 0; i < k->ncolumns; i++) {
        bool same = false;
        ql_value *v = &row[k->columns[i]];
        const ql_type *t = &c->node->table->types[k->columns[i]];
        if (to_null) {
            *v = ql_value_null();
            continue;
        }
        const ql_value *to = &parent_row[c->referred[i]];
        QL_TRY(ql_value_identical(cx, &parent_old[c->referred[i]], to, &same));
        if (same) {
            continue;
        }
        if ((ql_value_is_null(to) && !t->nullable) || !text_fits(t, to)) {
            *held = true;
            return QL_OK;
        }
        *v = *to;
        if (!fit_char(t, v)) {
            *held = true;
            return QL_OK;
        }
    }
    return QL_OK;
}

static ql_status
update_child(ql_ctx *cx, change *ch, const qli_fk_child *c, const ql_value *parent_old,
             const ql_value *parent_row, const ql_value *old)
{
    ql_table *t = c->node->table;
    const qli_fk_level *level = &ch->g->levels[ch->depth];
    ql_write_result result;
    ql_dup dup;
    bool held, keep, same;
    ql_value *row = QL_ARENA_ARRAY(cx, level->mem, ql_value, t->ncolumns);
    if (row == NULL) {
        return QL_ERROR;
    }
    memcpy(row, old, sizeof *row * t->ncolumns);
    QL_TRY(make_row(cx, c, parent_old, parent_row, row, &held));
    if (held) {
        return fail_held(cx, ch, c);
    }
    QL_TRY(are_same(cx, old, row, c->key->columns, c->key->ncolumns, &same));
    if (same) {
        return QL_OK;
    }
    QL_TRY(ql_complete_row(cx, c->node->completer, row, NULL, 1, &keep));
    ql_key_watch watch = {look, ch};
    QL_TRY(ql_table_update_watched(cx, t, &watch, level->locator, old, row, &result, &dup));
    return result == QL_DUPLICATE ? qli_fk_fail_duplicate(cx, ch->g, t, &dup) : QL_OK;
}

static ql_status
delete_child(ql_ctx *cx, const change *ch, const ql_value *old)
{
    const qli_fk_level *level = &ch->g->levels[ch->depth];
    QL_TRY(change_children(cx, ch, -1, old, NULL));
    QL_TRY(ql_table_delete(cx, ch->node->table, level->locator, old));
    ch->node->removed++;
    return QL_OK;
}

/* Is the row one that is about to be deleted further up? */
static bool
is_going(const change *ch, const qli_fk_node *n, ql_str locator)
{
    for (unsigned i = 0; i <= ch->depth; i++) {
        const qli_fk_level *l = &ch->g->levels[i];
        if (l->deletes && l->node == n && ql_str_eq(l->locator, locator)) {
            return true;
        }
    }
    return false;
}

static ql_status
open_level(ql_run *run, qli_fk_level *l)
{
    if (l->mem != NULL) {
        ql_arena_reset(l->mem);
        return QL_OK;
    }
    return ql_run_arena(run, "child row", &l->mem);
}

/* One row that refers to the row in work of ch: locked, read, changed along. */
static ql_status
change_child(ql_ctx *cx, const change *ch, const qli_fk_child *c, ql_finding *found, ql_str locator,
             const ql_value *old, const ql_value *row)
{
    ql_fk_guard *g = ch->g;
    ql_table *t = c->node->table;
    bool still;
    if (is_going(ch, c->node, locator)) {
        return QL_OK;
    }
    if (ch->depth + 1 == QLI_FK_DEPTH) {
        return ql_fail(cx, QL_ER_FK_DEPTH_EXCEEDED, QLI_FK_DEPTH);
    }
    qli_fk_level *level = &g->levels[ch->depth + 1];
    QL_TRY(open_level(g->run, level));
    ql_value *values = QL_ARENA_ARRAY(cx, level->mem, ql_value, t->ncolumns);
    if (values == NULL) {
        return QL_ERROR;
    }
    ql_status st = ql_table_lock_row(cx, level->mem, t, locator, values);
    if (st == QL_END) {
        return QL_OK; /* another change that came along has taken it */
    }
    QL_TRY(st);
    QL_TRY(ql_finding_has(cx, found, values, &still));
    if (!still) {
        return QL_OK;
    }
    level->node = c->node;
    level->locator = locator;
    level->deletes = row == NULL && c->key->on_delete == QL_FK_CASCADE;
    QL_TRY(QL_SYNC(cx, CASCADE_ROW));
    change down = {.g = g, .node = c->node, .along = c->key, .depth = ch->depth + 1};
    return level->deletes ? delete_child(cx, &down, values)
                          : update_child(cx, &down, c, old, row, values);
}

static ql_status
change_found(ql_ctx *cx, const change *ch, const qli_fk_child *c, ql_finding *found,
             const ql_value *old, const ql_value *row)
{
    ql_status st;
    while ((st = ql_finding_next(cx, found, BLOCK)) == QL_OK) {
        for (uint16_t i = 0; i < found->n; i++) {
            QL_TRY(ql_check(cx));
            QL_TRY(change_child(cx, ch, c, found, found->locators[i], old, row));
        }
    }
    return st == QL_END ? QL_OK : st;
}

/* A table that is being updated is not updated once more along the way: its keys are between two
 * states. */
static bool
is_updated_above(const change *ch, const qli_fk_node *n)
{
    for (unsigned i = 0; i <= ch->depth; i++) {
        if (!ch->g->levels[i].deletes && ch->g->levels[i].node == n) {
            return true;
        }
    }
    return false;
}

static ql_status
ask_child(ql_ctx *cx, const change *ch, const qli_fk_child *c, const ql_value *old,
          const ql_value *row)
{
    ql_fk_guard *g = ch->g;
    qli_fk_level *level = &g->levels[ch->depth];
    ql_fk_action action = row == NULL ? c->key->on_delete : c->key->on_update;
    bool brings = action == QL_FK_CASCADE || action == QL_FK_SET_NULL;
    bool deletes = row == NULL && action == QL_FK_CASCADE, null;
    ql_finding found;
    pick(old, c->referred, c->key->ncolumns, c->values, &null);
    if (null) {
        return QL_OK;
    }
    if (brings && !deletes && is_updated_above(ch, c->node)) {
        brings = false;
    }
    QL_TRY(open_block(g, level));
    ql_status st = ql_finding_begin(cx, c->finder, c->values, brings ? QL_LOCK_X : QL_LOCK_S,
                                    level->block, &found);
    if (st == QL_OK && brings) {
        st = change_found(cx, ch, c, &found, old, row);
    } else if (st == QL_OK) {
        st = ql_finding_next(cx, &found, 1);
        st = st == QL_OK ? fail_held(cx, ch, c) : st == QL_END ? QL_OK : st;
    }
    ql_finding_end(&found);
    return st;
}

/* The row old of ch's table goes (row NULL) or becomes `row`: who refers to its key number index
 * (-1: to any) is asked. */
static ql_status
change_children(ql_ctx *cx, const change *ch, int index, const ql_value *old, const ql_value *row)
{
    for (const qli_fk_child *c = ch->node->children; c != NULL; c = c->next) {
        bool same = false;
        if (c->node == NULL || (index >= 0 && c->index != index)) {
            continue;
        }
        if (row != NULL) {
            QL_TRY(are_same(cx, old, row, c->referred, c->key->ncolumns, &same));
        }
        if (!same) {
            QL_TRY(ask_child(cx, ch, c, old, row));
        }
    }
    return QL_OK;
}

/* --- rows of the statement --- */

/* With IGNORE a row is a statement of its own, so that what came along can be undone with it. */
static bool
is_bracketed(const ql_fk_guard *g)
{
    return g->ignore && g->brings_changes;
}

static ql_status
begin_row(ql_ctx *cx, ql_fk_guard *g, ql_str locator, const ql_value *old, const ql_value *row,
          change *ch)
{
    *ch = (change){.g = g, .node = g->root};
    g->row = row != NULL ? row : old;
    g->levels[0].node = g->root;
    g->levels[0].locator = locator;
    g->levels[0].deletes = row == NULL;
    if (g->computed != NULL && ql_arena_used(g->computed) > COMPUTED_LIMIT) {
        ql_arena_reset(g->computed);
    }
    return is_bracketed(g) ? ql_txn_stmt_begin(cx) : QL_OK;
}

static ql_status
end_row(ql_ctx *cx, ql_fk_guard *g, ql_status st, bool written)
{
    if (!is_bracketed(g)) {
        return st;
    }
    if (st == QL_OK && written) {
        ql_txn_stmt_end(cx);
    } else {
        ql_txn_stmt_rollback(cx);
    }
    for (qli_fk_node *n = g->root; n != NULL; n = n->next) {
        if (n->removed > 0 && (st != QL_OK || !written)) {
            ql_table_rows_changed(cx, n->table, n->removed);
        }
        n->removed = 0;
    }
    return st;
}

ql_status
ql_fk_insert(ql_ctx *cx, ql_fk_guard *g, ql_table *t, const ql_value *row, ql_lock_mode on_dup,
             ql_write_result *result, ql_dup *dup)
{
    if (g == NULL) {
        return ql_table_insert(cx, t, row, on_dup, result, dup);
    }
    change ch = {.g = g, .node = g->root};
    ql_key_watch watch = {look, &ch};
    return ql_table_insert_watched(cx, t, &watch, row, on_dup, result, dup);
}

ql_status
ql_fk_ask_parents(ql_ctx *cx, ql_fk_guard *g, const ql_value *row)
{
    if (g == NULL) {
        return QL_OK;
    }
    change ch = {.g = g, .node = g->root};
    for (qli_fk_parent *p = g->root->parents; p != NULL; p = p->next) {
        QL_TRY(p->self ? QL_OK : check_parent(cx, &ch, p, NULL, row));
    }
    return QL_OK;
}

ql_status
ql_fk_update(ql_ctx *cx, ql_fk_guard *g, ql_table *t, ql_str locator, const ql_value *old,
             const ql_value *row, ql_write_result *result, ql_dup *dup)
{
    change ch;
    if (g == NULL) {
        return ql_table_update(cx, t, locator, old, row, result, dup);
    }
    QL_TRY(begin_row(cx, g, locator, old, row, &ch));
    ql_key_watch watch = {look, &ch};
    ql_status st = ql_table_update_watched(cx, t, &watch, locator, old, row, result, dup);
    return end_row(cx, g, st, st == QL_OK && *result == QL_WROTE);
}

ql_status
ql_fk_delete(ql_ctx *cx, ql_fk_guard *g, ql_table *t, ql_str locator, const ql_value *old)
{
    change ch;
    if (g == NULL) {
        return ql_table_delete(cx, t, locator, old);
    }
    QL_TRY(begin_row(cx, g, locator, old, NULL, &ch));
    ql_status st = change_children(cx, &ch, -1, old, NULL);
    if (st == QL_OK) {
        st = ql_table_delete(cx, t, locator, old);
    }
    return end_row(cx, g, st, true);
}

/* --- LOCK TABLES --- */

static ql_status
add_related(ql_ctx *cx, qli_fk_node *root, ql_fk_related *v, size_t *n)
{
    for (const qli_fk_node *node = root; node != NULL; node = node->next) {
        if (node != root) {
            v[(*n)++] = (ql_fk_related){node->table->db, node->table->name, node->write};
        }
        for (const qli_fk_parent *p = node->parents; p != NULL; p = p->next) {
            if (p->parent_index != NULL && !p->self) {
                v[(*n)++] = (ql_fk_related){p->key->parent_db, p->key->parent_name, false};
            }
        }
        QL_TRY(ql_check(cx));
    }
    return QL_OK;
}

ql_status
ql_fk_list_related(ql_ctx *cx, ql_table *t, ql_fk_related **v, size_t *n)
{
    qli_fk_node *root;
    size_t most = 0;
    *n = 0;
    *v = NULL;
    if (t->nontxn || t->temporary || (cx->vars != NULL && !cx->vars->foreign_key_checks)) {
        return QL_OK;
    }
    QL_TRY(qli_fk_graph(cx, t, QL_FK_INSERTS | QL_FK_UPDATES | QL_FK_DELETES, NULL, false, &root));
    for (const qli_fk_node *node = root; node != NULL; node = node->next) {
        most += 1u + node->table->nforeign;
    }
    *v = QL_ARENA_ARRAY(cx, cx->arena, ql_fk_related, most);
    return *v != NULL ? add_related(cx, root, *v, n) : QL_ERROR;
}
