/* SPDX-License-Identifier: Apache-2.0
 *
 * Sections, and the records of tables and databases that are made of them: bytes as README.md says,
 * cut and flipped ones, those of a newer server, and memory that runs out while they are read.
 */
#include "../lib/world.h"
#include "catalog/catalog_int.h"
#include "catalog/record.h"

/* --- sections --------------------------------------------------------------------------------- */

#define BYTES(s) ((ql_str){(s), sizeof(s) - 1})

static void
assert_bytes(const ql_buf *b, ql_str want)
{
    assert_int_equal(b->n, want.n);
    assert_memory_equal(b->p, want.p, want.n);
}

/* Tag, length, body; numbers without leading zeros, lengths of 7 bits a byte. */
static void
sections_as_they_are_stored(void **state)
{
    world *w = *state;
    ql_ctx *cx = &w->boot.cx;
    ql_buf b = {0};
    size_t at;
    OK(ql_record_begin(cx, &b, QL_REC_TABLE));
    OK(ql_section_put_number(cx, &b, 3, 0)); /* left out */
    OK(ql_section_put_number(cx, &b, 3, 0x1ff));
    OK(ql_section_put_text(cx, &b, 5, str("")));
    OK(ql_section_put_text(cx, &b, 5, str("abc")));
    OK(ql_section_put(cx, &b, 7, str("")));
    OK(ql_section_begin(cx, &b, 200, &at));
    OK(ql_section_put_number(cx, &b, 1, 7));
    OK(ql_section_end(cx, &b, at));
    OK(ql_record_end(cx, &b));
    assert_bytes(&b, BYTES("\x11\3\2\xff\1\5\3abc\7\0\xc8\1\3\1\1\7\0"));
    ql_buf_free(&b);
    for (size_t n = 126; n <= 16385; n = n == 129 ? 16382 : n + 1) { /* around 2^7 and 2^14 */
        ql_str rest, body = {calloc(1, n), n};
        ql_section s;
        OK(ql_section_begin(cx, &b, 9, &at));
        OK(ql_buf_put(cx, &b, body.p, n));
        OK(ql_section_end(cx, &b, at));
        assert_int_equal(b.n, 1 + (n < 128 ? 1 : n < 16384 ? 2 : 3) + n);
        rest = (ql_str){b.p, b.n};
        assert_true(ql_section_next(&rest, &s));
        assert_true(s.tag == 9 && s.body.n == n && s.whole.n == b.n && rest.n == 0);
        ql_buf_clear(&b);
        OK(ql_section_put(cx, &b, 9, body));
        rest = (ql_str){b.p, b.n};
        assert_true(ql_section_next(&rest, &s) && s.body.n == n && rest.n == 0);
        ql_buf_free(&b);
        free((void *)(uintptr_t)body.p);
    }
}

