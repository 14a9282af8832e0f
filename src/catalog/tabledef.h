/* SPDX-License-Identifier: Apache-2.0
 *
 * Definitions of databases, tables, columns and indexes. A ql_table is immutable once published and
 * counted by references: a running statement keeps the version it resolved against.
 */
#ifndef QL_CATALOG_TABLEDEF_H
#define QL_CATALOG_TABLEDEF_H

#include <stdatomic.h>

#include "catalog/table_options.h"
#include "catalog/viewdef.h"
#include "types/codec.h"

typedef enum ql_default_kind {
    QL_DEF_NONE,
    QL_DEF_NULL,
    QL_DEF_VALUE,
    QL_DEF_NOW,
    QL_DEF_EXPR
} ql_default_kind;

typedef struct ql_column {
    ql_str name;
    ql_type type;
    uint16_t ordinal;
    bool auto_increment, on_update_now, zerofill;
    ql_default_kind default_kind;
    ql_value default_value; /* QL_DEF_VALUE: already stored form of the type */
    ql_str default_text;    /* QL_DEF_EXPR: the expression in normalised form (sql/print.h) */
    ql_str generated;       /* GENERATED ALWAYS AS, in that form; empty: a base column */
    bool stored;            /* STORED was written; rows hold the values of VIRTUAL ones, too */
    bool invisible;         /* not in SELECT *, and INSERT without a list does not give it */
    bool hidden;            /* generated, made for a functional key part: no name reaches it */
    ql_str comment;
    ql_str unknown; /* of the record, here and below: what a newer server wrote, kept as it is */
} ql_column;
/* A TIMESTAMP column as servers up to catalog format 2 without that kind made it: it holds what
 * clocks showed, of a zone that nobody noted. They are converted at the start of a server, and by
 * whatever ALTERs the table. */
static inline bool
ql_column_is_local_time(const ql_column *c)
{
    return c->type.field == QL_F_TIMESTAMP && c->type.kind == QL_K_DATETIME;
}
/* ZEROFILL (zerofill true) of a column whose type is set, with the display width as it was written
 * (0: not). */
void ql_column_set_zerofill(ql_column *c, bool zerofill, uint32_t width);

typedef struct ql_index_part {
    uint16_t column; /* ordinal */
    uint32_t prefix; /* characters; 0 = whole */
    bool descending;
    uint32_t cut_how; /* QL_CUT_WEIGHTS or 0 (types/codec.h) */
    ql_str unknown;
} ql_index_part;

/* What keys of this part hold, for types/codec.h. */
static inline uint32_t
ql_part_cut(const ql_index_part *p)
{
    return p->prefix | p->cut_how;
}

typedef struct ql_index {
    uint32_t id; /* prefix of its keys in the keyspace */
    ql_str name; /* "PRIMARY" */
    bool primary, unique;
    bool hidden_rowid; /* clustered index of a table without PRIMARY KEY: key = 8-byte row id */
    bool holds_texts;  /* values of its entries hold the texts of which keys hold weights */
    uint16_t nparts;
    ql_index_part *parts;
    bool invisible; /* kept up to date, but not used to find rows */
    bool generated; /* made for a foreign key; goes when one that is written can take its place */
    bool asked; /* of a specification: the statement makes or changes it; warning 1831 may follow */
    ql_str comment;
    ql_str unknown;
    uint64_t born; /* state of the store (kv.h) from which on its entries are there: a snapshot that
                      is older sees none. 0 = always; QL_INDEX_NOT_BORN: not published yet */
} ql_index;
#define QL_INDEX_NOT_BORN UINT64_MAX

typedef struct ql_check_constraint {
    ql_str name; /* as written; differs, without regard to case, from all others of its database */
    ql_str text; /* the condition in normalised form (sql/print.h) */
    bool not_enforced;
    ql_str unknown;
} ql_check_constraint;

