/* SPDX-License-Identifier: Apache-2.0
 *
 * DECIMAL arithmetic: scaled integers of at most 65 digits. Numbers that fit one limb take a plain
 * 64-bit path, the rest GMP's mpn functions on fixed-size limb arrays. Text forms are in
 * decimal_text.c. Pure functions; no locks, no waits.
 */
#include <gmp.h>
#include <string.h>

#include "types/types_int.h"

_Static_assert(sizeof(mp_limb_t) == 8 && GMP_NAIL_BITS == 0, "64-bit limbs");

/* 10^65 - 1 */
static const uint64_t max_magnitude[4] = {0xffffffffffffffffu, 0x4e3945ef7a253609u,
                                          0x1c7fc3908a8bef46u, 0x0000000000f31627u};

static const uint64_t power64[20] = {1u,
                                     10u,
                                     100u,
                                     1000u,
                                     10000u,
                                     100000u,
                                     1000000u,
                                     10000000u,
                                     100000000u,
                                     1000000000u,
                                     10000000000u,
                                     100000000000u,
                                     1000000000000u,
                                     10000000000000u,
                                     100000000000000u,
                                     1000000000000000u,
                                     10000000000000000u,
                                     100000000000000000u,
                                     1000000000000000000u,
                                     10000000000000000000u};

uint64_t
qli_power10(unsigned n)
{
    return power64[n];
}

/* Wide enough for 65 digits shifted by 60, and for products. */
#define WIDE 8
typedef struct wide {
    mp_limb_t l[WIDE];
} wide;

static inline mp_limb_t *
limbs_of(ql_decimal *d)
{
    return (mp_limb_t *)d->limb;
}

static inline bool
decimal_is_small(const ql_decimal *d)
{
    return (d->limb[1] | d->limb[2] | d->limb[3]) == 0;
}

static void
set_small(ql_decimal *d, uint64_t magnitude, unsigned scale, bool negative)
{
    d->limb[0] = magnitude;
    d->limb[1] = d->limb[2] = d->limb[3] = 0;
    d->scale = (uint8_t)scale;
    d->negative = negative && magnitude != 0;
}

static mp_size_t
wide_size(const wide *w)
{
    mp_size_t n = WIDE;
    while (n > 0 && w->l[n - 1] == 0) {
        n--;
    }
    return n;
}

static void
wide_from(wide *w, const ql_decimal *d)
{
    memcpy(w->l, d->limb, sizeof d->limb);
    memset(w->l + 4, 0, sizeof w->l - sizeof d->limb);
}

static void
wide_scale_up(wide *w, unsigned digits)
{
    while (digits > 0) {
        unsigned step = digits > 19 ? 19 : digits;
        (void)mpn_mul_1(w->l, w->l, WIDE, power64[step]);
        digits -= step;
    }
}

/* Divide by 10^digits. Returns the comparison of the lost part with one half (-1, 0, 1), or -2 when
 * nothing was lost. */
static int
wide_scale_down(wide *w, unsigned digits)
{
    bool sticky = false;
    int half = -2;
    while (digits > 0) {
        unsigned step = digits > 19 ? 19 : digits;
        mp_limb_t rem = mpn_divrem_1(w->l, 0, w->l, WIDE, power64[step]);
        mp_limb_t mid = power64[step] / 2;
        if (rem == 0 && !sticky) {
            half = -2;
        } else if (rem == mid) {
            half = sticky ? 1 : 0;
        } else {
            half = rem > mid ? 1 : -1;
        }
        sticky = sticky || rem != 0;
        digits -= step;
    }
    return half;
}

static void
wide_increment(wide *w)
{
    (void)mpn_add_1(w->l, w->l, WIDE, 1);
}

static void
set_max(ql_decimal *r, bool negative)
{
    memcpy(r->limb, max_magnitude, sizeof max_magnitude);
    r->scale = 0;
    r->negative = negative;
}

static bool
wide_fits(const wide *w)
{
    if ((w->l[4] | w->l[5] | w->l[6] | w->l[7]) != 0) {
        return false;
    }
    return mpn_cmp(w->l, (const mp_limb_t *)max_magnitude, 4) <= 0;
}

/* Make w / 10^scale a decimal: at most 30 digits behind the point and 65 in all, the last ones
 * rounded away. false = the integer part alone has more than 65 digits: clamped. */
