/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes that keep all indexes of a table in step. Everything is checked before anything is
 * written, so a duplicate leaves nothing. Every key that comes is locked as an insert (it waits for
 * whoever has locked the gap), every key that goes as a record, in all indexes, so that readers of
 * ranges meet what is not committed. May wait (ROW_LOCK). All writes go to the running statement's
 * layer.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/thread.h"
#include "intr/intr.h"
#include "table/table_int.h"
#include "txn/scratch.h"
#include "vars/sysvars.h"

ql_deadline
qli_lock_deadline(const ql_ctx *cx)
{
    return cx->vars ? ql_deadline_ms((int64_t)cx->vars->innodb_lock_wait_timeout * 1000)
                    : QL_FOREVER;
}

static ql_status
lock_in(ql_ctx *cx, ql_str key, ql_lock_mode mode)
{
    ql_lock_how how = {.mode = mode, .deadline = qli_lock_deadline(cx), .stays = true};
    return ql_txn_lock_row(cx, key, &how);
}

static ql_status
lock_key(ql_ctx *cx, ql_str key)
{
    return lock_in(cx, key, QL_LOCK_X);
}

/* A key that comes: it waits for whoever has locked the gap it goes to. */
static ql_status
lock_new(ql_ctx *cx, ql_str key)
{
    return ql_txn_lock_insert(cx, key, qli_lock_deadline(cx));
}

/* Bytes of a BIT as messages show them: what is no letter, digit or sign as \x05. */
static ql_status
text_of_bits(ql_ctx *cx, const ql_value *v, ql_str *out)
{
    char bytes[QL_VALUE_TEXT_MAX], text[4 * sizeof(uint64_t) + 1];
    size_t n = ql_value_print(v, bytes), k = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        k += (size_t)snprintf(text + k, sizeof text - k, c < ' ' || c > '~' ? "\\x%02X" : "%c", c);
    }
    *out = (ql_str){ql_arena_strndup(cx, cx->arena, text, k), k};
    return out->p != NULL ? QL_OK : QL_ERROR;
}

/* Text of the key columns for "Duplicate entry": joined by '-', cut to 64 characters as MySQL does.
 */
ql_status
qli_describe_key(ql_ctx *cx, const ql_type *types, const ql_index *ix, const ql_value *row,
                 ql_str *out)
{
    ql_buf b = {0};
    ql_status st = QL_OK;
    for (uint16_t i = 0; i < ix->nparts; i++) {
        ql_value v = row[ix->parts[i].column];
        ql_str s = QL_STR("NULL");
        if (!ql_value_is_null(&v)) {
            v.zerofill = types != NULL ? types[ix->parts[i].column].zerofill : 0;
            v.bits = types != NULL ? types[ix->parts[i].column].bits : 0;
            QL_TRY_TO(
                st, v.bits != 0 ? text_of_bits(cx, &v, &s) : ql_value_to_str(cx, cx->arena, &v, &s),
                done);
            if (ix->parts[i].prefix > 0) {
                s.n = ql_utf8_offset(s, ix->parts[i].prefix);
            }
        }
        if (i > 0) {
            QL_TRY_TO(st, ql_buf_put_u8(cx, &b, '-'), done);
        }
        QL_TRY_TO(st, ql_buf_put(cx, &b, s.p, s.n), done);
    }
    size_t n = ql_utf8_offset((ql_str){b.p, b.n}, 64);
    char *p = ql_arena_strndup(cx, cx->arena, b.p ? b.p : "", n);
    st = p ? QL_OK : QL_ERROR;
    *out = (ql_str){p, n};
done:
    ql_buf_free(&b);
    return st;
}

static ql_status
report_duplicate(ql_ctx *cx, const ql_table *t, const ql_index *ix, const ql_value *row,
                 ql_str locator, ql_str entry, ql_write_result *result, ql_dup *dup)
{
    dup->index = ix;
    QL_TRY(qli_describe_key(cx, t->types, ix, row, &dup->key_text));
    ql_buf b = {0};
    ql_status st = QL_OK;
    if (ix == &t->indexes[0]) {
        st = ql_buf_put(cx, &b, locator.p, locator.n);
    } else {
        st = qli_key_start(cx, &b, t->indexes[0].id);
        entry = ql_entry_locator(ix, entry);
        st = st == QL_OK ? ql_buf_put(cx, &b, entry.p, entry.n) : st;
    }
    if (st == QL_OK) {
        char *p = ql_arena_strndup(cx, cx->arena, b.p, b.n);
        dup->locator = (ql_str){p, b.n};
        st = p ? QL_OK : QL_ERROR;
    }
    ql_buf_free(&b);
    *result = QL_DUPLICATE;
    return st;
}

