/* SPDX-License-Identifier: Apache-2.0
 *
 * Between alterspec.c, which makes the plan of an ALTER TABLE, altercheck.c, which knows its
 * expressions, and alterway.c, which weighs it.
 */
#ifndef QL_RESOLVE_ALTER_INT_H
#define QL_RESOLVE_ALTER_INT_H

#include "resolve/alterspec.h"

/* A column of the new table in the making. */
typedef struct qli_alter_slot {
    ql_column column;
    int from; /* ordinal in the old table, -1: new */
} qli_alter_slot;

/* One call of ql_alter_plan_make; in its frame. */
typedef struct qli_alter_work {
    ql_ctx *cx;
    const ql_table *old;
    const ql_ast_alter *a;
    ql_alter_plan *plan;
    ql_table_spec *spec;
    bool *done;            /* of each action: what it names has been found */
    qli_alter_slot *slots; /* in order */
    uint32_t nslots;
    int *from_index;  /* change.from_index while it is made */
    bool checks_rows; /* a CHECK is new, or is enforced now */
} qli_alter_work;

/* The first action of that kind about that name that is not done, which it then is; -1. */
ql_status qli_alter_find(qli_alter_work *w, ql_alter_kind kind, ql_str name, int *at) QL_MUST_USE;
/* Where a column of the old table is now, or -1. */
int qli_alter_column_now(const qli_alter_work *w, uint16_t old);
/* Number behind a name that was made for a constraint of the table: its name, what is between, a
 * number; 0:
 * it was not. */
uint32_t qli_alter_made_number(ql_str table, ql_str name, const char *between);
/* A name that was made of the old table's name is made of the new one's. */
ql_status qli_alter_keep_name(qli_alter_work *w, ql_str *name, const char *between) QL_MUST_USE;
/* 3939, 3941: DROP CONSTRAINT and ALTER CONSTRAINT name several, or one that is always enforced. */
ql_status qli_alter_constraint_names(const qli_alter_work *w) QL_MUST_USE;
/* CHECK constraints of the new table. 3821, 3940, 3959. */
ql_status qli_alter_checks(qli_alter_work *w) QL_MUST_USE;
/* Foreign keys of the new table, and its keys without those that were made for them and are not
 * needed any more. 1828, 3776, and those of ql_spec_foreign. */
ql_status qli_alter_foreign(qli_alter_work *w) QL_MUST_USE;
/* 3108, 3837: expressions that stay name columns that go or have another name now; 3106. */
ql_status qli_alter_dependencies(qli_alter_work *w) QL_MUST_USE;
/* plan->way, ->why and what goes with them; spec and change are complete but for new_values. */
ql_status qli_alter_plan_weigh(qli_alter_work *w) QL_MUST_USE;

#endif
