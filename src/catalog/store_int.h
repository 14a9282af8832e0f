/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside catalog/: keys and records in the keyspace (README.md, "Keyspace", "Records").
 */
#ifndef QL_CATALOG_STORE_INT_H
#define QL_CATALOG_STORE_INT_H

#include "base/buf.h"
#include "catalog/catalog.h"
#include "catalog/record.h"

/* --- keys ------------------------------------------------------------------------------------ */

/* Index ids of the server's own records (README.md). */
enum qli_system_index {
    QLI_IX_META = 10,     /* "format", "uuid", "id" + bound */
    QLI_IX_DATABASE = 11, /* name */
    QLI_IX_TABLE_1 = 12,  /* database \0 name: tables of format 1 */
    QLI_IX_AUTOINC = 13,  /* table id */
    QLI_IX_ROWS = 14,     /* table id: row count at the last clean stop */
    QLI_IX_OBJECT = 15,   /* database \0, name space (1 byte), name */
    QLI_IX_BUILDING = 16, /* first id: ids that are being filled and have no owner yet */
    QLI_IX_STATS = 17,    /* table id, number of the record: stats/README.md */
};

/* Name spaces of a schema, as MySQL has them: objects of one must differ in name. Stored. In use:
 * TABLE, FOREIGN_KEY and CHECK. */
typedef enum qli_name_space {
    QLI_SPACE_TABLE = 1, /* and views */
    QLI_SPACE_TRIGGER = 2,
    QLI_SPACE_PROCEDURE = 3,
    QLI_SPACE_FUNCTION = 4,
    QLI_SPACE_EVENT = 5,
    QLI_SPACE_FOREIGN_KEY = 6,
    QLI_SPACE_CHECK = 7,
} qli_name_space;

ql_status qli_key_begin(ql_ctx *cx, ql_buf *b, uint32_t index_id) QL_MUST_USE;
ql_status qli_put_be64(ql_ctx *cx, ql_buf *b, uint64_t v) QL_MUST_USE;
uint64_t qli_get_be64(const char *p);
static inline ql_str
qli_buf_str(const ql_buf *b)
{
    return (ql_str){b->p, b->n};
}
ql_status qli_object_key(ql_ctx *cx, ql_buf *key, ql_str db, qli_name_space space,
                         ql_str name) QL_MUST_USE;
ql_status qli_autoinc_key(ql_ctx *cx, ql_buf *key, uint64_t table_id) QL_MUST_USE;

/* --- written and erased in cx->txn (store.c) ------------------------------------------------- */

ql_status qli_store_database(ql_ctx *cx, ql_str name, const ql_collation *coll,
                             ql_str unknown) QL_MUST_USE;
/* With all objects of the database that are there still. */
ql_status qli_erase_database(ql_ctx *cx, ql_str name) QL_MUST_USE;
ql_status qli_store_table(ql_ctx *cx, const ql_table *t, uint64_t autoinc_start) QL_MUST_USE;
ql_status qli_erase_table(ql_ctx *cx, ql_str db, ql_str name) QL_MUST_USE;
/* The names of t's constraints: record that says whose they are; erased, but for those that `but`
 * (may be NULL) has too (constraint.c). */
ql_status qli_store_constraints(ql_ctx *cx, const ql_table *t) QL_MUST_USE;
ql_status qli_erase_constraints(ql_ctx *cx, const ql_table *t, const ql_table *but) QL_MUST_USE;
/* 3822, 1826 unless the names of spec's constraints are free, or are those of `old` (may be NULL).
 * Under locks of the names from then on. Waits: MDL. */
ql_status qli_claim_constraints(ql_ctx *cx, const ql_table_spec *spec,
                                const ql_table *old) QL_MUST_USE;
/* A bound of ids; older: the committed one that it replaces, 0 = none. */
ql_status qli_store_id_bound(ql_ctx *cx, uint64_t bound, uint64_t older) QL_MUST_USE;
ql_status qli_store_format(ql_ctx *cx) QL_MUST_USE;
ql_status qli_store_autoinc(ql_ctx *cx, uint64_t table_id, uint64_t next) QL_MUST_USE;
/* Trash the keys of all indexes of t, its counters too. */
ql_status qli_trash_table(ql_ctx *cx, const ql_table *t) QL_MUST_USE;
/* Of one index; the counters of a table id. */
ql_status qli_trash_index(ql_ctx *cx, uint32_t index_id) QL_MUST_USE;
ql_status qli_trash_counters(ql_ctx *cx, uint64_t table_id) QL_MUST_USE;

/* --- records --------------------------------------------------------------------------------- */

