/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the privilege tables: mysql.user, mysql.db, mysql.tables_priv and the *_PRIVILEGES of
 * information_schema (columns: views/view_grants.c), from the newest snapshot of the cache. Who
 * may not read the mysql schema sees the rows of the own account in information_schema.
 */
#include <stdlib.h>
#include <string.h>

#include "acl/acl_int.h"
#include "base/diag.h"
#include "intr/intr.h"
#include "types/datetime.h"

/* Rows under construction. */
typedef struct rows {
    ql_arena *a;
    uint16_t ncols;
    ql_value **v;
    size_t n, cap;
} rows;

static ql_status
add_row(ql_ctx *cx, rows *r, ql_value **out)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 32;
        ql_value **v = QL_ARENA_ARRAY(cx, r->a, ql_value *, cap);
        if (v == NULL) {
            return QL_ERROR;
        }
        if (r->n > 0) {
            memcpy(v, r->v, r->n * sizeof *v);
        }
        r->v = v;
        r->cap = cap;
        QL_TRY(ql_check(cx));
    }
    ql_value *row = QL_ARENA_ARRAY(cx, r->a, ql_value, r->ncols);
    if (row == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < r->ncols; i++) {
        row[i] = ql_value_null();
    }
    *out = r->v[r->n++] = row;
    return QL_OK;
}

static ql_value
text(ql_str s)
{
    return ql_value_str(s.p != NULL ? s : QL_STR(""), ql_coll_default);
}

static ql_value
word(const char *s)
{
    return text((ql_str){s, strlen(s)});
}

static ql_value
yes_no(bool yes)
{
    return yes ? word("Y") : word("N");
}

/* The snapshot lives as long as the arena of the rows, whose texts point into it. */
static void
put_snapshot(void *s)
{
    qli_snapshot_put(s);
}

static ql_status
take_snapshot(ql_ctx *cx, ql_arena *a, qli_snapshot **out)
{
    *out = qli_snapshot_get(cx->inst->acl);
    ql_status st = ql_arena_defer(cx, a, put_snapshot, *out);
    if (st != QL_OK) {
        qli_snapshot_put(*out);
    }
    return st;
}

/* --- mysql.* --- */

static bool
has(const ql_account *a, ql_privilege p)
{
    return ql_privs_has(&a->privs, p);
}

/* Columns of mysql.user in their order: privileges, GRANT OPTION in between. */
static ql_status
user_row(ql_ctx *cx, rows *r, const ql_account *a)
{
    static const ql_privilege last[] = {QL_PRIV_CREATE_ROLE, QL_PRIV_DROP_ROLE};
    uint16_t k = 0;
    ql_value *v;
    QL_TRY(add_row(cx, r, &v));
    v[k++] = text(a->host);
    v[k++] = text(a->user);
    for (ql_privilege p = QL_PRIV_SELECT; p <= QL_PRIV_CREATE_TABLESPACE; p++) {
        if (p == QL_PRIV_REFERENCES) {
            v[k++] = yes_no(a->grant_option);
        }
        v[k++] = yes_no(has(a, p));
    }
    for (int i = 0; i < 4; i++) { /* ssl_type, ssl_cipher, x509_issuer, x509_subject */
        v[k++] = word("");
    }
    for (int i = 0; i < 3; i++) { /* max_questions, max_updates, max_connections */
        v[k++] = ql_value_uint(0);
    }
    v[k++] = ql_value_uint(a->max_user_connections);
    v[k++] = text(a->plugin);
    v[k++] = text(a->auth_string);
    v[k++] = word("N"); /* password_expired */
    k = (uint16_t)(k + 2);
    v[k++] = yes_no(a->locked);
    for (size_t i = 0; i < QL_ARRAY_LEN(last); i++) {
        v[k++] = yes_no(has(a, last[i]));
    }
    return QL_OK;
}

