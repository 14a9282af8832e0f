/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fuzz targets share: a context made once, the input as a source of numbers, and a claim
 * that must hold. Linked with libFuzzer under -Dfuzz=true, else with replay.c.
 */
#ifndef QL_TESTS_FUZZ_H
#define QL_TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "intr/background.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLAIM(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                     \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The context of this process; without errors, its arena empty. */
static inline ql_ctx *
fuzz_ctx(void)
{
    static ql_instance inst;
    static ql_intr intr;
    static ql_ctx cx;
    if (cx.intr == NULL) {
        CLAIM(ql_background_init(&cx, &inst, &intr) == QL_OK);
    }
    ql_arena_reset(cx.arena);
    ql_diag_reset(cx.diag);
    return &cx;
}

/* The input, taken from the front; zeros when it is used up. */
typedef struct source {
    const uint8_t *p;
    size_t n;
} source;

static inline uint8_t
take_byte(source *s)
{
    if (s->n == 0) {
        return 0;
    }
    s->n--;
    return *s->p++;
}

static inline uint64_t
take_u64(source *s)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++) {
        v = v << 8 | take_byte(s);
    }
    return v;
}

/* A length byte and so many bytes, in memory of exactly that size; the caller frees it. */
static inline char *
take_bytes(source *s, size_t most, size_t *n)
{
    *n = take_byte(s);
    *n = *n < most ? *n : most;
    *n = *n < s->n ? *n : s->n;
    char *p = malloc(*n > 0 ? *n : 1);
    CLAIM(p != NULL);
    if (*n > 0) {
        memcpy(p, s->p, *n);
    }
    s->p += *n;
    s->n -= *n;
    return p;
}

#endif
