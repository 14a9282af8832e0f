/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared inside sql/: tokens, the lexer, the parser's state and its small helpers. Everything here
 * belongs to one call of ql_parse (or ql_digest, ql_mask_passwords) and its thread.
 */
#ifndef QL_SQL_INT_H
#define QL_SQL_INT_H

#include "base/arena.h"
#include "base/diag.h"
#include "sql/ast_alter.h"
#include "sql/parse.h"

/* What the lexer tells apart. Keywords follow, K_<word> each, in the order of keywords.def. */
typedef enum qli_token_kind {
    T_EOF,
    T_BAD, /* cannot be part of any statement: stray byte, open string or comment */
    T_IDENT,
    T_QUOTED, /* `name`, or "name" under ANSI_QUOTES */
    T_STRING,
    T_NSTRING, /* N'...' */
    T_HEX,     /* x'...' or 0x... */
    T_BITS,    /* b'...' or 0b... */
    T_INT,
    T_DECIMAL,
    T_DOUBLE,
    T_CHARSET, /* introducer: _utf8mb4 */
    T_USERVAR, /* @name, @'name', @`name`; also the host part of an account */
    T_ATAT,    /* @@ */
    T_PARAM,
    T_LPAREN,
    T_RPAREN,
    T_LBRACE,
    T_RBRACE,
    T_COMMA,
    T_SEMI,
    T_DOT,
    T_EQ,
    T_NULLSAFE_EQ,
    T_NE,
    T_LT,
    T_LE,
    T_GT,
    T_GE,
    T_ASSIGN,
    T_PLUS,
    T_MINUS,
    T_STAR,
    T_SLASH,
    T_PERCENT,
    T_CARET,
    T_AMP,
    T_AMPAMP,
    T_PIPE,
    T_PIPEPIPE,
    T_TILDE,
    T_BANG,
    T_SHL,
    T_SHR,
    T_ARROW,       /* -> */
    T_ARROW_ARROW, /* ->> */
    T_KEYWORDS,    /* not a token: where keywords begin */
#define QL_KEYWORD(word, class) K_##word,
#include "catalog/keywords.def"
#undef QL_KEYWORD
    K_END_OF_LIST
} qli_token_kind;

typedef enum qli_keyword_class { KC_RESERVED, KC_UNRESERVED, KC_BEFORE_PAREN } qli_keyword_class;

typedef struct qli_token {
    qli_token_kind kind;
    uint32_t pos, end; /* bytes of the text */
    uint32_t line;
    bool escaped; /* strings, quoted names: needs decoding */
    ql_str text; /* names: the word; strings: what stands between the quotes; numbers: the digits */
    ql_str hint; /* text of the first comment with hints before the token; p NULL = none */
    uint32_t hint_line; /* where that comment begins */
} qli_token;

typedef struct qli_lexer {
    const char *p;
    uint32_t n, pos, line, hint_line;
    ql_ctx *cx;        /* whose kill flag to look at inside long tokens; NULL = nobody's */
    uint32_t look_at;  /* position of the next look */
    ql_status stopped; /* QL_KILLED once a look said so: only T_BAD comes from then on */
    bool in_version_comment;
    bool name_next;   /* behind "name.": a name comes, whatever the word */
    bool sysvar_next; /* behind @@ */
    bool ansi_quotes, no_backslash_escapes, ignore_space, params;
} qli_lexer;

#define QLI_LOOK_BYTES 65536u /* of text between two looks at the kill flag */

/* Text of at most 2 GiB. cx may be NULL (short texts); mode too. */
void qli_lexer_init(qli_lexer *lx, ql_ctx *cx, ql_str text, const ql_parse_mode *mode);
/* Next token; at the end T_EOF again and again. T_BAD stands for what is no token; it is all that
 * comes once lx->stopped is QL_KILLED. */
void qli_lexer_next(qli_lexer *lx, qli_token *t);
/* Move over blanks and plain comments (not version comments), from pos. */
void qli_lexer_skip_plain(qli_lexer *lx);
/* Undo quoting and escapes of a T_STRING, T_NSTRING, T_QUOTED or T_USERVAR. */
ql_status qli_token_decode(ql_ctx *cx, ql_arena *a, const qli_lexer *lx, const qli_token *t,
                           ql_str *out) QL_MUST_USE;