static bool
decimal_from_wide(ql_decimal *r, wide *w, unsigned scale, bool negative)
{
    unsigned drop = scale > QL_DECIMAL_MAX_SCALE ? scale - QL_DECIMAL_MAX_SCALE : 0;
    if (drop == 0 && !wide_fits(w)) {
        drop = 1;
    }
    wide kept = *w;
    for (;;) {
        if (drop > scale) {
            set_max(r, negative);
            return false;
        }
        *w = kept;
        if (drop > 0 && wide_scale_down(w, drop) >= 0) {
            wide_increment(w);
        }
        if (wide_fits(w)) {
            break;
        }
        drop++;
    }
    memcpy(r->limb, w->l, sizeof r->limb);
    r->scale = (uint8_t)(scale - drop);
    r->negative = negative && !ql_decimal_is_zero(r);
    return true;
}

bool
qli_decimal_set(ql_decimal *r, const uint64_t limb[4], unsigned scale, bool negative)
{
    wide w = {{limb[0], limb[1], limb[2], limb[3], 0, 0, 0, 0}};
    return decimal_from_wide(r, &w, scale, negative);
}

bool
ql_decimal_is_zero(const ql_decimal *d)
{
    return (d->limb[0] | d->limb[1] | d->limb[2] | d->limb[3]) == 0;
}

void
ql_decimal_from_i64(ql_decimal *d, int64_t v)
{
    set_small(d, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 0, v < 0);
}

void
ql_decimal_from_u64(ql_decimal *d, uint64_t v)
{
    set_small(d, v, 0, false);
}

void
ql_decimal_neg(ql_decimal *d)
{
    d->negative = !d->negative && !ql_decimal_is_zero(d);
}

/* Raise the scale of a one-limb number within one limb. */
static inline bool
small_rescale(uint64_t m, unsigned up, uint64_t *out)
{
    return up < 20 && !__builtin_mul_overflow(m, power64[up], out);
}

static int
compare_magnitudes(const ql_decimal *a, const ql_decimal *b)
{
    if (a->scale == b->scale) {
        return mpn_cmp((const mp_limb_t *)a->limb, (const mp_limb_t *)b->limb, 4);
    }
    wide x, y;
    wide_from(&x, a);
    wide_from(&y, b);
    if (a->scale < b->scale) {
        wide_scale_up(&x, (unsigned)(b->scale - a->scale));
    } else {
        wide_scale_up(&y, (unsigned)(a->scale - b->scale));
    }
    return mpn_cmp(x.l, y.l, WIDE);
}

int
ql_decimal_cmp(const ql_decimal *a, const ql_decimal *b)
{
    if (a->negative != b->negative) {
        return a->negative ? -1 : 1;
    }
    int c;
    if (decimal_is_small(a) && decimal_is_small(b)) {
        uint64_t x = a->limb[0], y = b->limb[0];
        if (a->scale == b->scale) {
            c = x < y ? -1 : x > y;
        } else if (a->scale < b->scale ? small_rescale(x, (unsigned)(b->scale - a->scale), &x)
                                       : small_rescale(y, (unsigned)(a->scale - b->scale), &y)) {
            c = x < y ? -1 : x > y;
        } else {
            c = compare_magnitudes(a, b);
        }
    } else {
        c = compare_magnitudes(a, b);
    }
    return a->negative ? -c : c;
}

static bool
small_add(ql_decimal *r, const ql_decimal *a, const ql_decimal *b, bool b_negative)
{
    uint64_t x = a->limb[0], y = b->limb[0], sum;
    unsigned scale = a->scale;
    if (a->scale < b->scale) {
        scale = b->scale;
        if (!small_rescale(x, scale - a->scale, &x)) {
            return false;
        }
    } else if (b->scale < a->scale && !small_rescale(y, scale - b->scale, &y)) {
        return false;
    }
    if (a->negative == b_negative) {
        if (__builtin_add_overflow(x, y, &sum)) {
            return false;
        }
        set_small(r, sum, scale, a->negative);
    } else if (x >= y) {
        set_small(r, x - y, scale, a->negative);
    } else {
        set_small(r, y - x, scale, b_negative);
    }
    return true;
}

