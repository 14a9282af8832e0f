/* SPDX-License-Identifier: Apache-2.0
 *
 * Which tables a statement reaches through foreign keys, and by what (foreign_int.h). A table is
 * one node, however it is reached; what is done to it grows until nothing new follows. Tables whose
 * rows are only looked at are locked SR, those that are changed along SW. Session's thread; waits
 * for metadata locks only.
 */
#include <string.h>

#include "base/bulk.h"
#include "catalog/foreign.h"
#include "exec/foreign_int.h"

/* One graph in the making. */
typedef struct maker {
    ql_ctx *cx;
    qli_fk_node *root, *last;
    ql_hash nodes;        /* by name; all but the root; made for the second */
    const bool *changing; /* [ncolumns] of the root's table: what an UPDATE changes; NULL: all */
    bool open;
    bool look; /* for the statement only, whatever LOCK TABLES says */
} maker;

/* --- tables and keys --- */

/* QL_END: there is none, or none that has rows for foreign keys. */
static ql_status
open_table(const maker *m, ql_str db, ql_str name, bool write, ql_table **out)
{
    ql_ctx *cx = m->cx;
    ql_mdl_mode mode = write ? QL_MDL_SW : m->look ? QL_MDL_S : QL_MDL_SR;
    ql_status st = m->open
                       ? ql_catalog_open_as(cx, cx->arena, db, name, (ql_str){0}, mode, false, out)
                       : ql_catalog_find_table(cx, cx->arena, db, name, out);
    if (st == QL_OK && ((*out)->is_virtual || (*out)->view != NULL || (*out)->nontxn)) {
        return QL_END;
    }
    return st;
}

static uint16_t
position_of(const ql_table *t, const ql_index *ix)
{
    return (uint16_t)(ix - t->indexes);
}

/* Can values of the key's columns be looked for in the other table's? Definitions see to that, but
 * for collations under foreign_key_checks = 0. */
static bool
types_agree(const ql_table *child, const ql_foreign_key *k, const ql_table *parent,
            const uint16_t *referred)
{
    for (uint16_t i = 0; i < k->ncolumns; i++) {
        if (!ql_foreign_types_fit(&child->types[k->columns[i]], &parent->types[referred[i]],
                                  true)) {
            return false;
        }
    }
    return true;
}

/* The key in the parent that k stands on, and the ordinals of the columns. NULL: it has none. */
static ql_status
find_parent_key(ql_ctx *cx, const ql_table *child, const ql_foreign_key *k, const ql_table *parent,
                const uint16_t **referred, const ql_index **index)
{
    uint16_t *v = QL_ARENA_ARRAY(cx, cx->arena, uint16_t, k->ncolumns);
    *index = NULL;
    if (v == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < k->ncolumns; i++) {
        int column = ql_table_column(parent, k->parent_columns[i]);
        if (column < 0) {
            return QL_OK;
        }
        v[i] = (uint16_t)column;
    }
    *referred = v;
    if (types_agree(child, k, parent, v)) {
        *index = ql_foreign_parent_index(parent, k);
    }
    return QL_OK;
}

static bool
is_table(const ql_table *t, ql_str db, ql_str name)
{
    return ql_str_eq(t->name, name) && ql_str_eq(t->db, db);
}

static const ql_foreign_key *
find_key(const ql_table *t, ql_str name)
{
    for (uint16_t i = 0; i < t->nforeign; i++) {
        if (ql_str_eq(t->foreign[i].name, name)) {
            return &t->foreign[i];
        }
    }
    return NULL;
}

/* --- nodes --- */

static uint64_t
hash_of(const ql_table *t)
{
    return ql_hash_bytes(t->name.p, t->name.n, ql_hash_bytes(t->db.p, t->db.n, 0));
}

static ql_status
new_node(maker *m, ql_table *t, bool write, qli_fk_node **out)
{
    qli_fk_node *n = QL_ARENA_NEW(m->cx, m->cx->arena, qli_fk_node);
    if (n == NULL) {
        return QL_ERROR;
    }
    *n = (qli_fk_node){.table = t, .write = write};
    if (m->last != NULL) {
        m->last->next = n;
        ql_hash_insert(&m->nodes, &n->by_name, hash_of(t));
    } else {
        m->root = n;
    }
    m->last = n;
    *out = n;
    return QL_OK;
}

static qli_fk_node *
find_node(const maker *m, const ql_table *t)
{
    if (is_table(m->root->table, t->db, t->name)) {
        return m->root;
    }
    for (ql_hash_node *h = ql_hash_first(&m->nodes, hash_of(t)); h != NULL; h = ql_hash_next(h)) {
        qli_fk_node *n = (qli_fk_node *)((char *)h - offsetof(qli_fk_node, by_name));
        if (is_table(n->table, t->db, t->name)) {
            return n;
        }
    }
    return NULL;
}

