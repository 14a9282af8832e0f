/* SPDX-License-Identifier: Apache-2.0
 *
 * Records that can grow: a byte that says of what kind the record is, sections, and a zero byte. A
 * section is a tag, a length and a body; a body may be sections itself. README.md, "Records", has
 * the format and who may add what. Used by catalog/ and acl/. Pure functions; no locks, no waits.
 */
#ifndef QL_CATALOG_RECORD_H
#define QL_CATALOG_RECORD_H

#include "base/arena.h"
#include "base/buf.h"

/* Stored: numbers are never used for anything else. */
typedef enum ql_record_kind {
    QL_REC_DATABASE = 16,
    QL_REC_TABLE = 17,
    QL_REC_VIEW = 18,
    QL_REC_TRIGGER = 19, /* this and the next three: not built */
    QL_REC_PROCEDURE = 20,
    QL_REC_FUNCTION = 21,
    QL_REC_EVENT = 22,
    QL_REC_CONSTRAINT = 23, /* the name of one, which a table's record holds */
    QL_REC_BUILDING = 24,   /* ids being filled that nobody owns yet */
    QL_REC_ACCOUNT = 32,
    QL_REC_GRANT = 33,
} ql_record_kind;

/* --- writing: behind what is in b ---
 *
 * An odd tag must be understood by who reads the record, one with an even tag may be carried along
 * unread. Tags are below QL_TAGS; 0 is the end. What a reader takes for granted is left out:
 * numbers that are 0, texts that are empty. */
#define QL_TAGS 64u

ql_status ql_record_begin(ql_ctx *cx, ql_buf *b, ql_record_kind kind) QL_MUST_USE;
ql_status ql_record_end(ql_ctx *cx, ql_buf *b) QL_MUST_USE;
ql_status ql_section_put(ql_ctx *cx, ql_buf *b, unsigned tag, ql_str body) QL_MUST_USE;
/* A section whose body is what is put between the two calls. */
ql_status ql_section_begin(ql_ctx *cx, ql_buf *b, unsigned tag, size_t *at) QL_MUST_USE;
ql_status ql_section_end(ql_ctx *cx, ql_buf *b, size_t at) QL_MUST_USE;
/* Left out when 0. */
ql_status ql_section_put_number(ql_ctx *cx, ql_buf *b, unsigned tag, uint64_t v) QL_MUST_USE;
/* Left out when empty. */
ql_status ql_section_put_text(ql_ctx *cx, ql_buf *b, unsigned tag, ql_str s) QL_MUST_USE;

/* --- reading --- */

/* Which tags there may be, as bits. */
typedef struct ql_record_shape {
    uint64_t known, required, repeated;
} ql_record_shape;
#define QL_TAG(t) ((uint64_t)1 << (t))

typedef struct ql_section {
    uint32_t tag;
    ql_str body;
    ql_str whole; /* with tag and length */
} ql_section;

/* The inside of a record: false unless kind and end are there. */
bool ql_record_open(ql_str record, ql_record_kind kind, ql_str *sections);
/* Every section whole, all that are required there and not empty, a known one twice only if it may
 * be. *foreign: the first that must be understood and is not known, 0 = none. */
bool ql_sections_check(ql_str sections, const ql_record_shape *shape, uint32_t *foreign);
/* The next one, and *rest behind it; false at the end (rest->n is 0), or when it is not whole. */
bool ql_section_next(ql_str *rest, ql_section *s);
/* 0 and *bad when it is longer than a number, has leading zeros or is above max. */
uint64_t ql_section_number(const ql_section *s, uint64_t max, bool *bad);
/* A copy in a. */
ql_status ql_section_text(ql_ctx *cx, ql_arena *a, const ql_section *s, ql_str *out) QL_MUST_USE;
/* Copies in a of the sections that shape does not know, as they are: they are written again behind
 * the known ones when the object is. Those that must be understood are the caller's to refuse. */
ql_status ql_sections_unknown(ql_ctx *cx, ql_arena *a, ql_str sections,
                              const ql_record_shape *shape, ql_str *out) QL_MUST_USE;

#endif