static void
sections_that_are_not_whole(void **state)
{
    static const struct {
        ql_str bytes;
        bool whole;
        uint32_t foreign;
    } v[] = {
        {{"", 0}, false, 0},             /* 1 is required */
        {{"\1\0", 2}, false, 0},         /* and not empty */
        {{"\1\1a", 3}, true, 0},         /* */
        {{"\1\1a\3\0\3\0", 7}, true, 0}, /* 3 may be there twice, and empty */
        {{"\1\1a\1\1a", 6}, false, 0},   /* 1 may not */
        {{"\1", 1}, false, 0},           /* no length */
        {{"\1\1", 2}, false, 0},         /* no body */
        {{"\1\1a\0\0", 5}, false, 0},    /* 0 is the end of records */
        {{"\1\1a\x3e\1x", 6}, true, 0},  /* unknown, may be */
        {{"\1\1a\x3d\1x", 6}, true, 61}, /* unknown, must be understood */
        {{"\1\1a\x3d\0\x3f\0", 7}, true, 61},
        {{"\1\1a\xc9\1\0", 6}, true, 201},
        {{"\1\1a\xff\xff\xff\xff\x0f\0", 9}, true, UINT32_MAX},
        {{"\1\1a\xff\xff\xff\xff\x1f\0", 9}, false, 0}, /* 33 bits */
        {{"\1\1a\x80\x80\x80\x80\x80\0", 9}, false, 0}, /* six bytes */
        {{"\1\xff\xff\xff\xff\x0f", 6}, false, 0},      /* longer than all there is */
        {{"\1\1a\x80", 4}, false, 0},
    };
    const ql_record_shape shape = {
        .known = QL_TAG(1) | QL_TAG(3), .required = QL_TAG(1), .repeated = QL_TAG(3)};
    (void)state;
    for (size_t i = 0; i < QL_ARRAY_LEN(v); i++) {
        uint32_t foreign;
        char *exact = malloc(v[i].bytes.n + 1); /* for the sanitizer */
        memcpy(exact, v[i].bytes.p, v[i].bytes.n);
        assert_int_equal(ql_sections_check((ql_str){exact, v[i].bytes.n}, &shape, &foreign),
                         v[i].whole);
        if (v[i].whole) {
            assert_int_equal(foreign, v[i].foreign);
        }
        free(exact);
    }
    ql_str in;
    assert_false(ql_record_open(BYTES("\x11"), QL_REC_TABLE, &in));
    assert_false(ql_record_open(BYTES("\x11\1\0\1"), QL_REC_TABLE, &in)); /* no end */
    assert_false(ql_record_open(BYTES("\x10\0"), QL_REC_TABLE, &in));
    assert_true(ql_record_open(BYTES("\x11\0"), QL_REC_TABLE, &in) && in.n == 0);
    bool bad = false;
    ql_section nine = {.tag = 1, .body = BYTES("\1\0\0\0\0\0\0\0\0")};
    assert_true(ql_section_number(&nine, UINT64_MAX, &bad) == 0 && bad);
    bad = false;
    ql_section zero = {.tag = 1, .body = BYTES("\1\0")};
    assert_true(ql_section_number(&zero, UINT64_MAX, &bad) == 0 && bad);
    bad = false;
    ql_section two = {.tag = 1, .body = BYTES("\2")};
    assert_true(ql_section_number(&two, 1, &bad) == 0 && bad);
}

/* --- tables ----------------------------------------------------------------------------------- */

/* Everything that a record can hold: CREATE TABLE d.full (id INT AUTO_INCREMENT COMMENT 'c', e
 * ENUM('x',''), n TEXT, t DATETIME(3) DEFAULT NOW(3) ON UPDATE NOW(3), d DECIMAL(5,2) UNSIGNED
 * ZEROFILL DEFAULT 1.5, PRIMARY KEY (id), KEY k (n(7) DESC, d) INVISIBLE COMMENT 'i', CONSTRAINT
 * Pos CHECK (d > 0), CONSTRAINT neg CHECK (d < 0) NOT ENFORCED, CONSTRAINT Fk FOREIGN KEY (id)
 * REFERENCES full (ID) ON DELETE CASCADE ON UPDATE RESTRICT) COMMENT 't'; e is generated, stored
 * and hidden, n invisible, k as if made for a foreign key. */
static ql_table *
make_full(sess *s)
{
    ql_str names[2] = {str("x"), str("")};
    ql_members members = {.n = 2, .names = names};
    ql_column c[5] = {int_column("id", false), text_column("e", 1, true),
                      text_column("n", 65535, true), int_column("t", true), int_column("d", false)};
    c[0].auto_increment = true;
    c[0].comment = str("c");
    c[1].type = ql_type_list(QL_K_ENUM, &members, ql_coll_default);
    c[1].generated = str("upper(`n`)");
    c[1].stored = c[1].hidden = true;
    c[2].type.field = QL_F_BLOB;
    c[2].invisible = true;
    c[3].type = ql_type_datetime(3);
    c[3].type.nullable = true;
    c[3].default_kind = QL_DEF_NOW;
    c[3].on_update_now = true;
    c[4].type = ql_type_decimal(5, 2);
    c[4].type.is_unsigned = true;
    ql_column_set_zerofill(&c[4], true, 0);
    assert_int_equal(c[4].type.zerofill, 6); /* digits and the point */
    c[4].default_kind = QL_DEF_VALUE;
    ql_value text = ql_value_str(str("1.5"), ql_coll_default);
    OK(ql_value_store(&s->cx, s->cx.arena, &text, &c[4].type, "d", 1, true, &c[4].default_value));
    ql_index_part p[3] = {
        {.column = 0}, {.column = 2, .prefix = 7, .descending = true}, {.column = 4}};
    ql_index ix[2] = {{.parts = p, .nparts = 1, .primary = true},
                      {.parts = p + 1, .nparts = 2, .name = str("k"), .comment = str("i")}};
    ix[1].invisible = ix[1].generated = true;
    uint16_t own = 0;
    ql_str referred = str("ID");
    ql_foreign_key foreign = {.name = str("Fk"),
                              .ncolumns = 1,
                              .columns = &own,
                              .parent_db = str("d"),
                              .parent_name = str("full"),
                              .parent_columns = &referred,
                              .on_delete = QL_FK_CASCADE,
                              .on_update = QL_FK_RESTRICT};
    ql_check_constraint checks[2] = {
        {.name = str("Pos"), .text = str("(`d` > 0)")},
        {.name = str("neg"), .text = str("(`d` < 0)"), .not_enforced = true}};
    ql_table_spec spec = {.db = str("d"),
                          .name = str("full"),
                          .columns = c,
                          .ncolumns = 5,
                          .indexes = ix,
                          .nindexes = 2,
                          .checks = checks,
                          .nchecks = 2,
                          .foreign = &foreign,
                          .nforeign = 1,
                          .comment = str("t")};
    ql_table *t;
    begin(s);
    OK(ql_catalog_create_database(&s->cx, str("d"), NULL));
    OK(ql_catalog_create_table(&s->cx, &spec));
    commit(s);
    OK(ql_catalog_get_table(&s->cx, str("d"), str("full"), &t));
    return t;
}