/* Keyword of a word, T_IDENT when it is none. */
qli_token_kind qli_keyword_find(ql_str word);
const char *qli_keyword_text(qli_token_kind k);
qli_keyword_class qli_keyword_class_of(qli_token_kind k);

/* Why a function of the parser returned QL_ERROR without an error in the diagnostics area. */
typedef struct qli_parser {
    ql_ctx *cx;
    ql_arena *a;
    const ql_parse_mode *mode;
    ql_str text;
    qli_lexer lx;
    qli_token t;        /* the current token */
    qli_token ahead[4]; /* tokens read beyond it */
    uint32_t nahead;
    uint32_t prev_end; /* end of the token before the current one */
    uint32_t ntokens;
    ql_status stopped;     /* QL_KILLED once a checkpoint said so */
    uintptr_t stack_floor; /* recursion below this address is refused */
    uint32_t height_max;   /* trees higher than this are refused: those who walk them recurse */
    uint32_t highest;      /* height of the highest tree of the query block being read */
    uint32_t nparams;
    ql_ast_from *leaves, **leaves_end; /* tables mentioned in FROMs so far */
    ql_str *cte_names;                 /* names that WITH clauses have defined so far */
    uint32_t ncte_names;
    const char *unbuilt;    /* known to MySQL, not to the AST: what; abandons the statement */
    bool unbuilt_takes_all; /* the statement may contain semicolons (stored programs) */
    void **stack;           /* open lists: pointers collected before their number is known */
    uint32_t nstack, stack_cap;
    ql_ast_select *into; /* whose INTO was read; NULL = none so far */
    uint32_t into_pos, into_line;
    bool into_inner;                    /* it stands before FROM */
    ql_ast_hints *blocks, **blocks_end; /* query blocks read so far, inner ones first */
    uint32_t nblocks, in_cte;
    bool has_hints;
    ql_ast_expr *resume; /* already read: the next primary expression, once */
} qli_parser;

/* ---- parse.c ---- */
void qli_advance(qli_parser *p);
const qli_token *qli_peek(qli_parser *p, uint32_t n); /* n = 1: the token after the current one */
/* 1064 at the current token, or the kill that came meanwhile. Never QL_OK. */
ql_status qli_syntax_error(qli_parser *p) QL_MUST_USE;
ql_status qli_syntax_error_at(qli_parser *p, uint32_t pos, uint32_t line) QL_MUST_USE;
/* How much of a text "near '...'" shows: whole characters. */
uint32_t qli_near_length(const char *p, size_t n);
/* Abandon: the statement becomes QL_S_UNBUILT of that name (static text). */
ql_status qli_unbuilt(qli_parser *p, const char *what) QL_MUST_USE;
/* 1436 when the stack is nearly used up. First thing in every function that nests. */
ql_status qli_enter(qli_parser *p) QL_MUST_USE;
ql_status qli_expect(qli_parser *p, qli_token_kind k) QL_MUST_USE;
/* Arena allocation, zeroed. */
ql_status qli_new(qli_parser *p, size_t size, void *out) QL_MUST_USE;

static inline bool
qli_is(const qli_parser *p, qli_token_kind k)
{
    return p->t.kind == k;
}
static inline bool
qli_accept(qli_parser *p, qli_token_kind k)
{
    if (p->t.kind != k) {
        return false;
    }
    qli_advance(p);
    return true;
}
bool qli_accept2(qli_parser *p, qli_token_kind a, qli_token_kind b); /* both or neither */
bool qli_at_end(const qli_parser *p);                                /* end of text or semicolon */
/* The current token is that word (for words that are no keywords). */
bool qli_is_word(const qli_parser *p, const char *word);
bool qli_is_name(const qli_token *t);     /* can be a name here: identifier or unreserved keyword */
bool qli_is_any_word(const qli_token *t); /* identifier or any keyword */