static bool
add_signed(ql_decimal *r, const ql_decimal *a, const ql_decimal *b, bool b_negative)
{
    if (decimal_is_small(a) && decimal_is_small(b) && small_add(r, a, b, b_negative)) {
        return true;
    }
    wide x, y;
    unsigned scale = a->scale > b->scale ? a->scale : b->scale;
    bool a_negative = a->negative;
    wide_from(&x, a);
    wide_from(&y, b);
    wide_scale_up(&x, scale - a->scale);
    wide_scale_up(&y, scale - b->scale);
    if (a_negative == b_negative) {
        (void)mpn_add_n(x.l, x.l, y.l, WIDE);
        return decimal_from_wide(r, &x, scale, a_negative);
    }
    if (mpn_cmp(x.l, y.l, WIDE) >= 0) {
        (void)mpn_sub_n(x.l, x.l, y.l, WIDE);
        return decimal_from_wide(r, &x, scale, a_negative);
    }
    (void)mpn_sub_n(y.l, y.l, x.l, WIDE);
    return decimal_from_wide(r, &y, scale, b_negative);
}

bool
ql_decimal_add(ql_decimal *r, const ql_decimal *a, const ql_decimal *b)
{
    return add_signed(r, a, b, b->negative);
}

bool
ql_decimal_sub(ql_decimal *r, const ql_decimal *a, const ql_decimal *b)
{
    return add_signed(r, a, b, !b->negative);
}

bool
ql_decimal_mul(ql_decimal *r, const ql_decimal *a, const ql_decimal *b)
{
    unsigned scale = (unsigned)a->scale + b->scale;
    bool negative = a->negative != b->negative;
    uint64_t product;
    if (scale <= QL_DECIMAL_MAX_SCALE && decimal_is_small(a) && decimal_is_small(b) &&
        !__builtin_mul_overflow(a->limb[0], b->limb[0], &product)) {
        set_small(r, product, scale, negative);
        return true;
    }
    wide w;
    mpn_mul_n(w.l, (const mp_limb_t *)a->limb, (const mp_limb_t *)b->limb, 4);
    return decimal_from_wide(r, &w, scale, negative);
}

/* q = n / d, rest to rem (both may be NULL-free WIDE arrays); d not zero. */
static void
wide_divide(wide *q, wide *rem, const wide *n, const wide *d)
{
    mp_size_t nn = wide_size(n), dn = wide_size(d);
    memset(q, 0, sizeof *q);
    memset(rem, 0, sizeof *rem);
    if (nn < dn) {
        *rem = *n;
        return;
    }
    mpn_tdiv_qr(q->l, rem->l, 0, n->l, nn, d->l, dn);
}

bool
ql_decimal_div_int(ql_decimal *r, const ql_decimal *a, const ql_decimal *b, bool *by_zero)
{
    *by_zero = ql_decimal_is_zero(b);
    if (*by_zero) {
        set_small(r, 0, 0, false);
        return true;
    }
    bool negative = a->negative != b->negative;
    wide n, d, q, rem;
    wide_from(&n, a);
    wide_from(&d, b);
    if (a->scale < b->scale) {
        wide_scale_up(&n, b->scale - a->scale);
    } else {
        wide_scale_up(&d, a->scale - b->scale);
    }
    wide_divide(&q, &rem, &n, &d);
    return wide_fits(&q) && decimal_from_wide(r, &q, 0, negative);
}

static bool
divide(ql_decimal *r, const ql_decimal *a, const ql_decimal *b, unsigned scale_increment,
       bool round, bool *by_zero)
{
    *by_zero = ql_decimal_is_zero(b);
    if (*by_zero) {
        set_small(r, 0, 0, false);
        return true;
    }
    unsigned scale = a->scale + scale_increment;
    if (scale > QL_DECIMAL_MAX_SCALE) {
        scale = QL_DECIMAL_MAX_SCALE;
    }
    bool negative = a->negative != b->negative;
    /* a/10^sa / (b/10^sb) = a*10^(scale-sa+sb) / b / 10^scale. The exponent is never negative: sa
     * is at most 30 and scale at least sa. */
    wide n, d, q, rem;
    wide_from(&n, a);
    wide_from(&d, b);
    wide_scale_up(&n, scale - a->scale + b->scale);
    wide_divide(&q, &rem, &n, &d);
    (void)mpn_lshift(rem.l, rem.l, WIDE, 1);
    if (round && mpn_cmp(rem.l, d.l, WIDE) >= 0) {
        wide_increment(&q);
    }
    return decimal_from_wide(r, &q, scale, negative);
}