static ql_status
decode(sess *s, ql_str record, ql_table **out)
{
    uint64_t start;
    return qli_decode_table(&s->cx, str("d"), str("full"), record, out, &start);
}

static void
a_full_table(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_full(s), *copy;
    ql_buf b = {0}, again = {0};
    uint64_t start;
    OK(qli_encode_table(&s->cx, t, 7, &b));
    OK(qli_decode_table(&s->cx, str("d"), str("full"), (ql_str){b.p, b.n}, &copy, &start));
    assert_int_equal(start, 7);
    assert_null(copy->unusable);
    assert_true(copy->id == t->id && copy->version == t->version &&
                copy->create_time == t->create_time);
    assert_string_equal(copy->comment.p, "t");
    assert_string_equal(copy->engine.p, "InnoDB");
    assert_int_equal(copy->ncolumns, 5);
    for (unsigned i = 0; i < 5; i++) {
        const ql_column *x = &copy->columns[i], *y = &t->columns[i];
        assert_true(ql_str_eq(x->name, y->name) && ql_str_eq(x->comment, y->comment));
        assert_true(x->type.kind == y->type.kind && x->type.field == y->type.field &&
                    x->type.length == y->type.length && x->type.decimals == y->type.decimals &&
                    x->type.coll == y->type.coll && x->type.nullable == y->type.nullable &&
                    x->type.is_unsigned == y->type.is_unsigned &&
                    x->type.zerofill == y->type.zerofill);
        assert_true(x->auto_increment == y->auto_increment && x->zerofill == y->zerofill &&
                    x->on_update_now == y->on_update_now && x->default_kind == y->default_kind &&
                    x->ordinal == i);
        assert_true(ql_str_eq(x->generated, y->generated) && x->stored == (i == 1) &&
                    x->hidden == (i == 1) && x->invisible == (i == 2));
        assert_true(ql_value_is_null(&copy->missing[i]));
    }
    assert_int_equal(copy->types[1].members->n, 2);
    assert_int_equal(copy->types[1].members->names[1].n, 0);
    assert_int_equal(copy->columns[4].default_value.dec.limb[0],
                     t->columns[4].default_value.dec.limb[0]);
    assert_string_equal(copy->columns[1].generated.p, "upper(`n`)");
    assert_true(copy->has_exprs && copy->nchecks == 2); /* by name, without regard to case */
    assert_string_equal(copy->checks[0].name.p, "neg");
    assert_string_equal(copy->checks[1].text.p, "(`d` > 0)");
    assert_true(copy->checks[0].not_enforced && !copy->checks[1].not_enforced);
    assert_true(copy->indexes[1].invisible && !copy->indexes[0].invisible);
    assert_true(copy->indexes[1].generated && !copy->indexes[0].generated);
    assert_int_equal(copy->nforeign, 1);
    const ql_foreign_key *k = &copy->foreign[0];
    assert_true(k->ncolumns == 1 && k->columns[0] == 0);
    assert_string_equal(k->name.p, "Fk");
    assert_string_equal(k->parent_db.p, "d");
    assert_string_equal(k->parent_name.p, "full");
    assert_string_equal(k->parent_columns[0].p, "id"); /* as the column is written */
    assert_string_equal(k->parent_index.p, "PRIMARY");
    assert_true(k->on_delete == QL_FK_CASCADE && k->on_update == QL_FK_RESTRICT);
    assert_int_equal(copy->nindexes, 2);
    assert_true(copy->indexes[0].primary && copy->indexes[0].unique && !copy->indexes[1].unique);
    assert_string_equal(copy->indexes[1].comment.p, "i");
    assert_true(copy->indexes[1].parts[0].column == 2 && copy->indexes[1].parts[0].prefix == 7 &&
                copy->indexes[1].parts[0].descending && copy->indexes[1].parts[1].column == 4);
    OK(qli_encode_table(&s->cx, copy, 7, &again));
    assert_bytes(&again, (ql_str){b.p, b.n});
    ql_table_put(copy);
    ql_table_put(t);
    ql_buf_free(&b);
    ql_buf_free(&again);
}

