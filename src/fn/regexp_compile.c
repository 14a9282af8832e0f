/* SPDX-License-Identifier: Apache-2.0
 *
 * ICU calls nothing back while it compiles a pattern, and takes from 5 us to a second for one. So
 * what it takes is estimated. Short ones are compiled at once, others aside, where the statement
 * can be killed while it waits. What would take longer still is refused.
 */
#include "fn/regexp_compile.h"

#include <unicode/uchar.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "base/mem.h"
#include "fn/fn.h"
#include "intr/aside.h"

/* ---- what it takes ---- */

#define SETS_MAX 64
#define MOVES_MAX (INT64_C(64) * 1024 * 1024)
#define SPAN_MAX (INT64_C(64) * 0x110000)
#define AT_ONCE_NS INT64_C(300000)

/* Times as measured with ICU 72. */
typedef struct work {
    int64_t operators; /* each moves the code compiled so far, 1 ns a unit */
    int64_t brackets;  /* 3 us each */
    int64_t sets;      /* by properties of characters: 0.1 ms, and 4 ms where case is folded */
    int64_t span;      /* characters in ranges: 10 ns each where case is folded */
    bool folds;
} work;

static void
count_work(const UChar *p, int32_t n, uint32_t flags, work *w)
{
    int32_t brackets = 0;
    *w = (work){.folds = (flags & UREGEX_CASE_INSENSITIVE) != 0};
    for (int32_t i = 0; i < n; i++) {
        switch (p[i]) {
        case '[':
            w->brackets++;
            brackets++;
            break;
        case ']':
            brackets -= brackets > 0;
            break;
        case ':': /* [:alpha:] counts twice */
            w->sets += brackets > 0;
            break;
        case '-':
            if (brackets > 0 && i > 0 && i + 1 < n) {
                w->span += p[i + 1] > p[i - 1] ? p[i + 1] - p[i - 1] : 0;
                w->span += U16_IS_SURROGATE(p[i + 1]) ? 0x110000 : 0;
            }
            break;
        case '(':
            w->folds |= i + 1 < n && p[i + 1] == '?'; /* (?i) */
            w->operators++;
            break;
        case '|':
        case '*':
        case '+':
        case '?':
        case '{':
            w->operators++;
            break;
        case '\\':
            if (++i < n) {
                w->sets += p[i] == 'p' || p[i] == 'P' || (brackets > 0 && u_isalpha(p[i]));
            }
            break;
        default:
            break;
        }
    }
}

static bool
is_too_much(const work *w, int32_t n)
{
    return w->sets > SETS_MAX || w->operators * n > MOVES_MAX || w->span > SPAN_MAX;
}

static int64_t
estimate(const work *w, int32_t n)
{
    return n * INT64_C(130) + w->operators * n + w->brackets * 3000 +
           w->sets * (w->folds ? 4000000 : 100000) + (w->folds ? w->span * 10 : 0);
}

/* ---- compiling ---- */

/* Owner: whoever ql_aside says. */
typedef struct job {
    UChar *pattern;
    int32_t n;
    uint32_t flags;
    qli_regexp_compiled is;
} job;

static void
compile_now(const UChar *p, int32_t n, uint32_t flags, qli_regexp_compiled *out)
{
    *out = (qli_regexp_compiled){.ec = U_ZERO_ERROR};
    out->re = uregex_open(p, n, flags, &out->at, &out->ec);
    if (U_FAILURE(out->ec)) {
        uregex_close(out->re);
        out->re = NULL;
    }
}

static void
job_run(void *arg)
{
    job *j = arg;
    compile_now(j->pattern, j->n, j->flags, &j->is);
}

static void
job_free(void *arg)
{
    job *j = arg;
    uregex_close(j->is.re);
    ql_mem_free(j->pattern);
    ql_mem_free(j);
}

static ql_status
compile_aside(ql_ctx *cx, UChar **pattern, int32_t n, uint32_t flags, qli_regexp_compiled *out)
{
    job *j = ql_mem_zalloc(sizeof *j);
    if (j == NULL) {
        return ql_fail_oom(cx, sizeof *j);
    }
    *j = (job){.pattern = *pattern, .n = n, .flags = flags};
    *pattern = NULL;
    QL_TRY(ql_aside(cx, job_run, job_free, j));
    *out = j->is;
    j->is.re = NULL;
    job_free(j);
    return QL_OK;
}

ql_status
qli_regexp_compile(ql_ctx *cx, UChar **pattern, int32_t n, uint32_t flags, qli_regexp_compiled *out)
{
    work w;
    *out = (qli_regexp_compiled){.ec = U_REGEX_PATTERN_TOO_BIG};
    if (n > QLI_REGEXP_UNITS_MAX) {
        return QL_OK;
    }
    QL_TRY(ql_bulk_count(cx, (size_t)n));
    count_work(*pattern, n, flags, &w);
    if (is_too_much(&w, n)) {
        return QL_OK;
    }
    if (estimate(&w, n) <= AT_ONCE_NS) {
        compile_now(*pattern, n, flags, out);
        return QL_OK;
    }
    return compile_aside(cx, pattern, n, flags, out);
}

void
ql_regexp_warm(void)
{
    qli_regexp_compiled first;
    compile_now(u"x", 1, 0, &first);
    uregex_close(first.re);
}
