/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of a session's temporary tables (temporary.h). An entry is made, then stands; it is
 * dropped, then gone: each second step is taken when the statement that did the first is over, and
 * undone with it if it fails. A dropped one's definition is kept until the open transaction ends,
 * for what was written under its ids may still be on its way. Session's thread; the catalog's mutex
 * for the list of all sessions' tables, which only views look at. No waits.
 */
#include <string.h>

#include "base/diag.h"
#include "catalog/catalog_int.h"
#include "catalog/temporary.h"
#include "intr/intr.h"
#include "intr/proc.h"
#include "txn/scratch.h"

typedef enum entry_state {
    STANDS,
    MADE,        /* by the running statement */
    DROPPED,     /* by it: nobody finds it any more */
    MADE_DROPPED /* both */
} entry_state;

typedef struct qli_temporary {
    struct qli_temporary *next;
    ql_table *table; /* a reference */
    entry_state state;
    bool shown;                          /* in the list of all sessions' */
    struct qli_temporary *newer, *older; /* [catalog.mu] in that list */
    uint64_t conn_id;                    /* [const] of the session */
} entry;

/* Owner: the session. */
struct ql_temporary_tables {
    entry *first; /* newest first */
    entry *gone;  /* dropped for good; their references go at the end of the transaction */
    bool unsettled, made, dropped; /* by the statement; by the transaction */
};

static entry *
find(const ql_ctx *cx, ql_str db, ql_str name)
{
    for (entry *e = cx->temporary ? cx->temporary->first : NULL; e; e = e->next) {
        if (e->state <= MADE && ql_str_eq(e->table->name, name) && ql_str_eq(e->table->db, db)) {
            return e;
        }
    }
    return NULL;
}

ql_table *
ql_temporary_find(const ql_ctx *cx, ql_str db, ql_str name)
{
    entry *e = find(cx, db, name);
    return e ? e->table : NULL;
}

ql_status
qli_temporary_add(ql_ctx *cx, ql_table *t)
{
    if (!cx->temporary) {
        cx->temporary = ql_mem_zalloc(sizeof *cx->temporary);
    }
    entry *e = cx->temporary ? ql_mem_zalloc(sizeof *e) : NULL;
    if (!e) {
        return ql_fail_oom(cx, sizeof *e);
    }
    e->table = t;
    e->conn_id = cx->proc ? ql_proc_id(cx->proc) : 0;
    e->state = MADE;
    e->next = cx->temporary->first;
    cx->temporary->first = e;
    cx->temporary->unsettled = true;
    return QL_OK;
}

void
qli_temporary_remove(ql_ctx *cx, const ql_table *t)
{
    for (entry *e = cx->temporary->first; e; e = e->next) {
        if (e->table == t) {
            e->state = e->state == MADE ? MADE_DROPPED : DROPPED;
        }
    }
    cx->temporary->unsettled = true;
}

/* --- ids ------------------------------------------------------------------------------------- */

/* n ids that go on from those of old (NULL: of none). */
ql_status
qli_temporary_ids(ql_ctx *cx, ql_table *t, const ql_table *old, uint64_t n, uint64_t *first)
{
    ql_scratch *below = old ? old->scratch : NULL;
    if (n == 0) {
        t->scratch = ql_scratch_get(below);
        *first = 0;
        return QL_OK;
    }
    QL_TRY(ql_scratch_take(cx, (uint32_t)n, below, &t->scratch));
    *first = ql_scratch_first(t->scratch);
    return QL_OK;
}

/* --- shown to others ------------------------------------------------------------------------- */

static void
show_entry(ql_catalog *c, entry *e)
{
    ql_mutex_lock(&c->mu);
    e->shown = true;
    e->newer = NULL;
    e->older = c->temporaries;
    if (e->older) {
        e->older->newer = e;
    }
    c->temporaries = e;
    ql_mutex_unlock(&c->mu);
}

static void
hide_entry(ql_catalog *c, entry *e)
{
    if (!e->shown) {
        return;
    }
    ql_mutex_lock(&c->mu);
    e->shown = false;
    if (e->newer) {
        e->newer->older = e->older;
    } else {
        c->temporaries = e->older;
    }
    if (e->older) {
        e->older->newer = e->newer;
    }
    ql_mutex_unlock(&c->mu);
}

/* As many as there is room for; how many there are. */
static size_t
copy_shown(ql_catalog *c, ql_temporary_info *v, size_t room)
{
    size_t n = 0;
    ql_mutex_lock(&c->mu);
    for (const entry *e = c->temporaries; e; e = e->older, n++) {
        if (n < room) {
            v[n] = (ql_temporary_info){e->table->id, e->conn_id, e->table->ncolumns};
        }
    }
    ql_mutex_unlock(&c->mu);
    return n;
}

ql_status
ql_temporary_list(ql_ctx *cx, ql_arena *a, ql_temporary_info **v, size_t *n)
{
    size_t room = 0;
    *v = NULL;
    while ((*n = copy_shown(cx->inst->catalog, *v, room)) > room) {
        QL_TRY(ql_check(cx));
        room = *n + 16;
        *v = QL_ARENA_ARRAY(cx, a, ql_temporary_info, room);
        if (!*v) {
            return QL_ERROR;
        }
    }
    return QL_OK;
}

/* --- settling -------------------------------------------------------------------------------- */

static void
free_entries(ql_ctx *cx, entry *e)
{
    while (e) {
        entry *next = e->next;
        hide_entry(cx->inst->catalog, e);
        ql_table_put(e->table);
        ql_mem_free(e);
        e = next;
    }
}

static bool
is_over(entry *e, bool done)
{
    bool made = e->state == MADE || e->state == MADE_DROPPED;
    bool dropped = e->state >= DROPPED;
    e->state = STANDS;
    return done ? dropped : made;
}

bool
ql_temporary_settle(ql_ctx *cx, bool done)
{
    ql_temporary_tables *l = cx->temporary;
    if (QL_LIKELY(!l) || !l->unsettled) {
        return false;
    }
    for (entry **at = &l->first; *at;) {
        entry *e = *at;
        l->made |= done && e->state == MADE;
        l->dropped |= done && e->state == DROPPED;
        if (is_over(e, done)) {
            hide_entry(cx->inst->catalog, e);
            *at = e->next;
            e->next = l->gone;
            l->gone = e;
        } else {
            if (!e->shown) {
                show_entry(cx->inst->catalog, e);
            }
            at = &e->next;
        }
    }
    l->unsettled = false;
    if (!cx->txn) {
        ql_temporary_transaction_over(cx);
    }
    return true;
}

void
ql_temporary_transaction_over(ql_ctx *cx)
{
    ql_temporary_tables *l = cx->temporary;
    if (QL_UNLIKELY(l != NULL)) {
        free_entries(cx, l->gone);
        l->gone = NULL;
        l->made = l->dropped = false;
    }
}

bool
ql_temporary_was_made(const ql_ctx *cx)
{
    return cx->temporary && cx->temporary->made;
}

bool
ql_temporary_was_dropped(const ql_ctx *cx)
{
    return cx->temporary && cx->temporary->dropped;
}

void
ql_temporary_drop_all(ql_ctx *cx)
{
    ql_temporary_tables *l = cx->temporary;
    if (l) {
        free_entries(cx, l->first);
        free_entries(cx, l->gone);
        ql_mem_free(l);
        cx->temporary = NULL;
    }
}
