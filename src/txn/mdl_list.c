/* SPDX-License-Identifier: Apache-2.0
 *
 * Listing of metadata locks (performance_schema.metadata_locks and its kin). Copies under mdl_mu,
 * into memory got before; sessions meanwhile stop only where they lock or release.
 */
#include "txn/mdl_int.h"

static const char *const space_names[QL_MDL_SPACES] = {
    [QL_MDL_GLOBAL] = "GLOBAL",         [QL_MDL_BACKUP] = "BACKUP LOCK",
    [QL_MDL_COMMIT] = "COMMIT",         [QL_MDL_SCHEMA] = "SCHEMA",
    [QL_MDL_TABLE] = "TABLE",           [QL_MDL_USER_LOCK] = "USER LEVEL LOCK",
    [QL_MDL_TABLE_DATA] = "TABLE DATA",
};
static const char *const mode_names[QL_MDL_MODES] = {
    [QL_MDL_IX] = "INTENTION_EXCLUSIVE",    [QL_MDL_S] = "SHARED",
    [QL_MDL_SH] = "SHARED_HIGH_PRIO",       [QL_MDL_SR] = "SHARED_READ",
    [QL_MDL_SW] = "SHARED_WRITE",           [QL_MDL_SU] = "SHARED_UPGRADABLE",
    [QL_MDL_SRO] = "SHARED_READ_ONLY",      [QL_MDL_SNW] = "SHARED_NO_WRITE",
    [QL_MDL_SNRW] = "SHARED_NO_READ_WRITE", [QL_MDL_X] = "EXCLUSIVE",
};
static const char *const duration_names[QL_MDL_DURATIONS] = {"STATEMENT", "TRANSACTION",
                                                             "EXPLICIT"};

const char *
ql_mdl_space_name(ql_mdl_space space)
{
    return space_names[space];
}

const char *
ql_mdl_mode_name(ql_mdl_mode mode)
{
    return mode_names[mode];
}

const char *
ql_mdl_duration_name(ql_mdl_duration d)
{
    return duration_names[d];
}

/* What is copied under the mutex. Names are at most NAME_MAX_BYTES: a database's and a table's. */
#define NAME_BYTES 600

typedef struct sheet {
    ql_mdl_info *v;
    char (*names)[NAME_BYTES];
    size_t *name_bytes;
    size_t n, cap, wanted;
} sheet;

static void
add(sheet *s, const ql_mdl_info *info, const qli_mdl_lock *l)
{
    s->wanted++;
    if (s->n == s->cap) {
        return;
    }
    s->v[s->n] = *info;
    s->v[s->n].space = l->space;
    s->v[s->n].lock_id = l;
    s->name_bytes[s->n] = l->n < NAME_BYTES ? l->n : NAME_BYTES;
    memcpy(s->names[s->n], l->name, s->name_bytes[s->n]);
    s->n++;
}

static void
add_ticket(ql_txnsys *ts, sheet *s, const qli_mdl_ticket *t)
{
    ql_mdl_info info = {.mode = t->mode,
                        .duration = t->duration,
                        .granted = t->granted,
                        .conn_id = t->set->conn_id};
    if (!t->granted) {
        info.blocking_conn_id = qli_mdl_blocker(ts, t);
    }
    add(s, &info, t->lock);
}

static void
add_set(ql_txnsys *ts, sheet *s, const qli_mdl_set *set)
{
    for (unsigned i = 0; i < QLI_MDL_FIXED; i++) {
        uint8_t mark = atomic_load_explicit(&set->ix[i], memory_order_relaxed);
        if (mark != 0) {
            ql_mdl_info info = {.mode = QL_MDL_IX,
                                .duration = (ql_mdl_duration)(mark - 1),
                                .granted = true,
                                .conn_id = set->conn_id};
            add(s, &info, ts->mdl_fixed[i]);
        }
    }
    for (const qli_mdl_ticket *t = set->tickets; t != NULL; t = t->own_next) {
        add_ticket(ts, s, t);
    }
    if (set->waiting != NULL) {
        add_ticket(ts, s, set->waiting);
    }
}

static ql_status
room_for(ql_ctx *cx, ql_arena *a, sheet *s, size_t n)
{
    *s = (sheet){.cap = n};
    s->v = QL_ARENA_ARRAY(cx, a, ql_mdl_info, n);
    s->names = s->v != NULL ? ql_arena_alloc(cx, a, n * NAME_BYTES) : NULL;
    s->name_bytes = s->names != NULL ? QL_ARENA_ARRAY(cx, a, size_t, n) : NULL;
    return s->name_bytes != NULL ? QL_OK : QL_ERROR;
}

/* "db\0table" to its two parts. */
static void
set_names(sheet *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const char *p = s->names[i], *end = p + s->name_bytes[i];
        const char *zero = memchr(p, 0, s->name_bytes[i]);
        if (zero == NULL) {
            bool is_db = s->v[i].space == QL_MDL_SCHEMA;
            *(is_db ? &s->v[i].db : &s->v[i].name) = (ql_str){p, (size_t)(end - p)};
        } else {
            s->v[i].db = (ql_str){p, (size_t)(zero - p)};
            s->v[i].name = (ql_str){zero + 1, (size_t)(end - zero - 1)};
        }
    }
}

ql_status
ql_mdl_list(ql_ctx *cx, ql_arena *a, ql_mdl_info **out, size_t *n)
{
    ql_txnsys *ts = qli_ts(cx);
    sheet s = {.wanted = 64};
    do {
        QL_TRY(ql_check(cx));
        QL_TRY(room_for(cx, a, &s, s.wanted + s.wanted / 4));
        ql_mutex_lock(&ts->mdl_mu);
        for (const qli_mdl_set *set = ts->mdl_sets; set != NULL; set = set->all_next) {
            add_set(ts, &s, set);
        }
        ql_mutex_unlock(&ts->mdl_mu);
    } while (s.wanted > s.cap);
    set_names(&s);
    *out = s.v;
    *n = s.n;
    return QL_OK;
}
