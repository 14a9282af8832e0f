/* SPDX-License-Identifier: Apache-2.0
 *
 * FOREIGN KEY clauses become part of a table's specification, each with a key of its columns, which
 * is left out again when another one begins with them (manual, "FOREIGN KEY Constraints"). What
 * concerns the parent is the catalog's to check. All of it in cx->arena; nothing here waits.
 */
#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "base/text.h"
#include "intr/intr.h"
#include "resolve/tableexpr.h"
#include "resolve/tablespec.h"
#include "resolve/tablespec_int.h"

/* --- clauses --------------------------------------------------------------------------------- */

static ql_fk_action
action_of(ql_ast_ref_action a)
{
    switch (a) {
    case QL_REF_RESTRICT:
        return QL_FK_RESTRICT;
    case QL_REF_CASCADE:
        return QL_FK_CASCADE;
    case QL_REF_SET_NULL:
        return QL_FK_SET_NULL;
    case QL_REF_SET_DEFAULT:
        return QL_FK_SET_DEFAULT;
    default:
        return QL_FK_NO_ACTION;
    }
}

static ql_status
check_identifier(ql_ctx *cx, ql_str name)
{
    bool too_long = name.n > 4 * QL_MAX_IDENT_CHARS || ql_utf8_chars(name) > QL_MAX_IDENT_CHARS;
    return too_long ? ql_fail(cx, QL_ER_TOO_LONG_IDENT, ql_cstr(cx, name)) : QL_OK;
}

/* What may not be asked of a generated column. */
static ql_status
check_generated(ql_ctx *cx, const ql_foreign_key *k, const ql_column *c)
{
    const char *what = k->on_delete == QL_FK_SET_NULL   ? "ON DELETE SET NULL"
                       : k->on_update == QL_FK_SET_NULL ? "ON UPDATE SET NULL"
                       : k->on_update == QL_FK_CASCADE  ? "ON UPDATE CASCADE"
                                                        : NULL;
    return c->generated.n > 0 && what != NULL
               ? ql_fail(cx, QL_ER_WRONG_FK_OPTION_FOR_GENERATED_COLUMN, what)
               : QL_OK;
}

static ql_status
take_columns(ql_ctx *cx, const ql_table_spec *spec, const ql_ast_key *ak, ql_foreign_key *k)
{
    for (uint16_t i = 0; i < k->ncolumns; i++) {
        const ql_ast_key_part *p = &ak->parts[i];
        QL_TRY(ql_check(cx));
        if (p->expr != NULL || p->prefix > 0) {
            return ql_fail(cx, QL_ER_CANNOT_ADD_FOREIGN);
        }
        QL_TRY(qli_part_column(cx, spec, p->column, &k->columns[i]));
        QL_TRY(check_generated(cx, k, &spec->columns[k->columns[i]]));
        for (uint16_t j = 0; j < i; j++) {
            if (k->columns[j] == k->columns[i]) {
                return ql_fail(cx, QL_ER_DUP_FIELDNAME, ql_cstr(cx, p->column));
            }
        }
        k->parent_columns[i] = ak->ref_columns[i];
    }
    return QL_OK;
}

ql_status
ql_spec_foreign(ql_ctx *cx, ql_table_spec *spec, const ql_ast_key *ak, uint32_t *number)
{
    ql_foreign_key *k = &spec->foreign[spec->nforeign];
    if (ak->nparts > 16) {
        return ql_fail(cx, QL_ER_TOO_MANY_KEY_PARTS, 16);
    }
    *k = (ql_foreign_key){.name = ak->constraint,
                          .ncolumns = (uint16_t)ak->nparts,
                          .parent_db = ak->ref.db.n > 0 ? ak->ref.db : spec->db,
                          .parent_name = ak->ref.name,
                          .on_delete = action_of(ak->on_delete),
                          .on_update = action_of(ak->on_update)};
    k->columns = QL_ARENA_ARRAY(cx, cx->arena, uint16_t, ak->nparts + 1);
    k->parent_columns = QL_ARENA_ARRAY(cx, cx->arena, ql_str, ak->nparts + 1);
    if (k->columns == NULL || k->parent_columns == NULL) {
        return QL_ERROR;
    }
    if (k->name.n == 0) {
        char *name = ql_arena_printf(cx, cx->arena, "%.*s_ibfk_%u", (int)spec->name.n, spec->name.p,
                                     ++*number);
        if (name == NULL) {
            return QL_ERROR;
        }
        k->name = (ql_str){name, strlen(name)};
    }
    QL_TRY(check_identifier(cx, k->name));
    QL_TRY(ql_catalog_check_database_name(cx, k->parent_db));
    QL_TRY(ql_catalog_check_table_name(cx, k->parent_name));
    QL_TRY(take_columns(cx, spec, ak, k));
    if (k->on_delete == QL_FK_SET_DEFAULT || k->on_update == QL_FK_SET_DEFAULT) {
        return ql_fail(cx, QL_ER_CANNOT_ADD_FOREIGN);
    }
    /* Other engines look at the clause and forget it. */
    spec->nforeign += ql_str_eq(spec->engine, QL_STR("InnoDB"));
    return QL_OK;
}

