/* SPDX-License-Identifier: Apache-2.0
 *
 * The fixture of everything above txn: an instance over the storage in memory, with transactions,
 * catalog and variables, and sessions of it; boot is the test's own. restart() keeps the storage
 * and loses everything else, as a crash does.
 */
#ifndef QL_TESTS_UNIT_LIB_WORLD_H
#define QL_TESTS_UNIT_LIB_WORLD_H

#include "catalog/catalog.h"
#include "intr/intr.h"
#include "intr/proc.h"
#include "kv/kv.h"
#include "test.h"
#include "txn/mdl.h"
#include "txn/txn.h"
#include "vars/sysvars.h"

typedef struct sess {
    ql_ctx cx;
    ql_intr intr;
    ql_vars vars;
    ql_arena *life;
} sess;

static inline void
sess_begin(sess *s, ql_instance *inst)
{
    memset(s, 0, sizeof *s);
    s->cx.inst = inst;
    s->cx.intr = &s->intr;
    s->cx.diag = ql_diag_new();
    s->cx.arena = ql_arena_new("statement", NULL);
    s->life = ql_arena_new("session", NULL);
    OK(ql_intr_init(&s->cx, &s->intr));
    s->cx.mdl = ql_mdl_set_new();
    if (inst->procs) {
        s->cx.proc = ql_proc_add(&s->cx, inst->procs, &s->intr, -1, "localhost");
    }
    if (inst->sysvars) {
        OK(ql_vars_init(&s->cx, &s->vars, s->life));
        s->cx.vars = &s->vars;
    }
    s->cx.stmt_id = 1;
}

static inline void
sess_end(sess *s)
{
    ql_arena_reset(s->cx.arena);
    ql_txn_rollback(&s->cx);
    ql_catalog_rolled_back(&s->cx);
    ql_mdl_set_free(&s->cx, s->cx.mdl);
    if (s->cx.vars) {
        ql_vars_fini(&s->vars);
    }
    if (s->cx.proc) {
        ql_proc_remove(s->cx.inst->procs, s->cx.proc);
    }
    ql_intr_fini(&s->intr);
    ql_arena_free(s->cx.arena);
    ql_arena_free(s->life);
    ql_diag_free(s->cx.diag);
}

/* Number of the error that is there; forgets it. */
static inline unsigned
sess_error(sess *s)
{
    const ql_condition *c = ql_diag_error(s->cx.diag);
    unsigned n = c ? c->number : 0;
    ql_diag_reset(s->cx.diag);
    return n;
}
#define FAILS(s, expr, number)                                                                     \
    do {                                                                                           \
        assert_int_equal((expr), QL_ERROR);                                                        \
        assert_int_equal(sess_error(s), (number));                                                 \
    } while (0)

static inline void
begin(sess *s)
{
    s->cx.stmt_id++;
    OK(ql_txn_begin(&s->cx, QL_REPEATABLE_READ, false));
    OK(ql_txn_stmt_begin(&s->cx));
}

static inline void
commit(sess *s)
{
    uint64_t state;
    ql_arena_reset(s->cx.arena);
    ql_txn_stmt_end(&s->cx);
    OK(ql_txn_commit_at(&s->cx, &state));
    ql_catalog_committed(&s->cx, state);
    ql_mdl_release_transaction(&s->cx);
}

static inline void
rollback(sess *s)
{
    ql_arena_reset(s->cx.arena);
    ql_txn_rollback(&s->cx);
    ql_catalog_rolled_back(&s->cx);
    ql_mdl_release_transaction(&s->cx);
}

typedef struct world {
    ql_instance inst;
    sess boot;
} world;

static inline void
world_open(world *w)
{
    w->inst.procs = ql_procs_new();
    w->inst.sysvars = ql_sysvars_new();
    assert_non_null(w->inst.sysvars);
    sess_begin(&w->boot, &w->inst);
    if (!w->inst.kv) {
        OK(ql_kv_open_mem(&w->boot.cx, &w->inst.kv));
    }
    OK(ql_txnsys_open(&w->boot.cx, NULL, &w->inst.txns));
    OK(ql_catalog_open(&w->boot.cx, &w->inst.catalog));
}

static inline void
world_close(world *w)
{
    sess_end(&w->boot);
    ql_catalog_close(w->inst.catalog);
    ql_txnsys_close(w->inst.txns);
    ql_sysvars_free(w->inst.sysvars);
    ql_procs_free(w->inst.procs);
    w->inst = (ql_instance){.kv = w->inst.kv};
}

static inline void
restart(world *w)
{
    world_close(w);
    world_open(w);
}

static inline int
world_setup(void **state)
{
    world *w = calloc(1, sizeof *w);
    world_open(w);
    *state = w;
    return 0;
}

static inline int
world_teardown(void **state)
{
    world *w = *state;
    world_close(w);
    ql_kv_close(w->inst.kv);
    free(w);
    return 0;
}

static inline ql_column
int_column(const char *name, bool nullable)
{
    ql_column c = {.name = str(name), .type = ql_type_int(false)};
    c.type.field = QL_F_LONG;
    c.type.nullable = nullable;
    c.default_value = ql_value_null();
    c.default_kind = nullable ? QL_DEF_NULL : QL_DEF_NONE;
    return c;
}

static inline ql_column
text_column(const char *name, uint32_t chars, bool nullable)
{
    ql_column c = int_column(name, nullable);
    c.type = ql_type_varchar(chars, ql_coll_default);
    c.type.nullable = nullable;
    return c;
}

#endif