/* Every cut is an error, every flipped bit an error, a table, or one that cannot be used; what can
 * be used is written again as it was read. */
static void
damaged_tables(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_full(s), *copy;
    ql_buf b = {0}, again = {0};
    unsigned usable = 0, unusable = 0;
    OK(qli_encode_table(&s->cx, t, 7, &b));
    for (size_t n = 0; n < b.n; n++) {
        char *cut = malloc(n ? n : 1);
        memcpy(cut, b.p, n);
        FAILS(s, decode(s, (ql_str){cut, n}, &copy), 1877);
        free(cut);
    }
    for (size_t i = 0; i < b.n * 8; i++) {
        b.p[i / 8] = (char)(b.p[i / 8] ^ 1 << i % 8);
        ql_status st = decode(s, (ql_str){b.p, b.n}, &copy);
        if (st == QL_OK) {
            usable += copy->unusable == NULL;
            unusable += copy->unusable != NULL;
            if (!copy->unusable) {
                OK(qli_encode_table(&s->cx, copy, 1, &again));
                ql_buf_clear(&again);
            }
            ql_table_put(copy);
        } else {
            assert_int_equal(sess_error(s), 1877);
        }
        b.p[i / 8] = (char)(b.p[i / 8] ^ 1 << i % 8);
    }
    assert_true(usable > 0 && unusable > 0);
    ql_buf_free(&b);
    ql_buf_free(&again);
    ql_table_put(t);
}

/* The record of d.full with more in one of its parts: sections behind those of the part that
 * begins with tag `part` of the table (0 = the table itself), of the last one; its last INDEX_PART
 * for part 11. */
static void
insert(ql_ctx *cx, ql_str sections, unsigned part, ql_str more, ql_buf *out)
{
    ql_str rest = sections, last = {NULL, 0};
    ql_section s;
    while (ql_section_next(&rest, &s)) {
        last = s.tag == part || (part == 11 && s.tag == 23) ? s.whole : last;
    }
    rest = sections;
    while (ql_section_next(&rest, &s)) {
        size_t at;
        if (s.whole.p != last.p) {
            OK(ql_buf_put(cx, out, s.whole.p, s.whole.n));
            continue;
        }
        OK(ql_section_begin(cx, out, s.tag, &at));
        if (part == 11 && s.tag == 23) {
            insert(cx, s.body, 11, more, out);
        } else {
            OK(ql_buf_put(cx, out, s.body.p, s.body.n));
            OK(ql_buf_put(cx, out, more.p, more.n));
        }
        OK(ql_section_end(cx, out, at));
    }
    if (part == 0) {
        OK(ql_buf_put(cx, out, more.p, more.n));
    }
}

static void
with_more(ql_ctx *cx, const ql_table *t, unsigned part, ql_str more, ql_buf *out)
{
    ql_buf b = {0};
    ql_str sections;
    OK(qli_encode_table(cx, t, 1, &b));
    assert_true(ql_record_open((ql_str){b.p, b.n}, QL_REC_TABLE, &sections));
    ql_buf_clear(out);
    OK(ql_record_begin(cx, out, QL_REC_TABLE));
    insert(cx, sections, part, more, out);
    OK(ql_record_end(cx, out));
    ql_buf_free(&b);
}

static const unsigned parts[] = {0, 21, 23, 31, 11}; /* table, column, index, foreign key, part */

/* Unknown sections that may be there: the table is used, written again with them, also as the table
 * that TRUNCATE makes. */