typedef enum ql_fk_action {
    QL_FK_NO_ACTION, /* as RESTRICT: checked row by row */
    QL_FK_RESTRICT,
    QL_FK_CASCADE,
    QL_FK_SET_NULL,
    QL_FK_SET_DEFAULT /* accepted by the grammar, refused by InnoDB's tables as MySQL does */
} ql_fk_action;

/* FOREIGN KEY of the table that has it (the child). Its parent need not exist (foreign_key_checks
 * = 0); what the parent knows of it is found by ql_catalog_children. */
typedef struct ql_foreign_key {
    ql_str name; /* as written or made (t_ibfk_1); differs, without regard to case, from all others
                    of the child's database */
    uint16_t ncolumns;
    uint16_t *columns; /* [ncolumns] ordinals in the child */
    ql_str parent_db, parent_name;
    ql_str *parent_columns; /* [ncolumns] names; follow what RENAME and CHANGE make of the parent */
    ql_str parent_index;    /* UNIQUE_CONSTRAINT_NAME: the parent's key that it stands on; empty
                               without one */
    ql_fk_action on_delete, on_update;
    ql_str unknown;
} ql_foreign_key;

/* indexes[0] is the clustered one (PRIMARY KEY or hidden row id). Its key holds the columns, its
 * value the whole row (codec.h). Keys of others: columns, then (unless unique without NULLs) the
 * clustered key; value = the clustered key, and texts (table/entry.c). */
typedef struct ql_table {
    _Atomic uint32_t refs;
    uint64_t id;      /* of the definition's record; changes when the table is rebuilt */
    uint64_t version; /* of the definition */
    ql_str db, name;
    ql_str engine; /* "InnoDB", "MyISAM", "MEMORY" */
    bool nontxn;   /* MyISAM, MEMORY: table locks, changes are not undone (txn/nontxn.h) */
    const ql_collation *coll;
    ql_str comment;
    ql_table_options options;
    uint16_t ncolumns, nindexes;
    ql_column *columns;
    ql_type *types;       /* columns[i].type, contiguous for the codec */
    ql_value *missing;    /* values of columns that old rows lack */
    ql_row_layout layout; /* how rows lie: columns added in the middle and dropped ones at once */
    ql_index *indexes;
    uint16_t nchecks;
    ql_check_constraint *checks; /* in the order of their names */
    uint16_t nforeign;
    ql_foreign_key *foreign; /* in the order of their names; none where nontxn */
    ql_str unknown;
    const struct qli_unusable *unusable; /* a newer server wrote what must be understood: there are
                                            no columns and indexes, only DROP gets it; or NULL */
    bool has_exprs; /* expression defaults, generated columns or CHECKs: see exec/complete.h */
    const ql_view_def *view; /* a view: it has no indexes, rows, counters, engine; NULL = a table */
    int auto_column;         /* ordinal or -1 */
    struct ql_building *building; /* [its session] being made; building.c; or NULL */
    struct ql_tablestate *state;  /* counters shared by the versions of the table; tablestate.h */
    int64_t create_time;          /* Unix seconds */
    struct ql_scratch *scratch;   /* a temporary table: its ids (txn/scratch.h); NULL = any other */
    bool temporary;
    bool is_virtual; /* information_schema, performance_schema: rows come from a function */
    const struct ql_virtual_table *virt;
    struct ql_arena *arena; /* owns all of it */
} ql_table;

/* Index ids below this are the server's own records (README.md); those of tables start here. */
#define QL_FIRST_INDEX_ID 1000u
#define QL_MAX_KEY_BYTES 3072u
#define QL_MAX_IDENT_CHARS 64u

static inline bool
ql_table_is_transactional(const ql_table *t)
{
    return !t->nontxn;
}

/* Column ordinal by name (ASCII case-insensitive, as MySQL; hidden ones have none), or -1. Index by
 * name or NULL. */
int ql_table_column(const ql_table *t, ql_str name);
const ql_index *ql_table_index(const ql_table *t, ql_str name);

#endif
