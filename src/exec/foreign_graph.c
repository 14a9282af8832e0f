/* SPDX-License-Identifier: Apache-2.0
 *
 * Which tables a statement reaches through foreign keys, and by what (foreign_int.h). A table is
 * one node, however it is reached; what is done to it grows until nothing new follows. Tables whose
 * rows are only looked at are locked SR, those that are changed along SW. Session's thread; waits
 * for metadata locks only.
 */
#include <string.h>

#include "base/bulk.h"
#include "exec/foreign_int.h"

/* One graph in the making. */
typedef struct maker {
    ql_ctx *cx;
    qli_fk_node *root, *last;
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

static bool
index_begins_with(const ql_index *ix, const uint16_t *columns, uint16_t n)
{
    if (ix->hidden_rowid || ix->nparts < n) {
        return false;
    }
    for (uint16_t i = 0; i < n; i++) {
        if (ix->parts[i].column != columns[i] || ix->parts[i].prefix != 0) {
            return false;
        }
    }
    return true;
}

/* Position of the first index that begins with the columns, or -1; one of that name first. */
static int
find_index(const ql_table *t, const uint16_t *columns, uint16_t n, ql_str name)
{
    int found = -1;
    for (uint16_t i = 0; i < t->nindexes; i++) {
        if (index_begins_with(&t->indexes[i], columns, n)) {
            if (name.n > 0 && ql_str_eq_nocase(t->indexes[i].name, name)) {
                return i;
            }
            found = found < 0 ? i : found;
        }
    }
    return found;
}

/* Can values of the key's columns be looked for in the other table's? They have to be of one kind
 * and collation; definitions see to that. */
static bool
types_agree(const ql_table *child, const ql_foreign_key *k, const ql_table *parent,
            const uint16_t *referred)
{
    for (uint16_t i = 0; i < k->ncolumns; i++) {
        const ql_type *a = &child->types[k->columns[i]], *b = &parent->types[referred[i]];
        if (a->kind != b->kind || a->is_unsigned != b->is_unsigned || a->coll != b->coll) {
            return false;
        }
    }
    return true;
}

/* The key in the parent that k stands on: its position and the ordinals of the columns. -1: the
 * parent has none. */
static ql_status
find_parent_key(ql_ctx *cx, const ql_table *child, const ql_foreign_key *k, const ql_table *parent,
                const uint16_t **referred, int *index)
{
    uint16_t *v = QL_ARENA_ARRAY(cx, cx->arena, uint16_t, k->ncolumns);
    *index = -1;
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
        *index = find_index(parent, v, k->ncolumns, k->parent_index);
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
    } else {
        m->root = n;
    }
    m->last = n;
    *out = n;
    return QL_OK;
}

/* The node of a table; it is opened when it is new, and again when it has only been read so far. */
static ql_status
node_of(maker *m, const ql_table *t, bool write, qli_fk_node **out)
{
    ql_table *opened;
    *out = m->root;
    while (*out != NULL && !is_table((*out)->table, t->db, t->name)) {
        *out = (*out)->next;
    }
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
    int own = find_index(t, k->columns, k->ncolumns, (ql_str){0}), index = -1;
    if (p == NULL) {
        return QL_ERROR;
    }
    *p = (qli_fk_parent){.key = k, .index = (uint16_t)(own < 0 ? 0 : own)};
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
    if (index >= 0) {
        p->parent_index = &parent->indexes[index];
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
compare_children(const qli_fk_child *a, const qli_fk_child *b)
{
    int r = (int)a->index - (int)b->index;
    r = r != 0 ? r : ql_str_cmp(a->table->db, b->table->db);
    return r != 0 ? r : ql_str_cmp(a->key->name, b->key->name);
}

static void
put_child(qli_fk_node *n, qli_fk_child *c)
{
    qli_fk_child **at = &n->children;
    while (*at != NULL && compare_children(*at, c) <= 0) {
        at = &(*at)->next;
    }
    c->next = *at;
    *at = c;
}

static ql_status
add_children(maker *m, qli_fk_node *n)
{
    ql_ctx *cx = m->cx;
    ql_child *v;
    size_t count;
    n->has_children = true;
    QL_TRY(ql_catalog_children(cx, cx->arena, n->table->db, n->table->name, &v, &count));
    for (size_t i = 0; i < count; i++) {
        int index;
        qli_fk_child *c = QL_ARENA_NEW(cx, cx->arena, qli_fk_child);
        if (c == NULL) {
            return QL_ERROR;
        }
        *c = (qli_fk_child){.table = v[i].table, .key = v[i].key};
        QL_TRY(ql_check(cx));
        QL_TRY(find_parent_key(cx, c->table, c->key, n->table, &c->referred, &index));
        if (index >= 0 && !c->table->nontxn) {
            c->index = (uint16_t)index;
            put_child(n, c);
        }
    }
    return QL_OK;
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
        int index = k != NULL ? find_index(n->table, k->columns, k->ncolumns, (ql_str){0}) : -1;
        if (index < 0) {
            return QL_OK;
        }
        c->key = k;
        c->values = QL_ARENA_ARRAY(cx, cx->arena, ql_value, k->ncolumns);
        if (c->values == NULL) {
            return QL_ERROR;
        }
        QL_TRY(ql_finder_new(cx, cx->arena, n->table, &n->table->indexes[index], k->ncolumns,
                             &c->finder));
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
    if ((what & (QL_FK_UPDATES | QL_FK_DELETES)) != 0 && !n->has_children) {
        QL_TRY(add_children(m, n));
    }
    return follow_children(m, n, what);
}

ql_status
qli_fk_graph(ql_ctx *cx, ql_table *t, unsigned what, const bool *changing, bool open,
             qli_fk_node **out)
{
    maker m = {.cx = cx, .changing = changing, .open = open};
    qli_fk_node *root;
    bool again = true;
    QL_TRY(new_node(&m, t, true, &root));
    root->what = what;
    while (again) {
        again = false;
        for (qli_fk_node *n = root; n != NULL; n = n->next) {
            if ((n->what & ~n->done) != 0) {
                again = true;
                QL_TRY(expand(&m, n));
            }
        }
    }
    *out = root;
    return QL_OK;
}

/* --- as messages show it --- */

static ql_status
put_name(ql_ctx *cx, ql_buf *b, ql_str name)
{
    QL_TRY(ql_buf_put_u8(cx, b, '`'));
    for (size_t i = 0; i < name.n; i++) { /* a name: short */
        if (name.p[i] == '`') {
            QL_TRY(ql_buf_put_u8(cx, b, '`'));
        }
        QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)name.p[i]));
    }
    return ql_buf_put_u8(cx, b, '`');
}

