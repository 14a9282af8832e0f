/* SPDX-License-Identifier: Apache-2.0
 *
 * Text files of rows: whatever is written is read back, every cut of the input gives the same rows,
 * and the rows are those of a simple model that has the whole file before it.
 */
#include "fixture.h"

#include "types/textfile.h"

#define MOST_FIELDS 4

/* ---- the model: the manual's rules, on a file in memory ---- */

typedef struct model {
    const ql_text_format *f;
    const char *p;
    size_t n, at;
    bool over, eof; /* the row, the file */
} model;

static bool
stands(const model *m, ql_str term)
{
    return term.n > 0 && m->at + term.n <= m->n && memcmp(m->p + m->at, term.p, term.n) == 0;
}

static ql_str
line_term_of(const ql_text_format *f)
{
    return ql_str_eq(f->field_term, f->line_term) ? (ql_str){0} : f->line_term;
}

/* One field into out; false: the row has none. */
static bool
model_field(model *m, char *out, size_t *n, bool *null)
{
    int quote = m->f->enclosed.n > 0 ? m->f->enclosed.p[0] : -1;
    int escape = m->f->escaped.n > 0 ? m->f->escaped.p[0] : -1;
    bool saw_n = false, closed = false;
    *n = 0;
    if (m->over || m->at == m->n) {
        m->eof |= m->at == m->n;
        return false;
    }
    bool quoted = m->p[m->at] == quote;
    if (quoted) {
        out[(*n)++] = m->p[m->at++];
    }
    for (;;) {
        if (m->at == m->n) {
            m->over = m->eof = true;
            break;
        }
        char c = m->p[m->at];
        if (c == escape && (escape != quote || m->at + 1 == m->n || m->p[m->at + 1] == escape)) {
            if (m->at + 1 == m->n) {
                out[(*n)++] = c;
                m->at++;
                continue;
            }
            char d = m->p[m->at + 1];
            const char *from = "ntrb0Z", *at = d != 0 ? strchr(from, d) : NULL;
            out[(*n)++] = at != NULL ? "\n\t\r\b\0\032"[at - from] : d;
            saw_n |= d == 'N';
            m->at += 2;
            continue;
        }
        if (!quoted && stands(m, line_term_of(m->f))) {
            m->at += line_term_of(m->f).n;
            m->over = true;
            break;
        }
        if (!quoted && stands(m, m->f->field_term)) {
            m->at += m->f->field_term.n;
            break;
        }
        m->at++;
        if (quoted && c == quote) {
            if (m->at < m->n && m->p[m->at] == quote) {
                m->at++;
            } else if (m->at == m->n) {
                m->over = m->eof = closed = true;
                break;
            } else if (stands(m, line_term_of(m->f))) {
                m->at += line_term_of(m->f).n;
                m->over = closed = true;
                break;
            } else if (stands(m, m->f->field_term)) {
                m->at += m->f->field_term.n;
                closed = true;
                break;
            }
        }
        out[(*n)++] = c;
    }
    if (closed) {
        memmove(out, out + 1, --*n);
    }
    *null = (saw_n && *n == 1) || (!closed && quote >= 0 && *n == 4 && memcmp(out, "NULL", 4) == 0);
    return true;
}

/* To the next line; is there more in this one? */
static bool
model_end_line(model *m)
{
    bool cut = false;
    int escape = m->f->escaped.n > 0 ? m->f->escaped.p[0] : -1;
    ql_str term = line_term_of(m->f);
    if (m->over || m->eof || term.n == 0) {
        m->over = false;
        return false;
    }
    for (;; cut = true) {
        if (m->at == m->n) {
            m->eof = true;
            return false;
        }
        if (stands(m, term)) {
            m->at += term.n;
            return cut;
        }
        m->at += m->p[m->at] == escape && m->at + 1 < m->n ? 2 : 1;
    }
}

/* All rows as one text: fields in brackets, NULL as ~, + where a line is cut, rows end with ;. */
static void
model_rows(const ql_text_format *f, ql_str file, uint32_t want, ql_buf *out)
{
    model m = {.f = f, .p = file.p, .n = file.n};
    char field[512];
    ql_ctx cx = {0};
    while (!m.eof) {
        uint32_t n = 0;
        size_t len;
        bool null = false;
        while (n < want && model_field(&m, field, &len, &null)) {
            assert_int_equal(ql_buf_put_u8(&cx, out, null ? '~' : '['), QL_OK);
            assert_int_equal(ql_buf_put(&cx, out, field, len), QL_OK);
            n++;
        }
        if (n == 0) {
            return;
        }
        if (model_end_line(&m)) {
            assert_int_equal(ql_buf_put_u8(&cx, out, '+'), QL_OK);
        }
        assert_int_equal(ql_buf_put_u8(&cx, out, ';'), QL_OK);
    }
}