bool
ql_decimal_div(ql_decimal *r, const ql_decimal *a, const ql_decimal *b, unsigned scale_increment,
               bool *by_zero)
{
    return divide(r, a, b, scale_increment, true, by_zero);
}

/* MySQL divides in groups of nine digits behind the point and cuts behind the last one. */
bool
ql_decimal_quotient(ql_decimal *r, const ql_decimal *a, const ql_decimal *b, unsigned increment,
                    bool *by_zero)
{
    unsigned wide_a = (a->scale + 8u) / 9 * 9, wide_b = (b->scale + 8u) / 9 * 9;
    unsigned have = wide_a - a->scale + wide_b - b->scale;
    unsigned more = increment > have ? increment - have : 0;
    unsigned scale = (wide_a + wide_b + more + 8) / 9 * 9;
    bool too_long = scale > QL_DECIMAL_MAX_SCALE; /* of digits beyond it the first one rounds */
    scale = too_long ? QL_DECIMAL_MAX_SCALE : scale;
    if (scale > a->scale + increment && divide(r, a, b, scale - a->scale, too_long, by_zero)) {
        return true;
    }
    return divide(r, a, b, increment, too_long || a->scale + increment != scale, by_zero);
}

bool
ql_decimal_mod(ql_decimal *r, const ql_decimal *a, const ql_decimal *b, bool *by_zero)
{
    *by_zero = ql_decimal_is_zero(b);
    if (*by_zero) {
        set_small(r, 0, 0, false);
        return true;
    }
    unsigned scale = a->scale > b->scale ? a->scale : b->scale;
    bool negative = a->negative;
    wide n, d, q, rem;
    wide_from(&n, a);
    wide_from(&d, b);
    wide_scale_up(&n, scale - a->scale);
    wide_scale_up(&d, scale - b->scale);
    wide_divide(&q, &rem, &n, &d);
    return decimal_from_wide(r, &rem, scale, negative);
}

unsigned
ql_decimal_digits(const ql_decimal *d)
{
    if (decimal_is_small(d)) {
        unsigned n = 1;
        while (n < 20 && d->limb[0] >= power64[n]) {
            n++;
        }
        return n;
    }
    char text[80]; /* 4 limbs: 78 digits, which only a damaged value has */
    return (unsigned)qli_decimal_digits_text(d, text);
}

/* Whether dropping digits rounds the magnitude up; half as from wide_scale_down. */
static bool
rounds_up(ql_rounding how, int half, bool negative)
{
    switch (how) {
    case QL_ROUND_HALF_UP:
        return half >= 0;
    case QL_ROUND_TRUNCATE:
        return false;
    case QL_ROUND_CEILING:
        return half != -2 && !negative;
    case QL_ROUND_FLOOR:
        return half != -2 && negative;
    }
    return false;
}

bool
ql_decimal_round(ql_decimal *d, int scale, ql_rounding how)
{
    if (scale > QL_DECIMAL_MAX_SCALE) {
        scale = QL_DECIMAL_MAX_SCALE;
    }
    if (scale < -(QL_DECIMAL_MAX_DIGITS + 1)) {
        scale = -(QL_DECIMAL_MAX_DIGITS + 1);
    }
    wide w;
    wide_from(&w, d);
    if (scale >= d->scale) {
        wide_scale_up(&w, (unsigned)scale - d->scale);
        if (!wide_fits(&w)) {
            return decimal_from_wide(d, &w, (unsigned)scale, d->negative);
        }
        memcpy(d->limb, w.l, sizeof d->limb);
        d->scale = (uint8_t)scale;
        return true;
    }
    int half = wide_scale_down(&w, (unsigned)(d->scale - scale));
    if (rounds_up(how, half, d->negative)) {
        wide_increment(&w);
    }
    if (scale < 0) {
        wide_scale_up(&w, (unsigned)-scale);
    }
    return decimal_from_wide(d, &w, scale < 0 ? 0 : (unsigned)scale, d->negative);
}

/* 10^precision - 1 at the given scale. */
static void
set_nines(ql_decimal *d, unsigned precision, unsigned scale, bool negative)
{
    wide w = {{1}};
    wide_scale_up(&w, precision);
    (void)mpn_sub_1(w.l, w.l, WIDE, 1);
    memcpy(d->limb, w.l, sizeof d->limb);
    d->scale = (uint8_t)scale;
    d->negative = negative && precision > 0;
}

