/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalog's world with all views in it.
 */
#ifndef QL_TESTS_UNIT_VIEWS_FIXTURE_H
#define QL_TESTS_UNIT_VIEWS_FIXTURE_H

#include "../lib/world.h"
#include "views/views.h"

static inline int
views_setup(void **state)
{
    (void)world_setup(state);
    world *w = *state;
    OK(ql_views_open(&w->boot.cx));
    return 0;
}

#endif
