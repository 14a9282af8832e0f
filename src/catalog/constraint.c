/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of constraints: of each kind, CHECK and FOREIGN KEY, one of a database differs from all
 * others, whatever their tables. Each has a record under its name in lower case, which says whose
 * it is; the constraint itself stands in its table's record. A name is given under an exclusive
 * metadata lock of its own. A record whose table is gone, or has no such constraint, is nobody's.
 * Session's thread; waits for metadata locks.
 */
#include <string.h>

#include "base/diag.h"
#include "base/text.h"
#include "catalog/catalog_int.h"

#define LOWER_MAX (QL_MAX_IDENT_CHARS * 8)

/* Constraints of one kind; both structs begin with their names. */
typedef struct names {
    const char *v;
    size_t size;
    uint16_t n;
} names;

enum { CHECKS, FOREIGN_KEYS, KINDS };
static const struct {
    qli_name_space space;
    ql_mdl_space lock;
    ql_errcode taken;
} kinds[KINDS] = {
    [CHECKS] = {QLI_SPACE_CHECK, QL_MDL_CHECK, QL_ER_CHECK_CONSTRAINT_DUP_NAME},
    [FOREIGN_KEYS] = {QLI_SPACE_FOREIGN_KEY, QL_MDL_FOREIGN, QL_ER_FK_DUP_NAME},
};

static names
names_of(const ql_table *t, unsigned kind)
{
    return kind == CHECKS ? (names){(const char *)t->checks, sizeof *t->checks, t->nchecks}
                          : (names){(const char *)t->foreign, sizeof *t->foreign, t->nforeign};
}

static names
names_of_spec(const ql_table_spec *s, unsigned kind)
{
    return kind == CHECKS ? (names){(const char *)s->checks, sizeof *s->checks, s->nchecks}
                          : (names){(const char *)s->foreign, sizeof *s->foreign, s->nforeign};
}

static ql_str
name_at(const names *v, unsigned i)
{
    ql_str name;
    memcpy(&name, v->v + i * v->size, sizeof name);
    return name;
}

static bool
has_name(names v, ql_str name)
{
    for (unsigned i = 0; i < v.n; i++) {
        if (ql_str_eq_nocase(name_at(&v, i), name)) {
            return true;
        }
    }
    return false;
}

/* What is compared; names that are too long are refused elsewhere. */
static ql_str
lower_name(char buf[LOWER_MAX], ql_str name)
{
    ql_str out = {buf, name.n < LOWER_MAX ? name.n : LOWER_MAX};
    for (size_t i = 0; i < out.n; i++) {
        buf[i] = ql_ascii_lower(name.p[i]);
    }
    return out;
}

static ql_status
lock_name(ql_ctx *cx, unsigned kind, ql_str db, ql_str lower)
{
    char key[LOWER_MAX * 2 + 1];
    if (db.n + lower.n + 1 > sizeof key) {
        return QL_OK;
    }
    memcpy(key, db.p, db.n);
    key[db.n] = 0;
    memcpy(key + db.n + 1, lower.p, lower.n);
    return ql_mdl_acquire(cx, kinds[kind].lock, (ql_str){key, db.n + 1 + lower.n}, QL_MDL_X,
                          QL_MDL_TRANSACTION, ql_lock_wait_deadline(cx));
}

/* A record alone proves nothing: does a table of the database have it? */
static ql_status
is_taken(ql_ctx *cx, unsigned kind, ql_str db, ql_str name, bool *yes)
{
    ql_table **v;
    size_t n;
    *yes = false;
    QL_TRY(ql_catalog_all_tables(cx, cx->arena, db, &v, &n));
    for (size_t i = 0; i < n && !*yes; i++) {
        QL_TRY(ql_check(cx));
        *yes = has_name(names_of(v[i], kind), name);
    }
    return QL_OK;
}

static ql_status
claim_name(ql_ctx *cx, unsigned kind, ql_buf *key, ql_str db, ql_str name)
{
    char buf[LOWER_MAX];
    ql_str lower = lower_name(buf, name), record;
    QL_TRY(lock_name(cx, kind, db, lower));
    QL_TRY(qli_object_key(cx, key, db, kinds[kind].space, lower));
    ql_status st = ql_txn_get(cx, QL_VIEW_CURRENT, qli_buf_str(key), &record);
    if (st != QL_OK) {
        return st == QL_END ? QL_OK : st;
    }
    bool taken;
    QL_TRY(is_taken(cx, kind, db, name, &taken));
    return taken ? ql_fail(cx, kinds[kind].taken, ql_cstr(cx, name)) : QL_OK;
}