static ql_status
db_row(ql_ctx *cx, rows *r, const ql_account *a, const qli_grant *g)
{
    static const ql_pmask columns[] = {QL_PM(SELECT),
                                       QL_PM(INSERT),
                                       QL_PM(UPDATE),
                                       QL_PM(DELETE),
                                       QL_PM(CREATE),
                                       QL_PM(DROP),
                                       QL_PM_GRANT,
                                       QL_PM(REFERENCES),
                                       QL_PM(INDEX),
                                       QL_PM(ALTER),
                                       QL_PM(CREATE_TEMPORARY_TABLES),
                                       QL_PM(LOCK_TABLES),
                                       QL_PM(CREATE_VIEW),
                                       QL_PM(SHOW_VIEW),
                                       QL_PM(CREATE_ROUTINE),
                                       QL_PM(ALTER_ROUTINE),
                                       QL_PM(EXECUTE),
                                       QL_PM(EVENT),
                                       QL_PM(TRIGGER)};
    ql_value *v;
    QL_TRY(add_row(cx, r, &v));
    v[0] = text(a->host);
    v[1] = text(g->db);
    v[2] = text(a->user);
    for (size_t i = 0; i < QL_ARRAY_LEN(columns); i++) {
        v[3 + i] = yes_no(g->mask & columns[i]);
    }
    return QL_OK;
}

/* Table_priv: the members of the SET in their order. */
static ql_status
set_table_priv(ql_ctx *cx, ql_arena *a, ql_pmask mask, ql_value *out)
{
    static const struct {
        ql_pmask bit;
        const char *name;
    } members[] = {{QL_PM(SELECT), "Select"},
                   {QL_PM(INSERT), "Insert"},
                   {QL_PM(UPDATE), "Update"},
                   {QL_PM(DELETE), "Delete"},
                   {QL_PM(CREATE), "Create"},
                   {QL_PM(DROP), "Drop"},
                   {QL_PM_GRANT, "Grant"},
                   {QL_PM(REFERENCES), "References"},
                   {QL_PM(INDEX), "Index"},
                   {QL_PM(ALTER), "Alter"},
                   {QL_PM(CREATE_VIEW), "Create View"},
                   {QL_PM(SHOW_VIEW), "Show view"},
                   {QL_PM(TRIGGER), "Trigger"}};
    char list[160];
    size_t n = 0;
    for (size_t i = 0; i < QL_ARRAY_LEN(members); i++) {
        size_t len = strlen(members[i].name);
        if (!(mask & members[i].bit) || n + len + 1 > sizeof list) {
            continue;
        }
        if (n > 0) {
            list[n++] = ',';
        }
        memcpy(list + n, members[i].name, len);
        n += len;
    }
    char *copy = ql_arena_strndup(cx, a, list, n);
    *out = text((ql_str){copy, n});
    return copy != NULL ? QL_OK : QL_ERROR;
}

static ql_status
table_row(ql_ctx *cx, rows *r, const ql_account *a, const qli_grant *g)
{
    ql_value *v;
    ql_dt dt;
    QL_TRY(add_row(cx, r, &v));
    v[0] = text(a->host);
    v[1] = text(g->db);
    v[2] = text(a->user);
    v[3] = text(g->table);
    v[4] = text(g->grantor);
    ql_dt_from_unix(g->time * 1000000, cx->vars->zone_seconds, &dt);
    v[5] = (ql_value){.kind = QL_K_DATETIME, .i = ql_dt_pack(&dt)};
    v[7] = word("");
    return set_table_priv(cx, r->a, g->mask, &v[6]);
}

static ql_status
mysql_rows(ql_ctx *cx, const qli_snapshot *s, ql_grant_table which, rows *r)
{
    for (size_t i = 0; i < s->n; i++) {
        const qli_cached *c = &s->v[i];
        QL_TRY(ql_check(cx));
        if (which == QL_GRANT_TABLE_USER) {
            QL_TRY(user_row(cx, r, &c->a));
        }
        for (size_t k = 0; which == QL_GRANT_TABLE_DB && k < c->ndbs; k++) {
            QL_TRY(db_row(cx, r, &c->a, &c->dbs[k]));
        }
        for (size_t k = 0; which == QL_GRANT_TABLE_TABLES_PRIV && k < c->ntables; k++) {
            QL_TRY(table_row(cx, r, &c->a, &c->tables[k]));
        }
    }
    return QL_OK;
}

/* --- information_schema --- */