/* Take a unique key that comes. QL_END = it was free and is ours; QL_OK = it is there (its value)
 * and locked in mode on_dup. What is there is locked as a record, what is not as an insert, and
 * either way looked at again if anything was committed meanwhile. */
static ql_status
take_unique(ql_ctx *cx, ql_str key, ql_lock_mode on_dup, ql_str *value)
{
    for (;;) {
        uint64_t seen = ql_txn_newest(cx);
        ql_status st = ql_txn_get(cx, QL_VIEW_CURRENT, key, value);
        if (st == QL_OK) {
            QL_TRY(lock_in(cx, key, on_dup));
        } else if (st == QL_END) {
            QL_TRY(lock_new(cx, key));
        } else {
            return st;
        }
        if (ql_txn_newest(cx) == seen || ql_txn_get(cx, QL_VIEW_CURRENT, key, value) == st) {
            return st;
        }
        if (st == QL_END && on_dup == QL_LOCK_S) {
            ql_txn_unlock_row(cx, key); /* whoever meets the same row need not wait for us */
        }
        QL_TRY(ql_check(cx));
    }
}

static ql_status
look(ql_ctx *cx, const ql_key_watch *w, uint16_t index, const ql_value *old, const ql_value *row)
{
    return w == NULL ? QL_OK : w->look(cx, w->arg, index, old, row);
}

/* Take the unique keys of `row`. old: the row as it was (its own keys do not count), or NULL.
 */
static ql_status
check_unique(ql_ctx *cx, ql_table *t, const ql_key_watch *watch, const ql_value *old,
             const ql_value *row, ql_str old_locator, ql_str locator, ql_buf *key, ql_buf *old_key,
             ql_lock_mode on_dup, ql_write_result *result, ql_dup *dup)
{
    for (uint16_t i = 1; i < t->nindexes; i++) {
        const ql_index *ix = &t->indexes[i];
        bool unique, old_unique = false;
        QL_TRY(look(cx, watch, i, old, row));
        if (!ix->unique) {
            continue;
        }
        QL_TRY(qli_secondary_key(cx, key, t, ix, row, locator, &unique));
        if (old != NULL) {
            QL_TRY(qli_secondary_key(cx, old_key, t, ix, old, old_locator, &old_unique));
        }
        if (!unique ||
            (old_unique && old_key->n == key->n && memcmp(old_key->p, key->p, key->n) == 0)) {
            continue;
        }
        ql_str entry;
        ql_status st = take_unique(cx, qli_str(key), on_dup, &entry);
        if (st == QL_OK) {
            return report_duplicate(cx, t, ix, row, locator, entry, result, dup);
        }
        if (st != QL_END) {
            return st;
        }
    }
    return QL_OK;
}

/* An entry of the row as the snapshot has it, which is not the row any more. What is unique may be
 * another row's by now: it is left then, and when somebody else is at it. */
static ql_status
hide_entry(ql_ctx *cx, ql_str key, bool unique)
{
    ql_lock_how how = {.mode = QL_LOCK_X, .policy = QL_LOCK_SKIP, .stays = true};
    ql_str there;
    if (unique) {
        ql_status st = ql_txn_lock_row(cx, key, &how);
        if (st != QL_OK) {
            return st == QL_TIMEOUT ? QL_OK : st;
        }
        st = ql_txn_get(cx, QL_VIEW_CURRENT, key, &there);
        if (st != QL_END) {
            ql_txn_unlock_row(cx, key);
            return st;
        }
    }
    return ql_txn_del(cx, key);
}

/* The entries of one index, of the row that was seen (NULL: none) and of the one that is there now.
 */
