/* SPDX-License-Identifier: Apache-2.0
 *
 * GRANT, REVOKE and SHOW GRANTS on the records of accounts and grants, inside the statement's
 * transaction. Who may, and what makes sense at which level, is asked by the caller.
 */
#include <stdlib.h>
#include <string.h>

#include "acl/acl_int.h"
#include "base/diag.h"
#include "base/thread.h"
#include "intr/intr.h"

/* --- GRANT, REVOKE --- */

static ql_status
no_such_grant(ql_ctx *cx, ql_str user, ql_str host, const ql_grant_object *on)
{
    if (on == NULL || on->level != QL_GRANT_TABLE) {
        return ql_fail_text(cx, QL_ER_NONEXISTING_GRANT,
                            "There is no such grant defined for user '%.*s' on host '%.*s'",
                            (int)user.n, user.p, (int)host.n, host.p);
    }
    return ql_fail_text(
        cx, QL_ER_NONEXISTING_TABLE_GRANT,
        "There is no such grant defined for user '%.*s' on host '%.*s' on table '%.*s'",
        (int)user.n, user.p, (int)host.n, host.p, (int)on->table.n, on->table.p);
}

static ql_pmask
mask_of(const ql_grant_set *set)
{
    return (set->privs.bits[0] & QL_PM_STATIC) | (set->option ? QL_PM_GRANT : 0);
}

/* Who grants, as mysql.tables_priv has it. */
static ql_str
grantor_of(ql_ctx *cx)
{
    return cx->vars != NULL ? cx->vars->current_user : (ql_str){0};
}

static ql_status
change_object(ql_ctx *cx, ql_str user, ql_str host, const ql_grant_object *on, ql_pmask add,
              ql_pmask take, bool must_exist)
{
    qli_grant g;
    ql_status st = qli_grant_read(cx, user, host, on, &g);
    if (st == QL_END) {
        if (must_exist) {
            return no_such_grant(cx, user, host, on);
        }
        g = (qli_grant){.level = on->level, .db = on->db, .table = on->table};
    } else {
        QL_TRY(st);
    }
    g.mask = (g.mask | add) & ~take;
    g.grantor = grantor_of(cx);
    g.time = ql_now_real_us() / 1000000;
    return qli_grant_write(cx, user, host, &g);
}

ql_status
ql_acl_grant(ql_ctx *cx, ql_str user, ql_str host, const ql_grant_object *on,
             const ql_grant_set *set)
{
    ql_account a;
    ql_status st = qli_account_lock(cx, user, host, &a);
    if (st == QL_END) {
        return ql_fail(cx, QL_ER_CANT_CREATE_USER_WITH_GRANT);
    }
    QL_TRY(st);
    if (on->level != QL_GRANT_GLOBAL) {
        ql_pmask mask = mask_of(set);
        return mask != 0 ? change_object(cx, user, host, on, mask, 0, false) : QL_OK;
    }
    a.privs.bits[0] |= set->privs.bits[0];
    a.privs.bits[1] |= set->privs.bits[1];
    a.grant_option |= set->option;
    return qli_account_write(cx, &a);
}

ql_status
ql_acl_revoke(ql_ctx *cx, ql_str user, ql_str host, const ql_grant_object *on,
              const ql_grant_set *set)
{
    ql_account a;
    ql_status st = qli_account_lock(cx, user, host, &a);
    if (st == QL_END) {
        return no_such_grant(cx, user, host, NULL);
    }
    QL_TRY(st);
    if (on->level != QL_GRANT_GLOBAL) {
        return change_object(cx, user, host, on, 0, mask_of(set), true);
    }
    a.privs.bits[0] &= ~set->privs.bits[0];
    a.privs.bits[1] &= ~set->privs.bits[1];
    a.grant_option = a.grant_option && !set->option;
    return qli_account_write(cx, &a);
}