static ql_status
put_table(ql_ctx *cx, ql_buf *b, ql_str db, ql_str name)
{
    if (db.n > 0) {
        QL_TRY(put_name(cx, b, db));
        QL_TRY(ql_buf_put_u8(cx, b, '.'));
    }
    return put_name(cx, b, name);
}

static ql_status
put_columns(ql_ctx *cx, ql_buf *b, const ql_table *child, const ql_foreign_key *k)
{
    QL_TRY(ql_buf_put_str(cx, b, " ("));
    for (uint16_t i = 0; i < k->ncolumns; i++) {
        QL_TRY(ql_buf_put_str(cx, b, i > 0 ? ", " : ""));
        QL_TRY(put_name(cx, b,
                        child != NULL ? child->columns[k->columns[i]].name : k->parent_columns[i]));
    }
    return ql_buf_put_u8(cx, b, ')');
}

static ql_status
put_action(ql_ctx *cx, ql_buf *b, const char *when, ql_fk_action a)
{
    static const char *const words[] = {
        [QL_FK_NO_ACTION] = "",
        [QL_FK_RESTRICT] = "RESTRICT",
        [QL_FK_CASCADE] = "CASCADE",
        [QL_FK_SET_NULL] = "SET NULL",
        [QL_FK_SET_DEFAULT] = "SET DEFAULT",
    };
    return a == QL_FK_NO_ACTION ? QL_OK : ql_buf_printf(cx, b, " ON %s %s", when, words[a]);
}

static ql_status
put_key(ql_ctx *cx, ql_buf *b, const ql_table *child, const ql_foreign_key *k)
{
    bool near = ql_str_eq(child->db, k->parent_db);
    QL_TRY(put_table(cx, b, child->db, child->name));
    QL_TRY(ql_buf_put_str(cx, b, ", CONSTRAINT "));
    QL_TRY(put_name(cx, b, k->name));
    QL_TRY(ql_buf_put_str(cx, b, " FOREIGN KEY"));
    QL_TRY(put_columns(cx, b, child, k));
    QL_TRY(ql_buf_put_str(cx, b, " REFERENCES "));
    QL_TRY(put_table(cx, b, near ? (ql_str){0} : k->parent_db, k->parent_name));
    QL_TRY(put_columns(cx, b, NULL, k));
    QL_TRY(put_action(cx, b, "DELETE", k->on_delete));
    return put_action(cx, b, "UPDATE", k->on_update);
}

#define TEXT_BYTES 192 /* of it that messages show, as in MySQL */

ql_status
qli_fk_text(ql_ctx *cx, const ql_table *child, const ql_foreign_key *key, const char **out)
{
    ql_buf b = {0};
    ql_status st = put_key(cx, &b, child, key);
    if (st == QL_OK) {
        size_t n = b.n;
        if (n > TEXT_BYTES) {
            for (n = TEXT_BYTES; n > 0 && ((unsigned char)b.p[n] & 0xC0) == 0x80;) {
                n--; /* not inside a character */
            }
        }
        *out = ql_arena_strndup(cx, cx->arena, b.p, n);
        st = *out != NULL ? QL_OK : QL_ERROR;
    }
    ql_buf_free(&b);
    return st;
}