static ql_status
settle_entry(ql_ctx *cx, ql_table *t, const ql_index *ix, const ql_value *seen, const ql_value *old,
             ql_str locator, ql_buf *key, ql_buf *old_key, ql_buf *bytes)
{
    bool unique = false, old_unique;
    ql_str value;
    ql_buf_clear(key);
    if (seen != NULL) {
        QL_TRY(qli_secondary_key(cx, key, t, ix, seen, locator, &unique));
    }
    if (old != NULL) {
        QL_TRY(qli_secondary_key(cx, old_key, t, ix, old, locator, &old_unique));
        QL_TRY(qli_entry_value(cx, bytes, t, ix, old, locator, &value));
        QL_TRY(ql_txn_put(cx, qli_str(old_key), value));
    }
    bool gone = seen != NULL && (old == NULL || !ql_str_eq(qli_str(key), qli_str(old_key)));
    return gone ? hide_entry(cx, qli_str(key), unique) : QL_OK;
}

/* The transaction is going to write the row of the locator (old: what is there now, NULL: nothing),
 * so it sees it from now on. Where its snapshot has another state of it, the entries that it sees
 * have to be those of the row, too: also those that the write itself does not touch. */
static ql_status
settle_seen(ql_ctx *cx, ql_table *t, ql_str locator, const ql_value *old)
{
    ql_buf key = {0}, old_key = {0}, bytes = {0};
    ql_value *seen = NULL;
    ql_str was;
    if (t->nindexes < 2 || ql_scratch_has(locator)) {
        return QL_OK;
    }
    ql_status st = ql_txn_get_seen(cx, locator, &was);
    if (st != QL_OK) {
        return st == QL_END ? QL_OK : st;
    }
    QL_TRY_TO(st, old != NULL ? ql_row_encode_as(cx, &t->layout, old, &bytes) : QL_OK, done);
    if (was.p == NULL ? old == NULL : old != NULL && ql_str_eq(was, qli_str(&bytes))) {
        goto done;
    }
    if (was.p != NULL) {
        seen = ql_mem_zalloc(t->ncolumns * sizeof *seen); /* as often as others changed rows */
        QL_TRY_TO(st, seen != NULL ? QL_OK : ql_fail_oom(cx, 0), done);
        QL_TRY_TO(st, ql_row_decode_as(cx, &t->layout, was, seen), done);
    }
    for (uint16_t i = 1; i < t->nindexes; i++) {
        QL_TRY_TO(st,
                  settle_entry(cx, t, &t->indexes[i], seen, old, locator, &key, &old_key, &bytes),
                  done);
    }
done:
    ql_mem_free(seen);
    ql_buf_free(&key);
    ql_buf_free(&old_key);
    ql_buf_free(&bytes);
    return st;
}

static ql_status
put_secondary(ql_ctx *cx, ql_table *t, const ql_value *row, ql_str locator, ql_buf *key,
              ql_buf *bytes)
{
    ql_str value;
    for (uint16_t i = 1; i < t->nindexes; i++) {
        bool unique;
        QL_TRY(qli_secondary_key(cx, key, t, &t->indexes[i], row, locator, &unique));
        if (!unique) {
            QL_TRY(lock_new(cx, qli_str(key)));
        }
        QL_TRY(qli_entry_value(cx, bytes, t, &t->indexes[i], row, locator, &value));
        QL_TRY(ql_txn_put(cx, qli_str(key), value));
    }
    return QL_OK;
}

static ql_status
put_row(ql_ctx *cx, ql_table *t, const ql_value *row, ql_str locator, ql_buf *bytes)
{
    ql_buf_clear(bytes);
    QL_TRY(ql_row_encode_as(cx, &t->layout, row, bytes));
    ql_txn_count_row(cx);
    return ql_txn_put(cx, locator, qli_str(bytes));
}

static ql_status
hidden_key(ql_ctx *cx, ql_table *t, ql_buf *b)
{
    uint64_t id;
    QL_TRY(ql_rowid_next(cx, t, &id));
    return qli_hidden_key(cx, b, &t->indexes[0], id);
}