/* Tags that every object in a schema has in its record, whatever its kind. */
enum {
    QLI_OBJECT_ID = 1,
    QLI_OBJECT_NAME = 5,  /* as it was written, where that is not the key */
    QLI_OBJECT_OWNER = 7, /* of the name of a constraint: the id of its table */
    QLI_OBJECT_OWNS = 3,  /* u32s: the index ids whose keys go with it; absent: none */
    QLI_OBJECT_CREATED = 2,
    QLI_OBJECT_VERSION = 4,
};
#define QLI_OBJECT_REQUIRED QL_TAG(QLI_OBJECT_ID)
#define QLI_OBJECT_TAGS                                                                            \
    (QL_TAG(QLI_OBJECT_ID) | QL_TAG(QLI_OBJECT_OWNS) | QL_TAG(QLI_OBJECT_CREATED) |                \
     QL_TAG(QLI_OBJECT_VERSION))
/* Enough to drop one. */
typedef struct qli_object {
    unsigned kind;
    uint64_t id;
    uint32_t *owned; /* index ids */
    size_t nowned;
} qli_object;
/* *whole = false: damaged. */
ql_status qli_decode_object(ql_ctx *cx, ql_arena *a, ql_str record, qli_object *o,
                            bool *whole) QL_MUST_USE;
/* Why a table cannot be used, and how to drop it. Owner: the table's arena. */
typedef struct qli_unusable {
    qli_object object;
    const char *why;
} qli_unusable;
/* From here on t is nothing but a name to be dropped. why in t's arena; NULL = out of memory. */
ql_status qli_table_spoil(ql_ctx *cx, ql_table *t, const qli_object *o,
                          const char *why) QL_MUST_USE;

typedef struct qli_database_record {
    const ql_collation *coll;
    uint32_t foreign;
    ql_str unknown;
} qli_database_record;
ql_status qli_encode_database(ql_ctx *cx, const ql_collation *coll, ql_str unknown,
                              ql_buf *out) QL_MUST_USE;
ql_status qli_decode_database(ql_ctx *cx, ql_arena *a, ql_str name, ql_str record,
                              qli_database_record *out) QL_MUST_USE;
ql_status qli_database_damaged(ql_ctx *cx, ql_str name) QL_MUST_USE; /* 1877 */
ql_status qli_encode_table(ql_ctx *cx, const ql_table *t, uint64_t autoinc_start,
                           ql_buf *out) QL_MUST_USE;
/* Damaged: 1877. What must be understood and is not: QL_OK, and the table is unusable. */
ql_status qli_decode_table(ql_ctx *cx, ql_str db, ql_str name, ql_str record, ql_table **out,
                           uint64_t *autoinc_start) QL_MUST_USE;
/* viewrec.c: the same for a view, of which o has been read; *whole = false: damage. */
ql_status qli_encode_view(ql_ctx *cx, const ql_table *t, ql_buf *out) QL_MUST_USE;
ql_status qli_decode_view(ql_ctx *cx, ql_str record, const qli_object *o, ql_table *t,
                          bool *whole) QL_MUST_USE;
/* The sections of columns (QLI_TABLE_COLUMN) that tables and views have alike. */
#define QLI_TABLE_COLUMN 21u
ql_status qli_put_columns(ql_ctx *cx, ql_buf *b, const ql_column *columns, uint16_t n) QL_MUST_USE;
ql_status qli_take_columns(ql_ctx *cx, ql_str sections, ql_table *t, bool *bad,
                           uint32_t *foreign) QL_MUST_USE;
/* foreignrec.c: the section of a foreign key of t, whose columns are there. */
#define QLI_TABLE_FOREIGN 31u
ql_status qli_put_foreign(ql_ctx *cx, ql_buf *b, const ql_foreign_key *k) QL_MUST_USE;
/* Options of a table: a section each (table_options.c). */
ql_status qli_put_table_options(ql_ctx *cx, ql_buf *b, const ql_table_options *of) QL_MUST_USE;
void qli_take_table_option(const ql_section *s, ql_table_options *to, bool *bad);
ql_status qli_take_foreign(ql_ctx *cx, ql_str sections, const ql_table *t, ql_foreign_key *k,
                           bool *bad, uint32_t *foreign) QL_MUST_USE;
/* format1.c: the same for records of format 1. */
ql_status qli_decode_database_1(ql_ctx *cx, ql_str name, ql_str record,
                                const ql_collation **coll) QL_MUST_USE;
ql_status qli_decode_table_1(ql_ctx *cx, ql_str db, ql_str name, ql_str record, ql_table **out,
                             uint64_t *autoinc_start) QL_MUST_USE;

/* building.c: record of a build in work. */
ql_status qli_forget_building(ql_ctx *cx, const struct ql_building *b) QL_MUST_USE; /* in cx->txn */
/* Its ids have an owner now. */
void qli_building_kept(struct ql_building *b);
/* Ids of a record of index id QLI_IX_BUILDING: the largest. */
uint64_t qli_building_last_id(ql_ctx *cx, ql_str record);

/* Everything from the keyspace into c (load.c). */
ql_status qli_load(ql_ctx *cx, ql_catalog *c) QL_MUST_USE;

#endif