/* Names. */
ql_status qli_name(qli_parser *p, ql_str *out) QL_MUST_USE;
ql_status qli_name_or_string(qli_parser *p, ql_str *out) QL_MUST_USE;
ql_status qli_table_name(qli_parser *p, ql_ast_table_name *out) QL_MUST_USE;
ql_status qli_table_names(qli_parser *p, ql_ast_names *out) QL_MUST_USE;
ql_status qli_name_list(qli_parser *p, ql_str **v, uint32_t *n) QL_MUST_USE; /* "(a, b)" */
ql_status qli_string(qli_parser *p, ql_str *out) QL_MUST_USE;
ql_status qli_uint(qli_parser *p, uint64_t *out) QL_MUST_USE; /* plain integer literal */
ql_status qli_upper(qli_parser *p, ql_str in, ql_str *out) QL_MUST_USE;
/* Character set or collation name: name, string or BINARY. */
ql_status qli_charset_name(qli_parser *p, ql_str *out) QL_MUST_USE;

/* Open lists: push pointers, then copy those above base into an exact array. */
ql_status qli_push(qli_parser *p, void *item) QL_MUST_USE;
ql_status qli_pop_list(qli_parser *p, uint32_t base, void ***v, uint32_t *n) QL_MUST_USE;
ql_status qli_pop_exprs(qli_parser *p, uint32_t base, ql_ast_exprs *out) QL_MUST_USE;
/* Room for one more element behind *n in an array of the arena that doubles. The element is zeroed.
 */
ql_status qli_grow(qli_parser *p, void *array, uint32_t *n, size_t size) QL_MUST_USE;

/* ---- parse_expr.c, parse_primary.c, parse_literal.c, parse_func.c ---- */
ql_status qli_expr(qli_parser *p, ql_ast_expr **out) QL_MUST_USE;
ql_status qli_bit_expr(qli_parser *p, ql_ast_expr **out) QL_MUST_USE;
ql_status qli_simple_expr(qli_parser *p, ql_ast_expr **out) QL_MUST_USE;
ql_status qli_expr_list(qli_parser *p, ql_ast_exprs *out) QL_MUST_USE; /* one or more */
ql_status qli_expr_or_default(qli_parser *p, ql_ast_expr **out) QL_MUST_USE;
ql_status qli_literal(qli_parser *p, ql_ast_expr **out) QL_MUST_USE;
bool qli_is_literal(const qli_parser *p);
/* _charset 'x', _charset x'41'; the current token is the introducer. */
ql_status qli_introduced_literal(qli_parser *p, ql_ast_expr **out) QL_MUST_USE;
/* DATE, TIME and TIMESTAMP as the first word of a literal: which kind. */
bool qli_temporal_kind(const qli_token *t, ql_kind *kind);
/* The string behind that word, which began at pos. */
ql_status qli_temporal_literal(qli_parser *p, ql_kind kind, uint32_t pos,
                               ql_ast_expr **out) QL_MUST_USE;
ql_status qli_odbc_escape(qli_parser *p, ql_ast_expr **out) QL_MUST_USE; /* {d 'x'} */
ql_status qli_expr_new(qli_parser *p, ql_ast_kind kind, ql_ast_expr **out) QL_MUST_USE;
/* Node with its arguments; pos from the first, end from the token before the current one. */
ql_status qli_op_new(qli_parser *p, ql_op op, ql_ast_expr *a, ql_ast_expr *b, ql_ast_expr *c,
                     ql_ast_expr **out) QL_MUST_USE;
ql_status qli_column_ref(qli_parser *p, ql_ast_expr **out) QL_MUST_USE; /* [[db.]t.]name, no * */
ql_status qli_user_var(qli_parser *p, ql_ast_expr **out) QL_MUST_USE;
/* Node of a query that was read; pos: where it began. */
ql_status qli_subquery_node(qli_parser *p, uint32_t pos, ql_ast_select *s, ql_ast_kind kind,
                            ql_ast_expr **out) QL_MUST_USE;