ql_status
ql_acl_revoke_all(ql_ctx *cx, ql_str user, ql_str host)
{
    ql_account a;
    qli_grant *v;
    size_t n;
    QL_TRY(qli_account_lock(cx, user, host, &a));
    a.privs = (ql_privs){{0, 0}};
    a.grant_option = false;
    QL_TRY(qli_account_write(cx, &a));
    QL_TRY(qli_grants_of(cx, user, host, &v, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        v[i].mask = 0;
        QL_TRY(qli_grant_write(cx, user, host, &v[i]));
    }
    return QL_OK;
}

/* --- SHOW GRANTS --- */

/* Lines under construction. */
typedef struct lines {
    ql_arena *arena;
    const ql_account *of;
    ql_str *v;
    size_t n;
} lines;

/* GRANT <names> ON <where> TO `user`@`host` [WITH GRANT OPTION] */
static ql_status
grant_line(ql_ctx *cx, lines *l, const char *names, const char *where, bool option)
{
    ql_buf b = {0};
    ql_status st;
    QL_TRY_TO(st, ql_buf_printf(cx, &b, "GRANT %s ON %s TO ", names, where), done);
    QL_TRY_TO(st, ql_buf_put_name(cx, &b, l->of->user), done);
    QL_TRY_TO(st, ql_buf_put_u8(cx, &b, '@'), done);
    QL_TRY_TO(st, ql_buf_put_name(cx, &b, l->of->host), done);
    if (option) {
        QL_TRY_TO(st, ql_buf_put_str(cx, &b, " WITH GRANT OPTION"), done);
    }
    char *p = ql_arena_strndup(cx, l->arena, b.p, b.n);
    l->v[l->n++] = (ql_str){p, b.n};
    st = p != NULL ? QL_OK : QL_ERROR;
done:
    ql_buf_free(&b);
    return st;
}

static ql_status
join_names(ql_ctx *cx, ql_buf *b, const ql_privs *privs, bool dynamic)
{
    for (int i = 0; i < QL_PRIV_COUNT; i++) {
        if (ql_privilege_is_dynamic((ql_privilege)i) == dynamic &&
            ql_privs_has(privs, (ql_privilege)i)) {
            QL_TRY(ql_buf_printf(cx, b, "%s%s",
                                 b->n == 0 ? ""
                                 : dynamic ? ","
                                           : ", ",
                                 ql_privilege_name((ql_privilege)i)));
        }
    }
    return ql_buf_put_u8(cx, b, 0);
}

static ql_status
global_lines(ql_ctx *cx, lines *l)
{
    ql_buf fixed = {0}, dynamic = {0};
    const ql_account *a = l->of;
    ql_status st;
    QL_TRY_TO(st, join_names(cx, &fixed, &a->privs, false), done);
    QL_TRY_TO(st, join_names(cx, &dynamic, &a->privs, true), done);
    QL_TRY_TO(st, grant_line(cx, l, fixed.n > 1 ? fixed.p : "USAGE", "*.*", a->grant_option), done);
    if (dynamic.n > 1) {
        QL_TRY_TO(st, grant_line(cx, l, dynamic.p, "*.*", a->grant_option), done);
    }
done:
    ql_buf_free(&fixed);
    ql_buf_free(&dynamic);
    return st;
}

static ql_status
object_line(ql_ctx *cx, lines *l, const qli_grant *g)
{
    ql_buf where = {0};
    ql_str names = QL_STR("USAGE");
    ql_pmask mask = g->mask & ~QL_PM_GRANT;
    ql_pmask all = g->level == QL_GRANT_TABLE ? QL_PM_TABLE : QL_PM_DB;
    ql_status st = QL_OK;
    if (mask == all) {
        names = QL_STR("ALL PRIVILEGES");
    } else if (mask != 0) {
        QL_TRY(ql_pmask_print(cx, l->arena, mask, &names));
    }
    QL_TRY_TO(st, ql_buf_put_name(cx, &where, g->db), done);
    QL_TRY_TO(st, ql_buf_put_u8(cx, &where, '.'), done);
    if (g->level == QL_GRANT_TABLE) {
        QL_TRY_TO(st, ql_buf_put_name(cx, &where, g->table), done);
    } else {
        QL_TRY_TO(st, ql_buf_put_u8(cx, &where, '*'), done);
    }
    QL_TRY_TO(st, ql_buf_put_u8(cx, &where, 0), done);
    st = grant_line(cx, l, names.p, where.p, g->mask & QL_PM_GRANT);
done:
    ql_buf_free(&where);
    return st;
}

ql_status
ql_acl_show_grants(ql_ctx *cx, ql_arena *arena, ql_str user, ql_str host, ql_str **out, size_t *n)
{
    ql_account a;
    qli_grant *g;
    size_t ng;
    lines l = {.arena = arena, .of = &a};
    ql_status st = qli_account_read(cx, user, host, &a);
    if (st == QL_END) {
        return no_such_grant(cx, user, host, NULL);
    }
    QL_TRY(st);
    QL_TRY(qli_grants_of(cx, user, host, &g, &ng));
    l.v = QL_ARENA_ARRAY(cx, arena, ql_str, ng + 2);
    if (l.v == NULL) {
        return QL_ERROR;
    }
    QL_TRY(global_lines(cx, &l));
    for (size_t i = 0; i < ng; i++) { /* databases, then tables, each by name: as they are stored */
        QL_TRY(ql_check(cx));
        QL_TRY(object_line(cx, &l, &g[i]));
    }
    *out = l.v;
    *n = l.n;
    return QL_OK;
}