ql_status
qli_row_insert(ql_ctx *cx, ql_table *t, const ql_key_watch *watch, const ql_value *row,
               ql_lock_mode on_dup, ql_write_result *result, ql_dup *dup)
{
    ql_buf locator = {0}, key = {0}, bytes = {0};
    ql_status st;
    *result = QL_WROTE;
    QL_TRY(look(cx, watch, 0, NULL, row));
    if (t->indexes[0].hidden_rowid) {
        QL_TRY_TO(st, hidden_key(cx, t, &locator), done);
        QL_TRY_TO(st, lock_new(cx, qli_str(&locator)), done);
    } else {
        ql_str there;
        QL_TRY_TO(st, qli_clustered_key(cx, &locator, t, row), done);
        st = take_unique(cx, qli_str(&locator), on_dup, &there);
        if (st == QL_OK) {
            st =
                report_duplicate(cx, t, &t->indexes[0], row, qli_str(&locator), there, result, dup);
            goto done;
        }
        if (st != QL_END) {
            goto done;
        }
    }
    QL_TRY_TO(st,
              check_unique(cx, t, watch, NULL, row, (ql_str){0}, qli_str(&locator), &key, NULL,
                           on_dup, result, dup),
              done);
    if (*result == QL_DUPLICATE) {
        goto done;
    }
    ql_table_note(cx, t, qli_str(&locator));
    if (!t->indexes[0].hidden_rowid) {
        QL_TRY_TO(st, settle_seen(cx, t, qli_str(&locator), NULL), done);
    }
    QL_TRY_TO(st, put_row(cx, t, row, qli_str(&locator), &bytes), done);
    QL_TRY_TO(st, put_secondary(cx, t, row, qli_str(&locator), &key, &bytes), done);
    ql_table_rows_changed(cx, t, 1);
done:
    ql_buf_free(&locator);
    ql_buf_free(&key);
    ql_buf_free(&bytes);
    return st;
}

ql_status
ql_table_dup_error(ql_ctx *cx, const ql_table *t, const ql_dup *dup)
{
    return ql_fail_text(cx, QL_ER_DUP_ENTRY, "Duplicate entry '%.*s' for key '%.*s.%.*s'",
                        (int)dup->key_text.n, dup->key_text.p, (int)t->name.n, t->name.p,
                        (int)dup->index->name.n, dup->index->name.p);
}

ql_status
qli_row_lock(ql_ctx *cx, ql_arena *a, ql_table *t, ql_str locator, ql_value *values)
{
    ql_str bytes;
    QL_TRY(lock_key(cx, locator));
    QL_TRY(ql_txn_get(cx, QL_VIEW_CURRENT, locator, &bytes));
    char *copy = ql_arena_strndup(cx, a, bytes.p, bytes.n);
    if (copy == NULL) {
        return QL_ERROR;
    }
    return ql_row_decode_as(cx, &t->layout, (ql_str){copy, bytes.n}, values);
}

/* Are all columns of the index what they were, and those of the clustered key of which it holds
 * texts? */
static ql_status
same_parts(ql_ctx *cx, const ql_table *t, const ql_index *ix, const ql_value *old,
           const ql_value *row, bool *same)
{
    uint16_t n = (uint16_t)(ix->nparts + (ix->holds_texts ? t->indexes[0].nparts : 0));
    *same = true;
    for (uint16_t i = 0; i < n && *same; i++) {
        uint16_t c = ql_index_part_at(t, ix, i)->column;
        QL_TRY(ql_value_identical(cx, &old[c], &row[c], same));
    }
    return QL_OK;
}

/* One secondary index from old to new. */
static ql_status
move_entry(ql_ctx *cx, ql_table *t, const ql_index *ix, const ql_value *old, const ql_value *row,
           ql_str old_locator, ql_str locator, ql_buf *old_key, ql_buf *key, ql_buf *bytes)
{
    bool unique, old_unique, same;
    ql_str value;
    QL_TRY(same_parts(cx, t, ix, old, row, &same));
    if (same && ql_str_eq(old_locator, locator)) {
        return QL_OK;
    }
    QL_TRY(qli_secondary_key(cx, old_key, t, ix, old, old_locator, &old_unique));
    QL_TRY(qli_secondary_key(cx, key, t, ix, row, locator, &unique));
    bool same_key = old_key->n == key->n && memcmp(old_key->p, key->p, key->n) == 0;
    if (same_key && ql_str_eq(old_locator, locator) && !ix->holds_texts) {
        return QL_OK;
    }
    /* Whoever wants or reads this key must wait until we have committed. */
    QL_TRY(lock_key(cx, qli_str(old_key)));
    if (!same_key) {
        if (!unique) {
            QL_TRY(lock_new(cx, qli_str(key)));
        }
        QL_TRY(ql_txn_del(cx, qli_str(old_key)));
    }
    QL_TRY(qli_entry_value(cx, bytes, t, ix, row, locator, &value));
    return ql_txn_put(cx, qli_str(key), value);
}

