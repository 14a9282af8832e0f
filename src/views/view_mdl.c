/* SPDX-License-Identifier: Apache-2.0
 *
 * performance_schema.metadata_locks: held and pending metadata locks, columns and words of MySQL
 * 8.4. Quell has no instruments to switch on: the list is always complete. Runs on the session that
 * looks; txn copies the list.
 */
#include "base/hash.h"
#include "txn/mdl.h"
#include "views/views_int.h"

enum { TYPE, SCHEMA, NAME, COLUMN, INSTANCE, MODE, DURATION, STATUS, SOURCE, THREAD, EVENT };

const ql_view_column qli_ps_metadata_locks[] = {
    [TYPE] = {"OBJECT_TYPE", 's', 64, false},
    [SCHEMA] = {"OBJECT_SCHEMA", 's', 64, true},
    [NAME] = {"OBJECT_NAME", 's', 64, true},
    [COLUMN] = {"COLUMN_NAME", 's', 64, true},
    [INSTANCE] = {"OBJECT_INSTANCE_BEGIN", 'u', 0, false},
    [MODE] = {"LOCK_TYPE", 's', 32, false},
    [DURATION] = {"LOCK_DURATION", 's', 32, false},
    [STATUS] = {"LOCK_STATUS", 's', 32, false},
    [SOURCE] = {"SOURCE", 's', 64, true},
    [THREAD] = {"OWNER_THREAD_ID", 'u', 0, true},
    [EVENT] = {"OWNER_EVENT_ID", 'u', 0, true},
    {NULL, 0, 0, false}};

/* A number that tells requests apart and stays the same from one look to the next. */
static uint64_t
instance_of(const ql_mdl_info *l)
{
    uint64_t h = ql_hash_bytes(l->name.p, l->name.n, ql_hash_u64(l->conn_id));
    h = ql_hash_bytes(l->db.p, l->db.n, h);
    return ql_hash_u64(h ^ ((uint64_t)l->space << 16 | (uint64_t)l->mode << 8 |
                            (uint64_t)l->duration << 1 | l->granted));
}

ql_status
qli_fill_metadata_locks(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    ql_mdl_info *l;
    size_t nl;
    QL_TRY(ql_mdl_list(cx, a, &l, &nl));
    for (size_t i = 0; i < nl; i++) {
        ql_value *v;
        QL_TRY(qli_rows_add(cx, &r, &v));
        qli_set_cstr(&v[TYPE], ql_mdl_space_name(l[i].space));
        qli_set_opt_str(&v[SCHEMA], l[i].db.n ? l[i].db : (ql_str){NULL, 0});
        qli_set_opt_str(&v[NAME], l[i].name.n ? l[i].name : (ql_str){NULL, 0});
        v[INSTANCE] = ql_value_uint(instance_of(&l[i]));
        qli_set_cstr(&v[MODE], ql_mdl_mode_name(l[i].mode));
        qli_set_cstr(&v[DURATION], ql_mdl_duration_name(l[i].duration));
        qli_set_cstr(&v[STATUS], l[i].granted ? "GRANTED" : "PENDING");
        v[THREAD] = ql_value_uint(l[i].conn_id);
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}
