/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything virtual: information_schema, performance_schema, sys, the privilege tables of mysql.
 */
#ifndef QL_VIEWS_VIEWS_H
#define QL_VIEWS_VIEWS_H

#include "catalog/virtual.h"

/* Puts all views into cx->inst->catalog: at start, after ql_catalog_open, before there are
 * sessions. */
ql_status ql_views_open(ql_ctx *cx) QL_MUST_USE;

#endif