/* --- keys that were made for them ------------------------------------------------------------ */

/* Is the key a, which was made, no more than a beginning of b? */
static bool
is_beginning(const ql_index *a, const ql_index *b)
{
    if (a->nparts > b->nparts) {
        return false;
    }
    for (uint16_t i = 0; i < a->nparts; i++) {
        if (a->parts[i].column != b->parts[i].column || b->parts[i].prefix != 0) {
            return false;
        }
    }
    return true;
}

/* Another key makes this one, which was made, superfluous; of two equal ones the first stays. */
static bool
is_superfluous(const ql_table_spec *spec, const bool *gone, uint16_t i)
{
    const ql_index *ix = &spec->indexes[i];
    for (uint16_t j = 0; ix->generated && j < spec->nindexes; j++) {
        const ql_index *other = &spec->indexes[j];
        if (j == i || gone[j] || !is_beginning(ix, other)) {
            continue;
        }
        if (!other->generated || other->nparts > ix->nparts || j < i) {
            return true;
        }
    }
    return false;
}

ql_status
ql_spec_drop_superfluous(ql_ctx *cx, ql_table_spec *spec, int *from)
{
    uint16_t n = 0;
    bool *gone = QL_ARENA_ARRAY(cx, cx->arena, bool, spec->nindexes + 1u);
    if (gone == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < spec->nindexes; i++) {
        QL_TRY(ql_bulk_count(cx, (size_t)spec->nindexes * QL_BULK_NODE));
        gone[i] = is_superfluous(spec, gone, i);
    }
    for (uint16_t i = 0; i < spec->nindexes; i++) {
        if (!gone[i]) {
            spec->indexes[n] = spec->indexes[i];
            if (from != NULL) {
                from[n] = from[i];
            }
            n++;
        }
    }
    spec->nindexes = n;
    return QL_OK;
}

/* --- together with the columns --------------------------------------------------------------- */

/* A CHECK is not looked at when a row is changed along with its parent, so none may use what is. */
static ql_status
check_checks(ql_ctx *cx, const ql_table_spec *spec, const ql_foreign_key *k, const ql_column *c)
{
    bool changes = k->on_delete >= QL_FK_SET_NULL || k->on_update >= QL_FK_CASCADE;
    for (uint16_t i = 0; changes && i < spec->nchecks; i++) {
        bool uses;
        QL_TRY(ql_expr_text_uses(cx, spec->checks[i].text, c->name, &uses));
        if (uses) {
            return ql_fail(cx, QL_ER_CHECK_CONSTRAINT_CLAUSE_USING_FK_REFER_ACTION_COLUMN,
                           ql_cstr(cx, c->name), ql_cstr(cx, spec->checks[i].name),
                           ql_cstr(cx, k->name));
        }
    }
    return QL_OK;
}

/* Nor may the value of a stored column depend on it. */
static ql_status
check_stored(ql_ctx *cx, const ql_table_spec *spec, const ql_foreign_key *k, const ql_column *c)
{
    bool changes = k->on_delete >= QL_FK_CASCADE || k->on_update >= QL_FK_CASCADE;
    for (uint16_t i = 0; changes && i < spec->ncolumns; i++) {
        const ql_column *g = &spec->columns[i];
        bool uses = false;
        if (g->generated.n > 0 && g->stored) {
            QL_TRY(ql_expr_text_uses(cx, g->generated, c->name, &uses));
        }
        if (uses) {
            return ql_fail(cx, QL_ER_CANNOT_ADD_FOREIGN);
        }
    }
    return QL_OK;
}

ql_status
ql_spec_foreign_check(ql_ctx *cx, const ql_table_spec *spec)
{
    for (uint16_t i = 0; i < spec->nforeign; i++) {
        const ql_foreign_key *k = &spec->foreign[i];
        bool sets_null = k->on_delete == QL_FK_SET_NULL || k->on_update == QL_FK_SET_NULL;
        for (uint16_t p = 0; p < k->ncolumns; p++) {
            const ql_column *c = &spec->columns[k->columns[p]];
            QL_TRY(ql_check(cx));
            if (c->generated.n > 0 && !c->stored) {
                return ql_fail(cx, QL_ER_FK_CANNOT_USE_VIRTUAL_COLUMN, ql_cstr(cx, k->name),
                               ql_cstr(cx, c->name));
            }
            if (sets_null && !c->type.nullable) {
                return ql_fail(cx, QL_ER_FK_COLUMN_NOT_NULL, ql_cstr(cx, c->name),
                               ql_cstr(cx, k->name));
            }
            QL_TRY(check_checks(cx, spec, k, c));
            QL_TRY(check_stored(cx, spec, k, c));
        }
    }
    return QL_OK;
}
