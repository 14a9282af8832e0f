/* SPDX-License-Identifier: Apache-2.0
 *
 * Collations, and helpers for UTF-8. Collations come from ICU sort keys with an ASCII table built
 * from them as fast path. They are constant data, valid for the life of the process.
 */
#ifndef QL_TYPES_COLLATE_H
#define QL_TYPES_COLLATE_H

#include "types/charset.h"

struct ql_buf;

/* Collation ids and names are MySQL's (utf8mb4_0900_ai_ci 255, utf8mb4_general_ci 45, utf8mb4_bin
 * 46, utf8mb4_0900_as_cs 278, utf8mb4_unicode_ci 224, utf8mb4_0900_bin 309, binary 63,
 * latin1_swedish_ci 8, utf8mb3_general_ci 33, ascii_general_ci 11 ...). */
typedef struct ql_collation {
    uint16_t id;
    const char *name;
    const ql_charset *charset;
    bool is_binary; /* compares the bytes that texts have inside: binary, and *_bin */
    bool is_bin;    /* called *_bin, or binary: texts are equal when their characters are */
    bool pad_space; /* trailing spaces do not count (all but the 0900 ones and binary) */
    bool case_insensitive, accent_insensitive;
    const void *impl; /* private to collate.c */
} ql_collation;

extern const ql_collation *const ql_coll_binary;  /* 63 */
extern const ql_collation *const ql_coll_default; /* utf8mb4_0900_ai_ci */
extern const ql_collation *const ql_coll_utf8mb4_bin;

const ql_collation *ql_collation_by_id(unsigned id); /* NULL = unknown */
/* The number under which a column's collation is kept. Some collations order texts otherwise than
 * once; the keys of columns that were made then have the old order, and such a column has a
 * collation of the same id and name that goes on with it (ql_collation_by_id and _by_name give the
 * new one). */
unsigned ql_collation_stored(const ql_collation *c);
const ql_collation *ql_collation_of_stored(unsigned stored); /* NULL = unknown */
const ql_collation *
ql_collation_by_name(ql_str name); /* case-insensitive; "utf8_..." = utf8mb3_... */
const ql_collation *ql_charset_default(const ql_charset *cs);
size_t ql_collation_count(void);
const ql_collation *ql_collation_nth(size_t i);

/* Make the tables of weights that are in daily use, those of ICU's root and the general_ci
 * collations, before a statement asks for them: 20 ms in one go. Others are made at the first use
 * of their collation. Any thread, any number of times; after an error the first use tries again. */
void ql_collations_warm(ql_ctx *cx);
/* ICU takes its memory from base/mem from now on, so that what it frees is given back like all
 * else. Before anything uses ICU. */
void ql_icu_use_memory(void);

/* <0, 0, >0. Looks at the kill flag every 64 KiB: on QL_KILLED *result is undefined. */
ql_status ql_coll_compare(ql_ctx *cx, const ql_collation *c, ql_str a, ql_str b,
                          int *result) QL_MUST_USE;
/* Bytes whose memcmp order is the collation's order, appended to out; equal strings give equal
 * bytes. Not terminated. */
ql_status ql_coll_sortkey(ql_ctx *cx, const ql_collation *c, ql_str s,
                          struct ql_buf *out) QL_MUST_USE;
/* The first bytes of that, at least `most` (up to 16) of them; fewer: nothing is said of what comes
 * behind them. What two texts that differ early need to be told apart. */
ql_status ql_coll_sortkey_head(ql_ctx *cx, const ql_collation *c, ql_str s, size_t most,
                               struct ql_buf *out) QL_MUST_USE;
/* Where ql_coll_joins (beginning.h): the beginning of the sort key that holds the first n weights
 * of the text (primary ones; or all that it has), appended to out. Texts that are equal give equal
 * bytes, others are in their order or equal. Where spaces at the end do not count, a beginning may
 * end in some: it is equal to one without them, but its text is greater than those that go on with
 * what is below a space. */
typedef struct ql_weights_end {
    size_t trimmed; /* length of out without these */
    size_t below;   /* and without all behind that goes on from spaces, or none, below a space */
} ql_weights_end;
ql_status ql_coll_first_weights(ql_ctx *cx, const ql_collation *c, ql_str s, uint32_t n,
                                struct ql_buf *out, ql_weights_end *end) QL_MUST_USE;
/* Equal strings give equal hashes. */
ql_status ql_coll_hash(ql_ctx *cx, const ql_collation *c, ql_str s, uint64_t seed,
                       uint64_t *hash) QL_MUST_USE;

/* utf8mb4 helpers. */
size_t ql_utf8_chars(ql_str s); /* number of characters; bad bytes count as one each */
size_t ql_utf8_offset(ql_str s, size_t chars); /* byte offset of character n, at most s.n */
size_t ql_utf8_valid_prefix(ql_str s);         /* bytes up to the first malformed sequence */
/* The same of texts of any length, in pieces with looks at the kill flag between them. */
ql_status ql_utf8_chars_long(ql_ctx *cx, ql_str s, size_t *chars) QL_MUST_USE;
ql_status ql_utf8_offset_long(ql_ctx *cx, ql_str s, size_t chars, size_t *at) QL_MUST_USE;
ql_status ql_utf8_valid_prefix_long(ql_ctx *cx, ql_str s, size_t *good) QL_MUST_USE;
int ql_utf8_decode(const char *p, size_t n, uint32_t *cp); /* bytes used, 0 = malformed */
int ql_utf8_encode(uint32_t cp, char out[4]);
/* Upper/lower case (full Unicode through ICU, ASCII fast path), appended. */
ql_status ql_utf8_upper(ql_ctx *cx, ql_str in, struct ql_buf *out) QL_MUST_USE;
ql_status ql_utf8_lower(ql_ctx *cx, ql_str in, struct ql_buf *out) QL_MUST_USE;
/* ASCII-only case-insensitive compare for keywords, variable names. */
bool ql_str_eq_nocase(ql_str a, ql_str b);
bool ql_str_eq(ql_str a, ql_str b);

#endif