/* The node of a table; it is opened when it is new, and again when it has only been read so far. */
static ql_status
node_of(maker *m, const ql_table *t, bool write, qli_fk_node **out)
{
    ql_table *opened;
    QL_TRY(m->nodes.buckets == NULL ? ql_hash_init(m->cx, &m->nodes, 16) : QL_OK);
    *out = find_node(m, t);
    if (*out != NULL && ((*out)->write || !write)) {
        return QL_OK;
    }
    QL_TRY(open_table(m, t->db, t->name, write, &opened));
    if (*out != NULL) {
        (*out)->write = true;
        return QL_OK;
    }
    return new_node(m, opened, write, out);
}

/* Does the statement leave all these columns of the root's table as they are? */
static bool
stay(const maker *m, const qli_fk_node *n, const uint16_t *columns, uint16_t count)
{
    if (n != m->root || m->changing == NULL) {
        return false;
    }
    for (uint16_t i = 0; i < count; i++) {
        if (m->changing[columns[i]]) {
            return false;
        }
    }
    return true;
}

/* --- parents --- */

static ql_status
new_parent(const maker *m, ql_table *t, const ql_foreign_key *k, qli_fk_parent **out)
{
    ql_ctx *cx = m->cx;
    qli_fk_parent *p = QL_ARENA_NEW(cx, cx->arena, qli_fk_parent);
    ql_table *parent = t;
    const uint16_t *referred;
    const ql_index *own = ql_foreign_index(t, k), *index = NULL;
    if (p == NULL) {
        return QL_ERROR;
    }
    *p = (qli_fk_parent){.key = k, .index = own != NULL ? position_of(t, own) : 0};
    p->values = QL_ARENA_ARRAY(cx, cx->arena, ql_value, k->ncolumns);
    p->others = QL_ARENA_ARRAY(cx, cx->arena, ql_value, k->ncolumns);
    p->self = is_table(t, k->parent_db, k->parent_name);
    if (p->values == NULL || p->others == NULL) {
        return QL_ERROR;
    }
    ql_status st = p->self ? QL_OK : open_table(m, k->parent_db, k->parent_name, false, &parent);
    if (st == QL_OK) {
        QL_TRY(find_parent_key(cx, t, k, parent, &referred, &index));
    } else if (st != QL_END) {
        return st;
    }
    if (index != NULL) {
        p->parent_index = index;
        QL_TRY(ql_finder_new(cx, cx->arena, parent, p->parent_index, k->ncolumns, &p->finder));
    }
    *out = p;
    return QL_OK;
}

ql_status
qli_fk_parent_of(ql_ctx *cx, ql_table *t, const ql_foreign_key *k, qli_fk_parent **out)
{
    maker m = {.cx = cx, .open = cx->mdl != NULL, .look = true};
    return new_parent(&m, t, k, out);
}

static ql_status
add_parents(maker *m, qli_fk_node *n)
{
    qli_fk_parent **tail = &n->parents;
    bool inserts = (n->what & QL_FK_INSERTS) != 0;
    n->has_parents = true;
    for (uint16_t i = 0; i < n->table->nforeign; i++) {
        const ql_foreign_key *k = &n->table->foreign[i];
        QL_TRY(ql_check(m->cx));
        if (inserts || !stay(m, n, k->columns, k->ncolumns)) {
            QL_TRY(new_parent(m, n->table, k, tail));
            tail = &(*tail)->next;
        }
    }
    return QL_OK;
}

/* --- children --- */

static int
compare_children(const void *x, const void *y)
{
    const qli_fk_child *a = *(qli_fk_child *const *)x, *b = *(qli_fk_child *const *)y;
    int r = (int)a->index - (int)b->index;
    r = r != 0 ? r : ql_str_cmp(a->table->db, b->table->db);
    return r != 0 ? r : ql_str_cmp(a->key->name, b->key->name);
}

static ql_status
new_child(ql_ctx *cx, const qli_fk_node *n, const ql_child *found, qli_fk_child **out)
{
    const ql_index *index;
    qli_fk_child *c = QL_ARENA_NEW(cx, cx->arena, qli_fk_child);
    *out = NULL;
    if (c == NULL) {
        return QL_ERROR;
    }
    *c = (qli_fk_child){.table = found->table, .key = found->key};
    QL_TRY(find_parent_key(cx, c->table, c->key, n->table, &c->referred, &index));
    if (index != NULL && !c->table->nontxn) {
        c->parent_index = index;
        c->index = position_of(n->table, index);
        *out = c;
    }
    return QL_OK;
}