static void
unknown_sections_are_kept(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_full(s), *now;
    ql_buf b = {0}, again = {0}, key = {0};
    for (size_t i = 0; i < QL_ARRAY_LEN(parts); i++) {
        with_more(&s->cx, t, parts[i], BYTES("\x3e\3new\xc8\1\1!"), &b);
        OK(decode(s, (ql_str){b.p, b.n}, &now));
        assert_null(now->unusable);
        ql_buf_clear(&again);
        OK(qli_encode_table(&s->cx, now, 1, &again));
        assert_bytes(&again, (ql_str){b.p, b.n});
        ql_table_put(now);

        begin(s);
        OK(qli_object_key(&s->cx, &key, str("d"), QLI_SPACE_TABLE, str("full")));
        OK(ql_txn_put(&s->cx, qli_buf_str(&key), qli_buf_str(&b)));
        commit(s);
        restart(w);
        OK(ql_catalog_get_table(&s->cx, str("d"), str("full"), &now));
        begin(s);
        OK(ql_catalog_truncate_table(&s->cx, now));
        commit(s);
        ql_table_put(now);
        restart(w);
        OK(ql_catalog_get_table(&s->cx, str("d"), str("full"), &now));
        ql_buf_clear(&again);
        OK(qli_encode_table(&s->cx, now, 1, &again));
        assert_non_null(memmem(again.p, again.n, "\x3e\3new\xc8\1\1!", 9));
        ql_table_put(now);
    }
    ql_buf_free(&b);
    ql_buf_free(&again);
    ql_buf_free(&key);
    ql_table_put(t);
}

static bool
has_keys(sess *s, uint32_t index_id)
{
    ql_kv_snap *snap;
    ql_kv_cursor *c;
    ql_buf from = {0};
    ql_str k, v;
    OK(qli_key_begin(&s->cx, &from, index_id));
    OK(ql_kv_snap_begin(&s->cx, s->cx.inst->kv, &snap));
    OK(ql_kv_cursor_open(&s->cx, snap, &c));
    ql_status st = ql_kv_seek_ge(&s->cx, c, qli_buf_str(&from), &k, &v);
    bool found = st == QL_OK && k.n >= 4 && memcmp(k.p, from.p, 4) == 0;
    ql_kv_cursor_close(c);
    ql_kv_snap_end(snap);
    ql_buf_free(&from);
    return found;
}

/* One that must be understood: the table is a name that can be dropped, with all that belongs to
 * it. */
static void
sections_that_must_be_understood(void **state)
{
    static const char *const where[] = {"of a table", "of a column", "of an index",
                                        "of a foreign key", "of a part of an index"};
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_full(s), *now;
    ql_buf b = {0}, key = {0};
    uint32_t id = t->indexes[1].id;
    for (size_t i = 0; i < QL_ARRAY_LEN(parts); i++) {
        with_more(&s->cx, t, parts[i], BYTES("\x3f\0"), &b);
        OK(decode(s, (ql_str){b.p, b.n}, &now));
        assert_non_null(now->unusable);
        assert_non_null(strstr(now->unusable->why, "section 63"));
        assert_non_null(strstr(now->unusable->why, where[i]));
        assert_true(now->ncolumns == 0 && now->nindexes == 0 && now->id == t->id);
        ql_table_put(now);
    }
    begin(s);
    OK(qli_object_key(&s->cx, &key, str("d"), QLI_SPACE_TABLE, str("full")));
    OK(ql_txn_put(&s->cx, qli_buf_str(&key), qli_buf_str(&b)));
    ql_buf_clear(&b);
    OK(qli_key_begin(&s->cx, &b, id));
    OK(ql_buf_put_u8(&s->cx, &b, 1));
    OK(ql_txn_put(&s->cx, qli_buf_str(&b), str("an entry")));
    commit(s);
    ql_table_put(t);
    restart(w);
    FAILS(s, ql_catalog_get_table(&s->cx, str("d"), str("full"), &t), 1235);
    begin(s);
    FAILS(s, ql_catalog_open_table(&s->cx, s->cx.arena, str("d"), str("full"), QL_MDL_SR, true, &t),
          1235);
    FAILS(s, ql_catalog_open_table(&s->cx, s->cx.arena, str("d"), str("full"), QL_MDL_X, true, &t),
          1235);
    OK(ql_catalog_open_table(&s->cx, s->cx.arena, str("d"), str("full"), QL_MDL_X, false, &t));
    OK(ql_catalog_drop_table(&s->cx, t));
    commit(s);
    restart(w);
    FAILS(s, ql_catalog_get_table(&s->cx, str("d"), str("full"), &t), 1146);
    for (int i = 0; i < 2000 && has_keys(s, id); i++) { /* by the purger */
        assert_int_equal(ql_wait(&s->cx, -1, 0, ql_deadline_ms(5), QL_W_BACKGROUND), QL_TIMEOUT);
    }
    assert_false(has_keys(s, id));
    ql_buf_free(&b);
    ql_buf_free(&key);
}

