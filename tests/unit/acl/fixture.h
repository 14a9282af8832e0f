/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalog's world with accounts: sessions that change them, commit and roll back as session/
 * does.
 */
#ifndef QL_TESTS_UNIT_ACL_FIXTURE_H
#define QL_TESTS_UNIT_ACL_FIXTURE_H

#include "../lib/world.h"
#include "acl/acl_int.h"

#define SHA2 QL_STR("caching_sha2_password")
#define NATIVE QL_STR("mysql_native_password")

static inline int
acl_setup(void **state)
{
    (void)world_setup(state);
    world *w = *state;
    OK(ql_acl_open(&w->boot.cx, &w->inst.acl));
    return 0;
}

static inline int
acl_teardown(void **state)
{
    world *w = *state;
    if (w->boot.cx.vars != NULL) {
        ql_acl_end_session(&w->boot.cx);
    }
    ql_acl_close(w->inst.acl);
    return world_teardown(state);
}

static inline void
acl_commit(sess *s)
{
    ql_txn_stmt_end(&s->cx);
    OK(ql_txn_commit(&s->cx));
    ql_acl_committed(&s->cx);
    ql_arena_reset(s->cx.arena);
}

static inline void
acl_rollback(sess *s)
{
    ql_txn_rollback(&s->cx);
    ql_acl_rolled_back(&s->cx);
    ql_arena_reset(s->cx.arena);
}

static inline void
create_user(sess *s, const char *user, const char *host)
{
    begin(s);
    ql_account a = {.user = str(user), .host = str(host), .plugin = SHA2, .auth_string = str("")};
    OK(ql_acl_create_user(&s->cx, &a, false));
    acl_commit(s);
}

/* Host of the account that a login gets; "none" when there is no account. */
static inline const char *
login_host(sess *s, const char *user, const char *host)
{
    ql_account a;
    ql_status st = ql_acl_find(&s->cx, s->cx.arena, str(user), str(host), &a);
    if (st == QL_END) {
        return "none";
    }
    assert_int_equal(st, QL_OK);
    assert_true(a.user.n == 0 || ql_str_eq(a.user, str(user)));
    return a.host.p; /* ended by a NUL, as all copies in arenas */
}

/* The error of the session with this number and text; forgets it. */
static inline void
expect_error(sess *s, ql_status st, unsigned number, const char *text)
{
    assert_int_equal(st, QL_ERROR);
    const ql_condition *c = ql_diag_error(s->cx.diag);
    assert_string_equal(c->text, text);
    assert_int_equal(c->number, number);
    ql_diag_reset(s->cx.diag);
}

/* The one note of the session with this number; forgets it. */
static inline void
expect_note(sess *s, unsigned number, const char *text)
{
    assert_int_equal(ql_diag_count(s->cx.diag), 1);
    const ql_condition *c = ql_diag_at(s->cx.diag, 0);
    assert_int_equal(c->level, QL_DIAG_NOTE);
    assert_string_equal(c->text, text);
    assert_int_equal(c->number, number);
    ql_diag_reset(s->cx.diag);
}

#endif
