/* SPDX-License-Identifier: Apache-2.0
 *
 * Listing of metadata locks (performance_schema.metadata_locks and its kin). Copies some sessions'
 * locks at a time under mdl_mu, into memory got before; a marker in the list of sessions keeps the
 * place. So the list is not of one moment, but each session's part is.
 */
#include "txn/mdl_int.h"

#define SETS_A_TIME 256

static const char *const space_names[QL_MDL_SPACES] = {
    [QL_MDL_GLOBAL] = "GLOBAL",         [QL_MDL_BACKUP] = "BACKUP LOCK",
    [QL_MDL_COMMIT] = "COMMIT",         [QL_MDL_SCHEMA] = "SCHEMA",
    [QL_MDL_TABLE] = "TABLE",           [QL_MDL_USER_LOCK] = "USER LEVEL LOCK",
    [QL_MDL_TABLE_DATA] = "TABLE DATA", [QL_MDL_CHECK] = "CHECK CONSTRAINT",
    [QL_MDL_FOREIGN] = "FOREIGN KEY",
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

/* What is copied under the mutex: as much as there is room for. */
typedef struct sheet {
    ql_mdl_info *v;
    char *names; /* of all, one after the other */
    size_t n, cap, used, room;
} sheet;

static void
add(sheet *s, const ql_mdl_info *info, const qli_mdl_lock *l)
{
    ql_mdl_info *i = &s->v[s->n++];
    char *p = s->names + s->used;
    memcpy(p, l->name, l->n);
    s->used += l->n;
    *i = *info;
    i->space = l->space;
    i->lock_id = l;
    i->name = (ql_str){p, l->n};
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

/* Does all of the set go into the sheet? Otherwise *want is what it needs at least. */
static bool
fits(const sheet *s, const qli_mdl_set *set, size_t *want_n, size_t *want_bytes)
{
    size_t n = QLI_MDL_FIXED, bytes = 0;
    for (const qli_mdl_ticket *t = set->tickets; t != NULL; t = t->own_next) {
        n++;
        bytes += t->lock->n;
    }
    if (set->waiting != NULL) {
        n++;
        bytes += set->waiting->lock->n;
    }
    *want_n = s->n + n;
    *want_bytes = s->used + bytes;
    return *want_n <= s->cap && *want_bytes <= s->room;
}

/* Room for at least n entries and that many bytes of names; what is there stays. */
static ql_status
grow(ql_ctx *cx, ql_arena *a, sheet *s, size_t n, size_t bytes)
{
    sheet b = {.n = s->n, .used = s->used, .cap = 2 * n, .room = 2 * bytes};
    b.v = QL_ARENA_ARRAY(cx, a, ql_mdl_info, b.cap);
    b.names = b.v != NULL ? ql_arena_alloc(cx, a, b.room) : NULL;
    if (b.names == NULL) {
        return QL_ERROR;
    }
    if (s->n > 0) {
        memcpy(b.v, s->v, s->n * sizeof *b.v);
        memcpy(b.names, s->names, s->used);
    }
    for (size_t i = 0, at = 0; i < b.n; at += b.v[i].name.n, i++) {
        b.v[i].name.p = b.names + at;
    }
    *s = b;
    return QL_OK;
}

/* [mdl_mu] */
static void
put_marker(ql_txnsys *ts, qli_mdl_set *marker, qli_mdl_set *next, qli_mdl_set *prev)
{
    marker->all_next = next;
    marker->all_prev = prev;
    if (next != NULL) {
        next->all_prev = marker;
    }
    if (prev != NULL) {
        prev->all_next = marker;
    } else {
        ts->mdl_sets = marker;
    }
}

static void
take_marker(ql_txnsys *ts, qli_mdl_set *marker)
{
    if (marker->all_prev != NULL) {
        marker->all_prev->all_next = marker->all_next;
    } else {
        ts->mdl_sets = marker->all_next;
    }
    if (marker->all_next != NULL) {
        marker->all_next->all_prev = marker->all_prev;
    }
}

/* The sets behind the marker, SETS_A_TIME of them or as many as fit; the marker goes with them.
 * QL_END: that was all. */
static ql_status
copy_some(ql_txnsys *ts, qli_mdl_set *marker, sheet *s, size_t *want_n, size_t *want_bytes)
{
    *want_n = *want_bytes = 0;
    ql_mutex_lock(&ts->mdl_mu);
    qli_mdl_set *set = marker->all_next, *last = marker->all_prev;
    take_marker(ts, marker);
    for (int i = 0; set != NULL && i < SETS_A_TIME; i++, set = set->all_next) {
        if (!fits(s, set, want_n, want_bytes)) {
            break;
        }
        *want_n = *want_bytes = 0;
        add_set(ts, s, set);
        last = set;
    }
    put_marker(ts, marker, set, last);
    ql_mutex_unlock(&ts->mdl_mu);
    return set != NULL ? QL_OK : QL_END;
}

/* "db\0table" to its two parts. */
static void
split_names(sheet *s)
{
    for (size_t i = 0; i < s->n; i++) {
        ql_str all = s->v[i].name;
        const char *zero = all.n > 0 ? memchr(all.p, 0, all.n) : NULL;
        if (zero != NULL) {
            s->v[i].db = (ql_str){all.p, (size_t)(zero - all.p)};
            s->v[i].name = (ql_str){zero + 1, all.n - s->v[i].db.n - 1};
        } else if (s->v[i].space == QL_MDL_SCHEMA) {
            s->v[i].db = all;
            s->v[i].name = (ql_str){0};
        }
    }
}

ql_status
ql_mdl_list(ql_ctx *cx, ql_arena *a, ql_mdl_info **out, size_t *n)
{
    ql_txnsys *ts = qli_ts(cx);
    qli_mdl_set marker = {0}; /* holds nothing, waits for nothing: others pass it by */
    sheet s = {0};
    size_t want_n, want_bytes;
    QL_TRY(grow(cx, a, &s, 64, 1024));
    ql_mutex_lock(&ts->mdl_mu);
    put_marker(ts, &marker, ts->mdl_sets, NULL);
    ql_mutex_unlock(&ts->mdl_mu);
    ql_status st = QL_OK;
    while (st == QL_OK) {
        st = copy_some(ts, &marker, &s, &want_n, &want_bytes);
        if (st == QL_OK && want_n > 0) {
            st = grow(cx, a, &s, want_n, want_bytes);
        }
        if (st == QL_OK) {
            st = ql_check(cx);
        }
    }
    ql_mutex_lock(&ts->mdl_mu);
    take_marker(ts, &marker);
    ql_mutex_unlock(&ts->mdl_mu);
    if (st != QL_END) {
        return st;
    }
    split_names(&s);
    *out = s.v;
    *n = s.n;
    return QL_OK;
}
