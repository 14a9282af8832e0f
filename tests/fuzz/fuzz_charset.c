/* SPDX-License-Identifier: Apache-2.0
 *
 * Character sets. Any bytes in any set are a text or are refused at one place: what is in front of
 * it is a text that the set holds, of the length that is told, and becomes bytes that are the same
 * text again. Any UTF-8 becomes bytes that read back as it is, but for '?'.
 */
#include "fuzz.h"
#include "types/collate.h"

static bool
same(ql_str a, ql_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* The bytes of a text of cs, and back. */
static void
goes_round(ql_ctx *cx, const ql_charset *cs, ql_str text)
{
    ql_str bytes, again;
    uint64_t length;
    size_t fit;
    CLAIM(ql_charset_fits(cx, cs, text, &fit) == QL_OK && fit == text.n);
    CLAIM(ql_charset_length(cx, cs, text, &length) == QL_OK);
    CLAIM(ql_charset_bytes(cx, cx->arena, cs, text, &bytes) == QL_OK && bytes.n == length);
    CLAIM(ql_charset_text(cx, cx->arena, cs, bytes, &again, &fit) == QL_OK && fit == bytes.n);
    CLAIM(same(again, text));
    CLAIM(ql_charset_prefix(cx, cs, text, length, &fit) == QL_OK && fit == text.n);
    CLAIM(length == 0 ||
          (ql_charset_prefix(cx, cs, text, length - 1, &fit) == QL_OK && fit < text.n));
}

static void
from_bytes(ql_ctx *cx, const ql_charset *cs, ql_str in)
{
    ql_str text, bytes;
    ql_buf kept = {0};
    size_t fit, valid;
    CLAIM(ql_charset_text(cx, cx->arena, cs, in, &text, &fit) == QL_OK);
    CLAIM(ql_utf8_valid_prefix(text) == text.n ||
          ql_str_eq_nocase(QL_STR("binary"), (ql_str){cs->name, strlen(cs->name)}));
    if (strcmp(cs->name, "binary") != 0) {
        goes_round(cx, cs, text);
    }
    /* What is no text of the set comes back as it was where all bytes are kept. */
    CLAIM(ql_charset_decode(cx, cs, in, QL_MISFIT_KEEP, &kept, &valid) == QL_OK && valid <= in.n);
    CLAIM(ql_charset_bytes(cx, cx->arena, cs, (ql_str){kept.p, kept.n}, &bytes) == QL_OK);
    ql_buf_free(&kept);
}

static void
from_text(ql_ctx *cx, const ql_charset *cs, ql_str in)
{
    ql_str limited;
    size_t fit;
    in.n = ql_utf8_valid_prefix(in);
    CLAIM(ql_charset_limit(cx, cx->arena, cs, in, &limited) == QL_OK);
    CLAIM(ql_utf8_chars(limited) == ql_utf8_chars(in));
    if (strcmp(cs->name, "binary") != 0) {
        goes_round(cx, cs, limited);
    }
    CLAIM(ql_charset_fits(cx, cs, in, &fit) == QL_OK &&
          same((ql_str){in.p, fit}, (ql_str){limited.p, fit}));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    source s = {data, size};
    ql_ctx *cx = fuzz_ctx();
    const ql_charset *cs = ql_charset_nth(take_byte(&s) % ql_charset_count());
    bool bytes = take_byte(&s) & 1;
    char *p = malloc(s.n > 0 ? s.n : 1);
    CLAIM(p != NULL);
    if (s.n > 0) {
        memcpy(p, s.p, s.n);
    }
    if (bytes) {
        from_bytes(cx, cs, (ql_str){p, s.n});
    } else {
        from_text(cx, cs, (ql_str){p, s.n});
    }
    free(p);
    return 0;
}