/* Behind "(" at pos: a scalar subquery, an expression or a row, and the ")". */
ql_status qli_parenthesis_rest(qli_parser *p, uint32_t pos, ql_ast_expr **out) QL_MUST_USE;
/* INTERVAL amount unit, as operand of + and -. */
ql_status qli_interval(qli_parser *p, ql_ast_expr **out) QL_MUST_USE;
ql_status qli_parse_now(qli_parser *p, ql_ast_expr **out) QL_MUST_USE; /* NOW and its synonyms */
const char *qli_unit_text(ql_unit u);                                  /* "DAY_HOUR" */
ql_status qli_unit(qli_parser *p, ql_unit *out) QL_MUST_USE;
const char *qli_unit_text(ql_unit u); /* "day_hour" */
ql_status qli_parse_call(qli_parser *p, ql_ast_expr **out, bool *is_call) QL_MUST_USE;
/* Set the height of a node whose arguments are complete; 1436 when it is too high. */
ql_status qli_measure(qli_parser *p, ql_ast_expr *e) QL_MUST_USE;
/* A chain of UNION or JOIN grew by one level over everything read so far in this block. */
ql_status qli_raise_height(qli_parser *p) QL_MUST_USE;
/* FUNC with up to two arguments. */
ql_status qli_json_table(qli_parser *p, ql_ast_from *f) QL_MUST_USE; /* parse_jsontable.c */
ql_status qli_json_path_literal(qli_parser *p, ql_ast_expr **out) QL_MUST_USE;
/* ON EMPTY, ON ERROR of JSON_VALUE and JSON_TABLE (parse_func.c). */
ql_status qli_json_on(qli_parser *p, bool *found, bool *on_error, unsigned *action,
                      ql_ast_expr **value) QL_MUST_USE;
ql_status qli_func_new(qli_parser *p, const char *name, ql_ast_expr *a, ql_ast_expr *b,
                       ql_ast_expr **out) QL_MUST_USE;

/* ---- parse_select.c ---- */
bool qli_starts_query(const qli_parser *p); /* SELECT, WITH, VALUES ROW, TABLE */
/* Query expression with its own ORDER BY, LIMIT, locking; does not take the ")" around it. */
ql_status qli_query(qli_parser *p, ql_ast_select **out) QL_MUST_USE;
/* The rest of a query expression whose first part was in parentheses. */
bool qli_continues_query(const qli_parser *p);
ql_status qli_query_rest(qli_parser *p, ql_ast_select *left, ql_ast_select **out) QL_MUST_USE;
/* "(" query ")", parentheses nested at will; the current token is "(". */
ql_status qli_subquery(qli_parser *p, ql_ast_select **out) QL_MUST_USE;
ql_status qli_with_clause(qli_parser *p, ql_ast_cte **v, uint32_t *n, bool *recursive) QL_MUST_USE;
ql_status qli_order_list(qli_parser *p, ql_ast_orders *out) QL_MUST_USE; /* behind BY */
ql_status qli_opt_order_by(qli_parser *p, ql_ast_orders *out) QL_MUST_USE;
ql_status qli_opt_limit(qli_parser *p, ql_ast_expr **limit, ql_ast_expr **offset) QL_MUST_USE;
/* INTO of the statement goes to its outermost query (NULL: it has none); 3954, 1064 when it stands
 * elsewhere. */
ql_status qli_settle_into(qli_parser *p, ql_ast_select *outermost) QL_MUST_USE;
ql_status qli_parse_limit_value(qli_parser *p, ql_ast_expr **out) QL_MUST_USE;
ql_status qli_opt_where(qli_parser *p, ql_ast_expr **out) QL_MUST_USE;

/* ---- parse_from.c ---- */
ql_status qli_from_list(qli_parser *p, ql_ast_from **out) QL_MUST_USE;
/* An empty element of FROM. */
ql_status qli_from_new(qli_parser *p, ql_ast_from **out) QL_MUST_USE;
/* A table name in FROM: f->table, and into the list of the statement. */
ql_status qli_leaf(qli_parser *p, ql_ast_from *f) QL_MUST_USE;
ql_status qli_table_factor(qli_parser *p, ql_ast_from **out) QL_MUST_USE;

