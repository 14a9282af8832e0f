/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of CHECK constraints: one of a database differs from all others, whatever their tables.
 * Each has a record under its name in lower case, which says whose it is; the constraint itself
 * stands in its table's record. A name is given under an exclusive metadata lock of its own. A
 * record whose table is gone, or has no such constraint, is nobody's. Session's thread; waits for
 * metadata locks.
 */
#include <string.h>

#include "base/diag.h"
#include "base/text.h"
#include "catalog/catalog_int.h"

#define LOWER_MAX (QL_MAX_IDENT_CHARS * 8)

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
lock_name(ql_ctx *cx, ql_str db, ql_str lower)
{
    char key[LOWER_MAX * 2 + 1];
    if (db.n + lower.n + 1 > sizeof key) {
        return QL_OK;
    }
    memcpy(key, db.p, db.n);
    key[db.n] = 0;
    memcpy(key + db.n + 1, lower.p, lower.n);
    return ql_mdl_acquire(cx, QL_MDL_CHECK, (ql_str){key, db.n + 1 + lower.n}, QL_MDL_X,
                          QL_MDL_TRANSACTION, ql_lock_wait_deadline(cx));
}

static bool
has_name(const ql_check_constraint *v, uint16_t n, ql_str name)
{
    for (unsigned i = 0; i < n; i++) {
        if (ql_str_eq_nocase(v[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* A record alone proves nothing: does a table of the database have it? */
static ql_status
is_taken(ql_ctx *cx, ql_str db, ql_str name, bool *yes)
{
    ql_table **v;
    size_t n;
    *yes = false;
    QL_TRY(ql_catalog_all_tables(cx, cx->arena, db, &v, &n));
    for (size_t i = 0; i < n && !*yes; i++) {
        QL_TRY(ql_check(cx));
        *yes = has_name(v[i]->checks, v[i]->nchecks, name);
    }
    return QL_OK;
}

static ql_status
claim_name(ql_ctx *cx, ql_buf *key, ql_str db, ql_str name)
{
    char buf[LOWER_MAX];
    ql_str lower = lower_name(buf, name), record;
    QL_TRY(lock_name(cx, db, lower));
    QL_TRY(qli_object_key(cx, key, db, QLI_SPACE_CHECK, lower));
    ql_status st = ql_txn_get(cx, QL_VIEW_CURRENT, qli_buf_str(key), &record);
    if (st != QL_OK) {
        return st == QL_END ? QL_OK : st;
    }
    bool taken;
    QL_TRY(is_taken(cx, db, name, &taken));
    return taken ? ql_fail(cx, QL_ER_CHECK_CONSTRAINT_DUP_NAME, ql_cstr(cx, name)) : QL_OK;
}

ql_status
qli_claim_constraints(ql_ctx *cx, const ql_table_spec *spec, const ql_table *old)
{
    ql_buf key = {0};
    ql_status st = QL_OK;
    for (uint16_t i = 0; st == QL_OK && i < spec->nchecks; i++) {
        ql_str name = spec->checks[i].name;
        bool kept =
            old && ql_str_eq(old->db, spec->db) && has_name(old->checks, old->nchecks, name);
        QL_TRY_TO(st, ql_check(cx), out);
        if (has_name(spec->checks, i, name)) {
            st = ql_fail(cx, QL_ER_CHECK_CONSTRAINT_DUP_NAME, ql_cstr(cx, name));
        } else if (!kept) {
            st = claim_name(cx, &key, spec->db, name);
        }
    }
out:
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

ql_status
qli_store_constraints(ql_ctx *cx, const ql_table *t)
{
    ql_buf key = {0}, val = {0};
    ql_status st = QL_OK;
    for (uint16_t i = 0; i < t->nchecks; i++) {
        char buf[LOWER_MAX];
        ql_str lower = lower_name(buf, t->checks[i].name);
        QL_TRY_TO(st, ql_check(cx), out);
        QL_TRY_TO(st, qli_object_key(cx, &key, t->db, QLI_SPACE_CHECK, lower), out);
        QL_TRY_TO(st, put_record(cx, &val, t, t->checks[i].name), out);
        QL_TRY_TO(st, ql_txn_put(cx, qli_buf_str(&key), qli_buf_str(&val)), out);
    }
out:
    ql_buf_free(&key);
    ql_buf_free(&val);
    return st;
}

ql_status
qli_erase_constraints(ql_ctx *cx, const ql_table *t, const ql_table *but)
{
    ql_buf key = {0};
    ql_status st = QL_OK;
    for (uint16_t i = 0; i < t->nchecks; i++) {
        char buf[LOWER_MAX];
        ql_str name = t->checks[i].name;
        QL_TRY_TO(st, ql_check(cx), out);
        if (but && ql_str_eq(but->db, t->db) && has_name(but->checks, but->nchecks, name)) {
            continue;
        }
        QL_TRY_TO(st, qli_object_key(cx, &key, t->db, QLI_SPACE_CHECK, lower_name(buf, name)), out);
        QL_TRY_TO(st, ql_txn_del(cx, qli_buf_str(&key)), out);
    }
out:
    ql_buf_free(&key);
    return st;
}
