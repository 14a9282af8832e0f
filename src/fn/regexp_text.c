/* SPDX-License-Identifier: Apache-2.0
 *
 * A UText (unicode/utext.h) over UTF-16 in memory, in chunks. Native indexes are UTF-16 units, so
 * that offsets are the same as over the whole text.
 *
 * When the statement has to stop there must be an end of each of ICU's loops, in both directions,
 * and none of them asks whether it got text. So what is left then becomes one character: a step
 * forward leads to the end of the text and a step back to its beginning. ICU's answer is thrown
 * away.
 */
#include "fn/regexp_text.h"

#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include "intr/intr.h"

#define CHUNK ((int64_t)4096) /* units: 0.5 ms in the slowest of ICU's loops */

/* Border k of the chunks: not within a pair of surrogates. */
static int64_t
border(const qli_regexp_text *t, int64_t k)
{
    int64_t at = k * CHUNK;
    if (at >= t->n) {
        return t->n;
    }
    return at > 0 && U16_IS_TRAIL(t->p[at]) && U16_IS_LEAD(t->p[at - 1]) ? at - 1 : at;
}

static void
set_chunk(UText *ut, const UChar *p, int64_t from, int64_t to, int32_t units)
{
    ut->chunkContents = p;
    ut->chunkNativeStart = from;
    ut->chunkNativeLimit = to;
    ut->chunkLength = units;
    ut->nativeIndexingLimit = to - from == units ? units : 0;
}

/* All that is left in the direction is one character. */
static void
set_end(UText *ut, int64_t n, int64_t at, bool forward)
{
    static const UChar one[] = u"x";
    int64_t from = forward ? at : 0, to = forward ? n : at;
    set_chunk(ut, one, from, to, from < to);
    ut->chunkOffset = forward ? 0 : ut->chunkLength;
}

static UBool U_CALLCONV
text_access(UText *ut, int64_t at, UBool forward)
{
    qli_regexp_text *t = (qli_regexp_text *)(uintptr_t)ut->context;
    at = at < 0 ? 0 : at > t->n ? t->n : at;
    bool more = forward ? at < t->n : at > 0;
    t->stopped |= ql_check(t->cx) != QL_OK;
    if (t->stopped) {
        set_end(ut, t->n, at, forward);
        return more;
    }
    /* The chunk of the character at `at`, or of the one before it. */
    int64_t want = forward && more ? at : at - (at > 0), k = want / CHUNK;
    k += want >= border(t, k + 1) && border(t, k + 1) < t->n;
    int64_t from = border(t, k), to = border(t, k + 1);
    set_chunk(ut, t->p + from, from, to, (int32_t)(to - from));
    ut->chunkOffset = (int32_t)(at - from);
    return more;
}

static int64_t U_CALLCONV
text_length(UText *ut)
{
    return ((const qli_regexp_text *)ut->context)->n;
}

/* Only asked for the one character of set_end. */
static int64_t U_CALLCONV
index_of_offset(const UText *ut)
{
    return ut->chunkOffset == 0 ? ut->chunkNativeStart : ut->chunkNativeLimit;
}

static int32_t U_CALLCONV
offset_of_index(const UText *ut, int64_t at)
{
    return at >= ut->chunkNativeLimit ? ut->chunkLength : 0;
}

static int32_t U_CALLCONV
text_extract(UText *ut, int64_t from, int64_t to, UChar *dest, int32_t room, UErrorCode *ec)
{
    const qli_regexp_text *t = ut->context;
    if (U_FAILURE(*ec)) {
        return 0;
    }
    from = from < 0 ? 0 : from > t->n ? t->n : from;
    to = to < from ? from : to > t->n ? t->n : to;
    int32_t n = (int32_t)(to - from), copied = n < room ? n : room;
    if (copied > 0) {
        u_memcpy(dest, t->p + from, copied);
    }
    if (n < room) {
        dest[n] = 0;
    } else if (n > room) {
        *ec = U_BUFFER_OVERFLOW_ERROR;
    } else if (n > 0) {
        *ec = U_STRING_NOT_TERMINATED_WARNING;
    }
    return n;
}

static UText *U_CALLCONV text_clone(UText *dest, const UText *src, UBool deep, UErrorCode *ec);

static const UTextFuncs text_functions = {.tableSize = sizeof(UTextFuncs),
                                          .clone = text_clone,
                                          .nativeLength = text_length,
                                          .access = text_access,
                                          .extract = text_extract,
                                          .mapOffsetToNative = index_of_offset,
                                          .mapNativeIndexToUTF16 = offset_of_index};

static UText *U_CALLCONV
text_clone(UText *dest, const UText *src, UBool deep, UErrorCode *ec)
{
    if (U_SUCCESS(*ec) && deep) {
        *ec = U_UNSUPPORTED_ERROR;
    }
    return qli_regexp_text_open((qli_regexp_text *)(uintptr_t)src->context, dest, ec);
}

UText *
qli_regexp_text_open(qli_regexp_text *t, UText *out, UErrorCode *ec)
{
    out = utext_setup(out, 0, ec);
    if (U_SUCCESS(*ec)) {
        out->pFuncs = &text_functions;
        out->context = t;
        set_chunk(out, t->p, 0, 0, 0); /* the first step asks for a chunk */
    }
    return out;
}
