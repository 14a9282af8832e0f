/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalog's world with accounts and all views in it. The boot session has all privileges.
 */
#ifndef QL_TESTS_UNIT_VIEWS_FIXTURE_H
#define QL_TESTS_UNIT_VIEWS_FIXTURE_H

#include "../acl/fixture.h"
#include "views/views.h"

/* An account that may do everything; others by their name. */
static ql_account everything;

static inline int
views_setup(void **state)
{
    (void)acl_setup(state);
    world *w = *state;
    OK(ql_views_open(&w->boot.cx));
    everything = (ql_account){.user = str("root"), .host = str("%"), .privs = ql_privs_all()};
    ql_acl_set_session(&w->boot.cx, &everything);
    return 0;
}

#endif