/* Types, defaults, collations and engines of later servers are not damage. */
static void
values_of_a_newer_server(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_full(s), *now;
    ql_buf b = {0};
    ql_kind kind = t->columns[3].type.kind;
    ql_default_kind def = t->columns[3].default_kind;
    ql_str engine = t->engine;
    t->columns[3].type.kind = (ql_kind)QL_KINDS;
    OK(qli_encode_table(&s->cx, t, 1, &b));
    OK(decode(s, (ql_str){b.p, b.n}, &now));
    assert_non_null(now->unusable);
    ql_table_put(now);
    t->columns[3].type.kind = kind;
    t->columns[3].default_kind = QL_DEF_EXPR + 1;
    ql_buf_clear(&b);
    OK(qli_encode_table(&s->cx, t, 1, &b));
    OK(decode(s, (ql_str){b.p, b.n}, &now));
    assert_non_null(now->unusable);
    ql_table_put(now);
    t->columns[3].default_kind = def;
    t->engine = str("Archive");
    ql_buf_clear(&b);
    OK(qli_encode_table(&s->cx, t, 1, &b));
    OK(decode(s, (ql_str){b.p, b.n}, &now));
    assert_non_null(now->unusable);
    ql_table_put(now);
    t->engine = engine;
    ql_buf_free(&b);
    ql_table_put(t);
}

#ifdef QL_DEBUG
/* Each allocation of the decoder fails in turn: 1037, and nothing is left behind. */
static void
memory_runs_out(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_full(s), *now;
    ql_buf b = {0};
    with_more(&s->cx, t, 11, BYTES("\x3e\3new"), &b);
    uint64_t n = 0;
    for (ql_status st = QL_ERROR; st != QL_OK;) {
        s->cx.mem_allocs = 0;
        s->cx.mem_fail_at = ++n;
        st = decode(s, (ql_str){b.p, b.n}, &now);
        s->cx.mem_fail_at = 0;
        assert_true(st == QL_OK ? s->cx.mem_allocs < n : sess_error(s) == 1037);
    }
    assert_true(n > 20); /* names, comments, lists, values */
    ql_table_put(now);
    ql_table_put(t);
    ql_buf_free(&b);
}
#endif

/* --- databases -------------------------------------------------------------------------------- */

static void
damaged_databases(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_buf b = {0};
    qli_database_record d;
    OK(qli_encode_database(&s->cx, ql_coll_utf8mb4_bin, BYTES("\x3e\1x"), &b));
    assert_bytes(&b, BYTES("\x10\1\1\x2e\x3e\1x\0")); /* utf8mb4_bin has the number 46 */
    OK(qli_decode_database(&s->cx, s->cx.arena, str("d"), (ql_str){b.p, b.n}, &d));
    assert_ptr_equal(d.coll, ql_coll_utf8mb4_bin);
    assert_int_equal(d.foreign, 0);
    assert_int_equal(d.unknown.n, 3);
    for (size_t n = 0; n < b.n; n++) {
        FAILS(s, qli_decode_database(&s->cx, s->cx.arena, str("d"), (ql_str){b.p, n}, &d), 1877);
    }
    assert_null(ql_collation_by_id(100)); /* MySQL has none of that number either */
    b.p[3] = 100;
    OK(qli_decode_database(&s->cx, s->cx.arena, str("d"), (ql_str){b.p, b.n}, &d));
    assert_int_equal(d.foreign, 1);
    ql_buf_free(&b);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(sections_as_they_are_stored),
        T(sections_that_are_not_whole),
        T(a_full_table),
        T(damaged_tables),
        T(unknown_sections_are_kept),
        T(sections_that_must_be_understood),
        T(values_of_a_newer_server),
#ifdef QL_DEBUG
        T(memory_runs_out),
#endif
        T(damaged_databases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