static ql_status
add_children(maker *m, qli_fk_node *n)
{
    ql_ctx *cx = m->cx;
    ql_child *v;
    size_t count, used = 0;
    n->has_children = true;
    QL_TRY(ql_catalog_children(cx, cx->arena, n->table->db, n->table->name, &v, &count));
    qli_fk_child **list = QL_ARENA_ARRAY(cx, cx->arena, qli_fk_child *, count + 1);
    if (list == NULL) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < count; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(new_child(cx, n, &v[i], &list[used]));
        used += list[used] != NULL;
    }
    QL_TRY(ql_bulk_sort(cx, cx->arena, list, used, sizeof *list, compare_children));
    qli_fk_child **tail = &n->children;
    for (size_t i = 0; i < used; i++) {
        *tail = list[i];
        tail = &list[i]->next;
    }
    return QL_OK;
}

/* What is changed is in no key, so no foreign key refers to it. */
static bool
keys_stay(const maker *m, const qli_fk_node *n)
{
    const ql_table *t = n->table;
    for (uint16_t i = 0; i < t->nindexes; i++) {
        for (uint16_t p = 0; p < t->indexes[i].nparts; p++) {
            if (!stay(m, n, &t->indexes[i].parts[p].column, 1)) {
                return false;
            }
        }
    }
    return true;
}

/* The child matters: its table becomes a node, its index is found. */
static ql_status
follow(maker *m, qli_fk_child *c, ql_fk_action action, bool deletes)
{
    ql_ctx *cx = m->cx;
    bool brings = action == QL_FK_CASCADE || action == QL_FK_SET_NULL;
    qli_fk_node *n;
    ql_status st = node_of(m, c->table, brings, &n);
    if (st != QL_OK) {
        return st == QL_END ? QL_OK : st; /* dropped before it could be locked */
    }
    if (c->node == NULL) {
        const ql_foreign_key *k = find_key(n->table, c->key->name);
        const ql_index *index = k != NULL ? ql_foreign_index(n->table, k) : NULL;
        if (index == NULL) {
            return QL_OK;
        }
        c->key = k;
        c->values = QL_ARENA_ARRAY(cx, cx->arena, ql_value, k->ncolumns);
        if (c->values == NULL) {
            return QL_ERROR;
        }
        QL_TRY(ql_finder_new(cx, cx->arena, n->table, index, k->ncolumns, &c->finder));
        c->node = n;
    }
    if (brings) {
        n->what |= deletes && action == QL_FK_CASCADE ? QL_FK_DELETES : QL_FK_UPDATES;
        n->reached = true;
    }
    return QL_OK;
}

static ql_status
follow_children(maker *m, qli_fk_node *n, unsigned what)
{
    for (qli_fk_child *c = n->children; c != NULL; c = c->next) {
        QL_TRY(ql_check(m->cx));
        if ((what & QL_FK_DELETES) != 0) {
            QL_TRY(follow(m, c, c->key->on_delete, true));
        }
        if ((what & QL_FK_UPDATES) != 0 && !stay(m, n, c->referred, c->key->ncolumns)) {
            QL_TRY(follow(m, c, c->key->on_update, false));
        }
    }
    return QL_OK;
}

static ql_status
expand(maker *m, qli_fk_node *n)
{
    unsigned what = n->what & ~n->done;
    n->done |= what;
    if ((what & (QL_FK_INSERTS | QL_FK_UPDATES)) != 0 && !n->has_parents) {
        QL_TRY(add_parents(m, n));
    }
    bool asks = (what & QL_FK_DELETES) != 0 || ((what & QL_FK_UPDATES) != 0 && !keys_stay(m, n));
    if (asks && !n->has_children) {
        QL_TRY(add_children(m, n));
    }
    return follow_children(m, n, what);
}

static ql_status
make_graph(maker *m)
{
    bool again = true;
    while (again) {
        again = false;
        for (qli_fk_node *n = m->root; n != NULL; n = n->next) {
            if ((n->what & ~n->done) != 0) {
                again = true;
                QL_TRY(expand(m, n));
            }
        }
    }
    return QL_OK;
}

ql_status
qli_fk_graph(ql_ctx *cx, ql_table *t, unsigned what, const bool *changing, bool open,
             qli_fk_node **out)
{
    maker m = {.cx = cx, .changing = changing, .open = open};
    qli_fk_node *root;
    QL_TRY(new_node(&m, t, true, &root));
    root->what = what;
    ql_status st = make_graph(&m);
    ql_hash_fini(&m.nodes);
    *out = root;
    return st;
}