/* ---- hint.c, hint_settle.c: optimizer hints ---- */
/* The hint comment between the word before the current token and that token, if there is one. */
ql_status qli_hints(qli_parser *p, ql_ast_hints *out) QL_MUST_USE;
/* Where a query block (or UPDATE, DELETE) begins and ends: it gets its number, then is known. */
void qli_block_begin(qli_parser *p, ql_ast_hints *h);
void qli_block_end(qli_parser *p, ql_ast_hints *h);
/* The statement is read: every hint goes to the block that it is about. */
ql_status qli_hints_settle(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;

/* ---- statements: the current token is the first keyword ---- */
ql_status qli_statement(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_select_stmt(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_insert(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE; /* REPLACE too */
ql_status qli_update(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_delete(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_parse_load(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;              /* parse_file.c */
ql_status qli_parse_into_file(qli_parser *p, ql_ast_into_file **out) QL_MUST_USE; /* OUTFILE x */
ql_status qli_assigns(qli_parser *p, ql_ast_assigns *out) QL_MUST_USE;
ql_status qli_create(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_alter(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_drop(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
/* Behind CREATE [OR REPLACE] [DEFINER = user] or ALTER [DEFINER = user]; the current token is
 * ALGORITHM, SQL or VIEW. */
ql_status qli_parse_view(qli_parser *p, ql_ast_stmt *s, ql_ast_view *v) QL_MUST_USE;
/* [IF EXISTS] names [RESTRICT | CASCADE], behind the current token. */
ql_status qli_drop_names(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_drop_view(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE; /* the current token is VIEW */
ql_status qli_parse_if_exists(qli_parser *p, bool *out) QL_MUST_USE;
/* DEFINER = account; the current token is DEFINER. */
ql_status qli_parse_definer(qli_parser *p, ql_ast_user **out) QL_MUST_USE;
ql_status qli_truncate(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_rename(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_create_table(qli_parser *p, ql_ast_stmt *s, bool temporary) QL_MUST_USE;
ql_status qli_create_index(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
/* PARTITION BY ...: read, not kept. */
ql_status qli_partition_by(qli_parser *p) QL_MUST_USE;
ql_status qli_drop_index(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_alter_table(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE; /* behind ALTER TABLE */
ql_status qli_db_options(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
/* One element of a table's body, one column, one option (found: there is one), to the end of the
 * lists of ct. */
bool qli_starts_key(const qli_parser *p); /* the element is a key or constraint */
ql_status qli_table_element(qli_parser *p, ql_ast_create_table *ct) QL_MUST_USE;
ql_status qli_column_definition(qli_parser *p, ql_ast_create_table *ct) QL_MUST_USE;
/* Behind DEFAULT; is_expr: in parentheses. */
ql_status qli_default_value(qli_parser *p, ql_ast_expr **out, bool *is_expr) QL_MUST_USE;
ql_status qli_table_option(qli_parser *p, ql_ast_create_table *ct, bool *found) QL_MUST_USE;
/* The tree of ALTER TABLE and its kin (ast_alter.h): empty; one more action; ALGORITHM= or LOCK=.
 */
ql_status qli_alter_new(qli_parser *p, ql_ast_stmt *s, ql_ast_alter **out) QL_MUST_USE;
ql_status qli_alter_action(qli_parser *p, ql_ast_alter *a, ql_alter_kind kind,
                           ql_ast_action **out) QL_MUST_USE;
ql_status qli_alter_how(qli_parser *p, ql_ast_alter *a, bool *found) QL_MUST_USE;
ql_status qli_column_type(qli_parser *p, ql_ast_type *out) QL_MUST_USE;
ql_status qli_cast_type(qli_parser *p, ql_ast_type **out) QL_MUST_USE;
ql_status qli_show(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_explain(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_set(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_transaction_modes(qli_parser *p, ql_ast_set_item *item) QL_MUST_USE;
ql_status qli_kill(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_txn_stmt(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_prepared_stmt(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_admin_stmt(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_lock_stmt(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_user(qli_parser *p, ql_ast_user *out) QL_MUST_USE;      /* account name */
ql_status qli_create_user(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE; /* ALTER USER too */
ql_status qli_drop_user(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_rename_user(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_grant(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_revoke(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE;
ql_status qli_set_password(qli_parser *p, ql_ast_stmt *s) QL_MUST_USE; /* behind SET PASSWORD */

#endif