static ql_status
update_locator(ql_ctx *cx, ql_table *t, ql_str old_locator, const ql_value *row, ql_buf *locator,
               ql_write_result *result, ql_dup *dup)
{
    if (t->indexes[0].hidden_rowid) {
        return ql_buf_put(cx, locator, old_locator.p, old_locator.n);
    }
    QL_TRY(qli_clustered_key(cx, locator, t, row));
    if (ql_str_eq(qli_str(locator), old_locator)) {
        return QL_OK;
    }
    ql_str there;
    ql_status st = take_unique(cx, qli_str(locator), QL_LOCK_S, &there);
    if (st == QL_OK) {
        return report_duplicate(cx, t, &t->indexes[0], row, qli_str(locator), there, result, dup);
    }
    return st == QL_END ? QL_OK : st;
}

ql_status
qli_row_update(ql_ctx *cx, ql_table *t, const ql_key_watch *watch, ql_str old_locator,
               const ql_value *old, const ql_value *row, ql_write_result *result, ql_dup *dup)
{
    ql_buf locator = {0}, key = {0}, old_key = {0}, bytes = {0};
    ql_status st;
    *result = QL_WROTE;
    QL_TRY(look(cx, watch, 0, old, row));
    QL_TRY_TO(st, update_locator(cx, t, old_locator, row, &locator, result, dup), done);
    if (*result == QL_DUPLICATE) {
        goto done;
    }
    QL_TRY_TO(st,
              check_unique(cx, t, watch, old, row, old_locator, qli_str(&locator), &key, &old_key,
                           QL_LOCK_S, result, dup),
              done);
    if (*result == QL_DUPLICATE) {
        goto done;
    }
    ql_table_note(cx, t, old_locator);
    QL_TRY_TO(st, settle_seen(cx, t, old_locator, old), done);
    if (!ql_str_eq(qli_str(&locator), old_locator)) {
        ql_table_note(cx, t, qli_str(&locator));
        QL_TRY_TO(st, settle_seen(cx, t, qli_str(&locator), NULL), done);
        QL_TRY_TO(st, ql_txn_del(cx, old_locator), done);
    }
    QL_TRY_TO(st, put_row(cx, t, row, qli_str(&locator), &bytes), done);
    for (uint16_t i = 1; i < t->nindexes; i++) {
        QL_TRY_TO(st,
                  move_entry(cx, t, &t->indexes[i], old, row, old_locator, qli_str(&locator),
                             &old_key, &key, &bytes),
                  done);
    }
    ql_table_row_changed(cx, t);
done:
    ql_buf_free(&locator);
    ql_buf_free(&key);
    ql_buf_free(&old_key);
    ql_buf_free(&bytes);
    return st;
}

ql_status
qli_row_delete(ql_ctx *cx, ql_table *t, ql_str locator, const ql_value *old)
{
    ql_buf key = {0};
    ql_status st = QL_OK;
    ql_table_note(cx, t, locator);
    QL_TRY(settle_seen(cx, t, locator, old));
    for (uint16_t i = 1; i < t->nindexes; i++) {
        bool unique;
        QL_TRY_TO(st, qli_secondary_key(cx, &key, t, &t->indexes[i], old, locator, &unique), done);
        QL_TRY_TO(st, lock_key(cx, qli_str(&key)), done);
        QL_TRY_TO(st, ql_txn_del(cx, qli_str(&key)), done);
    }
    QL_TRY_TO(st, ql_txn_del(cx, locator), done);
    ql_txn_count_row(cx);
    ql_table_rows_changed(cx, t, -1);
done:
    ql_buf_free(&key);
    return st;
}