static ql_status
claim_kind(ql_ctx *cx, unsigned kind, const ql_table_spec *spec, const ql_table *old, ql_buf *key)
{
    names wanted = names_of_spec(spec, kind);
    bool own = spec->temporary || (old && old->temporary); /* nobody else knows of them */
    for (uint16_t i = 0; i < wanted.n; i++) {
        ql_str name = name_at(&wanted, i);
        bool kept =
            own || (old && ql_str_eq(old->db, spec->db) && has_name(names_of(old, kind), name));
        QL_TRY(ql_check(cx));
        if (has_name((names){wanted.v, wanted.size, i}, name)) {
            return ql_fail(cx, kinds[kind].taken, ql_cstr(cx, name));
        }
        QL_TRY(kept ? QL_OK : claim_name(cx, kind, key, spec->db, name));
    }
    return QL_OK;
}

ql_status
qli_claim_constraints(ql_ctx *cx, const ql_table_spec *spec, const ql_table *old)
{
    ql_buf key = {0};
    ql_status st = QL_OK;
    for (unsigned kind = 0; st == QL_OK && kind < KINDS; kind++) {
        st = claim_kind(cx, kind, spec, old, &key);
    }
    ql_buf_free(&key);
    return st;
}

static ql_status
put_record(ql_ctx *cx, ql_buf *b, const ql_table *t, ql_str name)
{
    ql_buf_clear(b);
    QL_TRY(ql_record_begin(cx, b, QL_REC_CONSTRAINT));
    QL_TRY(ql_section_put_number(cx, b, QLI_OBJECT_ID, t->id));
    QL_TRY(ql_section_put_text(cx, b, QLI_OBJECT_NAME, name));
    QL_TRY(ql_section_put_number(cx, b, QLI_OBJECT_OWNER, t->id));
    return ql_record_end(cx, b);
}

static ql_status
store_kind(ql_ctx *cx, unsigned kind, const ql_table *t, ql_buf *key, ql_buf *val)
{
    names v = names_of(t, kind);
    for (uint16_t i = 0; i < v.n; i++) {
        char buf[LOWER_MAX];
        ql_str name = name_at(&v, i);
        QL_TRY(ql_check(cx));
        QL_TRY(qli_object_key(cx, key, t->db, kinds[kind].space, lower_name(buf, name)));
        QL_TRY(put_record(cx, val, t, name));
        QL_TRY(ql_txn_put(cx, qli_buf_str(key), qli_buf_str(val)));
    }
    return QL_OK;
}

ql_status
qli_store_constraints(ql_ctx *cx, const ql_table *t)
{
    ql_buf key = {0}, val = {0};
    ql_status st = QL_OK;
    for (unsigned kind = 0; st == QL_OK && kind < KINDS; kind++) {
        st = store_kind(cx, kind, t, &key, &val);
    }
    ql_buf_free(&key);
    ql_buf_free(&val);
    return st;
}

static ql_status
erase_kind(ql_ctx *cx, unsigned kind, const ql_table *t, const ql_table *but, ql_buf *key)
{
    names v = names_of(t, kind);
    for (uint16_t i = 0; i < v.n; i++) {
        char buf[LOWER_MAX];
        ql_str name = name_at(&v, i);
        QL_TRY(ql_check(cx));
        if (but && ql_str_eq(but->db, t->db) && has_name(names_of(but, kind), name)) {
            continue;
        }
        QL_TRY(qli_object_key(cx, key, t->db, kinds[kind].space, lower_name(buf, name)));
        QL_TRY(ql_txn_del(cx, qli_buf_str(key)));
    }
    return QL_OK;
}

ql_status
qli_erase_constraints(ql_ctx *cx, const ql_table *t, const ql_table *but)
{
    ql_buf key = {0};
    ql_status st = QL_OK;
    for (unsigned kind = 0; st == QL_OK && kind < KINDS; kind++) {
        st = erase_kind(cx, kind, t, but, &key);
    }
    ql_buf_free(&key);
    return st;
}