/* ---- the reader, fed in pieces ---- */

typedef struct feed {
    ql_str file;
    size_t at;
    size_t cut[2];    /* ends of the first pieces */
    uint64_t *random; /* or pieces of any size */
} feed;

static ql_status
next_piece(ql_ctx *cx, void *arg, ql_str *bytes)
{
    feed *f = arg;
    (void)cx;
    size_t left = f->file.n - f->at, n = left;
    for (int i = 0; i < 2; i++) {
        if (f->cut[i] > f->at && f->cut[i] - f->at < n) {
            n = f->cut[i] - f->at;
        }
    }
    if (f->random != NULL && left > 0) {
        n = 1 + next_random(f->random) % (left < 5 ? left : 5);
    }
    if (n == 0) {
        return QL_END;
    }
    *bytes = (ql_str){f->file.p + f->at, n};
    f->at += n;
    return QL_OK;
}

static void
read_rows(ql_ctx *cx, const ql_text_format *f, feed *from, uint32_t want, ql_buf *out)
{
    ql_text_reader r;
    ql_status st;
    assert_int_equal(ql_text_reader_init(cx, cx->arena, &r, f,
                                         ql_charset_by_name(QL_STR("utf8mb4")), want, next_piece,
                                         from),
                     QL_OK);
    while ((st = ql_text_row(cx, &r)) == QL_OK) {
        for (uint32_t i = 0; i < r.nfields; i++) {
            ql_str s = ql_text_bytes(&r, i);
            assert_int_equal(ql_buf_put_u8(cx, out, r.fields[i].is_null ? '~' : '['), QL_OK);
            assert_int_equal(ql_buf_put(cx, out, s.p, s.n), QL_OK);
        }
        if (r.cut) {
            assert_int_equal(ql_buf_put_u8(cx, out, '+'), QL_OK);
        }
        assert_int_equal(ql_buf_put_u8(cx, out, ';'), QL_OK);
    }
    assert_int_equal(st, QL_END);
    ql_text_reader_fini(&r);
}

static void
same(const ql_buf *a, const ql_buf *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->p, b->p, a->n);
}

static const char *const PARTS[] = {"a",    "N",  "NULL", "\\", "\\N", ",",
                                    ",,",   "\"", "\"\"", "\n", "\t",  "|",
                                    "\r\n", "ab", "abc",  "b",  "n",   "\xc3\xa4"};

static ql_str
random_file(uint64_t *seed, char *room, size_t parts)
{
    size_t n = 0;
    for (size_t i = 0; i < parts; i++) {
        const char *p = PARTS[next_random(seed) % QL_ARRAY_LEN(PARTS)];
        memcpy(room + n, p, strlen(p));
        n += strlen(p);
    }
    return (ql_str){room, n};
}

static ql_text_format
random_format(uint64_t *seed)
{
    static const char *const terms[] = {",", "\t", ",,", "ab", "abc", "|", "a|", "\n", ""};
    static const char *const lines[] = {"\n", "\r\n", "abc", "|", ",", "", "ab"};
    static const char *const quotes[] = {"", "\"", "|", "a"};
    static const char *const escapes[] = {"\\", "", "\"", "b"};
    ql_text_format f = {0};
    f.field_term = str(terms[next_random(seed) % (QL_ARRAY_LEN(terms) - 1)]);
    f.line_term = str(lines[next_random(seed) % QL_ARRAY_LEN(lines)]);
    f.enclosed = str(quotes[next_random(seed) % QL_ARRAY_LEN(quotes)]);
    f.escaped = str(escapes[next_random(seed) % QL_ARRAY_LEN(escapes)]);
    return f;
}