/* 'user'@'host' */
static ql_status
grantee(ql_ctx *cx, ql_arena *a, const ql_account *of, ql_value *out)
{
    char *p = ql_arena_printf(cx, a, "'%.*s'@'%.*s'", (int)of->user.n, of->user.p, (int)of->host.n,
                              of->host.p);
    *out = word(p != NULL ? p : "");
    return p != NULL ? QL_OK : QL_ERROR;
}

/* One row for one privilege; g NULL: a global one. */
static ql_status
privilege_row(ql_ctx *cx, rows *r, const ql_account *a, const qli_grant *g, const char *name,
              bool grantable)
{
    uint16_t k = 0;
    ql_value *v;
    QL_TRY(add_row(cx, r, &v));
    QL_TRY(grantee(cx, r->a, a, &v[k++]));
    v[k++] = word("def");
    if (g != NULL) {
        v[k++] = text(g->db);
    }
    if (g != NULL && g->level == QL_GRANT_TABLE) {
        v[k++] = text(g->table);
    }
    v[k++] = word(name);
    v[k] = word(grantable ? "YES" : "NO");
    return QL_OK;
}

static ql_status
global_rows(ql_ctx *cx, rows *r, const ql_account *a)
{
    bool any = false;
    for (int p = 0; p < QL_PRIV_COUNT; p++) {
        if (has(a, (ql_privilege)p)) {
            any = true;
            QL_TRY(
                privilege_row(cx, r, a, NULL, ql_privilege_name((ql_privilege)p), a->grant_option));
        }
    }
    return any ? QL_OK : privilege_row(cx, r, a, NULL, "USAGE", a->grant_option);
}

static ql_status
object_rows(ql_ctx *cx, rows *r, const ql_account *a, const qli_grant *g)
{
    bool option = g->mask & QL_PM_GRANT;
    if ((g->mask & QL_PM_STATIC) == 0) {
        return privilege_row(cx, r, a, g, "USAGE", option);
    }
    for (int p = 0; p < QL_PRIV_COUNT && !ql_privilege_is_dynamic((ql_privilege)p); p++) {
        if (g->mask >> p & 1) {
            QL_TRY(privilege_row(cx, r, a, g, ql_privilege_name((ql_privilege)p), option));
        }
    }
    return QL_OK;
}

static ql_status
infoschema_rows(ql_ctx *cx, const qli_snapshot *s, ql_grant_table which, rows *r)
{
    bool all = ql_acl_on_db(cx, QL_STR("mysql")) & QL_PM(SELECT);
    const ql_account *me = cx->vars->account;
    for (size_t i = 0; i < s->n; i++) {
        const qli_cached *c = &s->v[i];
        QL_TRY(ql_check(cx));
        if (!all &&
            (me == NULL || !ql_str_eq(c->a.user, me->user) || !ql_str_eq(c->a.host, me->host))) {
            continue;
        }
        if (which == QL_GRANT_TABLE_IS_USER) {
            QL_TRY(global_rows(cx, r, &c->a));
        }
        for (size_t k = 0; which == QL_GRANT_TABLE_IS_SCHEMA && k < c->ndbs; k++) {
            QL_TRY(object_rows(cx, r, &c->a, &c->dbs[k]));
        }
        for (size_t k = 0; which == QL_GRANT_TABLE_IS_TABLE && k < c->ntables; k++) {
            QL_TRY(object_rows(cx, r, &c->a, &c->tables[k]));
        }
    }
    return QL_OK;
}

static ql_status
fill(ql_ctx *cx, ql_arena *a, ql_grant_table which, uint16_t ncols, ql_value ***out, size_t *n)
{
    rows r = {.a = a, .ncols = ncols};
    qli_snapshot *s;
    QL_TRY(take_snapshot(cx, a, &s));
    if (which <= QL_GRANT_TABLE_TABLES_PRIV) {
        QL_TRY(mysql_rows(cx, s, which, &r));
    } else {
        QL_TRY(infoschema_rows(cx, s, which, &r));
    }
    *out = r.v;
    *n = r.n;
    return QL_OK;
}

const ql_viewer_ops qli_viewer_ops = {.sees_database = ql_acl_sees_db,
                                      .sees_table = ql_acl_sees_table,
                                      .column_privileges = ql_acl_column_privileges,
                                      .grants = fill};