bool
ql_decimal_fit(ql_decimal *d, unsigned precision, unsigned scale, bool *truncated)
{
    bool negative = d->negative;
    *truncated = false;
    wide w;
    wide_from(&w, d);
    if (scale < d->scale) {
        int half = wide_scale_down(&w, d->scale - scale);
        *truncated = half != -2;
        if (half >= 0) {
            wide_increment(&w);
        }
    } else {
        wide_scale_up(&w, scale - d->scale);
    }
    wide bound = {{1}};
    wide_scale_up(&bound, precision);
    if (mpn_cmp(w.l, bound.l, WIDE) >= 0) {
        set_nines(d, precision, scale, negative);
        return false;
    }
    memcpy(d->limb, w.l, sizeof d->limb);
    d->scale = (uint8_t)scale;
    d->negative = negative && !ql_decimal_is_zero(d);
    return true;
}

/* Magnitude rounded to an integer. false = above 64 bits. */
static bool
rounded_magnitude(const ql_decimal *d, uint64_t *out)
{
    if (d->scale == 0) {
        *out = d->limb[0];
        return decimal_is_small(d);
    }
    wide w;
    wide_from(&w, d);
    if (wide_scale_down(&w, d->scale) >= 0) {
        wide_increment(&w);
    }
    *out = w.l[0];
    return (w.l[1] | w.l[2] | w.l[3]) == 0;
}

bool
ql_decimal_to_i64(const ql_decimal *d, int64_t *v)
{
    uint64_t m;
    bool fits = rounded_magnitude(d, &m);
    if (d->negative) {
        if (!fits || m > (uint64_t)INT64_MAX + 1) {
            *v = INT64_MIN;
            return false;
        }
        *v = (int64_t)(0 - m);
        return true;
    }
    if (!fits || m > INT64_MAX) {
        *v = INT64_MAX;
        return false;
    }
    *v = (int64_t)m;
    return true;
}

bool
ql_decimal_to_u64(const ql_decimal *d, uint64_t *v)
{
    uint64_t m;
    bool fits = rounded_magnitude(d, &m);
    if (d->negative && (!fits || m != 0)) {
        *v = 0;
        return false;
    }
    *v = fits ? m : UINT64_MAX;
    return fits;
}

/* Digits without leading zeros, at least one; no NUL. For qli_ users with big magnitudes. */
size_t
qli_decimal_digits_text(const ql_decimal *d, char *out)
{
    char tmp[96];
    size_t at = sizeof tmp;
    ql_decimal work = *d;
    mp_size_t n = 4;
    for (;;) {
        while (n > 0 && work.limb[n - 1] == 0) {
            n--;
        }
        if (n == 0) {
            break;
        }
        uint64_t rest;
        bool last = n == 1 && work.limb[0] < power64[19];
        if (last) {
            rest = work.limb[0];
            work.limb[0] = 0;
        } else {
            rest = mpn_divrem_1(limbs_of(&work), 0, limbs_of(&work), n, power64[19]);
        }
        for (unsigned i = 0; last ? rest != 0 : i < 19; i++) {
            tmp[--at] = (char)('0' + rest % 10);
            rest /= 10;
        }
    }
    if (at == sizeof tmp) {
        tmp[--at] = '0';
    }
    /* A full group of 19 at the front may start with zeros only when more digits precede it. */
    while (at < sizeof tmp - 1 && tmp[at] == '0') {
        at++;
    }
    memcpy(out, tmp + at, sizeof tmp - at);
    return sizeof tmp - at;
}

/* Magnitude from decimal digits (at most 76). */
void
qli_magnitude_from_digits(const char *digits, size_t n, uint64_t limb[4])
{
    memset(limb, 0, 4 * sizeof limb[0]);
    while (n > 0) {
        size_t step = n > 19 ? 19 : n;
        uint64_t chunk = 0;
        for (size_t i = 0; i < step; i++) {
            chunk = chunk * 10 + (uint64_t)(digits[i] - '0');
        }
        (void)mpn_mul_1((mp_limb_t *)limb, (mp_limb_t *)limb, 4, power64[step]);
        (void)mpn_add_1((mp_limb_t *)limb, (mp_limb_t *)limb, 4, chunk);
        digits += step;
        n -= step;
    }
}
