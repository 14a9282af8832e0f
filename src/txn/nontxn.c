/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables without transactions (ENGINE=MyISAM): what a statement reads and writes there. Beside
 * cx->txn it has a reader, one snapshot taken after its table locks were got and kept to its end,
 * and a writer, which is committed block by block and does not see the end of a transaction. So a
 * statement never meets what it has itself changed, and what it has changed stays, whatever becomes
 * of it. The calls of txn.h work on them between ql_nontxn_enter and ql_nontxn_leave. Session's
 * thread; no locks of its own.
 */
#include "txn/nontxn.h"

#include "txn/txn_int.h"

#define BLOCK_ROWS 1000u
#define BLOCK_BYTES (4u * 1024 * 1024)

/* Owner: the session, in cx->nontxn, for one statement. */
struct ql_nontxn {
    ql_txn *reader; /* made by the first read */
    ql_txn *writer; /* made by the first write of a block */
    uint32_t rows;  /* changed in the block */
    bool changed;   /* something has been committed */
};

static ql_status
make(ql_ctx *cx)
{
    if (QL_LIKELY(cx->nontxn != NULL)) {
        return QL_OK;
    }
    cx->nontxn = ql_mem_zalloc(sizeof *cx->nontxn);
    return cx->nontxn != NULL ? QL_OK : ql_fail_oom(cx, sizeof *cx->nontxn);
}

static ql_status
make_part(ql_ctx *cx, bool fixed, ql_txn **part)
{
    if (QL_LIKELY(*part != NULL)) {
        return QL_OK;
    }
    ql_txn *t = qli_txn_new_nontxn(cx, cx->txn != NULL && cx->txn->read_only);
    if (t == NULL) {
        return QL_ERROR;
    }
    t->fixed = fixed;
    ql_txn *saved = cx->txn;
    cx->txn = t;
    ql_status st = ql_txn_stmt_begin(cx);
    if (st != QL_OK) {
        ql_txn_rollback(cx);
    }
    cx->txn = saved;
    *part = st == QL_OK ? t : NULL;
    return st;
}

ql_status
ql_nontxn_enter(ql_ctx *cx, ql_nontxn_side side, ql_txn **saved)
{
    QL_TRY(make(cx));
    ql_txn **part = side == QL_NONTXN_READ ? &cx->nontxn->reader : &cx->nontxn->writer;
    QL_TRY(make_part(cx, side == QL_NONTXN_READ, part));
    *saved = cx->txn;
    cx->txn = *part;
    return QL_OK;
}

void
ql_nontxn_leave(ql_ctx *cx, ql_txn *saved)
{
    cx->txn = saved;
}

ql_status
ql_nontxn_row_begin(ql_ctx *cx)
{
    ql_txn *saved;
    QL_TRY(ql_nontxn_enter(cx, QL_NONTXN_WRITE, &saved));
    ql_status st = ql_txn_stmt_begin(cx);
    ql_nontxn_leave(cx, saved);
    return st;
}

void
ql_nontxn_row_end(ql_ctx *cx, bool keep)
{
    ql_txn *saved = cx->txn;
    cx->txn = cx->nontxn->writer;
    if (keep) {
        ql_txn_stmt_end(cx);
        cx->nontxn->rows += cx->txn->depth == 1; /* the outermost bracket */
    } else {
        ql_txn_stmt_rollback(cx);
    }
    ql_nontxn_leave(cx, saved);
}

/* The writer and what it holds go, committed or (disk full and killed, no memory) lost. */
static ql_status
commit_block(ql_ctx *cx)
{
    ql_nontxn *n = cx->nontxn;
    ql_txn *saved = cx->txn;
    bool wrote = ql_txn_has_writes(n->writer);
    cx->txn = n->writer;
    n->writer = NULL;
    n->rows = 0;
    ql_status st = ql_txn_commit(cx);
    cx->txn = saved;
    n->changed |= wrote && st == QL_OK;
    return st;
}

static bool
block_is_full(const ql_nontxn *n)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < n->writer->nlayers; i++) {
        bytes += n->writer->layers[i].bytes;
    }
    return n->rows >= BLOCK_ROWS || bytes >= BLOCK_BYTES;
}

ql_status
ql_nontxn_block(ql_ctx *cx)
{
    const ql_nontxn *n = cx->nontxn;
    if (n == NULL || n->writer == NULL || !block_is_full(n)) {
        return QL_OK;
    }
    QL_TRY(QL_SYNC(cx, NONTXN_BLOCK));
    return commit_block(cx);
}

ql_status
ql_nontxn_end(ql_ctx *cx, bool *changed)
{
    ql_nontxn *n = cx->nontxn;
    ql_status st = QL_OK;
    *changed = false;
    if (n == NULL) {
        return QL_OK;
    }
    if (n->writer != NULL) {
        st = commit_block(cx);
    }
    if (n->reader != NULL) {
        ql_txn *saved = cx->txn;
        cx->txn = n->reader;
        ql_txn_rollback(cx);
        cx->txn = saved;
    }
    *changed = n->changed;
    ql_mem_free(n);
    cx->nontxn = NULL;
    return st;
}
