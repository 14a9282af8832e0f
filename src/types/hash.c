/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes and equality of values for grouping, DISTINCT and joins: NULL equals NULL, strings follow
 * their collation. A column is hashed by the loop of its slot, chosen once a batch. Looks at the
 * kill flag inside long strings.
 */
#include <string.h>

#include "base/bulk.h"
#include "base/hash.h"
#include "types/kinds_int.h"

#define NULL_HASH 0x9ae16a3b2f90404fULL

static inline uint64_t
mix(uint64_t seed, uint64_t h)
{
    return ql_hash_u64(seed * 0x9e3779b97f4a7c15ULL + h);
}

static inline uint64_t
bits_of_double(double d)
{
    uint64_t u;
    d = d == 0 ? 0 : d;
    memcpy(&u, &d, sizeof u);
    return u;
}

static inline ql_status
string_hash(ql_ctx *cx, ql_str s, const ql_collation *coll, uint64_t *h)
{
    if (coll == NULL || coll == ql_coll_binary) {
        return ql_bulk_hash(cx, s, 0, h);
    }
    return ql_coll_hash(cx, coll, s, 0, h);
}

ql_status
qli_hash_i64(ql_ctx *cx, const ql_value *v, const ql_collation *coll, uint64_t *h)
{
    (void)cx;
    (void)coll;
    *h = v->u;
    return QL_OK;
}

ql_status
qli_hash_double(ql_ctx *cx, const ql_value *v, const ql_collation *coll, uint64_t *h)
{
    (void)cx;
    (void)coll;
    *h = bits_of_double(v->d);
    return QL_OK;
}

ql_status
qli_hash_decimal(ql_ctx *cx, const ql_value *v, const ql_collation *coll, uint64_t *h)
{
    (void)cx;
    (void)coll;
    *h = bits_of_double(ql_decimal_to_double(&v->dec));
    return QL_OK;
}

ql_status
qli_hash_string(ql_ctx *cx, const ql_value *v, const ql_collation *coll, uint64_t *h)
{
    return string_hash(cx, v->s, coll, h);
}

/* The loop of a slot; HASH is a statement that sets h from slot `at`. */
#define HASH_LOOP(HASH)                                                                            \
    do {                                                                                           \
        for (uint16_t k = 0; k < n; k++) {                                                         \
            uint16_t row = sel != NULL ? sel[k] : k;                                               \
            uint16_t at = v->is_const ? 0 : row;                                                   \
            uint64_t h = NULL_HASH;                                                                \
            if (!v->has_nulls || !v->nulls[at]) {                                                  \
                HASH;                                                                              \
            }                                                                                      \
            hash[row] = mix(first ? 0 : hash[row], h);                                             \
        }                                                                                          \
    } while (0)

ql_status
qli_hash_column_null(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n, bool first,
                     uint64_t *hash)
{
    (void)cx;
    (void)v;
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        hash[row] = mix(first ? 0 : hash[row], NULL_HASH);
    }
    return QL_OK;
}

ql_status
qli_hash_column_i64(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n, bool first,
                    uint64_t *hash)
{
    (void)cx;
    HASH_LOOP(h = (uint64_t)v->i[at]);
    return QL_OK;
}

ql_status
qli_hash_column_double(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n, bool first,
                       uint64_t *hash)
{
    (void)cx;
    HASH_LOOP(h = bits_of_double(v->d[at]));
    return QL_OK;
}

ql_status
qli_hash_column_decimal(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n, bool first,
                        uint64_t *hash)
{
    (void)cx;
    HASH_LOOP(h = bits_of_double(ql_decimal_to_double(&v->dec[at])));
    return QL_OK;
}

ql_status
qli_hash_column_string(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n, bool first,
                       uint64_t *hash)
{
    const ql_collation *coll = v->type.coll;
    HASH_LOOP(QL_TRY(string_hash(cx, v->s[at], coll, &h)));
    return QL_OK;
}

ql_status
ql_column_hash(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n, bool first,
               uint64_t *hash)
{
    return ql_kinds[v->type.kind]->hash_column(cx, v, sel, n, first, hash);
}

ql_status
ql_value_hash(ql_ctx *cx, const ql_value *v, const ql_collation *coll, uint64_t seed,
              uint64_t *hash)
{
    uint64_t h = NULL_HASH;
    if (v->kind != QL_K_NULL) {
        QL_TRY(ql_kinds[v->kind]->hash(cx, v, coll, &h));
    }
    *hash = mix(seed, h);
    return QL_OK;
}

/* ---- equality ---- */

/* Numbers of both signednesses are equal when their bits are, unless these mean a negative one. */
ql_status
qli_equal_i64(ql_ctx *cx, const ql_vector *v, uint16_t at, const ql_value *val, bool *equal)
{
    (void)cx;
    *equal = v->i[at] == val->i && (v->i[at] >= 0 || v->type.is_unsigned == val->is_unsigned);
    return QL_OK;
}

ql_status
qli_equal_double(ql_ctx *cx, const ql_vector *v, uint16_t at, const ql_value *val, bool *equal)
{
    (void)cx;
    *equal = v->d[at] == val->d;
    return QL_OK;
}

ql_status
qli_equal_decimal(ql_ctx *cx, const ql_vector *v, uint16_t at, const ql_value *val, bool *equal)
{
    (void)cx;
    *equal = ql_decimal_cmp(&v->dec[at], &val->dec) == 0;
    return QL_OK;
}

ql_status
qli_equal_string(ql_ctx *cx, const ql_vector *v, uint16_t at, const ql_value *val, bool *equal)
{
    int cmp;
    *equal = false;
    if (v->s[at].n == val->s.n) {
        QL_TRY(ql_bulk_compare(cx, v->s[at].p, val->s.p, val->s.n, &cmp));
        if (cmp == 0) {
            *equal = true;
            return QL_OK;
        }
    }
    if (v->type.coll == NULL || v->type.coll == ql_coll_binary) {
        return QL_OK;
    }
    QL_TRY(ql_coll_compare(cx, v->type.coll, v->s[at], val->s, &cmp));
    *equal = cmp == 0;
    return QL_OK;
}

ql_status
ql_cell_equal(ql_ctx *cx, const ql_vector *v, uint16_t row, const ql_value *val, bool *equal)
{
    uint16_t at = v->is_const ? 0 : row;
    bool null = v->type.kind == QL_K_NULL || (v->has_nulls && v->nulls[at]);
    if (null || val->kind == QL_K_NULL) {
        *equal = null && val->kind == QL_K_NULL;
        return QL_OK;
    }
    return ql_kinds[v->type.kind]->equal(cx, v, at, val, equal);
}