static void
test_every_cut_gives_the_rows_of_the_model(void **state)
{
    (void)state;
    ql_ctx cx;
    uint64_t seed = 88172645463325252u;
    char room[512];
    fixture_begin(&cx);
    for (int round = 0; round < 1500; round++) {
        ql_arena_reset(cx.arena);
        ql_text_format f = random_format(&seed);
        ql_str file = random_file(&seed, room, 1 + next_random(&seed) % 14);
        uint32_t want = 1 + (uint32_t)(next_random(&seed) % MOST_FIELDS);
        ql_buf expected = {0}, got = {0};
        model_rows(&f, file, want, &expected);
        for (size_t cut = 0; cut <= file.n; cut++) {
            for (size_t more = cut; more <= file.n; more += 3) {
                feed from = {.file = file, .cut = {cut, more}};
                ql_buf_clear(&got);
                read_rows(&cx, &f, &from, want, &got);
                same(&got, &expected);
            }
        }
        feed from = {.file = file, .random = &seed};
        ql_buf_clear(&got);
        read_rows(&cx, &f, &from, want, &got);
        same(&got, &expected);
        ql_buf_free(&expected);
        ql_buf_free(&got);
    }
    fixture_end(&cx);
}

/* Formats in which nothing that is written can be mistaken. */
static void
test_what_is_written_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *field, *line, *quote, *escape;
    } formats[] = {{"\t", "\n", "", "\\"},   {",", "\n", "\"", "\\"}, {",", "\r\n", "'", "#"},
                   {"||", "##", "\"", "\\"}, {",", ";", "", "\\"},    {"\t", "", "", "\\"}};
    ql_ctx cx;
    uint64_t seed = 362436069u;
    char room[512];
    fixture_begin(&cx);
    for (int round = 0; round < 6000; round++) {
        size_t k = (size_t)round % QL_ARRAY_LEN(formats);
        ql_text_format f = {.field_term = str(formats[k].field),
                            .line_term = str(formats[k].line),
                            .enclosed = str(formats[k].quote),
                            .escaped = str(formats[k].escape)};
        ql_text_writer w;
        ql_buf file = {0}, expected = {0}, got = {0};
        ql_arena_reset(cx.arena);
        f.optionally = round % 2;
        ql_text_writer_init(&w, &f, NULL, true, false);
        assert_false(w.ambiguous);
        for (int row = 0; row < 3; row++) {
            for (int i = 0; i < 2; i++) {
                bool null = next_random(&seed) % 5 == 0;
                ql_str s = random_file(&seed, room, next_random(&seed) % 6);
                if (next_random(&seed) % 7 == 0) {
                    s = (ql_str){"\0x", 2};
                }
                assert_int_equal(null ? ql_text_put_null(&cx, &w, &file, 0)
                                      : ql_text_put(&cx, &w, &file, s, true, 0),
                                 QL_OK);
                ql_str end = i == 0 ? w.f.field_term : w.f.line_term;
                assert_int_equal(ql_buf_put(&cx, &file, end.p, end.n), QL_OK);
                assert_int_equal(ql_buf_put_u8(&cx, &expected, null ? '~' : '['), QL_OK);
                assert_int_equal(ql_buf_put(&cx, &expected, null ? "N" : s.p, null ? 1 : s.n),
                                 QL_OK);
            }
            assert_int_equal(ql_buf_put_u8(&cx, &expected, ';'), QL_OK);
        }
        feed from = {.file = {file.p, file.n}, .random = &seed};
        read_rows(&cx, &f, &from, 2, &got);
        same(&got, &expected);
        ql_buf_free(&file);
        ql_buf_free(&expected);
        ql_buf_free(&got);
    }
    fixture_end(&cx);
}

static void
test_long_rows_are_refused(void **state)
{
    (void)state;
    ql_ctx cx;
    ql_text_reader r;
    ql_text_format f = QL_TEXT_FORMAT_USUAL;
    fixture_begin(&cx);
    feed from = {.file = str("abcdefgh\tijk\nl\tm\n")};
    assert_int_equal(ql_text_reader_init(&cx, cx.arena, &r, &f,
                                         ql_charset_by_name(QL_STR("utf8mb4")), 2, next_piece,
                                         &from),
                     QL_OK);
    r.max_row = 10;
    assert_int_equal(ql_text_row(&cx, &r), QL_ERROR);
    expect_condition(&cx, 1153, QL_DIAG_ERROR,
                     "Got a packet bigger than 'max_allowed_packet' bytes");
    ql_text_reader_fini(&r);
    fixture_end(&cx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cut_gives_the_rows_of_the_model),
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_long_rows_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
