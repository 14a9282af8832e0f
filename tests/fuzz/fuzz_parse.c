/* SPDX-License-Identifier: Apache-2.0
 *
 * Lexer and parser: any text under any sql_mode, statement by statement as a multi-statement text
 * is run; then the password mask and the digest of the same text. The first byte chooses the mode.
 */
#include "fuzz.h"
#include "sql/parse.h"

static void
parse_all(ql_ctx *cx, ql_str text, const ql_parse_mode *mode)
{
    while (text.n > 0) {
        ql_ast_stmt *stmt = NULL;
        size_t used = 0;
        ql_status st = ql_parse(cx, cx->arena, text, mode, &stmt, &used);
        if (st != QL_OK) {
            CLAIM(st == QL_ERROR && ql_diag_has_error(cx->diag));
            ql_diag_reset(cx->diag);
            return;
        }
        CLAIM(stmt != NULL && used > 0 && used <= text.n);
        CLAIM(!ql_diag_has_error(cx->diag));
        CLAIM(ql_parse_fail_rest(cx, text, used) == QL_ERROR);
        ql_diag_reset(cx->diag);
        text.p += used;
        text.n -= used;
    }
}

/* Masking what is masked already changes nothing. */
static void
check_mask(ql_ctx *cx, ql_str text)
{
    ql_str once, twice;
    CLAIM(ql_mask_passwords(cx, cx->arena, text, &once) == QL_OK);
    CLAIM(ql_mask_passwords(cx, cx->arena, once, &twice) == QL_OK);
    CLAIM(once.n == twice.n && (once.n == 0 || memcmp(once.p, twice.p, once.n) == 0));
}

static void
check_digest(ql_ctx *cx, ql_str text)
{
    char hex[65] = {0};
    ql_str normal;
    if (ql_digest(cx, cx->arena, text, &normal, hex) == QL_OK) {
        CLAIM(strlen(hex) == 64 && strspn(hex, "0123456789abcdef") == 64);
    } else {
        CLAIM(ql_diag_has_error(cx->diag));
        ql_diag_reset(cx->diag);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    ql_ctx *cx = fuzz_ctx();
    unsigned m = data[0];
    ql_parse_mode mode = {.ansi_quotes = m & 1,
                          .no_backslash_escapes = m >> 1 & 1,
                          .pipes_as_concat = m >> 2 & 1,
                          .high_not_precedence = m >> 3 & 1,
                          .ignore_space = m >> 4 & 1,
                          .allow_params = m >> 5 & 1,
                          .literal_coll = ql_coll_default};
    char *exact = malloc(size > 1 ? size - 1 : 1); /* for the sanitizer */
    CLAIM(exact != NULL);
    memcpy(exact, data + 1, size - 1);
    ql_str text = {exact, size - 1};
    parse_all(cx, text, &mode);
    check_mask(cx, text);
    check_digest(cx, text);
    ql_arena_reset(cx->arena);
    free(exact);
    return 0;
}
